"""What backtest, plan and explain refuse before they start: each sentence names the option or key, and the fix."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow import policies, wire
from hedgerow.errors import ConfigError
from hedgerow.faces.cli import app
from hedgerow.research.simulate import simulate, write

HELD = "[spot.BTC]\namount = 1\n[spot.USDT]\namount = 50000\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market")
    write(simulate(seed=3, assets=("BTC", "ETH"), start=date(2021, 1, 1), days=260), made)
    return made


@pytest.fixture
def held(tmp_path: Path) -> Path:
    file = tmp_path / "held.toml"
    file.write_text(HELD, encoding="utf-8")
    return file


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the data is read all the same."""

    def read(*given: object, **named: object) -> None:
        raise AssertionError("the data was read first")

    monkeypatch.setattr(wire, "recorded", read)


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def refused(*words: object) -> str:
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert done.stderr.count("\n") == 1
    return str(done.stderr)


def runs(folder: Path, held: Path) -> list[list[object]]:
    return [
        ["backtest", "--data", folder, "--assets", "BTC"],
        ["explain", "--data", folder, "--assets", "BTC"],
        ["plan", "--data", folder, "--portfolio", held],
        ["explain", "--data", folder, "--portfolio", held],
    ]


# ------------------------------------------------------------------------------------------------------------ policies


def test_coin_margined_contracts_that_the_data_has_not(folder: Path, held: Path, tmp_path: Path) -> None:
    file = tmp_path / "coins.toml"
    file.write_text('extends = "balanced"\n[hedge]\ninverse = true\n', encoding="utf-8")
    for words in runs(folder, held):
        said = refused(*words, "--policy", file)
        assert "coins.toml: hedge.inverse: coin-margined contracts are wanted (true), and the data has none" in said
        assert "inverse = false" in said


@pytest.mark.usefixtures("untouched")
def test_the_matched_hedge_is_a_benchmark_alone(folder: Path, held: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "b4_matched"\n[rebalance]\nthreshold = "5 pp"\n', encoding="utf-8")
    for words in runs(folder, held):
        for policy in ("b4_matched", file):
            said = refused(*words, "--policy", policy)
            assert said.startswith("--policy: b4_matched has no hedge of its own")
            assert "b3_constant" in said


def test_a_matched_hedge_with_a_ratio_of_its_own_runs(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "b4_matched"\n[hedge]\nconstant = "40 %"\n', encoding="utf-8")
    assert policies.chosen(str(file)).hedge.constant == 0.4
    assert policies.chosen("b2_threshold").name == "b2_threshold"


def test_a_policy_that_extends_another_runs_under_its_own_name(folder: Path, held: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "balanced"\n[targets]\nstable = "30 %"\n', encoding="utf-8")
    done = call("plan", "--data", folder, "--portfolio", held, "--policy", file, "--json", "-")
    assert json.loads(done.stdout)["policy"] == "mine"


# ---------------------------------------------------------------------------------------------------------- portfolios


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ('[portfolio]\nquote = "EUR"\n' + HELD, 'portfolio.quote: the prices of', 'quote = "USDT"'),
        ('[portfolio]\nquote = ""\n' + HELD, 'portfolio.quote: the prices of', 'quote = "USDT"'),
        (HELD + "[spot.USDC]\namount = 5\n", "spot.USDC: USDC is a stablecoin", "[spot.USDT] amount"),
        (HELD + "[targets]\nBTC = 0.5\nDAI = 0.5\n", "targets.DAI: DAI is a stablecoin", "Add its weight to that of USDT"),
        ("[spot.BTC]\namount = true\n", "spot.BTC.amount: must be a number (got true)", "Write it as 1"),
        ('[spot.BTC]\namount = "10"\n', 'spot.BTC.amount: must be a number (got "10")', "without quotes"),
        ("[spot.BTC]\namount = 1e16\n", "spot.BTC.amount: must be at most 1e15 (got 1e+16)", ""),
        ("[spot.BTC]\namount = inf\n", "spot.BTC.amount: must be", ""),
        (HELD + '[targets]\nBTC = "1"\n', 'targets.BTC: must be a number (got "1")', "without quotes"),
    ],
)  # fmt: skip
def test_portfolios(folder: Path, held: Path, text: str, place: str, fix: str) -> None:
    held.write_text(text, encoding="utf-8")
    for command in ("plan", "explain"):
        said = refused(command, "--data", folder, "--portfolio", held)
        assert f"held.toml: {place}" in said
        assert fix in said


def test_a_folder_that_knows_another_stablecoin_may_be_in_it(folder: Path, held: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in folder.glob("*_BTC_1d.parquet"):
        (data / file.name).write_bytes(file.read_bytes())
    (data / "stable_USDC_1d.parquet").write_bytes((folder / "stable_USDT_1d.parquet").read_bytes())
    held.write_text('[portfolio]\nquote = "USDC"\n' + HELD.replace("USDT", "USDC"), encoding="utf-8")
    assert json.loads(call("plan", "--data", data, "--portfolio", held, "--json", "-").stdout)["quote"] == "USDC"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("targets", "fix"),
    [("BTC=.5,ETH=.5", "Add [spot.ETH] amount = 0 to"), ("BTC=.5,USDC=.5", "Stablecoins are counted as USDT")],
)
def test_targets_that_are_not_held(folder: Path, held: Path, targets: str, fix: str) -> None:
    said = refused("plan", "--data", folder, "--portfolio", held, "--targets", targets)
    assert said.startswith("--targets: ")
    assert "is not in the portfolio" in said
    assert fix in said


# ------------------------------------------------------------------------------------------------------------- options


@pytest.mark.usefixtures("untouched")
def test_explain_of_a_portfolio_takes_nothing_of_a_backtest(folder: Path, held: Path) -> None:
    words = ("explain", "--data", folder, "--portfolio", held)
    said = refused(*words, "--assets", "ETH", "--start", "2021-03-01", "--capital", 5)
    assert said.startswith("--assets, --start, --capital: not used with --portfolio")
    assert "Leave out --start, or --portfolio" in refused(*words, "--start", "2021-03-01")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("value", ["0", "-5", "inf", "nan", "1e16"])
def test_capital(folder: Path, value: str) -> None:
    for command in ("backtest", "explain"):
        said = refused(command, "--data", folder, "--assets", "BTC", "--capital", value)
        assert said.startswith("--capital: ")
        assert "is no capital. Write an amount of quote above 0, at most 1e15" in said


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("option", ["--report", "--json"])
@pytest.mark.parametrize(
    ("name", "words"),
    [("", "is a folder"), ("held.toml/x", "is a file, not a folder"), ("/dev/null", "is no regular file"), ("/proc/x", "cannot be written")],
)  # fmt: skip
def test_outputs_are_tested_before_the_run(folder: Path, held: Path, option: str, name: str, words: str) -> None:
    said = refused("backtest", "--data", folder, "--assets", "BTC", option, held.parent / name)
    assert said.startswith(f"{option}: ")
    assert words in said
    assert "Name a" in said


@pytest.mark.usefixtures("untouched")
def test_a_page_and_a_record_are_two_files_and_no_input(folder: Path, held: Path) -> None:
    words = ("backtest", "--data", folder, "--assets", "BTC")
    assert "cannot go to standard output" in refused(*words, "--report", "-")
    out = held.parent / "out.html"
    twice = held.parent / "x" / ".." / "out.html"
    assert "is the file of --json too" in refused(*words, "--json", out, "--report", twice)
    for command in ("plan", "explain"):
        said = refused(command, "--data", folder, "--portfolio", held, "--json", held)
        assert "is the file of --portfolio too" in said
    assert held.read_text() == HELD
    assert [path.name for path in held.parent.iterdir()] == ["held.toml"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("command", [("backtest", "--data", "x", "--report"), ("statement", "x.jsonl", "--html")])
@pytest.mark.parametrize("name", ["page.pdf", "page", "page.html.gz"])
def test_a_page_is_named_as_one(held: Path, command: tuple[str, ...], name: str) -> None:
    said = refused(*command, held.parent / name)
    assert said.startswith(f"{command[-1]}: {name} does not end in .html or .htm. Name it page")
    assert said.endswith(".html.\n")


def test_every_record_is_tested_first(tmp_path: Path) -> None:
    assert "is a folder" in refused("policy", "list", "--json", tmp_path)


def test_outputs_are_written_before_anything_is_shown(
    folder: Path, held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hedgerow.faces import text_run

    def leave(comparison: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(text_run, "show_rest", leave)
    page, out = held.parent / "page.html", held.parent / "out.json"
    words = ["backtest", "--data", folder, "--assets", "BTC", "--start", "2021-09-01", "--report", page, "--json", out]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code != 0
    assert page.stat().st_size > 0
    assert json.loads(out.read_text())["assets"] == ["BTC"]


def test_the_head_is_shown_before_the_benchmarks_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hedgerow.research import compare

    def fail(*args: object, **more: object) -> None:
        raise ConfigError("stopped")

    monkeypatch.setattr(compare, "compare", fail)
    words = ["backtest", "--data", str(folder), "--assets", "BTC", "--start", "2021-09-01"]
    assert "net of all costs" in CliRunner().invoke(app, words).stdout
    assert CliRunner().invoke(app, [*words, "--json", "-"]).stdout == ""


def test_a_folder_is_made_for_an_output(held: Path) -> None:
    target = held.parent / "new" / "deep" / "out.json"
    assert call("policy", "list", "--json", target).exit_code == 0
    assert json.loads(target.read_text())["policies"]
