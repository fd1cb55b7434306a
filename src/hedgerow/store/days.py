"""The daily history that signals measure: row d holds what is known at the close of day d, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hedgerow.model.market import Daily, Floats, Ints
from hedgerow.store.files import PRICES, Bars, Depth, Rates
from hedgerow.store.tape import History
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR

HALF_DAY: Final = 12 * NS_PER_HOUR  # a day is made from finer bars when they cover half of it
LEAST_HOURS: Final = 22  # of 24, for a realised variance
CARRY_DAYS: Final = 5  # how long a value of trading days stands: a long weekend and a day
RATE_DAYS: Final = 7  # the same for a rate, which is published a business day late
PERCENT: Final = 0.01
BASIS_POINT: Final = 0.0001


def daily(history: History) -> Daily:
    """The panels [D, A] of warm-up and run days, as `Daily` says; NaN where unknown.

    A day comes from the daily file, else from finer bars that cover half of it. ``rate`` is a fraction per year.
    Lags: the fear index, VIX and the dollar index of day d are known at d's close; VIX and the dollar index stand for
    up to 5 days without a new value, the fear index for its own day only; a rate dated d is known from the close of
    the next business day on. A funding payment belongs to the day in which it is stamped: one stamped at the closing
    instant is known only after the decision of that close, so it is the next day's.
    """
    days = history.days_ns
    spot = [daily_bars(one.spot, days) for one in history.series]
    perp = [daily_bars(one.perp, days) for one in history.series]
    funding = [_funding(one.funding, days) for one in history.series]
    spot_panel, perp_panel, funding_panel = _panel(spot), _panel(perp), _panel(funding)
    dated_close, dated_days = _dated(history)
    deep = np.stack([_depth(one.depth, days) for one in history.series], axis=1)
    index, rate = history.macro.get, _lagged(history.macro.get("EFFR"), days)
    return Daily(
        assets=history.assets,
        days_ns=days,
        open=spot_panel[0],
        high=spot_panel[1],
        low=spot_panel[2],
        close=spot_panel[3],
        volume=spot_panel[4],
        realised=_panel([realised(one.spot, days)[None] for one in history.series])[0],
        perp_close=perp_panel[3],
        perp_volume=perp_panel[4],
        funding_sum=funding_panel[0],
        funding_hours=funding_panel[1],
        funding_last3=funding_panel[2],
        dated_close=dated_close,
        dated_days=dated_days,
        fear=_known(index("FNG"), days, 0),
        vix=_known(index("VIX"), days, CARRY_DAYS),
        dxy=_known(index("DXY"), days, CARRY_DAYS),
        rate=rate * PERCENT,
        quote_usd=_quote_usd(history),
        fundamental=np.column_stack([_known(one.fundamental, days, CARRY_DAYS) for one in history.series]),
        half_spread=deep[:, :, 0::2] * BASIS_POINT,
        depth=deep[:, :, 1::2],
        market_asset=market_asset_of(history),
    )


def _panel(columns: list[Floats]) -> Floats:
    """Assets' arrays [fields, D] as C-contiguous panels [fields, D, A]."""
    return np.ascontiguousarray(np.stack(columns, axis=-1))


def daily_bars(series: Sequence[Bars], days_ns: Ints) -> Floats:
    """Open, high, low, close and volume [5, D] of one market, from its series (finest first).

    The daily file where it has the day, else the coarsest of the finer series that covers half of the day.
    """
    out = np.full((len(PRICES), len(days_ns)), np.nan)
    for bars in reversed(series):
        day = (bars.open_ns - days_ns[0]) // NS_PER_DAY
        keep = (day >= 0) & (day < len(days_ns))
        part, day = bars.where(keep), day[keep]
        if len(day) == 0:
            continue
        first = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
        last = np.append(first[1:], len(day)) - 1
        covered = np.add.reduceat(part.close_ns - part.open_ns, first)
        rows = np.stack([part.open[first], np.maximum.reduceat(part.high, first), np.minimum.reduceat(part.low, first),
                         part.close[last], np.add.reduceat(part.volume, first)])  # fmt: skip
        at = day[first]
        whole = bars.file.step_ns == NS_PER_DAY
        new = np.isnan(out[3, at]) & (whole | (covered >= HALF_DAY))
        out[:, at[new]] = rows[:, new]
    return out


def realised(series: Sequence[Bars], days_ns: Ints) -> Floats:
    """Sum of squared hourly log returns [D], scaled to 24 hours; NaN where fewer than 22 hours of the day are there.

    An hour's return starts at the close of the hour before; after a gap it starts at the hour's own open.
    """
    out = np.full(len(days_ns), np.nan)
    for bars in series:
        if bars.file.step_ns != NS_PER_HOUR or len(bars.open_ns) == 0:
            continue
        follows = np.diff(bars.open_ns, prepend=0) == NS_PER_HOUR
        start = np.where(follows, np.concatenate([[np.nan], bars.close[:-1]]), bars.open)
        change = np.log(bars.close / start)
        day = (bars.open_ns - days_ns[0]) // NS_PER_DAY
        keep = (day >= 0) & (day < len(days_ns))
        hours = np.bincount(day[keep], minlength=len(days_ns))
        total = np.bincount(day[keep], weights=(change * change)[keep], minlength=len(days_ns))
        enough = hours >= LEAST_HOURS
        out[enough] = total[enough] * (24.0 / hours[enough])
    return out


def interval_hours(rates: Rates) -> Floats:
    """Hours [N] that each payment covers: the time since the one before, but never more than the usual interval."""
    usual = rates.file.step_ns
    since = np.diff(rates.stamp_ns, prepend=rates.stamp_ns[:1] - usual)
    hours: Floats = np.minimum(since, usual) / float(NS_PER_HOUR)
    return hours


def _funding(rates: Rates | None, days_ns: Ints) -> Floats:
    """Sum of rates, hours covered and mean of the last three per 8 hours [3, D]; NaN on days without a payment."""
    out = np.full((3, len(days_ns)), np.nan)
    if rates is None or len(rates.stamp_ns) == 0:
        return out
    hours = interval_hours(rates)
    day = (rates.stamp_ns - days_ns[0]) // NS_PER_DAY
    keep = (day >= 0) & (day < len(days_ns))
    paid = np.bincount(day[keep], minlength=len(days_ns)) > 0
    out[0, paid] = np.bincount(day[keep], weights=rates.rate[keep], minlength=len(days_ns))[paid]
    out[1, paid] = np.bincount(day[keep], weights=hours[keep], minlength=len(days_ns))[paid]
    each = rates.rate * 8.0 / hours
    last = np.searchsorted(rates.stamp_ns, days_ns + NS_PER_DAY, side="left") - 1
    three = paid & (last >= 2)
    at = last[three]
    out[2, three] = (each[at - 2] + each[at - 1] + each[at]) / 3.0
    return out


def _dated(history: History) -> tuple[Floats, Floats]:
    """Closes and days to expiry [D, A, K] of dated contracts, the nearest first; K is at least 1."""
    days = history.days_ns
    closes: list[Floats] = []
    left: list[Floats] = []
    for one in history.series:
        expiries = np.array([contract[0].file.expiry_ns or 0 for contract in one.dated], dtype=np.float64)
        value = [daily_bars(contract, days)[3] for contract in one.dated]
        until = (expiries[None, :] - (days[:, None] + NS_PER_DAY)) / float(NS_PER_DAY)
        close = np.column_stack(value) if value else np.zeros((len(days), 0))
        listed = np.isfinite(close) & (until > 0.0)
        slot = np.cumsum(listed, axis=1) - 1
        count = int(listed.sum(axis=1).max(initial=0))
        near, far = np.full((len(days), count), np.nan), np.full((len(days), count), np.nan)
        row, column = np.nonzero(listed)
        near[row, slot[row, column]] = close[row, column]
        far[row, slot[row, column]] = until[row, column]
        closes.append(near)
        left.append(far)
    wide = max(1, *(part.shape[1] for part in closes)) if closes else 1

    def stack(parts: list[Floats]) -> Floats:
        out = np.full((len(days), len(parts), wide), np.nan)
        for i, part in enumerate(parts):
            out[:, i, : part.shape[1]] = part
        return out

    return stack(closes), stack(left)


def _depth(depth: Depth | None, days_ns: Ints) -> Floats:
    """Spreads and depths [D, 4] of each day, as the file has them; NaN on days that it lacks."""
    out = np.full((len(days_ns), 4), np.nan)
    if depth is not None:
        day = (depth.open_ns - days_ns[0]) // NS_PER_DAY
        keep = (day >= 0) & (day < len(days_ns))
        out[day[keep]] = depth.values[:, keep].T
    return out


def _dates(bars: Bars | None) -> tuple[Ints, Floats]:
    """The days of a series that have a value, and the values."""
    if bars is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    known = np.isfinite(bars.close)
    return bars.open_ns[known] // NS_PER_DAY * NS_PER_DAY, bars.close[known]


def _known(bars: Bars | None, days_ns: Ints, carry: int, late: int = 0) -> Floats:
    """The last value [D] dated day d or before, at most ``carry`` days old; ``late``: that many values earlier."""
    dates, values = _dates(bars)
    out = np.full(len(days_ns), np.nan)
    at = np.searchsorted(dates, days_ns, side="right") - 1 - late
    found = at >= 0
    found[found] = days_ns[found] - dates[at[found]] <= carry * NS_PER_DAY
    out[found] = values[at[found]]
    return out


def _lagged(bars: Bars | None, days_ns: Ints) -> Floats:
    """A rate [D] that is published on the next business day: the last but one dated day d or before.

    The rows of the file are the business days: the value before the last one dated by d was published by d's close.
    On a Saturday this is Thursday's, on a Monday Friday's, and after a holiday it waits with the calendar.
    """
    return _known(bars, days_ns, RATE_DAYS, late=1)


def _quote_usd(history: History) -> Floats:
    """Dollars per unit of the quote [D]: its own series, else BTC in dollars over BTC in quote, else NaN."""
    days = history.days_ns
    if history.stable is not None:
        return _known(history.stable, days, CARRY_DAYS)
    if history.dollar is None:
        return np.full(len(days), np.nan)
    in_quote, in_dollars = history.dollar
    return _known(in_dollars, days, 0) / _known(in_quote, days, 0)


def market_asset_of(history: History) -> int:
    """Index of the market asset: BTC, else the one with the largest mean spot turnover up to the run's first day."""
    if "BTC" in history.assets:
        return history.assets.index("BTC")
    days = history.days_ns[: history.offset + 1]
    best, most = 0, -1.0
    for i, one in enumerate(history.series):
        bars = daily_bars(one.spot, days)
        turnover = bars[3] * bars[4]
        known = turnover[np.isfinite(turnover)]
        mean = float(known.mean()) if len(known) else 0.0
        if mean > most:
            best, most = i, mean
    return best
