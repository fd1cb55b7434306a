"""A leg at work, and the amount and limit of its next order."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from hedgerow.engine.fold import exact
from hedgerow.model.instrument import Instrument
from hedgerow.model.mandate import Mandate
from hedgerow.model.market import Floats
from hedgerow.model.order import OrderKind, Style
from hedgerow.units import floor_to_lot

ZERO: Final = Decimal(0)
_NEARLY: Final = Decimal("1e-12")  # of an amount that is whole lots but for what floats are off


@dataclass(slots=True)
class Task:
    """A leg at work: row ``n`` of the plan (-1: the plan is another by now, ``row`` is what it was), signed amounts."""

    n: int
    plan: str
    kind: OrderKind
    instrument: Instrument
    wanted: Decimal
    began_ns: int
    style: Style
    done: Decimal = ZERO
    orders: int = 0
    refused: int = 0
    funded: int = 0  # how often collateral was moved ahead of it
    returned: bool = False  # whether what it did not need of that was moved back
    alive: set[str] = field(default_factory=set)
    row: Floats | None = None
    next_ns: int = 0  # when its next order may be made; 0: it has one

    @property
    def rest(self) -> Decimal:
        """What is still to be traded."""
        return self.wanted - self.done

    @property
    def covers(self) -> bool:
        """Whether it buys a short back: then it may only ever reduce it."""
        return self.kind == "futures" and self.wanted > ZERO

    @property
    def shorts(self) -> bool:
        """Whether it sells a contract short."""
        return self.kind == "futures" and self.wanted < ZERO


def in_lots(units: Decimal, instrument: Instrument) -> Decimal:
    """An amount in whole lots, signed, towards 0."""
    lot = exact(instrument.lot)
    return units if lot == ZERO else floor_to_lot(abs(units) * (1 + _NEARLY), lot).copy_sign(units)


def slice_of(task: Task, price: Decimal, depth: float, mandate: Mandate) -> Decimal:
    """What one order takes of the rest: at most a share of the ``depth`` (quote; not finite: no matter), in whole lots."""
    if task.kind == "margin" or not depth < float("inf"):
        return task.rest
    most = mandate.slice_depth * exact(depth) / price
    return task.rest if abs(task.rest) <= most else in_lots(most.copy_sign(task.rest), task.instrument)


def limit_of(task: Task, price: Decimal, mandate: Mandate) -> Decimal:
    """The worst price: the collar's edge for a taker, the present price for a maker; rounded away from risk."""
    buys = task.wanted > ZERO
    limit = price
    if task.style == "taker":
        limit = price * (1 + mandate.collar if buys else 1 - mandate.collar)
    tick = exact(task.instrument.tick)
    if tick == ZERO:
        return limit
    return (limit / tick).to_integral_value(ROUND_FLOOR if buys else ROUND_CEILING) * tick


def too_small(task: Task, units: Decimal, price: Decimal) -> bool:
    """Whether the venue would not take an order of so many coins, or nothing is left of it in whole lots."""
    least = ZERO if task.covers else exact(task.instrument.minimum_notional)
    return units == ZERO or abs(units) * price < least
