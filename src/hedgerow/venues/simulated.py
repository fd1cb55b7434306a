"""A venue that is simulated on bars: its account is real to the engine, its market is a tape (decision 0028).

The account does what the compiled run does, by the same functions (``kernel.turn``): funding and expiry at the open,
liquidation at the opens and the highs, auto-deleveraging, settlement of what is delisted. Orders fill at the price that the
tape shows, plus the slippage of their size. What it says is what an exchange would say, in exact amounts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from hedgerow.errors import Mismatch
from hedgerow.kernel import arrays as k
from hedgerow.kernel import step as tick
from hedgerow.kernel import turn as deed
from hedgerow.kernel.arrays import Rules
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.step import Desk, desk
from hedgerow.kernel.turn import turn
from hedgerow.model.account import Snapshot, Standing
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import Timer
from hedgerow.model.event import Fill, FillKind, Funding, Transfer
from hedgerow.model.instrument import SPOT_ACCOUNT, Kind, Universe, margin_account
from hedgerow.model.market import Floats, Market
from hedgerow.model.order import Order, Report
from hedgerow.model.plan import Reason

ZERO: Final = Decimal(0)
LOG: Final = 2_000
_KINDS: Final[dict[Reason, FillKind]] = {
    Reason.LIQUIDATED: "liquidation", Reason.SETTLED: "settlement", Reason.DELEVERAGED: "deleveraged",
    Reason.REPAID: "dust",
}  # fmt: skip
_MODES: Final = {k.ISOLATED: "isolated", k.CROSS: "cross", k.UNIFIED: "unified"}


def exact(value: float) -> Decimal:
    """The shortest decimal that reads back as ``value``."""
    return Decimal(repr(float(value)))


class Tape(NamedTuple):
    """A market to trade on, by bars: panels, the highest marks, the measures of its days (costs of orders depend on them), and
    the days as the engine is fed them.
    """

    market: Market
    marks: Floats  # [T, I] highs that liquidation is judged by
    signals: Floats  # [D, M, A]
    days: list[Day]
    deleveraged: Floats  # [T] share of every short in profit that is closed at the open


class SimulatedVenue:
    """One account on a tape. ``rules`` hold its fees, tiers and margin mode, ``cash`` is what it begins with, quote."""

    def __init__(self, rules: Rules, tape: Tape, cash: Decimal) -> None:
        market = tape.market
        self.universe: Universe = market.universe
        self.desk: Desk = desk(
            rules, new_book(rules, len(self.universe.instruments), float(cash)), tape.signals.shape[1], LOG
        )
        self.mode = _MODES[float(rules.scalar[k.K_MODE])]
        self.index = {it.symbol: i for i, it in enumerate(self.universe.instruments)}
        self.now_ns = int(market.open_ns[0])
        self._tape = tape
        self._tick, self._blocks = self.desk.tick, self.desk.blocks
        self._said: deque[Any] = deque()
        self._moments = self._play()
        self._ahead: Any = None  # the next moment of the tape, where a timer came first
        self._quotes = False
        self._again: Quotes | None = None  # prices of the moment at which the tape was taken up
        self._reports: dict[str, Report] = {}
        self._opened, self._facts = 0, 0  # the bar that is played, and how many facts it had

    # ---- what the engine asks ---------------------------------------------------------------------------------------------

    async def next(self, until_ns: int, quotes: bool) -> Any:
        """What the venue said, else the next moment of the tape, or the timer before it."""
        self._quotes = quotes
        if self._said:
            return self._said.popleft()
        if self._again is not None and quotes:
            again, self._again = self._again, None
            return again
        if self._ahead is None:
            self._ahead = next(self._moments, None)
            if self._said:
                return self._said.popleft()
        moment = self._ahead
        if moment is None or not 0 < until_ns < moment.at_ns:
            self._ahead = None
            return moment
        self.now_ns = max(self.now_ns, until_ns)
        return Timer(until_ns)

    async def place(self, order: Order) -> None:
        """Fill the order at the present price, all of it."""
        if order.kind == "margin":
            self._move(order)
        else:
            self._trade(order)

    async def cancel(self, order: str) -> None:
        """Nothing rests here: an order is filled or refused when it comes."""

    async def look(self, order: Order) -> None:
        """What became of an order."""
        found = self._reports.get(order.id)
        if found is None:
            self._said.append(Report(self.now_ns, order.id, "not_found", "lookup", read_ns=self.now_ns))
        else:
            self._said.append(
                Report(
                    self.now_ns, order.id, found.word, "lookup", found.filled, found.price, found.fee,
                    found.fee_currency, self.now_ns, found.text,
                )
            )  # fmt: skip

    async def snapshot(self) -> None:
        """All that the account holds."""
        book, n_assets = self.desk.book, len(self.universe.assets)
        balances = {name: exact(book.asset[k.B_HELD, a]) for a, name in enumerate(self.universe.assets)}
        positions = {}
        for i in range(n_assets, len(self.universe.instruments)):
            units = book.inst[k.P_UNITS, i]
            if units != 0.0:
                inverse = self.universe.instruments[i].inverse
                size = units * book.inst[k.P_ENTRY, i] if inverse else units
                positions[self.universe.instruments[i].symbol] = Standing(
                    exact(size), exact(book.inst[k.P_ENTRY, i]), exact(book.inst[k.P_COLLATERAL, i])
                )
        quote = self.universe.quote
        balances[quote] = exact(book.wallet[k.W_CASH, 0])
        self._said.append(
            Snapshot(
                self.now_ns, self.now_ns, balances, {quote: exact(book.wallet[k.W_MARGIN, 0])}, positions, orders=()
            )
        )

    def resume(self, records: Iterable[Any]) -> None:
        """Play on to where a journal ends: ``records`` are its quotes, bars and facts, and the orders that were answered, in
        its order.

        What was said then is not said again.
        """
        for record in records:
            if isinstance(record, Order):
                self._trade(record) if record.kind != "margin" else self._move(record)
                self._said.clear()
                continue
            self._quotes = isinstance(record, Quotes)
            moment = next(self._moments, None)
            while moment is not None and not _is_same(moment, record):
                moment = next(self._moments, None)
            if moment is None:
                raise Mismatch(f"the tape has nothing like {record}: it is not the one of the journal")
            self._again = moment if isinstance(moment, Quotes) else None
        self._quotes = False

    # ---- orders -----------------------------------------------------------------------------------------------------------

    def _answer(self, order: Order, report: Report) -> None:
        self._reports[order.id] = report
        self._said.append(report)

    def _trade(self, order: Order) -> None:
        i = self.index[order.instrument]
        scratch = self._tick.deed
        if not self._tick.mark[i] > 0.0:
            self._answer(order, Report(self.now_ns, order.id, "refused", "answer", text="no price"))
            return
        self._tick.bar[tick.INST] = i
        units = float(order.amount)
        scratch[tick.UNITS] = units
        turn(*self._blocks, deed.QUOTE)
        price, fee, paid_in = (float(scratch[at]) for at in (tick.PRICE, tick.CHARGE, tick.PAID_IN))
        exact_price = exact(price)
        if order.limit is not None and (exact_price > order.limit if units > 0.0 else exact_price < order.limit):
            self._answer(order, Report(self.now_ns, order.id, "cancelled", "answer", text="its limit was not met"))
            return
        scratch[tick.UNITS], scratch[tick.PRICE], scratch[tick.CHARGE], scratch[tick.PAID_IN] = (
            units,
            price,
            fee,
            paid_in,
        )
        turn(*self._blocks, deed.TAKES)
        currency = self.universe.quote if paid_in < 0.0 else self.universe.assets[int(paid_in)]
        filled = Report(
            self.now_ns, order.id, "filled", "answer", abs(order.amount), exact_price, exact(fee), currency, self.now_ns
        )
        deeds = self._deeds()
        if deeds:  # coins sold for the debt that the trade left: they are told before the order's end
            self._said.append(replace(filled, word="open"))
            self._said.extend(deeds)
        self._answer(order, filled)

    def _move(self, order: Order) -> None:
        self._tick.bar[tick.INST] = self.index[order.instrument]
        self._tick.bar[tick.LEG_AT] = -1
        self._tick.deed[tick.UNITS] = float(order.amount)
        turn(*self._blocks, deed.MOVED)
        self._answer(
            order,
            Report(self.now_ns, order.id, "filled", "answer", abs(order.amount), Decimal(1), read_ns=self.now_ns),
        )

    # ---- the tape -----------------------------------------------------------------------------------------------------------

    def _play(self) -> Iterator[Any]:
        """Every moment of the tape: what the venue does by itself, prices if they are wanted, the day, the bar."""
        tape, market, t = self._tape, self._tape.market, self._tick
        for bar in range(market.open_ns.shape[0]):
            opened = int(market.open_ns[bar])
            self.now_ns, self._opened, self._facts = opened, opened, 0
            t.open[:], t.high[:], t.close[:] = market.open[bar], tape.marks[bar], market.close[bar]
            t.fresh[:], t.funding[:] = market.fresh[bar], market.funding[bar]
            t.deleveraged[0], t.bar[tick.NOW] = tape.deleveraged[bar], opened
            turn(*self._blocks, deed.OPENS)
            yield from self._deeds()
            if bar > 0 and self._quotes:
                turn(*self._blocks, deed.GAPS)
                yield from self._deeds()
                yield Quotes(opened, market.open[bar])
            elif tape.deleveraged[bar] > 0.0:
                yield Quotes(opened, market.open[bar])  # the price at which positions are about to end
            turn(*self._blocks, deed.CLOSES)
            yield from self._deeds()
            closed = opened + market.step_ns
            self.now_ns = closed
            d = int(market.day[bar])
            if d >= 0:
                self.desk.work.measure[:] = tape.signals[d]
                yield tape.days[d]
            yield Bars(
                closed,
                opened,
                market.open[bar],
                tape.marks[bar],
                market.close[bar],
                market.fresh[bar],
                market.funding[bar],
            )

    def _deeds(self) -> list[Any]:
        """What the venue did to the account since it was asked last, as it tells it."""
        rows = int(self._tick.used[0])
        self._tick.used[0] = 0
        return [event for row in self._tick.log[:rows].tolist() for event in self._told(row)] if rows else []

    def _told(self, row: list[float]) -> Iterator[Any]:
        instrument = self.universe.instruments[int(row[k.L_INST])]
        account = margin_account(instrument, self.mode) if instrument.kind is not Kind.SPOT else SPOT_ACCOUNT
        self._facts += 1
        name = f"{self._opened}-{self._facts}"  # the same whenever the tape is played
        if row[k.L_KIND] == k.LEG_FUNDING:
            known = row[k.L_DONE] == row[k.L_DONE]
            yield Funding(
                self.now_ns, name, account, instrument.symbol, exact(row[k.L_DONE]) if known else None,
                exact(row[k.L_MEASURED]) if known else None, exact(row[k.L_FILL]),
            )  # fmt: skip
            return
        yield Fill(
            self.now_ns, name, account, instrument.symbol, exact(row[k.L_DONE]), exact(row[k.L_FILL]), exact(row[k.L_CHARGE]),
            self.universe.quote if row[k.L_PAID_IN] < 0.0 else self.universe.assets[int(row[k.L_PAID_IN])],
            kind=_KINDS[Reason(int(row[k.L_REASON]))], index=exact(row[k.L_SPOT]),
        )  # fmt: skip
        if row[k.L_MOVED] != 0.0 and np.isfinite(row[k.L_MOVED]):
            ends = (SPOT_ACCOUNT, account) if row[k.L_MOVED] > 0.0 else (account, SPOT_ACCOUNT)
            yield Transfer(self.now_ns, f"{name}-collateral", *ends, instrument.settle, exact(abs(row[k.L_MOVED])))


def _is_same(moment: Any, record: Any) -> bool:
    """Whether a moment of the tape is the one that a journal has."""
    if type(moment) is not type(record) or moment.at_ns != record.at_ns:
        return False
    return getattr(moment, "id", "") == getattr(record, "id", "")
