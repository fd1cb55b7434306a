"""The composition root: which market, which venue, which clock. The only file that knows all rooms."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow import jit
from hedgerow.errors import ConfigError

if TYPE_CHECKING:
    from hedgerow.model.market import Daily, Market
    from hedgerow.model.policy import Policy
    from hedgerow.research.backtest import Stage

SHORT_JOB = 40_000  # asset-bars: below it, a job on a cold cache is faster interpreted than compiled


def home() -> Path:
    """Where everything written at run time lies: ``HEDGEROW_HOME``, else the platform's folder for user data."""
    named = os.environ.get("HEDGEROW_HOME")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("hedgerow", appauthor=False)


def prepare(asset_bars: int) -> bool:
    """Choose compiler or interpreter for a job of so many asset-bars, before the kernel is imported; True: compiled.

    With a cold cache a short job is interpreted, so the first result does not wait for the compiler.
    ``HEDGEROW_JIT=0`` or ``1`` decides instead.
    """
    wish = os.environ.get("HEDGEROW_JIT", "")
    folder = home()
    compile_it = jit.is_warm(folder) or asset_bars > SHORT_JOB
    if wish in ("0", "1"):
        compile_it = wish == "1"
    jit.prepare(folder, compile=compile_it)
    return compile_it


@dataclass(frozen=True, slots=True)
class Recorded:
    """A data folder as a run needs it: panels, daily bars, the row of the first day, and whether it was made."""

    market: Market
    daily: Daily
    offset: int
    simulated: bool


def recorded(folder: Path, assets: Sequence[str], start: date | None, end: date | None, quote: str = "USDT") -> Recorded:
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
        raise ConfigError("the label cannot be read", where=str(label), fix="Make the folder anew with hedgerow data simulate.") from None


def stage_of(data: Recorded, policies: Sequence[Policy]) -> Stage:
    """The signals of a recorded market, once for all ``policies`` that will run on it."""
    from hedgerow.kernel.rules import extra_measures
    from hedgerow.research.backtest import Stage
    from hedgerow.signals.panel import panel

    extra = tuple(dict.fromkeys(name for policy in policies for name in extra_measures(policy)))
    signals = panel(data.daily, extra=extra)
    return Stage(data.market, signals[data.offset :], signals[: data.offset], data.simulated)
