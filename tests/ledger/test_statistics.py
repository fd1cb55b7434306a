"""Statistics: goldens G-44 to G-46, empyrical as the oracle, properties, and the figures of a whole run."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hedgerow.ledger import statistics as s
from hedgerow.model.report import PARTS, LegRecord, Run
from hedgerow.units import NS_PER_DAY

MIXED = np.array([np.nan, 1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100.0
JAN_2021 = 1_609_459_200_000_000_000
# fmt: off
KEYS = {
    "cagr", "volatility", "sharpe", "sharpe_se", "sortino", "max_drawdown", "max_drawdown_days", "calmar",
    "cvar_95", "cvar_99", "ulcer", "turnover_spot", "turnover_futures", "fees", "slippage", "funding",
    "cost_per_year", "mean_hedge_ratio", "up_capture", "down_capture", "liquidations", "min_liquidation_distance",
    "max_margin_ratio", "margin_capped_days", "h_intended", "h_achieved", "regime_days", "transitions_per_year",
    "whipsaws", "blocked_by_reason", "blocked_share",
}
# fmt: on
returns_ = arrays(np.float64, st.integers(3, 80), elements=st.floats(-0.3, 0.4).map(lambda x: round(x, 6)))
values_ = arrays(np.float64, st.integers(2, 80), elements=st.floats(1.0, 1e6))


def values(returns: np.ndarray) -> np.ndarray:
    return np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(returns))])


def run_of(nav: list[float] | np.ndarray, *, start: float = 100.0, first_ns: int = JAN_2021, **changes: object) -> Run:
    """A run of one asset that did nothing but have this value."""
    nav = np.asarray(nav, dtype=np.float64)
    days = len(nav)
    zeros, column = np.zeros(days), np.zeros((days, 1))
    run = Run(
        policy="p", title="P", simulated=True, assets=("BTC",), quote="USDT", start_value=start,
        days_ns=first_ns + NS_PER_DAY * np.arange(days, dtype=np.int64), nav=nav, cash=zeros, futures_equity=zeros,
        price=column + 1.0, weight=column, base=column, target=column, h_intended=column, h_achieved=column,
        regime=np.zeros((days, 1), dtype=np.int64), market_regime=np.zeros(days, dtype=np.int64),
        regimes=("neutral", "peak"), parts=np.zeros((days, len(PARTS))), parts_by_asset=np.zeros((1, len(PARTS))),
        turnover_spot=zeros, turnover_futures=zeros, margin_ratio=zeros, liquidation_distance=zeros + np.inf,
        margin_capped=zeros, wanted=zeros, liquidations=0, legs=(), refusals=(),
    )  # fmt: skip
    return replace(run, **changes)


def leg(refused: str) -> LegRecord:
    return LegRecord(
        0, 0, 0, "BTC/USDT", "BTC", "spot", "sell", 1.0, 1.0, 1.0, 0.0, "drift", "trim.drift", 0.1, 0.1, refused
    )


# ------------------------------------------------------------------------------------------------------------- goldens


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (252.0, (1.91359254, 0.91364654, 1.72386140, 2.60553125, 19.1359254)),  # G-44
        (365.0, (3.70635404, 1.09957378, 2.07466751, 3.13575735, 37.0635404)),  # G-45
    ],
)
def test_the_mixed_series_of_empyrical(year: float, expected: tuple[float, ...]) -> None:
    deepest = s.max_drawdown(values(MIXED))
    got = (
        s.cagr(MIXED, year),
        s.volatility(MIXED, year),
        s.sharpe(MIXED, year),
        s.sortino(MIXED, year),
        s.calmar(s.cagr(MIXED, year), deepest),
    )
    assert got == pytest.approx(expected, rel=1e-8)
    assert deepest == pytest.approx(-0.10, abs=1e-12)


def test_tails_of_the_mixed_series() -> None:  # G-45
    assert s.value_at_risk(MIXED, 0.05) == pytest.approx(-0.079, abs=1e-12)
    assert s.expected_shortfall(MIXED, 0.05) == pytest.approx(-0.10, abs=1e-12)
    assert s.omega(MIXED) == pytest.approx(1.35714286, rel=1e-8)


def test_drawdown_and_ulcer_by_hand() -> None:  # G-46
    equity = np.array([100.0, 120.0, 90.0, 95.0, 130.0, 117.0])
    assert s.max_drawdown(equity) == pytest.approx(-0.25, abs=1e-15)
    assert s.ulcer(equity) == pytest.approx(0.138986077, abs=5e-10)
    assert s.longest_drawdown(equity) == 2


def test_the_error_of_a_sharpe_ratio_of_a_symmetric_series() -> None:
    flips = np.tile([0.03, -0.01], 50)  # skew 0, kurtosis 1: the variance of the ratio is 1/(n - 1)
    assert s.sharpe_error(flips) == pytest.approx(math.sqrt(365.0 / 99.0), rel=1e-9)


def test_the_error_of_a_difference_of_sharpe_ratios() -> None:
    rng = np.random.default_rng(11)
    common, own = rng.normal(0.001, 0.02, (2, 4_000, 250))  # 250 worlds of 4,000 days
    mine, theirs = common + 0.3 * own, common
    gaps = [s.sharpe(a) - s.sharpe(b) for a, b in zip(mine.T, theirs.T, strict=True)]
    errors = [s.sharpe_difference_error(a, b) for a, b in zip(mine.T, theirs.T, strict=True)]
    assert np.mean(errors) == pytest.approx(np.std(gaps), rel=0.15)
    assert s.sharpe_difference_error(common[:, 0], 2.0 * common[:, 0]) == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(s.sharpe_difference_error(common[:, 0], np.zeros(4_000)))


def test_capture_by_hand() -> None:
    mine, theirs = np.array([0.05, -0.01, 0.02, 0.0]), np.array([0.10, -0.05, 0.04, -0.15])
    up = (math.sqrt(1.05 * 1.02) - 1) / (math.sqrt(1.10 * 1.04) - 1)
    down = (math.sqrt(0.99 * 1.0) - 1) / (math.sqrt(0.95 * 0.85) - 1)
    assert s.capture(mine, theirs, up=True) == pytest.approx(up)
    assert s.capture(mine, theirs, up=False) == pytest.approx(down)
    assert math.isnan(s.capture(mine, np.abs(theirs), up=False))


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ([0.25, 0.5, 0.5, 0.25, 0.25], 1),  # up and down again
        ([0.5, 0.25, 0.5], 1),  # down and up again
        ([0.25, 0.35, 0.25, 0.35, 0.25], 2),  # twice, without counting the middle three times
        ([0.0, 0.05, 0.10, 0.05, 0.0], 1),  # each way over several days
        ([0.25, 0.34, 0.25], 0),  # below 10 pp
        ([0.25, 0.5] + [0.5] * 9 + [0.25], 0),  # 11 days from before the rise to after the fall
        ([0.25, 0.5] + [0.5] * 8 + [0.25], 1),  # 10 days
        ([0.0, 0.25, 0.5, 0.75, 1.0], 0),  # one way only
        ([np.nan, np.nan, 0.0, 0.5, 0.0], 1),  # listed late
        ([0.3], 0),
    ],
)
def test_whipsaws(path: list[float], count: int) -> None:
    assert s.whipsaws(np.array(path)) == count


def test_transitions_leave_out_what_was_not_listed() -> None:
    regime = np.array([[-1, 0], [-1, 1], [2, 1], [2, 0], [1, 0]])
    assert s.transitions(regime) == (3, 6)


# -------------------------------------------------------------------------------------------------------------- oracle


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
def test_against_empyrical(seed: int) -> None:
    empyrical = pytest.importorskip("empyrical")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    size = int(rng.integers(5, 900))
    mine = rng.standard_t(3, size) * 0.02 + 0.0005
    path = np.concatenate([[1.0], np.cumprod(1.0 + mine)])
    year = {"annualization": 365}
    pairs = {
        "cagr": (s.cagr(mine), empyrical.annual_return(mine, **year)),
        "volatility": (s.volatility(mine), empyrical.annual_volatility(mine, **year)),
        "sharpe": (s.sharpe(mine), empyrical.sharpe_ratio(mine, **year)),
        "sortino": (s.sortino(mine), empyrical.sortino_ratio(mine, **year)),
        "max_drawdown": (s.max_drawdown(path), empyrical.max_drawdown(mine)),
        "calmar": (s.calmar(s.cagr(mine), s.max_drawdown(path)), empyrical.calmar_ratio(mine, **year)),
        "cvar_95": (s.expected_shortfall(mine), empyrical.conditional_value_at_risk(mine, 0.05)),
        "cvar_99": (s.expected_shortfall(mine, 0.01), empyrical.conditional_value_at_risk(mine, 0.01)),
        "var_95": (s.value_at_risk(mine), empyrical.value_at_risk(mine, 0.05)),
        "omega": (s.omega(mine), empyrical.omega_ratio(mine, annualization=1)),
    }
    for name, (got, expected) in pairs.items():
        assert got == pytest.approx(expected, rel=1e-9), name

    theirs = rng.standard_t(3, size) * 0.02
    index = pandas.date_range("2020-01-01", periods=size, freq="D")
    frames = [pandas.Series(series, index=index) for series in (mine, theirs)]  # "yearly": one period, one year
    assert s.capture(mine, theirs, up=True) == pytest.approx(empyrical.up_capture(*frames, period="yearly"), rel=1e-9)
    assert s.capture(mine, theirs, up=False) == pytest.approx(
        empyrical.down_capture(*frames, period="yearly"), rel=1e-9
    )


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_months_against_empyrical() -> None:
    empyrical = pytest.importorskip("empyrical")
    pandas = pytest.importorskip("pandas")
    nav = 100.0 * np.cumprod(1.0 + np.random.default_rng(7).normal(0.001, 0.03, 400))
    run = run_of(nav, first_ns=JAN_2021 + 11 * NS_PER_DAY)
    index = pandas.to_datetime(run.days_ns)
    expected = empyrical.aggregate_returns(pandas.Series(s.returns_of(s.path_of(run)), index=index), "monthly")
    assert [(year, month) for year, month, _ in s.monthly_returns(run)] == list(expected.index)
    assert [change for *_, change in s.monthly_returns(run)] == pytest.approx(list(expected))


# ---------------------------------------------------------------------------------------------------------- properties


@given(values_, st.floats(1e-3, 1e3))
def test_a_unit_of_account_changes_nothing(path: np.ndarray, factor: float) -> None:
    for statistic in (s.max_drawdown, s.ulcer):
        assert statistic(path * factor) == pytest.approx(statistic(path), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(s.returns_of(path * factor), s.returns_of(path), rtol=1e-9, atol=1e-12)


@given(returns_, st.floats(0.01, 0.9))
def test_ratios_do_not_depend_on_the_size_of_the_bet(returns: np.ndarray, factor: float) -> None:
    if np.std(returns) < 1e-4:
        return
    for ratio in (s.sharpe, s.sharpe_error, s.sortino, s.omega):
        assert ratio(returns * factor) == pytest.approx(ratio(returns), rel=1e-6, nan_ok=True)
    assert s.volatility(returns * factor) == pytest.approx(s.volatility(returns) * factor, rel=1e-6)


@given(returns_)
def test_the_other_side_of_the_bet(returns: np.ndarray) -> None:
    assert s.sharpe(-returns) == pytest.approx(-s.sharpe(returns), nan_ok=True)
    assert s.volatility(-returns) == pytest.approx(s.volatility(returns))


@given(values_)
def test_bounds(path: np.ndarray) -> None:
    deepest = s.max_drawdown(path)
    assert -1.0 <= deepest <= 0.0
    assert 0.0 <= s.ulcer(path) <= -deepest + 1e-12
    assert 0 <= s.longest_drawdown(path) < len(path)
    returns = s.returns_of(path)
    assert s.expected_shortfall(returns, 0.01) <= s.expected_shortfall(returns, 0.05) <= np.mean(returns) + 1e-12
    assert s.growth(returns) == pytest.approx(path[-1] / path[0])


@given(arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.8, 1.0, np.nan])))
def test_whipsaws_are_symmetric_and_few(hedge: np.ndarray) -> None:
    assert s.whipsaws(hedge) == s.whipsaws(1.0 - hedge)
    assert s.whipsaws(hedge) <= max(0, len(hedge) - 1) / 2
    assert s.whipsaws(np.sort(hedge)) == 0


@given(returns_, st.floats(1e-2, 1e4))
def test_metrics_of_a_run_scale(returns: np.ndarray, factor: float) -> None:
    nav = 100.0 * np.cumprod(1.0 + returns)
    one, many = s.metrics(run_of(nav)), s.metrics(run_of(nav * factor, start=100.0 * factor))
    for name, value in one.items():
        if isinstance(value, float) and name != "ulcer":
            assert many[name] == pytest.approx(value, rel=1e-5, abs=1e-9), name


# ---------------------------------------------------------------------------------------------------------- whole runs


def test_metrics_have_exactly_the_promised_keys_and_are_json() -> None:
    figures = s.metrics(run_of([101.0, 99.0, 105.0]))
    assert set(figures) == KEYS
    json.dumps(figures, allow_nan=False)


def test_a_constant_value_takes_no_risk() -> None:
    figures = s.metrics(run_of([100.0] * 50))
    for name in ("cagr", "volatility", "max_drawdown", "max_drawdown_days", "cvar_95", "cvar_99", "ulcer"):
        assert figures[name] == 0.0, name
    for name in ("sharpe", "sharpe_se", "sortino", "calmar", "min_liquidation_distance", "mean_hedge_ratio"):
        assert figures[name] is None, name


@pytest.mark.parametrize(
    "nav", [[], [101.0], [101.0, 103.0], [50.0, 0.0, 0.0], [50.0, -20.0], [np.nan, np.nan], [1e30, 1e-30]]
)
def test_short_and_ruined_runs_stay_json(nav: list[float]) -> None:
    figures = s.metrics(run_of(nav), unhedged=run_of(nav))
    json.dumps(figures, allow_nan=False)
    assert set(figures) == KEYS


def test_ruin_is_a_loss_of_everything() -> None:
    figures = s.metrics(run_of([50.0, -20.0, -20.0]))
    assert figures["cagr"] == -1.0


def test_costs_are_paid_and_funding_is_received() -> None:
    parts = np.zeros((2, len(PARTS)))
    parts[-1] = [10.0, -4.0, 0.5, 3.0, -1.0, -0.5, -0.25, -0.25, 0.0]
    run = run_of(
        [100.0, 300.0], parts=parts, turnover_spot=np.array([100.0, 0.0]), turnover_futures=np.array([0.0, 50.0])
    )
    figures = s.metrics(run)
    assert (figures["fees"], figures["slippage"], figures["funding"]) == (1.5, 0.5, 3.0)
    assert figures["turnover_spot"] == pytest.approx(100.0 / 200.0 * 365 / 2)
    assert figures["turnover_futures"] == pytest.approx(50.0 / 200.0 * 365 / 2)
    assert figures["cost_per_year"] == pytest.approx(2.0 / 200.0 * 365 / 2)


def test_hedge_ratios_are_weighted_by_value() -> None:
    run = run_of(
        [100.0, 300.0, 100.0],
        base=np.array([[50.0], [150.0], [0.0]]),
        h_achieved=np.array([[1.0], [0.0], [0.9]]),
        h_intended=np.array([[1.0], [np.nan], [0.9]]),
    )
    figures = s.metrics(run)
    assert figures["mean_hedge_ratio"] == figures["h_achieved"] == pytest.approx(0.25)
    assert figures["h_intended"] == pytest.approx(1.0)


def test_margin_regimes_and_refusals() -> None:
    run = run_of(
        [100.0, 100.0, 100.0, 100.0],
        liquidation_distance=np.array([np.inf, 0.9, 0.4, np.nan]),
        margin_ratio=np.array([0.0, 0.02, 0.3, 0.1]),
        margin_capped=np.array([0.0, 1.0, 1.0, 0.0]),
        regime=np.array([[-1], [0], [1], [1]]),
        refusals=(leg("cost"), leg("liquidity"), leg("cost")),
        wanted=np.array([2.0, 0.0, 3.0, 1.0]),
        liquidations=2,
    )
    figures = s.metrics(run)
    assert (figures["min_liquidation_distance"], figures["max_margin_ratio"], figures["liquidations"]) == (0.4, 0.3, 2)
    assert figures["margin_capped_days"] == 2
    assert figures["regime_days"] == {"neutral": pytest.approx(1 / 3), "peak": pytest.approx(2 / 3)}
    assert figures["transitions_per_year"] == pytest.approx(365 / 2)
    assert figures["blocked_by_reason"] == {"cost": 2, "liquidity": 1}
    assert figures["blocked_share"] == 1.0


def test_blocked_moves_are_counted_once_and_only_when_never_made() -> None:
    def of(day: int, asset: str, refused: str, side: str = "sell") -> LegRecord:
        return replace(leg(refused), day=day, asset=asset, kind="futures", side=side)

    refusals = [of(day, "BTC", "cost_benefit") for day in range(10)]  # one move, made on the eleventh day
    refusals += [of(day, "ETH", "turnover") for day in (0, 5, 30)]  # two moves, more than a week apart, never made
    refusals += [of(3, "SOL", "rung_wait"), of(4, "SOL", "cooldown")]  # pace is no block
    run = run_of([100.0] * 40, refusals=tuple(refusals), legs=(of(10, "BTC", ""), of(10, "BTC", "", "buy")))
    assert s.blocked_share(run) == pytest.approx(2 / 4)
    assert np.isnan(s.blocked_share(run_of([100.0] * 3)))


def test_capture_of_a_half_hedged_book() -> None:
    market = np.array([0.10, -0.10, 0.20, -0.05]).repeat(31)[:120] / 31
    full, half = (run_of(100.0 * np.cumprod(1.0 + market * size)) for size in (1.0, 0.5))
    figures = s.metrics(half, unhedged=full)
    assert figures["up_capture"] == pytest.approx(0.5, abs=0.03)
    assert figures["down_capture"] == pytest.approx(0.5, abs=0.03)
    same = s.metrics(full, unhedged=full)
    assert (same["up_capture"], same["down_capture"]) == (pytest.approx(1.0), pytest.approx(1.0))


def test_months_chain_to_the_whole() -> None:
    nav = 100.0 * np.cumprod(1.0 + np.random.default_rng(3).normal(0.0, 0.03, 100))
    rows = s.monthly_returns(run_of(nav))
    assert [(year, month) for year, month, _ in rows] == [(2021, 1), (2021, 2), (2021, 3), (2021, 4)]
    assert np.prod([1.0 + change for *_, change in rows]) == pytest.approx(nav[-1] / 100.0)
