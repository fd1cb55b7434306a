"""What is known about the recorded data comes out of the loader and the checks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hedgerow.store.check import check, summary
from hedgerow.store.finding import Finding
from hedgerow.store.history import History, daily, load, market
from tests.store.folder import DAY, HOUR, at

pytestmark = pytest.mark.data
NINE = ["BTC", "ETH", "BNB", "XRP", "ADA", "LINK", "DOGE", "SOL", "AVAX"]
OUTAGES = [  # as data/README.md tells them: the first missing hour and the last
    ("2020-02-19 12:00", "2020-02-19 16:00"), ("2020-12-21 14:00", "2020-12-21 17:00"),
    ("2021-04-25 05:00", "2021-04-25 07:00"), ("2021-08-13 02:00", "2021-08-13 05:00"),
    ("2021-09-29 07:00", "2021-09-29 08:00"), ("2023-03-24 13:00", "2023-03-24 13:00"),
]  # fmt: skip


@pytest.fixture(scope="module")
def history(data_folder: Path) -> History:
    return load(data_folder, NINE, start=date(2020, 1, 1), end=date(2023, 12, 31))


@pytest.fixture(scope="module")
def findings(data_folder: Path) -> list[Finding]:
    return check(data_folder)


def test_rows_and_instruments(history: History) -> None:
    panels, days = market(history), daily(history)
    assert (len(panels.open_ns), panels.step_ns) == (4 * 8760 + 24, HOUR)
    assert len(panels.universe.instruments) == 18
    assert (len(panels.days_ns), history.offset) == (1461, 867)
    assert days.close.shape == (2328, 9)
    assert np.array_equal(days.days_ns[history.offset :], panels.days_ns)
    assert np.isnan(days.close[history.offset :]).sum() == 223 + 265  # SOL and AVAX before their listing
    assert days.vix[-1] == 12.45
    assert np.isclose(days.rate[-1], 0.0533)
    assert np.all(np.abs(days.quote_usd[history.offset :] - 1.0) < 0.06)


def test_closes_of_the_hours_are_those_of_the_days(history: History) -> None:
    panels, days = market(history), daily(history)
    rows = np.flatnonzero(panels.day >= 0)
    close, fresh = panels.close[rows, :9], panels.fresh[rows, :9] == 1
    assert fresh.mean() > 0.95
    assert np.array_equal(close[fresh], days.close[history.offset :][fresh])


def test_the_outages_of_the_readme(history: History) -> None:
    panels = market(history)
    for first, last in OUTAGES:
        rows = slice((at(first) - history.start_ns) // HOUR, (at(last) - history.start_ns) // HOUR + 1)
        assert not panels.fresh[rows, 0].any()
        assert np.isnan(panels.open[rows, 0]).all()
        assert np.isfinite(panels.open[rows, 9]).all()  # the perpetual traded on
        assert panels.fresh[rows.start - 1, 0]
        assert panels.fresh[rows.stop, 0]
    assert (panels.fresh[:, 0] == 0).sum() == 32


def test_clocks_change_with_what_there_is(history: History) -> None:
    clocks = history.coverage["clocks"]
    assert [period["step"] for period in clocks["ETH/USDT:USDT"]] == ["4h", "1h"]
    assert clocks["ETH/USDT:USDT"][0]["until"] == "2022-01-01"
    assert clocks["SOL/USDT"][0]["first"] == "2020-08-11 06:00"
    panels = market(history)
    coarse = panels.fresh[: (at("2022-01-01") - history.start_ns) // HOUR, 10].reshape(-1, 4)
    assert coarse.sum(axis=0).tolist() == [0, 0, 0, len(coarse)]


def test_sol_was_paid_every_few_hours_in_november_2022(history: History, findings: list[Finding]) -> None:
    panels, days = market(history), daily(history)
    sol = [one.symbol for one in panels.universe.instruments].index("SOL/USDT:USDT")
    row = (at("2022-11-10") - history.start_ns) // HOUR
    assert np.flatnonzero(panels.funding[row : row + 24, sol]).size > 3
    day = (at("2022-11-10") - history.warm_ns) // DAY
    # that day's payments run from 00:00, four hours after the one before, to 22:00
    assert days.funding_hours[day, 7] == 4.0 + 22.0
    found = [f for f in findings if (f.file, f.kind) == ("funding_SOL_8h.parquet", "interval")]
    assert len(found) == 1
    assert at("2022-11-09") < found[0].first_ns < at("2022-11-10")


def test_the_low_of_link_is_kept_and_noted(history: History, findings: list[Finding]) -> None:
    panels = market(history)
    link = NINE.index("LINK")
    assert np.nanmin(panels.low[:, link]) == 0.0001
    found = {f.file: f for f in findings if f.kind == "wick"}
    assert found["spot_LINK_1h.parquet"].first_ns == at("2020-03-12 10:00")


def test_the_check_finds_no_error_and_stays_readable(findings: list[Finding]) -> None:
    found = findings
    assert not [f for f in found if f.severity == "error"]
    assert len(found) < 100
    assert [f.file for f in found if f.severity == "warning" and f.kind == "missing"] == ["macro_FNG_1d.parquet"]
    assert sum(f.count for f in found if f.kind == "outage" and f.file == "spot_*_1h") == 32


def test_the_summary_agrees_with_the_manifest(data_folder: Path) -> None:
    rows = {row.file: row.bars for row in summary(data_folder)}
    manifest = dict(pl.read_csv(data_folder / "MANIFEST.csv").select("file", "rows").iter_rows())
    assert len(rows) > 120
    assert rows == {name: manifest[name] for name in rows}


def test_assets_that_cannot_be_hedged(data_folder: Path) -> None:
    history = load(data_folder, ["MATIC", "EOS"], start=date(2022, 1, 1), end=date(2022, 3, 31))
    panels = market(history)
    assert [one.symbol for one in panels.universe.instruments] == ["MATIC/USDT", "EOS/USDT"]
    assert panels.step_ns == DAY
    assert len([line for line in history.coverage["missing"] if "no perpetual" in line]) == 2


@pytest.mark.parametrize("end", [date(2020, 9, 22), date(2021, 5, 19), date(2022, 1, 1)])
def test_an_earlier_end_changes_no_row(history: History, data_folder: Path, end: date) -> None:
    cut = load(data_folder, NINE, start=date(2020, 1, 1), end=end)
    ours, theirs = market(history), market(cut)
    kept = [one.symbol for one in ours.universe.instruments]
    columns = [kept.index(one.symbol) for one in theirs.universe.instruments]
    for name in ("open", "high", "low", "close", "fresh", "funding"):
        whole = getattr(ours, name)[: len(theirs.open_ns), columns]
        assert np.array_equal(whole, getattr(theirs, name), equal_nan=True), name
    long, short = daily(history), daily(cut)
    for name in ("close", "realised", "funding_sum", "funding_last3", "fear", "vix", "rate", "quote_usd"):
        assert np.array_equal(getattr(long, name)[: len(short.days_ns)], getattr(short, name), equal_nan=True), name
