"""Hedging an asset with another's future: beta, and how well it would have worked out of sample (domain 2.12)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.model.market import Floats, Ints
from hedgerow.signals.rolling import faded, faded_weight, ratio, run_length, shifted, variance

HALF_LIFE: Final = 30.0  # days
DECAY: Final = math.exp2(-1.0 / HALF_LIFE)
RETURNS: Final = 300  # ten half-lives: what lies before weighs 0.1 %
WINDOW: Final = RETURNS + 1  # bars
LEAST: Final = 60  # common returns
SHRINK: Final = 0.5
CAP: Final = 2.0
RIDGE: Final = 0.1  # of each factor's variance
TEST_DAYS: Final = 90
TEST_WINDOW: Final = TEST_DAYS + WINDOW
FLAT: Final = 1e-12


def raw_beta(returns: Floats, market: int, decay: float = DECAY, window: int = RETURNS, least: int = LEAST) -> Floats:
    """Cov(r, r_market) / Var(r_market) with exponential weights and an intercept, [D, A] from log returns [D, A].

    Over the days since either's last unknown return within the window; NaN with fewer than ``least``.
    """
    x, y, run, weight = _common(returns, returns[:, market : market + 1], decay, window)
    mean_x, mean_y = faded(x, decay, window) / weight, faded(y, decay, window) / weight
    square = faded(x * x, decay, window) / weight
    spread = square - mean_x * mean_x
    together = faded(x * y, decay, window) / weight - mean_x * mean_y
    known = (run >= least) & (spread > FLAT * square)
    return np.where(known, ratio(together, spread), np.nan)


def _common(returns: Floats, factor: Floats, decay: float, window: int) -> tuple[Floats, Floats, Ints, Floats]:
    """Factor and returns where both are known, length of the run, its total weight (at least 1)."""
    unknown = np.isnan(returns) | np.isnan(factor)
    x, y = np.where(unknown, np.nan, factor), np.where(unknown, np.nan, returns)
    run = run_length(y, window)
    return x, y, run, np.maximum(faded_weight(run, decay, window), 1.0)


def shrunk(raw: Floats, market: int) -> Floats:
    """Half the raw beta, half the mean of the pool's (all assets but the market), within [0, 2]; the market's is 1."""
    total, count = np.zeros(len(raw)), np.zeros(len(raw))
    for a in range(raw.shape[1]):
        if a != market:
            known = ~np.isnan(raw[:, a])
            total += np.where(known, raw[:, a], 0.0)
            count += np.where(known, 1.0, 0.0)
    pool = ratio(total, count)[:, None]
    out = np.clip(raw + SHRINK * (pool - raw), 0.0, CAP)
    out[:, market] = np.where(np.isnan(raw[:, market]), np.nan, 1.0)
    return out


def beta(returns: Floats, market: int) -> Floats:
    """Beta to size a cross hedge by: ``shrunk(raw_beta)``, [D, A]."""
    return shrunk(raw_beta(returns, market), market)


def effectiveness(returns: Floats, betas: Floats, market: int, days: int = TEST_DAYS) -> Floats:
    """Share of an asset's variance over ``days`` that the hedge took away, in [0, 1], [D, A].

    Each day is hedged by the beta known the day before, so this is out of sample; a hedge that adds variance shows 0.
    NaN unless all days are known.
    """
    left = returns - shifted(betas, 1) * returns[:, market : market + 1]
    with_hedge, without = variance(left, days), variance(np.where(np.isnan(left), np.nan, returns), days)
    return np.maximum(1.0 - ratio(with_hedge, without), 0.0)


def two_factor_beta(
    returns: Floats, first: int, second: int, *, ridge: float = RIDGE, decay: float = DECAY, window: int = RETURNS
) -> tuple[Floats, Floats]:
    """Raw betas to two factors' returns, each [D, A], by exponentially weighted ridge regression with an intercept.

    ``ridge`` is added to each factor's variance as a share of it. A factor's own betas are 1 and 0.
    """
    factors = returns[:, [first]] + 0.0 * returns[:, [second]], returns[:, [second]] + 0.0 * returns[:, [first]]
    x, y, run, weight = _common(returns, factors[0], decay, window)
    z = np.where(np.isnan(y), np.nan, factors[1])

    def moment(left: Floats, right: Floats) -> Floats:
        mean = faded(left, decay, window) / weight * (faded(right, decay, window) / weight)
        return faded(left * right, decay, window) / weight - mean

    xx, zz, xz = moment(x, x) * (1.0 + ridge), moment(z, z) * (1.0 + ridge), moment(x, z)
    xy, zy = moment(x, y), moment(z, y)
    determinant = xx * zz - xz * xz
    known = (run >= LEAST) & (determinant > FLAT * xx * zz)
    to_first = np.where(known, ratio(zz * xy - xz * zy, determinant), np.nan)
    to_second = np.where(known, ratio(xx * zy - xz * xy, determinant), np.nan)
    for column, ours, others in ((first, to_first, to_second), (second, to_second, to_first)):
        ours[:, column] = np.where(known[:, column], 1.0, np.nan)
        others[:, column] = np.where(known[:, column], 0.0, np.nan)
    return to_first, to_second
