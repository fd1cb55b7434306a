"""Volatility of a market from its daily bars, annualised with 365 days (domain 2.2, 2.3).

The estimators take *log* prices [D, A] (``rolling.logs``) and a window of days, and give a fraction per year [D, A],
NaN unless all bars of the window are known. In a market without a close, open equals the close before: Yang-Zhang then
gains little over Rogers-Satchell, and hourly realised volatility beats both where it is known.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import logs, mean, median, ratio, root, run_length, shifted, smoothed, total, variance
from hedgerow.units import DAYS_PER_YEAR

HALF_LIFE: Final = 10.0  # days, of the weights in sigma_ewma
DECAY: Final = math.exp2(-1.0 / HALF_LIFE)
EWMA_RETURNS: Final = 120  # twelve half-lives: what lies before weighs 0.02 %
EWMA_WINDOW: Final = EWMA_RETURNS + 1  # bars
EWMA_LEAST: Final = 30  # returns: three half-lives
MEDIAN_WINDOW: Final = 730  # days: two years
MEDIAN_LEAST: Final = 180  # known days
CHANGE: Final = 7  # days


def annualised(daily_variance: Floats) -> Floats:
    """Volatility per year from variance per day; NaN where the variance is negative."""
    return root(daily_variance * DAYS_PER_YEAR)


def close_to_close(c: Floats, window: int) -> Floats:
    """Standard deviation of ``window`` log returns, so of ``window + 1`` log closes."""
    return annualised(variance(c - shifted(c, 1), window))


def parkinson(h: Floats, l: Floats, window: int) -> Floats:
    """From the range alone: sum of ln(H/L)^2 over 4 n ln 2 (Parkinson 1980)."""
    span = h - l
    return annualised(total(span * span, window) / (4.0 * window * math.log(2.0)))


def garman_klass(o: Floats, h: Floats, l: Floats, c: Floats, window: int) -> Floats:
    """From range and body: mean of ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2 (Garman and Klass 1980)."""
    span, body = h - l, c - o
    return annualised(mean(0.5 * (span * span) - (2.0 * math.log(2.0) - 1.0) * (body * body), window))


def rogers_satchell(o: Floats, h: Floats, l: Floats, c: Floats, window: int) -> Floats:
    """Free of drift: mean of ln(H/C) ln(H/O) + ln(L/C) ln(L/O) (Rogers and Satchell 1991)."""
    return annualised(_rogers_satchell_variance(o, h, l, c, window))


def _rogers_satchell_variance(o: Floats, h: Floats, l: Floats, c: Floats, window: int) -> Floats:
    return mean((h - c) * (h - o) + (l - c) * (l - o), window)


def yang_zhang(o: Floats, h: Floats, l: Floats, c: Floats, window: int) -> Floats:
    """Opening jumps, bodies and Rogers-Satchell, weighted for least variance (Yang and Zhang 2000).

    Needs the close before the window too: ``window + 1`` bars.
    """
    weight = 0.34 / (1.34 + (window + 1) / (window - 1))
    jump = variance(o - shifted(c, 1), window)
    body = variance(c - o, window)
    return annualised(jump + weight * body + (1.0 - weight) * _rogers_satchell_variance(o, h, l, c, window))


def realised_volatility(realised: Floats, window: int) -> Floats:
    """From sums of squared hourly log returns of each day [D, A]."""
    return annualised(mean(realised, window))


def sigma(o: Floats, h: Floats, l: Floats, c: Floats, realised: Floats, window: int) -> Floats:
    """Realised volatility where all days of the window have it, else Yang-Zhang (domain 2.2)."""
    fine = realised_volatility(realised, window)
    return np.where(np.isnan(fine), yang_zhang(o, h, l, c, window), fine)


def ewma_variance(returns: Floats, decay: float, window: int, least: int = 1) -> Floats:
    """Variance per day of zero-mean log returns [D, A] by exponential weights, seeded with the first square.

    Over the returns since the last gap within ``window`` returns; NaN with fewer than ``least`` (RiskMetrics 1996).
    """
    squares = returns * returns
    return np.where(run_length(squares, window) >= least, smoothed(squares, decay, window), np.nan)


def ewma(c: Floats) -> Floats:
    """Volatility of log closes with weights that halve every 10 days."""
    return annualised(ewma_variance(c - shifted(c, 1), DECAY, EWMA_RETURNS, EWMA_LEAST))


def two_year_median(sigma: Floats) -> Floats:
    """Median over two years of a volatility [D, A]; NaN before 180 days are known (domain 2A-12)."""
    return median(sigma, MEDIAN_WINDOW, MEDIAN_LEAST)


def change(sigma: Floats) -> Floats:
    """Log of a volatility over its value 7 days earlier."""
    return logs(ratio(sigma, shifted(sigma, CHANGE)))


def slope(sigma: Floats) -> Floats:
    """Least-squares slope of the log of a volatility over its last 7 values, per day."""
    level = logs(sigma)
    out = np.zeros(level.shape)
    squares = 0.0
    for age in range(CHANGE):
        x = (CHANGE - 1) / 2.0 - age
        out += x * shifted(level, age)
        squares += x * x
    return out / squares
