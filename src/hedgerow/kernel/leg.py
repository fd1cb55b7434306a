"""Writing legs of a plan, and writing down what was refused."""

from __future__ import annotations

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    L_AT,
    L_COST,
    L_DAY,
    L_FOR,
    L_INST,
    L_KIND,
    L_LIMIT,
    L_MEASURED,
    L_PRICE,
    L_REASON,
    L_REFUSAL,
    L_ROW,
    L_SPOT,
    L_STATUS,
    L_UNITS,
    L_WANTED,
    PENDING,
    REFUSED,
)  # fmt: skip
from hedgerow.model.market import Floats, Ints


@compiled
def add_leg(
    legs: Floats, count: Ints, inst: int, asset: int, kind: float, units: float, price: float, spot: float, reason: float, row: float,
    measured: float, threshold: float, day: float,
) -> int:  # fmt: skip
    """Append a pending leg and return its index (-1 when the block is full)."""
    n = count[0]
    if n >= legs.shape[0]:
        return -1
    for k in range(legs.shape[1]):
        legs[n, k] = 0.0
    legs[n, L_INST] = inst
    legs[n, L_FOR] = asset
    legs[n, L_KIND] = kind
    legs[n, L_UNITS] = units
    legs[n, L_WANTED] = units
    legs[n, L_PRICE] = price
    legs[n, L_SPOT] = spot
    legs[n, L_REASON] = reason
    legs[n, L_ROW] = row
    legs[n, L_MEASURED] = measured
    legs[n, L_LIMIT] = threshold
    legs[n, L_STATUS] = PENDING
    legs[n, L_DAY] = day
    legs[n, L_AT] = -1.0
    count[0] = n + 1
    return n


@compiled
def refuse(legs: Floats, n: int, refusal: float, measured: float, threshold: float) -> None:
    """Turn leg ``n`` into a refusal; what was wanted stays in ``L_WANTED``."""
    legs[n, L_STATUS] = REFUSED
    legs[n, L_REFUSAL] = refusal
    legs[n, L_MEASURED] = measured
    legs[n, L_LIMIT] = threshold
    legs[n, L_UNITS] = 0.0
    legs[n, L_COST] = 0.0


@compiled
def add_refusal(
    legs: Floats, count: Ints, inst: int, asset: int, kind: float, wanted: float, price: float, reason: float, row: float,
    refusal: float, measured: float, threshold: float, day: float,
) -> None:  # fmt: skip
    """Append what was wanted and not done."""
    n = add_leg(legs, count, inst, asset, kind, wanted, price, np.nan, reason, row, measured, threshold, day)
    if n >= 0:
        refuse(legs, n, refusal, measured, threshold)
