"""What statement and tax print in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hedgerow.faces import statement_words, text
from hedgerow.faces.statement_words import (
    NO_ADVICE,
    RESULT,
    UNKNOWN,
    closed,
    leverage_words,
    missing_words,
    notes,
    opened,
    quiet,
    result_lines,
    shown_lines,
    used_lines,
)

if TYPE_CHECKING:
    from hedgerow.ledger.lines import Silence
    from hedgerow.ledger.statement import Statement
    from hedgerow.ledger.tax import TaxYear, Total

_MOST: Final = 12  # rows that are listed one by one; the files have them all
_FORCED: Final = ("liquidation", "deleveraged")


def show_statement(statement: Statement, *, simulated: bool, monthly: bool) -> None:
    """Value, flows and result; what is held and open; what was realised, paid and received; returns."""
    quote = statement.quote
    label = "SIMULATED MARKET  " if simulated else ""
    text.heading(f"{label}Statement from {opened(statement.since_ns)} to {closed(statement.until_ns)}, in {quote}")
    for note in notes(statement):
        text.say(f"Note: {note}")
    text.say()
    net = statement.breakdown.flows
    rows = [
        ("Value at the start", money(statement.opening), ""),
        ("Deposits", money(statement.deposits, sign=True), "no profit"),
        ("Withdrawals", money(_negative(statement.withdrawals), sign=True), "no loss"),
        ("Result", money(statement.result, sign=True), "value at the end - value at the start - flows"),
        ("Value at the end", money(statement.closing), ""),
    ]
    if statement.deposits is None or statement.withdrawals is None:
        rows.insert(3, ("Deposits less withdrawals", money(net, sign=True), "valued when a price was known"))
    text.table(["", quote, " "], rows, right=[quote])
    _show_result(statement)
    _show_held(statement)
    _show_moved(statement)
    _show_returns(statement)
    if monthly:
        _show_months(statement)


def money(value: Decimal | None, *, sign: bool = False) -> str:
    """An amount of quote; what nobody knows is called unknown."""
    return text.typed(statement_words.money(value, sign=sign))


def _negative(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def figure(value: Decimal | None, digits: int = 6) -> str:
    """A price or an amount of coins; what nobody knows is called unknown."""
    return text.typed(statement_words.figure(value, digits))


def _show_result(statement: Statement) -> None:
    text.heading("Where the result came from")
    rows = [(label, money(part, sign=True)) for label, part in shown_lines(statement.breakdown.parts)]
    rows.append(("Result", money(statement.result, sign=True)))
    text.table(["", statement.quote], rows, right=[statement.quote])
    text.say(
        f"The lines miss the change of value by {figure(statement.difference, 3)} {statement.quote} "
        "(two separate reckonings; more than 1e-9 of the value is refused)."
    )


def _show_held(statement: Statement) -> None:
    quote = statement.quote
    if statement.holdings:
        text.heading("Held at the end")
        heads = ("", "amount", "price", "value", "average cost", "gain", "principal outstanding")
        rows = []
        for one in statement.holdings:
            is_quote = one.currency == quote
            cost = [text.NONE] * 3 if is_quote else [
                figure(one.average_cost), money(one.unrealised, sign=True),
                "none: house money" if one.house_money else money(one.outstanding),
            ]  # fmt: skip
            rows.append((one.currency, figure(one.amount, 8), figure(one.price), money(one.value), *cost))
        text.table(heads, rows, right=heads[1:6])
    if statement.positions:
        text.heading("Open positions")
        names = ("", "account", "size", "entry", "mark", "gain", "funding so far", "account's leverage")
        lines = [
            (
                f"{one.instrument}{' (carry)' if one.sleeve else ''}", one.account, figure(one.size, 8),
                figure(one.entry), figure(one.mark), money(one.unrealised, sign=True),
                f"{figure(one.funding)} {one.settle}", leverage_words(one.leverage, one.risk) or UNKNOWN,
            )
            for one in statement.positions
        ]  # fmt: skip
        text.table(names, lines, right=names[2:7])
    if statement.dust:
        told = ", ".join(f"{figure(one.amount)} {one.currency} ({one.account})" for one in statement.dust[:_MOST])
        text.say()
        text.say(f"Dust, too little to be sold: {told}{_more(statement.dust)}.")


def _more(rows: Sequence[object]) -> str:
    return f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""


def _show_moved(statement: Statement) -> None:
    if statement.realised:
        text.heading(f"Realised in the period ({statement.method.lower()} cost of spot, average entry of futures)")
        rows = [
            (one.name, one.kind, f"{one.records:,}", money(one.gain, sign=True), f"{one.unknown:,}" if one.unknown else "")
            for one in statement.realised
        ]  # fmt: skip
        text.table(("", "kind", "records", "gain", "gain unknown"), rows, right=("records", "gain", "gain unknown"))
    if statement.fees:
        text.heading("Fees by currency")
        kept = [
            (one.currency, figure(one.amount), figure(one.liquidation) if one.liquidation else "")
            for one in statement.fees
        ]
        text.table(("", "paid", "in liquidations"), kept, right=("paid", "in liquidations"))
    if statement.funding:
        text.heading("Funding by contract")
        heads = ("", "payments", "received", "paid", "net", "missing")
        lines = [
            (
                f"{one.instrument}{' (carry)' if one.sleeve else ''}", f"{one.payments:,}", figure(one.received),
                figure(one.paid), f"{figure(one.received - one.paid)} {one.currency}", text.typed(missing_words(one)),
            )
            for one in statement.funding
        ]  # fmt: skip
        text.table(heads, lines, right=heads[1:5])


def _show_returns(statement: Statement) -> None:
    text.heading("Return")
    twr = statement.time_weighted
    total = text.percent(twr.total, 2, sign=True) if twr.total is not None else f"unknown: {twr.why}"
    yearly = "" if twr.annual is None else f"{text.percent(twr.annual, 1, sign=True)} a year"
    weighted = statement.money_weighted
    own = (
        f"{text.percent(weighted, 1, sign=True)} a year" if weighted is not None else f"unknown: {statement.money_why}"
    )
    rows = [
        ("Time-weighted", total, yearly, "what one unit did, whenever money came or went"),
        ("Money-weighted", "", own, "what the owner's money earned, with its timing"),
    ]
    text.table(("", "period", "per year", " "), rows)


def _show_months(statement: Statement) -> None:
    text.heading("By month")
    names = used_lines(month.parts for month in statement.months)
    heads = ["to", "start", "flows", *(RESULT[name][0].lower() for name in names), "end", "return"]
    rows = []
    for month, change in zip(statement.months, statement.month_returns, strict=True):
        found = result_lines(month.parts)
        parts = [money(found.get(name), sign=True) for name in names]
        ends = [money(month.opening), money(month.flows, sign=True), *parts, money(month.closing)]
        rows.append([closed(month.until_ns), *ends, text.percent(change, 1, sign=True)])
    text.table(heads, rows, right=heads[1:])


# ----------------------------------------------------------------------------------------------------------------- tax


def show_tax(year: TaxYear, silences: Sequence[Silence], *, simulated: bool, pool: str, long_days: int) -> None:
    """The sums of a tax year, and what is unknown in them."""
    label = "SIMULATED MARKET  " if simulated else ""
    text.heading(f"{label}Tax year {year.year} (UTC), in {year.quote}: {year.method}, lots {_POOLS[pool]}")
    text.say(NO_ADVICE)
    for sentence in quiet(silences):
        text.say(f"Note: {sentence}")
    text.say()
    rows = [
        (f"Spot, held up to {long_days} days", *_sum(year.short), _records(year.disposals, "short")),
        ("Spot, held longer", *_sum(year.long), _records(year.disposals, "long")),
        ("Futures: profit, funding, fees", *_sum(year.derivatives_net), text.counted(len(year.derivatives), "record")),
        ("Interest and rewards", *_sum(year.income_net), text.counted(len(year.income), "record")),
    ]
    text.table(("", year.quote, "known", " "), rows, right=(year.quote, "known"))
    if year.missing:
        text.heading("Unknown, and so in no sum")
        listed = [
            (one.event, one.kind, f"{figure(one.amount, 8)} {one.currency}", money(one.proceeds), money(one.basis))
            for one in year.missing[:_MOST]
        ]
        text.table(("event", "kind", "amount", "proceeds", "basis"), listed, right=("amount", "proceeds", "basis"))
        text.say(
            f"{text.counted(len(year.missing), 'disposal')} without a basis or proceeds{_more(year.missing)}. State "
            '"cost" and "acquired" of the deposit that brought the coins, or a price, in the event file.'
        )
    if year.missing_funding:
        text.say()
        text.say(
            f"{text.counted(len(year.missing_funding), 'funding payment')} missing: the sum of futures is unknown."
        )
    if year.withdrawals:
        many = text.counted(len(year.withdrawals), "withdrawal")
        text.say()
        text.say(f"{many} left with their lots: no sale, but your country may see a gift or a payment in them.")
    forced = [one for one in year.derivatives if one.kind in _FORCED]
    if forced:
        text.say(f"{text.counted(len(forced), 'position')} closed by force (liquidated or deleveraged).")


_POOLS: Final = {"universal": "of all accounts together", "account": "by account"}


def _sum(total: Total) -> tuple[str, str]:
    return money(total.amount, sign=True), money(total.known, sign=True) if total.unknown else ""


def _records(disposals: Sequence[Any], term: str) -> str:
    known = sum(one.term == term for one in disposals)
    undated = sum(not one.term for one in disposals)
    return text.counted(known, "lot") + (f", {undated:,} of unknown age" if undated else "")
