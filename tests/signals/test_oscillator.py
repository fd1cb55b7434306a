"""RSI and ATR against goldens G-40, G-41 and TA-Lib; stretch and contraction by hand."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from hedgerow.signals import oscillator
from tests.signals.made import column, daily

CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548,
    44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
]  # fmt: skip
G40 = [
    70.532789, 66.318562, 66.549830, 69.406305, 66.355169, 57.974856, 62.929607, 63.257148, 56.059299, 62.377071,
    54.707573, 50.422774, 39.989823, 41.460482, 41.868916, 45.463212, 37.304042, 33.079523, 37.772952,
]  # fmt: skip


def test_rsi_golden_g40() -> None:
    got = oscillator.rsi(column(CLOSES))[:, 0]
    assert np.isnan(got[:14]).all()
    np.testing.assert_allclose(got[14:], G40, atol=5e-7)


def test_rsi_edges_g41_and_a_flat_series() -> None:
    rising = column(np.arange(1.0, 21.0))
    assert oscillator.rsi(rising)[-1, 0] == 100.0
    assert oscillator.rsi(rising[::-1].copy())[-1, 0] == 0.0
    assert oscillator.rsi(np.full((20, 1), 7.0))[-1, 0] == 50.0


@pytest.mark.parametrize("seed", range(5))
def test_rsi_is_talibs_when_seeded_at_the_same_bar(seed: int) -> None:
    close = daily(seed, 700, 1).close
    got = oscillator.rsi(close, window=701)[:, 0]
    np.testing.assert_allclose(got, talib.RSI(close[:, 0], 14), rtol=0, atol=1e-12 * 100)


@pytest.mark.parametrize("seed", range(5))
def test_rsi_of_the_window_forgets_the_seed(seed: int) -> None:
    close = daily(seed, 900, 1).close
    got = oscillator.rsi(close)[300:, 0]
    # 235 steps of 13/14 leave 3e-8 of the difference of the seeds
    np.testing.assert_allclose(got, talib.RSI(close[:, 0], 14)[300:], rtol=0, atol=5e-5)


@pytest.mark.parametrize("seed", range(5))
def test_atr_is_talibs(seed: int) -> None:
    bars = daily(seed, 700, 1)
    want = talib.ATR(bars.high[:, 0], bars.low[:, 0], bars.close[:, 0], 14)
    whole = oscillator.atr(bars.high, bars.low, bars.close, window=701)[:, 0]
    np.testing.assert_allclose(whole, want, rtol=1e-12)
    window = oscillator.atr(bars.high, bars.low, bars.close)[:, 0]
    np.testing.assert_allclose(window[300:], want[300:], rtol=1e-6)
    np.testing.assert_allclose(window[:250], want[:250], rtol=1e-12)


def test_rsi_starts_anew_after_a_gap() -> None:
    close = daily(4, 120, 1).close
    close[50] = np.nan
    got = oscillator.rsi(close)
    assert np.isnan(got[50:65]).all()
    np.testing.assert_array_equal(got[65:], oscillator.rsi(close[51:])[14:])


def test_stretch_is_bollingers() -> None:
    close = daily(6, 200, 1).close
    want = (close[:, 0] - talib.SMA(close[:, 0], 20)) / talib.STDDEV(close[:, 0], 20, 1)
    np.testing.assert_allclose(oscillator.stretch(close)[:, 0], want, atol=1e-8)
    assert oscillator.stretch(np.full((30, 1), 0.1))[-1, 0] == 0.0


def test_contraction_remembers_ten_days() -> None:
    rising = column(np.linspace(1.0, 3.0, 100))
    assert oscillator.contraction(rising)[60, 0] == 0.0
    dip = rising.copy()
    dip[60] = 0.5
    got = oscillator.contraction(dip)[:, 0]
    assert got[59] == 0.0
    assert (got[60:70] == 1.0).all()
    assert got[70] == 0.0


def test_contraction_is_known_when_one_day_decides() -> None:
    width = column(np.linspace(1.0, 3.0, 60))
    width[40] = 0.5
    width[45] = np.nan
    got = oscillator.contraction(width)[:, 0]
    assert (got[40:50] == 1.0).all()
    assert np.isnan(got[50:]).all()
