"""Whether a move is worth its cost: exposure errors before and after a plan, and what is dropped until all of it is (domain
2.15, 2A-7, 2A-8).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_EXCESS,
    B_SOLD,
    K_GAMMA,
    K_HORIZON,
    K_KAPPA,
    K_UNDERWEIGHTS,
    LEG_FUTURES,
    LEG_SPOT,
    X_BENEFIT,
    X_BETA,
    X_BUY,
    X_BUY_REASON,
    X_COST,
    X_ERROR_NEW,
    X_ERROR_OLD,
    X_EXCESS,
    X_FREE,
    X_H,
    X_IDEAL,
    X_MOVE,
    X_NOTIONAL,
    X_OWN,
    X_PRICE,
    X_SHORT,
    X_SHORT_NEW,
    X_SPOT_NEW,
    X_TRIM,
    X_UNITS,
)  # fmt: skip
from hedgerow.kernel.deploy import buy_underweights
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.leg import add_refusal
from hedgerow.kernel.plan import note_needs, solve, wanted_ratio
from hedgerow.kernel.risk import joint_risk, risk_sums, sigma_of
from hedgerow.model.market import Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_COVER: Final = float(Reason.HEDGE_COVER)
_RAISE: Final = float(Reason.HEDGE_RAISE)
_TRIM: Final = float(Reason.TRIM)
_NONE: Final = -1
_COST_BENEFIT: Final = float(Refusal.COST_BENEFIT)
_UNDERWEIGHT: Final = float(Reason.UNDERWEIGHT)


@compiled
def _errors(
    rules: Floats, inst_rules: Floats, asset: Floats, measure: Floats, x: Floats, nav: float, dropped: int
) -> None:
    """Net exposure less its target before and after the plan, and the cost of each asset's move; fractions of nav. After
    the move of asset ``dropped`` was taken out, what does not move stands there already.
    """
    for a in range(x.shape[1]):
        if dropped >= 0 and a != dropped and x[X_MOVE, a] != 1.0:
            continue
        price = x[X_PRICE, a]
        x[X_ERROR_OLD, a] = 0.0
        x[X_ERROR_NEW, a] = 0.0
        x[X_COST, a] = 0.0
        x[X_NOTIONAL, a] = 0.0
        if not price > 0.0:
            continue
        sold = asset[B_SOLD, a]
        if x[X_H, a] <= 0.0:  # what is not bought back when a hedge ends is not wanted any more
            sold = min(sold, max(0.0, x[X_SPOT_NEW, a] - x[X_UNITS, a]))
        base = sold + (x[X_IDEAL, a] if x[X_TRIM, a] > 0.0 else x[X_UNITS, a] + x[X_BUY, a])
        ideal = base * (1.0 - wanted_ratio(rules, asset, x, base, a))
        x[X_ERROR_OLD, a] = (x[X_UNITS, a] - x[X_SHORT, a] - ideal) * price / nav
        x[X_ERROR_NEW, a] = x[X_ERROR_OLD, a]
        if x[X_SPOT_NEW, a] == x[X_UNITS, a] and x[X_SHORT_NEW, a] == x[X_SHORT, a]:
            continue
        x[X_ERROR_NEW, a] = (x[X_SPOT_NEW, a] - x[X_SHORT_NEW, a] - ideal) * price / nav
        spot = abs(x[X_SPOT_NEW, a] - x[X_UNITS, a]) * price
        short = abs(x[X_SHORT_NEW, a] - x[X_SHORT, a]) * x[X_BETA, a] * price
        x[X_NOTIONAL, a] = (spot + short) / nav
        cost = spot * one_way_cost(rules, inst_rules, measure, a, spot)
        if x[X_OWN, a] >= 0.0 and short > 0.0:
            cost += short * one_way_cost(rules, inst_rules, measure, int(x[X_OWN, a]), short)
        x[X_COST, a] = cost / nav


@compiled
def _worst_move(rules: Floats, measure: Floats, x: Floats) -> int:
    """The asset whose move has the lowest marginal benefit over cost; -1 when the plan as a whole passes.

    Moves that are exempt are taken as made: the others are judged by what they add.
    """
    scale = 0.5 * rules[K_GAMMA] * rules[K_HORIZON] / 365.0
    squares, total = risk_sums(measure, x, X_ERROR_NEW)
    new = joint_risk(measure, squares, total)
    cost = 0.0
    for a in range(x.shape[1]):
        x[X_BENEFIT, a] = x[X_ERROR_NEW, a]
        if x[X_MOVE, a] == 1.0 and x[X_FREE, a] == 0.0:
            cost += x[X_COST, a]
            x[X_BENEFIT, a] = x[X_ERROR_OLD, a]
    old_squares, old_total = risk_sums(measure, x, X_BENEFIT)
    old = joint_risk(measure, old_squares, old_total)
    worst = -1
    lowest = np.inf
    for a in range(x.shape[1]):
        x[X_BENEFIT, a] = 0.0
        if x[X_MOVE, a] != 1.0:
            continue
        # the risk without this move is that of all, with its part exchanged
        made = sigma_of(measure, a) * x[X_ERROR_NEW, a]
        left = sigma_of(measure, a) * x[X_ERROR_OLD, a]
        without = joint_risk(measure, squares - made * made + left * left, total - made + left)
        x[X_BENEFIT, a] = scale * (without - new)
        if x[X_FREE, a] == 0.0 and x[X_COST, a] > 0.0:
            ratio = x[X_BENEFIT, a] / x[X_COST, a]
            if ratio < lowest:
                lowest = ratio
                worst = a
    if worst < 0 or scale * (old - new) >= rules[K_KAPPA] * cost:
        return -1
    return worst


@compiled
def cost_benefit(
    rules: Floats,
    inst_rules: Floats,
    asset: Floats,
    measure: Floats,
    x: Floats,
    nav: float,
    rows: int,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Drop moves until the plan's joint benefit is kappa times its cost (domain 2.15, 2A-7, 2A-8)."""
    note_needs(rules, inst_rules, x)
    dropped = _NONE
    for _ in range(x.shape[1] + 1):
        solve(rules, inst_rules, asset, x, nav)
        _errors(rules, inst_rules, asset, measure, x, nav, dropped)
        if rules[K_KAPPA] <= 0.0:
            return
        dropped = _worst_move(rules, measure, x)
        if dropped < 0:
            return
        trim = x[X_TRIM, dropped] > 0.0
        _drop(rules, asset, x, legs, count, day, dropped)
        if trim and rules[K_UNDERWEIGHTS] == 1.0:  # its proceeds do not come
            for b in range(x.shape[1]):
                if x[X_BUY_REASON, b] == _UNDERWEIGHT:
                    x[X_BUY, b] = 0.0
            buy_underweights(rules, asset, x, nav)
            dropped = _NONE


@compiled
def _drop(rules: Floats, asset: Floats, x: Floats, legs: Floats, count: Ints, day: float, a: int) -> None:
    """Take the move of asset ``a`` out of the plan, and write down why."""
    ratio = x[X_BENEFIT, a] / x[X_COST, a]
    trim = x[X_TRIM, a] > 0.0
    inst = a if trim else int(x[X_OWN, a])
    wanted = -x[X_TRIM, a] if trim else x[X_SHORT, a] - x[X_SHORT_NEW, a]
    kind = LEG_SPOT if trim else LEG_FUTURES
    reason = _TRIM if trim else (_COVER if wanted > 0.0 else _RAISE)
    add_refusal(
        legs, count, inst, a, kind, wanted, x[X_PRICE, a], reason, -1.0, _COST_BENEFIT, ratio, rules[K_KAPPA], day
    )
    x[X_MOVE, a] = 0.0
    x[X_TRIM, a] = 0.0
    x[X_BUY, a] = 0.0
    x[X_EXCESS, a] = asset[B_EXCESS, a]
    x[X_IDEAL, a] = x[X_UNITS, a]
