"""Foreign files become ours: names, units of time, several sources, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.store.files import read_bars, scan
from hedgerow.store.history import daily, load
from hedgerow.store.intake import ingest
from tests.store.folder import at, frame, put, times, walk

OPENS = times("2022-01-01", 48, "1h")


def foreign(unit: int = 1_000_000) -> pl.DataFrame:
    values = walk(OPENS, 3_600_000_000_000)
    return pl.DataFrame({"Open time": OPENS // unit, **{name.title(): value for name, value in values.items()}})


@given(st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
@settings(max_examples=8)
def test_epochs_of_any_unit(tmp_path_factory: pytest.TempPathFactory, unit: int) -> None:
    folder = tmp_path_factory.mktemp("foreign")
    foreign(unit).write_csv(folder / "klines.csv")
    done = ingest(folder / "klines.csv", folder / "ours", "spot", "BTC", "1h")
    one = read_bars(scan(folder / "ours")[0])
    assert np.array_equal(one.open_ns, OPENS)
    assert np.array_equal(one.close, walk(OPENS, 3_600_000_000_000)["close"])
    assert done.columns["timestamp"] == "Open time"
    assert done.sentence() == (
        "48 rows, 2022-01-01 to 2022-01-02 23:00; read timestamp from Open time, open from Open, high from High, "
        f"low from Low, close from Close, volume from Volume: {done.path}"
    )


def test_ours_to_csv_and_back(tmp_path: Path) -> None:
    put(tmp_path / "a", "spot", "BTC", "1d", times("2022-01-01", 30, "1d"))
    ours = pl.read_parquet(tmp_path / "a" / "spot_BTC_1d.parquet")
    ours.with_columns(pl.col("timestamp").dt.to_string("%Y-%m-%d %H:%M:%S")).write_csv(tmp_path / "export.csv")
    ingest(tmp_path / "export.csv", tmp_path / "b", "spot", "BTC", "1d")
    assert pl.read_parquet(tmp_path / "b" / "spot_BTC_1d.parquet").equals(ours)
    first, again = (daily(load(tmp_path / name, ["BTC"])) for name in "ab")
    assert np.array_equal(first.close, again.close)


def test_a_mapping_names_what_cannot_be_guessed(tmp_path: Path) -> None:
    table = foreign().rename({"Close": "settled", "Open time": "when"})
    table.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ConfigError) as caught:
        ingest(tmp_path / "x.parquet", tmp_path / "ours", "spot", "BTC", "1h")
    assert caught.value.message.startswith("no column looks like timestamp: it has when, Open")
    assert caught.value.fix == "Say which one it is, for example timestamp=when."
    mapping = {"timestamp": "when", "close": "settled"}
    assert ingest(tmp_path / "x.parquet", tmp_path / "ours", "spot", "BTC", "1h", mapping).rows == 48
    with pytest.raises(ConfigError, match='there is no column "nope" for close'):
        ingest(tmp_path / "x.parquet", tmp_path / "ours", "spot", "BTC", "1h", mapping | {"close": "nope"})


def test_a_binance_archive_without_a_header(tmp_path: Path) -> None:
    table = foreign().with_columns(pl.lit(0).alias("close_time"), pl.lit(1.0).alias("quote_volume"))
    table.write_csv(tmp_path / "BTCUSDT-1h-2022-01.csv", include_header=False)
    assert ingest(tmp_path / "BTCUSDT-1h-2022-01.csv", tmp_path / "ours", "perp", "BTC", "1h").rows == 48


def test_an_advertisement_above_the_header_and_newest_first(tmp_path: Path) -> None:
    table = foreign(1_000_000).rename({"Open time": "unix", "Volume": "Volume BTC"})
    table = table.with_columns(pl.lit("BTCUSDT").alias("symbol"), (pl.col("Close") * 9).alias("Volume USDT")).reverse()
    (tmp_path / "cdd.csv").write_text("https://www.example.com\n" + table.write_csv())
    done = ingest(tmp_path / "cdd.csv", tmp_path / "ours", "spot", "BTC", "1h")
    assert done.columns["volume"] == "Volume BTC"
    assert np.array_equal(read_bars(scan(tmp_path / "ours")[0]).open_ns, OPENS)


def test_a_folder_of_months_that_overlap(tmp_path: Path) -> None:
    source = tmp_path / "months"
    source.mkdir()
    foreign()[:30].write_csv(source / "1.csv")
    foreign()[25:].write_csv(source / "2.csv")
    done = ingest(source, tmp_path / "ours", "spot", "BTC", "1h")
    assert (done.rows, done.repeated) == (48, 5)
    foreign()[25:].with_columns(pl.col("Volume") + 1.0).write_csv(source / "2.csv")
    with pytest.raises(ConfigError, match="the rows of 2022-01-02 01:00 differ from each other"):
        ingest(source, tmp_path / "ours", "spot", "BTC", "1h")


def test_closing_stamps_are_moved_to_the_opening(tmp_path: Path) -> None:
    table = frame(OPENS + 3_600_000_000_000, walk(OPENS, 3_600_000_000_000))
    table.write_parquet(tmp_path / "x.parquet")
    ingest(tmp_path / "x.parquet", tmp_path / "ours", "spot", "BTC", "1h", closing=True)
    assert np.array_equal(read_bars(scan(tmp_path / "ours")[0]).open_ns, OPENS)


def test_funding_with_foreign_names(tmp_path: Path) -> None:
    stamps = times("2022-01-01", 5, "8h") // 1_000_000 + 13
    pl.DataFrame({"symbol": ["X"] * 5, "fundingTime": stamps, "fundingRate": [1e-4] * 5}).write_csv(tmp_path / "f.csv")
    done = ingest(tmp_path / "f.csv", tmp_path / "ours", "funding", "BTC", "8h")
    assert (done.path.name, done.rows, done.first) == ("funding_BTC_8h.parquet", 5, "2022-01-01")


def test_gaps_are_reported(tmp_path: Path) -> None:
    foreign().filter(pl.int_range(pl.len()) != 9).write_csv(tmp_path / "x.csv")
    done = ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", "BTC", "1h")
    assert [finding.kind for finding in done.findings] == ["missing"]
    assert "1 bar missing from 2022-01-01 09:00 to 2022-01-01 10:00" in done.sentence()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("spots", "BTC", "1h"), '"spots" is no kind of series'),
        (("spot", "BTC/USDT", "1h"), '"BTC/USDT" is no asset'),
        (("spot", "BTC", "hourly"), '"hourly" is not a step'),
        (("spot", "BTC", "3h"), '"3h" is not a step'),
        (("spot", "BTC", "1m"), '"1m" is not a step'),
        (("dated", "BTC", "1d"), 'the contract is ""'),
    ],
)
def test_what_is_no_name(tmp_path: Path, options: tuple[str, str, str], message: str) -> None:
    foreign().write_csv(tmp_path / "x.csv")
    with pytest.raises(ConfigError) as caught:
        ingest(tmp_path / "x.csv", tmp_path / "ours", *options)
    assert caught.value.message == message


@pytest.mark.parametrize("contract", ["20221332", "20230229", "2023", "2022-12-30"])
def test_a_contract_expires_on_a_day(tmp_path: Path, contract: str) -> None:
    foreign().write_csv(tmp_path / "x.csv")
    with pytest.raises(ConfigError, match=f'"{contract}" is no day'):
        ingest(tmp_path / "x.csv", tmp_path / "ours", "dated", "BTC", "1h", contract=contract)
    assert not (tmp_path / "ours").exists()


def test_rows_that_stand_another_step_apart_are_refused(tmp_path: Path) -> None:
    foreign().write_csv(tmp_path / "x.csv")
    for freq, kind in (("4h", "spot"), ("1d", "macro")):
        with pytest.raises(ConfigError, match=rf"most rows stand 1h apart, not {freq}\. Give 1h"):
            ingest(tmp_path / "x.csv", tmp_path / "ours", kind, "BTC", freq)
    foreign()[::3].write_csv(tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="most rows stand 3 h apart, not 1h"):
        ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", "BTC", "1h")
    assert not (tmp_path / "ours").exists()


def test_few_rows_and_gaps_are_no_other_step(tmp_path: Path) -> None:
    foreign().filter(pl.int_range(pl.len()).is_in([0, 5])).write_csv(tmp_path / "two.csv")
    assert ingest(tmp_path / "two.csv", tmp_path / "ours", "spot", "BTC", "1h").rows == 2
    foreign().filter(pl.int_range(pl.len()).is_in([0, 1, 5])).write_csv(tmp_path / "three.csv")
    assert ingest(tmp_path / "three.csv", tmp_path / "ours", "spot", "ETH", "1h").rows == 3


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_than_commas(tmp_path: Path, separator: str) -> None:
    foreign().write_csv(tmp_path / "plain.csv", separator=separator)
    (tmp_path / "above.csv").write_text("# from, somewhere\n" + foreign().write_csv(separator=separator))
    foreign().write_csv(tmp_path / "bare.csv", separator=separator, include_header=False)
    for name in ("plain", "above", "bare"):
        done = ingest(tmp_path / f"{name}.csv", tmp_path / name, "spot", "BTC", "1h")
        assert np.array_equal(read_bars(scan(tmp_path / name)[0]).open_ns, OPENS), done.columns


@pytest.mark.parametrize(("asset", "name"), [("btc", "BTC"), ("Eth", "ETH"), ("1inch", "1INCH"), ("kPEPE", "kPEPE")])
def test_assets_stand_in_capitals(tmp_path: Path, asset: str, name: str) -> None:
    foreign().write_csv(tmp_path / "x.csv")
    assert ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", asset, "1h").path.name == f"spot_{name}_1h.parquet"


def test_bad_prices_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    put(tmp_path / "ours", "spot", "BTC", "1h", OPENS[:3])
    before = (tmp_path / "ours" / "spot_BTC_1h.parquet").read_bytes()
    foreign().with_columns(pl.lit(-1.0).alias("Low")).write_csv(tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="price of zero or less"):
        ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", "BTC", "1h")
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["spot_BTC_1h.parquet"]
    assert (tmp_path / "ours" / "spot_BTC_1h.parquet").read_bytes() == before


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", "BTC", "1h")
    with pytest.raises(ConfigError, match="there is no CSV or Parquet file"):
        ingest(tmp_path, tmp_path / "ours", "spot", "BTC", "1h")
    (tmp_path / "x.csv").write_text("Open time,Open,High,Low,Close,Volume\n")
    with pytest.raises(ConfigError, match="there are no rows"):
        ingest(tmp_path / "x.csv", tmp_path / "ours", "spot", "BTC", "1h")


def test_a_dated_contract(tmp_path: Path) -> None:
    foreign().write_csv(tmp_path / "x.csv")
    done = ingest(tmp_path / "x.csv", tmp_path / "ours", "dated", "BTC", "1h", contract="20220325")
    assert done.path.name == "dated_BTC-20220325_1h.parquet"
    assert scan(tmp_path / "ours")[0].expiry_ns == at("2022-03-25 08:00")


@pytest.mark.parametrize(
    "text",
    [
        "# from somewhere\n",  # nothing under the line of advertising
        '# from somewhere\na,b\n1,2\n"3,4,5,6\n7',
        "1640995200000,1,2,0.5,1,9\n1641081600000,1\n1,2,3,4,5,6,7,8,9\n",  # a Binance archive with torn lines
    ],
)
def test_a_torn_file_ends_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "torn.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"torn\.csv"):
        ingest(tmp_path / "torn.csv", tmp_path / "ours", "spot", "BTC", "1d")
    assert not (tmp_path / "ours").exists() or not list((tmp_path / "ours").iterdir())
