"""Double entry: every event becomes an entry, whose postings sum to exactly zero in every currency.

Accounts of the owner are ``assets:`` and their name; the others say where money came from or went, one row in the
table below each. The sign is that of plain-text accounting: what the owner has is above 0, what was earned below, what
was spent above. A conversion goes through ``equity:trading`` in both currencies, so that no price enters a balance.
Source: the method of trading accounts (P. Selinger, Tutorial on multiple currency accounting, 2005).

Sums and products are exact (to 100 digits). A part of a cost, and the coins of an inverse contract, are a division:
it is rounded to 20 decimals, and what remains is found by subtraction, so that the parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final, NamedTuple, TypeAlias

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
GRID: Final = Decimal("1e-20")  # what a division is rounded to
EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
DIVIDE: Final = Context(
    prec=50, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)  # for averages
_add, _multiply = EXACT.add, EXACT.multiply

OWN: Final = "assets:"  # and the owner's name of the account
FLOWS: Final = "equity:flows"  # deposits and withdrawals
TRADING: Final = "equity:trading"  # both sides of a conversion on a spot market
DUST: Final = "equity:dust"  # both sides of what a venue converted because it was too small to sell
PROFIT: Final = "income:profit"  # realised by futures
FUNDING: Final = "income:funding"
INTEREST: Final = "income:interest"
REWARD: Final = "income:reward"
FEES: Final = "expenses:fees"
LIQUIDATION: Final = "expenses:liquidation"  # what a venue kept when it closed a position by force
TAX: Final = "expenses:tax"
CHARGE: Final = "expenses:charge"
NOMINAL: Final = (FLOWS, TRADING, DUST, PROFIT, FUNDING, INTEREST, REWARD, FEES, LIQUIDATION, TAX, CHARGE)


class Posting(NamedTuple):
    """An amount of a currency put into an account (above 0) or taken out of it."""

    account: str
    currency: str
    amount: Decimal


Move: TypeAlias = tuple[str, str, str, Decimal]  # to an account, from another, so much of a currency (below 0: back)


class Entry(NamedTuple):
    """What one event did to the accounts. ``event`` is its id, ``at_ns`` UTC nanoseconds."""

    at_ns: int
    event: str
    postings: tuple[Posting, ...]


def postings(moves: Iterable[Move]) -> tuple[Posting, ...]:
    """Both sides of every move."""
    sides: list[Posting] = []
    for to, source, currency, amount in moves:
        sides += (Posting(to, currency, amount), Posting(source, currency, amount.copy_negate()))
    return tuple(sides)


def balance_of(postings: Iterable[Posting]) -> dict[str, Decimal]:
    """Sum of the postings by currency; of an entry, or of all entries, it is zero in each."""
    sums: dict[str, Decimal] = {}
    for _, currency, amount in postings:
        sums[currency] = _add(sums.get(currency, ZERO), amount)
    return sums


def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """``whole * part / of`` on the grid of 20 decimals; what remains is ``whole`` less it, exactly.

    For use within ``localcontext(EXACT)``: operators are several times faster than the context's own methods.
    """
    return (whole * part / of).quantize(GRID)


def plus(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """The sum, unknown where one of the two is unknown."""
    return None if first is None or second is None else _add(first, second)


def times(amount: Decimal, price: Decimal | None) -> Decimal | None:
    """The value of an amount, unknown without a price."""
    return None if price is None else _multiply(amount, price)


def negative(amount: Decimal | None) -> Decimal | None:
    """The opposite, unknown of what is unknown."""
    return None if amount is None else amount.copy_negate()
