"""A venue that is simulated on bars: its account is real to the engine, its market is a tape (decisions 0028 and 0030).

The account does what the compiled run does, by the same functions: funding and expiry at the open, liquidation at the opens and the
highs, auto-deleveraging, settlement of what is delisted. Between open and close the price goes by way of the bar's low and high, the
one that lies against the bar's direction first. All that it does follows from the tape, the terms and the requests, so a
journal says where it stands.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from hedgerow.errors import Mismatch
from hedgerow.kernel import step as tick
from hedgerow.kernel import turn as deed
from hedgerow.kernel.arrays import Book, Rules
from hedgerow.model.account import Standing
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.codec import NAMES
from hedgerow.model.command import Timer
from hedgerow.model.market import Floats, Market
from hedgerow.model.order import Cancel, Order, Report
from hedgerow.model.terms import WHOLE, Terms
from hedgerow.ports import IDLE
from hedgerow.units import NS_PER_SECOND
from hedgerow.venues.account import Account, exact
from hedgerow.venues.matching import Matching

ZERO: Final = Decimal(0)
_SHUT, _OPENED, _PRICED = range(3)  # of a bar: not begun; its facts are told; its prices, too
_MS: Final = 1_000_000
_OFTEN: Final = 20  # prices that come one after the other until they come less often
_DEEP: Final = 0.01  # from the present price: how far the depth of the book is told
_MINUTE: Final = 60 * NS_PER_SECOND


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
    """One account on a tape. ``rules`` hold its fees, tiers and margin mode, ``book`` what it begins with."""

    def __init__(self, rules: Rules, tape: Tape, book: Book, terms: Terms = WHOLE) -> None:
        market = tape.market
        self.account = Account(rules, book, market.universe, tape.signals.shape[1])
        self.matching = Matching(self.account, terms)
        self.terms = terms
        self.now_ns = int(market.open_ns[0])
        self._tape, self._tick = tape, self.account.tick
        self._bar, self._phase = 0, _SHUT  # the bar that is played, and how far
        self._said: deque[Any] = deque()
        self._due: list[tuple[int, int, Callable[[], Iterable[Any]]]] = []  # what happens when: requests on their way
        self._requests, self._recent = 0, deque[int]()
        self._idle, self._quiet_ns = 0, 0  # prices that were told since the last order, and until when no more are
        self._quotes = False
        self._again: Quotes | None = None  # prices of the moment at which the tape was taken up
        self._index = {it.symbol: i for i, it in enumerate(market.universe.instruments)}

    # ---- what the engine asks ---------------------------------------------------------------------------------------------

    async def next(self, until_ns: int, quotes: bool) -> Any:
        """What the venue said, else what happens next, or the timer before it."""
        self._quotes = quotes
        while not self._said:
            self._forget_old()
            if self._again is not None and quotes:
                again, self._again = self._again, None
                return again
            due = self._next_ns()
            if due == 0:
                return None
            if 0 < until_ns < due:
                self.now_ns = max(self.now_ns, until_ns)
                return Timer(until_ns)
            self._move()
            if not self._said:
                return IDLE
        return self._said.popleft()

    def due_ns(self, until_ns: int, quotes: bool) -> int:
        """When ``next`` would say something, as far as it is known now; 0: at once, or never more."""
        self._quotes = quotes
        self._forget_old()
        due = self._next_ns()
        if self._said or due == 0 or (self._again is not None and quotes):
            return 0
        return min(due, until_ns) if until_ns > 0 else due

    def _forget_old(self) -> None:
        """Prices of before are not said again where newer ones come soon."""
        if self._again is not None and self.terms.fills == "book" and self._again.at_ns < self.now_ns:
            self._again = None

    def pass_to(self, now_ns: int) -> None:
        """It is so late, and nobody waits for an answer: prices of before are no longer asked for."""
        due = self._next_ns()
        if due and not (self._said or self._due or self.matching.resting):
            self.now_ns = max(self.now_ns, min(now_ns, due - 1))

    async def place(self, order: Order) -> None:
        """Take an order; its answer comes when it has been there and back."""
        why = self._too_many()
        self._later(order.id, self._arrival(order, why))

    async def cancel(self, order: str) -> None:
        """End an order that rests. One that is not there is not cancelled."""
        self._later(f"cancel {order}", self._cancellation(order))

    async def look(self, order: Order) -> None:
        """What became of an order."""
        self._later(f"look {order.id}", lambda: [self.matching.looked(order.id, self.now_ns)])

    async def snapshot(self) -> None:
        """All that the account holds."""
        self._later("snapshot", lambda: [self.account.picture(self.now_ns, tuple(self.matching.resting))])

    def by_hand(self, symbol: str, amount: Decimal) -> None:
        """What the account's owner trades beside the engine, at the present price; in hedge mode a long stands beside the short."""
        i = self._index[symbol]
        if self.terms.position_mode == "hedge" and ":" in symbol and amount > ZERO:
            before = self.account.beside.get(symbol, Standing(ZERO, ZERO, ZERO))
            price = exact(self.account.price(i))
            size = before.size + amount
            entry = (before.size * before.entry + amount * price) / size
            self.account.beside[symbol] = Standing(size, entry, before.collateral)
            return
        self.account.trade(i, float(amount), self.account.cost(i, float(amount)))

    # ---- requests -----------------------------------------------------------------------------------------------------------

    def _later(self, name: str, what: Callable[[], Iterable[Any]]) -> None:
        """Let a request arrive, and be answered: both ways count before it does, so that what is done is said at once."""
        wait = self.terms.latency_ms * _MS
        if self.terms.jitter_ms:
            drawn = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            wait += drawn % (self.terms.jitter_ms * _MS)
        self._requests += 1
        heapq.heappush(self._due, (self.now_ns + wait, self._requests, what))

    def _arrival(self, order: Order, why: str) -> Callable[[], Iterable[Any]]:
        return lambda: self.matching.arrive(order, self.now_ns, why)

    def _cancellation(self, name: str) -> Callable[[], Iterable[Any]]:
        return lambda: self.matching.cancel(name, self.now_ns)

    def _too_many(self) -> str:
        """Why one more request is refused: there were too many; "": it is not."""
        self._idle = self._quiet_ns = 0
        while self._recent and self._recent[0] <= self.now_ns - _MINUTE:
            self._recent.popleft()
        if len(self._recent) >= self.terms.requests_minute:
            return f"{len(self._recent)} requests within a minute are too many"
        self._recent.append(self.now_ns)
        return ""

    # ---- time -----------------------------------------------------------------------------------------------------------------

    def _next_ns(self) -> int:
        """When something happens next; 0: nothing does any more."""
        tape = self._tape_ns()
        if self._due and (tape == 0 or self._due[0][0] <= tape):
            return max(self._due[0][0], 1)
        return tape

    def _tape_ns(self) -> int:
        """When the tape moves next; 0: it is at its end."""
        market = self._tape.market
        if self._bar >= market.open_ns.shape[0]:
            return 0
        opened = int(market.open_ns[self._bar])
        if self._phase != _PRICED:
            return opened
        closed = opened + market.step_ns
        if self.terms.fills == "whole" or not (self._quotes or self.matching.resting):
            return closed
        every = int(self.terms.quotes_s * NS_PER_SECOND)
        after = self.now_ns if self.matching.resting else max(self.now_ns, self._quiet_ns)
        return min(opened + ((max(after, opened) - opened) // every + 1) * every, closed)

    def _move(self) -> None:
        """Let happen what is next; what comes of it is said."""
        tape = self._tape_ns()
        if self._due and (tape == 0 or self._due[0][0] <= tape):
            due, _, what = heapq.heappop(self._due)
            self._to(due)
            self._said.extend(what())
            return
        market, self._again = self._tape.market, None  # the tape moves on
        closed = int(market.open_ns[self._bar]) + market.step_ns
        if self._phase == _SHUT:
            self._open(tape)
        elif self._phase == _OPENED:
            self._price(tape)
        elif tape == closed:
            self._close(closed)
        else:
            self._to(tape)
            self._said.extend(self.matching.touch(self.now_ns))
            if self._quotes:
                self._said.append(self._priced())

    def _open(self, opened: int) -> None:
        """A bar opens: funding and expiry."""
        tape, market, t, bar = self._tape, self._tape.market, self._tick, self._bar
        self.now_ns = max(self.now_ns, opened)
        self.account.begin_bar(opened)
        t.open[:], t.high[:], t.close[:] = market.open[bar], tape.marks[bar], market.close[bar]
        t.fresh[:], t.funding[:] = market.fresh[bar], market.funding[bar]
        t.deleveraged[0], t.bar[tick.NOW] = tape.deleveraged[bar], opened
        self.account.turn(deed.OPENS)
        self._phase = _OPENED
        self.matching.open = (market.open[bar] > 0.0).tolist()
        self._said.extend(self.account.deeds(self.now_ns))

    def _price(self, opened: int) -> None:
        """Where somebody waits for the open's prices: what they liquidate, and the prices."""
        tape, market, bar = self._tape, self._tape.market, self._bar
        self._phase = _PRICED
        if bar > 0 and self._quotes:
            self.account.turn(deed.GAPS)
            self._said.extend(self.account.deeds(self.now_ns))
            self._said.append(Quotes(opened, market.open[bar], self._depth()))
        elif tape.deleveraged[bar] > 0.0:
            self._said.append(Quotes(opened, market.open[bar]))  # the price at which positions are about to end

    def _close(self, closed: int) -> None:
        """A bar closes: liquidation at its highs, and what it and its day were."""
        tape, market, bar = self._tape, self._tape.market, self._bar
        if self.terms.fills == "book":
            self._to(closed)
            self._said.extend(self.matching.touch(closed))
        self.account.turn(deed.CLOSES)
        self._said.extend(self.account.deeds(self.now_ns))
        self.now_ns = max(self.now_ns, closed)
        d = int(market.day[bar])
        if d >= 0:
            self.account.desk.work.measure[:] = tape.signals[d]
            self._said.append(tape.days[d])
        self._said.append(
            Bars(closed, int(market.open_ns[bar]), market.open[bar], tape.marks[bar], market.close[bar], market.fresh[bar],
                 market.funding[bar])
        )  # fmt: skip
        self._bar, self._phase = bar + 1, _SHUT

    def _to(self, now_ns: int) -> None:
        """It is now so late; prices are those of the moment."""
        self.now_ns = max(self.now_ns, now_ns)
        if self.terms.fills == "book" and self._phase != _SHUT:
            known = np.isfinite(self._tape.market.open[self._bar])
            self._tick.mark[known] = self._path()[known]

    def _path(self) -> Floats:
        """The prices [I] of this moment: from the open by the low and the high to the close."""
        market, bar = self._tape.market, self._bar
        first, last = market.open[bar], market.close[bar]
        low, high = (np.where(np.isfinite(block[bar]), block[bar], first) for block in (market.low, market.high))
        rises = last >= first
        ways = (first, np.where(rises, low, high), np.where(rises, high, low), last)
        done = min(max((self.now_ns - int(market.open_ns[bar])) / market.step_ns, 0.0), 1.0) * 3.0
        part = min(int(done), 2)
        return np.asarray(ways[part] + (ways[part + 1] - ways[part]) * (done - part), dtype=np.float64)

    def _priced(self) -> Quotes:
        """The prices of this moment, and what the book bears. They come less and less often where nobody orders by them."""
        self._idle += 1
        more = 1 << min(max(self._idle - _OFTEN, 0) // 5, 6)
        self._quiet_ns = self.now_ns + int((more - 1) * self.terms.quotes_s * NS_PER_SECOND)
        price = np.where(np.isfinite(self._tape.market.open[self._bar]), self._tick.mark, np.nan)
        return Quotes(self.now_ns, price, self._depth())

    def _depth(self) -> Floats | None:
        """Quote that can be had at a mean price within 1 % on one side [I]; None: the book has no bottom."""
        if self.terms.fills == "whole":
            return None
        return np.array([self.account.bears(i, _DEEP) for i in range(len(self._index))])

    # ---- a journal taken up -----------------------------------------------------------------------------------------------

    def resume(self, records: Iterable[Any], now_ns: int) -> None:
        """Play on to where a journal ends: ``records`` are its orders and cancels, and marks (kind, at_ns, id) of its quotes, bars and
        facts, in its order.

        What was said up to ``now_ns``, the engine's time, is not said again. Orders that were written down count as sent.
        """
        for record in records:
            if isinstance(record, Order):
                self._play_before(record.at_ns)
                why = self._too_many()
                self._later(record.id, self._arrival(record, why))
            elif isinstance(record, Cancel):
                self._play_before(record.at_ns)
                self._later(f"cancel {record.id}", self._cancellation(record.id))
            else:
                self._play_to(record)
        self._play_before(now_ns)
        self._said = deque(
            one for one in self._said if not isinstance(one, Report)
        )  # what the engine misses it looks up

    def _play_before(self, at_ns: int) -> None:
        """Let everything happen that had when a request was made; where a bar opens at that moment, it had not."""
        self._quotes = False
        while 0 < (due := self._next_ns()) <= at_ns and not (due == at_ns and self._phase != _PRICED):
            self._quotes = due == at_ns  # they may have been told in the same moment
            self._move()
            self._quotes = False
        self.now_ns = max(self.now_ns, at_ns)

    def _play_to(self, mark: Any) -> None:
        """Let everything happen up to a fact of the journal, which is there, too."""
        if self._again is not None and _is_same(self._again, mark):
            return  # prices that were said again when it was taken up the last time
        while True:
            while self._said:
                said = self._said.popleft()
                if _is_same(said, mark):
                    self._again = said if isinstance(said, Quotes) else None
                    return
            self._quotes = False
            due = self._next_ns()
            if mark.kind == "quotes" and (due == 0 or due >= mark.at_ns):
                self._quotes = True
                self.now_ns = max(self.now_ns, min(mark.at_ns, due) - 1)
            if due == 0 or (due > max(mark.at_ns, self.now_ns) and not self._quotes):
                raise Mismatch(
                    f"the tape has nothing like the {mark.kind} of {mark.at_ns}: it is not the one of the journal"
                )
            self._move()


def _is_same(moment: Any, mark: Any) -> bool:
    """Whether a moment of the tape is the one that a journal has."""
    return (moment.at_ns, NAMES[type(moment)], getattr(moment, "id", "")) == (mark.at_ns, mark.kind, mark.id)
