"""What the comparisons share: made prices and weights, the desk's day at given targets, a library or the word why not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.leg import add_leg
from hedgerow.model.plan import Reason
from hedgerow.research.backtest import Stage
from tests.kernel import tape
from tests.kernel.desk import Desk, loose


class Panel(NamedTuple):
    """Closes [T, A], target weights [A] that leave some cash, a fee as a fraction."""

    closes: np.ndarray
    weights: np.ndarray
    fee: float

    @property
    def assets(self) -> list[str]:
        return [f"A{i}" for i in range(self.closes.shape[1])]

    def target(self) -> dict[str, float]:
        return dict(zip(self.assets, self.weights.tolist(), strict=True))

    def stage(self) -> Stage:
        """Spot markets alone; each opens where it closed."""
        return tape.stage(dict(zip(self.assets, self.closes.T.tolist(), strict=True)), futures=())


def library(name: str) -> Any:
    """The module, or a skip that says what to do."""
    return pytest.importorskip(
        name, reason=f"{name} is not installed; ./run test --all installs it where it has wheels"
    )


def panel(seed: int, days: int = 400, *, most: float = 0.95) -> Panel:
    """One to six assets that drift apart, priced between a cent and a hundred thousand."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 7))
    steps = rng.standard_t(4, (days, count)) * 0.03 + rng.normal(0.0, 0.02, (days, 1))
    closes = np.exp(rng.uniform(np.log(0.01), np.log(1e5), count) + np.cumsum(steps, axis=0))
    weights = rng.dirichlet(np.ones(count)) * rng.uniform(0.3, most)
    return Panel(closes, weights, float(rng.uniform(0.0001, 0.003)))


def trade_to(desk: Desk, units: np.ndarray) -> None:
    """Put spot orders of so many coins each (0: none) before the desk, and fill them at its prices."""
    desk.work.counts[:] = 0
    for a in np.flatnonzero(units):
        price = desk.price[a]
        loose(add_leg)(
            desk.work.legs, desk.work.counts, a, a, k.LEG_SPOT, units[a], price, price, float(Reason.REBALANCE), -1.0,
            0.0, 0.0, 1.0,
        )  # fmt: skip
    desk.fill()
