"""Fear: the Fear & Greed index, or a fallback from the market itself; 0 is extreme fear (domain 2.10)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.drawdown import LONG
from hedgerow.signals.percentile import WINDOW as PERCENTILE_WINDOW
from hedgerow.signals.percentile import percentile
from hedgerow.signals.rolling import flag, lowest, shifted

WEEK: Final = 7  # days
RISE: Final = 10.0  # points above the week's low
LEAST: Final = 3  # of the four gauges must be known
WINDOW: Final = PERCENTILE_WINDOW + LONG - 1  # bars
SUBSIDING_WINDOW: Final = WINDOW + WEEK - 1


def fallback(sigma7: Floats, return30: Floats, drawdown365: Floats, funding7: Floats) -> Floats:
    """Points 0-100 [D] from one market's own series [D]: 100 less the mean percentile of what frightens.

    That is volatility, the negative 30-day return, the drawdown and negative funding, each ranked in its last 365 days.
    Unknown ones are left out; NaN with fewer than three.
    """
    points = np.zeros(sigma7.shape)
    known = np.zeros(sigma7.shape)
    for gauge in (sigma7, -return30, drawdown365, -funding7):
        rank = percentile(gauge)
        points += np.where(np.isnan(rank), 0.0, rank)
        known += np.where(np.isnan(rank), 0.0, 1.0)
    return np.where(known >= LEAST, 100.0 - 100.0 * points / np.maximum(known, 1.0), np.nan)


def index_or(index: Floats, own: Floats) -> Floats:
    """The index [D] where it is known, else our own fallback."""
    return np.where(np.isnan(index), own, index)


def subsiding(points: Floats) -> Floats:
    """1 when fear stands 10 points above the low of its last 7 days and above the day before; all 7 must be known."""
    low, before = lowest(points, WEEK), shifted(points, 1)
    return flag((points >= low + RISE) & (points > before), low)


def index_or_own_subsiding(index: Floats, own: Floats) -> Floats:
    """``subsiding`` of the index where its week is known, else of the fallback: the two scales are never compared."""
    return index_or(subsiding(index), subsiding(own))
