"""Funding, basis, macro and fear: goldens and hand-made cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hedgerow.signals import basis, fear, funding, macro
from hedgerow.signals.percentile import percentile
from tests.signals.made import column

RNG = np.random.default_rng(2)


def test_basis_golden_g56() -> None:
    assert basis.simple(61_500, 60_000, 90) == pytest.approx(0.1013889, abs=5e-8)
    assert basis.compound(61_500, 60_000, 90) == pytest.approx(0.1053282, abs=5e-8)
    assert basis.continuous(61_500, 60_000, 90) == pytest.approx(0.1001423, abs=5e-8)


def at(contracts: list[tuple[float, float]]) -> float:
    """Constant-maturity basis at spot 100 of contracts (price, days)."""
    prices, days = (np.array([[column]], dtype=float) for column in zip(*contracts, strict=True))
    return float(basis.constant_maturity(np.array([[100.0]]), prices, days)[0, 0])


def test_constant_maturity_interpolates_the_log_basis() -> None:
    log_basis = np.interp(60, [30, 90], [math.log(1.01), math.log(1.05)])
    want = math.expm1(log_basis) * 365 / 60
    assert at([(101, 30), (105, 90)]) == pytest.approx(want, rel=1e-12)
    assert at([(105, 90), (101, 30), (120, 180), (100.2, 8)]) == pytest.approx(want, rel=1e-12)
    assert at([(102, 60), (105, 90)]) == pytest.approx(basis.simple(102, 100, 60), rel=1e-12)


def test_constant_maturity_from_one_side() -> None:
    assert at([(105, 90)]) == pytest.approx(math.expm1(math.log(1.05) * 60 / 90) * 365 / 60, rel=1e-12)
    assert at([(101, 30), (100.4, 10)]) == pytest.approx(math.expm1(math.log(1.01) * 2) * 365 / 60, rel=1e-12)


def test_constant_maturity_leaves_out_what_is_no_basis() -> None:
    assert math.isnan(at([(101, 2.9)]))
    assert math.isnan(at([(101, 6.9)]))
    assert math.isnan(at([(np.nan, 90)]))
    assert math.isnan(at([(101, np.nan)]))
    assert at([(150, 2.9), (101, 30), (105, 90)]) == at([(101, 30), (105, 90)])
    assert at([(100, 4), (105, 90)]) == pytest.approx(
        math.expm1(np.interp(60, [4, 90], [0, math.log(1.05)])) * 365 / 60, rel=1e-12
    )


def test_basis_over_its_usual_value() -> None:
    level = column(RNG.uniform(0.05, 0.15, 60))
    level[::3] = np.nan
    middle = basis.usual(level)
    assert middle[-1, 0] == np.nanmedian(level[-30:])
    assert basis.relative(level, middle)[-1, 0] == level[-1, 0] / middle[-1, 0]
    assert np.isnan(basis.relative(-level, -middle)).all()
    assert np.isnan(basis.usual(level)[:13]).all()


def test_premium() -> None:
    assert basis.premium(column([101.0]), column([100.0]))[0, 0] == pytest.approx(0.01)


def test_funding_level_counts_the_hours_that_the_rates_cover() -> None:
    one = np.full((7, 1), 3e-4)
    assert funding.level(one, np.full((7, 1), 24.0))[-1, 0] == pytest.approx(0.1095, rel=1e-12)
    assert funding.level(one, np.full((7, 1), 12.0))[-1, 0] == pytest.approx(0.219, rel=1e-12)
    assert np.isnan(funding.level(one, np.full((7, 1), 24.0))[:6]).all()
    assert np.isnan(funding.level(one, np.zeros((7, 1)))).all()


def test_carry_of_one_basis_point() -> None:
    assert funding.carry(1e-4) == pytest.approx(0.1095, rel=1e-12)
    assert funding.carry(1e-4, compound=True) == pytest.approx(0.1157, abs=5e-5)


def test_jump_in_standard_deviations() -> None:
    level = RNG.normal(0.1, 0.05, (200, 1))
    change = level[3:, 0] - level[:-3, 0]
    assert funding.jump(level)[-1, 0] == pytest.approx(change[-1] / change[-90:].std(ddof=1), rel=1e-10)
    assert np.isnan(funding.jump(level)[:92]).all()
    assert funding.jump(np.full((120, 1), 0.1))[-1, 0] == 0.0


def test_flip_needs_a_positive_past() -> None:
    last = column([1e-4] * 9 + [-6e-5])
    assert funding.flipped(last, np.full((10, 1), 0.05))[-1, 0] == 1.0
    assert funding.flipped(last, np.full((10, 1), -0.05))[-1, 0] == 0.0
    assert np.isnan(funding.flipped(last, np.full((10, 1), 0.05))[:3]).all()


def test_macro_changes() -> None:
    dollar = np.linspace(100.0, 110.0, 41)
    assert macro.relative_change(dollar)[-1] == pytest.approx(110 / 105 - 1, rel=1e-12)
    rate = np.array([0.01] * 20 + [0.0175] * 20)
    assert macro.difference(rate)[-1] == pytest.approx(0.0075, rel=1e-12)
    assert np.isnan(macro.difference(rate)[:30]).all()


def test_fear_fallback_is_the_mean_of_ranks() -> None:
    sigma, back, fall, rate = RNG.normal(0, 1, (4, 500))
    got = fear.fallback(sigma, back, fall, rate)
    ranks = [percentile(x)[-1] for x in (sigma, -back, fall, -rate)]
    assert got[-1] == pytest.approx(100 - 100 * np.mean(ranks), rel=1e-12)
    without = fear.fallback(sigma, back, fall, np.full(500, np.nan))
    assert without[-1] == pytest.approx(100 - 100 * np.mean(ranks[:3]), rel=1e-12)
    assert np.isnan(fear.fallback(sigma, back, np.full(500, np.nan), np.full(500, np.nan))).all()


def test_fear_fallback_is_low_in_a_panic_and_high_in_a_calm() -> None:
    worst, best = np.arange(500.0), -np.arange(500.0)
    assert fear.fallback(worst, best, worst, best)[-1] == 0.0
    assert fear.fallback(best, worst, best, worst)[-1] == 100.0


def test_fear_subsides_ten_points_above_the_weeks_low_and_rising() -> None:
    points = np.array([50.0] * 7 + [10, 15, 20, 19, 21, 40, 40])
    assert fear.subsiding(points)[6:].tolist() == [0, 0, 0, 1, 0, 1, 1, 0]
    assert np.isnan(fear.subsiding(points)[:6]).all()


def test_fear_never_compares_index_and_fallback() -> None:
    index, own = np.full(30, np.nan), np.full(30, 60.0)
    index[:20] = 20.0
    assert fear.index_or(index, own)[[19, 20]].tolist() == [20.0, 60.0]
    assert fear.index_or_own_subsiding(index, own)[20] == 0.0
