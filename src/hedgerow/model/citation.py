"""Where each field of a policy comes from, for the numbers whose row names no source of its own.

``2.15`` and ``2A-9`` are sections of the domain reference, ``R-012`` and ``E-05`` its requirements and its rulings on
what the article leaves open. A default value is the one that the section gives; where the section gives a rule but no
number, the number is ours.
"""

from __future__ import annotations

from typing import Final

# record of model.policy -> field -> source
SOURCES: Final[dict[str, dict[str, str]]] = {
    "Policy": {"dwell": "2.11", "dwell_override": "2.11", "least_bars": "2A-10"},
    "Targets": {
        "stable": "E-05", "weights": "R-025", "base": "E-03", "denominator": "E-05", "whitelist": "2.10",
    },
    "Gate": {"at_least": "2.11", "of": "2.11", "all": "2.11", "any": "2.11", "none": "2.11"},
    "Vote": {
        "measure": "R-010", "side": "R-010", "threshold": "R-010", "lasting": "2.11", "within": "2A-5",
        "at_least": "2.11", "of": "2.11",
    },
    "Regime": {
        "hedge": "2.11", "trim": "2.11, E-18", "deploy": "R-053", "comes_from": "2.11", "after": "2.11",
        "enter": "2.11", "leave": "2.11", "shock": "2A-6", "leave_shock": "2A-6", "quiet": "2.11",
        "reenter_after": "2A-5", "failed_by": "2A-5", "start": "2.11", "ladder": "2A-4",
    },
    "Trim": {
        "measure": "R-010", "side": "R-010", "threshold": "R-010", "when": "R-010", "to": "E-06",
        "size": "R-019, R-026", "group": "E-19", "cooldown": "E-19, 2A-13", "rearm": "E-19", "once": "2A-14",
        "assets": "R-021", "how": "2.15",
    },
    "Rebalance": {"every": "R-005", "threshold": "4.2"},
    "Reinforce": {"when": "R-032", "rungs": "R-040, 2A-3", "at_least": "R-044", "lasts": "2.11", "how": "2A-19"},
    "LadderStep": {"vote": "2A-4", "rungs": "2.12, 2A-4", "when": "E-08, 2.12"},
    "VolTarget": {"target": "2.12", "median_floor": "2A-12"},
    "Trend": {"ratio": "2.12, 2A-2", "enter": "2A-2", "leave": "2A-2"},
    "Hedge": {
        "constant": "4.2", "by_regime": "2.11", "external": "4.2", "views": "2A-15", "cap": "2.12, 2.21", "paid_cap": "E-11", "paid_above": "E-11",
        "paid_cap_unless": "E-11",
        "rungs": "E-07", "rounding": "E-07", "max_extra": "2.12, 2A-3", "min_step": "2.12", "rung_down_every": "2.11",
        "floor": "2A-4", "leverage": "R-064, 2A-1", "high_risk": "R-061", "reserve": "2A-9", "instrument": "2A-19",
        "inverse": "2.12", "roll_before": "2.18", "roll_slices": "2.18", "lengthen_after": "2A-19", "cover_outside": "R-030", "cross_rho2": "2.12",
    },
    "Deploy": {
        "tranche": "2A-17", "tranches": "2.10", "every": "2.10", "when": "2.10", "underweights": "R-014, 2A-17",
    },
    "Carry": {
        "enter": "2A-18", "leave": "2A-18", "stable_yield": "2A-18", "cap": "2A-18", "each": "2A-18", "instrument": "R-003",
        "horizon": "2A-18", "min_hold": "2A-18", "cooldown": "2A-18", "assets": "R-003",
    },
    "Costs": {
        "spot_fee": "2.16", "futures_fee": "2.16", "spot_half_spread": "2.16", "futures_half_spread": "2.16",
        "impact": "2.16", "fee_in": "R-086, 2.16",
    },
    "Guard": {
        "kappa": "2.15", "gamma": "2.14", "horizon": "2.14, 2.15", "turnover_soft": "2.15", "turnover_hard": "2.15",
        "min_leg": "2A-13", "participation": "2.16", "slippage_cap": "2.16", "unknown_liquidity": "R-068",
        "unknown_funding": "2A-7", "max_carry": "2.8, 2A-7", "carry_confirmed_by": "2.8", "depeg": "2.1, 2.17",
    },
    "Margin": {
        "convention": "2.17, 5.3", "liquidation": "2.17", "liquidation_fee": "2.17", "mode": "2.17, 2A-1",
        "haircut": "2.17", "haircuts": "2.17", "warn": "2.17", "stop_adding": "2.17", "flatten": "2.17",
        "warn_ratio": "2.17", "top_up_ratio": "2.17", "reduce_ratio": "2.17", "flatten_ratio": "2.17",
        "top_up_market": "2A-9", "top_up": "2A-9", "reduce": "2A-9",
    },
}  # fmt: skip


def source_of(record: str, field: str) -> str:
    """The source of a field, nothing where it has none (names, titles, tables of rows)."""
    return SOURCES.get(record, {}).get(field, "")
