"""The command line: what it is made of, and how it ends.

How commands attach. A module of commands has one function, ``register(app)``, and is named in ``register`` below:

    def register(app: typer.Typer) -> None:
        app.command("backtest")(backtest)          # the docstring of the function is its help
        app.add_typer(group, name="data")          # or a group of its own: group(), also below

So that ``hedgerow --help`` answers at once, such a module imports at its top only typer, ``hedgerow.errors``,
``faces.text``, ``faces.options``, ``faces.run_options``, ``faces.cli_engine``, ``faces.happenings`` and ``faces.portfolio_file``. Whatever
needs numpy, polars, numba, pydantic, plotly
or rich is imported inside the command that needs it (a test looks). A command that reports takes
``to: options.Json = None`` and ends with ``text.emit(record, to, show)``; what it cannot do it raises as an error of
``hedgerow.errors``, which becomes a sentence and an exit code here:

    0  done            2  the command, a file or the data must be corrected      4  a store or file cannot be used
    1  found wanting   3  book and venue disagree                              130  interrupted
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import hedgerow
from hedgerow.errors import Error, StoreError

NAME = "hedgerow"


class Commands(TyperGroup):
    """The top of the command line: an error that was foreseen ends it with a sentence and the error's exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; any other exception is a defect, and crashes with its traceback."""
        try:
            return super().main(*args, **kwargs)
        except Error as error:
            _end(error)
        except OSError as error:  # a file that may not be read or written; everything else in it is ours
            if error.filename is None:
                raise
            _end(StoreError(f"{error.filename}: {error.strerror}"))


def _end(error: Error) -> None:
    sentence = str(error).rstrip()
    typer.echo(sentence if sentence.endswith((".", "?", "!")) else f"{sentence}.", err=True)
    sys.exit(error.exit_code)


def group(help: str) -> typer.Typer:
    """A group of commands, to be added to the app under a name."""
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None)


app = typer.Typer(
    name=NAME, cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    add_completion=False,
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {hedgerow.__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Trim the winners, reinforce the hedge: a crypto portfolio held spot, protected by short futures, run by rules.

    Times are UTC, days are named by the opening of their daily bar, money is in the quote currency (USDT), a year has
    365 days. Every command explains its own options: hedgerow COMMAND --help.
    """


def register(onto: typer.Typer) -> None:
    """Hang every module's commands on the app, in the order in which help lists them."""
    from hedgerow.faces import (
        cli_advise,
        cli_data,
        cli_desk,
        cli_doctor,
        cli_engine,
        cli_events,
        cli_journal,
        cli_orders,
        cli_policy,
        cli_run,
        cli_statement,
        cli_sweep,
    )

    for module in (
        cli_run, cli_sweep, cli_engine, cli_orders, cli_desk, cli_advise, cli_events, cli_journal, cli_doctor, cli_statement, cli_policy, cli_data,
    ):  # fmt: skip
        module.register(onto)


def main() -> None:
    """The entrance of the installed script and of ``python -m hedgerow``."""
    _hurry()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without a character shows another instead of crashing
            stream.reconfigure(errors="replace")
    try:
        app(prog_name=NAME)
    finally:
        _settle()


def _hurry() -> None:
    """What a process of one command need not do before its first result: start threads for numpy's linear algebra, which finds
    no large matrix here; look through all packages for extensions of pydantic; search for cycles after every few objects.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    gc.set_threshold(50_000, 10, 10)


def _settle() -> None:
    """Flush; where the reader has gone (``| head``), end quietly. At its end Python looks for cycles in all that there is,
    and for numba's objects alone that takes most of a second: nothing of it is needed any more.
    """
    gc.freeze()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


register(app)
