"""What the engine may do by itself: the mandate that its owner gives it, in rows of a TOML table ``[mandate]``.

Autonomy has four levels. observe: decide and write down. advise: say it too. approve: act after a person approved. auto: act, within
the limits below. A leg has the lowest level of the mandate, its rule and its coin; a plan the lowest of its legs.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Autonomy = Literal["observe", "advise", "approve", "auto"]
LEVELS: Final[tuple[Autonomy, ...]] = ("observe", "advise", "approve", "auto")
Quote = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[Decimal, Field(gt=0, lt=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=864_000, allow_inf_nan=False)]
Wait = Annotated[
    float, Field(ge=0.1, le=864_000, allow_inf_nan=False)
]  # 0 would ask for the same moment again and again


class State(StrEnum):
    """What the engine does at all; it survives restarts, and only a person leaves HALTED."""

    RUNNING = "running"
    PAUSED = "paused"  # plans that run are finished; no other is begun
    REDUCE_ONLY = "reduce_only"  # only what lowers exposure
    HALTED = "halted"  # nothing is placed; cancels always work


class Mandate(BaseModel):
    """The limits of one portfolio. Money is quote, shares are fractions, times are seconds unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    autonomy: Autonomy = Field("approve", description="what the engine does with a plan")
    by_reason: dict[str, Autonomy] = Field({}, description="level of a rule, as trim or hedge_raise")
    by_asset: dict[str, Autonomy] = Field({}, description="level of a coin")
    auto_plan: Quote | None = Field(None, description="largest notional of a plan that is done unasked, quote")
    auto_day: Quote | None = Field(None, description="notional a day that is done unasked, quote")
    expires_hours: float = Field(12.0, gt=0, le=168, description="hours after which an unanswered plan lapses")
    stale_hours: float = Field(
        6.0,
        gt=0,
        le=168,
        description="hours after its close within which a day is still decided; later it is only seen",
    )
    band: Fraction = Field(Decimal("0.02"), description="how far a price may move before an approval lapses")
    two_above: Quote | None = Field(None, description="notional of a plan from which two people must approve, quote")
    most_plan: Quote | None = Field(None, description="largest notional of a plan at all, quote")
    style: Literal["taker", "maker"] = Field("taker", description="maker rests at the price first")
    maker_wait: Wait = Field(30.0, description="seconds that an order rests before the rest of it is taken")
    collar: Fraction = Field(Decimal("0.01"), description="worst price of an order beside the present one")
    slice_depth: Fraction = Field(Decimal("0.25"), description="largest share of the depth that one order takes")
    slice_wait: Seconds = Field(5.0, description="seconds between the slices of a leg")
    patience: Wait = Field(3_600.0, description="seconds after which what is left of a leg is given up")
    fresh: Wait = Field(60.0, description="seconds after which a price is too old to order by")
    unhedged: Seconds = Field(600.0, description="seconds that bought coins may wait for their hedge before an alert")
    orders_minute: int = Field(30, ge=1, le=1_000)
    notional_hour: Quote | None = Field(None, description="notional of orders in an hour, quote")
    notional_day: Quote | None = Field(None, description="notional of orders in a day, quote")
    desk_day: Quote | None = Field(
        None,
        description="notional of a day's orders over all portfolios of the desk, purchases and sales of an instrument netted, quote",
    )
    deadline: Wait = Field(5.0, description="seconds after which the venue refuses an order that arrives late")
    lag: Wait = Field(30.0, description="seconds that the venue's own lists may lag behind")
    look_every: Wait = Field(2.0, description="seconds between look-ups of an order in doubt")
