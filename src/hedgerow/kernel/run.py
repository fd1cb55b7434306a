"""The compiled backtest: mark and test on every bar, decide on completed days, fill at the next open (domain 2.1).

Order within a bar: funding on the position held, expiry, fills at the open, liquidation at the high, marks at the close,
then (on a completed day) the decision, else the margin ladder.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.arrays import (
    B_H,
    B_SOLD,
    B_STATE,
    FILLED,
    FIRST_PART,
    I_ASSET,
    I_EXPIRY,
    I_FEE,
    I_INVERSE,
    L_AT,
    L_DONE,
    L_FEE,
    L_FILL,
    L_INST,
    L_KIND,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    O_CAPPED,
    O_CASH,
    O_DISTANCE,
    O_FUTURES,
    O_FUTURES_TRADED,
    O_MARGIN,
    O_NAV,
    O_PARTS,
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
    P_ALARM,
    P_COLLATERAL,
    P_LIQUIDATION,
    P_UNITS,
    PENDING,
    REFUSED,
    S_CAPPED_DAY,
    S_DAY,
    S_FUTURES_TRADED,
    S_NAV,
    S_SPOT_TRADED,
    SUPERSEDED,
    W_CASH,
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
from hedgerow.kernel.book import (
    close_position,
    fill_futures,
    fill_margin,
    fill_spot,
    liquidate,
    pay_funding,
    release_spare,
    settle_marks,
)  # fmt: skip
from hedgerow.kernel.decide import decide, observe
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.margin import margin_ratio, margin_stage
from hedgerow.kernel.measure import futures_value, measure_stage
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_LIQUIDATED: Final = float(Reason.LIQUIDATED)
_SETTLED: Final = float(Reason.SETTLED)


@compiled
def write_log(log: Floats, used: Ints, legs: Floats, n: int) -> None:
    """Copy leg ``n`` to the log; a full log keeps counting."""
    k = used[0]
    if k < log.shape[0]:
        for f in range(legs.shape[1]):
            log[k, f] = legs[n, f]
    used[0] = k + 1


@compiled
def supersede(work: Work, log: Floats, used: Ints) -> None:
    """What is still pending when a new decision comes is dropped, and written down."""
    for n in range(work.count[0]):
        if work.legs[n, L_STATUS] == PENDING:
            work.legs[n, L_STATUS] = SUPERSEDED
            write_log(log, used, work.legs, n)


@compiled
def fill_pending(rules: Rules, book: Book, work: Work, open_price: Floats, close_before: Floats, mark: Floats, at: int, log: Floats,
                 used: Ints) -> int:  # fmt: skip
    """Fill what can fill at this bar's opens, margin due first, then in the plan's order; returns how many legs still wait."""
    legs = work.legs
    waiting = 0
    for i in range(open_price.shape[0]):
        mark[i] = open_price[i] if open_price[i] > 0.0 else close_before[i]
    settle_marks(rules.inst, book.asset, book.inst, mark)
    released = False
    for k in range(2 * work.count[0]):
        n = k % work.count[0]
        kind = legs[n, L_KIND]
        margin_due = k < work.count[0]  # comes before everything that needs cash (2A-17)
        if legs[n, L_STATUS] != PENDING or (kind == LEG_MARGIN) != margin_due:
            continue
        i = int(legs[n, L_INST])
        price = open_price[i]
        if not price > 0.0:
            waiting += 1
            continue
        if legs[n, L_UNITS] > 0.0 and kind == LEG_SPOT and not released:
            release_spare(rules, book, mark)
            released = True
        if kind == LEG_SPOT:
            done = fill_spot(rules, book, work.asset, work.measure, legs, n, at, price)
        elif kind == LEG_MARGIN:
            done = fill_margin(rules, book, legs, n, at)
        else:
            spot = mark[int(rules.inst[I_ASSET, i])]
            done = fill_futures(rules, book, work.asset, work.measure, legs, n, at, price, spot)
        if not done:
            legs[n, L_STATUS] = SUPERSEDED
        write_log(log, used, legs, n)
    return waiting


@compiled
def log_event(work: Work, log: Floats, used: Ints, i: int, a: int, units: float, price: float, fee: float, reason: float, at: int,
              day: float) -> None:  # fmt: skip
    """Write down what the venue did by itself (liquidation, settlement)."""
    kept = work.count[0]
    n = add_leg(work.legs, work.count, i, a, LEG_FUTURES, units, price, price, reason, -1.0, price, np.nan, day)
    if n >= 0:
        work.legs[n, L_STATUS] = FILLED
        work.legs[n, L_AT] = at
        work.legs[n, L_FILL] = price
        work.legs[n, L_DONE] = units
        work.legs[n, L_FEE] = fee
        write_log(log, used, work.legs, n)
    work.count[0] = kept


@compiled
def at_the_open(rules: Rules, book: Book, work: Work, open_ns: int, before: Floats, funding: Floats, at: int, log: Floats,
                used: Ints) -> None:  # fmt: skip
    """Funding on every position held at the stamp; settlement of contracts that expired."""
    settled = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        if units == 0.0:
            continue
        a = int(rules.inst[I_ASSET, i])
        if not settled and (open_ns >= rules.inst[I_EXPIRY, i] or funding[i] != 0.0):
            settle_marks(rules.inst, book.asset, book.inst, before)  # coins paid now have no part in earlier moves
            settled = True
        if open_ns >= rules.inst[I_EXPIRY, i]:
            fee = close_position(rules, book, i, before[a], rules.inst[I_FEE, i])
            log_event(work, log, used, i, a, -units, before[a], fee, _SETTLED, at, book.scalar[S_DAY])
        elif funding[i] != 0.0:
            pay_funding(rules.scalar, rules.inst, book.asset, book.inst, book.scalar, i, funding[i], before[i], before[a])


@compiled
def at_the_high(rules: Rules, book: Book, work: Work, high: Floats, at: int, log: Floats, used: Ints) -> None:
    """Liquidation of every short whose liquidation price the bar's high reached."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        if units < 0.0 and high[i] >= book.inst[P_LIQUIDATION, i]:
            price = book.inst[P_LIQUIDATION, i]
            a = int(rules.inst[I_ASSET, i])
            liquidate(rules, book, i)
            log_event(work, log, used, i, a, -units, price, 0.0, _LIQUIDATED, at, book.scalar[S_DAY])


@compiled
def watch_margin(rules: Rules, book: Book, price: Floats, high: Floats, worst: Floats) -> bool:
    """Track the day's worst margin ratio (at the high) and distance; whether any short passed its alarm price."""
    alarm = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] >= 0.0 or not price[i] > 0.0:
            continue
        top = high[i] if high[i] > price[i] else price[i]
        spot = price[int(rules.inst[I_ASSET, i])]
        worst[0] = max(worst[0], margin_ratio(rules.inst, book.inst, i, top, spot))
        worst[1] = min(worst[1], book.inst[P_LIQUIDATION, i] / top - 1.0)
        if price[i] > book.inst[P_ALARM, i]:
            alarm = True
    return alarm


@compiled
def record_day(rules: Rules, book: Book, work: Work, price: Floats, nav: float, d: int, worst: Floats, traded: Floats,
               day_out: Floats, asset_out: Floats, bits_out: Ints) -> None:  # fmt: skip
    """Write the day's row of the result; starts the next day's extremes."""
    book.scalar[S_NAV] = nav
    day_out[d, O_NAV] = nav
    day_out[d, O_CASH] = book.wallet[W_CASH, 0]
    futures = 0.0
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] != 0.0 or book.inst[P_COLLATERAL, i] != 0.0:
            spot = price[int(rules.inst[I_ASSET, i])]
            futures += futures_value(book.inst, rules.inst, i, price[i], spot)
            if rules.inst[I_INVERSE, i] == 1.0:
                futures -= book.inst[P_COLLATERAL, i] * spot
    day_out[d, O_FUTURES] = futures
    day_out[d, O_SPOT_TRADED] = book.scalar[S_SPOT_TRADED] - traded[0]
    day_out[d, O_FUTURES_TRADED] = book.scalar[S_FUTURES_TRADED] - traded[1]
    traded[0] = book.scalar[S_SPOT_TRADED]
    traded[1] = book.scalar[S_FUTURES_TRADED]
    day_out[d, O_MARGIN] = worst[0]
    day_out[d, O_DISTANCE] = worst[1]
    day_out[d, O_CAPPED] = 1.0 if book.scalar[S_CAPPED_DAY] == book.scalar[S_DAY] - 1.0 else 0.0
    day_out[d, O_WANTED] = work.count[1]
    worst[0] = 0.0
    worst[1] = np.inf
    for k in range(8):
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


@entrance
def warm_up(rules: Rules, book: Book, work: Work, signals: Floats, price: Floats, fresh: Bytes, hedge: Ints) -> None:
    """Let the regime see the days before the start: only what advances on a decision moves; nothing is traded."""
    close = 0
    for d in range(signals.shape[0]):
        for a in range(signals.shape[2]):
            price[a] = signals[d, close, a]
            fresh[a] = 1 if price[a] > 0.0 else 0
        observe(rules, book, work, signals[d], price, fresh, hedge[d])


@entrance
def run(
    rules: Rules, book: Book, work: Work, open_ns: Ints, opens: Floats, high: Floats, close: Floats, fresh: Bytes, funding: Floats,
    day: Ints, signals: Floats, hedge: Ints, due: Bytes, day_out: Floats, asset_out: Floats, bits_out: Ints, log: Floats, used: Ints,
) -> None:  # fmt: skip
    """Run a book through T bars of I instruments and D days.

    ``open_ns`` [T], ``opens``/``high``/``close``/``fresh``/``funding`` [T, I], ``day`` [T] (-1: no day completes),
    ``signals`` [D, M, A], ``hedge`` [D, A], ``due`` [D]. Results: ``day_out`` [D, OUT_DAY], ``asset_out`` [D, OUT_ASSET, A],
    ``bits_out`` [D, 2, A], ``log`` of legs and ``used`` [1], how many legs there were.
    """
    waiting = 0
    worst = np.zeros(2)
    worst[1] = np.inf
    traded = np.zeros(2)
    traded[0] = book.scalar[S_SPOT_TRADED]
    traded[1] = book.scalar[S_FUTURES_TRADED]
    mark = np.zeros(opens.shape[1])
    for t in range(opens.shape[0]):
        before = close[t - 1] if t > 0 else close[0]
        if t > 0:
            at_the_open(rules, book, work, open_ns[t], before, funding[t], t, log, used)
            if waiting > 0:
                waiting = fill_pending(rules, book, work, opens[t], before, mark, t, log, used)
            at_the_high(rules, book, work, high[t], t, log, used)
        alarm = watch_margin(rules, book, close[t], high[t], worst)
        d = day[t]
        if d >= 0:
            supersede(work, log, used)
            settle_marks(rules.inst, book.asset, book.inst, close[t])
            nav = decide(rules, book, work, signals[d], close[t], fresh[t], funding[t], hedge[d], due[d] == 1)
            record_day(rules, book, work, close[t], nav, d, worst, traded, day_out, asset_out, bits_out)
        if alarm and (d >= 0 or waiting == 0):
            if d < 0:
                supersede(work, log, used)
                work.count[0] = 0
            margin_stage(
                rules.scalar, rules.inst, book.asset, book.inst, book.wallet, work.asset, close[t], work.legs, work.count,
                book.scalar[S_DAY],
            )  # fmt: skip
        if d >= 0 or alarm:
            waiting = log_refused(work, log, used)


@compiled
def log_refused(work: Work, log: Floats, used: Ints) -> int:
    """Write this decision's refusals down; returns how many legs are pending."""
    waiting = 0
    for n in range(work.count[0]):
        if work.legs[n, L_STATUS] == PENDING:
            waiting += 1
        elif work.legs[n, L_STATUS] == REFUSED and work.legs[n, L_AT] == -1.0:
            write_log(log, used, work.legs, n)
            work.legs[n, L_AT] = -2.0
    return waiting



@entrance
def rehearse(rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, hedge: Ints, log: Floats, used: Ints) -> float:
    """Fill a plan's pending legs at the prices of its decision, costs included, and measure the book again.

    ``book`` and ``work`` are changed: hand over copies. Returns net asset value after the plan.
    """
    mark = np.zeros(price.shape[0])
    fill_pending(rules, book, work, price, price, mark, 0, log, used)
    return measure_stage(
        rules.scalar, rules.asset, rules.inst, book.asset, book.inst, book.wallet, book.scalar, price, fresh, hedge,
        work.measure, work.asset,
    )  # fmt: skip
