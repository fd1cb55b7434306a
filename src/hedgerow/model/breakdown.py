"""A change of value taken apart, as the ledger states it: exact amounts in quote, gains above 0 (domain 2.20)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

# in the order of the kernel's rows; what the ledger knows beside them follows
KERNEL_PARTS: Final = (
    "spot", "hedge", "basis", "funding", "fees_spot", "fees_futures", "slippage_spot", "slippage_futures", "carry",
)  # fmt: skip
PARTS: Final = (*KERNEL_PARTS, "liquidation", "interest", "tax", "charges")

Parts: TypeAlias = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One reason of fills (``fills`` above 0), or what is no fill: held, flows, funding, interest, reward, tax, charge.

    In quote: ``traded`` value, ``fees`` and ``slippage`` paid (above 0), ``realised`` profit at average cost before
    fees; ``effect`` is the sum of u (price at the end - price decided), what the trades did until the end; ``total`` is
    effect less slippage and fees. The totals add up to the change of value without flows. None: a price or a cost is
    not known.
    """

    reason: str
    fills: int
    traded: Decimal
    fees: Decimal | None
    slippage: Decimal
    realised: Decimal | None
    effect: Decimal | None
    total: Decimal


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
