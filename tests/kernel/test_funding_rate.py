"""Funding rates by clamp and by damper, and the payment that longs and shorts make to each other (domain 2.7)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow import jit
from hedgerow.kernel import funding
from hedgerow.kernel.funding import annual_rate, clamped_rate, damped_rate, interval_rate, premium_index
from hedgerow.model import contract
from hedgerow.model.market import Floats
from hedgerow.signals.funding import carry
from tests.kernel.desk import loose

I, WIDTH, CAP = 1e-4, 5e-4, 0.0075  # Binance's for 8 hours, and a cap of 0.75 %
RATES = st.floats(-0.05, 0.05)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0.0, I),  # the interest alone
        (4e-4, I),  # within the clamp: still the interest
        (6e-4, I),  # its edge: I - P = -0.05 %
        (20e-4, 15e-4),  # beyond: the premium less 0.05 %
        (-4e-4, I),
        (-20e-4, -15e-4),
        (0.5, CAP),
        (-0.5, -CAP),
    ],
)
def test_clamp(premium: float, rate: float) -> None:
    assert loose(funding.clamped_rate)(premium, I, WIDTH, CAP) == pytest.approx(rate, abs=1e-18)


@given(premium=RATES, interest=st.floats(-1e-3, 1e-3), width=st.floats(0.0, 1e-3), cap=st.floats(1e-3, 0.1))
def test_the_clamp_moves_a_premium_by_no_more_than_its_width_towards_the_interest(
    premium: float, interest: float, width: float, cap: float
) -> None:
    rate = loose(funding.clamped_rate)(premium, interest, width, 1.0)
    assert abs(rate - premium) <= width + 1e-15
    assert min(premium, interest) - 1e-15 <= rate <= max(premium, interest) + 1e-15
    held = loose(funding.clamped_rate)(premium, interest, width, cap)
    assert held == max(-cap, min(cap, rate))


@given(premium=RATES, damper=st.floats(0.0, 1e-3))
def test_the_damper_is_the_formula_that_deribit_prints(premium: float, damper: float) -> None:
    printed = max(damper, premium) + min(-damper, premium)
    assert loose(funding.damped_rate)(premium, damper, 1.0) == pytest.approx(printed, abs=1e-15)
    assert loose(funding.damped_rate)(-premium, damper, 1.0) == -loose(funding.damped_rate)(premium, damper, 1.0)


@pytest.mark.parametrize(
    ("bid", "ask", "premium"), [(101.0, 102.0, 0.01), (98.0, 99.0, -0.01), (99.5, 100.5, 0.0), (100.0, 100.0, 0.0)]
)
def test_premium_index(bid: float, ask: float, premium: float) -> None:
    assert loose(funding.premium_index)(bid, ask, 100.0) == pytest.approx(premium)


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(loose(funding.premium_index)(np.nan, 100.0, 100.0))
    assert np.isnan(loose(funding.premium_index)(100.0, np.nan, 100.0))
    assert np.isnan(loose(funding.premium_index)(100.0, 100.0, np.nan))
    assert np.isnan(loose(funding.clamped_rate)(np.nan, I, WIDTH, CAP))
    assert np.isnan(loose(funding.damped_rate)(np.nan, WIDTH, CAP))
    assert np.isnan(contract.funding_received(-1.0, 100.0, np.nan, False))


def test_a_basis_point_in_8_hours_is_10_95_percent_a_year() -> None:
    assert loose(funding.annual_rate)(1e-4, 8.0) == pytest.approx(0.1095)
    assert loose(funding.annual_rate)(1e-4, 8.0) == pytest.approx(carry(1e-4))
    assert loose(funding.annual_rate)(1e-4, 1.0) == pytest.approx(0.876)
    assert carry(1e-4, compound=True) == pytest.approx(0.1157, abs=5e-5)


@given(rate=RATES, hours=st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_an_intervals_part_makes_the_same_year(rate: float, hours: float) -> None:
    part = loose(funding.interval_rate)(rate, hours, 8.0)
    year = loose(funding.annual_rate)
    assert year(part, hours) == pytest.approx(year(rate, 8.0), rel=1e-12)


@pytest.mark.parametrize("number", [float, Decimal])
@given(size=st.floats(1e-6, 1e9), mark=st.floats(1e-4, 1e6), rate=RATES, inverse=st.booleans())
def test_what_a_long_pays_its_short_receives(
    number: type[float], size: float, mark: float, rate: float, inverse: bool
) -> None:
    """Zero-sum to the bit; at a positive rate the short is the one who receives."""
    size, mark, rate = number(size), number(mark), number(rate)
    long, short = (contract.funding_received(side * size, mark, rate, inverse) for side in (1, -1))
    assert long + short == 0
    if rate > 0 and short != 0:
        assert short > 0
    if rate < 0 and short != 0:
        assert short < 0


@jit.entrance
def everything(prices: Floats, out: Floats) -> None:
    for j in range(prices.shape[1]):
        out[0, j] = premium_index(prices[0, j], prices[1, j], prices[2, j])
        out[1, j] = clamped_rate(out[0, j], 1e-4, 5e-4, 0.0075)
        out[2, j] = damped_rate(out[0, j], 2.5e-4, 0.005)
        out[3, j] = interval_rate(out[2, j], 3.0, 8.0)
        out[4, j] = annual_rate(out[1, j], 8.0)


@pytest.mark.skipif(not jit.enabled, reason="nothing is compiled")
def test_compiled_and_interpreted_give_the_same_bits() -> None:
    rng = np.random.default_rng(5)
    index = 10.0 ** rng.uniform(-2, 5, 400)
    bid = index * (1.0 + rng.normal(0.0, 2e-3, 400))
    prices = np.stack([bid, bid * (1.0 + np.abs(rng.normal(0.0, 1e-3, 400))), index])
    found, expected = np.zeros((5, 400)), np.zeros((5, 400))
    everything(prices, found)
    loose(everything)(prices, expected)
    assert 50 < (expected[2] != 0.0).sum() < 350
    assert found.tobytes() == expected.tobytes()
