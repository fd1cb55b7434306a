"""What the engine needs of the world: a journal, a venue, a clock and a notifier, each a protocol that an edge fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from hedgerow.model.command import Alert
from hedgerow.model.entry import Draft, Entry, Head
from hedgerow.model.order import Order

IDLE: Final = object()  # what a venue says when nothing happened for a while


class Journal(Protocol):
    """The truth of one portfolio: append-only, numbered, chained. One writer; whoever lost the lease writes nothing more.

    Every method raises StoreError where the store cannot be read or written; after a failed write all later ones raise, too.
    """

    @property
    def head(self) -> Head:
        """The last row that was appended, durable or not."""

    def append(self, drafts: Iterable[Draft]) -> None:
        """Number and chain rows, in order. They are durable only after ``commit``."""

    def commit(self) -> None:
        """Make all that was appended durable, in one transaction, which fails where the lease is another's."""

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable rows behind number ``after``, in order."""

    def close(self) -> None:
        """Commit, give the lease back and close."""


class Venue(Protocol):
    """Where orders go and what is heard of the world: one account, and its markets.

    What it says comes as events out of ``next``, in order. A request answers nothing by itself: whether it was accepted, refused
    or unanswered is an event, too. No request is sent twice by a venue on its own.
    """

    async def next(self, until_ns: int, quotes: bool) -> Any:
        """The next event, not later than ``until_ns`` (0: whenever), which makes a ``Timer``; None: there are no more; IDLE: nothing happened
        for a while.

        ``quotes`` says that prices are wanted; without it they need not come.
        """

    async def place(self, order: Order) -> None:
        """Send an order, once."""

    async def cancel(self, order: str) -> None:
        """Ask for the end of an order."""

    async def look(self, order: Order) -> None:
        """Ask what became of an order: a ``Report`` with source "lookup"."""

    async def snapshot(self) -> None:
        """Ask for all that the account holds."""


class Clock(Protocol):
    """What time it is, and a wait."""

    def now_ns(self) -> int:
        """UTC, nanoseconds since the epoch."""


class Notifier(Protocol):
    """Tells people."""

    async def tell(self, alert: Alert) -> None:
        """Send an alert. Raises nothing: what cannot be sent is told again with the next one."""
