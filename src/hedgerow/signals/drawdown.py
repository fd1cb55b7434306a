"""How far a market has fallen from its recent highs (domain 2.10, 2.11)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import flag, known_count, lowest, padded, ratio, shifted
from hedgerow.signals.rolling import highest as highest_of

SHORT: Final = 20  # days
LONG: Final = 365
LONG_LEAST: Final = 180  # known highs
LOW: Final = 90


def from_highest_close(close: Floats, window: int = SHORT) -> Floats:
    """Fall of the close from the highest of its last ``window`` closes, a positive fraction [D, A]."""
    return 1.0 - ratio(close, highest_of(close, window))


def from_highest_high(close: Floats, high: Floats, window: int = LONG, least: int = LONG_LEAST) -> Floats:
    """Fall of the close from the highest *known* high of ``window`` days, a positive fraction [D, A].

    NaN with fewer than ``least`` known highs: a young market has no year to look back on.
    """
    rows = len(high)
    past = padded(high, window, np.nan)
    top = past[:rows].copy()
    for age in range(1, window):
        np.fmax(top, past[age : age + rows], out=top)
    fall = np.maximum(1.0 - ratio(close, top), 0.0)
    return np.where(known_count(high, window) >= least, fall, np.nan)


def is_lowest_close(close: Floats, window: int = LOW) -> Floats:
    """1 when the close is below each of the ``window - 1`` closes before it, else 0 (a new low)."""
    before = lowest(shifted(close, 1), window - 1)
    return flag(close < before, close, before)
