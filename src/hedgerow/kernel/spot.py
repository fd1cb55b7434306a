"""Spot fills: coins, cash, cost, fees in any currency, and what a decision must remember of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import (
    bare,
)
from hedgerow.kernel.arrays import (
    B_COST,
    B_ENTERED,
    B_FEE_SPOT,
    B_HELD,
    B_MARK,
    B_PEAK_DONE,
    B_PNL_CARRY,
    B_PNL_SPOT,
    B_PRINCIPAL,
    B_SLIP_SPOT,
    B_SOLD,
    FEE_BASE,
    I_FEE,
    I_HALF_SPREAD,
    K_FEE_IN,
    K_TRANCHE,
    L_CHARGE,
    L_DAY,
    L_FIRED,
    L_INST,
    L_PAID_IN,
    L_PRICE,
    L_REASON,
    L_SIZE,
    L_SLEEVE,
    L_SOLD,
    L_UNITS,
    L_WANTED,
    S_SPOT_TRADED,
    S_TRANCHE_BASE,
    S_TRANCHE_DAY,
    S_TRANCHES,
    W_CASH,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.book import count_turnover, note_fill
from hedgerow.kernel.fill import slippage_of
from hedgerow.kernel.leg import begin_episode
from hedgerow.kernel.measure import free_coins, spot_units
from hedgerow.kernel.sleeve import add_coins, unpaired
from hedgerow.model.market import Floats
from hedgerow.model.plan import Reason

_ENTRY: Final = float(Reason.ENTRY)
_PEAK: Final = float(Reason.TRIM_PEAK)
_TOP: Final = float(Reason.TRIM_TOP)
_DEPLOY: Final = float(Reason.DEPLOY)
_WHOLE: Final = 0.95  # of a purchase: less was cut by the market, not by the price of the open


@compiled
def fill_spot(
    rules: Rules,
    book: Book,
    x: Floats,
    measure: Floats,
    legs: Floats,
    n: int,
    at: int,
    price: float,
    mark: Floats,
    aside: float,
) -> bool:
    """Fill spot leg ``n`` at ``price`` (the bar's open) plus slippage; never above holdings or cash, never what a
    short needs: ``aside`` quote is kept for shorts of the same plan.
    """
    asset = book.asset
    a = int(legs[n, L_INST])
    units = legs[n, L_UNITS]
    fee_rate = rules.inst[I_FEE, a]
    slip = slippage_of(rules.scalar, rules.inst, measure, a, abs(units) * price)
    if units < 0.0:
        free = min(free_coins(asset, a), bare(rules, book, x, a, a, a))
        if legs[n, L_SLEEVE] == 1.0:
            free = unpaired(asset, book.inst, rules.inst, a)
        units = -min(-units, free)
        fill = price * (1.0 - slip)
    else:
        fill = price * (1.0 + slip)
        units = min(units, max(0.0, book.wallet[W_CASH, 0] - aside) / (fill * (1.0 + fee_rate)))
    if units == 0.0:
        return False
    fee, paid = _pay_fee(rules, book, x, legs, n, a, units, fill, price, mark)
    cost = units * fill + (fee if legs[n, L_PAID_IN] < 0.0 else 0.0)
    book.wallet[W_CASH, 0] -= cost
    if book.wallet[W_CASH, 0] < 0.0 and units > 0.0:
        book.wallet[W_CASH, 0] = 0.0
    book.scalar[S_SPOT_TRADED] += abs(units) * fill
    count_turnover(book.scalar, abs(units) * fill)
    note_fill(legs, n, at, fill, units, fee)
    if legs[n, L_SLEEVE] == 1.0:
        add_coins(asset, a, units - paid, legs[n, L_DAY])
        asset[B_PNL_CARRY, a] -= units * (fill - price) + fee
        return True
    cost = units * fill + (fee if paid == 0.0 else 0.0)
    owned = spot_units(asset, book.inst, rules.inst, a)
    if units > 0.0 and (owned == 0.0 or asset[B_COST, a] >= 0.0):
        known = owned * asset[B_COST, a] if owned > 0.0 else 0.0
        asset[B_COST, a] = (known + cost) / (owned + units - paid)
    asset[B_HELD, a] += units - paid
    asset[B_PRINCIPAL, a] += cost
    asset[B_FEE_SPOT, a] -= fee
    asset[B_SLIP_SPOT, a] -= units * (fill - legs[n, L_PRICE])
    asset[B_PNL_SPOT, a] += units * (price - legs[n, L_PRICE])
    _after_spot(rules, book, legs, n, units, a)
    return True


@compiled
def sell_forced(rules: Rules, book: Book, legs: Floats, n: int, at: int, price: float) -> None:
    """Sell the coins of spot leg ``n`` at ``price`` less half the spread, whatever they are for; the fee is quote."""
    a = int(legs[n, L_INST])
    units = legs[n, L_UNITS]
    fill = price * (1.0 - rules.inst[I_HALF_SPREAD, a])
    fee = abs(units) * fill * rules.inst[I_FEE, a]
    book.wallet[W_CASH, 0] -= units * fill + fee
    book.asset[B_HELD, a] += units
    book.asset[B_PRINCIPAL, a] += units * fill + fee
    book.asset[B_FEE_SPOT, a] -= fee
    book.asset[B_SLIP_SPOT, a] -= units * (fill - price)
    book.asset[B_PNL_SPOT, a] -= units * (price - book.asset[B_MARK, a])  # within a bar: since the last settlement
    book.scalar[S_SPOT_TRADED] += abs(units) * fill
    count_turnover(book.scalar, abs(units) * fill)
    note_fill(legs, n, at, fill, units, fee)
    legs[n, L_SIZE] = units
    legs[n, L_CHARGE] = fee
    legs[n, L_PAID_IN] = -1.0


@compiled
def _pay_fee(
    rules: Rules,
    book: Book,
    x: Floats,
    legs: Floats,
    n: int,
    a: int,
    units: float,
    fill: float,
    price: float,
    mark: Floats,
) -> tuple[float, float]:
    """(fee in quote, coins of the traded asset that pay it); a fee coin that lacks, or backs a short, leaves it to
    quote.

    Fees in coins are valued at the bar's price.
    """
    rate = rules.inst[I_FEE, a]
    fee = abs(units) * fill * rate
    legs[n, L_SIZE] = units
    legs[n, L_CHARGE] = fee
    legs[n, L_PAID_IN] = -1.0
    how = rules.scalar[K_FEE_IN]
    if (how == FEE_BASE or how == a) and units > 0.0:
        legs[n, L_CHARGE] = units * rate if how == FEE_BASE else fee / price
        legs[n, L_PAID_IN] = a
        return legs[n, L_CHARGE] * price, legs[n, L_CHARGE]
    if how >= 0.0 and how != a:
        b = int(how)
        coins = fee / mark[b] if mark[b] > 0.0 else np.inf
        free = min(free_coins(book.asset, b), bare(rules, book, x, b, b, b))
        if coins <= free:
            book.asset[B_HELD, b] -= coins
            legs[n, L_CHARGE] = coins
            legs[n, L_PAID_IN] = b
    return fee, 0.0


@compiled
def _after_spot(rules: Rules, book: Book, legs: Floats, n: int, units: float, a: int) -> None:
    """What a decision must remember of a spot fill: episodes, cooldowns, coins to buy back, tranches, entries."""
    reason = legs[n, L_REASON]
    day = legs[n, L_DAY]
    part = legs[n, L_REASON] == _ENTRY and units < _WHOLE * legs[n, L_WANTED]
    book.asset[B_ENTERED, a] = 0.5 if part else 1.0  # what the market did not bear is bought on the next days
    if legs[n, L_SOLD] != 0.0:
        book.asset[B_SOLD, a] = max(0.0, book.asset[B_SOLD, a] + legs[n, L_SOLD] * units / legs[n, L_WANTED])
    if reason == _DEPLOY:
        book.scalar[S_TRANCHE_DAY] = day
        whole = rules.scalar[K_TRANCHE] * book.scalar[S_TRANCHE_BASE]
        if whole > 0.0:
            used = book.scalar[S_TRANCHES] + units * legs[n, L_PRICE] / whole
            near = np.floor(used + 0.5)
            book.scalar[S_TRANCHES] = near if abs(used - near) < 1e-6 else used
    elif reason == _PEAK or reason == _TOP:
        book.asset[B_PEAK_DONE, a] = 1.0
    begin_episode(rules.trim, book.trims, int(legs[n, L_FIRED]), a, day)
