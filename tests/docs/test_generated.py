"""docs/reference is what the code says today, and says something of everything."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from hedgerow import policies
from hedgerow.faces import cli
from hedgerow.model.measure import MEASURES
from hedgerow.model.plan import SENTENCES, Reason, Refusal
from hedgerow.model.policy import Policy
from hedgerow.store.files import KINDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = DOCS / "reference"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


@pytest.fixture(scope="module")
def made() -> Any:
    sys.path.insert(0, str(DOCS))
    try:
        yield generator()
    finally:
        sys.path.remove(str(DOCS))


@pytest.mark.parametrize("name", [path.name for path in sorted(REFERENCE.glob("*.md")) if path.name != "index.md"])
def test_page_is_up_to_date(made: Any, name: str) -> None:
    assert name in made.PAGES, f"docs/reference/{name} is not generated; remove it or add it to docs/generate.py"
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == made.PAGES[name](), f"docs/reference/{name} is out of date: python docs/generate.py"


def test_figures_of_speed_are_those_of_their_run(made: Any) -> None:
    written = (DOCS / made.SPEED).read_text(encoding="utf-8")
    assert written == made.speed(), f"docs/{made.SPEED} is out of date: python docs/generate.py"


def test_every_page_is_there(made: Any) -> None:
    assert {path.name for path in REFERENCE.glob("*.md")} == {*made.PAGES, "index.md"}


def text(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("measure", [one.name for one in MEASURES])
def test_measure_is_described(measure: str) -> None:
    assert f"| `{measure}` |" in text("measures.md")


@pytest.mark.parametrize("code", [one for one in (*Reason, *Refusal) if one], ids=lambda code: code.name.lower())
def test_reason_is_described(code: Reason | Refusal) -> None:
    assert f"| {code.value} | `{code.name.lower()}` | {SENTENCES[code]} |" in text("reasons.md")


@pytest.mark.parametrize("name", policies.names())
def test_policy_is_described(name: str) -> None:
    assert f"\n## {name}\n" in text("policies.md")


def test_every_key_of_a_policy_is_described(made: Any) -> None:
    page = text("policy.md")
    models = [Policy, *(model for _, model, _ in made.said.TABLES)]
    for model in models:
        for name, field in model.model_fields.items():
            assert name == "source" or f"| `{field.alias or name}` |" in page, f"{model.__name__}.{name}"


def test_every_command_and_option_is_described() -> None:
    page = text("commands.md")

    def look(command: Any, path: str) -> None:
        for key, inner in getattr(command, "commands", {}).items():
            look(inner, f"{path} {key}")
        if not hasattr(command, "commands"):
            part = page.split(f"\n## {path}\n")[1].split("\n## ")[0]
            for one in command.params:
                for flag in one.opts if one.param_type_name == "option" else ():
                    assert f"`{flag}" in part or f", {flag}" in part, f"{path} {flag}"

    look(typer.main.get_command(cli.app), cli.NAME)


def test_every_kind_of_file_is_described() -> None:
    assert all(f"| `{kind}` |" in text("files.md") for kind in KINDS)
