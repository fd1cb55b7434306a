"""Where the money came from, in a terminal: parts, regimes, reasons, what would have been without, the hedge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from hedgerow.faces import text
from hedgerow.faces.attribution import (
    ATTRIBUTION,
    EFFECTS,
    PART_NAMES,
    USUAL,
    breakdown_of,
    by_regime,
    effect_cells,
    facts,
    parts_of,
    reason_name,
)
from hedgerow.research.yardsticks import effects

if TYPE_CHECKING:
    from hedgerow.model.report import Comparison

REASONS: Final = 12  # rows in a terminal; the report and the JSON have them all


def show_money(comparison: Comparison) -> None:
    """The change of value by its parts, in all and by regime; by reason; and what each rule was worth."""
    run, parts = comparison.subject, parts_of(comparison)
    text.heading("Where the money came from")
    heads = [*ATTRIBUTION, *(PART_NAMES[name].lower() for name in parts if name not in USUAL), "change"]
    change = float(run.nav[-1]) - run.start_value
    rows = [["all", *_lines(parts), text.money(change, sign=True)]]
    for regime, amounts in by_regime(comparison).items():
        rows.append([regime, *_lines(dict(zip(parts, amounts, strict=True))), text.money(sum(amounts), sign=True)])
    alone = len(rows) == 1
    text.table(heads if alone else ["", *heads], [row[alone:] for row in rows], right=heads)
    _show_reasons(comparison)
    _show_effects(comparison)


def _lines(parts: dict[str, float]) -> Iterable[str]:
    """The six parts, and those others that there are."""
    six = [sum(parts[part] for part in summed) for summed in ATTRIBUTION.values()]
    return (text.money(amount, sign=True) for amount in (*six, *(parts[n] for n in parts if n not in USUAL)))


def _show_reasons(comparison: Comparison) -> None:
    found = breakdown_of(comparison)
    rows = [row for row in (found.reasons if found is not None else ()) if row.fills]
    if not rows:
        return
    rows.sort(key=lambda row: -abs(row.total))
    text.heading("By reason: what the trades did until the end, less their slippage and fees")
    heads = ["fills", "traded", "fees", "slippage", "realised", "effect", "total"]
    text.table(["", *heads], [
        [reason_name(row.reason, row.fills), f"{row.fills:,}", *(text.NONE if value is None else text.money(float(value), sign=i > 2)
         for i, value in enumerate((row.traded, row.fees, row.slippage, row.realised, row.effect, row.total)))]
        for row in rows[:REASONS]
    ], right=heads)  # fmt: skip
    if len(rows) > REASONS:
        text.say(f"{len(rows) - REASONS} more are in the report and in the JSON.")


def _show_effects(comparison: Comparison) -> None:
    found = effects(comparison)
    told = facts(comparison)
    if found:
        text.heading("What would have been without")
        heads = ["end value", "CAGR", "Sharpe", "drawdown"]
        rows = [[EFFECTS[row.name], *map(text.typed, effect_cells(row)), row.sentence] for row in found]
        text.table(["", *heads, "against"], rows, right=heads)
    if told:
        text.say()
    for name, sentence in told:
        text.say(text.typed(f"{name}: {sentence}."))
