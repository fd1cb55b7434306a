"""A decision looked at closely: its stages and votes, a plan against a backtest, a day explained against a longer run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.faces.records import decision_record
from hedgerow.faces.text import plain
from hedgerow.research.backtest import Stage, backtest
from hedgerow.research.decision import STAGES, explain_day, plan_for
from tests.kernel import tape
from tests.properties import stage_of
from tests.research.held import DRIFT, deeds, plan, portfolio


def test_every_stage_tells_every_asset_in_the_units_of_the_kernel() -> None:
    found = plan("[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n", trim=DRIFT)
    assert list(found.stages) == ["measure", "regime", "target", "trigger", "plan", "guard", "carry"]
    for name, assets in found.stages.items():
        assert {asset: list(cells) for asset, cells in assets.items()} == {
            "BTC": [label for _, label, _ in STAGES[name]]
        }
    told = found.stages["measure"]["BTC"]
    assert np.isnan([told.pop(name) for name in ("carry_perpetual", "carry_dated")]).all()
    assert told.pop("tenor") == np.inf
    assert told == pytest.approx({
        "price": 100.0, "coins": 8.0, "value": 800.0, "weight": 0.8, "target": 0.5, "short_coins": 0.0, "h_achieved": 0.0,
    })  # fmt: skip
    assert found.stages["trigger"]["BTC"] == pytest.approx(
        {"trim_coins": 3.0, "measured": 0.3, "threshold": 0.1, "buy_coins": 0.0}
    )
    assert found.trims == {"BTC": ("trim.drift", "pp")}
    assert (found.stages["plan"]["BTC"]["moves"], found.stages["plan"]["BTC"]["coins_wanted"]) == (1.0, 5.0)


PEAK = {
    "PEAK": {"hedge": ["0 %", "0 %"], "trim": "aggressive", "from": ["REST"], "enter": {"any": ["hot"]}},
    "REST": {"hedge": ["0 %", "0 %"], "trim": "threshold"},
}


def test_the_trims_of_the_regime_table_have_names_too() -> None:
    stage = tape.stage({"BTC": [100.0] * 2}, signals={"rsi14": [50.0, 90.0]})
    vote = {"hot": {"measure": "rsi14", "threshold": "85 points"}}
    text = "[spot.BTC]\namount = 11\n[spot.USDT]\namount = 900\n"  # 5 pp of excess: less than the row asks for
    found = plan(text, stage=stage, vote=vote, regime=PEAK, trim=DRIFT)
    assert found.trims == {"BTC": ("aggressive trim", "pp")}
    assert deeds(found) == [("BTC/USDT", "sell", 1.0, "trim_peak")]
    told = found.regime["assets"]["BTC"]
    assert (told["state"], told["days"], told["borrowed"], told["frozen"]) == ("PEAK", 0.0, False, False)
    assert told["votes"] == {
        "hot": {
            "answer": "yes", "for_days": 0.0, "within_days": 0.0, "last_true_days": 0.0, "measure": "rsi14", "measured": 90.0,
            "side": "above", "threshold": 85.0, "unit": "points",
        }
    }  # fmt: skip
    assert found.regime["market"] == {"asset": "BTC", "state": "PEAK", "breadth": {"PEAK": 1.0}}


def test_votes_tell_when_they_were_last_true_and_what_a_composite_counts() -> None:
    stage = tape.stage({"BTC": [100.0] * 4, "ETH": [10.0] * 4}, signals={"rsi14": [90.0, 50.0, 50.0, 50.0]})
    vote = {
        "hot": {"measure": "rsi14", "threshold": "85 points", "within": "10 d"},
        "cold": {"measure": "rsi14", "side": "below", "threshold": "20 points", "for": "2 d"},
        "either": {"at_least": 1, "of": ["hot", "cold"]},
    }
    told = plan("[spot.BTC]\namount = 8\n", stage=stage, vote=vote).regime["assets"]["ETH"]["votes"]
    hot, cold, either = told.values()
    assert (hot["answer"], hot["last_true_days"], hot["within_days"]) == ("yes", 3.0, 10.0)
    assert (cold["answer"], cold["last_true_days"], cold["for_days"], cold["side"]) == ("no", np.inf, 2.0, "below")
    assert (either["answer"], either["at_least"], either["of"]) == ("yes", 1, ["hot", "cold"])


def test_the_breadth_is_the_share_of_assets_in_each_row() -> None:
    coins = {"BTC": [100.0] * 2, "ETH": [10.0] * 2, "SOL": [1.0] * 2, "XRP": [1.0] * 2}
    stage = tape.stage(coins, signals={"rsi14": np.array([[50.0] * 4, [50.0, 90.0, 50.0, 50.0]])})
    vote = {"hot": {"measure": "rsi14", "threshold": "85 points"}}
    found = plan("[spot.BTC]\namount = 8\n", stage=stage, vote=vote, regime=PEAK)
    assert found.regime["market"] == {"asset": "BTC", "state": "REST", "breadth": {"REST": 0.75, "PEAK": 0.25}}


def test_a_vote_on_the_book_is_told_as_it_was_before_the_plan() -> None:
    vote = {"over": {"measure": "drift_abs", "threshold": "10 pp"}}
    found = plan("[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n", trim=DRIFT, vote=vote)
    assert found.after["assets"]["BTC"]["weight"] == pytest.approx(0.5)
    assert found.regime["assets"]["BTC"]["votes"]["over"]["measured"] == pytest.approx(0.3)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_the_regime_of_a_plan_is_that_of_a_backtest_over_the_same_days(seed: int) -> None:
    """The regime does not depend on what is held: seven coins or a hundred thousand, it is the same row since as long."""
    stage, weights = stage_of(tape.universe(("BTC", "ETH")), seed, days=120), {"BTC": 0.4, "ETH": 0.4}
    policy = policies.load("balanced")
    run = backtest(policy, stage, capital=1e5, weights=weights)
    held = portfolio("[spot.BTC]\namount = 7\n[spot.ETH]\namount = 1\n[spot.USDT]\namount = 1000\n")
    found = plan_for(policy, stage, held, weights)
    for a, asset in enumerate(run.assets):
        told, path = found.regime["assets"][asset], run.regime[:, a].tolist()
        assert told["state"] == run.regimes[path[-1]]
        since = next((d for d, state in enumerate(reversed(path)) if state != path[-1]), len(path))
        assert told["days"] == since - 1
    for given in (stage, last_day_of(stage)):  # asked again, and of a run over the last day alone: the same answer
        again = plan_for(policy, given, held, weights)
        assert plain(decision_record(again, stages=True)) == plain(decision_record(found, stages=True))


def last_day_of(stage: Stage) -> Stage:
    """The stage of a run over the last day alone: all that came before warms the regime."""
    m = stage.market
    blocks = {
        name: getattr(m, name)[-1:]
        for name in ("open_ns", "open", "high", "low", "close", "fresh", "funding", "days_ns")
    }
    warm = np.concatenate([stage.warm, stage.signals[:-1]])
    return replace(stage, market=replace(m, day=np.zeros(1, np.int32), **blocks), warm=warm, signals=stage.signals[-1:])


def cut(stage: Stage, days: int) -> Stage:
    """The stage as it was at the close of a day."""
    m = stage.market
    bars = int(np.flatnonzero(m.day == days - 1)[0]) + 1
    blocks = {
        name: getattr(m, name)[:bars] for name in ("open_ns", "open", "high", "low", "close", "fresh", "funding", "day")
    }
    return replace(stage, market=replace(m, days_ns=m.days_ns[:days], **blocks), signals=stage.signals[:days])


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_a_day_explained_is_that_day_of_a_longer_backtest(seed: int) -> None:
    stage, weights = stage_of(tape.universe(("BTC", "ETH")), seed, days=90), {"BTC": 0.4, "ETH": 0.4}
    policy = policies.load("balanced")
    run = backtest(policy, stage, capital=1e5, weights=weights)
    busy = [d for d in range(5, 89) if any(leg.day == d for leg in run.legs)][:6]
    assert len(busy) == 6
    for d in (*busy, 50):
        found = explain_day(policy, cut(stage, d + 1), capital=1e5, weights=weights)
        assert found.value == run.nav[d]
        assert found.day_ns == run.days_ns[d]
        done = [leg for leg in run.legs if leg.day == d]
        said = {(leg.instrument, leg.reason, leg.measured, leg.threshold) for leg in found.legs}
        assert {(leg.instrument, leg.reason, leg.measured, leg.threshold) for leg in done} <= said
        assert [found.before["assets"][a]["h_intended"] for a in run.assets] == run.h_intended[d].tolist()
        assert [found.before["assets"][a]["weight"] for a in run.assets] == run.weight[d].tolist()
        votes = {
            name: {a: v["answer"] for a, t in found.regime["assets"].items() if (v := t["votes"][name])}
            for name in run.votes
        }
        words = {1: "yes", 0: "no", -1: "abstains"}
        assert votes == {
            name: {a: words[int(r[d, i])] for i, a in enumerate(run.assets)} for name, r in run.votes.items()
        }
