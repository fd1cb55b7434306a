"""The interpreter and the compiler give the same bits, on markets that use every feature of the kernel."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# each an argument: policy, contract
CASES = (("balanced", "perpetual"), ("seed", "perpetual"), ("b6_trend", "dated"))

RUN = """
import hashlib, sys, tempfile
from datetime import date
from pathlib import Path
import numpy as np
from hedgerow import jit, policies, wire
jit.prepare(wire.home(), compile=sys.argv[1] == "1")
from hedgerow.research.backtest import trace
from hedgerow.research.simulate import simulate, write
assets = ("BTC", "ETH", "EOS")
with tempfile.TemporaryDirectory() as folder:
    write(simulate(seed=9, assets=assets, start=date(2021, 1, 1), days=420, scenario="cycle"), Path(folder))
    recorded = wire.recorded(Path(folder), assets, date(2021, 12, 1), None)
for case in sys.argv[2:]:
    name, kind = case.split()
    policy = policies.load(name)
    hedge = {"instrument": "dated"} if kind == "dated" else {"inverse": False}
    policy = policy.model_copy(update={"hedge": policy.hedge.model_copy(update=hedge)})
    stage = wire.stage_of(recorded, [policy])
    run, traces = trace(policy, stage, capital=250_000.0, weights={"BTC": 0.4, "ETH": 0.25, "EOS": 0.15})
    digest = hashlib.sha256()
    for block in (stage.signals, traces.log, *traces.book, run.nav, run.parts, run.h_achieved, run.margin_ratio):
        digest.update(np.ascontiguousarray(block).tobytes())
    print(len(run.legs), digest.hexdigest())
"""


@pytest.fixture(scope="module")
def found() -> dict[str, list[list[str]]]:
    """Switch -> what a process said of every case: its legs and the hash of every bit."""
    told = {}
    for switch in ("0", "1"):
        command = [sys.executable, "-c", RUN, switch, *map(" ".join, CASES)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | {"HEDGEROW_JIT": switch}
        )
        assert done.returncode == 0, done.stderr
        told[switch] = [line.split() for line in done.stdout.splitlines()]
    return told


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_interpreter_and_compiler_agree_to_the_bit(case: tuple[str, str], found: dict[str, list[list[str]]]) -> None:
    interpreted, compiled = (found[switch][CASES.index(case)] for switch in ("0", "1"))
    assert int(interpreted[0]) > 5, "the market made the policy do something"
    assert interpreted == compiled
