"""Coins that a plan bought and whose hedge is not there yet: how long they have waited for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Unhedged:
    """By asset: since when its new coins wait, and which of them was told of."""

    since_ns: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def bought(self, asset: str, now_ns: int) -> None:
        """Coins came whose hedge is in the same plan."""
        self.since_ns.setdefault(asset, now_ns)

    def over(self, asset: str) -> bool:
        """Its hedge is at its end; whether its coins waited for it."""
        self.told.discard(asset)
        return self.since_ns.pop(asset, None) is not None

    def wakes_at(self, wait_ns: int) -> int:
        """When the first of them has waited too long; 0: none does."""
        return min((since + wait_ns for name, since in self.since_ns.items() if name not in self.told), default=0)

    def late(self, now_ns: int, wait_ns: int) -> list[str]:
        """The assets that have waited too long by now, each once."""
        found = [name for name, since in self.since_ns.items() if name not in self.told and since + wait_ns <= now_ns]
        self.told.update(found)
        return found
