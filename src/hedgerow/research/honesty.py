"""Checks that a result is not too good to be true (domain 4.10)."""

from __future__ import annotations

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
