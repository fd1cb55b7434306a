"""Checks that a result is not too good to be true (domain 4.6, 4.10)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow.ledger.deflated import expected_maximum
from hedgerow.ledger.statistics import metrics
from hedgerow.model.report import Run

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


def luck(ratios: Sequence[float]) -> float:
    """What the best of so many Sharpe ratios is expected to lie above their mean if none is better than another.

    The expected maximum of as many independent draws with the ratios' own deviation (n - 1); settings that resemble each
    other count as fewer, so it is an upper bound. NaN for fewer than two.
    """
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    if len(known) < 2:
        return math.nan
    mean = math.fsum(known) / len(known)
    variance = math.fsum((ratio - mean) ** 2 for ratio in known) / (len(known) - 1)
    return math.sqrt(variance) * expected_maximum(float(len(known)))
