"""What a user waits for: whole processes, from the start to the first result on standard output, and to their end.

warm   with the compiled kernel in the cache: whatever the first call of a command left to be kept is kept
cold   with an empty HEDGEROW_HOME, up to the first result; what goes on behind it is stopped then
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import Table

ASSETS: Final = "BTC,ETH,SOL"
WARNING: Final = b"SIMULATED MARKET: every price below was made from a seed; nothing here happened."


def commands(data: Path) -> dict[str, list[str]]:
    """The commands that are timed, over a folder of data with a portfolio."""
    market = ["--policy", "balanced", "--data", str(data)]
    portfolio = ["--portfolio", str(data / "portfolio.toml")]
    return {
        "help": ["--help"], "demo": ["demo"], "backtest": ["backtest", "--assets", ASSETS, *market],
        "plan": ["plan", *portfolio, *market], "explain": ["explain", *portfolio, *market],
    }  # fmt: skip


def made_data(home: Path) -> Path:
    """The demonstration's market with a portfolio, made under ``home`` (three years of hours, five coins)."""
    done = _hedgerow(["demo", "--json", str(home / "demo.json")], home)
    if done.wait() != 0:
        raise RuntimeError("hedgerow demo ended with an error")
    data = next((home / "history").glob("simulated-*"))
    from hedgerow import wire

    wire.demo_portfolio(data)
    return data


def _hedgerow(words: Sequence[str], home: Path, out: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process of hedgerow whose home is ``home``."""
    command = [sys.executable, "-m", "hedgerow", *words]
    env = os.environ | {"HEDGEROW_HOME": str(home)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # it would have every process read the sources of numba anew
    return subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env=env)


def waited(words: Sequence[str], home: Path, *, whole: bool = True) -> tuple[float, float]:
    """Wall seconds to the first result on standard output, and to the end; the process is stopped at the first if not
    ``whole``. The demonstration's warning that its market is made is no result.
    """
    start = time.perf_counter()
    here, there = os.pipe()
    process = _hedgerow(words, home, there)
    os.close(there)
    with os.fdopen(here, "rb", buffering=0) as pipe:
        found = b""
        while not b" ".join(found.split()).removeprefix(WARNING):
            more = pipe.read(65_536)
            if not more:
                raise RuntimeError(f"hedgerow {words[0]} ended without a result")
            found += more
        first = time.perf_counter() - start
        if not whole:
            process.terminate()
        while pipe.read(65_536):
            pass
    code = process.wait()
    if whole and code != 0:
        raise RuntimeError(f"hedgerow {words[0]} ended with code {code}")
    return first, time.perf_counter() - start


def warm(table: Table, names: Sequence[str], home: Path, data: Path, rounds: int) -> None:
    """First result and whole process of commands whose code is compiled."""
    table.begin("First result, whole process, compiled before")
    words = commands(data)
    for name in names:
        waited(words[name], home)  # what is to be compiled, is
    taken: Mapping[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(waited(words[name], home))
    for name, times in taken.items():
        label = "--help" if name == "help" else name
        table.put(f"first.{name}.warm", f"{label}, compiled: first result", "s", [first for first, _ in times])
        if name != "help":
            table.put(f"whole.{name}.warm", f"{label}, compiled: whole", "s", [whole for _, whole in times])


def cold(table: Table, names: Sequence[str], data: Path, rounds: int) -> None:
    """First result with an empty home; the kernel is compiled behind it where there is more to run."""
    table.begin("First result, whole process, nothing compiled")
    words = commands(data)
    for name in names:
        times = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                times.append(waited(words[name], Path(folder), whole=False)[0])
        table.put(f"first.{name}.cold", f"{name}, nothing compiled: first result", "s", times)


def memory_of(words: Sequence[str], home: Path) -> float:
    """Peak memory in MB of a process of hedgerow."""
    return _peak([sys.executable, "-m", "hedgerow", *words], home)


def _peak(command: Sequence[str], home: Path) -> float:
    """Peak memory in MB of a process: it is the only child that its parent has, so that the parent can ask."""
    ask = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
    ask += "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", ask, *command],
        env=os.environ | {"HEDGEROW_HOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout) / 1024


def own_peak() -> float:
    """Peak memory in MB of this process so far. Linux counts its parent's in ``ru_maxrss``, but not in ``VmHWM``."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_trials(home: Path) -> None:
    """Remove the logs of sweeps, so that the next one runs and reads none."""
    shutil.rmtree(home / "trials", ignore_errors=True)
