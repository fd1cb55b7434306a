"""Backups: what was written comes back, whole or not at all, and an engine that was left behind writes nothing."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.entry import Draft, Head
from hedgerow.store import anchors
from hedgerow.store.backup import backup, export, read_backup, restore
from tests.store.desk import ALICE, BERT, KEY, START, Desk, drafts, sealed


def kept(desk: Desk, path: Path) -> Head:
    with desk.opened(write=False) as reader:
        return backup(reader, path)


def put(path: Path, desk: Desk, **more: Any) -> Head:
    return restore(path, desk.url, KEY, **({"anchored": desk.anchored, "now_ns": desk.clock} | more))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "main.jsonl.gz"


def fresh(tmp_path: Path) -> Desk:
    return Desk(f"sqlite:///{tmp_path}/fresh/journal.db", tmp_path / "fresh")


def test_round_trip(desk: Desk, path: Path, tmp_path: Path) -> None:
    rows = desk.filled(50)
    head = kept(desk, path)
    other = fresh(tmp_path)
    assert put(path, other, portfolio="main") == head == Head(50, rows[-1].mac)
    with other.opened(me=BERT) as journal:
        assert list(journal.read()) == rows
        journal.append(drafts(1, 50))
        journal.commit()
        assert journal.verify().sound


def test_move_from_sqlite_to_postgres_and_back(sqlite: Desk, postgres: Desk, tmp_path: Path) -> None:
    with sqlite.opened() as journal:
        journal.append(drafts(6_000))  # more than are read at once
    postgres.folder = sqlite.folder  # the same home
    kept(sqlite, tmp_path / "a.gz")
    put(tmp_path / "a.gz", postgres)
    with postgres.opened() as journal:
        assert journal.token == 3  # that of the first, of restore, and its own
        journal.append(drafts(1, 6_000))
        journal.commit()
        assert journal.verify().sound
    with pytest.raises(StoreError, match="its tail was cut, or an old copy"):
        sqlite.open()  # the old one may not go on


def test_same_journal_gives_the_same_bytes(sqlite: Desk, tmp_path: Path) -> None:
    sqlite.filled(20)
    for name in ("a", "b"):
        kept(sqlite, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_backup_of_a_journal_at_work_ends_with_what_was_durable(sqlite: Desk, path: Path) -> None:
    with sqlite.opened() as journal:
        journal.append(drafts(10))
        journal.commit()
        journal.append(drafts(10, 10))
        assert backup(journal, path).seq == 10
        journal.commit()
    assert len(list(read_backup(path, KEY)[1])) == 10


def test_backup_is_never_written_over(sqlite: Desk, path: Path) -> None:
    sqlite.filled(5)
    kept(sqlite, path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="such a file already"):
        kept(sqlite, path)
    assert path.read_bytes() == before


def test_broken_chain_is_not_backed_up(sqlite: Desk, path: Path) -> None:
    sqlite.filled(5)
    with sqlite.opened() as journal, journal._connection.begin():
        journal._connection.exec_driver_sql("UPDATE journal SET body = '' WHERE seq = 3")
    with pytest.raises(StoreError, match="row 3: its seal"):
        kept(sqlite, path)
    assert list(path.parent.iterdir()) == []


def test_empty_journal(sqlite: Desk, path: Path, tmp_path: Path) -> None:
    sqlite.open().close()
    assert kept(sqlite, path) == put(path, fresh(tmp_path)) == Head(0, "")


# -------------------------------------------------------------------------------------------------------------- refused


def test_portfolio_with_rows_is_left_alone(desk: Desk, path: Path) -> None:
    rows = desk.filled(5)
    kept(desk, path)
    with pytest.raises(StoreError, match="has rows already"):
        put(path, desk)
    with desk.opened() as journal:
        assert list(journal.read()) == rows


def test_portfolio_with_an_engine_is_left_alone(sqlite: Desk, path: Path, tmp_path: Path) -> None:
    sqlite.filled(5)
    kept(sqlite, path)
    other = fresh(tmp_path)
    with other.opened(me=ALICE), pytest.raises(StoreError, match="is held by alice"):
        put(path, other)


def rewritten(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(lines)
    path.write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))


CHANGES: list[tuple[Callable[[Any], object], str]] = [
    (lambda lines: lines[0].update(token=9), "its header does not fit"),
    (lambda lines: lines[0].update(seq=4), "its header does not fit"),
    (lambda lines: lines[0].update(portfolio="other"), "its header does not fit"),
    (lambda lines: lines[0].update(format=2), "format 2, known is 1"),
    (lambda lines: lines[0].update(type="events"), "no backup of a journal"),
    (lambda lines: lines[0].pop("mac"), "no backup of a journal"),
    (lambda lines: lines.clear(), "no backup of a journal"),
    (lambda lines: lines[3].update(body="{}"), "row 3: its seal"),
    (lambda lines: lines[3].update(at_ns=1.5), "row 3: a field"),
    (lambda lines: lines[3].pop("kind"), "damaged behind row 2"),
    (lambda lines: lines.pop(3), "row 3 is missing"),
    (lambda lines: lines.pop(), "ends with row 4 instead of row 5"),
    (lambda lines: lines.append(lines[5]), "out of order"),
    (lambda lines: lines.__setitem__(slice(2, 4), lines[3:1:-1]), "missing"),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_changed_backup_is_refused(sqlite: Desk, path: Path, tmp_path: Path, number: int) -> None:
    change, word = CHANGES[number]
    sqlite.filled(5)
    kept(sqlite, path)
    rewritten(path, change)
    other = fresh(tmp_path)
    with pytest.raises(ConfigError, match=word):
        put(path, other)
    assert not (tmp_path / "fresh").exists()


def test_every_byte_of_a_backup_matters(sqlite: Desk, path: Path) -> None:
    sqlite.filled(5)
    kept(sqlite, path)
    whole = path.read_bytes()
    unlike = 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert list(read_backup(path, KEY)[1]) == sealed(drafts(5))
        except ConfigError:
            unlike += 1
        path.write_bytes(whole[:at])
        with pytest.raises(ConfigError):
            list(read_backup(path, KEY)[1])
    assert unlike > 0.9 * len(whole)  # but gzip's own header


def test_other_key_and_other_portfolio(sqlite: Desk, path: Path, tmp_path: Path) -> None:
    sqlite.filled(5)
    kept(sqlite, path)
    with pytest.raises(ConfigError, match="another key"):
        restore(path, sqlite.url, bytes(32), anchored=sqlite.anchored, now_ns=sqlite.clock)
    with pytest.raises(ConfigError, match=r'it is of portfolio "main"\. Write --portfolio main'):
        put(path, fresh(tmp_path), portfolio="other")
    with pytest.raises(StoreError, match="cannot be read"):
        put(tmp_path / "none", fresh(tmp_path))


def test_restoring_fails_whole(sqlite: Desk, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file changes between the two readings of it: nothing is restored."""
    sqlite.filled(50)
    kept(sqlite, path)
    monkeypatch.setattr("hedgerow.store.journal.PAGE", 10)
    other = fresh(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        real = read_backup
        readings = []

        def changing(path: Path, key: bytes) -> Any:
            readings.append(1)
            if len(readings) == 2:
                rewritten(path, lambda lines: lines[40].update(body="{}"))
            return real(path, key)

        patch.setattr("hedgerow.store.backup.read_backup", changing)
        with pytest.raises(ConfigError, match="row 40"):
            put(path, other)
    with other.opened(me=BERT) as journal:
        assert journal.head == Head(0, "")


# ------------------------------------------------------------------------------------------------ older than the anchors


def test_backup_that_is_behind_needs_consent(sqlite: Desk, path: Path) -> None:
    sqlite.filled(20)
    kept(sqlite, path)
    with sqlite.opened() as journal:
        journal.append(drafts(10, 20))
    for each in sqlite.folder.glob("journal.db*"):
        each.unlink()
    with pytest.raises(StoreError, match=r"rows 21 to 30 would be lost\. .* accept that with --cut"):
        put(path, sqlite)
    assert put(path, sqlite, cut=True).seq == 20
    with sqlite.opened() as journal:
        assert journal.head.seq == 20
        assert journal.token == 4  # above all that was ever given
        assert journal.verify().sound
        journal.append(drafts(1, 20))


def test_token_is_above_all_before_without_anchors_too(sqlite: Desk, path: Path, tmp_path: Path) -> None:
    for _ in range(6):
        sqlite.open().close()
    sqlite.filled(3)
    kept(sqlite, path)
    other = fresh(tmp_path)
    put(path, other)
    with other.opened() as journal:
        assert journal.token > 7


def test_backup_of_another_history_is_refused(sqlite: Desk, path: Path, tmp_path: Path) -> None:
    sqlite.filled(20)
    other = fresh(tmp_path)
    with other.opened() as journal:
        journal.append(drafts(30, 500))
    kept(other, path)
    for each in sqlite.folder.glob("journal.db*"):
        each.unlink()
    with pytest.raises(StoreError, match="it is not the journal that was written here: row 20"):
        put(path, sqlite, cut=True)
    assert anchors.read(sqlite.anchored).last("main").seq == 20  # type: ignore[union-attr]


# --------------------------------------------------------------------------------------------------------------- export


def test_export_as_lines_and_as_a_table(sqlite: Desk, tmp_path: Path) -> None:
    with sqlite.opened() as journal:
        journal.append(drafts(3))
        journal.append([Draft(START, "=cmd()", "note", "in", "no JSON, \u2028 é")])
        journal.commit()
        assert export(journal, tmp_path / "out" / "a.jsonl") == 4
        assert export(journal, tmp_path / "out" / "a.csv") == 4
        mac = journal.head.mac
    lines = [json.loads(line) for line in (tmp_path / "out" / "a.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]
    assert lines[0]["body"] == {"n": "0", "é": "€"}
    assert lines[3] == {
        "seq": 4, "time": "2023-11-14T22:13:20Z", "portfolio": "main", "account": "=cmd()", "kind": "note", "way": "in",
        "body": "no JSON, \u2028 é", "mac": mac,
    }  # fmt: skip
    with (tmp_path / "out" / "a.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["seq"] for row in table] == ["1", "2", "3", "4"]
    assert (table[3]["account"], table[0]["body"]) == ("'=cmd()", drafts(1)[0].body)
