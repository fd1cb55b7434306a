"""Many portfolios in one call: portfolios a second on one thread and on two, and how memory grows with their number.

Each figure is a process of its own: `python -m benchmarks.portfolios DATA TABLE WORKERS` decides for a table and says, as JSON, how
long that took and how much memory the process had at most. The market and the table are made; 10 assets are held by all,
three in ten of them partly hedged.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import show
from benchmarks.measure import Table
from benchmarks.process import own_peak

ASSETS = ("ADA", "AVAX", "BNB", "BTC", "DOGE", "ETH", "LINK", "SOL", "UNI", "XRP")
DAYS = 500
SIZES = (1_000, 100_000)


def make_market(folder: Path) -> None:
    """500 days of a made market, 8 hours a bar."""
    from hedgerow.research.simulate import simulate, write

    write(simulate(seed=3, assets=ASSETS, start=date(2021, 1, 1), days=DAYS, step_hours=8), folder)


def make_table(data: Path, path: Path, count: int) -> int:
    """A table of ``count`` portfolios of some 100,000 each; returns how many rows it has."""
    import polars as pl

    from hedgerow.store import history

    rng = np.random.default_rng(5)
    price = history.closes(data, ASSETS)[1][-1]
    names = pl.Series("portfolio", [f"p{i:07}" for i in range(count)])
    coins = rng.uniform(0.0, 20_000.0, (count, len(ASSETS))) / price
    frames = [pl.DataFrame({"portfolio": names, "name": "USDT", "amount": rng.uniform(0.0, 50_000.0, count)})]
    for a, asset in enumerate(ASSETS):
        cost = price[a] * rng.uniform(0.3, 2.0, count)
        frames.append(pl.DataFrame({"portfolio": names, "name": asset, "amount": coins[:, a], "unit_cost": cost}))
    spot = pl.concat(frames, how="diagonal").with_columns(kind=pl.lit("spot"))
    shorts = []
    for a, asset in enumerate(ASSETS):
        some = rng.random(count) < 0.3
        size = coins[some, a] * rng.uniform(0.1, 0.9, int(some.sum()))
        terms = {"amount": -size, "entry": np.full(len(size), price[a]), "collateral": 1.3 * size * price[a]}
        shorts.append(pl.DataFrame({"portfolio": names.filter(some), "name": f"{asset}/USDT:USDT", **terms}))
    futures = pl.concat(shorts).with_columns(kind=pl.lit("futures"))
    table = pl.concat([spot, futures], how="diagonal").sort("portfolio", maintain_order=True)
    table.write_parquet(path)
    return len(table)


def decide(data: Path, table: Path, workers: int, legs: Path | None = None) -> dict[str, float]:
    """Decide for a table; seconds, without and with what is needed before the first plan, and megabytes at most."""
    from hedgerow import policies
    from hedgerow.faces.many_record import Writer
    from hedgerow.faces.plan_many import Asked, Job, prepare
    from hedgerow.research.tally import Tally

    begun = time.perf_counter()
    policy = policies.load("balanced")
    job = Job(Asked(policy, "balanced", table, data))
    prepare(job)
    tally, first, before = Tally(), 0.0, 0
    with Writer(policy, True, None, legs).open() as writer:
        for done in job.done(workers=workers):
            tally.add(done)
            writer.add(done)
            if not first:
                first, before = time.perf_counter(), tally.decided
        ended = time.perf_counter()
        writer.close(tally)
    rate = (tally.decided - before) / (ended - first) if tally.decided > before else 0.0
    return {
        "seconds": ended - begun,
        "per_second": rate,
        "decided": tally.decided,
        "acting": tally.acting,
        "peak_mb": own_peak(),
    }


def measured(*words: object) -> dict[str, float]:
    """``decide`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.portfolios", *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def report(table: Table, sizes: tuple[int, int], rounds: int) -> None:
    """Rows of portfolios a second with 1 and 2 threads and with legs written, and of peak memory by number."""
    table.begin(f"Plans for {sizes[-1]:,} portfolios of {len(ASSETS)} assets")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_market(folder / "data")
        for count in sizes:
            make_table(folder / "data", folder / f"{count}.parquet", count)
        few, many = (folder / f"{count}.parquet" for count in sizes)
        measured(folder / "data", few, 1)  # compiles
        jobs = {
            "1 thread": (many, 1),
            "2 threads": (many, 2),
            "1 thread, legs written": (many, 1, folder / "legs.parquet"),
        }
        taken: dict[str, list[dict[str, float]]] = {key: [] for key in (*jobs, "few")}
        for _ in range(rounds):
            taken["few"].append(measured(folder / "data", few, 1))
            for key, words in jobs.items():
                taken[key].append(measured(folder / "data", *words))
    for key in jobs:
        rates = [one["per_second"] for one in taken[key]]
        table.put(f"portfolios.{key}", f"{key}: portfolios a second", "", rates)
    for count, found in zip(sizes, (taken["few"], taken["1 thread"]), strict=True):
        table.put(f"portfolios.memory.{count}", f"{count:,} portfolios: peak", "MB", [one["peak_mb"] for one in found])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        paths = [Path(word) for word in sys.argv[1:3]]
        print(json.dumps(decide(*paths, int(sys.argv[3]), *(Path(word) for word in sys.argv[4:]))))
    else:
        done = Table()
        report(done, SIZES, 3)
        show.table(done.record(), Console(highlight=False))
