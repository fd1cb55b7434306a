"""The inbox: commands arrive whole, in order and once; what is none never stops the engine."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store import inbox
from tests.store.desk import START

NAME = f"{START}-0123abcd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return inbox.folder_of(tmp_path, "main")


def test_commands_come_in_order_until_they_are_taken(folder: Path) -> None:
    assert list(inbox.waiting(folder)) == []
    ids = [inbox.put(folder, {"command": "approve", "n": n}, START + n) for n in range(5)]
    assert ids == sorted(ids)
    assert list(inbox.waiting(folder)) == [(id, {"command": "approve", "n": n}) for n, id in enumerate(ids)]
    inbox.taken(folder, ids[0])
    inbox.taken(folder, ids[0])
    assert [id for id, _ in inbox.waiting(folder)] == ids[1:]


def test_clock_that_was_set_back_keeps_the_order(folder: Path) -> None:
    ids = [inbox.put(folder, {"n": at}, START - at) for at in range(5)]
    assert [command["n"] for _, command in inbox.waiting(folder)] == [0, 1, 2, 3, 4]
    assert len(set(ids)) == 5


def test_files_are_the_owners_alone_and_whole(folder: Path) -> None:
    id = inbox.put(folder, {"note": "é"}, START)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [f"{id}.json"]
    assert stat.S_IMODE((folder / f"{id}.json").stat().st_mode) == 0o600
    folder.chmod(0o777)
    with pytest.raises(ConfigError, match=r"others may change the inbox .*chmod 700"):
        inbox.put(folder, {}, START)


def test_reader_never_sees_half_a_command(folder: Path) -> None:
    command = {"note": "x" * 60_000}
    inbox.make_ready(folder)

    def write() -> None:
        for n in range(60):
            inbox.put(folder, command, START + n)

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while seen < 60:
        for id, found in inbox.waiting(folder):
            assert found == command
            inbox.taken(folder, id)
            seen += 1
    writer.join()
    assert not (folder / "refused").exists()


@pytest.mark.parametrize(
    "command",
    [{"note": "x" * 65_536}, {"amount": 0.5}, {"amount": float("nan")}, {"note": "\ud800"}],
    ids=["long", "fraction", "nan", "half a character"],
)
def test_what_is_no_command_is_not_put(folder: Path, command: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="this is no command"):
        inbox.put(folder, command, START)
    assert not folder.exists()


HOSTILE = {
    "empty": b"",
    "text": b"halt",
    "array": b"[]",
    "number": b"5",
    "null": b"null",
    "bytes": b"\xff\xfe{}",
    "mark": b"\xef\xbb\xbf{}",
    "twice": b'{"a":1,"a":2}',
    "deep": b"[" * 60_000,
    "deep inside": b'{"a":' * 10_000,
    "fraction": b'{"a":1.5}',
    "power": b'{"a":1e9}',
    "nan": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "half a character": b'{"a":"\\ud800"}',
    "digits": b'{"a":' + b"9" * 5_000 + b"}",
    "behind": b'{"a":1} {}',
    "cut": b'{"a":1',
    "long": b'{"a":"' + b"x" * 70_000 + b'"}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_content_is_put_aside_with_a_word(folder: Path, what: str) -> None:
    inbox.make_ready(folder)
    (folder / f"{NAME}.json").write_bytes(HOSTILE[what])
    good = inbox.put(folder, {"good": True}, START)
    assert list(inbox.waiting(folder)) == [(good, {"good": True})]
    assert (folder / "refused" / f"{NAME}.json").read_bytes() == HOSTILE[what]
    assert len((folder / "refused" / f"{NAME}.json.why").read_text()) > 5
    assert list(inbox.waiting(folder)) == [(good, {"good": True})]


@pytest.mark.parametrize(
    "name",
    ["x.json", "x", f"{NAME}", f"{NAME}.json.json", f"{NAME}.txt", "9" * 30, "\udcff.json", "a\nb.json", " .json"],
)
def test_hostile_name_is_put_aside(folder: Path, name: str) -> None:
    inbox.make_ready(folder)
    (folder / name).write_text("{}")
    assert list(inbox.waiting(folder)) == []
    assert (folder / "refused" / name).exists()


def test_links_pipes_and_folders_are_neither_followed_nor_waited_for(folder: Path, tmp_path: Path) -> None:
    inbox.make_ready(folder)
    secret = tmp_path / "secret"
    secret.write_text("{}")
    (folder / f"{NAME}.json").symlink_to(secret)
    os.mkfifo(folder / f"{START + 1}-00000000.json")
    (folder / f"{START + 2}-00000000.json").mkdir()
    assert list(inbox.waiting(folder)) == []
    assert len(list((folder / "refused").glob("*.json"))) == 3
    assert secret.read_text() == "{}"


def test_command_from_the_far_future_stops_no_other(folder: Path) -> None:
    inbox.make_ready(folder)
    (folder / f"{'9' * 19}-00000000.json").write_text("{}")
    with pytest.raises(ConfigError, match="after the year 2200"):
        inbox.put(folder, {}, START)


def test_what_is_being_written_is_left_alone(folder: Path) -> None:
    inbox.make_ready(folder)
    (folder / ".x.part").write_text("{")
    assert list(inbox.waiting(folder)) == []
    assert (folder / ".x.part").exists()


@pytest.mark.parametrize("id", ["", "..", "../x", f"../{NAME}", "x"])
def test_only_commands_are_removed(folder: Path, id: str) -> None:
    with pytest.raises(StoreError, match="is no id"):
        inbox.taken(folder, id)


def test_halt_by_file_for_one_and_for_all(folder: Path, tmp_path: Path) -> None:
    assert not inbox.halted(folder)
    inbox.halt(folder)
    assert inbox.halted(folder)
    assert not inbox.halted(inbox.folder_of(tmp_path, "other"))
    assert list(inbox.waiting(folder)) == []
    (folder / "HALT").unlink()
    (tmp_path / "HALT").symlink_to("nowhere")
    assert inbox.halted(folder)
    assert inbox.halted(inbox.folder_of(tmp_path, "other"))


def test_failed_look_is_a_halt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", fails)
    assert inbox.halted(folder)


def test_names_stay_in_the_inbox(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        inbox.folder_of(tmp_path, "../../etc")


def test_largest_command_fits(folder: Path) -> None:
    command = {"a": "x" * (inbox.LARGEST - len(json.dumps({"a": ""}, separators=(",", ":"))))}
    inbox.put(folder, command, START)
    assert [found for _, found in inbox.waiting(folder)] == [command]
