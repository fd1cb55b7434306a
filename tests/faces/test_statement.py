"""hedgerow statement and hedgerow events: what they print, write and refuse."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow.faces.cli import app
from hedgerow.ledger.statement import state
from hedgerow.model.event import Event, Fill, Flow, Mark, Transfer
from hedgerow.store.events import read_events, write_events
from tests.ledger import story

BACK = Transfer(story.START_NS + 85 * 86_400_000_000_000, "back", "futures", "spot", "USDT", Decimal("19500"))


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def printed(*words: object) -> str:
    done = call(*words)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def refused(*words: object) -> str:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert done.stderr.count("\n") == 1
    return str(done.stderr)


def row(text: str, name: str) -> list[str]:
    """The cells of the first line of a table that begins with ``name``."""
    return next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name).split()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("events") / "account.jsonl", story.events())


@pytest.fixture(scope="module")
def shown(told: Path) -> str:
    return printed("statement", told, "--monthly")


def test_it_prints_value_flows_and_result(shown: str) -> None:
    assert "Statement from 2022-01-01 to 2022-06-30, in USDT" in shown
    assert row(shown, "Deposits")[0] == "+138,141"
    assert row(shown, "Withdrawals")[0] == "-10,000"
    assert row(shown, "Value at the end") == ["92,383"]
    assert row(shown, "Tax") == ["-1,500"]
    assert "miss the change of value by 0 USDT" in shown
    assert "SIMULATED" not in shown


def test_it_says_what_is_unknown_and_what_is_missing(shown: str) -> None:
    assert "1 funding payment of BTC/USDT:USDT is missing and in no sum." in shown
    assert "The cost of BTC is not known in whole, and so neither is its gain." in shown
    assert row(shown, "BTC ")[3:] == ["unknown", "unknown", "unknown"]
    assert "1, some 2.71 USDT" in shown
    assert "Dust, too little to be sold: 0.0001 ETH (spot)." in shown


def test_it_prints_a_table_by_month_on_request(told: Path, shown: str) -> None:
    months = shown.split("By month")[1]
    assert [line[:10] for line in months.splitlines()[2:]] == [
        "2022-01-31", "2022-02-28", "2022-03-31", "2022-04-30", "2022-05-31", "2022-06-30",
    ]  # fmt: skip
    assert "By month" not in printed("statement", told)


def test_a_period_opens_with_the_value_of_the_day_before(told: Path) -> None:
    shown = printed("statement", told, "--from", "2022-02-01", "--to", "2022-02-28")
    assert "from 2022-02-01 to 2022-02-28" in shown
    assert row(shown, "Value at the start") == ["115,243"]
    assert row(shown, "Value at the end") == ["105,589"]
    assert row(shown, "Deposits")[0] == "0.00"


def test_json_is_exact_and_adds_up(told: Path) -> None:
    record = json.loads(printed("statement", told, "--json", "-"))
    made = state(story.events(), "USDT")
    assert Decimal(record["result"]) == made.result
    assert sum(Decimal(part) for part in record["parts"].values()) == made.result
    assert Decimal(record["opening"]) + Decimal(record["flows_net"]) + made.result == Decimal(record["closing"])
    assert record["difference"] == "0"
    assert record["simulated"] is False
    assert [line["missing"] for line in record["funding"]] == [1, 0]
    by_asset = [Decimal(part) for parts in record["by_asset"].values() for part in parts.values()]
    assert sum(by_asset) == made.result
    assert next(one for one in record["holdings"] if one["currency"] == "BTC")["cost"] is None


def test_the_table_has_every_figure_and_no_formula(told: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    assert printed("statement", told, "--csv", path).splitlines()[-1] == str(path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    made = state(story.events(), "USDT")
    sums = {name: sum(Decimal(one["value"]) for one in rows if one["section"] == name and one["value"]) for name in ("result", "flow")}  # fmt: skip
    assert sums["result"] == made.result
    assert sums["flow"] == made.breakdown.flows
    sections = {one["section"] for one in rows}
    assert {"summary", "holding", "position", "funding", "missing funding", "fee", "dust", "month", "note"} <= sections
    months = [Decimal(one["value"]) for one in rows if one["section"] == "month" and one["name"] == "spot"]
    assert len(months) == 6
    assert not any(cell.startswith(("=", "@", "+")) for one in rows for cell in one.values())


def test_the_page_holds_the_figures_and_asks_nothing(told: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.html"
    assert printed("statement", told, "--html", path).splitlines()[-1] == str(path)
    page = path.read_text(encoding="utf-8")
    head = page.split('<script type="application/json"')[0]
    for words in (
        "92,383",
        "Principal outstanding",
        "carry sleeve",
        "<td>1, some 2.71 USDT</td>",
        "not known in whole",
    ):
        assert words in head, words
    assert "http" not in head.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    payload = json.loads(page.split('id="payload">')[1].split("</script>")[0])
    assert set(payload["charts"]) == {"value", "waterfall"}
    bars = payload["charts"]["waterfall"]["data"][0]
    assert bars["y"][0] == "Value at the start"
    assert sum(bars["x"][:-1]) == pytest.approx(bars["x"][-1], abs=0.1)
    assert len(payload["series"]["value"]) == story.DAYS
    assert payload["series"]["paid_in"][-1] == pytest.approx(128_141.32)


def test_names_from_a_file_are_escaped_on_the_page(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    path = write_events(
        tmp_path / "e.jsonl", [replace(event, id=f"{evil}{event.id}") for event in story.events(days=20)]
    )
    printed("statement", path, "--html", tmp_path / "s.html")
    assert evil not in (tmp_path / "s.html").read_text(encoding="utf-8")


def test_a_made_market_is_labelled_everywhere(tmp_path: Path) -> None:
    path = write_events(tmp_path / "e.csv", story.events(days=20), simulated=True)
    shown = printed("statement", path, "--html", tmp_path / "s.html", "--csv", tmp_path / "s.csv")
    assert "SIMULATED MARKET" in shown
    assert "SIMULATED MARKET" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "SIMULATED MARKET" in (tmp_path / "s.csv").read_text(encoding="utf-8")
    assert json.loads(printed("statement", path, "--json", "-"))["simulated"] is True


def test_high_risk_is_written_wherever_leverage_above_one_shows(tmp_path: Path) -> None:
    events = sorted([*story.events(days=90), BACK], key=lambda event: event.at_ns)
    path = write_events(tmp_path / "e.jsonl", events)
    html, table = tmp_path / "s.html", tmp_path / "s.csv"
    shown = printed("statement", path, "--html", html, "--csv", table)
    assert row(shown, "BTC/USDT:USDT")[-2:] == ["high", "risk"]
    assert "High risk: the positions of futures" in shown
    assert '<span class="badge">high risk</span>' in html.read_text(encoding="utf-8")
    assert "high risk" in table.read_text(encoding="utf-8")
    assert json.loads(printed("statement", path, "--json", "-"))["positions"][0]["risk"] == "high risk"
    assert "igh risk" not in printed("statement", write_events(tmp_path / "calm.jsonl", story.events(days=80)))


def test_prices_come_from_a_data_folder(made_market: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(
        "type,time,account,currency,instrument,amount,price\n"
        "flow,2021-06-01,spot,USDT,,100000,\nfill,2021-06-02 10:00,spot,,BTC/USDT,0.5,30000\n"
        "fill,2021-06-03 10:00,spot,,BTC/USDT:USDT,-0.5,30000\n",
        encoding="utf-8",
    )
    assert "hold no mark, so nothing has a value. Give --data DIR" in refused("statement", path)
    record = json.loads(printed("statement", path, "--data", made_market, "--to", "2021-07-31", "--json", "-"))
    assert record["simulated"] is True
    assert (record["until"], len(record["months"])) == ("2021-08-01T00:00:00Z", 2)
    assert record["without_funding"][0]["instrument"] == "BTC/USDT:USDT"
    from hedgerow.store.closes import with_closes

    (close,) = [
        event.prices["BTC/USDT"]
        for event in with_closes(made_market, read_events(path).events, "USDT", 1_627_776_000_000_000_000)
        if isinstance(event, Mark) and event.at_ns == 1_627_776_000_000_000_000
    ]
    assert next(one for one in record["holdings"] if one["currency"] == "BTC")["price"] == str(close)


def test_marks_of_the_file_win_over_those_of_the_folder(made_market: Path, tmp_path: Path) -> None:
    from hedgerow.store.closes import with_closes

    day = 1_622_505_600_000_000_000  # 2021-06-01
    events: list[Event] = [
        Fill(day, "a", "spot", "BTC/USDT", Decimal(1), Decimal(5)),
        Mark(day + 86_400_000_000_000, "b", {"BTC/USDT": Decimal(7)}),
        Fill(day + 86_400_000_000_001, "c", "spot", "BTC/USDT", Decimal(1), Decimal(5)),
    ]
    marks = [event for event in with_closes(made_market, events, "USDT") if isinstance(event, Mark)]
    assert [mark.id for mark in marks] == ["b", "close of 2021-06-02"]


def test_prices_of_another_quote_are_not_taken_for_ours(made_market: Path, tmp_path: Path) -> None:
    path = write_events(tmp_path / "e.jsonl", [Flow(1_622_505_600_000_000_000, "a", "spot", "BTC", Decimal(1))], "EUR")
    assert "its prices are not in EUR. Its prices can be in USDT" in refused("statement", path, "--data", made_market)


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    path = tmp_path / "empty.jsonl"
    path.write_text('{"type":"events","version":1,"quote":"USDT"}\n', encoding="utf-8")
    return path


def test_what_cannot_be_stated_is_refused_with_a_fix(told: Path, nothing: Path, tmp_path: Path) -> None:
    assert "holds no event. Add a line" in refused("statement", nothing)
    assert "--from: 2022-03-01 is not before 2022-02-01" in refused(
        "statement", told, "--from", "2022-03-01", "--to", "2022-02-01"
    )
    assert "--to: the last prices are of 2022-07-01, and 2 events follow them" in refused(
        "statement", told, "--to", "2022-12-31"
    )
    assert '--method: there is no method "best". Use one of FIFO' in refused("statement", told, "--method", "best")
    assert "--csv: " in refused("statement", told, "--csv", told)
    assert "--html: the page cannot go to standard output" in refused("statement", told, "--html", "-")
    same = tmp_path / "a.html"
    assert "is the file of --html too" in refused("statement", told, "--html", same, "--csv", same)


# -------------------------------------------------------------------------------------------------------------- events

TRADES = (
    "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2022-03-01 12:00:05,BTCUSDT,BUY,42000,0.1BTC,4200USDT,0.0001BTC\n"
)


def test_a_download_becomes_an_event_file(tmp_path: Path) -> None:
    source, into = tmp_path / "t.csv", tmp_path / "e.jsonl"
    source.write_text(TRADES, encoding="utf-8")
    shown = printed("events", "import", source, "--into", into)
    assert "Binance spot trades: 1 row (columns as BittyTax reads them)." in shown
    assert shown.splitlines()[-1] == str(into)
    (fill,) = read_events(into).events
    assert isinstance(fill, Fill)
    assert fill.amount == Decimal("0.1")
    assert "is there already" in refused("events", "import", source, "--into", into)
    said = refused("events", "import", source, "--into", tmp_path / "e.txt")
    assert said == "--into: e.txt does not end in .jsonl or .csv. Name it e.jsonl.\n"
    assert '--utc-offset: "2" is no offset' in refused(
        "events", "import", source, "--into", tmp_path / "f.csv", "--utc-offset", "2"
    )


def test_converting_there_and_back_loses_nothing(told: Path, tmp_path: Path) -> None:
    table, back = tmp_path / "t.csv", tmp_path / "b.jsonl"
    printed("events", "convert", told, "--into", table)
    printed("events", "convert", table, "--into", back)
    assert back.read_bytes() == told.read_bytes()


@pytest.mark.parametrize("amount", ["1e16", "123456789012345678901234567890.12345678901234567", "9e38", "1e-30"])
def test_amounts_of_any_size_that_a_file_may_hold_are_shown_on_every_face(amount: str, tmp_path: Path) -> None:
    much = Decimal(amount)
    events: list[Event] = [
        Flow(1, "a", "spot", "USDT", much), Flow(2, "b", "spot", "PEPE", much, Decimal("1e-13"), Decimal("0.00000000000012345")),
        Mark(3, "c", {"PEPE/USDT": Decimal("1e-13")}), Mark(4, "d", {"PEPE/USDT": Decimal("2e-13")}),
    ]  # fmt: skip
    path = write_events(tmp_path / "e.jsonl", events)
    page, table = tmp_path / "s.html", tmp_path / "s.csv"
    record = json.loads(printed("statement", path, "--json", "-", "--html", page, "--csv", table))
    earned = sum(Fraction(part) for part in record["parts"].values())
    assert abs(Fraction(record["result"]) - Fraction(much) / 10**13) <= Fraction(1, 10**12)
    assert earned == Fraction(record["result"])
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert next(row["value"] for row in rows if row["name"] == "closing") == record["closing"]
    price = "0.0000000000002"
    assert f"<td>{price}</td>" in page.read_text(encoding="utf-8")
    assert price in row(printed("statement", path), "PEPE")
