"""What sweep prints in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hedgerow.faces import text
from hedgerow.faces.records import day
from hedgerow.faces.scorecard import BY_KEY
from hedgerow.faces.sweep_record import FEW, Outcome, caveats
from hedgerow.research.plateau import Plateau

COLUMNS: Final = ("cagr", "volatility", "sharpe", "max_drawdown", "calmar", "mean_hedge_ratio", "cost_per_year")
ENDS: Final = {"worse": "worse beyond", "edge": "the last value asked for", "unknown": "beyond was not tried"}


def show(outcome: Outcome) -> None:
    """The best few beside the policy as it is, the plateau of each key, and what to think of it."""
    run, result = outcome.base, outcome.result
    label = "SIMULATED MARKET  " if run.simulated else ""
    text.heading(
        f"{label}Sweep of {run.policy}: the best of {text.counted(len(result), 'setting')} by {result.objective}"
    )
    text.say(
        f"{', '.join(run.assets)} from {day(int(run.days_ns[0]))} to {day(int(run.days_ns[-1]))}, net of all costs; "
        f"{text.counted(len(result) - outcome.read, 'run')} in {outcome.seconds:.1f} s"
        + (f", {outcome.read:,} read from the log" if outcome.read else "")
    )
    text.say()
    _show_table(outcome)
    if outcome.best is None:
        text.say(f"No setting has a {result.objective}.", style="bold")
    _show_plateaus(outcome)
    text.heading("Before you believe it")
    for sentence in caveats(outcome):
        text.say(sentence)
    for error in [result.line(number)["error"] for number in result.failed()[:1]]:
        text.say(f"The first that made no policy: {error['where']}: {error['message']}.")
    text.say(f"Log of trials: {outcome.log}")


def _show_table(outcome: Outcome) -> None:
    keys = [axis.key for axis in outcome.result.space.axes]
    named = [column for column in (outcome.result.objective, *COLUMNS) if column in BY_KEY]
    columns = list(dict.fromkeys(named))
    heads = ["#", *keys, *(BY_KEY[name].label for name in columns), "Value at the end"]
    rows = [_row("as it is", outcome.base_cells, outcome.base_figures, keys, columns)]
    for number in outcome.ranked[:FEW]:
        rows.append(_row(str(number), outcome.cells(number), outcome.result.figures(number), keys, columns))
    text.table(heads, rows, right=[*(BY_KEY[name].label for name in columns), "Value at the end"])


def _row(
    name: str, cells: Mapping[str, str], figures: Mapping[str, Any], keys: list[str], columns: list[str]
) -> list[str]:
    shown = [text.typed(BY_KEY[column].show(figures.get(column))) for column in columns]
    return [name, *(cells[key] for key in keys), *shown, text.money(figures.get("value"))]


def _show_plateaus(outcome: Outcome) -> None:
    if not outcome.plateaus:
        return
    text.heading(
        f"Plateau: values within {text.percent(outcome.tolerance)} of the best {outcome.result.objective}, the other keys at their best"
    )
    rows = [[one.key, plateau_words(one), ends_words(one), f"{one.tried:,}"] for one in outcome.plateaus]
    text.table(["key", "from, to", "where it ends", "values tried"], rows, right=["values tried"])


def plateau_words(one: Plateau) -> str:
    """The values of a plateau: a range of numbers, a list of words."""
    if not one.ordered:
        return ", ".join(one.values)
    return one.values[0] if len(one.values) == 1 else f"{one.values[0]} to {one.values[-1]}"


def ends_words(one: Plateau) -> str:
    """Why it ends there."""
    if not one.ordered:
        return "some values were not tried" if one.low_end == "unknown" else "all values were tried"
    if one.low_end == one.high_end:
        return f"both: {ENDS[one.low_end]}"
    return f"below: {ENDS[one.low_end]}; above: {ENDS[one.high_end]}"
