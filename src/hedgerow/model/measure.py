"""The table of measures: everything that a policy row may name, with unit, meaning and source.

A measure is one column of the daily panel ``sig[day, measure, asset]``. Market measures are repeated for every asset.
Book measures are columns too, filled by ``kernel/measure.py`` on the decision; a policy may add TA-Lib columns behind
the last one. NaN means *unknown*: a row that reads it abstains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: ``scope`` is asset, market or book; ``unit`` is a key of ``units.UNITS``."""

    name: str
    unit: str
    scope: str
    meaning: str
    source: str


# fmt: off
_ROWS: Final = (
    # price and trend
    ("close", "quote", "asset", "last completed daily close of the spot market", "domain 2.1"),
    ("close_sma50", "x", "asset", "close over its 50-day mean", "domain 2.8"),
    ("mayer", "x", "asset", "close over its 200-day mean (Mayer multiple)", "domain 2.4"),
    ("mayer_pct", "%", "asset", "Mayer multiple's rank in its last 365 days, 100 % = highest", "domain 2A-10"),
    ("sma200_slope", "%", "asset", "change of the 200-day mean over 20 days", "domain 2.9"),
    ("return1", "%", "asset", "simple return of the last day", "domain 2.11"),
    ("loss_sigmas", "sd", "asset", "last day's log loss in standard deviations of 30 days (gain: negative)", "domain 2.11"),
    ("return30", "%", "asset", "simple return of 30 days", "domain 2.10"),
    ("return90", "%", "asset", "simple return of 90 days", "domain 2A-17"),
    ("drawdown20", "%", "asset", "fall from the highest close of 20 days, as a positive number", "domain 2.11"),
    ("drawdown365", "%", "asset", "fall from the highest high of 365 days, as a positive number", "domain 2.10"),
    ("low90", "", "asset", "1 when the close is the lowest of 90 days", "domain 2.11"),
    # oscillators
    ("rsi14", "points", "asset", "Wilder RSI of 14 daily closes", "domain 2.4"),
    ("atr14", "%", "asset", "Wilder average true range of 14 days over the close", "domain 2.9"),
    ("stretch20", "sd", "asset", "(close - 20-day mean) over the standard deviation of the 20 closes", "domain 2.4"),
    ("contraction10", "", "asset", "1 when ATR14 was below its own 20-day mean on any of the last 10 bars", "domain 2.4"),
    # volatility (annualised)
    ("sigma7", "%/yr", "asset", "realised volatility of 7 days, from hourly returns where known, else Yang-Zhang", "domain 2.2"),
    ("sigma30", "%/yr", "asset", "the same over 30 days", "domain 2.2"),
    ("sigma90", "%/yr", "asset", "the same over 90 days", "domain 2.2"),
    ("sigma30_close", "%/yr", "asset", "30-day volatility of closes: standard deviation of log returns", "domain 2.2"),
    ("sigma30_parkinson", "%/yr", "asset", "30-day volatility from daily ranges (Parkinson)", "domain 2.2"),
    ("sigma30_garman_klass", "%/yr", "asset", "30-day volatility from ranges and bodies (Garman-Klass)", "domain 2.2"),
    ("sigma30_rogers_satchell", "%/yr", "asset", "30-day volatility, free of drift (Rogers-Satchell)", "domain 2.2"),
    ("sigma30_yang_zhang", "%/yr", "asset", "30-day volatility from jumps, bodies and ranges (Yang-Zhang)", "domain 2.2"),
    ("sigma_ewma", "%/yr", "asset", "close-to-close volatility, exponential weights with a half-life of 10 days", "domain 2.2"),
    ("sigma_median2y", "%/yr", "asset", "median of sigma_ewma over the last two years", "domain 2A-12"),
    ("sigma7_pct", "%", "asset", "sigma7's rank in its last 365 days", "domain 2A-10"),
    ("vol_ratio", "x", "asset", "sigma7 over sigma90", "domain 2.3"),
    ("sigma7_change7", "", "asset", "log of sigma7 over its value 7 days earlier", "domain 2.3"),
    ("sigma7_slope7", "", "asset", "least-squares slope of log sigma7 over 7 days, per day", "domain 2.3"),
    # support
    ("support_atr", "", "asset", "distance of the close above the nearest support, in ATR14 (below: negative)", "domain 2.9"),
    ("at_support", "", "asset", "1 within 0.5 ATR14 of a support that was not broken in 2 days", "domain 2.9"),
    ("support_broken", "", "asset", "1 on the second close in a row 0.5 ATR14 below a support that held until then", "domain 2.9"),
    # derivatives
    ("premium", "%", "asset", "perpetual close over spot close - 1", "domain 2.7"),
    ("funding7", "%/yr", "asset", "mean funding of 7 days, annualised; positive: a short receives", "domain 2.7"),
    ("funding30", "%/yr", "asset", "mean funding of 30 days, annualised; positive: a short receives", "domain 2.7"),
    ("funding7_pct", "%", "asset", "funding7's rank in its last 365 days", "domain 2A-10"),
    ("funding3", "bp/8h", "asset", "mean of the last 3 funding payments, per 8 hours", "domain 2.8"),
    ("funding7_lag3", "%/yr", "asset", "funding7 three days earlier", "domain 2.8"),
    ("funding_jump", "sd", "asset", "3-day change of funding7 in standard deviations of 90 days", "domain 2.8"),
    ("basis60", "%/yr", "asset", "annualised basis of dated futures at a constant 60 days", "domain 2.6"),
    ("basis60_rel", "x", "asset", "basis60 over its median of 30 days", "domain 2.6"),
    ("basis60_gap", "%/yr", "asset", "basis60 less its median of 30 days", "domain 2.6"),
    # liquidity and cross hedge
    ("adv30", "quote", "asset", "mean daily spot turnover of 30 days, in quote (of those known, 15 at least)", "domain 2.10"),
    ("adv30_futures", "quote", "asset", "mean daily perpetual turnover of 30 days, in quote (of those known, 15 at least)", "domain 2.12"),
    ("half_spread", "bp", "asset", "half of the spot spread, where the data has it", "domain 2.16"),
    ("half_spread_futures", "bp", "asset", "half of the perpetual's spread, where the data has it", "domain 2.16"),
    ("depth", "quote", "asset", "spot orders within 2 % of the mid on one side, in quote", "domain 2.12"),
    ("depth_futures", "quote", "asset", "the perpetual's orders within 2 % of the mid, in quote", "domain 2.12"),
    ("beta", "x", "asset", "shrunk beta of the asset to the market asset's hedge", "domain 2.12"),
    ("rho2", "x", "asset", "share of the asset's variance that the cross hedge took away out of sample in 90 days", "domain 2.12"),
    ("bars", "d", "asset", "completed daily bars known in the last 730 days", "domain 2A-10"),
    ("fundamental_z", "sd", "asset", "z-score of a series that the user supplies (price over fundamental value)", "domain 2A-16"),
    # the whole market
    ("correlation", "x", "market", "weighted average pairwise correlation of daily returns, EWMA 0.94", "domain 2.5"),
    ("correlation30", "x", "market", "average pairwise correlation of 30 daily returns, plain window", "domain 2.5"),
    ("eigenvalue_share", "%", "market", "share of the first eigenvalue of the 30-day correlations", "domain 2.5"),
    ("correlation_change20", "x", "market", "its change over 20 days", "domain 2A-11"),
    ("correlation_pct", "%", "market", "its rank in its last 365 days", "domain 2.5"),
    ("fear", "points", "market", "Fear & Greed index, or the internal fallback; 0 is extreme fear", "domain 2.10"),
    ("fear_subsiding", "", "market", "1 when fear stands 10 points above its 7-day low and rises", "domain 2.10"),
    ("vix", "points", "market", "CBOE volatility index, last close", "data"),
    ("dxy_change20", "%", "market", "change of the dollar index over 20 days", "data"),
    ("rate_change30", "pp", "market", "change of the overnight rate over 30 days (published next day)", "data"),
    ("quote_usd", "x", "market", "price of the quote stablecoin in US dollars", "domain 2.17"),
    # views: dated items of people and calendars
    ("view_rungs", "", "asset", "rungs that live views add", "domain 2A-15"),
    ("view_ratio", "%", "asset", "least hedge ratio that live views ask for", "domain 2A-15"),
    ("venue_failure", "", "asset", "1 while a view reports the failure of the venue that holds the hedge", "domain 2A-15"),
    ("catalyst_passed", "", "asset", "1 on the close of the day on which a dated catalyst passed", "R-022"),
    ("external_hedge", "%", "asset", "a hedge ratio given from outside, one value a day", "domain 4.2"),
    # the book: filled on the decision
    ("weight", "%", "book", "value held over net asset value (or over risk assets)", "domain 2.1"),
    ("drift_abs", "pp", "book", "weight less target weight", "E-04"),
    ("drift_rel", "%", "book", "weight over target weight - 1", "E-04"),
    ("gain", "x", "book", "price over unit cost", "R-023"),
    ("hedge_ratio", "%", "book", "short over spot held, in coins", "R-040"),
    ("age_days", "d", "book", "days since the regime of this asset last changed", "domain 2.11"),
    ("vol_breadth", "%", "book", "share of portfolio weight whose vol_ratio is at or above 1.5", "domain 2.3"),
    ("nav_drawdown", "%", "book", "fall of net asset value from its highest, as a positive number", "domain 4.12"),
)
# fmt: on

MEASURES: Final[tuple[Measure, ...]] = tuple(Measure(*row) for row in _ROWS)
INDEX: Final[dict[str, int]] = {measure.name: i for i, measure in enumerate(MEASURES)}
COUNT: Final = len(MEASURES)
FIRST_BOOK: Final = INDEX["weight"]
