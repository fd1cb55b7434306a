"""A disk as it may be after a power cut, made from what a program did to it.

Fed with the calls of a program, it knows what was synced. Of the rest an image holds what chance leaves: each write is
there, lost, or torn at 512 bytes, in any order; each name that was made, taken away or given anew is so or not, until
its folder was synced, whatever happened to the file. Bytes between two writes may be there as zeros.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.calls import Call
from tests.faults.scenario import EFFECTS

SECTOR: Final = 512
FOLDER: Final = -1  # in place of a file's number
GONE: Final = 0
WRITES: Final = ("write", "pwrite64")
SYNCS: Final = ("fsync", "fdatasync")
# Calls that the model must know if a program makes them
UNKNOWN: Final = (
    "writev",
    "pwritev",
    "sync_file_range",
    "fallocate",
    "renameat2",
    "rmdir",
    "unlinkat",
    "linkat",
    "mkdirat",
)


class Change(NamedTuple):
    """A write at ``offset``; with ``cut`` instead: the file ends there."""

    offset: int
    data: bytes
    cut: bool = False


@dataclass
class File:
    """What is surely on the disk, and what is not yet."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    size: int = 0  # as the program sees it

    def change(self, made: Change) -> None:
        self.pending.append(made)
        end = made.offset + len(made.data)
        self.size = end if made.cut else max(self.size, end)

    def sync(self) -> None:
        for made in self.pending:
            apply(self.synced, made)
        self.pending.clear()


@dataclass
class Open:
    """An open file: its number, or the path of an open folder."""

    file: int
    path: str
    append: bool
    place: int = 0


class Mood(NamedTuple):
    """How kind a power cut is: the share of writes that are there, and of those that are torn."""

    kept: float
    torn: float
    names: float


def apply(data: bytearray, made: Change) -> None:
    if made.cut:
        del data[made.offset :]
    if len(data) < made.offset:
        data.extend(bytes(made.offset - len(data)))
    data[made.offset : made.offset + len(made.data)] = made.data


def torn(made: Change, chance: random.Random) -> Iterator[Change]:
    """The sectors of a write that were still written: the first ones, the last ones, or any."""
    first, last = made.offset // SECTOR, (made.offset + len(made.data) - 1) // SECTOR
    manner, at = chance.randrange(3), chance.randint(first, last)
    for sector in range(first, last + 1):
        if (sector < at, sector > at, chance.random() < 0.5)[manner]:
            begin, end = max(sector * SECTOR, made.offset), min((sector + 1) * SECTOR, made.offset + len(made.data))
            yield Change(begin, made.data[begin - made.offset : end - made.offset])


class Disk:
    """The disk beneath a folder, while programs work on it one after the other."""

    def __init__(self, top: Path) -> None:
        self.top = str(top)
        self.acks: list[tuple[int, str]] = []
        self._files: dict[int, File] = {}
        self._names: dict[str, int] = {}  # as a program sees them
        self._synced: dict[str, int] = {}
        self._loose: list[dict[str, int]] = []  # changes of names, each whole or not at all
        self._open: dict[int, Open] = {}

    def begin(self) -> None:
        """Another program starts: the old one's files are closed."""
        self._open = {}

    # ------------------------------------------------------------------------------------------------------ recording

    def feed(self, call: Call) -> None:
        """Go on by a call."""
        if call.name == "openat":
            self._opened(call)
            return
        if call.name in SYNCS and call.result == -1:
            self._drop(self._open[call.number(0)])
        if (
            call.result is None
            or call.result < 0
            or not any(f"{path}/".startswith(f"{self.top}/") for path in call.paths)
        ):
            return
        assert call.name not in UNKNOWN, f"the model of the disk knows no {call.name}"
        if call.name in WRITES:
            self._written(call)
        elif call.name in SYNCS:
            self._sync(self._open[call.number(0)])
        elif call.name == "ftruncate":
            self._files[self._open[call.number(0)].file].change(Change(call.number(1), b"", cut=True))
        elif call.name == "lseek":
            self._open[call.number(0)].place = call.result
        elif call.name == "mkdir":
            self._name({call.paths[0]: FOLDER})
        elif call.name == "unlink":
            self._name({call.paths[0]: GONE})
        elif call.name == "link":
            self._name({call.paths[1]: self._names[call.paths[0]]})
        elif call.name == "rename":
            self._name({call.paths[1]: self._names[call.paths[0]], call.paths[0]: GONE})

    def _opened(self, call: Call) -> None:
        if call.result is None or call.result < 0:
            return
        path, flags = os.path.normpath(call.paths[0]), call.words[2]
        if not f"{path}/".startswith(f"{self.top}/"):
            self._open.pop(call.result, None)
            return
        number = FOLDER if path == self.top else self._names.get(path, GONE)
        if number == GONE:
            number = len(self._files) + 1
            self._files[number] = File()
            self._name({path: number})
        elif "O_TRUNC" in flags:
            self._files[number].change(Change(0, b"", cut=True))
        self._open[call.result] = Open(number, path, "O_APPEND" in flags)

    def _written(self, call: Call) -> None:
        opened, data = self._open[call.number(0)], call.data(1)[: call.result]
        file = self._files[opened.file]
        if opened.path == f"{self.top}/{EFFECTS}":  # it left: that is not on our disk
            _, seq, name = data.decode().split()
            self.acks.append((int(seq), name))
        offset = call.number(3) if call.name == "pwrite64" else file.size if opened.append else opened.place
        file.change(Change(offset, data))
        if call.name == "write":
            opened.place = offset + len(data)

    def _name(self, change: dict[str, int]) -> None:
        self._names |= change
        self._loose.append(change)

    def _sync(self, opened: Open) -> None:
        if opened.file != FOLDER:
            self._files[opened.file].sync()
            return
        here = [change for change in self._loose if all(path.rpartition("/")[0] == opened.path for path in change)]
        for change in here:
            self._synced |= change
        self._loose = [change for change in self._loose if change not in here]

    def _drop(self, opened: Open) -> None:
        """A sync failed: programs read what they wrote, and no later sync will write it. As Linux does it, at its worst."""
        if opened.file != FOLDER:
            self._files[opened.file].pending.clear()

    # --------------------------------------------------------------------------------------------------------- images

    def image(self, chance: random.Random, target: Path) -> None:
        """Write into a folder what a power cut may leave now."""
        mood = Mood(
            chance.choice((0.0, 0.3, 0.7, 0.9, 1.0)), chance.choice((0.0, 0.3, 0.8)), chance.choice((0.0, 0.5, 1.0))
        )
        names = dict(self._synced)
        for change in self._loose:
            if chance.random() < mood.names:
                names |= change
        for path in sorted(names):  # a folder stands before what is in it
            number, place = names[path], target / path.removeprefix(f"{self.top}/")
            if number == GONE or not place.parent.is_dir() or path == f"{self.top}/{EFFECTS}":
                continue
            if number == FOLDER:
                place.mkdir(mode=0o700)
                continue
            opened = os.open(place, os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(opened, self._left(path, self._files[number], chance, mood))
            os.close(opened)

    def _left(self, path: str, file: File, chance: random.Random, mood: Mood) -> bytes | bytearray:
        if path.endswith("-shm") and chance.random() < 0.5:  # written through memory, unseen by us: any bytes
            return chance.randbytes(file.size)
        if not file.pending:
            return file.synced
        data, pending = bytearray(file.synced), file.pending
        if chance.random() < 0.5:
            pending = chance.sample(pending, len(pending))
        for made in pending:
            if chance.random() < mood.kept:
                apply(data, made)
            elif made.data and chance.random() < mood.torn:
                for part in torn(made, chance):
                    apply(data, part)
            elif chance.random() < 0.2:  # the file had grown already
                data.extend(bytes(max(0, made.offset + len(made.data) - len(data))))
        return data


def relevant(calls: Iterator[Call], top: Path) -> list[Call]:
    """The calls that a disk must be fed with; all openings, since they take numbers of files that were closed."""
    begin = f"{top}/"
    return [call for call in calls if call.name == "openat" or any(f"{path}/".startswith(begin) for path in call.paths)]
