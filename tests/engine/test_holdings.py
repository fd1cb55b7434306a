"""A portfolio that begins with coins, shorts and protected coins: the bits of the compiled run from the same book."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.engine.drive import Pump, drive
from hedgerow.engine.holdings import book_of, holdings_with
from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel.rules import pack
from hedgerow.model.portfolio import Portfolio
from hedgerow.research.backtest import Stage, trace
from hedgerow.venues.simulated import SimulatedVenue
from tests.engine.desk import engine_of, tape_of
from tests.parity.cases import universe
from tests.properties import stage_of

UNIVERSE = universe("perp")
WEIGHTS = {"BTC": 0.4, "ETH": 0.25, "SOL": 0.15}


def stage(seed: int) -> Stage:
    return stage_of(UNIVERSE, seed, days=75, per_day=3, wildness=1.0)


def held(made: Stage, **futures: Any) -> tuple[Portfolio, list[float]]:
    """Coins worth some 60,000, a third of the first protected, and half of them short."""
    opens = made.market.open[0].tolist()
    coins = [30_000 / price for price in opens[:2]]
    short = {"amount": -coins[0] / 2, "entry": opens[3] * 1.1, "collateral": 18_000.0}
    document = {
        "spot": {"BTC": {"amount": coins[0], "protected": coins[0] / 3, "unit_cost": opens[0] / 2},
                 "ETH": {"amount": coins[1], "outside": coins[1] / 10}, "USDT": {"amount": 40_000.0}},
        "futures": {"BTC-perp": short | futures},
    }  # fmt: skip
    return Portfolio.model_validate(document), opens


@pytest.mark.parametrize("base", ["balanced", "b3_constant", "seed"])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_has_the_bits_of_the_run_from_the_same_book(base: str, seed: int) -> None:
    policy, made = policies.load(base), stage(seed)
    portfolio, opens = held(made)
    holdings = holdings_with(portfolio, UNIVERSE, opens)
    rules = pack(policy, UNIVERSE, WEIGHTS)
    with np.errstate(all="ignore"):
        _, traces = trace(policy, made, capital=1e5, weights=WEIGHTS, book=book_of(rules, UNIVERSE, holdings))
        engine = engine_of(policy, made, WEIGHTS, 0.0, holdings=holdings)
        venue = SimulatedVenue(rules, tape_of(made), book_of(rules, UNIVERSE, holdings))
        asyncio.run(drive(Pump(engine, None), venue))
    assert [block.tobytes() for block in traces.book] == [block.tobytes() for block in engine.fold.desk.book]
    assert np.array_equal(engine.fold.desk.book.asset[k.B_HELD], venue.account.desk.book.asset[k.B_HELD])
    assert engine.fold.desk.book.asset[k.B_HELD, 0] >= portfolio.spot["BTC"].protected


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"amount": 1.0}, "is not a hedge of"), ({"collateral": 0.0, "entry": 0.001}, "would have been liquidated")],
)
def test_what_cannot_be_held_is_refused(wrong: dict[str, float], why: str) -> None:
    made = stage(0)
    portfolio, opens = held(made, **wrong)
    rules = pack(policies.load("balanced"), UNIVERSE, WEIGHTS)
    with pytest.raises(ConfigError, match=why):
        book_of(rules, UNIVERSE, holdings_with(portfolio, UNIVERSE, opens))
