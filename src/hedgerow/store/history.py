"""Recorded markets: read a data folder for a run, and hand it over as the kernel's `Market` and the signals' `Daily`.

history = load(Path("data"), ["BTC", "ETH"], start=date(2022, 1, 1), end=date(2022, 12, 31))
panels, days = market(history), daily(history)
days.close[history.offset:]        # the days that panels.day indexes
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.model.market import Floats, Ints
from hedgerow.store.axis import market
from hedgerow.store.coverage import coverage
from hedgerow.store.days import daily, daily_bars
from hedgerow.store.faults import refuse, refuse_rates
from hedgerow.store.files import STEPS, Bars, DataFile, Rates, read_bars, read_depth, read_rates, scan, stamp, step_of
from hedgerow.store.tape import AssetHistory, History
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND

__all__ = ["History", "assets_of", "closes", "daily", "load", "market", "quotes_of"]

MACRO: Final = ("FNG", "VIX", "DXY", "EFFR")
WARMUP_DAYS: Final = 1_215  # what signals read (850) and a year for the regime to find its row


def assets_of(folder: Path) -> tuple[str, ...]:
    """The assets of a data folder that have a spot market, in order of name. Raises ConfigError without the folder."""
    return tuple(sorted({file.asset for file in scan(folder) if file.kind == "spot" and not file.venue}))


def quotes_of(folder: Path) -> tuple[str, ...]:
    """What the prices of a data folder can be in: USDT, and the stablecoins whose own price it has (stable_USDC_1d)."""
    stable = sorted(file.asset for file in scan(folder) if file.kind == "stable" and not file.venue)
    return tuple(dict.fromkeys(("USDT", *stable)))


def load(
    folder: Path,
    assets: Sequence[str],
    *,
    start: date | None = None,
    end: date | None = None,
    quote: str = "USDT",
    warmup_days: int = WARMUP_DAYS,
) -> History:
    """Read, check and cut what a run of ``assets`` from ``start`` to ``end`` needs.

    ``start`` and ``end`` name daily bars by their opening date, inclusive; without them the run covers all complete
    days of the assets' spot markets. Up to ``warmup_days`` days before ``start`` are kept for signals. Raises
    ConfigError (with where and fix) for a missing folder, an unknown asset, days outside the data, and any file that
    cannot be used.
    """
    files = scan(folder)
    _check_assets(folder, files, assets)
    series = [_read_asset(files, asset) for asset in assets]
    start_ns, end_ns = _window(series, start, end)
    first_ns = min(int(bars.open_ns[0]) for one in series for bars in one.spot if len(bars.open_ns))
    warm_ns = max(start_ns - max(warmup_days, 0) * NS_PER_DAY, first_ns // NS_PER_DAY * NS_PER_DAY)
    cut = tuple(_cut(one, warm_ns, end_ns) for one in series)
    macro = {name: bars for name in MACRO if (bars := _read_macro(files, "macro", name, end_ns)) is not None}
    stable = _read_macro(files, "stable", quote, end_ns)
    dollar = None if stable is not None else _read_dollar(files, quote, end_ns)
    step_ns = _axis_step(folder, cut, start_ns, end_ns)
    bare = History(
        folder, quote, tuple(assets), start_ns, end_ns, warm_ns, step_ns, cut, macro, stable, dollar, coverage={}
    )
    bare.coverage.update(coverage(bare, files))
    return bare


def closes(folder: Path, assets: Sequence[str]) -> tuple[Ints, Floats]:
    """All days [D] of the assets' spot markets, and their closes [D, A]: as `load` and `daily`, of the spot files alone."""
    files = scan(folder)
    _check_assets(folder, files, assets)
    series = [AssetHistory(asset, _read_spot(files, asset)) for asset in assets]
    days = np.arange(*_window(series, None, None), NS_PER_DAY, dtype=np.int64)
    return days, np.column_stack([daily_bars(one.spot, days)[3] for one in series])


def _check_assets(folder: Path, files: Sequence[DataFile], assets: Sequence[str]) -> None:
    """Every asset is named once and has a spot file that an axis can use."""
    if isinstance(assets, str) or not assets:
        raise ConfigError("no asset is named", where="assets", fix="Name at least one, for example BTC,ETH.")
    spot = sorted({file.asset for file in files if file.kind == "spot" and not file.venue and file.freq in STEPS})
    there = f"This folder has {', '.join(spot)}." if spot else "This folder has no spot files (spot_BTC_1d.parquet)."
    for i, asset in enumerate(assets):
        if asset in assets[:i]:
            raise ConfigError(f"{asset} stands twice", where="assets", fix="Name every asset once.")
        if asset in spot:
            continue
        if any(file.asset == asset and file.kind == "perp" for file in files):
            raise ConfigError(
                f"{asset} has a perpetual but no spot prices", where=str(folder), fix=f"Add spot_{asset}_1d. {there}"
            )
        near = difflib.get_close_matches(asset.upper(), spot, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(f'there is no asset "{asset}"', where=str(folder), fix=hint + there)


def _of(files: Sequence[DataFile], kind: str, asset: str) -> list[DataFile]:
    """The main venue's files of a kind and asset that an axis can use, finest first."""
    found = [f for f in files if f.kind == kind and f.asset == asset and not f.venue and f.freq in STEPS]
    return sorted(found, key=lambda file: file.step_ns)


def _read_spot(files: Sequence[DataFile], asset: str) -> tuple[Bars, ...]:
    return tuple(refuse(read_bars(file)) for file in _of(files, "spot", asset))


def _read_asset(files: Sequence[DataFile], asset: str) -> AssetHistory:
    """All series of one asset, whole and checked."""
    spot = _read_spot(files, asset)
    perp = tuple(refuse(read_bars(file)) for file in _of(files, "perp", asset))
    contracts: dict[int, list[Bars]] = {}
    for file in _of(files, "dated", asset):
        if file.expiry_ns is not None:
            contracts.setdefault(file.expiry_ns, []).append(refuse(read_bars(file)))
    dated = tuple(tuple(contracts[expiry]) for expiry in sorted(contracts))
    own = [file for file in files if file.asset == asset and not file.venue]
    payments = sorted((f for f in own if f.kind == "funding"), key=lambda f: (f.freq != "8h", f.step_ns))
    funding = refuse_rates(read_rates(payments[0])) if payments else None
    value = next((f for f in own if f.kind == "fundamental" and f.freq == "1d"), None)
    deep = next((f for f in own if f.kind == "depth" and f.freq == "1d"), None)
    known = _read_index(value) if value else None
    return AssetHistory(asset, spot, perp, dated, funding, known, read_depth(deep) if deep else None)


def _read_index(file: DataFile) -> Bars:
    """A series of single values; days without a value are left out (they are unknown, not wrong)."""
    bars = read_bars(file)
    return refuse(bars.where(~np.isnan(bars.close)))


def _read_macro(files: Sequence[DataFile], kind: str, name: str, end_ns: int) -> Bars | None:
    file = next((f for f in files if (f.kind, f.asset, f.freq, f.venue) == (kind, name, "1d", "")), None)
    return _before(_read_index(file), end_ns) if file else None


def _read_dollar(files: Sequence[DataFile], quote: str, end_ns: int) -> tuple[Bars, Bars] | None:
    """BTC in quote and BTC in dollars (Coinbase), whose ratio is the price of the quote; None where one is missing."""
    names = {(f.kind, f.asset, f.freq, f.venue): f for f in files}
    ours, theirs = names.get(("spot", "BTC", "1d", "")), names.get(("spot", "BTC", "1d", "coinbase"))
    if ours is None or theirs is None or quote == "USD":
        return None
    return _before(refuse(read_bars(ours)), end_ns), _before(refuse(read_bars(theirs)), end_ns)


def _before(bars: Bars, end_ns: int) -> Bars:
    return bars.where(bars.open_ns < end_ns)


def _cut(one: AssetHistory, warm_ns: int, end_ns: int) -> AssetHistory:
    """What a window needs: a day before it (the first return starts from its close), and nothing after it."""

    def bars(part: Bars) -> Bars:
        return part.where((part.open_ns >= warm_ns - NS_PER_DAY) & (part.close_ns <= end_ns))

    rates: Rates | None = one.funding
    if rates is not None:
        rates = rates.where((rates.stamp_ns >= warm_ns - NS_PER_DAY) & (rates.stamp_ns < end_ns))
    dated = tuple(tuple(bars(part) for part in contract) for contract in one.dated)
    seen = tuple(contract for contract in dated if any(len(part.open_ns) for part in contract))
    spot, perp = tuple(map(bars, one.spot)), tuple(map(bars, one.perp))
    value = _before(one.fundamental, end_ns) if one.fundamental else None
    return AssetHistory(one.asset, spot, perp, seen, rates, value, one.depth)


def _window(series: Sequence[AssetHistory], start: date | None, end: date | None) -> tuple[int, int]:
    """Opening of the first day and close of the last, checked against the spot data."""
    spans = [(int(b.open_ns[0]), int(b.close_ns[-1])) for one in series for b in one.spot if len(b.open_ns)]
    names = ", ".join(one.asset for one in series)
    if not spans:
        raise ConfigError("the spot files hold no bars", where=names, fix="Fetch the files again.")
    first = min(opens for opens, _ in spans) // NS_PER_DAY
    last = max(closes for _, closes in spans) // NS_PER_DAY - 1
    reach = f"Choose days from {stamp(first * NS_PER_DAY)} to {stamp(last * NS_PER_DAY)}: what the data has of {names}."
    if last < first:
        raise ConfigError("the spot files hold not one complete day", where=names, fix="Fetch more data.")
    from_day, to_day = _day(start, first), _day(end, last)
    for option, day, given in (("start", from_day, start), ("end", to_day, end)):
        if not first <= day <= last:
            raise ConfigError(f"{given} lies outside the data", where=option, fix=reach)
    if from_day > to_day:
        shown = (stamp(from_day * NS_PER_DAY), stamp(to_day * NS_PER_DAY))
        raise ConfigError(f"the start {shown[0]} is after the end {shown[1]}", where="start", fix=reach)
    start_ns, end_ns = from_day * NS_PER_DAY, (to_day + 1) * NS_PER_DAY
    if not any(np.any((b.open_ns >= start_ns) & (b.close_ns <= end_ns)) for one in series for b in one.spot):
        shown = (stamp(start_ns), stamp(end_ns - NS_PER_DAY))
        raise ConfigError(f"there is no bar of {names} from {shown[0]} to {shown[1]}", where="start, end", fix=reach)
    return start_ns, end_ns


def _day(given: date | None, otherwise: int) -> int:
    if given is None:
        return otherwise
    when = datetime(given.year, given.month, given.day, tzinfo=UTC)
    return int(when.timestamp()) * NS_PER_SECOND // NS_PER_DAY


def _axis_step(folder: Path, series: Sequence[AssetHistory], start_ns: int, end_ns: int) -> int:
    """The finest step that any spot or perpetual market has inside the run."""
    used = [bars for one in series for bars in (*one.spot, *one.perp)]
    steps = [b.file.step_ns for b in used if np.any((b.open_ns >= start_ns) & (b.open_ns < end_ns))]
    if not steps:
        raise ConfigError("the run's days have no bar", where=str(folder), fix="Choose other days.")
    return min(*steps, step_of("1d"))
