"""Dear or cheap: the Mayer multiple and a fundamental series of the user's own (domain 2.4, 2.10, 2A-16)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import known_count, padded, ratio, root
from hedgerow.signals.trend import LONG, over_mean

WINDOW: Final = 365  # days
LEAST: Final = 180  # known values
FLAT: Final = 1e-12  # of the mean: a deviation below is rounding


def mayer_multiple(close: Floats) -> Floats:
    """Close over its 200-day mean, a ratio [D, A]: above 2.4 dear, below 0.8 cheap."""
    return over_mean(close, LONG)


def z_score(values: Floats, window: int = WINDOW, least: int = LEAST) -> Floats:
    """Distance from the mean of the known values of ``window`` days, in their standard deviations (n - 1), [D, A].

    NaN with fewer than ``least`` known values and for a series that did not move.
    """
    rows = len(values)
    past = padded(values, window, np.nan)
    known = known_count(values, window)
    sums = np.zeros(values.shape)
    for age in range(window):
        before = past[age : age + rows]
        sums += np.where(np.isnan(before), 0.0, before)
    centre = sums / np.maximum(known, 1)
    squares = np.zeros(values.shape)
    for age in range(window):
        off = past[age : age + rows] - centre
        squares += np.where(np.isnan(off), 0.0, off * off)
    deviation = root(squares / np.maximum(known - 1, 1))
    moved = (known >= least) & (deviation > FLAT * np.abs(centre))
    return np.where(moved, ratio(values - centre, deviation), np.nan)
