"""Names, columns, times and dtypes of one file, and the errors that name file, column and fix."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store.files import parse_name, read_bars, read_rates, scan, stamp, step_of, times_ns, unknown, write
from tests.store.folder import DAY, HOUR, at, put, put_rates, times

TIMES = 'spot_BTC_1h.csv, column "timestamp"'
HEAD = "timestamp,open,high,low,close,volume\n"


def bars(folder: Path, text: str, name: str = "spot_BTC_1h.csv"):
    (folder / name).write_text(text)
    file = parse_name(folder / name)
    assert file is not None
    return read_bars(file)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("spot_BTC_1h.parquet", ("spot", "BTC", "1h", "", "")),
        ("funding_SOL_8h.csv", ("funding", "SOL", "8h", "", "")),
        ("dated_BTC-20230630_1d.parquet", ("dated", "BTC", "1d", "", "20230630")),
        ("dated_BTC-CME1_1d.parquet", ("dated", "BTC", "1d", "", "CME1")),
        ("spot_BTC_1d_coinbase.parquet", ("spot", "BTC", "1d", "coinbase", "")),
        ("fundamental_1INCH_1d.csv", ("fundamental", "1INCH", "1d", "", "")),
    ],
)
def test_names_are_read(name: str, parts: tuple[str, ...]) -> None:
    file = parse_name(Path(name))
    assert file is not None
    assert (file.kind, file.asset, file.freq, file.venue, file.contract) == parts


@pytest.mark.parametrize(
    "name",
    [
        "spot_BTC_1h.json",
        "spots_BTC_1h.csv",
        "spot_BTC.csv",
        "spot_BTC-20230630_1d.csv",
        "dated_BTC_1d.csv",
        "spot_BTC_0h.csv",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert parse_name(Path(name)) is None


def test_a_dated_contract_expires_at_eight_and_a_spliced_series_never() -> None:
    contract, spliced = parse_name(Path("dated_BTC-20230630_1d.csv")), parse_name(Path("dated_BTC-CME1_1d.csv"))
    wrong = parse_name(Path("dated_BTC-20231399_1d.csv"))
    assert contract is not None
    assert spliced is not None
    assert wrong is not None
    assert contract.expiry_ns == at("2023-06-30 08:00")
    assert spliced.expiry_ns is None
    assert wrong.expiry_ns is None


def test_bars_of_a_contract_end_at_its_expiry(tmp_path: Path) -> None:
    put(tmp_path, "dated", "BTC", "1d", times("2023-06-29", 2, "1d"), contract="20230630")
    ends = read_bars(scan(tmp_path)[0]).close_ns
    assert ends.tolist() == [at("2023-06-30"), at("2023-06-30 08:00")]


def test_scan_lists_the_folder_and_its_venues(tmp_path: Path) -> None:
    put(tmp_path, "spot", "ETH", "1d", times("2023-01-01", 3, "1d"))
    put(tmp_path, "perp", "BTC", "1h", times("2023-01-01", 3, "1h"))
    (tmp_path / "venues").mkdir()
    (tmp_path / "venues" / "spot_BTC_1d_coinbase.csv").write_text(HEAD)
    (tmp_path / "prices.csv").write_text("x\n")
    (tmp_path / "README.md").write_text("")
    names = [file.name for file in scan(tmp_path)]
    assert names == ["perp_BTC_1h.parquet", "spot_ETH_1d.parquet", "venues/spot_BTC_1d_coinbase.csv"]
    assert [path.name for path in unknown(tmp_path)] == ["prices.csv"]


def test_scan_names_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        scan(tmp_path / "nowhere")
    assert caught.value.message == "there is no such folder"
    assert caught.value.where.endswith("nowhere")
    assert "spot_BTC_1d.parquet" in caught.value.fix


@pytest.mark.parametrize(
    "text",
    ["2023-01-31T08:00:00Z", "2023-01-31 08:00:00", "2023-01-31T08:00", "2023-01-31 10:00:00+02:00",
     "2023-01-31T03:00:00.000-0500", "2023-01-31 08:00:00 UTC", "1675152000000"],
)  # fmt: skip
def test_one_moment_in_many_spellings(tmp_path: Path, text: str) -> None:
    one = bars(tmp_path, f"{HEAD}{text},1,2,0.5,1.5,10\n")
    assert one.open_ns.tolist() == [at("2023-01-31 08:00")]
    assert (one.open[0], one.high[0], one.low[0], one.close[0], one.volume[0]) == (1.0, 2.0, 0.5, 1.5, 10.0)


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("t", [date(2023, 1, 31)]),
        pl.Series("t", [datetime(2023, 1, 31)]),  # noqa: DTZ001 (a time without a zone is UTC)
        pl.Series("t", [datetime(2023, 1, 31, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"),
        pl.Series("t", [datetime(2023, 1, 31, tzinfo=UTC)]).dt.cast_time_unit("us"),
    ],
)
def test_dates_and_datetimes_of_any_zone_and_unit(series: pl.Series) -> None:
    assert times_ns(series, "x").to_list() == [at("2023-01-31")]


@given(st.datetimes(datetime(2011, 1, 1), datetime(2100, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001
def test_iso_text_is_read_as_python_reads_it(when: datetime, zone: int) -> None:
    when = when.replace(microsecond=0)
    text = f"{when.isoformat()}{zone:+03d}:00"
    expected = int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000
    assert times_ns(pl.Series("t", [text]), "x").to_list() == [expected]


@given(st.integers(1_000_000_000, 4_000_000_000), st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
def test_the_unit_of_integers_is_guessed_by_size(seconds: int, unit: int) -> None:
    assert times_ns(pl.Series("t", [seconds * unit]), "x", guess=True).to_list() == [seconds * 1_000_000_000]


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("timestamp,open,high,low,volume\n0,1,1,1,1\n",
         'column "close" is missing (the file has timestamp, open, high, low, volume)', "spot_BTC_1h.csv"),
        (f"{HEAD}2023-01-01,1,2,zero,1,1\n", 'column "low" holds "zero" in row 1', "spot_BTC_1h.csv"),
        (f"{HEAD}2023-01-01,1,2,1,1,1\nsoon,1,2,1,1,1\n", '"soon" in row 2 is no time', TIMES),
        (f"{HEAD}2023-01-01,1,2,1,1,1\n,1,2,1,1,1\n", 'nothing in row 2 is no time', TIMES),
        (f"{HEAD}1675152000,1,2,1,1,1\n", "its integers are not milliseconds since 1970", TIMES),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_the_schema(tmp_path: Path, text: str, message: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bars(tmp_path, text)
    assert caught.value.message == message
    assert caught.value.where == where
    assert caught.value.fix


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "spot_BTC_1h.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ConfigError, match=r"spot_BTC_1h\.parquet: it cannot be read as Parquet") as caught:
        read_bars(scan(tmp_path)[0])
    assert caught.value.fix == "Fetch or export the file again."


def test_the_same_series_twice_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1h", times("2023-01-01", 3, "1h"))
    with pytest.raises(ConfigError, match=r"the same series stands in spot_BTC_1h\.parquet too"):
        bars(tmp_path, HEAD)


def test_null_and_missing_columns_are_unknown(tmp_path: Path) -> None:
    one = bars(tmp_path, "timestamp,close\n2023-01-01,5\n2023-01-02,\n", "macro_VIX_1d.csv")
    assert np.isnan(one.open).all()
    assert np.isnan(one.volume).all()
    assert one.close[0] == 5.0
    assert np.isnan(one.close[1])


@pytest.mark.parametrize("csv", [False, True])
def test_what_is_written_is_read_back(tmp_path: Path, csv: bool) -> None:
    opens = times("2022-12-31 22:00", 5, "1h")
    path = put(tmp_path, "spot", "BTC", "1h", opens)
    first = read_bars(scan(tmp_path)[0])
    table = pl.read_parquet(path)
    assert table.schema["timestamp"] == pl.Datetime("ms", "UTC")
    path.unlink()
    write(tmp_path, "spot", "BTC", "1h", table, csv=csv)
    again = read_bars(scan(tmp_path)[0])
    for name in ("open_ns", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name


def test_late_stamps_are_rounded_to_the_minute(tmp_path: Path) -> None:
    stamps = times("2023-01-01", 3, "8h") + np.array([0, 47_000_000, -3_000_000])
    put_rates(tmp_path, "BTC", stamps, [0.1, 0.2, 0.3])
    assert read_rates(scan(tmp_path)[0]).stamp_ns.tolist() == times("2023-01-01", 3, "8h").tolist()


def test_writing_refuses_other_names_and_tables(tmp_path: Path) -> None:
    table = pl.DataFrame({"timestamp": [1_675_152_000_000], "close": [1.0]})
    with pytest.raises(ConfigError, match="no name of a data file"):
        write(tmp_path, "spots", "BTC", "1h", table)
    with pytest.raises(ConfigError, match='column "open" is missing'):
        write(tmp_path, "spot", "BTC", "1h", table)
    with pytest.raises(ConfigError, match='column "timestamp" is missing'):
        write(tmp_path, "macro", "VIX", "1d", table.drop("timestamp"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / "file", "macro", "VIX", "1d", table)


def test_steps_and_stamps() -> None:
    assert (step_of("15m"), step_of("1h"), step_of("1d")) == (HOUR // 4, HOUR, DAY)
    assert (stamp(at("2023-01-02")), stamp(at("2023-01-02 03:04"))) == ("2023-01-02", "2023-01-02 03:04")
    with pytest.raises(ConfigError, match='"fortnight" is not a step'):
        step_of("fortnight")
