"""The engine itself on paper, for faults to be put under: ``python -m tests.faults.paper FOLDER``.

It takes the portfolio in FOLDER up as ``hedgerow run`` does and plays the market to its end, some 200 rows with a score of
orders. What leaves is a line in FOLDER/effects: ``ack SEQ ID`` where the exchange gets an order, ``ans SEQ ID`` where an
operator hears the answer to a command. Operators leave their commands in the inbox. A StoreError ends it with exit code 4.

``--autonomy auto`` asks nobody; ``--terms book`` has the wire and the order book of an exchange; ``--early`` sends before it
commits: the tester must find that.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hedgerow import wire
from hedgerow.engine import drive
from hedgerow.engine.engine import Engine
from hedgerow.errors import Error, StoreError
from hedgerow.faces import helm
from hedgerow.model.codec import decode
from hedgerow.model.command import Answer
from hedgerow.model.order import Order
from hedgerow.store import inbox
from hedgerow.store import journal as store
from tests.faults import floor
from tests.faults.scenario import EFFECTS, FAILED, MOVED, NOTED, say

GROUP = 4  # events in a commit where nothing leaves


class Effects:
    """The file of what left; it hears of every row, so it knows their numbers."""

    def __init__(self, path: Path, seq: int) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.seq = seq
        self.rows: dict[str, int] = {}

    def hear(self, record: Any) -> None:
        """A row was written, and is durable where something leaves with it."""
        self.seq += 1
        if isinstance(record, Order):
            self.rows[record.id] = self.seq
        elif isinstance(record, Answer):
            self.write(f"ans {self.seq} {record.id}")

    def write(self, line: str) -> None:
        with suppress(OSError):  # what cannot be noted may have left all the same
            os.write(self.file, f"{line}\n".encode())


class Exchange:
    """A venue whose orders are noted where they arrive."""

    def __init__(self, venue: Any, effects: Effects) -> None:
        self._venue, self._effects = venue, effects
        self.next, self.cancel, self.look, self.snapshot = venue.next, venue.cancel, venue.look, venue.snapshot

    async def place(self, order: Order) -> None:
        self._effects.write(f"ack {self._effects.rows[order.id]} {order.id}")
        await self._venue.place(order)


def operator(engine: Engine, folder: Path) -> Callable[[], Iterator[Any]]:
    """The inbox, and somebody who leaves an approval there for each plan that waits for one."""
    hears = helm.Inbox(engine, folder, helm.Signals(), say)

    def says() -> Iterator[Any]:
        plan = engine.approval.plan
        if plan is not None and plan.level == "approve" and not any(inbox.waiting(folder)):
            inbox.put(folder, {"who": "ann", "verb": "approve", "plan": plan.id}, engine.now_ns)
        yield from hears()

    return says


def early(effects: Effects) -> None:
    """Let orders leave as soon as their rows are appended."""
    plain = store.SqlJournal.append

    def append(self: store.SqlJournal, drafts: Iterable[Any]) -> None:
        rows = list(drafts)
        plain(self, rows)
        for seq, row in enumerate(rows, start=self.head.seq - len(rows) + 1):
            if row.kind == "order":
                effects.write(f"ack {seq} {decode(row.kind, row.body).id}")

    store.SqlJournal.append = append  # type: ignore[method-assign]
    Exchange.place = lambda self, order: self._venue.place(order)  # type: ignore[assignment, method-assign, return-value]


def go_on(journal: store.SqlJournal, given: argparse.Namespace) -> None:
    """Play on behind what is durable, to the end."""
    effects = Effects(given.folder / EFFECTS, journal.head.seq)
    say(f"{journal.head.seq} rows")
    if given.early:
        early(effects)
    taken = floor.taken_up(journal, given.autonomy, given.terms, effects.hear)
    taken.venue = Exchange(taken.venue, effects)
    floor.run(taken, operator(taken.pump.engine, wire.inbox()))


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--autonomy", default="approve", choices=("auto", "approve"))
    asked.add_argument("--terms", default="whole", choices=tuple(floor.TERMS))
    asked.add_argument("--early", action="store_true")
    given = asked.parse_args()
    os.environ["HEDGEROW_HOME"] = str(given.folder)
    os.environ.pop("HEDGEROW_JOURNAL", None)
    store.ANCHORED, store.SETTLED = NOTED, MOVED  # type: ignore[misc]
    drive.GROUP, helm.POLL = GROUP, 0.0  # type: ignore[misc]
    Engine.__init__.__defaults__ = (None, floor.EVERY)
    try:
        journal = wire.journal(write=True)
        try:
            go_on(journal, given)
        finally:
            journal.close()
    except StoreError as error:
        say(str(error))
        return FAILED
    except Error as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
