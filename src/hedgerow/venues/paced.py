"""A tape played at a pace: what a simulated venue says comes when its time has come, on a clock that may run faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from hedgerow.ports import IDLE
from hedgerow.units import NS_PER_SECOND
from hedgerow.venues.simulated import SimulatedVenue

SLICE: Final = 0.2  # seconds between two looks at what else is to be done


class PacedVenue:
    """``venue`` at ``speed`` times the pace of the clock (``now``, seconds). Requests go straight to it."""

    def __init__(
        self, venue: SimulatedVenue, speed: float, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._venue, self._speed, self._now, self._sleep = venue, speed, now, sleep
        self._began: tuple[float, int] | None = None  # wall and tape at the first event
        self.place, self.cancel, self.look, self.snapshot = venue.place, venue.cancel, venue.look, venue.snapshot

    async def next(self, until_ns: int, quotes: bool) -> Any:
        """What the venue says, when its time has come; until then IDLE, so that commands are heard."""
        venue = self._venue
        if self._began is not None:
            began, tape_ns = self._began
            now_ns = tape_ns + int((self._now() - began) * self._speed * NS_PER_SECOND)
            venue.pass_to(
                min(now_ns, until_ns) if until_ns > 0 else now_ns
            )  # a timer's order is made when the timer was due
        due = venue.due_ns(until_ns, quotes)
        if due > 0:
            if self._began is None:
                self._began = (self._now(), due)
            wait = self._began[0] + (due - self._began[1]) / NS_PER_SECOND / self._speed - self._now()
            if wait > 0.0:
                await self._sleep(min(wait, SLICE))
                if wait > SLICE:
                    return IDLE
        return await venue.next(until_ns, quotes)
