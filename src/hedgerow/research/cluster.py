"""The same sweep on Dask: this process asks and writes the log, the threads of other processes run.

A worker is sent the job (policy, market, signals) once, and with each task a few settings; decision 0024 says why so and
not as data of Dask's own. What a worker runs stands at the top of this module, which imports little: whether the kernel
is compiled must be settled before it is imported.
"""

from __future__ import annotations

import ipaddress
import pickle
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hedgerow.errors import ConfigError

if TYPE_CHECKING:
    from hedgerow.research.sweep import Desk, Job, Line
    from hedgerow.research.vary import Space

LOCAL: Final = "local"  # the address of a cluster that is started here, of one worker
OPTION: Final = "--cluster"
KEPT: Final = 4  # jobs that a worker holds: of sweeps that run at the same time
FRESH: Final = 0.5  # seconds for which a look at the workers holds
ANSWER: Final = 15  # seconds in which a scheduler must answer
SILENT: Final = 5.0  # seconds without any worker after which it is said
WAITED: Final = 300.0  # and after which the sweep ends: long enough for a machine to start anew

# ---------------------------------------------------------------------------------------------------- on a worker

_desks: dict[str, Desk] = {}  # by the id of the sweep, the oldest first
_taking, _compiling = threading.Lock(), threading.Lock()
_warm: set[str] = set()  # ids of which a run has ended


def versions() -> dict[str, str]:
    """What must be the same on every machine, so that a run gives the same bits."""
    from hedgerow.research.sweep import engine

    return {"hedgerow": engine(), "python": platform.python_version()} | {name: version(name) for name in _EXACT}


_EXACT: Final = ("numba", "numpy", "ta-lib")


def receive(sweep: str, theirs: Mapping[str, str], ready: Callable[[], object], job: bytes) -> dict[str, str]:
    """Take a job in, unless it is here or ``theirs`` are other versions; gives its own. ``ready`` readies the compiler."""
    ready()
    from hedgerow.research.sweep import Desk

    own = versions()
    with _taking:
        if own == theirs and sweep not in _desks:
            while len(_desks) >= KEPT:
                del _desks[next(iter(_desks))]
            _desks[sweep] = Desk(*pickle.loads(job))  # noqa: S301 (who may send tasks may run anything here anyway)
    return own


def play(sweep: str, settings: Sequence[int]) -> list[Line] | str:
    """The lines of settings; the address of the worker where it has no such job."""
    desk = _desks.get(sweep)
    if desk is None:
        from distributed import get_worker

        return str(get_worker().address)
    if sweep not in _warm:
        with _compiling:  # one thread at a time
            if sweep not in _warm:
                desk.job.run({})
                _warm.add(sweep)
    return desk.play(settings)


# -------------------------------------------------------------------------------------------------- who asks


class Cluster:
    """The crew of a cluster: every thread of every worker. Workers may come and go."""

    lasting: Final = 0.25

    def __init__(
        self, client: Any, sweep: str, job: bytes, ready: Callable[[], object], say: Callable[[str], None]
    ) -> None:
        self._client, self._sweep, self._job, self._ready, self._say = client, sweep, job, ready, say
        self._pool = client.get_executor(pure=False)
        self._have: set[str] = set()  # addresses of workers that have the job
        self._seen, self.last = -FRESH, 0

    def threads(self) -> int:
        """Threads of the workers, which then have the job. Raises ConfigError after ``WAITED`` seconds without any."""
        begun, told = time.monotonic(), False
        while time.monotonic() - self._seen > FRESH or not self.last:
            self._look()
            without = time.monotonic() - begun
            if not self.last and without > WAITED:
                fix = "What is done is kept: start workers, then the same command goes on."
                raise ConfigError(f"no worker came within {WAITED:.0f} s", where=OPTION, fix=fix)
            if not self.last:
                if without > SILENT and not told:
                    self._say(f"No worker is left. Waiting {WAITED:.0f} s for one; what is done is kept.")
                    told = True
                time.sleep(FRESH)
        return self.last

    def _look(self) -> None:
        """Who is there; those who are new get the job."""
        try:
            there: dict[str, int] = self._client.nthreads()
            new = [address for address in there if address not in self._have]
            if new:
                theirs, call = versions(), (self._sweep, versions(), self._ready, self._job)
                for address, own in self._client.run(receive, *call, workers=new, on_error="return").items():
                    self._welcome(address, own, theirs)
        except (OSError, RuntimeError) as error:  # of the connection to the scheduler
            fix = "What is done is kept: start it and its workers, then the same command goes on."
            raise ConfigError(f"the scheduler is gone: {error}", where=OPTION, fix=fix) from error
        self.last = sum(count for address, count in there.items() if address in self._have)
        self._seen = time.monotonic()

    def _welcome(self, address: str, own: Any, theirs: Mapping[str, str]) -> None:
        """Count a worker in that has taken the job, and refuse one that runs other rules."""
        if isinstance(own, OSError):
            return  # it went away meanwhile
        fix = "Install the same versions on every machine, then start its worker anew."
        if isinstance(own, BaseException):
            raise ConfigError(f"the worker at {address} cannot take the sweep: {own!r}", where=OPTION, fix=fix) from own
        for name, here in theirs.items():
            if own.get(name) != here:
                message = f"the worker at {address} has {name} {own.get(name)}, and here it is {here}"
                raise ConfigError(message, where=OPTION, fix=fix)
        self._have.add(address)

    def submit(self, settings: Sequence[int]) -> Future[Any]:
        """As ``Crew``."""
        ended: Future[Any] = self._pool.submit(play, self._sweep, tuple(settings))
        return ended

    def lines(self, ended: Future[Any]) -> list[Line] | None:
        """As ``Crew``: a task is lost with the scheduler's memory of it, or where a worker came without the job."""
        from distributed import KilledWorker

        if ended.cancelled():
            self._seen = -FRESH
            return None
        try:
            found: list[Line] | str = ended.result()
        except KilledWorker as error:
            fix = "Look for what ends them (memory?). What is done is kept: the same command goes on."
            raise ConfigError(
                f"workers died again and again at the same settings: {error}", where=OPTION, fix=fix
            ) from error
        if isinstance(found, str):
            self._have.discard(found)
            self._seen = -FRESH
            return None
        return found


@contextmanager
def crew(
    address: str,
    job: Job,
    space: Space,
    *,
    sweep: str,
    workers: int,
    ready: Callable[[], object],
    say: Callable[[str], None],
    scratch: Path,
) -> Iterator[Cluster]:
    """The crew at an address (``check``), for the sweep of this id; ``local`` starts a worker of ``workers`` threads.

    ``ready()`` is called on a worker before the kernel is imported, ``say`` is told what a person should know, and a
    local worker keeps its files in ``scratch``. Raises ConfigError where no scheduler answers.
    """
    distributed = _dask()
    sent = pickle.dumps((job, space), pickle.HIGHEST_PROTOCOL)
    with _reached(distributed, address, workers, scratch) as client:
        found = Cluster(client, sweep, sent, ready, say)
        try:
            yield found
        finally:
            found._pool.shutdown(wait=False)


def _dask() -> Any:
    try:
        import distributed
    except ImportError:
        fix = 'Install it: pip install "hedgerow[cluster]".'
        raise ConfigError("a cluster needs Dask, which is not installed", where=OPTION, fix=fix) from None
    return distributed


@contextmanager
def _reached(distributed: Any, address: str, workers: int, scratch: Path) -> Iterator[Any]:
    """A client of the cluster. A local one listens on the loopback alone, and draws no dashboard."""
    if address != LOCAL:
        try:
            client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:  # TypeError: tls:// without certificates
            fix = "Start one: dask scheduler. For tls:// name the certificates in Dask's configuration."
            raise ConfigError(f"no scheduler answers at {address}: {error}", where=OPTION, fix=fix) from error
        with client:
            yield client
        return
    scratch.mkdir(parents=True, exist_ok=True)
    here = "127.0.0.1"
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=workers, host=here, dashboard_address=f"{here}:0",
            scheduler_kwargs={"dashboard": False}, local_directory=str(scratch), memory_limit=0,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def check(address: str) -> str:
    """Refuse what is no address of a scheduler, and Dask that is not there; gives what should be said of it, or nothing."""
    if address == LOCAL:
        _dask()
        return ""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        sound = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        sound = None
    if not sound:
        fix = f"Write {LOCAL}, or where a scheduler listens, as tls://10.0.0.1:8786."
        raise ConfigError(f'"{address}" is no address of a scheduler', where=OPTION, fix=fix)
    _dask()
    if parts.scheme == "tls" or _loopback(str(parts.hostname)):
        return ""
    return f"{address} is not encrypted, and whoever reaches it can run anything on it: on a private network only."


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
