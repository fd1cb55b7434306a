"""What the tests of the journal share: a clock, a key, drafts, and a journal at hand."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hedgerow.model.entry import Draft, Entry
from hedgerow.store import chain
from hedgerow.store.journal import SqlJournal, open_journal
from hedgerow.store.lease import Holder

KEY = bytes(range(32))
START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
ALICE = Holder("alice", "far-away", 11, "")
BERT = Holder("bert", "elsewhere", 12, "")


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: int = START

    def __call__(self) -> int:
        return self.now


@dataclass
class Desk:
    """A database's address, and what belongs beside it."""

    url: str
    folder: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def anchored(self) -> Path:
        return self.folder / "anchors"

    def open(self, *, write: bool = True, me: Holder | None = None, portfolio: str = "main", **more: Any) -> SqlJournal:
        given = {"anchored": self.anchored, "now_ns": self.clock, "me": me} | more
        return open_journal(self.url, portfolio, KEY, write=write, **given)

    @contextmanager
    def opened(self, **more: Any) -> Any:
        journal = self.open(**more)
        try:
            yield journal
        finally:
            journal.close()

    def filled(self, count: int = 50) -> list[Entry]:
        """A journal with rows, closed; gives them."""
        with self.opened() as journal:
            journal.append(drafts(count))
            journal.commit()
            return list(journal.read())


def drafts(count: int, first: int = 0) -> list[Draft]:
    """Rows of several kinds, with letters that need more than one byte."""
    kinds = ("bar", "fill", "plan", "note")
    return [
        Draft(
            START + i * 7,
            "" if i % 3 else "binance spot",
            kinds[i % 4],
            "out" if i % 4 == 2 else "in",
            f'{{"n":"{i}","é":"€"}}',
        )
        for i in range(first, first + count)
    ]


def sealed(rows: Iterable[Draft], portfolio: str = "main", key: bytes = KEY) -> list[Entry]:
    """A chain of its own, without a database."""
    seal, mac, made = chain.sealing(key), "", []
    for seq, draft in enumerate(rows, start=1):
        mac = seal(mac, seq, draft.at_ns, portfolio, draft.account, draft.kind, draft.way, draft.body)
        made.append(Entry(seq, draft.at_ns, portfolio, draft.account, draft.kind, draft.way, draft.body, mac))
    return made
