"""The charts of a sweep's report, as ``faces.charts`` makes those of a backtest: figures that the page hands to Plotly.

Parallel coordinates are drawn as lines of a plain chart: Plotly's own need WebGL and compile code in the browser, which
the page's content policy forbids.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from hedgerow.faces import frame, numerals
from hedgerow.faces.frame import Chart
from hedgerow.faces.scorecard import BY_KEY
from hedgerow.faces.sweep_record import Outcome
from hedgerow.ledger import statistics
from hedgerow.research.search import OBJECTIVES
from hedgerow.research.vary import Axis

LINES: Final = 1_500  # settings that the parallel coordinates show
MAPS: Final = 6  # pairs of keys that get a map
WRITTEN: Final = 130  # cells of a map up to which each has its figure
TICKS: Final = 9  # values named on an axis
# classes of the objective, the best last so that it lies on top
CLASSES: Final = (  # name, colour, opacity
    ("Lowest fifth", "other", 0.35),
    ("Fourth", "b0", 0.6),
    ("Middle", "regime-x3", 0.7),
    ("Second", "b4", 0.8),
    ("Best fifth", "accent", 0.9),
)


def series(outcome: Outcome) -> dict[str, Any]:
    """Every series that the charts share."""
    runs = [outcome.base, *([outcome.best] if outcome.best is not None else [])]
    data: dict[str, Any] = {"days": [numerals.day(int(ns)) for ns in outcome.base.days_ns]}
    for i, run in enumerate(runs):
        data[f"nav{i}"] = [numerals.significant(value) for value in run.nav]
        falls = statistics.drawdowns(statistics.path_of(run))[1:]
        data[f"drawdown{i}"] = [None if value != value else round(float(value), 4) for value in falls]
    return data


def charts(outcome: Outcome) -> dict[str, Chart]:
    """Every figure by its name in the page."""
    figures = {"equity": equity(outcome), "parallel": parallel(outcome)}
    for i, axis in enumerate(outcome.result.space.axes):
        figures[f"profile{i}"] = profile(outcome, i, axis)
    for i, (one, two) in enumerate(pairs(outcome)):
        figures[f"map{i}"] = heat(outcome, one, two)
    return figures


def label(outcome: Outcome) -> str:
    """What the objective is called at the head of a column."""
    figure = BY_KEY.get(outcome.result.objective)
    return figure.label if figure else "Value at the end"


def spoken(outcome: Outcome) -> str:
    """What it is called inside a sentence: names of people and of figures in capitals stay as they are."""
    name = label(outcome)
    return (
        name.lower() if outcome.result.objective in ("max_drawdown", "volatility", "cost_per_year", "value") else name
    )


def written(outcome: Outcome, value: float | None) -> str:
    """The objective as a report prints it."""
    figure = BY_KEY.get(outcome.result.objective)
    return figure.show(value) if figure else numerals.money(value)


def pairs(outcome: Outcome) -> list[tuple[int, int]]:
    """The pairs of axes that get a map: those that have several values each."""
    several = [i for i, axis in enumerate(outcome.result.space.axes) if len(axis.values) > 1]
    return list(combinations(several, 2))[:MAPS]


def equity(outcome: Outcome) -> Chart:
    """The best setting's value and falls beside those of the policy as it is."""
    runs = [(outcome.base, "The policy as it is", "other")]
    if outcome.best is not None:
        runs.append((outcome.best, "The best setting", "accent"))
    traces: list[Chart] = []
    for i, (_, name, colour) in enumerate(runs):
        line = {"color": frame.colour(colour), "width": 1.4 if i == 0 else 2.2, "dash": "dash" if i == 0 else "solid"}
        shared: Chart = {"type": "scatter", "mode": "lines", "x": frame.series("days"), "line": line, "name": name}
        meta = {"group": i, "legend": name, "first": i == 1}
        traces.append({**shared, "y": frame.series(f"nav{i}"), "meta": meta, "hovertemplate": "%{y:,.0f}"})
        below = {"yaxis": "y2", "meta": {"group": i}, "hovertemplate": "%{y:.1%} from peak"}
        traces.append({**shared, "y": frame.series(f"drawdown{i}"), **below})
    layout = frame.layout(440, x="Day (UTC)", bottom="y2")
    layout["yaxis"] = frame.axis((0.4, 1.0), **frame.money([float(v) for run, _, _ in runs for v in run.nav]))
    layout["yaxis2"] = frame.axis((0.0, 0.28), tickformat=".0%", rangemode="tozero")
    layout["xaxis"] |= frame.period(outcome.base.days_ns)
    heads = (f"Net asset value, {frame.template(outcome.base.quote)}", 1.0), ("Drawdown from the last peak, %", 0.28)
    layout["annotations"] = [frame.heading(*head) for head in heads]
    return {"data": traces, "layout": layout, "legend": True}


def drawn(outcome: Outcome) -> list[int]:
    """Numbers of the trials that the parallel coordinates show, the worst first: all, or the best third and every nth."""
    ranked = outcome.result.ranked()
    if len(ranked) > LINES:
        top, rest = ranked[: LINES // 3], ranked[LINES // 3 :]
        step = math.ceil(len(rest) / (LINES - len(top)))
        ranked = [*top, *rest[step - 1 :: step]]
    return ranked[::-1]


def parallel(outcome: Outcome) -> Chart:
    """A line for each setting, from key to key to the objective, coloured by its fifth of all that are shown."""
    result, numbers = outcome.result, drawn(outcome)
    axes = result.space.axes
    shown = [result.value(number) for number in numbers]
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    x = [*range(len(axes) + 1), None]
    lines: dict[int, tuple[list[Any], list[Any]]] = {i: ([], []) for i in range(len(CLASSES))}
    for rank, (number, value) in enumerate(zip(numbers, shown, strict=True)):
        places = result.space.at(result.setting(number))
        # a little apart, so that settings that share a value do not lie on one line
        apart = 0.02 * (rank / max(1, len(numbers) - 1) - 0.5)
        heights = [
            _height(axis, place) + (apart if axis.numbers is None else apart / 4)
            for axis, place in zip(axes, places, strict=True)
        ]
        xs, ys = lines[rank * len(CLASSES) // len(numbers)]
        xs += x
        ys += [
            *(round(height, 4) for height in heights),
            round((value - low) / (high - low) if high > low else 0.5, 4),
            None,
        ]
    traces = []
    for i, (name, colour, opacity) in enumerate(CLASSES):
        xs, ys = lines[i]
        best = i == len(CLASSES) - 1
        line = {"color": frame.colour(colour), "width": 1.6 if best else 1.0}
        traces.append({
            "type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": line, "name": name, "hoverinfo": "skip",
            "opacity": opacity, "meta": {"group": i, "legend": name, "first": best},
        })  # fmt: skip
    layout = frame.layout(430, x="", hover="closest")
    layout["xaxis"] |= {
        "type": "linear", "range": [-0.12, len(axes) + 0.12], "tickmode": "array", "tickvals": list(range(len(axes) + 1)),
        "ticktext": ["<br>".join(_broken(name)) for name in [*(axis.key for axis in axes), label(outcome)]],
        "showgrid": False, "showspikes": False, "fixedrange": True, "showline": False,
    }  # fmt: skip
    layout["yaxis"] = frame.axis(None, visible=False, range=[-0.06, 1.06], fixedrange=True)
    layout["margin"] |= {"l": 60, "r": 60, "b": 62}
    ends = [(0.0, written(outcome, low)), (1.0, written(outcome, high))] if shown else []
    layout["annotations"] = [*_names(axes), *(_beside(len(axes), at, text) for at, text in ends)]
    layout["shapes"] = [
        {"type": "line", "x0": i, "x1": i, "y0": 0, "y1": 1, "line": {"color": frame.colour("muted"), "width": 1}}
        for i in range(len(axes) + 1)
    ]
    return {"data": traces, "layout": layout, "legend": True}


def _height(axis: Axis, place: int) -> float:
    """Where a value lies on its axis, 0 to 1: numbers to scale, words in their order."""
    if axis.numbers is not None and axis.numbers[-1] > axis.numbers[0]:
        return (axis.numbers[place] - axis.numbers[0]) / (axis.numbers[-1] - axis.numbers[0])
    return place / (len(axis.values) - 1) if len(axis.values) > 1 else 0.5


def _names(axes: tuple[Axis, ...]) -> Iterator[Chart]:
    for i, axis in enumerate(axes):
        for place in few(len(axis.values)):
            yield _beside(i, _height(axis, place), axis.values[place])


def few(count: int, most: int = TICKS) -> list[int]:
    """Positions of values that get a name: all, or some at equal steps, the first and the last among them."""
    if count <= most:
        return list(range(count))
    step = math.ceil((count - 1) / (most - 1))
    return [*range(0, count - (step + 1) // 2, step), count - 1]


def _beside(x: int, y: float, text: str) -> Chart:
    font = {"size": 11, "color": frame.colour("ink")}
    ground = {"bgcolor": frame.colour("card"), "borderpad": 1, "opacity": 0.92}
    return {
        "x": x,
        "y": y,
        "text": frame.template(text),
        "showarrow": False,
        "font": font,
        "xanchor": "center",
        **ground,
    }


def _broken(key: str) -> list[str]:
    """A key in short lines."""
    lines = [""]
    for i, part in enumerate(key.split(".")):
        word = frame.template(part) if i == 0 else f".{frame.template(part)}"
        lines = [*lines[:-1], lines[-1] + word] if len(lines[-1]) + len(part) < 15 else [*lines, word]
    return lines


def profile(outcome: Outcome, at: int, axis: Axis) -> Chart:
    """The objective along one key, the others at their best, with the plateau marked."""
    result, ranked = outcome.result, outcome.ranked
    sign = OBJECTIVES[result.objective]
    places = result.space.at(result.setting(ranked[0])) if ranked else (0,) * len(result.space.axes)
    scores = [result.score(result.space.setting((*places[:at], p, *places[at + 1 :]))) for p in range(len(axis.values))]
    tried = [(p, sign * score) for p, score in enumerate(scores) if score is not None and score == score]
    xs = [axis.numbers[p] if axis.numbers else axis.values[p] for p, _ in tried]
    ys = [numerals.significant(value) for _, value in tried]
    names = [frame.template(axis.values[p]) for p, _ in tried]
    told = {
        "x": xs,
        "y": ys,
        "text": names,
        "hovertemplate": f"%{{text}}: %{{y}} {frame.template(label(outcome))}<extra></extra>",
    }
    whole = len(tried) == len(axis.values) and axis.numbers is not None
    lined: Chart = {
        "type": "scatter", "mode": "lines+markers" if whole else "markers", **told,
        "line": {"color": frame.colour("accent"), "width": 1.8}, "marker": {"color": frame.colour("accent"), "size": 6},
    }  # fmt: skip
    top = [i for i, (p, _) in enumerate(tried) if p == places[at]]
    star: Chart = {
        "type": "scatter", "mode": "markers", "x": [xs[i] for i in top], "y": [ys[i] for i in top], "hoverinfo": "skip",
        "marker": {"color": frame.colour("card"), "size": 11, "line": {"color": frame.colour("accent"), "width": 3}},
    }  # fmt: skip
    layout = frame.layout(280, x="", hover="closest")
    layout["xaxis"] |= {"type": "linear" if axis.numbers else "category", "showspikes": False} | _ticks(axis)
    layout["yaxis"] = frame.axis(None, **_scale(outcome)) | {"automargin": True}
    known = [value for _, value in tried]
    if known and max(known) - min(known) <= 1e-4 * max(map(abs, known)):  # one point, or as good as one
        room = 0.02 * abs(known[0]) or 1.0
        layout["yaxis"]["range"] = [min(known) - room, max(known) + room]
    layout["annotations"] = [frame.heading(frame.template(label(outcome)), 1.0)]
    layout["shapes"] = []
    plateau = next((one for one in outcome.plateaus if one.key == axis.key), None)
    if plateau is not None and axis.numbers is not None and len(axis.numbers) > 1:
        ends = [axis.numbers[axis.values.index(value)] for value in (plateau.values[0], plateau.values[-1])]
        half = min(b - a for a, b in zip(axis.numbers, axis.numbers[1:], strict=False)) / 2
        band = {
            "type": "rect",
            "x0": ends[0] - half,
            "x1": ends[1] + half,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
        }
        layout["shapes"] = [band | {"line": {"width": 0}, "fillcolor": frame.colour("accent-soft")}]
        layout["xaxis"]["range"] = [axis.numbers[0] - half, axis.numbers[-1] + half]
    return {"data": [lined, star], "layout": layout}


def _ticks(axis: Axis) -> Chart:
    if axis.numbers is None:
        return {"categoryorder": "array", "categoryarray": list(axis.values)}
    chosen = few(len(axis.values))
    return {
        "tickmode": "array", "tickvals": [axis.numbers[i] for i in chosen],
        "ticktext": [frame.template(axis.values[i]) for i in chosen],
    }  # fmt: skip


def _scale(outcome: Outcome) -> Chart:
    figure = BY_KEY.get(outcome.result.objective)
    if figure is None:
        return {"tickformat": "~s"}
    return {"tickformat": ".2~%"} if figure.kind == "percent" else {"tickformat": ".3~f"}


def heat(outcome: Outcome, one: int, two: int) -> Chart:
    """The best objective that any tried setting with these two values has; blank where none was tried."""
    result = outcome.result
    across, up = result.space.axes[one], result.space.axes[two]
    best: dict[tuple[int, int], float] = {}
    for number in reversed(result.ranked()):  # the best comes last and stays
        places = result.space.at(result.setting(number))
        best[places[one], places[two]] = result.value(number)
    grid = [[best.get((i, j)) for i in range(len(across.values))] for j in range(len(up.values))]
    cells = len(across.values) * len(up.values)
    texts = [["" if value is None else written(outcome, value) for value in row] for row in grid]
    names = [[frame.template(value) for value in axis.values] for axis in (across, up)]
    colours = [frame.colour("accent-soft"), frame.colour("accent")]
    ends = list(enumerate(colours if OBJECTIVES[result.objective] > 0 else colours[::-1]))
    made: Chart = {
        "type": "heatmap", "x": names[0], "y": names[1], "z": [[numerals.significant(v) for v in row] for row in grid],
        "text": texts, "colorscale": [list(end) for end in ends], "showscale": False, "xgap": 2, "ygap": 2, "hoverongaps": False,
        "hovertemplate": f"{frame.template(across.key)} %{{x}}<br>{frame.template(up.key)} %{{y}}<br>%{{text}}<extra></extra>",
    }  # fmt: skip
    if cells <= WRITTEN and len(across.values) <= 12:
        made["texttemplate"] = "%{text}"
    layout = frame.layout(100 + 32 * len(up.values), x=frame.template(across.key), hover="closest")
    layout["xaxis"] |= {
        "type": "category",
        "showgrid": False,
        "showspikes": False,
        "tickangle": 0 if len(across.values) <= 12 else -45,
    }
    layout["yaxis"] = frame.axis(None, type="category", showgrid=False, automargin=True)
    for name, axis, shown in (("xaxis", across, names[0]), ("yaxis", up, names[1])):
        layout[name] |= {"tickmode": "array", "tickvals": [shown[i] for i in few(len(axis.values), 14)]}
    layout["margin"]["l"] = 70
    layout["annotations"] = [frame.heading(frame.template(up.key), 1.0)]
    return {"data": [made], "layout": layout}
