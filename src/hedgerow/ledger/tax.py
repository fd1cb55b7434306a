"""A tax year: spot disposals, derivatives and income as three kinds of records, never mixed. It is no tax advice.

Nothing of any country is in here: the caller chooses the method, the pooling, the days that make a lot long, and the
rates (default 0). The year is a calendar year in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hedgerow.ledger.entries import ZERO
from hedgerow.ledger.holdings import Pooling
from hedgerow.ledger.ledger import LONG_DAYS
from hedgerow.ledger.lots import Disposal, Method, OpenLot
from hedgerow.ledger.records import Derivative, Earning, MissingFunding
from hedgerow.model.event import Event


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
    raise NotImplementedError
