"""The account of a simulated venue: balances, positions and what the venue does to them, by the kernel's own functions.

Amounts come and go exact; within lie the blocks of ``kernel.turn``, so what an order costs here is what the plan said.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from hedgerow import jit
from hedgerow.kernel import arrays as k
from hedgerow.kernel import step as tick
from hedgerow.kernel import turn as deed
from hedgerow.kernel.arrays import Book, Rules
from hedgerow.kernel.fill import half_spread_of, largest_within, turnover_of
from hedgerow.kernel.margin import collateral_due
from hedgerow.kernel.step import Desk, desk
from hedgerow.kernel.turn import turn
from hedgerow.model.account import Snapshot, Standing
from hedgerow.model.event import Fill, FillKind, Funding, Transfer
from hedgerow.model.instrument import SPOT_ACCOUNT, Kind, Universe, margin_account
from hedgerow.model.plan import Reason

LOG: Final = 2_000
ZERO: Final = Decimal(0)
_KINDS: Final[dict[Reason, FillKind]] = {
    Reason.LIQUIDATED: "liquidation", Reason.SETTLED: "settlement", Reason.DELEVERAGED: "deleveraged",
    Reason.REPAID: "dust",
}  # fmt: skip
_MODES: Final = {k.ISOLATED: "isolated", k.CROSS: "cross", k.UNIFIED: "unified"}


def exact(value: float) -> Decimal:
    """The shortest decimal that reads back as ``value``."""
    return Decimal(repr(float(value)))


class Cost(NamedTuple):
    """What a trade costs: its mean price, its fee, and the index of the asset that pays it (-1: quote)."""

    price: float
    fee: float
    paid_in: float


class Account:
    """One account. ``rules`` hold its fees, tiers and margin mode, ``book`` what it begins with."""

    def __init__(self, rules: Rules, book: Book, universe: Universe, measures: int) -> None:
        self.universe = universe
        self.desk: Desk = desk(rules, book, measures, LOG)
        self.mode = _MODES[float(rules.scalar[k.K_MODE])]
        self.tick = self.desk.tick
        self.beside: dict[str, Standing] = {}  # longs that somebody opened, where they stand beside the shorts
        self._since_ns, self._facts = 0, 0  # the bar that is played, and how many facts it had

    def turn(self, what: int) -> None:
        """Do a deed of ``kernel.turn`` on the account."""
        turn(*self.desk.blocks, what)

    def begin_bar(self, opened_ns: int) -> None:
        """A bar begins: its facts are named after it."""
        self._since_ns, self._facts = opened_ns, 0

    # ---- orders -----------------------------------------------------------------------------------------------------------

    def price(self, i: int) -> float:
        """The present price of instrument ``i``."""
        return float(self.tick.mark[i])

    def cost(self, i: int, units: float, price: float = 0.0) -> Cost:
        """What a trade of ``units`` coins costs: at ``price``, or (0) at what the book asks for so many."""
        scratch = self.tick.deed
        self.tick.bar[tick.INST] = i
        scratch[tick.UNITS], scratch[tick.PRICE] = units, price
        self.turn(deed.QUOTE)
        return Cost(*(float(scratch[at]) for at in (tick.PRICE, tick.CHARGE, tick.PAID_IN)))

    def trade(self, i: int, units: float, cost: Cost) -> None:
        """Enter a trade."""
        scratch = self.tick.deed
        self.tick.bar[tick.INST] = i
        scratch[tick.UNITS] = units
        scratch[tick.PRICE], scratch[tick.CHARGE], scratch[tick.PAID_IN] = cost
        self.turn(deed.TAKES)

    def move(self, i: int, amount: Decimal) -> None:
        """Move collateral to contract ``i``; below 0: from it."""
        self.tick.bar[tick.INST], self.tick.bar[tick.LEG_AT] = i, -1
        self.tick.deed[tick.UNITS] = float(amount)
        self.turn(deed.MOVED)

    def currency(self, cost: Cost) -> str:
        """What the fee of a trade is paid in."""
        return self.universe.quote if cost.paid_in < 0.0 else self.universe.assets[int(cost.paid_in)]

    # ---- what it can do -----------------------------------------------------------------------------------------------------

    def held(self, i: int) -> float:
        """Coins of spot market ``i``, or the position of contract ``i``."""
        book = self.desk.book
        return float(book.asset[k.B_HELD, i] if i < len(self.universe.assets) else book.inst[k.P_UNITS, i])

    def cash(self) -> float:
        """Quote in the spot wallet."""
        return float(self.desk.book.wallet[k.W_CASH, 0])

    def collateral(self, i: int) -> float:
        """What lies at contract ``i`` and could be taken back, settle currency (an account that is shared: all of it)."""
        book = self.desk.book
        return float(book.wallet[k.W_MARGIN, 0] if self.mode == "cross" else book.inst[k.P_COLLATERAL, i])

    def lacks(self, i: int, units: float) -> float:
        """Collateral that contract ``i`` lacks to have ``units`` coins more of it sold, settle currency; 0 or less: none."""
        book, rules = self.desk.book, self.desk.rules
        if self.mode != "isolated":
            return -1.0  # what an account shares is judged by its margin
        inverse = self.universe.instruments[i].inverse
        a = self.universe.assets.index(self.universe.instruments[i].asset)
        due = jit.plain(collateral_due)(rules.scalar, rules.inst, book.inst, i, self.price(i), self.price(a))
        return float(due + abs(units) * (1.0 if inverse else self.price(i)) / rules.scalar[k.K_LEVERAGE])

    def half_spread(self, i: int) -> float:
        """A fraction."""
        return float(jit.plain(half_spread_of)(self.desk.rules.inst, self.desk.work.measure, i))

    def turnover(self, i: int) -> float:
        """Of a day, quote; nan: unknown."""
        return float(jit.plain(turnover_of)(self.desk.rules.inst, self.desk.work.measure, i))

    def bears(self, i: int, away: float) -> float:
        """What the book takes until its mean price is ``away`` (a fraction) from the present one, quote; inf: all."""
        rules = self.desk.rules
        return float(jit.plain(largest_within)(rules.scalar, rules.inst, self.desk.work.measure, i, away))

    # ---- what it says -------------------------------------------------------------------------------------------------------

    def picture(self, now_ns: int, orders: tuple[str, ...]) -> Snapshot:
        """All that it holds, and the orders that rest."""
        book, universe = self.desk.book, self.universe
        balances = {name: exact(book.asset[k.B_HELD, a]) for a, name in enumerate(universe.assets)}
        positions = {f"{symbol} long": standing for symbol, standing in self.beside.items()}
        for i in range(len(universe.assets), len(universe.instruments)):
            units, backed = float(book.inst[k.P_UNITS, i]), float(book.inst[k.P_COLLATERAL, i])
            if units == 0.0 and backed == 0.0:
                continue
            entry = float(book.inst[k.P_ENTRY, i]) if units != 0.0 else 0.0
            size = units * entry if universe.instruments[i].inverse else units
            positions[universe.instruments[i].symbol] = Standing(exact(size), exact(entry), exact(backed))
        balances[universe.quote] = exact(book.wallet[k.W_CASH, 0])
        margin = {universe.quote: exact(book.wallet[k.W_MARGIN, 0])}
        return Snapshot(now_ns, now_ns, balances, margin, positions, orders)

    def deeds(self, now_ns: int) -> list[Any]:
        """What the venue did to the account since it was asked last, as it tells it."""
        rows = int(self.tick.used[0])
        self.tick.used[0] = 0
        return [event for row in self.tick.log[:rows].tolist() for event in self._told(row, now_ns)] if rows else []

    def _told(self, row: list[float], now_ns: int) -> Iterator[Any]:
        instrument = self.universe.instruments[int(row[k.L_INST])]
        account = margin_account(instrument, self.mode) if instrument.kind is not Kind.SPOT else SPOT_ACCOUNT
        self._facts += 1
        name = f"{self._since_ns}-{self._facts}"  # the same whenever the tape is played
        if row[k.L_KIND] == k.LEG_FUNDING:
            known = row[k.L_DONE] == row[k.L_DONE]
            yield Funding(
                now_ns, name, account, instrument.symbol, exact(row[k.L_DONE]) if known else None,
                exact(row[k.L_MEASURED]) if known else None, exact(row[k.L_FILL]),
            )  # fmt: skip
            return
        cost = Cost(row[k.L_FILL], row[k.L_CHARGE], row[k.L_PAID_IN])
        yield Fill(
            now_ns, name, account, instrument.symbol, exact(row[k.L_DONE]), exact(cost.price), exact(cost.fee),
            self.currency(cost), kind=_KINDS[Reason(int(row[k.L_REASON]))], index=exact(row[k.L_SPOT]),
        )  # fmt: skip
        if row[k.L_MOVED] != 0.0 and np.isfinite(row[k.L_MOVED]):
            ends = (SPOT_ACCOUNT, account) if row[k.L_MOVED] > 0.0 else (account, SPOT_ACCOUNT)
            yield Transfer(now_ns, f"{name}-collateral", *ends, instrument.settle, exact(abs(row[k.L_MOVED])))
