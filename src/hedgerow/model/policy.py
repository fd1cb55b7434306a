"""A policy: the rules that an investor fixed in advance, as one TOML file of named rows.

Every quantity is written with its unit (``"10 pp"``, ``"60 %/yr"``, ``"5 d"``) and is kept here in the kernel's units
(fractions, days). Every field carries what it means; every row may carry ``source``. Unknown keys are refused.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from hedgerow.model.margin import CONVENTIONS
from hedgerow.model.policy_check import check_regimes, check_votes, threshold
from hedgerow.model.policy_limits import Carry, Costs, Guard, Margin
from hedgerow.model.policy_row import Days, Gate, Percent, PerYear, Points, Row, Share, Side, Times, TrimMode, TrimTo


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
    roll_slices: int = Field(default=3, ge=1, le=30, description="days of a roll", json_schema_extra={"unit": "days"})
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
        if CONVENTIONS[self.margin.convention].inverse and not self.hedge.inverse:
            raise ValueError(
                f"margin: {self.margin.convention} counts coin-margined contracts, and the hedge uses linear ones; "
                "name a linear convention, or set hedge.inverse = true"
            )
        check_votes(self)
        check_regimes(self)
        for name, row in self.trim.items():
            threshold(row.threshold, row.measure, f"trim.{name}")
        return self
