"""What plans of many portfolios come to: counts and sums by what is done, and the legs as a table, without a record each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel import holding as q
from hedgerow.kernel import many as m
from hedgerow.model.market import Floats, Ints
from hedgerow.model.plan import Reason, Refusal
from hedgerow.model.why import row_name, unit_of
from hedgerow.research.many import Done, Found

FEW: Final = 10  # largest plans, and errors, that are kept
KINDS: Final = ("spot", "futures", "margin")
SIDES: Final = (("buy", "sell"), ("buy", "sell"), ("in", "out"))
LEGS: Final = {
    "portfolio": pl.String, "at": pl.Date, "instrument": pl.String, "asset": pl.String, "kind": pl.String, "side": pl.String,
    "amount": pl.Float64, "price": pl.Float64, "notional": pl.Float64, "cost": pl.Float64, "quote": pl.String, "reason": pl.String,
    "row": pl.String, "measured": pl.Float64, "threshold": pl.Float64, "unit": pl.String, "sleeve": pl.String,
}  # fmt: skip


@dataclass(slots=True)
class Sum:
    """Legs of one quote, kind and side: how many, of how many portfolios, and what they trade and cost in quote."""

    legs: int = 0
    portfolios: int = 0
    notional: float = 0.0
    cost: float = 0.0


class Large(NamedTuple):
    """One of the largest plans, by what it trades."""

    notional: float  # quote, collateral left out
    portfolio: str
    quote: str
    value: float
    legs: int
    cost: float


@dataclass(slots=True)
class Tally:
    """What was found so far, in all portfolios that were decided."""

    decided: int = 0
    acting: int = 0
    refused: int = 0
    value: dict[str, float] = field(default_factory=dict)  # quote -> net asset value
    legs: dict[tuple[str, str, str], Sum] = field(default_factory=dict)  # (quote, kind, side)
    undone: Counter[str] = field(default_factory=Counter)  # refusal -> legs
    largest: list[Large] = field(default_factory=list)
    errors: list[tuple[str, ConfigError]] = field(default_factory=list)  # the first few, with their portfolios
    days: tuple[int, int] | None = None  # ns: the first and the last that was decided on

    def add(self, done: Done) -> None:
        """Count a chunk."""
        self.refused += len(done.errors)
        self.errors += [(done.names[n], done.errors[n]) for n in sorted(done.errors)[: FEW - len(self.errors)]]
        for found in done.found:
            self._add(found, done)

    def _add(self, found: Found, done: Done) -> None:
        good = decided(found, done)
        if not good.any():
            return
        market = found.seat.stage.market
        quote, day = market.universe.quote, int(market.days_ns[-1])
        self.days = (day, day) if self.days is None else (min(self.days[0], day), max(self.days[1], day))
        self.decided += int(good.sum())
        self.value[quote] = self.value.get(quote, 0.0) + float(found.totals[good, m.M_VALUE].sum())
        owner, legs, undone = split(found, good)
        codes, counts = np.unique(found.rows[undone, k.L_REFUSAL].astype(int), return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            self.undone[Refusal(code).name.lower()] += count
        rows, owner = found.rows[legs], owner[legs]
        acting = np.unique(owner)
        self.acting += len(acting)
        money = np.abs(rows[:, k.L_UNITS]) * rows[:, k.L_PRICE]
        for kind, sides in enumerate(SIDES):
            for side, name in enumerate(sides):
                these = (rows[:, k.L_KIND] == kind) & ((rows[:, k.L_UNITS] > 0.0) == (side == 0))
                if these.any():
                    one = self.legs.setdefault((quote, KINDS[kind], name), Sum())
                    one.legs += int(these.sum())
                    one.portfolios += len(np.unique(owner[these]))
                    one.notional += float(money[these].sum())
                    one.cost += float(rows[these, k.L_COST].sum())
        size = len(good)
        traded = np.bincount(owner, np.where(rows[:, k.L_KIND] == k.LEG_MARGIN, 0.0, money), size)
        counts, costs = np.bincount(owner, minlength=size), np.bincount(owner, rows[:, k.L_COST], size)
        top = acting[np.argsort(traded[acting], kind="stable")[::-1][:FEW]].tolist()
        self.largest = nlargest(FEW, [
            *self.largest,
            *(Large(float(traded[n]), done.names[int(found.at[n])], quote, float(found.totals[n, m.M_VALUE]), int(counts[n]),
                    float(costs[n])) for n in top),
        ])  # fmt: skip


def decided(found: Found, done: Done) -> NDArray[np.bool_]:
    """Which portfolios of a part were decided, [N]."""
    good: NDArray[np.bool_] = found.faults[:, q.Z_CODE] == q.SOUND
    if done.errors:
        good &= ~np.isin(found.at, list(done.errors))
    return good


def split(found: Found, good: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Of every row: whose it is, whether it is a leg of a plan, and whether it is wanted and not done."""
    spans, rows = found.spans, found.rows
    owner = np.repeat(np.arange(len(spans)), spans[:, m.N_END] - spans[:, m.N_FIRST])
    planned = np.arange(len(rows)) < spans[owner, m.N_FILLS]
    refused = rows[:, k.L_REFUSAL] != 0.0
    undone = (planned & refused) | (~planned & (rows[:, k.L_STATUS] == k.REFUSED))
    return owner, planned & ~refused & good[owner], undone & good[owner]


def legs_frame(done: Done) -> pl.DataFrame:
    """The legs of a chunk, a row each, in the order of the portfolios; each cell is what the leg's record says."""
    frames = [_legs(found, done) for found in done.found]
    if not frames:
        return pl.DataFrame(schema=LEGS)
    frame = pl.concat(frames) if len(frames) == 1 else pl.concat(frames).sort("place", maintain_order=True)
    return frame.drop("place")


def _legs(found: Found, done: Done) -> pl.DataFrame:
    policy, market = found.seat.policy, found.seat.stage.market
    universe = market.universe
    owner, legs, _ = split(found, decided(found, done))
    rows, owner = found.rows[legs], owner[legs]
    units, kinds = rows[:, k.L_UNITS], rows[:, k.L_KIND].astype(int)
    codes = list(zip(rows[:, k.L_REASON].astype(int).tolist(), rows[:, k.L_ROW].astype(int).tolist(), strict=True))
    said = {
        (code, row): (
            Reason(code).name.lower(),
            row_name(policy, row, Reason(code)),
            unit_of(policy, Reason(code), row),
        )
        for code, row in set(codes)
    }
    words = [said[code] for code in codes]
    places = found.at[owner]
    return pl.DataFrame(
        {
            "portfolio": [done.names[place] for place in places.tolist()],
            "at": np.full(len(rows), int(market.days_ns[-1])).astype("datetime64[ns]").astype("datetime64[D]"),
            "instrument": _named([it.symbol for it in universe.instruments], rows[:, k.L_INST]),
            "asset": _named(universe.assets, rows[:, k.L_FOR]),
            "kind": _named(KINDS, rows[:, k.L_KIND]),
            "side": [SIDES[kind][0 if up else 1] for kind, up in zip(kinds.tolist(), (units > 0.0).tolist(), strict=True)],
            "amount": np.abs(units),
            "price": rows[:, k.L_PRICE],
            "notional": np.abs(units) * rows[:, k.L_PRICE],
            "cost": rows[:, k.L_COST],
            "quote": [universe.quote] * len(rows),
            "reason": [reason for reason, _, _ in words],
            "row": [row for _, row, _ in words],
            "measured": rows[:, k.L_MEASURED],
            "threshold": rows[:, k.L_LIMIT],
            "unit": [unit for _, _, unit in words],
            "sleeve": ["carry" if one == 1.0 else "" for one in rows[:, k.L_SLEEVE].tolist()],
            "place": places,
        },
        schema=LEGS | {"place": pl.Int64},
    ).with_columns(pl.col("measured", "threshold").fill_nan(None))  # fmt: skip


def _named(names: Sequence[str], index: Floats) -> list[str]:
    return [names[i] for i in index.astype(int).tolist()]
