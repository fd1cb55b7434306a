"""What happens to positions between decisions: funding and expiry at the open, liquidation at the high, the margin ladder."""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    I_ASSET,
    I_EXPIRY,
    I_FEE,
    I_KIND,
    P_ALARM,
    P_INDEX,
    P_LIQUIDATION,
    P_SEEN,
    P_UNITS,
    S_DAY,
    S_NAV,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.book import close_position, liquidate, pay_funding, settle_marks
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.margin import margin_ratio, margin_stage, withdraw_spare
from hedgerow.kernel.measure import size_of
from hedgerow.kernel.record import log_event, log_funding
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason
from hedgerow.units import NS_PER_DAY

_DELISTED: Final = 7.0 * NS_PER_DAY
_LIQUIDATED: Final = float(Reason.LIQUIDATED)
_SETTLED: Final = float(Reason.SETTLED)


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
            size = -size_of(book.inst, rules.inst, i)
            fee, moved = close_position(rules, book, i, before[a], rules.inst[I_FEE, i])
            log_event(
                rules, work, log, used, i, -units, size, before[a], before[a], fee, moved, _SETTLED, at,
                book.scalar[S_DAY],
            )  # fmt: skip
        elif pays:
            received = pay_funding(
                rules.scalar, rules.inst, book.asset, book.inst, book.scalar, i, funding[i], before[i], before[a]
            )
            log_funding(log, used, i, a, received, funding[i], before[i], before[a], at, book.scalar[S_DAY])


@compiled
def at_the_high(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    high: Floats,
    fresh: Bytes,
    over_spot: Floats,
    at: int,
    log: Floats,
    used: Ints,
    worst: Floats,
) -> None:
    """Liquidation of every short whose liquidation price was reached: by ``price`` (the open or the high), as far as
    the marked ``high`` confirms it; where the contract has no bar of its own, by spot times the last premium.
    """
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        top = price[i]
        if top > high[i]:
            top = high[i]
        if fresh[i] != 1 and over_spot[i] > 0.0:
            top = price[int(rules.inst[I_ASSET, i])] * over_spot[i]
        if units < 0.0 and top >= book.inst[P_LIQUIDATION, i]:
            level = book.inst[P_LIQUIDATION, i]
            spot = book.inst[P_INDEX, i]
            size = -size_of(book.inst, rules.inst, i)
            kept = liquidate(rules, book, i)
            worst[0] = max(worst[0], 1.0)
            worst[1] = 0.0
            log_event(
                rules, work, log, used, i, -units, size, level, spot, kept, 0.0, _LIQUIDATED, at, book.scalar[S_DAY]
            )


@compiled
def watch_margin(rules: Rules, book: Book, price: Floats, high: Floats, fresh: Bytes, worst: Floats) -> bool:
    """Track the day's worst margin ratio (at the high) and distance; whether any short passed its alarm price.

    ``price`` [I] are the close's marks (``estimate_marks``).
    """
    alarm = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] >= 0.0 or not price[i] > 0.0:
            continue
        top = high[i] if high[i] > price[i] else price[i]
        spot = price[int(rules.inst[I_ASSET, i])]
        worst[0] = max(worst[0], margin_ratio(rules.inst, book.inst, i, top, spot))
        worst[1] = min(worst[1], book.inst[P_LIQUIDATION, i] / top - 1.0)
        seen = fresh[i] == 1 or fresh[int(rules.inst[I_ASSET, i])] == 1
        if seen and price[i] > book.inst[P_ALARM, i]:
            alarm = True
    return alarm


@compiled
def estimate_marks(rules: Rules, book: Book, close: Floats, fresh: Bytes, over_spot: Floats, mark: Floats) -> None:
    """The marks that the risk clock sees: where a contract's bars are coarser than spot's, spot times the last
    premium (``over_spot`` [I] keeps it).
    """
    n_assets = book.asset.shape[1]
    for a in range(n_assets):
        mark[a] = close[a]
    for i in range(n_assets, close.shape[0]):
        spot = close[int(rules.inst[I_ASSET, i])]
        mark[i] = close[i]
        if fresh[i] == 1:
            over_spot[i] = close[i] / spot
        elif over_spot[i] > 0.0 and spot > 0.0:
            mark[i] = spot * over_spot[i]


@compiled
def settle_delisted(
    rules: Rules, book: Book, work: Work, now: int, price: Floats, fresh: Bytes, at: int, log: Floats, used: Ints
) -> None:
    """A contract without a price for a week is gone: its position is settled at the spot price."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        units = book.inst[P_UNITS, i]
        seen = book.inst[P_SEEN, i]
        if fresh[i] == 1 or (seen == 0.0 and units != 0.0):
            book.inst[P_SEEN, i] = float(now)
        elif seen < 0.0 or (seen > 0.0 and now - seen > _DELISTED):
            book.inst[P_SEEN, i] = -1.0
            a = int(rules.inst[I_ASSET, i])
            if units != 0.0 and fresh[a] == 1:
                settle_marks(rules.inst, book.asset, book.inst, price)
                size = -size_of(book.inst, rules.inst, i)
                fee, moved = close_position(rules, book, i, price[a], rules.inst[I_FEE, i])
                log_event(
                    rules, work, log, used, i, -units, size, price[a], price[a], fee, moved, _SETTLED, at,
                    book.scalar[S_DAY],
                )  # fmt: skip


@compiled
def act_on_margin(rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, funding: Floats) -> None:
    """The margin ladder's legs, behind those of the plan, and past the same guard."""
    first = work.counts[0]
    day = book.scalar[S_DAY]
    margin_stage(
        rules.scalar, rules.inst, book.asset, book.inst, book.wallet, work.asset, price, fresh,
        book.scalar[S_NAV], work.legs, work.counts, day,
    )  # fmt: skip
    guard_legs(
        rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, price, fresh, funding,
        book.scalar[S_NAV], first, work.legs, work.counts, day,
    )  # fmt: skip
    withdraw_spare(
        rules.scalar, rules.inst, book.asset, book.inst, book.wallet, price, fresh, book.scalar[S_NAV], work.legs,
        work.counts, day,
    )  # fmt: skip
