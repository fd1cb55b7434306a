"""Checks that a result is not too good to be true (domain 4.6, 4.10)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow.ledger.deflated import deflated_sharpe, expected_maximum
from hedgerow.ledger.statistics import metrics, path_of, returns_of, shape
from hedgerow.model.report import Run
from hedgerow.units import DAYS_PER_YEAR

CHEATING_SHARPE = 5.0  # no known daily policy reaches it net of costs; one that sees tomorrow does


def implausible(run: Run) -> str:
    """A sentence that says why the run cannot be trusted; empty where nothing speaks against it."""
    found = metrics(run)["sharpe"]
    if isinstance(found, float) and found > CHEATING_SHARPE:
        return (
            f"a Sharpe ratio of {found:.1f} is not plausible: the policy, a measure or a file of the data probably knows "
            "the future"
        )
    return ""


def luck(ratios: Sequence[float], trials: int | None = None) -> float:
    """What the best of so many Sharpe ratios is expected to lie above their mean if none is better than another.

    The expected maximum of ``trials`` independent draws (as many as there are ratios, unless said otherwise) with the
    ratios' own deviation (n - 1); settings that resemble each other count as fewer, so it is an upper bound. NaN for
    fewer than two ratios.
    """
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    if len(known) < 2:
        return math.nan
    return math.sqrt(_variance(known)) * expected_maximum(float(len(known) if trials is None else trials))


def deflated(run: Run, ratios: Sequence[float], trials: int) -> float:
    """The deflated Sharpe ratio of a run that was chosen from ``trials``: the probability that its true ratio exceeds
    ``luck(ratios, trials)``, what the best of them shows where none has skill. ``ratios``: finite ones of trials, a year.

    NaN where the run has no ratio or there are fewer than two to compare with.
    """
    ratio, skew, kurtosis, count = shape(returns_of(path_of(run)))
    if math.isnan(ratio) or len(ratios) < 2:
        return math.nan
    return deflated_sharpe(ratio, float(trials), _variance(ratios) / DAYS_PER_YEAR, count, skew, kurtosis)


def _variance(ratios: Sequence[float]) -> float:
    mean = math.fsum(ratios) / len(ratios)
    return math.fsum((ratio - mean) ** 2 for ratio in ratios) / (len(ratios) - 1)
