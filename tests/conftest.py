"""What all tests share: a home of their own, one compiler cache, hypothesis profiles, the shared market data."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path

import pytest
import typer.testing
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HEDGEROW_TEST_DATA") or ROOT.parent / "shared" / "data")
HOME = ROOT / ".cache" / "home"
NO_DATA = f"the shared market data is not at {DATA}; name its folder in HEDGEROW_TEST_DATA"

# Nothing of a test may land in the user's home, and every worker reads the same compiled kernel.
os.environ["HEDGEROW_HOME"] = str(HOME)
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(ROOT / ".cache" / "hypothesis")
# A zone that nobody lives in by accident: whatever reads local time instead of UTC fails here.
os.environ["TZ"] = "<+1245>-12:45"
time.tzset()

from hedgerow import jit  # noqa: E402  (the environment comes first)

jit.prepare(HOME, compile=os.environ.get("HEDGEROW_JIT", "1") != "0")

# Building the command line from its signatures takes longer than most commands do, and an app does not change.
typer.testing._get_command = functools.cache(typer.testing._get_command)

_CALM = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", max_examples=100, derandomize=True, deadline=None, suppress_health_check=_CALM)
settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=_CALM)
settings.register_profile("deep", max_examples=5_000, deadline=None, suppress_health_check=_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# Rooms whose tests run no whole program of the kernel; the kernel's own come later still: most are interpreted.
SMALL = ("ledger", "model", "signals", "store", "tidy", "test_jit.py", "test_public.py")
LATE = ("kernel", "oracles")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In an order in which one worker of two compiles: it gets the first half. A program takes up to a minute to compile, and who
    asks for it meanwhile does so, too.
    """

    def place(item: pytest.Item) -> int:
        room = item.path.relative_to(ROOT / "tests").parts[0]
        return 2 if room in LATE else 1 if room in SMALL else 0

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked ``data`` where the data is not."""
    if item.get_closest_marker("data") and not DATA.is_dir():
        pytest.skip(NO_DATA)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say the figures that campaigns found, whichever worker ran them."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "figures":
                    terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The shared market data, read in place."""
    if not DATA.is_dir():
        pytest.skip(NO_DATA)
    return DATA


@pytest.fixture(scope="session")
def made_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a SIMULATED market, 2021-01-01 to 2022-08-23: BTC, ETH, SOL, and EOS, which has no perpetual."""
    from datetime import date

    from hedgerow.research.simulate import simulate, write

    folder = tmp_path_factory.mktemp("made")
    write(simulate(seed=3, assets=("BTC", "ETH", "SOL", "EOS"), start=date(2021, 1, 1), days=600), folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``HEDGEROW_HOME`` for a test that writes."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HEDGEROW_HOME", str(folder))
    return folder
