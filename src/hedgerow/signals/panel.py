"""The daily panel ``sig[day, measure, asset]``: every market measure of the table in ``model/measure.py``.

Row ``d`` is a function of the last ``window_of(extra)`` daily bars up to ``d`` alone, bit for bit: the batch, the live
engine and a test with a scrambled future see the same numbers. What is not known is NaN; no column is ever infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hedgerow.model import measure
from hedgerow.model.market import Daily, Floats
from hedgerow.signals import (
    basis,
    correlation,
    cross,
    drawdown,
    fear,
    funding,
    indicators,
    macro,
    oscillator,
    percentile,
    support,
    trend,
    valuation,
    volatility,
)
from hedgerow.signals import views as dated
from hedgerow.signals.rolling import known_count, logs, mean, mean_of_known, ratio, shifted

BARS: Final = 730  # days: the count of known bars goes no further
TURNOVER: Final = 30  # days
_RANKED: Final = percentile.WINDOW - 1

# measure -> W: the bars that its value is a function of, the last one included
WINDOWS: Final[dict[str, int]] = {
    "close": 1, "close_sma50": trend.SHORT, "mayer": trend.LONG, "mayer_pct": trend.LONG + _RANKED,
    "sma200_slope": trend.SLOPE_WINDOW, "return1": 2, "loss_sigmas": 32, "return30": 31, "return90": 91,
    "drawdown20": drawdown.SHORT, "drawdown365": drawdown.LONG, "low90": drawdown.LOW, "rsi14": oscillator.WINDOW,
    "atr14": oscillator.WINDOW, "stretch20": oscillator.STRETCH_WINDOW,
    "contraction10": oscillator.CONTRACTION_WINDOW, "sigma7": 8, "sigma30": 31, "sigma90": 91, "sigma30_close": 31,
    "sigma30_parkinson": 30, "sigma30_garman_klass": 30, "sigma30_rogers_satchell": 30, "sigma30_yang_zhang": 31,
    "sigma_ewma": volatility.EWMA_WINDOW, "sigma_median2y": volatility.EWMA_WINDOW + volatility.MEDIAN_WINDOW - 1,
    "sigma7_pct": 8 + _RANKED, "vol_ratio": 91, "sigma7_change7": 15, "sigma7_slope7": 14,
    "support_atr": support.WINDOW, "at_support": support.WINDOW, "support_broken": support.WINDOW, "premium": 1,
    "funding7": funding.DAYS, "funding30": funding.MONTH, "funding7_pct": funding.DAYS + _RANKED, "funding3": 1,
    "funding7_lag3": funding.DAYS + funding.LAG, "funding_jump": funding.JUMP_WINDOW, "basis60": 1,
    "basis60_rel": basis.MEDIAN_WINDOW, "basis60_gap": basis.MEDIAN_WINDOW, "adv30": TURNOVER,
    "adv30_futures": TURNOVER, "half_spread": 1, "half_spread_futures": 1, "depth": 1, "depth_futures": 1,
    "beta": cross.WINDOW, "rho2": cross.TEST_WINDOW, "bars": BARS, "fundamental_z": valuation.WINDOW,
    "correlation": correlation.WINDOW, "correlation30": correlation.ROLLING + 1,
    "eigenvalue_share": correlation.ROLLING + 1, "correlation_change20": correlation.WINDOW + correlation.CHANGE,
    "correlation_pct": correlation.WINDOW + _RANKED, "fear": fear.WINDOW, "fear_subsiding": fear.SUBSIDING_WINDOW,
    "vix": 1, "dxy_change20": macro.DOLLAR_DAYS + 1, "rate_change30": macro.RATE_DAYS + 1, "quote_usd": 1,
    "view_rungs": 1, "view_ratio": 1, "venue_failure": 1, "catalyst_passed": 1, "external_hedge": 1,
}  # fmt: skip


def window_of(extra: Sequence[str] = ()) -> int:
    """W of the whole panel: how many daily bars the live engine must hand over for the last row."""
    return max(*WINDOWS.values(), *(indicators.parse(name).window for name in extra))


def panel(
    daily: Daily,
    *,
    views: Sequence[dated.View] = (),
    external_hedge: Floats | None = None,
    extra: Sequence[str] = (),
    hedge_venue: str = "",
) -> Floats:
    """All measures [D, measure.COUNT + len(extra), A], C-contiguous, in the kernel's units; book columns are NaN.

    ``external_hedge`` [D] or [D, A] is a fraction. ``extra`` names TA-Lib measures, one column each behind the table's.
    Market measures are repeated for every asset. Values that are not possible (prices that are not positive, anything
    that is not finite) count as unknown.
    """
    parsed = [indicators.parse(name) for name in extra]
    days, assets = daily.close.shape
    out = np.full((days, measure.COUNT + len(parsed), assets), np.nan)
    bars = _bars(daily)
    with np.errstate(all="ignore"):
        columns = _of_price(bars) | _of_volatility(bars, daily.realised) | _of_derivatives(daily, bars["close"])
        columns |= _of_the_market(daily, bars, columns)
        columns |= dated.columns(views, daily.days_ns, daily.assets, hedge_venue)
        columns["external_hedge"] = np.full(days, np.nan) if external_hedge is None else external_hedge
        for name, values in columns.items():
            out[:, measure.INDEX[name], :] = values if values.ndim == 2 else values[:, None]
        for i, indicator in enumerate(parsed):
            out[:, measure.COUNT + i, :] = indicators.evaluate(indicator, bars)
    out[~np.isfinite(out)] = np.nan
    out += 0.0  # no negative zero
    return out


def _positive(values: Floats) -> Floats:
    return np.where((values > 0.0) & (values < np.inf), values, np.nan)


def _bars(daily: Daily) -> dict[str, Floats]:
    """Prices and volume with the impossible taken out."""
    out = {field: _positive(np.asarray(getattr(daily, field))) for field in ("open", "high", "low", "close")}
    out["volume"] = np.where((daily.volume >= 0.0) & (daily.volume < np.inf), daily.volume, np.nan)
    return out


def _of_price(bars: dict[str, Floats]) -> dict[str, Floats]:
    high, low, close = bars["high"], bars["low"], bars["close"]
    mayer = valuation.mayer_multiple(close)
    average_range = oscillator.atr(high, low, close)
    distance, at, broken = support.support(low, close, mean(close, trend.LONG), average_range)
    return {
        "close": close,
        "close_sma50": trend.over_mean(close, trend.SHORT),
        "mayer": mayer,
        "mayer_pct": percentile.percentile(mayer),
        "sma200_slope": trend.mean_slope(close),
        "return1": trend.simple_return(close, 1),
        "return30": trend.simple_return(close, 30),
        "return90": trend.simple_return(close, 90),
        "drawdown20": drawdown.from_highest_close(close),
        "drawdown365": drawdown.from_highest_high(close, high),
        "low90": drawdown.is_lowest_close(close),
        "rsi14": oscillator.rsi(close),
        "atr14": average_range / close,
        "stretch20": oscillator.stretch(close),
        "contraction10": oscillator.contraction(average_range),
        "support_atr": distance,
        "at_support": at,
        "support_broken": broken,
        "adv30": mean_of_known(bars["volume"] * close, TURNOVER, TURNOVER // 2),
        "bars": known_count(close, BARS).astype(np.float64),
    }


def _of_volatility(bars: dict[str, Floats], realised: Floats) -> dict[str, Floats]:
    o, h, l, c = (logs(bars[field]) for field in ("open", "high", "low", "close"))
    fine = np.where((realised >= 0.0) & (realised < np.inf), realised, np.nan)
    week, month, quarter = (volatility.sigma(o, h, l, c, fine, window) for window in (7, 30, 90))
    smooth = volatility.ewma(c)
    return {
        "sigma7": week,
        "sigma30": month,
        "sigma90": quarter,
        "sigma30_close": volatility.close_to_close(c, 30),
        "sigma30_parkinson": volatility.parkinson(h, l, 30),
        "sigma30_garman_klass": volatility.garman_klass(o, h, l, c, 30),
        "sigma30_rogers_satchell": volatility.rogers_satchell(o, h, l, c, 30),
        "sigma30_yang_zhang": volatility.yang_zhang(o, h, l, c, 30),
        "sigma_ewma": smooth,
        "sigma_median2y": volatility.two_year_median(smooth),
        "sigma7_pct": percentile.percentile(week),
        "vol_ratio": ratio(week, quarter),
        "sigma7_change7": volatility.change(week),
        "sigma7_slope7": volatility.slope(week),
        "loss_sigmas": trend.loss_in_sigmas(bars["close"], month),
    }


def _of_derivatives(daily: Daily, close: Floats) -> dict[str, Floats]:
    perpetual = _positive(daily.perp_close)
    level = funding.level(daily.funding_sum, daily.funding_hours)
    dated60 = basis.constant_maturity(close, _positive(daily.dated_close), daily.dated_days)
    usual = basis.usual(dated60)
    volume = np.where((daily.perp_volume >= 0.0) & (daily.perp_volume < np.inf), daily.perp_volume, np.nan)
    return {
        "premium": basis.premium(perpetual, close),
        "funding7": level,
        "funding30": funding.level(daily.funding_sum, daily.funding_hours, funding.MONTH),
        "funding7_pct": percentile.percentile(level),
        "funding3": daily.funding_last3,
        "funding7_lag3": shifted(level, funding.LAG),
        "funding_jump": funding.jump(level),
        "basis60": dated60,
        "basis60_rel": basis.relative(dated60, usual),
        "basis60_gap": dated60 - usual,
        "adv30_futures": mean_of_known(volume * perpetual, TURNOVER, TURNOVER // 2),
    }


def _of_the_market(daily: Daily, bars: dict[str, Floats], known: dict[str, Floats]) -> dict[str, Floats]:
    market = daily.market_asset
    log_close = logs(bars["close"])
    returns = log_close - shifted(log_close, 1)
    betas = cross.beta(returns, market)
    together = correlation.ewma(returns)
    own = fear.fallback(*(known[name][:, market] for name in ("sigma7", "return30", "drawdown365", "funding7")))
    index = np.where((daily.fear >= 0.0) & (daily.fear <= 100.0), daily.fear, np.nan)
    return {
        "half_spread": _positive(daily.half_spread[:, :, 0]),
        "half_spread_futures": _positive(daily.half_spread[:, :, 1]),
        "depth": _positive(daily.depth[:, :, 0]),
        "depth_futures": _positive(daily.depth[:, :, 1]),
        "beta": betas,
        "rho2": cross.effectiveness(returns, betas, market),
        "fundamental_z": valuation.z_score(np.where(np.isfinite(daily.fundamental), daily.fundamental, np.nan)),
        "correlation": together,
        "correlation30": correlation.rolling(returns),
        "eigenvalue_share": correlation.eigenvalue_share(returns),
        "correlation_change20": together - shifted(together, correlation.CHANGE),
        "correlation_pct": percentile.percentile(together),
        "fear": fear.index_or(index, own),
        "fear_subsiding": fear.index_or_own_subsiding(index, own),
        "vix": _positive(daily.vix),
        "dxy_change20": macro.relative_change(_positive(daily.dxy)),
        "rate_change30": macro.difference(daily.rate),
        "quote_usd": _positive(daily.quote_usd),
    }
