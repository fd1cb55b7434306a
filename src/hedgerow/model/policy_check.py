"""What a policy's rows must agree on: votes that exist, thresholds in the unit of their measure, a whole regime table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hedgerow import units
from hedgerow.model import measure as measures

if TYPE_CHECKING:
    from hedgerow.model.policy import Policy

# functions of TA-Lib that take one period, in lower case
_PERIODIC: Final = (
    "adx",
    "atr",
    "cci",
    "cmo",
    "ema",
    "mfi",
    "mom",
    "natr",
    "roc",
    "rsi",
    "sma",
    "trix",
    "willr",
    "wma",
)


def threshold(value: float | str, measure: str, where: str) -> float:
    """A threshold in the unit of its measure, as the kernel computes it. Raises ``ValueError`` with the fix."""
    if measure.startswith("talib:"):
        return units.parse(value, "")
    index = measures.INDEX.get(measure)
    if index is None:
        hint = near(measure, measures.INDEX)
        written = re.fullmatch(r"([a-z]+)[ _]?(\d+)", measure.lower())
        if written and written[1] in _PERIODIC:
            name = f"talib:{written[1].upper()}({written[2]})"
            known = hint if "did you mean" in hint else ""
            hint = f"; TA-Lib has it: {name}, with a bare number as threshold{known}"
        raise ValueError(f'{where}: unknown measure "{measure}"{hint}')
    try:
        return units.parse(value, measures.MEASURES[index].unit)
    except ValueError as error:
        raise ValueError(f"{where}.threshold ({measure}): {error}") from None


def near(name: str, known: Any) -> str:
    """A hint with the closest known names, or where to find them all."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known are {', '.join(list(known)[:60])}"


def check_votes(policy: Policy) -> None:
    """Every vote that is named stands in the policy, above the composite that counts it. Raises ``ValueError``."""
    known: list[str] = []
    for name, vote in policy.vote.items():
        if vote.measure:
            threshold(vote.threshold, vote.measure, f"vote.{name}")
        for part in vote.of:
            if part not in known:
                raise ValueError(f'vote.{name}.of: "{part}" is not a vote that stands above it{near(part, known)}')
        known.append(name)
    if len(known) > 62:
        raise ValueError(f"a policy may have 62 votes; this one has {len(known)}")
    uses: list[tuple[str, tuple[str, ...]]] = [("dwell_override", policy.dwell_override)]
    uses.append(("guard.carry_confirmed_by", policy.guard.carry_confirmed_by))
    uses.append(("hedge.paid_cap_unless", policy.hedge.paid_cap_unless))
    uses.append(("deploy.when", policy.deploy.when.names()))
    if policy.hedge.trend:
        uses.append(("hedge.trend", (policy.hedge.trend.enter, policy.hedge.trend.leave)))
    for name, row in policy.regime.items():
        for part, gate in (("enter", row.enter), ("leave", row.leave), ("leave_shock", row.leave_shock)):
            uses.append((f"regime.{name}.{part}", gate.names() if gate else ()))
        uses += [(f"regime.{name}.shock", row.shock), (f"regime.{name}.failed_by", row.failed_by)]
    uses += [(f"trim.{name}.when", row.when.names()) for name, row in policy.trim.items() if row.when]
    uses += [(f"reinforce.{name}.when", row.when.names()) for name, row in policy.reinforce.items()]
    for name, step in policy.ladder.items():
        uses.append((f"ladder.{name}", (step.vote, *(step.when.names() if step.when else ()))))
    for where, names in uses:
        for vote_name in names:
            if vote_name not in policy.vote:
                raise ValueError(f'{where}: there is no vote "{vote_name}"{near(vote_name, policy.vote)}')


def check_regimes(policy: Policy) -> None:
    """The regime table has a fallback, rising ranges and known rows. Raises ``ValueError``."""
    if not policy.regime:
        return
    rows = list(policy.regime.items())
    if rows[-1][1].enter is not None:
        raise ValueError(f"regime.{rows[-1][0]}: the last row is the fallback and must have no `enter`")
    for name, row in rows:
        low, high = row.hedge
        if not 0.0 <= low <= high <= 1.0:
            shown = f"{units.show(low, '%')} to {units.show(high, '%')}"
            raise ValueError(f"regime.{name}.hedge: must rise within 0 % and 100 %, got {shown}")
        for other in row.comes_from + row.after:
            if other not in policy.regime:
                raise ValueError(f'regime.{name}.from/after: there is no regime "{other}"{near(other, policy.regime)}')
