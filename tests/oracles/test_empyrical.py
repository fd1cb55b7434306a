"""The figures of whole runs against empyrical, with a year of 365 days (domain 5.1): what a report prints, from a run's
own values, benchmark and months among them. Single functions are compared in tests/ledger/test_statistics.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.ledger import statistics
from hedgerow.research.backtest import backtest
from tests.kernel.desk import rules_of
from tests.oracles.panels import library, panel

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def empyrical() -> Any:
    return library("empyrical")


@pytest.mark.parametrize("seed", range(12))
def test_the_metrics_of_a_run_are_empyricals(empyrical: Any, seed: int) -> None:
    one = panel(seed, days=150 + 40 * seed)
    costs = {"spot_fee": "10 bp"}
    policy = rules_of(rebalance={"every": "week"}, costs=costs)
    run = backtest(policy, one.stage(), capital=10_000.0, weights=one.target())
    got = statistics.metrics(run)
    returns = np.diff(np.concatenate([[10_000.0], run.nav])) / np.concatenate([[10_000.0], run.nav[:-1]])
    year = {"annualization": 365}
    expected = {
        "cagr": empyrical.cagr(returns, **year),
        "volatility": empyrical.annual_volatility(returns, **year),
        "sharpe": empyrical.sharpe_ratio(returns, **year),
        "sortino": empyrical.sortino_ratio(returns, **year),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar": empyrical.calmar_ratio(returns, **year),
        "cvar_95": empyrical.conditional_value_at_risk(returns, 0.05),
        "cvar_99": empyrical.conditional_value_at_risk(returns, 0.01),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-9), name
    assert got["sharpe"] != pytest.approx(empyrical.sharpe_ratio(returns), rel=0.1)  # 252 days are another ratio
