"""Power cuts: a scenario's calls are recorded, and many a disk that a cut may have left is opened by the product itself."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

from hedgerow import wire
from hedgerow.errors import Error
from hedgerow.model.entry import Draft
from tests.faults import calls, judge
from tests.faults.disk import Disk, relevant
from tests.faults.nursery import SCENARIO, Nursery, said
from tests.faults.points import KILLED, PROCESSES, memory
from tests.faults.scenario import FAILED

SEED: Final = 20_261_127
TRACED: Final = (*calls.DURABILITY, "lseek")
KILLS: Final = (300, 20, 77, 131, 190, 246, 389, 455, 502, 560)  # writes at which a first life ends
EXAMPLES: Final = 20  # lines that are kept of each kind
SOON: Final = 90  # calls: the end of one life, the start of the next, and a few commits
NOTE: Final = Draft(1, "", "note", "in", "{}")

# What an image may show: kept is well; torn too: a line of the anchors is told to be none, and all else is well
KEPT, TORN, LOST, REFUSED, GARBLED = "kept", "torn", "lost", "refused", "garbled"
DAMAGED: Final = "damaged beside the rows"
UNBORN: Final = "refused before anything had left"


@dataclass(frozen=True)
class Recording:
    """Two lives of the scenario on one disk, the first killed in the middle of a commit; and the rows they wrote."""

    top: Path
    lives: tuple[list[calls.Call], ...]
    rows: list[judge.Row]


class Outcome(NamedTuple):
    """What an image showed."""

    kind: str
    line: str = ""


@dataclass(frozen=True)
class Figures:
    """What a campaign found, by kind, with some lines of each kind that is not well."""

    counts: Counter[str]
    seconds: float
    lines: tuple[str, ...]

    def __str__(self) -> str:
        parts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        return f"{self.counts.total()} images, {self.seconds:.0f} s: {parts}"

    @property
    def bad(self) -> int:
        return self.counts.total() - self.counts[KEPT] - self.counts[TORN]


def record(*words: str, kill: int = KILLS[0], fail: int = 0, program: str = SCENARIO) -> Recording:
    """Run the scenario, kill it at a write, run it to its end; what it did to the disk.

    With ``fail`` a sync of a file fails before, and with ``kill`` 0 that alone ends the first life.
    """
    killing = ("-e", f"inject=pwrite64:signal=SIGKILL:when={kill}") if kill else ()
    failing = ("-e", f"inject=fdatasync:error=EIO:when={fail}") if fail else ()
    with tempfile.TemporaryDirectory(dir=memory()) as place, Nursery(program) as nursery:
        top = Path(place) / "disk"
        top.mkdir()
        lives = []
        ends = ((KILLED,) if kill else ()) + ((0, FAILED) if fail else ())
        for inject, codes in (((*killing, *failing), ends), ((), (0,))):
            out = Path(place) / "calls"
            options = ("-y", "-xx", "-s", "1000000", "-o", str(out), "-e", f"trace={','.join(TRACED)}", *inject)
            code = nursery.run(top, *words, strace=options)
            assert code in codes, said(top)
            lives.append(relevant(calls.read(out), top))
        found = judge.rows(top)
        assert not judge.judge(top)
    return Recording(top, tuple(lives), found)


def failures(recording: Recording) -> list[tuple[int, int]]:
    """Every sync of SQLite's in a first life that no fault ended, and the write behind it: for ``fail`` and ``kill``."""
    found, written = [], 0
    for call in recording.lives[0]:
        if call.name == "pwrite64":
            written = call.nth
        elif call.name == "fdatasync":
            found.append((call.nth, written + 1))
    return found


def behind_failure(recording: Recording, count: int, seed: int) -> Figures:
    """``cut`` soon after the sync that failed."""
    steps = [call for life in recording.lives for call in life]
    at = next(place for place, call in enumerate(steps) if call.name == "fdatasync" and call.result == -1)
    return cut(recording, count, seed, range(at, min(at + SOON, len(steps)) + 1))


def cut(recording: Recording, count: int, seed: int, within: range | None = None) -> Figures:
    """Cut the power ``count`` times, wherever the seed says, or behind calls ``within`` a range; open what it left."""
    begun = time.monotonic()
    chance = random.Random(seed)
    steps = [(life, call) for life, made in enumerate(recording.lives) for call in made]
    cuts = sorted(chance.choice(within or range(len(steps) + 1)) for _ in range(count))
    disk, done, life = Disk(recording.top), 0, 0
    counts: Counter[str] = Counter()
    lines: list[str] = []
    with tempfile.TemporaryDirectory(dir=memory()) as place:
        for number, at in enumerate(cuts):
            for which, call in steps[done:at]:
                if which != life:
                    disk.begin()
                    life = which
                disk.feed(call)
            done = at
            image = Path(place) / str(number)
            image.mkdir()
            disk.image(chance, image)
            found = examined(image, recording.rows, disk.acks)
            shutil.rmtree(image)
            counts[found.kind] += 1
            if found.kind != KEPT and counts[found.kind] <= EXAMPLES:
                lines.append(f"seed {seed}, image {number}, cut after call {at}: {found.kind}: {found.line}")
    return Figures(counts, time.monotonic() - begun, tuple(lines))


def campaign(recordings: Sequence[Recording], count: int, *, piece: int = 1_000, seed: int = SEED) -> Figures:
    """``cut`` over several processes, each piece in the next of the recordings."""
    begun = time.monotonic()
    sizes = [min(piece, count - first) for first in range(0, count, piece)]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        waiting = [
            pool.submit(cut, recordings[place % len(recordings)], size, seed + place)
            for place, size in enumerate(sizes)
        ]
        found = [one.result() for one in waiting]
    counts: Counter[str] = Counter()
    for one in found:
        counts += one.counts
    return Figures(counts, time.monotonic() - begun, tuple(line for one in found for line in one.lines))


def examined(image: Path, rows: Sequence[judge.Row], acks: Sequence[tuple[int, str]]) -> Outcome:
    """Open an image as the engine would after the cut, read it, verify it, and go on."""
    os.environ["HEDGEROW_HOME"] = str(image)
    left = acks[-1][0] if acks else 0
    try:
        journal = wire.journal(write=True)
        try:
            found = [tuple(entry) for entry in journal.read()]
            told = journal.verify().findings
            journal.append([NOTE])
            journal.commit()
        finally:
            journal.close()
    except Error as error:
        return Outcome(REFUSED if left else UNBORN, str(error))
    if found != rows[: len(found)]:
        return Outcome(GARBLED, "rows were read that were never written so")
    if len(found) < left:
        return Outcome(LOST, f"row {left} had left, and row {len(found)} is the last")
    try:
        again = judge.rows(image)
    except (
        sqlite3.DatabaseError,
        AssertionError,
    ) as error:  # rows were true, and SQLite says that the file is not sound
        return Outcome(DAMAGED, str(error))
    if again[:-1] != found or again[-1][6] != NOTE.body:
        return Outcome(GARBLED, "it does not go on behind what it held")
    if told:
        return Outcome(TORN if all("no anchor" in line for line in told) else GARBLED, "; ".join(told))
    return Outcome(KEPT)
