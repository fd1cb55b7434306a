"""Options that commands share, and how their values are read and tested before the work: days, names, pairs, files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces.text import STDOUT

MOST: Final = 1e15  # of money: beyond it cents are lost in rounding
PAGES: Final = (".html", ".htm")
EVENT_FILES: Final = (".jsonl", ".csv")
LEG_FILES: Final = (".parquet", ".csv")


def output(path: Path, option: str) -> Path:
    """``path``, if it can be written: nobody should wait for a run whose result has no place. Raises ConfigError."""
    from tempfile import TemporaryFile

    try:
        if path.is_dir():
            raise ConfigError(f"{path} is a folder", where=option, fix="Name a file in it.")
        if path.exists() and not path.is_file():
            raise ConfigError(
                f"{path} is no regular file", where=option, fix="Name a file, or one that does not exist."
            )
        folder = next(parent for parent in path.parents if parent.exists())
        if not folder.is_dir():
            raise ConfigError(f"{folder} is a file, not a folder", where=option, fix="Name a file in a folder.")
        if path.exists():
            path.open("ab").close()
        with TemporaryFile(dir=folder):  # the only test that sees read-only disks, and root where it may not write
            pass
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise ConfigError(message, where=option, fix="Name a file in a folder that you may write to.") from None
    return path


def apart(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None]) -> None:
    """Raise ConfigError where two options (name -> path) would write one file, or one would overwrite what is read."""
    taken = {path.resolve(): option for option, path in inputs.items() if path is not None}
    for option, path in outputs.items():
        if path is None or str(path) == STDOUT:
            continue
        if path.resolve() in taken:
            message = f"{path} is the file of {taken[path.resolve()]} too"
            raise ConfigError(message, where=option, fix="Name another file.")
        taken[path.resolve()] = option


def _json(path: Path | None) -> Path | None:
    return path if path is None or str(path) == STDOUT else output(path, "--json")


def page(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """The value of an option that names a page. Raises ConfigError where no page can be written."""
    if path is not None and str(path) == STDOUT:
        fix = "Name a file: page.html."
        raise ConfigError("the page cannot go to standard output", where=option.opts[0], fix=fix)
    return None if path is None else formed(path, option.opts[0], PAGES)


def event_file(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """The value of an option that names an event file. Raises ConfigError where it cannot be written."""
    return None if path is None else formed(path, option.opts[0], EVENT_FILES)


def leg_file(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """The value of an option that names a table of legs. Raises ConfigError where it cannot be written."""
    return None if path is None else formed(path, option.opts[0], LEG_FILES)


def formed(path: Path, option: str, endings: tuple[str, ...]) -> Path:
    """``path``, if it can be written and its ending says what will be in it. Raises ConfigError."""
    if output(path, option).suffix.lower() not in endings:
        message = f"{path.name} does not end in {' or '.join(endings)}"
        raise ConfigError(message, where=option, fix=f"Name it {path.stem}{endings[0]}.")
    return path


def capital(value: float) -> float:
    """The value of ``--capital``. Raises ConfigError where it is no amount to start with."""
    if not 0.0 < value <= MOST:  # nan fails both
        fix = "Write an amount of quote above 0, at most 1e15."
        raise ConfigError(f"{value:g} is no capital", where="--capital", fix=fix)
    return value


@contextmanager
def renamed(**named: str) -> Iterator[None]:
    """Errors of the rooms below name what they were given (start, end); say which option or key of the user it was."""
    try:
        yield
    except ConfigError as error:
        if error.where not in named:
            raise
        raise ConfigError(error.message, where=named[error.where], fix=error.fix) from None


def given(context: typer.Context, *names: str) -> list[str]:
    """Those of the parameters that stand on the command line, as options are written."""
    sources = ((name, context.get_parameter_source(name)) for name in names)
    return [f"--{name}" for name, source in sources if source is not None and source.name == "COMMANDLINE"]


Json: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=_json,
        help="Write the result as JSON to FILE too; - is standard output, which then carries nothing else.",
        show_default=False,
    ),
]


def day(text: str, option: str) -> date:
    """``2022-01-31``: a daily bar, by its opening date in UTC. Raises ConfigError."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f'"{text}" is no day', where=option, fix="Write it as 2022-01-31 (UTC).") from None


def names(text: str, option: str) -> tuple[str, ...]:
    """``BTC,ETH``: names with a comma between them. Raises ConfigError where there is none, or one twice."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    twice = [name for i, name in enumerate(found) if name in found[:i]]
    if not found or twice:
        message = f"{twice[0]} stands twice" if twice else "nothing is named"
        raise ConfigError(message, where=option, fix="Write each name once, for example BTC,ETH,SOL.")
    return found


def pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """``a=1,b=2``, once or several times: what stands before and after each first ``=``. Raises ConfigError."""
    found: dict[str, str] = {}
    for part in (part.strip() for text in texts for part in text.split(",") if part.strip()):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise ConfigError(f'"{part}" is no pair', where=option, fix=f"Write for example {example}.")
        if key in found:
            raise ConfigError(f"{key} stands twice", where=option, fix=f"Write for example {example}.")
        found[key] = value
    return found
