"""A whole run through the real engine and a simulated venue, on the stages that the compiled run takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from hedgerow.engine.drive import Pump, drive
from hedgerow.engine.engine import Engine
from hedgerow.engine.translate import policy_text, universe_plain
from hedgerow.kernel.rules import pack
from hedgerow.model.bar import Day
from hedgerow.model.command import Begin
from hedgerow.model.policy import Policy
from hedgerow.research.backtest import Stage
from hedgerow.units import NS_PER_DAY
from hedgerow.venues.simulated import SimulatedVenue, Tape

AUTO = {"autonomy": "auto", "collar": "0.9", "orders_minute": 1000}


class Rows:
    """A gauge that has the rows of a stage, in place of the days that they were measured from."""

    def __init__(self, rows: Mapping[int, Any]) -> None:
        self._rows = rows

    def row(self, day: Day) -> Any:
        return self._rows[day.day_ns]


def begin_of(policy: Policy, stage: Stage, weights: Mapping[str, float], capital: float, **mandate: Any) -> Begin:
    universe = stage.market.universe
    return Begin(
        int(stage.market.open_ns[0]), "0", "backtest", "tested", policy_text(policy), universe_plain(universe), dict(weights),
        {"cash": str(capital)}, AUTO | mandate,
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


def venue_of(policy: Policy, stage: Stage, weights: Mapping[str, float], capital: float) -> SimulatedVenue:
    market = stage.market
    days = [Day(int(day) + NS_PER_DAY, int(day), True, {}) for day in market.days_ns]
    shares = np.zeros(market.open_ns.shape[0]) if stage.deleveraged is None else stage.deleveraged
    tape = Tape(market, stage.bars.high, stage.signals, days, shares)
    return SimulatedVenue(pack(policy, market.universe, weights), tape, Decimal(str(capital)))


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
