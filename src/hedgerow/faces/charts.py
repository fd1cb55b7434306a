"""The charts of the report, as plain dictionaries that the page hands to Plotly.

Nothing here imports plotly. Two kinds of reference keep a figure small and themeable, and the page resolves them:
``{"@": "accent"}`` is a colour of the palette, ``{"$": "nav"}`` a series that is embedded once. A series that is a list
of lists is read at the figure's current selection (the whole portfolio first, then each asset). Text that comes from
files goes through ``_text``: Plotly reads a few tags, and must not read theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import numpy as np

from hedgerow.faces import numerals, palette, scorecard
from hedgerow.ledger import statistics
from hedgerow.model.market import Floats
from hedgerow.model.report import PARTS, Comparison, Run

Chart: TypeAlias = dict[str, Any]
FONT: Final = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LEFT: Final = 52  # pixels left of the plots, for their ticks
BAND: Final = 112  # pixels of one asset's band of weights
NAMED_DASHES: Final = {"accent": "solid", "b0": "dot", "b2": "dashdot", "b4": "dash"}
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
CARRY: Final = tuple(name for name in PARTS if name.startswith(("funding", "fees", "slippage")))
PART_NAMES: Final = {
    "spot": "Spot price",
    "hedge": "Hedge",
    "basis": "Basis",
    "funding": "Funding",
    "fees_spot": "Fees, spot",
    "fees_futures": "Fees, futures",
    "slippage_spot": "Slippage, spot",
    "slippage_futures": "Slippage, futures",
}


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
        "margin_ratio": _ratios(run.margin_ratio),
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
        "attribution": attribution(run),
        "margin": margin(run),
    }
    for name, figure in figures.items() if run.simulated else ():
        mark = {"text": "SIMULATED MARKET", "xref": "paper", "yref": "paper", "x": 1, "xanchor": "right"}
        below = {"y": 0, "yanchor": "top", "yshift": -28}
        above = {"y": 1, "yanchor": "bottom", "yshift": 4}
        mark |= {"showarrow": False, "font": {"size": 10, "color": _c("warn")}}
        figure["layout"]["annotations"].append(mark | (above if name == "attribution" else below))
    return figures


def equity(comparison: Comparison) -> Chart:
    """Net asset value above, drawdown below, the policy in front of its benchmarks."""
    traces: list[Chart] = []
    runs = [(comparison.subject.policy, comparison.subject, "accent")]
    runs += [(name, run, palette.benchmark_colour(scorecard.code(name))) for name, run in comparison.benchmarks.items()]
    quiet = 0
    for i, (name, run, colour) in enumerate(runs):
        dash = NAMED_DASHES.get(colour, DASHES[quiet % len(DASHES)])
        quiet += colour == "other"
        line = {"color": _c(colour), "width": 2.4 if i == 0 else 1.4, "dash": dash}
        label = name if i == 0 or run.title in ("", name) else f"{name} {run.title}"
        shown = True if i == 0 or colour != "other" else "legendonly"
        shared: Chart = {"type": "scatter", "x": _s("days"), "line": line, "mode": "lines", "visible": shown}
        shared |= {"name": _text(label), "zorder": len(runs) - i}  # the policy lies on top
        meta = {"group": i, "legend": label, "first": i == 0}
        traces.append({**shared, "y": _s(f"nav{i}"), "meta": meta, "hovertemplate": "%{y:,.0f}"})
        below = {"yaxis": "y2", "meta": {"group": i}, "hovertemplate": "%{y:.1%} from peak"}
        traces.append({**shared, "y": _s(f"drawdown{i}"), **below})
    layout = _layout(560, x="Day (UTC)", bottom="y2")
    layout["yaxis"] = _axis((0.37, 1.0), tickformat="~s")
    layout["yaxis2"] = _axis((0.0, 0.27), tickformat=".0%", rangemode="tozero")
    quote = _template(comparison.subject.quote)
    layout["annotations"] = [_label(f"Net asset value, {quote}", 1.0), _label("Drawdown from the last peak, %", 0.27)]
    return {"data": traces, "layout": layout, "legend": True}


def hedge(run: Run) -> Chart:
    """The ribbon of regimes above the hedge ratio, intended and achieved, of the selected asset."""
    colours, count = palette.regime_colours(run.regimes), max(1, len(run.regimes))
    scale = []
    for i, colour in enumerate(colours):
        scale += [[i / count, _c(colour)], [(i + 1) / count, _c(colour)]]
    ribbon = {
        "type": "heatmap", "x": _s("days"), "y": [""], "z": {"$": "regime", "row": True}, "yaxis": "y2",
        "zmin": -0.5, "zmax": count - 0.5, "colorscale": scale or [[0, _c("rule")], [1, _c("rule")]],
        "showscale": False, "hoverinfo": "skip",
    }  # fmt: skip
    named = {
        "type": "scatter", "x": _s("days"), "y": {"$": "regime", "flat": 0}, "mode": "lines",
        "text": {"$": "regime", "names": "regime_names"}, "line": {"width": 0, "color": _c("muted")},
        "name": "Regime", "hovertemplate": "%{text}",
    }  # fmt: skip
    achieved = {
        "type": "scatter", "x": _s("days"), "y": _s("h_achieved"), "mode": "lines", "name": "Achieved",
        "fill": "tozeroy", "fillcolor": _c("accent-soft"),
        "line": {"color": _c("accent"), "width": 1.6}, "hovertemplate": "%{y:.1%}",
    }  # fmt: skip
    intended = {
        "type": "scatter", "x": _s("days"), "y": _s("h_intended"), "mode": "lines", "name": "Intended",
        "line": {"color": _c("ink"), "width": 1.2, "dash": "dot", "shape": "hv"}, "hovertemplate": "%{y:.1%}",
    }  # fmt: skip
    layout = _layout(400, x="Day (UTC)", bottom="y")
    layout["yaxis"] = _axis((0.0, 0.78), tickformat=".0%", rangemode="tozero")
    layout["yaxis2"] = _axis((0.88, 1.0), fixedrange=True, showticklabels=False, showgrid=False, ticks="")
    layout["annotations"] = [_label("Regime", 1.0), _label("Hedge ratio, % of the spot held", 0.78)]
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
    layout = _layout(80 + BAND * count, x="Day (UTC)", bottom="y" if count == 1 else f"y{count}", hover="closest")
    layout["annotations"] = []
    traces: list[Chart] = []
    gap = 0.24 / count
    step = (1.0 + gap) / count
    for i, asset in enumerate(run.assets):
        top = 1.0 - i * step
        axis = "y" if i == 0 else f"y{i + 1}"
        layout["yaxis" + axis[1:]] = _axis((top - step + gap, top), tickformat=".0%", rangemode="tozero", nticks=4)
        layout["annotations"].append(_label(f"{_template(asset)}, % of net asset value", top))
        line = {"type": "scatter", "x": _s("days"), "mode": "lines", "yaxis": axis}
        weight = {"y": _s(f"weight{i}"), "name": f"{_text(asset)} weight", "fill": "tozeroy"}
        weight |= {
            "fillcolor": _c("accent-soft"),
            "line": {"color": _c("accent"), "width": 1.5},
            "hovertemplate": _dated(asset, "weight"),
        }
        target = {"y": _s(f"target{i}"), "name": f"{_text(asset)} target"}
        target["hovertemplate"] = _dated(asset, "target")
        target["line"] = {"color": _c("ink"), "width": 1.1, "dash": "dot", "shape": "hv"}
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
        line = {"color": _c(colour), "width": 2.2 if key == "carried" else 1.6, "dash": dash}
        traces.append({
            "type": "scatter", "x": _s("days"), "y": _s(key), "mode": "lines", "name": label, "line": line,
            "hovertemplate": f"%{{y:+,.0f}} {_template(run.quote)}", "meta": {"group": key, "legend": label},
        })  # fmt: skip
    layout = _layout(340, x="Day (UTC)")
    layout["yaxis"] = _axis((0.0, 1.0), tickformat="~s", zeroline=True, zerolinecolor=_c("muted"))
    layout["annotations"] = [_label(f"Received (+) and paid (−) since the start, {_template(run.quote)}", 1.0)]
    return {"data": traces, "layout": layout, "legend": True}


def attribution(run: Run) -> Chart:
    """From nothing to the change in value, part by part."""
    parts = [float(value) for value in run.parts[-1]] if len(run.parts) else [0.0] * len(PARTS)
    total = float(run.nav[-1] - run.start_value) if len(run.nav) else 0.0
    labels = [PART_NAMES[name] for name in PARTS]
    digits = numerals.cents(max(map(abs, parts)))
    bar = {
        "type": "waterfall", "orientation": "h", "y": [*labels, "Change in value"],
        "x": [numerals.significant(value, 8) for value in parts] + [numerals.significant(total, 8)],
        "measure": ["relative"] * len(parts) + ["total"], "textposition": "outside", "cliponaxis": False,
        "text": [numerals.fixed(value, digits, sign=True) for value in [*parts, total]],
        "hovertemplate": f"%{{y}}<br>%{{text}} {_template(run.quote)}<extra></extra>",
        "connector": {"line": {"color": _c("rule"), "width": 1}},
        "increasing": {"marker": {"color": _c("gain")}}, "decreasing": {"marker": {"color": _c("loss")}},
        "totals": {"marker": {"color": _c("accent")}}, "textfont": {"color": _c("ink"), "size": 12},
    }  # fmt: skip
    layout = _layout(400, x="", hover="closest")
    layout["xaxis"] = _axis(None, tickformat="~s", zeroline=True, zerolinecolor=_c("muted"))
    font = {"size": 12, "color": _c("muted")}
    layout["xaxis"] |= {"title": {"text": f"Running sum, {_template(run.quote)}", "font": font}}
    layout["xaxis"]["range"] = _reach([*np.cumsum(parts), total])
    layout["yaxis"] = {"autorange": "reversed", "automargin": True, "ticks": "", "showgrid": False, "fixedrange": True}
    layout["annotations"] = []
    return {"data": [bar], "layout": layout}


def margin(run: Run) -> Chart:
    """How far the short was from liquidation, and how much of its equity the venue's margin took."""
    line = {"type": "scatter", "x": _s("days"), "mode": "lines", "connectgaps": False}
    distance = line | {"y": _s("liquidation_distance"), "name": "Liquidation distance"}
    distance |= {"line": {"color": _c("accent"), "width": 1.8}, "hovertemplate": "%{y:.1%} above the mark price"}
    ratio = line | {"y": _s("margin_ratio"), "name": "Margin ratio", "yaxis": "y2"}
    ratio |= {"hovertemplate": "%{y:.2%} of equity", "line": {"color": _c("b2"), "width": 1.8}}
    layout = _layout(380, x="Day (UTC)", bottom="y2")
    layout["yaxis"] = _axis((0.56, 1.0), tickformat=".0%", rangemode="tozero")
    layout["yaxis2"] = _axis((0.0, 0.4), tickformat="~%", rangemode="tozero")
    layout["annotations"] = [
        _label("Nearest liquidation of the day, % above the mark price", 1.0),
        _label("Highest maintenance margin of the day, % of the position's equity", 0.4),
    ]
    return {"data": [distance, ratio], "layout": layout}


# --------------------------------------------------------------------------------------------------------------- parts


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
            lines.insert(1, f"measured {_plain(leg.measured)}, threshold {_plain(leg.threshold)}")
            text.append("<br>".join(_text(part) for part in lines if part))
    colour, symbol = ("loss", "triangle-down") if side == "sell" else ("gain", "triangle-up")
    marker = {"symbol": symbol, "size": 10, "color": _c(colour), "line": {"width": 1, "color": _c("card")}}
    return {
        "type": "scatter", "x": x, "y": y, "text": text, "mode": "markers", "yaxis": axis, "marker": marker,
        "hovertemplate": "%{x|%d %b %Y}<br>%{text}<extra></extra>", "name": "Trim" if side == "sell" else "Buy",
    }  # fmt: skip


def _layout(height: int, *, x: str, bottom: str = "y", hover: str = "x unified") -> Chart:
    ink = {"color": _c("ink")}
    return {
        "height": height, "paper_bgcolor": _c("card"), "plot_bgcolor": _c("card"), "showlegend": False,
        "margin": {"l": LEFT, "r": 14, "t": 30, "b": 48}, "hovermode": hover,
        "font": {"family": FONT, "size": 12, **ink},
        "hoverlabel": {"bgcolor": _c("card"), "bordercolor": _c("muted"), "font": {"family": FONT, "size": 12, **ink}},
        "xaxis": {
            "type": "date", "title": {"text": x, "font": {"size": 12, "color": _c("muted")}, "standoff": 8},
            "gridcolor": _c("grid"), "linecolor": _c("rule"), "tickfont": {"color": _c("muted")}, "anchor": bottom,
            "hoverformat": "%d %b %Y", "showspikes": True, "spikemode": "across", "spikethickness": 1,
            "spikedash": "solid", "spikecolor": _c("muted"), "zeroline": False,
        },
    }  # fmt: skip


def _axis(domain: tuple[float, float] | None, **settings: object) -> Chart:
    """A value axis: its name stands above it (``_label``), where it reads level on a narrow screen too."""
    axis: Chart = {"gridcolor": _c("grid"), "linecolor": _c("rule"), "zeroline": False, "automargin": False}
    axis |= {"tickfont": {"color": _c("muted")}, **settings}
    return axis if domain is None else axis | {"domain": [max(0.0, domain[0]), domain[1]]}


def _label(text: str, top: float) -> Chart:
    font = {"size": 12, "color": _c("muted")}
    place = {"x": 0, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 4}
    return {"text": text, "showarrow": False, "font": font, "xshift": -LEFT, "align": "left", **place}


def _reach(ends: Iterable[float]) -> list[float]:
    """A range that leaves room for the figures beside the bars."""
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = (high - low or 1.0) * 0.18
    return [low - (room if low < 0 else room / 6), high + room]


def _across(ratio: Floats, value: Floats) -> Floats:
    """The ratio of the whole portfolio on each day: over assets, weighted by the value held."""
    return np.array([statistics.weighted_mean(row, held) for row, held in zip(ratio, value, strict=True)])


def _c(name: str) -> dict[str, str]:
    return {"@": name}


def _s(name: str) -> dict[str, str]:
    return {"$": name}


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
    return f"%{{x|%d %b %Y}}<br>{_template(asset)} {what} %{{y:.1%}}<extra></extra>"


def _text(text: str) -> str:
    """Text from a file, so that Plotly shows its tags instead of reading them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _template(text: str) -> str:
    """The same where Plotly would read %{...} too: in hover templates, labels and titles."""
    return _text(text).replace("%", "&#37;").replace("{", "&#123;")
