"""The ledger: an exact fold of events into balances, lots, positions and the records of statements.

    ledger = Ledger(quote="USDT", method="FIFO")
    ledger.fold(events)
    ledger.balances["spot", "BTC"], ledger.positions, ledger.disposals, ledger.value()

It knows no clock: now is the time of the last event, and a price is that of the event itself or of the last mark. What
is not known (a cost, a price, a funding payment) stays None and is listed; it is never taken for zero. An event that
cannot be booked is refused before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from decimal import Decimal, localcontext
from typing import Any, Final

from hedgerow.errors import ConfigError
from hedgerow.ledger import entries as book
from hedgerow.ledger.conversion import conversion
from hedgerow.ledger.entries import EXACT, ONE, ZERO, Entry, Move, Posting, negative, times
from hedgerow.ledger.holdings import Holdings, Pooling, basis_of
from hedgerow.ledger.lots import METHODS, Departure, Disposal, Method, OpenLot
from hedgerow.ledger.positions import Held, Position
from hedgerow.ledger.records import (
    CLOSES,
    EARNINGS,
    Derivative,
    Earning,
    ExternalFlow,
    MissingFunding,
    Principal,
    Valuation,
)
from hedgerow.ledger.refusal import check, check_close, check_fill, check_prices, refusal
from hedgerow.ledger.valuation import Dust, Value, currency_prices, dust, value
from hedgerow.memory import collector_paused
from hedgerow.model import contract
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.model.instrument import Instrument, Kind, from_symbol

SPOT: Final = Kind.SPOT
LONG_DAYS: Final = 365  # held for more days than these is long


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
        self.prices: dict[str, Decimal] = {}  # of the last mark
        self.of: dict[str, Decimal] = {quote: ONE}  # value of a currency in quote at the last mark
        self.holdings = Holdings(quote, method, pooling, long_days)
        self._marked_ns = -1
        self._seen: set[str] = set()
        self._moves: list[Move] | None = [] if keep_entries else None  # of the event that is being booked
        self._moved: list[tuple[int, str, list[Move]]] = []  # by event: entries are made of them when they are read
        self._book: dict[type, Callable[[Any], None]] = {
            Flow: self._flow,
            Transfer: self._transfer,
            Fill: self._fill,
            Funding: self._funding,
            Income: self._income,
            Mark: self._mark,
        }

    def fold(self, events: Iterable[Event]) -> None:
        """Book events in order of time; any number at once gives the same ledger.

        Raises ``ConfigError`` for an id seen before, a time before the last one, an amount that is no finite Decimal,
        a price that is not above zero, an unknown instrument or named lots that do not suffice; ``Mismatch`` where a
        venue closed more than was held. The events before it stay booked, it and those after are not.
        """
        seen, book_of = self._seen, self._book
        at_rest = collector_paused() if isinstance(events, Sequence) else nullcontext()  # a stream may leave cycles
        with at_rest, localcontext(EXACT):
            for event in events:
                write = book_of.get(type(event))
                if write is None:
                    raise ConfigError(f"{type(event).__name__} is no event", fix="Give records of model.event")
                if event.id in seen:
                    raise refusal(event, "this id was booked before", "Give every event an id of its own")
                if event.at_ns < self.at_ns:
                    raise refusal(event, "it lies before the event in front of it", "Sort the events by time")
                write(event)
                seen.add(event.id)
                self.at_ns = event.at_ns
                if self._moves:
                    self._moved.append((event.at_ns, event.id, self._moves))
                    self._moves = []

    @property
    def positions(self) -> dict[Held, Position]:
        """Positions that are open, by account, instrument and sleeve."""
        return {held: position for held, position in self.contracts.items() if position.size}

    @property
    def disposals(self) -> list[Disposal]:
        """Coins that left, one record a lot, in order of time."""
        with collector_paused(), localcontext(EXACT):
            return self.holdings.disposals()

    @property
    def entries(self) -> list[Entry]:
        """What every event did to the accounts; empty unless they are kept."""
        with collector_paused():
            return [Entry(at_ns, event, book.postings(moves)) for at_ns, event, moves in self._moved]

    def open_lots(self) -> list[OpenLot]:
        """What is still held, with its cost and day."""
        with localcontext(EXACT):
            return self.holdings.open_lots()

    def principal(self) -> dict[str, Principal]:
        """Principal outstanding by asset; with none outstanding, what is held is house money, a label only."""
        return self.holdings.principal()

    def totals(self) -> dict[str, Decimal]:
        """Balances by currency over all accounts, without those that are empty."""
        sums: dict[str, Decimal] = {}
        with localcontext(EXACT):
            for (_, currency), amount in self.balances.items():
                sums[currency] = sums.get(currency, ZERO) + amount
        return {currency: amount for currency, amount in sums.items() if amount}

    def trial_balance(self) -> dict[str, Decimal]:
        """The sum of all accounts by currency: zero in each, always."""
        accounts = (*self.balances.items(), *self.nominal.items())
        return book.balance_of(Posting(account, currency, amount) for (account, currency), amount in accounts)

    def value(self, prices: Mapping[str, Decimal] | None = None) -> Value:
        """Net asset value at ``prices`` (symbol -> price in its own quote), by default those of the last mark."""
        of = self.of if prices is None else currency_prices(prices, self.quote)
        prices = self.prices if prices is None else prices
        return value(self.balances, self.positions.values(), prices, of, self.quote)

    def dust(self, lots: Mapping[str, Decimal], least_value: Decimal = ZERO) -> list[Dust]:
        """Balances below the lot of their currency (coins), or worth less than ``least_value`` at the last mark."""
        return dust(self.balances, self.of, self.quote, lots, least_value)

    # ------------------------------------------------------------------------------------------- one method an event

    def _flow(self, event: Flow) -> None:
        check(event, event.amount, event.cost)
        check_prices(event, event.price)
        acquired_ns = event.at_ns if event.acquired_ns is None else event.acquired_ns
        if acquired_ns > event.at_ns:
            raise refusal(event, "the coins were acquired after they were deposited", "Correct acquired_ns")
        amount, currency = event.amount, event.currency
        worth = self._worth(currency, amount, event.price)
        if currency != self.quote and amount > ZERO:
            self.holdings.receive(event.id, event.account, currency, amount, event.cost, acquired_ns)
            self.holdings.invest(currency, event.cost)
        elif currency != self.quote and amount < ZERO:
            name, account = (event.id, event.at_ns), event.account
            basis = basis_of(self.holdings.spend(name, "withdrawal", account, currency, -amount, None, None))
            self.holdings.invest(currency, None if basis is None else -basis)
        self._move(event.account, currency, amount, book.FLOWS)
        flow = ExternalFlow(event.at_ns, event.id, event.account, currency, amount, worth, len(self.valuations))
        self.flows.append(flow)

    def _transfer(self, event: Transfer) -> None:
        check(event, event.amount, event.fee)
        if event.amount <= ZERO or event.fee < ZERO:
            raise refusal(event, "a transfer moves more than nothing", "Swap the accounts, and write the fee above 0")
        currency = event.currency
        self.holdings.move(event.account, event.to, currency, event.amount)
        for account, amount in ((event.account, -event.amount), (event.to, event.amount)):
            key = account, currency
            self.balances[key] = self.balances.get(key, ZERO) + amount
        if self._moves is not None:
            self._moves.append((book.OWN + event.account, book.OWN + event.to, currency, -event.amount))
        if event.fee:
            self._move(event.account, currency, -event.fee, book.FEES)
            self._coins(event, currency, -event.fee, self._worth(currency, event.fee), "fee")

    def _income(self, event: Income) -> None:
        check(event, event.amount)
        check_prices(event, event.price)
        account = EARNINGS.get(event.kind)
        if account is None:
            raise refusal(event, f'"{event.kind}" is no kind of income', f"Use one of {', '.join(EARNINGS)}")
        amount, currency = event.amount, event.currency
        worth = self._worth(currency, amount, event.price)
        self._move(event.account, currency, amount, account)
        self._coins(event, currency, amount, worth, "charge")
        self.earnings.append(Earning(event.at_ns, event.id, event.account, event.kind, currency, amount, worth))

    def _mark(self, event: Mark) -> None:
        check_prices(event, *event.prices.values())
        for symbol in event.prices:
            _instrument(event, symbol)
        again = event.at_ns == self._marked_ns  # prices of one moment may come in several marks
        self.prices = {**self.prices, **event.prices} if again else dict(event.prices)
        self._marked_ns = event.at_ns
        self.of = currency_prices(self.prices, self.quote)
        worth = self.value()
        if again and not (self.flows and self.flows[-1].marks == len(self.valuations)):
            self.valuations.pop()
        self.valuations.append(Valuation(event.at_ns, worth.total, worth.missing))

    def _funding(self, event: Funding) -> None:
        check(event, event.amount, event.rate)
        check_prices(event, event.mark)
        instrument = _instrument(event, event.instrument)
        if instrument.kind is SPOT:
            raise refusal(event, f"{event.instrument} is a spot market and pays no funding", "Name the contract")
        held = Held(event.account, event.instrument, event.sleeve)
        position = self.contracts.get(held)
        if event.amount is None:
            size = ZERO if position is None else position.size
            expected = None
            if event.rate is not None and event.mark is not None:
                expected = contract.funding_received(size, event.mark, event.rate, instrument.inverse)
            self.missing_funding.append(MissingFunding(event.at_ns, event.id, *held, expected))
            return
        settle, amount = instrument.settle, event.amount
        price = self._price_of(settle, instrument, event.mark)
        if position is not None:
            position.funding += amount
        self._move(event.account, settle, amount, book.FUNDING)
        self._coins(event, settle, amount, times(amount, price), "funding")
        paid = Derivative(event.at_ns, event.id, *held, "funding", settle, amount, times(amount, price))
        self.derivatives.append(paid)

    def _fill(self, event: Fill) -> None:
        check_fill(event)
        instrument = _instrument(event, event.instrument)
        if instrument.kind is SPOT:
            self._spot(event, instrument)
        else:
            self._contract(event, instrument)

    def _spot(self, event: Fill, pair: Instrument) -> None:
        """Book both sides of a conversion, its lots, its principal and its fee."""
        came, come, received, cost, gone, go, spent, proceeds, fees, currency, paid = conversion(
            event, pair, self.quote, self.of
        )
        fee, name, account, holdings = event.fee, (event.id, event.at_ns), event.account, self.holdings
        kind: Departure = "dust" if event.kind == "dust" else "sale"
        holdings.spend(name, kind, account, gone, spent, proceeds, fees, event.lots)
        holdings.receive(event.id, account, came, received, cost, event.at_ns)
        side = book.DUST if kind == "dust" else book.TRADING
        self._move(account, came, come, side)
        self._move(account, gone, -go, side)
        if not event.sleeve:
            holdings.invest(came, cost)
            holdings.recover(gone, proceeds, fees)
        if fee:
            self._move(account, currency, -fee, book.FEES)
            if currency not in (came, gone):
                self._coins(event, currency, -fee, paid, "fee")
                if not event.sleeve:
                    holdings.recover(currency, paid)

    def _contract(self, event: Fill, instrument: Instrument) -> None:
        """Book a trade of a futures contract: what it realised, and its fee."""
        held = Held(event.account, event.instrument, event.sleeve)
        position = self.contracts.get(held)
        if event.kind != "trade":
            check_close(event, ZERO if position is None else position.size)
        if position is None:
            position = self.contracts[held] = Position(held, instrument)
        settle = instrument.settle
        price = self._price_of(settle, instrument, event.index or event.price)
        realised = position.trade(event.at_ns, event.amount, event.price)
        if realised is not None:
            kind = CLOSES[event.kind]
            worth = realised if price is ONE else times(realised, price)
            self._move(event.account, settle, realised, book.PROFIT)
            self._coins(event, settle, realised, worth, "loss")
            self.derivatives.append(Derivative(event.at_ns, event.id, *held, kind, settle, realised, worth))
        fee = event.fee
        if fee:
            currency = event.fee_currency or settle
            paid = times(fee, price)
            if currency != settle:
                paid = self._worth(currency, fee, event.fee_price)
            else:
                position.fees += fee
            self._move(event.account, currency, -fee, book.LIQUIDATION if event.kind == "liquidation" else book.FEES)
            self._coins(event, currency, -fee, paid, "fee")
            self.derivatives.append(Derivative(event.at_ns, event.id, *held, "fee", currency, -fee, negative(paid)))

    # ------------------------------------------------------------------------------------------------------- inside

    def _move(self, account: str, currency: str, amount: Decimal, nominal: str) -> None:
        """Post ``amount`` to an account of the owner and its opposite to a nominal one."""
        key, other = (account, currency), (nominal, currency)
        try:
            self.balances[key] += amount
        except KeyError:
            self.balances[key] = amount
        try:
            self.nominal[other] -= amount
        except KeyError:
            self.nominal[other] = -amount
        if self._moves is not None and amount:
            self._moves.append((book.OWN + account, nominal, currency, amount))

    def _coins(
        self,
        event: Fill | Funding | Income | Transfer,
        currency: str,
        change: Decimal,
        worth: Decimal | None,
        kind: Departure,
    ) -> None:
        """Let lots follow a payment: coins received cost what they are worth, coins paid are disposed of at that."""
        if currency == self.quote:
            return
        worth = None if worth is None else abs(worth)
        if change > ZERO:
            self.holdings.receive(event.id, event.account, currency, change, worth, event.at_ns)
        elif change < ZERO:
            self.holdings.spend((event.id, event.at_ns), kind, event.account, currency, -change, worth)

    def _worth(self, currency: str, amount: Decimal, price: Decimal | None = None) -> Decimal | None:
        """Value of an amount in quote, at ``price`` or at the last mark."""
        if currency == self.quote:
            return amount
        return times(amount, self.of.get(currency) if price is None else price)

    def _price_of(self, settle: str, instrument: Instrument, near: Decimal | None) -> Decimal | None:
        """Value of a contract's settle currency: an inverse one's price itself says it, else the last mark."""
        if settle == self.quote:
            return ONE
        if near is not None and instrument.inverse and instrument.quote == self.quote:
            return near
        return self.of.get(settle)


def _instrument(event: Event, symbol: str) -> Instrument:
    try:
        return from_symbol(symbol)
    except ValueError as error:
        raise refusal(event, str(error), "") from None
