"""Book against venue: what differs, in words and numbers, and how it is settled.

It is asked at every start, after every doubt, and when a person wishes. While orders are alive nothing is concluded: what is on
its way is in neither. A difference is never repaired in silence: a person adopts what the venue says (which becomes an event
with a cause), or has it ignored from then on. A short that somebody opened by hand is adopted as hedge up to the coins that
are bare; the rest is not ours, and is shown as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from hedgerow.engine.fold import Fold, exact
from hedgerow.kernel import arrays as k
from hedgerow.model.account import Snapshot
from hedgerow.model.event import Fill, Flow
from hedgerow.model.instrument import MARGIN_ACCOUNT, Kind, margin_account

ZERO: Final = Decimal(0)
_COLLATERAL: Final = " collateral"
NEARLY: Final = Decimal("1e-9")  # of an amount: what a fold in floats may be off
Items = dict[str, tuple[Decimal, Decimal]]  # what -> in the book, at the venue


def difference(fold: Fold, mode: str, snapshot: Snapshot, ignored: Mapping[str, Decimal]) -> Items:
    """Where book and venue differ by more than half a lot, what is ``ignored`` (venue less book) left out."""
    return {
        name: (ours, theirs)
        for name, ours, theirs, lot in _pairs(fold, mode, snapshot)
        if abs(theirs - ignored.get(name, ZERO) - ours) > max(lot / 2, NEARLY * max(abs(ours), abs(theirs), Decimal(1)))
    }


def _pairs(fold: Fold, mode: str, snapshot: Snapshot) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(what, in the book, at the venue, lot) of every balance and position."""
    book, universe = fold.desk.book, fold.universe
    for a, name in enumerate(universe.assets):
        lot = exact(universe.instruments[a].lot)
        yield name, exact(book.asset[k.B_HELD, a]), snapshot.balances.get(name, ZERO), lot
    quote = universe.quote
    yield quote, exact(book.wallet[k.W_CASH, 0]), snapshot.balances.get(quote, ZERO), ZERO
    if mode == "cross":
        yield f"{quote} margin", exact(book.wallet[k.W_MARGIN, 0]), snapshot.margin.get(quote, ZERO), ZERO
    for i, instrument in enumerate(universe.instruments):
        if instrument.kind is Kind.SPOT:
            continue
        units, entry = float(book.inst[k.P_UNITS, i]), float(book.inst[k.P_ENTRY, i])
        size = exact(units * entry if instrument.inverse else units)
        there = snapshot.positions.get(instrument.symbol)
        yield instrument.symbol, size, there.size if there else ZERO, exact(instrument.lot)
        if margin_account(instrument, mode).startswith(MARGIN_ACCOUNT):
            backed = exact(book.inst[k.P_COLLATERAL, i])
            yield f"{instrument.symbol}{_COLLATERAL}", backed, there.collateral if there else ZERO, ZERO


def adopt(fold: Fold, mode: str, items: Items, at_ns: int, name: str) -> Iterator[Any]:
    """The events that bring the book to what the venue says; what of a short no coin stands behind is left out, and yielded as
    its symbol and size.
    """
    universe = fold.universe
    for n, (what, (ours, theirs)) in enumerate(items.items()):
        change = theirs - ours
        if what in (*universe.assets, universe.quote):
            price = None
            if what != universe.quote:
                seen = (
                    fold.price(f"{what}/{universe.quote}") if f"{what}/{universe.quote}" in fold.index else float("nan")
                )
                price = exact(seen) if seen > 0.0 else None
            yield Flow(at_ns, f"{name}-{n}", "spot", what, change, price)
        elif what.endswith(_COLLATERAL):
            symbol = what.removesuffix(_COLLATERAL)
            instrument = universe.instruments[fold.index[symbol]]
            yield Flow(at_ns, f"{name}-{n}", f"{MARGIN_ACCOUNT}{symbol}", instrument.settle, change, Decimal(1))
        elif what in fold.index:
            yield from _adopted_short(fold, mode, what, change, at_ns, f"{name}-{n}")


def _adopted_short(fold: Fold, mode: str, symbol: str, change: Decimal, at_ns: int, name: str) -> Iterator[Any]:
    """A position that changed beside the engine, as a trade at the present price, as far as coins stand behind it."""
    i = fold.index[symbol]
    instrument = fold.universe.instruments[i]
    price = exact(fold.price(symbol))
    held = exact(fold.desk.book.asset[k.B_HELD, fold.universe.assets.index(instrument.asset)])
    short = -exact(fold.desk.book.inst[k.P_UNITS, i])
    if change < ZERO:
        ours = max(-max(held - short, ZERO), change)
    else:
        ours = min(change, short)
    if ours != change:
        yield symbol, change - ours
    if ours != ZERO and price > ZERO:
        yield Fill(at_ns, name, margin_account(instrument, mode), symbol, ours, price, reason="adopted")
