"""A tax year: three kinds of records apart, what is unknown stays so, and a year is a year in UTC."""

from __future__ import annotations

import pytest

from hedgerow.ledger.tax import Rates, Total, start_ns, tax_year
from hedgerow.model.event import Event, Funding, Income
from hedgerow.units import NS_PER_DAY
from tests.ledger.facts import D, day, fill, flow, mark

PERPETUAL = "BTC/USDT:USDT"
STORY: list[Event] = [
    flow(100_000, at=day("2020-01-01")),
    fill(2, "BTC/USDT", 8_000, day("2020-03-01"), id="old"),
    fill(1, "BTC/USDT", 30_000, day("2021-02-01"), id="new"),
    fill(-1, "BTC/USDT", 40_000, day("2021-03-01"), fee=100, id="first"),
    fill(-1, PERPETUAL, 50_000, day("2021-04-01"), fee=20),
    Funding(day("2021-04-02"), "f1", "futures", PERPETUAL, D(15)),
    Income(day("2021-05-01"), "i1", "spot", "USDT", D(7), "interest"),
    Income(day("2021-05-02"), "i2", "spot", "BTC", D("0.001"), "reward", D(50_000)),
    Income(day("2021-05-03"), "t1", "spot", "USDT", D(-300), "tax"),
    flow("-0.5", "BTC", day("2021-06-01")),
    fill("0.4", PERPETUAL, 40_000, day("2021-12-31") + NS_PER_DAY - 1, fee=8),
    fill("0.6", PERPETUAL, 45_000, day("2022-01-01"), fee=9),
    fill("-1.5", "BTC/USDT", 20_000, day("2022-02-01"), id="last"),
]


def test_year_with_all_kinds() -> None:
    year = tax_year(STORY, 2021)
    assert [(one.event, one.lot, one.term, one.gain) for one in year.disposals] == [("first", "old", "short", 31_900)]
    assert [(one.kind, one.lot, one.basis, one.gain) for one in year.withdrawals] == [
        ("withdrawal", "old", 4_000, None)
    ]
    assert [(one.kind, one.amount) for one in year.derivatives] == [
        ("fee", -20),
        ("funding", 15),
        ("close", 4_000),
        ("fee", -8),
    ]
    assert [(one.kind, one.value) for one in year.income] == [("interest", 7), ("reward", 50)]
    assert [(one.kind, one.value) for one in year.charges] == [("tax", -300)]
    assert (year.short, year.long) == (Total(D(31_900), 0), Total(D(0), 0))
    assert (year.derivatives_net.amount, year.income_net.amount) == (3_987, 57)
    assert [(lot.lot, lot.amount, lot.cost) for lot in year.open_lots] == [
        ("old", D("0.5"), 4_000),
        ("new", 1, 30_000),
        ("i2", D("0.001"), 50),
    ]
    assert (year.missing, year.missing_funding, year.estimate) == ((), (), 0)


def test_next_year_starts_from_the_lots_that_were_left() -> None:
    year = tax_year(STORY, 2022)
    assert [(one.lot, one.amount, one.term, one.gain) for one in year.disposals] == [
        ("old", D("0.5"), "long", 6_000),
        ("new", 1, "short", -10_000),
    ]
    assert [(one.kind, one.amount) for one in year.derivatives] == [("close", 3_000), ("fee", -9)]
    assert (year.short.amount, year.long.amount) == (-10_000, 6_000)
    assert year.income == ()


def test_method_changes_the_gain_and_not_the_proceeds() -> None:
    gains = {
        method: tax_year(STORY, 2021, method=method).short.amount for method in ("FIFO", "LIFO", "HIFO", "AVERAGE")
    }
    assert gains["FIFO"] == 31_900
    assert gains["LIFO"] == gains["HIFO"] == 9_900
    assert gains["AVERAGE"] is not None
    assert round(gains["AVERAGE"], 6) == round(D(39_900) - D(46_000) / 3, 6)


def test_rates_apply_to_each_sum_above_zero() -> None:
    rates = Rates(short=D("0.3"), long=D("0.1"), derivative=D("0.25"), income=D("0.2"))
    assert tax_year(STORY, 2021, rates=rates).estimate == D("0.3") * 31_900 + D("0.25") * 3_987 + D("0.2") * 57
    assert tax_year(STORY, 2022, rates=rates).estimate == D("0.1") * 6_000 + D("0.25") * 2_991


def test_unknown_basis_is_listed_and_makes_the_sum_unknown() -> None:
    events = [
        flow(1, "BTC", day("2021-01-05"), id="gift"),
        fill(1, "BTC/USDT", 100, day("2021-01-06")),
        fill(-2, "BTC/USDT", 300, day("2021-02-01")),
    ]
    year = tax_year(events, 2021, rates=Rates(short=D("0.3")))
    assert [(one.lot, one.proceeds, one.gain) for one in year.missing] == [("gift", 300, None)]
    assert (year.short.amount, year.short.known, year.short.unknown) == (None, 200, 1)
    assert year.long.amount == 0
    assert year.estimate is None
    assert tax_year(events, 2021).estimate == 0  # no rate asks for the sum


def test_coins_of_unknown_origin_are_unknown_in_both_terms() -> None:
    year = tax_year([fill(-1, "BTC/USDT", 300, day("2021-02-01"))], 2021)
    assert (year.short.unknown, year.long.unknown) == (1, 1)
    assert len(year.missing) == 1


def test_missing_funding_makes_the_futures_result_unknown() -> None:
    events = [*STORY[:6], Funding(day("2021-04-03"), "f2", "futures", PERPETUAL, None)]
    year = tax_year(events, 2021)
    assert [one.event for one in year.missing_funding] == ["f2"]
    assert (year.derivatives_net.amount, year.derivatives_net.known) == (None, -5)


def test_events_after_the_year_are_not_even_read() -> None:
    def events() -> object:
        yield flow(100, at=day("2021-01-01"))
        yield mark(day("2022-01-01"), BTC=1)
        pytest.fail("it read on")

    assert tax_year(events(), 2021).disposals == ()  # type: ignore[arg-type]


def test_threshold_of_days_is_the_callers() -> None:
    assert tax_year(STORY, 2021, long_days=364).long.amount == 31_900


def test_year_starts_at_midnight_in_utc() -> None:
    assert start_ns(2022) == day("2022-01-01") == 1_640_995_200 * 10**9
