"""How venues count margin: conventions and tiers, as rows.

A convention says which arguments ``kernel.liquidation`` takes for one venue's contracts; the arithmetic is there, once.
Tier tables belong to a venue, a contract and a day: they are read from files (``store.tiers``), and the table here is
only what stands in for one. Source: domain 2.17, 5.3; each row names the venue's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Tier
from hedgerow.model.market import Floats, Ints


@dataclass(frozen=True, slots=True)
class Convention:
    """One venue's way of counting margin for one kind of contract.

    ``at_entry``: the tier's maintenance is of the value at entry, else at the mark. ``closing_fee``: the taker fee that
    maintenance holds back: nothing, of the value at the mark, or at the bankruptcy price. ``tiers_in``: what the floors
    of its tier tables count: quote, coins, or contracts (then one rate holds for the whole position). ``tiers_down``:
    how many tiers one partial step of a liquidation goes down; 0: all is taken at once. ``left``: who has what a
    liquidation in full leaves over: the venue's fund or the holder. ``liquidation_fee``: a default, fraction of what is
    taken. ``unverified`` says what of the row was not found in the venue's own words.
    """

    name: str
    inverse: bool
    at_entry: bool
    closing_fee: Literal["none", "mark", "bankruptcy"]
    tiers_in: Literal["quote", "coins", "contracts"]
    tiers_down: int
    left: Literal["fund", "holder"]
    liquidation_fee: float
    source: str
    unverified: str = ""


def _table(*rows: Convention) -> dict[str, Convention]:
    return {row.name: row for row in rows}


_BINANCE: Final = "Binance FAQ: liquidation protocols, leverage and margin tiers, insurance fund"
_BYBIT: Final = "Bybit help: liquidation price (isolated, unified account), liquidation process"

CONVENTIONS: Final[dict[str, Convention]] = _table(
    Convention(
        "binance_linear", False, False, "none", "quote", 1, "holder", 0.012, _BINANCE + "; exchangeInfo: liquidationFee",
        "liquidationFee differs by contract (1.2 % to 3 % seen); how much of the rest the fund keeps",
    ),
    Convention(
        "binance_inverse", True, False, "none", "coins", 1, "holder", 0.012, _BINANCE,
        "its liquidation fee (that of USDT contracts is taken)",
    ),
    Convention(
        "okx_linear", False, False, "mark", "contracts", 2, "fund", 0.0005, "OKX help: tiered maintenance margin rules",
        "the fee is the holder's taker fee (5 bp taken)",
    ),
    Convention(
        "okx_inverse", True, False, "mark", "contracts", 2, "fund", 0.0005, "OKX help: tiered maintenance margin rules",
        "the fee is the holder's taker fee (5 bp taken)",
    ),
    Convention(
        "gate_linear", False, False, "mark", "quote", 1, "fund", 0.00075, "Gate blog: clearing process; futures rules",
        "partial steps are named there for certain contracts, without their rule; 7.5 bp is an old taker fee",
    ),
    Convention(
        "bybit_linear_entry_mm", False, True, "none", "quote", 1, "fund", 0.0006, _BYBIT, "the taker fee (6 bp taken)",
    ),
    Convention(
        "bybit_inverse_entry_mm", True, True, "none", "coins", 1, "fund", 0.0006, _BYBIT, "the taker fee (6 bp taken)",
    ),
    Convention(
        "bybit_inverse_cross", True, True, "bankruptcy", "coins", 1, "fund", 0.00075,
        "Bybit help (2020): how to calculate liquidation price (inverse contract), cross margin",
    ),
    Convention(
        "bybit_inverse_mark_mm", True, False, "none", "coins", 1, "fund", 0.0006, _BYBIT, "the taker fee (6 bp taken)",
    ),
    Convention(
        "bitmex_inverse", True, True, "bankruptcy", "coins", 1, "fund", 0.00075, "BitMEX: liquidation, its examples",
        "that maintenance is of the value at entry; the next funding, which it adds, is left out",
    ),
    Convention(
        "bingx_linear", False, False, "mark", "quote", 0, "fund", 0.0005,
        "BingX help: perpetual futures, forced liquidation rules", "the taker fee (5 bp taken); its partial reduction",
    ),
    Convention(
        "mexc_linear", False, True, "none", "quote", 1, "fund", 0.0002,
        "MEXC help: liquidation in futures (commission excluded there)",
        "the fee; the newer rule adds liquidation fees to maintenance",
    ),
    Convention(
        "weex_linear", False, False, "mark", "contracts", 2, "fund", 0.0008,
        "WEEX help: estimated liquidation price, liquidation process", "the fee (8 bp taken); who has what is left",
    ),
)  # fmt: skip


def deductions(floors: Sequence[float], rates: Sequence[float]) -> tuple[float, ...]:
    """What each tier takes off the product of its rate and the notional, so that maintenance is continuous.

    cum_n = floor_n (rate_n - rate_(n-1)) + cum_(n-1), 0 in the lowest. Source: Binance FAQ, domain 2.17 (G-16).
    """
    found = [0.0]
    for n in range(1, len(floors)):
        found.append(floors[n] * (rates[n] - rates[n - 1]) + found[-1])
    return tuple(found)


def tier_table(
    floors: Sequence[float],
    rates: Sequence[float],
    max_leverages: Sequence[float] | None = None,
    *,
    where: str = "tiers",
) -> tuple[Tier, ...]:
    """A checked tier table with its deductions; ``where`` names file or key in errors.

    Floors start at 0 and rise, rates lie between 0 and 1 and do not fall, leverages (nan: unknown) do not rise, and
    initial margin is no less than maintenance. Raises ConfigError with row and fix.
    """
    leverages = [float("nan")] * len(floors) if max_leverages is None else list(max_leverages)
    if not floors or not len(floors) == len(rates) == len(leverages):
        counts = f"{len(floors)} floors, {len(rates)} rates and {len(leverages)} leverages"
        raise ConfigError(counts, where=where, fix="A table has one of each in every row, and at least one row.")
    if floors[0] != 0.0:
        raise ConfigError(f"the lowest tier begins at {floors[0]:g}", where=where, fix="Let it begin at 0.")
    for n, (rate, leverage) in enumerate(zip(rates, leverages, strict=True), 1):
        if not 0.0 < rate < 1.0:
            fix = "Write it as a fraction of notional between 0 and 1, as 0.005 for 0.5 %."
            raise ConfigError(f"row {n} has the maintenance rate {rate:g}", where=where, fix=fix)
        if leverage < 1.0 or leverage * rate > 1.0:
            fix = f"Write 1 to {1.0 / rate:g}: what opens a position must keep it, or nothing where it is unknown."
            raise ConfigError(f"row {n} has the largest leverage {leverage:g}", where=where, fix=fix)
    for n, (low, high) in enumerate(pairwise(floors), 2):
        if not low < high < float("inf"):
            raise ConfigError(f"row {n} begins at {high:g}, after {low:g}", where=where, fix="Let the floors rise.")
    for n, (less, more) in enumerate(pairwise(rates), 2):
        if less > more:
            raise ConfigError(f"row {n} has the rate {more:g}, after {less:g}", where=where, fix="Let the rates rise.")
    for n, (allowed, more) in enumerate(pairwise(leverages), 2):
        if more > allowed:
            fix = "Let the largest leverage fall from row to row."
            raise ConfigError(f"row {n} allows {more:g}x, after {allowed:g}x", where=where, fix=fix)
    return tuple(Tier(*row) for row in zip(floors, rates, deductions(floors, rates), leverages, strict=True))


# Where no table is given: in every row at least what Binance asked for BTC in 2021 (its strictest table of a large coin
# that was found). Tables of small coins are stricter: 12.5 % and more from a million. Not a venue's table: a stand-in.
DEFAULT_TIERS: Final = tier_table(
    (0.0, 50_000.0, 250_000.0, 1_000_000.0, 5_000_000.0, 10_000_000.0, 20_000_000.0, 50_000_000.0),
    (0.01, 0.015, 0.02, 0.04, 0.075, 0.125, 0.20, 0.30),
)


def in_coins(tiers: Sequence[Tier], price: float) -> tuple[Tier, ...]:
    """A table of quote as one of coins worth ``price`` each, for contracts that settle in them."""
    return tuple(row._replace(floor=row.floor / price, deduction=row.deduction / price) for row in tiers)


def pack_tiers(tables: Sequence[Sequence[Tier]]) -> tuple[Floats, Ints, Ints]:
    """Tables of several instruments as one block [T, 3] (floor, rate, deduction), first row and row count of each [I];
    the same table is packed once.
    """
    rows: list[tuple[float, float, float]] = []
    places: dict[tuple[Tier, ...], int] = {}
    first, count = [], []
    for table in tables:
        key = tuple(table)
        if key not in places:
            places[key] = len(rows)
            rows += [(row.floor, row.rate, row.deduction) for row in key]
        first.append(places[key])
        count.append(len(key))
    block = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    return block, np.array(first, dtype=np.int64), np.array(count, dtype=np.int64)
