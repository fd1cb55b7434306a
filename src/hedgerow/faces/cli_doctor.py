"""The command ``doctor``: is everything as an engine needs it, and what would mend what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.faces import options, text
from hedgerow.faces.cli_engine import Portfolio

SIGNS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


def register(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("doctor")(doctor)


def doctor(
    portfolio: Portfolio = "main",
    url: Annotated[
        str,
        typer.Option(
            "--url", metavar="URL", help="Database of the journal, as for hedgerow journal.", show_default=False
        ),
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Verify every seal of the journal, too.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="A data folder to check as well.", show_default=False)
    ] = None,
    to: options.Json = None,
) -> None:
    """Check what an engine needs, a line each: packages, rights, disk, key, journal, lease, clock, inbox, kernel, data.

    Nothing is changed. What is wrong comes with what mends it. Ends with 1 where a check failed; warnings do not count.
    """
    from hedgerow.faces.checkup import examine

    with text.working("Looking") as tell:
        found = examine(portfolio, url, data, full=full, tell=tell)
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in SIGNS}
    record = {"portfolio": portfolio, "full": full, **counts, "findings": [one._asdict() for one in found]}

    def show() -> None:
        for one in found:
            line = f"{SIGNS[one.verdict]:8}{one.check:10}{one.text.rstrip('.')}."
            text.say(
                f"{line} {one.fix}" if one.fix else line,
                style={"failed": "red", "warning": "yellow"}.get(one.verdict, ""),
            )
        text.say(f"{counts['ok']} ok, {text.counted(counts['warning'], 'warning')}, {counts['failed']} failed.")

    text.emit(record, to, show)
    if counts["failed"]:
        raise typer.Exit(1)
