"""The one entrance: measure, regime, target, trigger, plan, guard, carry, in that order, for one completed bar."""

from __future__ import annotations

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.arrays import (
    B_WANTED,
    K_CROSS_RHO2,
    K_UNDERWEIGHTS,
    S_BUCKET,
    S_DAY,
    SLOT_DAYS,
    SLOTS,
    TURNOVER,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.benefit import cost_benefit
from hedgerow.kernel.carry import carry_stage
from hedgerow.kernel.deploy import buy_underweights
from hedgerow.kernel.futures import write_futures
from hedgerow.kernel.guard import guard_legs
from hedgerow.kernel.leg import note_limits, write_spot
from hedgerow.kernel.measure import measure_stage
from hedgerow.kernel.plan import hedge_or_trim, limit_trims, mark_moves, note_shortfalls
from hedgerow.kernel.regime import regime_stage
from hedgerow.kernel.roll import lengthen_stage
from hedgerow.kernel.route import H_ROUTE
from hedgerow.kernel.sleeve import tied_up
from hedgerow.kernel.spare import free_cash, withdraw_spare
from hedgerow.kernel.target import target_stage
from hedgerow.kernel.trigger import trigger_stage
from hedgerow.kernel.turnover import soft_budget
from hedgerow.model.market import Bytes, Floats, Ints


@compiled
def advance_day(scalar: Floats) -> None:
    """One more decision: the day counter, and the oldest slot of the turnover year is forgotten."""
    scalar[S_DAY] += 1.0
    slot = float(int(scalar[S_DAY] / SLOT_DAYS) % SLOTS)
    if slot != scalar[S_BUCKET]:
        scalar[S_BUCKET] = slot
        scalar[TURNOVER + int(slot)] = 0.0


@compiled
def observe(
    rules: Rules,
    book: Book,
    work: Work,
    signal: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
) -> float:
    """The first three stages: what is, in which regime, and how much hedge is wanted; returns net asset value.

    ``signal`` [M, A] is the day's panel row; ``price``, ``fresh``, ``funding`` [I] those of the close; ``hedge``
    [ROUTES, A] the contracts that may hedge each asset today (``kernel.route``).
    """
    work.counts[0] = 0
    work.counts[1] = 0
    given, kept = signal.flat, work.measure.flat
    for n in range(signal.size):
        kept[n] = given[n]
    advance_day(book.scalar)
    nav = measure_stage(
        rules.scalar, rules.asset, rules.inst, book.asset, book.inst, book.wallet, book.scalar, price, fresh, funding,
        hedge, work.measure, work.asset,
    )  # fmt: skip
    regime_stage(
        rules.scalar, rules.regime, rules.gate, rules.vote, book.votes, book.asset, book.scalar, book.left,
        work.measure,
        work.bits, hedge[H_ROUTE], work.asset,
    )  # fmt: skip
    target_stage(
        rules.scalar, rules.regime, rules.reinforce, rules.ladder, rules.gate, book.asset, book.scalar, book.until,
        work.measure,
        work.bits, work.asset,
    )  # fmt: skip
    return nav


@compiled
def look_again(
    rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, funding: Floats, hedge: Ints
) -> float:
    """``observe`` for a day that was decided already, whose measures in ``work`` have changed: no clock moves; returns net asset
    value.
    """
    work.counts[0] = 0
    work.counts[1] = 0
    nav = measure_stage(
        rules.scalar, rules.asset, rules.inst, book.asset, book.inst, book.wallet, book.scalar, price, fresh, funding,
        hedge, work.measure, work.asset,
    )  # fmt: skip
    target_stage(
        rules.scalar, rules.regime, rules.reinforce, rules.ladder, rules.gate, book.asset, book.scalar, book.until,
        work.measure,
        work.bits, work.asset,
    )  # fmt: skip
    for a in range(book.asset.shape[1]):  # the days that a hedge was wanted are counted once a day
        book.asset[B_WANTED, a] = max(0.0, book.asset[B_WANTED, a] - 1.0)
    return nav


@compiled
def write_legs(rules: Rules, book: Book, work: Work, price: Floats, hedge: Ints) -> None:
    """The plan as legs: covers, sales, shorts, purchases."""
    legs, count, x, measure = work.legs, work.counts, work.asset, work.measure
    rho2, day = rules.scalar[K_CROSS_RHO2], book.scalar[S_DAY]
    write_futures(rules.scalar, book.asset, book.inst, rules.inst, measure, price, hedge, x, legs, count, day, True)
    write_spot(rules.trim, book.trims, book.asset, x, measure, rho2, legs, count, day, True)
    write_futures(rules.scalar, book.asset, book.inst, rules.inst, measure, price, hedge, x, legs, count, day, False)
    write_spot(rules.trim, book.trims, book.asset, x, measure, rho2, legs, count, day, False)


@entrance
def decide(
    rules: Rules,
    book: Book,
    work: Work,
    signal: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    due: bool,
) -> float:
    """Decide on one completed bar: the plan is ``work.legs[:work.counts[0]]``; returns net asset value.

    ``funding`` [I] is nan where a contract's funding is unknown; ``due`` says that the calendar asks for a rebalance.
    """
    nav = observe(rules, book, work, signal, price, fresh, funding, hedge)
    plan_day(rules, book, work, price, fresh, funding, hedge, due, nav)
    return nav


@compiled
def plan_day(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    due: bool,
    nav: float,
) -> None:
    """The stages after ``observe``: what is to be traded, as legs."""
    day = book.scalar[S_DAY]
    legs = work.legs
    count = work.counts
    x = work.asset
    if not nav > 0.0:
        return
    lengthen_stage(
        rules.scalar, rules.inst, work.measure, book.asset, book.inst, price, fresh, funding, hedge, x, legs, count, day
    )  # fmt: skip
    cash = free_cash(rules, book, price, fresh, nav)
    cash += tied_up(book.asset, book.inst, price)  # what the plan needs the carry sleeve gives back
    rebalanced = trigger_stage(
        rules.scalar, rules.regime, rules.trim, rules.trim_asset, rules.gate, rules.inst, book.asset, book.scalar,
        book.trims,
        work.measure, work.bits, x, legs, count, nav, cash, due,
    )  # fmt: skip
    soft_budget(rules.scalar, book.scalar, x, rules.trim.shape[0], legs, count, day)
    hedge_or_trim(rules.scalar, rules.trim, rules.inst, book.asset, work.measure, x, cash)
    limit_trims(rules.scalar, book.asset, x, nav, legs, count, day)
    if rules.scalar[K_UNDERWEIGHTS] == 1.0 and not rebalanced:
        buy_underweights(rules.scalar, book.asset, x, nav)
    mark_moves(rules.scalar, rules.inst, book.asset, book.inst, work.measure, hedge, x, count)
    note_limits(rules.scalar, x, legs, count, day)
    rows = rules.trim.shape[0]
    cost_benefit(rules.scalar, rules.inst, book.asset, work.measure, x, nav, rows, legs, count, day)
    note_shortfalls(rules.scalar, book.asset, book.scalar, x, nav, legs, count, day)
    first = count[0]
    write_legs(rules, book, work, price, hedge)
    guard_legs(
        rules.scalar,
        rules.inst,
        book.inst,
        book.scalar,
        work.measure,
        x,
        price,
        fresh,
        funding,
        nav,
        first,
        legs,
        count,
        day,
    )
    carry_stage(rules, book, work, price, fresh, funding, nav, day)
    withdraw_spare(rules, book, price, fresh, nav, legs, count, day)
