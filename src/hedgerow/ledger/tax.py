"""A tax year: spot disposals, derivatives and income as three kinds of records, never mixed. It is no tax advice.

Nothing of any country is in here: the caller chooses the method, the pooling, the days that make a lot long, and the
rates (default 0). The year is a calendar year in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from itertools import takewhile
from typing import Final, NamedTuple

from hedgerow.ledger.entries import EXACT, ZERO
from hedgerow.ledger.holdings import Pooling
from hedgerow.ledger.ledger import LONG_DAYS, Ledger
from hedgerow.ledger.lots import Disposal, Method, OpenLot
from hedgerow.ledger.records import Derivative, Earning, MissingFunding
from hedgerow.model.event import Event
from hedgerow.units import NS_PER_DAY

EPOCH: Final = date(1970, 1, 1)


class Rates(NamedTuple):
    """Tax rates as fractions; 0 states no tax."""

    short: Decimal = ZERO
    long: Decimal = ZERO
    derivative: Decimal = ZERO
    income: Decimal = ZERO


class Total(NamedTuple):
    """A sum of what is known, and how many records are not; ``amount`` is None while one is unknown."""

    known: Decimal
    unknown: int

    @property
    def amount(self) -> Decimal | None:
        """The sum in quote, if all of it is known."""
        return None if self.unknown else self.known


class TaxYear(NamedTuple):
    """What happened in a year, in quote. ``disposals`` hold no withdrawals: those are apart in ``withdrawals``.

    ``short`` and ``long`` are gains by holding period (a disposal of unknown day is unknown in both), ``derivatives_net``
    profit, funding and fees of futures, ``income_net`` interest and rewards; ``charges`` are taxes and other charges.
    ``missing`` are the disposals without a basis or proceeds, ``estimate`` the rates on each sum above 0, None where a
    sum with a rate is unknown. ``open_lots`` are those at the end of the year.
    """

    year: int
    quote: str
    method: Method
    disposals: tuple[Disposal, ...]
    withdrawals: tuple[Disposal, ...]
    derivatives: tuple[Derivative, ...]
    income: tuple[Earning, ...]
    charges: tuple[Earning, ...]
    open_lots: tuple[OpenLot, ...]
    missing: tuple[Disposal, ...]
    missing_funding: tuple[MissingFunding, ...]
    short: Total
    long: Total
    derivatives_net: Total
    income_net: Total
    estimate: Decimal | None


def tax_year(
    events: Iterable[Event], year: int, *, quote: str = "USDT", method: Method = "FIFO",
    pooling: Pooling = "universal", long_days: int = LONG_DAYS, rates: Rates | None = None,
) -> TaxYear:  # fmt: skip
    """Fold the events up to the end of ``year`` (earlier years give the lots) and take out what fell into it."""
    start, end = start_ns(year), start_ns(year + 1)
    ledger = Ledger(quote, method, pooling=pooling, long_days=long_days)
    ledger.fold(takewhile(lambda event: event.at_ns < end, events))
    left = [record for record in ledger.disposals if record.disposed_ns >= start]
    sold = tuple(record for record in left if record.kind != "withdrawal")
    derivatives = tuple(record for record in ledger.derivatives if record.at_ns >= start)
    earned = [record for record in ledger.earnings if record.at_ns >= start]
    income = tuple(record for record in earned if record.kind in ("interest", "reward"))
    unpaid = tuple(record for record in ledger.missing_funding if record.at_ns >= start)
    short = total([record.gain for record in sold if record.term != "long"])
    long = total([record.gain for record in sold if record.term != "short"])
    net = total([record.value for record in derivatives] + [None] * len(unpaid))
    gained = total([record.value for record in income])
    rates = rates or Rates()
    return TaxYear(
        year=year,
        quote=quote,
        method=method,
        disposals=sold,
        withdrawals=tuple(record for record in left if record.kind == "withdrawal"),
        derivatives=derivatives,
        income=income,
        charges=tuple(record for record in earned if record.kind in ("tax", "charge")),
        open_lots=tuple(ledger.open_lots()),
        missing=tuple(record for record in sold if record.gain is None),
        missing_funding=unpaid,
        short=short,
        long=long,
        derivatives_net=net,
        income_net=gained,
        estimate=estimate(((short, rates.short), (long, rates.long), (net, rates.derivative), (gained, rates.income))),
    )


def total(amounts: Sequence[Decimal | None]) -> Total:
    """Add what is known and count what is not."""
    with localcontext(EXACT):
        known = sum((amount for amount in amounts if amount is not None), ZERO)
    return Total(known, sum(amount is None for amount in amounts))


def estimate(taxed: Iterable[tuple[Total, Decimal]]) -> Decimal | None:
    """Each rate on its sum, where that is above 0: no sum is set off against another, and no loss is carried on."""
    due = ZERO
    with localcontext(EXACT):
        for each, rate in taxed:
            if rate and each.amount is None:
                return None
            due += rate * max(ZERO, each.known)
    return due


def start_ns(year: int) -> int:
    """The first moment of a year in UTC, nanoseconds."""
    return (date(year, 1, 1) - EPOCH).days * NS_PER_DAY
