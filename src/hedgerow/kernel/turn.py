"""The deeds of a run one at a time, for a desk that trades with a venue: what ``run`` does within a bar, cut where a venue answers.

    turn(*desk.blocks, SEE)       prices are seen while legs wait             turn(*desk.blocks, NEXT)   the next leg, and its size
    turn(*desk.blocks, TRADED)    a leg's trade is entered; collateral due    turn(*desk.blocks, MOVED)  collateral moved
    turn(*desk.blocks, CLOSE)     a bar closed: watch margin, decide

Deeds of the engine take what a venue said from ``tick.deed`` and ``tick.bar`` and enter it in the book; deeds of a simulated venue
work on blocks of its own and leave what it does in its log. Both call the functions that ``run`` calls, in its order, so an
engine and a venue that answers at once have the bits of the run (tests/engine/test_parity.py).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.account import collateral_ahead, collateral_for, credit, move_collateral, releasable
from hedgerow.kernel.arrays import (
    B_PNL_BASIS,
    B_PNL_HEDGE,
    I_ASSET,
    I_EXPIRY,
    I_INVERSE,
    K_MODE,
    L_DONE,
    L_INST,
    L_KIND,
    L_MOVED,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    S_DAY,
    S_NAV,
    S_NOW,
    UNIFIED,
    W_CASH,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.aside import flag, flatten, observe_past
from hedgerow.kernel.book import (
    book_flow,
    book_funding,
    book_futures,
    book_margin,
    futures_fee,
    settle_future,
    settle_marks,
    settle_spot,
)
from hedgerow.kernel.clock import at_the_high, at_the_open, is_gone, repay, settle_delisted
from hedgerow.kernel.closing import book_ended, book_liquidation
from hedgerow.kernel.deleverage import end_by_deleveraging, reopen
from hedgerow.kernel.fill import fill_price, slippage_of
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.margin import refresh_margin
from hedgerow.kernel.pending import drop_leg, mark_opens, next_place, note_unfilled, pending, size_leg
from hedgerow.kernel.record import write_log
from hedgerow.kernel.run import at_the_close
from hedgerow.kernel.spot import book_forced, book_spot, spot_fee
from hedgerow.kernel.step import (
    CASH_BEFORE,
    CHARGE,
    DAY,
    INST,
    LEG_AT,
    MARKET,
    NOW,
    PAID_IN,
    PLACE,
    PRICE,
    REOPENED,
    UNITS,
    WAITING,
    T,
    Tick,
    book_of,
    rules_of,
    tick_of,
    work_of,
)
from hedgerow.kernel.watch import estimate_marks, remember_marks, watch_margin
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_REPAID: Final = float(Reason.REPAID)

# ---- deeds of the engine ----------------------------------------------------------------------------------------------
(
    SEE,  # tick.open: prices while legs wait; the plan is gone through anew
    NEXT,  # -> leg that may trade now (-1: none), deed[UNITS] what it may trade
    TRADED,  # bar[LEG_AT], deed[UNITS, PRICE, CHARGE, PAID_IN] -> deed[UNITS] collateral that is to move now
    MOVED,  # bar[INST], bar[LEG_AT] (-1: no leg's), deed[UNITS]
    ENDED,  # bar[LEG_AT]: the leg's order is at its end, whatever filled of it
    PAID,  # bar[INST], deed[UNITS] funding received; nan: unknown
    SETTLED,  # bar[INST], deed[UNITS] coins that ended (short negative), deed[PRICE], deed[CHARGE]: at expiry, or delisted
    LIQUIDATED,  # the same
    DELEVERAGED,  # the same; what was taken is wanted again
    FORCED,  # bar[INST] an asset, deed[UNITS] coins sold for a debt (below 0), deed[PRICE, CHARGE], deed[MARKET] the market's price
    CREDITED,  # bar[INST], deed[UNITS] that what backs the contract grew by, settle currency
    FLOWED,  # bar[INST] an asset (-1: quote), deed[UNITS] deposited, deed[PRICE] what each is worth; nan: unknown
    SIZE,  # bar[LEG_AT] -> deed[UNITS] what the rest of the leg may trade now
    SPARE,  # bar[INST] -> deed[UNITS] collateral of the contract that its short does not need
    AHEAD,  # bar[LEG_AT] of a short, deed[UNITS] coins to sell -> deed[UNITS] collateral that is to move before
    CLOSE,  # tick of the bar that closed -> legs that wait
    DECIDE,  # the same for a day that closed before, whose bar has been watched
    FLATTEN,  # bar[INST] 1: coins, too; in place of the plan, legs that end every short and sell all that may be sold
    FLAG,  # tick.signals with other views of the day decided last, bar[INST] 1: all of its plan, 0: hedges alone
    OBSERVE,  # tick.signals, tick.hedge of a day that is past: the regime sees it, and nothing is planned
    # ---- deeds of a simulated venue, on blocks of its own -----------------------------------------------------------------
    OPENS,  # funding and expiry at a bar's open
    GAPS,  # liquidation at the opens, before anything fills there
    QUOTE,  # bar[INST], deed[UNITS] of an order -> deed[PRICE, CHARGE, PAID_IN] at tick.mark; a deed[PRICE] above 0 stays
    TAKES,  # bar[INST], deed[UNITS, PRICE, CHARGE, PAID_IN]: an order filled
    CLOSES,  # liquidation at the highs, deleveraging, settlement of what is delisted
) = range(25)


@entrance
def turn(floats: Floats, ints: Ints, truths: Bytes, places: Ints, deed: int) -> int:
    """Do a ``deed`` on the desk of these blocks."""
    rules, book, work = rules_of(floats, ints, places), book_of(floats, places), work_of(floats, ints, places)
    tick = tick_of(floats, ints, truths, places)
    if deed == CLOSE:
        return _close(rules, book, work, tick)
    if deed == NEXT:
        return _next(rules, book, work, tick)
    if deed == DECIDE:
        return _decide(rules, book, work, tick, pending(work), False)
    if deed == FLATTEN:
        flatten(rules, book, work, tick)
    elif deed == OBSERVE:
        observe_past(rules, book, work, tick)
    elif deed == FLAG:
        flag(rules, book, work, tick)
    elif deed == SIZE:
        tick.deed[UNITS] = size_leg(rules, book, work, int(tick.bar[LEG_AT]), tick.mark)
    elif deed == SPARE:
        tick.deed[UNITS] = releasable(rules, book, int(tick.bar[INST]), tick.mark)
    elif deed == AHEAD:
        _ahead(rules, book, work, tick)
    elif deed == OPENS or deed == GAPS or deed == CLOSES:
        _of_venue(rules, book, work, tick, deed)
    elif deed == QUOTE:
        _quote(rules, book, work, tick)
    elif deed == TAKES:
        _take(rules, book, work, tick)
    elif deed == TRADED:
        _trade(rules, book, work, tick)
    elif deed == SEE:
        book.scalar[S_NOW] = float(tick.bar[NOW])
        mark_opens(tick.open, tick.before, tick.mark)
        settle_marks(rules.inst, book.asset, book.inst, tick.mark)
        tick.bar[PLACE] = -1
    elif deed == ENDED:
        n = int(tick.bar[LEG_AT])
        if work.legs[n, L_DONE] == 0.0:
            drop_leg(work.legs, n)
        else:
            write_log(tick.log, tick.used, work.legs, n)
        note_unfilled(work, tick.log, tick.used, n, tick.mark[int(work.legs[n, L_INST])], tick.deed[CASH_BEFORE])
    else:
        _enter(rules, book, work, tick, deed)
    return 0


@compiled
def _next(rules: Rules, book: Book, work: Work, tick: Tick) -> int:
    """The next leg that may trade something at these prices; those that may trade nothing are given up."""
    while True:
        k = next_place(work, tick.open, tick.bar[PLACE] + 1)
        if k < 0:
            tick.bar[WAITING] = pending(work)
            return -1
        tick.bar[PLACE] = k
        n = k % work.counts[0]
        tick.deed[CASH_BEFORE] = book.wallet[W_CASH, 0]
        tick.deed[UNITS] = size_leg(rules, book, work, n, tick.mark)
        if tick.deed[UNITS] != 0.0:
            return int(n)
        drop_leg(work.legs, n)
        note_unfilled(work, tick.log, tick.used, n, tick.open[int(work.legs[n, L_INST])], tick.deed[CASH_BEFORE])


@compiled
def _ahead(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    n, units = int(tick.bar[LEG_AT]), tick.deed[UNITS]
    i = int(work.legs[n, L_INST])
    slip = slippage_of(rules.scalar, rules.inst, work.measure, i, -units * tick.mark[i])
    tick.deed[UNITS] = collateral_ahead(rules, book, work.legs, n, units, tick.mark, slip)


@compiled
def _trade(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    n, at = int(tick.bar[LEG_AT]), int(tick.bar[T])
    units, fill, charge = tick.deed[UNITS], tick.deed[PRICE], tick.deed[CHARGE]
    legs = work.legs
    tick.deed[UNITS] = 0.0
    if legs[n, L_KIND] == LEG_SPOT:
        book_spot(rules, book, legs, n, at, units, fill, charge, tick.deed[PAID_IN], tick.mark)
    elif legs[n, L_KIND] == LEG_MARGIN:
        book_margin(rules, book, legs, n, at, units)
    else:
        i = int(legs[n, L_INST])
        book_futures(rules, book, legs, n, at, units, fill, charge, tick.mark)
        refresh_margin(rules, book.inst, i)
        tick.deed[UNITS] = collateral_for(rules, book, i, units, tick.mark)


@compiled
def _enter(rules: Rules, book: Book, work: Work, tick: Tick, deed: int) -> None:
    """Enter what happened to the account beside the plan's orders."""
    i = int(tick.bar[INST])
    units, price, charge = tick.deed[UNITS], tick.deed[PRICE], tick.deed[CHARGE]
    if deed == MOVED:
        move_collateral(rules, book, i, units)
        if tick.bar[LEG_AT] >= 0:
            work.legs[int(tick.bar[LEG_AT]), L_MOVED] += units
        refresh_margin(rules, book.inst, i)
    elif deed == PAID:
        in_coins = rules.scalar[K_MODE] == UNIFIED or rules.inst[I_INVERSE, i] == 1.0
        if in_coins:  # coins paid now have no part in earlier moves
            settle_marks(rules.inst, book.asset, book.inst, tick.before)
        book_funding(rules, book, i, units, tick.before[int(rules.inst[I_ASSET, i])])
    elif deed == LIQUIDATED:
        book_liquidation(rules, book, i, units, price, charge)
    elif deed == DELEVERAGED:
        if tick.bar[REOPENED] < 0:
            tick.bar[REOPENED] = work.counts[0]
        reopen(rules, book, work, units, tick.open, i, book.scalar[S_DAY])
        book_ended(rules, book, i, units, price, charge, B_PNL_HEDGE)
    elif deed == CREDITED:
        credit(rules, book, i, units)
        refresh_margin(rules, book.inst, i)
    elif deed == FLOWED:
        book_flow(book, i, units, price)
    elif deed == FORCED:
        _sell(rules, book, work, tick)
    else:
        if tick.bar[NOW] >= rules.inst[I_EXPIRY, i]:
            settle_marks(rules.inst, book.asset, book.inst, tick.before)
        else:  # delisted: a price of its own it has no more
            settle_spot(rules.inst, book.asset, book.inst, int(rules.inst[I_ASSET, i]), price)
            settle_future(rules.inst, book.asset, book.inst, i, tick.before[i], price)
        book_ended(rules, book, i, units, price, charge, B_PNL_BASIS)


@compiled
def _sell(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    a = int(tick.bar[INST])
    kept = work.counts[0]
    units, market = tick.deed[UNITS], tick.deed[MARKET]
    n = add_leg(
        work.legs, work.counts, a, a, LEG_SPOT, units, market, market, _REPAID, -1.0, np.nan, np.nan, book.scalar[S_DAY]
    )
    if n >= 0:
        book_forced(rules, book, work.legs, n, int(tick.bar[T]), units, tick.deed[PRICE], tick.deed[CHARGE], market)
        write_log(tick.log, tick.used, work.legs, n)
    work.counts[0] = kept


@compiled
def _close(rules: Rules, book: Book, work: Work, tick: Tick) -> int:
    """A bar closed: what deleveraging took is wanted again, margin is watched, and a day is decided."""
    bar = tick.bar
    book.scalar[S_NOW] = float(bar[NOW])
    waiting = pending(work)
    if bar[REOPENED] >= 0:
        if work.counts[0] > bar[REOPENED]:
            guard_legs(
                rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, tick.open, tick.fresh,
                tick.funding, book.scalar[S_NAV], int(bar[REOPENED]), work.legs, work.counts, book.scalar[S_DAY],
            )  # fmt: skip
            waiting = pending(work)
        bar[REOPENED] = -1
    remember_marks(rules, book, tick.close, tick.fresh, bar[NOW], tick.last)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if tick.fresh[i] != 1:
            is_gone(book, i, bar[NOW])
    estimate_marks(rules, book, tick.close, tick.fresh, tick.last, tick.mark)
    alarm = watch_margin(rules, book, tick.mark, tick.high, tick.fresh, tick.worst)
    if bar[DAY] >= 0 or alarm:
        waiting = _decide(rules, book, work, tick, waiting, alarm)
    for i in range(tick.close.shape[0]):
        tick.before[i] = tick.close[i]
    bar[T] += 1
    bar[WAITING] = waiting
    return int(waiting)


@compiled
def _decide(rules: Rules, book: Book, work: Work, tick: Tick, waiting: int, alarm: bool) -> int:
    """Decide the day where bar[DAY] is 0, and do what the margin ladder asks after an alarm; returns how many legs wait."""
    return at_the_close(
        rules, book, work, tick.close, tick.mark, tick.fresh, tick.funding, tick.bar[DAY], tick.signals, tick.hedge,
        tick.due, alarm, waiting, tick.worst, tick.traded, tick.day_out, tick.asset_out, tick.bits_out, tick.log,
        tick.used,
    )  # fmt: skip


@compiled
def _of_venue(rules: Rules, book: Book, work: Work, tick: Tick, deed: int) -> None:
    """What a venue does to an account by itself within a bar, in the order of ``run.whole_bar``."""
    at, now = int(tick.bar[T]), int(tick.bar[NOW])
    if deed == OPENS:
        if at > 0:
            at_the_open(rules, book, work, now, tick.before, tick.funding, at, tick.log, tick.used)
        mark_opens(tick.open, tick.before, tick.mark)
    elif deed == GAPS:
        if at > 0:
            at_the_high(
                rules, book, work, tick.open, tick.high, tick.open, tick.fresh, tick.last, tick.before, tick.top, at,
                tick.log, tick.used, tick.worst,
            )  # fmt: skip
    else:
        if at > 0:
            at_the_high(
                rules, book, work, tick.high, tick.high, tick.open, tick.fresh, tick.last, tick.before, tick.top, at,
                tick.log, tick.used, tick.worst,
            )  # fmt: skip
            if tick.deleveraged[0] > 0.0:
                end_by_deleveraging(rules, book, work, tick.deleveraged[0], tick.open, at, tick.log, tick.used)
        remember_marks(rules, book, tick.close, tick.fresh, now, tick.last)
        settle_delisted(rules, book, work, now, tick.close, tick.fresh, at, tick.log, tick.used)
        for i in range(tick.close.shape[0]):
            tick.before[i] = tick.close[i]
        tick.bar[T] = at + 1


@compiled
def _quote(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    """The price (where none is given) and the fee at which an order of deed[UNITS] on bar[INST] fills at ``tick.mark``."""
    i = int(tick.bar[INST])
    units = tick.deed[UNITS]
    fill = tick.deed[PRICE]
    if not fill > 0.0:
        fill = fill_price(rules.scalar, rules.inst, work.measure, i, units, tick.mark[i])
        tick.deed[PRICE] = fill
    if i < book.asset.shape[1]:
        charge, paid_in = spot_fee(rules, book, work.asset, i, units, fill, tick.mark)
        tick.deed[CHARGE], tick.deed[PAID_IN] = charge, paid_in
    else:
        tick.deed[CHARGE] = futures_fee(rules, book, i, units, fill)
        tick.deed[PAID_IN] = rules.inst[I_ASSET, i] if rules.inst[I_INVERSE, i] == 1.0 else -1.0


@compiled
def _take(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    """Enter a trade in the venue's own account, which knows no plan."""
    i = int(tick.bar[INST])
    a = int(rules.inst[I_ASSET, i])
    kind = LEG_SPOT if i < book.asset.shape[1] else LEG_FUTURES
    work.counts[0] = 0
    n = add_leg(
        work.legs, work.counts, i, a, kind, tick.deed[UNITS], tick.mark[i], tick.mark[a], 0.0, -1.0, np.nan, np.nan, 0.0
    )
    tick.bar[LEG_AT] = n
    _trade(rules, book, work, tick)
    work.counts[0] = 0
    repay(rules, book, work, a, tick.mark, int(tick.bar[T]), tick.log, tick.used)
