"""What a book remembers, under another policy or with more markets: rows and contracts are found again by their names; a new one
remembers nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hedgerow.kernel import arrays as k
from hedgerow.kernel.arrays import Book
from hedgerow.model.instrument import Universe
from hedgerow.model.policy import Policy


def places(before: Universe, after: Universe) -> list[int]:
    """Where each instrument of ``before`` stands in ``after``, which has all of them."""
    there = {it.symbol: i for i, it in enumerate(after.instruments)}
    return [there[it.symbol] for it in before.instruments]


def carry(book: Book, before: Policy, new: Book, after: Policy, moved: list[int]) -> None:
    """Lay what ``book`` holds under ``before`` into ``new``, an empty book of ``after``. An asset whose regime row is gone stands
    in the last row, as at the beginning. ``moved``: ``places`` of its instruments.
    """
    for name in ("asset", "wallet", "scalar"):
        getattr(new, name)[...] = getattr(book, name)
    new.inst[:, moved] = book.inst
    for row in (k.B_HEDGE, k.B_CROSS_BY):
        for a, i in enumerate(book.asset[row]):
            new.asset[row, a] = moved[int(i)] if i >= 0.0 else i
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
