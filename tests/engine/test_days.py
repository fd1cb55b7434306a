"""Months of paper trading on recorded hours hold no more memory at their end than when everything had happened once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="the system does not say what memory is held"),
]
WARM = 24  # days, after which every kind of event has come
RESIDENT = 4.0  # MB that the system may have given since then: what is freed does not always go back
OBJECTS = 1.0  # MB of objects that may have been made since then and stay: ids of facts of the last days, and the like


def played(data: Path, folder: Path, days: int, policy: str, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.engine.days", str(data), str(folder), str(days), policy, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["findings"] == []
    assert found["days"] == pytest.approx(days, abs=0.1)
    return found


def growth(found: dict[str, Any], which: int) -> float:
    """The most that was held after the first days beyond what was held then, MB: (1) of the system's, (2) of objects."""
    then = next(look for look in found["looks"] if look[0] >= WARM)
    return float(max(look[which] for look in found["looks"] if look[0] > WARM) - then[which])


@pytest.mark.parametrize("policy", ["balanced", pytest.param("b3_constant", marks=pytest.mark.slow)])
def test_seventy_two_days_take_seconds_and_no_memory(
    policy: str, data_folder: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = played(data_folder, tmp_path, 72, policy)
    (tmp_path / "traced").mkdir()
    objects = growth(played(data_folder, tmp_path / "traced", 72, policy, "trace"), 2)
    line = f"72 days of {policy} on paper: {found['seconds']:.1f} s, {found['rows']:,} rows, since day {WARM}"
    record_property("figures", f"{line} {growth(found, 1):+.2f} MB in all, {objects:+.2f} MB of objects")
    assert growth(found, 1) < RESIDENT, found["looks"]
    assert objects < OBJECTS


@pytest.mark.slow
def test_three_years_take_no_more_memory_than_a_month(
    data_folder: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = played(data_folder, tmp_path, 1_090, "balanced")
    line = f"1,090 days on paper: {found['seconds']:.1f} s, {found['rows']:,} rows, {growth(found, 1):+.2f} MB since day {WARM}"
    record_property("figures", line)
    assert growth(found, 1) < RESIDENT, found["looks"]


def test_what_is_kept_shows(data_folder: Path, tmp_path: Path) -> None:
    """The tester is tested: a run that holds on to every record is not flat."""
    assert growth(played(data_folder, tmp_path, 72, "balanced", "trace", "keep"), 2) > OBJECTS
