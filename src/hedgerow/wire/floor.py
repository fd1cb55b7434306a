"""A portfolio made ready to run on paper: its engine, its journal taken up where it ends, and its simulated venue."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hedgerow import __version__
from hedgerow.errors import ConfigError
from hedgerow.units import NS_PER_DAY

if TYPE_CHECKING:
    from decimal import Decimal

    from hedgerow.engine.drive import Pump
    from hedgerow.engine.engine import Engine
    from hedgerow.engine.gauge import Gauge
    from hedgerow.engine.replay import Replayed
    from hedgerow.model.bar import Day
    from hedgerow.model.command import Begin
    from hedgerow.model.instrument import Universe
    from hedgerow.model.policy import Policy
    from hedgerow.model.portfolio import Portfolio
    from hedgerow.model.terms import Terms
    from hedgerow.ports import Venue
    from hedgerow.research.backtest import Stage
    from hedgerow.store.journal import SqlJournal
    from hedgerow.venues.simulated import SimulatedVenue
    from hedgerow.wire import Recorded


@dataclass(slots=True)
class Floor:
    """A portfolio that is ready to run: its engine and journal behind the pump, its venue, and how many rows it took up."""

    pump: Pump
    venue: Venue
    rows: int


def paper(
    data: Recorded,
    policy: Policy,
    weights: Mapping[str, float],
    capital: Decimal,
    mandate: Mapping[str, Any],
    journal: SqlJournal | None,
    *,
    world: Literal["backtest", "paper"] = "paper",
    portfolio: Portfolio | None = None,
    terms: Terms | None = None,
    speed: float = 0.0,
    tell: Callable[[Any], None] = lambda record: None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Floor:
    """A portfolio on paper: recorded (or made) prices, a simulated venue. A journal that has rows is taken up where it ends.

    It begins with ``capital``, or a ``portfolio`` at the first opens. ``terms`` of the venue (None: those of ``WHOLE``) hold for one that
    begins; one that is taken up keeps its own. ``speed`` times the pace of the recording; 0: as fast as it goes.
    """
    from hedgerow import wire

    begin = begun_in(journal)
    first = begin.rules if begin else policy
    stage = wire.stage_of(data, [first])  # before what imports the kernel
    from hedgerow.engine import begun
    from hedgerow.engine.drive import Pump
    from hedgerow.engine.engine import Engine
    from hedgerow.engine.holdings import holdings_of, holdings_with
    from hedgerow.engine.replay import seen_by_venue
    from hedgerow.engine.translate import policy_text, terms_of, terms_plain, universe_plain
    from hedgerow.model.command import Begin, Wake
    from hedgerow.model.terms import WHOLE, with_lots

    start_ns, opens = int(data.market.open_ns[0]), data.market.open[0].tolist()
    terms = terms_of(begin.row.venue) if begin else terms or WHOLE
    universe = with_lots(data.market.universe, opens) if terms.filters else data.market.universe
    holdings = holdings_of(capital) if portfolio is None else holdings_with(portfolio, universe, opens)
    warm, days, gauge = measured(data, first)
    venue = _venue(data, stage, days, first, universe, weights, holdings, terms)
    pump = Pump(Engine(gauge), journal, tell, groups=world == "backtest")
    rows, left = journal.head.seq if journal is not None else 0, list[Any]()
    if journal is not None and begin is not None:
        begun.refuse_another(begin.row, universe, world, weights, holdings, start_ns)
        take_up(pump.engine, gauge, journal, progress)
        begun.refuse_another_policy(pump.engine.policy, policy)
        begun.refuse_shorter(pump.engine.now_ns, data.market)
        extend(pump, universe)
        venue.resume(seen_by_venue(journal.rows()), pump.engine.now_ns)
        left = warm[rows - 1 :]  # it was ended as it began: only the first of these stand behind its first row
    else:
        install = os.urandom(3).hex() if world == "paper" else "backte"
        row = Begin(
            start_ns, __version__, world, install, policy_text(policy), universe_plain(universe), dict(weights),
            holdings, dict(mandate), terms_plain(terms),
        )  # fmt: skip
        left = [row, *warm]
    for event in left:
        pump.take(event)
    if world == "paper":
        pump.take(Wake(pump.engine.now_ns, __version__, journal.token if journal is not None else 0))
    return Floor(pump, _paced(venue, speed), rows)


def _paced(venue: SimulatedVenue, speed: float) -> Venue:
    """The venue at a pace; 0: as fast as it goes."""
    import asyncio

    from hedgerow.venues.paced import PacedVenue

    return PacedVenue(venue, speed, time.monotonic, asyncio.sleep) if speed > 0.0 else venue


def _venue(
    data: Recorded, stage: Stage, days: list[Day], policy: Policy, universe: Universe, weights: Mapping[str, float],
    holdings: Mapping[str, Any], terms: Terms,
) -> SimulatedVenue:  # fmt: skip
    """A simulated venue on a recording; its fees and margin are those of ``policy``."""
    from hedgerow.engine.holdings import book_of
    from hedgerow.kernel.rules import pack
    from hedgerow.venues.simulated import SimulatedVenue, Tape

    rules, market = pack(policy, universe, weights), replace(data.market, universe=universe)
    tape = Tape(market, stage.bars.high, stage.signals, days, stage.bars.deleveraged)
    return SimulatedVenue(rules, tape, book_of(rules, universe, holdings), terms)


def measured(data: Recorded, policy: Policy) -> tuple[list[Day], list[Day], Gauge]:
    """The days before a run and those of it, as the engine is fed them, and a gauge that has learnt all of them."""
    from hedgerow.engine.fold import gauge_of
    from hedgerow.engine.gauge import day_of
    from hedgerow.kernel.rules import extra_measures

    start_ns, closes = int(data.market.open_ns[0]), range(data.offset, data.daily.days_ns.shape[0])
    warm = [day_of(data.daily, d, start_ns, decide=False) for d in range(data.offset)]
    days = [day_of(data.daily, d, int(data.daily.days_ns[d]) + NS_PER_DAY, decide=True) for d in closes]
    gauge = gauge_of(policy, data.market.universe, extra_measures(policy))
    gauge.learn([*warm, *days])
    return warm, days, gauge


class Began(NamedTuple):
    """What a journal begins with, and the policy in it."""

    row: Begin
    rules: Policy


def begun_in(journal: SqlJournal | None) -> Began | None:
    """The first row of a journal that has one."""
    from hedgerow.engine.translate import policy_of
    from hedgerow.model.codec import decode

    if journal is None or not journal.head.seq:
        return None
    first = next(journal.rows(0))
    row: Begin = decode(first.kind, first.body)
    return Began(row, policy_of(row.policy))


def extend(pump: Pump, universe: Universe) -> None:
    """Let the engine know the markets that came since it began. Raises ConfigError where one is gone."""
    from hedgerow.engine import begun
    from hedgerow.model.command import Markets

    more = begun.more_markets(pump.engine.universe, universe)
    if more is None:
        return
    if pump.engine.execution.busy:
        raise ConfigError(
            "orders are at work, and there are more markets than before",
            where="data",
            fix="Run it with the --end of before first.",
        )
    pump.take(Markets(pump.engine.now_ns, more))


def take_up(
    engine: Engine, gauge: Gauge, journal: SqlJournal, progress: Callable[[int], None] = lambda rows: None
) -> None:
    """Let an engine stand where its journal ends."""
    from hedgerow.engine import replay
    from hedgerow.engine.gauge import HELD
    from hedgerow.model.codec import decode

    last = next(iter(journal.last(1, "checkpoint")), None)
    if last is not None:
        gauge.recall(decode("day", one.body) for one in journal.last(HELD, "day") if one.seq < last.seq)
    replay.take_up(engine, journal, last, progress)


def replayed(journal: SqlJournal, tell: Callable[[int], None] = lambda rows: None) -> Replayed:
    """The whole journal fed to a new engine. Raises Mismatch at the first decision that is made otherwise, StoreError."""
    from hedgerow.engine.engine import Engine
    from hedgerow.engine.fold import gauge_of
    from hedgerow.engine.replay import replay
    from hedgerow.engine.translate import policy_of, universe_of
    from hedgerow.kernel.rules import extra_measures
    from hedgerow.model.codec import decode

    days, begin = [], None
    for row in journal.rows(0):
        if row.kind == "day":
            days.append(decode(row.kind, row.body))
        elif row.kind == "begin":
            begin = decode(row.kind, row.body)
    if begin is None:
        raise ConfigError("no portfolio was begun in it", where=journal.where, fix="hedgerow run begins one.")
    policy, universe = policy_of(begin.policy), universe_of(begin.universe)
    gauge = gauge_of(policy, universe, extra_measures(policy))
    gauge.learn(days)  # all at once: one by one takes a thousand times as long
    return replay(Engine(gauge), journal.read(), tell)
