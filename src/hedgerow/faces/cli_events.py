"""Commands about event files: what exchanges let their users download becomes one, and one form becomes the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text


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
    from hedgerow.faces.cli import group

    events = group("Event files: what happened to the money, for statement and tax.")
    events.command("import")(import_)
    events.command("convert")(convert)
    app.add_typer(events, name="events")


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
