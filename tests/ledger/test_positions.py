"""Positions: goldens G-17 to G-31 through the fold, flips, closes by the venue, and agreement with model.contract."""

from __future__ import annotations

from decimal import localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, Mismatch
from hedgerow.ledger.entries import EXACT, ONE, ZERO
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.positions import Held, Position
from hedgerow.model import contract
from hedgerow.model.event import Funding
from hedgerow.model.instrument import from_symbol
from tests.ledger.facts import D, amounts, fill, folded, mark, prices

LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"


def position_of(ledger: Ledger) -> Position:
    (position,) = ledger.contracts.values()
    return position


def near(found: D | None, expected: str, places: int) -> None:
    assert found is not None
    assert round(found, places) == D(expected)


def test_g17_bitmex_perpetual_with_funding() -> None:
    """Long 15,000 at 750 is worth 20 XBT; funding of 0.25 % costs 0.05; closed at 800 it earns 1.25, 1.20 net."""
    size, rate = D(15_000), D("0.0025")
    ledger = folded(fill(size, INVERSE, 750))
    assert position_of(ledger).cost == 20
    paid = contract.funding_received(size, D(750), rate, True)
    assert paid == D("-0.05")
    ledger.fold([Funding(1, "fund", "futures", INVERSE, paid, rate, D(750)), fill(-size, INVERSE, 800, 2)])
    assert [one.amount for one in ledger.derivatives] == [D("-0.05"), D("1.25")]
    assert ledger.balances["futures", "BTC"] == D("1.20")
    assert ledger.positions == {}


# size, entry, mark or exit, profit in coins, decimals of the source: domain 5.2
INVERSES = (
    ("G-18", 100_000, "10000", "10500", "0.47619048", 8),
    ("G-19", 1_000, "1000", "1250", "0.2", 8),
    ("G-21 long up", 100, "100", "200", "0.5", 8),
    ("G-21 short up", -100, "100", "200", "-0.5", 8),
    ("G-21 long down", 100, "100", "50", "-1", 8),
    ("G-21 short down", -100, "100", "50", "1", 8),
    ("G-22", -100_000, "10000", "11000", "-0.90909091", 8),
    ("G-23", 100_000, "10500", "11505.60", "0.83238969", 8),
)


@pytest.mark.parametrize(
    ("size", "entry", "price", "profit", "places"), [one[1:] for one in INVERSES], ids=[one[0] for one in INVERSES]
)
def test_inverse_profit_open_and_closed(size: int, entry: str, price: str, profit: str, places: int) -> None:
    ledger = folded(fill(size, INVERSE, entry))
    near(position_of(ledger).unrealised(D(price)), profit, places)
    ledger.fold([fill(-size, INVERSE, price, 1)])
    near(ledger.balances["futures", "BTC"], profit, places)


@pytest.mark.parametrize(
    ("size", "entry", "price", "fee"),
    [(-100_000, "10000", "11000", "0.0075"), (100_000, "10500", "11505.60", "0.00714286")],
    ids=["G-22", "G-23"],
)
def test_fee_of_an_inverse_contract_is_a_share_of_its_notional(size: int, entry: str, price: str, fee: str) -> None:
    """At 7.5 bp of the notional at entry, in coins; the notional of G-22 at the mark is 9.09090909."""
    notional = abs(contract.notional(D(size), D(entry), True))
    ledger = folded(fill(size, INVERSE, entry, fee=notional * D("0.00075")))
    near(position_of(ledger).fees, fee, 8)
    near(-ledger.balances["futures", "BTC"], fee, 8)
    if size < 0:
        near(position_of(ledger).value(D(size), D(price)), "-9.09090909", 8)


@pytest.mark.parametrize(
    ("size", "entry", "price", "profit"),
    [
        ("4", "10500", "11505.60", "4022.40"),
        ("-5.912", "10505.60", "10407.15", "582.0364"),
        ("0.1", "100000", "160000", "6000"),
    ],
    ids=["G-26 long", "G-26 short", "G-31"],
)
def test_linear_profit_open_and_closed(size: str, entry: str, price: str, profit: str) -> None:
    ledger = folded(fill(size, LINEAR, entry))
    assert position_of(ledger).unrealised(D(price)) == D(profit)
    ledger.fold([fill(-D(size), LINEAR, price, 1)])
    assert ledger.balances["futures", "USDT"] == D(profit)


def test_g28_realised_after_each_fill() -> None:
    """12@100 and 17@99 bought, 9@101 and 4@105 sold, 3@103 bought, at 1 bp: realised with fees, and average entry."""
    trades = ((12, 100), (17, 99), (-9, 101), (-4, 105), (3, 103))
    after = ("-0.12", "-0.2883", "13.89666207", "36.19948966", "36.16858966")
    ledger = Ledger()
    for number, ((size, price), expected) in enumerate(zip(trades, after, strict=True)):
        ledger.fold([fill(size, "ETH/USDT:USDT", price, number, fee=abs(size) * price * D("0.0001"))])
        near(ledger.balances["futures", "USDT"], expected, 8)
        if number == 1:
            entry = position_of(ledger).entry
            assert entry is not None
            assert abs(entry - D("99.41379310344827")) < D("1e-14")  # the source cuts its digits
    near(position_of(ledger).entry, "99.98003629764065", 14)
    assert position_of(ledger).size == 19


def test_g30_inverse_average_is_harmonic() -> None:
    ledger = folded(fill(50, INVERSE, 10_000), fill(50, INVERSE, 15_000))
    near(position_of(ledger).entry, "12000", 12)


@pytest.mark.parametrize("price", ["30000", "50000", "80000"])
def test_g57_one_times_inverse_short_holds_its_value(price: str) -> None:
    coins = folded(fill(1, "BTC/USDT", 50_000, account="futures"), fill(-50_000, INVERSE, 50_000))
    worth = coins.value({"BTC/USDT": D(price), INVERSE: D(price)})
    assert worth.total is not None
    assert abs(worth.total + 50_000 - 50_000) < D("1e-12")  # the coins were bought with 50,000 that are owed


@pytest.mark.parametrize("price", ["1", "20000", "90000"])
def test_full_linear_hedge_is_flat(price: str) -> None:
    ledger = folded(fill("1.3", "BTC/USDT", 20_000), fill("-1.3", LINEAR, 20_000))
    assert ledger.value({"BTC/USDT": D(price), LINEAR: D(price)}).total == 0


def test_trade_through_zero_closes_all_and_opens_the_rest() -> None:
    ledger = folded(fill(2, LINEAR, 100), fill(-5, LINEAR, 110, 7))
    position = position_of(ledger)
    assert (position.size, position.entry, position.opened_ns) == (-3, 110, 7)
    assert [(one.kind, one.amount) for one in ledger.derivatives] == [("close", 20)]
    assert (position.realised, position.unrealised(D(100))) == (0, 30)


def test_closed_position_leaves_no_digit_of_its_cost() -> None:
    price = D("100.1234567890123456789012345")
    ledger = folded(fill(3, LINEAR, price), fill(-1, LINEAR, price, 1), fill(-2, LINEAR, price, 2))
    assert position_of(ledger).cost == 0
    assert ledger.balances["futures", "USDT"] == 0


def test_figures_count_from_the_opening() -> None:
    pay = Funding(1, "pay", "futures", LINEAR, D(3))
    ledger = folded(fill(2, LINEAR, 100, fee=1), pay, fill(-1, LINEAR, 110, 2, fee=1))
    position = position_of(ledger)
    assert (position.realised, position.funding, position.fees, position.opened_ns) == (10, 3, 2, 0)
    ledger.fold([fill(-1, LINEAR, 120, 3), fill(1, LINEAR, 90, 4)])
    assert (position.realised, position.funding, position.fees, position.opened_ns) == (0, 0, 0, 4)
    assert ledger.balances["futures", "USDT"] == 10 + 20 + 3 - 2


def test_sleeves_and_accounts_keep_positions_apart() -> None:
    ledger = folded(
        fill(-1, LINEAR, 100), fill(-2, LINEAR, 120, sleeve="carry"), fill(-4, LINEAR, 130, account="other")
    )
    assert {held: position.size for held, position in ledger.positions.items()} == {
        Held("futures", LINEAR, ""): -1,
        Held("futures", LINEAR, "carry"): -2,
        Held("other", LINEAR, ""): -4,
    }


@pytest.mark.parametrize(
    ("kind", "account"),
    [("settlement", "expenses:fees"), ("deleveraged", "expenses:fees"), ("liquidation", "expenses:liquidation")],
)
def test_venue_closes_a_position(kind: Any, account: str) -> None:
    dated = "BTC/USDT:USDT-220325"
    ledger = folded(fill(-2, dated, 100), fill(2, dated, 90, 1, kind=kind, fee=3))
    assert ledger.positions == {}
    assert [(one.kind, one.amount) for one in ledger.derivatives] == [(kind, 20), ("fee", -3)]
    assert ledger.nominal[account, "USDT"] == 3
    assert ledger.balances["futures", "USDT"] == 17


@pytest.mark.parametrize("kind", ["settlement", "deleveraged", "liquidation"])
@pytest.mark.parametrize("amount", ["2.1", "-1"])
def test_venue_cannot_close_more_than_was_held(kind: Any, amount: str) -> None:
    ledger = folded(fill(-2, LINEAR, 100))
    with pytest.raises(Mismatch, match=f"a {kind} of {amount} BTC/USDT:USDT, and -2 was held"):
        ledger.fold([fill(amount, LINEAR, 90, 1, kind=kind)])
    assert position_of(ledger).size == -2
    assert ledger.balances == {}


def test_rounding_of_a_venue_is_no_mismatch() -> None:
    ledger = folded(fill("-0.3", LINEAR, 100), fill("0.3000000000000000444", LINEAR, 90, 1, kind="settlement"))
    assert position_of(ledger).size == D("0.0000000000000000444")


def test_position_is_no_dust() -> None:
    with pytest.raises(ConfigError, match="never sold as dust"):
        folded(fill(-2, LINEAR, 100), fill(2, LINEAR, 90, 1, kind="dust"))


# --------------------------------------------------------------------------------------- coins of an inverse contract


def test_loss_in_coins_spends_lots_at_the_price() -> None:
    ledger = folded(
        fill(1, "BTC/USDT", 8_000, account="futures"),
        fill(1_000, "BTC/USDT:BTC", 10_000),
        fill(-1_000, "BTC/USDT:BTC", 8_000, 1, index=7_990),
    )
    (one,) = ledger.disposals
    assert (one.kind, one.amount, one.basis) == ("loss", D("0.025"), 200)
    assert one.proceeds == D("0.025") * 7_990  # the spot price beside the fill is nearer than the contract's own
    (closed,) = ledger.derivatives
    assert (closed.currency, closed.amount, closed.value) == ("BTC", D("-0.025"), D("-0.025") * 7_990)


def test_profit_in_coins_is_a_lot_at_the_mark() -> None:
    """The contract is quoted in USD, which is not the ledger's quote: only a mark says what a coin is worth."""
    events = fill(-1_000, INVERSE, 10_000), fill(1_000, INVERSE, 8_000, 1)
    (unknown,) = folded(*events).open_lots()
    assert (unknown.amount, unknown.cost) == (D("0.025"), None)
    (lot,) = folded(mark(BTC=8_001), *events).open_lots()
    assert (lot.amount, lot.cost) == (D("0.025"), D("0.025") * 8_001)


# ------------------------------------------------------------------------------------------- against model.contract


@given(st.booleans(), st.lists(st.tuples(amounts, prices, st.sampled_from((1, -1))), min_size=1, max_size=30))
def test_position_agrees_with_the_contract(inverse: bool, trades: list[tuple[D, D, int]]) -> None:
    """Average entry, realised and unrealised profit, rebuilt with ``average_entry`` and ``profit`` alone."""
    position = Position(Held("a", "b", ""), from_symbol(INVERSE if inverse else LINEAR))
    size, entry, realised, total = ZERO, ZERO, ZERO, ZERO
    with localcontext(EXACT):
        for number, (amount, price, side) in enumerate(trades):
            amount *= side
            total += position.trade(number, amount, price) or ZERO
            if not size or (size > 0) is (amount > 0):
                entry = contract.average_entry(size, entry, amount, price, inverse) if size else price
                size += amount
            else:
                closed = size if abs(amount) >= abs(size) else -amount
                realised += contract.profit(closed, entry, price, inverse)
                entry = price if abs(amount) > abs(size) else entry
                size += amount
            scale = max(ONE, abs(realised))
            assert position.size == size
            assert abs(total - realised) <= D("1e-17") * scale
            if size:
                assert position.entry is not None
                assert abs(position.entry - entry) <= D("1e-12") * entry
                open_profit = contract.profit(size, entry, price, inverse)
                assert abs(position.unrealised(price) - open_profit) <= D("1e-17") * max(ONE, abs(open_profit))
            else:
                assert position.entry is None
                assert position.cost == 0
