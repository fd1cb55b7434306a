"""The legs of a plan that wait for a price: which fill at a bar's opens, in which order, and what did not fill."""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.account import account_spare, is_pooled
from hedgerow.kernel.arrays import (
    I_ASSET,
    I_INVERSE,
    ISOLATED,
    K_MODE,
    L_DONE,
    L_FOR,
    L_INST,
    L_KIND,
    L_PRICE,
    L_REASON,
    L_SLEEVE,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    PENDING,
    SUPERSEDED,
    UNIFIED,
    W_CASH,
    WORKING,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.book import book_margin, fill_futures, settle_marks, size_futures, size_margin
from hedgerow.kernel.clock import repay
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.margin import collateral_due
from hedgerow.kernel.record import log_unfilled, write_log
from hedgerow.kernel.route import is_move
from hedgerow.kernel.sleeve import leverage_for
from hedgerow.kernel.spot import fill_spot, size_spot
from hedgerow.model.market import Floats, Ints
from hedgerow.model.plan import Refusal

_BACKING: Final = float(Refusal.BACKING)
_CASH: Final = float(Refusal.CASH)
_MARGIN: Final = float(Refusal.MARGIN)
_NEARLY: Final = 0.02  # of an order: so much is left out for the price of the next open, and not worth a word


@compiled
def supersede(work: Work, log: Floats, used: Ints) -> None:
    """What is still pending when a new decision comes is dropped, and written down."""
    for n in range(work.counts[0]):
        if work.legs[n, L_STATUS] == PENDING:
            work.legs[n, L_STATUS] = SUPERSEDED
            write_log(log, used, work.legs, n)


@compiled
def _rank(kind: float, units: float, sleeve: float) -> int:
    """The order of a plan's fills: what brings cash, then margin that is due (2A-17), then what needs cash; the carry
    sleeve takes what all others left.
    """
    if sleeve == 1.0 and (units < 0.0) == (kind == LEG_FUTURES):
        return 6 if kind == LEG_FUTURES else 5
    if kind == LEG_MARGIN:
        return 0 if units < 0.0 else 2
    if kind == LEG_FUTURES:
        return 1 if units > 0.0 else 4  # the coins of a purchase are there before they are hedged
    return 1 if units < 0.0 else 3


@compiled
def _cover_waits(work: Work, a: int, open_price: Floats) -> bool:
    """Whether a short of asset ``a`` is to be covered and cannot yet: the coins behind it are not sold before."""
    for n in range(work.counts[0]):
        cover = work.legs[n, L_KIND] == LEG_FUTURES and work.legs[n, L_UNITS] > 0.0
        if not cover or int(work.legs[n, L_FOR]) != a:
            continue
        if work.legs[n, L_STATUS] == WORKING:
            return True
        if work.legs[n, L_STATUS] == PENDING and not open_price[int(work.legs[n, L_INST])] > 0.0:
            return True
    return False


@compiled
def _other_half_waits(work: Work, n: int, open_price: Floats) -> bool:
    """Whether leg ``n`` moves a hedge between two contracts and the other one has no price yet: the halves of a move fill
    together, so that net exposure stays.
    """
    legs = work.legs
    reason = legs[n, L_REASON]
    if not is_move(reason):
        return False
    for m in range(work.counts[0]):
        half = legs[m, L_REASON] == reason and legs[m, L_FOR] == legs[n, L_FOR] and legs[m, L_STATUS] == PENDING
        if half and legs[m, L_UNITS] * legs[n, L_UNITS] < 0.0 and not open_price[int(legs[m, L_INST])] > 0.0:
            return True
    return False


@compiled
def _pair_waits(work: Work, a: int, open_price: Floats) -> bool:
    """Whether a leg of the carry sleeve on asset ``a`` cannot fill yet: neither of a pair fills before the other."""
    for n in range(work.counts[0]):
        mine = work.legs[n, L_SLEEVE] == 1.0 and work.legs[n, L_STATUS] == PENDING and int(work.legs[n, L_FOR]) == a
        if mine and not open_price[int(work.legs[n, L_INST])] > 0.0:
            return True
    return False


@compiled
def _for_shorts(rules: Rules, book: Book, work: Work, mark: Floats, sleeve: bool) -> float:
    """Quote that the plan's new shorts need from the wallet: their collateral, less what their contract can spare.

    For a purchase of the carry ``sleeve`` its own short counts too, with the price that it fills at.
    """
    quote = 0.0
    if rules.scalar[K_MODE] != ISOLATED:
        quote = -account_spare(rules, book, mark)
    for n in range(work.counts[0]):
        i = int(work.legs[n, L_INST])
        new = work.legs[n, L_KIND] == LEG_FUTURES and work.legs[n, L_UNITS] < 0.0
        carry = work.legs[n, L_SLEEVE] == 1.0
        if carry and not sleeve:
            continue
        if new and work.legs[n, L_STATUS] == PENDING and rules.inst[I_INVERSE, i] == 0.0 and mark[i] > 0.0:
            more = -work.legs[n, L_UNITS] * mark[i] / leverage_for(rules.scalar, work.legs, n)
            if carry:
                more *= 1.0 + one_way_cost(rules.scalar, rules.inst, work.measure, i, more)
            if is_pooled(rules, i):
                quote += more
                continue
            due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], mark[int(rules.inst[I_ASSET, i])])
            quote += max(0.0, due + more)
    return 0.0 if rules.scalar[K_MODE] == UNIFIED else max(0.0, quote)


@compiled
def next_place(work: Work, open_price: Floats, place: int) -> int:
    """The first place from ``place`` on, of 7 ranks x legs, at which a leg can fill at these opens; -1: no more. What fills
    changes which legs wait, so it is asked anew after each.
    """
    legs, count = work.legs, work.counts[0]
    for k in range(place, 7 * count):
        n = k % count
        kind = legs[n, L_KIND]
        sleeve = legs[n, L_SLEEVE]
        if legs[n, L_STATUS] != PENDING or _rank(kind, legs[n, L_UNITS], sleeve) != k // count:
            continue
        if not open_price[int(legs[n, L_INST])] > 0.0 and kind != LEG_MARGIN:  # collateral moves without a price
            continue
        if sleeve == 1.0 and _pair_waits(work, int(legs[n, L_FOR]), open_price):
            continue
        if kind == LEG_SPOT and legs[n, L_UNITS] < 0.0 and _cover_waits(work, int(legs[n, L_FOR]), open_price):
            continue
        if kind == LEG_FUTURES and _other_half_waits(work, n, open_price):
            continue
        return k
    return -1


@compiled
def pending(work: Work) -> int:
    """How many legs of the plan wait for a price."""
    waiting = 0
    for n in range(work.counts[0]):
        if work.legs[n, L_STATUS] == PENDING:
            waiting += 1
    return waiting


@compiled
def size_leg(rules: Rules, book: Book, work: Work, n: int, mark: Floats) -> float:
    """What leg ``n`` may trade (or move) at the prices ``mark`` [I], signed; 0: nothing."""
    legs = work.legs
    if legs[n, L_KIND] == LEG_SPOT:
        aside = 0.0
        if legs[n, L_UNITS] > 0.0:
            aside = _for_shorts(rules, book, work, mark, legs[n, L_SLEEVE] == 1.0)
        return size_spot(rules, book, work.asset, work.measure, legs, n, mark[int(legs[n, L_INST])], aside)
    if legs[n, L_KIND] == LEG_MARGIN:
        return size_margin(rules, book, mark, legs, n)
    return size_futures(rules, book, work.asset, work.measure, legs, n, mark)


@compiled
def mark_opens(open_price: Floats, close_before: Floats, mark: Floats) -> None:
    """The prices [I] of a moment at which bars open: their opens, and the last closes where none does."""
    for i in range(open_price.shape[0]):
        mark[i] = open_price[i] if open_price[i] > 0.0 else close_before[i]


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
    """Fill what can fill at this bar's opens, by rank and in the plan's order; returns how many legs still wait."""
    legs = work.legs
    mark_opens(open_price, close_before, mark)
    settle_marks(rules.inst, book.asset, book.inst, mark)
    k = next_place(work, open_price, 0)
    while k >= 0:
        n = k % work.counts[0]
        kind = legs[n, L_KIND]
        cash = book.wallet[W_CASH, 0]
        units = size_leg(rules, book, work, n, mark)
        if units == 0.0:
            drop_leg(legs, n)
        else:
            if kind == LEG_SPOT:
                fill_spot(rules, book, work.asset, work.measure, legs, n, at, units, mark)
            elif kind == LEG_MARGIN:
                book_margin(rules, book, legs, n, at, units)
            else:
                fill_futures(rules, book, work.measure, legs, n, at, units, mark)
            write_log(log, used, legs, n)
            repay(rules, book, work, int(rules.inst[I_ASSET, int(legs[n, L_INST])]), mark, at, log, used)
        note_unfilled(work, log, used, n, open_price[int(legs[n, L_INST])], cash)
        k = next_place(work, open_price, k + 1)
    return pending(work)


@compiled
def drop_leg(legs: Floats, n: int) -> None:
    """Give up leg ``n``, of which nothing filled."""
    legs[n, L_STATUS] = SUPERSEDED
    legs[n, L_DONE] = 0.0


@compiled
def note_unfilled(work: Work, log: Floats, used: Ints, n: int, price: float, cash: float) -> None:
    """Write down what a fill had to leave out: for want of cash or collateral, or because a short needs the coins."""
    legs = work.legs
    left = legs[n, L_UNITS] - legs[n, L_DONE]
    if abs(left) <= _NEARLY * abs(legs[n, L_UNITS]):
        return
    wanted = abs(legs[n, L_UNITS])
    done = abs(legs[n, L_DONE])
    if legs[n, L_KIND] == LEG_MARGIN:
        if left > 0.0:
            log_unfilled(work, log, used, n, left, _CASH, done * legs[n, L_PRICE], wanted * legs[n, L_PRICE])
    elif legs[n, L_KIND] == LEG_FUTURES:
        if left < 0.0:  # a cover is never larger than the position that is left
            log_unfilled(work, log, used, n, left, _MARGIN, done * price, wanted * price)
    elif left > 0.0:
        log_unfilled(work, log, used, n, left, _CASH, cash, wanted * price)
    else:
        log_unfilled(work, log, used, n, left, _BACKING, done, wanted)
