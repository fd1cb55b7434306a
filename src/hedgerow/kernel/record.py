"""What a run writes down: legs to the log, and a row of results a day."""

from __future__ import annotations

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_H,
    B_SOLD,
    B_STATE,
    FILLED,
    FIRST_PART,
    I_ASSET,
    I_INVERSE,
    L_AT,
    L_CHARGE,
    L_DAY,
    L_DONE,
    L_FEE,
    L_FILL,
    L_FOR,
    L_INST,
    L_KIND,
    L_MEASURED,
    L_MOVED,
    L_PAID_IN,
    L_SIZE,
    L_SLEEVE,
    L_SPOT,
    L_STATUS,
    L_WANTED,
    LEG_FUNDING,
    LEG_FUTURES,
    P_COLLATERAL,
    P_TOP,
    P_UNITS,
    PARTS,
    PENDING,
    REFUSED,
    S_CAPPED_DAY,
    S_DAY,
    S_FUTURES_TRADED,
    S_NAV,
    S_SPOT_TRADED,
    W_CASH,
    W_MARGIN,
    X_H_NOW,
    X_PRICE,
    X_SHORT,
    X_TARGET,
    X_UNITS,
    X_WEIGHT,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.columns import (
    O_CAPPED,
    O_CASH,
    O_DISTANCE,
    O_FUTURES,
    O_FUTURES_TRADED,
    O_MARGIN,
    O_NAV,
    O_NEAR,
    O_PARTS,
    O_SLEEVE,
    O_SPOT_TRADED,
    O_WANTED,
    OA_BASE,
    OA_H,
    OA_H_NOW,
    OA_PRICE,
    OA_SHORT,
    OA_STATE,
    OA_TARGET,
    OA_WEIGHT,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg, refuse
from hedgerow.kernel.position import futures_value
from hedgerow.kernel.sleeve import tied_up
from hedgerow.model.market import Floats, Ints


@compiled
def write_log(log: Floats, used: Ints, legs: Floats, n: int) -> None:
    """Copy leg ``n`` to the log; a full log keeps counting."""
    k = used[0]
    if k < log.shape[0]:
        for f in range(legs.shape[1]):
            log[k, f] = legs[n, f]
    used[0] = k + 1


@compiled
def log_event(
    rules: Rules,
    work: Work,
    log: Floats,
    used: Ints,
    i: int,
    units: float,
    size: float,
    price: float,
    spot: float,
    fee: float,
    moved: float,
    reason: float,
    at: int,
    day: float,
    sleeve: float,
) -> None:
    """Write down what the venue did by itself (liquidation, settlement) to ``units`` of contract ``i``, ``size`` as the
    contract counts; ``fee`` is quote, ``moved`` the collateral that came back (negative), settle currency;
    ``sleeve`` 1: to the carry sleeve's part.
    """
    kept = work.counts[0]
    a = int(rules.inst[I_ASSET, i])
    inverse = rules.inst[I_INVERSE, i] == 1.0
    n = add_leg(work.legs, work.counts, i, a, LEG_FUTURES, units, price, spot, reason, -1.0, price, np.nan, day)
    if n >= 0:
        work.legs[n, L_STATUS] = FILLED
        work.legs[n, L_AT] = at
        work.legs[n, L_FILL] = price
        work.legs[n, L_DONE] = units
        work.legs[n, L_FEE] = fee
        work.legs[n, L_MOVED] = moved
        work.legs[n, L_SIZE] = size
        work.legs[n, L_CHARGE] = fee / spot if inverse else fee
        work.legs[n, L_PAID_IN] = a if inverse else -1.0
        work.legs[n, L_SLEEVE] = sleeve
        write_log(log, used, work.legs, n)
    work.counts[0] = kept


@compiled
def log_funding(
    log: Floats,
    used: Ints,
    i: int,
    a: int,
    received: float,
    rate: float,
    mark: float,
    spot: float,
    at: int,
    day: float,
    sleeve: float,
) -> None:
    """Write down a funding payment (nan: unknown) on the position held at the stamp, or on the carry ``sleeve``'s."""
    k = used[0]
    if k < log.shape[0]:
        for f in range(log.shape[1]):
            log[k, f] = 0.0
        log[k, L_INST] = i
        log[k, L_FOR] = a
        log[k, L_KIND] = LEG_FUNDING
        log[k, L_STATUS] = FILLED
        log[k, L_AT] = at
        log[k, L_DAY] = day
        log[k, L_DONE] = received
        log[k, L_MEASURED] = rate
        log[k, L_FILL] = mark
        log[k, L_SPOT] = spot
        log[k, L_SLEEVE] = sleeve
    used[0] = k + 1


@compiled
def log_unfilled(
    work: Work, log: Floats, used: Ints, n: int, left: float, refusal: float, measured: float, threshold: float
) -> None:
    """Write down what of leg ``n`` did not fill, as a refusal; the plan keeps its legs."""
    kept = work.counts[0]
    if kept >= work.legs.shape[0]:
        return
    for f in range(work.legs.shape[1]):
        work.legs[kept, f] = work.legs[n, f]
    refuse(work.legs, kept, refusal, measured, threshold)
    work.legs[kept, L_WANTED] = left
    work.legs[kept, L_AT] = -2.0
    write_log(log, used, work.legs, kept)


@compiled
def record_day(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    nav: float,
    d: int,
    worst: Floats,
    traded: Floats,
    day_out: Floats,
    asset_out: Floats,
    bits_out: Ints,
) -> None:
    """Write the day's row of the result; starts the next day's extremes."""
    book.scalar[S_NAV] = nav
    day_out[d, O_NAV] = nav
    day_out[d, O_CASH] = book.wallet[W_CASH, 0]
    futures = book.wallet[W_MARGIN, 0]
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] != 0.0 or book.inst[P_COLLATERAL, i] != 0.0:
            spot = price[int(rules.inst[I_ASSET, i])]
            futures += futures_value(book.inst, rules.inst, i, price[i], spot)
            if rules.inst[I_INVERSE, i] == 1.0:
                futures -= book.inst[P_COLLATERAL, i] * spot
    day_out[d, O_FUTURES] = futures
    day_out[d, O_SLEEVE] = tied_up(book.asset, book.inst, price)
    day_out[d, O_SPOT_TRADED] = book.scalar[S_SPOT_TRADED] - traded[0]
    day_out[d, O_FUTURES_TRADED] = book.scalar[S_FUTURES_TRADED] - traded[1]
    traded[0] = book.scalar[S_SPOT_TRADED]
    traded[1] = book.scalar[S_FUTURES_TRADED]
    day_out[d, O_MARGIN] = worst[0]
    day_out[d, O_DISTANCE] = worst[1]
    day_out[d, O_CAPPED] = 1.0 if book.scalar[S_CAPPED_DAY] == book.scalar[S_DAY] - 1.0 else 0.0
    day_out[d, O_WANTED] = work.counts[1]
    day_out[d, O_NEAR] = worst[2]
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        book.inst[P_TOP, i] = 0.0
    worst[0] = 0.0
    worst[1] = np.inf
    worst[2] = 0.0
    for k in range(PARTS):
        total = 0.0
        for a in range(book.asset.shape[1]):
            total += book.asset[FIRST_PART + k, a]
        day_out[d, O_PARTS + k] = total
    for a in range(book.asset.shape[1]):
        asset_out[d, OA_PRICE, a] = work.asset[X_PRICE, a]
        asset_out[d, OA_WEIGHT, a] = work.asset[X_WEIGHT, a]
        asset_out[d, OA_TARGET, a] = work.asset[X_TARGET, a]
        asset_out[d, OA_H, a] = book.asset[B_H, a]
        asset_out[d, OA_H_NOW, a] = work.asset[X_H_NOW, a]
        asset_out[d, OA_STATE, a] = book.asset[B_STATE, a] if price[a] > 0.0 else -1.0
        base = work.asset[X_UNITS, a] + book.asset[B_SOLD, a]
        asset_out[d, OA_BASE, a] = base * price[a] if base > 0.0 else 0.0
        asset_out[d, OA_SHORT, a] = work.asset[X_SHORT, a]
        bits_out[d, 0, a] = work.bits[0, a]
        bits_out[d, 1, a] = work.bits[1, a]


@compiled
def log_refused(work: Work, log: Floats, used: Ints) -> int:
    """Write this decision's refusals down; returns how many legs are pending."""
    waiting = 0
    for n in range(work.counts[0]):
        if work.legs[n, L_STATUS] == PENDING:
            waiting += 1
        elif work.legs[n, L_STATUS] == REFUSED and work.legs[n, L_AT] == -1.0:
            write_log(log, used, work.legs, n)
            work.legs[n, L_AT] = -2.0
    return waiting
