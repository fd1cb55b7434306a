"""The features of the kernel, each with a policy and contracts that bring it up."""

from __future__ import annotations

from typing import Any

from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.units import NS_PER_DAY
from tests.properties import FIRST_NS

# feature -> (built-in policy, changes, contracts of each asset, per day, wildness)
CASES: dict[str, tuple[str, dict[str, Any], str, int, float]] = {
    "roll": ("seed", {"hedge": {"instrument": "dated", "constant": "60 %"}}, "dated", 1, 1.0),
    "hedge_switch": ("seed", {"hedge": {"instrument": "carry", "constant": "60 %"}}, "both", 1, 1.0),
    "hedge_lengthen": ("seed", {"hedge": {"lengthen_after": "5 d", "constant": "60 %"}}, "both", 1, 1.0),
    "inverse": ("seed", {"hedge": {"inverse": True, "constant": "60 %"}}, "inverse", 3, 1.0),
    "cross_hedge": ("balanced", {"hedge": {"cross_rho2": "20 %", "constant": "60 %"}}, "first", 1, 1.0),
    "rebalance": ("b3_constant", {"rebalance": {"every": "week"}}, "perp", 1, 1.0),
    "deploy": ("hedge-only", {"deploy": {"when": {"all": []}, "every": "1 d"}}, "perp", 1, 1.0),
    "trim": ("seed", {"guard": {"kappa": "0 x"}}, "perp", 1, 1.0),
    "hedge_excess": ("beginner", {"trim": {"drift": {"how": "hedge", "threshold": "3 pp"}}, "hedge": {"cap": "100 %"}}, "perp", 1, 2.0),
    "liquidated": ("b3_constant", {"hedge": {"constant": "90 %", "leverage": "3 x", "high_risk": True}}, "perp", 3, 4.0),
}  # fmt: skip
SEEDS = {"deploy": (4,)}  # markets in which the feature comes up


def universe(contracts: str) -> Universe:
    names = ("BTC", "ETH", "SOL")
    found = [Instrument(f"{a}/USDT", a) for a in names]
    for a in names if contracts != "first" else names[:1]:
        if contracts in ("dated", "both"):
            for days in (40, 85):
                found.append(Instrument(f"{a}-{days}", a, kind=Kind.DATED, expiry_ns=FIRST_NS + days * NS_PER_DAY))
        if contracts != "dated":
            found.append(Instrument(f"{a}-perp", a, kind=Kind.PERPETUAL, inverse=contracts == "inverse"))
    return Universe(names, "USDT", tuple(found))
