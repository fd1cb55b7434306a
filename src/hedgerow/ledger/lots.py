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
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import DIVIDE, ZERO, plus, share
from hedgerow.units import NS_PER_DAY

Method: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "SPECIFIC", "AVERAGE"]
Departure: TypeAlias = Literal["sale", "dust", "fee", "loss", "funding", "charge", "withdrawal"]
Term: TypeAlias = Literal["short", "long", ""]
Taken: TypeAlias = tuple[str, int | None, Decimal, Decimal | None]  # a ``Part``, plain
# what left at once: its parts, the event's id and time, kind, account, currency, proceeds and fees
Left: TypeAlias = tuple[list[Taken], tuple[str, int], Departure, str, str, Decimal | None, Decimal | None]


class Lot:
    """Coins of one origin: ``amount`` of them left, with ``cost`` in quote for all that are left (None: unknown)."""

    __slots__ = ("acquired_ns", "amount", "cost", "name")

    def __init__(self, name: str, acquired_ns: int, amount: Decimal, cost: Decimal | None) -> None:
        self.name, self.acquired_ns, self.amount, self.cost = name, acquired_ns, amount, cost


Rank: TypeAlias = int | tuple[bool, Decimal, int]  # what lots of a method are ordered by, the least first
Ranked: TypeAlias = tuple[Any, int, Lot]  # the rank of a lot and its number; no two are equal, no two lots are compared


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
    term: Term


def _oldest(lot: Lot) -> int:
    return lot.acquired_ns


def _newest(lot: Lot) -> int:
    return -lot.acquired_ns


def _dearest(lot: Lot) -> tuple[bool, Decimal, int]:
    """Highest cost of a coin first; lots of unknown cost last."""
    if lot.cost is None:
        return (True, ZERO, lot.acquired_ns)
    return (False, -DIVIDE.divide(lot.cost, lot.amount), lot.acquired_ns)


# method -> the order in which lots leave, and that of lots of one rank: 1 as they came, -1 the last one first;
# AVERAGE takes its dates from the oldest, SPECIFIC too where none is named
METHODS: Final[dict[Method, tuple[Callable[[Lot], Rank], int]]] = {
    "FIFO": (_oldest, 1), "LIFO": (_newest, -1), "HIFO": (_dearest, 1), "SPECIFIC": (_oldest, 1), "AVERAGE": (_oldest, 1),
}  # fmt: skip


class Pool:
    """The lots of one currency, in the order in which ``method`` lets them leave; ``amount`` is what they hold.

    For use within ``localcontext(EXACT)``.
    """

    __slots__ = ("_average", "_cost", "_heap", "_named", "_number", "_order", "_step", "amount")

    def __init__(self, method: Method) -> None:
        self.amount = ZERO
        self._order, self._step = METHODS[method]
        self._average = method == "AVERAGE"
        self._cost: Decimal | None = ZERO  # of all lots, kept for the average; None: part of it is unknown
        self._named: dict[str, list[Lot]] | None = {} if method == "SPECIFIC" else None
        self._heap: list[Ranked] = []
        self._number = 0

    def add(self, name: str, acquired_ns: int, amount: Decimal, cost: Decimal | None) -> None:
        """Take in a lot of ``amount`` coins (above 0)."""
        lot = Lot(name, acquired_ns, amount, None if self._average else cost)  # an average is the pool's
        self._number += self._step
        heappush(self._heap, (self._order(lot), self._number, lot))
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
        return [Part(*taken) for taken in self.draw(amount, names)]

    def draw(self, amount: Decimal, names: Sequence[str] = ()) -> list[Taken]:
        """What ``take`` does, as plain tuples in the order of ``Part``: a fold makes very many of them."""
        parts: list[Taken] = []
        left, heap = amount, self._heap
        named = self._chosen(names, amount) if names and self._named is not None else []
        while left and (named or heap):
            lot = named.pop() if named else heap[0][2]
            held, cost = lot.amount, lot.cost
            if held > left:
                if cost is not None:
                    whole, cost = cost, share(cost, left, held)
                    lot.cost = whole - cost
                lot.amount = held - left
                parts.append((lot.name, lot.acquired_ns, left, cost))
                left = ZERO
                break
            if held:  # else a named lot that left before its turn
                lot.amount = ZERO
                parts.append((lot.name, lot.acquired_ns, held, cost))
                left -= held
            if heap[0][2] is lot:
                heappop(heap)
        if self._average:
            parts = self._averaged(parts)
        self.amount -= amount - left
        if left:
            parts.append(("", None, left, None))
        return parts

    def lots(self) -> Iterator[Part]:
        """The lots that are left, oldest first; under average cost each with its share of the pool's cost."""
        ranked = [(lot.acquired_ns, lot.name, abs(number), lot) for _, number, lot in self._heap if lot.amount]
        held = [one[-1] for one in sorted(ranked)]  # those of one day and name as they came
        amount, cost = self.amount, self._cost
        for lot in held:
            value = lot.cost
            if self._average:
                value = cost if cost is None or lot.amount == amount else share(cost, lot.amount, amount)
                cost = None if cost is None or value is None else cost - value
                amount -= lot.amount
            yield Part(lot.name, lot.acquired_ns, lot.amount, value)

    def _averaged(self, parts: list[Taken]) -> list[Taken]:
        """The same parts, each with its share of the pool's cost."""
        found: list[Taken] = []
        held, cost = self.amount, self._cost
        for name, acquired_ns, amount, _ in parts:
            part = cost if cost is None or amount == held else share(cost, amount, held)
            cost = None if cost is None or part is None else cost - part
            held -= amount
            found.append((name, acquired_ns, amount, part))
        self._cost = cost if held else ZERO  # of an empty pool nothing is unknown
        return found

    def _chosen(self, names: Sequence[str], amount: Decimal) -> list[Lot]:
        """The lots that are named, the first one last."""
        assert self._named is not None
        lots = [lot for name in dict.fromkeys(names) for lot in self._named.get(name, ()) if lot.amount]
        held = sum((lot.amount for lot in lots), ZERO)
        if held < amount:
            fix = "Name lots that are still held, by the id of the event that bought them, or leave the names out"
            raise ConfigError(f"the lots {', '.join(names)} hold {held:f}, and {amount:f} were sold", fix=fix)
        return lots[::-1]


def disposals(
    parts: Sequence[Taken],
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
    left, found, today = len(parts), [], at_ns // NS_PER_DAY
    amount = sum((part[2] for part in parts), ZERO) if left > 1 else ZERO
    rest, rest_fees = proceeds, fees
    days: int | None
    term: Term
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
        days, term = None, ""
        if acquired_ns is not None:
            days = today - acquired_ns // NS_PER_DAY
            term = "long" if days > long_days else "short"
        found.append(
            Disposal(
                name, kind, account, currency, lot, acquired_ns, at_ns, taken, brought, fee, basis, gain, days, term
            )
        )
    return found
