"""Whole policies on a made market: the compiled run alone, on fresh books, without records and statistics; signals given."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import reference
from benchmarks.measure import Job, Table, in_turn
from hedgerow import policies, wire

COINS: Final = (
    "BNB", "XRP", "ADA", "SOL", "DOGE", "AVAX", "LINK", "LTC", "DOT", "ATOM", "NEAR", "TRX",
)  # fmt: skip  # a perpetual each, and no dated futures
DATED: Final = ("BTC", "ETH", *COINS[:8])  # two of them with dated futures, of which there are eight a year
POLICIES: Final = ("balanced", "seed", "b2_threshold")
VARIED: Final = ("trim.drift.threshold=5pp:14pp:1pp", "hedge.cap=50%:95%:5%")  # 100 settings


def stage_of(assets: Sequence[str], days: int, names: Sequence[str] = ("balanced",)) -> Any:
    """The stage of so many days of hours of a made market, with the signals of the policies that are named."""
    from hedgerow.research.simulate import simulate, write

    with tempfile.TemporaryDirectory() as folder:
        write(simulate(seed=11, assets=assets, start=date(2016, 1, 1), days=days + 731), Path(folder))
        recorded = wire.recorded(Path(folder), assets, date(2018, 1, 1), None)
    return wire.stage_of(recorded, [policies.load(name) for name in names])


def equal_weights(assets: Sequence[str]) -> dict[str, float]:
    """The same share of each, beside a stable fifth."""
    return dict.fromkeys(assets, 0.8 / len(assets))


def prepared(stage: Any, name: str = "balanced", entrance: Callable[..., Any] | None = None, cash: float = 1e5) -> Job:
    """The compiled run of a policy (or another ``entrance``) over a stage, on a fresh book with ``cash`` each time."""
    from hedgerow.kernel.blocks import new_book, new_work
    from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due
    from hedgerow.kernel.run import run
    from hedgerow.research.backtest import Blocks

    market, policy, whole = stage.market, policies.load(name), entrance or run
    universe = market.universe
    rules = pack(policy, universe, equal_weights(universe.assets))
    routes, due = hedge_routes(policy, universe, market.days_ns), rebalance_due(policy, market.days_ns)
    blocks, count = Blocks(stage), len(universe.instruments)

    def job() -> float:
        book, work = new_book(rules, count, cash), new_work(rules, count, stage.signals.shape[1])
        blocks.clear(work.legs.shape[0])
        whole(
            rules, book, work, stage.bars, stage.signals, routes, due, blocks.day, blocks.asset, blocks.bits, blocks.log,
            blocks.used,
        )  # fmt: skip
        return float(blocks.day[-1, 0])

    return job


def cut(stage: Any, days: int) -> Any:
    """The first ``days`` days of a stage."""
    market = stage.market
    rows = int(np.flatnonzero(market.day == days - 1)[0]) + 1
    panels = {
        name: np.ascontiguousarray(getattr(market, name)[:rows])
        for name in ("open", "high", "low", "close", "fresh", "funding")
    }
    shorter = replace(
        market, open_ns=market.open_ns[:rows], day=market.day[:rows], days_ns=market.days_ns[:days], **panels
    )
    return replace(stage, market=shorter, signals=stage.signals[:days])


class Played:
    """A policy in many settings over one stage, as ``hedgerow sweep`` plays it: each trial's figures, and its line of the log."""

    def __init__(self, stage: Any, name: str = "balanced") -> None:
        from hedgerow.research.sweep import Job as Trials
        from hedgerow.research.vary import space_of

        known, build = policies.builder(name, "--policy")
        universe = stage.market.universe
        self.space = space_of(VARIED, known)
        self.bars, self.assets = stage.market.open_ns.shape[0], len(universe.assets)
        self._job = Trials(build, lambda _: stage, lambda _: equal_weights(universe.assets), 1e5)

    def sweep(self, count: int, threads: int) -> Any:
        """``count`` settings by lot, on so many threads."""
        from hedgerow.research.search import batches
        from hedgerow.research.sweep import Sweep, Threads, sweep
        from hedgerow.research.trials import Log

        with tempfile.TemporaryDirectory() as folder:
            log = Log(Path(folder), {"vary": {axis.key: list(axis.values) for axis in self.space.axes}})
            try:
                with Threads(self._job, self.space, threads) as crew:
                    return sweep(Sweep(self.space, "sharpe", log), batches(self.space, "random", count, 0), crew)
            finally:
                log.close()


def against_c(table: Table, stages: dict[str, Any], rounds: int, size: str = "M") -> None:
    """Time an asset and bar of each policy over that of the reference job in C, in turn; no equality is asked: they are two jobs."""
    table.begin("A whole policy an asset and bar, against the reference job in C")
    made = reference.panels(size)
    jobs: dict[str, Job] = {"C": reference.Plain(made)}
    each = {"C": made.price.size}
    for word, stage in stages.items():
        for name in POLICIES:
            jobs[f"{name}{word}"] = prepared(stage, name)
            each[f"{name}{word}"] = stage.market.open_ns.shape[0] * len(stage.market.universe.assets)
    taken = in_turn(jobs, rounds)
    per = {name: [1e9 * seconds / each[name] for seconds in taken[name]] for name in jobs}
    for name in jobs:
        if name != "C":
            table.put(f"{name}.ns", name, "ns", per[name])
            table.ratio(f"{name}.c", f"{name} / C of the reference job", per[name], per["C"])


def against_panels(table: Table, stage: Any, rounds: int) -> None:
    """The compiled run over reading its panels once, which is what memory allows."""
    market = stage.market
    panels = (market.open, stage.bars.high, market.close, market.funding)
    jobs: dict[str, Job] = {"run": prepared(stage), "panels": lambda: [float(np.nansum(block)) for block in panels]}
    taken = in_turn(jobs, rounds)
    table.ratio("balanced.panels", "balanced / its panels read once by numpy", taken["run"], taken["panels"])


_INTERPRETED = """
import sys, time
from benchmarks import full
from hedgerow import wire
wire.prepare(10**9)
job = full.prepared(full.stage_of(("BTC", "ETH", "SOL"), 60))
job()
start = time.process_time()
for _ in range(int(sys.argv[1])):
    job()
print((time.process_time() - start) / int(sys.argv[1]))
"""


def against_interpreter(table: Table, rounds: int) -> None:
    """The same source under the interpreter, on two months."""
    seconds: dict[str, list[float]] = {"1": [], "0": []}
    for _ in range(rounds):
        for switch, times in (("1", 50), ("0", 1)):
            done = subprocess.run(
                [sys.executable, "-c", _INTERPRETED, str(times)],
                env=os.environ | {"HEDGEROW_JIT": switch},
                capture_output=True,
                text=True,
                check=True,
            )
            seconds[switch].append(float(done.stdout))
    table.ratio("balanced.interpreted", "balanced interpreted / compiled", seconds["0"], seconds["1"])
