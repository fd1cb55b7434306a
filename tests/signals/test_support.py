"""Support levels against a slow search written another way, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.signals import oscillator, support
from hedgerow.signals.rolling import mean
from tests.signals.made import column, daily


def levels_of(low: np.ndarray, sma: float, atr: float) -> list[float]:
    """Levels that are known at the end of a window of lows."""
    swings = [
        low[i] for i in range(5, len(low) - 5) if low[i] == low[i - 5 : i + 6].min() and (low[i - 5 : i] > low[i]).all()
    ]
    out = [] if np.isnan(sma) else [sma]
    cluster: list[float] = []
    for value in [*sorted(swings), np.inf]:
        if cluster and value - np.mean(cluster) > atr:
            out += [float(np.mean(cluster))] if len(cluster) >= 2 else []
            cluster = []
        cluster.append(value)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_against_a_slow_search(seed: int) -> None:
    bars = daily(seed, 620, 1)
    low, close = bars.low, bars.close
    atr, sma = oscillator.atr(bars.high, low, close), mean(close, 200)
    distance, at, broken = support.support(low, close, sma, atr)
    for t in range(200, 620, 7):
        levels = np.array(levels_of(low[max(0, t - 364) : t + 1, 0], sma[t, 0], atr[t, 0]))
        now, before, earlier = close[t, 0], close[t - 1, 0], close[t - 2, 0]
        gap = (now - levels) / atr[t, 0]
        floor = levels - 0.5 * atr[t, 0]
        assert distance[t, 0] == pytest.approx(gap[np.argmin(np.abs(gap))], rel=1e-9)
        assert at[t, 0] == ((np.abs(gap) <= 0.5) & (before >= floor)).any()
        assert broken[t, 0] == ((now < floor) & (before < floor) & (earlier >= floor)).any()
    assert 0 < np.nanmean(at) < 1
    assert 0 < np.nanmean(broken) < 1


def test_a_swing_low_is_known_five_days_later() -> None:
    low = column([10.0, 9, 8, 7, 6, 5, 6, 7, 8, 9, 10, 11])
    got = support.swing_lows(low)[:, 0]
    assert np.isnan(got[:10]).all()
    assert got[10] == 5.0
    assert np.isnan(got[11])


def test_of_equal_lows_the_first_counts() -> None:
    low = column([9.0] * 6 + [5, 6, 5] + [9.0] * 8)
    assert np.flatnonzero(support.swing_lows(low)[:, 0] == 5.0).tolist() == [11]


def test_one_touch_is_no_support() -> None:
    price = 100.0 + 0.01 * np.arange(190.0)
    low = price.copy()
    low[50] = 90.0
    nothing = np.full((190, 1), np.nan)
    atr = np.ones((190, 1))
    distance, at, broken = support.support(column(low), column(price), nothing, atr)
    assert np.isnan(distance[-1, 0])
    assert (at[-1, 0], broken[-1, 0]) == (0.0, 0.0)
    low[120] = 90.5
    distance, at, broken = support.support(column(low), column(price), nothing, atr)
    assert distance[-1, 0] == pytest.approx(price[-1] - 90.25)


def test_touch_and_break_of_the_mean() -> None:
    close = np.full(200, 100.0)
    close[-4:] = [100.4, 99.6, 99.4, 99.3]
    level, atr = np.full((200, 1), 100.0), np.ones((200, 1))
    low = np.linspace(99.0, 50.0, 200)  # no swings
    _, at, broken = support.support(column(low), column(close), level, atr)
    assert at[-4:, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert broken[-4:, 0].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_unknown_inputs_leave_it_unknown() -> None:
    close, level, atr = np.full((200, 1), 100.0), np.full((200, 1), 100.0), np.ones((200, 1))
    low = np.full((200, 1), 99.0)
    assert np.isnan(support.support(low, close, level, atr)[1][:179]).all()
    assert support.support(low, close, level, atr)[1][179, 0] == 1.0
    close[190] = np.nan
    assert np.isnan(support.support(low, close, level, atr)[1][190:193]).all()
    assert np.isnan(support.support(low, close, level, 0.0 * atr)[1]).all()
