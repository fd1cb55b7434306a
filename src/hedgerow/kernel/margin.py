"""Margin of a short by its venue's convention: collateral due, maintenance, liquidation price (domain 2.17, 2A-1, 2A-9).

The arithmetic of conventions and tiers is ``kernel.liquidation``'s; here it meets the book. Inverse shorts are backed
by coins; their delta is constant.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    CLOSING_BANKRUPTCY,
    CLOSING_MARK,
    I_ASSET,
    I_AT_ENTRY,
    I_CLOSING,
    I_FEE,
    I_INVERSE,
    I_TIER,
    I_TIERS,
    I_WHOLE,
    K_LEVERAGE,
    K_MARKET,
    K_STOP,
    K_TOP,
    K_TOP_MARKET,
    K_WARN,
    K_WARN_RATIO,
    P_ALARM,
    P_CARRY,
    P_COLLATERAL,
    P_ENTRY,
    P_LIQUIDATION,
    P_STEEP,
    P_TOP,
    P_UNITS,
    Rules,
)  # fmt: skip
from hedgerow.kernel.liquidation import (
    BEYOND,
    T_RATE,
    backed_liquidation_price,
    closing_fee,
    distance,
    initial_margin,
    liquidation_price,
    maintenance,
    price_at,
    tier_margin,
    tier_row,
)
from hedgerow.kernel.position import futures_value, notional, size_of, unrealised
from hedgerow.model.market import Floats

_SLACK: Final = 1e-6  # what the search for a liquidation price may be off by, and more


@compiled
def _closing(rules: Rules, inst: Floats, i: int, equity: float) -> tuple[float, float]:
    """What maintenance holds back for closing: (fee of the value at the mark, amount of settle currency)."""
    how = rules.inst[I_CLOSING, i]
    fee = rules.inst[I_FEE, i]
    if how == CLOSING_MARK:
        return fee, 0.0
    if how == CLOSING_BANKRUPTCY:
        inverse = rules.inst[I_INVERSE, i] == 1.0
        return 0.0, closing_fee(size_of(inst, rules.inst, i), inst[P_ENTRY, i], equity, fee, inverse)
    return 0.0, 0.0


@compiled
def _tiers(rules: Rules, inst: Floats, i: int) -> tuple[int, int]:
    """First row and number of the tiers that hold for the position."""
    first = int(rules.inst[I_TIER, i])
    count = int(rules.inst[I_TIERS, i])
    if rules.inst[I_WHOLE, i] == 1.0:
        value = abs(notional(size_of(inst, rules.inst, i), inst[P_ENTRY, i], rules.inst[I_INVERSE, i] == 1.0))
        return tier_row(value, rules.tier, first, count), 1
    return first, count


@compiled
def maintenance_of(rules: Rules, inst: Floats, i: int, mark: float) -> float:
    """Maintenance margin of the position at ``mark`` by the venue's convention, settle currency."""
    if inst[P_UNITS, i] == 0.0:
        return 0.0
    inverse = rules.inst[I_INVERSE, i] == 1.0
    fee, amount = _closing(rules, inst, i, inst[P_COLLATERAL, i])
    first, count = _tiers(rules, inst, i)
    size = size_of(inst, rules.inst, i)
    at_entry = rules.inst[I_AT_ENTRY, i] == 1.0
    return maintenance(size, inst[P_ENTRY, i], mark, rules.tier, first, count, at_entry, fee, inverse) + amount


@compiled
def liquidation_of(rules: Rules, inst: Floats, i: int, equity: float, backing: float) -> float:
    """The mark at which ``equity`` (settle currency, its own profit left out) and ``backing`` coins that rise with it
    no longer keep the short; inf: none.
    """
    if inst[P_UNITS, i] >= 0.0:
        return np.inf
    inverse = rules.inst[I_INVERSE, i] == 1.0
    fee, amount = _closing(rules, inst, i, equity)
    first, count = _tiers(rules, inst, i)
    size = size_of(inst, rules.inst, i)
    at_entry = rules.inst[I_AT_ENTRY, i] == 1.0
    if backing > 0.0:
        return backed_liquidation_price(size, inst[P_ENTRY, i], equity - amount, backing, rules.tier, first, count, fee)
    return liquidation_price(size, inst[P_ENTRY, i], equity - amount, rules.tier, first, count, at_entry, fee, inverse)


@compiled
def refresh_margin(rules: Rules, inst: Floats, i: int) -> None:
    """Recompute the liquidation price and the alarm price of instrument ``i`` after anything changed there."""
    price = liquidation_of(rules, inst, i, inst[P_COLLATERAL, i], 0.0)
    inst[P_LIQUIDATION, i] = price
    inst[P_ALARM, i] = _alarm(rules, inst, i, price)
    inst[P_TOP, i] = 0.0
    inst[P_STEEP, i] = _steep(rules, inst, i)


@compiled
def _steep(rules: Rules, inst: Floats, i: int) -> float:
    """Maintenance margin over the mark at the liquidation price of a short; inf where it is no bound at lower marks.

    Tiers' rates rise with the notional, so that maintenance by the mark over the mark rises with it, too.
    """
    price = inst[P_LIQUIDATION, i]
    by_mark = rules.inst[I_AT_ENTRY, i] == 0.0 and rules.inst[I_CLOSING, i] != CLOSING_BANKRUPTCY
    if not by_mark or rules.inst[I_INVERSE, i] == 1.0 or not 0.0 < price < BEYOND:
        return np.inf
    return (inst[P_COLLATERAL, i] + unrealised(inst, rules.inst, i, price)) / price


@compiled
def may_exceed(rules: Rules, inst: Floats, i: int, mark: float, ratio: float) -> bool:
    """Whether the margin ratio at ``mark`` may be above ``ratio``: a bound that costs less than the ratio."""
    equity = inst[P_COLLATERAL, i] + unrealised(inst, rules.inst, i, mark)
    return not inst[P_STEEP, i] * mark <= (1.0 - _SLACK) * ratio * equity


@compiled
def _alarm(rules: Rules, inst: Floats, i: int, liquidation: float) -> float:
    """A price up to which the short on contract ``i`` stands on no rung; 0: none is known.

    Maintenance that does not move with the mark (``at_entry``) is more of a lower notional than ``_reach`` counts: there the
    price is solved for at which equity is maintenance over the least ratio that counts.
    """
    if inst[P_UNITS, i] >= 0.0:
        return np.inf
    reach = _reach(rules, inst, i, liquidation)
    if reach == np.inf:  # an inverse short may have a ratio that counts and no liquidation price
        return 0.0
    alarm = liquidation / (1.0 + reach)
    if rules.inst[I_AT_ENTRY, i] == 1.0:
        least = rules.scalar[K_WARN_RATIO]
        fee, amount = _closing(rules, inst, i, inst[P_COLLATERAL, i])
        if fee >= least:
            return 0.0
        first, count = _tiers(rules, inst, i)
        size = size_of(inst, rules.inst, i)
        inverse = rules.inst[I_INVERSE, i] == 1.0
        held = amount + tier_margin(abs(notional(size, inst[P_ENTRY, i], inverse)), rules.tier, first, count)
        price = price_at(size, inst[P_ENTRY, i], inst[P_COLLATERAL, i], fee / least, -held / least, inverse)
        alarm = min(alarm, price)
    return alarm * (1.0 - _SLACK)


@compiled
def falls_with_mark(rules: Rules, i: int) -> bool:
    """Whether a short's margin ratio may fall while the mark rises: an inverse one's maintenance by the mark is fewer coins
    then, and its collateral may be more than the coins that it is short.
    """
    return rules.inst[I_INVERSE, i] == 1.0 and rules.inst[I_AT_ENTRY, i] == 0.0


@compiled
def _reach(rules: Rules, inst: Floats, i: int, liquidation: float) -> float:
    """A liquidation distance above which a short stands on no rung, whatever its maintenance margin over equity is.

    At distance d, equity is maintenance and d (1 + r) of the notional, r the rate: their ratio is the least that counts,
    w, where d = r (1 - w) / (w (1 + r)); of an inverse short where d / (1 + d) = r (1 - w) / (w (1 - r)). Rates rise with
    the notional, so that of the ``liquidation`` price is the greatest on the way there.
    """
    first, count = _tiers(rules, inst, i)
    row = first + count - 1
    if rules.inst[I_INVERSE, i] == 0.0:
        row = tier_row(abs(inst[P_UNITS, i]) * max(liquidation, inst[P_ENTRY, i]), rules.tier, first, count)
    rate = rules.tier[row, T_RATE] + rules.inst[I_FEE, i]
    least = rules.scalar[K_WARN_RATIO]
    if not least > 0.0:
        return np.inf
    reach = rate * (1.0 - least) / least
    if rules.inst[I_INVERSE, i] == 1.0:
        lost = reach / (1.0 - rate)
        reach = lost / (1.0 - lost) if lost < 1.0 else np.inf
    reach = max(reach, max(rules.scalar[K_WARN], rules.scalar[K_STOP]))
    return max(reach, top_up_distance(rules.scalar, rules.inst, i))


@compiled
def top_up_distance(rules: Floats, inst_rules: Floats, i: int) -> float:
    """Liquidation distance below which the short is topped up (2A-9)."""
    return rules[K_TOP_MARKET] if inst_rules[I_ASSET, i] == rules[K_MARKET] else rules[K_TOP]


@compiled
def collateral_due(rules: Floats, inst_rules: Floats, inst: Floats, i: int, mark: float, spot: float) -> float:
    """Collateral that is missing (positive) or spare (negative) for equity = notional / leverage (the carry sleeve's
    short: its whole notional); settle currency.
    """
    q = abs(inst[P_UNITS, i])
    if inst_rules[I_INVERSE, i] == 1.0:
        return q / rules[K_LEVERAGE] - inst[P_COLLATERAL, i]
    carry = inst[P_CARRY, i]
    need = initial_margin(q - carry, mark, rules[K_LEVERAGE], 0.0, False) + initial_margin(carry, mark, 1.0, 0.0, False)
    return need - futures_value(inst, inst_rules, i, mark, spot)


@compiled
def margin_ratio(rules: Rules, inst: Floats, i: int, mark: float) -> float:
    """Maintenance margin over equity at ``mark``; 1 or more is a liquidation."""
    return ratio_of(maintenance_of(rules, inst, i, mark), inst[P_COLLATERAL, i] + unrealised(inst, rules.inst, i, mark))


@compiled
def ratio_of(need: float, equity: float) -> float:
    """Maintenance margin over equity; inf without equity."""
    return need / equity if equity > 0.0 else np.inf


@compiled
def distance_of(inst: Floats, i: int, mark: float) -> float:
    """How far ``mark`` may rise until the short on contract ``i`` is liquidated, a fraction of the mark."""
    return distance(inst[P_UNITS, i], inst[P_LIQUIDATION, i], mark)
