"""A small made market, and the JSON records of the commands on it: what docs/reference/json.md describes."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from hedgerow import policies, wire
from hedgerow.faces import records as made
from hedgerow.faces import text
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import LegRecord

ASSETS = ("BTC", "ETH")
NAMING = (
    "votes",
    "regime_days",
    "blocked_by_reason",
    "assets",
    "breadth",
    "by_asset",
    "margin",
    "transfers",
    "benchmarks",
)


def records() -> dict[str, Mapping[str, Any]]:
    """Title -> the record that a command writes, from a market of 420 days of which the last 40 are run."""
    from hedgerow.research.simulate import simulate, write

    with tempfile.TemporaryDirectory() as folder:
        market = simulate(seed=3, assets=ASSETS, start=date(2021, 1, 1), days=420, scenario="crash", step_hours=8)
        write(market, Path(folder))
        recorded = wire.recorded(Path(folder), ASSETS, date(2022, 1, 16), date(2022, 2, 24))
    wire.prepare(1_000)
    from hedgerow.kernel.rules import target_weights
    from hedgerow.research.compare import compare
    from hedgerow.research.decision import plan_for

    subject = policies.load("balanced")
    others = {name: one for name, one in wire.benchmarks().items() if name in ("B2", "B4")}
    weights = target_weights(subject, ASSETS, None, "USDT")
    stage = wire.stage_of(recorded, [subject, *others.values()])
    comparison = compare(subject, others, stage, capital=100_000.0, weights=weights)
    held = Portfolio.model_validate({
        "spot": {"BTC": {"amount": 10, "protected": 1}, "ETH": {"amount": 40}, "USDT": {"amount": 90_000}},
        "futures": {"BTC/USDT:USDT": {"amount": -1, "entry": 9_000, "collateral": 9_000}},
    })  # fmt: skip
    decision = plan_for(subject, stage, held, weights)
    return {
        "backtest": made.backtest_record(comparison),
        "plan": made.decision_record(decision, stages=False),
        "explain": {"stages": made.decision_record(decision, stages=True)["stages"]},
        "a leg or a refusal": made.leg_record(_leg(0, "cost_benefit")) | made.leg_record(_leg(1, "")),
    }


def _leg(filled_ns: int, refused: str) -> LegRecord:
    return LegRecord(
        day=0, decided_ns=0, filled_ns=filled_ns, instrument="BTC/USDT", asset="BTC", kind="spot", side="sell",
        amount=1.0, price=1.0, notional=1.0, cost=0.0, reason="trim", row="trim.drift", measured=0.1, threshold=0.1,
        refused=refused,
    )  # fmt: skip


# what has the keys of something that is described elsewhere on the page
SAME = re.compile(r"benchmarks\.NAME|after|(decisions\[\]\.)?(legs|refusals)|coverage")


def paths(record: Mapping[str, Any]) -> dict[str, str]:
    """Every key of a record as a path ("metrics.cagr", "decisions[].assets.NAME.weight") with its JSON type."""
    found: dict[str, str] = {}
    _walk(json.loads(json.dumps(text.plain(record))), "", found)
    return found


def _walk(value: Any, path: str, found: dict[str, str]) -> None:
    if SAME.fullmatch(path):
        found[path] = "list" if isinstance(value, list) else "object"
    elif isinstance(value, dict):
        for key, inner in value.items():
            _walk(inner, f"{path}.{'NAME' if _is_name(path, key) else key}".lstrip("."), found)
    elif isinstance(value, list):
        found[path] = "list"
        for inner in value:
            if isinstance(inner, dict):
                _walk(inner, f"{path}[]", found)
    else:
        kinds = {bool: "true or false", str: "text"}
        found[path] = kinds.get(type(value), "number")


def _is_name(path: str, key: str) -> bool:
    """Whether a key names an asset, a vote, a state, a contract or a benchmark, instead of a field."""
    stage = path.startswith("stages.") and path.count(".") == 1
    return stage or path.split(".")[-1] in NAMING
