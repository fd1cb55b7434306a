"""What exchanges answered about real positions, against the conventions. The bodies are read in place."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import liquidation
from hedgerow.model import contract
from hedgerow.model.margin import CONVENTIONS
from tests.conftest import DATA
from tests.kernel.desk import loose

PAYLOADS = DATA.parent / "fixtures" / "ccxt" / "payloads"
TAKER = 0.0006  # Bybit's when they were recorded


def bodies(venue: str, function: str) -> list[Any]:
    path = PAYLOADS / f"{venue}.rest.json"
    if not path.is_file():
        pytest.skip(f"the recorded bodies are not at {PAYLOADS}")
    return [each["payload"] for each in json.loads(path.read_text())["samples"] if each["function"] == function]


def maintenance(name: str, size: float, price: float, rate: float) -> float:
    row = CONVENTIONS[name]
    tier = np.array([[0.0, rate, 0.0]])
    return loose(liquidation.maintenance)(size, price, price, tier, 0, 1, row.at_entry, 0.0, row.inverse)


def test_binance_linear_maintenance_is_of_the_value_at_the_mark() -> None:
    """Two positions of one contract, in its lowest tier: 0.6 % of what each is worth."""
    short = next(each for each in bodies("binance", "parse_account_position") if each["symbol"] == "WLDUSDT")
    (long,) = next(each for each in bodies("binance", "fetch_positions_risk") if each[0]["symbol"] == "WLDUSDT")
    for body in (short, long):
        size = float(body["positionAmt"])
        mark = float(body["notional"]) / size
        assert maintenance("binance_linear", size, mark, 0.006) == pytest.approx(float(body["maintMargin"]), abs=5e-8)
        at_entry = maintenance("binance_linear", size, float(body["entryPrice"]), 0.006)
        assert at_entry != pytest.approx(float(body["maintMargin"]), rel=1e-3)
    profit = contract.profit(float(long["positionAmt"]), float(long["entryPrice"]), float(long["markPrice"]), False)
    assert profit == pytest.approx(float(long["unRealizedProfit"]), abs=5e-9)


def test_binance_inverse_maintenance_is_in_coins() -> None:
    body = next(each for each in bodies("binance", "parse_account_position") if each["symbol"].startswith("BTCUSD_"))
    value = float(body["notionalValue"])
    found = maintenance("binance_inverse", -value * 40_000.0, 40_000.0, 0.01)
    assert found == pytest.approx(float(body["maintMargin"]), abs=5e-9)


def test_bybit_linear_liquidation_and_bankruptcy_of_an_isolated_position() -> None:
    """Maintenance of 0.5 % at entry. The margin that it shows holds the closing fee, which is in neither price."""
    body = next(each for each in bodies("bybit", "parse_position") if each["tradeMode"] == 1)
    row = CONVENTIONS["bybit_linear_entry_mm"]
    size, entry, tick = float(body["size"]), float(body["entryPrice"]), 0.05
    margin = loose(liquidation.initial_margin)(size, entry, float(body["leverage"]), 0.0, False)
    bust = loose(liquidation.bankruptcy_price)(size, entry, margin, 0.0, False)
    assert bust == pytest.approx(float(body["bustPrice"]), abs=tick)
    assert margin + size * bust * TAKER == pytest.approx(float(body["positionBalance"]), abs=1e-4)
    found = loose(liquidation.liquidation_price)(
        size, entry, margin, np.array([[0.0, 0.005, 0.0]]), 0, 1, row.at_entry, 0.0, False
    )
    assert found == pytest.approx(float(body["liqPrice"]), abs=tick)


def test_bybit_counts_the_fee_of_closing_at_the_bankruptcy_price_in_both_margins() -> None:
    """1 % of the value at entry (an alternative coin), and the fee where the leverage's margin would be gone."""
    body = next(each for each in bodies("bybit", "parse_position") if each["symbol"] == "XRPUSDT")
    size, entry, leverage = float(body["size"]), float(body["avgPrice"]), float(body["leverage"])
    margin = loose(liquidation.initial_margin)(size, entry, leverage, 0.0, False)
    fee = size * loose(liquidation.bankruptcy_price)(size, entry, margin, 0.0, False) * TAKER
    assert margin + fee == pytest.approx(float(body["positionIM"]), abs=5e-7)
    assert maintenance("bybit_linear_entry_mm", size, entry, 0.01) + fee == pytest.approx(
        float(body["positionMM"]), abs=5e-7
    )
