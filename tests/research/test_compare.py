"""A policy beside its benchmarks: the matched hedge, its causal form, what is warned of (domain 4.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.model import measure
from hedgerow.model.report import Comparison, Run
from hedgerow.research import compare as beside
from hedgerow.research.backtest import Stage, backtest
from hedgerow.research.honesty import implausible
from tests.kernel.desk import rules_of
from tests.kernel.tape import universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.4}


def market(seed: int = 3, days: int = 150) -> Stage:
    made = stage_of(universe(tuple(WEIGHTS)), seed, days=days)
    signals = made.signals.copy()
    signals[:, measure.INDEX["venue_failure"]] = 0.0
    return replace(made, signals=signals)


@pytest.fixture(scope="module")
def found() -> Comparison:
    told: list[str] = []
    out = beside.compare(
        policies.load("balanced"), wire.benchmarks(), market(), capital=1e5, weights=WEIGHTS, progress=told.append
    )
    assert told[0] == "balanced"
    assert set(told[1:]) == {*out.benchmarks, "without trims", "without the hedge"}
    return out


def test_every_benchmark_runs_over_the_same_days(found: Comparison) -> None:
    assert set(found.benchmarks) == {"B0", "B1", "B2", "B3", "B4", "B4c", "B5", "B6", "B7", "B8"}
    for run in found.benchmarks.values():
        assert (run.days_ns == found.subject.days_ns).all()
        assert run.start_value == found.subject.start_value
    assert set(found.benchmark_metrics) == set(found.benchmarks)


def test_stablecoins_alone_do_nothing(found: Comparison) -> None:
    b8 = found.benchmarks["B8"]
    assert (b8.nav == 1e5).all()
    assert b8.legs == ()


def test_holding_trades_once_an_asset(found: Comparison) -> None:
    assert [leg.reason for leg in found.benchmarks["B0"].legs] == ["entry", "entry"]


def test_unhedged_benchmarks_hold_no_future(found: Comparison) -> None:
    for name in ("B0", "B1", "B2", "B8"):
        assert not [leg for leg in found.benchmarks[name].legs if leg.kind != "spot"], name


def test_b4_holds_the_mean_that_the_policy_achieved(found: Comparison) -> None:
    wanted = beside.mean_hedge(found.subject)
    assert wanted > 0.05
    assert beside.mean_hedge(found.benchmarks["B4"]) == pytest.approx(wanted, abs=0.01)


def test_the_causal_form_knows_only_the_days_before() -> None:
    run = backtest(policies.load("b3_constant"), market(days=60), capital=1e5, weights=WEIGHTS)
    path, known = beside.daily_hedge(run), beside.trailing_hedge(run)
    assert known[0] == 0.0
    for day in (1, 20, 59):
        assert known[day] == pytest.approx(path[:day].mean())
    later = run.h_achieved.copy()
    later[30:] = 0.9
    changed = beside.trailing_hedge(replace(run, h_achieved=later))
    assert (changed[:31] == known[:31]).all()
    assert changed[40] != known[40]


def test_the_mean_hedge_is_weighted_by_value() -> None:
    run = backtest(rules_of(), market(days=4), capital=1e5, weights=WEIGHTS)
    made = replace(run, h_achieved=np.array([[1.0, 0.0]] * 4), base=np.array([[3.0, 1.0]] * 4))
    assert beside.mean_hedge(made) == pytest.approx(0.75)
    assert beside.mean_hedge(replace(made, base=np.zeros((4, 2)))) == 0.0


def cheat(days: int = 150) -> tuple[Run, Run]:
    """A policy that is told tomorrow's close, and the same one told nothing."""
    given = market(days=days)
    close = given.signals[:, measure.INDEX["close"]]
    tomorrow = np.vstack([close[1:], close[-1:]])
    signals = given.signals.copy()
    signals[:, measure.INDEX["external_hedge"]] = (tomorrow < close).astype(float)
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d"}, charged=True)
    blind = given.signals.copy()
    blind[:, measure.INDEX["external_hedge"]] = 0.5
    runs = [backtest(policy, replace(given, signals=block), capital=1e5, weights=WEIGHTS) for block in (signals, blind)]
    return runs[0], runs[1]


def test_4_10_a_policy_that_knows_tomorrow_is_caught_and_others_are_not(found: Comparison) -> None:
    seen, blind = cheat()
    assert "Sharpe" in implausible(seen)
    assert implausible(blind) == ""
    assert "warning" not in found.subject.coverage
    for name, run in found.benchmarks.items():
        assert implausible(run) == "", name


def test_compare_warns_of_what_is_not_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "implausible", lambda run: "too good")
    out = beside.compare(rules_of(), {}, market(days=30), capital=1e5, weights=WEIGHTS)
    assert out.subject.coverage["warning"] == "too good"
