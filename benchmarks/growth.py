"""How time grows: the slope of log time over log size, of which 1 is linear, fitted over four sizes in every round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import full, live, reference, sweeps
from benchmarks.measure import Job, Table, exponents, in_turn


def fitted(table: Table, key: str, what: str, jobs: dict[int, Job], rounds: int) -> None:
    """A row of the exponents of all rounds; the jobs are in turn, by their size."""
    taken = in_turn({str(size): job for size, job in jobs.items()}, rounds)
    found = exponents(list(jobs), [taken[str(size)] for size in jobs])
    sizes = ", ".join(f"{size:,}" for size in jobs)
    table.put(key, what, "exponent", found, note=f"over {sizes}")


def of_bands(table: Table, bars: Sequence[int], assets: Sequence[int], settings: Sequence[int], rounds: int) -> None:
    """The reference job by bars and settings (10 assets) and by assets (a twentieth of the bars, so that all stays in the cache).

    More assets are the same ten again: with others more bars would trade, and the market would grow, not the work on it.
    """
    table.begin("Growth of time: the exponent, 1 is linear")
    longest = reference.drawn(10, max(bars), 24)
    shorter = {size: _first(longest, size) for size in bars}
    fitted(table, "growth.bands.bars", "reference job with bars",
           {size: reference.Compiled(made) for size, made in shorter.items()}, rounds)  # fmt: skip
    few = _first(longest, max(bars) // 20)
    wider: dict[int, Job] = {size: reference.Compiled(_repeated(few, size)) for size in assets}
    fitted(table, "growth.bands.assets", "reference job with assets", wider, rounds)
    bands, block = reference.bands_of(shorter[min(bars)]), sweeps.settings(max(settings))
    many: dict[int, Job] = {size: _swept(bands, block[:size]) for size in settings}
    fitted(table, "growth.bands.settings", "sweep of the reference job with settings", many, rounds)


def of_balanced(table: Table, stage: Any, assets: Sequence[int], settings: Sequence[int], rounds: int) -> None:
    """The policy ``balanced`` by bars, by assets, and by the settings of a sweep; signals given."""
    days = stage.market.days_ns.shape[0]
    parts = [full.cut(stage, days * part // 8) for part in (1, 2, 4)] + [stage]
    by_bars = {part.market.open_ns.shape[0]: full.prepared(part) for part in parts}
    fitted(table, "growth.balanced.bars", "balanced with bars", by_bars, rounds)
    few = full.cut(stage, days // 4)  # more assets are its own again, with small moves and as much cash for each
    wider = {size: full.prepared(live.universe(size, few), cash=1e4 * size) for size in assets}
    fitted(table, "growth.balanced.assets", "balanced with assets", wider, rounds)
    played = full.Played(parts[0])
    many: dict[int, Job] = {size: _played(played, size) for size in settings}
    fitted(table, "growth.balanced.settings", "sweep of balanced with settings", many, rounds)


def _first(made: reference.Panels, bars: int) -> reference.Panels:
    """The first bars of panels."""
    stamps = (bars + made.every - 1) // made.every
    price, future, wild = (np.ascontiguousarray(block[:bars]) for block in (made.price, made.future, made.wild))
    return made._replace(price=price, future=future, wild=wild, funding=np.ascontiguousarray(made.funding[:stamps]))


def _repeated(made: reference.Panels, assets: int) -> reference.Panels:
    """The panels of so many assets, which repeat those of ``made``."""
    column = np.arange(assets) % made.price.shape[1]
    price, future, wild, funding = (
        np.ascontiguousarray(block[:, column]) for block in (made.price, made.future, made.wild, made.funding)
    )
    weight = np.full(assets, made.weight.sum() / assets)
    return made._replace(price=price, future=future, wild=wild, funding=funding, weight=weight)


def _swept(bands: Any, block: Any) -> Job:
    return lambda: sweeps.swept(bands, block, 1)


def _played(played: full.Played, count: int) -> Job:
    return lambda: played.sweep(count, 1)
