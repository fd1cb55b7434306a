"""The inbox: what operators tell a running engine, as files, since only the engine writes the journal.

``HEDGEROW_HOME/inbox/PORTFOLIO/`` holds one file a command, ``ID.json``: a JSON object of at most 64 kB in UTF-8, without
fractions (amounts are text) and without a key that stands twice. Ids sort by time. The engine journals a command, then
removes its file; after a crash between the two the same id waits again, and the journal knows it. What is no command goes to
``refused/``, with the reason beside it. A file ``HALT`` there, or in HEDGEROW_HOME for all portfolios, stops trading.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store import durable
from hedgerow.store.chain import portfolio_name

LARGEST: Final = 65_536  # bytes of a command
HALT: Final = "HALT"
REFUSED: Final = "refused"
_ID: Final = re.compile(r"\d{19}-[0-9a-f]{8}")  # ns since the epoch, and chance


def folder_of(home: Path, portfolio: str) -> Path:
    """The inbox of a portfolio under HEDGEROW_HOME; nothing is made. Raises ConfigError for what is no name."""
    return home / "inbox" / portfolio_name(portfolio)


def make_ready(folder: Path) -> Path:
    """Make an inbox where there is none, and return it. Raises ConfigError where others may write commands, StoreError."""
    try:
        durable.make_folder(folder)
        durable.refuse_others(folder, folder.stat().st_mode, durable.WRITE, "the inbox")
    except OSError as error:
        raise StoreError(f"{folder}: the inbox cannot be made: {error.strerror or error}") from error
    return folder


def put(folder: Path, command: dict[str, Any], now_ns: int) -> str:
    """Leave a command for the engine, durably and whole; gives its id, which is behind those of all that wait.

    Raises ConfigError for what is no command, StoreError where it cannot be written.
    """
    text = json.dumps(command, ensure_ascii=True, separators=(",", ":"))
    try:
        parsed(text.encode())
    except ValueError as error:
        raise ConfigError(
            f"this is no command: {error}", where=str(folder), fix="Write less, and amounts as text."
        ) from None
    make_ready(folder)
    try:
        last = max((int(name[:19]) for name in _names(folder) if _id(name)), default=0)
        at_ns = max(now_ns, last + 1)  # a clock that was set back must not put a resume behind its halt
        name = f"{at_ns:019d}-{secrets.token_hex(4)}"
        if not _ID.fullmatch(name):
            raise ConfigError(
                "a command waits there from after the year 2200", where=str(folder), fix="Remove its file."
            )
        if not durable.write_whole(folder / f"{name}.json", [text.encode()], replace=False):
            raise FileExistsError(17, "its id is taken")
    except OSError as error:
        raise StoreError(f"{folder}: the command cannot be written: {error.strerror or error}") from error
    return name


def waiting(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The commands that wait, as (id, command), in order of their ids; what is none is moved to ``refused/``.

    Raises StoreError where the folder cannot be read; none waits where there is no folder.
    """
    try:
        names = _names(folder)
    except OSError as error:
        raise StoreError(f"{folder}: the inbox cannot be read: {error.strerror or error}") from error
    for name in names:
        try:
            if not _id(name):
                raise ValueError("its name is no id")
            command = parsed(_content(folder / name))
        except FileNotFoundError:
            continue  # taken back meanwhile
        except (ValueError, OSError) as error:
            _refuse(folder, name, str(error))
            continue
        yield _id(name), command


def taken(folder: Path, id: str) -> None:
    """Remove a command that the journal holds now. Raises StoreError; one that is gone already is no error."""
    if not _ID.fullmatch(id):
        raise StoreError(f"{folder}: {id!r} is no id of a command")
    try:
        (folder / f"{id}.json").unlink(missing_ok=True)
        durable.sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{folder}: command {id} cannot be removed: {error.strerror or error}") from error


def halted(folder: Path) -> bool:
    """Whether a file ``HALT`` stops this portfolio, or all. True, too, where that cannot be told."""
    return any(_is_there(place / HALT) for place in (folder, folder.parent.parent))


def halt(folder: Path) -> None:
    """Stop this portfolio, whether its engine runs or not, until the file is removed. Raises ConfigError, StoreError."""
    make_ready(folder)
    try:
        durable.write_whole(folder / HALT, [], replace=True)
    except OSError as error:
        raise StoreError(f"{folder / HALT}: it cannot be written: {error.strerror or error}") from error


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # a failed look is never "not there"
    return True


def _names(folder: Path) -> list[str]:
    """Names of the files that should be commands, in order; those that are being written begin with a point."""
    try:
        found = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if not name.startswith(".") and name not in (HALT, REFUSED))


def _id(name: str) -> str:
    """The id in the name of a command's file, "" where it has none."""
    id, _, ending = name.partition(".")
    return id if ending == "json" and _ID.fullmatch(id) else ""


def _content(path: Path) -> bytes:
    """The bytes of a regular file, of at most ``LARGEST``; a link or a pipe is not followed, nor waited for."""
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ValueError("it is no regular file")
        return file.read(LARGEST + 1)


def parsed(content: bytes) -> dict[str, Any]:
    """A command from its bytes. Raises ValueError with the reason."""
    if len(content) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST // 1024} kB")
    try:
        found = json.loads(content.decode(), object_pairs_hook=_once, parse_float=_fraction, parse_constant=_fraction)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError:
        raise ValueError("it is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _fraction(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no integer; amounts are text")


def _refuse(folder: Path, name: str, reason: str) -> None:
    """Put aside what is no command. Where even that fails it stays, and is looked at again."""
    with suppress(OSError):
        durable.make_folder(folder / REFUSED)
        (folder / name).rename(folder / REFUSED / name)
        why = folder / REFUSED / f"{name[:200]}.why"
        durable.write_whole(why, [f"{reason}\n".encode(errors="replace")], replace=True)
