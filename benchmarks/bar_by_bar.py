"""The reference job without a compiler: lists of floats, and numpy a bar at a time. What one writes first."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.reference import BAND, CASH, COST, Panels, setting_of


class Lists:
    """The job on Python's own floats: the operations of the C source, in their order."""

    def __init__(self, made: Panels, hedged: bool = True) -> None:
        self.every, self.hedged, self.setting = made.every, hedged, setting_of(hedged)
        self.panels = [block.tolist() for block in (made.price, made.future, made.funding, made.wild, made.weight)]
        self.equity: list[float] = []
        self.cash: list[float] = []  # after each bar's trades, with the proceeds of shorts

    def __call__(self) -> int:
        prices, futures, funding, wilds, weight = self.panels
        own, short = [0.0] * len(weight), [0.0] * len(weight)
        ledger, trades, self.equity, self.cash = CASH, 0, [], []
        for t, (price, future, wild) in enumerate(zip(prices, futures, wilds, strict=True)):
            if self.hedged and t % self.every == 0:
                for held, worth, rate in zip(short, future, funding[t // self.every], strict=True):
                    ledger += held * worth * rate
            value = ledger + sum(map(_times, own, price)) - sum(map(_times, short, future))
            self.equity.append(value)
            ledger, done = self._bar(t == 0, price, future, wild, weight, value, own, short, ledger)
            self.cash.append(ledger)
            trades += done
        return trades

    def _bar(
        self, first: bool, price: Any, future: Any, wild: Any, weight: Any, value: float, own: Any, short: Any,
        ledger: float,
    ) -> tuple[float, int]:  # fmt: skip
        threshold, part, low, high = self.setting
        limit, trades = 0.0 if first else threshold * value, 0
        for i, each in enumerate(price):
            excess = own[i] * each - weight[i] * value
            if excess >= limit or -excess >= limit:
                sold = part * (excess / (1.0 - COST * weight[i])) if excess >= limit else excess
                own[i] -= sold / each
                ledger += sold - abs(sold) * COST
                trades += 1
        for i, each in enumerate(future if self.hedged else ()):
            wanted = (high if wild[i] else low) * own[i]
            more = wanted - short[i]
            if abs(more) > BAND * wanted:
                ledger += more * each - abs(more * each) * COST
                short[i] = wanted
                trades += 1
        return ledger, trades


def _times(one: float, other: float) -> float:
    return one * other


class Rows:
    """The job with one numpy expression an asset axis; sums add in another order."""

    def __init__(self, made: Panels, hedged: bool = True) -> None:
        self.made, self.hedged, self.setting = made, hedged, setting_of(hedged)
        self.equity = np.zeros(made.price.shape[0])

    def __call__(self) -> int:
        made, trades, ledger = self.made, 0, CASH
        threshold, part, low, high = self.setting
        own, short = np.zeros(made.weight.size), np.zeros(made.weight.size)
        for t, price in enumerate(made.price):
            future = made.future[t]
            if self.hedged and t % made.every == 0:
                ledger += float((short * future * made.funding[t // made.every]).sum())
            worth = own * price
            value = ledger + float(worth.sum()) - (float((short * future).sum()) if self.hedged else 0.0)
            self.equity[t] = value
            excess = worth - made.weight * value
            over = excess >= (threshold * value if t else 0.0)
            moves = over | (-excess >= (threshold * value if t else 0.0))
            if moves.any():
                sold = np.where(over, part * (excess / (1.0 - COST * made.weight)), excess)[moves]
                own[moves] -= sold / price[moves]
                ledger += float((sold - np.abs(sold) * COST).sum())
                trades += int(moves.sum())
            if not self.hedged:
                continue
            wanted = np.where(made.wild[t], high, low) * own
            more = wanted - short
            off = np.abs(more) > BAND * wanted
            if off.any():
                moved = (more * future)[off]
                ledger += float((moved - np.abs(moved) * COST).sum())
                short[off] = wanted[off]
                trades += int(off.sum())
        return trades
