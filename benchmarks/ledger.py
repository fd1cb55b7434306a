"""How fast the ledger folds: mixed events of a busy account, made without chance, by every method of lots.

A row is the CPU time of a whole fold on one core. It should stay under 2 s for 100,000 events.
"""

from __future__ import annotations

import time
from collections import defaultdict
from decimal import Decimal
from typing import Any, get_args

from benchmarks.measure import Table
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.lots import Method
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.units import NS_PER_HOUR

COINS = {"BTC": 30_000_00, "ETH": 2_000_00, "SOL": 60_00, "LINK": 15_00, "LTC": 90_00}  # first price, cents


def mixed_events(count: int) -> list[Event]:
    """``count`` events: spot fills with fees in quote, base and BNB, futures fills, funding, transfers, marks."""
    step = NS_PER_HOUR // 4
    prices = dict(COINS)
    events: list[Event] = [
        Flow(0, "flow", "spot", "USDT", Decimal(10_000_000)),
        Flow(0, "flow-futures", "futures", "USDT", Decimal(5_000_000)),
        Flow(0, "flow-bnb", "spot", "BNB", Decimal(100_000), Decimal(300), Decimal(25_000_000)),
    ]
    owned = dict.fromkeys(COINS, 0)  # thousandths
    chance = 12_345
    while len(events) < count:
        i = len(events)
        chance = (chance * 1_103_515_245 + 12_345) % 2**31
        coin = tuple(COINS)[chance // 7 % len(COINS)]
        prices[coin] = max(100, prices[coin] + (chance // 1_000 % 201 - 100) * prices[coin] // 20_000)
        price = Decimal(prices[coin]).scaleb(-2)
        units = 1 + chance // 3 % 997
        amount, at_ns, what = Decimal(units).scaleb(-3), i * step, chance // 11 % 100
        if i % 96 == 0:
            marks = {
                f"{name}/USDT{tail}": Decimal(cents).scaleb(-2)
                for name, cents in prices.items()
                for tail in ("", ":USDT")
            }
            events.append(Mark(at_ns, f"m{i}", marks | {"BNB/USDT": Decimal(300)}))
        elif what < 60:
            sells = owned[coin] >= units and what % 2 == 0
            owned[coin] += -units if sells else units
            currency = ("USDT", "BNB", "USDT" if sells else coin)[what % 3]
            fee = {"USDT": amount * price, "BNB": amount * price / 320, coin: amount}[currency] * Decimal("0.001")
            if currency == coin:
                owned[coin] -= 1 + units // 1_000  # never sell what the fee took
            side, fee = -amount if sells else amount, fee.quantize(Decimal("1e-8"))
            events.append(Fill(at_ns, f"s{i}", "spot", f"{coin}/USDT", side, price, fee, currency))
        elif what < 80:
            side = amount if what % 2 else -amount
            fee = amount * price * Decimal("0.0005")
            events.append(Fill(at_ns, f"f{i}", "futures", f"{coin}/USDT:USDT", side, price, fee))
        elif what < 94:
            events.append(Funding(at_ns, f"p{i}", "futures", f"{coin}/USDT:USDT", (amount - 50) / 100))
        elif what < 98:
            events.append(Transfer(at_ns, f"t{i}", "spot", "futures", "USDT", amount))
        else:
            events.append(Income(at_ns, f"i{i}", "spot", coin, amount, "reward", price))
    return events


def fold_seconds(events: list[Event], method: Method, *read: str, **options: Any) -> float:
    """CPU seconds of one fold, and of reading the lists of records that are named."""
    ledger = Ledger("USDT", method, **options)
    start = time.process_time()
    ledger.fold(events)
    for name in read:
        getattr(ledger, name)
    return time.process_time() - start


def measure(count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of every round by method, the methods in turn; and with disposals read, and with entries kept and read."""
    events = mixed_events(count)
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for method in get_args(Method):
            taken[method].append(fold_seconds(events, method))
        taken["FIFO, disposals"].append(fold_seconds(events, "FIFO", "disposals"))
        taken["FIFO, entries"].append(fold_seconds(events, "FIFO", "entries", keep_entries=True))
    return taken


def report(table: Table, count: int, rounds: int) -> None:
    """A row a method: microseconds of CPU time an event."""
    table.begin(f"The ledger: a fold of {count:,} mixed events")
    for name, seconds in measure(count, rounds).items():
        table.put(f"ledger.{name}", f"{name}: an event", "us", [1e6 * each / count for each in seconds])
