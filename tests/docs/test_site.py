"""The site holds the pages and what they show, and nothing of what writes them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.oracle  # zensical is in the full lock only
def test_scripts_are_not_published(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    left = tmp_path / "docs" / "__pycache__" / "said.pyc"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"compiled")
    words = [sys.executable, "-m", "zensical", "build", "--config-file", str(tmp_path / "zensical.toml")]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=100)
    site = tmp_path / "site"
    assert (site / "index.html").is_file()
    assert (site / "examples" / "library.py").is_file()  # an example is there to be read
    assert not list(site.glob("*.py"))
    assert not list(site.rglob("*.pyc"))
