"""What the margin step costs: a run as it is over the same run that neither watches margin nor liquidates, in one process."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from types import FunctionType
from typing import Any

from hedgerow import jit


def never(*arguments: Any) -> bool:
    return False


def blind(rules: Any, book: Any, tops: Any, worst: Any) -> bool:
    """``watch.watch_stretch`` that looks at nothing and finds nothing."""
    return True


def without_margin() -> Callable[..., Any]:
    """``kernel.run.run``, compiled anew with nothing in place of liquidation, the watch and the ladder. Takes a minute.

    It is not kept in the cache: there it would be taken for the whole run.
    """
    from hedgerow import link
    from hedgerow.kernel import run as runs

    nothing = dict.fromkeys(("at_the_high", "watch_margin", "refresh_account", "act_on_margin"), jit.compiled(never))
    parts = {name: jit.compiled(_with(getattr(runs, name), nothing)) for name in ("whole_bar", "at_the_close")}
    bare = _with(runs.run, parts | {"watch_stretch": jit.compiled(blind)})
    return link.program(bare, error_model="numpy", nogil=True)


def _with(function: Any, instead: dict[str, Any]) -> Callable[..., Any]:
    """The source of a compiled function that calls other functions by some names."""
    source = function.py_func
    names = dict(source.__globals__) | instead
    return FunctionType(source.__code__, names, f"bare_{source.__name__}", source.__defaults__, source.__closure__)


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
