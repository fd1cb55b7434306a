"""Policies of bands alone, without a margin rule: drift from target weights, and a hedge ratio of two states.

What a full policy decides in ``decide`` is here two comparisons an asset, so that thousands of settings can be screened
over long markets. Every bar is a straight line of marks and tests; trades are entered rarely. An account owns coins,
is short coins, and has a ledger: cash with the proceeds of its shorts. Orders fill at the bar's close. One source runs
a single setting, or eight in lock-step (``kernel.lanes``), with the same bits.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from hedgerow.jit import compiled, entrance
from hedgerow.kernel.lanes import LANES, load, nought, some, store, where
from hedgerow.kernel.position import funding_received, notional
from hedgerow.kernel.sale import sale_to_share
from hedgerow.model.market import Bytes, Floats, Ints

# rows of a setting: a band of value around a weight, the part of an excess that is sold, hedge ratios while calm, wild
S_THRESHOLD, S_PART, S_LOW, S_HIGH = range(4)
SETTING: Final = 4
# rows of an account: quote with the proceeds of shorts, trades so far
C_LEDGER, C_TRADES = range(2)
ACCOUNT: Final = 2
# final value (quote), mean and variance of the changes from bar to bar, largest drawdown (fraction), trades
F_FINAL, F_MEAN, F_VARIANCE, F_DEEPEST, F_TRADES = range(5)
FOUND: Final = 5


class Bands(NamedTuple):
    """A market and what all settings share: ``price`` and ``future`` [T, A], ``funding`` [stamps, A] (fraction of
    notional, positive: longs pay shorts), ``wild`` [T, A], ``weight`` [A] of value.

    Funding is due every ``every`` bars, from the first. ``cash`` is quote at the start; costs are one way, of the traded
    value; ``band`` is of the short that is wanted.
    """

    price: Floats
    future: Floats
    funding: Floats
    wild: Bytes
    weight: Floats
    every: int
    cash: float
    band: float
    spot_cost: float
    future_cost: float


@compiled
def _fund(bands: Bands, t: int, stamp: int, short: Floats, account: Floats) -> None:
    """Pay or receive funding on the shorts that are held at a stamp."""
    ledger = load(account, C_LEDGER)
    for i in range(short.shape[0]):
        ledger = ledger + funding_received(-load(short, i), bands.future[t, i], bands.funding[stamp, i], False)
    store(account, C_LEDGER, ledger)


@compiled
def _value(bands: Bands, t: int, own: Floats, short: Floats, account: Floats, hedged: bool) -> Any:
    """Value of the account at the close of bar ``t``, quote."""
    spot = nought(own)
    shorts = nought(own)
    if hedged:
        for i in range(own.shape[0]):
            spot = spot + notional(load(own, i), bands.price[t, i], False)
            shorts = shorts + notional(load(short, i), bands.future[t, i], False)
    else:
        for i in range(own.shape[0]):
            spot = spot + notional(load(own, i), bands.price[t, i], False)
    return load(account, C_LEDGER) + spot - shorts


@compiled
def _drifted(bands: Bands, t: int, value: Any, limit: Any, own: Floats) -> bool:
    """Whether any asset stands beyond its band of value."""
    passed = nought(own) > nought(own)
    for i in range(own.shape[0]):
        passed = passed | (abs(notional(load(own, i), bands.price[t, i], False) - bands.weight[i] * value) >= limit)
    return some(passed)


@compiled
def _passed(bands: Bands, t: int, value: Any, limit: Any, low: Any, high: Any, own: Floats, short: Floats) -> bool:
    """Whether any asset stands beyond one of its bands."""
    passed = nought(own) > nought(own)
    for i in range(own.shape[0]):
        held = load(own, i)
        wanted = (high if bands.wild[t, i] else low) * held
        passed = passed | (abs(notional(held, bands.price[t, i], False) - bands.weight[i] * value) >= limit)
        passed = passed | (abs(wanted - load(short, i)) > bands.band * wanted)
    return some(passed)


@compiled
def _trade(
    bands: Bands, t: int, value: Any, limit: Any, part: Any, low: Any, high: Any, own: Floats, short: Floats,
    account: Floats,
) -> None:  # fmt: skip
    """Bring what passed its band back: a part of an excess is sold, a lack is bought, a hedge is brought to its ratio."""
    ledger = load(account, C_LEDGER)
    trades = load(account, C_TRADES)
    for i in range(own.shape[0]):
        price = bands.price[t, i]
        weight = bands.weight[i]
        held = notional(load(own, i), price, False)
        excess = held - weight * value
        over = excess >= limit
        under = -excess >= limit
        if some(over | under):
            sale = part * sale_to_share(held, value, weight, bands.spot_cost)
            sold = where(over, sale, where(under, excess, 0.0))
            store(own, i, load(own, i) - sold / price)
            ledger = ledger + (sold - abs(sold) * bands.spot_cost)
            trades = trades + where(over | under, 1.0, 0.0)
    for i in range(own.shape[0]):
        wanted = (high if bands.wild[t, i] else low) * load(own, i)
        more = wanted - load(short, i)
        off = abs(more) > bands.band * wanted
        if some(off):
            worth = notional(where(off, more, 0.0), bands.future[t, i], False)
            ledger = ledger + (worth - abs(worth) * bands.future_cost)
            store(short, i, where(off, wanted, load(short, i)))
            trades = trades + where(off, 1.0, 0.0)
    store(account, C_LEDGER, ledger)
    store(account, C_TRADES, trades)


@compiled
def _bar(
    bands: Bands, t: int, setting: Floats, own: Floats, short: Floats, account: Floats, stamps: Ints, hedged: bool
) -> Any:
    """Value at bar ``t`` before its trades, which it makes; ``stamps`` [1] are those of funding so far."""
    if hedged and t == stamps[0] * bands.every:
        _fund(bands, t, stamps[0], short, account)
        stamps[0] += 1
    value = _value(bands, t, own, short, account, hedged)
    limit = load(setting, S_THRESHOLD) * value
    if t == 0:
        limit = limit * 0.0  # everything is bought
    low = load(setting, S_LOW)
    high = load(setting, S_HIGH)
    if not hedged:
        if _drifted(bands, t, value, limit, own):
            _trade(bands, t, value, limit, load(setting, S_PART), low, high, own, short, account)
    elif _passed(bands, t, value, limit, low, high, own, short):
        _trade(bands, t, value, limit, load(setting, S_PART), low, high, own, short, account)
    return value


@compiled
def _is_hedged(setting: Floats, short: Floats) -> bool:
    """Whether a run can have shorts: without, no bar looks at a contract."""
    hedged = (abs(load(setting, S_LOW)) > 0.0) | (abs(load(setting, S_HIGH)) > 0.0)
    for i in range(short.shape[0]):
        hedged = hedged | (abs(load(short, i)) > 0.0)
    return some(hedged)


@entrance
def run_bands(bands: Bands, setting: Floats, own: Floats, short: Floats, account: Floats, equity: Floats) -> None:
    """Run one setting: an asset ``threshold`` of value above its weight sells ``part`` of what brings it there, costs
    included (domain 2.13), one as far below buys up to it; the hedge ratio is ``high`` while an asset is wild, else ``low``.

    ``setting`` [SETTING]; ``own`` and ``short`` [A] are coins and ``account`` [ACCOUNT], all changed; ``equity`` [T] takes
    the value at each bar before its trades.
    """
    stamps = np.zeros(1, np.int64)
    hedged = _is_hedged(setting, short)
    for t in range(equity.shape[0]):
        equity[t] = _bar(bands, t, setting, own, short, account, stamps, hedged)


@compiled
def _summed(
    bands: Bands, setting: Floats, own: Floats, short: Floats, account: Floats, stamps: Ints, found: Floats
) -> None:
    """A run that keeps only what sums it up: ``found`` [FOUND] or [FOUND, LANES]."""
    before = nought(own) + bands.cash
    peak = before
    deepest = nought(own)
    total = nought(own)
    squares = nought(own)
    bars = bands.price.shape[0]
    hedged = _is_hedged(setting, short)
    for t in range(bars):
        value = _bar(bands, t, setting, own, short, account, stamps, hedged)
        change = value / before - 1.0
        total = total + change
        squares = squares + change * change
        before = value
        peak = where(value > peak, value, peak)
        fall = 1.0 - value / peak
        deepest = where(fall > deepest, fall, deepest)
    mean = total / float(bars)
    store(found, F_FINAL, before)
    store(found, F_MEAN, mean)
    store(found, F_VARIANCE, squares / float(bars) - mean * mean)
    store(found, F_DEEPEST, deepest)
    store(found, F_TRADES, load(account, C_TRADES))


@entrance
def sweep_bands(bands: Bands, settings: Floats, found: Floats) -> None:
    """Run every setting, eight in lock-step, and keep what sums it up: memory does not grow with bars.

    ``settings`` [K, SETTING] as in ``run_bands``; ``found`` [K, FOUND] takes the columns named by ``F_``.
    """
    assets = bands.price.shape[1]
    setting = np.zeros((SETTING, LANES))
    own = np.zeros((assets, LANES))
    short = np.zeros((assets, LANES))
    account = np.zeros((ACCOUNT, LANES))
    sums = np.zeros((FOUND, LANES))
    stamps = np.zeros(1, np.int64)
    count = settings.shape[0]
    for first in range(0, count, LANES):
        for lane in range(LANES):
            for k in range(SETTING):
                setting[k, lane] = settings[min(first + lane, count - 1), k]
        own[:] = 0.0
        short[:] = 0.0
        account[C_TRADES] = 0.0
        account[C_LEDGER] = bands.cash
        stamps[0] = 0
        _summed(bands, setting, own, short, account, stamps, sums)
        for lane in range(min(LANES, count - first)):
            for k in range(FOUND):
                found[first + lane, k] = sums[k, lane]
