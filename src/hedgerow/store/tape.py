"""What was loaded, and how the series of one market become one tape in which every bar is used once.

A market may have several series: four-hourly in one year, hourly later. `stitch` takes the finest bar there is: a
coarse bar is used only where no finer bar opened inside it. Hours that are missing between finer bars stay missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.margin import DEFAULT_TIERS
from hedgerow.model.market import Floats, Ints
from hedgerow.store.files import PRICES, Bars, Depth, Rates
from hedgerow.store.tiers import find_tiers
from hedgerow.units import NS_PER_DAY


@dataclass(frozen=True, slots=True)
class Tape:
    """N bars of one market in order of opening, of mixed steps and never overlapping. All arrays are [N]."""

    open_ns: Ints
    close_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """Everything that was loaded of one asset; the series of a market stand in order of step, finest first."""

    asset: str
    spot: tuple[Bars, ...]
    perp: tuple[Bars, ...] = ()
    dated: tuple[tuple[Bars, ...], ...] = ()  # a contract each, by expiry
    funding: Rates | None = None
    fundamental: Bars | None = None
    depth: Depth | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The raw series of a run, cut to its window and checked.

    The run covers daily bars that open in [``start_ns``, ``end_ns``); data from ``warm_ns`` on feeds signals only.
    ``step_ns`` is the step of the run's axis. ``macro`` holds the series by name (FNG, VIX, DXY, EFFR); ``stable`` and
    ``dollar`` are what the price of the quote in dollars is made from. ``coverage`` says what was used and what is
    missing, in plain values that JSON can carry.
    """

    folder: Path
    quote: str
    assets: tuple[str, ...]
    start_ns: int
    end_ns: int
    warm_ns: int
    step_ns: int
    series: tuple[AssetHistory, ...]
    macro: dict[str, Bars]
    stable: Bars | None
    dollar: tuple[Bars, Bars] | None  # BTC in quote, BTC in US dollars
    coverage: dict[str, object]

    @property
    def offset(self) -> int:
        """Row in ``Daily`` of the run's first day: ``market.day`` indexes the panels from here on."""
        return (self.start_ns - self.warm_ns) // NS_PER_DAY

    @property
    def days_ns(self) -> Ints:
        """Opening times [D] of warm-up and run days."""
        return np.arange(self.warm_ns, self.end_ns, NS_PER_DAY, dtype=np.int64)


def stitch(series: Sequence[Bars]) -> Tape:
    """One tape from the series of a market, finest first; a coarse bar is used where no finer bar opens inside it."""
    if len(series) == 1:  # as most are, dated contracts above all: a checked series is in order
        return Tape(series[0].open_ns, series[0].close_ns, *(getattr(series[0], name) for name in PRICES))
    taken = np.zeros(0, dtype=np.int64)
    kept: list[Bars] = []
    for bars in series:
        ends = bars.open_ns + bars.file.step_ns
        empty = np.searchsorted(taken, bars.open_ns) == np.searchsorted(taken, ends)
        kept.append(bars.where(empty))
        taken = np.sort(np.concatenate([taken, bars.open_ns[empty]]))
    if not kept:
        nothing = np.zeros(0)
        return Tape(taken, taken, nothing, nothing, nothing, nothing, nothing)
    opens = np.concatenate([bars.open_ns for bars in kept])
    order = np.argsort(opens, kind="stable")
    columns = (np.concatenate([getattr(bars, name) for bars in kept])[order] for name in PRICES)
    return Tape(opens[order], np.concatenate([bars.close_ns for bars in kept])[order], *columns)


def gaps(tape: Tape, start_ns: int, end_ns: int) -> Ints:
    """Spans [n, 2] inside [start, end) and between the tape's bars for which there is no bar: its outages."""
    if len(tape.open_ns) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    first, last = tape.close_ns[:-1], tape.open_ns[1:]
    inside = (last > first) & (last > start_ns) & (first < end_ns)
    spans = np.column_stack([np.maximum(first, start_ns), np.minimum(last, end_ns)])
    return np.ascontiguousarray(spans[inside])


def symbol_of(asset: str, quote: str, kind: Kind, contract: str = "") -> str:
    """The unified symbol: ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USDT:USDT-230630``."""
    if kind is Kind.SPOT:
        return f"{asset}/{quote}"
    if kind is Kind.PERPETUAL:
        return f"{asset}/{quote}:{quote}"
    return f"{asset}/{quote}:{quote}-{contract[2:]}"


def universe_of(history: History, market_asset: int) -> Universe:
    """Every market that the run's days have: spot by asset, then perpetuals, then dated contracts by expiry.

    Margin tiers are the folder's (``store.tiers``), else a stand-in that is no easier than a venue's.
    """
    spot, perp, dated = [], [], []
    for one in history.series:
        spot.append(Instrument(symbol_of(one.asset, history.quote, Kind.SPOT), one.asset, history.quote))
        tiers = find_tiers(history.folder, one.asset) or DEFAULT_TIERS
        if _seen(one.perp, history):
            symbol = symbol_of(one.asset, history.quote, Kind.PERPETUAL)
            perp.append(Instrument(symbol, one.asset, history.quote, Kind.PERPETUAL, tiers=tiers))
        for contract in one.dated:
            if _seen(contract, history):
                file = contract[0].file
                symbol = symbol_of(one.asset, history.quote, Kind.DATED, file.contract)
                expiry = file.expiry_ns
                dated.append(Instrument(symbol, one.asset, history.quote, Kind.DATED, tiers=tiers, expiry_ns=expiry))
    return Universe(history.assets, history.quote, (*spot, *perp, *dated), market_asset)


def _seen(series: tuple[Bars, ...], history: History) -> bool:
    return any(bool(np.any((bars.open_ns >= history.start_ns) & (bars.open_ns < history.end_ns))) for bars in series)
