"""A policy in words: a walk over its schema that gives every cell with its value, unit, meaning and source.

    walk(policy)        every cell: ``trim.drift.threshold``, "10 pp", what it means, where it comes from
    gate_words, vote_words, entered, left      conditions as a person would say them

Nothing here knows a policy's fields by heart but the three kinds of rows that are conditions (gate, vote, regime):
names, units and meanings are the schema's, a threshold's unit is its measure's, and a source is the row's own, else
the one of the field (``model/citation.py``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hedgerow import units
from hedgerow.model import policy_check
from hedgerow.model.citation import source_of
from hedgerow.model.measure import INDEX, MEASURES, Measure
from hedgerow.model.policy import Policy, Regime, Vote
from hedgerow.model.policy_row import Gate, Row

NOTHING = "none"
UNSPOKEN = ("source", "name", "title", "description", "version")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a policy. ``value`` is in the kernel's unit; ``given`` says that the file sets it."""

    path: str
    value: Any
    unit: str
    text: str
    meaning: str
    source: str
    given: bool


def walk(row: Row, path: str = "") -> Iterator[Cell]:
    """Every cell of a row and of the rows in it, in the order of the schema."""
    for name, field in type(row).model_fields.items():
        if name in UNSPOKEN or _idle(row, name):
            continue
        value, here = getattr(row, name), f"{path}{field.alias or name}"
        if isinstance(value, Row) and not isinstance(value, Gate):
            yield from walk(value, f"{here}.")
        elif isinstance(value, dict):
            yield from _walk_table(row, name, value, here)
        elif value is not None or not _holds_rows(field):
            yield cell(row, name, here)


def _walk_table(row: Row, name: str, table: Mapping[str, Any], path: str) -> Iterator[Cell]:
    for key, value in table.items():
        if isinstance(value, Row):
            yield from walk(value, f"{path}.{key}.")
        else:
            field = type(row).model_fields[name]
            unit = _unit(field)
            yield Cell(
                f"{path}.{key}", value, unit, quantity(value, unit), field.description or "", _source(row, name), True
            )


def cell(row: Row, name: str, path: str = "") -> Cell:
    """One field of a row."""
    field, value = type(row).model_fields[name], getattr(row, name)
    unit = _unit(field)
    if _measured(field):
        measure = getattr(row, "measure", "")
        unit = measure_unit(measure)
        value = None if value is None else policy_check.threshold(value, measure, path)
    given = name in row.model_fields_set
    words = gate_words(value) if isinstance(value, Gate) else shown(value, unit)
    plain = value.model_dump(exclude={"source"}) if isinstance(value, Gate) else value
    source = _own(row, name, _source(row, name))
    return Cell(path or name, plain, unit, words, field.description or "", source, given)


def table_of(rows: Mapping[str, Row]) -> tuple[list[str], list[list[str]]]:
    """Heads and lines of rows side by side: the fields that any of them sets, the side of a threshold, the source."""
    first = next(iter(rows.values()))
    names = [
        name
        for name in type(first).model_fields
        if name != "source" and (name == "side" or any(name in row.model_fields_set for row in rows.values()))
    ]
    heads = [type(first).model_fields[name].alias or name for name in names]
    lines = [[key, *(_beside(row, name) for name in names), row_source(row)] for key, row in rows.items()]
    return ["row", *heads, "source"], lines


def _beside(row: Row, name: str) -> str:
    """A cell of such a table; what a row leaves out is off, but for a choice, which is then the default one."""
    one = cell(row, name)
    return one.text if one.given or isinstance(one.value, str) else "-"


def row_source(row: Row) -> str:
    """Where a row comes from: its own source, else those of the fields that it sets."""
    names = [name for name in type(row).model_fields if name in row.model_fields_set and name not in UNSPOKEN]
    parts = [part for name in names for part in _source(row, name).split(", ")]
    return cited(row.source) or ", ".join(dict.fromkeys(parts))


# -------------------------------------------------------------------------------------------------------------- values


def shown(value: Any, unit: str) -> str:
    """A value as a person reads it, with its unit: "10 pp", "50 % to 100 %", "yes", "BTC, ETH"."""
    if value is None or (isinstance(value, tuple) and not value):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return quantity(value, unit)
    if isinstance(value, tuple):
        joint = " to " if len(value) == 2 and unit else ", "
        return joint.join(shown(part, unit) for part in value)
    return str(value)


def quantity(value: float, unit: str) -> str:
    """A number with its unit; counts (votes, rungs, tranches) in the singular where they are one."""
    if unit in units.UNITS:
        number, *rest = units.show(value, unit).split(" ", 1)
        if "e" in number and math.isfinite(value):  # 1e+07
            number = f"{Decimal(number.replace(',', '')):,f}"
        return " ".join([number, *rest])
    return f"{value:g} {unit.removesuffix('s') if abs(value) == 1 else unit}"


def measure_of(name: str) -> Measure | None:
    """The measure of a row; None for an indicator of TA-Lib."""
    index = INDEX.get(name)
    return None if index is None else MEASURES[index]


def measure_unit(name: str) -> str:
    """The unit that a threshold on a measure is written in."""
    measure = measure_of(name)
    return measure.unit if measure else ""


def cited(source: str) -> str:
    """A source without the name of the reference that all of them share."""
    return re.sub(r"\bdomain (?=[\dRES])", "", source)


def _source(row: Row, name: str) -> str:
    """The row's own source for what it sets, else the measure's for a threshold, else the field's."""
    if row.source and name in row.model_fields_set:
        return cited(row.source)
    measure = measure_of(getattr(row, "measure", ""))
    if measure and _measured(type(row).model_fields[name]):
        return cited(measure.source)
    return source_of(type(row).__name__, name) or cited(row.source)


def _own(row: Row, name: str, source: str) -> str:
    """A source, with the default where the policy changed it without a source of its own."""
    field = type(row).model_fields[name]
    unit, default = _unit(field), field.default
    changed = not row.source and getattr(row, name) != default and isinstance(default, (int, float, tuple))
    return f"policy (default {shown(default, unit)}: {source})" if changed and default and unit else source


def _unit(field: FieldInfo) -> str:
    """The unit of a field: its own, or the one inside ``tuple[Percent, ...]`` or ``Percent | None``."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    return _inner_unit(field.annotation)


def _inner_unit(annotation: Any) -> str:
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, FieldInfo) and _unit(note):
            return _unit(note)
    return next((found for part in get_args(annotation) if (found := _inner_unit(part))), "")


def _measured(field: FieldInfo) -> bool:
    """Whether a field is in the unit of its row's measure: it takes a number, or text with a unit."""
    return {float, str} <= set(get_args(field.annotation))


def _holds_rows(field: FieldInfo) -> bool:
    """Whether a field holds a row that may be absent (a part of the hedge), so that none means nothing to tell."""
    union = get_origin(field.annotation) in (Union, UnionType)
    inner = get_args(field.annotation) if union else (field.annotation,)
    return any(isinstance(part, type) and issubclass(part, BaseModel) and not issubclass(part, Gate) for part in inner)


def _idle(row: Row, name: str) -> bool:
    """Whether a field says nothing in its row: a vote is a question about a measure, or a count of votes."""
    if not isinstance(row, Vote):
        return False
    return name in (("measure", "side", "threshold") if row.of else ("of", "at_least"))


# ---------------------------------------------------------------------------------------------------------- conditions


def gate_words(gate: Gate | None) -> str:
    """``2 votes of a, b, c; d and e; one of f, g; none of h``."""
    if gate is None:
        return NOTHING
    parts = [f"{cell(gate, 'at_least').text} of {', '.join(gate.of)}"] if gate.of else []
    parts += [" and ".join(gate.all)] if gate.all else []
    parts += [" or ".join(gate.any)] if gate.any else []
    parts += [f"none of {', '.join(gate.none)}"] if gate.none else []
    return "; and ".join(parts) or "always"


def vote_words(vote: Vote) -> str:
    """``RSI(14) at or above 85 points within 10 d``; a count of votes as ``2 votes of a, b, c``."""
    if vote.of:
        words = f"{cell(vote, 'at_least').text} of {', '.join(vote.of)}"
    else:
        words = _question(vote)
    words += f" for {cell(vote, 'lasting').text}" if vote.lasting else ""
    return words + (f" within {cell(vote, 'within').text}" if vote.within else "")


def _question(vote: Vote) -> str:
    measure, threshold = measure_of(vote.measure), cell(vote, "threshold")
    if measure and measure.meaning.startswith("1 ") and threshold.value in (0, 1):  # a measure that is 1 or 0
        return f"{'' if vote.side == 'above' else 'not '}{vote.measure} ({measure.meaning[2:]})"
    short = re.fullmatch(r"([a-z]{2,3})(\d+)", vote.measure)
    name = f"{short[1].upper()}({short[2]})" if short else vote.measure
    return f"{name} at or {vote.side} {threshold.text}"


def vote_source(vote: Vote) -> str:
    """Where a vote comes from: its own source, else those of the numbers in it."""
    names = ["at_least" if vote.of else "threshold", *(name for name in ("lasting", "within") if getattr(vote, name))]
    return cited(vote.source) or ", ".join(dict.fromkeys(cell(vote, name).source for name in names))


def entered(regime: Regime) -> str:
    """When a state is entered, from where, and after what."""
    if regime.enter is None:
        return "otherwise"
    words = [gate_words(regime.enter)]
    words += [f"from {', '.join(regime.comes_from)} at once"] if regime.comes_from else []
    words += [f"after {', '.join(regime.after)}"] if regime.after else []
    words += [f"not again for {cell(regime, 'reenter_after').text}"] if regime.reenter_after else []
    return "; ".join(words)


def left(regime: Regime) -> str:
    """When a state may be left, besides for one that stands above it."""
    words = [gate_words(regime.leave)] if regime.leave else []
    if regime.quiet and regime.enter:
        words.append(f"none of {', '.join(regime.enter.of)} for {cell(regime, 'quiet').text}")
    if regime.leave_shock:
        words.append(f"if entered by {' or '.join(regime.shock)}, also {gate_words(regime.leave_shock)}")
    return "; ".join(words) or "another state is entered"


def hedge_range(regime: Regime) -> str:
    """The range of the hedge ratio, and what moves it inside."""
    words = [cell(regime, "hedge").text]
    words += [f"at least {cell(regime, 'start').text} on entry"] if regime.start is not None else []
    return ", ".join([*words, *(["ladder"] if regime.ladder else [])])


def used_measures(policy: Policy) -> tuple[str, ...]:
    """The measures that the policy's rows name, each once, in the order of the file."""
    named = [vote.measure for vote in policy.vote.values()] + [trim.measure for trim in policy.trim.values()]
    return tuple(dict.fromkeys(name for name in named if name))
