"""The report's JSON for small windows stays what it is. ``HEDGEROW_GOLDEN=write`` writes it anew, to be read in the diff."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hedgerow import policies, wire
from hedgerow.faces.records import backtest_record
from hedgerow.kernel.rules import target_weights
from hedgerow.research.compare import compare
from hedgerow.research.simulate import simulate, write

HERE = Path(__file__).parent / "report"
SECRET = ("price", "notional", "filled")  # of market data, only what we made of it is kept


def rounded(value: Any) -> Any:
    """Nine significant digits, and no market prices."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items() if key not in SECRET}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return value


def record_of(folder: Path, policy: str, start: date, end: date) -> dict[str, Any]:
    subject = policies.load(policy)
    others = {name: other for name, other in wire.benchmarks().items() if name in ("B0", "B2", "B4")}
    recorded = wire.recorded(folder, ("BTC", "ETH"), start, end)
    stage = wire.stage_of(recorded, [subject, *others.values()])
    weights = target_weights(subject, ("BTC", "ETH"), {"BTC": 0.5, "ETH": 0.3, "USDT": 0.2}, "USDT")
    found = backtest_record(compare(subject, others, stage, capital=100_000.0, weights=weights))
    for entry in found["decisions"]:
        entry.pop("assets", None)
    found.pop("coverage")
    found.pop("hedgerow")
    return json.loads(json.dumps(rounded(found)))  # type: ignore[no-any-return]


def hold(name: str, found: dict[str, Any]) -> None:
    file = HERE / f"{name}.json"
    if os.environ.get("HEDGEROW_GOLDEN") == "write":
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(file.read_text(encoding="utf-8"))
    for key in found:
        assert near(kept[key], found[key]), f"{name}: {key} changed; see the top of this file"
    assert set(kept) == set(found)


def near(kept: Any, found: Any) -> bool:
    """Equal, numbers within 1e-7 of each other: libraries of another machine may differ in the last bits of a log."""
    if isinstance(kept, dict) and isinstance(found, dict):
        return set(kept) == set(found) and all(near(kept[key], found[key]) for key in kept)
    if isinstance(kept, list) and isinstance(found, list):
        return len(kept) == len(found) and all(near(a, b) for a, b in zip(kept, found, strict=True))
    if isinstance(kept, float) and isinstance(found, (int, float)):
        return found == pytest.approx(kept, rel=1e-7, abs=1e-9)
    return bool(kept == found)


@pytest.mark.parametrize("policy", ["balanced", "seed"])
def test_a_simulated_window(policy: str, tmp_path: Path) -> None:
    write(simulate(seed=17, assets=("BTC", "ETH"), start=date(2021, 1, 1), days=450), tmp_path)
    hold(f"simulated-{policy}", record_of(tmp_path, policy, date(2022, 1, 1), date(2022, 3, 15)))


@pytest.mark.data
@pytest.mark.parametrize("policy", ["balanced", "seed"])
def test_a_real_window(policy: str, data_folder: Path) -> None:
    hold(f"real-{policy}", record_of(data_folder, policy, date(2022, 10, 15), date(2022, 11, 30)))
