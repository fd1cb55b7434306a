"""What happened: ``hedgerow events`` tells it of a running portfolio, in sentences. Its commands are about event files: what
exchanges let their users download becomes one, and one form becomes the other.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text

if TYPE_CHECKING:
    from hedgerow.faces.happenings import Happening
    from hedgerow.store.journal import SqlJournal

POLL: Final = 0.5  # seconds between two looks of --follow


def _new(option: typer.CallbackParam, path: Path) -> Path:
    if path.exists():
        raise ConfigError(f"{path} is there already", where=option.opts[0], fix="Name another file, or remove it.")
    return options.formed(path, option.opts[0], options.EVENT_FILES)


Into = Annotated[
    Path,
    typer.Option(
        "--into",
        metavar="FILE",
        callback=_new,
        help="Event file to write, .jsonl or .csv; it must not be there yet.",
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    events = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
    events.callback()(happened)
    events.command("import")(import_)
    events.command("convert")(convert)
    app.add_typer(events, name="events")


def happened(
    context: typer.Context,
    count: Annotated[
        int, typer.Option("-n", "--last", metavar="N", min=0, help="How many of the last things that happened.")
    ] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until interrupted.")] = False,
    since: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="All from here on: 2022-01-31, 2022-01-31T12:00 (UTC), or 12h, 3d before the last row.",
            show_default=False,
        ),
    ] = "",
    kind: Annotated[str, typer.Option(metavar="NAME", help="Only of this kind.", show_default=False)] = "",
    portfolio: Annotated[str, typer.Option("--portfolio", metavar="NAME", help="Which portfolio.")] = "main",
    to: options.Json = None,
) -> None:
    """Say what happened to a portfolio, a sentence each with its time (UTC): plans, approvals, fills, alerts, funding a day.

    Without a command it reads the journal of a portfolio that runs or ran. Its commands, import and convert, are about event
    files: what happened to the money, for statement and tax.
    """
    if context.invoked_subcommand is not None:
        return
    from hedgerow import wire
    from hedgerow.faces.happenings import KINDS, recent

    if kind and kind not in KINDS:
        fix = f"Write one of {', '.join(KINDS)}; all rows: hedgerow journal tail."
        raise ConfigError(f'nothing of the kind "{kind}" is told in sentences', where="--kind", fix=fix)
    if follow and to is not None and str(to) != text.STDOUT:
        raise ConfigError("what is still to come is no file", where="--json", fix="Write --json - with --follow.")
    journal = wire.journal(portfolio)
    try:
        seen = journal.durable.seq
        from_ns = _since(since, journal) if since else None
        told = recent(journal, None if since else count, kind, from_ns)
        if not follow:
            record = {"portfolio": portfolio, "where": journal.where, "events": [_plain(one) for one in told]}
            text.emit(record, to, lambda: _tell(told, "Nothing since then." if since else "Nothing happened yet."))
            return
        _tell(told, lines=to is not None)
        _follow(journal, seen, kind, lines=to is not None)
    finally:
        journal.close()


def _since(written: str, journal: SqlJournal) -> int:
    """A time, or a span before the last row, as ns. Raises ConfigError."""
    if found := re.fullmatch(r"(\d{1,4})([mhd])", written):
        last = journal.last(1)
        span = int(found[1]) * {"m": 60, "h": 3_600, "d": 86_400}[found[2]]
        return (last[-1].at_ns if last else 0) - span * 1_000_000_000
    try:
        parsed = datetime.fromisoformat(written)
    except ValueError:
        fix = "Write 2022-01-31, 2022-01-31T12:00 (UTC), or a span such as 12h."
        raise ConfigError(f'"{written}" is no time', where="--since", fix=fix) from None
    at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
    return int(at.timestamp()) * 1_000_000_000


def _follow(journal: SqlJournal, seen: int, kind: str, *, lines: bool) -> None:
    """Tell what becomes durable behind row ``seen``, until interrupted."""
    from hedgerow.faces.happenings import Teller, quote_of

    teller = Teller(quote_of(journal), every=bool(kind))
    while True:
        for row in journal.rows(seen):
            seen = row.seq
            told = teller.heard(row.kind, row.at_ns, row.body, row.seq)
            _tell([one for one in told if kind in ("", one.kind)], lines=lines)
        time.sleep(POLL)


def _plain(one: Happening) -> dict[str, object]:
    from hedgerow.store.events import stamp

    return {"seq": one.seq, "at": stamp(one.at_ns), "kind": one.kind, "text": one.text}


def _tell(told: Sequence[Happening], nothing: str = "", *, lines: bool = False) -> None:
    from hedgerow.faces.happenings import moment

    for one in told:
        if lines:
            sys.stdout.write(json.dumps(_plain(one), ensure_ascii=False) + "\n")
        else:
            text.say(f"{moment(one.at_ns)}  {one.text}")
    if nothing and not told:
        text.say(nothing)
    sys.stdout.flush()


def import_(
    source: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="CSV files as an exchange gives them.")],
    into: Into,
    quote: Annotated[str, typer.Option(metavar="NAME", help="Currency that statements are in.")] = "USDT",
    offset: Annotated[
        str,
        typer.Option(
            "--utc-offset", metavar="+HH:MM", help="Zone of times that name none, as +02:00.", show_default=False
        ),
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=THEIRS,...",
            help="For a table of fills of another exchange: its names of time, instrument, side, amount, price, fee, "
            "fee_currency, id.",
        ),
    ] = None,
    to: options.Json = None,
) -> None:
    """Make an event file of what an exchange lets you download. Files that overlap are fine: a row is kept once.

    Read by their columns: Binance spot trades, futures trades, futures transactions, deposits and withdrawals; Bybit spot
    orders, derivatives transactions, deposits and withdrawals. A row that is not understood is an error, never left out.
    Prices are not in such files: value the events with --data in statement and tax.
    """
    from hedgerow.store.events import write_events
    from hedgerow.store.exchange_csv import EXPORTS, read_exports

    options.apart({"--into": into, "--json": to}, {"SOURCE": source[0]})
    if offset and not re.fullmatch(r"[+-]\d\d:\d\d", offset):
        raise ConfigError(f'"{offset}" is no offset', where="--utc-offset", fix="Write it as +02:00.")
    named = options.pairs(columns or (), "--columns", "time=Date,instrument=Market,side=Type,amount=Size,price=Price")
    with text.working("Reading exports") as tell:
        made = read_exports(source, named, offset or None, lambda done, of: tell(f"{done} of {of}"))
    if not made.events:
        raise ConfigError("no row became an event", where=str(source[0]), fix="Choose files with finished trades.")
    write_events(into, made.events, quote)
    rests = {export.title: export.rests_on for export in EXPORTS}
    record = {
        "file": into, "events": len(made.events), "quote": quote, "left_out": made.left_out,
        "formats": [
            {"title": title, "rows": rows, "rests_on": rests.get(title, "")} for title, rows in made.formats.items()
        ],
    }  # fmt: skip

    def show() -> None:
        for title, rows in made.formats.items():
            known = f" ({rests[title]})" if rests.get(title) else ""
            text.say(f"{title}: {text.counted(rows, 'row')}{known}.")
        for reason, rows in made.left_out.items():
            text.say(f"Left out, {text.counted(rows, 'row')}: {reason}.")
        text.say(
            f"{text.counted(len(made.events), 'event')}, in {quote}. Compare them with the exchange's own balances."
        )

    text.emit(record, to, show)
    if str(to) != text.STDOUT:
        text.print_path(into)


def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Event file, .jsonl or .csv.")], into: Into
) -> None:
    """Write an event file in its other form: .csv to look at and fill in with a spreadsheet, .jsonl for programs.

    Nothing is lost or rounded either way.
    """
    from hedgerow.store.events import read_events, write_events

    read = read_events(source)
    write_events(into, read.events, read.quote, simulated=read.simulated)
    text.say(f"{text.counted(len(read.events), 'event')}.")
    text.print_path(into)
