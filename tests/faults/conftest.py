"""Campaigns run only where they are asked for by name, and faults where strace can make them."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave campaigns out, unless ``-m`` speaks of them."""
    if "campaign" in (config.getoption("markexpr") or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("campaign")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]


@pytest.fixture(scope="session")
def strace() -> None:
    """Skip where strace is missing, or may not hold processes."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed; it makes the faults (Debian: apt-get install strace)")
    words = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"strace may not hold processes here: {done.stderr.strip()}")
