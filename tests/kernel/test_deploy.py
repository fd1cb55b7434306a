"""What a plan buys: tranches near a bottom, underweights from proceeds (domain 2.10, 2A-5, 2A-17)."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, only, rules_of

VOTES = {"low": {"measure": "at_support", "threshold": 1}, "good": {"measure": "low90", "threshold": 1}}
REGIME = {"BOTTOM": {"hedge": ["0 %", "0 %"], "trim": "none", "deploy": True, "from": ["REST"], "enter": {"all": ["low"]},
                     "leave": {"none": ["low"]}}, "REST": {"hedge": ["0 %", "0 %"], "trim": "threshold"}}  # fmt: skip


def desk_of(held: float = 200.0, target: float = 0.8, **deploy: Any) -> Desk:
    """200 of A at a price of 1 in a book of 1,000: 600 below target, and 600 of stables above a reserve of 200."""
    policy = rules_of(vote=VOTES, regime=REGIME, deploy={"when": {"all": ["good"]}, **deploy})
    desk = Desk(policy, {"A": 1.0}, {"A": target}, cash=1_000.0 - held, held={"A": held}, futures=())
    return desk.see(at_support=1.0, low90=1.0)


def bought(desk: Desk) -> float:
    return round(sum(leg.units for leg in desk.day()), 9)


def test_four_tranches_a_week_apart_and_no_fifth() -> None:
    desk = desk_of()
    days = [bought(desk) for _ in range(40)]
    assert [day for day, units in enumerate(days) if units] == [0, 7, 14, 21]
    assert [units for units in days if units] == [150.0] * 4  # a quarter of the stables above reserve on the first day
    assert desk.held("A") == pytest.approx(800.0)


def test_nothing_is_bought_above_target() -> None:
    desk = desk_of(held=750.0)
    assert bought(desk) == 12.5
    full = desk_of(held=790.0, tranche="100 %")
    assert bought(full) == pytest.approx(10.0)
    assert sum(bought(full) for _ in range(30)) == 0.0


def test_the_reserve_stays() -> None:
    desk = desk_of(tranche="100 %")
    bought(desk)
    assert desk.cash() == pytest.approx(200.0)


def test_only_undervalued_and_sound_assets_in_a_deploying_row() -> None:
    assert bought(desk_of().see(low90=0.0)) == 0.0
    assert bought(desk_of().see(at_support=0.0)) == 0.0
    assert only(desk_of().decide()).reason is Reason.DEPLOY


def test_pro_rata_to_what_is_lacking() -> None:
    policy = rules_of(vote=VOTES, regime=REGIME, deploy={"when": {"all": ["good"]}})
    desk = Desk(
        policy, {"A": 1.0, "B": 2.0}, {"A": 0.5, "B": 0.3}, cash=700.0, held={"A": 100.0, "B": 100.0}, futures=()
    )
    desk.see(at_support=1.0, low90=1.0)
    legs = desk.decide()
    spent = {leg.asset: leg.units * desk.price[desk.a(leg.asset)] for leg in legs}
    assert spent == pytest.approx({"A": 125.0 * 0.8, "B": 125.0 * 0.2})  # 400 and 100 are lacking, 500 spare


def test_tranches_are_counted_on_the_fill_and_kept_in_the_book() -> None:
    desk = desk_of()
    desk.decide()
    assert desk.book.scalar[k.S_TRANCHES] == 0.0
    desk.day()
    assert desk.book.scalar[k.S_TRANCHES] == 1.0
    assert only_day(desk) == desk.book.scalar[k.S_TRANCHE_DAY]


def only_day(desk: Desk) -> float:
    return float(desk.book.scalar[k.S_DAY])


def test_2a5_a_failed_bottom_does_not_start_the_count_again_but_a_month_does() -> None:
    desk = desk_of()
    for _ in range(15):
        bought(desk)
    assert desk.book.scalar[k.S_TRANCHES] == 3.0
    desk.see(at_support=0.0)
    for _ in range(20):
        assert bought(desk) == 0.0
    desk.see(at_support=1.0)
    assert bought(desk) == 150.0
    assert desk.book.scalar[k.S_TRANCHES] == 4.0
    desk.see(at_support=0.0)
    for _ in range(31):
        bought(desk)
    desk.at_price(A=0.5).see(at_support=1.0)
    assert bought(desk) > 0.0
    assert desk.book.scalar[k.S_TRANCHES] == 1.0


def test_proceeds_buy_underweights_only_where_it_is_opted_in() -> None:
    trim = {"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}}
    for opted in (True, False):
        policy = rules_of(trim=trim, deploy={"underweights": opted})
        desk = Desk(
            policy, {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=200.0, held={"A": 600.0, "B": 200.0}, futures=()
        )
        legs = desk.day()
        assert only(legs, asset="A").units == pytest.approx(-200.0)
        assert [leg.reason for leg in legs if leg.asset == "B"] == ([Reason.UNDERWEIGHT] if opted else [])
        assert desk.held("B") == pytest.approx(400.0 if opted else 200.0)


def hedged(by_regime: bool) -> Desk:
    """8 coins at 100, hedged by half, then at 50 and near a bottom: most stables back the short."""
    hedge = {"by_regime": by_regime, "reserve": "0 %", "rung_down_every": "3 d"} | (
        {} if by_regime else {"constant": "50 %"}
    )
    regime = {"BOTTOM": REGIME["BOTTOM"], "REST": {"hedge": ["50 %", "50 %"], "trim": "threshold"}}
    policy = rules_of(vote=VOTES, regime=regime, deploy={"when": {"all": ["good"]}}, hedge=hedge)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.8}, cash=600.0, held={"A": 8.0})
    desk.see(at_support=0.0, low90=1.0, bars=730.0).day()
    assert desk.shorts("A") == pytest.approx(4.0)
    return desk.at_price(A=50.0).see(at_support=1.0)


def test_2a17_a_tranche_is_a_quarter_of_all_stables_above_reserve_futures_equity_too() -> None:
    desk = hedged(by_regime=False)
    above = desk.nav() - 8 * 50.0 - 0.2 * desk.nav()
    desk.day()
    assert desk.book.scalar[k.S_TRANCHE_BASE] == pytest.approx(above)
    assert desk.held("A") - 8.0 == pytest.approx(0.25 * above / 50.0)


def test_r063_stablecoins_wait_until_the_hedge_is_covered() -> None:
    desk = hedged(by_regime=True)
    bought_on, short_then = [], []
    for day in range(12):
        before = desk.held("A")
        desk.day()
        if desk.held("A") > before:
            bought_on.append(day)
            short_then.append(desk.shorts("A"))
    assert bought_on
    assert short_then[0] == pytest.approx(0.0)


def test_a_reserve_that_lacks_and_a_wallet_that_is_locked_are_told_apart() -> None:
    desk = hedged(by_regime=False)
    desk.book.wallet[k.W_CASH, 0] = 0.0
    desk.book.inst[k.P_COLLATERAL, 1] = 0.0  # its equity is open profit, which cannot be moved
    desk.decide()
    locked = only(desk.refusals(), refusal=Refusal.CASH)
    assert (locked.measured, locked.reason) == (pytest.approx(0.0), Reason.DEPLOY)
    poor = desk_of(held=850.0, target=1.0)
    poor.rules.scalar[k.K_STABLE] = 0.2
    poor.decide()
    refused = only(poor.refusals())
    assert (refused.refusal, refused.measured, refused.limit) == (Refusal.RESERVE, pytest.approx(0.15), 0.2)


def test_r062_only_assets_that_the_user_holds_sound_are_bought() -> None:
    deploy = {"when": {"all": ["good"]}}
    policy = rules_of(vote=VOTES, regime=REGIME, deploy=deploy, targets={"whitelist": ["B"]})
    desk = Desk(
        policy, {"A": 1.0, "B": 1.0}, {"A": 0.4, "B": 0.4}, cash=800.0, held={"A": 100.0, "B": 100.0}, futures=()
    )
    assert {leg.asset for leg in desk.see(at_support=1.0, low90=1.0).decide()} == {"B"}


def test_2a17_proceeds_fill_the_reserve_before_they_buy_underweights() -> None:
    trim = {"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}}
    policy = rules_of(trim=trim, deploy={"underweights": True})
    weights = {"A": 0.4, "B": 0.4}
    desk = Desk(policy, {"A": 1.0, "B": 1.0}, weights, cash=0.0, held={"A": 700.0, "B": 300.0}, futures=())
    sold, bought_ = desk.decide()
    assert (sold.units, bought_.units) == (pytest.approx(-300.0), pytest.approx(100.0))  # 200 of 300 are the reserve
    assert (bought_.measured, bought_.limit) == (pytest.approx(0.3), pytest.approx(0.4))


def test_a_tranche_that_was_paid_in_part_leaves_the_rest_for_later() -> None:
    desk = desk_of()
    desk.decide()
    desk.work.legs[0, k.L_UNITS] *= 0.5  # half of the first tranche of 150 fills
    desk.fill()
    assert desk.book.scalar[k.S_TRANCHES] == pytest.approx(0.5)
    days = [bought(desk) for _ in range(40)]
    assert sum(days) == pytest.approx(600.0 - 75.0)
    assert [units for units in days if units] == [150.0, 150.0, 150.0, 75.0]
    assert desk.book.scalar[k.S_TRANCHES] == 4.0


def test_a_first_purchase_that_the_market_cuts_goes_on_until_it_is_whole() -> None:
    """R-068: a tenth of a day's turnover of 1,000 is all that is bought at once; the target is 400."""
    guard = {"participation": "10 %", "unknown_liquidity": "refuse"}
    desk = Desk(rules_of(guard=guard), {"A": 1.0}, {"A": 0.4}, cash=1_000.0, futures=()).see(adv30=1_000.0)
    assert [bought(desk) for _ in range(6)] == [100.0, 100.0, 100.0, 100.0, 0.0, 0.0]
    desk.at_price(A=0.5)
    assert bought(desk) == 0.0  # from then on rules of drift and deployment decide
