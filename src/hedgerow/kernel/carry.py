"""Stage 7, carry: idle stablecoins in a delta-neutral pair, long spot and short futures, while it earns more than a
hurdle (domain 2A-18, R-003, R-064).

The sleeve is junior to everything: the plan is made as if its money were free, and what the plan then leaves is all
that the sleeve may keep. Carry is of the short's notional, a year; its yield is of what the pair ties up, the coins and
as much collateral.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    A_CARRY,
    B_CARRY,
    B_CARRY_DAY,
    B_CARRY_LEFT,
    C_CAP,
    C_COOLDOWN,
    C_EACH,
    C_ENTER,
    C_HOLD,
    C_LEAVE,
    C_ROLL,
    I_EXPIRY,
    I_LOT,
    I_MIN_NOTIONAL,
    K_ALLOW_ILLIQUID,
    K_DEPEG,
    K_MIN_LEG,
    K_RESERVE,
    K_SOFT,
    K_TRANCHE,
    K_TRANCHES,
    L_SLEEVE,
    LEG_FUTURES,
    LEG_SPOT,
    NEAR_TOP,
    S_DEPLOY_DAY,
    S_NOW,
    S_TRANCHE_BASE,
    S_TRANCHES,
    X_ALIVE,
    X_MOVE,
    X_NEED,
    X_PAIR,
    X_PAIR_GROSS,
    X_PAIR_NET,
    X_PAIR_NEW,
    X_PRICE,
    X_SHORT_NEW,
    X_SPOT_NEW,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.fill import bears, turnover_of
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.hurdle import contract_for, gross_carry, net_carry
from hedgerow.kernel.ladder import rung_at
from hedgerow.kernel.leg import add_leg, add_refusal
from hedgerow.kernel.route import days_left, no_add
from hedgerow.kernel.sleeve import balance, pair_contract, pair_short, unpaired, write_leave
from hedgerow.kernel.spare import cash_for, free_cash
from hedgerow.kernel.turnover import yearly_turnover
from hedgerow.model.market import Bytes, Floats
from hedgerow.model.measure import INDEX
from hedgerow.model.plan import Reason, Refusal

_ENTER: Final = float(Reason.CARRY_ENTER)
_LEAVE: Final = float(Reason.CARRY_LEAVE)
_FLIP: Final = float(Reason.CARRY_FLIP)
_END: Final = float(Reason.CARRY_END)
_ROOM: Final = float(Reason.CARRY_ROOM)
_LOOSE: Final = float(Reason.CARRY_LOOSE)
_DEPEG: Final = float(Refusal.DEPEG)
_ILLIQUID: Final = float(Refusal.LIQUIDITY_UNKNOWN)
_TURNOVER: Final = float(Refusal.TURNOVER)
_UNFUNDED: Final = float(Refusal.FUNDING_UNKNOWN)
_FAILURE: Final = INDEX["venue_failure"]
_LAST: Final = INDEX["funding3"]
_BEFORE: Final = INDEX["funding7_lag3"]
_QUOTE: Final = INDEX["quote_usd"]
_FLIPPED: Final = -0.5e-4  # a payment, mean of the last three: funding has turned negative (2.8)
_WORTH: Final = 0.25  # of the wanted pair: less is not added to one that stands
_GAP: Final = 0.01  # of the price: kept back for the next open
_TINY: Final = 1e-12


@compiled
def carry_stage(
    rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, funding: Floats, nav: float, day: float
) -> None:
    """Leave, cut and enter pairs, behind the plan's legs and past the same guard."""
    held = 0.0
    for a in range(book.asset.shape[1]):
        held += book.asset[B_CARRY, a]
    if rules.carry[C_CAP] <= 0.0 and held <= 0.0:
        return
    first = work.counts[0]
    pegged = not work.measure[_QUOTE, 0] < rules.scalar[K_DEPEG]
    for a in range(book.asset.shape[1]):
        _forget_dust(rules, book, price, a)
        _look(rules, book, work, price, nav, a)
        _leave(rules, book, work, price, a, pegged, day)
    room = idle(rules, book, work, nav, day)
    if pegged:
        _cut(rules, book, work, price, nav, room, day)
    _enter(rules, book, work, price, fresh, funding, nav, room, pegged, day)
    guard_legs(
        rules.scalar, rules.inst, book.inst, book.scalar, work.measure, work.asset, price, fresh, funding, nav, first,
        work.legs, work.counts, day,
    )  # fmt: skip
    balance(book.asset, book.inst, rules.inst, work.legs, first, work.counts[0])


@compiled
def idle(rules: Rules, book: Book, work: Work, nav: float, day: float) -> float:
    """Quote that the sleeve may tie up: stablecoins, its own included, less what the plan's holdings, the collateral
    and reserve of its hedges, and tranches of deployment that are due need; a reserve for the sleeve's own short, too.
    """
    x = work.asset
    room = nav
    for a in range(x.shape[1]):
        if x[X_PRICE, a] > 0.0:
            room -= x[X_SPOT_NEW, a] * x[X_PRICE, a]
            room -= x[X_NEED, a] * x[X_SHORT_NEW, a] * x[X_PRICE, a]
    if book.scalar[S_DEPLOY_DAY] == day:
        left = max(0.0, rules.scalar[K_TRANCHES] - book.scalar[S_TRANCHES])
        room -= left * rules.scalar[K_TRANCHE] * book.scalar[S_TRANCHE_BASE]
    return max(0.0, room) * 2.0 / (2.0 + rules.scalar[K_RESERVE])


@compiled
def _forget_dust(rules: Rules, book: Book, price: Floats, a: int) -> None:
    """Coins of a pair that was closed and that no order can sell fall to the holdings."""
    coins = book.asset[B_CARRY, a]
    if coins <= 0.0 or pair_short(book.inst, rules.inst, a) > 0.0:
        return
    if coins <= rules.inst[I_LOT, a] or coins * price[a] < rules.inst[I_MIN_NOTIONAL, a]:
        book.asset[B_CARRY, a] = 0.0


@compiled
def _look(rules: Rules, book: Book, work: Work, price: Floats, nav: float, a: int) -> None:
    """The pair that stands, and what one would earn: by its own contract, else by the one that it would use."""
    x = work.asset
    x[X_PAIR, a] = pair_short(book.inst, rules.inst, a)
    x[X_PAIR_NEW, a] = x[X_PAIR, a]
    x[X_PAIR_GROSS, a] = np.nan
    x[X_PAIR_NET, a] = np.nan
    i = pair_contract(book.inst, rules.inst, a)
    if i < 0:
        i = contract_for(rules, book, price, a)
    if i >= 0:
        x[X_PAIR_GROSS, a] = gross_carry(rules, book, work.measure, price, i)
        each = 0.5 * min(rules.carry[C_EACH], rules.carry[C_CAP]) * nav
        x[X_PAIR_NET, a] = net_carry(rules, book, work.measure, price, i, each)


@compiled
def _leave(rules: Rules, book: Book, work: Work, price: Floats, a: int, pegged: bool, day: float) -> None:
    """Close the pair whose carry, contract or venue no longer holds; sell coins that lost their short."""
    if book.asset[B_CARRY, a] <= 0.0:
        return
    x, measure = work.asset, work.measure
    reason = _why_left(rules, book, measure, x, a, day)
    measured = x[X_PAIR_GROSS, a]
    limit = rules.carry[C_LEAVE]
    units = x[X_PAIR, a]
    if reason == 0.0:
        loose = unpaired(book.asset, book.inst, rules.inst, a)
        least = max(rules.inst[I_MIN_NOTIONAL, a], rules.inst[I_LOT, a] * price[a], _TINY * units * price[a])
        if loose * price[a] <= least:
            return
        reason = _LOOSE
        units = 0.0
    if not pegged and reason != _END:
        quote = measure[_QUOTE, 0]
        n = add_refusal(
            work.legs, work.counts, a, a, LEG_SPOT, -book.asset[B_CARRY, a], price[a], reason, -1.0, _DEPEG, quote,
            rules.scalar[K_DEPEG], day,
        )  # fmt: skip
        if n >= 0:
            work.legs[n, L_SLEEVE] = 1.0
        return
    write_leave(
        book.asset, book.inst, rules.inst, price, a, units, reason, measured, limit, work.legs, work.counts, day
    )
    x[X_PAIR_NEW, a] = x[X_PAIR, a] - units


@compiled
def _why_left(rules: Rules, book: Book, measure: Floats, x: Floats, a: int, day: float) -> float:
    """The reason to close the pair of asset ``a``; 0: none. An unknown carry is no reason."""
    i = pair_contract(book.inst, rules.inst, a)
    if i < 0:
        return _LOOSE
    ends = days_left(rules.inst, i, book.scalar[S_NOW]) <= rules.carry[C_ROLL]
    if rules.carry[C_CAP] <= 0.0 or rules.asset[A_CARRY, a] == 0.0 or measure[_FAILURE, a] == 1.0 or ends:
        return _END
    perpetual = rules.inst[I_EXPIRY, i] == np.inf
    if perpetual and measure[_LAST, a] < _FLIPPED and measure[_BEFORE, a] > 0.0:
        return _FLIP
    if x[X_PAIR_GROSS, a] < rules.carry[C_LEAVE] and day - book.asset[B_CARRY_DAY, a] >= rules.carry[C_HOLD]:
        return _LEAVE
    return 0.0


@compiled
def _value(rules: Rules, book: Book, price: Floats, x: Floats, a: int) -> float:
    """Quote that the pair of asset ``a`` ties up after the plan."""
    i = pair_contract(book.inst, rules.inst, a)
    return x[X_PAIR_NEW, a] * (price[a] + price[i]) if i >= 0 and x[X_PAIR_NEW, a] > 0.0 else 0.0


@compiled
def _cut(rules: Rules, book: Book, work: Work, price: Floats, nav: float, room: float, day: float) -> None:
    """Cut pairs to their caps, and all of them to the money that the plan leaves."""
    x = work.asset
    least = max(rules.scalar[K_MIN_LEG], 1e-9) * nav
    total = 0.0
    for a in range(x.shape[1]):
        total += min(_value(rules, book, price, x, a), rules.carry[C_EACH] * nav)
    limit = min(rules.carry[C_CAP] * nav, room)
    share = limit / total if total - limit > least else 1.0
    for a in range(x.shape[1]):
        value = _value(rules, book, price, x, a)
        kept = share * min(value, rules.carry[C_EACH] * nav)
        if value - kept <= 0.0 or (share == 1.0 and value - kept <= least):
            continue
        units = x[X_PAIR_NEW, a] * (1.0 - kept / value)
        write_leave(
            book.asset, book.inst, rules.inst, price, a, units, _ROOM, value / nav, kept / nav, work.legs, work.counts,
            day,
        )  # fmt: skip
        x[X_PAIR_NEW, a] -= units


@compiled
def _may_enter(rules: Rules, book: Book, work: Work, fresh: Bytes, i: int, a: int, day: float) -> bool:
    """Whether a pair may be opened on asset ``a`` today at all; the plan does not trade it, and it is not leaving."""
    x = work.asset
    if i < 0 or rules.asset[A_CARRY, a] == 0.0 or x[X_MOVE, a] == 1.0 or x[X_PAIR_NEW, a] < x[X_PAIR, a]:
        return False
    if x[X_ALIVE, a] != 1.0 or fresh[i] != 1 or work.measure[_FAILURE, a] == 1.0:
        return False
    if work.measure[_LAST, a] < _FLIPPED and rules.inst[I_EXPIRY, i] == np.inf:
        return False
    if unpaired(book.asset, book.inst, rules.inst, a) > rules.inst[I_LOT, a] + _TINY * book.asset[B_CARRY, a]:
        return False
    return day - book.asset[B_CARRY_LEFT, a] >= rules.carry[C_COOLDOWN]


@compiled
def _enter(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    nav: float,
    room: float,
    pegged: bool,
    day: float,
) -> None:
    """Open pairs where the net carry is at or above the hurdle, the best first, within caps, room and cash."""
    x = work.asset
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if rung_at(rules, book, i, price) >= NEAR_TOP:
            return  # a short is near its margin call: nothing is added anywhere
    left = min(rules.carry[C_CAP] * nav, room)
    for a in range(x.shape[1]):
        left -= _value(rules, book, price, x, a)
    cash = free_cash(rules, book, price, fresh, nav) - cash_for(rules, price, work.legs, work.counts, False)
    cash /= 1.0 + _GAP  # what no leg of the plan needs; what its sales bring is not counted
    net = np.inf
    a = -1
    for _ in range(x.shape[1]):
        a = _next(rules, x, net, a)
        if a < 0:
            return
        net = x[X_PAIR_NET, a]
        i = pair_contract(book.inst, rules.inst, a)
        if i < 0:
            i = contract_for(rules, book, price, a)
        if _may_enter(rules, book, work, fresh, i, a, day):
            money = min(left, cash, rules.carry[C_EACH] * nav - _value(rules, book, price, x, a))
            spent = _open(rules, book, work, price, fresh, funding, nav, money, i, a, pegged, day)
            left -= spent
            cash -= spent


@compiled
def _next(rules: Rules, x: Floats, net: float, last: int) -> int:
    """The asset with the greatest net carry behind ``last``, whose own is ``net``; -1: none reaches the hurdle."""
    found = -1
    for a in range(x.shape[1]):
        here = x[X_PAIR_NET, a]
        behind = here < net or (here == net and a > last)
        if here >= rules.carry[C_ENTER] - _TINY and behind and (found < 0 or here > x[X_PAIR_NET, found]):
            found = a
    return found


@compiled
def _refused_for(
    rules: Rules, book: Book, measure: Floats, fresh: Bytes, funding: Floats, i: int, a: int, pegged: bool
) -> tuple[float, float, float]:
    """(refusal, measured, threshold) of a pair that the hurdle lets in and a guard does not; 0: none."""
    if not pegged:
        return _DEPEG, measure[_QUOTE, 0], rules.scalar[K_DEPEG]
    turnover = yearly_turnover(book.scalar)
    if turnover >= rules.scalar[K_SOFT]:
        return _TURNOVER, turnover, rules.scalar[K_SOFT]
    if rules.scalar[K_ALLOW_ILLIQUID] == 0.0 and not turnover_of(rules.inst, measure, a) > 0.0:
        return _ILLIQUID, np.nan, np.nan
    return no_add(rules.scalar, rules.inst, measure, fresh, funding, i), np.nan, np.nan


@compiled
def _open(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    nav: float,
    money: float,
    i: int,
    a: int,
    pegged: bool,
    day: float,
) -> float:
    """Write the two legs that tie ``money`` up, as far as both markets bear them; returns what they tie up."""
    x, legs, count = work.asset, work.legs, work.counts
    each = price[a] + price[i]
    most = min(
        bears(rules.scalar, rules.inst, work.measure, a) / price[a],
        bears(rules.scalar, rules.inst, work.measure, i) / price[i],
    )
    units = min(money / each, most)
    if units <= 0.0 or units < _WORTH * min(x[X_PAIR, a], most):
        return 0.0
    for one in (i, a):
        lot = rules.inst[I_LOT, one]
        if lot > 0.0:
            units = np.floor(units / lot * (1.0 + _TINY)) * lot
    least = max(rules.scalar[K_MIN_LEG] * nav, rules.inst[I_MIN_NOTIONAL, a], rules.inst[I_MIN_NOTIONAL, i])
    if units * price[a] < least or units <= 0.0:
        return 0.0
    net, hurdle = x[X_PAIR_NET, a], rules.carry[C_ENTER]
    code, measured, limit = _refused_for(rules, book, work.measure, fresh, funding, i, a, pegged)
    if code != 0.0:
        n = add_refusal(legs, count, i, a, LEG_FUTURES, -units, price[i], _ENTER, -1.0, code, measured, limit, day)
        if n >= 0:
            legs[n, L_SLEEVE] = 1.0
        return 0.0
    n = add_leg(legs, count, a, a, LEG_SPOT, units, price[a], price[a], _ENTER, -1.0, net, hurdle, day)
    m = add_leg(legs, count, i, a, LEG_FUTURES, -units, price[i], price[a], _ENTER, -1.0, net, hurdle, day)
    if n >= 0:
        legs[n, L_SLEEVE] = 1.0
    if m >= 0:
        legs[m, L_SLEEVE] = 1.0
    x[X_PAIR_NEW, a] += units
    return units * each
