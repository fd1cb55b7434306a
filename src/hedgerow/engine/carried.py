"""What a book remembers, under another policy: rows are found again by their names; a new row remembers nothing yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hedgerow.kernel import arrays as k
from hedgerow.kernel.arrays import Book
from hedgerow.model.policy import Policy


def carry(book: Book, before: Policy, new: Book, after: Policy) -> None:
    """Lay what ``book`` holds under ``before`` into ``new``, an empty book of ``after``. An asset whose regime row is gone stands
    in the last row, as at the beginning.
    """
    for name in ("asset", "inst", "wallet", "scalar"):
        getattr(new, name)[...] = getattr(book, name)
    for mine, theirs in _pairs(before.vote, after.vote):
        new.votes[:, theirs] = book.votes[:, mine]
    for mine, theirs in _pairs(before.reinforce, after.reinforce):
        new.until[theirs] = book.until[mine]
    for mine, theirs in _pairs(before.trim, after.trim):
        new.trims[:, theirs] = book.trims[:, mine]
    new.trims[:, -2:] = book.trims[:, -2:]  # the rows that every policy has: aggressive, top performer
    states = dict(_pairs(before.regime, after.regime))
    for mine, theirs in states.items():
        new.left[theirs] = book.left[mine]
    for a in range(book.asset.shape[1]):
        mine = int(book.asset[k.B_STATE, a])
        if mine not in states:
            new.asset[k.B_AGE, a] = 0.0
        new.asset[k.B_STATE, a] = states.get(mine, max(len(after.regime) - 1, 0))


def _pairs(before: Iterable[str], after: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(place in ``before``, place in ``after``) of the names that both have."""
    places = {name: n for n, name in enumerate(after)}
    return ((n, places[name]) for n, name in enumerate(before) if name in places)
