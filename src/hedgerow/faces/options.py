"""Options that commands share, and how their values are read: days, names, pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hedgerow.errors import ConfigError

Json: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
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
