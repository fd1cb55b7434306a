"""Days of paper trading on recorded hours, in a process of its own: what memory it holds every few days, as a line of JSON.

A look is (day, MB that the system gave the process, MB of Python's objects made since the start).

``python -m tests.engine.days DATA FOLDER DAYS POLICY [trace] [keep]``; with ``trace`` every object is counted, which takes
eight times as long, with ``keep`` it holds on to every record, as a leak would.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgerow import policies, wire
from hedgerow.engine.drive import drive
from hedgerow.model.terms import Terms
from hedgerow.units import NS_PER_DAY
from tests.store.desk import Desk

WEIGHTS = {"BTC": 0.3, "ETH": 0.3, "SOL": 0.1, "XRP": 0.1}
LAST = date(2023, 12, 31)  # of the recorded hours
EVERY = 6  # days between two looks
PAGE = 4_096


def held() -> tuple[float, float]:
    """MB of memory that the process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE / 2**20, tracemalloc.get_traced_memory()[0] / 2**20


def main(data: str, folder: str, count: str, policy: str, *words: str) -> dict[str, Any]:
    """Play the last ``count`` days with a journal in SQLite, as fast as it goes."""
    wire.prepare(10**9)
    days = int(count)
    recorded = wire.recorded(Path(data), tuple(WEIGHTS), LAST - timedelta(days=days - 1), LAST)
    kept: list[Any] = []
    looks: list[tuple[int, float, float]] = []
    desk = Desk(f"sqlite:///{folder}/journal.db", Path(folder))
    with desk.opened() as journal:
        mandate = {"autonomy": "auto", "orders_minute": 1_000}
        tell = kept.append if "keep" in words else lambda record: None
        floor = wire.paper(
            recorded, policies.load(policy), WEIGHTS, Decimal(100_000), mandate, journal, terms=Terms(), tell=tell
        )
        engine = floor.pump.engine
        first_ns = engine.now_ns

        def look() -> bool:
            day = (engine.now_ns - first_ns) // NS_PER_DAY
            if day >= len(looks) * EVERY:
                looks.append((day, *held()))
            return False

        async def whole() -> None:
            await floor.pump.send([], floor.venue)
            await drive(floor.pump, floor.venue, stopping=look)

        if "trace" in words:
            tracemalloc.start()
        begun = time.perf_counter()
        asyncio.run(whole())
        seconds = time.perf_counter() - begun
        verdict = journal.verify()
    return {
        "seconds": seconds, "rows": verdict.rows, "findings": list(verdict.findings), "looks": looks,
        "days": (engine.now_ns - first_ns) / NS_PER_DAY,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201
