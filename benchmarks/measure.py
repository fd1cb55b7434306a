"""Times taken in turn, and what is said of them: the machine is noisy, so a figure is a ratio of neighbours in time.

in_turn    every job, one after the other, so many rounds; a short job is repeated within a sample
Row        one figure: its least, median and largest of the rounds, and the bar that it is held against
Table      rows by group, in the order of measuring; a ratio of results that differ is refused and kept as such
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.bars import BARS, Bar

Job = Callable[[], Any]
SAMPLE: Final = 0.01  # seconds that a sample lasts at least
_SLOW: Final = 1.0  # seconds of a call that is not repeated
TOLERANCE: Final = 1e-9  # relative, of the value at any bar, against a library that adds in another order


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its range over the rounds; ``of_least`` is the ratio of both least times, where it is a ratio."""

    key: str
    group: str
    what: str
    unit: str
    least: float
    median: float
    largest: float
    of_least: float | None = None
    note: str = ""

    @property
    def bar(self) -> Bar | None:
        """What the figure is held against; None where it is only told."""
        return BARS.get(self.key)


@dataclass(slots=True)
class Table:
    """What was measured: rows, and the ratios that were refused."""

    rows: list[Row] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    group: str = ""
    tell: Callable[[str], None] = lambda _: None

    def begin(self, group: str) -> None:
        """The rows that follow belong to ``group``."""
        self.group = group
        self.tell(group)

    def put(self, key: str, what: str, unit: str, values: Sequence[float], **more: Any) -> None:
        """A row of the values of all rounds."""
        ends = min(values), statistics.median(values), max(values)
        self.rows.append(Row(key, self.group, what, unit, *(float(value) for value in ends), **more))

    def ratio(self, key: str, what: str, over: Sequence[float], under: Sequence[float], note: str = "") -> None:
        """A row of the ratio of two jobs' times, round by round."""
        pairs = [a / b for a, b in zip(over, under, strict=True)]
        self.put(key, what, "x", pairs, of_least=min(over) / min(under), note=note)

    def refuse(self, key: str, what: str, why: str) -> None:
        """No ratio: the results differ."""
        self.refused.append({"key": key, "group": self.group, "what": what, "why": why})

    def record(self) -> dict[str, Any]:
        """Everything as JSON, each row with its bar and whether it is met."""
        rows = []
        for row in self.rows:
            bar = {} if row.bar is None else {**row.bar.record(), "met": row.bar.met(row.median)}
            rows.append(asdict(row) | bar)
        return {"rows": rows, "refused": self.refused}


def in_turn(
    jobs: Mapping[str, Job], rounds: int, clock: Callable[[], float] = time.process_time, sample: float = SAMPLE
) -> dict[str, list[float]]:
    """Seconds of every job by ``clock`` (CPU time unless told otherwise), the jobs one after the other, so many rounds.

    A first call of each is not counted: it may compile. The second, where the first was short, says how often a job is
    repeated within a sample.
    """
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    repeats = dict.fromkeys(jobs, 1)
    for name, job in jobs.items():
        if _once(job, 1, clock) < _SLOW:
            repeats[name] = max(1, int(sample / max(_once(job, 1, clock), 1e-7)))
    for _ in range(rounds):
        for name, job in jobs.items():
            taken[name].append(_once(job, repeats[name], clock))
    return taken


def _once(job: Job, repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        job()
    return (clock() - start) / repeats


def exponents(sizes: Sequence[float], taken: Sequence[Sequence[float]]) -> list[float]:
    """Slope of log time over log size in every round (1 is linear): ``taken`` [sizes][rounds]."""
    logs = np.log(np.asarray(sizes, dtype=float))
    return [float(np.polyfit(logs, np.log([times[i] for times in taken]), 1)[0]) for i in range(len(taken[0]))]


def farthest(one: Any, other: Any) -> float:
    """Largest relative difference of two curves; inf where their lengths differ or a value is not finite."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    larger = np.maximum(np.abs(one), np.abs(other))
    return float(np.max(np.abs(one - other) / np.where(larger > 0.0, larger, 1.0), initial=0.0))
