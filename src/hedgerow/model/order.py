"""An order, what a venue says of it, and which changes of its status are lawful.

Three outcomes of a request are told apart: accepted, refused, unanswered. An unanswered order is in doubt: it counts as fully
possible until a look-up that cannot be stale settles it. Quantities are cumulative, so that a report that is doubled, late
or out of order changes nothing (docs/explanation/orders.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, TypeAlias

OrderKind: TypeAlias = Literal["spot", "futures", "margin"]
Style: TypeAlias = Literal["taker", "maker"]
Source: TypeAlias = Literal["answer", "lookup", "stream"]
Word: TypeAlias = Literal["open", "filled", "cancelled", "refused", "unanswered", "not_found", "unreadable"]


class Status(StrEnum):
    """Where an order stands. DOUBT and those before it are alive: all that is not filled is still possible."""

    SENT = "sent"  # its row is durable, and it may be on the wire
    OPEN = "open"
    DOUBT = "doubt"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    DEAD = "dead"  # it never reached the venue, and no longer can


ALIVE: Final = frozenset((Status.SENT, Status.OPEN, Status.DOUBT))
# A word that is not in the row of the present status is a contradiction: the order is in doubt, and a person is asked.
LAWFUL: Final[Mapping[Status, frozenset[Status]]] = {
    Status.SENT: frozenset(Status),
    Status.OPEN: frozenset((Status.OPEN, Status.DOUBT, Status.FILLED, Status.CANCELLED)),
    Status.DOUBT: frozenset(Status) - {Status.SENT},
    Status.FILLED: frozenset((Status.FILLED,)),
    Status.CANCELLED: frozenset((Status.CANCELLED,)),
    Status.REFUSED: frozenset((Status.REFUSED,)),
    Status.DEAD: frozenset((Status.DEAD,)),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A wish that goes to a venue at most once, after its row is durable.

    ``amount`` is in coins, bought above 0; of kind "margin" it is collateral that moves to the contract (negative: back), settle
    currency. ``limit`` is the worst price that is taken (None: collateral has none). ``deadline_ns``: the venue refuses it
    after this time, so that a request which is still under way cannot be accepted later.
    """

    at_ns: int
    id: str
    plan: str
    leg: int
    kind: OrderKind
    instrument: str
    amount: Decimal
    limit: Decimal | None
    style: Style
    reduce_only: bool
    deadline_ns: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The wish that an order ends. It may be sent again: an order that is not there is not cancelled twice."""

    at_ns: int
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a venue said of an order, or that it did not.

    ``filled`` is cumulative, above 0, in the order's unit, ``price`` its mean price, ``fee`` what was paid for it in all (above 0)
    in ``fee_currency``. ``read_ns`` is the venue's time of the reading, ``market`` the instrument's price at the fill where the venue says it.
    """

    at_ns: int
    id: str
    word: Word
    source: Source
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    fee_currency: str = ""
    read_ns: int = 0
    text: str = ""
