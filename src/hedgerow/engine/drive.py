"""The loop: take an event, write it down, feed it, write down what comes of it, make it durable, send it. The only await.

Nothing leaves that is not durable, and nothing is sent twice. Events that make nothing leave are committed in groups.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hedgerow.engine.engine import Engine
from hedgerow.model.codec import NAMES, encode
from hedgerow.model.entry import Draft, Way
from hedgerow.model.order import Cancel, Order
from hedgerow.ports import Journal, Venue

GROUP: Final = 500  # events that are committed at once, where nothing leaves


def draft(record: Any, way: Way) -> Draft:
    """A record as the journal takes it."""
    return Draft(record.at_ns, getattr(record, "account", ""), NAMES[type(record)], way, encode(record))


async def drive(
    engine: Engine, venue: Venue, journal: Journal | None, *, tell: Callable[[Any], None] = lambda record: None
) -> None:
    """Run until the venue has no more to say. Without a journal (a backtest) nothing is written. ``tell`` hears every record."""
    waiting = 0
    while True:
        event = await venue.next(engine.wakes_at(), engine.wants_quotes)
        if event is None:
            break
        if journal is not None:
            journal.append([draft(event, "in")])
        made = engine.feed(event)
        waiting += 1
        leaves = [record for record in made if isinstance(record, (Order, Cancel))]
        if journal is not None:
            journal.append([draft(record, "out") for record in made])
            if leaves or engine.looks or waiting >= GROUP:
                journal.commit()
                waiting = 0
        for record in made:
            tell(record)
        for record in leaves:
            if isinstance(record, Order):
                await venue.place(record)
            else:
                await venue.cancel(record.id)
        for order in engine.take_looks():
            await venue.look(order)
    if journal is not None:
        journal.commit()
