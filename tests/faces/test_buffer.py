"""The account behind the shorts in words: mode and convention, the ladder's deeds counted, what must be warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hedgerow.faces import buffer, records, report, scorecard
from hedgerow.ledger import statistics
from hedgerow.model.policy_limits import Margin
from hedgerow.model.report import LegRecord, Run
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR
from tests.faces.made import START_NS, comparison

DEEDS = (
    "1 top-up, 1 addition refused, 1 pair of short and spot given up, 1 short flattened, 1 short deleveraged by the "
    "venue"
)


def acted(reason: str, kind: str, *, refused: str = "", day: int = 1) -> LegRecord:
    filled = 0 if refused else START_NS + (day + 1) * NS_PER_DAY + 5 * NS_PER_HOUR
    decided = START_NS + (day + 1) * NS_PER_DAY
    return LegRecord(
        day, decided, filled, "BTC/USDT:USDT", "BTC", kind, "buy", 1.0, 100.0, 100.0, 0.1, reason, "margin", 0.3, 0.35, refused,
        "why",
    )  # fmt: skip


@pytest.fixture
def run() -> Run:
    """Four days: a short 90 %, 80 % and 30 % away from liquidation, and one without a position."""
    legs = [acted("margin_in", "margin"), acted("pair_reduce", "futures"), acted("pair_reduce", "spot")]
    legs += [acted("flatten", "futures"), acted("flatten", "spot"), acted("deleveraged", "futures", day=2)]
    whole = comparison(4, 1, benchmarks=False).subject
    return replace(
        whole, legs=tuple(legs), refusals=(acted("hedge_raise", "futures", refused="margin_low"),),
        liquidation_distance=np.array([0.9, 0.8, 0.3, np.inf]), margin_ratio=np.array([0.01, 0.02, 0.05, 0.0]),
    )  # fmt: skip


def test_a_pair_given_up_is_counted_once_and_a_day_without_a_short_is_not_near(run: Run) -> None:
    assert buffer.ladder_record(run) == {
        "warn_days": 2, "top_ups": 1, "not_added": 1, "sleeve_cuts": 0, "pairs_given_up": 1, "flattened": 1, "deleveraged": 1,
        "repaid": 0,
    }  # fmt: skip


def test_maintenance_over_equity_warns_as_well_as_distance(run: Run) -> None:
    strained = replace(run, margin_ratio=np.array([0.30, 0.02, 0.05, 0.0]))
    assert buffer.ladder_record(strained)["warn_days"] == 3


def test_the_facts_name_mode_convention_leverage_and_what_was_done(run: Run) -> None:
    levered = replace(run, leverage=2.0, margin=Margin(mode="unified", convention="okx_linear"))
    assert buffer.facts(levered, statistics.metrics(levered)) == [
        (
            "Margin account",
            "unified: cash and coins together back all shorts; counted as okx_linear; at most 2x, high risk",
        ),
        ("Nearest liquidation", "30.0 % above the mark price; on 50 % of days as near as 80 % (warn)"),
        (
            "Margin ladder",
            DEEDS,
        ),
    ]


def test_a_run_without_shorts_says_so_and_shows_no_distance() -> None:
    run = comparison(4, 1, benchmarks=False).subject
    idle = replace(run, legs=(), refusals=(), liquidation_distance=np.full(4, np.inf), margin_ratio=np.zeros(4))
    told = dict(buffer.facts(idle, statistics.metrics(idle)))
    assert told["Nearest liquidation"] == "no short was open, or none could be liquidated"
    assert told["Margin ladder"] == "never acted"


@pytest.mark.parametrize(("leverage", "rungs"), [
    (1.0, ""), (1.3, ""), (1.5, ""), (2.0, "stop_adding (50 %), top_up (60 %)"),
    (3.0, "reduce (35 %), stop_adding (50 %), top_up (60 %)"),
])  # fmt: skip
def test_leverage_that_begins_on_a_rung_is_told(leverage: float, rungs: str) -> None:
    told = buffer.crowded(Margin(), leverage)
    assert (f"margin.{rungs}: lower" in told) if rungs else told == ""


def test_a_scenario_of_deleveraging_is_an_alarm_with_its_time_and_what_it_did(run: Run) -> None:
    assert buffer.scenario(run) == ""
    asked = replace(run, coverage={"deleveraged": {"2022-06-18T20:00:00Z": 0.5}})
    (alarm,) = scorecard.alarms(asked)
    assert alarm.endswith("(auto-deleveraging): 50 % at 2022-06-18 20:00 UTC; 1 short was cut.")
    assert "no short was in profit then" in buffer.scenario(replace(asked, legs=()))


def test_shorts_above_their_equity_are_high_risk_to_two_decimals_and_rungs_are_named() -> None:
    found = {
        "A": {"rung": "none", "liquidation_distance": 0.97},
        "B": {"rung": "top_up", "liquidation_distance": 0.55},
    }
    assert buffer.standing_words(found, {"A": 1.004, "B": 1.0}) == [
        "B stands on a rung of the margin ladder, 55 % from liquidation: top up."
    ]
    assert buffer.standing_words(found, {"A": 1.006, "B": 1.7})[0] == (
        "High risk: A (1.01x) and B (1.70x) are larger than the equity behind them (leverage above 1x)."
    )


def test_what_ladder_and_venue_did_stands_at_its_own_bar_in_json_and_report(run: Run) -> None:
    risk = [entry for entry in records.decisions(run) if entry["clock"] == "risk"]
    assert [leg["reason"] for entry in risk for leg in entry["legs"]] == [leg.reason for leg in run.legs]
    assert [entry["at"] for entry in risk] == ["2020-01-03T05:00:00Z", "2020-01-04T05:00:00Z"]
    page = report.render(replace(comparison(4, 1, benchmarks=False), subject=run), title="made")
    assert '"risk":[1,2,3,4,5,6]' in page
