"""Basis of dated futures and premium of perpetuals; the two are never mixed (domain 2.6, 2.7)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.model import contract
from hedgerow.model.market import Floats
from hedgerow.signals.rolling import logs, median, ratio
from hedgerow.units import DAYS_PER_YEAR

MATURITY: Final = 60.0  # days
NEAREST: Final = float(contract.NEAREST)  # days to expiry: nearer contracts are ignored
NEAREST_ALONE: Final = 7.0  # days to expiry (the roll, domain 2.18) for one contract to stand for the whole curve
MEDIAN_WINDOW: Final = 30  # days
MEDIAN_LEAST: Final = 10  # known days: a front month of business days has about 16


def simple(future: float, spot: float, days: float) -> float:
    """(F/S - 1) 365 / days: the yield of a hedge of fixed size, a fraction per year."""
    return contract.annual_basis(future, spot, days)


def compound(future: float, spot: float, days: float) -> float:
    """(F/S) ** (365 / days) - 1, a fraction per year."""
    return math.pow(future / spot, DAYS_PER_YEAR / days) - 1.0


def continuous(future: float, spot: float, days: float) -> float:
    """ln(F/S) 365 / days, a fraction per year."""
    return math.log(future / spot) * DAYS_PER_YEAR / days


def premium(perpetual: Floats, spot: Floats) -> Floats:
    """Perpetual over spot, less 1, a fraction [D, A]."""
    return ratio(perpetual, spot) - 1.0


def constant_maturity(spot: Floats, future: Floats, days: Floats, maturity: float = MATURITY) -> Floats:
    """Simple basis at a constant maturity, a fraction per year [D, A], from dated contracts [D, A, K].

    The log basis is interpolated between the contracts next below and next above the maturity. With contracts on one
    side only, the nearest one's log basis per day stands for all maturities, if it has 7 days to run. Contracts with
    less than 3 days to run and contracts without a price are left out. Spot and future must be of the same instant.
    """
    level = logs(ratio(future, spot[:, :, None]))
    usable = ~np.isnan(level) & (days >= NEAREST) & (days < np.inf)
    near_days, near = np.full(spot.shape, np.nan), np.full(spot.shape, np.nan)
    far_days, far = np.full(spot.shape, np.nan), np.full(spot.shape, np.nan)
    for k in range(future.shape[2]):
        left, value = days[:, :, k], level[:, :, k]
        nearer = usable[:, :, k] & (left <= maturity) & ~(left <= near_days)
        near_days, near = np.where(nearer, left, near_days), np.where(nearer, value, near)
        farther = usable[:, :, k] & (left > maturity) & ~(left >= far_days)
        far_days, far = np.where(farther, left, far_days), np.where(farther, value, far)
    share = ratio(maturity - near_days, far_days - near_days)
    between = near + share * (far - near)
    one = np.where(near_days >= NEAREST_ALONE, near / near_days, np.nan)
    alone = np.where(np.isnan(near), far / far_days, one) * maturity
    at = np.where(np.isnan(between), alone, between)
    growth = [math.expm1(v) if v < 700.0 else math.nan for v in at.ravel().tolist()]
    return np.array(growth, dtype=np.float64).reshape(at.shape) * (DAYS_PER_YEAR / maturity)


def usual(basis: Floats) -> Floats:
    """Median of the known ones of 30 days; NaN with fewer than 10 (a future of business days rests at weekends)."""
    return median(basis, MEDIAN_WINDOW, MEDIAN_LEAST)


def relative(basis: Floats, middle: Floats) -> Floats:
    """Basis over its usual value; NaN where that is not positive, since the ratio says nothing there."""
    return np.where(middle > 0.0, ratio(basis, middle), np.nan)
