"""The signals of a day: its row of the daily panel, from the days that the engine was fed.

A row is a function of the last W days alone, so it has the same bits whether it is computed for its day or with years of
others at once, which takes a thousandth of the time a day. ``learn`` does that for a tape or a journal that is at hand.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

import numpy as np

from hedgerow.model.bar import Day
from hedgerow.model.market import Daily, Floats
from hedgerow.signals.panel import panel, window_of
from hedgerow.signals.views import View

_OWN: Final = ("assets", "days_ns", "market_asset")
HELD: Final = 4_000  # days that are kept, more than any row is a function of: another policy may look further back
COLUMNS: Final = tuple(one.name for one in fields(Daily) if one.name not in _OWN)


def day_of(daily: Daily, d: int, at_ns: int, *, decide: bool) -> Day:
    """Row ``d`` of a daily history as the engine is fed it."""
    return Day(at_ns, int(daily.days_ns[d]), decide, {name: np.asarray(getattr(daily, name)[d]) for name in COLUMNS})


class Gauge:
    """Measures days as they come. ``extra`` names TA-Lib measures, ``hedge_venue`` the venue whose failure counts."""

    def __init__(
        self,
        assets: Sequence[str],
        market_asset: int,
        *,
        extra: Sequence[str] = (),
        views: Sequence[View] = (),
        hedge_venue: str = "",
    ) -> None:
        self._assets, self._market = tuple(assets), market_asset
        self._panel: dict[str, Any] = {"extra": tuple(extra), "views": tuple(views), "hedge_venue": hedge_venue}
        self._days: deque[Day] = deque(maxlen=HELD)
        self._given = 0  # days, in all
        self._agree, self._last = (
            0,
            -2,
        )  # how many of the last days are those that were learnt, in their order, up to which
        self.window = window_of(extra)  # days that a row is a function of
        self._learnt: dict[int, tuple[int, bytes, Floats]] = {}  # opening of a day -> its place, what it was, its row

    def learn(self, days: Iterable[Day]) -> None:
        """Measure days that are to be fed, all at once. A row that was learnt holds where every day that it is a function of comes
        with the same values; another one is measured then.
        """
        known = list(days)
        if known:
            rows = self._measure(known)
            self._learnt = {
                day.day_ns: (place, _digest(day), row) for place, (day, row) in enumerate(zip(known, rows, strict=True))
            }

    def recall(self, days: Iterable[Day]) -> None:
        """Days that were given before, to an engine of an earlier process: the last ``HELD`` of them, or all."""
        for day in days:
            self._give(day)

    def _give(self, day: Day) -> Floats | None:
        """Take a day; returns its row if that was learnt from the very days that were given."""
        self._days.append(day)
        self._given += 1
        place, digest, row = self._learnt.get(day.day_ns, (-1, b"", None))
        if row is None or digest != _digest(day):
            self._agree, self._last = 0, -2
            return None
        self._agree = self._agree + 1 if place == self._last + 1 else 1
        self._last = place
        from_the_first = self._agree == self._given and place == self._agree - 1
        return row if from_the_first or self._agree >= self.window else None

    def with_extra(self, extra: Sequence[str]) -> Gauge:
        """A gauge that measures other TA-Lib indicators, of the same days."""
        other = Gauge(self._assets, self._market, **(self._panel | {"extra": tuple(extra)}))
        other.recall(self._days)
        return other

    def row(self, day: Day) -> Floats:
        """The measures [M, A] at the close of ``day``, which follows those that were given before."""
        row = self._give(day)
        return self._measure(list(self._days)[-self.window :])[-1] if row is None else row

    def _measure(self, days: Iterable[Day]) -> Floats:
        held = list(days)
        days_ns = np.array([day.day_ns for day in held], dtype=np.int64)
        columns = {name: _stack([day.values[name] for day in held]) for name in COLUMNS}
        return panel(Daily(self._assets, days_ns, **columns, market_asset=self._market), **self._panel)


def _stack(rows: list[Floats]) -> Floats:
    """Rows one above the other; where some have fewer contracts than others, they have none of the rest."""
    width = max(row.shape[-1] if row.ndim == 2 else 0 for row in rows)
    if all(row.ndim < 2 or row.shape[-1] == width for row in rows):
        return np.stack(rows)
    pad = [np.full((row.shape[0], width - row.shape[-1]), np.nan) for row in rows]
    return np.stack([np.concatenate([row, more], axis=1) for row, more in zip(rows, pad, strict=True)])


def _digest(day: Day) -> bytes:
    """What a day says, whatever contracts there were later."""
    found = hashlib.blake2b(digest_size=16)
    for name in COLUMNS:
        values = np.ascontiguousarray(day.values[name])
        if values.ndim == 2:
            known = np.flatnonzero(np.isfinite(values).any(axis=0))
            values = np.ascontiguousarray(values[:, : known[-1] + 1 if known.size else 0])
        found.update(values.tobytes())
    return found.digest()
