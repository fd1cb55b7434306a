"""The files of a data folder: their names, their columns, and reading and writing one of them.

A series is one file, ``{kind}_{BASE}_{freq}.parquet`` (or ``.csv``). ``timestamp`` is the bar's opening time (of
funding: the settlement) in UTC. A dated contract carries its expiry day in its name, ``dated_BTC-20230630_1d``, and
expires at 08:00 UTC of that day; a spliced series carries a word instead (``dated_BTC-CME1_1d``). Other venues' series
lie in ``venues/`` and end with the venue's name. Columns are in the table below; prices are in quote per unit, volume
in base units, a funding rate is a fraction of notional for its own interval.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.market import Floats, Ints
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND

NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
EXPIRY_HOUR: Final = 8  # UTC; when a dated contract settles
PRICES: Final = ("open", "high", "low", "close", "volume")
BARS: Final = ("spot", "perp")  # kinds whose files must have every price column, finite and positive
KINDS: Final[dict[str, tuple[str, ...]]] = {  # kind -> columns that a file of it must have, beside timestamp
    "spot": PRICES,
    "perp": PRICES,
    "mark": ("close",),
    "dated": ("close",),
    "macro": ("close",),
    "stable": ("close",),
    "fundamental": ("close",),
    "funding": ("rate",),
    "depth": ("half_spread_bps", "depth2pct_quote", "perp_half_spread_bps", "perp_depth2pct_quote"),
}
STEPS: Final = ("1h", "2h", "4h", "8h", "1d")  # steps of bars that an axis can use: each divides the next

_NAME = re.compile(
    rf"({'|'.join(KINDS)})_([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?_([1-9]\d*[mhd])(?:_([a-z0-9]+))?\.(parquet|csv)"
)
_UNIT_NS: Final = {"m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY}
_NULLS: Final = ["", "NA", "NaN", "nan", "null", "None", "."]
_CLOCKS: Final = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True, order=True)
class DataFile:
    """One series by its name. ``venue`` is empty for the main venue, ``contract`` for all but dated futures."""

    kind: str
    asset: str
    freq: str
    venue: str
    contract: str
    path: Path

    @property
    def name(self) -> str:
        """The name inside the folder, as a person finds it."""
        return f"venues/{self.path.name}" if self.venue else self.path.name

    @property
    def step_ns(self) -> int:
        """Length of one bar (of funding: the usual interval)."""
        return step_of(self.freq)

    @property
    def expiry_ns(self) -> int | None:
        """When a dated contract expires; None for everything else, spliced series included."""
        if self.kind != "dated" or not re.fullmatch(r"\d{8}", self.contract):
            return None
        try:
            day = datetime.strptime(self.contract, "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            return None
        return int(day.timestamp()) * NS_PER_SECOND + EXPIRY_HOUR * NS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Bars:
    """N bars of one series, as they stand in their file. All arrays are [N]; NaN where the source has nothing."""

    file: DataFile
    open_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @property
    def close_ns(self) -> Ints:
        """When each bar is complete: its opening plus its step, but never after a contract's expiry."""
        ends = self.open_ns + self.file.step_ns
        expiry = self.file.expiry_ns
        return ends if expiry is None else np.minimum(ends, expiry)

    def where(self, keep: NDArray[np.bool_] | Ints) -> Bars:
        """The bars that ``keep`` picks: a mask [N], or row numbers in the order wanted."""
        rest = (getattr(self, name)[keep] for name in PRICES)
        return Bars(self.file, self.open_ns[keep], *rest)


@dataclass(frozen=True, slots=True)
class Depth:
    """Half spreads (bp) and depths within 2 % (quote) of a daily file: spot, then perpetual, as [4, N]."""

    file: DataFile
    open_ns: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """N funding payments of one perpetual: settlement time, rounded to the minute, and fraction of notional."""

    file: DataFile
    stamp_ns: Ints
    rate: Floats

    def where(self, keep: NDArray[np.bool_]) -> Rates:
        """The payments for which ``keep`` [N] is true."""
        return Rates(self.file, self.stamp_ns[keep], self.rate[keep])


def step_of(freq: str) -> int:
    """Nanoseconds of a step such as ``15m``, ``1h`` or ``1d``. Raises ConfigError for anything else."""
    if not re.fullmatch(r"[1-9]\d*[mhd]", freq):
        raise ConfigError(f'"{freq}" is not a step', where="freq", fix="Write for example 1h, 4h, 8h or 1d.")
    return int(freq[:-1]) * _UNIT_NS[freq[-1]]


def stamp(ns: int) -> str:
    """A time as people read it: ``2020-02-19 12:00`` (UTC), a day alone at midnight."""
    when = datetime.fromtimestamp(int(ns) // NS_PER_SECOND, UTC)
    return when.strftime("%Y-%m-%d" if int(ns) % NS_PER_DAY == 0 else "%Y-%m-%d %H:%M")


def parse_name(path: Path) -> DataFile | None:
    """What a file holds, by its name alone; None where the name is not of the schema."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    kind, asset, contract, freq, venue, _ = match.groups()
    if (contract is None) == (kind == "dated"):
        return None
    return DataFile(kind, asset, freq, venue or "", contract or "", path)


def scan(folder: Path) -> tuple[DataFile, ...]:
    """Every series of ``folder`` and of its ``venues/``, in order of name; no file is opened.

    Raises ConfigError when the folder is not there. The same series twice (Parquet and CSV) is an error of `read`.
    """
    if not folder.is_dir():
        raise ConfigError(
            "there is no such folder",
            where=str(folder),
            fix="Name a folder with files such as spot_BTC_1d.parquet, or make one with `hedgerow data simulate`.",
        )
    main = [file for path in folder.iterdir() if (file := parse_name(path)) is not None and not file.venue]
    other = folder / "venues"
    beside = [parse_name(path) for path in other.iterdir()] if other.is_dir() else []
    return tuple(sorted(main)) + tuple(sorted(file for file in beside if file is not None and file.venue))


def unknown(folder: Path) -> tuple[Path, ...]:
    """Data files of ``folder`` whose names are not of the schema, in order of name."""
    found = (path for path in folder.iterdir() if path.suffix in (".parquet", ".csv") and path.stem != "MANIFEST")
    return tuple(sorted(path for path in found if parse_name(path) is None))


def read_table(file: DataFile) -> pl.DataFrame:
    """One file in the schema: ``timestamp`` (int64 ns, UTC) and the float64 columns of its kind, null where unknown.

    Raises ConfigError naming file, column and fix: unreadable, column missing, text in a number, no readable time.
    """
    twin = file.path.with_suffix(".csv" if file.path.suffix == ".parquet" else ".parquet")
    if twin.is_file():
        raise ConfigError(f"the same series stands in {twin.name} too", where=file.name, fix="Remove one of the two.")
    table = load_table(file.path, file.name)
    needed = ("timestamp", *KINDS[file.kind])
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ConfigError(
            f'column "{missing[0]}" is missing (the file has {", ".join(table.columns) or "no columns"})',
            where=file.name,
            fix=f"A {file.kind} file has the columns {', '.join(needed)}; `hedgerow data import` renames foreign ones.",
        )
    wanted = KINDS[file.kind] if file.kind in ("funding", "depth") else PRICES
    columns = {"timestamp": times_ns(table["timestamp"], file.name)}
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, table.height)
    for name in wanted:
        columns[name] = number(table, name, file.name) if name in table.columns else nothing
    return pl.DataFrame(columns)


def load_table(
    path: Path, name: str, *, has_header: bool = True, skip_rows: int = 0, separator: str = ","
) -> pl.DataFrame:
    """A Parquet or CSV file as it is. Raises ConfigError, where ``name``, when it cannot be read."""
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path, glob=False)
        return pl.read_csv(
            path, infer_schema_length=None, null_values=_NULLS, has_header=has_header, skip_rows=skip_rows,
            separator=separator,
        )  # fmt: skip
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        kind = "Parquet" if path.suffix == ".parquet" else "CSV"
        raise ConfigError(
            f"it cannot be read as {kind}: {reason[:200]}", where=name, fix="Fetch or export the file again."
        ) from error


def number(table: pl.DataFrame, column: str, name: str) -> pl.Series:
    """A column as float64. Raises ConfigError naming the first row that is not a number."""
    series = table[column]
    if series.dtype == pl.Float64:
        return series
    if series.dtype.is_numeric() or series.dtype == pl.Null:
        return series.cast(pl.Float64)
    cast = series.cast(pl.String, strict=False).str.strip_chars().cast(pl.Float64, strict=False)
    bad = (cast.is_null() & series.is_not_null()).arg_true()
    if len(bad) or series.dtype != pl.String:
        shown = f'"{series[bad[0]]}" in row {bad[0] + 1}' if len(bad) else f"values of type {series.dtype}"
        raise ConfigError(
            f'column "{column}" holds {shown}', where=name, fix="Write plain numbers, and nothing where it is unknown."
        )
    return cast


def times_ns(series: pl.Series, name: str, *, guess: bool = False) -> pl.Series:
    """Times as int64 nanoseconds since 1970, UTC.

    Accepts datetimes (without a zone they are UTC), dates, ISO text and integers of milliseconds; with ``guess``,
    integers of seconds, milliseconds, microseconds or nanoseconds, told apart by their size. Raises ConfigError.
    """
    fix = "Write the opening time in UTC as 2023-01-31T08:00:00Z, or as milliseconds since 1970."
    where = f'{name}, column "{series.name}"'
    if series.dtype.is_numeric() and len(series):
        out = _epoch_ns(series, guess)
        if out is None:
            raise ConfigError("its integers are not milliseconds since 1970", where=where, fix=fix)
    elif series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        moments = series.cast(pl.Datetime("ns")) if series.dtype == pl.Date else series.dt.cast_time_unit("ns")
        out = moments.to_physical()
    elif series.dtype == pl.String:
        out = _text_ns(series)
    elif len(series) == 0:
        out = pl.Series(series.name, [], dtype=pl.Int64)
    else:
        raise ConfigError(f"values of type {series.dtype} are no times", where=where, fix=fix)
    if out.null_count():
        bad = out.is_null().arg_true()
        shown = "nothing" if series[bad[0]] is None else f'"{series[bad[0]]}"'
        raise ConfigError(f"{shown} in row {bad[0] + 1} is no time", where=where, fix=fix)
    return out if out.dtype == pl.Int64 else out.cast(pl.Int64)


def _epoch_ns(series: pl.Series, guess: bool) -> pl.Series | None:
    """Integers since 1970 as nanoseconds; None where no unit puts them all between 1980 and 2200."""
    ints = series.cast(pl.Int64, strict=False)
    low, high = ints.min(), ints.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    units = (NS_PER_SECOND, 1_000_000, 1_000, 1) if guess else (1_000_000,)
    first, last = 315_532_800 * NS_PER_SECOND, 7_258_118_400 * NS_PER_SECOND
    for unit in units:
        if first <= low * unit and high * unit < last:
            return ints * unit
    return None


def _text_ns(series: pl.Series) -> pl.Series:
    """ISO text as nanoseconds, with or without an offset; null where it cannot be read."""
    text = series.str.strip_chars().str.replace(r"( ?UTC|Z)$", "+00:00").str.replace("T", " ", literal=True)
    parts = text.str.extract(r"^(.*?)\s*(?:[+-]\d{2}:?\d{2})?$")
    offset = text.str.extract(r"([+-]\d{2}:?\d{2})$").fill_null("+0000").str.replace(":", "", literal=True)
    day_only = text.str.contains(r"^\d{4}-\d{2}-\d{2}$")
    parts, offset = _pick(day_only, text, parts), _pick(day_only, pl.repeat("+0000", len(text), eager=True), offset)
    out = pl.Series(series.name, [None] * len(series), dtype=pl.Int64)
    for clock in _CLOCKS:
        if out.null_count():
            out = out.fill_null(parts.str.to_datetime(clock, time_unit="ns", strict=False).to_physical())
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    minutes = _pick(offset.str.starts_with("-"), -minutes, minutes)
    return out - minutes * NS_PER_MINUTE


def _pick(condition: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return yes.zip_with(condition.fill_null(value=False), no)


def read_bars(file: DataFile) -> Bars:
    """The bars of any file but funding and depth, in the file's order; content is judged by `faults`."""
    return Bars(file, *_read(file))


def read_rates(file: DataFile) -> Rates:
    """The payments of a funding file, in the file's order, stamps rounded to the nearest minute."""
    raw, rate = _read(file)
    rounded = (raw + NS_PER_MINUTE // 2) // NS_PER_MINUTE * NS_PER_MINUTE
    return Rates(file, rounded, rate)


def read_depth(file: DataFile) -> Depth:
    """Spreads and depths of a daily file, in the file's order; nulls are NaN. Raises ConfigError for a missing column."""
    opens, *columns = _read(file)
    return Depth(file, opens, np.stack(columns))


def _read(file: DataFile) -> tuple[Any, ...]:
    """The times of a file and its columns, NaN where unknown."""
    found = file.path.stat()
    return _columns(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1_024)
def _columns(file: DataFile, changed_ns: int, size: int) -> tuple[Any, ...]:
    """What a command needs of a file more than once (its last day, a plan, a backtest) is read once, until it changes."""
    table = read_table(file)
    times = table["timestamp"].to_numpy().astype(np.int64, copy=False)
    columns = (np.ascontiguousarray(table[name].to_numpy(), dtype=np.float64) for name in table.columns[1:])
    out = (times, *columns)
    for column in out:
        column.flags.writeable = False  # they are handed out again
    return out


def write(
    folder: Path, kind: str, asset: str, freq: str, table: pl.DataFrame, *, contract: str = "", csv: bool = False
) -> Path:
    """Write one series in the schema and return its path.

    ``table`` has ``timestamp`` (as `times_ns` accepts it) and the columns of ``kind``. Raises ConfigError for a name or
    a table that is not of the schema, StoreError when the disk refuses.
    """
    series = f"{asset}-{contract}" if contract else asset
    path = folder / f"{kind}_{series}_{freq}.{'csv' if csv else 'parquet'}"
    file = parse_name(path)
    if file is None:
        fix = f"The kind is one of {', '.join(KINDS)}; the asset has letters and digits; only dated has a contract."
        raise ConfigError("that is no name of a data file", where=path.name, fix=fix)
    wanted = ("rate",) if kind == "funding" else PRICES
    given = [number(table, name, path.name) for name in wanted if name in table.columns]
    lacking = [name for name in KINDS[kind] if name not in table.columns]
    if lacking or "timestamp" not in table.columns:
        missing = lacking[0] if lacking else "timestamp"
        raise ConfigError(f'column "{missing}" is missing', where=path.name, fix="Add it before writing.")
    times = times_ns(table["timestamp"], path.name).alias("timestamp")
    out = table.select(times.cast(pl.Datetime("ns", "UTC")).dt.cast_time_unit("ms"), *given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        if csv:
            out.write_csv(part, datetime_format="%Y-%m-%dT%H:%M:%SZ")
        else:
            out.write_parquet(part, compression="zstd")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error}") from error
    return path
