"""A code of the kernel in words: the row of the policy behind it, the unit of its numbers, and its sentence."""

from __future__ import annotations

from hedgerow.model import measure
from hedgerow.model.plan import SENTENCES, Reason, Refusal
from hedgerow.model.policy import Policy
from hedgerow.units import figure

_TABLES = {
    Reason.DEPLOY: "deploy", Reason.REBALANCE: "rebalance", Reason.HEDGE_RAISE: "hedge", Reason.HEDGE_COVER:
    "hedge",
    Reason.FUND_HEDGE: "hedge", Reason.BUY_BACK: "hedge", Reason.MARGIN_IN: "margin", Reason.PAIR_REDUCE: "margin",
    Reason.ENTRY: "targets", Reason.TRIM_PEAK: "regime", Reason.TRIM_TOP: "regime", Reason.CROSS_HEDGE:
    "hedge.cross_rho2",
    Reason.CARRY_ENTER: "carry.enter", Reason.CARRY_LEAVE: "carry.leave", Reason.CARRY_ROOM: "carry",
    Reason.CARRY_MARGIN: "margin", Reason.CARRY_FLIP: "carry", Reason.CARRY_END: "carry", Reason.CARRY_LOOSE: "carry",
    Reason.ROLL: "hedge.roll_before", Reason.HEDGE_UNFUNDED: "hedge", Reason.MARGIN_OUT: "margin",
    Reason.HEDGE_SWITCH: "hedge.instrument", Reason.HEDGE_LENGTHEN: "hedge.lengthen_after",
}  # fmt: skip


def row_name(policy: Policy, index: int, reason: Reason) -> str:
    """The policy row behind a leg, as it is named in the file."""
    rows = list(policy.trim)
    if 0 <= index < len(rows) and reason is Reason.TRIM:
        return f"trim.{rows[index]}"
    if index >= 0 and reason is Reason.HEDGE_LENGTHEN:
        return f"reinforce.{list(policy.reinforce)[index]}"
    return _TABLES.get(reason, "")


_A_YEAR = (Reason.CARRY_ENTER, Reason.CARRY_LEAVE)
_IN_DAYS = (Refusal.COOLDOWN, Refusal.RUNG_WAIT, Refusal.NO_NEXT, Reason.HEDGE_LENGTHEN)
_IN_TIMES = (Refusal.COST_BENEFIT, Refusal.TURNOVER, Refusal.DEPEG, Reason.DEPLOY)
_IN_COINS = (Refusal.PROTECTED, Refusal.BACKING, Refusal.UNREPLACED)
_IN_QUOTE = (
    Refusal.BELOW_MINIMUM,
    Refusal.LIQUIDITY,
    Refusal.MARGIN,
    Refusal.CASH,
    Reason.LIQUIDATED,
    Reason.DELEVERAGED,
    Reason.REPAID,
)


def unit_of(policy: Policy, code: Reason | Refusal, row: int) -> str:
    """The unit (a key of ``units.UNITS``) in which a code's measured value and threshold are read."""
    rows = list(policy.trim.values())
    if code is Reason.TRIM and 0 <= row < len(rows):
        found = measure.INDEX.get(rows[row].measure)
        return measure.MEASURES[found].unit if found is not None else ""
    if code in _A_YEAR:
        return "%/yr"
    if code in _IN_DAYS:
        return "d"
    if code in _IN_QUOTE:
        return "quote"
    if code in _IN_COINS:
        return ""
    return "x" if code in _IN_TIMES else "%"


def sentence(code: Reason | Refusal, row: str, measured: float, threshold: float, unit: str, quote: str) -> str:
    """The sentence of a code with its numbers in the unit that people read."""
    measured_words, threshold_words = (figure(value, unit, quote) for value in (measured, threshold))
    return SENTENCES[code].format(row=row, measured=measured_words, threshold=threshold_words)
