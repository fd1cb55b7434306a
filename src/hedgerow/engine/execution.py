"""A plan at work: its legs one after the other in the kernel's order, each by orders that are followed to their end.

What brings cash or lowers risk goes first, then collateral, then what needs both (``kernel.pending``). The next leg starts when
the one before is at its end, or in doubt: then its instrument is left alone and the others go on. A leg is cut into orders
that the depth bears; a maker's order rests for a while before the rest is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

import numpy as np

from hedgerow.engine.fold import Fold, exact
from hedgerow.engine.gate import Gate
from hedgerow.engine.orders import Live, Orders, Step
from hedgerow.kernel import arrays as k
from hedgerow.model.bar import Quotes
from hedgerow.model.command import Alert
from hedgerow.model.event import Fill, Transfer
from hedgerow.model.instrument import Instrument, margin_account
from hedgerow.model.mandate import Mandate, State
from hedgerow.model.market import Floats
from hedgerow.model.order import Cancel, Order, OrderKind, Status, Style
from hedgerow.model.plan import Plan, Reason, Verdict
from hedgerow.model.why import row_name
from hedgerow.units import NS_PER_SECOND, floor_to_lot

ZERO: Final = Decimal(0)
REFUSALS: Final = 3  # of a leg, until it is given up
_KINDS: Final[tuple[OrderKind, ...]] = ("spot", "futures", "margin")


@dataclass(slots=True)
class Task:
    """A leg at work: row ``n`` of the plan (-1: the plan is another by now, ``row`` is what it was), signed amounts."""

    n: int
    plan: str
    kind: OrderKind
    instrument: Instrument
    wanted: Decimal
    began_ns: int
    style: Style
    done: Decimal = ZERO
    orders: int = 0
    refused: int = 0
    alive: set[str] = field(default_factory=set)
    row: Floats | None = None
    next_ns: int = 0  # when its next order may be made; 0: it has one

    @property
    def rest(self) -> Decimal:
        """What is still to be traded."""
        return self.wanted - self.done


@dataclass(slots=True)
class Execution:
    """Carries plans out. ``emit`` takes what is to be written and sent; ``prefix`` begins the ids of its orders."""

    fold: Fold
    orders: Orders
    mandate: Mandate
    gate: Gate
    emit: Callable[[Any], None]
    prefix: str = ""
    margin: str = "isolated"
    made: int = 0
    plan: Plan | None = None
    begun: bool = False
    number: int = 0  # of the plan, as its legs have it
    task: Task | None = None
    parked: list[Task] = field(default_factory=list)  # with an order in doubt
    depth: Floats | None = None
    quoted_ns: int = 0  # when the prices were seen that orders go by

    @property
    def busy(self) -> bool:
        """Whether an order of it is alive."""
        return self.task is not None or bool(self.parked)

    def wakes_at(self) -> int:
        """When the leg at work wants to go on; 0: at a report."""
        if self.task is None:
            return 0
        if self.task.next_ns:
            return self.task.next_ns
        if self.task.style == "maker":
            return self.task.began_ns + int(self.mandate.maker_wait * NS_PER_SECOND)
        return self.task.began_ns + int(self.mandate.patience * NS_PER_SECOND)

    def begin(self, plan: Plan, number: int) -> None:
        """Take up an approved plan; it starts with the next prices."""
        self.plan, self.begun, self.number = plan, False, number

    def quotes(self, quotes: Quotes, state: State) -> None:
        """Prices came: go on with the plan at them."""
        self.depth, self.quoted_ns = quotes.depth, quotes.at_ns
        self.fold.see(quotes)
        if self.plan is not None and not self.begun:
            self.begun = True
            self.emit(Verdict(quotes.at_ns, self.plan.id, "begun", "policy"))
        self.advance(quotes.at_ns, state)

    def _is_fresh(self, now_ns: int) -> bool:
        return now_ns - self.quoted_ns <= self.mandate.fresh * NS_PER_SECOND

    def advance(self, now_ns: int, state: State) -> None:
        """Start legs until one waits for its venue, or for prices; the plan is done when no leg is left."""
        if self.task is not None and self.task.next_ns and self.task.next_ns <= now_ns and self._is_fresh(now_ns):
            self._next(self.task, now_ns, state)
        while self.task is None and self._is_fresh(now_ns):
            n, units = self.fold.next_leg()
            if n < 0:
                break
            if (
                self.fold.legs[n, k.L_PLAN] == self.number
            ):  # the venue's own deeds may have added legs that nobody saw yet
                self._start(n, units, now_ns, state)
        if self.plan is not None and not self.busy and not self.fold.waiting(self.number):
            self.emit(Verdict(now_ns, self.plan.id, "done", "policy"))
            self.plan = None

    def _start(self, n: int, units: float, now_ns: int, state: State) -> None:
        row = self.fold.legs[n]
        instrument = self.fold.universe.instruments[int(row[k.L_INST])]
        if any(self.orders.on(instrument.symbol)):
            return  # an order there is in doubt: the leg waits for the next prices
        wanted = floor_to_lot(abs(exact(units)), exact(instrument.lot)).copy_sign(exact(units))
        plan = self.plan.id if self.plan else ""
        self.task = Task(n, plan, _KINDS[int(row[k.L_KIND])], instrument, wanted, now_ns, self.mandate.style)
        if self.task.kind == "margin":
            self.task.style = "taker"
        row[k.L_STATUS] = k.WORKING
        self._order(self.task, now_ns, state)

    def _order(self, task: Task, now_ns: int, state: State) -> None:
        """The next order of a leg, if its approval still holds and the gate lets it leave; else the leg is at its end."""
        price = exact(self.fold.quoted(task.instrument.symbol)) if task.kind != "margin" else ZERO
        if not price.is_finite():  # it had a price when the leg began, and has none now
            if now_ns - task.began_ns > self.mandate.patience * NS_PER_SECOND:
                self._end(task)
            else:
                task.next_ns = now_ns + int(self.mandate.fresh * NS_PER_SECOND) + 1
            return
        if self._left_band(task, price):
            text = f"{task.instrument.symbol}: given up: the price left the band of its approval"
            self.emit(Alert(now_ns, f"band {task.instrument.symbol}", "warning", text))
            self._end(task)
            return
        order = Order(
            now_ns,
            self._id(task),
            task.plan,
            task.n,
            task.kind,
            task.instrument.symbol,
            self._slice(task, price),
            None if task.kind == "margin" else self._limit(task, price),
            task.style,
            task.kind == "futures" and task.wanted > ZERO,
            now_ns + int(self.mandate.deadline * NS_PER_SECOND),
        )
        if not self._send(order, task, price, now_ns, state):
            self._end(task)

    def _left_band(self, task: Task, price: Decimal) -> bool:
        """Whether a person approved the leg at a price that is too far from the present one."""
        if task.kind == "margin" or self.plan is None or self.plan.level == "auto":
            return False
        decided = exact(self.fold.legs[task.n, k.L_PRICE])
        return not abs(price / decided - 1) <= self.mandate.band

    def _send(self, order: Order, task: Task, price: Decimal, now_ns: int, state: State) -> bool:
        """Let an order of a leg leave, if the gate does."""
        why = self.gate.refusal(order, task.instrument, price, state, self._held(task))
        if why:
            self.emit(Alert(now_ns, f"gate {order.instrument}", "warning", f"{order.instrument}: not sent: {why}"))
            return False
        self.gate.passed(order, price)
        task.orders += 1
        task.next_ns = 0
        task.alive.add(order.id)
        self.orders.add(order, task)
        self.emit(order)
        return True

    def _held(self, task: Task) -> Decimal:
        book = self.fold.desk.book
        i = self.fold.index[task.instrument.symbol]
        return exact(book.asset[k.B_HELD, i] if task.kind == "spot" else book.inst[k.P_UNITS, i])

    def _slice(self, task: Task, price: Decimal) -> Decimal:
        """What one order takes of the rest: at most a share of the depth, in whole lots."""
        depth = np.inf if self.depth is None else self.depth[self.fold.index[task.instrument.symbol]]
        if task.kind == "margin" or not np.isfinite(depth):
            return task.rest
        most = self.mandate.slice_depth * exact(depth) / price
        if abs(task.rest) <= most:
            return task.rest
        return floor_to_lot(most, exact(task.instrument.lot)).copy_sign(task.rest)

    def _limit(self, task: Task, price: Decimal) -> Decimal:
        """The worst price: the collar's edge for a taker, the present price for a maker; rounded away from risk."""
        buys = task.wanted > ZERO
        limit = price
        if task.style == "taker":
            limit = price * (1 + self.mandate.collar if buys else 1 - self.mandate.collar)
        tick = exact(task.instrument.tick)
        if tick == ZERO:
            return limit
        return (limit / tick).to_integral_value(ROUND_FLOOR if buys else ROUND_CEILING) * tick

    def _id(self, task: Task) -> str:
        """A name of its own for every order: by plan, leg, and a number that only grows."""
        self.made += 1
        seed = f"{task.plan} {task.n} {self.made}"
        return f"{self.prefix}{hashlib.sha256(seed.encode()).hexdigest()[:16]}"

    # ---- what venues say ------------------------------------------------------------------------------------------------

    def reported(self, live: Live, step: Step, now_ns: int, state: State) -> None:
        """An order of a leg grew, ended, or fell into doubt."""
        task: Task = live.context
        if step.amount != ZERO:
            self._enter(live, step, task, now_ns, state)
        if step.ended:
            task.alive.discard(live.order.id)
            task.refused += live.status in (Status.REFUSED, Status.DEAD)
            if not task.alive:
                self._go_on(live, task, now_ns, state)
        elif (step.doubt or step.wrong) and task is self.task:
            self.park()
            self.advance(now_ns, state)
        elif live.status is Status.OPEN and (live.cancelling or task is not self.task):
            self._cancel(live, now_ns, "its leg is no longer at work")  # a cancel may be lost: it is asked for again

    def park(self) -> None:
        """Set the leg at work aside while an order of it is alive, so that others may go on; without one it is at its end."""
        if self.task is not None and self.task.alive:
            self.parked.append(self.task)
            self.task = None
        elif self.task is not None:
            self._end(self.task)

    def _enter(self, live: Live, step: Step, task: Task, now_ns: int, state: State) -> None:
        """Enter what an order traded or moved, and let the collateral that it needs move with it."""
        order = live.order
        detached = task.n < 0
        n = self.fold.lend(task.row) if detached and task.row is not None else task.n
        if order.kind == "margin" and task.kind != "margin":
            self.fold.moved(order.instrument, step.amount, n)
            moved = ZERO
        else:
            moved = self.fold.traded(n, step.amount, step.price, step.fee, live.currency)
            task.done += step.amount
        if order.kind == "margin":
            self._say_moved(live, step, now_ns)
        else:
            self._say_filled(live, step, n, now_ns)
        if detached:
            task.row = self.fold.legs[n].copy()
        if moved != ZERO and task.kind == "futures":
            deadline = now_ns + int(self.mandate.deadline * NS_PER_SECOND)
            name = self._id(task)
            self._send(
                Order(now_ns, name, task.plan, task.n, "margin", order.instrument, moved, None, "taker", False, deadline),
                task, ZERO, now_ns, state if moved > ZERO or state is State.HALTED else State.RUNNING,
            )  # fmt: skip

    def _say_moved(self, live: Live, step: Step, now_ns: int) -> None:
        account, instrument = margin_account(live.context.instrument, self.margin), live.context.instrument
        ends = ("spot", account) if step.amount > ZERO else (account, "spot")
        if account != "spot":
            name = f"{live.order.id}-{live.filled}"
            self.emit(Transfer(now_ns, name, *ends, instrument.settle, abs(step.amount)))

    def _say_filled(self, live: Live, step: Step, n: int, now_ns: int) -> None:
        order, row, task = live.order, self.fold.legs[n], live.context
        reason = Reason(int(row[k.L_REASON]))
        amount = step.amount
        if task.instrument.inverse:
            amount = exact(row[k.L_SIZE])
        self.emit(
            Fill(
                now_ns,
                f"{order.id}-{live.filled}",
                "spot" if order.kind == "spot" else margin_account(task.instrument, self.margin),
                order.instrument,
                amount,
                step.price,
                step.fee,
                live.currency or self.fold.universe.quote,
                decided=exact(row[k.L_PRICE]),
                index=exact(row[k.L_SPOT]),
                reason=reason.name.lower(),
                row=row_name(self.fold.policy, int(row[k.L_ROW]), reason),
                asset=self.fold.universe.assets[int(row[k.L_FOR])],
                sleeve="carry" if row[k.L_SLEEVE] == 1.0 else "",
            )
        )

    def _go_on(self, live: Live, task: Task, now_ns: int, state: State) -> None:
        """All orders of a leg are at their end: another one for the rest, or the end of the leg."""
        given_up = task.refused >= REFUSALS or now_ns - task.began_ns > self.mandate.patience * NS_PER_SECOND
        more = abs(task.rest) > max(exact(task.instrument.lot), ZERO) and task.kind != "margin"
        if more and not given_up and task.n >= 0 and (task.done != task.wanted):
            if live.status is Status.CANCELLED and task.style == "maker":
                task.style = "taker"
            pause = self.mandate.slice_wait if live.status is Status.FILLED else self.mandate.look_every
            task.next_ns = now_ns + max(int(pause * NS_PER_SECOND), 1)
            self._hold(task)
            return
        if task.refused and task.done == ZERO:
            self.emit(Alert(now_ns, f"refused {live.order.instrument}", "warning", f"{live.order.instrument}: refused"))
        self._end(task)
        self.advance(now_ns, state)

    def _hold(self, task: Task) -> None:
        if task in self.parked:
            self.parked.remove(task)
        if self.task is None:
            self.task = task
        elif self.task is not task:
            self._end(task)  # another leg is at work: the rest is left to the next plan

    def _end(self, task: Task) -> None:
        if task.n >= 0:
            self.fold.ended(task.n)
        if task in self.parked:
            self.parked.remove(task)
        if self.task is task:
            self.task = None

    def timer(self, now_ns: int, state: State) -> None:
        """The leg at work asked for this moment: its next order, or the end of one that rested long enough."""
        task = self.task
        if task is None or not 0 < self.wakes_at() <= now_ns:
            return
        if task.next_ns:
            if self._is_fresh(now_ns):
                self._next(task, now_ns, state)
                self.advance(now_ns, state)
            else:
                task.next_ns = (
                    now_ns + int(self.mandate.fresh * NS_PER_SECOND) + 1
                )  # prices that come are gone by first
            return
        for name in task.alive:
            self._cancel(self.orders.known[name], now_ns, "it rested long enough")
        task.began_ns = now_ns

    def _next(self, task: Task, now_ns: int, state: State) -> None:
        """The next order of a leg that is at work, for what may still be traded of it."""
        size = exact(self.fold.size(task.n))
        task.wanted = task.done + min(abs(task.rest), abs(size)).copy_sign(task.rest)
        if task.rest == ZERO:
            self._end(task)
        else:
            self._order(task, now_ns, state)

    def _cancel(self, live: Live, now_ns: int, why: str) -> None:
        """Ask for the end of an order, and look soon whether it came."""
        if live.order.kind != "margin":
            live.cancelling = True
            live.look_ns = now_ns + self.orders.look_ns
            self.emit(Cancel(now_ns, live.order.id, why))

    def stop(self, now_ns: int, why: str, who: str = "policy") -> None:
        """Begin no further leg; orders that are alive are cancelled, and followed to their end."""
        for live in self.orders.alive.values():
            if not live.cancelling:
                self._cancel(live, now_ns, why)
        if self.plan is not None:
            self.emit(Verdict(now_ns, self.plan.id, "stopped", who, why))
            self.plan = None
        if self.task is not None and not self.task.alive:
            self._end(self.task)

    def detach(self) -> None:
        """The plan's rows are about to be those of another one: keep what is still at work."""
        self.park()
        for task in self.parked:
            if task.n >= 0:
                task.row, task.n = self.fold.legs[task.n].copy(), -1
