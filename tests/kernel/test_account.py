"""Margin that shorts share: one futures wallet, or cash and coins together (domain 2.17, 2A-1), and its liquidation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgerow.kernel import arrays as k
from hedgerow.kernel.account import account_distance, account_spare, account_state, refresh_account
from hedgerow.kernel.clock import repay
from hedgerow.kernel.ladder import rung_at
from hedgerow.kernel.run import decide_once
from hedgerow.model.instrument import Instrument, Kind, Tier
from hedgerow.model.margin import DEFAULT_TIERS, pack_tiers
from hedgerow.model.plan import Reason
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research.accounts import accounts_of
from hedgerow.research.backtest import Traces, trace
from tests.kernel.desk import Desk, loose, rules_of
from tests.kernel.tape import stage

TWO = {"A": 100.0, "B": 50.0}


def shared(mode: str, *, cash: float = 0.0, wallet: float = 0.0, **tables: Any) -> Desk:
    """10 A and 20 B short at 100 and 50 against 20 A and 40 B held, backed by ``wallet`` (cross) or cash and coins."""
    margin = {"mode": mode, "haircut": "20 %"} | tables.pop("margin", {})
    desk = Desk(rules_of(margin=margin, **tables), TWO, {"A": 0.4, "B": 0.4}, cash=cash, held={"A": 20.0, "B": 40.0})
    desk.short("A", 10.0, collateral=0.0).short("B", 20.0, collateral=0.0)
    desk.book.wallet[k.W_MARGIN, 0] = wallet
    return desk


def state(desk: Desk, rise: float = 0.0) -> tuple[float, float, float]:
    return loose(account_state)(desk.rules, desk.book, desk.price, rise)


def test_a_futures_wallet_backs_all_shorts_together() -> None:
    """Equity 2,000 at first; after A rose by 40 % it is 1,600, maintenance .005 x (1,400 + 1,000) = 12."""
    desk = shared("cross", wallet=2_000.0)
    assert state(desk) == pytest.approx((2_000.0, 10.0, 2_000.0))
    desk.at_price(A=140.0)
    assert state(desk) == pytest.approx((1_600.0, 12.0, 2_400.0))
    assert loose(account_spare)(desk.rules, desk.book, desk.price) == pytest.approx(-800.0)


def charged(part: str, **hedge: Any) -> Policy:
    """A unified account that hedges so much of its coins at 5 bp."""
    margin = {"mode": "unified", "haircut": "0 %"}
    return rules_of(hedge={"constant": part} | hedge, margin=margin, costs={"futures_fee": "5 bp"})


@pytest.mark.parametrize("cash", [0.0, 0.05, 1.0])
def test_no_protected_coin_pays_the_fee_of_a_short(cash: float) -> None:
    """All coins are protected: a unified account opens no more than its cash pays the fee of, and sells none of them."""
    policy = charged("75 %")
    desk = Desk(policy, {"A": 100.0}, {"A": 0.9}, cash=cash, held={"A": 10.0})
    desk.book.asset[k.B_PROTECTED] = 10.0
    desk.see(adv30=1e9, adv30_futures=1e9, sigma_ewma=0.5).decide()
    desk.fill()
    assert desk.held("A") == 10.0
    assert desk.cash() >= 0.0
    assert desk.shorts("A") == pytest.approx(min(7.5, cash / (100.0 * 5e-4)), rel=1e-3)


def test_a_free_coin_pays_the_fee_of_a_short_before_a_protected_one() -> None:
    """A is protected and hedged, B is free: with no cash B is sold for the fee, though A is the one that is traded."""
    policy = charged("75 %")
    desk = Desk(policy, {"A": 100.0, "B": 50.0}, {"A": 0.8, "B": 0.1}, held={"A": 10.0, "B": 2.0}, bare=("B",))
    desk.book.asset[k.B_PROTECTED, 0] = 10.0
    desk.see(adv30=1e9, adv30_futures=1e9, sigma_ewma=0.5).decide()
    before = desk.held("B")
    desk.fill()
    assert desk.shorts("A") == pytest.approx(7.5)
    assert desk.held("A") == 10.0
    assert desk.held("B") < before


@pytest.mark.parametrize("cash", [0.0, 0.2, 10.0])
def test_coins_that_pay_the_fee_of_a_short_are_not_hedged_by_it(cash: float) -> None:
    """10 coins at 100, short at 5 bp: without cash 0.05 % of them are sold for it, so as many fewer are short."""
    policy = charged("100 %", leverage="2 x", high_risk=True)
    desk = Desk(policy, {"A": 100.0}, {"A": 0.9}, cash=cash, held={"A": 10.0})
    desk.see(adv30=1e9, adv30_futures=1e9, sigma_ewma=0.5).decide()
    desk.fill()
    sold = max(0.0, 10.0 * 100.0 * 5e-4 - cash) / 100.0
    assert desk.held("A") == pytest.approx(10.0 - sold, rel=1e-5)
    assert desk.shorts("A") == pytest.approx(10.0 - sold, rel=1e-5)
    assert desk.shorts("A") <= desk.held("A") * (1.0 + 1e-12)


def in_debt(owed: float, *, protected: tuple[float, float], shorts: tuple[float, float]) -> Desk:
    """A unified account of 10 A at 100 and 20 B at 50 that owes quote, after what made the debt was sold for."""
    desk = Desk(
        rules_of(margin={"mode": "unified"}), TWO, {"A": 0.4, "B": 0.4}, cash=-owed, held={"A": 10.0, "B": 20.0}
    )
    desk.book.asset[k.B_PROTECTED] = protected
    for name, coins in zip(TWO, shorts, strict=True):
        desk.short(name, coins, collateral=0.0)
    log, used = np.zeros((9, k.LEG)), np.zeros(1, np.int64)
    loose(repay)(desk.rules, desk.book, desk.work, 0, desk.price, 1, log, used)
    assert desk.cash() == pytest.approx(0.0, abs=1e-6)
    return desk


@pytest.mark.parametrize(
    ("protected", "shorts", "sold"),
    [
        ((0.0, 0.0), (0.0, 0.0), (5.0, 0.0)),  # A made the debt
        ((10.0, 0.0), (0.0, 0.0), (0.0, 10.0)),  # B is free
        ((10.0, 0.0), (0.0, 14.0), (2.0, 6.0)),  # as far as no short stands against it; then A
        ((10.0, 0.0), (10.0, 0.0), (0.0, 10.0)),
        ((0.0, 0.0), (10.0, 20.0), (5.0, 0.0)),  # nothing is bare
    ],
)
def test_a_debt_is_sold_for_in_free_and_bare_coins_first(
    protected: tuple[float, float], shorts: tuple[float, float], sold: tuple[float, float]
) -> None:
    desk = in_debt(500.0, protected=protected, shorts=shorts)
    assert (10.0 - desk.held("A"), 20.0 - desk.held("B")) == pytest.approx(sold, abs=1e-6)


@pytest.mark.parametrize("protected", [(0.0, 0.0), (10.0, 0.0), (0.0, 20.0), (4.0, 0.0)])
def test_no_fee_of_a_short_takes_a_coin_that_is_hedged(protected: tuple[float, float]) -> None:
    """Two assets, both to be hedged whole, no cash: whichever coins pay the fees, none is short that is not held."""
    policy = charged("100 %", leverage="2 x", high_risk=True)
    desk = Desk(policy, TWO, {"A": 0.5, "B": 0.5}, held={"A": 10.0, "B": 20.0})
    desk.book.asset[k.B_PROTECTED] = protected
    desk.see(adv30=1e9, adv30_futures=1e9, sigma_ewma=0.5).decide()
    desk.fill()
    assert desk.shorts("A") + desk.shorts("B") / 2.0 > 9.9
    for name, kept in zip(TWO, protected, strict=True):
        assert desk.shorts(name) <= desk.held(name) * (1.0 + 1e-12)
        assert desk.held(name) >= kept


def test_a_unified_account_counts_coins_less_their_haircut() -> None:
    """Cash 500, coins (2,000 + 2,000) x .8 = 3,200: equity 3,700. Up 50 %: 500 + 4,800 - 1,000 = 4,300."""
    desk = shared("unified", cash=500.0)
    assert state(desk)[0] == pytest.approx(3_700.0)
    assert state(desk, 0.5)[0] == pytest.approx(4_300.0)
    assert np.isinf(loose(account_distance)(desk.rules, desk.book, desk.price)), "coins outweigh the shorts"


@pytest.mark.parametrize(
    ("mode", "cash", "wallet"), [("cross", 0.0, 2_000.0), ("cross", 0.0, 300.0), ("unified", -1_500.0, 0.0)]
)
def test_at_the_distance_equity_is_the_maintenance_margin(mode: str, cash: float, wallet: float) -> None:
    desk = shared(mode, wallet=wallet)
    desk.book.wallet[k.W_CASH, 0] = cash
    desk.book.asset[k.B_HELD] *= 0.5 if mode == "unified" else 1.0  # 80 % of the shorts: a rise can still hurt
    found = loose(account_distance)(desk.rules, desk.book, desk.price)
    assert 0.0 < found < 10.0
    equity, need, _ = state(desk, found)
    assert equity == pytest.approx(need, rel=1e-6)


@pytest.mark.parametrize("price", [35_000.0, 35_043.7, 41_234.5])
def test_a_far_rise_into_dear_tiers_is_found_and_is_not_taken_for_a_near_one(price: float) -> None:
    """Coins outweigh the short at today's rate, not at that of its largest tier (30 %): the account ends far above.

    A search that measured slopes over a bare millionth lost them in rounding far away, and answered below nothing.
    """
    desk = Desk(
        rules_of(margin={"mode": "unified", "haircut": "10 %"}),
        {"A": price},
        {"A": 0.5},
        cash=410_000.0,
        held={"A": 10.0},
    )
    desk.short("A", 8.625, collateral=0.0)
    desk.rules = desk.rules._replace(tier=pack_tiers([DEFAULT_TIERS])[0])
    desk.rules.inst[k.I_TIER, 1], desk.rules.inst[k.I_TIERS, 1] = 0.0, float(len(DEFAULT_TIERS))
    found = loose(account_distance)(desk.rules, desk.book, desk.price)
    equity, need, _ = state(desk, found)
    assert 10.0 < found < 1_000.0
    assert equity == pytest.approx(need, rel=1e-6)
    assert loose(rung_at)(desk.rules, desk.book, 1, desk.price) == k.NEAR_NONE


def test_each_short_of_a_wallet_is_shown_its_price_with_the_others_as_they_stand() -> None:
    """Domain 2.17: (WB - TMM_others + UPNL_others + q E) / (q (1 + MMR)) = (2,000 - 5 + 1,000) / (10 x 1.005)."""
    desk = shared("cross", wallet=2_000.0)
    loose(refresh_account)(desk.rules, desk.book, desk.price)
    assert desk.book.inst[k.P_LIQUIDATION, 2] == pytest.approx((2_000.0 - 5.0 + 1_000.0) / 10.05)
    equity = 2_000.0 - 10.0 * (desk.book.inst[k.P_LIQUIDATION, 2] - 100.0)
    assert equity == pytest.approx(5.0 + 0.005 * 10.0 * desk.book.inst[k.P_LIQUIDATION, 2])


@given(
    units=st.tuples(*[st.floats(0.1, 20.0)] * 2), entries=st.tuples(*[st.floats(0.3, 3.0)] * 2),
    wallet=st.floats(0.05, 3.0), mode=st.sampled_from(["cross", "unified"]), haircut=st.sampled_from([0.0, 0.3, 0.9]),
    which=st.integers(0, 1),
)  # fmt: skip
def test_at_its_liquidation_price_the_whole_account_is_at_its_maintenance(
    units: tuple[float, float], entries: tuple[float, float], wallet: float, mode: str, haircut: float, which: int
) -> None:
    """Whatever the other positions, coins and tiers are: with them as they stand, that price is the account's end."""
    steep = Tier(0.0, 0.01, 0.0), Tier(300.0, 0.05, 12.0)
    futures = [Instrument(f"{a}/USDT:USDT", a, kind=Kind.PERPETUAL, minimum_notional=0.0, tiers=steep) for a in TWO]
    desk = Desk(
        rules_of(margin={"mode": mode, "haircut": f"{100 * haircut:g} %"}), TWO, {"A": 0.4, "B": 0.4}, futures=futures,
        held={"A": 0.6 * units[0], "B": 0.6 * units[1]},
    )  # fmt: skip
    for asset, coins, entry in zip(TWO, units, entries, strict=True):
        desk.short(asset, coins, entry=entry * TWO[asset], collateral=0.0)
    notional = sum(coins * price for coins, price in zip(units, TWO.values(), strict=True))
    desk.book.wallet[k.W_CASH if mode == "unified" else k.W_MARGIN, 0] = wallet * notional
    loose(refresh_account)(desk.rules, desk.book, desk.price)
    i = 2 + which
    level = float(desk.book.inst[k.P_LIQUIDATION, i])
    assume(0.0 < level < 1e6)
    coin = level / desk.price[i]
    desk.price[[which, i]] *= coin  # the coin that is collateral rises with its contract
    equity, need, value = state(desk)
    assert equity == pytest.approx(need, abs=1e-9 * max(value, equity, notional * coin))
    desk.price[[which, i]] *= 1.01
    equity, need, _ = state(desk)
    assert equity < need


def test_coins_that_back_their_own_short_leave_it_no_liquidation_price() -> None:
    desk = shared("unified", cash=100.0)
    loose(refresh_account)(desk.rules, desk.book, desk.price)
    assert np.isinf(desk.book.inst[k.P_LIQUIDATION, 2:]).all()  # 16 coins after the haircut against 10 short


@pytest.mark.parametrize(
    ("wallet", "rung"),
    [
        (2_000.0, k.NEAR_NONE), (1_600.0, k.NEAR_WARN), (1_450.0, k.NEAR_TOP), (1_000.0, k.NEAR_STOP), (700.0, k.NEAR_REDUCE),
        (200.0, k.NEAR_FLATTEN),
    ],
)  # fmt: skip
def test_the_rungs_of_the_ladder(wallet: float, rung: int) -> None:
    """Distance of 2,000 short at 1x: equity e is gone after a rise of (e - 10) / 2,010."""
    desk = shared("cross", wallet=wallet)
    assert loose(rung_at)(desk.rules, desk.book, 2, desk.price) == rung


def test_pairs_of_every_short_go_in_proportion_where_no_cash_tops_up() -> None:
    desk = shared("cross", wallet=600.0, hedge={"constant": "50 %", "reserve": "0 %"})
    loose(decide_once)(
        desk.rules, desk.book, desk.work, desk.signal, desk.price, desk.fresh, desk.funding, desk.routes, False
    )  # fmt: skip
    legs = [leg for leg in desk.plan() if leg.reason is Reason.PAIR_REDUCE]
    covered = {leg.asset: leg.units for leg in legs if leg.units > 0.0}
    assert covered["A"] * 100.0 == pytest.approx(covered["B"] * 50.0)
    assert {leg.asset: -leg.units for leg in legs if leg.units < 0.0} == pytest.approx(covered)


def play(
    closes: dict[str, list[float]], highs: dict[str, list[float]] | None = None, **tables: Any
) -> tuple[Run, Traces]:
    """Weights of 40 % each, everything at 100, a full hedge."""
    hedge = {"constant": "100 %", "reserve": "0 %"} | tables.pop("hedge", {})
    made = stage(closes, highs=highs)
    weights = {name: 0.4 for name in closes if "/" not in name}
    return trace(rules_of(hedge=hedge, **tables), made, capital=2_000.0, weights=weights)


def test_2a1_unified_collateral_takes_the_place_of_a_sale() -> None:
    """Isolated, 80 % of spot and a hedge of 75 % needs 60 % of spot, 40 % short; with coins as collateral nothing is sold."""
    apart, _ = play({"A": [100.0] * 5, "B": [100.0] * 5}, hedge={"constant": "75 %"})
    assert apart.weight[-1].sum() == pytest.approx(0.6, abs=0.01)
    together, traces = play(
        {"A": [100.0] * 5, "B": [100.0] * 5}, hedge={"constant": "75 %"}, margin={"mode": "unified"}
    )
    assert together.weight[-1].sum() == pytest.approx(0.8, abs=0.01)
    assert together.h_achieved[-1] == pytest.approx([0.75, 0.75])
    assert (traces.book.inst[k.P_COLLATERAL] == 0.0).all()


def test_a_spike_of_one_coin_liquidates_it_alone_but_not_in_a_wallet() -> None:
    """A doubles for a moment: its own collateral is gone, the shared wallet bears it."""
    closes = {"A": [100.0] * 6, "B": [100.0] * 6}
    highs = {"A": [100.0, 100.0, 100.0, 200.0, 100.0, 100.0], "B": [100.0] * 6}
    alone, _ = play(closes, highs)
    assert alone.liquidations == 1
    pooled, _ = play(closes, highs, margin={"mode": "cross"})
    assert pooled.liquidations == 0
    assert pooled.nav[-1] == pytest.approx(2_000.0)


def test_a_wallet_that_is_gone_takes_every_short_with_it() -> None:
    """Both treble: equity 1,000 - 2,000 < 0. The venue's fund bears what lacks: the loss is the wallet, not more."""
    closes = {"A": [100.0] * 6, "B": [100.0] * 6}
    highs = {name: [100.0, 100.0, 100.0, 300.0, 100.0, 100.0] for name in closes}
    run, traces = play(closes, highs, margin={"mode": "cross"})
    assert run.liquidations == 2
    assert traces.book.wallet[k.W_MARGIN, 0] >= 0.0
    assert run.nav[3] == pytest.approx(1_000.0)
    assert run.nav - 2_000.0 == pytest.approx(run.parts.sum(axis=1))


def test_an_account_that_owes_sells_coins() -> None:
    """A unified account covers at a loss that its cash does not pay: coins are sold for it, and cash is not negative."""
    closes = {"A": [100.0] * 3 + [200.0] * 3, "B": [100.0] * 6}
    signals = {"external_hedge": np.array([[1.0, 1.0]] * 4 + [[0.0, 0.0]] * 2)}
    policy = rules_of(
        hedge={"external": True, "reserve": "0 %", "rung_down_every": "0 d"},
        margin={"mode": "unified", "haircut": "0 %"},
    )
    run, traces = trace(policy, stage(closes, signals=signals), capital=2_000.0, weights={"A": 0.9, "B": 0.05})
    repaid = [leg for leg in run.legs if leg.reason == "repaid"]
    assert repaid
    assert {leg.side for leg in repaid} == {"sell"}
    assert traces.book.wallet[k.W_CASH, 0] >= 0.0
    assert run.nav - 2_000.0 == pytest.approx(run.parts.sum(axis=1))


def test_a_unified_account_owes_nothing_once_all_that_it_held_is_sold() -> None:
    """B's coins, 1,000 at most, back a short of A that loses 3,000 in one bar: the venue's fund pays what they do not."""
    closes = {"A": [100.0] * 3 + [400.0] * 3, "B": [100.0] * 6}
    futures = [Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL)]
    made = stage(closes, futures=futures, signals={"beta": 1.0, "rho2": 0.9})
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"}, margin={"mode": "unified", "haircut": "0 %"})
    run, traces = trace(policy, made, capital=1_000.0, weights={"A": 0.0, "B": 1.0})
    assert run.liquidations == 1
    assert run.nav[-1] == pytest.approx(0.0, abs=1e-9)
    assert traces.book.wallet[k.W_CASH, 0] == pytest.approx(0.0, abs=1e-9)
    assert (traces.book.asset[k.B_HELD] >= 0.0).all()
    assert run.nav - 1_000.0 == pytest.approx(run.parts.sum(axis=1))
    told = accounts_of(policy, made, run, traces).ledger.valuations[-1].value
    assert float(told or 0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("mode", ["isolated", "cross", "unified"])
def test_where_no_spot_can_be_sold_the_ladder_covers_what_is_missing(mode: str) -> None:
    """10 A are short at 100 against coins held elsewhere, backed by 1,000, and A is at 150: 500 of 1,500 are there. What
    covers d coins frees 150 d alone, so 6.67 go; with a sale behind each it would be half of that.
    """
    policy = rules_of(hedge={"constant": "100 %", "cover_outside": True}, margin={"mode": mode, "haircut": "50 %"})
    cash = 1_000.0 if mode == "unified" else 0.0
    desk = Desk(policy, {"A": 100.0}, {"A": 0.5}, cash=cash)
    desk.book.asset[k.B_OUTSIDE, 0] = 10.0
    desk.short("A", 10.0, collateral=1_000.0 if mode == "isolated" else 0.0)
    desk.book.wallet[k.W_MARGIN, 0] = 1_000.0 if mode == "cross" else 0.0
    desk.at_price(A=150.0)
    loose(decide_once)(desk.rules, desk.book, desk.work, desk.signal, desk.price, desk.fresh, desk.funding, desk.routes,
                       False)  # fmt: skip
    covers = [leg.units for leg in desk.plan() if leg.reason is Reason.PAIR_REDUCE]
    assert covers == [pytest.approx(1_000.0 / 150.0)]


def test_coins_that_are_sold_for_a_debt_within_a_bar_made_their_part_of_its_rise() -> None:
    """Nothing but cash backs the short (haircut 100 %), A trebles in a bar: its coins pay the debt at 300, not at 100."""
    closes = {"A": [100.0] * 3 + [300.0] * 3}
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"}, margin={"mode": "unified", "haircut": "100 %"})
    run, _ = trace(policy, stage(closes), capital=2_000.0, weights={"A": 0.5})
    assert [leg for leg in run.legs if leg.reason == "repaid"]
    assert run.nav - 2_000.0 == pytest.approx(run.parts.sum(axis=1))


def test_the_fee_of_the_last_cover_is_paid_from_the_wallet() -> None:
    """The futures wallet holds nothing: what closing costs comes from the stablecoins, and it is not left below zero."""
    desk = Desk(
        rules_of(margin={"mode": "cross"}, hedge={"constant": "0 %", "rung_down_every": "0 d"}, charged=True), {"A": 100.0}, {"A": 0.5}, cash=1_000.0,
        held={"A": 10.0},
    )  # fmt: skip
    desk.short("A", 10.0, collateral=0.0)
    desk.see(adv30=1e12, adv30_futures=1e12, sigma_ewma=0.5).day()
    assert desk.shorts("A") == 0.0
    assert desk.book.wallet[k.W_MARGIN, 0] == 0.0
    assert desk.cash() < 1_000.0
