"""The buffer ladder of shorts whose liquidation is near: top up, then give up pairs of short and spot (2A-9)."""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.account import account_distance, account_state, account_top_up, is_pooled, largest_short
from hedgerow.kernel.arrays import (
    A_HAIRCUT,
    CROSS,
    I_ASSET,
    I_INVERSE,
    ISOLATED,
    K_FLATTEN,
    K_FLATTEN_RATIO,
    K_LEVERAGE,
    K_MARKET,
    K_MODE,
    K_REDUCE,
    K_REDUCE_RATIO,
    K_STOP,
    K_TOP_RATIO,
    K_WARN,
    K_WARN_RATIO,
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
    NEAR_FLATTEN,
    NEAR_NONE,
    NEAR_REDUCE,
    NEAR_STOP,
    NEAR_TOP,
    NEAR_WARN,
    P_CARRY,
    P_UNITS,
    PENDING,
    UNIFIED,
    X_CROSSED,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg, refuse
from hedgerow.kernel.margin import collateral_due, distance_of, margin_ratio, ratio_of, top_up_distance
from hedgerow.kernel.measure import free_coins
from hedgerow.kernel.position import hedge_units, short_on
from hedgerow.kernel.sleeve import reduce_for, write_leave
from hedgerow.kernel.spare import free_cash, pending_units
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_IN: Final = float(Reason.MARGIN_IN)
_PAIR: Final = float(Reason.PAIR_REDUCE)
_FLATTEN: Final = float(Reason.FLATTEN)
_SLEEVE: Final = float(Reason.CARRY_MARGIN)
_LOW: Final = float(Refusal.MARGIN_LOW)


@compiled
def rung_of(rules: Floats, distance: float, ratio: float, top: float) -> int:
    """The rung of the ladder for a liquidation distance and a maintenance margin over equity, whichever is nearer."""
    if distance <= rules[K_FLATTEN] or ratio >= rules[K_FLATTEN_RATIO]:
        return NEAR_FLATTEN
    if distance <= rules[K_REDUCE] or ratio >= rules[K_REDUCE_RATIO]:
        return NEAR_REDUCE
    if distance <= rules[K_STOP]:
        return NEAR_STOP
    if distance < top or ratio >= rules[K_TOP_RATIO]:
        return NEAR_TOP
    if distance <= rules[K_WARN] or ratio >= rules[K_WARN_RATIO]:
        return NEAR_WARN
    return NEAR_NONE


@compiled
def rung_at(rules: Rules, book: Book, i: int, price: Floats) -> int:
    """The rung on which contract ``i`` (or the account that backs it) stands at ``price`` [I]."""
    if book.inst[P_UNITS, i] >= 0.0 or not price[i] > 0.0:
        return NEAR_NONE
    if is_pooled(rules, i):
        equity, need, _ = account_state(rules, book, price, 0.0)
        distance = account_distance(rules, book, price)
        return rung_of(rules.scalar, distance, ratio_of(need, equity), account_top_up(rules, book))
    distance = distance_of(book.inst, i, price[i])
    ratio = margin_ratio(rules, book.inst, i, price[i])
    return rung_of(rules.scalar, distance, ratio, top_up_distance(rules.scalar, rules.inst, i))


@compiled
def _stop_adding(rules: Rules, legs: Floats, count: Ints, i: int, distance: float) -> None:
    """Refuse what the plan adds to contract ``i``: what its short lacks is not paid, and liquidation is near."""
    for n in range(count[0]):
        raises = legs[n, L_KIND] == LEG_FUTURES and legs[n, L_UNITS] < 0.0 and legs[n, L_STATUS] == PENDING
        if raises and int(legs[n, L_INST]) == i:
            refuse(legs, n, _LOW, distance, rules.scalar[K_STOP])


@compiled
def margin_stage(
    rules: Rules, book: Book, x: Floats, price: Floats, fresh: Bytes, nav: float, legs: Floats, count: Ints, day: float
) -> None:
    """The ladder, for every short whose liquidation is too near (2A-9): first a top-up, as far as cash goes. What cash
    does not pay stops additions at ``margin.stop_adding``, is cured by pairs at ``margin.reduce``, and ends the whole
    pair at ``margin.flatten``.

    A pair covers d coins and sells the d coins of spot that they protected: net exposure stays, and d p (1 + 1/L) is
    freed; d p / L where the spot is protected or elsewhere. Spare collateral of other shorts counts as cash; without a
    fresh price of the contract nothing is traded.
    """
    cash = free_cash(rules, book, price, fresh, nav)
    for n in range(count[0]):  # proceeds pay what is due before anything else (2A-17)
        if legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_SPOT:
            cash += max(0.0, -legs[n, L_UNITS]) * legs[n, L_PRICE] - legs[n, L_COST]
    if rules.scalar[K_MODE] != ISOLATED:
        cash = _account_stage(rules, book, x, price, fresh, cash, legs, count, day)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i):
            continue
        rung = rung_at(rules, book, i, price)
        if rung < NEAR_TOP:
            continue
        a = int(rules.inst[I_ASSET, i])
        inverse = rules.inst[I_INVERSE, i] == 1.0
        due = collateral_due(rules.scalar, rules.inst, book.inst, i, price[i], price[a])
        due -= pending_units(legs, count, i, 1.0, 0.0) * (1.0 if inverse else price[i]) / rules.scalar[K_LEVERAGE]
        due -= pending_units(legs, count, i, 1.0, 1.0) * price[i]
        if due <= 0.0:
            continue
        distance = distance_of(book.inst, i, price[i])
        limit = top_up_distance(rules.scalar, rules.inst, i)
        coins = free_coins(book.asset, a)
        if not inverse:
            less, freed = reduce_for(
                due - max(0.0, cash), i, book.asset, book.inst, rules.inst, price, fresh, distance, limit, legs, count, day
            )  # fmt: skip
            due -= less
            cash += freed
        paid = min(coins if inverse else max(0.0, cash), due)
        if paid > 0.0:
            unit = price[i] if inverse else 1.0
            n = add_leg(legs, count, i, a, LEG_MARGIN, paid, unit, price[a], _IN, -1.0, distance, limit, day)
            if n >= 0 and not inverse:
                cash -= paid
        rest = due - paid
        if rest <= 1e-9 * due:
            continue
        if rung >= NEAR_STOP:
            _stop_adding(rules, legs, count, i, distance)
        if rung >= NEAR_REDUCE and fresh[i] == 1:
            behind = 0.0 if inverse else _sellable(rules, book, x, i)  # free coins were paid in before
            units = _covered_for(rules, rest if inverse else rest / price[i], 1.0, behind)
            _give_up(rules, book, x, price, units, i, rung, distance, legs, count, day)


@compiled
def _account_stage(
    rules: Rules, book: Book, x: Floats, price: Floats, fresh: Bytes, cash: float, legs: Floats, count: Ints, day: float
) -> float:
    """The ladder of pooled margin: one top-up for the account, then pairs of every short in proportion; returns the
    cash that is left. A unified account has no top-up: all that it owns is there.
    """
    equity, need, notional = account_state(rules, book, price, 0.0)
    if notional == 0.0:
        return cash
    distance = account_distance(rules, book, price)
    limit = account_top_up(rules, book)
    rung = rung_of(rules.scalar, distance, ratio_of(need, equity), limit)
    due = notional / rules.scalar[K_LEVERAGE] - equity
    largest = largest_short(rules, book, price)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i) and price[i] > 0.0:
            due -= pending_units(legs, count, i, 1.0, 0.0) * price[i] / rules.scalar[K_LEVERAGE]
    if rung < NEAR_TOP or due <= 0.0 or largest < 0:
        return cash
    rest = due
    a = int(rules.inst[I_ASSET, largest])
    if rules.scalar[K_MODE] == CROSS and cash > 0.0:
        paid = min(cash, due)
        add_leg(legs, count, largest, a, LEG_MARGIN, paid, 1.0, price[a], _IN, -1.0, distance, limit, day)
        cash -= paid
        rest -= paid
    if rest <= 1e-9 * due or rung < NEAR_STOP:
        return cash
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if is_pooled(rules, i):
            _stop_adding(rules, legs, count, i, distance)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if rung < NEAR_REDUCE or not is_pooled(rules, i):
            continue
        if book.inst[P_UNITS, i] < 0.0 and price[i] > 0.0 and fresh[i] == 1:
            sold = rules.asset[A_HAIRCUT, int(rules.inst[I_ASSET, i])] if rules.scalar[K_MODE] == UNIFIED else 1.0
            need = -book.inst[P_UNITS, i] * rest / notional
            units = _covered_for(rules, need, sold, _sellable(rules, book, x, i))
            _give_up(rules, book, x, price, units, i, rung, distance, legs, count, day)
    return cash


@compiled
def _sellable(rules: Rules, book: Book, x: Floats, i: int) -> float:
    """Coins of the hedge on contract ``i`` whose spot may be sold: neither protected nor held elsewhere."""
    coins = 0.0
    market = int(rules.scalar[K_MARKET])
    for a in range(book.asset.shape[1]):
        each = 1.0 if a == int(rules.inst[I_ASSET, i]) else x[X_CROSSED, a]
        if each > 0.0:
            short = short_on(book.asset, book.inst, rules.inst, i, a, market)
            coins += max(0.0, min(short, free_coins(book.asset, a) / each))
    return coins


@compiled
def _covered_for(rules: Rules, need: float, sold: float, coins: float) -> float:
    """Coins to cover so that ``need`` of them is no longer missing: each frees its collateral and, of the first ``coins``,
    the part ``sold`` of the spot behind it; where no spot can be sold, more is covered.
    """
    leverage = rules.scalar[K_LEVERAGE]
    return max(need / (sold + 1.0 / leverage), (need - sold * coins) * leverage)


@compiled
def _give_up(
    rules: Rules,
    book: Book,
    x: Floats,
    price: Floats,
    units: float,
    i: int,
    rung: int,
    distance: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Pairs of ``units`` coins of contract ``i``; all of it on the last rung."""
    whole = -hedge_units(book.inst, i)
    if rung == NEAR_FLATTEN:
        a, limit = int(rules.inst[I_ASSET, i]), rules.scalar[K_FLATTEN]
        pair = book.inst[P_CARRY, i]
        write_leave(book.asset, book.inst, rules.inst, price, a, pair, _SLEEVE, distance, limit, legs, count, day)
        _add_pairs(rules, book, x, price, whole, i, distance, _FLATTEN, rules.scalar[K_FLATTEN], legs, count, day)
    else:
        limit = rules.scalar[K_REDUCE]
        _add_pairs(rules, book, x, price, min(units, whole), i, distance, _PAIR, limit, legs, count, day)


@compiled
def _add_pairs(
    rules: Rules,
    book: Book,
    x: Floats,
    price: Floats,
    units: float,
    i: int,
    distance: float,
    reason: float,
    limit: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Cover ``units`` of instrument ``i`` and sell the spot behind them, pro rata over the assets that it hedges."""
    total = -hedge_units(book.inst, i)
    owner = int(rules.inst[I_ASSET, i])
    for a in range(book.asset.shape[1]):
        share = short_on(book.asset, book.inst, rules.inst, i, a, int(rules.scalar[K_MARKET]))
        if share <= 0.0:
            continue
        part = units * share / total
        behind = part if a == owner else part * x[X_CROSSED, a]
        add_leg(legs, count, i, a, LEG_FUTURES, part, price[i], price[owner], reason, -1.0, distance, limit, day)
        coins = min(behind, free_coins(book.asset, a))
        if coins > 0.0:
            n = add_leg(legs, count, a, a, LEG_SPOT, -coins, price[a], price[a], reason, -1.0, distance, limit, day)
            if n >= 0:
                legs[n, L_SOLD] = coins
