"""Made markets for the tests of signals: random walks with what real data lack."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from hedgerow.model.market import Daily, Floats
from hedgerow.units import NS_PER_DAY

FIRST_NS = 1_577_836_800_000_000_000  # 2020-01-01
PRICES = ("open", "high", "low", "close", "perp_close", "dated_close")
OHLC = np.array(  # domain 5.2
    [[100, 103, 99, 102], [102, 104, 100, 101], [101, 105, 100, 104], [104, 109, 103, 108],
     [108, 110, 105, 107], [107, 108, 101, 103], [103, 106, 102, 105], [105, 109, 104, 108]], dtype=np.float64,
)  # fmt: skip
SAMPLE = np.array(  # domain 5.2, 8 x 3 returns
    [[0.02, 0.03, 0.05], [-0.01, -0.015, -0.03], [0.005, 0.01, -0.01], [-0.03, -0.035, -0.06], [0.015, 0.02, 0.04],
     [0, -0.005, 0.02], [-0.02, -0.01, -0.03], [0.025, 0.03, 0.01]],
)  # fmt: skip


def daily(seed: int = 0, days: int = 400, assets: int = 3, *, gaps: int = 0, hourly: bool = True) -> Daily:
    """A market of random walks: later listings, weekends without macro data, and ``gaps`` stretches of NaN."""
    rng = np.random.default_rng(seed)
    shape = (days, assets)
    steps = rng.standard_t(4, shape) * 0.02 + rng.standard_t(4, (days, 1)) * 0.02
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    opened = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 1e-4, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, shape)))
    weekday = np.arange(days) % 7 < 5
    out = Daily(
        assets=tuple(f"A{i}" for i in range(assets)),
        days_ns=FIRST_NS + np.arange(days, dtype=np.int64) * NS_PER_DAY,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=rng.uniform(1e3, 1e4, shape),
        realised=np.where(rng.random(shape) < (0.995 if hourly else 0.0), steps * steps + 1e-5, np.nan),
        perp_close=close * np.exp(rng.normal(0, 5e-4, shape)),
        perp_volume=rng.uniform(1e4, 1e5, shape),
        funding_sum=rng.normal(3e-4, 3e-4, shape),
        funding_hours=np.full(shape, 24.0),
        funding_last3=rng.normal(1e-4, 1e-4, shape),
        dated_close=close[:, :, None] * np.exp(rng.normal(0.02, 0.01, (days, assets, 2))),
        dated_days=np.stack([np.broadcast_to(np.arange(days)[:, None] % 90 + k, shape) for k in (1.0, 91.0)], axis=2),
        fear=np.where(np.arange(days) % 50 < 40, rng.uniform(5, 95, days), np.nan),
        vix=np.where(weekday, rng.uniform(10, 40, days), np.nan),
        dxy=100.0 + np.cumsum(rng.normal(0, 0.3, days)),
        rate=np.round(np.cumsum(rng.normal(0, 1e-4, days)), 4),
        quote_usd=rng.normal(1.0, 1e-3, days),
        fundamental=rng.normal(0, 1, shape).cumsum(axis=0),
        half_spread=rng.uniform(5e-5, 5e-4, (*shape, 2)),
        depth=rng.uniform(1e5, 1e7, (*shape, 2)),
        market_asset=0,
    )
    for a in range(1, assets):  # listed later
        for name in panels():
            getattr(out, name)[: a * days // 8, a] = np.nan
    for _ in range(gaps):
        name = panels()[rng.integers(len(panels()))]
        first = int(rng.integers(days))
        getattr(out, name)[first : first + int(rng.integers(1, 20)), rng.integers(assets)] = np.nan
    return out


def panels() -> list[str]:
    """The fields of Daily with a column for each asset."""
    market = {"assets", "days_ns", "fear", "vix", "dxy", "rate", "quote_usd", "market_asset"}
    return [field.name for field in fields(Daily) if field.name not in market]


def series() -> list[str]:
    """The fields of Daily with a row for each day, but for the days themselves."""
    return [*panels(), "fear", "vix", "dxy", "rate", "quote_usd"]


def cut(market: Daily, first: int, last: int) -> Daily:
    """The rows ``first`` to ``last - 1`` of a market."""
    return replace(market, **{name: getattr(market, name)[first:last].copy() for name in [*series(), "days_ns"]})


def column(values: list[float] | Floats) -> Floats:
    """One asset's series as [D, 1]."""
    return np.asarray(values, dtype=np.float64).reshape(-1, 1)
