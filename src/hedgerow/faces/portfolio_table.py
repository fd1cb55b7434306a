"""Many portfolios in one Parquet file: a row a holding, position or target, the rows of a portfolio together.

A table says what portfolio files say. A portfolio whose rows are plainly sound is packed column by column; any other is
written as the document that a file would be, and judged as one, so both have one judge and the same words.

A table is looked through before it is settled whether the kernel is compiled, so what imports it is imported where it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hedgerow.errors import ConfigError
from hedgerow.faces.portfolio_file import Served, portfolio_of, refuse_targets, refuse_unserved, untold
from hedgerow.model.portfolio import Holding, Portfolio, Position

if TYPE_CHECKING:
    from hedgerow.model.instrument import Universe
    from hedgerow.model.market import Ints
    from hedgerow.research.many import Chunk, Packs, Part

ROWS: Final = 25_000  # of a chunk, roughly
BLOCK: Final = 10 * ROWS  # read at a time
SPOT, FUTURES, TARGET = "spot", "futures", "target"
KINDS: Final = (SPOT, FUTURES, TARGET)  # in the order in which a document is read
# column -> what it holds
COLUMNS: Final = {
    "portfolio": "its name; the rows of one portfolio stand together",
    "kind": "`spot`, `futures` or `target`",
    "name": "the coin, or the symbol of the contract",
    "quote": "`[portfolio]` quote, the same in all rows of the portfolio or in some; default USDT",
    "initial_value": "`[portfolio]` initial_value, in the same way",
    "amount": "`spot`: coins in the wallet; `futures`: coins, negative is short",
    **{name: f"`spot`: {Holding.model_fields[name].description}" for name in tuple(Holding.model_fields)[1:]},
    "entry": "`futures`: average entry price, in quote",
    "collateral": "`futures`: margin posted for this position, in the settle currency",
    "weight": "`target`: fraction of net asset value; those of a portfolio add up to 1, the stablecoin included",
}
WORDS: Final = ("portfolio", "kind", "name", "quote")
NEEDED: Final = ("portfolio", "kind", "name")
NUMBERS: Final = tuple(name for name in COLUMNS if name not in WORDS)
_AMOUNTS: Final = tuple(Holding.model_fields)
_TERMS: Final = tuple(Position.model_fields)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of portfolios that may be read: how many there are, and those whose rows do not stand together."""

    path: Path
    rows: pl.LazyFrame  # all COLUMNS, and ``at``: the number of the row, from 1
    portfolios: int
    holdings: int
    torn: frozenset[str]


def open_table(path: Path) -> Table:
    """Look through a table without reading it whole: 8 bytes a portfolio are held. Raises ConfigError for what is no such table."""
    with _readable(path):
        schema = pl.read_parquet_schema(path)
    unknown = [name for name in schema if name not in COLUMNS]
    if unknown:
        fix = f"The table takes {', '.join(COLUMNS)}."
        raise ConfigError("unknown column", where=f"{path}: {unknown[0]}", fix=fix)
    for name in NEEDED:
        if name not in schema:
            raise ConfigError("the column is missing", where=f"{path}: {name}", fix=f"It holds {COLUMNS[name]}.")
    columns = [_column(path, name, schema.get(name)) for name in COLUMNS]
    rows = pl.scan_parquet(path, row_index_name="at", row_index_offset=1, glob=False).select("at", *columns)
    with _readable(path):
        return Table(path, rows, *_looked_through(path, rows))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raises ConfigError where a table turns out to be damaged, at its end or in the middle."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        fix = "Write one with polars, pandas or any tool that writes Parquet."
        raise ConfigError(f"cannot be read as Parquet: {error}", where=str(path), fix=fix) from None


def _column(path: Path, name: str, kind: pl.DataType | None) -> pl.Expr:
    """A column as text or as float64; all null where the table has none. Raises ConfigError where it holds something else."""
    wanted = pl.String if name in WORDS else pl.Float64
    if kind is None:
        return pl.lit(None, wanted).alias(name)
    text = kind == pl.String or isinstance(kind, (pl.Categorical, pl.Enum))
    number = kind.is_numeric() and not kind.is_decimal()
    if kind != pl.Null and not (text if name in WORDS else number):
        fix = "Write it as text." if name in WORDS else "Write it as floating-point or whole numbers."
        raise ConfigError(f"the column is {kind}", where=f"{path}: {name}", fix=fix)
    return pl.col(name).cast(wanted)


def _looked_through(path: Path, rows: pl.LazyFrame) -> tuple[int, int, frozenset[str]]:
    """How many portfolios and rows a table has, and which portfolios are torn. Raises ConfigError where a row is nobody's."""
    nameless = rows.filter(pl.col("portfolio").is_null()).select("at").head(1).collect(engine="streaming")
    if len(nameless):
        where, fix = f"{path}, row {nameless.item()}: portfolio", "Name the portfolio in every row."
        raise ConfigError("the row belongs to no portfolio", where=where, fix=fix)
    name = pl.col("portfolio")
    heads = rows.filter(name.ne_missing(name.shift(1)))
    found = heads.select(name.hash()).collect(engine="streaming").to_series()
    twice = found.filter(found.is_duplicated()).unique()
    torn: frozenset[str] = frozenset()
    if len(twice):
        counts = heads.filter(name.hash().is_in(twice.implode())).group_by("portfolio").len()
        names = counts.filter(pl.col("len") > 1).select("portfolio").collect(engine="streaming").to_series()
        torn = frozenset(names.to_list())
    return len(found), int(rows.select(pl.len()).collect(engine="streaming").item()), torn


def chunks(table: Table, served: Served, given: Mapping[str, float] | None) -> Iterator[Chunk]:
    """The table in chunks of whole portfolios, in its order. ``given`` are the weights that all are to aim at."""
    kept, seen = table.rows.head(0).collect(), 0
    for batch in _batches(table):
        frame = pl.concat([kept, batch])
        seen += len(batch)
        cut = len(frame)
        if seen < table.holdings:  # the last portfolio may go on in the next batch
            whole = (frame["portfolio"] != frame["portfolio"][-1]).arg_true()
            cut = int(whole[-1]) + 1 if len(whole) else 0
        kept = frame[cut:]
        if cut:
            yield _chunk(table, frame[:cut], served, given)


def _batches(table: Table) -> Iterator[pl.DataFrame]:
    """The rows, some at a time. ``collect_batches`` would read ahead of a slow reader until the whole table is in memory."""
    for begin in range(0, table.holdings, BLOCK):
        with _readable(table.path):
            block = table.rows.slice(begin, BLOCK).collect()
        yield from block.iter_slices(ROWS)


def _chunk(table: Table, frame: pl.DataFrame, served: Served, given: Mapping[str, float] | None) -> Chunk:
    """Whole portfolios, by what they hold; those that are not plainly sound are judged as a file would be."""
    from hedgerow.research.many import Chunk, parts_of

    frame = _numbered(frame)
    facts = _facts(frame, table.torn)
    names = facts["portfolio"].to_list()
    places = [
        f"{table.path}, row {first}" if first == last else f"{table.path}, rows {first} to {last}"
        for first, last in facts.select("first", "last").iter_rows()
    ]
    parts: list[Part] = []
    doubtful: list[int] = []
    groups = facts.group_by("sound", "coins", "quote", maintain_order=True).agg(pl.col("n"))
    for sound, coins, quote, members in groups.iter_rows():
        assets = tuple(coins.split("\n"))
        fine = sound and coins and served.unserved(assets, quote) is None and untold(given or (), assets, quote) is None
        if fine:
            parts.append(_part(frame, np.array(members, dtype=np.int64), assets, quote))
        else:
            doubtful += members
    read: dict[int, Portfolio] = {}
    errors: dict[int, ConfigError] = {}
    for n, rows in frame.filter(pl.col("n").is_in(doubtful)).partition_by("n", as_dict=True).items():
        place = int(n[0])
        try:
            if names[place] in table.torn:
                message, fix = "the portfolio's rows do not stand together", "Sort the table by portfolio."
                raise ConfigError(message, where=places[place], fix=fix)
            held = portfolio_of(_document(table.path, rows), places[place])
            refuse_unserved(held, places[place], served)
            refuse_targets(given or (), held.assets(), held.head.quote, places[place])
            read[place] = held
        except ConfigError as error:
            errors[place] = error
    return Chunk(names, places, [*parts, *parts_of(read)], errors)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``n``, the place of their portfolio, in the order of a document whose tables are sorted by name."""
    name, kind = pl.col("portfolio"), pl.col("kind")
    frame = frame.with_columns(
        n=name.ne_missing(name.shift(1)).cum_sum().cast(pl.Int64) - 1,
        turn=kind.replace_strict(list(KINDS), [0, 1, 2], default=3, return_dtype=pl.Int8),
    )
    return frame.sort("n", "turn", "name", maintain_order=True)


def _facts(frame: pl.DataFrame, torn: frozenset[str]) -> pl.DataFrame:
    """A row a portfolio: name, rows, quote, coins in their order with line breaks between, and whether it is plainly sound."""
    name, n = pl.col("name"), pl.col("n")
    usual = Portfolio.Head.model_fields["quote"].default
    stated = frame["quote"].null_count() < len(frame)
    quote = pl.col("quote").drop_nulls().first().over("n").fill_null(usual) if stated else pl.lit(usual)
    coin = pl.when(pl.col("kind") == FUTURES).then(name.str.split("/").list.first()).otherwise(name)
    twice = (n == n.shift(1)) & (pl.col("turn") == pl.col("turn").shift(1)) & (name == name.shift(1))
    mixed = pl.col("quote") != pl.col("of")
    rows = frame.with_columns(of=quote, coin=coin, twice=twice.fill_null(False)).with_columns(
        good=(_plain_row() & ~pl.col("twice") & ~mixed.fill_null(False)).fill_null(False),
    )
    first = pl.col("initial_value").drop_nulls()
    return rows.group_by("n", maintain_order=True).agg(
        pl.col("portfolio").first(),
        first=pl.col("at").min(),
        last=pl.col("at").max(),
        quote=pl.col("of").first(),
        coins=pl.col("coin").filter(pl.col("coin") != pl.col("of")).unique(maintain_order=True).str.join("\n"),
        sound=pl.col("good").all()
        & (first.min() == first.max()).fill_null(True)
        & ~pl.col("portfolio").first().is_in(list(torn)),
    )


def _plain_row() -> pl.Expr:
    """Whether a row is sound at first sight; what is not may be so on a closer look. ``of`` is the portfolio's quote."""
    held = {name: pl.col(name).fill_null(0.0) for name in ("amount", "protected", "carry")}
    coins = _fits(Holding, _AMOUNTS) & (held["protected"] + held["carry"] <= held["amount"])
    cash = _unstated(*(name for name in _AMOUNTS if name != "amount"))
    kind, name = pl.col("kind"), pl.col("name")
    return (
        name.is_not_null()
        & ~name.str.contains("\n", literal=True)
        & _within("initial_value", Portfolio.Head.model_fields["initial_value"])
        & pl.when(kind == SPOT)
        .then(coins & (cash | (name != pl.col("of"))) & _unstated("entry", "weight", "collateral"))
        .when(kind == FUTURES)
        .then(_fits(Position, _TERMS) & _unstated(*(set(NUMBERS) - {*_TERMS, "initial_value"})))
        .when(kind == TARGET)
        .then(pl.col("weight").is_finite().fill_null(False) & _unstated(*(set(NUMBERS) - {"weight", "initial_value"})))
        .otherwise(False)
    )


def _fits(model: type[BaseModel], names: Iterable[str]) -> pl.Expr:
    return pl.all_horizontal(_within(name, model.model_fields[name]) for name in names)


def _within(name: str, field: FieldInfo) -> pl.Expr:
    """Whether a column keeps the limits that the model gives to a field."""
    value = pl.col(name)
    keeps = value.is_finite()
    for limit in field.metadata:
        for side, test in (("ge", value.ge), ("gt", value.gt), ("le", value.le), ("lt", value.lt)):
            if getattr(limit, side, None) is not None:
                keeps &= test(getattr(limit, side))
    return keeps.fill_null(not field.is_required())


def _unstated(*names: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(name).is_null() for name in names)


def _document(path: Path, rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of one portfolio as the document of a portfolio file. Raises ConfigError where a row says nothing that a file can."""
    document: dict[str, dict[str, Any]] = {}
    tables = dict(zip(KINDS, ("spot", "futures", "targets"), strict=True))
    for row in rows.iter_rows(named=True):
        where, name = f"{path}, row {row['at']}", row["name"]
        said = {key: row[key] for key in NUMBERS if row[key] is not None}
        for key in ("quote", "initial_value"):
            value = said.pop(key, row[key])
            known = document.setdefault("portfolio", {}).setdefault(key, value) if value is not None else value
            if known != value:
                fix = "Write the same in all rows of a portfolio, or in one."
                raise ConfigError(f"{value} here, and {known} in another row", where=f"{where}: {key}", fix=fix)
        if row["kind"] not in KINDS:
            fix = f"Write {', '.join(KINDS)}."
            raise ConfigError(f"{json.dumps(row['kind'])} is no kind", where=f"{where}: kind", fix=fix)
        if name is None:
            raise ConfigError(
                "nothing is named", where=f"{where}: name", fix="Name a coin or the symbol of a contract."
            )
        table = document.setdefault(tables[row["kind"]], {})
        if name in table:
            raise ConfigError(f"{name} stands twice", where=f"{where}: name", fix="Write one row for it.")
        if row["kind"] == TARGET and said.keys() != {"weight"}:
            fix = "Write weight there, and nothing of what a holding or a position has."
            raise ConfigError("a target is a weight alone", where=f"{where}: weight", fix=fix)
        table[name] = said["weight"] if row["kind"] == TARGET else said
    return document


def _part(frame: pl.DataFrame, members: Ints, assets: tuple[str, ...], quote: str) -> Part:
    """Portfolios of the same coins; ``members`` are their places in the chunk."""
    from hedgerow.research.many import Part

    number = np.full(int(frame["n"][-1]) + 1, -1, dtype=np.int64)
    number[members] = np.arange(len(members))
    own = frame.with_columns(i=pl.Series(number[frame["n"].to_numpy()])).filter(pl.col("i") >= 0)
    targets: dict[int, dict[str, float]] = {}
    for i, name, weight in own.filter(pl.col("kind") == TARGET).select("i", "name", "weight").iter_rows():
        targets.setdefault(i, {})[name] = weight

    def pack(universe: Universe) -> Packs:
        return _packed(own, len(members), quote, universe)

    return Part(assets, quote, members, pack, targets)


def _packed(rows: pl.DataFrame, size: int, quote: str, universe: Universe) -> Packs:
    """``kernel.portfolio.pack_portfolio`` of ``size`` portfolios, whose rows know theirs by ``i``."""
    from hedgerow.kernel import holding as q
    from hedgerow.research.many import Packs

    heads, held = np.zeros((size, q.HEAD)), np.zeros((size, q.HELD, len(universe.assets)))
    stated = rows.filter(pl.col("initial_value").is_not_null())
    heads[stated["i"].to_numpy(), q.Q_INITIAL] = stated["initial_value"].to_numpy()
    spot = rows.filter(pl.col("kind") == SPOT)
    cash, coins = spot.filter(pl.col("name") == quote), spot.filter(pl.col("name") != quote)
    heads[cash["i"].to_numpy(), q.Q_CASH] = cash["amount"].fill_null(0.0).to_numpy()
    asset = coins["name"].replace_strict(
        list(universe.assets), list(range(len(universe.assets))), return_dtype=pl.Int64
    )
    known = coins.select(
        pl.lit(1.0), pl.col("amount").fill_null(0.0), pl.col("unit_cost").fill_null(float("nan")),
        *(pl.col(name).fill_null(0.0) for name in ("protected", "carry", "outside", "buy_back")),
    )  # fmt: skip
    held[coins["i"].to_numpy(), :, asset.to_numpy()] = known.to_numpy()
    known_futures = universe.instruments[len(universe.assets) :]
    numbers = [i for i, it in enumerate(universe.instruments) if i >= len(universe.assets)]
    symbols, last = [it.symbol for it in known_futures], [not it.inverse for it in known_futures]
    name = pl.col("name")
    futures = rows.filter(pl.col("kind") == FUTURES).with_columns(
        inst=name.replace_strict(symbols, numbers, default=-1, return_dtype=pl.Int64),
        last=name.replace_strict(symbols, last, default=True, return_dtype=pl.Boolean),
    )
    futures = futures.sort("i", "last", maintain_order=True)  # inverse contracts first, as there
    terms = futures.select(pl.col("inst").cast(pl.Float64), "amount", "entry", pl.col("collateral").fill_null(0.0))
    firsts = np.concatenate([[0], np.cumsum(np.bincount(futures["i"].to_numpy(), minlength=size))]).astype(np.int64)
    return Packs(heads, held, np.ascontiguousarray(terms.to_numpy()), firsts, futures["name"].to_list())
