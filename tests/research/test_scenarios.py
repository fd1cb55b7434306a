"""The scenarios keep their promises under every seed (domain 4.9), and their table is sound."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from hedgerow.errors import ConfigError
from hedgerow.research.scenarios import ASSETS, FIRST, REGIME_NAMES, REGIMES, SCENARIOS, asset_row, scenario_row
from hedgerow.research.simulate import SimulatedMarket, simulate

SEEDS = (1, 2, 3)
START = date(2020, 1, 1)
HOUR = 3_600_000_000_000


@cache
def market(seed: int, days: int, scenario: str) -> SimulatedMarket:
    return simulate(seed=seed, start=START, days=days, scenario=scenario)


@pytest.fixture(params=SEEDS)
def seed(request):
    return request.param


def closes(made: SimulatedMarket) -> np.ndarray:
    return made.spot.close[23::24]


def returns(made: SimulatedMarket) -> np.ndarray:
    return np.diff(np.log(closes(made)), axis=0)


def test_the_tables_name_each_other():
    assert len(set(REGIME_NAMES)) == len(REGIMES)
    assert FIRST in REGIME_NAMES
    for regime in REGIMES:
        assert {name for name, _ in regime.next} <= set(REGIME_NAMES)
        assert not regime.next or sum(chance for _, chance in regime.next) == pytest.approx(1.0)
    for scenario in SCENARIOS.values():
        assert scenario.description
        assert {name for name, _ in scenario.spells} <= set(REGIME_NAMES)
        assert sum(share for _, share in scenario.spells) in (0, pytest.approx(1.0))
        assert all(0.0 <= event.at < 1.0 for event in scenario.events)
    assert asset_row("BTC") is ASSETS[0]
    assert asset_row("NEWCOIN").name == "NEWCOIN"
    with pytest.raises(ConfigError, match="moon"):
        scenario_row("moon")


def test_a_cycle_passes_through_every_regime_of_its_chain(seed):
    for days in (730, 1_096, 1_461, 2_191):
        made = market(seed, days, "cycle")
        names = [REGIME_NAMES[spell.regime] for spell in made.spells]
        assert {"recovery", "bull", "peak", "crash", "bleed", "bottom"} <= set(names)
        assert names.count("bottom") == max(1, round(days / 1_200))
        assert made.spells[-1].day < days


def test_squeeze_rises_forty_percent_in_a_day_and_funding_hits_its_cap(seed):
    made = market(seed, 240, "squeeze")
    assert np.max(made.spot.close[24:, 0] / made.spot.close[:-24, 0]) >= 1.35
    assert made.funding["BTC"][1].max() == 3e-3
    assert np.max(made.perp.close[:, 0] / made.spot.close[:, 0]) > 1.005


def test_crash_halves_the_market_and_dries_the_books(seed):
    made = market(seed, 240, "crash")
    day = np.expm1(returns(made))
    assert day[:, 0].min() <= -0.40
    late = made.spot.close[int(0.79 * 240) * 24 : int(0.83 * 240) * 24]
    assert np.min(late[4:, 2:] / late[:-4, 2:]) < 0.55  # the second one: alts lose half, BTC does not
    assert np.min(late[4:, 0] / late[:-4, 0]) > 0.70
    depth = made.series["depth_BTC_1d"]
    assert depth["half_spread_bps"].max() > 3.5 * np.median(depth["half_spread_bps"])
    assert depth["perp_depth2pct_quote"].min() < 0.15 * np.median(depth["perp_depth2pct_quote"])
    assert np.nanmin(made.perp.close / made.spot.close) < 0.97


def test_depeg_reaches_ninety_cents_and_returns(seed):
    made = market(seed, 120, "depeg")
    dollar = made.series["stable_USDT_1d"]["close"]
    assert 0.88 < dollar.min() <= 0.91
    assert abs(dollar[-1] - 1.0) < 0.01
    low = int(dollar.argmin())
    assert made.spot.close[(low + 1) * 24 - 1, 0] > 1.02 * made.spot.close[(low - 1) * 24, 0]  # prices in it rise


def test_funding_spike_costs_a_short_for_five_days_on_shorter_intervals(seed):
    made = market(seed, 120, "funding_spike")
    first = made.open_ns[0] + int(0.45 * 120) * 24 * HOUR
    stamps, rates = made.funding["BTC"]
    during = (stamps > first) & (stamps <= first + 120 * HOUR)
    assert during.sum() == 15
    assert -0.0030 <= rates[during].min() <= np.median(rates[during]) <= -0.0028
    stamps, rates = made.funding["SOL"]
    assert {int(gap) // HOUR for gap in np.diff(stamps)} == {2, 4, 8}
    assert rates[(stamps > first) & (stamps <= first + 120 * HOUR)].sum() < -0.10
    i = (first - made.open_ns[0]) // HOUR + 60
    assert made.perp.close[i, 5] / made.spot.close[i, 5] < 0.99  # the perpetual stands below spot


def test_bull_rises_and_slow_bleed_falls_without_panic(seed):
    rise, fall = closes(market(seed, 730, "bull"))[:, 0], closes(market(seed, 365, "slow_bleed"))[:, 0]
    assert rise[-1] > 2.0 * rise[0]
    assert fall[-1] < 0.9 * fall[0]
    assert (fall[1:] / fall[:-1]).min() > 0.78
