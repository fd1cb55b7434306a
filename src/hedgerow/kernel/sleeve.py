"""The carry sleeve's pair: coins held long and as many short, apart from holdings and hedge (domain 2A-18).

``B_CARRY`` counts its coins, ``P_CARRY`` what is short for it on a contract that the hedge may share. Measures, trims
and covers see neither; what the pair gains is one part of its own. The short leg is backed in full (1x), whatever
leverage the hedge may have (R-064).
"""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_CARRY,
    B_CARRY_DAY,
    B_CARRY_LEFT,
    B_HELD,
    I_ASSET,
    I_NEXT,
    K_LEVERAGE,
    L_COST,
    L_FOR,
    L_KIND,
    L_LIMIT,
    L_MEASURED,
    L_REFUSAL,
    L_SLEEVE,
    L_STATUS,
    L_UNITS,
    L_WANTED,
    LEG_FUTURES,
    LEG_SPOT,
    P_CARRY,
    P_UNITS,
    PENDING,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg, refuse
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_MARGIN: Final = float(Reason.CARRY_MARGIN)
_TINY: Final = 1e-12


@compiled
def pair_contract(inst: Floats, inst_rules: Floats, a: int) -> int:
    """The contract on which the sleeve is short coins of asset ``a``; -1: none."""
    i = int(inst_rules[I_NEXT, a])
    while i >= 0 and not inst[P_CARRY, i] > 0.0:
        i = int(inst_rules[I_NEXT, i])
    return i


@compiled
def pair_short(inst: Floats, inst_rules: Floats, a: int) -> float:
    """Coins of asset ``a`` that the sleeve is short."""
    short = 0.0
    i = int(inst_rules[I_NEXT, a])
    while i >= 0:
        short += inst[P_CARRY, i]
        i = int(inst_rules[I_NEXT, i])
    return short


@compiled
def unpaired(asset: Floats, inst: Floats, inst_rules: Floats, a: int) -> float:
    """Coins of the sleeve that no short of it stands against: what it may sell, and what it may still short."""
    return max(0.0, asset[B_CARRY, a] - pair_short(inst, inst_rules, a))


@compiled
def tied_up(asset: Floats, inst: Floats, price: Floats) -> float:
    """Quote in the sleeve: its coins at their price, and the collateral of its short (1x)."""
    total = 0.0
    for a in range(asset.shape[1]):
        if asset[B_CARRY, a] > 0.0:
            total += asset[B_CARRY, a] * price[a]
    for i in range(asset.shape[1], inst.shape[1]):
        if inst[P_CARRY, i] > 0.0:
            total += inst[P_CARRY, i] * price[i]
    return total


@compiled
def share_of(inst: Floats, i: int) -> float:
    """The sleeve's share of the position on contract ``i``, 0 to 1."""
    return min(1.0, inst[P_CARRY, i] / -inst[P_UNITS, i]) if inst[P_CARRY, i] > 0.0 and inst[P_UNITS, i] < 0.0 else 0.0


@compiled
def add_coins(asset: Floats, a: int, units: float, day: float) -> None:
    """Coins that the sleeve bought (or sold), and the day from which its least holding or its cooldown counts."""
    if units > 0.0 and asset[B_CARRY, a] == 0.0:
        asset[B_CARRY_DAY, a] = day
    elif units < 0.0:
        asset[B_CARRY_LEFT, a] = day
    asset[B_HELD, a] += units
    asset[B_CARRY, a] += units
    if asset[B_CARRY, a] <= _TINY * abs(units):
        asset[B_CARRY, a] = 0.0


@compiled
def leverage_for(rules: Floats, legs: Floats, n: int) -> float:
    """Short notional over collateral that leg ``n`` is opened with."""
    return 1.0 if legs[n, L_SLEEVE] == 1.0 else rules[K_LEVERAGE]


@compiled
def leaving(legs: Floats, count: Ints, a: int, kind: float) -> float:
    """Coins that the plan's legs of ``kind`` take out of the sleeve's pair of asset ``a`` already."""
    units = 0.0
    for n in range(count[0]):
        if legs[n, L_SLEEVE] == 1.0 and legs[n, L_STATUS] == PENDING and int(legs[n, L_FOR]) == a:
            if legs[n, L_KIND] == kind:
                units += max(0.0, legs[n, L_UNITS] if kind == LEG_FUTURES else -legs[n, L_UNITS])
    return units


@compiled
def write_leave(
    asset: Floats,
    inst: Floats,
    inst_rules: Floats,
    price: Floats,
    a: int,
    units: float,
    reason: float,
    measured: float,
    limit: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> float:
    """Cover ``units`` of the pair's short and sell the coins behind it, with what is unpaired; returns coins covered."""
    i = pair_contract(inst, inst_rules, a)
    cover = 0.0
    if i >= 0:
        cover = min(units, max(0.0, inst[P_CARRY, i] - leaving(legs, count, a, LEG_FUTURES)))
    coins = cover + unpaired(asset, inst, inst_rules, a)
    coins = min(coins, max(0.0, asset[B_CARRY, a] - leaving(legs, count, a, LEG_SPOT)))
    if cover > 0.0:
        n = add_leg(legs, count, i, a, LEG_FUTURES, cover, price[i], price[a], reason, -1.0, measured, limit, day)
        if n >= 0:
            legs[n, L_SLEEVE] = 1.0
    if coins > 0.0:
        n = add_leg(legs, count, a, a, LEG_SPOT, -coins, price[a], price[a], reason, -1.0, measured, limit, day)
        if n >= 0:
            legs[n, L_SLEEVE] = 1.0
    return cover


@compiled
def reduce_for(
    need: float,
    first: int,
    asset: Floats,
    inst: Floats,
    inst_rules: Floats,
    price: Floats,
    fresh: Bytes,
    distance: float,
    limit: float,
    legs: Floats,
    count: Ints,
    day: float,
) -> tuple[float, float]:
    """Close pairs until they free ``need`` quote, before any hedge is cut, that on contract ``first`` before others.

    A coin frees its price by its sale, and the collateral of its short. Returns (what contract ``first`` needs less,
    cash that comes), quote.
    """
    freed = 0.0
    less = 0.0
    for k in range(-1, asset.shape[1]):
        a = int(inst_rules[I_ASSET, first]) if k < 0 else k
        i = pair_contract(inst, inst_rules, a)
        if need - freed <= _TINY * abs(need) or i < 0 or fresh[i] != 1 or fresh[a] != 1 or not price[a] > 0.0:
            continue
        each = price[a] + price[i]
        units = (need - freed) / each
        cover = write_leave(asset, inst, inst_rules, price, a, units, _MARGIN, distance, limit, legs, count, day)
        freed += each * cover
        if i == first:
            less += cover * price[i]
    return less, freed - less


@compiled
def balance(asset: Floats, inst: Floats, inst_rules: Floats, legs: Floats, first: int, last: int) -> None:
    """Make both legs of every pair as large as the smaller one, after guards cut or refused them one by one."""
    for a in range(asset.shape[1]):
        spot = -1
        short = -1
        for n in range(first, last):
            if legs[n, L_SLEEVE] == 1.0 and int(legs[n, L_FOR]) == a:
                if legs[n, L_KIND] == LEG_SPOT and spot < 0:  # what a guard cut off stands behind
                    spot = n
                elif legs[n, L_KIND] == LEG_FUTURES and short < 0:
                    short = n
        if spot < 0 or short < 0:
            continue
        loose = unpaired(asset, inst, inst_rules, a) if legs[short, L_WANTED] > 0.0 else 0.0
        _match(legs, short, spot, max(0.0, abs(legs[spot, L_UNITS]) - loose))
        _match(legs, spot, short, abs(legs[short, L_UNITS]) + loose)


@compiled
def _match(legs: Floats, n: int, other: int, most: float) -> None:
    """Cut leg ``n`` to ``most`` coins; where nothing is left, it is refused for what refused the ``other``."""
    units = abs(legs[n, L_UNITS])
    if legs[n, L_STATUS] != PENDING or units <= most * (1.0 + _TINY):
        return
    legs[n, L_UNITS] *= most / units
    legs[n, L_COST] *= most / units
    if most <= _TINY * units:
        refuse(legs, n, legs[other, L_REFUSAL], legs[other, L_MEASURED], legs[other, L_LIMIT])
