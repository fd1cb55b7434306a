"""The daily history: from daily or finer bars, realised variance, funding, dated contracts, lags, truncation."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model.market import Daily
from hedgerow.store.history import daily, load
from tests.store.folder import DAY, HOUR, at, frame, put, put_closes, put_rates, simple, times


def test_days_are_made_from_finer_bars_where_there_is_no_daily_file(tmp_path: Path) -> None:
    days = daily(load(simple(tmp_path), ["BTC", "ETH"]))
    for name in ("open", "high", "low", "close"):
        table = pl.read_parquet(tmp_path / "spot_BTC_1d.parquet")
        assert np.array_equal(getattr(days, name)[:, 0], table[name].to_numpy())
    (tmp_path / "spot_BTC_1d.parquet").unlink()
    made = daily(load(tmp_path, ["BTC", "ETH"]))
    for name in ("open", "high", "low", "close"):
        assert np.allclose(getattr(made, name), getattr(days, name), rtol=1e-12)
    hours = pl.read_parquet(tmp_path / "spot_BTC_1h.parquet")["volume"].to_numpy()
    assert np.allclose(made.volume[:, 0], hours.reshape(-1, 24).sum(axis=1))
    perp = pl.read_parquet(tmp_path / "perp_BTC_4h.parquet")
    assert np.array_equal(days.perp_close[:, 0], perp["close"].to_numpy()[5::6])
    assert np.allclose(days.perp_volume[:, 0], perp["volume"].to_numpy().reshape(-1, 6).sum(axis=1))
    assert days.close.flags.c_contiguous


def test_a_day_needs_half_of_its_hours(tmp_path: Path) -> None:
    hours = times("2022-01-01", 96, "1h")
    keep = np.ones(96, dtype=bool)
    keep[24:37] = False  # 11 hours are left of the second day
    keep[48:60] = False  # 12 of the third
    put(tmp_path, "spot", "BTC", "1h", hours[keep])
    days = daily(load(tmp_path, ["BTC"]))
    assert np.isfinite(days.close[:, 0]).tolist() == [True, False, True, True]
    assert days.open[2, 0] == pl.read_parquet(tmp_path / "spot_BTC_1h.parquet").filter(
        pl.col("timestamp").cast(pl.Int64) * 1_000_000 == int(hours[60])
    )["open"][0]  # fmt: skip


@pytest.mark.parametrize(("lost", "known"), [(0, True), (1, True), (2, True), (3, False)])
def test_realised_variance_needs_22_hours_and_is_scaled(tmp_path: Path, lost: int, known: bool) -> None:
    hours = times("2022-01-01", 72, "1h")
    put(tmp_path, "spot", "BTC", "1h", np.delete(hours, range(30, 30 + lost)))
    days = daily(load(tmp_path, ["BTC"]))
    table = pl.read_parquet(tmp_path / "spot_BTC_1h.parquet")
    opens, closes = table["open"].to_numpy(), table["close"].to_numpy()
    changes = [np.log(closes[i] / closes[i - 1]) for i in range(24, 48 - lost)]
    if lost:
        changes[6] = np.log(closes[30] / opens[30])  # the hour after the gap starts at its own open
    expected = sum(c * c for c in changes) * 24 / (24 - lost) if known else np.nan
    assert np.isclose(days.realised[1, 0], expected, rtol=1e-12, equal_nan=True)


def test_the_first_return_of_the_warm_up_uses_the_close_before_it(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1h", times("2022-01-01", 240, "1h"))
    whole = daily(load(tmp_path, ["BTC"]))
    late = daily(load(tmp_path, ["BTC"], start=date(2022, 1, 6), warmup_days=2))
    assert np.array_equal(whole.realised[3:], late.realised)


def test_funding_of_a_day_with_its_true_intervals(tmp_path: Path) -> None:
    folder = simple(tmp_path, 5)
    hours = [0, 8, 16, 24, 28, 30, 32, 40, 48, 56, 64, 96, 104, 112]
    rates = np.arange(1.0, 15.0) * 1e-4
    put_rates(folder, "BTC", at("2022-01-01") + np.array(hours, dtype=np.int64) * HOUR, rates)
    days = daily(load(folder, ["BTC"]))
    assert np.allclose(days.funding_sum[:3, 0], [6e-4, (4 + 5 + 6 + 7 + 8) * 1e-4, (9 + 10 + 11) * 1e-4])
    assert days.funding_hours[:3, 0].tolist() == [24.0, 8 + 4 + 2 + 2 + 8, 24.0]
    assert np.isnan(days.funding_sum[3, 0])  # no payment is unknown, not zero
    assert np.isnan(days.funding_hours[3, 0])
    assert days.funding_hours[4, 0] == 24.0  # the payment after a gap covers its own interval, not the gap
    assert np.isclose(days.funding_last3[1, 0], (6e-4 * 8 / 2 + 7e-4 * 8 / 2 + 8e-4) / 3)
    assert np.isclose(days.funding_last3[0, 0], 2e-4)
    assert np.isnan(days.funding_last3[3, 0])


def test_a_payment_at_the_close_is_of_the_next_day(tmp_path: Path) -> None:
    folder = simple(tmp_path, 3)
    put_rates(folder, "BTC", times("2022-01-01 16:00", 3, "8h"), [0.1, 0.2, 0.3])
    days = daily(load(folder, ["BTC"]))
    assert days.funding_sum[0, 0] == 0.1
    assert np.isclose(days.funding_sum[1, 0], 0.5)


def test_dated_contracts_by_expiry_until_they_expire(tmp_path: Path) -> None:
    folder = simple(tmp_path, 12)
    put(folder, "dated", "BTC", "1d", times("2022-01-01", 8, "1d"), contract="20220108")
    put(folder, "dated", "BTC", "1d", times("2022-01-03", 10, "1d"), contract="20220325")
    days = daily(load(folder, ["ETH", "BTC"]))
    assert days.dated_close.shape == (12, 2, 2)
    assert np.isnan(days.dated_close[:, 0]).all()
    near = (at("2022-01-08 08:00") - (days.days_ns + DAY)) / DAY
    far = (at("2022-03-25 08:00") - (days.days_ns + DAY)) / DAY
    assert np.allclose(days.dated_days[:2, 1, 0], near[:2])
    assert np.isnan(days.dated_days[:2, 1, 1]).all()
    assert np.allclose(days.dated_days[2:7, 1], np.column_stack([near, far])[2:7])
    assert np.allclose(days.dated_days[7:, 1, 0], far[7:])  # after the expiry the next contract is the nearest
    assert np.isnan(days.dated_close[7:, 1, 1]).all()
    assert days.market_asset == 1
    assert daily(load(folder, ["ETH"])).dated_close.shape == (12, 1, 1)


def test_macro_values_and_their_lags(tmp_path: Path) -> None:
    folder = simple(tmp_path, 21)  # 2022-01-01 was a Saturday
    weekdays = [ns for ns in times("2021-12-20", 24, "1d").tolist() if (ns // DAY + 3) % 7 < 5]  # to 12 January
    values = np.arange(len(weekdays), dtype=float)
    for name in ("VIX", "DXY", "EFFR"):
        put_closes(folder, "macro", name, weekdays, values)
    dated = dict(zip(weekdays, values))
    put_closes(folder, "macro", "FNG", np.delete(times("2022-01-01", 21, "1d"), 4), np.delete(np.arange(21.0), 4))
    days = daily(load(folder, ["BTC"]))
    row = {name: int((at(f"2022-01-{name:02d}") - days.days_ns[0]) // DAY) for name in range(1, 22)}
    assert days.vix[row[7]] == dated[at("2022-01-07")]
    assert days.vix[row[9]] == dated[at("2022-01-07")]  # Sunday: Friday's
    assert days.vix[row[17]] == dated[at("2022-01-12")]  # five days old
    assert np.isnan(days.vix[row[18]])
    assert np.array_equal(days.vix, days.dxy, equal_nan=True)
    assert np.isnan(days.fear[row[5]])  # a missing day is unknown
    assert days.fear[row[6]] == 5.0
    for today, known in ((4, 3), (7, 6), (8, 6), (9, 6), (10, 7), (11, 10)):  # Fri 7, Sat 8, Sun 9, Mon 10
        assert np.isclose(days.rate[row[today]], dated[at(f"2022-01-{known:02d}")] / 100.0), today


def test_a_holiday_delays_the_rate(tmp_path: Path) -> None:
    folder = simple(tmp_path, 10)
    dates = [at("2021-12-30"), at("2021-12-31"), at("2022-01-04"), at("2022-01-05")]  # Monday the 3rd is a holiday
    put_closes(folder, "macro", "EFFR", dates, [1.0, 2.0, 3.0, 4.0])
    days = daily(load(folder, ["BTC"]))
    assert np.allclose(days.rate[:5] * 100.0, [1.0, 1.0, 1.0, 2.0, 3.0])


def test_price_of_the_quote(tmp_path: Path) -> None:
    folder = simple(tmp_path, 5)
    assert np.isnan(daily(load(folder, ["ETH"])).quote_usd).all()
    ours = pl.read_parquet(folder / "spot_BTC_1d.parquet")
    (folder / "venues").mkdir()
    dollars = ours.with_columns(pl.col("open", "high", "low", "close") * 0.999)
    dollars.write_parquet(folder / "venues" / "spot_BTC_1d_coinbase.parquet")
    assert np.allclose(daily(load(folder, ["ETH"])).quote_usd, 0.999)
    put_closes(folder, "stable", "USDT", times("2022-01-02", 3, "1d"), [0.97, 0.98, 0.99])
    known = daily(load(folder, ["ETH"])).quote_usd
    assert np.array_equal(known, [np.nan, 0.97, 0.98, 0.99, 0.99], equal_nan=True)


def test_a_fundamental_series_of_the_user(tmp_path: Path) -> None:
    folder = simple(tmp_path, 9)
    put_closes(folder, "fundamental", "ETH", times("2022-01-02", 2, "1d"), [-1.0, 2.0])
    value = daily(load(folder, ["BTC", "ETH"])).fundamental
    assert np.isnan(value[:, 0]).all()
    assert np.array_equal(value[:, 1], [np.nan, -1, 2, 2, 2, 2, 2, 2, np.nan], equal_nan=True)


def test_without_btc_the_market_asset_has_the_largest_turnover_known_at_the_start(tmp_path: Path) -> None:
    opens = times("2022-01-01", 20, "1d")
    early = np.where(np.arange(20) < 10, 1e6, 1.0)
    put(tmp_path, "spot", "AAA", "1d", opens, volume=np.full(20, 10.0))
    put(tmp_path, "spot", "BBB", "1d", opens, volume=early)
    put(tmp_path, "spot", "CCC", "1d", opens, volume=np.where(np.arange(20) < 10, 1.0, 1e9))
    days = daily(load(tmp_path, ["AAA", "BBB", "CCC"], start=date(2022, 1, 8)))
    assert days.market_asset == 1


@given(
    days=st.integers(2, 13),
    lost=st.sets(st.integers(0, 14 * 24 - 1), max_size=60),
    skipped=st.sets(st.integers(0, 13), max_size=6),
    names=st.sets(st.sampled_from(["spot_1d", "perp_1d", "perp_1h", "dated"])),
)
@settings(max_examples=40)
def test_days_do_not_change_when_the_files_are_cut(
    tmp_path_factory: pytest.TempPathFactory, days: int, lost: set[int], skipped: set[int], names: set[str]
) -> None:
    def build(until: int) -> Daily:
        folder = tmp_path_factory.mktemp("cut")
        end = at("2022-01-01") + until * DAY
        plan = [("spot", "1h", np.delete(times("2022-01-01", 14 * 24, "1h"), sorted(lost)), ""),
                ("perp", "4h", times("2022-01-01", 84, "4h"), "")]  # fmt: skip
        optional = {
            "spot_1d": ("spot", "1d", np.delete(times("2022-01-01", 14, "1d"), sorted(skipped)), ""),
            "perp_1d": ("perp", "1d", np.delete(times("2022-01-01", 14, "1d"), sorted(skipped)), ""),
            "perp_1h": ("perp", "1h", times("2022-01-05", 200, "1h"), ""),
            "dated": ("dated", "1d", times("2022-01-01", 8, "1d"), "20220108"),
        }
        for kind, freq, opens, contract in plan + [optional[name] for name in sorted(names)]:
            if np.any(opens < end):
                put(folder, kind, "BTC", freq, opens[opens < end], contract=contract)
        put(folder, "spot", "KEEP", "1d", times("2022-01-01", until, "1d"))  # the window stays whole
        stamps = np.delete(times("2022-01-01", 42, "8h"), sorted(skipped))
        rates = np.linspace(1e-4, 2e-4, len(stamps))
        put_rates(folder, "BTC", stamps[stamps < end], rates[stamps < end])
        for name in ("FNG", "VIX", "EFFR"):
            dates = np.delete(times("2022-01-01", 14, "1d"), sorted(skipped))
            put_closes(folder, "macro", name, dates[dates < end], np.arange(float(len(dates)))[dates < end])
        return daily(load(folder, ["KEEP", "BTC"]))

    whole, cut = build(14), build(days)
    for field in fields(Daily):
        ours, theirs = getattr(whole, field.name), getattr(cut, field.name)
        if not isinstance(ours, np.ndarray):
            continue
        ours = ours[:days]
        if ours.ndim == 3:  # fewer contracts may be known to the shorter run; the others are empty
            assert np.isnan(ours[:, :, theirs.shape[2] :]).all()
            ours = ours[:, :, : theirs.shape[2]]
        assert np.array_equal(ours, theirs, equal_nan=True), field.name


def test_frames_of_the_tests_hold_times_as_the_schema_says() -> None:
    assert frame(times("2022-01-01", 1, "1d"), {})["timestamp"].dtype == pl.Datetime("ns", "UTC")
