"""What a run was made from: the files, the clock of every market, and what was missing, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from hedgerow.model.instrument import Kind
from hedgerow.model.market import Ints
from hedgerow.store.files import STEPS, Bars, DataFile, Depth, Rates, stamp, step_of
from hedgerow.store.tape import AssetHistory, History, Tape, gaps, stitch, symbol_of
from hedgerow.store.tiers import find_tiers
from hedgerow.units import NS_PER_DAY

Row: TypeAlias = dict[str, object]
MOST = 50  # outages listed one by one; the count is always whole


def coverage(history: History, files: Sequence[DataFile]) -> Row:
    """The report on a history's data, for JSON and people. Times are UTC; a day alone is its midnight.

    ``files``: used, with rows, first and last bar inside the window. ``clocks``: for each market the periods and
    steps of its tape inside the run. ``outages``: spans without a bar. ``funding_gaps``: spans in
    which a payment is missing. ``missing``: sentences on what the run has to do without. ``unused``: files that were
    left aside, with why. ``margin_tiers``: by asset, "file", or "stand-in" where the folder has no table.
    """
    used = _used(history)
    tapes = {name: (series, stitch(series)) for one in history.series for name, series in _markets(history, one)}
    window = history.start_ns, history.end_ns
    holes = _spans({symbol: gaps(tape, *window) for symbol, (_, tape) in tapes.items()})
    dry = _spans({one.asset: funding_gaps(one.funding, *window) for one in history.series if one.funding is not None})
    return {
        "folder": str(history.folder),
        "quote": history.quote,
        "start": stamp(history.start_ns),
        "end": stamp(history.end_ns - NS_PER_DAY),
        "days": (history.end_ns - history.start_ns) // NS_PER_DAY,
        "warmup_days": history.offset,
        "axis": next(freq for freq in STEPS if step_of(freq) == history.step_ns),
        "rows": (history.end_ns - history.start_ns) // history.step_ns,
        "files": [_file(series) for series in used],
        "clocks": {symbol: _clock(series, tape, history) for symbol, (series, tape) in tapes.items()},
        "outages": holes[:MOST],
        "outages_count": len(holes),
        "funding_gaps": dry[:MOST],
        "funding_gaps_count": len(dry),
        "missing": _missing(history, {symbol: tape for symbol, (_, tape) in tapes.items()}),
        "unused": _unused(history, files, {series.file for series in used}),
        "margin_tiers": {
            one.asset: "file" if find_tiers(history.folder, one.asset) else "stand-in"
            for one in history.series if one.perp or one.dated
        },
    }  # fmt: skip


def _markets(history: History, one: AssetHistory) -> list[tuple[str, tuple[Bars, ...]]]:
    """The markets of an asset that have data, with their series."""
    found = [(symbol_of(one.asset, history.quote, Kind.SPOT), one.spot)]
    if one.perp:
        found.append((symbol_of(one.asset, history.quote, Kind.PERPETUAL), one.perp))
    names = (symbol_of(one.asset, history.quote, Kind.DATED, contract[0].file.contract) for contract in one.dated)
    return [*found, *zip(names, one.dated)]


def _used(history: History) -> list[Bars | Rates | Depth]:
    out: list[Bars | Rates | Depth] = []
    for one in history.series:
        out += [*one.spot, *one.perp, *(bars for contract in one.dated for bars in contract)]
        out += [series for series in (one.funding, one.fundamental, one.depth) if series is not None]
    out += list(history.macro.values())
    out += [history.stable] if history.stable is not None else []
    names = {series.file for series in out}
    out += [bars for bars in history.dollar or () if bars.file not in names]
    return out


def _file(series: Bars | Rates | Depth) -> Row:
    times = series.stamp_ns if isinstance(series, Rates) else series.open_ns
    first, last = (stamp(times[0]), stamp(times[-1])) if len(times) else (None, None)
    return {"file": series.file.name, "step": series.file.freq, "rows": len(times), "first": first, "last": last}


def _clock(series: Sequence[Bars], tape: Tape, history: History) -> list[Row]:
    """Periods of one step inside the run, in order: opening of the first bar, close of the last, bars."""
    inside = (tape.open_ns >= history.start_ns) & (tape.open_ns < history.end_ns)
    opens, closes = tape.open_ns[inside], tape.close_ns[inside]
    if len(opens) == 0:
        return []
    steps = np.zeros(len(opens), dtype=np.int64)
    for bars in reversed(series):  # the finest last: where two open together, it is the one used
        at = np.searchsorted(bars.open_ns, opens)
        steps[np.append(bars.open_ns, -1)[at] == opens] = bars.file.step_ns
    edges = np.flatnonzero(np.diff(steps)) + 1
    first = np.concatenate([[0], edges])
    last = np.concatenate([edges, [len(opens)]]) - 1
    names = {step_of(freq): freq for freq in STEPS}
    return [
        {"step": names[int(steps[a])], "first": stamp(opens[a]), "until": stamp(closes[b]), "bars": int(b - a + 1)}
        for a, b in zip(first, last)
    ]


def funding_gaps(rates: Rates, start_ns: int, end_ns: int) -> Ints:
    """Spans [n, 2] inside [start, end) between payments that lie further apart than the usual interval."""
    first, last = rates.stamp_ns[:-1], rates.stamp_ns[1:]
    wide = (last - first > rates.file.step_ns) & (last > start_ns) & (first < end_ns)
    return np.ascontiguousarray(np.column_stack([first[wide], last[wide]]))


def _spans(found: dict[str, Ints]) -> list[Row]:
    """Spans in order of time, each with the names that share it: an outage of a venue is one row."""
    shared: dict[tuple[int, int], list[str]] = {}
    for name, spans in found.items():
        for first, until in spans.tolist():
            shared.setdefault((first, until), []).append(name)
    return [{"first": stamp(a), "until": stamp(b), "of": names} for (a, b), names in sorted(shared.items())]


def _missing(history: History, tapes: dict[str, Tape]) -> list[str]:
    """What the run has to do without, one sentence each."""
    out = []
    for one in history.series:
        if not one.perp:
            out.append(f"{one.asset} has no perpetual: it can be sold or cross-hedged, not hedged by its own future.")
        elif one.funding is None or len(one.funding.stamp_ns) == 0:
            out.append(f"{one.asset} has no funding: what its hedge earns or costs is unknown.")
        if not any(bars.file.freq == "1h" for bars in one.spot):
            out.append(f"{one.asset} has no hourly spot: its realised volatility comes from daily ranges.")
    for symbol, tape in tapes.items():
        inside = (tape.open_ns >= history.start_ns) & (tape.open_ns < history.end_ns)
        if not inside.any():
            out.append(f"{symbol} has no bar in the run.")
            continue
        first, last = int(tape.open_ns[inside][0]), int(tape.close_ns[inside][-1])
        if first >= history.start_ns + NS_PER_DAY and not np.any(tape.open_ns < history.start_ns):
            out.append(f"{symbol} begins on {stamp(first)}.")
        if last <= history.end_ns - NS_PER_DAY and symbol.count("-") == 0:  # a dated contract ends on purpose
            out.append(f"{symbol} ends on {stamp(last)}; it is marked at its last price from then on.")
    names = {"FNG": "fear and greed index", "VIX": "VIX", "DXY": "dollar index", "EFFR": "overnight rate"}
    out += [f"There is no {text} (macro_{name}_1d)." for name, text in names.items() if name not in history.macro]
    if history.stable is None and history.dollar is None:
        out.append(f"The price of {history.quote} in dollars is unknown (stable_{history.quote}_1d).")
    if not any(one.dated for one in history.series):
        out.append("There are no dated contracts: the basis of dated futures is unknown.")
    return out


def _unused(history: History, files: Sequence[DataFile], used: set[DataFile]) -> list[Row]:
    """Files of these assets that the run leaves aside, and why."""
    out: list[Row] = []
    for file in files:
        if file in used or file.venue or (file.asset not in history.assets and file.kind != "macro"):
            continue
        if file.kind == "dated" and file.expiry_ns is None:
            why = "a spliced series: without its contracts neither expiry nor roll is known"
        elif file.kind == "dated":
            why = "the contract has no bar in the window"
        elif file.kind in ("mark", "macro"):
            why = "no measure reads it"
        elif file.kind == "funding":
            why = "another funding file of the asset is used"
        elif file.kind in ("fundamental", "depth"):
            why = "only daily values are read"
        else:
            why = f"bars of {file.freq}: a run uses {', '.join(STEPS)}"
        out.append({"file": file.name, "why": why})
    return out
