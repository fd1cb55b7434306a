"""The ledger: an exact fold of events into balances, lots, positions and the records of statements.

    ledger = Ledger(quote="USDT", method="FIFO")
    ledger.fold(events)
    ledger.balances["spot", "BTC"], ledger.positions, ledger.disposals, ledger.value()

It knows no clock: now is the time of the last event, and a price is that of the event itself or of the last mark. What
is not known (a cost, a price, a funding payment) stays None and is listed; it is never taken for zero. An event that
cannot be booked is refused before it changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Final

from hedgerow.errors import ConfigError
from hedgerow.ledger.entries import EXACT, ONE, ZERO, Entry, Posting
from hedgerow.ledger.holdings import Holdings, Pooling
from hedgerow.ledger.lots import METHODS, Disposal, Method, OpenLot
from hedgerow.ledger.positions import Held, Position
from hedgerow.ledger.records import (
    Derivative,
    Earning,
    ExternalFlow,
    MissingFunding,
    Principal,
    Valuation,
)  # fmt: skip
from hedgerow.ledger.valuation import Dust, Value, dust, value
from hedgerow.model.event import Event
from hedgerow.model.instrument import Instrument

LONG_DAYS: Final = 365  # held for more days than these is long
SLACK: Final = Decimal("1e-9")  # of a position: what a close by the venue may exceed it by


class Ledger:
    """Accounts of one owner, stated in ``quote``.

    ``balances`` maps (account, currency) to an amount, collateral and realised profit of futures included; ``nominal``
    maps (one of ``entries.NOMINAL``, currency) to its sum, and both together add up to zero in every currency.
    ``contracts`` are all positions ever held. ``disposals``, ``derivatives``, ``earnings``, ``flows``, ``valuations``
    (one a mark) and ``missing_funding`` are lists of records in order of time; ``entries`` is kept on request only.
    ``method`` is FIFO, LIFO, HIFO, SPECIFIC or AVERAGE; ``pooling`` "universal" or "account"; a lot held for more than
    ``long_days`` days is long.
    """

    def __init__(
        self, quote: str = "USDT", method: Method = "FIFO", *, pooling: Pooling = "universal",
        long_days: int = LONG_DAYS, keep_entries: bool = False,
    ) -> None:  # fmt: skip
        if method not in METHODS:
            raise ConfigError(
                f'"{method}" is no method of lots', where="method", fix=f"Use one of {', '.join(METHODS)}"
            )
        if pooling not in ("universal", "account"):
            raise ConfigError(f'"{pooling}" is no pooling', where="pooling", fix="Use universal or account")
        self.quote, self.method, self.pooling, self.long_days = quote, method, pooling, long_days
        self.at_ns = 0
        self.balances: dict[tuple[str, str], Decimal] = {}
        self.nominal: dict[tuple[str, str], Decimal] = {}
        self.contracts: dict[Held, Position] = {}
        self.derivatives: list[Derivative] = []
        self.earnings: list[Earning] = []
        self.flows: list[ExternalFlow] = []
        self.valuations: list[Valuation] = []
        self.missing_funding: list[MissingFunding] = []
        self.entries: list[Entry] = []
        self.prices: dict[str, Decimal] = {}  # of the last mark
        self.holdings = Holdings(quote, method, pooling, long_days)
        self._of: dict[str, Decimal] = {quote: ONE}  # value of a currency at the last mark
        self._marked_ns = -1
        self._instruments: dict[str, Instrument] = {}
        self._seen: set[str] = set()
        self._postings: list[Posting] | None = [] if keep_entries else None

    def fold(self, events: Iterable[Event]) -> None:
        """Book events in order of time; any number at once gives the same ledger.

        Raises ``ConfigError`` for an id seen before, a time before the last one, an amount that is no finite Decimal,
        a price that is not above zero, an unknown instrument or named lots that do not suffice; ``Mismatch`` where a
        venue closed more than was held. The events before it stay booked, it and those after are not.
        """
        raise NotImplementedError

    @property
    def positions(self) -> dict[Held, Position]:
        """Positions that are open, by account, instrument and sleeve."""
        return {held: position for held, position in self.contracts.items() if position.size}

    @property
    def disposals(self) -> list[Disposal]:
        """Coins that left, one record a lot."""
        return self.holdings.disposals

    def open_lots(self) -> list[OpenLot]:
        """What is still held, with its cost and day."""
        with localcontext(EXACT):
            return self.holdings.open_lots()

    def principal(self) -> dict[str, Principal]:
        """Principal outstanding by asset; with none outstanding, what is held is house money, a label only."""
        return self.holdings.principal()

    def totals(self) -> dict[str, Decimal]:
        """Balances by currency over all accounts, without those that are empty."""
        raise NotImplementedError

    def trial_balance(self) -> dict[str, Decimal]:
        """The sum of all accounts by currency: zero in each, always."""
        raise NotImplementedError

    def value(self, prices: Mapping[str, Decimal] | None = None) -> Value:
        """Net asset value at ``prices`` (symbol -> price in its own quote), by default those of the last mark."""
        prices = self.prices if prices is None else prices
        return value(self.balances, self.positions.values(), prices, self.quote)

    def dust(self, lots: Mapping[str, Decimal], least_value: Decimal = ZERO) -> list[Dust]:
        """Balances below the lot of their currency (coins), or worth less than ``least_value`` at the last mark."""
        return dust(self.balances, self.prices, self.quote, lots, least_value)
