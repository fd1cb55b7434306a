"""hedgerow sweep: its JSON, text and page, what it refuses, and that a killed one goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow.faces import palette
from hedgerow.faces.cli import app
from hedgerow.research.simulate import simulate, write
from tests.conftest import HOME

VARY = ("--vary", "trim.drift.threshold=4pp:12pp:4pp", "--vary", "hedge.vol.median_floor=true,false")
PERIOD = ("--start", "2022-01-01", "--end", "2022-03-31")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market")
    write(simulate(seed=3, assets=("BTC", "ETH"), start=date(2021, 1, 1), days=460), made)
    return made


def own(folder: Path) -> Path:
    """A home without trials that shares the compiled kernel."""
    folder.mkdir(parents=True, exist_ok=True)
    (HOME / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(HOME / "cache")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = own(tmp_path / "home")
    monkeypatch.setenv("HEDGEROW_HOME", str(made))
    return made


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def record(folder: Path, *more: object) -> dict[str, Any]:
    done = call("sweep", "--data", folder, *PERIOD, *more, "--json", "-")
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def refused(folder: Path, *more: object) -> str:
    done = call("sweep", "--data", folder, *PERIOD, *more)
    assert done.exit_code == 2
    assert not done.stdout
    return str(done.stderr)


def same(found: dict[str, Any]) -> dict[str, Any]:
    """A record without what may differ between two of the same sweep."""
    return {key: value for key, value in found.items() if key not in ("timing", "log")}


def test_the_record_has_every_trial_and_the_policy_as_it_is(folder: Path, home: Path, tmp_path: Path) -> None:
    found = record(folder, *VARY, "--objective", "calmar")
    assert (found["combinations"], found["tried"]["trials"], found["tried"]["failed"]) == (6, 6, 0)
    assert found["objective"] == {"name": "calmar", "better": "higher"}
    assert found["vary"]["trim.drift.threshold"] == ["4 pp", "8 pp", "12 pp"]
    assert [trial["number"] for trial in found["trials"]] == list(range(6))
    calmar = [trial["metrics"]["calmar"] for trial in found["trials"]]
    assert calmar[found["best"][0]] == max(calmar)
    assert found["simulated"] is True
    assert Path(found["log"]).parent == home / "trials"
    single = call("backtest", "--data", folder, *PERIOD, "--json", "-")
    told = json.loads(single.stdout)
    assert found["base"]["metrics"]["value"] == told["value"]["end"]
    for name, value in found["base"]["metrics"].items():
        assert name not in told["metrics"] or told["metrics"][name] == value
    assert found["base"]["cells"] == {"trim.drift.threshold": "10 pp", "hedge.vol.median_floor": "true"}


def test_a_trial_is_the_backtest_of_the_file_that_one_would_write(folder: Path, home: Path, tmp_path: Path) -> None:
    found = record(folder, "--vary", "trim.drift.threshold=4pp", "--vary", "hedge.vol.target=40%/yr")
    file = tmp_path / "mine.toml"
    file.write_text('extends = "balanced"\n[trim.drift]\nthreshold = "4 pp"\n[hedge.vol]\ntarget = "40 %/yr"\n')
    told = json.loads(call("backtest", "--policy", file, "--data", folder, *PERIOD, "--json", "-").stdout)
    (trial,) = found["trials"]
    assert trial["metrics"]["value"] == told["value"]["end"]
    shared = set(trial["metrics"]) & set(told["metrics"])
    assert len(shared) > 18
    assert {name: trial["metrics"][name] for name in shared} == {name: told["metrics"][name] for name in shared}
    legs = [leg for entry in told["decisions"] for leg in entry["legs"]]
    assert trial["metrics"]["legs"] == len(legs)


def test_the_terminal_shows_the_best_the_base_and_the_doubt(folder: Path, home: Path, tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "out.json"
    done = call("sweep", "--data", folder, *PERIOD, *VARY, "--report", page, "--json", out)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-2:] == [str(out), str(page)]
    for words in (
        "SIMULATED MARKET",
        "as it is",
        "Plateau",
        "flatters itself",
        "6 settings were tried",
        "Log of trials",
    ):
        assert words in done.stdout
    assert not done.stderr.strip()


def test_trials_are_counted_over_all_sweeps(folder: Path, home: Path) -> None:
    record(folder, *VARY)
    found = record(folder, "--vary", "trim.drift.threshold=5pp,6pp")
    assert found["tried"] == {"trials": 2, "failed": 0, "policy": 8, "keys": {"trim.drift.threshold": 8}}
    assert any("8 trials of this policy" in sentence for sentence in found["caveats"])
    again = record(folder, "--vary", "trim.drift.threshold=5pp,6pp")
    assert again["timing"]["read"] == 2
    assert same(again) == same(found)  # reading a log is not a trial


def test_the_page_holds_its_charts_and_only_colours_of_the_palette(folder: Path, home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call("sweep", "--data", folder, *PERIOD, *VARY, "--report", page)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert "SIMULATED" in text
    payload = json.loads(text.split('id="payload">')[1].split("</script>")[0])
    assert set(payload["charts"]) == {"equity", "parallel", "profile0", "profile1", "map0"}
    for name in payload["charts"]:
        assert f'data-chart="{name}"' in text
    used: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            used.update([value["@"]] if "@" in value else [])
            assert "$" not in value or value["$"] in payload["series"]
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(payload["charts"])
    assert used <= set(palette.LIGHT)
    for chart in payload["charts"].values():  # what the page's script reads of every chart
        assert "xaxis" in chart["layout"]
        assert all("font" in note for note in chart["layout"]["annotations"])


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 17, 18, 20, 26, 100, 9_999])
@pytest.mark.parametrize("most", [9, 14])
def test_few_values_are_named_the_ends_among_them(count: int, most: int) -> None:
    from hedgerow.faces.sweep_charts import few

    found = few(count, most)
    assert (found[0], found[-1]) == (0, count - 1)
    assert found == sorted(set(found))
    assert len(found) <= most
    gaps = [b - a for a, b in pairwise(found)]
    assert not gaps or max(gaps) <= 2 * min(gaps)


def test_a_page_of_one_key_has_no_map(folder: Path, home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    vary = ("--vary", "trim.drift.to=target,halfway", "--objective", "value")
    assert call("sweep", "--data", folder, *PERIOD, *vary, "--report", page).exit_code == 0
    assert 'data-chart="map0"' not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--vary", "trim.drif.threshold=4pp"), "Did you mean trim.drift.threshold"),
        (("--vary", "trim.drift.threshold=4pp:8"), "must be given in pp"),
        (("--vary", "hedge.cap=90%:130%:10%"), "must be at most 100 %"),
        (("--vary", "hedge.cap=0%:100%:0.1%", "--vary", "dwell=1d:20d:1d"), "combinations are more than 10,000"),
        (("--vary", "hedge.cap=50%", "--objective", "profit"), "--objective"),
        (("--vary", "hedge.cap=50%", "--search", "luck"), "--search"),
        (("--vary", "hedge.cap=50%", "--tolerance", "much"), "--tolerance"),
        (("--vary", "hedge.cap=50%", "--workers", "-1"), "--workers"),
        (("--vary", "hedge.cap=50%", "--policy", "b4_matched"), "no hedge of its own"),
    ],
)
def test_what_is_refused_names_the_option(folder: Path, home: Path, more: tuple[str, ...], words: str) -> None:
    assert words in refused(folder, *more)
    assert not (home / "trials").exists()


def test_a_sweep_that_was_killed_goes_on_where_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vary = ("--vary", "trim.drift.threshold=2pp:21pp:1pp", "--vary", "hedge.cap=10%:100%:10%", "--workers", "1")
    homes = own(tmp_path / "whole"), own(tmp_path / "killed")
    monkeypatch.setenv("HEDGEROW_HOME", str(homes[0]))
    whole = record(folder, *vary)
    assert whole["timing"]["read"] == 0
    words = [
        sys.executable,
        "-m",
        "hedgerow",
        "sweep",
        "--data",
        folder,
        *PERIOD,
        *vary,
        "--json",
        tmp_path / "out.json",
    ]
    environment = os.environ | {"HEDGEROW_HOME": str(homes[1])}
    with subprocess.Popen([str(word) for word in words], env=environment, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 240.0
        while process.poll() is None and time.monotonic() < end:
            logs = list((homes[1] / "trials").glob("*.jsonl"))
            if logs and logs[0].read_bytes().count(b"\n") > 5:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        assert process.wait() == -signal.SIGKILL
    (log,) = (homes[1] / "trials").glob("*.jsonl")
    with log.open("ab") as file:
        file.write(b'{"number":99,"cel')  # what a kill may leave of a line
    before = log.read_bytes().count(b"\n") - 1
    assert 5 <= before < 200
    monkeypatch.setenv("HEDGEROW_HOME", str(homes[1]))
    resumed = record(folder, *vary)
    assert resumed["timing"]["read"] == before
    assert same(resumed) == same(whole)
    assert log.read_bytes().count(b"\n") == 201
