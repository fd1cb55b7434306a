"""One schedule: a seed makes a market, a wire, a disk and an owner; the engine lives in it, dies in it, and is looked at throughout.

    python -m tests.simulation.run SEED [SEED ...]      plays seeds again, with a word about each step

After the storm everything heals, and the engine must come to rest: no order in doubt, book equal to the venue, plans at their end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import numpy as np

from hedgerow import policies
from hedgerow.engine.checkpoint import state_of
from hedgerow.engine.drive import Pump
from hedgerow.engine.engine import Engine
from hedgerow.engine.replay import replay, take_up
from hedgerow.engine.translate import policy_text, universe_plain
from hedgerow.errors import StoreError
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import Begin, Command, Timer, Wake
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.research.backtest import Stage
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND
from tests.engine.desk import Rows
from tests.properties import stage_of
from tests.simulation.disk import Crash, Disk, DiskJournal
from tests.simulation.exchange import Exchange, Faults
from tests.simulation.invariants import Watch

CASH = Decimal(100_000)
LAG = 8  # seconds
WEIGHTS = {"BTC": 0.4, "ETH": 0.35}
STAGES = 24
EVERY = 40  # events between two checkpoints
STEPS = 6_000  # of a schedule: more is a loop
UNIVERSE = Universe(
    ("BTC", "ETH"), "USDT",
    (
        Instrument("BTC/USDT", "BTC", lot=1e-6), Instrument("ETH/USDT", "ETH", lot=1e-5),
        Instrument("BTC/USDT:USDT", "BTC", kind=Kind.PERPETUAL, lot=1e-5),
        Instrument("ETH/USDT:USDT", "ETH", kind=Kind.PERPETUAL, lot=1e-4),
    ),
)  # fmt: skip
POLICY = policies.parse(
    {
        "extends": "b3_constant", "name": "simulated", "hedge": {"constant": "50 %"},
        "rebalance": {"every": "never", "threshold": "3 pp"}, "guard": {"kappa": "0 x", "min_leg": "0 %"},
    },
    "simulated",
)  # fmt: skip
TEXT = policy_text(POLICY)


@cache
def stage(number: int) -> Stage:
    return stage_of(UNIVERSE, number, days=5, per_day=4, wildness=(1.0, 2.5)[number % 2], gaps=number % 5 == 4)


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("something waited")


@dataclass
class Storm:
    """What a seed makes go wrong."""

    faults: Faults
    crash: float
    fail: float
    autonomy: str
    meddles: float  # how often the owner trades by hand, and the venue ends positions


def storm_of(random: Random) -> Storm:
    def some(most: float) -> float:
        return random.choice((0.0, 0.0, most / 4, most))

    faults = Faults(
        some(0.4),
        some(0.4),
        some(0.3),
        some(0.3),
        some(0.8),
        some(0.5),
        some(0.5),
        some(0.6),
        some(0.4),
        some(0.5),
        some(0.1),
        some(0.2),
    )
    return Storm(faults, some(0.05), some(0.01), random.choice(("auto", "auto", "approve")), some(0.15))


class Schedule:
    """A run of one seed."""

    def __init__(self, seed: int, say: Callable[[str], None] | None = None) -> None:
        self.random = random = Random(seed)
        self.storm = storm_of(random)
        self.say = say
        self.stage = stage(random.randrange(STAGES))
        self.market = self.stage.market
        self.begin_ns = int(self.market.open_ns[0])
        self.exchange = Exchange(random, self.storm.faults, CASH, LAG, self.begin_ns)
        self.disk = Disk()
        self.watch = Watch(self)
        self.exchange.on_place = self._placed
        self.commands = 0
        self.crashes = self.steps = self.restored = 0
        self.healed = False
        self.mandate = {
            "autonomy": self.storm.autonomy, "collar": "0.2", "deadline": 3.0, "lag": float(LAG), "look_every": 1.0,
            "patience": 120.0, "orders_minute": 12, "slice_wait": 1.0, "expires_hours": 5.0, "fresh": 30.0,
        }  # fmt: skip
        self._lay_tape()
        self.pump = self._start()

    # ---- the market -----------------------------------------------------------------------------------------------------

    def _lay_tape(self) -> None:
        market = self.market
        for t in range(market.open_ns.shape[0]):
            opened = int(market.open_ns[t])
            self.exchange.at(opened, lambda t=t: self._opens(t))
            for minute in range(1, 6):  # prices come for a while, as a stream has them
                self.exchange.at(opened + minute * 20 * NS_PER_SECOND, lambda t=t: self._quotes(t))
            self.exchange.at(opened + market.step_ns - 2, lambda t=t: self._day(t))
            self.exchange.at(opened + market.step_ns - 1, lambda t=t: self._bars(t))

    def _opens(self, t: int) -> None:
        exchange, random = self.exchange, self.random
        for i, instrument in enumerate(UNIVERSE.instruments):
            price = self.market.open[t, i]
            if price > 0.0:
                exchange.price[instrument.symbol] = Decimal(repr(round(float(price), 6)))
            rate = self.market.funding[t, i]
            if instrument.kind is Kind.PERPETUAL and np.isfinite(rate) and rate != 0.0:
                exchange.pay_funding(instrument.symbol, Decimal(repr(float(rate))))
        if random.random() < self.storm.meddles:
            self._meddle()

    def _meddle(self) -> None:
        exchange, random = self.exchange, self.random
        symbol = random.choice([it.symbol for it in UNIVERSE.instruments])
        if ":" in symbol:
            kind = random.choice(("liquidation", "deleveraged"))
            share = Decimal(1) if kind == "liquidation" else Decimal(random.choice(("0.3", "1")))
            exchange.end_position(symbol, share, kind)
        else:
            coins = exchange.account.coins.get(symbol.split("/")[0], Decimal(0))
            exchange.trade_by_hand(symbol, -(coins / 10).quantize(Decimal("1e-6")))
        self.watch.meddled = True

    def _quotes(self, t: int) -> Quotes | None:
        if not self.exchange.quotes_wanted:
            return None
        prices = np.array([float(self.exchange.price.get(it.symbol, "nan")) for it in UNIVERSE.instruments])
        prices[~(self.market.open[t] > 0.0)] = np.nan
        if self.random.random() < self.storm.faults.no_price:
            prices[self.random.randrange(len(prices))] = self.random.choice((np.nan, 0.0, -1.0))
        return Quotes(self.exchange.now_ns, prices)

    def _day(self, t: int) -> Day | None:
        d = int(self.market.day[t])
        return None if d < 0 else Day(self.exchange.now_ns + 1, int(self.market.days_ns[d]), True, {})

    def _bars(self, t: int) -> Bars:
        market = self.market
        return Bars(
            self.exchange.now_ns, int(market.open_ns[t]), market.open[t], self.stage.bars.high[t], market.close[t],
            market.fresh[t], market.funding[t],
        )  # fmt: skip

    # ---- the process ----------------------------------------------------------------------------------------------------

    def _start(self) -> Pump:
        """A process begins, or takes up what is durable."""
        self.journal = DiskJournal(
            self.disk, self.random, *((0.0, 0.0) if self.healed else (self.storm.crash, self.storm.fail))
        )
        rows = {int(day): self.stage.signals[d] for d, day in enumerate(self.market.days_ns)}
        engine = Engine(Rows(rows), EVERY)
        if self.disk.rows:
            engine = self._taken_up(engine, Engine(Rows(rows), EVERY))
            self.watch.replayed(engine)
        pump = Pump(engine, self.journal, self.watch.heard)
        if not self.disk.rows:
            begin = Begin(
                self.begin_ns,
                "0",
                "paper",
                "sim",
                TEXT,
                universe_plain(UNIVERSE),
                WEIGHTS,
                {"cash": str(CASH)},
                self.mandate,
            )
            self._take(pump, begin)
        self._take(pump, Wake(max(self.exchange.now_ns, engine.now_ns), "0", self.journal.token))
        return pump

    def _taken_up(self, engine: Engine, other: Engine) -> Engine:
        """From the first row, from the last checkpoint, or both, which must be the same."""
        saved = [entry for entry in self.journal.read() if entry.kind == "checkpoint"]
        way = self.random.choice(("first", "last", "both")) if saved else "first"
        if way != "last":
            replay(engine, self.journal.read())
        if way != "first":
            take_up(other, self.journal, saved[-1])
            self.restored += 1
        if way == "both":
            assert state_of(engine) == state_of(other), "I5: a restart from the checkpoint is another one"
        return engine if way == "first" else other

    def _take(self, pump: Pump, event: Any) -> None:
        self.steps += 1
        assert self.steps < STEPS, f"the engine does not come to rest: {event}"
        leaving = pump.take(event)
        for record in leaving:
            if self.say is not None:
                self._word(f"    -> {record}")
        self.watch.step(pump.engine)
        now(pump.send(leaving, self.exchange))

    def _placed(self, order: Any) -> None:
        """An order is at the socket: the last moment to look, and a moment to die, before or after."""
        self.watch.leaves(order)
        if not self.healed and self.random.random() < self.storm.crash:
            raise Crash("at the wire")

    def _again(self) -> None:
        """The process is gone. Time passes, and another one begins; it may die at once."""
        stale = getattr(self, "pump", None)
        while True:
            self.crashes += 1
            self.exchange.pass_time(self.random.choice((0, 1, 5, 30, 600)) * NS_PER_SECOND)
            try:
                self.pump = self._start()
                if stale is not None and self.random.random() < 0.2:
                    self._wakes_late(stale)
                return
            except (Crash, StoreError) as error:
                self._word(f"dies at start: {error}")

    def _word(self, text: str) -> None:
        if self.say is not None:
            self.say(f"{(self.exchange.now_ns - self.begin_ns) / 1e9:>12,.3f} {text}")

    def _wakes_late(self, stale: Pump) -> None:
        """The old process was only asleep: it goes on with what it knows. Nothing of it may leave."""
        engine = stale.engine
        if engine.begin is None:
            return
        prices = np.array([float(self.exchange.price.get(it.symbol, "nan")) for it in UNIVERSE.instruments])
        journal, self.journal = self.journal, stale.journal
        try:
            for event in (Timer(self.exchange.now_ns), Quotes(self.exchange.now_ns, prices)):
                now(stale.send(stale.take(event), self.exchange))
                stale.commit()
        except (Crash, StoreError):
            pass
        finally:
            self.journal = journal

    # ---- the owner --------------------------------------------------------------------------------------------------------

    def _owner(self) -> None:
        """Now and then somebody says something: mostly what the open plan asks for."""
        engine, random = self.pump.engine, self.random
        if self.healed or random.random() > 0.1:
            return
        plan = engine.approval.plan
        if engine.account.differences:
            self._command("settle", options={"how": random.choice(("adopt", "adopt", "ignore"))})
        elif plan is not None and random.random() < 0.7:
            word = random.choice(("approve", "approve", "approve", "reject"))
            self._command(word, plan=plan.id if random.random() < 0.9 else "p0-000000000000")
        elif random.random() < 0.05:
            self._command(random.choice(("pause", "halt", "reduce_only", "flatten")))
        elif random.random() < 0.03:
            kind = random.choice(("macro", "exchange_failure", "regulatory"))
            self._command("flag", options={"kind": kind, "severity": random.randint(1, 3), "seconds": 86_400})
        elif engine.state.value != "running":
            self._command("resume")

    def _command(self, verb: Any, **rest: Any) -> None:
        self.commands += self.healed or self.random.random() > 0.1  # some come twice
        self._take(self.pump, Command(self.exchange.now_ns, f"c{self.commands}", "owner", verb, **rest))

    # ---- the run ------------------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """The storm, the healing, and the end."""
        end = int(self.market.open_ns[-1]) - 4 * self.market.step_ns
        while self.exchange.now_ns < end and not self.exchange.idle():
            try:
                self._owner()
                self._turn()
            except (Crash, StoreError) as error:
                self._word(f"dies: {error}")
                self._again()
        self.healed = True
        self.storm.faults.off()
        self.journal.crash = self.journal.fail = 0.0
        self._rest()
        self.watch.ended(self.pump.engine)

    def _turn(self) -> bool:
        engine = self.pump.engine
        event = now(self.exchange.next(engine.wakes_at(), engine.wants_quotes))
        if event is None:
            return False
        if self.say is not None:
            self._word(_short(event))
        self._take(self.pump, event)
        return True

    def _rest(self) -> None:
        """Everything works again: go on until the tape ends, answering what the engine asks its owner."""
        limit = self.exchange.now_ns + 2 * NS_PER_DAY
        self._command("reconcile")
        while self.exchange.now_ns < limit:
            engine = self.pump.engine
            if engine.account.differences:
                self._command("settle", options={"how": "adopt"})
            elif engine.state.value != "running":
                self._command("resume")
            elif engine.approval.plan is not None:
                self._command("approve", plan=engine.approval.plan.id)
            if self.exchange.idle() and not engine.wakes_at():
                break
            try:
                if not self._turn():
                    break
            except (Crash, StoreError):
                self._again()
        self.pump.commit()


def _short(event: Any) -> str:
    """An event in a line."""
    name = type(event).__name__
    return name if isinstance(event, (Bars, Day, Quotes)) else f"{name} {event}"


def check(seed: int, say: Callable[[str], None] | None = None) -> Schedule:
    """Play a seed; raises AssertionError with the seed where something that must hold does not."""
    try:
        made = Schedule.__new__(Schedule)
        _begin(made, seed, say)
        made.play()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return made


def _begin(made: Schedule, seed: int, say: Callable[[str], None] | None) -> None:
    """A process may die in its first moment, too."""
    try:
        made.__init__(seed, say)  # type: ignore[misc]
    except (Crash, StoreError):
        made._again()


if __name__ == "__main__":
    for word in sys.argv[1:]:
        check(int(word), lambda text: print(text[:300]))  # noqa: T201
        print(f"seed {word}: sound")  # noqa: T201
