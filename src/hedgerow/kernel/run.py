"""The compiled backtest: mark and test on every bar, decide on completed days, fill at the next open (domain 2.1).

Order within a bar: funding on the position held, expiry, fills at the open, liquidation at the high, marks at the
close, then (on a completed day) the decision, else the margin ladder.
"""

from __future__ import annotations

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.account import refresh_account
from hedgerow.kernel.arrays import (
    BAR_GAPS,
    BAR_PAYS,
    ISOLATED,
    K_MODE,
    P_UNITS,
    S_FUTURES_TRADED,
    S_NAV,
    S_NOW,
    S_SPOT_TRADED,
    Bars,
    Book,
    Rules,
    Work,
)  # fmt: skip
from hedgerow.kernel.book import settle_marks
from hedgerow.kernel.clock import (
    act_on_margin,
    at_the_high,
    at_the_open,
    settle_delisted,
)
from hedgerow.kernel.decide import decide, observe
from hedgerow.kernel.deleverage import deleverage
from hedgerow.kernel.margin import refresh_margin
from hedgerow.kernel.measure import measure_stage
from hedgerow.kernel.pending import fill_pending, supersede
from hedgerow.kernel.record import log_refused, record_day
from hedgerow.kernel.watch import estimate_marks, remember_marks, watch_margin, watch_stretch
from hedgerow.model.market import Bytes, Floats, Ints


@entrance
def decide_once(
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
    """``decide`` for a book that no run has watched: the margin ladder looks too; returns net asset value."""
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        refresh_margin(rules, book.inst, i)
    nav = decide(rules, book, work, signal, price, fresh, funding, hedge, due)
    book.scalar[S_NAV] = nav
    refresh_account(rules, book, price)
    if nav > 0.0 and watch_margin(rules, book, price, price, fresh, np.zeros(3)):
        act_on_margin(rules, book, work, price, fresh, funding)
    return nav


@entrance
def warm_up(rules: Rules, book: Book, work: Work, signals: Floats, price: Floats, fresh: Bytes, hedge: Ints) -> None:
    """Let the regime see the days before the start: only what advances on a decision moves; nothing is traded."""
    close = 0
    unknown = np.zeros(price.shape[0])
    for d in range(signals.shape[0]):
        for a in range(signals.shape[2]):
            price[a] = signals[d, close, a]
            fresh[a] = 1 if price[a] > 0.0 else 0
        observe(rules, book, work, signals[d], price, fresh, unknown, hedge[d])


@compiled
def whole_bar(
    rules: Rules,
    book: Book,
    work: Work,
    t: int,
    now: int,
    before: Floats,
    opened: Floats,
    high: Floats,
    close: Floats,
    fresh: Bytes,
    funding: Floats,
    deleveraged: float,
    waiting: int,
    mark: Floats,
    top: Floats,
    last: Floats,
    worst: Floats,
    log: Floats,
    used: Ints,
) -> tuple[int, bool]:
    """Fills, liquidation, auto-deleveraging, settlement and the margin watch of bar ``t``, which opened at ``now``; returns
    how many legs still wait, and whether a short passed its alarm price. ``before`` [I] are the closes of the bar before;
    ``mark`` gets this close's marks, ``top`` is scratch, ``last`` and ``worst`` are kept from bar to bar.
    """
    if t > 0:
        if waiting > 0:
            at_the_high(
                rules, book, work, opened, high, opened, fresh, last, before, top, t, log, used, worst
            )  # a gap liquidates before anything fills
            waiting = fill_pending(rules, book, work, opened, before, mark, t, log, used)
        at_the_high(rules, book, work, high, high, opened, fresh, last, before, top, t, log, used, worst)
        if deleveraged > 0.0:
            waiting += deleverage(rules, book, work, deleveraged, opened, fresh, funding, t, log, used)
    remember_marks(rules, book, close, fresh, now, last)
    settle_delisted(rules, book, work, now, close, fresh, t, log, used)
    estimate_marks(rules, book, close, fresh, last, mark)
    return waiting, watch_margin(rules, book, mark, high, fresh, worst)


@compiled
def at_the_close(
    rules: Rules,
    book: Book,
    work: Work,
    price: Floats,
    mark: Floats,
    fresh: Bytes,
    funding: Floats,
    d: int,
    signals: Floats,
    hedge: Ints,
    due: Bytes,
    alarm: bool,
    waiting: int,
    worst: Floats,
    traded: Floats,
    day_out: Floats,
    asset_out: Floats,
    bits_out: Ints,
    log: Floats,
    used: Ints,
) -> int:
    """The decision of day ``d`` where one completes, and the margin ladder after an alarm; returns how many legs wait."""
    if d >= 0:
        supersede(work, log, used)
        settle_marks(rules.inst, book.asset, book.inst, price)
        nav = decide(rules, book, work, signals[d], price, fresh, funding, hedge[d], due[d] == 1)
        refresh_account(rules, book, price)
        record_day(rules, book, work, price, nav, d, worst, traded, day_out, asset_out, bits_out)
    if alarm:
        if d < 0 and waiting == 0:
            supersede(work, log, used)
            work.counts[0] = 0
        act_on_margin(rules, book, work, mark, fresh, funding)
    return log_refused(work, log, used)


@entrance
def run(
    rules: Rules,
    book: Book,
    work: Work,
    bars: Bars,
    signals: Floats,
    hedge: Ints,
    due: Bytes,
    day_out: Floats,
    asset_out: Floats,
    bits_out: Ints,
    log: Floats,
    used: Ints,
) -> None:
    """Run a book through the T bars and D days of a market.

    ``signals`` [D, M, A], ``hedge`` [D, ROUTES, A], ``due`` [D]. Results: ``day_out`` [D, OUT_DAY], ``asset_out``
    [D, OUT_ASSET, A], ``bits_out`` [D, 2, A], ``log`` of legs and ``used`` [1], how many legs there were.
    """
    bars_n, instruments = bars.close.shape
    waiting = 0
    worst = np.zeros(3)
    worst[1] = np.inf
    traded = book.scalar[S_SPOT_TRADED : S_FUTURES_TRADED + 1].copy()
    mark, top = np.zeros(instruments), np.zeros(instruments)
    last = np.full((2, instruments), np.nan)
    stretching = rules.scalar[K_MODE] == ISOLATED
    for i in range(instruments):  # of a contract that has no bar yet stretches say nothing
        stretching = stretching and (book.inst[P_UNITS, i] == 0.0 or bars.fresh[0, i] == 1)
    behind = False  # whether ``remember_marks`` is left to do for the bar before
    t = 0
    while t < bars_n:
        book.scalar[S_NOW] = float(bars.open_ns[t])
        s = bars.stretch[t]
        if t > 0 and bars.asks[t] & BAR_PAYS != 0:
            at_the_open(rules, book, work, bars.open_ns[t], bars.paid[s, 1], bars.paid[s, 0], t, log, used)
        alarm = False
        plain = stretching and s >= 0 and waiting == 0 and bars.asks[t] & BAR_GAPS == 0
        if plain and watch_stretch(rules, book, bars.tops[s], worst):
            t, behind = bars.until[s], True
            book.scalar[S_NOW] = float(bars.open_ns[t])
        else:
            if behind:
                remember_marks(rules, book, bars.close[t - 1], bars.fresh[t - 1], bars.open_ns[t - 1], last)
                behind = False
            waiting, alarm = whole_bar(
                rules, book, work, t, bars.open_ns[t], bars.close[max(t - 1, 0)], bars.open[t], bars.high[t],
                bars.close[t], bars.fresh[t], bars.funding[t], bars.deleveraged[t], waiting, mark, top, last, worst, log,
                used,
            )  # fmt: skip
        if bars.day[t] >= 0 or alarm:
            waiting = at_the_close(
                rules, book, work, bars.close[t], mark, bars.fresh[t], bars.funding[t], bars.day[t], signals, hedge, due,
                alarm, waiting, worst, traded, day_out, asset_out, bits_out, log, used,
            )  # fmt: skip
        t += 1
    if behind:
        remember_marks(rules, book, bars.close[t - 1], bars.fresh[t - 1], bars.open_ns[t - 1], last)


@entrance
def rehearse(
    rules: Rules, book: Book, work: Work, price: Floats, fresh: Bytes, hedge: Ints, log: Floats, used: Ints
) -> float:
    """Fill a plan's pending legs at the prices of its decision, costs included, and measure the book again.

    ``book`` and ``work`` are changed: hand over copies. Returns net asset value after the plan.
    """
    mark = np.zeros(price.shape[0])
    fill_pending(rules, book, work, price, price, mark, 0, log, used)
    return measure_stage(
        rules.scalar, rules.asset, rules.inst, book.asset, book.inst, book.wallet, book.scalar, price, fresh,
        np.zeros(price.shape[0]), hedge, work.measure, work.asset,
    )  # fmt: skip
