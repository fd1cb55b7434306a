"""What an engine was told and what it made of it, by rules of its own in exact decimals: what the machine holds the engine against.

It reads rows in the order of the journal, and complains of the first that may not be: an order without its approval, a second
one where the first is not at its end, one that the state forbids, one that is priced by no quote. It shares no line with the
engine's register, gate or fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from hedgerow.model.bar import Quotes
from hedgerow.model.command import Answer, Change, Command
from hedgerow.model.event import Fill, Flow, Funding, Transfer
from hedgerow.model.mandate import State
from hedgerow.model.order import Order, Report
from hedgerow.model.plan import Plan, Verdict
from hedgerow.units import NS_PER_SECOND
from tests.simulation.exchange import WIDE, Account
from tests.simulation.run import CASH, LAG, UNIVERSE

ZERO = Decimal(0)
DUST = Decimal("1e-6")
COLLAR, BAND, FRESH = Decimal("0.2"), Decimal("0.02"), 30  # of the machine's mandate
OVER = {"done", "rejected", "lapsed", "superseded", "stopped"}
# Defects that stand, by the story of test_stories.py that shows each: what they spoil is looked away from.
OPEN: set[str] = {"adopted", "old prices"}
SYMBOLS = tuple(it.symbol for it in UNIVERSE.instruments)


@dataclass
class Known:
    """An order, and what was said of it."""

    order: Order
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    was_open: bool = False
    end: str = ""

    @property
    def possible(self) -> Decimal:
        return ZERO if self.end else abs(self.order.amount) - self.filled


class Told:
    """The fold of the rows."""

    def __init__(self) -> None:
        self.account = Account(CASH)
        self.state = State.RUNNING
        self.plans: dict[str, Plan] = {}
        self.words: dict[str, list[Verdict]] = {}
        self.orders: dict[str, Known] = {}
        self.facts: dict[str, Any] = {}
        self.commands: dict[str, int] = {}  # id -> answers
        self.quotes: Quotes | None = None
        self.now_ns = 0
        self._freed: set[str] = set()  # contracts of which a cover was entered in this step

    def step(self, event: Any, made: list[Any]) -> None:
        """An event came in, and the engine made records of it."""
        self.now_ns = max(self.now_ns, event.at_ns)
        with localcontext(WIDE):
            self._freed = set()
            if isinstance(event, Report):
                self._report(event)
            elif isinstance(event, Quotes):
                self.quotes = event
            elif isinstance(event, (Flow, Funding, Transfer, Fill)):
                self._fact(event)
            elif isinstance(event, Command):
                self.commands.setdefault(event.id, 0)
            for record in made:
                self._made(record)
        for name, answers in self.commands.items():
            assert answers == 1, f"command {name} has {answers} answers"

    # ---- what came in ---------------------------------------------------------------------------------------------------

    def _report(self, report: Report) -> None:
        known = self.orders.get(report.id)
        if known is None or report.word == "unreadable":
            return
        if report.word == "not_found":
            late = report.read_ns > known.order.deadline_ns + LAG * NS_PER_SECOND
            if late and not known.was_open and not known.filled and not known.end:
                known.end = "dead"
            return
        before = known.filled
        if report.filled > before and report.price is not None:
            self._grow(known, report.filled, report.filled * report.price)
        whole = abs(known.order.amount)
        sound = report.filled >= before and not (report.filled and report.price is None)
        ends = {
            "filled": sound and report.filled == whole,
            "cancelled": sound,
            "refused": sound and not report.filled and not known.was_open,
        }  # fmt: skip
        if known.end or report.word == "unanswered":
            return
        if ends.get(report.word):
            known.end = report.word
        else:  # what contradicts itself is in doubt, as if the venue had never had it
            known.was_open = report.word == "open" and not (report.filled and report.price is None)

    def _grow(self, known: Known, filled: Decimal, cost: Decimal) -> None:
        order, more = known.order, filled - known.filled
        signed = more.copy_sign(order.amount)
        if order.kind == "margin":
            self._collateral(order.instrument, signed)
        else:
            self.account.trade(order.instrument, signed, (cost - known.cost) / more)
            if order.kind == "futures" and signed > ZERO:
                self._freed.add(order.instrument)
        known.filled, known.cost = filled, cost

    def _collateral(self, symbol: str, amount: Decimal) -> None:
        self.account.cash -= amount
        self.account.collateral[symbol] = self.account.collateral.get(symbol, ZERO) + amount

    def _fact(self, fact: Any) -> None:
        """A fact of the account, the first time that it is told."""
        account, key = self.account, f"{type(fact).__name__} {fact.id}"
        if key in self.facts:
            return
        self.facts[key] = fact
        if isinstance(fact, Funding):
            paid_to = account.collateral.get(fact.instrument, ZERO)
            account.collateral[fact.instrument] = paid_to + (fact.amount or ZERO)
        elif isinstance(fact, Transfer):
            symbol = (fact.account if fact.to == "spot" else fact.to).removeprefix("margin ")
            self._collateral(symbol, -fact.amount if fact.to == "spot" else fact.amount)
        elif isinstance(fact, Flow) and fact.account != "spot":
            symbol = fact.account.removeprefix("margin ")
            account.collateral[symbol] = account.collateral.get(symbol, ZERO) + fact.amount
        elif isinstance(fact, Flow) and fact.currency == "USDT":
            account.cash += fact.amount
        elif isinstance(fact, Flow):
            account.coins[fact.currency] = account.coins.get(fact.currency, ZERO) + fact.amount
        else:
            self._traded(fact)

    def _traded(self, fill: Fill) -> None:
        """A position that changed beside the engine's orders: by the venue, or by hand and adopted."""
        account, symbol = self.account, fill.instrument
        held, entry = account.size.get(symbol, ZERO), account.entry.get(symbol, ZERO)
        backed = account.collateral.get(symbol, ZERO) - fill.fee
        if fill.amount < ZERO:
            account.entry[symbol] = (held * entry + fill.amount * fill.price) / (held + fill.amount)
        else:
            backed += fill.amount * (entry - fill.price)
        account.size[symbol], account.collateral[symbol] = held + fill.amount, backed

    # ---- what was made --------------------------------------------------------------------------------------------------

    def _made(self, record: Any) -> None:
        if isinstance(record, Plan):
            self.plans[record.id] = record
            self.words[record.id] = []
        elif isinstance(record, Verdict):
            self._verdict(record)
        elif isinstance(record, Change):
            alone = record.who == "policy"
            assert self.state is not State.HALTED or not alone, f"it leaves HALTED by itself, for {record.state}"
            self.state = record.state
        elif isinstance(record, Answer):
            self.commands[record.id] += 1
        elif isinstance(record, Order):
            self._order(record)
        elif isinstance(record, Flow) or (isinstance(record, Fill) and record.reason == "adopted"):
            self._fact(record)

    def _verdict(self, verdict: Verdict) -> None:
        plan, said = self.plans[verdict.plan], self.words[verdict.plan]
        words = {one.word for one in said}
        assert not words & OVER, f"{verdict.word} is said of {plan.id}, which was over: {words}"
        if verdict.word == "begun":
            assert self._is_approved(plan), f"{plan.id} is begun, and nobody approved it: {said}"
            assert plan.level == "auto" or verdict.at_ns < plan.expires_ns, f"{plan.id} is begun after it lapsed"
            assert "begun" not in words, f"{plan.id} is begun twice"
            assert self.state in (State.RUNNING, State.REDUCE_ONLY), f"{plan.id} is begun while {self.state}"
        said.append(verdict)

    def _is_approved(self, plan: Plan) -> bool:
        who = {one.who for one in self.words[plan.id] if one.word == "approved"}
        return "policy" in who if plan.level == "auto" else plan.level == "approve" and len(who) >= plan.approvals

    def _order(self, order: Order) -> None:
        assert order.id not in self.orders, f"order {order.id} is made twice"
        assert self.state is not State.HALTED, f"{order} is made while the engine is halted"
        assert order.amount.is_finite(), f"{order}: no amount"
        assert order.amount != ZERO, f"{order}: no amount"
        lowers = order.amount < ZERO if order.kind == "spot" else order.amount > ZERO
        lowers = lowers or (order.kind == "margin" and self._comes_back(order))
        assert lowers or self.state is not State.REDUCE_ONLY, f"{order} adds exposure in reduce-only"
        stranded = order.kind == "margin" and order.amount < ZERO and not self.account.size.get(order.instrument)
        if stranded and not order.plan:  # collateral of a short that never was, or is no more
            self.orders[order.id] = Known(order)
            return
        plan = self.plans.get(order.plan)
        assert plan is not None, f"{order} belongs to no plan"
        assert self._is_approved(plan), f"{order}: nobody approved its plan"
        if order.kind != "margin":  # collateral follows its trade, whatever became of the plan
            self._trade(order, plan)
        self.orders[order.id] = Known(order)
        if order.kind != "margin":
            self._within(plan, order)

    def _comes_back(self, order: Order) -> bool:
        """Whether it is collateral that a cover frees, or that came ahead of a short which was not sold."""
        came = any(
            one.order.kind == "margin"
            and one.order.amount > ZERO
            and (one.order.plan, one.order.instrument) == (order.plan, order.instrument)
            for one in self.orders.values()
        )
        return came or order.instrument in self._freed or not self.account.size.get(order.instrument)

    def _trade(self, order: Order, plan: Plan) -> None:
        words = {one.word for one in self.words[plan.id]}
        assert "begun" in words, f"{order}: its plan is not begun"
        assert not words & OVER, f"{order}: its plan is over"
        others = [one for one in self.orders.values() if one.order.instrument == order.instrument and not one.end]
        others = [one for one in others if one.order.kind != "margin"]
        assert not others, f"{order}, and {others[0].order.id} on {order.instrument} is not at its end"
        assert self.quotes is not None, f"{order} is made before any price"
        age = self.now_ns - self.quotes.at_ns
        fresh = age <= FRESH * NS_PER_SECOND or "old prices" in OPEN
        assert fresh, f"{order} is made by a price of {age / 1e9:.0f} s ago"
        price = Decimal(repr(float(self.quotes.price[SYMBOLS.index(order.instrument)])))
        assert price > ZERO, f"{order} is made at a price of {price}"
        assert order.limit is not None, f"{order} has no limit"
        edge = price if order.style == "maker" else price * (1 + COLLAR.copy_sign(order.amount))  # there are no ticks
        assert abs(order.limit / edge - 1) <= DUST, f"{order}: the last quote is {price}"
        leg = next(one for one in plan.legs if one.leg == order.leg)
        near = plan.level == "auto" or abs(price / leg.price - 1) <= BAND * (1 + DUST)
        assert near, f"{order} is made at {price}, and was approved at {leg.price}"

    def _within(self, plan: Plan, order: Order) -> None:
        """What filled and what still may, of the orders of a leg, is not more than was approved."""
        leg = next(one for one in plan.legs if one.leg == order.leg)
        mine = [
            one for one in self.orders.values()
            if (one.order.plan, one.order.leg) == (order.plan, order.leg) and one.order.kind != "margin"
        ]  # fmt: skip
        total = sum((one.filled + one.possible for one in mine), ZERO)
        assert leg.instrument == order.instrument, f"{order} is on another instrument than its leg"
        assert leg.amount * order.amount > ZERO, f"{order} goes the other way than its leg"
        assert total <= abs(leg.amount) * (1 + DUST), f"{order}: {total} of {abs(leg.amount)} that were approved"
