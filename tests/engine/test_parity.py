"""The backtest through the engine is the compiled backtest, bit for bit: every feature of the kernel, made and recorded markets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.kernel import arrays as k
from hedgerow.model.policy import Policy
from hedgerow.research.backtest import Stage, trace
from tests.engine.desk import play
from tests.parity.cases import CASES, SEEDS, universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.25, "SOL": 0.15}


def both(policy: Policy, stage: Stage, weights: dict[str, float]) -> None:
    with np.errstate(all="ignore"):
        _, traces = trace(policy, stage, capital=1e5, weights=weights)
        engine, venue = play(policy, stage, weights, 1e5)
    assert (traces.log[:, k.L_STATUS] == k.FILLED).sum() > 5
    held = engine.fold.desk.book
    assert [block.tobytes() for block in traces.book] == [block.tobytes() for block in held]
    for row in (k.P_UNITS, k.P_ENTRY, k.P_COLLATERAL):
        assert np.array_equal(held.inst[row], venue.account.desk.book.inst[row])
    assert np.array_equal(held.asset[k.B_HELD], venue.account.desk.book.asset[k.B_HELD])
    assert np.array_equal(held.wallet, venue.account.desk.book.wallet)


@pytest.mark.parametrize("feature", CASES)
def test_every_feature_has_the_bits_of_the_run(feature: str) -> None:
    base, tables, contracts, per_day, wildness = CASES[feature]
    policy = policies.parse({"extends": base, "name": feature, **tables}, feature)
    for seed in SEEDS.get(feature, (0, 1)):
        stage = stage_of(universe(contracts), seed, days=75, per_day=per_day, wildness=wildness, gaps=seed == 1)
        both(policy, stage, WEIGHTS)


@pytest.mark.parametrize("mode", ["cross", "unified"])
@pytest.mark.parametrize("base", ["b3_constant", "balanced"])
def test_pooled_margin_has_the_bits_of_the_run(mode: str, base: str) -> None:
    policy = policies.parse({"extends": base, "name": base, "margin": {"mode": mode}}, base)
    both(policy, stage_of(universe("perp"), 0, days=75, per_day=3, wildness=2.0), WEIGHTS)


@pytest.mark.parametrize("seed", [0, 1])
def test_deleveraging_has_the_bits_of_the_run(seed: int) -> None:
    policy = policies.parse({"extends": "b3_constant", "name": "adl", "hedge": {"constant": "60 %"}}, "adl")
    stage = stage_of(universe("perp"), seed, days=75, per_day=3, wildness=2.0, gaps=seed == 1)
    shares: Any = np.zeros(stage.market.open_ns.shape[0])
    shares[40::17], shares[100] = 0.3, 1.0
    both(policy, replace(stage, deleveraged=shares), WEIGHTS)


@pytest.mark.data
@pytest.mark.parametrize("name", ["balanced", "seed", "b3_constant"])
def test_recorded_prices_have_the_bits_of_the_run(data_folder: Path, name: str) -> None:
    policy = policies.load(name)
    recorded = wire.recorded(data_folder, ("BTC", "ETH", "SOL", "XRP"), date(2021, 1, 1), date(2021, 12, 31))
    both(policy, wire.stage_of(recorded, [policy]), {"BTC": 0.3, "ETH": 0.3, "SOL": 0.1, "XRP": 0.1})
