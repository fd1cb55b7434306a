"""The arithmetic of a contract: notional, profit, average entry, funding. Written once for both books.

The kernel compiles these functions for float64; the ledger calls them with Decimal. So they hold no float and no
division but by a price: ``size`` is coins for spot and linear contracts, quote of notional for inverse ones (contracts
times the contract's size); it is signed, short negative. A linear contract settles in quote, an inverse one in coins.
Source: domain 2.7, 2.12, 2.17; BitMEX and Bybit contract guides (goldens G-17 to G-31).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeVar

Number = TypeVar("Number", float, Decimal)

NEAREST: Final = 3  # days to expiry: the basis of a nearer contract says nothing (domain 2.6)


def notional(size: Number, price: Number, inverse: bool) -> Number:
    """Value of a position in its settle currency: quote (linear), coins (inverse); signed as ``size``."""
    return size / price if inverse else size * price


def profit(size: Number, entry: Number, price: Number, inverse: bool) -> Number:
    """Profit of ``size`` entered at ``entry`` and marked or closed at ``price``, in settle currency."""
    return size / entry - size / price if inverse else size * (price - entry)


def gained(cost: Number, value: Number, inverse: bool) -> Number:
    """Profit of a position that was worth ``cost`` at its entries and is worth ``value``: ``profit`` without an entry.

    Both are notionals in settle currency; the ledger sums them, so that no average entry is rounded.
    """
    return cost - value if inverse else value - cost


def average_entry(size: Number, entry: Number, more: Number, price: Number, inverse: bool) -> Number:
    """Entry after ``more`` of the same sign was added at ``price``: arithmetic (linear) or harmonic (inverse)."""
    if inverse:
        return (size + more) / (size / entry + more / price)
    return (size * entry + more * price) / (size + more)


def funding_received(size: Number, mark: Number, rate: Number, inverse: bool) -> Number:
    """What the holder of ``size`` receives at a funding stamp, in settle currency; negative: pays.

    The sign of funding is fixed here and nowhere else: at a positive rate longs pay shorts.
    """
    return -(size / mark * rate) if inverse else -(size * mark * rate)


def annual_basis(future: Number, spot: Number, days: Number) -> Number:
    """Simple basis of a dated contract so many days before its expiry, a fraction per year of 365 days; positive: a
    short receives it by the expiry. Both prices are of one instant (domain 2.6).
    """
    return (future / spot - 1) * 365 / days
