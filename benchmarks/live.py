"""One live decision: a bar of ``kernel.step`` called from Python on blocks that stay, a call at a time, by the wall clock.

A bar is one of three: no decision is due (mark and test); a day ends and the decision trades nothing; it trades. All are
bars of a run over a made market, in their order, so the caches are those of a real loop and every branch is its own. What is
timed is the call; writing a bar's prices into the desk is not, and is told apart.
"""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from benchmarks import full
from benchmarks.measure import Table
from hedgerow import policies

KINDS: Final = {
    "bar": "no decision due",
    "day": "a decision that trades nothing",
    "trades": "a decision that trades",
}
SHARES: Final = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}
LISTED: Final = tuple(f"C{number:03d}" for number in range(200))


def universe(count: int, stage: Any) -> Any:
    """``stage`` of a few coins repeated to so many assets, each copy with small moves of its own.

    Making a market of 200 coins takes longer than all measuring here; a decision costs the same on a copy.
    """
    from dataclasses import replace

    from hedgerow.model.instrument import Instrument, Kind, Universe

    market, few = stage.market, len(stage.market.universe.assets)
    names = LISTED[:count]
    chance = np.random.default_rng(count)
    futures = [Instrument(f"{name}/USDT:USDT", name, kind=Kind.PERPETUAL) for name in names]
    made = Universe(names, "USDT", (*(Instrument(f"{name}/USDT", name) for name in names), *futures))
    spot = np.arange(count) % few
    columns = np.concatenate([spot, few + spot])
    own = np.tile(np.exp(np.cumsum(0.001 * chance.standard_normal((market.open.shape[0], count)), axis=0)), (1, 2))
    prices = {
        name: np.ascontiguousarray(getattr(market, name)[:, columns] * own) for name in ("open", "high", "low", "close")
    }
    rest = {name: np.ascontiguousarray(getattr(market, name)[:, columns]) for name in ("fresh", "funding")}
    wider = replace(market, universe=made, **prices, **rest)
    signals, warm = (np.ascontiguousarray(block[:, :, spot]) for block in (stage.signals, stage.warm))
    return replace(stage, market=wider, signals=signals, warm=warm)


def latencies(stage: Any, name: str = "balanced") -> dict[str, list[float]]:
    """Microseconds of every call by kind of bar, and of writing a bar into the desk."""
    from hedgerow.kernel import step
    from hedgerow.kernel.arrays import L_REFUSAL
    from hedgerow.kernel.blocks import new_book
    from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due

    market, policy = stage.market, policies.load(name)
    rules = pack(policy, market.universe, full.equal_weights(market.universe.assets))
    routes, due = hedge_routes(policy, market.universe, market.days_ns), rebalance_due(policy, market.days_ns)
    book = new_book(rules, len(market.universe.instruments), 1e6)
    desk = step.desk(rules, book, stage.signals.shape[1], 20_000)
    tick, legs, counts = desk.tick, desk.work.legs, desk.work.counts
    taken: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "write")}
    for t, day in enumerate(market.day):
        begun = time.perf_counter_ns()
        tick.open[:], tick.high[:], tick.close[:] = market.open[t], stage.bars.high[t], market.close[t]
        tick.funding[:], tick.fresh[:] = market.funding[t], market.fresh[t]
        tick.bar[step.NOW], tick.bar[step.DAY], tick.used[0] = market.open_ns[t], min(day, 0), 0
        if day >= 0:
            tick.signals[0], tick.hedge[0], tick.due[0] = stage.signals[day], routes[day], due[day]
        written = time.perf_counter_ns()
        step.step(*desk.blocks)
        ended = time.perf_counter_ns()
        traded = day >= 0 and bool((legs[: counts[0], L_REFUSAL] == 0.0).any())
        if t:  # the first call compiles, or reads what is compiled
            taken["trades" if traded else "day" if day >= 0 else "bar"].append(1e-3 * (ended - written))
            taken["write"].append(1e-3 * (written - begun))
    return taken


def report(table: Table, counts: tuple[int, ...], days: int, rounds: int) -> None:
    """Rows of p50, p99 and p99.9 for each kind of bar: the range is that of the rounds."""
    table.begin("One live bar, called from Python, policy balanced")
    few = full.stage_of(full.COINS[:10], days)
    for count in counts:
        stage = few if count == len(few.market.universe.assets) else universe(count, few)
        runs = [latencies(stage) for _ in range(rounds + 1)][1:]
        for kind, what in KINDS.items():
            calls = len(runs[0][kind])
            for word, share in SHARES.items():
                if calls * (1.0 - share / 100.0) >= 1.0:
                    values = [float(np.percentile(run[kind], share)) for run in runs]
                    note = f"{calls:,} calls a round"
                    table.put(
                        f"live.{kind}.{count}.{word}", f"live, {count} assets, {what}: {word}", "us", values, note=note
                    )
        values = [float(np.percentile(run["write"], 50.0)) for run in runs]
        table.put(f"live.write.{count}.p50", f"live, {count} assets, writing a bar into the desk: p50", "us", values)
