"""Programs started from a process that has imported what they need: 30 ms a start instead of 700.

``python -m tests.faults.nursery`` reads orders from its input, one line of JSON each, and answers with the exit code: it
forks, lets strace take hold of the child where it is asked to, and runs a module there as ``python -m`` would. Each child
is a process of its own, with its own number, files and end.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SET_PTRACER, ANY = 0x59616D61, 2**64 - 1  # of prctl, for systems that let parents alone hold a process
GRACE = 60  # seconds until a child that does not end is a finding
SCENARIO = "tests.faults.scenario"
PAPER = "tests.faults.paper"
# What a program needs beside the journal: the market, the compiled kernel, and whoever listens to operators
NEEDED = {PAPER: ("tests.faults.floor", "hedgerow.faces.helm")}


class Nursery:
    """A process that starts a program, a module with the command line of the scenario, again and again."""

    def __init__(self, program: str = SCENARIO) -> None:
        self._program = program
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery", *NEEDED.get(program, ())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=GRACE)

    def run(self, folder: Path, *words: str, strace: tuple[str, ...] = ()) -> int:
        """Run the program on a folder, under strace where options are given; its exit code, or minus the signal."""
        assert self._process.stdin
        assert self._process.stdout
        order = {"module": self._program, "words": [str(folder), *words], "strace": strace, "said": f"{folder}.said"}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery ended"
        return int(answer)


def said(folder: Path) -> str:
    """What the last program on a folder printed."""
    return Path(f"{folder}.said").read_text(encoding="utf-8", errors="replace")


def _child(order: dict[str, Any], gate: int) -> None:
    """Be the program. Never returns."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        told = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(told, 1)
        os.dup2(told, 2)
        ctypes.CDLL(None).prctl(SET_PTRACER, ctypes.c_ulong(ANY))  # strace is no parent of ours
        os.read(gate, 1)  # until it holds us
        os.close(gate)
        sys.argv = [order["module"], *order["words"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 (whatever it is, it is told)
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _start(order: dict[str, Any]) -> int:
    shut, gate = os.pipe()
    child = os.fork()
    if not child:
        os.close(gate)
        _child(order, shut)
    os.close(shut)
    tracer = None
    if order["strace"]:
        words = ["strace", "-f", "-p", str(child), *order["strace"]]
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        assert tracer.stderr
        line = tracer.stderr.readline()
        if "attached" not in line:
            raise RuntimeError(f"strace: {line}")
    os.write(gate, b"x")
    os.close(gate)
    _, status = os.waitpid(child, 0)
    if tracer:
        tracer.communicate(timeout=GRACE)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    import getpass  # noqa: F401 (all that a program imports while it runs)

    import alembic.command  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401

    from hedgerow import wire
    from hedgerow.store import anchors, journal, keys  # noqa: F401

    wire.home()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(f"{_start(json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
