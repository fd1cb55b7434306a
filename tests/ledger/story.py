"""A made-up account over half a year: everything that an event file can say happens once, at prices that are given.

Spot in two coins, a short on a perpetual with one payment that nobody knows, a carry sleeve, a fee coin, a reward, a
tax, a deposit, a withdrawal, coins of unknown cost, and dust. Marks are daily closes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR

START_NS = 1_640_995_200_000_000_000  # 2022-01-01
DAYS = 181
PERP, SPOT, ETHER = "BTC/USDT:USDT", "BTC/USDT", "ETH/USDT"


def price(day: int) -> dict[str, Decimal]:
    """The daily closes of a day, by symbol."""
    wave = math.sin(day / 23.0)
    btc = Decimal(str(round(42_000 * math.exp(-0.004 * day + 0.06 * wave), 1)))
    eth = Decimal(str(round(3_200 * math.exp(-0.005 * day + 0.1 * wave), 2)))
    basis = Decimal(str(round(1 + 0.0006 * math.cos(day / 5.0), 6)))
    return {SPOT: btc, ETHER: eth, PERP: (btc * basis).quantize(Decimal("0.1")), "BNB/USDT": Decimal(400)}


def _day(day: int, hour: int = 0) -> int:
    return START_NS + day * NS_PER_DAY + hour * NS_PER_HOUR


def events(*, unknown_cost: bool = True, missing_funding: bool = True, days: int = DAYS) -> list[Event]:
    """The whole story in order of time."""
    told = [*_dealings(unknown_cost, days), *_payments(missing_funding, days), *_marks(days)]
    ranks = {Mark: 0}  # a daily close stands before what happens at the next day's opening
    return sorted(told, key=lambda event: (event.at_ns, ranks.get(type(event), 1)))


def _marks(days: int) -> Iterator[Event]:
    for day in range(days):
        regime = {"BTC": "downturn" if 40 <= day < 120 else "neutral", "ETH": "neutral"}
        yield Mark(_day(day + 1), f"mark {day}", price(day), regime)


def _fill(day: int, name: str, symbol: str, amount: str, reason: str, **more: object) -> Fill:
    """A fill at the opening that follows a day, 5 bp worse than its close."""
    at = price(day)
    decided, units = at[symbol], Decimal(amount)
    paid = decided * (Decimal("1.0005") if units > 0 else Decimal("0.9995"))
    account = "futures" if ":" in symbol else "spot"
    given: dict[str, object] = {
        "fee": (abs(units) * paid * Decimal("0.0005")).quantize(Decimal("0.00000001")), "fee_currency": "USDT",
        "decided": decided, "index": at[symbol.partition(":")[0]],
    }  # fmt: skip
    return Fill(_day(day + 1), name, account, symbol, units, paid, reason=reason, **given | more)  # type: ignore[arg-type]


def _dealings(unknown_cost: bool, days: int) -> Iterator[Event]:
    told: list[Event] = [
        Flow(_day(0), "deposit", "spot", "USDT", Decimal(120_000)),
        Flow(_day(0), "fee coin", "spot", "BNB", Decimal(2), Decimal(400), Decimal(800)),
        _fill(0, "first BTC", SPOT, "1.5", "initial"),
        _fill(0, "first ETH", ETHER, "10", "initial"),
        Transfer(_day(8), "to futures", "spot", "futures", "USDT", Decimal(20_000)),
        _fill(39, "short", PERP, "-0.75", "regime", row="regime.downturn"),
        _fill(60, "trim", ETHER, "-2", "drift", row="trim.drift", fee=Decimal("0.01"), fee_currency="BNB"),
        Income(_day(70), "reward", "spot", "ETH", Decimal("0.05"), "reward", price(69)[ETHER]),
        Flow(_day(80), "more", "spot", "USDT", Decimal(15_000)),
        _fill(90, "carry spot", SPOT, "0.2", "carry_enter", sleeve="carry"),
        _fill(90, "carry short", PERP, "-0.2", "carry_enter", sleeve="carry"),
        _fill(119, "cover", PERP, "0.5", "regime", row="regime.neutral"),
        Income(_day(130), "tax", "spot", "USDT", Decimal(-1_500), "tax"),
        Flow(_day(140), "out", "spot", "USDT", Decimal(-10_000)),
        Flow(_day(150), "from a wallet", "cold", "BTC", Decimal("0.1"), cost=None if unknown_cost else Decimal(3_000)),
        _fill(160, "big sale", ETHER, "-8.0499", "milestone", row="trim.milestone"),
    ]
    return iter([event for event in told if event.at_ns <= _day(days)])


def _payments(missing: bool, days: int) -> Iterator[Event]:
    """Funding three times a day on the hedge, and on the sleeve; one payment of the hedge is not known."""
    for day in range(40, min(days, DAYS)):
        for stamp in (8, 16, 24):
            mark, rate = price(day)[PERP], Decimal("0.0001") if day % 3 else Decimal("-0.00005")
            size = Decimal("-0.75") if day < 120 else Decimal("-0.25")
            known = None if missing and day == 50 and stamp == 8 else -size * mark * rate
            yield Funding(_day(day, stamp), f"funding {day} {stamp}", "futures", PERP, known, rate, mark)
            if day > 91:
                earned = Decimal("0.2") * mark * rate
                name = f"carry funding {day} {stamp}"
                yield Funding(_day(day, stamp), name, "futures", PERP, earned, rate, mark, sleeve="carry")
