"""The key that seals the journal: 32 random bytes, written as hex in ``HEDGEROW_HOME/secrets/journal.key``.

Whoever has it can write a journal anew that verifies, so only its owner may read it; whoever lost it can verify none.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store import durable

SIZE: Final = 32  # bytes
NAME: Final = "journal.key"
_HEX: Final = re.compile(rf"[0-9a-f]{{{2 * SIZE}}}\n?")
_LARGEST: Final = 1_000  # bytes that are read of what should be a key


def journal_key(folder: Path, is_new: Callable[[], bool]) -> bytes:
    """The key in ``folder`` (HEDGEROW_HOME/secrets); made where there is none and ``is_new`` says that no journal needs one.

    Raises ConfigError where others may read it, where it is no key, and where it is missing though a journal is there;
    StoreError where it cannot be read or written.
    """
    path = folder / NAME
    try:
        found = _read(path)
        if found is not None:
            return found
        if not is_new():
            fix = (
                "Put it back from where you keep a copy: without it the journal can be neither verified nor continued."
            )
            raise ConfigError("the key of the journal is missing", where=str(path), fix=fix)
        durable.make_folder(folder)
        made = secrets.token_bytes(SIZE).hex().encode() + b"\n"
        durable.write_whole(path, [made], replace=False)
        found = _read(path)  # another process may have been first: its key is the key
    except OSError as error:
        raise StoreError(f"{path}: the journal's key cannot be used: {error.strerror or error}") from error
    if found is None:
        raise StoreError(f"{path}: the journal's key was removed as it was made")
    return found


def _read(path: Path) -> bytes | None:
    """The key of a file, None where there is no file."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(opened, "rb") as file:
        durable.refuse_others(path.parent, path.parent.stat().st_mode, durable.OTHERS, "the folder of the key")
        durable.refuse_others(path, os.fstat(file.fileno()).st_mode, durable.OTHERS, "the journal's key")
        text = file.read(_LARGEST).decode("ascii", "replace")
    if not _HEX.fullmatch(text):
        fix = f"It is {2 * SIZE} hexadecimal digits; put it back from where you keep a copy."
        raise ConfigError("this is no key", where=str(path), fix=fix)
    return bytes.fromhex(text)
