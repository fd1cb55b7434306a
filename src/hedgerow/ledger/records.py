"""What a ledger keeps beside balances, lots and positions: one record for each fact that a statement or a tax file
lists. Amounts are in ``currency``, values in the ledger's quote (None: no price was known).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

from hedgerow.ledger.entries import CHARGE, INTEREST, REWARD, TAX, ZERO

DerivativeKind: TypeAlias = Literal["close", "settlement", "liquidation", "deleveraged", "funding", "fee"]
CLOSES: Final[dict[str, DerivativeKind]] = {  # kind of fill -> kind of record
    "trade": "close", "settlement": "settlement", "liquidation": "liquidation", "deleveraged": "deleveraged",
}  # fmt: skip
EARNINGS: Final = {"interest": INTEREST, "reward": REWARD, "tax": TAX, "charge": CHARGE}  # kind of income -> account


class Derivative(NamedTuple):
    """Profit realised on a contract by a close, a settlement or by force, funding received (above 0) or paid, or a fee
    (below 0 when paid). Never mixed with spot disposals.
    """

    at_ns: int
    event: str
    account: str
    instrument: str
    sleeve: str
    kind: DerivativeKind
    currency: str
    amount: Decimal
    value: Decimal | None


class Earning(NamedTuple):
    """Interest, a reward, a tax or another charge; above 0 when received."""

    at_ns: int
    event: str
    account: str
    kind: Literal["interest", "reward", "tax", "charge"]
    currency: str
    amount: Decimal
    value: Decimal | None


class ExternalFlow(NamedTuple):
    """A deposit (above 0) or a withdrawal. ``marks`` is how many valuations the ledger had made before it."""

    at_ns: int
    event: str
    account: str
    currency: str
    amount: Decimal
    value: Decimal | None
    marks: int


class Valuation(NamedTuple):
    """Net asset value at a mark, in quote; None where ``missing`` names the prices that were not there."""

    at_ns: int
    value: Decimal | None
    missing: tuple[str, ...]


class MissingFunding(NamedTuple):
    """A funding payment of unknown amount. ``expected`` is what rate, mark and position would give, where they are
    known; it is stated and never booked.
    """

    at_ns: int
    event: str
    account: str
    instrument: str
    sleeve: str
    expected: Decimal | None


class Principal(NamedTuple):
    """What an asset's holding has cost and what its sales brought, in quote (domain 2A-14).

    ``outstanding`` is max(0, invested - recovered), None where a cost or proceeds are unknown. With nothing
    outstanding, what is held is called house money. That is a label of the accounts and says nothing about risk: every
    coin stays at its full market risk (E-10).
    """

    invested: Decimal
    recovered: Decimal
    known: bool

    @property
    def outstanding(self) -> Decimal | None:
        """What is still to be recovered, in quote."""
        return max(ZERO, self.invested - self.recovered) if self.known else None
