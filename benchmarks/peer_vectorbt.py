"""The reference job in vectorbt, in its fastest form: flexible simulation, in which a bar without trades is one call.

A group holds an account: columns of coins, then as many of contracts that it is short of. vectorbt knows no funding, so the
callback posts it to the group's cash and notes it. It also notes the value that it finds before each bar's trades, from
the positions and the cash that vectorbt keeps: that curve is compared. Importing this module takes seconds, and the first
run compiles for some twenty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import vectorbt
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import NoOrder

from benchmarks.reference import BAND, CASH, COST, Panels, setting_of


@njit
def _room(group: Any) -> Any:
    """Sizes and the queue of columns that trade."""
    return np.empty(group.group_len), np.empty(group.group_len, np.int64)


@njit
def _decide(
    segment: Any, size: Any, queue: Any, settings: Any, weight: Any, funding: Any, every: int, wild: Any, hedged: bool,
    value_out: Any, paid_out: Any,
) -> Any:  # fmt: skip
    """Post funding, value the account, and queue what stands beyond its bands."""
    t, group, first = segment.i, segment.group, segment.from_col
    coins = segment.group_len // 2 if hedged else segment.group_len
    close, position = segment.close, segment.last_position
    threshold, part, low, high = settings[group]
    spot = 0.0
    shorts = 0.0
    if hedged:
        if t % every == 0:
            paid = 0.0
            for i in range(coins):
                at = first + coins + i
                paid -= position[at] * close[t, at] * funding[t // every, i]
            segment.last_cash[group] += paid
            segment.last_free_cash[group] += paid
            paid_out[t, group] = paid
        for i in range(coins):
            shorts -= position[first + coins + i] * close[t, first + coins + i]
    for i in range(coins):
        spot += position[first + i] * close[t, first + i]
    value = segment.last_cash[group] + spot - shorts
    value_out[t, group] = value
    limit = 0.0 if t == 0 else threshold * value
    queued = 0
    for i in range(coins):
        price = close[t, first + i]
        excess = position[first + i] * price - weight[i] * value
        size[i] = 0.0
        if excess >= limit or -excess >= limit:
            size[i] = -(part * (excess / (1.0 - COST * weight[i])) if excess >= limit else excess) / price
            queue[queued] = i
            queued += 1
    if hedged:
        for i in range(coins):
            at = coins + i
            wanted = (high if wild[t, i] else low) * (position[first + i] + size[i])
            more = wanted + position[first + at]
            if abs(more) > BAND * wanted:
                size[at] = -more
                queue[queued] = at
                queued += 1
    return size, queue, queued


@njit
def _order(flexible: Any, size: Any, queue: Any, queued: int) -> Any:
    """The next order of the queue, at the close."""
    if flexible.call_idx >= queued:
        return -1, NoOrder
    column = flexible.from_col + queue[flexible.call_idx]
    price = flexible.close[flexible.i, column]
    flexible.last_val_price[column] = price
    return column, nb.order_nb(size=size[queue[flexible.call_idx]], price=price, fees=COST)


class Vectorbt:
    """The job for one setting or many, simulation only; ``whole`` is the same with the equity curve and the orders."""

    def __init__(self, made: Panels, hedged: bool = True, settings: Any = None, orders: int | None = None) -> None:
        self.made, self.hedged = made, hedged
        self.settings = np.array([setting_of(hedged)] if settings is None else settings)
        one = np.hstack([made.price, made.future]) if hedged else made.price
        self.accounts = self.settings.shape[0]
        self.close = pd.DataFrame(np.tile(one, (1, self.accounts)))
        self.group = np.repeat(np.arange(self.accounts), one.shape[1])
        self.orders = orders or self.close.size // 4
        self.value = np.zeros((one.shape[0], self.accounts))
        self.paid = np.zeros_like(self.value)

    @property
    def equity(self) -> Any:
        """Value before each bar's trades: [T], or [T, K] of many settings."""
        return self.value[:, 0] if self.accounts == 1 else self.value

    def __call__(self) -> Any:
        made = self.made
        noted = (self.settings, made.weight, made.funding, made.every, made.wild, self.hedged, self.value, self.paid)
        return vectorbt.Portfolio.from_order_func(
            self.close, _order, flexible=True, pre_group_func_nb=_room, pre_segment_func_nb=_decide,
            pre_segment_args=noted, group_by=self.group, cash_sharing=True, init_cash=CASH, call_pre_segment=True,
            max_orders=self.orders,
        )  # fmt: skip

    def whole(self) -> tuple[Any, Any]:
        """Simulate, and read the equity curve [T, K] and the records of the orders."""
        done = self()
        return np.asarray(done.value()).reshape(self.value.shape), done.orders.records_arr

    def checked(self) -> tuple[Any, int]:
        """Value before each bar's trades, by vectorbt's own equity curve, funding and fees; and the number of orders."""
        after, records = self.whole()
        fees = np.zeros_like(self.value)
        np.add.at(fees, (records["idx"], self.group[records["col"]]), records["fees"])
        return after + np.cumsum(self.paid, axis=0) + fees, len(records)
