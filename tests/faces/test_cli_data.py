"""Data folders on the command line: judged, listed, made and filled, and left alone where they are somebody's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from hedgerow.faces.cli import app
from tests.store.folder import put, simple, times

MADE = ("--days", "30", "--assets", "BTC,ETH")


def run(*args: object, code: int = 0, said: bool = False) -> str:
    """The standard output of a command that ends with ``code``, or what it said on standard error."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stderr if said else result.stdout


def csv(path: Path, days: int = 5, **columns: list[object]) -> Path:
    """A foreign file of daily bars; ``columns`` replace or add, and an empty one takes away."""
    table: dict[str, list[object]] = {
        "Date": [f"2023-01-{i + 1:02d}" for i in range(days)],
        "Open": [100.0 + i for i in range(days)],
        "High": [102.0 + i for i in range(days)],
        "Low": [99.0 + i for i in range(days)],
        "Close": [101.0 + i for i in range(days)],
        "Volume": [5.0] * days,
    }
    pl.DataFrame({name: values for name, values in (table | columns).items() if values}).write_csv(path)
    return path


# --------------------------------------------------------------------------------------------------------------- check


def test_sound_folder(tmp_path: Path) -> None:
    out = run("data", "check", simple(tmp_path))
    assert out.splitlines()[-1] == "0 errors, 0 warnings, 0 notes in 9 files."


def broken(folder: Path) -> Path:
    simple(folder)
    nan = np.full(30, 100.0)
    nan[7] = np.nan
    put(folder, "spot", "SOL", "1d", times("2022-01-01", 30, "1d"), close=nan)
    table = pl.read_parquet(folder / "spot_BTC_1d.parquet")
    table.drop("low").write_parquet(folder / "spot_ADA_1d.parquet")
    flat = np.full(30, 100.0)
    flat[3] = -1.0
    put(folder, "spot", "XRP", "1d", times("2022-01-01", 30, "1d"), low=flat)
    days = times("2022-01-01", 30, "1d")
    put(folder, "spot", "DOGE", "1d", np.sort(np.append(days, days[5])))
    put(folder, "spot", "LINK", "1d", np.delete(days, [10, 11]))
    return folder


def test_findings_are_grouped_and_counted(tmp_path: Path) -> None:
    out = run("data", "check", broken(tmp_path), code=1)
    assert out.splitlines()[0].endswith(("NOTE", "NOTES", "WARNING", "WARNINGS", "ERROR", "ERRORS"))  # no empty line
    errors = out[out.index("ERRORS") :]
    for file, kind in (("SOL", "nan"), ("ADA", "schema"), ("XRP", "non_positive"), ("DOGE", "duplicate")):
        assert [f"spot_{file}_1d.parquet", kind] in [line.split()[:2] for line in errors.splitlines()], errors
    assert 'column "low" is missing' in errors
    warnings = out[out.index("WARNING") : out.index("ERRORS")]
    assert "2 bars missing from 2022-01-11 to 2022-01-13" in warnings
    assert out.index("WARNING") < out.index("ERRORS"), "the worst stands last"


def test_strict_makes_warnings_errors(tmp_path: Path) -> None:
    days = times("2022-01-01", 30, "1d")
    put(tmp_path, "spot", "LINK", "1d", np.delete(days, [10]))
    assert "0 errors, 1 warning," in run("data", "check", tmp_path)
    assert "1 error, 0 warnings," in run("data", "check", tmp_path, "--strict", code=1)


def test_findings_as_json(tmp_path: Path) -> None:
    target = tmp_path / "out" / "check.json"
    folder = broken(tmp_path / "data")
    out = run("data", "check", folder, "--json", target, code=1)
    assert out.splitlines()[-1] == str(target)
    record = json.loads(target.read_text())
    assert record["errors"] == sum(one["severity"] == "error" for one in record["findings"]) >= 4
    nan = next(one for one in record["findings"] if one["kind"] == "nan")
    assert (nan["file"], nan["first"], nan["count"]) == ("spot_SOL_1d.parquet", "2022-01-08", 1)
    assert json.loads(run("data", "check", folder, "--json", "-", code=1)) == record


@pytest.mark.parametrize("command", ["check", "summary"])
def test_folder_without_series(command: str, tmp_path: Path) -> None:
    assert "there is no such folder" in run("data", command, tmp_path / "none", code=2, said=True)
    (tmp_path / "prices.csv").write_text("a,b\n1,2\n")
    sentence = run("data", command, tmp_path, code=2, said=True)
    assert "holds no series (1 Parquet or CSV file with other names)" in sentence
    assert "hedgerow data import" in sentence


# ------------------------------------------------------------------------------------------------------------- summary


def test_summary(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    out = run("data", "summary", simple(tmp_path / "data"), "--json", target)
    funding = next(line for line in out.splitlines() if line.startswith("funding_BTC_8h"))
    assert funding.split() == [
        "funding_BTC_8h.parquet",
        "90",
        "2022-01-01",
        "2022-01-30",
        "16:00",
        "0",
        *["1", "bp", "2", "bp"],
    ]
    assert out.splitlines()[-2:] == ["9 files, 2,070 rows.", str(target)]
    assert len(json.loads(target.read_text())["series"]) == 9


def test_summary_of_values_that_cannot_be_is_short(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1d", times("2022-01-01", 5, "1d"), high=np.full(5, 1.21e300))
    put(tmp_path, "spot", "ETH", "1d", times("2022-01-01", 5, "1d"), close=[1.0, 2.0, np.nan, np.inf, 3.0])
    out = run("data", "summary", tmp_path)
    assert "1.21e+300" in out
    assert max(map(len, out.splitlines())) < 100


def test_summary_counts_what_it_cannot_read(tmp_path: Path) -> None:
    assert "1 not shown: hedgerow data check says why" in run("data", "summary", broken(tmp_path))


# ------------------------------------------------------------------------------------------------------------ simulate


def test_simulated_market_is_labelled_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    out = run("data", "simulate", folder, *MADE)
    assert out.startswith("SIMULATED market")
    assert out.splitlines()[-1] == str(folder)
    assert (folder / "SIMULATED.json").is_file()
    assert run("data", "check", folder).startswith("SIMULATED market")
    assert run("data", "summary", folder).startswith("SIMULATED market")
    assert json.loads(run("data", "check", folder, "--json", "-"))["simulated"] is True


def test_same_seed_same_market(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("data", "simulate", tmp_path / name, *MADE, "--seed", seed)
    a, b, c = ((tmp_path / name / "spot_BTC_1d.parquet").read_bytes() for name in "abc")
    assert a == b != c


def test_simulation_replaces_its_own_files_only(tmp_path: Path) -> None:
    run("data", "simulate", tmp_path, *MADE)
    run("data", "simulate", tmp_path, "--days", "20", "--assets", "BTC")
    assert not (tmp_path / "spot_ETH_1d.parquet").exists()
    (tmp_path / "notes.txt").write_text("mine")
    sentence = run("data", "simulate", tmp_path, *MADE, code=2, said=True)
    assert "no simulation made: notes.txt" in sentence


@pytest.mark.parametrize("name", ["spot_BTC_1d.parquet", "spot_BTC_1d.csv", "letter.txt"])
def test_simulation_leaves_a_foreign_folder_alone(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text("precious")
    assert name in run("data", "simulate", tmp_path, *MADE, code=2, said=True)
    assert file.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert "not a folder" in run("data", "simulate", file, *MADE, code=2, said=True)


@pytest.mark.parametrize("label", ["", "[]", "{}", '{"files": 3}'])
def test_label_that_cannot_be_read(label: str, tmp_path: Path) -> None:
    (tmp_path / "SIMULATED.json").write_text(label)
    assert "the label cannot be read" in run("data", "simulate", tmp_path, *MADE, code=2, said=True)


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--scenario", "boom", "squeeze"),
        ("--start", "2020-13-01", "2022-01-31"),
        ("--start", "20200101", "2022-01-31"),
        ("--start", "0001-01-01", "1980"),
        ("--assets", "BTC,B T C", "assets"),
        ("--assets", "BTC,BTC", "BTC stands twice"),
        ("--assets", ",", "nothing is named"),
        ("--days", "1", "--days"),
        ("--days", "1000000000", "--days"),
        ("--seed", "-1", "--seed"),
        ("--step-hours", "5", "step_hours"),
    ],
)
def test_what_cannot_be_simulated(option: str, value: str, word: str, tmp_path: Path) -> None:
    folder = tmp_path / "market"
    assert word in run("data", "simulate", folder, option, value, code=2, said=True)
    assert not folder.exists()


def test_scenarios_are_listed() -> None:
    out = run("data", "simulate", "--list")
    assert [line.split()[0] for line in out.splitlines()[1:]] == [
        "cycle", "bull", "squeeze", "crash", "slow_bleed", "depeg", "funding_spike",
    ]  # fmt: skip
    assert set(json.loads(run("data", "simulate", "--list", "--json", "-"))["scenarios"]) >= {"bull", "depeg"}
    assert "no folder is named" in run("data", "simulate", code=2, said=True)


# -------------------------------------------------------------------------------------------------------------- import


def take(source: Path, into: Path, *more: object, code: int = 0, said: bool = False) -> str:
    common = ("--into", into, "--kind", "spot", "--asset", "BTC", "--freq", "1d")
    return run("data", "import", source, *common, *more, code=code, said=said)


def test_import_writes_a_series_and_says_how_it_read_it(tmp_path: Path) -> None:
    into = tmp_path / "data"
    out = take(csv(tmp_path / "btc.csv"), into)
    assert out.splitlines()[0] == "5 rows, 2023-01-01 to 2023-01-05 (UTC)."
    assert "timestamp from Date" in out
    assert out.splitlines()[-1] == str(into / "spot_BTC_1d.parquet")
    assert "0 errors, 0 warnings" in run("data", "check", into)


def test_import_takes_names_of_columns(tmp_path: Path) -> None:
    source = csv(tmp_path / "btc.csv", Close=[], Ending=[101.0, 102.0, 103.0, 104.0, 105.0])
    sentence = take(source, tmp_path / "data", code=2, said=True)
    assert "no column looks like close" in sentence
    target = tmp_path / "out.json"
    take(source, tmp_path / "data", "--columns", "time=Date,close=Ending", "--json", target)
    assert json.loads(target.read_text())["columns"]["close"] == "Ending"


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ("close", "is no pair"),
        ("close=Ending", 'no column "Ending"'),
        ("ending=Close", 'no column "ending"'),
        ("close=Close,close=Open", "close stands twice"),
    ],
)
def test_columns_that_cannot_be(columns: str, word: str, tmp_path: Path) -> None:
    assert word in take(csv(tmp_path / "btc.csv"), tmp_path / "data", "--columns", columns, code=2, said=True)
    assert not (tmp_path / "data" / "spot_BTC_1d.parquet").exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Close": [101.0, None, 103.0, 104.0, 105.0]}, "2023-01-02"),
        ({"Close": ["a lot"] * 5}, "a lot"),
        ({"Low": [-1.0, 100.0, 101.0, 102.0, 103.0]}, "2023-01-01"),
        ({"Date": ["2023-01-01"] * 5}, "2023-01-01"),
        ({"Date": ["soon"] * 5}, "soon"),
        ({"Date": []}, "timestamp"),
    ],
)
def test_bad_rows_are_refused_and_nothing_is_written(
    change: dict[str, list[object]], word: str, tmp_path: Path
) -> None:
    sentence = take(csv(tmp_path / "btc.csv", **change), tmp_path / "data", code=2, said=True)
    assert word in sentence
    assert not list((tmp_path / "data").glob("*")) if (tmp_path / "data").exists() else True


def test_import_replaces_only_when_told(tmp_path: Path) -> None:
    source, into = csv(tmp_path / "btc.csv"), tmp_path / "data"
    take(source, into)
    assert "--replace" in take(source, into, code=2, said=True)
    take(csv(tmp_path / "btc.csv", days=9), into, "--replace")
    assert pl.read_parquet(into / "spot_BTC_1d.parquet").height == 9
    (into / "spot_BTC_1d.parquet").rename(into / "kept")
    (into / "spot_BTC_1d.csv").write_text("precious")
    assert "Remove it first" in take(source, into, "--replace", code=2, said=True)


def test_import_knows_an_asset_by_its_capitals(tmp_path: Path) -> None:
    source, into = csv(tmp_path / "btc.csv"), tmp_path / "data"
    out = take(source, into, "--asset", "btc")
    assert out.splitlines()[-1] == str(into / "spot_BTC_1d.parquet")
    assert "--replace" in take(source, into, "--asset", "btc", code=2, said=True)


def test_recorded_data_is_kept_apart_from_made_data(tmp_path: Path) -> None:
    run("data", "simulate", tmp_path / "market", *MADE)
    assert "simulated market" in take(csv(tmp_path / "b.csv"), tmp_path / "market", "--replace", code=2, said=True)


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--kind", "spott", "spot"),
        ("--asset", "B/TC", "asset"),
        ("--freq", "daily", "--freq: "),
        ("--freq", "3h", "1h, 2h, 4h, 8h, 1d"),
        ("--freq", "4h", "most rows stand 1d apart, not 4h"),
        ("--contract", "20230630", "contract"),
    ],
)
def test_names_that_cannot_be(option: str, value: str, word: str, tmp_path: Path) -> None:
    source = csv(tmp_path / "btc.csv")
    assert word in take(source, tmp_path / "data", option, value, code=2, said=True)
    assert not (tmp_path / "data").exists()


def test_source_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in take(tmp_path / "none.csv", tmp_path / "data", code=2, said=True)
    take(csv(tmp_path / "btc.csv"), tmp_path / "data")
    assert "there is no such file" in take(tmp_path / "none.csv", tmp_path / "data", code=2, said=True)
    (tmp_path / "empty").mkdir()
    assert "no CSV or Parquet file" in take(tmp_path / "empty", tmp_path / "data", code=2, said=True)


def test_funding_may_come_in_several_files(tmp_path: Path) -> None:
    for month in (1, 2):
        stamps = [1_672_531_200_000 + (month - 1) * 31 * 86_400_000 + i * 28_800_000 for i in range(93)]
        pl.DataFrame({"calc_time": stamps, "last_funding_rate": [1e-4] * 93}).write_csv(tmp_path / f"{month}.csv")
    given = ("--kind", "funding", "--asset", "BTC", "--freq", "8h", "--into", tmp_path / "data")
    out = run("data", "import", tmp_path / "1.csv", tmp_path / "2.csv", *given)
    assert out.startswith("186 rows, 2023-01-01 to 2023-03-03 16:00 (UTC).")


@pytest.mark.data
def test_shared_data_has_no_errors(data_folder: Path) -> None:
    assert "0 errors, " in run("data", "check", data_folder)
