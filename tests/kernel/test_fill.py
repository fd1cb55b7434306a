"""What an order costs: the square-root law, the walk through a book, fees in the ledger (domain 2.16; G-42, G-54, G-55)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.fill import largest_within, one_way_cost, slippage_of, turnover_of, walk_book
from hedgerow.model import measure
from tests.kernel.desk import FREE, Desk, loose, rules_of
from tests.oracles.panels import trade_to

COSTS = {
    "spot_fee": "10 bp",
    "futures_fee": "5 bp",
    "spot_half_spread": "1 bp",
    "futures_half_spread": "2 bp",
    "impact": "1 x",
}


def desk_of(sigma_daily: float = 0.03, adv: float = 1e9) -> Desk:
    desk = Desk(rules_of(costs=COSTS), {"A": 1.0}, {"A": 1.0}, cash=1.0)
    desk.see(sigma_ewma=sigma_daily * math.sqrt(365.0), adv30=adv, adv30_futures=adv * 2)
    desk.decide()
    return desk


def test_g54_a_walk_through_the_asks() -> None:
    price, done = loose(walk_book)(np.array([60_000.0, 60_010.0, 60_050.0]), np.array([0.5, 1.0, 2.0]), 2.0)
    assert (price, done) == (60_017.5, 2.0)
    assert (price / 59_995.0 - 1.0) * 1e4 == pytest.approx(3.7503, abs=1e-4)


def test_a_walk_stops_where_the_book_ends() -> None:
    price, done = loose(walk_book)(np.array([10.0, 11.0]), np.array([1.0, 1.0]), 5.0)
    assert (price, done) == (10.5, 2.0)
    price, done = loose(walk_book)(np.array([]), np.array([]), 5.0)
    assert math.isnan(price)
    assert done == 0.0


def test_g55_the_square_root_law() -> None:
    desk = desk_of()
    found = loose(slippage_of)(desk.rules.scalar, desk.rules.inst, desk.work.measure, 0, 1e6)
    assert (found - 1e-4) * 1e4 == pytest.approx(9.486833, abs=1e-6)


def test_fee_half_spread_and_impact_add_up() -> None:
    desk = desk_of()
    args = (desk.rules.scalar, desk.rules.inst, desk.work.measure)
    assert loose(one_way_cost)(*args, 0, 0.0) == pytest.approx(11e-4)
    assert loose(one_way_cost)(*args, 1, 2e6) == pytest.approx(7e-4 + 0.03 * math.sqrt(2e6 / 2e9))


def test_impact_is_left_out_where_turnover_is_unknown_and_an_unknown_volatility_is_a_wild_one() -> None:
    desk = desk_of(adv=float("nan"))
    args = (desk.rules.scalar, desk.rules.inst, desk.work.measure)
    assert loose(slippage_of)(*args, 0, 1e6) == 1e-4
    assert math.isinf(loose(largest_within)(*args, 0, 0.003))
    wild = desk_of()
    wild.work.measure[measure.INDEX["sigma_ewma"]] = float("nan")
    found = loose(slippage_of)(wild.rules.scalar, wild.rules.inst, wild.work.measure, 0, 1e6)
    assert found - 1e-4 == pytest.approx(1.0 / math.sqrt(365.0) * math.sqrt(1e-3))


def test_the_largest_order_within_a_cap_costs_just_the_cap() -> None:
    desk = desk_of()
    args = (desk.rules.scalar, desk.rules.inst, desk.work.measure)
    most = loose(largest_within)(*args, 0, 0.003)
    assert loose(slippage_of)(*args, 0, most) == pytest.approx(0.003)
    assert loose(largest_within)(*args, 0, 0.00005) == 0.0


def test_a_known_depth_and_spread_are_the_markets_own() -> None:
    """A book 2 % deep costs 1 % on average when it is walked to its end; the law stays where it asks for more."""
    desk = desk_of()
    args = (desk.rules.scalar, desk.rules.inst, desk.work.measure)
    desk.work.measure[measure.INDEX["depth"]] = 1e6
    desk.work.measure[measure.INDEX["half_spread"]] = 0.0004
    assert loose(slippage_of)(*args, 0, 5e5) == pytest.approx(0.0004 + 0.005)
    assert loose(slippage_of)(*args, 0, 1e3) == pytest.approx(0.0004 + 0.03 * math.sqrt(1e-6))
    most = loose(largest_within)(*args, 0, 0.003)
    assert most == pytest.approx(0.26e6)
    assert loose(slippage_of)(*args, 0, most) == pytest.approx(0.003)


def test_an_order_far_beyond_a_markets_turnover_does_not_fill_at_a_negative_price() -> None:
    desk = desk_of(adv=1e-3)
    assert loose(slippage_of)(desk.rules.scalar, desk.rules.inst, desk.work.measure, 0, 1e12) == 0.5


def test_futures_are_judged_by_their_own_turnover() -> None:
    desk = desk_of()
    assert [loose(turnover_of)(desk.rules.inst, desk.work.measure, i) for i in (0, 1)] == [1e9, 2e9]


def test_a_fill_pays_what_the_plan_expected() -> None:
    desk = Desk(rules_of(costs=COSTS), {"A": 100.0}, {"A": 0.5}, cash=2e6, futures=())
    desk.see(sigma_ewma=0.03 * math.sqrt(365.0), adv30=1e9)
    desk.decide()
    expected = desk.work.legs[0, k.L_COST]
    desk.fill()
    paid = desk.work.legs[0, k.L_FEE] + desk.work.legs[0, k.L_SLIPPAGE]
    assert paid == pytest.approx(expected, rel=2e-3)
    assert desk.nav() == pytest.approx(2e6 - paid)
    assert desk.parts() == pytest.approx(-paid)


def test_g42_a_ledger_rebalanced_by_hand() -> None:
    """60 and 39 % of the value before fees on days 1 and 3, sales first, 10 bp a side."""
    desk = Desk(rules_of(costs=FREE | {"spot_fee": "10 bp"}), {"A": 100.0, "B": 100.0}, {"A": 0.6, "B": 0.39},
                cash=10_000.0, futures=())  # fmt: skip
    values = []
    for day, (a, b) in enumerate([(100.0, 100.0), (110.0, 100.0), (150.0, 95.0), (140.0, 90.0), (160.0, 100.0)]):
        desk.at_price(A=a, B=b)
        if day in (0, 2):
            held = np.array([desk.held("A"), desk.held("B")])
            trade_to(desk, np.array([0.60, 0.39]) * desk.nav() / [a, b] - held)
        values.append(desk.nav())
    assert values == pytest.approx([9_990.1, 10_590.1, 12_792.491971, 12_018.0517078421, 13_566.9322341579], rel=1e-14)
