"""One bar of a run, for an engine that lives with the market: the parts of ``run``, called from Python on blocks that stay.

    desk = step.desk(rules, book, measures, log_rows)
    desk.tick.close[:], desk.tick.fresh[:] = ..., ...    what the bar brings, written in place
    desk.tick.bar[step.NOW] = open_ns
    step.step(*desk.blocks)                              desk.work.legs[: desk.work.counts[0]] is the plan

A call from Python takes some 0.15 us to hand over an array, and there are fifty: more than the bar itself takes. So all of
them lie in three blocks, one a type, and ``rules``, ``book``, ``work`` and ``tick`` are views into these on both sides.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.arrays import LEG, S_FUTURES_TRADED, S_NOW, S_SPOT_TRADED, Book, Rules, Work
from hedgerow.kernel.blocks import new_work
from hedgerow.kernel.clock import at_the_open
from hedgerow.kernel.columns import OUT_ASSET, OUT_DAY
from hedgerow.kernel.route import ROUTES
from hedgerow.kernel.run import at_the_close, whole_bar
from hedgerow.model.market import Bytes, Floats, Ints

# tick.bar: number of the bar from 0, when it opened (ns), 0 where it completes a day and -1 where not, legs that wait; of
# ``turn``: place in the plan, leg, instrument, the first leg of a hedge to be opened again (-1: none)
T, NOW, DAY, WAITING, PLACE, LEG_AT, INST, REOPENED = range(8)
BAR: Final = 8
# tick.deed: coins (or collateral), price, fee, asset that pays it (-1: quote), cash before a leg,
# the market's price
UNITS, PRICE, CHARGE, PAID_IN, CASH_BEFORE, MARKET = range(6)
DEED: Final = 6
DIMENSIONS: Final = 3


class Tick(NamedTuple):
    """What a bar brings, what is kept between bars, and what a bar leaves. I instruments, A assets, M measures.

    To be written before each bar: ``open``, ``high``, ``close``, ``funding``, ``fresh`` [I] and ``bar[NOW]``, ``bar[DAY]``; where it
    completes a day also ``signals`` [1, M, A], ``hedge`` [1, ROUTES, A], ``due`` [1]. Whoever reads the log sets ``used`` to 0.
    """

    before: Floats  # [I] the closes of the bar before
    open: Floats
    high: Floats  # as liquidation is judged by (research.bars.marked_highs)
    close: Floats
    funding: Floats
    mark: Floats  # scratch
    top: Floats  # scratch
    last: Floats  # [2, I] kept
    worst: Floats  # [3] kept
    traded: Floats  # [2] kept
    deleveraged: Floats  # [1] share of every short in profit that the venue closes at the open
    deed: Floats  # [DEED]
    signals: Floats
    day_out: Floats  # [1, OUT_DAY]
    asset_out: Floats  # [1, OUT_ASSET, A]
    log: Floats  # [N, LEG] legs, and
    hedge: Ints
    bits_out: Ints  # [1, 2, A]
    used: Ints  # [1] how many of its rows
    bar: Ints  # [BAR]
    fresh: Bytes
    due: Bytes


class Desk(NamedTuple):
    """A book with its rules and its tick; ``blocks`` is what ``step`` takes: floats, ints, bytes, and where each view lies."""

    rules: Rules
    book: Book
    work: Work
    tick: Tick
    blocks: tuple[Floats, Ints, Bytes, Ints]


def desk(rules: Rules, book: Book, measures: int, log_rows: int) -> Desk:
    """A desk with copies of ``rules`` and ``book``; signals have so many ``measures``, the log so many rows."""
    tick, work = _new_tick(book, measures, log_rows), new_work(rules, book.inst.shape[1], measures)
    held: list[Any] = [*rules, *book, *work, *tick]
    sizes: dict[Any, int] = {np.dtype(kind): 0 for kind in (np.float64, np.int64, np.uint8)}
    places = np.zeros((len(held), 1 + DIMENSIONS), np.int64)
    for place, block in zip(places, held, strict=True):
        place[0], place[1 : 1 + block.ndim] = sizes[block.dtype], block.shape
        sizes[block.dtype] += block.size
    homes: dict[Any, Any] = {kind: np.zeros(size, kind) for kind, size in sizes.items()}
    views: list[Any] = []
    for place, block in zip(places, held, strict=True):
        views.append(homes[block.dtype][place[0] : place[0] + block.size].reshape(block.shape))
        views[-1][...] = block
    laid = iter(views)
    floats, ints, truths = (homes[kind] for kind in sizes)
    return Desk(
        Rules(*(next(laid) for _ in rules)), Book(*(next(laid) for _ in book)), Work(*(next(laid) for _ in work)),
        Tick(*(next(laid) for _ in tick)), (floats, ints, truths, places),
    )  # fmt: skip


def _new_tick(book: Book, measures: int, log_rows: int) -> Tick:
    assets, instruments = book.asset.shape[1], book.inst.shape[1]
    each = np.zeros(instruments)
    return Tick(
        before=each, open=each, high=each, close=each, funding=each, mark=each, top=each,
        last=np.full((2, instruments), np.nan), worst=np.array([0.0, np.inf, 0.0]),
        traded=np.array([book.scalar[S_SPOT_TRADED], book.scalar[S_FUTURES_TRADED]]), deleveraged=np.zeros(1), deed=np.zeros(DEED),
        signals=np.zeros((1, measures, assets)), day_out=np.zeros((1, OUT_DAY)),
        asset_out=np.zeros((1, OUT_ASSET, assets)), log=np.zeros((log_rows, LEG)),
        hedge=np.zeros((1, ROUTES, assets), np.int64), bits_out=np.zeros((1, 2, assets), np.int64),
        used=np.zeros(1, np.int64), bar=_new_bar(), fresh=np.zeros(instruments, np.uint8),
        due=np.zeros(1, np.uint8),
    )  # fmt: skip


def _new_bar() -> Ints:
    bar = np.zeros(BAR, np.int64)
    bar[REOPENED] = -1
    return bar


@compiled
def _line(home: Any, places: Ints, n: int) -> Any:
    """View ``n``, of one axis."""
    return home[places[n, 0] : places[n, 0] + places[n, 1]]


@compiled
def _table(home: Any, places: Ints, n: int) -> Any:
    """View ``n``, of two axes."""
    rows, columns = places[n, 1], places[n, 2]
    return home[places[n, 0] : places[n, 0] + rows * columns].reshape((rows, columns))


@compiled
def _cube(home: Any, places: Ints, n: int) -> Any:
    """View ``n``, of three axes."""
    layers, rows, columns = places[n, 1], places[n, 2], places[n, 3]
    return home[places[n, 0] : places[n, 0] + layers * rows * columns].reshape((layers, rows, columns))


@compiled
def rules_of(f: Floats, w: Ints, at: Ints) -> Rules:
    """The desk's rules in its blocks."""
    return Rules(
        _line(f, at, 0), _table(f, at, 1), _table(w, at, 2), _table(f, at, 3), _table(f, at, 4), _table(f, at, 5),
        _table(f, at, 6), _table(f, at, 7), _table(f, at, 8), _table(f, at, 9), _table(f, at, 10), _line(f, at, 11),
    )  # fmt: skip


@compiled
def book_of(f: Floats, at: Ints) -> Book:
    """The desk's book in its blocks."""
    return Book(
        _table(f, at, 12), _table(f, at, 13), _table(f, at, 14), _line(f, at, 15), _cube(f, at, 16), _table(f, at, 17),
        _cube(f, at, 18), _table(f, at, 19),
    )  # fmt: skip


@compiled
def work_of(f: Floats, w: Ints, at: Ints) -> Work:
    """The desk's work in its blocks."""
    return Work(_table(f, at, 20), _table(f, at, 21), _table(w, at, 22), _table(f, at, 23), _line(w, at, 24))


@compiled
def tick_of(f: Floats, w: Ints, b: Bytes, at: Ints) -> Tick:
    """The desk's tick in its blocks."""
    return Tick(
        _line(f, at, 25), _line(f, at, 26), _line(f, at, 27), _line(f, at, 28), _line(f, at, 29), _line(f, at, 30),
        _line(f, at, 31), _table(f, at, 32), _line(f, at, 33), _line(f, at, 34), _line(f, at, 35), _line(f, at, 36),
        _cube(f, at, 37), _table(f, at, 38), _cube(f, at, 39), _table(f, at, 40), _cube(w, at, 41), _cube(w, at, 42),
        _line(w, at, 43), _line(w, at, 44), _line(b, at, 45), _line(b, at, 46),
    )  # fmt: skip


@entrance
def step(floats: Floats, ints: Ints, truths: Bytes, places: Ints) -> int:
    """The bar that the desk of these blocks was told of; returns how many legs wait for a price."""
    rules, book, work = rules_of(floats, ints, places), book_of(floats, places), work_of(floats, ints, places)
    tick = tick_of(floats, ints, truths, places)
    bar = tick.bar
    t, now, d = bar[T], bar[NOW], bar[DAY]
    book.scalar[S_NOW] = float(now)
    if t > 0:
        at_the_open(rules, book, work, now, tick.before, tick.funding, t, tick.log, tick.used)
    waiting, alarm = whole_bar(
        rules, book, work, t, now, tick.before, tick.open, tick.high, tick.close, tick.fresh, tick.funding,
        tick.deleveraged[0], bar[WAITING], tick.mark, tick.top, tick.last, tick.worst, tick.log, tick.used,
    )  # fmt: skip
    if d >= 0 or alarm:
        waiting = at_the_close(
            rules, book, work, tick.close, tick.mark, tick.fresh, tick.funding, d, tick.signals, tick.hedge, tick.due, alarm,
            waiting, tick.worst, tick.traded, tick.day_out, tick.asset_out, tick.bits_out, tick.log, tick.used,
        )  # fmt: skip
    for i in range(tick.close.shape[0]):
        tick.before[i] = tick.close[i]
    bar[T], bar[WAITING] = t + 1, waiting
    return int(waiting)
