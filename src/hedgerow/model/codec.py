"""Records as the journal holds them: canonical JSON (keys sorted, no spaces, amounts and prices as text), and back.

A number crosses as the shortest text that reads back as it, so that what is read is what was written, bit for bit. A field at
its default is left out, so that an old row stays what it was when a record gains a field.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, Literal

import numpy as np

from hedgerow.errors import StoreError
from hedgerow.model.account import Snapshot
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import (
    Alert,
    Answer,
    Begin,
    Change,
    Checkpoint,
    Command,
    Difference,
    Elsewhere,
    Markets,
    Timer,
    Trouble,
    Wake,
)
from hedgerow.model.event import EVENTS
from hedgerow.model.market import Bytes, Floats
from hedgerow.model.order import Cancel, Order, Report
from hedgerow.model.plan import Plan, Verdict

KINDS: Final[dict[str, type]] = {
    **EVENTS, "begin": Begin, "wake": Wake, "timer": Timer, "quotes": Quotes, "bars": Bars, "day": Day, "report": Report,
    "snapshot": Snapshot, "command": Command, "trouble": Trouble, "plan": Plan, "verdict": Verdict, "order": Order,
    "cancel": Cancel, "change": Change, "alert": Alert, "answer": Answer, "difference": Difference,
    "checkpoint": Checkpoint, "elsewhere": Elsewhere, "markets": Markets,
}  # fmt: skip
NAMES: Final = {kind: name for name, kind in KINDS.items()}
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def encode(record: Any) -> str:
    """The record's body."""
    return _ENCODER.encode(_plain(record))


def decode(kind: str, body: str) -> Any:
    """The record of a row. Raises StoreError for a kind or a body that this version does not know."""
    try:
        made = KINDS[kind]
        return _maker(made)(json.loads(body))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StoreError(
            f"a row of kind {kind!r} cannot be read ({error}); was it written by a newer version?"
        ) from error


def _plain(record: Any) -> dict[str, Any]:
    """A record as what JSON knows."""
    out = {}
    for name, default, write, _ in _fields(record.__class__):
        value = getattr(record, name)
        if value is not default and (default in (dataclasses.MISSING, None) or value != default):
            out[name] = write(value)
    return out


Writer = Callable[[Any], Any]
Reader = Callable[[Any], Any]


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, Writer, Reader], ...]:
    hints = typing.get_type_hints(kind)
    rows = []
    for one in dataclasses.fields(kind):
        default = one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default
        write, read = _pair(hints[one.name])
        rows.append((one.name, default, write, read))
    return tuple(rows)


@cache
def _maker(kind: type) -> Reader:
    readers = {name: read for name, _, _, read in _fields(kind)}

    def make(plain: dict[str, Any]) -> Any:
        return kind(**{name: readers[name](value) for name, value in plain.items()})

    return make


def _same(value: Any) -> Any:
    return value


def _floats(values: Floats) -> str:
    """Numbers as one text: 1.5, [1.5 nan], [1.5 2.0;nan 3.0]. A list of texts would take JSON five times as long."""
    if values.ndim == 0:
        return repr(float(values))
    rows = [values.tolist()] if values.ndim == 1 else values.tolist()
    return f"[{';'.join(' '.join(map(repr, row)) for row in rows)}]"


def _array(text: str) -> Floats:
    if not text.startswith("["):
        return np.array(float(text))
    rows = [[float(one) for one in row.split()] for row in text[1:-1].split(";")]
    return np.array(rows if len(rows) > 1 else rows[0], dtype=np.float64)


def _bits(values: Bytes) -> str:
    return "".join("1" if value else "0" for value in values.tolist())


def _unbits(text: str) -> Bytes:
    return np.array([sign == "1" for sign in text], dtype=np.uint8)


def _amount(text: Any) -> Decimal:
    """An exact amount; a number of JSON, which a program may have rounded, is none."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return value


def _pair(hint: Any) -> tuple[Writer, Reader]:
    """How a value of this type is written and read."""
    if hint is Decimal:
        return str, _amount
    if hint == Floats:
        return _floats, _array
    if hint == Bytes:
        return _bits, _unbits
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda value: value.value), hint
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _plain, _maker(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        write, read = _pair(next(one for one in inner if one is not type(None)))
        return (
            lambda value: None if value is None else write(value)
        ), lambda plain: None if plain is None else read(plain)
    if origin is tuple:
        pairs = [_pair(one) for one in inner if one is not Ellipsis]
        if len(pairs) == 1:
            write, read = pairs[0]
            return (lambda value: [write(one) for one in value]), lambda plain: tuple(read(one) for one in plain)
        return (
            lambda value: [write(one) for (write, _), one in zip(pairs, value, strict=True)],
            lambda plain: tuple(read(one) for (_, read), one in zip(pairs, plain, strict=True)),
        )
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if inner[1] is Any:
            return _same, _same
        write, read = _pair(inner[1])
        return (
            lambda value: {key: write(one) for key, one in value.items()},
            lambda plain: {key: read(one) for key, one in plain.items()},
        )
    if hint in (int, str, bool, float, Any) or origin is Literal:
        return _same, _same
    raise TypeError(f"the journal cannot hold {hint}")
