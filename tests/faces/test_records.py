"""The JSON of a backtest and of a decision: what it holds, in which order, and that any program can read it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgerow import __version__, policies, wire
from hedgerow.faces import records, text
from hedgerow.faces.attribution import ATTRIBUTION, SLEEVE
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import PARTS, LegRecord, Run
from hedgerow.research.backtest import backtest
from hedgerow.research.decision import Decision, explain_day, plan_for
from tests.faces.made import START_NS, comparison
from tests.kernel.tape import universe
from tests.properties import stage_of

DAY_NS = 86_400_000_000_000
HOUR_NS = DAY_NS // 24
SIX = ("spot", "hedge", "basis", "funding", "fees", "slippage")
LEG = LegRecord(
    day=0, decided_ns=START_NS + DAY_NS, filled_ns=START_NS + DAY_NS, instrument="BTC/USDT", asset="BTC", kind="spot",
    side="sell", amount=2.0, price=100.0, notional=200.0, cost=0.25, reason="trim", row="trim.drift", measured=0.3,
    threshold=0.1, sentence="trim.drift measured 30 pp, threshold 10 pp", unit="pp",
)  # fmt: skip


def strict(record: Any, target: Path) -> Any:
    """The record as a strict reader of the written file gets it: NaN and Infinity are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    text.write_json(record, target)
    return json.loads(target.read_text(encoding="utf-8"), parse_constant=refuse)


def made(legs: tuple[LegRecord, ...] = (), refusals: tuple[LegRecord, ...] = (), days: int = 5) -> Run:
    """A run over a few days that did nothing but this."""
    return replace(comparison(days, 2, benchmarks=False).subject, legs=legs, refusals=refusals)


# -------------------------------------------------------------------------------------------------------------- moments


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_646_092_799_999_999_999, "2022-02-28T23:59:59Z"),  # a part of a second is not rounded into the next day
        (1_709_164_800_000_000_000, "2024-02-29T00:00:00Z"),
    ],
)
def test_a_moment_is_utc_to_the_second_and_a_day_is_its_opening(ns: int, said: str) -> None:
    assert records.stamp(ns) == said
    assert records.day(ns) == said[:10]


# ----------------------------------------------------------------------------------------------------------------- legs


def test_a_leg_that_was_filled_says_when_and_has_every_key() -> None:
    assert records.leg_record(LEG) == {
        "instrument": "BTC/USDT", "asset": "BTC", "kind": "spot", "side": "sell", "amount": 2.0, "price": 100.0, "notional": 200.0,
        "reason": "trim", "row": "trim.drift", "measured": 0.3, "threshold": 0.1, "unit": "pp", "cost": 0.25,
        "sentence": "trim.drift measured 30 pp, threshold 10 pp", "filled": "2020-01-02T00:00:00Z",
    }  # fmt: skip


def test_a_refusal_says_what_refused_it_and_a_leg_of_a_plan_neither() -> None:
    planned = records.leg_record(replace(LEG, filled_ns=0))
    assert {"filled", "refused"}.isdisjoint(planned)
    refused = records.leg_record(replace(LEG, filled_ns=0, refused="cooldown"))
    assert refused == planned | {"refused": "cooldown"}


# ------------------------------------------------------------------------------------------------------------ decisions


def test_every_completed_day_has_one_entry_in_order_though_nothing_was_done() -> None:
    entries = records.decisions(made())
    assert [(entry["at"], entry["clock"]) for entry in entries] == [(f"2020-01-0{d}", "daily") for d in range(1, 6)]
    assert all(entry["legs"] == entry["refusals"] == [] for entry in entries)


def test_legs_and_refusals_stand_on_the_day_that_decided_them() -> None:
    """Decided at the close of day 1, filled on day 2 or later: the entry is day 1's."""
    legs = (replace(LEG, day=1, filled_ns=START_NS + 3 * DAY_NS), replace(LEG, day=3, asset="ETH"))
    refusals = (replace(LEG, day=1, filled_ns=0, refused="cash", asset="ETH"),)
    entries = records.decisions(made(legs, refusals))
    found = {
        entry["at"]: ([x["asset"] for x in entry["legs"]], [x["asset"] for x in entry["refusals"]]) for entry in entries
    }
    assert found == {
        "2020-01-01": ([], []), "2020-01-02": (["BTC"], ["ETH"]), "2020-01-03": ([], []), "2020-01-04": (["ETH"], []),
        "2020-01-05": ([], []),
    }  # fmt: skip


@pytest.mark.parametrize("reason", ["margin_in", "pair_reduce", "liquidated", "settled"])
def test_deeds_of_the_risk_clock_stand_at_their_own_time(reason: str) -> None:
    noon = START_NS + 2 * DAY_NS + 12 * HOUR_NS
    deed = replace(LEG, day=1, reason=reason, filled_ns=noon, decided_ns=noon - HOUR_NS)
    entries = records.decisions(made((deed, replace(deed, asset="ETH"))))
    (risk,) = (entry for entry in entries if entry["clock"] == "risk")
    assert risk["at"] == "2020-01-03T12:00:00Z"
    assert [leg["asset"] for leg in risk["legs"]] == ["BTC", "ETH"], "of one moment, one entry"
    assert set(risk) == {"at", "clock", "legs", "refusals"}
    # the bar of the 3rd closes twelve hours later, so its decision comes after
    assert [entry["at"] for entry in entries].index(risk["at"]) == 2


def test_entries_of_both_clocks_are_in_the_order_of_time_and_a_close_comes_before_what_follows_it() -> None:
    hours = (60, 24, 47)
    deeds = tuple(replace(LEG, day=0, reason="margin_in", filled_ns=START_NS + h * HOUR_NS) for h in hours)
    assert [entry["at"] for entry in records.decisions(made(deeds, days=3))] == [
        "2020-01-01", "2020-01-02T00:00:00Z", "2020-01-02T23:00:00Z", "2020-01-02", "2020-01-03T12:00:00Z", "2020-01-03",
    ]  # fmt: skip


def test_a_refusal_of_the_risk_clock_stands_where_it_was_decided() -> None:
    moment = START_NS + 30 * HOUR_NS
    refusal = replace(LEG, day=0, reason="margin_in", filled_ns=0, decided_ns=moment, refused="cash")
    (risk,) = (entry for entry in records.decisions(made((), (refusal,))) if entry["clock"] == "risk")
    assert (risk["at"], risk["legs"], [leg["refused"] for leg in risk["refusals"]]) == (
        "2020-01-02T06:00:00Z",
        [],
        ["cash"],
    )


@pytest.mark.parametrize("seed", [1, 4])
def test_no_leg_of_a_run_is_lost_or_told_twice(seed: int) -> None:
    stage = stage_of(universe(("BTC", "ETH")), seed, days=60, per_day=3, wildness=3.0)
    run = backtest(policies.load("balanced"), stage, capital=1e5, weights={"BTC": 0.4, "ETH": 0.4})
    assert {leg.reason for leg in run.legs} & {"margin_in", "pair_reduce"}
    assert len(run.refusals) > 10
    entries = records.decisions(run)
    for name, done in (("legs", run.legs), ("refusals", run.refusals)):
        told = [json.dumps(text.plain(leg)) for entry in entries for leg in entry[name]]
        assert sorted(told) == sorted(json.dumps(text.plain(records.leg_record(leg))) for leg in done)
    assert sum(entry["clock"] == "daily" for entry in entries) == 60


def test_a_day_tells_each_asset_s_row_weight_hedge_and_votes() -> None:
    run = made()
    regime = np.array([[0, 4], [1, 3], [2, 2], [-1, 1], [3, 0]])
    votes = {"hot": np.array([[1, 0]] * 5), "cold": np.array([[-1, 1]] * 5), "mild": np.array([[0, -1]] * 5)}
    run = replace(run, regime=regime, market_regime=regime[:, 0], votes=votes)
    entries = records.decisions(run)
    assert [entry["regime"] for entry in entries] == ["bull-calm", "neutral", "peak", "", "downturn"]
    assert [entry["assets"]["ETH"]["regime"] for entry in entries] == [
        "bottom",
        "downturn",
        "peak",
        "neutral",
        "bull-calm",
    ]
    assert entries[3]["assets"]["BTC"]["regime"] == "", "before it is listed an asset has no row"
    assert entries[0]["assets"]["BTC"] == {
        "regime": "bull-calm", "weight": run.weight[0, 0], "h_intended": run.h_intended[0, 0], "h_achieved": run.h_achieved[0, 0],
        "votes": ["hot"], "abstained": ["cold"],
    }  # fmt: skip
    assert (entries[0]["assets"]["ETH"]["votes"], entries[0]["assets"]["ETH"]["abstained"]) == (["cold"], ["mild"])
    assert [entry["value"] for entry in entries] == run.nav.tolist()


# ------------------------------------------------------------------------------------------------------------- backtest


def test_a_backtest_s_record_says_what_ran_over_what() -> None:
    given = comparison(60, 2)
    found = records.backtest_record(given)
    assert list(found) == [
        "hedgerow", "policy", "simulated", "high_risk", "quote", "assets", "start", "end", "value", "account", "metrics", "benchmarks", "attribution",
        "counterfactuals", "hedging", "decisions", "coverage",
    ]  # fmt: skip
    assert (found["hedgerow"], found["policy"], found["simulated"]) == (__version__, "balanced", True)
    assert (found["quote"], found["assets"]) == ("USDT", ["BTC", "ETH"])
    assert (found["start"], found["end"]) == ("2020-01-01", "2020-02-29")
    assert found["value"] == {"start": 1_000_000.0, "end": given.subject.nav[-1]}
    assert list(found["benchmarks"]) == list(given.benchmarks)
    assert found["coverage"]["source"] == "made by the tests"


def test_six_parts_and_the_residual_are_the_change_of_value() -> None:
    parts = np.zeros((5, len(PARTS)))
    parts[-1] = [100.0, -30.0, 2.0, -4.0, -5.0, -6.0, -0.5, -0.25, 4.0]  # the order of PARTS
    by_asset = np.stack([parts[-1] * 0.75, parts[-1] * 0.25])
    run = made()
    run = replace(run, parts=parts, parts_by_asset=by_asset, nav=np.full(5, run.start_value + 57.0))
    found = records.attribution(run)
    assert found == {
        "spot": 100.0, "hedge": -30.0, "basis": 2.0, "funding": -4.0, "fees": -11.0, "slippage": -0.75, "carry": 4.0,
        "change": 57.0, "residual": pytest.approx(57.0 - 60.25),
        "by_asset": {
            "BTC": {"spot": 75.0, "hedge": -22.5, "basis": 1.5, "funding": -3.0, "fees": -8.25, "slippage": -0.5625, "carry": 3.0},
            "ETH": {"spot": 25.0, "hedge": -7.5, "basis": 0.5, "funding": -1.0, "fees": -2.75, "slippage": -0.1875, "carry": 1.0},
        },
    }  # fmt: skip
    assert tuple(found)[:6] == SIX
    assert sorted(part for group in (ATTRIBUTION | SLEEVE).values() for part in group) == sorted(PARTS)


def test_what_is_not_known_is_null_in_the_file(tmp_path: Path) -> None:
    unknown = replace(LEG, day=0, measured=float("nan"), threshold=float("inf"))
    run = made((unknown,))
    run = replace(run, weight=np.full_like(run.weight, np.nan), h_achieved=np.full_like(run.weight, -np.inf))
    given = replace(comparison(5, 2), subject=run, metrics={"sharpe": float("nan"), "least": np.float64("inf")})
    found = strict(records.backtest_record(given), tmp_path / "out.json")
    first = found["decisions"][0]
    assert first["legs"][0]["measured"] is first["legs"][0]["threshold"] is None
    assert first["assets"]["BTC"]["weight"] is first["assets"]["BTC"]["h_achieved"] is None
    assert found["metrics"] == {"sharpe": None, "least": None}


# ------------------------------------------------------------------------------------------------------------- decision


@pytest.fixture(scope="module")
def decided(made_market: Path) -> Decision:
    """A plan on the last day of the simulated market, with a coin that has no perpetual."""
    assets = ("BTC", "ETH", "SOL", "EOS")
    data = wire.recorded(made_market, assets, date(2022, 8, 23), date(2022, 8, 23))
    policy = policies.load("balanced")
    last = dict(zip(assets, data.daily.close[-1].tolist(), strict=True))
    held = Portfolio.model_validate({
        "spot": {a: {"amount": share / last[a]} for a, share in zip(assets, (5e5, 1e5, 5e4, 2e4), strict=True)}
        | {"USDT": {"amount": 90_000}},
        "futures": {"BTC/USDT:USDT": {"amount": -1e5 / last["BTC"], "entry": last["BTC"], "collateral": 1e5}},
    })  # fmt: skip
    return plan_for(policy, wire.stage_of(data, [policy]), held, dict.fromkeys(assets, 0.2))


PLAN = [
    "hedgerow", "policy", "simulated", "high_risk", "at", "quote", "value", "regime", "legs", "refusals", "before", "after", "account",
    "transfers", "scenarios",
]  # fmt: skip


def test_a_plan_has_no_stages_and_an_explanation_has_all_of_them(decided: Decision, tmp_path: Path) -> None:
    found = strict(records.decision_record(decided, stages=False), tmp_path / "plan.json")
    assert list(found) == PLAN
    assert (found["at"], found["simulated"], found["policy"]) == ("2022-08-23", True, "balanced")
    explained = strict(records.decision_record(decided, stages=True), tmp_path / "explain.json")
    assert list(explained) == [*PLAN, "stages"]
    assert {key: explained[key] for key in PLAN} == found
    assert list(explained["stages"]) == ["measure", "regime", "target", "trigger", "plan", "guard", "carry"]
    assert all(list(assets) == ["BTC", "ETH", "SOL", "EOS"] for assets in explained["stages"].values())


def test_legs_and_refusals_of_a_plan_are_all_told_in_their_order(decided: Decision) -> None:
    found = records.decision_record(decided, stages=False)
    assert decided.legs
    assert found["legs"] == [records.leg_record(leg) for leg in decided.legs]
    assert [leg["refused"] for leg in found["refusals"]] == [leg.refused for leg in decided.refusals]


def test_a_trigger_names_the_row_that_acts_and_the_unit_of_its_measure(decided: Decision) -> None:
    changed = replace(
        decided, trims={"BTC": ("trim.drift", "pp"), "ETH": ("", ""), "SOL": ("top performer", "%"), "EOS": ("", "")}
    )
    stages = records.decision_record(changed, stages=True)["stages"]
    told = stages["trigger"]
    assert [(told[a]["row"], told[a]["unit"]) for a in told] == [
        ("trim.drift", "pp"),
        ("", ""),
        ("top performer", "%"),
        ("", ""),
    ]
    for asset, cells in changed.stages["trigger"].items():
        assert text.plain({key: told[asset][key] for key in cells}) == text.plain(cells)
    assert text.plain(stages["measure"]) == text.plain(changed.stages["measure"])
    assert "row" not in changed.stages["trigger"]["BTC"], "the decision itself is left as it was"


def test_the_first_day_of_a_run_is_readable_too(tmp_path: Path) -> None:
    """Nothing is known yet: most measures are NaN."""
    stage = stage_of(universe(("BTC", "ETH")), 2, days=1, warm=0)
    stage = replace(stage, signals=np.full_like(stage.signals, np.nan))
    found = explain_day(policies.load("balanced"), stage, capital=1e5, weights={"BTC": 0.4, "ETH": 0.4})
    read = strict(records.decision_record(found, stages=True), tmp_path / "explain.json")
    assert {vote["answer"] for vote in read["regime"]["assets"]["BTC"]["votes"].values()} == {"abstains"}
