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
    L_DAY,
    L_DONE,
    L_FIRED,
    L_INST,
    L_PRICE,
    L_REASON,
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
from hedgerow.kernel.book import count_turnover, note_charge, note_fill
from hedgerow.kernel.fill import fill_price
from hedgerow.kernel.leg import begin_episode
from hedgerow.kernel.measure import free_coins, spot_units
from hedgerow.kernel.sleeve import add_coins, unpaired
from hedgerow.model.market import Floats
from hedgerow.model.plan import Reason

_ENTRY: Final = float(Reason.ENTRY)
_PEAK: Final = float(Reason.TRIM_PEAK)
_TOP: Final = float(Reason.TRIM_TOP)
_DEPLOY: Final = float(Reason.DEPLOY)
_ROUNDING: Final = 1e-9  # of a purchase: what its size left in cash may be a last digit short
_WHOLE: Final = 0.95  # of a purchase: less was cut by the market, not by the price of the open


@compiled
def size_spot(
    rules: Rules, book: Book, x: Floats, measure: Floats, legs: Floats, n: int, price: float, aside: float
) -> float:
    """Coins that spot leg ``n`` may trade at ``price``: never above holdings or cash, never what a short needs; ``aside`` quote
    is kept for shorts of the same plan.
    """
    a = int(legs[n, L_INST])
    units = legs[n, L_UNITS] - legs[n, L_DONE]
    if units < 0.0:
        free = min(free_coins(book.asset, a), bare(rules, book, x, a, a, a))
        if legs[n, L_SLEEVE] == 1.0:
            free = unpaired(book.asset, book.inst, rules.inst, a)
        return -min(-units, free)
    each = fill_price(rules.scalar, rules.inst, measure, a, units, price) * (1.0 + rules.inst[I_FEE, a])
    return min(units, max(0.0, book.wallet[W_CASH, 0] - aside) / each)


@compiled
def fill_spot(
    rules: Rules, book: Book, x: Floats, measure: Floats, legs: Floats, n: int, at: int, units: float, mark: Floats
) -> None:
    """Fill ``units`` coins of spot leg ``n`` at the bar's prices ``mark`` [I] and the slippage of such an order."""
    a = int(legs[n, L_INST])
    fill = fill_price(rules.scalar, rules.inst, measure, a, units, mark[a])
    charge, paid_in = spot_fee(rules, book, x, a, units, fill, mark)
    book_spot(rules, book, legs, n, at, units, fill, charge, paid_in, mark)


@compiled
def spot_fee(
    rules: Rules, book: Book, x: Floats, a: int, units: float, fill: float, mark: Floats
) -> tuple[float, float]:
    """What the venue charges for a trade of ``units`` at ``fill``: the amount, and the asset whose coins pay it (-1: quote). A fee
    coin that lacks, or backs a short, leaves it to quote.
    """
    rate = rules.inst[I_FEE, a]
    fee = abs(units) * fill * rate
    how = rules.scalar[K_FEE_IN]
    if (how == FEE_BASE or how == a) and units > 0.0:
        return (units * rate if how == FEE_BASE else fee / mark[a]), float(a)
    if how >= 0.0 and how != a:
        b = int(how)
        coins = fee / mark[b] if mark[b] > 0.0 else np.inf
        if coins <= min(free_coins(book.asset, b), bare(rules, book, x, b, b, b)):
            return coins, how
    return fee, -1.0


@compiled
def book_spot(
    rules: Rules,
    book: Book,
    legs: Floats,
    n: int,
    at: int,
    units: float,
    fill: float,
    charge: float,
    paid_in: float,
    mark: Floats,
) -> None:
    """Enter a trade of ``units`` of spot leg ``n`` at ``fill``, made while the market stood at ``mark`` [I]; the fee ``charge`` was
    paid in coins of asset ``paid_in`` (-1: quote), which are valued at the market.
    """
    asset = book.asset
    a = int(legs[n, L_INST])
    price = mark[a]
    paid = charge if paid_in == a else 0.0
    fee = charge
    if paid_in >= 0.0:
        fee = charge * mark[int(paid_in)]
        if paid_in != a:
            asset[B_HELD, int(paid_in)] -= charge
    cost = units * fill + (fee if paid_in < 0.0 else 0.0)
    book.wallet[W_CASH, 0] -= cost
    if units > 0.0 and -_ROUNDING * cost < book.wallet[W_CASH, 0] < 0.0:
        book.wallet[W_CASH, 0] = 0.0
    book.scalar[S_SPOT_TRADED] += abs(units) * fill
    count_turnover(book.scalar, abs(units) * fill)
    note_fill(legs, n, at, fill, units, fee)
    note_charge(legs, n, units, charge, paid_in)
    if legs[n, L_SLEEVE] == 1.0:
        add_coins(asset, a, units - paid, legs[n, L_DAY])
        asset[B_PNL_CARRY, a] -= units * (fill - price) + fee
        return
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


@compiled
def forced_sale(rules: Rules, a: int, units: float, price: float) -> tuple[float, float]:
    """(price, fee in quote) at which a venue sells ``units`` coins (below 0) of asset ``a`` by force: half the spread below the
    market's ``price``.
    """
    fill = price * (1.0 - rules.inst[I_HALF_SPREAD, a])
    return fill, abs(units) * fill * rules.inst[I_FEE, a]


@compiled
def book_forced(
    rules: Rules, book: Book, legs: Floats, n: int, at: int, units: float, fill: float, fee: float, price: float
) -> None:
    """Enter that the venue sold ``units`` coins of spot leg ``n`` by force, whatever they were for, with the market at ``price``."""
    a = int(legs[n, L_INST])
    book.wallet[W_CASH, 0] -= units * fill + fee
    book.asset[B_HELD, a] += units
    book.asset[B_PRINCIPAL, a] += units * fill + fee
    book.asset[B_FEE_SPOT, a] -= fee
    book.asset[B_SLIP_SPOT, a] -= units * (fill - price)
    book.asset[B_PNL_SPOT, a] -= units * (price - book.asset[B_MARK, a])  # within a bar: since the last settlement
    book.scalar[S_SPOT_TRADED] += abs(units) * fill
    count_turnover(book.scalar, abs(units) * fill)
    note_fill(legs, n, at, fill, units, fee)
    note_charge(legs, n, units, fee, -1.0)


@compiled
def _after_spot(rules: Rules, book: Book, legs: Floats, n: int, units: float, a: int) -> None:
    """What a decision must remember of a spot fill: episodes, cooldowns, coins to buy back, tranches, entries."""
    reason = legs[n, L_REASON]
    day = legs[n, L_DAY]
    part = legs[n, L_REASON] == _ENTRY and legs[n, L_DONE] < _WHOLE * legs[n, L_WANTED]
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
