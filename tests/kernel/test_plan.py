"""The plan: what is shorted, what is sold in its place, what is bought back (2A-1), cross hedges, rolls, inverse contracts."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, Leg, only, rules_of

DRIFT = {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}


def kinds(legs: list[Leg]) -> dict[Reason, float]:
    return {leg.reason: round(leg.units, 9) for leg in legs}


def one(
    *,
    cash: float = 1_000.0,
    held: float = 10.0,
    price: float = 100.0,
    weight: float = 0.5,
    h: str = "50 %",
    **hedge: Any,
) -> Desk:
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d", **hedge})
    desk = Desk(policy, {"A": price}, {"A": weight}, cash=cash, held={"A": held})
    return desk.see(external_hedge=float(h.split()[0]) / 100, beta=1.0, rho2=0.9)


# ---- raise, increment, cover


def test_only_the_increment_is_traded() -> None:
    desk = one()
    assert kinds(desk.day()) == {Reason.HEDGE_RAISE: -5.0}
    assert desk.day() == []
    assert kinds(desk.see(external_hedge=0.75).day()) == {Reason.HEDGE_RAISE: -2.5}
    assert kinds(desk.see(external_hedge=0.0).day()) == {Reason.HEDGE_COVER: 7.5}
    assert desk.cash() == pytest.approx(1_000.0)


@pytest.mark.parametrize(("step", "trades"), [(0.549, False), (0.551, True), (0.451, False), (0.449, True)])
def test_small_changes_of_the_ratio_are_not_traded(step: float, trades: bool) -> None:
    desk = one()
    desk.day()
    assert bool(desk.see(external_hedge=step).decide()) is trades


def test_the_last_of_a_hedge_is_covered_however_small() -> None:
    desk = one(h="4 %", min_step="1 pp")
    desk.day()
    late = one(h="0 %", min_step="5 pp").short("A", 0.4)
    assert kinds(late.day()) == {Reason.HEDGE_COVER: 0.4}


def test_e16_short_above_spot_is_cut_in_the_same_cycle() -> None:
    desk = one(h="100 %").short("A", 12.0, collateral=1_200.0)
    assert kinds(desk.day()) == {Reason.HEDGE_RESTORE: 2.0}
    assert desk.shorts("A") == pytest.approx(10.0)


def test_a_trim_shrinks_the_hedge_with_it() -> None:
    policy = rules_of(trim={"drift": DRIFT}, hedge={"constant": "100 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.25}, cash=1_000.0, held={"A": 10.0})
    desk.short("A", 10.0, collateral=0.0)
    legs = desk.decide()
    assert kinds(legs) == {Reason.HEDGE_COVER: 5.0, Reason.TRIM: -5.0}
    assert [leg.kind for leg in legs] == ["futures", "spot"]  # the cover first: never net short


# ---- sold in place of a short


def test_what_the_stables_do_not_fund_is_sold_and_bought_back_when_the_hedge_ends() -> None:
    desk = one(cash=200.0, held=8.0, weight=0.8, h="75 %", reserve="0 %")
    legs = desk.day()
    assert kinds(legs) == {Reason.FUND_HEDGE: -2.0, Reason.HEDGE_RAISE: -4.0}
    assert {(leg.measured, leg.limit) for leg in legs} == {(0.0, 0.75)}  # from nothing to three quarters
    assert desk.book.asset[k.B_SOLD, 0] == pytest.approx(2.0)
    assert desk.x(k.X_H, "A") == 0.75
    assert desk.day() == []
    assert kinds(desk.see(external_hedge=0.0).day()) == {Reason.HEDGE_COVER: 4.0, Reason.BUY_BACK: 2.0}
    assert (desk.held("A"), desk.cash(), desk.book.asset[k.B_SOLD, 0]) == pytest.approx((8.0, 200.0, 0.0))


def test_the_reserve_counts_as_need() -> None:
    desk = one(cash=200.0, held=8.0, weight=0.8, h="25 %", reserve="25 %")
    desk.day()
    short = desk.shorts("A") * 100.0
    assert desk.nav() - desk.held("A") * 100.0 == pytest.approx(1.25 * short)
    assert desk.held("A") - desk.shorts("A") == pytest.approx(6.0)


def test_what_was_sold_is_not_bought_back_above_target() -> None:
    desk = one(cash=200.0, held=8.0, weight=0.5, h="75 %", reserve="0 %")
    desk.day()
    desk.see(external_hedge=0.0).day()
    assert desk.held("A") == pytest.approx(6.0)
    assert desk.book.asset[k.B_SOLD, 0] == 0.0  # forgotten
    assert desk.decide() == []


def test_a_trim_also_takes_its_share_of_what_was_sold_in_place_of_a_short() -> None:
    """No futures and no cross hedge: half is sold. A trim of the whole 20 coins must not come back as drift."""
    policy = rules_of(trim={"drift": DRIFT}, hedge={"external": True, "rung_down_every": "0 d"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=6_000.0, held={"A": 40.0}, futures=()).see(external_hedge=0.5)
    assert kinds(desk.day()) == {Reason.SELL_UNHEDGED: -20.0}
    assert desk.decide() == []
    desk.at_price(A=200.0)  # 20 held and 20 sold at 200 against a book of 12,000: 66.7 %, target 40 %
    legs = desk.day()
    assert kinds(legs) == {Reason.TRIM: -8.0}  # 24 of 40 stay wanted, half of them held
    assert desk.held("A") == pytest.approx(12.0)
    assert desk.book.asset[k.B_SOLD, 0] == pytest.approx(12.0)
    assert desk.decide() == []


def test_a_purchase_of_an_asset_that_is_half_sold_buys_half_and_counts_the_rest_as_sold() -> None:
    policy = rules_of(rebalance={"threshold": "10 pp"}, hedge={"constant": "50 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=6_000.0, held={"A": 40.0}, futures=())
    desk.day()
    desk.at_price(A=40.0)  # base 40 coins at 40 = 1,600 of 8,800: 18 %
    assert kinds(desk.day()) == {Reason.REBALANCE: round((0.4 * 8_800.0 / 40.0 - 40.0) / 2, 9)}
    assert desk.held("A") == pytest.approx(44.0)
    assert desk.book.asset[k.B_SOLD, 0] == pytest.approx(44.0)
    assert desk.decide() == []


def test_protected_coins_are_never_sold_and_the_hedge_is_cut_instead() -> None:
    desk = one(cash=200.0, held=8.0, weight=0.8, h="75 %", reserve="0 %")
    desk.book.asset[k.B_PROTECTED] = 7.0
    desk.day()
    assert desk.held("A") == pytest.approx(7.0)
    assert desk.shorts("A") * 100.0 == pytest.approx(300.0)


@pytest.mark.parametrize(("outside", "short"), [(True, 7.0), (False, 5.0)])
def test_coins_held_elsewhere_are_counted_never_sold_and_hedged_where_wanted(outside: bool, short: float) -> None:
    desk = one(cover_outside=outside, weight=0.6)
    desk.book.asset[k.B_OUTSIDE] = 4.0
    desk.day()
    assert desk.x(k.X_WEIGHT, "A") == pytest.approx(1_400.0 / 2_400.0)
    assert desk.shorts("A") == pytest.approx(short)
    assert (desk.held("A"), desk.book.asset[k.B_OUTSIDE, 0]) == (10.0, 4.0)


# ---- cross hedges


def cross(beta: float = 1.5, rho2: float = 0.8, h: float = 0.5, cash: float = 10_000.0, **hedge: Any) -> Desk:
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d", "reserve": "0 %", **hedge})
    desk = Desk(
        policy, {"BTC": 50_000.0, "ALT": 2.0}, {"BTC": 0.0, "ALT": 0.5}, cash=cash, held={"ALT": 5_000.0}, bare=["ALT"]
    )
    return desk.see(external_hedge={"BTC": 0.0, "ALT": h}, beta=beta, rho2=rho2)


def test_an_asset_without_futures_is_hedged_by_beta_through_the_market_asset() -> None:
    desk = cross()
    leg = only(desk.day())
    assert leg.reason is Reason.CROSS_HEDGE
    assert leg.instrument == "BTC/USDT:USDT"
    assert leg.units * 50_000.0 == pytest.approx(-0.5 * 1.5 * 10_000.0)  # h x beta x value
    assert desk.x(k.X_SHORT, "ALT") == 0.0
    assert desk.decide() == []
    assert desk.x(k.X_SHORT, "ALT") == pytest.approx(2_500.0)
    assert desk.x(k.X_H_NOW, "ALT") == pytest.approx(0.5)
    assert desk.x(k.X_SHORT, "BTC") == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("rho2", "reason"), [(0.49, Reason.SELL_UNHEDGED), (0.5, Reason.CROSS_HEDGE), (float("nan"), Reason.SELL_UNHEDGED)]
)
def test_below_half_of_the_variance_it_is_sold_instead(rho2: float, reason: Reason) -> None:
    desk = cross(rho2=rho2)
    leg = only(desk.day())
    assert leg.reason is reason
    if reason is Reason.SELL_UNHEDGED:
        assert leg.limit == 0.5
        assert leg.measured == pytest.approx(rho2, nan_ok=True)
        assert leg.units == pytest.approx(-2_500.0)
        assert desk.decide() == []


def test_a_cross_hedges_collateral_includes_its_beta() -> None:
    """5,000 of stables fund a short of 5,000; h = 75 % at beta 2 needs 15,000: the rest is sold (2A-1)."""
    desk = cross(beta=2.0, h=0.75, cash=5_000.0)
    desk.day()
    short = desk.shorts("BTC") * 50_000.0
    assert desk.nav() - desk.held("ALT") * 2.0 == pytest.approx(short)
    assert desk.held("ALT") * 2.0 - short / 2.0 == pytest.approx(2_500.0)
    assert desk.book.scalar[k.S_CAPPED_DAY] == -float("inf")


def test_a_cross_hedge_that_lost_its_power_is_closed_and_sold_instead() -> None:
    desk = cross()
    desk.day()
    legs = desk.see(rho2=0.3).day()
    assert {leg.reason for leg in legs} == {Reason.HEDGE_COVER, Reason.SELL_UNHEDGED}
    assert desk.shorts("BTC") == pytest.approx(0.0)
    assert desk.held("ALT") == pytest.approx(2_500.0)


def test_a_cross_hedge_that_lost_its_power_is_closed_even_when_no_hedge_is_wanted() -> None:
    desk = cross()
    desk.day()
    legs = desk.see(rho2=0.3, external_hedge=0.0).day()
    assert kinds(legs) == {Reason.HEDGE_COVER: pytest.approx(0.15)}
    assert desk.shorts("BTC") == 0.0


def test_an_own_contract_does_not_hedge_twice_what_a_cross_hedge_still_covers() -> None:
    """The asset gets a contract of its own while the cross hedge cannot be covered: both together once exceeded its spot."""
    policy = rules_of(hedge={"constant": "75 %", "reserve": "0 %"})
    desk = Desk(policy, {"BTC": 50_000.0, "ALT": 2.0}, {"ALT": 0.2}, cash=50_000.0, held={"ALT": 5_000.0})
    desk.hedge[1] = -1
    desk.see(beta=1.0, rho2=0.9).day()
    assert desk.shorts("BTC") * 50_000.0 == pytest.approx(7_500.0)
    desk.hedge[1] = 3
    desk.fresh[2] = 0
    desk.day()
    assert desk.shorts("BTC") * 50_000.0 == pytest.approx(7_500.0)
    assert desk.shorts("ALT") * 2.0 == pytest.approx(2_500.0)  # not 7,500
    desk.fresh[2] = 1
    desk.day()
    desk.day()
    assert (desk.shorts("BTC"), desk.shorts("ALT")) == (0.0, pytest.approx(3_750.0))


def test_own_and_cross_hedges_share_a_contract_and_are_told_apart() -> None:
    policy = rules_of(hedge={"external": True, "rung_down_every": "0 d", "reserve": "0 %"})
    desk = Desk(policy, {"BTC": 50_000.0, "ALT": 2.0}, {"BTC": 0.4, "ALT": 0.1}, cash=50_000.0,
                held={"BTC": 0.8, "ALT": 5_000.0}, bare=["ALT"])  # fmt: skip
    desk.see(external_hedge={"BTC": 0.5, "ALT": 0.5}, beta=1.0, rho2=0.9).day()
    assert desk.shorts("BTC") == pytest.approx(0.4 + 0.1)
    desk.decide()
    assert (desk.x(k.X_SHORT, "BTC"), desk.x(k.X_SHORT, "ALT")) == pytest.approx((0.4, 2_500.0))
    desk.see(external_hedge={"BTC": 0.0, "ALT": 0.5}).day()
    assert desk.shorts("BTC") == pytest.approx(0.1)
    assert desk.book.asset[k.B_CROSS, 1] == pytest.approx(0.1)


# ---- dated contracts, inverse contracts


def dated(first: int = 7, second: int = 90) -> list[Instrument]:
    ns = 86_400_000_000_000
    return [
        Instrument(f"BTC/USDT:USDT-{n}", "BTC", kind=Kind.DATED, expiry_ns=n * ns, minimum_notional=0.0)
        for n in (first, second)
    ]


def test_a_dated_hedge_rolls_to_the_next_contract() -> None:
    policy = rules_of(hedge={"constant": "50 %", "instrument": "dated", "roll_slices": 1})
    desk = Desk(policy, {"BTC": 100.0}, {"BTC": 0.5}, cash=1_000.0, held={"BTC": 10.0}, futures=dated())
    desk.funding[:] = float("nan")  # a dated contract has none
    assert only(desk.day()).instrument == "BTC/USDT:USDT-7"
    desk.hedge[0] = 2
    legs = desk.day()
    assert [(leg.instrument[-3:].lstrip("T-"), round(leg.units, 9), leg.reason) for leg in legs] == [
        ("7", 5.0, Reason.ROLL), ("90", -5.0, Reason.ROLL)]  # fmt: skip
    assert (-desk.book.inst[k.P_UNITS, 1:]).tolist() == pytest.approx([0.0, 5.0])
    assert desk.book.inst[k.P_COLLATERAL, 1] == 0.0
    assert desk.decide() == []


def inverse(h: float = 0.5, held: float = 10.0, price: float = 50_000.0) -> Desk:
    policy = rules_of(hedge={"external": True, "inverse": True, "rung_down_every": "0 d"})
    desk = Desk(policy, {"BTC": price}, {"BTC": 1.0}, cash=0.0, held={"BTC": held}, inverse=True)
    return desk.see(external_hedge=h)


def test_an_inverse_hedge_is_backed_by_its_own_coins_and_sells_nothing() -> None:
    desk = inverse()
    assert kinds(desk.day()) == {Reason.HEDGE_RAISE: -5.0}
    assert (desk.held("BTC"), desk.book.inst[k.P_COLLATERAL, 1]) == pytest.approx((5.0, 5.0))
    assert desk.x(k.X_UNITS, "BTC") == pytest.approx(10.0)
    assert desk.decide() == []


@pytest.mark.parametrize(("price", "value"), [(30_000.0, 400_000.0), (50_000.0, 500_000.0), (80_000.0, 650_000.0)])
def test_g57_ten_coins_and_an_inverse_short_of_250_000(price: float, value: float) -> None:
    desk = inverse()
    desk.day()
    assert desk.at_price(BTC=price).nav() == pytest.approx(value)
    assert desk.decide() == []  # domain 2.12: not hedged anew because N/P moved


@pytest.mark.parametrize("price", [30_000.0, 50_000.0, 80_000.0])
def test_g57_one_coin_and_a_full_inverse_short_is_worth_the_same_at_every_price(price: float) -> None:
    desk = inverse(h=1.0, held=1.0)
    desk.day()
    assert desk.at_price(BTC=price).nav() == pytest.approx(50_000.0)


def test_covering_an_inverse_hedge_returns_the_coins_with_its_profit() -> None:
    desk = inverse(h=1.0, held=1.0)
    desk.day()
    desk.at_price(BTC=25_000.0).see(external_hedge=0.0).day()
    assert desk.shorts("BTC") == 0.0
    assert desk.held("BTC") == pytest.approx(2.0)
    assert desk.nav() == pytest.approx(50_000.0)


def test_the_fee_of_an_inverse_short_does_not_leave_it_above_the_coins() -> None:
    policy = rules_of(
        hedge={"constant": "100 %", "inverse": True, "leverage": "2 x", "high_risk": True},
        costs={"futures_fee": "50 bp"},
    )
    desk = Desk(policy, {"A": 100.0}, {"A": 1.0}, held={"A": 10.0}, inverse=True)
    desk.day()
    assert desk.shorts("A") <= (desk.held("A") + desk.book.inst[k.P_COLLATERAL, 1]) * (1 + 1e-12)
    assert desk.shorts("A") == pytest.approx(10.0, rel=0.01)


# ---- the excess: trim it or short it


@pytest.mark.parametrize(
    ("how", "funding", "reason"),
    [
        ("trim", 0.0, Reason.TRIM),
        ("hedge", 0.0, Reason.HEDGE_EXCESS),
        ("cheaper", 0.2, Reason.HEDGE_EXCESS),
        ("cheaper", -0.2, Reason.TRIM),
    ],
)
def test_the_same_excess_may_be_trimmed_or_shorted(how: str, funding: float, reason: Reason) -> None:
    policy = rules_of(trim={"drift": DRIFT | {"how": how}}, costs={"spot_fee": "30 bp", "futures_fee": "5 bp"})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.2}, cash=600.0, held={"A": 400.0}).see(funding7=funding)
    leg = only(desk.day())
    assert leg.reason is reason
    assert -leg.units == pytest.approx(200.0, rel=1e-3)
    assert desk.decide() == []


def test_the_excess_is_covered_when_the_asset_is_no_longer_over_target() -> None:
    policy = rules_of(trim={"drift": DRIFT | {"how": "hedge"}})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.2}, cash=600.0, held={"A": 400.0})
    desk.day()
    assert desk.shorts("A") == pytest.approx(200.0)
    desk.at_price(A=0.3)
    assert kinds(desk.day()) == {Reason.HEDGE_COVER: pytest.approx(200.0)}


# ---- the venue


def test_2a15_a_failing_venue_loses_its_hedge_and_gets_no_new_one() -> None:
    desk = one(h="50 %")
    desk.day()
    cover, sale = desk.see(venue_failure=1.0).day()
    assert (cover.kind, cover.reason, cover.units) == ("futures", Reason.VENUE_FAILURE, 5.0)
    assert (sale.kind, sale.reason, sale.units) == ("spot", Reason.VENUE_FAILURE, pytest.approx(-5.0))
    assert desk.shorts("A") == 0.0
    assert desk.cash() == pytest.approx(
        1_500.0
    )  # net exposure is kept: half of the coins are sold in place of the short
    assert desk.decide() == []
    assert desk.refused() == {Refusal.VENUE}
    desk.see(external_hedge=0.0)
    assert desk.decide() == []  # nothing is bought back while the venue fails
    assert kinds(desk.see(venue_failure=0.0).decide()) == {Reason.BUY_BACK: pytest.approx(5.0)}


def test_the_leverage_that_was_opted_into_funds_more() -> None:
    desk = one(cash=200.0, held=8.0, weight=0.8, h="50 %", reserve="0 %", leverage="2 x", high_risk=True)
    assert kinds(desk.day()) == {Reason.HEDGE_RAISE: -4.0}
    assert desk.book.inst[k.P_COLLATERAL, 1] == pytest.approx(200.0)
