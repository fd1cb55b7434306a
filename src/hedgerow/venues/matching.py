"""How a simulated venue deals with an order: its filters, what the book bears within the limit, and orders that rest.

The book is that of ``kernel.fill``: recorded spread and depth where the data have them, else the square-root law. A taker's order
gets what can be had at its limit or better, and the rest of it ends; what it took is missing from the book for a while. A
maker's order rests; it fills by a share of the market's turnover while the price touches it, and whole when the price is through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from typing import Any, Final

from hedgerow.model.order import Order, Report, Word
from hedgerow.model.terms import Terms
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND, floor_to_lot
from hedgerow.venues.account import Account, Cost, exact

ZERO: Final = Decimal(0)
_NEARLY: Final = 1e-9  # of an amount: what floats may be off
_WIDE: Final = Context(prec=60)  # a mean price is exact
_ROUNDS: Final = 40  # of the search for what fits a limit


@dataclass(slots=True)
class Resting:
    """An order as the venue has it."""

    order: Order
    word: Word = "open"
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    currency: str = ""
    text: str = ""
    since_ns: int = 0  # until when the turnover has been given to it


class Matching:
    """The orders of one account."""

    def __init__(self, account: Account, terms: Terms) -> None:
        self.account, self.terms = account, terms
        self.known: dict[str, Resting] = {}
        self.resting: dict[str, Resting] = {}
        self.open: list[bool] = [False] * len(account.universe.instruments)  # which can be traded now
        self._index = {it.symbol: i for i, it in enumerate(account.universe.instruments)}
        self._taken: dict[
            tuple[int, bool], tuple[int, float]
        ] = {}  # (instrument, buys) -> when, how much of the book, quote

    # ---- requests -----------------------------------------------------------------------------------------------------------

    def arrive(self, order: Order, now_ns: int, why: str = "") -> Iterator[Any]:
        """An order is here; ``why`` says why it is refused before it is looked at."""
        if order.id in self.known:  # an id that is here already is no second order
            return
        found = self.known[order.id] = Resting(order, since_ns=now_ns)
        i = self._index[order.instrument]
        why = why or self._refusal(order, i, now_ns)
        if why:
            found.word, found.text = "refused", why
        elif order.kind == "margin":
            self.account.move(i, order.amount)
            found.filled = found.cost = abs(order.amount)
            found.word = "filled"
        elif self.terms.fills == "whole":
            yield from self._whole(found, i, now_ns)
        elif order.style == "maker":
            self._rest(found, i)
        else:
            yield from self._take(found, i, now_ns)
        yield self.report(found, now_ns, "answer")

    def cancel(self, name: str, now_ns: int) -> Iterator[Any]:
        """End an order that rests."""
        found = self.resting.pop(name, None)
        if found is not None:
            found.word = "cancelled"
            yield self.report(found, now_ns, "answer")

    def looked(self, name: str, now_ns: int) -> Report:
        """What became of an order."""
        found = self.known.get(name)
        if found is None:
            return Report(now_ns, name, "not_found", "lookup", read_ns=now_ns)
        return self.report(found, now_ns, "lookup")

    def report(self, found: Resting, now_ns: int, source: Any) -> Report:
        """How an order stands."""
        with localcontext(_WIDE):
            price = found.cost / found.filled if found.filled > ZERO else None
        return Report(
            now_ns,
            found.order.id,
            found.word,
            source,
            found.filled,
            price,
            found.fee,
            found.currency,
            now_ns,
            found.text,
        )

    # ---- filters ------------------------------------------------------------------------------------------------------------

    def _refusal(self, order: Order, i: int, now_ns: int) -> str:
        """Why the order is not taken; "": it is."""
        if now_ns > order.deadline_ns:
            return "it came after its deadline"
        if order.kind == "margin":
            return self._refusal_of_move(order, i)
        if not self.account.price(i) > 0.0:
            return "no price"
        if self.terms.fills == "whole":
            return ""
        if not self.open[i]:
            return "no price"
        return self._filtered(order, i) or self._unfunded(order, i)

    def _refusal_of_move(self, order: Order, i: int) -> str:
        if self.terms.fills == "whole":
            return ""
        if not self.terms.transfers:
            return "collateral is moved by a person here"
        instrument = self.account.universe.instruments[i]
        if order.amount < ZERO:
            have = self.account.collateral(i)
        elif instrument.inverse:
            have = self.account.held(self.account.universe.assets.index(instrument.asset))
        else:
            have = self.account.cash()
        return (
            "" if float(abs(order.amount)) <= have * (1.0 + _NEARLY) + _NEARLY else f"there is only {have:.8g} to move"
        )

    def _filtered(self, order: Order, i: int) -> str:
        """Lots, ticks and the least amount."""
        if not self.terms.filters:
            return ""
        one = self.account.universe.instruments[i]
        lot, tick, limit = exact(one.lot), exact(one.tick), order.limit or ZERO
        if lot > ZERO and abs(order.amount) % lot != ZERO:
            return f"{abs(order.amount)} is no multiple of the lot, {lot}"
        if tick > ZERO and limit % tick != ZERO:
            return f"{limit} is no multiple of the tick, {tick}"
        least = 0.0 if order.reduce_only else one.minimum_notional
        if float(abs(order.amount)) * self.account.price(i) < least:
            return f"it is worth less than {least:g}"
        return ""

    def _unfunded(self, order: Order, i: int) -> str:
        """What the account cannot pay for."""
        account, units = self.account, float(order.amount)
        held = account.held(i)
        if order.kind == "spot":
            if units < 0.0:
                return "" if -units <= held * (1.0 + _NEARLY) else f"there is only {held:.8g} to sell"
            cost = units * account.cost(i, units).price
            poor = account.mode != "unified" and cost > account.cash() * (1.0 + _NEARLY)
            return f"there is only {account.cash():.2f} to buy with" if poor else ""
        if order.reduce_only:
            return "" if 0.0 < units <= -held * (1.0 + _NEARLY) else f"it is reduce-only, and {held:.8g} is open"
        lacks = account.lacks(i, units) if units < 0.0 and self.terms.wallets == "separate" else 0.0
        return f"its margin lacks {lacks:.8g}" if lacks > _NEARLY * abs(units) * account.price(i) else ""

    # ---- fills --------------------------------------------------------------------------------------------------------------

    def _enter(self, found: Resting, i: int, units: Decimal, cost: Cost) -> None:
        """Enter a part of an order."""
        fee = cost.fee * (self.terms.maker_share if found.order.style == "maker" else 1.0)
        self.account.trade(i, float(units), cost._replace(fee=fee))
        with localcontext(_WIDE):
            found.filled += abs(units)
            found.cost += abs(units) * exact(cost.price)
            found.fee += exact(fee)
        found.currency = self.account.currency(cost)
        if found.filled == abs(found.order.amount):
            found.word = "filled"

    def _rest(self, found: Resting, i: int) -> None:
        """It waits for its price; one that would be filled at once is none that waits."""
        if self._past(found.order, i) > self.account.half_spread(i):
            found.word, found.text = "refused", "it would take what is there"
        else:
            self.resting[found.order.id] = found

    def _whole(self, found: Resting, i: int, now_ns: int) -> Iterator[Any]:
        """All of it at the price of its size, or nothing."""
        order = found.order
        cost = self.account.cost(i, float(order.amount))
        if not _within(order, cost.price):
            found.word, found.text = "cancelled", "its limit was not met"
            return
        self._enter(found, i, order.amount, cost)
        yield from self._deeds(found, now_ns)

    def _take(self, found: Resting, i: int, now_ns: int) -> Iterator[Any]:
        """What the book bears within the limit; the rest of it ends."""
        order = found.order
        buys, price = order.amount > ZERO, self.account.price(i)
        gone = self._gone(i, now_ns, buys=buys)
        most = self.account.bears(i, self._past(order, i)) - gone
        whole = abs(order.amount)
        units = whole if most >= float(whole) * price else max(ZERO, exact(max(most, 0.0) / price))
        units = self._fitting(order, i, floor_to_lot(min(units, whole), exact(self._lot(i))), gone)
        if units > ZERO:
            signed = units.copy_sign(order.amount)
            self._enter(found, i, signed, self._cost(i, signed, gone))
            self._taken[i, buys] = (now_ns, gone + float(units) * price)
        if found.word != "filled":
            found.word, found.text = "cancelled", "the book bears no more within its limit"
        yield from self._deeds(found, now_ns)

    def _lot(self, i: int) -> float:
        return self.account.universe.instruments[i].lot

    def _cost(self, i: int, units: Decimal, gone: float) -> Cost:
        """The cost of a trade in a book of which so much is gone, quote: it is as deep in it as an order of both."""
        if gone <= 0.0:
            return self.account.cost(i, float(units))
        deep = self.account.cost(i, float(units + exact(gone / self.account.price(i)).copy_sign(units)))
        return self.account.cost(i, float(units), deep.price)

    def _fitting(self, order: Order, i: int, units: Decimal, gone: float) -> Decimal:
        """At most ``units``, and whatever of it keeps the limit to the last digit."""
        lot = exact(self._lot(i))
        for _ in range(_ROUNDS):
            if units <= ZERO or _within(order, self._cost(i, units.copy_sign(order.amount), gone).price):
                return units
            units = floor_to_lot(units * Decimal("0.99"), lot)
        return ZERO

    def _gone(self, i: int, now_ns: int, *, buys: bool) -> float:
        """What earlier orders took from the book and is not there again, quote."""
        at_ns, took = self._taken.get((i, buys), (0, 0.0))
        if took <= 0.0 or self.terms.refill_s <= 0.0:
            return 0.0
        return max(0.0, took * (1.0 - (now_ns - at_ns) / NS_PER_SECOND / self.terms.refill_s))

    def touch(self, now_ns: int) -> Iterator[Any]:
        """Time has passed: what rests may have been reached."""
        for found in list(self.resting.values()):
            i = self._index[found.order.instrument]
            units = self._reached(found, i, now_ns)
            if units > ZERO:
                signed = units.copy_sign(found.order.amount)
                why = self._unfunded(replace(found.order, amount=signed), i)
                if why:  # what it waited with is no longer there
                    del self.resting[found.order.id]
                    found.word, found.text = "cancelled", why
                    yield self.report(found, now_ns, "stream")
                    continue
                cost = self.account.cost(i, float(signed), float(found.order.limit or ZERO))
                self._enter(found, i, signed, cost)
                if found.word == "filled":
                    del self.resting[found.order.id]
                yield from self._deeds(found, now_ns)
                yield self.report(found, now_ns, "stream")
            if units > ZERO or self._past(found.order, i) < 0.0:  # a flow of less than a lot adds up
                found.since_ns = now_ns

    def _reached(self, found: Resting, i: int, now_ns: int) -> Decimal:
        """What of a resting order fills now: above 0."""
        past, price = self._past(found.order, i), self.account.price(i)
        if past < 0.0:
            return ZERO
        rest, turnover = abs(found.order.amount) - found.filled, self.account.turnover(i)
        if past > self.account.half_spread(i) or not turnover > 0.0:
            return rest
        flow = turnover * (now_ns - found.since_ns) / NS_PER_DAY * self.terms.participation
        return min(rest, floor_to_lot(exact(flow / price), exact(self._lot(i))))

    def _past(self, order: Order, i: int) -> float:
        """How far the price is beyond an order's limit, on its good side, a fraction; below 0: it has not reached it."""
        price = self.account.price(i)
        if not (price > 0.0 and self.open[i]):
            return -1.0
        return (float(order.limit or ZERO) / price - 1.0) * (1.0 if order.amount > ZERO else -1.0)

    def _deeds(self, found: Resting, now_ns: int) -> Iterator[Any]:
        """Coins sold for the debt that a trade left: they are told before the order's end."""
        deeds = self.account.deeds(now_ns)
        if deeds:
            yield replace(self.report(found, now_ns, "answer"), word="open")
            yield from deeds


def _within(order: Order, price: float) -> bool:
    """Whether a price keeps the limit of an order."""
    if order.limit is None:
        return True
    return exact(price) <= order.limit if order.amount > ZERO else exact(price) >= order.limit
