"""The world outside: changes of published series. Publication lags are the store's; row d is known at d's close."""

from __future__ import annotations

from typing import Final

from hedgerow.model.market import Floats
from hedgerow.signals.rolling import ratio, shifted

DOLLAR_DAYS: Final = 20
RATE_DAYS: Final = 30


def relative_change(index: Floats, days: int = DOLLAR_DAYS) -> Floats:
    """An index over its value of so many days earlier, less 1, a fraction [D]."""
    return ratio(index, shifted(index, days)) - 1.0


def difference(rate: Floats, days: int = RATE_DAYS) -> Floats:
    """A rate (fraction per year, [D]) less its value of so many days earlier."""
    return rate - shifted(rate, days)
