"""What happens to positions between decisions: funding and expiry at the open, liquidation at the high, the margin ladder."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import bare_coins, forced_price, is_pooled
from hedgerow.kernel.arrays import (
    B_HELD,
    I_ASSET,
    I_EXPIRY,
    I_FEE,
    I_INVERSE,
    I_KIND,
    ISOLATED,
    K_MODE,
    LEG_SPOT,
    NEAR_FLATTEN,
    P_INDEX,
    P_LIQUIDATION,
    P_SEEN,
    P_UNITS,
    S_DAY,
    S_NAV,
    UNIFIED,
    W_CASH,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.book import pay_funding, settle_future, settle_marks, settle_spot
from hedgerow.kernel.closing import (
    liquidate,
    liquidate_pooled,
    liquidated_at,
    next_liquidated,
    settle_contract,
)
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.ladder import margin_stage
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.measure import free_coins
from hedgerow.kernel.position import size_of
from hedgerow.kernel.record import log_event, log_funding, write_log
from hedgerow.kernel.sleeve import balance, share_of
from hedgerow.kernel.spare import withdraw_spare
from hedgerow.kernel.spot import book_forced, forced_sale
from hedgerow.kernel.watch import bar_mark, is_reached, premium
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason
from hedgerow.units import NS_PER_DAY

DELISTED_AFTER: Final = 7.0 * NS_PER_DAY  # without a price
_DUST: Final = 1e-12  # of what is held: what rounding leaves is not sold
_LIQUIDATED: Final = float(Reason.LIQUIDATED)
_SETTLED: Final = float(Reason.SETTLED)
_REPAID: Final = float(Reason.REPAID)


@compiled
def log_ended(
    rules: Rules,
    book: Book,
    work: Work,
    log: Floats,
    used: Ints,
    i: int,
    carried: float,
    units: float,
    size: float,
    price: float,
    spot: float,
    fee: float,
    moved: float,
    reason: float,
    at: int,
) -> None:
    """Write down what the venue covered by itself: the hedge's coins, and the share that the carry sleeve had of them."""
    day = book.scalar[S_DAY]
    rest = 1.0 - carried
    if rest > 0.0:
        log_event(
            rules, work, log, used, i, rest * units, rest * size, price, spot, rest * fee, rest * moved, reason, at,
            day, 0.0,
        )  # fmt: skip
    if carried > 0.0:
        log_event(
            rules, work, log, used, i, carried * units, carried * size, price, spot, carried * fee, carried * moved,
            reason, at, day, 1.0,
        )  # fmt: skip


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
    owing, most = -1, 0.0  # the asset whose contract took most cash
    settled = False
    in_coins = rules.scalar[K_MODE] == UNIFIED  # which sells some where cash does not pay
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        if units == 0.0:
            continue
        carried = share_of(book.inst, i)
        a = int(rules.inst[I_ASSET, i])
        pays = funding[i] != 0.0 and rules.inst[I_KIND, i] == 1.0  # dated contracts have no funding
        ends = open_ns >= rules.inst[I_EXPIRY, i]
        cash = book.wallet[W_CASH, 0]
        if not settled and (ends or (pays and (in_coins or rules.inst[I_INVERSE, i] == 1.0))):
            settle_marks(rules.inst, book.asset, book.inst, before)  # coins paid now have no part in earlier moves
            settled = True
        if ends:
            size = -size_of(book.inst, rules.inst, i)
            fee, moved = settle_contract(rules, book, i, before, before[a], rules.inst[I_FEE, i])
            log_ended(
                rules, book, work, log, used, i, carried, -units, size, before[a], before[a], fee, moved, _SETTLED, at
            )
        elif pays:
            received = pay_funding(rules, book, i, funding[i], before[i], before[a])
            day = book.scalar[S_DAY]
            if carried < 1.0:
                own = (1.0 - carried) * received
                log_funding(log, used, i, a, own, funding[i], before[i], before[a], at, day, 0.0)
            if carried > 0.0:
                log_funding(log, used, i, a, carried * received, funding[i], before[i], before[a], at, day, 1.0)
        if cash - book.wallet[W_CASH, 0] > most:
            owing, most = a, cash - book.wallet[W_CASH, 0]
    if owing >= 0:  # once for all: what one contract takes another may bring
        repay(rules, book, work, owing, before, at, log, used)


@compiled
def at_the_high(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    high: Floats,
    opened: Floats,
    fresh: Bytes,
    last: Floats,
    before: Floats,
    top: Floats,
    at: int,
    log: Floats,
    used: Ints,
    worst: Floats,
) -> None:
    """Liquidation of every short whose liquidation price was reached. Nothing is closed at a better price than the bar
    ``opened`` with. ``top`` [I] takes the prices, ``before`` where there are none.
    """
    n_assets = book.asset.shape[1]
    pooled = rules.scalar[K_MODE] != ISOLATED
    if not pooled and not is_reached(rules.inst, book.inst, n_assets, price, high, fresh, last):
        return
    for a in range(n_assets):
        top[a] = price[a] if price[a] > 0.0 else before[a]
    for i in range(n_assets, book.inst.shape[1]):
        mark = bar_mark(rules.inst, price, high, fresh, last, i)
        level = opened[i]
        if fresh[i] != 1 and premium(last, i) > 0.0:
            level = opened[int(rules.inst[I_ASSET, i])] * premium(last, i)
        level = min(level, mark) if level > 0.0 else 0.0
        top[i] = mark if mark > 0.0 else before[i]
        if is_pooled(rules, i):
            continue
        while book.inst[P_UNITS, i] < 0.0 and mark >= book.inst[P_LIQUIDATION, i]:
            level = liquidated_at(rules, book, i, level)
            spot = book.inst[P_INDEX, i]
            carried = share_of(book.inst, i)
            units, size, fee, moved = liquidate(rules, book, i, level)
            _liquidated(worst)
            log_ended(rules, book, work, log, used, i, carried, -units, -size, level, spot, fee, moved, _LIQUIDATED, at)
    i = next_liquidated(rules, book, top) if pooled else -1
    while i >= 0:
        units, size, fee = liquidate_pooled(rules, book, i, top)
        _liquidated(worst)
        spot = top[int(rules.inst[I_ASSET, i])]
        log_ended(rules, book, work, log, used, i, 0.0, -units, -size, top[i], spot, fee, 0.0, _LIQUIDATED, at)
        repay(rules, book, work, int(rules.inst[I_ASSET, i]), top, at, log, used)
        i = next_liquidated(rules, book, top)


@compiled
def _liquidated(worst: Floats) -> None:
    worst[0] = max(worst[0], 1.0)
    worst[1] = 0.0
    worst[2] = NEAR_FLATTEN


@compiled
def repay(rules: Rules, book: Book, work: Work, a: int, price: Floats, at: int, log: Floats, used: Ints) -> None:
    """A unified account that owes quote sells coins for it, as its venue would: first free ones that no short stands against,
    then protected ones without a short, then all others; each time those of asset ``a`` first, then in order.
    """
    n_assets = book.asset.shape[1]
    for k in range(3 * (n_assets + 1)):
        if rules.scalar[K_MODE] != UNIFIED or book.wallet[W_CASH, 0] >= 0.0:
            return
        place = k % (n_assets + 1)
        b = a if place == 0 else place - 1
        held = book.asset[B_HELD, b]
        least = _DUST * held
        if k < 2 * (n_assets + 1):
            held = min(held, bare_coins(rules, book, work.asset, b))
        if k <= n_assets:
            held = min(held, free_coins(book.asset, b))
        if not (price[b] > 0.0 and held > least):
            continue
        owed = -book.wallet[W_CASH, 0]
        each = forced_price(rules, b, price[b])
        kept = work.counts[0]
        units = -min(held, owed / each * (1.0 + 1e-12))
        n = add_leg(
            work.legs, work.counts, b, b, LEG_SPOT, units, price[b], price[b], _REPAID, -1.0, owed, np.nan,
            book.scalar[S_DAY],
        )  # fmt: skip
        if n >= 0:
            fill, fee = forced_sale(rules, b, units, price[b])
            book_forced(rules, book, work.legs, n, at, units, fill, fee, price[b])
            write_log(log, used, work.legs, n)
        work.counts[0] = kept


@compiled
def is_gone(book: Book, i: int, now: int) -> bool:
    """Whether contract ``i``, which has no fresh price ``now``, has had none for a week; it is noted. Those with a price have been
    seen (``remember_marks``), and a position that never had one is counted from now on.
    """
    seen = book.inst[P_SEEN, i]
    if seen == 0.0 and book.inst[P_UNITS, i] != 0.0:
        book.inst[P_SEEN, i] = float(now)
    elif seen < 0.0 or (seen > 0.0 and now - seen > DELISTED_AFTER):
        book.inst[P_SEEN, i] = -1.0
        return True
    return False


@compiled
def settle_delisted(
    rules: Rules, book: Book, work: Work, now: int, price: Floats, fresh: Bytes, at: int, log: Floats, used: Ints
) -> None:
    """A contract without a price for a week is gone: its position is settled at the spot price."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if fresh[i] == 1 or not is_gone(book, i, now):
            continue
        units = book.inst[P_UNITS, i]
        a = int(rules.inst[I_ASSET, i])
        if units != 0.0 and fresh[a] == 1:
            carried = share_of(book.inst, i)
            settle_spot(rules.inst, book.asset, book.inst, a, price[a])
            settle_future(rules.inst, book.asset, book.inst, i, price[i], price[a])
            size = -size_of(book.inst, rules.inst, i)
            fee, moved = settle_contract(rules, book, i, price, price[a], rules.inst[I_FEE, i])
            log_ended(
                rules, book, work, log, used, i, carried, -units, size, price[a], price[a], fee, moved, _SETTLED, at
            )
            repay(rules, book, work, a, price, at, log, used)


@compiled
def act_on_margin(rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, funding: Floats) -> None:
    """The margin ladder's legs, behind those of the plan, and past the same guard."""
    first = work.counts[0]
    day = book.scalar[S_DAY]
    margin_stage(rules, book, work.asset, price, fresh, book.scalar[S_NAV], work.legs, work.counts, day)
    guard_legs(
        rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, price, fresh, funding,
        book.scalar[S_NAV], first, work.legs, work.counts, day,
    )  # fmt: skip
    balance(book.asset, book.inst, rules.inst, work.legs, 0, work.counts[0])
    withdraw_spare(rules, book, price, fresh, book.scalar[S_NAV], work.legs, work.counts, day)
