"""The run's axis: every market's tape laid on one grid, so that nothing is seen before it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.market import Bytes, Floats, Ints, Market
from hedgerow.store.days import market_asset_of
from hedgerow.store.files import Bars, Rates
from hedgerow.store.tape import History, Tape, stitch, universe_of
from hedgerow.units import NS_PER_DAY


def market(history: History, universe: Universe | None = None) -> Market:
    """The panels [T, I] of the run's days, as `Market` says.

    T rows of ``history.step_ns`` from the first day's opening to the last day's close. A bar's open stands on the row
    on which it opens, its high, low and close on the row on which it closes. A funding payment stands on the row that
    opens at its stamp; one that falls inside a row waits for the next row, so that it is never paid before it is known.
    Funding of a perpetual is NaN before its first payment and from the moment on that a payment is overdue; it is 0
    between payments, and for spot and dated futures always. ``universe``: the markets wanted, else all that the data
    has. Raises ConfigError when it names a market or an asset that was not loaded.
    """
    universe = universe or universe_of(history, market_asset_of(history))
    if universe.assets != history.assets:
        raise ConfigError(
            f"the universe has the assets {', '.join(universe.assets)} but {', '.join(history.assets)} were loaded",
            where="universe",
            fix="Load the same assets in the same order.",
        )
    open_ns = np.arange(history.start_ns, history.end_ns, history.step_ns, dtype=np.int64)
    shape = (len(open_ns), len(universe.instruments))
    panels = {name: np.full(shape, np.nan) for name in ("open", "high", "low", "close")}
    fresh = np.zeros(shape, dtype=np.uint8)
    funding = np.zeros(shape)
    for column, instrument in enumerate(universe.instruments):
        series, rates = _find(history, instrument)
        _lay(stitch(series), history, {name: panel[:, column] for name, panel in panels.items()}, fresh[:, column])
        if instrument.kind is Kind.PERPETUAL:
            funding[:, column] = _funding(rates, open_ns, history.step_ns)
    day = _days(open_ns, history)
    days_ns = history.days_ns[history.offset :]
    return Market(universe, open_ns, history.step_ns, **panels, fresh=fresh, funding=funding, day=day, days_ns=days_ns,
                  coverage=history.coverage)  # fmt: skip


def _find(history: History, instrument: Instrument) -> tuple[tuple[Bars, ...], Rates | None]:
    """The series and the funding of one market."""
    found: tuple[Bars, ...] = ()
    rates: Rates | None = None
    for one in history.series:
        if one.asset != instrument.asset:
            continue
        if instrument.kind is Kind.SPOT:
            found = one.spot
        elif instrument.kind is Kind.PERPETUAL:
            found, rates = one.perp, one.funding
        else:
            found = next((c for c in one.dated if c[0].file.expiry_ns == instrument.expiry_ns), ())
    if not found:
        raise ConfigError(
            f"the data has no prices of {instrument.symbol}",
            where=str(history.folder),
            fix="Add its file to the folder, or leave the market out of the universe.",
        )
    return found, rates


def _lay(tape: Tape, history: History, panel: dict[str, Floats], fresh: Bytes) -> None:
    """Write a tape into one column of the panels; the last close before the run is carried into it."""
    start, step, rows = history.start_ns, history.step_ns, len(fresh)
    opens = (tape.open_ns - start) // step
    closes = -((start - tape.close_ns) // step) - 1
    inside = (opens >= 0) & (opens < rows)
    panel["open"][opens[inside]] = tape.open[inside]
    inside = (closes >= 0) & (closes < rows)
    at = closes[inside]
    panel["high"][at] = tape.high[inside]
    panel["low"][at] = tape.low[inside]
    known = np.isfinite(tape.close)
    fresh[closes[inside & known]] = 1
    values = np.full(rows + 1, np.nan)  # one place before the run, for the close that is carried in
    values[closes[inside & known] + 1] = tape.close[inside & known]
    before = np.flatnonzero((closes < 0) & known)
    if len(before):
        values[0] = tape.close[before[-1]]
    last = np.where(np.isnan(values), 0, np.arange(rows + 1))
    panel["close"][:] = values[np.maximum.accumulate(last)][1:]


def _funding(rates: Rates | None, open_ns: Ints, step_ns: int) -> Floats:
    """Rates [T] paid at each row's opening; NaN before the first payment and once one is overdue."""
    out = np.full(len(open_ns), np.nan)
    if rates is None or len(rates.stamp_ns) == 0:
        return out
    row = -((open_ns[0] - rates.stamp_ns) // step_ns)
    inside = (row >= 0) & (row < len(open_ns))
    total = np.bincount(row[inside], weights=rates.rate[inside], minlength=len(open_ns))
    paid = np.bincount(row[inside], minlength=len(open_ns)) > 0
    latest = np.searchsorted(rates.stamp_ns, open_ns, side="right") - 1
    age = open_ns - rates.stamp_ns[np.maximum(latest, 0)]
    known = paid | ((latest >= 0) & (age < rates.file.step_ns))
    out[known] = total[known]
    return out


def _days(open_ns: Ints, history: History) -> NDArray[np.int32]:
    """Index [T] of the daily bar that completes at each row's close, else -1."""
    ends = open_ns + history.step_ns
    return np.where(ends % NS_PER_DAY == 0, (ends - history.start_ns) // NS_PER_DAY - 1, -1).astype(np.int32)
