"""Rebalancing by the calendar against bt, without fees: bt sizes fee-inclusively, a plan with its cost (domain 5.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.research.backtest import backtest
from hedgerow.units import NS_PER_DAY
from tests.kernel.desk import rules_of
from tests.oracles.panels import Panel, library, panel

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def bt() -> Any:
    return library("bt")


def values(bt: Any, one: Panel, days_ns: np.ndarray, when: Any) -> np.ndarray:
    """What bt's strategy is worth at each close: to the weights on the first close, then whenever ``when`` says so.

    bt dates a price with the moment it stands for, here the close of the day.
    """
    import pandas as pd

    index = pd.to_datetime(days_ns + NS_PER_DAY)
    prices = pd.DataFrame(one.closes, index=index, columns=one.assets)
    steps = [bt.algos.SelectAll(), bt.algos.WeighSpecified(**one.target()), bt.algos.Rebalance()]
    first = bt.algos.Or([bt.algos.RunOnDate(index[0]), when])
    strategy = bt.Strategy("made", [first, *steps])
    test = bt.Backtest(strategy, prices, initial_capital=1e6, integer_positions=False)
    bt.run(test)
    return test.strategy.values.loc[index].to_numpy()  # bt puts a day before the first


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("every", "algo"), [("week", "RunWeekly"), ("month", "RunMonthly"), ("quarter", "RunQuarterly")]
)
def test_a_free_calendar_is_bts(bt: Any, seed: int, every: str, algo: str) -> None:
    one = panel(seed)
    run = backtest(rules_of(rebalance={"every": every}), one.stage(), capital=1e6, weights=one.target())
    np.testing.assert_allclose(run.nav, values(bt, one, run.days_ns, getattr(bt.algos, algo)()), rtol=1e-9)
    held = backtest(rules_of(), one.stage(), capital=1e6, weights=one.target())
    np.testing.assert_allclose(held.nav, values(bt, one, run.days_ns, bt.algos.RunOnce()), rtol=1e-9)
    assert not np.allclose(run.nav, held.nav, rtol=1e-6)
