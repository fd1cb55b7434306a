"""Constructed markets: bars that a test writes down itself, made ready for a backtest without a file or a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hedgerow.model import measure
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.market import Floats, Market
from hedgerow.research.backtest import Stage
from hedgerow.units import NS_PER_DAY

FIRST_NS = 1_577_836_800_000_000_000  # 2020-01-01


def universe(assets: Sequence[str], futures: Sequence[Instrument] | None = None, *, least: float = 0.0) -> Universe:
    """Spot markets without lots, and a linear perpetual each unless futures are given."""
    spots = tuple(Instrument(f"{a}/USDT", a, minimum_notional=least) for a in assets)
    if futures is None:
        futures = [Instrument(f"{a}/USDT:USDT", a, kind=Kind.PERPETUAL, minimum_notional=least) for a in assets]
    return Universe(tuple(assets), "USDT", spots + tuple(futures))


def stage(
    closes: Mapping[str, Sequence[float]], *, futures: Sequence[Instrument] | None = None, per_day: int = 1,
    opens: Mapping[str, Sequence[float]] | None = None, highs: Mapping[str, Sequence[float]] | None = None,
    funding: float | Floats = 0.0, signals: Mapping[str, Any] | None = None, warm: int = 0,
) -> Stage:  # fmt: skip
    """A market of T bars, ``per_day`` to a day. Keys are assets or symbols; a contract without its own prices has the
    spot's. An open is the last close and a high the greater of both, unless given. ``funding`` is a rate for every bar.
    """
    assets = [name for name in closes if "/" not in name]
    where = universe(assets, futures)
    symbols = [it.symbol if it.symbol in closes else it.asset for it in where.instruments]
    close = np.array([closes[name] for name in symbols], dtype=float).T.copy()
    carried = close.copy()
    for t in range(1, len(close)):
        carried[t] = np.where(np.isnan(close[t]), carried[t - 1], close[t])
    before = np.vstack([close[:1], carried[:-1]])
    opened = before.copy()
    high = np.fmax(opened, close)
    for given, block in ((opens, opened), (highs, high)):
        for i, it in enumerate(where.instruments):
            name = it.symbol if given and it.symbol in given else it.asset
            if given and name in given:
                block[:, i] = given[name]
    bars, days = close.shape[0], close.shape[0] // per_day
    opened[np.isnan(close)] = np.nan
    day = np.where(np.arange(bars) % per_day == per_day - 1, np.arange(bars) // per_day, -1).astype(np.int32)
    rates = np.zeros(close.shape)
    rates[:, len(assets) :] = funding if np.ndim(funding) == 0 else np.asarray(funding).reshape(bars, -1)
    fresh = np.isfinite(close).astype(np.uint8)
    market = Market(
        where, FIRST_NS + np.arange(bars, dtype=np.int64) * (NS_PER_DAY // per_day), NS_PER_DAY // per_day, opened, high,
        np.fmin(opened, close), carried, fresh, rates, day, FIRST_NS + np.arange(days, dtype=np.int64) * NS_PER_DAY,
    )  # fmt: skip
    panel = np.full((warm + days, measure.COUNT, len(assets)), np.nan)
    panel[warm:, measure.INDEX["close"]] = carried[per_day - 1 :: per_day, : len(assets)]
    panel[:, measure.INDEX["quote_usd"]] = 1.0
    panel[:, measure.INDEX["bars"]] = 730.0
    for name, values in (signals or {}).items():
        block = np.asarray(values, dtype=float)
        panel[:, measure.INDEX[name]] = block if block.ndim != 1 else block[:, None]
    return Stage(market, np.ascontiguousarray(panel[warm:]), np.ascontiguousarray(panel[:warm]), simulated=True)
