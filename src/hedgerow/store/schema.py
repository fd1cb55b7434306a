"""The tables of the journal, and the revision of a database: made, brought up to date, or refused when it is newer.

Amounts are text everywhere: SQLite's NUMERIC is a float. Alembic's migrations lie in ``store/migrations``; they run from
here, without a file of settings, and Alembic is imported only where there is something to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, inspect, select

from hedgerow.errors import ConfigError, StoreError

REVISIONS: Final = ("0001",)  # every revision that this version knows, oldest first
MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK: Final = 0x6865646765  # of PostgreSQL, while tables are made
BIG: Final = BigInteger().with_variant(Integer, "sqlite")  # 64 bits either way; a STRICT table knows no BIGINT

metadata: Final = MetaData()

journal: Final = Table(
    "journal",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("at_ns", BIG, nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("mac", Text, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

lease: Final = Table(
    "lease",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("token", BIG, nullable=False),  # grows with every engine, for ever
    Column("holder", Text, nullable=False),  # "": nobody
    Column("host", Text, nullable=False),
    Column("pid", BIG, nullable=False),
    Column("started", Text, nullable=False),  # which process of that number it is: lease.Holder
    Column("taken_ns", BIG, nullable=False),
    Column("beat_ns", BIG, nullable=False),
    Column("ttl_ns", BIG, nullable=False),
    sqlite_strict=True,
)

_version: Final = Table("alembic_version", MetaData(), Column("version_num", Text))


def revision(connection: Connection) -> str:
    """The revision of a database, "" where it has no tables of ours."""
    if not inspect(connection).has_table(_version.name):
        return ""
    return str(connection.execute(select(_version.c.version_num)).scalar() or "")


def make_ready(connection: Connection, where: str) -> None:
    """Make the tables, or bring them up to date; to be called in a transaction. Raises StoreError for a newer database."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    if _refuse_newer(revision(connection), where) == REVISIONS[-1]:
        return
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def expect_ready(connection: Connection, where: str) -> None:
    """Raise where a database cannot be read: ConfigError where it holds no journal, StoreError where its revision differs."""
    found = _refuse_newer(revision(connection), where)
    if not found:
        fix = "Name the journal with --url; the first engine that runs makes it."
        raise ConfigError("there is no journal in it", where=where, fix=fix)
    if found != REVISIONS[-1]:
        raise StoreError(
            f"{where}: the journal is of an earlier version: start the engine once, which brings it up to date"
        )


def _refuse_newer(found: str, where: str) -> str:
    if found and found not in REVISIONS:
        raise StoreError(
            f"{where}: the journal is of a newer version (revision {found}, known up to {REVISIONS[-1]}): "
            "install the newer hedgerow; this one would lose what it does not know"
        )
    return found
