"""Futures equity is stable weight (2A-1): what one short can spare funds another, its margin, and purchases."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.ladder import margin_stage
from hedgerow.kernel.run import decide_once
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, Leg, loose, only, rules_of


def two(h: dict[str, float], cash: float = 0.0, **tables: Any) -> Desk:
    """A was shorted at 100 and fell to 40: 1,600 of equity behind 400 of notional, and of it 1,000 that can be moved (the
    rest is open profit). B is held, and not yet hedged.
    """
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d", "reserve": "0 %"}, **tables)
    desk = Desk(policy, {"A": 100.0, "B": 100.0}, {"A": 0.2, "B": 0.4}, cash=cash, held={"A": 10.0, "B": 10.0})
    desk.short("A", 10.0).at_price(A=40.0).see(external_hedge=h)
    return desk


def ladder(desk: Desk) -> list[Leg]:
    b = desk.book
    desk.work.counts[0] = 0
    loose(margin_stage)(desk.rules, b, desk.work.asset, desk.price, desk.fresh, desk.nav(), desk.work.legs,
        desk.work.counts, 1.0,
    )  # fmt: skip
    return desk.plan()


def test_spare_collateral_of_one_short_funds_another() -> None:
    desk = two({"A": 1.0, "B": 0.5})
    nav = desk.nav()
    raised, freed = desk.day()
    assert (raised.reason, raised.units) == (Reason.HEDGE_RAISE, pytest.approx(-5.0))
    assert (freed.kind, freed.reason, freed.units) == ("margin", Reason.MARGIN_OUT, pytest.approx(-1_000.0))
    assert (freed.measured, freed.limit) == (pytest.approx(4.0), 1.0)  # 1,600 of equity behind 400
    assert desk.shorts("B") == pytest.approx(5.0)
    assert desk.cash() == pytest.approx(500.0)
    assert desk.nav() == pytest.approx(nav)
    assert desk.decide() == []


def test_a_short_that_is_raised_uses_its_own_spare_collateral() -> None:
    desk = two({"A": 1.0, "B": 0.0})
    desk.book.asset[k.B_HELD, 0] = 20.0
    (leg,) = desk.day()
    assert (leg.reason, leg.units) == (Reason.HEDGE_RAISE, pytest.approx(-10.0))
    assert desk.shorts("A") == pytest.approx(20.0)
    assert desk.cash() == 0.0


def test_nothing_is_moved_while_the_wallet_pays() -> None:
    assert [leg.kind for leg in two({"A": 1.0, "B": 0.5}, cash=600.0).decide()] == ["futures"]


def test_spare_collateral_tops_up_another_short_before_any_pair() -> None:
    desk = two({"A": 1.0, "B": 1.0})
    desk.short("B", 10.0).at_price(B=150.0)
    desk.decide()
    top = only(ladder(desk))
    assert (top.asset, top.reason, top.units) == ("B", Reason.MARGIN_IN, pytest.approx(1_000.0))


@pytest.mark.parametrize("why", ["stale", "funding", "liquidity"])
def test_nothing_is_sold_to_fund_a_short_that_may_not_be_added(why: str) -> None:
    """75 % on 8 coins with 200 of cash is 2 coins sold and a short of 4; without the short the sale protects nothing."""
    guard = {"unknown_liquidity": "refuse", "unknown_funding": "refuse"}
    policy = rules_of(hedge={"constant": "75 %", "reserve": "0 %"}, guard=guard)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.8}, cash=200.0, held={"A": 8.0}).see(adv30=1e9, adv30_futures=1e9)
    assert {leg.kind for leg in desk.decide()} == {"spot", "futures"}
    if why == "stale":
        desk.fresh[1] = 0
    elif why == "funding":
        desk.funding[1] = float("nan")
    else:
        desk.see(adv30_futures=float("nan"))
    assert desk.decide() == []
    code = {"stale": Refusal.NO_PRICE, "funding": Refusal.FUNDING_UNKNOWN, "liquidity": Refusal.LIQUIDITY_UNKNOWN}
    assert only(desk.refusals()).refusal is code[why]


def test_what_is_hedged_stays_hedged_while_nothing_may_be_added() -> None:
    desk = two({"A": 1.0, "B": 0.0}, cash=100.0, guard={"unknown_funding": "refuse"})
    desk.funding[2] = float("nan")
    desk.book.asset[k.B_HELD, 0] = 20.0  # the spot doubled: half of it may not be hedged today
    assert desk.decide() == []
    desk.see(external_hedge={"A": 0.25, "B": 0.0})
    cover = only(desk.decide())
    assert (cover.reason, cover.units) == (Reason.HEDGE_COVER, pytest.approx(5.0))


def test_a_roll_waits_until_the_next_contract_has_a_price() -> None:
    """The old contract was covered, and the spot sold as if there were no futures."""
    desk = two({"A": 1.0, "B": 0.0})
    desk.hedge[0] = -1
    assert desk.decide() == []
    assert desk.x(k.X_OWN, "A") == 2.0


def test_a_cross_hedge_of_yesterday_is_no_contract_of_the_asset() -> None:
    """Without the market asset's beta the coin has no route: not one coin of BTC for each of its own."""
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d", "reserve": "0 %"})
    desk = Desk(policy, {"BTC": 50_000.0, "ALT": 2.0}, {"ALT": 0.5}, cash=10_000.0, held={"ALT": 5_000.0}, bare=["ALT"])
    desk.see(external_hedge={"BTC": 0.0, "ALT": 0.5}, beta=1.0, rho2=0.8).day()
    assert desk.shorts("BTC") == pytest.approx(0.1)
    desk.see(rho2=0.1).decide()
    assert desk.x(k.X_OWN, "ALT") == -1.0


def test_an_inverse_hedge_of_all_coins_leaves_room_to_trim() -> None:
    """E-16: the cover frees the coins that are sold; while they were collateral no trim was ever possible."""
    policy = rules_of(
        hedge={"constant": "100 %", "inverse": True},
        trim={"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}},
    )
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=1_000.0, held={"A": 10.0}, inverse=True)
    desk.short("A", 10.0, collateral=10.0)
    desk.book.asset[k.B_HELD, 0] = 0.0
    cover, sale = desk.day()
    assert (cover.units, sale.units) == (pytest.approx(2.0), pytest.approx(-2.0))
    assert desk.shorts("A") == pytest.approx(8.0)
    assert desk.refusals() == []


def test_the_mean_cost_counts_coins_that_are_collateral() -> None:
    policy = rules_of(rebalance={"threshold": "10 pp"}, hedge={"inverse": True})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.5}, cash=900.0, held={"A": 0.0}, inverse=True)
    desk.short("A", 3.0, collateral=3.0)
    desk.book.asset[k.B_COST, 0] = 20.0
    desk.see(external_hedge=0.0)
    bought = 0.5 * desk.nav() / 100.0 - 3.0
    desk.decide()
    desk.fill()
    assert desk.book.asset[k.B_COST, 0] == pytest.approx((3.0 * 20.0 + bought * 100.0) / (3.0 + bought))


def test_excess_is_remembered_when_its_short_fills_and_not_before() -> None:
    drift = {"measure": "drift_abs", "threshold": "10 pp", "to": "target", "how": "hedge"}
    desk = Desk(
        rules_of(trim={"drift": drift}, guard={"min_leg": "0 %"}), {"A": 1.0}, {"A": 0.2}, cash=600.0, held={"A": 400.0}
    )
    assert only(desk.decide()).reason is Reason.HEDGE_EXCESS
    assert desk.book.asset[k.B_EXCESS, 0] == 0.0
    desk.fill()
    assert desk.book.asset[k.B_EXCESS, 0] == pytest.approx(200.0)


def test_2a17_proceeds_of_the_plan_pay_margin_that_is_due() -> None:
    """A short near its liquidation and an empty wallet: the plan's own sale of spot tops it up, at the same open."""
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.8}, cash=0.0, held={"A": 10.0})
    desk.short("A", 7.5, collateral=50.0)
    loose(decide_once)(
        desk.rules, desk.book, desk.work, desk.signal, desk.price, desk.fresh, desk.funding, desk.routes, False
    )  # fmt: skip
    cover, sale, top = desk.plan()
    assert (cover.reason, sale.reason, top.reason) == (Reason.HEDGE_UNFUNDED, Reason.FUND_HEDGE, Reason.MARGIN_IN)
    assert cover.limit == pytest.approx(1.0)
    desk.fill()
    assert desk.shorts("A") == pytest.approx(desk.held("A"))
    equity = desk.book.inst[k.P_COLLATERAL, 1] + desk.book.inst[k.P_UNITS, 1] * (100.0 - desk.book.inst[k.P_ENTRY, 1])
    assert equity == pytest.approx(desk.shorts("A") * 100.0)
    assert desk.cash() >= 0.0
