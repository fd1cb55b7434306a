"""Which settings a search asks for: the same ones whatever happens around it."""

from __future__ import annotations

import math

import pytest

from hedgerow.errors import ConfigError
from hedgerow.research.search import FAILED, Batches, batches, planned
from hedgerow.research.vary import Axis, Space


def space(*sizes: int, words: int = 0) -> Space:
    axes = [Axis(f"n{i}", tuple(map(str, range(s))), tuple(map(float, range(s)))) for i, s in enumerate(sizes)]
    axes += [Axis(f"w{i}", ("yes", "no"), None) for i in range(words)]
    return Space(tuple(axes))


def asked(search: Batches, where: Space) -> list[int]:
    """All settings in the order of asking; the score is highest at the middle of every axis, and one setting fails."""

    def score(setting: int) -> float:
        places = where.at(setting)
        if setting == 5:
            return math.nan
        return -sum((place - len(axis.values) // 2) ** 2 for axis, place in zip(where.axes, places, strict=True))

    found: list[int] = []
    batch = next(search, None)
    while batch is not None:
        found += batch
        try:
            batch = search.send([score(setting) for setting in batch])
        except StopIteration:
            batch = None
    return found


def test_a_grid_asks_for_everything_once() -> None:
    where = space(9, 8, words=1)
    assert asked(batches(where, "grid", None, 0), where) == list(range(144))
    assert planned(where, "grid", None) == 144


def test_a_grid_that_is_too_large_says_how_to_go_on() -> None:
    with pytest.raises(ConfigError, match=r"10,201 combinations.*--search random --trials N.*--trials 10201"):
        batches(space(101, 101), "grid", None, 0)
    where = space(101, 101)
    assert len(asked(batches(where, "grid", 20_000, 0), where)) == 10_201


def test_a_draw_has_no_setting_twice_and_begins_as_a_shorter_one() -> None:
    where = space(20, 20)
    long, short = (asked(batches(where, "random", n, 3), where) for n in (300, 50))
    assert len(set(long)) == 300
    assert long[:50] == short
    assert asked(batches(where, "random", 50, 4), where) != short
    assert sorted(asked(batches(where, "random", 1_000, 3), where)) == list(range(400))
    huge = space(*[10_000] * 4)
    assert len(set(asked(batches(huge, "random", 70, 1), huge))) == 70


@pytest.mark.parametrize("kind", ["tpe", "cmaes"])
def test_an_optimiser_asks_the_same_again_and_gets_better(kind: str) -> None:
    pytest.importorskip("optuna")
    where = space(41, 41)
    found = asked(batches(where, kind, 96, 7), where)
    assert found == asked(batches(where, kind, 96, 7), where)
    assert len(found) == 96
    away = [sum(abs(place - 20) for place in where.at(setting)) for setting in found]
    assert sum(away[-32:]) < sum(away[:32])
    assert FAILED < -1e9


def test_what_an_optimiser_cannot_move_is_refused() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(ConfigError, match="w0 is none"):
        batches(space(5, 5, words=1), "cmaes", None, 0)
    with pytest.raises(ConfigError, match="two keys"):
        batches(space(5), "cmaes", None, 0)
    where = space(5, words=1)
    assert len(asked(batches(where, "tpe", 10, 0), where)) == 10


def test_an_optimiser_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"pip install .hedgerow\[search\]"):
        batches(space(5, 5), "tpe", None, 0)


@pytest.mark.parametrize(("kind", "trials", "words"), [("grit", None, "no search"), ("random", 0, "--trials")])
def test_what_is_no_search_is_refused(kind: str, trials: int | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        batches(space(3), kind, trials, 0)
