"""Commands on data folders: check, summary, simulate, import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, text
from hedgerow.faces.options import Json

if TYPE_CHECKING:
    from hedgerow.store.check import Finding, Summary
    from hedgerow.store.intake import Intake

LABEL: Final = "SIMULATED.json"
SIMULATED: Final = "SIMULATED market: made from a seed, not recorded anywhere; names of assets are borrowed."
COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume", "rate")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with files such as spot_BTC_1d.parquet.")]


def register(app: typer.Typer) -> None:
    """Hang ``data`` and its commands on the app."""
    from hedgerow.faces.cli import group

    data = group("Check, list, make and import market data: folders of Parquet or CSV files, one series a file.")
    data.command("check")(check)
    data.command("summary")(summary)
    data.command("simulate")(simulate)
    data.command("import")(import_)
    app.add_typer(data, name="data")


# --------------------------------------------------------------------------------------------------------------- check


def check(
    folder: Folder,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
    to: Json = None,
) -> None:
    """Find what is wrong or strange in a folder: missing, duplicate, stale, non-positive, jumped bars and more.

    An error is what no run would accept; a warning is probably a defect; a note is worth knowing (outages, moves that
    really happened). Exit code 0 without errors, 1 with errors.
    """
    from hedgerow import wire
    from hedgerow.store import check as judge

    count = len(_series(folder))
    with text.working(f"Checking {count} files"):
        found = judge.check(folder)
    if strict:
        found = sorted(map(_stricter, found), key=lambda one: judge.SEVERITIES.index(one.severity))
    counts = {kind: sum(one.severity == kind for one in found) for kind in judge.SEVERITIES}
    simulated = wire.is_simulated(folder)
    record = {
        "folder": folder, "simulated": simulated, "files": count, "strict": strict,
        **{f"{kind}s": many for kind, many in counts.items()}, "findings": [_finding(one) for one in found],
    }  # fmt: skip

    def show() -> None:
        if simulated:
            text.say(SIMULATED)
        for kind in reversed(judge.SEVERITIES):  # the worst last, nearest to the reader
            rows = [(one.file, one.kind, one.sentence) for one in found if one.severity == kind]
            if rows:
                text.say(text.counted(len(rows), kind).upper(), style="bold")
                text.table(("file", "kind", "finding"), rows)
                text.say()
        tally = ", ".join(text.counted(counts[kind], kind) for kind in judge.SEVERITIES)
        text.say(f"{tally} in {text.counted(count, 'file')}.")

    text.emit(record, to, show)
    if counts["error"]:
        raise typer.Exit(1)


def _stricter(one: Finding) -> Finding:
    from dataclasses import replace

    return replace(one, severity="error") if one.severity == "warning" else one


def _finding(one: Finding) -> dict[str, Any]:
    from hedgerow.store.files import stamp

    record = asdict(one)
    first = record.pop("first_ns")
    return record | {"first": None if first is None else stamp(first)}


def _series(folder: Path) -> Sequence[object]:
    """The series of a folder. Raises ConfigError where there is none."""
    from hedgerow.store.files import scan, unknown
    from hedgerow.store.tiers import is_tiers

    found = scan(folder)
    if not found:
        others = text.counted(sum(not is_tiers(path) for path in unknown(folder)), "Parquet or CSV file")
        fix = "Name files {kind}_{BASE}_{step}.parquet, for example spot_BTC_1d.parquet; hedgerow data import does it."
        raise ConfigError(f"the folder holds no series ({others} with other names)", where=str(folder), fix=fix)
    return found


# ------------------------------------------------------------------------------------------------------------- summary


def summary(folder: Folder, to: Json = None) -> None:
    """List every series of a folder: rows, first and last opening time (UTC), missing bars, lowest and highest value.

    Prices are in the quote currency per coin, funding in basis points per payment, macro series in their own unit.
    """
    from hedgerow import wire
    from hedgerow.store import check as judge

    count = len(_series(folder))
    with text.working(f"Reading {count} files"):
        rows = judge.summary(folder)
    simulated = wire.is_simulated(folder)

    def show() -> None:
        if simulated:
            text.say(SIMULATED)
        heads = ("file", "rows", "first", "last", "missing", "low", "high")
        text.table(heads, map(_cells, rows), right=("rows", "missing", "low", "high"))
        text.say()
        unread = f", {count - len(rows)} not shown: hedgerow data check says why" if count > len(rows) else ""
        text.say(f"{text.counted(count, 'file')}, {sum(row.bars for row in rows):,} rows{unread}.")

    text.emit({"folder": folder, "simulated": simulated, "series": rows}, to, show)


def _cells(row: Summary) -> tuple[str, ...]:
    rate = row.kind == "funding"
    low, high = (f"{_short(10_000 * v)} bp" if rate else _short(v) for v in (row.low, row.high))
    return row.file, f"{row.bars:,}", row.first, row.last, f"{row.missing:,}", low, high


def _short(value: float) -> str:
    """A value in a column: one of hundreds of digits, which only a defect has, is written as 1.2e+300."""
    return text.figure(value) if abs(value) < 1e15 else f"{value:.6g}"


# ------------------------------------------------------------------------------------------------------------ simulate


def simulate(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder to make; it must be empty or ours.")
    ] = None,
    scenario: Annotated[str, typer.Option(metavar="NAME", help="What happens in the market; --list tells.")] = "cycle",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed makes the same market.")] = 1,
    start: Annotated[str, typer.Option(metavar="DATE", help="First day, UTC.")] = "2020-01-01",
    days: Annotated[int, typer.Option(metavar="N", min=2, max=10_000, help="Days to make.")] = 1_461,
    assets: Annotated[
        str, typer.Option(metavar="BTC,ETH,...", help="Assets; none named: ten, one of them without a perpetual.")
    ] = "",
    step: Annotated[int, typer.Option("--step-hours", metavar="N", help="Length of the finest bars, in hours.")] = 1,
    listed: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    to: Json = None,
) -> None:
    """Make a market from a seed, to try a policy on: spot, perpetual and dated prices, funding, depth, macro series.

    It is labelled as SIMULATED wherever it is used. A folder that holds anything else is left alone.
    """
    from hedgerow.research import scenarios
    from hedgerow.research import simulate as maker

    if listed:
        rows = [(name, row.description) for name, row in scenarios.SCENARIOS.items()]
        text.emit({"scenarios": dict(rows)}, to, lambda: text.table(("scenario", "what happens"), rows))
        return
    if folder is None:
        raise ConfigError("no folder is named", where="DIR", fix="Write for example: hedgerow data simulate market.")
    chosen = options.names(assets, "--assets") if assets else scenarios.DEFAULT_ASSETS
    first = options.day(start, "--start")
    if not 1980 <= first.year <= 2150:
        raise ConfigError(f"{first} is out of reach", where="--start", fix="Choose a day from 1980 to 2150.")
    _refuse_foreign(folder)
    with text.working("Making a market") as tell:
        market = maker.simulate(seed=seed, assets=chosen, start=first, days=days, scenario=scenario, step_hours=step)
        tell("writing")
        files = maker.write(market, folder)
    last = first + timedelta(days=days - 1)
    record = {
        "folder": folder, "simulated": True, "scenario": scenario, "seed": seed, "assets": chosen, "start": first,
        "end": last, "days": days, "step_hours": step, "files": [path.name for path in files],
    }  # fmt: skip

    def show() -> None:
        text.say(SIMULATED)
        text.say(f"Scenario {scenario}, seed {seed}: {scenarios.scenario_row(scenario).description}.")
        text.say(
            f"{text.counted(days, 'day')} from {first} to {last}, bars of {step} h and of 1 d, {len(files)} files."
        )
        text.say(f"Assets: {', '.join(chosen)}.")

    text.emit(record, to, show)
    if to is None or str(to) != text.STDOUT:
        text.print_path(folder)


def _refuse_foreign(folder: Path) -> None:
    """Raise ConfigError where the folder holds a file that an earlier simulation did not make."""
    fix = "Name an empty folder, or one that does not exist yet."
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError("that is a file, not a folder", where=str(folder), fix=fix)
    label, made = folder / LABEL, set()
    if label.exists():
        try:
            made = {LABEL, *map(str, json.loads(label.read_text(encoding="utf-8"))["files"])}
        except (ValueError, KeyError, TypeError):
            raise ConfigError("the label cannot be read", where=str(label), fix=fix) from None
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in made)
    if foreign:
        many = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise ConfigError(f"it holds what no simulation made: {foreign[0]}{many}", where=str(folder), fix=fix)


# -------------------------------------------------------------------------------------------------------------- import


def import_(
    source: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="CSV or Parquet files, or a folder of them.")
    ],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Data folder that gets the series; made if missing.")],
    kind: Annotated[
        str, typer.Option(help="spot, perp, mark, dated, funding, macro, stable or fundamental.", metavar="KIND")
    ],
    asset: Annotated[str, typer.Option(metavar="NAME", help="Asset or series, for example BTC or VIX; btc is BTC.")],
    freq: Annotated[str, typer.Option(metavar="STEP", help="Length of a bar: 1h, 2h, 4h, 8h or 1d.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=THEIRS,...", help="Their names of time, open, high, low, close, volume, rate, if not usual."
        ),
    ] = None,
    contract: Annotated[str, typer.Option(metavar="YYYYMMDD", help="Expiry day of a dated future.")] = "",
    closing: Annotated[bool, typer.Option("--closing", help="Their times are closing, not opening times.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the series if it is there already.")] = False,
    to: Json = None,
) -> None:
    """Read one series from foreign files, check it, and write it into a data folder.

    All SOURCEs together are one series. Times may be text, or seconds to nanoseconds since 1970, in UTC; prices are in
    quote per coin, volume in coins, a funding rate is a fraction per payment. Nothing is written where a run would
    refuse the series, or where its rows are not a step apart; missing bars and odd prices are written and named.
    """
    from hedgerow import wire
    from hedgerow.store import intake

    mapping = options.pairs(columns or (), "--columns", "time=Date,close=Close")
    mapping = {("timestamp" if ours == "time" else ours): theirs for ours, theirs in mapping.items()}
    unknown = [ours for ours in mapping if ours not in COLUMNS]
    if unknown:
        fix = f"Ours are time, {', '.join(COLUMNS[1:])}; write ours first, as in time=Date,close=Close."
        raise ConfigError(f'there is no column "{unknown[0]}"', where="--columns", fix=fix)
    if wire.is_simulated(into):
        raise ConfigError("the folder holds a simulated market", where=str(into), fix="Keep recorded data apart.")
    paths, asset = intake.sources(source), intake.ticker(asset)
    _refuse_present(into, f"{kind}_{asset}{'-' if contract else ''}{contract}_{freq}", replace)
    named = {name: f"--{name}" for name in ("kind", "asset", "freq", "contract")}
    with text.working(f"Importing {asset}"), options.renamed(**named):
        made = intake.ingest(paths, into, kind, asset, freq, mapping, contract=contract, closing=closing)

    def show() -> None:
        text.say(f"{made.rows:,} rows, {made.first} to {made.last} (UTC).")
        for line in _remarks(made):
            text.say(line)

    record = asdict(made) | {"findings": [_finding(one) for one in made.findings]}
    text.emit(record, to, show)
    if to is None or str(to) != text.STDOUT:
        text.print_path(made.path)


def _refuse_present(folder: Path, series: str, replace: bool) -> None:
    """Raise ConfigError where the series is there already and may not be replaced."""
    for suffix in (".parquet", ".csv"):
        path = folder / f"{series}{suffix}"
        if path.exists() and not (replace and suffix == ".parquet"):
            fix = "Remove it first." if replace else "Give --replace to write it anew."
            raise ConfigError("the series is there already", where=str(path), fix=fix)


def _remarks(made: Intake) -> list[str]:
    taken = ", ".join(f"{ours} from {theirs}" for ours, theirs in made.columns.items() if ours != theirs)
    lines = [f"Read {taken}."] if taken else []
    lines += [f"{text.counted(made.repeated, 'repeated row')} kept once."] if made.repeated else []
    return lines + [f"{one.severity}: {one.sentence}." for one in made.findings]
