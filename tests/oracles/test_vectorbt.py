"""The spot ledger against vectorbt: fills, fees and cash of a rebalanced book (golden G-42, domain 5.1).

vectorbt sizes a target as a share of the value before fees, sells first, and shares one cash account. hedgerow's plan
solves a trade with its cost (domain 2.13), so that the weight after the fee is the target. Where the two definitions
differ, each is compared on the other's terms: without a fee they are one; with a fee the book fills vectorbt's orders,
and vectorbt fills the plan's; how far vectorbt then stands from its target has a formula. Not compared: what happens
when the cash does not pay all purchases (vectorbt cuts the largest, a plan its last).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.model.report import Run
from hedgerow.research.backtest import backtest
from tests.kernel.desk import Desk, rules_of
from tests.oracles.panels import Panel, library, panel, trade_to

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]

CASH = 10_000.0
G42 = Panel(
    np.array([[100, 110, 150, 140, 160], [100, 100, 95, 90, 100]], dtype=float).T, np.array([0.60, 0.39]), 0.001
)
SEEDS = range(12)


@pytest.fixture(scope="module")
def vectorbt() -> Any:
    return library("vectorbt")


def simulated(vectorbt: Any, one: Panel, orders: np.ndarray, size_type: str, fee: float) -> Any:
    """vectorbt's portfolio: one cash account, sells first, orders [T, A] at the closes (nan: none)."""
    return vectorbt.Portfolio.from_orders(
        one.closes, orders, size_type=size_type, init_cash=CASH, fees=fee, cash_sharing=True, group_by=True,
        call_seq="auto", freq="1D",
    )  # fmt: skip


def value(portfolio: Any) -> np.ndarray:
    return np.asarray(portfolio.value()).ravel()


def every(one: Panel, days: int) -> np.ndarray:
    """Target percents [T, A] on the first day and then every so many days."""
    orders = np.full(one.closes.shape, np.nan)
    orders[::days] = one.weights
    return orders


def desk_of(one: Panel) -> Desk:
    prices = dict(zip(one.assets, one.closes[0].tolist(), strict=True))
    costs = {"spot_fee": f"{one.fee * 1e4!r} bp"}
    free = {"futures_fee": "0 bp", "spot_half_spread": "0 bp", "futures_half_spread": "0 bp", "impact": "0 x"}
    return Desk(rules_of(costs=free | costs), prices, one.target(), cash=CASH, futures=())


def booked(one: Panel, orders: np.ndarray) -> np.ndarray:
    """The kernel's book through the same days, its orders sized as vectorbt sizes them: value after each close."""
    desk, values = desk_of(one), []
    for prices, wanted in zip(one.closes, orders, strict=True):
        desk.at_price(**dict(zip(one.assets, prices.tolist(), strict=True)))
        if np.isfinite(wanted).any():
            held = np.array([desk.held(a) for a in one.assets])
            trade_to(desk, wanted * desk.nav() / prices - held)
        values.append(desk.nav())
    return np.array(values)


def run_of(one: Panel, fee: float, **rebalance: str) -> Run:
    policy = rules_of(rebalance=rebalance, costs={"spot_fee": f"{fee * 1e4!r} bp"})
    return backtest(policy, one.stage(), capital=CASH, weights=one.target())


def traded(run: Run, one: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Coins bought [T, A] (nan: none) on the day of the decision, and the fees [T] of that day, quote."""
    coins, fees = np.full(one.closes.shape, np.nan), np.zeros(len(one.closes))
    for leg in run.legs:
        sign = 1.0 if leg.side == "buy" else -1.0
        coins[leg.day, one.assets.index(leg.asset)] = sign * leg.amount
        fees[leg.day] += leg.cost
    return coins, fees


def test_g42_vectorbt_and_the_book_agree_with_the_hand(vectorbt: Any) -> None:
    by_hand = [9_990.1, 10_590.1, 12_792.491971, 12_018.0517078421, 13_566.9322341579]
    orders = np.full((5, 2), np.nan)
    orders[[0, 2]] = G42.weights
    assert value(simulated(vectorbt, G42, orders, "targetpercent", G42.fee)) == pytest.approx(by_hand, rel=1e-14)
    assert booked(G42, orders) == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_book_fills_vectorbts_orders(vectorbt: Any, seed: int) -> None:
    one = panel(seed)
    orders = every(one, 1 + seed % 9)
    expected = value(simulated(vectorbt, one, orders, "targetpercent", one.fee))
    np.testing.assert_allclose(booked(one, orders), expected, rtol=1e-11)
    assert expected[-1] != pytest.approx(value(simulated(vectorbt, one, orders, "targetpercent", 0.0))[-1], rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_free_rebalance_of_every_day_is_vectorbts(vectorbt: Any, seed: int) -> None:
    one = panel(seed)
    expected = value(simulated(vectorbt, one, every(one, 1), "targetpercent", 0.0))
    run = run_of(one, 0.0, threshold="0 pp")
    assert len(run.legs) > one.closes.shape[1]
    np.testing.assert_allclose(run.nav, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rebalance", [{"every": "month"}, {"threshold": "3 pp"}, {"threshold": "0 pp"}])
def test_vectorbt_fills_the_plans_orders(vectorbt: Any, seed: int, rebalance: dict[str, str]) -> None:
    """Fees, cash and holdings of a whole run. The value of a day is taken before its orders, vectorbt's after them."""
    one = panel(seed)
    run = run_of(one, one.fee, **rebalance)
    coins, fees = traded(run, one)
    assert fees.sum() > 0.0
    got = simulated(vectorbt, one, coins, "amount", one.fee)
    np.testing.assert_allclose(run.nav - fees, value(got), rtol=1e-9)
    cash = np.asarray(got.cash()).ravel()
    np.testing.assert_allclose(run.cash[1:], cash[:-1], rtol=1e-9, atol=1e-9 * CASH)


@pytest.mark.parametrize("seed", range(12))
def test_where_the_definitions_part(vectorbt: Any, seed: int) -> None:
    """One asset, every day: the plan ends at its target after the fee, vectorbt at w V / (V - fee)."""
    many = panel(seed)
    one = Panel(many.closes[:, :1].copy(), many.weights[:1] / many.weights[:1].sum() * 0.6, many.fee)
    run = run_of(one, one.fee, threshold="0 pp")
    coins, fees = traded(run, one)
    held = np.cumsum(np.nan_to_num(coins), axis=0)[:-1, 0] * one.closes[:-1, 0]
    assert held / (run.nav - fees)[:-1] == pytest.approx(0.6, rel=1e-12)
    theirs = simulated(vectorbt, one, every(one, 1), "targetpercent", one.fee)
    after = value(theirs)
    paid = np.zeros(len(after))
    np.add.at(paid, theirs.orders.records["idx"].to_numpy(), theirs.orders.records["fees"].to_numpy())
    share = np.asarray(theirs.asset_value()).ravel() / after
    np.testing.assert_allclose(share, 0.6 * (after + paid) / after, rtol=1e-12)
    assert (share > 0.6 + 1e-9).any()
