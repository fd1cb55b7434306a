"""Stage 1, measure: book and prices -> value, weights, drift, shorts by asset, and the book's own measures."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    A_HAIRCUT,
    A_SOUND,
    A_TARGET,
    B_AGE,
    B_CARRY,
    B_COST,
    B_CROSS,
    B_CROSS_BY,
    B_EXCESS,
    B_HELD,
    B_OUTSIDE,
    B_PROTECTED,
    B_SOLD,
    I_ASSET,
    I_INVERSE,
    I_NEXT,
    K_MARKET,
    K_RISK_ONLY,
    P_COLLATERAL,
    P_UNITS,
    S_HIGH,
    W_CASH,
    W_MARGIN,
    X_ALIVE,
    X_CROSS,
    X_CROSSED,
    X_H_NOW,
    X_HAIRCUT,
    X_OWN,
    X_PRICE,
    X_SHARE,
    X_SHORT,
    X_SOUND,
    X_TARGET,
    X_UNITS,
    X_VALUE,
    X_WEIGHT,
)  # fmt: skip
from hedgerow.kernel.position import futures_value, hedge_units
from hedgerow.kernel.route import alive_price, route
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.measure import INDEX

_BETA: Final = INDEX["beta"]
_LEAST_BETA: Final = 0.01  # a smaller one says nothing of what a cross hedge that is there stands for
_RATIO: Final = INDEX["vol_ratio"]
_WEIGHT: Final = INDEX["weight"]
_DRIFT: Final = INDEX["drift_abs"]
_RELATIVE: Final = INDEX["drift_rel"]
_GAIN: Final = INDEX["gain"]
_HEDGE: Final = INDEX["hedge_ratio"]
_AGE: Final = INDEX["age_days"]
_BREADTH: Final = INDEX["vol_breadth"]
_DRAWDOWN: Final = INDEX["nav_drawdown"]


@compiled
def net_asset_value(asset: Floats, inst: Floats, wallet: Floats, inst_rules: Floats, price: Floats) -> float:
    """Cash, coins at their spot price, and futures equity, in quote (domain 2.1); ``price`` is [I]."""
    total = 0.0
    for w in range(wallet.shape[1]):
        total += wallet[W_CASH, w] + wallet[W_MARGIN, w]
    n_assets = asset.shape[1]
    for a in range(n_assets):
        units = asset[B_HELD, a] + asset[B_OUTSIDE, a]
        if units != 0.0:
            total += units * price[a]
    for i in range(n_assets, inst.shape[1]):
        if inst[P_UNITS, i] != 0.0 or inst[P_COLLATERAL, i] != 0.0:
            total += futures_value(inst, inst_rules, i, price[i], price[int(inst_rules[I_ASSET, i])])
    return total


@compiled
def spot_units(asset: Floats, inst: Floats, inst_rules: Floats, a: int) -> float:
    """Coins of asset ``a`` in all: the spot wallet, coins that are collateral, coins held elsewhere; not the carry
    sleeve's.
    """
    units = asset[B_HELD, a] - asset[B_CARRY, a]
    if abs(units) <= 1e-12 * asset[B_CARRY, a]:  # nothing is left but rounding
        units = 0.0
    units += asset[B_OUTSIDE, a]
    i = int(inst_rules[I_NEXT, a])
    while i >= 0:
        if inst_rules[I_INVERSE, i] == 1.0:
            units += inst[P_COLLATERAL, i]
        i = int(inst_rules[I_NEXT, i])
    return units


@compiled
def free_coins(asset: Floats, a: int) -> float:
    """Coins in the spot wallet that may be traded: neither protected nor the carry sleeve's."""
    return max(0.0, asset[B_HELD, a] - asset[B_PROTECTED, a] - asset[B_CARRY, a])


@compiled
def own_short(asset: Floats, inst: Floats, inst_rules: Floats, a: int, market: int) -> float:
    """Coins that asset ``a`` is short for itself: its futures, less what hedges other assets through them."""
    short = 0.0
    i = int(inst_rules[I_NEXT, a])
    while i >= 0:
        short -= hedge_units(inst, i)
        i = int(inst_rules[I_NEXT, i])
    if a == market:
        gross = short
        for b in range(asset.shape[1]):
            short -= asset[B_CROSS, b]
        if abs(short) <= 1e-12 * gross:  # nothing is left but rounding
            return 0.0
    return short


@compiled
def _hedged(inst_rules: Floats, asset: Floats, measure: Floats, price: Floats, x: Floats, a: int) -> None:
    """Add the cross hedge to the asset's short, beta-adjusted, and say which share of its coins is hedged."""
    own = int(x[X_OWN, a])
    x[X_CROSSED, a] = 1.0 / x[X_CROSS, a] if own >= 0 and int(inst_rules[I_ASSET, own]) != a else 0.0
    by = int(asset[B_CROSS_BY, a])
    if asset[B_CROSS, a] > 0.0 and alive_price(price, by) and price[a] > 0.0:
        beta = measure[_BETA, a] if measure[_BETA, a] > _LEAST_BETA else 1.0  # whatever would hedge it from now on
        x[X_CROSSED, a] = price[by] / (beta * price[a])
        x[X_SHORT, a] += asset[B_CROSS, a] * x[X_CROSSED, a]
    base = x[X_UNITS, a] + asset[B_SOLD, a]
    x[X_H_NOW, a] = (x[X_SHORT, a] + asset[B_SOLD, a]) / base if base > 0.0 else 0.0


@compiled
def _book_measures(asset: Floats, x: Floats, measure: Floats, price: Floats, over: float, a: int) -> None:
    """The measures of the book for one asset.

    Drift counts coins that were sold in place of a short as held, and excess that is shorted instead of sold as gone:
    targets are of net exposure before hedging (2A-1).
    """
    kept = 0.0
    if asset[B_SOLD, a] - asset[B_EXCESS, a] != 0.0 and over > 0.0:
        kept = (asset[B_SOLD, a] - asset[B_EXCESS, a]) * price[a] / over
    weight = x[X_WEIGHT, a] + kept
    target = x[X_TARGET, a]
    known = x[X_VALUE, a] > 0.0
    measure[_WEIGHT, a] = x[X_WEIGHT, a] if known else np.nan
    measure[_DRIFT, a] = weight - target if known else np.nan
    measure[_RELATIVE, a] = weight / target - 1.0 if known and target > 0.0 else np.nan
    measure[_GAIN, a] = price[a] / asset[B_COST, a] if known and asset[B_COST, a] > 0.0 else np.nan
    measure[_HEDGE, a] = x[X_SHORT, a] / x[X_UNITS, a] if x[X_UNITS, a] > 0.0 else np.nan
    measure[_AGE, a] = asset[B_AGE, a]


@compiled
def measure_stage(
    rules: Floats,
    asset_rules: Floats,
    inst_rules: Floats,
    asset: Floats,
    inst: Floats,
    wallet: Floats,
    scalar: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    measure: Floats,
    x: Floats,
) -> float:
    """Fill the book's measures and ``work.asset``'s first rows; returns net asset value. ``hedge`` is [ROUTES, A]."""
    n_assets = asset.shape[1]
    market = int(rules[K_MARKET])
    nav = net_asset_value(asset, inst, wallet, inst_rules, price)
    if nav > scalar[S_HIGH]:
        scalar[S_HIGH] = nav
    held = 0.0
    risk = 0.0
    wanted = 0.0
    for a in range(n_assets):
        alive = price[a] > 0.0
        x[X_PRICE, a] = price[a]
        x[X_ALIVE, a] = 1.0 if alive and fresh[a] == 1 else 0.0
        x[X_UNITS, a] = spot_units(asset, inst, inst_rules, a)
        x[X_VALUE, a] = x[X_UNITS, a] * price[a] if alive else 0.0
        held += x[X_VALUE, a]
        if alive:
            risk += x[X_VALUE, a] + (asset[B_SOLD, a] - asset[B_EXCESS, a]) * price[a]
        wanted += asset_rules[A_TARGET, a]
    over = nav
    scale = 1.0
    if rules[K_RISK_ONLY] == 1.0:
        over = risk
        scale = 1.0 / wanted if wanted > 0.0 else 0.0
    restless = 0.0
    for a in range(n_assets):
        x[X_SHARE, a] = asset_rules[A_TARGET, a]
        x[X_TARGET, a] = asset_rules[A_TARGET, a] * scale
        x[X_SOUND, a] = asset_rules[A_SOUND, a]
        x[X_HAIRCUT, a] = asset_rules[A_HAIRCUT, a]
        x[X_WEIGHT, a] = x[X_VALUE, a] / over if over > 0.0 else 0.0
        if measure[_RATIO, a] >= 1.5 and held > 0.0:
            restless += x[X_VALUE, a] / held
    for k in range(n_assets):
        a = market if k == 0 else (k - 1 if k <= market else k)  # a cross hedge follows the market asset's contract
        x[X_SHORT, a] = own_short(asset, inst, inst_rules, a, market)
        route(rules, inst_rules, measure, asset, inst, price, fresh, funding, hedge, x, x[X_SHORT, a], a)
    for a in range(n_assets):
        _hedged(inst_rules, asset, measure, price, x, a)
        measure[_BREADTH, a] = restless
        measure[_DRAWDOWN, a] = 1.0 - nav / scalar[S_HIGH] if scalar[S_HIGH] > 0.0 else np.nan
        _book_measures(asset, x, measure, price, over, a)
    return nav
