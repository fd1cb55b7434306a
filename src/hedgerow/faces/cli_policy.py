"""Commands on policies: list, show, check, explain."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import text
from hedgerow.faces.options import Json

if TYPE_CHECKING:
    from hedgerow.faces.policy_words import Cell
    from hedgerow.model.policy import Policy

Name = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A built-in policy (hedgerow policy list) or a TOML file.")
]

SOURCES: Final = (
    "Sources: 2.15 and 2A-9 are sections of the domain reference, R-012 and E-05 its requirements and its rulings on "
    "what the article leaves open. By: what the policy sets itself, and what is the default."
)


def register(app: typer.Typer) -> None:
    """Hang ``policy`` and its commands on the app."""
    from hedgerow.faces.cli import group

    policy = group("List, show, check and explain policies: the rules of a run, one TOML file each.")
    policy.command("list")(list_)
    policy.command("show")(show)
    policy.command("check")(check)
    policy.command("explain")(explain)
    app.add_typer(policy, name="policy")


def list_(to: Json = None) -> None:
    """List the built-in policies: products first, then the benchmarks (B0 to B8) that they are compared with."""
    from hedgerow import policies

    benchmark = {name: f"B{i}" for i, name in enumerate(policies.BENCHMARKS)}
    records = []
    for name in policies.names():
        title = str(policies.read(policies.path_of(name)).get("title", ""))
        records.append({"name": name, "benchmark": benchmark.get(name), "title": title})
    rows = [(str(one["name"]), one["benchmark"] or "", str(one["title"])) for one in records]
    text.emit({"policies": records}, to, lambda: text.table(("name", "as", "title"), rows))


def show(name: Name) -> None:
    """Print a policy's TOML as it is: a place to start a policy of your own from."""
    typer.echo(_text(_path(name)), nl=False)


def check(name: Name, to: Json = None) -> None:
    """Say whether a policy is sound, or what to correct: the file, the key or line, the value and the fix.

    Exit code 0 if it is, 2 if it is not.
    """
    try:
        policy = _load(name)
    except ConfigError as error:
        if to is not None:
            fault = {"where": error.where, "message": error.message, "fix": error.fix}
            text.write_json({"policy": name, "sound": False, "error": fault}, to)
        raise
    counts = {key: len(rows) for key, rows in _tables(policy)}
    told = ", ".join(text.counted(count, f"{key} row") for key, count in counts.items() if count) or "no rows"
    record = {"policy": policy.name, "sound": True, "rows": counts, "error": None}
    text.emit(record, to, lambda: text.say(f"{policy.name} is a sound policy: {told}."))


def explain(name: Name, to: Json = None) -> None:
    """Print a policy as a person would read it: every number with its unit, its meaning and its source."""
    from hedgerow.faces import policy_words as words

    policy, path = _load(name), _path(name)
    cells = list(words.walk(policy))
    regimes = [
        {
            "state": key, "entered": words.entered(row), "left": words.left(row), "hedge": words.hedge_range(row),
            "trim": row.trim, "deploys": row.deploy, "source": words.row_source(row),
        }
        for key, row in policy.regime.items()
    ]  # fmt: skip
    votes = [
        {"vote": key, "words": words.vote_words(row), "source": words.vote_source(row)}
        for key, row in policy.vote.items()
    ]
    record = {
        "policy": policy.name, "title": policy.title, "high_risk": policy.hedge.leverage > 1.0, "description": policy.description.strip(), "file": path.name,
        "regimes": regimes, "votes": votes, "cells": cells, "measures": _measures(policy),
    }  # fmt: skip
    text.emit(record, to, lambda: _print(policy, record, cells))


def _print(policy: Policy, record: dict[str, Any], cells: list[Cell]) -> None:
    """All sections; a table of rows that has none, and a part that is off, are left out."""
    from hedgerow.faces import policy_words as words
    from hedgerow.faces.buffer import crowded
    from hedgerow.faces.scorecard import high_risk

    text.say(policy.title or policy.name, style="bold")
    if policy.description:
        text.say(" ".join(policy.description.split()))
    if policy.hedge.leverage > 1.0:
        text.say(f"WARNING: {high_risk(policy.hedge.leverage)}", style="bold")
    if near := crowded(policy.margin, policy.hedge.leverage):
        text.say(f"WARNING: {near}", style="bold")
    text.say(f"Policy {policy.name}, version {policy.version}, file {record['file']}.")
    _settings("targets", policy, cells)
    _section("regime", policy)
    heads = ("state", "entered when", "left when", "hedge range", "trim", "deploys", "source")
    text.table(heads, [[_said(value) for value in row.values()] for row in record["regimes"]])
    _settings("", policy, cells)
    _section("vote", policy)
    text.table(("vote", "true when", "source"), [list(row.values()) for row in record["votes"]])
    for key in ("trim", "hedge", "reinforce", "ladder", "deploy", "carry", "rebalance", "guard", "costs", "margin"):
        rows = getattr(policy, key)
        if not isinstance(rows, dict):
            _settings(key, policy, cells)
        elif rows:
            _section(key, policy)
            text.table(*words.table_of(rows))
    if record["measures"]:
        text.heading("MEASURES: what the rows compare")
        text.table(("measure", "unit", "meaning", "source"), [list(row.values()) for row in record["measures"]])
    text.say()
    text.say(SOURCES)


def _settings(key: str, policy: Policy, cells: Iterable[Cell]) -> None:
    """One table of the policy, a cell a line; without a key the cells that stand in none."""
    mine = [one for one in cells if (one.path.startswith(f"{key}.") if key else "." not in one.path)]
    if key:
        _section(key, policy)
    else:
        text.say()
    rows = [
        (one.path.removeprefix(f"{key}."), one.text, "policy" if one.given else "default", one.meaning, one.source)
        for one in mine
    ]
    text.table(("setting", "value", "by", "meaning", "source"), rows)


def _section(key: str, policy: Policy) -> None:
    """The heading of a table: its key in the file, and what the schema says of it."""
    value = getattr(policy, key)
    row = next(iter(value.values()), None) if isinstance(value, dict) else value
    if row is not None:
        said = " ".join((type(row).__doc__ or "").split()).replace("``", "`")
        text.heading(f"{key.upper()}: {said[:1].lower()}{said[1:]}")


def _said(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _measures(policy: Policy) -> list[dict[str, str]]:
    """Name, unit, meaning and source of every measure that the policy's rows name."""
    from hedgerow.faces import policy_words as words

    rows = []
    for name in words.used_measures(policy):
        measure = words.measure_of(name)
        meaning = measure.meaning if measure else "an indicator of TA-Lib on completed daily bars"
        source = words.cited(measure.source) if measure else "TA-Lib"
        rows.append(
            {"measure": name, "unit": words.measure_unit(name) or "number", "meaning": meaning, "source": source}
        )
    return rows


def _tables(policy: Policy) -> list[tuple[str, dict[str, Any]]]:
    """The tables of named rows."""
    return [(key, rows) for key in type(policy).model_fields if isinstance(rows := getattr(policy, key), dict)]


def _load(name: str) -> Policy:
    from hedgerow import policies

    _path(name)
    return policies.load(name)


def _path(name: str) -> Path:
    """The policy's file. Raises ConfigError where there is none."""
    from hedgerow import policies

    try:
        return policies.path_of(name)
    except ConfigError as error:
        raise ConfigError(error.message, where="policy", fix=error.fix) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError("not a text file in UTF-8", where=str(path)) from None
