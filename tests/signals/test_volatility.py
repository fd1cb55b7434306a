"""Volatility estimators against closed forms in vectorised numpy, and golden G-60."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hedgerow.signals import volatility
from tests.signals.made import OHLC, SAMPLE, column, daily

O, H, L, C = (np.log(OHLC[:, [i]]) for i in range(4))
RNG = np.random.default_rng(3)


def closed_form(name: str, o: np.ndarray, h: np.ndarray, l: np.ndarray, c: np.ndarray) -> float:
    """The estimator on price vectors; the first bar gives only its close."""
    before, o, h, l, c = c[:-1], o[1:], h[1:], l[1:], c[1:]
    n = len(c)
    satchell = np.mean(np.log(h / c) * np.log(h / o) + np.log(l / c) * np.log(l / o))
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    daily_variance = {
        "close_to_close": np.var(np.log(c / before), ddof=1),
        "parkinson": np.sum(np.log(h / l) ** 2) / (4 * n * np.log(2)),
        "garman_klass": np.mean(0.5 * np.log(h / l) ** 2 - (2 * np.log(2) - 1) * np.log(c / o) ** 2),
        "rogers_satchell": satchell,
        "yang_zhang": np.var(np.log(o / before), ddof=1) + k * np.var(np.log(c / o), ddof=1) + (1 - k) * satchell,
    }[name]
    return math.sqrt(365 * daily_variance)


def ours(name: str, o: np.ndarray, h: np.ndarray, l: np.ndarray, c: np.ndarray, window: int) -> np.ndarray:
    if name == "close_to_close":
        return volatility.close_to_close(c, window)
    if name == "parkinson":
        return volatility.parkinson(h, l, window)
    return getattr(volatility, name)(o, h, l, c, window)


ESTIMATORS = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_series_of_the_golden_cases(name: str) -> None:
    got = ours(name, O, H, L, C, 7)
    assert got[-1, 0] == pytest.approx(closed_form(name, *OHLC.T), rel=1e-12)
    least = 7 if name in ("close_to_close", "yang_zhang") else 6
    assert np.isnan(got[:least]).all()


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("window", [2, 7, 30, 90])
def test_every_window_of_a_random_walk(name: str, window: int) -> None:
    bars = daily(5, 130, 1)
    prices = [bars.open[:, 0], bars.high[:, 0], bars.low[:, 0], bars.close[:, 0]]
    got = ours(name, *(np.log(column(p)) for p in prices), window)
    for t in range(window, 130):
        want = closed_form(name, *(p[t - window : t + 1] for p in prices))
        assert got[t, 0] == pytest.approx(want, rel=1e-10)


def test_estimators_recover_the_volatility_of_a_diffusion() -> None:
    steps = RNG.normal(0, 0.6 / math.sqrt(365 * 480), (2_000, 480))
    paths = np.cumsum(steps, axis=1) + np.concatenate([[0], np.cumsum(steps.sum(axis=1))[:-1]])[:, None]
    start = np.concatenate([[0.0], paths[:-1, -1]])
    o, c = column(start), column(paths[:, -1])
    h, l = column(np.maximum(paths.max(axis=1), start)), column(np.minimum(paths.min(axis=1), start))
    for name in ESTIMATORS:  # the extremes of a path in steps are a little inside
        assert ours(name, o, h, l, c, 1_999)[-1, 0] == pytest.approx(0.6, rel=0.06)
    realised = volatility.realised_volatility(column((steps**2).sum(axis=1)), 1_999)
    assert realised[-1, 0] == pytest.approx(0.6, rel=0.01)


def test_realised_where_known_else_yang_zhang() -> None:
    bars = daily(1, 60, 1, hourly=False)
    logs = [np.log(getattr(bars, name)) for name in ("open", "high", "low", "close")]
    fine = np.full((60, 1), 4e-4)
    fine[20] = np.nan
    got = volatility.sigma(*logs, fine, 7)
    assert got[19, 0] == pytest.approx(math.sqrt(365 * 4e-4), rel=1e-14)
    assert (got[20:27] == volatility.yang_zhang(*logs, 7)[20:27]).all()
    assert got[27, 0] == got[19, 0]


def test_ewma_golden_g60() -> None:
    variance = volatility.ewma_variance(SAMPLE[:, [0]], 0.94, 8)[-1, 0]
    assert variance == pytest.approx(0.00037806444, abs=5e-12)
    assert math.sqrt(365 * variance) == pytest.approx(0.3714747915, abs=5e-11)


def test_ewma_is_the_recursion_from_the_windows_start() -> None:
    c = np.log(daily(2, 300, 1).close)
    got = volatility.ewma(c)
    returns = np.diff(c[:, 0])
    for t in (30, 77, 120, 121, 250, 299):
        past = returns[max(0, t - volatility.EWMA_RETURNS) : t]
        variance = past[0] ** 2
        for r in past[1:]:
            variance = volatility.DECAY * variance + (1 - volatility.DECAY) * r**2
        assert got[t, 0] == pytest.approx(math.sqrt(365 * variance), rel=1e-12)
    assert np.isnan(got[:30]).all()
    assert volatility.DECAY**volatility.HALF_LIFE == pytest.approx(0.5)


def test_ewma_starts_anew_after_a_gap() -> None:
    c = np.log(daily(2, 200, 1).close)
    c[60] = np.nan
    got = volatility.ewma(c)
    assert np.isnan(got[60:91]).all()
    fresh = volatility.ewma(c[61:])
    np.testing.assert_array_equal(got[91:], fresh[30:])


def test_change_and_slope() -> None:
    sigma = column(np.exp(0.05 * np.arange(40)))
    assert volatility.change(sigma)[-1, 0] == pytest.approx(0.35, rel=1e-12)
    noisy = sigma * np.exp(column(RNG.normal(0, 0.3, 40)))
    want = np.polyfit(np.arange(7), np.log(noisy[-7:, 0]), 1)[0]
    assert volatility.slope(sigma)[-1, 0] == pytest.approx(0.05, rel=1e-12)
    assert volatility.slope(noisy)[-1, 0] == pytest.approx(want, rel=1e-10)
    assert np.isnan(volatility.slope(np.zeros((20, 1)))).all()


def test_median_of_two_years() -> None:
    sigma = RNG.lognormal(0, 1, (900, 2))
    sigma[100:140, 1] = np.nan
    got = volatility.two_year_median(sigma)
    for t in (179, 400, 729, 730, 899):
        want = np.nanmedian(sigma[max(0, t - 729) : t + 1], axis=0)
        np.testing.assert_array_equal(got[t][:1], want[:1])
    assert np.isnan(got[178]).all()
    assert np.isnan(got[218, 1])
    assert got[219, 1] == np.nanmedian(sigma[:220, 1])
