"""What is made once of a market for all runs on it: the highs that liquidation is judged by, what each bar asks for, and
the highest prices of stretches that ask for nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.arrays import BAR_GAPS, BAR_PAYS, Bars
from hedgerow.kernel.clock import DELISTED_AFTER
from hedgerow.model.instrument import Kind
from hedgerow.model.market import Bytes, Floats, Ints, Market

MARK_BAND: Final = 1.05


def marked_highs(market: Market) -> Floats:
    """The highs [T, I] that liquidation is judged by: a contract's, at most 5 % above the spot market's over the
    same time.

    Venues liquidate on a mark price, a median that follows the spot index, so one print of the contract alone
    liquidates
    nobody (Binance's mark price; the ETH perpetual printed 323 on 2020-03-13 with spot at 140).
    """
    highs = market.high.copy()
    universe = market.universe
    for i, instrument in enumerate(universe.instruments):
        closes = np.flatnonzero(np.isfinite(highs[:, i]))
        if instrument.kind is Kind.SPOT or not closes.size:
            continue
        spot = market.high[:, universe.assets.index(instrument.asset)]
        known = np.where(np.isfinite(spot), spot, -np.inf)
        starts = np.concatenate(([0], closes[:-1] + 1))
        reached = np.maximum.reduceat(known[: closes[-1] + 1], starts)
        limit = np.where(reached > 0.0, MARK_BAND * reached, np.inf)
        highs[closes, i] = np.minimum(highs[closes, i], limit)
    return highs


def bars_of(market: Market, deleveraged: Floats | None = None) -> Bars:
    """The bars of a run over ``market``; ``deleveraged`` [T] is the share of every short in profit that the venue closes at
    the open of a bar, none: never.
    """
    shares = np.zeros(market.open_ns.shape[0]) if deleveraged is None else deleveraged
    asks = asked(market)
    asks[shares != 0.0] |= BAR_GAPS
    high, day = marked_highs(market), market.day.astype(np.int64)
    starts, until = stretches(asks, day)
    stretch = np.full(asks.shape[0], -1)
    stretch[starts] = np.arange(starts.shape[0])
    own_high, own_close = (block[:, len(market.universe.assets) :] for block in (high, market.close))
    tops = [np.fmax.reduceat(block, starts) for block in (np.fmax(own_high, own_close), own_close)]
    paid = [market.funding[starts], market.close[np.maximum(starts - 1, 0)]]
    return Bars(
        market.open_ns, market.open, high, market.close, market.fresh, market.funding, day, shares, asks, stretch, until,
        np.stack(tops, axis=1), np.stack(paid, axis=1),
    )  # fmt: skip


def stretches(asks: Bytes, day: Ints) -> tuple[Ints, Ints]:
    """The first and the last bar of each stretch. One ends where a day completes, and with the first bar of the next day,
    where plans are filled; before a bar that asks for something, and with one that has gaps.
    """
    ends = (day >= 0) | (asks & BAR_GAPS != 0)
    ends[1:] |= day[:-1] >= 0
    ends[:-1] |= asks[1:] != 0
    ends[-1:] = True
    until = np.flatnonzero(ends)
    return np.concatenate(([0], until[:-1] + 1)), until


def asked(market: Market) -> Bytes:
    """What every bar asks of a run beside a look at its prices: BAR_PAYS where a perpetual pays funding (or it is not known
    whether) or a contract expires, BAR_GAPS where a contract that is listed has no bar of its own. [T]

    A contract counts as listed until it has had no price for so long that the clock has settled it, too.
    """
    asks = np.zeros(market.open_ns.shape[0], np.uint8)
    for i, instrument in enumerate(market.universe.instruments):
        if instrument.kind is Kind.SPOT:
            continue
        spot = market.universe.assets.index(instrument.asset)
        if instrument.kind is Kind.PERPETUAL:
            asks[market.funding[:, i] != 0.0] |= BAR_PAYS  # nan, too
        if instrument.expiry_ns is not None:
            asks[_ended(market, i, instrument.expiry_ns)] |= BAR_PAYS
        asks[_gaps(market, i, spot)] |= BAR_GAPS
    return asks


def _ended(market: Market, i: int, expiry_ns: int) -> NDArray[np.bool_]:
    """The first bar from the expiry of contract ``i`` on, and those on which a position opened after it would be met."""
    over = market.open_ns >= expiry_ns
    news = np.ones_like(over)
    news[2:] = ~over[1:-1] | (market.open[1:-1, i] > 0.0)
    return np.asarray(over & news)


def _gaps(market: Market, i: int, spot: int) -> NDArray[np.bool_]:
    """The bars between the first and the last of contract ``i`` that are not its own, and those after it until the clock
    has settled it: a week, and then a fresh price of its ``spot`` market.
    """
    own = market.fresh[:, i] == 1
    gaps = ~own
    seen = np.flatnonzero(own)
    if not seen.size:
        return np.zeros_like(own)
    gaps[: seen[0]] = False
    late = market.open_ns - market.open_ns[seen[-1]] > DELISTED_AFTER
    settled = np.flatnonzero(late & (market.fresh[:, spot] == 1))
    if settled.size:
        gaps[settled[0] + 1 :] = False
    return np.asarray(gaps)
