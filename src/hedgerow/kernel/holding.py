"""A portfolio written into a warmed book: what is held, what is short, and the first thing in it that cannot be.

What a portfolio states comes packed: ``head`` [2] (cash; value at the start, 0: not stated), ``held`` [HELD, A] and
``positions`` [P, N] in the order in which they are written, inverse contracts first: their collateral is spot that
others may hedge.
"""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.account import is_pooled
from hedgerow.kernel.arrays import (
    B_CARRY,
    B_COST,
    B_ENTERED,
    B_HEDGE,
    B_HELD,
    B_OUTSIDE,
    B_PRINCIPAL,
    B_PROTECTED,
    B_SOLD,
    I_ASSET,
    I_INVERSE,
    I_NEXT,
    ISOLATED,
    K_MARKET,
    K_MODE,
    P_CARRY,
    P_COLLATERAL,
    P_ENTRY,
    P_LIQUIDATION,
    P_UNITS,
    S_NAV0,
    UNIFIED,
    W_CASH,
    W_MARGIN,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.margin import refresh_margin
from hedgerow.kernel.measure import spot_units
from hedgerow.kernel.position import futures_value, unrealised
from hedgerow.model.market import Floats

# ---- head[:] ----------------------------------------------------------------------------------------------------------
Q_CASH, Q_INITIAL = range(2)  # quote; quote, 0: not stated
HEAD: Final = 2
# ---- held[:, A] -------------------------------------------------------------------------------------------------------
# 1: named among the coins; coins; quote a coin, nan: unknown; coins, as all below
Q_STATED, Q_AMOUNT, Q_COST, Q_PROTECTED, Q_CARRY, Q_OUTSIDE, Q_BUY_BACK = range(7)
HELD: Final = 7
# ---- positions[P, :] --------------------------------------------------------------------------------------------------
N_INST, N_UNITS, N_ENTRY, N_COLLATERAL = range(4)  # instrument, -1: unknown; coins; quote; settle currency
POSITION: Final = 4
# ---- fault[:] ---------------------------------------------------------------------------------------------------------
# code; asset or position; what is measured and what it is held against (coins or prices); coins beside
Z_CODE, Z_AT, Z_MEASURED, Z_LIMIT, Z_BESIDE = range(5)
FAULT: Final = 5
(
    SOUND,
    PAIR_POOLED,  # asset: a carry pair under pooled margin
    NO_PRICE,  # asset
    NO_CONTRACT,  # position
    NO_CONTRACT_PRICE,  # position
    NO_HEDGE,  # position
    LIQUIDATED,  # position
    NO_PAIR,  # asset: no short stands against its carry pair
    WORTHLESS,
) = range(9)
GREATEST_BETA: Final = 3.0  # of a coin to the market asset, in a portfolio that is read


@compiled
def _say(fault: Floats, code: int, at: int, measured: float, limit: float, beside: float) -> None:
    fault[Z_CODE] = code
    fault[Z_AT] = at
    fault[Z_MEASURED] = measured
    fault[Z_LIMIT] = limit
    fault[Z_BESIDE] = beside


@compiled
def hold(
    rules: Rules, book: Book, price: Floats, head: Floats, held: Floats, positions: Floats, count: int, fault: Floats
) -> None:
    """Write what is held and the first ``count`` of ``positions`` into an empty book at ``price`` [I].

    ``fault`` [FAULT] names the first thing that cannot be; the book is then of no use.
    """
    _say(fault, SOUND, -1, 0.0, 0.0, 0.0)
    book.wallet[W_CASH, 0] = head[Q_CASH]
    for a in range(book.asset.shape[1]):
        book.asset[B_ENTERED, a] = held[Q_STATED, a]
    value = _hold_coins(rules, book, price, held, fault)
    for n in range(count):
        if fault[Z_CODE] == SOUND:
            value += _hold_position(rules, book, price, positions, n, fault)
    for a in range(book.asset.shape[1]):
        if fault[Z_CODE] == SOUND:
            _pair_up(rules, book, a, fault)
    book.scalar[S_NAV0] = head[Q_INITIAL] if head[Q_INITIAL] > 0.0 else value


@compiled
def _hold_coins(rules: Rules, book: Book, price: Floats, held: Floats, fault: Floats) -> float:
    """Write the coins; returns their value and the cash's, quote."""
    value = book.wallet[W_CASH, 0]
    for a in range(book.asset.shape[1]):
        if held[Q_STATED, a] == 0.0:
            continue
        book.asset[B_HELD, a] = held[Q_AMOUNT, a]
        book.asset[B_PROTECTED, a] = held[Q_PROTECTED, a]
        book.asset[B_OUTSIDE, a] = held[Q_OUTSIDE, a]
        book.asset[B_SOLD, a] = held[Q_BUY_BACK, a]
        book.asset[B_CARRY, a] = held[Q_CARRY, a]
        if held[Q_CARRY, a] > 0.0 and rules.scalar[K_MODE] != ISOLATED:
            _say(fault, PAIR_POOLED, a, 0.0, 0.0, 0.0)
            return value
        coins = held[Q_AMOUNT, a] + held[Q_OUTSIDE, a]
        if held[Q_COST, a] > 0.0:
            book.asset[B_COST, a] = held[Q_COST, a]
            book.asset[B_PRINCIPAL, a] = held[Q_COST, a] * coins
        if coins > 0.0:
            if not price[a] > 0.0:
                _say(fault, NO_PRICE, a, 0.0, 0.0, 0.0)
                return value
            value += coins * price[a]
    return value


@compiled
def _hold_position(rules: Rules, book: Book, price: Floats, positions: Floats, n: int, fault: Floats) -> float:
    """Write one position; returns its equity, quote."""
    i = int(positions[n, N_INST])
    units = positions[n, N_UNITS]
    collateral = positions[n, N_COLLATERAL]
    if i < 0:
        _say(fault, NO_CONTRACT, n, 0.0, 0.0, 0.0)
        return 0.0
    if units != 0.0 and not price[i] > 0.0:
        _say(fault, NO_CONTRACT_PRICE, n, 0.0, 0.0, 0.0)
        return 0.0
    a = int(rules.inst[I_ASSET, i])
    inverse = rules.inst[I_INVERSE, i] == 1.0
    if units == 0.0:  # collateral without a position is free
        if inverse:
            book.asset[B_HELD, a] += collateral
            return collateral * price[a]
        book.wallet[W_CASH, 0] += collateral
        return collateral
    book.inst[P_COLLATERAL, i] = collateral
    owned = spot_units(book.asset, book.inst, rules.inst, a)
    others = 0.0
    j = int(rules.inst[I_NEXT, a])
    while j >= 0:
        others += book.inst[P_UNITS, j]
        j = int(rules.inst[I_NEXT, j])
    others = -others - book.asset[B_CARRY, a]
    if units > 0.0 or others - units > _hedgeable(rules, book, price, a, owned) * (1.0 + 1e-9):
        _say(fault, NO_HEDGE, n, units, owned, others)
        return 0.0
    book.asset[B_HEDGE, a] = i
    book.inst[P_UNITS, i] = units
    book.inst[P_ENTRY, i] = positions[n, N_ENTRY]
    if is_pooled(rules, i):
        book.inst[P_COLLATERAL, i] = 0.0
        book.wallet[W_CASH if rules.scalar[K_MODE] == UNIFIED else W_MARGIN, 0] += collateral
        return collateral + unrealised(book.inst, rules.inst, i, price[i])
    refresh_margin(rules, book.inst, i)
    if book.inst[P_LIQUIDATION, i] <= price[i]:
        _say(fault, LIQUIDATED, n, book.inst[P_LIQUIDATION, i], price[i], 0.0)
        return 0.0
    return futures_value(book.inst, rules.inst, i, price[i], price[a])


@compiled
def _hedgeable(rules: Rules, book: Book, price: Floats, asset: int, owned: float) -> float:
    """Coins of an asset that shorts may cover: those owned, and for the market asset what a cross hedge may need.

    A coin without futures is hedged by beta with the market asset's; how much of that is too much ``decide`` says.
    """
    if asset != int(rules.scalar[K_MARKET]) or not price[asset] > 0.0:
        return owned
    bare = 0.0
    for a in range(book.asset.shape[1]):
        coins = book.asset[B_HELD, a] + book.asset[B_OUTSIDE, a]
        if rules.inst[I_NEXT, a] < 0.0 and coins > 0.0 and price[a] > 0.0:
            bare += coins * price[a]
    return owned + GREATEST_BETA * bare / price[asset]


@compiled
def _pair_up(rules: Rules, book: Book, a: int, fault: Floats) -> None:
    """Say which short is the other leg of the asset's carry pair: the first that is large enough."""
    coins = book.asset[B_CARRY, a]
    if not coins > 0.0:
        return
    i = int(rules.inst[I_NEXT, a])
    while i >= 0:
        short = -book.inst[P_UNITS, i]
        if rules.inst[I_INVERSE, i] == 0.0 and short >= coins * (1.0 - 1e-12):
            book.inst[P_CARRY, i] = min(coins, short)
            return
        i = int(rules.inst[I_NEXT, i])
    _say(fault, NO_PAIR, a, coins, 0.0, 0.0)
