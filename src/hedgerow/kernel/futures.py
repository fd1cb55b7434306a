"""Stage 5c, futures legs: what is covered and what is raised on which contract, and the slices of a roll (domain 2.18).

Coins that leave one contract for another are covered there and shorted here in one plan: net exposure stays.
"""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_CROSS_BY,
    B_EXCESS,
    B_HEDGE,
    I_ASSET,
    I_KIND,
    I_NEXT,
    K_MARKET,
    L_LIMIT,
    L_MEASURED,
    L_REASON,
    L_ROW,
    L_SOLD,
    LEG_FUTURES,
    X_CARRY_DATED,
    X_CARRY_PERPETUAL,
    X_CROSS,
    X_EXCESS,
    X_H,
    X_H_NOW,
    X_LENGTHEN,
    X_MOVE,
    X_OWN,
    X_SHORT,
    X_SHORT_NEW,
    X_SOLD_NEW,
    X_SPOT_NEW,
    X_UNITS,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.position import hedge_units, short_on
from hedgerow.kernel.route import H_CLOSE, days_left, move_reason, stays
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason

_COVER: Final = float(Reason.HEDGE_COVER)
_CROSS: Final = float(Reason.CROSS_HEDGE)
_EXCESS: Final = float(Reason.HEDGE_EXCESS)
_FAILING: Final = float(Reason.VENUE_FAILURE)
_FAILURE: Final = INDEX["venue_failure"]
_LENGTHEN: Final = float(Reason.HEDGE_LENGTHEN)
_PERPETUAL: Final = 1.0  # I_KIND
_RAISE: Final = float(Reason.HEDGE_RAISE)
_RESTORE: Final = float(Reason.HEDGE_RESTORE)
_ROLL: Final = float(Reason.ROLL)
_SWITCH: Final = float(Reason.HEDGE_SWITCH)
_TINY: Final = 1e-12
_UNFUNDED: Final = float(Reason.HEDGE_UNFUNDED)


@compiled
def _is_left(inst_rules: Floats, inst: Floats, x: Floats, i: int, a: int) -> bool:
    """Whether contract ``i`` holds a short of asset ``a``, which another contract of the asset hedges today."""
    own = int(x[X_OWN, a])
    if own < 0 or i == own or hedge_units(inst, i) >= 0.0:
        return False
    return int(inst_rules[I_ASSET, own]) == a and int(inst_rules[I_ASSET, i]) == a


@compiled
def leaving(
    rules: Floats, inst_rules: Floats, asset: Floats, inst: Floats, hedge: Ints, x: Floats, a: int
) -> tuple[float, float]:
    """Coins of asset ``a``'s own shorts that move today to the contract that hedges it, and those that a roll leaves on
    their contracts today.
    """
    moves = 0.0
    rests = 0.0
    i = int(inst_rules[I_NEXT, a])
    while i >= 0:
        if _is_left(inst_rules, inst, x, i, a):
            there = short_on(asset, inst, inst_rules, i, a, int(rules[K_MARKET]))
            part = stays(rules, inst_rules, i, hedge[H_CLOSE, a])
            moves += there * (1.0 - part)
            rests += there * part
        i = int(inst_rules[I_NEXT, i])
    return moves, rests


@compiled
def write_futures(
    rules: Floats,
    asset: Floats,
    inst: Floats,
    inst_rules: Floats,
    measure: Floats,
    price: Floats,
    hedge: Ints,
    x: Floats,
    legs: Floats,
    count: Ints,
    day: float,
    covers: bool,
) -> None:
    """Futures legs of the plan: covers and the closing half of a roll, or raises and its opening half."""
    for a in range(asset.shape[1]):
        if x[X_MOVE, a] != 1.0:
            continue
        _, resting = leaving(rules, inst_rules, asset, inst, hedge, x, a)
        kept = min(1.0, x[X_SHORT_NEW, a] / resting) if resting > 0.0 else 0.0  # a cover takes the old contract first
        i = _behind(inst_rules, asset, x, asset.shape[1] - 1, a)
        while i >= 0:
            _write_leg(
                rules, asset, inst, inst_rules, measure, price, hedge, x, legs, count, day, covers, resting, kept, i, a
            )  # fmt: skip
            i = _behind(inst_rules, asset, x, i, a)


@compiled
def _behind(inst_rules: Floats, asset: Floats, x: Floats, after: int, a: int) -> int:
    """The first contract behind ``after`` that has to do with asset ``a``: its own, the one that hedges it today, the one
    of its cross hedge; -1: none.
    """
    own = after >= asset.shape[1] and int(inst_rules[I_ASSET, after]) == a
    i = int(inst_rules[I_NEXT, after if own else a])
    while 0 <= i <= after:
        i = int(inst_rules[I_NEXT, i])
    for other in (int(x[X_OWN, a]), int(asset[B_CROSS_BY, a])):
        if other > after and (i < 0 or other < i):
            i = other
    return i


@compiled
def _write_leg(
    rules: Floats, asset: Floats, inst: Floats, inst_rules: Floats, measure: Floats, price: Floats, hedge: Ints, x: Floats,
    legs: Floats, count: Ints, day: float, covers: bool, resting: float, kept: float, i: int, a: int,
) -> None:  # fmt: skip
    """The leg of asset ``a`` on contract ``i``, where there is anything to cover or to raise there; a roll leaves the part
    ``kept`` of the ``resting`` coins where they are.
    """
    here = i == int(x[X_OWN, a])
    now = short_on(asset, inst, inst_rules, i, a, int(rules[K_MARKET]))
    wanted = x[X_SHORT_NEW, a] * x[X_CROSS, a] - kept * resting if here else 0.0
    if resting > 0.0 and _is_left(inst_rules, inst, x, i, a):
        wanted = kept * now * stays(rules, inst_rules, i, hedge[H_CLOSE, a])
    change = wanted - now
    if abs(change) <= _TINY * max(now, wanted) or (change < 0.0) != covers:
        return
    if change > 0.0:
        reason = _raise_reason(rules, asset, inst, inst_rules, hedge, x, i, a)
    else:
        reason = _cover_reason(rules, asset, inst, inst_rules, measure, hedge, x, i, a)
    spot = price[int(inst_rules[I_ASSET, i])]
    base = x[X_SPOT_NEW, a] + x[X_SOLD_NEW, a]
    reached = (x[X_SHORT_NEW, a] + x[X_SOLD_NEW, a]) / base if base > 0.0 else 0.0
    if reason == _COVER and reached > x[X_H_NOW, a]:
        reason = _UNFUNDED
    n = add_leg(legs, count, i, a, LEG_FUTURES, -change, price[i], spot, reason, -1.0, x[X_H_NOW, a], reached, day)
    if n < 0:
        return
    _say_move(inst_rules, hedge, x, legs, n, i if change < 0.0 else _left(asset, inst, inst_rules, x, a), a)
    if change > 0.0:
        legs[n, L_SOLD] = x[X_EXCESS, a] - asset[B_EXCESS, a]


@compiled
def _left(asset: Floats, inst: Floats, inst_rules: Floats, x: Floats, a: int) -> int:
    """The first contract that the hedge of asset ``a`` leaves; -1: none."""
    i = int(inst_rules[I_NEXT, a])
    while i >= 0 and not _is_left(inst_rules, inst, x, i, a):
        i = int(inst_rules[I_NEXT, i])
    return i


@compiled
def _say_move(inst_rules: Floats, hedge: Ints, x: Floats, legs: Floats, n: int, old: int, a: int) -> None:
    """The numbers of a move's sentence: carry of the new contract and of the old one, or their days to expiry."""
    own = int(x[X_OWN, a])
    reason = legs[n, L_REASON]
    if own < 0 or old < 0:
        return
    if reason == _SWITCH:
        to_perpetual = inst_rules[I_KIND, own] == _PERPETUAL
        legs[n, L_MEASURED] = x[X_CARRY_PERPETUAL, a] if to_perpetual else x[X_CARRY_DATED, a]
        legs[n, L_LIMIT] = x[X_CARRY_DATED, a] if to_perpetual else x[X_CARRY_PERPETUAL, a]
    elif reason == _LENGTHEN:
        legs[n, L_ROW] = x[X_LENGTHEN, a] - 1.0
        legs[n, L_MEASURED] = days_left(inst_rules, own, hedge[H_CLOSE, a])
        legs[n, L_LIMIT] = days_left(inst_rules, old, hedge[H_CLOSE, a])


@compiled
def _raise_reason(
    rules: Floats, asset: Floats, inst: Floats, inst_rules: Floats, hedge: Ints, x: Floats, i: int, a: int
) -> float:
    old = _left(asset, inst, inst_rules, x, a)
    if old >= 0:
        return move_reason(rules, inst_rules, asset, x, old, i, hedge[H_CLOSE, a], a)
    if asset[B_HEDGE, a] >= 0.0 and int(asset[B_HEDGE, a]) != i and x[X_SHORT, a] > 0.0:
        return _ROLL
    if int(inst_rules[I_ASSET, i]) != a:
        return _CROSS
    return _EXCESS if x[X_EXCESS, a] > 0.0 and x[X_H, a] <= x[X_H_NOW, a] else _RAISE


@compiled
def _cover_reason(
    rules: Floats,
    asset: Floats,
    inst: Floats,
    inst_rules: Floats,
    measure: Floats,
    hedge: Ints,
    x: Floats,
    i: int,
    a: int,
) -> float:
    own = int(x[X_OWN, a])
    if i != own and own >= 0:
        if _is_left(inst_rules, inst, x, i, a):
            return move_reason(rules, inst_rules, asset, x, i, own, hedge[H_CLOSE, a], a)
        return _ROLL
    if measure[_FAILURE, a] == 1.0:
        return _FAILING
    if x[X_SHORT, a] > x[X_UNITS, a] * (1.0 + 1e-9):
        return _RESTORE
    return _COVER
