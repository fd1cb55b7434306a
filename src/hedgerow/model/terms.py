"""How a venue takes orders: what a simulated one pretends, and what the engine must know of any.

WHOLE is the venue of a backtest: every order is filled at once, all of it, at the price of its size. Paper trading goes by the
defaults, which are those of a large exchange with wallets of its own for spot and futures (the notes on exchanges, 3.3 to 3.6).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hedgerow.model.instrument import Universe

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
_LOT: Final = 1.0  # quote that a lot is worth at most
_TICK: Final = 1e-4  # of the price that a tick is at most


class Terms(BaseModel):
    """The terms of one venue account. A cell that is left out keeps its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fills: Literal["book", "whole"] = Field(
        "book", description="book: as far as the order book bears, within the limit; whole: all of it at once"
    )
    wallets: Literal["separate", "one"] = Field(
        "separate", description="separate: a short's collateral is moved before it is sold; one: with it"
    )
    transfers: bool = Field(True, description="whether collateral moves by a request; false: only a person moves it")
    position_mode: Literal["one_way", "hedge"] = Field(
        "one_way",
        description="hedge: a long that somebody opens stands beside the short; one_way: it shrinks the short",
    )
    latency_ms: int = Field(150, ge=0, le=60_000, description="milliseconds from a request to its answer")
    jitter_ms: int = Field(150, ge=0, le=60_000, description="milliseconds that it may take longer")
    quotes_s: float = Field(
        5.0, gt=0, le=3_600, description="seconds between prices while an order or a plan waits for them"
    )
    refill_s: float = Field(
        60.0, ge=0, le=86_400, description="seconds until the book is whole after an order took from it"
    )
    participation: Share = Field(0.1, description="share of a market's turnover that fills a resting order")
    maker_share: float = Field(1.0, ge=0, le=1, description="share of the taker's fee that a resting order pays")
    filters: bool = Field(
        True, description="whether amounts and prices must be whole lots and ticks, and orders not too small"
    )
    requests_minute: int = Field(1_200, ge=1, description="requests in a minute; more are refused")


WHOLE: Final = Terms(
    fills="whole", wallets="one", latency_ms=0, jitter_ms=0, refill_s=0.0, filters=False, requests_minute=10**9
)


def with_lots(universe: Universe, prices: list[float]) -> Universe:
    """A universe whose instruments [I] have lots and ticks: those that they state, else powers of ten fit for ``prices`` [I]."""
    made = []
    for one, own in zip(universe.instruments, prices, strict=True):
        price = own if own > 0.0 else prices[universe.assets.index(one.asset)]  # a contract that is listed later
        known = price > 0.0 and math.isfinite(price)
        lot = one.lot or (10.0 ** math.floor(math.log10(_LOT / price)) if known else 0.0)
        tick = one.tick or (10.0 ** math.floor(math.log10(_TICK * price)) if known else 0.0)
        made.append(replace(one, lot=float(f"{lot:.0e}"), tick=float(f"{tick:.0e}")))
    return Universe(universe.assets, universe.quote, tuple(made), universe.market_asset)
