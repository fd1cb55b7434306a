"""A paper run through the engine leaves the same journal in SQLite and in PostgreSQL: the same rows, and the same seals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgerow import policies, wire
from hedgerow.engine.drive import drive
from hedgerow.engine.engine import Engine
from hedgerow.model.command import Command
from hedgerow.model.entry import Entry
from hedgerow.model.terms import WHOLE, Terms
from hedgerow.store.journal import SqlJournal
from tests.store.desk import Desk

WEIGHTS = {"BTC": 0.4, "ETH": 0.3}
FIRST, CUT, LAST = date(2022, 6, 1), date(2022, 6, 12), date(2022, 6, 25)


def owner(engine: Engine) -> Callable[[], Iterator[Any]]:
    """Somebody who approves every plan that is open."""

    def says() -> Iterator[Any]:
        plan = engine.approval.plan
        if plan is not None and plan.level == "approve":
            yield Command(engine.now_ns, f"approve {plan.id}", "ann", "approve", plan=plan.id)

    return says


def played(made_market: Path, journal: SqlJournal, last: date, autonomy: str, terms: Terms) -> None:
    """Begin a portfolio or take it up, and run it to the end of a day."""
    recorded = wire.recorded(made_market, tuple(WEIGHTS), FIRST, last)
    mandate = {"autonomy": autonomy, "band": "0.5", "orders_minute": 1_000}
    policy = policies.load("b3_constant")
    floor = wire.paper(recorded, policy, WEIGHTS, Decimal(100_000), mandate, journal, terms=terms)

    async def whole() -> None:
        await floor.pump.send([], floor.venue)
        await drive(floor.pump, floor.venue, inbox=owner(floor.pump.engine))

    asyncio.run(whole())


def rows_of(desk: Desk, made_market: Path, autonomy: str, terms: Terms) -> list[Entry]:
    """What a run of two processes leaves; it fits to its seals and its anchors, and is decided again the same."""
    for last in (CUT, LAST):
        with desk.opened() as journal:
            played(made_market, journal, last, autonomy, terms)
    with desk.opened(write=False) as journal:
        found = list(journal.read())
        verdict = journal.verify()
        assert verdict.findings == ()
        assert verdict.head == journal.durable == (len(found), found[-1].mac)
        assert wire.replayed(journal).rows == len(found)
    return found


@pytest.mark.parametrize(("autonomy", "terms"), [("auto", WHOLE), ("approve", Terms())], ids=["auto", "approve"])
def test_both_databases_hold_the_same_chain(
    autonomy: str, terms: Terms, made_market: Path, sqlite: Desk, postgres: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: bytes(range(count)))  # the name of the installation is drawn
    here, there = (rows_of(desk, made_market, autonomy, terms) for desk in (sqlite, postgres))
    kinds = {row.kind for row in here}
    assert {"wake", "plan", "verdict", "order", "report", "fill", "transfer", "bars", "day", "snapshot"} <= kinds
    assert ("command" in kinds) == (autonomy == "approve")
    assert here[-1].mac == there[-1].mac
    assert here == there
