"""Every planted defect is found and named; clean data has no finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hedgerow.errors import ConfigError
from hedgerow.store.check import check, summary
from hedgerow.store.finding import Finding
from tests.store.folder import at, put, put_closes, put_rates, simple, times


def altered(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(path)).write_parquet(path)


def cell(path: Path, row: int, **values: float) -> None:
    def change(table: pl.DataFrame) -> pl.DataFrame:
        at_row = pl.int_range(pl.len()) == row
        return table.with_columns(
            pl.when(at_row).then(pl.lit(v, pl.Float64)).otherwise(pl.col(k)).alias(k) for k, v in values.items()
        )

    altered(path, change)


def of_kind(found: list[Finding], kind: str) -> Finding:
    (one,) = [finding for finding in found if finding.kind == kind]
    return one


def test_clean_data_has_no_finding(tmp_path: Path) -> None:
    assert check(simple(tmp_path)) == []


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        check(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("kind", "severity", "plant", "count", "first"),
    [
        ("nan", "error", lambda p: cell(p, 5, close=float("nan")), 1, "2022-01-01 05:00"),
        ("non_positive", "error", lambda p: cell(p, 5, low=0.0), 1, "2022-01-01 05:00"),
        ("inconsistent", "error", lambda p: cell(p, 7, high=50.0), 1, "2022-01-01 07:00"),
        ("wick", "note", lambda p: cell(p, 7, low=0.001), 1, "2022-01-01 07:00"),
        ("no_volume", "note", lambda p: cell(p, 8, volume=0.0), 1, "2022-01-01 08:00"),
        ("bad_print", "warning", lambda p: cell(p, 100, close=200.0, high=201.0), 1, "2022-01-05 04:00"),
        ("duplicate", "error", lambda p: altered(p, lambda t: pl.concat([t[:6], t[5:]])), 1, "2022-01-01 05:00"),
        ("unsorted", "error", lambda p: altered(p, lambda t: pl.concat([t[:5], t[6:7], t[5:6], t[7:]])), 1,
         "2022-01-01 05:00"),
        ("missing", "warning", lambda p: altered(p, lambda t: pl.concat([t[:50], t[53:90], t[91:]])), 4,
         "2022-01-03 02:00"),
        ("old", "warning", lambda p: altered(p, lambda t: t[:-3]), 3, "2022-01-30 21:00"),
        ("off_grid", "error",
         lambda p: altered(p, lambda t: t.with_columns(pl.col("timestamp").dt.offset_by("10m"))),
         720, "2022-01-01 00:10"),
        ("schema", "error", lambda p: altered(p, lambda t: t.drop("close")), 1, None),
        ("empty", "warning", lambda p: altered(p, lambda t: t[:0]), 0, None),
    ],
)  # fmt: skip
def test_a_planted_defect_is_found(
    tmp_path: Path, kind: str, severity: str, plant: Callable[[Path], None], count: int, first: str | None
) -> None:
    path = simple(tmp_path) / "spot_BTC_1h.parquet"
    plant(path)
    found = of_kind(check(tmp_path), kind)
    assert (found.file, found.severity, found.count) == ("spot_BTC_1h.parquet", severity, count)
    assert found.first_ns == (None if first is None else at(first))
    assert first is None or first in found.sentence


def test_repeated_bars_are_stale(tmp_path: Path) -> None:
    path = simple(tmp_path) / "perp_BTC_4h.parquet"
    altered(path, lambda t: t.with_columns(
        *(pl.when(pl.int_range(pl.len()).is_between(10, 14)).then(pl.col(c).get(10)).otherwise(pl.col(c)).alias(c)
          for c in ("open", "high", "low", "close"))))  # fmt: skip
    found = of_kind(check(tmp_path), "stale")
    assert (found.file, found.count) == ("perp_BTC_4h.parquet", 4)


def test_a_jump_that_stays_is_a_note_and_disagrees_with_the_other_files(tmp_path: Path) -> None:
    path = simple(tmp_path) / "spot_BTC_1h.parquet"
    altered(path, lambda t: t.with_columns(
        *(pl.when(pl.int_range(pl.len()) >= 400).then(pl.col(c) * 1.6).otherwise(pl.col(c)).alias(c)
          for c in ("open", "high", "low", "close"))))  # fmt: skip
    found = check(tmp_path)
    jump, apart, far = of_kind(found, "jump"), of_kind(found, "disagreement"), of_kind(found, "premium")
    assert (jump.severity, jump.first_ns, jump.count) == ("note", at("2022-01-17 16:00"), 1)
    assert "with a move of +59%" in jump.sentence
    assert (apart.file, apart.count) == ("spot_BTC_1d.parquet", 14)
    assert (far.file, far.severity) == ("perp_BTC_4h.parquet", "note")


def test_a_level_that_shifts_tenfold_is_a_warning_whoever_shifts_too(tmp_path: Path) -> None:
    for name, factor in (("BTC", 100.97), ("ETH", 0.05), ("SOL", 11.0)):
        path = put(tmp_path, "spot", name, "1d", times("2022-01-01", 30, "1d"))
        altered(path, lambda t, f=factor: t.with_columns(
            *(pl.when(pl.int_range(pl.len()) >= 20).then(pl.col(c) * f).otherwise(pl.col(c)).alias(c)
              for c in ("open", "high", "low", "close"))))  # fmt: skip
    found = [one for one in check(tmp_path) if one.kind == "jump" and one.severity == "warning"]
    assert sorted(one.file for one in found) == [f"spot_{name}_1d.parquet" for name in ("BTC", "ETH", "SOL")]
    assert {(one.first_ns, one.count) for one in found} == {(at("2022-01-21"), 1)}
    assert "with a move of +10," in next(one.sentence for one in found if "BTC" in one.file)


def test_a_gap_that_all_share_is_an_outage_and_one_that_one_has_is_missing(tmp_path: Path) -> None:
    simple(tmp_path)
    hours = times("2022-01-01", 720, "1h")
    put(tmp_path, "spot", "BTC", "1h", np.delete(hours, [30, 31, 100]), seed=1)
    put(tmp_path, "spot", "ETH", "1h", np.delete(hours, [30, 31]), seed=2)
    found = check(tmp_path)
    outage, missing = of_kind(found, "outage"), of_kind(found, "missing")
    assert (outage.file, outage.severity, outage.count, outage.first_ns) == (
        "spot_*_1h",
        "note",
        2,
        at("2022-01-02 06:00"),
    )
    assert "BTC, ETH" in outage.sentence
    assert (missing.file, missing.count) == ("spot_BTC_1h.parquet", 1)


def test_funding_gaps_intervals_and_percentages(tmp_path: Path) -> None:
    simple(tmp_path)
    stamps = times("2022-01-01", 90, "8h")
    put_rates(tmp_path, "BTC", np.delete(stamps, [7, 8]), np.full(88, 0.01))
    put_rates(tmp_path, "ETH", np.sort(np.append(stamps, [at("2022-01-05 04:00")])), np.full(91, 1e-4))
    found = check(tmp_path)
    assert (of_kind(found, "missing").file, of_kind(found, "missing").count) == ("funding_BTC_8h.parquet", 2)
    assert "2 payments" in of_kind(found, "missing").sentence
    assert of_kind(found, "scale").file == "funding_BTC_8h.parquet"
    interval = of_kind(found, "interval")
    assert (interval.file, interval.count, interval.first_ns) == ("funding_ETH_8h.parquet", 2, at("2022-01-05 04:00"))


def test_trading_days_have_no_gaps_at_weekends(tmp_path: Path) -> None:
    simple(tmp_path, 40)
    weekdays = [ns for ns in times("2022-01-01", 40, "1d").tolist() if (ns // 86_400_000_000_000 + 3) % 7 < 5]
    put_closes(tmp_path, "macro", "VIX", weekdays, np.arange(1.0, 1.0 + len(weekdays)))
    assert check(tmp_path) == []
    put_closes(tmp_path, "macro", "VIX", weekdays[:10] + weekdays[20:], np.arange(1.0, len(weekdays) - 9.0))
    assert of_kind(check(tmp_path), "missing").file == "macro_VIX_1d.parquet"


def test_the_same_note_on_several_files_is_one_finding(tmp_path: Path) -> None:
    simple(tmp_path)
    for asset in ("BTC", "ETH"):
        cell(tmp_path / f"spot_{asset}_1h.parquet", 8, volume=0.0)
    found = of_kind(check(tmp_path), "no_volume")
    assert (found.file, found.count) == ("spot_*_1h", 2)
    assert found.sentence == "BTC, ETH: 1 bar without volume: 2022-01-01 08:00"


def test_a_move_of_the_whole_market_is_one_finding(tmp_path: Path) -> None:
    for seed, asset in enumerate(("AAA", "BBB", "CCC"), 1):
        path = put(tmp_path, "spot", asset, "1d", times("2022-01-01", 60, "1d"), seed=seed)
        altered(path, lambda t: t.with_columns(
            *(pl.when(pl.int_range(pl.len()) >= 40).then(pl.col(c) * 0.4).otherwise(pl.col(c)).alias(c)
              for c in ("open", "high", "low", "close"))))  # fmt: skip
    found = of_kind(check(tmp_path), "jump")
    assert (found.file, found.count, found.first_ns) == ("spot_*_1d", 3, at("2022-02-10"))


def test_other_names_are_noted(tmp_path: Path) -> None:
    simple(tmp_path)
    (tmp_path / "btc.csv").write_text("time,price\n")
    assert of_kind(check(tmp_path), "name").file == "btc.csv"


def test_errors_come_first(tmp_path: Path) -> None:
    path = simple(tmp_path) / "spot_BTC_1h.parquet"
    cell(path, 5, close=float("nan"))
    cell(path, 8, volume=0.0)
    assert [finding.severity for finding in check(tmp_path)] == ["error", "note"]


def test_summary_has_a_row_a_file(tmp_path: Path) -> None:
    simple(tmp_path)
    put(tmp_path, "spot", "BTC", "1h", np.delete(times("2022-01-01", 720, "1h"), [30, 31]))
    (tmp_path / "spot_BAD_1d.csv").write_text("x\n1\n")
    rows = {row.file: row for row in summary(tmp_path)}
    assert "spot_BAD_1d.csv" not in rows
    row = rows["spot_BTC_1h.parquet"]
    assert (row.kind, row.asset, row.step, row.bars, row.missing) == ("spot", "BTC", "1h", 718, 2)
    assert (row.first, row.last) == ("2022-01-01", "2022-01-30 23:00")
    assert 80.0 < row.low < row.high < 120.0
    assert rows["funding_BTC_8h.parquet"].low == 1e-4
