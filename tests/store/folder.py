"""Small made-up data folders: plain numbers whose time can be read back from the price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from hedgerow.store.files import step_of, write
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR

HOUR, DAY = NS_PER_HOUR, NS_PER_DAY


def at(text: str) -> int:
    """``2022-01-03`` or ``2022-01-03 14:00`` (UTC) as nanoseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def times(first: str, count: int, freq: str) -> np.ndarray:
    return at(first) + np.arange(count, dtype=np.int64) * step_of(freq)


def walk(opens: np.ndarray, step: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Prices that are a function of time alone, so that every step of one market agrees with the others."""

    def price(ns: np.ndarray) -> np.ndarray:
        hours = ns / HOUR
        return 100.0 + 10.0 * np.sin(hours / (37.0 + seed)) + 3.0 * np.sin(hours / 5.3 + seed)

    fine = max(step // HOUR, 1)
    path = np.stack([price(opens + k * step // fine) for k in range(fine + 1)])
    rng = np.random.default_rng(seed)
    return {
        "open": path[0],
        "high": path.max(axis=0) * 1.001,
        "low": path.min(axis=0) * 0.999,
        "close": path[-1],
        "volume": rng.uniform(10.0, 20.0, len(opens)),
    }


def put(
    folder: Path, kind: str, asset: str, freq: str, opens: np.ndarray, *, seed: int = 1, contract: str = "", **columns
) -> Path:
    """Write bars that open at ``opens``; ``columns`` replace the made-up ones."""
    values = walk(opens, step_of(freq), seed) | {name: np.asarray(v, dtype=float) for name, v in columns.items()}
    return write(folder, kind, asset, freq, frame(opens, values), contract=contract)


def put_rates(
    folder: Path, asset: str, stamps: np.ndarray, rates: Sequence[float] | np.ndarray, freq: str = "8h"
) -> Path:
    return write(folder, "funding", asset, freq, frame(stamps, {"rate": np.asarray(rates, dtype=float)}))


def put_closes(folder: Path, kind: str, name: str, opens: Iterable[int], closes: Sequence[float]) -> Path:
    values = {"close": np.asarray(closes, dtype=float)}
    return write(folder, kind, name, "1d", frame(np.asarray(list(opens), dtype=np.int64), values))


def frame(opens: np.ndarray, values: dict[str, np.ndarray]) -> pl.DataFrame:
    stamps = pl.Series("timestamp", opens, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame({"timestamp": stamps, **values})


def simple(folder: Path, days: int = 30, first: str = "2022-01-01") -> Path:
    """BTC and ETH: spot hourly and daily, perpetuals four-hourly, funding every 8 hours, macro series."""
    for seed, asset in enumerate(("BTC", "ETH"), 1):
        put(folder, "spot", asset, "1h", times(first, 24 * days, "1h"), seed=seed)
        put(folder, "spot", asset, "1d", times(first, days, "1d"), seed=seed)
        put(folder, "perp", asset, "4h", times(first, 6 * days, "4h"), seed=seed)
        put_rates(folder, asset, times(first, 3 * days, "8h"), np.linspace(1e-4, 2e-4, 3 * days))
    put_closes(folder, "macro", "FNG", times(first, days, "1d"), np.linspace(20.0, 80.0, days))
    return folder
