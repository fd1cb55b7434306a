"""Trims: which rows fire, how often, and for how much (domain 2.13, 2.14, 2A-13, 2A-14, E-03 to E-19)."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.sale import band_width
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, Leg, loose, only, rules_of

HOT = {"measure": "rsi14", "threshold": "85 points", "rearm": "70 points", "to": "position", "size": "15 %",
       "group": "technical", "cooldown": "7 d"}  # fmt: skip
DRIFT = {"measure": "drift_abs", "threshold": "10 pp", "to": "halfway", "cooldown": "7 d"}


def desk_of(trim: dict[str, Any], *, weight: float = 0.2, now: float = 0.2, **tables: Any) -> Desk:
    """One asset at a price of 1 with the weight `now` in a book of 1,000, no futures."""
    policy = rules_of(trim=trim, **tables)
    return Desk(policy, {"A": 1.0}, {"A": weight}, cash=1_000.0 * (1 - now), held={"A": 1_000.0 * now}, futures=())


def trims(legs: list[Leg]) -> list[float]:
    return [round(-leg.units, 9) for leg in legs if leg.reason is Reason.TRIM]


# ---- episodes and cooldowns


def test_e19_one_trim_an_episode_and_again_only_after_re_arming() -> None:
    desk = desk_of({"hot": HOT | {"cooldown": "0 d"}}, weight=0.5, now=0.5)
    sold = [trims(desk.see(rsi14=rsi).day()) for rsi in (84.0, 86.0, 95.0, 71.0, 90.0, 70.0, 86.0)]
    assert [bool(one) for one in sold] == [False, True, False, False, False, False, True]


def test_an_episode_is_used_up_by_the_fill_not_by_the_plan() -> None:
    desk = desk_of({"hot": HOT}, weight=0.5, now=0.5)
    assert trims(desk.see(rsi14=90.0).decide())
    assert trims(desk.decide())  # nothing was filled
    desk.fill()
    assert not trims(desk.decide())


def test_rows_of_a_group_share_a_cooldown_and_say_so() -> None:
    spike = {
        "measure": "vol_ratio",
        "threshold": "1.8 x",
        "rearm": "1.5 x",
        "to": "position",
        "size": "10 %",
        "group": "technical",
        "cooldown": "7 d",
    }
    desk = desk_of({"hot": HOT, "spike": spike}, weight=0.5, now=0.5)
    assert trims(desk.see(rsi14=90.0).day()) == [75.0]
    desk.see(vol_ratio=2.0)
    for waited in range(1, 7):
        assert not trims(desk.day())
        refusal = only(desk.refusals())
        assert (refusal.refusal, refusal.row, refusal.measured, refusal.limit) == (
            Refusal.COOLDOWN,
            1,
            float(waited),
            7.0,
        )
    assert trims(desk.day()) == [42.5]


def test_the_largest_of_several_rows_is_sold_once() -> None:
    desk = desk_of({"small": HOT | {"size": "10 %"}, "large": HOT}, weight=0.5, now=0.5)
    leg = only(desk.see(rsi14=90.0).decide())
    assert (round(-leg.units, 9), leg.row) == (75.0, 1)


def test_a_row_may_name_its_assets_and_its_votes() -> None:
    policy = rules_of(
        vote={"on": {"measure": "low90", "threshold": 1}},
        trim={"hot": HOT | {"assets": ["B"], "when": {"all": ["on"]}}},
    )  # fmt: skip
    desk = Desk(policy, {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=20.0, held={"A": 40.0, "B": 40.0}, futures=())
    assert desk.see(rsi14=90.0).decide() == []
    assert [leg.asset for leg in desk.see(low90=1.0).decide()] == ["B"]


# ---- drift


@pytest.mark.parametrize(("now", "fires"), [(0.2999, False), (0.3, True), (0.35, True), (0.2, False)])
def test_r012_drift_counts_percentage_points_and_includes_the_threshold(now: float, fires: bool) -> None:
    assert bool(trims(desk_of({"drift": DRIFT}, now=now).decide())) is fires


def test_2a13_relative_drift_counts_per_cent_of_the_target() -> None:
    row = {"drift": DRIFT | {"measure": "drift_rel", "threshold": "50 %"}}
    assert trims(desk_of(row, weight=0.04, now=0.06).decide()) == [10.0]
    assert not trims(desk_of(row, weight=0.04, now=0.0599).decide())


@pytest.mark.parametrize(
    ("to", "size", "left"),
    [("target", "0 %", 0.2), ("overshoot", "0.5 %", 0.195), ("halfway", "0 %", 0.25), ("band_edge", "0 %", 0.2 + 0.02486),
     ("fraction", "50 %", 0.25)],
)  # fmt: skip
def test_where_a_drift_trim_ends(to: str, size: str, left: float) -> None:
    desk = desk_of({"drift": DRIFT | {"to": to, "size": size}}, now=0.3, costs={"spot_fee": "12 bp"})
    desk.day()
    assert desk.held("A") / desk.nav() == pytest.approx(left, abs=6e-5)


def test_seven_days_between_drift_trims_of_one_asset() -> None:
    desk = desk_of({"drift": DRIFT}, now=0.5)
    assert trims(desk.day()) == [150.0]
    assert [bool(trims(desk.day())) for _ in range(7)] == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("gamma", "weight", "cost", "band"),
    [(3, 0.5, 0.0010, 0.03150), (3, 0.2, 0.0012, 0.02486), (2, 0.6, 0.01, 0.07560), (3, 0.5, 0.0, 0.0)],
)
def test_2_14_the_no_trade_band(gamma: float, weight: float, cost: float, band: float) -> None:
    assert loose(band_width)(gamma, weight, cost) == pytest.approx(band, abs=5e-6)


# ---- the regime's trim mode


def in_mode(mode: str, trim: dict[str, Any], **more: Any) -> Desk:
    return desk_of(trim, regime={"ONLY": {"hedge": ["0 %", "0 %"], "trim": mode}}, **more)


def test_minimal_means_twice_the_threshold_and_no_technical_trims() -> None:
    assert not trims(in_mode("minimal", {"drift": DRIFT}, now=0.39).decide())
    leg = only(in_mode("minimal", {"drift": DRIFT}, now=0.41).decide())
    assert leg.limit == pytest.approx(0.2)
    assert not trims(in_mode("minimal", {"hot": HOT}, now=0.2).see(rsi14=95.0).decide())


def test_none_means_none_but_milestones_still_count() -> None:
    house = {"measure": "gain", "threshold": "3 x", "to": "principal", "group": "milestone", "once": True}
    desk = in_mode("none", {"drift": DRIFT, "hot": HOT, "house": house}, now=0.5).see(rsi14=95.0)
    desk.book.asset[k.B_COST], desk.book.asset[k.B_PRINCIPAL] = 0.2, 100.0
    leg = only(desk.decide())
    assert (leg.row, round(-leg.units, 9)) == (2, 100.0)


def test_re_arming_goes_on_while_a_mode_forbids_the_trim() -> None:
    regime = {"OFF": {"hedge": ["0 %", "0 %"], "trim": "none", "from": ["ON"], "enter": {"all": ["off"]}, "leave": {"none": ["off"]}},
              "ON": {"hedge": ["0 %", "0 %"], "trim": "threshold"}}  # fmt: skip
    desk = desk_of(
        {"hot": HOT | {"cooldown": "0 d"}}, regime=regime, vote={"off": {"measure": "low90", "threshold": 1}}
    )
    assert trims(desk.see(rsi14=90.0, low90=0.0).day())
    desk.see(rsi14=60.0, low90=1.0).day()
    assert trims(desk.see(rsi14=90.0, low90=0.0).day())


def kinds(legs: list[Leg]) -> dict[Reason, float]:
    return {leg.reason: round(leg.units, 9) for leg in legs}


def test_e18_aggressive_sells_all_excess_and_more_of_the_top_performer_once_a_visit() -> None:
    policy = rules_of(regime={"PEAK": {"hedge": ["0 %", "0 %"], "trim": "aggressive"}})
    desk = Desk(
        policy,
        {"A": 1.0, "B": 1.0, "C": 1.0},
        dict.fromkeys("ABC", 0.25),
        cash=100.0,
        held={"A": 300.0, "B": 400.0, "C": 200.0},
        futures=(),
    )
    desk.see(return90={"A": 0.1, "B": 0.5, "C": 9.0})
    legs = desk.day()
    excess, top = only(legs, asset="A"), only(legs, asset="B")
    assert (excess.reason, round(-excess.units, 9)) == (Reason.TRIM_PEAK, 50.0)
    assert (top.reason, round(-top.units, 9)) == (Reason.TRIM_TOP, 150.0 + 0.15 * 250.0)
    assert top.measured == 0.5
    assert len(legs) == 2  # C is the best performer, but below its target
    desk.at_price(A=2.0, B=2.0)
    assert desk.decide() == []


def test_the_top_performer_does_not_go_round() -> None:
    """Once the winner of the visit was cut, the next one in line is no top performer, and a loser never is."""
    policy = rules_of(regime={"PEAK": {"hedge": ["0 %", "0 %"], "trim": "aggressive"}})
    desk = Desk(
        policy, {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=200.0, held={"A": 500.0, "B": 300.0}, futures=()
    )
    assert kinds(desk.see(return90={"A": 0.5, "B": -0.5}).day()) == {
        Reason.TRIM_TOP: pytest.approx(-100.0 - 0.15 * 400.0)
    }
    desk.book.asset[k.B_HELD, 1] = 500.0  # now B is far above its target, too
    assert kinds(desk.decide()) == {Reason.TRIM_PEAK: pytest.approx(-(500.0 - 0.4 * desk.nav()))}
    desk.see(return90={"A": -0.2, "B": -0.5}).decide()
    assert kinds(desk.decide()).keys() == {Reason.TRIM_PEAK}


def test_seed_counts_an_aggressive_trim_from_the_start_too() -> None:
    """E-03: 20 % of the initial 1,000 is 200, whatever the book is worth now."""
    policy = rules_of(targets={"base": "nav_initial"}, regime={"PEAK": {"hedge": ["0 %", "0 %"], "trim": "aggressive"}})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.2}, cash=700.0, held={"A": 300.0}, futures=())
    desk.at_price(A=2.0).see(return90=0.0)
    assert kinds(desk.decide()) == {Reason.TRIM_PEAK: pytest.approx(-200.0)}  # 600 less 200, at 2


def test_aggressive_drift_rows_go_to_target() -> None:
    desk = in_mode("aggressive", {"drift": DRIFT}, now=0.4).see(return90=0.2)
    desk.day()
    assert desk.held("A") == pytest.approx(200.0 * 0.85)  # target, then 15 % of the only winner


# ---- milestones


def test_a_price_target_fires_once_for_ever() -> None:
    row = {
        "measure": "close",
        "threshold": "2 quote",
        "to": "position",
        "size": "10 %",
        "group": "milestone",
        "once": True,
    }
    desk = desk_of({"target": row}, weight=0.5, now=0.5).at_price(A=2.0)
    assert trims(desk.see(close=2.0).day()) == [50.0]
    assert not trims(desk.see(close=3.0).day())


def test_r022_a_passed_catalyst_recovers_the_principal() -> None:
    row = {"measure": "catalyst_passed", "threshold": 1, "to": "principal", "group": "milestone"}
    desk = desk_of({"catalyst": row}, weight=0.5, now=0.5)
    desk.book.asset[k.B_COST], desk.book.asset[k.B_PRINCIPAL] = 0.4, 200.0
    assert not trims(desk.see(catalyst_passed=0.0).day())
    assert trims(desk.see(catalyst_passed=1.0).day()) == [200.0]
    assert not trims(desk.see(catalyst_passed=1.0).day())  # nothing is outstanding any more


def test_recovering_more_than_half_of_a_position_is_deferred() -> None:
    row = {"measure": "gain", "threshold": "1.5 x", "to": "principal", "group": "milestone"}
    desk = desk_of({"house": row}, weight=0.5, now=0.5)
    desk.book.asset[k.B_COST], desk.book.asset[k.B_PRINCIPAL] = 0.6, 300.0
    assert desk.decide() == []
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.measured, refusal.limit) == (Refusal.PRINCIPAL_LARGE, pytest.approx(0.6), 0.5)


def test_an_unknown_cost_recovers_nothing() -> None:
    row = {"measure": "gain", "threshold": "1 x", "to": "principal", "group": "milestone"}
    desk = desk_of({"house": row}, weight=0.5, now=0.5)
    desk.book.asset[k.B_COST], desk.book.asset[k.B_PRINCIPAL] = float("nan"), float("nan")
    assert desk.decide() == []


# ---- the calendar, the peg, the entry


def test_the_calendar_brings_everything_back_both_ways() -> None:
    policy = rules_of(rebalance={"every": "month"})
    desk = Desk(
        policy, {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=100.0, held={"A": 600.0, "B": 300.0}, futures=()
    )
    assert desk.decide() == []
    legs = desk.decide(due=True)
    desk.fill()
    assert {leg.reason for leg in legs} == {Reason.REBALANCE}
    assert [desk.held("A"), desk.held("B"), desk.cash()] == pytest.approx([400.0, 400.0, 200.0])


@pytest.mark.parametrize(("held", "trades"), [(499.0, False), (501.0, True), (301.0, False), (299.0, True)])
def test_threshold_rebalancing_looks_both_ways(held: float, trades: bool) -> None:
    policy = rules_of(rebalance={"threshold": "10 pp"})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.4}, cash=1_000.0 - held, held={"A": held}, futures=())
    assert bool(desk.decide()) is trades


@pytest.mark.parametrize(("peg", "sells"), [(0.96, False), (0.97, True), (float("nan"), True)])
def test_nothing_is_sold_for_a_stablecoin_off_its_peg(peg: float, sells: bool) -> None:
    desk = desk_of({"drift": DRIFT}, now=0.5).see(quote_usd=peg)
    assert bool(desk.decide()) is sells
    assert (Refusal.DEPEG in desk.refused()) is not sells


def test_nor_is_spot_sold_to_fund_a_hedge_off_the_peg() -> None:
    policy = rules_of(hedge={"constant": "75 %", "reserve": "0 %"})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.8}, cash=200.0, held={"A": 800.0}).see(quote_usd=0.9)
    legs = desk.day()
    assert [leg.kind for leg in legs] == ["futures"]
    assert desk.held("A") == 800.0
    assert desk.shorts("A") == pytest.approx(200.0)


def test_the_first_purchase_is_made_once() -> None:
    desk = Desk(
        rules_of(costs={"spot_fee": "10 bp"}), {"A": 2.0, "B": 4.0}, {"A": 0.5, "B": 0.25}, cash=1_000.0, futures=()
    )
    legs = desk.day()
    assert {leg.reason for leg in legs} == {Reason.ENTRY}
    assert desk.held("A") * 2.0 / desk.nav() == pytest.approx(0.5, abs=2e-4)
    assert desk.held("B") * 4.0 / desk.nav() == pytest.approx(0.25, abs=2e-4)
    desk.book.asset[k.B_HELD, 0] = 0.0  # sold out
    assert desk.day() == []


def test_an_asset_without_a_fresh_price_is_entered_later() -> None:
    desk = Desk(rules_of(), {"A": 1.0, "B": 1.0}, {"A": 0.5, "B": 0.5}, cash=1_000.0, futures=())
    desk.fresh[1] = 0
    assert [leg.asset for leg in desk.day()] == ["A"]
    desk.fresh[1] = 1
    assert [leg.asset for leg in desk.day()] == ["B"]


def test_talib_measures_name_a_column_behind_the_table() -> None:
    policy = rules_of(trim={"macd": {"measure": "talib:RSI(14)", "threshold": "85", "to": "position", "size": "10 %"}})
    desk = desk_of({})
    from hedgerow.kernel.rules import extra_measures, pack
    from hedgerow.model import measure

    assert extra_measures(policy) == ("talib:RSI(14)",)
    assert pack(policy, desk.universe, {"A": 0.5}).trim[0, k.T_MEASURE] == measure.COUNT


# ---- weights over risk assets (E-05)


def over_risk(h: str = "0 %", **tables: Any) -> Any:
    return rules_of(
        targets={"denominator": "risk_assets", "stable": "20 %"}, hedge={"constant": h, "reserve": "0 %"}, **tables
    )


def test_a_first_purchase_leaves_the_stable_reserve_whatever_weights_are_counted_over() -> None:
    desk = Desk(over_risk(), {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=1_000.0)
    assert [leg.units for leg in desk.day()] == [pytest.approx(400.0)] * 2
    assert desk.cash() == pytest.approx(200.0)


@pytest.mark.parametrize("rule", [{"trim": {"drift": DRIFT}}, {"rebalance": {"threshold": "10 pp"}}])
def test_coins_sold_in_place_of_a_short_are_no_drift_over_risk_assets(rule: Any) -> None:
    """Both halves of the quotient count them; a funded hedge once looked like a drift of 17 points on every asset."""
    weights = {"A": 0.4, "B": 0.4}
    desk = Desk(over_risk("75 %", **rule), {"A": 1.0, "B": 1.0}, weights, cash=200.0, held={"A": 400.0, "B": 400.0})
    assert Reason.FUND_HEDGE in kinds(desk.day())
    assert desk.book.asset[k.B_SOLD].sum() > 100.0
    assert desk.decide() == []
