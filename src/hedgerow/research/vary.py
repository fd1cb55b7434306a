"""What a sweep varies: keys of a policy with the values that each is to have, and the space of their combinations.

"trim.drift.threshold=5pp:15pp:1pp"  ->  Axis: 11 values, "5 pp" to "15 pp"
Space(axes)                          ->  combinations, numbered from 0, the last key fastest
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hedgerow.errors import ConfigError
from hedgerow.model.policy import Policy
from hedgerow.model.policy_cells import Place
from hedgerow.model.policy_check import near

OPTION: Final = "--vary"
LONGEST: Final = 10_000  # values of one key
COUNTED: Final = 2**62  # combinations beyond which a setting has no number
_QUANTITY: Final = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(|[A-Za-z%].*?)\s*")
_EXAMPLE: Final = "Write KEY=START:STOP:STEP, as in trim.drift.threshold=5pp:15pp:1pp, or KEY=a,b,c."

Build = Callable[[Mapping[str, str]], Policy]  # cells by path, as text -> the policy that has them


@dataclass(frozen=True, slots=True)
class Axis:
    """A key with its values as a policy file writes them; ``numbers`` are the same in ``unit``, rising, where all are."""

    key: str
    values: tuple[str, ...]
    numbers: tuple[float, ...] | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """All combinations of the axes' values. A setting is the number of one, from 0 to ``size`` - 1."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    def at(self, setting: int) -> tuple[int, ...]:
        """The position on each axis."""
        places = []
        for axis in reversed(self.axes):
            setting, place = divmod(setting, len(axis.values))
            places.append(place)
        return tuple(reversed(places))

    def setting(self, places: Sequence[int]) -> int:
        """The inverse of ``at``."""
        number = 0
        for axis, place in zip(self.axes, places, strict=True):
            number = number * len(axis.values) + place
        return number

    def cells(self, setting: int) -> dict[str, str]:
        """The cells of a setting by key, as text."""
        return {axis.key: axis.values[place] for axis, place in zip(self.axes, self.at(setting), strict=True)}

    def find(self, cells: Mapping[str, str]) -> int:
        """The inverse of ``cells``. Raises ValueError for what is not in the space, KeyError where a key lacks."""
        return self.setting([axis.values.index(cells[axis.key]) for axis in self.axes])


def space_of(written: Sequence[str], known: Mapping[str, Place]) -> Space:
    """The space that so many ``--vary`` options describe; ``known`` are the policy's cells. Raises ConfigError."""
    if not written:
        raise ConfigError("nothing is varied", where=OPTION, fix=_EXAMPLE)
    axes = tuple(axis_of(one, known) for one in written)
    twice = [axis.key for i, axis in enumerate(axes) if axis.key in [other.key for other in axes[:i]]]
    if twice:
        raise ConfigError(f"{twice[0]} stands twice", where=OPTION, fix="Write all its values in one option.")
    space = Space(axes)
    if space.size > COUNTED:
        raise ConfigError(f"{space.size:.1e} combinations cannot be numbered", where=OPTION, fix="Take larger steps.")
    return space


def axis_of(written: str, known: Mapping[str, Place]) -> Axis:
    """One option read: ``KEY=START:STOP:STEP`` (inclusive) or ``KEY=a,b,c``. Raises ConfigError with the fix."""
    key, equals, values = (part.strip() for part in written.partition("="))
    if not (key and equals and values):
        raise ConfigError(f'"{written}" names no key and values', where=OPTION, fix=_EXAMPLE)
    place = known.get(key)
    where = f"{OPTION} {key}"
    if place is None:
        hint = near(key, known).removeprefix("; ")
        message, others = "the policy has no such cell", " hedgerow policy explain shows all."
        fix = (hint[:1].upper() + hint[1:] if "did you mean" in hint else "Name one of the policy.") + others
        raise ConfigError(message, where=where, fix=fix)
    if place.kind == "list":
        raise ConfigError("a list cannot be varied", where=where, fix="Vary a cell that holds one value.")
    span = [_QUANTITY.fullmatch(part) for part in values.split(":")]
    if len(span) == 3 and all(span):
        if place.kind == "word":
            raise ConfigError("a range needs a number, and this cell takes words", where=where, fix="Write KEY=a,b,c.")
        return _span(key, [(match[1], match[2]) for match in span if match], where, place)
    return _list(key, values, where, place)


def _span(key: str, parts: Sequence[tuple[str, str]], where: str, place: Place) -> Axis:
    """START, STOP and STEP as (number, unit); a unit that one of them leaves out is that of the others."""
    units = {unit for _, unit in parts if unit}
    if len(units) > 1:
        message = f"START, STOP and STEP are in {' and '.join(sorted(units))}"
        raise ConfigError(message, where=where, fix=f"Write all in {place.unit or 'the same unit'}.")
    start, stop, step = (Decimal(number.replace("_", "")) for number, _ in parts)
    if step <= 0 or stop < start:
        raise ConfigError(
            f"{start} to {stop} in steps of {step} has no values",
            where=where,
            fix="Let START be the smaller end and STEP above 0.",
        )
    count = int((stop - start) / step) + 1
    if count > LONGEST:
        raise ConfigError(f"{count:,} values", where=where, fix=f"Take a larger step: at most {LONGEST:,} values.")
    unit = next(iter(units), "")
    found = [start + i * step for i in range(count)]
    return Axis(key, tuple(_text(one, unit) for one in found), tuple(map(float, found)), unit)


def _list(key: str, values: str, where: str, place: Place) -> Axis:
    found = [part.strip() for part in re.split(r",(?![^(]*\))", values)]  # no comma inside an indicator's brackets
    if not all(found):
        raise ConfigError(f'"{values}" has an empty value', where=where, fix=_EXAMPLE)
    numbers: tuple[float, ...] | None = None
    unit = ""
    read = [match for match in map(_QUANTITY.fullmatch, found) if match]
    if place.kind == "number" and len(read) == len(found):
        pairs = sorted((Decimal(match[1].replace("_", "")), match[2]) for match in read)
        found, numbers = [_text(*pair) for pair in pairs], tuple(float(number) for number, _ in pairs)
        unit = next((unit for _, unit in pairs if unit), "")
    twice = [one for i, one in enumerate(found) if one in found[:i]]
    if twice:
        raise ConfigError(f"{twice[0]} stands twice", where=where, fix="Write each value once.")
    return Axis(key, tuple(found), numbers, unit)


def _text(number: Decimal, unit: str) -> str:
    """A quantity as every sweep writes it, so that 5pp, 5.0 pp and 5 pp are one value."""
    plain = f"{number.normalize():f}"
    return f"{'0' if plain == '-0' else plain} {unit}".rstrip()


def check(space: Space, build: Build) -> None:
    """Try every value by itself. One that no policy takes, whatever a second key is, raises the ConfigError of its cell."""
    for axis in space.axes:
        for value in axis.values:
            try:
                build({axis.key: value})
            except ConfigError as error:
                if not _rescued(space, axis, value, build):
                    where = f"{OPTION} {axis.key}={value}"
                    raise ConfigError(error.message, where=where, fix=error.fix) from None


def _rescued(space: Space, axis: Axis, value: str, build: Build) -> bool:
    """Whether the value stands beside some value of another key (a leverage beside the word that allows it)."""
    for other in space.axes:
        for beside in other.values if other is not axis else ():
            try:
                build({axis.key: value, other.key: beside})
            except ConfigError:
                continue
            return True
    return False
