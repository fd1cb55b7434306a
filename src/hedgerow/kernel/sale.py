"""How much a trim sells: to a weight, to the edge of the no-trade band, half-way, a fraction, the principal (2.13, 2.14)."""

from __future__ import annotations

import math

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    K_BASE_INITIAL,
    K_GAMMA,
    K_RISK_ONLY,
    T_SIZE,
    TO_BAND,
    TO_FRACTION,
    TO_HALFWAY,
    TO_OVERSHOOT,
    TO_POSITION,
    TO_PRINCIPAL,
)  # fmt: skip
from hedgerow.model.market import Floats


@compiled
def band_width(gamma: float, weight: float, cost: float) -> float:
    """No-trade half-width (3 c / (2 gamma) w^2 (1-w)^2)^(1/3), a fraction of nav (domain 2.14; Davis-Norman family)."""
    spread = weight * (1.0 - weight)
    inside = 1.5 * cost / gamma * spread * spread
    return math.exp(math.log(inside) / 3.0) if inside > 0.0 else 0.0


@compiled
def sale_to_share(value: float, nav: float, weight: float, cost: float) -> float:
    """Quote to sell so that the asset ends at ``weight`` of net asset value, cost included: (A - w V) / (1 - c w) (domain
    2.13).
    """
    return (value - weight * nav) / (1.0 - cost * weight)


@compiled
def sale_to_weight(value: float, over: float, weight: float, cost: float, risk_only: bool) -> float:
    """The same over net asset value, or over the value of the risk assets, which the sale itself makes smaller."""
    if risk_only:
        return (value - weight * over) / (1.0 - weight) if weight < 1.0 else 0.0
    return sale_to_share(value, over, weight, cost)


@compiled
def to_target(rules: Floats, value: float, over: float, target: float, nav0: float, cost: float) -> float:
    """Quote to sell so that the asset ends at its target, of net asset value now or at the start (E-03)."""
    if rules[K_BASE_INITIAL] == 1.0:
        return value - target * nav0
    return sale_to_weight(value, over, target, cost, rules[K_RISK_ONLY] == 1.0)


@compiled
def sale_of(
    rules: Floats,
    row: Floats,
    to: int,
    value: float,
    over: float,
    weight: float,
    target: float,
    nav0: float,
    principal: float,
    cost: float,
) -> float:
    """Quote that a firing row asks to sell."""
    risk_only = rules[K_RISK_ONLY] == 1.0
    initial = rules[K_BASE_INITIAL] == 1.0
    full = to_target(rules, value, over, target, nav0, cost)
    if to == TO_POSITION:
        return row[T_SIZE] * value
    if to == TO_PRINCIPAL:
        return principal / (1.0 - cost) if principal > 0.0 else 0.0
    if to == TO_FRACTION:
        return row[T_SIZE] * full
    if initial:
        return 0.5 * full if to == TO_HALFWAY else full
    wanted = target
    if to == TO_OVERSHOOT:
        wanted = target - row[T_SIZE]
    elif to == TO_BAND:
        wanted = target + band_width(rules[K_GAMMA], target, cost)
    elif to == TO_HALFWAY:
        wanted = 0.5 * (weight + target)
    return sale_to_weight(value, over, wanted, cost, risk_only)
