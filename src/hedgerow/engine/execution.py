"""A plan at work: its legs one after the other in the kernel's order, each by orders that are followed to their end.

What brings cash or lowers risk goes first, then collateral, then what needs both (``kernel.pending``). The next leg starts when
the one before is at its end, or in doubt: then its instrument is left alone and the others go on. A leg is cut into orders
that the depth bears; a maker's order rests for a while before the rest is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from hedgerow.engine import trades
from hedgerow.engine.alerts import Alerts
from hedgerow.engine.fold import Fold, exact
from hedgerow.engine.gate import Gate
from hedgerow.engine.orders import Live, Orders, Step
from hedgerow.engine.task import Task, in_lots, limit_of, slice_of, too_small
from hedgerow.engine.unhedged import Unhedged
from hedgerow.kernel import arrays as k
from hedgerow.model.bar import Quotes
from hedgerow.model.mandate import Mandate, State
from hedgerow.model.market import Floats
from hedgerow.model.order import Cancel, Order, OrderKind, Status
from hedgerow.model.plan import Plan, Verdict
from hedgerow.model.terms import WHOLE, Terms
from hedgerow.units import NS_PER_SECOND

ZERO: Final = Decimal(0)
REFUSALS: Final = 3  # of a leg, until it is given up
FUNDINGS: Final = 5  # of a leg: how often collateral is moved ahead of it
_NEARLY: Final = Decimal("1e-9")  # of a price: a mean of parts has digits without end
_CENT: Final = Decimal("1e-8")  # the smallest part of an amount that is moved
_KINDS: Final[tuple[OrderKind, ...]] = ("spot", "futures", "margin")


@dataclass(slots=True)
class Execution:
    """Carries plans out. ``emit`` takes what is to be written and sent; ``prefix`` begins the ids of its orders."""

    fold: Fold
    orders: Orders
    mandate: Mandate
    gate: Gate
    emit: Callable[[Any], None]
    alerts: Alerts
    prefix: str = ""
    margin: str = "isolated"
    terms: Terms = WHOLE
    odd: Callable[[str], None] = lambda text: None  # hears of what no venue should do
    made: int = 0
    plan: Plan | None = None
    begun: bool = False
    number: int = 0  # of the plan, as its legs have it
    task: Task | None = None
    parked: list[Task] = field(default_factory=list)  # with an order in doubt
    depth: Floats | None = None
    quoted_ns: int = 0  # when the prices were seen that orders go by
    unhedged: Unhedged = field(default_factory=Unhedged)

    @property
    def busy(self) -> bool:
        """Whether an order of it is alive."""
        return self.task is not None or bool(self.parked)

    def wakes_at(self) -> int:
        """When the leg at work wants to go on, or coins have waited too long for their hedge; 0: at a report."""
        times = self._task_wakes_at(), self.unhedged.wakes_at(int(self.mandate.unhedged * NS_PER_SECOND))
        return min((one for one in times if one), default=0)

    def _task_wakes_at(self) -> int:
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
        while self.task is None and self.plan is not None and self._is_fresh(now_ns):
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
        kind = _KINDS[int(row[k.L_KIND])]
        wanted = exact(units) if kind == "margin" else in_lots(exact(units), instrument)
        plan = self.plan.id if self.plan else ""
        self.task = Task(n, plan, kind, instrument, wanted, now_ns, self.mandate.style)
        if self.task.kind == "margin":
            self.task.style = "taker"
        row[k.L_STATUS] = k.WORKING
        if self._is_small(self.task, wanted):
            self._end(self.task)
        else:
            self._order(self.task, now_ns, state)

    def _is_small(self, task: Task, units: Decimal) -> bool:
        """Whether the venue takes no order of so little; without a price nobody knows."""
        price = self.fold.quoted(task.instrument.symbol)
        return self.terms.filters and task.kind != "margin" and price > 0.0 and too_small(task, units, exact(price))

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
            self.alerts.tell(now_ns, f"band {task.instrument.symbol}", "warning", text, passing=True)
            self._end(task)
            return
        if task.shorts and self.terms.wallets == "separate" and self._fund(task, now_ns, state):
            return
        deep = float("inf") if self.depth is None else float(self.depth[self.fold.index[task.instrument.symbol]])
        limit = None if task.kind == "margin" else limit_of(task, price, self.mandate)
        order = Order(
            now_ns, self._id(task), task.plan, task.n, task.kind, task.instrument.symbol, slice_of(task, price, deep, self.mandate),
            limit, task.style, task.covers, now_ns + int(self.mandate.deadline * NS_PER_SECOND),
        )  # fmt: skip
        if not self._send(order, task, price, now_ns, state):
            self._end(task)

    def _fund(self, task: Task, now_ns: int, state: State) -> bool:
        """Where the venue wants the collateral of a short first: move it there, and order when it has come. True: it is on its way,
        or the leg is at its end.
        """
        ahead = self.fold.ahead(task.n, task.rest).quantize(_CENT, ROUND_DOWN)
        if ahead <= ZERO or task.funded >= FUNDINGS:
            return False
        if not self.terms.transfers:
            symbol = task.instrument.symbol
            text = f"{symbol}: move {ahead} {task.instrument.settle} to its margin by hand: this venue lets no program do it"
            self.alerts.tell(now_ns, f"transfer {symbol}", "warning", text, passing=True)
            self._end(task)
            return True
        task.funded += 1
        if not self._move(task, ahead, now_ns, state):
            self._end(task)
        return True

    def _move(self, task: Task, amount: Decimal, now_ns: int, state: State) -> bool:
        """Move collateral to the contract of a leg at work (below 0: from it); False: it may not."""
        deadline = now_ns + int(self.mandate.deadline * NS_PER_SECOND)
        order = Order(
            now_ns, self._id(task), task.plan, task.n, "margin", task.instrument.symbol, amount, None, "taker", False, deadline
        )  # fmt: skip
        return self._send(order, task, ZERO, now_ns, state)

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
            text = f"{order.instrument}: not sent: {why}"
            self.alerts.tell(now_ns, f"gate {order.instrument}", "warning", text, passing=True)
            if self.gate.tripped:
                self.odd(f"{order.instrument}: {why}")
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
        if order.kind != "margin":
            self.emit(trades.filled(self.fold, live, step, n, self.margin, now_ns))
            self._looked_at(order, step, n, now_ns)
        elif (transfer := trades.moved(live, step, self.margin, now_ns)) is not None:
            self.emit(transfer)
        if detached:
            task.row = self.fold.legs[n].copy()
        if moved != ZERO and task.kind == "futures":
            self._move(task, moved, now_ns, state if moved > ZERO or state is State.HALTED else State.RUNNING)

    def _looked_at(self, order: Order, step: Step, n: int, now_ns: int) -> None:
        """A fill beyond its limit is one that no venue makes; new coins wait for their hedge."""
        worse = order.limit is not None and (step.price - order.limit) * (1 if order.amount > ZERO else -1)
        if order.limit is not None and worse > order.limit * _NEARLY:
            self.odd(f"{order.instrument}: filled at {step.price}, beyond the limit {order.limit}")
        served = self.fold.legs[n, k.L_FOR]
        if order.kind == "spot" and order.amount > ZERO and self.fold.waits_for_hedge(self.number, served):
            self.unhedged.bought(self.fold.universe.assets[int(served)], now_ns)

    def _go_on(self, live: Live, task: Task, now_ns: int, state: State) -> None:
        """All orders of a leg are at their end: another one for the rest, or the end of the leg."""
        given_up = task.refused >= REFUSALS or now_ns - task.began_ns > self.mandate.patience * NS_PER_SECOND
        more = task.rest != ZERO and task.kind != "margin" and not self._is_small(task, task.rest)
        stopped = self.plan is None or task.plan != self.plan.id
        if more and not given_up and not stopped and task.n >= 0:
            if (
                task.style == "maker"
                and live.status in (Status.CANCELLED, Status.REFUSED)
                and live.order.kind != "margin"
            ):
                task.style = "taker"
            pause = self.mandate.slice_wait if live.status is Status.FILLED else self.mandate.look_every
            if live.order.kind == "margin" and live.status is Status.FILLED:
                pause = 0.0  # its collateral has come
            task.next_ns = now_ns + max(int(pause * NS_PER_SECOND), 1)
            self._hold(task)
            return
        if self._returns(task, now_ns, state):
            return
        if task.refused and task.done == ZERO:
            symbol = live.order.instrument
            text = f"{symbol}: refused: {live.text}" if live.text else f"{symbol}: refused"
            self.alerts.tell(now_ns, f"refused {symbol}", "warning", text, passing=True)
        self._end(task)
        self.advance(now_ns, state)

    def _returns(self, task: Task, now_ns: int, state: State) -> bool:
        """Collateral that came ahead of a short which was not sold whole goes back."""
        if not task.funded or task.returned or task.rest == ZERO or state is State.HALTED:
            return False
        task.returned = True
        back = self.fold.spare(task.instrument.symbol).quantize(_CENT, ROUND_DOWN)
        return back > ZERO and self._move(task, -back, now_ns, State.RUNNING)

    def sweep(self, now_ns: int, state: State) -> None:
        """Nothing is at work: collateral that came ahead of a short which never was goes back."""
        if self.terms.wallets == "one" or not self.terms.transfers or state is State.HALTED:
            return
        for symbol, amount in self.fold.stranded():
            back = amount.quantize(_CENT, ROUND_DOWN)
            if back > ZERO and not any(self.orders.on(symbol)):
                instrument = self.fold.universe.instruments[self.fold.index[symbol]]
                task = Task(-1, "", "futures", instrument, ZERO, now_ns, "taker")
                self.parked.append(task)
                if not self._move(task, -back, now_ns, State.RUNNING):
                    self.parked.remove(task)

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
            if task.shorts:
                self.unhedged.over(self.fold.universe.assets[int(self.fold.legs[task.n, k.L_FOR])])
        if task in self.parked:
            self.parked.remove(task)
        if self.task is task:
            self.task = None

    def timer(self, now_ns: int, state: State) -> None:
        """The leg at work asked for this moment: its next order, or the end of one that rested long enough."""
        for asset in self.unhedged.late(now_ns, int(self.mandate.unhedged * NS_PER_SECOND)):
            text = f"{asset}: coins bought {self.mandate.unhedged:g} s ago still wait for their hedge"
            self.alerts.tell(now_ns, f"unhedged {asset}", "warning", text, passing=True)
        task = self.task
        if task is None or not 0 < self._task_wakes_at() <= now_ns:
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
            if not self.orders.known[name].cancelling:
                self._cancel(self.orders.known[name], now_ns, "it rested long enough")
        task.began_ns = now_ns

    def _next(self, task: Task, now_ns: int, state: State) -> None:
        """The next order of a leg that is at work, for what may still be traded of it."""
        size = in_lots(exact(self.fold.size(task.n)), task.instrument)
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
