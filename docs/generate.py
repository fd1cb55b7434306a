"""Write docs/reference from the code: commands, policy keys, measures, reasons, built-in policies, JSON, files, errors.

    python docs/generate.py            write the pages
    python docs/generate.py --check    only say which pages are out of date (exit code 1)

The figures in docs/explanation/speed.md are written from docs/speed.json, which ``./run bench --json`` made.

``./run docs`` calls it before it builds the site, and a test compares the pages with what it would write. Everything
that stands in the code is taken from there; what is said about it beside the code is in ``docs/said.py``.
"""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import said  # noqa: E402  (it stands beside this file)
from pydantic import BaseModel  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402
from pydantic_core import PydanticUndefined  # noqa: E402

import hedgerow  # noqa: E402
from benchmarks import show  # noqa: E402
from hedgerow import errors, policies, units  # noqa: E402
from hedgerow.faces import policy_words as words  # noqa: E402
from hedgerow.model import mandate, plan, policy, portfolio, terms  # noqa: E402
from hedgerow.model.citation import source_of  # noqa: E402
from hedgerow.model.measure import MEASURES  # noqa: E402

MADE = "<!-- Written by docs/generate.py from the code. Do not edit: change the code, then run ./run docs. -->\n"
ROWS = ("vote", "regime", "trim", "ladder", "reinforce")  # tables of named rows
SPEED = "explanation/speed.md"
BEGIN, END = "<!-- figures: begin. Written by docs/generate.py from docs/speed.json -->", "<!-- figures: end -->"
KERNEL = Path(hedgerow.__file__).parent / "kernel"


# ------------------------------------------------------------------------------------------------------------ markdown


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells may hold anything but line breaks."""

    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(re.sub(r"\s+", " ", str(cell)).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(heads), line(["---"] * len(heads)), *(line(row) for row in rows)]) + "\n"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n".join([MADE, f"# {title}\n", *(part.rstrip("\n") + "\n" for part in parts)])


def code(text: object) -> str:
    """As code, nothing where there is nothing."""
    return f"`{text}`" if str(text) else ""


# ------------------------------------------------------------------------------------------------------------ commands


def commands() -> str:
    """Every command with its arguments and options."""
    import typer

    from hedgerow.faces import cli

    top: Any = typer.main.get_command(cli.app)
    parts = [said.COMMANDS, _options(top, cli.NAME)]
    for name, command in _leaves(top, cli.NAME):
        parts += [f"## {name}\n", _paragraphs(command.help), _usage(command, name), _options(command, name)]
    return page("Commands", *parts)


def _leaves(command: Any, name: str) -> Iterable[tuple[str, Any]]:
    for key, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            if inner.invoke_without_command:  # it does something by itself, too
                yield f"{name} {key}", inner
            yield from _leaves(inner, f"{name} {key}")
        else:
            yield f"{name} {key}", inner


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").replace("\f", "").split("\n\n")) + "\n"


def _usage(command: Any, name: str) -> str:
    shown = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    return f"```sh\n{' '.join([name, '[OPTIONS]', *shown])}\n```\n"


def _argument(one: Any) -> str:
    label = one.metavar or one.name.upper()
    return label if one.required else f"[{label}]"


def _options(command: Any, name: str) -> str:
    rows = []
    for one in command.params:
        if one.param_type_name == "argument":
            rows.append((code(_argument(one)), "", _help(one)))
            continue
        flag = ", ".join(one.opts) + ("" if one.is_flag else f" {one.metavar or _placeholder(one)}")
        rows.append((code(flag), _default(one), _help(one)))
    return table(("option", "default", "meaning"), [*rows, (code("--help"), "", "Show the options and end.")])


def _placeholder(one: Any) -> str:
    return {int: "N", float: "NUMBER"}.get(one.type_descriptor.annotation, "TEXT")


def _help(one: Any) -> str:
    return str(getattr(one, "help", "") or "")


def _default(one: Any) -> str:
    if isinstance(one.show_default, str):
        return one.show_default
    if one.is_flag:
        return "off"
    if one.default in (None, ""):
        return ""
    return code(f"{one.default:g}" if isinstance(one.default, float) else one.default)


# -------------------------------------------------------------------------------------------------------------- policy


def policy_keys() -> str:
    """Every key of a policy file: type or unit, default, meaning, source."""
    parts = [said.POLICY, "## The top of the file\n", _fields(policy.Policy)]
    for title, model, text in said.TABLES:
        parts += [f"## {title}\n", _paragraphs(model.__doc__).replace("``", "`"), text, _fields(model)]
    parts += ["## Units\n", said.UNITS, table(("unit", "kept as", "written as"), _units())]
    return page("Policy file", *parts)


def _units() -> Iterable[tuple[str, str, str]]:
    for unit, (_, kept) in units.UNITS.items():
        yield code(unit) or "(none)", kept, code(f'"10 {unit}"') if unit else code("10")


def _fields(model: type[BaseModel]) -> str:
    rows = []
    for name, field in model.model_fields.items():
        if name == "source":  # said once, at the top
            continue
        key = field.alias or name
        meaning = field.description or said.FIELDS[f"{model.__name__}.{name}"]
        source = words.cited(source_of(model.__name__, name))
        rows.append((code(key), _kind(field), _field_default(field), meaning, source))
    return table(("key", "unit or type", "default", "meaning", "source"), rows)


def unit_of(field: FieldInfo) -> str:
    """The unit that the schema gives a field, "" where it has none."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    return _inner(field.annotation)


def _inner(annotation: Any) -> str:
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, FieldInfo) and unit_of(note):
            return unit_of(note)
    return next((unit for part in get_args(annotation) if (unit := _inner(part))), "")


def _kind(field: FieldInfo) -> str:
    unit = unit_of(field)
    shape = get_origin(field.annotation)
    if unit:
        return f"{unit}, list" if shape is tuple else (f"table of {unit}" if shape is dict else unit)
    return _type(field.annotation)


def _type(annotation: Any) -> str:
    shape, inner = get_origin(annotation), get_args(annotation)
    if shape is Literal:
        return ", ".join(code(one) for one in inner)
    if shape is tuple:
        return "list of names"
    if shape is dict:
        return f"table of {_type(inner[1])}" if get_origin(inner[1]) is Literal else f"rows, each a {_type(inner[1])}"
    if shape is Annotated:
        return _within(inner[0], inner[1:])
    if shape in (Union, types.UnionType):
        if {float, str} <= set(inner):
            return "unit of the measure"
        return " or ".join(_type(part) for part in inner if part is not type(None))
    title = next((title for title, model, _ in said.TABLES if model is annotation), "")
    if title:
        return f"[{title}](#{title.replace('.', '')})"
    known = {bool: "true or false", int: "whole number", float: "number", Decimal: "number", str: "text"}
    return known.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _within(annotation: Any, notes: Sequence[Any]) -> str:
    """A type and the limits in its notes: "number, above 0 to 1"."""
    inner = [one for note in notes for one in (note.metadata if isinstance(note, FieldInfo) else (note,))]
    limits = {name: getattr(one, name) for one in inner for name in ("gt", "ge", "lt", "le") if hasattr(one, name)}
    low = f"above {limits['gt']:,}" if "gt" in limits else f"{limits['ge']:,}" if "ge" in limits else ""
    high = f"below {limits['lt']:,}" if "lt" in limits else f"{limits['le']:,}" if "le" in limits else ""
    if low and high:
        told = f"{low}, {high}" if "lt" in limits else f"{low} to {high}"
    else:
        told = f"{low} or more" if "ge" in limits else low or high
    return f"{_type(annotation)}, {told}" if told else _type(annotation)


def _field_default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.default
    if value is PydanticUndefined:
        value = field.default_factory() if field.default_factory else None  # type: ignore[call-arg]
    if isinstance(value, (BaseModel, dict)) or value in (None, "", ()):
        return ""
    return words.shown(value, unit_of(field))


# ------------------------------------------------------------------------------------------------------------ measures


def measures() -> str:
    """Every measure by scope: unit, meaning, window, source, and the built-in policies that read it."""
    from hedgerow.signals.panel import WINDOWS

    readers: dict[str, list[str]] = {}
    for name in policies.names():
        for measure in words.used_measures(policies.load(name)):
            readers.setdefault(measure, []).append(name)
    parts = [said.MEASURES]
    for scope in ("asset", "market", "book"):
        rows = [
            (code(one.name), one.unit or "number", one.meaning, WINDOWS.get(one.name, ""), words.cited(one.source),
             ", ".join(readers.get(one.name, [])))
            for one in MEASURES if one.scope == scope
        ]  # fmt: skip
        heads = ("measure", "unit", "meaning", "days", "source", "read by")
        parts += [f"## {said.SCOPES[scope][0]}\n", said.SCOPES[scope][1], table(heads, rows)]
    return page("Measures", *parts, said.TALIB)


# ------------------------------------------------------------------------------------------------------------- reasons


def reasons() -> str:
    """Every code with the sentence that it means, and whether the kernel writes it today."""
    parts = [said.REASONS]
    for title, kind, text in (("Reasons", plan.Reason, said.DONE), ("Refusals", plan.Refusal, said.REFUSED)):
        rows = [
            (one.value, code(one.name.lower()), plan.SENTENCES[one], "yes" if is_written(one) else "not yet")
            for one in kind if one.value
        ]  # fmt: skip
        parts += [f"## {title}\n", text, table(("code", "name in JSON", "sentence", "written"), rows)]
    return page("Reasons and refusals", *parts)


def is_written(one: plan.Reason | plan.Refusal) -> bool:
    """Whether a module of the kernel uses the code, and does not only name it."""
    for path in KERNEL.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = re.search(rf"^(_\w+): Final = float\({type(one).__name__}\.{one.name}\)", text, re.MULTILINE)
        if found and len(re.findall(rf"\b{found[1]}\b", text)) > 1:
            return True
    return False


# ------------------------------------------------------------------------------------------------------------ policies


def built_in() -> str:
    """Every built-in policy in words."""
    benchmark = {name: f"B{i}" for i, name in enumerate(policies.BENCHMARKS)}
    rows = [(f"[{n}](#{n})", benchmark.get(n, ""), policies.load(n).title, _base_of(n)) for n in policies.names()]
    parts = [said.POLICIES, table(("policy", "benchmark", "what it is", "extends"), rows)]
    for name in policies.names():
        parts += [f"## {name}\n", *_one_policy(policies.load(name), name)]
    return page("Built-in policies", *parts)


def _base_of(name: str) -> str:
    return str(policies.read(policies.path_of(name)).get("extends", ""))


def _one_policy(one: policy.Policy, name: str) -> Iterable[str]:
    yield f"**{one.title}.** {' '.join(one.description.split())}\n"
    if name in said.POLICY_NOTES:
        yield said.POLICY_NOTES[name]
    given = [cell for cell in words.walk(one) if cell.given and cell.path.split(".")[0] not in ROWS]
    if given:
        rows = [(code(cell.path), cell.text, cell.meaning, cell.source) for cell in given]
        heads = ("key", "value", "meaning", "source")
        yield "What it sets; every other key has its [default](policy.md).\n\n" + table(heads, rows)
    if one.regime:
        states = [
            (key, words.entered(row), words.left(row), words.hedge_range(row), row.trim, "yes" if row.deploy else "no")
            for key, row in one.regime.items()
        ]
        heads = ("state", "entered when", "left when", "hedge range", "trim", "deploys")
        yield "Regimes, tried in this order:\n\n" + table(heads, states)
    for key, label in (("trim", "Trim rows"), ("reinforce", "Reinforcement rows"), ("ladder", "Ladder rows")):
        rows_of = getattr(one, key)
        if rows_of:
            yield f"{label}:\n\n" + table(*words.table_of(rows_of))
    if one.vote:
        votes = [(code(key), words.vote_words(row), words.vote_source(row)) for key, row in one.vote.items()]
        yield "Votes:\n\n" + table(("vote", "true when", "source"), votes)


# ---------------------------------------------------------------------------------------------------------------- JSON


def json_records() -> str:
    """The keys of what --json writes, by walking real records of a small made market."""
    import sample

    parts = [said.JSON]
    for title, record in sample.records().items():
        rows = [(code(path), kind, said.json_meaning(path)) for path, kind in sample.paths(record).items()]
        parts += [f"## {title}\n", said.JSON_RECORDS[title], table(("key", "type", "meaning"), rows)]
    return page("JSON records", *parts)


# --------------------------------------------------------------------------------------------------------------- files


def files() -> str:
    """The files that a person writes or hands over: portfolio, views, mandate, venue, data, and where results lie."""
    from hedgerow.faces.portfolio_table import COLUMNS
    from hedgerow.store.files import EXPIRY_HOUR, KINDS, STEPS

    parts = ["## Portfolio file\n", said.PORTFOLIO]
    for title, model in (("[portfolio]", portfolio.Portfolio.Head), ("[spot.NAME]", portfolio.Holding),
                         ('[futures."SYMBOL"]', portfolio.Position)):  # fmt: skip
        rows = []
        for name, field in model.model_fields.items():
            meaning = field.description or said.FIELDS[f"{model.__name__}.{name}"]
            rows.append((code(name), _type(field.annotation), _field_default(field), meaning))
        parts += [f"### {title}\n", table(("key", "type", "default", "meaning"), rows)]
    parts += [
        "### [targets]\n",
        said.PORTFOLIO_TARGETS,
        "## Table of portfolios\n",
        said.PORTFOLIO_TABLE,
        table(("column", "what it holds"), ((code(name), COLUMNS[name]) for name in COLUMNS)),
        "## Views file\n",
        said.VIEWS,
        _views(),
        "## Mandate\n",
        said.MANDATE,
        table(("key", "type", "default", "meaning"), _cells(mandate.Mandate)),
        "## Venue\n",
        said.VENUE,
        table(("key", "type", "default", "meaning"), _cells(terms.Terms)),
    ]
    rows = [(code(kind), ", ".join(columns) or "any", said.KINDS[kind]) for kind, columns in KINDS.items()]
    parts += ["## Data folder\n", said.DATA.format(steps=", ".join(STEPS), hour=EXPIRY_HOUR),
              table(("kind", "columns beside `timestamp`", "what it is"), rows), said.PLACES]  # fmt: skip
    parts[-1:-1] = ["## Event file\n", said.EVENTS, *_events()]
    return page("Files", *parts)


def _cells(model: type[BaseModel]) -> Iterable[tuple[str, str, str, str]]:
    """The cells of a table that an engine takes."""
    for name, field in model.model_fields.items():
        meaning = field.description or said.FIELDS[f"{model.__name__}.{name}"]
        default = str(field.default).lower() if field.annotation is bool else _field_default(field)
        yield code(name), _within(field.annotation, field.metadata), default, meaning


def _events() -> Iterable[str]:
    """The keys of every type of event, and the exports of exchanges that are read."""
    from hedgerow.model.event import EVENTS
    from hedgerow.store.events import keys_of
    from hedgerow.store.exchange_csv import EXPORTS

    for name, kind in EVENTS.items():
        rows = [(code(key), said.event_meaning(name, key)) for key in keys_of(name)]
        yield f"### {name}\n\n{_first(kind)}\n\n{table(('key or column', 'meaning'), rows)}"
    exports = [
        (
            one.title,
            code(one.time),
            "yes" if one.utc else "`--utc-offset`",
            ", ".join(map(code, one.needs)),
            one.rests_on,
        )
        for one in EXPORTS
    ]
    heads = ("download", "time", "in UTC", "other columns that it needs", "rests on")
    yield f"### Downloads of exchanges\n\n{said.EXPORTS}\n{table(heads, exports)}"


def _views() -> str:
    from hedgerow.store import views

    return table(("key", "meaning"), [(code(key), said.VIEW_KEYS[key]) for key in views._KEYS])


# -------------------------------------------------------------------------------------------------------------- errors


def errors_page() -> str:
    """The tree of errors with exit codes."""
    kinds = sorted(_tree(errors.Error), key=lambda kind: kind.__mro__.__len__())
    rows = [(code(kind.__name__), code(kind.__mro__[1].__name__), kind.exit_code, _first(kind)) for kind in kinds]
    codes = table(("exit code", "meaning"), [(code(number), text) for number, text in said.EXIT_CODES.items()])
    tree = table(("error", "is a", "exit code", "who acts"), rows)
    parts = ("## Exit codes\n", codes, "## Errors in Python\n", said.ERROR_TREE, tree)
    return page("Errors and exit codes", said.ERRORS, *parts)


def _tree(kind: type[errors.Error]) -> Iterable[type[errors.Error]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _tree(inner)


def _first(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n", maxsplit=1)[0].split()).replace("``", "`")


PAGES = {
    "commands.md": commands, "policy.md": policy_keys, "measures.md": measures, "reasons.md": reasons,
    "policies.md": built_in, "json.md": json_records, "files.md": files, "errors.md": errors_page,
}  # fmt: skip


def pages() -> dict[str, str]:
    """Every generated page by its name in docs/reference."""
    return {name: make() for name, make in PAGES.items()}


# --------------------------------------------------------------------------------------------------------------- speed


def figures() -> str:
    """The tables of what was measured, a table for each group, and on what kind of machine."""
    record = json.loads((HERE / "speed.json").read_text(encoding="utf-8"))
    machine = record["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    where = f"{machine['system']}, {machine['processor']}, {machine['cores']} cores that other work shared"
    parts = [f"hedgerow {record['hedgerow']} on {where}; {versions}; {record['seconds'] / 60:.0f} minutes.\n"]
    rows = (*record["rows"], *record["refused"])
    for group in dict.fromkeys(row["group"] for row in rows):
        cells = [_figure(row) for row in rows if row["group"] == group]
        parts.append(f"### {group}\n\n{table(('what', 'median', 'range', 'bar', 'aim', ''), cells)}")
    return "\n".join([*parts, f"{show.summed_up(record)}\n"])


def _figure(row: dict[str, Any]) -> tuple[str, ...]:
    if "median" not in row:
        return row["what"], "no ratio", "", "", "", row["why"]
    what = f"{row['what']} ({row['note']})" if row["note"] else row["what"]
    return what, f"{show.number(row['median'])} {row['unit']}", show.ranged(row), *show.asked(row), show.verdict(row)


def speed() -> str:
    """The page about speed, its figures written anew."""
    before, _, rest = (HERE / SPEED).read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    return f"{before}{BEGIN}\n\n{figures()}\n{END}\n{after}"


def main() -> int:
    """Write the pages, or with --check name those that are out of date."""
    check, stale = "--check" in sys.argv, []
    written = {f"reference/{name}": text for name, text in pages().items()} | {SPEED: speed()}
    for name, text in written.items():
        path = HERE / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    print(f"docs: {', '.join(stale) or 'nothing'} {'is out of date' if check else 'written anew'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
