"""Returns: closed forms, published examples, scipy's root finder, and flows that are never profit."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.ledger.records import ExternalFlow, Valuation
from hedgerow.ledger.returns import internal_rate, money_weighted, time_weighted
from hedgerow.units import NS_PER_DAY
from tests.ledger.facts import D, day, fill, flow, folded, mark

YEAR = 365 * NS_PER_DAY


def marks(*points: tuple[int, float | None]) -> list[Valuation]:
    """(day, value) ..."""
    return [Valuation(at * NS_PER_DAY, None if value is None else D(str(value)), ()) for at, value in points]


def moved(*points: tuple[float, float, int]) -> list[ExternalFlow]:
    """(day, value, marks before it) ..."""
    return [
        ExternalFlow(int(at * NS_PER_DAY), f"f{i}", "spot", "USDT", D(str(value)), D(str(value)), before)
        for i, (at, value, before) in enumerate(points)
    ]


def test_growth_without_flows() -> None:
    found = time_weighted(marks((0, 100), (100, 110), (730, 121)), [])
    assert found.total == pytest.approx(0.21, abs=1e-15)
    assert found.annual == pytest.approx(0.1, abs=1e-15)
    assert (found.first_ns, found.last_ns, found.approximate, found.why) == (0, 730 * NS_PER_DAY, (), "")


def test_flow_at_a_mark_is_exact_before_and_after_it() -> None:
    """100 grow by 10 %, 50 come in, all grow by 20 %: 32 %, whichever side of the mark the flow was written on."""
    after = time_weighted(marks((0, 100), (10, 110), (20, 192)), moved((10, 50, 2)))
    before = time_weighted(marks((0, 100), (10, 160), (20, 192)), moved((10, 50, 1)))
    for found in (after, before):
        assert found.total == pytest.approx(0.32, abs=1e-15)
        assert found.approximate == ()


def test_flow_between_marks_is_modified_dietz_and_says_so() -> None:
    """100, then 40 a quarter of the way through, 154 at the end: 14 / (100 + 40 * 0.75)."""
    found = time_weighted(marks((0, 100), (20, 154)), moved((5, 40, 1)))
    assert found.total == pytest.approx(14 / 130, abs=1e-15)
    assert found.approximate == (5 * NS_PER_DAY,)


def test_first_deposit_opens_the_period() -> None:
    found = time_weighted(marks((10, 105), (20, 105)), moved((0, 100, 0)))
    assert (found.total, found.first_ns, found.approximate) == (pytest.approx(0.05, abs=1e-15), 0, ())


def test_mark_without_a_value_joins_its_intervals() -> None:
    found = time_weighted(marks((0, 100), (5, None), (10, 120)), moved((5, 10, 1)))
    assert found.total == pytest.approx(10 / 105, abs=1e-15)
    assert found.skipped == (5 * NS_PER_DAY,)


def test_emptied_account_grows_no_further_and_starts_anew() -> None:
    points = marks((0, 100), (10, 0), (20, 0), (30, 55))
    found = time_weighted(points, moved((10, -110, 1), (20, 50, 3)))
    assert found.total == pytest.approx(1.1 * 1.1 - 1, abs=1e-15)


def test_withdrawals_that_empty_an_account_leave_no_profit_on_nothing() -> None:
    """0.1 and 0.2 are no 0.3 in floats."""
    points = [(0, 0.3), (10, 0), (20, 55)]
    found = time_weighted(marks(*points), moved((0, -0.1, 1), (0, -0.2, 1), (10, 50, 2)))
    assert (found.total, found.why) == (pytest.approx(0.1, abs=1e-15), "")


def test_an_account_of_the_least_amounts_has_a_return() -> None:
    found = time_weighted([Valuation(0, D("1e-400"), ()), Valuation(YEAR, D("1.5e-400"), ())], [])
    assert found.total == pytest.approx(0.5, abs=1e-15)


def test_a_rate_of_nothing_is_nothing() -> None:
    assert money_weighted(marks((0, 100), (365, 100)), []) == 0.0
    assert money_weighted(marks((0, 100), (100, 150), (365, 150)), moved((100, 50, 1))) == 0.0


def test_unknown_flow_makes_the_return_unknown() -> None:
    unknown = [ExternalFlow(5, "f", "spot", "ETH", D(1), None, 1)]
    found = time_weighted(marks((0, 100), (10, 120)), unknown)
    assert (found.total, found.annual) == (None, None)
    assert found.why == "the ETH that moved in event f had no price"
    with pytest.raises(ConfigError, match="the ETH that moved had no price"):
        money_weighted(marks((0, 100), (10, 120)), unknown)


def test_profit_on_nothing_is_no_return() -> None:
    assert time_weighted(marks((0, 0), (10, 5)), []).why == "money was made or lost while nothing was invested"


@pytest.mark.parametrize("points", [(), ((0, None), (1, None)), ((0, 100),)])
def test_two_marks_with_a_value_are_needed(points: tuple[tuple[int, float | None], ...]) -> None:
    for measure in (time_weighted, money_weighted):
        with pytest.raises(ConfigError, match="no return without two marks"):
            measure(marks(*points), [])


def test_period_runs_from_mark_to_mark() -> None:
    points = marks((0, 100), (10, 110), (20, 150), (30, 999))
    flows = moved((0, 100, 0), (12, 0, 2), (20, 29, 2), (25, 800, 3))
    found = time_weighted(points, flows, since_ns=11 * NS_PER_DAY, until_ns=29 * NS_PER_DAY)
    assert (found.first_ns, found.last_ns) == (10 * NS_PER_DAY, 20 * NS_PER_DAY)
    assert found.total == pytest.approx(0.1, abs=1e-15)
    rate = money_weighted(points, flows, since_ns=11 * NS_PER_DAY, until_ns=29 * NS_PER_DAY)
    assert rate == pytest.approx(1.1**36.5 - 1, rel=1e-10)


def test_short_period_has_no_annual_rate() -> None:
    found = time_weighted([Valuation(0, D(100), ()), Valuation(NS_PER_DAY - 1, D(101), ())], [])
    assert (found.total, found.annual) == (pytest.approx(0.01), None)


def test_all_is_lost() -> None:
    assert time_weighted(marks((0, 100), (365, 0)), []).annual == -1.0


@given(st.lists(st.tuples(st.floats(-0.5, 1), st.floats(-50, 500)), min_size=1, max_size=20))
def test_flows_are_never_profit(steps: list[tuple[float, float]]) -> None:
    """Money that follows one price has that price's return, whatever came in and went out at the marks."""
    value, price, points, flows = 1_000.0, 1.0, [Valuation(0, D(1_000), ())], []
    for number, (change, amount) in enumerate(steps, start=1):
        price *= 1 + change
        value *= 1 + change
        points.append(Valuation(number * YEAR, D(value), ()))
        amount = max(amount, -0.5 * value)
        flows.append(ExternalFlow(number * YEAR, f"{number}", "spot", "USDT", D(amount), D(amount), number + 1))
        value += amount
    found = time_weighted(points, flows)
    assert found.total is not None
    assert math.isclose(1 + found.total, price, rel_tol=1e-9)
    assert found.approximate == ()


# ------------------------------------------------------------------------------------------------------ money-weighted


def test_xirr_of_microsoft() -> None:
    """The example of Excel's XIRR (Microsoft's page of the function): 0.373362535."""
    dates = ("2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01")
    cash = [
        (day(date), float(amount)) for date, amount in zip(dates, (-10_000, 2_750, 4_250, 3_250, 2_750), strict=True)
    ]
    assert internal_rate(cash) == pytest.approx(0.373362535, abs=2e-9)


@given(st.integers(1, 4_000), st.floats(0.01, 50))
def test_one_deposit_is_the_closed_form(days: int, growth: float) -> None:
    log_rate = math.log(growth) * 365 / days
    assume(abs(log_rate) < 500)
    found = money_weighted(marks((days, 100 * growth)), moved((0, 100, 0)))
    exact = D(str(100 * growth)) / 100
    assert math.isclose(found, math.expm1(math.log(exact) * 365 / days), rel_tol=1e-9, abs_tol=1e-9)


def test_yearly_payments_are_a_polynomial() -> None:
    """100 a year for two years, then 231: r with 100 (1+r)^2 + 100 (1+r) = 231 is 10 %."""
    points, flows = marks((365, 110), (730, 231)), moved((0, 100, 0), (365, 100, 1))
    assert money_weighted(points, flows) == pytest.approx(0.1, abs=1e-12)


def test_opening_value_counts_as_paid_in() -> None:
    assert money_weighted(marks((0, 100), (365, 130)), []) == pytest.approx(0.3, abs=1e-12)


def test_no_rate_and_many_rates_are_said() -> None:
    with pytest.raises(ConfigError, match="no rate answers"):
        internal_rate([(0, -100.0), (YEAR, -1.0)])
    with pytest.raises(ConfigError, match="more than one rate answers"):  # 10 % and 20 %
        internal_rate([(0, -100.0), (YEAR, 230.0), (2 * YEAR, -132.0)])
    with pytest.raises(ConfigError, match="within one moment"):
        internal_rate([(5, -100.0), (5, 110.0)])
    with pytest.raises(ConfigError, match="beyond all numbers"):
        internal_rate([(0, -1.0), (NS_PER_DAY, 1_000.0)])


@pytest.mark.oracle
@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 1_000), st.floats(1, 1_000)), min_size=1, max_size=15), st.floats(0.2, 5))
def test_rate_is_that_of_scipy(paid: list[tuple[int, float]], growth: float) -> None:
    from scipy.optimize import brentq

    end = 1_100
    cash = [(at * NS_PER_DAY, -amount) for at, amount in sorted(paid)]
    cash.append((end * NS_PER_DAY, growth * sum(amount for _, amount in paid)))
    start = cash[0][0]

    def worth(rate: float) -> float:
        return sum(amount * (1 + rate) ** (-(at - start) / YEAR) for at, amount in cash)

    assert internal_rate(cash) == pytest.approx(
        brentq(worth, -0.99999, 1e9, xtol=1e-14, rtol=1e-14), rel=1e-7, abs=1e-9
    )


# ---------------------------------------------------------------------------------------------------- from a ledger


def test_ledger_gives_both_returns() -> None:
    """100 buy a coin at 100; it doubles; 100 more come in; it halves. Time: 0 %. Money: below it, for most came late."""
    half = YEAR // 2
    ledger = folded(
        flow(100), fill(1, "BTC/USDT", 100), mark(0, BTC=100), mark(half, BTC=200), flow(200, at=half),
        fill(1, "BTC/USDT", 200, half), mark(YEAR, BTC=100),
    )  # fmt: skip
    found = time_weighted(ledger.valuations, ledger.flows)
    assert (found.total, found.approximate) == (pytest.approx(0.0, abs=1e-15), ())
    rate = money_weighted(ledger.valuations, ledger.flows)
    root = (-200 + math.sqrt(200**2 + 4 * 100 * 200)) / (2 * 100)  # 100 x^2 + 200 x = 200, x = sqrt(1 + r)
    assert rate == pytest.approx(root**2 - 1, abs=1e-9)
