"""An exchange that does nothing by itself: what arrives, what trades and what is told of it is each a call of the test's.

The account never lies. What is told is any state that an order was in, so that it may be late, doubled or out of order, but true.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from hedgerow.model.account import Snapshot, Standing
from hedgerow.model.event import Fill, Flow, Funding, Transfer
from hedgerow.model.order import Order, Report
from tests.simulation.exchange import CENT, SPOT_FEE, WIDE, Account, Resting

ZERO = Decimal(0)


class Counter:
    """One account, its orders, and the requests that wait at it."""

    def __init__(self, cash: Decimal, lag_ns: int) -> None:
        self.account, self.lag_ns = Account(cash), lag_ns
        self.price: dict[str, Decimal] = {}
        self.wire: list[Order] = []  # sent, and not arrived
        self.asked: list[Order] = []  # look-ups without an answer
        self.cancels: list[str] = []
        self.orders: dict[str, Resting] = {}
        self.sent: set[str] = set()
        self.wanted = False  # a snapshot
        self.facts = 0

    # ---- the venue's side of the wire -----------------------------------------------------------------------------------

    async def place(self, order: Order) -> None:
        assert order.id not in self.sent, f"{order.id} goes over the wire twice"
        self.sent.add(order.id)
        self.wire.append(order)

    async def cancel(self, order: str) -> None:
        self.cancels.append(order)

    async def look(self, order: Order) -> None:
        self.asked.append(order)

    async def snapshot(self) -> None:
        self.wanted = True

    async def next(self, until_ns: int, quotes: bool) -> Any:
        raise AssertionError("the machine says what happens")

    # ---- what becomes of orders -----------------------------------------------------------------------------------------

    def arrive(self, order: Order, now_ns: int, *, refuse: bool) -> Resting | None:
        """An order reaches the venue, which takes it unless it is too late."""
        self.wire.remove(order)
        if now_ns > order.deadline_ns:
            return None
        found = self.orders[order.id] = Resting(order, now_ns)
        if refuse or not self._may(order, order.amount):
            found.word = "refused"
        found.note(now_ns)
        return found

    def _may(self, order: Order, amount: Decimal) -> bool:
        """Whether the account has what the order needs; collateral must be there, a cover its position."""
        account, price = self.account, self.price.get(order.instrument, ZERO)
        if order.kind == "margin":
            there = account.cash if amount > ZERO else account.collateral.get(order.instrument, ZERO)
            return abs(amount) <= there + CENT
        if not price > ZERO:
            return False
        if order.kind == "futures":
            return amount < ZERO or amount <= -account.size.get(order.instrument, ZERO)
        if amount < ZERO:
            return -amount <= account.coins.get(order.instrument.split("/")[0], ZERO)
        return amount * price * (1 + SPOT_FEE) <= account.cash

    def trade(self, found: Resting, tenths: int, now_ns: int) -> None:
        """So many tenths of what is left of an open order trade; collateral moves as a whole."""
        order, price = found.order, self.price.get(found.order.instrument, ZERO)
        rest = abs(order.amount) - found.filled
        amount = rest if tenths >= 10 or order.kind == "margin" else (rest * tenths / 10).quantize(CENT)
        signed = amount.copy_sign(order.amount)
        if amount <= ZERO or not self._may(order, signed):
            return
        with localcontext(WIDE):
            if order.kind == "margin":
                self.account.cash -= signed
                held = self.account.collateral.get(order.instrument, ZERO)
                self.account.collateral[order.instrument] = held + signed
                price = Decimal(1)
            else:
                found.fee += self.account.trade(order.instrument, signed, price)
            found.filled += amount
            found.cost += amount * price
        if found.filled == abs(order.amount):
            found.word = "filled"
        found.note(now_ns)

    def end(self, found: Resting, now_ns: int) -> None:
        """A cancel arrives."""
        if found.word == "open":
            found.word = "cancelled"
            found.note(now_ns)

    # ---- what is told ---------------------------------------------------------------------------------------------------

    def report(self, found: Resting, past: int, source: Any, now_ns: int) -> Report:
        """What an order was, so many states ago."""
        _, word, filled, cost, fee = found.past[max(0, len(found.past) - 1 - past)]
        with localcontext(WIDE):
            price = cost / filled if filled else None
        return Report(now_ns, found.order.id, word, source, filled, price, fee, "USDT", now_ns)  # type: ignore[arg-type]

    def looked(self, order: Order, back_ns: int, now_ns: int) -> Report:
        """What a look-up finds whose reading is so old, at most the lag."""
        found = self.orders.get(order.id)
        known = [state for state in found.past if state[0] <= now_ns - min(back_ns, self.lag_ns)] if found else []
        if found is None or not known:
            return Report(now_ns, order.id, "not_found", "lookup", read_ns=now_ns)
        return self.report(found, len(found.past) - len(known), "lookup", now_ns)

    def picture(self, now_ns: int) -> Snapshot:
        """The account as it is."""
        account = self.account
        positions = {
            symbol: Standing(account.size.get(symbol, ZERO), account.entry.get(symbol, ZERO), backed)
            for symbol, backed in account.collateral.items() if backed or account.size.get(symbol)
        }  # fmt: skip
        return Snapshot(now_ns, now_ns, {**account.coins, "USDT": account.cash}, {}, positions, ())

    # ---- what else happens to the account -------------------------------------------------------------------------------

    def _name(self) -> str:
        self.facts += 1
        return f"fact{self.facts}"

    def flow(self, currency: str, amount: Decimal, now_ns: int) -> Flow:
        """A deposit, or a withdrawal of quote."""
        account, price = self.account, self.price.get(f"{currency}/USDT")
        if currency == "USDT":
            amount, price = max(amount, -account.cash / 2).quantize(CENT), None
            account.cash += amount
        else:
            account.coins[currency] = account.coins.get(currency, ZERO) + amount
        return Flow(now_ns, self._name(), "spot", currency, amount, price)

    def funding(self, symbol: str, rate: Decimal, now_ns: int) -> Funding | None:
        """A payment on the short of a contract."""
        size, price = self.account.size.get(symbol, ZERO), self.price.get(symbol, ZERO)
        if not size or not price > ZERO:
            return None
        amount = (-size * price * rate).quantize(CENT)
        self.account.collateral[symbol] += amount
        return Funding(now_ns, self._name(), f"margin {symbol}", symbol, amount, rate, price)

    def deleverage(self, symbol: str, tenths: int, now_ns: int) -> list[Any]:
        """The venue ends a part of a short; with the whole of it, what backed it comes back."""
        account, size, price = self.account, self.account.size.get(symbol, ZERO), self.price.get(symbol, ZERO)
        units = size if tenths >= 10 else (size * tenths / 10).quantize(CENT)
        if not units or not price > ZERO:
            return []
        name, account_name = self._name(), f"margin {symbol}"
        with localcontext(WIDE):
            account.collateral[symbol] += units * (price - account.entry[symbol])
            account.size[symbol] -= units
        said: list[Any] = [
            Fill(now_ns, name, account_name, symbol, -units, price, ZERO, "USDT", kind="deleveraged", index=price)
        ]
        left = account.collateral[symbol]
        if not account.size[symbol] and left > ZERO:
            account.collateral[symbol] = ZERO
            account.cash += left
            said.append(Transfer(now_ns, f"{name}-collateral", account_name, "spot", "USDT", left))
        return said

    def by_hand(self, symbol: str, tenths: int) -> None:
        """The owner sells coins, or covers a short (tenths below 0: adds to it), beside the engine: the next snapshot tells it."""
        account, price = self.account, self.price.get(symbol, ZERO)
        there = account.coins.get(symbol.split("/")[0], ZERO) if ":" not in symbol else account.size.get(symbol, ZERO)
        amount = -(there * tenths / 10).quantize(CENT)
        if amount and price > ZERO and (":" in symbol or tenths > 0):
            account.trade(symbol, amount, price)
