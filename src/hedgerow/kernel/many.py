"""Many portfolios on one day of one market: each is held, decided and rehearsed as ``decide_once`` and ``rehearse`` do it.

Portfolios of the same assets share everything but what they hold and aim at: the market, its signals, and the book that
has watched them. Each begins from a copy of that book, so no portfolio knows of another.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.account import refresh_account
from hedgerow.kernel.arrays import (
    A_TARGET,
    B_AGE,
    B_STATE,
    K_STABLE,
    LEG,
    P_COLLATERAL,
    S_NOW,
    W_CASH,
    X_PRICE,
    X_SHORT,
    X_VALUE,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.holding import SOUND, WORTHLESS, Z_CODE, hold
from hedgerow.kernel.run import decide_once, rehearse
from hedgerow.kernel.sleeve import tied_up
from hedgerow.model.market import Bytes, Floats, Ints

# ---- totals[N, 2 TOTAL]: quote, at the decision, and again after the plan ----------------------------------------------
M_VALUE, M_CASH, M_CARRY, M_SPOT, M_SHORT = range(5)
TOTAL: Final = 5
# ---- spans[N, :]: rows of ``rows`` ------------------------------------------------------------------------------------
N_FIRST, N_FILLS, N_END = range(3)  # the plan's legs; what its rehearsal filled and left out, from N_FILLS; the end
SPAN: Final = 3
# ---- stands[N, :, A] --------------------------------------------------------------------------------------------------
N_STATE, N_AGE = range(2)  # regime row; decisions in it
STAND: Final = 2


@compiled
def take_totals(book: Book, work: Work, price: Floats, nav: float, out: Floats) -> None:
    """What a book is worth and where, into ``out`` [TOTAL]."""
    spot = 0.0
    short = 0.0
    for a in range(work.asset.shape[1]):
        if work.asset[X_PRICE, a] > 0.0:
            spot += work.asset[X_VALUE, a]
            short += work.asset[X_SHORT, a] * work.asset[X_PRICE, a]
    out[M_VALUE] = nav
    out[M_CASH] = book.wallet[W_CASH, 0]
    out[M_CARRY] = tied_up(book.asset, book.inst, price)
    out[M_SPOT] = spot
    out[M_SHORT] = short


@compiled
def _copy(source: Floats, target: Floats) -> None:
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]


@compiled
def _restore(seen: Book, scratch: Work, book: Book, work: Work) -> None:
    """Make ``book`` and ``work`` what the days before left."""
    _copy(seen.asset, book.asset)
    _copy(seen.inst, book.inst)
    _copy(seen.wallet, book.wallet)
    for i in range(seen.scalar.shape[0]):
        book.scalar[i] = seen.scalar[i]
    for i in range(seen.votes.shape[0]):
        _copy(seen.votes[i], book.votes[i])
    _copy(seen.left, book.left)
    for i in range(seen.trims.shape[0]):
        _copy(seen.trims[i], book.trims[i])
    _copy(seen.until, book.until)
    _copy(scratch.measure, work.measure)
    _copy(scratch.asset, work.asset)
    for i in range(scratch.bits.shape[0]):
        for j in range(scratch.bits.shape[1]):
            work.bits[i, j] = scratch.bits[i, j]
    for i in range(scratch.counts.shape[0]):
        work.counts[i] = scratch.counts[i]


@compiled
def _aim(rules: Rules, aim: Floats) -> None:
    """Write the target weights, and behind them the stable reserve."""
    assets = rules.asset.shape[1]
    for a in range(assets):
        rules.asset[A_TARGET, a] = aim[a]
    rules.scalar[K_STABLE] = aim[assets]


@compiled
def _take_stand(book: Book, stand: Floats, collateral: Floats) -> None:
    """The regime of each asset into ``stand`` [STAND, A], and the collateral of each contract [I] before the plan."""
    for a in range(book.asset.shape[1]):
        stand[N_STATE, a] = book.asset[B_STATE, a]
        stand[N_AGE, a] = book.asset[B_AGE, a]
    for i in range(book.inst.shape[1]):
        collateral[i] = book.inst[P_COLLATERAL, i]


@compiled
def _append(source: Floats, count: int, target: Floats, row: int) -> int:
    """Copy the first ``count`` rows to ``target`` from ``row`` on; returns the row after them."""
    for i in range(count):
        for j in range(source.shape[1]):
            target[row + i, j] = source[i, j]
    return row + count


@entrance
def decide_many(
    rules: Rules,
    seen: Book,
    scratch: Work,
    book: Book,
    work: Work,
    signal: Floats,
    price: Floats,
    fresh: Bytes,
    funding: Floats,
    hedge: Ints,
    now: float,
    aims: Floats,
    heads: Floats,
    held: Floats,
    positions: Floats,
    firsts: Ints,
    start: int,
    faults: Floats,
    totals: Floats,
    stands: Floats,
    collateral: Floats,
    spans: Ints,
    rows: Floats,
) -> int:
    """Decide for the portfolios from ``start`` on while ``rows`` has room; returns how many are done.

    ``seen`` and ``scratch`` are what ``warm_up`` left; ``rules``, ``book`` and ``work`` are written into. ``signal``, ``price``,
    ``fresh``, ``funding`` and ``hedge`` as ``decide`` takes them, ``now`` ns since the epoch. Of each portfolio: ``aims``
    [N, A + 1] target weights and the stable reserve, ``heads`` [N, HEAD], ``held`` [N, HELD, A], ``positions`` [P, POSITION] from
    ``firsts[n]`` to ``firsts[n + 1]`` (``kernel.holding``). Results: ``faults`` [N, FAULT], ``totals`` [N, 2 TOTAL], ``stands``
    [N, STAND, A], ``collateral`` [N, I] before the plan, ``spans`` [N, SPAN], ``rows`` [R, LEG] with R at least twice the legs of one
    plan.
    """
    log = np.zeros((work.legs.shape[0], LEG))
    used = np.zeros(1, np.int64)
    row = 0
    for n in range(start, heads.shape[0]):
        if row + 2 * work.legs.shape[0] > rows.shape[0]:
            return n
        _aim(rules, aims[n])
        _restore(seen, scratch, book, work)
        for i in range(SPAN):
            spans[n, i] = row
        hold(rules, book, price, heads[n], held[n], positions[firsts[n] :], firsts[n + 1] - firsts[n], faults[n])
        if faults[n, Z_CODE] != SOUND:
            continue
        book.scalar[S_NOW] = now
        nav = decide_once(rules, book, work, signal, price, fresh, funding, hedge, False)
        if not nav > 0.0:
            faults[n, Z_CODE] = WORTHLESS
            continue
        take_totals(book, work, price, nav, totals[n, :TOTAL])
        _take_stand(book, stands[n], collateral[n])
        row = _append(work.legs, work.counts[0], rows, row)
        spans[n, N_FILLS] = row
        used[0] = 0
        nav = rehearse(rules, book, work, price, fresh, hedge, log, used)
        refresh_account(rules, book, price)
        take_totals(book, work, price, nav, totals[n, TOTAL:])
        row = _append(log, min(used[0], log.shape[0]), rows, row)
        spans[n, N_END] = row
    return heads.shape[0]
