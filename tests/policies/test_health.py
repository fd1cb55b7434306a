"""Every built-in policy on the real market of 2018-2023: no state is dead, none is for ever, guards do not rule (2A-21)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.kernel.rules import target_weights
from hedgerow.ledger.statistics import metrics
from hedgerow.model.report import Run
from hedgerow.research.backtest import Stage, backtest

pytestmark = pytest.mark.data
ASSETS = ("BTC", "ETH", "BNB", "XRP", "ADA", "LINK", "DOGE", "SOL", "AVAX")
CHANGES = 8.0  # a year and asset
RARE, OFTEN = 0.02, 0.50  # share of days of a state
BLOCKED = 0.50  # share of wanted moves


@pytest.fixture(scope="module")
def stage(data_folder: Path) -> Stage:
    loaded = wire.recorded(data_folder, ASSETS, date(2018, 1, 1), date(2023, 12, 31))
    return wire.stage_of(loaded, [policies.load(name) for name in policies.names()])


def run_of(name: str, stage: Stage) -> Run:
    policy = policies.load(name)
    weights = target_weights(policy, ASSETS, None, "USDT")
    return backtest(policy, stage, capital=100_000.0, weights=weights)


@pytest.mark.parametrize("name", policies.names())
def test_guards_do_not_rule(name: str, stage: Stage) -> None:
    share = metrics(run_of(name, stage))["blocked_share"]
    assert share is None or share <= BLOCKED, f"{name}: guards blocked {share:.0%} of the moves that its rows wanted"


@pytest.mark.parametrize("name", [name for name in policies.names() if policies.load(name).regime])
def test_states_live_and_change_seldom(name: str, stage: Stage) -> None:
    found = metrics(run_of(name, stage))
    assert found["transitions_per_year"] <= CHANGES
    days = found["regime_days"]
    assert isinstance(days, dict)
    for state, share in days.items():
        assert RARE <= share <= OFTEN, f"{name} is in {state} on {share:.1%} of the days"


@pytest.mark.parametrize("name", policies.names())
def test_the_accounts_add_up(name: str, stage: Stage) -> None:
    run = run_of(name, stage)
    gap = np.abs(run.parts.sum(axis=1) - (run.nav - run.start_value)) / run.nav
    assert gap.max() <= 1e-9
    assert run.cash.min() >= 0.0
    assert np.nanmax(run.h_achieved) <= 1.0 + 1e-9
