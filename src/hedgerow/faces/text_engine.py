"""A running engine in words: what happened, a line each; how a portfolio stands; a plan as it is shown for approval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hedgerow.faces import text

_SECOND = 1_000_000_000


def moment(at_ns: int) -> str:
    """A time as people read it, UTC."""
    return datetime.fromtimestamp(at_ns // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def sentence(kind: str, body: Mapping[str, Any]) -> str:
    """A row of the journal as a sentence; "" for what happens all the time."""
    writer = _SENTENCES.get(kind)
    return f"{text.clean(writer(body)).rstrip('.')}." if writer is not None else ""


def _fill(body: Mapping[str, Any]) -> str:
    kind = body.get("kind", "trade")
    done = "Bought" if float(body["amount"]) > 0.0 else "Sold"
    amount = f"{text.figure(abs(float(body['amount'])))} {body['instrument']} at {text.figure(float(body['price']))}"
    if kind != "trade":
        return f"The venue ended {amount} ({kind})."
    fee = f", fee {text.money(float(body['fee']))} {body.get('fee_currency', '')}" if "fee" in body else ""
    return f"{done} {amount}{fee} ({body.get('reason', 'by hand').replace('_', ' ')})."


def _plan(body: Mapping[str, Any]) -> str:
    legs = text.counted(len(body["legs"]), "leg")
    return f"Plan {body['id']}: {legs}, {text.money(float(body['notional']))} ({body['level']})."


def _verdict(body: Mapping[str, Any]) -> str:
    why = f": {body['why']}" if body.get("why") else ""
    return f"Plan {body['plan']} {body['word']} by {body['who']}{why}."


_SENTENCES: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "fill": _fill,
    "transfer": lambda body: (
        f"Moved {text.money(float(body['amount']))} {body['currency']} from {body['account']} to {body['to']}."
    ),
    "plan": _plan,
    "verdict": _verdict,
    "alert": lambda body: f"{'Over: ' if body.get('over') else ''}{body['level'].capitalize()}: {body['text']}.",
    "change": lambda body: f"The engine is {body['state'].replace('_', ' ')} ({body['who']}: {body['why']}).",
    "answer": lambda body: f"Command {body['id']}: {body['text']}.",
    "wake": lambda body: f"The engine took the portfolio up (version {body['version']}).",
    "begin": lambda body: f"The portfolio began (version {body['version']}, {body['world']}).",
    "order": lambda body: (
        f"Order {body['id']}: {text.figure(float(body['amount']))} {body['instrument']} ({body['kind']})."
    ),
    "difference": lambda body: f"Book and venue differ in {', '.join(body['items'])} ({body.get('settled', 'open')}).",
}


def show_status(record: Mapping[str, Any]) -> None:
    """How a portfolio stands."""
    quote = record["quote"]
    text.say(
        f"{record['portfolio']}: {record['policy']} on {record['world']}, {record['state'].replace('_', ' ')}"
        f"{'' if record['ready'] else ', not ready'}, at {moment(record['now_ns'])} UTC."
    )
    text.say(record["engine"])
    text.say(f"Value {text.money(record['value'])} {quote}, of it {text.money(record['cash'])} in the wallet.")
    heads = ["", "coins", "price", "weight", "target", "hedge", "intended", "regime"]
    rows = [
        [
            name, text.figure(one["coins"]), text.figure(one["price"]), text.percent(one["weight"]), text.percent(one["target"]),
            text.percent(one["hedge"]), text.percent(one["intended"]), one["regime"] or text.NONE,
        ]
        for name, one in record["assets"].items()
    ]  # fmt: skip
    text.table(heads, rows, right=heads[1:7])
    if record["shorts"]:
        heads = ["short", "coins", "entry", "mark", "collateral", "liquidation at", "away"]
        shorts = [
            [
                name, *(text.figure(one[key]) for key in ("coins", "entry", "mark", "collateral", "liquidation")),
                text.percent(one["away"], 0),
            ]
            for name, one in record["shorts"].items()
        ]  # fmt: skip
        text.table(heads, shorts, right=heads[1:])
    if record["plan"]:
        text.say(f"A plan is {record['plan_is']}:")
        show_plan(record["plan"], quote)
    for order in record["orders"]:
        text.say(
            f"Order {order['id']} on {order['instrument']} is {order['status']}: {order['filled']} of {order['amount']}."
        )
    for alert in record["alerts"]:
        text.say(f"{alert['level'].capitalize()} since {moment(alert['at_ns'])}: {alert['text']}.")
    for what, amount in record["not_ours"].items():
        text.say(f"Not ours: {amount} {what}.")


def show_plan(plan: Mapping[str, Any], quote: str) -> None:
    """A plan as it is approved: its whole id, every leg with its reason, and until when it may be."""
    text.say(f"{plan['id']}, decided at {moment(plan['at_ns'])}, lapses at {moment(plan['expires_ns'])} UTC.")
    heads = ["", "instrument", "amount", "price", "cost", "why"]
    rows = []
    for leg in plan["legs"]:
        amount = float(leg["amount"])
        sides = ("move in", "move out") if leg["kind"] == "margin" else ("buy", "sell")
        rows.append([
            sides[0] if amount > 0.0 else sides[1], leg["instrument"], text.figure(abs(amount)), text.figure(float(leg["price"])),
            text.money(float(leg["cost"])), leg["why"],
        ])  # fmt: skip
    text.table(heads, rows, right=heads[2:5])
    text.say(
        f"Together {text.money(float(plan['notional']))} {quote}; level {plan['level']}, {plan['approvals']} must agree."
    )
