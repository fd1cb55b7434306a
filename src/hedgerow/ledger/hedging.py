"""What a hedge did and cost over a run: effectiveness, intended against achieved, insurance by month, trim regret.

Conventions as in ``statistics``: simple returns, fractions, quote; what is not defined is None. Ratios of a run count
spot that was sold in place of a short as hedged, for that is how it hedges (2A-1).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hedgerow.ledger.statistics import month_ends, monthly_returns, weighted_mean
from hedgerow.model.market import Floats
from hedgerow.model.report import PARTS, LegRecord, Run

HEDGE_PARTS: Final = ("hedge", "basis", "funding", "fees_futures", "slippage_futures")
MOVES: Final = ("spot", "hedge", "basis")
UNHEDGED: Final = 0.0005  # a mean hedge ratio that rounds to nothing
AFTER: Final = (30, 90)  # days after a trim at which it is looked at again


class Effectiveness(NamedTuple):
    """How much of the variance of daily returns the hedge took away (domain 4.12).

    ``reduced`` is 1 - Var(hedged) / Var(unhedged) on the same holdings; ``ratio`` the mean achieved hedge ratio h;
    ``left`` the share that is left, ``ideal`` what a hedge without basis, late fills or gaps would have left at each
    day's achieved ratios, and ``constant`` the same at the mean ratio all the time, (1 - h)^2.
    """

    reduced: float
    ratio: float
    left: float
    ideal: float
    constant: float


def effectiveness(run: Run) -> Effectiveness | None:
    """Of the whole portfolio; None without a hedge or without anything at risk.

    The unhedged return of a day is that of the coins held and of those sold in place of a short; the hedged one adds
    what shorts and basis made. Funding and costs are left out: they are no risk that a hedge takes away.
    """
    ratio = weighted_mean(run.h_achieved, run.base)
    if len(run.nav) < 3 or not ratio >= UNHEDGED:
        return None
    known = np.isfinite(run.base) & (run.base > 0.0) & np.isfinite(run.price) & (run.price > 0.0)
    units = np.divide(run.base, run.price, out=np.zeros_like(run.base), where=known)[1:]
    before = np.nan_to_num(run.price[:-1])
    moved = np.where(before > 0.0, units * (np.nan_to_num(run.price[1:]) - before), 0.0)
    value = (units * before).sum(axis=1)
    days = value > 0.0
    if int(days.sum()) < 2:
        return None
    kept = moved * (1.0 - np.nan_to_num(run.h_achieved[1:]))
    made = np.diff(sum((run.parts[:, PARTS.index(name)] for name in MOVES), np.zeros(len(run.nav))))
    variances = [float(np.var(each[days] / value[days])) for each in (moved.sum(axis=1), made, kept.sum(axis=1))]
    if not variances[0] > 0.0:
        return None
    left, ideal = variances[1] / variances[0], variances[2] / variances[0]
    return Effectiveness(1.0 - left, ratio, left, ideal, (1.0 - ratio) * (1.0 - ratio))


class Tracking(NamedTuple):
    """The hedge that was wanted and the one that was had, of one asset or ("") of all, weighted by the value held.

    ``gap`` is the mean absolute difference of a day's achieved ratio to the one intended at the close before it.
    """

    asset: str
    intended: float | None
    achieved: float | None
    gap: float | None


def tracking(run: Run) -> list[Tracking]:
    """The whole portfolio first, then each asset (R-067: thin futures do not give what is wanted)."""
    gaps = np.abs(run.h_achieved[1:] - run.h_intended[:-1])
    rows = []
    for asset, pick in (("", slice(None)), *((name, slice(i, i + 1)) for i, name in enumerate(run.assets))):
        value = run.base[:, pick]
        rows.append(
            Tracking(
                asset,
                _known(weighted_mean(run.h_intended[:, pick], value)),
                _known(weighted_mean(run.h_achieved[:, pick], value)),
                _known(weighted_mean(gaps[:, pick], value[1:])),
            )
        )
    return rows


def capped_share(run: Run) -> float:
    """Share of days on which a wanted hedge was cut for want of collateral."""
    return float(np.count_nonzero(run.margin_capped > 0.0)) / len(run.nav) if len(run.nav) else 0.0


class Month(NamedTuple):
    """What the hedge made in a calendar month in all, costs and funding included, and how the unhedged book fared."""

    year: int
    month: int
    hedge: float
    unhedged: float | None


class Insurance(NamedTuple):
    """``cost`` is what the hedge lost in the months in which the unhedged book gained (below 0: it earned), ``paid``
    what it brought in those in which that book lost (domain 2.20). Spot sold in place of a short is not in it.
    """

    months: tuple[Month, ...]
    cost: float
    paid: float
    up_months: int
    down_months: int


def insurance(run: Run, unhedged: Run) -> Insurance:
    """By month, against the run of the same rules without a hedge (or any other unhedged book)."""
    total = sum((run.parts[:, PARTS.index(name)] for name in HEDGE_PARTS), np.zeros(len(run.nav)))
    numbers, ends = month_ends(run)
    made = np.diff(total[ends], prepend=0.0)
    fared = {(year, month): change for year, month, change in monthly_returns(unhedged)}
    months = tuple(
        Month(year, month, float(amount), _known(fared.get((year, month), np.nan)))
        for (year, month), amount in zip(numbers, made, strict=True)
    )
    up = [m.hedge for m in months if m.unhedged is not None and m.unhedged > 0.0]
    down = [m.hedge for m in months if m.unhedged is not None and m.unhedged < 0.0]
    return Insurance(months, 0.0 - sum(up), float(sum(down)), len(up), len(down))


class Regret(NamedTuple):
    """What trims gave away (above 0) or spared (below 0), in quote.

    ``gross`` is the sum of units x (price at the end - price sold). ``earned`` is what their proceeds made since: a
    stablecoin earns nothing, and later purchases spend the proceeds first in, first out. ``regret`` is gross - earned.
    ``after`` holds the gross figure so many days after each trim, of those that lie so far back.
    """

    trims: int
    proceeds: float
    gross: float
    earned: float
    regret: float
    after: dict[int, float]


def trim_regret(run: Run) -> Regret:
    """Over all spot sales by a trim row or by the regime's own trims, at daily closes."""
    at = {asset: i for i, asset in enumerate(run.assets)}
    legs = sorted((leg for leg in run.legs if leg.kind == "spot"), key=lambda leg: (leg.filled_ns, leg.side == "buy"))
    trims = [leg for leg in legs if is_trim(leg)]
    purse = gross = earned = 0.0
    after = dict.fromkeys(AFTER, 0.0)
    for leg in legs:
        last = _price(run, at[leg.asset], len(run.nav) - 1)
        if leg.side == "buy":
            spent = min(purse, leg.notional)
            purse -= spent
            earned += spent * (last / leg.price - 1.0)
        elif is_trim(leg):
            purse += leg.notional
            gross += leg.amount * (last - leg.price)
            for days in AFTER:
                day = int(np.searchsorted(run.days_ns, leg.filled_ns, side="right")) - 1 + days
                if day < len(run.nav):
                    after[days] += leg.amount * (_price(run, at[leg.asset], day) - leg.price)
    proceeds = sum(leg.notional for leg in trims)
    return Regret(len(trims), proceeds, gross, earned, gross - earned, after)


def is_trim(leg: LegRecord) -> bool:
    """A sale of spot for a trim, not to fund or replace a hedge."""
    return leg.kind == "spot" and leg.side == "sell" and (leg.reason.startswith("trim") or leg.row.startswith("trim."))


def _price(run: Run, asset: int, day: int) -> float:
    """The close of a day, or the last one known before it."""
    path: Floats = run.price[: day + 1, asset]
    return float(path[np.isfinite(path) & (path > 0.0)][-1])


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
