"""The parts into which a change of value is taken, by asset and regime, and the check that they add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from hedgerow.ledger.entries import ONE, ZERO
from hedgerow.model.breakdown import PARTS, Parts

FLOWS: Final = len(PARTS)  # the column of external flows, which are no part of the result
INDEX: Final = {name: i for i, name in enumerate(PARTS)}
CARRY: Final = INDEX["carry"]
CLOSE: Final = Decimal("1e-9")  # of value: the identity of domain 2.20

Where: TypeAlias = tuple[str, str]  # asset served, its regime ("" : none)


class Cells:
    """Sums of the parts by asset and regime."""

    def __init__(self) -> None:
        self._cells: dict[Where, list[Decimal]] = {}

    def add(self, part: int, where: Where, amount: Decimal, sleeve: str = "") -> None:
        """Add to a part; whatever the carry sleeve does is carry."""
        cell = self._cells.get(where)
        if cell is None:
            cell = self._cells[where] = [ZERO] * (len(PARTS) + 1)
        cell[CARRY if sleeve and part != FLOWS else part] += amount

    def sums(self) -> list[Decimal]:
        """All parts, and flows."""
        return [sum(column, ZERO) for column in zip(*self._cells.values(), strict=True)] or [ZERO] * (len(PARTS) + 1)

    def by(self, key: int) -> dict[str, Parts]:
        """Parts by asset (0) or by regime (1), without rows of nothing."""
        rows: dict[str, list[Decimal]] = {}
        for where, cell in self._cells.items():
            row = rows.setdefault(where[key], [ZERO] * len(PARTS))
            for i, amount in enumerate(cell[:FLOWS]):
                row[i] += amount
        return {name: named(row) for name, row in rows.items() if any(row)}


def named(row: Sequence[Decimal]) -> Parts:
    """Parts by their names."""
    return dict(zip(PARTS, row[:FLOWS], strict=True))


def adds_up(opening: Decimal, closing: Decimal, sums: Sequence[Decimal]) -> bool:
    """Whether flows and parts are the change of value, to ``CLOSE`` of it (domain 2.20)."""
    return abs(closing - opening - sum(sums, ZERO)) <= CLOSE * max(abs(opening), abs(closing), ONE)
