"""Backups of a journal: the whole chain as compressed JSON Lines, sealed like the journal itself.

The first line says what it is: format, portfolio, number and seal of the last row, the highest fencing token, and a seal
over all that; every further line is a row. The key is not in it: keep a copy of that elsewhere. ``export`` writes rows to
be read by people and other programs.
"""

from __future__ import annotations

import csv
import gzip
import hmac
import io
import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.entry import Entry, Head
from hedgerow.store import anchors, chain, durable
from hedgerow.store.events import stamp
from hedgerow.store.journal import SqlJournal, connect

FORMAT: Final = 1
TYPE: Final = "journal backup"
LONGEST: Final = 64_000_000  # bytes of a line; a longer one is no row of ours
_FIELDS: Final = ("seq", "at_ns", "account", "kind", "way", "body", "mac")
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, UnicodeError, ValueError, KeyError, TypeError)

Tell = Callable[[int], None]


class Header(NamedTuple):
    """The first line of a backup."""

    portfolio: str
    head: Head
    token: int
    made: str


def backup(journal: SqlJournal, path: Path, *, tell: Tell = lambda done: None) -> Head:
    """Write the durable rows of a journal to a new file, whole or not at all; gives the last of them.

    Raises ConfigError where the file is there already, StoreError where a row does not fit to its seal, or the disk refuses.
    """
    head, held = journal.durable, journal.held()
    header = Header(journal.portfolio, head, held.token if held else 0, stamp(journal.now_ns()))
    if path.exists():
        raise ConfigError(
            "there is such a file already", where=str(path), fix="Name a new one: a backup is never written over."
        )
    try:
        durable.make_folder(path.absolute().parent)
        if not durable.write_whole(path, _packed(journal, header, tell), replace=False):
            raise StoreError(f"{path}: somebody made such a file meanwhile")
    except OSError as error:
        raise StoreError(f"{path}: the backup cannot be written: {error.strerror or error}") from error
    return head


def _packed(journal: SqlJournal, header: Header, tell: Tell) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # 31: gzip, without a time: the same journal gives the same bytes
    yield packer.compress(_line(_sealed(journal.key, header)))
    seq = 0
    for row in journal.read():
        if row.seq > header.head.seq:  # written since we began
            break
        seq = row.seq
        yield packer.compress(_line({name: getattr(row, name) for name in _FIELDS}))
        if seq % 1_000 == 0:
            tell(seq)
    if seq != header.head.seq:
        raise StoreError(f"{journal.where}: row {header.head.seq} was there, and is no more")
    yield packer.flush()


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace") + b"\n"


def _sealed(key: bytes, header: Header) -> dict[str, Any]:
    record = {
        "type": TYPE, "format": FORMAT, "portfolio": header.portfolio, "seq": header.head.seq, "head": header.head.mac,
        "token": header.token, "made": header.made,
    }  # fmt: skip
    return record | {"mac": hmac.new(key, b"hedgerow backup|" + _line(record), "sha256").hexdigest()}


def read_backup(path: Path, key: bytes) -> tuple[Header, Generator[Entry]]:
    """The header of a backup, and its rows, each held against its seal as it is read.

    Raises ConfigError where it is no backup, was damaged, changed, cut or made with another key; StoreError where it cannot be read.
    """
    lines = _lines(path)
    try:
        header = _header(json.loads(next(lines, b"")), path, key)
    except _DAMAGE:
        raise ConfigError(
            "this is no backup of a journal", where=str(path), fix="Name what hedgerow journal backup wrote."
        ) from None
    return header, _rows(lines, header, path, key)


def _lines(path: Path) -> Generator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            while line := file.readline(LONGEST):
                yield line
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise StoreError(f"{path}: the backup cannot be read: {error.strerror or error}") from error


def _header(record: dict[str, Any], path: Path, key: bytes) -> Header:
    if record["type"] != TYPE:
        raise ValueError
    if record["format"] != FORMAT:
        fix = "Install the newer hedgerow."
        raise ConfigError(f"the backup has format {record['format']}, known is {FORMAT}", where=str(path), fix=fix)
    header = Header(record["portfolio"], Head(record["seq"], record["head"]), record["token"], record["made"])
    if not hmac.compare_digest(_sealed(key, header)["mac"], record["mac"]):
        fix = "Put back the key that the journal was written with, or another backup."
        raise ConfigError(
            "its header does not fit to the key: another key, or it was changed", where=str(path), fix=fix
        )
    return header


def _rows(lines: Generator[bytes], header: Header, path: Path, key: bytes) -> Generator[Entry]:
    walk = chain.Walk(key, header.portfolio)
    fix = "Restore another backup."
    try:
        for line in lines:
            record = json.loads(line)
            seq, at_ns, account, kind, way, body, mac = (record[name] for name in _FIELDS)
            row = Entry(seq, at_ns, header.portfolio, account, kind, way, body, mac)
            if fault := walk.step(row):
                raise ConfigError(fault, where=str(path), fix=fix)
            yield row
    except _DAMAGE:
        raise ConfigError(f"it is damaged behind row {walk.seq}", where=str(path), fix=fix) from None
    if (walk.seq, walk.mac) != header.head:
        raise ConfigError(f"it ends with row {walk.seq} instead of row {header.head.seq}", where=str(path), fix=fix)


def restore(
    path: Path,
    url: str,
    key: bytes,
    *,
    anchored: Path,
    now_ns: Callable[[], int],
    portfolio: str = "",
    cut: bool = False,
    tell: Tell = lambda done: None,
) -> Head:
    """Put a backup into a database in which its portfolio has no rows, all rows or none; gives the last of them.

    The whole chain is verified first, also against the anchors. Where they know of later rows, those are lost: that is
    refused but with ``cut``. ``portfolio``, where named, is the one expected. The next engine's fencing token is above all before.
    Raises ConfigError for a backup that is none, or is of another portfolio, StoreError for the rest.
    """
    header, rows = read_backup(path, key)
    if portfolio and portfolio != header.portfolio:
        fix = f"Write --portfolio {header.portfolio}; a journal cannot change its name."
        raise ConfigError(f'it is of portfolio "{header.portfolio}"', where=str(path), fix=fix)
    noted = anchors.read(anchored)
    last = noted.last(header.portfolio)
    if last is not None and last.seq > header.head.seq and not cut:
        raise StoreError(
            f"{path}: it ends with row {header.head.seq}, but row {last.seq} was written until {stamp(last.at_ns)}: "
            f"rows {header.head.seq + 1} to {last.seq} would be lost. Restore a later backup, or accept that with --cut"
        )
    known = [one for one in noted.of(header.portfolio) if one.seq <= header.head.seq]
    verdict = chain.verify(key, header.portfolio, rows, known, tell, stamp=stamp)
    if not verdict.sound:
        raise StoreError(f"{path}: it is not the journal that was written here: {verdict.findings[0]}")
    journal = connect(url, header.portfolio, key, write=True, anchored=anchored, now_ns=now_ns, restoring=True)
    try:
        journal.fill(read_backup(path, key)[1], header.token, cut=cut)
    finally:
        journal.close()
    return header.head


# -------------------------------------------------------------------------------------------------------------- export


def export(journal: SqlJournal, path: Path, *, tell: Tell = lambda done: None) -> int:
    """Write the durable rows to ``path``, whole or not at all, and give their number: ``.jsonl`` (bodies as JSON), or ``.csv``.

    Raises StoreError. Rows are written as they stand there; ``verify`` judges them.
    """
    done = 0

    def pieces() -> Iterator[bytes]:
        nonlocal done
        yield from _heads() if as_csv else ()
        for row in journal.rows():
            yield _cells(_cell(cell) for cell in _plain(row).values()) if as_csv else _line(plain(row))
            done += 1
            if done % 1_000 == 0:
                tell(done)

    as_csv = path.suffix.lower() == ".csv"
    try:
        durable.make_folder(path.absolute().parent)
        durable.write_whole(path, pieces(), replace=True)
    except OSError as error:
        raise StoreError(f"{path}: the export cannot be written: {error.strerror or error}") from error
    return done


def _heads() -> Iterator[bytes]:
    yield _cells(_plain(Entry(0, 0, "", "", "", "in", "", "")))


def plain(row: Entry) -> dict[str, Any]:
    """A row as people and programs read it: its time in ISO 8601 (UTC), its body as JSON."""
    return _plain(row) | {"body": _parsed(row.body)}


def _plain(row: Entry) -> dict[str, Any]:
    return {
        "seq": row.seq, "time": stamp(row.at_ns), "portfolio": row.portfolio, "account": row.account, "kind": row.kind,
        "way": row.way, "body": row.body, "mac": row.mac,
    }  # fmt: skip


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body  # as it stands


def _cell(cell: object) -> object:
    """A cell that a spreadsheet takes for text: an account's name may begin as a formula does."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _cells(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")
