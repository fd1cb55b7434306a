"""What would have been without the trims, without the hedge, without either: the same market, money and costs (2.20).

Two of the four yardsticks are runs of their own, made here; the other two stand among the benchmarks already: B4, a
constant hedge as large on average, shows what timing did, and B0, which buys and holds, what all rules did together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from hedgerow.model.policy import Policy, Rebalance
from hedgerow.model.report import Run
from hedgerow.research.backtest import Stage, backtest


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
