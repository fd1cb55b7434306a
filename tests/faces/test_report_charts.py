"""What the charts of the report look like where it is easy to get wrong: legends, axes, one day, liquidations."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hedgerow.faces import charts, frame, numerals, page, report, scorecard
from hedgerow.model.report import Comparison, LegRecord
from tests.faces.made import comparison


@pytest.fixture(scope="module")
def made() -> Comparison:
    base = comparison(days=300, assets=2)
    causal = replace(base.benchmarks["B4"], title="Constant, trailing mean")
    runs = base.benchmarks | {"B4c": causal}
    return replace(
        base, benchmarks=runs, benchmark_metrics=base.benchmark_metrics | {"B4c": base.benchmark_metrics["B4"]}
    )


def liquidation(base: Comparison) -> LegRecord:
    leg = next(leg for leg in base.subject.legs if leg.kind == "futures")
    return replace(
        leg, day=-1, side="buy", reason="liquidated", row="", sentence="position liquidated by the venue", refused=""
    )


def test_no_two_lines_of_the_legend_look_the_same(made: Comparison) -> None:
    lines = [trace for trace in charts.equity(made)["data"] if trace["meta"].get("legend")]
    looks = {(trace["line"]["color"]["@"], trace["line"]["dash"]) for trace in lines}
    assert len(looks) == len(lines) == 11
    shown = {trace["meta"]["legend"].split()[0] for trace in lines if trace["visible"] is True}
    assert shown == {"balanced", "B0", "B2", "B4"}  # those that the verdict names; B4c waits for a click


def test_all_charts_over_time_show_the_days_of_the_run(made: Comparison) -> None:
    drawn = charts.charts(made)
    ranges = {
        name: tuple(figure["layout"]["xaxis"]["range"]) for name, figure in drawn.items() if name != "attribution"
    }
    assert set(ranges.values()) == {("2019-12-31 12:00", "2020-10-26 12:00")}
    assert len(ranges) == 6


@pytest.mark.parametrize(
    ("low", "high", "decades_of_a_line"),
    [
        (100_000, 1_600_000, 2.4),
        (90_000, 140_000, 0.5),
        (1e5, 9e5, 2.4),
        (1e3, 9e6, 5.0),
        (1.0, 1e9, 20.0),
        (1e5, 1e5, 1),
    ],
)
def test_labels_of_a_logarithmic_axis_do_not_touch(low: float, high: float, decades_of_a_line: float) -> None:
    ticks = frame.log_ticks([low, math.nan, 0.0, high])["tickvals"]
    assert ticks == sorted(set(ticks))
    inside = [tick for tick in ticks if low * 0.95 <= tick <= high * 1.05]
    assert 1 <= len(inside) <= 20
    span = max(math.log10(high / low), 1e-9)
    gaps = [math.log10(b / a) / span for a, b in pairwise(inside)]
    assert not gaps or min(gaps) * 300 >= 14  # pixels of the upper plot; a label is 12 high


def test_the_script_uses_those_ticks(made: Comparison) -> None:
    assert charts.equity(made)["log"]["tickvals"]
    assert "chart.log" in (page.HERE / "page.js").read_text(encoding="utf-8")


def test_one_day_has_one_tick_and_is_seen() -> None:
    base = comparison(days=1, assets=2)
    run = base.subject
    still = replace(run, nav=np.array([run.start_value]), parts=np.zeros_like(run.parts), legs=(), refusals=())
    drawn = charts.charts(replace(base, subject=still, benchmarks=dict.fromkeys(base.benchmarks, still)))
    for name, figure in drawn.items():
        axis = figure["layout"]["xaxis"]
        if name != "attribution":
            assert (axis["tick0"], axis["dtick"]) == ("2020-01-01 00:00", frame.DAY_MS)
    lines = [trace for trace in drawn["equity"]["data"] if trace["type"] == "scatter"]
    assert {trace["mode"] for trace in lines} == {"lines+markers"}
    low, high = drawn["equity"]["layout"]["yaxis"]["range"]
    assert low < run.start_value < high
    assert high - low > 0.01 * run.start_value  # no axis of 99.9999k
    assert drawn["equity"]["layout"]["yaxis2"]["range"][1] == 0.0  # no drawdown of +100 %
    assert "s" not in drawn["carry"]["layout"]["yaxis"]["tickformat"]  # no "500m" for half a dollar
    assert drawn["attribution"]["layout"]["xaxis"]["range"] == [-1.0, 1.0]


def test_the_ribbon_has_a_width_of_its_own(made: Comparison) -> None:
    ribbon = charts.hedge(made.subject)["data"][0]
    assert (ribbon["x0"], ribbon["dx"]) == ("2020-01-01", frame.DAY_MS)  # one day alone would be a hair


def test_days_without_a_position_are_left_open(made: Comparison) -> None:
    ratio = made.subject.margin_ratio.copy()
    ratio[:5] = 0.0
    shown = charts.series(replace(made, subject=replace(made.subject, margin_ratio=ratio)))["margin_ratio"]
    assert shown[:5] == [None] * 5


def test_a_liquidation_is_marked_and_said(made: Comparison) -> None:
    quiet = charts.margin(made.subject)["data"]
    assert [trace["name"] for trace in quiet] == ["Liquidation distance", "Margin ratio"]
    leg = liquidation(made)
    run = replace(made.subject, legs=(*made.subject.legs, leg), liquidations=1)
    hit = replace(made, subject=run, metrics=made.metrics | {"liquidations": 1})
    mark = charts.margin(run)["data"][-1]
    assert mark["name"] == mark["meta"]["legend"] == "Liquidation"
    assert mark["x"] == [frame.stamp(leg.filled_ns)]
    assert leg.instrument in mark["text"][0]
    day = numerals.long_day(leg.filled_ns)
    assert scorecard.verdict(hit)["alarms"] == [f"1 position was liquidated by the venue on {day}."]
    card = next(card for card in scorecard.cards(hit) if card["label"] == "Liquidations")
    assert (card["value"], card["alarm"]) == ("1", True)
    html = report.render(hit, title="Hit")
    assert f"Liquidated on {day}: {leg.instrument}" in html
    assert "Liquidated" in report._decisions(run)["strings"]
    assert "Liquidated on" not in report.render(made, title="Quiet")
    assert not any(card["alarm"] for card in scorecard.cards(made))
