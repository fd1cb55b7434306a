"""What exchanges let their users download, into events: one row of ``EXPORTS`` a format, the same few readers for all.

A format is recognised by its columns. Columns and their meaning were taken from the readers of BittyTax (binance, bybit)
and from files that users show in public; no file of an account was at hand, so each row says what its columns rest on.
Whatever a reader does not know it refuses by line: nothing is dropped in silence, and rows that say no more than others
do (a fee and a profit that the fills state) are counted. A time without a zone is only read when the caller says which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from hedgerow.errors import ConfigError
from hedgerow.model.event import Event
from hedgerow.store.events import Tell, decimal, event_of, in_order, moment
from hedgerow.store.events_csv import table

Row: TypeAlias = Mapping[str, str]
Made: TypeAlias = list[dict[str, Any]] | str  # lines of an event file, or why the row is none

QUOTES: Final = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "DAI", "EUR", "TRY", "BRL", "GBP", "USD", "BTC", "ETH", "BNB",
)  # fmt: skip
SIDES: Final = {
    "BUY": 1, "SELL": -1, "OPEN LONG": 1, "OPEN SHORT": -1, "CLOSE LONG": -1, "CLOSE SHORT": 1,
}  # fmt: skip
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")


class Reading(NamedTuple):
    """What a reader needs beside the row: the account's name and the place of the row for an error."""

    account: str
    where: str


@dataclass(frozen=True, slots=True)
class Export:
    """One format: ``needs`` are columns that it always has, ``time`` that of the time and ``utc`` whether its name says
    the zone; ``rests_on`` is where the columns are known from.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    time: str
    utc: bool
    account: str
    read: Callable[[Row, Reading], Made]
    rests_on: str


@dataclass(slots=True)
class Import:
    """Events of one or several files, and how many rows were left out, by reason."""

    events: tuple[Event, ...] = ()
    formats: dict[str, int] = field(default_factory=dict)  # title -> rows that became events
    left_out: dict[str, int] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------------ cells of a row


def pair_of(symbol: str, where: str) -> str:
    """``BTCUSDT`` as ``BTC/USDT``. Raises ConfigError for a quote that is not known."""
    quote = next((one for one in QUOTES if symbol.endswith(one) and symbol != one), "")
    if not quote:
        fix = f"Known quotes are {', '.join(QUOTES)}; write the row into an event file by hand."
        raise ConfigError(f'"{symbol}" is no pair of a known quote', where=where, fix=fix)
    return f"{symbol.removesuffix(quote)}/{quote}"


def contract_of(symbol: str, where: str) -> str:
    """``BTCUSDT``, ``BTCUSDT_220325`` as a linear contract. Raises ConfigError for coin-margined ones."""
    bare, _, expiry = symbol.partition("_")
    if (expiry and not re.fullmatch(r"\d{6}", expiry)) or bare.endswith("USD"):
        fix = "Their amounts are contracts of a size that the file does not say; write them by hand, in quote."
        raise ConfigError(f"{symbol} is coin-margined", where=where, fix=fix)
    pair = pair_of(bare, where)
    return f"{pair}:{pair.partition('/')[2]}{f'-{expiry}' if expiry else ''}"


def number(text: str, where: str) -> Decimal:
    """An amount; exchanges write a comma between thousands. Raises ConfigError for one that stands for the point."""
    bare = text.strip()
    if "," in bare and not _THOUSANDS.fullmatch(bare):
        fix = "Write amounts with a point, as 1234.5: a spreadsheet may have changed them, so load the file anew."
        raise ConfigError(f'"{bare}" has a comma that is not between thousands', where=where, fix=fix)
    return decimal(bare.replace(",", ""), where)


def split_unit(text: str, units: Sequence[str], where: str) -> tuple[Decimal, str]:
    """``0.036USDT`` or ``0.036 USDT`` as amount and unit; ``units`` are tried first, since some begin with digits."""
    bare = text.strip()
    for unit in units:
        if bare.endswith(unit) and re.fullmatch(r"[\d.,eE+-]+ ?", bare.removesuffix(unit)):
            return number(bare.removesuffix(unit), where), unit
    found = re.fullmatch(r"([+-]?[\d.,]+(?:[eE][+-]?\d+)?) ?([A-Za-z]\w*)", bare)
    if found is None:
        raise ConfigError(f'"{text}" is no amount with a currency', where=where, fix="Expected 0.1BTC.")
    return number(found[1], where), found[2]


def side_of(text: str, where: str) -> int:
    """1 for a purchase, -1 for a sale."""
    side = SIDES.get(text.strip().upper())
    if side is None:
        raise ConfigError(f'"{text}" is no side', where=where, fix=f"Known are {', '.join(SIDES)}.")
    return side


def _fill(
    instrument: str, reading: Reading, amount: Decimal, price: Decimal, fee: Decimal, paid_in: str
) -> dict[str, Any]:
    made = {"type": "fill", "account": reading.account, "instrument": instrument, "amount": f"{amount}"}
    made |= {"price": f"{price}", "fee": f"{fee}"}
    return made | ({"fee_currency": paid_in} if paid_in else {})


def _funding(symbol: str, reading: Reading, amount: Decimal, row: Row, column: str) -> dict[str, Any]:
    """A payment, which an event has in the contract's settle currency. Raises ConfigError for one in another."""
    settle = symbol.partition(":")[2].partition("-")[0]
    if row[column] != settle:
        message, fix = f"{symbol} pays funding in {settle}, and the row is in {row[column]}", "Write it by hand."
        raise ConfigError(message, where=f"{reading.where}: {column}", fix=fix)
    return {"type": "funding", "account": reading.account, "instrument": symbol, "amount": f"{amount}"}


# ------------------------------------------------------------------------------------------------------------- Binance


def _binance_spot(row: Row, reading: Reading) -> Made:
    """Pair, side, price; amounts and the fee carry their unit."""
    where, pair = reading.where, row["Pair"]
    cuts = [
        (pair[:i], pair[i:])
        for i in range(1, len(pair))
        if row["Executed"].strip().endswith(pair[:i]) and row["Amount"].strip().endswith(pair[i:])
    ]
    if len(cuts) != 1:
        message = f"{row['Executed']} and {row['Amount']} are not of {pair}"
        raise ConfigError(message, where=f"{where}: Pair", fix="Check the row.")
    (coin, money) = cuts[0]
    coins, _ = split_unit(row["Executed"], (coin,), f"{where}: Executed")
    fee, paid_in = split_unit(row["Fee"], (coin, money, "BNB"), f"{where}: Fee")
    amount = coins.copy_abs() * side_of(row["Side"], f"{where}: Side")
    return [_fill(f"{coin}/{money}", reading, amount, number(row["Price"], f"{where}: Price"), fee, paid_in)]


def _binance_spot_old(row: Row, reading: Reading) -> Made:
    where = reading.where
    amount = number(row["Amount"], f"{where}: Amount").copy_abs() * side_of(row["Type"], f"{where}: Type")
    fee = number(row["Fee"], f"{where}: Fee")
    symbol = pair_of(row["Market"], f"{where}: Market")
    return [_fill(symbol, reading, amount, number(row["Price"], f"{where}: Price"), fee, row.get("Fee Coin", ""))]


def _binance_futures(row: Row, reading: Reading) -> Made:
    """Fills of USD-margined futures; the realised profit follows from them."""
    where = reading.where
    symbol = contract_of(row["Symbol"], f"{where}: Symbol")
    settle = symbol.partition(":")[2].partition("-")[0]
    if re.search(r"[A-Za-z]", row["Fee"]):
        fee, paid_in = split_unit(row["Fee"], (settle, "BNB"), f"{where}: Fee")
    else:
        fee, paid_in = number(row["Fee"], f"{where}: Fee"), row.get("Fee Coin") or row.get("Quote Asset") or settle
    amount = number(row["Quantity"], f"{where}: Quantity").copy_abs() * side_of(row["Side"], f"{where}: Side")
    return [_fill(symbol, reading, amount, number(row["Price"], f"{where}: Price"), fee, paid_in)]


_BINANCE_INCOME: Final = {
    "INSURANCE_CLEAR": "charge", "REFERRAL_KICKBACK": "reward", "COMMISSION_REBATE": "reward", "API_REBATE": "reward",
    "WELCOME_BONUS": "reward", "CONTEST_REWARD": "reward",
}  # fmt: skip
_SAID_BY_FILLS: Final = "profit and fees that the fills state too (import the trade history beside it)"


def _binance_transactions(row: Row, reading: Reading) -> Made:
    """Funding, transfers to and from spot, and rebates."""
    where, kind = reading.where, row["type"]
    amount = number(row["Amount"], f"{where}: Amount")
    if kind in ("REALIZED_PNL", "COMMISSION"):
        return _SAID_BY_FILLS
    if kind == "FUNDING_FEE":
        return [_funding(contract_of(row["Symbol"], f"{where}: Symbol"), reading, amount, row, "Asset")]
    if kind == "TRANSFER":
        ends = ("binance spot", reading.account)
        source, to = ends if amount > 0 else ends[::-1]
        return [{
            "type": "transfer", "account": source, "to": to, "currency": row["Asset"], "amount": f"{abs(amount)}",
        }]  # fmt: skip
    if kind in _BINANCE_INCOME:
        made = {"type": "income", "account": reading.account, "currency": row["Asset"], "amount": f"{amount}"}
        return [made | {"kind": _BINANCE_INCOME[kind]}]
    fix = "Write the row into an event file by hand, and remove it here."
    raise ConfigError(f'the type "{kind}" is not known', where=f"{where}: type", fix=fix)


def _binance_moves(row: Row, reading: Reading) -> Made:
    """Deposits and, with a fee column, withdrawals; the network fee, paid beside the amount, is a charge."""
    if row["Status"].lower() not in ("completed", "successful"):
        return f"not completed ({row['Status']})"
    amount = number(row["Amount"], f"{reading.where}: Amount")
    same = {"account": reading.account, "currency": row["Coin"]}
    if "Fee" not in row:
        return [{"type": "flow", "amount": f"{amount}", **same}]
    fee = number(row["Fee"], f"{reading.where}: Fee")
    paid = [{"type": "income", "kind": "charge", "amount": f"{-fee}", **same}] if fee else []
    return [{"type": "flow", "amount": f"{-amount}", **same}, *paid]


# --------------------------------------------------------------------------------------------------------------- Bybit


def _bybit_spot(row: Row, reading: Reading) -> Made:
    """Fees are in what was received: the coin of a purchase, the quote of a sale."""
    where = reading.where
    symbol, side = pair_of(row["Spot Pairs"], f"{where}: Spot Pairs"), side_of(row["Direction"], f"{where}: Direction")
    coin, money = symbol.split("/")
    amount = number(row["Filled Quantity"], f"{where}: Filled Quantity") * side
    price, fee = (number(row[name], f"{where}: {name}") for name in ("Filled Price", "Fees"))
    return [_fill(symbol, reading, amount, price, fee, coin if side > 0 else money)]


def _bybit_futures(row: Row, reading: Reading) -> Made:
    """The derivatives account's transactions. Funding is taken from ``Change``, whose sign is that of the wallet."""
    where, kind = reading.where, row["Type"].strip().lower()
    if kind in ("transferin", "transferout"):
        amount = number(row["Change"], f"{where}: Change")
        ends = ("bybit spot", reading.account)
        source, to = ends if amount > 0 else ends[::-1]
        return [{
            "type": "transfer", "account": source, "to": to, "currency": row["Currency"], "amount": f"{abs(amount)}",
        }]  # fmt: skip
    if kind not in ("trade", "funding", "liquidation"):
        fix = "Write the row into an event file by hand, and remove it here."
        raise ConfigError(f'the type "{row["Type"]}" is not known', where=f"{where}: Type", fix=fix)
    symbol = contract_of(row["Contract"], f"{where}: Contract")
    if kind == "funding":
        return [_funding(symbol, reading, number(row["Change"], f"{where}: Change"), row, "Currency")]
    side = side_of(row["Direction"], f"{where}: Direction")
    amount = number(row["Quantity"], f"{where}: Quantity").copy_abs() * side
    price, fee = (number(row[name], f"{where}: {name}") for name in ("Filled Price", "Fee Paid"))
    made = _fill(symbol, reading, amount, price, fee, row["Currency"])
    return [made | ({"kind": "liquidation"} if kind == "liquidation" else {})]


def _bybit_moves(row: Row, reading: Reading) -> Made:
    if row["Description"] not in ("Deposit", "Withdrawal"):
        return f"inside Bybit ({row['Description']})"
    amount = number(row["QTY"], f"{reading.where}: QTY").copy_abs()
    made = {"type": "flow", "account": reading.account, "currency": row["Coin"]}
    return [made | {"amount": f"{amount if row['Description'] == 'Deposit' else -amount}"}]


_BITTYTAX: Final = "columns as BittyTax reads them"
_SHOWN: Final = "columns as users show them in public"
EXPORTS: Final = (
    Export("binance-spot", "Binance spot trades", ("Pair", "Side", "Price", "Executed", "Amount", "Fee"),
           "Date(UTC)", True, "binance spot", _binance_spot, _BITTYTAX),
    Export("binance-spot-old", "Binance spot trades, older form",
           ("Market", "Type", "Price", "Amount", "Total", "Fee", "Fee Coin"),
           "Date(UTC)", True, "binance spot", _binance_spot_old, _BITTYTAX),
    Export("binance-futures-utc", "Binance futures trades", ("Symbol", "Side", "Price", "Quantity", "Fee"),
           "Date(UTC)", True, "binance futures", _binance_futures, _SHOWN),
    Export("binance-futures", "Binance futures trades", ("Symbol", "Side", "Price", "Quantity", "Fee", "Realized Profit"),
           "Time", False, "binance futures", _binance_futures, f"{_SHOWN}; their times are those of the user's own zone"),
    Export("binance-transactions", "Binance futures transactions", ("type", "Amount", "Asset", "Symbol", "Transaction ID"),
           "Date(UTC)", True, "binance futures", _binance_transactions, _BITTYTAX),
    Export("binance-deposits", "Binance deposits and withdrawals", ("Coin", "Amount", "TXID", "Status"),
           "Date(UTC+0)", True, "binance spot", _binance_moves, _BITTYTAX),
    Export("bybit-spot", "Bybit spot orders",
           ("Spot Pairs", "Direction", "Filled Price", "Filled Quantity", "Fees"),
           "Timestamp (UTC)", True, "bybit spot", _bybit_spot, _SHOWN),
    Export("bybit-futures", "Bybit derivatives transactions",
           ("Currency", "Contract", "Type", "Direction", "Quantity", "Filled Price", "Fee Paid", "Change"),
           "Time", False, "bybit futures", _bybit_futures, _BITTYTAX),
    Export("bybit-deposits", "Bybit deposits and withdrawals", ("Coin", "QTY", "Type", "Description"),
           "Date & Time(UTC)", True, "bybit spot", _bybit_moves, _BITTYTAX),
)  # fmt: skip
IDS: Final = ("Trade ID", "Transaction ID", "TXID", "Order No.")  # what names a row, where it is there


# ---------------------------------------------------------------------------------------------------------- the reading


def read_exports(
    paths: Iterable[Path], columns: Mapping[str, str] | None = None, offset: str | None = None,
    tell: Tell = lambda done, of: None,
) -> Import:  # fmt: skip
    """Events of downloaded files; ``offset`` (as ``+02:00``) is the zone of times that name none.

    ``columns`` (ours -> theirs, with ``side`` beside those of an event file) reads any other table of fills. An event's
    id is the format and the exchange's own number, so that a row in two files is found: it is kept once. Raises
    ConfigError that names file, line and column.
    """
    made = Import()
    found: dict[str, Event] = {}
    for path in paths:
        export: Export | None = None
        alike: dict[str, int] = {}
        for line, row in table(path, tell, known=()):
            where = f"{path}: line {line}"
            export = export or (named(columns, row.keys(), path) if columns else recognise(row.keys(), path))
            read = _events(export, row, where, offset, alike)
            if isinstance(read, str):
                made.left_out[read] = made.left_out.get(read, 0) + 1
                continue
            for event in read:
                if found.setdefault(event.id, event) != event:
                    message, fix = f"the id {event.id} stands for two events", "Remove one of them."
                    raise ConfigError(message, where=where, fix=fix)
            made.formats[export.title] = made.formats.get(export.title, 0) + 1
    made.events = in_order(found.values())
    return made


def named(columns: Mapping[str, str], there: Iterable[str], path: Path) -> Export:
    """A format whose columns the caller names, ours -> theirs. Raises ConfigError for one that is not there."""
    missing = sorted(set(columns.values()) - set(there))
    needed = sorted({"time", "instrument", "amount", "price"} - set(columns))
    if missing or needed:
        message = f'there is no column "{missing[0]}"' if missing else f"--columns does not say which is {needed[0]}"
        raise ConfigError(message, where=str(path), fix="Name time, instrument, amount and price, ours first.")

    def read(row: Row, reading: Reading) -> Made:
        record: dict[str, Any] = {"type": "fill", "account": reading.account}
        record |= {ours: row[theirs] for ours, theirs in columns.items() if ours != "time" and row.get(theirs)}
        for name in ("amount", "price", "fee"):
            if name in record:
                record[name] = f"{number(record[name], f'{reading.where}: {columns[name]}')}"
        if "side" in record:
            side = side_of(record.pop("side"), f"{reading.where}: {columns['side']}")
            record["amount"] = f"{decimal(record['amount'], reading.where).copy_abs() * side}"
        if "/" not in record.get("instrument", "/"):
            record["instrument"] = pair_of(record["instrument"], f"{reading.where}: {columns['instrument']}")
        return [record]

    time = columns["time"]
    return Export(
        "named", "the columns that were named", tuple(columns.values()), time, "UTC" in time, "spot", read, ""
    )


def recognise(columns: Iterable[str], path: Path) -> Export:
    """The format of a table with these columns. Raises ConfigError."""
    there = set(columns)
    for export in EXPORTS:
        if {export.time, *export.needs} <= there:
            return export
    names = ", ".join(dict.fromkeys(export.title for export in EXPORTS))
    fix = f"Known are {names}; for others, --columns time=...,instrument=... says what its columns are."
    raise ConfigError(f"no known export has the columns {', '.join(sorted(there))}", where=str(path), fix=fix)


def _events(export: Export, row: Row, where: str, offset: str | None, alike: dict[str, int]) -> list[Event] | str:
    short = [name for name in (export.time, *export.needs) if name not in row]
    row = {**dict.fromkeys(short, ""), **row}
    records = export.read(row, Reading(export.account, where))
    if isinstance(records, str):
        return records
    time, found = _time(row[export.time], export, where, offset), []
    own = next((row[name] for name in IDS if row.get(name)), "") or " ".join((time, *row.values()))
    for record in records:
        what = record.get("instrument") or record["currency"]
        name = record.setdefault("id", f"{export.name} {record['type']} {what} {own}")
        alike[name] = alike.get(name, 0) + 1  # two rows alike in everything are two fills of one order
        record |= {"time": time, "id": name if alike[name] == 1 else f"{name} #{alike[name]}"}
        found.append(event_of(record, where))
    return found


def _time(text: str, export: Export, where: str, offset: str | None) -> str:
    """A time as an event file has it: two digits of a year, or the clock before the day, are habits of exchanges."""
    text = text.strip()
    if re.match(r"\d{2}-\d{2}-\d{2} ", text):
        text = f"20{text}"
    if turned := re.fullmatch(r"(\d{1,2}:\d{2}(?::\d{2})?) (\d{4}-\d{2}-\d{2})", text):
        text = f"{turned[2]} {turned[1].zfill(5)}"
    place = f"{where}: {export.time}"
    named = bool(re.search(r"(Z|[+-]\d\d:?\d\d)$", text))
    if not (export.utc or named):
        if offset is None:
            message = "the column does not say which zone its times are in"
            raise ConfigError(message, where=place, fix="Give --utc-offset, +00:00 if they are in UTC.")
        text += offset
    moment(text, place)
    return text
