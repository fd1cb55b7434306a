"""hedgerow sweep --cluster on real schedulers and workers: the same bits, whoever runs them and whoever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faces.test_cli_sweep import PERIOD, call, folder, own, record, refused, same

pytest.importorskip("distributed")
import psutil

from hedgerow.research import cluster

__all__ = ("folder",)  # a fixture

VARY = (
    "--vary", "trim.drift.threshold=4pp:12pp:4pp", "--vary", "hedge.leverage=1,2", "--vary", "hedge.high_risk=true,false",
    "--vary", "vote.sigma7_up.measure=sigma7_change7,talib:RSI(21)",
)  # fmt: skip
LONG = ("--vary", "trim.drift.threshold=2pp:11pp:1pp", "--vary", "hedge.cap=10%:100%:10%")
LONGER = ("--vary", "trim.drift.threshold=2pp:21pp:1pp", "--vary", "hedge.cap=10%:100%:10%")
LOOPBACK = "127.0.0.1"


class Machines:
    """A scheduler and its workers as the how-to starts them, each a process of its own."""

    def __init__(self, home: Path) -> None:
        self._home, self._file, self._all = home, home / "scheduler.json", list[subprocess.Popen[bytes]]()
        self._workers = list[subprocess.Popen[bytes]]()
        self.start("scheduler", "--port", "0")
        self.address = str(self.wait(self._told)["address"])

    def _told(self) -> Any:
        try:
            return json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def start(self, kind: str, *more: str, source: Path = ROOT / "src") -> subprocess.Popen[bytes]:
        dask = Path(sysconfig.get_path("scripts")) / "dask"
        words = [sys.executable, dask, kind, "--scheduler-file", self._file, "--host", LOOPBACK, *more]
        words += ["--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0"]
        environment = os.environ | {"HEDGEROW_HOME": str(self._home), "PYTHONPATH": str(source)}
        made = subprocess.Popen(words, env=environment, cwd=self._home, stdout=-3, stderr=-3)
        self._all.append(made)
        return made

    def workers(self, count: int) -> list[subprocess.Popen[bytes]]:
        """So many workers, those who live first, and nobody else."""
        living = [one for one in self._workers if one.poll() is None]
        for one in living[count:]:
            one.kill()
            one.wait()
        self._workers = living[:count] + [self.worker() for _ in range(count - len(living))]
        return self._workers

    def worker(self, **more: Any) -> subprocess.Popen[bytes]:
        words = ("--nworkers", "1", "--nthreads", "1", "--no-nanny")
        return self.start("worker", *words, "--local-directory", str(self._home), **more)

    def wait(self, found: Callable[[], Any]) -> Any:
        end = time.monotonic() + 60.0
        while not (there := found()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return there

    def stop(self) -> None:
        for one in self._all[::-1]:
            one.kill()
            one.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    made = Machines(own(tmp_path_factory.mktemp("far")))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a home by its name the one that is used."""

    def use(name: str) -> Path:
        made = tmp_path / name
        if not made.exists():
            own(made)
        monkeypatch.setenv("HEDGEROW_HOME", str(made))
        return made

    return use


def log_of(home: Path) -> list[dict[str, Any]]:
    """The trials of the only log in a home, by number, without their seconds."""
    found = [json.loads(line) for path in (home / "trials").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    kept = [{key: value for key, value in line.items() if key != "seconds"} for line in found[1:]]
    return sorted(kept, key=lambda line: int(line["number"]))


def after(home: Path, trials: int, act: Callable[[], object]) -> threading.Thread:
    """Do something as soon as the log in a home has so many trials."""

    def watch() -> None:
        end = time.monotonic() + 120.0
        while time.monotonic() < end:
            if sum(path.read_bytes().count(b"\n") for path in (home / "trials").glob("*.jsonl")) > trials:
                act()
                return
            time.sleep(0.002)

    made = threading.Thread(target=watch, daemon=True)
    made.start()
    return made


def test_a_cluster_finds_what_threads_find(folder: Path, machines: Machines, homes: Callable[[str], Path]) -> None:
    machines.workers(2)
    for search in (("--search", "grid"), ("--search", "tpe", "--trials", "12")):
        if search[1] == "tpe":
            pytest.importorskip("optuna")
        near = homes(f"near-{search[1]}")
        here = record(folder, *VARY, *search)
        far = homes(f"far-{search[1]}")
        there = record(folder, *VARY, *search, "--cluster", machines.address)
        assert same(there) == same(here)
        assert log_of(far) == log_of(near)
        assert there["timing"]["read"] == 0
    assert there["timing"]["workers"] == 2
    assert {trial["number"] for trial in here["trials"] if "error" in trial}  # a failure is told from afar, too


@pytest.mark.slow
def test_a_worker_that_was_killed_costs_time_alone(
    folder: Path, machines: Machines, homes: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cluster, "SILENT", 0.5)
    monkeypatch.setattr(cluster.Cluster, "lasting", 0.02)
    homes("near")
    here = record(folder, *LONG)
    far, (first, second) = homes("far"), machines.workers(2)

    def last() -> None:  # all are gone for a while
        second.send_signal(signal.SIGKILL)
        time.sleep(3.0)
        machines.workers(1)

    watching = after(far, 20, lambda: first.send_signal(signal.SIGKILL)), after(far, 60, last)
    done = call("sweep", "--data", folder, *PERIOD, *LONG, "--cluster", machines.address, "--json", "-")
    for one in watching:
        one.join()
    assert done.exit_code == 0, done.output
    there = json.loads(done.stdout)
    assert (first.wait(), second.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
    assert same(there) == same(here)
    assert [line["number"] for line in log_of(far)] == list(range(100))
    assert "No worker is left" in done.stderr


@pytest.mark.slow
def test_a_sweep_without_workers_ends_with_what_is_done(
    folder: Path, machines: Machines, homes: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.Cluster, "lasting", 0.02)
    home, (only,) = homes("far"), machines.workers(1)

    def end() -> None:
        monkeypatch.setattr(cluster, "WAITED", 1.0)
        only.kill()

    watching = after(home, 20, end)
    done = call("sweep", "--data", folder, *PERIOD, *LONG, "--cluster", machines.address)
    watching.join()
    assert done.exit_code == 2
    assert "no worker came within 1 s. What is done is kept" in done.stderr
    kept = len(log_of(home))
    resumed = record(folder, *LONG)
    assert resumed["timing"]["read"] == kept
    assert 20 <= kept < 100
    homes("near")
    assert same(resumed) == same(record(folder, *LONG))


def test_what_is_done_waits_for_no_worker(
    folder: Path, machines: Machines, homes: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "WAITED", 0.0)
    homes("far")
    machines.workers(0)
    few = ("--vary", "hedge.cap=50%,60%")
    here = record(folder, *few)
    there = record(folder, *few, "--cluster", machines.address)
    assert same(there) == same(here)
    assert (there["timing"]["read"], there["timing"]["workers"]) == (2, 0)


def test_a_worker_of_another_version_is_refused(
    folder: Path, machines: Machines, homes: Callable[[str], Path], tmp_path: Path
) -> None:
    homes("far")
    machines.workers(0)
    shutil.copytree(ROOT / "src" / "hedgerow", tmp_path / "other" / "hedgerow")
    with (tmp_path / "other" / "hedgerow" / "ledger" / "statistics.py").open("a") as file:
        file.write("# other rules\n")
    worker = machines.worker(source=tmp_path / "other")
    words = refused(folder, *VARY, "--cluster", machines.address)
    assert "has hedgerow 0.1.0-" in words
    assert "Install the same versions on every machine" in words
    worker.kill()
    worker.wait()
    shutil.rmtree(tmp_path / "other" / "hedgerow")
    (tmp_path / "other" / "hedgerow.py").write_text("here = 1\n")
    worker = machines.worker(source=tmp_path / "other")
    assert "cannot take the sweep: " in refused(folder, *VARY, "--cluster", machines.address)
    worker.kill()


@pytest.mark.slow
def test_a_local_sweep_that_was_killed_goes_on_and_leaves_no_process(
    folder: Path, homes: Callable[[str], Path], tmp_path: Path
) -> None:
    homes("near")
    here = record(folder, *LONGER)
    home = homes("local")
    words = [
        "sweep",
        "--data",
        folder,
        *PERIOD,
        *LONGER,
        "--cluster",
        "local",
        "--workers",
        "1",
        "--json",
        tmp_path / "out",
    ]
    with subprocess.Popen([sys.executable, "-m", "hedgerow", *map(str, words)], stdout=-3, stderr=-3) as process:
        seen = list[psutil.Process]()
        ports = list[tuple[str, int]]()

        def end() -> None:
            me = psutil.Process(process.pid)
            seen.extend(me.children(recursive=True))
            for one in (me, *seen):
                ports.extend(it.laddr for it in one.net_connections() if it.status == psutil.CONN_LISTEN)
            process.send_signal(signal.SIGKILL)

        after(home, 20, end).join()
        assert process.wait() == -signal.SIGKILL
    assert ports
    assert {host for host, _ in ports} == {LOOPBACK}
    gone, alive = psutil.wait_procs(seen, timeout=20.0)
    assert gone
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    before = len(log_of(home))
    assert 20 <= before < 200
    resumed = record(folder, *LONGER, "--cluster", "local", "--workers", "1")
    assert resumed["timing"]["read"] == before
    assert same(resumed) == same(here)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--cluster", "far away"), "is no address of a scheduler"),
        (("--cluster", "ucx://10.0.0.1:8786"), "is no address of a scheduler"),
        (("--cluster", "tcp://10.0.0.1"), "is no address of a scheduler"),
        (("--cluster", "127.0.0.1:1"), "no scheduler answers at 127.0.0.1:1"),
        (("--cluster", "tls://127.0.0.1:1"), "name the certificates"),
        (("--cluster", "127.0.0.1:1", "--workers", "2"), "Leave it out"),
    ],
)
def test_what_is_no_cluster_is_refused(
    folder: Path, homes: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], words: str
) -> None:
    homes("far")
    monkeypatch.setattr(cluster, "ANSWER", 1)
    assert words in refused(folder, "--vary", "hedge.cap=50%", *more)


def test_dask_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from hedgerow.errors import ConfigError

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'pip install "hedgerow\[cluster\]"'):
        cluster.check("local")


def test_an_open_connection_is_said() -> None:
    assert "private network only" in cluster.check("tcp://10.0.0.1:8786")
    assert cluster.check("tls://10.0.0.1:8786") == cluster.check("localhost:8786") == cluster.check("local") == ""


def test_settings_that_end_every_worker_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import Future

    from distributed import KilledWorker

    from hedgerow.errors import ConfigError

    ended: Future[Any] = Future()
    ended.set_exception(KilledWorker("play", SimpleNamespace(address="tcp://10.0.0.2:1"), 3))
    crew = cluster.Cluster(SimpleNamespace(get_executor=lambda **_: None), "id", b"", lambda: None, print)
    with pytest.raises(ConfigError, match="died again and again"):
        crew.lines(ended)
    lost: Future[Any] = Future()
    lost.cancel()
    assert crew.lines(lost) is None
