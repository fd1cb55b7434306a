"""Margin of a short: collateral due, liquidation price, and the buffer ladder (domain 2.17, 2A-9).

Linear, isolated by instrument, one flat maintenance rate. Inverse shorts are backed by coins; their delta is constant.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_CROSS,
    B_CROSS_BY,
    B_HELD,
    B_PROTECTED,
    I_ASSET,
    I_FEE,
    I_INVERSE,
    I_KIND,
    I_MAINTENANCE,
    K_LEVERAGE,
    K_MARKET,
    K_MIN_LEG,
    K_REDUCE,
    K_TOP,
    K_TOP_MARKET,
    L_COST,
    L_INST,
    L_KIND,
    L_PRICE,
    L_SOLD,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    P_ALARM,
    P_COLLATERAL,
    P_ENTRY,
    P_LIQUIDATION,
    P_UNITS,
    PENDING,
    W_CASH,
    X_CROSS,
    X_CROSSED,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.measure import futures_value, own_short, spot_units
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_IN: Final = float(Reason.MARGIN_IN)
_DUST: Final = 0.01  # of the spot: less than a lot may be left of a cross hedge that was covered
_OUT: Final = float(Reason.MARGIN_OUT)
_PAIR: Final = float(Reason.PAIR_REDUCE)


@compiled
def liquidation_price(units: float, entry: float, collateral: float, rate: float, inverse: bool) -> float:
    """The mark at which equity equals maintenance margin; inf where there is none, 0 for no position or a long.

    Linear short of q: (m + q E) / (q (1 + rate)). Inverse short of N = q E: N (1 - rate) / (q - m), inf when the coins
    m back the whole of it. Source: domain 2.17 (Binance's formula with no tiers).
    """
    if units >= 0.0:
        return np.inf
    q = -units
    if inverse:
        short = q - collateral
        return q * entry * (1.0 - rate) / short if short > 0.0 else np.inf
    return (collateral + q * entry) / (q * (1.0 + rate))


@compiled
def refresh_margin(rules: Floats, inst_rules: Floats, inst: Floats, i: int) -> None:
    """Recompute the liquidation price and the alarm price of instrument ``i`` after anything changed there."""
    inverse = inst_rules[I_INVERSE, i] == 1.0
    price = liquidation_price(
        inst[P_UNITS, i], inst[P_ENTRY, i], inst[P_COLLATERAL, i], inst_rules[I_MAINTENANCE, i], inverse
    )
    inst[P_LIQUIDATION, i] = price
    top = rules[K_TOP_MARKET] if inst_rules[I_ASSET, i] == rules[K_MARKET] else rules[K_TOP]
    inst[P_ALARM, i] = price / (1.0 + top)


@compiled
def collateral_due(rules: Floats, inst_rules: Floats, inst: Floats, i: int, mark: float, spot: float) -> float:
    """Collateral that is missing (positive) or spare (negative) for equity = notional / leverage; settle currency."""
    q = abs(inst[P_UNITS, i])
    if inst_rules[I_INVERSE, i] == 1.0:
        return q / rules[K_LEVERAGE] - inst[P_COLLATERAL, i]
    return q * mark / rules[K_LEVERAGE] - futures_value(inst, inst_rules, i, mark, spot)


@compiled
def affordable(
    rules: Rules, book: Book, x: Floats, i: int, served: int, wanted: float, mark: float, spot: float, slip: float
) -> float:
    """Coins that may be added to a short: what cash (or coins) fund at the allowed leverage, never above the spot it
    is for.
    """
    a = int(rules.inst[I_ASSET, i])
    due = collateral_due(rules.scalar, rules.inst, book.inst, i, mark, spot)
    each = 1.0 / rules.scalar[K_LEVERAGE] + slip + rules.inst[I_FEE, i]
    spare = bare(rules, book, x, served, a, i)
    if rules.inst[I_INVERSE, i] == 1.0:
        funded = (max(0.0, book.asset[B_HELD, a] - book.asset[B_PROTECTED, a]) - due) / each
        spare = spare / (1.0 + rules.inst[I_FEE, i] * mark / spot)  # the fee itself is paid in coins
    else:
        funded = (max(0.0, book.wallet[W_CASH, 0]) - due) / (mark * each)
    return max(0.0, min(wanted, min(funded, spare)))


@compiled
def bare(rules: Rules, book: Book, x: Floats, served: int, a: int, i: int) -> float:
    """Coins of asset ``a``'s contract that asset ``served`` could still be short for: its spot that no short covers."""
    owned = spot_units(book.asset, book.inst, rules.inst, served)
    cross = book.asset[B_CROSS, served] * x[X_CROSSED, served]
    free = owned - own_short(book.asset, book.inst, rules.inst, served, int(rules.scalar[K_MARKET])) - cross
    if served == a:
        return max(0.0, free)
    if cross > _DUST * owned and int(book.asset[B_CROSS_BY, served]) != i:
        return 0.0  # one cross hedge at a time: the old contract is covered first
    return max(0.0, free) * x[X_CROSS, served]


@compiled
def collect(rules: Rules, book: Book, i: int, price: float, spot: float) -> None:
    """Bring the collateral of instrument ``i`` to what its short needs, from the wallet or in coins."""
    due = collateral_due(rules.scalar, rules.inst, book.inst, i, price, spot)
    if due <= 0.0:
        return
    if rules.inst[I_INVERSE, i] == 1.0:
        a = int(rules.inst[I_ASSET, i])
        due = min(due, max(0.0, book.asset[B_HELD, a] - book.asset[B_PROTECTED, a]))
        book.asset[B_HELD, a] -= due
    else:
        due = min(due, max(0.0, book.wallet[W_CASH, 0]))
        book.wallet[W_CASH, 0] -= due
    book.inst[P_COLLATERAL, i] += due


@compiled
def release(rules: Rules, book: Book, i: int, mark: float, spot: float) -> None:
    """Move spare collateral of instrument ``i`` back to the wallet (or the coins to the spot wallet)."""
    spare = -collateral_due(rules.scalar, rules.inst, book.inst, i, mark, spot)
    if book.inst[P_UNITS, i] == 0.0:
        spare = book.inst[P_COLLATERAL, i]
    if spare > 0.0:
        spare = min(spare, max(0.0, book.inst[P_COLLATERAL, i]))
        book.inst[P_COLLATERAL, i] -= spare
        if rules.inst[I_INVERSE, i] == 1.0:
            book.asset[B_HELD, int(rules.inst[I_ASSET, i])] += spare
        else:
            book.wallet[W_CASH, 0] += spare


@compiled
def margin_ratio(inst_rules: Floats, inst: Floats, i: int, mark: float, spot: float) -> float:
    """Maintenance margin over equity at ``mark``; 1 or more is a liquidation."""
    equity = futures_value(inst, inst_rules, i, mark, spot)
    need = abs(inst[P_UNITS, i]) * mark * inst_rules[I_MAINTENANCE, i]
    return need / equity if equity > 0.0 else np.inf


@compiled
def margin_stage(
    rules: Floats,
    inst_rules: Floats,
    asset: Floats,
    inst: Floats,
    wallet: Floats,
    x: Floats,
    price: Floats,
    fresh: Bytes,
    nav: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """The ladder, for every short whose liquidation is too near (2A-9): first a top-up, as far as cash goes; at the
    distance ``margin.reduce`` what cash does not pay is cured by pairs.

    A pair covers d coins and sells the d coins of spot that they protected: net exposure stays, and d p (1 + 1/L) is
    freed. Spare collateral of other shorts counts as cash; without a fresh price of the contract nothing is traded.
    """
    cash = free_cash(rules, inst_rules, inst, wallet, price, fresh, nav)
    for n in range(count[0]):  # proceeds pay what is due before anything else (2A-17)
        if legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_SPOT:
            cash += max(0.0, -legs[n, L_UNITS]) * legs[n, L_PRICE] - legs[n, L_COST]
    for i in range(asset.shape[1], inst.shape[1]):
        if inst[P_UNITS, i] >= 0.0 or not price[i] > inst[P_ALARM, i]:
            continue
        a = int(inst_rules[I_ASSET, i])
        inverse = inst_rules[I_INVERSE, i] == 1.0
        due = collateral_due(rules, inst_rules, inst, i, price[i], price[a])
        due -= _pending(legs, count, i, 1.0) * (1.0 if inverse else price[i]) / rules[K_LEVERAGE]
        if due <= 0.0:
            continue
        distance = inst[P_LIQUIDATION, i] / price[i] - 1.0
        limit = rules[K_TOP_MARKET] if a == int(rules[K_MARKET]) else rules[K_TOP]
        free = max(0.0, asset[B_HELD, a] - asset[B_PROTECTED, a]) if inverse else max(0.0, cash)
        paid = min(free, due)
        if paid > 0.0:
            unit = price[i] if inverse else 1.0
            n = add_leg(legs, count, i, a, LEG_MARGIN, paid, unit, price[a], _IN, -1.0, distance, limit, day)
            if n >= 0 and not inverse:
                cash -= paid
        rest = due - paid
        if rest > 1e-9 * due and distance <= rules[K_REDUCE] and fresh[i] == 1:
            freed = 1.0 + 1.0 / rules[K_LEVERAGE]
            units = rest / freed if inverse else rest / (price[i] * freed)
            _add_pairs(
                rules, inst_rules, asset, inst, x, price, min(units, -inst[P_UNITS, i]), i, distance, legs, count, day
            )


@compiled
def _spare(rules: Floats, inst_rules: Floats, inst: Floats, price: Floats, fresh: Bytes, nav: float, i: int) -> float:
    """Quote that linear short ``i`` does not need as collateral; 0 where it is not worth a transfer."""
    if inst[P_UNITS, i] >= 0.0 or inst_rules[I_INVERSE, i] == 1.0 or not price[i] > 0.0 or fresh[i] != 1:
        return 0.0
    spot = price[int(inst_rules[I_ASSET, i])]
    spare = min(-collateral_due(rules, inst_rules, inst, i, price[i], spot), inst[P_COLLATERAL, i])
    return spare if spare > max(rules[K_MIN_LEG], 1e-9) * nav else 0.0


@compiled
def free_cash(
    rules: Floats, inst_rules: Floats, inst: Floats, wallet: Floats, price: Floats, fresh: Bytes, nav: float
) -> float:
    """Quote that a plan can spend: the wallet, and what shorts can spare of their collateral."""
    cash = wallet[W_CASH, 0]
    for i in range(price.shape[0]):
        if inst_rules[I_KIND, i] > 0.0:
            cash += _spare(rules, inst_rules, inst, price, fresh, nav, i)
    return cash


@compiled
def withdraw_spare(
    rules: Floats,
    inst_rules: Floats,
    asset: Floats,
    inst: Floats,
    wallet: Floats,
    price: Floats,
    fresh: Bytes,
    nav: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Where the wallet alone does not pay for the plan, bring spare collateral of shorts back to it (2A-1: futures
    equity is stable weight).
    """
    need = 0.0
    for n in range(count[0]):
        i = int(legs[n, L_INST])
        if legs[n, L_STATUS] != PENDING or inst_rules[I_INVERSE, i] == 1.0:
            continue
        if legs[n, L_KIND] == LEG_FUTURES:
            need += max(0.0, -legs[n, L_UNITS]) * price[i] / rules[K_LEVERAGE]
        else:
            need += max(0.0, legs[n, L_UNITS]) * legs[n, L_PRICE]
            if legs[n, L_KIND] == LEG_SPOT and legs[n, L_UNITS] < 0.0:
                need += legs[n, L_UNITS] * legs[n, L_PRICE] + legs[n, L_COST]  # sales bring cash
            if legs[n, L_KIND] == LEG_MARGIN and legs[n, L_UNITS] < 0.0:
                return  # done already
    for i in range(asset.shape[1], inst.shape[1]):  # a short that is raised uses its own spare first
        raised = _pending(legs, count, i, -1.0) * price[i] / rules[K_LEVERAGE]
        if raised > 0.0:
            need -= min(raised, _spare(rules, inst_rules, inst, price, fresh, nav, i))
    if need <= wallet[W_CASH, 0]:
        return
    for i in range(asset.shape[1], inst.shape[1]):
        spare = _spare(rules, inst_rules, inst, price, fresh, nav, i)
        if spare > 0.0 and _pending(legs, count, i, -1.0) == 0.0:
            a = int(inst_rules[I_ASSET, i])
            notional = -inst[P_UNITS, i] * price[i]
            equity = futures_value(inst, inst_rules, i, price[i], price[a])
            add_leg(
                legs, count, i, a, LEG_MARGIN, -spare, 1.0, price[a], _OUT, -1.0, equity / notional,
                1.0 / rules[K_LEVERAGE], day,
            )  # fmt: skip


@compiled
def _pending(legs: Floats, count: Ints, i: int, side: float) -> float:
    """Coins of contract ``i`` that the plan covers (``side`` 1) or adds to the short (-1)."""
    units = 0.0
    for n in range(count[0]):
        if legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_FUTURES and int(legs[n, L_INST]) == i:
            units += max(0.0, side * legs[n, L_UNITS])
    return units


@compiled
def _add_pairs(
    rules: Floats,
    inst_rules: Floats,
    asset: Floats,
    inst: Floats,
    x: Floats,
    price: Floats,
    units: float,
    i: int,
    distance: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Cover ``units`` of instrument ``i`` and sell the spot behind them, pro rata over the assets that it hedges."""
    total = -inst[P_UNITS, i]
    owner = int(inst_rules[I_ASSET, i])
    others = 0.0
    for b in range(asset.shape[1]):
        if b != owner and int(asset[B_CROSS_BY, b]) == i:
            others += asset[B_CROSS, b]
    for a in range(asset.shape[1]):
        share = 0.0
        if a == owner:
            share = total - others
        elif int(asset[B_CROSS_BY, a]) == i:
            share = asset[B_CROSS, a]
        if share <= 0.0:
            continue
        part = units * share / total
        behind = part if a == owner else part * x[X_CROSSED, a]
        limit = rules[K_REDUCE]
        add_leg(legs, count, i, a, LEG_FUTURES, part, price[i], price[owner], _PAIR, -1.0, distance, limit, day)
        coins = min(behind, max(0.0, asset[B_HELD, a] - asset[B_PROTECTED, a]))
        if coins > 0.0:
            n = add_leg(legs, count, a, a, LEG_SPOT, -coins, price[a], price[a], _PAIR, -1.0, distance, limit, day)
            if n >= 0:
                legs[n, L_SOLD] = coins
