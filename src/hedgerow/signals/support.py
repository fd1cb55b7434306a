"""Support: the 200-day mean and the swing lows of a year that were touched more than once (domain 2.9)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.model.market import Floats, Ints
from hedgerow.signals.rolling import known_count, shifted

REACH: Final = 5  # days on either side that a swing low undercuts: it is known only 5 days later
WINDOW: Final = 365  # days
SPAN: Final = WINDOW - 2 * REACH  # rows on which a swing low of the window can become known
LEAST: Final = 180  # known lows
TOUCHES: Final = 2
NEAR: Final = 0.5  # ATR


def swing_lows(low: Floats) -> Floats:
    """The swing low that became known on each row [D, A], else NaN: the low of 5 days ago, if lowest of 5 either side.

    Of equal lows the first one counts.
    """
    candidate = shifted(low, REACH)
    lowest = ~np.isnan(candidate)
    for age in range(REACH):
        lowest &= (candidate <= shifted(low, age)) & (candidate < shifted(low, 2 * REACH - age))
    return np.where(lowest, candidate, np.nan)


def support(low: Floats, close: Floats, sma200: Floats, atr: Floats) -> tuple[Floats, Floats, Floats]:
    """``support_atr``, ``at_support`` and ``support_broken``, each [D, A]; prices and ``atr`` in quote.

    Levels of a day: SMA200, and clusters of at least two swing lows of the last 365 days, merged from below while the
    next lies within 1 ATR of the cluster's mean. Distance: (close - nearest level) / ATR, NaN without a level.
    At support: within 0.5 ATR of a level that neither this close nor the one before undercut by 0.5 ATR. Broken, on one
    day: this close and the one before undercut a level by 0.5 ATR and the close before those did not. NaN without ATR,
    three closes and 180 known lows.
    """
    swings = swing_lows(low)
    known = known_count(low, WINDOW)
    out = np.full((3, *low.shape), np.nan)
    _measure(swings, known, close, sma200, atr, out)
    return out[0], out[1], out[2]


@entrance
def _measure(swings: Floats, known: Ints, close: Floats, sma200: Floats, atr: Floats, out: Floats) -> None:
    days, assets = close.shape
    held = np.zeros(SPAN + 1)
    state = np.zeros(3)
    for a in range(assets):
        count = 0
        for t in range(days):
            if t >= SPAN and not np.isnan(swings[t - SPAN, a]):
                count = _remove(held, count, swings[t - SPAN, a])
            if not np.isnan(swings[t, a]):
                count = _insert(held, count, swings[t, a])
            if t < 2 or known[t, a] < LEAST or not atr[t, a] > 0.0:
                continue
            if np.isnan(close[t, a]) or np.isnan(close[t - 1, a]) or np.isnan(close[t - 2, a]):
                continue
            state[0] = np.nan
            state[1] = 0.0
            state[2] = 0.0
            if not np.isnan(sma200[t, a]):
                _judge(state, sma200[t, a], close[t, a], close[t - 1, a], close[t - 2, a], atr[t, a])
            touches = 0
            total = 0.0
            for i in range(count):
                if touches > 0 and held[i] - total / touches > atr[t, a]:
                    if touches >= TOUCHES:
                        _judge(state, total / touches, close[t, a], close[t - 1, a], close[t - 2, a], atr[t, a])
                    touches = 0
                    total = 0.0
                touches += 1
                total += held[i]
            if touches >= TOUCHES:
                _judge(state, total / touches, close[t, a], close[t - 1, a], close[t - 2, a], atr[t, a])
            for i in range(3):
                out[i, t, a] = state[i]


@compiled
def _judge(state: Floats, level: float, close: float, before: float, earlier: float, atr: float) -> None:
    """Take one level into account: the nearest distance, whether the close stands at it, whether it just broke."""
    distance = (close - level) / atr
    if np.isnan(state[0]) or abs(distance) < abs(state[0]):
        state[0] = distance
    floor = level - NEAR * atr
    if abs(distance) <= NEAR and before >= floor:
        state[1] = 1.0
    if close < floor and before < floor and earlier >= floor:
        state[2] = 1.0


@compiled
def _insert(held: Floats, count: int, value: float) -> int:
    """Put a value into the first ``count`` sorted ones; returns how many there are."""
    i = count
    while i > 0 and held[i - 1] > value:
        held[i] = held[i - 1]
        i -= 1
    held[i] = value
    return count + 1


@compiled
def _remove(held: Floats, count: int, value: float) -> int:
    """Take a value out of the first ``count`` sorted ones; returns how many are left."""
    i = 0
    while i < count and held[i] != value:
        i += 1
    while i < count - 1:
        held[i] = held[i + 1]
        i += 1
    return count - 1
