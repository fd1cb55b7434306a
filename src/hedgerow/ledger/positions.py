"""Positions in futures: size, exact entry value, and what they earned since they were opened.

An entry value (``cost``) is a running sum, so that no average is ever rounded: the average entry is derived from it,
arithmetic for a linear contract and harmonic for an inverse one. The arithmetic is that of ``model.contract``.
Source: domain 2.17; goldens G-17 to G-31.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from hedgerow.ledger.entries import EXACT, GRID, ZERO, share
from hedgerow.model import contract
from hedgerow.model.instrument import Instrument

DUST: Final = Decimal("1e-12")  # of a fill, of a position's parts: what rounding leaves over is nothing


class Held(NamedTuple):
    """What a position is kept by: the owner's account, the instrument's symbol, and the sleeve ("" or "carry")."""

    account: str
    instrument: str
    sleeve: str


class Position:
    """One position: ``size`` signed, in coins (inverse: quote of notional), short negative.

    ``cost`` is its value at the entries, in settle currency and signed as ``size``. ``realised``, ``fees`` (those paid
    in settle currency) and ``funding`` (above 0: received) count from the day it was opened at, ``opened_ns``.
    """

    __slots__ = ("contract", "cost", "fees", "funding", "held", "opened_ns", "realised", "size")

    def __init__(self, held: Held, contract: Instrument) -> None:
        self.held = held
        self.contract = contract
        self.size = self.cost = self.realised = self.fees = self.funding = ZERO
        self.opened_ns = 0

    @property
    def entry(self) -> Decimal | None:
        """Average entry price to 100 digits; None without a position."""
        if not self.size:
            return None
        with localcontext(EXACT):
            return self.size / self.cost if self.contract.inverse else self.cost / self.size

    def unrealised(self, price: Decimal) -> Decimal:
        """Profit if it were closed at ``price``, in settle currency and before fees."""
        with localcontext(EXACT):
            return contract.gained(self.cost, self.value(self.size, price), self.contract.inverse)

    def value(self, size: Decimal, price: Decimal) -> Decimal:
        """Notional of ``size`` at ``price`` in settle currency; coins of an inverse contract on the grid."""
        worth = contract.notional(size, price, self.contract.inverse)
        return worth.quantize(GRID) if self.contract.inverse else worth

    def trade(self, at_ns: int, amount: Decimal, price: Decimal) -> Decimal | None:
        """Buy (above 0) or sell ``amount`` at ``price``; what that realised in settle currency, None if it only adds.

        A trade through zero closes all and opens the rest at ``price``.
        """
        size, worth = self.size, self.value(amount, price)
        if not size:
            self._open(at_ns, amount, worth)
            return None
        if (size > ZERO) is (amount > ZERO):
            self.size, self.cost = size + amount, self.cost + worth
            return None
        rest = size + amount
        if not rest or (rest > ZERO) is (size > ZERO):
            part = share(self.cost, -amount, size) if rest else self.cost
            gained = contract.gained(part, -worth, self.contract.inverse)
            self.size, self.cost = rest, self.cost - part
            self.realised += gained
            return gained
        closing = self.value(size, price)
        gained = contract.gained(self.cost, closing, self.contract.inverse)
        self._open(at_ns, rest, worth + closing)
        return gained

    def _open(self, at_ns: int, amount: Decimal, cost: Decimal) -> None:
        self.opened_ns, self.size, self.cost = at_ns, amount, cost
        self.realised = self.fees = self.funding = ZERO


class Served(NamedTuple):
    """The part of a contract's position that serves one asset."""

    asset: str
    position: Position


def whole_of(served: Sequence[Served]) -> Decimal:
    """Size of all parts of a position together; nothing where only the rounding of their shares is left over."""
    sizes = [one.position.size for one in served]
    whole = sum(sizes, ZERO)
    return whole if abs(whole) > DUST * sum(map(abs, sizes), ZERO) else ZERO
