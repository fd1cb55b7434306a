"""What the venue does by itself: liquidation in steps, and auto-deleveraging (domain 2.17)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.deleverage import deleverage
from hedgerow.model.instrument import Instrument, Kind, Tier
from hedgerow.model.margin import tier_table
from hedgerow.model.plan import Reason
from hedgerow.model.report import PARTS, Run
from hedgerow.research.accounts import accounts_of, difference
from hedgerow.research.backtest import Traces, trace
from tests.kernel.desk import Desk, loose, rules_of
from tests.kernel.tape import stage

STEEP = tier_table((0.0, 500.0), (0.01, 0.20))  # deduction of the second: 500 x .19 = 95


def squeeze(
    tiers: tuple[Tier, ...], high: float, *, opens: float = 100.0, lot: float = 0.0, **margin: Any
) -> tuple[Run, Traces]:
    """10 coins long and short at 100, 1,000 of collateral; one bar ``opens``, reaches ``high`` and comes back."""
    contract = Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL, minimum_notional=0.0, lot=lot, tiers=tiers)
    market = stage(
        {"A": [100.0] * 5},
        opens={"A": [100.0, 100.0, 100.0, opens, 100.0]},
        highs={"A": [100.0, 100.0, 100.0, high, 100.0]},
        futures=[contract],
    )
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"}, margin=margin)
    return trace(policy, market, capital=2_000.0, weights={"A": 0.5})


def test_a_step_takes_the_position_down_to_the_lower_tier() -> None:
    """Liquidated at (1,000 + 1,000 + 95) / (10 x 1.2) = 174.58; down to a notional of 500: 7.1360 coins go, 2.8640 stay."""
    level = 2_095.0 / 12.0
    taken = 10.0 - 500.0 / level
    run, _ = squeeze(STEEP, 180.0, liquidation_fee="10 bp")
    (event,) = [leg for leg in run.legs if leg.reason == "liquidated"]
    assert event.price == pytest.approx(level)
    assert event.amount == pytest.approx(taken)
    assert event.cost == pytest.approx(0.001 * taken * level)
    assert run.nav[3] == pytest.approx(2_000.0 - taken * (level - 100.0) - 0.001 * taken * level)


def test_all_of_it_goes_where_the_venue_takes_all() -> None:
    run, _ = squeeze(STEEP, 180.0, liquidation="full", liquidation_fee="10 bp")
    (event,) = [leg for leg in run.legs if leg.reason == "liquidated"]
    assert event.amount == pytest.approx(10.0)


def test_what_is_left_is_the_holders_or_the_venues() -> None:
    """At 174.58 the collateral of 1,000 is down to 254.17: Binance takes its fee of it, OKX's fund all."""
    level = 2_095.0 / 12.0
    left = 1_000.0 - 10.0 * (level - 100.0)
    kind = {"liquidation": "full", "liquidation_fee": "100 bp"}
    holder, _ = squeeze(STEEP, 180.0, convention="binance_linear", **kind)
    assert holder.nav[3] == pytest.approx(1_000.0 + left - 0.01 * 10.0 * level)
    fund, _ = squeeze(STEEP, 180.0, convention="gate_linear", **kind)
    assert fund.nav[3] == pytest.approx(1_000.0)
    for run in (holder, fund):
        assert run.nav - 2_000.0 == pytest.approx(run.parts.sum(axis=1))


def test_a_step_ends_where_the_rest_is_safe_and_goes_on_where_it_is_not() -> None:
    """The rest of 2.864 coins with 466.5 of collateral is safe up to (466.5 + 286.4 + 95) / (2.864 x 1.2) = 246.7."""
    safe, _ = squeeze(STEEP, 246.0, liquidation_fee="10 bp")
    gone, _ = squeeze(STEEP, 247.0, liquidation_fee="10 bp")
    assert [leg.reason for leg in safe.legs].count("liquidated") == 1
    assert [leg.reason for leg in gone.legs].count("liquidated") >= 2
    assert min(leg.price for leg in gone.legs if leg.reason == "liquidated" and leg.price > 200.0) == pytest.approx(
        246.7, abs=0.1
    )


FLAT = tier_table((0.0, 500.0, 1_500.0), (0.004, 0.005, 0.01))  # less for a tier than a liquidation's fee


def test_no_step_of_a_liquidation_is_at_a_better_price_than_the_one_before() -> None:
    """A fee of 1.2 % leaves the rest nearer its liquidation than it was: it goes at once, and not at a price gone by."""
    run, _ = squeeze(FLAT, 205.0, liquidation_fee="120 bp")
    prices = [leg.price for leg in run.legs if leg.reason == "liquidated"]
    assert len(prices) == 3
    assert prices == sorted(prices)
    assert run.nav[3] >= 2_000.0 - 1_000.0 - 1e-9, "more than the collateral is never lost"
    assert run.nav - 2_000.0 == pytest.approx(run.parts.sum(axis=1))


def test_prices_that_rise_on_take_no_crumbs() -> None:
    """Every step brings the rest down to a tier that the next rise leaves again."""
    run, _ = squeeze(FLAT, 205.0, liquidation_fee="0 bp")
    taken = [leg.amount for leg in run.legs if leg.reason == "liquidated"]
    assert 3 <= len(taken) <= 12
    assert all(part >= 0.01 * min(taken[n:]) for n, part in enumerate(taken[:-1]))
    run, _ = squeeze(FLAT, 205.0, liquidation_fee="0 bp", lot=0.5)
    steps = [leg.amount / 0.5 for leg in run.legs if leg.reason == "liquidated"]
    assert len(steps) >= 3
    assert steps == pytest.approx([round(lots) for lots in steps]), "venues take whole lots"


@pytest.mark.parametrize("convention", ["binance_linear", "gate_linear"])
def test_a_gap_beyond_the_bankruptcy_price_leaves_the_holder_nothing(convention: str) -> None:
    """Short 10 from 100 with 1,000: liquidated at 174.58 on the way, bankrupt at 200. The bar opens at 230."""
    gone, _ = squeeze(STEEP, 240.0, opens=230.0, convention=convention, liquidation_fee="10 bp")
    assert gone.nav[3] == pytest.approx(1_000.0)
    prices = [leg.price for leg in gone.legs if leg.reason == "liquidated"]
    assert prices == pytest.approx([200.0] * len(prices))
    assert prices
    near, _ = squeeze(STEEP, 190.0, opens=180.0, convention=convention, liquidation_fee="10 bp")
    first = next(leg for leg in near.legs if leg.reason == "liquidated")
    assert first.price == pytest.approx(180.0), "the market was never between 100 and 180"


def delevered(share: float, closes: list[float]) -> tuple[Run, Traces]:
    made = stage({"A": closes}, per_day=2)
    shares = np.zeros(len(closes))
    shares[7] = share
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"})
    return trace(policy, replace(made, deleveraged=shares), capital=2_000.0, weights={"A": 0.5})


def test_half_of_a_short_in_profit_is_closed_and_opened_again_a_bar_later() -> None:
    """Short 10 at 100; the bar that falls from 80 to 60 opens with half of it gone: 5 x 20 are lost against the hedge."""
    run, _ = delevered(0.5, [100.0] * 6 + [80.0, 60.0] + [60.0] * 4)
    (event,) = [leg for leg in run.legs if leg.reason == "deleveraged"]
    assert (event.price, event.amount) == (80.0, pytest.approx(5.0))
    again = [leg for leg in run.legs if leg.filled_ns > event.filled_ns and leg.kind == "futures"]
    assert again[0].side == "sell"
    assert run.nav[-1] == pytest.approx(2_000.0 - 5.0 * 20.0, rel=1e-6)
    assert float(run.parts[-1, PARTS.index("hedge")]) == pytest.approx(10 * 20.0 + 5 * 20.0)


def test_a_short_at_a_loss_is_not_deleveraged() -> None:
    run, _ = delevered(0.5, [100.0] * 6 + [120.0, 110.0] + [110.0] * 4)
    assert not [leg for leg in run.legs if leg.reason == "deleveraged"]


def test_a_contract_that_was_deleveraged_whole_keeps_no_collateral() -> None:
    """The short of 10 makes 200 of 1,000 and is gone; its contract has no price from then on, so it stays closed."""
    spot = [100.0] * 6 + [80.0, 60.0] + [60.0] * 4
    made = stage({"A": spot, "A/USDT:USDT": spot[:8] + [np.nan] * 4}, per_day=2)
    shares = np.zeros(len(spot))
    shares[7] = 1.0
    policy = rules_of(hedge={"constant": "100 %", "reserve": "0 %"})
    run, traces = trace(policy, replace(made, deleveraged=shares), capital=2_000.0, weights={"A": 0.5})
    assert traces.book.inst[k.P_UNITS, 1] == 0.0
    assert traces.book.inst[k.P_COLLATERAL, 1] == 0.0
    assert run.cash[-1] == pytest.approx(1_200.0)
    assert difference(accounts_of(policy, made, run, traces), run) < 1e-12


def test_what_deleveraging_took_is_opened_again_for_the_asset_that_it_was_for() -> None:
    """A is short 6 for itself and 4 for B, which has no contract; 2 of A's coins of excess are shorted instead of sold."""
    desk = Desk(rules_of(), {"A": 100.0, "B": 100.0}, {"A": 0.4, "B": 0.4}, cash=5_000.0, bare=["B"],
                held={"A": 10.0, "B": 10.0}).see(beta=1.0, rho2=0.9)  # fmt: skip
    desk.short("A", 10.0, entry=120.0)
    desk.book.asset[k.B_CROSS, 1], desk.book.asset[k.B_CROSS_BY, 1] = 4.0, desk.hedge[0]
    desk.decide()
    desk.work.counts[:] = 0
    desk.book.asset[k.B_EXCESS, 0] = 2.0
    waits = loose(deleverage)(desk.rules, desk.book, desk.work, 0.5, desk.price, desk.fresh, desk.funding, 1, desk.log,
                              desk.used)  # fmt: skip
    assert waits == 2
    assert desk.book.asset[k.B_CROSS, 1] == pytest.approx(2.0)
    assert [(leg.asset, leg.units, leg.reason) for leg in desk.plan()] == [
        ("A", pytest.approx(-3.0), Reason.REOPENED), ("B", pytest.approx(-2.0), Reason.REOPENED)
    ]  # fmt: skip
    desk.fill()
    assert desk.shorts("A") == pytest.approx(10.0)
    assert desk.book.asset[k.B_CROSS, 1] == pytest.approx(4.0)
    assert desk.book.asset[k.B_EXCESS, 0] == pytest.approx(2.0)
