"""The page of a statement: the same frame, colours and scripts as the backtest's report (``faces.page``)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from hedgerow.faces import numerals, page, statement_charts
from hedgerow.faces.statement_words import (
    RESULT,
    UNKNOWN,
    closed,
    figure,
    leverage_words,
    missing_words,
    money,
    notes,
    opened,
    result_lines,
    shown_lines,
    used_lines,
)
from hedgerow.faces.text import write_whole
from hedgerow.ledger.statement import Statement

ROWS: Final = 500  # flows and missing payments that one page lists; JSON and CSV have them all


def write(statement: Statement, path: Path, *, simulated: bool) -> Path:
    """Write the page to ``path`` (its folder is made) and return it. Raises StoreError."""
    return write_whole(path, render(statement, simulated=simulated), "page")


def render(statement: Statement, *, simulated: bool) -> str:
    """The whole page as text."""
    data = {"series": statement_charts.series(statement), "charts": statement_charts.charts(statement)}
    title = f"Statement, {opened(statement.since_ns)} to {closed(statement.until_ns)}"
    return page.render("statement", _context(statement), data, title=title, simulated=simulated)


def _cell(value: Decimal | None, *, sign: bool = True) -> dict[str, Any]:
    return {"text": money(value, sign=sign), "loss": value is not None and value < 0}


def _context(statement: Statement) -> dict[str, Any]:
    return {
        "quote": statement.quote,
        "since": opened(statement.since_ns),
        "until": closed(statement.until_ns),
        "notes": [*notes(statement), *_unknown_returns(statement)],
        "cards": _cards(statement),
        "lines": [{"label": label, **_cell(part)} for label, part in shown_lines(statement.breakdown.parts)],
        "result": _cell(statement.result),
        "difference": figure(statement.difference, 3),
        "method": statement.method.lower(),
        "holdings": [_holding(one, statement.quote) for one in statement.holdings],
        "positions": [_position(one) for one in statement.positions],
        "dust": ", ".join(f"{figure(one.amount)} {one.currency} ({one.account})" for one in statement.dust),
        "realised": [
            {"name": one.name, "kind": one.kind, "records": f"{one.records:,}", "gain": _cell(one.gain),
             "unknown": f"{one.unknown:,}" if one.unknown else ""}
            for one in statement.realised
        ],
        "fees": [
            {"currency": one.currency, "amount": figure(one.amount), "liquidation": figure(one.liquidation)}
            for one in statement.fees
        ],
        "funding": [_funding(one) for one in statement.funding],
        "missing": [(numerals.day(one.at_ns), one.instrument, one.account) for one in statement.missing_funding[:ROWS]],
        "flows": [
            (numerals.day(one.at_ns), one.event, one.account, f"{figure(one.amount)} {one.currency}", money(one.value))
            for one in statement.flows[:ROWS]
        ],
        "months": _months(statement),
        "by_asset": _by_asset(statement),
        "rows": ROWS,
    }  # fmt: skip


def _unknown_returns(statement: Statement) -> list[str]:
    whys = (("return over time", statement.time_weighted.why), ("money-weighted return", statement.money_why))
    return [f"The {name} is unknown: {why}." for name, why in whys if why]


def _cards(statement: Statement) -> list[dict[str, str]]:
    twr, own = statement.time_weighted, statement.money_weighted
    yearly = "" if twr.annual is None else f"{numerals.percent(twr.annual, sign=True)} a year"
    flows = (
        f"{money(statement.deposits, sign=True)} in, "
        f"{money(None if statement.withdrawals is None else -statement.withdrawals, sign=True)} out"
    )
    return [
        {"label": "Value at the end", "value": money(statement.closing), "unit": statement.quote,
         "under": f"from {money(statement.opening)} at the start"},
        {"label": "Result", "value": money(statement.result, sign=True), "unit": statement.quote,
         "under": f"flows are no profit: {flows}"},
        {"label": "Time-weighted return", "value": numerals.percent(twr.total, sign=True), "unit": yearly,
         "under": "what one unit did, whenever money came or went"},
        {"label": "Money-weighted return", "value": numerals.percent(own, sign=True), "unit": "a year",
         "under": "what the owner's money earned, with its timing"},
    ]  # fmt: skip


def _holding(one: Any, quote: str) -> dict[str, Any]:
    is_quote = one.currency == quote
    return {
        "currency": one.currency, "amount": figure(one.amount, 8), "price": figure(one.price), "value": money(one.value),
        "average": numerals.NONE if is_quote else figure(one.average_cost),
        "gain": {"text": numerals.NONE, "loss": False} if is_quote else _cell(one.unrealised),
        "outstanding": numerals.NONE if is_quote else money(one.outstanding), "house": one.house_money,
    }  # fmt: skip


def _position(one: Any) -> dict[str, Any]:
    return {
        "instrument": one.instrument, "account": one.account, "sleeve": one.sleeve, "size": figure(one.size, 8),
        "entry": figure(one.entry), "mark": figure(one.mark), "notional": money(one.notional),
        "gain": _cell(one.unrealised), "funding": f"{figure(one.funding)} {one.settle}",
        "opened": numerals.day(one.opened_ns), "leverage": leverage_words(one.leverage, "") or UNKNOWN, "risk": one.risk,
    }  # fmt: skip


def _funding(one: Any) -> dict[str, Any]:
    return {
        "instrument": one.instrument, "sleeve": one.sleeve, "payments": f"{one.payments:,}",
        "received": figure(one.received), "paid": figure(one.paid), "currency": one.currency,
        "net": figure(one.received - one.paid), "missing": missing_words(one),
    }  # fmt: skip


def _months(statement: Statement) -> dict[str, Any]:
    names = used_lines(month.parts for month in statement.months)
    rows = []
    for month, change in zip(statement.months, statement.month_returns, strict=True):
        found = result_lines(month.parts)
        rows.append({
            "until": closed(month.until_ns), "opening": money(month.opening), "flows": _cell(month.flows),
            "parts": [_cell(found.get(name)) for name in names], "closing": money(month.closing),
            "change": numerals.percent(change, sign=True),
        })  # fmt: skip
    return {"heads": [RESULT[name][0] for name in names], "rows": rows}


def _by_asset(statement: Statement) -> dict[str, Any]:
    lines = {asset: result_lines(parts) for asset, parts in statement.breakdown.by_asset.items()}
    names = used_lines(statement.breakdown.by_asset.values())
    rows = [
        {"name": asset, "cells": [_cell(line[name]) for name in names], "sum": _cell(sum(line.values(), Decimal(0)))}
        for asset, line in sorted(lines.items())
    ]
    return {"heads": [RESULT[name][0] for name in names], "rows": rows}
