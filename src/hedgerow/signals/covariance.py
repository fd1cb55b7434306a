"""Covariance of a few assets by shrinkage, and what it says of concentration (domain 2.5). Compiled, explicit loops.

Returns are [T, A], all known. Ledoit and Wolf's constant-correlation target keeps the *level* of correlation and is the
one for allocation; the scaled identity pulls correlations to zero and stands here for comparison.
"""

from __future__ import annotations

import math

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.model.market import Floats


@entrance
def sample_covariance(returns: Floats) -> Floats:
    """Covariance [A, A] about the sample's mean, over T (as Ledoit and Wolf)."""
    days, assets = returns.shape
    mean = np.zeros(assets)
    for i in range(assets):
        for t in range(days):
            mean[i] += returns[t, i]
        mean[i] /= days
    out = np.zeros((assets, assets))
    for i in range(assets):
        for j in range(i + 1):
            total = 0.0
            for t in range(days):
                total += (returns[t, i] - mean[i]) * (returns[t, j] - mean[j])
            out[i, j] = total / days
            out[j, i] = out[i, j]
    return out


@compiled
def centred(returns: Floats) -> Floats:
    """Returns [T, A] less their mean over T."""
    days, assets = returns.shape
    out = np.zeros((days, assets))
    for i in range(assets):
        mean = 0.0
        for t in range(days):
            mean += returns[t, i]
        mean /= days
        for t in range(days):
            out[t, i] = returns[t, i] - mean
    return out


@entrance
def shrink_to_identity(returns: Floats) -> tuple[Floats, float]:
    """Ledoit and Wolf (2004a): covariance [A, A] shrunk to a scaled identity, and the intensity in [0, 1]."""
    x = centred(returns)
    days, assets = x.shape
    sample = sample_covariance(returns)
    mu = 0.0
    for i in range(assets):
        mu += sample[i, i] / assets
    squares = 0.0
    distance = 0.0
    for i in range(assets):
        for j in range(assets):
            squares += sample[i, j] * sample[i, j]
            off = sample[i, j] - (mu if i == j else 0.0)
            distance += off * off
    noise = 0.0
    for t in range(days):
        length = 0.0
        for i in range(assets):
            length += x[t, i] * x[t, i]
        noise += length * length
    noise = (noise / days - squares) / days
    intensity = 0.0
    if distance > 0.0:
        intensity = min(max(noise / distance, 0.0), 1.0)
    for i in range(assets):
        for j in range(assets):
            sample[i, j] = (1.0 - intensity) * sample[i, j] + (intensity * mu if i == j else 0.0)
    return sample, intensity


@entrance
def shrink_to_constant_correlation(returns: Floats) -> tuple[Floats, float]:
    """Ledoit and Wolf (2004b, "Honey, I shrunk the sample covariance matrix"): every correlation shrunk to their mean.

    Returns the covariance [A, A] and the intensity in [0, 1]; the sample itself and 0 if an asset did not move.
    """
    x = centred(returns)
    days, assets = x.shape
    sample = sample_covariance(returns)
    root = np.zeros(assets)
    for i in range(assets):
        root[i] = math.sqrt(sample[i, i])
        if root[i] == 0.0 or assets < 2:
            return sample, 0.0
    mean = 0.0
    for i in range(assets):
        for j in range(i):
            mean += sample[i, j] / (root[i] * root[j])
    mean *= 2.0 / (assets * (assets - 1))
    noise, shared, distance = _constant_correlation_terms(x, sample, root, mean)
    intensity = 0.0
    if distance > 0.0:
        intensity = min(max((noise - shared) / distance / days, 0.0), 1.0)
    for i in range(assets):
        for j in range(assets):
            if i != j:
                sample[i, j] = (1.0 - intensity) * sample[i, j] + intensity * mean * root[i] * root[j]
    return sample, intensity


@compiled
def _constant_correlation_terms(x: Floats, sample: Floats, root: Floats, mean: float) -> tuple[float, float, float]:
    """Pi, rho and gamma of the paper's appendix B."""
    days, assets = x.shape
    noise = 0.0
    shared = 0.0
    distance = 0.0
    for i in range(assets):
        for j in range(assets):
            pi = 0.0
            theta_i = 0.0
            theta_j = 0.0
            for t in range(days):
                off = x[t, i] * x[t, j] - sample[i, j]
                pi += off * off
                theta_i += (x[t, i] * x[t, i] - sample[i, i]) * off
                theta_j += (x[t, j] * x[t, j] - sample[j, j]) * off
            noise += pi / days
            if i == j:
                shared += pi / days
            else:
                shared += mean / 2.0 * (root[j] / root[i] * theta_i + root[i] / root[j] * theta_j) / days
                gap = mean * root[i] * root[j] - sample[i, j]
                distance += gap * gap
    return noise, shared, distance


@entrance
def correlation_of(covariance: Floats) -> Floats:
    """Correlations [A, A] of a covariance; 0 with an asset that did not move."""
    assets = len(covariance)
    out = np.zeros((assets, assets))
    for i in range(assets):
        for j in range(assets):
            scale = math.sqrt(covariance[i, i] * covariance[j, j])
            if i == j:
                out[i, j] = 1.0
            elif scale > 0.0:
                out[i, j] = covariance[i, j] / scale
    return out


@entrance
def average_correlation(correlation: Floats, weights: Floats) -> float:
    """Average of the pairs of a correlation matrix, weighted by w_i w_j; NaN without weight."""
    total = 0.0
    mass = 0.0
    for i in range(len(correlation)):
        for j in range(i):
            total += weights[i] * weights[j] * correlation[i, j]
            mass += weights[i] * weights[j]
    return total / mass if mass > 0.0 else np.nan


@entrance
def diversification_ratio(weights: Floats, covariance: Floats) -> float:
    """Weighted mean volatility over the portfolio's: 1 when all is one bet (Choueifaty and Coignard 2008)."""
    alone = 0.0
    together = 0.0
    for i in range(len(weights)):
        alone += weights[i] * math.sqrt(covariance[i, i])
        for j in range(len(weights)):
            together += weights[i] * weights[j] * covariance[i, j]
    return alone / math.sqrt(together) if together > 0.0 else np.nan


@entrance
def largest_eigenvalue_share(matrix: Floats) -> float:
    """Largest eigenvalue of a symmetric matrix over its trace, by Jacobi rotations: 1/A is diverse, 1 one bet."""
    a = matrix.copy()
    n = len(a)
    for _ in range(60):
        off = 0.0
        size = 0.0
        for p in range(n):
            size += a[p, p] * a[p, p]
            for q in range(p):
                off += a[p, q] * a[p, q]
        if off <= 1e-30 * size:
            break
        for p in range(n):
            for q in range(p):
                if a[p, q] != 0.0:
                    _rotate(a, p, q)
    largest = a[0, 0]
    trace = 0.0
    for p in range(n):
        largest = max(largest, a[p, p])
        trace += a[p, p]
    return largest / trace if trace > 0.0 else np.nan


@compiled
def _rotate(a: Floats, p: int, q: int) -> None:
    """One Jacobi rotation in place: makes ``a[p, q]`` zero."""
    theta = (a[q, q] - a[p, p]) / (2.0 * a[p, q])
    t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
    if theta < 0.0:
        t = -t
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    for k in range(len(a)):
        kp, kq = a[k, p], a[k, q]
        a[k, p] = c * kp - s * kq
        a[k, q] = s * kp + c * kq
    for k in range(len(a)):
        pk, qk = a[p, k], a[q, k]
        a[p, k] = c * pk - s * qk
        a[q, k] = s * pk + c * qk
