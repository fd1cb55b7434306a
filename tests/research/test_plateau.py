"""How far the best carries: worse, the edge of what was asked for, or not known."""

from __future__ import annotations

import math

import pytest

from hedgerow.research.plateau import plateaus
from hedgerow.research.vary import Axis, Space

NUMBERS = Axis("n", ("1", "2", "3", "4", "5"), (1.0, 2.0, 3.0, 4.0, 5.0))
WORDS = Axis("w", ("a", "b", "c"), None)


@pytest.mark.parametrize(
    ("scores", "values", "ends"),
    [
        ([0.5, 0.96, 1.0, 0.97, 0.5], ("2", "3", "4"), ("worse", "worse")),
        ([0.96, 0.96, 1.0, 0.97, 0.99], ("1", "2", "3", "4", "5"), ("edge", "edge")),
        ([0.99, 0.94, 1.0, None, 0.99], ("3",), ("worse", "unknown")),
        ([0.99, math.nan, 1.0, 0.95, 0.949], ("3", "4"), ("worse", "worse")),
        ([-1.2, -1.04, -1.0, -1.05, None], ("2", "3", "4"), ("worse", "unknown")),
    ],
)
def test_a_plateau_of_numbers(scores: list[float | None], values: tuple[str, ...], ends: tuple[str, str]) -> None:
    (one,) = plateaus(Space((NUMBERS,)), 2, lambda setting: scores[setting], 0.05)
    assert (one.values, (one.low_end, one.high_end)) == (values, ends)
    assert one.tried == sum(score is not None for score in scores)


def test_the_other_keys_stay_at_their_best() -> None:
    space = Space((NUMBERS, WORDS))
    known = {(2, 0): 1.0, (2, 1): 0.99, (1, 0): 0.98, (1, 1): 0.1, (3, 1): 2.0}
    found = plateaus(space, space.setting((2, 0)), lambda setting: known.get(space.at(setting)), 0.05)
    assert [(one.key, one.values, one.low_end, one.high_end) for one in found] == [
        ("n", ("2", "3"), "unknown", "unknown"),
        ("w", ("a", "b"), "unknown", "unknown"),
    ]
    assert [one.ordered for one in found] == [True, False]


def test_a_best_that_was_not_tried_is_a_defect() -> None:
    with pytest.raises(ValueError, match="not tried"):
        plateaus(Space((NUMBERS,)), 2, lambda _: None, 0.05)
