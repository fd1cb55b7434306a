"""An exchange of the tests' own: one account in exact decimals that never lies, and a wire that loses, delays, doubles and lags.

It shares no arithmetic with the product. What is true is in ``account``; what the engine hears goes through the wire. Times are
nanoseconds of one virtual clock; everything that happens comes off one heap, so a seed says it all.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from random import Random
from typing import Any

from hedgerow.model.account import Snapshot, Standing
from hedgerow.model.command import Timer
from hedgerow.model.event import Fill, Funding, Transfer
from hedgerow.model.order import Order, Report
from hedgerow.units import NS_PER_SECOND

ZERO = Decimal(0)
WIDE = Context(prec=60)
CENT = Decimal("1e-8")
SPOT_FEE, FUTURES_FEE = Decimal("0.001"), Decimal("0.0005")


@dataclass
class Faults:
    """How often what goes wrong, as probabilities; all 0: a wire that answers at once."""

    lost_request: float = 0.0
    lost_answer: float = 0.0
    late_request: float = 0.0  # it arrives seconds later, perhaps after its deadline
    refused: float = 0.0
    partial: float = 0.0
    doubled: float = 0.0
    reordered: float = 0.0
    stale: float = 0.0  # a look-up shows what was, up to the lag ago
    failed_read: float = 0.0
    lost_cancel: float = 0.0
    no_price: float = 0.0
    skew: float = 0.0  # a time in an answer is off by seconds

    def off(self) -> None:
        """Heal everything."""
        for name in self.__dataclass_fields__:
            setattr(self, name, 0.0)


@dataclass
class Resting:
    """An order as the venue has it, and every state that it was in."""

    order: Order
    accepted_ns: int
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    word: str = "open"
    past: list[tuple[int, str, Decimal, Decimal, Decimal]] = field(default_factory=list)

    def note(self, now_ns: int) -> None:
        self.past.append((now_ns, self.word, self.filled, self.cost, self.fee))

    def at(self, ns: int) -> tuple[str, Decimal, Decimal, Decimal] | None:
        """What it was at a moment; None: not there yet."""
        known = [state for state in self.past if state[0] <= ns]
        return known[-1][1:] if known else None


@dataclass
class Account:
    """Spot coins and quote, and shorts with collateral of their own: linear contracts, exact."""

    cash: Decimal
    coins: dict[str, Decimal] = field(default_factory=dict)
    size: dict[str, Decimal] = field(default_factory=dict)
    entry: dict[str, Decimal] = field(default_factory=dict)
    collateral: dict[str, Decimal] = field(default_factory=dict)

    def trade(self, symbol: str, amount: Decimal, price: Decimal) -> Decimal:
        """Enter a trade; returns its fee, quote."""
        with localcontext(WIDE):
            return self._trade(symbol, amount, price)

    def _trade(self, symbol: str, amount: Decimal, price: Decimal) -> Decimal:
        if ":" not in symbol:
            fee = abs(amount) * price * SPOT_FEE
            asset = symbol.split("/")[0]
            self.coins[asset] = self.coins.get(asset, ZERO) + amount
            self.cash -= amount * price + fee
            return fee
        fee = abs(amount) * price * FUTURES_FEE
        held, entry = self.size.get(symbol, ZERO), self.entry.get(symbol, ZERO)
        backed = self.collateral.get(symbol, ZERO) - fee
        if amount < ZERO:
            self.entry[symbol] = (held * entry + amount * price) / (held + amount)
        else:
            backed += amount * (entry - price)
        self.size[symbol], self.collateral[symbol] = held + amount, backed
        return fee


class Exchange:
    """``ports.Venue`` for one seed. ``step`` is what a moment of the market does, given by the run."""

    def __init__(self, random: Random, faults: Faults, cash: Decimal, lag_s: int, begin_ns: int) -> None:
        self.random, self.faults, self.lag_ns = random, faults, lag_s * NS_PER_SECOND
        self.account = Account(cash)
        self.now_ns = begin_ns
        self.price: dict[str, Decimal] = {}
        self.orders: dict[str, Resting] = {}
        self.sends: Counter[str] = Counter()
        self.listens = True  # False: the engine's process is down; what is said then is lost
        self.quotes_wanted = False
        self.on_place: Callable[[Order], None] = lambda order: None
        self._heap: list[tuple[int, int, Callable[[], Any]]] = []
        self._count = 0
        self._facts = self._told_ns = 0

    # ---- the clock ----------------------------------------------------------------------------------------------------

    def at(self, due_ns: int, what: Callable[[], Any]) -> None:
        """Let something happen at a time; what it returns is said to the engine."""
        self._count += 1
        heapq.heappush(self._heap, (due_ns, self._count, what))

    def idle(self) -> bool:
        """Whether nothing is to happen any more."""
        return not self._heap

    async def next(self, until_ns: int, quotes: bool) -> Any:
        self.quotes_wanted = quotes
        while self._heap:
            due = self._heap[0][0]
            if 0 < until_ns < due:
                self.now_ns = max(self.now_ns, until_ns)
                return Timer(self.now_ns)
            _, _, what = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, due)
            event = what()
            if event is not None and self.listens:
                return event
        if until_ns > 0:
            self.now_ns = max(self.now_ns, until_ns)
            return Timer(self.now_ns)
        return None

    def pass_time(self, ns: int) -> None:
        """Let time pass while nobody listens."""
        end = self.now_ns + ns
        while self._heap and self._heap[0][0] <= end:
            due, _, what = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, due)
            what()
        self.now_ns = end

    # ---- requests -----------------------------------------------------------------------------------------------------

    async def place(self, order: Order) -> None:
        self.sends[order.id] += 1
        self.on_place(order)
        random, faults = self.random, self.faults
        delay = random.randint(1, 400) * 1_000_000
        if random.random() < faults.late_request:
            delay = random.randint(1, 12) * NS_PER_SECOND
        if random.random() >= faults.lost_request:
            self.at(self.now_ns + delay, lambda: self._arrive(order))
        if random.random() < faults.lost_answer or delay > NS_PER_SECOND:
            wait = random.randint(1, 10) * NS_PER_SECOND
            self.at(
                self.now_ns + wait, lambda: Report(self._time(), order.id, "unanswered", "answer", text="timed out")
            )

    def _arrive(self, order: Order) -> None:
        if order.id in self.orders or self.now_ns > order.deadline_ns:
            return
        found = Resting(order, self.now_ns)
        self.orders[order.id] = found
        why = self._refusal(order)
        if why:
            found.word = "refused"
        elif order.kind == "margin":
            self._move(found)
        elif self.random.random() < self.faults.partial:
            self._fill(found, self._part(order))
            for _ in range(self.random.randint(0, 2)):
                self.at(self.now_ns + self.random.randint(1, 40) * NS_PER_SECOND, lambda: self._go_on(found))
        else:
            self._fill(found, abs(order.amount))
        found.note(self.now_ns)
        self._tell(found)

    def _part(self, order: Order) -> Decimal:
        return (abs(order.amount) * Decimal(self.random.randint(1, 9)) / 10).quantize(CENT)

    def _refusal(self, order: Order) -> str:
        account, price = self.account, self.price.get(order.instrument, ZERO)
        if self.random.random() < self.faults.refused:
            return "no"
        if order.kind == "margin":
            short = account.cash if order.amount > ZERO else account.collateral.get(order.instrument, ZERO)
            return "funds" if abs(order.amount) > short + CENT else ""
        if not price > ZERO:
            return "no price"
        if order.kind == "spot":
            asset = order.instrument.split("/")[0]
            if order.amount < ZERO and -order.amount > account.coins.get(asset, ZERO):
                return "funds"
            if order.amount > ZERO and order.amount * price * (1 + SPOT_FEE) > account.cash + CENT:
                return "funds"
        elif order.amount > ZERO and order.amount > -account.size.get(order.instrument, ZERO):
            return "reduce only"
        return ""

    def _fill(self, found: Resting, amount: Decimal) -> None:
        order = found.order
        price = (self.price[order.instrument] * (1 + Decimal(self.random.randint(-20, 20)) / 10_000)).quantize(CENT)
        if amount <= ZERO or found.word != "open":
            return
        signed = amount.copy_sign(order.amount)
        if self._refusal_of_more(order, signed, price):
            found.word = "cancelled"
            return
        with localcontext(WIDE):
            found.fee += self.account.trade(order.instrument, signed, price)
            found.filled += amount
            found.cost += amount * price
        if found.filled == abs(order.amount):
            found.word = "filled"

    def _refusal_of_more(self, order: Order, amount: Decimal, price: Decimal) -> bool:
        """Whether a later part can no longer be had: no cash, no coins, no position."""
        account = self.account
        if order.kind == "spot":
            coins = account.coins.get(order.instrument.split("/")[0], ZERO)
            return -amount > coins if amount < ZERO else amount * price * (1 + SPOT_FEE) > account.cash + CENT
        return amount > ZERO and amount > -account.size.get(order.instrument, ZERO)

    def _go_on(self, found: Resting) -> None:
        if found.word != "open":
            return
        rest = abs(found.order.amount) - found.filled
        self._fill(found, rest if self.random.random() < 0.6 else min(rest, self._part(found.order)))
        found.note(self.now_ns)
        self._tell(found)

    def _move(self, found: Resting) -> None:
        order, account = found.order, self.account
        with localcontext(WIDE):
            account.cash -= order.amount
            account.collateral[order.instrument] = account.collateral.get(order.instrument, ZERO) + order.amount
        found.filled, found.cost, found.word = abs(order.amount), abs(order.amount), "filled"

    def _tell(self, found: Resting) -> None:
        """A report goes out; perhaps later, twice, or never."""
        state = found.past[-1]
        random, faults = self.random, self.faults
        if random.random() < faults.lost_answer:
            return
        times = 2 if random.random() < faults.doubled else 1
        for _ in range(times):
            delay = random.randint(1, 100) * 1_000_000
            if random.random() < faults.reordered:
                delay = random.randint(1, 20) * NS_PER_SECOND
            self.at(self.now_ns + delay, lambda: self._report(found.order, state[1:], "stream"))

    def _report(self, order: Order, state: tuple[str, Decimal, Decimal, Decimal], source: Any) -> Report:
        word, filled, cost, fee = state
        with localcontext(WIDE):
            price = cost / filled if filled > ZERO else None
        return Report(
            self._time(),
            order.id,
            word,
            source,
            filled,
            price,
            fee,
            "USDT",
            self.now_ns,
            text="" if word != "refused" else "no",
        )  # type: ignore[arg-type]

    def _time(self) -> int:
        if self.random.random() < self.faults.skew:
            return self.now_ns - self.random.randint(1, 30) * NS_PER_SECOND
        return self.now_ns

    async def cancel(self, order: str) -> None:
        if self.random.random() < self.faults.lost_cancel:
            return
        self.at(self.now_ns + self.random.randint(1, 900) * 1_000_000, lambda: self._cancel(order))

    def _cancel(self, order: str) -> None:
        found = self.orders.get(order)
        if found is not None and found.word == "open":
            found.word = "cancelled"
            found.note(self.now_ns)
            self._tell(found)

    async def look(self, order: Order) -> None:
        self.at(self.now_ns + self.random.randint(1, 500) * 1_000_000, lambda: self._looked(order))

    def _looked(self, order: Order) -> Report | None:
        random, faults = self.random, self.faults
        if random.random() < faults.failed_read:
            return None if random.random() < 0.5 else Report(self._time(), order.id, "unreadable", "lookup")
        back = random.randint(0, self.lag_ns) if random.random() < faults.stale else 0
        found = self.orders.get(order.id)
        state = found.at(self.now_ns - back) if found is not None else None
        if state is None:
            return Report(self._time(), order.id, "not_found", "lookup", read_ns=self.now_ns)
        return self._report(order, state, "lookup")

    async def snapshot(self) -> None:
        self.at(self.now_ns + self.random.randint(1, 900) * 1_000_000, self._pictured)

    def _pictured(self) -> Snapshot | None:
        account = self.account
        if self.random.random() < self.faults.failed_read:
            return (
                None if self.random.random() < 0.5 else Snapshot(self._time(), self.now_ns, {}, {}, {}, (), whole=False)
            )
        positions = {
            symbol: Standing(size, account.entry[symbol], account.collateral[symbol])
            for symbol, size in account.size.items()
            if size != ZERO
        }
        open_orders = tuple(name for name, found in self.orders.items() if found.word == "open")
        return Snapshot(self._time(), self.now_ns, {**account.coins, "USDT": account.cash}, {}, positions, open_orders)

    # ---- what the venue does by itself ------------------------------------------------------------------------------------

    def say(self, event: Any) -> None:
        """A fact goes out: never lost and in order, but perhaps late and doubled."""
        times = 2 if self.random.random() < self.faults.doubled else 1
        for _ in range(times):
            self._told_ns = max(self._told_ns, self.now_ns + self.random.randint(0, 300) * 1_000_000)
            self.at(self._told_ns, lambda: event)

    def pay_funding(self, symbol: str, rate: Decimal) -> None:
        size = self.account.size.get(symbol, ZERO)
        if size != ZERO and self.price.get(symbol, ZERO) > ZERO:
            amount = (-size * self.price[symbol] * rate).quantize(CENT)
            with localcontext(WIDE):
                self.account.collateral[symbol] += amount
            self._facts += 1
            self.say(
                Funding(self.now_ns, f"f{self._facts}", f"margin {symbol}", symbol, amount, rate, self.price[symbol])
            )

    def end_position(self, symbol: str, share: Decimal, kind: Any) -> None:
        """Liquidation or auto-deleveraging of a share of a short, at the present price."""
        account, price = self.account, self.price.get(symbol, ZERO)
        size = account.size.get(symbol, ZERO)
        units = (size * share).quantize(CENT) if share < 1 else size
        if units == ZERO or not price > ZERO:
            return
        whole = units == size
        with localcontext(WIDE):
            self._end(symbol, units, whole, kind, price)

    def _end(self, symbol: str, units: Decimal, whole: bool, kind: Any, price: Decimal) -> None:
        account = self.account
        realised = units * (price - account.entry[symbol])
        # the venue takes what is left, and pays what lacks
        fee = account.collateral[symbol] + realised if kind == "liquidation" and whole else ZERO
        account.collateral[symbol] += realised - fee
        account.size[symbol] -= units
        self._facts += 1
        name = f"v{self._facts}"
        self.say(
            Fill(self.now_ns, name, f"margin {symbol}", symbol, -units, price, fee, "USDT", kind=kind, index=price)
        )
        left = account.collateral[symbol]
        if whole and kind == "deleveraged" and left > ZERO:
            account.collateral[symbol] = ZERO
            account.cash += left
            self.say(Transfer(self.now_ns, f"{name}-collateral", f"margin {symbol}", "spot", "USDT", left))

    def trade_by_hand(self, symbol: str, amount: Decimal) -> None:
        """The owner trades beside the engine, and nobody tells it but the next snapshot."""
        if self.price.get(symbol, ZERO) > ZERO:
            self.account.trade(symbol, amount, self.price[symbol])
