"""Oscillators on completed daily bars: Wilder's RSI and true range, stretch from the mean, contraction (domain 2.4)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import flag, highest, mean, ratio, root, run_length, shifted, variance, wilder_sum

PERIOD: Final = 14  # days
WINDOW: Final = 250  # bars: 25 half-lives of Wilder's smoothing; what lies before weighs 2e-8
STRETCH_WINDOW: Final = 20
CONTRACTION_MEAN: Final = 20  # days of the mean that the range is compared with
CONTRACTION_DAYS: Final = 10
CONTRACTION_WINDOW: Final = WINDOW + CONTRACTION_MEAN + CONTRACTION_DAYS - 2
FLAT: Final = 1e-12  # of the price: a deviation below is rounding


def rsi(close: Floats, period: int = PERIOD, window: int = WINDOW) -> Floats:
    """Wilder's relative strength index of closes [D, A], in points 0-100, seeded at the window's start.

    The first value stands on ``period + 1`` closes. Only gains: 100; neither gain nor loss: 50 (TA-Lib gives 0 there).
    """
    step = close - shifted(close, 1)
    up = wilder_sum(np.where(step < 0.0, 0.0, step), period, window - 1)
    down = wilder_sum(np.where(step > 0.0, 0.0, -step), period, window - 1)
    moved = up + down
    points = np.where(moved > 0.0, 100.0 * ratio(up, moved), 50.0)
    return np.where(run_length(step, window - 1) >= period, points, np.nan)


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The largest of high - low and the distances of high and low from the close before; NaN on the first bar."""
    before = shifted(close, 1)
    return np.maximum(high - low, np.maximum(np.abs(high - before), np.abs(low - before)))


def atr(high: Floats, low: Floats, close: Floats, period: int = PERIOD, window: int = WINDOW) -> Floats:
    """Wilder's average true range [D, A] in quote, seeded at the window's start; needs ``period + 1`` bars."""
    span = true_range(high, low, close)
    average = wilder_sum(span, period, window - 1) / period
    return np.where(run_length(span, window - 1) >= period, average, np.nan)


def stretch(close: Floats, window: int = STRETCH_WINDOW) -> Floats:
    """Distance of the close from its mean in standard deviations of the closes (as Bollinger: over n).

    0 for a flat series.
    """
    centre = mean(close, window)
    deviation = root(variance(close, window, lost=0))
    return np.where(deviation <= FLAT * centre, 0.0, ratio(close - centre, deviation))


def contraction(average_range: Floats) -> Floats:
    """1 when an ATR [D, A] was below its own 20-day mean on any of the last 10 bars, else 0.

    Unknown days do not hide a contraction that is known; without one they make the answer unknown.
    """
    usual = mean(average_range, CONTRACTION_MEAN)
    below = flag(average_range < usual, usual)
    found = highest(np.where(np.isnan(below), 0.0, below), CONTRACTION_DAYS)
    return np.where(found == 1.0, 1.0, highest(below, CONTRACTION_DAYS))
