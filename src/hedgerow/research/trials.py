"""The log of a sweep: every setting that was ever tried, one JSON line each, appended as it ends.

    HEDGEROW_HOME/trials/<id>.jsonl    a head (what is swept over what), then a line a trial

A sweep that was killed reads its log and goes on; a last line that was torn is dropped. The logs are never deleted by
hedgerow: how often a policy's keys were tried is what the chance of a lucky find is counted from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hedgerow.errors import ConfigError, StoreError

GROUP: Final = 64  # lines that reach the disk together
LATEST: Final = 1.0  # seconds after which they do in any case


def identity(head: Mapping[str, Any]) -> str:
    """The id of a sweep: a hash of all that its trials depend on."""
    text = json.dumps(head, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


class Log:
    """The open log of one sweep: ``known`` are the trials that it held, in their order; ``add`` appends one.

    A place is where a line begins, in bytes. Raises StoreError where it cannot be read or written, ConfigError where
    another process is writing to it.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        self.path = folder / f"{identity(head)}.jsonl"
        self._waiting, self._synced = 0, time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise StoreError(f"{self.path}: the log of trials cannot be used: {error.strerror or error}") from error
        try:
            self._lock()
            self._end = self._mended()
            if not self._end:
                self._write({"sweep": identity(head), **head})
                self._sync()
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows: two sweeps of the same at once are the user's business
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "Wait for it, or stop it: what it has done is kept."
            raise ConfigError("the same sweep is running", where=str(self.path), fix=fix) from None

    def _mended(self) -> int:
        """The length of the file, after what a torn write left of its last line is cut away."""
        self._file.seek(0)
        end = last = 0
        for raw in self._file:
            end, last = end + len(raw), end
        if end and _read(raw) is None:
            end = last
            self._file.truncate(end)
        return end

    def known(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Place and line of every trial that the log holds. Raises StoreError where one is damaged."""
        with self.path.open("rb") as file:
            place = len(next(file, b""))
            for number, raw in enumerate(file, start=2):
                line = _read(raw)
                if line is None:
                    raise StoreError(f"{self.path}:{number}: the log of trials is damaged; move it away")
                yield place, line
                place += len(raw)

    def lines(self, places: Iterable[int]) -> Iterator[dict[str, Any]]:
        """The lines at these places, also when the log is closed. Raises StoreError."""
        try:
            with self.path.open("rb") as file:
                for place in places:
                    file.seek(place)
                    yield json.loads(file.readline())
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path}: the log of trials cannot be read back: {error}") from error

    def add(self, line: Mapping[str, Any]) -> int:
        """Append a trial, and say at which place. It is the system's at once, and on the disk with its group."""
        try:
            place = self._write(line)
            self._waiting += 1
            if self._waiting >= GROUP or time.monotonic() - self._synced > LATEST:
                self._sync()
        except OSError as error:
            raise StoreError(f"{self.path}: the log of trials cannot be written: {error.strerror or error}") from error
        return place

    def _write(self, line: Mapping[str, Any]) -> int:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        raw, place = text.encode("utf-8") + b"\n", self._end
        self._file.write(raw)
        self._file.flush()
        self._end += len(raw)
        return place

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._waiting, self._synced = 0, time.monotonic()

    def close(self) -> None:
        """Bring the last group to the disk."""
        with contextlib.suppress(OSError):
            self._sync()
        self._file.close()


def ever(folder: Path, policy: str, keys: tuple[str, ...]) -> dict[str, int]:
    """How many trials all logs have of ``policy`` (by name), under "": all; and of those how many varied each key."""
    counts = dict.fromkeys(("", *keys), 0)
    for path in sorted(folder.glob("*.jsonl")):
        head, lines = _count(path)
        if head.get("policy") != policy:
            continue
        counts[""] += lines
        for key in keys:
            counts[key] += lines if key in head.get("vary", {}) else 0
    return counts


def _count(path: Path) -> tuple[dict[str, Any], int]:
    try:
        with path.open("rb") as file:
            head = json.loads(next(file, b"{}"))
            return (head if isinstance(head, dict) else {}), sum(1 for _ in _complete(file))
    except (OSError, ValueError):
        return {}, 0  # no log of ours


def _read(raw: bytes) -> Any:
    """What a line says; None where it is torn or no JSON."""
    try:
        return json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None


def _complete(lines: Iterator[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.endswith(b"\n"))
