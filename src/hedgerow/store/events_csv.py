"""The event file as a table for a spreadsheet: one row an event, columns that may stand in any order or be left out.

Times are ISO 8601 in UTC. The row ``type`` = ``events`` names the quote in ``currency`` (without it: USDT) and says
``simulated`` in ``kind`` of a made market. A mark is as many rows as it has prices and regimes, all with its ``id``. A
row without ``id`` gets one from its line. Text that a spreadsheet would take for a formula bears an apostrophe, which
is taken off again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hedgerow.errors import ConfigError
from hedgerow.model.event import Event, Mark
from hedgerow.store import events as lines_form
from hedgerow.store.events import HEADER, EventFile, Tell, event_of, in_order, plain_of, stamp, told

COLUMNS: Final = (
    "time", "type", "id", "account", "to", "instrument", "currency", "amount", "price", "fee", "fee_currency",
    "fee_price", "kind", "rate", "mark", "cost", "acquired", "decided", "index", "reason", "row", "regime", "asset",
    "sleeve", "lots",
)  # fmt: skip
NUMBERS: Final = frozenset(
    ("time", "amount", "price", "fee", "fee_price", "rate", "mark", "cost", "acquired", "decided", "index")
)
WORDS: Final = frozenset(("id", "account", "to", "reason", "row", "regime", "asset"))  # blanks at their ends are theirs
QUOTE: Final = "USDT"  # of a table that names none
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
_BETWEEN: Final = "; "  # lots


def shielded(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


# --------------------------------------------------------------------------------------------------------------- write


def lines(whole: EventFile) -> Iterator[str]:
    """The lines of the table, its head first."""
    yield _line(COLUMNS)
    head = {"type": HEADER, "currency": whole.quote, "kind": "simulated" if whole.simulated else ""}
    yield _line(head.get(name, "") for name in COLUMNS)
    for event in whole.events:
        for row in _rows(event):
            yield _line(row.get(name, "") for name in COLUMNS)


def _line(cells: Any) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerow(cells)
    return file.getvalue()


def _rows(event: Event) -> Iterator[dict[str, str]]:
    if isinstance(event, Mark):
        yield from _mark_rows(event)
        return
    row = {key: value for key, value in plain_of(event).items() if value is not None}
    row["lots"] = _BETWEEN.join(row.get("lots", ()))
    if any(";" in lot or lot != lot.strip() for lot in getattr(event, "lots", ())):
        message = "the id of a lot holds a semicolon, or a blank at its end"
        raise ConfigError(message, where=f"event {event.id}", fix="Write a .jsonl file instead.")
    yield {key: value if key in NUMBERS else shielded(value) for key, value in row.items()}


def _mark_rows(event: Mark) -> Iterator[dict[str, str]]:
    same = {"type": "mark", "time": stamp(event.at_ns), "id": shielded(event.id)}
    for symbol, price in event.prices.items():
        yield same | {"instrument": shielded(symbol), "price": str(price)}
    for asset, regime in event.regimes.items():
        yield same | {"asset": shielded(asset), "regime": shielded(regime)}
    if not (event.prices or event.regimes):
        yield same


# ---------------------------------------------------------------------------------------------------------------- read


def read(path: Path, tell: Tell) -> EventFile:
    """Read a table. Raises ConfigError that names line and column."""
    quote, simulated, events = QUOTE, False, []
    numbers: dict[str, int] = {}
    unnamed: dict[tuple[str, ...], int] = {}
    mark: dict[str, Any] = {}
    for number, row in table(path, tell):
        where = f"{path}: line {number}"
        if row.get("type") == HEADER:
            quote, simulated = row.get("currency") or QUOTE, row.get("kind") == "simulated"
            continue
        _refuse_copies(row, number, unnamed, where)
        row = {"id": f"line {number}"} | row
        if mark and row["id"] != mark["id"]:
            events.append(_whole(mark, path))
            mark = {}
        if row.get("type") == "mark":
            mark = _add(mark, row, number, numbers, path)
            continue
        event = event_of(_keyed(row), where)
        lines_form.refuse_twice(event.id, number, numbers, path)
        events.append(event)
    if mark:
        events.append(_whole(mark, path))
    return EventFile(quote, in_order(events), simulated)


def table(path: Path, tell: Tell, known: tuple[str, ...] = COLUMNS) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a table with the numbers of their lines; cells that are empty are left out.

    Columns with a comma or a semicolon between them, as spreadsheets of different countries write. Raises ConfigError
    for a column that is not among ``known`` (none named: any column goes) or stands twice, and for a row of other width.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        between = ";" if first.count(";") > first.count(",") else ","
        reader = csv.reader(told(file, path.stat().st_size, tell), delimiter=between, strict=True)
        heads: list[str] = []
        number, begun = 1, 1
        try:
            for cells in reader:
                number, begun = begun, reader.line_num + 1
                if heads and any(cells):
                    yield number, _cells(cells, heads, f"{path}: line {number}")
                elif not heads and any(cells):
                    heads = [name.strip() for name in cells]
                    _refuse_heads(heads, known, f"{path}: line {number}")
        except csv.Error as error:
            place, fix = f"{path}: line {begun}", "Close every quotation mark."
            raise ConfigError(f"the row cannot be read: {error}", where=place, fix=fix) from None
    if not heads:
        fix = f"Begin it with a row of columns, such as {', '.join(COLUMNS[:9])}."
        raise ConfigError("the file is empty", where=str(path), fix=fix)


def _refuse_heads(heads: list[str], known: tuple[str, ...], where: str) -> None:
    twice = [name for i, name in enumerate(heads) if name and name in heads[:i]]
    if twice:
        raise ConfigError(f'the column "{twice[0]}" stands twice', where=where, fix="Keep one of them.")
    unknown = [name for name in heads if known and name not in known]
    if unknown:
        fix = f"Columns are {', '.join(known)}; hedgerow events import reads what exchanges write."
        raise ConfigError(f'there is no column "{unknown[0]}"', where=where, fix=fix)


def _cells(cells: list[str], heads: list[str], where: str) -> dict[str, str]:
    if len(cells) > len(heads) and any(cells[len(heads) :]):
        message = f"it has {len(cells)} cells, the head has {len(heads)}"
        raise ConfigError(message, where=where, fix="Write amounts with a point, not a comma, or put them in quotes.")
    kept = {
        head: cell if head in WORDS else cell.strip() for head, cell in zip(heads, cells, strict=False) if cell.strip()
    }
    return {head: cell if head in NUMBERS else cell.removeprefix("'") for head, cell in kept.items()}


def _refuse_copies(row: Mapping[str, str], number: int, unnamed: dict[tuple[str, ...], int], where: str) -> None:
    """Without an id, two rows that are alike in everything may be one event that was pasted twice."""
    if "id" in row or row.get("type") == "mark":
        return
    key = tuple(f"{name}={value}" for name, value in sorted(row.items()))
    if key in unnamed:
        fix = "Remove it, or give both an id if both happened."
        raise ConfigError(f"the row is that of line {unnamed[key]} again", where=where, fix=fix)
    unnamed[key] = number


def _keyed(row: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = dict(row)
    if "lots" in record:
        record["lots"] = [part.strip() for part in row["lots"].split(_BETWEEN.strip()) if part.strip()]
    if record.get("type") == "funding":
        record.setdefault("amount", None)  # an empty cell: the payment is not known
    return record


def _add(
    mark: dict[str, Any], row: Mapping[str, str], number: int, numbers: dict[str, int], path: Path
) -> dict[str, Any]:
    """The mark with one row more."""
    where = f"{path}: line {number}"
    if not mark:
        lines_form.refuse_twice(row["id"], number, numbers, path)
        mark = {
            "type": "mark",
            "id": row["id"],
            "time": row.get("time", ""),
            "prices": {},
            "regimes": {},
            "line": number,
        }
    unknown = sorted(set(row) - {"type", "id", "time", "instrument", "price", "asset", "regime"})
    if unknown:
        fix = "A row of a mark has instrument and price, or asset and regime."
        raise ConfigError("a mark has no such thing", where=f"{where}: {unknown[0]}", fix=fix)
    if row.get("time", "") != mark["time"]:
        fix = "Rows of one mark have one time; give another mark another id."
        raise ConfigError(f"the mark {row['id']} has another time above", where=f"{where}: time", fix=fix)
    for name, value, into in (("instrument", "price", "prices"), ("asset", "regime", "regimes")):
        if (name in row) != (value in row):
            missing = value if name in row else name
            raise ConfigError("it is empty", where=f"{where}: {missing}", fix=f"Write {name} and {value} together.")
        if name in row:
            if row[name] in mark[into]:
                message = f"the mark {row['id']} has {row[name]} already"
                raise ConfigError(message, where=f"{where}: {name}", fix="Keep one of the two rows.")
            mark[into][row[name]] = row[value]
    return mark


def _whole(mark: dict[str, Any], path: Path) -> Event:
    number = mark.pop("line")
    return event_of(mark, f"{path}: line {number}")
