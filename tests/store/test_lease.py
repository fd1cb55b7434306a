"""The lease: one engine a portfolio; who lost it writes nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hedgerow.errors import StoreError
from hedgerow.store import anchors, lease
from hedgerow.store.lease import Holder, Lease
from tests.store.desk import ALICE, BERT, SECOND, START, Desk, drafts


def test_second_engine_is_told_who_holds_the_portfolio(desk: Desk) -> None:
    with desk.opened(me=ALICE):
        desk.clock.now += 5 * SECOND
        with pytest.raises(StoreError) as caught:
            desk.open(me=BERT)
    assert str(caught.value) == (
        'portfolio "main" is held by alice on far-away (process 11) since 2023-11-14T22:13:20Z, last heard of 5 s ago. '
        "One engine a portfolio: stop that one, or wait until 60 s passed without a sign of it"
    )
    with desk.opened(me=BERT) as journal:
        assert journal.token == 2


def test_stale_engine_writes_nothing(desk: Desk) -> None:
    old = desk.open(me=ALICE)
    old.append(drafts(2))
    old.commit()
    old.append(drafts(3, 2))
    desk.clock.now += 61 * SECOND
    with desk.opened(me=BERT) as new:
        assert new.token == 2
        new.append(drafts(1, 50))
        new.commit()
        with pytest.raises(StoreError, match=r"taken over by bert on elsewhere .*; nothing was written"):
            old.commit()
        for each in (old.commit, old.renew, old.anchor, lambda: old.append([]), lambda: list(old.read())):
            with pytest.raises(StoreError, match="is used no more"):
                each()
        old.close()
        assert new.verify().sound
        assert (new.head.seq, new.count()) == (3, 3)
        new.append(drafts(1, 51))
        new.commit()  # the stale one gave nothing back that is not its own


def test_stale_engine_that_renews_learns_it_too(desk: Desk) -> None:
    old = desk.open(me=ALICE)
    desk.clock.now += 61 * SECOND
    with desk.opened(me=BERT), pytest.raises(StoreError, match="taken over by bert"):
        old.renew()
    old.close()


def test_beats_keep_the_lease(desk: Desk) -> None:
    with desk.opened(me=ALICE) as journal:
        for beat in (journal.renew, journal.commit, lambda: (journal.append(drafts(1)), journal.commit())):
            desk.clock.now += 50 * SECOND
            beat()
            desk.clock.now += 50 * SECOND
            with pytest.raises(StoreError, match="last heard of 50 s ago"):
                desk.open(me=BERT)


def test_short_lease_and_one_that_expired_unseen(desk: Desk) -> None:
    with desk.opened(me=ALICE, ttl_ns=2 * SECOND) as journal:
        desk.clock.now += 3 * SECOND
        journal.append(drafts(1))
        journal.commit()  # nobody took it
        desk.clock.now += 3 * SECOND
        with desk.opened(me=BERT) as other:
            assert other.token == 2
            journal._dead = "left alone"


def test_clock_that_was_set_back_takes_nothing_away(desk: Desk) -> None:
    with desk.opened(me=ALICE):
        desk.clock.now -= 3_600 * SECOND
        with pytest.raises(StoreError, match="its clock is 3600 s ahead of ours"):
            desk.open(me=BERT)


def test_clock_gone_wrong_bars_nobody_for_years(desk: Desk) -> None:
    desk.clock.now += 3 * 365 * 86_400 * SECOND
    old = desk.open(me=ALICE)
    desk.clock.now = START
    with desk.opened(me=BERT) as journal:
        assert journal.token == 2
        with pytest.raises(StoreError, match="taken over"):
            old.renew()
    old.close()


def test_tokens_grow_for_ever_also_after_an_old_database_was_put_back(sqlite: Desk) -> None:
    tokens = []
    for _ in range(3):
        with sqlite.opened(me=ALICE) as journal:
            tokens.append(journal.token)
    path = sqlite.folder / "journal.db"
    old = path.read_bytes()
    with sqlite.opened(me=ALICE) as journal:
        tokens.append(journal.token)
    path.write_bytes(old)
    with sqlite.opened(me=ALICE) as journal:
        tokens.append(journal.token)
    assert tokens == [1, 2, 3, 4, 5]
    assert anchors.read(sqlite.anchored).token("main") == 5


def test_two_at_once_are_never_both_served(postgres: Desk) -> None:
    """Both look before either takes: the second one's take hits no row."""
    postgres.open(me=ALICE).close()
    one, two = postgres.open(write=False), postgres.open(write=False)
    try:
        for each in (one, two):
            each._connection.exec_driver_sql("SET default_transaction_read_only = off")
            each._connection.commit()
        with two._connection.begin():
            found = lease.read(two._connection, "main")
            with one._connection.begin():
                assert lease.take(one._connection, "main", START, me=ALICE).token == 2
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(lease, "read", lambda *_: found)
                with pytest.raises(StoreError, match="is held by"):
                    lease.take(two._connection, "main", START + 1, me=BERT)
    finally:
        one.close()
        two.close()


# ------------------------------------------------------------------------------------------------------------ the dead

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")


def held_by(pid: int, started: str) -> Lease:
    return Lease("main", 1, "alice", "here", pid, started, START, START, 60 * SECOND)


@needs_proc
def test_holder_that_died_is_succeeded_at_once(desk: Desk) -> None:
    code = "from hedgerow.store.lease import this_process; print(*this_process()[2:], sep='|', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    pid, started = child.stdout.readline().strip().split("|")
    other = Holder("carol", "here", int(pid), started)
    desk.open(me=other)._disconnect()
    with pytest.raises(StoreError, match="held by carol"):
        desk.open(me=ALICE)
    child.kill()
    child.stdin.close()
    child.stdout.close()
    while not lease.is_dead(held_by(int(pid), started)):  # a zombie is dead, before anybody waits for it
        pass
    assert child.returncode is None
    child.wait()
    with desk.opened(me=ALICE) as journal:
        assert journal.token == 2


@needs_proc
def test_death_is_believed_only_where_it_is_proved() -> None:
    me = lease.this_process()
    boot, space, tick = me.started.split()
    gone = 4_194_305  # above the highest number that Linux gives
    assert (me.pid, me.host != "", me.name != "") == (os.getpid(), True, True)
    assert not lease.is_dead(held_by(me.pid, me.started))
    assert lease.is_dead(held_by(me.pid, f"{boot} {space} {int(tick) - 1}"))  # the number was given again
    assert lease.is_dead(held_by(gone, me.started))
    assert not lease.is_dead(held_by(gone, f"other-boot {space} {tick}"))
    assert not lease.is_dead(held_by(gone, f"{boot} pid:[1] {tick}"))  # another container counts for itself
    assert not lease.is_dead(held_by(gone, ""))


def test_without_proc_only_time_tells(tmp_path: Path) -> None:
    me = lease.this_process(tmp_path)
    assert me.started == ""
    assert not lease.is_dead(held_by(4_194_305, me.started), tmp_path)


@needs_proc
def test_engine_of_this_process_is_alive(desk: Desk) -> None:
    with desk.opened(), pytest.raises(StoreError, match=f"process {os.getpid()}"):
        desk.open()
