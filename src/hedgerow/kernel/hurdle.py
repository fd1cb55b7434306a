"""What a pair of the carry sleeve would earn: its contract, its carry, and its yield after all four legs (domain 2A-18).

Carry is a year of the short's notional; the yield is a year of what the pair ties up, the coins and as much collateral.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    C_HORIZON,
    C_KIND,
    C_ROLL,
    C_YIELD,
    I_ASSET,
    I_EXPIRY,
    I_INVERSE,
    I_KIND,
    I_NEXT,
    P_SEEN,
    S_NOW,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.route import basis_of, days_left
from hedgerow.model.market import Floats
from hedgerow.model.measure import INDEX
from hedgerow.units import NS_PER_DAY

_FUNDING: Final = INDEX["funding7"]


@compiled
def contract_for(rules: Rules, book: Book, price: Floats, a: int) -> int:
    """The contract of a new pair: linear, of the policy's kind, listed; the nearest that is not soon to expire; -1."""
    found = -1
    last = book.scalar[S_NOW] + rules.carry[C_ROLL] * NS_PER_DAY
    i = int(rules.inst[I_NEXT, a])
    while i >= 0:
        kind = rules.inst[I_KIND, i] == rules.carry[C_KIND] and rules.inst[I_INVERSE, i] == 0.0
        listed = kind and price[i] > 0.0 and book.inst[P_SEEN, i] >= 0.0 and rules.inst[I_EXPIRY, i] > last
        if listed and (found < 0 or rules.inst[I_EXPIRY, i] < rules.inst[I_EXPIRY, found]):
            found = i
        i = int(rules.inst[I_NEXT, i])
    return found


@compiled
def gross_carry(rules: Rules, book: Book, measure: Floats, price: Floats, i: int) -> float:
    """What a short of contract ``i`` earns, a year of its notional: the 7-day mean of funding, or the basis to expiry;
    nan: unknown.
    """
    a = int(rules.inst[I_ASSET, i])
    left = days_left(rules.inst, i, book.scalar[S_NOW])
    return measure[_FUNDING, a] if left == np.inf else basis_of(price, i, a, left)


@compiled
def net_carry(rules: Rules, book: Book, measure: Floats, price: Floats, i: int, notional: float) -> float:
    """What a new pair of ``notional`` is expected to earn, a year of what it ties up (twice that), above the stable
    yield: its carry less the cost of all four legs over the horizon.
    """
    a = int(rules.inst[I_ASSET, i])
    legs = one_way_cost(rules.scalar, rules.inst, measure, a, notional)
    legs = 2.0 * (legs + one_way_cost(rules.scalar, rules.inst, measure, i, notional))
    days = min(rules.carry[C_HORIZON], days_left(rules.inst, i, book.scalar[S_NOW]))
    if days <= 0.0:
        return np.nan
    return 0.5 * (gross_carry(rules, book, measure, price, i) - legs * 365.0 / days) - rules.carry[C_YIELD]
