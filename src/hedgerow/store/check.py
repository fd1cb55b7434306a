"""What is wrong, or strange, in a data folder: findings, one a file and kind, each with place, count and a sentence.

An *error* is what loading refuses. A *warning* is probably a defect. A *note* is worth knowing: outages of the venue,
moves that really happened, a funding interval that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.model.market import Floats
from hedgerow.store import across, faults
from hedgerow.store.files import BARS, Bars, DataFile, Rates, read_bars, read_rates, scan, stamp, unknown
from hedgerow.store.finding import Finding, gaps_of, group_of, of_rows, times_of
from hedgerow.store.tiers import is_tiers, read_ccxt, read_csv
from hedgerow.units import NS_PER_HOUR

__all__ = ["Finding", "Summary", "check", "inspect", "summary"]

SEVERITIES: Final = ("error", "warning", "note")
PERCENT_RATE: Final = 0.005  # a median funding rate beyond it is a percentage, not a fraction


@dataclass(frozen=True, slots=True)
class Summary:
    """One file in a line. ``missing``: bars that its own grid lacks; ``low`` and ``high``: of prices, or of rates."""

    file: str
    kind: str
    asset: str
    step: str
    bars: int
    first: str
    last: str
    missing: int
    low: float
    high: float


def check(folder: Path) -> list[Finding]:
    """All findings on ``folder`` and its ``venues/``, errors first. Raises ConfigError when the folder is not there."""
    files = scan(folder)
    found = [
        Finding(path.name, "note", "name", None, 1, "nothing reads it: the name is not {kind}_{BASE}_{freq}")
        for path in unknown(folder)
        if not is_tiers(path)
    ]
    found += [finding for path in sorted(folder.iterdir()) if is_tiers(path) for finding in _tiers(path)]
    series: list[Bars | Rates] = []
    for file in files:
        try:
            one = _read(file)
        except ConfigError as error:
            found.append(Finding(file.name, "error", "schema", None, 1, f"{error.message}. {error.fix}"))
            continue
        if one is not None and len(times_of(one)) == 0:
            found.append(Finding(file.name, "warning", "empty", None, 0, "the file has no rows"))
        elif one is not None:
            series.append(one)
    moves = across.shared_moves(series)
    found += [finding for one in series for finding in inspect(one, moves.get(group_of(one.file), ()))]
    found += across.compare(series, moves)
    return sorted(_merged(found, files), key=lambda f: (SEVERITIES.index(f.severity), f.file, f.kind, f.first_ns or 0))


def _tiers(path: Path) -> list[Finding]:
    """What is wrong with a table of margin tiers."""
    try:
        read_csv(path) if path.suffix == ".csv" else read_ccxt(path)
    except ConfigError as error:
        return [Finding(path.name, "error", "schema", None, 1, f"{error.message}. {error.fix}")]
    return []


def summary(folder: Path) -> list[Summary]:
    """One row a file, in order of name; files that cannot be read are left out (`check` names them)."""
    rows = []
    for file in scan(folder):
        try:
            one = _read(file)
        except ConfigError:
            continue
        if one is not None:
            rows.append(_summarise(file, one))
    return rows


def _read(file: DataFile) -> Bars | Rates | None:
    """A series as it stands; None for kinds that nothing judges yet."""
    if file.kind == "depth":
        return None
    return read_rates(file) if file.kind == "funding" else read_bars(file)


def _summarise(file: DataFile, one: Bars | Rates) -> Summary:
    times = times_of(one)
    if isinstance(one, Rates):
        values = [one.rate]
    else:
        values = [one.low, one.high, one.close]
    known = np.concatenate(values)
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (float("nan"), float("nan"))
    first, last = (stamp(times.min()), stamp(times.max())) if len(times) else ("", "")
    missing = sum((until - since) // file.step_ns for since, until in gaps_of(one).tolist())
    return Summary(file.name, file.kind, file.asset, file.freq, len(times), first, last, int(missing), low, high)


def inspect(one: Bars | Rates, known_moves: Iterable[int] = ()) -> Iterator[Finding]:
    """The findings on one series by itself; gaps are found by `check`, which knows what other files lack too.

    ``known_moves`` are opening times at which the whole market moved: a jump there is no finding.
    """
    file, times = one.file, times_of(one)
    yield from of_rows(file, times, faults.unsorted(times), "error", "unsorted", "standing before an earlier one")
    yield from of_rows(file, times, faults.duplicate(times), "error", "duplicate", "with a time that stands twice")
    if isinstance(one, Rates):
        yield from _inspect_rates(one)
        return
    severity = "error" if file.kind in BARS else "note"
    defects = (
        (severity, "nan", faults.not_a_number(one), "without a price that is a number"),
        ("error", "off_grid", faults.off_grid(one), f"opening off the grid of {file.freq}"),
        ("error", "non_positive", faults.non_positive(one), "with a price of zero or less, or a negative volume"),
        ("error", "inconsistent", faults.outside(one), "with a high or low that leaves out another price"),
    )
    for level, kind, mask, words in defects:
        yield from of_rows(file, times, mask, level, kind, words)
    if file.kind in faults.SIGNED:
        return
    back, moved = faults.jumps(one)
    change = faults.returns(one)
    leap = moved & (np.abs(change) > faults.LEAP)  # whoever else moved: no market does that in a bar
    moved &= ~leap & ~np.isin(times, np.array(list(known_moves), dtype=np.int64))
    unlikely = f"{_most(change, leap)} that no market makes (a split, a new unit, another coin?)"
    oddities = (
        ("warning", "bad_print", back, "with a jump that the next bar takes back"),
        ("warning", "jump", leap, unlikely),
        ("warning", "stale", faults.repeated(one), "with exactly the prices of the bar before"),
        ("note", "jump", moved, _most(change, moved)),
        ("note", "wick", faults.wicks(one), "with a high or low that no order of size would have had"),
        ("note", "no_volume", np.asarray(one.volume == 0.0), "without volume"),
    )
    for level, kind, mask, words in oddities:
        yield from of_rows(file, times, mask, level, kind, words)


def _inspect_rates(one: Rates) -> Iterator[Finding]:
    file, times = one.file, one.stamp_ns
    bad = ~np.isfinite(one.rate)
    yield from of_rows(file, times, bad, "error", "nan", "without a rate that is a number")
    since = np.diff(times, prepend=times[:1] - file.step_ns)
    short = (since > 0) & (since < file.step_ns)
    hours = " or ".join(f"{value / NS_PER_HOUR:g}" for value in np.unique(since[short])[:5])
    words = f"after {hours} hours instead of {file.freq}: the interval was changed"
    yield from of_rows(file, times, short, "note", "interval", words)
    known = np.abs(one.rate[~bad])
    if len(known) and float(np.median(known)) > PERCENT_RATE:
        sentence = f"half of the rates are beyond {np.median(known):.4g}: they look like percentages, not fractions"
        yield Finding(file.name, "warning", "scale", int(times[0]), len(known), sentence)


def _most(change: Floats, mask: faults.Mask) -> str:
    if not mask.any():
        return ""
    most = change[mask][np.argmax(np.abs(change[mask]))]
    return f"with a move of {'up to ' if mask.sum() > 1 else ''}{np.expm1(most):+,.0%}"


def _merged(found: Sequence[Finding], files: Sequence[DataFile]) -> Iterator[Finding]:
    """The same warning or note on several files of one group, as one finding that names their assets."""
    by_name = {file.name: file for file in files}
    same: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        file = by_name.get(one.file)
        place = group_of(file) if file is not None and one.severity != "error" else one.file
        same.setdefault((place, one.severity, one.kind, one.sentence), []).append(one)
    for (place, severity, kind, sentence), many in same.items():
        if len(many) == 1:
            yield many[0]
            continue
        assets = ", ".join(sorted(by_name[one.file].asset if one.file in by_name else one.file for one in many))
        yield Finding(place, severity, kind, many[0].first_ns, sum(one.count for one in many), f"{assets}: {sentence}")
