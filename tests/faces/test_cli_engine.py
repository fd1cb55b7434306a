"""The running engine from the command line: a run that is stopped and taken up, approvals from another process, halt, replay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow.faces.cli import app

RUN = ["run", "--policy", "b3_constant", "--assets", "BTC,ETH", "--start", "2022-07-01"]
MANDATE = '[mandate]\nautonomy = "approve"\nexpires_hours = 100\nband = "0.5"\n'


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def said(*words: str) -> str:
    done = call(*words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def started(made_market: Path, home: Path, tmp_path: Path) -> Any:
    """A run in a process of its own, paced, that asks for approval; stopped at the end."""
    path = tmp_path / "mandate.toml"
    path.write_text(MANDATE)
    command = [
        sys.executable,
        "-m",
        "hedgerow",
        *RUN,
        "--data",
        str(made_market),
        "--mandate",
        str(path),
        "--speed",
        "40000x",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except AssertionError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def open_plan() -> str:
    record = json.loads(said("status", "--json", "-"))
    return str(record["plan"]["id"]) if record["plan"] and record["plan_is"] == "open" else ""


def test_a_run_is_taken_up_where_its_journal_ends_and_replays_the_same(made_market: Path, home: Path) -> None:
    whole = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    assert "carried out unasked" in whole
    assert "Sold" in whole
    again = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    assert "of the journal taken up" in again
    assert "every decision was made again, the same" in said("journal", "replay")
    assert "all fit to their seals" in said("journal", "verify")
    shown = said("status")
    assert "NO engine runs it" in shown
    assert "BTC" in shown


def test_another_policy_is_refused_for_a_portfolio_that_has_one(made_market: Path, home: Path) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-05")
    other = call(*RUN[:2], "b0_hold", *RUN[3:], "--data", str(made_market), "--auto", "--end", "2022-07-05")
    assert other.exit_code == 2
    assert "--policy: this portfolio was begun with another one (b3_constant)" in other.output


def test_a_plan_is_approved_paused_rejected_and_halted_from_another_process(started: Any) -> None:
    first = wait_for(open_plan)
    assert first in said("plans")
    assert call("approve", "p999-000000000000").exit_code == 1
    assert f"{first} is approved" in said("approve", first, "--as", "ann")
    assert "paused" in said("pause")
    assert "running" in said("resume")
    second = wait_for(lambda: (name := open_plan()) != first and name)
    assert f"{second} is rejected" in said("reject", second, "--text", "not now")
    record = json.loads(said("plans", "--all", "--json", "-"))
    words = {plan["id"]: [one["word"] for one in plan["said"]] for plan in record["plans"]}
    assert "begun" in words[first]
    assert words[second] == ["rejected"]
    assert "halted" in said("halt")
    assert json.loads(said("status", "--json", "-"))["running"]
    started.send_signal(signal.SIGTERM)
    output, errors = started.communicate(timeout=30)
    assert started.returncode == 0, errors
    assert "halt: the engine is halted" in output
    assert "Stopped at row" in output


def test_nobody_answers_where_no_engine_runs(made_market: Path, home: Path) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-03")
    done = call("pause", "--wait", "0.3")
    assert done.exit_code == 1
    assert "waits in the inbox" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--world", "live"], "This version trades on paper only"),
        (["--speed", "fast"], "Write 1000x"),
        (["--mandate", "nowhere.toml"], "Write a table [mandate]"),
    ],
)
def test_what_cannot_be_run_says_why(made_market: Path, home: Path, words: list[str], told: str) -> None:
    done = call(*RUN, "--data", str(made_market), *words)
    assert done.exit_code == 2
    assert told in done.output


def test_a_mandate_names_its_wrong_cell(made_market: Path, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mandate.toml"
    path.write_text("[mandate]\nautonomi = 'auto'\n")
    done = call(*RUN, "--data", str(made_market), "--mandate", str(path))
    assert done.exit_code == 2
    assert "mandate.autonomi" in done.output
