"""What each rule was worth: the run beside the four yardsticks that a comparison holds (2.20).

It reads finished runs alone, so that faces can show it without bringing the kernel.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hedgerow.ledger.statistics import cagr, max_drawdown, path_of, returns_of, sharpe
from hedgerow.model.report import Comparison, Run

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
