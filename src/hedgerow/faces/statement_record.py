"""The JSON of a statement and of a tax year: the contract that programs read. Money is text, exact to 12 decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedgerow import __version__
from hedgerow.faces.records import stamp
from hedgerow.faces.statement_words import NO_ADVICE, notes, plain_amount, result_lines

if TYPE_CHECKING:
    from hedgerow.ledger.lines import Silence
    from hedgerow.ledger.statement import Statement
    from hedgerow.ledger.tax import TaxYear, Total
    from hedgerow.model.breakdown import Breakdown


def statement_record(statement: Statement, *, simulated: bool) -> dict[str, Any]:
    """JSON of ``hedgerow statement``."""
    twr, whole = statement.time_weighted, statement.breakdown
    return {
        "hedgerow": __version__,
        "simulated": simulated,
        "quote": statement.quote,
        "method": statement.method,
        "since": stamp(statement.since_ns),
        "until": stamp(statement.until_ns),
        "opening": money(statement.opening),
        "closing": money(statement.closing),
        "deposits": money(statement.deposits),
        "withdrawals": money(statement.withdrawals),
        "flows_net": money(whole.flows),
        "result": money(statement.result),
        "parts": _parts(whole),
        "difference": money(statement.difference),
        "by_asset": {asset: _lines(parts) for asset, parts in whole.by_asset.items()},
        "by_regime": {regime: _lines(parts) for regime, parts in whole.by_regime.items()},
        "by_reason": [_record(row) for row in whole.reasons],
        "returns": {
            "time_weighted": twr.total, "time_weighted_per_year": twr.annual, "why": twr.why,
            "approximate": len(twr.approximate), "money_weighted_per_year": statement.money_weighted,
            "money_weighted_why": statement.money_why,
        },
        "holdings": [_record(one) for one in statement.holdings],
        "positions": [_record(one) | {"risk": one.risk} for one in statement.positions],
        "realised": [_record(one) for one in statement.realised],
        "fees": [_record(one) for one in statement.fees],
        "funding": [_record(one) for one in statement.funding],
        "missing_funding": [_record(one) for one in statement.missing_funding],
        "without_funding": [_record(one) for one in statement.silences],
        "income": [_record(one) for one in statement.earnings],
        "flows": [_record(one, "marks") for one in statement.flows],
        "dust": [_record(one) for one in statement.dust],
        "months": [
            {"since": stamp(month.since_ns), "until": stamp(month.until_ns), "opening": money(month.opening),
             "closing": money(month.closing), "flows_net": money(month.flows), "time_weighted": change,
             "parts": _parts(month)}
            for month, change in zip(statement.months, statement.month_returns, strict=True)
        ],
        "notes": notes(statement),
    }  # fmt: skip


def money(value: Decimal | None) -> str | None:
    """An amount as JSON carries it."""
    return plain_amount(value)


def _parts(breakdown: Breakdown) -> dict[str, Any] | None:
    return None if breakdown.parts is None else _lines(breakdown.parts)


def _lines(parts: dict[str, Decimal]) -> dict[str, Any]:
    return {name: money(value) for name, value in result_lines(parts).items()}


def _record(row: Any, *left_out: str) -> dict[str, Any]:
    """A record by its fields, times as text and amounts as text."""
    fields = getattr(row, "_fields", None) or tuple(row.__dataclass_fields__)
    found: dict[str, Any] = {}
    for name in fields:
        value = getattr(row, name)
        if name in left_out:
            continue
        if name.endswith("_ns"):
            found[name.removesuffix("_ns")] = None if value is None else stamp(value)
        else:
            found[name] = money(value) if isinstance(value, Decimal) else value
    return found


def tax_record(
    year: TaxYear, silences: Sequence[Silence], *, simulated: bool, pool: str, files: list[str]
) -> dict[str, Any]:
    """JSON of ``hedgerow tax``."""
    return {
        "hedgerow": __version__,
        "simulated": simulated,
        "quote": year.quote,
        "year": year.year,
        "method": year.method,
        "pool": pool,
        "advice": NO_ADVICE,
        "totals": {
            "short": _total(year.short), "long": _total(year.long), "derivatives": _total(year.derivatives_net),
            "income": _total(year.income_net),
        },
        "disposals": [_record(one) for one in year.disposals],
        "withdrawals": [_record(one, "proceeds", "fees", "gain") for one in year.withdrawals],
        "derivatives": [_record(one) for one in year.derivatives],
        "income": [_record(one) for one in (*year.income, *year.charges)],
        "open_lots": [_record(one) for one in year.open_lots],
        "missing": [_record(one) for one in year.missing],
        "missing_funding": [_record(one) for one in year.missing_funding],
        "without_funding": [_record(one) for one in silences],
        "files": files,
    }  # fmt: skip


def _total(total: Total) -> dict[str, Any]:
    return {"amount": money(total.amount), "known": money(total.known), "unknown": total.unknown}
