"""Bugs that are planted one at a time: the simulation must find each of them, or it is no test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from hedgerow.engine import account as accounts
from hedgerow.engine import execution as executions
from hedgerow.engine import reconcile
from hedgerow.engine.approval import Approval
from hedgerow.engine.drive import Pump
from hedgerow.engine.execution import Execution
from hedgerow.engine.facts import Facts
from hedgerow.engine.fold import Fold
from hedgerow.engine.gate import Gate
from hedgerow.engine.orders import Orders, Step
from hedgerow.model.mandate import State
from hedgerow.model.order import ALIVE, Status
from tests.simulation.disk import DiskJournal

ZERO = Decimal(0)
Patch = pytest.MonkeyPatch
BUGS: dict[str, Callable[[Patch], None]] = {}


def bug(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
    BUGS[plant.__name__] = plant
    return plant


# ---- the wire and the journal ---------------------------------------------------------------------------------------------


@bug
def blind_retry(patch: Patch) -> None:
    """An order in doubt is sent again instead of looked up."""

    async def send(self: Pump, leaving: Any, venue: Any) -> None:
        for order in self.engine.take_looks():
            await venue.place(order)
        await plain(self, leaving, venue)

    plain = Pump.send
    patch.setattr(Pump, "send", send)


@bug
def no_write_ahead(patch: Patch) -> None:
    """Orders leave before their rows are durable."""

    def take(self: Pump, event: Any) -> Any:
        journal, self.journal = self.journal, None
        try:
            made = self.engine.feed(event)
        finally:
            self.journal = journal
        from hedgerow.engine.drive import LEAVES, draft

        assert journal is not None
        journal.append([draft(event, "in"), *(draft(record, "out") for record in made)])
        self._loose += 1
        if self._loose >= 7:
            self.commit()
        for record in made:
            self.tell(record)
        return [record for record in made if isinstance(record, LEAVES)]

    patch.setattr(Pump, "take", take)


@bug
def no_fencing(patch: Patch) -> None:
    """A stale engine's commit is let through."""

    def commit(self: DiskJournal) -> None:
        self.token, held = self.disk.token, self.token
        try:
            plain(self)
        finally:
            self.token = held

    plain = DiskJournal.commit
    patch.setattr(DiskJournal, "commit", commit)


@bug
def own_clock(patch: Patch) -> None:
    """What is made depends on something beside the events."""
    ticks = count()
    plain = Execution._id
    patch.setattr(Execution, "_id", lambda self, task: f"{plain(self, task)[:-2]}{next(ticks) % 97:02d}")


@bug
def one_name_for_a_leg(patch: Patch) -> None:
    """The second order of a leg has the name of the first."""

    def name(self: Execution, task: Any) -> str:
        found = f"{self.prefix}{task.plan[-12:]}{task.n}{task.kind[0]}"
        while found in self.orders.known and self.orders.known[found].status in ALIVE:
            found += "x"
        return found

    def add(self: Orders, order: Any, context: Any = None) -> Any:
        self.known.pop(order.id, None)
        return plain(self, order, context)

    plain = Orders.add
    patch.setattr(Execution, "_id", name)
    patch.setattr(Orders, "add", add)


# ---- what a report says -----------------------------------------------------------------------------------------------------


@bug
def missed_three_times_is_dead(patch: Patch) -> None:
    """An order that three look-ups miss never reached the venue."""

    def missed(self: Orders, live: Any, report: Any) -> Step:
        if live.status in ALIVE and live.looks >= 3:
            live.status = Status.DEAD
            self.alive.pop(live.order.id, None)
            return Step(ended=True)
        return Step()

    patch.setattr(Orders, "_missed", missed)


@bug
def missed_at_once_is_dead(patch: Patch) -> None:
    """The lag of the venue's lists is forgotten."""
    plain = Orders._missed

    def missed(self: Orders, live: Any, report: Any) -> Step:
        lag, self.lag_ns = self.lag_ns, -(10**12)
        try:
            return plain(self, live, report)
        finally:
            self.lag_ns = lag

    patch.setattr(Orders, "_missed", missed)


@bug
def failed_read_is_not_found(patch: Patch) -> None:
    """A read that failed counts as one that found nothing."""
    plain = Orders.take

    def take(self: Orders, report: Any) -> Step:
        if report.word == "unreadable":
            live = self.known[report.id]
            if live.status in ALIVE:
                live.status = Status.DEAD
                self.alive.pop(report.id, None)
                return Step(ended=True)
        return plain(self, report)

    patch.setattr(Orders, "take", take)


@bug
def cumulative_is_incremental(patch: Patch) -> None:
    """What a report says of all fills is taken for the last one."""

    def grown(self: Orders, live: Any, report: Any) -> Any:
        if report.filled <= ZERO or report.price is None:
            return ZERO, ZERO, ZERO
        live.filled = min(live.filled + report.filled, abs(live.order.amount))
        return report.filled.copy_sign(live.order.amount), report.price, report.fee

    patch.setattr(Orders, "_grown", grown)


@bug
def fee_is_forgotten(patch: Patch) -> None:
    plain = Orders._grown

    def grown(self: Orders, live: Any, report: Any) -> Any:
        amount, price, _ = plain(self, live, report)
        return amount, price, ZERO

    patch.setattr(Orders, "_grown", grown)


@bug
def mean_price_for_a_part(patch: Patch) -> None:
    """A later part is entered at the mean price of the whole."""
    plain = Orders._grown

    def grown(self: Orders, live: Any, report: Any) -> Any:
        amount, price, fee = plain(self, live, report)
        return amount, report.price if amount else price, fee

    patch.setattr(Orders, "_grown", grown)


@bug
def end_is_reopened(patch: Patch) -> None:
    """A late word brings an order back that is at its end."""
    plain = Orders.take

    def take(self: Orders, report: Any) -> Step:
        live = self.known[report.id]
        if live.status not in ALIVE and report.word == "unanswered":
            live.status = Status.DOUBT
            self.alive[report.id] = live
            live.look_ns = report.at_ns
            return Step()
        return plain(self, report)

    patch.setattr(Orders, "take", take)


@bug
def cancelled_means_nothing_filled(patch: Patch) -> None:
    """What had filled when an order was cancelled is not entered."""
    plain = Orders.take

    def take(self: Orders, report: Any) -> Step:
        step = plain(self, report)
        if report.word == "cancelled":
            return Step(ended=step.ended)
        return step

    patch.setattr(Orders, "take", take)


@bug
def asked_to_cancel_is_cancelled(patch: Patch) -> None:
    """An order is at its end as soon as its cancel is sent."""
    plain = Execution._cancel

    def cancel(self: Execution, live: Any, now_ns: int, why: str) -> None:
        plain(self, live, now_ns, why)
        if live.order.kind != "margin":
            live.status = Status.CANCELLED
            self.orders.alive.pop(live.order.id, None)
            live.context.alive.discard(live.order.id)

    patch.setattr(Execution, "_cancel", cancel)


# ---- orders ---------------------------------------------------------------------------------------------------------------


@bug
def no_freeze(patch: Patch) -> None:
    """New orders are placed on an instrument while one there is in doubt."""
    patch.setattr(Orders, "on", lambda self, instrument: iter(()))


@bug
def more_than_was_approved(patch: Patch) -> None:
    """A leg whose order was refused is sent twice as large."""
    plain = executions.slice_of

    def part(task: Any, *rest: Any) -> Any:
        return plain(task, *rest) * (2 if task.refused else 1)

    patch.setattr(executions, "slice_of", part)
    patch.setattr(Gate, "refusal", lambda self, order, *rest: "")


@bug
def legs_that_nobody_saw(patch: Patch) -> None:
    """Legs that came after the approval are carried out under it."""

    def advance(self: Execution, now_ns: int, state: Any) -> None:
        self.fold.number(self.number)
        plain(self, now_ns, state)

    plain = Execution.advance
    patch.setattr(Execution, "advance", advance)


@bug
def yesterdays_price(patch: Patch) -> None:
    """Orders are priced by the last close."""
    patch.setattr(Fold, "quoted", lambda self, symbol: float(self._tick.before[self.index[symbol]]))


@bug
def halted_and_still_sending(patch: Patch) -> None:
    plain = Gate.refusal

    def refusal(self: Gate, order: Any, instrument: Any, price: Any, state: State, held: Any) -> str:
        return plain(self, order, instrument, price, State.RUNNING if state is State.HALTED else state, held)

    patch.setattr(Gate, "refusal", refusal)


@bug
def reduce_only_that_adds(patch: Patch) -> None:
    plain = Gate.refusal

    def refusal(self: Gate, order: Any, instrument: Any, price: Any, state: State, held: Any) -> str:
        kept = State.RUNNING if state is State.REDUCE_ONLY else state
        return plain(self, order, instrument, price, kept, held)

    patch.setattr(Gate, "refusal", refusal)


@bug
def collateral_is_not_moved(patch: Patch) -> None:
    """The order of collateral leaves, and its answer is not entered."""
    patch.setattr(Fold, "moved", lambda self, *rest: None)


# ---- approvals and facts --------------------------------------------------------------------------------------------------


@bug
def nobody_has_to_approve(patch: Patch) -> None:
    patch.setattr(Approval, "approved", lambda self, now_ns: self.plan)


@bug
def an_approval_for_ever(patch: Patch) -> None:
    """An approved plan is begun whenever it may be."""
    patch.setattr(Approval, "recheck", lambda self, *rest: None)
    patch.setattr(Execution, "_left_band", lambda self, *rest: False)


@bug
def facts_count_twice(patch: Patch) -> None:
    patch.setattr(Facts, "is_known", lambda self, name, now_ns: False)


@bug
def differences_are_not_seen(patch: Patch) -> None:
    patch.setattr(accounts, "difference", lambda *rest: {})


@bug
def adopted_the_wrong_way(patch: Patch) -> None:
    """What is adopted is entered with the other sign."""
    plain = reconcile.adopt

    def adopt(*rest: Any) -> Any:
        for event in plain(*rest):
            yield event if isinstance(event, tuple) else replace(event, amount=-event.amount)

    patch.setattr(accounts, "adopt", adopt)


@bug
def rounded_money(patch: Patch) -> None:
    """Amounts cross into the book in single precision."""
    plain = Fold.traded

    def traded(self: Fold, n: int, units: Any, price: Any, fee: Any, currency: str) -> Any:
        import numpy as np

        return plain(self, n, Decimal(repr(float(np.float32(units)))), price, fee, currency)

    patch.setattr(Fold, "traded", traded)
