"""hedgerow tax: sums, unknowns, files of their own for spot and futures, and what rotki's reader accepts."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow.faces.cli import app
from hedgerow.faces.tax_files import LOCATIONS, location
from hedgerow.model.event import Event, Fill, Flow
from hedgerow.store.events import write_events
from tests.ledger import story

FILES = ["derivatives.csv", "disposals.csv", "income.csv", "open_lots.csv", "rotki_events.csv", "rotki_trades.csv"]
# What rotki's generic readers ask for (rotki_trades.py, rotki_events.py): these columns, and these words as types.
TRADES = {"Location", "Spend Currency", "Receive Currency", "Receive Amount", "Spend Amount", "Fee", "Fee Currency",
          "Description", "Timestamp"}  # fmt: skip
EVENTS = {"Type", "Location", "Currency", "Amount", "Fee", "Fee Currency", "Description", "Timestamp"}
WORDS = {"Deposit", "Withdrawal", "Income", "Loss", "Spend", "Staking"}


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def printed(*words: object) -> str:
    done = call(*words)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events: list[Event] = [
        *story.events(),
        Fill(story._day(182), "hidden", "cold", "BTC/USDT", Decimal(-2), Decimal(9)),
    ]
    return write_events(tmp_path_factory.mktemp("events") / "account.jsonl", events)


@pytest.fixture(scope="module")
def folder(told: Path) -> Path:
    out = told.parent / "tax"
    assert printed("tax", told, "--year", 2022, "--out", out).splitlines()[-1] == str(out)
    return out


def test_it_says_that_it_is_no_advice_and_what_is_unknown(told: Path) -> None:
    shown = printed("tax", told, "--year", 2022, "--method", "hifo")
    assert "Tax year 2022 (UTC), in USDT: HIFO, lots of all accounts together" in shown
    assert "not tax advice" in shown
    assert "1 funding payment missing: the sum of futures is unknown." in shown
    unknown = shown.split("Unknown, and so in no sum")[1]
    assert unknown.count("hidden") == 2  # the coins of unknown cost, and those that never came in
    assert 'State "cost" and "acquired" of the deposit' in unknown
    spot = next(line for line in shown.splitlines() if line.startswith("Spot, held up to 365 days"))
    assert spot.split()[6] == "unknown"


def test_every_file_is_written(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES


def test_spot_and_futures_are_separate_records(folder: Path) -> None:
    disposals, derivatives = table(folder / "disposals.csv"), table(folder / "derivatives.csv")
    assert {row["currency"] for row in disposals} == {"BTC", "ETH", "BNB"}
    assert {row["instrument"] for row in derivatives} == {story.PERP}
    assert {row["kind"] for row in derivatives} == {"fee", "funding", "close"}
    for row in disposals:
        if row["gain"]:
            assert Decimal(row["proceeds"]) - Decimal(row["fees"]) - Decimal(row["basis"]) == Decimal(row["gain"])
    assert [row["gain"] for row in disposals if row["event"] == "hidden"].count("") == 2
    missing = [row for row in derivatives if row["event"] == "funding 50 8"]
    assert [row["amount"] for row in missing] == [""]


def test_files_and_json_say_the_same(told: Path, folder: Path) -> None:
    record = json.loads(printed("tax", told, "--year", 2022, "--json", "-"))
    assert len(record["disposals"]) == len(table(folder / "disposals.csv"))
    known = sum(Decimal(row["value"]) for row in table(folder / "derivatives.csv") if row["value"])
    assert record["totals"]["derivatives"] == {"amount": None, "known": str(known.normalize()), "unknown": 1}
    assert record["totals"]["income"]["amount"] == table(folder / "income.csv")[0]["value"]
    assert [one["event"] for one in record["missing"]] == ["hidden", "hidden"]
    lots = table(folder / "open_lots.csv")
    assert [(row["currency"], row["cost"]) for row in lots] == [("BNB", "796"), ("ETH", lots[1]["cost"])]


def test_a_year_without_events_is_empty_and_keeps_the_lots(told: Path, tmp_path: Path) -> None:
    printed("tax", told, "--year", 2023, "--out", tmp_path / "t")
    assert table(tmp_path / "t" / "disposals.csv") == []
    assert table(tmp_path / "t" / "rotki_events.csv") == []
    assert len(table(tmp_path / "t" / "open_lots.csv")) == 2


def test_rotki_reads_its_files(folder: Path) -> None:
    """The rules of its reader: exact columns, known words and places, amounts above 0, milliseconds."""
    trades, events = table(folder / "rotki_trades.csv"), table(folder / "rotki_events.csv")
    assert set(trades[0]) == TRADES
    assert set(events[0]) == EVENTS
    assert {row["Type"] for row in events} <= WORDS
    for row in (*trades, *events):
        assert row["Location"] in LOCATIONS
        assert 1_640_995_200_000 <= int(row["Timestamp"]) < 1_672_531_200_000
        amounts = [row[name] for name in ("Amount", "Spend Amount", "Receive Amount") if name in row]
        assert all(Decimal(amount) > 0 and "E" not in amount for amount in amounts)
        assert not row["Fee"] or (Decimal(row["Fee"]) > 0 and row["Fee Currency"])
    bought = trades[0]
    assert (bought["Spend Currency"], bought["Receive Currency"], bought["Receive Amount"]) == ("USDT", "BTC", "1.5")


def test_rotki_arrives_at_the_same_balances(folder: Path, told: Path) -> None:
    sums: dict[str, Decimal] = {}

    def add(currency: str, amount: Decimal) -> None:
        sums[currency] = sums.get(currency, Decimal(0)) + amount

    for row in table(folder / "rotki_trades.csv"):
        add(row["Spend Currency"], -Decimal(row["Spend Amount"]))
        add(row["Receive Currency"], Decimal(row["Receive Amount"]))
        if row["Fee"]:
            add(row["Fee Currency"], -Decimal(row["Fee"]))
    for row in table(folder / "rotki_events.csv"):
        sign = 1 if row["Type"] in ("Deposit", "Income", "Staking") else -1
        add(row["Currency"], sign * Decimal(row["Amount"]))
    from hedgerow.ledger.ledger import Ledger
    from hedgerow.store.events import read_events

    ledger = Ledger()
    ledger.fold(read_events(told).events)
    for currency, amount in ledger.totals().items():
        assert sums[currency] == pytest.approx(amount, abs=Decimal("1e-9")), currency


@pytest.mark.parametrize(
    ("account", "place"), [("binance spot", "binance"), ("Kraken", "kraken"), ("spot", "external")]
)
def test_an_account_named_after_a_venue_is_that_place(account: str, place: str) -> None:
    assert location(account) == place


def test_pools_by_account_carry_lots_along(tmp_path: Path) -> None:
    events: list[Event] = [
        Flow(story._day(0), "a", "one", "BTC", Decimal(1), cost=Decimal(100)),
        Flow(story._day(1), "b", "two", "BTC", Decimal(1), cost=Decimal(900)),
        Fill(story._day(2), "c", "two", "BTC/USDT", Decimal(-1), Decimal(1_000)),
    ]
    path = write_events(tmp_path / "e.jsonl", events)
    gains = {
        pool: json.loads(printed("tax", path, "--year", 2022, "--pool", pool, "--json", "-"))["totals"]["short"][
            "amount"
        ]
        for pool in ("universal", "account")
    }
    assert gains == {"universal": "900", "account": "100"}


def test_what_cannot_be_done_is_refused_with_a_fix(told: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        done = call("tax", told, "--year", 2022, *words)
        assert done.exit_code == 2, done.output
        return str(done.stderr)

    assert '--method: there is no method "best". Use one of FIFO, LIFO' in refused("--method", "best")
    assert '--pool: there is no pool "mine". Use universal or account.' in refused("--pool", "mine")
    assert "is a file. Name a folder" in refused("--out", told)
