"""Many portfolios in one call: portfolios a second on one thread and on two, and how memory grows with their number.

Each figure is a process of its own: `python -m benchmarks.portfolios DATA TABLE WORKERS` decides for a table and says, as JSON, how
long that took and how much memory the process had at most. The market and the table are made; 10 assets are held by all,
three in ten of them partly hedged.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ASSETS = ("ADA", "AVAX", "BNB", "BTC", "DOGE", "ETH", "LINK", "SOL", "UNI", "XRP")
DAYS = 500


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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = (tally.decided - before) / (ended - first) if tally.decided > before else 0.0
    return {
        "seconds": ended - begun,
        "per_second": rate,
        "decided": tally.decided,
        "acting": tally.acting,
        "peak_mb": peak,
    }


def measured(*words: object) -> dict[str, float]:
    """``decide`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.portfolios", *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def report(rounds: int, *, short: bool = False) -> dict[str, Any]:
    """Measure, print, and return: portfolios a second with 1 and 2 threads, with legs written, and peak memory by number."""
    sizes = (1_000, 10_000) if short else (1_000, 100_000)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_market(folder / "data")
        for count in sizes:
            make_table(folder / "data", folder / f"{count}.parquet", count)
        measured(folder / "data", folder / "1000.parquet", 1)  # compiles
        table = folder / f"{sizes[-1]}.parquet"
        jobs = {
            "1 thread": (table, 1),
            "2 threads": (table, 2),
            "1 thread, legs written": (table, 1, folder / "legs.parquet"),
        }
        taken: dict[str, list[dict[str, float]]] = {key: [] for key in jobs}
        small = []
        for _ in range(rounds):
            small.append(measured(folder / "data", folder / "1000.parquet", 1))
            for key, words in jobs.items():
                taken[key].append(measured(folder / "data", *words))
        print(
            f"\n  plans for {sizes[-1]:,} portfolios of {len(ASSETS)} assets; portfolios a second (least, median, most)"
        )
        for key, found in taken.items():
            rates = [one["per_second"] for one in found]
            figures[key] = {"least": min(rates), "median": statistics.median(rates), "most": max(rates)}
            print(f"  {key:24s} {min(rates):9,.0f} {statistics.median(rates):9,.0f} {max(rates):9,.0f}")
        peaks = {1_000: small, sizes[-1]: taken["1 thread"]}
        figures["peak_mb"] = {count: max(one["peak_mb"] for one in found) for count, found in peaks.items()}
        print("  peak memory: " + ", ".join(f"{mb:,.0f} MB at {count:,}" for count, mb in figures["peak_mb"].items()))
    return figures


if __name__ == "__main__":
    if len(sys.argv) > 1:
        paths = [Path(word) for word in sys.argv[1:3]]
        print(json.dumps(decide(*paths, int(sys.argv[3]), *(Path(word) for word in sys.argv[4:]))))
    else:
        report(3)
