"""The fold: entries balance, nothing is lost, batches do not matter, what is unknown stays so, what is wrong is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import EXACT, NOMINAL, OWN, ZERO, balance_of
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.lots import Method
from hedgerow.model.event import Event, Flow, Funding, Income, Mark, Transfer
from tests.conftest import ROOT
from tests.ledger.facts import COINS, D, fill, flow, folded, mark, streams

LINEAR = "BTC/USDT:USDT"


def state(ledger: Ledger) -> tuple[Any, ...]:
    """Everything that a ledger says."""
    return (
        ledger.balances, ledger.nominal, ledger.disposals, ledger.derivatives, ledger.earnings, ledger.flows,
        ledger.valuations, ledger.missing_funding, ledger.entries, ledger.open_lots(), ledger.principal(), ledger.value(),
        {held: (one.size, one.cost, one.realised, one.fees, one.funding, one.opened_ns) for held, one in ledger.contracts.items()},
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------- entries balance


@given(streams(), st.sampled_from(get_args(Method)), st.sampled_from(("universal", "account")))
def test_entries_balance_and_make_the_balances(events: list[Event], method: Method, pooling: str) -> None:
    ledger = folded(*events, method=method, pooling=pooling, keep_entries=True)
    for entry in ledger.entries:
        assert set(balance_of(entry.postings).values()) == {ZERO}, entry
        assert {posting.account for posting in entry.postings if not posting.account.startswith(OWN)} <= set(NOMINAL)
    sums: dict[tuple[str, str], Decimal] = {}
    with localcontext(EXACT):
        for posting in (posting for entry in ledger.entries for posting in entry.postings):
            key = posting.account, posting.currency
            sums[key] = sums.get(key, ZERO) + posting.amount
    said = {
        (OWN + account, currency): amount for (account, currency), amount in ledger.balances.items()
    } | ledger.nominal
    assert {key: amount for key, amount in sums.items() if amount} == {
        key: amount for key, amount in said.items() if amount
    }
    assert set(ledger.trial_balance().values()) <= {ZERO}
    booked = [
        event.id for event in events if not isinstance(event, Mark) and getattr(event, "amount", None) is not None
    ]
    assert set(booked) >= {entry.event for entry in ledger.entries}


@given(streams(), st.data())
def test_batches_do_not_matter(events: list[Event], data: st.DataObject) -> None:
    whole, parts, rest = Ledger(keep_entries=True), Ledger(keep_entries=True), list(events)
    whole.fold(events)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        parts.fold(rest[:size])
        rest = rest[size:]
    assert state(parts) == state(whole)


@given(streams())
def test_lots_hold_what_the_accounts_hold(events: list[Event]) -> None:
    """Coins in lots = coins in accounts, but for what left without ever having come in."""
    ledger = folded(*events)
    with localcontext(EXACT):
        for coin in COINS:
            lots = sum((lot.amount for lot in ledger.open_lots() if lot.currency == coin), ZERO)
            unknown = sum((one.amount for one in ledger.disposals if one.currency == coin and not one.lot), ZERO)
            assert lots == ledger.totals().get(coin, ZERO) + unknown


@given(streams(unknown=False), st.sampled_from(get_args(Method)), st.sampled_from(("universal", "account")))
def test_money_is_conserved(events: list[Event], method: Method, pooling: str) -> None:
    """Cash and the cost of lots = what was brought in + gains + results of futures + income: to the last digit."""
    plenty = D(10) ** 13
    start = [flow(plenty, coin, account=account, cost=7 * plenty) for coin in COINS for account in ("spot", "futures")]
    ledger = folded(mark(BTC=9, ETH=8, BNB=7), *start, *events, method=method, pooling=pooling)
    sold = [one for one in ledger.disposals if one.kind != "withdrawal"]
    results = [
        *(one.gain for one in sold),
        *(one.value for one in ledger.derivatives),
        *(one.value for one in ledger.earnings),
    ]
    costs = [lot.cost for lot in ledger.open_lots()]
    deposits = [one for one in (*start, *events) if isinstance(one, Flow) and one.amount > 0 and one.currency != "USDT"]
    withdrawn = [one.basis for one in ledger.disposals if one.kind == "withdrawal"]
    cash = [one.amount for one in ledger.flows if one.currency == "USDT"]
    with localcontext(EXACT):
        brought = total([*cash, *(one.cost for one in deposits)]) - total(withdrawn)
        assert total(costs) + ledger.totals().get("USDT", ZERO) == brought + total(results)


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """The sum of what must all be known."""
    with localcontext(EXACT):
        known = [amount for amount in amounts if amount is not None or pytest.fail("an amount is unknown")]
        return sum(known, ZERO)


# --------------------------------------------------------------------------------------------------- what is unknown


def test_unknown_funding_is_listed_and_never_booked() -> None:
    pay = Funding(5, "p", "futures", LINEAR, None, D("0.0001"), D(20_000), sleeve="carry")
    ledger = folded(fill(-2, LINEAR, 20_000, sleeve="carry"), pay, replace(pay, id="q", rate=None))
    assert [(one.at_ns, one.event, one.instrument, one.sleeve, one.expected) for one in ledger.missing_funding] == [
        (5, "p", LINEAR, "carry", 4),  # 2 * 20,000 * 1 bp, received by the short
        (5, "q", LINEAR, "carry", None),
    ]
    assert ledger.balances == {}
    assert ledger.derivatives == []


def test_funding_of_zero_is_known() -> None:
    ledger = folded(Funding(5, "p", "futures", LINEAR, D(0)))
    assert [one.amount for one in ledger.derivatives] == [0]
    assert ledger.missing_funding == []


def test_known_funding_is_cash_and_counts_for_its_position() -> None:
    held = fill(-2, LINEAR, 20_000)
    ledger = folded(held, Funding(1, "p", "futures", LINEAR, D(4)), Funding(2, "q", "futures", LINEAR, D(-1)))
    (position,) = ledger.positions.values()
    assert (position.funding, ledger.balances["futures", "USDT"], ledger.nominal["income:funding", "USDT"]) == (
        3,
        3,
        -3,
    )


def test_value_names_the_prices_that_are_missing() -> None:
    ledger = folded(flow(100), fill(1, "BTC/USDT", 10), fill(2, "ETH/USDT", 10), fill(-1, LINEAR, 10), flow(5, "USDC"))
    worth = ledger.value({"BTC/USDT": D(12)})
    assert worth.total is None
    assert worth.missing == (LINEAR, "ETH/USDT", "USDC/USDT")
    assert worth.currencies == {"USDT": 70, "BTC": 12, "ETH": None, "USDC": None}
    assert list(worth.positions.values()) == [None]


def test_stablecoin_is_valued_at_its_market() -> None:
    ledger = folded(flow(100), flow(50, "USDC"))
    assert ledger.value({"USDC/USDT": D("0.88")}).total == 144
    assert ledger.value({"USDT/USDC": D("1.25")}).total == 140
    assert ledger.value({}).total is None


def test_currency_may_be_valued_over_another() -> None:
    ledger = folded(flow(2, "ETH"))
    assert ledger.value({"ETH/BTC": D("0.05"), "BTC/USDT": D(20_000)}).total == 2_000


def test_value_of_a_mark_is_kept_with_what_was_missing() -> None:
    ledger = folded(flow(2, "ETH"), mark(1, BTC=5), mark(2, ETH=7), mark(3, BTC=5))
    assert ledger.valuations == [(1, None, ("ETH/USDT",)), (2, 14, ()), (3, None, ("ETH/USDT",))]


def test_marks_of_one_moment_are_one_mark() -> None:
    ledger = folded(flow(2, "ETH"), mark(1, BTC=5), mark(1, ETH=7))
    assert ledger.valuations == [(1, 14, ())]
    assert set(ledger.prices) == {"BTC/USDT", "ETH/USDT"}


def test_flow_between_marks_of_one_moment_keeps_both() -> None:
    ledger = folded(mark(1, ETH=7), flow(2, "ETH", 1), mark(1, ETH=7))
    assert [(one.at_ns, one.value) for one in ledger.valuations] == [(1, 0), (1, 14)]
    assert [(one.marks, one.value) for one in ledger.flows] == [(1, 14)]


def test_flow_is_valued_by_its_price_or_the_last_mark() -> None:
    ledger = folded(mark(0, BTC=100), flow(2, "BTC", price=90), flow(2, "BTC"), flow(1, "ETH"), flow(-3))
    assert [one.value for one in ledger.flows] == [180, 200, None, -3]


# ------------------------------------------------------------------------------------------------ principal and dust


def test_principal_outstanding_is_cost_less_all_proceeds() -> None:
    """100 units bought at 1, 10 sold at 5: 50 are outstanding (domain 2A-14)."""
    ledger = folded(fill(100, "SOL/USDT", 1), fill(-10, "SOL/USDT", 5, 1))
    stake = ledger.principal()["SOL"]
    assert (stake.invested, stake.recovered, stake.outstanding) == (100, 50, 50)
    ledger.fold([fill(-10, "SOL/USDT", 7, 2)])
    assert ledger.principal()["SOL"].outstanding == 0


def test_principal_counts_fees_on_both_sides() -> None:
    ledger = folded(fill(100, "SOL/USDT", 1, fee=2), fill(-10, "SOL/USDT", 5, 1, fee=3))
    assert ledger.principal()["SOL"].outstanding == 102 - 47


def test_coin_spent_on_a_fee_recovers_its_own_principal() -> None:
    """Its value went into the cost of what was bought: it is not counted in both."""
    paid = fill(1, "SOL/USDT", 100, 1, fee="0.5", fee_currency="BNB", fee_price=20)
    ledger = folded(fill(1, "BNB/USDT", 15), paid)
    assert {asset: stake.outstanding for asset, stake in ledger.principal().items()} == {"BNB": 5, "SOL": 110}


def test_principal_leaves_out_the_carry_sleeve_and_rewards() -> None:
    reward = Income(0, "r", "spot", "SOL", D(5), "reward", D(1))
    ledger = folded(fill(100, "SOL/USDT", 1), fill(50, "SOL/USDT", 1, sleeve="carry"), reward)
    assert ledger.principal()["SOL"].outstanding == 100


def test_principal_of_unknown_cost_is_unknown() -> None:
    assert folded(flow(1, "BTC")).principal()["BTC"].outstanding is None
    assert folded(flow(1, "BTC", cost=9), flow("-0.5", "BTC")).principal()["BTC"].outstanding == D("4.5")


def test_dust_is_below_the_lot_or_the_value() -> None:
    ledger = folded(
        flow("0.0004", "BTC"),
        flow("0.3", "ETH"),
        flow(9, "DOGE"),
        flow(1, "XYZ"),
        flow("0.1"),
        mark(BTC=20_000, ETH=10, DOGE=1),
    )
    assert ledger.dust({"BTC": D("0.001")}, D(5)) == [("spot", "BTC", D("0.0004"), 8), ("spot", "ETH", D("0.3"), 3)]
    assert ledger.dust({}) == []


def test_dust_that_was_sold_is_a_disposal_of_its_own_kind() -> None:
    ledger = folded(fill(1, "BTC/USDT", 10), fill(-1, "BTC/USDT", 12, 1, kind="dust"))
    assert [(one.kind, one.gain) for one in ledger.disposals] == [("dust", 2)]
    assert ledger.nominal["equity:dust", "BTC"] == 1
    assert ledger.nominal["equity:dust", "USDT"] == -12


# -------------------------------------------------------------------------------------------------- what is refused

GOOD = fill(1, "BTC/USDT", 10, 100, id="good")
WRONG: tuple[tuple[Any, str], ...] = (
    (replace(GOOD), "booked before"),
    (replace(GOOD, id="x", at_ns=99), "before the event in front of it"),
    (replace(GOOD, id="x", amount=D("NaN")), "no finite decimal"),
    (replace(GOOD, id="x", price=D("1e40")), "beyond what is exact"),
    (replace(GOOD, id="x", amount=D("-1e85")), "beyond what is exact"),
    (replace(GOOD, id="x", fee=D("1e41")), "beyond what is exact"),
    (Flow(100, "x", "spot", "BTC", D("1e40")), "beyond what is exact"),
    (replace(GOOD, id="x", amount=1.5), "no finite decimal"),
    (replace(GOOD, id="x", fee=D("Infinity")), "no finite decimal"),
    (replace(GOOD, id="x", price=D(0)), "0 is no price"),
    (replace(GOOD, id="x", price=D(-1)), "-1 is no price"),
    (replace(GOOD, id="x", fee=D(1), fee_currency="BNB", fee_price=D(0)), "0 is no price"),
    (replace(GOOD, id="x", amount=D(0)), "nothing was filled"),
    (replace(GOOD, id="x", kind="gift"), "no kind of fill"),
    (replace(GOOD, id="x", instrument="BTCUSDT"), "is no instrument"),
    (replace(GOOD, id="x", fee=D(2), fee_currency="BTC"), "more than what was traded"),
    (Flow(100, "x", "spot", "BTC", D(1), None, None, 101), "acquired after"),
    (Flow(100, "x", "spot", "BTC", D("sNaN")), "no finite decimal"),
    (Transfer(100, "x", "a", "b", "BTC", D(-1)), "moves more than nothing"),
    (Transfer(100, "x", "a", "b", "BTC", D(1), D(-1)), "moves more than nothing"),
    (Funding(100, "x", "futures", "BTC/USDT", D(1)), "pays no funding"),
    (Funding(100, "x", "futures", LINEAR, D("NaN")), "no finite decimal"),
    (Income(100, "x", "spot", "BTC", D(1), "gift"), "no kind of income"),  # type: ignore[arg-type]
    (Mark(100, "x", {"BTC/USDT": D(0)}), "0 is no price"),
    (Mark(100, "x", {"nonsense": D(1)}), "is no instrument"),
    ("text", "str is no event"),
)


@pytest.mark.parametrize(("event", "message"), WRONG, ids=[f"{number} {one[1]}" for number, one in enumerate(WRONG)])
def test_wrong_event_is_refused_and_changes_nothing(event: Any, message: str) -> None:
    ledger = folded(GOOD, keep_entries=True)
    before = state(folded(GOOD, keep_entries=True))
    with pytest.raises(ConfigError, match=message):
        ledger.fold([event])
    assert state(ledger) == before
    ledger.fold([replace(GOOD, id="next")])  # it goes on after it
    assert ledger.balances["spot", "BTC"] == 2


def test_refusal_names_the_event() -> None:
    with pytest.raises(ConfigError, match=r"^event twice: this id was booked before\. Give every event"):
        folded(replace(GOOD, id="twice"), replace(GOOD, id="twice"))


def test_events_before_the_wrong_one_stay() -> None:
    ledger = Ledger()
    with pytest.raises(ConfigError):
        ledger.fold([GOOD, replace(GOOD, id="x", price=D(0)), replace(GOOD, id="y")])
    assert ledger.balances["spot", "BTC"] == 1


@pytest.mark.parametrize("options", [{"pooling": "family"}, {"method": "fifo"}])
def test_unknown_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"is no (pooling|method of lots)"):
        Ledger(**options)


# ------------------------------------------------------------------------------------------------------- no rounding


def test_long_decimals_lose_nothing() -> None:
    """Exact doubles have some fifty digits each: their products still add up to the last one."""
    price, amount = Decimal(0.1) + 30_000, Decimal(0.3)  # noqa: RUF032 (the point of it)
    ledger = folded(*[fill(amount, "BTC/USDT", price) for _ in range(3)])
    with localcontext(EXACT):
        assert ledger.balances["spot", "USDT"] == -3 * amount * price
        assert ledger.balances["spot", "BTC"] == 3 * amount


EXACT_MODULES = (
    "entries",
    "lots",
    "holdings",
    "conversion",
    "refusal",
    "positions",
    "valuation",
    "records",
    "ledger",
    "tax",
)


def floats(text: str) -> list[str]:
    """Where a source makes a binary float: a literal, ``float``, a division of integers' own, or the math module."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"{node.lineno}: {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append(f"{node.lineno}: float")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
            found += [f"{node.lineno}: {name}" for name in names if name in ("math", "numpy", "statistics")]
            found += [f"{node.lineno}: {name}" for name in names if name in ("DAYS_PER_YEAR", "HOURS_PER_DAY")]
    return found


@pytest.mark.parametrize("name", EXACT_MODULES)
def test_no_float_in_what_must_be_exact(name: str) -> None:
    assert floats((ROOT / "src" / "hedgerow" / "ledger" / f"{name}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 0.5",
        "x = float('1')",
        "def f(x: float): ...",
        "import math",
        "from numpy import nan",
        "from hedgerow.units import DAYS_PER_YEAR",
    ],
)
def test_float_is_found(text: str) -> None:
    assert floats(text)
