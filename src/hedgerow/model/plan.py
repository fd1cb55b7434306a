"""A plan: what to do and why. Reasons and refusals are the codes that the kernel writes, each with the sentence that it means.

Reasons are below 100, refusals from 100 on. A sentence may use {measured} and {threshold}.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Final, Literal, TypeAlias


class Reason(IntEnum):
    """Why a leg is traded."""

    NONE = 0
    ENTRY = 1
    TRIM = 2
    TRIM_PEAK = 3
    TRIM_TOP = 4
    REBALANCE = 5
    FUND_HEDGE = 6
    BUY_BACK = 7
    DEPLOY = 8
    UNDERWEIGHT = 9
    HEDGE_RAISE = 10
    HEDGE_COVER = 11
    HEDGE_RESTORE = 12
    CROSS_HEDGE = 13
    HEDGE_EXCESS = 14
    ROLL = 15
    MARGIN_IN = 16
    MARGIN_OUT = 17
    PAIR_REDUCE = 18
    LIQUIDATED = 19
    SETTLED = 20
    SELL_UNHEDGED = 21
    VENUE_FAILURE = 22
    HEDGE_UNFUNDED = 23
    HEDGE_SWITCH = 24
    HEDGE_LENGTHEN = 25
    FLATTEN = 30
    DELEVERAGED = 31
    REPAID = 32
    REOPENED = 33
    # the carry sleeve: every way out has a number between CARRY_LEAVE and CARRY_LOOSE
    CARRY_ENTER = 40
    CARRY_LEAVE = 41
    CARRY_FLIP = 42
    CARRY_END = 43
    CARRY_ROOM = 44
    CARRY_MARGIN = 45
    CARRY_LOOSE = 46


class Refusal(IntEnum):
    """Why a leg, or a part of one, is not traded."""

    NONE = 0
    BELOW_MINIMUM = 101
    COST_BENEFIT = 102
    TURNOVER = 103
    LIQUIDITY = 104
    LIQUIDITY_UNKNOWN = 105
    SLIPPAGE = 106
    NO_PRICE = 107
    COOLDOWN = 108
    CARRY_VETO = 109
    MARGIN = 110
    NO_INSTRUMENT = 111
    PROTECTED = 112
    RUNG_WAIT = 113
    FROZEN = 114
    DEPEG = 115
    FUNDING_UNKNOWN = 117
    CASH = 118
    VENUE = 119
    RESERVE = 120
    PRINCIPAL_LARGE = 121
    BACKING = 122
    PAID_CAP = 123
    UNREPLACED = 124
    NO_NEXT = 125
    NO_LONGER = 126
    LONGER_COSTS = 127
    MARGIN_LOW = 130


SENTENCES: Final[dict[int, str]] = {
    Reason.ENTRY: "first purchase at the target weight",
    Reason.TRIM: "{row} measured {measured}, threshold {threshold}",
    Reason.TRIM_PEAK: "aggressive trim: all of the excess while the asset shows signs of a peak",
    Reason.TRIM_TOP: "extra trim of the top performer (90-day return {measured})",
    Reason.REBALANCE: "rebalanced to target (drift {measured})",
    Reason.FUND_HEDGE: "spot sold in place of a short: stablecoins do not fund the whole hedge at this leverage",
    Reason.BUY_BACK: "spot bought back that had been sold in place of a short",
    Reason.DEPLOY: "stablecoins deployed into an undervalued and sound asset near a bottom",
    Reason.UNDERWEIGHT: "proceeds buy an asset below target",
    Reason.HEDGE_RAISE: "hedge raised from {measured} to {threshold}",
    Reason.HEDGE_COVER: "hedge covered from {measured} to {threshold}",
    Reason.HEDGE_RESTORE: "short cut to the spot that remains",
    Reason.CROSS_HEDGE: "cross hedge by beta from {measured} to {threshold}: the asset has no futures of its own",
    Reason.HEDGE_EXCESS: "excess shorted instead of sold: cheaper over the horizon",
    Reason.ROLL: "contract rolled before its expiry",
    Reason.HEDGE_SWITCH: "hedge moved to the contract with the better carry: {measured} a year instead of {threshold}",
    Reason.HEDGE_LENGTHEN: "hedge lengthened: moved to a dated contract with {measured} to its expiry",
    Reason.MARGIN_IN: "collateral topped up: liquidation was {measured} away, threshold {threshold}",
    Reason.MARGIN_OUT: "spare collateral withdrawn: equity was {measured} of the short, {threshold} is needed",
    Reason.PAIR_REDUCE: "short covered and the spot behind it sold: liquidation {measured} away, threshold {threshold}",
    Reason.LIQUIDATED: "position liquidated by the venue at {measured}",
    Reason.SETTLED: "dated contract settled at expiry",
    Reason.SELL_UNHEDGED: "spot sold, not hedged: no futures; a cross hedge has rho^2 {measured}, below {threshold}",
    Reason.VENUE_FAILURE: "hedge closed: the venue that holds it is reported as failing",
    Reason.HEDGE_UNFUNDED: "short cut to what stablecoins fund; spot is sold in its place: hedged {threshold}",
    Reason.FLATTEN: "short closed and the spot behind it sold: liquidation {measured} away, threshold {threshold}",
    Reason.DELEVERAGED: "part of the short closed by the venue: auto-deleveraging at {measured}",
    Reason.REPAID: "coins sold by the venue: the account owed stablecoins",
    Reason.REOPENED: "hedge opened again after the venue closed it",
    Reason.CARRY_ENTER: "carry pair opened: {measured} expected on what it ties up, after four legs; {threshold} is asked",
    Reason.CARRY_LEAVE: "carry pair closed: its short earns {measured}, below {threshold}",
    Reason.CARRY_FLIP: "carry pair closed: funding has turned negative",
    Reason.CARRY_END: "carry pair closed: the policy, its contract or its venue no longer carries it",
    Reason.CARRY_ROOM: "carry pair cut: it ties up {measured} of value, and {threshold} may be",
    Reason.CARRY_MARGIN: "carry pair cut before any hedge: a short's liquidation was {measured} away, threshold {threshold}",
    Reason.CARRY_LOOSE: "coins of the carry pair sold: no short stands against them any more",
    Refusal.BELOW_MINIMUM: "{measured} is below the smallest leg, {threshold}",
    Refusal.COST_BENEFIT: "benefit over cost {measured} is below {threshold}",
    Refusal.TURNOVER: "turnover of the last year {measured} has reached the budget, {threshold}",
    Refusal.LIQUIDITY: "{measured} is more than the share of the mean daily turnover that may be traded, {threshold}",
    Refusal.LIQUIDITY_UNKNOWN: "the market's turnover is unknown",
    Refusal.SLIPPAGE: "expected slippage {measured} is above the cap, {threshold}",
    Refusal.NO_PRICE: "no fresh price",
    Refusal.COOLDOWN: "the last trim of this group was {measured} ago, cooldown {threshold}",
    Refusal.CARRY_VETO: "a short would pay {measured} in funding, more than {threshold}",
    Refusal.MARGIN: "collateral allows a short of {measured}, wanted {threshold}",
    Refusal.NO_INSTRUMENT: "no futures to hedge with, and no coins that may be sold instead: hedged {measured}, wanted {threshold}",
    Refusal.PROTECTED: "only {measured} coins may be sold, {threshold} wanted: the others are protected, held elsewhere or collateral",
    Refusal.RUNG_WAIT: "a rung down must wait: at most one in {threshold}",
    Refusal.FROZEN: "more than half of the inputs are missing: the regime stands still",
    Refusal.DEPEG: "nothing is sold for a stablecoin at {measured} USD, below {threshold}",
    Refusal.FUNDING_UNKNOWN: "the contract's funding is unknown",
    Refusal.MARGIN_LOW: "the short is {measured} from liquidation; below {threshold} nothing is added before its top-up is paid",
    Refusal.CASH: "the wallet pays {measured} of {threshold}",
    Refusal.VENUE: "the venue that would hold the hedge is reported as failing",
    Refusal.RESERVE: "stablecoins of {measured} are not above the reserve, {threshold}",
    Refusal.PRINCIPAL_LARGE: "recovering the principal would sell {measured} of the position, more than {threshold}",
    Refusal.BACKING: "the other coins stand behind a short that was not covered: {measured} sold, {threshold} wanted",
    Refusal.PAID_CAP: "a short pays {measured} a year: not more than {threshold} is hedged",
    Refusal.UNREPLACED: "the sale or the short that was to take its place was refused: {measured} of {threshold} coins",
    Refusal.NO_NEXT: "the contract expires in {measured}: no other can be had to roll into",
    Refusal.NO_LONGER: "no dated contract can be had to lengthen the hedge with",
    Refusal.LONGER_COSTS: "the longer contract's basis would cost {measured} a year, more than {threshold}",
}


Cause: TypeAlias = Literal["day", "margin", "operator", "flag"]
Word: TypeAlias = Literal["approved", "rejected", "snoozed", "lapsed", "superseded", "begun", "done", "stopped"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a plan. ``amount`` is in coins, bought above 0 (margin: collateral into the contract, settle currency); ``price`` that
    of the decision, ``cost`` what it is expected to cost, quote. ``reduces`` says that it lowers exposure or risk.
    """

    leg: int
    instrument: str
    asset: str
    kind: Literal["spot", "futures", "margin"]
    amount: Decimal
    price: Decimal
    cost: Decimal
    reason: str
    row: str
    why: str
    reduces: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, as it is shown, approved and carried out. ``id`` names this very content: it holds its hash.

    ``value`` is net asset value at the decision, ``notional`` that of its trades, quote; ``level`` the autonomy that it has,
    ``approvals`` how many people must agree; ``refused`` says what was wanted and is not done.
    """

    at_ns: int
    id: str
    cause: Cause
    value: Decimal
    notional: Decimal
    legs: tuple[Leg, ...]
    refused: tuple[str, ...]
    level: Literal["observe", "advise", "approve", "auto"]
    approvals: int
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a plan: a word, who said it ("policy", or a person), and why."""

    at_ns: int
    plan: str
    word: Word
    who: str
    why: str = ""
