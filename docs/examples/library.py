"""Use hedgerow as a library: make a market, run two policies on it, compare them, and write the report.

python docs/examples/library.py [FOLDER]     a folder for the market and the report; a temporary one without it
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

import hedgerow as hr


def main(folder: Path) -> Path:
    """Run everything inside ``folder``; returns the report's path."""
    data = folder / "market"
    assets = ("BTC", "ETH", "SOL")
    hr.write_market(hr.simulate(seed=1, assets=assets, start=date(2020, 1, 1), days=730, step_hours=8), data)

    # The market from 2021 on; the year before warms the signals.
    market = hr.recorded(data, assets, date(2021, 1, 1), None)
    hr.prepare(len(market.market.open_ns) * len(assets) * 5)  # bars x assets x runs; once, before the first run

    default, seed, unhedged = (hr.load_policy(name) for name in ("balanced", "seed", "b2_threshold"))
    stage = hr.stage_of(market, [default, seed, unhedged])  # the signals, once for all of them
    weights = {"BTC": 0.40, "ETH": 0.25, "SOL": 0.15}  # the rest is the stable reserve

    base = hr.backtest(unhedged, stage, capital=100_000.0, weights=weights)
    for policy in (default, seed):
        run = hr.backtest(policy, stage, capital=100_000.0, weights=weights)
        found = hr.metrics(run, unhedged=base)
        print(f"{policy.name:9} {run.nav[-1]:10,.0f}  max drawdown {found['max_drawdown']:.1%}")
        print(f"          last trade: {run.legs[-1].sentence}")

    # Beside benchmarks, as the command does it.
    comparison = hr.compare(default, {"B2": unhedged}, stage, capital=100_000.0, weights=weights)
    return hr.write_report(comparison, folder / "report.html", title="balanced on a made market")


if __name__ == "__main__":
    print(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())))
