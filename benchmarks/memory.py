"""Peak memory, each figure of a process of its own: this module run with a job's name measures it and prints JSON.

python -m benchmarks.memory sweep SIZE COUNT    a sweep of the reference job on a size
python -m benchmarks.memory run SIZE            one run of it
python -m benchmarks.memory many BARS COUNT     a sweep of so many settings over few bars, for what a setting takes
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Table
from benchmarks.process import ASSETS, forget_trials, memory_of, own_peak

SETTING: Final = 32  # bytes of the four numbers that a setting is


def _measured(*words: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *words], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def of_bands(table: Table, size: str, count: int, rounds: int) -> None:
    """Peak memory beyond the panels of a sweep of the reference job and of one run on L, and bytes a setting."""
    table.begin("Memory, each in a process of its own")
    runs = [_measured("sweep", size, str(count)) for _ in range(rounds)]
    panels = runs[0]["panels"]
    beyond = [run["peak"] - run["panels"] for run in runs]
    what = f"sweep of {count:,} settings on {size}: peak beyond its panels of {panels:.0f} MB"
    table.put("memory.sweep", what, "MB", beyond)
    few, most = 200_000, 2_000_000
    each = []
    for _ in range(rounds):
        small, large = (_measured("many", "48", str(n))["peak"] for n in (few, most))
        each.append((large - small) * 2**20 / (most - few) - SETTING)
    what = f"sweep of the reference job: each further setting, beside the {SETTING} bytes that say it"
    table.put("memory.setting", what, "bytes", each)


def of_a_run(table: Table, size: str, rounds: int) -> None:
    """Peak memory beyond the panels of a single run."""
    runs = [_measured("run", size) for _ in range(rounds)]
    what = f"one run on {size}: peak beyond its panels of {runs[0]['panels']:.0f} MB"
    table.put(f"memory.run.{size}", what, "MB", [run["peak"] - run["panels"] for run in runs])


def of_the_command(table: Table, home: Path, data: Path, counts: list[int], rounds: int) -> None:
    """Peak memory of ``hedgerow sweep`` with so many settings, over the demonstration's three years of hours."""
    peaks: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            forget_trials(home)
            words = ["sweep", "--data", str(data), "--assets", ASSETS, "--search", "random", "--trials", str(count),
                     "--start", "2024-11-01", "--vary", "trim.drift.threshold=5pp:14.99pp:0.01pp",
                     "--vary", "hedge.cap=50%:95%:0.5%"]  # fmt: skip
            peaks[count].append(memory_of(words, home))
    for count, values in peaks.items():
        table.put(f"memory.command.{count}", f"hedgerow sweep, {count:,} settings of balanced: peak", "MB", values)
    least, most = counts[0], counts[-1]
    each = [(b - a) * 2**20 / (most - least) for a, b in zip(peaks[least], peaks[most], strict=True)]
    table.put("memory.command.setting", "hedgerow sweep: each further setting", "bytes", each)


def main(job: str, *words: str) -> dict[str, float]:
    """Do a job in this process and say what it took."""
    from benchmarks import reference, sweeps
    from hedgerow import wire

    wire.prepare(10**9)
    made: Any = reference.drawn(10, int(words[0]), 24) if job == "many" else _kept(words[0])
    if job == "run":
        reference.Compiled(made)()
    else:
        sweeps.swept(reference.bands_of(made), sweeps.settings(int(words[1])), 2)
    panels = sum(block.nbytes for block in (made.price, made.future, made.funding, made.wild)) / 2**20
    return {"peak": own_peak(), "panels": panels}


def _kept(size: str) -> Any:
    """The panels of a size, read from files that another process wrote: making them takes more memory than they do."""
    import numpy as np

    from benchmarks import reference

    with tempfile.TemporaryDirectory() as folder:
        write = "import sys; from pathlib import Path; from benchmarks.memory import write; write(Path(sys.argv[1]), sys.argv[2])"
        subprocess.run([sys.executable, "-c", write, folder, size], check=True)
        kept = [np.load(Path(folder) / f"{name}.npy") for name in reference.Panels._fields[:-1]]
    return reference.Panels(*kept, every=max(1, reference.SIZES[size][2] // 3))


def write(folder: Path, size: str) -> None:
    """Write the panels of a size, one file each."""
    import numpy as np

    from benchmarks import reference

    made = reference.panels(size)
    for name in reference.Panels._fields[:-1]:
        np.save(folder / f"{name}.npy", getattr(made, name))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
