"""The reference job in bt, through its public API: an Algo that trades exactly what the job asks for.

bt's own drift rebalancing trades everything to its target once anything has drifted: another rule, so it is not compared.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks.reference import BAND, CASH, COST, Panels, setting_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import bt
    import pandas as pd


def _fee(units: float, price: float) -> float:
    return abs(units) * price * COST


class Bands(bt.Algo):  # type: ignore[misc]
    """Funding, value, and the trades of what stands beyond its bands."""

    def __init__(self, made: Panels, hedged: bool) -> None:
        super().__init__()
        self.made, self.hedged, self.setting = made, hedged, setting_of(hedged)
        self.coins, self.t = _names(made), -1

    def __call__(self, account: Any) -> bool:
        self.t += 1
        held, t, made = account.children, self.t, self.made
        if self.hedged and t and t % made.every == 0:
            rates = made.funding[t // made.every]
            paid = sum(-held[f"-{coin}"].value * rates[i] for i, coin in enumerate(self.coins) if f"-{coin}" in held)
            account.adjust(paid, flow=False)
        value = account.value
        threshold, part, low, high = self.setting
        limit = threshold * value if t else 0.0
        for coin, price, weight in zip(self.coins, made.price[t], made.weight, strict=True):
            excess = (held[coin].value if t else 0.0) - weight * value
            if excess >= limit or -excess >= limit:
                sold = part * (excess / (1.0 - COST * weight)) if excess >= limit else excess
                account.transact(-sold / price, child=coin)
        for i, coin in enumerate(self.coins if self.hedged else ()):
            wanted = (high if made.wild[t, i] else low) * held[coin].position
            more = wanted + (held[f"-{coin}"].position if f"-{coin}" in held else 0.0)
            if abs(more) > BAND * wanted:
                account.transact(-more, child=f"-{coin}")
        return True


def _names(made: Panels) -> list[str]:
    return [f"coin{i}" for i in range(made.price.shape[1])]


class Bt:
    """The job: a backtest from a frame of prices to bt's strategy, with its equity."""

    def __init__(self, made: Panels, hedged: bool = True) -> None:
        self.made, self.hedged = made, hedged
        names, bars = _names(made), made.price.shape[0]
        blocks = [made.price, made.future] if hedged else [made.price]
        columns = [*names, *(f"-{name}" for name in names)] if hedged else names
        index = pd.date_range("2018-01-01", periods=bars, freq="h")
        self.data = pd.DataFrame(np.hstack(blocks), index=index, columns=columns)
        self.account: Any = None

    def __call__(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test = bt.Backtest(
                bt.Strategy("bands", [Bands(self.made, self.hedged)]), self.data, initial_capital=CASH, integer_positions=False,
                commissions=_fee, progress_bar=False,
            )  # fmt: skip
            test.run()
        self.account = test.strategy
        return test.strategy.values

    def checked(self) -> tuple[Any, int]:
        """Value before each bar's trades, by bt's own equity and fees, and the number of transactions."""
        bars = self.made.price.shape[0]
        after, fees = (np.asarray(block)[-bars:] for block in (self.account.values, self.account.fees))
        return after + fees, len(self.account.get_transactions())
