"""The database that a journal lies in: SQLite in a file, or PostgreSQL, opened as safe as it can be.

SQLite: write-ahead log, every commit synced, file 0600 in a folder 0700. Its log is moved into the file by the journal
itself, never by SQLite on its own, which would try a failed sync again without a word. Readers open it read-only: they
never wait for the writer, nor the writer for them. PostgreSQL: psycopg 3, commits synced by the server.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from hedgerow.errors import ConfigError, StoreError
from hedgerow.store import durable

PATIENCE: Final = 5.0  # seconds that a writer waits for another one
CONNECT: Final = 10  # seconds until a server must have answered
_EXAMPLES: Final = "Write sqlite:///FILE or postgresql://USER@HOST/DATABASE."
_SESSION: Final = (
    "SET synchronous_commit = on",
    f"SET lock_timeout = '{PATIENCE:.0f}s'",
    "SET statement_timeout = '60s'",
    "SET idle_in_transaction_session_timeout = '60s'",
)


def parsed(text: str) -> URL:
    """The address of a database. Raises ConfigError for what is none, without repeating it: it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError("this is no address of a database", where="url", fix=_EXAMPLES) from None
    kind, _, driver = url.drivername.partition("+")
    if kind == "sqlite" and driver in ("", "pysqlite"):
        if not url.database or url.database == ":memory:" or url.query:
            raise ConfigError("a journal needs a file, and no more than it", where="url", fix="Write sqlite:///FILE.")
        return url
    if kind in ("postgresql", "postgres") and driver in ("", "psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(f"a journal cannot lie in {url.drivername}", where="url", fix=_EXAMPLES)


def file_of(url: URL) -> Path | None:
    """The file of an SQLite database, None for a server."""
    return Path(url.database or "").expanduser() if url.drivername.startswith("sqlite") else None


def shown(url: URL) -> str:
    """How a database is named to people: its file, or its address without the password."""
    path = file_of(url)
    return str(path) if path else url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def connect(url: URL, *, write: bool) -> Connection:
    """Open a database; a writer makes the file of SQLite where there is none.

    Closing the connection closes the database. Raises ConfigError where there is no file to read, or others may write to
    it, StoreError where it cannot be opened.
    """
    path = file_of(url)
    engine = _server(url, write) if path is None else _file(path, write)
    try:
        return engine.connect()
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise StoreError(f"{shown(url)}: the journal's database cannot be opened: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """What a driver says, on one line, and without the values that a statement carried."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0][:300] if lines else type(cause).__name__


# -------------------------------------------------------------------------------------------------------------- SQLite


def _file(path: Path, write: bool) -> Engine:
    if write:
        _make(path)
    try:
        durable.refuse_others(path, path.stat().st_mode, durable.WRITE, "the journal")
    except FileNotFoundError:
        fix = "Name the journal with --url; the first engine that runs makes it."
        raise ConfigError("there is no journal", where=str(path), fix=fix) from None
    except OSError as error:
        raise StoreError(f"{path}: the journal cannot be opened: {error.strerror or error}") from error
    engine = create_engine("sqlite://", creator=lambda: _opened(path, write), poolclass=NullPool, hide_parameters=True)
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"  # a writer waits at the door, not with half of its work done

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _make(path: Path) -> None:
    try:
        durable.make_folder(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, durable.FILE))
        durable.sync_folder(path.parent)
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(f"{path}: the journal cannot be made: {error.strerror or error}") from error


def _opened(path: Path, write: bool) -> sqlite3.Connection:
    # SQLite makes two small files beside a file that it reads; where it may not, and nobody writes, it needs none
    still = not (write or os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists())
    mode = "rw" if write else "ro&immutable=1" if still else "ro"
    made = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    try:
        for pragma in ("foreign_keys = ON", "trusted_schema = OFF", "cell_size_check = ON"):
            made.execute(f"PRAGMA {pragma}")
        # bytes that are no text are found by the seal of their row, and told with its number
        made.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        if not write:
            return made
        if made.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise sqlite3.OperationalError("this disk allows no write-ahead log; use a local disk")
        for pragma in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON", "wal_autocheckpoint = 0"):
            made.execute(f"PRAGMA {pragma}")
    except BaseException:
        made.close()
        raise
    return made


def settle(connection: Connection) -> None:
    """Move SQLite's log into its file, as far as no reader needs it. Raises the driver's errors; a server does it itself."""
    if connection.dialect.name == "sqlite":
        driver: Any = (
            connection.connection.driver_connection
        )  # SQLAlchemy would begin a transaction, in which it cannot be
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def distrust(connection: Connection) -> None:
    """Write SQLite's log anew before a new writer builds on it, in a transaction that bars others. Raises OSError.

    Its last process may have died of a sync that failed: then rows are read from it that no disk holds. A server does
    without: it ends, and reads its log again, when a sync fails.
    """
    if connection.dialect.name == "sqlite":
        file = connection.exec_driver_sql("PRAGMA database_list").all()[0][2]
        durable.write_again(Path(f"{file}-wal"))


# ---------------------------------------------------------------------------------------------------------- PostgreSQL


def _server(url: URL, write: bool) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": CONNECT, "application_name": "hedgerow"}
    try:
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True,
            connect_args={name: value for name, value in arguments.items() if name not in url.query},
        )  # fmt: skip
    except ModuleNotFoundError:
        fix = "Install it: pip install 'hedgerow[postgres]'."
        raise ConfigError("PostgreSQL needs the package psycopg", where="url", fix=fix) from None
    more = () if write else ("SET default_transaction_read_only = on",)

    @event.listens_for(engine, "connect")
    def _set(driver: Any, _: Any) -> None:
        with driver.cursor() as cursor:
            for line in (*_SESSION, *more):
                cursor.execute(line)
            cursor.execute("SHOW server_encoding")
            if cursor.fetchone() != ("UTF8",):
                raise OSError(0, "its encoding is not UTF8; make the database with ENCODING 'UTF8'")
        driver.commit()

    return engine
