"""The command line as a whole: quick to answer, plain when it fails, quiet when nobody reads on."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import hedgerow
from hedgerow.errors import ConfigError, Error, Mismatch, StoreError
from hedgerow.faces import cli

HEAVY = ("numpy", "numba", "polars", "pydantic", "plotly", "rich", "jinja2", "talib")
SCRIPT = (sys.executable, "-m", "hedgerow")


def run(*args: object, **more: object) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    return subprocess.run([*SCRIPT, *map(str, args)], capture_output=True, text=True, timeout=60, check=False, **more)


def every_command(app: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all commands and groups of an app."""
    yield path
    for info in app.registered_commands:
        assert info.name
        yield (*path, info.name)
    for group in app.registered_groups:
        assert group.name
        assert group.typer_instance
        yield from every_command(group.typer_instance, (*path, group.name))


COMMANDS = list(every_command(cli.app))


def test_contract_of_commands() -> None:
    there = {" ".join(path) for path in COMMANDS}
    wanted = {f"data {name}" for name in ("check", "summary", "simulate", "import")}
    assert there >= wanted | {f"policy {name}" for name in ("list", "show", "check", "explain")}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_explains_every_command_and_every_option(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.app, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout
    bare = re.findall(r"^  (--?\w[\w-]*(?: [A-Z][^ ]*)?|[A-Z|.]+)\s*$\n(?!    )", result.stdout, re.M)
    assert bare == [], f"without help: {bare}"


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"hedgerow {hedgerow.__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, hedgerow.faces.cli; print([name for name in {HEAVY} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"


def test_what_shows_results_brings_no_kernel() -> None:
    """The kernel may be imported only after ``wire.prepare``, which says whether and whither it is compiled."""
    code = (
        "import sys; from hedgerow.faces import records, report, text_run; from hedgerow import policies, wire;"
        "print([name for name in ('hedgerow.kernel', 'numba') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("polici",), "policy"),
        (("data", "chek"), "check"),
        (("policy", "list", "--jsn", "x"), "--json"),
        (("data",), ""),
    ],
)
def test_mistyped_command(args: tuple[str, ...], word: str) -> None:
    result = CliRunner().invoke(cli.app, list(args))
    assert result.exit_code == 2
    assert word in result.output


def raising(error: BaseException) -> typer.Typer:
    """An app like ours, with one command that ends with ``error``."""
    app = typer.Typer(cls=cli.Commands, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback()
    def top() -> None: ...

    @app.command()
    def go() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ConfigError("it is wrong", where="a.toml: key", fix="Write 1."), 2, "a.toml: key: it is wrong. Write 1.\n"),
        (ConfigError("it is wrong"), 2, "it is wrong.\n"),
        (Error("so"), 1, "so.\n"),
        (Mismatch("they differ"), 3, "they differ.\n"),
        (StoreError("the disk is full"), 4, "the disk is full.\n"),
        (PermissionError(13, "Permission denied", "data/x.parquet"), 4, "data/x.parquet: Permission denied.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_foreseen_end_is_a_sentence_and_a_code(error: BaseException, code: int, sentence: str) -> None:
    result = CliRunner().invoke(raising(error), ["go"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", sentence)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), OSError("no file in it"), AssertionError("broken")])
def test_defect_crashes(error: Exception) -> None:
    result = CliRunner().invoke(raising(error), ["go"])
    assert result.exception is error
    assert result.exit_code == 1


def test_defect_shows_its_traceback() -> None:
    code = (
        "from hedgerow.faces import cli, cli_policy\nfrom hedgerow import policies\npolicies.names = None\ncli.main()"
    )
    ran = subprocess.run([sys.executable, "-c", code, "policy", "list"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Traceback (most recent call last)")
    assert ran.stderr.rstrip().endswith("TypeError: 'NoneType' object is not callable")


def test_error_of_the_real_program(tmp_path: Path) -> None:
    result = run("policy", "check", tmp_path / "none.toml")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1


def test_reader_that_leaves_is_no_error() -> None:
    for command in ("policy show balanced", "policy explain seed", "policy list"):
        line = f"{' '.join(SCRIPT)} {command} | head -n 1"
        ran = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        assert ran.stderr == "", command
        assert ran.stdout.count("\n") == 1


def test_interrupt_ends_quietly(tmp_path: Path) -> None:
    days = ("--days", "9000", "--assets", "BTC,ETH,BNB,XRP,ADA,SOL")
    process = subprocess.Popen(
        [*SCRIPT, "data", "simulate", str(tmp_path / "m"), *days],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        for line in process.stderr:  # every import is a line: this one is the command's own
            if line.rstrip().endswith(b"hedgerow.research.simulate"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def on_terminal(*args: str, **environment: str) -> str:
    """What the real program writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    env |= {"TERM": "xterm-256color", "COLUMNS": "80", **environment}
    process = subprocess.Popen([*SCRIPT, *args], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    read = b""
    try:
        while piece := os.read(ours, 4096):
            read += piece
    except OSError:  # the terminal's end
        pass
    os.close(ours)
    assert process.wait(30) == 0
    return read.decode()


def test_terminal_gets_tables_that_fit() -> None:
    out = on_terminal("policy", "explain", "balanced")
    assert "\x1b[1m" in out, "headings are bold"
    lines = re.sub(r"\x1b\[[\d;]*m", "", out).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("───" in line for line in lines)


def test_no_colour_where_it_is_not_wanted() -> None:
    coloured = r"\x1b\[[\d;]*3\d"
    assert not re.search(coloured, on_terminal("policy", "list", NO_COLOR="1"))
    assert "\x1b" not in run("policy", "list").stdout


def test_unknown_characters_do_not_crash() -> None:
    result = run("policy", "explain", "balanced", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0, result.stderr
