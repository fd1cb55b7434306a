"""Collateral that shorts can spare: cash for a plan, and its way back to the wallet (2A-1)."""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.account import account_spare, account_state, is_pooled, largest_short
from hedgerow.kernel.arrays import (
    CROSS,
    I_ASSET,
    I_INVERSE,
    I_KIND,
    K_LEVERAGE,
    K_MIN_LEG,
    K_MODE,
    L_COST,
    L_INST,
    L_KIND,
    L_PRICE,
    L_SLEEVE,
    L_STATUS,
    L_UNITS,
    LEG_FUTURES,
    LEG_MARGIN,
    LEG_SPOT,
    P_COLLATERAL,
    P_UNITS,
    PENDING,
    UNIFIED,
    W_CASH,
    W_MARGIN,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.margin import collateral_due
from hedgerow.kernel.position import futures_value
from hedgerow.kernel.sleeve import leverage_for
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.plan import Reason

_OUT: Final = float(Reason.MARGIN_OUT)


@compiled
def _spare(rules: Rules, book: Book, price: Floats, fresh: Bytes, nav: float, i: int) -> float:
    """Quote that linear short ``i`` does not need as collateral; 0 where it is not worth a transfer."""
    if book.inst[P_UNITS, i] >= 0.0 or rules.inst[I_INVERSE, i] == 1.0 or not price[i] > 0.0 or fresh[i] != 1:
        return 0.0
    spot = price[int(rules.inst[I_ASSET, i])]
    spare = -collateral_due(rules.scalar, rules.inst, book.inst, i, price[i], spot)
    spare = min(spare, book.inst[P_COLLATERAL, i])
    return spare if spare > max(rules.scalar[K_MIN_LEG], 1e-9) * nav else 0.0


@compiled
def _wallet_spare(rules: Rules, book: Book, price: Floats, nav: float) -> float:
    """The same of the futures wallet under cross margin."""
    if rules.scalar[K_MODE] != CROSS:
        return 0.0
    spare = min(account_spare(rules, book, price), book.wallet[W_MARGIN, 0])
    return spare if spare > max(rules.scalar[K_MIN_LEG], 1e-9) * nav else 0.0


@compiled
def free_cash(rules: Rules, book: Book, price: Floats, fresh: Bytes, nav: float) -> float:
    """Quote that a plan can spend: the wallet, and what shorts can spare of their collateral."""
    cash = book.wallet[W_CASH, 0] + _wallet_spare(rules, book, price, nav)
    for i in range(price.shape[0]):
        if rules.inst[I_KIND, i] > 0.0 and not is_pooled(rules, i):
            cash += _spare(rules, book, price, fresh, nav, i)
    return cash


@compiled
def cash_for(rules: Rules, price: Floats, legs: Floats, count: Ints, sales: bool) -> float:
    """Quote that the plan's pending legs need from the wallet; with ``sales``, less what its sales bring."""
    need = 0.0
    for n in range(count[0]):
        i = int(legs[n, L_INST])
        if legs[n, L_STATUS] != PENDING or rules.inst[I_INVERSE, i] == 1.0:
            continue
        if legs[n, L_KIND] == LEG_FUTURES:
            if rules.scalar[K_MODE] != UNIFIED:
                need += max(0.0, -legs[n, L_UNITS]) * price[i] / leverage_for(rules.scalar, legs, n)
        else:
            need += max(0.0, legs[n, L_UNITS]) * legs[n, L_PRICE]
            if sales and legs[n, L_KIND] == LEG_SPOT and legs[n, L_UNITS] < 0.0:
                need += legs[n, L_UNITS] * legs[n, L_PRICE] + legs[n, L_COST]
    return need


@compiled
def _comes_back(legs: Floats, count: Ints) -> bool:
    """Whether the plan withdraws collateral already."""
    for n in range(count[0]):
        if legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_MARGIN and legs[n, L_UNITS] < 0.0:
            return True
    return False


@compiled
def withdraw_spare(
    rules: Rules, book: Book, price: Floats, fresh: Bytes, nav: float, legs: Floats, count: Ints, day: float
) -> None:
    """Where the wallet alone does not pay for the plan, bring spare collateral of shorts back to it (2A-1: futures
    equity is stable weight).
    """
    if _comes_back(legs, count):
        return
    need = cash_for(rules, price, legs, count, True)
    if rules.scalar[K_MODE] == CROSS:
        _withdraw_wallet(rules, book, price, nav, need, legs, count, day)
        return
    if need <= book.wallet[W_CASH, 0]:
        return
    for i in range(book.asset.shape[1], book.inst.shape[1]):  # a short that is raised uses its own spare first
        spare = 0.0 if is_pooled(rules, i) else _spare(rules, book, price, fresh, nav, i)
        if spare > 0.0:
            raised = pending_units(legs, count, i, -1.0, 0.0) * price[i] / rules.scalar[K_LEVERAGE]
            raised += pending_units(legs, count, i, -1.0, 1.0) * price[i]
            need -= min(raised, spare)
    if need <= book.wallet[W_CASH, 0]:
        return
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        spare = 0.0 if is_pooled(rules, i) else _spare(rules, book, price, fresh, nav, i)
        if spare > 0.0 and pending_units(legs, count, i, -1.0, 0.0) + pending_units(legs, count, i, -1.0, 1.0) == 0.0:
            a = int(rules.inst[I_ASSET, i])
            notional = -book.inst[P_UNITS, i] * price[i]
            equity = futures_value(book.inst, rules.inst, i, price[i], price[a])
            add_leg(
                legs, count, i, a, LEG_MARGIN, -spare, 1.0, price[a], _OUT, -1.0, equity / notional,
                1.0 / rules.scalar[K_LEVERAGE], day,
            )  # fmt: skip


@compiled
def _withdraw_wallet(
    rules: Rules, book: Book, price: Floats, nav: float, need: float, legs: Floats, count: Ints, day: float
) -> None:
    """The same under cross margin: raised shorts use what the futures wallet can spare, the rest of it comes back."""
    spare = _wallet_spare(rules, book, price, nav)
    largest = largest_short(rules, book, price)
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if not is_pooled(rules, i) or not price[i] > 0.0:
            continue
        raised = pending_units(legs, count, i, -1.0, 0.0) * price[i] / rules.scalar[K_LEVERAGE]
        need -= min(raised, spare)
        spare -= min(raised, spare)
    if need <= book.wallet[W_CASH, 0] or spare <= 0.0 or largest < 0:
        return
    equity, _, notional = account_state(rules, book, price, 0.0)
    a = int(rules.inst[I_ASSET, largest])
    measured = equity / notional if notional > 0.0 else np.inf
    add_leg(
        legs, count, largest, a, LEG_MARGIN, -spare, 1.0, price[a], _OUT, -1.0, measured,
        1.0 / rules.scalar[K_LEVERAGE], day,
    )  # fmt: skip


@compiled
def pending_units(legs: Floats, count: Ints, i: int, side: float, sleeve: float) -> float:
    """Coins of contract ``i`` that the plan covers (``side`` 1) or adds to the short (-1), hedge or carry ``sleeve``."""
    units = 0.0
    for n in range(count[0]):
        futures = legs[n, L_STATUS] == PENDING and legs[n, L_KIND] == LEG_FUTURES and int(legs[n, L_INST]) == i
        if futures and legs[n, L_SLEEVE] == sleeve:
            units += max(0.0, side * legs[n, L_UNITS])
    return units
