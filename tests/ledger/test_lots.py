"""Lots: goldens G-50 and G-52, every method against a plain list, terms, fees in basis and proceeds, unknown costs."""

from __future__ import annotations

import pickle
from decimal import localcontext
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.ledger import holdings
from hedgerow.ledger.entries import EXACT, ZERO
from hedgerow.ledger.lots import Method, Pool
from hedgerow.model.event import Event, Transfer
from hedgerow.units import NS_PER_DAY
from tests.ledger.facts import D, day, fill, flow, folded, mark

METHODS = get_args(Method)


def bought(*prices: int) -> list[Event]:
    """One coin at each price, a day apart; the lots are named b0, b1, ..."""
    return [fill(1, "BTC/USDT", price, i * NS_PER_DAY, id=f"b{i}") for i, price in enumerate(prices)]


# Lots and sale of a forum post that cites Accointing's guide (average added), and of gera.services: domain 5.2
GOLDENS = (
    ("G-50", (10_000, 12_000, 9_000, 15_000, 18_000), 3, 20_000, {"FIFO": 29_000, "LIFO": 18_000, "HIFO": 15_000, "AVERAGE": 21_600}),
    ("G-52", (20_000, 40_000), 1, 50_000, {"FIFO": 30_000, "LIFO": 10_000, "HIFO": 10_000, "AVERAGE": 20_000}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("prices", "sold", "at", "gains"), [golden[1:] for golden in GOLDENS], ids=[golden[0] for golden in GOLDENS]
)
def test_goldens(prices: tuple[int, ...], sold: int, at: int, gains: dict[Method, int]) -> None:
    for method, gain in gains.items():
        ledger = folded(*bought(*prices), fill(-sold, "BTC/USDT", at, 10 * NS_PER_DAY), method=method)
        assert sum(one.gain or 0 for one in ledger.disposals) == gain, method
        assert sum(one.amount for one in ledger.disposals) == sold


def test_specific_identification_takes_what_is_named() -> None:
    before = bought(20_000, 40_000, 30_000)
    ledger = folded(*before, fill("-1.5", "BTC/USDT", 50_000, 9 * NS_PER_DAY, lots=("b2", "b0")), method="SPECIFIC")
    assert [(one.lot, one.amount, one.gain) for one in ledger.disposals] == [
        ("b2", 1, 20_000),
        ("b0", D("0.5"), 15_000),
    ]
    assert [(lot.lot, lot.amount, lot.cost) for lot in ledger.open_lots()] == [
        ("b0", D("0.5"), 10_000),
        ("b1", 1, 40_000),
    ]


def test_specific_identification_without_names_takes_the_oldest() -> None:
    ledger = folded(*bought(20_000, 40_000), fill(-1, "BTC/USDT", 50_000, 9 * NS_PER_DAY), method="SPECIFIC")
    assert [one.lot for one in ledger.disposals] == ["b0"]


@pytest.mark.parametrize("names", [("b7",), ("b0",)])
def test_named_lots_that_do_not_suffice_are_refused_and_nothing_is_booked(names: tuple[str, ...]) -> None:
    ledger = folded(*bought(20_000, 40_000), method="SPECIFIC")
    before = dict(ledger.balances), ledger.open_lots(), ledger.trial_balance()
    with pytest.raises(ConfigError, match=f"event gone: the lots {names[0]} hold"):
        ledger.fold([fill("-1.5", "BTC/USDT", 50_000, 9 * NS_PER_DAY, lots=names, id="gone")])
    assert (dict(ledger.balances), ledger.open_lots(), ledger.trial_balance()) == before
    assert ledger.disposals == []


def test_other_methods_do_not_look_at_names() -> None:
    ledger = folded(*bought(20_000, 40_000), fill(-1, "BTC/USDT", 50_000, 9 * NS_PER_DAY, lots=("b1",)))
    assert [one.lot for one in ledger.disposals] == ["b0"]


@pytest.mark.parametrize(
    ("sold", "days", "term"),
    [("2021-12-31", 364, "short"), ("2022-01-01", 365, "short"), ("2022-01-02", 366, "long")],
)
def test_term_counts_days_between_dates(sold: str, days: int, term: str) -> None:
    late = day("2021-01-01") + NS_PER_DAY - 1  # the last moment of its day
    ledger = folded(fill(1, "BTC/USDT", 10, late), fill(-1, "BTC/USDT", 20, day(sold)))
    (one,) = ledger.disposals
    assert (one.days, one.term) == (days, term)


def test_threshold_of_the_term_is_an_option() -> None:
    events = fill(1, "BTC/USDT", 10, 0), fill(-1, "BTC/USDT", 20, 31 * NS_PER_DAY)
    assert folded(*events, long_days=30).disposals[0].term == "long"
    assert folded(*events, long_days=31).disposals[0].term == "short"


# What a purchase of 2 at 100 with this fee costs, what is left of it, and what a sale of all of it at 150 gains
BUYING_FEES: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    ({"fee": 1, "fee_currency": "USDT"}, "201", "2", "99"),
    ({"fee": 1}, "201", "2", "99"),  # no currency named: the pair's quote
    ({"fee": "0.01", "fee_currency": "BTC"}, "200", "1.99", "98.5"),
    ({"fee": "0.01", "fee_currency": "BNB", "fee_price": 300}, "203", "2", "97"),
    ({"fee": -1, "fee_currency": "USDT"}, "199", "2", "101"),  # a rebate
)


@pytest.mark.parametrize(("fee", "cost", "left", "gain"), BUYING_FEES)
def test_buying_fee_goes_into_the_basis(fee: dict[str, Any], cost: str, left: str, gain: str) -> None:
    ledger = folded(flow(1, "BNB", cost=250), fill(2, "BTC/USDT", 100, id="buy", **fee))
    lot = next(lot for lot in ledger.open_lots() if lot.currency == "BTC")
    assert (lot.amount, lot.cost) == (D(left), D(cost))
    ledger.fold([fill(-lot.amount, "BTC/USDT", 150)])
    assert [one.gain for one in ledger.disposals if one.currency == "BTC"] == [D(gain)]


# The same of a sale of 1 at 150, of 2 that cost 100 each: proceeds, fees, basis, gain, coins left
SELLING_FEES: tuple[tuple[dict[str, Any], str, str, str, str, str], ...] = (
    ({"fee": 1, "fee_currency": "USDT"}, "150", "1", "100", "49", "1"),
    ({"fee": "0.01", "fee_currency": "BTC"}, "151.5", "1.5", "101", "49", "0.99"),
    ({"fee": "0.01", "fee_currency": "BNB", "fee_price": 300}, "150", "3", "100", "47", "1"),
)


@pytest.mark.parametrize(("fee", "proceeds", "fees", "basis", "gain", "left"), SELLING_FEES)
def test_selling_fee_comes_off_the_proceeds(
    fee: dict[str, Any], proceeds: str, fees: str, basis: str, gain: str, left: str
) -> None:
    ledger = folded(flow(1, "BNB", cost=250), fill(2, "BTC/USDT", 100), fill(-1, "BTC/USDT", 150, **fee))
    one = next(one for one in ledger.disposals if one.currency == "BTC")
    assert (one.proceeds, one.fees, one.basis, one.gain) == (D(proceeds), D(fees), D(basis), D(gain))
    assert ledger.totals()["BTC"] == D(left)


def test_third_coin_is_disposed_of_at_its_own_value() -> None:
    bnb = flow(1, "BNB", cost=250)
    ledger = folded(bnb, fill(2, "BTC/USDT", 100, fee="0.01", fee_currency="BNB", fee_price=300))
    (one,) = ledger.disposals
    assert (one.kind, one.currency, one.proceeds, one.basis, one.gain) == ("fee", "BNB", 3, D("2.5"), D("0.5"))
    assert ledger.balances["spot", "BNB"] == D("0.99")


def test_third_coin_without_a_price_makes_the_cost_unknown_not_smaller() -> None:
    ledger = folded(flow(1, "BNB", cost=250), fill(2, "BTC/USDT", 100, fee="0.01", fee_currency="BNB"))
    assert {lot.currency: lot.cost for lot in ledger.open_lots()} == {"BNB": D("247.5"), "BTC": None}
    assert ledger.disposals[0].proceeds is None
    assert ledger.disposals[0].gain is None


def test_coin_for_coin_sells_one_and_buys_the_other_at_the_mark() -> None:
    ledger = folded(
        fill(1, "BTC/USDT", 20_000, id="b"),
        mark(BTC=30_000),
        fill(10, "ETH/BTC", "0.05", fee="0.001", fee_currency="BTC"),
    )
    (one,) = ledger.disposals
    assert (one.currency, one.amount, one.proceeds, one.basis) == ("BTC", D("0.501"), 15_030, 10_020)
    assert {lot.currency: (lot.amount, lot.cost) for lot in ledger.open_lots()} == {
        "BTC": (D("0.499"), 9_980),
        "ETH": (10, 15_030),
    }


def test_what_nobody_bought_has_no_basis_and_no_gain() -> None:
    ledger = folded(fill(1, "BTC/USDT", 20_000), fill(-3, "BTC/USDT", 30_000, 9))
    known, unknown = ledger.disposals
    assert (known.amount, known.gain) == (1, 10_000)
    assert (unknown.amount, unknown.lot, unknown.basis, unknown.gain, unknown.term) == (2, "", None, None, "")
    assert unknown.proceeds == 60_000
    assert ledger.value({"BTC/USDT": D(1)}).overdrawn == (("spot", "BTC"),)


def test_coins_deposited_without_a_cost_have_none() -> None:
    ledger = folded(flow(1, "BTC", price=9), fill(-1, "BTC/USDT", 30_000, 9))
    assert ledger.disposals[0].basis is None
    assert ledger.disposals[0].days == 0


def test_deposited_coins_bring_their_day_and_cost() -> None:
    coins = flow(2, "BTC", day("2022-01-01"), cost=100, acquired_ns=day("2020-01-01"))
    ledger = folded(coins, fill(-1, "BTC/USDT", 80, day("2022-02-01")))
    (one,) = ledger.disposals
    assert (one.acquired_ns, one.days, one.term, one.gain) == (day("2020-01-01"), 762, "long", 30)


def test_withdrawal_takes_lots_and_is_no_sale() -> None:
    ledger = folded(*bought(20_000, 40_000), flow("-1.5", "BTC", 9 * NS_PER_DAY))
    assert [(one.kind, one.lot, one.basis, one.proceeds, one.gain) for one in ledger.disposals] == [
        ("withdrawal", "b0", 20_000, None, None),
        ("withdrawal", "b1", 20_000, None, None),
    ]


@pytest.mark.parametrize("pooling", ["universal", "account"])
def test_transfer_keeps_cost_and_day(pooling: str) -> None:
    move = Transfer(5 * NS_PER_DAY, "t", "spot", "cold", "BTC", D("1.5"))
    sale = fill("-1.5", "BTC/USDT", 50_000, 400 * NS_PER_DAY, account="cold")
    ledger = folded(*bought(20_000, 40_000), move, sale, pooling=pooling)
    assert [(one.lot, one.days, one.basis) for one in ledger.disposals] == [("b0", 400, 20_000), ("b1", 399, 20_000)]
    account = "spot" if pooling == "account" else ""
    assert ledger.open_lots() == [(account, "BTC", "b1", NS_PER_DAY, D("0.5"), 20_000)]


def test_pool_an_account_sells_what_is_there() -> None:
    here = [fill(1, "BTC/USDT", 10, i, id=f"b{i}", account=account) for i, account in enumerate(("a", "b"))]
    sale = fill(-1, "BTC/USDT", 50, 9, account="b")
    assert folded(*here, sale).disposals[0].lot == "b0"
    assert folded(*here, sale, pooling="account").disposals[0].lot == "b1"


def test_fee_of_a_transfer_is_spent_at_its_value() -> None:
    ledger = folded(
        fill(1, "BTC/USDT", 100), mark(BTC=120), Transfer(1, "t", "spot", "cold", "BTC", D("0.5"), D("0.1"))
    )
    (one,) = ledger.disposals
    assert (one.kind, one.amount, one.proceeds, one.basis, one.gain) == ("fee", D("0.1"), 12, 10, 2)
    assert (ledger.balances["spot", "BTC"], ledger.balances["cold", "BTC"]) == (D("0.4"), D("0.5"))


# --------------------------------------------------------------------------------------------- against a plain list


ORDER = {
    "FIFO": lambda lot: lot[0], "LIFO": lambda lot: -lot[0], "HIFO": lambda lot: (-lot[2] / lot[1], lot[0]),
    "SPECIFIC": lambda lot: lot[0], "AVERAGE": lambda lot: lot[0],
}  # fmt: skip


class Plain:
    """Lots in a list that is sorted anew for every sale: slow, and easy to see through."""

    def __init__(self, method: str) -> None:
        self.method, self.lots = method, []

    def sell(self, amount: D) -> tuple[D, D]:
        """Amount that the lots gave, and its basis."""
        total, held = sum((lot[2] for lot in self.lots), D(0)), sum((lot[1] for lot in self.lots), D(0))
        basis, wanted = D(0), min(amount, held)
        left = wanted
        for lot in sorted(self.lots, key=ORDER[self.method]):
            taken = min(left, lot[1])
            cost = lot[2] * taken / lot[1]
            basis, left, lot[1], lot[2] = basis + cost, left - taken, lot[1] - taken, lot[2] - cost
        if self.method == "AVERAGE" and held:
            basis = total * wanted / held
            for lot in self.lots:
                lot[2] = (total - basis) * lot[1] / (held - wanted) if held > wanted else D(0)
        self.lots = [lot for lot in self.lots if lot[1] > 0]
        return wanted, basis


trades = st.lists(
    st.tuples(st.integers(-400, 300).filter(bool), st.integers(1, 10**6)).map(
        lambda t: (D(t[0]).scaleb(-2), D(t[1]).scaleb(-2))
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("method", METHODS)
@given(trades)
def test_every_method_equals_a_plain_list(method: Method, trades: list[tuple[D, D]]) -> None:
    pool, plain = Pool(method), Plain(method)
    with localcontext(EXACT):
        for number, (amount, cost) in enumerate(trades):
            if amount > 0:
                pool.add(f"l{number}", number, amount, cost)
                plain.lots.append([number, amount, cost])
                continue
            parts = [part for part in pool.take(-amount) if part.lot]
            given_out, basis = plain.sell(-amount)
            assert sum((part.amount for part in parts), ZERO) == given_out
            assert abs(sum((part.cost for part in parts if part.cost is not None), ZERO) - basis) < D("1e-17")
        left = list(pool.lots())
        assert sum((part.amount for part in left), ZERO) == pool.amount == sum((lot[1] for lot in plain.lots), ZERO)


@given(trades)
def test_methods_agree_on_totals(trades: list[tuple[D, D]]) -> None:
    """Amount sold, basis and cost that is left: the same by every method, to the last digit; so is the total gain."""
    held = D(0)
    events: list[Event] = []
    for number, (amount, price) in enumerate(trades):
        amount = max(amount, -held)  # never more than there is
        held += amount
        if amount:
            events.append(fill(amount, "BTC/USDT", price, number * NS_PER_DAY, fee="0.01"))
    found = {}
    for method in METHODS:
        ledger = folded(*events, method=method)
        with localcontext(EXACT):
            basis = sum((one.basis or D(0) for one in ledger.disposals), ZERO)
            cost = sum((lot.cost or D(0) for lot in ledger.open_lots()), ZERO)
            sold = sum((one.amount for one in ledger.disposals), ZERO)
            found[method] = sold, basis + cost
        if held:
            ledger.fold([fill(-held, "BTC/USDT", 77, 99 * NS_PER_DAY)])
        with localcontext(EXACT):
            assert not [lot for lot in ledger.open_lots() if lot.currency == "BTC"]
            gain = sum((one.gain or D(0) for one in ledger.disposals), ZERO)
            assert gain == ledger.totals().get("USDT", ZERO)  # nothing was there before
    assert len(set(found.values())) == 1


def test_average_of_a_pool_is_known_again_after_it_was_empty() -> None:
    events = [
        flow(1, "BTC"),
        fill(1, "BTC/USDT", 10, 1),
        fill(-2, "BTC/USDT", 30, 2),
        fill(1, "BTC/USDT", 10, 3),
        fill(-1, "BTC/USDT", 30, 4),
    ]
    gains = [one.gain for one in folded(*events, method="AVERAGE").disposals]
    assert gains == [None, None, 20]


def test_dearest_lots_go_first_and_unknown_ones_last() -> None:
    events = [
        flow(1, "BTC", id="u"),
        *[fill(1, "BTC/USDT", p, 1, id=f"p{p}") for p in (5, 9, 7)],
        fill(-4, "BTC/USDT", 30, 2),
    ]
    assert [one.lot for one in folded(*events, method="HIFO").disposals] == ["p9", "p7", "p5", "u"]


def test_dearest_is_by_the_coin_not_by_the_lot() -> None:
    events = [fill(2, "BTC/USDT", 50, id="large"), fill(1, "BTC/USDT", 60, 1, id="dear"), fill(-1, "BTC/USDT", 70, 2)]
    assert [one.lot for one in folded(*events, method="HIFO").disposals] == ["dear"]


def test_sale_for_another_coin_with_the_fee_in_it() -> None:
    """10 ETH for 0.5 BTC less 0.001: what came in cost what it is worth, and the fee comes off the proceeds."""
    eth = flow(10, "ETH", cost=9_000)
    ledger = folded(eth, mark(BTC=30_000), fill(-10, "ETH/BTC", "0.05", fee="0.001", fee_currency="BTC", id="sale"))
    (one,) = ledger.disposals
    assert (one.currency, one.proceeds, one.fees, one.gain) == ("ETH", 15_000, 30, 5_970)
    assert ledger.open_lots() == [("", "BTC", "sale", 0, D("0.499"), 14_970)]


def test_pair_in_an_unpriced_currency_is_valued_by_its_coin() -> None:
    ledger = folded(mark(BTC=30_000), fill(2, "BTC/EUR", 25_000, fee=50))
    (lot,) = ledger.open_lots()
    assert (lot.currency, lot.cost) == ("BTC", 60_060)  # one EUR is 1.2
    assert folded(fill(2, "BTC/EUR", 25_000)).open_lots()[0].cost is None


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="no method of lots"):
        folded(method="GUESS")


@pytest.mark.parametrize("method", METHODS)
def test_parts_of_a_cost_add_up_to_its_last_digit(method: Method) -> None:
    """A cost with more digits than the grid: thirds of it are rounded, and the last third is what remains."""
    cost, one = D("100.1234567890123456789012345"), D(1)
    pool = Pool(method)
    with localcontext(EXACT):
        pool.add("a", 0, D(3), cost)
        parts = [*pool.take(one), *pool.take(one)]
        (left,) = pool.lots()
        assert left.cost is not None
        assert sum((part.cost or ZERO for part in parts), left.cost) == cost
        parts += pool.take(one)  # the same object as the amount that is left
        assert sum((part.cost or ZERO for part in parts), ZERO) == cost
        pool.add("b", 1, one, cost)
        assert pool.take(one)[0].cost == cost


# ------------------------------------------------------------------------------------------------ records made when read


def test_a_reading_that_is_broken_off_books_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    sales = [fill(-1, "BTC/USDT", 100, day * NS_PER_DAY) for day in (1, 2, 3)]
    ledger = folded(flow(3, "BTC", 0, cost=1), *sales)
    made, stop = holdings.disposals, iter((False, False, True))

    def broken(*arguments: Any) -> Any:
        if next(stop):
            raise KeyboardInterrupt
        return made(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(holdings, "disposals", broken)
        with pytest.raises(KeyboardInterrupt):
            _ = ledger.disposals
    assert [one.event for one in ledger.disposals] == [sale.id for sale in sales]
    assert ledger.disposals is ledger.disposals


def test_records_are_made_for_what_was_folded_since() -> None:
    ledger = folded(flow(3, "BTC", 0, cost=1), fill(-1, "BTC/USDT", 100, NS_PER_DAY))
    assert len(ledger.disposals) == 1
    ledger.fold([fill(-1, "BTC/USDT", 100, 2 * NS_PER_DAY)])
    assert len(ledger.disposals) == 2


def test_a_ledger_is_pickled_and_folds_on() -> None:
    for method in METHODS:
        ledger = pickle.loads(pickle.dumps(folded(flow(3, "BTC", 0, cost=1), method=method)))
        ledger.fold([fill(-1, "BTC/USDT", 100, NS_PER_DAY)])
        assert len(ledger.disposals) == 1


def test_lots_of_one_day_and_name_are_listed_as_they_came() -> None:
    def moved(id: str, amount: int) -> Transfer:
        return Transfer(0, id, "a", "b", "BTC", D(amount))

    start = [flow(1, "BTC", 0, "a", id="x", cost=1), moved("t0", 1), flow(9, "BTC", 0, "a", id="y", cost=9)]
    moves = [moved("t1", 3), moved("t2", 1), moved("t3", 2)]
    sale = fill(-1, "BTC/USDT", 10, 0, account="b", id="s", lots=("x",))
    for method in ("SPECIFIC", "LIFO", "FIFO"):
        ledger = folded(*start, *moves, sale, method=method, pooling="account")
        there = [lot.amount for lot in ledger.open_lots() if lot.account == "b" and lot.lot == "y"]
        assert there == ([3, 1, 2] if method != "LIFO" else [3, 1, 1])
