"""A plan from the legs that the kernel wrote: what is shown, what is approved, and what its orders are named after."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

from hedgerow.engine.fold import Fold, exact
from hedgerow.kernel import arrays as k
from hedgerow.model.codec import encode
from hedgerow.model.mandate import LEVELS, Autonomy, Mandate
from hedgerow.model.plan import Cause, Leg, Plan, Reason, Refusal
from hedgerow.model.why import row_name, sentence, unit_of
from hedgerow.units import NS_PER_HOUR

ZERO: Final = Decimal(0)
_KINDS: Final[tuple[Literal["spot", "futures", "margin"], ...]] = ("spot", "futures", "margin")


def plan_of(
    fold: Fold, mandate: Mandate, at_ns: int, cause: Cause, name: str, done_today: Decimal, *, unasked: bool = True
) -> Plan:
    """The legs that wait, as a plan; ``name`` begins its id, ``done_today`` is the notional done unasked since midnight, quote;
    ``unasked`` says whether a plan may be done without asking at all.
    """
    count = int(fold.desk.work.counts[0])
    rows = fold.legs[:count].tolist()
    legs = tuple(_leg(fold, n, row) for n, row in enumerate(rows) if row[k.L_STATUS] == k.PENDING)
    refused = tuple(_sentence(fold, row) for row in rows if row[k.L_STATUS] == k.REFUSED)
    notional = sum((abs(leg.amount) * leg.price for leg in legs if leg.kind != "margin"), ZERO)
    level = level_of(mandate, legs, notional, done_today)
    if level == "auto" and not unasked:
        level = "approve"
    approvals = 2 if mandate.two_above is not None and notional > mandate.two_above else 1
    expires = at_ns + int(mandate.expires_hours * NS_PER_HOUR)
    plan = Plan(at_ns, "", cause, exact(fold.value), notional, legs, refused, level, approvals, expires)
    return replace(plan, id=f"{name}-{hashlib.sha256(encode(plan).encode()).hexdigest()[:12]}")


def level_of(mandate: Mandate, legs: Sequence[Leg], notional: Decimal, done_today: Decimal) -> Autonomy:
    """The autonomy of a plan: the lowest of its legs', and never auto above the mandate's limits or where two must approve."""
    level = min((_level(mandate, leg) for leg in legs), key=LEVELS.index, default=mandate.autonomy)
    limits = ((mandate.auto_plan, notional), (mandate.auto_day, done_today + notional), (mandate.two_above, notional))
    if mandate.most_plan is not None and not notional <= mandate.most_plan:
        return min(level, "advise", key=LEVELS.index)
    if level == "auto" and any(limit is not None and not amount <= limit for limit, amount in limits):
        return "approve"
    return level


def _level(mandate: Mandate, leg: Leg) -> Autonomy:
    rows = [mandate.by_reason.get(leg.reason), mandate.by_asset.get(leg.asset)]
    return min((row for row in rows if row is not None), key=LEVELS.index, default=mandate.autonomy)


def _leg(fold: Fold, n: int, row: Sequence[float]) -> Leg:
    reason = Reason(int(row[k.L_REASON]))
    kind = _KINDS[int(row[k.L_KIND])]
    return Leg(
        n,
        fold.universe.instruments[int(row[k.L_INST])].symbol,
        fold.universe.assets[int(row[k.L_FOR])],
        kind,
        exact(row[k.L_UNITS]),
        exact(row[k.L_PRICE]),
        exact(row[k.L_COST]),
        reason.name.lower(),
        row_name(fold.policy, int(row[k.L_ROW]), reason),
        _sentence(fold, row),
        reduces(kind, row[k.L_UNITS]),
    )


def reduces(kind: str, units: float) -> bool:
    """Whether a leg lowers risk: it covers a short, sells spot, or adds collateral."""
    return units < 0.0 if kind == "spot" else units > 0.0


def _sentence(fold: Fold, row: Sequence[float]) -> str:
    reason, refusal = Reason(int(row[k.L_REASON])), Refusal(int(row[k.L_REFUSAL]))
    name = row_name(fold.policy, int(row[k.L_ROW]), reason)
    unit = unit_of(fold.policy, refusal or reason, int(row[k.L_ROW]))
    words = sentence(refusal or reason, name, row[k.L_MEASURED], row[k.L_LIMIT], unit, fold.universe.quote)
    if not refusal:
        return words
    subject = fold.universe.assets[int(row[k.L_FOR])]
    return f"{subject}: {reason.name.lower().replace('_', ' ')} refused: {words}"
