"""The built-in policies re-hedge at once in a crash and after a failed bottom, whatever the dwell says (2.11, 2A-5)."""

from __future__ import annotations

import pytest

from hedgerow.kernel import arrays as k
from tests.golden.test_article import QUIET
from tests.kernel.desk import Desk, rules_of

NAMES = ("balanced", "seed")
CALM = QUIET | {
    "vol_ratio": 0.9,
    "mayer": 1.3,
    "mayer_pct": 0.5,
    "drawdown20": 0.02,
    "return1": 0.0,
    "loss_sigmas": 0.0,
}
CRASH = {"return1": -0.35, "loss_sigmas": 8.0, "close_sma50": 0.7, "drawdown20": 0.45, "mayer": 0.85, "vol_ratio": 2.5}
LOW = QUIET | {
    "mayer": 0.65, "close_sma50": 0.8, "drawdown20": 0.45, "drawdown365": 0.7, "rsi14": 25.0, "fear": 10.0, "at_support": 0.0,
    "fear_subsiding": 0.0, "low90": 0.0, "vol_ratio": 1.5, "return1": 0.0, "loss_sigmas": 0.0,
}  # fmt: skip


def desk_of(name: str) -> Desk:
    """With the built-in's own dwell: what a test makes has none."""
    from hedgerow import policies

    dwell = f"{policies.load(name).dwell:g} d"
    return Desk(rules_of(name, dwell=dwell), {"BTC": 100.0}, {"BTC": 0.5}, cash=1_000.0, held={"BTC": 10.0})


@pytest.mark.parametrize("name", NAMES)
def test_a_crash_in_the_first_days_of_a_calm_state_is_hedged_on_its_day(name: str) -> None:
    desk = desk_of(name).see(**CALM)
    for _ in range(40):
        desk.day()
    assert desk.state("BTC") == "BULL_CALM"
    desk.book.asset[k.B_AGE, 0] = 1.0
    desk.see(**CRASH).day()
    assert desk.state("BTC") == "DOWNTURN"


@pytest.mark.parametrize("name", NAMES)
def test_a_bottom_that_fails_is_left_on_the_day_of_the_new_low_and_barred_for_a_month(name: str) -> None:
    desk = desk_of(name).see(**LOW)
    for _ in range(60):
        desk.day()
    desk.see(at_support=1.0, fear_subsiding=1.0).day()
    assert desk.state("BTC") == "BOTTOM"
    desk.day()
    desk.see(low90=1.0, at_support=0.0, fear_subsiding=0.0, drawdown365=0.8).day()
    assert desk.state("BTC") == "DOWNTURN"
    desk.see(low90=0.0, at_support=1.0, fear_subsiding=1.0)
    states = []
    for _ in range(40):
        desk.day()
        states.append(desk.state("BTC"))
    assert "BOTTOM" not in states[:29]
    assert "BOTTOM" in states


@pytest.mark.parametrize("name", NAMES)
def test_a_bottom_that_ends_well_may_come_again_within_the_month(name: str) -> None:
    """2A-5 bars a failed one alone."""
    desk = desk_of(name).see(**LOW)
    for _ in range(60):
        desk.day()
    desk.see(at_support=1.0, fear_subsiding=1.0).day()
    desk.book.asset[k.B_AGE, 0] = 30.0
    desk.see(
        mayer=1.05, at_support=0.0, fear_subsiding=0.0, rsi14=50.0, fear=50.0, drawdown365=0.3, vol_ratio=0.9
    ).day()
    assert desk.state("BTC") != "BOTTOM"
    row = list(desk.policy.regime).index("BOTTOM")
    assert desk.book.left[row, 0] == float("-inf")
