"""Stage 5, plan: spot and short solved together for the wanted net exposure (2A-1), then written as legs.

A hedge is wanted on ``base`` coins: those held, and those sold earlier in place of a short. What the stablecoins fund
is shorted; the fraction f that they do not fund is sold instead, and bought back when the hedge is covered.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_AGE,
    B_EXCESS,
    B_HEDGE,
    B_OUTSIDE,
    B_PROTECTED,
    B_SOLD,
    GROUP_DRIFT,
    HOW_HEDGE,
    HOW_TRIM,
    I_INVERSE,
    K_HORIZON,
    K_LEVERAGE,
    K_MAX_CARRY,
    K_MIN_LEG,
    K_MIN_STEP,
    K_MODE,
    K_OUTSIDE,
    K_RESERVE,
    LEG_FUTURES,
    LEG_SPOT,
    S_CAPPED_DAY,
    T_GROUP,
    T_HOW,
    UNIFIED,
    X_BETA,
    X_BUY,
    X_BUY_REASON,
    X_CARRY,
    X_EXCESS,
    X_FREE,
    X_H,
    X_H_NOW,
    X_HAIRCUT,
    X_IDEAL,
    X_KEEP,
    X_MOVE,
    X_NEED,
    X_NO_ADD,
    X_OWN,
    X_PRICE,
    X_REASON_H,
    X_SHARE,
    X_SHORT,
    X_SHORT_NEW,
    X_SOLD_NEW,
    X_SPOT_NEW,
    X_TRIM,
    X_TRIM_ROW,
    X_UNBOUGHT,
    X_UNITS,
    X_VALUE,
)  # fmt: skip
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.futures import leaving
from hedgerow.kernel.leg import add_refusal
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason, Refusal

_BUY_BACK: Final = float(Reason.BUY_BACK)
_CASH: Final = float(Refusal.CASH)
_CARRY_VETO: Final = float(Refusal.CARRY_VETO)
_FAILURE: Final = INDEX["venue_failure"]
_MARGIN: Final = float(Refusal.MARGIN)
_NO_INSTRUMENT: Final = float(Refusal.NO_INSTRUMENT)
_PROTECTED: Final = float(Refusal.PROTECTED)
_RAISE: Final = float(Reason.HEDGE_RAISE)
_TRIM: Final = float(Reason.TRIM)
_VENUE: Final = float(Refusal.VENUE)
_TINY: Final = 1e-12
_RUNG: Final = 0.20  # a fall of the ratio by so much is a change of state, not noise
_FRESH_STATE: Final = 10.0  # days


@compiled
def hedge_or_trim(
    rules: Floats, trim: Floats, inst_rules: Floats, asset: Floats, measure: Floats, x: Floats, cash: float
) -> None:
    """Where a drift row allows it, short the excess instead of selling it when that is cheaper over the horizon."""
    for a in range(asset.shape[1]):
        x[X_EXCESS, a] = asset[B_EXCESS, a]
        n = int(x[X_TRIM_ROW, a])
        if n < 0 or n >= trim.shape[0] or trim[n, T_GROUP] != GROUP_DRIFT or trim[n, T_HOW] == HOW_TRIM:
            continue
        i = int(x[X_OWN, a])
        if i < 0:
            continue
        notional = x[X_TRIM, a] * x[X_PRICE, a]
        need = notional * (1.0 / rules[K_LEVERAGE] + rules[K_RESERVE])
        if x[X_NO_ADD, a] != 0.0 or (inst_rules[I_INVERSE, i] == 0.0 and need > cash and rules[K_MODE] != UNIFIED):
            continue
        sell = one_way_cost(rules, inst_rules, measure, a, notional)
        short = 2.0 * one_way_cost(rules, inst_rules, measure, i, notional)
        if x[X_CARRY, a] < 0.0:
            short -= x[X_CARRY, a] * rules[K_HORIZON] / 365.0
        if trim[n, T_HOW] == HOW_HEDGE or short < sell:
            x[X_EXCESS, a] += x[X_TRIM, a]
            x[X_TRIM, a] = 0.0
            x[X_IDEAL, a] = x[X_UNITS, a]


@compiled
def sellable(asset: Floats, x: Floats, a: int) -> float:
    """Coins that a plan may sell: all but those held elsewhere and protected ones; a cover frees what is collateral."""
    return max(0.0, x[X_UNITS, a] - asset[B_OUTSIDE, a] - asset[B_PROTECTED, a])


@compiled
def limit_trims(rules: Floats, asset: Floats, x: Floats, nav: float, legs: Floats, count: Ints, day: float) -> None:
    """Cut wanted sales to the coins that may be sold; the rest is written down, and stays as it was."""
    for a in range(asset.shape[1]):
        wanted = x[X_TRIM, a]
        free = sellable(asset, x, a)
        if wanted <= free:
            continue
        price = x[X_PRICE, a]
        if (wanted - free) * price > rules[K_MIN_LEG] * nav:
            add_refusal(
                legs, count, a, a, LEG_SPOT, free - wanted, price, _TRIM, x[X_TRIM_ROW, a], _PROTECTED, free, wanted,
                day,
            )  # fmt: skip
        x[X_TRIM, a] = free
        x[X_IDEAL, a] = x[X_UNITS, a] - free


@compiled
def wanted_ratio(rules: Floats, asset: Floats, x: Floats, base: float, a: int) -> float:
    """The hedge ratio on ``base`` coins: excess that is shorted instead of sold counts in full, coins held elsewhere
    if wanted.
    """
    if base <= 0.0:
        return 0.0
    left = base - min(x[X_EXCESS, a], base)
    if rules[K_OUTSIDE] == 0.0:
        left = max(0.0, left - asset[B_OUTSIDE, a])
        return (x[X_H, a] * left + min(x[X_EXCESS, a], base)) / base
    return 1.0 - left * (1.0 - x[X_H, a]) / base


@compiled
def _ratio(rules: Floats, asset: Floats, x: Floats, base: float, a: int) -> float:
    """``wanted_ratio``, but no more than what there is where no short may be added: nothing is sold to fund it."""
    h = wanted_ratio(rules, asset, x, base, a)
    if x[X_NO_ADD, a] != 0.0 and x[X_OWN, a] >= 0.0 and base > 0.0:
        h = min(h, (x[X_SHORT, a] + asset[B_SOLD, a]) / base)
    return h


@compiled
def mark_moves(
    rules: Floats, inst_rules: Floats, asset: Floats, inst: Floats, measure: Floats, hedge: Ints, x: Floats, count: Ints
) -> None:
    """Which assets the plan solves anew; counts the moves that are wanted."""
    for a in range(asset.shape[1]):
        x[X_MOVE, a] = 0.0
        if not x[X_PRICE, a] > 0.0 or x[X_UNITS, a] + asset[B_SOLD, a] <= 0.0:
            x[X_H, a] = 0.0  # the hedge follows the purchase
            if x[X_BUY, a] > 0.0:
                x[X_MOVE, a] = 1.0
            continue
        if measure[_FAILURE, a] == 1.0:  # the hedge leaves the venue: spot is sold in its place, and nothing is bought
            x[X_BUY, a] = 0.0
            x[X_NO_ADD, a] = _VENUE
            if x[X_OWN, a] >= 0.0:
                x[X_OWN, a] = -1.0
                x[X_REASON_H, a] = _VENUE if x[X_H, a] > 0.0 else 0.0
        base = x[X_UNITS, a] + asset[B_SOLD, a]
        step = wanted_ratio(rules, asset, x, base, a) - x[X_H_NOW, a]
        wants = abs(step) >= rules[K_MIN_STEP] - _TINY or (x[X_H, a] == 0.0 and x[X_H_NOW, a] > 0.001)
        over = x[X_SHORT, a] > x[X_UNITS, a] * (1.0 + 1e-9)
        follows = x[X_OWN, a] >= 0.0 and x[X_SHORT, a] > 0.0
        rolls = follows and asset[B_HEDGE, a] >= 0.0 and asset[B_HEDGE, a] != x[X_OWN, a]
        moves, _ = leaving(rules, inst_rules, asset, inst, hedge, x, a)
        rolls = rolls or (follows and moves > 1e-9 * x[X_SHORT, a])
        lost = x[X_OWN, a] < 0.0 and x[X_SHORT, a] > 1e-9 * x[X_UNITS, a]  # its contract is no longer to be used
        if wants or over or rolls or lost or x[X_TRIM, a] > 0.0 or x[X_BUY, a] > 0.0:
            x[X_MOVE, a] = 1.0
            count[1] += 1
        falls = wants and step < 0.0 and (step <= -_RUNG or x[X_H, a] == 0.0 or asset[B_AGE, a] < _FRESH_STATE)
        if over or rolls or lost or falls or measure[_FAILURE, a] == 1.0:
            x[X_FREE, a] = 1.0


@compiled
def note_needs(rules: Floats, inst_rules: Floats, x: Floats) -> None:
    """Stablecoins per value of each asset that is hedged; 0 where the coins themselves are the collateral."""
    each = 1.0 / rules[K_LEVERAGE] + rules[K_RESERVE]
    for a in range(x.shape[1]):
        i = int(x[X_OWN, a])
        x[X_NEED, a] = 0.0 if i >= 0 and inst_rules[I_INVERSE, i] == 1.0 else x[X_BETA, a] * each


@compiled
def _kept(rules: Floats, x: Floats, a: int) -> float:
    """What of the asset's value counts as collateral beside stablecoins: all less the haircut in a unified account."""
    return 1.0 - x[X_HAIRCUT, a] if rules[K_MODE] == UNIFIED else 0.0


@compiled
def _coins(rules: Floats, asset: Floats, x: Floats, row: int) -> float:
    """Collateral that coins give a unified account, quote; ``row`` holds them by asset, those held elsewhere included."""
    total = 0.0
    for a in range(x.shape[1]):
        if x[X_PRICE, a] > 0.0:
            held = max(0.0, x[row, a] - asset[B_OUTSIDE, a])
            total += _kept(rules, x, a) * held * x[X_PRICE, a]
    return total


@compiled
def solve(rules: Floats, inst_rules: Floats, asset: Floats, x: Floats, nav: float) -> float:
    """Spot and short after the plan, by asset; returns f, the fraction of the hedge that is sold instead of shorted."""
    stable = nav + _coins(rules, asset, x, X_UNITS)
    required = 0.0
    freed = 0.0  # by selling all of what would be shorted
    for a in range(asset.shape[1]):
        x[X_SPOT_NEW, a] = x[X_UNITS, a]
        x[X_SHORT_NEW, a] = x[X_SHORT, a]
        x[X_SOLD_NEW, a] = asset[B_SOLD, a]
        price = x[X_PRICE, a]
        if not price > 0.0:
            continue
        stable -= x[X_VALUE, a]
        if x[X_MOVE, a] != 1.0:
            required += x[X_NEED, a] * x[X_SHORT, a] * price
            continue
        base = _base(asset, x, a)
        short = _ratio(rules, asset, x, base, a) * base * price
        kept = _kept(rules, x, a)
        stable += (x[X_UNITS, a] - base) * price * (1.0 - kept)
        if x[X_OWN, a] < 0.0:
            stable += min(short, sellable(asset, x, a) * price)
        elif inst_rules[I_INVERSE, int(x[X_OWN, a])] == 0.0:
            required += x[X_NEED, a] * short
            freed += short * (1.0 - kept + x[X_NEED, a])
    f = 0.0
    if required > stable and freed > 0.0:
        f = min(1.0, (required - stable) / freed)
    for a in range(asset.shape[1]):
        if x[X_MOVE, a] == 1.0 and x[X_PRICE, a] > 0.0:
            _split(rules, inst_rules, asset, x, nav, f, a)
    _fund(rules, asset, x, nav)
    return f


@compiled
def _base(asset: Floats, x: Floats, a: int) -> float:
    """Coins that the hedge ratio counts after the trim or purchase of this plan: held, and sold in place of a short."""
    return x[X_UNITS, a] + asset[B_SOLD, a] - x[X_TRIM, a] + x[X_BUY, a]


@compiled
def _split(rules: Floats, inst_rules: Floats, asset: Floats, x: Floats, nav: float, f: float, a: int) -> None:
    """One asset's spot and short for the common fraction ``f``; protected coins stay, bought-back ones stop at
    target.
    """
    base = _base(asset, x, a)
    h = _ratio(rules, asset, x, base, a)
    part = f
    if x[X_OWN, a] < 0.0:
        part = 1.0
    elif inst_rules[I_INVERSE, int(x[X_OWN, a])] == 1.0:
        part = 0.0
    spot = base * (1.0 - part * h)
    if spot > x[X_UNITS, a] + x[X_BUY, a]:
        limit = max(x[X_UNITS, a] + x[X_BUY, a], x[X_SHARE, a] * nav / x[X_PRICE, a])
        if x[X_TRIM, a] > 0.0 or x[X_NO_ADD, a] == _VENUE:
            limit = x[X_UNITS, a]
        spot = min(spot, limit)
    lowest = x[X_UNITS, a] - sellable(asset, x, a)
    if x[X_KEEP, a] == 1.0:
        lowest = x[X_UNITS, a]
    if spot < lowest:
        spot = lowest
    short = min(max(0.0, spot - base * (1.0 - h)), spot) if x[X_OWN, a] >= 0.0 else 0.0
    if x[X_NO_ADD, a] != 0.0 and short > x[X_SHORT, a]:
        short = min(x[X_SHORT, a], spot)
        spot = max(lowest, min(spot, base * (1.0 - h) + short))
    if x[X_OWN, a] >= 0.0 and inst_rules[I_INVERSE, int(x[X_OWN, a])] == 1.0:  # protected coins are no collateral
        short = min(short, rules[K_LEVERAGE] * max(0.0, spot - asset[B_OUTSIDE, a] - asset[B_PROTECTED, a]))
    x[X_SPOT_NEW, a] = spot
    x[X_SHORT_NEW, a] = short
    x[X_SOLD_NEW, a] = 0.0  # nothing hedged: what was not bought back is forgotten
    if h > 0.0 or x[X_NO_ADD, a] == _VENUE:
        x[X_SOLD_NEW, a] = max(0.0, base - spot)


@compiled
def _buy_less(rules: Floats, x: Floats, nav: float) -> None:
    """Leave coins unbought that the stablecoins do not pay beside the shorts that are there."""
    stable = nav
    fixed = 0.0
    grown = 0.0
    for a in range(x.shape[1]):
        price = x[X_PRICE, a]
        if not price > 0.0:
            continue
        stable -= min(x[X_SPOT_NEW, a], x[X_UNITS, a]) * price
        grown += max(0.0, x[X_SPOT_NEW, a] - x[X_UNITS, a]) * price
        if rules[K_MODE] != UNIFIED:  # coins stand behind shorts there: cash is free to buy
            fixed += x[X_NEED, a] * min(x[X_SHORT_NEW, a], x[X_SHORT, a]) * price
    for a in range(x.shape[1]):
        x[X_UNBOUGHT, a] = 0.0
    room = max(0.0, stable - fixed)
    if grown <= room * (1.0 + 1e-9):
        return
    for a in range(x.shape[1]):
        more = x[X_SPOT_NEW, a] - x[X_UNITS, a]
        if x[X_PRICE, a] > 0.0 and more > 0.0:
            left = more * (1.0 - room / grown)
            x[X_SPOT_NEW, a] -= left
            x[X_UNBOUGHT, a] = left
            x[X_SOLD_NEW, a] += left if x[X_SOLD_NEW, a] > 0.0 else 0.0
            x[X_SHORT_NEW, a] = min(x[X_SHORT_NEW, a], x[X_SPOT_NEW, a])


@compiled
def _fund(rules: Floats, asset: Floats, x: Floats, nav: float) -> None:
    """Cut purchases, then raised shorts, to what the stablecoins fund where protected coins could not be sold."""
    _buy_less(rules, x, nav)
    stable = nav + _coins(rules, asset, x, X_SPOT_NEW)
    fixed = 0.0
    raised = 0.0
    for a in range(asset.shape[1]):
        if not x[X_PRICE, a] > 0.0:
            continue
        stable -= x[X_SPOT_NEW, a] * x[X_PRICE, a]
        need = x[X_NEED, a] * x[X_PRICE, a]
        fixed += need * min(x[X_SHORT_NEW, a], x[X_SHORT, a])
        raised += need * max(0.0, x[X_SHORT_NEW, a] - x[X_SHORT, a])
    if raised <= 0.0 or fixed + raised <= max(stable, 0.0) * (1.0 + 1e-9):
        return
    share = min(1.0, max(0.0, stable - fixed) / raised)
    for a in range(asset.shape[1]):
        grown = x[X_SHORT_NEW, a] - x[X_SHORT, a]
        if grown > 0.0 and x[X_NEED, a] > 0.0:
            x[X_SHORT_NEW, a] = x[X_SHORT, a] + share * grown


@compiled
def note_shortfalls(
    rules: Floats,
    asset: Floats,
    scalar: Floats,
    x: Floats,
    nav: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Write down the hedge that the plan could not have: no short may be added, or collateral or futures lack."""
    for a in range(asset.shape[1]):
        price = x[X_PRICE, a]
        if x[X_MOVE, a] != 1.0 or not price > 0.0:
            continue
        least = rules[K_MIN_LEG] * nav / price
        left = x[X_UNBOUGHT, a]
        if left > least:
            wanted = max(0.0, x[X_SPOT_NEW, a] - x[X_UNITS, a]) + left
            reason = x[X_BUY_REASON, a] if x[X_BUY, a] > 0.0 else _BUY_BACK
            add_refusal(
                legs, count, a, a, LEG_SPOT, left, price, reason, -1.0, _CASH, (wanted - left) * price, wanted * price,
                day,
            )  # fmt: skip
        base = _base(asset, x, a)
        h = wanted_ratio(rules, asset, x, base, a)
        lack = x[X_SPOT_NEW, a] - x[X_SHORT_NEW, a] - base * (1.0 - h)
        i = int(x[X_OWN, a])
        if i >= 0 and lack > least and x[X_NO_ADD, a] != 0.0:
            measured, limit = np.nan, np.nan
            if x[X_NO_ADD, a] == _CARRY_VETO:
                measured, limit = -x[X_CARRY, a], rules[K_MAX_CARRY]
            add_refusal(
                legs, count, i, a, LEG_FUTURES, -lack, price, _RAISE, -1.0, x[X_NO_ADD, a], measured, limit, day
            )
        elif i >= 0 and lack > least:
            wanted = x[X_SHORT_NEW, a] + lack
            scalar[S_CAPPED_DAY] = day
            add_refusal(
                legs, count, i, a, LEG_FUTURES, -lack, price, _RAISE, -1.0, _MARGIN,
                x[X_SHORT_NEW, a] * price, wanted * price, day,
            )  # fmt: skip
        elif lack > least:
            had = h - lack / base
            add_refusal(legs, count, i, a, LEG_FUTURES, -lack, price, _RAISE, -1.0, _NO_INSTRUMENT, had, h, day)
