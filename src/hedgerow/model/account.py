"""What a venue's account holds when it is asked: the picture that the book is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """A futures position at the venue: coins (inverse contracts: quote of notional), short below 0; entry; its own collateral."""

    size: Decimal
    entry: Decimal
    collateral: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the venue says of the account at ``read_ns``, its time.

    ``balances``: currency -> amount in the spot wallet, those locked by orders included. ``margin``: currency -> amount in a
    futures wallet that contracts share. ``orders``: ids of our orders that are open there; ``foreign``: how many others are.
    ``whole`` is False where a part could not be read: then nothing is concluded from what is missing.
    """

    at_ns: int
    read_ns: int
    balances: Mapping[str, Decimal]
    margin: Mapping[str, Decimal]
    positions: Mapping[str, Standing]
    orders: tuple[str, ...]
    foreign: int = 0
    whole: bool = True
