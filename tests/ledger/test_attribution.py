"""Attribution: examples written out by hand, the identity of 2.20 on random events, what is not known (domain 2.20)."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.ledger.attribution import Attribution, attribute
from hedgerow.model.breakdown import PARTS, Breakdown
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.model.instrument import from_symbol

D = Decimal
SPOT, PERP, COIN = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"


def mark(at: int, regimes: dict[str, str] | None = None, **prices: Any) -> Mark:
    """Prices by BTC, PERP, COIN or a symbol with underscores in place of its signs."""
    names = {
        "BTC": SPOT,
        "PERP": PERP,
        "COIN": COIN,
        "ETH": "ETH/USDT",
        "ETHPERP": "ETH/USDT:USDT",
        "USDC": "USDC/USDT",
    }
    return Mark(at, f"mark {at}", {names[name]: D(str(price)) for name, price in prices.items()}, regimes or {})


def deposit(amount: str = "1000", currency: str = "USDT", at: int = 1, **terms: Any) -> Flow:
    return Flow(at, f"flow {at} {currency}", "spot", currency, D(amount), **terms)


def fill(at: int, instrument: str, amount: str, price: str, **terms: Any) -> Fill:
    return Fill(at, f"fill {at}", "main", instrument, D(amount), D(price), **terms)


def one(*events: Event) -> Breakdown:
    found = attribute(events, "USDT")[0]
    assert found.parts is not None, found.missing
    return found


def parts(found: Breakdown) -> dict[str, D]:
    """The parts that are not nothing."""
    assert found.parts is not None
    return {name: amount for name, amount in found.parts.items() if amount}


def test_a_purchase_is_slippage_fee_and_the_price_from_its_decision_on() -> None:
    # decided at 100, filled at 101, 110 at the end: 2 coins gain 2 x 10, less 2 of slippage and 1 of fee
    bought = fill(3, SPOT, "2", "101", fee=D(1), fee_currency="USDT", decided=D(100), index=D(100), reason="entry")
    found = one(deposit(), mark(2, BTC=99), bought, mark(4, BTC=110))
    assert parts(found) == {"spot": D(20), "slippage_spot": D(-2), "fees_spot": D(-1)}
    assert (found.opening, found.flows, found.closing) == (D(0), D(1000), D(1017))


def test_a_short_is_index_basis_and_slippage() -> None:
    # sold 2 at 101.9, decided at 102 with spot at 101; at the end spot 90, the contract 90.5
    sold = fill(3, PERP, "-2", "101.9", decided=D(102), index=D(101))
    found = one(deposit(), mark(2, BTC=100, PERP=101), sold, mark(4, BTC=90, PERP="90.5"))
    # -2 (90 - 101), -2 ((90.5 - 90) - (102 - 101)), -2 (102 - 101.9)
    assert parts(found) == {"hedge": D(22), "basis": D(1), "slippage_futures": D("-0.2")}


def test_a_cover_realises_and_the_parts_stay_the_same_as_if_held() -> None:
    events = [deposit(), mark(2, BTC=100, PERP=101), fill(3, PERP, "-2", "101"), mark(4, BTC=90, PERP=91)]
    covered = [*events, fill(5, PERP, "2", "91"), mark(6, BTC=200, PERP=222)]
    assert parts(one(*covered)) == parts(one(*events)) == {"hedge": D(20)}
    row = next(row for row in one(*covered).reasons if row.reason == "trade")
    assert (row.fills, row.realised, row.traded, row.total) == (2, D(20), D(384), D(20))


def test_a_fill_without_an_index_keeps_the_basis_of_the_last_mark() -> None:
    # spot rose to 110 before the sale: none of that rise is basis
    found = one(deposit(), mark(2, BTC=100, PERP=100), fill(3, PERP, "-1", "110"), mark(4, BTC=110, PERP=110))
    assert parts(found) == {}


def test_an_inverse_short_backed_by_its_coins_holds_its_dollars() -> None:
    coin = deposit("1", "BTC", price=D(100))
    for last in ("50", "200", "1000"):
        sold = fill(3, COIN, "-100", "100")
        found = one(coin, mark(2, BTC=100, COIN=100), sold, mark(4, BTC=last, COIN=last))
        assert parts(found) == {"spot": D(last) - 100, "hedge": 100 - D(last)}
        assert found.closing == 100


def test_an_inverse_short_splits_index_and_basis_in_quote() -> None:
    # N/E (S1 - S0) with N = -100, E = 125 (decided) and -N (S1/F1 - S0/F0); S0/F0 = 100/125 at the fill, S1/F1 = 0.9
    coin = deposit("1", "BTC", price=D(100))
    sold = fill(3, COIN, "-100", "125", index=D(100))
    found = one(coin, mark(2, BTC=100, COIN=125), sold, mark(4, BTC=90, COIN=100))
    assert parts(found) == {"spot": D(-10), "hedge": D(8), "basis": D(10)}


def test_coins_realised_since_the_contract_was_last_marked_move_with_spot() -> None:
    # the coin went to 200 unseen by the contract: -100/100 + 100/50 is one coin more
    coin = deposit("5", "BTC", price=D(100))
    events = [coin, mark(2, BTC=100, COIN=100), fill(3, COIN, "-100", "100"), mark(4, BTC=200)]
    found = one(*events, fill(5, COIN, "100", "50", index=D(200)), mark(6, BTC=200))
    assert found.closing == 1200
    assert sum(parts(found).values()) == 700


def test_a_settlement_closes_the_basis() -> None:
    settled = fill(5, PERP, "1", "90", kind="settlement")
    events = [deposit(), mark(2, BTC=100, PERP=104), fill(3, PERP, "-1", "104"), mark(4, BTC=95, PERP=96), settled]
    assert parts(one(*events, mark(6, BTC=300))) == {"hedge": D(10), "basis": D(4)}


def test_what_a_liquidation_kept_stands_apart() -> None:
    gone = fill(
        5, PERP, "1", "150", kind="liquidation", fee=D(7), fee_currency="USDT", index=D(100), reason="liquidated"
    )
    found = one(deposit(), mark(2, BTC=100, PERP=100), fill(3, PERP, "-1", "100"), gone, mark(6, BTC=160, PERP=160))
    assert parts(found) == {"hedge": D(-50), "liquidation": D(-7)}


def test_a_cross_hedge_counts_for_the_asset_that_it_serves() -> None:
    short = fill(3, PERP, "-1", "100", asset="ETH")
    own = fill(3, PERP, "-3", "100")
    paid = Funding(4, "f", "main", PERP, D(8))
    gone = fill(5, PERP, "4", "120", kind="liquidation", index=D(120))
    found = one(deposit(), mark(2, BTC=100, PERP=100), short, own, paid, gone, mark(6, BTC=130, PERP=130))
    named = {asset: {n: a for n, a in row.items() if a} for asset, row in found.by_asset.items()}
    assert named == {"ETH": {"hedge": D(-20), "funding": D(2)}, "BTC": {"hedge": D(-60), "funding": D(6)}}


def test_the_carry_sleeve_is_a_part_of_its_own() -> None:
    found = one(
        deposit(), mark(2, BTC=100, PERP=101),
        fill(3, SPOT, "1", "102", sleeve="carry", fee=D(1), fee_currency="USDT"),
        fill(3, PERP, "-1", "101", sleeve="carry"),
        fill(3, SPOT, "1", "100"),
        Funding(4, "f", "main", PERP, D(3), sleeve="carry"),
        mark(5, BTC=120, PERP=120),
    )  # fmt: skip
    assert parts(found) == {"spot": D(20), "carry": D(1)}  # 18 - 19 - 1 + 3
    assert sum(row.total for row in found.reasons) == D(21)


@pytest.mark.parametrize("kind", ["liquidation", "deleveraged", "settlement"])
@pytest.mark.parametrize("size", ["1", "0.25"])
def test_what_a_venue_closes_leaves_the_other_sleeve_alone(kind: str, size: str) -> None:
    short, carry = fill(3, PERP, "-1", "100"), fill(4, PERP, "-3", "100", sleeve="carry")
    gone = fill(5, PERP, size, "110", kind=kind)
    found = one(deposit(), mark(2, BTC=100, PERP=100), short, carry, gone, mark(6, BTC=120, PERP=120))
    assert parts(found) == {"hedge": D(-10) * D(size) - 20 * (1 - D(size)), "carry": D(-60)}
    again = fill(7, PERP, "3", "120", kind=kind, sleeve="carry")
    later = one(deposit(), mark(2, BTC=100, PERP=100), short, carry, gone, again, mark(8, BTC=150, PERP=150))
    assert parts(later)["carry"] == -60


def test_funding_of_a_position_that_only_rounding_leaves_open_goes_to_its_own_asset() -> None:
    short, own = fill(3, PERP, "-1", "100", asset="ETH"), fill(4, PERP, "-6", "100")
    shared = fill(5, PERP, "1", "100", kind="deleveraged")  # a seventh each has no end in digits
    closed = fill(6, PERP, "6", "100")
    found = one(
        deposit(), mark(2, BTC=100, PERP=100), short, own, shared, closed,
        Funding(7, "f", "main", PERP, D(8)), mark(8, BTC=100, PERP=100),
    )  # fmt: skip
    assert {asset: row["funding"] for asset, row in found.by_asset.items()} == {"BTC": D(8)}


def test_regimes_are_those_at_the_start_of_each_interval() -> None:
    found = one(
        deposit(), mark(2, {"BTC": "CALM"}, BTC=100), fill(3, SPOT, "1", "100"), mark(4, {"BTC": "PEAK"}, BTC=110),
        mark(5, {"BTC": "CALM"}, BTC=107), mark(6, BTC=108),
    )  # fmt: skip
    assert {name: row["spot"] for name, row in found.by_regime.items()} == {"CALM": D(11), "PEAK": D(-3)}


def test_income_tax_and_charges_are_parts_and_flows_are_none() -> None:
    found = one(
        deposit(), deposit("2", "ETH", 2, price=D(10)), mark(3, ETH=11),
        Income(4, "i", "spot", "USDT", D(5), "interest"), Income(4, "r", "spot", "ETH", D(1), "reward", D(12)),
        Income(4, "t", "spot", "USDT", D(-7), "tax"), Income(4, "c", "spot", "USDT", D(-2), "charge"),
        Transfer(4, "m", "spot", "cold", "ETH", D(1), D("0.5")),
        deposit("-100", at=5), mark(6, ETH=14),
    )  # fmt: skip
    assert found.flows == D(920)
    # ETH: 2 from 10 to 14, a reward of one from 12 on, half of one less from 11 on
    assert parts(found) == {"spot": D("8.5"), "interest": D(17), "tax": D(-7), "charges": D("-7.5")}


def test_fees_in_coins_are_worth_what_they_were_when_paid() -> None:
    bought = fill(3, SPOT, "2", "100", fee=D("0.1"), fee_currency="BTC")
    paid = fill(4, SPOT, "1", "100", fee=D(1), fee_currency="ETH", fee_price=D(11))
    found = one(
        deposit(), deposit("5", "ETH", price=D(10)), mark(2, BTC=100, ETH=10), bought, paid, mark(5, BTC=120, ETH=9)
    )
    assert parts(found) == {"spot": D(2 * 20 - 2 + 20 - 5 + 2), "fees_spot": D(-21)}


def test_a_second_period_begins_with_what_is_held() -> None:
    first, second = attribute(
        [deposit(), mark(2, BTC=100), fill(3, SPOT, "3", "100", reason="entry"), mark(4, BTC=110),
         fill(5, SPOT, "-1", "120", decided=D(119), reason="trim"), mark(6, BTC=130)],
        "USDT", ends=(4, 7),
    )  # fmt: skip
    assert (first.opening, first.closing, second.opening, second.closing) == (D(0), D(1030), D(1030), D(1080))
    assert parts(second) == {"spot": D(49), "slippage_spot": D(1)}
    rows = {row.reason: row for row in second.reasons}
    assert rows["held"].total == D(60)
    # sold at 120 what is worth 130 now; decided at 119; realised over an average cost of 100
    assert (rows["trim"].effect, rows["trim"].slippage, rows["trim"].total) == (D(-11), D(-1), D(-10))
    assert (rows["trim"].fills, rows["trim"].realised) == (1, D(20))


def test_a_missing_price_makes_no_figure_and_is_named() -> None:
    events = [deposit(), mark(2, BTC=100, ETH=10), fill(3, SPOT, "1", "100"), mark(4, ETH=11), mark(6, BTC=120)]
    short = fill(3, PERP, "-1", "100")
    found = attribute([*events, short, mark(7, BTC=120), mark(8, BTC=120, PERP=121)], "USDT", ends=(2, 4, 6, 7, 8))
    assert [each.missing for each in found] == [
        (), ("a price of BTC",), ("the value at the start of the period",), (f"a price of {PERP}",),
        ("the value at the start of the period",),
    ]  # fmt: skip
    assert [each.parts is None for each in found] == [False, True, True, True, True]
    assert [each.closing for each in found] == [D(1000), None, D(1020), None, D(999)]


@pytest.mark.parametrize("order", [("BTC", "PERP", "ETH"), ("PERP", "ETH", "BTC"), ("ETH", "BTC", "PERP")])
def test_prices_of_one_moment_may_come_in_several_marks(order: tuple[str, ...]) -> None:
    bought = [deposit(), fill(2, SPOT, "1", "100"), fill(2, "ETH/USDT", "1", "10"), fill(2, PERP, "-1", "101")]
    first, last = {"BTC": 100, "PERP": 101, "ETH": 10}, {"BTC": 120, "PERP": 122, "ETH": 11}
    at_once = one(*bought, mark(3, **first), mark(4, **last))
    apart = one(*bought, *(mark(at, **{name: row[name]}) for at, row in ((3, first), (4, last)) for name in order))
    assert parts(apart) == parts(at_once) == {"spot": D(21), "hedge": D(-20), "basis": D(-1)}
    assert apart.closing == at_once.closing


def test_a_contract_with_a_price_but_no_spot_names_the_spot() -> None:
    sold = fill(3, PERP, "-1", "100")
    assert attribute([deposit(), sold, mark(4, PERP=101)], "USDT")[0].missing == ("a price of BTC",)


def test_no_mark_at_the_end_is_no_figure() -> None:
    fold = Attribution("USDT")
    fold.feed(deposit())
    assert fold.take().missing == ("a mark at the end of the period",)
    assert attribute([deposit()], "USDT") == []


def test_unknown_funding_is_counted_and_is_in_no_part() -> None:
    short = fill(3, PERP, "-1", "100")
    paid = [Funding(4, "a", "main", PERP, None), Funding(5, "b", "main", PERP, D(2))]
    found = one(deposit(), mark(2, BTC=100, PERP=100), short, *paid, mark(6, BTC=100, PERP=100))
    assert (found.unknown_funding, parts(found)) == (1, {"funding": D(2)})


def test_what_a_deposit_cost_nobody_told_leaves_the_realised_profit_unknown() -> None:
    for cost, realised in ((None, None), (D(60), D(50))):
        told = [mark(1, BTC=100), deposit("1", "BTC", cost=cost), fill(3, SPOT, "-1", "110"), mark(4, BTC=110)]
        sold = next(row for row in one(*told).reasons if row.reason == "trade")
        assert (sold.realised, sold.total) == (realised, D(0))


def test_coins_that_come_without_a_price_are_worth_that_of_the_next_mark() -> None:
    found = one(deposit("1", "BTC"), fill(2, SPOT, "-1", "90"), mark(3, BTC=100))
    assert (found.flows, parts(found)) == (D(90), {})
    held = one(deposit("1", "BTC"), mark(3, BTC=100), mark(4, BTC=105))
    assert (held.flows, parts(held)) == (D(100), {"spot": D(5)})


# --------------------------------------------------------------------------------------------------- random events

MARKETS = (SPOT, "ETH/USDT", "BTC/USDC", PERP, "ETH/USDT:USDT", "BTC/USDC:USDC", COIN, "ETH/USD:ETH-220325")
PRICED = (*MARKETS[:2], "USDC/USDT", *MARKETS[3:])
ASSETS = ("", "", "", "BTC", "ETH", "SOL")
SEEDS = st.integers(0, 2**32)


def stream(seed: int) -> list[Event]:
    """Deposits, fills on all kinds of contracts, what pays and is paid, with marks between; the last one has all."""
    luck = random.Random(seed)
    near = {name: D(luck.randint(50, 5000)) for name in PRICED} | {"USDC/USDT": D(1)}
    near["BTC/USDC"] = near[SPOT]
    events: list[Event] = [Flow(1, c, "spot", c, D(1000), luck.choice([None, D(7)])) for c in ("USDT", "USDC", "BTC")]
    events.append(Mark(1, "first", dict(near)))
    few = luck.sample(MARKETS, luck.randint(1, len(MARKETS)))
    for n in range(2, luck.randint(3, 60)):
        near = {name: price * (1 + D(luck.randint(-99, 99)) / 1000) for name, price in near.items()}
        events.append(_event(luck, n, near, few))
    return [*events, Mark(99, "last", {name: near[name] for name in PRICED}, {"BTC": "A"})]


def _event(luck: random.Random, n: int, near: dict[str, D], few: list[str]) -> Event:
    kind, coin, name = luck.randint(0, 12), luck.choice(["USDT", "USDC", "BTC", "ETH"]), str(n)
    amount, cents = D(luck.choice([-1, 1]) * luck.randint(1, 400)) / 100, D(luck.randint(1, 9999)) / 100
    asset, sleeve = luck.choice(ASSETS), luck.choice(["", "", "carry"])
    if kind == 0:
        return Flow(n, name, "spot", coin, amount, luck.choice([None, cents]))
    if kind == 1:
        paid: Any = luck.choice(["interest", "reward", "tax", "charge"])
        return Income(n, name, "spot", coin, amount, paid)
    if kind == 2:
        return Transfer(n, name, "spot", "cold", coin, cents, cents)
    if kind in (3, 4, 5):
        chosen = luck.sample(PRICED, luck.randint(1, len(PRICED)))
        return Mark(n, name, {name: near[name] for name in chosen}, {"BTC": luck.choice("AB")})
    if kind == 6:
        return Funding(
            n,
            name,
            "main",
            luck.choice(MARKETS[3:]),
            amount,
            mark=luck.choice([None, cents]),
            asset=asset,
            sleeve=sleeve,
        )
    market = luck.choice(few)
    venue: Any = luck.choice(["trade", "trade", "trade", "liquidation", "settlement", "deleveraged"])
    fee = luck.choice([from_symbol(market).settle, from_symbol(market).asset, "USDT", "ETH"])
    price, decided, index = (near[market] * (1 + D(luck.randint(-50, 50)) / 1000) for _ in range(3))
    return Fill(
        n, name, "main", market, amount, price, cents / 100, fee, luck.choice([None, cents]),
        venue if ":" in market else "trade", luck.choice([None, decided]), luck.choice([None, index]),
        luck.choice(["", "trim", "hedge_raise"]), asset=asset, sleeve=sleeve,
    )  # fmt: skip


@given(SEEDS)
def test_parts_flows_and_rows_add_up_exactly(seed: int) -> None:
    events = stream(seed)
    found = attribute(events, "USDT")[0]
    assert found.opening == 0
    assert found.parts is not None
    assert found.closing is not None
    assert found.flows is not None
    result = found.closing - found.flows
    close = D("1e-15") * max(1, abs(found.closing), sum(map(abs, found.parts.values())))
    assert abs(sum(found.parts.values()) - result) <= close
    assert abs(sum(row.total for row in found.reasons) - result) <= close
    for rows in (found.by_asset, found.by_regime):
        for name in PARTS:
            assert abs(sum(row[name] for row in rows.values()) - found.parts[name]) <= close


@given(SEEDS)
def test_the_value_is_that_of_all_that_moved(seed: int) -> None:
    """Counted again in fractions, every contract as if paid in full."""
    events = stream(seed)
    last = events[-1]
    assert isinstance(last, Mark)
    moved: dict[str, Fraction] = {}

    def move(name: str, amount: Fraction) -> None:
        moved[name] = moved.get(name, Fraction(0)) + amount

    for event in events:
        if isinstance(event, Flow | Income):
            move(event.currency, Fraction(event.amount))
        elif isinstance(event, Transfer):
            move(event.currency, -Fraction(event.fee))
        elif isinstance(event, Funding):
            move(from_symbol(event.instrument).settle, Fraction(event.amount or 0))
        elif isinstance(event, Fill):
            it, units, price = from_symbol(event.instrument), Fraction(event.amount), Fraction(event.price)
            move(event.instrument if ":" in event.instrument else it.asset, units)
            paid = it.settle if it.inverse or it.settle != it.asset else it.quote
            move(paid, units / price if it.inverse else -units * price)
            move(event.fee_currency, -Fraction(event.fee))
    prices = {name: Fraction(price) for name, price in last.prices.items()}
    worth = {"USDT": Fraction(1), "USDC": prices["USDC/USDT"], "BTC": prices[SPOT], "ETH": prices["ETH/USDT"]}
    total = Fraction(0)
    for name, amount in moved.items():
        if ":" not in name:
            total += amount * worth[name]
        elif from_symbol(name).inverse:
            total -= amount / prices[name] * worth[from_symbol(name).asset]
        else:
            total += amount * prices[name] * worth[from_symbol(name).quote]
    closing = attribute(events, "USDT")[0].closing
    assert closing is not None
    scale = max(1, *(abs(float(amount)) for amount in moved.values())) * 1e4
    assert abs(Fraction(closing) - total) <= Fraction(scale) / 10**15


@given(SEEDS, st.lists(st.integers(1, 99), max_size=4))
def test_periods_add_up_to_the_whole(seed: int, ends: list[int]) -> None:
    events = stream(seed)
    whole = attribute(events, "USDT")[0]
    split = attribute(events, "USDT", [*sorted(ends), 99])
    assert whole.parts is not None
    assert split[-1].closing == whole.closing
    if all(each.parts is not None for each in split):
        for name in PARTS:
            summed = sum(each.parts[name] for each in split if each.parts is not None)
            assert abs(summed - whole.parts[name]) <= D("1e-12") * (1 + abs(whole.parts[name]))
        assert abs(sum(each.flows or 0 for each in split) - (whole.flows or 0)) <= D("1e-12") * (
            1 + abs(whole.flows or 0)
        )


@pytest.mark.parametrize("price", ["0.02", "1", "64000.5"])
def test_a_full_hedge_without_basis_makes_nothing_of_any_price(price: str) -> None:
    events = [deposit(), mark(2, BTC=100, PERP=100), fill(3, SPOT, "5", "100"), fill(3, PERP, "-5", "100")]
    found = one(*events, mark(4, BTC=price, PERP=price))
    assert found.closing == 1000
    assert parts(found) == {"spot": 5 * (D(price) - 100), "hedge": -5 * (D(price) - 100)}
