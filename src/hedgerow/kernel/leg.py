"""Stage 5b, legs: the plan written as legs, and what was wanted and refused."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_SOLD,
    K_DOWN_EVERY,
    L_AT,
    L_COST,
    L_DAY,
    L_FIRED,
    L_FOR,
    L_INST,
    L_KIND,
    L_LIMIT,
    L_MEASURED,
    L_PRICE,
    L_REASON,
    L_REFUSAL,
    L_ROW,
    L_SOLD,
    L_SPOT,
    L_STATUS,
    L_UNITS,
    L_WANTED,
    LEG_FUTURES,
    LEG_SPOT,
    PENDING,
    REFUSED,
    T_ONCE,
    T_REARM,
    TRIM_ARMED,
    TRIM_DAY,
    TRIM_DONE,
    X_BUY,
    X_BUY_REASON,
    X_CARRY,
    X_FIRED,
    X_H,
    X_H_NOW,
    X_H_WANTED,
    X_MEASURED,
    X_MOVE,
    X_NO_ADD,
    X_OWN,
    X_PRICE,
    X_REASON_H,
    X_SOLD_NEW,
    X_SPOT_NEW,
    X_THRESHOLD,
    X_TRIM,
    X_TRIM_ROW,
    X_UNITS,
)  # fmt: skip
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason, Refusal

_BUY_BACK: Final = float(Reason.BUY_BACK)
_COVER: Final = float(Reason.HEDGE_COVER)
_CROSS: Final = float(Reason.CROSS_HEDGE)
_EXCESS: Final = float(Reason.HEDGE_EXCESS)
_FAILING: Final = float(Reason.VENUE_FAILURE)
_FAILURE: Final = INDEX["venue_failure"]
_FUND: Final = float(Reason.FUND_HEDGE)
_RAISE: Final = float(Reason.HEDGE_RAISE)
_PAID_CAP: Final = float(Refusal.PAID_CAP)
_REBALANCE: Final = float(Reason.REBALANCE)
_RESTORE: Final = float(Reason.HEDGE_RESTORE)
_RHO2: Final = INDEX["rho2"]
_ROLL: Final = float(Reason.ROLL)
_RUNG_WAIT: Final = float(Refusal.RUNG_WAIT)
_TINY: Final = 1e-12
_TRIM: Final = float(Reason.TRIM)
_TRIM_PEAK: Final = float(Reason.TRIM_PEAK)
_UNFUNDED: Final = float(Reason.HEDGE_UNFUNDED)
_VENUE: Final = float(Refusal.VENUE)
_TRIM_TOP: Final = float(Reason.TRIM_TOP)
_UNHEDGED: Final = float(Reason.SELL_UNHEDGED)


@compiled
def add_leg(
    legs: Floats,
    count: Ints,
    inst: int,
    asset: int,
    kind: float,
    units: float,
    price: float,
    spot: float,
    reason: float,
    row: float,
    measured: float,
    threshold: float,
    day: float,
) -> int:
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
    legs[n, L_FIRED] = -1.0
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
    legs: Floats,
    count: Ints,
    inst: int,
    asset: int,
    kind: float,
    wanted: float,
    price: float,
    reason: float,
    row: float,
    refusal: float,
    measured: float,
    threshold: float,
    day: float,
) -> int:
    """Append what was wanted and not done; returns its index (-1 when the block is full)."""
    n = add_leg(legs, count, inst, asset, kind, wanted, price, np.nan, reason, row, measured, threshold, day)
    if n >= 0:
        refuse(legs, n, refusal, measured, threshold)
    return n


@compiled
def _carry(legs: Floats, n: int, sold: float) -> None:
    """Let leg ``n`` change, when it fills, the coins that count as sold in place of a short."""
    if n >= 0:
        legs[n, L_SOLD] = sold


@compiled
def trim_reason(row: int, rows: int) -> float:
    """The reason of a sale by the kernel's row: behind the policy's rows come those of the regime table."""
    if row == rows:
        return _TRIM_PEAK
    if row == rows + 1:
        return _TRIM_TOP
    return _TRIM if row < rows else _REBALANCE


@compiled
def begin_episode(trim: Floats, trims: Floats, row: int, a: int, day: float) -> None:
    """A trim by ``row`` was made: its cooldown begins, and it fires no more until it is armed again (E-19)."""
    if not 0 <= row < trim.shape[0]:
        return
    trims[TRIM_DAY, row, a] = day
    if not np.isnan(trim[row, T_REARM]):
        trims[TRIM_ARMED, row, a] = 0.0
    if trim[row, T_ONCE] == 1.0:
        trims[TRIM_DONE, row, a] = 1.0


@compiled
def write_spot(
    rules: Floats,
    trims: Floats,
    asset: Floats,
    x: Floats,
    measure: Floats,
    cross_rho2: float,
    legs: Floats,
    count: Ints,
    day: float,
    sells: bool,
) -> None:
    """Spot legs of the plan: sales (trim, then what funds a hedge), or purchases (wanted, then bought back)."""
    rows = rules.shape[0]
    for a in range(asset.shape[1]):
        if x[X_MOVE, a] != 1.0:
            continue
        price = x[X_PRICE, a]
        least = _TINY * x[X_UNITS, a]
        change = x[X_SPOT_NEW, a] - x[X_UNITS, a]
        sold = x[X_SOLD_NEW, a] - asset[B_SOLD, a]  # what all legs of the asset change together
        if sells and change < -least:
            trim = min(x[X_TRIM, a], -change)
            rest = -change - trim
            if rest <= least:
                rest = 0.0
            if trim > 0.0:
                row = int(x[X_TRIM_ROW, a])
                n = add_leg(legs, count, a, a, LEG_SPOT, -trim, price, price, trim_reason(row, rows), float(row),
                            x[X_MEASURED, a],
                            x[X_THRESHOLD, a], day)  # fmt: skip
                _carry(legs, n, sold - rest)
                if n >= 0:
                    legs[n, L_FIRED] = x[X_FIRED, a]
            if rest > 0.0:
                reason = _FUND if x[X_OWN, a] >= 0.0 else _UNHEDGED
                if x[X_NO_ADD, a] == _VENUE:
                    reason = _FAILING
                measured = measure[_RHO2, a] if reason == _UNHEDGED else x[X_H_NOW, a]
                limit = cross_rho2 if reason == _UNHEDGED else x[X_H, a]
                n = add_leg(legs, count, a, a, LEG_SPOT, -rest, price, price, reason, -1.0, measured, limit, day)
                _carry(legs, n, rest if trim > 0.0 else sold)
        elif not sells and change > least:
            bought = min(x[X_BUY, a], change)
            back = change - bought
            if back <= least:
                back = 0.0
            if bought > 0.0:
                n = add_leg(legs, count, a, a, LEG_SPOT, bought, price, price, x[X_BUY_REASON, a], -1.0,
                            x[X_MEASURED, a],
                            x[X_THRESHOLD, a], day)  # fmt: skip
                _carry(legs, n, sold + back)
            if back > 0.0:
                n = add_leg(
                    legs, count, a, a, LEG_SPOT, back, price, price, _BUY_BACK, -1.0, x[X_H_NOW, a], x[X_H, a], day
                )
                _carry(legs, n, -back if bought > 0.0 else sold)
        elif sells and change <= least:  # nothing to trade: a trim and a purchase cancel, or what was sold is forgotten
            asset[B_SOLD, a] = x[X_SOLD_NEW, a]
            if x[X_TRIM, a] > least:
                begin_episode(rules, trims, int(x[X_FIRED, a]), a, day)


@compiled
def note_limits(rules: Floats, x: Floats, legs: Floats, count: Ints, day: float) -> None:
    """Write down where a hedge was wanted and limited before any leg was made (rung wait, frozen, venue)."""
    for a in range(x.shape[1]):
        code = x[X_REASON_H, a]
        if code == 0.0 or x[X_UNITS, a] <= 0.0:
            continue
        reason = _RAISE if x[X_H_WANTED, a] > x[X_H, a] else _COVER
        measured = x[X_H_WANTED, a]
        limit = x[X_H, a]
        if code == _PAID_CAP:
            measured = -x[X_CARRY, a]
        elif code == _RUNG_WAIT:
            limit = rules[K_DOWN_EVERY]
        wanted = x[X_UNITS, a] * (x[X_H, a] - x[X_H_WANTED, a])
        add_refusal(
            legs,
            count,
            int(x[X_OWN, a]),
            a,
            LEG_FUTURES,
            wanted,
            x[X_PRICE, a],
            reason,
            -1.0,
            code,
            measured,
            limit,
            day,
        )
