"""Tier tables out of a data folder: a CSV a coin, ccxt's JSON, recorded bodies, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Tier
from hedgerow.model.margin import CONVENTIONS, DEFAULT_TIERS, tier_table
from hedgerow.store import history
from hedgerow.store.check import check
from hedgerow.store.tiers import ccxt_tiers, find_tiers, is_tiers, read_ccxt, read_csv
from tests.conftest import DATA
from tests.store.folder import simple

PAYLOADS = DATA.parent / "fixtures" / "ccxt" / "payloads"
CSV = "floor,rate,max_leverage\n0,0.004,125\n50000,0.005,100\n250000,0.01,50\n"
LINEAR = tier_table([0.0, 50_000.0, 250_000.0], [0.004, 0.005, 0.01], [125.0, 100.0, 50.0])


def row(tier: int, low: Any, high: Any, rate: Any, leverage: Any, **more: Any) -> dict[str, Any]:
    """A row as ccxt unifies it."""
    return {
        "tier": tier, "symbol": "BTC/USDT:USDT", "currency": "USDT", "minNotional": low, "maxNotional": high,
        "maintenanceMarginRate": rate, "maxLeverage": leverage, "info": {}, **more,
    }  # fmt: skip


ROWS = [
    row(1, 0.0, 50_000.0, 0.004, 125.0),
    row(2, 50_000.0, 250_000.0, 0.005, 100.0),
    row(3, 250_000.0, 1e6, 0.01, 50.0),
]


def test_a_csv_becomes_a_table_with_deductions(tmp_path: Path) -> None:
    (tmp_path / "tiers_BTC.csv").write_text(CSV)
    found = read_csv(tmp_path / "tiers_BTC.csv")
    assert found == LINEAR
    assert [tier.deduction for tier in found] == pytest.approx([0.0, 50.0, 1_300.0])


def test_leverage_may_be_unknown_in_a_csv(tmp_path: Path) -> None:
    (tmp_path / "tiers_BTC.csv").write_text("floor,rate\n0,0.01\n10,0.02\n")
    assert all(math.isnan(tier.max_leverage) for tier in read_csv(tmp_path / "tiers_BTC.csv"))
    (tmp_path / "tiers_BTC.csv").write_text("floor,rate,max_leverage\n0,0.01,\n10,0.02,20\n")
    unknown, known = read_csv(tmp_path / "tiers_BTC.csv")
    assert (math.isnan(unknown.max_leverage), known.max_leverage) == (True, 20.0)


def test_ccxts_rows_become_the_same_table() -> None:
    assert ccxt_tiers(ROWS) == LINEAR
    assert ccxt_tiers(ROWS[::-1]) == LINEAR, "in any order"
    texts = [{key: str(value) if isinstance(value, float) else value for key, value in each.items()} for each in ROWS]
    assert ccxt_tiers(texts) == LINEAR, "numbers as text"
    assert ccxt_tiers([*ROWS[:2], ROWS[2] | {"maxNotional": None}]) == LINEAR, "an open end"
    assert ccxt_tiers([each | {"minNotional": None} for each in ROWS]) == LINEAR, "only tops"
    assert ccxt_tiers([ROWS[0], ROWS[1] | {"minNotional": 50_001.0}])[1].floor == 50_001.0, "one above"


def test_a_venues_rows_with_one_rate_stay_apart() -> None:
    found = ccxt_tiers([row(1, 0, 10, 0.01, 50), row(2, 10, 20, 0.01, 25)])
    assert found == (Tier(0.0, 0.01, 0.0, 50.0), Tier(10.0, 0.01, 0.0, 25.0))


def test_where_a_folder_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "venues").mkdir()
    other, coins = tier_table([0.0], [0.02]), tier_table([0.0, 5.0], [0.004, 0.01])
    (tmp_path / "tiers_BTC.csv").write_text(CSV)
    (tmp_path / "tiers_BTC-inverse.csv").write_text("floor,rate\n0,0.004\n5,0.01\n")
    (tmp_path / "venues" / "tiers_BTC_bybit.csv").write_text("floor,rate\n0,0.02\n")
    (tmp_path / "tiers.json").write_text(json.dumps({"ETH/USDT:USDT": ROWS, "BTC/USDT:USDT-240329": ROWS[:1]}))
    (tmp_path / "venues" / "tiers_okx.json").write_text(
        json.dumps({"BTC/USD:BTC": [row(1, 0, None, 0.03, 20)], "BTC/USDC:USDC": [row(1, 0, None, 0.04, 10)],
                    "BTC/USDT:USDT": [row(1, 0, None, 0.05, 10)], "BTC/USD:USDC": "not ours"})
    )  # fmt: skip

    def rates(*args: str, **options: Any) -> list[float] | None:
        found = find_tiers(tmp_path, *args, **options)
        return found and [tier.rate for tier in found]

    assert find_tiers(tmp_path, "BTC") == LINEAR
    assert rates("BTC", inverse=True) == [tier.rate for tier in coins]
    assert rates("BTC", venue="bybit") == [tier.rate for tier in other]
    assert rates("ETH") == [0.004, 0.005, 0.01]
    assert (rates("BTC", venue="okx"), rates("BTC", inverse=True, venue="okx")) == ([0.05], [0.03])
    assert [rates("SOL"), rates("ETH", inverse=True), rates("BTC", venue="mexc")] == [None, None, None]
    assert all(is_tiers(path) for path in tmp_path.rglob("*") if path.is_file())
    for name in ("tiers.csv", "tiers_BTC.json", "tiers_BTC.parquet", "spot_BTC_1d.csv", "tiers_btc-x.csv"):
        assert not is_tiers(Path(name)), name


def test_a_table_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiers_BTC.csv").write_text(CSV)
    (tmp_path / "tiers.json").write_text(json.dumps({"BTC/USDT:USDT": ROWS}))
    with pytest.raises(ConfigError, match=r"tiers\.json: the tiers of BTC stand in tiers_BTC\.csv too\. Remove one"):
        find_tiers(tmp_path, "BTC")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("level,rate\n0,0.01\n", r'column "floor" is missing \(the file has level, rate\)\. A tiers file has'),
        ("floor,rate\n0,\n", 'column "rate" has nothing in row 1'),
        ("floor,rate\n0,half\n", 'column "rate" holds "half" in row 1'),
        ("floor,rate\n", "0 floors, 0 rates"),
        ("floor,rate\n100,0.01\n", "the lowest tier begins at 100"),
        ("floor,rate\n0,0.5 %\n", 'column "rate" holds "0.5 %" in row 1'),
        ("floor,rate\n0,0.01\n50,0.005\n", "row 2 has the rate 0.005, after 0.01"),
        ("floor,rate\n0,0.01\n50,0.02\n50,0.03\n", "row 3 begins at 50, after 50"),
        ("floor,rate,max_leverage\n0,0.01,200\n", "row 1 has the largest leverage 200. Write 1 to 100"),
    ],
)
def test_a_wrong_csv_is_refused_with_place_and_fix(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tiers_BTC.csv").write_text(text)
    with pytest.raises(ConfigError, match=rf"^tiers_BTC\.csv: {message}") as refused:
        find_tiers(tmp_path, "BTC")
    assert refused.value.fix


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no list of tiers"),
        ({"tier": 1}, "no list of tiers"),
        ([1.0], "no list of tiers"),
        ([ROWS[0] | {"maintenanceMarginRate": None}], "no maintenanceMarginRate"),
        ([ROWS[0] | {"maintenanceMarginRate": "low"}], "maintenanceMarginRate is 'low', not a number"),
        ([ROWS[0] | {"maxLeverage": True}], "maxLeverage is True, not a number"),
        ([ROWS[0], ROWS[2]], "tier 2 begins at 250000, the one before ends at 50000"),
        ([ROWS[0] | {"maxNotional": None}, ROWS[1] | {"maxNotional": None}], "the one before ends nowhere"),
        ([ROWS[1]], "the lowest tier begins at 50000"),
    ],
)
def test_wrong_rows_of_ccxt_are_refused(rows: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        ccxt_tiers(rows, where="tiers.json, BTC/USDT:USDT")
    assert refused.value.where == "tiers.json, BTC/USDT:USDT"
    assert refused.value.fix


@pytest.mark.parametrize(("text", "message"), [("{", "cannot be read as JSON"), ("[1]", "holds no object of symbols")])
def test_a_file_that_is_not_ccxts_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tiers.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        find_tiers(tmp_path, "BTC")


def test_all_tables_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "tiers.json").write_text(json.dumps({"BTC/USDT:USDT": ROWS, "ETH/USDT:USDT": ROWS[:1]}))
    found = read_ccxt(tmp_path / "tiers.json")
    assert {symbol: len(tiers) for symbol, tiers in found.items()} == {"BTC/USDT:USDT": 3, "ETH/USDT:USDT": 1}


# ---- recorded bodies -------------------------------------------------------------------------------------------------


def payloads(venue: str, function: str) -> list[Any]:
    """The recorded bodies of a ccxt function, read in place."""
    path = PAYLOADS / f"{venue}.rest.json"
    if not path.is_file():
        pytest.skip(f"the recorded bodies are not at {PAYLOADS}")
    return [each["payload"] for each in json.loads(path.read_text())["samples"] if each["function"] == function]


def test_binances_recorded_brackets() -> None:
    """Through ccxt's names for them, as its parser does: notional caps of USDT contracts, coin caps of the others."""
    seen = set()
    for body in payloads("binance", "fetch_leverage_tiers"):
        for table in body:
            unit = "notional" if "notionalCap" in table["brackets"][0] else "qty"
            rows = [
                row(b["bracket"], b[f"{unit}Floor"], b[f"{unit}Cap"], b["maintMarginRatio"], b["initialLeverage"])
                for b in table["brackets"]
            ]
            found = ccxt_tiers(rows)
            assert [tier.deduction for tier in found] == [b["cum"] for b in table["brackets"]]
            assert [tier.max_leverage for tier in found] == [b["initialLeverage"] for b in table["brackets"]]
            seen.add({"notional": "quote", "qty": "coins"}[unit])
    assert seen == {CONVENTIONS[name].tiers_in for name in ("binance_linear", "binance_inverse")}


def test_bybits_recorded_risk_limits_are_refused_where_they_are_percents() -> None:
    """The recorded body gives 0.5 for 0.5 %; as a rate it does not go with its leverage, and the reader says so."""
    (body,) = payloads("bybit", "fetch_derivatives_market_leverage_tiers")
    (limit,) = body["result"]["list"]
    rows = [row(limit["id"], None, limit["riskLimitValue"], limit["maintenanceMargin"], limit["maxLeverage"])]
    with pytest.raises(ConfigError, match=r"row 1 has the largest leverage 100\. Write 1 to 2"):
        ccxt_tiers(rows)
    rows[0]["maintenanceMarginRate"] = float(limit["maintenanceMargin"]) / 100.0
    assert ccxt_tiers(rows) == (Tier(0.0, 0.005, 0.0, 100.0),)


def test_a_folder_with_a_table_gives_it_to_the_run_and_one_without_a_stand_in(tmp_path: Path) -> None:
    simple(tmp_path)
    loaded = history.load(tmp_path, ("BTC",), warmup_days=0)
    assert history.market(loaded).universe.instruments[1].tiers == DEFAULT_TIERS
    assert loaded.coverage["margin_tiers"] == {"BTC": "stand-in"}
    (tmp_path / "tiers_BTC.csv").write_text(CSV)
    loaded = history.load(tmp_path, ("BTC",), warmup_days=0)
    assert history.market(loaded).universe.instruments[1].tiers == LINEAR
    assert loaded.coverage["margin_tiers"] == {"BTC": "file"}
    assert not [finding for finding in check(tmp_path) if finding.file == "tiers_BTC.csv"]
    (tmp_path / "tiers_BTC.csv").write_text("floor,rate\n0,2\n")
    (finding,) = [finding for finding in check(tmp_path) if finding.file == "tiers_BTC.csv"]
    assert finding.severity == "error"
