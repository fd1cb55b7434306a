"""How far each key may move from the best setting before the result gets worse: a plateau is worth more than a peak."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hedgerow.research.vary import Space

End = Literal["worse", "edge", "unknown"]  # the next value was tried and is worse; there is none; it was not tried


@dataclass(frozen=True, slots=True)
class Plateau:
    """One key, all others at their best: the values around the best one that stay within the tolerance.

    ``low_end`` and ``high_end`` say why it ends there. For a key of words, which have no order, ``values`` are all that
    stay within it, and an end is "unknown" where some value was not tried.
    """

    key: str
    values: tuple[str, ...]
    low_end: End
    high_end: End
    ordered: bool  # numbers; words have no order
    tried: int  # values of this key that were tried with all others at the best


def plateaus(space: Space, best: int, score: Callable[[int], float | None], tolerance: float) -> list[Plateau]:
    """The plateau of each axis. ``score(setting)``: higher is better, None where not tried, NaN where it failed.

    A value is within the ``tolerance`` (a fraction) if its score is at most that share of the best one's size below it.
    """
    top = score(best)
    if top is None or math.isnan(top):
        raise ValueError("the best setting was not tried")
    least = top - tolerance * abs(top)
    places = space.at(best)
    found = []
    for i, axis in enumerate(space.axes):
        scores = [score(space.setting((*places[:i], p, *places[i + 1 :]))) for p in range(len(axis.values))]
        tried = sum(one is not None for one in scores)
        if axis.numbers is None:
            end: End = "unknown" if tried < len(scores) else "edge"
            inside = [v for v, one in zip(axis.values, scores, strict=True) if one is not None and one >= least]
            found.append(Plateau(axis.key, tuple(inside), end, end, False, tried))
            continue
        low, low_end = _reach(scores, places[i], -1, least)
        high, high_end = _reach(scores, places[i], 1, least)
        found.append(Plateau(axis.key, axis.values[low : high + 1], low_end, high_end, True, tried))
    return found


def _reach(scores: list[float | None], start: int, step: int, least: float) -> tuple[int, End]:
    """The last position from ``start`` on whose score, and that of all between, is at least ``least``."""
    at = start
    while 0 <= at + step < len(scores):
        one = scores[at + step]
        if one is None:
            return at, "unknown"
        if not one >= least:  # NaN: a failure
            return at, "worse"
        at += step
    return at, "edge"
