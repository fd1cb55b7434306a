"""What a sweep found, and its JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hedgerow import __version__
from hedgerow.faces.records import day
from hedgerow.research.honesty import deflated, implausible, luck
from hedgerow.research.search import OBJECTIVES
from hedgerow.research.sweep import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedgerow.model.report import Run
    from hedgerow.research.plateau import Plateau
    from hedgerow.research.sweep import Sweep

FEW: Final = 10  # settings that are shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished sweep: its trials, the base policy's run and the best setting's, plateaus, and what was ever tried."""

    sweep: str  # its id
    result: Sweep
    base: Run
    base_cells: Mapping[str, str]
    base_figures: Mapping[str, Any]
    best: Run | None  # None: no setting has the objective
    plateaus: list[Plateau]
    tolerance: float
    search: str
    seed: int
    ever: Mapping[str, int]  # key -> trials in all logs of this policy; "": of the policy
    read: int  # trials that were read from the log
    seconds: float
    workers: int
    log: Path

    @property
    def ranked(self) -> list[int]:
        """Numbers of the best few trials."""
        return self.result.ranked(FEW)

    def cells(self, number: int) -> dict[str, str]:
        """What a trial changed in the policy."""
        return self.result.space.cells(self.result.setting(number))


def chance(outcome: Outcome) -> dict[str, float | int | None]:
    """Sharpe ratios beside what luck alone would make of so many settings: all a year, in the ratio's own unit.

    ``deflated`` is a probability, of the best setting among ``trials``: all that the logs have of this policy.
    """
    known, trials = outcome.result.sharpes(), max(outcome.ever[""], len(outcome.result))
    found: dict[str, float | int | None] = dict.fromkeys(("mean", "best", "luck", "chosen", "threshold", "deflated"))
    if outcome.ranked:
        found["chosen"] = outcome.result.figures(outcome.ranked[0])["sharpe"]
    if len(known) >= 2:
        found |= {"mean": math.fsum(known) / len(known), "best": max(known), "luck": luck(known)}
        found["threshold"] = luck(known, trials)
    if outcome.best is not None:
        worth = deflated(outcome.best, known, trials)
        found["deflated"] = worth if math.isfinite(worth) else None
    return found | {"trials": trials}


def caveats(outcome: Outcome) -> list[str]:
    """What must be said before the best setting is believed."""
    result, told = outcome.result, []
    failed = len(result.failed())
    tried = len(result) - failed
    one = tried == 1
    told.append(
        f"{tried:,} setting{'' if one else 's'} {'was' if one else 'were'} tried on this one history. The best of many "
        "flatters itself: expect less of it later."
    )
    found = chance(outcome)
    mean, best, most = found["mean"], found["best"], found["luck"]
    if mean is not None and best is not None and most is not None and most > 0.0:
        told.append(
            f"Were all settings equally good and their results independent, the highest Sharpe ratio of so many would lie about "
            f"{most:.2f} above the mean of {mean:.2f}; it lies {best - mean:.2f} above."
        )
    if found["deflated"] is not None:
        told.append(
            f"Deflated Sharpe ratio of the best setting: {_share(found['deflated'])}. So probable is it that its true Sharpe ratio "
            f"exceeds {found['threshold']:.2f}, what the best of {found['trials']:,} settings without any skill would show."
        )
    if outcome.ever[""] > len(result):
        told.append(f"The logs of all sweeps together hold {outcome.ever['']:,} trials of this policy.")
    if failed:
        told.append(
            f"{failed:,} setting{'' if failed == 1 else 's'} made no policy and {'was' if failed == 1 else 'were'} not run."
        )
    warning = implausible(outcome.best) if outcome.best is not None else ""
    return [*told, *([warning[:1].upper() + warning[1:] + "."] if warning else [])]


def _share(probability: float) -> str:
    """A probability in percent: near 100, which is none, as more than 99.9."""
    return "more than 99.9 %" if probability > 0.999 else f"{probability:.1%}".replace("%", " %")


def sweep_record(outcome: Outcome) -> dict[str, Any]:
    """JSON of ``hedgerow sweep``."""
    result, run = outcome.result, outcome.base
    return {
        "hedgerow": __version__,
        "sweep": outcome.sweep,
        "policy": run.policy,
        "simulated": run.simulated,
        "quote": run.quote,
        "assets": list(run.assets),
        "start": day(int(run.days_ns[0])),
        "end": day(int(run.days_ns[-1])),
        "capital": run.start_value,
        "search": outcome.search,
        "seed": outcome.seed,
        "objective": {"name": result.objective, "better": "higher" if OBJECTIVES[result.objective] > 0 else "lower"},
        "vary": {axis.key: list(axis.values) for axis in result.space.axes},
        "combinations": result.space.size,
        "tried": {
            "trials": len(result),
            "failed": len(result.failed()),
            "policy": outcome.ever[""],
            "keys": {axis.key: outcome.ever[axis.key] for axis in result.space.axes},
        },
        "base": {"cells": dict(outcome.base_cells), "metrics": dict(outcome.base_figures)},
        "best": outcome.ranked,
        "tolerance": outcome.tolerance,
        "plateaus": {
            one.key: {
                "values": list(one.values), "low_end": one.low_end, "high_end": one.high_end, "tried": one.tried,
            } for one in outcome.plateaus
        },
        "chance": chance(outcome),
        "caveats": caveats(outcome),
        "trials": [_trial(line, number) for number, line in enumerate(result.lines())],
        "log": str(outcome.log),
        "timing": {"seconds": outcome.seconds, "workers": outcome.workers, "read": outcome.read},
    }  # fmt: skip


def _trial(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    error = line.get("error")
    record = {"number": number, "cells": line["cells"], "metrics": shown(line)}
    return record | ({"error": error} if error else {})
