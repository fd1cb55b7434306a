"""Files that must be there after a power cut, whole or not at all, and that only their owner may read.

Functions raise OSError; callers say what it means to them. ``chmod`` of a folder that is there already is not theirs.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hedgerow.errors import ConfigError

FOLDER: Final = 0o700
FILE: Final = 0o600
OTHERS: Final = 0o077  # rights of group and others
PIECE: Final = 1_000_000  # bytes at once
WRITE: Final = 0o022  # of those, to write


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, for its owner alone; return it. One that is there stays as it is."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=FOLDER, exist_ok=True)
        sync_folder(folder.parent)
    return folder


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_whole(path: Path, pieces: Iterable[bytes], *, replace: bool) -> bool:
    """Write a file of its owner alone, which gets its name when it is whole; False where it was there and stays.

    The folder must be there. Without ``replace`` the first of several writers wins.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
        with os.fdopen(opened, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def write_again(path: Path) -> None:
    """Write a file over itself, and make bytes and name durable; where there is none, nothing is done.

    What a sync failed to write the system goes on to show, though it is not on the disk, and writes it no more. Nobody
    else may write to the file meanwhile.
    """
    try:
        opened = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        place = 0
        while piece := os.pread(opened, PIECE, place):
            if os.pwrite(opened, piece, place) != len(piece):
                raise OSError(28, "the disk is full")
            place += len(piece)
        os.fsync(opened)
    finally:
        os.close(opened)
    sync_folder(path.parent)


def refuse_others(path: Path, mode: int, barred: int, what: str) -> None:
    """Raise ConfigError where the rights ``mode`` of ``path`` have one of ``barred`` (such as ``OTHERS``)."""
    if os.name == "posix" and mode & barred:
        right = "read" if barred & ~WRITE else "change"
        fix = f"Run: chmod {'700' if stat.S_ISDIR(mode) else '600'} {path}"
        raise ConfigError(f"others may {right} {what} (rights {stat.S_IMODE(mode):04o})", where=str(path), fix=fix)
