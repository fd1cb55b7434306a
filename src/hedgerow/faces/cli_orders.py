"""What an operator says to a running engine, from any terminal: each command waits in its inbox, and the engine answers."""

from __future__ import annotations

import getpass
import json
import re
import time
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text
from hedgerow.faces.cli_engine import Portfolio

STEP: Final = 0.2  # seconds between two looks for the answer
_SPANS: Final = {"m": 60, "h": 3_600, "d": 86_400}

Wait: TypeAlias = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0.0, help="How long to wait for the answer.")
]
Who: TypeAlias = Annotated[
    str, typer.Option("--as", metavar="NAME", help="Who says it.", show_default="your login name")
]
Why: TypeAlias = Annotated[
    str, typer.Option("--text", metavar="WHY", help="A word for the journal.", show_default=False)
]
Id: TypeAlias = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's whole id, as hedgerow plans shows it.")]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    for name, function in (
        ("plans", plans), ("approve", approve), ("reject", reject), ("snooze", snooze), ("pause", pause), ("resume", resume),
        ("halt", halt), ("reduce-only", reduce_only), ("flatten", flatten), ("settle", settle), ("mandate", mandate),
    ):  # fmt: skip
        app.command(name)(function)


def _say(portfolio: str, wait: float, who: str, verb: str, **rest: Any) -> str:
    """Leave a command and wait for its answer; returns the engine's sentence. Ends with 1 where it is refused or not answered."""
    from hedgerow import wire
    from hedgerow.store import inbox

    folder = inbox.make_ready(wire.inbox(portfolio))
    journal = wire.journal(portfolio)
    try:
        seen = journal.durable.seq
        name = inbox.put(folder, {"verb": verb, "who": who or getpass.getuser(), **rest}, time.time_ns())
        end = time.monotonic() + wait
        while True:
            for row in journal.rows(seen):
                seen = row.seq
                if row.kind == "answer" and (body := json.loads(row.body))["id"] == name:
                    if not body["done"]:
                        text.say(f"Refused: {body['text']}")
                        raise typer.Exit(1)
                    return str(body["text"])
            if time.monotonic() >= end:
                text.say(
                    f"No engine answered within {wait:g} s; the command waits in the inbox and is done when one starts."
                )
                raise typer.Exit(1)
            time.sleep(STEP)
    finally:
        journal.close()


def _done(words: str) -> None:
    text.say(f"{words if words[1:2].isdigit() else words[:1].upper() + words[1:]}.")  # an id stays what it is


def plans(
    every: Annotated[bool, typer.Option("--all", help="Past plans, too, the last first.")] = False,
    portfolio: Portfolio = "main",
    to: options.Json = None,
) -> None:
    """Show the plan that is open, and with --all what became of the others."""
    from hedgerow import wire
    from hedgerow.faces.text_engine import moment, show_plan

    journal = wire.journal(portfolio)
    try:
        made = [json.loads(row.body) for row in journal.last(200 if every else 1, "plan")]
        words: dict[str, list[dict[str, Any]]] = {}
        for row in journal.last(2_000, "verdict"):
            body = json.loads(row.body)
            words.setdefault(body["plan"], []).append(body)
    finally:
        journal.close()
    made.reverse()
    record = {"portfolio": portfolio, "plans": [plan | {"said": words.get(plan["id"], [])} for plan in made]}

    def show() -> None:
        if not made:
            text.say("No plan was made yet.")
        for plan in record["plans"]:
            show_plan(plan, "")
            for said in plan["said"]:
                why = f": {said['why']}" if said.get("why") else ""
                text.say(f"{moment(said['at_ns'])}  {said['word']} by {said['who']}{why}.")

    text.emit(record, to, show)


def approve(plan: Id, portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Approve a plan: this very one, once, while its prices stay in the band of the mandate and its time lasts."""
    _done(_say(portfolio, wait, who, "approve", plan=plan, text=why))


def reject(plan: Id, portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Reject a plan: nothing of it is done."""
    _done(_say(portfolio, wait, who, "reject", plan=plan, text=why))


def snooze(
    plan: Id,
    span: Annotated[str, typer.Argument(metavar="2h", help="How long: 30m, 2h, 1d.")],
    portfolio: Portfolio = "main",
    who: Who = "",
    wait: Wait = 10.0,
) -> None:
    """Be asked about a plan again later. It still lapses when its time has passed."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", span)
    if found is None:
        raise ConfigError(f'"{span}" is no time', where="snooze", fix="Write 30m, 2h or 1d.")
    _done(_say(portfolio, wait, who, "snooze", plan=plan, seconds=int(found[1]) * _SPANS[found[2]]))


def pause(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Begin no further plan; what runs is finished."""
    _done(_say(portfolio, wait, who, "pause", text=why))


def resume(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Run again after a pause, a halt or reduce-only. A file HALT must be removed first."""
    _done(_say(portfolio, wait, who, "resume", text=why))


def halt(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Place nothing more and cancel what rests, whether an engine runs or not: a file HALT holds it until it is removed."""
    from hedgerow import wire
    from hedgerow.store import inbox

    folder = wire.inbox(portfolio)
    inbox.halt(folder)
    text.say(f"{folder / inbox.HALT} is written: nothing is placed until it is removed and hedgerow resume is said.")
    _done(_say(portfolio, wait, who, "halt", text=why))


def reduce_only(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Do only what lowers exposure."""
    _done(_say(portfolio, wait, who, "reduce_only", text=why))


def flatten(
    coins: Annotated[bool, typer.Option("--all", help="Sell all coins that may be sold, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Approve what is proposed without asking.")] = False,
    portfolio: Portfolio = "main",
    who: Who = "",
    wait: Wait = 10.0,
) -> None:
    """Propose a plan that covers every short, show it, and carry it out after a yes."""
    from hedgerow import wire
    from hedgerow.faces.text_engine import show_plan

    words = _say(portfolio, wait, who, "flatten", options={"what": "all" if coins else "futures"})
    if " is proposed" not in words:
        _done(words)
        return
    journal = wire.journal(portfolio)
    try:
        plan = json.loads(journal.last(1, "plan")[-1].body)
    finally:
        journal.close()
    show_plan(plan, "")
    if plan["level"] == "auto":
        text.say("The mandate carries it out unasked.")
    elif yes or typer.confirm("Carry it out?"):
        _done(_say(portfolio, wait, who, "approve", plan=plan["id"]))


def settle(
    how: Annotated[
        str, typer.Argument(metavar="adopt|ignore", help="adopt: the venue is right. ignore: it is not ours.")
    ],
    portfolio: Portfolio = "main",
    who: Who = "",
    wait: Wait = 10.0,
) -> None:
    """Settle a difference between book and venue (hedgerow status shows it)."""
    _done(_say(portfolio, wait, who, "settle", options={"how": how}))


def mandate(
    path: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A table [mandate].")],
    portfolio: Portfolio = "main",
    who: Who = "",
    wait: Wait = 10.0,
) -> None:
    """Give a running engine another mandate."""
    from hedgerow.faces.cli_engine import mandate_table

    _done(_say(portfolio, wait, who, "mandate", options=mandate_table(path, auto=False)))
