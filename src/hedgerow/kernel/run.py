"""The compiled backtest: mark and test on every bar, decide on completed days, fill at the next open (domain 2.1).

Order within a bar: funding on the position held, expiry, fills at the open, liquidation at the high, marks at the
close,
then (on a completed day) the decision, else the margin ladder.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.arrays import (
    I_ASSET,
    I_EXPIRY,
    I_FEE,
    I_KIND,
    L_DONE,
    L_INST,
    L_KIND,
    L_PRICE,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    P_ALARM,
    P_LIQUIDATION,
    P_UNITS,
    PENDING,
    S_DAY,
    S_FUTURES_TRADED,
    S_NAV,
    S_SPOT_TRADED,
    SUPERSEDED,
    W_CASH,
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
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.margin import margin_ratio, margin_stage, refresh_margin
from hedgerow.kernel.measure import measure_stage
from hedgerow.kernel.record import log_event, log_refused, log_unfilled, record_day, write_log
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_BACKING: Final = float(Refusal.BACKING)
_CASH: Final = float(Refusal.CASH)
_MARGIN: Final = float(Refusal.MARGIN)
_NEARLY: Final = 0.02  # of an order: so much is left out for the price of the next open, and not worth a word
_LIQUIDATED: Final = float(Reason.LIQUIDATED)
_SETTLED: Final = float(Reason.SETTLED)


@compiled
def supersede(work: Work, log: Floats, used: Ints) -> None:
    """What is still pending when a new decision comes is dropped, and written down."""
    for n in range(work.counts[0]):
        if work.legs[n, L_STATUS] == PENDING:
            work.legs[n, L_STATUS] = SUPERSEDED
            write_log(log, used, work.legs, n)


@compiled
def fill_pending(
    rules: Rules,
    book: Book,
    work: Work,
    open_price: Floats,
    close_before: Floats,
    mark: Floats,
    at: int,
    log: Floats,
    used: Ints,
) -> int:
    """Fill what can fill at this bar's opens, margin due first, then in the plan's order; returns how many legs
    still wait.
    """
    legs = work.legs
    waiting = 0
    for i in range(open_price.shape[0]):
        mark[i] = open_price[i] if open_price[i] > 0.0 else close_before[i]
    settle_marks(rules.inst, book.asset, book.inst, mark)
    released = False
    for k in range(2 * work.counts[0]):
        n = k % work.counts[0]
        kind = legs[n, L_KIND]
        margin_due = k < work.counts[0]  # comes before everything that needs cash (2A-17)
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
        cash = book.wallet[W_CASH, 0]
        if kind == LEG_SPOT:
            done = fill_spot(rules, book, work.asset, work.measure, legs, n, at, price)
        elif kind == LEG_MARGIN:
            done = fill_margin(rules, book, legs, n, at)
        else:
            spot = mark[int(rules.inst[I_ASSET, i])]
            done = fill_futures(rules, book, work.asset, work.measure, legs, n, at, price, spot)
        if done:
            write_log(log, used, legs, n)
        else:
            legs[n, L_STATUS] = SUPERSEDED
            legs[n, L_DONE] = 0.0
        _note_unfilled(work, log, used, n, price, cash)
    return waiting


@compiled
def _note_unfilled(work: Work, log: Floats, used: Ints, n: int, price: float, cash: float) -> None:
    """Write down what a fill had to leave out: for want of cash or collateral, or because a short needs the coins."""
    legs = work.legs
    left = legs[n, L_UNITS] - legs[n, L_DONE]
    if abs(left) <= _NEARLY * abs(legs[n, L_UNITS]):
        return
    wanted = abs(legs[n, L_UNITS])
    done = abs(legs[n, L_DONE])
    if legs[n, L_KIND] == LEG_MARGIN:
        log_unfilled(work, log, used, n, left, _CASH, done * legs[n, L_PRICE], wanted * legs[n, L_PRICE])
    elif legs[n, L_KIND] == LEG_FUTURES:
        if left < 0.0:  # a cover is never larger than the position that is left
            log_unfilled(work, log, used, n, left, _MARGIN, done * price, wanted * price)
    elif left > 0.0:
        log_unfilled(work, log, used, n, left, _CASH, cash, wanted * price)
    else:
        log_unfilled(work, log, used, n, left, _BACKING, done, wanted)


@compiled
def at_the_open(
    rules: Rules,
    book: Book,
    work: Work,
    open_ns: int,
    before: Floats,
    funding: Floats,
    at: int,
    log: Floats,
    used: Ints,
) -> None:
    """Funding on every position held at the stamp; settlement of contracts that expired."""
    settled = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        if units == 0.0:
            continue
        a = int(rules.inst[I_ASSET, i])
        pays = funding[i] != 0.0 and rules.inst[I_KIND, i] == 1.0  # dated contracts have no funding
        if not settled and (open_ns >= rules.inst[I_EXPIRY, i] or pays):
            settle_marks(rules.inst, book.asset, book.inst, before)  # coins paid now have no part in earlier moves
            settled = True
        if open_ns >= rules.inst[I_EXPIRY, i]:
            fee = close_position(rules, book, i, before[a], rules.inst[I_FEE, i])
            log_event(work, log, used, i, a, -units, before[a], fee, _SETTLED, at, book.scalar[S_DAY])
        elif pays:
            pay_funding(
                rules.scalar, rules.inst, book.asset, book.inst, book.scalar, i, funding[i], before[i], before[a]
            )


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
def watch_margin(rules: Rules, book: Book, price: Floats, high: Floats, fresh: Bytes, worst: Floats) -> bool:
    """Track the day's worst margin ratio (at the high) and distance; whether any short passed its alarm price."""
    alarm = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] >= 0.0 or not price[i] > 0.0:
            continue
        top = high[i] if high[i] > price[i] else price[i]
        spot = price[int(rules.inst[I_ASSET, i])]
        worst[0] = max(worst[0], margin_ratio(rules.inst, book.inst, i, top, spot))
        worst[1] = min(worst[1], book.inst[P_LIQUIDATION, i] / top - 1.0)
        if fresh[i] == 1 and price[i] > book.inst[P_ALARM, i]:
            alarm = True
    return alarm


@compiled
def act_on_margin(rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, funding: Floats) -> None:
    """The margin ladder's legs, behind those of the plan, and past the same guard."""
    first = work.counts[0]
    day = book.scalar[S_DAY]
    margin_stage(
        rules.scalar, rules.inst, book.asset, book.inst, book.wallet, work.asset, price, work.legs, work.counts, day
    )
    guard_legs(
        rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, price, fresh, funding,
        book.scalar[S_NAV], first, work.legs, work.counts, day,
    )  # fmt: skip


@entrance
def decide_once(
    rules: Rules,
    book: Book,
    work: Work,
    signal: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    due: bool,
) -> float:
    """``decide`` for a book that no run has watched: the margin ladder looks too; returns net asset value."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        refresh_margin(rules.scalar, rules.inst, book.inst, i)
    nav = decide(rules, book, work, signal, price, fresh, funding, hedge, due)
    book.scalar[S_NAV] = nav
    if nav > 0.0 and watch_margin(rules, book, price, price, fresh, np.zeros(2)):
        act_on_margin(rules, book, work, price, fresh, funding)
    return nav


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
    rules: Rules,
    book: Book,
    work: Work,
    open_ns: Ints,
    opens: Floats,
    high: Floats,
    close: Floats,
    fresh: Bytes,
    funding: Floats,
    day: Ints,
    signals: Floats,
    hedge: Ints,
    due: Bytes,
    day_out: Floats,
    asset_out: Floats,
    bits_out: Ints,
    log: Floats,
    used: Ints,
) -> None:
    """Run a book through T bars of I instruments and D days.

    ``open_ns`` [T], ``opens``/``high``/``close``/``fresh``/``funding`` [T, I], ``day`` [T] (-1: no day completes),
    ``signals`` [D, M, A], ``hedge`` [D, A], ``due`` [D]. Results: ``day_out`` [D, OUT_DAY],
    ``asset_out`` [D, OUT_ASSET, A], ``bits_out`` [D, 2, A], ``log`` of legs and ``used`` [1], how many legs there were.
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
        alarm = watch_margin(rules, book, close[t], high[t], fresh[t], worst)
        d = day[t]
        if d >= 0:
            supersede(work, log, used)
            settle_marks(rules.inst, book.asset, book.inst, close[t])
            nav = decide(rules, book, work, signals[d], close[t], fresh[t], funding[t], hedge[d], due[d] == 1)
            record_day(rules, book, work, close[t], nav, d, worst, traded, day_out, asset_out, bits_out)
        if alarm and (d >= 0 or waiting == 0):
            if d < 0:
                supersede(work, log, used)
                work.counts[0] = 0
            act_on_margin(rules, book, work, close[t], fresh[t], funding[t])
        if d >= 0 or alarm:
            waiting = log_refused(work, log, used)


@entrance
def rehearse(
    rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, hedge: Ints, log: Floats, used: Ints
) -> float:
    """Fill a plan's pending legs at the prices of its decision, costs included, and measure the book again.

    ``book`` and ``work`` are changed: hand over copies. Returns net asset value after the plan.
    """
    mark = np.zeros(price.shape[0])
    fill_pending(rules, book, work, price, price, mark, 0, log, used)
    return measure_stage(
        rules.scalar, rules.asset, rules.inst, book.asset, book.inst, book.wallet, book.scalar, price, fresh, hedge,
        work.measure, work.asset,
    )  # fmt: skip
