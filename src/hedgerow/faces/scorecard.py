"""The judgement of a comparison: figures beside their benchmarks, and the verdict in plain words.

The verdict asks one question first (domain 4.1, 4.13): did the rules beat a *constant* hedge of the same average size
(B4)? Any hedge cuts a fall, so only that comparison shows whether the timing was worth anything. A loss is said as
plainly as a win.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from hedgerow.faces import buffer, numerals
from hedgerow.ledger import statistics
from hedgerow.model.report import Comparison, LegRecord, Run
from hedgerow.units import DAYS_PER_YEAR

Outcome = Literal["better", "worse", "mixed", "level", "unknown"]
LEVEL: Final = {"sharpe": 0.005, "max_drawdown": 0.0005}  # differences that a rounded figure would not show
SHORT: Final = 180  # days below which a run says little
FEWEST: Final = 7  # and below which it says nothing
UNHEDGED: Final = 0.0005  # a mean hedge ratio that rounds to nothing
NAMES: Final = {
    "B4": "the constant hedge of the same average size",
    "B2": "the same book without a hedge",
    "B0": "buying and holding",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of ``metrics``: its kind (percent, ratio, times, count, days), its unit and which way is better."""

    key: str
    label: str
    unit: str
    kind: str
    better: int  # +1 higher, -1 lower, 0 neither
    hint: str = ""

    def show(self, value: object) -> str:
        """The value with its unit, as a card prints it."""
        if self.kind == "percent":
            return numerals.percent(value, 2 if self.key == "cost_per_year" else 1)
        return self.bare(value)

    def bare(self, value: object) -> str:
        """The value without its unit, as a column prints it."""
        if self.kind == "percent":
            number = numerals.known(value)
            digits = 2 if self.key in ("cost_per_year", "cvar_95") else 1
            return numerals.NONE if number is None else numerals.fixed(number * 100.0, digits)
        return numerals.fixed(value, {"count": 0, "days": 0}.get(self.kind, 2))

    def difference(self, value: object, other: object) -> tuple[str, str]:
        """The signed difference with its unit, and whether it is better, worse or neither ("")."""
        mine, theirs = numerals.known(value), numerals.known(other)
        if mine is None or theirs is None:
            return numerals.NONE, ""
        change = mine - theirs
        if self.kind == "percent":
            digits = 2 if self.key == "cost_per_year" else 1
            text = f"{numerals.fixed(change * 100.0, digits, sign=True)}{numerals.SPACE}pp"
        else:
            text = numerals.fixed(change, 0 if self.kind in ("count", "days") else 2, sign=True)
        if not self.better or text[0] not in "+\u2212":
            return text, ""
        return text, "better" if change * self.better > 0 else "worse"


FIGURES: Final = (
    Figure("cagr", "CAGR", "% a year", "percent", 1, "compound growth a year, net of all costs"),
    Figure("volatility", "Volatility", "% a year", "percent", -1, "standard deviation of daily returns, times √365"),
    Figure("sharpe", "Sharpe", "ratio", "ratio", 1, "mean over standard deviation of returns, a year, risk-free 0"),
    Figure("sortino", "Sortino", "ratio", "ratio", 1, "mean over downside deviation, a year, target 0"),
    Figure("max_drawdown", "Max drawdown", "%", "percent", 1, "deepest fall from a peak, at daily closes"),
    Figure("max_drawdown_days", "Under water", "days", "days", -1, "longest time below an earlier peak"),
    Figure("calmar", "Calmar", "ratio", "ratio", 1, "CAGR over the deepest fall"),
    Figure("cvar_95", "CVaR 95", "% a day", "percent", 1, "mean of the worst twentieth of days"),
    Figure("ulcer", "Ulcer", "%", "percent", -1, "root mean square of the drawdowns"),
    Figure("mean_hedge_ratio", "Mean hedge", "%", "percent", 0, "achieved, weighted by the value held"),
    Figure("up_capture", "Up capture", "% of B2", "percent", 1, "geometric mean of the months in which B2 gained"),
    Figure("down_capture", "Down capture", "% of B2", "percent", -1, "geometric mean of the months in which B2 lost"),
    Figure("turnover_spot", "Spot turnover", "× NAV a year", "times", 0, "value traded over mean net asset value"),
    Figure(
        "turnover_futures", "Futures turnover", "× NAV a year", "times", 0, "value traded over mean net asset value"
    ),
    Figure("cost_per_year", "Cost", "% a year", "percent", -1, "fees and slippage over mean net asset value"),
    Figure("liquidations", "Liquidations", "count", "count", -1, "positions that the venue closed"),
)
BY_KEY: Final = {figure.key: figure for figure in FIGURES}
CARDS: Final = (
    "cagr", "volatility", "sharpe", "max_drawdown", "calmar", "mean_hedge_ratio", "cost_per_year", "liquidations",
)  # fmt: skip


def code(name: str) -> str:
    """ "B4" of "B4" or "b4-matched", "B4c" of "B4c" or "B4 causal"; the name itself where it has no such code."""
    found = re.match(r"(?i)b(\d)(?!\d)(c\b)?", name)
    if not found:
        return name
    return f"B{found[1]}{'c' if found[2] or 'causal' in name.lower() else ''}"


def find(comparison: Comparison, wanted: str) -> str | None:
    """The benchmark meant by ``wanted`` ("B4"): that very name, else the first one with this code."""
    if wanted in comparison.benchmarks:
        return wanted
    return next((name for name in comparison.benchmarks if code(name) == wanted), None)


def _metrics(comparison: Comparison, wanted: str) -> dict[str, object] | None:
    name = find(comparison, wanted)
    return None if name is None else comparison.benchmark_metrics.get(name)


def judge(mine: dict[str, object], theirs: dict[str, object]) -> Outcome:
    """Better or worse where Sharpe ratio and deepest fall agree (or one is level), mixed where they do not.

    Unknown where one of them is: two books that took no risk are not level, there is nothing to judge.
    """
    signs = []
    for key, level in LEVEL.items():
        a, b = numerals.known(mine.get(key)), numerals.known(theirs.get(key))
        if a is None or b is None:
            return "unknown"
        signs.append(0 if abs(a - b) < level else 1 if a > b else -1)
    if min(signs) < 0 < max(signs):
        return "mixed"
    total = sum(signs)
    return "better" if total > 0 else "worse" if total < 0 else "level"


def verdict(comparison: Comparison) -> dict[str, object]:
    """``headline``, ``outcome`` (against B4), ``alarms``, ``lines`` against B4, B2 and B0, and ``caveats``."""
    lines, first = [], None
    for wanted, meaning in NAMES.items():
        theirs = _metrics(comparison, wanted)
        if theirs is not None:
            outcome = judge(comparison.metrics, theirs)
            lines.append({"code": wanted, "outcome": outcome, "meaning": meaning, "text": _line(comparison, theirs)})
            first = theirs if wanted == "B4" else first
    gap = _gap(comparison)
    headline, outcome = _nothing_to_judge(comparison, first), "unknown"
    if not headline:
        chance = gap is not None and abs(gap[0]) < 2.0 * gap[1]
        headline, outcome = _headline(comparison.metrics, first, chance=chance)
    shown: dict[str, object] = {
        "headline": headline,
        "outcome": outcome,
        "alarms": alarms(comparison.subject),
        "lines": lines,
    }
    return shown | {"caveats": _caveats(comparison, gap)}


def _nothing_to_judge(comparison: Comparison, matched: dict[str, object] | None) -> str:
    """Why no verdict on the rules can be given; empty where one can."""
    mine, days = comparison.metrics, len(comparison.subject.days_ns)
    if not matched:
        return ""
    if days < FEWEST:
        return f"{'One day is' if days == 1 else f'{days} days are'} too short to say anything about the rules."
    hedge, outcome = numerals.known(mine.get("mean_hedge_ratio")), judge(mine, matched)
    if outcome == "level" and (hedge is None or hedge < UNHEDGED):
        return "The rules held no hedge over this period, so there is none to judge."
    return "Nothing was at risk over this period, so there is nothing to judge." if outcome == "unknown" else ""


def liquidated(run: Run) -> list[LegRecord]:
    """The legs by which the venue closed a position."""
    return [leg for leg in run.legs if leg.reason == "liquidated" and not leg.refused]


def high_risk(leverage: float) -> str:
    """What is said wherever a hedge may be leveraged (R-061, R-064)."""
    near = f"a rise of about {numerals.fixed(100.0 / leverage, 0)} % can liquidate it"
    return f"High risk: hedges may be leveraged up to {leverage:g}x; {near}."


def alarms(run: Run) -> list[str]:
    """What must be read before any figure: an implausible result, a leveraged hedge, a scenario, positions that
    the venue closed.
    """
    told = [str(run.coverage["warning"])] if "warning" in run.coverage else []
    if run.leverage > 1.0:
        told.append(high_risk(run.leverage))
    if asked := buffer.scenario(run):
        told.append(asked)
    if run.liquidations:
        legs = liquidated(run)
        many = "1 position was" if run.liquidations == 1 else f"{run.liquidations:,} positions were"
        when = numerals.long_day(legs[0].filled_ns or legs[0].decided_ns) if legs else ""
        first = f"{'' if run.liquidations == 1 else ', the first'} on {when}" if when else ""
        told.append(f"{many} liquidated by the venue{first}.")
    return told


def _headline(mine: dict[str, object], matched: dict[str, object] | None, *, chance: bool) -> tuple[str, Outcome]:
    other = "an equally large constant hedge"
    outcome = judge(mine, matched) if matched else "unknown"
    if outcome == "better" and chance:
        return f"The rules did better than {other}, but by no more than chance can explain.", outcome
    if outcome == "mixed" and matched:
        sharper = (numerals.known(mine.get("sharpe")) or 0.0) > (numerals.known(matched.get("sharpe")) or 0.0)
        how = "more return for the risk, but a deeper fall"
        if not sharper:
            how = "a shallower fall, but less return for the risk"
        return f"Against {other} the result is mixed: {how}.", outcome
    sentences = {
        "better": f"The rules beat {other}: more return for the risk, and no deeper fall.",
        "worse": f"The rules lost to {other}. Over this period, hedging by rule added nothing.",
        "level": f"The rules did as well as {other}, and no better.",
        "unknown": "There is no equally large constant hedge to compare with: the worth of the rules is open.",
    }
    return sentences[outcome], outcome


def _line(comparison: Comparison, theirs: dict[str, object]) -> str:
    pairs = []
    for key, word in (("sharpe", "Sharpe"), ("max_drawdown", "deepest fall"), ("cagr", "growth a year")):
        figure = BY_KEY[key]
        pairs.append(f"{word} {figure.show(comparison.metrics.get(key))} against {figure.show(theirs.get(key))}")
    return ", ".join(pairs)


def _gap(comparison: Comparison) -> tuple[float, float] | None:
    """The Sharpe ratio's difference to B4 on the same days, and the standard error of that difference."""
    name = find(comparison, "B4")
    if name is None or len(comparison.benchmarks[name].nav) != len(comparison.subject.nav):
        return None
    pair = (comparison.subject, comparison.benchmarks[name])
    mine, theirs = (statistics.returns_of(statistics.path_of(run)) for run in pair)
    gap = numerals.known(statistics.sharpe(mine) - statistics.sharpe(theirs))
    error = numerals.known(statistics.sharpe_difference_error(mine, theirs))
    return None if gap is None or error is None else (gap, error)


def _caveats(comparison: Comparison, gap: tuple[float, float] | None) -> list[str]:
    notes, days = [], len(comparison.subject.days_ns)
    error = numerals.known(comparison.metrics.get("sharpe_se"))
    if days < SHORT:
        many = "1 day is" if days == 1 else f"{days} days are"
        notes.append(f"{many} too few to judge a policy; figures a year are extrapolated.")
    elif error is not None:
        years = days / DAYS_PER_YEAR
        notes.append(f"Over {years:.1f} years a Sharpe ratio carries a standard error of about {error:.2f}.")
        if gap is not None:
            word = "within what chance alone can give" if abs(gap[0]) < 2.0 * gap[1] else "more than chance would give"
            notes.append(f"The difference to B4, {numerals.fixed(gap[0], sign=True)} ± {gap[1]:.2f}, is {word}.")
    if comparison.subject.simulated:
        notes.append("The market was simulated: this shows how the rules behave, not what they would have earned.")
    return notes


def cards(comparison: Comparison) -> list[dict[str, object]]:
    """The figures at the top of the report, each with its difference to B4 and B2."""
    return [_card(comparison, BY_KEY[key]) for key in CARDS]


def _card(comparison: Comparison, figure: Figure) -> dict[str, object]:
    value = comparison.metrics.get(figure.key)
    deltas: list[dict[str, object]] = []
    for wanted in ("B4", "B2"):
        theirs = _metrics(comparison, wanted)
        if theirs is not None:
            text, outcome = figure.difference(value, theirs.get(figure.key))
            deltas.append({"code": wanted, "text": text, "outcome": outcome})
    unit = {"cagr": "a year", "volatility": "a year", "cost_per_year": "a year, fees and slippage"}.get(figure.key, "")
    error = numerals.known(comparison.metrics.get("sharpe_se")) if figure.key == "sharpe" else None
    if error is not None:
        unit = f"± {error:.2f} standard error"
    if figure.key == "mean_hedge_ratio" and (numerals.known(value) or 0.0) >= UNHEDGED:
        unit = "" if any(leg.kind == "futures" for leg in comparison.subject.legs) else "spot sold in place of shorts"
    alarm = figure.key == "liquidations" and (numerals.known(value) or 0.0) > 0.0
    if alarm and liquidated(comparison.subject):
        unit = "see the margin of the short"
    return {
        "label": figure.label, "value": figure.show(value), "unit": unit, "hint": figure.hint, "deltas": deltas,
        "alarm": alarm,
    }  # fmt: skip


def table(comparison: Comparison) -> dict[str, object]:
    """The policy and its benchmarks as rows; the best value of each column that has a better end is marked.

    Runs that took no risk at all (volatility 0: all in stablecoins) are shown but left out of the marks.
    """
    rows = [(comparison.subject.policy, comparison.subject.title, comparison.metrics, True)]
    for name, run in comparison.benchmarks.items():
        rows.append((name, run.title, comparison.benchmark_metrics.get(name, {}), False))
    best = {figure.key: _best(figure, [metrics for _, _, metrics, _ in rows]) for figure in FIGURES if figure.better}
    return {
        "figures": FIGURES,
        "rows": [
            {"name": name, "title": title, "subject": subject, "cells": _cells(metrics, best)}
            for name, title, metrics, subject in rows
        ],
    }


def _cells(metrics: dict[str, object], best: dict[str, float | None]) -> list[dict[str, object]]:
    cells: list[dict[str, object]] = []
    for figure in FIGURES:
        value = numerals.known(metrics.get(figure.key))
        top = best.get(figure.key)
        won = value is not None and top is not None and _risky(metrics) and figure.bare(value) == figure.bare(top)
        cells.append({"text": figure.bare(value), "sort": value, "best": won})
    return cells


def _best(figure: Figure, metrics: list[dict[str, object]]) -> float | None:
    values = [numerals.known(row.get(figure.key)) for row in metrics if _risky(row)]
    shown = [value for value in values if value is not None]
    if len(shown) < 2 or figure.bare(min(shown)) == figure.bare(max(shown)):
        return None  # nothing to tell apart
    return max(shown) if figure.better > 0 else min(shown)


def _risky(metrics: dict[str, object]) -> bool:
    volatility = numerals.known(metrics.get("volatility"))
    return volatility is not None and volatility > 1e-6
