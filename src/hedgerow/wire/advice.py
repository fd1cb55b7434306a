"""One look at a portfolio that a person trades by hand: what is due now, and what went unwatched since the last look."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hedgerow import __version__
from hedgerow.errors import ConfigError
from hedgerow.units import NS_PER_DAY

if TYPE_CHECKING:
    from hedgerow.engine.drive import Pump
    from hedgerow.engine.engine import Engine
    from hedgerow.model.account import Snapshot
    from hedgerow.model.bar import Bars, Day
    from hedgerow.model.command import Alert
    from hedgerow.model.plan import Plan
    from hedgerow.model.policy import Policy
    from hedgerow.model.portfolio import Portfolio
    from hedgerow.store.journal import SqlJournal
    from hedgerow.wire import Recorded


@dataclass(slots=True)
class Near:
    """How near a short came to its liquidation: at a bar's highest mark, a fraction of it away; 0 or less: it was there."""

    instrument: str
    at_ns: int
    away: float


@dataclass(slots=True)
class Advice:
    """What one look found. Times are ns since the epoch."""

    engine: Engine
    since_ns: int  # when it was looked at last; 0: never
    days: int = 0  # closes since then that nobody decided on
    bars: int = 0
    plan: Plan | None = None  # what is due; None: nothing
    missed: list[Plan] = field(default_factory=list)  # what would have been advised between
    near: Near | None = None
    settled: dict[str, tuple[str, str]] = field(default_factory=dict)  # what -> in the book, in the file
    alerts: list[Alert] = field(default_factory=list)
    news: bool = True  # whether a day closed since the last look


def advise(
    data: Recorded, policy: Policy, weights: Mapping[str, float], portfolio: Portfolio, journal: SqlJournal
) -> Advice:
    """Look at a portfolio once. Its ``journal`` keeps what the policy remembers; ``portfolio`` is what is held now, and what changed
    since the last look is adopted. Nothing is ordered. Raises ConfigError, StoreError, Mismatch.
    """
    from hedgerow import wire
    from hedgerow.wire.floor import begun_in, extend, measured, take_up

    began = begun_in(journal)
    if began is not None and began.row.mandate.get("autonomy") != "advise":
        fix = "Name another one for what you trade by hand."
        raise ConfigError("an engine that trades runs this portfolio", where="portfolio", fix=fix)
    wire.stage_of(data, [began.rules if began else policy])  # before what imports the kernel
    from hedgerow.engine import begun
    from hedgerow.engine.drive import Pump
    from hedgerow.engine.engine import Engine
    from hedgerow.engine.holdings import holdings_with
    from hedgerow.engine.translate import policy_text, universe_plain
    from hedgerow.model.command import Begin, Command, Wake

    start_ns, universe = int(data.market.open_ns[0]), data.market.universe
    warm, days, gauge = measured(data, began.rules if began else policy)
    pump = Pump(Engine(gauge), journal)
    if began is None:
        holdings = holdings_with(portfolio, universe, data.market.open[0].tolist())
        row = Begin(
            start_ns, __version__, "paper", os.urandom(3).hex(), policy_text(policy), universe_plain(universe), dict(weights),
            holdings, {"autonomy": "advise"},
        )  # fmt: skip
        for event in (row, *warm):
            pump.take(event)
    else:
        begun.refuse_another(began.row, universe, "paper", began.row.weights, began.row.holdings, began.row.at_ns)
        take_up(pump.engine, gauge, journal)
        begun.refuse_shorter(pump.engine.now_ns, data.market)
        extend(pump, universe)
    engine = pump.engine
    made = Advice(engine, engine.now_ns if began else 0)
    pump.take(Wake(engine.now_ns, __version__, journal.token))
    if (policy_text(policy), dict(weights)) != (policy_text(engine.policy), engine.weights):
        told = {"policy": policy_text(policy), "weights": _whole(weights, universe.quote)}
        pump.take(Command(engine.now_ns, f"policy-{engine.now_ns}", "the command", "policy", options=told))
    _play(made, pump, list(_moments(data, days)), portfolio)
    pump.commit()
    made.alerts = list(pump.engine.alerts)
    return made


def _whole(weights: Mapping[str, float], quote: str) -> dict[str, float]:
    """Weights with the stablecoin's, which is what is left of 1."""
    return dict(weights) | {quote: 1.0 - sum(weights.values())}


def _moments(data: Recorded, days: list[Day]) -> Iterator[tuple[Day | None, Bars]]:
    """The bars of a recording, each with the day that it completes."""
    from hedgerow.model.bar import Bars
    from hedgerow.research.bars import marked_highs

    market, highs = data.market, marked_highs(data.market)
    for t in range(market.open_ns.shape[0]):
        opened, d = int(market.open_ns[t]), int(market.day[t])
        bars = Bars(
            opened + market.step_ns, opened, market.open[t], highs[t], market.close[t], market.fresh[t], market.funding[t]
        )  # fmt: skip
        yield (days[d] if d >= 0 else None), bars


def _play(made: Advice, pump: Pump, moments: list[tuple[Day | None, Bars]], portfolio: Portfolio) -> None:
    """What passed since the last look is only seen; then what is held is settled, and the last close is decided."""
    from dataclasses import replace

    from hedgerow.model.plan import Plan

    ahead = [(day, bars) for day, bars in moments if bars.at_ns > made.since_ns]
    last = max((n for n, (day, _) in enumerate(ahead) if day is not None), default=-1)
    made.news = last >= 0
    for n, (day, bars) in enumerate(ahead):
        if n == last or (last < 0 and n == 0):
            _settle(made, pump, portfolio)
        heard = pump.take(replace(day, decide=n == last)) if day is not None else []
        heard += pump.take(bars)
        plans = [record for record in heard if isinstance(record, Plan)]
        if n >= last >= 0:
            made.plan = plans[-1] if plans else made.plan
        else:
            made.missed += plans
        if made.since_ns and n != last:
            made.days += day is not None
            made.bars += 1
            _note_nearest(made, bars)
    if not ahead:
        _settle(made, pump, portfolio)


def _note_nearest(made: Advice, bars: Bars) -> None:
    from hedgerow.kernel import arrays as k

    book, universe = made.engine.fold.desk.book, made.engine.universe
    for i in range(len(universe.assets), len(universe.instruments)):
        high = float(bars.high[i])
        if book.inst[k.P_UNITS, i] != 0.0 and high > 0.0:
            away = float(book.inst[k.P_LIQUIDATION, i]) / high - 1.0
            if made.near is None or away < made.near.away:
                made.near = Near(universe.instruments[i].symbol, bars.at_ns, away)


def _settle(made: Advice, pump: Pump, portfolio: Portfolio) -> None:
    """Let the book be what the file states: a difference is a trade, a deposit or a payment that happened by hand."""
    from hedgerow.model.command import Command

    engine = pump.engine
    for _ in range(2):  # a difference counts when it stays
        pump.take(_picture(engine, portfolio))
    if engine.account.differences:
        made.settled = {what: (str(ours), str(theirs)) for what, (ours, theirs) in engine.account.differences.items()}
        pump.take(Command(engine.now_ns, f"adopt-{engine.now_ns}", "the file", "settle", options={"how": "adopt"}))
        pump.take(_picture(engine, portfolio))
    elif engine.state.value != "running":
        pump.take(Command(engine.now_ns, f"resume-{engine.now_ns}", "the file", "resume"))


def _picture(engine: Engine, portfolio: Portfolio) -> Snapshot:
    """What a file of holdings states, as a venue would say it."""
    from hedgerow.engine.fold import exact
    from hedgerow.model.account import Snapshot, Standing

    balances = {name: exact(held.amount) for name, held in portfolio.spot.items()}
    positions = {}
    for symbol, one in portfolio.futures.items():
        inverse = engine.universe.instruments[engine.fold.index[symbol]].inverse
        size = one.amount * one.entry if inverse else one.amount
        positions[symbol] = Standing(exact(size), exact(one.entry), exact(one.collateral))
    margin = {portfolio.head.quote: sum((one.collateral for one in positions.values()), exact(0.0))}
    return Snapshot(engine.now_ns, engine.now_ns, balances, margin, positions, ())


def first_day(journal: SqlJournal) -> date | None:
    """The day with which a portfolio began; None: it has not."""
    from hedgerow.wire.floor import begun_in

    began = begun_in(journal)
    return date(1970, 1, 1) + timedelta(days=began.row.at_ns // NS_PER_DAY) if began else None
