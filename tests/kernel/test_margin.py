"""Margin of a short: liquidation prices (2.17, G-58), collateral, and the ladder of 2A-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.kernel import arrays as k
from hedgerow.kernel.ladder import margin_stage, rung_at
from hedgerow.kernel.liquidation import liquidation_price
from hedgerow.kernel.margin import collateral_due, margin_ratio, may_exceed
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.margin import CONVENTIONS, tier_table
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, Leg, loose, only, rules_of

STEEP_COINS = tier_table((0.0, 1.0, 5.0, 50_000.0), (0.01, 0.02, 0.1, 0.5))


def flat(units: float, entry: float, collateral: float, rate: float, inverse: bool) -> float:
    """Liquidation price of so many coins with one maintenance rate."""
    tier = np.array([[0.0, rate, 0.0]])
    size = units * entry if inverse else units
    return float(loose(liquidation_price)(size, entry, collateral, tier, 0, 1, False, 0.0, inverse))


@pytest.mark.parametrize(
    ("leverage", "price"), [(1, 119_402.99), (2, 89_552.24), (3, 79_601.99), (5, 71_641.79), (10, 65_671.64)]
)
def test_2_17_liquidation_of_a_linear_short(leverage: int, price: float) -> None:
    found = flat(-5.0, 60_000.0, 5.0 * 60_000.0 / leverage, 0.005, False)
    assert found == pytest.approx(price, abs=0.005)


@pytest.mark.parametrize(
    ("leverage", "price"), [(1.0, float("inf")), (1.5, 179_100.0), (2.0, 119_400.0), (5.0, 74_625.0)]
)
def test_g58_liquidation_of_an_inverse_short(leverage: float, price: float) -> None:
    assert flat(-1.0, 60_000.0, 1.0 / leverage, 0.005, True) == pytest.approx(price)


@pytest.mark.parametrize(
    ("entry", "units", "leverage", "rate", "price"),
    [(8.0, 1.0, 5, 0.01, 9.504950495), (10.0, 0.6, 5, 0.01, 11.881188119)],
)
def test_g06_without_the_tier_deduction(entry: float, units: float, leverage: float, rate: float, price: float) -> None:
    """G-06 less its cum of 0.01: (m + q E) / (q (1 + rate))."""
    assert flat(-units, entry, units * entry / leverage, rate, False) == pytest.approx(price)


def test_no_position_has_no_liquidation_price() -> None:
    assert flat(0.0, 100.0, 100.0, 0.005, False) == float("inf")


def desk_of(cash: float = 0.0, collateral: float = 1_000.0, price: float = 150.0, **tables: Any) -> Desk:
    """10 coins short since 100, at 1x then; now the price has risen."""
    desk = Desk(rules_of(**tables), {"A": 100.0}, {"A": 0.5}, cash=cash, held={"A": 20.0})
    desk.short("A", 10.0, collateral=collateral)
    desk.at_price(A=price)
    return desk


def ladder(desk: Desk) -> list[Leg]:
    desk.decide()
    desk.work.counts[0] = 0
    b = desk.book
    loose(margin_stage)(
        desk.rules,
        b,
        desk.work.asset,
        desk.price,
        desk.fresh,
        desk.nav(),
        desk.work.legs,
        desk.work.counts,
        1.0,
    )
    return desk.plan()


def test_at_the_liquidation_price_equity_is_the_maintenance_margin() -> None:
    desk = desk_of()
    price = desk.book.inst[k.P_LIQUIDATION, 1]
    assert price == pytest.approx(2_000.0 / 10.05)
    assert loose(margin_ratio)(desk.rules, desk.book.inst, 1, price) == pytest.approx(1.0)


def test_collateral_due_brings_equity_to_the_notional() -> None:
    desk = desk_of()
    due = loose(collateral_due)(desk.rules.scalar, desk.rules.inst, desk.book.inst, 1, 150.0, 150.0)
    assert due == pytest.approx(10 * 150.0 - (1_000.0 - 500.0))


@pytest.mark.parametrize(("price", "acts"), [(124.0, False), (125.0, True)])
def test_2a9_nothing_is_topped_up_before_the_distance_is_under_60_percent(price: float, acts: bool) -> None:
    assert 2_000.0 / 10.05 / 124.0 - 1 > 0.60 > 2_000.0 / 10.05 / 125.0 - 1
    assert bool(ladder(desk_of(cash=5_000.0, price=price))) is acts


def test_2a9_other_assets_are_topped_up_under_75_percent() -> None:
    policy = rules_of()
    for name, price, acts in (("B", 114.0, True), ("B", 113.0, False), ("A", 114.0, False)):
        desk = Desk(policy, {"A": 100.0, "B": 100.0}, {"A": 0.3}, cash=5_000.0, held={"A": 20.0, "B": 20.0})
        desk.short(name, 10.0, collateral=1_000.0).at_price(**{name: price})
        legs = ladder(desk)
        assert bool(legs) is acts
        assert all(leg.limit == 0.75 and leg.measured < 0.75 for leg in legs)


def test_a_top_up_brings_equity_back_to_the_notional_and_stops_the_alarm() -> None:
    desk = desk_of(cash=5_000.0)
    (leg,) = ladder(desk)
    assert (leg.kind, leg.reason, leg.units) == ("margin", Reason.MARGIN_IN, pytest.approx(1_000.0))
    assert (leg.measured, leg.limit) == (pytest.approx(2_000.0 / 10.05 / 150.0 - 1.0), 0.60)
    nav = desk.nav()
    desk.fill()
    assert desk.cash() == pytest.approx(4_000.0)
    assert desk.nav() == pytest.approx(nav)
    assert desk.book.inst[k.P_ALARM, 1] > 150.0
    assert ladder(desk) == []


@given(
    st.sampled_from(list(CONVENTIONS)), st.floats(0.001, 10_000.0), st.floats(-0.6, 1.6), st.sampled_from([0.0, 0.02]),
    st.booleans(), st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4),
)  # fmt: skip
def test_a_short_stands_on_no_rung_up_to_its_alarm_price(
    name: str, units: float, share: float, fee: float, far: bool, parts: list[float]
) -> None:
    inverse = CONVENTIONS[name].inverse
    near = {} if far else dict.fromkeys(("top_up_market", "top_up", "reduce", "warn", "stop_adding", "flatten"), "0 %")
    policy = rules_of(
        margin={"convention": name, **near}, hedge={"inverse": inverse}, costs={"futures_fee": f"{fee * 10_000:g} bp"}
    )
    perpetual = Instrument("A/X:X", "A", kind=Kind.PERPETUAL, inverse=inverse, tiers=STEEP_COINS)
    desk = Desk(policy, {"A": 100.0}, {}, held={"A": 2 * units}, futures=[perpetual])
    desk.short("A", units, collateral=share * units * (1.0 if inverse else 100.0))
    alarm = min(float(desk.book.inst[k.P_ALARM, 1]), 1e5)
    for part in (1.0, *parts):
        price = np.full(2, alarm * part)
        assert alarm <= 0.0 or loose(rung_at)(desk.rules, desk.book, 1, price) == k.NEAR_NONE


def test_what_cash_does_not_pay_is_cured_by_pairs() -> None:
    """Cover d and sell the d that it protected: net exposure stays, and d p (1 + 1/L) of need is freed."""
    desk = desk_of(cash=400.0)
    top, cover, sale = ladder(desk)
    assert (top.units, cover.reason, sale.reason) == (400.0, Reason.PAIR_REDUCE, Reason.PAIR_REDUCE)
    assert cover.units == pytest.approx(600.0 / (150.0 * 2))
    assert sale.units == pytest.approx(-cover.units)
    exposure = desk.held("A") - desk.shorts("A")
    desk.fill()
    assert desk.held("A") - desk.shorts("A") == pytest.approx(exposure)
    assert desk.book.asset[k.B_SOLD, 0] == pytest.approx(2.0)
    equity = desk.book.inst[k.P_COLLATERAL, 1] + desk.book.inst[k.P_UNITS, 1] * (150.0 - desk.book.inst[k.P_ENTRY, 1])
    assert equity + desk.cash() == pytest.approx(desk.shorts("A") * 150.0)


@pytest.mark.parametrize(("price", "pairs"), [(147.0, False), (148.0, True)])
def test_2a9_without_cash_the_pair_is_reduced_at_35_percent(price: float, pairs: bool) -> None:
    assert 2_000.0 / 10.05 / 147.0 - 1 > 0.35 > 2_000.0 / 10.05 / 148.0 - 1
    legs = ladder(desk_of(cash=0.0, price=price))
    assert bool(legs) is pairs
    assert all(leg.reason is Reason.PAIR_REDUCE and leg.measured < leg.limit == 0.35 for leg in legs)


def test_protected_coins_are_not_sold_by_a_pair() -> None:
    desk = desk_of(cash=0.0)
    desk.book.asset[k.B_PROTECTED] = 19.0
    legs = ladder(desk)
    assert sum(leg.units for leg in legs if leg.kind == "spot") == pytest.approx(-1.0)


def test_an_inverse_short_is_topped_up_in_coins() -> None:
    policy = rules_of(hedge={"leverage": "2 x", "high_risk": True, "inverse": True})
    desk = Desk(policy, {"A": 100.0}, {"A": 1.0}, held={"A": 20.0}, inverse=True)
    desk.short("A", 10.0, collateral=5.0).at_price(A=180.0)
    desk.book.inst[k.P_COLLATERAL, 1] = 3.0  # funding took two
    (leg,) = ladder(desk)
    assert (leg.kind, leg.units) == ("margin", pytest.approx(2.0))
    desk.fill()
    assert desk.held("A") == pytest.approx(18.0)
    assert desk.book.inst[k.P_COLLATERAL, 1] == pytest.approx(5.0)


def test_margin_due_is_paid_before_anything_is_bought() -> None:
    """2A-17: a purchase of the same plan once took the cash that the top-up needed; now it is not even planned."""
    desk = Desk(
        rules_of(hedge={"external": True}), {"A": 100.0, "B": 1.0}, {"A": 0.7, "B": 0.3}, cash=450.0, held={"A": 6.0}
    )
    desk.short("A", 4.0, collateral=400.0).at_price(A=150.0).see(external_hedge={"A": 4.0 / 6.0, "B": 0.0})
    assert desk.decide() == []
    refused = only(desk.refusals())
    assert (refused.refusal, refused.reason, refused.asset) == (Refusal.CASH, Reason.ENTRY, "B")
    b = desk.book
    loose(margin_stage)(desk.rules, b, desk.work.asset, desk.price, desk.fresh, desk.nav(),
        desk.work.legs, desk.work.counts, 1.0,
    )  # fmt: skip
    assert desk.plan()[-1].reason is Reason.MARGIN_IN
    desk.fill()
    filled = [row for row in desk.work.legs[: desk.work.counts[0]] if row[k.L_KIND] == k.LEG_MARGIN]
    assert filled[0][k.L_DONE] == pytest.approx(400.0)


def test_a_short_that_the_plan_covers_is_not_topped_up() -> None:
    desk = desk_of(cash=5_000.0, hedge={"external": True, "rung_down_every": "0 d"}).see(external_hedge=0.2)
    desk.decide()  # half of it is covered, 10 to 4 coins
    b = desk.book
    loose(margin_stage)(desk.rules, b, desk.work.asset, desk.price, desk.fresh, desk.nav(),
        desk.work.legs, desk.work.counts, 1.0,
    )  # fmt: skip
    cover, top = desk.plan()
    assert (cover.units, top.reason) == (pytest.approx(6.0), Reason.MARGIN_IN)
    assert top.units == pytest.approx(4 * 150.0 - 500.0)


def test_ratios_are_one_at_liquidation_and_infinite_without_equity() -> None:
    desk = desk_of()
    assert loose(margin_ratio)(desk.rules, desk.book.inst, 1, 150.0) == pytest.approx(7.5 / 500.0)
    assert np.isinf(loose(margin_ratio)(desk.rules, desk.book.inst, 1, 500.0))


@pytest.mark.parametrize("name", sorted(name for name, way in CONVENTIONS.items() if not way.inverse))
@given(
    st.integers(1, 4_000_000), st.floats(0.1, 3.0), st.lists(st.floats(0.2, 0.999), min_size=2, max_size=2, unique=True)
)
def test_a_ratio_that_cannot_exceed_the_worst_so_far_is_not_worked_out(
    name: str, coins: int, backed: float, marks: list[float]
) -> None:
    """Both marks lie below the liquidation price; sizes reach through all tiers."""
    desk = Desk(rules_of(margin={"convention": name}), {"A": 100.0}, {"A": 0.5}, held={"A": 2.0 * coins})
    desk.short("A", float(coins), collateral=backed * 100.0 * coins)
    inst = desk.book.inst
    first, second = (share * inst[k.P_LIQUIDATION, 1] for share in marks)
    worst = loose(margin_ratio)(desk.rules, inst, 1, first)
    if loose(margin_ratio)(desk.rules, inst, 1, second) > worst:
        assert loose(may_exceed)(desk.rules, inst, 1, second, worst)
    elif name == "binance_linear" and second < 0.5 * first:
        assert not loose(may_exceed)(desk.rules, inst, 1, second, 4.0 * worst)
