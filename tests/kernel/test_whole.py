"""A plan of which one leg is refused or waits must leave no less protection behind than there was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.plan import Reason, Refusal
from hedgerow.units import NS_PER_DAY
from tests.kernel.desk import Desk, only, rules_of
from tests.kernel.tape import FIRST_NS
from tests.kernel.test_run import play

NAN = float("nan")
DRIFT = {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}
HOT = {"measure": "rsi14", "threshold": "85 points", "rearm": "70 points", "to": "position", "size": "15 %", "group": "technical",
       "cooldown": "7 d"}  # fmt: skip
FULL = {"constant": "100 %", "reserve": "0 %"}


def test_a_coin_whose_contract_is_gone_is_sold_in_place_of_a_short() -> None:
    closes = {"A": [100.0] * 30, "A/USDT:USDT": [100.0] * 5 + [NAN] * 25}
    run, _ = play(closes, hedge={"constant": "50 %", "reserve": "0 %"}, weight=0.6)
    assert [leg.reason for leg in run.legs][-1] == "sell_unhedged"
    assert run.h_achieved[-1, 0] == pytest.approx(0.5)


def test_a_squeeze_inside_a_coarse_bar_liquidates_when_spot_says_so() -> None:
    """100 to 220 and back within a day of four bars; the contract has one bar a day. A late top-up must not undo it."""
    closes = [100.0] * 12 + [100.0, 220.0, 150.0, 100.0]
    coarse = [100.0 if t % 4 == 3 else NAN for t in range(16)]
    run, _ = play({"A": closes, "A/USDT:USDT": coarse}, per_day=4, weight=0.4, hedge=FULL)
    assert run.liquidations == 1


def test_an_odd_open_of_the_contract_alone_liquidates_nobody() -> None:
    closes = {"A": [100.0] * 8, "A/USDT:USDT": [100.0] * 8}
    odd = [100.0] * 5 + [210.0] + [100.0] * 2
    signals = {"external_hedge": [0.5] * 4 + [0.7] * 4}
    hedge = {"external": True, "reserve": "0 %"}
    run, _ = play(
        closes, opens={"A/USDT:USDT": odd}, highs={"A/USDT:USDT": odd}, signals=signals, hedge=hedge, weight=0.4
    )
    assert run.liquidations == 0


@pytest.mark.parametrize("why", ["stale", "funding"])
def test_a_roll_waits_for_a_contract_that_may_be_added_to(why: str) -> None:
    futures = [Instrument("A/USDT:USDT-40", "A", kind=Kind.DATED, expiry_ns=FIRST_NS + 40 * NS_PER_DAY),
               Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL)]  # fmt: skip
    policy = rules_of(hedge={"constant": "50 %", "reserve": "0 %"}, guard={"unknown_funding": "refuse"})
    desk = Desk(policy, {"A": 100.0}, {"A": 0.5}, cash=500.0, held={"A": 10.0}, futures=futures)
    desk.short("A", 5.0, inst=1)
    desk.hedge[0] = 2
    if why == "stale":
        desk.fresh[2] = 0
    else:
        desk.funding[2] = NAN
    assert desk.decide() == []
    desk.fresh[2], desk.funding[2] = 1, 0.0
    assert [(leg.reason, leg.units) for leg in desk.decide()] == [(Reason.ROLL, 5.0), (Reason.ROLL, -5.0)]


def test_the_cover_of_a_trim_follows_the_trim() -> None:
    """10 coins, all short; the market of the coin bears 1,000 a day of a trim of 3,700: no coin is left naked."""
    policy = rules_of(hedge=FULL, trim={"drift": DRIFT}, guard={"participation": "1 %", "unknown_liquidity": "refuse"})
    desk = Desk(policy, {"A": 1_000.0}, {"A": 0.4}, cash=0.0, held={"A": 10.0})
    desk.short("A", 10.0, collateral=10_000.0).see(adv30=1e5, adv30_futures=1e9)
    legs = desk.decide()
    sale, cover = only(legs, kind="spot"), only(legs, kind="futures")
    assert sale.units == pytest.approx(-1.0)
    assert cover.units == pytest.approx(1.0)


def test_coins_that_may_not_be_sold_pay_for_nothing() -> None:
    """P is protected and has no futures: what its hedge would bring does not come, and buys nothing back."""
    policy = rules_of(hedge={"external": True, "reserve": "0 %", "rung_down_every": "0 d"})
    desk = Desk(
        policy, {"P": 100.0, "C": 100.0}, {"P": 0.4, "C": 0.4}, cash=300.0, held={"P": 10.0, "C": 5.0}, bare=["P"]
    )
    desk.book.asset[k.B_PROTECTED, 0] = 10.0
    desk.book.asset[k.B_SOLD, 1] = 5.0
    for _ in range(3):
        desk.see(external_hedge={"P": 0.6, "C": 0.6}).day()
        assert desk.held("C") - desk.shorts("C") <= 5.0 + 1e-9
    assert desk.decide() == []


def test_a_technical_trim_inside_a_peak_counts_once() -> None:
    policy = rules_of(trim={"hot": HOT}, regime={"PEAK": {"hedge": ["0 %", "0 %"], "trim": "aggressive"}})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.4}, cash=500.0, held={"A": 500.0}, futures=())
    (leg,) = desk.see(rsi14=90.0, return90=0.5).day()
    assert leg.reason is Reason.TRIM_TOP
    assert desk.decide() == []
    assert desk.book.trims[k.TRIM_ARMED, 0, 0] == 0.0


@pytest.mark.parametrize("why", ["protected", "depeg"])
def test_proceeds_that_do_not_come_buy_nothing(why: str) -> None:
    policy = rules_of(trim={"drift": DRIFT}, deploy={"underweights": True})
    weights = {"A": 0.35, "B": 0.35}
    desk = Desk(policy, {"A": 100.0, "B": 100.0}, weights, cash=400.0, held={"A": 5.0, "B": 1.0}, futures=())
    assert {leg.reason for leg in desk.decide()} == {Reason.TRIM, Reason.UNDERWEIGHT}
    if why == "protected":
        desk.book.asset[k.B_PROTECTED, 0] = 5.0
    else:
        desk.see(quote_usd=0.9)
    assert desk.decide() == []


def test_protected_coins_back_no_inverse_short() -> None:
    policy = rules_of(hedge={"constant": "100 %", "inverse": True})
    desk = Desk(policy, {"A": 100.0}, {"A": 1.0}, held={"A": 8.0}, inverse=True)
    desk.book.asset[k.B_PROTECTED, 0] = 5.0
    assert only(desk.decide()).units == pytest.approx(-3.0)
    assert only(desk.refusals()).refusal is Refusal.MARGIN
    desk.fill()
    assert desk.shorts("A") == pytest.approx(3.0, rel=1e-3)
    assert desk.decide() == []


@pytest.mark.parametrize(("kind", "vetoed"), [(Kind.PERPETUAL, True), (Kind.DATED, False)])
def test_the_funding_of_a_perpetual_vetoes_no_dated_short(kind: Kind, vetoed: bool) -> None:
    """E-11 prefers dated futures just then: their short pays no funding."""
    expiry = None if kind is Kind.PERPETUAL else FIRST_NS + 400 * NS_PER_DAY
    futures = [Instrument("A/F", "A", kind=kind, expiry_ns=expiry)]
    desk = Desk(
        rules_of(hedge={"constant": "50 %"}), {"A": 100.0}, {"A": 0.5}, cash=1_000.0, held={"A": 10.0}, futures=futures
    )
    legs = desk.see(funding7=-0.5).decide()
    assert bool(legs) is not vetoed


def test_bought_coins_are_hedged_at_the_same_open() -> None:
    policy = rules_of(hedge={"constant": "80 %", "reserve": "0 %"}, rebalance={"threshold": "10 pp"})
    desk = Desk(policy, {"B": 100.0}, {"B": 0.5}, cash=1_900.0, held={"B": 1.0})
    desk.day()
    assert desk.held("B") == pytest.approx(10.0)
    assert desk.shorts("B") == pytest.approx(8.0)
    assert desk.cash() == pytest.approx(2_000.0 - 1_000.0 - 800.0)


def test_the_risk_clock_acts_while_a_leg_waits() -> None:
    """The contract has a bar a day and a raise waits for it; meanwhile spot runs, and collateral is paid in."""
    closes = [100.0] * 12 + [100.0, 150.0, 150.0, 150.0]
    coarse = [100.0 if t % 4 == 3 else NAN for t in range(12)] + [NAN, NAN, NAN, 150.0]
    signals = {"external_hedge": [0.5, 0.5, 0.8, 0.8]}
    hedge: dict[str, Any] = {"external": True, "reserve": "0 %"}
    run, _ = play({"A": closes, "A/USDT:USDT": coarse}, per_day=4, weight=0.4, signals=signals, hedge=hedge)
    tops = [leg for leg in run.legs if leg.reason == "margin_in"]
    assert tops
    assert np.datetime64(tops[0].filled_ns, "ns") == np.datetime64(FIRST_NS + 14 * NS_PER_DAY // 4, "ns")
