"""The event file: what happened to the money, one event a line, to be read by people and programs alike.

Two forms hold the same: JSON Lines (``.jsonl``; amounts as strings, so that no reader rounds them) and a table for a
spreadsheet (``.csv``, in ``store.events_csv``). The first line of JSON Lines is a header,
``{"type":"events","version":1,"quote":"USDT"}``; ``"simulated":true`` in it marks a made market. Keys are the fields of
``model.event``, but that times are ISO 8601 in UTC under ``time`` and ``acquired``; a field at its default is left out.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.event import EVENTS, FILL_KINDS, Event, Fill, Flow, Mark, Transfer
from hedgerow.model.instrument import from_symbol
from hedgerow.units import NS_PER_SECOND

VERSION: Final = 1
HEADER: Final = "events"
KINDS: Final = {kind: name for name, kind in EVENTS.items()}  # record -> the word of "type"
DIGITS: Final = 40  # of an amount, before and behind the point: more is a slip of the pen
INCOMES: Final = ("interest", "reward", "tax", "charge")
SLEEVES: Final = ("", "carry")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?")
_ABOVE_ZERO: Final = ("price", "cost", "fee_price", "decided", "index", "mark")  # cost may be 0
_STEPS: Final = 50  # of a progress bar

Reader: TypeAlias = Callable[[Any, str, str], Any]  # what is given, place of the line, key
Tell: TypeAlias = Callable[[int, int], None]  # steps done, of how many


@dataclass(frozen=True, slots=True)
class EventFile:
    """Events in order of time, the quote currency that they are valued in, and whether their market was made."""

    quote: str
    events: tuple[Event, ...]
    simulated: bool = False


def read_events(path: Path, tell: Tell = lambda done, of: None) -> EventFile:
    """Read an event file of either form, by its ending. Raises ConfigError that names line and key, StoreError."""
    from hedgerow.store import events_csv

    try:
        if path.suffix.lower() == ".csv":
            return events_csv.read(path, tell)
        return _read_lines(path, tell)
    except UnicodeDecodeError:
        raise ConfigError("it is not text in UTF-8", where=str(path), fix="Save it as UTF-8.") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def write_events(path: Path, events: Iterable[Event], quote: str = "USDT", *, simulated: bool = False) -> Path:
    """Write an event file, whole or not at all, in the form of its ending; returns ``path``. Raises StoreError."""
    from hedgerow.store import events_csv

    whole = EventFile(quote, in_order(events), simulated)
    lines = events_csv.lines(whole) if path.suffix.lower() == ".csv" else _lines(whole)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: the events cannot be written: {error.strerror or error}") from error
    return path


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """By time; those of one moment stay in the order in which they were given."""
    return tuple(sorted(events, key=lambda event: event.at_ns))


# ---------------------------------------------------------------------------------------------------------- JSON Lines


def _lines(whole: EventFile) -> Iterator[str]:
    header = {"type": HEADER, "version": VERSION, "quote": whole.quote}
    yield _json(header | ({"simulated": True} if whole.simulated else {}))
    for event in whole.events:
        yield _json(plain_of(event))


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def plain_of(event: Event) -> dict[str, Any]:
    """An event as its line: text, ``null``, lists and tables of text; fields at their default are left out."""
    record: dict[str, Any] = {"type": KINDS[type(event)]}
    for name, default, key in _fields(type(event)):
        value = getattr(event, name)
        if default is not dataclasses.MISSING and value == default:
            continue
        if name in ("at_ns", "acquired_ns"):
            value = stamp(value)
        elif isinstance(value, Decimal):
            value = str(value)
        elif isinstance(value, Mapping):
            value = {inner: str(one) for inner, one in value.items()}
        elif isinstance(value, tuple):
            value = list(value)
        record[key] = value
    return record


def _read_lines(path: Path, tell: Tell) -> EventFile:
    quote, simulated, events = "", False, []
    lines: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(told(file, path.stat().st_size, tell), start=1):
            if not line.strip():
                continue
            where = f"{path}: line {number}"
            record = _record(line, where)
            if not quote:
                quote, simulated = _header(record, where)
                continue
            event = event_of(record, where)
            refuse_twice(event.id, number, lines, path)
            events.append(event)
    if not quote:
        raise ConfigError("the file is empty", where=str(path), fix='Begin it with {"type":"events","version":1}.')
    return EventFile(quote, in_order(events), simulated)


def told(file: IO[str], size: int, tell: Tell) -> Iterator[str]:
    """The lines of a file of so many bytes; ``tell`` hears of the way through it."""
    done, step = 0, 0
    for line in file:
        done += len(line)
        if done * _STEPS // max(1, size) > step:
            step = min(_STEPS, done * _STEPS // size)
            tell(step, _STEPS)
        yield line


class _Twice(Exception):
    """A key that stands twice in one object, which JSON allows and nobody means."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice(next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i])))
    return found


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once)


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = _DECODER.decode(line)
    except _Twice as twice:
        raise ConfigError(f'"{twice}" stands twice', where=where, fix="Keep one of them.") from None
    except ValueError as error:
        message = f"it is no JSON: {str(error).split(':')[0]}"
        raise ConfigError(message, where=where, fix="Write one object a line.") from None
    if not isinstance(record, dict):
        raise ConfigError("it is no JSON object", where=where, fix='Write one object a line, as {"type":"fill",...}.')
    return record


def _header(record: Mapping[str, Any], where: str) -> tuple[str, bool]:
    sample = '{"type":"events","version":1,"quote":"USDT"}'
    if record.get("type") != HEADER:
        raise ConfigError("the file does not begin with a header", where=where, fix=f"Write {sample} above it.")
    if record.get("version") != VERSION:
        message = f"version {record.get('version')!r} is not known"
        raise ConfigError(message, where=where, fix=f"This version of hedgerow reads version {VERSION}.")
    unknown = sorted(set(record) - {"type", "version", "quote", "simulated"})
    quote, simulated = record.get("quote"), record.get("simulated", False)
    if unknown or not isinstance(quote, str) or not quote or not isinstance(simulated, bool):
        message = f'the header has a key "{unknown[0]}"' if unknown else "the header is not whole"
        raise ConfigError(message, where=where, fix=f"Write {sample}.")
    return quote, simulated


# ------------------------------------------------------------------------------------------------ from text to a record

_Field: TypeAlias = tuple[str, Any, str]  # name, default (MISSING: needed), key in the file


def _fields(kind: type) -> tuple[_Field, ...]:
    found = _FIELDS.get(kind)
    if found is None:
        found = tuple((one.name, _default(one), _key(one.name)) for one in dataclasses.fields(kind))
        _FIELDS[kind] = found
    return found


def _key(name: str) -> str:
    return "time" if name == "at_ns" else name.removesuffix("_ns")


_FIELDS: Final[dict[type, tuple[_Field, ...]]] = {}


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def keys_of(kind: str) -> tuple[str, ...]:
    """The keys that a line of this type may have, ``type`` left out, in the order of the record's fields."""
    return tuple(key for _, _, key in _fields(EVENTS[kind]))


def event_of(record: Mapping[str, Any], where: str) -> Event:
    """The event that a line states; ``where`` is its place. Raises ConfigError for a key that is unknown, missing, or has no sense."""
    word = record.get("type")
    kind = EVENTS.get(word) if isinstance(word, str) else None
    if kind is None:
        fix = f"Write one of {', '.join(EVENTS)}."
        message = f"{word!r} is no type of event" if word else "it says no type"
        raise ConfigError(message, where=f"{where}: type", fix=fix)
    rows = _fields(kind)
    values: dict[str, Any] = {}
    for name, default, key in rows:
        if key in record:
            given = record[key]
            none = given is None and (default is None or (name, word) == ("amount", "funding"))
            read: Reader = _READERS.get(name, _text)
            values[name] = None if none else read(given, where, key)
        elif default is dataclasses.MISSING:
            raise ConfigError(f"a {word} needs it", where=f"{where}: {key}", fix=_NEEDED.get(key, f"Give {key}."))
    if len(values) + 1 != len(record):
        keys = [key for _, _, key in rows]
        unknown = next(key for key in record if key != "type" and key not in keys)
        fix = f"A {word} has {', '.join(keys)}."
        raise ConfigError(f'a {word} has no "{unknown}"', where=f"{where}: {unknown}", fix=fix)
    event: Event = kind(**values)
    _check(event, where)
    return event


_NEEDED: Final = {
    "time": "Write the time as 2022-01-31T14:00:00Z (UTC).",
    "id": "Give each event a name of its own, such as its number.",
    "amount": 'Write it as text: "0.25"; for a funding payment that is not known, null.',
    "account": "Name the account, such as spot or futures.",
}


def _text(given: Any, where: str, key: str) -> str:
    if isinstance(given, str) and (given.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in given)):
        return given  # without halves of a character, which no file can hold
    raise ConfigError(f"{given!r} is no text", where=f"{where}: {key}", fix="Write it in quotes.")


def _lots(given: Any, where: str, key: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ConfigError("it is no list of names", where=f"{where}: {key}", fix='Write ["id of a purchase"].')
    return tuple(given)


def _prices(given: Any, where: str, key: str) -> dict[str, Decimal]:
    return {name: decimal(one, where, f"{key}: {name}") for name, one in _table(given, where, key).items()}


def _regimes(given: Any, where: str, key: str) -> dict[str, str]:
    return {name: _text(one, where, f"{key}: {name}") for name, one in _table(given, where, key).items()}


def _table(given: Any, where: str, key: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ConfigError("it is no table", where=f"{where}: {key}", fix='Write {"BTC/USDT":"42000"}.')
    return given


def _at(where: str, key: str) -> str:
    return f"{where}: {key}" if key else where


def decimal(given: Any, where: str, key: str = "") -> Decimal:
    """An amount from text, exactly. Raises ConfigError, also for a number of JSON, which a program may have rounded."""
    if not isinstance(given, str):
        raise ConfigError(f"{given!r} is no amount", where=_at(where, key), fix=f'Write it as text: "{given}".')
    text = given.strip()
    if _NUMBER.fullmatch(text):
        value = Decimal(text)
        exponent = value.as_tuple().exponent
        if value.adjusted() < DIGITS and isinstance(exponent, int) and exponent >= -DIGITS:
            return value
    fix = f"Write digits and a point, as 1234.5, at most {DIGITS} before and behind it."
    raise ConfigError(f'"{given}" is no amount', where=_at(where, key), fix=fix)


def moment(given: Any, where: str, key: str = "") -> int:
    """A time in UTC as ns since the epoch; an offset such as +02:00 is counted, none means UTC. Raises ConfigError."""
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    try:
        if found is None:
            raise ValueError
        day, clock, fraction, zone = found.groups()
        at = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(zone or 'Z').replace('Z', '+00:00')}")
        since = at - _EPOCH
    except ValueError:
        fix = "Write it as 2022-01-31T14:00:00Z (UTC)."
        raise ConfigError(f"{given!r} is no time", where=_at(where, key), fix=fix) from None
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + int((fraction or "0").ljust(9, "0"))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: Final = ("amount", "price", "cost", "fee", "fee_price", "decided", "index", "rate", "mark")
# field -> what reads it; every other field is text
_READERS: Final[dict[str, Reader]] = {
    **dict.fromkeys(_NUMBERS, decimal), "at_ns": moment, "acquired_ns": moment, "lots": _lots, "prices": _prices,
    "regimes": _regimes,
}  # fmt: skip


def stamp(at_ns: int) -> str:
    """The inverse of ``moment``: ISO 8601 in UTC, with as many digits of a second as there are."""
    seconds, rest = divmod(at_ns, NS_PER_SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}{f'.{rest:09d}'.rstrip('0') if rest else ''}Z"


# -------------------------------------------------------------------------------------------------------- does it hold


def _check(event: Event, where: str) -> None:
    """Raise ConfigError where an event cannot have happened."""
    if not event.id:
        raise ConfigError("it is empty", where=f"{where}: id", fix=_NEEDED["id"])
    if isinstance(event, Mark):
        for symbol, price in event.prices.items():
            _symbol(symbol, f"{where}: prices")
            _above_zero(price, f"{where}: prices: {symbol}")
        return
    for name in _ABOVE_ZERO:
        value = getattr(event, name, None)
        if value is not None and not (name == "cost" and value == 0):
            _above_zero(value, f"{where}: {name}")
    for name in ("account", "to", "currency"):
        if getattr(event, name, "x") == "":
            raise ConfigError(
                "it is empty", where=f"{where}: {name}", fix=f"Name the {'account' if name == 'to' else name}."
            )
    if hasattr(event, "instrument"):
        _symbol(event.instrument, f"{where}: instrument")
    if isinstance(event, (Flow, Fill, Transfer)) and event.amount == 0:
        raise ConfigError("nothing moved", where=f"{where}: amount", fix="Write an amount, or leave the line out.")
    if isinstance(event, Transfer) and not (event.amount > 0 and event.fee >= 0 and event.account != event.to):
        fix = "Write amount above 0, fee 0 or more, and two accounts: it moves from account to to."
        raise ConfigError("it is no move between two accounts", where=f"{where}: amount", fix=fix)
    if isinstance(event, Fill) and event.fee != 0 and not event.fee_currency:
        raise ConfigError(
            "the fee has no currency", where=f"{where}: fee_currency", fix="Name it, such as USDT or BNB."
        )
    for name, words in (("kind", FILL_KINDS if isinstance(event, Fill) else INCOMES), ("sleeve", SLEEVES)):
        if getattr(event, name, words[0]) not in words:
            fix = f"Write one of {', '.join(words).lstrip(', ')}{', or leave it out' if '' in words else ''}."
            raise ConfigError(f'there is no {name} "{getattr(event, name)}"', where=f"{where}: {name}", fix=fix)


def _above_zero(value: Decimal, where: str) -> None:
    if value <= 0:
        raise ConfigError(f"{value} is not above 0", where=where, fix="Write it without a sign.")


def _symbol(symbol: str, where: str) -> None:
    try:
        from_symbol(symbol)
    except ValueError as error:
        message, _, fix = str(error).partition("; ")
        raise ConfigError(message, where=where, fix=f"{fix[:1].upper()}{fix[1:]}.") from None


def refuse_twice(name: str, number: int, lines: dict[str, int], path: Path) -> None:
    """Remember the line of an event's id. Raises ConfigError where another line has it."""
    if name in lines:
        message = f'the id "{name}" is that of line {lines[name]} too'
        fix = "Remove the line if it is the same event, else give it an id of its own."
        raise ConfigError(message, where=f"{path}: line {number}", fix=fix)
    lines[name] = number
