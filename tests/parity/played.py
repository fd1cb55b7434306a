"""Runs the cases of one feature each and prints what they did and the hash of every bit they left: `played.py 0|1`."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np

from hedgerow import jit, policies, wire

jit.prepare(wire.home(), compile=sys.argv[1] == "1")

from hedgerow.research.backtest import trace  # noqa: E402  (the compiler is chosen first)
from tests.parity.cases import CASES, SEEDS, universe  # noqa: E402
from tests.properties import stage_of  # noqa: E402


def play(feature: str) -> dict[str, object]:
    base, tables, contracts, per_day, wildness = CASES[feature]
    policy = policies.parse({"extends": base, "name": feature, **tables}, feature)
    digest, reasons = hashlib.sha256(), set()
    for seed in SEEDS.get(feature, (0, 1, 2)):
        stage = stage_of(universe(contracts), seed, days=75, per_day=per_day, wildness=wildness, gaps=seed == 1)
        with np.errstate(all="ignore"):
            run, traces = trace(policy, stage, capital=1e5, weights={"BTC": 0.4, "ETH": 0.25, "SOL": 0.15})
        reasons |= {leg.reason for leg in (*run.legs, *run.refusals)}
        for block in (traces.log, *traces.book, run.nav, run.parts, run.h_achieved, run.weight, run.regime):
            digest.update(np.ascontiguousarray(block).tobytes())
    return {"reasons": sorted(reasons), "hash": digest.hexdigest()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({feature: play(feature) for feature in CASES}))
