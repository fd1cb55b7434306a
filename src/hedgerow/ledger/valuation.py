"""What is held, at the prices of one moment. A price that is missing is named, and then there is no total.

Stablecoins are valued at their market like any other currency: only the ledger's own quote counts as 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import NamedTuple

from hedgerow.ledger.entries import EXACT, GRID, ONE, ZERO, times
from hedgerow.ledger.positions import Held, Position

Balances = Mapping[tuple[str, str], Decimal]  # (account, currency) -> amount


class Value(NamedTuple):
    """Net asset value in quote, and its parts; a part without a price is None, and then ``total`` is None too.

    ``currencies`` are balances over all accounts, collateral among them; ``positions`` unrealised profit.
    ``missing`` names the prices that were needed ("ETH/USDT"); ``overdrawn`` the accounts with less than nothing,
    counted as such: more left them than the record saw come in.
    """

    total: Decimal | None
    currencies: dict[str, Decimal | None]
    positions: dict[Held, Decimal | None]
    missing: tuple[str, ...]
    overdrawn: tuple[tuple[str, str], ...]


class Dust(NamedTuple):
    """A balance too small to sell; ``value`` in quote, None without a price."""

    account: str
    currency: str
    amount: Decimal
    value: Decimal | None


def currency_prices(prices: Mapping[str, Decimal], quote: str) -> dict[str, Decimal]:
    """Value of one unit of each currency in quote, from spot prices by symbol.

    A currency is priced by its market in quote, by the quote's market in it, or over one currency between them.
    """
    found = {quote: ONE}
    spot = [(*pair(symbol), price) for symbol, price in prices.items() if ":" not in symbol]
    with localcontext(EXACT):
        found |= {asset: price for asset, money, price in spot if money == quote}
        for asset, money, price in spot:
            if asset == quote:
                found.setdefault(money, (ONE / price).quantize(GRID))
        direct = dict(found)
        for asset, money, price in spot:
            if money in direct:
                found.setdefault(asset, price * direct[money])
            elif asset in direct:
                found.setdefault(money, (direct[asset] / price).quantize(GRID))
    return found


def pair(symbol: str) -> tuple[str, str]:
    """Asset and quote of a spot symbol."""
    asset, _, money = symbol.partition("/")
    return asset, money


def value(
    balances: Balances,
    positions: Iterable[Position],
    prices: Mapping[str, Decimal],
    of: Mapping[str, Decimal],
    quote: str,
) -> Value:
    """Sum of balances at market and of unrealised profit, at ``prices`` (symbol -> price in its own quote) and ``of``,
    the ``currency_prices`` that follow from them.
    """
    held: dict[str, Decimal] = {}
    missing: dict[str, None] = {}
    total = ZERO
    with localcontext(EXACT):
        for (_, currency), amount in balances.items():
            held[currency] = held.get(currency, ZERO) + amount
        currencies = {currency: times(amount, of.get(currency)) for currency, amount in held.items() if amount}
        profits: dict[Held, Decimal | None] = {}
        for position in positions:
            price = prices.get(position.contract.symbol)
            gain = None if price is None else position.unrealised(price)
            settle = of.get(position.contract.settle)
            profits[position.held] = None if gain is None else times(gain, settle)
            missing |= {} if price is not None else {position.contract.symbol: None}
            missing |= {} if settle is not None else {f"{position.contract.settle}/{quote}": None}
        for currency, worth in currencies.items():
            missing |= {} if worth is not None else {f"{currency}/{quote}": None}
        for worth in (*currencies.values(), *profits.values()):
            total += worth or ZERO
    overdrawn = tuple(sorted(key for key, amount in balances.items() if amount < 0))
    return Value(None if missing else total, currencies, profits, tuple(sorted(missing)), overdrawn)


def dust(
    balances: Balances,
    of: Mapping[str, Decimal],
    quote: str,
    lots: Mapping[str, Decimal],
    least_value: Decimal,
) -> list[Dust]:
    """Balances that cannot be sold: above nothing, and below the lot of their currency or worth less than
    ``least_value`` in quote. ``lots`` are in coins, ``of`` values of currencies in quote. The quote itself is never dust, nor is what has no price and no
    lot: that is unknown.
    """
    found = []
    for (account, currency), amount in sorted(balances.items()):
        if amount <= 0 or currency == quote:
            continue
        worth = times(amount, of.get(currency))
        if amount < lots.get(currency, ZERO) or (worth is not None and worth < least_value):
            found.append(Dust(account, currency, amount, worth))
    return found
