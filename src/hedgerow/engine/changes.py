"""What may change while a portfolio runs: its mandate, its policy and targets, its markets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hedgerow.engine.translate import policy_of, universe_of
from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel.rules import extra_measures, target_weights
from hedgerow.model import measure
from hedgerow.model.mandate import Mandate
from hedgerow.units import NS_PER_SECOND

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine


def use_mandate(engine: Engine, mandate: Mandate) -> None:
    """Go by another mandate from now on; a plan that has not begun was approved under the one before, and is given up."""
    if engine.approval.plan is not None or (engine.execution.plan is not None and not engine.execution.begun):
        engine.give_up("another mandate holds", "policy")
    engine.mandate = engine.gate.mandate = engine.execution.mandate = engine.approval.mandate = mandate
    engine.orders.lag_ns = int(mandate.lag * NS_PER_SECOND)
    engine.orders.look_ns = int(mandate.look_every * NS_PER_SECOND)


def use_policy(engine: Engine, text: str, weights: Mapping[str, float] | None = None) -> None:
    """Decide by another policy, and other target ``weights`` (None: the same), from the next close on; what the book remembers
    stays. Raises ConfigError.
    """
    policy = policy_of(text)
    if policy.margin.mode != engine.policy.margin.mode:
        raise ConfigError(
            f"its margin mode is {policy.margin.mode}, and the account's is {engine.policy.margin.mode}",
            where="margin.mode", fix="Begin another portfolio for it.",
        )  # fmt: skip
    if weights is not None:
        quote = engine.universe.quote
        engine.weights = target_weights(
            policy, engine.universe.assets, {name: float(one) for name, one in weights.items()}, quote
        )
    extra = extra_measures(policy)
    fold = engine.fold.under(policy, engine.universe, engine.weights, measure.COUNT + len(extra))
    if fold.desk.rules.scalar[k.K_LEVERAGE] != engine.fold.desk.rules.scalar[k.K_LEVERAGE]:
        raise ConfigError(
            "its leverage is another one than the account's", where="leverage", fix="Begin another portfolio for it."
        )
    engine.fold = engine.execution.fold = engine.facts.fold = fold
    if extra != extra_measures(engine.policy):
        assert engine.gauge is not None
        engine.gauge = engine.gauge.with_extra(extra)
    engine.policy = policy
    engine.row = np.zeros((0, 0))  # a flag acts from the next close on: the last day's measures are another policy's


def use_markets(engine: Engine, plain: dict[str, Any]) -> None:
    """Go by another universe, which has all instruments of the present one."""
    assert not engine.execution.busy, "orders are at work"
    universe = universe_of(plain)
    fold = engine.fold.under(engine.policy, universe, engine.weights, engine.fold.desk.work.measure.shape[0])
    engine.fold = engine.execution.fold = engine.facts.fold = fold
    engine.universe = universe
