"""What a plan buys: deployment in tranches, underweights from proceeds, first purchases (domain 2.10, 2A-5, 2A-17)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_ENTERED,
    B_SOLD,
    B_STATE,
    K_DEPLOY_GATE,
    K_RESERVE,
    K_STABLE,
    K_TRANCHE,
    K_TRANCHE_EVERY,
    K_TRANCHES,
    LEG_SPOT,
    R_DEPLOY,
    S_DAY,
    S_DEPLOY_DAY,
    S_TRANCHE_BASE,
    S_TRANCHE_DAY,
    S_TRANCHES,
    X_ALIVE,
    X_BUY,
    X_BUY_REASON,
    X_FREE,
    X_MEASURED,
    X_PRICE,
    X_SHORT,
    X_TARGET,
    X_THRESHOLD,
    X_TRIM,
    X_UNITS,
    X_VALUE,
    X_WEIGHT,
)  # fmt: skip
from hedgerow.kernel.leg import add_refusal
from hedgerow.kernel.regime import gate_holds
from hedgerow.model.market import Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_ENTRY: Final = float(Reason.ENTRY)
_DEPLOY: Final = float(Reason.DEPLOY)
_UNDERWEIGHT: Final = float(Reason.UNDERWEIGHT)
_RESERVED: Final = float(Refusal.RESERVE)
_EPISODE_GAP: Final = 30.0  # days without a deploying row that end a deployment episode (2A-5)


@compiled
def deployable(rules: Floats, x: Floats, nav: float, cash: float) -> float:
    """Stablecoins above the reserve that no short needs, in quote."""
    spot = 0.0
    short = 0.0
    for a in range(x.shape[1]):
        spot += x[X_VALUE, a]
        if x[X_PRICE, a] > 0.0:
            short += x[X_SHORT, a] * x[X_PRICE, a]
    return max(0.0, min(nav - spot - rules[K_STABLE] * nav, cash - rules[K_RESERVE] * short))


@compiled
def deploy(
    rules: Floats,
    regime: Floats,
    gate: Ints,
    asset: Floats,
    scalar: Floats,
    bits: Ints,
    x: Floats,
    nav: float,
    spare: float,
    legs: Floats,
    count: Ints,
) -> None:
    """A tranche of the stables into undervalued and sound assets, in a deploying row, never above target (2A-17)."""
    day = scalar[S_DAY]
    lacking = 0.0
    deploying = False
    for a in range(asset.shape[1]):
        if regime[int(asset[B_STATE, a]), R_DEPLOY] != 1.0 or x[X_ALIVE, a] != 1.0:
            continue
        deploying = True
        g = int(rules[K_DEPLOY_GATE])
        if gate_holds(gate, g, bits[0, a], bits[1, a]):
            lacking += max(0.0, x[X_TARGET, a] * nav - x[X_VALUE, a] - asset[B_SOLD, a] * x[X_PRICE, a])
    if not deploying:
        return
    if day - scalar[S_DEPLOY_DAY] > _EPISODE_GAP:
        scalar[S_TRANCHES] = 0.0
        scalar[S_TRANCHE_BASE] = spare
        scalar[S_TRANCHE_DAY] = -np.inf
    scalar[S_DEPLOY_DAY] = day
    waited = day - scalar[S_TRANCHE_DAY] >= rules[K_TRANCHE_EVERY]
    amount = min(spare, rules[K_TRANCHE] * scalar[S_TRANCHE_BASE], lacking)
    if scalar[S_TRANCHES] >= rules[K_TRANCHES] or not waited or lacking <= 0.0:
        return
    stable = nav
    for a in range(asset.shape[1]):
        stable -= x[X_VALUE, a]
    for a in range(asset.shape[1]):
        if regime[int(asset[B_STATE, a]), R_DEPLOY] == 1.0 and x[X_ALIVE, a] == 1.0:
            if gate_holds(gate, int(rules[K_DEPLOY_GATE]), bits[0, a], bits[1, a]):
                gap = max(0.0, x[X_TARGET, a] * nav - x[X_VALUE, a] - asset[B_SOLD, a] * x[X_PRICE, a])
                if gap > 0.0 and amount <= 0.0:
                    add_refusal(
                        legs, count, a, a, LEG_SPOT, gap / x[X_PRICE, a], x[X_PRICE, a], _DEPLOY, -1.0, _RESERVED,
                        stable / nav, rules[K_STABLE], day,
                    )  # fmt: skip
                if amount <= 0.0:
                    continue
                x[X_BUY, a] = amount * gap / lacking / x[X_PRICE, a]
                x[X_BUY_REASON, a] = _DEPLOY
                x[X_MEASURED, a] = scalar[S_TRANCHES] + 1.0
                x[X_THRESHOLD, a] = rules[K_TRANCHES]
                x[X_FREE, a] = 1.0


@compiled
def buy_underweights(x: Floats, nav: float, spare: float) -> None:
    """Proceeds of this plan's trims buy assets below target, pro rata to what they lack (opt-in)."""
    proceeds = 0.0
    lacking = 0.0
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] == 1.0:
            proceeds += x[X_TRIM, a] * x[X_PRICE, a]
            if x[X_TRIM, a] == 0.0:
                lacking += max(0.0, x[X_TARGET, a] * nav - x[X_VALUE, a])
    amount = min(proceeds, lacking, spare + proceeds)
    if amount <= 0.0:
        return
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] == 1.0 and x[X_TRIM, a] == 0.0:
            gap = max(0.0, x[X_TARGET, a] * nav - x[X_VALUE, a])
            if gap > 0.0:
                x[X_BUY, a] = amount * gap / lacking / x[X_PRICE, a]
                x[X_BUY_REASON, a] = _UNDERWEIGHT


@compiled
def enter(asset: Floats, x: Floats, nav: float, cost: float) -> None:
    """The first purchase of an asset that is wanted and was never held."""
    for a in range(asset.shape[1]):
        if asset[B_ENTERED, a] == 1.0:
            continue
        if x[X_UNITS, a] > 0.0:
            asset[B_ENTERED, a] = 1.0
        elif x[X_ALIVE, a] == 1.0 and x[X_TARGET, a] > 0.0:
            x[X_BUY, a] = x[X_TARGET, a] * nav / (1.0 + cost * x[X_TARGET, a]) / x[X_PRICE, a]
            x[X_BUY_REASON, a] = _ENTRY
            x[X_MEASURED, a] = x[X_WEIGHT, a]
            x[X_THRESHOLD, a] = x[X_TARGET, a]
            x[X_FREE, a] = 1.0
