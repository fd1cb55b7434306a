"""A small made market, and the JSON records of the commands on it: what docs/reference/json.md describes."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgerow import policies, wire
from hedgerow.faces import records as made
from hedgerow.faces import text
from hedgerow.model.event import Event, Fill, Flow, Funding, Income, Mark, Transfer
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import LegRecord
from hedgerow.units import NS_PER_DAY

ASSETS = ("BTC", "ETH")
NAMING = (
    "votes",
    "regime_days",
    "blocked_by_reason",
    "assets",
    "breadth",
    "by_asset",
    "by_regime",
    "by_reason",
    "margin",
    "transfers",
    "benchmarks",
    "cells",
    "vary",
    "keys",
    "plateaus",
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
        **_statements(),
        "sweep": _sweep(stage, weights),
        "plan --portfolios": _many(stage, weights, held),
        "a leg or a refusal": made.leg_record(_leg(0, "cost_benefit")) | made.leg_record(_leg(1, "")),
    }


def _many(stage: Any, weights: Mapping[str, float], held: Portfolio) -> Mapping[str, Any]:
    """The record of two portfolios, of which one cannot be."""
    from hedgerow.faces.many_record import Writer
    from hedgerow.research.decision import seat_for
    from hedgerow.research.many import Chunk, Seats, decide, parts_of
    from hedgerow.research.tally import Tally

    policy = policies.load("balanced")
    none = Portfolio.model_validate({"spot": {"BTC": {"amount": 0}, "ETH": {"amount": 0}}})
    asked = Chunk(["a", "b"], ["a.toml", "b.toml"], parts_of({0: held, 1: none}), {})
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.json"
        with Writer(policy, True, path, None).open() as writer:
            for done in decide([asked], Seats(lambda assets, quote: seat_for(policy, stage, weights))):
                tally.add(done)
                writer.add(done)
            writer.close(tally)
        return dict(json.loads(path.read_text(encoding="utf-8")))


def _sweep(stage: Any, weights: Mapping[str, float]) -> Mapping[str, Any]:
    """The record of a sweep of two keys, of which one setting makes no policy."""
    from hedgerow.faces.sweep_record import Outcome, sweep_record
    from hedgerow.research.backtest import Blocks
    from hedgerow.research.plateau import plateaus
    from hedgerow.research.search import batches
    from hedgerow.research.sweep import Job, Sweep, Threads, sweep
    from hedgerow.research.trials import Log, ever
    from hedgerow.research.vary import space_of

    known, build = policies.builder("balanced")
    space = space_of(["hedge.leverage=1,2", "hedge.high_risk=true,false"], known)
    job = Job(build, lambda _: stage, lambda _: weights, 100_000.0)
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder), {"policy": "balanced", "vary": {axis.key: [] for axis in space.axes}})
        with Threads(job, space) as crew:
            result = sweep(Sweep(space, "sharpe", log), batches(space, "grid", None, 0), crew)
        log.close()
        counts = ever(Path(folder), "balanced", tuple(axis.key for axis in space.axes))
        best = result.setting(result.ranked(1)[0])
        return sweep_record(
            Outcome(
                sweep="0", result=result, base=job.run({}), base_cells={axis.key: axis.values[0] for axis in space.axes},
                base_figures=job.figures({}, Blocks(stage)), best=job.run(space.cells(best)), tolerance=0.05, search="grid",
                seed=0, ever=counts, plateaus=plateaus(space, best, result.score, 0.05), read=0, seconds=1.0, workers=1,
                log=Path("log"),
            )
        )  # fmt: skip


def _statements() -> dict[str, Mapping[str, Any]]:
    """The records of a statement and of a tax year, of an account in which everything happens once."""
    from hedgerow.faces.statement_record import statement_record, tax_record
    from hedgerow.ledger.lines import silences
    from hedgerow.ledger.statement import state
    from hedgerow.ledger.tax import start_ns, tax_year

    told, begin = _account(), start_ns(2022)
    gaps = silences(told, begin, told[-1].at_ns)
    stated = statement_record(state(told, "USDT"), simulated=False)
    year = tax_year([event for event in told if event.id != "7"], 2022)  # known in whole, so that sums are text
    taxed = tax_record(year, gaps, simulated=False, pool="universal", files=["disposals.csv"])
    return {"statement": stated, "tax": taxed | {"missing_funding": stated["missing_funding"]}}


def _account() -> list[Event]:
    from hedgerow.ledger.tax import start_ns

    day, dec, perp = start_ns(2022), Decimal, "BTC/USDT:USDT"
    return [
        Flow(day, "1", "spot", "USDT", dec(100_000)),
        Flow(day, "2", "spot", "ETH", dec(1), dec(3_000), dec(2_900)),
        Fill(day, "3", "spot", "BTC/USDT", dec(1), dec(40_000), dec(40), "USDT", reason="initial", regime="neutral"),
        Transfer(day, "4", "spot", "futures", "USDT", dec(20_000)),
        Fill(day, "5", "futures", perp, dec("-0.5"), dec(40_000), dec(10), "USDT", decided=dec(40_010)),
        Funding(day + 1, "6", "futures", perp, dec(2)),
        Funding(day + 2, "7", "futures", perp, None, dec("0.0001"), dec(40_000)),
        Income(day + 3, "8", "spot", "ETH", dec("0.001"), "reward", dec(3_000)),
        Mark(day + NS_PER_DAY, "9", {"BTC/USDT": dec(41_000), perp: dec(41_010), "ETH/USDT": dec(3_000)}),
        Fill(day + NS_PER_DAY, "10", "spot", "ETH/USDT", dec(-1), dec(3_000), dec(3), "USDT", reason="trim"),
        Flow(day + NS_PER_DAY, "11", "spot", "BTC", dec("-0.1")),
        Mark(day + 40 * NS_PER_DAY, "12", {"BTC/USDT": dec(39_000), perp: dec(39_010), "ETH/USDT": dec(2_900)}),
    ]


def _leg(filled_ns: int, refused: str) -> LegRecord:
    return LegRecord(
        day=0, decided_ns=0, filled_ns=filled_ns, instrument="BTC/USDT", asset="BTC", kind="spot", side="sell",
        amount=1.0, price=1.0, notional=1.0, cost=0.0, reason="trim", row="trim.drift", measured=0.1, threshold=0.1,
        refused=refused, sleeve="carry",
    )  # fmt: skip


# what has the keys of something that is described elsewhere on the page
SAME = re.compile(
    r"benchmarks\.NAME|after|(decisions\[\]\.)?(legs|refusals)|coverage|by_(asset|regime)\.NAME|months\[\]\.parts|missing"
    r"|(base|trials\[\])\.metrics|portfolios\[\]\.(regime|legs|refusals|before|after|transfers)"
)


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
