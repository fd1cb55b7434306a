"""Trend, drawdown, percentile and valuation against plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib

from hedgerow.signals import drawdown, trend, valuation
from hedgerow.signals.percentile import percentile
from hedgerow.signals.rolling import known_count, logs, run_length, variance
from tests.signals.made import column, daily

BARS = daily(8, 800, 2)
X = BARS.close[:, 0]


def test_means_are_talibs() -> None:
    np.testing.assert_allclose(trend.over_mean(BARS.close, 50)[:, 0], X / talib.SMA(X, 50), rtol=1e-10)
    np.testing.assert_allclose(valuation.mayer_multiple(BARS.close)[:, 0], X / talib.SMA(X, 200), rtol=1e-10)
    mean = talib.SMA(X, 200)
    np.testing.assert_allclose(trend.mean_slope(BARS.close)[220:, 0], mean[220:] / mean[200:-20] - 1, atol=1e-10)


def test_two_hundred_bars_are_needed_and_enough() -> None:
    got = valuation.mayer_multiple(BARS.close)
    assert np.isnan(got[198, 0])
    assert not np.isnan(got[199, 0])
    listed = 100  # the second asset
    assert np.isnan(got[listed + 198, 1])
    assert not np.isnan(got[listed + 199, 1])


def test_returns() -> None:
    np.testing.assert_allclose(trend.simple_return(BARS.close, 30)[30:, 0], X[30:] / X[:-30] - 1, rtol=1e-12)
    assert np.isnan(trend.simple_return(BARS.close, 30)[:30]).all()


def test_loss_is_measured_by_what_was_known_the_day_before() -> None:
    close = column([100.0, 100.0, 80.0])
    sigma = column([0.5, 0.6, 9.0])
    want = -math.log(0.8) / (0.6 / math.sqrt(365))
    assert trend.loss_in_sigmas(close, sigma)[-1, 0] == pytest.approx(want, rel=1e-12)


def test_drawdowns() -> None:
    for t in (400, 555, 799):
        assert drawdown.from_highest_close(BARS.close)[t, 0] == 1 - X[t] / X[t - 19 : t + 1].max()
        top = BARS.high[t - 364 : t + 1, 0].max()
        assert drawdown.from_highest_high(BARS.close, BARS.high)[t, 0] == 1 - X[t] / top
    assert np.isnan(drawdown.from_highest_high(BARS.close, BARS.high)[178, 0])
    assert not np.isnan(drawdown.from_highest_high(BARS.close, BARS.high)[179, 0])


def test_low_is_new() -> None:
    falling = column(np.linspace(2.0, 1.0, 100))
    assert drawdown.is_lowest_close(falling)[-1, 0] == 1.0
    assert drawdown.is_lowest_close(np.full((100, 1), 1.0))[-1, 0] == 0.0
    assert np.isnan(drawdown.is_lowest_close(falling)[88, 0])


def test_percentile_by_counting() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 40, (700, 1)).astype(float)
    values[300:330] = np.nan
    got = percentile(values)[:, 0]
    for t in (179, 250, 335, 364, 365, 500, 699):
        past = values[max(0, t - 364) : t + 1, 0]
        past = past[~np.isnan(past)]
        rank = ((past < values[t, 0]).sum() + ((past == values[t, 0]).sum() - 1) / 2) / (len(past) - 1)
        assert got[t] == rank
    assert np.isnan(got[300:330]).all()
    assert np.isnan(got[:179]).all()


def test_percentile_spans_zero_to_one_and_ties_share_the_middle() -> None:
    assert percentile(column(np.arange(400.0)))[-1, 0] == 1.0
    assert percentile(column(-np.arange(400.0)))[-1, 0] == 0.0
    assert percentile(np.full((400, 1), 3.0))[-1, 0] == 0.5


def test_percentile_knows_nothing_with_179_values() -> None:
    values = column(np.arange(400.0))
    values[: 400 - 179] = np.nan
    assert np.isnan(percentile(values)).all()
    values[400 - 180] = 0.5
    assert percentile(values)[-1, 0] == 1.0


def test_z_score() -> None:
    values = BARS.fundamental.copy()
    values[500:520, 0] = np.nan
    got = valuation.z_score(values)[:, 0]
    past = values[799 - 364 : 800, 0]
    assert got[-1] == pytest.approx((past[-1] - np.nanmean(past)) / np.nanstd(past, ddof=1), rel=1e-10)
    assert np.isnan(got[510])
    assert np.isnan(valuation.z_score(np.full((400, 1), 0.1))).all()


def test_logs_are_the_c_librarys_and_nothing_is_guessed() -> None:
    assert logs(column([2.0, 1e300]))[:, 0].tolist() == [math.log(2.0), math.log(1e300)]
    assert np.isnan(logs(column([0.0, -1.0, np.inf, np.nan]))).all()


def test_counts() -> None:
    values = column([np.nan, 1, 2, np.nan, 3, 4, 5])
    assert run_length(values, 2)[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 2]
    assert known_count(values, 3)[:, 0].tolist() == [0, 1, 2, 2, 2, 2, 3]


def test_variance_of_a_constant_is_nothing() -> None:
    assert variance(np.full((50, 1), 1e6 / 3), 20)[-1, 0] < 1e-18
