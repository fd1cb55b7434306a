"""Built-in policies, one TOML file each, and how a policy file is read."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hedgerow.errors import ConfigError
from hedgerow.model.policy import Policy
from hedgerow.model.policy_cells import Place, places, put, unit_of
from hedgerow.model.policy_check import near
from hedgerow.units import UNITS, show

_HERE = Path(__file__).parent
_LIMITS = {"ge": "at least", "le": "at most", "gt": "above", "lt": "below"}
_SHAPES = {
    "model_type": "must be a table", "dict_type": "must be a table", "tuple_type": "must be a list",
    "float_type": "must be a number", "float_parsing": "must be a number", "finite_number": "must be a finite number",
    "int_type": "must be a whole number", "int_parsing": "must be a whole number", "int_from_float": "must be a whole number",
    "bool_type": "must be true or false", "bool_parsing": "must be true or false", "string_type": "must be text in quotes",
    "string_too_short": "must not be empty", "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must begin with a letter or digit, and then have only letters, digits, blanks and . _ -",
    "literal_error": "must be {expected}", "missing": "is missing",
}  # fmt: skip
MATCHED = "b4_matched"  # its ratio is a placeholder until a comparison fills it in
BENCHMARKS = (
    "b0_hold",
    "b1_monthly",
    "b2_threshold",
    "b3_constant",
    "b4_matched",
    "b5_volatility",
    "b6_trend",
    "seed",
    "b8_stable",
)


def names() -> tuple[str, ...]:
    """Names of the built-in policies, products first, benchmarks after."""
    found = sorted(path.stem for path in _HERE.glob("*.toml"))
    first = ("balanced", "beginner", "seed", "hedge-only", "trim-only")
    return tuple(name for name in first if name in found) + tuple(name for name in found if name not in first)


def path_of(name_or_file: str, where: str = "policy") -> Path:
    """The file of a built-in policy, or the file that is named at ``where``. Raises ``ConfigError`` for neither."""
    built_in = _HERE / f"{name_or_file}.toml"
    if "/" not in name_or_file and built_in.is_file():
        return built_in
    path = Path(name_or_file)
    if path.is_file():
        return path
    raise ConfigError(f'there is no policy or file "{name_or_file}"', where=where, fix=_hint(name_or_file, names()))


def _hint(name: str, known: Any) -> str:
    """``near`` as a sentence of its own."""
    hint = near(name, known).removeprefix("; ")
    return hint[:1].upper() + hint[1:]


def load(name_or_file: str, where: str = "policy") -> Policy:
    """Read and check the policy named at ``where``. Raises ``ConfigError`` with file, line or key, value and fix."""
    path = path_of(name_or_file, where)
    return parse(read(path), path.name)


def chosen(name_or_file: str, where: str = "policy") -> Policy:
    """``load``, for a policy that is to run by itself: B4, whose hedge a comparison sets, is refused."""
    policy = load(name_or_file, where)
    path = path_of(name_or_file, where)
    if policy.hedge == load(MATCHED).hedge and MATCHED in (path.stem, *_ancestors(read(path), ())):
        raise ConfigError(
            f"{MATCHED} has no hedge of its own: backtest gives it the mean hedge of the policy that it is compared with",
            where=where,
            fix='Use b3_constant, or a file with extends = "b3_constant" and, under [hedge], constant = "40 %".',
        )
    return policy


def _ancestors(document: dict[str, Any], seen: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what a sound document extends, the nearest first."""
    name = document.get("extends")
    return _ancestors(read(path_of(name)), (*seen, name)) if name else seen


def read(path: Path) -> dict[str, Any]:
    """The document of a policy file. Raises ``ConfigError`` where it cannot be read or is not TOML, with the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fix = "Name a file that you may read."
        raise ConfigError(f"cannot be read: {error.strerror or error}", where=str(path), fix=fix) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError("not a text file in UTF-8", where=str(path)) from None
    except RecursionError:
        raise ConfigError("brackets stand too deep in each other", where=str(path)) from None
    except ValueError:  # of Python: what is TOML, and no number that it reads
        fix = "Write it as 1 or 0.5."
        raise ConfigError("a number has thousands of digits", where=str(path), fix=fix) from None


def parse(document: dict[str, Any], where: str) -> Policy:
    """A policy from a parsed document; every fault is a ``ConfigError`` at ``where``."""
    document = resolve(document, where, ())
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise _explained(error, document, where) from None


def resolve(document: dict[str, Any], where: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """The document with what it extends: its own cells win, and rows named in ``without`` are left out.

    Name and title are not taken over: without its own it is called as its file (``where``), "from" the other.
    """
    own = dict(document)
    base_name, dropped = own.pop("extends", None), own.pop("without", [])
    if base_name is None:
        if dropped:
            raise ConfigError(
                "without needs extends", where=f"{where}: without", fix="Name the policy that it takes rows from."
            )
        return own
    if not isinstance(base_name, str) or base_name in seen:
        raise ConfigError(
            f"extends {base_name!r} leads nowhere", where=f"{where}: extends", fix="Name another policy or file."
        )
    path = path_of(base_name, f"{where}: extends")
    base = resolve(read(path), path.name, (*seen, base_name))
    for row in dropped:
        _drop(base, str(row), where)
    # Reports must not show the other's name for rules that are not the other's.
    named = re.sub(r"[^A-Za-z0-9 ._-]", "-", Path(where).stem).lstrip(" ._-")[:60] or f"own {base.get('name')}"
    title = f"{own.get('name', named)}, from {base.get('name')}"
    return _merged(base, {"name": named, "title": title} | own)


def _drop(base: dict[str, Any], row: str, where: str) -> None:
    table, parts = base, row.split(".")
    for part in parts[:-1]:
        inner = table.get(part)
        table = inner if isinstance(inner, dict) else {}
    if parts[-1] not in table:
        there = ".".join(parts[:-1]) if table else ""
        names = [f"{there}.{name}" if there else name for name in table or base]
        raise ConfigError(f'there is no "{row}" to leave out', where=f"{where}: without", fix=_hint(row, names)[:400])
    del table[parts[-1]]


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merged(out[key], value) if both else value
    return out


def _explained(error: ValidationError, document: dict[str, Any], where: str) -> ConfigError:
    """The first fault with its key, what the file says there, and the fix; the number of the others."""
    # An unknown key comes first: what is missed elsewhere may be what stands in the wrong place.
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
    first = faults[0]
    key = ".".join(str(part) for part in first["loc"] if part not in ("function-before", "[key]")) or "the policy"
    message = fault_words(first, _unit_at(first["loc"]))
    fix = ""
    if first["type"] == "extra_forbidden":
        message = "unknown key"
        unknown = str(first["loc"][-1])
        places = _places(unknown)
        fix = f"It belongs in {' or '.join(places)}." if places else ""
        fix = fix or f"Remove it{near(unknown, _known_keys(first['loc'][:-1]))}"
    elif not isinstance(first.get("input"), dict):
        message = f"{message} (got {written(document, first['loc'], first.get('input'))})"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return ConfigError(message + more, where=f"{where}: {key}", fix=fix)


def fault_words(fault: Any, unit: str = "") -> str:
    """What is wrong with a value, by pydantic's account of it; a limit is shown in ``unit``."""
    limit = next((name for name in _LIMITS if name in fault.get("ctx", {})), "")
    if limit:
        bound = float(fault["ctx"][limit])
        shown = show(bound, unit) if unit in UNITS else f"{bound:g}"
        return f"must be {_LIMITS[limit]} {shown.replace('e+', 'e')}"
    shape = _SHAPES.get(fault["type"])
    if shape is None:
        return str(fault["msg"]).removeprefix("Value error, ")
    return shape.format(**fault.get("ctx", {})).replace("'", '"')  # quoted as TOML does


def written(document: Any, location: tuple[int | str, ...], otherwise: Any) -> str:
    """What the file says at a fault's location, as TOML writes it."""
    for part in location:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            continue  # a step of the schema that no file has
    return json.dumps(otherwise if isinstance(document, dict) else document, default=str, ensure_ascii=False)


def _unit_at(location: tuple[int | str, ...]) -> str:
    """The unit that the schema gives to the field at a fault's location."""
    model: Any = Policy
    unit = ""
    for part in location:
        fields = getattr(model, "model_fields", {})
        field = next((f for name, f in fields.items() if part in (name, f.alias)), None)
        if field is not None:
            model, unit = _inner_model(field.annotation), unit_of(field)
    return unit


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that a table of the schema takes, following a fault's location."""
    model: Any = Policy
    for part in location:
        fields = getattr(model, "model_fields", None)
        if fields is None:
            continue
        by_alias = {(field.alias or name): field for name, field in fields.items()}
        if part not in by_alias:
            continue
        model = _inner_model(by_alias[str(part)].annotation)
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


def _places(key: str) -> list[str]:
    """Where the schema has a key: before the first table, in a table, or in each row of one (``[vote.NAME]``)."""
    fields = {(field.alias or name): field for name, field in Policy.model_fields.items()}
    found = ["the lines above the first [table]"] if key in fields else []
    for name, field in fields.items():
        if key in _known_keys((name,)):
            found.append(f"[{name}]" if hasattr(field.annotation, "model_fields") else f"[{name}.NAME]")
    return found


def _inner_model(annotation: Any) -> Any:
    """The record inside ``X``, ``X | None`` or ``dict[str, X]``."""
    for inner in (annotation, *getattr(annotation, "__args__", ())):
        if hasattr(inner, "model_fields"):
            return inner
    return annotation


def builder(name_or_file: str, where: str = "policy") -> tuple[dict[str, Place], Callable[[Mapping[str, str]], Policy]]:
    """The cells of a policy that is to run by itself, and a function that makes it with other values in some of them.

    The function takes path -> value as a file writes it, and raises the ``ConfigError`` that such a file would.
    """
    subject, path = chosen(name_or_file, where), path_of(name_or_file, where)
    document, known = resolve(read(path), path.name, ()), places(subject)

    return known, partial(_built, subject, document, known, path.name)


def _built(
    subject: Policy, document: dict[str, Any], known: dict[str, Place], where: str, cells: Mapping[str, str]
) -> Policy:
    """What ``builder`` gives, as a function that another process can be sent."""
    return parse(put(document, known, cells), where) if cells else subject
