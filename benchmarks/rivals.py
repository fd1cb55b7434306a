"""One run of the reference job: hedgerow, C, lists of floats, numpy, bt and vectorbt, in one process and in turn.

A ratio is given only where the value at every bar is the same: to the bit against C, within ``TOLERANCE`` against a rival
that adds in another order; and where the number of trades is.
"""

from __future__ import annotations

import shutil
from typing import Any

from benchmarks import reference
from benchmarks.measure import TOLERANCE, Table, farthest, in_turn

LEGS = {"full": True, "spot": False}


def agrees(table: Table, key: str, what: str, own: tuple[Any, int], other: tuple[Any, int], tolerance: float) -> bool:
    """Whether two runs are the same, as (value at every bar, trades); where not, the refusal is entered."""
    apart = farthest(other[0], own[0])
    if apart <= tolerance and own[1] == other[1]:
        return True
    table.refuse(key, what, f"values differ by up to {apart:.1e}, trades {other[1]:,} and {own[1]:,}")
    return False


def against_c(table: Table, sizes: str, rounds: int) -> None:
    """The single run against C of the same arithmetic: the same bits, or no ratio."""
    table.begin("Reference job, one run, against C of the same arithmetic")
    if not shutil.which("gcc"):
        table.refuse("c", "all sizes", "there is no gcc to compile C with")
        return
    for leg, hedged in LEGS.items():
        for size in sizes:
            made = reference.panels(size)
            jobs: dict[str, Any] = {
                "C": reference.Plain(made, hedged), "hedgerow": reference.Compiled(made, hedged),
            }  # fmt: skip
            trades = {name: job() for name, job in jobs.items()}
            key, what = f"c.{leg}.{size}", f"{leg} {size}: hedgerow / C"
            own, other = ((jobs[name].equity, trades[name]) for name in ("hedgerow", "C"))
            if not agrees(table, key, what, own, other, 0.0):
                continue
            taken = in_turn(jobs, rounds)
            table.ratio(key, what, taken["hedgerow"], taken["C"], f"the same bits; {trades['C']:,} trades")
            each = [1e9 * seconds / made.price.size for seconds in taken["C"]]
            table.put(f"c.{leg}.{size}.ns", f"{leg} {size}: C an asset and bar", "ns", each)


def bar_by_bar(table: Table, sizes: str, rounds: int) -> None:
    """Against what one writes without a compiler."""
    from benchmarks.bar_by_bar import Lists, Rows

    table.begin("Reference job, one run, against Python without a compiler")
    for size in sizes:
        made = reference.panels(size)
        own = reference.Compiled(made)
        jobs: dict[str, Any] = {"lists of floats": Lists(made), "numpy, a bar at a time": Rows(made)}
        trades, fit = own(), {}
        for name, job in jobs.items():
            done = job()
            key, what = f"python.{name}.{size}", f"full {size}: {name} / hedgerow"
            if agrees(table, key, what, (own.equity, trades), (job.equity, done), TOLERANCE):
                fit[name] = (key, what)
        taken = in_turn({"own": own} | {name: jobs[name] for name in fit}, rounds)
        for name, (key, what) in fit.items():
            table.ratio(key, what, taken[name], taken["own"])


def from_panels(made: reference.Panels, hedged: bool) -> Any:
    """hedgerow from the panels to the equity curve, everything made anew: what a caller writes."""

    def job() -> Any:
        own = reference.Compiled(made, hedged)
        own()
        return own.equity

    return job


def against_bt(table: Table, sizes: str, rounds: int) -> None:
    """Against bt through its public API: a backtest made from a frame, run, its equity read."""
    from benchmarks.peer_bt import Bt

    table.begin("Reference job, one run from panels to equity, against bt")
    for leg, hedged in LEGS.items():
        for size in sizes:
            made = reference.panels(size)
            own, other = reference.Compiled(made, hedged), Bt(made, hedged)
            trades = own()
            other()
            key, what = f"bt.{leg}.{size}", f"{leg} {size}: bt / hedgerow"
            if not agrees(table, key, what, (own.equity, trades), other.checked(), TOLERANCE):
                continue
            taken = in_turn({"own": from_panels(made, hedged), "bt": other}, 1 if size == "M" else rounds)
            table.ratio(key, what, taken["bt"], taken["own"])


def against_vectorbt(table: Table, sizes: str, rounds: int) -> None:
    """Against vectorbt's fastest form: the simulation alone, and with its equity curve and orders read."""
    from benchmarks.peer_vectorbt import Vectorbt

    table.begin("Reference job, one run, against vectorbt")
    for leg, hedged in LEGS.items():
        for size in sizes:
            made = reference.panels(size)
            own = reference.Compiled(made, hedged)
            trades = own()
            other = Vectorbt(made, hedged, orders=trades + 1)
            value, orders = other.checked()
            what = f"{leg} {size}: vectorbt"
            key = f"vectorbt.{leg}.{size}"
            same = agrees(table, key, what, (own.equity, trades), (other.equity, orders), TOLERANCE)
            if not same or not agrees(table, key, what, (own.equity, trades), (value[:, 0], orders), TOLERANCE):
                continue
            taken = in_turn({"own": own, "simulation": other, "orders": other.whole}, rounds)
            table.ratio(key, f"{what}, simulation only / hedgerow", taken["simulation"], taken["own"])
            key = f"vectorbt.orders.{leg}.{size}"
            table.ratio(key, f"{what}, with equity and orders / hedgerow", taken["orders"], taken["own"])
