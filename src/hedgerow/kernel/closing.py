"""What a venue does to a position by itself: settlement, liquidation in steps, auto-deleveraging, repayment (domain 2.17, 2.18)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import (
    account_state,
    credit,
    forced_price,
    is_pooled,
    move_collateral,
    releasable,
)
from hedgerow.kernel.arrays import (
    B_CROSS,
    B_CROSS_BY,
    B_EXCESS,
    B_FEE_FUTURES,
    B_HEDGE,
    B_HELD,
    B_PNL_BASIS,
    B_PNL_CARRY,
    B_PNL_HEDGE,
    I_ASSET,
    I_DOWN,
    I_INVERSE,
    I_LEFT,
    I_LOT,
    I_TAKEN,
    I_TIER,
    I_TIERS,
    K_MODE,
    P_CARRY,
    P_COLLATERAL,
    P_ENTRY,
    P_INDEX,
    P_LIQUIDATION,
    P_MARK,
    P_UNITS,
    S_FUTURES_TRADED,
    S_LIQUIDATIONS,
    UNIFIED,
    W_CASH,
    W_MARGIN,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.book import count_turnover
from hedgerow.kernel.liquidation import bankruptcy_price, liquidation_step
from hedgerow.kernel.margin import maintenance_of, refresh_margin
from hedgerow.kernel.position import notional, size_of, unrealised
from hedgerow.kernel.sleeve import share_of
from hedgerow.model.market import Floats

_WHOLE: Final = 1.0 - 1e-12
_LEAST: Final = 0.01  # of the position: prices that rise on would take crumbs without end
_ROUND: Final = 1e-12


@compiled
def book_ended(rules: Rules, book: Book, i: int, units: float, price: float, fee: float, part: int) -> None:
    """Enter that ``units`` coins (short negative) of the position on contract ``i`` ended at ``price`` outside the market; ``fee`` is
    in settle currency, ``part`` the row of the attribution that the move from the last mark belongs to.
    """
    a = int(rules.inst[I_ASSET, i])
    inst = book.inst
    share = units / inst[P_UNITS, i]
    unit = inst[P_INDEX, i] if rules.inst[I_INVERSE, i] == 1.0 else 1.0
    made = unrealised(inst, rules.inst, i, price) * share
    stood = unrealised(inst, rules.inst, i, inst[P_MARK, i]) * share
    credit(rules, book, i, made - fee)
    carried = share_of(inst, i)
    rest = 1.0 - carried
    book.asset[B_FEE_FUTURES, a] -= rest * fee * unit
    book.asset[part, a] += rest * (made - stood) * unit
    book.asset[B_PNL_CARRY, a] += carried * (made - stood - fee) * unit
    left = 0.0 if share >= _WHOLE else 1.0 - share
    inst[P_UNITS, i] *= left
    inst[P_CARRY, i] *= left
    for b in range(book.asset.shape[1]):
        if int(book.asset[B_CROSS_BY, b]) == i:
            book.asset[B_CROSS, b] *= left
        if int(book.asset[B_HEDGE, b]) == i:
            book.asset[B_EXCESS, b] *= left
    book.scalar[S_FUTURES_TRADED] += abs(units) * price
    count_turnover(book.scalar, abs(units) * price)
    refresh_margin(rules, inst, i)


@compiled
def settle_contract(
    rules: Rules, book: Book, i: int, mark: Floats, price: float, fee_rate: float
) -> tuple[float, float]:
    """Settle the whole position at ``price``; returns the fee in quote, and the collateral that moved (negative: back to
    the wallet), settle currency. ``mark`` [I] are the prices of the moment.
    """
    inverse = rules.inst[I_INVERSE, i] == 1.0
    spot = book.inst[P_INDEX, i]
    fee = abs(notional(size_of(book.inst, rules.inst, i), price, inverse)) * fee_rate
    book_ended(rules, book, i, book.inst[P_UNITS, i], price, fee, B_PNL_BASIS)
    moved = -releasable(rules, book, i, mark)
    move_collateral(rules, book, i, moved)
    refresh_margin(rules, book.inst, i)
    return fee * spot if inverse else fee, moved


@compiled
def _step(rules: Rules, book: Book, i: int, price: float) -> float:
    """The share of position ``i`` that one step of a liquidation takes at ``price``: whole lots, and never crumbs."""
    inverse = rules.inst[I_INVERSE, i] == 1.0
    size = size_of(book.inst, rules.inst, i)
    first, count = int(rules.inst[I_TIER, i]), int(rules.inst[I_TIERS, i])
    left = size
    for _ in range(int(rules.inst[I_DOWN, i])):
        taken, _ = liquidation_step(left, price, rules.tier, first, count, True, 0.0, inverse)
        left -= taken
    if rules.inst[I_DOWN, i] == 0.0:
        return 1.0
    share = max(1.0 - left / size, _LEAST)
    lot = rules.inst[I_LOT, i]
    if lot > 0.0:
        lots = abs(book.inst[P_UNITS, i]) / lot
        share = np.ceil(share * lots * (1.0 - _ROUND)) / lots
    return min(1.0, share)


@compiled
def liquidated_at(rules: Rules, book: Book, i: int, reached: float) -> float:
    """The price of the next step of an isolated liquidation: its liquidation price, or the price that the market has
    ``reached`` where that is worse (a gap, or an earlier step's fee); at most the bankruptcy price, where the venue
    takes over.
    """
    inverse = rules.inst[I_INVERSE, i] == 1.0
    size = size_of(book.inst, rules.inst, i)
    last = bankruptcy_price(size, book.inst[P_ENTRY, i], book.inst[P_COLLATERAL, i], 0.0, inverse)
    level = book.inst[P_LIQUIDATION, i]
    return max(level, min(reached, last))


@compiled
def liquidate(rules: Rules, book: Book, i: int, price: float) -> tuple[float, float, float, float]:
    """One step of an isolated liquidation at ``price``, at or beyond its liquidation price; returns (coins, size, fee in
    quote, collateral moved).

    A step down to a lower tier pays the venue's fee; the last one leaves what is over to the holder or to the venue, by
    the convention. The fee never takes more than there is.
    """
    inst = book.inst
    inverse = rules.inst[I_INVERSE, i] == 1.0
    unit = inst[P_INDEX, i] if inverse else 1.0
    share = _step(rules, book, i, price)
    units, size = inst[P_UNITS, i] * share, size_of(inst, rules.inst, i) * share
    left = inst[P_COLLATERAL, i] + unrealised(inst, rules.inst, i, price)
    fee = abs(notional(size, price, inverse)) * rules.inst[I_TAKEN, i]
    if share < _WHOLE:
        fee = min(fee, max(0.0, left))
    else:
        fee = min(fee, left) if rules.inst[I_LEFT, i] == 1.0 else left
    book_liquidation(rules, book, i, units, price, fee)
    moved = 0.0
    if inst[P_UNITS, i] == 0.0:
        moved = -releasable(rules, book, i, inst[P_MARK])
        move_collateral(rules, book, i, moved)
        refresh_margin(rules, inst, i)
    return units, size, fee * unit, moved


@compiled
def book_liquidation(rules: Rules, book: Book, i: int, units: float, price: float, fee: float) -> None:
    """Enter that the venue liquidated ``units`` coins of contract ``i`` at ``price``; ``fee`` is what it took, settle currency.

    Of a short with collateral of its own that is gone nothing stays behind but what the convention leaves to its holder.
    """
    inst = book.inst
    book_ended(rules, book, i, units, price, fee, B_PNL_HEDGE)
    book.scalar[S_LIQUIDATIONS] += 1.0
    kept = inst[P_COLLATERAL, i]
    if inst[P_UNITS, i] == 0.0 and not is_pooled(rules, i) and (rules.inst[I_LEFT, i] == 0.0 or kept < 0.0):
        unit = inst[P_INDEX, i] if rules.inst[I_INVERSE, i] == 1.0 else 1.0
        inst[P_COLLATERAL, i] = 0.0
        book.asset[B_FEE_FUTURES, int(rules.inst[I_ASSET, i])] -= kept * unit  # rounding


@compiled
def next_liquidated(rules: Rules, book: Book, top: Floats) -> int:
    """The pooled short that the venue reduces next: the one that asks most maintenance at ``top`` [I]; -1: none must.

    The account is liquidated when its equity, with every price at its top of the bar, is not above maintenance.
    """
    equity, need, notional_ = account_state(rules, book, top, 0.0)
    if notional_ == 0.0 or equity > need:
        return -1
    found = -1
    most = 0.0
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i) and book.inst[P_UNITS, i] < 0.0 and top[i] > 0.0:
            asks = maintenance_of(rules, book.inst, i, top[i])
            if found < 0 or asks > most:
                found = i
                most = asks
    return found


@compiled
def liquidate_pooled(rules: Rules, book: Book, i: int, mark: Floats) -> tuple[float, float, float]:
    """One step of the liquidation of a pooled account at the prices ``mark`` [I]; returns (coins, size, fee in quote).

    Where nothing is left, the venue's fund pays what lacks: it is counted as the fee that was not taken.
    """
    price = mark[i]
    units, size = book.inst[P_UNITS, i], size_of(book.inst, rules.inst, i)
    share = _step(rules, book, i, price)
    fee = abs(units * share) * price * rules.inst[I_TAKEN, i]
    book_liquidation(rules, book, i, units * share, price, fee)
    if not _is_short(rules, book):
        w = W_CASH if rules.scalar[K_MODE] == UNIFIED else W_MARGIN
        lacks = -book.wallet[w, 0] - sellable(rules, book, mark)
        if lacks > 0.0:
            fee -= lacks
            book.asset[B_FEE_FUTURES, int(rules.inst[I_ASSET, i])] += lacks
            book.wallet[w, 0] += lacks
    return units * share, size * share, fee


@compiled
def sellable(rules: Rules, book: Book, mark: Floats) -> float:
    """Quote that a unified account's coins bring where its venue sells them for a debt (``mark`` [I]); 0 for others."""
    total = 0.0
    if rules.scalar[K_MODE] == UNIFIED:
        for a in range(book.asset.shape[1]):
            if mark[a] > 0.0:
                total += max(0.0, book.asset[B_HELD, a]) * forced_price(rules, a, mark[a])
    return total


@compiled
def _is_short(rules: Rules, book: Book) -> bool:
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i) and book.inst[P_UNITS, i] < 0.0:
            return True
    return False
