"""Many portfolios at once: each is the single plan to the last bit, whoever stands beside it, or the single plan's error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.model.instrument import Universe
from hedgerow.model.policy import Policy
from hedgerow.model.portfolio import Portfolio
from hedgerow.research import many
from hedgerow.research.backtest import Stage
from hedgerow.research.decision import plan_for, seat_for
from hedgerow.research.many import Chunk, Done, Planned, Seats, decide, parts_of
from hedgerow.research.tally import Tally, legs_frame
from tests.kernel import tape
from tests.kernel.desk import rules_of
from tests.properties import Case, cases
from tests.research.held import DRIFT, portfolio, short

BRIEF = ("value", "cash", "carry", "spot", "short", "stable_weight", "net_exposure")


def asked(held: Sequence[Portfolio]) -> Chunk:
    names = [f"p{i}" for i in range(len(held))]
    return Chunk(names, [f"{name}.toml" for name in names], parts_of(dict(enumerate(held))), {})


def decided(
    policy: Policy, stage: Stage, held: Sequence[Portfolio], weights: Mapping[str, float], *, workers: int = 1
) -> Done:
    """All of ``held`` over one market, whatever assets each holds."""
    seats = Seats(lambda assets, quote: seat_for(policy, stage, weights))
    (done,) = decide([asked(held)], seats, workers=workers)
    return done


def said(plan: Any) -> dict[str, Any]:
    """All that a single plan and one of many both tell; nan is nan."""
    regime = plan.regime
    if not isinstance(plan, Planned):
        regime = {asset: (found["state"], found["days"]) for asset, found in regime["assets"].items()}
    brief = {book: {name: getattr(plan, book)[name] for name in BRIEF} for book in ("before", "after")}
    return {"day": plan.day_ns, "quote": plan.quote, "value": plan.value, "regime": regime, "legs": repr(plan.legs),
            "refusals": repr(plan.refusals), "transfers": dict(plan.transfers), **brief}  # fmt: skip


def alone(policy: Policy, stage: Stage, held: Portfolio, weights: Mapping[str, float]) -> dict[str, Any] | str:
    try:
        return said(plan_for(policy, stage, held, weights))
    except ConfigError as error:
        return error.message


def told(plan: Planned) -> dict[str, Any] | str:
    return said(plan) if plan.error is None else plan.error.message


def holdings(universe: Universe, price: np.ndarray, rng: np.random.Generator) -> Portfolio:
    """Coins worth some 1,000 each, some of them protected, paired, elsewhere or sold before, and shorts that often fit."""
    cash = float(rng.choice([0.0, 200.0, 5_000.0]))
    document: dict[str, Any] = {"spot": {"USDT": {"amount": cash}}, "futures": {}}
    for a, name in enumerate(universe.assets):
        if rng.random() < 0.2:
            document["spot"][name] = {}  # named, and none is held
            continue
        coins = float(rng.uniform(1.0, 2_000.0) / (price[a] if price[a] > 0.0 else 1.0))
        kept, paired = (float(rng.uniform(0.0, 0.5) * coins * (rng.random() < 0.3)) for _ in range(2))
        row = {"amount": coins, "protected": kept, "carry": paired * (rng.random() < 0.5)}
        row |= {"outside": coins * float(rng.random() < 0.2), "buy_back": coins * float(rng.random() < 0.2)}
        if rng.random() < 0.7 and price[a] > 0.0:
            row["unit_cost"] = float(price[a] * rng.uniform(0.2, 2.0))
        document["spot"][name] = row
        for i in universe.futures_of(name):
            mark = float(price[i]) if price[i] > 0.0 else 1.0
            size = float(rng.choice([0.0, 0.3, 0.5, 0.9, 1.5])) * coins
            if rng.random() < 0.5:
                backing = size if universe.instruments[i].inverse else size * mark * float(rng.choice([0.1, 1.0, 1.5]))
                position = {"amount": -size, "entry": mark * float(rng.uniform(0.8, 1.1)), "collateral": backing}
                document["futures"][universe.instruments[i].symbol] = position
    if rng.random() < 0.1:
        document["futures"]["XYZ/USDT:USDT"] = {"amount": -1.0, "entry": 1.0}
    if rng.random() < 0.3:
        document["portfolio"] = {"initial_value": 10_000.0}
    return Portfolio.model_validate(document)


@given(case=cases(days=12), seed=st.integers(0, 2**32 - 1))
def test_each_of_many_is_the_single_plan_to_the_bit(case: Case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    universe, market = case.stage.market.universe, case.stage.market
    price = market.close[int(np.flatnonzero(market.day == market.days_ns.shape[0] - 1)[0])]
    held = [holdings(universe, price, rng) for _ in range(4)]
    done = decided(case.policy, case.stage, held, case.weights)
    for one, plan in zip(held, done.plans(), strict=True):
        assert told(plan) == alone(case.policy, case.stage, one, case.weights)


@given(case=cases(days=12))
def test_the_book_that_has_seen_the_days_before_knows_of_no_target(case: Case) -> None:
    """So portfolios that aim at different weights may share it."""
    other = dict.fromkeys(case.weights, 0.9 / len(case.weights))
    one, two = (seat_for(case.policy, case.stage, weights) for weights in (case.weights, other))
    for mine, its in zip((*one.book, *one.work[2:]), (*two.book, *two.work[2:]), strict=True):
        assert mine.tobytes() == its.tobytes()
    for name, mine, its in zip(k.Rules._fields, one.rules, two.rules, strict=True):
        mine, its = mine.copy(), its.copy()
        if name == "asset":
            mine[k.A_TARGET] = its[k.A_TARGET] = 0.0
        if name == "scalar":
            mine[k.K_STABLE] = its[k.K_STABLE] = 0.0
        assert mine.tobytes() == its.tobytes(), name


def many_of(count: int) -> tuple[Policy, Stage, list[Portfolio], dict[str, float]]:
    policy = rules_of(trim=DRIFT, hedge={"constant": "50 %"})
    stage = tape.stage({"BTC": [90.0, 100.0], "ETH": [12.0, 10.0]})
    rng = np.random.default_rng(4)
    held = [holdings(stage.market.universe, stage.market.close[-1], rng) for _ in range(count)]
    return policy, stage, held, {"BTC": 0.4, "ETH": 0.3}


def test_neither_threads_nor_chunks_nor_neighbours_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    policy, stage, held, weights = many_of(60)
    whole = [told(plan) for plan in decided(policy, stage, held, weights).plans()]
    assert 10 < sum(isinstance(one, dict) for one in whole) < 60, "some are refused"
    monkeypatch.setattr(many, "PIECE", 1)
    monkeypatch.setattr(many, "ROWS", 0)  # the rows are full after every plan
    assert [told(plan) for plan in decided(policy, stage, held, weights, workers=3).plans()] == whole
    seats = Seats(lambda assets, quote: seat_for(policy, stage, weights))
    pieces = decide((asked(held[i : i + 7]) for i in range(0, 60, 7)), seats, workers=2)
    assert [told(plan) for done in pieces for plan in done.plans()] == whole
    assert [told(plan) for plan in decided(policy, stage, held[::-1], weights).plans()] == whole[::-1]


def test_portfolios_that_aim_at_their_own_weights() -> None:
    policy, stage = rules_of(trim=DRIFT), tape.stage({"BTC": [100.0, 100.0]})
    text = "[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n"
    held = [portfolio(text + f"[targets]\nBTC = {w}\nUSDT = {1 - w}\n") for w in (0.5, 0.8, 0.25)]
    held += [portfolio(text), portfolio(text + "[targets]\nBTC = 0.7\n"), portfolio(text + "[targets]\nBTC = nan\n")]
    seats = Seats(lambda assets, quote: seat_for(policy, stage, {"BTC": 0.9}))
    (done,) = decide([asked(held)], seats)
    plans = list(done.plans())
    for one, weight in zip(plans, (0.5, 0.8, 0.25, 0.9), strict=False):
        assert said(one) == alone(policy, stage, portfolio(text), {"BTC": weight})
    for n, total in ((4, "0.7"), (5, "nan")):
        error = plans[n].error
        assert error is not None
        assert (error.message, error.where) == (f"the targets add up to {total}", f"p{n}.toml: targets")
    given_ = Seats(lambda assets, quote: seat_for(policy, stage, {"BTC": 0.5}), {"BTC": 0.5, "USDT": 0.5})
    (done,) = decide([asked(held)], given_)
    assert len({repr(told(plan)) for plan in done.plans()}) == 1, "weights for all replace their own"


def test_who_has_no_market_is_refused_and_the_others_are_not() -> None:
    policy, stage, held, weights = many_of(6)
    lost = portfolio("[spot.XYZ]\namount = 1\n")

    def seat(assets: tuple[str, ...], quote: str) -> Any:
        if "XYZ" in assets:
            raise ConfigError('there is no asset "XYZ"', where="data", fix="This folder has BTC.")
        return seat_for(policy, stage, weights)

    asked_for = asked([lost, *held, lost])
    (done,) = decide([asked_for], seats := Seats(seat))
    plans = list(done.plans())
    assert [plan.error is not None and plan.error.where == "data" for plan in plans] == [True, *[False] * 6, True]
    assert [told(plan) for plan in plans[1:-1]] == [alone(policy, stage, one, weights) for one in held]
    assert len(seats) == 1 + len({one.assets() for one in held}), "what failed is not tried again"


def test_errors_name_the_file_and_the_key() -> None:
    stage = tape.stage({"BTC": [100.0, 100.0]})
    held = [
        portfolio("[spot.BTC]\namount = 1\n" + short(-2)), portfolio("[spot.BTC]\namount = 0\n"),
        portfolio("[spot.BTC]\namount = 1\n" + short(-1, 100, 1, "ETH/USDT:USDT")),
    ]  # fmt: skip
    plans = list(decided(rules_of(), stage, held, {"BTC": 0.5}).plans())
    wheres = [plan.error.where for plan in plans if plan.error is not None]
    assert wheres == ['p0.toml: futures."BTC/USDT:USDT"', "p1.toml", 'p2.toml: futures."ETH/USDT:USDT"']
    assert all(plan.error is not None and plan.error.fix and np.isnan(plan.value) for plan in plans)


def test_the_tally_and_the_table_of_legs_are_those_of_the_records() -> None:
    policy, stage, held, weights = many_of(60)
    done, tally = decided(policy, stage, held, weights), Tally()
    tally.add(done)
    plans = [plan for plan in done.plans() if plan.error is None]
    legs = [(plan, leg) for plan in plans for leg in plan.legs]
    assert (tally.decided, tally.refused) == (len(plans), 60 - len(plans))
    assert tally.acting == sum(bool(plan.legs) for plan in plans)
    assert tally.value == {"USDT": pytest.approx(sum(plan.value for plan in plans))}
    for (quote, kind, side), one in tally.legs.items():
        these = [(plan, leg) for plan, leg in legs if (leg.kind, leg.side) == (kind, side)]
        assert quote == "USDT"
        assert (one.legs, one.portfolios) == (len(these), len({plan.portfolio for plan, _ in these}))
        assert one.notional == pytest.approx(sum(leg.notional for _, leg in these))
        assert one.cost == pytest.approx(sum(leg.cost for _, leg in these))
    assert sum(one.legs for one in tally.legs.values()) == len(legs) > 20
    assert sum(tally.undone.values()) == sum(len(plan.refusals) for plan in plans)
    assert [one.notional for one in tally.largest] == sorted((one.notional for one in tally.largest), reverse=True)
    best = max(plans, key=lambda plan: sum(leg.notional for leg in plan.legs if leg.kind != "margin"))
    assert (tally.largest[0].portfolio, tally.largest[0].legs) == (best.portfolio, len(best.legs))
    frame = legs_frame(done)
    assert len(frame) == len(legs)
    for row, (plan, leg) in zip(frame.iter_rows(named=True), legs, strict=True):
        assert (row.pop("portfolio"), str(row.pop("at")), row.pop("quote")) == (plan.portfolio, "2020-01-02", "USDT")
        assert repr({key: float("nan") if value is None else value for key, value in row.items()}) == repr({
            key: getattr(leg, key) for key in row
        })  # fmt: skip


def test_nothing_asked_is_nothing_found() -> None:
    policy, stage, _, weights = many_of(0)
    assert list(decide([], Seats(lambda assets, quote: seat_for(policy, stage, weights)))) == []
    done, tally = decided(policy, stage, [], weights), Tally()
    tally.add(done)
    assert (tally.decided, tally.days, len(legs_frame(done))) == (0, None, 0)
