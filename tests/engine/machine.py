"""A machine of rules over one engine: bars, prices, orders and what becomes of them, people, doubts, restarts, in any order.

Hypothesis chooses the rules and finds a short story for what fails. After each the engine is held against ``Told``, a model of its
own, and the account against what may not be.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import Command, Timer
from hedgerow.model.mandate import State
from hedgerow.model.order import Report
from hedgerow.units import NS_PER_SECOND
from tests.engine.life import Life
from tests.engine.told import OPEN, SYMBOLS, ZERO
from tests.simulation.exchange import Resting
from tests.simulation.run import LAG, UNIVERSE

TENTHS = st.sampled_from([1, 3, 10, 10])
MOVES = st.sampled_from(["0", "0", "0.001", "-0.001", "0.015", "-0.015", "0.05", "-0.2", "0.3"])
COINS = st.sampled_from(UNIVERSE.assets)
PERPETUALS = st.sampled_from([symbol for symbol in SYMBOLS if ":" in symbol])
PICKS = st.integers(0, 7)  # which of those that there are


class Machine(Life, RuleBasedStateMachine):
    """One portfolio, from its first day on."""

    # ---- the beginning --------------------------------------------------------------------------------------------------

    @initialize(
        number=st.integers(0, 3), level=st.sampled_from(["auto", "auto", "approve"]), two=st.booleans(),
        steps=st.sampled_from([0, 3, 12, 30]), style=st.sampled_from(["taker", "taker", "maker"]), separate=st.booleans(),
    )  # fmt: skip
    def begins(
        self, number: int = 0, level: str = "auto", two: bool = False, steps: int = 0, style: str = "taker", separate: bool = False,
    ) -> None:  # fmt: skip
        self.start(number, level, two=two, style=style, separate=separate)
        self.closes(4)
        self.goes_on(steps)

    # ---- the market -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.t < self.stage.market.open_ns.shape[0] - 4)
    @rule(bars=st.sampled_from([1, 1, 4]))
    def closes(self, bars: int) -> None:
        market = self.stage.market
        for _ in range(bars):
            closed = max(self.now_ns, int(market.open_ns[self.t]) + market.step_ns)
            self.now_ns = closed
            d = int(market.day[self.t])
            if d >= 0:
                self.take(Day(closed, int(market.days_ns[d]), True, {}))
            t = self.t
            self.take(
                Bars(
                    closed, int(market.open_ns[t]), market.open[t], self.stage.bars.high[t], market.close[t],
                    market.fresh[t], market.funding[t],
                )
            )  # fmt: skip
            self.t += 1
            self.opens()

    @rule(
        move=MOVES, gone=st.sampled_from([None, None, None, 0, 3]), worse=st.sampled_from([np.nan, 0.0, -1.0]),
        deep=st.sampled_from([np.inf, np.inf, 30_000.0, 2_000.0]), late=st.sampled_from([0, 0, 0, 5, 90, 90_000]),
    )  # fmt: skip
    def quotes(
        self, move: str = "0", gone: int | None = None, worse: float = 0.0, deep: float = np.inf, late: int = 0
    ) -> None:
        for symbol, price in self.counter.price.items():
            self.counter.price[symbol] = (price * (1 + Decimal(move))).quantize(Decimal("1e-6"))
        prices = np.array([float(self.counter.price.get(symbol, "nan")) for symbol in SYMBOLS])
        if gone is not None:
            prices[gone] = worse
        self.told_ns = self.now_ns
        at_ns = self.now_ns - late * NS_PER_SECOND
        self.take(Quotes(at_ns, prices, np.full(len(SYMBOLS), deep)))

    @rule(seconds=st.sampled_from([1, 2, 5, 20, 40, 700]))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * NS_PER_SECOND

    @rule(seconds=st.sampled_from([1, 4, 50]))
    def bar_is_about_to_close(self, seconds: int) -> None:
        """What is quoted and sent just before a bar's end is answered just behind it."""
        market = self.stage.market
        self.now_ns = max(self.now_ns, int(market.open_ns[self.t]) + market.step_ns - seconds * NS_PER_SECOND)

    @precondition(lambda self: self.engine.wakes_at() > 0)
    @rule(times=st.integers(1, 3))
    def timer(self, times: int) -> None:
        for _ in range(times):
            if wakes := self.engine.wakes_at():
                self.now_ns = max(self.now_ns, wakes)
                self.take(Timer(self.now_ns))

    @rule(steps=st.integers(1, 8))
    def goes_on(self, steps: int) -> None:
        """What happens where nothing goes wrong, a step at a time: without it, stories would hardly leave the first day."""
        counter, engine = self.counter, self.engine
        for _ in range(steps):
            plan, wakes = engine.approval.plan, engine.wakes_at()
            if counter.wire:
                self.order_arrives(0, refuse=False, tenths=10, told=True)
            elif counter.asked:
                self.order_is_looked_up(0, back=0, failed=False)
            elif self._open():
                self.order_trades(0, tenths=10, told=True)
            elif counter.wanted:
                counter.wanted = False
                self.take(counter.picture(self.now_ns))
            elif engine.wants_quotes and self.told_ns != self.now_ns:
                self.quotes()
            elif plan is not None and plan.level == "approve":
                self.plan_is_answered("bob" if "ann" in engine.approval.said else "ann", "approve", "", 0, 1)
            elif 0 < wakes < self.now_ns + 600 * NS_PER_SECOND:
                self.timer(1)
            elif self.t < self.stage.market.open_ns.shape[0] - 4:
                self.closes(4)

    # ---- orders ---------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.counter.wire)
    @rule(
        which=PICKS,
        refuse=st.sampled_from([False, False, False, True]),
        tenths=st.sampled_from([0, 3, 10, 10]),
        told=st.booleans(),
    )
    def order_arrives(self, which: int, refuse: bool, tenths: int, told: bool) -> None:
        found = self.counter.arrive(self.pick(self.counter.wire, which), self.now_ns, refuse=refuse)
        if found is not None and found.word == "open" and tenths:
            self.counter.trade(found, tenths, self.now_ns)
        if found is not None and told:
            self.take(self.counter.report(found, 0, "answer", self.now_ns))

    @precondition(lambda self: self.counter.wire)
    @rule(which=PICKS, move=MOVES, ends=st.sampled_from(["filled", "open", "cancelled", "halted"]))
    def order_trades_in_parts(self, which: int, move: str, ends: str) -> None:
        """Each at a price of its own; its end may tell of a part that nobody had told of before, and come when all is halted."""
        counter = self.counter
        found = counter.arrive(self.pick(counter.wire, which), self.now_ns, refuse=False)
        if found is None or found.word != "open":
            return
        for tenths in (3, 5 if ends in ("open", "cancelled") else 10):
            counter.trade(found, tenths, self.now_ns)
            if tenths == 3:
                self.take(counter.report(found, 0, "stream", self.now_ns))
                counter.price[found.order.instrument] *= 1 + Decimal(move)
                if ends == "halted":
                    self.command("halt")
        if ends == "cancelled":
            counter.end(found, self.now_ns)
        self.take(counter.report(found, 0, "stream", self.now_ns))

    def _open(self) -> list[Resting]:
        return [found for found in self.counter.orders.values() if found.word == "open"]

    @precondition(lambda self: self._open())
    @rule(which=PICKS, tenths=TENTHS, told=st.booleans())
    def order_trades(self, which: int, tenths: int, told: bool) -> None:
        found = self.pick(self._open(), which)
        self.counter.trade(found, tenths, self.now_ns)
        if told:
            self.take(self.counter.report(found, 0, "stream", self.now_ns))

    @precondition(lambda self: self.counter.orders)
    @rule(which=st.integers(0, 40), past=st.sampled_from([0, 0, 1, 2]), times=st.integers(1, 2))
    def report_comes(self, which: int, past: int, times: int) -> None:
        """Late, doubled, or behind a later one."""
        found = self.pick(list(self.counter.orders.values())[-12:], which)
        for _ in range(times):
            self.take(self.counter.report(found, past, "stream", self.now_ns))

    @precondition(lambda self: self.told.orders)
    @rule(which=PICKS, late=st.sampled_from([False, False, True]))
    def request_times_out(self, which: int, late: bool = True) -> None:
        """Mostly of an order of which nothing is known; the answer to a cancel may fail to come, too."""
        alive = [name for name, one in self.told.orders.items() if not one.end]
        name = self.pick(alive if alive and not late else list(self.told.orders)[-8:], which)
        self.take(Report(self.now_ns, name, "unanswered", "answer", text="timed out"))

    @precondition(lambda self: self.counter.wire)
    @rule(which=PICKS)
    def request_is_lost(self, which: int) -> None:
        self.counter.wire.remove(self.pick(self.counter.wire, which))

    @precondition(lambda self: self.counter.asked)
    @rule(which=PICKS, back=st.sampled_from([0, 0, 1, LAG, 3 * LAG]), failed=st.sampled_from([False, False, True]))
    def order_is_looked_up(self, which: int, back: int, failed: bool) -> None:
        order = self.pick(self.counter.asked, which)
        self.counter.asked.remove(order)
        answer = self.counter.looked(order, back * NS_PER_SECOND, self.now_ns)
        self.take(Report(self.now_ns, order.id, "unreadable", "lookup") if failed else answer)

    @precondition(lambda self: self.counter.cancels)
    @rule(which=PICKS, lost=st.sampled_from([False, False, True]), tenths=st.sampled_from([0, 3]), told=st.booleans())
    def cancel_arrives(self, which: int, lost: bool, tenths: int = 0, told: bool = False) -> None:
        """Perhaps a part fills before it does."""
        name = self.pick(self.counter.cancels, which)
        self.counter.cancels.remove(name)
        found = self.counter.orders.get(name)
        if lost or found is None:
            return
        if tenths and found.word == "open":
            self.counter.trade(found, tenths, self.now_ns)
        self.counter.end(found, self.now_ns)
        if told:
            self.take(self.counter.report(found, 0, "stream", self.now_ns))

    @precondition(lambda self: any(not one.end for one in self.told.orders.values()))
    @rule(
        which=PICKS,
        kind=st.sampled_from(["ended with less", "without a price", "filled with less", "refused and filled"]),
    )
    def venue_contradicts_itself(self, which: int, kind: str) -> None:
        """It is not believed: nothing is traded on it, the order stays alive, and only exposure is lowered from then on."""
        known = self.pick([one for one in self.told.orders.values() if not one.end], which)
        whole, half = abs(known.order.amount), abs(known.order.amount) / 2
        price = None if kind == "without a price" else (known.cost / known.filled if known.filled else Decimal(1))
        word, filled = {
            "ended with less": ("cancelled", known.filled / 2), "without a price": ("open", whole),
            "filled with less": ("filled", min(known.filled, half)), "refused and filled": ("refused", known.filled),
        }[kind]  # fmt: skip
        if kind != "without a price" and not known.filled and kind != "filled with less":
            return
        before = self.engine.state
        self.take(Report(self.now_ns, known.order.id, word, "stream", filled, price, ZERO, "USDT"))  # type: ignore[arg-type]
        self.lied = True
        assert known.order.id in self.engine.orders.alive
        after = State.HALTED if before is State.HALTED else State.REDUCE_ONLY
        assert self.told.state is after, f"{before} before, {self.told.state} now"

    # ---- people ---------------------------------------------------------------------------------------------------------

    def command(self, verb: Any, times: int = 1, **rest: Any) -> None:
        self.commands, self.now_ns = self.commands + 1, self.now_ns + 1
        for _ in range(times):
            self.take(Command(self.now_ns, f"c{self.commands}", rest.pop("who", "ann"), verb, **rest))

    @precondition(lambda self: self.engine.approval.plan is not None)
    @rule(
        who=st.sampled_from(["ann", "bob"]), verb=st.sampled_from(["approve", "approve", "approve", "reject", "snooze"]),
        name=st.sampled_from(["", "", "", "p0-000000000000", "p"]), seconds=st.sampled_from([0, 60, 40_000]), times=st.integers(1, 2),
    )  # fmt: skip
    def plan_is_answered(self, who: str, verb: str, name: str, seconds: int, times: int) -> None:
        assert self.engine.approval.plan is not None
        plan = name or self.engine.approval.plan.id
        self.command(verb, times, who=who, plan=plan, seconds=seconds)

    @rule(verb=st.sampled_from(["pause", "resume", "resume", "halt", "halt", "reduce_only"]), times=st.integers(1, 2))
    def state_is_set(self, verb: str, times: int) -> None:
        self.command(verb, times)

    @rule(what=st.sampled_from(["futures", "all", "everything"]))
    def flattens(self, what: str) -> None:
        self.command("flatten", options={"what": what})

    @rule(
        how=st.sampled_from(["adopt", "adopt", "ignore", "forget"]),
        verb=st.sampled_from(["settle", "settle", "reconcile"]),
    )
    def settles(self, how: str, verb: str) -> None:
        self.command(verb, options={"how": how})

    # ---- facts ----------------------------------------------------------------------------------------------------------

    @rule(
        currency=st.sampled_from(["USDT", "USDT", "BTC"]),
        amount=st.sampled_from(["0.5", "2000", "-3000"]),
        times=st.integers(1, 2),
    )
    def deposit(self, currency: str, amount: str, times: int) -> None:
        units = abs(Decimal(amount)) / (1 if currency == "USDT" else 1000)
        flow = self.counter.flow(currency, Decimal(amount) if currency == "USDT" else units, self.now_ns)
        for _ in range(times):
            self.take(flow)

    @rule(symbol=PERPETUALS, rate=st.sampled_from(["0.0001", "-0.003"]), times=st.integers(1, 2))
    def funding(self, symbol: str, rate: str, times: int) -> None:
        paid = self.counter.funding(symbol, Decimal(rate), self.now_ns)
        for _ in range(times if paid else 0):
            self.take(paid)

    @precondition(lambda self: self.told.account.size == self.counter.account.size)
    @rule(symbol=PERPETUALS, tenths=TENTHS, times=st.integers(1, 2))
    def deleveraged(self, symbol: str, tenths: int, times: int) -> None:
        said = self.counter.deleverage(symbol, tenths, self.now_ns)
        for event in said:
            for _ in range(times):
                self.take(event)

    @rule(symbol=st.sampled_from(SYMBOLS), tenths=st.sampled_from([1, 5, -3]))
    def owner_trades_by_hand(self, symbol: str, tenths: int) -> None:
        self.meddled = True
        self.counter.by_hand(symbol, tenths)

    @rule(times=st.integers(1, 2), whole=st.sampled_from([True, True, True, False]))
    def snapshot(self, times: int, whole: bool) -> None:
        for _ in range(times):
            picture = self.counter.picture(self.now_ns)
            if not whole:
                picture = type(picture)(self.now_ns, self.now_ns, {}, {}, {}, (), whole=False)
            ready = self.engine.account.ready
            self.take(picture)
            if not whole or self.engine.orders.alive:
                assert self.engine.account.ready == ready, "nothing is concluded while it is not whole, or still moves"
            elif self.same_account() and not self.engine.account.ignored:
                assert self.engine.account.ready, f"book and venue are the same: {self.engine.account.differences}"
            elif self.engine.account.ready:
                assert self.engine.account.ignored or self.same_account(1.0), "book and venue differ, and it goes on"

    @precondition(lambda self: not self.lied)
    @rule()
    def all_heals(self) -> None:
        """Everything arrives and is told: no order stays in doubt, and what the venue says is what the book says, once adopted."""
        counter = self.counter
        for _ in range(40):
            while counter.wire:
                self.order_arrives(0, refuse=False, tenths=10, told=True)
            for found in list(counter.orders.values()):
                if found.order.id in self.engine.orders.alive:
                    counter.trade(found, 10, self.now_ns)
                    self.take(counter.report(found, 0, "stream", self.now_ns))
            while counter.asked:
                self.order_is_looked_up(0, back=0, failed=False)
            for name in counter.cancels:
                if name in counter.orders:
                    counter.end(counter.orders[name], self.now_ns)
            counter.cancels.clear()
            if not self.engine.orders.alive and not counter.wire:
                break
            self.timer(1)
        assert not self.engine.orders.alive, f"{list(self.engine.orders.alive)} are not at their end"
        adopted = 0
        for _ in range(8):
            self.take(counter.picture(self.now_ns))
            if self.engine.account.differences:
                adopted += 1
                self.command("settle", options={"how": "adopt"})
        assert adopted <= 1 or "adopted" in OPEN, f"what differed was adopted {adopted} times"
        assert self.engine.account.ready, f"it does not come to rest: {self.engine.account.differences}"
        assert self.engine.account.ignored or self.same_account(1.0), "what was adopted is not what the venue has"

    # ---- processes ------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0, 5, 600]), killed=st.booleans(), whole=st.booleans())
    def restarts(self, seconds: int, killed: bool, whole: bool) -> None:
        """A new process takes up what is durable. What a killed one had not committed is lost, and its requests go on. It begins
        at the last checkpoint, or at the first row: it is the same.
        """
        self.again(seconds, killed=killed, whole=whole)

    def teardown(self) -> None:
        if not hasattr(self, "pump") or sys.exc_info()[0] is not None:
            return
        self.pump.commit()
        self.prints[len(self.disk.rows)] = self.engine.fold.fingerprint()
        self.replayed(self.process().engine)
        self.same_ledger()

    # ---- what always holds ------------------------------------------------------------------------------------------------

    @invariant()
    def is_sound(self) -> None:
        self.same_book()
        self.same_orders()
        self.sound_account()
        assert self.engine.state is self.told.state
