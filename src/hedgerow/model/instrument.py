"""What can be traded: instruments and the ordered universe of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple

from hedgerow.units import NS_PER_SECOND


class Tier(NamedTuple):
    """One row of a tier table: it holds from ``floor`` (excluded) up to the next row's floor (included).

    ``floor`` and ``deduction`` are in what the table counts (settle currency; contracts have no deduction), ``rate`` is
    the maintenance margin as a fraction of notional, ``max_leverage`` nan where the table says none.
    """

    floor: float
    rate: float
    deduction: float
    max_leverage: float = float("nan")


class Kind(IntEnum):
    """The contract's kind; the number is what the packed blocks carry."""

    SPOT = 0
    PERPETUAL = 1
    DATED = 2


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market of one venue, in ccxt's unified symbols (``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USD:BTC-220325``).

    ``lot`` is in coins and ``minimum_notional`` in quote; 0 means no limit. ``expiry_ns`` is set for dated contracts.
    ``tiers`` is the venue's table of maintenance margin. Fees and spreads are the policy's, not the instrument's.
    """

    symbol: str
    asset: str
    quote: str = "USDT"
    kind: Kind = Kind.SPOT
    inverse: bool = False
    venue: str = "binance"
    lot: float = 0.0
    tick: float = 0.0
    minimum_notional: float = 5.0
    contract_size: float = 1.0
    tiers: tuple[Tier, ...] = (Tier(0.0, 0.005, 0.0),)
    expiry_ns: int | None = None

    @property
    def settle(self) -> str:
        """Currency of collateral, profit and funding: the coin for inverse contracts, else the quote."""
        return self.asset if self.inverse else self.quote


SPOT_ACCOUNT: Final = "spot"  # coins and stablecoins
FUTURES_ACCOUNT: Final = "futures"  # collateral that linear contracts share
MARGIN_ACCOUNT: Final = "margin "  # a contract's own; its symbol follows


def margin_account(instrument: Instrument, mode: str) -> str:
    """The account that holds the collateral of a contract under the policy's ``margin.mode``."""
    if instrument.inverse or mode == "isolated":
        return f"{MARGIN_ACCOUNT}{instrument.symbol}"
    return SPOT_ACCOUNT if mode == "unified" else FUTURES_ACCOUNT


@dataclass(frozen=True, slots=True)
class Universe:
    """The instruments of a run, indexed once.

    ``assets`` are the risk assets in order; instrument ``i < len(assets)`` is the spot market of asset ``i``; futures
    follow. ``market_asset`` is the index of the asset whose regime serves those without one (BTC where present).
    """

    assets: tuple[str, ...]
    quote: str
    instruments: tuple[Instrument, ...]
    market_asset: int = 0

    def __post_init__(self) -> None:
        if len(set(self.assets)) != len(self.assets):
            raise ValueError("an asset stands twice in the universe")
        for i, asset in enumerate(self.assets):
            spot = self.instruments[i]
            if spot.kind is not Kind.SPOT or spot.asset != asset:
                raise ValueError(f"instrument {i} must be the spot market of {asset}")

    def futures_of(self, asset: str) -> tuple[int, ...]:
        """Indices of the futures instruments on ``asset``, in order."""
        return tuple(i for i, it in enumerate(self.instruments) if it.asset == asset and it.kind is not Kind.SPOT)


@cache  # events name few symbols, and each of them very often
def from_symbol(symbol: str) -> Instrument:
    """The instrument that a ccxt symbol names: ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USD:BTC-220325``.

    Raises ``ValueError`` with the fix where it is none. A dated contract expires at 08:00 UTC of its day, as Binance,
    Bybit and OKX settle.
    """
    pair, _, tail = symbol.partition(":")
    asset, slash, quote = pair.partition("/")
    settle, _, expiry = tail.partition("-")
    if not (asset and slash and quote) or (tail and settle not in (asset, quote)):
        raise ValueError(f'"{symbol}" is no instrument; write BTC/USDT, BTC/USDT:USDT or BTC/USD:BTC-220325')
    if not tail:
        return Instrument(symbol, asset, quote)
    if not expiry:
        return Instrument(symbol, asset, quote, Kind.PERPETUAL, inverse=settle == asset)
    try:
        day = datetime.strptime(expiry, "%y%m%d").replace(hour=8, tzinfo=UTC)
    except ValueError:
        raise ValueError(f'"{symbol}" ends in no day; write it as 220325 for 2022-03-25') from None
    expiry_ns = int(day.timestamp()) * NS_PER_SECOND
    return Instrument(symbol, asset, quote, Kind.DATED, inverse=settle == asset, expiry_ns=expiry_ns)
