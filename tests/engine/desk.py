"""A whole run through the real engine and a simulated venue, on the stages that the compiled run takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from hedgerow.engine.drive import Pump, drive
from hedgerow.engine.engine import Engine
from hedgerow.engine.replay import seen_by_venue, take_up
from hedgerow.engine.translate import policy_text, terms_plain, universe_plain
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.rules import pack
from hedgerow.model.bar import Day
from hedgerow.model.command import Answer, Begin, Command, Wake
from hedgerow.model.policy import Policy
from hedgerow.model.terms import Terms
from hedgerow.research.backtest import Stage
from hedgerow.units import NS_PER_DAY
from hedgerow.venues.simulated import SimulatedVenue, Tape
from tests.simulation.disk import Disk, DiskJournal

AUTO = {"autonomy": "auto", "collar": "0.9", "orders_minute": 1000}


class Rows:
    """A gauge that has the rows of a stage, in place of the days that they were measured from."""

    def __init__(self, rows: Mapping[int, Any]) -> None:
        self._rows = rows

    def row(self, day: Day) -> Any:
        return self._rows[day.day_ns]


def begin_of(
    policy: Policy, stage: Stage, weights: Mapping[str, float], capital: float, holdings: Any = None, **mandate: Any
) -> Begin:
    universe = stage.market.universe
    return Begin(
        int(stage.market.open_ns[0]), "0", "backtest", "tested", policy_text(policy), universe_plain(universe), dict(weights),
        holdings or {"cash": str(capital)}, AUTO | mandate,
    )  # fmt: skip


def engine_of(policy: Policy, stage: Stage, weights: Mapping[str, float], capital: float, **mandate: Any) -> Engine:
    """An engine that has begun, and has seen the days before the run."""
    market, warm = stage.market, stage.warm
    first = int(market.days_ns[0]) - warm.shape[0] * NS_PER_DAY
    rows = {first + d * NS_PER_DAY: row for d, row in enumerate(warm)}
    rows |= {int(day): stage.signals[d] for d, day in enumerate(market.days_ns)}
    engine = Engine(Rows(rows))
    engine.feed(begin_of(policy, stage, weights, capital, **mandate))
    for d in range(warm.shape[0]):
        engine.feed(Day(int(market.open_ns[0]), first + d * NS_PER_DAY, False, {}))
    return engine


def tape_of(stage: Stage) -> Tape:
    market = stage.market
    days = [Day(int(day) + NS_PER_DAY, int(day), True, {}) for day in market.days_ns]
    shares = np.zeros(market.open_ns.shape[0]) if stage.deleveraged is None else stage.deleveraged
    return Tape(market, stage.bars.high, stage.signals, days, shares)


def venue_of(policy: Policy, stage: Stage, weights: Mapping[str, float], capital: float) -> SimulatedVenue:
    rules = pack(policy, stage.market.universe, weights)
    return SimulatedVenue(rules, tape_of(stage), new_book(rules, len(stage.market.universe.instruments), capital))


def play(
    policy: Policy,
    stage: Stage,
    weights: Mapping[str, float],
    capital: float,
    tell: Callable[[Any], None] = lambda record: None,
) -> tuple[Engine, SimulatedVenue]:
    engine, venue = engine_of(policy, stage, weights, capital), venue_of(policy, stage, weights, capital)
    asyncio.run(drive(Pump(engine, None, tell), venue))
    return engine, venue


class PaperDesk:
    """An engine on paper, its journal and its venue, which can be cut and taken up: from a checkpoint where there is one."""

    def __init__(
        self, policy: Policy, stage: Stage, capital: float, terms: Terms, every: int = 5_000, **mandate: Any
    ) -> None:
        self.policy, self.stage, self.capital, self.terms, self.every = policy, stage, capital, terms, every
        self.weights = {"BTC": 0.4, "ETH": 0.35}
        self.disk, self.heard = Disk(), list[Any]()
        self.mandate = AUTO | {"collar": "0.01", "fresh": 30.0} | mandate
        self.start()

    def start(self) -> None:
        market = self.stage.market
        rules = pack(self.policy, market.universe, self.weights)
        book = new_book(rules, len(market.universe.instruments), self.capital)
        self.venue = SimulatedVenue(rules, tape_of(self.stage), book, self.terms)
        self.engine = Engine(
            Rows({int(day): self.stage.signals[d] for d, day in enumerate(market.days_ns)}), self.every
        )
        self.journal = DiskJournal(self.disk, Random(0), 0.0, 0.0)
        self.pump = Pump(self.engine, self.journal, self.heard.append)
        if self.disk.rows:
            saved = [entry for entry in self.journal.read() if entry.kind == "checkpoint"]
            take_up(self.engine, self.journal, saved[-1] if saved else None)
            self.venue.resume(seen_by_venue(self.journal.read()), self.engine.now_ns)
            self.pump.take(Wake(self.engine.now_ns, "0", self.journal.token))
        else:
            begin = begin_of(self.policy, self.stage, self.weights, self.capital)
            self.pump.take(replace(begin, world="paper", mandate=self.mandate, venue=terms_plain(self.terms)))

    def play(self, events: int = 10**9) -> bool:
        """Go on for so many events; False: the tape ended before."""
        left = iter(range(events))
        asyncio.run(self._play(lambda: next(left, None) is None))
        return next(left, None) is None

    async def _play(self, stopping: Callable[[], bool]) -> None:
        await self.pump.send([], self.venue)
        await drive(self.pump, self.venue, stopping=stopping)

    def say(self, verb: Any, **rest: Any) -> Any:
        """A command of an operator, and the answer."""
        self.pump.take(Command(self.engine.now_ns, f"c{len(self.disk.rows)}", "ann", verb, **rest))
        return self.of(Answer)[-1]

    def of(self, kind: Any) -> list[Any]:
        """What was heard of a kind, in order."""
        return [record for record in self.heard if isinstance(record, kind)]
