"""Where the money came from as JSON, terminal and report show it, over one comparison that the engine ran."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgerow import policies, wire
from hedgerow.faces import attribution, charts, numerals, records, report, text_attribution
from hedgerow.ledger import hedging
from hedgerow.model.breakdown import PARTS
from hedgerow.model.report import Comparison
from hedgerow.research.compare import compare
from tests.faces import made
from tests.kernel.tape import universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.4}


@pytest.fixture(scope="module")
def found() -> Comparison:
    some = {name: policy for name, policy in wire.benchmarks().items() if name in ("B0", "B2", "B4")}
    stage = stage_of(universe(tuple(WEIGHTS)), 3, days=120)
    return compare(policies.load("seed"), some, stage, capital=1e5, weights=WEIGHTS)


@pytest.fixture(scope="module")
def record(found: Comparison) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(records.backtest_record(found), allow_nan=False))
    return told


def test_regimes_and_reasons_add_up_to_the_change(found: Comparison, record: dict[str, Any]) -> None:
    parts = record["attribution"]
    assert len(parts["by_regime"]) > 1
    for name in attribution.ATTRIBUTION:
        whole = sum(row[name] for row in parts["by_regime"].values())
        assert whole == pytest.approx(parts[name], abs=1e-4), name
    assert sum(row["total"] for row in parts["by_reason"].values()) == pytest.approx(parts["change"], abs=1e-4)
    filled = sum(row["fills"] for row in parts["by_reason"].values())
    assert filled == sum(leg.kind != "margin" for leg in found.subject.legs)
    for row in parts["by_reason"].values():
        assert row["total"] == pytest.approx(row["effect"] - row["fees"] - row["slippage"], abs=1e-6)


def test_the_record_says_what_the_hedge_and_the_trims_did(found: Comparison, record: dict[str, Any]) -> None:
    assert list(record["counterfactuals"]) == ["trims", "hedge", "timing", "rules"]
    gap = found.subject.nav[-1] - found.without["hedge"].nav[-1]
    assert record["counterfactuals"]["hedge"]["end_value"] == pytest.approx(gap)
    hedge = record["hedging"]
    assert hedge["effectiveness"]["reduced"] == pytest.approx(1.0 - hedge["effectiveness"]["left"])
    assert set(hedge["assets"]) == set(WEIGHTS)
    assert [month["month"] for month in hedge["insurance"]["months"]] == ["2021-01", "2021-02", "2021-03", "2021-04"]
    assert set(hedge["trim_regret"]["after"]) == {"days_30", "days_90"}


def test_a_comparison_without_ledger_or_hedge_says_less(found: Comparison) -> None:
    plain = made.comparison(60, 2)
    assert plain.breakdown is None
    assert attribution.split_record(plain) == {"by_regime": {}, "by_reason": {}}
    assert attribution.section(plain)["reasons"] == []
    unhedged = replace(found, subject=found.without["hedge"], without={"hedge": found.without["hedge"]})
    assert attribution.unhedged_of(unhedged) is None
    assert records.backtest_record(unhedged)["hedging"]["insurance"] is None
    assert "insurance" not in charts.charts(unhedged)
    assert attribution.effects_record(unhedged)["hedge"]["same"]
    assert attribution.effect_cells(attribution.effects(unhedged)[0])[0] == "none"


def test_an_unknown_value_falls_back_to_what_the_run_kept(found: Comparison) -> None:
    assert found.breakdown is not None
    unknown = replace(found, breakdown=replace(found.breakdown, parts=None, missing=("a price of BTC",)))
    assert list(attribution.parts_of(unknown)) == list(PARTS[:8])
    assert list(attribution.by_asset(unknown).values()) == [
        pytest.approx(row[:8]) for row in found.subject.parts_by_asset
    ]
    assert attribution.by_regime(unknown) == {}


def test_other_parts_show_where_there_are_any(found: Comparison) -> None:
    assert found.breakdown is not None
    assert found.breakdown.parts is not None
    named = found.breakdown.parts | {"carry": Decimal(5)}
    rich = replace(found, breakdown=replace(found.breakdown, parts=named))
    assert list(attribution.parts_of(rich)) == [*PARTS[:8], "carry"]
    bar = charts.attribution(rich)["data"][0]
    assert list(bar["y"])[-2:] == ["Carry sleeve", "Change in value"]


def test_a_terminal_shows_parts_reasons_and_yardsticks(found: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    text_attribution.show_money(found)
    told = capsys.readouterr().out
    lines = told.splitlines()
    heads = next(line for line in lines if line.strip().startswith("spot"))
    assert heads.split() == ["spot", "hedge", "basis", "funding", "fees", "slippage", "change"]
    regimes = [name for name in attribution.by_regime(found) if any(line.startswith(name) for line in lines)]
    assert len(regimes) == len(attribution.by_regime(found)) > 1
    assert "What timing the hedge did" in told
    assert "The same rules with a hedge of nothing." in told
    assert "Hedge effectiveness: " in told
    assert numerals.MINUS not in told
    assert numerals.SPACE not in told


def test_the_report_has_the_tables_and_the_picture(found: Comparison) -> None:
    page = report.render(found, title="Money")
    for words in ("Where the money came from", "By regime, USDT", "By reason, USDT", "What would have been without"):
        assert words in page
    assert 'data-chart="insurance"' in page
    drawn = charts.charts(found)["insurance"]["data"]
    months = hedging.insurance(found.subject, found.without["hedge"]).months
    assert sum(len(trace["x"]) for trace in drawn) == len(months)
    assert sum(sum(trace["y"]) for trace in drawn) == pytest.approx(sum(month.hedge for month in months), rel=1e-4)
    section = attribution.section(found)
    assert section["closes"]
    assert [row["name"] for row in section["tracking"]] == ["All", "BTC", "ETH"]


@pytest.mark.parametrize(("regret", "word"), [(5.0, "gave away 5.00"), (-5.0, "spared 5.00")])
def test_regret_has_a_sign_in_words(
    regret: float, word: str, monkeypatch: pytest.MonkeyPatch, found: Comparison
) -> None:
    told = hedging.Regret(1, 100.0, regret, 0.0, regret, {30: 1.0, 90: 2.0})
    monkeypatch.setattr(hedging, "trim_regret", lambda run: told)
    sentence = dict(attribution.facts(found))["Trim regret"]
    assert sentence.startswith("1 trim of 100.00 USDT")
    assert word in sentence


@pytest.mark.parametrize(("cost", "word"), [(7.0, "shorts cost 7.00"), (-7.0, "shorts earned 7.00")])
def test_insurance_that_earns_is_no_cost(
    cost: float, word: str, monkeypatch: pytest.MonkeyPatch, found: Comparison
) -> None:
    monkeypatch.setattr(hedging, "insurance", lambda run, other: hedging.Insurance((), cost, -1.0, 1, 2))
    sentence = dict(attribution.facts(found))["Insurance"]
    assert word in sentence
    assert "in the 1 month in which" in sentence
    assert "lost 1.00 in the 2 months" in sentence
