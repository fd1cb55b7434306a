"""A journal fed to an engine again: a restart, and an audit. What the engine makes now is held against what it made then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from hedgerow.engine.drive import draft
from hedgerow.engine.engine import Engine
from hedgerow.errors import Mismatch
from hedgerow.model.codec import decode
from hedgerow.model.entry import Draft, Entry

STEP: Final = 1_000  # rows between two words of progress


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a replay came: rows, and the time of the last one."""

    rows: int
    at_ns: int


def replay(engine: Engine, entries: Iterable[Entry], tell: Callable[[int], None] = lambda rows: None) -> Replayed:
    """Feed every row that came in, and compare every row that was made. Raises Mismatch at the first that differs."""
    due: list[Draft] = []
    rows = at_ns = 0
    for entry in entries:
        rows, at_ns = rows + 1, entry.at_ns
        if entry.way == "in":
            _all_made(due, entry.seq)
            due = [draft(record, "out") for record in engine.feed(decode(entry.kind, entry.body))]
            due.reverse()
            engine.take_looks()
        else:
            _same(due.pop() if due else None, entry)
        if rows % STEP == 0:
            tell(rows)
    _all_made(due, rows + 1)
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


def seen_by_venue(entries: Iterable[Entry]) -> Iterator[Any]:
    """What a simulated venue needs to stand where the journal ends: prices, bars, its own deeds, orders and cancels."""
    for entry in entries:
        if entry.kind in (("quotes", "bars", "funding", "fill") if entry.way == "in" else ("order", "cancel")):
            yield decode(entry.kind, entry.body)
