"""Flags act at once and while they live; a day that closed long ago is only seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.engine.engine import Engine
from hedgerow.engine.flags import flagged, of_plain, plain, view_of
from hedgerow.engine.replay import replay
from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.model import measure
from hedgerow.model.bar import Day
from hedgerow.model.event import Fill
from hedgerow.model.plan import Plan
from hedgerow.model.terms import Terms
from hedgerow.signals.views import View
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR
from tests.engine.desk import PaperDesk, Rows
from tests.properties import stage_of
from tests.simulation.run import UNIVERSE


def made(policy: Any = None, days: int = 12, **mandate: Any) -> PaperDesk:
    stage = stage_of(UNIVERSE, 2, days=days, per_day=24, wildness=0.3)
    for name in ("view_rungs", "view_ratio", "venue_failure"):
        stage.signals[:, measure.INDEX[name]] = 0.0
    calm = policy or policies.parse(
        {"extends": "b3_constant", "name": "calm", "hedge": {"constant": "25 %", "views": True},
         "rebalance": {"every": "never", "threshold": "90 pp"}, "guard": {"kappa": "0 x", "min_leg": "0 %"}}, "calm",
    )  # fmt: skip
    return PaperDesk(calm, stage, 1e5, Terms(), 10**9, **mandate)


def until(desk: PaperDesk, days: float) -> None:
    """Go on until some time, and until nothing is at work."""
    begin = int(desk.stage.market.open_ns[0])
    while desk.engine.now_ns < begin + days * NS_PER_DAY or desk.engine.execution.plan is not None:
        assert desk.play(1)


def hedged(desk: PaperDesk, a: int = 1) -> float:
    """The hedge ratio of an asset; the other one's funding is too dear in this market."""
    book, n = desk.engine.fold.desk.book, len(UNIVERSE.assets)
    return float(-book.inst[k.P_UNITS, n + a] / book.asset[k.B_HELD, a])


def test_a_flag_raises_the_hedge_between_two_closes() -> None:
    desk = made()
    until(desk, 4.3)
    assert hedged(desk) == pytest.approx(0.25, abs=0.03)
    day, sales = desk.engine.fold.desk.book.scalar[k.S_DAY], len(desk.of(Fill))
    answer = desk.say("flag", options={"kind": "macro", "severity": 3, "seconds": 2 * 86_400})
    assert answer.done
    plan = desk.of(Plan)[-1]
    assert plan.cause == "flag"
    assert {leg.reason for leg in plan.legs} <= {"hedge_raise", "fund_hedge"}
    assert plan.at_ns < int(desk.stage.market.open_ns[0]) + 5 * NS_PER_DAY, "it waited for the close"
    until(desk, 4.5)
    assert hedged(desk) == pytest.approx(0.75, abs=0.03)
    assert desk.engine.fold.desk.book.scalar[k.S_DAY] == day, "the day was counted twice"
    assert len(desk.of(Fill)) > sales
    until(desk, 6.2)
    assert hedged(desk) > 0.7, "it acts while it lives"
    until(desk, 11.5)
    assert not desk.engine.flags
    whole = Engine(Rows({int(one): desk.stage.signals[d] for d, one in enumerate(desk.stage.market.days_ns)}), 10**9)
    replay(whole, desk.journal.read())
    assert whole.fold.fingerprint() == desk.engine.fold.fingerprint()


def test_a_flag_for_one_coin_leaves_the_others() -> None:
    desk = made()
    until(desk, 4.3)
    assert desk.say("flag", options={"kind": "regulatory", "ratio": "80 %", "assets": ["ETH"]}).done
    until(desk, 4.5)
    assert hedged(desk) == pytest.approx(0.8, abs=0.03)
    assert desk.say("flag", options={"kind": "regulatory", "ratio": "100 %", "assets": ["BTC"]}).done
    until(desk, 4.6)
    assert hedged(desk) == pytest.approx(0.8, abs=0.03)


def test_a_flag_replaces_the_plan_that_waits() -> None:
    desk = made(autonomy="approve", expires_hours=24)
    until(desk, 1.2)
    first = desk.engine.approval.plan
    assert first is not None
    assert desk.say("flag", options={"kind": "macro", "severity": 2}).done
    second = desk.engine.approval.plan
    assert second is not None
    assert second.cause == "flag"
    assert {leg.reason for leg in first.legs} <= {leg.reason for leg in second.legs}, "what waited was lost"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "gossip"}, "gossip"),
        ({"kind": "macro", "severity": 9}, "severity"),
        ({"kind": "macro", "ratio": "300 %"}, "hedge ratio"),
        ({"kind": "macro", "ratio": "much"}, "flag"),
        ({"kind": "macro", "assets": ["DOGE"]}, "DOGE is not in this portfolio"),
        ({"kind": "macro", "seconds": -5}, "expires"),
    ],
)
def test_what_is_no_flag_is_refused(options: dict[str, Any], told: str) -> None:
    desk = made(days=3)
    until(desk, 1.5)
    answer = desk.say("flag", options=options)
    assert not answer.done
    assert told in answer.text
    assert not desk.engine.flags


def test_a_policy_without_views_says_so() -> None:
    policy = policies.parse(
        {"extends": "b3_constant", "name": "deaf", "hedge": {"constant": "25 %", "views": False}}, "deaf"
    )
    desk = made(policy, days=3)
    until(desk, 1.5)
    assert "does not act on views" in desk.say("flag", options={"kind": "macro"}).text


def test_flags_add_to_the_views_of_a_file() -> None:
    row = np.full((measure.COUNT, 2), 0.0)
    row[measure.INDEX["view_rungs"]] = 1.0
    row[measure.INDEX["view_ratio"]] = [0.5, 0.0]
    flags = [
        View(0, "macro", 1, expiry_ns=10 * NS_PER_DAY),
        View(0, "macro", 2, expiry_ns=10 * NS_PER_DAY, assets=("ETH",)),
    ]
    made_row = flagged(row, flags, 5 * NS_PER_DAY, ("BTC", "ETH"), "binance")
    assert made_row[measure.INDEX["view_rungs"]].tolist() == [2.0, 2.0]
    assert made_row[measure.INDEX["view_ratio"]].tolist() == [0.5, 0.5]
    assert flagged(row, flags, 11 * NS_PER_DAY, ("BTC", "ETH"), "")[measure.INDEX["view_rungs"]].tolist() == [1.0, 1.0]
    assert [of_plain(plain(one)) for one in flags] == flags
    with pytest.raises(ConfigError):
        view_of({"kind": "macro", "severity": "x"}, 0)


def test_a_day_that_closed_long_ago_is_only_seen() -> None:
    desk = made(days=6)
    until(desk, 3.2)
    engine, day = desk.engine, desk.engine.fold.desk.book.scalar[k.S_DAY]
    plans = len(desk.of(Plan))
    missed = int(desk.stage.market.days_ns[3])
    desk.pump.take(Day(missed + NS_PER_DAY + 7 * NS_PER_HOUR, missed, True, {}))
    assert engine.day is None, "a stale day would be decided"
    assert engine.fold.desk.book.scalar[k.S_DAY] == day + 1, "the regime did not see it"
    assert len(desk.of(Plan)) == plans
