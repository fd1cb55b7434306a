"""Returns of an account with deposits and withdrawals: time-weighted and money-weighted. A flow is never profit.

A year has 365 days. Definitions: time-weighted, the growth of one unit, chained at flows (GIPS); within an interval
whose flow meets no mark, Modified Dietz (P. Dietz, 1966): profit over the opening value and the flows weighted by the
part of the interval that they were there. Money-weighted: the yearly rate at which all flows and the closing value,
discounted, add up to nothing (XIRR).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hedgerow.ledger.records import ExternalFlow, Valuation


class TimeWeighted(NamedTuple):
    """``total`` is the growth less 1 from ``first_ns`` to ``last_ns``, ``annual`` the same a year (None below a day).

    ``approximate`` are the times of flows that no mark met, where Modified Dietz was used within their interval;
    ``skipped`` the times of marks without a value, whose interval was joined to the next. ``total`` is None, and
    ``why`` says why, where it cannot be known.
    """

    total: float | None
    annual: float | None
    first_ns: int
    last_ns: int
    approximate: tuple[int, ...]
    skipped: tuple[int, ...]
    why: str


def time_weighted(valuations: Sequence[Valuation], flows: Sequence[ExternalFlow]) -> TimeWeighted:
    """Chain the returns between valuations (``Ledger.valuations`` and ``Ledger.flows``, both in order)."""
    raise NotImplementedError


def money_weighted(valuations: Sequence[Valuation], flows: Sequence[ExternalFlow]) -> float:
    """Yearly rate, as a fraction, at which the flows and the last known value add up to nothing.

    Raises ``ConfigError`` where there is no such rate, more than one, or a flow or the last value is unknown.
    """
    raise NotImplementedError
