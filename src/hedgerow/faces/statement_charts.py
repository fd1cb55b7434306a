"""The pictures of a statement: value over time with what came and went, and from start to end part by part.

They are plain dictionaries with the same references to colours and series as those of ``faces.charts``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hedgerow.faces import frame, numerals
from hedgerow.faces.frame import Chart
from hedgerow.faces.statement_words import amount, shown_lines
from hedgerow.ledger.statement import Statement


def series(statement: Statement) -> dict[str, Any]:
    """Every series that the charts share."""
    points = [(one.at_ns, amount(one.value)) for one in statement.values]
    return {
        "times": [frame.stamp(ns) for ns, _ in points],
        "value": [numerals.significant(value, 8) for _, value in points],
        "paid_in": [numerals.significant(value, 8) for value in _paid_in(statement, [ns for ns, _ in points])],
    }


def _paid_in(statement: Statement, times: list[int]) -> list[float | None]:
    """Value at the start and all that came since, less what left; unknown from the first flow without a value on."""
    flows = sorted(statement.flows, key=lambda flow: flow.at_ns)
    total: float | None = amount(statement.opening)
    found: list[float | None] = []
    at = 0
    for ns in times:
        while at < len(flows) and flows[at].at_ns <= ns:
            worth = amount(flows[at].value)
            total = None if total is None or worth is None else total + worth
            at += 1
        found.append(total)
    return found


def charts(statement: Statement) -> dict[str, Chart]:
    """Every figure by its name in the page."""
    return {"value": value(statement), "waterfall": waterfall(statement)}


def value(statement: Statement) -> Chart:
    """Net asset value at the marks beside what was paid in; deposits and withdrawals marked where they happened."""
    shared: Chart = {"type": "scatter", "mode": "lines", "x": frame.series("times"), "connectgaps": False}
    worth = shared | {
        "y": frame.series("value"), "name": "Value", "line": {"color": frame.colour("accent"), "width": 2.4},
        "hovertemplate": "%{y:,.0f}", "meta": {"group": 0, "legend": "Value", "first": True},
    }  # fmt: skip
    paid = shared | {
        "y": frame.series("paid_in"), "name": "Paid in",
        "line": {"color": frame.colour("b0"), "width": 1.6, "dash": "dash", "shape": "hv"},
        "hovertemplate": "%{y:,.0f}", "meta": {"group": 1, "legend": "Value at the start and flows since"},
    }  # fmt: skip
    traces = [worth, paid]
    for group, (name, symbol, colour, sign) in enumerate(
        (("Deposit", "triangle-up", "gain", 1), ("Withdrawal", "triangle-down", "loss", -1)), start=2
    ):
        marks = _flow_marks(statement, sign)
        if marks:
            traces.append({
                "type": "scatter", "mode": "markers", "name": name, "x": [at for at, _, _ in marks],
                "y": [at_value for _, at_value, _ in marks], "text": [label for _, _, label in marks],
                "marker": {"symbol": symbol, "size": 11, "color": frame.colour(colour)},
                "hovertemplate": "%{text}", "cliponaxis": False, "meta": {"group": group, "legend": f"{name}s"},
            })  # fmt: skip
    layout = frame.layout(400, x="Time (UTC)")
    known = [one for one in (amount(mark.value) for mark in statement.values) if one is not None]
    layout["yaxis"] = frame.axis(None, **frame.money(known))
    layout["annotations"] = [frame.heading(f"Net asset value at the marks, {frame.template(statement.quote)}", 1.0)]
    layout["xaxis"]["range"] = [frame.stamp(ns) for ns in (statement.since_ns, statement.until_ns)]
    layout["hovermode"] = "closest" if len(known) < 2 else "x unified"
    if len(known) < 2:
        worth["mode"] = paid["mode"] = "lines+markers"
    return {"data": traces, "layout": layout, "legend": True}


def _flow_marks(statement: Statement, sign: int) -> list[tuple[str, float | None, str]]:
    """Where and how much came (1) or left (-1): time, the value at the mark after it, and words."""
    times = np.array([one.at_ns for one in statement.values], dtype=np.int64)
    found = []
    for flow in statement.flows:
        if flow.amount * sign <= 0:
            continue
        at = min(int(np.searchsorted(times, flow.at_ns)), len(times) - 1)
        words = f"{numerals.fixed(amount(abs(flow.amount)), 4).rstrip('0').rstrip('.')} {flow.currency}"
        if flow.currency != statement.quote and flow.value is not None:
            words += f" ({numerals.money(amount(abs(flow.value)))} {statement.quote})"
        height = numerals.significant(amount(statement.values[at].value), 8)
        found.append((frame.stamp(flow.at_ns), height, frame.template(words)))
    return found


def waterfall(statement: Statement) -> Chart:
    """From the value at the start to that at the end: flows, then each part of the result."""
    net = amount(statement.breakdown.flows) or 0.0
    opening, closing = float(statement.opening), float(statement.closing)
    parts = [(label, float(part)) for label, part in shown_lines(statement.breakdown.parts)]
    steps = [("Value at the start", opening), ("Deposits less withdrawals", net), *parts]
    height = 90 + 28 * (len(steps) + 1)
    return frame.waterfall(steps, ("Value at the end", closing), statement.quote, height=height, whole=True)
