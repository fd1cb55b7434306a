"""The columns of what a run records: a row a day, and a row a day and asset."""

from __future__ import annotations

from typing import Final

from hedgerow.kernel.arrays import PARTS

# ---- what a run records: day[D, :], by_asset[D, :, A] ----------------------------------------------------------------
(
    O_NAV,
    O_CASH,
    O_FUTURES,  # equity at the futures venue, quote
    O_SPOT_TRADED,  # quote, of the day
    O_FUTURES_TRADED,
    O_MARGIN,  # highest maintenance margin over equity of the day
    O_DISTANCE,  # lowest liquidation distance of the day
    O_CAPPED,
    O_WANTED,
    O_NEAR,  # highest rung of the margin ladder of the day
    O_SLEEVE,  # quote that the carry sleeve ties up: its coins, and as much collateral
) = range(11)
O_PARTS: Final = 11  # the cumulative parts follow
OUT_DAY: Final = O_PARTS + PARTS
(
    OA_PRICE,
    OA_WEIGHT,
    OA_TARGET,
    OA_H,
    OA_H_NOW,
    OA_STATE,
    OA_BASE,
    OA_SHORT,
) = range(8)
OUT_ASSET: Final = 8
