"""The desk: all portfolios of this home together, what they hold of each coin, and what they traded today."""

from __future__ import annotations

import time
from typing import Any

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text
from hedgerow.faces.happenings import moment


def register(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("desk")(desk)


def desk(to: options.Json = None) -> None:
    """All portfolios together: value, coins, shorts and what stays open of each coin, and what they traded today, netted.

    Each stands as its engine wrote it last; hedgerow status says more of one. A mandate's desk_day limits what all of them trade in a
    day.
    """
    found = [_noted(name) for name in _portfolios()]
    if not found:
        raise ConfigError("no engine has run here yet", where="desk", fix="hedgerow run begins a portfolio.")
    quotes = {one["quote"] for one in found}
    if len(quotes) > 1:
        raise ConfigError(f"portfolios are in {' and '.join(sorted(quotes))}", where="desk", fix="Use a home for each.")
    record = {"quote": quotes.pop(), "portfolios": found, "coins": _coins(found), "traded": _traded(found)}
    text.emit(record, to, lambda: _show(record))


def _portfolios() -> list[str]:
    from hedgerow import wire

    folder = wire.home() / "journal"
    return sorted(path.stem.removeprefix("status-") for path in folder.glob("status-*.json"))


def _noted(name: str) -> dict[str, Any]:
    from hedgerow import wire
    from hedgerow.faces import helm

    record = helm.read_status(name)
    journal = wire.journal(name)
    try:
        running = helm.is_run(journal)
    finally:
        journal.close()
    age = max(0.0, (time.time_ns() - record["written_ns"]) / 1e9)
    kept = (
        "portfolio",
        "policy",
        "state",
        "value",
        "cash",
        "quote",
        "assets",
        "shorts",
        "plan",
        "plan_is",
        "now_ns",
        "alerts",
    )
    return {key: record[key] for key in kept} | {"running": running, "age_s": round(age, 1)}


def _coins(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By coin: what is held, what is short (of contracts on it), and their value together."""
    coins: dict[str, dict[str, float]] = {}
    for one in found:
        for name, asset in one["assets"].items():
            row = coins.setdefault(name, {"coins": 0.0, "short": 0.0, "price": 0.0})
            row["coins"] += asset["coins"]
            row["price"] = asset["price"] or row["price"]
        for symbol, short in one["shorts"].items():
            name = symbol.partition("/")[0]
            if name in coins:
                coins[name]["short"] -= short["coins"]
    for row in coins.values():
        row["open"] = row["coins"] - row["short"]
    return coins


def _traded(found: list[dict[str, Any]]) -> dict[str, Any]:
    """What all portfolios traded on the last day that any of them has seen: the sum, and with purchases and sales netted."""
    from decimal import Decimal

    from hedgerow import wire
    from hedgerow.model.codec import decode
    from hedgerow.units import NS_PER_DAY

    day = max(one["now_ns"] for one in found) // NS_PER_DAY
    net: dict[str, Decimal] = {}
    gross = Decimal(0)
    journal = wire.journal(found[0]["portfolio"])
    try:
        rows = journal.of_day("fill", day * NS_PER_DAY, (day + 1) * NS_PER_DAY, own=True)
    finally:
        journal.close()
    for row in rows:
        fill = decode(row.kind, row.body)
        notional = fill.amount * fill.price
        gross += abs(notional)
        net[fill.instrument] = net.get(fill.instrument, Decimal(0)) + notional
    return {
        "day_ns": day * NS_PER_DAY,
        "gross": str(gross),
        "net": str(sum((abs(one) for one in net.values()), Decimal(0))),
    }


def _show(record: dict[str, Any]) -> None:
    quote = record["quote"]
    rows = [
        (
            one["portfolio"], one["policy"], one["state"] if one["running"] else "not run", text.money(one["value"]),
            text.money(one["cash"]), f"{one['plan']['id']} {one['plan_is']}" if one["plan"] else "",
            str(len(one["alerts"])) if one["alerts"] else "",
        )
        for one in record["portfolios"]
    ]  # fmt: skip
    heads = ("portfolio", "policy", "engine", f"value, {quote}", "cash", "plan", "alerts")
    text.table(heads, rows, right=heads[3:5])
    text.say()
    coins = [
        (name, text.figure(row["coins"]), text.figure(row["short"]), text.figure(row["open"]), text.money(row["open"] * row["price"]),
         text.percent(row["short"] / row["coins"], 0) if row["coins"] else "")
        for name, row in record["coins"].items()
    ]  # fmt: skip
    names = ("coin", "coins", "short", "open", f"open, {quote}", "hedged")
    text.table(names, coins, right=names[1:])
    traded, total = record["traded"], sum(one["value"] for one in record["portfolios"])
    text.say()
    text.say(
        f"Together {text.money(total)} {quote}. Traded on {moment(traded['day_ns'])[:10]}: {text.money(float(traded['gross']))}, "
        f"or {text.money(float(traded['net']))} with purchases and sales netted."
    )
