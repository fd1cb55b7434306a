"""The register of orders: what each may still do, and what a report of it changes.

A report never shrinks what is known: quantities are cumulative and only grow, an end is an end. What contradicts that is not
guessed at: the order is in doubt, and a person is told. An order is dead only when a look-up misses it after its deadline and
the venue's lag have both passed; a look-up that failed says nothing (reliability.md 0.1, F01-F05, F13-F15).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Any, Final

from hedgerow.model.order import ALIVE, LAWFUL, Order, Report, Status

ZERO: Final = Decimal(0)
_WIDE: Final = Context(prec=60)  # a part's price is what its cost comes to
KEPT: Final = 10_000  # orders that are over and still known, for reports that come late
_WORDS: Final = {
    "open": Status.OPEN, "filled": Status.FILLED, "cancelled": Status.CANCELLED, "refused": Status.REFUSED,
    "unanswered": Status.DOUBT,
}  # fmt: skip


@dataclass(slots=True)
class Live:
    """An order and what is known of it. ``context`` is what the engine keeps beside it (the leg that it serves)."""

    order: Order
    status: Status = Status.SENT
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    price: Decimal = ZERO  # mean
    fee: Decimal = ZERO
    currency: str = ""  # of the fee; "": quote
    look_ns: int = 0
    looks: int = 0
    cancelling: bool = False
    text: str = ""  # what the venue said with its last word
    context: Any = None

    @property
    def possible(self) -> Decimal:
        """What may still fill, in the order's unit, above 0."""
        return abs(self.order.amount) - self.filled if self.status in ALIVE else ZERO


@dataclass(frozen=True, slots=True)
class Step:
    """What a report added: amount (signed as the order), the price and the fee of this part; what is wrong with it."""

    amount: Decimal = ZERO
    price: Decimal = ZERO
    fee: Decimal = ZERO
    ended: bool = False
    doubt: bool = False
    wrong: str = ""


@dataclass(slots=True)
class Orders:
    """All orders of a portfolio, by id."""

    lag_ns: int
    look_ns: int
    known: dict[str, Live] = field(default_factory=dict)
    alive: dict[str, Live] = field(default_factory=dict)
    ended_ns: int = 0  # when the last one ended

    def add(self, order: Order, context: Any = None) -> Live:
        """Take a new order; its id is new, too."""
        assert order.id not in self.known, f"order id {order.id} is used twice"
        live = Live(order, look_ns=order.deadline_ns, context=context)
        self.known[order.id] = self.alive[order.id] = live
        while len(self.known) > KEPT + len(self.alive):
            del self.known[next(name for name, one in self.known.items() if one.status not in ALIVE)]
        return live

    def frozen(self, instrument: str) -> bool:
        """Whether an order on the instrument is in doubt: then nothing new is placed there."""
        return any(one.status is Status.DOUBT and one.order.instrument == instrument for one in self.alive.values())

    def on(self, instrument: str) -> Iterator[Live]:
        """The orders on the instrument that are alive."""
        return (one for one in self.alive.values() if one.order.instrument == instrument)

    def wakes_at(self) -> int:
        """When an order is next to be looked up; 0: none is."""
        return min((one.look_ns for one in self.alive.values() if one.look_ns), default=0)

    def due(self, now_ns: int) -> list[Live]:
        """The orders to look up now. Each is looked up again later, until it is settled."""
        found = [one for one in self.alive.values() if one.look_ns and one.look_ns <= now_ns]
        for one in found:
            if one.status is Status.SENT:
                one.status = Status.DOUBT
            one.looks += 1
            one.look_ns = now_ns + self.look_ns * min(one.looks, 30)
        return found

    def doubt_all(self, now_ns: int) -> list[Live]:
        """Every order of before may be on the wire or filled: look all of them up."""
        for one in self.alive.values():
            if one.status is Status.SENT:
                one.status = Status.DOUBT
            one.look_ns = now_ns
        return list(self.alive.values())

    def take(self, report: Report) -> Step:
        """Take in a report of an order that is known; says what it added."""
        live = self.known[report.id]
        if report.word == "unreadable":
            return Step()
        if report.word == "not_found":
            return self._missed(live, report)
        part = self._grown(live, report)
        wrong = self._contradiction(live, report)
        if wrong:
            return self._doubted(live, part, wrong)
        before, status = live.status, _WORDS[report.word]
        if before not in ALIVE:  # whatever is said later, an end is an end
            return Step(*part)
        if status is Status.DOUBT and before is Status.OPEN:  # an answer to a question, not to the order
            return Step(*part)
        if status is Status.OPEN:  # what a stream forgets to tell, a look-up tells
            live.looks, live.look_ns = 0, report.at_ns + self.look_ns * (1 if live.cancelling else 30)
        live.status, live.text = status, report.text
        if status in ALIVE:
            if status is Status.DOUBT:
                live.look_ns = live.look_ns or live.order.deadline_ns
            return Step(*part, doubt=status is Status.DOUBT and before is not Status.DOUBT)
        self.alive.pop(live.order.id, None)
        return Step(*part, ended=True)

    def _grown(self, live: Live, report: Report) -> tuple[Decimal, Decimal, Decimal]:
        """What the report has more than was known: signed amount, its price, its fee; at most what was ordered."""
        more = report.filled - live.filled
        if more <= ZERO or report.price is None:
            return ZERO, ZERO, ZERO
        price = report.price
        with localcontext(_WIDE):
            cost, fee = report.price * report.filled, report.fee - live.fee
            if live.filled > ZERO and live.price != price:
                price = (cost - live.cost) / more
        live.filled, live.cost, live.price = report.filled, cost, report.price
        live.fee, live.currency = report.fee, report.fee_currency
        return more.copy_sign(live.order.amount), price, fee

    def _contradiction(self, live: Live, report: Report) -> str:
        """Why the report cannot be true beside what is known; "": it can."""
        status = _WORDS[report.word]
        whole = abs(live.order.amount)
        if report.filled > whole:
            return f"filled {report.filled} of {whole}"
        if report.filled > ZERO and report.price is None:
            return "a fill without a price"
        if live.status not in ALIVE:
            more = report.filled > live.filled  # a report that was overtaken says less, and is no contradiction
            return f"filled {report.filled} after it had ended with less" if more else ""
        if status not in ALIVE and report.filled < live.filled:
            return f"ended with {report.filled}, and {live.filled} had filled"
        if status is Status.FILLED and report.filled < whole:
            return f"filled, but only {report.filled} of {whole}"
        if status is Status.REFUSED and report.filled > ZERO:
            return f"refused, and {report.filled} filled"
        if status not in LAWFUL[live.status] and not (status is Status.OPEN or status is Status.DOUBT):
            return f"{status.value} after {live.status.value}"
        return ""

    def _doubted(self, live: Live, part: tuple[Decimal, Decimal, Decimal], wrong: str) -> Step:
        if live.status in ALIVE:
            live.status = Status.DOUBT
            live.look_ns = live.look_ns or live.order.deadline_ns
        return Step(*part, wrong=wrong)

    def _missed(self, live: Live, report: Report) -> Step:
        """A look-up did not find it: proof only after its deadline and the venue's lag, and only where nothing is known of it."""
        if live.status not in ALIVE or report.read_ns <= live.order.deadline_ns + self.lag_ns:
            return Step()
        if live.status is Status.OPEN or live.filled > ZERO:
            return self._doubted(live, (ZERO, ZERO, ZERO), "the venue does not know it any more")
        live.status = Status.DEAD
        self.alive.pop(live.order.id, None)
        return Step(ended=True)
