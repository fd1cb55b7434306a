"""The last look at an order before it leaves: what it may not do whatever a plan says, counted by what has left.

It takes exact amounts, denies by default, and is asked by ``drive`` right before the venue is; the engine asks it before it
writes the order down, so that nothing is journaled that may not go.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from hedgerow.model.instrument import Instrument
from hedgerow.model.mandate import Mandate, State
from hedgerow.model.order import Order
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND

ZERO: Final = Decimal(0)
_MINUTE: Final = 60 * NS_PER_SECOND


class Sent(NamedTuple):
    """An order that left: when, on what, for how much, quote, bought above 0."""

    at_ns: int
    instrument: str
    notional: Decimal


@dataclass(slots=True)
class Gate:
    """The breakers of one portfolio. ``refusal`` says why an order may not leave; ``passed`` counts one that does."""

    mandate: Mandate
    tripped: bool = False  # whether the last refusal was a breaker's
    sent: deque[Sent] = field(default_factory=deque)
    day: int = 0  # of ``elsewhere``
    elsewhere: dict[str, Decimal] = field(
        default_factory=dict
    )  # what the desk's other portfolios traded on it, signed, quote

    def refusal(self, order: Order, instrument: Instrument, price: Decimal, state: State, held: Decimal) -> str:
        """Why the order may not leave; "": it may. ``price`` is the present one, ``held`` what is owned of the instrument: coins, or
        the position, short below 0.
        """
        self.tripped = False
        if not (order.amount.is_finite() and order.amount != ZERO):
            return f"an amount of {order.amount}"
        if state is State.HALTED:
            return "the engine is halted"
        if order.kind == "margin":
            return "" if state is not State.REDUCE_ONLY or order.amount > ZERO else "only what lowers exposure is done"
        if not (price.is_finite() and price > ZERO):
            return f"the present price is {price}"
        if order.limit is None or not abs(order.limit / price - 1) <= self.mandate.collar * Decimal("1.000001"):
            return f"its limit {order.limit} is further from the present price {price} than {self.mandate.collar:%}"
        lowers = order.amount < ZERO if order.kind == "spot" else order.amount > ZERO
        if state is State.REDUCE_ONLY and not lowers:
            return "only what lowers exposure is done"
        if lowers and not abs(order.amount) <= abs(held):
            return f"it is for {abs(order.amount)} of {abs(held)} {instrument.symbol}"
        why = self._breaker(order, price)
        self.tripped = bool(why)
        return why

    def _breaker(self, order: Order, price: Decimal) -> str:
        now, mandate = order.at_ns, self.mandate
        self.forget(now)
        minute = sum(one.at_ns > now - _MINUTE for one in self.sent)
        if minute >= mandate.orders_minute:
            return f"{minute} orders left within a minute, and {mandate.orders_minute} may"
        notional = abs(order.amount) * price
        for name, limit, span in (
            ("hour", mandate.notional_hour, NS_PER_HOUR), ("day", mandate.notional_day, NS_PER_DAY),
        ):  # fmt: skip
            if limit is not None:
                spent = sum((abs(one.notional) for one in self.sent if one.at_ns > now - span), ZERO)
                if not spent + notional <= limit:
                    return f"orders of {spent + notional:.2f} within the {name} are more than {limit}"
        return self._of_desk(order, price) if mandate.desk_day is not None else ""

    def _of_desk(self, order: Order, price: Decimal) -> str:
        """The desk's day: what one portfolio buys and another one sells of an instrument is netted; an order that brings the sum down
        may always leave.
        """
        day = order.at_ns // NS_PER_DAY
        net = dict(self.elsewhere) if self.day == day else {}
        for one in self.sent:
            if one.at_ns // NS_PER_DAY == day:
                net[one.instrument] = net.get(one.instrument, ZERO) + one.notional
        before = sum((abs(amount) for amount in net.values()), ZERO)
        net[order.instrument] = net.get(order.instrument, ZERO) + order.amount * price
        after = sum((abs(amount) for amount in net.values()), ZERO)
        if self.mandate.desk_day is None or after <= before or after <= self.mandate.desk_day:
            return ""
        return f"the desk would have traded {after:.2f} today, more than {self.mandate.desk_day}"

    def forget(self, now_ns: int) -> None:
        """No limit looks further back than a day."""
        while self.sent and self.sent[0].at_ns <= now_ns - NS_PER_DAY:
            self.sent.popleft()

    def passed(self, order: Order, price: Decimal) -> None:
        """Count an order that leaves."""
        if order.kind != "margin":
            self.sent.append(Sent(order.at_ns, order.instrument, order.amount * price))
