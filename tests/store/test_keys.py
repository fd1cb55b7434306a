"""The key of the journal: made once, for its owner alone, and never made twice."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store.keys import journal_key


def yes() -> bool:
    return True


def never() -> bool:
    raise AssertionError


def test_key_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "secrets"
    key = journal_key(folder, yes)
    assert len(key) == 32
    assert journal_key(folder, never) == key
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "journal.key").stat().st_mode) == 0o600
    assert (folder / "journal.key").read_text() == key.hex() + "\n"
    assert journal_key(tmp_path / "other", yes) != key
    assert [path.name for path in folder.iterdir()] == ["journal.key"]


def test_missing_key_of_a_journal_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"key of the journal is missing\. Put it back"):
        journal_key(tmp_path / "secrets", lambda: False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "secrets"
    journal_key(folder, yes)
    path = folder / "journal.key"
    path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        journal_key(folder, never)
    assert str(caught.value).endswith(f"Run: chmod 600 {path}")
    path.chmod(0o600)
    folder.chmod(0o755)
    with pytest.raises(ConfigError) as caught:
        journal_key(folder, never)
    assert str(caught.value).endswith(f"Run: chmod 700 {folder}")


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "A" * 64, "0" * 64 + "\n\n", "\xff" * 64])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "secrets"
    journal_key(folder, yes)
    (folder / "journal.key").write_text(text)
    with pytest.raises(ConfigError, match="this is no key") as caught:
        journal_key(folder, never)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_first_of_two_writers_wins(tmp_path: Path) -> None:
    found = []

    def meanwhile() -> bool:
        found.append(journal_key(tmp_path, yes))
        return True

    tmp_path.chmod(0o700)
    assert journal_key(tmp_path, meanwhile) == found[0]


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        journal_key(tmp_path / "secrets", yes)
