"""A small portfolio on paper for faults to be put under: a made market of a few days, and how it ends undisturbed.

All of it is made when this is imported, once in the process that programs are forked from.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from hedgerow import jit

jit.prepare(
    Path(__file__).resolve().parents[2] / ".cache" / "home", compile=os.environ.get("HEDGEROW_JIT", "1") != "0"
)  # fmt: skip

from hedgerow import policies, wire  # noqa: E402 (the compiler's cache comes first)
from hedgerow.engine import drive, replay  # noqa: E402
from hedgerow.engine.engine import Engine  # noqa: E402
from hedgerow.engine.fold import gauge_of  # noqa: E402
from hedgerow.kernel import arrays as k  # noqa: E402
from hedgerow.kernel.rules import extra_measures  # noqa: E402
from hedgerow.model.codec import decode  # noqa: E402
from hedgerow.model.command import Command  # noqa: E402
from hedgerow.model.entry import Entry  # noqa: E402
from hedgerow.model.terms import WHOLE, Terms  # noqa: E402
from hedgerow.research.simulate import simulate, write  # noqa: E402
from hedgerow.store.journal import SqlJournal  # noqa: E402

FIRST: Final = date(2021, 1, 11)
DAYS: Final = 8
WARM: Final = 31
EVERY: Final = 25  # events between two checkpoints
CAPITAL: Final = Decimal(100_000)
WEIGHTS: Final = {"BTC": 0.4, "ETH": 0.35}
TERMS: Final = {"whole": WHOLE, "book": Terms()}
POLICY: Final = policies.parse(
    {
        "extends": "b3_constant", "name": "faulted", "hedge": {"constant": "50 %", "min_step": "0.1 pp"},
        "rebalance": {"every": "never", "threshold": "0.5 pp"}, "guard": {"kappa": "0 x", "min_leg": "0 %"},
    },
    "faulted",
)  # fmt: skip


def _market() -> wire.Recorded:
    with tempfile.TemporaryDirectory() as folder:
        start = date.fromordinal(FIRST.toordinal() - WARM)
        write(simulate(seed=7, assets=tuple(WEIGHTS), start=start, days=DAYS + WARM, step_hours=8), Path(folder))
        return wire.recorded(Path(folder), tuple(WEIGHTS), FIRST, None)


MARKET: Final = _market()


def taken_up(journal: SqlJournal | None, autonomy: str, terms: str, tell: Callable[[Any], None]) -> Any:
    """The portfolio, begun or taken up."""
    mandate = {"autonomy": autonomy, "band": "0.5", "orders_minute": 1_000}
    return wire.paper(MARKET, POLICY, WEIGHTS, CAPITAL, mandate, journal, terms=TERMS[terms], tell=tell)


def run(floor: Any, inbox: Callable[[], Iterable[Any]]) -> None:
    """Let it run to the end of the market."""

    async def whole() -> None:
        await floor.pump.send([], floor.venue)
        await drive.drive(floor.pump, floor.venue, inbox=inbox)

    asyncio.run(whole())


def account(engine: Engine) -> dict[str, float]:
    """What the book holds."""
    book, universe = engine.fold.desk.book, engine.universe
    found = {universe.quote: float(book.wallet[k.W_CASH, 0])}
    for i, one in enumerate(universe.instruments):
        if i < len(universe.assets):
            found[one.asset] = float(book.asset[k.B_HELD, i])
        else:
            rows = {"": k.P_UNITS, " entry": k.P_ENTRY, " collateral": k.P_COLLATERAL}
            found |= {f"{one.symbol}{name}": float(book.inst[row, i]) for name, row in rows.items()}
    return found


def approver(engine: Engine) -> Callable[[], Iterable[Command]]:
    """Somebody who approves every plan that waits for it."""

    def says() -> Iterable[Command]:
        plan = engine.approval.plan
        if plan is not None and plan.level == "approve":
            yield Command(engine.now_ns, f"approve {plan.id}", "ann", "approve", plan=plan.id)

    return says


def replayed(entries: Sequence[Entry]) -> Engine:
    """A new engine to which all rows were fed. Raises Mismatch where it makes other rows."""
    days = [decode(row.kind, row.body) for row in entries if row.kind == "day"]
    gauge = gauge_of(POLICY, MARKET.market.universe, extra_measures(POLICY))
    gauge.learn(days)
    engine = Engine(gauge, EVERY)
    replay.replay(engine, entries)
    return engine


def _undisturbed(autonomy: str, terms: str) -> dict[str, float]:
    floor = taken_up(None, autonomy, terms, lambda record: None)
    run(floor, approver(floor.pump.engine))
    return account(floor.pump.engine)


ENDS: Final = {(autonomy, terms): _undisturbed(autonomy, terms) for autonomy in ("auto", "approve") for terms in TERMS}
"""By level and terms: what the portfolio holds at the end where nothing goes wrong."""
