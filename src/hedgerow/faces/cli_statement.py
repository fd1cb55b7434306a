"""Commands that state what happened to the money: statement and tax."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text
from hedgerow.ledger.holdings import Pooling
from hedgerow.ledger.lots import Method

if TYPE_CHECKING:
    from hedgerow.ledger.statement import Statement
    from hedgerow.model.event import Event
    from hedgerow.store.events import EventFile

LARGE: Final = 2_000_000  # bytes: reading shows a bar from here on
METHODS: Final = get_args(Method)

Events = Annotated[
    Path, typer.Argument(metavar="EVENTS", help="Event file, .jsonl or .csv: deposits, fills, funding, marks.")
]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder whose daily closes value the events where their file has no mark.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command("statement")(statement)
    app.command("tax")(tax)


def _table(path: Path | None) -> Path | None:
    if path is not None and str(path) == text.STDOUT:
        raise ConfigError("the table cannot go to standard output", where="--csv", fix="Name a file: statement.csv.")
    return None if path is None else options.output(path, "--csv")


def _folder(path: Path | None) -> Path | None:
    if path is not None and path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file", where="--out", fix="Name a folder; it is made if it is missing.")
    return path


def _method(name: str) -> str:
    if name.upper() not in METHODS:
        raise ConfigError(f'there is no method "{name}"', where="--method", fix=f"Use one of {', '.join(METHODS)}.")
    return name.upper()


def _pool(name: str) -> str:
    if name not in get_args(Pooling):
        raise ConfigError(f'there is no pool "{name}"', where="--pool", fix="Use universal or account.")
    return name


def statement(
    events: Events,
    since: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help="First day (UTC), inclusive.", show_default="the first event"),
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="DATE", help="Last day (UTC), inclusive.", show_default="the last prices")
    ] = "",
    monthly: Annotated[
        bool, typer.Option("--monthly", help="Print a table by month too; files have it always.")
    ] = False,
    data: Prices = None,
    method: Annotated[
        Method, typer.Option(metavar="NAME", parser=_method, help=f"How lots of spot leave: {', '.join(METHODS)}.")
    ] = "AVERAGE",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE.html", callback=options.page, help="Write a page.", show_default=False),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE.csv", callback=_table, help="Write a table for a spreadsheet.", show_default=False
        ),
    ] = None,
    to: options.Json = None,
) -> None:
    """What an account was worth, what came and went, what was earned and by what, and what is held now.

    Deposits and withdrawals are never profit. Whatever is not known (a cost, a price, a funding payment) is listed as
    unknown or missing, never taken for zero. A period begins and ends with a daily close, or with a mark of the file.
    """
    from hedgerow.faces import text_statement
    from hedgerow.faces.statement_record import statement_record

    options.apart({"--json": to, "--html": html, "--csv": table}, {"EVENTS": events})
    start, end = _opens(since, "--from"), _closes(until, "--to")
    if start is not None and end is not None and start >= end:
        raise ConfigError(f"{since} is not before {until}", where="--from", fix="Choose a day up to the last one.")
    read = _read(events)
    with text.working("Statement") as tell, options.renamed(start="--from", end="--to", EVENTS=str(events)):
        made, simulated = _state(read, data, start, end, method, tell)
        if html is not None:
            tell("writing the page")
            from hedgerow.faces.statement_page import write

            write(made, html, simulated=simulated)
    if table is not None:
        from hedgerow.faces.statement_files import write_statement

        write_statement(table, made, simulated=simulated)

    def show() -> None:
        text_statement.show_statement(made, simulated=simulated, monthly=monthly)

    if to is not None:
        text.emit(statement_record(made, simulated=simulated), to, show)
    else:
        show()
    for path in (html, table) if str(to) != text.STDOUT else ():
        if path is not None:
            text.print_path(path)


def _state(
    read: EventFile, data: Path | None, start: int | None, end: int | None, method: Method, tell: text.Tell
) -> tuple[Statement, bool]:
    """The statement, and whether a made market stands in it."""
    from hedgerow.ledger.statement import state

    happened, simulated = _valued(read, data, end, tell)
    tell("folding the events")
    return state(happened, read.quote, start, end, method=method), simulated


def _valued(read: EventFile, data: Path | None, end: int | None, tell: text.Tell) -> tuple[tuple[Event, ...], bool]:
    """The events, with a data folder's daily closes where one is named, and whether a made market stands in them."""
    if data is None:
        return read.events, read.simulated
    from hedgerow import wire
    from hedgerow.store.closes import with_closes

    tell("reading prices")
    return with_closes(data, read.events, read.quote, end), read.simulated or wire.is_simulated(data)


def _read(path: Path) -> EventFile:
    """The event file, with a bar for a large one."""
    from hedgerow.store.events import read_events

    large = path.is_file() and path.stat().st_size > LARGE
    with text.working("Reading events", 50 if large else None) as tell:
        found = read_events(path, lambda done, of: tell(path.name))
    if not found.events:
        raise ConfigError("the file holds no event", where=str(path), fix="Add a line an event below the header.")
    return found


def _opens(given: str, option: str) -> int | None:
    """The first moment of a day as UTC nanoseconds; None where no day was given."""
    from hedgerow.units import NS_PER_DAY

    return (options.day(given, option).toordinal() - 719_163) * NS_PER_DAY if given else None


def _closes(given: str, option: str) -> int | None:
    from hedgerow.units import NS_PER_DAY

    opening = _opens(given, option)
    return None if opening is None else opening + NS_PER_DAY


def tax(
    events: Events,
    year: Annotated[int, typer.Option(metavar="YYYY", min=1970, max=2200, help="Calendar year, UTC.")],
    method: Annotated[
        Method, typer.Option(metavar="NAME", parser=_method, help=f"Which lots a sale takes: {', '.join(METHODS)}.")
    ] = "FIFO",
    pool: Annotated[
        Pooling,
        typer.Option(
            metavar="NAME", parser=_pool, help="Lots of all accounts together (universal), or of each (account)."
        ),
    ] = "universal",
    long_days: Annotated[
        int, typer.Option("--long-days", metavar="N", min=0, help="A lot held for more days than these is long.")
    ] = 365,
    data: Prices = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", callback=_folder, help="Write the year's files into a folder.", show_default=False
        ),
    ] = None,
    to: options.Json = None,
) -> None:
    """The sales, derivatives and income of a calendar year: a record of what the events say, not tax advice.

    Spot disposals and derivatives are separate records. A basis that nobody told makes the gain unknown, not zero. Give
    all events since the first purchase: earlier years bring the lots. --out writes disposals.csv, derivatives.csv,
    income.csv, open_lots.csv, and rotki_trades.csv and rotki_events.csv for rotki's generic import.
    """
    from hedgerow.faces import text_statement
    from hedgerow.faces.statement_record import tax_record
    from hedgerow.faces.tax_files import write_tax
    from hedgerow.ledger.lines import silences
    from hedgerow.ledger.tax import start_ns, tax_year

    options.apart({"--json": to}, {"EVENTS": events})
    read = _read(events)
    start, end = start_ns(year), start_ns(year + 1)
    with text.working("Tax year") as tell:
        happened, simulated = _valued(read, data, end, tell)
        tell("folding the events")
        made = tax_year(happened, year, quote=read.quote, method=method, pooling=pool, long_days=long_days)
        gaps = silences(happened, start, min(end, happened[-1].at_ns))
        files: list[Path] = []
        if out is not None:
            tell("writing the files")
            files = write_tax(out, made, happened)

    def show() -> None:
        text_statement.show_tax(made, gaps, simulated=simulated, pool=pool, long_days=long_days)

    if to is not None:
        names = [path.name for path in files]
        text.emit(tax_record(made, gaps, simulated=simulated, pool=pool, files=names), to, show)
    else:
        show()
    if out is not None and str(to) != text.STDOUT:
        text.print_path(out)
