"""The statement of a period: a pure function of events, quote and two moments.

Two folds make it, each with its own arithmetic: the ledger (balances, lots, positions, value) and the attribution (where
the change of value came from). ``difference`` is what the ledger's change of value has over the attribution's flows and
parts; above ``CLOSE`` of the value it is an error that names the first month that does not add up.

A period begins after the last mark at or before its start and ends with the last mark at or before its end: between two
marks nothing has a value. Events of the same moment as a mark belong to the period in which the file has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any, Final

from hedgerow.errors import ConfigError, Mismatch
from hedgerow.ledger import lines, returns
from hedgerow.ledger.attribution import attribute
from hedgerow.ledger.breakdown import CLOSE
from hedgerow.ledger.entries import EXACT, ONE, ZERO, plus
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.lots import Method
from hedgerow.ledger.records import Earning, ExternalFlow, MissingFunding, Valuation
from hedgerow.ledger.valuation import Dust
from hedgerow.model.breakdown import Breakdown
from hedgerow.model.event import Event, Mark
from hedgerow.units import NS_PER_SECOND

SMALL: Final = Decimal(5)  # quote: what venues take as the least value of an order (Binance's usual minimum)
PRICES: Final = "Give --data DIR with daily closes, or add a mark to the file."


@dataclass(frozen=True, slots=True)
class Statement:
    """A period of one account. Money is in ``quote``, times are UTC nanoseconds, None is unknown.

    ``breakdown`` is the result by part, asset, regime and reason; ``months`` are breakdowns of the calendar months in
    it, each up to its last mark, and ``month_returns`` their time-weighted returns. ``deposits`` and ``withdrawals``
    (above 0) are no profit. ``values`` are the valuations at the marks, the opening one first. ``money_weighted`` is a
    yearly rate; without one, ``money_why`` says why. ``silences`` are times of an open perpetual of which the events
    tell no payment. ``after`` counts events behind the last mark, which are in no period.
    """

    quote: str
    since_ns: int
    until_ns: int
    opening: Decimal
    closing: Decimal
    deposits: Decimal | None
    withdrawals: Decimal | None
    breakdown: Breakdown
    difference: Decimal
    method: Method
    holdings: tuple[lines.Holding, ...]
    positions: tuple[lines.OpenPosition, ...]
    realised: tuple[lines.Realised, ...]
    fees: tuple[lines.Fee, ...]
    funding: tuple[lines.Payments, ...]
    missing_funding: tuple[MissingFunding, ...]
    silences: tuple[lines.Silence, ...]
    earnings: tuple[Earning, ...]
    flows: tuple[ExternalFlow, ...]
    dust: tuple[Dust, ...]
    overdrawn: tuple[tuple[str, str], ...]
    values: tuple[Valuation, ...]
    time_weighted: returns.TimeWeighted
    money_weighted: float | None
    money_why: str
    months: tuple[Breakdown, ...]
    month_returns: tuple[float | None, ...]
    after: int

    @property
    def result(self) -> Decimal:
        """Closing less opening value less flows: what was earned."""
        with localcontext(EXACT):
            return self.closing - self.opening - (self.breakdown.flows or ZERO)


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows of the events: those before ``begin`` made the opening value, ``begin`` to ``end`` are the period."""

    begin: int
    end: int
    opens_ns: int | None  # the opening mark; None: the period begins with the first event
    closes_ns: int
    after: int


def state(
    events: Sequence[Event], quote: str, start_ns: int | None = None, end_ns: int | None = None,
    *, method: Method = "AVERAGE",
) -> Statement:  # fmt: skip
    """The statement from ``start_ns`` (None: the first event) to ``end_ns`` (None: the last mark).

    ``events`` in order of time. Raises ``ConfigError`` where a value at either end is not known, ``Mismatch`` where the
    two folds do not agree.
    """
    span = _span(events, start_ns, end_ns)
    ledger = Ledger(quote, method)
    ledger.fold(events[: span.begin])
    kept = max(0, len(ledger.valuations) - 1)
    opening = ledger.valuations[-1] if span.opens_ns is not None else Valuation(_first(events), ZERO, ())
    counts = [len(rows) for rows in _lists(ledger)]
    nominal = dict(ledger.nominal)
    ledger.fold(events[span.begin : span.end])
    disposals, derivatives, earnings, flows, missing = (
        tuple(rows[count:]) for rows, count in zip(_lists(ledger), counts, strict=True)
    )
    closing = ledger.valuations[-1]
    first, last = _known(opening, "start"), _known(closing, "end")
    values = tuple(ledger.valuations[kept:])
    whole, months = _breakdowns(events[: span.end], quote, span, opening.at_ns)
    money, why = _money_weighted(ledger, span.opens_ns)
    return Statement(
        quote=quote, since_ns=opening.at_ns, until_ns=closing.at_ns, opening=first, closing=last,
        deposits=_sum(flow.value for flow in flows if flow.amount > 0),
        withdrawals=_sum(None if flow.value is None else -flow.value for flow in flows if flow.amount < 0),
        breakdown=whole, difference=_difference(first, last, whole, months, ledger.valuations), method=method,
        holdings=lines.holdings(ledger), positions=lines.positions(ledger), realised=lines.realised(disposals, derivatives),
        fees=lines.fees(nominal, ledger.nominal), funding=lines.payments(derivatives, missing), missing_funding=missing,
        silences=lines.silences(events[: span.end], opening.at_ns, closing.at_ns),
        earnings=earnings, flows=flows, dust=tuple(ledger.dust({}, SMALL)), overdrawn=ledger.value().overdrawn,
        values=values, time_weighted=returns.time_weighted(ledger.valuations, ledger.flows, span.opens_ns), money_weighted=money, money_why=why,
        months=months, month_returns=tuple(_month_return(month, ledger, span.opens_ns) for month in months), after=span.after,
    )  # fmt: skip


def _lists(ledger: Ledger) -> tuple[list[Any], ...]:
    return ledger.disposals, ledger.derivatives, ledger.earnings, ledger.flows, ledger.missing_funding


def _first(events: Sequence[Event]) -> int:
    return events[0].at_ns


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total: Decimal | None = ZERO
    for value in values:
        total = plus(total, value)
    return total


# ------------------------------------------------------------------------------------------------------- the two marks


def _span(events: Sequence[Event], start_ns: int | None, end_ns: int | None) -> _Span:
    """Where the period lies in the events. Raises ConfigError where it has no mark, or events that no mark values."""
    marks = [n for n, event in enumerate(events) if isinstance(event, Mark)]
    if not marks:
        raise ConfigError("the events hold no mark, so nothing has a value", where="EVENTS", fix=PRICES)
    ends = [n for n in marks if end_ns is None or events[n].at_ns <= end_ns]
    begins = [n for n in marks if start_ns is not None and events[n].at_ns <= start_ns]
    if not ends:
        raise ConfigError(f"there are no prices before {_day(end_ns)}", where="end", fix=PRICES)
    end, begin = ends[-1] + 1, begins[-1] + 1 if begins else 0
    unvalued = [event for event in events[end:] if end_ns is not None and event.at_ns < end_ns]
    if unvalued:
        message = f"the last prices are of {_day(events[end - 1].at_ns)}, and {len(unvalued)} events follow them"
        raise ConfigError(message, where="end", fix=PRICES)
    early = [event for event in events[begin:] if start_ns is not None and event.at_ns < start_ns]
    if early:
        since = f"since {_day(events[begin - 1].at_ns)}" if begin else "then"
        message = f"{len(early)} events lie before {_day(start_ns)}, and there are no prices {since}"
        raise ConfigError(message, where="start", fix=PRICES)
    if begin >= end:
        fix = f"Choose a period that ends after {_day(events[begin - 1].at_ns)}, or give --data DIR."
        raise ConfigError("there are no prices in the period", where="end", fix=fix)
    after = sum(not isinstance(event, Mark) for event in events[end:]) if end_ns is None else 0
    return _Span(begin, end, events[begin - 1].at_ns if begin else None, events[end - 1].at_ns, after)


def _known(valuation: Valuation, where: str) -> Decimal:
    """The value of a mark. Raises ConfigError that names the prices that it lacks."""
    if valuation.value is None:
        message = f"the value on {_day(valuation.at_ns)} lacks a price of {', '.join(valuation.missing)}"
        raise ConfigError(message, where=where, fix=PRICES)
    return valuation.value


def _day(ns: int | None) -> str:
    moment = datetime.fromtimestamp((ns or 0) // NS_PER_SECOND, UTC)
    return moment.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")


# ------------------------------------------------------------------------------------------------- parts and returns


def _breakdowns(
    events: Sequence[Event], quote: str, span: _Span, since_ns: int
) -> tuple[Breakdown, tuple[Breakdown, ...]]:
    """The breakdown of the period, and those of its months."""
    lead = () if span.opens_ns is None else (span.opens_ns,)
    whole = attribute(events, quote, (*lead, span.closes_ns))[-1]
    ends = [end for end in month_ends(since_ns, span.closes_ns) if end < span.closes_ns]
    months = attribute(events, quote, (*lead, *ends, span.closes_ns))[len(lead) :] if ends else [whole]
    return whole, tuple(month for month in months if month.until_ns > month.since_ns)


def month_ends(since_ns: int, until_ns: int) -> list[int]:
    """The first moments of the calendar months (UTC) that begin after ``since_ns``, up to ``until_ns``."""
    moment = datetime.fromtimestamp(since_ns // NS_PER_SECOND, UTC)
    year, month = moment.year, moment.month
    found: list[int] = []
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        at_ns = int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * NS_PER_SECOND
        if at_ns > until_ns:
            return found
        found.append(at_ns)


def _difference(
    opening: Decimal, closing: Decimal, whole: Breakdown, months: Sequence[Breakdown], values: Sequence[Valuation]
) -> Decimal:
    """What the ledger's change of value has over the attribution's. Raises Mismatch above ``CLOSE`` of the value."""
    if whole.parts is None or whole.flows is None:
        raise ConfigError(f"the result lacks {', '.join(whole.missing)}", where="end", fix=PRICES)
    with localcontext(EXACT):
        difference = closing - opening - whole.flows - sum(whole.parts.values(), ZERO)
    if abs(difference) <= CLOSE * max(abs(opening), abs(closing), ONE):
        return difference
    of = {one.at_ns: one.value for one in values}
    for month in months:
        ledger, other = of.get(month.until_ns), month.closing
        if ledger is not None and other is not None and abs(ledger - other) > CLOSE * max(abs(ledger), ONE):
            message = f"on {_day(month.until_ns)} the ledger has {ledger:.8f} and the attribution {other:.8f}"
            raise Mismatch(f"the parts miss the change of value by {difference:.8f} {whole.quote}: {message}")
    raise Mismatch(f"the parts miss the change of value by {difference:.8f} {whole.quote}")


def _money_weighted(ledger: Ledger, since_ns: int | None) -> tuple[float | None, str]:
    try:
        return returns.money_weighted(ledger.valuations, ledger.flows, since_ns), ""
    except ConfigError as error:
        return None, error.message


def _month_return(month: Breakdown, ledger: Ledger, opens_ns: int | None) -> float | None:
    """Time-weighted return between the marks of a month; None where it is not known."""
    since_ns = None if opens_ns is None and month.opening == 0 else month.since_ns
    try:
        return returns.time_weighted(ledger.valuations, ledger.flows, since_ns, month.until_ns).total
    except ConfigError:
        return None
