"""What a backtest hands to statistics, JSON and the report: arrays by day, and the list of what was done and refused.

D days, A assets, P parts. ``PARTS`` is the attribution in order; it adds up to the change of net asset value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from hedgerow.model.breakdown import KERNEL_PARTS, Breakdown
from hedgerow.model.event import Event
from hedgerow.model.market import Floats, Ints
from hedgerow.model.policy_limits import Margin

PARTS: Final = KERNEL_PARTS


@dataclass(frozen=True, slots=True)
class LegRecord:
    """One leg that was filled (``refused`` is empty) or refused, with why.

    ``kind`` is spot, futures or margin; ``side`` buy, sell, in or out. ``amount`` is in coins (margin: settle
    currency), ``notional`` and ``cost`` in quote. ``measured`` and ``threshold`` are in kernel units, to be shown in
    ``unit``. ``row`` names the policy row ("trim.drift").
    """

    day: int  # daily row on which it was decided; -1: the risk clock
    decided_ns: int
    filled_ns: int
    instrument: str
    asset: str
    kind: str
    side: str
    amount: float
    price: float
    notional: float
    cost: float
    reason: str
    row: str
    measured: float
    threshold: float
    refused: str = ""
    sentence: str = ""
    unit: str = "%"  # of measured and threshold: a key of units.UNITS
    sleeve: str = ""  # "carry": a leg of the carry sleeve


@dataclass(frozen=True, slots=True)
class Run:
    """What one policy did over one market.

    ``regime`` holds indices into ``regimes``, by asset and day; ``market_regime`` the market asset's. ``parts`` is
    cumulative from the start, in quote. ``h_achieved`` is 1 - net exposure / (spot held + spot sold in place of a
    short).
    ``margin_ratio`` is the highest maintenance margin over position equity of the day (0 without a position) and
    ``liquidation_distance`` the lowest distance (liquidation price / mark - 1; inf without a position).
    """

    policy: str
    title: str
    simulated: bool  # the market was made, not recorded
    assets: tuple[str, ...]
    quote: str
    start_value: float
    days_ns: Ints  # [D] opening time of each daily bar
    nav: Floats  # [D] at the close
    cash: Floats  # [D] stablecoins in the spot wallet
    futures_equity: Floats  # [D] collateral and unrealised profit at the futures venue
    price: Floats  # [D, A]
    weight: Floats  # [D, A] of nav
    base: Floats  # [D, A] what a hedge ratio is counted on: spot held and spot sold in place of a short, quote
    target: Floats  # [D, A] of nav
    h_intended: Floats  # [D, A]
    h_achieved: Floats  # [D, A]
    regime: Ints  # [D, A], -1 before the asset is listed
    market_regime: Ints  # [D]
    regimes: tuple[str, ...]
    parts: Floats  # [D, P]
    parts_by_asset: Floats  # [A, P] at the end
    turnover_spot: Floats  # [D] traded value
    turnover_futures: Floats  # [D]
    margin_ratio: Floats  # [D]
    liquidation_distance: Floats  # [D]
    margin_capped: Floats  # [D] 1 where a wanted hedge was cut for want of collateral
    wanted: Floats  # [D] moves wanted
    liquidations: int
    legs: tuple[LegRecord, ...]
    refusals: tuple[LegRecord, ...]
    votes: dict[str, Ints] = field(default_factory=dict)  # vote -> [D, A]: 1 true, 0 false, -1 abstained
    coverage: dict[str, object] = field(default_factory=dict)
    leverage: float = 1.0  # most that a hedge's short may be over its collateral; above 1 is high risk
    margin: Margin = field(default_factory=Margin)  # the account behind the shorts, and its ladder
    sleeve: Floats = field(default_factory=lambda: np.zeros(0))  # [D] what the carry sleeve ties up, quote


@dataclass(frozen=True, slots=True)
class Comparison:
    """A policy's run beside its benchmarks' (name -> run), all over the same market and costs.

    ``without`` holds the same policy without its trims ("trims") or its hedge ("hedge"), where it has them;
    ``breakdown`` takes the subject's change of value apart, ``events`` are what happened to its money, in order.
    """

    subject: Run
    benchmarks: dict[str, Run]
    metrics: dict[str, object]
    benchmark_metrics: dict[str, dict[str, object]]
    without: dict[str, Run] = field(default_factory=dict)
    breakdown: Breakdown | None = None
    events: tuple[Event, ...] = ()
