"""The loop: take an event, write it down, feed it, write down what comes of it, make it durable, send it. The only await.

Nothing leaves that is not durable, and nothing is sent twice. Events of which nothing leaves are committed in groups. An error of
the journal ends the loop: nothing is sent unwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from hedgerow.engine.engine import Engine
from hedgerow.model.codec import NAMES, encode
from hedgerow.model.command import Alert, Answer, Change
from hedgerow.model.entry import Draft, Way
from hedgerow.model.order import Cancel, Order
from hedgerow.model.plan import Plan, Verdict
from hedgerow.ports import IDLE, Journal, Venue

GROUP: Final = 500  # events that are committed at once, where nothing leaves
LEAVES: Final = (Order, Cancel, Alert, Answer, Change, Plan, Verdict)


def draft(record: Any, way: Way) -> Draft:
    """A record as the journal takes it."""
    return Draft(record.at_ns, getattr(record, "account", ""), NAMES[type(record)], way, encode(record))


class Pump:
    """One turn of the loop at a time: ``take`` an event, then ``send`` what it made leave. ``tell`` hears both.

    ``groups``: commits are made in groups even where something leaves, as in a backtest, whose venue ends with the process.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal | None,
        tell: Callable[[Any], None] = lambda record: None,
        *,
        groups: bool = False,
    ) -> None:
        self.engine, self.journal, self.tell, self._groups = engine, journal, tell, groups
        self._loose = 0  # events since the last commit

    def take(self, event: Any) -> list[Any]:
        """Write an event and what it makes; returns what is to be sent, durable by now."""
        if self.journal is not None:
            self.journal.append([draft(event, "in")])
        made = self.engine.feed(event)
        self._loose += 1
        leaving = [record for record in made if isinstance(record, LEAVES)]
        if self.journal is not None:
            if made:
                self.journal.append([draft(record, "out") for record in made])
            if self._loose >= GROUP or ((leaving or self.engine.looks) and not self._groups):
                self.commit()
        for record in (event, *made):
            self.tell(record)
        return leaving

    def commit(self) -> None:
        """Make everything durable that was written."""
        if self.journal is not None:
            self.journal.commit()
        self._loose = 0

    async def send(self, leaving: Iterable[Any], venue: Venue) -> None:
        """Hand over orders and cancels, and ask what the engine wants to know."""
        for record in leaving:
            if isinstance(record, Order):
                await venue.place(record)
            elif isinstance(record, Cancel):
                await venue.cancel(record.id)
        for order in self.engine.take_looks():
            await venue.look(order)
        if self.engine.take_snapshot():
            await venue.snapshot()


async def drive(
    pump: Pump,
    venue: Venue,
    *,
    inbox: Callable[[], Iterable[Any]] = tuple,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Run until the venue has no more to say, or somebody wants it to stop.

    ``inbox`` gives the commands that wait; each is removed there only when the next is asked for, so none is lost.
    """
    engine = pump.engine
    while not stopping():
        for command in inbox():
            await pump.send(pump.take(command), venue)
        event = await venue.next(engine.wakes_at(), engine.wants_quotes)
        if event is None:
            break
        if event is not IDLE:
            await pump.send(pump.take(event), venue)
    pump.commit()
