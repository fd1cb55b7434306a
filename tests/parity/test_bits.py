"""The interpreter and the compiler give the same bits, on markets that use every feature of the kernel."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

RUN = """
import hashlib, sys, tempfile
from datetime import date
from pathlib import Path
import numpy as np
from hedgerow import jit, policies, wire
jit.prepare(wire.home(), compile=sys.argv[1] == "1")
from hedgerow.research.backtest import trace
from hedgerow.research.simulate import simulate, write
policy = policies.load(sys.argv[2])
hedge = {"instrument": "dated"} if sys.argv[3] == "dated" else {"inverse": False}
policy = policy.model_copy(update={"hedge": policy.hedge.model_copy(update=hedge)})
assets = ("BTC", "ETH", "EOS")
with tempfile.TemporaryDirectory() as folder:
    made = simulate(seed=9, assets=assets, start=date(2021, 1, 1), days=420, scenario="cycle")
    write(made, Path(folder))
    stage = wire.stage_of(wire.recorded(Path(folder), assets, date(2021, 12, 1), None), [policy])
run, traces = trace(policy, stage, capital=250_000.0, weights={"BTC": 0.4, "ETH": 0.25, "EOS": 0.15})
digest = hashlib.sha256()
for block in (stage.signals, traces.log, *traces.book, run.nav, run.parts, run.h_achieved, run.margin_ratio):
    digest.update(np.ascontiguousarray(block).tobytes())
print(len(run.legs), digest.hexdigest())
"""


@pytest.mark.parametrize(("policy", "kind"), [("balanced", "perpetual"), ("seed", "perpetual"), ("b6_trend", "dated")])
def test_interpreter_and_compiler_agree_to_the_bit(policy: str, kind: str) -> None:
    found = {}
    for switch in ("0", "1"):
        command = [sys.executable, "-c", RUN, switch, policy, kind]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | {"HEDGEROW_JIT": switch}
        )
        assert done.returncode == 0, done.stderr
        found[switch] = done.stdout.split()
    assert int(found["0"][0]) > 5, "the market made the policy do something"
    assert found["0"] == found["1"]
