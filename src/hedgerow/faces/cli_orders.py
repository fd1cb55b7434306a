"""What an operator says to a running engine, from any terminal: each command waits in its inbox, and the engine answers."""

from __future__ import annotations

import getpass
import json
import os
import re
import time
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from hedgerow.errors import ConfigError, StoreError
from hedgerow.faces import options, text
from hedgerow.faces.cli_engine import Portfolio
from hedgerow.faces.happenings import moment

STEP: Final = 0.2  # seconds between two looks for the answer
MOST: Final = 200  # past plans that are shown
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
        ("switch", switch), ("flag", flag),
    ):  # fmt: skip
        app.command(name)(function)


def _ask(portfolio: str, wait: float, who: str, verb: str, **rest: Any) -> tuple[bool, str] | None:
    """Leave a command and wait for its answer: whether it was done, and the engine's sentence; None: there was none.

    Where no engine runs it is not waited for.
    """
    from hedgerow import wire
    from hedgerow.faces.helm import RESERVED, is_run
    from hedgerow.store import inbox

    who = who or _login()
    if who in RESERVED or len(who) > 100:
        raise ConfigError(f'"{who[:100]}" is no name of a person', where="--as", fix="Write who you are.")
    folder = wire.inbox(portfolio)
    journal = wire.journal(portfolio)
    try:
        seen = journal.durable.seq
        said = {"verb": verb, "who": who, **{key: value for key, value in rest.items() if value}}
        name = inbox.put(folder, said, time.time_ns())
        end = time.monotonic() + (wait if is_run(journal) else 0.0)
        while True:
            for row in journal.rows(seen):
                seen = row.seq
                if row.kind == "answer" and (body := json.loads(row.body))["id"] == name:
                    return bool(body["done"]), str(body["text"])
            if time.monotonic() >= end:
                return None
            time.sleep(STEP)
    finally:
        journal.close()


def _say(portfolio: str, wait: float, who: str, verb: str, **rest: Any) -> str:
    """Leave a command and wait; returns the engine's sentence. Ends with 1 where it is refused or not answered."""
    answer = _ask(portfolio, wait, who, verb, **rest)
    if answer is None:
        text.say(f"{_nobody(portfolio, wait)} The command waits in the inbox, and is done when one starts.")
        raise typer.Exit(1)
    if not answer[0]:
        text.say(f"Refused: {answer[1].rstrip('.')}.")
        raise typer.Exit(1)
    return answer[1]


def _nobody(portfolio: str, wait: float) -> str:
    """That nobody answered, and whether somebody could have."""
    from hedgerow import wire
    from hedgerow.faces.helm import is_run

    journal = wire.journal(portfolio)
    try:
        running = is_run(journal)
    finally:
        journal.close()
    if running:
        return f"The engine of portfolio {portfolio} did not answer within {wait:g} s."
    return f"No engine runs portfolio {portfolio}."


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return f"user {os.getuid()}"


def _done(words: str) -> None:
    words = words.rstrip(".")
    text.say(f"{words if words[1:2].isdigit() else words[:1].upper() + words[1:]}.")  # an id stays what it is


# --------------------------------------------------------------------------------------------------------------- plans


def _plans(portfolio: str, count: int, wanted: str = "") -> tuple[list[dict[str, Any]], str]:
    """The last plans, the last first, each with what was said of it and what became of it; and the quote."""
    from hedgerow import wire
    from hedgerow.faces.happenings import quote_of
    from hedgerow.faces.text_engine import became

    journal = wire.journal(portfolio)
    try:
        rows = journal.last(count, "plan")
        said: dict[str, list[dict[str, Any]]] = {}
        for row in journal.last(count * 8 + 50, "verdict"):
            body = json.loads(row.body)
            said.setdefault(body["plan"], []).append(body)
        last = journal.last(1)
        quote = quote_of(journal)
    finally:
        journal.close()
    now_ns = last[-1].at_ns if last else 0
    made = [json.loads(row.body) for row in reversed(rows)]
    whole = [{"refused": [], "legs": [], **plan, "said": said.get(plan["id"], [])} for plan in made]
    for plan in whole:
        plan["became"] = became(plan, plan["said"], now_ns)
    return [plan for plan in whole if wanted in ("", plan["id"])], quote


def plans(
    every: Annotated[bool, typer.Option("--all", help="Past plans, too, the last first.")] = False,
    portfolio: Portfolio = "main",
    to: options.Json = None,
) -> None:
    """Show the plan that is open: its legs, why, what it costs, until when it may be approved, and by whom it was.

    With --all also the past ones, a line each with what became of them.
    """
    from hedgerow.faces.text_engine import show_past, show_plan

    made, quote = _plans(portfolio, MOST if every else 1)
    standing = [plan for plan in made[:1] if plan["became"] in ("open", "approved", "at work")]
    past = made[len(standing) :]
    record = {"portfolio": portfolio, "quote": quote, "plans": made if every else standing}

    def show() -> None:
        for plan in standing:
            text.say(f"A plan is {plan['became']}:")
            show_plan(plan, quote, portfolio, open_=plan["became"] == "open")
            for one in plan["said"]:
                text.say(f"{moment(one['at_ns'])}  {one['word']} by {one['who']}{_why(one)}.")
        if not standing:
            last = f"; the last one, {past[0]['id']}, is {past[0]['became']}" if past else ""
            text.say(f"No plan is open{last}.")
        if every and past:
            text.say()
            show_past(past)

    text.emit(record, to, show)


def _why(said: dict[str, Any]) -> str:
    return f": {said['why']}" if said.get("why") else ""


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
    _done(_say(portfolio, wait, who, "snooze", plan=plan, seconds=_seconds(span, "snooze")))


def _seconds(span: str, where: str) -> int:
    """A span such as 30m, 2h, 1d. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", span)
    if found is None:
        raise ConfigError(f'"{span}" is no time', where=where, fix="Write 30m, 2h or 1d.")
    return int(found[1]) * _SPANS[found[2]]


def pause(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Begin no further plan; what runs is finished."""
    _done(_say(portfolio, wait, who, "pause", text=why))


def resume(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Begin plans again, after a pause, a halt or reduce-only. A file HALT must be removed first."""
    from hedgerow import wire
    from hedgerow.store import inbox

    folder = wire.inbox(portfolio)
    if inbox.halted(folder):
        found = next((place for place in (folder, folder.parent.parent) if (place / inbox.HALT).exists()), folder)
        fix = "Remove the file, then resume."
        raise ConfigError("this file halts the engine again", where=str(found / inbox.HALT), fix=fix)
    _done(_say(portfolio, wait, who, "resume", text=why))


def halt(portfolio: Portfolio = "main", why: Why = "", who: Who = "", wait: Wait = 10.0) -> None:
    """Place nothing more and cancel what rests. Where no engine answers, a file HALT in the inbox sees to it at the next start."""
    from hedgerow import wire
    from hedgerow.store import inbox

    folder = wire.inbox(portfolio)
    try:
        answer = _ask(portfolio, wait, who, "halt", text=why)
    except BaseException:  # whatever fails: what can still be done is done
        inbox.halt(folder)
        text.say(_held(folder))
        raise
    if answer is None:
        inbox.halt(folder)
        text.say(f"{_nobody(portfolio, wait)} {_held(folder)}")
        raise typer.Exit(1)
    _done(answer[1])


def _held(folder: Path) -> str:
    return f"{folder / 'HALT'} is written: nothing is placed until it is removed and hedgerow resume is said."


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
    """Propose a plan that covers every short, show it, and carry it out after a yes. A no rejects it.

    Under a mandate of level auto it is carried out as soon as it is proposed, so the question comes first.
    """
    from hedgerow.faces.helm import read_status
    from hedgerow.faces.text_engine import show_flatten, show_plan

    if not yes:
        record = read_status(portfolio)
        if record.get("autonomy") == "auto":
            show_flatten(record, coins=coins)
            if not typer.confirm("The mandate carries such a plan out unasked. Cover and sell this?"):
                text.say("Nothing was asked of the engine.")
                return
    words = _say(portfolio, wait, who, "flatten", options={"what": "all" if coins else "futures"})
    if " is proposed" not in words:
        _done(words)
        return
    name = words.partition(" ")[0]
    made, quote = _plans(portfolio, 5, name)
    if not made:
        raise StoreError(f"plan {name} was proposed, and is not in the journal")
    plan = made[0]
    show_plan(plan, quote, portfolio)
    if plan["level"] == "auto":
        text.say("The mandate carries it out unasked.")
    elif plan["level"] != "approve":
        text.say(
            f'Nothing of it is done: the mandate has the level "{plan["level"]}". Change it with hedgerow mandate.'
        )
        raise typer.Exit(1)
    elif yes or typer.confirm("Carry it out?"):
        _done(_say(portfolio, wait, who, "approve", plan=name))
    else:
        _done(_say(portfolio, wait, who, "reject", plan=name))


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
    """Give a running engine another mandate. A cell that the file leaves out goes back to its default."""
    from hedgerow.faces.cli_engine import mandate_table
    from hedgerow.faces.helm import read_status

    assets = read_status(portfolio)["assets"]
    cells = {
        key: str(value) if isinstance(value, float) else value for key, value in mandate_table(path, assets).items()
    }
    _done(_say(portfolio, wait, who, "mandate", options=cells))


def switch(
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A built-in policy or a TOML file, which may extend one.")
    ],
    portfolio: Portfolio = "main",
    who: Who = "",
    why: Why = "",
    wait: Wait = 10.0,
) -> None:
    """Give a running engine another policy: it decides from the next close on, and the open plan is given up.

    What the portfolio remembers (its regime, how long it lasts, what was trimmed) is found again by the names of the rows.
    """
    from hedgerow import policies
    from hedgerow.engine.translate import policy_text

    given = policy_text(policies.chosen(policy, "POLICY"))
    _done(_say(portfolio, wait, who, "policy", text=why, options={"policy": given}))


def flag(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="regulatory, macro, geopolitical, exchange_failure, external_analysis or catalyst."
        ),
    ],
    severity: Annotated[
        int, typer.Option(min=1, max=3, help="1: a rung more; 2: at least 50 % hedged; 3: at least 75 %.")
    ] = 1,
    assets: Annotated[str, typer.Option(metavar="BTC,ETH", help="Whom it concerns.", show_default="all")] = "",
    lasts: Annotated[str, typer.Option("--for", metavar="3d", help="How long it acts: hours or days.")] = "7d",
    ratio: Annotated[
        str, typer.Option(metavar="80%", help="Ask for at least this ratio instead.", show_default="by severity")
    ] = "",
    venue: Annotated[
        str, typer.Option(help="Of an exchange failure: which.", show_default="the one that holds the hedge")
    ] = "",
    source: Annotated[str, typer.Option(help="Who said so, where.", show_default=False)] = "",
    portfolio: Portfolio = "main",
    who: Who = "",
    wait: Wait = 10.0,
) -> None:
    """Raise a flag: something happened that the daily close must not wait for, such as a ban, a war, a failed exchange.

    The last day is decided again with it at once (what is at work is finished first), and it acts on every close while it lives.
    """
    given: dict[str, Any] = {
        "kind": kind,
        "severity": severity,
        "seconds": _seconds(lasts, "--for"),
        "venue": venue,
        "source": source,
    }
    if ratio:
        given["ratio"] = ratio.replace("%", " %").replace("  ", " ")
    if assets:
        given["assets"] = list(options.names(assets, "--assets"))
    _done(_say(portfolio, wait, who, "flag", options=given))
