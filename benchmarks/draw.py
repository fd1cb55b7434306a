"""The figures against their bars as one picture: a line for each, on a scale of how many times better than its bar it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.show import bar_of, number

WIDTH: Final = 1260
EACH: Final = 21  # pixels of a line
LOOKS: Final = ("light", "dark")


def page(record: dict[str, Any], colours: Mapping[str, str] | None = None) -> str:
    """A page that holds the picture; light unless other colours of the palette are given."""
    from hedgerow.faces.palette import LIGHT

    chosen = dict(colours or LIGHT)
    body = figure(record, chosen).to_html(include_plotlyjs=True, full_html=True, config={"displayModeBar": False})
    return f"<body style='margin:0;background:{chosen['page']}'>{body}</body>"


def height(record: dict[str, Any]) -> int:
    """Pixels of the picture."""
    return 130 + EACH * len(_held(record))


def figure(record: dict[str, Any], colours: Mapping[str, str]) -> Any:
    """A dot for the median of each figure with a bar, a line for its range, a tick for the aim."""
    from plotly import graph_objects as plotly

    rows = _held(record)
    names = [f"{row['what']}: {number(row['median'])} {row['unit']}" for row in rows]
    drawn = plotly.Figure()
    for met, colour in ((True, "gain"), (False, "loss")):
        chosen = [(name, row) for name, row in zip(names, rows, strict=True) if row["met"] == met]
        bars = [(name, row, bar_of(row)) for name, row in chosen]
        middle = [bar.headroom(row["median"]) for _, row, bar in bars if bar]
        ends = [sorted(bar.headroom(row[end]) for end in ("least", "largest")) for _, row, bar in bars if bar]
        drawn.add_scatter(
            x=middle, y=[name for name, *_ in bars], mode="markers", name="bar met" if met else "bar missed",
            marker={"color": colours[colour], "size": 9, "symbol": "circle" if met else "x"},
            error_x={"type": "data", "symmetric": False, "thickness": 2, "width": 0,
                     "array": [high - mid for mid, (_, high) in zip(middle, ends, strict=True)],
                     "arrayminus": [mid - low for mid, (low, _) in zip(middle, ends, strict=True)]},
        )  # fmt: skip
    aims = [(name, bar.headroom(bar.aim)) for name, row in zip(names, rows, strict=True) if (bar := bar_of(row))]
    drawn.add_scatter(
        x=[place for _, place in aims], y=[name for name, _ in aims], mode="markers", name="aim",
        marker={"color": colours["muted"], "size": 11, "symbol": "line-ns", "line": {"width": 2, "color": colours["muted"]}},
    )  # fmt: skip
    drawn.add_vline(x=1.0, line={"color": colours["ink"], "width": 1})
    drawn.update_layout(
        width=WIDTH, height=height(record), paper_bgcolor=colours["page"], plot_bgcolor=colours["card"],
        margin={"t": 70, "b": 50, "l": 20, "r": 20}, font={"color": colours["ink"], "family": "sans-serif", "size": 13},
        title={"text": "How many times better than its bar each figure is", "x": 0.02},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )  # fmt: skip
    drawn.update_xaxes(type="log", gridcolor=colours["grid"], title="times better than the bar (1: the bar)", dtick=1)
    drawn.update_yaxes(
        gridcolor=colours["grid"],
        categoryorder="array",
        categoryarray=names[::-1],
        automargin=True,
        ticksuffix="  ",
        range=[-0.7, len(names) - 0.3],
    )
    return drawn


def _held(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that stand against a ceiling or a floor; an exponent has two sides and no distance."""
    return [row for row in record["rows"] if row.get("kind") in ("most", "least")]
