"""Stage 3b: a hedge that a reinforcement row lengthens instead of enlarging it (2A-19), and one that cannot be rolled."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_HEDGE,
    I_ASSET,
    I_EXPIRY,
    I_KIND,
    K_MAX_CARRY,
    K_ROLL,
    LEG_FUTURES,
    X_H,
    X_LENGTHEN,
    X_NO_ADD,
    X_OWN,
    X_PRICE,
    X_SHORT,
)  # fmt: skip
from hedgerow.kernel.leg import add_refusal
from hedgerow.kernel.position import hedge_units
from hedgerow.kernel.route import (
    H_CLOSE,
    H_NEAR,
    H_NEXT,
    H_ROUTE,
    days_left,
    expected_carry,
    listed,
    no_add,
    note_route,
)  # fmt: skip
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_DATED: Final = 2.0  # I_KIND
_LENGTHEN: Final = float(Reason.HEDGE_LENGTHEN)
_LONGER_COSTS: Final = float(Refusal.LONGER_COSTS)
_NO_LONGER: Final = float(Refusal.NO_LONGER)
_NO_NEXT: Final = float(Refusal.NO_NEXT)
_ROLL: Final = float(Reason.ROLL)


@compiled
def lengthen_stage(
    rules: Floats,
    inst_rules: Floats,
    measure: Floats,
    asset: Floats,
    inst: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    x: Floats,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Where a reinforcement row says so, hedge with the longest of the two nearest dated contracts whose basis costs a
    short no more than ``max_carry``; and write down a short that expires with nothing to roll into.
    """
    for a in range(asset.shape[1]):
        own = int(x[X_OWN, a])
        if own < 0 or int(inst_rules[I_ASSET, own]) != a:
            continue
        close_ns = hedge[H_CLOSE, a]
        if own == int(asset[B_HEDGE, a]) and hedge_units(inst, own) < 0.0:
            left = days_left(inst_rules, own, close_ns)
            if 0.0 < left <= rules[K_ROLL] and int(hedge[H_ROUTE, a]) != own:
                add_refusal(
                    legs, count, own, a, LEG_FUTURES, -hedge_units(inst, own), price[own], _ROLL, -1.0, _NO_NEXT, left,
                    rules[K_ROLL], day,
                )  # fmt: skip
        if x[X_LENGTHEN, a] == 0.0 or x[X_H, a] <= 0.0:
            continue
        found = -1
        costs = np.nan
        for row in (H_NEAR, H_NEXT):  # the last that serves is the longest
            i = int(hedge[row, a])
            later = i >= 0 and (
                inst_rules[I_KIND, own] != _DATED or inst_rules[I_EXPIRY, i] > inst_rules[I_EXPIRY, own]
            )
            if not later or not listed(price, inst, i) or no_add(rules, inst_rules, measure, fresh, funding, i) != 0.0:
                continue
            carry = expected_carry(inst_rules, measure, price, fresh, i, close_ns)
            if carry >= -rules[K_MAX_CARRY]:
                found = i
            else:
                costs = -carry
        if found >= 0:
            x[X_OWN, a] = float(found)
            x[X_NO_ADD, a] = 0.0
            note_route(inst_rules, measure, hedge, x, a)
        elif costs > 0.0 or inst_rules[I_KIND, own] != _DATED:
            refusal = _LONGER_COSTS if costs > 0.0 else _NO_LONGER
            add_refusal(
                legs, count, own, a, LEG_FUTURES, -x[X_SHORT, a], x[X_PRICE, a], _LENGTHEN, x[X_LENGTHEN, a] - 1.0,
                refusal, costs, rules[K_MAX_CARRY], day,
            )  # fmt: skip
