"""What would have been without the trims, without the hedge, without either: the same market, money and costs (2.20).

Two of the four yardsticks are runs of their own, made here; the other two stand among the benchmarks already: B4, a
constant hedge as large on average, shows what timing did, and B0, which buys and holds, what all rules did together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from hedgerow.ledger.statistics import cagr, max_drawdown, path_of, returns_of, sharpe
from hedgerow.model.policy import Policy, Rebalance
from hedgerow.model.report import Comparison, Run
from hedgerow.research.backtest import Stage, backtest

# what is judged -> the run without it, and the sentence that says what the difference means
YARDSTICKS: Final = {
    "trims": "The same rules without any trim or rebalancing.",
    "hedge": "The same rules with a hedge of nothing.",
    "timing": "The same book with a constant hedge as large on average (B4): what choosing the moment was worth.",
    "rules": "What was bought at the start, and held (B0): what trims, hedge and purchases did together.",
}
_AMONG_BENCHMARKS: Final = {"timing": "B4", "rules": "B0"}


class Effect(NamedTuple):
    """The run less its yardstick: end value in quote, CAGR, Sharpe ratio, deepest drawdown (above 0: shallower).

    None where a figure is not defined on both sides; ``same`` where the run had nothing of what is judged.
    """

    name: str
    sentence: str
    same: bool
    end_value: float
    cagr: float | None
    sharpe: float | None
    max_drawdown: float | None


def without_trims(policy: Policy) -> Policy:
    """The policy with no trim row, no trim of a regime's own, and no rebalancing."""
    regimes = {name: row.model_copy(update={"trim": "none"}) for name, row in policy.regime.items()}
    return policy.model_copy(update={"trim": {}, "regime": regimes, "rebalance": Rebalance()})


def without_hedge(policy: Policy) -> Policy:
    """The policy with a hedge ratio of at most nothing; trims stay as they are, none shorts its excess."""
    trims = {name: row.model_copy(update={"how": "trim"}) for name, row in policy.trim.items()}
    return policy.model_copy(update={"hedge": policy.hedge.model_copy(update={"cap": 0.0}), "trim": trims})


def without(
    policy: Policy,
    subject: Run,
    stage: Stage,
    *,
    capital: float,
    weights: Mapping[str, float],
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Run]:
    """The runs without trims and without a hedge; where ``subject`` has nothing to leave out, ``subject`` itself."""
    runs = {}
    wanted = {
        "trims": (without_trims, bool(policy.trim) or trims_by_regime(policy) or policy.rebalance != Rebalance()),
        "hedge": (without_hedge, hedged(subject)),
    }
    for name, (left_out, there) in wanted.items():
        label = f"without {name}" if name == "trims" else "without the hedge"
        runs[name] = subject
        if there:
            progress(label)
            run = backtest(left_out(policy), stage, capital=capital, weights=weights, label=label)
            runs[name] = replace(run, title=f"{subject.title}, {label}")
    return runs


def trims_by_regime(policy: Policy) -> bool:
    """Whether a regime sells by itself, without a trim row."""
    return any(row.trim == "aggressive" for row in policy.regime.values())


def hedged(run: Run) -> bool:
    """Whether a hedge was wanted on any day, or a future was held."""
    return bool(np.nanmax(run.h_intended, initial=0.0) > 0.0) or any(leg.kind != "spot" for leg in run.legs)


def effects(comparison: Comparison) -> list[Effect]:
    """A row for each yardstick that was run, in the order of ``YARDSTICKS``."""
    rows = []
    for name, sentence in YARDSTICKS.items():
        among = _AMONG_BENCHMARKS.get(name)
        other = comparison.without.get(name) if among is None else comparison.benchmarks.get(among)
        if other is not None:
            rows.append(_effect(name, sentence, comparison.subject, other))
    return rows


def _effect(name: str, sentence: str, run: Run, other: Run) -> Effect:
    mine, theirs = (returns_of(path_of(each)) for each in (run, other))
    return Effect(
        name,
        sentence,
        other is run,
        float(run.nav[-1] - other.nav[-1]),
        _known(cagr(mine) - cagr(theirs)),
        _known(sharpe(mine) - sharpe(theirs)),
        _known(max_drawdown(path_of(run)) - max_drawdown(path_of(other))),
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
