"""The journal: the same in SQLite and in PostgreSQL, durable when it says so, and silent for ever after an error."""

from __future__ import annotations

import random
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.entry import Draft, Head
from hedgerow.ports import Journal
from hedgerow.store import anchors, schema
from hedgerow.store.journal import is_there, open_journal
from tests.store.desk import ALICE, BERT, KEY, START, Desk, drafts, sealed


def test_rows_come_back_as_they_were_sealed(desk: Desk) -> None:
    assert desk.filled(50) == sealed(drafts(50))


def test_both_databases_give_the_same_head(sqlite: Desk, postgres: Desk) -> None:
    heads = set()
    for place in (sqlite, postgres):
        with place.opened() as journal:
            for i in range(0, 30, 7):
                journal.append(drafts(7, i))
                journal.commit()
            heads.add(journal.head)
    assert heads == {Head(35, sealed(drafts(35))[-1].mac)}


def test_it_fulfils_the_port(desk: Desk) -> None:
    with desk.opened() as opened:
        journal: Journal = opened
        assert journal.head == Head(0, "")
        journal.append(drafts(3))
        assert journal.head.seq == 3
        assert list(journal.read()) == []
        journal.commit()
        assert [row.seq for row in journal.read(1)] == [2, 3]
        assert list(journal.read(3)) == []


def test_append_takes_all_or_none_and_counts_on(desk: Desk) -> None:
    with desk.opened() as journal:
        journal.append(drafts(2))
        journal.append([])
        journal.append(drafts(2, 2))
        journal.commit()
        journal.commit()
    with desk.opened() as journal:
        assert journal.head == Head(4, sealed(drafts(4))[-1].mac)
        journal.append(drafts(1, 4))
    with desk.opened(write=False) as reader:
        assert list(reader.read()) == sealed(drafts(5))  # close committed


def test_portfolios_have_chains_of_their_own(desk: Desk) -> None:
    with desk.opened(portfolio="a", me=ALICE) as one, desk.opened(portfolio="b", me=ALICE) as two:
        for journal in (one, two, one):
            journal.append(drafts(2))
            journal.commit()
        assert (one.head.seq, two.head.seq) == (4, 2)
        assert one.verify().sound
        assert two.verify().sound
        assert list(two.read()) == sealed(drafts(2), "b")


def test_amounts_come_back_digit_by_digit(desk: Desk) -> None:
    body = '{"amount":"0.100000000000000000000000000000000000001","price":"1E+400"}'
    with desk.opened() as journal:
        journal.append([Draft(-(2**63), "", "fill", "in", body), Draft(2**63 - 1, "", "fill", "in", "")])
        journal.commit()
        assert [(row.at_ns, row.body) for row in journal.read()] == [(-(2**63), body), (2**63 - 1, "")]


@pytest.mark.parametrize(
    "draft",
    [
        Draft(START, "", "fill", "in", "a\0b"), Draft(START, "\0", "fill", "in", ""), Draft(START, "", "\0", "in", ""),
        Draft(START, "", "fill", "up", ""), Draft(START, "", "fill", "in", "\ud800"), Draft(2**63, "", "fill", "in", ""),
        Draft(1.5, "", "fill", "in", ""), Draft(None, "", "fill", "in", ""), Draft(START, None, "fill", "in", ""),
    ],
)  # fmt: skip
def test_what_is_no_row_ends_the_journal_before_it_is_written(sqlite: Desk, draft: Any) -> None:
    with sqlite.opened(me=ALICE) as journal:
        with pytest.raises(StoreError, match="none that a journal can hold"):
            journal.append([*drafts(1), draft])
        with pytest.raises(StoreError, match="is used no more"):
            journal.commit()
    with sqlite.opened(write=False) as reader:
        assert list(reader.rows()) == []


def test_reader_sees_only_committed_rows_and_waits_for_nobody(desk: Desk) -> None:
    with desk.opened(me=ALICE) as journal, desk.opened(write=False) as reader:
        assert reader.head == Head(0, "")
        journal.append(drafts(3))
        assert list(reader.read()) == []
        journal.commit()
        assert [row.seq for row in reader.read()] == [1, 2, 3]
        started = reader.rows()
        assert next(started).seq == 1
        journal.append(drafts(3, 3))
        journal.commit()  # while the reader is in the middle
        assert [row.seq for row in started] == [2, 3]
        assert reader.head == journal.head
        assert [row.kind for row in reader.last(3, "fill")] == ["fill", "fill"]
        assert [row.seq for row in reader.last(2)] == [5, 6]
        assert reader.count() == 6
        assert reader.token == 0


@pytest.mark.parametrize("writing", ["append", "commit", "renew", "anchor"])
def test_reader_writes_nothing(desk: Desk, writing: str) -> None:
    desk.filled(1)
    with desk.opened(write=False) as reader, pytest.raises(StoreError, match="was opened for reading"):
        getattr(reader, writing)(*([drafts(1)] if writing == "append" else ()))


def test_reader_makes_nothing(tmp_path: Path) -> None:
    desk = Desk(f"sqlite:///{tmp_path}/none/journal.db", tmp_path / "home")
    with pytest.raises(ConfigError, match="there is no journal"):
        desk.open(write=False)
    assert not is_there(desk.url)
    assert list(tmp_path.iterdir()) == []


def test_database_without_tables_is_no_journal(postgres: Desk) -> None:
    assert not is_there(postgres.url)
    with pytest.raises(ConfigError, match="there is no journal in it"):
        postgres.open(write=False)
    postgres.filled(1)
    assert is_there(postgres.url)


def test_file_is_its_owners_alone(sqlite: Desk) -> None:
    path = sqlite.folder / "journal.db"
    with sqlite.opened() as journal:
        journal.append(drafts(1))
        journal.commit()
        for each in (path, path.with_name("journal.db-wal"), path.with_name("journal.db-shm"), sqlite.anchored):
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o666)
    with pytest.raises(ConfigError, match=r"others may change the journal .*chmod 600"):
        sqlite.open()


def test_sqlite_is_as_durable_as_it_can_be(sqlite: Desk) -> None:
    with sqlite.opened() as journal:
        driver: Any = journal._connection.connection.driver_connection
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("wal_autocheckpoint", 0),
        ):
            assert driver.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_log_of_sqlite_does_not_grow_for_ever(sqlite: Desk) -> None:
    body = "x" * 100_000
    with sqlite.opened() as journal:
        for _ in range(40):
            journal.append([Draft(START, "", "note", "in", body)] * 10)
            journal.commit()
        log = sqlite.folder / "journal.db-wal"
        assert log.stat().st_size < 15_000_000  # of 40


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("nonsense:secret", "no address"), ("mysql://u:secret@h/d", "cannot lie in mysql"), ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"), ("sqlite:///a?b=secret", "needs a file"),
        ("postgresql+asyncpg://u:secret@h/d", "cannot lie in"),
    ],
)  # fmt: skip
def test_address_that_is_none(url: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        Desk(url, tmp_path).open()
    assert "secret" not in str(caught.value)


def test_server_that_is_not_there_keeps_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Desk("postgresql://u:secret@127.0.0.1:1/d", tmp_path).open()
    assert "secret" not in str(caught.value)


def test_empty_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database, " * 100)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="cannot be opened"):
        Desk(f"sqlite:///{path}", tmp_path).open()


# ------------------------------------------------------------------------------------------------------------- version


def test_tables_are_those_of_the_last_migration(desk: Desk) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    settings = Config()
    settings.set_main_option("script_location", str(schema.MIGRATIONS))
    script = ScriptDirectory.from_config(settings)
    assert [each.revision for each in script.walk_revisions()][::-1] == list(schema.REVISIONS)
    with desk.opened() as journal, journal._connection.begin():
        assert schema.revision(journal._connection) == schema.REVISIONS[-1]
        differences = compare_metadata(MigrationContext.configure(journal._connection), schema.metadata)
        assert [one for one in differences if "sqlite_master" not in str(one)] == []


@pytest.mark.parametrize("write", [True, False])
def test_journal_of_a_newer_version_is_refused(desk: Desk, write: bool) -> None:
    with desk.opened() as journal, journal._connection.begin():
        journal._connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version .*install the newer hedgerow"):
        desk.open(write=write)


def test_journal_of_an_earlier_version_is_not_read_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.filled(1)
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002"))
    with pytest.raises(StoreError, match="earlier version"):
        desk.open(write=False)


# ----------------------------------------------------------------------------------------------------------- tampering


def tampered(desk: Desk, statement: str) -> None:
    with desk.opened(me=ALICE) as journal, journal._connection.begin():
        journal._connection.exec_driver_sql(statement)


def test_changed_row_is_found_by_verify_and_by_reading(desk: Desk) -> None:
    desk.filled(20)
    tampered(desk, "UPDATE journal SET body = '{}' WHERE seq = 7")
    with desk.opened(write=False) as reader:
        assert reader.verify().findings[0].startswith("row 7: its seal does not fit")
        seen = []
        with pytest.raises(StoreError, match=r"row 7: .*hedgerow journal verify"):
            seen += [row.seq for row in reader.read()]
        with pytest.raises(StoreError, match="is used no more"):
            reader.last(1)


def test_changed_last_row_is_not_written_behind(desk: Desk) -> None:
    desk.filled(20)
    tampered(desk, "UPDATE journal SET kind = 'x' WHERE seq = 20")
    with pytest.raises(StoreError, match=r"row 20: its seal .*Nothing is written behind it"):
        desk.open()


def test_cut_tail_and_old_copy_are_not_written_behind(desk: Desk) -> None:
    desk.filled(20)
    tampered(desk, "DELETE FROM journal WHERE seq > 15")
    with pytest.raises(StoreError, match=r"row 20 was the last on .* its tail was cut"):
        desk.open()
    with desk.opened(write=False) as reader:
        assert "its tail was cut" in reader.verify().findings[0]


def test_emptied_journal_is_no_new_one(desk: Desk) -> None:
    desk.filled(20)
    tampered(desk, "DELETE FROM journal")
    with pytest.raises(StoreError, match="row 20 was the last"):
        desk.open()


def test_missing_file_is_no_new_journal(sqlite: Desk) -> None:
    sqlite.filled(20)
    for path in sqlite.folder.glob("journal.db*"):
        path.unlink()
    for write in (True, False):
        with pytest.raises(StoreError, match="the journal is missing, though row 20 was its last"):
            sqlite.open(write=write)
    assert not (sqlite.folder / "journal.db").exists()
    sqlite.open(portfolio="another").close()


def test_every_flipped_byte_of_the_file_is_found_or_changes_nothing(sqlite: Desk) -> None:
    rows = sqlite.filled(50)
    path = sqlite.folder / "journal.db"
    for extra in sqlite.folder.glob("journal.db-*"):
        extra.unlink()
    whole, chance, found = path.read_bytes(), random.Random(2), 0
    for _ in range(250):
        at = chance.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
        try:
            with sqlite.opened(write=False) as reader:
                sound = reader.verify().sound
                assert not sound or list(reader.read()) == rows, at
                found += not sound
        except (StoreError, ConfigError):
            found += 1
    assert found > 50


# ------------------------------------------------------------------------------------------------------------- anchors


def test_heads_are_noted_at_opening_at_closing_and_on_the_way(sqlite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgerow.store.journal.ANCHORED", 10)
    with sqlite.opened() as journal:
        for i in range(0, 25, 5):
            journal.append(drafts(5, i))
            journal.commit()
        journal.append(drafts(1, 25))
        journal.anchor()
        journal.append(drafts(1, 26))
    noted = anchors.read(sqlite.anchored).anchors
    assert [one.seq for one in noted] == [0, 10, 20, 26, 27]
    assert [one.mac for one in noted[1:]] == [sealed(drafts(27))[i - 1].mac for i in (10, 20, 26, 27)]


def test_anchors_that_cannot_be_written_end_the_journal(sqlite: Desk) -> None:
    with sqlite.opened() as journal:
        journal.append(drafts(1))
        sqlite.anchored.unlink()
        sqlite.anchored.mkdir()
        with pytest.raises(StoreError, match="anchors cannot be written"):
            journal.anchor()
        with pytest.raises(StoreError, match="is used no more"):
            journal.commit()
    sqlite.anchored.rmdir()
    with sqlite.opened(write=False) as reader:
        assert reader.durable.seq == 1


def test_lines_that_are_no_anchors_are_told_and_a_torn_one_is_not(tmp_path: Path) -> None:
    path, mac = tmp_path / "anchors", "0" * 64
    anchors.append(path, [anchors.Anchor(START, "main", 0, "", 1)])
    with path.open("a") as file:
        file.write(f"nonsense\n2024-01-01T00:00:00Z main 5 {mac} 2\n2024-99-01 main 5 {mac} 2\n2024-01-02 main 6")
    noted = anchors.read(path)
    assert [(one.seq, one.token) for one in noted.anchors] == [(0, 1), (5, 2)]
    assert [line.partition(";")[0] for line in noted.findings] == [
        "anchors, line 2: it is no anchor", "anchors, line 4: it is no anchor"
    ]  # fmt: skip
    anchors.append(path, [anchors.Anchor(START, "main", 7, mac, 3)])
    assert anchors.read(path).last("main") == anchors.Anchor(START, "main", 7, mac, 3)
    assert anchors.read(path).findings == noted.findings  # the torn one is no finding later, either
    assert anchors.read(path).token("main") == 3
    assert anchors.read(path).last("other") is None


def test_anchors_beyond_a_restored_backup_are_void(tmp_path: Path) -> None:
    path, mac = tmp_path / "anchors", "0" * 64
    for seq, cut in ((10, False), (20, False), (15, True)):
        anchors.append(
            path, [anchors.Anchor(START, "main", seq, mac, 1), anchors.Anchor(START, "b", 9, mac, 1)], cut=cut
        )
    assert [one.seq for one in anchors.read(path).of("main")] == [10, 15]


def test_a_lease_is_not_taken_by_who_may_not_write(desk: Desk) -> None:
    desk.filled(3)
    tampered(desk, "UPDATE journal SET kind = 'x' WHERE seq = 3")
    with pytest.raises(StoreError):
        desk.open(me=BERT)
    with desk.opened(write=False) as reader:
        assert reader.held().holder == ""


def test_file_of_a_reader_that_may_write_nothing(sqlite: Desk) -> None:
    rows = sqlite.filled(3)
    copy = sqlite.folder.parent / "copy" / "journal.db"
    copy.parent.mkdir()
    source = sqlite3.connect(sqlite.folder / "journal.db")
    target = sqlite3.connect(copy)
    source.backup(target)
    for each in (source, target):
        each.close()
    copy.chmod(0o400)
    with Desk(f"sqlite:///{copy}", sqlite.folder).opened(write=False) as reader:
        assert list(reader.read()) == rows
        assert reader.verify().sound


def test_open_journal_takes_what_it_needs(sqlite: Desk) -> None:
    journal = open_journal(sqlite.url, "main", KEY, write=True, anchored=sqlite.anchored, now_ns=sqlite.clock)
    assert journal.token == 1
    journal.close()
    with pytest.raises(StoreError, match="it was closed"):
        journal.commit()
