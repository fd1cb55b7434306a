"""Where a change of value came from: an exact fold of events between marks (domain 2.20).

``attribute`` takes the change between two marks apart into the parts of ``model.breakdown``; the parts and the external
flows add up to it, which the fold asserts (to ``breakdown.CLOSE`` of the value). Amounts are in quote, gains above 0.

Between two marks, with S spot, F the contract's price, both at the marks 0 and 1, and q units held: spot price is
q (S1 - S0); the hedge's index part q (S1 - S0) and its basis part q ((F1 - S1) - (F0 - S0)), q below 0 when short. A fill
of u units (bought above 0) at ``price`` is booked against the mark before it: slippage -u (price - decided), spot
u (S0 - decided), index u (S0 - index), basis the rest of u (F0 - decided). So everything that follows counts from S0 and
F0 for all units alike, and the sum is exact whatever ``decided`` says. Where it is unknown, no slippage is stated; where
``index`` is unknown, or a venue closed by force, the basis is that of the last mark; a settlement's price is the index.

An inverse contract of N quote of notional earns coins, N/E - N/F, which are valued at spot: its index part is
N/E (S1 - S0), as of the coins that it sold, its basis part -N (S1/F1 - S0/F0); the two are its whole change in quote.
Coins that it has realised are holdings and move with spot price. The dollar of inverse contracts is taken for the quote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from hedgerow.ledger.breakdown import CARRY, FLOWS, INDEX, Cells, Where, adds_up, named
from hedgerow.ledger.entries import EXACT, ONE, ZERO, plus
from hedgerow.ledger.lots import Pool
from hedgerow.ledger.positions import DUST, Held, Position, Served, whole_of
from hedgerow.ledger.reasons import Deed, Reasons
from hedgerow.ledger.valuation import currency_prices
from hedgerow.model.breakdown import Breakdown
from hedgerow.model.contract import profit
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.model.instrument import Instrument, Kind, from_symbol

NOTHING: Final = Decimal("1e-9")  # of quote: a holding that needs no price

_SPOT, _HEDGE, _BASIS, _FUNDING = (INDEX[name] for name in ("spot", "hedge", "basis", "funding"))
_FEES: Final = {True: INDEX["fees_spot"], False: INDEX["fees_futures"]}
_SLIPPAGE: Final = {True: INDEX["slippage_spot"], False: INDEX["slippage_futures"]}
_LIQUIDATION, _CHARGES = INDEX["liquidation"], INDEX["charges"]
_INCOME: Final = {"interest": INDEX["interest"], "reward": INDEX["interest"], "tax": INDEX["tax"], "charge": _CHARGES}
_FORCED: Final = ("liquidation", "deleveraged")  # nobody decided, so there is no index at a decision
_BY_VENUE: Final = (*_FORCED, "settlement")  # done to a whole position, whatever it serves


def attribute(events: Iterable[Event], quote: str, ends: Sequence[int] = ()) -> list[Breakdown]:
    """A breakdown for each period: the first from the first event on, each up to the last mark at or before its end.

    ``events`` in the order of time; ``ends`` UTC nanoseconds, rising; none: one period, to the last mark.
    """
    told = list(events)
    marks = [(event.at_ns, n) for n, event in enumerate(told) if isinstance(event, Mark)]
    fold, found, done = Attribution(quote), [], 0
    for end in ends or ([marks[-1][0]] if marks else []):
        last = max((n for at_ns, n in marks if at_ns <= end), default=-1)
        fold.feed_all(told[done : last + 1])
        done = max(done, last + 1)
        found.append(fold.take())
    return found


class _Prices(NamedTuple):
    """A contract at its last mark: its price, spot in the contract's quote, and the settle currency in quote."""

    mark: Decimal
    spot: Decimal
    settle: Decimal


class Attribution:
    """The fold: ``feed`` every event in order, ``take`` a breakdown after a mark; the next period begins there."""

    def __init__(self, quote: str) -> None:
        self.quote = quote
        self._coins: dict[tuple[str, str], Decimal] = {}  # (sleeve, currency) -> amount, money and collateral too
        self._pools: dict[tuple[str, str], Pool] = {}  # the same coins' average cost
        self._positions: dict[str, list[Served]] = {}
        self._price: dict[str, Decimal] = {quote: ONE}  # of a currency at the last mark
        self._prices: dict[str, _Prices] = {}
        self._regime: dict[str, str] = {}
        self._waiting: dict[str, list[tuple[Decimal, int, Where]]] = {}  # amounts without a price so far
        self._cells, self._reasons = Cells(), Reasons()
        self._opening: Decimal | None = ZERO
        self._since_ns = self._until_ns = 0
        self._fresh: frozenset[str] = frozenset()  # what the last mark gave a price
        self._marked: Mapping[str, Decimal] = {}  # its prices
        self._at_mark = False
        self._unknown = 0

    def feed(self, event: Event) -> None:
        """Fold one event."""
        self.feed_all((event,))

    def feed_all(self, events: Iterable[Event]) -> None:
        """Fold many."""
        with localcontext(EXACT):
            for event in events:
                self._since_ns = self._since_ns or event.at_ns
                self._at_mark = isinstance(event, Mark)
                self._fold(event)

    def _fold(self, event: Event) -> None:
        match event:
            case Funding():
                self._fund(event)
            case Mark():
                self._settle(event)
            case Fill():
                self._fill(event)
            case Flow():
                self._credit("flows", event.currency, event.amount, FLOWS, event.price, event.cost)
            case Income():
                worth = self._worth_of(event.currency, event.amount, event.price)
                self._credit(event.kind, event.currency, event.amount, _INCOME[event.kind], event.price, worth)
            case Transfer() if event.fee:
                self._credit("charge", event.currency, -event.fee, _CHARGES, None, None)

    def take(self) -> Breakdown:
        """The breakdown since the last ``take`` (or the beginning)."""
        with localcontext(EXACT):
            opening, (closing, missing) = self._opening, self._value()
            if opening is None and closing is not None:
                missing = ("the value at the start of the period",)
            ends = (self.quote, self._since_ns, self._until_ns, opening, closing)
            if opening is None or closing is None:
                found = Breakdown(*ends, unknown_funding=self._unknown, missing=missing)
            else:
                sums = self._cells.sums()
                assert adds_up(opening, closing, sums), "the parts miss the change of value"
                reasons = self._reasons.rows(self._worth, opening, sums[FLOWS])
                cells = (self._cells.by(0), self._cells.by(1))
                found = Breakdown(*ends, sums[FLOWS], named(sums), *cells, reasons, self._unknown)
            self._opening, self._since_ns, self._unknown = closing, self._until_ns, 0
            self._cells, self._reasons = Cells(), self._reasons.carried_on()
        return found

    def _credit(
        self, name: str, currency: str, amount: Decimal, part: int, price: Decimal | None, cost: Decimal | None
    ) -> None:
        """What is no fill: an amount of one currency, for itself; ``cost`` of coins that come (None: not known)."""
        where = currency, self._regime.get(currency, "")
        self._hold(currency, amount, "", cost)
        self._book(self._reasons.deed(name), currency, amount, part, where, price)

    def _book(
        self, deed: Deed, currency: str, amount: Decimal, part: int, where: Where, price: Decimal | None,
        sleeve: str = "", holder: str = "",
    ) -> None:  # fmt: skip
        """Count an amount for a part, at ``price`` (None: the last mark's); what spot moved since then is spot's.

        ``sleeve`` says whose part it is, ``holder`` whose coins. What has no price waits for the next mark that has.
        """
        deed.move(currency, amount)
        last = self._price.get(currency)
        if currency == self.quote or price is None:
            price = last
        if price is None:
            self._waiting.setdefault(currency, []).append((amount, CARRY if sleeve else part, where))
            return
        if currency == self.quote:
            self._cells.add(part, where, amount, sleeve)
            return
        self._cells.add(part, where, amount * price, sleeve)
        self._drift(currency, amount, price, holder)

    def _drift(self, currency: str, amount: Decimal, price: Decimal, holder: str) -> None:
        """What was counted at ``price`` moves from the last mark on, as all other holdings do."""
        last = self._price.setdefault(currency, price)
        if last != price:
            self._cells.add(_SPOT, (currency, self._regime.get(currency, "")), amount * (last - price), holder)

    def _hold(self, currency: str, amount: Decimal, holder: str, cost: Decimal | None) -> Decimal | None:
        """Change what is held; coins that come cost ``cost`` in quote. Returns the average cost of those that leave."""
        key = holder, currency
        self._coins[key] = self._coins.get(key, ZERO) + amount
        if currency == self.quote or not amount:
            return ZERO
        pool = self._pools.setdefault(key, Pool("AVERAGE"))
        if amount > 0:
            pool.add("", 0, amount, cost)
            return ZERO
        parts = [part.cost for part in pool.take(-amount)]
        return None if None in parts else sum((cost for cost in parts if cost is not None), ZERO)

    def _worth_of(self, currency: str, amount: Decimal, price: Decimal | None) -> Decimal | None:
        if currency == self.quote:
            return amount
        price = self._price.get(currency) if price is None else price
        return None if price is None else amount * price

    # --------------------------------------------------------------------------------------------------------- fills

    def _fill(self, event: Fill) -> None:
        instrument = from_symbol(event.instrument)
        asset = event.asset or instrument.asset
        where = asset, self._regime.get(asset, event.regime)
        deed = self._reasons.fill(event.reason or event.kind)
        spot = instrument.kind is Kind.SPOT
        unit = self._spot(event, instrument, where, deed) if spot else self._futures(event, instrument, where, deed)
        if not event.fee:
            return
        currency, price = event.fee_currency or instrument.settle, event.fee_price
        traded = spot and currency == instrument.asset
        if price is None and traded and unit is not None:
            price = event.price * unit
        part = _LIQUIDATION if event.kind == "liquidation" else _FEES[spot]
        holder = event.sleeve if traded else ""
        self._hold(currency, -event.fee, holder, None)
        self._book(deed, currency, -event.fee, part, where, price, event.sleeve, holder)
        deed.fees = plus(deed.fees, self._worth_of(currency, event.fee, price))

    def _spot(self, event: Fill, instrument: Instrument, where: Where, deed: Deed) -> Decimal | None:
        """Coins against money; returns what one unit of the market's quote is worth (None: not known yet)."""
        units, decided = event.amount, event.price if event.decided is None else event.decided
        coin, money, sleeve = instrument.asset, instrument.quote, event.sleeve
        unit, last = self._price.get(money), self._price.get(coin)
        if unit is None and last is not None:
            unit = last / decided
        paid, slipped = units * event.price, units * (event.price - decided)
        worth = None if unit is None else paid * unit
        basis = self._hold(coin, units, sleeve, worth)
        spent = self._hold(money, -paid, "", None if worth is None else -worth)
        self._book(deed, coin, units, _SPOT, where, None if unit is None else decided * unit, sleeve, sleeve)
        self._book(deed, money, -units * decided, _SPOT, where, unit, sleeve)
        if slipped:
            self._book(deed, money, -slipped, _SLIPPAGE[True], where, unit, sleeve)
        if unit is not None and worth is not None:
            deed.slippage += slipped * unit
            deed.traded += abs(worth)
        if units < 0:
            deed.realise(None if worth is None or basis is None else -worth - basis)
        elif money != self.quote:
            deed.realise(None if worth is None or spent is None else worth - spent)
        return unit

    def _futures(self, event: Fill, instrument: Instrument, where: Where, deed: Deed) -> Decimal:
        """A contract's fill; what the venue does by itself is shared among all that the position serves."""
        last = self._last(event, instrument)
        served = self._positions.setdefault(event.instrument, [])
        held = Held(event.account, event.instrument, event.sleeve)
        ours = [one for one in served if one.position.held == held]  # the carry sleeve's position is its own
        whole = whole_of(ours)
        if event.kind in _BY_VENUE and whole:
            closed = abs(whole + event.amount) <= DUST * abs(whole)
            for one in ours:
                size = one.position.size
                units = -size if closed else event.amount * size / whole
                self._trade(event, one, units, (one.asset, self._regime.get(one.asset, "")), deed, last)
        else:
            found = next((one for one in ours if one.asset == where[0]), None)
            if found is None:
                found = Served(where[0], Position(held, instrument))
                served.append(found)
            self._trade(event, found, event.amount, where, deed, last)
        self._positions[event.instrument] = [one for one in served if one.position.size]
        return last.settle

    def _last(self, event: Fill, instrument: Instrument) -> _Prices:
        """The contract's last mark; before the first one, the prices of its first fill."""
        if event.instrument not in self._prices:
            decided = event.price if event.decided is None else event.decided
            coin, settle = self._price.get(instrument.asset), self._price.get(instrument.settle)
            spot = event.index or decided
            if coin is not None:
                spot = coin if instrument.inverse else coin / (settle or ONE)
            self._prices[event.instrument] = _Prices(decided, spot, spot if instrument.inverse else settle or ONE)
        return self._prices[event.instrument]

    def _trade(self, event: Fill, one: Served, units: Decimal, where: Where, deed: Deed, last: _Prices) -> None:
        """Slippage, index and basis of a fill against the last mark; realised profit becomes money or coins."""
        position = one.position
        inverse, settle, sleeve = position.contract.inverse, position.contract.settle, position.held.sleeve
        if position.size and abs(position.size + units) <= DUST * abs(units):
            units = -position.size
        decided = event.price if event.decided is None else event.decided
        index = event.price if event.kind == "settlement" else event.index
        if index is None or event.kind in _FORCED:
            index = decided * last.spot / last.mark
        slipped = profit(units, event.price, decided, inverse) * last.settle
        rest = profit(units, decided, last.mark, inverse) * last.settle
        moved = units / decided * (last.spot - index) if inverse else units * (last.spot - index) * last.settle
        self._cells.add(_SLIPPAGE[False], where, slipped, sleeve)
        self._cells.add(_HEDGE, where, moved, sleeve)
        self._cells.add(_BASIS, where, rest - moved, sleeve)
        realised = position.trade(event.at_ns, units, event.price) or ZERO
        if realised:
            self._hold(settle, realised, "", realised * last.settle)
            self._drift(settle, realised, last.settle, "")
        deed.move(event.instrument, units)
        deed.move(settle, units / event.price if inverse else -units * event.price)
        deed.slippage -= slipped
        deed.traded += abs(units) * (ONE if inverse else event.price * last.settle)
        deed.realise(realised * last.settle)

    def _fund(self, event: Funding) -> None:
        """A payment, shared among the assets that the position serves; one of unknown amount is counted."""
        if event.amount is None:
            self._unknown += 1
            return
        instrument = from_symbol(event.instrument)
        deed = self._reasons.deed("carry funding" if event.sleeve else "funding")
        asset, price = event.asset or instrument.asset, event.mark if instrument.inverse else None
        for name, amount in self._shares(event, asset) if asset == instrument.asset else ((asset, event.amount),):
            self._hold(instrument.settle, amount, "", self._worth_of(instrument.settle, amount, price))
            where = name, self._regime.get(name, "")
            self._book(deed, instrument.settle, amount, _FUNDING, where, price, event.sleeve)

    def _shares(self, event: Funding, asset: str) -> Sequence[tuple[str, Decimal]]:
        """Who of a position's assets has how much of a payment: by size."""
        amount = event.amount or ZERO
        held = Held(event.account, event.instrument, event.sleeve)
        served = [one for one in self._positions.get(event.instrument, ()) if one.position.held == held]
        if len(served) == 1:
            return ((served[0].asset, amount),)
        whole = whole_of(served)
        if not whole:
            return ((asset, amount),)
        return [(one.asset, amount * one.position.size / whole) for one in served]

    def _settle(self, mark: Mark) -> None:
        """Carry the moves since the last mark into the parts, under the regimes that stood at its start."""
        again = mark.at_ns == self._until_ns  # prices of one moment may come in several marks
        self._marked = {**self._marked, **mark.prices} if again else mark.prices
        found = currency_prices(self._marked, self.quote)
        for currency, price in found.items():
            last = self._price.get(currency)
            self._price[currency] = price
            for amount, part, where in self._waiting.pop(currency, ()):
                self._cells.add(part, where, amount * (price if last is None else last))
            if last is None or last == price:
                continue
            for sleeve in ("", "carry"):
                amount = self._coins.get((sleeve, currency), ZERO)
                if amount:
                    own = currency, self._regime.get(currency, "")
                    self._cells.add(_SPOT, own, amount * (price - last), sleeve)
        fresh = set(found)
        for symbol, price in self._marked.items():
            instrument = from_symbol(symbol)
            if instrument.kind is not Kind.SPOT and instrument.asset in found and instrument.settle in found:
                spot, settle = found[instrument.asset], found[instrument.settle]
                now = _Prices(price, spot if instrument.inverse else spot / settle, settle)
                for one in self._positions.get(symbol, ()):
                    self._carry(one, self._prices[symbol], now)
                self._prices[symbol] = now
                fresh.add(symbol)
        self._regime.update(mark.regimes)
        self._fresh, self._until_ns = frozenset(fresh), mark.at_ns

    def _carry(self, one: Served, last: _Prices, now: _Prices) -> None:
        """One position from its last mark to this one: index, basis, and what its settle currency gained in quote."""
        position, where = one.position, (one.asset, self._regime.get(one.asset, ""))
        settle, sleeve = position.contract.settle, position.held.sleeve
        before = position.unrealised(last.mark)
        whole = position.unrealised(now.mark) * now.settle - before * last.settle
        if position.contract.inverse:
            index, exchange = position.cost * (now.spot - last.spot), ZERO
        else:
            index, exchange = position.size * (now.spot - last.spot) * now.settle, before * (now.settle - last.settle)
        if exchange:
            self._cells.add(_SPOT, (settle, self._regime.get(settle, "")), exchange, sleeve)
        self._cells.add(_HEDGE, where, index, sleeve)
        self._cells.add(_BASIS, where, whole - index - exchange, sleeve)

    # --------------------------------------------------------------------------------------------------------- value

    def _value(self) -> tuple[Decimal | None, tuple[str, ...]]:
        """Net asset value at the mark just fed, or None and what it lacks."""
        if not self._at_mark:
            return None, ("a mark at the end of the period",)
        total, missing = ZERO, []
        for (_, currency), amount in self._coins.items():
            worth = self._worth_of(currency, amount, None)
            if amount and currency not in self._fresh and (worth is None or abs(worth) > NOTHING):
                missing.append(f"a price of {currency}")
            total += worth or ZERO
        for symbol, served in self._positions.items():
            if served and symbol not in self._fresh:
                missing += [f"a price of {name}" for name in self._lacking(from_symbol(symbol))]
            last = self._prices[symbol]
            total += sum((one.position.unrealised(last.mark) * last.settle for one in served), ZERO)
        return (None, tuple(dict.fromkeys(missing))) if missing else (total, ())

    def _lacking(self, contract: Instrument) -> Sequence[str]:
        """What the last mark does not price: the contract, or beside it the currencies that split and value it."""
        beside = [name for name in dict.fromkeys((contract.asset, contract.settle)) if name not in self._fresh]
        return beside if contract.symbol in self._marked else (contract.symbol,)

    def _worth(self, name: str, amount: Decimal) -> Decimal:
        """What an amount of a currency, or of a contract that was paid for in full, is worth at the last mark."""
        if "/" not in name:
            return amount * self._price[name]
        last = self._prices[name]
        return -amount / last.mark * last.settle if from_symbol(name).inverse else amount * last.mark * last.settle
