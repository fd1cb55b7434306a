"""The fold for deciding: fills, transfers, funding, settlement and liquidation change the book here and nowhere
else.
"""

from __future__ import annotations

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import (
    account_spare,
    affordable,
    affordable_pair,
    collateral_for,
    credit,
    is_pooled,
    move_collateral,
)
from hedgerow.kernel.arrays import (
    B_CARRY,
    B_COST,
    B_CROSS,
    B_CROSS_BY,
    B_ENTERED,
    B_EXCESS,
    B_FEE_FUTURES,
    B_FUNDING,
    B_HEDGE,
    B_HELD,
    B_MARK,
    B_PNL_BASIS,
    B_PNL_CARRY,
    B_PNL_HEDGE,
    B_PNL_SPOT,
    B_PRINCIPAL,
    B_SLIP_FUTURES,
    FILLED,
    I_ASSET,
    I_FEE,
    I_INVERSE,
    L_AT,
    L_CHARGE,
    L_DAY,
    L_DONE,
    L_FEE,
    L_FILL,
    L_FOR,
    L_INST,
    L_MOVED,
    L_PAID_IN,
    L_PRICE,
    L_SIZE,
    L_SLEEVE,
    L_SLIPPAGE,
    L_SOLD,
    L_SPOT,
    L_STATUS,
    L_UNITS,
    L_WANTED,
    P_CARRY,
    P_COLLATERAL,
    P_ENTRY,
    P_INDEX,
    P_MARK,
    P_UNITS,
    S_BUCKET,
    S_CAPPED_DAY,
    S_FUTURES_TRADED,
    S_NAV,
    S_NAV0,
    S_UNKNOWN_FUNDING,
    TURNOVER,
    W_CASH,
    W_MARGIN,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.fill import fill_price, slippage_of
from hedgerow.kernel.margin import collateral_due, refresh_margin
from hedgerow.kernel.measure import free_coins, spot_units
from hedgerow.kernel.position import average_entry, funding_received, hedge_units, notional, profit, size_of, unrealised
from hedgerow.kernel.sleeve import share_of
from hedgerow.model.market import Floats


@compiled
def settle_marks(inst_rules: Floats, asset: Floats, inst: Floats, price: Floats) -> None:
    """Carry price moves since the last settlement into the attribution: spot, hedge (index part), basis (domain
    2.20).
    """
    n_assets = asset.shape[1]
    for a in range(n_assets):
        settle_spot(inst_rules, asset, inst, a, price[a])
    for i in range(n_assets, inst.shape[1]):
        settle_future(inst_rules, asset, inst, i, price[i], price[int(inst_rules[I_ASSET, i])])


@compiled
def settle_spot(inst_rules: Floats, asset: Floats, inst: Floats, a: int, spot: float) -> None:
    """The same for the coins of asset ``a``; without a price nothing is settled."""
    if not spot > 0.0:
        return
    units = spot_units(asset, inst, inst_rules, a)
    if asset[B_MARK, a] > 0.0 and units != 0.0:
        asset[B_PNL_SPOT, a] += units * (spot - asset[B_MARK, a])
    if asset[B_CARRY, a] != 0.0:
        asset[B_PNL_CARRY, a] += asset[B_CARRY, a] * (spot - asset[B_MARK, a])
    asset[B_MARK, a] = spot


@compiled
def settle_future(inst_rules: Floats, asset: Floats, inst: Floats, i: int, mark: float, spot: float) -> None:
    """The same for the position on contract ``i``."""
    a = int(inst_rules[I_ASSET, i])
    if not (mark > 0.0 and spot > 0.0):
        return
    if inst[P_UNITS, i] != 0.0 and inst[P_MARK, i] > 0.0:
        units = hedge_units(inst, i)
        index = units * (spot - inst[P_INDEX, i])
        moved = units * (mark - inst[P_MARK, i])
        asset[B_PNL_CARRY, a] -= inst[P_CARRY, i] * (mark - inst[P_MARK, i])
        if inst_rules[I_INVERSE, i] == 1.0:
            before = unrealised(inst, inst_rules, i, inst[P_MARK, i]) * inst[P_INDEX, i]
            moved = unrealised(inst, inst_rules, i, mark) * spot - before
        asset[B_PNL_HEDGE, a] += index
        asset[B_PNL_BASIS, a] += moved - index
    inst[P_MARK, i] = mark
    inst[P_INDEX, i] = spot


@compiled
def pay_funding(
    rules: Rules,
    book: Book,
    i: int,
    rate: float,
    mark: float,
    spot: float,
) -> float:
    """One funding payment on the position held (domain 2.7); returns it in settle currency, nan where it is unknown."""
    received = rate
    if not np.isnan(rate):
        inverse = rules.inst[I_INVERSE, i] == 1.0
        received = funding_received(size_of(book.inst, rules.inst, i), mark, rate, inverse)
    book_funding(rules, book, i, received, spot)
    return received


@compiled
def book_funding(rules: Rules, book: Book, i: int, received: float, spot: float) -> None:
    """Enter a funding payment on contract ``i``, settle currency, with its asset at ``spot``. Unknown (nan) is counted, not paid."""
    if np.isnan(received):
        book.scalar[S_UNKNOWN_FUNDING] += 1.0
        return
    a = int(rules.inst[I_ASSET, i])
    carried = share_of(book.inst, i) * received
    book.asset[B_FUNDING, a] += received * spot if rules.inst[I_INVERSE, i] == 1.0 else received - carried
    book.asset[B_PNL_CARRY, a] += carried
    credit(rules, book, i, received)
    refresh_margin(rules, book.inst, i)


@compiled
def book_flow(book: Book, a: int, units: float, price: float) -> None:
    """Enter a deposit (below 0: a withdrawal) of ``units`` coins of asset ``a`` worth ``price`` each (-1: of quote): no profit, no
    trade. Deposited coins cost what they are worth; where that is not known, what they cost is not known either.
    """
    if a < 0:
        book.wallet[W_CASH, 0] += units
        book.scalar[S_NAV0] += units
        return
    asset = book.asset
    if units > 0.0 and asset[B_HELD, a] + units > 0.0:
        known = asset[B_HELD, a] * asset[B_COST, a] if asset[B_HELD, a] > 0.0 else 0.0
        asset[B_COST, a] = (known + units * price) / (asset[B_HELD, a] + units)
    asset[B_HELD, a] += units
    asset[B_ENTERED, a] = 1.0
    if price > 0.0:
        book.scalar[S_NAV0] += units * price
        asset[B_PRINCIPAL, a] += units * price if units > 0.0 else 0.0


@compiled
def count_turnover(scalar: Floats, traded: float) -> None:
    """Add traded value (quote) to the running slot of the year's turnover."""
    if scalar[S_NAV] > 0.0:
        scalar[TURNOVER + int(scalar[S_BUCKET])] += traded / scalar[S_NAV]


@compiled
def note_fill(legs: Floats, n: int, at: int, fill: float, done: float, fee: float) -> None:
    """Add to leg ``n`` what filled of it: bar, mean price, coins done, fee in quote, slippage against the decision."""
    before = legs[n, L_DONE]
    legs[n, L_STATUS] = FILLED
    legs[n, L_AT] = at
    legs[n, L_FILL] = fill if before == 0.0 else (before * legs[n, L_FILL] + done * fill) / (before + done)
    legs[n, L_DONE] = before + done
    legs[n, L_FEE] += fee
    legs[n, L_SLIPPAGE] += done * (fill - legs[n, L_PRICE])


@compiled
def note_charge(legs: Floats, n: int, size: float, charge: float, paid_in: float) -> None:
    """Add to leg ``n`` its size as the contract counts, and its fee in the currency that paid it (``paid_in``: asset, -1: quote)."""
    legs[n, L_SIZE] += size
    legs[n, L_CHARGE] += charge
    legs[n, L_PAID_IN] = paid_in


@compiled
def _trade(inst_rules: Floats, inst: Floats, i: int, units: float, size: float, fill: float) -> float:
    """Change the position by ``units`` coins (``size`` as the contract counts) at ``fill``; returns what that realised."""
    realised = 0.0
    inverse = inst_rules[I_INVERSE, i] == 1.0
    if inst[P_UNITS, i] == 0.0:
        inst[P_ENTRY, i] = fill
    elif units < 0.0:
        inst[P_ENTRY, i] = average_entry(size_of(inst, inst_rules, i), inst[P_ENTRY, i], size, fill, inverse)
    else:
        realised = profit(-size, inst[P_ENTRY, i], fill, inverse)
    inst[P_UNITS, i] += units
    if abs(inst[P_UNITS, i]) <= 1e-12 * abs(units):
        inst[P_UNITS, i] = 0.0
    return realised


@compiled
def size_futures(rules: Rules, book: Book, x: Floats, measure: Floats, legs: Floats, n: int, mark: Floats) -> float:
    """Coins that futures leg ``n`` may trade at the prices ``mark`` [I], short negative: what is funded and backed by spot, and
    never more of a cover than there is.
    """
    inst = book.inst
    i = int(legs[n, L_INST])
    price, spot = mark[i], mark[int(rules.inst[I_ASSET, i])]
    units = legs[n, L_UNITS] - legs[n, L_DONE]
    sleeve = legs[n, L_SLEEVE] == 1.0
    if inst[P_UNITS, i] > 0.0:
        return 0.0
    if units > 0.0:
        return min(units, inst[P_CARRY, i] if sleeve else -hedge_units(inst, i))
    wanted = -units
    slip = slippage_of(rules.scalar, rules.inst, measure, i, wanted * price)
    if sleeve:
        return -affordable_pair(rules, book, i, wanted, price, spot, slip)
    limit = affordable(rules, book, x, i, int(legs[n, L_FOR]), wanted, mark, spot, slip)
    if limit < wanted * (1.0 - 0.02):
        book.scalar[S_CAPPED_DAY] = legs[n, L_DAY]
    return -limit


@compiled
def fill_futures(
    rules: Rules, book: Book, measure: Floats, legs: Floats, n: int, at: int, units: float, mark: Floats
) -> None:
    """Fill ``units`` coins of futures leg ``n`` at the bar's prices ``mark`` [I] and the slippage of such an order; its collateral
    moves with it.
    """
    i = int(legs[n, L_INST])
    fill = fill_price(rules.scalar, rules.inst, measure, i, units, mark[i])
    book_futures(rules, book, legs, n, at, units, fill, futures_fee(rules, book, i, units, fill), mark)
    moved = collateral_for(rules, book, i, units, mark)
    move_collateral(rules, book, i, moved)
    legs[n, L_MOVED] += moved
    refresh_margin(rules, book.inst, i)


@compiled
def traded_size(rules: Rules, book: Book, i: int, units: float, fill: float) -> float:
    """``units`` coins of contract ``i`` as it counts them: an inverse one is closed at its entry's notional, opened at the fill's."""
    if rules.inst[I_INVERSE, i] == 1.0:
        return units * (fill if units < 0.0 else book.inst[P_ENTRY, i])
    return units


@compiled
def futures_fee(rules: Rules, book: Book, i: int, units: float, fill: float) -> float:
    """The taker fee of ``units`` coins of contract ``i`` at ``fill``, settle currency."""
    size = traded_size(rules, book, i, units, fill)
    return abs(notional(size, fill, rules.inst[I_INVERSE, i] == 1.0)) * rules.inst[I_FEE, i]


@compiled
def book_futures(
    rules: Rules, book: Book, legs: Floats, n: int, at: int, units: float, fill: float, charge: float, mark: Floats
) -> None:
    """Enter a trade of ``units`` coins of futures leg ``n`` at ``fill``, made while the market stood at ``mark`` [I]; ``charge`` is the
    fee, settle currency. Average entry, realised profit into what backs the short; collateral is moved apart.
    """
    inst = book.inst
    i = int(legs[n, L_INST])
    served = int(legs[n, L_FOR])
    a = int(rules.inst[I_ASSET, i])
    price, spot = mark[i], mark[a]
    inverse = rules.inst[I_INVERSE, i] == 1.0
    sleeve = legs[n, L_SLEEVE] == 1.0
    size = traded_size(rules, book, i, units, fill)
    credit(rules, book, i, _trade(rules.inst, inst, i, units, size, fill) - charge)
    if sleeve:
        inst[P_CARRY, i] -= units
    if inst[P_UNITS, i] == 0.0 or inst[P_CARRY, i] <= 1e-12 * abs(units):
        inst[P_CARRY, i] = 0.0  # what is left is rounding
    excess = 0.0
    fee = charge
    if inverse:
        fee = charge * spot
        excess = profit(size, fill, price, True) * spot - units * (price - fill)
    _attribute(book, legs, n, a, units, fill, price, spot, fee, excess)
    if served != a:
        book.asset[B_CROSS, served] = max(0.0, book.asset[B_CROSS, served] - units)
        book.asset[B_CROSS_BY, served] = i
    if units < 0.0 and not sleeve:
        book.asset[B_HEDGE, served] = i
        if legs[n, L_SOLD] > 0.0:
            book.asset[B_EXCESS, served] += legs[n, L_SOLD] * units / legs[n, L_WANTED]
    book.scalar[S_FUTURES_TRADED] += abs(units) * fill
    count_turnover(book.scalar, abs(units) * fill)
    note_fill(legs, n, at, fill, units, fee)
    note_charge(legs, n, size, charge, a if inverse else -1.0)


@compiled
def _attribute(
    book: Book,
    legs: Floats,
    n: int,
    a: int,
    units: float,
    fill: float,
    price: float,
    spot: float,
    fee: float,
    excess: float,
) -> None:
    """Split a futures fill: fee, slippage against the decision, index and basis since then; ``excess`` is what an
    inverse contract makes beside a linear one, quote.
    """
    if legs[n, L_SLEEVE] == 1.0:
        book.asset[B_PNL_CARRY, a] -= units * (fill - price) + fee
        return
    decided = legs[n, L_PRICE]
    index = legs[n, L_SPOT]
    book.asset[B_FEE_FUTURES, a] -= fee
    book.asset[B_SLIP_FUTURES, a] -= units * (fill - decided)
    moved = spot - index
    book.asset[B_PNL_HEDGE, a] += units * moved
    book.asset[B_PNL_BASIS, a] += units * (price - decided - moved) + excess


@compiled
def size_margin(rules: Rules, book: Book, mark: Floats, legs: Floats, n: int) -> float:
    """Collateral that margin leg ``n`` may move in (negative: out), settle currency: what the wallet has, or what the short (or
    the futures wallet) can spare.
    """
    i = int(legs[n, L_INST])
    a = int(rules.inst[I_ASSET, i])
    pooled = is_pooled(rules, i)
    wanted = legs[n, L_UNITS] - legs[n, L_DONE]
    if wanted < 0.0:
        spare = account_spare(rules, book, mark)
        kept = book.wallet[W_MARGIN, 0]
        if not pooled:
            spare = -collateral_due(rules.scalar, rules.inst, book.inst, i, mark[i], mark[a])
            kept = book.inst[P_COLLATERAL, i]
        return -max(0.0, min(-wanted, spare, max(0.0, kept)))
    if book.inst[P_UNITS, i] == 0.0 and not pooled:
        return 0.0
    free = free_coins(book.asset, a) if rules.inst[I_INVERSE, i] == 1.0 else max(0.0, book.wallet[W_CASH, 0])
    return max(0.0, min(wanted, free))


@compiled
def book_margin(rules: Rules, book: Book, legs: Floats, n: int, at: int, amount: float) -> None:
    """Enter that ``amount`` of collateral moved for margin leg ``n``."""
    i = int(legs[n, L_INST])
    move_collateral(rules, book, i, amount)
    note_fill(legs, n, at, legs[n, L_PRICE], amount, 0.0)
    legs[n, L_SLIPPAGE] = 0.0
    refresh_margin(rules, book.inst, i)
