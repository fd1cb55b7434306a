"""The anchors of the journals: ``HEDGEROW_HOME/journal/anchors``, heads that were noted beside the database.

One line each, appended and synced: time (UTC), portfolio, number of the last row, its seal ("-": no row yet), fencing
token. A tail that was cut, or an old database that was put back, does not fit to them. A fifth word ``from`` says that a
backup was restored there on purpose, with fewer rows: what was noted beyond is void. They prove as much as the file
they stand in: copy it to another machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store import durable
from hedgerow.store.chain import Anchor
from hedgerow.store.events import moment, stamp

NONE: Final = "-"
CUT: Final = "from"
TORN: Final = " torn"  # closes a line that a power cut tore; whole lines have their end, so no anchor can be voided so
_LINE: Final = re.compile(r"(\S+) (\S+) (\d{1,19}) ([0-9a-f]{64}|-) (\d{1,19})( from)?")


class Noted(NamedTuple):
    """What an anchor file says: the anchors that hold, in order of writing, and one line for each line that is none."""

    anchors: tuple[Anchor, ...]
    findings: tuple[str, ...]

    def of(self, portfolio: str) -> tuple[Anchor, ...]:
        """Those of a portfolio."""
        return tuple(anchor for anchor in self.anchors if anchor.portfolio == portfolio)

    def last(self, portfolio: str) -> Anchor | None:
        """The one with the highest row of a portfolio, None where no row was noted."""
        found = [anchor for anchor in self.of(portfolio) if anchor.seq > 0]
        return max(found, key=lambda anchor: anchor.seq, default=None)

    def token(self, portfolio: str) -> int:
        """The highest fencing token that was noted of a portfolio, 0 where none was."""
        return max((anchor.token for anchor in self.of(portfolio)), default=0)


def read(path: Path) -> Noted:
    """The anchors in a file; none where there is no file. Raises StoreError where it cannot be read.

    A last line without an end was torn by a power cut before its row counted as noted: it is left out, also when the
    next engine has closed it.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return Noted((), ())
    except OSError as error:
        raise StoreError(f"{path}: the anchors cannot be read: {error.strerror or error}") from error
    anchors: list[Anchor] = []
    findings = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        if line.endswith(TORN):
            continue
        try:
            anchor, cut = _anchor(line)
        except ValueError:
            findings.append(f"{path.name}, line {number}: it is no anchor; remove the line if a power cut tore it")
            continue
        if cut:
            anchors = [one for one in anchors if one.portfolio != anchor.portfolio or one.seq <= anchor.seq]
        anchors.append(anchor)
    return Noted(tuple(anchors), tuple(findings))


def _anchor(line: str) -> tuple[Anchor, bool]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(line)
    time, portfolio, seq, mac, token, cut = found.groups()
    try:
        at_ns = moment(time, "")
    except ConfigError:
        raise ValueError(line) from None
    return Anchor(at_ns, portfolio, int(seq), "" if mac == NONE else mac, int(token)), cut is not None


def append(path: Path, anchors: Iterable[Anchor], *, cut: bool = False) -> None:
    """Write anchors behind those that are there, durably. Raises StoreError. ``cut``: what was noted beyond them is void."""
    end = f" {CUT}" if cut else ""
    lines = "".join(
        f"{stamp(one.at_ns)} {one.portfolio} {one.seq} {one.mac or NONE} {one.token}{end}\n" for one in anchors
    )
    try:
        durable.make_folder(path.parent)
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, durable.FILE)
        try:
            size = os.fstat(opened).st_size
            torn = size and os.pread(opened, 1, size - 1) != b"\n"
            data = (f"{TORN}\n" if torn else "").encode() + lines.encode()  # append-only, as the file may be
            if os.write(opened, data) != len(data):
                raise OSError(28, "the disk is full")
            os.fsync(opened)
        finally:
            os.close(opened)
        durable.sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: the anchors cannot be written: {error.strerror or error}") from error
