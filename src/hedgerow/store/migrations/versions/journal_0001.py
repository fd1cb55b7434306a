"""The tables of the first journal: rows, and who may write them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0001"
down_revision = None

_BIG = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make the tables. They are written out here, since what ``schema`` says will change."""
    op.create_table(
        "journal",
        Column("portfolio", Text, primary_key=True),
        Column("seq", _BIG, primary_key=True, autoincrement=False),
        Column("at_ns", _BIG, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("account", "kind", "way", "body", "mac")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease",
        Column("portfolio", Text, primary_key=True),
        Column("token", _BIG, nullable=False),
        Column("holder", Text, nullable=False),
        Column("host", Text, nullable=False),
        Column("pid", _BIG, nullable=False),
        Column("started", Text, nullable=False),
        *(Column(name, _BIG, nullable=False) for name in ("taken_ns", "beat_ns", "ttl_ns")),
        sqlite_strict=True,
    )
