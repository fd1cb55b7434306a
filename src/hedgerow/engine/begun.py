"""Whether a journal is that of the portfolio that somebody wants to run: its rules, markets, terms and first amounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from hedgerow.engine.translate import policy_text, universe_plain
from hedgerow.errors import ConfigError
from hedgerow.model.command import Begin
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Market
from hedgerow.model.policy import Policy
from hedgerow.units import NS_PER_DAY


def refuse_another_policy(holds: Policy, given: Policy) -> None:
    """Refuse to run a portfolio by another policy than it has now. Raises ConfigError."""
    if policy_text(given) != policy_text(holds):
        raise ConfigError(
            f"this portfolio has another one ({holds.name})",
            where="policy",
            fix="Give that one, change it while it runs (hedgerow switch), or begin another portfolio: --portfolio NAME.",
        )


def refuse_another(
    begin: Begin,
    universe: Universe,
    world: str,
    weights: Mapping[str, float],
    holdings: Mapping[str, Any],
    start_ns: int,
) -> None:
    """Refuse a journal that began with other things than these. Raises ConfigError that names the first."""
    held = begin.holdings.get("cash") or "the holdings of its file"
    targets = ", ".join(f"{name} {weight:g}" for name, weight in begin.weights.items())
    for what, ours, theirs, shown in (
        ("assets", list(universe.assets), begin.universe["assets"], ", ".join(begin.universe["assets"])),
        ("world", world, begin.world, begin.world), ("targets", dict(weights), begin.weights, targets),
        ("start", start_ns, begin.at_ns, str(_day(begin.at_ns))), ("capital", dict(holdings), begin.holdings, held),
    ):  # fmt: skip
        if ours != theirs:
            raise ConfigError(
                f"this portfolio was begun with another one ({shown})",
                where=what,
                fix="Give what it began with, or begin another portfolio: --portfolio NAME.",
            )


def more_markets(holds: Universe, given: Universe) -> dict[str, Any] | None:
    """The universe ``given`` as plain data where it has more instruments than ``holds``; None: it is the same. Raises ConfigError where
    one is gone or is another one now.
    """
    plain, before = universe_plain(given), universe_plain(holds)
    if plain == before:
        return None
    there = {one["symbol"]: one for one in plain["instruments"]}
    gone = [one["symbol"] for one in before["instruments"] if there.get(one["symbol"]) != one]
    if gone:
        raise ConfigError(
            f"markets of this portfolio are gone, or have other terms ({', '.join(gone)})",
            where="data",
            fix="Give a folder that has them, with all that they had.",
        )
    return plain


def refuse_shorter(now_ns: int, market: Market) -> None:
    """Refuse data that end before the journal does. Raises ConfigError."""
    step_ns = int(market.open_ns[-1] - market.open_ns[-2]) if len(market.open_ns) > 1 else NS_PER_DAY
    if now_ns > int(market.open_ns[-1]) + 2 * step_ns:  # the last answers come behind the last close
        raise ConfigError(
            f"the journal goes to {_day(now_ns)}, beyond it", where="end", fix="Name a later day, or none."
        )


def _day(at_ns: int) -> date:
    return date(1970, 1, 1) + timedelta(days=at_ns // NS_PER_DAY)
