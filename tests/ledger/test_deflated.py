"""The deflated Sharpe ratio: goldens G-47 and G-49, the formula against drawn maxima, what it must do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.ledger.deflated import deflated_sharpe, expected_maximum, probable_sharpe

A_YEAR = 250.0  # days, in the paper's example
DAILY = 2.5 / math.sqrt(A_YEAR)  # its Sharpe ratio of 2.5 a year
SPREAD = 0.5 / A_YEAR  # variance of the trials' ratios, 1/2 a year
DAYS = 1_250


def test_g47_the_papers_example() -> None:
    assert math.sqrt(SPREAD) * expected_maximum(100) == pytest.approx(0.11317, abs=5e-6)
    assert deflated_sharpe(DAILY, 100, SPREAD, DAYS, -3.0, 10.0) == pytest.approx(0.9003968, abs=5e-8)
    assert deflated_sharpe(DAILY, 46, SPREAD, DAYS, -3.0, 10.0) == pytest.approx(0.9505017, abs=5e-8)
    assert deflated_sharpe(DAILY, 88, SPREAD, DAYS) == pytest.approx(0.9504908, abs=5e-8)


def test_g49_the_expected_maximum() -> None:
    assert expected_maximum(10) == pytest.approx(1.574598, abs=5e-7)
    assert expected_maximum(100) == pytest.approx(2.530603, abs=5e-7)


@pytest.mark.parametrize("trials", [10, 100, 1_000])
def test_the_formula_is_near_the_mean_of_drawn_maxima(trials: int) -> None:
    drawn = np.random.default_rng(1).standard_normal((4_000, trials)).max(axis=1)
    assert expected_maximum(trials) == pytest.approx(drawn.mean(), rel=0.03)


def test_one_trial_deflates_nothing() -> None:
    assert expected_maximum(1) == expected_maximum(0.5) == 0.0
    assert deflated_sharpe(0.1, 1, SPREAD, 500) == probable_sharpe(0.1, 0.0, 500)
    assert probable_sharpe(0.1, 0.1, 500) == 0.5


def test_what_has_no_variance_is_unknown() -> None:
    assert math.isnan(probable_sharpe(1.0, 0.0, 500, skew=3.0, kurtosis=1.0))
    assert math.isnan(probable_sharpe(0.1, 0.0, 1))


@given(
    st.floats(-0.3, 0.3), st.floats(1.0, 1e4), st.floats(1e-5, 0.01), st.integers(20, 3_000), st.floats(-0.5, 0.5),
    st.floats(3.0, 12.0),
)  # fmt: skip
def test_more_trials_wider_trials_and_fatter_tails_never_help(
    ratio: float, trials: float, variance: float, periods: int, skew: float, kurtosis: float
) -> None:
    found = deflated_sharpe(ratio, trials, variance, periods, skew, kurtosis)
    assert 0.0 <= found <= 1.0
    assert deflated_sharpe(ratio, 2.0 * trials, variance, periods, skew, kurtosis) <= found
    assert deflated_sharpe(ratio, trials, 2.0 * variance, periods, skew, kurtosis) <= found
    if found > 0.5:
        assert deflated_sharpe(ratio, trials, variance, periods, skew, kurtosis + 1.0) <= found
