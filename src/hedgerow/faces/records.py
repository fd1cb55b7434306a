"""The JSON of a backtest and of a decision: the contract that programs read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from hedgerow import __version__
from hedgerow.faces.attribution import ATTRIBUTION, SLEEVE, effects_record, hedging_record, split_record
from hedgerow.faces.buffer import account_record, ladder_record
from hedgerow.model.report import PARTS, Comparison, LegRecord, Run
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND

if TYPE_CHECKING:
    from hedgerow.research.decision import Decision


# reasons of what the risk clock or the venue does, between two daily decisions
RISK: Final = frozenset((
    "margin_in", "pair_reduce", "flatten", "carry_margin", "liquidated", "settled", "deleveraged", "repaid", "reopened",
))  # fmt: skip


def stamp(ns: int) -> str:
    """A moment as ISO text in UTC, to the second."""
    return datetime.fromtimestamp(ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(ns: int) -> str:
    """A daily bar by its opening date."""
    return stamp(ns)[:10]


def backtest_record(comparison: Comparison) -> dict[str, Any]:
    """JSON of ``hedgerow backtest``: value, metrics, benchmarks, attribution, decisions, coverage."""
    run = comparison.subject
    return {
        "hedgerow": __version__,
        "policy": run.policy,
        "simulated": run.simulated,
        "high_risk": run.leverage > 1.0,
        "quote": run.quote,
        "assets": list(run.assets),
        "start": day(int(run.days_ns[0])),
        "end": day(int(run.days_ns[-1])),
        "value": {"start": run.start_value, "end": float(run.nav[-1])},
        "account": account_record(run.margin, run.leverage) | {"ladder": ladder_record(run)},
        "metrics": comparison.metrics,
        "benchmarks": comparison.benchmark_metrics,
        "attribution": attribution(run) | split_record(comparison),
        "counterfactuals": effects_record(comparison),
        "hedging": hedging_record(comparison),
        "decisions": decisions(run),
        "coverage": run.coverage,
    }


def is_cross(leg: LegRecord) -> bool:
    """Whether the leg trades a contract of another asset than the one that it is for."""
    return leg.instrument.partition("/")[0].partition(" ")[0] != leg.asset


def attribution(run: Run) -> dict[str, Any]:
    """The change of value by its parts, in all and by asset, and what is left over (rounding of float64)."""
    column = {name: i for i, name in enumerate(PARTS)}
    groups = ATTRIBUTION | SLEEVE
    total = {name: float(sum(run.parts[-1, column[part]] for part in parts)) for name, parts in groups.items()}
    change = float(run.nav[-1]) - run.start_value
    by_asset = {
        asset: {
            name: float(sum(run.parts_by_asset[a, column[part]] for part in parts)) for name, parts in groups.items()
        }
        for a, asset in enumerate(run.assets)
    }
    return total | {"change": change, "residual": change - sum(total.values()), "by_asset": by_asset}


def decisions(run: Run) -> list[dict[str, Any]]:
    """One entry a completed day, and one for each bar on which the risk clock acted, in the order of time."""
    by_day: dict[int, list[LegRecord]] = {}
    risk: dict[int, list[LegRecord]] = {}
    for leg in (*run.legs, *run.refusals):
        if leg.reason in RISK:
            risk.setdefault(leg.filled_ns or leg.decided_ns, []).append(leg)
        else:
            by_day.setdefault(leg.day, []).append(leg)
    entries = [(int(ns) + NS_PER_DAY, _daily(run, d, by_day.get(d, []))) for d, ns in enumerate(run.days_ns)]
    entries += [(ns, {"at": stamp(ns), "clock": "risk", **_split(legs)}) for ns, legs in risk.items()]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def _split(legs: list[LegRecord]) -> dict[str, Any]:
    return {
        "legs": _legs(leg for leg in legs if not leg.refused),
        "refusals": _legs(leg for leg in legs if leg.refused),
    }


def _daily(run: Run, d: int, legs: list[LegRecord]) -> dict[str, Any]:
    assets = {}
    for a, name in enumerate(run.assets):
        state = int(run.regime[d, a])
        assets[name] = {
            "regime": run.regimes[state] if 0 <= state < len(run.regimes) else "",
            "weight": float(run.weight[d, a]),
            "h_intended": float(run.h_intended[d, a]),
            "h_achieved": float(run.h_achieved[d, a]),
            "votes": [vote for vote, answers in run.votes.items() if answers[d, a] == 1],
            "abstained": [vote for vote, answers in run.votes.items() if answers[d, a] == -1],
        }
    market = int(run.market_regime[d])
    return {
        "at": day(int(run.days_ns[d])),
        "clock": "daily",
        "value": float(run.nav[d]),
        "regime": run.regimes[market] if 0 <= market < len(run.regimes) else "",
        "assets": assets,
        **_split(legs),
    }


def leg_record(leg: LegRecord) -> dict[str, Any]:
    """A leg or a refusal."""
    record = {
        "instrument": leg.instrument, "asset": leg.asset, "kind": leg.kind, "side": leg.side, "amount": leg.amount, "price": leg.price,
        "notional": leg.notional, "reason": leg.reason, "row": leg.row, "measured": leg.measured, "threshold": leg.threshold,
        "unit": leg.unit, "cost": leg.cost, "sentence": leg.sentence,
    }  # fmt: skip
    if leg.refused:
        record["refused"] = leg.refused
    elif leg.filled_ns:
        record["filled"] = stamp(leg.filled_ns)
    if leg.sleeve:
        record["sleeve"] = leg.sleeve
    return record


def _legs(legs: Iterable[LegRecord]) -> list[dict[str, Any]]:
    return [leg_record(leg) for leg in legs]


def decision_record(decision: Decision, *, stages: bool) -> dict[str, Any]:
    """JSON of ``hedgerow plan``; with ``stages``, of ``hedgerow explain``."""
    record: dict[str, Any] = {
        "hedgerow": __version__,
        "policy": decision.policy,
        "simulated": decision.simulated,
        "high_risk": decision.leverage > 1.0,
        "at": day(decision.day_ns),
        "quote": decision.quote,
        "value": decision.value,
        "regime": decision.regime,
        "legs": _legs(decision.legs),
        "refusals": _legs(decision.refusals),
        "before": decision.before,
        "after": decision.after,
        "account": account_record(decision.margin, decision.leverage),
        "transfers": decision.transfers,
        "scenarios": decision.scenarios,
    }
    if stages:
        rows = {asset: {"row": name, "unit": unit} for asset, (name, unit) in decision.trims.items()}
        record["stages"] = decision.stages | {
            "trigger": {asset: rows[asset] | found for asset, found in decision.stages["trigger"].items()}
        }
    return record
