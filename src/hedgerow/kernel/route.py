"""Which contract hedges an asset today: perpetual or dated, by expected carry, and how a roll is sliced (domain 2.18).

A perpetual's carry is its funding, a dated contract's the simple annual basis; neither is ever taken for the other
(E-09). Both are what a short receives, a fraction per year.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_CROSS,
    B_CROSS_BY,
    B_HEDGE,
    B_WANTED,
    I_ASSET,
    I_EXPIRY,
    I_KIND,
    K_ALLOW_ILLIQUID,
    K_ALLOW_UNFUNDED,
    K_CROSS_RHO2,
    K_HORIZON,
    K_INSTRUMENT,
    K_KAPPA,
    K_LENGTHEN,
    K_MARKET,
    K_ROLL,
    K_SLICES,
    K_STAYS,
    P_SEEN,
    X_BETA,
    X_CARRY,
    X_CARRY_DATED,
    X_CARRY_PERPETUAL,
    X_CROSS,
    X_LENGTHEN,
    X_NO_ADD,
    X_OWN,
    X_TENOR,
)  # fmt: skip
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.position import hedge_units
from hedgerow.model import contract
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason, Refusal
from hedgerow.units import NS_PER_DAY

HEDGE_PERPETUAL, HEDGE_DATED, HEDGE_CARRY = range(3)  # rules.scalar[K_INSTRUMENT]

# ---- hedge[:, A]: contracts of one day (int64) ----------------------------------------------------------------------
(
    H_ROUTE,  # instrument that hedges by the policy's kind; -1: none is listed, as below
    H_PERPETUAL,  # the perpetual
    H_NEAR,  # the nearest dated contract that need not be rolled yet
    H_NEXT,  # the dated one behind it
    H_CLOSE,  # ns since the epoch of the day's close
) = range(5)
ROUTES: Final = 5

_ADV: Final = INDEX["adv30_futures"]
_BETA: Final = INDEX["beta"]
_RHO2: Final = INDEX["rho2"]
_FUNDING: Final = INDEX["funding7"]
_FUNDING30: Final = INDEX["funding30"]
_DATED: Final = 2.0  # I_KIND
_DAY: Final = float(NS_PER_DAY)
_ILLIQUID: Final = float(Refusal.LIQUIDITY_UNKNOWN)
_NO_PRICE: Final = float(Refusal.NO_PRICE)
_UNFUNDED: Final = float(Refusal.FUNDING_UNKNOWN)
_LENGTHEN: Final = float(Reason.HEDGE_LENGTHEN)
_ROLL: Final = float(Reason.ROLL)
_SWITCH: Final = float(Reason.HEDGE_SWITCH)
_basis: Final = compiled(contract.annual_basis)
_NEAREST: Final = float(contract.NEAREST)


@compiled
def alive_price(price: Floats, i: int) -> bool:
    """Whether instrument ``i`` is one and has a price."""
    return i >= 0 and price[i] > 0.0


@compiled
def listed(price: Floats, inst: Floats, i: int) -> bool:
    """Whether contract ``i`` has a price, and had one within the week."""
    return alive_price(price, i) and inst[P_SEEN, i] >= 0.0


@compiled
def days_left(inst_rules: Floats, i: int, close_ns: float) -> float:
    """Days from a close to the expiry of contract ``i``; inf for a perpetual."""
    return (inst_rules[I_EXPIRY, i] - close_ns) / _DAY


@compiled
def stays(rules: Floats, inst_rules: Floats, i: int, close_ns: int) -> float:
    """Which part of a short that leaves contract ``i`` stays there today: a roll takes equal slices on successive days,
    the last of them a day before the expiry at least. What leaves for another cause leaves at once.
    """
    left = days_left(inst_rules, i, close_ns)
    begun = rules[K_ROLL] - left
    if not begun >= 0.0:
        return 0.0
    slices = min(rules[K_SLICES] - math.floor(begun), math.floor(left))
    return 1.0 - 1.0 / slices if slices > 1.0 else 0.0


@compiled
def expected_carry(inst_rules: Floats, measure: Floats, price: Floats, fresh: Bytes, i: int, close_ns: int) -> float:
    """What a short of contract ``i`` is expected to receive, a year; nan: unknown.

    Funding: the mean of 30 days, of 7 where the contract is younger. Basis: contract and spot of the same close, and
    not in the last days before the expiry (domain 2.6).
    """
    a = int(inst_rules[I_ASSET, i])
    if inst_rules[I_KIND, i] != _DATED:
        return measure[_FUNDING, a] if np.isnan(measure[_FUNDING30, a]) else measure[_FUNDING30, a]
    left = days_left(inst_rules, i, close_ns)
    return basis_of(price, i, a, left) if fresh[i] == 1 and fresh[a] == 1 else np.nan


@compiled
def basis_of(price: Floats, i: int, a: int, left: float) -> float:
    """Annual basis of contract ``i`` over the spot of asset ``a``, ``left`` days before its expiry; nan: unknown, or in
    the last days.
    """
    if not (price[i] > 0.0 and price[a] > 0.0) or left < _NEAREST:
        return np.nan
    return _basis(price[i], price[a], left)


@compiled
def no_add(rules: Floats, inst_rules: Floats, measure: Floats, fresh: Bytes, funding: Floats, i: int) -> float:
    """The refusal for which no short may be added on contract ``i`` today; 0: it may. The plan must not count on it."""
    if i < 0:
        return 0.0
    if fresh[i] != 1:
        return _NO_PRICE
    owner = int(inst_rules[I_ASSET, i])
    if not measure[_ADV, owner] > 0.0 and rules[K_ALLOW_ILLIQUID] == 0.0:
        return _ILLIQUID
    if np.isnan(funding[i]) and inst_rules[I_KIND, i] == 1.0 and rules[K_ALLOW_UNFUNDED] == 0.0:
        return _UNFUNDED
    return 0.0


@compiled
def wanted_long(rules: Floats, asset: Floats, a: int) -> bool:
    """Whether the hedge of asset ``a`` has been wanted for so long that it moves to a dated contract (2A-19)."""
    return rules[K_LENGTHEN] > 0.0 and asset[B_WANTED, a] >= rules[K_LENGTHEN]


@compiled
def _cheaper(
    rules: Floats, inst_rules: Floats, measure: Floats, x: Floats, price: Floats, perpetual: int, dated: int,
    held: int, close_ns: int, notional: float, long: bool, a: int,
) -> int:  # fmt: skip
    """The perpetual or the dated contract, whichever carries a short better; a tie goes to the dated one, whose carry
    is fixed.

    Without a position, or at a roll, each pays its way in and out over the days that it can be held. A position stays
    where it is unless the gain of moving is ``kappa`` times what moving costs: that keeps it from going to and fro. A
    hedge that is wanted for long moves to the dated contract for what its way costs, over the days to its roll.
    """
    there = held if held >= 0 and held != perpetual else dated
    days = days_left(inst_rules, there, close_ns) - rules[K_ROLL]
    if not long:
        days = min(days, rules[K_HORIZON])
    days = max(days, 1.0)
    over = 365.0 / days
    floating, fixed = x[X_CARRY_PERPETUAL, a], x[X_CARRY_DATED, a]
    in_perpetual = one_way_cost(rules, inst_rules, measure, perpetual, notional)
    in_dated = one_way_cost(rules, inst_rules, measure, there, notional)
    if held < 0:
        if np.isnan(floating) or np.isnan(fixed):
            return dated if np.isnan(floating) and not np.isnan(fixed) else perpetual
        floating -= 2.0 * in_perpetual * 365.0 / max(rules[K_HORIZON], days)
        return dated if fixed - 2.0 * in_dated * over >= floating else perpetual
    moving = in_perpetual + in_dated
    if held == perpetual:
        times = 1.0 if long else max(1.0, rules[K_KAPPA])
        return dated if fixed - floating >= times * moving * over else perpetual
    gain = floating - fixed
    return perpetual if gain > 0.0 and gain >= max(1.0, rules[K_KAPPA]) * moving * over else held


@compiled
def _own(
    rules: Floats, inst_rules: Floats, measure: Floats, asset: Floats, inst: Floats, price: Floats, fresh: Bytes,
    hedge: Ints, x: Floats, notional: float, a: int,
) -> int:  # fmt: skip
    """The contract of asset ``a`` itself that should hedge it today; -1: none."""
    route = int(hedge[H_ROUTE, a])
    close_ns = hedge[H_CLOSE, a]
    perpetual = int(hedge[H_PERPETUAL, a]) if listed(price, inst, int(hedge[H_PERPETUAL, a])) else -1
    dated = -1
    for row in (H_NEXT, H_NEAR):
        i = int(hedge[row, a])
        if listed(price, inst, i) and fresh[i] == 1:
            dated = i
    kept = int(asset[B_HEDGE, a])
    held = -1
    if (
        kept >= 0
        and int(inst_rules[I_ASSET, kept]) == a
        and hedge_units(inst, kept) < 0.0
        and listed(price, inst, kept)
    ):
        held = kept if days_left(inst_rules, kept, close_ns) > rules[K_ROLL] else -1
    fixed = held if held >= 0 and held != perpetual else dated
    x[X_CARRY_PERPETUAL, a] = np.nan
    x[X_CARRY_DATED, a] = np.nan
    if perpetual >= 0:
        x[X_CARRY_PERPETUAL, a] = expected_carry(inst_rules, measure, price, fresh, perpetual, close_ns)
    if fixed >= 0:
        x[X_CARRY_DATED, a] = expected_carry(inst_rules, measure, price, fresh, fixed, close_ns)
    mode = rules[K_INSTRUMENT]
    if rules[K_STAYS] == 0.0:
        return perpetual if mode == HEDGE_DATED and perpetual >= 0 and not listed(price, inst, route) else route
    if held >= 0 and held != perpetual and mode != HEDGE_CARRY:
        return held  # until its roll
    if mode == HEDGE_DATED and dated >= 0:
        return dated
    if perpetual < 0 or fixed < 0:
        only = max(perpetual, dated)
        return held if held >= 0 else (only if only >= 0 else route)
    long = wanted_long(rules, asset, a)
    if mode == HEDGE_PERPETUAL and not long:
        return perpetual
    return _cheaper(
        rules, inst_rules, measure, x, price, perpetual, dated, held, close_ns, notional, long, a
    )  # fmt: skip


@compiled
def _hedge_route(
    rules: Floats, inst_rules: Floats, measure: Floats, asset: Floats, inst: Floats, price: Floats, fresh: Bytes,
    hedge: Ints, x: Floats, notional: float, a: int,
) -> None:  # fmt: skip
    """Which instrument hedges the asset, and coins of it per coin of the asset: own futures, or BTC's by beta."""
    market = int(rules[K_MARKET])
    x[X_OWN, a] = -1.0
    x[X_CROSS, a] = 1.0
    x[X_BETA, a] = 1.0
    own = _own(rules, inst_rules, measure, asset, inst, price, fresh, hedge, x, notional, a)
    if listed(price, inst, own):
        x[X_OWN, a] = float(own)
        return
    if a == market:
        return
    beta = measure[_BETA, a]
    if beta > 0.0 and measure[_RHO2, a] >= rules[K_CROSS_RHO2]:
        i = int(x[X_OWN, market])
        by = int(asset[B_CROSS_BY, a])
        if rules[K_STAYS] == 1.0 and asset[B_CROSS, a] > 0.0 and listed(price, inst, by):
            if days_left(inst_rules, by, hedge[H_CLOSE, a]) > rules[K_ROLL]:
                i = by
        if listed(price, inst, i):
            x[X_OWN, a] = float(i)
            x[X_CROSS, a] = beta * price[a] / price[i]
            x[X_BETA, a] = beta


@compiled
def _last_resort(
    rules: Floats, inst_rules: Floats, measure: Floats, asset: Floats, inst: Floats, price: Floats, fresh: Bytes,
    funding: Floats, hedge: Ints, x: Floats, a: int,
) -> None:  # fmt: skip
    """In its last two days a short whose next contract cannot be had goes to the perpetual."""
    kept = int(x[X_OWN, a])
    perpetual = int(hedge[H_PERPETUAL, a])
    if days_left(inst_rules, kept, hedge[H_CLOSE, a]) >= 2.0 or not listed(price, inst, perpetual):
        return
    if no_add(rules, inst_rules, measure, fresh, funding, perpetual) == 0.0:
        x[X_OWN, a] = float(perpetual)


@compiled
def route(
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
    short: float,
    a: int,
) -> None:
    """The contract that hedges the asset, whether a short may be added on it today, and what it pays in funding;
    ``short`` coins are short now. The market asset comes first: a cross hedge uses its contract.

    A short stays on its own contract until the one that follows has a price and may be added to.
    """
    notional = short * price[a] if price[a] > 0.0 else 0.0
    _hedge_route(rules, inst_rules, measure, asset, inst, price, fresh, hedge, x, notional, a)
    x[X_NO_ADD, a] = no_add(rules, inst_rules, measure, fresh, funding, int(x[X_OWN, a]))
    kept = int(asset[B_HEDGE, a])
    own = int(x[X_OWN, a])
    waits = own < 0 or int(inst_rules[I_ASSET, own]) != a or x[X_NO_ADD, a] != 0.0
    if waits and kept != own and listed(price, inst, kept) and int(inst_rules[I_ASSET, kept]) == a:
        if hedge_units(inst, kept) < 0.0:
            x[X_OWN, a] = float(kept)
            x[X_CROSS, a] = 1.0
            x[X_BETA, a] = 1.0
            _last_resort(rules, inst_rules, measure, asset, inst, price, fresh, funding, hedge, x, a)
            x[X_NO_ADD, a] = no_add(rules, inst_rules, measure, fresh, funding, int(x[X_OWN, a]))
    note_route(inst_rules, measure, hedge, x, a)


@compiled
def note_route(inst_rules: Floats, measure: Floats, hedge: Ints, x: Floats, a: int) -> None:
    """What is known of the contract that hedges: the funding that it pays, if it is a perpetual, and its days to
    expiry.
    """
    own = int(x[X_OWN, a])
    x[X_CARRY, a] = np.nan
    x[X_TENOR, a] = np.nan
    if own >= 0:
        x[X_TENOR, a] = days_left(inst_rules, own, hedge[H_CLOSE, a])
        if inst_rules[I_KIND, own] == 1.0:
            x[X_CARRY, a] = measure[_FUNDING, int(inst_rules[I_ASSET, own])]


@compiled
def move_reason(
    rules: Floats, inst_rules: Floats, asset: Floats, x: Floats, old: int, new: int, close_ns: int, a: int
) -> float:
    """Why a short moves from contract ``old`` to ``new``: before the expiry, to a longer one, or to a better carry."""
    if days_left(inst_rules, old, close_ns) <= rules[K_ROLL]:
        return _ROLL
    longer = inst_rules[I_KIND, new] == _DATED and (
        inst_rules[I_KIND, old] != _DATED or inst_rules[I_EXPIRY, new] > inst_rules[I_EXPIRY, old]
    )
    mode = rules[K_INSTRUMENT]
    if mode == HEDGE_CARRY:
        return _LENGTHEN if longer and (x[X_LENGTHEN, a] > 0.0 or wanted_long(rules, asset, a)) else _SWITCH
    if longer and (mode == HEDGE_PERPETUAL or inst_rules[I_KIND, old] == _DATED):
        return _LENGTHEN
    return _ROLL


@compiled
def is_move(reason: float) -> bool:
    """Legs that move a short between two contracts: halves of one deed, which leave net exposure as it is."""
    return reason == _ROLL or reason == _SWITCH or reason == _LENGTHEN
