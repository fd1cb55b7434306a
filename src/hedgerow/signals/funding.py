"""Funding of perpetuals: positive is paid by longs, so a short hedge receives it (domain 2.7, 2.8)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import flag, ratio, root, shifted, total, variance
from hedgerow.units import DAYS_PER_YEAR, HOURS_PER_DAY

DAYS: Final = 7  # of the level
MONTH: Final = 30  # days of the level that a choice of contract looks at
LAG: Final = 3  # days of the change
JUMP_DAYS: Final = 90
JUMP_WINDOW: Final = JUMP_DAYS + LAG + DAYS - 1
STILL: Final = 1e-9  # per year: changes below are rounding
FLIP: Final = -0.5e-4  # per 8 hours
PAYMENTS: Final = DAYS_PER_YEAR * HOURS_PER_DAY / 8.0  # of 8 hours, a year


def level(rate_sum: Floats, hours: Floats, days: int = DAYS) -> Floats:
    """Mean funding of ``days``, a fraction per year [D, A]: rates paid over the hours that they cover."""
    return ratio(total(rate_sum, days), total(hours, days)) * (DAYS_PER_YEAR * HOURS_PER_DAY)


def jump(funding: Floats) -> Floats:
    """3-day change of a funding level [D, A] in standard deviations of that change over 90 days.

    Where funding has not moved in 90 days: 0 for no change.
    """
    change = funding - shifted(funding, LAG)
    deviation = root(variance(change, JUMP_DAYS))
    still = (deviation <= STILL) & (np.abs(change) <= STILL)
    return np.where(still, 0.0, ratio(change, deviation))


def flipped(last_three: Floats, funding: Floats) -> Floats:
    """1 when the last 3 payments average below -0.5 bp per 8 hours and the level of 3 days ago was positive."""
    before = shifted(funding, LAG)
    return flag((last_three < FLIP) & (before > 0.0), last_three, before)


def carry(rate_per_8h: float, *, compound: bool = False) -> float:
    """What a short receives in a year at a constant rate per 8 hours, a fraction (1 bp: 10.95 %, compound 11.57 %)."""
    return math.pow(1.0 + rate_per_8h, PAYMENTS) - 1.0 if compound else rate_per_8h * PAYMENTS
