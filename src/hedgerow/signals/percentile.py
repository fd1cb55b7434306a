"""Where today's value stands among those of its own recent past (domain 2A-10): windowed, never expanding."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import known_count, padded

WINDOW: Final = 365  # days
LEAST: Final = 180  # known values, today's included


def percentile(values: Floats, window: int = WINDOW, least: int = LEAST) -> Floats:
    """Rank of each value among the known ones of its last ``window`` days, a fraction, same shape.

    1 is the highest, 0 the lowest, and equal values share the middle of their ranks, so a constant series stands at
    0.5. NaN where the value is unknown or fewer than ``least`` values are known.
    """
    rows = len(values)
    past = padded(values, window, np.nan)
    below = np.zeros(values.shape, dtype=np.int32)
    same = np.zeros(values.shape, dtype=np.int32)
    hit = np.zeros(values.shape, dtype=np.bool_)
    for age in range(window):
        before = past[age : age + rows]
        below += np.less(before, values, out=hit)
        same += np.equal(before, values, out=hit)
    known = known_count(values, window)
    rank = (below + 0.5 * (same - 1)) / np.maximum(known - 1, 1)
    return np.where((known >= least) & ~np.isnan(values), rank, np.nan)
