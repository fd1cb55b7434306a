"""Every example in docs/examples runs, and what the pages quote from it is what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hedgerow import policies
from hedgerow.engine.translate import mandate_of
from hedgerow.faces.portfolio_file import read_portfolio
from hedgerow.model.policy import Policy
from hedgerow.store.views import read_views

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
OTHER = {"portfolio.toml": read_portfolio, "views.toml": read_views}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_program_runs(path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, path, tmp_path], capture_output=True, text=True, env=environment, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_file()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_file_is_sound(path: Path) -> None:
    found = OTHER.get(path.name, lambda path: policies.load(str(path)))(path)
    assert found
    if isinstance(found, Policy):
        assert found.name == path.stem


def snippets() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        found += [(str(page.relative_to(ROOT)), block) for block in blocks]
    return found


@pytest.mark.parametrize(("page", "block"), snippets())
def test_snippet_of_a_page_is_sound(page: str, block: str, tmp_path: Path) -> None:
    document = tomllib.loads(block)
    path = tmp_path / "snippet.toml"
    if "view" in document:
        path.write_text(block, encoding="utf-8")
        assert read_views(path)
    elif "spot" in document or "futures" in document:
        path.write_text(block, encoding="utf-8")
        assert read_portfolio(path)
    elif "mandate" in document:
        assert mandate_of(document["mandate"])
    elif "name" in document:
        assert policies.parse(document, page)
    else:  # rows that stand in an example policy: the page may leave their source out
        found = [tomllib.loads((EXAMPLES / name).read_text(encoding="utf-8")) for name in ROWS]
        assert any(stands(document, whole) for whole in found), page


ROWS = ("rows.toml", "dated.toml")


def stands(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether every cell of a part is in the whole."""
    return all(
        name in whole and (stands(cell, whole[name]) if isinstance(cell, dict) else whole[name] == cell)
        for name, cell in part.items()
    )
