"""A running engine in words: how a portfolio stands, and a plan as it is shown for approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hedgerow.faces import text
from hedgerow.faces.happenings import moment

STATES: Final = {
    "running": "running", "paused": "paused: what runs is finished, and no other plan is begun",
    "reduce_only": "reduce-only: only what lowers exposure is done", "halted": "HALTED: nothing is placed",
}  # fmt: skip
STATUS: Final = {"sent": "sent", "open": "open", "doubt": "in doubt"}  # of an order that is alive
LEVELS: Final = {
    "observe": "it is only noted", "advise": "it is advice: nothing of it is done", "approve": "it waits for approval",
    "auto": "it is carried out unasked",
}  # fmt: skip


def with_name(command: str, portfolio: str) -> str:
    """A command to be typed, for this portfolio."""
    return command if portfolio == "main" else f"{command} --portfolio {portfolio}"


def age(seconds: float) -> str:
    """How long ago, roughly."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}s ago"
    return f"{seconds:,.0f} s ago"


# -------------------------------------------------------------------------------------------------------------- status


def show_status(record: Mapping[str, Any]) -> None:
    """How a portfolio stands."""
    quote = record["quote"]
    ready = "" if record["ready"] else ", not ready: the venue has not yet said what the account holds"
    text.say(
        f"{record['portfolio']}: {record['policy']} on {record['world']}, {STATES[record['state']]}{ready}. "
        f"Engine time {moment(record['now_ns'])} UTC."
    )
    text.say(record["engine"])
    text.say(f"Value {text.money(record['value'])} {quote}{_changes(record)}; {text.money(record['cash'])} in cash.")
    text.say()
    _show_assets(record["assets"])
    _show_shorts(record["shorts"])
    if record["plan"]:
        text.say()
        text.say(f"A plan is {record['plan_is']}:")
        show_plan(record["plan"], quote, record["portfolio"], open_=record["plan_is"] == "open")
        if record["approved_by"] and record["plan"]["level"] == "approve" and record["plan_is"] == "open":
            text.say(f"Approved so far by {', '.join(record['approved_by'])}.")
    for order in record["orders"]:
        text.say(
            f"Order {order['id']} on {order['instrument']} is {STATUS[order['status']]}: {order['filled']} of {order['amount']}."
        )
    for alert in record["alerts"]:
        text.say(f"{alert['level'].capitalize()} since {moment(alert['at_ns'])}: {alert['text'].rstrip('.')}.")
    if record["differences"]:
        text.say(f"Settle the difference: {with_name('hedgerow settle adopt|ignore', record['portfolio'])}")
    for what, amount in record["not_ours"].items():
        text.say(f"Not ours: {amount} {what}.")


def _changes(record: Mapping[str, Any]) -> str:
    """ ", +1.2 % since the start, -0.1 % today" where that is known."""
    told = []
    for key, words in (("start_value", "since the start"), ("day_value", "today")):
        before = record.get(key)
        if before:
            told.append(f"{text.percent(record['value'] / before - 1.0, sign=True)} {words}")
    return f" ({', '.join(told)})" if told else ""


def _show_assets(assets: Mapping[str, Mapping[str, Any]]) -> None:
    heads = ["", "coins", "price", "weight", "target", "hedge", "intended", "regime"]
    rows = [
        [
            name, text.figure(one["coins"]), text.figure(one["price"]), text.percent(one["weight"]), text.percent(one["target"]),
            text.percent(one["hedge"]), text.percent(one["intended"]), one["regime"].lower() or text.NONE,
        ]
        for name, one in assets.items()
    ]  # fmt: skip
    text.table(heads, rows, right=heads[1:7])


def _show_shorts(shorts: Mapping[str, Mapping[str, Any]]) -> None:
    if not shorts:
        return
    text.say()
    heads = ["short", "coins", "entry", "mark", "collateral", "liquidation at", "away"]
    rows = [
        [
            name, *(text.figure(one[key]) for key in ("coins", "entry", "mark", "collateral", "liquidation")),
            text.percent(one["away"], 0),
        ]
        for name, one in shorts.items()
    ]  # fmt: skip
    text.table(heads, rows, right=heads[1:])


def unwatched(record: Mapping[str, Any]) -> list[str]:
    """What nobody watches where no engine runs, in words."""
    told = []
    away = {name: one["away"] for name, one in record["shorts"].items() if one["away"] is not None}
    if record["shorts"]:
        near = min(away, key=lambda name: away[name], default="")
        words = f"{text.counted(len(record['shorts']), 'short')} unwatched"
        told.append(
            f"{words}, the nearest ({near}) {text.percent(away[near], 0)} from liquidation then" if near else words
        )
    if record["orders"]:
        told.append(f"{text.counted(len(record['orders']), 'order')} whose end nobody follows")
    if record["plan"] and record["plan_is"] == "open":
        told.append(f"plan {record['plan']['id']} that lapses at {moment(record['plan']['expires_ns'])} UTC")
    if record["plan"] and record["plan_is"] == "at work":
        told.append(f"plan {record['plan']['id']} half done")
    return told


# --------------------------------------------------------------------------------------------------------------- plans


def leg_words(leg: Mapping[str, Any]) -> str:
    """What a leg does, in one word or two."""
    sides = ("move in", "move out") if leg["kind"] == "margin" else ("buy", "sell")
    return sides[0] if float(leg["amount"]) > 0.0 else sides[1]


def show_plan(plan: Mapping[str, Any], quote: str, portfolio: str = "main", *, open_: bool = False) -> None:
    """A plan as it is approved: its whole id, every leg with its reason, what it costs, and until when it may be."""
    lapses = f", lapses at {moment(plan['expires_ns'])}" if open_ else ""
    text.say(f"{plan['id']}, decided at {moment(plan['at_ns'])}{lapses} UTC.", style="bold")
    heads = ["", "instrument", "amount", "price", "cost", "why"]
    rows = [
        [
            leg_words(leg), leg["instrument"], text.figure(abs(float(leg["amount"]))), text.figure(float(leg["price"])),
            text.money(float(leg["cost"])), leg["why"],
        ]
        for leg in plan["legs"]
    ]  # fmt: skip
    text.table(heads, rows, right=heads[2:5])
    for words in plan.get("refused", ()):
        text.say(f"Not done: {words}.")
    cost = sum(float(leg["cost"]) for leg in plan["legs"])
    traded = f"{text.money(float(plan['notional']))} {quote}".rstrip()
    two = f" of {plan['approvals']} people" if plan["level"] == "approve" and plan["approvals"] > 1 else ""
    text.say(f"Trades {traded}, costs about {text.money(cost)} {quote}".rstrip() + f"; {LEVELS[plan['level']]}{two}.")
    if open_ and plan["level"] == "approve":
        approve = with_name(f"hedgerow approve {plan['id']}", portfolio)
        text.say(f"Carry it out: {approve}")


ENDS: Final = ("rejected", "lapsed", "superseded", "done", "stopped")


def became(plan: Mapping[str, Any], said: Sequence[Mapping[str, Any]], now_ns: int) -> str:
    """What became of a plan, in one word: how it ended, else "at work", "approved", "open", "lapsed" or "noted"."""
    words = [one["word"] for one in said]
    for word in reversed(words):
        if word in ENDS:
            return str(word)
    if "begun" in words:
        return "at work"
    if plan["level"] in ("observe", "advise"):
        return "noted"
    if now_ns >= plan["expires_ns"]:
        return "lapsed"
    return "approved" if len({one["who"] for one in said if one["word"] == "approved"}) >= plan["approvals"] else "open"


def show_past(plans: Sequence[Mapping[str, Any]]) -> None:
    """Past plans, a line each."""
    rows = []
    for plan in plans:
        said = [one for one in plan["said"] if one["word"] in ("approved", "rejected") and one["who"] != "policy"]
        by = ", ".join(dict.fromkeys(one["who"] for one in said))
        why = next((one["why"] for one in reversed(plan["said"]) if one.get("why")), "")
        legs, traded = str(len(plan["legs"])), text.money(float(plan["notional"]))
        rows.append([moment(plan["at_ns"])[:16], plan["id"], legs, traded, plan["became"], by, why])
    text.table(["decided (UTC)", "plan", "legs", "trades", "became", "by", "why"], rows, right=["legs", "trades"])


def show_flatten(record: Mapping[str, Any], *, coins: bool) -> None:
    """What there is to flatten."""
    _show_shorts(record["shorts"])
    if not record["shorts"]:
        text.say("No short is open.")
    if coins:
        _show_assets(record["assets"])
