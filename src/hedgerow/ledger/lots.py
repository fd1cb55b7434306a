"""Lots: what was bought when and for how much, and which of it a sale takes.

A method is a row of ``METHODS``: the order in which lots leave. A pool holds the lots of one currency, either of all
accounts together (universal) or of one; a heap keeps them in the method's order. A lot is named by the id of the event
that brought it. Costs are in quote with the buying fees in them; None is a cost that nobody told, and is never zero.
Source: domain 2.19; goldens G-50 and G-52.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from typing import Final, Literal, NamedTuple, TypeAlias

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import ZERO, plus, share
from hedgerow.units import NS_PER_DAY

Method: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "SPECIFIC", "AVERAGE"]
Departure: TypeAlias = Literal["sale", "dust", "fee", "loss", "funding", "charge", "withdrawal"]
Key: TypeAlias = tuple[int | Decimal, ...]


class Lot:
    """Coins of one origin: ``amount`` of them left, with ``cost`` in quote for all that are left (None: unknown)."""

    __slots__ = ("acquired_ns", "amount", "cost", "name")

    def __init__(self, name: str, acquired_ns: int, amount: Decimal, cost: Decimal | None) -> None:
        self.name, self.acquired_ns, self.amount, self.cost = name, acquired_ns, amount, cost


class Part(NamedTuple):
    """Some coins of a lot and their cost. ``lot`` is "" and ``acquired_ns`` None where no lot was left to take."""

    lot: str
    acquired_ns: int | None
    amount: Decimal
    cost: Decimal | None


class OpenLot(NamedTuple):
    """A lot that is still held. ``account`` is "" in a universal pool; ``cost`` in quote of all of ``amount``."""

    account: str
    currency: str
    lot: str
    acquired_ns: int
    amount: Decimal
    cost: Decimal | None


class Disposal(NamedTuple):
    """Coins of one lot that left, one record a lot.

    ``kind`` is sale, dust, fee (paid in these coins), loss (of a contract settled in coins), funding, charge (tax or
    other charges) or withdrawal; a withdrawal is no sale and has neither proceeds nor gain. ``proceeds`` are gross and
    ``fees`` those of the sale, in quote; ``gain`` is proceeds - fees - basis, None where one of them is unknown.
    ``days`` lie between the two UTC dates; ``term`` is "long" above the threshold, "short" up to it, "" unknown.
    """

    event: str
    kind: Departure
    account: str
    currency: str
    lot: str
    acquired_ns: int | None
    disposed_ns: int
    amount: Decimal
    proceeds: Decimal | None
    fees: Decimal | None
    basis: Decimal | None
    gain: Decimal | None
    days: int | None
    term: Literal["short", "long", ""]


def _oldest(lot: Lot, number: int) -> Key:
    return (lot.acquired_ns, number)


def _newest(lot: Lot, number: int) -> Key:
    return (-lot.acquired_ns, -number)


def _dearest(lot: Lot, number: int) -> Key:
    """Highest cost of a coin first; lots of unknown cost last."""
    if lot.cost is None:
        return (1, ZERO, lot.acquired_ns, number)
    return (0, -lot.cost / lot.amount, lot.acquired_ns, number)


# method -> the order in which lots leave; AVERAGE takes its dates from the oldest, SPECIFIC too where none is named
METHODS: Final[dict[Method, Callable[[Lot, int], Key]]] = {
    "FIFO": _oldest, "LIFO": _newest, "HIFO": _dearest, "SPECIFIC": _oldest, "AVERAGE": _oldest,
}  # fmt: skip


class Pool:
    """The lots of one currency, in the order in which ``method`` lets them leave; ``amount`` is what they hold."""

    __slots__ = ("_average", "_cost", "_heap", "_named", "_number", "_order", "amount")

    def __init__(self, method: Method) -> None:
        self.amount = ZERO
        self._order = METHODS[method]
        self._average = method == "AVERAGE"
        self._cost: Decimal | None = ZERO  # of all lots, kept for the average; None: part of it is unknown
        self._named: dict[str, list[Lot]] | None = {} if method == "SPECIFIC" else None
        self._heap: list[tuple[Key, Lot]] = []
        self._number = 0

    def add(self, name: str, acquired_ns: int, amount: Decimal, cost: Decimal | None) -> None:
        """Take in a lot of ``amount`` coins (above 0)."""
        lot = Lot(name, acquired_ns, amount, cost)
        self._number += 1  # no two keys are equal, so that two lots are never compared
        heappush(self._heap, (self._order(lot, self._number), lot))
        if self._named is not None:
            self._named.setdefault(name, []).append(lot)
        self.amount += amount
        if self._average:
            self._cost = plus(self._cost, cost)

    def take(self, amount: Decimal, names: Sequence[str] = ()) -> list[Part]:
        """Let ``amount`` coins (above 0) leave: the lots that are named (specific identification), else by method.

        What exceeds the pool is a part of unknown origin and cost. Raises ``ConfigError`` and takes nothing where the
        named lots do not hold as much.
        """
        parts: list[Part] = []
        left, heap = amount, self._heap
        if names and self._named is not None:
            for lot in self._chosen(names, amount):
                if left:
                    left = self._split(lot, left, parts)
        while left and heap:
            lot = heap[0][1]
            if lot.amount:
                left = self._split(lot, left, parts)
            if not lot.amount:
                heappop(heap)
        if left:
            parts.append(Part("", None, left, None))
        if not self.amount:
            self._cost = ZERO  # nothing unknown is left either
        return parts

    def lots(self) -> Iterator[Part]:
        """The lots that are left, oldest first; under average cost each with its share of the pool's cost."""
        held = sorted((lot for _, lot in self._heap if lot.amount), key=lambda lot: (lot.acquired_ns, lot.name))
        amount, cost = self.amount, self._cost
        for lot in held:
            value = lot.cost
            if self._average:
                value = cost if cost is None or lot.amount == amount else share(cost, lot.amount, amount)
                cost = None if cost is None or value is None else cost - value
                amount -= lot.amount
            yield Part(lot.name, lot.acquired_ns, lot.amount, value)

    def _split(self, lot: Lot, wanted: Decimal, parts: list[Part]) -> Decimal:
        """Take up to ``wanted`` coins out of a lot; returns how many are still wanted."""
        held, cost = lot.amount, lot.cost
        if held <= wanted:
            taken, left, lot.amount = held, wanted - held, ZERO
        else:
            taken, left, lot.amount = wanted, ZERO, held - wanted
            if cost is not None:
                cost = share(cost, taken, held)
                lot.cost = (lot.cost or ZERO) - cost
        if self._average:
            cost = self._cost
            if cost is not None and taken != self.amount:
                cost = share(cost, taken, self.amount)
            if cost is not None:
                self._cost = (self._cost or ZERO) - cost
        self.amount -= taken
        parts.append(Part(lot.name, lot.acquired_ns, taken, cost))
        return left

    def _chosen(self, names: Sequence[str], amount: Decimal) -> list[Lot]:
        assert self._named is not None
        lots = [lot for name in dict.fromkeys(names) for lot in self._named.get(name, ()) if lot.amount]
        held = sum((lot.amount for lot in lots), ZERO)
        if held < amount:
            fix = "Name lots that are still held, by the id of the event that bought them, or leave the names out"
            raise ConfigError(f"the lots {', '.join(names)} hold {held:f}, and {amount:f} were sold", fix=fix)
        return lots


def disposals(
    parts: Sequence[Part],
    event: tuple[str, int],
    kind: Departure,
    account: str,
    currency: str,
    proceeds: Decimal | None,
    fees: Decimal | None,
    long_days: int,
) -> list[Disposal]:
    """One record a part; ``event`` is its id and time, ``proceeds`` and ``fees`` are those of all parts together.

    They go by amount, and the last part gets what remains of them.
    """
    name, at_ns = event
    left, found = len(parts), []
    amount = sum((part.amount for part in parts), ZERO) if left > 1 else ZERO
    rest, rest_fees = proceeds, fees
    for lot, acquired_ns, taken, basis in parts:
        left -= 1
        brought, fee = rest, rest_fees
        if left:
            if proceeds is not None:
                brought = share(proceeds, taken, amount)
                rest = rest - brought if rest is not None else None
            if fees:
                fee = share(fees, taken, amount)
                rest_fees = rest_fees - fee if rest_fees is not None else None
        gain = None if brought is None or fee is None or basis is None else brought - fee - basis
        days, term = held_for(acquired_ns, at_ns, long_days)
        found.append(
            Disposal(
                name, kind, account, currency, lot, acquired_ns, at_ns, taken, brought, fee, basis, gain, days, term
            )
        )
    return found


def held_for(
    acquired_ns: int | None, disposed_ns: int, long_days: int
) -> tuple[int | None, Literal["short", "long", ""]]:
    """Days between the UTC dates, and the term: long when they are more than ``long_days``."""
    if acquired_ns is None:
        return None, ""
    days = disposed_ns // NS_PER_DAY - acquired_ns // NS_PER_DAY
    return days, "long" if days > long_days else "short"
