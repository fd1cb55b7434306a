"""The carry sleeve, worked by hand: hurdle, caps, leaving, and a pair that shares its contract with a hedge (domain 2A-18)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel import hurdle
from hedgerow.kernel import run as runs
from hedgerow.kernel.book import pay_funding
from hedgerow.kernel.clock import act_on_margin
from hedgerow.kernel.closing import liquidate
from hedgerow.kernel.margin import collateral_due
from hedgerow.kernel.measure import own_short, spot_units
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.plan import Reason, Refusal
from hedgerow.research import backtest
from hedgerow.units import NS_PER_DAY
from tests.kernel import tape
from tests.kernel.desk import Desk, Leg, loose, only, rules_of

A_YEAR = 365.0
HELD = {"A": 400.0}  # at 100: 40 % of 100,000
ENTER, LEAVE = Reason.CARRY_ENTER, Reason.CARRY_LEAVE


def sleeve(*, lot: float = 0.0, least: float = 0.0, charged: bool = False, carry: Any = None, **tables: Any) -> Desk:
    """100,000 in all: 400 coins of A at 100 and 60,000 in stablecoins, all of it wanted so; a sleeve of A alone."""
    terms = {"enter": "5 %/yr", "each": "10 %"} | (carry or {})
    policy = rules_of(charged=charged, carry=terms, **tables)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=60_000.0, held=HELD, lot=lot, least=least)
    return desk.see(funding7=0.20, funding3=1e-4, funding7_lag3=0.20, adv30=1e9, adv30_futures=1e9)


def pair(desk: Desk, asset: str = "A") -> tuple[float, float]:
    """Coins that the sleeve holds, and that it is short."""
    a = desk.a(asset)
    short = sum(float(desk.book.inst[k.P_CARRY, i]) for i in desk.universe.futures_of(asset))
    return float(desk.book.asset[k.B_CARRY, a]), short


def part(desk: Desk) -> float:
    return float(desk.book.asset[k.B_PNL_CARRY].sum())


def of_sleeve(legs: list[Leg]) -> list[Leg]:
    return [leg for leg in legs if leg.reason.name.startswith("CARRY")]


# ---- the hurdle ------------------------------------------------------------------------------------------------------


def test_the_yield_is_carry_less_four_legs_on_what_the_pair_ties_up() -> None:
    """20 %/yr of funding. Spot costs 10 + 1 bp, the perpetual 5 + 1 bp, in and out: 34 bp, over 30 days 4.1367 %/yr.
    The pair ties up twice its notional: (20 - 4.1367) / 2 = 7.9317 %/yr.
    """
    desk = sleeve(charged=True, costs={"impact": "0 x"})
    desk.decide()
    legs = 2.0 * (0.0010 + 0.0001 + 0.0005 + 0.0001)
    by_hand = 0.5 * (0.20 - legs * A_YEAR / 30.0)
    assert by_hand == pytest.approx(0.079317, abs=1e-6)
    assert desk.x(k.X_PAIR_NET, "A") == pytest.approx(by_hand, rel=1e-12)
    assert desk.x(k.X_PAIR_GROSS, "A") == 0.20


@pytest.mark.parametrize(("above", "enters"), [(0.0, True), (1e-6, True), (-1e-6, False)])
def test_the_hurdle_is_met_exactly_at_it(above: float, enters: bool) -> None:
    """5 %/yr over a stable yield of 1 %/yr asks for carry of 2 x 6 % and the four legs: 12 + 4.1367 = 16.1367 %/yr."""
    desk = sleeve(charged=True, costs={"impact": "0 x"}, carry={"stable_yield": "1 %/yr"})
    needed = 2.0 * 0.06 + 0.0034 * A_YEAR / 30.0
    legs = desk.see(funding7=needed + above).decide()
    assert bool(of_sleeve(legs)) is enters


def test_the_legs_are_equal_and_tie_up_the_cap() -> None:
    desk = sleeve()
    legs = desk.day()
    long, short = only(legs, kind="spot"), only(legs, kind="futures")
    assert (long.reason, short.reason) == (ENTER, ENTER)
    assert long.units == pytest.approx(50.0)  # 10 % of 100,000 is 5,000 of coins and 5,000 of collateral
    assert short.units == pytest.approx(-50.0)
    assert pair(desk) == pytest.approx((50.0, 50.0))
    assert desk.cash() == pytest.approx(50_000.0)
    assert desk.book.inst[k.P_COLLATERAL, 1] == pytest.approx(5_000.0)


@pytest.mark.parametrize(("cap", "each", "tied"), [("10 %", "4 %", (0.04, 0.04)), ("5 %", "5 %", (0.05, 0.0))])
def test_the_caps_hold_and_the_best_carry_comes_first(cap: str, each: str, tied: tuple[float, float]) -> None:
    policy = rules_of(carry={"cap": cap, "each": each})
    desk = Desk(policy, {"A": 100.0, "B": 50.0}, {}, cash=100_000.0)
    desk.see(funding7={"A": 0.30, "B": 0.20}, funding3=1e-4)
    desk.day()
    value = [2.0 * pair(desk, name)[0] * price / 100_000.0 for name, price in (("A", 100.0), ("B", 50.0))]
    assert value == pytest.approx(tied)


def test_a_pair_that_grew_above_its_cap_is_cut_to_it() -> None:
    desk = sleeve(guard={"min_leg": "0.25 %"})
    desk.day()
    legs = of_sleeve(desk.at_price(A=150.0).decide())
    assert {leg.reason for leg in legs} == {Reason.CARRY_ROOM}
    desk.fill()
    nav = desk.nav()
    assert 2.0 * pair(desk)[0] * 150.0 == pytest.approx(0.10 * nav)
    assert pair(desk)[0] == pytest.approx(pair(desk)[1])


# ---- leaving ---------------------------------------------------------------------------------------------------------


def test_it_leaves_when_the_mean_is_below_and_the_least_holding_is_over() -> None:
    desk = sleeve(carry={"min_hold": "3 d", "cooldown": "2 d"})
    desk.day()
    desk.see(funding7=-0.001, funding3=0.0, funding7_lag3=-0.001)
    assert [of_sleeve(desk.day()) for _ in range(2)] == [[], []]  # days 2 and 3: held for one day, then two
    legs = of_sleeve(desk.day())
    assert [(leg.kind, leg.units, leg.reason) for leg in legs] == [("futures", 50.0, LEAVE), ("spot", -50.0, LEAVE)]
    assert pair(desk) == (0.0, 0.0)
    assert desk.cash() == pytest.approx(60_000.0)
    desk.see(funding7=0.20, funding3=1e-4, funding7_lag3=0.20)
    assert of_sleeve(desk.day()) == []  # the cooldown: left on day 4, again from day 6 on
    assert {leg.reason for leg in of_sleeve(desk.day())} == {ENTER}


def test_carry_of_exactly_the_leave_threshold_stays() -> None:
    desk = sleeve(carry={"min_hold": "0 d"})
    desk.day()
    assert of_sleeve(desk.see(funding7=0.0, funding7_lag3=0.0, funding3=0.0).day()) == []


def test_a_flip_of_funding_closes_at_once() -> None:
    desk = sleeve(carry={"min_hold": "30 d"})
    desk.day()
    legs = of_sleeve(desk.see(funding7=0.05, funding3=-0.6e-4, funding7_lag3=0.20).day())
    assert {leg.reason for leg in legs} == {Reason.CARRY_FLIP}
    assert pair(desk) == (0.0, 0.0)


def test_unknown_carry_neither_opens_nor_closes() -> None:
    desk = sleeve(carry={"min_hold": "0 d"})
    assert of_sleeve(desk.see(funding7=np.nan).decide()) == []
    desk.see(funding7=0.20).day()
    assert of_sleeve(desk.see(funding7=np.nan, funding3=np.nan).day()) == []
    assert pair(desk) == pytest.approx((50.0, 50.0))


def test_the_sleeve_ends_with_its_policy_and_on_a_failing_venue() -> None:
    desk = sleeve()
    desk.day()
    legs = of_sleeve(desk.see(venue_failure=1.0).decide())
    assert [leg.reason for leg in legs] == [Reason.CARRY_END] * 2
    desk.see(venue_failure=np.nan).rules.carry[:] = 0.0  # the same book under a policy without a sleeve
    assert [leg.reason for leg in of_sleeve(desk.day())] == [Reason.CARRY_END] * 2
    assert pair(desk) == (0.0, 0.0)


# ---- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "guard", "refusal"),
    [
        ({"quote_usd": 0.95}, {}, Refusal.DEPEG),
        ({"adv30": np.nan}, {"unknown_liquidity": "refuse"}, Refusal.LIQUIDITY_UNKNOWN),
        ({"adv30_futures": np.nan}, {"unknown_liquidity": "refuse"}, Refusal.LIQUIDITY_UNKNOWN),
        ({}, {"turnover_soft": "0 x"}, Refusal.TURNOVER),
    ],
)
def test_a_guard_refuses_the_pair_as_a_whole(seen: dict[str, float], guard: dict[str, str], refusal: Refusal) -> None:
    desk = sleeve(guard=guard)
    assert of_sleeve(desk.see(**seen).decide()) == []
    assert [leg.refusal for leg in of_sleeve(desk.refusals())] == [refusal]


def test_unknown_funding_of_the_contract_refuses_the_pair() -> None:
    desk = sleeve(guard={"unknown_funding": "refuse"})
    desk.funding[1] = np.nan
    assert of_sleeve(desk.decide()) == []
    assert [leg.refusal for leg in of_sleeve(desk.refusals())] == [Refusal.FUNDING_UNKNOWN]


def test_the_thinner_market_sizes_both_legs_and_lots_round_them_alike() -> None:
    desk = sleeve(lot=0.4, guard={"participation": "1 %"})
    desk.see(adv30=1e9, adv30_futures=309_000.0).day()  # 1 % of it: 3,090, 30.9 coins, in lots 30.8
    assert pair(desk) == pytest.approx((30.8, 30.8))


def test_a_pair_below_the_smallest_leg_is_not_opened() -> None:
    desk = sleeve(guard={"min_leg": "6 %"})  # half of a cap of 10 %
    assert of_sleeve(desk.decide()) == []


def test_nothing_is_sold_for_a_stablecoin_off_its_peg() -> None:
    desk = sleeve(carry={"min_hold": "0 d"})
    desk.day()
    legs = desk.see(quote_usd=0.9, funding7=-0.1, funding3=0.0, funding7_lag3=-0.1).decide()
    assert of_sleeve(legs) == []
    assert Refusal.DEPEG in {leg.refusal for leg in of_sleeve(desk.refusals())}


# ---- junior to the plan ----------------------------------------------------------------------------------------------


def test_a_hedge_gets_what_it_would_get_without_a_sleeve() -> None:
    """Half of 800 coins hedged needs 40,000 and a reserve of 10,000: of 20,000 in stablecoins none is left over."""
    shorts = []
    for carry in (None, {"each": "10 %"}):
        tables = {"hedge": {"external": True}} | ({"carry": carry} if carry else {})
        desk = Desk(rules_of(**tables), {"A": 100.0}, {"A": 0.8}, cash=20_000.0, held={"A": 800.0})
        desk.see(funding7=0.20, funding3=1e-4, funding7_lag3=0.20, external_hedge=0.0).day()
        assert pair(desk)[0] == pytest.approx(50.0 if carry else 0.0)
        desk.see(external_hedge=0.5).day()
        assert pair(desk) == (0.0, 0.0)
        shorts.append((desk.shorts("A"), desk.held("A"), desk.cash()))
    assert shorts[1] == pytest.approx(shorts[0])


def test_money_that_hedges_and_their_reserve_need_is_not_idle() -> None:
    desk = sleeve(hedge={"constant": "100 %", "reserve": "25 %"})  # 40,000 hedged needs 50,000 of 60,000
    desk.day()
    desk.day()
    assert desk.shorts("A") - pair(desk)[1] == pytest.approx(400.0)
    tied = 2.0 * pair(desk)[0] * 100.0
    assert tied == pytest.approx(10_000.0 * 2.0 / 2.25)  # a quarter of its notional stays in reserve, too


# ---- one contract, two books ------------------------------------------------------------------------------------------


def netted(**tables: Any) -> Desk:
    """A hedge of 200 coins and a pair of 50 on one contract."""
    desk = sleeve(hedge={"external": True, "reserve": "0 %", "rung_down_every": "0 d"}, **tables)
    desk.see(external_hedge=0.5).day()
    desk.day()
    assert desk.shorts("A") == pytest.approx(250.0)
    assert pair(desk) == pytest.approx((50.0, 50.0))
    return desk


def test_hedge_and_sleeve_share_a_contract_and_are_counted_apart() -> None:
    desk = netted()
    a, book, inst = 0, desk.book, desk.rules.inst
    assert loose(spot_units)(book.asset, book.inst, inst, a) == pytest.approx(400.0)
    assert loose(own_short)(book.asset, book.inst, inst, a, 0) == pytest.approx(200.0)
    desk.decide()
    assert desk.x(k.X_H_NOW, "A") == pytest.approx(0.5)
    assert desk.x(k.X_WEIGHT, "A") == pytest.approx(0.4)


def test_a_cover_leaves_the_sleeves_short_and_a_sale_its_coins() -> None:
    desk = netted(guard={"min_leg": "0 %"})
    desk.see(external_hedge=0.0).day()
    assert desk.shorts("A") == pytest.approx(50.0)
    assert pair(desk) == pytest.approx((50.0, 50.0))
    desk.rules.asset[k.A_TARGET, 0] = 0.0
    desk.rules.scalar[k.K_REBALANCE] = 0.0  # everything to target: all holdings are sold
    desk.day()
    assert desk.held("A") == pytest.approx(50.0)
    assert pair(desk) == pytest.approx((50.0, 50.0))


def test_the_pair_leaves_the_hedge_standing() -> None:
    desk = netted(carry={"min_hold": "0 d"})
    desk.see(funding7=-0.05, funding3=0.0, funding7_lag3=-0.05).day()
    assert pair(desk) == (0.0, 0.0)
    assert desk.shorts("A") == pytest.approx(200.0)
    assert desk.held("A") == pytest.approx(400.0)


def test_its_result_is_one_part_and_the_hedges_stays_its_own() -> None:
    """A pair of 50 beside a hedge of 200: prices move by 20 and 21, funding of 10 bp is paid on 250."""
    desk = netted()
    before = desk.book.asset[k.FIRST_PART :, 0].copy()
    start = desk.nav()
    desk.price[:] = [120.0, 121.0]
    loose(runs.settle_marks)(desk.rules.inst, desk.book.asset, desk.book.inst, desk.price)
    loose(pay_funding)(desk.rules, desk.book, 1, 0.001, 121.0, 120.0)
    moved = desk.book.asset[k.FIRST_PART :, 0] - before
    by_hand = {"spot": 400 * 20, "hedge": -200 * 20, "basis": -200 * 1, "funding": 200 * 0.121}
    assert moved[:4] == pytest.approx(list(by_hand.values()))
    assert moved[8] == pytest.approx(50 * 20 - 50 * 21 + 50 * 0.121)
    assert desk.nav() - start == pytest.approx(moved.sum())


def test_fees_and_slippage_of_its_legs_are_its_own_part() -> None:
    desk = sleeve(charged=True, costs={"impact": "0 x"}, carry={"each": "10 %"})
    desk.day()
    coins = pair(desk)[0]
    assert part(desk) == pytest.approx(-coins * 100.0 * 0.0017, rel=1e-3)
    assert desk.parts() == pytest.approx(part(desk), abs=1e-9)


# ---- margin ----------------------------------------------------------------------------------------------------------


def test_the_margin_ladder_cuts_the_sleeve_before_any_hedge() -> None:
    """At 130 the 250 coins short lost 7,500 of 25,000 and need 32,500: 15,000 are due, 5,000 are there. A coin of the
    pair frees its price twice, so 10,000 / 260 coins of it go, and no coin that is hedged.
    """
    desk = netted()
    desk.book.wallet[k.W_CASH, 0] = 5_000.0
    desk.at_price(A=130.0)
    desk.book.scalar[k.S_NAV] = desk.nav()
    desk.work.counts[0] = 0
    loose(act_on_margin)(desk.rules, desk.book, desk.work, desk.price, desk.fresh, desk.funding)
    legs = desk.plan()
    assert {leg.reason for leg in legs if leg.kind != "margin"} == {Reason.CARRY_MARGIN}
    cover, sale = only(legs, kind="futures"), only(legs, kind="spot")
    assert (cover.units, sale.units) == pytest.approx((10_000 / 260, -10_000 / 260))
    desk.fill()
    assert pair(desk)[0] == pytest.approx(pair(desk)[1])
    due = loose(collateral_due)(desk.rules.scalar, desk.rules.inst, desk.book.inst, 1, 130.0, 130.0)
    assert due == pytest.approx(0.0, abs=1e-6)
    assert desk.cash() == pytest.approx(0.0, abs=1e-6)
    assert desk.shorts("A") - pair(desk)[1] == pytest.approx(200.0)
    assert desk.held("A") - pair(desk)[0] == pytest.approx(400.0)


def test_a_liquidation_takes_the_pairs_short_and_its_coins_are_sold_next() -> None:
    desk = netted(carry={"min_hold": "0 d"})
    before, nav = desk.parts(), desk.nav()
    desk.at_price(A=float(desk.book.inst[k.P_LIQUIDATION, 1]))
    loose(runs.settle_marks)(desk.rules.inst, desk.book.asset, desk.book.inst, desk.price)
    loose(liquidate)(desk.rules, desk.book, 1, desk.price[1])
    assert pair(desk) == pytest.approx((50.0, 0.0))
    assert desk.parts() - before == pytest.approx(desk.nav() - nav)
    legs = of_sleeve(desk.see(external_hedge=0.0, funding7=np.nan).day())
    assert [(leg.kind, leg.units, leg.reason) for leg in legs] == [("spot", -50.0, Reason.CARRY_LOOSE)]
    assert pair(desk) == (0.0, 0.0)


def test_the_sleeves_short_is_backed_whole_beside_a_leveraged_hedge() -> None:
    desk = netted()
    desk.rules.scalar[k.K_LEVERAGE] = 2.0
    due = loose(collateral_due)(desk.rules.scalar, desk.rules.inst, desk.book.inst, 1, 100.0, 100.0)
    assert due == pytest.approx(200 * 100 / 2 + 50 * 100 - 25_000.0)


# ---- dated -----------------------------------------------------------------------------------------------------------


def dated() -> Desk:
    """A dated contract that stands 4 % above spot, 73 days before its expiry: 20 %/yr; and an earlier one that is near."""
    near, far = (
        Instrument(f"A/USDT:USDT-{d}", "A", kind=Kind.DATED, expiry_ns=d * NS_PER_DAY, minimum_notional=0.0)
        for d in (5, 73)
    )
    policy = rules_of(carry={"instrument": "dated", "each": "10 %"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=60_000.0, held=HELD, futures=[near, far])
    desk.price[2] = 104.0
    return desk


def test_a_dated_pair_earns_the_basis_and_leaves_before_its_expiry() -> None:
    desk = dated()
    short = only(of_sleeve(desk.day()), kind="futures")
    assert short.instrument == "A/USDT:USDT-73"
    assert desk.x(k.X_PAIR_GROSS, "A") == pytest.approx(0.04 * 365 / 73)
    desk.book.scalar[k.S_NOW] = 65.9 * NS_PER_DAY
    desk.price[2] = 100.5
    assert of_sleeve(desk.decide()) == []
    desk.book.scalar[k.S_NOW] = 66.0 * NS_PER_DAY  # hedge.roll_before: 7 days
    assert {leg.reason for leg in of_sleeve(desk.day())} == {Reason.CARRY_END}
    assert pair(desk) == (0.0, 0.0)


def test_inverse_contracts_carry_no_pair() -> None:
    policy = rules_of(carry={})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.4}, cash=60_000.0, held=HELD, inverse=True)
    desk.see(funding7=0.5, funding3=1e-4)
    assert loose(hurdle.contract_for)(desk.rules, desk.book, desk.price, 0) == -1
    assert of_sleeve(desk.decide()) == []


# ---- over a run ------------------------------------------------------------------------------------------------------


def carried(days: int = 40) -> tuple[Any, Any, Any]:
    """A pair that opens on the first day and flips out after the 21st, beside a hedge of half; funding every day."""
    rng = np.random.default_rng(7)
    closes = (100.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(40)))).tolist()[:days]
    good = np.arange(days) < 20
    signals = {
        "funding7": np.where(good, 0.30, 0.10), "funding7_lag3": np.full(days, 0.30), "external_hedge": np.full(days, 0.5),
        "funding3": np.where(good, 2e-4, -1e-4), "adv30": np.full(days, 1e9), "adv30_futures": np.full(days, 1e9),
    }  # fmt: skip
    policy = rules_of(charged=True, carry={}, hedge={"external": True, "reserve": "0 %"})
    stage = tape.stage({"A": closes}, funding=3e-4, signals=signals)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest, "run_kernel", loose(runs.run))
        run, traces = backtest.trace(policy, stage, capital=100_000.0, weights={"A": 0.4})
    return policy, run, traces


def test_nine_parts_are_the_change_of_value_on_every_day() -> None:
    _, run, _ = carried()
    assert run.parts.shape[1] == 9
    assert np.abs(run.parts.sum(axis=1) - (run.nav - 100_000.0)).max() <= 1e-9 * run.nav.max()
    # the plan buys A on the first day and shorts it on the second: the pair is decided on the third, and fills on the next
    assert (run.sleeve > 0.0).nonzero()[0].tolist() == list(range(3, 21))
    assert np.ptp(run.parts[22:, 8]) == 0.0
    legs = [leg for leg in run.legs if leg.sleeve]
    assert {"carry_enter", "carry_flip"} <= {leg.reason for leg in legs} <= {"carry_enter", "carry_room", "carry_flip"}


def traces_of_sleeve(traces: Any) -> list[float]:
    """The kinds of the sleeve's rows in the log: spot, futures, funding."""
    log = traces.log[(traces.log[:, k.L_SLEEVE] == 1.0) & (traces.log[:, k.L_STATUS] == k.FILLED)]
    return sorted(set(log[:, k.L_KIND].tolist()))


def test_the_log_tells_its_fills_and_funding_from_the_hedges() -> None:
    assert traces_of_sleeve(carried()[2]) == [k.LEG_SPOT, k.LEG_FUTURES, k.LEG_FUNDING]


def test_no_decision_depends_on_later_days() -> None:
    whole, part = carried(40)[1], carried(25)[1]
    assert whole.sleeve[:25].tolist() == part.sleeve.tolist()
    assert whole.nav[:25].tolist() == part.nav.tolist()


def test_a_pair_is_backed_by_isolated_margin_and_asks_for_sane_numbers() -> None:
    with pytest.raises(ConfigError, match="isolated"):
        rules_of(carry={}, margin={"mode": "cross"})
    with pytest.raises(ConfigError, match="each must not lie above cap"):
        rules_of(carry={"cap": "5 %", "each": "6 %"})
    with pytest.raises(ConfigError, match="leave must not lie above"):
        rules_of(carry={"leave": "6 %/yr"})
