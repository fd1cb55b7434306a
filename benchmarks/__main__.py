"""``./run bench``: how fast the compiled backtest is, as ratios measured in one run (the machine is noisy).

Every row is timed in turn with its rival, several times, and the table gives medians and the range of the ratio. The
rivals are: the same panels read once by numpy (the memory bound), and the same source under the interpreter.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ledger, margin, reference
from hedgerow import policies, wire

COINS = (
    "BNB",
    "XRP",
    "ADA",
    "SOL",
    "DOGE",
    "AVAX",
    "LINK",
    "LTC",
    "DOT",
    "ATOM",
    "NEAR",
    "TRX",
)  # none has dated futures
YEARS, ASSETS = 6, ("BTC", "ETH", "BNB", "XRP", "ADA", "SOL", "DOGE", "AVAX", "LINK", "EOS")


def timed(job: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    job()
    return time.process_time() - start


def in_turn(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of every job, one after the other, so many rounds."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            taken[name].append(timed(job))
    return taken


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """Slope of log time over log size: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def prepared(policy: Any, stage: Any, weights: dict[str, float], entrance: Any = None) -> Callable[[], Any]:
    """The compiled run alone (or another ``entrance``), on fresh books: no records, no statistics."""
    from hedgerow.kernel import arrays as k
    from hedgerow.kernel import columns
    from hedgerow.kernel.blocks import new_book, new_work
    from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due
    from hedgerow.kernel.run import run

    whole = entrance or run
    market = stage.market
    rules = pack(policy, market.universe, weights)
    days, instruments, assets = len(market.days_ns), len(market.universe.instruments), len(weights)
    routes, due = (
        hedge_routes(policy, market.universe, market.days_ns),
        rebalance_due(policy, market.days_ns),
    )
    out = (
        np.zeros((days, columns.OUT_DAY)),
        np.zeros((days, columns.OUT_ASSET, assets)),
        np.zeros((days, 2, assets), np.int64),
    )
    log = np.zeros((days * 24, k.LEG))

    def job() -> None:
        book, work = new_book(rules, instruments, 1e5), new_work(rules, instruments, stage.signals.shape[1])
        whole(rules, book, work, stage.bars, stage.signals, routes, due, *out, log, np.zeros(1, np.int64))

    return job


def cut(stage: Any, days: int) -> Any:
    """The first ``days`` days of a stage."""
    from dataclasses import replace

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


def main() -> None:
    """Measure and print; ``--short`` is under a minute with a warm cache; ``--json FILE`` writes the figures."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two years and fewer rounds")
    parser.add_argument("--json", type=Path, help="write the figures to FILE")
    arguments = parser.parse_args()
    years, rounds = (2, 3) if arguments.short else (YEARS, 7)
    wire.prepare(10**9)
    from hedgerow.research.simulate import simulate, write

    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        write(simulate(seed=11, assets=ASSETS, start=date(2016, 1, 1), days=365 * (years + 2)), made)
        loaded = time.perf_counter()
        recorded = wire.recorded(made, ASSETS, date(2018, 1, 1), None)
        loaded = time.perf_counter() - loaded
    names = ("balanced", "seed", "b2_threshold")
    rules = {name: policies.load(name) for name in names}
    measured = timed(lambda: wire.stage_of(recorded, list(rules.values())))
    stage = wire.stage_of(recorded, list(rules.values()))
    weights = dict.fromkeys(ASSETS, 0.08)
    panels = (stage.market.open, stage.market.high, stage.market.close, stage.market.funding)
    jobs: dict[str, Callable[[], Any]] = {name: prepared(policy, stage, weights) for name, policy in rules.items()}
    jobs["panels read once"] = lambda: [float(np.nansum(block)) for block in panels]
    for job in jobs.values():
        job()  # compile, or load what is compiled
    taken = in_turn(jobs, rounds)
    bars, days = stage.market.open.shape[0], len(stage.market.days_ns)
    figures: dict[str, Any] = {"bars": bars, "assets": len(ASSETS), "load_s": loaded, "signals_cpu_s": measured}
    print(f"{len(ASSETS)} assets, {bars:,} hourly bars, {days:,} decisions; CPU seconds, median of {rounds}\n")
    for name in names:
        middle = statistics.median(taken[name])
        ratio = [a / b for a, b in zip(taken[name], taken["panels read once"], strict=True)]
        figures[name] = {"cpu_s": middle, "ratio": statistics.median(ratio), "ratio_range": [min(ratio), max(ratio)]}
        per = 1e9 * middle / bars / len(ASSETS)
        print(f"  {name:14s} {middle:7.3f} s  {statistics.median(ratio):6.1f} x reading the panels once "
              f"({min(ratio):.1f} to {max(ratio):.1f})  {per:5.0f} ns a bar and asset")  # fmt: skip
    figures["exponents"] = growth(stage, rules["balanced"], days, rounds)
    print(
        f"\n  growth of time with bars: exponent {figures['exponents']['bars']:.2f}, "
        f"with assets: {figures['exponents']['assets']:.2f} (1 is linear)"
    )
    figures["interpreted_over_compiled"] = against_interpreter(rounds)
    print(f"  the same source interpreted takes {figures['interpreted_over_compiled']:.0f} x the compiled time")
    if not arguments.short:  # compiles for a minute
        figures["margin"] = margin.report(
            lambda entrance: prepared(rules["balanced"], stage, weights, entrance), in_turn, rounds
        )
    if shutil.which("gcc"):
        figures["reference"] = reference.report(in_turn, rounds, arguments.short)
    else:
        print("  the reference job is left out: there is no gcc to compile C with")
    figures["ledger"] = ledger.report(20_000 if arguments.short else 100_000, rounds)
    figures["help_s"] = help_time()
    print(f"  hedgerow --help: {figures['help_s']:.2f} s")
    data = sum(block.nbytes for block in panels) + stage.signals.nbytes + stage.warm.nbytes
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["data_mb"] = data / 2**20
    print(f"  peak memory {figures['peak_mb']:.0f} MB, panels and signals {figures['data_mb']:.0f} MB")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        print(arguments.json)


def growth(stage: Any, policy: Any, days: int, rounds: int) -> dict[str, float]:
    """Exponents of the time of ``policy`` in bars and in assets."""
    out: dict[str, float] = {}
    lengths = [days // 4, days // 2, days]
    shorter = [cut(stage, length) for length in lengths]
    weights = dict.fromkeys(ASSETS, 0.08)
    jobs = {str(i): prepared(policy, part, weights) for i, part in enumerate(shorter)}
    for job in jobs.values():
        job()
    taken = in_turn(jobs, rounds)
    out["bars"] = exponent([float(n) for n in lengths], [statistics.median(taken[str(i)]) for i in range(len(lengths))])
    sizes = [3, 6, 12]
    seconds = []
    for size in sizes:
        chosen = COINS[:size]
        with tempfile.TemporaryDirectory() as folder:
            from hedgerow.research.simulate import simulate, write

            write(simulate(seed=11, assets=chosen, start=date(2016, 1, 1), days=365 * 4), Path(folder))
            fewer = wire.stage_of(wire.recorded(Path(folder), chosen, date(2018, 1, 1), None), [policy])
        part = dict.fromkeys(chosen, 0.8 / size)
        job = prepared(policy, fewer, part)
        job()
        seconds.append(statistics.median(timed(job) for _ in range(rounds)))
    out["assets"] = exponent([float(n) for n in sizes], seconds)
    return out


_INTERPRETED = """
import sys, time
from datetime import date
from pathlib import Path
import tempfile
from hedgerow import policies, wire
wire.prepare(10**9)
from hedgerow.research.backtest import backtest
from hedgerow.research.simulate import simulate, write
policy = policies.load("balanced")
with tempfile.TemporaryDirectory() as folder:
    write(simulate(seed=3, assets=("BTC", "ETH", "SOL"), start=date(2020, 1, 1), days=500), Path(folder))
    stage = wire.stage_of(wire.recorded(Path(folder), ("BTC", "ETH", "SOL"), date(2021, 1, 1), None), [policy])
weights = {"BTC": 0.4, "ETH": 0.3, "SOL": 0.1}
backtest(policy, stage, capital=1e5, weights=weights)
start = time.process_time()
for _ in range(int(sys.argv[1])):
    backtest(policy, stage, capital=1e5, weights=weights)
print((time.process_time() - start) / int(sys.argv[1]))
"""


def against_interpreter(rounds: int) -> float:
    """Time of a small run under the interpreter over the same compiled."""
    seconds = {}
    for switch, times in (("1", 10 * rounds), ("0", 1)):
        done = subprocess.run(
            [sys.executable, "-c", _INTERPRETED, str(times)],
            env=os.environ | {"HEDGEROW_JIT": switch},
            capture_output=True,
            text=True,
            check=True,
        )
        seconds[switch] = float(done.stdout)
    return seconds["0"] / seconds["1"]


def help_time() -> float:
    """Wall seconds of ``hedgerow --help``, the best of five."""
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hedgerow", "--help"], capture_output=True, check=True)
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
