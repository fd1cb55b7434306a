"""The table of what was measured, by group: figures with their range, the bars, and how far a figure stands from its bar."""

from __future__ import annotations

import math
from typing import Any, Final

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.bars import Bar

WIDTH: Final = 12  # of a drawn distance: half on each side of the bar
DECADE: Final = 6.0  # characters for a factor of ten


def bar_of(row: dict[str, Any]) -> Bar | None:
    """The bar of a row as JSON has it."""
    return Bar(row["kind"], row["bar"], row["aim"]) if "kind" in row else None


def number(value: float) -> str:
    """Three figures, or all before the point."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 3)}f}"


def ranged(row: dict[str, Any]) -> str:
    """Least and largest; nothing where there was one round."""
    return "" if row["least"] == row["largest"] else f"{number(row['least'])} to {number(row['largest'])}"


def asked(row: dict[str, Any]) -> tuple[str, str]:
    """Bar and aim as people read them."""
    bar = bar_of(row)
    return bar.words() if bar else ("", "")


def summed_up(record: dict[str, Any]) -> str:
    """How many bars are met, in one sentence."""
    held = [row["met"] for row in record["rows"] if "kind" in row]
    return f"{sum(held)} of {len(held)} figures with a bar meet it; {len(record['refused'])} ratios refused."


def verdict(row: dict[str, Any]) -> str:
    """Whether bar and aim are met by the median."""
    bar = bar_of(row)
    if bar is None:
        return ""
    if not bar.met(row["median"]):
        return "missed"
    return (
        "met" if bar.kind == "within" or not Bar(bar.kind, bar.aim, bar.aim).met(row["median"]) else "met, and the aim"
    )


def drawn(row: dict[str, Any]) -> str:
    """The distance from the bar on a scale of powers of ten: right of the line is better than it asks."""
    bar = bar_of(row)
    if bar is None or bar.kind == "within":
        return ""
    half = WIDTH // 2
    long = max(-half, min(half, round(DECADE * math.log10(max(bar.headroom(row["median"]), 1e-9)))))
    left, right = "█" * max(0, -long), "█" * max(0, long)
    return f"{left:>{half}}│{right:<{half}}"


def table(record: dict[str, Any], console: Console) -> None:
    """Print everything that was measured, and what was refused."""
    groups = list(dict.fromkeys(row["group"] for row in (*record["rows"], *record["refused"])))
    for group in groups:
        grid = Grid(title=group, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for head in ("what", "median", "range", "", "bar", "aim", "", "better than the bar"):
            grid.add_column(head, justify="left" if head in ("what", "", "better than the bar") else "right")
        for row in record["rows"]:
            if row["group"] == group:
                style = "red" if verdict(row) == "missed" else ""
                grid.add_row(
                    row["what"],
                    number(row["median"]),
                    ranged(row),
                    row["unit"],
                    *asked(row),
                    verdict(row),
                    drawn(row),
                    style=style,
                )
        for row in record["refused"]:
            if row["group"] == group:
                grid.add_row(row["what"], "no ratio", "", "", "", "", row["why"], "", style="red")
        console.print(grid, "")
    console.print(summed_up(record))
