"""Advice for a portfolio that its owner trades by hand, made for cron: look once, say what is due, end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.cli_engine import Portfolio
from hedgerow.faces.happenings import moment
from hedgerow.faces.run_options import Folder, PolicyName, Targets

if TYPE_CHECKING:
    from hedgerow.model.portfolio import Portfolio as Held
    from hedgerow.wire import Advice

DUE: Final = 3  # how --exit-code ends where something is due


def register(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("advise")(advise)


def advise(
    holdings: Annotated[
        Path, typer.Option(metavar="FILE.toml", help="What is held now: the file that hedgerow plan takes.")
    ],
    once: Annotated[bool, typer.Option("--once", help="Look once and end; another way there is not yet.")] = False,
    policy: PolicyName = "balanced",
    data: Folder = Path(),
    targets: Targets = "",
    portfolio: Portfolio = "advised",
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing where nothing is due, for cron.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help=f"End with {DUE} where something is due.")] = False,
    to: options.Json = None,
) -> None:
    """Say what is due for a portfolio that you trade by hand, and what went unwatched since the last look.

    Made for a line of cron after the day's data came: it decides on the last close of the data, keeps what the policy
    remembers (regimes, dwell, what was trimmed) in a journal of its own, adopts what the file of holdings says, and orders
    nothing.
    """
    if not once:
        raise ConfigError("advise looks once", where="--once", fix="Say hedgerow advise --once; hedgerow run watches.")
    from hedgerow import policies, wire
    from hedgerow.faces.portfolio_file import Served, read_portfolio, refuse_targets, refuse_unserved

    subject, held, given = policies.chosen(policy, "--policy"), read_portfolio(holdings), run_options.targets(targets)
    refuse_unserved(held, str(holdings), Served.by(data))
    refuse_targets(given or (), held.assets(), held.head.quote, str(holdings))
    with text.working("Advise", 2) as tell:
        journal = wire.journal(portfolio, write=True)
        try:
            found = _found(subject, held, given or dict(held.targets) or None, data, journal, tell)
        finally:
            journal.close()
    record = _record(found, portfolio)
    warned = any(alert.level != "info" for alert in found.alerts)
    if not quiet or found.plan is not None or found.missed or warned or to is not None:
        text.emit(record, to, lambda: _show(found, record, portfolio))
    if exit_code and found.plan is not None:
        raise typer.Exit(DUE)


def _found(policy: Any, held: Held, targets: dict[str, float] | None, data: Path, journal: Any, tell: Any) -> Advice:
    from hedgerow import wire
    from hedgerow.wire.advice import first_day

    tell("reading the data")
    assets, last = held.assets(), wire.last_day(data, held.assets())
    names = {
        "policy": "policy",
        "targets": "targets",
        "assets": "holdings",
        "start": "data",
        "end": "data",
        "portfolio": "portfolio",
    }
    with options.renamed(data="--data", **{name: f"--{option}" for name, option in names.items()}):
        recorded = wire.recorded(data, assets, first_day(journal) or last, last, held.head.quote)
        run_options.refuse_inverse(policy.name, policy, recorded)
        wire.prepare(recorded.market.open_ns.shape[0] * len(assets), text.always(tell), "turn.turn")
        from hedgerow.kernel.rules import target_weights

        weights = target_weights(policy, assets, targets, held.head.quote)
        tell("deciding")
        return wire.advise(recorded, policy, weights, held, journal)


def _record(found: Advice, portfolio: str) -> dict[str, Any]:
    from hedgerow.engine.summary import plan_plain, summary

    plan = plan_plain(found.plan) if found.plan is not None else None
    near = found.near
    return summary(found.engine) | {
        "portfolio": portfolio, "advice": plan, "since_ns": found.since_ns, "news": found.news,
        "unwatched": {
            "bars": found.bars, "days": found.days, "plans": [plan_plain(one) for one in found.missed],
            "nearest": None if near is None else {"instrument": near.instrument, "at_ns": near.at_ns, "away": near.away},
        },
        "settled": {what: list(amounts) for what, amounts in found.settled.items()},
    }  # fmt: skip


def _show(found: Advice, record: dict[str, Any], portfolio: str) -> None:
    """In words: what is due first, then what was not seen."""
    from hedgerow.faces.text_engine import show_plan

    engine, quote = found.engine, record["quote"]
    if not found.news:
        text.say("No day has closed in the data since the last look: nothing was decided.")
    elif record["advice"] is None:
        text.say(f"Nothing is due at the close of {moment(engine.now_ns)} UTC.")
    else:
        text.say(f"This is due at the close of {moment(engine.now_ns)} UTC:")
        show_plan(record["advice"], quote, portfolio)
    text.say(f"Value {text.money(record['value'])} {quote}; {text.money(record['cash'])} in cash.")
    if found.settled:
        text.say(f"Held otherwise than the last look left it, and adopted: {', '.join(found.settled)}.")
    for alert in found.alerts:
        if alert.level != "info":
            text.say(f"{alert.level.upper()}: {alert.text}.")
    _show_unwatched(found)


def _show_unwatched(found: Advice) -> None:
    if not found.since_ns:
        text.say("This was the first look; the next one says what happened between.")
        return
    if not found.bars:
        return
    words = f"From {moment(found.since_ns)} to {moment(found.engine.now_ns)} UTC nobody watched: {text.counted(found.bars, 'bar')}"
    text.say(
        f"{words}, {text.counted(found.days, 'close')} undecided, {text.counted(len(found.missed), 'plan')} missed."
    )
    near = found.near
    if near is not None and near.away <= 0.0:
        text.say(f"{near.instrument} was at its liquidation price at {moment(near.at_ns)}: look at the account.")
    elif near is not None and near.away < float("inf"):
        away = text.percent(near.away, 0)
        text.say(
            f"The nearest that a short came to liquidation: {near.instrument}, {away} away at {moment(near.at_ns)}."
        )
