"""Links lead somewhere, commands in the pages exist, pictures are small, and nobody's machine is named."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from hedgerow.faces import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
LARGEST_PICTURE = 400_000  # bytes


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", head.lower()).strip()) for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    for found in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = found[0] or found[1]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.is_file(), f"{ids(page)}: {target}"
        assert not anchor or anchor in anchors(path), f"{ids(page)}: {target}"


def commands(page: Path) -> list[str]:
    found = []
    for kind, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            found += [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        elif kind == "sh":
            found += block.splitlines()
    return [line for line in found if line.startswith(("hedgerow ", "./run "))]


@pytest.fixture(scope="module")
def program() -> Any:
    return typer.main.get_command(cli.app)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_exist(page: Path, program: Any) -> None:
    words_of_run = set(re.findall(r"^\./run (\w+)", (ROOT / "run").read_text(encoding="utf-8"), re.MULTILINE))
    for line in commands(page):
        words = shlex.split(line, comments=True)
        if words[0] == "./run" and words[1] in words_of_run:
            continue
        command, rest = program, words[1:]
        while rest and hasattr(command, "commands") and not rest[0].startswith(("-", "[")):
            assert rest[0] in command.commands, f"{ids(page)}: {line}"
            command = command.commands[rest.pop(0)]
        flags = {flag for one in command.params for flag in one.opts} | {"--help"}
        for word in rest:
            assert not word.startswith("--") or word in flags, f"{ids(page)}: {line}: {word}"


def test_every_page_is_in_the_navigation() -> None:
    import tomllib

    def leaves(entry: Any) -> list[str]:
        inner = entry.values() if isinstance(entry, dict) else entry
        return [entry] if isinstance(entry, str) else [leaf for part in inner for leaf in leaves(part)]

    listed = leaves(tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"])
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(page for page in pages if not page.startswith("decisions/0"))  # in their index


def test_every_decision_is_in_its_index() -> None:
    index = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8").replace("`", "")
    for path in (ROOT / "docs" / "decisions").glob("0*.md"):
        title = path.read_text(encoding="utf-8").splitlines()[0].replace("`", "").removeprefix(f"# {path.name[:4]} ")
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "pictures").glob("*")), ids=ids)
def test_pictures_are_small(path: Path) -> None:
    assert path.stat().st_size < LARGEST_PICTURE
