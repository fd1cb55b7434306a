"""Rows of a policy that limit: costs, guards, margin, and the carry sleeve with its cap."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from hedgerow.model.margin import CONVENTIONS
from hedgerow.model.policy_row import BasisPoints, Days, Percent, PerYear, Row, Share, Times


class Carry(Row):
    """The carry sleeve: idle stablecoins in a pair, long spot and short futures of the same coins, apart from the hedge.

    Yields are a year of what a pair ties up: its coins, and as much collateral (1x, whatever leverage the hedge has).
    """

    enter: PerYear = Field(default=0.05, description="least expected yield above `stable_yield`, after all four legs")
    leave: PerYear = Field(default=0.0, description="closed when the short earns less, 7-day mean, of its notional")
    stable_yield: PerYear = Field(default=0.0, ge=0, description="what the stablecoins would earn elsewhere")
    cap: Percent = Field(default=0.10, gt=0, le=0.5, description="most that all pairs tie up, of net asset value")
    each: Percent = Field(default=0.05, gt=0, le=0.5, description="most that the pair of one asset ties up")
    instrument: Literal["perpetual", "dated"] = Field(default="perpetual", description="contract of the short")
    horizon: Days = Field(default=30.0, gt=0, description="over which the cost of the four legs is spread")
    min_hold: Days = Field(default=7.0, description="not closed for low carry before; a flip closes at once")
    cooldown: Days = Field(default=7.0, description="between the end of a pair and the next of the same asset")
    assets: tuple[str, ...] = Field(default=(), description="only these assets; none: all")

    @model_validator(mode="after")
    def _apart(self) -> Carry:
        if self.leave > self.enter + self.stable_yield:
            raise ValueError("leave must not lie above enter and stable_yield: a pair would close as it opens")
        if self.each > self.cap:
            raise ValueError("each must not lie above cap, which is for all pairs together")
        return self


class Costs(Row):
    """What trading costs, one way."""

    spot_fee: BasisPoints = Field(default=0.0010, ge=0, lt=1, description="taker fee of spot, of notional")
    futures_fee: BasisPoints = Field(default=0.0005, ge=0, lt=1, description="taker fee of futures, of notional")
    spot_half_spread: BasisPoints = Field(default=0.0001, ge=0, lt=1, description="half of spot's bid-ask spread")
    futures_half_spread: BasisPoints = Field(
        default=0.0001, ge=0, lt=1, description="half of the futures' bid-ask spread"
    )
    fee_in: str = Field(
        default="quote",
        pattern=r"^[A-Za-z0-9]+$",
        description="what pays spot fees: quote, base (the coins bought; sales pay in quote), or a coin that is held, as BNB",
    )
    impact: Times = Field(default=1.0, description="Y of the square-root law: Y x daily volatility x sqrt(order / ADV)")


class Guard(Row):
    """Limits that shrink or refuse a leg."""

    kappa: Times = Field(default=1.5, description="benefit must be so many times the cost; 0: off")
    gamma: Times = Field(default=3.0, description="relative risk aversion")
    horizon: Days = Field(default=30.0, description="over which a move is judged")
    turnover_soft: Times = Field(default=6.0, description="of net asset value a year: then trims and deployment stop")
    turnover_hard: Times = Field(default=12.0, description="then hedges stop too; only what restores a limit trades")
    min_leg: Percent = Field(default=0.0025, ge=0, le=1, description="smallest leg, of net asset value")
    participation: Percent = Field(default=0.01, gt=0, le=1, description="largest leg, of mean daily turnover")
    slippage_cap: BasisPoints = Field(default=0.0030, gt=0, description="largest expected half-spread and impact")
    unknown_liquidity: Literal["refuse", "allow"] = Field(default="refuse", description="legs without a known turnover")
    unknown_funding: Literal["refuse", "allow"] = Field(default="refuse", description="shorts without known funding")
    max_carry: PerYear = Field(default=0.10, ge=0, description="a short that pays more is not added to")
    carry_confirmed_by: tuple[str, ...] = Field(
        default=(), description="votes that lift the carry veto when all are true"
    )
    depeg: Times = Field(default=0.97, description="below this price of the quote in USD nothing is sold for it")


def _known(name: str) -> str:
    if name not in CONVENTIONS:
        raise ValueError(f"must be one of {', '.join(CONVENTIONS)}")
    return name


class Margin(Row):
    """How the venue counts margin, and the buffer ladder of each short."""

    convention: Annotated[str, AfterValidator(_known)] = Field(
        default="binance_linear",
        description=f"the venue's way of counting maintenance margin: {', '.join(CONVENTIONS)}",
    )
    mode: Literal["isolated", "cross", "unified"] = Field(
        default="isolated",
        description="what backs linear shorts: each its own collateral; one futures wallet; or cash and coins together",
    )
    haircut: Percent = Field(
        default=0.10, ge=0, le=1, description="unified: what the venue takes off coins that are collateral"
    )
    haircuts: dict[str, Share] = Field(default_factory=dict, description="the same by asset")
    liquidation: Literal["partial", "full"] = Field(
        default="partial", description="tier by tier where the convention does so, or all at once"
    )
    liquidation_fee: BasisPoints | None = Field(
        default=None, ge=0, description="of what a liquidation takes; none: the convention's"
    )
    top_up_market: Percent = Field(
        default=0.60, ge=0, le=5, description="liquidation distance below which the market asset's short is topped up"
    )
    top_up: Percent = Field(default=0.75, ge=0, le=5, description="the same for other assets")
    reduce: Percent = Field(default=0.35, ge=0, le=5, description="from here on: cover, and sell the spot it protected")
    warn: Percent = Field(default=0.80, ge=0, le=5, description="liquidation distance from which the report warns")
    stop_adding: Percent = Field(
        default=0.50, ge=0, le=5, description="a short that is nearer, and whose top-up is not paid, is not added to"
    )
    flatten: Percent = Field(
        default=0.10, ge=0, le=5, description="from here on the whole short and the spot behind it go"
    )
    warn_ratio: Share = Field(default=0.30, description="warns too at this maintenance margin over equity")
    top_up_ratio: Share = Field(default=0.40, description="tops up too at this maintenance margin over equity")
    reduce_ratio: Share = Field(default=0.60, description="reduces too at this maintenance margin over equity")
    flatten_ratio: Share = Field(default=0.80, description="flattens too at this maintenance margin over equity")

    @model_validator(mode="after")
    def _falling(self) -> Margin:
        if self.reduce > min(self.top_up_market, self.top_up):
            raise ValueError("reduce must not lie above top_up_market or top_up: a short is topped up first")
        if not self.flatten <= self.reduce <= self.stop_adding:
            raise ValueError("flatten must not lie above reduce, nor reduce above stop_adding")
        if not self.warn_ratio <= self.top_up_ratio <= self.reduce_ratio <= self.flatten_ratio:
            raise ValueError("warn_ratio, top_up_ratio, reduce_ratio and flatten_ratio must rise in this order")
        return self
