"""The report of a backtest: one HTML file that needs nothing else, to be read, kept, sent and printed.

``write`` fills ``report.html.j2`` from a ``Comparison``; ``faces.page`` says what every page is made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from hedgerow.faces import attribution, buffer, charts, numerals, page, palette, scorecard
from hedgerow.faces.notes import MOST, blocks
from hedgerow.faces.records import RISK, is_cross
from hedgerow.faces.text import write_whole
from hedgerow.ledger import statistics
from hedgerow.model.report import Comparison, LegRecord, Run
from hedgerow.units import figure

ROWS: Final = 20_000  # decisions that one page carries; the JSON of the run has them all
ACTIONS: Final = {
    ("spot", "sell"): "Sell spot",
    ("spot", "buy"): "Buy spot",
    ("futures", "sell"): "Raise short",
    ("futures", "buy"): "Cover short",
    ("margin", "in"): "Margin in",
    ("margin", "out"): "Margin out",
}
BY_VENUE: Final = {"liquidated": "Liquidated", "settled": "Settled"}  # reason -> what nobody ordered


def write(comparison: Comparison, path: Path, *, title: str) -> Path:
    """Write the report to ``path`` (its folder is made) and return it. Raises StoreError."""
    return write_whole(path, render(comparison, title=title), "page")


def render(comparison: Comparison, *, title: str) -> str:
    """The whole page as text."""
    simulated = comparison.subject.simulated
    return page.render("report", _context(comparison), _data(comparison), title=title, simulated=simulated)


def _data(comparison: Comparison) -> dict[str, Any]:
    return {
        "series": charts.series(comparison),
        "charts": charts.charts(comparison),
        "decisions": _decisions(comparison.subject),
    }


def _context(comparison: Comparison) -> dict[str, Any]:
    run = comparison.subject
    days = [int(ns) for ns in run.days_ns]
    return {
        "run": run,
        "first": numerals.long_day(days[0]) if days else numerals.NONE,
        "last": numerals.long_day(days[-1]) if days else numerals.NONE,
        "start_value": numerals.money(run.start_value),
        "end_value": numerals.money(float(run.nav[-1]) if days else None),
        "total": numerals.percent(float(run.nav[-1]) / run.start_value - 1.0 if days else None, sign=True),
        "verdict": scorecard.verdict(comparison),
        "cards": scorecard.cards(comparison),
        "table": scorecard.table(comparison),
        "regimes": _regimes(run, comparison.metrics),
        "months": _months(run),
        "attribution": attribution.section(comparison),
        "refusals": _refusals(run, comparison.metrics),
        "health": _health(comparison.metrics),
        "account": buffer.facts(run, comparison.metrics),
        "notes": blocks(run),
        "most": MOST,
        "liquidated": _liquidated(run),
        "band": charts.BAND,
        "dropped": max(0, len(run.legs) + len(folded(run.refusals)) - ROWS),
    }


def _regimes(run: Run, metrics: dict[str, object]) -> list[dict[str, object]]:
    """Name, colour and share of asset-days of every regime."""
    shares = metrics.get("regime_days")
    share = shares if isinstance(shares, dict) else {}
    return [
        {"name": name, "colour": colour, "share": numerals.percent(share.get(name), 0)}
        for name, colour in zip(run.regimes, palette.regime_colours(run.regimes), strict=True)
    ]


def _months(run: Run) -> list[dict[str, object]]:
    """A row for each year: twelve months and the year, each with its tint."""
    years: dict[int, dict[int, float]] = {}
    for year, month, change in statistics.monthly_returns(run):
        years.setdefault(year, {})[month] = change
    rows = []
    for year, months in sorted(years.items()):
        whole = 1.0
        for change in months.values():
            whole *= 1.0 + change
        cells = [_tinted(months.get(month), 0.25) for month in range(1, 13)]
        rows.append({"year": year, "cells": cells, "whole": _tinted(whole - 1.0, 1.0)})
    return rows


def _tinted(change: float | None, full: float) -> dict[str, object]:
    value = numerals.known(change)
    strength = 0 if value is None else round(min(1.0, abs(value) / full) * 50)
    text = "" if value is None else numerals.fixed(value * 100.0, 1)
    return {"text": text, "tint": strength, "side": "loss" if (value or 0.0) < 0 else "gain"}


def _refusals(run: Run, metrics: dict[str, object]) -> dict[str, object]:
    """How many wanted moves were refused, and for each reason: count, share, bar, and one example in words."""
    counts = Counter(leg.refused for leg in run.refusals)
    example = {leg.refused: leg.sentence for leg in reversed(run.refusals) if leg.sentence}
    most = max(counts.values(), default=1)
    bars = [
        {
            "reason": reason,
            "count": f"{count:,}",
            "share": numerals.percent(count / len(run.refusals), 0),
            "width": round(100.0 * count / most, 1),
            "example": example.get(reason, ""),
        }
        for reason, count in counts.most_common()
    ]
    return {"bars": bars, "count": f"{len(run.refusals):,}", "share": numerals.percent(metrics.get("blocked_share"))}


def _health(metrics: dict[str, object]) -> list[tuple[str, str]]:
    """The figures that say whether the policy behaved: changes of mind, hedges that could not be had, margin."""
    get = metrics.get
    return [
        ("Changes of regime, per asset and year", numerals.fixed(get("transitions_per_year"), 1)),
        ("Whipsaws (hedge up and down 10 pp within 10 days)", numerals.fixed(get("whipsaws"), 0)),
        ("Hedge intended, mean", numerals.percent(get("h_intended"))),
        ("Hedge achieved, mean", numerals.percent(get("h_achieved"))),
        ("Days with a hedge cut for want of collateral", numerals.fixed(get("margin_capped_days"), 0)),
        ("Nearest liquidation, above the mark price", numerals.percent(get("min_liquidation_distance"))),
        ("Highest margin ratio", numerals.percent(get("max_margin_ratio"), 2)),
    ]


def _liquidated(run: Run) -> list[dict[str, str]]:
    """What the venue closed: when, which contract, how much and at what price."""
    return [
        {
            "day": numerals.long_day(leg.filled_ns or leg.decided_ns),
            "instrument": leg.instrument,
            "value": numerals.money(leg.notional),
            "price": f"{leg.price:,.6g}",
        }
        for leg in scorecard.liquidated(run)
    ]


def folded(refusals: Iterable[LegRecord]) -> list[tuple[LegRecord, int]]:
    """Refusals that repeat on the days that follow, as the first of them and on how many days it stood."""
    spans: list[tuple[LegRecord, int]] = []
    running: dict[tuple[str, ...], int] = {}  # what is refused -> its last row
    for leg in sorted(refusals, key=lambda leg: leg.decided_ns):
        key = (leg.asset, leg.instrument, leg.kind, leg.side, leg.refused)
        at = running.get(key)
        if at is not None and leg.day >= 0 and spans[at][0].day >= 0 and leg.day == spans[at][0].day + spans[at][1]:
            spans[at] = (spans[at][0], spans[at][1] + 1)
        else:
            running[key] = len(spans)
            spans.append((leg, 1))
    return spans


def _decisions(run: Run) -> dict[str, Any]:
    """Every leg and refusal by time, column by column, each text once; a refusal that repeats daily is one row."""
    room = max(0, ROWS - len(run.legs))
    rows = [*((leg, 1) for leg in run.legs), *folded(run.refusals)[:room]][:ROWS]
    rows.sort(key=lambda row: (row[0].filled_ns if row[0].reason in RISK else 0) or row[0].decided_ns)
    legs = [leg for leg, _ in rows]
    strings: dict[str, int] = {"": 0}

    def texts(values: Iterable[str]) -> list[int]:
        return [strings.setdefault(value, len(strings)) for value in values]

    columns: dict[str, Any] = {
        "decided": [_named(run, leg) // 1_000_000_000 for leg in legs],
        "filled": [leg.filled_ns // 1_000_000_000 if leg.filled_ns > 0 else None for leg in legs],
        "days": [days for _, days in rows],
        "risk": [i for i, leg in enumerate(legs) if leg.reason in RISK],
        "via": [i for i, leg in enumerate(legs) if is_cross(leg)],
        "asset": texts(leg.asset for leg in legs),
        "instrument": texts(leg.instrument for leg in legs),
        "action": texts(_action(leg) for leg in legs),
        "reason": texts(leg.reason for leg in legs),
        "row": texts(leg.row for leg in legs),
        "refused": texts(leg.refused for leg in legs),
        "sentence": texts(leg.sentence for leg in legs),
    }
    for name in ("measured", "threshold"):
        values = [(getattr(leg, name), leg.unit) for leg in legs]
        columns[name] = texts("" if value != value else figure(value, unit, run.quote) for value, unit in values)
    for name in ("amount", "price", "notional", "cost"):
        columns[name] = [numerals.significant(getattr(leg, name), 5) for leg in legs]
    return {"strings": list(strings), **columns}


def _named(run: Run, leg: LegRecord) -> int:
    """The daily bar on whose close it was decided, by its opening time; the bar on which the risk clock acted otherwise."""
    if leg.reason in RISK:
        return leg.filled_ns or leg.decided_ns
    return int(run.days_ns[leg.day]) if 0 <= leg.day < len(run.days_ns) else leg.decided_ns


def _action(leg: LegRecord) -> str:
    return BY_VENUE.get(leg.reason) or ACTIONS.get((leg.kind, leg.side), f"{leg.kind} {leg.side}")
