"""What a Sharpe ratio is worth after a search: the best of many trials without skill has a good one too.

Ratios are per period (a day's mean over a day's deviation), not per year; ``kurtosis`` is raw, 3 for a normal.
Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio (2014); domain 4.6; goldens G-47 and G-49.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

EULER: Final = 0.5772156649015329  # Euler and Mascheroni's constant
NORMAL: Final = NormalDist()


def expected_maximum(trials: float) -> float:
    """Expected maximum of so many independent standard normals, by the paper's formula (2 % high at 10); never below 0.

    ``trials`` may be a fraction: correlated trials count as fewer independent ones.
    """
    if not trials > 1.0:
        return 0.0
    upper = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    return max(0.0, (1.0 - EULER) * upper + EULER * NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e)))


def probable_sharpe(ratio: float, threshold: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probability that the true ratio exceeds ``threshold``, seen ``ratio`` over ``periods`` returns; NaN where the
    moments leave no variance or there are fewer than two returns.
    """
    variance = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    if not variance > 0.0 or periods < 2:
        return math.nan
    return NORMAL.cdf((ratio - threshold) * math.sqrt((periods - 1) / variance))


def deflated_sharpe(
    ratio: float, trials: float, variance: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """``probable_sharpe`` against the ratio that the best of ``trials`` without skill is expected to show.

    ``variance`` is that of the trials' ratios, per period.
    """
    return probable_sharpe(ratio, math.sqrt(variance) * expected_maximum(trials), periods, skew, kurtosis)
