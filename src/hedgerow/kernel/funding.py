"""Funding rates as venues make them: a premium index, then a clamp or a damper, and a cap (domain 2.7).

Rates are fractions of notional for the interval named; positive: longs pay shorts. What a position receives is
``model.contract.funding_received``, where the sign is fixed. An unknown price gives nan, never nought.
"""

from __future__ import annotations

from typing import Final

from hedgerow.jit import compiled
from hedgerow.units import DAYS_PER_YEAR, HOURS_PER_DAY

HOURS_A_YEAR: Final = DAYS_PER_YEAR * HOURS_PER_DAY


@compiled
def premium_index(impact_bid: float, impact_ask: float, index: float) -> float:
    """How far the perpetual trades above its index (negative: below), a fraction; 0 while the index is between its
    impact bid and impact ask. Source: Gate, Binance, BitMEX (funding rate pages).
    """
    above = impact_bid - index
    below = index - impact_ask
    above = 0.0 if above < 0.0 else above  # nan stays nan
    below = 0.0 if below < 0.0 else below
    return (above - below) / index


@compiled
def within(rate: float, limit: float) -> float:
    """``rate`` held between ``-limit`` and ``limit``; nan stays nan."""
    if rate > limit:
        return limit
    return -limit if rate < -limit else rate


@compiled
def clamped_rate(premium: float, interest: float, width: float, cap: float) -> float:
    """F = P + clamp(I - P, -width, width), held within the contract's cap: I where the premium is near it, else the
    premium less ``width``. ``premium`` is its mean over the interval.

    Source: Binance, Gate, BitMEX; I = 0.01 % and width 0.05 % for 8 hours; the cap is the contract's own.
    """
    return within(premium + within(interest - premium, width), cap)


@compiled
def damped_rate(premium: float, damper: float, cap: float) -> float:
    """F = max(damper, P) + min(-damper, P), held within the cap: nought while the premium is within the damper, else
    what is beyond it.

    Source: Deribit (funding specifications) and Thalex: 0.025 % for 8 hours, 0.05 % in older copies (G-35, G-36). With
    a damper of 0 it is the premium itself: Kraken's and Thalex's older rule, for 24 hours (G-34, G-38).
    """
    return within(premium - within(premium, damper), cap)


@compiled
def interval_rate(rate: float, hours: float, basis_hours: float) -> float:
    """A rate quoted for ``basis_hours`` as the part that ``hours`` of them pay: linear in time."""
    return rate * hours / basis_hours


@compiled
def annual_rate(rate: float, hours: float) -> float:
    """A rate of one interval of ``hours`` as a simple rate a year: 0.01 % for 8 hours is 10.95 %."""
    return rate * HOURS_A_YEAR / hours
