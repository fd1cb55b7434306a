"""What goes wrong beneath a journal ends it, and leaves all of a commit or nothing of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hedgerow.errors import StoreError
from hedgerow.store import anchors, database, durable
from hedgerow.store.journal import SqlJournal
from tests.store.desk import ALICE, BERT, KEY, SECOND, Desk, drafts, sealed


def driver(journal: SqlJournal) -> Any:
    return journal._connection.connection.driver_connection


def broken(journal: SqlJournal, word: str) -> None:
    """The next commit fails, and so does all that is asked for later."""
    with pytest.raises(StoreError, match=word):
        journal.commit()
    for each in (journal.commit, journal.renew, journal.anchor, lambda: journal.append(drafts(1))):
        with pytest.raises(StoreError, match="is used no more"):
            each()


def intact(desk: Desk, rows: int) -> None:
    """The rows are those that were acknowledged, and the next engine goes on behind them."""
    desk.clock.now += 61 * SECOND
    with desk.opened(me=BERT) as journal:
        assert list(journal.read()) == sealed(drafts(rows))
        journal.append(drafts(5, rows))
        journal.commit()
        assert journal.verify().sound


def test_full_disk(sqlite: Desk) -> None:
    with sqlite.opened(me=ALICE) as journal:
        journal.append(drafts(10))
        journal.commit()
        pages = driver(journal).execute("PRAGMA page_count").fetchone()[0]
        driver(journal).execute(f"PRAGMA max_page_count = {pages + 1}")
        journal.append(drafts(5_000, 10))
        broken(journal, "full")
    intact(sqlite, 10)


def test_locked_database(sqlite: Desk) -> None:
    with sqlite.opened(me=ALICE) as journal:
        journal.append(drafts(10))
        journal.commit()
        driver(journal).execute("PRAGMA busy_timeout = 50")
        journal.append(drafts(10, 10))
        with closing(sqlite3.connect(sqlite.folder / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            broken(journal, "locked")
            other.execute("ROLLBACK")
    intact(sqlite, 10)


def test_writer_waits_for_another_that_is_quick(sqlite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.PATIENCE >= 1
    with sqlite.opened(me=ALICE) as journal:
        assert driver(journal).execute("PRAGMA busy_timeout").fetchone() == (5_000,)


def test_closed_connection(desk: Desk) -> None:
    with desk.opened(me=ALICE) as journal:
        journal.append(drafts(10))
        journal.commit()
        journal.append(drafts(10, 10))
        driver(journal).close()
        broken(journal, "could not be written")
    intact(desk, 10)


def test_server_that_ends_the_connection_in_the_middle(postgres: Desk, server: str) -> None:
    import psycopg

    with postgres.opened(me=ALICE) as journal:
        journal.append(drafts(10))
        journal.commit()
        journal.append(drafts(10, 10))
        with psycopg.connect(server, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [driver(journal).info.backend_pid])
        broken(journal, "could not be written")
    intact(postgres, 10)


@pytest.mark.parametrize("place", ["insert", "commit", "interrupt"])
def test_error_within_a_commit(desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it comes, the beat and the rows are undone together."""
    with desk.opened(me=ALICE) as journal:
        journal.append(drafts(10))
        journal.commit()
        journal.append(drafts(10, 10))
        if place == "insert":
            journal._rows[7] = (*journal._rows[7][:7], None)
            broken(journal, "could not be written")
        else:
            error = OSError(5, "Input/output error") if place == "commit" else KeyboardInterrupt()
            dialect = journal._connection.dialect

            def fails(*_: object) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(dialect, "do_commit", fails)
                with pytest.raises((StoreError, KeyboardInterrupt)):
                    journal.commit()
            broken_words = "Input/output error" if place == "commit" else "KeyboardInterrupt"
            with pytest.raises(StoreError, match=broken_words):
                journal.commit()
    intact(desk, 10)


def test_error_texts_carry_no_rows(desk: Desk) -> None:
    with desk.opened(me=ALICE) as journal:
        journal.append([drafts(1)[0]._replace(body="a secret")])
        journal._rows[0] = (*journal._rows[0][:7], None)
        with pytest.raises(StoreError) as caught:
            journal.commit()
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.__suppress_context__


def test_failed_move_of_the_log_ends_the_journal(sqlite: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("hedgerow.store.journal.SETTLED", 100)
    with sqlite.opened(me=ALICE) as journal:
        monkeypatch.setattr(database, "settle", fails)
        journal.append(drafts(10))
        broken(journal, "disk I/O error")
    monkeypatch.undo()
    intact(sqlite, 10)  # they were durable in the log


def test_log_of_an_engine_that_died_is_written_anew_before_it_is_built_on(
    sqlite: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed sync the system shows what no disk holds. tests/faults cuts the power there."""
    log = sqlite.folder / "journal.db-wal"
    synced: list[bytes] = []
    dead = sqlite.open(me=ALICE)
    dead.append(drafts(10))
    dead.commit()
    sqlite.clock.now += 61 * SECOND
    whole = log.read_bytes()

    def write_again(path: Path) -> None:
        synced.append(path.read_bytes())
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_again", write_again)
        with pytest.raises(StoreError, match=r"could not be opened: .*Input/output error"):
            sqlite.open(me=BERT)
    assert synced == [whole]
    with sqlite.opened(write=False) as reader:
        assert reader.held().holder == "alice"
    assert anchors.read(sqlite.anchored).token("main") == 1
    intact(sqlite, 10)
    with pytest.raises(StoreError, match="taken over"):
        dead.close()


@pytest.mark.parametrize(
    ("room", "damage", "words"),
    [("journal", "seq = 'x'", "last row is damaged"), ("lease", "beat_ns = NULL", "lease of portfolio .* is damaged")],
)
def test_values_that_no_engine_wrote_bar_the_next_one(sqlite: Desk, room: str, damage: str, words: str) -> None:
    """As a page that a power cut tore may hold them, whatever the table allows."""
    sqlite.filled(3)
    with closing(sqlite3.connect(sqlite.folder / "journal.db", isolation_level=None)) as raw:
        raw.execute(f"CREATE TABLE loose AS SELECT * FROM {room}")
        raw.execute(f"DROP TABLE {room}")
        raw.execute(f"ALTER TABLE loose RENAME TO {room}")
        raw.execute(f"UPDATE {room} SET {damage}")
    with pytest.raises(StoreError, match=words):
        sqlite.open(me=BERT)


def test_write_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "PIECE", 3)
    path = tmp_path / "log"
    durable.write_again(path)
    assert not path.exists()
    path.write_bytes(b"ten bytes.")
    written: list[tuple[bytes, int]] = []

    def pwrite(opened: int, data: bytes, place: int) -> int:
        written.append((data, place))
        return len(data) if place < 9 else 0

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OSError, match="full"):
        durable.write_again(path)
    assert written == [(b"ten", 0), (b" by", 3), (b"tes", 6), (b".", 9)]


# ------------------------------------------------------------------------------------------------------------- kill -9

KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from tests.store.desk import KEY, drafts
from hedgerow.store.journal import open_journal

url, anchored = sys.argv[1:]
chance = random.Random(5)
known = 0
for life in range(12):
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        os.close(told)
        journal = open_journal(url, "main", KEY, write=True, anchored=Path(anchored), now_ns=time.time_ns)
        rows = chance.randrange(1, 60)
        os.write(tell, b"%d\\n" % journal.durable.seq)
        while True:
            journal.append(drafts(rows, journal.head.seq))
            journal.commit()
            os.write(tell, b"%d\\n" % journal.head.seq)
    os.close(tell)
    first = os.read(told, 100)
    time.sleep(chance.random() * 0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said = first
    while more := os.read(told, 65536):
        said += more
    os.close(told)
    found, *acknowledged = map(int, said.split())
    assert found >= known, (found, known)
    known = max([known, found, *acknowledged])
    print(known, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the dead are known by /proc")
def test_killed_writer_keeps_every_acknowledged_row(desk: Desk) -> None:
    """A dozen engines, one behind the other, each killed at a moment that nobody chose."""
    words = [sys.executable, "-c", KILLED, desk.url, str(desk.anchored)]
    environment = os.environ | {"PYTHONPATH": "."}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    acknowledged = [int(line) for line in done.stdout.split()]
    assert len(acknowledged) == 12
    assert acknowledged == sorted(acknowledged)
    with desk.opened(write=False) as reader:
        found = reader.verify()
        assert found.sound, found.findings
        assert found.rows == found.head.seq >= acknowledged[-1]
        assert list(reader.read()) == sealed(drafts(found.rows), key=KEY)
        assert reader.held().token == 12
