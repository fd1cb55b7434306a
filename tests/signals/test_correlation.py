"""Correlation levels, shrinkage (golden G-59) and concentration, each by another route."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib

from hedgerow.signals import correlation, covariance
from tests.signals.made import SAMPLE, daily

RNG = np.random.default_rng(11)


def returns_of(seed: int, days: int, assets: int) -> np.ndarray:
    close = daily(seed, days, assets).close
    return np.log(close / np.vstack([np.full((1, assets), np.nan), close[:-1]]))


def average(matrix: np.ndarray, weights: np.ndarray | None = None) -> float:
    w = np.ones(len(matrix)) if weights is None else weights
    pairs = np.outer(w, w) * (1 - np.eye(len(matrix)))
    return float((pairs * matrix).sum() / pairs.sum())


def test_ewma_is_the_weighted_average_of_pairs() -> None:
    returns = RNG.normal(0, 0.03, (300, 4)) + RNG.normal(0, 0.03, (300, 1))
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    got, weighted = correlation.ewma(returns), correlation.ewma(returns, weights=weights)
    for t in (29, 60, 119, 120, 299):
        past = returns[max(0, t - 119) : t + 1]
        decay = 0.94 ** np.arange(len(past))[::-1]
        second = (past * decay[:, None]).T @ past
        matrix = second / np.sqrt(np.outer(np.diag(second), np.diag(second)))
        assert got[t] == pytest.approx(average(matrix), rel=1e-12)
        assert weighted[t] == pytest.approx(average(matrix, weights), rel=1e-12)
    assert np.isnan(got[:29]).all()


def test_ewma_takes_a_new_asset_in_after_thirty_days() -> None:
    returns = returns_of(1, 400, 3)  # the last two are listed later
    first = int(np.argmax(~np.isnan(returns[:, 2])))
    got = correlation.ewma(returns)
    np.testing.assert_array_equal(got[: first + 29], correlation.ewma(returns[:, :2])[: first + 29])
    assert got[first + 29] != correlation.ewma(returns[:, :2])[first + 29]


def test_ewma_of_two_assets_without_a_common_day_is_unknown() -> None:
    returns = RNG.normal(0, 0.03, (200, 2))
    returns[:100, 0] = np.nan
    returns[100:, 1] = np.nan
    assert np.isnan(correlation.ewma(returns)).all()
    assert np.isnan(correlation.ewma(returns[:, :1])).all()


def test_rolling_is_pearsons() -> None:
    returns = returns_of(2, 200, 3)
    got = correlation.rolling(returns)
    for t in (99, 150, 199):
        assert got[t] == pytest.approx(average(np.corrcoef(returns[t - 29 : t + 1].T)), rel=1e-10)
    pair = correlation.rolling(returns[:, :2])
    want = talib.CORREL(returns[60:, 0], returns[60:, 1], 30)
    np.testing.assert_allclose(pair[90:], want[30:], atol=1e-9)


def test_identical_assets_correlate_fully() -> None:
    one = RNG.normal(0, 0.03, (100, 1))
    assert correlation.ewma(np.hstack([one, one, 2 * one]))[-1] == pytest.approx(1.0, abs=1e-15)
    assert correlation.ewma(np.hstack([one, -one]))[-1] == pytest.approx(-1.0, abs=1e-15)


def test_identity_shrinkage_golden_g59() -> None:
    sample = covariance.correlation_of(covariance.sample_covariance(SAMPLE))
    shrunk, intensity = covariance.shrink_to_identity(SAMPLE)
    equal = np.ones(3)
    assert intensity == pytest.approx(0.1966831259, abs=5e-11)
    assert covariance.average_correlation(sample, equal) == pytest.approx(0.8965769, abs=5e-8)
    assert covariance.average_correlation(covariance.correlation_of(shrunk), equal) == pytest.approx(
        0.6767451, abs=5e-8
    )


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(8, 3), (40, 10), (365, 5), (6, 12)])
def test_identity_shrinkage_is_scikit_learns(shape: tuple[int, int]) -> None:
    from sklearn.covariance import ledoit_wolf

    returns = RNG.normal(0, 0.03, shape) + RNG.normal(0, 0.02, (shape[0], 1))
    want, intensity = ledoit_wolf(returns)
    got = covariance.shrink_to_identity(returns)
    assert got[1] == pytest.approx(intensity, rel=1e-10)
    np.testing.assert_allclose(got[0], want, rtol=1e-9, atol=1e-15)


def constant_correlation(returns: np.ndarray) -> tuple[np.ndarray, float]:
    """Ledoit and Wolf 2004b by matrix algebra, after their own program covCor."""
    t, n = returns.shape
    x = returns - returns.mean(axis=0)
    sample = x.T @ x / t
    sd = np.sqrt(np.diag(sample))[:, None]
    mean = ((sample / (sd * sd.T)).sum() - n) / (n * (n - 1))
    prior = mean * sd * sd.T
    np.fill_diagonal(prior, np.diag(sample))
    y = x**2
    phi_matrix = y.T @ y / t - sample**2
    theta = (x**3).T @ x / t - np.diag(sample)[:, None] * sample
    np.fill_diagonal(theta, 0)
    rho = np.diag(phi_matrix).sum() + mean * ((1 / sd) @ sd.T * theta).sum()
    gamma = ((sample - prior) ** 2).sum()
    intensity = max(0.0, min(1.0, (phi_matrix.sum() - rho) / gamma / t))
    return intensity * prior + (1 - intensity) * sample, intensity


@pytest.mark.parametrize("shape", [(8, 3), (40, 10), (365, 5), (60, 2)])
def test_constant_correlation_shrinkage(shape: tuple[int, int]) -> None:
    returns = RNG.normal(0, 0.03, shape) * RNG.uniform(0.5, 2, shape[1]) + RNG.normal(0, 0.02, (shape[0], 1))
    want, intensity = constant_correlation(returns)
    got = covariance.shrink_to_constant_correlation(returns)
    np.testing.assert_allclose(got[0], want, rtol=1e-9, atol=1e-15)
    if shape[1] > 2:  # two assets have one correlation: nothing to shrink
        assert got[1] == pytest.approx(intensity, rel=1e-9)


def test_constant_correlation_keeps_the_level() -> None:
    shrunk, _ = covariance.shrink_to_constant_correlation(SAMPLE)
    level = covariance.average_correlation(covariance.correlation_of(shrunk), np.ones(3))
    assert level == pytest.approx(0.8965769, abs=5e-8)


def test_shrinkage_of_an_asset_that_did_not_move() -> None:
    returns = np.hstack([SAMPLE, np.zeros((8, 1))])
    assert covariance.shrink_to_constant_correlation(returns)[1] == 0.0
    assert np.isfinite(covariance.shrink_to_identity(returns)[0]).all()
    assert covariance.shrink_to_identity(np.zeros((8, 2)))[1] == 0.0


@pytest.mark.parametrize("assets", [1, 2, 3, 12])
def test_largest_eigenvalue_share(assets: int) -> None:
    root = RNG.normal(0, 1, (assets, assets + 3))
    matrix = root @ root.T
    values = np.linalg.eigvalsh(matrix)
    assert covariance.largest_eigenvalue_share(matrix) == pytest.approx(values[-1] / values.sum(), rel=1e-12)


def test_largest_eigenvalue_share_of_plain_cases() -> None:
    assert covariance.largest_eigenvalue_share(np.eye(4)) == 0.25
    assert covariance.largest_eigenvalue_share(np.ones((4, 4))) == pytest.approx(1.0, abs=1e-14)
    assert math.isnan(covariance.largest_eigenvalue_share(np.zeros((3, 3))))


def test_diversification_ratio() -> None:
    weights = np.array([0.5, 0.5])
    apart, one = np.diag([0.04, 0.04]), np.full((2, 2), 0.04)
    assert covariance.diversification_ratio(weights, apart) == pytest.approx(math.sqrt(2), rel=1e-14)
    assert covariance.diversification_ratio(weights, one) == pytest.approx(1.0, rel=1e-14)
    assert math.isnan(covariance.diversification_ratio(weights, np.zeros((2, 2))))


def test_eigenvalue_share_is_the_eigenvalue_of_the_window() -> None:
    rng = np.random.default_rng(4)
    returns = rng.normal(size=(90, 5)) + 0.8 * rng.normal(size=(90, 1))
    returns[:40, 4] = np.nan  # listed later: takes no part until its window is full
    found = correlation.eigenvalue_share(returns, 30)
    late = np.linalg.eigvalsh(np.corrcoef(returns[60:90].T))[-1] / 5
    early = np.linalg.eigvalsh(np.corrcoef(returns[10:40, :4].T))[-1] / 4
    assert found[89] == pytest.approx(late, abs=1e-6)
    assert found[39] == pytest.approx(early, abs=1e-6)
    assert np.isnan(found[:29]).all()
    assert np.isnan(correlation.eigenvalue_share(returns[:, :1], 30)).all()
