"""The report of a sweep: one HTML file that needs nothing else, made as ``faces.page`` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hedgerow.faces import numerals, page, sweep_charts
from hedgerow.faces.scorecard import BY_KEY
from hedgerow.faces.sweep_record import Outcome, caveats
from hedgerow.faces.text import write_whole
from hedgerow.faces.text_sweep import COLUMNS, ends_words, plateau_words

CARDS = ("cagr", "sharpe", "max_drawdown", "mean_hedge_ratio")


def write(outcome: Outcome, path: Path) -> Path:
    """Write the page to ``path`` (its folder is made) and return it. Raises StoreError."""
    return write_whole(path, render(outcome), "page")


def render(outcome: Outcome) -> str:
    """The whole page as text."""
    data = {"series": sweep_charts.series(outcome), "charts": sweep_charts.charts(outcome)}
    title = f"Sweep of {outcome.base.policy} on {', '.join(outcome.base.assets)}"
    return page.render("sweep", _context(outcome), data, title=title, simulated=outcome.base.simulated)


def _context(outcome: Outcome) -> dict[str, Any]:
    result, run = outcome.result, outcome.base
    columns = list(dict.fromkeys(name for name in (result.objective, *COLUMNS) if name in BY_KEY))
    days = [int(ns) for ns in run.days_ns]
    return {
        "run": run,
        "first": numerals.long_day(days[0]),
        "last": numerals.long_day(days[-1]),
        "trials": f"{len(result):,}",
        "combinations": f"{result.space.size:,}",
        "search": outcome.search,
        "objective": sweep_charts.spoken(outcome),
        "headline": _headline(outcome),
        "caveats": caveats(outcome),
        "cards": _cards(outcome),
        "keys": [axis.key for axis in result.space.axes],
        "figures": [BY_KEY[name] for name in columns],
        "rows": _rows(outcome, columns),
        "tolerance": numerals.percent(outcome.tolerance),
        "plateaus": _plateaus(outcome),
        "maps": [[result.space.axes[i].key for i in pair] for pair in sweep_charts.pairs(outcome)],
        "drawn": f"{len(sweep_charts.drawn(outcome)):,}",
        "cut": len(sweep_charts.drawn(outcome)) < len(result.ranked()),
        "failed": f"{len(result.failed()):,}" if result.failed() else "",
        "facts": _facts(outcome),
    }


def _headline(outcome: Outcome) -> str:
    """The best setting in a sentence."""
    if not outcome.ranked:
        return f"No setting has a {sweep_charts.spoken(outcome)}."
    best, result = outcome.ranked[0], outcome.result
    cells = ", ".join(f"{key} at {value}" for key, value in outcome.cells(best).items())
    mine, theirs = result.value(best), outcome.base_figures.get(result.objective)
    shown = sweep_charts.written(outcome, mine), sweep_charts.written(outcome, theirs)
    return f"Best {sweep_charts.spoken(outcome)}: {shown[0]} with {cells}. The policy as it is: {shown[1]}."


def _cards(outcome: Outcome) -> list[dict[str, Any]]:
    """Figures of the best setting with their difference to the policy as it is."""
    if not outcome.ranked:
        return []
    best, found = outcome.result.figures(outcome.ranked[0]), []
    for name in CARDS:
        figure = BY_KEY[name]
        change, verdict = figure.difference(best[name], outcome.base_figures.get(name))
        found.append(
            {
                "label": figure.label,
                "value": figure.show(best[name]),
                "hint": figure.hint,
                "change": change,
                "outcome": verdict,
            }
        )
    return found


def _rows(outcome: Outcome, columns: list[str]) -> list[dict[str, Any]]:
    base = {"name": "as it is", "base": True, "cells": list(outcome.base_cells.values())}
    rows = [
        base
        | {"figures": _figures(outcome.base_figures, columns), "value": numerals.money(float(outcome.base.nav[-1]))}
    ]
    for number in outcome.ranked:
        figures = outcome.result.figures(number)
        cells = list(outcome.cells(number).values())
        row = {"name": f"{number:,}", "base": False, "cells": cells, "value": numerals.money(figures["value"])}
        rows.append(row | {"figures": _figures(figures, columns)})
    return rows


def _figures(figures: Any, columns: list[str]) -> list[str]:
    return [BY_KEY[name].bare(figures.get(name)) for name in columns]


def _plateaus(outcome: Outcome) -> list[dict[str, Any]]:
    asked = {axis.key: axis for axis in outcome.result.space.axes}
    return [
        {
            "key": one.key, "values": plateau_words(one), "ends": ends_words(one), "tried": f"{one.tried:,}",
            "of": f"{len(asked[one.key].values):,}", "now": outcome.base_cells[one.key], "ever": f"{outcome.ever[one.key]:,}",
        } for one in outcome.plateaus
    ]  # fmt: skip


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    seed = [] if outcome.search == "grid" else [("Seed", str(outcome.seed))]
    return [
        ("Search", outcome.search), *seed,
        ("Settings tried", f"{len(outcome.result):,} of {outcome.result.space.size:,}"),
        ("Trials of this policy in all logs", f"{outcome.ever['']:,}"),
        ("Sweep", outcome.sweep),
        ("Costs", "fees, spread, impact and funding as in a backtest"),
    ]  # fmt: skip
