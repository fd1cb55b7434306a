"""Sweeps: many settings of the reference job against C and vectorbt, and many settings of a whole policy.

A rate is portfolio-bars a second and core: settings x bars over CPU seconds of one thread.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from benchmarks import reference
from benchmarks.full import Played
from benchmarks.measure import TOLERANCE, Table, farthest, in_turn

PIECE: Final = 80  # settings of a task: ten rounds of eight in lock-step
PIECES: Final = 500  # tasks at most, or nearly: a task that waits takes memory
PROBE: Final = 80  # settings behind a rate


def settings(count: int) -> Any:
    """Seeded settings [K, 4], the first that of the single run."""
    chance = np.random.default_rng(7)
    low, high = (0.01, 0.25, 0.0, 0.5), (0.10, 1.0, 0.5, 1.0)
    block = chance.uniform(low, high, (count, 4))
    block[0] = reference.SETTING
    return block


def swept(bands: Any, block: Any, threads: int) -> Any:
    """What sums up every setting [K, FOUND], on so many threads; the kernel holds no lock."""
    from hedgerow.kernel.bands import FOUND, sweep_bands

    found = np.zeros((block.shape[0], FOUND))
    piece = PIECE * max(1, block.shape[0] // (PIECE * PIECES))
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, block.shape[0], piece)
        list(pool.map(lambda k: sweep_bands(bands, block[k : k + piece], found[k : k + piece]), starts))
    return found


def one_by_one(made: reference.Panels, block: Any, threads: int, kind: type) -> Any:
    """Final value and trades of every setting [K, 2], each a single run of C or of hedgerow; a thread has its own job."""
    found = np.zeros((block.shape[0], 2))

    def piece(start: int) -> None:
        job = kind(made)
        for k in range(start, min(start + PIECE, block.shape[0])):
            found[k, 1] = job(block[k])
            found[k, 0] = job.equity[-1]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(piece, range(0, block.shape[0], PIECE)))
    return found


def rates(table: Table, rounds: int, size: str = "M") -> None:
    """Portfolio-bars a second and core, of single runs and of eight in lock-step, beside C."""
    from hedgerow.kernel.bands import F_FINAL, F_TRADES

    table.begin(f"Sweep of the reference job on {size}")
    made = reference.panels(size)
    bands, block = reference.bands_of(made), settings(PROBE)
    ways: dict[str, Any] = {
        "sweep.single": lambda: one_by_one(made, block, 1, reference.Compiled),
        "sweep.lanes": lambda: swept(bands, block, 1)[:, [F_FINAL, F_TRADES]],
        "sweep.c": lambda: one_by_one(made, block, 1, reference.Plain),
    }
    names = {"sweep.single": "one at a time", "sweep.lanes": "eight in lock-step", "sweep.c": "C, one at a time"}
    found = {key: way() for key, way in ways.items()}
    for key in ("sweep.single", "sweep.lanes"):
        if not np.array_equal(found[key], found["sweep.c"]):
            table.refuse(key, f"{names[key]} / C", "final values or trades of some settings differ")
            return
    bars = PROBE * made.price.shape[0]
    taken = in_turn(ways, rounds)
    for key, what in names.items():
        rate = [1e-6 * bars / seconds for seconds in taken[key]]
        table.put(key, f"{what}: portfolio-bars a second and core", "million", rate)
    table.ratio("sweep.lanes.c", "eight in lock-step / C", taken["sweep.lanes"], taken["sweep.c"], "the same bits")


def many(table: Table, count: int, size: str = "M") -> None:
    """The time of many settings on two threads, once, and of the same in C: the same bits, or no ratio."""
    from hedgerow.kernel.bands import F_FINAL, F_TRADES

    made, block = reference.panels(size), settings(count)
    bands = reference.bands_of(made)
    wall, found = {}, {}
    for threads in (1, 2):
        start = time.perf_counter()
        found[threads] = swept(bands, block, threads)[:, [F_FINAL, F_TRADES]]
        wall[threads] = time.perf_counter() - start
        word = "thread" if threads == 1 else "threads"
        key = f"sweep.{count}" if threads == 2 else f"sweep.{count}.alone"
        table.put(key, f"{count:,} settings, {threads} {word}: wall time", "s", [wall[threads]])
    start = time.perf_counter()
    plain = one_by_one(made, block, 2, reference.Plain)
    seconds = time.perf_counter() - start
    if np.array_equal(plain, found[1]) and np.array_equal(plain, found[2]):
        what = f"{count:,} settings, 2 threads: hedgerow / C, wall time"
        table.ratio(f"sweep.{count}.c", what, [wall[2]], [seconds], "the same bits")
    else:
        table.refuse(f"sweep.{count}.c", f"{count:,} settings", "final values or trades of some settings differ")


def against_vectorbt(table: Table, rounds: int, count: int = 200) -> None:
    """Settings in vectorbt, all in one simulation of as many groups, on S: on M its frames alone would take gigabytes."""
    from benchmarks.peer_vectorbt import Vectorbt
    from hedgerow.kernel.bands import F_FINAL, F_TRADES

    made = reference.panels("S")
    bands, block = reference.bands_of(made), lasting(made, count)
    found = swept(bands, block, 1)
    trades = int(found[:, F_TRADES].sum())
    other = Vectorbt(made, True, block, orders=trades + 1)
    value, orders = other.checked()
    apart = max(farthest(curve[-1], found[:, F_FINAL]) for curve in (other.equity, value))
    what = f"{count} settings on S: vectorbt"
    if apart > TOLERANCE or orders != trades:
        table.refuse("sweep.vectorbt", what, f"values differ by up to {apart:.1e}, orders {orders:,} and {trades:,}")
        return
    taken = in_turn({"own": lambda: swept(bands, block, 1), "simulation": other, "whole": other.whole}, rounds)
    table.ratio("sweep.vectorbt", f"{what}, simulation only / hedgerow", taken["simulation"], taken["own"])
    table.ratio("sweep.vectorbt.orders", f"{what}, with equity and orders / hedgerow", taken["whole"], taken["own"])


def lasting(made: reference.Panels, count: int) -> Any:
    """The first settings whose cash never goes below nothing, which vectorbt refuses: a high hedge loses more than the reserve."""
    from benchmarks.bar_by_bar import Lists

    job, found = Lists(made), []
    for setting in settings(4 * count):
        job.setting = tuple(setting)
        job()
        if min(job.cash) > 0.0:
            found.append(setting)
        if len(found) == count:
            return np.array(found)
    raise ValueError(f"only {len(found)} of {4 * count} settings keep their cash")


def of_a_policy(table: Table, played: Played, count: int, rounds: int) -> None:
    """The same figure for a whole policy: what `hedgerow sweep` does for each setting, on one thread and on two."""
    table.begin("Sweep of the policy balanced")
    cpu = in_turn({"one": lambda: played.sweep(count, 1)}, rounds)["one"]
    bars = count * played.bars
    rate = [1e-6 * bars / seconds for seconds in cpu]
    what = f"balanced, {played.assets} assets: portfolio-bars a second and core"
    table.put("sweep.balanced", what, "million", rate)
    wall = in_turn(
        {"one": lambda: played.sweep(count, 1), "two": lambda: played.sweep(count, 2)}, rounds, time.perf_counter
    )
    table.ratio("sweep.balanced.threads", "balanced: one thread / two, wall time", wall["one"], wall["two"])
