"""Who must agree to a plan, who did, and when an approval lapses.

An approval binds this very plan (its id holds its hash), a band of prices, a time and one use; it is looked at again when the plan
begins. Silence means no: a plan that nobody answers lapses, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np

from hedgerow.engine.execution import Execution
from hedgerow.engine.fold import Fold, exact
from hedgerow.model.bar import Quotes
from hedgerow.model.mandate import Mandate
from hedgerow.model.plan import Plan, Verdict

ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Approval:
    """The open plan of a portfolio and what was said of it."""

    mandate: Mandate
    emit: Callable[[Any], None]
    plan: Plan | None = None
    said: list[str] = field(default_factory=list)
    reminds_ns: int = 0
    unasked: tuple[int, Decimal] = (0, ZERO)  # day, and the notional that was approved by the policy on it

    def wakes_at(self) -> int:
        """When the open plan lapses, or is to be reminded of; 0: there is none."""
        if self.plan is None:
            return 0
        return min(self.plan.expires_ns, self.reminds_ns) if self.reminds_ns else self.plan.expires_ns

    def spent(self, day: int) -> Decimal:
        """The notional that was approved by the policy on this day, quote."""
        return self.unasked[1] if self.unasked[0] == day else ZERO

    def propose(self, plan: Plan, now_ns: int) -> None:
        """A plan is open; one of level auto is approved at once."""
        self.plan, self.said, self.reminds_ns = plan, [], 0
        if plan.level == "auto":
            day = now_ns // 86_400_000_000_000
            self.unasked = (day, self.spent(day) + plan.notional)
            self.said = ["policy"]
            self.emit(Verdict(now_ns, plan.id, "approved", "policy"))

    def approved(self, now_ns: int) -> Plan | None:
        """The open plan, if as many as it needs agreed in time."""
        plan = self.plan
        if plan is None or not self.said or now_ns >= plan.expires_ns:
            return None
        if self.said == ["policy"] or len(set(self.said)) >= plan.approvals:
            return plan
        return None

    def timer(self, now_ns: int) -> None:
        """A plan that nobody answered in time lapses: nothing is done."""
        plan = self.plan
        if plan is not None and now_ns >= plan.expires_ns:
            self.emit(Verdict(now_ns, plan.id, "lapsed", "policy", "nobody answered in time"))
            self.plan = None
        elif plan is not None and self.reminds_ns and now_ns >= self.reminds_ns:
            self.reminds_ns = 0

    def recheck(self, execution: Execution, fold: Fold, quotes: Quotes) -> None:
        """Before an approved plan begins: it lapses where a price left the band since the decision."""
        plan = execution.plan
        if plan is None or plan.level == "auto":
            return
        if quotes.at_ns >= plan.expires_ns:
            self._lapse(execution, quotes.at_ns, "it was approved, and its time has passed")
            return
        for leg in plan.legs:
            price = quotes.price[fold.index[leg.instrument]]
            if leg.kind == "margin" or not np.isfinite(price):
                continue
            moved = exact(price) / leg.price - 1
            if not abs(moved) <= self.mandate.band:
                self._lapse(execution, quotes.at_ns, f"{leg.instrument} moved {moved:+.2%} since the decision")
                return

    def _lapse(self, execution: Execution, now_ns: int, why: str) -> None:
        if execution.plan is not None:
            self.emit(Verdict(now_ns, execution.plan.id, "lapsed", "policy", why))
            execution.plan = None
