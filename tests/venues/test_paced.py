"""A venue at a pace: whatever the clock does between two looks, a journal says where its account stands."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from hedgerow.engine.drive import drive
from hedgerow.model.bar import Quotes
from hedgerow.model.order import Order, Report
from hedgerow.model.terms import Terms
from hedgerow.ports import IDLE
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND
from hedgerow.venues.paced import PacedVenue
from tests.engine.desk import PaperDesk
from tests.engine.test_terms import policy_of
from tests.properties import stage_of
from tests.simulation.run import UNIVERSE


class Clock:
    """Seconds that pass while somebody sleeps, and some besides."""

    def __init__(self, seed: int) -> None:
        self.random, self.at = Random(seed), 0.0

    def now(self) -> float:
        self.at += self.random.choice((0.0, 0.001, 0.02))
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("style", ["taker", "maker"])
def test_a_journal_of_a_paced_run_says_what_the_account_holds(seed: int, style: str) -> None:
    stage = stage_of(UNIVERSE, seed, days=6, per_day=24, wildness=1.0)
    desk = PaperDesk(policy_of(), stage, 1e5, Terms(participation=0.01), style=style)
    clock = Clock(seed)
    paced = PacedVenue(desk.venue, 3_600.0 * 10, clock.now, clock.sleep)
    end = int(stage.market.open_ns[0]) + (3 + seed % 3) * NS_PER_DAY + seed * 1_000 * NS_PER_SECOND
    asyncio.run(drive(desk.pump, paced, stopping=lambda: desk.engine.now_ns > end))
    assert desk.of(Order), "nothing was ordered"
    sent = {order.id: order.at_ns for order in desk.of(Order)}
    first = {one.id: one.at_ns for one in reversed(desk.of(Report))}
    assert all(at_ns - sent[name] < NS_PER_SECOND for name, at_ns in first.items()), (
        "an answer took longer than it takes"
    )
    before = desk.venue.account.picture(0, ())
    flying = bool(desk.venue.matching.resting) or bool(desk.engine.orders.alive)
    desk.start()
    assert flying or desk.venue.account.picture(0, ()) == before


def test_prices_that_are_wanted_late_are_those_of_the_moment() -> None:
    stage = stage_of(UNIVERSE, 0, days=3, per_day=24, wildness=1.0)
    desk = PaperDesk(policy_of(), stage, 1e5, Terms())
    clock = Clock(0)
    venue: Any = PacedVenue(desk.venue, 3_600.0, clock.now, clock.sleep)

    async def first(quotes: bool, least: float) -> Any:
        while True:
            event = await venue.next(0, quotes)
            if event is not IDLE or (not quotes and clock.at > least):
                return event

    asyncio.run(first(False, 0.0))
    began = clock.at
    asyncio.run(first(False, began + 0.5))
    seen = asyncio.run(first(True, 0.0))
    assert isinstance(seen, Quotes)
    opened = int(stage.market.open_ns[0])
    assert (seen.at_ns - opened) % NS_PER_DAY >= 0.5 * 3_600 * NS_PER_SECOND, "prices of a moment that had passed"
