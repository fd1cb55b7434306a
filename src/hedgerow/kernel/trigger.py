"""Stage 4, trigger: which rows fire, and how many coins they ask to sell or to buy (domain 2.13, 2.14, 2.10, E-03 to
E-19).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_EXCESS,
    B_PEAK_DONE,
    B_PRINCIPAL,
    B_SOLD,
    B_STATE,
    GROUP_DRIFT,
    GROUP_MILESTONE,
    GROUP_TECHNICAL,
    I_FEE,
    I_HALF_SPREAD,
    K_DEPEG,
    K_REBALANCE,
    K_RESERVE,
    K_RISK_ONLY,
    LEG_SPOT,
    R_TRIM,
    S_DAY,
    S_NAV0,
    T_BELOW,
    T_COOLDOWN,
    T_GATE,
    T_GROUP,
    T_MEASURE,
    T_ONCE,
    T_REARM,
    T_THRESHOLD,
    T_TO,
    TO_PRINCIPAL,
    TRIM_AGGRESSIVE,
    TRIM_ARMED,
    TRIM_DAY,
    TRIM_DONE,
    TRIM_MINIMAL,
    TRIM_NONE,
    TRIM_THRESHOLD,
    X_ALIVE,
    X_BUY,
    X_BUY_REASON,
    X_FIRED,
    X_FREE,
    X_IDEAL,
    X_KEEP,
    X_MEASURED,
    X_PRICE,
    X_SHORT,
    X_TARGET,
    X_THRESHOLD,
    X_TRIM,
    X_TRIM_ROW,
    X_UNITS,
    X_VALUE,
    X_WEIGHT,
)  # fmt: skip
from hedgerow.kernel.deploy import deploy, enter
from hedgerow.kernel.leg import add_refusal
from hedgerow.kernel.regime import gate_holds
from hedgerow.kernel.sale import sale_of, sale_to_weight, to_target
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason, Refusal

_QUOTE: Final = INDEX["quote_usd"]
_DRIFT: Final = INDEX["drift_abs"]
_RETURN90: Final = INDEX["return90"]
_COOLDOWN: Final = float(Refusal.COOLDOWN)
_DEPEG: Final = float(Refusal.DEPEG)
_LARGE: Final = float(Refusal.PRINCIPAL_LARGE)
_TRIM: Final = float(Reason.TRIM)
_REBALANCE: Final = float(Reason.REBALANCE)
_TOP_EXTRA: Final = 0.15  # of the position (E-18)
_SLACK: Final = 1e-12


@compiled
def _last_fill(trim: Floats, trims: Floats, group: float, a: int) -> float:
    day = -np.inf
    for n in range(trim.shape[0]):
        if trim[n, T_GROUP] == group:
            day = max(day, trims[TRIM_DAY, n, a])
    return day


@compiled
def _fires(
    trim: Floats, trims: Floats, gate: Ints, measure: Floats, true: int, known: int, mode: int, n: int, a: int
) -> bool:
    """Whether row ``n`` fires for asset ``a``; arms the row again where its measure passed back."""
    value = measure[int(trim[n, T_MEASURE]), a]
    if np.isnan(value):
        return False
    below = trim[n, T_BELOW] == 1.0
    if not np.isnan(trim[n, T_REARM]) and trims[TRIM_ARMED, n, a] == 0.0:
        back = value >= trim[n, T_REARM] if below else value <= trim[n, T_REARM]
        if back:
            trims[TRIM_ARMED, n, a] = 1.0
    if trims[TRIM_ARMED, n, a] == 0.0 or (trim[n, T_ONCE] == 1.0 and trims[TRIM_DONE, n, a] == 1.0):
        return False
    group = int(trim[n, T_GROUP])
    threshold = trim[n, T_THRESHOLD]
    if group != GROUP_MILESTONE:
        if mode == TRIM_NONE or (mode == TRIM_MINIMAL and group == GROUP_TECHNICAL):
            return False
        if mode == TRIM_MINIMAL:
            threshold = 2.0 * threshold
    if below:
        if value > threshold + _SLACK:
            return False
    elif value < threshold - _SLACK:
        return False
    g = int(trim[n, T_GATE])
    return g < 0 or gate_holds(gate, g, true, known)


@compiled
def _want_trim(x: Floats, coins: float, all_the_way: float, row: int, exempt: bool, a: int) -> None:
    """Write a wanted sale down; ``all_the_way`` coins would bring the asset to its target."""
    x[X_TRIM, a] = coins
    x[X_TRIM_ROW, a] = row
    x[X_FIRED, a] = row
    x[X_IDEAL, a] = x[X_UNITS, a] - min(all_the_way, x[X_UNITS, a])
    if exempt:
        x[X_FREE, a] = 1.0


@compiled
def _trim_rows(
    rules: Floats,
    trim: Floats,
    trim_asset: Floats,
    gate: Ints,
    trims: Floats,
    asset: Floats,
    scalar: Floats,
    measure: Floats,
    bits: Ints,
    x: Floats,
    mode: int,
    over: float,
    cost: float,
    legs: Floats,
    count: Ints,
    a: int,
) -> None:
    """The largest sale that a firing row asks for; rows on cooldown are written down as refused."""
    day = scalar[S_DAY]
    price = x[X_PRICE, a]
    value = x[X_VALUE, a] + (asset[B_SOLD, a] - asset[B_EXCESS, a]) * price
    weight = measure[_DRIFT, a] + x[X_TARGET, a]
    for n in range(trim.shape[0]):
        if trim_asset[n, a] != 1.0 or not _fires(trim, trims, gate, measure, bits[0, a], bits[1, a], mode, n, a):
            continue
        group = trim[n, T_GROUP]
        to = int(trim[n, T_TO])
        if mode == TRIM_AGGRESSIVE and group == GROUP_DRIFT:
            to = 0
        sale = sale_of(
            rules, trim[n], to, value, over, weight, x[X_TARGET, a], scalar[S_NAV0], asset[B_PRINCIPAL, a], cost
        )
        sale = min(sale, x[X_VALUE, a])
        if not sale > 0.0:
            continue
        waited = day - _last_fill(trim, trims, group, a)
        if waited < trim[n, T_COOLDOWN]:
            rest = trim[n, T_COOLDOWN]
            add_refusal(
                legs, count, a, a, LEG_SPOT, -sale / price, price, _TRIM, float(n), _COOLDOWN, waited, rest, day
            )
        elif to == TO_PRINCIPAL and sale > 0.5 * value:
            add_refusal(
                legs, count, a, a, LEG_SPOT, -sale / price, price, _TRIM, float(n), _LARGE, sale / value, 0.5, day
            )
        elif sale / price > x[X_TRIM, a]:
            full = sale
            if group == GROUP_DRIFT:
                full = max(sale, to_target(rules, value, over, x[X_TARGET, a], scalar[S_NAV0], cost))
            doubled = mode == TRIM_MINIMAL and group == GROUP_DRIFT
            x[X_MEASURED, a] = measure[int(trim[n, T_MEASURE]), a]
            x[X_THRESHOLD, a] = trim[n, T_THRESHOLD] * (2.0 if doubled else 1.0)
            _want_trim(x, sale / price, full / price, n, group == GROUP_MILESTONE, a)


@compiled
def _aggressive(
    rules: Floats,
    regime: Floats,
    asset: Floats,
    x: Floats,
    measure: Floats,
    over: float,
    nav0: float,
    cost: float,
    rows: int,
) -> None:
    """Once a visit to an aggressive row all excess is sold, and 15 % more of the top performer (E-18, 2A-17): of the
    assets that are trimmed, or were in this visit, the one with the highest 90-day return, if it has gained.
    """
    best = 0.0
    top = -1
    for a in range(asset.shape[1]):
        if int(regime[int(asset[B_STATE, a]), R_TRIM]) != TRIM_AGGRESSIVE or x[X_ALIVE, a] != 1.0:
            continue
        done = asset[B_PEAK_DONE, a] == 1.0
        if measure[_RETURN90, a] > best and (done or measure[_DRIFT, a] > 0.0):
            best = measure[_RETURN90, a]
            top = a
        if done or not measure[_DRIFT, a] > 0.0:
            continue
        price = x[X_PRICE, a]
        value = x[X_VALUE, a] + (asset[B_SOLD, a] - asset[B_EXCESS, a]) * price
        units = min(to_target(rules, value, over, x[X_TARGET, a], nav0, cost) / price, x[X_UNITS, a])
        if units > x[X_TRIM, a]:
            x[X_TRIM, a] = units
            x[X_TRIM_ROW, a] = rows
            x[X_MEASURED, a] = measure[_DRIFT, a]
            x[X_THRESHOLD, a] = 0.0
            x[X_IDEAL, a] = x[X_UNITS, a] - units
    if top >= 0 and asset[B_PEAK_DONE, top] == 0.0:
        extra = _TOP_EXTRA * (x[X_UNITS, top] - x[X_TRIM, top])
        x[X_TRIM, top] += extra
        x[X_TRIM_ROW, top] = rows + 1
        x[X_MEASURED, top] = best
        x[X_THRESHOLD, top] = 0.0
        x[X_IDEAL, top] = min(x[X_IDEAL, top], x[X_UNITS, top]) - extra


@compiled
def _rebalance(rules: Floats, asset: Floats, x: Floats, over: float, cost: float, due: bool, rows: int) -> bool:
    """Everything back to target, both ways, when the calendar or a drift says so."""
    worst = 0.0
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] == 1.0:
            value = x[X_VALUE, a] + asset[B_SOLD, a] * x[X_PRICE, a]
            worst = max(worst, abs(value / over - x[X_TARGET, a])) if over > 0.0 else worst
    if not due and worst < rules[K_REBALANCE] - _SLACK:
        return False
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] != 1.0:
            continue
        price = x[X_PRICE, a]
        value = x[X_VALUE, a] + asset[B_SOLD, a] * price
        gap = x[X_TARGET, a] * over - value
        x[X_MEASURED, a] = value / over - x[X_TARGET, a]
        x[X_THRESHOLD, a] = rules[K_REBALANCE]
        if gap < 0.0:
            sale = sale_to_weight(value, over, x[X_TARGET, a], cost, rules[K_RISK_ONLY] == 1.0)
            x[X_TRIM, a] = min(sale / price, x[X_UNITS, a])
            x[X_TRIM_ROW, a] = rows + 2
            x[X_IDEAL, a] = x[X_UNITS, a] - x[X_TRIM, a]
        elif gap > 0.0:
            x[X_BUY, a] = gap / (1.0 + cost * x[X_TARGET, a]) / price
            x[X_BUY_REASON, a] = _REBALANCE
        x[X_FREE, a] = 1.0
    return True


@compiled
def _want_nothing(asset: Floats, x: Floats) -> None:
    """Clear what the last decision wanted; excess that is shorted is forgotten once the asset is back in its place."""
    for a in range(x.shape[1]):
        x[X_TRIM, a] = 0.0
        x[X_TRIM_ROW, a] = -1.0
        x[X_FIRED, a] = -1.0
        x[X_BUY, a] = 0.0
        x[X_BUY_REASON, a] = 0.0
        x[X_IDEAL, a] = x[X_UNITS, a]
        x[X_FREE, a] = 0.0
        x[X_KEEP, a] = 0.0
        x[X_MEASURED, a] = np.nan
        x[X_THRESHOLD, a] = np.nan
        if asset[B_EXCESS, a] > 0.0 and x[X_WEIGHT, a] <= x[X_TARGET, a]:
            asset[B_EXCESS, a] = 0.0


@compiled
def _sell_nothing(x: Floats, quote: float, least: float, legs: Floats, count: Ints, day: float) -> None:
    """While the stablecoin is off its peg nothing is sold for it: wanted trims become refusals."""
    for a in range(x.shape[1]):
        x[X_KEEP, a] = 1.0
        if x[X_TRIM, a] > 0.0:
            row = x[X_TRIM_ROW, a]
            coins = -x[X_TRIM, a]
            add_refusal(legs, count, a, a, LEG_SPOT, coins, x[X_PRICE, a], _TRIM, row, _DEPEG, quote, least, day)
            x[X_TRIM, a] = 0.0
            x[X_IDEAL, a] = x[X_UNITS, a]


@compiled
def trigger_stage(
    rules: Floats,
    regime: Floats,
    trim: Floats,
    trim_asset: Floats,
    gate: Ints,
    inst_rules: Floats,
    asset: Floats,
    scalar: Floats,
    trims: Floats,
    measure: Floats,
    bits: Ints,
    x: Floats,
    legs: Floats,
    count: Ints,
    nav: float,
    cash: float,
    due: bool,
) -> bool:
    """Fill the wanted sales and purchases of ``work.asset``: rows, aggressive trims, rebalancing, deployment,
    entries; returns whether everything is rebalanced.
    """
    n_assets = asset.shape[1]
    over = nav
    if rules[K_RISK_ONLY] == 1.0:
        over = 0.0
        for a in range(n_assets):
            if x[X_PRICE, a] > 0.0:
                over += x[X_VALUE, a] + (asset[B_SOLD, a] - asset[B_EXCESS, a]) * x[X_PRICE, a]
    _want_nothing(asset, x)
    cost = inst_rules[I_FEE, 0] + inst_rules[I_HALF_SPREAD, 0]
    spare = cash
    for a in range(n_assets):
        if x[X_PRICE, a] > 0.0:
            spare -= rules[K_RESERVE] * x[X_SHORT, a] * x[X_PRICE, a]  # what margin may need stays
    rebalanced = _rebalance(rules, asset, x, over, cost, due, trim.shape[0])
    if not rebalanced:
        for a in range(n_assets):
            mode = TRIM_THRESHOLD
            if regime.shape[0] > 0:
                mode = int(regime[int(asset[B_STATE, a]), R_TRIM])
            if x[X_ALIVE, a] == 1.0:
                _trim_rows(
                    rules, trim, trim_asset, gate, trims, asset, scalar, measure, bits, x, mode, over, cost, legs,
                    count, a
                )  # fmt: skip
        if regime.shape[0] > 0:
            _aggressive(rules, regime, asset, x, measure, over, scalar[S_NAV0], cost, trim.shape[0])
            deploy(rules, regime, gate, asset, scalar, bits, x, nav, spare, legs, count)
    enter(asset, x, nav, cost)
    if measure[_QUOTE, 0] < rules[K_DEPEG]:
        _sell_nothing(x, measure[_QUOTE, 0], rules[K_DEPEG], legs, count, scalar[S_DAY])
    return rebalanced
