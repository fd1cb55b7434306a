"""The contract of backtest, plan and explain, and what bad input ends in."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow.faces.cli import app
from hedgerow.research.simulate import simulate, write

METRICS = (
    "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "cvar_95", "ulcer", "turnover_spot",
    "turnover_futures", "fees", "slippage", "funding", "mean_hedge_ratio", "up_capture", "down_capture",
    "liquidations", "min_liquidation_distance", "max_margin_ratio", "margin_capped_days", "h_intended",
    "h_achieved", "regime_days", "transitions_per_year", "whipsaws", "blocked_by_reason",
)  # fmt: skip
PARTS = ("spot", "hedge", "basis", "funding", "fees", "slippage")
PORTFOLIO = """
[portfolio]
quote = "USDT"
[spot.BTC]
amount = 10
unit_cost = 42000
protected = 2
outside = 1.5
[spot.ETH]
amount = 40
[spot.USDT]
amount = 150000
[futures."BTC/USDT:USDT"]
amount = -3
entry = 30000
collateral = 90000
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market")
    write(simulate(seed=3, assets=("BTC", "ETH"), start=date(2021, 1, 1), days=460), made)
    return made


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    done = call("backtest", "--data", folder, "--assets", "BTC,ETH", "--targets", "BTC=.5,ETH=.3,USDT=.2",
                "--start", "2022-01-01", "--end", "2022-03-31", "--capital", 50_000, "--json", "-")  # fmt: skip
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_a_backtest_reports_what_the_contract_names(record: dict[str, Any]) -> None:
    assert set(record) >= {"value", "metrics", "benchmarks", "attribution", "decisions", "coverage"}
    assert record["value"]["start"] == 50_000
    assert set(METRICS) <= set(record["metrics"])
    assert list(record["benchmarks"]) == ["B0", "B1", "B2", "B3", "B4", "B4c", "B5", "B6", "B7", "B8"]
    for found in record["benchmarks"].values():
        assert set(METRICS) <= set(found)
    assert record["simulated"] is True
    matched, mine = record["benchmarks"]["B4"]["mean_hedge_ratio"], record["metrics"]["mean_hedge_ratio"]
    assert matched == pytest.approx(mine, abs=0.03)


def test_the_attribution_adds_up(record: dict[str, Any]) -> None:
    change = record["value"]["end"] - record["value"]["start"]
    assert sum(record["attribution"][part] for part in PARTS) == pytest.approx(
        change, abs=1e-9 * record["value"]["end"]
    )


def test_days_are_named_by_their_opening_and_inclusive(record: dict[str, Any]) -> None:
    daily = [entry for entry in record["decisions"] if entry["clock"] == "daily"]
    assert len(daily) == 90
    assert (daily[0]["at"], daily[-1]["at"]) == ("2022-01-01", "2022-03-31")
    assert {"regime", "assets", "legs", "refusals"} <= set(daily[0])
    entries = [leg for leg in daily[0]["legs"] if leg["reason"] == "entry"]
    assert {leg["asset"] for leg in entries} == {"BTC", "ETH"}
    assert {leg["filled"] for leg in entries} == {"2022-01-02T00:00:00Z"}


def test_paths_stand_alone_and_last(folder: Path, tmp_path: Path) -> None:
    page, out = tmp_path / "report.html", tmp_path / "out.json"
    done = call(
        "backtest", "--data", folder, "--assets", "BTC", "--start", "2022-03-01", "--report", page, "--json", out
    )
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-2:] == [str(out), str(page)]
    assert "SIMULATED" in done.stdout
    assert "SIMULATED" in page.read_text(encoding="utf-8")
    assert json.loads(out.read_text(encoding="utf-8"))["assets"] == ["BTC"]


def plan(folder: Path, tmp_path: Path, text: str, *more: object, command: str = "plan") -> Any:
    file = tmp_path / "portfolio.toml"
    file.write_text(text, encoding="utf-8")
    return call(command, "--data", folder, "--portfolio", file, "--json", "-", *more)


def test_a_plan_reports_what_the_contract_names(folder: Path, tmp_path: Path) -> None:
    done = plan(folder, tmp_path, PORTFOLIO, "--at", "2022-03-01")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {"value", "regime", "legs", "refusals", "before", "after", "scenarios"} <= set(found)
    assert found["regime"]["assets"]["BTC"]["votes"]
    assert found["before"]["assets"]["BTC"]["coins"] == 11.5
    for leg in found["legs"]:
        assert {"instrument", "kind", "side", "amount", "notional", "reason", "measured", "threshold", "cost"} <= set(
            leg
        )
        assert leg["instrument"] != "BTC/USDT" or leg["side"] != "sell" or leg["amount"] <= 8.0  # protected, outside
    for book in ("before", "after"):
        standing = found[book]
        assert standing["spot"] / standing["value"] + standing["stable_weight"] == pytest.approx(1.0)
        for row in found["scenarios"]:
            expected = row["move"] * (standing["spot"] - standing["short"])
            assert row[f"{book}_net"] == pytest.approx(expected)
    explained = json.loads(plan(folder, tmp_path, PORTFOLIO, "--at", "2022-03-01", command="explain").stdout)
    assert explained["legs"] == found["legs"]
    assert set(explained["stages"]) == {"measure", "regime", "target", "trigger", "plan", "guard", "carry"}


def test_at_decides_at_that_close_whatever_follows(folder: Path, tmp_path: Path) -> None:
    early = json.loads(plan(folder, tmp_path, PORTFOLIO, "--at", "2022-02-10").stdout)
    assert early["at"] == "2022-02-10"
    last = json.loads(plan(folder, tmp_path, PORTFOLIO).stdout)
    assert last["at"] == "2022-04-05"
    assert early["value"] != last["value"]


def test_s14_and_s15_of_a_hedge_of_80_percent(folder: Path, tmp_path: Path) -> None:
    text = '[spot.BTC]\namount = 10\n[spot.USDT]\namount = 5000000\n[futures."BTC/USDT:USDT"]\namount = -8\nentry = 60000\ncollateral = 900000\n'
    found = json.loads(plan(folder, tmp_path, text).stdout)
    down, up = found["scenarios"]
    assert down["before_of_spot"] == pytest.approx(-0.04)
    assert up["before_of_spot"] == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("severity", "least"), [('severity = 2', 0.5), ('severity = 3', 0.75), ('hedge_ratio = "80 %"', 0.8)]
)  # fmt: skip
def test_a_view_raises_the_hedge(folder: Path, tmp_path: Path, severity: str, least: float) -> None:
    views = tmp_path / "views.toml"
    views.write_text(f'[[view]]\ndate = 2022-02-28\nkind = "macro"\n{severity}\n', encoding="utf-8")
    found = json.loads(plan(folder, tmp_path, PORTFOLIO, "--at", "2022-03-01", "--views", views).stdout)
    assert found["after"]["assets"]["BTC"]["h_intended"] >= least
    later = json.loads(plan(folder, tmp_path, PORTFOLIO, "--at", "2022-03-20", "--views", views).stdout)
    without = json.loads(plan(folder, tmp_path, PORTFOLIO, "--at", "2022-03-20").stdout)
    assert later["legs"] == without["legs"]


BAD = [
    (["--assets", "BTC,NOPE"], "NOPE"),
    (["--assets", "BTC,BTC"], "twice"),
    (["--assets", ""], "--assets"),
    (["--start", "2031-01-01"], "outside the data"),
    (["--start", "2022-03-01", "--end", "2022-02-01"], "after"),
    (["--start", "01.02.2022"], "no day"),
    (["--targets", "BTC=.5,USDT=.4"], "add up to"),
    (["--targets", "BTC=.5,DOGE=.5"], "DOGE"),
    (["--targets", "BTC=half,USDT=.5"], "no number"),
    (["--capital", "0"], "capital"),
    (["--policy", "no-such-policy"], "no-such-policy"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=range(len(BAD)))
def test_bad_options_end_in_a_sentence(folder: Path, words: list[str], said: str) -> None:
    base = [] if "--assets" in words else ["--assets", "BTC"]
    done = call("backtest", "--data", folder, *base, *words)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


BAD_PORTFOLIOS = [
    ("[spot.BTC]\namont = 1\n", "unknown key"),
    ("[spot.BTC]\namount = -1\n", "must be at least 0 (got -1)"),
    ("[spot.BTC]\namount = 1\nprotected = 2\n", "protected"),
    ('[spot.BTC]\namount = 1\n[futures."BTC/USDT:USDT"]\namount = 1\nentry = 1\n', "not a hedge"),
    ('[spot.BTC]\namount = 1\n[futures."BTC/USDT:USDT"]\namount = -3\nentry = 1\n', "not a hedge"),
    ('[spot.BTC]\namount = 1\n[futures."BTC/EUR:EUR"]\namount = -1\nentry = 1\n', "BTC/EUR:EUR"),
    ("[spot.USDT]\namount = 5\n", "no coin"),
    ("[spot.BTC\namount = 1\n", "TOML"),
]


@pytest.mark.parametrize(("text", "said"), BAD_PORTFOLIOS, ids=range(len(BAD_PORTFOLIOS)))
def test_bad_portfolios_end_in_a_sentence(folder: Path, tmp_path: Path, text: str, said: str) -> None:
    done = plan(folder, tmp_path, text)
    assert done.exit_code == 2
    assert said in done.output


def test_broken_files_end_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    import polars as pl

    source = pl.read_parquet(folder / "spot_BTC_1d.parquet")
    for name, table, said in (
        ("column", source.drop("close"), 'column "close" is missing'),
        (
            "nan",
            source.with_columns(close=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise("close")),
            "not a number",
        ),
    ):
        broken = tmp_path / name
        broken.mkdir()
        table.write_parquet(broken / "spot_BTC_1d.parquet")
        done = call("backtest", "--data", broken, "--assets", "BTC")
        assert (done.exit_code, said in done.output) == (2, True), done.output
    missing = call("backtest", "--data", tmp_path / "nowhere", "--assets", "BTC")
    assert missing.exit_code == 2
    assert "nowhere" in missing.output
    assert call("plan", "--data", folder).exit_code == 2


@pytest.mark.data
def test_a_coin_without_futures_is_hedged_by_beta_or_sold(data_folder: Path) -> None:
    done = call("backtest", "--data", data_folder, "--assets", "BTC,MATIC,EOS", "--start", "2022-01-01", "--end", "2022-06-30",
                "--json", "-")  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    reasons = {leg["reason"] for day in found["decisions"] for leg in day["legs"] if leg["asset"] in ("MATIC", "EOS")}
    assert reasons & {"cross_hedge", "sell_unhedged"}
    assert found["simulated"] is False
