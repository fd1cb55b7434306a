"""Returns of an account with deposits and withdrawals: time-weighted and money-weighted. A flow is never profit.

A year has 365 days. Definitions: time-weighted, the growth of one unit, chained at flows (GIPS); within an interval
whose flow meets no mark, Modified Dietz (P. Dietz, 1966): profit over the opening value and the flows weighted by the
part of the interval that they were there. Money-weighted: the yearly rate at which all flows and the closing value,
discounted, add up to nothing (XIRR).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import EXACT, ZERO
from hedgerow.ledger.records import ExternalFlow, Valuation
from hedgerow.units import DAYS_PER_YEAR, NS_PER_DAY

YEAR_NS: Final = DAYS_PER_YEAR * NS_PER_DAY
LARGEST_EXPONENT: Final = 600.0  # what a discount may be, as a power of e
NO_RATE: Final = 1e-12  # what halving leaves of a rate of 0
GRID: Final = 400  # points on either side of zero between which a rate is looked for


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


class Step(NamedTuple):
    """A mark that has a value, and the flows since the one before it."""

    at_ns: int
    value: Decimal
    flows: tuple[ExternalFlow, ...]


class Stretch(NamedTuple):
    """A period: its opening value, then a step a mark; ``skipped`` are the times of marks without a value."""

    at_ns: int
    value: Decimal
    steps: tuple[Step, ...]
    skipped: tuple[int, ...]


def stretch(
    valuations: Sequence[Valuation],
    flows: Sequence[ExternalFlow],
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> Stretch:
    """Lay flows between the marks, from the last mark at or before ``since_ns`` to the last at or before ``until_ns``.

    Without a mark that early the period opens with nothing at the first flow, or else at the first mark with a value.
    Raises ``ConfigError`` where no two points are left.
    """
    last = math.inf if until_ns is None else until_ns
    known = [i for i, mark in enumerate(valuations) if mark.value is not None and mark.at_ns <= last]
    early = [i for i in known if since_ns is not None and valuations[i].at_ns <= since_ns]
    if early:
        first, at_ns = early[-1], valuations[early[-1]].at_ns
    elif flows and known and flows[0].marks <= known[0]:
        first, at_ns = -1, flows[0].at_ns
    else:
        first, at_ns = (known[0], valuations[known[0]].at_ns) if known else (0, 0)
    steps, open_flows, skipped = [], [flow for flow in flows if flow.marks > first], []
    for i in range(first + 1, known[-1] + 1 if known else 0):
        mark = valuations[i]
        if mark.value is None:
            skipped.append(mark.at_ns)
            continue
        between = tuple(flow for flow in open_flows if flow.marks <= i)
        open_flows = open_flows[len(between) :]
        steps.append(Step(mark.at_ns, mark.value, between))
    if not steps:
        raise ConfigError("no return without two marks that have a value", fix="Give prices for the period's ends")
    opening = valuations[first].value if first >= 0 else None
    return Stretch(at_ns, opening or ZERO, tuple(steps), tuple(skipped))


def time_weighted(
    valuations: Sequence[Valuation],
    flows: Sequence[ExternalFlow],
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> TimeWeighted:
    """Chain the returns between the marks of a period (``Ledger.valuations`` and ``Ledger.flows``, both in order).

    Raises ``ConfigError`` where the period has no two marks with a value.
    """
    period = stretch(valuations, flows, since_ns, until_ns)
    growth, before, approximate, why = 1.0, Step(period.at_ns, period.value, ()), [], ""
    with localcontext(EXACT):  # sums of floats would leave a profit on nothing where all was withdrawn
        for step in period.steps:
            span = step.at_ns - before.at_ns
            base, net = before.value, ZERO
            for flow in step.flows:
                if flow.value is None:
                    why = why or f"the {flow.currency} that moved in event {flow.event} had no price"
                    continue
                net += flow.value
                base += flow.value * (step.at_ns - flow.at_ns) / span if span else flow.value
                if before.at_ns < flow.at_ns < step.at_ns:
                    approximate.append(flow.at_ns)
            profit = step.value - before.value - net
            if base > 0:
                growth *= 1.0 + float(profit / base)
            elif profit:
                why = why or "money was made or lost while nothing was invested"
            before = step
    times = (period.at_ns, before.at_ns, tuple(approximate), period.skipped)
    if why:
        return TimeWeighted(None, None, *times, why)
    years = (before.at_ns - period.at_ns) / YEAR_NS
    annual = None if years < 1.0 / DAYS_PER_YEAR else max(growth, 0.0) ** (1.0 / years) - 1.0
    return TimeWeighted(growth - 1.0, annual, *times, "")


def money_weighted(
    valuations: Sequence[Valuation],
    flows: Sequence[ExternalFlow],
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> float:
    """Yearly rate, as a fraction, at which the flows and the closing value of a period add up to nothing.

    The opening value counts as paid in. Raises ``ConfigError`` where there is no such rate, where more than one
    answers, or where the value of a flow is unknown.
    """
    period = stretch(valuations, flows, since_ns, until_ns)
    cash = [(period.at_ns, -float(period.value))]
    for step in period.steps:
        for flow in step.flows:
            if flow.value is None:
                raise ConfigError(
                    f"no money-weighted return: the {flow.currency} that moved had no price",
                    where=f"event {flow.event}",
                    fix="Give the flow a price",
                )
            cash.append((flow.at_ns, -float(flow.value)))
    cash.append((period.steps[-1].at_ns, float(period.steps[-1].value)))
    return internal_rate(cash)


def internal_rate(cash: Sequence[tuple[int, float]]) -> float:
    """The yearly rate r at which the sum of amount / (1 + r) ** years is 0; ``cash`` is (UTC nanoseconds, amount).

    Looked for on a grid of log(1 + r), then halved. Raises ``ConfigError`` where no rate or more than one answers.
    """
    start = min(at_ns for at_ns, _ in cash)
    dated = [((at_ns - start) / YEAR_NS, amount) for at_ns, amount in cash]
    longest = max(years for years, _ in dated)

    def worth(log_rate: float) -> float:
        return math.fsum(amount * math.exp(-log_rate * years) for years, amount in dated)

    fix = "It needs money that came in or was there, and a value or a withdrawal at a later time"
    if not longest:
        raise ConfigError("no money-weighted return within one moment", fix=fix)
    reach = LARGEST_EXPONENT / longest
    grid = [reach * (k / GRID) ** 3 for k in range(-GRID, GRID + 1)]
    values = [worth(point) for point in grid]
    brackets = [k for k in range(len(grid) - 1) if values[k] and (values[k] > 0.0) is not (values[k + 1] > 0.0)]
    if len(brackets) != 1:
        many = "more than one rate answers" if brackets else "no rate answers"
        raise ConfigError(f"no money-weighted return: {many}", fix=fix)
    low, high = grid[brackets[0]], grid[brackets[0] + 1]
    rising = worth(low) < 0.0
    while low < (middle := (low + high) / 2.0) < high:
        low, high = (middle, high) if (worth(middle) < 0.0) is rising else (low, middle)
    try:
        rate = math.expm1(low)
        return 0.0 if abs(rate) < NO_RATE else rate
    except OverflowError:
        raise ConfigError("no money-weighted return: the rate a year is beyond all numbers", fix=fix) from None
