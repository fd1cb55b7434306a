"""What is wanted and cannot be done is written down with its numbers: coins, collateral, cash, futures, the reserve."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.run import decide_once
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, Leg, loose, only, rules_of

DRIFT = {"trim": {"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}}}


def logged(desk: Desk) -> list[Leg]:
    """What the fills of the desk left out."""
    rows = desk.log[: desk.used[0]]
    return [desk._leg(row) for row in rows if row[k.L_STATUS] == k.REFUSED]


def test_a_trim_into_protected_coins_says_how_many_may_be_sold() -> None:
    desk = Desk(rules_of(**DRIFT), {"A": 100.0}, {"A": 0.5}, cash=2_000.0, held={"A": 80.0})
    desk.book.asset[k.B_PROTECTED, 0] = 70.0
    sale = only(desk.decide())
    refused = only(desk.refusals(), refusal=Refusal.PROTECTED)
    assert (sale.units, refused.wanted) == (
        pytest.approx(-10.0),
        pytest.approx(-20.0),
    )  # 80 of 100 %, target 50 of them
    assert (refused.measured, refused.limit) == (pytest.approx(10.0), pytest.approx(30.0))


def test_a_hedge_that_neither_cash_nor_sales_fund_says_what_collateral_allows() -> None:
    """8 coins protected, 200 of cash: 1x funds a short of 2 coins less the reserve of a quarter: 160 quote."""
    policy = rules_of(hedge={"constant": "50 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.8}, cash=200.0, held={"A": 8.0})
    desk.book.asset[k.B_PROTECTED, 0] = 8.0
    raised = only(desk.decide())
    refused = only(desk.refusals(), refusal=Refusal.MARGIN)
    assert raised.units == pytest.approx(-1.6)
    assert (refused.measured, refused.limit) == (pytest.approx(160.0), pytest.approx(400.0))
    assert refused.wanted == pytest.approx(-2.4)
    assert desk.book.scalar[k.S_CAPPED_DAY] == desk.book.scalar[k.S_DAY]


def test_without_futures_and_without_coins_to_sell_a_hedge_is_refused() -> None:
    desk = Desk(
        rules_of(hedge={"constant": "50 %"}), {"A": 100.0}, {"A": 0.8}, cash=200.0, held={"A": 8.0}, bare=("A",)
    )
    desk.book.asset[k.B_PROTECTED, 0] = 6.0
    sale = only(desk.decide())
    refused = only(desk.refusals(), refusal=Refusal.NO_INSTRUMENT)
    assert (sale.reason, sale.units) == (Reason.SELL_UNHEDGED, pytest.approx(-2.0))
    assert (refused.measured, refused.limit) == (pytest.approx(0.25), pytest.approx(0.5))
    assert refused.wanted == pytest.approx(-2.0)


def test_a_small_rest_is_not_worth_a_word() -> None:
    policy = rules_of(**DRIFT, guard={"min_leg": "1 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.5}, cash=2_000.0, held={"A": 80.0})
    desk.book.asset[k.B_PROTECTED, 0] = 50.5  # half a coin of 100 is half a percent
    desk.decide()
    assert desk.refusals() == []


def test_a_purchase_that_the_wallet_does_not_pay_at_the_open_is_written_down() -> None:
    desk = Desk(rules_of(), {"A": 100.0}, {"A": 1.0}, cash=1_000.0)
    desk.day(A=125.0)
    left = only(logged(desk), refusal=Refusal.CASH)
    assert desk.held("A") == pytest.approx(8.0)
    assert (left.wanted, left.measured, left.limit) == (
        pytest.approx(2.0),
        pytest.approx(1_000.0),
        pytest.approx(1_250.0),
    )


def test_a_short_that_the_wallet_does_not_back_at_the_open_is_written_down() -> None:
    """At 150 a short of 5 coins needs 750; there are 500."""
    desk = Desk(
        rules_of(hedge={"constant": "50 %", "reserve": "0 %"}), {"A": 100.0}, {"A": 0.6}, cash=500.0, held={"A": 10.0}
    )
    desk.day(A=150.0)
    left = only(logged(desk), refusal=Refusal.MARGIN)
    assert desk.shorts("A") == pytest.approx(500.0 / 150.0)
    assert (left.measured, left.limit) == (pytest.approx(500.0), pytest.approx(750.0))
    assert left.wanted == pytest.approx(-(5.0 - 500.0 / 150.0))


def test_coins_behind_a_short_wait_for_its_cover() -> None:
    """A trim meets an open at which the contract had no price: its cover waits, and so do the coins behind it."""
    policy = rules_of(**DRIFT, hedge={"constant": "100 %", "reserve": "0 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.3}, cash=100.0, held={"A": 10.0})
    desk.short("A", 10.0)
    cover, sale = desk.decide()
    price = desk.price[1]
    desk.price[1] = np.nan
    desk.fill()
    assert (desk.held("A"), desk.shorts("A"), logged(desk)) == (10.0, 10.0, [])
    desk.price[1] = price
    desk.fill()
    assert desk.held("A") == pytest.approx(10.0 + sale.units)
    assert desk.shorts("A") == pytest.approx(10.0 - cover.units)


def test_one_decision_outside_a_run_tops_up_a_short_that_is_too_near() -> None:
    """A portfolio that is read has no alarm price yet; the ladder of 2A-9 looks all the same."""
    desk = Desk(rules_of(hedge={"external": True}), {"A": 100.0}, {"A": 0.6}, cash=5_000.0, held={"A": 20.0})
    desk.short("A", 10.0, collateral=1_000.0).at_price(A=150.0).see(external_hedge=0.5)
    desk.book.inst[k.P_ALARM, 1] = np.inf
    nav = loose(decide_once)(
        desk.rules, desk.book, desk.work, desk.signal, desk.price, desk.fresh, desk.funding, desk.routes, False
    )
    assert nav == pytest.approx(desk.nav())
    top = only([leg for leg in desk.plan() if leg.refusal is Refusal.NONE], kind="margin")
    assert (top.reason, top.units) == (Reason.MARGIN_IN, pytest.approx(1_000.0))
