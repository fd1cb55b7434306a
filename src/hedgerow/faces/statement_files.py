"""A statement as one table for a spreadsheet: a row a figure, so that it can be filtered and summed by its section."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hedgerow.faces.records import stamp
from hedgerow.faces.statement_words import RESULT, notes, plain_amount, result_lines
from hedgerow.faces.text import write_whole
from hedgerow.store.events_csv import shielded

if TYPE_CHECKING:
    from hedgerow.ledger.statement import Statement

COLUMNS: Final = (
    "section", "name", "account", "sleeve", "since", "until", "currency", "amount", "price", "value", "cost", "gain",
    "count", "unknown", "note",
)  # fmt: skip


def write_table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV file: amounts in digits, unknown ones empty, text that is no formula. Raises StoreError."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return write_whole(path, file.getvalue(), "table")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain_amount(value) or ""
    return shielded(value) if isinstance(value, str) else str(value)


def write_statement(path: Path, statement: Statement, *, simulated: bool) -> Path:
    """Write the statement's table."""
    rows = ([row.get(name) for name in COLUMNS] for row in statement_rows(statement, simulated=simulated))
    return write_table(path, COLUMNS, rows)


def statement_rows(statement: Statement, *, simulated: bool) -> Iterator[dict[str, Any]]:
    """Every figure of a statement, by the columns that it fills; ``value`` is always in quote."""
    yield from _summary(statement, simulated)
    yield from _held(statement)
    yield from _moved(statement)
    for month, change in zip(statement.months, statement.month_returns, strict=True):
        span = {"section": "month", "since": stamp(month.since_ns), "until": stamp(month.until_ns)}
        ends = [("opening", month.opening), ("flows", month.flows), ("closing", month.closing)]
        for name, value in [*ends, *result_lines(month.parts).items()]:
            yield span | {"name": name, "value": value}
        yield span | {"name": "time_weighted", "amount": _ratio(change)}
    for note in notes(statement):
        yield {"section": "note", "note": note}


def _summary(statement: Statement, simulated: bool) -> Iterator[dict[str, Any]]:
    span = {"section": "summary", "since": stamp(statement.since_ns), "until": stamp(statement.until_ns)}
    span["currency"] = statement.quote
    if simulated:
        yield span | {"name": "simulated", "note": "SIMULATED MARKET: nothing in this table happened"}
    for name in ("opening", "deposits", "withdrawals", "result", "closing", "difference"):
        yield span | {"name": name, "value": getattr(statement, name)}
    twr = statement.time_weighted
    yield span | {"name": "time_weighted", "amount": _ratio(twr.total), "note": twr.why}
    yield span | {
        "name": "money_weighted_per_year",
        "amount": _ratio(statement.money_weighted),
        "note": statement.money_why,
    }
    for name, value in result_lines(statement.breakdown.parts).items():
        yield {"section": "result", "name": name, "value": value, "note": RESULT[name][0]}


def _ratio(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(round(value, 10)))


def _held(statement: Statement) -> Iterator[dict[str, Any]]:
    for one in statement.holdings:
        note = "house money: a label, at full market risk" if one.house_money else ""
        yield {
            "section": "holding", "name": one.currency, "currency": one.currency, "amount": one.amount,
            "price": one.price, "value": one.value, "cost": one.cost, "gain": one.unrealised, "note": note,
        }  # fmt: skip
        if one.outstanding is not None:
            yield {"section": "principal outstanding", "name": one.currency, "value": one.outstanding}
    for held in statement.positions:
        yield {
            "section": "position", "name": held.instrument, "account": held.account, "sleeve": held.sleeve,
            "since": stamp(held.opened_ns), "amount": held.size, "price": held.mark, "value": held.notional,
            "cost": held.entry, "gain": held.unrealised, "note": held.risk,
        }  # fmt: skip
        yield {
            "section": "position funding", "name": held.instrument, "account": held.account, "sleeve": held.sleeve,
            "currency": held.settle, "amount": held.funding,
        }  # fmt: skip
        yield {"section": "leverage", "name": held.account, "amount": held.leverage, "note": held.risk}
    for crumb in statement.dust:
        yield {
            "section": "dust", "name": crumb.currency, "account": crumb.account, "currency": crumb.currency,
            "amount": crumb.amount, "value": crumb.value,
        }  # fmt: skip


def _moved(statement: Statement) -> Iterator[dict[str, Any]]:
    for one in statement.realised:
        yield {
            "section": f"realised {one.kind}", "name": one.name, "value": one.proceeds if one.kind == "spot" else None,
            "gain": one.gain, "count": one.records, "unknown": one.unknown,
        }  # fmt: skip
    for fee in statement.fees:
        yield {"section": "fee", "name": fee.currency, "currency": fee.currency, "amount": fee.amount}
        if fee.liquidation:
            yield {"section": "fee", "name": "liquidation", "currency": fee.currency, "amount": fee.liquidation}
    for line in statement.funding:
        same = {"section": "funding", "sleeve": line.sleeve, "currency": line.currency, "note": line.instrument}
        yield same | {"name": "received", "amount": line.received, "count": line.payments}
        yield same | {"name": "paid", "amount": line.paid}
        if line.missing:
            yield same | {"name": "missing", "count": line.missing}
    for gone in statement.missing_funding:
        yield {
            "section": "missing funding", "name": gone.instrument, "account": gone.account, "sleeve": gone.sleeve,
            "since": stamp(gone.at_ns), "note": "the amount is not known and in no sum",
        }  # fmt: skip
    for gap in statement.silences:
        yield {
            "section": "without funding", "name": gap.instrument, "account": gap.account,
            "since": stamp(gap.since_ns), "until": stamp(gap.until_ns),
            "note": "it was open, and the events hold no payment",
        }  # fmt: skip
    for flow in statement.flows:
        yield {
            "section": "flow", "name": flow.event, "account": flow.account, "since": stamp(flow.at_ns),
            "currency": flow.currency, "amount": flow.amount, "value": flow.value,
        }  # fmt: skip
    for earned in statement.earnings:
        yield {
            "section": "income", "name": earned.kind, "account": earned.account, "since": stamp(earned.at_ns),
            "currency": earned.currency, "amount": earned.amount, "value": earned.value, "note": earned.event,
        }  # fmt: skip
