"""Tables of margin tiers in a data folder: a CSV file a coin, or ccxt's leverage tiers as JSON.

``tiers_{BASE}.csv`` holds the linear contracts of the main venue, ``tiers_{BASE}-inverse.csv`` the inverse ones; another
venue's lie in ``venues/`` and end with its name, ``venues/tiers_BTC_bybit.csv``, as other files do. Columns: ``floor``
(settle currency where the row begins: quote, or coins), ``rate`` (fraction of notional), and ``max_leverage`` where it
is known. ``tiers.json`` (``venues/tiers_{venue}.json``) is what ccxt's ``fetch_leverage_tiers`` gave, by symbol.
A table is one venue's on one day: tables of the past are not in it, and venues change them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Kind, Tier, from_symbol
from hedgerow.model.margin import tier_table
from hedgerow.store.files import load_table, number

COLUMNS: Final = ("floor", "rate")  # that a file must have
CCXT: Final = ("minNotional", "maintenanceMarginRate")  # that a row of ccxt's must have
_NAME: Final = re.compile(r"tiers(?:_([A-Z0-9]+)(-inverse)?)?(?:_([a-z0-9]+))?\.(csv|json)")
_TOUCH: Final = 1e-3  # of a row's end: the next begins there, or one contract above


def is_tiers(path: Path) -> bool:
    """Whether a file of a data folder holds tiers, by its name alone."""
    match = _NAME.fullmatch(path.name)
    return match is not None and (match[1] is None) == (match[4] == "json")


def find_tiers(folder: Path, asset: str, *, inverse: bool = False, venue: str = "") -> tuple[Tier, ...] | None:
    """The table of an asset's perpetual in a data folder; None where it has none.

    ``venue`` is empty for the main venue. Raises ConfigError for a table that is wrong, and where two files have one.
    """
    place, ending = (folder / "venues", f"_{venue}") if venue else (folder, "")
    plain = place / f"tiers_{asset}{'-inverse' if inverse else ''}{ending}.csv"
    unified = place / f"tiers{ending}.json"
    document = _document(unified) if unified.is_file() else {}
    symbol = _symbol_of(document, asset, inverse)
    if not plain.is_file():
        return None if symbol is None else ccxt_tiers(document[symbol], where=f"{unified.name}, {symbol}")
    if symbol is not None:
        raise ConfigError(
            f"the tiers of {asset} stand in {plain.name} too", where=unified.name, fix="Remove one of the two."
        )
    return read_csv(plain)


def read_csv(path: Path) -> tuple[Tier, ...]:
    """A ``tiers_*.csv``, checked, with its deductions. Raises ConfigError naming file, row and fix."""
    name = path.name
    table = load_table(path, name)
    for column in COLUMNS:
        if column not in table.columns:
            raise ConfigError(
                f'column "{column}" is missing (the file has {", ".join(table.columns) or "no columns"})',
                where=name, fix="A tiers file has the columns floor, rate and, where it is known, max_leverage.",
            )  # fmt: skip
        empty = table[column].is_null().arg_true()
        if len(empty):
            raise ConfigError(f'column "{column}" has nothing in row {empty[0] + 1}', where=name, fix="Fill it in.")
    floors, rates = (number(table, column, name).to_list() for column in COLUMNS)
    leverages = None
    if "max_leverage" in table.columns:
        leverages = number(table, "max_leverage", name).fill_null(float("nan")).to_list()
    return tier_table(floors, rates, leverages, where=name)


def read_ccxt(path: Path) -> dict[str, tuple[Tier, ...]]:
    """Tables by ccxt symbol from a JSON file of its unified shape: an object of lists of rows.

    Raises ConfigError when the file is no JSON, is of another shape, or holds a wrong table.
    """
    return {symbol: ccxt_tiers(rows, where=f"{path.name}, {symbol}") for symbol, rows in _document(path).items()}


def ccxt_tiers(rows: object, *, where: str = "tiers") -> tuple[Tier, ...]:
    """One symbol's table from ccxt's unified rows (``minNotional``, ``maxNotional``, ``maintenanceMarginRate``,
    ``maxLeverage``), in any order; floors are in the currency that the row names. Raises ConfigError.

    Where a venue gives only the top of each row, a missing ``minNotional`` is the top of the row before.
    """
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise ConfigError("that is no list of tiers", where=where, fix="Write ccxt's list of one object a tier.")
    ends = [_amount(row, "maxNotional", where) for row in rows]
    order = sorted(range(len(rows)), key=lambda n: float("inf") if ends[n] is None else ends[n] or 0.0)
    floors: list[float] = []
    rates: list[float] = []
    leverages: list[float] = []
    top = 0.0
    for n in order:
        low, rate = (_amount(rows[n], key, where) for key in CCXT)
        leverage, end = _amount(rows[n], "maxLeverage", where), ends[n]
        if rate is None:
            raise ConfigError("a tier has no maintenanceMarginRate", where=where, fix="Fetch the tiers again.")
        floors.append(top if low is None else low)
        rates.append(rate)
        leverages.append(float("nan") if leverage is None else leverage)
        top = float("inf") if end is None else end
    _without_gaps(floors, [ends[n] for n in order], where)
    return tier_table(floors, rates, leverages, where=where)


def _without_gaps(floors: Sequence[float], ends: Sequence[float | None], where: str) -> None:
    for n, (end, (_, floor)) in enumerate(zip(ends, pairwise(floors), strict=False), 2):
        if end is None or abs(floor - end) > _TOUCH * end:
            shown = "nowhere" if end is None else f"at {end:g}"
            raise ConfigError(
                f"tier {n} begins at {floor:g}, the one before ends {shown}", where=where, fix="Fetch the tiers again."
            )


def _amount(row: Mapping[str, object], key: str, where: str) -> float | None:
    """A number of a row, which venues also give as text; None where it is missing."""
    value = row.get(key)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{key} is {value!r}, not a number", where=where, fix="Fetch the tiers again.") from None


def _document(path: Path) -> dict[str, object]:
    shape = "Write what ccxt's fetch_leverage_tiers returns: an object of symbols, each with a list of tiers."
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"it cannot be read as JSON: {error}", where=path.name, fix=shape) from error
    if not isinstance(found, dict):
        raise ConfigError("it holds no object of symbols", where=path.name, fix=shape)
    return found


def _symbol_of(symbols: Iterable[str], asset: str, inverse: bool) -> str | None:
    """The symbol of an asset's perpetual: the usual quotes first; what names no perpetual is left out."""
    found: dict[str, str] = {}
    for symbol in symbols:
        try:
            it = from_symbol(symbol)
        except ValueError:
            continue  # settles in a third currency, or no futures at all
        if it.asset == asset and it.inverse == inverse and it.kind is Kind.PERPETUAL:
            found[it.quote] = symbol
    usual = [found[quote] for quote in ("USDT", "USD", "USDC") if quote in found]
    return next(iter(usual or found.values()), None)
