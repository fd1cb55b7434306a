"""The lease: one engine a portfolio, and a token that fences off the engine that lost it.

Every engine gets a token above all before it. Each transaction of its journal first beats the lease where the token is
still its own; whoever was taken over hits no row, and writes nothing. So a wrong guess about a holder's death costs that
engine its run, never the journal its order. Functions take a connection in a transaction; times are UTC in ns.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select, update

from hedgerow.errors import StoreError
from hedgerow.store.events import stamp
from hedgerow.store.schema import lease as table
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND

TTL_NS: Final = 60 * NS_PER_SECOND
AHEAD_NS: Final = (
    NS_PER_DAY  # a sign of life from so far ahead is that of a clock gone wrong, and would bar us for as long
)
_PROC: Final = Path("/proc")
_ENDED: Final = ("Z", "X", "x")  # states of a process that runs no more


class Holder(NamedTuple):
    """A process: its user, host and number, and ``started``: the system's boot, the space that its number is counted in,
    and the clock tick of its start ("" where there is no /proc). No other process ever has the same ``started``.
    """

    name: str
    host: str
    pid: int
    started: str


class Lease(NamedTuple):
    """Who may write the journal of ``portfolio``: the fields of ``Holder`` (``holder`` "": nobody), since when, and the
    last sign of life; ``ttl_ns`` after it the lease is free.
    """

    portfolio: str
    token: int
    holder: str
    host: str
    pid: int
    started: str
    taken_ns: int
    beat_ns: int
    ttl_ns: int


def this_process(proc: Path = _PROC) -> Holder:
    """The process that asks."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        name = f"user {os.getuid()}"
    place = _place(proc)
    state = _state(proc, os.getpid())
    return Holder(name, socket.gethostname(), os.getpid(), f"{place} {state[1]}" if place and state else "")


def _place(proc: Path) -> str:
    """The boot and the space of process numbers that we are in; "" where that cannot be told."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(proc / 'self/ns/pid').readlink()}"
    except (OSError, UnicodeDecodeError):
        return ""


def _state(proc: Path, pid: int) -> tuple[str, str] | None:
    """State and start (clock ticks since the boot) of a process; None where there is none, or it cannot be read."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the program's name, in brackets, may hold anything
    return (fields[0], fields[19]) if len(fields) > 19 else None


def is_dead(found: Lease, proc: Path = _PROC) -> bool:
    """Whether the holder is proved to run no more: it was started under this boot, and its process is gone."""
    place = _place(proc)
    if not place or not found.started.startswith(f"{place} "):
        return (
            False  # another machine, another container, or before a boot that we cannot tell apart from another machine
        )
    try:
        (proc / str(found.pid) / "stat").stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    state = _state(proc, found.pid)
    return state is not None and (state[0] in _ENDED or found.started != f"{place} {state[1]}")


def read(connection: Connection, portfolio: str) -> Lease | None:
    """The lease of a portfolio, None where no engine ever had it. Raises StoreError where it is damaged."""
    row = connection.execute(select(table).where(table.c.portfolio == portfolio)).one_or_none()
    if row is not None and [type(value) for value in row] != [column.type.python_type for column in table.columns]:
        raise StoreError(
            f'the lease of portfolio "{portfolio}" is damaged. Put a backup back with hedgerow journal restore'
        )
    return None if row is None else Lease(*row)


def take(
    connection: Connection, portfolio: str, now_ns: int, *, me: Holder, ttl_ns: int = TTL_NS, floor: int = 0
) -> Lease:
    """Take the lease where it is free, expired, or its holder is dead, with a token above ``floor`` and all before.

    Raises StoreError that names the holder.
    """
    found = read(connection, portfolio)
    token = max(floor, found.token if found else 0) + 1
    mine = Lease(portfolio, token, me.name or "somebody", me.host, me.pid, me.started, now_ns, now_ns, ttl_ns)
    if found is None:
        connection.execute(insert(table), mine._asdict())
        return mine
    alive = -AHEAD_NS <= now_ns - found.beat_ns <= found.ttl_ns
    if found.holder and alive and not is_dead(found):
        raise StoreError(_held(found, now_ns))
    seen = (table.c.portfolio == portfolio, table.c.token == found.token, table.c.beat_ns == found.beat_ns)
    taken = connection.execute(update(table).where(*seen).values(**mine._asdict()))
    if taken.rowcount != 1:  # its holder gave a sign of life meanwhile, or a third engine was quicker
        raise StoreError(_held(read(connection, portfolio) or found, now_ns))
    return mine


def beat(connection: Connection, mine: Lease, now_ns: int) -> None:
    """Give a sign of life, before anything is written. Raises StoreError where the lease is another's."""
    own = (table.c.portfolio == mine.portfolio, table.c.token == mine.token)
    if connection.execute(update(table).where(*own).values(beat_ns=now_ns)).rowcount != 1:
        found = read(connection, mine.portfolio)
        whose = f"{found.holder} on {found.host} (process {found.pid})" if found and found.holder else "somebody"
        raise StoreError(
            f'portfolio "{mine.portfolio}" was taken over by {whose}; nothing was written. Stop this engine: the other one runs'
        )


def release(connection: Connection, mine: Lease) -> None:
    """Give the lease back; its token stays behind, so that the next one is higher."""
    own = (table.c.portfolio == mine.portfolio, table.c.token == mine.token)
    connection.execute(update(table).where(*own).values(holder="", started=""))


def _held(found: Lease, now_ns: int) -> str:
    quiet = (now_ns - found.beat_ns) / NS_PER_SECOND
    heard = f"last heard of {quiet:.0f} s ago" if quiet >= 0 else f"its clock is {-quiet:.0f} s ahead of ours"
    return (
        f'portfolio "{found.portfolio}" is held by {found.holder} on {found.host} (process {found.pid}) '
        f"since {stamp(found.taken_ns)}, {heard}. One engine a portfolio: stop that one, "
        f"or wait until {found.ttl_ns / NS_PER_SECOND:.0f} s passed without a sign of it"
    )
