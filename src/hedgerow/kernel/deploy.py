"""What a plan buys: deployment in tranches, underweights from proceeds, first purchases (domain 2.10, 2A-5, 2A-17)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_ENTERED,
    B_SOLD,
    B_STATE,
    K_BY_REGIME,
    K_DEPLOY_GATE,
    K_STABLE,
    K_TRANCHE,
    K_TRANCHE_EVERY,
    K_TRANCHES,
    LEG_SPOT,
    R_DEPLOY,
    R_HIGH,
    S_DAY,
    S_DEPLOY_DAY,
    S_TRANCHE_BASE,
    S_TRANCHE_DAY,
    S_TRANCHES,
    X_ALIVE,
    X_BUY,
    X_BUY_REASON,
    X_FREE,
    X_H,
    X_MEASURED,
    X_PRICE,
    X_SHARE,
    X_SOUND,
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
_CASH: Final = float(Refusal.CASH)
_NEARLY: Final = 0.05  # of the target: so near a purchase is done
_TINY: Final = 1e-9
_EPISODE_GAP: Final = 30.0  # days without a deploying row that end a deployment episode (2A-5)


@compiled
def above_reserve(rules: Floats, x: Floats, nav: float) -> float:
    """Stables (futures equity included, 2A-1) less the reserve, in quote; below 0 while the reserve lacks."""
    spot = 0.0
    for a in range(x.shape[1]):
        spot += x[X_VALUE, a]
    return nav - spot - rules[K_STABLE] * nav


@compiled
def _wanting(asset: Floats, x: Floats, nav: float, a: int) -> float:
    """What asset ``a`` lacks of its target, in quote; coins that were sold in place of a short are held."""
    return max(0.0, x[X_SHARE, a] * nav - x[X_VALUE, a] - asset[B_SOLD, a] * x[X_PRICE, a])


@compiled
def _deploys(rules: Floats, regime: Floats, gate: Ints, asset: Floats, bits: Ints, x: Floats, a: int) -> bool:
    """An undervalued and sound asset in a deploying row whose hedge is covered as far as the row says (R-063)."""
    row = int(asset[B_STATE, a])
    if regime[row, R_DEPLOY] != 1.0 or x[X_ALIVE, a] != 1.0 or x[X_SOUND, a] != 1.0:
        return False
    if rules[K_BY_REGIME] == 1.0 and x[X_H, a] > regime[row, R_HIGH]:
        return False
    return gate_holds(gate, int(rules[K_DEPLOY_GATE]), bits[0, a], bits[1, a])


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
    """A tranche of the stables into undervalued and sound assets, in a deploying row, never above target (2A-17).

    A tranche is a share of what stood above the reserve when the episode began; ``spare`` quote can be paid today, and
    what a tranche lacked of its size stays for the next.
    """
    day = scalar[S_DAY]
    lacking = 0.0
    deploying = False
    for a in range(asset.shape[1]):
        deploying = deploying or (regime[int(asset[B_STATE, a]), R_DEPLOY] == 1.0 and x[X_ALIVE, a] == 1.0)
        if _deploys(rules, regime, gate, asset, bits, x, a):
            lacking += _wanting(asset, x, nav, a)
    if not deploying:
        return
    above = above_reserve(rules, x, nav)
    if day - scalar[S_DEPLOY_DAY] > _EPISODE_GAP:
        scalar[S_TRANCHES] = 0.0
        scalar[S_TRANCHE_BASE] = max(0.0, above)
        scalar[S_TRANCHE_DAY] = -np.inf
    scalar[S_DEPLOY_DAY] = day
    left = rules[K_TRANCHES] - scalar[S_TRANCHES]
    if left <= _TINY or day - scalar[S_TRANCHE_DAY] < rules[K_TRANCHE_EVERY] or lacking <= 0.0:
        return
    wanted = min(min(1.0, left) * rules[K_TRANCHE] * scalar[S_TRANCHE_BASE], lacking)
    amount = min(wanted, max(0.0, min(above, spare)))
    for a in range(asset.shape[1]):
        if not _deploys(rules, regime, gate, asset, bits, x, a):
            continue
        gap = _wanting(asset, x, nav, a)
        price = x[X_PRICE, a]
        if amount > 0.0:
            x[X_BUY, a] = amount * gap / lacking / price
            x[X_BUY_REASON, a] = _DEPLOY
            x[X_MEASURED, a] = scalar[S_TRANCHES] + 1.0
            x[X_THRESHOLD, a] = rules[K_TRANCHES]
            x[X_FREE, a] = 1.0
        elif gap > 0.0 and above <= 0.0:
            share = rules[K_STABLE] + above / nav
            add_refusal(
                legs, count, a, a, LEG_SPOT, gap / price, price, _DEPLOY, -1.0, _RESERVED, share, rules[K_STABLE], day
            )
        elif gap > 0.0 and wanted > 0.0:
            coins = wanted * gap / lacking / price
            add_refusal(legs, count, a, a, LEG_SPOT, coins, price, _DEPLOY, -1.0, _CASH, spare, wanted, day)


@compiled
def buy_underweights(rules: Floats, asset: Floats, x: Floats, nav: float) -> None:
    """What this plan's trims bring above the reserve buys sound assets below target, pro rata to what they lack
    (opt-in; 2A-17).
    """
    proceeds = 0.0
    lacking = 0.0
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] == 1.0:
            proceeds += x[X_TRIM, a] * x[X_PRICE, a]
            if x[X_TRIM, a] == 0.0 and x[X_SOUND, a] == 1.0:
                lacking += _wanting(asset, x, nav, a)
    amount = min(proceeds, lacking, proceeds + above_reserve(rules, x, nav))
    if amount <= 0.0:
        return
    for a in range(x.shape[1]):
        if x[X_ALIVE, a] == 1.0 and x[X_TRIM, a] == 0.0 and x[X_SOUND, a] == 1.0:
            gap = _wanting(asset, x, nav, a)
            if gap > 0.0:
                x[X_BUY, a] = amount * gap / lacking / x[X_PRICE, a]
                x[X_BUY_REASON, a] = _UNDERWEIGHT
                x[X_MEASURED, a] = x[X_WEIGHT, a]
                x[X_THRESHOLD, a] = x[X_TARGET, a]


@compiled
def enter(asset: Floats, x: Floats, nav: float, cost: float) -> None:
    """The first purchase of an asset that is wanted and was never held, over the days that its market needs."""
    for a in range(asset.shape[1]):
        if asset[B_ENTERED, a] == 1.0:
            continue
        whole = x[X_SHARE, a] * nav / (1.0 + cost * x[X_SHARE, a])
        lacking = whole - x[X_VALUE, a] - asset[B_SOLD, a] * x[X_PRICE, a]
        if x[X_UNITS, a] > 0.0 and (asset[B_ENTERED, a] == 0.0 or lacking <= _NEARLY * whole):
            asset[B_ENTERED, a] = 1.0
        elif x[X_ALIVE, a] == 1.0 and x[X_SHARE, a] > 0.0:
            x[X_BUY, a] = lacking / x[X_PRICE, a]
            x[X_BUY_REASON, a] = _ENTRY
            x[X_MEASURED, a] = x[X_WEIGHT, a]
            x[X_THRESHOLD, a] = x[X_TARGET, a]
            x[X_FREE, a] = 1.0
