"""The statement of a period: two folds agree, flows are no profit, unknowns stay unknown, periods add up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, Mismatch
from hedgerow.ledger import statement as room
from hedgerow.ledger.lines import HIGH_RISK
from hedgerow.ledger.statement import Statement, month_ends, state
from hedgerow.model.breakdown import PARTS
from hedgerow.model.event import Event, Fill, Flow, Funding, Mark, Transfer
from hedgerow.units import NS_PER_DAY
from tests.ledger import story

START, PERP = story.START_NS, story.PERP


def at(day: int) -> int:
    return START + day * NS_PER_DAY


@pytest.fixture(scope="module")
def whole() -> Statement:
    return state(story.events(), "USDT")


def test_the_parts_are_the_change_of_value(whole: Statement) -> None:
    assert whole.breakdown.parts is not None
    assert whole.difference == 0
    assert sum(whole.breakdown.parts.values()) == whole.result
    assert whole.closing == whole.opening + whole.result + Decimal(125_800) + Decimal("0.1") * whole_btc(150)


def whole_btc(day: int) -> Decimal:
    """The price that a deposit without one is valued at: that of the last mark."""
    return story.price(day - 1)[story.SPOT]


def test_deposits_and_withdrawals_are_no_profit(whole: Statement) -> None:
    assert whole.deposits is not None
    assert whole.withdrawals == 10_000
    assert whole.deposits - whole.withdrawals == whole.breakdown.flows
    idle = [event for event in story.events() if isinstance(event, (Flow, Mark)) and event.id != "from a wallet"]
    kept = state([event for event in idle if getattr(event, "currency", "USDT") == "USDT"], "USDT")
    assert kept.result == 0
    assert kept.time_weighted.total == 0.0


def test_every_event_of_the_story_has_its_part(whole: Statement) -> None:
    parts = whole.breakdown.parts
    assert parts is not None
    assert {name for name in PARTS if parts[name] == 0} == {"liquidation", "charges"}
    assert parts["tax"] == -1_500
    assert parts["interest"] == Decimal("0.05") * story.price(69)[story.ETHER]


@settings(max_examples=15)
@given(st.integers(1, story.DAYS - 1))
def test_two_periods_add_up_to_one(day: int) -> None:
    told = story.events(days=60)
    middle = at(max(1, day % 60))
    first, second, both = state(told, "USDT", None, middle), state(told, "USDT", middle), state(told, "USDT")
    assert first.closing == second.opening
    assert first.result + second.result == both.result
    growth = (1 + (first.time_weighted.total or 0)) * (1 + (second.time_weighted.total or 0)) - 1
    assert growth == pytest.approx(both.time_weighted.total, abs=1e-12)


def test_months_add_up_to_the_period(whole: Statement) -> None:
    assert [month.until_ns for month in whole.months] == [*month_ends(START, whole.until_ns)]
    assert len(whole.months) == 6
    for name in PARTS:
        assert sum(month.parts[name] for month in whole.months if month.parts) == whole.breakdown.parts[name]  # type: ignore[index]
    growth = 1.0
    for change in whole.month_returns:
        assert change is not None
        growth *= 1 + change
    assert growth - 1 == pytest.approx(whole.time_weighted.total, abs=1e-12)


def test_months_end_at_the_turn_of_the_year() -> None:
    ends = month_ends(at(300), at(400))
    assert ends == [at(304), at(334), at(365), at(396)]


def test_funding_that_is_missing_is_listed_and_in_no_sum(whole: Statement) -> None:
    hedge, carry = whole.funding
    assert (hedge.missing, carry.missing) == (1, 0)
    lost = next(e for e in story.events(missing_funding=False) if e.id == "funding 50 8")
    assert isinstance(lost, Funding)
    assert hedge.expected == lost.amount
    known = state(story.events(missing_funding=False), "USDT")
    assert known.funding[0].received - hedge.received == lost.amount
    assert whole.breakdown.parts is not None
    assert hedge.received - hedge.paid == whole.breakdown.parts["funding"]
    assert [one.event for one in whole.missing_funding] == ["funding 50 8"]


def test_a_perpetual_without_payments_is_told() -> None:
    told = [e for e in story.events(days=60) if not (e.id.startswith("funding") and at(45) < e.at_ns < at(50))]
    (gap,) = state(told, "USDT").silences
    assert (gap.account, gap.instrument, gap.since_ns, gap.until_ns) == ("futures", PERP, at(45), at(50))
    assert state(told, "USDT", at(48), at(59)).silences[0].since_ns == at(48)
    assert state(told, "USDT", None, at(47)).silences[0].until_ns == at(47)
    assert state(story.events(), "USDT").silences == ()
    spot = [e for e in told if not isinstance(e, Funding)]
    assert state(spot, "USDT").silences[0].until_ns == at(60)


def test_the_carry_sleeve_has_its_own_line(whole: Statement) -> None:
    parts = whole.breakdown.parts
    assert parts is not None
    assert whole.funding[1].sleeve == "carry"
    assert [one.sleeve for one in whole.positions] == ["", "carry"]
    without = state([e for e in story.events() if getattr(e, "sleeve", "") != "carry"], "USDT")
    assert without.breakdown.parts is not None
    assert without.breakdown.parts["carry"] == 0
    for name in ("hedge", "funding", "tax", "fees_futures", "spot"):
        assert without.breakdown.parts[name] == parts[name], name
    assert without.result + parts["carry"] == whole.result


def test_a_cost_that_nobody_told_makes_the_gain_unknown(whole: Statement) -> None:
    btc = next(one for one in whole.holdings if one.currency == "BTC")
    assert (btc.cost, btc.average_cost, btc.unrealised, btc.outstanding) == (None, None, None, None)
    told = state(story.events(unknown_cost=False), "USDT")
    btc = next(one for one in told.holdings if one.currency == "BTC")
    assert btc.cost is not None
    assert btc.average_cost == pytest.approx(btc.cost / btc.amount)
    assert btc.unrealised == btc.value - btc.cost  # type: ignore[operator]


def test_house_money_is_what_sales_have_paid_for() -> None:
    told: list[Event] = [
        Flow(at(0), "in", "spot", "USDT", Decimal(100)),
        Fill(at(0), "buy", "spot", "ETH/USDT", Decimal(100), Decimal(1)),
        Fill(at(1), "sell", "spot", "ETH/USDT", Decimal(-10), Decimal(5)),
        Mark(at(2), "a", {"ETH/USDT": Decimal(5)}),
        Fill(at(3), "more", "spot", "ETH/USDT", Decimal(-10), Decimal(5)),
        Mark(at(4), "b", {"ETH/USDT": Decimal(5)}),
    ]
    early, late = state(told, "USDT", None, at(2)).holdings[1], state(told, "USDT").holdings[1]
    assert (early.outstanding, early.house_money) == (50, False)  # domain 2A-14
    assert (late.outstanding, late.house_money) == (0, True)
    assert late.value == 400  # at its full market value all the same


def test_leverage_above_one_is_called_high_risk() -> None:
    def held(collateral: int) -> Statement:
        told: list[Event] = [
            Flow(at(0), "in", "spot", "USDT", Decimal(10_000)),
            Transfer(at(0), "move", "spot", "futures", "USDT", Decimal(collateral)),
            Fill(at(0), "short", "futures", PERP, Decimal(-1), Decimal(5_000)),
            Mark(at(1), "mark", {PERP: Decimal(5_000), "BTC/USDT": Decimal(5_000)}),
        ]
        return state(told, "USDT")

    assert held(5_000).positions[0].leverage == 1
    assert held(5_000).positions[0].risk == ""
    assert held(2_500).positions[0].leverage == 2
    assert held(2_500).positions[0].risk == HIGH_RISK


def test_fees_are_stated_in_the_currency_that_paid_them(whole: Statement) -> None:
    paid = {fee.currency: fee.amount for fee in whole.fees}
    assert paid["BNB"] == Decimal("0.01")
    fills = [e for e in story.events() if isinstance(e, Fill) and e.fee_currency == "USDT"]
    assert paid["USDT"] == sum(fill.fee for fill in fills)


def test_dust_is_named(whole: Statement) -> None:
    assert [(one.currency, one.amount) for one in whole.dust] == [("ETH", Decimal("0.0001"))]


def test_events_behind_the_last_prices_are_counted() -> None:
    told = [*story.events(days=20), Flow(at(20) + 1, "late", "spot", "USDT", Decimal(5))]
    assert state(told, "USDT").after == 1


MARK = Mark(at(2), "m", {"BTC/USDT": Decimal(1)})
FLOW = Flow(at(0), "in", "spot", "USDT", Decimal(1))
REFUSED = {
    "no mark": ([FLOW], None, None, "hold no mark"),
    "no prices before": ([FLOW, MARK], None, at(1), "no prices before 2022-01-02"),
    "events follow": ([FLOW, MARK, replace(FLOW, at_ns=at(3), id="b")], None, at(4), "of 2022-01-03, and 1 events"),
    "events before": ([FLOW, MARK], at(1), None, "1 events lie before 2022-01-02"),
    "nothing in it": ([FLOW, MARK], at(2), None, "no prices in the period"),
    "no price": ([replace(FLOW, currency="ETH"), MARK], None, None, "lacks a price of ETH/USDT"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_period_without_a_value_is_refused(name: str) -> None:
    told, start, end, message = REFUSED[name]
    with pytest.raises(ConfigError) as caught:
        state(told, "USDT", start, end)
    assert message in caught.value.message
    assert "--data DIR" in caught.value.fix


def test_folds_that_disagree_are_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the attribution had missed what happened in February."""
    honest = room.attribute

    def wrong(events: list[Event], quote: str, ends: tuple[int, ...]) -> object:
        return honest([e for e in events if e.id != "to futures" and not e.id.startswith("funding 45")], quote, ends)

    monkeypatch.setattr(room, "attribute", wrong)
    with pytest.raises(Mismatch, match=r"miss the change of value by -4\.1\d+ USDT: on 2022-03-01 the ledger has"):
        state(story.events(), "USDT")
