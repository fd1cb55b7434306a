"""The reference job: one band policy over seeded panels, in hedgerow's band kernel and in plain C compiled in place.

Sizes: S 10 assets x 2,190 days, M 10 x 52,560 hours, L 50 x 52,560 hours. Coins follow a market and their own noise,
volatility comes in waves, the perpetual stands a little above spot; each asset is wild while its 7-day volatility is
above its 60-day median. Orders fill at the close they are decided at, which is the next bar's open; there are no lots. Half of
the value is stablecoins, so that cash never goes below nothing. ``full`` is the whole job, ``spot`` the job without its
hedge leg. ``benchmarks.rivals`` compares them, and others.
"""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
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


@functools.cache
def panels(size: str) -> Panels:
    """The seeded panels of a size."""
    return drawn(*SIZES[size])


def drawn(assets: int, bars: int, a_day: int) -> Panels:
    """Seeded panels of so many ``assets`` and ``bars``, ``a_day`` of them a day."""
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
    wild, weight = _wild(returns, 7 * a_day, 60 * a_day), np.full(assets, (1 - STABLE) / assets)
    return Panels(price, price * (1.0002 + basis), funding, wild, weight, every)


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
    """The job in C; without its hedge leg where ``hedged`` is false."""

    def __init__(self, made: Panels, hedged: bool = True) -> None:
        self.made = made
        self._run = _library().reference
        self._run.restype = ctypes.c_int64
        self._run.argtypes = [ctypes.c_void_p, *[ctypes.c_double] * 4, ctypes.c_void_p]
        bars, assets = made.price.shape
        blocks = (made.price, made.future, made.funding, made.weight, made.wild)
        places = [block.ctypes.data for block in blocks]
        places[1] = places[1] if hedged else None
        self._job = _Job(bars, assets, made.every, *places, CASH, BAND, COST, COST)
        self.equity = np.zeros(bars)

    def __call__(self, setting: Any = SETTING) -> int:
        return int(self._run(ctypes.byref(self._job), *setting, self.equity.ctypes.data))


class Compiled:
    """The job in hedgerow's band kernel; without a hedge leg both ratios are nothing."""

    def __init__(self, made: Panels, hedged: bool = True) -> None:
        from hedgerow.kernel import bands

        assets = made.price.shape[1]
        self.bands, self.equity = bands_of(made), np.zeros(made.price.shape[0])
        self._run, self._setting = bands.run_bands, np.array(setting_of(hedged))
        self._own, self._short, self._account = np.zeros(assets), np.zeros(assets), np.zeros(bands.ACCOUNT)

    def __call__(self, setting: Any = None) -> int:
        self._own[:], self._short[:], self._account[:] = 0.0, 0.0, (CASH, 0.0)
        setting = self._setting if setting is None else setting
        self._run(self.bands, setting, self._own, self._short, self._account, self.equity)
        return int(self._account[1])


def setting_of(hedged: bool) -> tuple[float, ...]:
    """The setting of the single run."""
    return SETTING if hedged else (*SETTING[:2], 0.0, 0.0)


def bands_of(made: Panels) -> Any:
    """The job as hedgerow's band kernel takes it."""
    from hedgerow.kernel.bands import Bands

    return Bands(made.price, made.future, made.funding, made.wild, made.weight, made.every, CASH, BAND, COST, COST)


@functools.cache
def _library() -> Any:
    """The C source, compiled in place."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "reference.so"
        subprocess.run(["gcc", *FLAGS, str(Path(__file__).with_suffix(".c")), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))
