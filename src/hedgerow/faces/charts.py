"""The charts of the report, as plain dictionaries that the page hands to Plotly.

Nothing here imports plotly. Two kinds of reference keep a figure small and themeable, and the page resolves them:
``{"@": "accent"}`` is a colour of the palette, ``{"$": "nav"}`` a series that is embedded once. A series that is a list
of lists is read at the figure's current selection (the whole portfolio first, then each asset). Text that comes from
files goes through ``frame.shown``: Plotly reads a few tags, and must not read theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from hedgerow import units
from hedgerow.faces import frame, numerals, palette, scorecard
from hedgerow.faces.attribution import PART_NAMES, parts_of, unhedged_of
from hedgerow.faces.frame import Chart
from hedgerow.ledger import hedging, statistics
from hedgerow.model.market import Floats
from hedgerow.model.report import PARTS, Comparison, Run

BAND: Final = 112  # pixels of one asset's band of weights
NAMED_DASHES: Final = {"b0": "dot", "b2": "dashdot", "b4": "dash", "b4c": "longdashdot"}
SHOWN: Final = ("B0", "B2", "B4")  # benchmarks that the verdict names; a click in the legend brings the others
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
CARRY: Final = tuple(name for name in PARTS if name.startswith(("funding", "fees", "slippage")))


def series(comparison: Comparison) -> dict[str, Any]:
    """Every series that the charts share, rounded to what can be seen: money to 6 digits, ratios to 4 decimals."""
    run = comparison.subject
    value = run.base
    data: dict[str, Any] = {
        "days": [numerals.day(int(ns)) for ns in run.days_ns],
        "regime_names": list(run.regimes),
        "regime": [_states(run.market_regime), *(_states(run.regime[:, i]) for i in range(len(run.assets)))],
        "h_intended": [_ratios(_across(run.h_intended, value)), *map(_ratios, run.h_intended.T)],
        "h_achieved": [_ratios(_across(run.h_achieved, value)), *map(_ratios, run.h_achieved.T)],
        "margin_ratio": _ratios(np.where(run.margin_ratio > 0.0, run.margin_ratio, np.nan)),  # 0: no position
        "liquidation_distance": _ratios(run.liquidation_distance),
    }
    for i in range(len(run.assets)):
        data[f"weight{i}"] = _ratios(run.weight[:, i])
        data[f"target{i}"] = _ratios(run.target[:, i])
    part = {name: run.parts[:, i] for i, name in enumerate(PARTS)}
    data["funding"] = _amounts(part["funding"])
    data["fees"] = _amounts(part["fees_spot"] + part["fees_futures"])
    data["slippage"] = _amounts(part["slippage_spot"] + part["slippage_futures"])
    data["carried"] = _amounts(sum((part[name] for name in CARRY), np.zeros(len(run.nav))))
    for i, each in enumerate([run, *comparison.benchmarks.values()]):
        data[f"nav{i}"] = _amounts(each.nav)
        data[f"drawdown{i}"] = _ratios(statistics.drawdowns(statistics.path_of(each))[1:])
    return data


def charts(comparison: Comparison) -> dict[str, Chart]:
    """Every figure by its name in the page."""
    run = comparison.subject
    figures = {
        "equity": equity(comparison),
        "hedge": hedge(run),
        "weights": weights(run),
        "carry": carry(run),
        "attribution": attribution(comparison),
        "margin": margin(run),
    }
    unhedged = unhedged_of(comparison)
    if unhedged is not None and hedging.effectiveness(run) is not None:
        figures["insurance"] = insurance(run, unhedged)
    for name, figure in figures.items():
        if name != "attribution" and len(run.days_ns):
            figure["layout"]["xaxis"] |= frame.period(run.days_ns)
        for trace in figure["data"] if len(run.days_ns) == 1 else ():
            if trace.get("mode") == "lines" and trace["line"]["width"]:
                trace["mode"] = "lines+markers"  # a line of one point is not seen
    for name, figure in figures.items() if run.simulated else ():
        mark = {"text": "SIMULATED MARKET", "xref": "paper", "yref": "paper", "x": 1, "xanchor": "right"}
        below = {"y": 0, "yanchor": "top", "yshift": -28}
        above = {"y": 1, "yanchor": "bottom", "yshift": 4}
        mark |= {"showarrow": False, "font": {"size": 10, "color": frame.colour("warn")}}
        figure["layout"]["annotations"].append(mark | (above if name == "attribution" else below))
    return figures


def equity(comparison: Comparison) -> Chart:
    """Net asset value above, drawdown below, the policy in front of its benchmarks."""
    traces: list[Chart] = []
    runs = [(comparison.subject.policy, comparison.subject, "accent")]
    runs += [(name, run, palette.benchmark_colour(scorecard.code(name))) for name, run in comparison.benchmarks.items()]
    quiet = 0
    for i, (name, run, colour) in enumerate(runs):
        dash = "solid" if i == 0 else NAMED_DASHES.get(colour, DASHES[quiet % len(DASHES)])
        quiet += colour == "other"
        line = {"color": frame.colour(colour), "width": 2.4 if i == 0 else 1.4, "dash": dash}
        label = name if i == 0 or run.title in ("", name) else f"{name} {run.title}"
        shown = True if i == 0 or scorecard.code(name) in SHOWN else "legendonly"
        shared: Chart = {"type": "scatter", "x": frame.series("days"), "line": line, "mode": "lines", "visible": shown}
        shared |= {"name": frame.shown(label), "zorder": len(runs) - i}  # the policy lies on top
        meta = {"group": i, "legend": label, "first": i == 0}
        traces.append({**shared, "y": frame.series(f"nav{i}"), "meta": meta, "hovertemplate": "%{y:,.0f}"})
        below = {"yaxis": "y2", "meta": {"group": i}, "hovertemplate": "%{y:.1%} from peak"}
        traces.append({**shared, "y": frame.series(f"drawdown{i}"), **below})
    layout = frame.layout(560, x="Day (UTC)", bottom="y2")
    values = [float(value) for each in (comparison.subject, *comparison.benchmarks.values()) for value in each.nav]
    layout["yaxis"] = frame.axis((0.37, 1.0), **frame.money(values))
    layout["yaxis2"] = frame.axis((0.0, 0.27), tickformat=".0%", rangemode="tozero")
    if not any((statistics.drawdowns(statistics.path_of(run)) < 0.0).any() for _, run, _ in runs):
        layout["yaxis2"]["range"] = [-0.1, 0.0]
    quote = frame.template(comparison.subject.quote)
    layout["annotations"] = [
        frame.heading(f"Net asset value, {quote}", 1.0),
        frame.heading("Drawdown from the last peak, %", 0.27),
    ]
    return {"data": traces, "layout": layout, "legend": True, "log": frame.log_ticks(values)}


def hedge(run: Run) -> Chart:
    """The ribbon of regimes above the hedge ratio, intended and achieved, of the selected asset."""
    colours, count = palette.regime_colours(run.regimes), max(1, len(run.regimes))
    scale = []
    for i, colour in enumerate(colours):
        scale += [[i / count, frame.colour(colour)], [(i + 1) / count, frame.colour(colour)]]
    day = numerals.day(int(run.days_ns[0])) if len(run.days_ns) else ""  # days follow each other: a width for each
    ribbon = {
        "type": "heatmap", "x0": day, "dx": frame.DAY_MS, "y": [""], "z": {"$": "regime", "row": True}, "yaxis": "y2",
        "zmin": -0.5, "zmax": count - 0.5, "colorscale": scale or [[0, frame.colour("rule")], [1, frame.colour("rule")]],
        "showscale": False, "hoverinfo": "skip",
    }  # fmt: skip
    named = {
        "type": "scatter", "x": frame.series("days"), "y": {"$": "regime", "flat": 0}, "mode": "lines",
        "text": {"$": "regime", "names": "regime_names"}, "line": {"width": 0, "color": frame.colour("muted")},
        "name": "Regime", "hovertemplate": "%{text}",
    }  # fmt: skip
    achieved = {
        "type": "scatter", "x": frame.series("days"), "y": frame.series("h_achieved"), "mode": "lines", "name": "Achieved",
        "fill": "tozeroy", "fillcolor": frame.colour("accent-soft"),
        "line": {"color": frame.colour("accent"), "width": 1.6}, "hovertemplate": "%{y:.1%}",
    }  # fmt: skip
    intended = {
        "type": "scatter", "x": frame.series("days"), "y": frame.series("h_intended"), "mode": "lines", "name": "Intended",
        "line": {"color": frame.colour("ink"), "width": 1.2, "dash": "dot", "shape": "hv"}, "hovertemplate": "%{y:.1%}",
    }  # fmt: skip
    layout = frame.layout(400, x="Day (UTC)", bottom="y")
    layout["yaxis"] = frame.axis((0.0, 0.78), tickformat=".0%", rangemode="tozero")
    layout["yaxis2"] = frame.axis((0.88, 1.0), fixedrange=True, showticklabels=False, showgrid=False, ticks="")
    layout["annotations"] = [frame.heading("Regime", 1.0), frame.heading("Hedge ratio, % of the spot held", 0.78)]
    for trace, label in ((achieved, "Achieved"), (intended, "Intended")):
        trace["meta"] = {"group": label, "legend": label}
    return {
        "data": [ribbon, named, named | {"yaxis": "y2"}, achieved, intended],
        "layout": layout,
        "legend": True,
        "select": True,
    }


def weights(run: Run) -> Chart:
    """One band for each asset: its weight, its target, and a mark at every spot trade with its reason."""
    count = max(1, len(run.assets))
    layout = frame.layout(80 + BAND * count, x="Day (UTC)", bottom="y" if count == 1 else f"y{count}", hover="closest")
    layout["annotations"] = []
    traces: list[Chart] = []
    gap = 0.24 / count
    step = (1.0 + gap) / count
    for i, asset in enumerate(run.assets):
        top = 1.0 - i * step
        axis = "y" if i == 0 else f"y{i + 1}"
        layout["yaxis" + axis[1:]] = frame.axis((top - step + gap, top), tickformat=".0%", rangemode="tozero", nticks=4)
        layout["annotations"].append(frame.heading(f"{frame.template(asset)}, % of net asset value", top))
        line = {"type": "scatter", "x": frame.series("days"), "mode": "lines", "yaxis": axis}
        weight = {"y": frame.series(f"weight{i}"), "name": f"{frame.shown(asset)} weight", "fill": "tozeroy"}
        weight |= {
            "fillcolor": frame.colour("accent-soft"),
            "line": {"color": frame.colour("accent"), "width": 1.5},
            "hovertemplate": _dated(asset, "weight"),
        }
        target = {"y": frame.series(f"target{i}"), "name": f"{frame.shown(asset)} target"}
        target["hovertemplate"] = _dated(asset, "target")
        target["line"] = {"color": frame.colour("ink"), "width": 1.1, "dash": "dot", "shape": "hv"}
        weight["meta"] = {"group": "weight"} | ({"legend": "Weight"} if i == 0 else {})
        target["meta"] = {"group": "target"} | ({"legend": "Target"} if i == 0 else {})
        traces += [line | weight, line | target]
        for side, label in (("sell", "Trim"), ("buy", "Buy")):
            meta = {"group": side} | ({"legend": label} if i == 0 else {})
            traces.append(_marks(run, i, axis, side) | {"meta": meta})
    return {"data": traces, "layout": layout, "legend": True}


def carry(run: Run) -> Chart:
    """What holding the hedge earned and what trading cost, added up from the start."""
    traces = []
    rows = (
        ("funding", "Funding", "gain", "solid"),
        ("fees", "Fees", "loss", "dash"),
        ("slippage", "Slippage", "b2", "dot"),
        ("carried", "All together", "ink", "solid"),
    )
    for key, label, colour, dash in rows:
        line = {"color": frame.colour(colour), "width": 2.2 if key == "carried" else 1.6, "dash": dash}
        traces.append({
            "type": "scatter", "x": frame.series("days"), "y": frame.series(key), "mode": "lines", "name": label, "line": line,
            "hovertemplate": f"%{{y:+,.0f}} {frame.template(run.quote)}", "meta": {"group": key, "legend": label},
        })  # fmt: skip
    layout = frame.layout(340, x="Day (UTC)")
    paid = run.parts[:, [PARTS.index(name) for name in CARRY]]
    ticks = frame.money([*map(float, paid.ravel()), *map(float, paid.sum(axis=1))])
    layout["yaxis"] = frame.axis((0.0, 1.0), zeroline=True, zerolinecolor=frame.colour("muted"), **ticks)
    layout["annotations"] = [
        frame.heading(f"Received (+) and paid (−) since the start, {frame.template(run.quote)}", 1.0)
    ]
    return {"data": traces, "layout": layout, "legend": True}


def attribution(comparison: Comparison) -> Chart:
    """From nothing to the change in value, part by part."""
    run, named = comparison.subject, parts_of(comparison)
    total = float(run.nav[-1] - run.start_value) if len(run.nav) else 0.0
    steps = [(PART_NAMES[name], value) for name, value in named.items()]
    return frame.waterfall(steps, ("Change in value", total), run.quote, height=400)


def insurance(run: Run, unhedged: Run) -> Chart:
    """What the hedge made in each month, by whether the unhedged book gained or lost in it."""
    quote = frame.template(run.quote)
    told = hedging.insurance(run, unhedged)
    sides = (("up", "Unhedged book gained", "regime-bull"), ("down", "Unhedged book lost", "regime-downturn"))
    traces: list[Chart] = []
    for side, label, colour in sides:
        months = [m for m in told.months if m.unhedged is not None and (m.unhedged >= 0.0) == (side == "up")]
        traces.append({
            "type": "bar", "x": [f"{m.year}-{m.month:02}-15" for m in months], "width": 24 * frame.DAY_MS,
            "y": [numerals.significant(m.hedge) for m in months], "name": label, "marker": {"color": frame.colour(colour)},
            "text": [numerals.percent(m.unhedged, sign=True) for m in months], "textposition": "none",
            "hovertemplate": f"%{{x|%b %Y}}<br>hedge %{{y:+,.0f}} {quote}<br>unhedged book %{{text}}<extra></extra>",
            "meta": {"group": side, "legend": label},
        })  # fmt: skip
    layout = frame.layout(300, x="Month (UTC)", hover="closest")
    ticks = frame.money([m.hedge for m in told.months])
    layout["yaxis"] = frame.axis((0.0, 1.0), zeroline=True, zerolinecolor=frame.colour("muted"), **ticks)
    layout["barmode"] = "overlay"
    layout["annotations"] = [frame.heading(f"Hedge in the month, all its parts and costs, {quote}", 1.0)]
    return {"data": traces, "layout": layout, "legend": True}


def margin(run: Run) -> Chart:
    """How far the short was from liquidation, and how much of its equity the venue's margin took."""
    line = {"type": "scatter", "x": frame.series("days"), "mode": "lines", "connectgaps": False}
    distance = line | {"y": frame.series("liquidation_distance"), "name": "Liquidation distance"}
    distance |= {
        "line": {"color": frame.colour("accent"), "width": 1.8},
        "hovertemplate": "%{y:.1%} above the mark price",
    }
    ratio = line | {"y": frame.series("margin_ratio"), "name": "Margin ratio", "yaxis": "y2"}
    ratio |= {"hovertemplate": "%{y:.2%} of equity", "line": {"color": frame.colour("b2"), "width": 1.8}}
    layout = frame.layout(380, x="Day (UTC)", bottom="y2")
    layout["yaxis"] = frame.axis((0.56, 1.0), tickformat=".0%", rangemode="tozero")
    layout["yaxis2"] = frame.axis((0.0, 0.4), tickformat="~%", rangemode="tozero")
    layout["annotations"] = [
        frame.heading("Nearest liquidation of the day, % above the mark price", 1.0),
        frame.heading("Highest maintenance margin of the day, % of the position's equity", 0.4),
    ]
    traces = [distance, ratio, _liquidations(run)] if scorecard.liquidated(run) else [distance, ratio]
    return {"data": traces, "layout": layout, "legend": True}


# --------------------------------------------------------------------------------------------------------------- parts


def _liquidations(run: Run) -> Chart:
    """A cross at the foot of the distance for each position that the venue closed."""
    legs = scorecard.liquidated(run)
    words = [
        f"Liquidated: {leg.instrument}, {numerals.money(leg.notional)} {run.quote} at {_plain(leg.price)}"
        for leg in legs
    ]
    marker = {
        "symbol": "x",
        "size": 12,
        "color": frame.colour("loss"),
        "line": {"width": 1, "color": frame.colour("card")},
    }
    return {
        "type": "scatter", "x": [frame.stamp(leg.filled_ns or leg.decided_ns) for leg in legs], "y": [0.0] * len(legs),
        "text": [frame.shown(word) for word in words], "mode": "markers", "marker": marker, "cliponaxis": False,
        "name": "Liquidation", "hovertemplate": "%{text}<extra></extra>",
        "meta": {"group": "Liquidation", "legend": "Liquidation"},
    }  # fmt: skip


def _marks(run: Run, asset: int, axis: str, side: str) -> Chart:
    """Spot trades of one side: where the weight was, and why it was traded."""
    x, y, text = [], [], []
    wanted = ("spot", side, run.assets[asset])
    for leg in run.legs:
        if (leg.kind, leg.side, leg.asset) == wanted and 0 <= leg.day < len(run.days_ns):
            x.append(numerals.day(int(run.days_ns[leg.day])))
            y.append(numerals.significant(run.weight[leg.day, asset], 4))
            word = "Sold" if side == "sell" else "Bought"
            lines = [f"{word} {numerals.money(leg.notional)} {run.quote}: {leg.reason} ({leg.row})", leg.sentence]
            measured, threshold = (units.figure(value, leg.unit, run.quote) for value in (leg.measured, leg.threshold))
            lines.insert(1, f"measured {measured}, threshold {threshold}")
            text.append("<br>".join(frame.shown(part) for part in lines if part))
    colour, symbol = ("loss", "triangle-down") if side == "sell" else ("gain", "triangle-up")
    marker = {
        "symbol": symbol,
        "size": 10,
        "color": frame.colour(colour),
        "line": {"width": 1, "color": frame.colour("card")},
    }
    return {
        "type": "scatter", "x": x, "y": y, "text": text, "mode": "markers", "yaxis": axis, "marker": marker,
        "hovertemplate": "%{x|%d %b %Y}<br>%{text}<extra></extra>", "name": "Trim" if side == "sell" else "Buy",
    }  # fmt: skip


def _across(ratio: Floats, value: Floats) -> Floats:
    """The ratio of the whole portfolio on each day: over assets, weighted by the value held."""
    return np.array([statistics.weighted_mean(row, held) for row, held in zip(ratio, value, strict=True)])


def _ratios(values: Floats) -> list[float | None]:
    return [round(float(v), 4) + 0.0 if np.isfinite(v) else None for v in values]


def _amounts(values: Floats) -> list[float | None]:
    return [numerals.significant(float(v)) for v in values]


def _states(values: Iterable[int]) -> list[int | None]:
    return [int(v) if v >= 0 else None for v in values]


def _plain(value: float) -> str:
    number = numerals.significant(value, 4)
    return numerals.NONE if number is None else f"{number:g}".replace("-", numerals.MINUS)


def _dated(asset: str, what: str) -> str:
    return f"%{{x|%d %b %Y}}<br>{frame.template(asset)} {what} %{{y:.1%}}<extra></extra>"
