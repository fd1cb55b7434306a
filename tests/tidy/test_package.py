"""The package, its metadata and its locks say the same."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import hedgerow
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
NEEDED = PROJECT["project"]["dependencies"] + EXTRAS["search"]
LOCKED = {
    "core": NEEDED + GROUPS["build"],
    "test": NEEDED + EXTRAS["cluster"] + EXTRAS["postgres"] + GROUPS["build"] + GROUPS["test"] + GROUPS["lint"],
    "all": NEEDED
    + EXTRAS["cluster"]
    + EXTRAS["postgres"]
    + [item for name in GROUPS if name != "uv" for item in GROUPS[name]],
    "uv": GROUPS["uv"],
}


def pins(lock: str) -> set[str]:
    """Every pinned requirement of a lock, with its marker."""
    text = (ROOT / "locks" / f"{lock}.txt").read_text()
    return {line.rstrip("\\ ") for line in text.splitlines() if "==" in line}


def test_public_names_are_sorted_and_there() -> None:
    assert hedgerow.__all__ == sorted(hedgerow.__all__)
    assert [name for name in hedgerow.__all__ if not hasattr(hedgerow, name)] == []


def test_version_is_that_of_the_metadata() -> None:
    assert hedgerow.__version__ == PROJECT["project"]["version"]


def test_changelog_starts_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == hedgerow.__version__


@pytest.mark.parametrize("lock", LOCKED)
def test_lock_holds_what_the_metadata_asks_for(lock: str) -> None:
    held: dict[str, list[str]] = {}
    for pin in map(Requirement, pins(lock)):
        held.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    for wanted in map(Requirement, LOCKED[lock]):
        versions = held.get(canonicalize_name(wanted.name), [])
        assert versions, f"locks/{lock}.txt lacks {wanted.name}; make the locks anew: ./run lock"
        assert all(wanted.specifier.contains(version) for version in versions), (
            f"{wanted}: locked {versions}; ./run lock"
        )


def test_narrow_locks_choose_the_same_versions() -> None:
    core, test, whole = ({pin.partition(" ;")[0] for pin in pins(lock)} for lock in ("core", "test", "all"))
    assert core < test < whole  # on which platform a package is needed, a wider set may say more widely


@pytest.mark.parametrize("lock", LOCKED)
def test_lock_names_packages_and_hashes_only(lock: str) -> None:
    line = re.compile(r"#.*|[\w.-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    text = (ROOT / "locks" / f"{lock}.txt").read_text()
    assert "://" not in text
    assert [each for each in text.splitlines() if not line.fullmatch(each)] == []
