"""What a plan buys: tranches near a bottom, underweights from proceeds (domain 2.10, 2A-5, 2A-17)."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.model.plan import Reason
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
