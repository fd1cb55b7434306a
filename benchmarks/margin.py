"""What the margin step costs: a run as it is over the same run that neither watches margin nor liquidates, in one process."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from types import FunctionType
from typing import Any

from hedgerow import jit


def never(*arguments: Any) -> bool:
    return False


def without_margin() -> Callable[..., Any]:
    """``kernel.run.run``, compiled anew with nothing in place of liquidation, the watch and the ladder. Takes a minute.

    It is not kept in the cache: there it would be taken for the whole run.
    """
    from hedgerow import link
    from hedgerow.kernel import run as runs

    whole: Any = runs.run
    source = whole.py_func
    names = dict(source.__globals__)
    nothing = jit.compiled(never)
    for name in ("at_the_high", "watch_margin", "refresh_account", "act_on_margin"):
        names[name] = nothing
    bare = FunctionType(source.__code__, names, "without_margin", source.__defaults__, source.__closure__)
    return link.program(bare, error_model="numpy", nogil=True)


def report(
    job: Callable[[Callable[..., Any]], Callable[[], Any]], in_turn: Callable[..., Any], rounds: int
) -> dict[str, Any]:
    """Measure and print. ``job`` makes a run of the entrance that it is given."""
    from hedgerow.kernel.run import run

    jobs = {"with": job(run), "without": job(without_margin())}
    for each in jobs.values():
        each()
    taken = in_turn(jobs, rounds)
    ratio = [a / b for a, b in zip(taken["with"], taken["without"], strict=True)]
    middle = statistics.median(ratio)
    print(f"  with margin, liquidation and the ladder a run takes {middle:.2f} x the time without "
          f"({min(ratio):.2f} to {max(ratio):.2f})")  # fmt: skip
    return {"ratio": middle, "ratio_range": [min(ratio), max(ratio)]}
