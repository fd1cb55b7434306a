"""What strace wrote down of a program, call by call, as far as it touches files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

# What changes a disk, or makes a change durable
DURABILITY: Final = (
    "openat", "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate",
    "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
)  # fmt: skip
_LINE: Final = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(.*)")
_UNFINISHED: Final = " <unfinished ...>"
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_BYTE: Final = re.compile(r"\\x([0-9a-f]{2})")
_OPENED: Final = re.compile(r"(-?\d+|AT_FDCWD)<([^>]*)>")


class Call(NamedTuple):
    """A call of the system: ``nth`` of its name in the program; ``result`` -1 where it failed, None where it did not end."""

    name: str
    nth: int
    words: tuple[str, ...]
    result: int | None

    @property
    def paths(self) -> list[str]:
        """The files that it names or has open."""
        opened = [text(found[2]) for word in self.words if (found := _OPENED.match(word))]
        if self.name in ("write", "pwrite64"):  # its text is no name
            return opened
        named = [text(word[1:-1]) for word in self.words if word.startswith('"')]
        folder = f"{opened[0]}/" if opened else ""  # of openat and its like
        return [name if name.startswith("/") else folder + name for name in named] or opened

    def number(self, place: int) -> int:
        """An argument that is a number, or the number of an open file."""
        return int(self.words[place].partition("<")[0], 0)

    def data(self, place: int) -> bytes:
        """An argument that is bytes."""
        return bytes.fromhex(self.words[place].strip('"').replace("\\x", ""))


def text(hexed: str) -> str:
    """Text that strace wrote in hexadecimal."""
    return _BYTE.sub(lambda found: chr(int(found[1], 16)), hexed)


def read(path: Path) -> Iterator[Call]:
    """The calls in a file that ``strace -f -y -xx -o`` wrote."""
    counts: Counter[str] = Counter()
    begun: dict[str, str] = {}  # process -> a call that another one interrupted
    with path.open(encoding="ascii") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.endswith(_UNFINISHED):
                begun[line.split(" ", 1)[0]] = line.removesuffix(_UNFINISHED)
                continue
            if found := _RESUMED.match(line):
                line = begun.pop(found[1]) + found[2]
            if found := _LINE.match(line):
                _, name, words, result, _ = found.groups()
                counts[name] += 1
                yield Call(name, counts[name], tuple(words.split(", ")), None if result == "?" else int(result))


def within(calls: Iterator[Call], folder: Path) -> list[Call]:
    """Those that change a file beneath a folder, or make a change of it durable."""
    top = f"{folder}/"
    return [
        call
        for call in calls
        if call.name in DURABILITY
        and any(f"{path}/".startswith(top) for path in call.paths)
        and (call.name != "openat" or "O_CREAT" in call.words[2])
    ]
