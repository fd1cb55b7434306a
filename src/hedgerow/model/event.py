"""What happened to the money: the facts that the ledger folds, one frozen record each, amounts in exact decimals.

A backtest writes them, an exchange's history is read into them, the journal will hold them. ``at_ns`` is UTC
nanoseconds since the epoch; ``id`` is unique in a file; ``account`` is any name of the owner's ("spot", "futures",
"cold wallet"). Instruments are ccxt symbols and say all that the arithmetic needs (``model.instrument.from_symbol``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, TypeAlias

FillKind: TypeAlias = Literal["trade", "liquidation", "settlement", "deleveraged", "dust"]
FILL_KINDS: Final = ("trade", "liquidation", "settlement", "deleveraged", "dust")


@dataclass(frozen=True, slots=True)
class Flow:
    """A deposit (amount above 0) or a withdrawal, from or to outside: never profit.

    ``price`` is the currency's value in quote then (None: taken from the last mark). A deposit of coins may bring its
    ``cost`` (quote, of all of them; None: unknown) and the day they were ``acquired_ns``.
    """

    at_ns: int
    id: str
    account: str
    currency: str
    amount: Decimal
    price: Decimal | None = None
    cost: Decimal | None = None
    acquired_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A move between two accounts of the owner; lots keep their cost and their day.

    ``amount`` is what arrives; ``fee``, of the same currency, leaves the first account beside it.
    """

    at_ns: int
    id: str
    account: str  # from
    to: str
    currency: str
    amount: Decimal
    fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution on a spot market or a futures contract, or what the venue did by itself (``kind``).

    ``amount`` is in coins (inverse contracts: quote of notional), bought above 0. ``fee`` is above 0 when paid, in
    ``fee_currency``; ``fee_price`` its value in quote where it is neither quote nor the traded coin. ``decided`` is the
    instrument's price at the decision and ``index`` the spot price then (None: unknown, no slippage is stated).
    ``asset`` is the asset that the fill serves ("" : the instrument's own); ``sleeve`` "carry" keeps the carry sleeve
    apart from holdings and hedge. ``lots`` names the lots that a sale takes (specific identification).
    """

    at_ns: int
    id: str
    account: str
    instrument: str
    amount: Decimal
    price: Decimal
    fee: Decimal = Decimal(0)
    fee_currency: str = ""
    fee_price: Decimal | None = None
    kind: FillKind = "trade"
    decided: Decimal | None = None
    index: Decimal | None = None
    reason: str = ""
    row: str = ""
    regime: str = ""
    asset: str = ""
    sleeve: str = ""
    lots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Funding:
    """A funding payment on the position held at the stamp: ``amount`` received (negative: paid), settle currency.

    None means that the payment is not known: it is counted and stated as missing, never taken for zero.
    """

    at_ns: int
    id: str
    account: str
    instrument: str
    amount: Decimal | None
    rate: Decimal | None = None
    mark: Decimal | None = None
    asset: str = ""
    sleeve: str = ""


@dataclass(frozen=True, slots=True)
class Income:
    """What an account earned or was charged beside trading: interest, rewards (above 0), tax, other charges (below).

    ``kind`` is interest, reward, tax or charge. Coins received have ``price`` in quote as their cost.
    """

    at_ns: int
    id: str
    account: str
    currency: str
    amount: Decimal
    kind: Literal["interest", "reward", "tax", "charge"]
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Prices at one moment: instrument -> price in its quote ("USDC/USDT" values a stablecoin), and each asset's
    regime (asset -> regime row). Values between two marks are not stated.
    """

    at_ns: int
    id: str
    prices: Mapping[str, Decimal]
    regimes: Mapping[str, str] = field(default_factory=dict)


Event: TypeAlias = Flow | Transfer | Fill | Funding | Income | Mark
EVENTS: Final[dict[str, type]] = {
    "flow": Flow, "transfer": Transfer, "fill": Fill, "funding": Funding, "income": Income, "mark": Mark,
}  # fmt: skip
