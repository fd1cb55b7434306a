"""Decisions beside that of a close: an operator ends every hedge, a day is past, somebody raises a flag."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import refresh_account
from hedgerow.kernel.arrays import (
    I_ASSET,
    L_KIND,
    L_REASON,
    L_STATUS,
    LEG_FUTURES,
    LEG_SPOT,
    P_UNITS,
    PENDING,
    S_DAY,
    SUPERSEDED,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.book import settle_marks
from hedgerow.kernel.decide import look_again, observe, plan_day
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.measure import free_coins
from hedgerow.kernel.pending import supersede
from hedgerow.kernel.record import log_refused
from hedgerow.kernel.step import INST, Tick
from hedgerow.model.plan import Reason

_CLOSE: Final = 0  # the first measure
_FLATTEN: Final = float(Reason.FLATTEN)
_FUND: Final = float(Reason.FUND_HEDGE)


@compiled
def flatten(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    """Covers first; then what is free, and what the covers free, at the last prices."""
    supersede(work, tick.log, tick.used)
    work.counts[0] = 0
    day = book.scalar[S_DAY]
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] < 0.0:
            a = int(rules.inst[I_ASSET, i])
            add_leg(
                work.legs, work.counts, i, a, LEG_FUTURES, -book.inst[P_UNITS, i], tick.before[i], tick.before[a], _FLATTEN,
                -1.0, np.nan, np.nan, day,
            )  # fmt: skip
    for a in range(book.asset.shape[1]):
        coins = free_coins(book.asset, a)
        if tick.bar[INST] == 1 and coins > 0.0 and tick.before[a] > 0.0:
            add_leg(
                work.legs, work.counts, a, a, LEG_SPOT, -coins, tick.before[a], tick.before[a], _FLATTEN, -1.0, np.nan, np.nan,
                day,
            )  # fmt: skip


@compiled
def observe_past(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    """Let the regime see the day of ``tick.signals``, as ``run.warm_up`` does: nothing else moves."""
    for i in range(tick.top.shape[0]):
        tick.top[i] = tick.signals[0, _CLOSE, i] if i < book.asset.shape[1] else np.nan
        tick.fresh[i] = 1 if tick.top[i] > 0.0 else 0
        tick.mark[i] = 0.0
    observe(rules, book, work, tick.signals[0], tick.top, tick.fresh, tick.mark, tick.hedge[0])


@compiled
def flag(rules: Rules, book: Book, work: Work, tick: Tick) -> None:
    """Decide the day of the last close again with the views of ``tick.signals``, at its prices: all of its plan, or (bar[INST] 0)
    the hedges and what funds them alone, since the rest of it is done or was refused.
    """
    supersede(work, tick.log, tick.used)
    given, kept = tick.signals.flat, work.measure.flat
    for n in range(tick.signals.size):
        kept[n] = given[n]
    settle_marks(rules.inst, book.asset, book.inst, tick.close)
    nav = look_again(rules, book, work, tick.close, tick.fresh, tick.funding, tick.hedge[0])
    plan_day(rules, book, work, tick.close, tick.fresh, tick.funding, tick.hedge[0], False, nav)
    if tick.bar[INST] == 0:
        for n in range(work.counts[0]):
            hedges = work.legs[n, L_KIND] == LEG_FUTURES or work.legs[n, L_REASON] == _FUND
            if work.legs[n, L_STATUS] == PENDING and not hedges:
                work.legs[n, L_STATUS] = SUPERSEDED
    refresh_account(rules, book, tick.close)
    log_refused(work, tick.log, tick.used)
