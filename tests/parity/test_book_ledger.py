"""The book (float64, compiled) and the ledger (Decimal, exact) fold the same facts to the same accounts.

A hundred thousand random events: the run's clock with its funding, expiries, liquidations and margin ladder, its plans
replaced by orders drawn at random, fees paid in quote, in the coin bought or in a coin of their own. Every day's value
agrees to 1e-9 of it, and in the end every balance, position, entry and sum of payments does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel import run as runs
from hedgerow.kernel.leg import add_leg
from hedgerow.kernel.measure import size_of
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.positions import Held
from hedgerow.model.event import Fill, Funding
from hedgerow.model.instrument import Instrument, from_symbol
from hedgerow.model.plan import Reason
from hedgerow.model.report import Run
from hedgerow.research import backtest
from hedgerow.research.accounts import FUTURES, SPOT, accounts_of, margin_account
from hedgerow.research.backtest import Stage, Traces
from tests.kernel import tape
from tests.kernel.desk import hooked, loose, rules_of

ASSETS = ("BTC", "ETH", "SOL")
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BTC/USD:BTC", "ETH/USD:ETH",
           *(f"BTC/USDT:USDT-{year}0626" for year in range(20, 33)))  # fmt: skip
LOT = 1e-8  # of every coin, in venues
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


def played(
    monkeypatch: pytest.MonkeyPatch, days: int, mode: str, fee_in: str, *, seed: int = 5, most: int = 8
) -> tuple[Run, Traces, Ledger, Counter[str]]:
    """A run of random orders, the ledger of its events, and how many there were of each kind."""
    monkeypatch.setattr(backtest, "run_kernel", hooked(runs.run, decide=orders(seed, most)))
    costs = {"spot_fee": "10 bp", "futures_fee": "5 bp", "spot_half_spread": "3 bp", "fee_in": fee_in}
    policy = rules_of(costs=costs, hedge={"leverage": "3 x", "high_risk": True}, margin={"mode": mode})
    stage = market(seed, days)
    run, traces = backtest.trace(policy, stage, capital=1e6, weights=dict.fromkeys(ASSETS, 0.0))
    accounts = accounts_of(policy, stage, run, traces)
    kinds = Counter(one.kind if isinstance(one, Fill) else type(one).__name__.lower() for one in accounts.events)
    kinds["unknown"] = sum(isinstance(one, Funding) and one.amount is None for one in accounts.events)
    return run, traces, accounts.ledger, kinds


def differences(run: Run, traces: Traces, ledger: Ledger, mode: str) -> dict[str, float]:
    """The largest difference of each thing: coins and sizes in lots, entries as a part, money as a part of the value."""
    book, rules, top = traces.book, traces.rules, float(np.max(run.nav))
    stated = np.array([float(one.value or 0) for one in ledger.valuations])
    prices = dict(zip(ASSETS, run.price[-1].tolist(), strict=True))

    def off(account: str, currency: str, booked: float) -> float:
        return abs(float(ledger.balances.get((account, currency), Decimal(0))) - booked)

    found: defaultdict[str, float] = defaultdict(float)
    found["value"] = float(np.max(np.abs(stated - run.nav)) / np.max(run.nav))
    found["last value"] = abs(stated[-1] / run.nav[-1] - 1.0)
    found["cash"] = off(SPOT, "USDT", book.wallet[k.W_CASH, 0]) / top
    found["cash"] = max(found["cash"], off(FUTURES, "USDT", book.wallet[k.W_MARGIN, 0]) / top)
    found["coins"] = max(off(SPOT, asset, book.asset[k.B_HELD, a]) for a, asset in enumerate(ASSETS)) / LOT
    for i, symbol in enumerate(SYMBOLS, len(ASSETS)):
        contract, units, entry = from_symbol(symbol), book.inst[k.P_UNITS, i], book.inst[k.P_ENTRY, i]
        account = margin_account(contract, mode)
        if account not in (SPOT, FUTURES):
            worth = prices[contract.asset] if contract.inverse else 1.0
            gap = off(account, contract.settle, book.inst[k.P_COLLATERAL, i]) * worth / top
            found["collateral"] = max(found["collateral"], gap)
        held = ledger.contracts.get(Held(account, symbol, ""))
        size = 0.0 if held is None else float(held.size)
        gap = abs(size - loose(size_of)(book.inst, rules.inst, i))
        found["size"] = max(found["size"], gap / (entry if contract.inverse and units else 1.0) / LOT)
        if held is not None and held.entry is not None and units:
            found["entry"] = max(found["entry"], abs(float(held.entry) / entry - 1.0))
    return dict(found)


def check(found: dict[str, float]) -> None:
    """Half a lot of coins, 1e-9 of everything that has a value."""
    assert set(found) == {"value", "last value", "cash", "coins", "size", "entry", "collateral"}
    for name, gap in found.items():
        assert gap <= (0.5 if name in ("coins", "size") else CLOSE), found


@pytest.mark.parametrize("mode", ["isolated", "cross", "unified"])
@pytest.mark.parametrize("fee_in", ["quote", "base", "SOL"])
def test_a_year_of_random_orders(monkeypatch: pytest.MonkeyPatch, mode: str, fee_in: str) -> None:
    run, traces, ledger, kinds = played(monkeypatch, 365, mode, fee_in)
    check(differences(run, traces, ledger, mode))
    assert set(ledger.trial_balance().values()) == {Decimal(0)}
    assert min(kinds[one] for one in ("trade", "funding", "transfer", "settlement", "unknown")) > 0, kinds


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_events(monkeypatch: pytest.MonkeyPatch) -> None:
    run, traces, ledger, kinds = played(monkeypatch, 4_300, "isolated", "base", most=36)
    assert sum(kinds.values()) >= 100_000, kinds
    assert min(kinds[one] for one in ("trade", "funding", "transfer", "settlement", "liquidation", "unknown")) > 0, (
        kinds
    )
    check(differences(run, traces, ledger, "isolated"))
    assert np.isfinite(run.nav).all()
    assert 0.02 < run.nav[-1] / run.nav.max() <= 1.0  # the account lived through it
