"""Windows over daily bars: the arithmetic that every signal is made of.

Axis 0 is the day; other axes (assets, pairs) are carried along. The loop runs over the *age* of a bar within its
window, oldest first, and each step serves all days and assets at once. So a row is built from exactly its window by the
same operations in the same order wherever the window lies in the data: a batch row has the bits of the live one. Only
elementary operations of IEEE 754 are used on arrays (add, multiply, divide, square root, compare), never a reduction.
Nothing has to be compiled for that, and the interpreter's time for it is the compiler's.

Unknown is NaN. A plain window with an unknown value in it is unknown. A recursive measure starts anew after a gap: it
is a function of the bars since the last unknown one in its window, and ``run_length`` says how many these are.
"""

from __future__ import annotations

import math

import numpy as np

from hedgerow.jit import entrance
from hedgerow.model.market import Floats, Ints


def logs(values: Floats) -> Floats:
    """Natural logarithms, same shape, by the C library one by one; NaN where a value is not positive and finite."""
    out = np.full(values.size, np.nan)
    _log(values.ravel(), out)
    return out.reshape(values.shape)


@entrance
def _log(values: Floats, out: Floats) -> None:
    for i in range(len(values)):
        if 0.0 < values[i] < np.inf:
            out[i] = math.log(values[i])


def ratio(over: Floats, under: Floats) -> Floats:
    """``over / under``; NaN where that is not a finite number."""
    with np.errstate(all="ignore"):
        out = np.asarray(over / under)
    return np.where(np.isfinite(out), out, np.nan)


def root(values: Floats) -> Floats:
    """Square root; NaN where the value is negative or not finite."""
    with np.errstate(invalid="ignore"):
        out = np.sqrt(values)
    return np.where(np.isfinite(out), out, np.nan)


def flag(true: np.ndarray, *needed: Floats) -> Floats:
    """1 where ``true``, 0 where not, NaN where one of the ``needed`` values is unknown."""
    out = np.where(true, 1.0, 0.0)
    for values in needed:
        out = np.where(np.isnan(values), np.nan, out)
    return out


def shifted(values: Floats, days: int) -> Floats:
    """The value of so many days earlier; NaN on the first rows."""
    out = np.full(values.shape, np.nan)
    if days < len(values):
        out[days:] = values[: len(values) - days]
    return out


def padded(values: Floats, window: int, fill: float) -> Floats:
    """``window - 1`` rows of ``fill`` above the values: rows ``t`` to ``t + window - 1`` are day ``t``'s window."""
    return np.concatenate([np.full((window - 1, *values.shape[1:]), fill), values])


def total(values: Floats, window: int) -> Floats:
    """Sum of the last ``window`` values; NaN unless all are known."""
    out = np.full(values.shape, np.nan)
    rows = len(values) - window + 1
    if rows > 0:
        out[window - 1 :] = values[:rows]
        for age in range(1, window):
            out[window - 1 :] += values[age : age + rows]
    return out


def mean(values: Floats, window: int) -> Floats:
    """Mean of the last ``window`` values; NaN unless all are known."""
    return total(values, window) / window


def mean_of_known(values: Floats, window: int, least: int) -> Floats:
    """Mean of those of the last ``window`` values that are known; NaN where fewer than ``least`` are."""
    count = known_count(values, window)
    sums = total(np.where(np.isnan(values), 0.0, values), window)
    return np.where(count >= least, sums / np.maximum(count, 1), np.nan)


def variance(values: Floats, window: int, lost: int = 1) -> Floats:
    """Variance of the last ``window`` values over ``window - lost``, in two passes; NaN unless all are known."""
    out = np.full(values.shape, np.nan)
    rows = len(values) - window + 1
    if rows > 0:
        centre = mean(values, window)[window - 1 :]
        squares = np.zeros(centre.shape)
        for age in range(window):
            off = values[age : age + rows] - centre
            squares += off * off
        out[window - 1 :] = squares / (window - lost)
    return out


def highest(values: Floats, window: int) -> Floats:
    """Largest of the last ``window`` values; NaN unless all are known."""
    out = np.full(values.shape, np.nan)
    rows = len(values) - window + 1
    if rows > 0:
        out[window - 1 :] = values[:rows]
        for age in range(1, window):
            np.maximum(out[window - 1 :], values[age : age + rows], out=out[window - 1 :])
    return out


def lowest(values: Floats, window: int) -> Floats:
    """Smallest of the last ``window`` values; NaN unless all are known."""
    return -highest(-values, window)


def known_count(values: Floats, window: int) -> Ints:
    """How many of the last ``window`` values are known."""
    seen = np.cumsum(~np.isnan(values), axis=0, dtype=np.int64)
    out: Ints = seen.copy()
    out[window:] -= seen[: max(0, len(seen) - window)]
    return out


def run_length(values: Floats, window: int) -> Ints:
    """How many values are known without a gap up to each row, counted to ``window``."""
    rows = np.arange(1, len(values) + 1, dtype=np.int64).reshape(-1, *([1] * (values.ndim - 1)))
    gap = np.maximum.accumulate(np.where(np.isnan(values), rows, 0), axis=0)
    return np.minimum(rows - gap, window)


def median(values: Floats, window: int, least: int) -> Floats:
    """Median of the known ones among the last ``window`` values; NaN with fewer than ``least``."""
    columns = values.reshape(len(values), -1)
    out = np.full(columns.shape, np.nan)
    _median(columns, window, least, out)
    return out.reshape(values.shape)


@entrance
def _median(values: Floats, window: int, least: int, out: Floats) -> None:
    """Keep the window's known values sorted while it moves on."""
    held = np.zeros(window + 1)
    for a in range(values.shape[1]):
        count = 0
        for t in range(values.shape[0]):
            if t >= window and not np.isnan(values[t - window, a]):
                at = np.searchsorted(held[:count], values[t - window, a])
                held[at : count - 1] = held[at + 1 : count]
                count -= 1
            if not np.isnan(values[t, a]):
                at = np.searchsorted(held[:count], values[t, a])
                held[at + 1 : count + 1] = held[at:count]
                held[at] = values[t, a]
                count += 1
            if count >= least:
                out[t, a] = (held[(count - 1) // 2] + held[count // 2]) / 2.0


def faded(values: Floats, decay: float, window: int) -> Floats:
    """Sum of ``decay**age * value`` over the unbroken run of known values that ends the window; 0 after a gap.

    The weights are not normalised: divide by ``faded_weight`` of the run's length, or by another faded sum.
    """
    known = ~np.isnan(values)
    value = padded(np.where(known, values, 0.0), window, 0.0)
    factor = padded(np.where(known, decay, 0.0), window, 0.0)
    out = np.zeros(values.shape)
    for age in range(window):
        out *= factor[age : age + len(out)]
        out += value[age : age + len(out)]
    return out


def faded_weight(run: Ints, decay: float, window: int) -> Floats:
    """Sum of the weights of ``faded`` for runs of that length."""
    table = [0.0]
    for _ in range(window):
        table.append(table[-1] * decay + 1.0)
    return np.array(table)[run]


def smoothed(values: Floats, decay: float, window: int) -> Floats:
    """Exponential smoothing ``decay * before + (1 - decay) * value``, seeded with the first value of the run.

    The run is the unbroken one that ends the window (RiskMetrics recursion; domain G-60). 0 after a gap.
    """
    known = ~np.isnan(values)
    first = known & (run_length(values, 2) == 1)
    value = np.where(first, values, np.where(known, (1.0 - decay) * values, 0.0))
    factor = np.where(known & ~first, decay, 0.0)
    value, factor = padded(value, window, 0.0), padded(factor, window, 0.0)
    seed = padded(np.where(known, values, 0.0), window, 0.0)
    rows = len(values)
    out = seed[:rows].copy()
    for age in range(1, window):
        out *= factor[age : age + rows]
        out += value[age : age + rows]
    return out


def wilder_sum(values: Floats, period: int, window: int) -> Floats:
    """Wilder's smoothed mean times ``period``, seeded with the sum of the run's first ``period`` values.

    Then before * (period - 1) / period + value (Wilder 1978). A partial sum before the seed is complete, 0 after a gap.
    """
    known = ~np.isnan(values)
    run = run_length(values, period + 1)
    value = padded(np.where(known, values, 0.0), window, 0.0)
    seeding = padded(np.where(run > 1, 1.0, 0.0), window, 0.0)
    smoothing = padded(np.where(run > period, (period - 1) / period, np.where(run > 1, 1.0, 0.0)), window, 0.0)
    rows = len(values)
    out = value[:rows].copy()
    for age in range(1, window):
        factor = seeding if age < period else smoothing
        out *= factor[age : age + rows]
        out += value[age : age + rows]
    return out
