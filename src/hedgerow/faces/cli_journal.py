"""Commands about the journal: verified, looked at, written out, backed up and put back. None of them changes a row."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text

if TYPE_CHECKING:
    from hedgerow.model.entry import Entry
    from hedgerow.store.journal import SqlJournal

POLL: Final = 0.5  # seconds between two looks of --follow

Url: TypeAlias = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help="Database of the journal: sqlite:///FILE or postgresql://USER@HOST/DATABASE. None named: HEDGEROW_JOURNAL, "
        "else SQLite in HEDGEROW_HOME/journal/journal.db. Leave a password to PGPASSWORD or ~/.pgpass.",
        show_default=False,
    ),
]
Portfolio: TypeAlias = Annotated[str, typer.Option("--portfolio", metavar="NAME", help="Whose journal.")]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    from hedgerow.faces.cli import group

    journal = group("The journal: every fact and every decision, numbered and sealed.")
    journal.command("verify")(verify)
    journal.command("tail")(tail)
    journal.command("export")(export)
    journal.command("backup")(backup)
    journal.command("restore")(restore)
    journal.command("replay")(replay)
    app.add_typer(journal, name="journal")


@contextmanager
def _opened(portfolio: str, url: str) -> Iterator[SqlJournal]:
    """The journal, to be read; a running engine is not disturbed."""
    from hedgerow import wire

    journal = wire.journal(portfolio, url)
    try:
        yield journal
    finally:
        journal.close()


def verify(url: Url = "", portfolio: Portfolio = "main", to: options.Json = None) -> None:
    """Recompute the seal of every row from the first one, and compare with the heads that were noted beside the journal.

    Finds rows that were changed, added, removed or moved, a tail that was cut, and an old copy that was put back. It needs
    the key in HEDGEROW_HOME/secrets, and may run beside the engine. Ends with 1 where anything was found.
    """
    with _opened(portfolio, url) as journal:
        with text.counting("Verifying rows", journal.count()) as tell:
            found = journal.verify(tell)
        where = journal.where
    record = {
        "where": where, "portfolio": portfolio, "rows": found.rows, "sound": found.sound,
        "head": {"seq": found.head.seq, "mac": found.head.mac}, "findings": found.findings,
    }  # fmt: skip

    def show() -> None:
        for line in found.findings:
            text.say(f"{line[:1].upper()}{line[1:]}.")
        last = f", the last one sealed {found.head.mac}" if found.head.mac else ""
        verdict = "all fit to their seals" if found.sound else "the journal is NOT sound"
        text.say(f"{text.counted(found.rows, 'row')}{last}: {verdict}.")

    text.emit(record, to, show)
    if not found.sound:
        raise typer.Exit(1)


def tail(
    count: Annotated[int, typer.Option("--rows", "-n", metavar="N", min=0, help="How many of the last rows.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new rows as they become durable, until interrupted.")
    ] = False,
    kind: Annotated[str, typer.Option(metavar="NAME", help="Only rows of this kind.", show_default=False)] = "",
    url: Url = "",
    portfolio: Portfolio = "main",
    to: options.Json = None,
) -> None:
    """Show the last rows: number, time (UTC), way (in: a fact; out: what was decided), kind, account and body.

    Rows are shown as they stand; verify judges them. With --follow, --json - writes one row a line.
    """
    from hedgerow.store.backup import plain

    if follow and to is not None and str(to) != text.STDOUT:
        raise ConfigError(
            "rows that are still to come are no file", where="--json", fix="Write --json - with --follow."
        )
    with _opened(portfolio, url) as journal:
        seen = journal.durable.seq if follow else 0
        rows = journal.last(count, kind)
        if not follow:
            record = {"where": journal.where, "portfolio": portfolio, "rows": [plain(row) for row in rows]}
            text.emit(record, to, lambda: _show(rows))
            return
        _print(rows, lines=to is not None)
        seen = max(seen, rows[-1].seq if rows else 0)
        while True:
            for row in journal.rows(seen):
                seen = row.seq
                if kind in ("", row.kind):
                    _print([row], lines=to is not None)
            time.sleep(POLL)


def _print(rows: Iterable[Entry], *, lines: bool) -> None:
    from hedgerow.store.backup import plain

    if lines:
        sys.stdout.writelines(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in rows)
    else:
        _show(rows)
    sys.stdout.flush()


def _show(rows: Iterable[Entry]) -> None:
    from hedgerow.store.events import stamp

    for row in rows:
        line = f"{row.seq}  {stamp(row.at_ns)}  {row.way}  {row.kind}  {row.account or text.NONE}  {row.body}"
        text.say(line.replace("\n", "?"))  # a row that has a break in it may not look like two


def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, .jsonl or .csv.")],
    url: Url = "",
    portfolio: Portfolio = "main",
) -> None:
    """Write all rows to be read by people and programs: .jsonl, a row a line with its body as JSON, or .csv.

    Times are ISO 8601 in UTC. Nothing is judged: see verify. To move a journal, use backup and restore.
    """
    from hedgerow.store.backup import export as write

    options.formed(path, "FILE", options.EVENT_FILES)
    with _opened(portfolio, url) as journal, text.counting("Writing rows", journal.count()) as tell:
        done = write(journal, path, tell=tell)
    text.say(f"{text.counted(done, 'row')}.")
    text.print_path(path)


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as main-2026-01-31.jsonl.gz.")],
    url: Url = "",
    portfolio: Portfolio = "main",
) -> None:
    """Copy the whole journal to one new file, each row held against its seal; the engine may go on meanwhile.

    The key in HEDGEROW_HOME/secrets is not in it, and restore needs it: keep a copy of that elsewhere.
    """
    from hedgerow.store.backup import backup as write

    options.output(path, "FILE")
    with _opened(portfolio, url) as journal, text.counting("Writing rows", journal.count()) as tell:
        head = write(journal, path, tell=tell)
    text.say(f"{text.counted(head.seq, 'row')}, the last one sealed {head.mac or text.NONE}.")
    text.print_path(path)


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What hedgerow journal backup wrote.", exists=True)],
    url: Url = "",
    portfolio: Portfolio = "main",
    cut: Annotated[
        bool,
        typer.Option(
            "--cut", help="Accept that rows which were written after the backup are lost.", show_default=False
        ),
    ] = False,
) -> None:
    """Put a backup into a database in which the portfolio has no rows: all rows, or none where one does not fit.

    The chain is verified first, also against the heads that were noted here. Also the way to move to another database.
    """
    from hedgerow import wire
    from hedgerow.store.backup import read_backup
    from hedgerow.store.backup import restore as put

    key = wire.journal_key(url)
    header, rows = read_backup(path, key)
    rows.close()
    with text.counting("Verifying rows", header.head.seq) as tell:
        head = put(
            path, url or wire.journal_url(), key, anchored=wire.anchored(), now_ns=time.time_ns, portfolio=portfolio,
            cut=cut, tell=tell,
        )  # fmt: skip
    text.say(f"{text.counted(head.seq, 'row')} restored, the last one sealed {head.mac or text.NONE}.")


def replay(url: Url = "", portfolio: Portfolio = "main", to: options.Json = None) -> None:
    """Feed the whole journal to a new engine, and hold what it decides now against what was decided then.

    Every seal is checked on the way. Ends with 3 at the first row that differs, and names it.
    """
    from hedgerow import wire

    with _opened(portfolio, url) as journal:
        rows = journal.count()
        wire.prepare(rows * 10, entrance="turn.turn")
        began = time.perf_counter()
        with text.counting("Replaying rows", rows) as tell:
            done = wire.replayed(journal, tell)
        seconds = time.perf_counter() - began
        rate = done.rows / seconds
        record = {
            "where": journal.where, "portfolio": portfolio, "rows": done.rows, "seconds": seconds, "rows_per_second": rate,
        }  # fmt: skip
    speed = f"{seconds:.1f} s, {rate:,.0f} a second"
    words = f"{text.counted(done.rows, 'row')} in {speed}: every decision was made again, the same."
    text.emit(record, to, lambda: text.say(words))
