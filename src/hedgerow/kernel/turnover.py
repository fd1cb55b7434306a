"""The turnover budget of a year: what is spent, and what a spent one stops before the plan is made (2.15)."""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    K_SOFT,
    LEG_SPOT,
    SLOTS,
    TURNOVER,
    X_BUY,
    X_BUY_REASON,
    X_IDEAL,
    X_PRICE,
    X_TRIM,
    X_TRIM_ROW,
    X_UNITS,
)  # fmt: skip
from hedgerow.kernel.leg import add_refusal, trim_reason
from hedgerow.model.market import Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_ENTRY: Final = float(Reason.ENTRY)
_TURNOVER: Final = float(Refusal.TURNOVER)


@compiled
def yearly_turnover(scalar: Floats) -> float:
    """Traded value over nav in the last year."""
    total = 0.0
    for k in range(SLOTS):
        total += scalar[TURNOVER + k]
    return total


@compiled
def soft_budget(rules: Floats, scalar: Floats, x: Floats, rows: int, legs: Floats, count: Ints, day: float) -> None:
    """With the soft turnover budget spent nothing is trimmed or bought: what changes holdings without protecting them.

    It comes before the plan, which is solved for what is left: a refused sale must not leave its cover behind.
    """
    turnover = yearly_turnover(scalar)
    soft = rules[K_SOFT]
    if turnover < soft:
        return
    for a in range(x.shape[1]):
        price = x[X_PRICE, a]
        row = int(x[X_TRIM_ROW, a])
        if x[X_TRIM, a] > 0.0:
            reason = trim_reason(row, rows)
            add_refusal(
                legs, count, a, a, LEG_SPOT, -x[X_TRIM, a], price, reason, float(row), _TURNOVER, turnover, soft, day
            )
            x[X_TRIM, a] = 0.0
            x[X_TRIM_ROW, a] = -1.0
            x[X_IDEAL, a] = x[X_UNITS, a]
        if x[X_BUY, a] > 0.0 and x[X_BUY_REASON, a] != _ENTRY:
            reason = x[X_BUY_REASON, a]
            add_refusal(legs, count, a, a, LEG_SPOT, x[X_BUY, a], price, reason, -1.0, _TURNOVER, turnover, soft, day)
            x[X_BUY, a] = 0.0
