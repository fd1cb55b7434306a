"""Which settings a sweep tries, and in which order: all, some by lot, or those that earlier ones make promising.

A search is a generator of batches: it yields settings and is sent their scores (higher is better, NaN where there is
none). It depends on nothing but its seed and the scores, never on time or on the number of workers, so a sweep that is
run again asks the same questions.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any, Final, Literal, TypeAlias, get_args

from hedgerow.errors import ConfigError
from hedgerow.research.vary import OPTION, Axis, Space

Kind = Literal["grid", "random", "tpe", "cmaes"]
KINDS: Final = get_args(Kind)
# what a sweep may look for, and whether more of it is better; falls are negative, so more is less of a fall
OBJECTIVES: Final = {
    "sharpe": 1, "sortino": 1, "calmar": 1, "cagr": 1, "value": 1, "max_drawdown": 1, "cvar_95": 1, "volatility": -1,
    "ulcer": -1, "cost_per_year": -1,
}  # fmt: skip
GRID: Final = 10_000  # combinations that a grid tries without being told so
TRIALS: Final = 100  # settings that any other search tries
BATCH: Final = (
    4_096  # settings of grid and random at once; between batches a crew of many threads waits for the last one
)
ASKED: Final = 8  # settings that tpe and cmaes choose at once, whatever the number of workers
FAILED: Final = -1e30  # what they are told of a setting without a score: they go by rank alone

Batches: TypeAlias = Generator[list[int], list[float], None]


def batches(space: Space, kind: str, trials: int | None, seed: int) -> Batches:
    """The batches of a search. Raises ConfigError where it cannot be made, before the first one."""
    if kind not in KINDS:
        raise ConfigError(f'there is no search "{kind}"', where="--search", fix=f"Choose one of {', '.join(KINDS)}.")
    if trials is not None and trials < 1:
        raise ConfigError(f"{trials} trials are none", where="--trials", fix="Write a number of 1 or more.")
    if kind == "grid":
        return _chunks(iter(range(_whole(space, trials))))
    if kind == "random":
        return _chunks(islice(_drawn(space.size, seed), trials or TRIALS))
    return _asked(_study(space, kind, seed), space, trials or TRIALS)


def check_objective(name: str) -> None:
    """Raise ConfigError where ``name`` is none of ``OBJECTIVES``."""
    if name not in OBJECTIVES:
        fix = f"Choose one of {', '.join(OBJECTIVES)}."
        raise ConfigError(f'there is no objective "{name}"', where="--objective", fix=fix)


def planned(space: Space, kind: str, trials: int | None) -> int:
    """How many settings a search tries at most."""
    return space.size if kind == "grid" else min(space.size, trials or TRIALS)


def _whole(space: Space, trials: int | None) -> int:
    limit = GRID if trials is None else trials
    if space.size > limit:
        message = f"{space.size:,} combinations are more than {limit:,}"
        fix = f"Take larger steps or fewer keys, or --search random --trials N, or allow them: --trials {space.size}."
        raise ConfigError(message, where=OPTION, fix=fix)
    return space.size


def _chunks(settings: Iterator[int]) -> Batches:
    while batch := list(islice(settings, BATCH)):
        yield batch


def _drawn(size: int, seed: int) -> Iterator[int]:
    """Settings by lot, none twice; a longer draw begins as the shorter one did."""
    lots, moved = random.Random(seed), dict[int, int]()  # noqa: S311 (a search, no secret)
    for i in range(size):  # Fisher and Yates, of which only what moved is kept
        j = lots.randrange(i, size)
        yield moved.get(j, j)
        here = moved.pop(i, i)
        if j != i:
            moved[j] = here


def _study(space: Space, kind: str, seed: int) -> Any:
    """An optimiser of optuna, in memory. Raises ConfigError where it is not installed or the keys do not suit it."""
    try:
        import optuna
    except ImportError:
        fix = 'Install it, pip install "hedgerow[search]", or choose grid or random.'
        raise ConfigError(f"{kind} needs optuna, which is not installed", where="--search", fix=fix) from None
    import warnings

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if kind == "tpe":
            sampler: Any = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        else:
            moving = [axis for axis in space.axes if len(axis.values) > 1]
            words = [axis.key for axis in moving if axis.numbers is None]
            if words or len(moving) < 2:
                message = f"cmaes moves numbers, and {words[0]} is none" if words else "cmaes needs two keys or more"
                raise ConfigError(message, where="--search", fix="Choose tpe, or other keys.")
            try:
                import cmaes  # noqa: F401 (optuna imports it late, and says less)
            except ImportError:
                fix = 'Install it: pip install "hedgerow[search]".'
                raise ConfigError("cmaes is not installed", where="--search", fix=fix) from None
            sampler = optuna.samplers.CmaEsSampler(seed=seed, popsize=ASKED, warn_independent_sampling=False)
    return optuna.create_study(sampler=sampler, direction="maximize")


def _asked(study: Any, space: Space, trials: int) -> Batches:
    """Ask for a few settings at once, and tell their scores in the order in which they were asked."""
    import optuna

    def choices(axis: Axis) -> Any:
        if axis.numbers is None:
            return optuna.distributions.CategoricalDistribution(range(len(axis.values)))
        return optuna.distributions.IntDistribution(0, len(axis.values) - 1)

    wanted = {axis.key: choices(axis) for axis in space.axes}
    for begun in range(0, trials, ASKED):
        asked = [study.ask(wanted) for _ in range(min(ASKED, trials - begun))]
        scores = yield [space.setting([one.params[axis.key] for axis in space.axes]) for one in asked]
        for one, score in zip(asked, scores, strict=True):
            study.tell(one, score if score == score else FAILED)
