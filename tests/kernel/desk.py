"""A desk to decide at by hand: one policy over a constructed universe, one close after another, every leg named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from hedgerow import jit, policies
from hedgerow.kernel import arrays as k
from hedgerow.kernel import book as fold
from hedgerow.kernel import margin
from hedgerow.kernel import run as runs
from hedgerow.kernel.blocks import new_book, new_work
from hedgerow.kernel.decide import decide
from hedgerow.kernel.measure import net_asset_value
from hedgerow.kernel.route import H_CLOSE, H_PERPETUAL, H_ROUTE, ROUTES
from hedgerow.kernel.rules import hedge_routes, pack
from hedgerow.model import measure
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.plan import Reason, Refusal
from hedgerow.model.policy import Policy
from hedgerow.units import NS_PER_DAY

loose = jit.plain  # the interpreted form of a kernel function and of everything that it calls

FREE = {
    "spot_fee": "0 bp",
    "futures_fee": "0 bp",
    "spot_half_spread": "0 bp",
    "futures_half_spread": "0 bp",
    "impact": "0 x",
}
OPEN = {
    "kappa": "0 x", "turnover_soft": "1e9 x", "turnover_hard": "1e9 x", "min_leg": "0 %", "participation": "100 %",
    "slippage_cap": "10000 bp", "unknown_liquidity": "allow", "unknown_funding": "allow",
}  # fmt: skip


def hooked(function: Callable[..., Any], **instead: Callable[..., Any]) -> Callable[..., Any]:
    """An interpreted kernel function; wherever it, or what it calls, calls a function by one of some names, the wrapper of that
    name is called, with the original as its first argument.
    """
    made: dict[Any, Any] = {}
    met = set()

    def rebuilt(inner: Any) -> Any:
        if inner not in made:
            names = dict(inner.__globals__)
            made[inner] = FunctionType(inner.__code__, names, inner.__name__, inner.__defaults__, inner.__closure__)
            for name in set(inner.__code__.co_names) & set(names):
                called = loose(names[name])
                if name in instead:
                    met.add(name)
                    names[name] = partial(instead[name], called)
                elif isinstance(called, FunctionType) and called.__globals__["__name__"].startswith("hedgerow.kernel"):
                    names[name] = rebuilt(called)
        return made[inner]

    found = rebuilt(loose(function))
    assert met == set(instead), f"nothing calls {set(instead) - met}"
    return found


def rules_of(extends: str = "", *, charged: bool = False, guarded: bool = False, **tables: Any) -> Policy:
    """A policy from TOML-like tables, over a built-in one; without costs and guards unless they are asked for."""
    document: dict[str, Any] = {"name": "made", "dwell": "0 d", **tables}
    if extends:
        document["extends"] = extends
    if not charged:
        document["costs"] = FREE | document.get("costs", {})
    if not guarded:
        document["guard"] = OPEN | document.get("guard", {})
    key = repr(document)
    if key not in _MADE:
        _MADE[key] = policies.parse(document, "made")
    return _MADE[key]


# reading one takes longer than a decision by it, and nobody can change it: they are frozen
_MADE: dict[str, Policy] = {}


class Leg(NamedTuple):
    """A leg as a test reads it: ``units`` wanted or, where it was filled, done."""

    instrument: str
    asset: str
    kind: str
    units: float
    reason: Reason
    refusal: Refusal
    row: int
    measured: float
    limit: float
    wanted: float


class Desk:
    """A book, its rules, and the prices and measures of the present close. Prices are quote, coins plain numbers."""

    def __init__(
        self, policy: Policy, prices: Mapping[str, float], weights: Mapping[str, float], *, cash: float = 0.0,
        held: Mapping[str, float] | None = None, futures: Sequence[Instrument] | None = None, bare: Sequence[str] = (),
        inverse: bool = False, lot: float = 0.0, least: float = 0.0,
    ) -> None:  # fmt: skip
        self.policy = policy
        self.assets = tuple(prices)
        if futures is None:
            futures = [
                Instrument(f"{a}/USDT:USDT", a, kind=Kind.PERPETUAL, inverse=inverse, lot=lot, minimum_notional=least)
                for a in self.assets
                if a not in bare
            ]
        spots = tuple(Instrument(f"{a}/USDT", a, lot=lot, minimum_notional=least) for a in self.assets)
        self.universe = Universe(self.assets, "USDT", spots + tuple(futures))
        count = len(self.universe.instruments)
        self.rules = pack(policy, self.universe, {a: weights.get(a, 0.0) for a in self.assets})
        self.book = new_book(self.rules, count, cash)
        self.work = new_work(self.rules, count, measure.COUNT)
        self.signal = np.full((measure.COUNT, len(self.assets)), np.nan)
        self.price = np.array([prices[it.asset] for it in self.universe.instruments], dtype=float)
        self.fresh = np.ones(count, np.uint8)
        self.funding = np.zeros(count)
        self.routes = np.full((ROUTES, len(self.assets)), -1, np.int64)
        self.routes[H_CLOSE] = 0
        self.hedge = self.routes[H_ROUTE]  # the first contract of each asset
        self.hedge[:] = [next(iter(self.universe.futures_of(a)), -1) for a in self.assets]
        for a, name in enumerate(self.assets):
            for i in self.universe.futures_of(name):
                if self.universe.instruments[i].kind is Kind.PERPETUAL:
                    self.routes[H_PERPETUAL, a] = i
        self.log, self.used, self.at = np.zeros((4_000, k.LEG)), np.zeros(1, np.int64), 0
        for a, units in (held or {}).items():
            self.book.asset[k.B_HELD, self.a(a)] = units
            self.book.asset[k.B_ENTERED, self.a(a)] = 1.0
        self.book.scalar[k.S_NAV0] = self.nav()
        self.see(quote_usd=1.0, bars=730.0)

    def a(self, asset: str) -> int:
        return self.assets.index(asset)

    def nav(self) -> float:
        b = self.book
        return float(loose(net_asset_value)(b.asset, b.inst, b.wallet, self.rules.inst, self.price))

    def see(self, **measures: float | Mapping[str, float]) -> Desk:
        """What the panel says at this close; a mapping gives single assets, a number all of them."""
        for name, value in measures.items():
            row = self.signal[measure.INDEX[name]]
            if isinstance(value, Mapping):
                for asset, one in value.items():
                    row[self.a(asset)] = one
            else:
                row[:] = value
        return self

    def on_day(self, day: int) -> Desk:
        """The contracts that may hedge at the close of a day since the epoch, as a run has them."""
        self.routes[:] = hedge_routes(self.policy, self.universe, np.array([(day - 1) * NS_PER_DAY], np.int64))[0]
        return self

    def at_price(self, **prices: float) -> Desk:
        """Move an asset's spot and futures to a price."""
        for i, it in enumerate(self.universe.instruments):
            if it.asset in prices:
                self.price[i] = prices[it.asset]
        return self

    def short(
        self, asset: str, units: float, *, entry: float | None = None, collateral: float | None = None, inst: int = -1
    ) -> Desk:
        """Open a short by hand, with collateral for 1x unless told otherwise; cash and coins stay as they are."""
        i = self.hedge[self.a(asset)] if inst < 0 else inst
        b, start = self.book.inst, self.price[i] if entry is None else entry
        b[k.P_UNITS, i], b[k.P_ENTRY, i] = -units, start
        own = units if self.rules.inst[k.I_INVERSE, i] else units * start
        b[k.P_COLLATERAL, i] = own if collateral is None else collateral
        b[k.P_MARK, i], b[k.P_INDEX, i] = self.price[i], self.price[self.a(asset)]
        self.book.asset[k.B_HEDGE, self.a(asset)] = i
        self.book.asset[k.B_H, self.a(asset)] = units / max(self.held(asset), 1e-300)
        loose(margin.refresh_margin)(self.rules, b, i)
        return self

    def decide(self, *, due: bool = False) -> list[Leg]:
        """Decide at this close; returns the legs to trade, refusals apart (``refusals``)."""
        loose(fold.settle_marks)(self.rules.inst, self.book.asset, self.book.inst, self.price)
        nav = loose(decide)(
            self.rules, self.book, self.work, self.signal, self.price, self.fresh, self.funding, self.routes, due
        )  # fmt: skip
        self.book.scalar[k.S_NAV] = nav
        return [leg for leg in self.plan() if leg.refusal is Refusal.NONE]

    def plan(self) -> list[Leg]:
        return [self._leg(row) for row in self.work.legs[: self.work.counts[0]]]

    def refusals(self) -> list[Leg]:
        return [leg for leg in self.plan() if leg.refusal is not Refusal.NONE]

    def refused(self) -> set[Refusal]:
        return {leg.refusal for leg in self.refusals()}

    def fill(self, **opens: float) -> Desk:
        """Fill the plan at the next open: at present prices, or at those that are given by asset."""
        self.at_price(**opens)
        self.at += 1
        mark = np.zeros(len(self.price))
        loose(runs.fill_pending)(
            self.rules, self.book, self.work, self.price.copy(), self.price.copy(), mark, self.at, self.log, self.used
        )  # fmt: skip
        return self

    def day(self, **opens: float) -> list[Leg]:
        """Decide and fill; returns what was to be traded."""
        legs = self.decide()
        self.fill(**opens)
        return legs

    def held(self, asset: str) -> float:
        return float(self.book.asset[k.B_HELD, self.a(asset)])

    def cash(self) -> float:
        return float(self.book.wallet[k.W_CASH, 0])

    def shorts(self, asset: str) -> float:
        return -sum(float(self.book.inst[k.P_UNITS, i]) for i in self.universe.futures_of(asset))

    def state(self, asset: str) -> str:
        return list(self.policy.regime)[int(self.book.asset[k.B_STATE, self.a(asset)])]

    def h(self, asset: str) -> float:
        return float(self.work.asset[k.X_H, self.a(asset)])

    def x(self, row: int, asset: str) -> float:
        return float(self.work.asset[row, self.a(asset)])

    def votes(self, asset: str) -> dict[str, bool | None]:
        """Every vote of the last decision: true, false, or None where it abstained."""
        true, known = self.work.bits[:, self.a(asset)]
        return {name: bool(true >> v & 1) if known >> v & 1 else None for v, name in enumerate(self.policy.vote)}

    def parts(self) -> float:
        return float(self.book.asset[k.FIRST_PART : k.FIRST_PART + k.PARTS].sum())

    def _leg(self, row: Any) -> Leg:
        inst = int(row[k.L_INST])
        done = row[k.L_STATUS] == k.FILLED
        return Leg(
            self.universe.instruments[inst].symbol if inst >= 0 else "", self.assets[int(row[k.L_FOR])],
            ("spot", "futures", "margin")[int(row[k.L_KIND])], float(row[k.L_DONE] if done else row[k.L_UNITS]),
            Reason(int(row[k.L_REASON])), Refusal(int(row[k.L_REFUSAL])), int(row[k.L_ROW]), float(row[k.L_MEASURED]),
            float(row[k.L_LIMIT]), float(row[k.L_WANTED]),
        )  # fmt: skip


def only(legs: Sequence[Leg], **wanted: Any) -> Leg:
    """The one leg with these fields."""
    found = [leg for leg in legs if all(getattr(leg, name) == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, legs)
    return found[0]
