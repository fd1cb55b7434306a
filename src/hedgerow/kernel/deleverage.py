"""Auto-deleveraging: the venue closes shorts in profit against bankrupt longs, and they are opened again (domain 2.17)."""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.account import is_pooled, move_collateral, releasable
from hedgerow.kernel.arrays import (
    B_EXCESS,
    B_H,
    B_HEDGE,
    B_PNL_HEDGE,
    I_ASSET,
    K_MARKET,
    L_SOLD,
    L_STATUS,
    LEG_FUTURES,
    P_INDEX,
    P_UNITS,
    PENDING,
    S_DAY,
    S_NAV,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.clock import log_ended
from hedgerow.kernel.closing import book_ended
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.margin import refresh_margin
from hedgerow.kernel.position import hedge_units, short_on, size_of, unrealised
from hedgerow.kernel.sleeve import share_of
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_DELEVERAGED: Final = float(Reason.DELEVERAGED)
_REOPENED: Final = float(Reason.REOPENED)


@compiled
def deleverage(
    rules: Rules,
    book: Book,
    work: Work,
    share: float,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    at: int,
    log: Floats,
    used: Ints,
) -> int:
    """The venue closes ``share`` of every short in profit at the bar's opens ``price`` [I]; what it took is wanted again
    at the next bar. Returns the number of legs that wait for it.
    """
    first = work.counts[0]
    day = book.scalar[S_DAY]
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if _gains(rules, book, price, i):
            reopen(rules, book, work, book.inst[P_UNITS, i] * share, price, i, day)
            _end(rules, book, work, share, price, i, at, log, used)
    last = work.counts[0]
    if last > first:
        guard_legs(
            rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, price, fresh, funding,
            book.scalar[S_NAV], first, work.legs, work.counts, day,
        )  # fmt: skip
    waiting = 0
    for n in range(first, last):
        if work.legs[n, L_STATUS] == PENDING:
            waiting += 1
    return waiting


@compiled
def end_by_deleveraging(
    rules: Rules, book: Book, work: Work, share: float, price: Floats, at: int, log: Floats, used: Ints
) -> None:
    """The venue's part of it: ``share`` of every short in profit ends at the opens ``price`` [I]."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if _gains(rules, book, price, i):
            _end(rules, book, work, share, price, i, at, log, used)


@compiled
def _gains(rules: Rules, book: Book, price: Floats, i: int) -> bool:
    """Whether contract ``i`` is short, and in profit at ``price`` [I]."""
    if not (book.inst[P_UNITS, i] < 0.0 and price[i] > 0.0 and price[int(rules.inst[I_ASSET, i])] > 0.0):
        return False
    return unrealised(book.inst, rules.inst, i, price[i]) > 0.0


@compiled
def _end(
    rules: Rules, book: Book, work: Work, share: float, price: Floats, i: int, at: int, log: Floats, used: Ints
) -> None:
    units = book.inst[P_UNITS, i] * share
    size = size_of(book.inst, rules.inst, i) * share
    spot = book.inst[P_INDEX, i]
    carried = share_of(book.inst, i)
    book_ended(rules, book, i, units, price[i], 0.0, B_PNL_HEDGE)
    moved = 0.0
    if book.inst[P_UNITS, i] == 0.0 and not is_pooled(rules, i):  # nothing is left that it backs
        moved = -releasable(rules, book, i, price)
        move_collateral(rules, book, i, moved)
        refresh_margin(rules, book.inst, i)
    log_ended(rules, book, work, log, used, i, carried, -units, -size, price[i], spot, 0.0, moved, _DELEVERAGED, at)


@compiled
def reopen(rules: Rules, book: Book, work: Work, units: float, price: Floats, i: int, day: float) -> None:
    """Want the ``units`` coins (short negative) that are about to end on contract ``i`` again, each for the asset that it is for; the
    carry sleeve sells the coins that lost their short.
    """
    share = units / book.inst[P_UNITS, i]
    owner = int(rules.inst[I_ASSET, i])
    total = -hedge_units(book.inst, i)
    for b in range(book.asset.shape[1]):
        part = short_on(book.asset, book.inst, rules.inst, i, b, int(rules.scalar[K_MARKET]))
        if part <= 1e-12 * total:  # nothing, or what rounding leaves
            continue
        h = book.asset[B_H, b]
        n = add_leg(
            work.legs, work.counts, i, b, LEG_FUTURES, -part * share, price[i], price[owner], _REOPENED, -1.0, h, h, day
        )
        if n >= 0 and int(book.asset[B_HEDGE, b]) == i:
            work.legs[n, L_SOLD] = book.asset[B_EXCESS, b] * share
