"""What would have been without trims and without a hedge; the exact parts beside the kernel's; what a hedge did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.ledger import hedging
from hedgerow.ledger.attribution import attribute
from hedgerow.model.breakdown import KERNEL_PARTS
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.policy import Policy
from hedgerow.model.report import Comparison, Run
from hedgerow.research import counterfactual, yardsticks
from hedgerow.research.accounts import accounts_of
from hedgerow.research.backtest import Stage, backtest, trace
from hedgerow.research.compare import compare
from hedgerow.units import NS_PER_DAY
from tests.kernel.desk import rules_of
from tests.kernel.tape import stage as constructed
from tests.kernel.tape import universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.4}


def market(where: Universe | None = None, seed: int = 3, days: int = 150) -> Stage:
    return stage_of(where or universe(tuple(WEIGHTS)), seed, days=days)


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def found(told: list[str]) -> Comparison:
    some = {name: policy for name, policy in wire.benchmarks().items() if name in ("B0", "B4")}
    return compare(policies.load("seed"), some, market(), capital=1e5, weights=WEIGHTS, progress=told.append)


def test_each_is_left_out_and_nothing_else(found: Comparison, told: list[str]) -> None:
    assert told == ["seed", "B0", "B4", "B4c", "without trims", "without the hedge"]
    assert any(hedging.is_trim(leg) for leg in found.subject.legs)
    assert any(leg.kind == "futures" for leg in found.subject.legs)
    trims, hedge = found.without["trims"], found.without["hedge"]
    assert not any(hedging.is_trim(leg) for leg in trims.legs)
    assert any(leg.kind == "futures" for leg in trims.legs)
    assert not any(leg.kind != "spot" for leg in hedge.legs)
    assert any(hedging.is_trim(leg) for leg in hedge.legs)
    assert (hedge.h_intended == 0.0).all()
    assert "fund_hedge" not in {leg.reason for leg in hedge.legs}


def test_rows_are_the_differences_and_each_has_a_sentence(found: Comparison) -> None:
    rows = {row.name: row for row in yardsticks.effects(found)}
    assert list(rows) == ["trims", "hedge", "timing", "rules"]
    others = found.without | {"timing": found.benchmarks["B4"], "rules": found.benchmarks["B0"]}
    for name, row in rows.items():
        assert row.end_value == pytest.approx(found.subject.nav[-1] - others[name].nav[-1])
        assert row.sentence.endswith(".")
        assert not row.same
    mine = found.metrics["sharpe"]
    theirs = found.benchmark_metrics["B4"]["sharpe"]
    assert isinstance(mine, float)
    assert isinstance(theirs, float)
    assert rows["timing"].sharpe == pytest.approx(mine - theirs)


def test_what_a_policy_does_not_do_is_not_run_again() -> None:
    told: list[str] = []
    policy, stage = policies.load("b0_hold"), market(days=20)
    run = backtest(policy, stage, capital=1e5, weights=WEIGHTS)
    runs = counterfactual.without(policy, run, stage, capital=1e5, weights=WEIGHTS, progress=told.append)
    assert runs == {"trims": run, "hedge": run}
    assert told == []


def test_rebalancing_is_left_out_with_the_trims() -> None:
    policy = counterfactual.without_trims(policies.load("b2_threshold"))
    run = backtest(policy, market(), capital=1e5, weights=WEIGHTS)
    assert {leg.reason for leg in run.legs} == {"entry"}


# ------------------------------------------------------------------------------------------------ the exact breakdown

INVERSE = [Instrument(f"{a}/USD:{a}", a, kind=Kind.PERPETUAL, inverse=True, minimum_notional=0.0) for a in WEIGHTS]


def _dated() -> Universe:
    symbols = [(f"{a}/USDT:USDT-210226", a) for a in WEIGHTS]
    expiry = 1_614_326_400_000_000_000  # 2021-02-26 08:00
    futures = [Instrument(s, a, kind=Kind.DATED, minimum_notional=0.0, expiry_ns=expiry) for s, a in symbols]
    return universe(tuple(WEIGHTS), futures)


def _policy(name: str, **hedge: object) -> Policy:
    policy = policies.load(name)
    return policy.model_copy(update={"hedge": policy.hedge.model_copy(update=hedge)})


CASES = {
    "linear": (_policy("seed"), universe(tuple(WEIGHTS))),
    "constant": (_policy("b3_constant"), universe(tuple(WEIGHTS))),
    "inverse": (_policy("b3_constant", inverse=True), universe(tuple(WEIGHTS), INVERSE)),
    "dated": (_policy("b3_constant", instrument="dated"), _dated()),
    "cross": (_policy("b3_constant"), universe(tuple(WEIGHTS), [universe(("BTC",)).instruments[1]])),
}


@pytest.mark.parametrize("case", CASES)
def test_the_exact_parts_are_the_kernels(case: str) -> None:
    policy, where = CASES[case]
    hold(case, policy, market(where, days=90))


@pytest.mark.data
def test_the_exact_parts_are_the_kernels_on_recorded_data(data_folder: Path) -> None:
    policy = policies.load("seed")
    recorded = wire.recorded(data_folder, tuple(WEIGHTS), date(2021, 4, 20), date(2021, 6, 10))
    hold("recorded", policy, wire.stage_of(recorded, [policy]))


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_what_a_liquidation_took_is_the_kernels(mode: str) -> None:
    hedge = {"constant": "80 %", "min_step": "0 pp", "leverage": "4 x", "high_risk": True, "reserve": "0 %"}
    policy = rules_of(hedge=hedge, margin={"mode": mode})
    stage = constructed({"BTC": [100.0, 101.0, 100.0, 250.0, 250.0, 225.0, 200.0]}, funding=0.0001)
    run, traces = trace(policy, stage, capital=1e5, weights={"BTC": 0.8})
    assert run.liquidations == 1
    told = attribute(accounts_of(policy, stage, run, traces).events, "USDT")[0]
    assert told.parts is not None
    mine = {name: float(amount) for name, amount in told.parts.items()}
    mine["fees_futures"] += mine["liquidation"]
    assert mine["liquidation"] != 0.0
    assert [mine[name] for name in KERNEL_PARTS] == pytest.approx(run.parts[-1], abs=1e-3)


def hold(case: str, policy: Policy, stage: Stage) -> None:
    """The ledger's parts against the kernel's, in all and by asset."""
    run, traces = trace(policy, stage, capital=1e5, weights=WEIGHTS)
    assert any(leg.kind == "futures" for leg in run.legs)
    told = attribute(accounts_of(policy, stage, run, traces).events, "USDT")[0]
    assert told.parts is not None
    assert told.closing is not None
    scale = max(abs(run.parts[-1]).max(), 1e5)
    assert float(told.closing) == pytest.approx(run.nav[-1], abs=1e-9 * scale)
    mine = np.array([float(told.parts[name]) for name in KERNEL_PARTS])
    kept = KERNEL_PARTS.index("fees_futures")
    mine[kept] += float(told.parts["liquidation"])  # the kernel counts among fees what a venue kept
    # coins that an inverse contract pays are valued here at spot, there at the moment's price: the sum is the same
    close = (2e-4 if case == "inverse" else 1e-7) * scale
    assert mine.sum() == pytest.approx(run.parts[-1].sum(), abs=1e-7 * scale)
    assert mine == pytest.approx(run.parts[-1], abs=close)
    if case != "cross":
        for a, asset in enumerate(run.assets):
            of_asset = [float(told.by_asset[asset][name]) for name in KERNEL_PARTS]
            of_asset[kept] += float(told.by_asset[asset]["liquidation"])
            assert of_asset == pytest.approx(run.parts_by_asset[a], abs=close)
    else:
        assert told.by_asset["ETH"]["hedge"] != 0


# ------------------------------------------------------------------------------------------- what the hedge and trims did


def _flat(run: Run, **changes: object) -> Run:
    return replace(run, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0])
def test_a_constant_hedge_leaves_what_its_ratio_leaves(ratio: float) -> None:
    prices = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.0, 0.03, 200)))
    hedge = {"constant": f"{100 * ratio:g} %", "min_step": "0 pp", "leverage": "4 x", "high_risk": True}
    run = backtest(rules_of(hedge=hedge), constructed({"BTC": prices}), capital=1e5, weights={"BTC": 0.5})
    told = hedging.effectiveness(run)
    assert told is not None
    assert told.ratio == pytest.approx(ratio, abs=0.02)
    assert told.reduced == pytest.approx(1.0 - (1.0 - ratio) ** 2, abs=0.02)
    assert told.left == pytest.approx(told.ideal, abs=0.01)
    assert told.constant == pytest.approx((1.0 - told.ratio) ** 2)


def test_effectiveness_is_that_of_the_variances_counted_again(found: Comparison) -> None:
    run = found.subject
    told = hedging.effectiveness(run)
    assert told is not None
    plain, hedged = [], []
    for day in range(1, len(run.nav)):
        units = np.nan_to_num(run.base[day] / run.price[day])
        start = float(np.nansum(units * run.price[day - 1]))
        if start > 0.0:
            plain.append(float(np.nansum(units * (run.price[day] - run.price[day - 1]))) / start)
            hedged.append(float((run.parts[day, :3] - run.parts[day - 1, :3]).sum()) / start)
    assert told.reduced == pytest.approx(1.0 - np.var(hedged) / np.var(plain))


def test_no_hedge_has_no_effectiveness(found: Comparison) -> None:
    assert hedging.effectiveness(found.benchmarks["B0"]) is None


def test_the_gap_is_between_what_was_wanted_and_what_was_had() -> None:
    base = np.full((3, 2), 100.0)
    wanted = np.array([[0.5, 0.5], [0.5, 0.0], [1.0, 1.0]])
    had = np.array([[0.0, 0.0], [0.5, 0.3], [0.5, 0.1]])
    run = backtest(policies.load("b0_hold"), market(days=3), capital=1e5, weights=WEIGHTS)
    rows = hedging.tracking(
        _flat(run, base=base, h_intended=wanted, h_achieved=had, margin_capped=np.array([0.0, 1.0, 0.0]))
    )
    # |.5 - .5|, |.3 - .5| on the second day, |.5 - .5|, |.1 - 0| on the third
    assert [row.gap for row in rows] == [pytest.approx(0.075), pytest.approx(0.0), pytest.approx(0.15)]
    assert [row.asset for row in rows] == ["", "BTC", "ETH"]
    assert hedging.capped_share(_flat(run, margin_capped=np.array([0.0, 1.0, 0.0]))) == pytest.approx(1 / 3)


def test_insurance_is_paid_in_up_months_and_pays_in_down_months(found: Comparison) -> None:
    run, unhedged = found.subject, found.without["hedge"]
    told = hedging.insurance(run, unhedged)
    columns = [KERNEL_PARTS.index(name) for name in hedging.HEDGE_PARTS]
    assert sum(month.hedge for month in told.months) == pytest.approx(run.parts[-1, columns].sum())
    assert told.up_months + told.down_months == len(told.months) == 5
    assert told.paid - told.cost == pytest.approx(run.parts[-1, columns].sum())
    for month in told.months:
        assert month.unhedged is not None
    up = [month.hedge for month in told.months if (month.unhedged or 0.0) > 0.0]
    assert told.cost == pytest.approx(-sum(up))


def test_regret_of_a_trim_is_what_the_coins_would_have_made() -> None:
    days = 100
    run = backtest(policies.load("seed"), market(), capital=1e5, weights=WEIGHTS)
    leg = next(leg for leg in run.legs if hedging.is_trim(leg))
    start = int(run.days_ns[0])
    at = {"asset": "BTC", "instrument": "BTC/USDT"}
    sold = replace(leg, **at, amount=2.0, price=100.0, notional=200.0, filled_ns=start + 5 * NS_PER_DAY)
    bought = replace(
        leg, **at, side="buy", reason="deploy", row="deploy", amount=6.0, price=50.0, notional=300.0,
        filled_ns=start + 20 * NS_PER_DAY,
    )  # fmt: skip
    other = replace(sold, reason="fund_hedge", row="hedge")
    price = np.full((days, 2), 80.0)
    price[35], price[-1] = 130.0, 150.0
    short = _flat(run, legs=(sold, bought, other), price=price, nav=run.nav[:days], days_ns=run.days_ns[:days])
    told = hedging.trim_regret(short)
    # 2 x (150 - 100); its 200 bought 4 coins at 50, worth 600 now
    assert (told.trims, told.proceeds, told.gross, told.earned, told.regret) == (1, 200.0, 100.0, 400.0, -300.0)
    assert told.after == {30: 60.0, 90: -40.0}
