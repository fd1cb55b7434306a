"""One policy in many settings over one market: shared panels, threads over the compiled run, results as they come.

    Job (how a setting becomes a run)  x  search.batches  ->  Sweep: a row of figures for every setting tried

A trial is ``backtest.play`` with the policy that has those cells, so it is the single backtest bit for bit. Each worker
writes all its runs into the same blocks; of a run only ``FIGURES`` stay (8 bytes each) and its line in the log.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from hedgerow import __version__
from hedgerow.errors import ConfigError
from hedgerow.jit import source_key
from hedgerow.kernel import arrays as k
from hedgerow.kernel.rules import extra_measures
from hedgerow.ledger import statistics
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research import backtest as backtesting
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
COUNTS: Final = ("max_drawdown_days", "margin_capped_days", "liquidations", "legs", "refusals")
AHEAD: Final = 2  # runs a worker has waiting

Tell = Callable[[int, int], None]  # trials done, and how many of them were read from the log


@dataclass(slots=True)
class Job:
    """How a setting becomes a run: cells -> policy -> signals, weights; the signals of each set of measures are made once."""

    build: Build
    stage: Callable[[Policy], Stage]
    weights: Callable[[Policy], Mapping[str, float]]
    capital: float
    _stages: dict[tuple[str, ...], Stage] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def stage_for(self, policy: Policy) -> Stage:
        """The stage whose signals are those that ``policy`` reads."""
        measures = extra_measures(policy)
        with self._making:
            if measures not in self._stages:
                self._stages[measures] = self.stage(policy)
            return self._stages[measures]

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
        counts = {"legs": int((~refused).sum()), "refusals": int(refused.sum())}
        found = statistics.brief(run) | {"value": float(run.nav[-1])} | counts
        return {name: found[name] for name in FIGURES}


class Sweep:
    """What a sweep has tried so far: for each setting, in the order of asking, its figures or its error."""

    def __init__(self, space: Space, objective: str) -> None:
        self.space, self.objective = space, objective
        self.settings = array("q")  # of each trial, by its number
        self.errors: dict[int, dict[str, str]] = {}  # number -> message, where, fix
        self._figures = array("d")  # row by row; NaN: not defined
        self._number: dict[int, int] = {}  # setting -> number of its trial

    def __len__(self) -> int:
        return len(self.settings)

    def __contains__(self, setting: int) -> bool:
        return setting in self._number

    def enter(self, setting: int) -> int:
        """The number of a setting's trial, a new one where it has none."""
        number = self._number.setdefault(setting, len(self.settings))
        if number == len(self.settings):
            self.settings.append(setting)
            self._figures.extend([math.nan] * len(FIGURES))
        return number

    def put(self, number: int, figures: Mapping[str, Any] | None, error: Mapping[str, str] | None) -> None:
        """Write down what a trial gave."""
        if error is not None:
            self.errors[number] = dict(error)
        for i, name in enumerate(FIGURES):
            value = None if figures is None else figures.get(name)
            self._figures[number * len(FIGURES) + i] = math.nan if value is None else float(value)

    def figure(self, number: int, name: str) -> float:
        """A figure of a trial; NaN where it is not defined."""
        return self._figures[number * len(FIGURES) + FIGURES.index(name)]

    def figures(self, number: int) -> dict[str, float | int | None]:
        """All figures of a trial; None where one is not defined."""
        row = self._figures[number * len(FIGURES) : (number + 1) * len(FIGURES)]
        return {
            name: None if one != one else int(one) if name in COUNTS else one
            for name, one in zip(FIGURES, row, strict=True)
        }

    def score(self, setting: int) -> float | None:
        """How good a setting is, higher is better; NaN where it failed or the figure is not defined, None where not tried."""
        number = self._number.get(setting)
        return None if number is None else OBJECTIVES[self.objective] * self.figure(number, self.objective)

    def ranked(self, most: int | None = None) -> list[int]:
        """Numbers of trials, the best first; equal ones in the order of asking, failures left out."""
        sign = OBJECTIVES[self.objective]
        scored = ((-sign * self.figure(number, self.objective), number) for number in range(len(self)))
        return [number for _, number in islice(sorted(pair for pair in scored if pair[0] == pair[0]), most)]


def sweep(
    job: Job, result: Sweep, asked: Batches, log: Log, *, workers: int = 1, tell: Tell = lambda done, read: None
) -> Sweep:
    """Try what the search asks for and write every trial down; ``log.done`` is not run again.

    A setting that makes no policy is a trial that failed. Raises what the log raises; a defect in a run ends the sweep.
    """
    known = {result.space.find(line["cells"]): line for line in log.done}
    log.done = []
    read = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="sweep") as pool:
        desk = _Desk(job, result.space)
        try:
            batch = next(asked, None)
            while batch is not None:
                missing = []
                for setting in dict.fromkeys(batch):
                    if setting in result:
                        continue
                    number, line = result.enter(setting), known.pop(setting, None)
                    if line is None:
                        missing.append(setting)
                    else:
                        result.put(number, line.get("metrics"), line.get("error"))
                        read += 1
                done = len(result) - len(missing)
                tell(done, read)
                for setting, line in _played(pool, desk, missing, workers):
                    number, done = result.enter(setting), done + 1
                    log.add({"number": number, **line})
                    result.put(number, line.get("metrics"), line.get("error"))
                    tell(done, read)
                scores = [math.nan if (score := result.score(setting)) is None else score for setting in batch]
                batch = _next(asked, scores)
        finally:
            pool.shutdown(cancel_futures=True)
    return result


def _next(asked: Batches, scores: list[float]) -> list[int] | None:
    try:
        return asked.send(scores)
    except StopIteration:
        return None


class _Desk:
    """Where workers play: each thread has blocks of its own, which all its runs share."""

    def __init__(self, job: Job, space: Space) -> None:
        self.job, self.space, self._own = job, space, threading.local()

    def play(self, setting: int) -> dict[str, Any]:
        """The line of a trial: cells, figures or error, seconds."""
        cells, begun = self.space.cells(setting), time.perf_counter()
        line: dict[str, Any] = {"cells": cells}
        try:
            if not hasattr(self._own, "blocks"):
                self._own.blocks = Blocks(self.job.stage_for(self.job.build({})))
            line["metrics"] = self.job.figures(cells, self._own.blocks)
        except ConfigError as error:
            line["error"] = {"message": error.message, "where": error.where, "fix": error.fix}
        line["seconds"] = round(time.perf_counter() - begun, 6)
        return line


def _played(
    pool: ThreadPoolExecutor, desk: _Desk, settings: list[int], workers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines of trials as they end; only a few are waiting at any time."""
    rest = iter(settings)
    running: dict[Future[dict[str, Any]], int] = {}
    while True:
        for setting in islice(rest, workers * AHEAD - len(running)):
            running[pool.submit(desk.play, setting)] = setting
        if not running:
            return
        for one in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(one), one.result()


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
    """The version of the rules that a trial follows: the package's, and a hash of the sources that compute its figures."""
    found = hashlib.sha256(source_key().encode("ascii"))
    for module in (backtesting, statistics):
        found.update(Path(str(module.__file__)).read_bytes())
    return f"{__version__}-{found.hexdigest()[:12]}"
