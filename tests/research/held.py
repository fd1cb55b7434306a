"""Portfolios written down by a test, and the plan for each: no costs and no guards unless they are asked for."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.portfolio import Portfolio
from hedgerow.research.backtest import Stage
from hedgerow.research.decision import Decision, plan_for
from tests.kernel import tape
from tests.kernel.desk import rules_of

DAY_NS = 86_400_000_000_000
DRIFT = {"drift": {"measure": "drift_abs", "threshold": "10 pp", "to": "target"}}


def portfolio(text: str) -> Portfolio:
    return Portfolio.model_validate(tomllib.loads(text))


def short(amount: float, entry: float = 100.0, collateral: float = 100.0, symbol: str = "BTC/USDT:USDT") -> str:
    return f'\n[futures."{symbol}"]\namount = {amount}\nentry = {entry}\ncollateral = {collateral}\n'


def future(symbol: str, asset: str, **terms: Any) -> Instrument:
    return Instrument(symbol, asset, kind=terms.pop("kind", Kind.PERPETUAL), minimum_notional=0.0, **terms)


def market(**terms: Any) -> Stage:
    """On the last of two days BTC stands at 100, its perpetual at 101, and ETH at 10."""
    return tape.stage({"BTC": [90.0, 100.0], "ETH": [12.0, 10.0], "BTC/USDT:USDT": [92.0, 101.0]} | terms)


def plan(text: str, *, stage: Stage | None = None, weights: dict[str, float] | None = None, **tables: Any) -> Decision:
    """A plan without costs and guards, for BTC at 100 alone unless a stage is given; the target of BTC is half."""
    one = stage or tape.stage({"BTC": [100.0] * 2})
    share = weights or dict.fromkeys(one.market.universe.assets, 0.0) | {"BTC": 0.5}
    return plan_for(rules_of(**tables), one, portfolio(text), share)


def deeds(decision: Decision) -> list[tuple[str, str, float, str]]:
    return [(leg.instrument, leg.side, pytest.approx(leg.amount), leg.reason) for leg in decision.legs]
