"""The axis: stitched steps, coarse bars seen no earlier than they are known, outages, funding, truncation."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.market import Market
from hedgerow.store.files import Bars, parse_name, step_of
from hedgerow.store.history import load, market
from hedgerow.store.tape import stitch
from tests.store.folder import DAY, HOUR, at, put, put_rates, simple, times

PANELS = ("open", "high", "low", "close", "fresh", "funding")


def series(freq: str, opens: np.ndarray) -> Bars:
    file = parse_name(Path(f"spot_BTC_{freq}.csv"))
    assert file is not None
    column = opens / HOUR + step_of(freq) / DAY
    return Bars(file, opens, column, column, column, column, column)


def column(panels: Market, symbol: str) -> int:
    return [one.symbol for one in panels.universe.instruments].index(symbol)


def test_stitching_takes_coarse_bars_where_there_is_nothing_finer() -> None:
    fine, coarse = series("1h", times("2022-01-03", 48, "1h")), series("4h", times("2022-01-02", 24, "4h"))
    tape = stitch([fine, coarse, series("1d", times("2022-01-01", 6, "1d"))])
    steps = (tape.close_ns - tape.open_ns) // HOUR
    assert steps.tolist() == [24] + [4] * 6 + [1] * 48 + [4] * 6 + [24]
    assert tape.open_ns[1:].tolist() == tape.close_ns[:-1].tolist()


def test_a_finer_bar_inside_wins_and_outages_stay() -> None:
    hours = np.delete(times("2022-01-01 06:00", 42, "1h"), [10, 11])  # listed at 06:00 of the first day
    tape = stitch([series("1h", hours), series("1d", times("2022-01-01", 2, "1d"))])
    assert np.array_equal(tape.open_ns, hours)


@given(st.lists(st.sampled_from(["1h", "2h", "4h", "8h", "1d"]), unique=True, min_size=1), st.data())
def test_every_bar_is_used_once_and_none_overlaps(freqs: list[str], data: st.DataObject) -> None:
    freqs = sorted(freqs, key=step_of)
    parts = []
    for freq in freqs:
        count = 4 * DAY // step_of(freq)
        keep = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
        parts.append(series(freq, times("2022-01-01", count, freq)[np.array(keep, dtype=bool)]))
    tape = stitch(parts)
    assert np.all(tape.open_ns[1:] >= tape.close_ns[:-1])
    finest = parts[0].open_ns
    assert np.isin(finest, tape.open_ns).all()
    for part in parts:  # what was left out has a finer bar inside
        for opens in part.open_ns[~np.isin(part.open_ns, tape.open_ns)]:
            inside = (tape.open_ns >= opens) & (tape.open_ns < opens + part.file.step_ns)
            assert inside.any()


def test_a_coarse_bar_opens_and_closes_on_its_own_rows(tmp_path: Path) -> None:
    panels = market(load(simple(tmp_path, 3), ["BTC"]))
    perp = column(panels, "BTC/USDT:USDT")
    table = pl.read_parquet(tmp_path / "perp_BTC_4h.parquet")
    assert np.flatnonzero(np.isfinite(panels.open[:, perp])).tolist() == list(range(0, 72, 4))
    assert np.flatnonzero(panels.fresh[:, perp]).tolist() == list(range(3, 72, 4))
    assert np.array_equal(panels.open[::4, perp], table["open"].to_numpy())
    for name in ("high", "low", "close"):
        assert np.array_equal(getattr(panels, name)[3::4, perp], table[name].to_numpy())
    assert np.isnan(np.delete(panels.high[:, perp], range(3, 72, 4))).all()
    assert np.isnan(panels.close[:3, perp]).all()  # not known before the first bar closes
    assert np.all(panels.close[4:7, perp] == table["close"][0])
    assert panels.open.flags.c_contiguous
    assert panels.day.dtype == np.int32


@given(row=st.integers(0, 4 * 24 - 1), seed=st.integers(2, 9))
@settings(max_examples=40)
def test_nothing_of_a_bar_but_its_open_is_seen_before_its_closing_row(
    tmp_path_factory: pytest.TempPathFactory, row: int, seed: int
) -> None:
    """Other futures, same past: everything that a row could not know is replaced, and the row does not change."""
    now = at("2022-01-01") + (row + 1) * HOUR  # the close of the row
    seen = []
    for future in (1, seed):
        folder = tmp_path_factory.mktemp("future")
        put_mixed(folder, now, future)
        seen.append(market(load(folder, ["BTC", "ETH"], end=date(2022, 1, 4))))
    for name in PANELS:
        ours, theirs = (getattr(panels, name)[: row + 1] for panels in seen)
        assert np.array_equal(ours, theirs, equal_nan=True), name


def put_mixed(folder: Path, now: int, future: int) -> None:
    """Markets of several steps, equal in what is known at ``now``: opens before it, closes by it."""
    for kind, asset, freq, count in (
        ("spot", "BTC", "1h", 96), ("perp", "BTC", "4h", 24), ("spot", "ETH", "1d", 4), ("perp", "ETH", "8h", 12)
    ):  # fmt: skip
        opens = times("2022-01-01", count, freq)
        path = put(folder, kind, asset, freq, opens)
        table = pl.read_parquet(path)
        after = pl.Series(opens + step_of(freq) > now)
        later = pl.Series(opens >= now)
        new = table.with_columns(
            [
                pl.when(later if name == "open" else after)
                .then(pl.col(name) * future)
                .otherwise(pl.col(name))
                .alias(name)
                for name in ("open", "high", "low", "close", "volume")
            ]
        )
        # keep high and low around open and close, also in the bar that is open now
        spread = pl.max_horizontal("open", "high", "close"), pl.min_horizontal("open", "low", "close")
        new.with_columns(spread[0].alias("high"), spread[1].alias("low")).write_parquet(path)
    stamps = times("2022-01-01", 12, "8h")
    put_rates(folder, "BTC", stamps, np.where(stamps < now, 1e-4, 1e-4 * future))


@given(days=st.integers(1, 11), drop=st.sets(st.integers(0, 12 * 24 - 1), max_size=30))
@settings(max_examples=25)
def test_rows_do_not_change_when_the_files_are_cut(
    tmp_path_factory: pytest.TempPathFactory, days: int, drop: set[int]
) -> None:
    whole, cut = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    for folder, until in ((whole, 12), (cut, days)):
        end = at("2022-01-01") + until * DAY
        hours = np.delete(times("2022-01-01", 12 * 24, "1h"), sorted(drop))
        for kind, freq, opens in (
            ("spot", "1h", hours), ("spot", "1d", times("2022-01-01", 12, "1d")),
            ("perp", "4h", times("2022-01-01", 36, "4h")), ("perp", "1h", times("2022-01-06 03:00", 160, "1h")),
        ):  # fmt: skip
            if np.any(opens < end):
                put(folder, kind, "BTC", freq, opens[opens < end])
        stamps = times("2022-01-02 16:00", 27, "8h")
        put_rates(folder, "BTC", stamps[stamps < end], np.linspace(1e-4, 3e-4, 27)[stamps < end])
    ours, theirs = market(load(whole, ["BTC"])), market(load(cut, ["BTC"]))
    rows = len(theirs.open_ns)
    if theirs.step_ns == ours.step_ns:
        for name in (*PANELS, "day"):
            assert np.array_equal(getattr(ours, name)[:rows], getattr(theirs, name), equal_nan=True), name


def test_outages_carry_the_close_and_take_no_order(tmp_path: Path) -> None:
    hours = times("2022-01-01", 48, "1h")
    put(tmp_path, "spot", "BTC", "1h", np.delete(hours, [12, 13, 14, 15, 16]))
    panels = market(load(tmp_path, ["BTC"]))
    assert panels.fresh[:, 0].tolist() == [1] * 12 + [0] * 5 + [1] * 31
    assert np.isnan(panels.open[12:17, 0]).all()
    assert np.isnan(panels.high[12:17, 0]).all()
    assert np.all(panels.close[12:17, 0] == panels.close[11, 0])


def test_the_last_close_before_the_run_is_carried_into_it(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1h", np.delete(times("2022-01-01", 48, "1h"), [23, 24, 25]))
    panels = market(load(tmp_path, ["BTC"], start=date(2022, 1, 2)))
    table = pl.read_parquet(tmp_path / "spot_BTC_1h.parquet")
    assert np.all(panels.close[:2, 0] == table["close"][22])
    assert panels.fresh[:3, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(("freqs", "step"), [(("1d",), DAY), (("1d", "4h"), 4 * HOUR), (("1d", "1h", "4h"), HOUR)])
def test_the_axis_is_the_finest_grid_in_the_run(tmp_path: Path, freqs: tuple[str, ...], step: int) -> None:
    for freq in freqs:
        put(tmp_path, "spot", "BTC", freq, times("2022-01-01", 10 * DAY // step_of(freq), freq))
    panels = market(load(tmp_path, ["BTC"]))
    assert panels.step_ns == step
    assert len(panels.open_ns) == 10 * DAY // step
    assert (panels.day >= 0).sum() == 10


def test_a_finer_file_outside_the_run_does_not_set_the_axis(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1d", times("2022-01-01", 20, "1d"))
    put(tmp_path, "spot", "BTC", "1h", times("2022-01-15", 100, "1h"))
    assert market(load(tmp_path, ["BTC"], end=date(2022, 1, 10))).step_ns == DAY
    assert market(load(tmp_path, ["BTC"], end=date(2022, 1, 15))).step_ns == HOUR


def test_funding_stands_on_the_row_of_its_stamp(tmp_path: Path) -> None:
    folder = simple(tmp_path, 4)
    late = times("2022-01-02", 6, "8h") + 40_000_000  # 40 ms late, as venues are
    put_rates(folder, "BTC", late, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    panels = market(load(folder, ["BTC"]))
    funding = panels.funding[:, column(panels, "BTC/USDT:USDT")]
    assert np.isnan(funding[:24]).all()  # unknown before the first payment
    assert funding[24:72:8].tolist() == [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    assert np.all(funding[25:32] == 0.0)
    assert np.isnan(funding[72:]).all()  # the next payment is overdue: unknown, not zero
    assert np.all(panels.funding[:, 0] == 0.0)  # spot pays none


def test_short_intervals_are_paid_as_they_come(tmp_path: Path) -> None:
    folder = simple(tmp_path, 2)
    stamps = at("2022-01-01") + np.array([0, 8, 10, 12, 16, 20, 24, 32, 40], dtype=np.int64) * HOUR
    put_rates(folder, "BTC", stamps, np.arange(1.0, 10.0))
    panels = market(load(folder, ["BTC"]))
    funding = panels.funding[:, column(panels, "BTC/USDT:USDT")]
    assert np.flatnonzero(funding).tolist() == [0, 8, 10, 12, 16, 20, 24, 32, 40]
    assert np.isfinite(funding).all()


def test_a_payment_inside_a_row_waits_for_the_next(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1d", times("2022-01-01", 5, "1d"))
    put(tmp_path, "perp", "BTC", "1d", times("2022-01-01", 5, "1d"))
    put_rates(tmp_path, "BTC", times("2022-01-01 08:00", 13, "8h"), np.arange(1.0, 14.0))
    panels = market(load(tmp_path, ["BTC"]))
    funding = panels.funding[:, 1]
    assert np.isnan(funding[0])
    assert funding[1:].tolist() == [1 + 2 + 3, 4 + 5 + 6, 7 + 8 + 9, 10 + 11 + 12]


def test_a_gap_in_funding_is_unknown_and_not_zero(tmp_path: Path) -> None:
    folder = simple(tmp_path, 3)
    stamps = times("2022-01-01", 9, "8h")
    put_rates(folder, "BTC", np.delete(stamps, 4), np.full(8, 1e-4))
    panels = market(load(folder, ["BTC"]))
    funding = panels.funding[:, column(panels, "BTC/USDT:USDT")]
    assert np.flatnonzero(np.isnan(funding)).tolist() == list(range(32, 40))


def test_dated_contracts_follow_the_perpetuals_and_end_at_expiry(tmp_path: Path) -> None:
    folder = simple(tmp_path, 10)
    put(folder, "dated", "BTC", "1d", times("2022-01-01", 8, "1d"), contract="20220108")
    put(folder, "dated", "BTC", "1d", times("2022-01-01", 10, "1d"), contract="20220325")
    panels = market(load(folder, ["BTC", "ETH"]))
    symbols = [one.symbol for one in panels.universe.instruments[2:]]
    assert symbols == ["BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT:USDT-220108", "BTC/USDT:USDT-220325"]
    first = panels.universe.instruments[4]
    assert (first.kind, first.expiry_ns) == (Kind.DATED, at("2022-01-08 08:00"))
    assert np.flatnonzero(panels.fresh[:, 4])[-1] == 7 * 24 + 7  # the row that closes at the expiry
    assert np.flatnonzero(panels.fresh[:, 5])[-1] == 10 * 24 - 1
    assert np.all(panels.funding[:, 4:] == 0.0)


def test_a_universe_may_be_narrower_but_not_other(tmp_path: Path) -> None:
    history = load(simple(tmp_path, 3), ["BTC", "ETH"])
    spot = (Instrument("BTC/USDT", "BTC"), Instrument("ETH/USDT", "ETH"))
    assert market(history, Universe(("BTC", "ETH"), "USDT", spot)).open.shape == (72, 2)
    with pytest.raises(ConfigError, match="the universe has the assets BTC but BTC, ETH were loaded"):
        market(history, Universe(("BTC",), "USDT", spot[:1]))
    dated = Instrument("BTC/USDT:USDT-220325", "BTC", kind=Kind.DATED, expiry_ns=at("2022-03-25 08:00"))
    with pytest.raises(ConfigError, match="the data has no prices of BTC/USDT:USDT-220325"):
        market(history, Universe(("BTC", "ETH"), "USDT", (*spot, dated)))
