"""Whatever a power cut leaves of what was not synced: all that had left is there, and nothing is read that was never written."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import power
from tests.faults.calls import Call
from tests.faults.disk import Change, Disk, torn

needs_strace = pytest.mark.usefixtures("strace")
SAMPLE = 400
CONTROL = 60
FAILURE = 45  # of power.failures: a sync of the log
IMAGES = 100_000


@needs_strace
def test_power_cuts_wherever_chance_puts_them() -> None:
    figures = power.cut(power.record(), SAMPLE, power.SEED)
    assert not figures.bad, f"{figures}\n" + "\n".join(figures.lines)


@needs_strace
@pytest.mark.parametrize("dies", [False, True])
def test_a_sync_that_fails_before_the_power_is_cut(dies: bool) -> None:
    """What it was to write is lost, though the next engine reads it: that one must not build on it unseen."""
    fail, kill = power.failures(power.record(kill=600))[FAILURE]
    figures = power.behind_failure(power.record(fail=fail, kill=kill if dies else 0), CONTROL, power.SEED)
    assert not figures.bad, f"{figures}\n" + "\n".join(figures.lines)


@needs_strace
@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_a_journal_that_is_synced_less_loses_what_had_left(synchronous: str) -> None:
    """The tester is tested. And what is lost or torn is told: nothing is read that was never written."""
    figures = power.cut(power.record("--synchronous", synchronous), CONTROL, power.SEED)
    assert figures.counts[power.LOST], figures
    assert not figures.counts[power.GARBLED], "\n".join(figures.lines)


@needs_strace
@pytest.mark.campaign
@pytest.mark.timeout(14_400)
def test_a_hundred_thousand_power_cuts(record_property: Callable[[str, object], None]) -> None:
    recordings = [power.record(kill=kill) for kill in power.KILLS]
    figures = power.campaign(recordings, IMAGES)
    record_property("figures", f"power cuts: {figures}")
    assert not figures.bad, "\n".join(figures.lines)


@needs_strace
@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_every_sync_that_fails_before_the_power_is_cut(record_property: Callable[[str, object], None]) -> None:
    begun, counts = time.monotonic(), Counter[str]()
    for fail, kill in power.failures(power.record(kill=600)):
        for ends in (0, kill):
            figures = power.behind_failure(power.record(fail=fail, kill=ends), 4 * CONTROL, fail)
            unborn = figures.counts[power.UNBORN]  # SQLite overlooks that its first folder was not synced
            assert figures.bad == unborn, f"fail={fail}, kill={ends}: {figures}\n" + "\n".join(figures.lines)
            counts += figures.counts
    record_property("figures", f"failed syncs: {power.Figures(counts, time.monotonic() - begun, ())}")


@needs_strace
@pytest.mark.campaign
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_thousands_of_power_cuts_of_a_journal_that_is_synced_less(
    synchronous: str, record_property: Callable[[str, object], None]
) -> None:
    figures = power.campaign([power.record("--synchronous", synchronous)], IMAGES // 20)
    record_property("figures", f"synchronous = {synchronous}: {figures}")
    assert figures.counts[power.LOST], figures
    assert not figures.counts[power.GARBLED], "\n".join(figures.lines)


# ------------------------------------------------------------------------------------------------- the model of the disk

TOP = Path("/disk")


def call(name: str, *words: str, result: int = 0) -> Call:
    return Call(name, 1, words, result)


def written(*calls: Call) -> Disk:
    """A disk after a file was opened as number 3, and what was done to it then."""
    disk = Disk(TOP)
    disk.feed(call("openat", "AT_FDCWD</>", '"/disk/a"', "O_WRONLY|O_CREAT", "0600", result=3))
    for one in calls:
        disk.feed(one)
    return disk


def images(disk: Disk, folder: Path, count: int = 300) -> set[bytes | None]:
    """What a file may be after a cut; None: it is not there."""
    found: set[bytes | None] = set()
    for seed in range(count):
        image = folder / str(seed)
        image.mkdir()
        disk.image(random.Random(seed), image)
        found.add((image / "a").read_bytes() if (image / "a").exists() else None)
    return found


def put(text: bytes, offset: int) -> Call:
    data = "".join(f"\\x{byte:02x}" for byte in text)
    return call("pwrite64", "3</disk/a>", f'"{data}"', str(len(text)), str(offset), result=len(text))


SYNC = call("fsync", "3</disk/a>")
NAMED = (call("openat", "AT_FDCWD</>", '"/disk"', "O_RDONLY", result=4), call("fsync", "4</disk>"))


def test_what_is_synced_is_there(tmp_path: Path) -> None:
    assert images(written(put(b"one", 0), SYNC, *NAMED), tmp_path) == {b"one"}


def test_a_file_whose_folder_is_not_synced_may_be_missing(tmp_path: Path) -> None:
    assert images(written(put(b"one", 0), SYNC), tmp_path) == {b"one", None}


def test_writes_that_are_not_synced_are_kept_lost_or_reordered(tmp_path: Path) -> None:
    found = images(written(*NAMED, put(b"aaaa", 0), SYNC, put(b"bb", 0), put(b"cc", 1)), tmp_path)
    assert found == {b"aaaa", b"bbaa", b"acca", b"bcca", b"bbca"}


def test_a_file_may_have_grown_without_its_bytes(tmp_path: Path) -> None:
    assert images(written(*NAMED, put(b"bb", 0)), tmp_path) == {b"", b"bb", b"\0\0"}


def test_a_name_may_come_back_until_its_folder_is_synced(tmp_path: Path) -> None:
    gone = written(*NAMED, put(b"one", 0), SYNC, call("unlink", '"/disk/a"'))
    assert images(gone, tmp_path) == {b"one", None}
    gone.feed(NAMED[1])
    (tmp_path / "later").mkdir()
    assert images(gone, tmp_path / "later") == {None}


def test_writes_tear_where_sectors_end() -> None:
    seen = {tuple(torn(Change(500, bytes(1_036)), random.Random(seed))) for seed in range(300)}
    edges = {(part.offset, len(part.data)) for parts in seen for part in parts}
    assert edges == {(500, 12), (512, 512), (1_024, 512)}
    assert len(seen) == 8  # each of three sectors is there or not
