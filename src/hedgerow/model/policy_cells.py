"""The cells of a policy by their dotted path, as ``trim.drift.threshold`` names one, and how a document gets other values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic.fields import FieldInfo

from hedgerow.model.measure import INDEX, MEASURES
from hedgerow.model.policy import Policy
from hedgerow.model.policy_row import Row

UNSPOKEN = ("source", "name", "title", "description", "version")  # cells that no decision reads


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands in a document and what it takes.

    ``kind``: a quantity or number (in ``unit``, "" for none), a word (true and false are words), or a list. ``other`` is
    the name beside the alias under which a document may have the same cell.
    """

    parts: tuple[str, ...]
    kind: Literal["number", "word", "list"]
    unit: str = ""
    other: str = ""

    @property
    def path(self) -> str:
        """The dotted path."""
        return ".".join(self.parts)


def places(policy: Policy) -> dict[str, Place]:
    """Every cell that ``policy`` has, by its path, in the order of the schema; rows that it lacks have none."""
    return {place.path: place for place in _walk(policy, ())}


def _walk(row: Row, above: tuple[str, ...]) -> Iterator[Place]:
    for name, field in type(row).model_fields.items():
        if name in UNSPOKEN:
            continue
        value, here = getattr(row, name), (*above, field.alias or name)
        if isinstance(value, Row):
            yield from _walk(value, here)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, Row):
                    yield from _walk(inner, (*here, key))
                else:
                    yield Place((*here, key), "number", unit_of(field))
        elif value is not None or not _rows(field.annotation):
            other = name if field.alias and field.alias != name else ""
            yield Place(here, *_kind(row, field, value), other)


def _kind(row: Row, field: FieldInfo, value: Any) -> tuple[Literal["number", "word", "list"], str]:
    inside = {field.annotation, *get_args(field.annotation)}
    if isinstance(value, tuple):
        return "list", ""
    if {float, str} <= inside:  # in the unit of its row's measure
        at = INDEX.get(getattr(row, "measure", ""))
        return "number", MEASURES[at].unit if at is not None else ""
    unit = unit_of(field)
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return ("number", unit) if numeric or unit else ("word", "")


def _rows(annotation: Any) -> bool:
    """Whether a field holds a row that may be absent: its cells are not there then."""
    return any(isinstance(part, type) and issubclass(part, Row) for part in get_args(annotation))


def unit_of(part: Any) -> str:
    """The unit of a field, or of what its type holds (``Percent | None``, ``dict[str, Share]``)."""
    extra = getattr(part, "json_schema_extra", None)
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    inner = (getattr(part, "annotation", None), *getattr(part, "__metadata__", ()), *getattr(part, "__args__", ()))
    return next((unit for one in inner if one is not None and (unit := unit_of(one))), "")


def put(document: Mapping[str, Any], known: Mapping[str, Place], cells: Mapping[str, str]) -> dict[str, Any]:
    """The document of a policy with other values at the paths of ``cells``, as text; tables that change are copied."""
    out = dict(document)
    for path, text in cells.items():
        place, table = known[path], out
        for part in place.parts[:-1]:
            table[part] = dict(table.get(part) or {})
            table = table[part]
        table.pop(place.other, None)
        table[place.parts[-1]] = text
    return out
