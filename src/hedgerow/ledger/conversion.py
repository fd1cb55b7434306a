"""A spot trade as what came, what went, and what each was worth: pure arithmetic, before any account is touched.

A fee is counted once. Of a purchase it goes into the cost of what was bought, of a sale it comes off the proceeds
(domain 2.19). Paid in the coin bought, it leaves fewer coins at the same cost; in the coin sold, more coins leave; in
a third coin, that coin is spent at its own value.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from hedgerow.ledger.entries import GRID, ONE, ZERO, negative, plus, times
from hedgerow.ledger.refusal import refusal
from hedgerow.model import contract
from hedgerow.model.event import Fill
from hedgerow.model.instrument import Instrument

# What came: its currency, how much of it (gross), how much was received (less a fee of that currency), and its cost.
# What went: its currency, how much of it (gross), how much was spent (with a fee of that currency), its gross proceeds,
# and the fees that come off them. The fee: its currency ("" without one) and its value. Costs, proceeds, fees and values
# are in quote, None where unknown. A plain tuple, for a fold reads very many.
Conversion: TypeAlias = tuple[
    str, Decimal, Decimal, Decimal | None,
    str, Decimal, Decimal, Decimal | None, Decimal | None,
    str, Decimal | None,
]  # fmt: skip


def conversion(event: Fill, pair: Instrument, quote: str, of: Mapping[str, Decimal]) -> Conversion:
    """Read a spot fill; ``of`` are the values of currencies in ``quote`` at the last mark.

    Raises ``ConfigError`` where the fee is more than the coins that were traded.
    """
    bought, fee = event.amount > ZERO, event.fee
    coins = event.amount if bought else -event.amount
    money = contract.notional(coins, event.price, False)
    rate = ONE if pair.quote == quote else pair_rate(pair, event.price, quote, of)
    gross = money if rate is ONE else coins if pair.asset == quote else times(money, rate)
    came, come, gone, go = (pair.asset, coins, pair.quote, money) if bought else (pair.quote, money, pair.asset, coins)
    if not fee:
        return came, come, come, gross, gone, go, go, gross, ZERO, "", None
    currency = event.fee_currency or pair.quote
    paid = fee if currency == quote else fee_value(event, pair, currency, rate, of)
    cost, proceeds, received, spent = gross, gross, come, go
    fees = ZERO if bought else paid
    if currency == came:
        received = come - fee
        cost = gross if bought else plus(gross, negative(paid))
    elif currency == gone:
        spent, proceeds = go + fee, plus(gross, paid)
    if bought and currency != came:
        cost = plus(gross, paid)
    if (received < ZERO and came != quote) or (spent < ZERO and gone != quote):
        raise refusal(event, "the fee is more than what was traded", "Correct the fee or its currency")
    return came, come, received, cost, gone, go, spent, proceeds, fees, currency, paid


def fee_value(
    event: Fill, pair: Instrument, currency: str, rate: Decimal | None, of: Mapping[str, Decimal]
) -> Decimal | None:
    """Value of a spot fill's fee in quote: by the trade itself, the event's ``fee_price``, or the last mark."""
    if currency == pair.quote:
        return times(event.fee, rate)
    if currency == pair.asset:
        return times(event.fee * event.price, rate)
    return times(event.fee, of.get(currency) if event.fee_price is None else event.fee_price)


def pair_rate(pair: Instrument, price: Decimal, quote: str, of: Mapping[str, Decimal]) -> Decimal | None:
    """Value of one unit of the pair's quote; where no mark tells it, by the value of the asset that was traded."""
    if pair.quote == quote:
        return ONE
    asset = of.get(pair.asset)
    if asset is not None and (pair.asset == quote or pair.quote not in of):
        return (asset / price).quantize(GRID)
    return of.get(pair.quote)
