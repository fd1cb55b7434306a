"""The market as the kernel reads it: time-major panels on one axis, and the daily history that signals measure.

The axis is the finest grid that a run uses. A bar is named by its opening time. A coarse bar's open is known on the
row where it opens and its high, low and close on the row where it closes, so nothing is seen early.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hedgerow.model.instrument import Universe

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Market:
    """Panels of a run. T bars, I instruments, D days; all C-contiguous, prices in quote, NaN where unknown.

    ``open``: NaN where no bar of the instrument opens on this row (no order can fill there).
    ``high``, ``low``: NaN where no bar closes. ``close``: last known close, carried forward; NaN before listing.
    ``fresh``: 1 where ``close`` is of this row. ``funding``: sum of the rates stamped at this row's opening time, paid
    on the position held before the row's fills; 0 between stamps, NaN where it is not known: before the first stamp,
    and from the moment a payment is overdue until the next one.
    ``day``: index of the daily bar that completes at this row's close, -1 on other rows.
    """

    universe: Universe
    open_ns: Ints  # [T]
    step_ns: int
    open: Floats  # [T, I]
    high: Floats
    low: Floats
    close: Floats
    fresh: Bytes
    funding: Floats  # [T, I]
    day: NDArray[np.int32]  # [T]
    days_ns: Ints  # [D] opening time of each daily bar
    coverage: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Daily:
    """Completed daily bars of D days and A assets, and what else signals measure; NaN where unknown.

    Row ``d`` holds only what is known at the close of day ``d`` (publication lags are already applied).
    ``realised`` is the sum of squared hourly log returns of the day. ``funding_sum`` is the sum of the day's rates and
    ``funding_hours`` the hours they cover; ``funding_last3`` the mean of the last 3 payments, per 8 hours.
    ``dated_*`` are [D, A, K] closes and days to expiry of up to K listed dated contracts.
    """

    assets: tuple[str, ...]
    days_ns: Ints  # [D]
    open: Floats  # [D, A]
    high: Floats
    low: Floats
    close: Floats
    volume: Floats  # base units
    realised: Floats
    perp_close: Floats
    perp_volume: Floats  # base units
    funding_sum: Floats
    funding_hours: Floats
    funding_last3: Floats
    dated_close: Floats  # [D, A, K]
    dated_days: Floats  # [D, A, K]
    fear: Floats  # [D]
    vix: Floats
    dxy: Floats
    rate: Floats
    quote_usd: Floats
    fundamental: Floats  # [D, A]
    half_spread: Floats  # [D, A, 2] of spot and of the perpetual, a fraction
    depth: Floats  # [D, A, 2] quote within 2 % of the mid, one side
    market_asset: int = 0
