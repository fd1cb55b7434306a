"""The benchmarks' own pieces at tiny sizes: what they compare agrees, a difference is refused, every bar has a figure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks import bar_by_bar, draw, full, growth, memory, process, recovery, reference, rivals, show, sweeps
from benchmarks.bars import BARS, Bar
from benchmarks.measure import Table, exponents, farthest
from tests.conftest import ROOT

gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc to compile C with")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference.SIZES, "T", (4, 600, 24))
    monkeypatch.setattr(sweeps, "PROBE", 9)


def keys(table: Table) -> set[str]:
    return {row.key for row in table.rows}


@gcc
@pytest.mark.parametrize("hedged", [True, False])
def test_c_and_the_band_kernel_have_the_same_bits(hedged: bool) -> None:
    made = reference.panels("T")
    plain, own = reference.Plain(made, hedged), reference.Compiled(made, hedged)
    trades = plain()
    assert trades == own() > 3
    assert plain.equity.tobytes() == own.equity.tobytes()


@pytest.mark.parametrize("hedged", [True, False])
def test_python_without_a_compiler_agrees(hedged: bool) -> None:
    made = reference.panels("T")
    own, lists, rows = (kind(made, hedged) for kind in (reference.Compiled, bar_by_bar.Lists, bar_by_bar.Rows))
    assert own() == lists() == rows()
    assert own.equity.tolist() == lists.equity
    assert farthest(rows.equity, own.equity) < 1e-13


@pytest.mark.parametrize("size", ["S", "T"])
def test_the_reserve_is_never_spent(size: str) -> None:
    job = bar_by_bar.Lists(reference.panels(size))
    job()
    assert min(job.cash) > 0.0


@gcc
def test_single_runs_and_sweeps_of_the_reference_job_are_measured() -> None:
    table = Table()
    rivals.against_c(table, "T", 2)
    rivals.bar_by_bar(table, "T", 1)
    sweeps.rates(table, 1, "T")
    sweeps.many(table, 20, "T")
    assert table.refused == []
    assert {"c.full.T", "c.spot.T", "python.lists of floats.T", "sweep.lanes", "sweep.20.c"} <= keys(table)


@gcc
def test_a_ratio_of_results_that_differ_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference.Compiled, "__call__", lambda self: 1)
    table = Table()
    rivals.against_c(table, "T", 1)
    assert {row["key"] for row in table.refused} == {"c.full.T", "c.spot.T"}
    assert table.rows == []
    shown = Console(width=160, record=True, quiet=True)
    show.table(table.record(), shown)


def test_curves_that_are_not_whole_are_far_apart() -> None:
    assert farthest([1.0, 2.0], [1.0, 2.0]) == 0.0
    assert farthest([1.0, float("nan")], [1.0, float("nan")]) == float("inf")
    assert farthest([1.0], [1.0, 2.0]) == float("inf")


def test_growth_of_the_reference_job_is_fitted() -> None:
    table = Table()
    growth.of_bands(table, (200, 400, 800, 1_600), (2, 4, 8, 16), (8, 16, 24, 32), 1)
    assert {"growth.bands.bars", "growth.bands.assets", "growth.bands.settings"} == keys(table)
    assert exponents([1, 2, 4, 8], [[3.0], [6.0], [12.0], [24.0]]) == pytest.approx([1.0])


def test_a_whole_policy_is_measured() -> None:
    table, stage = Table(), full.stage_of(full.COINS[:3], 40, full.POLICIES)
    full.against_panels(table, stage, 1)
    played = full.Played(full.cut(stage, 20))
    assert len(played.sweep(3, 2)) == 3
    sweeps.of_a_policy(table, played, 2, 1)
    assert {"balanced.panels", "sweep.balanced", "sweep.balanced.threads"} == keys(table)


def test_memory_is_measured_in_its_process() -> None:
    found = memory.main("many", "48", "16")
    assert found["peak"] > found["panels"] > 0.0


def test_a_killed_portfolio_is_taken_up() -> None:
    table = Table()
    recovery.report(table, 1_500, 1)
    assert {"recovery.imports", "recovery.data", "recovery.journal", "recovery.ready", "recovery.audit"} <= keys(table)
    times = [row.median for row in table.rows if row.unit == "s"]
    assert times[:4] == sorted(times[:4])


def test_a_first_result_is_waited_for(tmp_path: Path) -> None:
    table = Table()
    process.warm(table, ("help",), tmp_path, tmp_path, 1)
    assert keys(table) == {"first.help.warm"}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(400)
def test_peers_agree() -> None:
    pytest.importorskip("vectorbt")
    pytest.importorskip("bt")
    table = Table()
    rivals.against_bt(table, "T", 1)
    rivals.against_vectorbt(table, "T", 1)
    assert table.refused == []
    assert {"bt.full.T", "bt.spot.T", "vectorbt.full.T", "vectorbt.orders.spot.T"} <= keys(table)


def test_a_bar_is_judged_from_its_side() -> None:
    most, least, within = Bar("most", 2.0, 1.3), Bar("least", 10.0, 20.0), Bar("within", 0.9, 1.1)
    assert [most.met(1.9), most.met(2.1), least.met(11.0), least.met(9.0), within.met(1.0), within.met(1.2)] == [
        True, False, True, False, True, False,
    ]  # fmt: skip
    assert (most.headroom(1.0), least.headroom(20.0)) == (2.0, 2.0)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "speed.json").read_text(encoding="utf-8"))
    return found


def test_every_bar_has_a_figure_in_the_documentation(kept: dict[str, Any]) -> None:
    measured = {row["key"] for row in (*kept["rows"], *kept["refused"])}
    assert sorted(set(BARS) - measured) == []
    assert not kept["short"]


def test_what_is_kept_was_held_against_the_bars_of_today(kept: dict[str, Any]) -> None:
    for row in kept["rows"]:
        bar = BARS.get(row["key"])
        assert show.bar_of(row) == bar
        assert bar is None or row["met"] == bar.met(row["median"])


def test_figures_are_drawn(kept: dict[str, Any]) -> None:
    text = draw.page(kept)
    assert "times better than the bar" in text
    assert np.isfinite(draw.height(kept))
