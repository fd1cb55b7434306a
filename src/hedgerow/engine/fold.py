"""The fold of facts into the book: the kernel's deeds (``kernel.turn``), with names and exact amounts outside, floats within.

The only place where the engine crosses between the two. Every amount came from a float or goes into one by its shortest text.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np

from hedgerow.engine.carried import carry, places
from hedgerow.engine.gauge import Gauge
from hedgerow.engine.holdings import book_of
from hedgerow.kernel import arrays as k
from hedgerow.kernel import step as tick
from hedgerow.kernel import turn as deed
from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due
from hedgerow.kernel.step import Desk, desk
from hedgerow.kernel.turn import turn
from hedgerow.model import measure
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Floats
from hedgerow.model.policy import Policy

LOG: Final = 4_000  # rows that a bar may write; the engine writes its own
_KINDS: Final = {"liquidation": deed.LIQUIDATED, "settlement": deed.SETTLED, "deleveraged": deed.DELEVERAGED}


def exact(value: float) -> Decimal:
    """The shortest decimal that reads back as ``value``."""
    return Decimal(repr(float(value)))


class Fold:
    """The book of one portfolio under one policy. ``width`` is the number of measures."""

    def __init__(
        self, policy: Policy, universe: Universe, weights: Mapping[str, float], holdings: Mapping[str, Any], width: int
    ) -> None:
        rules = pack(policy, universe, weights)
        self.policy, self.universe = policy, universe
        self.index = {it.symbol: i for i, it in enumerate(universe.instruments)}
        self.desk: Desk = desk(rules, book_of(rules, universe, holdings), width, LOG)
        self.legs = self.desk.work.legs
        self._tick, self._blocks, self.decided_ns = self.desk.tick, self.desk.blocks, 0

    def under(self, policy: Policy, universe: Universe, weights: Mapping[str, float], width: int) -> Fold:
        """The same account and memory under another policy, or with more markets (all of ``self.universe`` and others); no leg waits."""
        new = Fold(policy, universe, weights, {}, width)
        moved = places(self.universe, universe)
        carry(self.desk.book, self.policy, new.desk.book, policy, moved)
        for name in ("before", "open", "high", "close", "funding", "mark", "top", "last", "fresh"):
            getattr(new._tick, name)[..., moved] = getattr(self._tick, name)
        for name in ("worst", "traded", "bar"):
            getattr(new._tick, name)[...] = getattr(self._tick, name)
        shared = min(width, self.desk.work.measure.shape[0], measure.COUNT)
        new.desk.work.measure[:shared] = self.desk.work.measure[:shared]
        new.desk.work.asset[...] = self.desk.work.asset
        new._tick.signals[0, :shared] = self._tick.signals[0, :shared]
        new._tick.bar[tick.WAITING], new.decided_ns = 0, self.decided_ns
        if self.decided_ns:
            new._tick.hedge[0] = hedge_routes(policy, universe, np.array([self.decided_ns], dtype=np.int64))[0]
        return new

    # ---- the market -------------------------------------------------------------------------------------------------

    def day(self, day: Day, row: Floats, *, decide: bool) -> None:
        """Get the signals of a completed day; one that is not to be decided is only observed."""
        now = np.array([day.day_ns], dtype=np.int64)
        self._tick.signals[0] = row
        self._tick.hedge[0] = hedge_routes(self.policy, self.universe, now)[0]
        if not decide:
            turn(*self._blocks, deed.OBSERVE)
            return
        before = np.array([self.decided_ns or day.day_ns, day.day_ns], dtype=np.int64)
        self._tick.due[0] = rebalance_due(self.policy, before)[1]
        self.decided_ns = day.day_ns

    def note(self, quotes: Quotes) -> None:
        """Prices of a moment in which nothing waits for them."""
        self._tick.open[:] = quotes.price
        self._tick.bar[tick.NOW] = quotes.at_ns

    def see(self, quotes: Quotes) -> None:
        """Prices at which waiting legs could trade; the plan is gone through from its beginning."""
        self.note(quotes)
        turn(*self._blocks, deed.SEE)

    def close(self, bars: Bars, *, decide: bool) -> int:
        """A step of the axis closed: watch margin, decide where a day completed; returns how many legs wait."""
        t = self._tick
        t.open[:], t.high[:], t.close[:] = bars.open, bars.high, bars.close
        t.fresh[:], t.funding[:] = bars.fresh, bars.funding
        t.bar[tick.NOW], t.bar[tick.DAY] = bars.open_ns, 0 if decide else -1
        t.used[0] = 0
        waiting = int(turn(*self._blocks, deed.CLOSE))
        t.open[:] = np.nan  # the price at which the bar opened is none that anything can be traded at now
        return waiting

    def flag(self, row: Floats, *, whole: bool) -> None:
        """Decide the last day again with other views: ``whole``, or its hedges alone."""
        self._tick.signals[0] = row
        self._tick.bar[tick.INST] = int(whole)
        turn(*self._blocks, deed.FLAG)

    def decide(self) -> int:
        """Decide the day whose signals were given, after its bar closed; returns how many legs wait."""
        self._tick.bar[tick.DAY] = 0
        return int(turn(*self._blocks, deed.DECIDE))

    # ---- legs and their trades ----------------------------------------------------------------------------------------

    def next_leg(self) -> tuple[int, float]:
        """The next leg that may trade at the prices seen last, and how much; (-1, 0): none may."""
        n = int(turn(*self._blocks, deed.NEXT))
        return n, float(self._tick.deed[tick.UNITS]) if n >= 0 else 0.0

    def size(self, n: int) -> float:
        """What the rest of leg ``n`` may trade at the prices seen last."""
        self._tick.bar[tick.LEG_AT] = n
        turn(*self._blocks, deed.SIZE)
        return float(self._tick.deed[tick.UNITS])

    def ahead(self, n: int, units: Decimal) -> Decimal:
        """The collateral that is to move before so many coins (below 0) of leg ``n`` are sold, settle currency."""
        self._tick.bar[tick.LEG_AT] = n
        self._tick.deed[tick.UNITS] = float(units)
        turn(*self._blocks, deed.AHEAD)
        return exact(self._tick.deed[tick.UNITS])

    def spare(self, instrument: str) -> Decimal:
        """The collateral of a contract that its short does not need, settle currency."""
        self._tick.bar[tick.INST] = self.index[instrument]
        turn(*self._blocks, deed.SPARE)
        return exact(self._tick.deed[tick.UNITS])

    def stranded(self) -> list[tuple[str, Decimal]]:
        """Contracts at which collateral lies and no position stands, with how much."""
        inst, found = self.desk.book.inst, []
        for i in range(len(self.universe.assets), len(self.universe.instruments)):
            if inst[k.P_UNITS, i] == 0.0 and inst[k.P_COLLATERAL, i] > 0.0:
                found.append((self.universe.instruments[i].symbol, exact(inst[k.P_COLLATERAL, i])))
        return found

    def traded(self, n: int, units: Decimal, price: Decimal, fee: Decimal, fee_currency: str) -> Decimal:
        """Enter a trade of leg ``n``; returns the collateral that is to move to its contract now (negative: from it)."""
        scratch = self._tick.deed
        self._tick.bar[tick.LEG_AT] = n
        scratch[tick.UNITS], scratch[tick.PRICE], scratch[tick.CHARGE] = float(units), float(price), float(fee)
        scratch[tick.PAID_IN] = self._paid_in(fee_currency)
        turn(*self._blocks, deed.TRADED)
        return exact(scratch[tick.UNITS])

    def ended(self, n: int) -> None:
        """Leg ``n`` is at its end, whatever traded of it."""
        self._tick.bar[tick.LEG_AT] = n
        turn(*self._blocks, deed.ENDED)

    def drop(self) -> None:
        """Give up the legs that wait: their plan is over."""
        for n in self.waiting() if self._tick.bar[tick.WAITING] else ():
            self.legs[n, k.L_STATUS] = k.SUPERSEDED
        self._tick.bar[tick.WAITING] = 0

    def waiting(self, plan: int = 0) -> list[int]:
        """The legs that wait for a price: of this ``plan`` (0: of any, or none)."""
        legs = self.legs[: int(self.desk.work.counts[0])]
        found = legs[:, k.L_STATUS] == k.PENDING
        return [int(n) for n in np.flatnonzero(found & (legs[:, k.L_PLAN] == plan) if plan else found)]

    def waits_for_hedge(self, plan: int, asset: float) -> bool:
        """Whether a short for this asset (its index) is still to be opened by this plan."""
        legs = self.legs[: int(self.desk.work.counts[0])]
        shorts = (legs[:, k.L_KIND] == k.LEG_FUTURES) & (legs[:, k.L_UNITS] < 0.0) & (legs[:, k.L_FOR] == asset)
        alive = (legs[:, k.L_STATUS] == k.PENDING) | (legs[:, k.L_STATUS] == k.WORKING)
        return bool((shorts & alive & (legs[:, k.L_PLAN] == plan)).any())

    def new_legs(self, plan: int) -> bool:
        """Whether legs wait that are in another plan than this, or in none."""
        legs = self.legs[: int(self.desk.work.counts[0])]
        return bool(((legs[:, k.L_STATUS] == k.PENDING) & (legs[:, k.L_PLAN] != plan)).any())

    def number(self, plan: int) -> None:
        """Put every leg that waits into this plan."""
        self.legs[self.waiting(), k.L_PLAN] = plan

    def lend(self, row: Floats) -> int:
        """Put a leg that is no longer in the plan where deeds find it; returns its number."""
        n = int(min(self.desk.work.counts[0], self.legs.shape[0] - 1))
        self.legs[n] = row
        return n

    def foreign(self, instrument: str, units: float) -> int:
        """A leg for a trade that is not ours; it counts as decided at the last price."""
        i = self.index[instrument]
        a = int(self.desk.rules.inst[k.I_ASSET, i])
        row = np.zeros(k.LEG)
        row[[k.L_INST, k.L_FOR, k.L_UNITS, k.L_WANTED, k.L_ROW, k.L_FIRED]] = i, a, units, units, -1.0, -1.0
        row[k.L_KIND] = k.LEG_SPOT if i < len(self.universe.assets) else k.LEG_FUTURES
        row[[k.L_PRICE, k.L_SPOT]] = self._tick.mark[i], self._tick.mark[a]
        row[k.L_DAY] = self.desk.book.scalar[k.S_DAY]
        return self.lend(row)

    def flatten(self, *, sells: bool) -> None:
        """In place of the plan, legs that cover every short, and that sell all coins that may be sold."""
        self._tick.bar[tick.INST] = int(sells)
        turn(*self._blocks, deed.FLATTEN)

    # ---- what else happens to the account -------------------------------------------------------------------------------

    def moved(self, instrument: str, amount: Decimal, n: int = -1) -> None:
        """Collateral moved to a contract (negative: from it), beside a trade of leg ``n`` (-1: of none)."""
        self._tick.bar[tick.LEG_AT] = n
        self._enter(deed.MOVED, instrument, amount)

    def credited(self, instrument: str, amount: Decimal) -> None:
        """What backs a contract grew (below 0: shrank) for a reason outside its trades."""
        self._enter(deed.CREDITED, instrument, amount)

    def paid(self, instrument: str, amount: Decimal | None) -> None:
        """Funding was received; None: not known."""
        self._enter(deed.PAID, instrument, amount)

    def closed_by_venue(self, kind: str, instrument: str, units: Decimal, price: Decimal, fee: Decimal) -> None:
        """The venue ended ``units`` coins of a position (short negative): ``kind`` as in ``model.event.Fill``."""
        i = self.index[instrument]
        a = int(self.desk.rules.inst[k.I_ASSET, i])
        for at, known in ((i, float(price)), (a, float(self._tick.before[a]))):
            if not self._tick.open[at] > 0.0:  # what it took is wanted again, at a price that there is
                self._tick.open[at] = known if known > 0.0 else float(price)
        self._enter(_KINDS[kind], instrument, units, price, fee)

    def sold_for_debt(self, instrument: str, units: Decimal, price: Decimal, fee: Decimal, market: Decimal) -> None:
        """The venue sold coins for what the account owed."""
        self._tick.deed[tick.MARKET] = float(market)
        self._enter(deed.FORCED, instrument, units, price, fee)

    def flowed(self, currency: str, amount: Decimal, price: Decimal | None) -> None:
        """Coins or quote came from outside, or went there (below 0); ``price`` is what a coin was worth, if that is known."""
        known = currency in self.universe.assets
        if not known and currency != self.universe.quote:
            return  # no asset of this portfolio
        self._tick.bar[tick.INST] = self.universe.assets.index(currency) if known else -1
        self._tick.deed[tick.UNITS] = float(amount)
        self._tick.deed[tick.PRICE] = np.nan if price is None else float(price)
        turn(*self._blocks, deed.FLOWED)

    def _enter(
        self,
        what: int,
        instrument: str,
        units: Decimal | None,
        price: Decimal | None = None,
        fee: Decimal | None = None,
    ) -> None:
        scratch = self._tick.deed
        self._tick.bar[tick.INST] = self.index[instrument]
        scratch[tick.UNITS] = np.nan if units is None else float(units)
        scratch[tick.PRICE], scratch[tick.CHARGE] = float(price or 0), float(fee or 0)
        turn(*self._blocks, what)

    def _paid_in(self, currency: str) -> float:
        if currency in ("", self.universe.quote) or currency not in self.universe.assets:
            return -1.0
        return float(self.universe.assets.index(currency))

    # ---- what it comes to -------------------------------------------------------------------------------------------------

    def price(self, instrument: str) -> float:
        """The price seen last, nan: none."""
        return float(self._tick.mark[self.index[instrument]])

    def quoted(self, instrument: str) -> float:
        """The price at which it could trade when prices were seen last, nan: it could not."""
        price = float(self._tick.open[self.index[instrument]])
        return price if price > 0.0 else float("nan")

    @property
    def value(self) -> float:
        """Net asset value at the last decision."""
        return float(self.desk.book.scalar[k.S_NAV])

    def fingerprint(self) -> bytes:
        """Every bit of the book, and of the legs that it knows."""
        count = int(self.desk.work.counts[0])
        parts: list[Any] = [*self.desk.book, self.legs[:count], self._tick.before, self._tick.last, self._tick.worst]
        return b"".join(np.ascontiguousarray(block).tobytes() for block in parts)


def fold_of(
    policy: Policy,
    universe: Universe,
    weights: Mapping[str, float],
    holdings: Mapping[str, Any],
    extra: tuple[str, ...],
) -> Fold:
    """A fold with a column for every measure of the policy."""
    return Fold(policy, universe, weights, holdings, measure.COUNT + len(extra))


def gauge_of(policy: Policy, universe: Universe, extra: tuple[str, ...]) -> Gauge:
    """The gauge of a policy on a universe."""
    return Gauge(universe.assets, universe.market_asset, extra=extra, hedge_venue=universe.instruments[0].venue)
