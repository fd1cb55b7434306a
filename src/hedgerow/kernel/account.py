"""What backs linear shorts together: one futures wallet (cross margin), or cash and coins (unified accounts).

Under isolated margin every contract has its own collateral (``kernel.margin``); inverse contracts always do. Pooled
margin is measured by a common move of all prices, since coins rise together: how far until equity is the maintenance
margin. Source: domain 2.17 (cross, collateral haircuts), 2A-1 (unified collateral in place of a sale).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    A_HAIRCUT,
    B_CROSS,
    B_CROSS_BY,
    B_HELD,
    CROSS,
    I_ASSET,
    I_FEE,
    I_HALF_SPREAD,
    I_INVERSE,
    ISOLATED,
    K_LEVERAGE,
    K_MARKET,
    K_MODE,
    K_TOP,
    K_TOP_MARKET,
    L_INST,
    P_COLLATERAL,
    P_LIQUIDATION,
    P_UNITS,
    UNIFIED,
    W_CASH,
    W_MARGIN,
    X_CROSS,
    X_CROSSED,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.margin import collateral_due, liquidation_of, maintenance_of
from hedgerow.kernel.measure import free_coins, own_short, spot_units
from hedgerow.kernel.position import unrealised
from hedgerow.kernel.sleeve import leverage_for, unpaired
from hedgerow.model.market import Floats

_DUST: Final = 0.01  # of the spot: less than a lot may be left of a cross hedge that was covered
_STEP: Final = 1e-6  # of all prices: the slope of equity less maintenance is measured over it
_AHEAD: Final = 0.005  # of an order's notional: what a price may rise while its collateral is on the way
_ROUNDS: Final = 12  # maintenance has few tiers: each round of the search leaves at least one behind


@compiled
def is_pooled(rules: Rules, i: int) -> bool:
    """Whether contract ``i`` is backed by the account, not by collateral of its own."""
    return rules.scalar[K_MODE] != ISOLATED and rules.inst[I_INVERSE, i] == 0.0


@compiled
def credit(rules: Rules, book: Book, i: int, amount: float) -> None:
    """Add what contract ``i`` earned (or paid: negative) to what backs it, settle currency."""
    if not is_pooled(rules, i):
        book.inst[P_COLLATERAL, i] += amount
    elif rules.scalar[K_MODE] == UNIFIED:
        book.wallet[W_CASH, 0] += amount
    else:
        book.wallet[W_MARGIN, 0] += amount


@compiled
def account_state(rules: Rules, book: Book, price: Floats, rise: float) -> tuple[float, float, float]:
    """(equity, maintenance margin, short notional) of pooled margin, quote, with all prices [I] up by ``rise``.

    A position without a price counts at its entry.
    """
    equity = book.wallet[W_MARGIN, 0]
    if rules.scalar[K_MODE] == UNIFIED:
        equity += book.wallet[W_CASH, 0]
        for a in range(book.asset.shape[1]):
            if price[a] > 0.0:
                equity += book.asset[B_HELD, a] * price[a] * (1.0 + rise) * (1.0 - rules.asset[A_HAIRCUT, a])
    need = 0.0
    notional = 0.0
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] != 0.0 and rules.inst[I_INVERSE, i] == 0.0 and price[i] > 0.0:
            mark = price[i] * (1.0 + rise)
            equity += unrealised(book.inst, rules.inst, i, mark)
            need += maintenance_of(rules, book.inst, i, mark)
            notional += abs(book.inst[P_UNITS, i]) * mark
    return equity, need, notional


@compiled
def account_spare(rules: Rules, book: Book, price: Floats) -> float:
    """Equity above what the shorts ask at the allowed leverage (negative: missing), quote."""
    equity, _, notional = account_state(rules, book, price, 0.0)
    return equity - notional / rules.scalar[K_LEVERAGE]


@compiled
def account_distance(rules: Rules, book: Book, price: Floats) -> float:
    """The common rise of all prices that liquidates the account; inf: none does, 0 or less: it is there.

    Equity is linear and maintenance convex in the rise, so Newton's steps come down on the root from above.
    """
    equity, need, notional = account_state(rules, book, price, 0.0)
    if notional == 0.0:
        return np.inf
    if equity <= need:
        return 0.0
    rise = 0.0
    gap = equity - need
    for _ in range(_ROUNDS):
        ahead = _STEP * (1.0 + rise)  # of the rise itself: far away a bare step drowns in rounding
        up, up_need, _ = account_state(rules, book, price, rise + ahead)
        slope = (up - up_need - gap) / ahead
        if slope >= 0.0:
            if rise == 0.0:  # the largest tier may still fall: look far away
                rise = 1e6
                far, far_need, _ = account_state(rules, book, price, rise)
                gap = far - far_need
                if gap >= 0.0:
                    return np.inf
                continue
            return rise
        step = -gap / slope
        rise += step
        if abs(step) <= 1e-9 * (1.0 + rise):
            break
        equity, need, _ = account_state(rules, book, price, rise)
        gap = equity - need
    return rise


@compiled
def account_top_up(rules: Rules, book: Book) -> float:
    """The distance below which the account is topped up: the market asset's where nothing else is short (2A-9)."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        other = int(rules.inst[I_ASSET, i]) != int(rules.scalar[K_MARKET])
        if book.inst[P_UNITS, i] != 0.0 and rules.inst[I_INVERSE, i] == 0.0 and other:
            return rules.scalar[K_TOP]
    return rules.scalar[K_TOP_MARKET]


@compiled
def largest_short(rules: Rules, book: Book, price: Floats) -> int:
    """The pooled contract with the largest short, which stands for the account in a transfer; -1: none has a price."""
    found = -1
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i) and price[i] > 0.0:
            if found < 0 or book.inst[P_UNITS, i] * price[i] < book.inst[P_UNITS, found] * price[found]:
                found = i
    return found


@compiled
def refresh_account(rules: Rules, book: Book, price: Floats) -> None:
    """Liquidation price of every pooled short with the other prices as they stand, as venues show it.

    A coin that is collateral rises with its own short: its value is counted at each price (backed shorts have none).
    """
    if rules.scalar[K_MODE] == ISOLATED:
        return
    equity, need, _ = account_state(rules, book, price, 0.0)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] == 0.0 or rules.inst[I_INVERSE, i] == 1.0 or not price[i] > 0.0:
            continue
        own = maintenance_of(rules, book.inst, i, price[i])
        others = equity - unrealised(book.inst, rules.inst, i, price[i]) - (need - own)
        a = int(rules.inst[I_ASSET, i])
        if rules.scalar[K_MODE] == UNIFIED and price[a] > 0.0:
            coins = book.asset[B_HELD, a] * (1.0 - rules.asset[A_HAIRCUT, a]) * price[a] / price[i]
            book.inst[P_LIQUIDATION, i] = liquidation_of(rules, book.inst, i, others - coins * price[i], coins)
        else:
            book.inst[P_LIQUIDATION, i] = liquidation_of(rules, book.inst, i, others, 0.0)


@compiled
def affordable(
    rules: Rules, book: Book, x: Floats, i: int, served: int, wanted: float, mark: Floats, spot: float, slip: float
) -> float:
    """Coins that may be added to a short: what cash, coins or the account fund at the allowed leverage, never above the
    spot it is for. ``mark`` [I] are the bar's prices.
    """
    a = int(rules.inst[I_ASSET, i])
    each = 1.0 / rules.scalar[K_LEVERAGE] + slip + rules.inst[I_FEE, i]
    spare = bare(rules, book, x, served, a, i)
    if is_pooled(rules, i):
        room = account_spare(rules, book, mark)
        if rules.scalar[K_MODE] == CROSS:
            room += max(0.0, book.wallet[W_CASH, 0])
        funded = room / (mark[i] * each)
        if rules.scalar[K_MODE] == UNIFIED and rules.inst[I_FEE, i] > 0.0:
            hedged = 1.0 / x[X_CROSS, served] if served != a and x[X_CROSS, served] > 0.0 else 1.0
            funded = min(funded, _payable(rules, book, x, served, hedged, mark[i] * rules.inst[I_FEE, i], mark))
    elif rules.inst[I_INVERSE, i] == 1.0:
        due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], spot)
        funded = (free_coins(book.asset, a) - due) / each
        spare = spare / (1.0 + rules.inst[I_FEE, i] * mark[i] / spot)  # the fee itself is paid in coins
    else:
        due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], spot)
        funded = (max(0.0, book.wallet[W_CASH, 0]) - due) / (mark[i] * each)
    return max(0.0, min(wanted, min(funded, spare)))


@compiled
def _payable(rules: Rules, book: Book, x: Floats, served: int, hedged: float, fee: float, mark: Floats) -> float:
    """Coins of a short whose ``fee`` (each, quote) a unified account pays and no protected or hedged coin is sold for: cash pays,
    free and bare coins of the other assets, and those of asset ``served`` that stay bare. One coin hedges ``hedged`` of them.
    """
    others = max(0.0, book.wallet[W_CASH, 0])
    for b in range(book.asset.shape[1]):
        if b != served and mark[b] > 0.0:
            idle = min(free_coins(book.asset, b), bare_coins(rules, book, x, b))
            others += idle * forced_price(rules, b, mark[b])
    if not mark[served] > 0.0:
        return others / fee
    brings = forced_price(rules, served, mark[served])
    by_free = (others + free_coins(book.asset, served) * brings) / fee
    return min(by_free, (others + bare_coins(rules, book, x, served) * brings) / (fee + hedged * brings))


@compiled
def forced_price(rules: Rules, a: int, price: float) -> float:
    """What a coin sold by force at ``price`` brings: less half the spread and the fee, quote."""
    return price * (1.0 - rules.inst[I_HALF_SPREAD, a]) * (1.0 - rules.inst[I_FEE, a])


@compiled
def affordable_pair(rules: Rules, book: Book, i: int, wanted: float, mark: float, spot: float, slip: float) -> float:
    """Coins that the carry sleeve may short more: those it bought and did not short, as far as cash backs them whole."""
    due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark, spot)
    each = mark * (1.0 + slip + rules.inst[I_FEE, i])
    loose = unpaired(book.asset, book.inst, rules.inst, int(rules.inst[I_ASSET, i]))
    return max(0.0, min(wanted, loose, (max(0.0, book.wallet[W_CASH, 0]) - due) / each))


@compiled
def bare(rules: Rules, book: Book, x: Floats, served: int, a: int, i: int) -> float:
    """Coins of asset ``a``'s contract that asset ``served`` could still be short for: its spot that no short covers."""
    coins = bare_coins(rules, book, x, served)
    if served == a:
        return coins
    owned = spot_units(book.asset, book.inst, rules.inst, served)
    cross = book.asset[B_CROSS, served] * x[X_CROSSED, served]
    if cross > _DUST * owned and int(book.asset[B_CROSS_BY, served]) != i:
        return 0.0  # one cross hedge at a time: the old contract is covered first
    return coins * x[X_CROSS, served]


@compiled
def bare_coins(rules: Rules, book: Book, x: Floats, a: int) -> float:
    """Coins of asset ``a`` that no short stands against, its own or a cross hedge."""
    owned = spot_units(book.asset, book.inst, rules.inst, a)
    cross = book.asset[B_CROSS, a] * x[X_CROSSED, a]
    return max(0.0, owned - own_short(book.asset, book.inst, rules.inst, a, int(rules.scalar[K_MARKET])) - cross)


@compiled
def move_collateral(rules: Rules, book: Book, i: int, amount: float) -> None:
    """Move ``amount`` from the wallet (or coins, for an inverse contract) to what backs contract ``i``; negative: back."""
    if amount == 0.0:
        return
    if rules.inst[I_INVERSE, i] == 1.0:
        book.asset[B_HELD, int(rules.inst[I_ASSET, i])] -= amount
    else:
        book.wallet[W_CASH, 0] -= amount
    credit(rules, book, i, amount)


@compiled
def collateral_for(rules: Rules, book: Book, i: int, units: float, mark: Floats) -> float:
    """What is to move to (negative: from) the collateral of contract ``i`` after ``units`` coins of it were traded at the prices
    ``mark`` [I], settle currency: up to what the short needs, or down to it.
    """
    return collectable(rules, book, i, mark) if units < 0.0 else -releasable(rules, book, i, mark)


@compiled
def collectable(rules: Rules, book: Book, i: int, mark: Floats) -> float:
    """What the wallet (or free coins) can bring of the collateral that contract ``i`` lacks, settle currency."""
    a = int(rules.inst[I_ASSET, i])
    if is_pooled(rules, i):
        due = -account_spare(rules, book, mark)
        if rules.scalar[K_MODE] == UNIFIED or due <= 0.0:
            return 0.0
        return min(due, max(0.0, book.wallet[W_CASH, 0]))
    due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], mark[a])
    if due <= 0.0:
        return 0.0
    return min(due, free_coins(book.asset, a) if rules.inst[I_INVERSE, i] == 1.0 else max(0.0, book.wallet[W_CASH, 0]))


@compiled
def releasable(rules: Rules, book: Book, i: int, mark: Floats) -> float:
    """Collateral of contract ``i`` that its short (or the account) does not need, settle currency."""
    if is_pooled(rules, i):
        if rules.scalar[K_MODE] == UNIFIED:
            return 0.0
        if book.wallet[W_MARGIN, 0] < 0.0 and account_state(rules, book, mark, 0.0)[2] == 0.0:
            return max(book.wallet[W_MARGIN, 0], -max(0.0, book.wallet[W_CASH, 0]))  # the last cover's fee is owed
        return max(0.0, min(account_spare(rules, book, mark), book.wallet[W_MARGIN, 0]))
    spare = book.inst[P_COLLATERAL, i]
    if book.inst[P_UNITS, i] != 0.0:
        spare = -collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], mark[int(rules.inst[I_ASSET, i])])
    return max(0.0, min(spare, book.inst[P_COLLATERAL, i]))


@compiled
def collateral_ahead(rules: Rules, book: Book, legs: Floats, n: int, units: float, mark: Floats, slip: float) -> float:
    """What is to move to the contract of leg ``n`` before ``units`` coins of it (below 0) are sold at the prices ``mark`` [I], on
    venues that want the collateral first, settle currency: its margin, fee and slippage, less what is spare there; at most
    what the wallet (or free coins) can bring.
    """
    i = int(legs[n, L_INST])
    a = int(rules.inst[I_ASSET, i])
    notional = -units * (1.0 if rules.inst[I_INVERSE, i] == 1.0 else mark[i])
    need = notional * (1.0 / leverage_for(rules.scalar, legs, n) + slip + rules.inst[I_FEE, i])
    if is_pooled(rules, i):
        if rules.scalar[K_MODE] == UNIFIED:
            return 0.0
        need -= account_spare(rules, book, mark)
    else:
        need += collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], mark[a])
    if need <= 0.0:
        return 0.0
    have = free_coins(book.asset, a) if rules.inst[I_INVERSE, i] == 1.0 else book.wallet[W_CASH, 0]
    return max(0.0, min(need + _AHEAD * notional, have))
