"""A policy: the rules that an investor fixed in advance, as one TOML file of named rows.

Every quantity is written with its unit (``"10 pp"``, ``"60 %/yr"``, ``"5 d"``) and is kept here in the kernel's units
(fractions, days). Every field carries what it means; every row may carry ``source``. Unknown keys are refused.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hedgerow import units
from hedgerow.model.policy_check import check_regimes, check_votes, threshold


def _quantity(unit: str) -> Any:
    return BeforeValidator(partial(_read, unit=unit), json_schema_input_type=str)


def _read(value: Any, unit: str) -> float:
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"expected a quantity in {unit}")
    return units.parse(value, unit)


Percent: TypeAlias = Annotated[float, _quantity("%"), Field(json_schema_extra={"unit": "%"})]
Points: TypeAlias = Annotated[float, _quantity("pp"), Field(json_schema_extra={"unit": "pp"})]
BasisPoints: TypeAlias = Annotated[float, _quantity("bp"), Field(json_schema_extra={"unit": "bp"})]
PerYear: TypeAlias = Annotated[float, _quantity("%/yr"), Field(json_schema_extra={"unit": "%/yr"})]
Days: TypeAlias = Annotated[float, _quantity("d"), Field(json_schema_extra={"unit": "d"}, ge=0)]
Share: TypeAlias = Annotated[Percent, Field(ge=0, le=1)]
Times: TypeAlias = Annotated[float, _quantity("x"), Field(json_schema_extra={"unit": "x"}, ge=0)]

Side: TypeAlias = Literal["above", "below"]
TrimTo: TypeAlias = Literal["target", "overshoot", "band_edge", "halfway", "fraction", "position", "principal"]
TrimMode: TypeAlias = Literal["threshold", "aggressive", "minimal", "none"]


class Row(BaseModel):
    """What every row of a policy has in common: frozen, no unknown keys, an optional source."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str = Field(default="", description="where the row comes from (article, reference, a person)")


class Gate(Row):
    """A condition over votes: ``at_least`` of ``of``, and all of ``all``, and one of ``any``, and none of ``none``."""

    at_least: int = Field(default=0, ge=0, description="least true ones of `of`", json_schema_extra={"unit": "votes"})
    of: tuple[str, ...] = Field(default=(), description="votes that are counted; a missing one is left out")
    all: tuple[str, ...] = Field(default=(), description="votes that must all be true; a missing one is not true")
    any: tuple[str, ...] = Field(default=(), description="votes of which one must be true")
    none: tuple[str, ...] = Field(default=(), description="votes of which none may be true; most must be known")

    def names(self) -> tuple[str, ...]:
        """Every vote that the gate reads."""
        return self.of + self.all + self.any + self.none

    @model_validator(mode="after")
    def _counted(self) -> Gate:
        if self.at_least > len(self.of):
            raise ValueError(f"at_least = {self.at_least}, but `of` names only {len(self.of)} votes")
        if self.of and not self.at_least:
            raise ValueError("`of` needs `at_least`: how many of the votes must be true")
        return self


class Vote(Row):
    """One question about a measure (``measure side threshold``), or a composite of earlier votes (``at_least`` of
    ``of``).
    """

    measure: str = Field(default="", description="a measure, or a TA-Lib indicator as talib:NAME(parameters).output")
    side: Side = Field(default="above", description="true when the measure is above (or at) / below the threshold")
    threshold: float | str = Field(default=0.0, description="the value to compare with, in the measure's unit")
    lasting: Days = Field(default=0.0, alias="for", description="true only after so many consecutive closes")
    within: Days = Field(default=0.0, description="stays true for so many days after it was last true")
    at_least: int = Field(default=0, ge=0, description="least true ones of `of`", json_schema_extra={"unit": "votes"})
    of: tuple[str, ...] = Field(default=(), description="composite: earlier votes")

    @model_validator(mode="after")
    def _one_kind(self) -> Vote:
        if bool(self.measure) == bool(self.of):
            raise ValueError("a vote names either a measure or, in `of`, earlier votes with at_least")
        if self.of and not 1 <= self.at_least <= len(self.of):
            raise ValueError(f"at_least must lie between 1 and {len(self.of)}, the number of votes in `of`")
        return self


class Regime(Row):
    """One row of the regime table. Rows are tried in the order of the file; the last one needs no condition."""

    hedge: tuple[Percent, Percent] = Field(description="range of the hedge ratio in this state")
    trim: TrimMode = Field(
        description="threshold: as the trim rows say; aggressive: all excess and the top performer; "
        "minimal: only above twice the threshold; none"
    )
    deploy: bool = Field(default=False, description="deploy stablecoins into undervalued and sound assets")
    comes_from: tuple[str, ...] = Field(
        default=(), alias="from", description="states from which it may be entered at once"
    )
    after: tuple[str, ...] = Field(default=(), description="states after whose end it may follow")
    enter: Gate | None = Field(default=None, description="when the state is entered; none: the fallback")
    leave: Gate | None = Field(default=None, description="when the state may be left (`for` counts closes after entry)")
    shock: tuple[str, ...] = Field(default=(), description="votes of `enter` that make the entry a shock")
    leave_shock: Gate | None = Field(default=None, description="must hold too, to leave after entry by a shock")
    quiet: Days = Field(default=0.0, description="leave when no vote of `of` was true for so many days; 0: off")
    reenter_after: Days = Field(default=0.0, description="not entered again for so many days after it failed")
    failed_by: tuple[str, ...] = Field(
        default=(), description="votes that make its end a failure; none: any end in a row with more hedge"
    )
    start: Share | None = Field(default=None, description="hedge on entry: the greater of this and the current one")
    ladder: bool = Field(default=False, description="the ladder rows act in this state")


class Trim(Row):
    """One reason to sell: when ``measure`` passes ``threshold`` (and ``when`` holds), sell to ``to``."""

    measure: str = Field(description="what is measured")
    side: Side = Field(default="above", description="when the measure is above (or at) / below the threshold")
    threshold: float | str = Field(description="in the measure's unit")
    when: Gate | None = Field(default=None, description="votes that must hold too")
    to: TrimTo = Field(
        default="target",
        description="target; overshoot: `size` below; band_edge: target and the no-trade "
        "band; halfway; fraction: `size` of the excess; position: `size` of the position; principal",
    )
    size: Percent = Field(default=0.0, ge=0, le=1, description="of the excess, of the position, or points of overshoot")
    group: Literal["drift", "technical", "milestone"] = Field(
        default="drift", description="rows of a group share a cooldown"
    )
    cooldown: Days = Field(default=0.0, description="days between two fills of the group, by asset")
    rearm: float | str | None = Field(
        default=None, description="fires again only after the measure passed this value back"
    )
    once: bool = Field(default=False, description="fires once for ever")
    assets: tuple[str, ...] = Field(default=(), description="only these assets; none: all")
    how: Literal["trim", "hedge", "cheaper"] = Field(
        default="trim", description="sell the excess, short it, or the cheaper"
    )


class Rebalance(Row):
    """Periodic or threshold rebalancing of the whole book, both ways (the benchmarks' rule)."""

    every: Literal["never", "week", "month", "quarter"] = Field(default="never", description="by the calendar")
    threshold: Points | None = Field(default=None, description="also when any weight is so far from target")


class Reinforce(Row):
    """A reason to add to the hedge for a while: ``rungs`` up, ``at_least`` a ratio, or a contract that lasts longer."""

    when: Gate = Field(description="votes that call for it")
    rungs: int = Field(default=0, ge=-2, le=2, description="rungs up", json_schema_extra={"unit": "rungs"})
    at_least: Percent | None = Field(default=None, ge=0, le=1, description="least hedge ratio while it lasts")
    lasts: Days = Field(default=0.0, description="days the effect lasts after the gate was last true")
    how: Literal["enlarge", "lengthen"] = Field(
        default="enlarge", description="more hedge; or, at the same size, a dated contract that expires later"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Reinforce:
        if self.how == "lengthen" and (self.rungs or self.at_least is not None):
            raise ValueError('how = "lengthen" moves the hedge as it is: leave out rungs and at_least')
        return self


class LadderStep(Row):
    """A step of the ladder inside a regime: on the first crossing of ``vote`` after entry, ``rungs`` up or down."""

    vote: str = Field(description="acts when this vote is first true after entry")
    rungs: int = Field(
        default=-1,
        ge=-2,
        le=2,
        description="rungs down (negative), or up again what came down",
        json_schema_extra={"unit": "rungs"},
    )
    when: Gate | None = Field(default=None, description="votes that must hold too")


class VolTarget(Row):
    """Hedge 1 - target / volatility."""

    target: PerYear = Field(default=0.60, gt=0, description="volatility that spot and hedge together should have")
    median_floor: bool = Field(
        default=True, description="the target of an asset is not below its 2-year median volatility"
    )


class Trend(Row):
    """Hedge ``ratio`` from the vote ``enter`` until the vote ``leave``."""

    ratio: Percent = Field(default=0.75, ge=0, le=1, description="hedge ratio from `enter` until `leave`")
    enter: str = Field(default="below_sma200_3d", description="vote that starts it")
    leave: str = Field(default="above_sma200_5d", description="vote that ends it")


class Hedge(Row):
    """How the hedge ratio is made: the greatest of the parts that are present, then ladder, reinforcement and
    limits.
    """

    constant: Percent | None = Field(default=None, ge=0, le=1, description="a constant hedge ratio")
    vol: VolTarget | None = Field(default=None, description="a volatility target")
    trend: Trend | None = Field(default=None, description="a trend hedge")
    by_regime: bool = Field(default=False, description="the regime row's range")
    external: bool = Field(default=False, description="the measure external_hedge")
    views: bool = Field(default=True, description="live views add rungs and least ratios")
    cap: Percent = Field(default=1.0, ge=0, le=1, description="greatest hedge ratio")
    paid_cap: Percent = Field(default=1.0, ge=0, le=1, description="greatest ratio while shorts pay above `paid_above`")
    paid_above: PerYear = Field(default=0.10, ge=0, description="funding that shorts pay, 7-day mean")
    paid_cap_unless: tuple[str, ...] = Field(default=(), description="votes that lift `paid_cap` when any is true")
    rungs: tuple[Share, ...] = Field(default=(0.0, 0.25, 0.5, 0.75, 1.0), description="the ladder")
    rounding: Literal["none", "rung"] = Field(default="none", description="round to the nearest rung")
    max_extra: int = Field(default=1, ge=0, le=4, description="most that is added", json_schema_extra={"unit": "rungs"})
    min_step: Points = Field(default=0.05, ge=0, description="smallest change of the ratio that is traded")
    rung_down_every: Days = Field(default=3.0, description="at most one rung down in so many days; 0: no limit")
    floor: Percent = Field(
        default=0.0, ge=0, le=1, description="the ladder stops here while the close is below its 200-day mean"
    )
    leverage: Times = Field(default=1.0, gt=0, le=5, description="short notional over collateral, at most")
    high_risk: bool = Field(default=False, description="must be true for a leverage above 1")
    reserve: Percent = Field(default=0.25, ge=0, le=1, description="of short notional, kept in the spot wallet")
    instrument: Literal["perpetual", "dated", "carry"] = Field(
        default="perpetual",
        description="contract that hedges; carry: perpetual or dated, whichever a short is expected to earn more on",
    )
    inverse: bool = Field(default=False, description="coin-margined contracts, backed by the coins themselves")
    roll_before: Days = Field(default=7.0, description="a dated contract is rolled so many days before expiry")
    roll_slices: int = Field(
        default=3, ge=1, le=30, description="a roll takes so many days", json_schema_extra={"unit": "days"}
    )
    lengthen_after: Days = Field(
        default=0.0,
        description="a hedge wanted for so long moves to a dated contract if that carries no less; 0: never",
    )
    cover_outside: bool = Field(default=True, description="coins held elsewhere are hedged too")
    cross_rho2: Percent = Field(
        default=0.5, ge=0, le=1, description="least out-of-sample rho^2 of a cross hedge; below: sell instead"
    )

    @model_validator(mode="after")
    def _opted_in(self) -> Hedge:
        if self.leverage > 1.0 and not self.high_risk:
            raise ValueError('leverage above 1x is high risk: set high_risk = true to opt in, or leverage = "1 x"')
        if list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("rungs must rise")
        return self


class Deploy(Row):
    """Deployment of stablecoins in regimes with ``deploy = true``."""

    tranche: Percent = Field(
        default=0.25, gt=0, le=1, description="of the stables above reserve when the episode began"
    )
    tranches: int = Field(default=4, ge=1, le=20, description="of an episode", json_schema_extra={"unit": "tranches"})
    every: Days = Field(default=7.0, description="between two tranches")
    when: Gate = Field(default_factory=Gate, description="votes of an asset that is bought")
    underweights: bool = Field(default=False, description="elsewhere too: proceeds buy assets below target")


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

    spot_fee: BasisPoints = Field(default=0.0010, ge=0, description="taker fee of spot, of notional")
    futures_fee: BasisPoints = Field(default=0.0005, ge=0, description="taker fee of futures, of notional")
    spot_half_spread: BasisPoints = Field(default=0.0001, ge=0, description="half of spot's bid-ask spread")
    futures_half_spread: BasisPoints = Field(default=0.0001, ge=0, description="half of the futures' bid-ask spread")
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


class Margin(Row):
    """How the venue counts margin, and the buffer ladder of each short."""

    convention: Literal[
        "binance_linear", "binance_inverse", "okx_linear", "okx_inverse", "gate_linear", "bybit_linear_entry_mm",
        "bybit_inverse_entry_mm", "bybit_inverse_cross", "bybit_inverse_mark_mm", "bitmex_inverse", "bingx_linear",
        "mexc_linear", "weex_linear",
    ] = Field(default="binance_linear", description="the venue's way of counting maintenance margin")  # fmt: skip
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


class Targets(Row):
    """The wanted portfolio, of net asset value."""

    stable: Percent = Field(default=0.20, ge=0, le=1, description="stable reserve")
    weights: dict[str, Share] = Field(default_factory=dict, description="by asset; none: equal beside the reserve")
    base: Literal["nav_current", "nav_initial"] = Field(
        default="nav_current", description="what target values are counted on"
    )
    denominator: Literal["nav", "risk_assets"] = Field(default="nav", description="what weights are counted over")
    whitelist: tuple[str, ...] = Field(default=(), description="assets held sound by the user; none: all")


class Policy(Row):
    """A whole policy file."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    title: str = ""
    description: str = ""
    version: int = 1
    targets: Targets = Field(default_factory=Targets)
    costs: Costs = Field(default_factory=Costs)
    guard: Guard = Field(default_factory=Guard)
    margin: Margin = Field(default_factory=Margin)
    hedge: Hedge = Field(default_factory=Hedge)
    deploy: Deploy = Field(default_factory=Deploy)
    rebalance: Rebalance = Field(default_factory=Rebalance)
    carry: Carry | None = None
    dwell: Days = Field(default=5.0, description="least days in a state")
    dwell_override: tuple[str, ...] = Field(
        default=(), description="votes that let a move to a higher hedge ignore the dwell"
    )
    least_bars: Days = Field(default=200.0, description="an asset with fewer daily bars takes the market's regime")
    vote: dict[str, Vote] = Field(default_factory=dict)
    regime: dict[str, Regime] = Field(default_factory=dict)
    trim: dict[str, Trim] = Field(default_factory=dict)
    reinforce: dict[str, Reinforce] = Field(default_factory=dict)
    ladder: dict[str, LadderStep] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Policy:
        total = self.targets.stable + math.fsum(self.targets.weights.values())
        if self.targets.weights and abs(total - 1.0) > 1e-9:
            raise ValueError(
                f"targets: the weights and the stable reserve add up to {100.0 * total:.9g} %; they must add up to 100 %"
            )
        if self.carry is not None and self.margin.mode != "isolated":
            raise ValueError(
                f'carry: margin.mode is "{self.margin.mode}", and a pair is backed by collateral of its own; '
                'write mode = "isolated", or leave [carry] out'
            )
        check_votes(self)
        check_regimes(self)
        for name, row in self.trim.items():
            threshold(row.threshold, row.measure, f"trim.{name}")
        return self
