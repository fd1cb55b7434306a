"""The databases that a journal must lie in alike: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.store.desk import Desk
from tests.store.server import running

_SCHEMAS = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL, started with the first test that asks and stopped after the last."""
    with running() as (address, why):
        if not address:
            pytest.skip(why)
        yield address


@pytest.fixture
def sqlite(tmp_path: Path) -> Desk:
    """A journal's place in a file, with nothing in it."""
    return Desk(f"sqlite:///{tmp_path}/hedgerow/journal.db", tmp_path / "hedgerow")


@pytest.fixture
def postgres(tmp_path: Path, server: str) -> Desk:
    """A journal's place in PostgreSQL: a schema of its own."""
    import psycopg

    name = f"test{next(_SCHEMAS)}"
    with psycopg.connect(server) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
    joint = "&" if "?" in server else "?"
    return Desk(f"{server}{joint}options=-csearch_path%3D{name}", tmp_path / "server")


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Either."""
    return request.getfixturevalue(request.param)
