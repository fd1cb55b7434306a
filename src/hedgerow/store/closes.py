"""Marks for events that have none: the daily closes of a data folder, one mark a day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.model.event import Event, Mark
from hedgerow.model.instrument import Instrument, Kind, from_symbol
from hedgerow.model.market import Floats, Ints
from hedgerow.store.days import daily_bars
from hedgerow.store.faults import refuse
from hedgerow.store.files import STEPS, DataFile, read_bars, scan, stamp
from hedgerow.store.history import quotes_of
from hedgerow.units import NS_PER_DAY

FILES: Final = {Kind.SPOT: "spot", Kind.PERPETUAL: "perp", Kind.DATED: "dated"}


def with_closes(folder: Path, events: Sequence[Event], quote: str, end_ns: int | None = None) -> tuple[Event, ...]:
    """The events with a mark at each daily close (00:00 UTC) that has none, from the first event's day on.

    Marks go up to ``end_ns`` (None: the close of the last event's day) and stand before other events of their moment.
    They price every currency and contract that the events name, where the folder, whose prices are in ``quote``, has
    it. Raises ConfigError for a folder or a file that cannot be used.
    """
    if not events:
        return tuple(events)
    there = quotes_of(folder)
    if quote not in there:
        fix = f"Its prices can be in {', '.join(there)}; name a folder of {quote}, or add marks to the event file."
        raise ConfigError(f"its prices are not in {quote}", where=str(folder), fix=fix)
    last = events[-1].at_ns if end_ns is None else end_ns - 1
    days = np.arange(events[0].at_ns // NS_PER_DAY, last // NS_PER_DAY + 1, dtype=np.int64) * NS_PER_DAY
    files = scan(folder)
    closes = {one.symbol: _closes(files, one, days) for one in instruments(events, quote)}
    marked = {event.at_ns for event in events if isinstance(event, Mark)}
    added = _marks(days, {symbol: close for symbol, close in closes.items() if close is not None}, marked)
    return tuple(sorted([*added, *events], key=lambda event: event.at_ns))


def instruments(events: Iterable[Event], quote: str) -> list[Instrument]:
    """What must have a price for the events to have a value: every contract, and every currency against ``quote``."""
    found: dict[str, Instrument] = {}
    currencies: dict[str, None] = {}
    for event in events:
        if hasattr(event, "instrument") and event.instrument not in found:
            one = found[event.instrument] = from_symbol(event.instrument)
            currencies |= {one.asset: None, one.quote: None}
        for name in ("currency", "fee_currency"):
            currencies |= {currency: None} if (currency := getattr(event, name, "")) else {}
    pairs = (f"{currency}/{quote}" for currency in currencies if currency != quote)
    wanted = [one for one in found.values() if one.quote == quote]
    return [*wanted, *(from_symbol(symbol) for symbol in pairs if symbol not in found)]


def _closes(files: Sequence[DataFile], one: Instrument, days: Ints) -> Floats | None:
    """Daily closes [D] of one market, NaN where there is none; None without a file."""
    named = [
        file
        for file in files
        if file.kind == FILES[one.kind] and file.asset == one.asset and not file.venue and file.freq in STEPS
    ]
    if one.kind is Kind.DATED:
        named = [file for file in named if file.expiry_ns == one.expiry_ns]
    series = [refuse(read_bars(file)) for file in sorted(named, key=lambda file: file.step_ns)]
    return daily_bars(series, days)[3] if series and not one.inverse else None


def _marks(days: Ints, closes: dict[str, Floats], marked: set[int]) -> Iterator[Mark]:
    for d, ns in enumerate(days):
        at_ns = int(ns) + NS_PER_DAY
        prices = {symbol: Decimal(repr(float(close[d]))) for symbol, close in closes.items() if math.isfinite(close[d])}
        if at_ns not in marked and prices:
            yield Mark(at_ns, f"close of {stamp(int(ns))[:10]}", prices)
