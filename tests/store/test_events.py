"""The event file: both forms hold every event exactly, and whatever has no sense is refused by line, key and fix."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.event import FILL_KINDS, Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.store.events import EventFile, in_order, moment, read_events, stamp, write_events

HEADER = '{"type":"events","version":1,"quote":"USDT"}'
FLOW = '{"type":"flow","time":"2022-01-01T00:00:00Z","id":"1","account":"spot","currency":"USDT","amount":"100.10"}'
DAY_NS = 1_640_995_200_000_000_000  # 2022-01-01

# ---------------------------------------------------------------------------------------------------------- round trip

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda text: text.strip())
plain = st.text("ABCXYZ019", min_size=1, max_size=5)
symbols = st.sampled_from(("BTC/USDT", "ETH/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT-220325"))
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**15), max_value=10**15)
above = amounts.map(abs).filter(lambda value: value > 0)
times = st.integers(0, 4_000_000_000_000_000_000)
maybe = st.none() | above
sleeves = st.sampled_from(("", "carry"))
moved = amounts.filter(lambda value: value != 0)


def _events() -> st.SearchStrategy[Event]:
    flows = st.builds(Flow, times, words, words, plain, moved, maybe, maybe, st.none() | times)
    transfers = st.builds(Transfer, times, words, st.just("spot"), st.just("futures"), plain, above, above)
    fills = st.builds(
        Fill, times, words, words, symbols, moved, above, amounts, plain, maybe, st.sampled_from(FILL_KINDS), maybe,
        maybe, words, words, words, plain, sleeves, st.lists(plain, max_size=3).map(tuple),
    )  # fmt: skip
    payments = st.builds(
        Funding, times, words, words, symbols, st.none() | amounts, st.none() | amounts, maybe, plain, sleeves
    )
    kinds = st.sampled_from(("interest", "reward", "tax", "charge"))
    incomes = st.builds(Income, times, words, words, plain, amounts, kinds, maybe)
    marks = st.builds(Mark, times, words, st.dictionaries(symbols, above), st.dictionaries(plain, words))
    return st.one_of(flows, transfers, fills, payments, incomes, marks)


books = st.lists(_events(), max_size=12, unique_by=lambda event: event.id)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@given(events=books, simulated=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, ending: str, events: list[Event], simulated: bool
) -> None:
    path = write_events(tmp_path_factory.getbasetemp() / f"e.{ending}", events, "USDC", simulated=simulated)
    assert read_events(path) == EventFile("USDC", in_order(events), simulated)


@given(times)
def test_a_moment_is_read_as_it_was_stamped(ns: int) -> None:
    assert moment(stamp(ns), "") == ns


def test_events_are_in_order_of_time_and_of_the_file(tmp_path: Path) -> None:
    late = Flow(DAY_NS + 1, "late", "spot", "USDT", Decimal(1))
    first, second = (Flow(DAY_NS, name, "spot", "USDT", Decimal(1)) for name in ("b", "a"))
    path = write_events(tmp_path / "e.jsonl", [late, first, second])
    assert [event.id for event in read_events(path).events] == ["b", "a", "late"]


def test_a_line_says_no_more_than_is_needed_and_amounts_are_text(tmp_path: Path) -> None:
    path = write_events(tmp_path / "e.jsonl", [Flow(DAY_NS, "1", "spot", "USDT", Decimal("100.10"))])
    assert path.read_text(encoding="utf-8").splitlines() == [HEADER, FLOW]


def test_no_binary_fraction_touches_an_amount(tmp_path: Path) -> None:
    exact = Decimal("0.1234567890123456789012345678901234567890")
    for ending in ("jsonl", "csv"):
        path = write_events(tmp_path / f"e.{ending}", [Flow(DAY_NS, "1", "spot", "BTC", exact)])
        (flow,) = read_events(path).events
        assert isinstance(flow, Flow)
        assert flow.amount == exact


# ------------------------------------------------------------------------------------------------------ a person's table


def table(tmp_path: Path, text: str) -> EventFile:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return read_events(path)


def test_a_table_by_hand_needs_few_columns(tmp_path: Path) -> None:
    read = table(
        tmp_path,
        "type,time,account,currency,instrument,amount,price,fee,fee_currency\n"
        "flow,2022-01-01,spot,USDT,,10000,,,\n"
        "fill,2022-01-02 14:00,spot,,BTC/USDT,0.1,42000,4.2,USDT\n"
        "\n"
        "funding,2022-01-02T16:00:00+08:00,futures,,BTC/USDT:USDT,,,,\n",
    )
    assert read.quote == "USDT"
    funding, fill = read.events[1:]
    assert read.events[0] == Flow(DAY_NS, "line 2", "spot", "USDT", Decimal(10_000))
    assert funding == Funding(DAY_NS + 32 * 3_600_000_000_000, "line 5", "futures", "BTC/USDT:USDT", None)
    assert isinstance(fill, Fill)
    assert (fill.price, fill.fee, fill.fee_currency) == (Decimal(42_000), Decimal("4.2"), "USDT")


def test_semicolons_and_a_byte_order_mark_are_a_spreadsheets_habit(tmp_path: Path) -> None:
    read = table(tmp_path, "\ufefftype;time;account;currency;amount\nflow;2022-01-01;spot;USDT;1\n")
    assert read.events == (Flow(DAY_NS, "line 2", "spot", "USDT", Decimal(1)),)


def test_a_mark_is_a_row_a_price(tmp_path: Path) -> None:
    read = table(
        tmp_path,
        "type,time,id,instrument,price,asset,regime\n"
        "mark,2022-01-01,m,BTC/USDT,42000,,\nmark,2022-01-01,m,ETH/USDT,3000,BTC,downturn\n",
    )
    prices = {"BTC/USDT": Decimal(42_000), "ETH/USDT": Decimal(3_000)}
    assert read.events == (Mark(DAY_NS, "m", prices, {"BTC": "downturn"}),)


def test_text_that_would_be_a_formula_is_none(tmp_path: Path) -> None:
    evil = Fill(DAY_NS, "=1+1", "@sum", "BTC/USDT", Decimal(1), Decimal(1), reason="=HYPERLINK(1)")
    path = write_events(tmp_path / "e.csv", [evil])
    row = path.read_text(encoding="utf-8").splitlines()[2]
    assert "'=1+1" in row
    assert "'@sum" in row
    assert ",=" not in row
    assert read_events(path).events == (evil,)


# ------------------------------------------------------------------------------------------------------------- refused


def line(**changes: Any) -> str:
    record = json.loads(FLOW) | changes
    return json.dumps({key: value for key, value in record.items() if value is not ...})


FILL = {"type": "fill", "instrument": "BTC/USDT", "price": "1", "currency": ...}

REFUSED = [
    ([HEADER, line(amount=100.1)], "line 2: amount", "100.1 is no amount", 'Write it as text: "100.1"'),
    ([HEADER, line(amount="1,5")], "line 2: amount", '"1,5" is no amount', "digits and a point"),
    ([HEADER, line(amount="NaN")], "line 2: amount", "is no amount", "1234.5"),
    ([HEADER, line(amount="1e99")], "line 2: amount", "is no amount", "at most 40"),
    ([HEADER, line(amount="0")], "line 2: amount", "nothing moved", "leave the line out"),
    ([HEADER, line(amount=...)], "line 2: amount", "a flow needs it", "text"),
    ([HEADER, line(colour="red")], "line 2: colour", 'a flow has no "colour"', "A flow has time, id, account"),
    ([HEADER, line(type="trade")], "line 2: type", "'trade' is no type of event", "flow, transfer, fill"),
    ([HEADER, line(time="31.12.2021")], "line 2: time", "is no time", "2022-01-31T14:00:00Z"),
    ([HEADER, line(time="2021-02-30")], "line 2: time", "is no time", "UTC"),
    ([HEADER, line(price="-3")], "line 2: price", "-3 is not above 0", "without a sign"),
    ([HEADER, line(account="")], "line 2: account", "it is empty", "Name the account"),
    ([HEADER, line(id="")], "line 2: id", "it is empty", "a name of its own"),
    ([HEADER, FLOW, "", FLOW], "line 4", 'the id "1" is that of line 2 too', "Remove the line"),
    ([HEADER, line(type="transfer", to="spot")], "line 2: amount", "no move between two accounts", "two accounts"),
    ([HEADER, line(**FILL | {"instrument": "BTCUSDT"})], "line 2: instrument", "is no instrument", "BTC/USDT:USDT"),
    ([HEADER, line(**FILL | {"kind": "gift"})], "line 2: kind", 'no kind "gift"', "trade, liquidation"),
    ([HEADER, line(**FILL | {"sleeve": "x"})], "line 2: sleeve", 'no sleeve "x"', "Write one of carry, or leave it"),
    ([HEADER, line(**FILL | {"fee": "1"})], "line 2: fee_currency", "no currency", "BNB"),
    ([HEADER, line(**FILL | {"lots": "a"})], "line 2: lots", "no list", "Write"),
    ([HEADER, line(**FILL | {"reason": 3})], "line 2: reason", "is no text", "quotes"),
    ([HEADER, "{}}"], "line 2", "it is no JSON", "one object a line"),
    ([HEADER, "[]"], "line 2", "no JSON object", "one object a line"),
    ([HEADER, FLOW[:-1] + ',"id":"2"}'], "line 2", '"id" stands twice', "Keep one"),
    ([FLOW], "line 1", "does not begin with a header", HEADER),
    ([HEADER.replace("1", "2")], "line 1", "version 2 is not known", "version 1"),
    ([HEADER[:-1] + ',"owner":"me"}'], "line 1", 'the header has a key "owner"', HEADER),
    ([], "", "the file is empty", "Begin it"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "place", "message", "fix"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_a_line_without_sense_is_refused(tmp_path: Path, lines: list[str], place: str, message: str, fix: str) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_events(path)
    assert caught.value.where == (f"{path}: {place}" if place else str(path))
    assert message in caught.value.message
    assert fix in caught.value.fix


HEAD = "type,time,id,account,currency,amount\n"
REFUSED_TABLES = [
    ("type,time,colour\n", "line 1", 'no column "colour"'),
    ("type,type\n", "line 1", 'the column "type" stands twice'),
    (HEAD + "flow,2022-01-01,1,spot,USDT,1,5\n", "line 2", "it has 7 cells"),
    (HEAD + "flow,2022-01-01,,spot,USDT,1\nflow,2022-01-01,,spot,USDT,1\n", "line 3", "that of line 2 again"),
    (HEAD + "flow,2022-01-01,1,spot,USDT,1\nflow,2022-01-01,1,spot,USDT,2\n", "line 3", "line 2 too"),
    (HEAD + 'flow,2022-01-01,"1,spot,USDT,1\n', "line 2", "cannot be read"),
    (HEAD + "flow,2022-01-01,1,,USDT,1\n", "line 2: account", "a flow needs it"),
    (HEAD + 'flow,2022-01-01,"a\nb",spot,USDT,1\nflow,2022-01-01,2,spot,USDT,x\n', "line 4: amount", "no amount"),
    ("type,time,id,instrument,price\nmark,2022-01-01,m,BTC/USDT,\n", "line 2: price", "it is empty"),
    ("type,time,id,instrument,price\nmark,2022-01-01,m,BTC/USDT,1\nmark,2022-01-01,m,BTC/USDT,2\n",
     "line 3: instrument", "has BTC/USDT already"),
    ("type,time,id,instrument,price\nmark,2022-01-01,m,BTC/USDT,1\nmark,2022-01-02,m,ETH/USDT,2\n",
     "line 3: time", "another time above"),
    ("", "", "the file is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), REFUSED_TABLES, ids=map(str, range(len(REFUSED_TABLES))))
def test_a_row_without_sense_is_refused(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, text)
    assert caught.value.where == str(tmp_path / "mine.csv") + (f": {place}" if place else "")
    assert message in caught.value.message
    assert caught.value.fix


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere\.jsonl: No such file"):
        read_events(tmp_path / "nowhere.jsonl")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_events(path)


def test_progress_is_told_to_its_end(tmp_path: Path) -> None:
    path = write_events(tmp_path / "e.jsonl", [Flow(DAY_NS, str(i), "spot", "USDT", Decimal(1)) for i in range(200)])
    steps: list[tuple[int, int]] = []
    assert len(read_events(path, lambda done, of: steps.append((done, of))).events) == 200
    assert steps == sorted(set(steps))
    assert steps[-1] == (50, 50)
