"""Stage 3, target: the hedge ratio that each asset should have (domain 2.12, 2A-1 to 2A-4, 2A-12, 2A-15, 2A-16)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_DOWN_DAY,
    B_DOWN_H,
    B_ENTRY_H,
    B_H,
    B_LADDER_SEEN,
    B_LADDER_USED,
    B_RUNG,
    B_STATE,
    B_STEPS,
    B_TREND,
    B_WANTED,
    F_GATE,
    F_LASTS,
    F_LEAST,
    F_LENGTHENS,
    F_RUNGS,
    K_BY_REGIME,
    K_CAP,
    K_CARRY_GATE,
    K_DOWN_EVERY,
    K_EXTERNAL,
    K_FLOOR,
    K_H_CONSTANT,
    K_H_MEDIAN,
    K_H_TREND,
    K_H_VOL,
    K_MAX_CARRY,
    K_MAX_EXTRA,
    K_PAID,
    K_PAID_CAP,
    K_PAID_GATE,
    K_ROUND,
    K_RUNGS,
    K_TREND_ENTER,
    K_TREND_LEAVE,
    K_VIEWS,
    L_GATE,
    L_RUNGS,
    L_VOTE,
    R_HIGH,
    R_LADDER,
    R_LOW,
    R_START,
    RUNGS,
    S_DAY,
    X_CARRY,
    X_EXTRA,
    X_FROZEN,
    X_H,
    X_H_BASE,
    X_H_REGIME,
    X_H_TREND,
    X_H_VOL,
    X_H_WANTED,
    X_LENGTHEN,
    X_NO_ADD,
    X_REASON_H,
    X_RISK,
)  # fmt: skip
from hedgerow.kernel.regime import gate_holds
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Refusal

_SIGMA: Final = INDEX["sigma_ewma"]
_MEDIAN: Final = INDEX["sigma_median2y"]
_RANK_VOL: Final = INDEX["sigma7_pct"]
_RANK_MAYER: Final = INDEX["mayer_pct"]
_RANK_FUNDING: Final = INDEX["funding7_pct"]
_MAYER: Final = INDEX["mayer"]
_EXTERNAL: Final = INDEX["external_hedge"]
_VIEW_RUNGS: Final = INDEX["view_rungs"]
_VIEW_RATIO: Final = INDEX["view_ratio"]
_CAPPED: Final = float(Refusal.PAID_CAP)
_CARRY_VETO: Final = float(Refusal.CARRY_VETO)
_RUNG_WAIT: Final = float(Refusal.RUNG_WAIT)
_FROZEN: Final = float(Refusal.FROZEN)
_SLACK: Final = 1e-9
_MARGIN: Final = 0.75


@compiled
def rung_above(rules: Floats, h: float) -> float:
    """The lowest rung above ``h`` (the highest rung if there is none)."""
    n = int(rules[K_RUNGS])
    for i in range(n):
        if rules[RUNGS + i] > h + _SLACK:
            return rules[RUNGS + i]
    return rules[RUNGS + n - 1]


@compiled
def rung_below(rules: Floats, h: float) -> float:
    """The highest rung below ``h`` (the lowest rung if there is none)."""
    n = int(rules[K_RUNGS])
    for k in range(n):
        i = n - 1 - k
        if rules[RUNGS + i] < h - _SLACK:
            return rules[RUNGS + i]
    return rules[RUNGS]


@compiled
def step_rungs(rules: Floats, h: float, rungs: int) -> float:
    """``h`` moved by so many rungs, up or down."""
    for _ in range(rungs):
        h = rung_above(rules, h)
    for _ in range(-rungs):
        h = rung_below(rules, h)
    return h


@compiled
def nearest_rung(rules: Floats, h: float, now: float) -> float:
    """The rung nearest to ``h`` (a tie goes up); from ``now`` only when three quarters of the way there are gone.

    Without that margin a ratio near the middle of two rungs trades every few days (measured on ``seed``).
    """
    best = rules[RUNGS]
    for i in range(int(rules[K_RUNGS])):
        if abs(rules[RUNGS + i] - h) <= abs(best - h):
            best = rules[RUNGS + i]
    return now if abs(h - now) < _MARGIN * abs(best - now) else best


@compiled
def risk_rank(measure: Floats, a: int) -> float:
    """s in [0, 1]: mean of the trailing percentiles of volatility, Mayer multiple and funding; missing ones left
    out.
    """
    total = 0.0
    known = 0.0
    for k in (_RANK_VOL, _RANK_MAYER, _RANK_FUNDING):
        if not np.isnan(measure[k, a]):
            total += measure[k, a]
            known += 1.0
    return total / known if known > 0.0 else 0.5


@compiled
def _trend(rules: Floats, asset: Floats, true: int, a: int) -> float:
    if (true >> int(rules[K_TREND_ENTER])) & 1 == 1:
        asset[B_TREND, a] = 1.0
    elif (true >> int(rules[K_TREND_LEAVE])) & 1 == 1:
        asset[B_TREND, a] = 0.0
    return rules[K_H_TREND] if asset[B_TREND, a] == 1.0 else 0.0


@compiled
def _by_regime(regime: Floats, asset: Floats, x: Floats, a: int) -> float:
    if regime.shape[0] == 0:
        return 0.0
    s = int(asset[B_STATE, a])
    if not np.isnan(regime[s, R_START]):
        return max(asset[B_ENTRY_H, a], regime[s, R_START])
    return regime[s, R_LOW] + (regime[s, R_HIGH] - regime[s, R_LOW]) * x[X_RISK, a]


@compiled
def _base(rules: Floats, regime: Floats, asset: Floats, measure: Floats, true: int, x: Floats, a: int) -> float:
    """The greatest of the parts that the policy has; a part whose input is missing abstains."""
    h = 0.0
    x[X_H_VOL, a] = np.nan
    x[X_H_TREND, a] = np.nan
    x[X_H_REGIME, a] = np.nan
    x[X_RISK, a] = risk_rank(measure, a)
    if not np.isnan(rules[K_H_CONSTANT]):
        h = max(h, rules[K_H_CONSTANT])
    sigma = measure[_SIGMA, a]
    if not np.isnan(rules[K_H_VOL]) and sigma > 0.0:
        target = rules[K_H_VOL]
        if rules[K_H_MEDIAN] == 1.0 and measure[_MEDIAN, a] > target:
            target = measure[_MEDIAN, a]
        x[X_H_VOL, a] = 1.0 - min(1.0, target / sigma)
        h = max(h, x[X_H_VOL, a])
    if not np.isnan(rules[K_H_TREND]):
        x[X_H_TREND, a] = _trend(rules, asset, true, a)
        h = max(h, x[X_H_TREND, a])
    if rules[K_BY_REGIME] == 1.0:
        x[X_H_REGIME, a] = _by_regime(regime, asset, x, a)
        h = max(h, x[X_H_REGIME, a])
    if rules[K_EXTERNAL] == 1.0 and not np.isnan(measure[_EXTERNAL, a]):
        h = max(h, measure[_EXTERNAL, a])
    return h


@compiled
def _ladder(
    rules: Floats,
    regime: Floats,
    ladder: Floats,
    gate: Ints,
    asset: Floats,
    measure: Floats,
    true: int,
    known: int,
    h: float,
    a: int,
) -> float:
    """Rungs moved by first crossings since entry, once a step and episode (2A-4)."""
    if regime.shape[0] == 0 or regime[int(asset[B_STATE, a]), R_LADDER] != 1.0:
        return h
    seen = int(asset[B_LADDER_SEEN, a])
    used = int(asset[B_LADDER_USED, a])
    for k in range(ladder.shape[0]):
        v = int(ladder[k, L_VOTE])
        bit = 1 << k
        if (known >> v) & 1 == 0:
            continue
        if (true >> v) & 1 == 0:
            seen = seen | bit
        elif (seen & bit) != 0 and (used & bit) == 0:
            g = int(ladder[k, L_GATE])
            if g < 0 or gate_holds(gate, g, true, known):
                used = used | bit
                asset[B_STEPS, a] = min(0.0, asset[B_STEPS, a] + ladder[k, L_RUNGS])  # up: only what came down
    asset[B_LADDER_SEEN, a] = float(seen)
    asset[B_LADDER_USED, a] = float(used)
    moved = step_rungs(rules, h, int(asset[B_STEPS, a]))
    if measure[_MAYER, a] < 1.0 and moved < h:
        moved = max(moved, min(h, rules[K_FLOOR]))
    return moved


@compiled
def _reinforced(
    rules: Floats,
    reinforce: Floats,
    gate: Ints,
    until: Floats,
    measure: Floats,
    true: int,
    known: int,
    day: float,
    h: float,
    x: Floats,
    a: int,
) -> float:
    """Reinforcement rows and live views: rungs added together up to a limit, then the least ratios asked for."""
    extra = 0.0
    least = 0.0
    for k in range(reinforce.shape[0]):
        if gate_holds(gate, int(reinforce[k, F_GATE]), true, known):
            until[k, a] = day + reinforce[k, F_LASTS]
        if day <= until[k, a]:
            if reinforce[k, F_LENGTHENS] == 1.0:
                x[X_LENGTHEN, a] = k + 1.0
            extra += reinforce[k, F_RUNGS]
            least = max(least, reinforce[k, F_LEAST])
    if rules[K_VIEWS] == 1.0:
        if measure[_VIEW_RUNGS, a] > 0.0:
            extra += measure[_VIEW_RUNGS, a]
        if measure[_VIEW_RATIO, a] > 0.0:
            least = max(least, measure[_VIEW_RATIO, a])
    extra = max(-rules[K_MAX_EXTRA], min(rules[K_MAX_EXTRA], extra))
    x[X_EXTRA, a] = extra
    return max(step_rungs(rules, h, int(extra)), least)


@compiled
def _limited(
    rules: Floats,
    gate: Ints,
    asset: Floats,
    true: int,
    known: int,
    day: float,
    h: float,
    x: Floats,
    a: int,
) -> float:
    """At most one rung down in so many days; a short that pays too much is not added to, whatever is intended."""
    before = asset[B_H, a]
    if -x[X_CARRY, a] > rules[K_MAX_CARRY] and x[X_NO_ADD, a] == 0.0:
        g = int(rules[K_CARRY_GATE])
        if g < 0 or not gate_holds(gate, g, true, known):
            x[X_NO_ADD, a] = _CARRY_VETO
    every = rules[K_DOWN_EVERY]
    if h < before and every > 0.0:
        if day - asset[B_DOWN_DAY, a] >= every:
            asset[B_DOWN_DAY, a] = day
            asset[B_DOWN_H, a] = before
        lowest = min(before, rung_below(rules, asset[B_DOWN_H, a]))
        if h < lowest:
            x[X_REASON_H, a] = _RUNG_WAIT
            return lowest
    elif h > asset[B_DOWN_H, a]:
        asset[B_DOWN_H, a] = h
    return h


@compiled
def _paid_cap(rules: Floats, gate: Ints, true: int, known: int, h: float, x: Floats, a: int) -> float:
    """The cap while shorts pay: negative funding after a fall is a crowded trade, not a signal to add (E-11)."""
    if h <= rules[K_PAID_CAP] or not -x[X_CARRY, a] > rules[K_PAID]:
        return h
    g = int(rules[K_PAID_GATE])
    if g >= 0 and gate_holds(gate, g, true, known):
        return h
    x[X_REASON_H, a] = _CAPPED
    return rules[K_PAID_CAP]


@compiled
def target_stage(
    rules: Floats,
    regime: Floats,
    reinforce: Floats,
    ladder: Floats,
    gate: Ints,
    asset: Floats,
    scalar: Floats,
    until: Floats,
    measure: Floats,
    bits: Ints,
    x: Floats,
) -> None:
    """Set the intended hedge ratio of every asset, ``work.asset[X_H]`` and ``book.asset[B_H]``."""
    day = scalar[S_DAY]
    for a in range(asset.shape[1]):
        true = bits[0, a]
        known = bits[1, a]
        x[X_REASON_H, a] = 0.0
        x[X_EXTRA, a] = 0.0
        x[X_LENGTHEN, a] = 0.0
        h = _base(rules, regime, asset, measure, true, x, a)
        h = _ladder(rules, regime, ladder, gate, asset, measure, true, known, h, a)
        x[X_H_BASE, a] = h
        if rules[K_ROUND] == 1.0:
            h = nearest_rung(rules, h, asset[B_RUNG, a])
            asset[B_RUNG, a] = h
        h = _reinforced(rules, reinforce, gate, until, measure, true, known, day, h, x, a)
        h = min(max(h, 0.0), rules[K_CAP])
        x[X_H_WANTED, a] = h
        h = _paid_cap(rules, gate, true, known, h, x, a)
        if x[X_FROZEN, a] == 1.0:
            h = max(h, asset[B_H, a])
            x[X_REASON_H, a] = _FROZEN if h > x[X_H_WANTED, a] else 0.0
        h = _limited(rules, gate, asset, true, known, day, h, x, a)
        asset[B_H, a] = h
        asset[B_WANTED, a] = asset[B_WANTED, a] + 1.0 if h > 0.0 else 0.0
        x[X_H, a] = h
