"""What a person should know: an alert is a state, said when it begins, when it changes and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hedgerow.model.command import Alert, Level


@dataclass(slots=True)
class Alerts:
    """Those that stand, by key."""

    emit: Callable[[Any], None]
    standing: dict[str, Alert] = field(default_factory=dict)
    passing: set[str] = field(default_factory=set)  # keys that concern the plan at work, and are over with the next one

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.standing.values())

    def tell(self, now_ns: int, key: str, level: Level, text: str, *, passing: bool = False) -> None:
        """It stands from now on; said again only where its text is another one."""
        before = self.standing.get(key)
        if before is not None and before.text == text:
            return
        self.standing[key] = Alert(now_ns, key, level, text)
        if passing:
            self.passing.add(key)
        self.emit(self.standing[key])

    def over(self, now_ns: int, key: str) -> None:
        """It stands no more."""
        found = self.standing.pop(key, None)
        self.passing.discard(key)
        if found is not None:
            self.emit(Alert(now_ns, key, found.level, found.text, over=True))

    def plan_over(self, now_ns: int) -> None:
        """What concerned the last plan is over."""
        for key in sorted(self.passing):
            self.over(now_ns, key)
