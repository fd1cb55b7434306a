"""Crash points: the scenario with one fault at one call, then started again until it is through, then judged.

A point is a call that changes a file in the scenario's folder or makes a change durable. ``KILL`` ends the process before
that call is done (after it is before the next one), ``EIO`` and ``ENOSPC`` fail it once, ``FULL`` fails it and all later
ones of its name, ``TWICE`` kills the process, and the next one while it recovers.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults import calls, judge
from tests.faults.nursery import SCENARIO, Nursery, said
from tests.faults.scenario import EFFECTS, FAILED

INJECTED: Final = {
    "KILL": "signal=SIGKILL", "TWICE": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC", "FULL": "error=ENOSPC"
}  # fmt: skip
MODES: Final = tuple(INJECTED)
KILLED: Final = -9
PROCESSES: Final = 2


class Point(NamedTuple):
    """A fault at the ``nth`` call of a name; of mode TWICE also the one that ends the second life."""

    mode: str
    call: str
    nth: int
    second: tuple[str, int] = ("", 0)


@dataclass(frozen=True)
class Figures:
    """What a campaign found: a line for each thing that is wrong."""

    ends: Counter[int]  # how the programs ended that the faults were put under
    seconds: float
    violations: tuple[str, ...]

    def __str__(self) -> str:
        ends = ", ".join(f"{count} ended with {code}" for code, count in sorted(self.ends.items()))
        return f"{self.ends.total()} points, {self.seconds:.0f} s, {len(self.violations)} violations ({ends})"


def memory() -> Path | None:
    """A disk in memory, where there is one: a crash of a process loses nothing that any disk was given."""
    place = Path("/dev/shm")
    return place if place.is_dir() else None


def traced(nursery: Nursery, folder: Path, *words: str) -> list[calls.Call]:
    """Run the scenario to its end and give the calls at which a fault can be."""
    out = folder.with_name(f"{folder.name}.calls")
    options = ("-y", "-xx", "-s", "0", "-o", str(out), "-e", f"trace={','.join(calls.DURABILITY)}")
    code = nursery.run(folder, *words, strace=options)
    assert code == 0, said(folder)
    found = calls.within(calls.read(out), folder)
    out.unlink()
    return found


def survey(*words: str, program: str = SCENARIO) -> tuple[list[calls.Call], list[calls.Call]]:
    """The calls of a whole scenario, and those of a start that has little left to do: its recovery."""
    with tempfile.TemporaryDirectory(dir=memory()) as top, Nursery(program) as nursery:
        whole, cut = Path(top) / "whole", Path(top) / "cut"
        whole.mkdir()
        cut.mkdir()
        found = traced(nursery, whole, *words)
        late = [call for call in found if call.name == "fdatasync"][-6]
        _faulted(nursery, cut, Point("KILL", late.name, late.nth), *words)
        return found, traced(nursery, cut, *words)


def points(found: Sequence[calls.Call], recovery: Sequence[calls.Call], modes: Iterable[str] = MODES) -> list[Point]:
    """Every point of every mode. The exchange's own file fails by kills alone: an answer that is lost is no fault of ours."""
    chance = random.Random(5)
    made = []
    for mode in modes:
        for call in found:
            if INJECTED[mode].startswith("error") and call.paths[0].endswith(f"/{EFFECTS}"):
                continue
            second = chance.choice(recovery)
            made.append(Point(mode, call.name, call.nth, (second.name, second.nth) if mode == "TWICE" else ("", 0)))
    return made


def spread(of: Sequence[Point], count: int) -> list[Point]:
    """``count`` of them, evenly over all."""
    return [of[(2 * i + 1) * len(of) // (2 * count)] for i in range(count)] if count < len(of) else list(of)


def _faulted(nursery: Nursery, folder: Path, point: Point, *words: str) -> int:
    when = f"{point.nth}+" if point.mode == "FULL" else str(point.nth)
    inject = f"inject={point.call}:{INJECTED[point.mode]}:when={when}"
    options = ("-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject)
    return nursery.run(folder, *words, strace=options)


def tried(nursery: Nursery, folder: Path, point: Point, *words: str) -> tuple[int, list[str]]:
    """How the program ended at a point, and what is wrong after it and a start behind it."""
    code = _faulted(nursery, folder, point, *words)
    return code, _behind(nursery, folder, point, code, *words)


def _behind(nursery: Nursery, folder: Path, point: Point, code: int, *words: str) -> list[str]:
    killed = INJECTED[point.mode].startswith("signal")
    if code not in ((KILLED,) if killed else (0, FAILED)):
        return [f"ended with {code}: {said(folder)}"]
    if point.mode == "TWICE":
        call, nth = point.second
        code = _faulted(nursery, folder, Point("KILL", call, nth), *words)
        if code not in (KILLED, 0):
            return [f"the second life ended with {code}: {said(folder)}"]
    for what in ("the start behind it", "the one behind that"):  # which has nothing left to do
        code = nursery.run(folder, *words)
        if code:
            return [f"{what} ended with {code}: {said(folder)}"]
    return judge.judge(folder)


def campaign(chosen: Sequence[Point], *words: str, program: str = SCENARIO, processes: int = PROCESSES) -> Figures:
    """Try points, each in a folder of its own, a few at once."""
    begun = time.monotonic()
    waiting = deque(enumerate(chosen))

    def work(top: Path) -> tuple[Counter[int], list[str]]:
        ends, wrong = Counter[int](), []
        with Nursery(program) as nursery:
            while waiting:
                try:
                    number, point = waiting.popleft()
                except IndexError:  # the other one was quicker
                    break
                folder = top / str(number)
                folder.mkdir()
                code, lines = tried(nursery, folder, point, *words)
                ends[code] += 1
                wrong += [f"{point}: {line}" for line in lines]
                shutil.rmtree(folder)
        return ends, wrong

    with tempfile.TemporaryDirectory(dir=memory()) as top, ThreadPoolExecutor(processes) as pool:
        found = [one.result() for one in [pool.submit(work, Path(top)) for _ in range(processes)]]
    ends = sum((ended for ended, _ in found), Counter[int]())
    return Figures(ends, time.monotonic() - begun, tuple(line for _, wrong in found for line in wrong))
