"""Imports point one way (the contracts stand in pyproject.toml), and every contract can break."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINTER = Path(sysconfig.get_path("scripts")) / "lint-imports"

# an import that must not be: from, what
PLANTS = (
    # of a room above, or beside
    ("hedgerow.model.plant", "hedgerow.ledger"),
    ("hedgerow.kernel.plant", "hedgerow.signals"),
    ("hedgerow.store.plant", "hedgerow.venues"),
    ("hedgerow.venues.plant", "hedgerow.research"),
    # of clock, chance, file, database or network
    ("hedgerow.model.plant", "time"),
    ("hedgerow.signals.plant", "random"),
    ("hedgerow.kernel.plant", "os"),
    ("hedgerow.ledger.plant", "sqlite3"),
    ("hedgerow.engine.engine", "asyncio"),
    # of tables, by what computes on arrays
    ("hedgerow.kernel.plant", "polars"),
    ("hedgerow.signals.plant", "talib"),
)
# an import that may be, though its neighbours' may not
SPARED = (("hedgerow.research.plant", "hedgerow.ledger"), ("hedgerow.engine.drive", "asyncio"))


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold the package in ``folder`` against the contracts."""
    return subprocess.run(
        [LINTER, "--no-logo", "--no-cache", ROOT / "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says about a copy of the package with everything planted in it."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src" / "hedgerow", folder / "hedgerow", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "hedgerow" / "attic.py").touch()
    for module, imported in PLANTS + SPARED:
        with (folder / module.replace(".", "/")).with_suffix(".py").open("a") as file:
            file.write(f"import {imported}\n")
    checked = contracts(folder)
    assert checked.returncode == 1
    return checked.stdout


def test_contracts_are_kept() -> None:
    checked = contracts(ROOT / "src")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("module", "imported"), PLANTS)
def test_contract_breaks(planted: str, module: str, imported: str) -> None:
    assert f"{module} -> {imported} (l." in planted, planted


@pytest.mark.parametrize(("module", "imported"), SPARED)
def test_contract_spares(planted: str, module: str, imported: str) -> None:
    assert f"{module} -> {imported} (l." not in planted, planted


def test_a_room_without_a_layer_is_refused(planted: str) -> None:
    assert "hedgerow.attic" in planted, planted
