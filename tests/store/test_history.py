"""Loading: the window, the warm-up, what is refused and how it is said, and the report on what was used."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hedgerow.errors import ConfigError
from hedgerow.store.history import assets_of, daily, load, market
from tests.store.folder import DAY, at, put, put_rates, simple, times


def refused(folder: Path, assets: list[str], **options) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder, assets, **options)
    return caught.value


def test_start_and_end_are_days_and_inclusive(tmp_path: Path) -> None:
    history = load(simple(tmp_path), ["BTC", "ETH"], start=date(2022, 1, 11), end=date(2022, 1, 20), warmup_days=5)
    panels, days = market(history), daily(history)
    assert panels.open_ns[0] == at("2022-01-11")
    assert panels.open_ns[-1] == at("2022-01-20 23:00")
    assert panels.days_ns.tolist() == times("2022-01-11", 10, "1d").tolist()
    assert days.days_ns.tolist() == times("2022-01-06", 15, "1d").tolist()
    assert history.offset == 5
    assert np.array_equal(days.days_ns[history.offset :], panels.days_ns)
    decisions = np.flatnonzero(panels.day >= 0)
    assert panels.day[decisions].tolist() == list(range(10))
    assert np.all((panels.open_ns[decisions] + panels.step_ns) % DAY == 0)
    # the close that a decision sees in the panels is the close of the daily row that it indexes
    assert np.allclose(panels.close[decisions, :2], days.close[history.offset :], rtol=1e-12)


def test_without_days_the_whole_data_is_run(tmp_path: Path) -> None:
    history = load(simple(tmp_path), ["BTC"])
    assert (history.offset, len(history.days_ns)) == (0, 30)
    assert (history.coverage["start"], history.coverage["end"]) == ("2022-01-01", "2022-01-30")


def test_an_unfinished_last_day_is_not_run(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1h", times("2022-01-01", 24 * 3 + 13, "1h"))
    assert load(tmp_path, ["BTC"]).coverage["end"] == "2022-01-03"


def test_warm_up_is_what_there_is(tmp_path: Path) -> None:
    history = load(simple(tmp_path), ["BTC"], start=date(2022, 1, 4))
    assert history.offset == 3
    assert daily(history).days_ns[0] == at("2022-01-01")


def test_unknown_asset_is_named_with_its_neighbours(tmp_path: Path) -> None:
    error = refused(simple(tmp_path), ["BTCC"])
    assert error.message == 'there is no asset "BTCC"'
    assert error.where == str(tmp_path)
    assert error.fix == "Did you mean BTC? This folder has BTC, ETH."
    assert "Did you mean BTC?" in refused(tmp_path, ["btc"]).fix
    assert refused(tmp_path, ["XYZ"]).fix == "This folder has BTC, ETH."


def test_asset_lists_that_make_no_sense(tmp_path: Path) -> None:
    assert refused(simple(tmp_path), []).message == "no asset is named"
    assert refused(tmp_path, ["BTC", "BTC"]).message == "BTC stands twice"
    put(tmp_path, "perp", "DOT", "1d", times("2022-01-01", 3, "1d"))
    assert refused(tmp_path, ["DOT"]).message == "DOT has a perpetual but no spot prices"
    assert "spot_DOT_1d" in refused(tmp_path, ["DOT"]).fix


def test_no_folder_and_an_empty_one(tmp_path: Path) -> None:
    assert refused(tmp_path / "data", ["BTC"]).message == "there is no such folder"
    assert "no spot files" in refused(tmp_path, ["BTC"]).fix


@pytest.mark.parametrize(
    ("options", "message", "where"),
    [
        ({"start": date(2021, 12, 31)}, "2021-12-31 lies outside the data", "start"),
        ({"end": date(2022, 1, 31)}, "2022-01-31 lies outside the data", "end"),
        (
            {"start": date(2022, 1, 9), "end": date(2022, 1, 8)},
            "the start 2022-01-09 is after the end 2022-01-08",
            "start",
        ),
    ],
)
def test_days_outside_the_data(tmp_path: Path, options: dict[str, date], message: str, where: str) -> None:
    error = refused(simple(tmp_path), ["BTC", "ETH"], **options)
    assert (error.message, error.where) == (message, where)
    assert error.fix == "Choose days from 2022-01-01 to 2022-01-30: what the data has of BTC, ETH."


def test_a_window_without_bars(tmp_path: Path) -> None:
    opens = np.concatenate([times("2022-01-01", 5, "1d"), times("2022-02-01", 5, "1d")])
    put(tmp_path, "spot", "BTC", "1d", opens)
    error = refused(tmp_path, ["BTC"], start=date(2022, 1, 10), end=date(2022, 1, 20))
    assert error.message == "there is no bar of BTC from 2022-01-10 to 2022-01-20"
    assert error.where == "start, end"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"close": np.nan}, "has a price that is not a number"),
        ({"high": np.inf}, "has a price that is not a number"),
        ({"low": 0.0}, "has a price of zero or less, or a negative volume"),
        ({"volume": -1.0}, "has a price of zero or less, or a negative volume"),
        ({"high": 1.0}, "has a high or low that leaves out one of its prices"),
    ],
)
def test_a_bad_price_names_file_and_bar(tmp_path: Path, change: dict[str, float], message: str) -> None:
    opens = times("2022-01-01", 10, "1d")
    path = put(tmp_path, "spot", "BTC", "1d", opens)
    table = pl.read_parquet(path)
    ((name, value),) = change.items()
    values = table[name].to_numpy().copy()
    values[4] = value
    table.with_columns(pl.Series(name, values)).write_parquet(path)
    error = refused(tmp_path, ["BTC"])
    assert error.message == f"the bar of 2022-01-05 {message}"
    assert error.where == "spot_BTC_1d.parquet"
    assert "hedgerow data check" in error.fix


def test_rows_out_of_order_twice_or_off_the_grid(tmp_path: Path) -> None:
    opens = times("2022-01-01", 5, "1d")
    put(tmp_path, "spot", "BTC", "1d", opens[[0, 2, 1, 3, 4]])
    assert refused(tmp_path, ["BTC"]).message == "the bar of 2022-01-02 is earlier than the row before it"
    put(tmp_path, "spot", "BTC", "1d", opens[[0, 1, 1, 3, 4]])
    assert refused(tmp_path, ["BTC"]).message == "the bar of 2022-01-02 stands twice"
    put(tmp_path, "spot", "BTC", "1d", opens + 3_600_000_000_000)
    assert refused(tmp_path, ["BTC"]).message == "the bar of 2022-01-01 01:00 is no opening time of a 1d bar"
    put(tmp_path, "spot", "BTC", "1d", opens)
    put_rates(tmp_path, "BTC", times("2022-01-01", 3, "8h")[[0, 1, 1]], [0.1, 0.1, 0.1])
    assert refused(tmp_path, ["BTC"]).message == "the payment of 2022-01-01 08:00 stands twice"
    put_rates(tmp_path, "BTC", times("2022-01-01", 3, "8h"), [0.1, np.nan, 0.1])
    assert refused(tmp_path, ["BTC"]).message == "the payment of 2022-01-01 08:00 has a rate that is not a number"


def test_spot_without_a_perpetual_is_an_asset(tmp_path: Path) -> None:
    put(simple(tmp_path), "spot", "MATIC", "1d", times("2022-01-01", 30, "1d"))
    history = load(tmp_path, ["BTC", "MATIC"])
    symbols = [one.symbol for one in market(history).universe.instruments]
    assert symbols == ["BTC/USDT", "MATIC/USDT", "BTC/USDT:USDT"]
    assert np.isnan(daily(history).perp_close[:, 1]).all()
    missing = history.coverage["missing"]
    assert "MATIC has no perpetual: it can be sold or cross-hedged, not hedged by its own future." in missing
    assert assets_of(tmp_path) == ("BTC", "ETH", "MATIC")


def test_coverage_says_what_was_used_and_what_was_not(tmp_path: Path) -> None:
    simple(tmp_path)
    opens = times("2022-01-01", 24 * 30, "1h")
    for seed, asset in enumerate(("BTC", "ETH"), 1):
        put(tmp_path, "spot", asset, "1h", np.delete(opens, [60, 61, 62]), seed=seed)
    put_rates(tmp_path, "ETH", np.delete(times("2022-01-01", 90, "8h"), 7), np.full(89, 1e-4))
    put(tmp_path, "dated", "BTC", "1d", times("2022-01-01", 3, "1d"), contract="CME1")
    put(tmp_path, "spot", "BTC", "15m", times("2022-01-01", 3, "15m"))
    report = load(tmp_path, ["BTC", "ETH"], start=date(2022, 1, 2)).coverage
    json.dumps(report)
    assert report["outages"] == [
        {"first": "2022-01-03 12:00", "until": "2022-01-03 15:00", "of": ["BTC/USDT", "ETH/USDT"]}
    ]
    assert report["funding_gaps"] == [{"first": "2022-01-03", "until": "2022-01-03 16:00", "of": ["ETH"]}]
    assert (report["axis"], report["rows"], report["days"], report["warmup_days"]) == ("1h", 24 * 29, 29, 1)
    unused = {row["file"]: row["why"] for row in report["unused"]}
    assert "spliced" in unused["dated_BTC-CME1_1d.parquet"]
    assert unused["spot_BTC_15m.parquet"] == "bars of 15m: a run uses 1h, 2h, 4h, 8h, 1d"
    assert "There is no VIX (macro_VIX_1d)." in report["missing"]
    assert "There are no dated contracts: the basis of dated futures is unknown." in report["missing"]
    files = {row["file"]: row for row in report["files"]}
    assert files["spot_BTC_1d.parquet"]["rows"] == 30
    assert files["funding_ETH_8h.parquet"]["rows"] == 89
    assert report["clocks"]["BTC/USDT:USDT"] == [
        {"step": "4h", "first": "2022-01-02", "until": "2022-01-31", "bars": 29 * 6}
    ]


def test_an_asset_that_ends_or_begins_within_the_run_is_named(tmp_path: Path) -> None:
    simple(tmp_path)
    put(tmp_path, "spot", "LUNA", "1d", times("2022-01-01", 12, "1d"))
    put(tmp_path, "spot", "APT", "1d", times("2022-01-20", 11, "1d"))
    history = load(tmp_path, ["BTC", "LUNA", "APT"])
    assert "LUNA/USDT ends on 2022-01-13; it is marked at its last price from then on." in history.coverage["missing"]
    assert "APT/USDT begins on 2022-01-20." in history.coverage["missing"]
    panels = market(history)
    assert not panels.fresh[12 * 24 :, 1].any()
    assert np.isfinite(panels.close[-1]).all()
    assert np.isnan(panels.close[: 19 * 24, 2]).all()
