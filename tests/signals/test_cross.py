"""Betas of a cross hedge against least squares, and their test out of sample."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.signals import cross

RNG = np.random.default_rng(5)
MARKET = RNG.normal(0, 0.03, 500)
SECOND = 0.8 * MARKET + RNG.normal(0, 0.02, 500)
ALT = 0.001 + 0.9 * MARKET + 0.5 * SECOND + RNG.normal(0, 0.01, 500)
RETURNS = np.column_stack([MARKET, SECOND, ALT])


def weights_of(length: int) -> np.ndarray:
    return np.sqrt(0.5 ** (np.arange(length)[::-1] / cross.HALF_LIFE))


def test_beta_is_weighted_least_squares() -> None:
    got = cross.raw_beta(RETURNS, 0)
    for t in (59, 200, 299, 300, 499):
        past = RETURNS[max(0, t - 299) : t + 1]
        w = weights_of(len(past))
        design = np.column_stack([np.ones(len(past)), past[:, 0]]) * w[:, None]
        want = np.linalg.lstsq(design, past[:, 1:] * w[:, None], rcond=None)[0][1]
        np.testing.assert_allclose(got[t, 1:], want, rtol=1e-9)
        assert got[t, 0] == pytest.approx(1.0, rel=1e-12)
    assert np.isnan(got[:59]).all()


def test_two_factors_are_weighted_least_squares() -> None:
    first, second = cross.two_factor_beta(RETURNS, 0, 1, ridge=0.0)
    past, w = RETURNS[-300:], weights_of(300)
    design = np.column_stack([np.ones(300), past[:, :2]]) * w[:, None]
    want = np.linalg.lstsq(design, past[:, 2] * w, rcond=None)[0][1:]
    np.testing.assert_allclose([first[-1, 2], second[-1, 2]], want, rtol=1e-9)
    assert (first[-1, 0], second[-1, 0]) == (1.0, 0.0)
    assert (first[-1, 1], second[-1, 1]) == (0.0, 1.0)


def test_ridge_steadies_two_factors_that_are_one() -> None:
    twins = np.column_stack([MARKET, MARKET, ALT])
    assert np.isnan(cross.two_factor_beta(twins, 0, 1, ridge=0.0)[0][-1, 2])
    first, second = cross.two_factor_beta(twins, 0, 1)
    assert first[-1, 2] == pytest.approx(second[-1, 2], rel=1e-9)
    assert 0.5 < first[-1, 2] < 0.8


@pytest.mark.oracle
def test_beta_is_scipys_slope_without_fading() -> None:
    from scipy.stats import linregress

    got = cross.raw_beta(RETURNS, 0, decay=1.0, window=500)
    assert got[-1, 2] == pytest.approx(linregress(MARKET, ALT).slope, rel=1e-9)


def test_shrunk_half_way_to_the_pool_and_capped() -> None:
    raw = np.array([[1.0, 1.0, 2.0], [1.0, np.nan, 3.0], [1.0, 5.0, 5.0], [1.0, -3.0, -3.0], [np.nan, np.nan, np.nan]])
    got = cross.shrunk(raw, 0)
    np.testing.assert_allclose(got[0], [1.0, 1.25, 1.75])
    np.testing.assert_array_equal(got[1], [1.0, np.nan, 2.0])
    np.testing.assert_array_equal(got[2:4, 1:], [[2.0, 2.0], [0.0, 0.0]])
    assert np.isnan(got[4]).all()


def test_effectiveness_is_out_of_sample() -> None:
    betas = cross.beta(RETURNS, 0)
    got = cross.effectiveness(RETURNS, betas, 0)
    left = RETURNS[1:, 2] - betas[:-1, 2] * MARKET[1:]
    want = 1 - left[-90:].var(ddof=1) / ALT[-90:].var(ddof=1)
    assert got[-1, 2] == pytest.approx(want, rel=1e-10)
    assert got[-1, 0] == 1.0
    assert np.isnan(got[: 59 + 90]).all()


def test_effectiveness_does_not_see_todays_beta() -> None:
    betas = cross.beta(RETURNS, 0)
    other = betas.copy()
    other[-1] = 2.0
    np.testing.assert_array_equal(cross.effectiveness(RETURNS, betas, 0), cross.effectiveness(RETURNS, other, 0))


def test_a_hedge_that_only_adds_risk_shows_nothing() -> None:
    alone = np.column_stack([MARKET, RNG.normal(0, 0.01, 500)])
    ones = np.ones(alone.shape)
    assert cross.effectiveness(alone, ones, 0)[-1, 1] == 0.0


def test_a_still_market_has_no_beta() -> None:
    still = np.column_stack([np.zeros(200), RNG.normal(0, 0.01, 200)])
    assert np.isnan(cross.raw_beta(still, 0)).all()


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(20))
def test_betas_and_what_they_explain_are_scipys(seed: int) -> None:
    """Without fading, a slope over the window; a constant beta of that window explains r squared of it."""
    from scipy.stats import linregress

    rng = np.random.default_rng(seed)
    window = int(rng.integers(60, 200))
    factor = rng.standard_t(4, 400) * 0.03
    returns = np.column_stack([factor, rng.uniform(0.2, 1.8) * factor + rng.standard_t(4, 400) * 0.02])
    returns[: int(rng.integers(0, 100)), 1] = np.nan  # listed later
    raw = cross.raw_beta(returns, 0, decay=1.0, window=window)
    explained = cross.effectiveness(returns, np.full(returns.shape, raw[-1, 1]), 0, days=window)
    for t in (399, 399 - int(rng.integers(1, 100))):
        past = returns[t - window + 1 : t + 1]
        assert raw[t, 1] == pytest.approx(linregress(past[:, 0], past[:, 1]).slope, rel=1e-9)
    fit = linregress(*returns[-window:].T)
    assert explained[-1, 1] == pytest.approx(fit.rvalue**2, rel=1e-9)
