"""No decision knows a bar that comes after it (domain 4.10); a policy that does is caught."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.model import measure
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research.backtest import Stage, backtest
from hedgerow.research.honesty import implausible
from hedgerow.research.simulate import SimulatedMarket, simulate, write

ASSETS = ("BTC", "ETH", "SOL")
WEIGHTS = {"BTC": 0.4, "ETH": 0.2, "SOL": 0.2}
START, CUT, END = date(2022, 2, 1), date(2022, 5, 15), date(2022, 7, 20)


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    return simulate(seed=21, assets=ASSETS, start=date(2021, 1, 1), days=570, scenario="cycle")


@pytest.fixture(scope="module")
def folder(market: SimulatedMarket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market")
    write(market, made)
    return made


def run_of(folder: Path, policy: Policy, end: date) -> tuple[Run, Stage]:
    stage = wire.stage_of(wire.recorded(folder, ASSETS, START, end), [policy])
    return backtest(policy, stage, capital=100_000.0, weights=WEIGHTS), stage


def decided(run: Run, days: int) -> list[tuple[object, ...]]:
    """Everything that was decided before day ``days``, filled or refused, without what the fill added."""
    rows = [
        (leg.day, leg.instrument, leg.kind, leg.side, leg.reason, leg.refused, leg.measured, leg.threshold)
        for leg in (*run.legs, *run.refusals)
        if leg.day < days - 1
    ]
    return sorted(rows, key=str)


@pytest.mark.parametrize("name", ["balanced", "seed", "b2_threshold"])
def test_a_run_cut_short_decides_the_same(folder: Path, name: str) -> None:
    policy = policies.load(name)
    whole, _ = run_of(folder, policy, END)
    cut, _ = run_of(folder, policy, CUT)
    days = len(cut.days_ns)
    assert decided(cut, days), "something was decided"
    assert decided(whole, days) == decided(cut, days)
    for field in ("nav", "h_intended", "h_achieved", "weight"):
        assert np.array_equal(getattr(whole, field)[:days], getattr(cut, field), equal_nan=True), field


@pytest.mark.parametrize(
    "hedge", [{"instrument": "dated"}, {"instrument": "carry"}, {"lengthen_after": "5 d", "instrument": "perpetual"}]
)
def test_a_contract_that_is_listed_later_chooses_nothing_before(folder: Path, hedge: dict[str, str]) -> None:
    policy = policies.parse({"extends": "b3_constant", "name": "made", "hedge": hedge}, "made")
    whole, stage = run_of(folder, policy, END)
    cut, fewer = run_of(folder, policy, CUT)
    days = len(cut.days_ns)
    assert {leg.reason for leg in cut.legs} & {"roll", "hedge_switch", "hedge_lengthen"}
    assert len(stage.market.universe.instruments) > len(fewer.market.universe.instruments)
    assert decided(whole, days) == decided(cut, days)
    assert np.array_equal(whole.nav[:days], cut.nav)


def test_a_scrambled_future_changes_nothing_before_it(folder: Path) -> None:
    policy = policies.load("balanced")
    whole, stage = run_of(folder, policy, END)
    day = 80
    row = int(np.flatnonzero(stage.market.day == day)[0]) + 1
    rng = np.random.default_rng(0)
    panels = {}
    for name in ("open", "high", "low", "close", "funding"):
        block = getattr(stage.market, name).copy()
        block[row:] = block[row:][rng.permutation(len(block) - row)]
        panels[name] = block
    signals = stage.signals.copy()
    signals[day + 1 :] = signals[day + 1 :][rng.permutation(len(signals) - day - 1)]
    other = replace(stage, market=replace(stage.market, **panels), signals=signals)
    scrambled = backtest(policy, other, capital=100_000.0, weights=WEIGHTS)
    assert np.array_equal(scrambled.nav[: day + 1], whole.nav[: day + 1])
    assert decided(scrambled, day + 1) == decided(whole, day + 1)
    assert not np.array_equal(scrambled.nav[day + 2 :], whole.nav[day + 2 :])


def test_no_fill_uses_a_price_of_its_decision(folder: Path) -> None:
    run, stage = run_of(folder, policies.load("balanced"), END)
    opens = {int(ns): i for i, ns in enumerate(stage.market.open_ns)}
    symbols = [it.symbol for it in stage.market.universe.instruments]
    for leg in run.legs:
        assert leg.filled_ns >= leg.decided_ns
        if leg.kind != "margin" and leg.reason not in ("liquidated", "settled"):
            opened = stage.market.open[opens[leg.filled_ns], symbols.index(leg.instrument)]
            assert leg.price == pytest.approx(opened, rel=0.01)  # the open, and slippage


def test_a_policy_that_sees_tomorrow_is_caught(folder: Path) -> None:
    honest = policies.load("b4_matched")
    cheat = honest.model_copy(update={"hedge": honest.hedge.model_copy(update={"external": True, "min_step": 0.01})})
    run, stage = run_of(folder, cheat, END)
    assert implausible(run) == ""
    close = stage.signals[:, measure.INDEX["close"], :]
    tomorrow = np.vstack([close[1:], close[-1:]]) / close - 1.0
    signals = stage.signals.copy()
    signals[:, measure.INDEX["external_hedge"], :] = np.where(tomorrow < 0.0, 1.0, 0.0)
    seen = backtest(cheat, replace(stage, signals=signals), capital=100_000.0, weights=WEIGHTS)
    assert "future" in implausible(seen)
    for name in policies.names():
        assert implausible(run_of(folder, policies.load(name), END)[0]) == ""


@pytest.mark.data
def test_a_real_run_cut_short_decides_the_same(data_folder: Path) -> None:
    policy = policies.load("balanced")
    weights = {"BTC": 0.5, "ETH": 0.3}
    runs = []
    for end in (date(2022, 12, 31), date(2022, 11, 9)):
        stage = wire.stage_of(wire.recorded(data_folder, ("BTC", "ETH"), date(2022, 6, 1), end), [policy])
        runs.append(backtest(policy, stage, capital=100_000.0, weights=weights))
    whole, cut = runs
    assert np.array_equal(whole.nav[: len(cut.nav)], cut.nav)
    assert decided(whole, len(cut.nav)) == decided(cut, len(cut.nav))
