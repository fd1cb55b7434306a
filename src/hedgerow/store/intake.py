"""Foreign files into the schema: other columns' names, seconds or milliseconds, several files of one series."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from hedgerow.errors import ConfigError
from hedgerow.model.market import Ints
from hedgerow.store.check import inspect
from hedgerow.store.faults import refuse, refuse_rates
from hedgerow.store.files import (
    KINDS,
    NS_PER_MINUTE,
    PRICES,
    STEPS,
    DataFile,
    load_table,
    number,
    parse_name,
    read_bars,
    read_rates,
    step_of,
    times_ns,
    write,
)
from hedgerow.store.files import stamp as stamp_text
from hedgerow.store.finding import Finding, gaps_of, of_gaps, times_of
from hedgerow.units import NS_PER_HOUR

# Names that sources give our columns, in order of preference; compared without case, blanks and underscores.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "timestamp": ("timestamp", "opentime", "datetime", "date", "time", "unix", "ts", "t", "fundingtime", "calctime",
                  "fundingtimestamp", "startat", "starttime"),
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "price", "value", "last", "adjclose"),
    "volume": ("volume", "vol", "v", "basevolume", "amount", "volumebase"),
    "rate": ("rate", "fundingrate", "lastfundingrate", "funding", "value"),
}  # fmt: skip
_KLINE: Final = ("open_time", "open", "high", "low", "close", "volume")  # a Binance archive without a header


@dataclass(frozen=True, slots=True)
class Intake:
    """What was written: the path, its rows and period, how each column was read, and what is strange in it."""

    path: Path
    rows: int
    first: str
    last: str
    columns: dict[str, str]  # ours -> theirs
    repeated: int  # rows that several sources held alike, kept once
    findings: tuple[Finding, ...]

    def sentence(self) -> str:
        """The outcome as a person reads it; the path stands at the end."""
        taken = ", ".join(f"{ours} from {theirs}" for ours, theirs in self.columns.items() if ours != theirs)
        parts = [f"{self.rows} rows, {self.first} to {self.last}"]
        parts += [f"read {taken}"] if taken else []
        parts += [f"{self.repeated} repeated rows kept once"] if self.repeated else []
        parts += [finding.sentence for finding in self.findings]
        return f"{'; '.join(parts)}: {self.path}"


def ingest(
    source: Path | Sequence[Path],
    target: Path,
    kind: str,
    asset: str,
    freq: str,
    mapping: Mapping[str, str] | None = None,
    *,
    contract: str = "",
    closing: bool = False,
) -> Intake:
    """Read one series from foreign CSV or Parquet files, check it as loading would, and write it into ``target``.

    ``source``: a file, several, or a folder whose files all belong to the series. ``mapping`` gives their names of our
    columns (``{"timestamp": "Open time", "close": "last"}``); the rest is guessed from usual names. Integers of time
    may be seconds, milli-, micro- or nanoseconds. ``closing``: their stamps are closing times. Rows are put in order;
    equal rows are kept once. Raises ConfigError naming file, column and fix; then nothing is written. Missing bars are
    a finding, not an error.
    """
    asset = ticker(asset)
    _check_name(kind, asset, freq, contract)
    wanted = ("rate",) if kind == "funding" else PRICES
    paths = sources(source)
    parts: list[pl.DataFrame] = []
    columns: dict[str, str] = {}
    for path in paths:
        part, columns = _read(path, kind, asset, wanted, dict(mapping or {}))
        parts.append(part)
    table = pl.concat(parts, how="diagonal")
    if closing:
        table = table.with_columns(pl.col("timestamp") - step_of(freq))
    ordered = table.unique(maintain_order=True).sort("timestamp", maintain_order=True)
    if ordered.height == 0:
        raise ConfigError("there are no rows", where=str(paths[0]), fix="Export the data again.")
    _refuse_conflict(ordered, str(paths[0]))
    _refuse_step(ordered["timestamp"].to_numpy(), freq, str(paths[0]))
    path = _write_checked(target, kind, asset, freq, ordered, contract)
    file = parse_name(path)
    assert file is not None
    one = read_rates(file) if kind == "funding" else read_bars(file)
    times = times_of(one)
    findings = list(inspect(one))
    spans = [(first, until) for first, until in gaps_of(one).tolist()]
    findings += [of_gaps(file, spans)] if spans else []
    return Intake(path, len(times), stamp_text(times[0]), stamp_text(times[-1]), columns, table.height - ordered.height,
                  tuple(findings))  # fmt: skip


def _check_name(kind: str, asset: str, freq: str, contract: str) -> None:
    if kind not in KINDS or kind == "depth":
        kinds = ", ".join(known for known in KINDS if known != "depth")
        raise ConfigError(f'"{kind}" is no kind of series', where="kind", fix=f"Choose one of {kinds}.")
    if not re.fullmatch(r"[A-Za-z0-9]+", asset):
        raise ConfigError(f'"{asset}" is no asset', where="asset", fix="Write letters and digits, for example BTC.")
    if (kind == "dated") != bool(contract):
        fix = "Give a dated series its expiry day (20230630), and other kinds none."
        raise ConfigError(f'the contract is "{contract}"', where="contract", fix=fix)
    if contract and not _is_contract(contract):
        fix = "Write the day as 20230630; of a spliced series, a word such as CME1."
        raise ConfigError(f'"{contract}" is no day on which a contract expires', where="contract", fix=fix)
    if freq not in STEPS:
        raise ConfigError(f'"{freq}" is not a step', where="freq", fix=f"Write one of {', '.join(STEPS)}.")


def ticker(asset: str) -> str:
    """An asset as files and options name it: btc and Btc are BTC; what mixes cases, such as kPEPE, stays."""
    return asset.upper() if asset.islower() or asset.istitle() else asset


def _is_contract(contract: str) -> bool:
    """Whether it is a day (20230630), or a word with a letter."""
    if not re.fullmatch(r"[A-Za-z0-9]+", contract):
        return False
    if not contract.isdigit():
        return True
    return DataFile("dated", "X", "1d", "", contract, Path()).expiry_ns is not None


def sources(source: Path | Sequence[Path]) -> list[Path]:
    """The files that are meant by files and folders. Raises ConfigError where there is none."""
    given = [source] if isinstance(source, Path) else list(source)
    paths: list[Path] = []
    for path in given:
        if path.is_dir():
            paths += sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".parquet"))
        elif path.is_file():
            paths.append(path)
        else:
            raise ConfigError("there is no such file", where=str(path), fix="Name a CSV or Parquet file, or a folder.")
    if not paths:
        raise ConfigError(
            "there is no CSV or Parquet file", where=str(given[0]) if given else "source", fix="Name one."
        )
    return paths


def _read(
    path: Path, kind: str, asset: str, wanted: Iterable[str], mapping: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """One source as our columns (``timestamp`` in ns), and which of theirs each came from."""
    table = _open(path)
    columns: dict[str, str] = {}
    for ours in ("timestamp", *wanted):
        theirs = mapping.get(ours) or _guess(ours, asset, table.columns)
        if ours in mapping and theirs not in table.columns:
            raise ConfigError(
                f'there is no column "{theirs}" for {ours}', where=str(path), fix=f"It has {', '.join(table.columns)}."
            )
        if theirs is not None:
            columns[ours] = theirs
    for ours in ("timestamp", *KINDS[kind]):
        if ours not in columns and ours != "volume":  # unknown volume is unknown, prices are not
            raise ConfigError(
                f"no column looks like {ours}: it has {', '.join(table.columns)}",
                where=str(path),
                fix=f"Say which one it is, for example {ours}={table.columns[0] if table.columns else 'NAME'}.",
            )
    times = times_ns(table[columns["timestamp"]], str(path), guess=True).alias("timestamp")
    rest = [number(table, columns[ours], str(path)).alias(ours) for ours in wanted if ours in columns]
    lacking = [pl.lit(None, pl.Float64).alias(ours) for ours in wanted if ours not in columns]
    return table.select(times, *rest, *lacking).select("timestamp", *wanted), columns


def _open(path: Path) -> pl.DataFrame:
    """A foreign file; a line of advertising above a CSV's header is skipped, a Binance archive's header is supplied.

    Columns are separated by commas, or by the semicolons or tabs of a header without commas.
    """
    if path.suffix.lower() != ".csv":
        return load_table(path, str(path))
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        first = lines.readline().strip()
        advertised = first.startswith(("http", "#"))
        head = lines.readline().strip() if advertised else first
    separator = "," if "," in head else next((one for one in ";\t" if one in head), ",")
    if not advertised and re.fullmatch(r"\d{10,19}", first.split(separator)[0]):
        bare = load_table(path, str(path), has_header=False, separator=separator)
        return bare.rename(dict(zip(bare.columns, _KLINE)))
    return load_table(path, str(path), skip_rows=int(advertised), separator=separator)


def _guess(ours: str, asset: str, names: Sequence[str]) -> str | None:
    """Their name of one of our columns: the first alias that they have."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(names)}
    aliases = ALIASES[ours]
    if ours == "volume":
        aliases = (f"volume{asset.lower()}", *aliases)
    return next((plain[alias] for alias in aliases if alias in plain), None)


def _refuse_step(times: Ints, freq: str, where: str) -> None:
    """Most rows must stand one step apart: nothing else tells daily bars from four-hourly ones with gaps."""
    apart = np.sort(np.diff(times))
    if len(apart) < 2:
        return
    usual, step = int(apart[(len(apart) - 1) // 2]), step_of(freq)
    if abs(usual - step) <= NS_PER_MINUTE:  # funding is stamped some milliseconds late
        return
    known = next((name for name in STEPS if abs(step_of(name) - usual) <= NS_PER_MINUTE), "")
    shown = known or f"{usual / NS_PER_HOUR:,.6g} h"
    fix = f"Give {known} as their step (--freq)." if known else f"Export bars of {', '.join(STEPS)}."
    raise ConfigError(f"most rows stand {shown} apart, not {freq}", where=where, fix=fix)


def _refuse_conflict(table: pl.DataFrame, where: str) -> None:
    """Two rows of one time that differ: nobody but the user can say which is right."""
    twice = table.filter(pl.col("timestamp").is_duplicated())["timestamp"]
    if len(twice):
        fix = "Leave out the source that is wrong."
        raise ConfigError(f"the rows of {stamp_text(twice[0])} differ from each other", where=where, fix=fix)


def _write_checked(target: Path, kind: str, asset: str, freq: str, table: pl.DataFrame, contract: str) -> Path:
    """Write beside the target, judge what was written as loading does, and only then put it in place."""
    out = table.with_columns(pl.col("timestamp").cast(pl.Datetime("ns", "UTC")))
    trial = target / ".intake"
    path = write(trial, kind, asset, freq, out, contract=contract)
    try:
        file = parse_name(path)
        if file is None:
            raise ConfigError(
                "that is no name of a data file", where=path.name, fix="Choose another asset or contract."
            )
        if kind == "funding":
            refuse_rates(read_rates(file))
        else:
            refuse(read_bars(file))
        return path.replace(target / path.name)
    finally:
        path.unlink(missing_ok=True)
        trial.rmdir()
