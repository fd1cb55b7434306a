"""The reference job: one band policy over seeded panels, by hedgerow and by plain C compiled in place.

Sizes: S 10 assets x 2,190 days, M 10 x 52,560 hours, L 50 x 52,560 hours. Coins follow a market and their own noise,
volatility comes in waves, the perpetual stands a little above spot; each asset is wild while its 7-day volatility is
above its 60-day median. Half of the value is stablecoins, so that cash never goes below nothing. A ratio is printed only
where both give the same value at every bar and the same number of trades.
"""

from __future__ import annotations

import ctypes
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SIZES = {"S": (10, 2_190, 1), "M": (10, 52_560, 24), "L": (50, 52_560, 24)}  # assets, bars, bars a day
SETTING = (0.05, 0.5, 0.25, 0.75)  # threshold, part, low, high
CASH, STABLE, BAND, COST = 1e6, 0.5, 0.05, 0.0015
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")


class Panels(NamedTuple):
    """``price``, ``future``, ``wild`` [T, A], ``funding`` [stamps, A], ``weight`` [A]; funding every ``every`` bars."""

    price: Any
    future: Any
    funding: Any
    wild: Any
    weight: Any
    every: int


def panels(size: str) -> Panels:
    """The seeded panels of a size."""
    assets, bars, a_day = SIZES[size]
    chance = np.random.default_rng([2024, assets, bars])
    step = 1.0 / (365 * a_day)
    wave = _drawn_to_nought(chance.standard_normal(bars), np.exp(-365 * step / 20.0), 0.35)
    vol = chance.uniform(0.6, 1.0, assets) * np.exp(wave)[:, None]
    share = chance.uniform(0.5, 0.8, assets)
    noise = np.sqrt(share) * chance.standard_normal((bars, 1)) + np.sqrt(1 - share) * chance.standard_normal(
        (bars, assets)
    )
    returns = (0.25 - 0.5 * vol**2) * step + vol * np.sqrt(step) * noise
    price = 100.0 * np.exp(np.cumsum(returns, axis=0))
    basis = _drawn_to_nought(chance.standard_normal((bars, assets)), np.exp(-365 * step * 3.0), 0.0006)
    every = max(1, a_day // 3)
    funding = 3 / min(3, a_day) * (0.0001 + 0.00012 * chance.standard_normal(((bars + every - 1) // every, assets)))
    return Panels(
        price,
        price * (1.0002 + basis),
        funding,
        _wild(returns, 7 * a_day, 60 * a_day),
        np.full(assets, (1 - STABLE) / assets),
        every,
    )


def _drawn_to_nought(noise: Any, keep: float, size: float) -> Any:
    """Noise of standard deviation ``size`` that keeps the share ``keep`` of itself from bar to bar."""
    out, now = np.empty_like(noise), np.zeros(noise.shape[1:])
    for t in range(noise.shape[0]):
        now = keep * now + size * np.sqrt(1 - keep * keep) * noise[t]
        out[t] = now
    return out


def _wild(returns: Any, short: int, long: int) -> Any:
    """Whether the volatility of ``short`` bars is above its median over ``long`` bars."""
    import polars as pl

    frame = pl.DataFrame(returns).select(pl.all().rolling_std(short))
    median = frame.select(pl.all().rolling_median(long, min_samples=1))
    return np.ascontiguousarray((frame.to_numpy() > median.to_numpy()).astype(np.uint8))


class _Job(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("bars", "assets", "every")),
        *((name, ctypes.c_void_p) for name in ("price", "future", "funding", "weight", "wild")),
        *((name, ctypes.c_double) for name in ("cash", "band", "spot_cost", "future_cost")),
    ]


class Plain:
    """The job in C."""

    def __init__(self, made: Panels) -> None:
        self.made = made
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "reference.so"
            subprocess.run(
                ["gcc", *FLAGS, str(Path(__file__).with_suffix(".c")), "-o", str(library), "-lm"], check=True
            )
            self._run = ctypes.CDLL(str(library)).reference
        self._run.restype = ctypes.c_int64
        self._run.argtypes = [ctypes.c_void_p, *[ctypes.c_double] * 4, ctypes.c_void_p]
        bars, assets = made.price.shape
        blocks = (made.price, made.future, made.funding, made.weight, made.wild)
        self._job = _Job(bars, assets, made.every, *(block.ctypes.data for block in blocks), CASH, BAND, COST, COST)
        self.equity = np.zeros(bars)

    def __call__(self) -> int:
        return int(self._run(ctypes.byref(self._job), *SETTING, self.equity.ctypes.data))


class Compiled:
    """The job in hedgerow's band kernel."""

    def __init__(self, made: Panels) -> None:
        from hedgerow.kernel import bands

        bars, assets = made.price.shape
        blocks = (made.price, made.future, made.funding, made.wild, made.weight)
        self.bands = bands.Bands(*blocks, made.every, CASH, BAND, COST, COST)
        self.equity = np.zeros(bars)
        self._run, self._setting = bands.run_bands, np.array(SETTING)
        self._own, self._short, self._account = np.zeros(assets), np.zeros(assets), np.zeros(bands.ACCOUNT)

    def __call__(self) -> int:
        self._own[:], self._short[:], self._account[:] = 0.0, 0.0, (CASH, 0.0)
        self._run(self.bands, self._setting, self._own, self._short, self._account, self.equity)
        return int(self._account[1])


def settings(count: int) -> Any:
    """Seeded settings [K, 4], the first that of the single run."""
    chance = np.random.default_rng(7)
    low, high = (0.01, 0.25, 0.0, 0.5), (0.10, 1.0, 0.5, 1.0)
    block = chance.uniform(low, high, (count, 4))
    block[0] = SETTING
    return block


def swept(job: Compiled, block: Any, threads: int) -> Any:
    """Every setting over the job's panels, on so many threads; the kernel holds no lock."""
    from hedgerow.kernel.bands import FOUND, sweep_bands

    found = np.zeros((block.shape[0], FOUND))
    piece = 80  # settings: ten rounds of eight in lock-step
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, block.shape[0], piece)
        list(pool.map(lambda k: sweep_bands(job.bands, block[k : k + piece], found[k : k + piece]), starts))
    return found


def report(in_turn: Callable[..., Any], rounds: int, short: bool) -> dict[str, Any]:
    """Measure the single run against C on every size, and sweeps; print, and return the figures."""
    figures: dict[str, Any] = {}
    print("\n  the reference job, one thread, against C of the same arithmetic (CPU time, in turn)")
    for size in "SM" if short else "SML":
        made = panels(size)
        jobs: dict[str, Any] = {"C": Plain(made), "hedgerow": Compiled(made)}
        trades = {name: job() for name, job in jobs.items()}
        if trades["C"] != trades["hedgerow"] or not np.array_equal(jobs["C"].equity, jobs["hedgerow"].equity):
            print(f"  {size}: the results differ, so no ratio is given")
            continue
        taken = in_turn(jobs, 3 * rounds)
        ratio = [a / b for a, b in zip(taken["hedgerow"], taken["C"], strict=True)]
        middle, each = statistics.median(ratio), 1e9 * statistics.median(taken["C"]) / made.price.size
        figures[size] = {"ratio": middle, "ratio_range": [min(ratio), max(ratio)], "c_ns_asset_bar": each}
        print(f"  {size}  {middle:5.2f} x C ({min(ratio):.2f} to {max(ratio):.2f}), the same bits; C {each:.1f} ns an asset "
              f"and bar; {trades['C']:,} trades")  # fmt: skip
        if size == "M":
            figures["sweep"] = _sweeps(jobs["hedgerow"], 1_000 if short else 10_000)
    return figures


def _sweeps(job: Compiled, count: int) -> dict[str, Any]:
    """Rate of one thread, and the time of many settings on two."""
    block = settings(count)
    swept(job, block[:400], 1)  # compiles
    start = time.process_time()
    swept(job, block[:400], 1)
    rate = 400 * job.equity.size / (time.process_time() - start)
    start = time.perf_counter()
    found = swept(job, block, 2)
    wall = time.perf_counter() - start
    same = found[0, 0] == job.equity[-1]
    print(f"     sweep: {rate / 1e6:.0f} million portfolio-bars a second and thread; {count:,} settings on 2 threads in "
          f"{wall:.1f} s{'' if same else '; the results differ'}")  # fmt: skip
    return {"portfolio_bars_s": rate, "settings": count, "wall_s": wall, "same": bool(same)}
