"""What operators may ask, and what the engine does about it. Every command is answered, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hedgerow.engine import changes
from hedgerow.engine.flags import view_of
from hedgerow.engine.translate import mandate_of
from hedgerow.errors import ConfigError
from hedgerow.model.command import Answer, Command
from hedgerow.model.mandate import State
from hedgerow.model.plan import Verdict
from hedgerow.units import NS_PER_SECOND

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine


def obey(engine: Engine, command: Command) -> None:
    """Do what the command says, or answer why not."""
    try:
        if command.verb not in VERBS:
            raise ConfigError(f'"{command.verb}" is no command', fix=f"Write one of {', '.join(VERBS)}.")
        text = VERBS[command.verb](engine, command)
    except ConfigError as error:
        engine.emit(Answer(engine.now_ns, command.id, False, str(error)))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # it is journaled by now: what kills this process would kill every one that takes the journal up
        text = f"it cannot be done as it is written ({type(error).__name__}: {str(error)[:200]})"
        engine.emit(Answer(engine.now_ns, command.id, False, text))
    else:
        engine.emit(Answer(engine.now_ns, command.id, True, text))


def _open_plan(engine: Engine, command: Command) -> str:
    """The id of the open plan that the command names; an id may be cut short where it is still the only one."""
    plan = engine.approval.plan
    if plan is None:
        raise ConfigError("no plan is open", fix="hedgerow plans lists them.")
    if not command.plan or not plan.id.startswith(command.plan):
        raise ConfigError(
            f"the open plan is {plan.id}", where=command.plan, fix="Name that one: it is another plan now."
        )
    return plan.id


def _approve(engine: Engine, command: Command) -> str:
    name, plan = _open_plan(engine, command), engine.approval.plan
    assert plan is not None
    if command.plan != name:
        raise ConfigError("an approval names the whole id, which holds the plan's hash", where=command.plan, fix=name)
    if engine.now_ns >= plan.expires_ns:
        raise ConfigError("its time has passed", where=name, fix="Wait for the next plan.")
    if plan.level in ("observe", "advise"):
        raise ConfigError(f'its level is "{plan.level}"', where=name, fix='Give it the level "approve" in the mandate.')
    if engine.state is State.HALTED:
        raise ConfigError("the engine is halted", where=name, fix="hedgerow resume")
    if command.who in engine.approval.said:
        raise ConfigError(f"{command.who} has approved it already", where=name, fix="Another person must.")
    engine.approval.said.append(command.who)
    engine.emit(Verdict(engine.now_ns, name, "approved", command.who, command.text))
    engine.take_up()
    left = plan.approvals - len(engine.approval.said) if engine.approval.plan is not None else 0
    return f"{name} is approved" if left <= 0 else f"{name} is approved by {command.who}; {left} more must agree"


def _reject(engine: Engine, command: Command) -> str:
    name = _open_plan(engine, command)
    engine.approval.plan = None
    engine.fold.drop()
    engine.emit(Verdict(engine.now_ns, name, "rejected", command.who, command.text))
    return f"{name} is rejected"


def _snooze(engine: Engine, command: Command) -> str:
    name = _open_plan(engine, command)
    if command.seconds <= 0:
        raise ConfigError("no time is named", where=name, fix="Write for example 2h.")
    engine.approval.reminds_ns = engine.now_ns + command.seconds * NS_PER_SECOND
    engine.emit(Verdict(engine.now_ns, name, "snoozed", command.who, command.text))
    return f"{name} is asked about again later; it still lapses when its time has passed"


def _state(state: State, why: str) -> Callable[[Engine, Command], str]:
    def change(engine: Engine, command: Command) -> str:
        if state is State.RUNNING and engine.account.differences:
            what = ", ".join(engine.account.differences)
            raise ConfigError(
                f"book and venue differ ({what})", fix="Settle it first: hedgerow settle adopt or ignore."
            )
        engine.change(state, command.who, command.text or why)
        if state is State.HALTED:
            engine.execution.stop(engine.now_ns, "halted", command.who)
        if state is State.RUNNING:
            trusted = engine.trust()
            engine.take_up()
            return "the engine is running" + (", and carries plans out by itself again" if trusted else "")
        return f"the engine is {state.value.replace('_', ' ')}"

    return change


def _flatten(engine: Engine, command: Command) -> str:
    what = command.options.get("what", "futures")
    if what not in ("futures", "all"):
        raise ConfigError(f'"{what}" cannot be flattened', fix="Write futures or all.")
    if engine.execution.busy:
        raise ConfigError("orders are at work", fix="Halt first, and flatten when they are at their end.")
    engine.flatten(sells=what == "all")
    plan = engine.approval.plan or engine.execution.plan
    if plan is None:
        return "there is nothing to flatten"
    return f"{plan.id} is proposed: approve it to carry it out"


def _mandate(engine: Engine, command: Command) -> str:
    changes.use_mandate(engine, mandate_of(command.options))
    return "the mandate is changed"


def _policy(engine: Engine, command: Command) -> str:
    if engine.execution.busy:
        raise ConfigError("orders are at work", fix="Wait until they are at their end.")
    changes.use_policy(engine, command.options.get("policy", ""), command.options.get("weights"))
    engine.give_up("another policy decides from now on", command.who)
    return f"the policy is {engine.policy.name} from the next close on"


def _flag(engine: Engine, command: Command) -> str:
    view = view_of(command.options, engine.now_ns)
    unknown = next((one for one in view.assets if one not in engine.universe.assets), "")
    if unknown:
        raise ConfigError(
            f"{unknown} is not in this portfolio",
            where="flag.assets",
            fix=f"Name of {', '.join(engine.universe.assets)}.",
        )
    if not engine.policy.hedge.views:
        raise ConfigError(f"{engine.policy.name} does not act on views", fix="Give it hedge.views = true.")
    engine.raise_flag(view)
    plan = engine.approval.plan or engine.execution.plan
    seen = f"; {plan.id} is open" if plan is not None and plan.cause == "flag" else ""
    return f"the flag is raised ({view.kind}, severity {view.severity}){seen}"


def _settle(engine: Engine, command: Command) -> str:
    how = command.options.get("how", "")
    if not engine.account.differences:
        raise ConfigError("book and venue do not differ", fix="Nothing is to be settled.")
    if how not in ("adopt", "ignore"):
        raise ConfigError(f'"{how}" is no way to settle it', fix="Write adopt or ignore, or halt the engine.")
    return engine.account.settle(how, engine.now_ns, engine.orders.lag_ns)


def _reconcile(engine: Engine, command: Command) -> str:
    engine.ask_snapshot()
    return "the venue is asked what the account holds"


VERBS: Final[dict[str, Callable[[Engine, Command], str]]] = {
    "approve": _approve,
    "reject": _reject,
    "snooze": _snooze,
    "pause": _state(State.PAUSED, "paused"),
    "resume": _state(State.RUNNING, "resumed"),
    "halt": _state(State.HALTED, "halted"),
    "reduce_only": _state(State.REDUCE_ONLY, "only what lowers exposure is done"),
    "flatten": _flatten,
    "mandate": _mandate,
    "policy": _policy,
    "flag": _flag,
    "settle": _settle,
    "reconcile": _reconcile,
}
