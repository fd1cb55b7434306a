"""A futures position in the book: size, profit, value, and what of it hedges."""

from __future__ import annotations

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_CROSS,
    B_CROSS_BY,
    I_ASSET,
    I_INVERSE,
    P_CARRY,
    P_COLLATERAL,
    P_ENTRY,
    P_UNITS,
)
from hedgerow.model import contract
from hedgerow.model.market import Floats

notional = compiled(contract.notional)
profit = compiled(contract.profit)
funding_received = compiled(contract.funding_received)
average_entry = compiled(contract.average_entry)


@compiled
def futures_value(inst: Floats, inst_rules: Floats, i: int, mark: float, spot: float) -> float:
    """Collateral and unrealised profit of instrument ``i``, in quote; an inverse contract's are coins at spot."""
    if inst_rules[I_INVERSE, i] == 1.0:
        return (inst[P_COLLATERAL, i] + unrealised(inst, inst_rules, i, mark)) * spot
    return inst[P_COLLATERAL, i] + unrealised(inst, inst_rules, i, mark)


@compiled
def size_of(inst: Floats, inst_rules: Floats, i: int) -> float:
    """The position as ``model.contract`` counts it: coins, or quote of notional for an inverse contract."""
    return inst[P_UNITS, i] * inst[P_ENTRY, i] if inst_rules[I_INVERSE, i] == 1.0 else inst[P_UNITS, i]


@compiled
def unrealised(inst: Floats, inst_rules: Floats, i: int, mark: float) -> float:
    """Profit of the position at ``mark``, in settle currency."""
    if inst[P_UNITS, i] == 0.0:
        return 0.0
    if inst_rules[I_INVERSE, i] == 1.0:
        return profit(size_of(inst, inst_rules, i), inst[P_ENTRY, i], mark, True)
    return profit(inst[P_UNITS, i], inst[P_ENTRY, i], mark, False)


@compiled
def hedge_units(inst: Floats, i: int) -> float:
    """Coins of contract ``i`` that hedge, short negative: the position less the carry sleeve's short."""
    units = inst[P_UNITS, i] + inst[P_CARRY, i]
    return 0.0 if abs(units) <= 1e-12 * inst[P_CARRY, i] else units


@compiled
def short_on(asset: Floats, inst: Floats, inst_rules: Floats, i: int, a: int, market: int) -> float:
    """Coins of contract ``i`` that are short for asset ``a``: a cross hedge's, or the contract's own less those of others,
    which only the ``market`` asset's contracts hedge.
    """
    if int(inst_rules[I_ASSET, i]) != a:
        return asset[B_CROSS, a] if int(asset[B_CROSS_BY, a]) == i else 0.0
    units = -hedge_units(inst, i)
    if a != market:
        return units
    for b in range(asset.shape[1]):
        if b != a and int(asset[B_CROSS_BY, b]) == i:
            units -= asset[B_CROSS, b]
    return units
