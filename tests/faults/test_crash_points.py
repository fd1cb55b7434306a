"""Whatever call of the system a process dies at, or fails at: what left was durable, nothing leaves twice, it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults import calls, judge, points
from tests.faults.nursery import PAPER

pytestmark = pytest.mark.usefixtures("strace")
SAMPLE = 100


@pytest.fixture(scope="module")
def surveyed(strace: None) -> tuple[list[calls.Call], list[calls.Call]]:
    return points.survey()


def test_faults_at_calls_spread_over_the_scenario(surveyed: tuple[list[calls.Call], list[calls.Call]]) -> None:
    found, recovery = surveyed
    names = {call.name for call in found}
    assert {"openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "link", "unlink", "mkdir"} <= names
    chosen = points.points(found, recovery)
    assert len(chosen) > 3_500
    figures = points.campaign(points.spread(chosen, SAMPLE))
    assert not figures.violations, "\n".join(figures.violations)


def test_an_order_that_leaves_before_it_is_durable_is_found() -> None:
    """The tester is tested: the scenario that sends before it commits dies between the two."""
    found, recovery = points.survey("--early")
    writes = [call for call in found if call.name == "pwrite64"]
    chosen = points.spread(points.points(writes, recovery, ["KILL"]), 16)
    figures = points.campaign(chosen, "--early")
    assert any("times" in line or "does not hold it" in line for line in figures.violations), figures


ENGINE = [("--autonomy", "auto"), ("--autonomy", "approve", "--terms", "book")]


@pytest.mark.parametrize("words", ENGINE, ids=" ".join)
def test_the_engine_itself_dies_and_goes_on(words: tuple[str, ...]) -> None:
    """On paper: no order twice, none unapproved, every command answered once, the same decisions, the same holdings at the end."""
    chosen = points.points(*points.survey(*words, program=PAPER))
    assert len(chosen) > 3_500
    figures = points.campaign(points.spread(chosen, 24), *words, program=PAPER)
    assert not figures.violations, "\n".join(figures.violations)


def test_an_engine_that_sends_before_it_commits_is_found() -> None:
    """The tester is tested: killed in a commit, it has sent orders that no row holds, and sends the like again."""
    found, recovery = points.survey("--early", program=PAPER)
    writes = [call for call in found if call.name == "pwrite64"]
    chosen = points.spread(points.points(writes, recovery, ["KILL"]), 12)
    figures = points.campaign(chosen, "--early", program=PAPER)
    assert any("does not hold it" in line for line in figures.violations), figures


def test_the_command_line_alone(tmp_path: Path) -> None:
    """Without the nursery: a process as a user starts it, held by strace from its first call."""
    folder = tmp_path / "desk"
    folder.mkdir()
    program = [sys.executable, "-m", "tests.faults.scenario", str(folder)]
    inject = "inject=fdatasync:signal=SIGKILL:when=40"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}

    def run(*before: str) -> subprocess.CompletedProcess[str]:
        words = [*before, *program]
        return subprocess.run(
            words, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=100, check=False
        )

    killed = run("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject)
    assert killed.returncode == points.KILLED, killed
    before = judge.acknowledged(folder)
    assert before
    again = run()
    assert again.returncode == 0, again.stderr
    events = int(again.stdout.split()[0])
    assert before[-1][0] <= events < 200
    assert not judge.judge(folder)


@pytest.mark.campaign
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("words", ENGINE, ids=" ".join)
def test_the_engine_at_every_call(words: tuple[str, ...], record_property: Callable[[str, object], None]) -> None:
    figures = points.campaign(points.points(*points.survey(*words, program=PAPER)), *words, program=PAPER)
    record_property("figures", f"{' '.join(words)}: {figures}")
    assert not figures.violations, "\n".join(figures.violations)


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("mode", points.MODES)
def test_every_call(
    mode: str, surveyed: tuple[list[calls.Call], list[calls.Call]], record_property: Callable[[str, object], None]
) -> None:
    figures = points.campaign(points.points(*surveyed, [mode]))
    record_property("figures", f"{mode}: {figures}")
    assert not figures.violations, "\n".join(figures.violations)
