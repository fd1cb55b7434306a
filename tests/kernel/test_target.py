"""The hedge ratio that is wanted: parts, rungs, ladder, reinforcement, views, limits (domain 2.12, 2A-2 to 2A-4, 2A-12, 2A-15)."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.target import nearest_rung, rung_above, rung_below, step_rungs
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, loose, only, rules_of

NAN = float("nan")
SWITCH = {"up": "low90", "bad": "contraction10", "touch": "at_support", "fall": "support_broken"}
VOTES = {name: {"measure": measure, "threshold": 1} for name, measure in SWITCH.items()}


def desk_of(**tables: Any) -> Desk:
    hedge = {"rung_down_every": "0 d"} | tables.pop("hedge", {})
    desk = Desk(
        rules_of(vote=VOTES, hedge=hedge, **tables), {"BTC": 100.0}, {"BTC": 0.5}, cash=3_000.0, held={"BTC": 10.0}
    )
    return desk.see(**dict.fromkeys(SWITCH.values(), 0.0), funding7=0.0, mayer=1.1)


def h(desk: Desk, days: int = 1, **switches: float) -> float:
    for _ in range(days):
        desk.see(**{SWITCH[name]: switches.get(name, 0.0) for name in SWITCH}).decide()
    return round(desk.h("BTC"), 12)


# ---- parts


def test_the_greatest_part_decides() -> None:
    desk = desk_of(hedge={"constant": "30 %", "vol": {"target": "60 %/yr", "median_floor": False}, "external": True})
    assert h(desk.see(sigma_ewma=0.6)) == 0.3
    assert h(desk.see(sigma_ewma=1.2)) == 0.5  # 1 - 60/120
    assert h(desk.see(external_hedge=0.8)) == 0.8
    assert h(desk.see(external_hedge=NAN, sigma_ewma=NAN)) == 0.3


def test_2a12_the_volatility_target_is_at_least_the_assets_two_year_median() -> None:
    desk = desk_of(hedge={"vol": {"target": "60 %/yr"}})
    assert h(desk.see(sigma_ewma=1.2, sigma_median2y=0.9)) == 0.25
    assert h(desk.see(sigma_median2y=0.4)) == 0.5
    assert h(desk.see(sigma_median2y=NAN)) == 0.5


def test_2a2_the_trend_hedge_lasts_from_its_first_vote_to_its_second() -> None:
    desk = desk_of(hedge={"trend": {"ratio": "75 %", "enter": "bad", "leave": "up"}})
    assert [h(desk), h(desk, bad=1), h(desk), h(desk, up=1), h(desk)] == [0.0, 0.75, 0.75, 0.0, 0.0]


def test_2a2_the_trend_hedge_does_not_depend_on_the_state() -> None:
    regime = {"LOW": {"hedge": ["0 %", "0 %"], "trim": "none", "from": ["REST"], "enter": {"all": ["touch"]}},
              "REST": {"hedge": ["0 %", "0 %"], "trim": "none"}}  # fmt: skip
    desk = desk_of(hedge={"trend": {"ratio": "75 %", "enter": "bad", "leave": "up"}}, regime=regime)
    h(desk, bad=1)
    assert h(desk, touch=1) == 0.75
    assert desk.state("BTC") == "LOW"


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [({"sigma7_pct": 1.0, "mayer_pct": 1.0, "funding7_pct": 1.0}, 0.5), ({"sigma7_pct": 0.0, "mayer_pct": 0.0, "funding7_pct": 0.0}, 0.25),
     ({"sigma7_pct": 0.8}, 0.45), ({}, 0.375), ({"mayer_pct": 0.2, "funding7_pct": 0.6}, 0.35)],
)  # fmt: skip
def test_2a10_inside_a_range_the_mean_risk_percentile_places_the_hedge(
    ranks: dict[str, float], expected: float
) -> None:
    desk = desk_of(hedge={"by_regime": True}, regime={"REST": {"hedge": ["25 %", "50 %"], "trim": "none"}})
    assert h(desk.see(**ranks)) == pytest.approx(expected)


def test_a_start_keeps_the_greater_of_itself_and_the_present_hedge() -> None:
    regime = {"DOWN": {"hedge": ["50 %", "100 %"], "trim": "none", "from": ["REST"], "enter": {"all": ["bad"]}, "start": "50 %"},
              "REST": {"hedge": ["0 %", "80 %"], "trim": "none"}}  # fmt: skip
    low = desk_of(hedge={"by_regime": True}, regime=regime).see(sigma7_pct=0.25)
    assert (h(low), h(low, bad=1)) == (0.2, 0.5)
    high = desk_of(hedge={"by_regime": True}, regime=regime).see(sigma7_pct=1.0)
    assert (h(high), h(high, bad=1)) == (0.8, 0.8)


# ---- rungs


def rungs(desk: Desk) -> Any:
    return desk.rules.scalar


def test_rungs_up_down_and_at_the_ends() -> None:
    s = rungs(desk_of())
    assert [loose(rung_above)(s, x) for x in (0.0, 0.3, 0.5, 1.0)] == [0.25, 0.5, 0.75, 1.0]
    assert [loose(rung_below)(s, x) for x in (0.0, 0.3, 0.5, 1.0)] == [0.0, 0.25, 0.25, 0.75]
    assert [loose(step_rungs)(s, 0.3, n) for n in (2, 0, -1, -9)] == [0.75, 0.3, 0.25, 0.0]


def test_rounding_holds_a_rung_until_most_of_the_way_is_gone() -> None:
    s = rungs(desk_of())
    assert loose(nearest_rung)(s, 0.375, 0.0) == 0.5
    assert loose(nearest_rung)(s, 0.40, 0.25) == 0.25
    assert loose(nearest_rung)(s, 0.44, 0.25) == 0.5


def test_the_cap_holds() -> None:
    assert h(desk_of(hedge={"constant": "90 %", "cap": "40 %"})) == 0.4


@pytest.mark.parametrize("rounding", ["rung", "none"])
def test_at_most_one_rung_down_in_three_days(rounding: str) -> None:
    desk = desk_of(hedge={"external": True, "rung_down_every": "3 d", "rounding": rounding})
    h(desk.see(external_hedge=1.0))
    path = [h(desk.see(external_hedge=0.0)) for _ in range(10)]
    assert path == [0.75] * 3 + [0.5] * 3 + [0.25] * 3 + [0.0]
    assert Refusal.RUNG_WAIT not in desk.refused()


def test_waiting_for_the_next_rung_is_written_down() -> None:
    desk = desk_of(hedge={"external": True, "rung_down_every": "3 d"})
    h(desk.see(external_hedge=1.0))
    h(desk.see(external_hedge=0.0))
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.reason, refusal.limit) == (Refusal.RUNG_WAIT, Reason.HEDGE_COVER, 3.0)


def test_a_raise_between_does_not_let_two_rungs_fall_at_once() -> None:
    desk = desk_of(hedge={"external": True, "rung_down_every": "3 d"})
    path = [h(desk.see(external_hedge=x)) for x in (0.5, 0.0, 0.75, 0.0)]
    assert path == [0.5, 0.25, 0.75, 0.5]


# ---- ladder


def laddered(**more: Any) -> Desk:
    regime = {"DOWN": {"hedge": ["75 %", "75 %"], "trim": "none", "from": ["REST"], "enter": {"all": ["bad"]}, "leave": {"all": ["up"]},
                       "ladder": True}, "REST": {"hedge": ["0 %", "0 %"], "trim": "none"}}  # fmt: skip
    ladder = {"support": {"vote": "touch", "rungs": -1, "when": {"all": ["fall"]}}}
    desk = desk_of(hedge={"by_regime": True, **more}, regime=regime, ladder=ladder)
    h(desk, bad=1)
    return desk


def test_2a4_a_rung_drops_on_the_first_crossing_once_an_episode() -> None:
    desk = laddered()
    assert h(desk) == 0.75
    assert h(desk, touch=1, fall=1) == 0.5
    assert h(desk) == 0.5
    assert h(desk, touch=1, fall=1) == 0.5
    h(desk, up=1)
    assert h(desk, bad=1) == 0.75  # a new episode
    h(desk)
    assert h(desk, touch=1, fall=1) == 0.5


def test_2a4_what_was_already_true_at_entry_is_no_crossing() -> None:
    regime = {"DOWN": {"hedge": ["75 %", "75 %"], "trim": "none", "from": ["REST"], "enter": {"all": ["bad"]}, "ladder": True},
              "REST": {"hedge": ["0 %", "0 %"], "trim": "none"}}  # fmt: skip
    desk = desk_of(hedge={"by_regime": True}, regime=regime, ladder={"support": {"vote": "touch"}})
    assert h(desk, bad=1, touch=1) == 0.75
    assert h(desk, 3, touch=1) == 0.75
    assert h(desk) == 0.75
    assert h(desk, touch=1) == 0.5


def test_2_9_a_broken_support_takes_a_rung_back_and_never_more_than_came_down() -> None:
    regime = {"DOWN": {"hedge": ["75 %", "75 %"], "trim": "none", "from": ["REST"], "enter": {"all": ["bad"]}, "ladder": True},
              "REST": {"hedge": ["0 %", "0 %"], "trim": "none"}}  # fmt: skip
    ladder = {"support": {"vote": "touch"}, "lost": {"vote": "fall", "rungs": 1}}
    down = {"hedge": {"by_regime": True}, "regime": regime, "ladder": ladder}
    desk = desk_of(**down)
    assert h(desk, bad=1) == 0.75
    assert h(desk, bad=1, touch=1) == 0.5
    assert h(desk, bad=1, fall=1) == 0.75
    desk = desk_of(**down)
    assert h(desk, bad=1) == 0.75
    assert h(desk, bad=1, fall=1) == 0.75  # nothing had come down


def test_the_ladder_waits_for_its_gate() -> None:
    desk = laddered()
    h(desk)
    assert h(desk, touch=1) == 0.75
    assert h(desk, touch=1, fall=1) == 0.5


@pytest.mark.parametrize(("floor", "mayer", "expected"), [("25 %", 0.9, 0.5), ("75 %", 0.9, 0.75), ("75 %", 1.1, 0.5)])
def test_the_floor_holds_below_the_200_day_mean(floor: str, mayer: float, expected: float) -> None:
    desk = laddered(floor=floor).see(mayer=mayer)
    h(desk)
    assert h(desk, touch=1, fall=1) == expected


# ---- reinforcement and views


def reinforced(row: dict[str, Any], **hedge: Any) -> Desk:
    return desk_of(hedge={"constant": "30 %", **hedge}, reinforce={"row": {"when": {"all": ["bad"]}, **row}})


def test_a_reinforcement_adds_rungs_for_its_life() -> None:
    desk = reinforced({"rungs": 1, "lasts": "3 d"})
    assert [h(desk), h(desk, bad=1)] == [0.3, 0.5]
    assert [h(desk) for _ in range(4)] == [0.5, 0.5, 0.5, 0.3]


def test_a_reinforcement_may_ask_for_a_least_ratio() -> None:
    desk = reinforced({"at_least": "80 %"})
    assert [h(desk, bad=1), h(desk)] == [0.8, 0.3]


def test_rungs_added_together_are_limited() -> None:
    assert h(reinforced({"rungs": 2}), bad=1) == 0.5
    assert h(reinforced({"rungs": 2}, max_extra=2), bad=1) == 0.75


def test_a_lasting_reinforcement_of_a_rounded_ratio_stands_still() -> None:
    """It once fed back into the rung that it reinforced: 50 % and 75 % took turns."""
    regime = {"REST": {"hedge": ["25 %", "50 %"], "trim": "none"}}
    row = {"row": {"when": {"all": ["bad"]}, "rungs": 1}}
    desk = desk_of(hedge={"by_regime": True, "rounding": "rung"}, regime=regime, reinforce=row).see(sigma7_pct=0.4)
    h(desk.see(sigma7_pct=0.0))  # rung 25 %
    desk.see(sigma7_pct=0.4)  # 35 %: still nearer to 25 %
    assert [h(desk, bad=1) for _ in range(6)] == [0.5] * 6
    assert h(desk) == 0.25


def test_2a15_views_add_a_rung_or_ask_for_a_ratio_while_they_live() -> None:
    desk = desk_of(hedge={"constant": "30 %"})
    assert h(desk.see(view_rungs=1.0)) == 0.5
    assert h(desk.see(view_rungs=0.0, view_ratio=0.75)) == 0.75
    assert h(desk.see(view_ratio=NAN)) == 0.3
    assert h(desk_of(hedge={"constant": "30 %", "views": False}).see(view_rungs=1.0, view_ratio=0.9)) == 0.3


# ---- limits on adding


def test_2a7_paying_more_than_the_limit_vetoes_adding_and_never_a_cover() -> None:
    desk = desk_of(hedge={"external": True})
    assert [leg.units for leg in desk.see(external_hedge=0.5).day()] == [-5.0]
    desk.see(funding7=-0.11, external_hedge=0.8)
    assert desk.decide() == []
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.reason) == (Refusal.CARRY_VETO, Reason.HEDGE_RAISE)
    assert (refusal.measured, refusal.limit) == pytest.approx((0.11, 0.10))
    assert [leg.units for leg in desk.see(external_hedge=0.2).decide()] == [pytest.approx(3.0)]


def test_the_carry_veto_holds_whatever_was_intended_before() -> None:
    """The first plan of a portfolio, a fill that came late, a purchase: what counts is the short that is there."""
    desk = desk_of(hedge={"constant": "75 %"}).see(funding7=-0.6)
    desk.book.asset[k.B_H] = 0.75
    assert desk.decide() == []
    assert desk.refused() == {Refusal.CARRY_VETO}
    desk.book.wallet[k.W_CASH, 0] = 0.0  # and nothing is sold to fund a short that may not be added
    assert desk.decide() == []


def test_e11_while_shorts_pay_no_more_than_the_cap_is_hedged_unless_it_crashes() -> None:
    tables = {
        "hedge": {"constant": "100 %", "paid_cap": "75 %", "paid_cap_unless": ["bad"]},
        "guard": {"max_carry": "1000 %/yr"},
    }
    desk = desk_of(**tables).see(funding7=-0.11)
    assert h(desk) == 0.75
    refused = only(desk.refusals(), refusal=Refusal.PAID_CAP)
    assert (refused.measured, refused.limit) == (pytest.approx(0.11), 0.75)
    assert h(desk, bad=1) == 1.0
    assert h(desk.see(funding7=-0.09)) == 1.0


def test_the_carry_veto_is_lifted_by_its_confirmation() -> None:
    desk = desk_of(hedge={"constant": "50 %"}, guard={"carry_confirmed_by": ["bad"]}).see(funding7=-0.2)
    assert h(desk) == 0.5
    assert [leg for leg in desk.plan() if leg.refusal is Refusal.NONE] == []
    h(desk, bad=1)
    assert only(desk.plan()).units == -5.0


def test_positive_or_unknown_carry_vetoes_nothing() -> None:
    for funding in (0.5, -0.09, NAN):
        assert h(desk_of(hedge={"constant": "50 %"}).see(funding7=funding)) == 0.5


def test_a_frozen_state_may_only_raise() -> None:
    desk = desk_of(hedge={"external": True}, regime={"REST": {"hedge": ["0 %", "0 %"], "trim": "none"}})
    h(desk.see(external_hedge=0.5))
    desk.see(**dict.fromkeys(SWITCH.values(), NAN), external_hedge=0.2)
    desk.decide()
    assert desk.h("BTC") == 0.5
    assert desk.refused() == {Refusal.FROZEN}
    desk.see(external_hedge=0.8).decide()
    assert desk.h("BTC") == 0.8


def test_a_refused_plan_disables_nothing() -> None:
    """Rungs advance on the decision; what is wanted is asked for again until it is there."""
    desk = desk_of(hedge={"constant": "50 %"})
    desk.fresh[1] = 0
    assert desk.decide() == []
    assert desk.refused() == {Refusal.NO_PRICE}
    desk.fresh[1] = 1
    assert only(desk.decide()).units == pytest.approx(-5.0)
    assert desk.book.asset[k.B_H, 0] == 0.5
