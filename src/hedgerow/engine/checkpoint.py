"""The engine's state as a row of its journal, so that a restart need not begin at the first row.

It is made where nothing is at work, by the engine itself and from events alone: whoever replays the whole journal makes it again,
byte for byte, and a journal in which it is another one does not replay. What it leaves out is what it may forget by then: orders that
are over, and ids of facts of weeks ago.
"""

from __future__ import annotations

import base64
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hedgerow.engine import changes, flags
from hedgerow.engine.gate import Sent
from hedgerow.engine.translate import mandate_of, policy_text, universe_plain
from hedgerow.errors import Mismatch
from hedgerow.kernel import arrays as k
from hedgerow.model.codec import decode, encode
from hedgerow.model.command import Alert, Checkpoint
from hedgerow.model.mandate import State
from hedgerow.model.plan import Plan
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine
    from hedgerow.engine.fold import Fold

EVERY: Final = 5_000  # events between two of them
QUIET_NS: Final = 600 * NS_PER_SECOND  # since the last order ended: a report that is later than that is told of
REMEMBERED_NS: Final = 14 * NS_PER_DAY  # ids of facts: venues tell the last days again
_LEFT_OUT: Final = (
    "log",
    "day_out",
    "asset_out",
    "bits_out",
    "legs",
)  # of the fold's blocks: written before they are read
_PLAIN: Final = ("now_ns", "caution", "token")


def is_quiet(engine: Engine) -> bool:
    """Whether nothing is at work whose state is more than the book and a plan."""
    execution = engine.execution
    busy = engine.orders.alive or execution.busy or execution.unhedged.since_ns or engine.is_late or engine.is_flagged
    return not busy and engine.now_ns - engine.orders.ended_ns > QUIET_NS


def take(engine: Engine) -> Checkpoint:
    """The state, after the engine has forgotten what it may. Only where ``is_quiet``."""
    engine.orders.known.clear()
    engine.fold.legs[int(engine.fold.desk.work.counts[0]) :] = 0.0
    engine.facts.forget(engine.now_ns - REMEMBERED_NS)
    engine.facts.known = dict(sorted(engine.facts.known.items()))  # as it is read again
    engine.gate.forget(engine.now_ns)
    return Checkpoint(engine.now_ns, state_of(engine))


def state_of(engine: Engine) -> dict[str, Any]:
    """All that a quiet engine is, as plain data."""
    execution, approval, gate = engine.execution, engine.approval, engine.gate
    state: dict[str, Any] = {name: getattr(engine, name) for name in _PLAIN}
    state |= {
        "state": engine.state.value, "plans": engine.plans, "policy": policy_text(engine.policy),
        "weights": engine.weights, "universe": universe_plain(engine.universe),
        "mandate": engine.mandate.model_dump(mode="json", exclude_defaults=True),
        "ready": engine.account.ready, "again_ns": engine.account.again_ns,
        "differences": _items(engine.account.differences), "first": _items(engine.account.first),
        "ignored": [[name, str(amount)] for name, amount in engine.account.ignored.items()],
        "alerts": [encode(one) for one in engine.alerts], "passing": sorted(engine.alerts.passing),
        "open": encode(approval.plan) if approval.plan else "", "said": list(approval.said), "reminds_ns": approval.reminds_ns,
        "spent": [approval.unasked[0], str(approval.unasked[1])],
        "working": encode(execution.plan) if execution.plan else "", "begun": execution.begun, "number": execution.number,
        "prefix": execution.prefix, "made": execution.made, "quoted_ns": execution.quoted_ns,
        "depth": None if execution.depth is None else _text(execution.depth),
        "sent": [[one.at_ns, one.instrument, str(one.notional)] for one in gate.sent],
        "elsewhere": [gate.day, {name: str(amount) for name, amount in gate.elsewhere.items()}],
        "row": _text(engine.row), "flags": [flags.plain(one) for one in engine.flags],
        "facts": engine.facts.known, "ended_ns": engine.orders.ended_ns,
        "day": encode(engine.day) if engine.day else "", "fold": _blocks(engine.fold), "decided": engine.fold.decided_ns,
    }  # fmt: skip
    return state


def give(engine: Engine, checkpoint: Checkpoint) -> None:
    """Let an engine that has begun stand where the checkpoint does. Raises Mismatch for one of another shape."""
    state = checkpoint.state
    if state["universe"] != universe_plain(engine.universe):
        changes.use_markets(engine, state["universe"])
    if state["weights"] != engine.weights or state["policy"] != policy_text(engine.policy):
        engine.weights = dict(state["weights"])
        changes.use_policy(engine, state["policy"])
    changes.use_mandate(engine, mandate_of(state["mandate"]))
    for name in _PLAIN:
        setattr(engine, name, state[name])
    engine.state, engine.plans = State(state["state"]), state["plans"]
    engine.account.ready, engine.account.again_ns = state["ready"], state["again_ns"]
    engine.account.differences, engine.account.first = _amounts(state["differences"]), _amounts(state["first"])
    engine.account.ignored = {name: Decimal(amount) for name, amount in state["ignored"]}
    alerts: list[Alert] = [decode("alert", one) for one in state["alerts"]]
    engine.alerts.standing, engine.alerts.passing = {one.key: one for one in alerts}, set(state["passing"])
    execution, approval, gate = engine.execution, engine.approval, engine.gate
    approval.plan, approval.said, approval.reminds_ns = _plan(state["open"]), list(state["said"]), state["reminds_ns"]
    approval.unasked = (state["spent"][0], Decimal(state["spent"][1]))
    execution.plan, execution.begun, execution.number = _plan(state["working"]), state["begun"], state["number"]
    execution.prefix, execution.made, execution.quoted_ns = state["prefix"], state["made"], state["quoted_ns"]
    execution.depth = None if state["depth"] is None else np.frombuffer(base64.b64decode(state["depth"])).copy()
    gate.sent = deque(Sent(at, name, Decimal(amount)) for at, name, amount in state["sent"])
    gate.day, others = state["elsewhere"]
    gate.elsewhere = {name: Decimal(amount) for name, amount in others.items()}
    engine.facts.known, engine.orders.ended_ns = dict(state["facts"]), state["ended_ns"]
    engine.day = decode("day", state["day"]) if state["day"] else None
    assets = len(engine.universe.assets)
    engine.row = np.frombuffer(base64.b64decode(state["row"])).reshape(-1, assets).copy()
    engine.flags = [flags.of_plain(one) for one in state["flags"]]
    _lay(engine.fold, state["fold"])
    engine.fold.decided_ns = state["decided"]


def _plan(text: str) -> Plan | None:
    return decode("plan", text) if text else None


def _items(items: dict[str, tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[name, str(ours), str(theirs)] for name, (ours, theirs) in items.items()]  # a table would lose their order


def _amounts(plain: list[list[str]]) -> dict[str, tuple[Decimal, Decimal]]:
    return {name: (Decimal(ours), Decimal(theirs)) for name, ours, theirs in plain}


def _named(fold: Fold) -> dict[str, Any]:
    """The fold's blocks that outlive an event, by name; of the legs those that there are."""
    desk = fold.desk
    blocks = desk.book._asdict() | {f"work_{name}": block for name, block in desk.work._asdict().items()}
    blocks |= {f"tick_{name}": block for name, block in desk.tick._asdict().items()}
    return {
        name: block
        for name, block in blocks.items()
        if name.rpartition("_")[2] not in _LEFT_OUT and not name.endswith("_out")
    }


def _text(block: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(block).tobytes()).decode()


def _blocks(fold: Fold) -> dict[str, str]:
    count = int(fold.desk.work.counts[0])
    return {name: _text(block) for name, block in _named(fold).items()} | {"legs": _text(fold.legs[:count])}


def _lay(fold: Fold, texts: dict[str, str]) -> None:
    for name, block in _named(fold).items():
        raw = base64.b64decode(texts.get(name, ""))
        if len(raw) != block.nbytes:
            raise Mismatch(f"the journal's checkpoint has another shape ({name}): it is of another version")
        block[...] = np.frombuffer(raw, block.dtype).reshape(block.shape)
    legs = np.frombuffer(base64.b64decode(texts["legs"])).reshape(-1, k.LEG)
    fold.legs[:] = 0.0
    fold.legs[: legs.shape[0]] = legs
