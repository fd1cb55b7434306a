"""From a new process to a portfolio that is ready, behind one that was killed: this module run with a job's name does it.

python -m benchmarks.recovery play DATA ROWS     runs a portfolio on paper until its journal has so many rows, and kills itself
python -m benchmarks.recovery ready DATA         takes it up as ``hedgerow run`` does, and prints what took how long as JSON
python -m benchmarks.recovery audit DATA         feeds the whole journal to a new engine, as ``hedgerow journal replay`` does

The journal is SQLite in HEDGEROW_HOME; DATA is a folder of a made market. Seconds are wall time since the process was started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Table

ASSETS: Final = ("BTC", "ETH", "SOL", "XRP")
FIRST: Final = date(2018, 1, 1)
WARM: Final = 731  # days before the first
ROWS_A_DAY: Final = 36  # at least
PARTS: Final = {
    "imports": "until all is imported", "data": "until the market is read", "journal": "until the lease is taken",
    "ready": "until it is ready",
}  # fmt: skip


def report(table: Table, rows: int, rounds: int) -> None:
    """Rows of every part of a recovery, and of an audit of the whole journal."""
    table.begin(f"Recovery: a process that takes up a killed one's journal of {rows:,} rows")
    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder) / "home", Path(folder) / "data"
        _market(data, rows // ROWS_A_DAY)
        _borrow_cache(home)
        _child("play", data, home, str(rows))
        found: dict[str, list[dict[str, float]]] = {"ready": [], "audit": []}
        for _ in range(rounds + 1):  # the first of each compiles what was not compiled
            for job, times in found.items():
                begun = time.perf_counter()
                done = _child(job, data, home)
                taken = json.loads(done.stdout)
                times.append(taken | {"process": time.perf_counter() - begun})
        for part, what in PARTS.items():
            table.put(f"recovery.{part}", f"since its start, {what}", "s", [one[part] for one in found["ready"][1:]])
        table.put("recovery.fed", "events that the engine was fed again", "events", [found["ready"][-1]["fed"]])
        table.put(
            "recovery.audit",
            "an audit of all rows: a whole process",
            "s",
            [one["process"] for one in found["audit"][1:]],
        )


def _market(data: Path, days: int) -> None:
    from hedgerow.research.simulate import simulate, write

    data.mkdir()
    first = date.fromordinal(FIRST.toordinal() - WARM)
    write(simulate(seed=5, assets=ASSETS, start=first, days=days + WARM), data)


def _borrow_cache(home: Path) -> None:
    """A home of its own, which reads and fills the compiler's cache of the user's."""
    from hedgerow import wire

    (wire.home() / "cache").mkdir(parents=True, exist_ok=True)
    home.mkdir()
    (home / "cache").symlink_to(wire.home() / "cache")


def _child(job: str, data: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.recovery", job, str(data), *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}
    done = subprocess.run(command, env=env | {"HEDGEROW_HOME": str(home)}, capture_output=True, text=True, check=False)
    if done.returncode != (-signal.SIGKILL if job == "play" else 0):
        raise RuntimeError(f"{job} ended with code {done.returncode}: {done.stderr}")
    return done


def _since_start() -> float:
    """Seconds since this process was started."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


class Desk:
    """What a process needs to take a portfolio up, each part made when its time has come, and how long that took."""

    def __init__(self, data: str) -> None:
        from hedgerow import policies, wire

        self.taken: dict[str, float] = {}
        wire.prepare(10**9, entrance="turn.turn")
        self.policy = policies.load("balanced")
        self.note("imports")
        self.recorded = wire.recorded(Path(data), ASSETS, FIRST, None)
        self.note("data")
        self.journal = wire.journal(write=True)
        self.note("journal")

    def note(self, part: str) -> None:
        """A part is done."""
        self.taken[part] = _since_start()

    def floor(self, progress: Callable[[int], None] = lambda rows: None) -> Any:
        """The portfolio, ready to go on."""
        from hedgerow import wire

        weights = dict.fromkeys(ASSETS, 0.2)
        mandate = {"autonomy": "auto", "orders_minute": 1_000}
        return wire.paper(
            self.recorded, self.policy, weights, Decimal(100_000), mandate, self.journal, progress=progress
        )


def play(data: str, rows: str) -> None:
    """Run until so many rows are durable, and die as by kill -9: the lease is not given back, the log not moved into the file."""
    import asyncio

    from hedgerow.engine.drive import drive

    desk = Desk(data)
    floor = desk.floor()

    def die() -> bool:
        if desk.journal.head.seq >= int(rows):
            floor.pump.commit()
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    asyncio.run(drive(floor.pump, floor.venue, stopping=die))
    raise RuntimeError(f"the market ended at row {desk.journal.head.seq}")


def ready(data: str) -> None:
    """Take the portfolio up."""
    from hedgerow.engine.engine import Engine

    fed, feed = [0], Engine.feed

    def counted(self: Any, event: Any) -> Any:
        fed[0] += 1
        return feed(self, event)

    Engine.feed = counted  # type: ignore[method-assign]
    desk = Desk(data)
    desk.floor()
    desk.note("ready")
    print(json.dumps(desk.taken | {"fed": fed[0]}))


def audit(data: str) -> None:
    """Feed the whole journal to a new engine."""
    from hedgerow import wire

    wire.prepare(10**9, entrance="turn.turn")
    print(json.dumps({"rows": wire.replayed(wire.journal()).rows}))


if __name__ == "__main__":
    {"play": play, "ready": ready, "audit": audit}[sys.argv[1]](*sys.argv[2:])
