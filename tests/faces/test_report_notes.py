"""What the report and the terminal say about the data, about nothing to judge, and about refusals that repeat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hedgerow.faces import notes, report, scorecard
from hedgerow.model.report import Comparison, Run
from hedgerow.units import NS_PER_DAY
from tests.faces.made import comparison
from tests.faces.test_report import Page

SPAN = {"first": "2021-02-11 04:00", "until": "2021-02-11 05:00", "of": ["BTC/USDT", "ETH/USDT"]}
COVERAGE: dict[str, object] = {
    "folder": "data", "quote": "USDT", "start": "2021-01-01", "end": "2022-12-31", "days": 730, "warmup_days": 1215,
    "files": [
        {"file": f"spot_{i}_1d.parquet", "step": "1d", "rows": 12_345, "first": "2017-09-03", "last": None} for i in range(25)
    ],
    "clocks": {"BTC/USDT": [{"step": "1h", "first": "2021-01-01", "until": "2023-01-01", "bars": 17507}]},
    "outages": [SPAN], "outages_count": 61, "funding_gaps": [], "funding_gaps_count": 0,
    "missing": [
        "MATIC has no perpetual: it can be sold.", "ADA has no perpetual: it can be sold.", "SOL/USDT begins on 2021-03-01.",
        "BTC/USDT:USDT-200327 has no bar in the run.", "BTC/USDT:USDT-210924 begins on 2021-03-26 08:00.",
        "There is no VIX (macro_VIX_1d).", "There is no dollar index (macro_DXY_1d).",
    ],
    "unused": [{"file": "macro_GOLD_1d.parquet", "why": "no measure reads it"}],
    "votes_abstained": {"cheap": 56},
    "of tomorrow": [{"a": {"deep": [1, 2]}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Comparison:
    return comparison(days=60, assets=2)


def shown(base: Comparison, **changes: Any) -> Page:
    return Page(report.render(replace(base, subject=replace(base.subject, **changes)), title="T"))


def test_no_bracket_of_python_is_printed(made: Comparison) -> None:
    words = shown(made, coverage=COVERAGE).words
    part = words[words.index("What data was used") :]
    assert not any(sign in part for sign in ("{'", "':", "['"))
    for text in ("spot_24_1d.parquet", "BTC/USDT, ETH/USDT", "no measure reads it", "17,507", "cheap", "deep 1, 2"):
        assert text in part


def test_what_was_missing_is_said_first_and_once(made: Comparison) -> None:
    found = notes.blocks(replace(made.subject, coverage=COVERAGE))
    assert found[0]["kind"] == "list"
    assert found[0]["entries"] == [
        "Each of MATIC and ADA has no perpetual: it can be sold.",
        "SOL/USDT begins on 2021-03-01.",
        "There is no VIX (macro_VIX_1d) or dollar index (macro_DXY_1d).",
    ]


def test_long_tables_are_folded_and_short_ones_open(made: Comparison) -> None:
    found = {block["title"]: block for block in notes.blocks(replace(made.subject, coverage=COVERAGE))}
    assert found["Files"]["count"] == 25
    assert found["Files"]["heads"] == ["file", "step", "rows", "first", "last"]
    assert found["Spans without a bar"]["cut"] == "The first 1 of 61."
    html = report.render(replace(made, subject=replace(made.subject, coverage=COVERAGE)), title="T")
    assert "<details><summary>Files <" in html
    assert "<details open><summary>Files left aside <" in html


def without_futures(run: Run, **changes: Any) -> Run:
    return replace(run, legs=tuple(leg for leg in run.legs if leg.kind != "futures"), **changes)


def test_a_hedge_without_futures_says_what_it_is(made: Comparison) -> None:
    said = "No futures were traded: the hedge ratio counts spot that was sold in place of shorts."
    assert said not in notes.sentences(made.subject)
    bare = without_futures(made.subject)
    assert said in notes.sentences(bare)
    cards = scorecard.cards(replace(made, subject=bare))
    assert next(card["unit"] for card in cards if card["label"] == "Mean hedge") == "spot sold in place of shorts"
    none = replace(bare, h_achieved=np.zeros_like(bare.h_achieved))
    assert said not in notes.sentences(none)
    name = made.subject.assets[0]
    part = replace(
        made.subject, legs=tuple(leg for leg in made.subject.legs if leg.asset != name or leg.kind == "spot")
    )
    assert notes.sentences(part)[0].startswith(f"No futures were traded for {name}: ")


@pytest.mark.parametrize(
    ("days", "begins"),
    [
        (0, "There is no data before the first day: "),
        (1, "There is 1 day of data"),
        (90, "There are only 90 days"),
        (365, ""),
    ],
)
def test_a_cold_start_is_said(made: Comparison, days: int, begins: str) -> None:
    told = notes.sentences(replace(made.subject, coverage={"warmup_days": days}))
    assert told[0].startswith(begins) if begins else not told


def test_a_warning_stands_under_the_verdict(made: Comparison) -> None:
    run = replace(made.subject, coverage={"warning": "this is too good to be true"})
    assert scorecard.verdict(replace(made, subject=run))["alarms"] == ["this is too good to be true"]


# ------------------------------------------------------------------------------------------------------------- verdict


def test_a_day_on_which_nothing_happened_is_not_judged() -> None:
    still = {"sharpe": None, "max_drawdown": 0.0, "mean_hedge_ratio": None}
    one = comparison(days=1, assets=2)
    one = replace(one, metrics=one.metrics | still, benchmark_metrics=dict.fromkeys(one.benchmarks, still))
    verdict = scorecard.verdict(one)
    assert verdict["headline"] == "One day is too short to say anything about the rules."
    assert verdict["outcome"] == "unknown"
    assert {line["outcome"] for line in verdict["lines"]} == {"unknown"}
    words = Page(report.render(one, title="One")).words
    assert "as well as" not in words
    assert "1 days" not in words


def test_no_hedge_and_no_risk_are_not_judged(made: Comparison) -> None:
    level = {"sharpe": 0.8, "max_drawdown": -0.3, "mean_hedge_ratio": 0.0}
    each = dict.fromkeys(made.benchmarks, level)
    bare = replace(made, metrics=made.metrics | level, benchmark_metrics=each)
    assert scorecard.verdict(bare)["headline"] == "The rules held no hedge over this period, so there is none to judge."
    flat = {"sharpe": None, "max_drawdown": 0.0}
    idle = replace(made, metrics=made.metrics | flat, benchmark_metrics=dict.fromkeys(made.benchmarks, flat))
    assert scorecard.verdict(idle)["headline"] == "Nothing was at risk over this period, so there is nothing to judge."


# ------------------------------------------------------------------------------------------------------------ refusals


def test_a_refusal_that_stands_for_days_is_one_row(made: Comparison) -> None:
    run = made.subject
    first = replace(run.legs[0], day=3, decided_ns=int(run.days_ns[3]) + NS_PER_DAY, asset="BTC", refused="cash")

    def at(day: int, **changes: Any) -> Any:
        return replace(first, day=day, decided_ns=int(run.days_ns[day]) + NS_PER_DAY, **changes)

    refusals = (*map(at, range(3, 10)), at(4, refused="margin"), at(12), at(13), at(13, asset="ETH"))
    spans = [(leg.asset, leg.refused, leg.day, days) for leg, days in report.folded(refusals)]
    assert spans == [("BTC", "cash", 3, 7), ("BTC", "margin", 4, 1), ("BTC", "cash", 12, 2), ("ETH", "cash", 13, 1)]
    rows = report._decisions(replace(run, legs=(), refusals=refusals))
    assert rows["days"] == [7, 1, 2, 1]
    risk = replace(first, day=-1)
    assert [days for _, days in report.folded((risk, risk))] == [1, 1]  # the risk clock's are not daily


def test_a_leg_on_a_foreign_contract_names_it(made: Comparison) -> None:
    leg = next(leg for leg in made.subject.legs if leg.kind == "futures" and leg.asset == "BTC")
    rows = report._decisions(replace(made.subject, legs=(leg, replace(leg, asset="MATIC")), refusals=()))
    assert rows["via"] == [1]
