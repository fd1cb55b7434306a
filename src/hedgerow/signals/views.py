"""Views: dated items of people and calendars, and what they ask of the hedge while they live (domain 2A-15)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hedgerow.model.market import Floats, Ints
from hedgerow.units import NS_PER_DAY

KINDS: Final = ("regulatory", "macro", "geopolitical", "exchange_failure", "external_analysis", "catalyst")
LIFE_NS: Final = 7 * NS_PER_DAY
LEAST_RATIO: Final = {1: 0.0, 2: 0.5, 3: 0.75}  # severity -> least hedge ratio; severity 1 adds a rung instead


@dataclass(frozen=True, slots=True)
class View:
    """One item. It acts on days that close at or after ``date_ns`` (when it was known) and before its expiry.

    ``expiry_ns``: 7 days after the date by default. ``assets``: () for all. ``hedge_ratio``: asks for at least this
    ratio, a fraction, in place of what the severity asks for. ``venue``: the exchange that failed; "" means the one
    that holds the hedge. A catalyst's date is when it happens; it has no severity.
    """

    date_ns: int
    kind: str
    severity: int = 1
    source: str = ""
    expiry_ns: int | None = None
    assets: tuple[str, ...] = ()
    hedge_ratio: float | None = None
    venue: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'a view has no kind "{self.kind}"; write one of {", ".join(KINDS)}')
        if self.severity not in LEAST_RATIO:
            raise ValueError(f"a view's severity is 1, 2 or 3, not {self.severity}")
        if self.hedge_ratio is not None and not (math.isfinite(self.hedge_ratio) and 0.0 <= self.hedge_ratio <= 1.0):
            raise ValueError(f"a view's hedge ratio lies between 0 % and 100 %, not at {self.hedge_ratio}")
        if self.expiry_ns is not None and self.expiry_ns <= self.date_ns:
            raise ValueError("a view expires after its date, not before")

    @property
    def until_ns(self) -> int:
        """The first instant at which it no longer acts."""
        return self.date_ns + LIFE_NS if self.expiry_ns is None else self.expiry_ns


def columns(views: Sequence[View], days_ns: Ints, assets: tuple[str, ...], hedge_venue: str = "") -> dict[str, Floats]:
    """``view_rungs``, ``view_ratio``, ``venue_failure`` and ``catalyst_passed``, each [D, A]; all 0 without views.

    Severity 1 adds one rung (several add up), 2 asks for at least 50 %, 3 for 75 %. A failure of the venue that holds
    the hedge adds no hedge there: it sets ``venue_failure``. A failure elsewhere acts by its severity. A catalyst
    marks the close of the day on which it happened, and nothing else.
    """
    shape = (len(days_ns), len(assets))
    rungs, least, failure, passed = (np.zeros(shape) for _ in range(4))
    close_ns = days_ns + NS_PER_DAY
    for view in views:
        live = ((close_ns >= view.date_ns) & (close_ns < view.until_ns)).astype(np.float64)
        at = [i for i, asset in enumerate(assets) if not view.assets or asset in view.assets]
        here = not view.venue or not hedge_venue or view.venue.casefold() == hedge_venue.casefold()
        for a in at:
            if view.kind == "catalyst":
                happened = (days_ns <= view.date_ns) & (view.date_ns < close_ns)
                passed[:, a] = np.maximum(passed[:, a], happened.astype(np.float64))
            elif view.kind == "exchange_failure" and here:
                failure[:, a] = np.maximum(failure[:, a], live)
            elif view.hedge_ratio is not None:
                least[:, a] = np.maximum(least[:, a], view.hedge_ratio * live)
            elif view.severity == 1:
                rungs[:, a] += live
            else:
                least[:, a] = np.maximum(least[:, a], LEAST_RATIO[view.severity] * live)
    return {"view_rungs": rungs, "view_ratio": least, "venue_failure": failure, "catalyst_passed": passed}
