"""The checks of ``hedgerow doctor``: one finding each, what it saw and what would mend it. Nothing is changed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from hedgerow import __version__, jit, wire
from hedgerow.errors import ConfigError, Error, StoreError
from hedgerow.faces import text
from hedgerow.faces.text_engine import age

if TYPE_CHECKING:
    from hedgerow.store.journal import SqlJournal

Verdict = Literal["ok", "warning", "failed"]
LEAST_PYTHON: Final = (3, 11)
LOW, FULL = 5e9, 2e8  # bytes left on the disk: a warning below the first, no engine below the second
OLD: Final = 600.0  # seconds after which a command that waits is worth a word


class Finding(NamedTuple):
    """What a check found: ``fix`` is what to do, "" where nothing is."""

    check: str
    verdict: Verdict
    text: str
    fix: str = ""


def examine(portfolio: str, url: str, data: Path | None, *, full: bool, tell: Callable[[str], None]) -> list[Finding]:
    """All findings, in order. ``full`` verifies every seal of the journal."""
    found: list[Finding] = []
    for name, check in (("packages", packages), ("home", home), ("disk", disk), ("key", key), ("kernel", kernel)):
        tell(name)
        found += check()
    tell("journal")
    found += journal(portfolio, url, full=full)
    tell("inbox")
    found += inbox(portfolio)
    if data is not None:
        tell("data")
        found += folder(data)
    return found


# ----------------------------------------------------------------------------------------------------------- this machine


def packages() -> Iterator[Finding]:
    """Python, and each package that the core needs, by what hedgerow's own metadata ask for."""
    from importlib import metadata

    python = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info < LEAST_PYTHON
    yield Finding(
        "python", "failed" if old else "ok", f"Python {python}", "Install Python 3.11 or newer." if old else ""
    )
    try:
        asked = [one for one in metadata.requires("hedgerow") or () if ";" not in one]
    except metadata.PackageNotFoundError:
        yield Finding(
            "packages", "warning", "hedgerow is not installed, so its needs are not known", "Install it with pip."
        )
        return
    wrong, versions = [], []
    for one in asked:
        name, limits = _needed(one)
        try:
            there = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        versions.append(f"{name} {there}")
        if not _fits(there, limits):
            wrong.append(f"{name} {there} is not {','.join(limits)}")
    if wrong:
        yield Finding("packages", "failed", "; ".join(wrong), "Install hedgerow again, in an environment of its own.")
    else:
        yield Finding("packages", "ok", f"hedgerow {__version__}; {', '.join(versions)}")


def _needed(requirement: str) -> tuple[str, list[str]]:
    """ "numpy<2.6,>=2.3" -> ("numpy", ["<2.6", ">=2.3"])."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return name[0], [
        limit.strip() for limit in re.sub(r"\[.*?\]", "", requirement[name.end() :]).split(",") if limit.strip()
    ]


def _fits(version: str, limits: list[str]) -> bool:
    """Whether a version keeps the limits, by its numbers; what is written in another way is left to the installer."""

    def numbers(written: str) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", written.partition("+")[0])[:4])

    there = numbers(version)
    for limit in limits:
        sign, named = re.match(r"[<>=!~]*", limit), numbers(limit)
        held = there[: len(named)] + (0,) * (len(named) - len(there))
        kept = {">=": held >= named, "<": held < named, "<=": held <= named, ">": held > named, "==": held == named}
        if not kept.get(sign[0] if sign else "", True):
            return False
    return True


def home() -> Iterator[Finding]:
    """The folder for everything that is kept: there, writable, and its owner's alone to write."""
    from tempfile import TemporaryFile

    place = wire.home()
    if not place.exists():
        above = next(parent for parent in place.parents if parent.exists())
        if not os.access(above, os.W_OK):
            yield Finding("home", "failed", f"{place} is not there and cannot be made", "Name another: HEDGEROW_HOME.")
        else:
            yield Finding("home", "ok", f"{place} is not there yet; the first command that writes makes it")
        return
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        fix = "Give yourself the right to write there, or name another folder: HEDGEROW_HOME."
        yield Finding("home", "failed", f"{place} cannot be written to: {error.strerror}", fix)
        return
    rights = stat.S_IMODE(place.stat().st_mode)
    if os.name == "posix" and rights & 0o022:
        yield Finding(
            "home", "warning", f"others may write to {place} (rights {rights:04o})", f"Run: chmod go-w {place}"
        )
    else:
        yield Finding("home", "ok", f"{place} can be written to (rights {rights:04o})")


def disk() -> Iterator[Finding]:
    """Free space where the journal grows: an engine that cannot write stops."""
    place = wire.home()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    words = f"{free / 1e9:,.1f} GB free"
    if free < FULL:
        yield Finding("disk", "failed", words, "Make room: an engine that cannot write its journal stops.")
    elif free < LOW:
        yield Finding("disk", "warning", words, "Make room before it is needed.")
    else:
        yield Finding("disk", "ok", words)


def key() -> Iterator[Finding]:
    """The key that seals the journals: readable by its owner alone."""
    from hedgerow.store import keys

    path = wire.home() / "secrets" / keys.NAME
    if not path.exists():
        yield Finding("key", "ok", "no key yet; it is made with the first journal")
        return
    try:
        keys.journal_key(path.parent, lambda: False)
    except Error as error:
        yield _failed("key", error)
    else:
        yield Finding(
            "key", "ok", f"{path}: only you may read it. Keep a copy elsewhere: without it no journal goes on"
        )


def kernel() -> Iterator[Finding]:
    """Whether the compiled kernel lies in the cache."""
    if os.environ.get("HEDGEROW_JIT") == "0":
        yield Finding("kernel", "ok", "interpreted, as HEDGEROW_JIT=0 asks")
    elif jit.is_warm(wire.home(), "turn.turn"):
        yield Finding("kernel", "ok", "compiled, and in the cache")
    else:
        words = "not compiled for this version: a short run is interpreted, a long one compiles first (about a minute)"
        yield Finding("kernel", "ok", words)


# ----------------------------------------------------------------------------------------------------------- the journal


def journal(portfolio: str, url: str, *, full: bool) -> Iterator[Finding]:
    """The journal: its revision, its last row against what was noted beside it, its lease and the clock."""
    try:
        opened = wire.journal(portfolio, url)
    except ConfigError as error:
        if "there is no journal" in error.message:
            yield Finding("journal", "ok", f"{error.where}: none yet; the first hedgerow run makes it")
        else:
            yield _failed("journal", error)
        return
    except Error as error:
        yield _failed("journal", error)
        return
    try:
        yield from _read(opened, portfolio, full=full)
    except StoreError as error:
        yield _failed("journal", error)
    finally:
        opened.close()


def _read(opened: SqlJournal, portfolio: str, *, full: bool) -> Iterator[Finding]:
    from hedgerow.store import anchors, schema
    from hedgerow.store.events import stamp

    head, noted = opened.durable, anchors.read(opened.anchored)
    yield Finding("revision", "ok", f"{opened.where}, revision {schema.REVISIONS[-1]}")
    for line in noted.findings:
        yield Finding("anchors", "failed", line, "Compare with your copy of the file.")
    last = noted.last(portfolio)
    if full:
        found = opened.verify()
        for line in found.findings:
            fix = "Put a backup back: hedgerow journal restore."
            yield Finding("journal", "failed", f"{line[:1].upper()}{line[1:]}", fix)
        if found.sound:
            yield Finding(
                "journal", "ok", f"all {text.counted(found.rows, 'row')} fit to their seals and to what was noted"
            )
    elif last is not None and (last.seq > head.seq or (last.seq == head.seq and last.mac != head.mac)):
        words = (
            f"row {last.seq:,} was the last on {stamp(last.at_ns)}, and the journal ends otherwise, at row {head.seq:,}"
        )
        yield Finding(
            "journal", "failed", words, "Look: hedgerow journal verify. Put a backup back: hedgerow journal restore."
        )
    else:
        beside = "as was noted" if last is not None and last.seq == head.seq else "beyond what was noted last"
        yield Finding("journal", "ok", f"{text.counted(head.seq, 'row')}, {beside}; --full verifies every seal")
    yield from _lease(opened, portfolio)
    yield from _clock(opened, max((one.at_ns for one in noted.of(portfolio)), default=0))


def _lease(opened: SqlJournal, portfolio: str) -> Iterator[Finding]:
    from hedgerow.faces.helm import is_run, read_status
    from hedgerow.faces.text_engine import unwatched, with_name
    from hedgerow.store.lease import is_dead

    held = opened.held()
    start = with_name("Start it: hedgerow run", portfolio) + "."
    if held is not None and is_run(opened):
        silent = (time.time_ns() - held.beat_ns) / 1e9
        words = f"{held.holder} on {held.host} runs it (process {held.pid}), last sign of life {age(max(0.0, silent))}"
        yield Finding("engine", "ok", words)
        return
    left: list[str] = []
    with suppress(ConfigError):
        left = unwatched(read_status(portfolio))
    open_ = f": {'; '.join(left)}" if left else ""
    if held is None or not held.holder:
        yield Finding("engine", "warning" if left else "ok", f"no engine runs it{open_}", start if left else "")
    elif is_dead(held):
        words = f"the engine of {held.holder} (process {held.pid}) ended without giving its lease back{open_}"
        yield Finding("engine", "warning", words, f"The next one takes it over. {start}")
    else:
        silent = (time.time_ns() - held.beat_ns) / 1e9
        words = (
            f"the engine of {held.holder} on {held.host} (process {held.pid}) gave no sign of life for {silent:,.0f} s"
        )
        fix = f"See whether it still runs there; its lease is free. {start}"
        yield Finding("engine", "warning", words + open_, fix)


def _clock(opened: SqlJournal, noted_ns: int) -> Iterator[Finding]:
    """The wall clock against the last sign of life and the last note: it may not have gone back."""
    held = opened.held()
    last = max(noted_ns, held.beat_ns if held else 0)
    behind = (last - time.time_ns()) / 1e9
    if behind > 1.0:
        fix = "Set the clock (timedatectl, chrony): leases and approvals go by it."
        yield Finding("clock", "failed", f"the clock is {behind:,.0f} s behind the last sign of an engine", fix)
    else:
        yield Finding("clock", "ok", "not behind the last sign of an engine")


# ------------------------------------------------------------------------------------------------------- inbox and data


def inbox(portfolio: str) -> Iterator[Finding]:
    """What waits for the engine, what was put aside, and files HALT."""
    from hedgerow.store import inbox as box

    place = wire.inbox(portfolio)
    for where, whose in ((place, f"portfolio {portfolio}"), (wire.home(), "all portfolios")):
        if os.path.lexists(where / box.HALT):
            fix = "Remove it, then: hedgerow resume."
            yield Finding("halt", "warning", f"{where / box.HALT} holds {whose}: nothing is placed", fix)
    try:
        names = sorted(path.name for path in place.iterdir() if path.suffix == ".json")
        aside = (
            sum(path.suffix != ".why" for path in (place / box.REFUSED).iterdir())
            if (place / box.REFUSED).is_dir()
            else 0
        )
    except FileNotFoundError:
        names, aside = [], 0
    except OSError as error:
        yield Finding(
            "inbox", "failed", f"{place} cannot be read: {error.strerror}", "Give yourself the right to read it."
        )
        return
    oldest = min((int(name[:19]) for name in names if name[:19].isdigit()), default=time.time_ns())
    waited = (time.time_ns() - oldest) / 1e9
    if names:
        words = f"{text.counted(len(names), 'command')} waiting, the oldest from {age(max(0.0, waited))}"
        fix = f"They are done at the next start; remove from {place} what is no longer meant." if waited > OLD else ""
        yield Finding("inbox", "warning" if waited > OLD else "ok", words, fix)
    if aside:
        words = f"{text.counted(aside, 'file')} in {place / box.REFUSED} that were no commands"
        yield Finding("inbox", "warning", words, "Read the reasons beside them, then remove them.")
    if not names and not aside:
        yield Finding("inbox", "ok", "nothing waits")


def folder(data: Path) -> Iterator[Finding]:
    """A data folder, as ``hedgerow data check`` judges it."""
    from hedgerow.store import check as judge

    fix = f"Look: hedgerow data check {data}"
    try:
        found = list(judge.check(data))
    except Error as error:
        yield _failed("data", error)
        return
    errors, warnings = (sum(one.severity == kind for one in found) for kind in ("error", "warning"))
    words = f"{data}: {text.counted(errors, 'error')}, {text.counted(warnings, 'warning')}"
    if errors:
        yield Finding("data", "failed", words, fix)
    else:
        yield Finding("data", "warning" if warnings else "ok", words, fix if warnings else "")


def _failed(check: str, error: Error) -> Finding:
    """An error as a finding: its sentence, and its fix apart where it has one."""
    if isinstance(error, ConfigError):
        where = f"{error.where}: " if error.where else ""
        return Finding(check, "failed", f"{where}{error.message}", error.fix)
    return Finding(check, "failed", str(error))
