"""The files of a tax year: four tables for a spreadsheet, and two that rotki's generic import reads.

Spot disposals and derivatives are separate record types and never share a file. A basis or proceeds that nobody knows
is an empty cell, and so is the gain.

rotki's columns and words are those of its own reader and guide (rotki/rotki: data_import/importers/rotki_trades.py and
rotki_events.py, and its guide "rotki Generic Import"): times are milliseconds since 1970 in UTC; currencies
are rotki's identifiers, so symbols of tokens may have to be replaced by theirs; an account that is none of its locations
is "external". Its reader knows no futures record: what they realised and the funding go in as Income and Loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hedgerow.faces.records import stamp
from hedgerow.faces.statement_files import write_table
from hedgerow.ledger.entries import EXACT
from hedgerow.ledger.tax import start_ns
from hedgerow.model.event import Event, Fill, Flow, Income, Transfer
from hedgerow.model.instrument import Kind, from_symbol

if TYPE_CHECKING:
    from hedgerow.ledger.tax import TaxYear

DISPOSALS: Final = (
    "event", "kind", "account", "currency", "lot", "acquired", "disposed", "amount", "proceeds", "fees", "basis",
    "gain", "days", "term",
)  # fmt: skip
DERIVATIVES: Final = ("event", "time", "kind", "account", "instrument", "sleeve", "currency", "amount", "value")
INCOME: Final = ("event", "time", "kind", "account", "currency", "amount", "value")
OPEN_LOTS: Final = ("account", "currency", "lot", "acquired", "amount", "cost")
ROTKI_TRADES: Final = (
    "Location", "Spend Currency", "Receive Currency", "Receive Amount", "Spend Amount", "Fee", "Fee Currency",
    "Description", "Timestamp",
)  # fmt: skip
ROTKI_EVENTS: Final = (
    "Type", "Location", "Currency", "Amount", "Fee", "Fee Currency", "Description", "Timestamp",
)  # fmt: skip
EXTERNAL: Final = "external"  # rotki's word for a place that it does not know
LOCATIONS: Final = frozenset(
    ("external", "kraken", "poloniex", "bittrex", "binance", "bitmex", "coinbase", "banks", "blockchain", "gemini",
     "cryptocom", "bitstamp", "binanceus", "bitfinex", "bitcoinde", "iconomi", "kucoin", "ftx", "nexo", "blockfi",
     "independentreserve", "gitcoin", "shapeshift", "uphold", "bitpanda", "bisq", "ftxus", "okx")
)  # fmt: skip


def write_tax(folder: Path, year: TaxYear, events: Sequence[Event]) -> list[Path]:
    """Write all files into ``folder`` and return them. ``events`` are all that were read: rotki's files hold the year's."""
    start, end = start_ns(year.year), start_ns(year.year + 1)
    ours = [event for event in events if start <= event.at_ns < end]
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "disposals.csv": (DISPOSALS, _rows((*year.disposals, *year.withdrawals))),
        "derivatives.csv": (DERIVATIVES, _derivatives(year)),
        "income.csv": (INCOME, _income(year)),
        "open_lots.csv": (OPEN_LOTS, _rows(year.open_lots)),
        "rotki_trades.csv": (ROTKI_TRADES, rotki_trades(ours)),
        "rotki_events.csv": (ROTKI_EVENTS, rotki_events(ours, year)),
    }
    return [write_table(folder / name, heads, rows) for name, (heads, rows) in tables.items()]


def _rows(records: Iterable[Any]) -> Iterator[list[object]]:
    """Records as their own columns, in the order of their fields."""
    for record in records:
        pairs = zip(record._fields, record, strict=True)
        yield [_time(value) if name.endswith("_ns") else value for name, value in pairs]


def _time(ns: int | None) -> str | None:
    return None if ns is None else stamp(ns)


def _derivatives(year: TaxYear) -> Iterator[list[object]]:
    """What is known, and the funding payments that are not, without an amount."""
    rows: list[tuple[int, list[object]]] = [
        (one.at_ns, [one.event, stamp(one.at_ns), one.kind, one.account, one.instrument, one.sleeve, one.currency,
                     one.amount, one.value])
        for one in year.derivatives
    ]  # fmt: skip
    lost: list[tuple[int, list[object]]] = [
        (one.at_ns, [one.event, stamp(one.at_ns), "funding", one.account, one.instrument, one.sleeve,
                     from_symbol(one.instrument).settle, None, None])
        for one in year.missing_funding
    ]  # fmt: skip
    for _, row in sorted([*rows, *lost], key=lambda pair: pair[0]):
        yield row


def _income(year: TaxYear) -> Iterator[list[object]]:
    for one in sorted((*year.income, *year.charges), key=lambda record: record.at_ns):
        yield [one.event, stamp(one.at_ns), one.kind, one.account, one.currency, one.amount, one.value]


# --------------------------------------------------------------------------------------------------------------- rotki


def rotki_trades(events: Iterable[Event]) -> Iterator[list[object]]:
    """Spot fills as rotki's generic trades."""
    for event in events:
        if not isinstance(event, Fill):
            continue
        pair = from_symbol(event.instrument)
        if pair.kind is not Kind.SPOT:
            continue
        with localcontext(EXACT):
            coins, money = abs(event.amount), abs(event.amount * event.price)
        spent, received = ((pair.quote, money), (pair.asset, coins))
        if event.amount < 0:
            spent, received = received, spent
        fee = [event.fee, event.fee_currency] if event.fee > 0 else [None, None]
        yield [
            location(event.account), spent[0], received[0], received[1], spent[1], *fee, _told(event), _ms(event.at_ns)
        ]  # fmt: skip


def rotki_events(events: Iterable[Event], year: TaxYear) -> Iterator[list[object]]:
    """Everything that is no spot trade, as rotki's generic events: amounts without a sign, their direction in the type."""
    rows: list[list[object]] = []
    for event in events:
        if isinstance(event, Flow):
            word = "Deposit" if event.amount > 0 else "Withdrawal"
            rows.append(_event(word, event.account, event.currency, event.amount, event.id, event.at_ns))
        elif isinstance(event, Income):
            word = ("Staking" if event.kind == "reward" else "Income") if event.amount > 0 else "Spend"
            told = f"{event.kind} {event.id}"
            rows.append(_event(word, event.account, event.currency, event.amount, told, event.at_ns))
        elif isinstance(event, Transfer) and event.fee:
            told = f"fee of transfer {event.id}"
            rows.append(_event("Spend", event.account, event.currency, event.fee, told, event.at_ns))
        elif isinstance(event, Fill) and event.fee < 0:
            rebated = from_symbol(event.instrument).kind is Kind.SPOT  # that of a contract is a derivative
            told = f"rebate of {event.id}"
            if rebated:
                rows.append(_event("Income", event.account, event.fee_currency, event.fee, told, event.at_ns))
    for one in year.derivatives:
        if one.amount:
            word = "Income" if one.amount > 0 else ("Spend" if one.kind == "fee" else "Loss")
            told = f"{one.kind} of {one.instrument} {one.event}"
            rows.append(_event(word, one.account, one.currency, one.amount, told, one.at_ns))
    yield from sorted(rows, key=lambda row: int(str(row[-1])))


def _event(word: str, account: str, currency: str, amount: Decimal, told: str, at_ns: int) -> list[object]:
    return [word, location(account), currency, abs(amount), None, None, told, _ms(at_ns)]


def location(account: str) -> str:
    """rotki's place for an account: the venue that it is named after, as in "binance spot", else external."""
    word = account.lower().split()[0] if account.split() else ""
    return word if word in LOCATIONS else EXTERNAL


def _told(fill: Fill) -> str:
    return " ".join(part for part in (fill.reason, fill.id) if part)


def _ms(ns: int) -> int:
    return ns // 1_000_000
