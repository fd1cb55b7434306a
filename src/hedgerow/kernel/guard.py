"""Stage 6, guard: what shrinks or refuses a leg: turnover, liquidity, slippage, smallest leg, unknowns."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    I_ASSET,
    I_KIND,
    I_LOT,
    I_MIN_NOTIONAL,
    K_ALLOW_ILLIQUID,
    K_ALLOW_UNFUNDED,
    K_HARD,
    K_MIN_LEG,
    K_PARTICIPATION,
    K_SLIPPAGE_CAP,
    L_COST,
    L_FOR,
    L_INST,
    L_KIND,
    L_LIMIT,
    L_MEASURED,
    L_PRICE,
    L_REASON,
    L_SLEEVE,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    P_CARRY,
    PENDING,
    X_CROSSED,
    X_NOTIONAL,
    X_SHORT,
    X_SHORT_NEW,
    X_SPOT_NEW,
    X_UNITS,
)  # fmt: skip
from hedgerow.kernel.fill import bears, largest_within, one_way_cost, slippage_of, turnover_of
from hedgerow.kernel.leg import add_refusal, refuse
from hedgerow.kernel.position import hedge_units
from hedgerow.kernel.route import is_move
from hedgerow.kernel.turnover import yearly_turnover
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason, Refusal

_RESTORE: Final = float(Reason.HEDGE_RESTORE)
_FAILING: Final = float(Reason.VENUE_FAILURE)
_PAIR: Final = float(Reason.PAIR_REDUCE)
_CARRY_OUT: Final = float(Reason.CARRY_LEAVE)
_CARRY_LAST: Final = float(Reason.CARRY_LOOSE)
_FLATTEN: Final = float(Reason.FLATTEN)
_ENTRY: Final = float(Reason.ENTRY)
_BACKED: Final = float(Refusal.UNREPLACED)
_TINY: Final = 1e-9
_TURNOVER: Final = float(Refusal.TURNOVER)
_LIQUIDITY: Final = float(Refusal.LIQUIDITY)
_ILLIQUID: Final = float(Refusal.LIQUIDITY_UNKNOWN)
_SLIPPAGE: Final = float(Refusal.SLIPPAGE)
_NO_PRICE: Final = float(Refusal.NO_PRICE)
_UNFUNDED: Final = float(Refusal.FUNDING_UNKNOWN)
_MINIMUM: Final = float(Refusal.BELOW_MINIMUM)


@compiled
def is_safety(reason: float) -> bool:
    """Legs that bypass cost-benefit, turnover and smallest size: they restore a limit, or leave the carry sleeve."""
    if _CARRY_OUT <= reason <= _CARRY_LAST:
        return True
    return reason == _RESTORE or reason == _FAILING or reason == _PAIR or reason == _FLATTEN


@compiled
def _over_budget(rules: Floats, legs: Floats, n: int, turnover: float) -> bool:
    reason = legs[n, L_REASON]
    if is_safety(reason) or reason == _ENTRY:
        return False
    if turnover >= rules[K_HARD]:
        refuse(legs, n, _TURNOVER, turnover, rules[K_HARD])
        return True
    return False


@compiled
def _is_bound(legs: Floats, n: int) -> bool:
    """Whether leg ``n`` covers a hedge because the plan wants it, and not for safety."""
    cover = legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_FUTURES and legs[n, L_UNITS] > 0.0
    return cover and not is_safety(legs[n, L_REASON]) and legs[n, L_SLEEVE] == 0.0


@compiled
def _bound_covers(inst_rules: Floats, x: Floats, legs: Floats, first: int, last: int) -> None:
    """Covers go only as far as net exposure stays at what it was or was planned to be: where a sale of the plan was
    cut or refused, its cover would take protection away. A roll covers what its new short replaces.
    """
    for n in range(first, last):
        if _is_bound(legs, n):
            _bound(inst_rules, x, legs, first, last, int(legs[n, L_FOR]))


@compiled
def _bound(inst_rules: Floats, x: Floats, legs: Floats, first: int, last: int, a: int) -> None:
    """The same for asset ``a``; where its covers are within bounds nothing changes."""
    spot = x[X_UNITS, a]
    covered = 0.0
    opened = 0.0
    for n in range(first, last):
        if int(legs[n, L_FOR]) != a or legs[n, L_STATUS] != PENDING or legs[n, L_SLEEVE] == 1.0:
            continue
        if legs[n, L_KIND] == LEG_SPOT:
            spot += legs[n, L_UNITS]
        elif legs[n, L_KIND] == LEG_FUTURES:
            coins = legs[n, L_UNITS]
            if int(inst_rules[I_ASSET, int(legs[n, L_INST])]) != a:
                coins *= x[X_CROSSED, a]
            if coins < 0.0:
                opened -= coins
            elif not is_safety(legs[n, L_REASON]):
                covered += coins
    most = max(x[X_UNITS, a] - x[X_SHORT, a], x[X_SPOT_NEW, a] - x[X_SHORT_NEW, a])
    room = max(0.0, most - spot + x[X_SHORT, a] + opened)
    if covered <= room * (1.0 + 1e-9) + _TINY * x[X_UNITS, a]:
        return
    share = room / covered
    for n in range(first, last):
        if _is_bound(legs, n) and int(legs[n, L_FOR]) == a:
            legs[n, L_UNITS] *= share
            legs[n, L_COST] *= share
            if share <= _TINY:
                refuse(legs, n, _BACKED, 0.0, covered)


@compiled
def _cut_by(rules: Floats, inst_rules: Floats, measure: Floats, i: int, notional: float) -> tuple[float, float, float]:
    """(refusal, measured, threshold) of an order that is larger than the market bears: by turnover, else by slippage."""
    bears = rules[K_PARTICIPATION] * turnover_of(inst_rules, measure, i)
    if bears <= largest_within(rules, inst_rules, measure, i, rules[K_SLIPPAGE_CAP]):
        return _LIQUIDITY, notional, bears
    return _SLIPPAGE, slippage_of(rules, inst_rules, measure, i, notional), rules[K_SLIPPAGE_CAP]


@compiled
def _sized(
    rules: Floats, inst_rules: Floats, measure: Floats, x: Floats, nav: float, legs: Floats, n: int, closes: bool
) -> None:
    """Cut a leg to what the market bears and round it down to whole lots; refuse what is then too small."""
    i = int(legs[n, L_INST])
    price = legs[n, L_PRICE]
    notional = abs(legs[n, L_UNITS]) * price
    adv = turnover_of(inst_rules, measure, i)
    if not adv > 0.0 and rules[K_ALLOW_ILLIQUID] == 0.0:
        refuse(legs, n, _ILLIQUID, np.nan, np.nan)
        return
    limit = bears(rules, inst_rules, measure, i)
    units = abs(legs[n, L_UNITS])
    cut = notional > limit
    if cut:
        units = limit / price
        closes = False
    lot = inst_rules[I_LOT, i]
    if lot > 0.0 and not (closes and legs[n, L_KIND] == LEG_FUTURES):
        units = np.floor(units / lot * (1.0 + 1e-12)) * lot
    least = inst_rules[I_MIN_NOTIONAL, i]
    small = x[X_NOTIONAL, int(legs[n, L_FOR])] < rules[K_MIN_LEG]  # the smallest leg is asked of the asset's whole move
    if small and not is_move(legs[n, L_REASON]):  # a slice of a roll is none
        least = max(least, rules[K_MIN_LEG] * nav)
    if is_safety(legs[n, L_REASON]) or closes:
        least = 0.0
    if units * price < least or units <= 0.0:
        if cut:
            code, measured, threshold = _cut_by(rules, inst_rules, measure, i, notional)
            refuse(legs, n, code, measured, threshold)
        else:
            refuse(legs, n, _MINIMUM, units * price, least)
        return
    legs[n, L_UNITS] = units if legs[n, L_UNITS] > 0.0 else -units
    legs[n, L_COST] = units * price * one_way_cost(rules, inst_rules, measure, i, units * price)


@compiled
def guard_legs(
    rules: Floats,
    inst_rules: Floats,
    inst: Floats,
    scalar: Floats,
    measure: Floats,
    x: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    nav: float,
    first: int,
    legs: Floats,
    count: Ints,
    day: float,
) -> None:
    """Every pending leg from ``first`` on passes here: price, funding, turnover, liquidity, size, lots."""
    turnover = yearly_turnover(scalar)
    last = count[0]  # what is cut off is added behind
    for n in range(first, last):
        if legs[n, L_STATUS] != PENDING:
            continue
        i = int(legs[n, L_INST])
        wanted = legs[n, L_UNITS]
        raises = legs[n, L_KIND] == LEG_FUTURES and wanted < 0.0
        if legs[n, L_KIND] == LEG_MARGIN:  # a transfer needs no market
            continue
        if not price[i] > 0.0 or fresh[i] != 1:
            refuse(legs, n, _NO_PRICE, np.nan, np.nan)
            continue
        if raises and np.isnan(funding[i]) and inst_rules[I_KIND, i] == 1.0 and rules[K_ALLOW_UNFUNDED] == 0.0:
            refuse(legs, n, _UNFUNDED, np.nan, np.nan)
            continue
        if _over_budget(rules, legs, n, turnover):
            continue
        standing = inst[P_CARRY, i] if legs[n, L_SLEEVE] == 1.0 else -hedge_units(inst, i)
        closes = legs[n, L_KIND] == LEG_FUTURES and wanted > 0.0 and wanted >= standing * (1.0 - 1e-9)
        measured = legs[n, L_MEASURED]
        limit = legs[n, L_LIMIT]
        _sized(rules, inst_rules, measure, x, nav, legs, n, closes)
        if legs[n, L_STATUS] == PENDING:
            legs[n, L_MEASURED] = measured
            legs[n, L_LIMIT] = limit
            left = abs(wanted) - abs(legs[n, L_UNITS])
            if left * price[i] > max(rules[K_MIN_LEG] * nav, inst_rules[I_MIN_NOTIONAL, i]):
                code, size, most = _cut_by(rules, inst_rules, measure, i, abs(wanted) * price[i])
                rest = add_refusal(
                    legs, count, i, int(legs[n, L_FOR]), legs[n, L_KIND], left if wanted > 0.0 else -left, price[i],
                    legs[n, L_REASON], -1.0, code, size, most, day,
                )  # fmt: skip
                if rest >= 0:
                    legs[rest, L_SLEEVE] = legs[n, L_SLEEVE]
    _bound_covers(inst_rules, x, legs, first, last)
