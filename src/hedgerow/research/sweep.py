"""One policy in many settings over one market: shared panels, threads over the compiled run, results as they come.

    Job (how a setting becomes a run)  x  search.batches  ->  Crew (who runs it)  ->  Sweep: what was tried, and its log

A trial is ``backtest.play`` with the policy that has those cells, so it is the single backtest bit for bit. Each thread
writes all its runs into the same blocks; of a run only its line in the log stays, and in memory what ranks it.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeAlias

import numpy as np

from hedgerow import __version__
from hedgerow.errors import ConfigError
from hedgerow.jit import source_key
from hedgerow.kernel import arrays as k
from hedgerow.kernel.rules import extra_measures
from hedgerow.ledger import statistics
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research.backtest import Blocks, Stage, backtest, play, run_of, told
from hedgerow.research.search import OBJECTIVES, Batches
from hedgerow.research.trials import Log
from hedgerow.research.vary import Build, Space

FIGURES: Final = (
    "value", "cagr", "volatility", "sharpe", "sharpe_se", "sortino", "max_drawdown", "max_drawdown_days", "calmar",
    "cvar_95", "ulcer", "turnover_spot", "turnover_futures", "fees", "slippage", "funding", "cost_per_year",
    "mean_hedge_ratio", "h_intended", "margin_capped_days", "min_liquidation_distance", "liquidations", "legs",
    "refusals",
)  # fmt: skip
# beside what ``source_key`` reads: the sources that ``engine`` tells apart
_SOURCES: Final = (
    "units.py", "model/*.py", "policies/__init__.py", "ledger/statistics.py",
    *(f"research/{name}.py" for name in ("backtest", "bars", "sweep", "vary")),
)  # fmt: skip
AHEAD: Final = 2  # tasks that a thread has waiting
LOOK: Final = 1.0  # seconds after which a crew is asked how many it is, though nothing has ended

Line: TypeAlias = dict[str, Any]  # of a trial: cells, metrics or error, seconds
Tell = Callable[[int, int], None]  # trials done, and how many of them were read from the log


@dataclass(slots=True)
class Job:
    """How a setting becomes a run: cells -> policy -> signals, weights; the signals of each set of measures are made once."""

    build: Build
    stage: Callable[[Sequence[Policy]], Stage]
    weights: Callable[[Policy], Mapping[str, float]]
    capital: float
    _stages: dict[tuple[str, ...], Stage] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def stage_for(self, policy: Policy) -> Stage:
        """The stage whose signals are those that ``policy`` reads."""
        measures = extra_measures(policy)
        with self._making:
            if measures not in self._stages:
                self._stages[measures] = self.stage([policy])
            return self._stages[measures]

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: the same with all stages that were made, and a lock of its own."""
        return Job, (self.build, self.stage, self.weights, self.capital, self._stages)

    def run(self, cells: Mapping[str, str]) -> Run:
        """The whole run of a setting, with its equity, legs and reasons."""
        policy = self.build(cells)
        return backtest(policy, self.stage_for(policy), capital=self.capital, weights=self.weights(policy))

    def figures(self, cells: Mapping[str, str], blocks: Blocks) -> dict[str, Any]:
        """``FIGURES`` of a setting, run into ``blocks``. Raises ConfigError where the cells make no policy."""
        policy = self.build(cells)
        stage = self.stage_for(policy)
        traces = play(policy, stage, blocks, capital=self.capital, weights=self.weights(policy))
        run = run_of(policy, stage, blocks, traces, capital=self.capital)
        refused = traces.log[told(traces.log), k.L_REFUSAL] != 0.0
        return figures_of(run, legs=int((~refused).sum()), refusals=int(refused.sum()))


def figures_of(run: Run, *, legs: int, refusals: int) -> dict[str, Any]:
    """``FIGURES`` of a run that had so many legs and refusals; None where one is not defined."""
    counts = {"value": float(run.nav[-1]), "legs": legs, "refusals": refusals}
    found = statistics.brief(run) | counts
    return {name: found[name] for name in FIGURES}


class Sweep:
    """What a sweep has tried so far: of each setting what ranks it and where the log has the rest, some 50 bytes.

    A setting that the log has from an earlier time is known, and becomes a trial when it is asked for. Trials are
    numbered in the order of asking.
    """

    def __init__(self, space: Space, objective: str, log: Log) -> None:
        self.space, self.objective, self.log = space, objective, log
        self._setting = array("q")  # of each row
        self._place = array("q")  # of its line in the log; 0: not known yet; below 0: the line there is of a failure
        self._value, self._sharpe = array("d"), array("d")  # of the objective; NaN: not defined
        self._entered = array("b")  # whether it is a trial
        self._sorted = array("q")  # rows in the order of their settings
        self._trial = array("q")  # row of each trial, by its number

    def __len__(self) -> int:
        return len(self._trial)

    def _find(self, setting: int) -> int | None:
        at = bisect_left(self._sorted, setting, key=self._setting.__getitem__)
        row = self._sorted[at] if at < len(self._sorted) else None
        return row if row is not None and self._setting[row] == setting else None

    def _add(self, setting: int) -> int:
        row = self._find(setting)
        if row is None:
            row = len(self._setting)
            self._sorted.insert(bisect_left(self._sorted, setting, key=self._setting.__getitem__), row)
            for column, value in ((self._setting, setting), (self._place, 0), (self._entered, 0)):
                column.append(value)
            for figures in (self._value, self._sharpe):
                figures.append(math.nan)
        return row

    def put(self, setting: int, place: int, line: Line) -> None:
        """Keep what a setting gave: of its line, which the log has at ``place``, what ranks it."""
        row, metrics = self._add(setting), line.get("metrics") or {}
        self._place[row] = -place if "error" in line else place
        for figures, name in ((self._value, self.objective), (self._sharpe, "sharpe")):
            figures[row] = math.nan if metrics.get(name) is None else metrics[name]

    def enter(self, setting: int) -> tuple[int, bool] | None:
        """Make a setting the next trial: its number, and whether the log knows it. None where it is one already."""
        row = self._add(setting)
        if self._entered[row]:
            return None
        self._entered[row] = 1
        self._trial.append(row)
        return len(self) - 1, self._place[row] != 0

    def setting(self, number: int) -> int:
        """The setting of a trial."""
        return self._setting[self._trial[number]]

    def lines(self) -> Iterator[Line]:
        """The lines of all trials, by their numbers, from the log. Raises StoreError."""
        return self.log.lines(abs(self._place[row]) for row in self._trial)

    def line(self, number: int) -> Line:
        """The line of a trial, from the log. Raises StoreError."""
        return next(self.log.lines([abs(self._place[self._trial[number]])]))

    def figures(self, number: int) -> dict[str, float | int | None]:
        """All figures of a trial, from the log; None where one is not defined."""
        return shown(self.line(number))

    def failed(self) -> list[int]:
        """Numbers of trials whose cells made no policy; their lines have the error."""
        return [int(number) for number in np.flatnonzero(self._of_trials(self._place) < 0)]

    def value(self, number: int) -> float:
        """The objective of a trial, as the figure is written; NaN where it is not defined."""
        return self._value[self._trial[number]]

    def sharpes(self) -> list[float]:
        """The Sharpe ratios that are defined, by the numbers of their trials."""
        found = self._of_trials(self._sharpe)
        return [float(ratio) for ratio in found[np.isfinite(found)]]

    def score(self, setting: int) -> float | None:
        """How good a setting is, higher is better; NaN where it failed or the figure is not defined, None where not tried."""
        row = self._find(setting)
        return None if row is None or not self._entered[row] else OBJECTIVES[self.objective] * self._value[row]

    def ranked(self, most: int | None = None) -> list[int]:
        """Numbers of trials, the best first; equal ones in the order of asking, failures left out."""
        scores = -OBJECTIVES[self.objective] * self._of_trials(self._value)
        known = int(np.count_nonzero(~np.isnan(scores)))
        order = np.argsort(scores, kind="stable")[:known][:most]
        return [int(number) for number in order]

    def _of_trials(self, column: array[Any]) -> Any:
        return np.array(column)[np.array(self._trial, np.int64)]


def shown(line: Mapping[str, Any]) -> dict[str, float | int | None]:
    """All figures that a line has; None where one is not defined."""
    metrics = line.get("metrics") or {}
    return {name: metrics.get(name) for name in FIGURES}


class Crew(Protocol):
    """Who runs the settings that are asked for: the threads of this process, or of a cluster."""

    @property
    def lasting(self) -> float:
        """Seconds that a task should take: what comes from far away is asked for in larger pieces."""
        ...

    @property
    def last(self) -> int:
        """How many threads there were when they were last counted; nobody is waited for."""
        ...

    def threads(self) -> int:
        """How many there are now, at least 1: waits for the first. Raises ConfigError where none is left."""
        ...

    def submit(self, settings: Sequence[int]) -> Future[Any]:
        """Let some thread run the settings."""
        ...

    def lines(self, ended: Future[Any]) -> list[Line] | None:
        """The lines of the settings, in their order; None where the task was lost. Raises what a run raises."""
        ...


class Threads:
    """The crew of one process: ``workers`` threads, each with blocks of its own."""

    lasting: Final = 0.0

    def __init__(self, job: Job, space: Space, workers: int = 1) -> None:
        self._desk, self.last = Desk(job, space), workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sweep")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def threads(self) -> int:
        """As many as it was made with."""
        return self.last

    def submit(self, settings: Sequence[int]) -> Future[Any]:
        """As ``Crew``."""
        return self._pool.submit(self._desk.play, settings)

    def lines(self, ended: Future[Any]) -> list[Line] | None:
        """As ``Crew``; nothing is lost."""
        found: list[Line] = ended.result()
        return found


def sweep(result: Sweep, asked: Batches, crew: Crew, *, tell: Tell = lambda done, read: None) -> Sweep:
    """Try what the search asks for and write every trial down; what the log has is not run again.

    A setting that makes no policy is a trial that failed. Raises what the log raises; a defect in a run ends the sweep.
    """
    for place, line in result.log.known():
        result.put(result.space.find(line["cells"]), place, line)
    pace, read = _Pace(crew.lasting), 0
    batch = next(asked, None)
    while batch is not None:
        missing: dict[int, int] = {}  # setting -> number
        for setting in batch:
            entered = result.enter(setting)
            if entered is not None and entered[1]:
                read += 1
            elif entered is not None:
                missing[setting] = entered[0]
        done = len(result) - len(missing)
        tell(done, read)
        for setting, line in _played(crew, pace, list(missing)):
            place = result.log.add({"number": missing[setting], **line})
            result.put(setting, place, line)
            done += 1
            tell(done, read)
        scores = [math.nan if (score := result.score(setting)) is None else score for setting in batch]
        batch = _next(asked, scores)
    return result


def _next(asked: Batches, scores: list[float]) -> list[int] | None:
    try:
        return asked.send(scores)
    except StopIteration:
        return None


class Desk:
    """Where threads play: each has blocks of its own, which all its runs share."""

    def __init__(self, job: Job, space: Space) -> None:
        self.job, self.space, self._own = job, space, threading.local()

    def play(self, settings: Sequence[int]) -> list[Line]:
        """The lines of trials."""
        return [self._line(setting) for setting in settings]

    def _line(self, setting: int) -> Line:
        cells, begun = self.space.cells(setting), time.perf_counter()
        line: Line = {"cells": cells}
        try:
            if not hasattr(self._own, "blocks"):
                self._own.blocks = Blocks(self.job.stage_for(self.job.build({})))
            line["metrics"] = self.job.figures(cells, self._own.blocks)
        except ConfigError as error:
            line["error"] = {"message": error.message, "where": error.where, "fix": error.fix}
        line["seconds"] = round(time.perf_counter() - begun, 6)
        return line


class _Pace:
    """How many settings make a task of the wanted length, as the last ones went."""

    def __init__(self, lasting: float) -> None:
        self._lasting, self._each = lasting, math.inf

    def size(self, left: int, threads: int) -> int:
        """Of the next task: 1 as long as nothing is known, and no more than leaves work for every thread."""
        return max(1, min(int(self._lasting / self._each), left // threads))

    def learn(self, lines: list[Line]) -> None:
        """Hold what a task took."""
        self._each = max(1e-6, sum(line["seconds"] for line in lines) / len(lines))


def _played(crew: Crew, pace: _Pace, settings: Sequence[int]) -> Iterator[tuple[int, Line]]:
    """Lines of trials as they end. Only a few tasks are waiting at any time, and one that was lost is asked for again."""
    rest = deque(settings)
    running: dict[Future[Any], list[int]] = {}
    while rest or running:
        threads = crew.threads()
        while rest and len(running) < threads * AHEAD:
            some = [rest.popleft() for _ in range(pace.size(len(rest), threads))]
            running[crew.submit(some)] = some
        for one in wait(running, LOOK, FIRST_COMPLETED).done:
            some, lines = running.pop(one), crew.lines(one)
            if lines is None:
                rest.extendleft(reversed(some))
                continue
            pace.learn(lines)
            yield from zip(some, lines, strict=True)


def digest(stage: Stage) -> str:
    """A hash of everything that a run reads of the market: other data is another sweep."""
    found, market = hashlib.sha256(), stage.market
    for block in (market.open_ns, market.open, market.high, market.close, market.fresh, market.funding, market.day):
        found.update(block.tobytes())
    for signals in (stage.signals, stage.warm):
        found.update(signals.tobytes())
    found.update(repr(market.universe).encode("utf-8"))
    return found.hexdigest()[:16]


def engine() -> str:
    """The version of the rules that a trial follows: the package's, and a hash of the sources that make a policy of its cells
    and compute its figures.
    """
    found, package = hashlib.sha256(source_key().encode("ascii")), Path(__file__).parents[1]
    for pattern in _SOURCES:
        for path in sorted(package.glob(pattern)):
            found.update(path.read_bytes())
    return f"{__version__}-{found.hexdigest()[:12]}"
