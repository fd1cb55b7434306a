"""How a portfolio stands, as plain data: for ``status``, the terminal view and whoever asks."""

from __future__ import annotations

from typing import Any

from hedgerow import jit
from hedgerow.engine.engine import Engine
from hedgerow.kernel import arrays as k
from hedgerow.kernel.measure import net_asset_value, own_short, spot_units
from hedgerow.model.plan import Plan
from hedgerow.units import NS_PER_SECOND


def summary(engine: Engine) -> dict[str, Any]:
    """The state of an engine that has begun. Times are ns since the epoch, money quote, shares fractions."""
    begin = engine.begin
    assert begin is not None
    plan = engine.approval.plan or engine.execution.plan
    return {
        "now_ns": engine.now_ns,
        "world": begin.world,
        "version": begin.version,
        "policy": engine.policy.name,
        "state": engine.state.value,
        "ready": engine.account.ready,
        "caution": engine.caution,
        "value": value_of(engine),
        "quote": engine.universe.quote,
        "cash": float(engine.fold.desk.book.wallet[k.W_CASH, 0]),
        "assets": {name: _asset(engine, a) for a, name in enumerate(engine.universe.assets)},
        "shorts": _shorts(engine),
        "plan": plan_plain(plan) if plan else None,
        "plan_is": "at work" if engine.execution.plan else "open" if engine.approval.plan else "",
        "approved_by": list(engine.approval.said),
        "orders": [
            {
                "id": name, "instrument": live.order.instrument, "kind": live.order.kind, "status": live.status.value,
                "amount": str(live.order.amount), "filled": str(live.filled),
            }
            for name, live in engine.orders.alive.items()
        ],
        "alerts": [{"at_ns": one.at_ns, "level": one.level, "text": one.text} for one in engine.alerts],
        "differences": {what: [str(ours), str(theirs)] for what, (ours, theirs) in engine.account.differences.items()},
        "not_ours": {what: str(amount) for what, amount in engine.account.ignored.items()},
    }  # fmt: skip


def value_of(engine: Engine) -> float:
    """Net asset value at the last closes, quote; that of the fold is of the last decision."""
    desk = engine.fold.desk
    book = desk.book
    return float(jit.plain(net_asset_value)(book.asset, book.inst, book.wallet, desk.rules.inst, desk.tick.before))


def _asset(engine: Engine, a: int) -> dict[str, Any]:
    desk = engine.fold.desk
    book, work, price = desk.book, desk.work, float(desk.tick.before[a])
    states = list(engine.policy.regime)
    state = int(book.asset[k.B_STATE, a])
    weight = float(work.asset[k.X_WEIGHT, a])
    if desk.rules.scalar[k.K_RISK_ONLY] != 1.0 and (value := value_of(engine)) > 0.0:
        weight = float(jit.plain(spot_units)(book.asset, book.inst, desk.rules.inst, a)) * price / value
    return {
        "coins": float(book.asset[k.B_HELD, a]), "protected": float(book.asset[k.B_PROTECTED, a]),
        "price": price, "weight": weight, "target": float(work.asset[k.X_TARGET, a]), "hedge": _hedge(engine, a),
        "intended": float(book.asset[k.B_H, a]), "regime": states[state] if 0 <= state < len(states) else "",
    }  # fmt: skip


def _hedge(engine: Engine, a: int) -> float:
    """The share of an asset's coins that is hedged now, as the kernel counts it; its own is of the last decision."""
    desk = engine.fold.desk
    book, rules = desk.book, desk.rules
    sold = float(book.asset[k.B_SOLD, a])
    base = float(jit.plain(spot_units)(book.asset, book.inst, rules.inst, a)) + sold
    short = float(jit.plain(own_short)(book.asset, book.inst, rules.inst, a, int(rules.scalar[k.K_MARKET])))
    crossed = float(book.asset[k.B_CROSS, a] * desk.work.asset[k.X_CROSSED, a])
    return (short + crossed + sold) / base if base > 0.0 else 0.0


def _shorts(engine: Engine) -> dict[str, Any]:
    book, universe = engine.fold.desk.book, engine.universe
    shorts = {}
    for i in range(len(universe.assets), len(universe.instruments)):
        if book.inst[k.P_UNITS, i] != 0.0:
            mark, liquidation = float(engine.fold.desk.tick.mark[i]), float(book.inst[k.P_LIQUIDATION, i])
            shorts[universe.instruments[i].symbol] = {
                "coins": float(book.inst[k.P_UNITS, i]), "entry": float(book.inst[k.P_ENTRY, i]), "mark": mark,
                "collateral": float(book.inst[k.P_COLLATERAL, i]), "liquidation": liquidation,
                "away": liquidation / mark - 1.0 if mark > 0.0 else float("nan"),
            }  # fmt: skip
    return shorts


def plan_plain(plan: Plan) -> dict[str, Any]:
    """A plan as plain data."""
    return {
        "id": plan.id, "at_ns": plan.at_ns, "cause": plan.cause, "value": str(plan.value), "notional": str(plan.notional),
        "level": plan.level, "approvals": plan.approvals, "expires_ns": plan.expires_ns,
        "expires_in_s": (plan.expires_ns - plan.at_ns) // NS_PER_SECOND, "refused": list(plan.refused),
        "legs": [
            {
                "instrument": leg.instrument, "asset": leg.asset, "kind": leg.kind, "amount": str(leg.amount),
                "price": str(leg.price), "cost": str(leg.cost), "reason": leg.reason, "why": leg.why, "reduces": leg.reduces,
            }
            for leg in plan.legs
        ],
    }  # fmt: skip
