"""What a bar does to margin: which shorts are at their liquidation price, the day's worst ratio and distance, alarms."""

from __future__ import annotations

from hedgerow.jit import compiled
from hedgerow.kernel.account import account_distance, account_state, account_top_up, is_pooled
from hedgerow.kernel.arrays import (
    I_ASSET,
    ISOLATED,
    K_MODE,
    K_WARN,
    K_WARN_RATIO,
    NEAR_NONE,
    NEAR_TOP,
    P_ALARM,
    P_LIQUIDATION,
    P_SEEN,
    P_TOP,
    P_UNITS,
    Book,
    Rules,
)  # fmt: skip
from hedgerow.kernel.ladder import rung_of
from hedgerow.kernel.margin import distance_of, falls_with_mark, margin_ratio, may_exceed, ratio_of, top_up_distance
from hedgerow.model.market import Bytes, Floats


@compiled
def premium(last: Floats, i: int) -> float:
    """Price of contract ``i`` over its asset's on its last own bar; nan: it had none. ``last`` [2, I] holds both."""
    return last[0, i] / last[1, i]


@compiled
def bar_mark(inst_rules: Floats, price: Floats, high: Floats, fresh: Bytes, last: Floats, i: int) -> float:
    """The mark of contract ``i`` by the ``price`` of a bar (the open or the high), as far as the marked ``high`` confirms
    it; where the contract has no bar of its own, spot times the last premium.
    """
    if fresh[i] != 1 and premium(last, i) > 0.0:
        return price[int(inst_rules[I_ASSET, i])] * premium(last, i)
    return high[i] if price[i] > high[i] else price[i]


@compiled
def is_reached(
    inst_rules: Floats, inst: Floats, first: int, price: Floats, high: Floats, fresh: Bytes, last: Floats
) -> bool:
    """Whether any short of the contracts from ``first`` on is at its liquidation price: what most bars answer no to."""
    for i in range(first, inst.shape[1]):
        if inst[P_UNITS, i] < 0.0 and bar_mark(inst_rules, price, high, fresh, last, i) >= inst[P_LIQUIDATION, i]:
            return True
    return False


@compiled
def note_top(rules: Rules, inst: Floats, i: int, top: float, worst: Floats) -> None:
    """Track the day's worst margin ratio and distance of the short on contract ``i``, whose mark went up to ``top``."""
    if top > inst[P_TOP, i]:  # both only get worse with the mark
        inst[P_TOP, i] = top
        if may_exceed(rules, inst, i, top, worst[0]):
            worst[0] = max(worst[0], margin_ratio(rules, inst, i, top))
        worst[1] = min(worst[1], distance_of(inst, i, top))


@compiled
def _rung(rules: Rules, inst: Floats, i: int, price: float) -> int:
    """The rung of the margin ladder on which the short on contract ``i`` stands at a ``price``."""
    if price <= inst[P_ALARM, i]:
        return NEAR_NONE
    ratio = margin_ratio(rules, inst, i, price)
    return rung_of(rules.scalar, distance_of(inst, i, price), ratio, top_up_distance(rules.scalar, rules.inst, i))


@compiled
def watch_margin(rules: Rules, book: Book, price: Floats, high: Floats, fresh: Bytes, worst: Floats) -> bool:
    """Track the day's worst margin ratio, distance (both at the ``high``) and rung of every short, and of the account; whether
    one is to be acted for. ``price`` [I] are the close's marks (``estimate_marks``).
    """
    alarm = False
    for i in range(book.asset.shape[1], book.inst.shape[1]):
        if book.inst[P_UNITS, i] >= 0.0 or not price[i] > 0.0 or is_pooled(rules, i):
            continue
        note_top(rules, book.inst, i, high[i] if high[i] > price[i] else price[i], worst)
        rung = _rung(rules, book.inst, i, price[i])
        worst[2] = max(worst[2], float(rung))
        seen = fresh[i] == 1 or fresh[int(rules.inst[I_ASSET, i])] == 1
        if seen and rung >= NEAR_TOP:
            alarm = True
    if rules.scalar[K_MODE] != ISOLATED:
        return _watch_account(rules, book, price, worst) or alarm
    return alarm


@compiled
def watch_stretch(rules: Rules, book: Book, tops: Floats, worst: Floats) -> bool:
    """Look at a stretch of bars at once, by its ``tops`` [2, C]: what ``at_the_high`` and ``watch_margin`` would find on its
    bars, margin being isolated. False, and nothing is changed, where a short is liquidated or is to be acted for, or where
    its ratio may be worst at another bar than the highest (``falls_with_mark``).
    """
    inst = book.inst
    first = book.asset.shape[1]
    near = NEAR_NONE
    for i in range(first, inst.shape[1]):
        if inst[P_UNITS, i] < 0.0 and falls_with_mark(rules, i):
            return False
        if tops[0, i - first] > inst[P_ALARM, i] and inst[P_UNITS, i] < 0.0:
            if tops[0, i - first] >= inst[P_LIQUIDATION, i]:
                return False
            near = max(near, _rung(rules, inst, i, tops[1, i - first]))
    if near >= NEAR_TOP:
        return False
    worst[2] = max(worst[2], float(near))
    for i in range(first, inst.shape[1]):
        if tops[0, i - first] > inst[P_TOP, i] and inst[P_UNITS, i] < 0.0:
            note_top(rules, inst, i, tops[0, i - first], worst)
    return True


@compiled
def _watch_account(rules: Rules, book: Book, price: Floats, worst: Floats) -> bool:
    """The same for pooled margin, at the close's marks; the distance is searched for only where it may be nearer."""
    equity, need, notional = account_state(rules, book, price, 0.0)
    if notional == 0.0:
        return False
    ratio = ratio_of(need, equity)
    worst[0] = max(worst[0], ratio)
    limit = max(rules.scalar[K_WARN], min(worst[1], 10.0))
    far_equity, far_need, _ = account_state(rules, book, price, limit)
    if far_equity > far_need and ratio < rules.scalar[K_WARN_RATIO]:
        return False
    distance = account_distance(rules, book, price)
    worst[1] = min(worst[1], distance)
    rung = rung_of(rules.scalar, distance, ratio, account_top_up(rules, book))
    worst[2] = max(worst[2], float(rung))
    return rung >= NEAR_TOP


@compiled
def estimate_marks(rules: Rules, book: Book, close: Floats, fresh: Bytes, last: Floats, mark: Floats) -> None:
    """The marks that the risk clock sees: where a contract's bars are coarser than spot's, spot times the last
    premium (``last`` [2, I] keeps it, as the two prices: ``remember_marks``).
    """
    for i in range(close.shape[0]):
        mark[i] = close[i]
    for i in range(book.asset.shape[1], close.shape[0]):
        if fresh[i] != 1:
            spot = close[int(rules.inst[I_ASSET, i])]
            if premium(last, i) > 0.0 and spot > 0.0:
                mark[i] = spot * premium(last, i)


@compiled
def remember_marks(rules: Rules, book: Book, close: Floats, fresh: Bytes, now: int, last: Floats) -> None:
    """Note of every contract with a bar of its own when that was, and both prices: what bars without one need."""
    for i in range(book.asset.shape[1], close.shape[0]):
        if fresh[i] == 1:
            last[0, i] = close[i]
            last[1, i] = close[int(rules.inst[I_ASSET, i])]
            book.inst[P_SEEN, i] = float(now)
