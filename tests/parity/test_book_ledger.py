"""The book (float64, compiled) and the ledger (Decimal, exact) fold the same facts to the same accounts.

A hundred thousand random events: the run's clock with its funding, expiries, liquidations and margin ladder, its plans
replaced by orders drawn at random, fees paid in quote, in the coin bought or in a coin of their own. Every day's value
agrees to 1e-9 of it, and in the end every balance, position and entry does. So do runs of the built-in policies.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.kernel import arrays as k
from hedgerow.kernel import run as runs
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.position import size_of
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.positions import Held
from hedgerow.model.event import Fill, Funding
from hedgerow.model.instrument import FUTURES_ACCOUNT as FUTURES
from hedgerow.model.instrument import SPOT_ACCOUNT as SPOT
from hedgerow.model.instrument import Instrument, Universe, from_symbol, margin_account
from hedgerow.model.plan import Reason
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research import backtest
from hedgerow.research.accounts import accounts_of
from hedgerow.research.backtest import Stage, Traces
from tests.kernel import tape
from tests.kernel.desk import hooked, loose, rules_of
from tests.properties import stage_of

ASSETS = ("BTC", "ETH", "SOL")
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BTC/USD:BTC", "ETH/USD:ETH",
           *(f"BTC/USDT:USDT-{year}0626" for year in range(20, 33)))  # fmt: skip
LOT = 1e-3  # quote, what a lot is worth: less than at any venue
CLOSE = 1e-9  # of net asset value


def market(seed: int, days: int) -> Stage:
    """Prices that wander far, contracts with a premium of their own, funding of both signs and some of it unknown."""
    rng = np.random.default_rng(seed)
    closes: dict[str, Any] = {}
    for asset, start in zip(ASSETS, (20_000.0, 1_500.0, 30.0), strict=True):
        steps = rng.standard_t(4, days) * 0.03
        closes[asset] = start * np.exp(np.cumsum(steps) - 0.02 * np.arange(days) ** 0.5 / 10)
    for symbol in SYMBOLS:
        closes[symbol] = closes[symbol[:3]] * np.exp(rng.normal(0.0, 0.004, days))
    rates = rng.normal(0.0, 5e-4, (days, len(SYMBOLS)))
    rates[:, [":" in s and "-" in s for s in SYMBOLS]] = 0.0
    rates[rng.random(rates.shape) < 0.002] = np.nan
    futures: list[Instrument] = [from_symbol(symbol) for symbol in SYMBOLS]
    return tape.stage(closes, futures=futures, funding=rates)


def orders(seed: int, most: int) -> Callable[..., float]:
    """In place of ``decide``: up to ``most`` orders a day, of every kind, larger ones than the account bears among them."""
    rng = np.random.default_rng(seed)

    def plan(
        decide: Callable[..., float], rules: Any, book: Any, work: Any, signal: Any, price: Any, *rest: Any
    ) -> float:
        nav = decide(rules, book, work, signal, price, *rest)
        work.counts[:] = 0
        for _ in range(int(rng.integers(2, most + 1))):
            i = int(rng.integers(0, len(price)))
            a, size = int(rules.inst[k.I_ASSET, i]), float(rng.uniform(0.01, 1.1))
            inverse = rules.inst[k.I_INVERSE, i] == 1.0
            if i < len(ASSETS):
                kind = k.LEG_SPOT
                sale = -size * book.asset[k.B_HELD, a]
                units = sale if rng.random() < 0.45 else 0.3 * size * book.wallet[k.W_CASH, 0] / price[a]
            elif rng.random() < 0.2:
                kind = k.LEG_MARGIN
                units = 0.2 * size * (book.asset[k.B_HELD, a] if inverse else book.wallet[k.W_CASH, 0])
                units = units if inverse or rng.random() < 0.6 else -units
            else:
                kind = k.LEG_FUTURES
                short = -book.inst[k.P_UNITS, i]
                units = short if size > 0.8 or short < 1e-3 else size * short  # never down to a crumb of a lot
                units = -0.3 * size * book.asset[k.B_HELD, a] if rng.random() < 0.55 else units
            if units != 0.0:
                reason = float(Reason.REBALANCE if kind == k.LEG_SPOT else Reason.HEDGE_RAISE)
                loose(add_leg)(work.legs, work.counts, i, a, kind, units, price[i], price[a], reason, -1.0, 0.0, 0.0,
                               book.scalar[k.S_DAY])  # fmt: skip
        return nav

    return plan


class Played(NamedTuple):
    """A finished run, the ledger of its events, and how many there were of each kind."""

    policy: Policy
    universe: Universe
    run: Run
    traces: Traces
    ledger: Ledger
    kinds: Counter[str]


def play(policy: Policy, stage: Stage, weights: dict[str, float]) -> Played:
    run, traces = backtest.trace(policy, stage, capital=1e6, weights=weights)
    accounts = accounts_of(policy, stage, run, traces)
    kinds = Counter(one.kind if isinstance(one, Fill) else type(one).__name__.lower() for one in accounts.events)
    kinds["unknown"] = sum(isinstance(one, Funding) and one.amount is None for one in accounts.events)
    return Played(policy, stage.market.universe, run, traces, accounts.ledger, kinds)


def at_random(
    monkeypatch: pytest.MonkeyPatch, days: int, mode: str, fee_in: str, *, seed: int = 5, most: int = 8
) -> Played:
    """A run of random orders."""
    monkeypatch.setattr(backtest, "run_kernel", hooked(runs.run, decide=orders(seed, most)))
    costs = {"spot_fee": "10 bp", "futures_fee": "5 bp", "spot_half_spread": "3 bp", "fee_in": fee_in}
    policy = rules_of(costs=costs, hedge={"leverage": "3 x", "high_risk": True}, margin={"mode": mode})
    return play(policy, market(seed, days), dict.fromkeys(ASSETS, 0.0))


def differences(done: Played) -> dict[str, float]:
    """The largest difference of each thing: coins and sizes in lots, entries as a part, money as a part of the value."""
    universe, run, book, ledger = done.universe, done.run, done.traces.book, done.ledger
    stated = np.array([float(one.value or 0) for one in ledger.valuations])
    prices, top = dict(zip(universe.assets, run.price[-1].tolist(), strict=True)), float(np.max(run.nav))

    def off(account: str, currency: str, booked: float) -> float:
        return abs(float(ledger.balances.get((account, currency), Decimal(0))) - booked)

    found: defaultdict[str, float] = defaultdict(float)
    found["value"] = float(np.max(np.abs(stated / run.nav - 1.0)))
    found["cash"] = off(SPOT, "USDT", book.wallet[k.W_CASH, 0]) / top
    found["wallet"] = off(FUTURES, "USDT", book.wallet[k.W_MARGIN, 0]) / top
    for a, asset in enumerate(universe.assets):
        found["coins"] = max(found["coins"], off(SPOT, asset, book.asset[k.B_HELD, a]) * prices[asset] / LOT)
    for i, contract in enumerate(universe.instruments[len(universe.assets) :], len(universe.assets)):
        units, entry = book.inst[k.P_UNITS, i], book.inst[k.P_ENTRY, i]
        account = margin_account(contract, done.policy.margin.mode)
        worth = prices[contract.asset] if contract.inverse else 1.0
        if account not in (SPOT, FUTURES):
            gap = off(account, contract.settle, book.inst[k.P_COLLATERAL, i]) * worth / top
            found["collateral"] = max(found["collateral"], gap)
        held = ledger.contracts.get(Held(account, contract.symbol, ""))
        size = 0.0 if held is None else float(held.size)
        gap = abs(size - loose(size_of)(book.inst, done.traces.rules.inst, i))
        found["size"] = max(found["size"], gap * (1.0 if contract.inverse else prices[contract.asset]) / LOT)
        if held is not None and held.entry is not None and units:
            found["entry"] = max(found["entry"], abs(float(held.entry) / entry - 1.0))
    return dict(found)


def check(done: Played) -> None:
    """Half a lot of coins, 1e-9 of everything that has a value."""
    found = differences(done)
    assert {"value", "cash", "wallet", "coins", "size"} <= set(found)
    for name, gap in found.items():
        assert gap <= (0.5 if name in ("coins", "size") else CLOSE), found
    assert set(done.ledger.trial_balance().values()) == {Decimal(0)}


MODES, FEES = ("isolated", "cross", "unified"), ("quote", "base", "SOL")
# every mode of margin and every kind of fee; the rest is slow, taken together
EACH_ONCE = tuple(zip(MODES, FEES, strict=True))


@pytest.mark.parametrize(
    ("mode", "fee_in"),
    [
        pytest.param(mode, fee, marks=() if (mode, fee) in EACH_ONCE else pytest.mark.slow)
        for mode in MODES
        for fee in FEES
    ],
)
def test_a_year_of_random_orders(monkeypatch: pytest.MonkeyPatch, mode: str, fee_in: str) -> None:
    done = at_random(monkeypatch, 365, mode, fee_in)
    check(done)
    kinds = ("trade", "funding", "transfer", "settlement", "unknown")
    assert min(done.kinds[one] for one in kinds) > 0, done.kinds


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_events(monkeypatch: pytest.MonkeyPatch) -> None:
    done = at_random(monkeypatch, 4_300, "isolated", "base", most=36)
    assert sum(done.kinds.values()) >= 100_000, done.kinds
    kinds = ("trade", "funding", "transfer", "settlement", "liquidation", "unknown")
    assert min(done.kinds[one] for one in kinds) > 0, done.kinds
    check(done)
    assert 0.02 < done.run.nav[-1] / done.run.nav.max() <= 1.0  # the account lived through it


# policy -> (contracts of each asset, bars a day, margin mode)
POLICIES = {
    "balanced": ("{}/USDT:USDT", 1, "isolated"), "seed": ("{}/USDT:USDT", 3, "cross"),
    "beginner": ("{}/USDT:USDT", 1, "unified"), "hedge-only": ("{}/USD:{}", 1, "isolated"),
    "b3_constant": ("{}/USD:{}", 3, "isolated"), "b6_trend": ("{}/USDT:USDT-210226", 1, "isolated"),
    "b2_threshold": ("{}/USDT:USDT", 1, "isolated"),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", POLICIES)
def test_what_policies_do_in_wild_markets(name: str, seed: int) -> None:
    """Missing bars, late listings, unknown funding and leverage: the plans are the policy's own."""
    symbol, per_day, mode = POLICIES[name]
    inverse, dated = "USD:" in symbol, "-21" in symbol
    hedge = {"leverage": "3 x", "high_risk": True, "inverse": inverse, "instrument": "dated" if dated else "perpetual"}
    policy = policies.parse({"extends": name, "name": "made", "hedge": hedge, "margin": {"mode": mode}}, "made")
    spots = tuple(Instrument(f"{a}/USDT", a) for a in ASSETS)
    universe = Universe(ASSETS, "USDT", spots + tuple(from_symbol(symbol.format(a, a)) for a in ASSETS))
    stage = stage_of(universe, seed, days=90, per_day=per_day, wildness=2.0, gaps=seed % 2 == 1)
    with np.errstate(all="ignore"):
        done = play(policy, stage, {"BTC": 0.4, "ETH": 0.25, "SOL": 0.15})
    check(done)
    assert done.kinds["trade"] > 2
