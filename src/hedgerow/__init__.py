"""hedgerow: trim the winners, reinforce the hedge.

A crypto portfolio held spot for the long term and protected by short futures, managed by rules fixed in advance, the
same way in a backtest, on paper and live.

    import hedgerow as hr
    from pathlib import Path

    hr.prepare(10_000)        # asset-bars of the job: whether to compile; once, before the first run
    policy = hr.load_policy("balanced")
    stage = hr.stage_of(hr.recorded(Path("data"), ["BTC", "ETH"], None, None), [policy])
    run = hr.backtest(policy, stage, capital=100_000.0, weights={"BTC": 0.5, "ETH": 0.3})
    hr.metrics(run)["max_drawdown"]

Each name is imported when it is first used, so ``import hedgerow`` costs nothing; ``__init__.pyi`` tells type checkers
what they are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> module : name there
_PLACES = {
    "Comparison": "hedgerow.model.report:Comparison",
    "ConfigError": "hedgerow.errors:ConfigError",
    "Error": "hedgerow.errors:Error",
    "Ledger": "hedgerow.ledger.ledger:Ledger",
    "MEASURES": "hedgerow.model.measure:MEASURES",
    "Policy": "hedgerow.model.policy:Policy",
    "Recorded": "hedgerow.wire:Recorded",
    "Run": "hedgerow.model.report:Run",
    "Stage": "hedgerow.research.backtest:Stage",
    "backtest": "hedgerow.research.backtest:backtest",
    "check_data": "hedgerow.store.check:check",
    "compare": "hedgerow.research.compare:compare",
    "import_data": "hedgerow.store.intake:ingest",
    "load_policy": "hedgerow.policies:load",
    "metrics": "hedgerow.ledger.statistics:metrics",
    "money_weighted": "hedgerow.ledger.returns:money_weighted",
    "plan_many": "hedgerow.faces.plan_many:plan_many",
    "policy_names": "hedgerow.policies:names",
    "prepare": "hedgerow.wire:prepare",
    "recorded": "hedgerow.wire:recorded",
    "simulate": "hedgerow.research.simulate:simulate",
    "stage_of": "hedgerow.wire:stage_of",
    "tax_year": "hedgerow.ledger.tax:tax_year",
    "time_weighted": "hedgerow.ledger.returns:time_weighted",
    "write_market": "hedgerow.research.simulate:write",
    "write_report": "hedgerow.faces.report:write",
}

__all__ = [  # noqa: RUF022 (a test holds it against the table above)
    "Comparison",
    "ConfigError",
    "Error",
    "Ledger",
    "MEASURES",
    "Policy",
    "Recorded",
    "Run",
    "Stage",
    "__version__",
    "backtest",
    "check_data",
    "compare",
    "import_data",
    "load_policy",
    "metrics",
    "money_weighted",
    "plan_many",
    "policy_names",
    "prepare",
    "recorded",
    "simulate",
    "stage_of",
    "tax_year",
    "time_weighted",
    "write_market",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hedgerow' has no attribute {name!r}")
    module, _, inner = _PLACES[name].partition(":")
    if name in ("Stage", "backtest", "compare"):  # they bring the kernel
        import_module("hedgerow.wire").ready()
    value = getattr(import_module(module), inner)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
