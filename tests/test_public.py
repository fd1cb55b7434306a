"""The names that a Python programmer gets: true, sorted, typed, and imported only when they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hedgerow

STUB = Path(hedgerow.__file__).with_suffix(".pyi")
NAMES = sorted({*hedgerow._PLACES, "__version__"})


def test_list_is_sorted_and_whole() -> None:
    assert hedgerow.__all__ == sorted(hedgerow.__all__) == NAMES
    assert set(NAMES) <= set(dir(hedgerow))


@pytest.mark.parametrize("name", sorted(hedgerow._PLACES))
def test_name_leads_to_what_it_says_and_is_documented(name: str) -> None:
    module, _, inner = hedgerow._PLACES[name].partition(":")
    value = getattr(hedgerow, name)
    assert value is getattr(sys.modules[module], inner)
    assert name == "MEASURES" or value.__doc__


def test_stub_says_the_same() -> None:
    tree = ast.parse(STUB.read_text())
    imported = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    listed = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert imported == hedgerow._PLACES
    assert sorted(listed) == NAMES


def test_import_is_light() -> None:
    code = "import sys, hedgerow; print(sorted(n for n in sys.modules if n.startswith('hedgerow') or n == 'numpy'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "['hedgerow']\n"


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'backtst'"):
        _ = hedgerow.backtst
