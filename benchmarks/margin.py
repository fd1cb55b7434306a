"""What the margin step costs: a run as it is over the same run that neither watches margin nor liquidates, in one process."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from benchmarks.measure import Job, Table, in_turn
from hedgerow import jit


def never(*arguments: Any) -> bool:
    return False


def without_margin() -> Callable[..., Any]:
    """``kernel.run.run``, compiled anew with nothing in place of liquidation, the watch and the ladder. Takes a minute.

    It is not kept in the cache: there it would be taken for the whole run.
    """
    from hedgerow import link
    from hedgerow.kernel import run as runs

    nothing = jit.compiled(never)
    unwatched = dict.fromkeys(("at_the_high", "watch_margin", "refresh_account", "act_on_margin"), nothing)
    bar = jit.compiled_inline(_with(runs.one_bar, **unwatched))
    return link.program(_with(runs.run, one_bar=bar), error_model="numpy", nogil=True)


def _with(compiled: Any, **names: Any) -> Any:
    """The source of a compiled function, with other functions by some of the names that it calls."""
    source = compiled.py_func
    return FunctionType(
        source.__code__, source.__globals__ | names, "without_margin", source.__defaults__, source.__closure__
    )


def report(table: Table, job: Callable[[Callable[..., Any]], Job], rounds: int) -> None:
    """A row of the ratio. ``job`` makes a run of the entrance that it is given."""
    from hedgerow.kernel.run import run

    table.begin("What margin costs")
    taken = in_turn({"with": job(run), "without": job(without_margin())}, rounds)
    what = "balanced with margin, liquidation and the ladder / without"
    table.ratio("balanced.margin", what, taken["with"], taken["without"])
