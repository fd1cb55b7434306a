"""What the trades of each reason did until the end of a period, exactly.

Whatever happened moved amounts of currencies and contracts, and value is a sum over them: so the value of a period's
end is that of what was held at its start plus that of everything moved since, all at the end's prices. A contract counts
here as if it were paid for in full (its profit is the same): bought u at p is u contracts and -u p of money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from hedgerow.ledger.entries import ZERO, plus
from hedgerow.model.breakdown import ReasonRow

HELD: Final = "held"  # what was there when the period began

Worth = Callable[[str, Decimal], Decimal]


@dataclass(slots=True)
class Deed:
    """What one reason moved: amounts of currencies and contracts, and its costs."""

    fills: int = 0
    traded: Decimal = ZERO
    fees: Decimal | None = ZERO
    slippage: Decimal = ZERO
    realised: Decimal | None = ZERO
    moved: dict[str, Decimal] = field(default_factory=dict)

    def move(self, name: str, amount: Decimal) -> None:
        """Count an amount of a currency, or of a contract by its symbol."""
        self.moved[name] = self.moved.get(name, ZERO) + amount

    def realise(self, profit: Decimal | None) -> None:
        """Count a realised profit; one that is not known makes the sum unknown."""
        self.realised = plus(self.realised, profit)


class Reasons:
    """All that was moved in a period, by reason."""

    def __init__(self, held: Deed | None = None) -> None:
        self._fills: dict[str, Deed] = {}
        self._others: dict[str, Deed] = {HELD: held or Deed()}

    def fill(self, reason: str) -> Deed:
        """The deeds of a reason, with one more fill."""
        found = self._fills.setdefault(reason, Deed())
        found.fills += 1
        return found

    def deed(self, name: str) -> Deed:
        """What is no fill: flows, funding, interest, tax."""
        return self._others.setdefault(name, Deed())

    def carried_on(self) -> Reasons:
        """The next period: it begins with what is held now."""
        held = Deed()
        for deed in (*self._others.values(), *self._fills.values()):
            for name, amount in deed.moved.items():
                held.move(name, amount)
        held.moved = {name: amount for name, amount in held.moved.items() if amount}
        return Reasons(held)

    def rows(self, worth: Worth, opening: Decimal, flows: Decimal) -> tuple[ReasonRow, ...]:
        """The rows at the prices of the end; ``opening`` value and ``flows`` are no result of the period."""
        less = {HELD: opening, "flows": flows}
        rows = []
        for name, deed in (*self._others.items(), *self._fills.items()):
            total = sum((worth(what, amount) for what, amount in deed.moved.items() if amount), ZERO)
            total -= less.get(name, ZERO) if not deed.fills else ZERO
            if deed.fills or deed.moved:
                effect = plus(total + deed.slippage, deed.fees)
                rows.append(
                    ReasonRow(name, deed.fills, deed.traded, deed.fees, deed.slippage, deed.realised, effect, total)
                )
        return tuple(rows)
