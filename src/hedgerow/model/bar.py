"""What the engine sees of the market: prices at which it could trade, bars that closed, days that completed.

Arrays lie in the order of the universe that the journal's first row states; NaN is unknown. All are conflated to the step of
decision before the engine sees them, so the journal holds what was decided upon.
"""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.model.market import Bytes, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Prices of a moment [I], quote; NaN where an instrument cannot be traded now.

    ``depth`` [I] is what can be taken within the collar on one side, quote (inf: not known, and not asked).
    """

    at_ns: int
    price: Floats
    depth: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """A step of the axis that closed at ``at_ns`` and opened at ``open_ns``, [I] each, as ``model.market.Market`` has them.

    ``high`` is the highest mark (``research.bars.marked_highs``), ``funding`` the sum of the rates stamped at the opening.
    """

    at_ns: int
    open_ns: int
    open: Floats
    high: Floats
    close: Floats
    fresh: Bytes
    funding: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A day that completed: what ``model.market.Daily`` has in its row, by field. [A], [A, K] or a single value.

    ``decide`` is False for a day that is past when it comes: the regime sees it, and nothing is planned on it.
    """

    at_ns: int
    day_ns: int
    decide: bool
    values: dict[str, Floats]
