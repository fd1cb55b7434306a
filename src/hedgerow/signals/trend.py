"""Trend: closes over their moving means, slopes and returns (domain 2.8-2.11)."""

from __future__ import annotations

import math
from typing import Final

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import logs, mean, ratio, shifted
from hedgerow.units import DAYS_PER_YEAR

SHORT: Final = 50  # days
LONG: Final = 200
SLOPE: Final = 20
SLOPE_WINDOW: Final = LONG + SLOPE
ROOT_YEAR: Final = math.sqrt(DAYS_PER_YEAR)


def over_mean(close: Floats, window: int) -> Floats:
    """Close over the mean of its last ``window`` closes, a ratio [D, A]."""
    return ratio(close, mean(close, window))


def mean_slope(close: Floats, window: int = LONG, days: int = SLOPE) -> Floats:
    """Relative change of the ``window``-day mean over ``days``, a fraction [D, A]."""
    average = mean(close, window)
    return ratio(average, shifted(average, days)) - 1.0


def simple_return(close: Floats, days: int) -> Floats:
    """Close over the close of so many days earlier, less 1."""
    return ratio(close, shifted(close, days)) - 1.0


def loss_in_sigmas(close: Floats, sigma: Floats) -> Floats:
    """Last day's log loss (a gain is negative) over the volatility per day that was known *before* the day.

    ``sigma`` is per year [D, A]; its value of the day before is used, so that a crash does not dilute itself.
    """
    loss = -logs(ratio(close, shifted(close, 1)))
    return ratio(loss, shifted(sigma, 1) / ROOT_YEAR)
