"""The composition root: which market, which venue, which clock. The only room that knows all others.

Here: places, keys and journals, the compiler, recorded markets. ``floor``: portfolios that run; ``advice``: those looked at once.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow import jit
from hedgerow.errors import ConfigError
from hedgerow.units import NS_PER_DAY
from hedgerow.wire.advice import Advice, advise
from hedgerow.wire.floor import Floor, paper, replayed

__all__ = ["Advice", "Floor", "advise", "paper", "replayed"]

if TYPE_CHECKING:
    from hedgerow.model.market import Daily, Market
    from hedgerow.model.policy import Policy
    from hedgerow.research.backtest import Stage
    from hedgerow.signals.views import View
    from hedgerow.store.journal import SqlJournal

PORTFOLIO = "main"
DEMO_MARKET_START = date(2021, 1, 1)
DEMO_WARMUP = 400  # days before the run, for its signals
DEMO_START = DEMO_MARKET_START + timedelta(days=DEMO_WARMUP)
CACHE_KEPT = 30 * 86_400.0  # seconds
SHORT_JOB = 250_000  # asset-bars that the interpreter does in some 15 s; the compiler takes a minute


def home() -> Path:
    """Where everything written at run time lies: ``HEDGEROW_HOME``, else the platform's folder for user data."""
    named = os.environ.get("HEDGEROW_HOME")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("hedgerow", appauthor=False)


def journal_url() -> str:
    """The database of the journal: ``HEDGEROW_JOURNAL``, else SQLite in ``HEDGEROW_HOME/journal/journal.db``."""
    named = os.environ.get("HEDGEROW_JOURNAL")
    if named:
        return named
    from sqlalchemy import URL

    path = (home() / "journal" / "journal.db").absolute()
    return URL.create("sqlite", database=str(path)).render_as_string()


def anchored() -> Path:
    """The file in which heads of journals are noted beside them."""
    return home() / "journal" / "anchors"


def journal_key(url: str = "", *, write: bool = False) -> bytes:
    """The key of the journal at ``url``; for a writer it is made with the first journal. Raises ConfigError, StoreError."""
    from hedgerow.store import anchors, journal, keys

    def is_new() -> bool:
        if not write or any(one.seq for one in anchors.read(anchored()).anchors):
            return False
        return not journal.is_there(url or journal_url())

    return keys.journal_key(home() / "secrets", is_new)


def journal(portfolio: str = PORTFOLIO, url: str = "", *, write: bool = False) -> SqlJournal:
    """Open the journal of a portfolio: to read it, or, as its only engine, to ``write`` it. Raises ConfigError, StoreError."""
    from hedgerow.store.journal import expect, open_journal

    url = url or journal_url()
    if not write:
        expect(url, portfolio, anchored())  # before the key is looked for: where there is no journal, none is missing
    key = journal_key(url, write=write)
    return open_journal(url, portfolio, key, write=write, anchored=anchored(), now_ns=time.time_ns)


def inbox(portfolio: str = PORTFOLIO) -> Path:
    """Where the engine of a portfolio finds what operators tell it; nothing is made. Raises ConfigError."""
    from hedgerow.store.inbox import folder_of

    return folder_of(home(), portfolio)


def prepare(asset_bars: int, tell: Callable[[str], None] = lambda _: None, entrance: str = "run") -> bool:
    """Choose compiler or interpreter for a job of so many asset-bars, before the kernel is imported; True: compiled.

    ``entrance`` names the function of ``kernel.run`` that does the job. While it is not in the cache a short job is
    interpreted, so the first result does not wait for the compiler; a long one says so to ``tell``. ``HEDGEROW_JIT=0``
    or ``1`` decides instead.
    """
    wish = os.environ.get("HEDGEROW_JIT", "")
    folder = home()
    warm = jit.is_warm(folder, entrance)
    compile_it = warm or asset_bars > SHORT_JOB
    if wish in ("0", "1"):
        compile_it = wish == "1"
    if compile_it and not warm:
        tell("compiling the kernel, once for this version (about a minute)")
    if "numba" not in sys.modules:  # later it has no effect, but that numba forgets where its cache is
        # its logarithm in a loop may have other bits than one alone
        os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
    jit.prepare(folder, compile=compile_it)
    if jit.enabled:
        _forget_others(jit.cache_folder(folder))
    return jit.enabled


@contextmanager
def first(asset_bars: int) -> Iterator[bool]:
    """Where the first run of a longer job, of so many asset-bars, is made: interpreted while that is sooner than compiling
    the kernel (it gives True), which is for the runs after it; they give the same bits.
    """
    sooner = jit.enabled and asset_bars <= SHORT_JOB and not jit.is_warm(home(), "run")
    sooner = sooner and os.environ.get("HEDGEROW_JIT") != "1"
    with jit.interpreted() if sooner else nullcontext():
        yield sooner


def _forget_others(used: Path) -> None:
    """Mark a cache of compiled code as used, and remove those of other versions that nothing used for a month."""
    used.touch()
    for folder in used.parent.glob("numba-*"):
        if folder != used and time.time() - folder.stat().st_mtime > CACHE_KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def ready(asset_bars: int = SHORT_JOB + 1) -> None:
    """``prepare``, for a program that did not call it: otherwise numba would keep its cache beside the sources."""
    numba = sys.modules.get("numba")
    if jit.enabled and not (numba and numba.config.CACHE_DIR):
        prepare(asset_bars)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A data folder as a run needs it: panels, daily bars, the row of the first day, and whether it was made."""

    market: Market
    daily: Daily
    offset: int
    simulated: bool


def recorded(
    folder: Path, assets: Sequence[str], start: date | None, end: date | None, quote: str = "USDT"
) -> Recorded:
    """Load a data folder (issue: ``ConfigError`` for whatever the operator must correct)."""
    from hedgerow.store import history

    loaded = history.load(folder, assets, start=start, end=end, quote=quote)
    return Recorded(history.market(loaded), history.daily(loaded), loaded.offset, is_simulated(folder))


def is_simulated(folder: Path) -> bool:
    """Whether the folder says that its market was made, not recorded."""
    label = folder / "SIMULATED.json"
    if not label.is_file():
        return False
    try:
        return bool(json.loads(label.read_text(encoding="utf-8")))
    except ValueError:
        raise ConfigError(
            "the label cannot be read", where=str(label), fix="Make the folder anew with hedgerow data simulate."
        ) from None


def stage_of(data: Recorded, policies: Sequence[Policy], views: Path | Sequence[View] | None = None) -> Stage:
    """The signals of a recorded market, once for all ``policies`` that will run on it; ``views``: a file, or what it says."""
    ready(data.market.open_ns.shape[0] * len(data.market.universe.assets))
    from hedgerow.kernel.rules import extra_measures
    from hedgerow.research.backtest import Stage
    from hedgerow.signals.panel import panel
    from hedgerow.store.views import read_views

    extra = tuple(dict.fromkeys(name for policy in policies for name in extra_measures(policy)))
    for policy in policies:
        own = extra_measures(policy)
        if own != extra[: len(own)]:  # a policy finds its own indicators by their order
            raise ConfigError(
                f"{policy.name} names other TA-Lib indicators than the policies beside it",
                where="stage_of",
                fix="Make a stage for each.",
            )
    items = read_views(views) if isinstance(views, Path) else views or ()
    venue = data.market.universe.instruments[0].venue
    signals = panel(data.daily, extra=extra, views=items, hedge_venue=venue)
    return Stage(data.market, signals[data.offset :], signals[: data.offset], data.simulated)


def benchmarks() -> dict[str, Policy]:
    """The benchmark policies by their code, B0 to B8 (B7 is ``seed``)."""
    from hedgerow import policies

    return {f"B{i}": policies.load(name) for i, name in enumerate(policies.BENCHMARKS)}


def last_day(folder: Path, assets: Sequence[str]) -> date:
    """The last daily bar that all ``assets`` have in a data folder."""
    from hedgerow.store import history

    days_ns, closes = history.closes(folder, assets)
    common = [int(ns) for ns, close in zip(days_ns, closes, strict=True) if all(price > 0.0 for price in close)]
    if not common:
        raise ConfigError(
            f"{', '.join(assets)} have no day in common",
            where="--at",
            fix="Name a day, or leave out the coin that ended.",
        )
    return date(1970, 1, 1) + timedelta(days=common[-1] // NS_PER_DAY)


def demo_market(days: int, seed: int, scenario: str) -> Path:
    """The folder of a simulated market that ends today's demonstration; made once for each choice."""
    folder = home() / "history" / f"simulated-{scenario}-{seed}-{days}"
    if not (folder / "complete").is_file():
        from hedgerow.research.simulate import simulate, write

        write(simulate(seed=seed, start=DEMO_MARKET_START, days=days + DEMO_WARMUP, scenario=scenario), folder)
        (folder / "complete").touch()
    return folder


def demo_portfolio(folder: Path) -> Path:
    """A portfolio file for the demonstration, worth some 600,000 at the simulated prices."""
    from hedgerow.store import history

    _, closes = history.closes(folder, ("BTC", "ETH", "SOL"))
    btc, eth, sol = (float(price) for price in closes[-1])
    path = folder / "portfolio.toml"
    path.write_text(
        f'[portfolio]\nquote = "USDT"\n\n[spot.BTC]\namount = {250_000 / btc:.4f}\nunit_cost = {0.4 * btc:.2f}\n'
        f"protected = {40_000 / btc:.4f}\n\n[spot.ETH]\namount = {100_000 / eth:.3f}\nunit_cost = {1.1 * eth:.2f}\n\n"
        f"[spot.SOL]\namount = {160_000 / sol:.2f}\n\n[spot.USDT]\namount = 90000\n\n"
        f'[futures."BTC/USDT:USDT"]\namount = {-60_000 / btc:.4f}\nentry = {0.95 * btc:.2f}\ncollateral = 60000\n',
        encoding="utf-8",
    )
    return path
