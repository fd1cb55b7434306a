"""The journal in a database: rows that are sealed as they are appended, and durable in groups.

One transaction beats the lease and writes all rows since the last commit, or does neither. After the first error nothing
is written any more: whether the last rows are durable is then known only to the next process, which reads them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from hedgerow.errors import StoreError
from hedgerow.model.entry import WAYS, Draft, Entry, Head
from hedgerow.store import anchors, chain, database, lease, schema
from hedgerow.store.events import stamp
from hedgerow.store.schema import journal as table

if TYPE_CHECKING:
    from hedgerow.ports import Journal

ANCHORED: Final = 10_000  # rows after which a head is noted again
PAGE: Final = 5_000  # rows that are read at once: a reader holds no transaction while it works on them
SETTLED: Final = 8_000_000  # bytes in SQLite's log before it is moved into the file
ROW: Final = 200  # bytes of a row beside its body, roughly
_COLUMNS: Final = tuple(column.name for column in table.columns)
_ENTRY: Final = [table.c[name] for name in Entry._fields]
_DRIVER: Final = (SQLAlchemyError, sqlite3.Error, OSError, UnicodeError)

Clock = Callable[[], int]
Tell = Callable[[int], None]


class SqlJournal:
    """``ports.Journal`` in SQLite or PostgreSQL; made by ``open_journal``. Not for two threads at once.

    Without a lease it is a reader: it sees what is durable, as it becomes so.
    """

    def __init__(
        self, connection: Connection, portfolio: str, key: bytes, *, where: str, anchored: Path, now_ns: Clock
    ) -> None:
        self.portfolio, self.where, self.anchored = portfolio, where, anchored
        self.key = key
        self.lease: lease.Lease | None = None
        self.now_ns = now_ns
        self._connection = connection
        self._seal = chain.sealing(key)
        self._head = chain.EMPTY
        self._rows: list[tuple[Any, ...]] = []
        self._dead = ""
        self._noted, self._unsettled = 0, 0
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        marks = ", ".join(mark for _ in _COLUMNS)
        self._insert = f"INSERT INTO journal ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608 (names of columns)

    # -------------------------------------------------------------------------------------------------------- writing

    @property
    def head(self) -> Head:
        """The last row that was appended, durable or not; of a reader: the last durable one."""
        return self.durable if self.lease is None else self._head

    @property
    def durable(self) -> Head:
        """The last row that is durable. Raises StoreError."""
        with self._alive("read"), self._connection.begin():
            return self._last()

    @property
    def token(self) -> int:
        """The fencing token of this engine, 0 for a reader."""
        return self.lease.token if self.lease else 0

    def append(self, drafts: Iterable[Draft]) -> None:
        """Number and seal rows, in order; durable only after ``commit``. Raises StoreError, also for what is no row."""
        with self._alive("written"):
            self._writer()
            seq, mac = self._head
            rows, portfolio, seal = [], self.portfolio, self._seal
            for at_ns, account, kind, way, body in drafts:
                seq += 1
                try:
                    if way not in WAYS or "\0" in account + kind + body or not -(2**63) <= at_ns < 2**63:
                        raise ValueError
                    mac = seal(mac, seq, at_ns, portfolio, account, kind, way, body)
                except (TypeError, ValueError):  # PostgreSQL holds no zero byte, and no database half a character
                    raise StoreError(f"{self.where}: row {seq} ({kind!r}) is none that a journal can hold") from None
                rows.append((portfolio, seq, at_ns, account, kind, way, body, mac))
            self._rows += rows
            self._head = Head(seq, mac)

    def commit(self) -> None:
        """Make all that was appended durable, in one transaction with the lease's beat. Raises StoreError.

        With nothing appended it only beats, when a third of the lease's time has passed.
        """
        with self._alive("written"):
            mine, now_ns = self._writer(), self.now_ns()
            if not self._rows and now_ns - mine.beat_ns < mine.ttl_ns // 3:
                return
            with self._connection.begin():
                lease.beat(self._connection, mine, now_ns)
                if self._rows:
                    self._connection.exec_driver_sql(self._insert, self._rows)
            self.lease = mine._replace(beat_ns=now_ns)
            self._unsettled += sum(len(row[6]) + ROW for row in self._rows)
            self._rows = []
            if self._unsettled > SETTLED:
                self._unsettled = 0
                database.settle(self._connection)
            if self._head.seq >= self._noted + ANCHORED:
                self._note()

    def renew(self) -> None:
        """Give a sign of life, for an engine that has nothing to write; at least every third of the lease's time."""
        with self._alive("written"):
            mine, now_ns = self._writer(), self.now_ns()
            with self._connection.begin():
                lease.beat(self._connection, mine, now_ns)
            self.lease = mine._replace(beat_ns=now_ns)

    def anchor(self) -> None:
        """Commit, and note the head in the file of anchors. Raises StoreError."""
        self.commit()
        with self._alive("written"):
            self._note()

    def close(self) -> None:
        """Commit, note the head, give the lease back and close. After an error it only closes."""
        try:
            if self.lease is not None and not self._dead:
                self.commit()
                with self._alive("written"):
                    if self._head.seq > self._noted:
                        self._note()
                    with self._connection.begin():
                        lease.release(self._connection, self.lease)
                    database.settle(self._connection)
        finally:
            self._dead = self._dead or "it was closed"
            self._disconnect()

    def _note(self, *, cut: bool = False) -> None:
        self._noted = self._head.seq
        anchors.append(self.anchored, [chain.Anchor(self.now_ns(), self.portfolio, *self._head, self.token)], cut=cut)

    def _writer(self) -> lease.Lease:
        if self.lease is None:
            raise StoreError(f"{self.where}: the journal was opened for reading")
        return self.lease

    @contextmanager
    def _alive(self, doing: str) -> Iterator[None]:
        """Refuse where an error was before; after one, of whatever kind, nothing is done any more."""
        if self._dead:
            raise StoreError(f"{self.where}: the journal is used no more: {self._dead}")
        try:
            yield
        except _DRIVER as error:
            self._dead = f"it could not be {doing}: {database.reason(error)}"
            self._disconnect()
            raise StoreError(f"{self.where}: {self._dead}") from None
        except BaseException as error:
            self._dead = str(error) or f"{type(error).__name__} as it was {doing}"
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        with suppress(*_DRIVER):  # what is not committed is rolled back, at the latest by the database itself
            self._connection.close()

    # -------------------------------------------------------------------------------------------------------- reading

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable rows behind number ``after``, in order, each held against its seal. Raises StoreError at the first that
        does not fit; behind ``after`` the seal that stands there is taken for true.
        """
        walk = chain.Walk(self.key, self.portfolio, Head(after, self._mac(after)))
        for entry in self.rows(after):
            if fault := walk.step(entry):
                self._dead = fault
                raise StoreError(f"{self.where}: {fault}. See: hedgerow journal verify")
            yield entry

    def rows(self, after: int = 0) -> Iterator[Entry]:
        """The durable rows behind number ``after`` as they stand there, fitting or not. Raises StoreError."""
        query = select(*_ENTRY).where(table.c.portfolio == self.portfolio).order_by(table.c.seq).limit(PAGE)
        make = Entry._make
        while True:
            with self._alive("read"), self._connection.begin():
                page = [make(row) for row in self._connection.execute(query.where(table.c.seq > after))]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].seq

    def last(self, count: int, kind: str = "") -> list[Entry]:
        """The last ``count`` durable rows, in order, as they stand there; of one ``kind`` where it is named."""
        query = select(*_ENTRY).where(table.c.portfolio == self.portfolio).order_by(table.c.seq.desc()).limit(count)
        if kind:
            query = query.where(table.c.kind == kind)
        with self._alive("read"), self._connection.begin():
            return [Entry._make(row) for row in self._connection.execute(query)][::-1]

    def of_day(self, kind: str, since_ns: int, until_ns: int, *, own: bool) -> list[Entry]:
        """The durable rows of a kind and a time of the database's other portfolios, and of this one (``own``), as they stand."""
        query = select(*_ENTRY).where(table.c.kind == kind, table.c.at_ns >= since_ns, table.c.at_ns < until_ns)
        query = query if own else query.where(table.c.portfolio != self.portfolio)
        with self._alive("read"), self._connection.begin():
            return [Entry._make(row) for row in self._connection.execute(query)]

    def count(self) -> int:
        """How many durable rows there are."""
        query = select(func.count()).where(table.c.portfolio == self.portfolio)
        with self._alive("read"), self._connection.begin():
            return int(self._connection.execute(query).scalar_one())

    def verify(self, tell: Tell = lambda done: None) -> chain.Verdict:
        """Judge the durable rows from the first one, and against the anchors. Raises StoreError where they cannot be read."""
        noted = anchors.read(self.anchored)
        found = chain.verify(self.key, self.portfolio, self.rows(), noted.of(self.portfolio), tell, stamp=stamp)
        return chain.Verdict(found.head, found.rows, (*noted.findings, *found.findings))

    def held(self) -> lease.Lease | None:
        """Who holds the lease, or had it last."""
        with self._alive("read"), self._connection.begin():
            return lease.read(self._connection, self.portfolio)

    def _mac(self, seq: int) -> str:
        if not seq:
            return ""
        query = select(table.c.mac).where(table.c.portfolio == self.portfolio, table.c.seq == seq)
        with self._alive("read"), self._connection.begin():
            return str(self._connection.execute(query).scalar() or "")

    def _last(self) -> Head:
        query = select(table.c.seq, table.c.mac).where(table.c.portfolio == self.portfolio)
        row = self._connection.execute(query.order_by(table.c.seq.desc()).limit(1)).one_or_none()
        if row is not None and not (type(row[0]) is int and type(row[1]) is str):  # a damaged page may hold anything
            raise StoreError(f"{self.where}: the last row is damaged. Look with hedgerow journal verify")
        return chain.EMPTY if row is None else Head(*row)

    # -------------------------------------------------------------------------------------------------------- opening

    def take(self, ttl_ns: int = lease.TTL_NS, me: lease.Holder | None = None) -> None:
        """Become the writer: take the lease, go on behind the last row, which must fit to the anchors. Raises StoreError."""
        noted = anchors.read(self.anchored)
        with self._alive("opened"):
            with self._connection.begin():
                mine = self._lease(noted.token(self.portfolio), ttl_ns, me)
                self._head = self._last()
                self._expect(noted.last(self.portfolio))  # where it fails, the lease is not taken
            self.lease = mine
            self._note()

    def fill(self, rows: Iterable[Entry], token: int, *, cut: bool) -> None:
        """Become the writer of a journal without rows, and give it ``rows``, sealed already, all or none of them. Raises
        StoreError, also where there are rows. ``token`` is the highest that any engine had; ``cut`` as in ``anchors``.
        """
        token = max(token, anchors.read(self.anchored).token(self.portfolio))
        with self._alive("restored"):
            with self._connection.begin():
                mine = self._lease(token, lease.TTL_NS, None)
                if self._last() != chain.EMPTY:
                    raise StoreError(
                        f'{self.where}: portfolio "{self.portfolio}" has rows already; nothing is put over them'
                    )
                for batch in _batches(rows, PAGE):
                    of_columns = [tuple(getattr(row, name) for name in _COLUMNS) for row in batch]
                    self._connection.exec_driver_sql(self._insert, of_columns)
                self._head = self._last()
            self.lease = mine
            self._note(cut=cut)

    def _lease(self, floor: int, ttl_ns: int, me: lease.Holder | None) -> lease.Lease:
        me = me or lease.this_process()
        mine = lease.take(self._connection, self.portfolio, self.now_ns(), me=me, ttl_ns=ttl_ns, floor=floor)
        database.distrust(self._connection)
        return mine

    def _expect(self, noted: chain.Anchor | None) -> None:
        """Raise StoreError where the last row does not fit to the one before, or the rows not to what was noted of them."""
        seq = self._head.seq
        query = select(*_ENTRY).where(table.c.portfolio == self.portfolio, table.c.seq >= seq - 1)
        found = [Entry._make(row) for row in self._connection.execute(query.order_by(table.c.seq))]
        before = Head(found[0].seq, found[0].mac) if len(found) > 1 else chain.EMPTY
        walk = chain.Walk(self.key, self.portfolio, before)
        fault = walk.step(found[-1]) if found else ""
        if noted is not None and not fault:
            if noted.seq > seq:
                lost = f"row {noted.seq} was the last on {stamp(noted.at_ns)}, and is missing"
                fault = f"{lost}: its tail was cut, or an old copy was put back"
            else:
                at = select(table.c.mac).where(table.c.portfolio == self.portfolio, table.c.seq == noted.seq)
                if self._connection.execute(at).scalar() != noted.mac:
                    fault = f"row {noted.seq} is not the row that was the last on {stamp(noted.at_ns)}"
        if fault:
            fix = "Look with hedgerow journal verify; put a backup back with hedgerow journal restore"
            raise StoreError(f"{self.where}: {fault}. Nothing is written behind it. {fix}")


if TYPE_CHECKING:
    _FULFILS: type[Journal] = SqlJournal


def _batches(rows: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def open_journal(
    url: str,
    portfolio: str,
    key: bytes,
    *,
    write: bool,
    anchored: Path,
    now_ns: Clock,
    ttl_ns: int = lease.TTL_NS,
    me: lease.Holder | None = None,
) -> SqlJournal:
    """Open the journal of a portfolio at ``url`` (SQLite or PostgreSQL); a writer makes it where there is none.

    ``anchored`` is the file of anchors, ``now_ns`` tells the time, ``ttl_ns`` is how long a silent engine keeps the lease,
    ``me`` who asks (this process). Raises ConfigError for what the operator must correct, StoreError where another
    engine holds the lease, the database cannot be used or is of a newer version, or its rows do not fit to the anchors.
    """
    opened = connect(url, portfolio, key, write=write, anchored=anchored, now_ns=now_ns)
    if write:
        opened.take(ttl_ns, me)
    return opened


def connect(
    url: str, portfolio: str, key: bytes, *, write: bool, anchored: Path, now_ns: Clock, restoring: bool = False
) -> SqlJournal:
    """``open_journal`` without the lease."""
    chain.portfolio_name(portfolio)
    address = database.parsed(url)
    path, where = database.file_of(address), database.shown(address)
    if not restoring:
        _refuse_missing(path, where, portfolio, anchored)
    connection = database.connect(address, write=write)
    with _opening(connection, where), connection.begin():
        (schema.make_ready if write else schema.expect_ready)(connection, where)
    return SqlJournal(connection, portfolio, key, where=where, anchored=anchored, now_ns=now_ns)


@contextmanager
def _opening(connection: Connection, where: str) -> Iterator[None]:
    """Close a connection whatever goes wrong with it, and say so in our words."""
    try:
        yield
    except BaseException as error:
        connection.close()
        if isinstance(error, _DRIVER):
            raise StoreError(f"{where}: the journal cannot be opened: {database.reason(error)}") from None
        raise


def _refuse_missing(path: Path | None, where: str, portfolio: str, anchored: Path) -> None:
    """Raise StoreError where a file is not there though rows of it were noted: a new one would be a new beginning."""
    noted = anchors.read(anchored).last(portfolio)
    if path is not None and noted is not None and not path.exists():
        raise StoreError(
            f"{where}: the journal is missing, though row {noted.seq} was its last on {stamp(noted.at_ns)}. "
            "Put the file back, or a backup with hedgerow journal restore; a new portfolio needs a new name"
        )


def expect(url: str, portfolio: str, anchored: Path) -> None:
    """Raise ConfigError where no journal is at ``url``, StoreError where it is missing or cannot be read."""
    address = database.parsed(url)
    where = database.shown(address)
    _refuse_missing(database.file_of(address), where, portfolio, anchored)
    connection = database.connect(address, write=False)
    with _opening(connection, where), connection.begin():
        schema.expect_ready(connection, where)
    connection.close()


def is_there(url: str) -> bool:
    """Whether a database holds any row of any portfolio; nothing is made. Raises ConfigError and StoreError."""
    address = database.parsed(url)
    path = database.file_of(address)
    if path is not None and not path.exists():
        return False
    connection = database.connect(address, write=False)
    with _opening(connection, database.shown(address)), connection.begin():
        found = schema.revision(connection) and connection.execute(select(table.c.seq).limit(1)).first()
    connection.close()
    return bool(found)
