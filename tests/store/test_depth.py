"""Spreads and depths of a data folder reach the price of an order: the market's own instead of the policy's."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hedgerow import policies, wire
from hedgerow.errors import ConfigError
from hedgerow.kernel.fill import largest_within, slippage_of
from hedgerow.kernel.rules import pack
from hedgerow.model import measure
from hedgerow.research.simulate import simulate, write
from hedgerow.store import history
from tests.kernel.desk import loose


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("crash")
    write(simulate(seed=5, assets=("BTC", "ETH"), start=date(2022, 1, 1), days=120, scenario="crash"), made)
    return made


def test_a_crash_widens_spreads_and_empties_books(folder: Path) -> None:
    days = history.daily(history.load(folder, ("BTC", "ETH"), warmup_days=0))
    spread, depth = days.half_spread[:, 0, 0], days.depth[:, 0, 0]
    assert np.isfinite(spread).all()
    assert np.isfinite(depth).all()
    assert spread.max() >= 4.0 * np.median(spread)
    assert depth.min() <= 0.2 * np.median(depth)


def test_an_order_pays_the_markets_spread_and_walks_its_book(folder: Path) -> None:
    rules = pack(
        policies.load("balanced"),
        history.market(history.load(folder, ("BTC", "ETH"))).universe,
        {"BTC": 0.5, "ETH": 0.3},
    )
    cells = np.full((measure.COUNT, 2), np.nan)
    cells[measure.INDEX["half_spread"], 0] = 0.0007
    cells[measure.INDEX["depth"], 0] = 1e6
    args = (rules.scalar, rules.inst, cells, 0)
    # hand arithmetic: an even book of 1e6 within 2 %; 250,000 ends at 0.5 %, on average 0.25 %
    assert loose(slippage_of)(*args, 250_000.0) == pytest.approx(0.0007 + 0.0025)
    assert loose(largest_within)(*args, 0.0032) == pytest.approx(250_000.0)
    assert loose(slippage_of)(rules.scalar, rules.inst, cells, 1, 250_000.0) == pytest.approx(
        0.0001
    )  # ETH: the policy's


def test_the_measures_come_from_the_file(folder: Path) -> None:
    recorded = wire.recorded(folder, ("BTC", "ETH"), date(2022, 3, 1), None)
    stage = wire.stage_of(recorded, [policies.load("balanced")])
    assert np.isfinite(stage.signals[:, measure.INDEX["half_spread_futures"]]).all()


def test_a_depth_file_without_its_columns_is_refused(folder: Path, tmp_path: Path) -> None:
    import polars as pl

    for path in folder.glob("spot_*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    pl.read_parquet(folder / "depth_BTC_1d.parquet").drop("depth2pct_quote").write_parquet(
        tmp_path / "depth_BTC_1d.parquet"
    )
    with pytest.raises(ConfigError, match="depth2pct_quote"):
        history.load(tmp_path, ("BTC",))
