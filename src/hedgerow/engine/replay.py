"""A journal fed to an engine again: a restart, and an audit. What the engine makes now is held against what it made then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from hedgerow.engine.drive import draft
from hedgerow.engine.engine import Engine
from hedgerow.errors import Mismatch
from hedgerow.model.codec import decode
from hedgerow.model.entry import Draft, Entry
from hedgerow.model.order import Cancel, Order
from hedgerow.ports import Journal

STEP: Final = 1_000  # rows between two words of progress


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a replay came: rows, and the time of the last one."""

    rows: int
    at_ns: int


def replay(engine: Engine, entries: Iterable[Entry], tell: Callable[[int], None] = lambda rows: None) -> Replayed:
    """Feed every row that came in, and compare every row that was made. Raises Mismatch at the first that differs."""
    due: list[Draft] = []
    rows = at_ns = seq = 0
    for entry in entries:
        rows, at_ns, seq = rows + 1, entry.at_ns, entry.seq
        if entry.way == "in":
            _all_made(due, entry.seq)
            due = [draft(record, "out") for record in engine.feed(decode(entry.kind, entry.body))]
            due.reverse()
            engine.take_looks()
            engine.take_snapshot()
        else:
            _same(due.pop() if due else None, entry)
        if rows % STEP == 0:
            tell(rows)
    _all_made(due, seq + 1)
    return Replayed(rows, at_ns)


def _same(made: Draft | None, entry: Entry) -> None:
    then = (entry.at_ns, entry.account, entry.kind, entry.body)
    if made is None or (made.at_ns, made.account, made.kind, made.body) != then:
        now = "nothing" if made is None else f"{made.kind} {made.body}"
        raise Mismatch(
            f"row {entry.seq}: this version makes {now} where the journal has {entry.kind} {entry.body}: it does not decide as "
            "the version that wrote it"
        )


def _all_made(due: list[Draft], seq: int) -> None:
    if due:
        raise Mismatch(
            f"before row {seq}: this version makes {due[-1].kind} {due[-1].body}, which the journal does not have"
        )


def take_up(
    engine: Engine, journal: Journal, last: Entry | None, tell: Callable[[int], None] = lambda rows: None
) -> Replayed:
    """Let an engine stand where its journal ends: from its ``last`` checkpoint where there is one, else from its first row."""
    if last is None:
        return replay(engine, journal.read(), tell)
    entries = iter(journal.read(last.seq - 1))  # the checkpoint's own seal is held against the row before
    saved = next(entries)
    first = next(iter(journal.read()))
    engine.restore(decode(first.kind, first.body), decode(saved.kind, saved.body))
    done = replay(engine, entries, tell)
    return Replayed(done.rows, done.at_ns or saved.at_ns)


class Mark(NamedTuple):
    """A moment that a journal has: enough to find it again on a tape."""

    kind: str
    at_ns: int
    id: str


_MARKS: Final = ("quotes", "bars", "funding", "fill")


def seen_by_venue(entries: Iterable[Entry]) -> Iterator[Mark | Order | Cancel]:
    """What a simulated venue needs to stand where the journal ends: prices, bars, its own deeds, orders and cancels."""
    for entry in entries:
        if entry.way == "out":
            if entry.kind in ("order", "cancel"):
                yield decode(entry.kind, entry.body)
        elif entry.kind in ("funding", "fill"):
            yield Mark(entry.kind, entry.at_ns, json.loads(entry.body)["id"])
        elif entry.kind in _MARKS:
            yield Mark(entry.kind, entry.at_ns, "")
