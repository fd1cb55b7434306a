"""The doctor: everything that it can find wrong is provoked once, and named with what mends it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow import wire
from hedgerow.faces import checkup
from hedgerow.faces.cli import app
from hedgerow.model.entry import Draft
from hedgerow.store import inbox, lease


def examined(*words: str) -> dict[str, list[dict[str, str]]]:
    """Findings by check; the exit code says whether one failed."""
    done = CliRunner().invoke(app, ["doctor", "--json", "-", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    record = json.loads(done.stdout)
    assert done.exit_code == (1 if record["failed"] else 0)
    found: dict[str, list[dict[str, str]]] = {}
    for one in record["findings"]:
        assert set(one) == {"check", "verdict", "text", "fix"}
        assert one["fix"] or one["verdict"] == "ok" or "install the newer" in one["text"], one
        found.setdefault(one["check"], []).append(one)
    return found


def only(found: dict[str, list[dict[str, str]]], check: str) -> tuple[str, str]:
    (one,) = found[check]
    return one["verdict"], one["text"]


@pytest.fixture
def begun(home: Path) -> Path:
    """A portfolio with three rows, whose engine gave its lease back."""
    journal = wire.journal(write=True)
    journal.append([Draft(n, "", "timer", "in", "{}") for n in range(3)])
    journal.close()
    return home


@pytest.fixture
def held(begun: Path) -> Iterator[Any]:
    """The same, while an engine holds it."""
    journal = wire.journal(write=True)
    try:
        yield journal
    finally:
        journal.close()


def test_an_empty_home_is_well(home: Path) -> None:
    found = examined()
    assert {one["verdict"] for rows in found.values() for one in rows} == {"ok"}
    assert "none yet" in only(found, "journal")[1]
    assert list(home.iterdir()) == [], "nothing is made"


def test_a_portfolio_that_rests_is_well(begun: Path) -> None:
    found = examined("--full")
    assert only(found, "journal") == ("ok", "all 3 rows fit to their seals and to what was noted")
    assert only(found, "engine") == ("ok", "no engine runs it")
    assert only(examined(), "journal")[1].startswith("3 rows, as was noted")
    shown = CliRunner().invoke(app, ["doctor"]).stdout
    assert shown.endswith(" ok, 0 warnings, 0 failed.\n")


def test_an_engine_that_runs_is_named(held: Any) -> None:
    verdict, words = only(examined(), "engine")
    assert verdict == "ok"
    assert f"(process {os.getpid()})" in words


def test_an_engine_that_died_or_is_silent_is_told_apart(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "is_dead", lambda found: True)
    assert "ended without giving its lease back" in only(examined(), "engine")[1]
    monkeypatch.setattr(lease, "is_dead", lambda found: False)
    later = time.time_ns() + 100 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    verdict, words = only(examined(), "engine")
    assert (verdict, "gave no sign of life for 100 s" in words) == ("warning", True)


def test_a_clock_that_went_back_is_found(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: before)
    verdict, words = only(examined(), "clock")
    assert verdict == "failed"
    assert "3,600 s behind" in words


def test_a_tail_that_was_cut_is_found_at_once(begun: Path) -> None:
    import sqlite3

    with sqlite3.connect(begun / "journal" / "journal.db") as database:
        database.execute("DELETE FROM journal WHERE seq = 3")
    database.close()
    verdict, words = only(examined(), "journal")
    assert (verdict, "row 3 was the last" in words) == ("failed", True)


def test_a_row_that_was_changed_is_found_by_full(begun: Path) -> None:
    import sqlite3

    with sqlite3.connect(begun / "journal" / "journal.db") as database:
        database.execute("UPDATE journal SET body = '{} ' WHERE seq = 2")
    database.close()
    assert only(examined(), "journal")[0] == "ok"
    assert examined("--full")["journal"][0]["verdict"] == "failed"


def test_a_database_of_a_newer_version_is_found(begun: Path) -> None:
    import sqlite3

    with sqlite3.connect(begun / "journal" / "journal.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    verdict, words = only(examined(), "journal")
    assert (verdict, "newer version" in words) == ("failed", True)


def test_a_line_that_is_no_anchor_is_found(begun: Path) -> None:
    path = begun / "journal" / "anchors"
    path.write_text("nothing\n" + path.read_text())
    assert only(examined(), "anchors")[0] == "failed"


def test_rights_that_are_too_wide_are_found(begun: Path) -> None:
    begun.chmod(0o777)
    key = begun / "secrets" / "journal.key"
    key.chmod(0o644)
    found = examined()
    assert only(found, "home")[0] == "warning"
    assert found["home"][0]["fix"] == f"Run: chmod go-w {begun}"
    assert only(found, "key")[0] == "failed"
    assert found["key"][0]["fix"] == f"Run: chmod 600 {key}"
    begun.chmod(0o700)


def test_a_disk_that_is_nearly_full_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1e9

    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda place: Usage)
    assert only(examined(), "disk") == ("warning", "1.0 GB free")
    Usage.free = 1e8
    assert only(examined(), "disk")[0] == "failed"


def test_a_home_that_cannot_be_written_to_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**more: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    assert only(examined(), "home") == ("failed", f"{home} cannot be written to: Read-only file system")


def test_packages_are_held_against_what_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    asked = ["numpy>=99", "there-is-none>=1", "rich>=1", 'optuna>=5; extra == "search"']
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    verdict, words = only(examined(), "packages")
    assert verdict == "failed"
    assert "numpy" in words
    assert "is not >=99" in words
    assert "there-is-none is missing" in words
    assert "rich" not in words


@pytest.mark.parametrize(
    ("version", "limits", "fits"),
    [
        ("2.4.6", ["<2.6", ">=2.3"], True), ("2.6", ["<2.6"], False), ("2.6.1", ["<2.6"], False), ("2.1.9", [">=2.1"], True),
        ("2.1.0b3", [">=2.1", "<2.2"], True), ("7.1.0", ["<8", ">=7.1"], True), ("8.0", ["<8"], False), ("1.2", [], True),
    ],
)  # fmt: skip
def test_versions_are_compared_by_their_numbers(version: str, limits: list[str], fits: bool) -> None:
    assert checkup._fits(version, limits) is fits


def test_what_lies_in_the_inbox_is_told(begun: Path) -> None:
    folder = wire.inbox()
    inbox.put(folder, {"verb": "pause", "who": "ann"}, time.time_ns() - 3 * 3_600 * 10**9)
    (folder / "what").write_text("?")
    list(inbox.waiting(folder))
    inbox.halt(folder)
    (begun / "HALT").touch()
    found = examined()
    assert [one["verdict"] for one in found["halt"]] == ["warning", "warning"]
    assert {one["text"] for one in found["inbox"]} == {
        "1 command waiting, the oldest from 3 hours ago",
        f"1 file in {folder / 'refused'} that were no commands",
    }


def test_a_kernel_that_is_interpreted_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_JIT", "0")
    assert only(examined(), "kernel") == ("ok", "interpreted, as HEDGEROW_JIT=0 asks")
    monkeypatch.delenv("HEDGEROW_JIT")
    assert "not compiled" in only(examined(), "kernel")[1]
    monkeypatch.setattr(checkup.jit, "is_warm", lambda place, entrance: entrance == "turn.turn")
    assert only(examined(), "kernel")[1] == "compiled, and in the cache"


def test_a_data_folder_is_judged(home: Path, made_market: Path, tmp_path: Path) -> None:
    assert only(examined("--data", str(made_market)), "data")[0] in ("ok", "warning")
    assert only(examined("--data", str(tmp_path / "none")), "data")[0] == "failed"
    (tmp_path / "spot_BTC_1d.csv").write_text("timestamp,close\n2022-01-01,-1\n")
    assert only(examined("--data", str(tmp_path)), "data")[0] == "failed"


def test_what_an_engine_left_unwatched_is_told(begun: Path) -> None:
    from hedgerow.faces.helm import status_path

    left = {
        "written_ns": 1, "shorts": {"BTC/USDT:USDT": {"away": 0.2}}, "orders": [{}], "plan": None, "plan_is": "",
    }  # fmt: skip
    status_path("main").write_text(json.dumps(left))
    (one,) = examined()["engine"]
    assert one["verdict"] == "warning"
    assert "1 short unwatched, the nearest (BTC/USDT:USDT) 20 % from liquidation then" in one["text"]
    assert one["fix"] == "Start it: hedgerow run."
