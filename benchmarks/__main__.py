"""Measure how fast hedgerow is, as ratios of jobs that are timed in turn in one process: the machine is noisy.

Every figure is the median of its rounds, with its range; single threads are timed by CPU time. A ratio to another program
is given only where both computed the same values. ``--short`` stays under a minute with a compiled kernel; the whole takes
a quarter to half an hour. The exit code is 1 where a ratio was refused.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import full, growth, ledger, live, margin, memory, portfolios, process, recovery, rivals, show, sweeps
from benchmarks.measure import Table
from hedgerow import __version__, jit, wire

YEAR = 365


def jobs_in_c(table: Table, short: bool) -> None:
    """The reference job in one process: C, Python, bt, vectorbt."""
    rivals.against_c(table, "SM" if short else "SML", 9 if short else 25)
    rivals.bar_by_bar(table, "S" if short else "SM", 3)
    rivals.against_bt(table, "S" if short else "SM", 2 if short else 3)
    if not short:  # its first run compiles for twenty seconds in each process
        rivals.against_vectorbt(table, "SML", 5)


def many_settings(table: Table, short: bool) -> None:
    """Sweeps of the reference job."""
    sweeps.rates(table, 3 if short else 15)
    for count in (1_000,) if short else (1_000, 10_000):
        sweeps.many(table, count)
    if not short:
        sweeps.against_vectorbt(table, 5)


def whole_policy(table: Table, short: bool) -> None:
    """Policies by the full kernel."""
    if short and left_out(table, "run"):
        return
    days, rounds = (YEAR, 5) if short else (6 * YEAR, 11)
    stages = {"": full.stage_of(full.COINS[:10], days, full.POLICIES)}
    if not short:
        stages[" with dated futures"] = full.stage_of(full.DATED, days, full.POLICIES)
    full.against_c(table, stages, rounds)
    full.against_panels(table, stages[""], rounds)
    sweeps.of_a_policy(table, full.Played(stages[""]), 16 if short else 32, 2 if short else 5)
    if short:
        return
    full.against_interpreter(table, 3)
    margin.report(table, lambda entrance: full.prepared(stages[""], entrance=entrance), rounds)


def growths(table: Table, short: bool) -> None:
    """How the reference job grows, and a whole policy."""
    settings = (64, 128, 256, 512) if short else (128, 256, 512, 1_024)
    growth.of_bands(table, (6_570, 13_140, 26_280, 52_560), (25, 50, 100, 200), settings, 5 if short else 11)
    if not short:
        growth.of_balanced(table, full.stage_of(full.COINS[:10], 4 * YEAR), (25, 50, 100, 200), (8, 16, 32, 64), 11)


def one_bar(table: Table, short: bool) -> None:
    """One live decision."""
    if not (short and left_out(table, "step.step")):
        live.report(table, (10, 50) if short else (10, 50, 200), YEAR if short else 2 * YEAR, 1 if short else 5)


def processes(table: Table, short: bool) -> None:
    """What a user waits for, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if short:
            process.warm(table, ("help",), home, home, 3)
            return
        data = process.made_data(home)
        process.warm(table, ("help", "demo", "backtest", "plan", "explain"), home, data, 5)
        process.cold(table, ("demo", "backtest", "plan", "explain"), data, 3)
        memory.of_bands(table, "M", 10_000, 3)
        memory.of_a_run(table, "L", 3)
        memory.of_the_command(table, home, data, [60, 1_000, 10_000], 1)


def many_portfolios(table: Table, short: bool) -> None:
    """Plans for many portfolios in one call."""
    if not short:
        portfolios.report(table, portfolios.SIZES, 3)


def accounts(table: Table, short: bool) -> None:
    """The ledger."""
    ledger.report(table, 20_000 if short else 100_000, 2 if short else 3)


def restarts(table: Table, short: bool) -> None:
    """A portfolio that is taken up behind a process that was killed."""
    if short and left_out(table, "turn.turn"):
        return
    recovery.report(table, 10_000 if short else 100_000, 2 if short else 5)


SUBJECTS: dict[str, Callable[[Table, bool], None]] = {
    "reference": jobs_in_c, "sweeps": many_settings, "policy": whole_policy, "live": one_bar, "growth": growths,
    "portfolios": many_portfolios, "ledger": accounts, "recovery": restarts, "process": processes,
}  # fmt: skip


def left_out(table: Table, entrance: str) -> bool:
    """Whether a subject of a short run waits for the compiler, which alone takes a minute; it is said."""
    if jit.is_warm(wire.home(), entrance):
        return False
    table.tell(f"left out: {entrance} is not compiled yet, which takes a minute; run without --short first")
    return True


def machine() -> dict[str, Any]:
    """What kind of machine measured, in general terms, and with which versions."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for name in ("numba", "numpy", "vectorbt", "bt"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": platform.machine(), "system": platform.system(), "cores": cores, "versions": versions}


def main() -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        prog="./run bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="fewer sizes and rounds, without vectorbt and cold starts")
    parser.add_argument("--only", action="append", choices=SUBJECTS, metavar="SUBJECT",
                        help=f"one subject; may be repeated: {', '.join(SUBJECTS)}")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--draw", type=Path, metavar="FILE.html", help="draw the figures against their bars")
    arguments = parser.parse_args()
    console, begun = Console(width=None if sys.stdout.isatty() else 160, highlight=False), time.perf_counter()
    log = Console(stderr=True, highlight=False)
    table = Table(tell=lambda said: log.print(f"[{time.perf_counter() - begun:5.0f} s] {said}", markup=False))
    wire.prepare(10**9)
    record: dict[str, Any] = {}
    for name, subject in SUBJECTS.items():
        if not arguments.only or name in arguments.only:
            subject(table, arguments.short)
            record = {"hedgerow": __version__, "short": arguments.short, "machine": machine(),
                      "seconds": round(time.perf_counter() - begun, 1), **table.record()}  # fmt: skip
            if arguments.json:  # after each subject: an hour's figures are not lost with the last one
                arguments.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show.table(record, console)
    if arguments.json:
        console.print(str(arguments.json), soft_wrap=True)
    if arguments.draw:
        from benchmarks.draw import page

        arguments.draw.write_text(page(record), encoding="utf-8")
        console.print(str(arguments.draw), soft_wrap=True)
    return int(bool(table.refused))


if __name__ == "__main__":
    sys.exit(main())
