"""Holdings: the lots of every currency but the quote, how they came and went, and the principal still outstanding.

Either one pool a currency over all accounts (universal) or one an account; a transfer keeps lots, costs and days in
both. Values and costs are in quote, None where unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import ZERO, plus
from hedgerow.ledger.lots import Departure, Disposal, Left, Method, OpenLot, Pool, Taken, disposals
from hedgerow.ledger.records import Principal

Pooling = Literal["universal", "account"]


class Holdings:
    """Pools by (account, currency); the account is "" in universal ones.

    What left is kept as it left; a record of each lot is made of it when the first reader asks.
    """

    __slots__ = ("_left", "_long_days", "_method", "_pools", "_quote", "_records", "_stakes", "_universal", "_unknown")

    def __init__(self, quote: str, method: Method, pooling: Pooling, long_days: int) -> None:
        self._left: list[Left] = []  # what no reader asked for yet
        self._records: list[Disposal] = []
        self._quote, self._method, self._long_days = quote, method, long_days
        self._universal = pooling == "universal"
        self._pools: dict[tuple[str, str], Pool] = {}
        self._stakes: dict[str, list[Decimal]] = {}  # invested, recovered
        self._unknown: set[str] = set()  # assets of which a cost or proceeds are not known

    def receive(
        self, event: str, account: str, currency: str, amount: Decimal, cost: Decimal | None, acquired_ns: int
    ) -> None:
        """Add a lot of ``amount`` that cost ``cost``; the quote itself has no lots."""
        if currency != self._quote and amount:
            self._pool(account, currency).add(event, acquired_ns, amount, cost)

    def spend(
        self,
        event: tuple[str, int],
        kind: Departure,
        account: str,
        currency: str,
        amount: Decimal,
        proceeds: Decimal | None,
        fees: Decimal | None = ZERO,
        names: Sequence[str] = (),
    ) -> list[Taken]:
        """Let ``amount`` leave and record it; ``event`` is its id and time, proceeds are gross of ``fees``.

        Returns the parts of lots that left.
        """
        if currency == self._quote or not amount:
            return []
        try:
            parts = self._pool(account, currency).draw(amount, names)
        except ConfigError as error:  # the pool knows its lots, not whose sale named them
            raise ConfigError(error.message, where=f"event {event[0]}", fix=error.fix) from None
        self._left.append((parts, event, kind, account, currency, proceeds, fees))
        return parts

    def disposals(self) -> list[Disposal]:
        """One record a lot of all that left, in order of time. For use within ``localcontext(EXACT)``."""
        if self._left:
            made = [record for left in self._left for record in disposals(*left, self._long_days)]
            self._left = []  # only now: a reading that is broken off leaves all as it was
            self._records += made
        return self._records

    def move(self, account: str, to: str, currency: str, amount: Decimal) -> None:
        """Carry lots from one account to another. What the record never saw come in has no lot to carry."""
        if self._universal or currency == self._quote or account == to:
            return
        receiver = self._pool(to, currency)
        for name, acquired_ns, taken, cost in self._pool(account, currency).draw(amount):
            if acquired_ns is not None:
                receiver.add(name, acquired_ns, taken, cost)

    def invest(self, asset: str, cost: Decimal | None) -> None:
        """Count ``cost`` as principal put into an asset (below 0: coins that left with their cost)."""
        if asset != self._quote:
            stake = self._stake(asset)
            if cost is None:
                self._unknown.add(asset)
            else:
                stake[0] += cost

    def recover(self, asset: str, proceeds: Decimal | None, fees: Decimal | None = ZERO) -> None:
        """Count the proceeds of a sale, less its fees, as principal recovered from an asset."""
        if asset != self._quote:
            stake = self._stake(asset)
            if proceeds is None or fees is None:
                self._unknown.add(asset)
            else:
                stake[1] += proceeds - fees

    def _stake(self, asset: str) -> list[Decimal]:
        try:
            return self._stakes[asset]
        except KeyError:
            return self._stakes.setdefault(asset, [ZERO, ZERO])

    def principal(self) -> dict[str, Principal]:
        """Principal by asset, of everything that was bought and sold outside of the carry sleeve."""
        return {
            asset: Principal(invested, recovered, asset not in self._unknown)
            for asset, (invested, recovered) in self._stakes.items()
        }

    def open_lots(self) -> list[OpenLot]:
        """What is still held, by account, currency and day of purchase."""
        return [
            OpenLot(account, currency, part.lot, part.acquired_ns or 0, part.amount, part.cost)
            for (account, currency), pool in sorted(self._pools.items())
            for part in pool.lots()
        ]

    def _pool(self, account: str, currency: str) -> Pool:
        key = ("" if self._universal else account, currency)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._method)
        return pool


def basis_of(parts: Sequence[Taken]) -> Decimal | None:
    """The cost of all parts together, None where one of them is unknown."""
    total: Decimal | None = ZERO
    for part in parts:
        total = plus(total, part[3])
    return total
