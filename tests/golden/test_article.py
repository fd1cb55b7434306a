"""The article's examples (domain 1.2): as arithmetic, and out of `decide` on a market constructed for them."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.sale import sale_to_weight
from hedgerow.kernel.target import rung_above, step_rungs
from hedgerow.model.plan import Reason
from hedgerow.research.backtest import trace
from tests.kernel.desk import Desk, loose, only, rules_of
from tests.kernel.tape import stage

BOOK = {"BTC": 1.0, "ETH": 1.0, "Z": 1.0}  # 50 / 30 / 20, all prices 1 when it begins
HELD = {"BTC": 50_000.0, "ETH": 30_000.0, "Z": 20_000.0}
NOW = {"BTC": 1.1, "ETH": 35.0 / 30.0, "Z": 2.25}  # 55 / 35 / 45 thousand
WEIGHTS = {"BTC": 0.5, "ETH": 0.3, "Z": 0.2}
TRIM = {"measure": "drift_abs", "threshold": "10 pp", "to": "fraction", "size": "50 %"}


@pytest.mark.parametrize(
    ("case", "target", "cost", "sold"),
    [
        ("S-01", 0.20, 0.0, 10_000.0),
        ("S-02", 0.195, 0.0, 10_500.0),
        ("S-03", 0.20, 0.001, 10_002.000400080016),
        ("S-04", 0.195, 0.001, 10_502.04789934037),
    ],
)
def test_a_sale_ends_exactly_at_its_weight(case: str, target: float, cost: float, sold: float) -> None:
    found = loose(sale_to_weight)(30_000.0, 100_000.0, target, cost, False)
    assert found == pytest.approx(sold, rel=1e-14), case
    assert (30_000.0 - found) / (100_000.0 - cost * found) == pytest.approx(target, rel=1e-14)


@pytest.mark.parametrize(
    ("to", "size", "cost", "sold"),
    [("target", "0 %", "0 bp", 10_000.0), ("overshoot", "0.5 %", "0 bp", 10_500.0),
     ("target", "0 %", "10 bp", 10_002.000400080016), ("overshoot", "0.5 %", "10 bp", 10_502.04789934037)],
)  # fmt: skip
def test_s01_to_s04_come_out_of_decide(to: str, size: str, cost: str, sold: float) -> None:
    row = {"measure": "drift_abs", "threshold": "10 pp", "to": to, "size": size}
    policy = rules_of(trim={"drift": row}, costs={"spot_fee": cost})
    desk = Desk(policy, {"A": 1.0}, {"A": 0.2}, cash=70_000.0, held={"A": 30_000.0}, futures=())
    leg = only(desk.day())
    assert leg.reason is Reason.TRIM
    assert -leg.units == pytest.approx(sold, rel=1e-12)
    assert desk.held("A") / desk.nav() == pytest.approx(0.195 if to == "overshoot" else 0.2, abs=1e-12)


def trimmed(policy_name: str, **tables: object) -> Desk:
    policy = rules_of(policy_name, hedge={"cap": "0 %"}, **tables)
    desk = Desk(policy, BOOK, WEIGHTS, held=HELD)
    assert desk.book.scalar[k.S_NAV0] == 100_000.0
    desk.at_price(**NOW)
    return desk


def test_s05_seed_sells_half_of_the_excess_over_the_initial_target() -> None:
    desk = trimmed("seed")
    leg = only(desk.decide())
    assert (leg.asset, leg.reason) == ("Z", Reason.TRIM)
    assert -leg.units * 2.25 == pytest.approx(12_500.0, rel=1e-12)
    assert leg.measured == pytest.approx(45 / 135 - 0.2)


def test_s07_where_the_article_really_ends() -> None:
    desk = trimmed("seed")
    desk.day()
    left = desk.held("Z") * 2.25
    assert left == pytest.approx(32_500.0)
    assert left / desk.nav() == pytest.approx(0.240741, abs=5e-7)
    assert left / (desk.nav() - desk.cash()) == pytest.approx(0.265306, abs=5e-7)
    assert desk.nav() == pytest.approx(135_000.0)


def test_s06_half_of_the_excess_over_the_present_target() -> None:
    desk = trimmed("balanced", trim={"drift": TRIM, "drift_relative": {"measure": "drift_rel", "threshold": "1000 %"}})
    leg = only(desk.day())
    weights = [desk.x(k.X_WEIGHT, a) for a in BOOK]
    assert weights == pytest.approx([0.407407, 0.259259, 0.333333], abs=5e-7)
    assert -leg.units * 2.25 == pytest.approx(9_000.0, rel=1e-12)
    assert desk.held("Z") * 2.25 / desk.nav() == pytest.approx(0.266667, abs=5e-7)


def test_s06_by_default_trims_half_way() -> None:
    leg = only(trimmed("balanced").decide())
    assert -leg.units * 2.25 == pytest.approx(9_000.0, rel=1e-12)  # half-way to target is half of the excess


def test_s09_weights_over_risk_assets_only() -> None:
    row = {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}
    policy = rules_of(trim={"drift": row}, targets={"denominator": "risk_assets"})
    desk = Desk(policy, BOOK, WEIGHTS, held=HELD, futures=()).at_price(**NOW)
    leg = only(desk.day())
    assert -leg.units * 2.25 == pytest.approx(22_500.0, rel=1e-12)
    assert desk.held("Z") * 2.25 / 112_500.0 == pytest.approx(0.2)


@pytest.mark.parametrize(("size", "sold"), [("10 %", 4_500.0), ("15 %", 6_750.0)])
def test_s11_an_overbought_winner_is_cut_by_a_share_of_the_position(size: str, sold: float) -> None:
    row = {
        "measure": "rsi14",
        "threshold": "85 points",
        "rearm": "70 points",
        "to": "position",
        "size": size,
        "group": "technical",
    }
    desk = Desk(rules_of(trim={"hot": row}), {"Z": 2.25}, {"Z": 0.5}, cash=45_000.0, held={"Z": 20_000.0}, futures=())
    leg = only(desk.see(rsi14=86.0).decide())
    assert -leg.units * 2.25 == pytest.approx(sold, rel=1e-12)


@pytest.mark.parametrize(("cost", "units"), [("0 bp", 20.0), ("10 bp", 20.02002002002002)])
def test_s12_principal_recovery(cost: str, units: float) -> None:
    row = {"measure": "gain", "threshold": "3 x", "to": "principal", "group": "milestone", "once": True}
    policy = rules_of(trim={"house": row}, costs={"spot_fee": cost})
    desk = Desk(policy, {"Z": 5.0}, {"Z": 0.5}, cash=500.0, held={"Z": 100.0}, futures=())
    desk.book.asset[k.B_COST], desk.book.asset[k.B_PRINCIPAL] = 1.0, 100.0
    leg = only(desk.day())
    assert -leg.units == pytest.approx(units, rel=1e-14)
    assert desk.held("Z") == pytest.approx(100.0 - units, rel=1e-14)
    assert desk.book.asset[k.B_PRINCIPAL, 0] == pytest.approx(0.0, abs=1e-9)
    assert desk.book.asset[k.B_COST, 0] == 1.0  # the basis of the rest is unchanged
    assert desk.day() == []  # once


def test_2a14_principal_outstanding_counts_every_sale() -> None:
    desk = Desk(rules_of(), {"Z": 1.0}, {"Z": 1.0}, cash=100.0, futures=())
    desk.day()
    assert desk.held("Z") == pytest.approx(100.0)
    desk.at_price(Z=5.0)
    loose_sale(desk, 10.0)
    assert desk.book.asset[k.B_PRINCIPAL, 0] == pytest.approx(50.0)  # K = 100 - 10 x 5


def test_2a14_proceeds_above_cost_are_not_forgotten_by_a_later_purchase() -> None:
    desk = Desk(rules_of(), {"Z": 1.0}, {"Z": 1.0}, cash=100.0, futures=())
    desk.day()
    desk.at_price(Z=5.0)
    loose_sale(desk, 50.0)  # proceeds 250 against a cost of 100
    loose_sale(desk, -10.0)  # 50 spent again: purchases 150, proceeds 250
    assert max(0.0, desk.book.asset[k.B_PRINCIPAL, 0]) == 0.0


def loose_sale(desk: Desk, units: float) -> None:
    """Fill a sale (or purchase) of so many coins at the present price."""
    from hedgerow.kernel.leg import add_leg
    from hedgerow.kernel.spot import fill_spot

    desk.work.counts[:] = 0
    price = desk.price[0]
    loose(add_leg)(
        desk.work.legs,
        desk.work.counts,
        0,
        0,
        k.LEG_SPOT,
        -units,
        price,
        price,
        float(Reason.REBALANCE),
        -1.0,
        0.0,
        0.0,
        1.0,
    )
    loose(fill_spot)(
        desk.rules, desk.book, desk.work.asset, desk.work.measure, desk.work.legs, 0, 1, -units, desk.price
    )


FLIP = {
    "funding3": -1e-4,
    "funding7_lag3": 0.05,
    "funding_jump": -3.0,
    "correlation_change20": 0.12,
    "close_sma50": 0.97,
}
QUIET = {"funding3": 1e-4, "funding7_lag3": 0.05, "funding_jump": 0.0, "correlation_change20": 0.0, "close_sma50": 1.02,
         "mayer": 1.1, "vol_ratio": 1.2, "sigma7_pct": 0.9, "mayer_pct": 0.9, "funding7_pct": 0.9, "funding7": 0.05,
         "sigma_ewma": 0.6, "correlation": 0.7}  # fmt: skip


def half_hedged() -> Desk:
    """10 BTC at 60,000 and as much cash, 5 BTC short (R-042): `seed` in NEUTRAL wants 50 %."""
    desk = Desk(rules_of("seed"), {"BTC": 60_000.0}, {"BTC": 0.5}, cash=900_000.0, held={"BTC": 10.0})
    desk.see(**QUIET)
    desk.day()
    desk.day()
    assert desk.shorts("BTC") == pytest.approx(5.0)
    assert desk.state("BTC") == "NEUTRAL"
    return desk


def test_s13_seed_reinforces_50_to_80_percent() -> None:
    desk = half_hedged()
    assert desk.see(**QUIET).decide() == []
    leg = only(desk.see(**FLIP).day())
    assert (leg.reason, leg.kind) == (Reason.HEDGE_RAISE, "futures")
    assert leg.units == pytest.approx(-3.0)  # only the increment
    assert desk.shorts("BTC") == pytest.approx(8.0)
    assert desk.h("BTC") == 0.8


@pytest.mark.parametrize("missing", list(FLIP))
def test_s13_needs_every_part_of_the_flip(missing: str) -> None:
    desk = half_hedged()
    calm = FLIP | {missing: QUIET[missing] if missing != "funding7_lag3" else -0.01}
    desk.see(**calm).day()
    assert desk.h("BTC") < 0.8


def test_s14_and_s15_what_a_hedge_of_80_percent_saves_and_costs() -> None:
    desk = half_hedged()
    desk.see(**FLIP).day()
    start = desk.nav()
    for price, change in ((48_000.0, -24_000.0), (72_000.0, 24_000.0)):
        assert desk.at_price(BTC=price).nav() - start == pytest.approx(change, abs=1e-6)


def constant_hedge(closes: list[float], funding: float = 0.0, ratio: str = "80 %", per_day: int = 1) -> object:
    """Enter 10 BTC at 60,000 and hedge it, through the run: parts of the profit after the last bar."""
    market = stage({"BTC": [60_000.0] * 3 * per_day + closes}, funding=funding, per_day=per_day)
    return trace(rules_of(hedge={"constant": ratio}), market, capital=1_200_000.0, weights={"BTC": 0.5})[0]


@pytest.mark.parametrize(
    ("ratio", "last", "spot", "hedge"),
    [("80 %", 48_000.0, -120_000.0, 96_000.0), ("50 %", 48_000.0, -120_000.0, 60_000.0), ("0 %", 48_000.0, -120_000.0, 0.0),
     ("80 %", 72_000.0, 120_000.0, -96_000.0)],
)  # fmt: skip
def test_s14_and_s15_through_the_run(ratio: str, last: float, spot: float, hedge: float) -> None:
    run = constant_hedge([last], ratio=ratio)
    assert run.parts[-1] == pytest.approx([spot, hedge, 0, 0, 0, 0, 0, 0, 0], abs=1e-6)
    assert run.nav[-1] - 1_200_000.0 == pytest.approx(spot + hedge, abs=1e-6)


def test_s16_negative_funding_is_paid_by_the_short_nine_times_in_three_days() -> None:
    before = constant_hedge([60_000.0] * 0, funding=-0.0005, per_day=3).parts[-1]
    after = constant_hedge([60_000.0] * 9, funding=-0.0005, per_day=3).parts[-1]
    assert after[3] - before[3] == pytest.approx(-2_160.0, rel=1e-9)
    assert constant_hedge([60_000.0] * 9, funding=0.0005, per_day=3).parts[-1][3] > 0.0


def test_s17_the_ladder() -> None:
    rules = Desk(rules_of(hedge={"rungs": ["0 %", "25 %", "50 %", "75 %"]}), {"BTC": 1.0}, {"BTC": 1.0}).rules
    assert [10 * loose(step_rungs)(rules.scalar, 0.0, n) for n in (1, 2, 3, 4)] == [2.5, 5.0, 7.5, 7.5]
    assert loose(rung_above)(rules.scalar, 0.6) == 0.75


def test_s18_a_hedge_covers_what_remains_after_the_trim() -> None:
    row = {"measure": "rsi14", "threshold": "85 points", "to": "position", "size": "15 %", "group": "technical"}
    policy = rules_of(trim={"hot": row}, hedge={"constant": "75 %"})
    desk = Desk(policy, {"BTC": 60_000.0}, {"BTC": 0.4}, cash=900_000.0, held={"BTC": 10.0})
    desk.see(rsi14=90.0).day()
    assert desk.held("BTC") == pytest.approx(8.5)
    assert desk.shorts("BTC") == pytest.approx(6.375)


def test_2a1_spot_and_short_are_solved_together() -> None:
    policy = rules_of(hedge={"constant": "75 %", "reserve": "0 %"})
    desk = Desk(policy, {"BTC": 1.0}, {"BTC": 0.8}, cash=0.2, held={"BTC": 0.8})
    legs = desk.day()
    assert desk.held("BTC") == pytest.approx(0.6, abs=1e-12)
    assert desk.shorts("BTC") == pytest.approx(0.4, abs=1e-12)
    assert desk.nav() - desk.held("BTC") == pytest.approx(0.4, abs=1e-12)
    assert {leg.reason for leg in legs} == {Reason.FUND_HEDGE, Reason.HEDGE_RAISE}
    assert desk.decide() == []  # idempotent, and a margin transfer is not drift
    assert desk.x(k.X_H_NOW, "BTC") == pytest.approx(0.75)


@pytest.mark.parametrize(("stable", "h"), [(0.2, 0.25), (0.5, 0.75), (0.0, 1.0), (0.35, 0.6)])
def test_2a1_spot_after_funding_is_min_of_wanted_and_half_of_one_plus_exposure(stable: float, h: float) -> None:
    policy = rules_of(hedge={"constant": f"{100 * h:g} %", "reserve": "0 %"})
    desk = Desk(policy, {"A": 1.0, "B": 2.0}, {"A": (1 - stable) / 2, "B": (1 - stable) / 2}, cash=stable,
                held={"A": (1 - stable) / 2, "B": (1 - stable) / 4})  # fmt: skip
    desk.day()
    exposure = (1 - stable) * (1 - h)
    assert desk.held("A") + 2 * desk.held("B") == pytest.approx(min(1 - stable, (1 + exposure) / 2), abs=1e-12)
    net = desk.held("A") - desk.shorts("A") + 2 * (desk.held("B") - desk.shorts("B"))
    assert net == pytest.approx(exposure, abs=1e-12)
    assert np.isfinite(desk.nav())
