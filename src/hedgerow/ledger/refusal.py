"""What the ledger does not book: the checks of an event, before it changes anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from hedgerow.errors import ConfigError, Mismatch
from hedgerow.ledger.entries import ZERO
from hedgerow.model.event import FILL_KINDS, Event, Fill

DIGITS: Final = 40  # of an amount before the point: a product of two has 80, and 20 decimals, the 100 that are exact
SLACK: Final = Decimal("1e-9")  # of a position: what a close by the venue may exceed it by


def refusal(event: Event, message: str, fix: str) -> ConfigError:
    """The error of an event that cannot be booked."""
    return ConfigError(message, where=f"event {event.id}", fix=fix)


def check(event: Event, *amounts: Decimal | None) -> None:
    """Refuse what is no finite Decimal."""
    for amount in amounts:
        if amount is not None and (type(amount) is not Decimal or not amount.is_finite()):
            raise refusal(event, f"{amount!r} is no finite decimal number", "Write amounts as text, for example 0.5")
        if amount and amount.adjusted() >= DIGITS:
            raise refusal(event, f"{amount} is beyond what is exact here", f"Amounts lie below 1e{DIGITS}")


def check_prices(event: Event, *prices: Decimal | None) -> None:
    """Refuse what is no price: not a finite Decimal, or not above zero."""
    for price in prices:
        if price is None:
            continue
        if type(price) is not Decimal or not price.is_finite():
            check(event, price)
        if price <= ZERO:
            raise refusal(event, f"{price} is no price", "Leave it out where none is known")
        check(event, price)


def check_fill(event: Fill) -> None:
    """Refuse a fill of nothing, of an unknown kind, or with a number that is none."""
    amount, price, fee = event.amount, event.price, event.fee
    if not (type(amount) is Decimal and amount.is_finite() and amount.adjusted() < DIGITS):
        check(event, amount)
    if not (type(fee) is Decimal and fee.is_finite() and fee.adjusted() < DIGITS):
        check(event, fee)
    if not (type(price) is Decimal and price.is_finite() and price > ZERO and price.adjusted() < DIGITS):
        check_prices(event, price)
    if event.index is not None or event.decided is not None or event.fee_price is not None:
        check_prices(event, event.fee_price, event.decided, event.index)
    if not amount or event.kind not in FILL_KINDS:
        what = f'"{event.kind}" is no kind of fill' if amount else "nothing was filled"
        raise refusal(event, what, f"Give an amount, and a kind of {', '.join(FILL_KINDS)}")


def check_close(event: Fill, size: Decimal) -> None:
    """Refuse a close by the venue (liquidation, settlement, deleveraging) that exceeds the position of ``size``."""
    if event.kind == "dust":
        raise refusal(event, "a futures position is never sold as dust", "Write it as a trade")
    against = (size > ZERO) is not (event.amount > ZERO)
    excess = abs(event.amount) - abs(size) if against else abs(event.amount)
    if excess > SLACK * abs(size):
        raise Mismatch(
            f"event {event.id}: a {event.kind} of {event.amount:f} {event.instrument}, and {size:f} was held"
        )
