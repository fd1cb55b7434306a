"""Events in few words, and random streams of them: a spot account, a futures account, three coins."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import strategies as st

from hedgerow.ledger.ledger import Ledger
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR

D = Decimal
_ids = count()
COINS = ("BTC", "ETH", "BNB")


def day(text: str) -> int:
    """UTC nanoseconds of a date."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def fill(amount: str | int, instrument: str, price: str | int, at: int = 0, **more: Any) -> Fill:
    numbers = {key: D(str(more.pop(key))) for key in ("fee", "fee_price", "index") if key in more}
    name = more.pop("id", None) or f"x{next(_ids)}"
    account = more.pop("account", "futures" if ":" in instrument else "spot")
    return Fill(at, name, account, instrument, D(str(amount)), D(str(price)), **numbers, **more)


def flow(amount: str | int, currency: str = "USDT", at: int = 0, account: str = "spot", **more: Any) -> Flow:
    numbers = {key: D(str(more.pop(key))) for key in ("price", "cost") if key in more}
    return Flow(at, more.pop("id", None) or f"x{next(_ids)}", account, currency, D(str(amount)), **numbers, **more)


def mark(at: int = 0, **prices: str | int) -> Mark:
    """``mark(t, BTC=1, BTCperp=2)``: prices in USDT of spot and of the perpetual."""
    named = {
        f"{name.removesuffix('perp')}/USDT" + (":USDT" if name.endswith("perp") else ""): D(str(price))
        for name, price in prices.items()
    }
    return Mark(at, f"x{next(_ids)}", named)


def folded(*events: Event, **options: Any) -> Ledger:
    ledger = Ledger(**options)
    ledger.fold(events)
    return ledger


amounts = st.integers(1, 500_000).map(lambda n: D(n).scaleb(-4))
prices = st.integers(50, 90_000_00).map(lambda n: D(n).scaleb(-2))


class Digits:
    """A number taken apart, choice by choice: quicker to draw than the choices, and it still shrinks."""

    def __init__(self, number: int) -> None:
        self.number = number

    def below(self, size: int) -> int:
        self.number, digit = divmod(self.number, size)
        return digit

    def one_of(self, *options: Any) -> Any:
        return options[self.below(len(options))]

    def amount(self) -> Decimal:
        return D(1 + self.below(500_000)).scaleb(-4)

    def price(self) -> Decimal:
        return D(50 + self.below(9_000_000)).scaleb(-2)

    def fee(self) -> Decimal:
        return D(self.below(220) - 20).scaleb(-5)


GAPS = (0, NS_PER_HOUR, NS_PER_DAY, 40 * NS_PER_DAY, 366 * NS_PER_DAY)


def streams(*, unknown: bool = True, most: int = 40) -> st.SearchStrategy[list[Event]]:
    """Events of all kinds in order of time, gaps from none to a year; sales and spends may exceed what is held.

    Without ``unknown`` every price, cost and payment is told, marks name all coins, and transfers are free.
    """
    drawn = st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=most)  # large integers come out small
    return drawn.map(lambda each: stream([int.from_bytes(one, "big") for one in each], unknown))


def stream(numbers: list[int], unknown: bool) -> list[Event]:
    at, events = 0, []
    for i, number in enumerate(numbers):
        digits = Digits(number)
        at += digits.one_of(*GAPS)
        events.append(MAKERS[digits.below(len(MAKERS))](at, i, digits, unknown))
    return events


def a_flow(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    amount, price = draw.amount(), draw.price()
    cost = None if unknown and draw.below(2) else price * amount
    currency, side = draw.one_of("USDT", *COINS), draw.one_of(1, -1)
    return Flow(at, f"flow{i}", draw.one_of("spot", "futures"), currency, amount * side, price, cost)


def a_transfer(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    where = draw.one_of(("spot", "futures"), ("futures", "spot"))
    fee = abs(draw.fee()) if unknown else D(0)
    return Transfer(at, f"move{i}", *where, draw.one_of("USDT", *COINS), draw.amount(), fee)


def a_spot_fill(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    symbol = draw.one_of(*(f"{coin}/USDT" for coin in COINS), "ETH/BTC")
    base, money = symbol.split("/")
    currency, amount, fee = draw.one_of("", money, base, "BNB"), draw.amount(), draw.fee()
    fee = abs(fee) * amount / 10 if currency == base else fee
    price = draw.price()
    kind, fee_price = draw.one_of("trade", "dust"), None if unknown and draw.below(2) else draw.price()
    side, sleeve = draw.one_of(1, -1), draw.one_of("", "carry")
    if money != "USDT":
        fee = fee if currency == base else abs(fee) * amount * price / 10
    return Fill(at, f"spot{i}", "spot", symbol, amount * side, price, fee, currency, fee_price, kind, sleeve=sleeve)


def a_futures_fill(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    coin, side = draw.one_of(*COINS), draw.one_of(1, -1)
    symbol, size = draw.one_of((f"{coin}/USDT:USDT", 1), (f"{coin}/USD:{coin}", 100))
    amount = draw.amount() * side * size
    sleeve = draw.one_of("", "carry")
    return Fill(at, f"perp{i}", "futures", symbol, amount, draw.price(), draw.fee(), sleeve=sleeve)


def a_payment(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    coin = draw.one_of(*COINS)
    symbol, rate = draw.one_of(f"{coin}/USDT:USDT", f"{coin}/USD:{coin}"), draw.fee()
    amount = None if unknown and draw.below(2) else draw.fee()
    return Funding(at, f"pay{i}", "futures", symbol, amount, rate, draw.price())


def an_income(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    kind = draw.one_of("interest", "reward", "tax", "charge")
    amount = draw.amount() / (100 if kind in ("interest", "reward") else -100)
    price = None if unknown and draw.below(2) else draw.price()
    return Income(at, f"earn{i}", "spot", draw.one_of(*COINS), amount, kind, price)


def a_mark(at: int, i: int, draw: Digits, unknown: bool) -> Event:
    coins = (draw.one_of(*COINS),) if unknown else COINS
    named = {f"{coin}/{tail}": draw.price() for coin in coins for tail in ("USDT", "USDT:USDT", f"USD:{coin}")}
    return Mark(at, f"mark{i}", named)


MAKERS = (
    a_flow, a_spot_fill, a_mark, a_futures_fill, a_payment, a_transfer, an_income, a_spot_fill, a_futures_fill, a_spot_fill,
)  # fmt: skip
