"""The parts into which a change of value is taken, by asset and regime, and the check that they add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

from hedgerow.ledger.entries import ONE, ZERO
from hedgerow.ledger.reasons import ReasonRow
from hedgerow.model import report

PARTS: Final = (*report.PARTS, "liquidation", "interest", "tax", "charges", "carry")
FLOWS: Final = len(PARTS)  # the column of external flows, which are no part of the result
INDEX: Final = {name: i for i, name in enumerate(PARTS)}
CARRY: Final = INDEX["carry"]
CLOSE: Final = Decimal("1e-9")  # of value: the identity of domain 2.20

Where: TypeAlias = tuple[str, str]  # asset served, its regime ("" : none)
Parts: TypeAlias = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The change of value of one period, from the mark before it to the mark that ends it; amounts in ``quote``.

    ``parts`` is None where the value at either end is not known: ``missing`` says for want of what. ``by_asset`` and
    ``by_regime`` hold the same parts by the asset served and by that asset's regime at the start of each interval
    between marks ("" : none), and add up to ``parts``; so do the totals of ``reasons``. ``flows`` are deposits less
    withdrawals. ``unknown_funding`` counts payments whose amount nobody knows: they are in no part.
    """

    quote: str
    since_ns: int
    until_ns: int
    opening: Decimal | None
    closing: Decimal | None
    flows: Decimal | None = None
    parts: Parts | None = None
    by_asset: dict[str, Parts] = field(default_factory=dict)
    by_regime: dict[str, Parts] = field(default_factory=dict)
    reasons: tuple[ReasonRow, ...] = ()
    unknown_funding: int = 0
    missing: tuple[str, ...] = ()


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
