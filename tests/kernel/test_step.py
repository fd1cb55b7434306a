"""One bar at a time is the run, bit for bit: book, legs and every day's row, over recorded prices and over a made market."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.jit import plain
from hedgerow.kernel import step as steps
from hedgerow.kernel.blocks import copy_book, new_book, new_work
from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due
from hedgerow.kernel.run import run
from hedgerow.research.backtest import Blocks


def both(stage: Any, name: str, run_whole: Any, run_bar: Any) -> tuple[list[bytes], list[bytes]]:
    """What a whole run leaves, and what as many single bars leave."""
    market, policy = stage.market, policies.load(name)
    universe = market.universe
    rules = pack(policy, universe, dict.fromkeys(universe.assets, 0.8 / len(universe.assets)))
    routes, due = hedge_routes(policy, universe, market.days_ns), rebalance_due(policy, market.days_ns)
    book, measures = new_book(rules, len(universe.instruments), 1e5), stage.signals.shape[1]
    desk = steps.desk(rules, copy_book(book), measures, 40_000)
    work, blocks = new_work(rules, len(universe.instruments), measures), Blocks(stage)
    blocks.clear(work.legs.shape[0])
    run_whole(
        rules, book, work, stage.bars, stage.signals, routes, due, blocks.day, blocks.asset, blocks.bits, blocks.log,
        blocks.used,
    )  # fmt: skip
    tick, days = desk.tick, []
    for t, day in enumerate(market.day):
        tick.open[:], tick.high[:], tick.close[:] = market.open[t], stage.bars.high[t], market.close[t]
        tick.funding[:], tick.fresh[:] = market.funding[t], market.fresh[t]
        tick.bar[steps.NOW], tick.bar[steps.DAY] = market.open_ns[t], min(day, 0)
        if day >= 0:
            tick.signals[0], tick.hedge[0], tick.due[0] = stage.signals[day], routes[day], due[day]
        run_bar(*desk.blocks)
        if day >= 0:
            days.append(b"".join(block.tobytes() for block in (tick.day_out[0], tick.asset_out[0], tick.bits_out[0])))
    there = [
        b"".join(block[d].tobytes() for block in (blocks.day, blocks.asset, blocks.bits)) for d in range(len(days))
    ]
    rows = int(blocks.used[0])
    assert rows == int(tick.used[0]) > 5
    return (
        [*there, blocks.log[:rows].tobytes(), *(block.tobytes() for block in book)],
        [*days, tick.log[:rows].tobytes(), *(block.tobytes() for block in desk.book)],
    )


@pytest.mark.parametrize("name", ["balanced", "seed", "b3_constant"])
def test_bars_are_the_run_on_a_made_market(made_market: Path, name: str) -> None:
    recorded = wire.recorded(made_market, ("BTC", "ETH", "EOS"), date(2022, 6, 1), None)
    whole, bars = both(wire.stage_of(recorded, [policies.load(name)]), name, plain(run), plain(steps.step))
    assert whole == bars


@pytest.mark.data
@pytest.mark.slow  # compiles the kernel once more, into another entrance
@pytest.mark.timeout(900)
def test_compiled_bars_are_the_compiled_run_on_recorded_prices(data_folder: Path) -> None:
    recorded = wire.recorded(data_folder, ("BTC", "ETH", "SOL", "XRP"), date(2021, 1, 1), date(2022, 12, 31))
    whole, bars = both(wire.stage_of(recorded, [policies.load("balanced")]), "balanced", run, steps.step)
    assert whole == bars


def test_a_desk_is_a_copy(made_market: Path) -> None:
    stage = wire.stage_of(wire.recorded(made_market, ("BTC",), date(2022, 6, 1), None), [policies.load("balanced")])
    rules = pack(policies.load("balanced"), stage.market.universe, {"BTC": 0.8})
    book = new_book(rules, len(stage.market.universe.instruments), 1e5)
    desk = steps.desk(rules, book, stage.signals.shape[1], 10)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(book, desk.book, strict=True))
    desk.book.wallet[:] = 7.0
    assert book.wallet[0, 0] == 1e5
    assert all(np.shares_memory(block, desk.blocks[0]) for block in (desk.rules.scalar, desk.work.legs, desk.tick.log))
