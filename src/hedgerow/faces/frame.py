"""The frame of a chart: layout, axes and labels, references to colours and series, and text made safe for Plotly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final, TypeAlias

from hedgerow.faces import numerals
from hedgerow.model.market import Ints
from hedgerow.units import NS_PER_DAY

Chart: TypeAlias = dict[str, Any]
FONT: Final = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LEFT: Final = 52  # pixels left of the plots, for their ticks
DAY_MS: Final = 86_400_000
FEW: Final = 8  # days up to which each has a tick of its own: Plotly would count hours
FINE: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # ticks of a decade, no two nearer than a line of text up to 2.4 decades


def colour(name: str) -> dict[str, str]:
    """A colour of the palette."""
    return {"@": name}


def series(name: str) -> dict[str, str]:
    """A series that the page embeds once."""
    return {"$": name}


def shown(text: str) -> str:
    """Text from a file, so that Plotly shows its tags instead of reading them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def template(text: str) -> str:
    """The same where Plotly would read %{...} too: in hover templates, labels and titles."""
    return shown(text).replace("%", "&#37;").replace("{", "&#123;")


def layout(height: int, *, x: str, bottom: str = "y", hover: str = "x unified") -> Chart:
    """Everything about a figure but its value axes and labels."""
    ink, muted = {"color": colour("ink")}, {"color": colour("muted")}
    label = {"family": FONT, "size": 12, **ink}
    return {
        "height": height, "paper_bgcolor": colour("card"), "plot_bgcolor": colour("card"), "showlegend": False,
        "margin": {"l": LEFT, "r": 14, "t": 30, "b": 48}, "hovermode": hover, "font": label,
        "hoverlabel": {"bgcolor": colour("card"), "bordercolor": colour("muted"), "font": label},
        "xaxis": {
            "type": "date", "title": {"text": x, "font": {"size": 12, **muted}, "standoff": 8},
            "gridcolor": colour("grid"), "linecolor": colour("rule"), "tickfont": muted, "anchor": bottom,
            "hoverformat": "%d %b %Y", "showspikes": True, "spikemode": "across", "spikethickness": 1,
            "spikedash": "solid", "spikecolor": colour("muted"), "zeroline": False,
        },
    }  # fmt: skip


def axis(domain: tuple[float, float] | None, **settings: object) -> Chart:
    """A value axis: its name stands above it (``heading``), where it reads level on a narrow screen too."""
    made: Chart = {"gridcolor": colour("grid"), "linecolor": colour("rule"), "zeroline": False, "automargin": False}
    made |= {"tickfont": {"color": colour("muted")}, **settings}
    return made if domain is None else made | {"domain": [max(0.0, domain[0]), domain[1]]}


def heading(text: str, top: float) -> Chart:
    """What stands above an axis that ends at ``top``."""
    font = {"size": 12, "color": colour("muted")}
    place = {"x": 0, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 4}
    return {"text": text, "showarrow": False, "font": font, "xshift": -LEFT, "align": "left", **place}


def period(days_ns: Ints) -> Chart:
    """The run's own period as the range of a time axis, so that every chart of a page shows the same days."""
    first, last = (int(days_ns[i]) - half for i, half in ((0, NS_PER_DAY // 2), (-1, -NS_PER_DAY // 2)))
    ends: Chart = {"range": [stamp(first), stamp(last)]}
    if len(days_ns) <= FEW:
        ends |= {
            "tick0": stamp(int(days_ns[0])),
            "dtick": DAY_MS,
            "tickformat": "%d %b %Y" if len(days_ns) == 1 else "%d %b",
        }
    return ends


def money(values: Iterable[float], *, flat: float = 0.01) -> Chart:
    """Ticks of an axis of money that people can read; where nothing moved, a range of ``flat`` around it."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    ticks: Chart = {"tickformat": "~s" if max(abs(low), abs(high)) >= 1_000.0 else ",.6~g"}
    room = flat * max(abs(high), 100.0)
    return ticks | ({"range": [low - room, high + room]} if high - low < room / 10.0 else {})


def log_ticks(values: Iterable[float]) -> Chart:
    """Ticks of the same axis in logarithms: few enough that their labels never touch."""
    known = [value for value in values if math.isfinite(value) and value > 0.0]
    if not known:
        return {}
    low, high = min(known), max(known)
    decades = math.log10(high / low)
    if decades < 0.5:
        step = _round((high * 1.02 - low * 0.98) / 5.0)
        first, last = math.floor(low * 0.9 / step), math.ceil(high * 1.1 / step)
        ticks = [step * i for i in range(max(1, first), last + 1)]
    else:
        steps = FINE if decades <= 2.4 else (1.0, 2.0, 5.0) if decades <= 5.0 else (1.0,)
        ends = math.floor(math.log10(low)), math.ceil(math.log10(high))
        ticks = [step * 10.0**power for power in range(ends[0], ends[1] + 1) for step in steps]
    return {"tickmode": "array", "tickvals": [float(f"{tick:.6g}") for tick in ticks]}


def _round(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(digit for digit in (1.0, 2.0, 5.0, 10.0) if digit * power >= step * (1.0 - 1e-9))


def waterfall(
    steps: list[tuple[str, float]], end: tuple[str, float], quote: str, *, height: int, whole: bool = False
) -> Chart:
    """Steps of money and where they end, from top to bottom; ``whole``: the first is an amount to start from, not a change."""
    values = [step for _, step in steps]
    digits = numerals.cents(max(map(abs, [*values, end[1]])))
    written = [numerals.fixed(value, digits, sign=True) for value in [*values, end[1]]]
    if whole:
        written[0], written[-1] = (numerals.fixed(value, digits) for value in (values[0], end[1]))
    bar: Chart = {
        "type": "waterfall", "orientation": "h", "y": [label for label, _ in [*steps, end]],
        "x": [numerals.significant(value, 8) for value in [*values, end[1]]],
        "measure": ["absolute" if whole else "relative", *["relative"] * (len(steps) - 1), "total"],
        "textposition": "outside", "cliponaxis": False, "text": written,
        "hovertemplate": f"%{{y}}<br>%{{text}} {template(quote)}<extra></extra>",
        "connector": {"line": {"color": colour("rule"), "width": 1}},
        "increasing": {"marker": {"color": colour("gain")}}, "decreasing": {"marker": {"color": colour("loss")}},
        "totals": {"marker": {"color": colour("accent")}}, "textfont": {"color": colour("ink"), "size": 12},
    }  # fmt: skip
    made = layout(height, x="", hover="closest")
    sums = [*accumulate(values), end[1]]
    made["xaxis"] = axis(None, zeroline=True, zerolinecolor=colour("muted"), **money(sums))
    font = {"size": 12, "color": colour("muted")}
    made["xaxis"] |= {"title": {"text": f"Running sum, {template(quote)}", "font": font}, "range": reach(sums)}
    made["yaxis"] = {"autorange": "reversed", "automargin": True, "ticks": "", "showgrid": False, "fixedrange": True}
    made["annotations"] = []
    return {"data": [bar], "layout": made}


def reach(ends: Iterable[float]) -> list[float]:
    """A range that leaves room for the figures beside the bars."""
    low, high = min(0.0, *ends), max(0.0, *ends)
    if low == high:
        return [-1.0, 1.0]
    room = (high - low) * 0.18
    return [low - (room if low < 0 else room / 6), high + room]


def stamp(ns: int) -> str:
    """A moment as Plotly reads it."""
    return datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M")
