"""The engine: the fold of a portfolio's journal, and what it makes of each event. No clock, no chance, no network.

    feed(event) -> records        to be written, in order; orders and cancels among them leave when they are durable

State is a function of the events alone, so a restart is a replay, and an audit is one, too. *Now* is the time of the last event.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from hedgerow.engine import changes, checkpoint
from hedgerow.engine.account import Account
from hedgerow.engine.alerts import Alerts
from hedgerow.engine.approval import Approval
from hedgerow.engine.commands import obey
from hedgerow.engine.execution import Execution
from hedgerow.engine.facts import Facts
from hedgerow.engine.flags import flagged
from hedgerow.engine.fold import Fold, fold_of, gauge_of
from hedgerow.engine.gate import Gate
from hedgerow.engine.gauge import Gauge
from hedgerow.engine.orders import Orders
from hedgerow.engine.planning import plan_of
from hedgerow.engine.translate import mandate_of, policy_of, terms_of, universe_of
from hedgerow.errors import Mismatch
from hedgerow.kernel.rules import extra_measures
from hedgerow.model.account import Snapshot
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import Begin, Change, Checkpoint, Command, Elsewhere, Markets, Timer, Trouble, Wake
from hedgerow.model.event import Fill, Flow, Funding, Transfer
from hedgerow.model.mandate import State
from hedgerow.model.market import Floats
from hedgerow.model.order import Order, Report, Status
from hedgerow.model.plan import Cause, Verdict
from hedgerow.signals.views import View
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND

ZERO: Final = Decimal(0)


class Engine:
    """One portfolio. ``gauge`` measures days; one that has learnt the days to come is faster, and has the same bits. After so
    many events (``every``) it writes a checkpoint, where nothing is at work.
    """

    def __init__(self, gauge: Gauge | None = None, every: int = checkpoint.EVERY) -> None:
        self.gauge, self._every = gauge, every
        self.now_ns = 0
        self.state = State.RUNNING
        self.alerts = Alerts(self.emit)
        self.begin: Begin | None = None
        self.token = 0
        self.caution = ""  # why no plan is carried out unasked
        self.looks: list[Order] = []
        self._made: list[Any] = []
        self._events = 0  # since the last checkpoint
        self.plans = 0
        self.day: Day | None = None  # the day that the next bars decide
        self.row: Floats = np.zeros((0, 0))  # the measures [M, A] of the last close, without flags
        self.flags: list[View] = []  # views that came while it runs
        self.is_flagged = False  # the last day is to be decided again with them
        self.is_late = False  # a day closed while a plan was at work: it is decided when no order is left
        self._feeds: dict[type, Callable[[Any], None]] = {
            Begin: self._begin, Wake: self._wake, Timer: self._timer, Quotes: self._quotes, Bars: self._bars,
            Day: self._day_done, Report: self._report, Funding: self._fact, Fill: self._fact, Transfer: self._fact,
            Flow: self._fact, Command: self._command, Trouble: self._trouble, Snapshot: self._snapshot,
            Elsewhere: self._elsewhere, Markets: self._markets,
        }  # fmt: skip

    # ---- what the world may ask -----------------------------------------------------------------------------------------

    def feed(self, event: Any) -> list[Any]:
        """Take an event in; returns the records that it makes."""
        self.now_ns = max(self.now_ns, event.at_ns)
        made: list[Any] = []
        self._made = made
        self._feeds[type(event)](event)
        self._events += 1
        if self._events >= self._every and self._begun.world != "backtest" and checkpoint.is_quiet(self):
            self._events = 0
            self.emit(checkpoint.take(self))
        return made

    def restore(self, begin: Begin, saved: Checkpoint) -> None:
        """Stand where a checkpoint of the journal does. Raises Mismatch where this version cannot."""
        self._begin(begin)
        checkpoint.give(self, saved)

    def wakes_at(self) -> int:
        """When the engine wants a ``Timer``; 0: it waits for the world."""
        if self.begin is None:
            return 0
        times = (self.orders.wakes_at(), self.execution.wakes_at(), self.approval.wakes_at(), self.account.again_ns)
        return min((one for one in times if one), default=0)

    @property
    def wants_quotes(self) -> bool:
        """Whether a plan waits for prices."""
        return self.begin is not None and self.execution.plan is not None and self._may_go_on()

    def _may_go_on(self) -> bool:
        """Whether the plan may go on at prices: a pause lets one that has begun."""
        paused = self.state is State.PAUSED and not self.execution.begun
        return self.account.ready and self.state is not State.HALTED and not paused

    def take_looks(self) -> list[Order]:
        """The orders that are to be looked up now; they are given once."""
        looks, self.looks = self.looks, []
        return looks

    def take_snapshot(self) -> bool:
        """Whether the venue is to be asked what the account holds; it is said once, until that comes."""
        if self.begin is None:
            return False
        wanted, self.account.asks = self.account.asks, False
        return wanted

    # ---- begin and wake -------------------------------------------------------------------------------------------------

    def _begin(self, begin: Begin) -> None:
        assert self.begin is None, "a portfolio begins once"
        policy, universe = policy_of(begin.policy), universe_of(begin.universe)
        mandate, extra = mandate_of(begin.mandate), extra_measures(policy)
        self.begin, self.policy, self.universe, self.mandate = begin, policy, universe, mandate
        self.weights = dict(begin.weights)
        self.gauge = self.gauge or gauge_of(policy, universe, extra)
        self.fold: Fold = fold_of(policy, universe, begin.weights, begin.holdings, extra)
        self.orders = Orders(int(mandate.lag * NS_PER_SECOND), int(mandate.look_every * NS_PER_SECOND))
        self.gate = Gate(mandate)
        self.execution = Execution(
            self.fold, self.orders, mandate, self.gate, self.emit, self.alerts, f"{begin.install}t0x", policy.margin.mode,
            terms_of(begin.venue), self.step_down,
        )  # fmt: skip
        self.approval = Approval(mandate, self.emit)
        self.facts = Facts(self.fold, self.alerts, self.step_down)
        self.account = Account(self.facts, policy.margin.mode, self.alerts, self.emit, self.step_down)

    def _wake(self, wake: Wake) -> None:
        """A process took the portfolio up: whatever was on its way may have arrived or not."""
        self.token = wake.token
        self.execution.prefix = f"{self._begun.install}t{wake.token:x}x"
        self.looks = [live.order for live in self.orders.doubt_all(self.now_ns)]
        if self.execution.task is not None:
            self.execution.park()
        self.account.doubt(self.now_ns, self.orders.lag_ns)

    def ask_snapshot(self) -> None:
        """Ask the venue what the account holds."""
        self.account.ask(self.now_ns, self.orders.lag_ns)

    @property
    def _begun(self) -> Begin:
        if self.begin is None:
            raise Mismatch("the journal does not begin with its first row")
        return self.begin

    # ---- the market -----------------------------------------------------------------------------------------------------

    def _quotes(self, quotes: Quotes) -> None:
        if self.execution.plan is not None and not self.execution.begun:
            self.approval.recheck(self.execution, self.fold, quotes)
        if self.execution.plan is None or not self._may_go_on():
            self.fold.note(quotes)
        else:
            self.execution.quotes(quotes, self.state)
        self._settle()

    def _day_done(self, day: Day) -> None:
        assert self.gauge is not None
        closed_ns = day.day_ns + NS_PER_DAY
        decide = day.decide and self.now_ns - closed_ns <= self.mandate.stale_hours * NS_PER_HOUR
        self.row = self.gauge.row(day)
        self.flags = [one for one in self.flags if one.until_ns > closed_ns]
        self.fold.day(day, self._flagged(closed_ns), decide=decide)
        self.day = day if decide else None

    def _flagged(self, at_ns: int) -> Floats:
        """The measures of the last close, with the flags that live."""
        venue = self.universe.instruments[0].venue
        return flagged(self.row, self.flags, at_ns, self.universe.assets, venue)

    def raise_flag(self, view: View) -> None:
        """A view came: the last day is decided again with it, as soon as nothing is at work."""
        self.flags.append(view)
        self.is_flagged = self.row.size > 0
        self._settle()

    def _bars(self, bars: Bars) -> None:
        """A step closed. A day that completes with it is decided, or, while orders are alive, when they are at their end."""
        decides = self.day is not None and self.day.at_ns == bars.at_ns
        busy = self.execution.busy
        if decides and not busy:
            self.day = None
        if busy and not self.fold.waiting():
            self.execution.detach()  # the margin ladder may begin a plan of its own
        waiting = self.fold.close(bars, decide=decides and not busy)
        if decides and busy:
            self.day, self.is_late = None, True
            self.execution.stop(self.now_ns, "a new day is decided")
        elif decides:
            self._plan("day")
            if self._begun.world != "backtest":
                self.ask_snapshot()
        elif waiting and self.fold.new_legs(self.plans):
            self._plan("margin")
        self._settle()

    def _settle(self) -> None:
        """Forget the legs of a plan that is over, and decide what had to wait, as soon as no order is at work."""
        if self.approval.plan is None and self.execution.plan is None and self.execution.task is None:
            self.fold.drop()
            if self.account.ready and not self.execution.busy:
                self.execution.sweep(self.now_ns, self.state)
        if self.is_late and self.execution.task is None:
            self.is_late = self.is_flagged = False
            self.execution.detach()
            self.fold.decide()
            self._plan("day")
            self.ask_snapshot()
        if self.is_flagged and not self.execution.busy and self.execution.plan is None:
            self.is_flagged = False
            self.fold.flag(self._flagged(self.now_ns), whole=self.approval.plan is not None)
            self._plan("flag")

    def _plan(self, cause: Cause) -> None:
        """The legs that wait become a plan, in place of the one that there was."""
        self.give_up("", "policy")
        if not self.fold.waiting():
            return
        self.alerts.plan_over(self.now_ns)
        self.plans += 1
        spent = self.approval.spent(self.now_ns // NS_PER_DAY)
        name = f"p{self.plans}"
        self.fold.number(self.plans)
        plan = plan_of(self.fold, self.mandate, self.now_ns, cause, name, spent, unasked=not self.caution)
        self.emit(plan)
        if self.mandate.most_plan is not None and plan.notional > self.mandate.most_plan:
            text = f"{plan.id} trades {plan.notional:.2f}, more than the mandate's most_plan, {self.mandate.most_plan}: not done"
            self.alerts.tell(self.now_ns, "most_plan", "warning", text, passing=True)
        self.approval.propose(plan, self.now_ns)
        self.take_up()

    def take_back(self, why: str) -> None:
        """A plan that no person approved, and that has not begun, is not carried out."""
        if self.approval.said == ["policy"] and not self.execution.begun:
            self.give_up(why, "policy")

    def give_up(self, why: str, who: str) -> None:
        """The plan that there is makes room for another one."""
        plan = self.approval.plan or self.execution.plan
        if plan is not None:
            self.emit(Verdict(self.now_ns, plan.id, "superseded", who, why))
        self.approval.plan = self.execution.plan = None

    def take_up(self) -> None:
        """Begin the plan that is approved, if the state lets it and the account is known."""
        plan = self.approval.approved(self.now_ns)
        if plan is not None and self.account.ready and self.state in (State.RUNNING, State.REDUCE_ONLY):
            self.approval.plan = None
            self.execution.begin(plan, self.plans)

    # ---- what venues say ------------------------------------------------------------------------------------------------

    def _report(self, report: Report) -> None:
        live = self.orders.known.get(report.id)
        if live is None:
            self.alerts.tell(
                self.now_ns,
                f"order {report.id}",
                "critical",
                f"the venue reports an order that is not known: {report.id}",
            )
            return
        step = self.orders.take(report)
        if step.wrong:
            self.alerts.tell(
                self.now_ns,
                f"order {report.id}",
                "critical",
                f"order {report.id} on {live.order.instrument}: {step.wrong}",
            )
            if self.state is not State.HALTED:
                self.change(State.REDUCE_ONLY, "policy", "a venue contradicts itself")
            self.step_down(f"order {report.id} on {live.order.instrument}: {step.wrong}")
        elif step.doubt:
            self.alerts.tell(
                self.now_ns,
                f"order {report.id}",
                "warning",
                f"order {report.id} on {live.order.instrument} is unanswered",
            )
        elif live.status is not Status.DOUBT:
            self.alerts.over(self.now_ns, f"order {report.id}")
        if step.ended:
            self.orders.ended_ns = self.now_ns
        self.execution.reported(live, step, self.now_ns, self.state)
        self._settle()

    def _timer(self, timer: Timer) -> None:
        self.looks = [live.order for live in self.orders.due(self.now_ns)]
        for order in self.looks:
            if self.orders.known[order.id].status is Status.DOUBT:
                self.alerts.tell(
                    self.now_ns, f"order {order.id}", "warning", f"order {order.id} on {order.instrument} is in doubt"
                )
        if 0 < self.account.again_ns <= self.now_ns:
            self.ask_snapshot()
        self.execution.timer(self.now_ns, self.state)
        self.approval.timer(self.now_ns)
        self._settle()

    def _fact(self, fact: Funding | Fill | Transfer | Flow) -> None:
        self.facts.take(fact, self.now_ns)

    def _snapshot(self, snapshot: Snapshot) -> None:
        if self.account.seen(snapshot, self.now_ns, self.orders.lag_ns, moves=bool(self.orders.alive)):
            self.take_up()

    def flatten(self, *, sells: bool) -> None:
        """Propose a plan that covers every short, and ``sells`` all coins that may be sold."""
        self.fold.flatten(sells=sells)
        self._plan("operator")

    def _markets(self, markets: Markets) -> None:
        """More contracts can be traded from the next close on; the open plan knows none of them, and is given up."""
        changes.use_markets(self, markets.universe)
        self.give_up("there are more markets", "policy")

    # ---- people ---------------------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        if not self.facts.is_known(f"command {command.id}", self.now_ns):
            obey(self, command)

    def _elsewhere(self, other: Elsewhere) -> None:
        self.gate.day, self.gate.elsewhere = other.at_ns // NS_PER_DAY, dict(other.traded)

    def _trouble(self, trouble: Trouble) -> None:
        if trouble.over:
            self.alerts.over(self.now_ns, trouble.key)
        else:
            self.alerts.tell(self.now_ns, trouble.key, "warning", trouble.text)

    # ---- what is made ---------------------------------------------------------------------------------------------------

    def emit(self, record: Any) -> None:
        """Take a record that is to be written, and sent where it is an order or a cancel."""
        self._made.append(record)

    def step_down(self, text: str) -> None:
        """Something is not as it should be: from now on a person approves every plan, until one says resume."""
        mandate = self.mandate
        levels = {mandate.autonomy, *mandate.by_reason.values(), *mandate.by_asset.values()}
        if self._begun.world != "backtest" and "auto" in levels:
            self.caution = text
            self.take_back("until somebody says resume, plans wait for approval")
            self.alerts.tell(
                self.now_ns, "caution", "critical", f"plans wait for approval until somebody says resume: {text}"
            )

    def trust(self) -> bool:
        """A person has looked at it: the mandate's autonomy holds again. True: it had not."""
        before, self.caution = self.caution, ""
        for key in [one.key for one in self.alerts]:
            kind, _, name = key.partition(" ")
            if kind in ("caution", "liquidation", "deleveraged") or (kind == "order" and name not in self.orders.alive):
                self.alerts.over(self.now_ns, key)
        return bool(before)

    def change(self, state: State, who: str, why: str) -> None:
        """Go over to another state; ``who`` did it, and why."""
        if state is not self.state:
            self.state = state
            self.emit(Change(self.now_ns, state, who, why))
