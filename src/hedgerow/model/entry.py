"""A row of the journal: one fact that came in, or one thing that was decided, numbered and chained."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Way: TypeAlias = Literal["in", "out"]
WAYS: Final = ("in", "out")


class Draft(NamedTuple):
    """What is to be written: the journal gives it its number and its place in the chain.

    ``at_ns`` is the time of the fact in UTC nanoseconds since the epoch, ``account`` the venue's account that it concerns ("": the
    whole portfolio), ``kind`` names the record, ``way`` is "in" for what the engine is fed and "out" for what it made of it. ``body`` is
    the record in canonical JSON (keys sorted, no spaces, amounts as text).
    """

    at_ns: int
    account: str
    kind: str
    way: Way
    body: str


class Entry(NamedTuple):
    """A row as it was written: ``seq`` counts from 1 without a gap in each portfolio, ``mac`` seals this row and all before it."""

    seq: int
    at_ns: int
    portfolio: str
    account: str
    kind: str
    way: Way
    body: str
    mac: str


class Head(NamedTuple):
    """The last row of a chain: its number (0: none yet) and its seal ("")."""

    seq: int
    mac: str
