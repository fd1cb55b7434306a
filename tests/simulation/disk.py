"""A journal on a disk that may fail: what is committed stays, what is not is lost with the process, and an error is an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from hedgerow.errors import StoreError
from hedgerow.model.entry import Draft, Entry, Head


class Crash(Exception):
    """The process dies here."""


class Disk:
    """What is durable, whoever writes, and the fencing token that a writer must hold."""

    def __init__(self) -> None:
        self.rows: list[Draft] = []
        self.token = 0


class DiskJournal:
    """``ports.Journal`` on a ``Disk``. ``crash`` and ``fail`` are probabilities at every commit."""

    def __init__(self, disk: Disk, random: Random, crash: float, fail: float) -> None:
        self.disk, self.random, self.crash, self.fail = disk, random, crash, fail
        disk.token += 1
        self.token = disk.token
        self._buffer: list[Draft] = []
        self._dead = False

    @property
    def head(self) -> Head:
        return Head(len(self.disk.rows) + len(self._buffer), "")

    def append(self, drafts: Iterable[Draft]) -> None:
        if self._dead:
            raise StoreError("the journal is dead")
        self._buffer.extend(drafts)

    def commit(self) -> None:
        if self._dead:
            raise StoreError("the journal is dead")
        roll = self.random.random()
        if roll < self.crash / 2:
            raise Crash("before the commit")
        if self.token != self.disk.token:
            self._dead = True
            raise StoreError("another engine took over")
        if roll < self.crash / 2 + self.fail:
            self._dead = True
            if self.random.random() < 0.5:  # the error came after the rows were safe
                self._write()
            raise StoreError("the disk failed")
        self._write()
        if roll > 1.0 - self.crash / 2:
            raise Crash("after the commit")

    def _write(self) -> None:
        self.disk.rows.extend(self._buffer)
        self._buffer = []

    def read(self, after: int = 0) -> Iterator[Entry]:
        for seq, row in enumerate(self.disk.rows[after:], start=after + 1):
            yield Entry(seq, row.at_ns, "sim", row.account, row.kind, row.way, row.body, "")

    def close(self) -> None:
        self._buffer = []
