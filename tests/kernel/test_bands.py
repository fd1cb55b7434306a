"""Band policies: the ledger against positions, every band, and one setting against eight in lock-step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow import jit
from hedgerow.kernel import bands as k
from hedgerow.kernel.bands import Bands, run_bands, sweep_bands
from tests.kernel.desk import loose

CASH = 1e6


def market(seed: int, bars: int = 120, assets: int = 3, cost: float = 0.0015) -> Bands:
    """Coins that move by some percent a bar, contracts a little beside them, funding of either sign every third bar."""
    chance = np.random.default_rng(seed)
    price = 100.0 * np.exp(np.cumsum(0.04 * chance.standard_normal((bars, assets)), axis=0))
    future = price * (1.0 + 0.002 * chance.standard_normal((bars, assets)))
    funding = 0.0005 * chance.standard_normal(((bars + 2) // 3, assets))
    wild = chance.integers(0, 2, (bars, assets)).astype(np.uint8)
    return Bands(price, future, funding, wild, np.full(assets, 0.5 / assets), 3, CASH, 0.05, cost, cost)


def single(bands: Bands, setting: Any, run: Any = run_bands) -> tuple[Any, Any, Any, Any]:
    """Equity, coins, shorts and account after one run."""
    assets = bands.price.shape[1]
    own, short, account = np.zeros(assets), np.zeros(assets), np.array([CASH, 0.0])
    equity = np.zeros(bands.price.shape[0])
    run(bands, np.asarray(setting, dtype=float), own, short, account, equity)
    return equity, own, short, account


settings = st.tuples(st.floats(0.005, 0.2), st.floats(0.1, 1.0), st.floats(0.0, 0.5), st.floats(0.5, 1.0))
seeds = st.integers(0, 2**31)


@given(seeds, settings)
def test_the_ledger_is_the_sum_of_positions(seed: int, setting: tuple[float, ...]) -> None:
    """Value kept another way: cash, coins, and for each short its average entry, profit and funding."""
    bands = market(seed, bars=60)
    threshold, part, low, high = setting
    equity, *_ = single(bands, setting, loose(run_bands))
    assets = bands.price.shape[1]
    cash, own, short, entry = CASH, [0.0] * assets, [0.0] * assets, [0.0] * assets
    for t in range(60):
        price, future = bands.price[t], bands.future[t]
        if t % 3 == 0:
            cash += sum(short[i] * future[i] * bands.funding[t // 3, i] for i in range(assets))
        value = cash + sum(own[i] * price[i] + short[i] * (entry[i] - future[i]) for i in range(assets))
        assert equity[t] == pytest.approx(value, rel=1e-11)
        for i in range(assets):
            excess = own[i] * price[i] - bands.weight[i] * value
            if abs(excess) >= (threshold * value if t else 0.0):
                sold = part * excess / (1.0 - bands.spot_cost * bands.weight[i]) if excess > 0 else excess
                own[i] -= sold / price[i]
                cash += sold - abs(sold) * bands.spot_cost
        for i in range(assets):
            wanted = (high if bands.wild[t, i] else low) * own[i]
            if abs(wanted - short[i]) > 0.05 * wanted:
                more = wanted - short[i]
                cash -= abs(more) * future[i] * bands.future_cost
                if more > 0:
                    entry[i] = (short[i] * entry[i] + more * future[i]) / wanted
                else:
                    cash += -more * (entry[i] - future[i])
                short[i] = wanted


@given(seeds, settings)
def test_nothing_stands_beyond_its_band_after_a_bar(seed: int, setting: tuple[float, ...]) -> None:
    """Without costs value stays through trades, so that with all of an excess sold every weight is within the band."""
    bands = market(seed, bars=40, cost=0.0)
    threshold, _, low, high = setting
    equity, own, short, _ = single(bands, (threshold, 1.0, low, high), loose(run_bands))
    weights = own * bands.price[-1] / equity[-1]
    assert np.all(np.abs(weights - bands.weight) <= threshold * (1 + 1e-12))
    wanted = np.where(bands.wild[-1] == 1, high, low) * own
    assert np.all(np.abs(wanted - short) <= 0.05 * wanted * (1 + 1e-12))


@pytest.mark.parametrize("count", [1, 7, 8, 9, 20])
def test_every_lane_has_the_bits_of_its_single_run(count: int) -> None:
    bands = market(count, bars=400, assets=5)
    chance = np.random.default_rng(count)
    block = np.column_stack([
        chance.uniform(0.005, 0.1, count), chance.uniform(0.2, 1, count), chance.uniform(0, 0.5, count),
        chance.uniform(0.5, 1, count),
    ])  # fmt: skip
    found = np.zeros((count, k.FOUND))
    sweep_bands(bands, block, found)
    for setting, row in zip(block, found, strict=True):
        equity, *_, account = single(bands, setting)
        peak = np.maximum.accumulate(np.concatenate(([CASH], equity)))[1:]
        assert row[k.F_FINAL] == equity[-1]
        assert row[k.F_TRADES] == account[k.C_TRADES]
        assert row[k.F_DEEPEST] == np.max(1.0 - equity / peak)
        changes = equity / np.concatenate(([CASH], equity[:-1])) - 1.0
        assert row[k.F_MEAN] == pytest.approx(changes.mean(), rel=1e-9, abs=1e-15)
        assert row[k.F_VARIANCE] == pytest.approx(changes.var(), rel=1e-9)


@pytest.mark.skipif(not jit.enabled, reason="nothing is compiled")
def test_interpreted_and_compiled_have_the_same_bits() -> None:
    bands = market(5, bars=300)
    setting = (0.03, 0.5, 0.25, 0.75)
    for compiled, interpreted in zip(single(bands, setting), single(bands, setting, loose(run_bands)), strict=True):
        assert compiled.tobytes() == interpreted.tobytes()
    block, there, here = np.tile(setting, (3, 1)), np.zeros((3, k.FOUND)), np.zeros((3, k.FOUND))
    block[1, 0] = 0.01
    sweep_bands(bands, block, there)
    loose(sweep_bands)(bands, block, here)
    assert there.tobytes() == here.tobytes()
