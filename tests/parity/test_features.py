"""The same bits, interpreted and compiled, on markets made for one feature each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

FEATURES = (
    "roll",
    "hedge_switch",
    "hedge_lengthen",
    "inverse",
    "cross_hedge",
    "rebalance",
    "deploy",
    "trim",
    "hedge_excess",
    "liquidated",
)


@pytest.fixture(scope="module")
def played() -> dict[str, dict[str, Any]]:
    found = {}
    for switch in ("0", "1"):
        command = [sys.executable, "-m", "tests.parity.played", switch]
        environment = os.environ | {"HEDGEROW_JIT": switch, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
        assert done.returncode == 0, done.stderr
        found[switch] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_gives_the_same_bits_either_way(feature: str, played: dict[str, dict[str, Any]]) -> None:
    interpreted, compiled = played["0"][feature], played["1"][feature]
    assert interpreted == compiled
    assert ("hedge_raise" if feature == "inverse" else feature) in interpreted["reasons"]
