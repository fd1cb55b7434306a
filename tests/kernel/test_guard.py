"""What shrinks or refuses a leg: worth, budget, liquidity, size, unknowns (domain 2.15, 2.16, 2A-7, 2A-8, 2A-13)."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.risk import joint_risk, risk_sums
from hedgerow.kernel.turnover import yearly_turnover
from hedgerow.model.plan import Reason, Refusal
from tests.kernel.desk import Desk, loose, only, rules_of

NAN = float("nan")
DRIFT = {"measure": "drift_abs", "threshold": "1 pp", "to": "target"}


def hedged(
    h: float,
    *,
    assets: int = 1,
    weight: float = 0.5,
    price: float = 1.0,
    costs: dict[str, Any] | None = None,
    **guard: Any,
) -> Desk:
    """A book of 1,000,000 with so many equal assets, in which a hedge of `h` is wanted."""
    names = [f"A{i}" for i in range(assets)]
    policy = rules_of(
        hedge={"external": True, "rung_down_every": "0 d", "reserve": "0 %", "min_step": "0.1 pp"}, guard=guard,
        costs=costs or {"futures_fee": "6 bp", "futures_half_spread": "1 bp"},
    )  # fmt: skip
    share = weight / assets
    desk = Desk(policy, dict.fromkeys(names, price), dict.fromkeys(names, share), cash=1e6 * (1 - weight),
                held=dict.fromkeys(names, 1e6 * share / price))  # fmt: skip
    return desk.see(external_hedge=h, sigma_ewma=0.6, correlation=0.8, funding7=0.0)


# ---- cost and benefit


@pytest.mark.parametrize(("h", "trades"), [(0.0236, False), (0.0238, True)])
def test_2_15_break_even_of_a_hedge_is_2_37_points(h: float, trades: bool) -> None:
    """c = 7 bp, gamma = 4, sigma = 0.6, w = 0.5, H = 30 d; the error is measured from a full hedge of h."""
    for price in (1.0, 8.0):
        assert bool(hedged(h, price=price, kappa="1 x", gamma="4 x").decide()) is trades


def test_the_refusal_says_benefit_over_cost() -> None:
    desk = hedged(0.02, kappa="1.5 x", gamma="4 x")
    desk.decide()
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.reason) == (Refusal.COST_BENEFIT, Reason.HEDGE_RAISE)
    assert refusal.measured == pytest.approx(0.02 / 0.0237, rel=2e-3)
    assert refusal.limit == 1.5


def test_2a8_nine_small_moves_pass_together_though_each_alone_would_be_blocked() -> None:
    """Alone, an asset of 1/9 of the book must move 9 times as far for the same benefit: per asset all raises are blocked."""
    step, rho, sigma, share = 0.07, 0.8, 0.6, 0.5 / 9
    scale, cost = 0.5 * 4 * 30 / 365, 0.0007
    alone = scale * (sigma * share * step) ** 2 / (cost * share * step)
    together = scale * (sigma * share * step) ** 2 * ((1 - rho) * 9 + rho * 81) / (9 * cost * share * step)
    assert alone < 1.5 < together
    desk = hedged(step, assets=9, kappa="1.5 x", gamma="4 x")
    legs = desk.decide()
    assert len(legs) == 9
    assert desk.refusals() == []
    single = hedged(0.0, assets=9, kappa="1.5 x", gamma="4 x").see(external_hedge={"A3": step})
    assert single.decide() == []
    assert only(single.refusals()).measured == pytest.approx(alone, rel=1e-6)


def test_the_worst_moves_are_dropped_until_the_rest_is_worth_its_cost() -> None:
    desk = hedged(0.0, assets=2, kappa="1.5 x", gamma="4 x", weight=0.9).see(external_hedge=0.0131, correlation=0.0)
    desk.see(sigma_ewma={"A0": 1.2, "A1": 0.1})  # benefit over cost: 2 and 0.01, together 1
    assert [leg.asset for leg in desk.decide()] == ["A0"]
    assert [leg.asset for leg in desk.refusals()] == ["A1"]


def test_kappa_of_zero_asks_for_nothing() -> None:
    assert hedged(0.001 + 0.002, kappa="0 x").decide()


def test_2a7_a_cover_after_a_change_of_state_and_a_restored_limit_are_exempt() -> None:
    desk = hedged(0.0, kappa="1000 x").short("A0", 300_000.0, collateral=0.0)
    assert only(desk.decide()).reason is Reason.HEDGE_COVER
    over = hedged(1.0, kappa="1000 x").short("A0", 510_000.0, collateral=0.0)
    assert only(over.decide()).reason is Reason.HEDGE_RESTORE


def test_2a7_forgone_carry_never_blocks_a_cover() -> None:
    poor, rich = (
        hedged(0.3, kappa="1.5 x").short("A0", 250_000.0, collateral=0.0).see(funding7=rate) for rate in (0.0, 5.0)
    )
    assert [leg.units for leg in poor.decide()] == [leg.units for leg in rich.decide()] == [pytest.approx(100_000.0)]


def test_the_risk_of_errors_with_one_common_correlation() -> None:
    desk = hedged(0.0, assets=3)
    desk.decide()
    x = desk.work.asset
    x[k.X_ERROR_OLD] = [0.1, -0.2, 0.05]
    sigma = 0.6
    expected = sum(
        0.6 * 0.6 * (1.0 if i == j else 0.8) * a * b
        for i, a in enumerate(x[k.X_ERROR_OLD])
        for j, b in enumerate(x[k.X_ERROR_OLD])
    )
    assert loose(joint_risk)(
        desk.work.measure, *loose(risk_sums)(desk.work.measure, x, k.X_ERROR_OLD)
    ) == pytest.approx(expected)
    assert sigma == 0.6


# ---- turnover


def test_the_soft_budget_stops_trims_and_the_hard_one_hedges_too() -> None:
    for spent, done in ((2.5, 1), (3.5, 0)):
        raised = hedged(0.5, turnover_soft="2 x", turnover_hard="3 x")
        raised.book.scalar[k.TURNOVER + 1] = spent
        assert len(raised.decide()) == done
        cover = hedged(0.0, turnover_soft="2 x", turnover_hard="3 x").short("A0", 200_000.0)
        cover.book.scalar[k.TURNOVER + 1] = spent
        assert len(cover.decide()) == done
    refusal = only(raised.refusals())
    assert (refusal.refusal, refusal.measured, refusal.limit) == (Refusal.TURNOVER, 3.5, 3.0)
    safety = hedged(1.0, turnover_soft="2 x", turnover_hard="3 x").short("A0", 510_000.0)
    safety.book.scalar[k.TURNOVER + 1] = 99.0
    assert only(safety.decide()).reason is Reason.HEDGE_RESTORE


def test_turnover_counts_a_year_of_trades_over_nav_and_forgets_it() -> None:
    desk = hedged(0.5)
    desk.day()
    assert loose(yearly_turnover)(desk.book.scalar) == pytest.approx(0.25, rel=1e-3)
    for _ in range(330):
        desk.decide()
    assert loose(yearly_turnover)(desk.book.scalar) == pytest.approx(0.25, rel=1e-3)
    for _ in range(40):
        desk.decide()
    assert loose(yearly_turnover)(desk.book.scalar) == 0.0


# ---- liquidity


def test_a_leg_is_cut_to_its_share_of_the_daily_turnover() -> None:
    desk = hedged(0.5, participation="1 %").see(adv30_futures=1e7)
    leg = only(desk.decide())
    assert leg.units == pytest.approx(-100_000.0)
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.wanted) == (Refusal.LIQUIDITY, pytest.approx(-150_000.0))


def test_a_leg_is_cut_to_the_slippage_that_is_allowed() -> None:
    costs = {"impact": "1 x", "futures_half_spread": "1 bp"}
    desk = hedged(0.5, costs=costs, slippage_cap="11 bp").see(adv30_futures=1e7, sigma_ewma=0.6)
    leg = only(desk.decide())
    root = 10e-4 / (0.6 / 365**0.5)
    assert -leg.units == pytest.approx(1e7 * root * root)


def test_a_spread_above_the_cap_trades_nothing() -> None:
    desk = hedged(0.5, costs={"futures_half_spread": "40 bp"}, slippage_cap="30 bp")
    assert desk.decide() == []
    assert desk.refused() == {Refusal.SLIPPAGE}


@pytest.mark.parametrize(("policy", "trades"), [("refuse", False), ("allow", True)])
def test_r068_an_unknown_turnover_is_refused_unless_it_is_allowed(policy: str, trades: bool) -> None:
    desk = hedged(0.5, unknown_liquidity=policy)
    assert bool(desk.decide()) is trades
    assert desk.refused() == (set() if trades else {Refusal.LIQUIDITY_UNKNOWN})


@pytest.mark.parametrize(("policy", "trades"), [("refuse", False), ("allow", True)])
def test_an_unknown_funding_opens_no_short_but_covers_one(policy: str, trades: bool) -> None:
    desk = hedged(0.5, unknown_funding=policy)
    desk.funding[1] = NAN
    assert bool(desk.decide()) is trades
    cover = hedged(0.0, unknown_funding=policy).short("A0", 200_000.0)
    cover.funding[1] = NAN
    assert cover.decide()


# ---- size


def sized(**terms: Any) -> Desk:
    policy = rules_of(trim={"drift": DRIFT}, guard={"min_leg": terms.pop("min_leg", "0 %")})
    return Desk(policy, {"A": 7.0}, {"A": 0.5}, cash=1_000.0, held={"A": terms.pop("held", 160.0)}, futures=(), **terms)


def test_legs_are_rounded_down_to_whole_lots() -> None:
    assert only(sized().decide()).units == pytest.approx(-60 / 7.0)
    assert only(sized(lot=0.5).decide()).units == -8.5


def test_rounding_to_lots_keeps_a_whole_number_of_them() -> None:
    desk = sized(lot=0.1, held=1_000.0 / 7.0 + 2 * 0.3)
    desk.rules.trim[0, k.T_THRESHOLD] = 1e-6
    assert only(desk.decide()).units == pytest.approx(-0.3)


def test_a_leg_below_the_venues_minimum_is_refused_with_its_size() -> None:
    desk = sized(least=100.0)
    assert desk.decide() == []
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.measured, refusal.limit) == (Refusal.BELOW_MINIMUM, pytest.approx(60.0), 100.0)


def test_the_smallest_leg_is_a_share_of_nav() -> None:
    assert sized(min_leg="2 %").decide()
    small = sized(min_leg="3 %")
    assert small.decide() == []
    assert small.refused() == {Refusal.BELOW_MINIMUM}


def test_closing_a_short_and_restoring_a_limit_have_no_smallest_size() -> None:
    desk = hedged(0.0, min_leg="50 %").short("A0", 200_000.0)
    assert desk.decide()
    assert hedged(1.0, min_leg="50 %").short("A0", 500_100.0).decide()


# ---- prices


@pytest.mark.parametrize("price", [NAN, 0.0, -1.0])
def test_nothing_is_ordered_at_a_price_that_is_none(price: float) -> None:
    desk = hedged(0.5)
    desk.price[1] = price
    legs = desk.decide()
    assert all(leg.kind == "spot" for leg in legs)  # without its contract the asset is as one without futures
    stale = hedged(0.5)
    stale.fresh[1] = 0
    assert stale.decide() == []
    assert stale.refused() == {Refusal.NO_PRICE}


def spent(**tables: Any) -> Desk:
    """A book with a trim of 30 points and a hedge of 75 % that no cash funds, after a year that spent the soft budget."""
    trim = {"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}}
    guard = {"turnover_soft": "2 x", "turnover_hard": "12 x"} | tables
    policy = rules_of(trim=trim, hedge={"external": True, "reserve": "0 %", "rung_down_every": "0 d"}, guard=guard)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.5}, cash=2_000.0, held={"A": 80.0})
    desk.book.scalar[k.TURNOVER + 1] = 3.0
    return desk


def test_with_the_soft_budget_spent_the_hedge_is_planned_for_what_stays() -> None:
    """A trim that is refused must not leave behind the plan that counted on it: the short is for 80 coins, not for 50."""
    desk = spent().see(external_hedge=0.2)
    (leg,) = desk.decide()
    assert (leg.reason, leg.units) == (Reason.HEDGE_RAISE, pytest.approx(-16.0))
    refused = only(desk.refusals(), refusal=Refusal.TURNOVER)
    assert (refused.reason, refused.wanted) == (Reason.TRIM, pytest.approx(-30.0))
    assert (refused.measured, refused.limit) == (3.0, 2.0)


def test_a_cover_goes_only_as_far_as_the_sale_that_replaces_it() -> None:
    """The market bears 1,000 of spot a day and any amount of futures: all of the short would go, and little of the spot."""
    guard = {"participation": "1 %", "unknown_liquidity": "refuse"}
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"}, guard=guard)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.8}, cash=0.0, held={"A": 100.0})
    desk.short("A", 75.0, collateral=500.0).see(adv30=1e5, adv30_futures=1e9)
    cover, sale = desk.decide()
    assert (cover.reason, sale.reason) == (Reason.HEDGE_UNFUNDED, Reason.FUND_HEDGE)
    assert sale.units == pytest.approx(-10.0)
    assert cover.units == pytest.approx(10.0)  # of 22.5: net exposure is no larger than it was
    desk.see(adv30=float("nan"))
    assert desk.decide() == []
    assert desk.refused() == {Refusal.LIQUIDITY_UNKNOWN, Refusal.UNREPLACED}
