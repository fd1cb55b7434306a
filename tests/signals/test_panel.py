"""The whole panel: no look-ahead, live row = batch row bit for bit, hostile inputs, scale, compiled = interpreted."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model import measure
from hedgerow.model.market import Daily
from hedgerow.signals import panel as signals
from hedgerow.signals.views import View
from hedgerow.units import NS_PER_DAY
from tests.conftest import DATA, HOME, ROOT
from tests.signals.made import FIRST_NS, PRICES, cut, daily, panels, series

MARKET_MEASURES = [one.name for one in measure.MEASURES if one.scope != "book"]
EXTRA = ("talib:ADX(14)", "talib:MACD(12,26,9).macdhist")
VIEWS = (View(FIRST_NS + 30 * NS_PER_DAY, "macro", 2), View(FIRST_NS + 70 * NS_PER_DAY + 5, "regulatory"))
LONG = daily(1, 1_000, 3, gaps=25)


def same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def test_shape_and_order() -> None:
    got = signals.panel(daily(1, 1_000, 3), extra=EXTRA)
    assert got.shape == (1_000, measure.COUNT + 2, 3)
    assert got.flags.c_contiguous
    assert got.dtype == np.float64
    assert np.isnan(got[:, measure.FIRST_BOOK : measure.COUNT]).all()
    assert not np.isnan(got[-1, measure.COUNT :]).any()


def test_every_measure_of_the_market_is_filled() -> None:
    got = signals.panel(LONG, external_hedge=np.full(1_000, 0.3))
    empty = [name for name in MARKET_MEASURES if np.isnan(got[:, measure.INDEX[name], 0]).all()]
    assert empty == []
    assert list(signals.WINDOWS) == MARKET_MEASURES


def test_market_measures_are_repeated() -> None:
    got = signals.panel(LONG)
    for one in measure.MEASURES:
        if one.scope == "market":
            column = got[:, measure.INDEX[one.name]]
            np.testing.assert_array_equal(column, np.repeat(column[:, :1], 3, axis=1))


def test_external_hedge_for_all_or_each() -> None:
    one = np.linspace(0, 1, 1_000)
    each = np.column_stack([one, 1 - one, 0 * one])
    at = measure.INDEX["external_hedge"]
    assert same(signals.panel(LONG, external_hedge=one)[:, at, 2].copy(), one)
    assert same(signals.panel(LONG, external_hedge=each)[:, at].copy(), each)
    assert np.isnan(signals.panel(LONG)[:, at]).all()


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    """The panel of the long market, for every window; nobody may write to it."""
    made = signals.panel(LONG, views=VIEWS)
    made.flags.writeable = False
    return made


@pytest.mark.parametrize("window", sorted(set(signals.WINDOWS.values())))
def test_a_measure_is_a_function_of_exactly_its_window(window: int, whole: np.ndarray) -> None:
    at = [measure.INDEX[name] for name, bars in signals.WINDOWS.items() if bars <= window]
    for last in (870, 934, 999):
        row = signals.panel(cut(LONG, last + 1 - window, last + 1), views=VIEWS)[-1]
        differ = [measure.MEASURES[i].name for i in at if row[i].tobytes() != whole[last, i].tobytes()]
        assert differ == []


def test_the_live_row_has_the_bits_of_the_batch_row() -> None:
    window = signals.window_of(EXTRA)
    assert 850 <= window <= 900
    whole = signals.panel(LONG, extra=EXTRA)
    for last in (900, 950, 999):
        live = signals.panel(cut(LONG, max(0, last + 1 - window), last + 1), extra=EXTRA)
        assert same(live[-1], whole[last])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 700), st.integers(1, 4), st.integers(0, 12), st.data())
def test_no_row_depends_on_later_days(seed: int, days: int, assets: int, gaps: int, data: st.DataObject) -> None:
    market = daily(seed, days, assets, gaps=gaps)
    last = data.draw(st.integers(0, days - 1))
    whole = signals.panel(market, extra=EXTRA[:1])
    assert same(signals.panel(cut(market, 0, last + 1), extra=EXTRA[:1]), whole[: last + 1])
    rng = np.random.default_rng(seed)
    later = last + 1 + rng.permutation(days - last - 1)
    scrambled = cut(market, 0, days)
    for name in series():
        values = getattr(scrambled, name)
        values[last + 1 :] = getattr(market, name)[later] * 1.5
        values[last + 1 :][rng.random(values[last + 1 :].shape) < 0.1] = np.nan
    assert same(signals.panel(scrambled, extra=EXTRA[:1])[: last + 1], whole[: last + 1])


HOSTILE = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e-320, 1e308, -1e308, 1e-30])


@settings(max_examples=30)
@given(st.integers(0, 1_000), st.integers(1, 300), st.lists(st.tuples(st.sampled_from(series()), HOSTILE), max_size=8))
def test_hostile_inputs_never_raise_and_never_give_infinity(
    seed: int, days: int, poison: list[tuple[str, float]]
) -> None:
    market = daily(seed, days, 2)
    rng = np.random.default_rng(seed)
    for name, value in poison:
        values = getattr(market, name)
        values[rng.random(values.shape) < rng.choice([0.01, 0.5, 1.0])] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = signals.panel(market, extra=EXTRA[:1])
    assert not np.isinf(got).any()


def test_one_day_and_no_asset_history() -> None:
    assert signals.panel(daily(0, 1, 1)).shape == (1, measure.COUNT, 1)
    nothing = daily(0, 300, 2)
    for name in series():
        getattr(nothing, name)[:] = np.nan
    got = signals.panel(nothing)
    known = {one.name for i, one in enumerate(measure.MEASURES) if not np.isnan(got[:, i]).all()}
    assert known == {"bars", "view_rungs", "view_ratio", "venue_failure", "catalyst_passed"}
    assert (got[:, measure.INDEX["bars"]] == 0.0).all()


def test_an_input_that_is_not_there_is_never_read_as_nothing() -> None:
    market = daily(0, 500, 2)
    for name in ("funding_sum", "funding_hours", "funding_last3", "perp_close", "perp_volume", "dated_close"):
        getattr(market, name)[:] = np.nan
    got = signals.panel(market)
    for name in ("premium", "funding7", "funding7_pct", "funding3", "funding_jump", "basis60", "adv30_futures"):
        assert np.isnan(got[:, measure.INDEX[name]]).all()
    assert not np.isnan(got[-1, measure.INDEX["sigma7"]]).any()


def test_a_flat_market() -> None:
    flat = daily(0, 500, 2)
    for name in panels():
        getattr(flat, name)[:] = 100.0
    flat.realised[:] = 0.0
    flat.funding_sum[:], flat.funding_hours[:] = 3e-4, 24.0
    last = dict(zip([one.name for one in measure.MEASURES], signals.panel(flat)[-1, :, 0].tolist(), strict=True))
    assert (last["rsi14"], last["sigma7"], last["stretch20"], last["drawdown365"]) == (50.0, 0.0, 0.0, 0.0)
    assert (last["sigma7_pct"], last["mayer_pct"], last["funding7_pct"], last["funding_jump"]) == (0.5, 0.5, 0.5, 0.0)
    for name in ("vol_ratio", "loss_sigmas", "correlation", "sigma7_change7", "support_atr", "fundamental_z"):
        assert np.isnan(last[name])


@settings(max_examples=10)
@given(st.integers(0, 1_000), st.floats(1e-6, 1e6))
def test_prices_may_be_in_any_unit(seed: int, unit: float) -> None:
    market = daily(seed, 600, 2)
    scaled = replace(market, **{name: getattr(market, name) * unit for name in PRICES})
    one, other = signals.panel(market), signals.panel(scaled)
    for i, name in enumerate(MARKET_MEASURES):
        factor = unit if name in ("close", "adv30", "adv30_futures") else 1.0
        np.testing.assert_allclose(other[:, i], one[:, i] * factor, rtol=1e-9, atol=1e-9, err_msg=name)


def test_assets_may_stand_in_any_order() -> None:
    turned = replace(
        LONG, market_asset=2, assets=LONG.assets[::-1], **{name: getattr(LONG, name)[:, ::-1] for name in panels()}
    )
    np.testing.assert_allclose(signals.panel(turned)[:, :, ::-1], signals.panel(LONG), rtol=1e-9, atol=1e-12)


def test_the_input_is_left_as_it_was() -> None:
    market = daily(9, 300, 2)
    before = {name: getattr(market, name).copy() for name in series()}
    for name in series():
        getattr(market, name).flags.writeable = False
    signals.panel(market, extra=EXTRA)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(market, name), values)


BITS = """
import hashlib, sys
from pathlib import Path
from hedgerow import jit
jit.prepare(Path(sys.argv[1]), compile=sys.argv[2] == "1")
from hedgerow.signals import panel, covariance
from tests.signals.made import daily, SAMPLE
digest = hashlib.sha256(panel.panel(daily(7, 900, 3, gaps=9), extra=["talib:RSI(14)"]).tobytes())
for shrunk, intensity in (covariance.shrink_to_identity(SAMPLE), covariance.shrink_to_constant_correlation(SAMPLE)):
    digest.update(shrunk.tobytes())
    digest.update(repr((float(intensity), float(covariance.largest_eigenvalue_share(shrunk)))).encode())
print(digest.hexdigest(), jit.enabled)
"""


def test_compiled_and_interpreted_agree_to_the_last_bit() -> None:
    said = []
    for compiled in ("1", "0"):
        run = subprocess.run(
            [sys.executable, "-c", BITS, str(HOME), compiled],
            cwd=ROOT, env={"PYTHONPATH": f"src:{ROOT}", "PATH": ""}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.append(run.stdout.split())
    assert said[0][0] == said[1][0]
    assert [one[1] for one in said] == ["True", "False"]


@pytest.mark.data
def test_real_bitcoin_agrees_with_what_was_published_of_it() -> None:
    """Domain 2.3, 2.4, 2.11 on spot and perpetual of 2017 to 2023."""
    market = real()
    got = signals.panel(market)

    def known(name: str) -> np.ndarray:
        values = got[:, measure.INDEX[name], 0]
        return values[~np.isnan(values)]

    assert np.mean(known("rsi14") > 85) == pytest.approx(0.0142, abs=0.0002)
    np.testing.assert_allclose(np.quantile(known("vol_ratio"), [0.5, 0.75]), [0.84, 1.10], atol=0.02)
    assert np.isfinite(known("support_atr")).all()
    crash = int(np.datetime64("2020-03-12", "D").astype(int)) - int(market.days_ns[0] // NS_PER_DAY)
    assert got[crash, measure.INDEX["return1"], 0] == pytest.approx(-0.395, abs=0.001)
    assert got[crash, measure.INDEX["loss_sigmas"], 0] > 10


def real() -> Daily:
    """Bitcoin's daily spot bars, and nothing else."""
    import polars as pl

    frame = pl.read_parquet(DATA / "spot_BTC_1d.parquet")
    out = daily(0, len(frame), 1)
    for name in series():
        getattr(out, name)[:] = np.nan
    for name in ("open", "high", "low", "close", "volume"):
        getattr(out, name)[:, 0] = frame[name].to_numpy()
    return replace(out, days_ns=frame["timestamp"].cast(pl.Int64).to_numpy() * 1_000_000)
