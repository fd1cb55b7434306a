"""The account behind the shorts, in words and counts: how it is margined, how near it came, what the ladder did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from hedgerow.faces import numerals
from hedgerow.faces.notes import conjoined
from hedgerow.model.policy_limits import Margin
from hedgerow.model.report import Run

MODES: Final = {
    "isolated": "each short has its own collateral",
    "cross": "one futures wallet backs all shorts",
    "unified": "cash and coins together back all shorts",
}
STEPS: Final = (
    ("top_ups", "margin_in", "top-up", "top-ups"),
    ("not_added", "margin_low", "addition refused", "additions refused"),
    ("sleeve_cuts", "carry_margin", "carry pair cut", "carry pairs cut"),
    ("pairs_given_up", "pair_reduce", "pair of short and spot given up", "pairs of short and spot given up"),
    ("flattened", "flatten", "short flattened", "shorts flattened"),
    ("deleveraged", "deleveraged", "short deleveraged by the venue", "shorts deleveraged by the venue"),
    ("repaid", "repaid", "sale of coins for what was owed", "sales of coins for what was owed"),
)  # key in JSON, reason or refusal that is counted, its words for one and for many; in the order of the ladder


def _percent(value: float, digits: int = 0) -> str:
    return f"{value * 100.0:,.{digits}f} %"


def account_words(margin: Margin, leverage: float) -> str:
    """ "isolated: each short has its own collateral; counted as binance_linear; at most 1x"."""
    most = f"{leverage:g}x{', high risk' if leverage > 1.0 else ''}"
    return f"{margin.mode}: {MODES[margin.mode]}; counted as {margin.convention}; at most {most}"


def ladder_words(margin: Margin) -> str:
    """The thresholds of the buffer ladder, by liquidation distance and by maintenance margin over equity."""
    steps = (
        ("warn", margin.warn, margin.warn_ratio), ("top up", margin.top_up, margin.top_up_ratio),
        ("stop adding", margin.stop_adding, None), ("reduce", margin.reduce, margin.reduce_ratio),
        ("flatten", margin.flatten, margin.flatten_ratio),
    )  # fmt: skip
    told = []
    for name, distance, ratio in steps:
        words = f"{name} {_percent(distance)}"
        if name == "top up":
            words += f" (market asset {_percent(margin.top_up_market)})"
        told.append(words if ratio is None else f"{words} or {_percent(ratio)}")
    return f"By distance to liquidation, or maintenance over equity: {', '.join(told)}."


def crowded(margin: Margin, leverage: float) -> str:
    """What is said where a new short at the policy's leverage stands on a rung of the ladder at once; else empty."""
    rungs = (("flatten", margin.flatten), ("reduce", margin.reduce), ("stop_adding", margin.stop_adding),
             ("top_up", min(margin.top_up, margin.top_up_market)))  # fmt: skip
    on = [f"{name} ({_percent(at)})" for name, at in rungs if 1.0 / leverage <= at]
    if leverage <= 1.0 or not on:
        return ""
    start = f"At {leverage:g}x a new short stands about {_percent(1.0 / leverage)} from liquidation"
    return f"{start}, which is within margin.{', '.join(on)}: lower these rungs too."


def standing_words(margin: Mapping[str, Mapping[str, Any]], levered: Mapping[str, float]) -> list[str]:
    """What must be said of shorts that are larger than the equity behind them, or near enough for the ladder.

    ``margin`` is a decision's, by contract; ``levered`` the leverage of each, shown to two decimals.
    """
    above = [f"{symbol} ({times:.2f}x)" for symbol, times in levered.items() if round(times, 2) > 1.0]
    told = []
    if above:
        it = "is larger than the equity behind it" if len(above) == 1 else "are larger than the equity behind them"
        told.append(f"High risk: {conjoined(above)} {it} (leverage above 1x).")
    for symbol, found in margin.items():
        if found["rung"] != "none":
            near = _percent(found["liquidation_distance"])
            rung = found["rung"].replace("_", " ")
            told.append(f"{symbol} stands on a rung of the margin ladder, {near} from liquidation: {rung}.")
    return told


def account_record(margin: Margin, leverage: float) -> dict[str, Any]:
    """JSON of the account: its mode, the venue's convention and the most leverage."""
    return {"mode": margin.mode, "convention": margin.convention, "leverage": leverage}


def ladder_record(run: Run) -> dict[str, int]:
    """How often the ladder and the venue acted in a run, and the days on which the rung ``warn`` was reached."""
    counts = Counter(
        leg.reason for leg in run.legs if not (leg.reason in ("pair_reduce", "flatten") and leg.kind == "spot")
    )
    counts += Counter(leg.refused for leg in run.refusals)
    return {"warn_days": int(warned(run).sum())} | {key: counts[code] for key, code, _, _ in STEPS}


def warned(run: Run) -> Any:
    """Days [D] on which a short came as near as the ladder's first rung."""
    near = (run.liquidation_distance <= run.margin.warn) | (run.margin_ratio >= run.margin.warn_ratio)
    return near & np.isfinite(run.liquidation_distance)


def facts(run: Run, metrics: Mapping[str, object]) -> list[tuple[str, str]]:
    """The account, the nearest liquidation and what the ladder did, as lines of a table."""
    nearest = numerals.known(metrics.get("min_liquidation_distance"))
    if nearest is None:
        near = "no short was open, or none could be liquidated"
    else:
        days = _percent(float(warned(run).mean()))
        near = f"{_percent(nearest, 1)} above the mark price; on {days} of days as near as {_percent(run.margin.warn)} (warn)"
    done = ladder_record(run)
    acted = [f"{done[key]:,} {one if done[key] == 1 else many}" for key, _, one, many in STEPS if done[key]]
    return [
        ("Margin account", account_words(run.margin, run.leverage)),
        ("Nearest liquidation", near),
        ("Margin ladder", ", ".join(acted) or "never acted"),
    ]


def scenario(run: Run) -> str:
    """What must be said of a run with a scenario of auto-deleveraging; empty without one."""
    asked = run.coverage.get("deleveraged")
    if not isinstance(asked, Mapping) or not asked:
        return ""
    times = ", ".join(f"{_percent(share)} at {str(when)[:16].replace('T', ' ')} UTC" for when, share in asked.items())
    cut = sum(leg.reason == "deleveraged" for leg in run.legs)
    what = "no short was in profit then" if not cut else f"{cut} {'short was' if cut == 1 else 'shorts were'} cut"
    return f"Scenario: the venue closes a share of every short in profit (auto-deleveraging): {times}; {what}."
