"""The run over bars: when things fill, what the venue does by itself, what is written down (domain 2.1, 2.7, 2.17, 2.18)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.blocks import new_book
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.report import PARTS, Run
from hedgerow.research.backtest import Traces, backtest, trace
from hedgerow.research.bars import marked_highs
from hedgerow.units import NS_PER_DAY
from tests.kernel.desk import rules_of
from tests.kernel.tape import FIRST_NS, stage

NAN = float("nan")


def play(
    closes: dict[str, list[float]], *, weight: float = 0.5, capital: float = 2_000.0, **given: Any
) -> tuple[Run, Traces]:
    tables = {name: given.pop(name) for name in ("hedge", "costs", "trim", "guard", "rebalance") if name in given}
    market = stage(closes, **given)
    return trace(rules_of(**tables), market, capital=capital, weights={"A": weight})


def part(run: Run, name: str, day: int = -1) -> float:
    return float(run.parts[day, PARTS.index(name)])


# ---- fills


def test_a_decision_fills_at_the_next_open_never_earlier() -> None:
    run, _ = play({"A": [100.0, 110.0, 120.0]}, opens={"A": [100.0, 104.0, 111.0]})
    (leg,) = [leg for leg in run.legs if leg.kind == "spot"]
    assert (leg.price, leg.day) == (104.0, 0)
    assert leg.filled_ns == FIRST_NS + NS_PER_DAY
    assert leg.decided_ns == FIRST_NS + NS_PER_DAY  # the close of the first day is the open of the second
    assert run.nav[0] == 2_000.0
    assert run.nav[1] == pytest.approx(2_000.0 + 10.0 * 6.0)  # 1,000 at a decision price of 100: 10 coins, 104 -> 110


def test_a_bar_that_is_missing_is_waited_for_until_the_next_decision() -> None:
    run, traces = play({"A": [100.0, 100.0, NAN, 100.0, 100.0, 100.0]}, per_day=2)
    (leg,) = run.legs
    assert leg.filled_ns == FIRST_NS + 3 * NS_PER_DAY // 2
    statuses = traces.log[:, k.L_STATUS].tolist()
    assert statuses.count(k.FILLED) == 1


def test_what_did_not_fill_is_superseded_not_filled_later() -> None:
    run, traces = play({"A": [100.0, NAN, NAN, 100.0, 100.0]})
    assert (traces.log[:, k.L_STATUS] == k.SUPERSEDED).sum() == 1
    (leg,) = run.legs
    assert leg.filled_ns == FIRST_NS + 4 * NS_PER_DAY  # decided anew on the first day with a price


def test_nothing_is_decided_on_a_bar_that_completes_no_day() -> None:
    run, _ = play({"A": [100.0] * 12}, per_day=4, hedge={"constant": "50 %"})
    assert len(run.days_ns) == 3
    assert {leg.decided_ns for leg in run.legs} <= set((run.days_ns + NS_PER_DAY).tolist())


# ---- funding


@pytest.mark.parametrize(("rate", "sign"), [(0.001, 1.0), (-0.001, -1.0)])
def test_a_short_receives_positive_and_pays_negative_funding(rate: float, sign: float) -> None:
    run, _ = play({"A": [100.0] * 4}, hedge={"constant": "50 %"}, funding=rate)
    assert part(run, "funding", 2) == 0.0  # the short opened at this bar's open, after its stamp
    assert part(run, "funding") == pytest.approx(sign * 5 * 100.0 * 0.001)
    assert run.nav[-1] == pytest.approx(2_000.0 + part(run, "funding"))


def test_funding_is_paid_on_the_mark_of_the_stamp() -> None:
    run, _ = play({"A": [100.0, 100.0, 100.0, 150.0, 150.0]}, hedge={"constant": "50 %"}, funding=0.001)
    first, second = part(run, "funding", 3), part(run, "funding", 4)
    assert (first, second - first) == pytest.approx((0.5, 0.75))


def test_unknown_funding_is_counted_not_paid() -> None:
    run, _ = play({"A": [100.0] * 6}, hedge={"constant": "50 %"}, funding=NAN)
    assert part(run, "funding") == 0.0
    assert run.coverage["unknown_funding_bars"] == 3


def test_a_dated_contract_has_no_funding_and_that_is_known() -> None:
    run, _ = play({"A": [100.0] * 6}, hedge={"constant": "50 %", "instrument": "dated"}, futures=dated(60), funding=NAN)
    assert run.h_achieved[-1, 0] == pytest.approx(0.5)
    assert run.coverage["unknown_funding_bars"] == 0


def test_funding_in_coins_between_decisions_keeps_the_attribution_whole() -> None:
    coin = [Instrument("A/USD:A", "A", kind=Kind.PERPETUAL, inverse=True, minimum_notional=0.0)]
    rng = np.random.default_rng(5)
    closes = (100.0 * np.exp(np.cumsum(rng.normal(0, 0.05, 60)))).tolist()
    run, _ = play(
        {"A": closes}, per_day=3, futures=coin, hedge={"constant": "80 %", "inverse": True}, funding=0.01, weight=0.9
    )
    assert part(run, "funding") > 100.0
    assert (run.parts.sum(axis=1)) == pytest.approx(run.nav - 2_000.0, abs=1e-9 * 2_000.0)


# ---- expiry


def dated(*days: int) -> list[Instrument]:
    return [
        Instrument(f"A/USDT:USDT-{n}", "A", kind=Kind.DATED, expiry_ns=FIRST_NS + n * NS_PER_DAY, minimum_notional=0.0) for n in days
    ]  # fmt: skip


def test_dated_contracts_roll_a_week_before_they_expire() -> None:
    near, far = dated(14, 60)
    closes = {"A": [100.0] * 20, near.symbol: [102.0] * 14 + [NAN] * 6, far.symbol: [105.0] * 20}
    run, traces = play(closes, futures=[near, far], hedge={"constant": "50 %", "instrument": "dated", "roll_slices": 1})
    rolls = [leg for leg in run.legs if leg.reason == "roll"]
    assert [(leg.instrument, leg.side, round(leg.amount, 9), leg.price) for leg in rolls] == [
        (near.symbol, "buy", 5.0, 102.0), (far.symbol, "sell", 5.0, 105.0)]  # fmt: skip
    assert rolls[0].day == 6  # its close is 7 days before expiry
    assert traces.book.inst[k.P_UNITS, 2] == pytest.approx(-5.0)
    assert run.nav[-1] == pytest.approx(2_000.0)


def test_a_contract_that_is_not_rolled_settles_at_the_spot_price() -> None:
    (near,) = dated(5)
    closes = {"A": [100.0] * 8, near.symbol: [104.0] * 5 + [NAN] * 3}
    run, traces = play(closes, futures=[near], hedge={"constant": "50 %", "instrument": "dated", "roll_before": "0 d"})
    (end,) = [leg for leg in run.legs if leg.reason == "settled"]
    assert (end.side, end.amount, end.price) == ("buy", pytest.approx(5.0), 100.0)
    assert part(run, "basis") == pytest.approx(5 * 4.0)  # sold at 104, settled at 100
    assert traces.book.inst[k.P_COLLATERAL, 1] == 0.0
    assert run.nav[-1] == pytest.approx(2_020.0)


# ---- liquidation


def squeeze(high: float, **given: Any) -> tuple[Run, Traces]:
    """A full hedge at 100, then one bar whose high reaches so far and whose close is back."""
    closes = [100.0] * 5
    return play(
        {"A": closes},
        highs={"A": [100.0, 100.0, 100.0, high, 100.0]},
        hedge={"constant": "100 %", "reserve": "0 %"},
        **given,
    )


def test_a_short_is_liquidated_at_the_high_and_loses_its_collateral() -> None:
    limit = 2_000.0 / (10 * 1.005)
    run, traces = squeeze(limit + 0.01)
    assert run.liquidations == 1
    (event,) = [leg for leg in run.legs if leg.reason == "liquidated"]
    assert event.price == pytest.approx(limit)
    assert run.nav[3] == pytest.approx(1_000.0)
    assert run.parts[3].sum() == pytest.approx(-1_000.0)
    assert part(run, "hedge", 3) == pytest.approx(-10 * (limit - 100.0))
    assert traces.log[:, k.L_STATUS].tolist().count(k.FILLED) >= 3


def test_just_below_its_liquidation_price_a_short_lives() -> None:
    run, _ = squeeze(2_000.0 / (10 * 1.005) - 0.01)
    assert run.liquidations == 0
    assert run.nav[-1] == pytest.approx(2_000.0)
    assert run.margin_ratio[3] == pytest.approx(1.0, abs=0.01)
    assert 0.0 < run.liquidation_distance[3] < 1e-3


def test_one_print_of_the_contract_alone_liquidates_nobody() -> None:
    market = stage({"A": [100.0] * 3}, highs={"A/USDT:USDT": [100.0, 400.0, 100.0]})
    assert marked_highs(market.market)[:, 1].tolist() == pytest.approx([100.0, 105.0, 100.0])
    assert marked_highs(market.market)[:, 0].tolist() == [100.0] * 3


def test_the_risk_clock_tops_up_between_decisions() -> None:
    closes = [100.0] * 6 + [100.0, 140.0, 140.0, 140.0]
    run, _ = play({"A": closes}, per_day=2, weight=0.4, hedge={"constant": "100 %"})
    (top,) = [leg for leg in run.legs if leg.reason == "margin_in"]
    assert top.side == "in"
    assert run.liquidations == 0


def test_the_risk_clock_acts_on_a_bar_that_completes_no_day() -> None:
    closes = [100.0] * 9 + [140.0, 140.0, 140.0]
    run, _ = play({"A": closes}, per_day=3, weight=0.4, hedge={"constant": "100 %"})
    (top,) = [leg for leg in run.legs if leg.reason == "margin_in"]
    assert top.filled_ns == FIRST_NS + 10 * NS_PER_DAY // 3


def test_the_risk_clock_keeps_to_the_liquidity_check() -> None:
    """2.15: emergency and margin actions bypass kappa, never the liquidity check; their legs once had no guard at all."""
    closes = [100.0] * 9 + [150.0, 150.0, 150.0]
    thin = {"adv30": [1e9, 1e9, 1e4, 1e4], "adv30_futures": [1e9, 1e9, 1e4, 1e4]}
    tables = {"hedge": {"constant": "100 %", "reserve": "0 %"}, "guard": {"participation": "1 %"}}
    run, _ = play({"A": closes}, per_day=3, signals=thin, **tables)
    pair = [leg for leg in run.legs if leg.reason == "pair_reduce"]
    assert {leg.kind for leg in pair} == {"spot", "futures"}
    assert all(leg.notional <= 100.0 * 1.01 for leg in pair)
    assert "liquidity" in {leg.refused for leg in run.refusals}


def test_a_gap_beyond_the_liquidation_price_liquidates_before_anything_fills() -> None:
    """The open is at 300, the short is bankrupt at 200: its loss is its collateral, and the cover that waited has nothing to do."""
    closes = [100.0] * 4 + [300.0, 300.0]
    signals = {"external_hedge": [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]}
    hedge = {"external": True, "reserve": "0 %", "rung_down_every": "0 d"}
    run, traces = play({"A": closes}, opens={"A": [100.0] * 4 + [300.0, 300.0]}, signals=signals, hedge=hedge)
    (event,) = [leg for leg in run.legs if leg.reason == "liquidated"]
    assert event.amount == pytest.approx(10.0)
    assert not [leg for leg in run.legs if leg.reason == "hedge_cover"]
    assert part(run, "hedge") == pytest.approx(-10 * (200.0 - 100.0))
    assert traces.book.inst[k.P_COLLATERAL, 1] == 0.0
    assert run.margin_ratio[4] >= 1.0
    assert run.liquidation_distance[4] == 0.0


def test_the_risk_clock_estimates_a_coarse_contract_by_spot() -> None:
    """Spot has a bar every 8 hours, the contract one a day: collateral is paid in when spot has run, not at the day's end."""
    closes = [100.0] * 9 + [140.0, 140.0, 140.0]
    coarse = [100.0 if t % 3 == 2 else NAN for t in range(9)] + [NAN, NAN, 140.0]
    closes_of = {"A": closes, "A/USDT:USDT": coarse}
    run, _ = play(closes_of, per_day=3, weight=0.4, hedge={"constant": "100 %"})
    (top,) = [leg for leg in run.legs if leg.reason == "margin_in"]
    assert top.filled_ns == FIRST_NS + 10 * NS_PER_DAY // 3


def test_a_contract_without_a_price_for_a_week_is_settled_at_spot() -> None:
    closes = {"A": [100.0] * 14, "A/USDT:USDT": [100.0] * 3 + [NAN] * 11}
    run, traces = play(closes, hedge={"constant": "50 %", "reserve": "0 %"})
    (end,) = [leg for leg in run.legs if leg.reason == "settled"]
    assert (end.price, end.amount) == (100.0, pytest.approx(5.0))
    assert traces.book.inst[k.P_UNITS, 1] == 0.0


# ---- the day's record


def test_h_1_beta_1_and_no_basis_is_flat_in_price() -> None:
    rng = np.random.default_rng(1)
    closes = (100.0 * np.exp(np.cumsum(np.append(np.zeros(3), rng.normal(0, 0.03, 40))))).tolist()
    run, _ = play({"A": closes}, hedge={"constant": "100 %", "reserve": "0 %"}, weight=0.45)
    assert run.nav[2:] == pytest.approx(2_000.0, abs=1e-6)
    assert np.abs(run.parts[:, 0]).max() > 50.0


def test_the_record_holds_weights_hedges_and_turnover() -> None:
    run, _ = play({"A": [100.0] * 5}, hedge={"constant": "50 %"})
    assert run.weight[:, 0].tolist() == pytest.approx([0.0, 0.5, 0.5, 0.5, 0.5])
    assert run.h_achieved[:, 0].tolist() == pytest.approx([0.0, 0.0, 0.5, 0.5, 0.5])
    assert run.base[:, 0].tolist() == pytest.approx([0.0, 1_000.0, 1_000.0, 1_000.0, 1_000.0])
    assert run.turnover_spot.tolist() == pytest.approx([0.0, 1_000.0, 0.0, 0.0, 0.0])
    assert run.turnover_futures.tolist() == pytest.approx([0.0, 0.0, 500.0, 0.0, 0.0])
    assert (run.cash + run.futures_equity).tolist() == pytest.approx([2_000.0, 1_000.0, 1_000.0, 1_000.0, 1_000.0])


def test_a_hedge_cut_for_want_of_collateral_is_marked() -> None:
    closes = [100.0] * 3 + [100.0, 100.0]
    opens = [100.0, 100.0, 115.0, 100.0, 100.0]  # 700 coins-worth of collateral at the decision, short at the fill
    run, _ = play({"A": closes}, opens={"A": opens}, weight=0.5, hedge={"constant": "100 %", "reserve": "0 %"})
    assert run.margin_capped.tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]


def test_the_days_before_the_start_warm_the_regime_and_trade_nothing() -> None:
    signals = {"low90": [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]}
    market = stage({"A": [100.0] * 4}, signals=signals, warm=2)
    vote = {
        "on": {"measure": "low90", "threshold": 1, "for": "2 d"},
        "off": {"measure": "low90", "side": "below", "threshold": -1},
    }
    policy = rules_of(vote=vote, hedge={"trend": {"ratio": "75 %", "enter": "on", "leave": "off"}})
    run = backtest(policy, market, capital=2_000.0, weights={"A": 0.5})
    assert run.h_intended[:, 0].tolist() == [0.75] * 4
    assert min(leg.day for leg in run.legs) == 0


def test_an_asset_listed_later_is_bought_when_it_is_there() -> None:
    run, _ = play({"A": [NAN, NAN, 100.0, 100.0, 100.0]}, weight=0.5)
    (leg,) = run.legs
    assert (leg.day, leg.reason) == (2, "entry")
    assert run.regime[0, 0] == -1
    assert np.isfinite(run.nav).all()


def test_a_given_book_is_carried_on() -> None:
    from hedgerow.kernel.rules import pack

    market = stage({"A": [100.0, 100.0, 150.0]})
    policy = rules_of()
    book = new_book(pack(policy, market.market.universe, {"A": 0.5}), 2, 500.0)
    book.asset[[k.B_HELD, k.B_PROTECTED, k.B_OUTSIDE], 0] = [5.0, 5.0, 1.0]
    run, traces = trace(policy, market, capital=1_100.0, weights={"A": 0.5}, book=book)
    assert run.nav.tolist() == pytest.approx([1_100.0, 1_100.0, 1_400.0])
    assert run.legs == ()
    assert traces.book is book
