"""What can be wrong with a series, each as one mask over its rows; and the errors with which loading refuses it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.model.market import Floats, Ints
from hedgerow.store.files import BARS, Bars, Rates, stamp

Mask = NDArray[np.bool_]
ROUNDING: Final = 1e-6  # relative; sources round each price by itself
JUMP_DEVIATIONS: Final = 12.0  # robust standard deviations of a bar's log return
JUMP_LEAST: Final = 0.35  # log return
LEAP: Final = float(np.log(10.0))  # log return that is hardly a move of the market
WICK_LEAST: Final = 0.5  # log distance of high or low from the bar's body
BACK: Final = 0.25  # a bad print is taken back to within this part of itself
STALE_BARS: Final = 2  # repeats of a whole bar
STALE_CLOSES: Final = 5  # repeats of a close, where there is nothing else
SIGNED: Final = ("macro", "fundamental")  # kinds whose values may be zero or negative


def unsorted(times: Ints) -> Mask:
    """Rows [N] that are earlier than the row before them."""
    return np.concatenate([[False], np.diff(times) < 0])[: len(times)]


def duplicate(times: Ints) -> Mask:
    """Rows [N] whose time stands on an earlier row already."""
    first = np.zeros(len(times), dtype=np.bool_)
    first[np.unique(times, return_index=True)[1]] = True
    return ~first


def off_grid(bars: Bars) -> Mask:
    """Bars [N] of a market that do not open on a multiple of their step."""
    if bars.file.kind in SIGNED or bars.file.kind == "stable":
        return np.zeros(len(bars.open_ns), dtype=np.bool_)
    return np.asarray(bars.open_ns % bars.file.step_ns != 0)


def needed(bars: Bars) -> tuple[Floats, ...]:
    """The columns whose every value must be known: all prices of spot and perp, the close of everything else."""
    if bars.file.kind in BARS:
        return (bars.open, bars.high, bars.low, bars.close)
    return (bars.close,)


def not_a_number(bars: Bars) -> Mask:
    """Bars [N] with an infinite price, or without one that they must have."""
    prices = (bars.open, bars.high, bars.low, bars.close)
    bad = [np.isinf(values) for values in prices] + [np.isnan(values) for values in needed(bars)]
    return np.asarray(np.logical_or.reduce(bad))


def non_positive(bars: Bars) -> Mask:
    """Bars [N] with a price of zero or less, or a negative volume."""
    if bars.file.kind in SIGNED:
        return np.zeros(len(bars.open_ns), dtype=np.bool_)
    prices = (bars.open, bars.high, bars.low, bars.close)
    return np.asarray(np.logical_or.reduce([values <= 0.0 for values in prices]) | (bars.volume < 0.0))


def outside(bars: Bars) -> Mask:
    """Bars [N] whose high is below, or whose low is above, one of their other prices (by more than a rounding)."""
    top = np.fmax(np.fmax(bars.open, bars.close), bars.low)
    bottom = np.fmin(np.fmin(bars.open, bars.close), bars.high)
    return (bars.high < top * (1.0 - ROUNDING)) | (bars.low > bottom * (1.0 + ROUNDING))


def refuse(bars: Bars) -> Bars:
    """The same bars, if they can be used. Raises ConfigError naming file, first bad row and fix."""
    fix = "Repair or fetch the file again; `hedgerow data check` lists every fault."
    faults = (
        (unsorted(bars.open_ns), "is earlier than the row before it"),
        (duplicate(bars.open_ns), "stands twice"),
        (off_grid(bars), f"is no opening time of a {bars.file.freq} bar"),
        (not_a_number(bars), "has a price that is not a number"),
        (non_positive(bars), "has a price of zero or less, or a negative volume"),
        (outside(bars), "has a high or low that leaves out one of its prices"),
    )
    for mask, sentence in faults:
        if mask.any():
            at = bars.open_ns[mask][0]
            raise ConfigError(f"the bar of {stamp(at)} {sentence}", where=bars.file.name, fix=fix)
    return bars


def refuse_rates(rates: Rates) -> Rates:
    """The same payments, if they can be used. Raises ConfigError naming file, first bad row and fix."""
    fix = "Repair or fetch the file again; `hedgerow data check` lists every fault."
    faults = (
        (unsorted(rates.stamp_ns), "is earlier than the row before it"),
        (duplicate(rates.stamp_ns), "stands twice"),
        (~np.isfinite(rates.rate), "has a rate that is not a number"),
    )
    for mask, sentence in faults:
        if mask.any():
            at = rates.stamp_ns[mask][0]
            raise ConfigError(f"the payment of {stamp(at)} {sentence}", where=rates.file.name, fix=fix)
    return rates


# ------------------------------------------------------------------------------------------- suspicions, not refusals


def returns(bars: Bars) -> Floats:
    """Log returns [N] of closes, NaN after a gap, for the first bar and where a price is not positive."""
    out = np.full(len(bars.close), np.nan)
    if len(out) > 1:
        fine = (bars.close[1:] > 0.0) & (bars.close[:-1] > 0.0) & (np.diff(bars.open_ns) == bars.file.step_ns)
        rows = np.flatnonzero(fine) + 1
        out[rows] = np.log(bars.close[rows] / bars.close[rows - 1])
    return out


def spread_of(values: Floats) -> float:
    """Robust standard deviation: 1.4826 times the median distance from the median; 0 without values."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0
    return 1.4826 * float(np.median(np.abs(known - np.median(known))))


def jumps(bars: Bars) -> tuple[Mask, Mask]:
    """Bars [N] that jump (12 robust deviations and 35 %): bad prints, which the next bar takes back, and moves."""
    change = returns(bars)
    limit = max(JUMP_DEVIATIONS * spread_of(change), JUMP_LEAST)
    following = np.append(change[1:], np.nan)
    with np.errstate(invalid="ignore"):
        far = np.abs(change) > limit
        back = far & (np.abs(change + following) < BACK * np.abs(change)) & (change * following < 0.0)
    after = np.concatenate([[False], back[:-1]])[: len(back)]
    return back, far & ~back & ~after


def wicks(bars: Bars) -> Mask:
    """Bars [N] with a high or low so far from open and close that no order of size would have had it."""
    limit = max(JUMP_DEVIATIONS * spread_of(returns(bars)), WICK_LEAST)
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.log(bars.high / np.fmax(bars.open, bars.close))
        down = np.log(np.fmin(bars.open, bars.close) / bars.low)
        return np.asarray((up > limit) | (down > limit))


def repeated(bars: Bars) -> Mask:
    """Bars [N] with exactly the prices of the bar before them, in runs of at least 2 (5 for series of closes alone)."""
    same = np.zeros(len(bars.close), dtype=np.bool_)
    if len(same) < 2:
        return same
    columns = (bars.open, bars.high, bars.low, bars.close)
    equal = [(values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1])) for values in columns]
    same[1:] = np.logical_and.reduce(equal)
    least = STALE_CLOSES if np.isnan(bars.open).all() else STALE_BARS
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first < least:
            same[first:last] = False
    return same
