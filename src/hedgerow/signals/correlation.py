"""How much the assets move together: average pairwise correlation of daily log returns (domain 2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import faded, mean, ratio, root, run_length

DECAY: Final = 0.94  # RiskMetrics: a half-life of 11.2 days
RETURNS: Final = 120  # what lies before weighs 0.06 %
WINDOW: Final = RETURNS + 1  # bars
LEAST: Final = 30  # common returns of a pair
ROLLING: Final = 30  # days, for reports
POWER_STEPS: Final = 100  # the first eigenvalue of correlated returns stands far above the second
CHANGE: Final = 20  # days


def ewma(
    returns: Floats, decay: float = DECAY, window: int = RETURNS, least: int = LEAST, weights: Floats | None = None
) -> Floats:
    """Weighted average pairwise correlation [D] of returns [D, A], zero mean, exponential weights.

    A pair counts over the days since either's last unknown return within the window, and takes part from ``least``
    such days on; NaN without a pair. ``weights`` [A] are portfolio weights (pair: w_i w_j); equal by default.
    """
    return _average(_ewma_pairs(returns, decay, window, least), returns, weights)


def rolling(returns: Floats, window: int = ROLLING, weights: Floats | None = None) -> Floats:
    """The same by Pearson's correlation over plain windows [D]; a pair takes part where all its returns are known."""
    return _average(_plain_pairs(returns, window), returns, weights)


def eigenvalue_share(returns: Floats, window: int = ROLLING) -> Floats:
    """Largest eigenvalue of the plain-window correlations over the number of assets [D]: 1/A is diverse, 1 one bet.

    By power iteration, for all days at once. Assets whose returns are not all known take no part; NaN with fewer
    than two.
    """
    days, assets = returns.shape
    matrix = [[np.zeros(days) for _ in range(assets)] for _ in range(assets)]
    counted = [np.zeros(days) for _ in range(assets)]
    for i, rho in enumerate(_plain_pairs(returns, window)):
        for j in range(rho.shape[1]):
            known = ~np.isnan(rho[:, j])
            pair = np.where(known, rho[:, j], 0.0)
            matrix[i][i + 1 + j] = matrix[i + 1 + j][i] = pair
            counted[i] = np.maximum(counted[i], known)
            counted[i + 1 + j] = np.maximum(counted[i + 1 + j], known)
    for i in range(assets):
        matrix[i][i] = counted[i]
    vector, value = [part + 0.0 for part in counted], np.zeros(days)
    for _ in range(POWER_STEPS):
        turned = []
        for i in range(assets):
            part = np.zeros(days)
            for j in range(assets):
                part = part + matrix[i][j] * vector[j]
            turned.append(part)
        squares = np.zeros(days)
        for part in turned:
            squares = squares + part * part
        value = np.sqrt(squares)
        scale = np.where(value > 0.0, value, 1.0)
        vector = [part / scale for part in turned]
    taking = np.zeros(days)
    for part in counted:
        taking = taking + part
    return np.where(taking >= 2.0, value / np.where(taking > 0.0, taking, 1.0), np.nan)


def _ewma_pairs(returns: Floats, decay: float, window: int, least: int) -> Iterator[Floats]:
    """For each asset its correlations with those after it [D, A - i - 1]."""
    for i in range(returns.shape[1] - 1):
        x, y = returns[:, i : i + 1], returns[:, i + 1 :]
        both = x * y
        unknown = np.isnan(both)
        own = faded(np.where(unknown, np.nan, x * x), decay, window)
        other = faded(np.where(unknown, np.nan, y * y), decay, window)
        rho = ratio(faded(both, decay, window), root(own) * root(other))
        yield np.where(run_length(both, window) >= least, rho, np.nan)


def _plain_pairs(returns: Floats, window: int) -> Iterator[Floats]:
    rows = len(returns) - window + 1
    centre = mean(returns, window)
    for i in range(returns.shape[1] - 1):
        rho = np.full((len(returns), returns.shape[1] - i - 1), np.nan)
        if rows > 0:
            own, other, both = np.zeros((rows, 1)), np.zeros((rows, rho.shape[1])), np.zeros((rows, rho.shape[1]))
            for age in range(window):
                off = returns[age : age + rows] - centre[window - 1 :]
                x, y = off[:, i : i + 1], off[:, i + 1 :]
                own += x * x
                other += y * y
                both += x * y
            rho[window - 1 :] = ratio(both, root(own) * root(other))
        yield rho


def _average(pairs: Iterator[Floats], returns: Floats, weights: Floats | None) -> Floats:
    """Average over the pairs that are known, weighted by the product of their assets' weights."""
    weight = [1.0] * returns.shape[1] if weights is None else weights.tolist()
    total, mass = np.zeros(len(returns)), np.zeros(len(returns))
    for i, rho in enumerate(pairs):
        for j in range(rho.shape[1]):
            known = ~np.isnan(rho[:, j])
            share = weight[i] * weight[i + 1 + j]
            total += np.where(known, share * np.clip(rho[:, j], -1.0, 1.0), 0.0)
            mass += np.where(known, share, 0.0)
    return ratio(total, mass)
