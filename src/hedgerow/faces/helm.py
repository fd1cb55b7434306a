"""What stands around a running engine: the signals that it hears, its inbox, and the status file that it keeps.

Only ``run`` uses it. The engine itself sees none of this: what operators say reaches it as events, once each.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import text

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine
    from hedgerow.model.command import Command, Elsewhere
    from hedgerow.store.journal import SqlJournal

DESK: Final = 2.0  # seconds between two looks at the desk's other portfolios
POLL: Final = 0.2  # seconds between two looks at the inbox
WRITTEN: Final = 1.0  # seconds between two status files
LONGEST: Final = 2_000  # characters of a text in a command
RESERVED: Final = ("policy", "signal", "file")  # who the engine itself is in its journal
_DAY: Final = 86_400_000_000_000
_TEXTS: Final = ("who", "verb", "plan", "text")

Notice = Callable[[str], None]


# ------------------------------------------------------------------------------------------------------------- signals


@dataclass(slots=True)
class Signals:
    """What the system said to this process: the signal that stops it (0: none), and whether one asked for a halt."""

    stop: int = 0
    halt: bool = False

    def stopped(self, number: int, frame: object) -> None:
        """Stop between two events; a second interrupt does not wait for that."""
        self.stop = number
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def halted(self, number: int, frame: object) -> None:
        """Halt at the next look at the inbox."""
        self.halt = True

    def heed(self, rows: int = 0) -> None:
        """End here where a stop was asked for, before anything was written."""
        if self.stop:
            raise typer.Exit(130 if self.stop == signal.SIGINT else 0)


@contextmanager
def heard(signals: Signals) -> Iterator[Signals]:
    """SIGINT and SIGTERM stop between two events, SIGUSR1 halts; afterwards all is as it was."""
    handlers = {signal.SIGINT: signals.stopped, signal.SIGTERM: signals.stopped}
    if hasattr(signal, "SIGUSR1"):
        handlers[signal.SIGUSR1] = signals.halted
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --------------------------------------------------------------------------------------------------------------- inbox


class Inbox:
    """What operators said since the last look; each is removed when the next is asked for, so that none is lost."""

    def __init__(self, engine: Engine, folder: Path, signals: Signals, notice: Notice) -> None:
        from hedgerow.store import inbox

        self.engine, self.folder, self.signals, self.notice = engine, inbox.make_ready(folder), signals, notice
        self._looked = float("-inf")

    def __call__(self) -> Iterator[Command]:
        """The commands that wait, at most five times a second."""
        from hedgerow.store import inbox

        if time.monotonic() - self._looked < POLL and not self.signals.halt:
            return
        self._looked = time.monotonic()
        if command := self._halt(in_file=inbox.halted(self.folder)):
            yield command
        for name, said in inbox.waiting(self.folder):
            try:
                command = command_of(name, said, self.engine.now_ns)
            except ValueError as error:
                self.notice(f"{name} in the inbox is no command and was removed: {error}.")
                inbox.taken(self.folder, name)
                continue
            yield command
            inbox.taken(self.folder, name)

    def _halt(self, *, in_file: bool) -> Command | None:
        from hedgerow.model.command import Command
        from hedgerow.model.mandate import State

        by, self.signals.halt = "signal" if self.signals.halt else "file" if in_file else "", False
        if not by or self.engine.state is State.HALTED:
            return None
        why = "the file HALT is there" if by == "file" else "the process was told to by SIGUSR1"
        return Command(self.engine.now_ns, f"{by}-{time.time_ns()}", by, "halt", text=why)


class Desk:
    """What the desk's other portfolios traded today, where the mandate has a limit for all of them together."""

    def __init__(self, engine: Engine, journal: SqlJournal) -> None:
        self.engine, self.journal = engine, journal
        self._looked, self._day, self._told = float("-inf"), 0, (0, dict[str, Decimal]())

    def __call__(self) -> Iterator[Elsewhere]:
        """What changed since the last look; looks are seconds apart, but for one as a day begins."""
        from hedgerow.model.codec import decode
        from hedgerow.model.command import Elsewhere

        day = self.engine.now_ns // _DAY
        if self.engine.mandate.desk_day is None:
            return
        if time.monotonic() - self._looked < DESK and day == self._day:
            return
        self._looked, self._day = time.monotonic(), day
        traded: dict[str, Decimal] = {}
        for row in self.journal.of_day("fill", day * _DAY, (day + 1) * _DAY, own=False):
            fill = decode(row.kind, row.body)
            traded[fill.instrument] = traded.get(fill.instrument, Decimal(0)) + fill.amount * fill.price
        if (day, traded) != self._told:
            self._told = (day, traded)
            yield Elsewhere(self.engine.now_ns, traded)


def command_of(name: str, said: dict[str, Any], at_ns: int) -> Command:
    """A command as it lay in the inbox. Raises ValueError with the reason where the engine could not take it."""
    from hedgerow.model.command import Command, Verb

    unknown = sorted(said.keys() - {*_TEXTS, "seconds", "options"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no part of a command")
    for key in _TEXTS:
        value = said.get(key, "")
        if not isinstance(value, str) or len(value) > LONGEST:
            raise ValueError(f"{key} is no text of at most {LONGEST:,} characters")
    if said.get("verb") not in get_args(Verb):
        raise ValueError(f"the verb {said.get('verb', '')!r} is not known")
    if said.get("who", "") in ("", *RESERVED):
        raise ValueError(f"{said.get('who', '')!r} is nobody")
    seconds, options = said.get("seconds", 0), said.get("options", {})
    if type(seconds) is not int or not 0 <= seconds < 1 << 31 or not isinstance(options, dict):
        raise ValueError("its seconds are no whole number, or its options no table")
    return Command(at_ns, name, said["who"], said["verb"], said.get("plan", ""), said.get("text", ""), seconds, options)


def is_run(journal: SqlJournal) -> bool:
    """Whether an engine holds the portfolio now: its lease is not given back, not expired, and its process not gone."""
    from hedgerow.store.lease import is_dead

    held = journal.held()
    if held is None or not held.holder or is_dead(held):
        return False
    return time.time_ns() < held.beat_ns + held.ttl_ns


# --------------------------------------------------------------------------------------------------------- status file


def status_path(portfolio: str) -> Path:
    """Where a running engine notes how its portfolio stands. Raises ConfigError for what is no name."""
    from hedgerow import wire

    return wire.home() / "journal" / f"status-{wire.inbox(portfolio).name}.json"


def read_status(portfolio: str) -> dict[str, Any]:
    """What the last engine of a portfolio noted. Raises ConfigError where there is nothing, or it cannot be read."""
    path = status_path(portfolio)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or not isinstance(record.get("written_ns"), int):
            raise ValueError
    except FileNotFoundError:
        fix = f"Start it: hedgerow run --portfolio {portfolio}."
        raise ConfigError("no engine has run it here yet", where=f'portfolio "{portfolio}"', fix=fix) from None
    except ValueError:
        fix = "Remove it; the next hedgerow run writes it again."
        raise ConfigError("the status file cannot be read", where=str(path), fix=fix) from None
    return record


@dataclass(slots=True)
class Standing:
    """How the portfolio stands, as it is written and shown: the engine's summary, and what it was worth before."""

    engine: Engine
    portfolio: str
    pace: str
    path: Path = field(init=False)
    _day: int = 0
    _opened: float | None = None  # value as the day began, quote; None: not known
    _written: float = float("-inf")
    _failed: bool = False

    def __post_init__(self) -> None:
        self.path = status_path(self.portfolio)
        self._day = self.engine.now_ns // _DAY
        with suppress(ConfigError):
            found = read_status(self.portfolio)
            if found.get("day_ns") == self._day * _DAY and found.get("began_ns") == self._began().at_ns:
                self._opened = found.get("day_value")

    def _began(self) -> Any:
        assert self.engine.begin is not None
        return self.engine.begin

    def look(self) -> None:
        """Note what it is worth where a day began."""
        day = self.engine.now_ns // _DAY
        if day != self._day or (self._opened is None and self.engine.now_ns == self._began().at_ns):
            from hedgerow.engine.summary import value_of

            self._day, self._opened = day, value_of(self.engine)

    def record(self) -> dict[str, Any]:
        """Plain data: for the file, ``status`` and the terminal view."""
        from hedgerow.engine.summary import summary

        begin, mandate = self._began(), self.engine.mandate
        return summary(self.engine) | {
            "portfolio": self.portfolio, "pace": self.pace, "autonomy": mandate.autonomy, "began_ns": begin.at_ns,
            "start_value": float(begin.holdings.get("cash", "nan")), "day_ns": self._day * _DAY,
            "day_value": self._opened, "written_ns": time.time_ns(), "pid": os.getpid(),
        }  # fmt: skip

    def write(self, notice: Notice, *, now: bool = False) -> None:
        """Write the status file, at most once a second unless ``now``. Where that fails the engine goes on, and says so."""
        if not now and time.monotonic() - self._written < WRITTEN:
            return
        self._written = time.monotonic()
        part = self.path.with_suffix(".part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(text.plain(self.record()), file, allow_nan=False)
            part.replace(self.path)
            self._failed = False
        except OSError as error:
            if not self._failed:
                notice(f"{self.path}: the status file cannot be written: {error.strerror or error}.")
            self._failed = True
