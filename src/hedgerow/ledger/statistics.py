"""Statistics of a run: pure functions on arrays of daily returns or values, and ``metrics`` that applies them.

Conventions (domain 4.12): simple daily returns, a year of 365 days, a risk-free rate of 0. A missing (NaN) return is
left out of averages, but its day still counts as time. A function returns NaN where its figure is not defined (no risk
taken, a single day); ``metrics`` turns that into None, so that nothing but finite numbers reaches JSON. The definitions
are those of empyrical with ``annualization=365``, the oracle of the tests, but for what says otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hedgerow.model.market import Floats, Ints
from hedgerow.model.report import PARTS, Run
from hedgerow.units import DAYS_PER_YEAR

STEP: Final = 0.10  # a move of the intended hedge that counts towards a whipsaw
WINDOW: Final = 10  # days within which the hedge must move up and down again to be a whipsaw
NAN: Final = math.nan


# ---------------------------------------------------------------------------------------------------- series of values


PUT_OFF = (  # by a rule of pace, by a market that is not there, or by a limit that the user set
    "rung_wait", "cooldown", "liquidity_unknown", "no_price", "no_instrument", "reserve", "protected"
)  # fmt: skip
PATIENCE = 7  # days


def returns_of(values: Floats) -> Floats:
    """Simple returns v[t] / v[t-1] - 1 of a series of values; NaN after a value that is not positive."""
    values = np.asarray(values, dtype=np.float64)
    before = np.where(values[:-1] > 0.0, values[:-1], NAN)
    return np.asarray(values[1:] / before - 1.0)


def drawdowns(values: Floats) -> Floats:
    """Fall from the highest value so far, v[t] / max(v[..t]) - 1: zero or negative."""
    values = np.asarray(values, dtype=np.float64)
    top = np.fmax.accumulate(values)
    return np.asarray(values / np.where(top > 0.0, top, NAN) - 1.0)


def max_drawdown(values: Floats) -> float:
    """The deepest fall from a peak, as a negative fraction (0 when there was none)."""
    return _fold(drawdowns(values), np.min)


def longest_drawdown(values: Floats) -> int:
    """The most consecutive days spent below an earlier peak; a fall that is not recovered runs to the end."""
    longest = spell = 0
    for fall in drawdowns(values):
        spell = spell + 1 if fall < 0.0 else 0
        longest = max(longest, spell)
    return longest


def ulcer(values: Floats) -> float:
    """Ulcer index: the root mean square of the drawdowns, as a fraction (Martin & McCann 1989; domain 4.12)."""
    return math.sqrt(_fold(np.square(drawdowns(values)), np.mean))


# --------------------------------------------------------------------------------------------------- series of returns


def growth(returns: Floats) -> float:
    """Product of (1 + r): what one unit became; never below 0."""
    return max(0.0, float(np.prod(1.0 + _known(returns))))


def cagr(returns: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Compound growth a year, growth ** (year / days) - 1."""
    days = len(returns)
    if days == 0:
        return NAN
    try:
        return math.pow(growth(returns), year / days) - 1.0
    except OverflowError:  # a few days, annualised
        return NAN


def volatility(returns: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Standard deviation (n - 1) of the returns, times sqrt(year)."""
    known = _known(returns)
    return NAN if len(known) < 2 else float(np.std(known, ddof=1)) * math.sqrt(year)


def sharpe(returns: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Mean over standard deviation, times sqrt(year) (Sharpe 1994, risk-free rate 0); undefined without variation."""
    return _per_period_sharpe(_known(returns)) * math.sqrt(year)


def sharpe_error(returns: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Standard error of ``sharpe``: sqrt((1 - g3*S + (g4 - 1)/4*S^2) / (n - 1)) with the period's S, times sqrt(year).

    g3 is the skewness, g4 the raw kurtosis (Mertens 2002; the denominator of the PSR in Bailey & Lopez de Prado 2014).
    """
    ratio, skew, kurtosis, count = shape(returns)
    if math.isnan(ratio):
        return NAN
    variance = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    return math.sqrt(max(variance, 0.0) / (count - 1) * year)


def shape(returns: Floats) -> tuple[float, float, float, int]:
    """Sharpe ratio per period, skewness, raw kurtosis, and the number of known returns; NaN without variation."""
    known = _known(returns)
    ratio = _per_period_sharpe(known)
    if math.isnan(ratio):
        return NAN, NAN, NAN, len(known)
    z = (known - np.mean(known)) / np.std(known)
    return ratio, float(np.mean(z**3)), float(np.mean(z**4)), len(known)


def sharpe_difference_error(returns: Floats, others: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Standard error of sharpe(returns) - sharpe(others) on the same days, which are correlated.

    sqrt((2 - 2*c + (S1^2 + S2^2 - 2*S1*S2*c^2) / 2) / n) with the period's S and correlation c, times sqrt(year)
    (Jobson & Korkie 1981 as corrected by Memmel 2003).
    """
    both = np.isfinite(returns) & np.isfinite(others)
    one, two = _per_period_sharpe(returns[both]), _per_period_sharpe(others[both])
    if math.isnan(one) or math.isnan(two):
        return NAN
    c = float(np.corrcoef(returns[both], others[both])[0, 1])
    variance = 2.0 - 2.0 * c + (one * one + two * two - 2.0 * one * two * c * c) / 2.0
    return math.sqrt(max(variance, 0.0) / int(np.count_nonzero(both)) * year)


def sortino(returns: Floats, year: float = DAYS_PER_YEAR) -> float:
    """Mean over downside deviation, times sqrt(year): target 0, root mean square of min(r, 0) over *all* returns."""
    known = _known(returns)
    if len(known) < 2:
        return NAN
    downside = math.sqrt(float(np.mean(np.square(np.minimum(known, 0.0)))))
    return NAN if downside == 0.0 else float(np.mean(known)) / downside * math.sqrt(year)


def calmar(growth_a_year: float, deepest: float) -> float:
    """CAGR over the deepest drawdown's size, both over the full window; undefined without a drawdown."""
    return NAN if deepest == 0.0 else growth_a_year / abs(deepest)


def value_at_risk(returns: Floats, share: float = 0.05) -> float:
    """The quantile ``share`` of the returns (linear between the neighbours): a loss is negative."""
    known = _known(returns)
    return NAN if len(known) == 0 else float(np.quantile(known, share))


def expected_shortfall(returns: Floats, share: float = 0.05) -> float:
    """CVaR: the mean of the worst int((n - 1) * share) + 1 returns (empyrical's convention): a loss is negative."""
    known = np.sort(_known(returns))
    return NAN if len(known) == 0 else float(np.mean(known[: int((len(known) - 1) * share) + 1]))


def omega(returns: Floats) -> float:
    """Sum of the gains over the sum of the losses' sizes (Keating & Shadwick 2002, target 0)."""
    known = _known(returns)
    losses = -float(np.sum(np.minimum(known, 0.0)))
    return NAN if losses == 0.0 else float(np.sum(np.maximum(known, 0.0))) / losses


def capture(returns: Floats, benchmark: Floats, *, up: bool) -> float:
    """Geometric mean return over the benchmark's, in the periods in which the benchmark gained (``up``) or lost.

    The means stay per period: annualising them first (as empyrical does) would blow up a few good months.
    """
    chosen = np.isfinite(returns) & (benchmark > 0.0 if up else benchmark < 0.0)
    periods = int(np.count_nonzero(chosen))
    if periods == 0:
        return NAN
    mine, theirs = (math.pow(growth(series[chosen]), 1.0 / periods) - 1.0 for series in (returns, benchmark))
    return mine / theirs


# ------------------------------------------------------------------------------------------------------- what was done


def weighted_mean(values: Floats, weights: Floats) -> float:
    """Sum of value x weight over the sum of weights, where both are known and the weight is positive."""
    used = np.isfinite(values) & np.isfinite(weights) & (weights > 0.0)
    total = float(np.sum(weights[used]))
    return NAN if total == 0.0 else float(np.sum(values[used] * weights[used])) / total


def whipsaws(hedge: Floats, step: float = STEP, window: int = WINDOW) -> int:
    """How often one asset's intended hedge [D] rose and fell (or fell and rose) by ``step`` within ``window`` days.

    Both moves may take several days. Counted moves do not overlap: the next count starts where the last one ended.
    """
    if len(hedge) < 3:
        return 0
    padded = np.concatenate([np.full(window, NAN), np.asarray(hedge, dtype=np.float64)])
    recent = np.lib.stride_tricks.sliding_window_view(padded, window + 1)
    count, free = 0, 0
    for day in np.flatnonzero(_reversed_at_end(recent, step)):
        start = max(free, int(day) - window)
        if _reversed_at_end(hedge[None, start : day + 1], step)[0]:
            count, free = count + 1, int(day)
    return count


def transitions(regime: Ints) -> tuple[int, int]:
    """Changes of state and the days on which one was possible, over all assets of ``regime`` [D, A] (-1: unlisted)."""
    listed = (regime[1:] >= 0) & (regime[:-1] >= 0)
    return int(np.count_nonzero(listed & (regime[1:] != regime[:-1]))), int(np.count_nonzero(listed))


# ---------------------------------------------------------------------------------------------------------- a whole run


def path_of(run: Run) -> Floats:
    """Net asset value from the start (before the first day) through every close: D + 1 values."""
    return np.concatenate([[run.start_value], run.nav])


def month_ends(run: Run) -> tuple[list[tuple[int, int]], Ints]:
    """(year, month) of every calendar month of the run, UTC, and the day [M] that ends it."""
    months = run.days_ns.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    ends = np.append(np.flatnonzero(np.diff(months)), np.arange(len(months))[-1:])
    return [(1970 + int(month) // 12, int(month) % 12 + 1) for month in months[ends]], ends


def monthly_returns(run: Run) -> list[tuple[int, int, float]]:
    """(year, month, return) of every calendar month of the run, UTC; the first and the last may be partial."""
    months, ends = month_ends(run)
    changes = returns_of(np.concatenate([[run.start_value], run.nav[ends]]))
    return [(year, month, float(change)) for (year, month), change in zip(months, changes, strict=True)]


def metrics(run: Run, *, unhedged: Run | None = None) -> dict[str, object]:
    """Every figure that the JSON and the report state about a run; capture is measured against ``unhedged`` (B2).

    Fractions, not percent. ``fees`` and ``slippage`` are what was paid, as positive amounts of quote; ``funding`` is
    what the hedge received (negative: paid). Hedge ratios are averaged over days and assets by the value held.
    ``regime_days`` are shares of listed asset-days. None stands for what is not defined.
    """
    figures: dict[str, object] = {**_risk(run), **_costs(run), **_hedged(run), **_conduct(run)}
    return {name: _plain(value) for name, value in (figures | _captures(run, unhedged)).items()}


def brief(run: Run) -> dict[str, object]:
    """Those of ``metrics`` that take little time and need neither legs nor refusals: for one run of many."""
    figures: dict[str, object] = {**_risk(run), **_costs(run), **_hedged(run)}
    return {name: _plain(value) for name, value in figures.items()}


def _risk(run: Run) -> dict[str, object]:
    path = path_of(run)
    returns = returns_of(path)
    rate, deepest = cagr(returns), max_drawdown(path)
    return {
        "cagr": rate,
        "volatility": volatility(returns),
        "sharpe": sharpe(returns),
        "sharpe_se": sharpe_error(returns),
        "sortino": sortino(returns),
        "max_drawdown": deepest,
        "max_drawdown_days": longest_drawdown(path),
        "calmar": calmar(rate, deepest),
        "cvar_95": expected_shortfall(returns, 0.05),
        "cvar_99": expected_shortfall(returns, 0.01),
        "ulcer": ulcer(path),
    }


def _costs(run: Run) -> dict[str, object]:
    paid = dict(zip(PARTS, run.parts[-1], strict=True)) if len(run.parts) else dict.fromkeys(PARTS, 0.0)
    fees = -float(paid["fees_spot"] + paid["fees_futures"]) + 0.0  # no negative zero
    slippage = -float(paid["slippage_spot"] + paid["slippage_futures"]) + 0.0
    value_years = _fold(run.nav, np.mean) * len(run.nav) / DAYS_PER_YEAR  # mean NAV times the years
    per_year = 1.0 / value_years if value_years > 0.0 else NAN
    return {
        "turnover_spot": float(np.nansum(run.turnover_spot)) * per_year,
        "turnover_futures": float(np.nansum(run.turnover_futures)) * per_year,
        "fees": fees,
        "slippage": slippage,
        "funding": float(paid["funding"]),
        "cost_per_year": (fees + slippage) * per_year,
    }


def _hedged(run: Run) -> dict[str, object]:
    value = run.base
    achieved = weighted_mean(run.h_achieved, value)
    distance = run.liquidation_distance[np.isfinite(run.liquidation_distance)]
    return {
        "mean_hedge_ratio": achieved,
        "liquidations": int(run.liquidations),
        "min_liquidation_distance": float(np.min(distance)) if len(distance) else NAN,
        "max_margin_ratio": _fold(run.margin_ratio, np.max),
        "margin_capped_days": int(np.count_nonzero(run.margin_capped > 0.0)),
        "h_intended": weighted_mean(run.h_intended, value),
        "h_achieved": achieved,
    }


def _conduct(run: Run) -> dict[str, object]:
    changes, listed_days = transitions(run.regime)
    known = run.regime[run.regime >= 0]
    share = np.bincount(known, minlength=len(run.regimes)) / max(1, len(known))
    return {
        "regime_days": {name: float(share[i]) for i, name in enumerate(run.regimes)},
        "transitions_per_year": changes / listed_days * DAYS_PER_YEAR if listed_days else NAN,
        "whipsaws": sum(whipsaws(run.h_intended[:, i]) for i in range(len(run.assets))),
        "blocked_by_reason": dict(Counter(leg.refused for leg in run.refusals).most_common()),
        "blocked_share": blocked_share(run),
    }


def blocked_share(run: Run) -> float:
    """Share of wanted moves that guards blocked for good; NaN where nothing was wanted (domain 2A-21).

    A move is wanted once, however many days it is asked for: asks of one asset, kind and side that lie at most
    ``PATIENCE`` days apart are one move, and it was made when any leg of it filled. What a rule of pace, a missing
    market or a limit of the user's own (protected coins, the reserve) put off is not counted as blocked.
    """
    asked: dict[tuple[str, str, str], list[tuple[int, bool]]] = {}
    for leg in (*run.legs, *run.refusals):
        if leg.kind != "margin" and leg.refused not in PUT_OFF:
            asked.setdefault((leg.asset, leg.kind, leg.side), []).append((leg.day, not leg.refused))
    wanted = blocked = 0
    for days in asked.values():
        days.sort()
        made, last = False, days[0][0]
        for day, filled in days:
            if day - last > PATIENCE:
                wanted, blocked, made = wanted + 1, blocked + (not made), False
            made, last = made or filled, day
        wanted, blocked = wanted + 1, blocked + (not made)
    return blocked / wanted if wanted else NAN


def _captures(run: Run, unhedged: Run | None) -> dict[str, object]:
    if unhedged is None:
        return {"up_capture": None, "down_capture": None}
    theirs = {(year, month): change for year, month, change in monthly_returns(unhedged)}
    pairs = [(change, theirs.get((year, month), NAN)) for year, month, change in monthly_returns(run)]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return {
        "up_capture": capture(table[:, 0], table[:, 1], up=True),
        "down_capture": capture(table[:, 0], table[:, 1], up=False),
    }


# --------------------------------------------------------------------------------------------------------------- inside


def _known(returns: Floats) -> Floats:
    returns = np.asarray(returns, dtype=np.float64)
    return returns[~np.isnan(returns)]


def _fold(values: Floats, fold: Callable[[Floats], float]) -> float:
    """``fold`` (mean, min, max) over what is known; 0 where nothing is."""
    known = _known(values)
    return float(fold(known)) if len(known) else 0.0


def _per_period_sharpe(known: Floats) -> float:
    if len(known) < 2:
        return NAN
    mean, deviation = float(np.mean(known)), float(np.std(known, ddof=1))
    # The deviation of a constant series is the rounding error of its mean, not a risk.
    return NAN if deviation <= 1e-12 * abs(mean) or deviation == 0.0 else mean / deviation


def _reversed_at_end(windows: Floats, step: float) -> NDArray[np.bool_]:
    """For each row: did some earlier value rise by ``step`` before and fall by ``step`` to the last, or the reverse?"""
    last, least = windows[:, -1:], step - 1e-9
    risen = windows - np.fmin.accumulate(windows, axis=1)
    fallen = np.fmax.accumulate(windows, axis=1) - windows
    up_down = (risen >= least) & (windows - last >= least)
    down_up = (fallen >= least) & (last - windows >= least)
    return np.asarray(np.any(up_down | down_up, axis=1))


def _plain(value: object) -> object:
    """A figure as JSON can state it: None for NaN and infinity."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
