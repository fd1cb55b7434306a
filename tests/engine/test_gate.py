"""What may leave: breakers by count and notional, and the desk's day with purchases and sales netted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hedgerow.engine.gate import Gate
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.mandate import Mandate, State
from hedgerow.model.order import Order
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND

SPOT = Instrument("BTC/USDT", "BTC")
PERPETUAL = Instrument("BTC/USDT:USDT", "BTC", kind=Kind.PERPETUAL)
PRICE = Decimal(100)
BEGIN = 20_000 * NS_PER_DAY


def order(amount: str, at_s: float = 0, instrument: Instrument = SPOT, limit: str = "100") -> Order:
    kind: Any = "spot" if instrument.kind is Kind.SPOT else "futures"
    at_ns = BEGIN + int(at_s * NS_PER_SECOND)
    return Order(at_ns, f"o{at_s}", "p", 0, kind, instrument.symbol, Decimal(amount), Decimal(limit), "taker", False, 0)


def refusal(gate: Gate, one: Order, held: str = "1000", state: State = State.RUNNING) -> str:
    instrument = SPOT if one.kind == "spot" else PERPETUAL
    why = gate.refusal(one, instrument, PRICE, state, Decimal(held))
    if not why:
        gate.passed(one, PRICE)
    return why


@pytest.mark.parametrize(
    ("amount", "limit", "state", "held", "why"),
    [
        ("0", "100", State.RUNNING, "10", "an amount of 0"),
        ("1", "100", State.HALTED, "10", "the engine is halted"),
        ("1", "100", State.REDUCE_ONLY, "10", "only what lowers exposure is done"),
        ("-11", "100", State.RUNNING, "10", "it is for 11 of 10 BTC/USDT"),
        ("1", "102", State.RUNNING, "10", "its limit 102 is further from the present price 100 than 1%"),
        ("-1", "100", State.REDUCE_ONLY, "10", ""),
    ],
)
def test_what_may_not_leave(amount: str, limit: str, state: State, held: str, why: str) -> None:
    assert refusal(Gate(Mandate()), order(amount, limit=limit), held, state) == why


def test_breakers_by_minute_hour_and_day() -> None:
    gate = Gate(Mandate(orders_minute=3, notional_hour=Decimal(500), notional_day=Decimal(900)))
    assert [refusal(gate, order("1", n)) for n in range(3)] == [""] * 3
    assert refusal(gate, order("1", 3)) == "3 orders left within a minute, and 3 may"
    assert gate.tripped
    assert refusal(gate, order("3", 61)) == "orders of 600.00 within the hour are more than 500"
    assert refusal(gate, order("2", 61)) == ""
    assert refusal(gate, order("5", 3_700)) == "orders of 1000.00 within the day are more than 900"
    assert refusal(gate, order("4", 3_700)) == ""
    assert refusal(gate, order("4", 86_400 + 70)) == ""


def test_the_desk_counts_what_is_left_when_one_sells_what_another_buys() -> None:
    gate = Gate(Mandate(desk_day=Decimal(1_000)))
    gate.day, gate.elsewhere = BEGIN // NS_PER_DAY, {"BTC/USDT": Decimal(900), "ETH/USDT": Decimal(-50)}
    assert refusal(gate, order("1", 0)) == "the desk would have traded 1050.00 today, more than 1000"
    assert refusal(gate, order("-5", 1)) == "", "it sells what another one bought: the desk trades less"
    assert refusal(gate, order("5", 2)) == "", "900 - 500 + 500 and 50 are 950"
    assert refusal(gate, order("-1", 3, PERPETUAL)).startswith("the desk would have traded 1050.00")


def test_yesterday_of_the_desk_counts_no_more() -> None:
    gate = Gate(Mandate(desk_day=Decimal(1_000)))
    gate.day, gate.elsewhere = BEGIN // NS_PER_DAY, {"BTC/USDT": Decimal(990)}
    assert refusal(gate, order("5", 10)) != ""
    assert refusal(gate, order("5", 86_410)) == ""
