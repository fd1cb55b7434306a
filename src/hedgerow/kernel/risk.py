"""The risk of holding other net exposures than wanted: one common correlation, each asset's own volatility (domain 2.15)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.model.market import Floats
from hedgerow.model.measure import INDEX

_SIGMA: Final = INDEX["sigma_ewma"]
_RHO: Final = INDEX["correlation"]
_UNKNOWN_SIGMA: Final = 1.0  # a year
_UNKNOWN_RHO: Final = 0.8  # BTC-ETH and alts stand between .67 and .85 (domain 3.2)


@compiled
def sigma_of(measure: Floats, a: int) -> float:
    """Volatility of asset ``a``, a year; where it is not known, a high one."""
    sigma = measure[_SIGMA, a]
    return sigma if sigma >= 0.0 else _UNKNOWN_SIGMA


@compiled
def joint_risk(measure: Floats, squares: float, total: float) -> float:
    """e'Se with one common correlation r: (1-r) sum (s e)^2 + r (sum s e)^2, a year; from the two sums."""
    rho = measure[_RHO, 0]
    if np.isnan(rho):
        rho = _UNKNOWN_RHO
    return (1.0 - rho) * squares + rho * total * total


@compiled
def risk_sums(measure: Floats, x: Floats, row: int) -> tuple[float, float]:
    """The two sums of ``joint_risk`` over the errors in ``work.asset[row]``."""
    squares = 0.0
    total = 0.0
    for a in range(x.shape[1]):
        part = sigma_of(measure, a) * x[row, a]
        squares += part * part
        total += part
    return squares, total
