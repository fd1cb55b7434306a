"""What an order costs: fee, half-spread, square-root impact (domain 2.16), or a walk through a recorded book.

The plan's estimate and the simulated fill call the same function.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import I_ASSET, I_FEE, I_HALF_SPREAD, I_KIND, K_IMPACT, K_PARTICIPATION, K_SLIPPAGE_CAP
from hedgerow.model.market import Floats
from hedgerow.model.measure import INDEX

_SIGMA: Final = INDEX["sigma_ewma"]
_ADV_SPOT: Final = INDEX["adv30"]
_ADV_FUTURES: Final = INDEX["adv30_futures"]
_SPREAD_SPOT: Final = INDEX["half_spread"]
_SPREAD_FUTURES: Final = INDEX["half_spread_futures"]
_DEPTH_SPOT: Final = INDEX["depth"]
_DEPTH_FUTURES: Final = INDEX["depth_futures"]
_WORST: Final = 0.5  # of the price: the square-root law says nothing of orders beyond a market's turnover
_BOOK: Final = 0.01  # mean distance from the mid of an even book that is 2 % deep
_ROOT_YEAR: Final = math.sqrt(365.0)
_UNKNOWN_SIGMA: Final = 1.0  # a year; an asset too young for a volatility is priced as a wild one


@compiled
def turnover_of(inst_rules: Floats, measure: Floats, i: int) -> float:
    """Mean daily turnover of instrument ``i`` in quote; nan: unknown. Dated futures are judged by the perpetual's."""
    a = int(inst_rules[I_ASSET, i])
    return measure[_ADV_SPOT, a] if inst_rules[I_KIND, i] == 0.0 else measure[_ADV_FUTURES, a]


@compiled
def half_spread_of(inst_rules: Floats, measure: Floats, i: int) -> float:
    """Half-spread of instrument ``i``: the market's own where the data has it, else the policy's; a fraction."""
    a = int(inst_rules[I_ASSET, i])
    own = measure[_SPREAD_SPOT, a] if inst_rules[I_KIND, i] == 0.0 else measure[_SPREAD_FUTURES, a]
    return own if own > 0.0 else inst_rules[I_HALF_SPREAD, i]


@compiled
def depth_of(inst_rules: Floats, measure: Floats, i: int) -> float:
    """Quote within 2 % of the mid on one side of instrument ``i``; nan: unknown."""
    a = int(inst_rules[I_ASSET, i])
    return measure[_DEPTH_SPOT, a] if inst_rules[I_KIND, i] == 0.0 else measure[_DEPTH_FUTURES, a]


@compiled
def slippage_of(rules: Floats, inst_rules: Floats, measure: Floats, i: int, notional: float) -> float:
    """Half-spread and impact of an order, a fraction.

    Impact is Y x daily volatility x sqrt(order / ADV), left out where ADV is unknown; where the depth of the book is
    known, it is at least what walking an even book costs: 2 % at its end, half of that on average.
    """
    cost = half_spread_of(inst_rules, measure, i)
    impact = 0.0
    adv = turnover_of(inst_rules, measure, i)
    if adv > 0.0 and notional > 0.0:
        sigma = measure[_SIGMA, int(inst_rules[I_ASSET, i])]
        if not sigma >= 0.0:
            sigma = _UNKNOWN_SIGMA
        impact = rules[K_IMPACT] * sigma / _ROOT_YEAR * math.sqrt(notional / adv)
    depth = depth_of(inst_rules, measure, i)
    if depth > 0.0 and rules[K_IMPACT] > 0.0:
        impact = max(impact, _BOOK * notional / depth)
    return min(cost + impact, _WORST)


@compiled
def fill_price(rules: Floats, inst_rules: Floats, measure: Floats, i: int, units: float, price: float) -> float:
    """What an order of ``units`` coins of instrument ``i`` (bought above 0) fills at while the market stands at ``price``."""
    slip = slippage_of(rules, inst_rules, measure, i, abs(units) * price)
    return price * (1.0 + slip) if units > 0.0 else price * (1.0 - slip)


@compiled
def one_way_cost(rules: Floats, inst_rules: Floats, measure: Floats, i: int, notional: float) -> float:
    """Fee and slippage of trading ``notional`` on instrument ``i``, a fraction."""
    return inst_rules[I_FEE, i] + slippage_of(rules, inst_rules, measure, i, notional)


@compiled
def largest_within(rules: Floats, inst_rules: Floats, measure: Floats, i: int, cap: float) -> float:
    """The largest notional whose slippage stays within ``cap``; inf where impact is unknown or off."""
    spare = cap - half_spread_of(inst_rules, measure, i)
    if spare < 0.0:
        return 0.0
    adv = turnover_of(inst_rules, measure, i)
    sigma = measure[_SIGMA, int(inst_rules[I_ASSET, i])]
    if not sigma >= 0.0:
        sigma = _UNKNOWN_SIGMA
    steep = rules[K_IMPACT] * sigma / _ROOT_YEAR
    if steep <= 0.0:
        return np.inf
    depth = depth_of(inst_rules, measure, i)
    limit = spare / _BOOK * depth if depth > 0.0 else np.inf
    if adv > 0.0:
        root = spare / steep
        limit = min(limit, adv * root * root)
    return limit


@compiled
def bears(rules: Floats, inst_rules: Floats, measure: Floats, i: int) -> float:
    """The largest order that the market of instrument ``i`` takes by the guard's limits, quote; inf: not known."""
    limit = largest_within(rules, inst_rules, measure, i, rules[K_SLIPPAGE_CAP])
    adv = turnover_of(inst_rules, measure, i)
    return min(limit, rules[K_PARTICIPATION] * adv) if adv > 0.0 else limit


@compiled
def walk_book(prices: Floats, sizes: Floats, amount: float) -> tuple[float, float]:
    """(volume-weighted price, amount filled) of taking ``amount`` from levels in order of priority; nan if none."""
    left = amount
    paid = 0.0
    for k in range(prices.shape[0]):
        if left <= 0.0:
            break
        take = min(left, sizes[k])
        paid += take * prices[k]
        left -= take
    done = amount - left
    return (paid / done if done > 0.0 else np.nan), done
