"""One finding on a data folder, and what every search for findings needs: times, gaps and groups of series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hedgerow.model.market import Ints
from hedgerow.store.faults import Mask
from hedgerow.store.files import Bars, DataFile, Rates, stamp
from hedgerow.units import NS_PER_DAY

LONG_WEEKEND: Final = 5 * NS_PER_DAY
MARKETS: Final = ("spot", "perp", "mark", "stable")  # kinds that trade around the clock


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of defect in one file, or shared by the files of one group (``spot_*_1h``).

    ``first_ns`` is where it begins (None: the whole file), ``count`` the rows, bars or payments concerned.
    """

    file: str
    severity: str  # error, warning, note
    kind: str
    first_ns: int | None
    count: int
    sentence: str


def of_rows(file: DataFile, times: Ints, mask: Mask, severity: str, kind: str, words: str) -> Iterator[Finding]:
    """One finding for all rows [N] of a mask, none when it is empty; ``words`` follow "3 bars"."""
    count = int(mask.sum())
    if count:
        first = int(times[mask][0])
        where = f"; the first is {stamp(first)}" if count > 1 else f": {stamp(first)}"
        yield Finding(file.name, severity, kind, first, count, f"{counted(count, file)} {words}{where}")


def of_gaps(file: DataFile, spans: Sequence[tuple[int, int]]) -> Finding:
    """One finding on the gaps (first missing time, next row) that one file has; there is at least one."""
    bars = sum((until - first) // file.step_ns for first, until in spans)
    first, until = spans[0]
    sentence = f"{counted(bars, file)} missing from {stamp(first)} to {stamp(until)}"
    if len(spans) > 1:
        a, b = max(spans, key=lambda span: span[1] - span[0])
        sentence = f"{counted(bars, file)} missing in {len(spans)} gaps; the first is {stamp(first)}, "
        sentence += f"the longest {stamp(a)} to {stamp(b)}"
    return Finding(file.name, "warning", "missing", first, bars, sentence)


def counted(count: int, file: DataFile) -> str:
    """``1 bar``, ``3 payments``."""
    what = "payment" if file.kind == "funding" else "bar"
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def times_of(one: Bars | Rates) -> Ints:
    """Opening or settlement times [N]."""
    return one.stamp_ns if isinstance(one, Rates) else one.open_ns


def group_of(file: DataFile) -> str:
    """What files of one kind, step and venue are called together: ``spot_*_1h``."""
    name = f"{file.kind}_*_{file.freq}"
    return f"venues/{name}_{file.venue}" if file.venue else name


def gaps_of(one: Bars | Rates) -> Ints:
    """Spans [n, 2] that a series' own grid has no row for; weekends and holidays are no gaps of trading days."""
    times = np.unique(times_of(one))
    step = allowed = one.file.step_ns
    if isinstance(one, Bars) and one.file.kind not in MARKETS:
        weekday = (times // NS_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday; 5 and 6 are the weekend
        if len(times) and float((weekday >= 5).mean()) < 0.05:
            allowed = LONG_WEEKEND
    wide = np.diff(times) > allowed
    return np.ascontiguousarray(np.column_stack([times[:-1][wide] + step, times[1:][wide]]))
