"""What must hold at every step of every schedule: I1 to I20 of the reliability notes, as far as a schedule can show them.

What an order was allowed, what left, what is durable and what the venue has are each taken from their own place, never from what the
engine thinks of itself alone.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedgerow.ledger.ledger import Ledger
from hedgerow.model.codec import decode
from hedgerow.model.event import Flow
from hedgerow.model.mandate import State
from hedgerow.model.order import ALIVE, Order
from hedgerow.model.plan import Plan, Verdict
from hedgerow.units import NS_PER_SECOND

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine
    from tests.simulation.run import Schedule

ZERO = Decimal(0)
DUST = Decimal("1e-6")


def is_sound(number: Decimal | None) -> bool:
    """Whether a number is finite and above 0."""
    return number is not None and number.is_finite() and number > ZERO


class Watch:
    """The eyes of one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.meddled = False
        self.legs: Counter[tuple[str, int]] = Counter()
        self.plans: dict[str, Plan] = {}
        self.words: dict[str, list[str]] = {}
        self.last_minute: deque[int] = deque()
        self.filled: dict[str, Decimal] = {}
        self.rows = 0
        self.prints: dict[int, bytes] = {}
        self.placed = 0

    # ---- what the engine says ----------------------------------------------------------------------------------------------

    def heard(self, record: Any) -> None:
        if isinstance(record, Plan):
            self.plans[record.id] = record
        elif isinstance(record, Verdict):
            said = self.words.setdefault(record.plan, [])
            if record.word == "begun":
                assert "approved" in said, f"I10: {record.plan} is begun, and nobody approved it: {said}"
                assert "begun" not in said, f"I10: {record.plan} is begun twice"
                plan = self.plans[record.plan]
                in_time = plan.level == "auto" or record.at_ns < plan.expires_ns
                assert in_time, f"I10: {record.plan} is begun after it lapsed"
            said.append(record.word)

    def leaves(self, order: Order) -> None:
        """An order is at the socket."""
        schedule = self.schedule
        engine = schedule.pump.engine if hasattr(schedule, "pump") else None
        self.placed += 1
        assert schedule.exchange.sends[order.id] == 1, f"I1: {order.id} goes over the wire twice"
        durable = any(
            row.kind == "order" and json.loads(row.body)["id"] == order.id for row in schedule.disk.rows[-400:]
        )
        assert durable, f"I1: {order.id} leaves, and its row is not durable"
        assert schedule.journal.token == schedule.disk.token, "I19: a stale engine sends"
        now_ns = order.at_ns
        if order.kind != "margin":
            self.last_minute.append(now_ns)
            while self.last_minute[0] <= now_ns - 60 * NS_PER_SECOND:
                self.last_minute.popleft()
            assert len(self.last_minute) <= 12, "I12: more orders within a minute than the breaker lets through"
            assert is_sound(order.limit), f"I8: a limit of {order.limit}"
            price = schedule.exchange.price.get(order.instrument, ZERO)
            assert is_sound(price), f"I8: {order.id} on {order.instrument}, which has no price"
            assert abs((order.limit or ZERO) / price - 1) < Decimal("0.21"), (
                f"I8: {order.limit} with the market at {price}"
            )
        assert is_sound(abs(order.amount)), f"I8: an amount of {order.amount}"
        if engine is None or engine.begin is None:
            return
        self._in_band(order)
        lowers = order.amount < ZERO if order.kind == "spot" else order.amount > ZERO
        assert engine.state is not State.HALTED, f"I11: {order.id} leaves while the engine is halted"
        lowers = lowers or order.kind == "margin"  # what a cover frees comes back
        assert engine.state is not State.REDUCE_ONLY or lowers, f"I11: {order.id} adds exposure in reduce-only"
        others = [one for one in engine.orders.alive.values() if one.order.instrument == order.instrument]
        foreign = [
            one for one in others if one.order.id != order.id and one.order.kind != "margin" and order.kind != "margin"
        ]
        assert not foreign, f"I9: {order.id} leaves, and {foreign[0].order.id} on {order.instrument} is not at its end"

    def _in_band(self, order: Order) -> None:
        """What a person approved is done near the price at which it was approved."""
        plan = self.plans.get(order.plan)
        if plan is None or plan.level == "auto" or order.kind == "margin":
            return
        leg = next((one for one in plan.legs if one.leg == order.leg), None)
        price = self.schedule.exchange.price.get(order.instrument, ZERO)
        near = leg is None or abs(price / leg.price - 1) < Decimal("0.021")
        assert near, f"I10: {order.id} leaves at {price}, and was approved at {leg and leg.price}"

    # ---- every step --------------------------------------------------------------------------------------------------------

    def step(self, engine: Engine) -> None:
        schedule = self.schedule
        rows = len(schedule.disk.rows)
        assert rows >= self.rows, "I13: the journal shrank"
        self.rows = rows
        if engine.begin is None:
            return
        self._approved(engine)
        self._venue()
        for name, live in engine.orders.known.items():
            before = self.filled.get(name, ZERO)
            assert live.filled >= before or name not in engine.orders.alive, (
                f"I14: {name} shrank from {before} to {live.filled}"
            )
            self.filled[name] = max(before, live.filled)

    def _approved(self, engine: Engine) -> None:
        """What filled and what may still fill, of every leg, is not more than was approved."""
        total: dict[tuple[str, int], Decimal] = {}
        for live in engine.orders.known.values():
            if live.order.kind == "margin" or not live.order.plan:
                continue
            key = (live.order.plan, live.order.leg)
            total[key] = total.get(key, ZERO) + live.filled + live.possible
        for (name, number), amount in total.items():
            plan = self.plans.get(name)
            if plan is None:
                continue
            leg = next((one for one in plan.legs if one.leg == number), None)
            assert leg is not None, f"I2: an order for leg {number} of {name}, which has none"
            assert amount <= abs(leg.amount) * (1 + DUST), (
                f"I2: {amount} of {abs(leg.amount)} approved for leg {number} of {name}"
            )

    def _venue(self) -> None:
        """The account itself: nothing oversold, never net short by our own doing."""
        account = self.schedule.exchange.account
        for asset, coins in account.coins.items():
            assert coins >= -DUST, f"I3: {coins} {asset} at the venue"
            short = -account.size.get(f"{asset}/USDT:USDT", ZERO)
            assert short >= -DUST, f"I3: long futures on {asset}: {-short}"
            if not self.meddled:
                assert short <= coins * (1 + DUST) + DUST, f"I3: short {short} of {coins} {asset}"
        assert account.cash >= -DUST, f"I3: {account.cash} cash at the venue"

    # ---- restarts and the end -----------------------------------------------------------------------------------------------

    def replayed(self, engine: Engine) -> None:
        """A process took the journal up (I5 is checked row by row in ``replay``): what was said is what is durable."""
        self.plans, self.words, self.filled = {}, {}, {}
        for row in self.schedule.disk.rows:
            if row.kind in ("plan", "verdict"):
                self.heard(decode(row.kind, row.body))

    def ended(self, engine: Engine) -> None:
        """The storm is over, and everything came to rest."""
        schedule = self.schedule
        doubtful = [name for name, live in engine.orders.known.items() if live.status in ALIVE]
        assert not doubtful, f"L1: {doubtful} are not at their end"
        assert engine.account.ready, f"L4: the engine is not ready: {engine.account.differences}"
        assert engine.state is State.RUNNING, f"L4: the engine is {engine.state}"
        self._same_book(engine)
        self._same_ledger(engine)
        for name, said in self.words.items():
            ends = {"done", "rejected", "lapsed", "superseded", "stopped"}
            open_ = engine.approval.plan and engine.approval.plan.id == name
            at_work = engine.execution.plan and engine.execution.plan.id == name
            assert ends & set(said) or open_ or at_work, f"L6: nobody says what became of {name}: {said}"
        for order, times in schedule.exchange.sends.items():
            assert times == 1, f"I1: {order} went over the wire {times} times"

    def _same_book(self, engine: Engine) -> None:
        """The book is the venue's account, within what floats leave over."""
        from hedgerow.engine.reconcile import difference
        from hedgerow.model.account import Snapshot, Standing

        account = self.schedule.exchange.account
        positions = {
            symbol: Standing(size, account.entry[symbol], account.collateral[symbol])
            for symbol, size in account.size.items() if size != ZERO
        }  # fmt: skip
        picture = Snapshot(0, 0, {**account.coins, "USDT": account.cash}, {}, positions, ())
        found = difference(engine.fold, "isolated", picture, engine.account.ignored)
        assert not found, f"I6: book and venue differ: {found}"

    def _same_ledger(self, engine: Engine) -> None:
        """The journal's facts, folded exactly, are the venue's account, to the last digit, but for what is ignored."""
        if engine.account.ignored or self.meddled:
            return
        ledger = Ledger("USDT")
        facts = [Flow(0, "start", "spot", "USDT", Decimal(100_000), Decimal(1))]
        seen = set()
        for row in self.schedule.disk.rows:
            if row.kind in ("fill", "transfer", "funding", "flow"):
                fact = decode(row.kind, row.body)
                if (row.kind, fact.id) not in seen:
                    seen.add((row.kind, fact.id))
                    facts.append(fact)
        ledger.fold(sorted(facts, key=lambda fact: fact.at_ns))  # what was said late happened before
        account = self.schedule.exchange.account
        there = {("spot", "USDT"): account.cash} | {("spot", asset): coins for asset, coins in account.coins.items()}
        for where, amount in there.items():
            ours = ledger.balances.get(where, ZERO)
            # a mean price of several fills has digits without end
            assert abs(ours - amount) <= Decimal("1e-30") * max(abs(amount), Decimal(1)), (
                f"I6: {where}: {ours}, {amount}"
            )
