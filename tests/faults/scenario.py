"""A program in the shape of the engine, for faults to be put under: ``python -m tests.faults.scenario FOLDER``.

It opens the journal in FOLDER as the engine does, goes on behind what is durable there, and ends with event 200. Market
events are committed in groups; every 5th event is an order: append, commit, and only then the effect, one line
``ack SEQ ID`` in FOLDER/effects. That file plays the exchange: what stands in it has left. An order whose row is durable
but whose line is not is in doubt, and is never sent again. A StoreError ends the program with exit code 4.

``--synchronous NORMAL`` and ``OFF`` weaken SQLite, ``--early`` sends before the commit: the testers must find all three.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from hedgerow import wire
from hedgerow.errors import Error, StoreError
from hedgerow.model.entry import Draft
from hedgerow.store import journal as store
from hedgerow.store.journal import SqlJournal

EVENTS = 200
GROUP = 3  # market events in a commit
ORDER = 5  # every 5th event
START = 1_700_000_000_000_000_000
EFFECTS = "effects"
FAILED = 4

# So that heads are noted and the log is moved into the file many times in 200 events, not once in 10,000
NOTED, MOVED = 30, 12_000


def body(seq: int, order: int) -> str:
    """What a row says: of an order its id; now and then more than fits on a page of the database."""
    long = "x" * (9_000 if seq % 67 == 0 else seq * 7 % 150)
    word = f'"id":"order-{order}"' if order else '"price":"1"'
    return f'{{{word},"n":{seq},"note":"{long}"}}'


def say(line: str) -> None:
    """Tell whoever looks; a full disk may be where this goes, too."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


def send(effects: int, seq: int, order: int) -> None:
    """The exchange takes the order. Where that fails, the order is in doubt, which is no fault of the journal."""
    try:
        os.write(effects, b"ack %d order-%d\n" % (seq, order))
    except OSError as error:
        say(f"order-{order} is in doubt: {error}")


def go_on(journal: SqlJournal, effects: int, *, early: bool) -> None:
    """Write events behind those that are there, up to the last."""
    kinds = [entry.kind for entry in journal.read()]
    seq, orders, pending = len(kinds), kinds.count("order"), 0
    say(f"{seq} events, {orders} orders")
    while seq < EVENTS:
        seq, pending = seq + 1, pending + 1
        if seq % ORDER:
            journal.append([Draft(START + seq, "", "bar", "in", body(seq, 0))])
            if pending >= GROUP:
                journal.commit()
                pending = 0
            continue
        orders, pending = orders + 1, 0
        journal.append([Draft(START + seq, "spot", "order", "out", body(seq, orders))])
        if early:
            send(effects, seq, orders)
        journal.commit()
        if not early:
            send(effects, seq, orders)


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--synchronous", default="FULL")
    asked.add_argument("--early", action="store_true")
    given = asked.parse_args()
    os.environ["HEDGEROW_HOME"] = str(given.folder)
    os.environ.pop("HEDGEROW_JOURNAL", None)
    store.ANCHORED, store.SETTLED = NOTED, MOVED  # type: ignore[misc]
    effects = os.open(given.folder / EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        journal = wire.journal(write=True)
        if given.synchronous != "FULL":
            driver = journal._connection.connection.driver_connection
            driver.execute(f"PRAGMA synchronous = {given.synchronous}")  # type: ignore[union-attr]
        try:
            go_on(journal, effects, early=given.early)
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
