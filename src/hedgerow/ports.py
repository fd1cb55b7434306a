"""What the engine needs of the world: a journal, a venue, a clock and a notifier, each a protocol that an edge fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from hedgerow.model.entry import Draft, Entry, Head


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
