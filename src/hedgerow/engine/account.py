"""Whether the account is what the book says: the venue is asked, a difference is shown, and a person settles it.

A difference is believed when it stays: what is on its way is in one of the two. Until it is settled nothing is ordered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hedgerow.engine.alerts import Alerts
from hedgerow.engine.facts import Facts
from hedgerow.engine.reconcile import Items, adopt, difference
from hedgerow.model.account import Snapshot
from hedgerow.model.command import Difference


@dataclass(slots=True)
class Account:
    """The account of one portfolio. ``odd`` hears of a difference that stays."""

    facts: Facts
    mode: str  # of margin
    alerts: Alerts
    emit: Callable[[Any], None]
    odd: Callable[[str], None]
    ready: bool = True  # it is what the book says; after a start, when the venue has said so
    asks: bool = False  # whether the venue is to be asked what it holds
    again_ns: int = 0  # when it is asked again; 0: it need not be
    differences: Items = field(default_factory=dict)
    first: Items = field(default_factory=dict)  # a difference that was seen once
    ignored: dict[str, Decimal] = field(default_factory=dict)  # what the venue has beyond the book, and is not ours

    def ask(self, now_ns: int, lag_ns: int) -> None:
        """Ask the venue what the account holds, and again where it does not say."""
        self.asks, self.again_ns = True, now_ns + 2 * lag_ns

    def doubt(self, now_ns: int, lag_ns: int) -> None:
        """It may hold anything: nothing is ordered until the venue has said what."""
        self.ready = False
        self.ask(now_ns, lag_ns)

    def seen(self, snapshot: Snapshot, now_ns: int, lag_ns: int, *, moves: bool) -> bool:
        """The venue's picture is held against the book, unless an order still ``moves`` it. True: all is as it should be."""
        self.again_ns = 0
        if not snapshot.whole or moves:
            self.again_ns = now_ns + lag_ns
            return False
        found = difference(self.facts.fold, self.mode, snapshot, self.ignored)
        if found and found != self.first:
            self.first, self.ready = found, False
            self.again_ns = now_ns + lag_ns
            return False
        self.first, self.differences = {}, found
        if found:
            self.ready = False
            self.emit(Difference(now_ns, found))
            words = "; ".join(
                f"{what}: {ours} in the book, {theirs} at the venue" for what, (ours, theirs) in found.items()
            )
            self.alerts.tell(now_ns, "difference", "critical", f"book and venue differ: {words}")
            self.odd("book and venue differed")
            return False
        self.alerts.over(now_ns, "difference")
        self.ready = True
        return True

    def settle(self, how: str, now_ns: int, lag_ns: int) -> str:
        """Adopt what the venue says, or ignore it from now on; returns what was done, in words."""
        items, self.differences = self.differences, {}
        if how == "adopt":
            self._adopt(items, now_ns)
        else:
            self.ignored |= {what: theirs - ours for what, (ours, theirs) in items.items()}
        self.emit(Difference(now_ns, items, "adopted" if how == "adopt" else "ignored"))
        self.alerts.over(now_ns, "difference")
        self.doubt(now_ns, lag_ns)
        return f"{len(items)} differences are {'adopted' if how == 'adopt' else 'ignored'}"

    def _adopt(self, items: Items, now_ns: int) -> None:
        for what in items:
            self.ignored.pop(what, None)
        for event in list(adopt(self.facts.fold, self.mode, items, now_ns, f"adopted-{now_ns}")):
            if isinstance(event, tuple):
                what, amount = event
                self.ignored[what] = amount
                self.alerts.tell(now_ns, f"not ours {what}", "warning", f"{what}: {amount} of the position is not ours")
            else:
                self.emit(event)
                self.facts.take(event, now_ns)
