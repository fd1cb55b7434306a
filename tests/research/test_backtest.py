"""A backtest's record: what is named, what adds up, what is refused before it starts."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.model.instrument import Universe
from hedgerow.model.plan import SENTENCES, Reason, Refusal
from hedgerow.model.report import PARTS, Run
from hedgerow.research.backtest import Traces, backtest, row_name, sentence, trace
from hedgerow.research.bars import marked_highs
from tests.kernel.desk import rules_of
from tests.kernel.tape import stage, universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.3, "SOL": 0.1}


def assets() -> Universe:
    return universe(tuple(WEIGHTS))


@pytest.fixture(scope="module")
def played() -> tuple[Run, Traces]:
    return trace(policies.load("seed"), stage_of(assets(), 4, days=120, per_day=3), capital=5e5, weights=WEIGHTS)


def test_the_parts_add_up_to_the_change_of_value_on_every_day(played: tuple[Run, Traces]) -> None:
    run, _ = played
    assert run.parts.shape == (120, len(PARTS))
    assert np.abs(run.parts.sum(axis=1) - (run.nav - 5e5)).max() <= 1e-9 * run.nav.max()
    assert run.parts_by_asset.sum(axis=0) == pytest.approx(run.parts[-1], abs=1e-6)


def test_fees_in_the_legs_are_the_fees_in_the_parts(played: tuple[Run, Traces]) -> None:
    run, traces = played
    filled = traces.log[traces.log[:, k.L_STATUS] == k.FILLED]
    spot = filled[:, k.L_KIND] == k.LEG_SPOT
    assert -run.parts[-1, PARTS.index("fees_spot")] == pytest.approx(filled[spot, k.L_FEE].sum())
    assert -run.parts[-1, PARTS.index("fees_futures")] == pytest.approx(filled[~spot, k.L_FEE].sum())
    assert -run.parts[-1, PARTS.index("slippage_spot")] == pytest.approx(filled[spot, k.L_SLIPPAGE].sum())


def test_every_leg_is_named(played: tuple[Run, Traces]) -> None:
    run, _ = played
    assert len(run.legs) > 20
    symbols = {it.symbol for it in assets().instruments}
    for leg in run.legs:
        assert leg.instrument in symbols
        assert leg.asset in WEIGHTS
        assert leg.side in (("in", "out") if leg.kind == "margin" else ("buy", "sell"))
        assert leg.filled_ns >= leg.decided_ns > 0
        assert leg.notional == pytest.approx(leg.amount * leg.price)
        assert 0 <= leg.day < 120
        if leg.reason == "trim":
            assert leg.row.startswith("trim.")
    for leg in run.refusals:
        assert leg.refused
        assert leg.filled_ns == 0


def test_votes_are_true_false_or_abstained(played: tuple[Run, Traces]) -> None:
    run, _ = played
    assert set(run.votes) == set(policies.load("seed").vote)
    assert all(set(np.unique(answers)) <= {-1, 0, 1} for answers in run.votes.values())


def test_turnover_by_day_adds_up_to_what_was_filled(played: tuple[Run, Traces]) -> None:
    run, _ = played
    spot = sum(leg.notional for leg in run.legs if leg.kind == "spot")
    futures = sum(leg.notional for leg in run.legs if leg.kind == "futures" and leg.reason != "liquidated")
    assert run.turnover_spot.sum() == pytest.approx(spot, rel=1e-6)
    assert run.turnover_futures.sum() == pytest.approx(futures, rel=1e-6)


@pytest.mark.parametrize("capital", [0.0, -1.0, float("nan")])
def test_a_run_without_capital_is_refused(capital: float) -> None:
    with pytest.raises(ConfigError, match="capital"):
        backtest(rules_of(), stage({"A": [1.0, 1.0]}), capital=capital, weights={"A": 0.5})


def test_the_same_inputs_give_the_same_bits(played: tuple[Run, Traces]) -> None:
    again, traces = trace(
        policies.load("seed"), stage_of(assets(), 4, days=120, per_day=3), capital=5e5, weights=WEIGHTS
    )
    assert again.nav.tobytes() == played[0].nav.tobytes()
    assert traces.log.tobytes() == played[1].log.tobytes()


def test_a_backtest_changes_nothing_that_it_was_given() -> None:
    given = stage_of(assets(), 2, days=40)
    kept = {name: getattr(given.market, name).copy() for name in ("open", "high", "close", "funding", "fresh")}
    signals = given.signals.copy()
    backtest(policies.load("balanced"), given, capital=1e5, weights=WEIGHTS)
    assert given.signals.tobytes() == signals.tobytes()
    for name, block in kept.items():
        assert getattr(given.market, name).tobytes() == block.tobytes(), name


def test_every_reason_and_refusal_makes_a_sentence() -> None:
    for code in (*Reason, *Refusal):
        if code.name != "NONE":
            assert code in SENTENCES
            text = sentence(code, "trim.drift", 0.25, 0.2, "%", "USDT")
            assert text
            assert "{" not in text
            assert (
                "unknown" in sentence(code, "trim.drift", float("nan"), float("nan"), "%", "USDT")
                or "{" not in SENTENCES[code]
            )
    policy = policies.load("balanced")
    assert row_name(policy, 0, Reason.TRIM) == "trim.drift"
    assert row_name(policy, 0, Reason.TRIM_PEAK) == "regime"


def test_marked_highs_follow_the_spot_market_over_a_coarse_bar() -> None:
    nan = float("nan")
    market = stage(
        {"A": [100.0] * 4}, highs={"A": [100.0, 140.0, 100.0, 100.0], "A/USDT:USDT": [nan, nan, nan, 200.0]}
    ).market
    assert marked_highs(market)[3, 1] == pytest.approx(1.05 * 140.0)
