"""What an operator asks of a running engine, and what the engine answers, alerts and states: records of the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from hedgerow.model.mandate import State

Verb: TypeAlias = Literal[
    "approve", "reject", "snooze", "pause", "resume", "halt", "reduce_only", "flatten", "mandate", "policy", "flag", "settle",
    "reconcile",
]  # fmt: skip
Level: TypeAlias = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Begin:
    """The first row of every journal: whose portfolio it is, and what it runs by. All of it as plain JSON.

    ``policy`` is the resolved policy as a text of JSON, since the order of its rows counts, ``universe`` the instruments in order,
    ``weights`` the targets by asset, ``holdings`` what there was, ``venue`` its terms (none: those of ``terms.WHOLE``).
    ``install`` is drawn once and stands in every order id.
    """

    at_ns: int
    version: str
    world: Literal["backtest", "paper", "live"]
    install: str
    policy: str
    universe: dict[str, Any]
    weights: dict[str, float]
    holdings: dict[str, Any]
    mandate: dict[str, Any]
    venue: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wake:
    """A process took the portfolio up: its version and the fencing token of its lease."""

    at_ns: int
    version: str
    token: int


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment that the engine asked for has come."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Command:
    """A wish of an operator. ``id`` is unique, so that one that is delivered twice acts once; ``who`` said it."""

    at_ns: int
    id: str
    who: str
    verb: Verb
    plan: str = ""
    text: str = ""
    seconds: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine says to a command."""

    at_ns: int
    id: str
    done: bool
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something at the edge does not work, or works again (``over``): a stream, a venue, the clock, the key."""

    at_ns: int
    key: str
    text: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The engine's state changed: who changed it and why."""

    at_ns: int
    state: State
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know. It stands until ``over``: an alert is a state, not an event."""

    at_ns: int
    key: str
    level: Level
    text: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Book and venue differ: by currency or position, what the book has, what the venue says, and how it was settled."""

    at_ns: int
    items: dict[str, tuple[Decimal, Decimal]]
    settled: Literal["open", "adopted", "ignored"] = "open"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that the engine is at a quiet moment: what a restart begins with. As plain JSON; blocks of numbers in base64."""

    at_ns: int
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the other portfolios of the desk traded today: by instrument, quote, bought above 0."""

    at_ns: int
    traded: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Markets:
    """There are more markets than before, as when a dated contract is listed: the universe from now on, as plain JSON."""

    at_ns: int
    universe: dict[str, Any]
