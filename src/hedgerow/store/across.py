"""Findings that need several files: outages and moves that all share, old files, steps and markets that disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from hedgerow.model.market import Ints
from hedgerow.store import faults
from hedgerow.store.files import BARS, Bars, DataFile, Rates, stamp
from hedgerow.store.finding import (
    LONG_WEEKEND,
    MARKETS,
    Finding,
    counted,
    gaps_of,
    group_of,
    of_gaps,
    of_rows,
    times_of,
)
from hedgerow.store.tape import stitch

FAR: Final = 0.10  # perp over spot - 1
AGREE: Final = 1e-6  # relative difference of one close in two files
MARKET_MOVE: Final = 3  # assets that jump at one moment
MOST_OUTAGES: Final = 25  # listed one by one for each group


def compare(series: Sequence[Bars | Rates], moves: dict[str, tuple[int, ...]]) -> Iterator[Finding]:
    """All findings between files; ``moves`` as `shared_moves` gives them."""
    yield from _moves(series, moves)
    yield from _holes(series)
    yield from _old(series)
    yield from _disagreements(series)
    yield from _premiums(series)


def shared_moves(series: Sequence[Bars | Rates]) -> dict[str, tuple[int, ...]]:
    """Opening times, by group, at which at least 3 assets jumped: the market moved, no file is wrong."""
    times: dict[str, list[Ints]] = {}
    for one in series:
        if isinstance(one, Bars) and one.file.kind not in faults.SIGNED:
            times.setdefault(group_of(one.file), []).append(np.unique(one.open_ns[faults.jumps(one)[1]]))
    shared = {}
    for group, parts in times.items():
        at, count = np.unique(np.concatenate(parts), return_counts=True)
        shared[group] = tuple(at[count >= MARKET_MOVE].tolist())
    return shared


def _moves(series: Sequence[Bars | Rates], moves: dict[str, tuple[int, ...]]) -> Iterator[Finding]:
    """One note for each moment at which the whole market jumped."""
    for group, moments in moves.items():
        members = [one for one in series if isinstance(one, Bars) and group_of(one.file) == group] if moments else []
        moved = [(one.file.asset, one.open_ns[faults.jumps(one)[1]]) for one in members]
        for at in moments:
            assets = sorted(asset for asset, times in moved if at in times)
            sentence = f"{', '.join(assets)} jumped together on {stamp(at)}: the market moved, it seems"
            yield Finding(group, "note", "jump", at, len(assets), sentence)


def _holes(series: Sequence[Bars | Rates]) -> Iterator[Finding]:
    """Gaps: those that most files of a group share are outages of the venue; the rest belong to their file."""
    groups: dict[str, list[Bars | Rates]] = {}
    for one in series:
        groups.setdefault(group_of(one.file), []).append(one)
    for group, members in groups.items():
        holders: dict[tuple[int, int], list[DataFile]] = {}
        for one in members:
            for first, until in gaps_of(one).tolist():
                holders.setdefault((first, until), []).append(one.file)
        reach = [(int(times_of(one).min()), int(times_of(one).max())) for one in members]
        shared = {
            span: files
            for span, files in holders.items()
            if len(files) > 1 and 2 * len(files) > sum(a < span[0] and span[1] <= b for a, b in reach)
        }
        yield from _outages(group, shared)
        for one in members:
            own = [(first, until) for first, until in gaps_of(one).tolist() if (first, until) not in shared]
            if own:
                yield of_gaps(one.file, own)


def _outages(group: str, shared: dict[tuple[int, int], list[DataFile]]) -> Iterator[Finding]:
    """The longest outages one by one, the rest as a count."""
    spans = sorted(shared.items(), key=lambda item: (item[0][0] - item[0][1], item[0][0]))
    for (first, until), files in spans[:MOST_OUTAGES]:
        bars = (until - first) // files[0].step_ns
        span = f"from {stamp(first)} to {stamp(until)}" if bars > 1 else f"at {stamp(first)}"
        assets = ", ".join(sorted(file.asset for file in files))
        sentence = f"{counted(bars, files[0])} missing {span} in all of {assets}: the venue was down, it seems"
        yield Finding(group, "note", "outage", first, bars, sentence)
    rest = [span for span, _ in spans[MOST_OUTAGES:]]
    if rest:
        yield Finding(group, "note", "outage", min(rest)[0], len(rest), f"and {len(rest)} outages that were shorter")


def _old(series: Sequence[Bars | Rates]) -> Iterator[Finding]:
    """Files whose last row is more than two steps older than the newest of the folder's markets."""
    ends = {one.file: int(times_of(one).max()) + (0 if isinstance(one, Rates) else one.file.step_ns) for one in series}
    newest = max((end for file, end in ends.items() if file.kind in BARS and not file.venue), default=0)
    for file, end in ends.items():
        slack = 2 * file.step_ns if file.kind in (*MARKETS, "funding") else max(2 * file.step_ns, LONG_WEEKEND)
        due = newest if file.expiry_ns is None else min(newest, file.expiry_ns)
        if due - end > slack:
            sentence = f"the last row ends at {stamp(end)}, but the folder's newest market goes to {stamp(newest)}"
            yield Finding(file.name, "warning", "old", end, (due - end) // file.step_ns, sentence)


def _disagreements(series: Sequence[Bars | Rates]) -> Iterator[Finding]:
    """Closes of the same moment that differ between the steps of one market."""
    markets: dict[tuple[str, str, str], list[Bars]] = {}
    for one in series:
        if isinstance(one, Bars) and one.file.kind in BARS:
            markets.setdefault((one.file.kind, one.file.asset, one.file.venue), []).append(one)
    for members in markets.values():
        steps = sorted(members, key=lambda one: one.file.step_ns)
        for i, coarse in enumerate(steps):
            for fine in steps[:i]:
                at, a, b = np.intersect1d(fine.close_ns, coarse.close_ns, return_indices=True)
                with np.errstate(invalid="ignore", divide="ignore"):
                    apart = np.abs(fine.close[a] / coarse.close[b] - 1.0) > AGREE
                words = f"with another close than the {fine.file.freq} file has"
                yield from of_rows(coarse.file, at - coarse.file.step_ns, apart, "warning", "disagreement", words)


def _premiums(series: Sequence[Bars | Rates]) -> Iterator[Finding]:
    """Perpetuals that closed more than 10 % away from their spot market."""
    markets: dict[tuple[str, str], list[Bars]] = {}
    for one in sorted(series, key=lambda one: one.file.step_ns):
        if isinstance(one, Bars) and one.file.kind in BARS and not one.file.venue:
            order = np.argsort(one.open_ns, kind="stable")
            markets.setdefault((one.file.asset, one.file.kind), []).append(one.where(order))
    for asset in sorted({asset for asset, _ in markets}):
        spot, perp = markets.get((asset, "spot")), markets.get((asset, "perp"))
        if not spot or not perp:
            continue
        ours, theirs = stitch(spot), stitch(perp)
        at, i, j = np.intersect1d(ours.close_ns, theirs.close_ns, return_indices=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            premium = theirs.close[j] / ours.close[i] - 1.0
        far = np.abs(premium) > FAR
        if far.any():
            most = premium[far][np.argmax(np.abs(premium[far]))]
            words = f"closing more than {FAR:.0%} away from spot (at most {most:+.1%})"
            yield from of_rows(perp[0].file, at, far, "note", "premium", words)
