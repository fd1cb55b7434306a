"""A run's log as events: the same facts that the compiled book folded in float64, for the ledger to fold exactly.

The accounts are ``spot`` (coins and stablecoins) and, for collateral, one a contract (``margin SYMBOL``) where it is
isolated, ``futures`` where linear contracts share a wallet, ``spot`` itself in a unified account. Every number crosses
once, by its shortest decimal form; where the book closed a position or emptied a contract's collateral, the last digits
that floats leave over go with it. Order within a bar is the kernel's: what the venue did at the open, fills, then the
day's mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from hedgerow.errors import Mismatch
from hedgerow.kernel import arrays as k
from hedgerow.ledger.entries import EXACT
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.lots import Method
from hedgerow.ledger.positions import Held
from hedgerow.model.event import Event, Fill, FillKind, Flow, Funding, Mark, Transfer
from hedgerow.model.instrument import MARGIN_ACCOUNT, SPOT_ACCOUNT, Instrument, margin_account
from hedgerow.model.market import Market
from hedgerow.model.plan import Reason
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.model.why import row_name
from hedgerow.research.backtest import Stage, Traces
from hedgerow.units import NS_PER_DAY

_NONE: Final = Decimal(0)
_LAST: Final = Decimal("1e-9")  # of the amount: what a sum of floats may leave over
_LEAST: Final = Decimal("1e-12")  # and of the largest size of the position: its crumbs have the floats' error of then
_KINDS: Final[dict[Reason, FillKind]] = {
    Reason.LIQUIDATED: "liquidation",
    Reason.SETTLED: "settlement",
    Reason.DELEVERAGED: "deleveraged",
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """What happened to the money of a run, in order, and the ledger that folded it."""

    events: tuple[Event, ...]
    ledger: Ledger


def accounts_of(policy: Policy, stage: Stage, run: Run, traces: Traces, method: Method = "FIFO") -> Accounts:
    """Everything that happened to the money of a finished run: deposit, fills, collateral, funding, daily marks.

    ``run`` must have begun with ``start_value`` in stablecoins and nothing else (``backtest``). ``method`` of lots.
    """
    market = stage.market
    warmed = stage.warm.shape[0]
    ledger = Ledger(run.quote, method)
    events: list[Event] = []
    largest: dict[Held, Decimal] = {}

    def add(found: Iterable[Event]) -> None:
        for event in found:
            event = _to_the_end(event, ledger, largest)
            ledger.fold((event,))
            events.append(event)

    add([Flow(int(market.open_ns[0]), "start", SPOT_ACCOUNT, run.quote, exact(run.start_value), Decimal(1))])
    rows = traces.log[traces.log[:, k.L_STATUS] == k.FILLED].tolist()
    at = 0
    # a mark stands behind everything of the bar whose close it is
    for mark, bar in zip(_marks(run, market), np.flatnonzero(market.day >= 0).tolist()):
        while at < len(rows) and rows[at][k.L_AT] <= bar:
            add(_of_row(policy, run, market, warmed, rows[at], at))
            at += 1
        add([mark])
    for n in range(at, len(rows)):
        add(_of_row(policy, run, market, warmed, rows[n], n))
    return Accounts(tuple(events), ledger)


def difference(accounts: Accounts, run: Run) -> float:
    """How far the ledger's exact value and the run's net asset value are apart at the last mark, as a fraction of it."""
    mark = next(event for event in reversed(accounts.events) if isinstance(event, Mark))
    total = accounts.ledger.value(mark.prices).total
    if total is None:
        raise Mismatch("the ledger cannot value what the run holds: a price is missing on its last day")
    return abs(float(total) - float(run.nav[-1])) / max(abs(float(run.nav[-1])), 1e-300)


def _to_the_end(event: Event, ledger: Ledger, largest: dict[Held, Decimal]) -> Event:
    """The event, closing a position or emptying its collateral exactly where floats left the last digits over;
    ``largest`` keeps the largest size of every position since it was opened.
    """
    with localcontext(EXACT):
        return _closed(event, ledger, largest)


def _closed(event: Event, ledger: Ledger, largest: dict[Held, Decimal]) -> Event:
    if isinstance(event, Fill) and ":" in event.instrument:
        held = Held(event.account, event.instrument, event.sleeve)
        position = ledger.contracts.get(held)
        size = position.size if position else _NONE
        left = event.amount + size
        largest[held] = max(largest[held] if size and held in largest else _NONE, abs(size), abs(left))
        error = max(_LAST * abs(event.amount), _LEAST * largest[held])
        return replace(event, amount=event.amount - left) if abs(left) <= error else event
    if isinstance(event, Transfer) and event.account.startswith(MARGIN_ACCOUNT):
        left = ledger.balances.get((event.account, event.currency), _NONE) - event.amount
        if abs(left) <= _LAST * event.amount:
            return replace(event, amount=event.amount + left)
    return event


def exact(value: float) -> Decimal:
    """The shortest decimal that reads back as ``value``."""
    return Decimal(repr(float(value)))


def _marks(run: Run, market: Market) -> Iterator[Mark]:
    symbols = [it.symbol for it in market.universe.instruments]
    for d, bar in enumerate(np.flatnonzero(market.day >= 0).tolist()):
        closes = market.close[bar].tolist()
        prices = {symbol: exact(price) for symbol, price in zip(symbols, closes) if price > 0.0}
        states = run.regime[d].tolist()
        regimes = {name: run.regimes[s] for name, s in zip(run.assets, states) if 0 <= s < len(run.regimes)}
        at_ns = int(run.days_ns[d]) + NS_PER_DAY
        yield Mark(at_ns, f"mark-{np.datetime64(int(run.days_ns[d]), 'ns').astype('datetime64[D]')}", prices, regimes)


def _of_row(policy: Policy, run: Run, market: Market, warmed: int, row: Sequence[float], n: int) -> Iterator[Event]:
    """One filled row of the log as events: a fill or a payment, and the collateral that moved with it."""
    instrument = market.universe.instruments[int(row[k.L_INST])]
    at_ns = int(market.open_ns[int(row[k.L_AT])])
    kind = row[k.L_KIND]
    name = f"{n + 1:07d}"
    if kind == k.LEG_FUNDING:
        yield _funding(policy, run, instrument, row, at_ns, name)
    elif kind == k.LEG_MARGIN:
        yield from _moved(policy, instrument, row[k.L_DONE], at_ns, name)
    else:
        yield _fill(policy, run, instrument, row, at_ns, warmed, name)
        if kind == k.LEG_FUTURES:
            yield from _moved(policy, instrument, row[k.L_MOVED], at_ns, f"{name}-collateral")


def _funding(policy: Policy, run: Run, instrument: Instrument, row: Sequence[float], at_ns: int, name: str) -> Funding:
    known = row[k.L_DONE] == row[k.L_DONE]
    return Funding(
        at_ns,
        name,
        margin_account(instrument, policy.margin.mode),
        instrument.symbol,
        exact(row[k.L_DONE]) if known else None,
        exact(row[k.L_MEASURED]) if known else None,
        exact(row[k.L_FILL]),
        run.assets[int(row[k.L_FOR])],
        "carry" if row[k.L_SLEEVE] == 1.0 else "",
    )


def _moved(policy: Policy, instrument: Instrument, amount: float, at_ns: int, name: str) -> Iterator[Transfer]:
    if amount != 0.0:
        ends = (SPOT_ACCOUNT, margin_account(instrument, policy.margin.mode))
        here, there = ends if amount > 0.0 else ends[::-1]
        yield Transfer(at_ns, name, here, there, instrument.settle, exact(abs(amount)))


def _fill(
    policy: Policy,
    run: Run,
    instrument: Instrument,
    row: Sequence[float],
    at_ns: int,
    warmed: int,
    name: str,
) -> Fill:
    """A filled leg; ``warmed`` decisions were made before the run began."""
    reason = Reason(int(row[k.L_REASON]))
    spot_market = row[k.L_KIND] == k.LEG_SPOT
    day = max(int(row[k.L_DAY]) - warmed - 1, 0)
    asset = int(row[k.L_FOR])
    paid_in = int(row[k.L_PAID_IN])
    state = int(run.regime[min(day, run.regime.shape[0] - 1), asset])
    return Fill(
        at_ns,
        name,
        SPOT_ACCOUNT if spot_market else margin_account(instrument, policy.margin.mode),
        instrument.symbol,
        exact(row[k.L_SIZE]),
        exact(row[k.L_FILL]),
        exact(row[k.L_CHARGE]),
        run.quote if paid_in < 0 else run.assets[paid_in],
        exact(row[k.L_FEE] / row[k.L_CHARGE]) if paid_in >= 0 and row[k.L_CHARGE] != 0.0 else None,
        _KINDS.get(reason, "trade"),
        exact(row[k.L_PRICE]),
        exact(row[k.L_SPOT]),
        reason.name.lower(),
        row_name(policy, int(row[k.L_ROW]), reason),
        run.regimes[state] if 0 <= state < len(run.regimes) else "",
        run.assets[asset],
        "carry" if row[k.L_SLEEVE] == 1.0 else "",
    )
