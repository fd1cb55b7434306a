"""The engine itself: run a portfolio on paper, and look at how it stands."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from hedgerow.errors import ConfigError, StoreError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.run_options import Capital, End, Folder, PolicyName, Start, Targets

if TYPE_CHECKING:
    from hedgerow.faces.happenings import Happening
    from hedgerow.faces.helm import Signals
    from hedgerow.model.policy import Policy
    from hedgerow.model.portfolio import Portfolio as Held
    from hedgerow.model.terms import Terms
    from hedgerow.store.journal import SqlJournal
    from hedgerow.wire import Floor, Recorded

COMMITTED: Final = 1.0  # seconds after which what is written is made durable, and the lease is kept
INTERRUPTED: Final = 130
Portfolio = Annotated[str, typer.Option("--portfolio", metavar="NAME", help="Which portfolio.")]
MandateFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE.toml", help="What the engine may do by itself: a table [mandate].", show_default=False),
]
AssetsHere = Annotated[
    str, typer.Option("--assets", metavar="BTC,ETH", help="Risk assets, with a comma between.", show_default="BTC,ETH")
]
Holdings = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="Begin with what a portfolio file states (coins, shorts, what is protected), in place of capital.",
        show_default=False,
    ),
]
Venue = Annotated[
    str,
    typer.Option(
        metavar="FILE.toml|whole",
        show_default="terms like an exchange's",
        help="Terms of the simulated venue: a table [venue], or whole: every order fills at once, as in a backtest.",
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command("run")(run)
    app.command("status")(status)


def _pace(written: str) -> float:
    """``1000x`` as a number; nothing: as fast as it goes. Raises ConfigError."""
    try:
        pace = float(written.removesuffix("x") or 0.0)
        if not 0.0 <= pace < float("inf"):
            raise ValueError
        return pace
    except ValueError:
        raise ConfigError(f'"{written}" is no pace', where="--speed", fix="Write 1000x, or 1x for real time.") from None


def table_of(path: Path, name: str) -> dict[str, Any]:
    """The table ``name`` of a TOML file that holds nothing else. Raises ConfigError."""
    import tomllib

    fix = f"Write a table [{name}]."
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"it cannot be read: {why}", where=str(path), fix=fix) from None
    other = next((one for one in found if one != name), "")
    if other or not isinstance(found.get(name), dict):
        told = f'"{other}" is no part of it' if other else f"it holds no table [{name}]"
        raise ConfigError(told, where=str(path), fix=fix)
    return dict(found[name])


def venue_terms(named: str) -> Terms:
    """The terms of the simulated venue: those of an exchange, those of a backtest ("whole"), or a file's. Raises ConfigError."""
    from hedgerow.engine.translate import terms_of
    from hedgerow.model.terms import WHOLE, Terms

    if named == "whole":
        return WHOLE
    return terms_of(table_of(Path(named), "venue")) if named else Terms()


def mandate_table(path: Path | None, assets: Collection[str], *, auto: bool = False) -> dict[str, Any]:
    """The mandate of a file, checked; a level for what is none of the ``assets``, or no rule, would be no limit at all.

    Raises ConfigError.
    """
    table = table_of(path, "mandate") if path is not None else {}
    from hedgerow.engine.translate import mandate_of
    from hedgerow.model.plan import Reason

    made = mandate_of(table | ({"autonomy": "auto"} if auto else {}))
    rules = [one.name.lower() for one in Reason if one.value]
    for cell, given, known in (("by_reason", made.by_reason, rules), ("by_asset", made.by_asset, sorted(assets))):
        wrong = next((name for name in given if known and name not in known), "")
        if wrong:
            fix = f"Write one of {', '.join(known)}."
            raise ConfigError(f'there is no "{wrong}"', where=f"mandate.{cell}", fix=fix)
    return made.model_dump(mode="json", exclude_defaults=True)


def run(
    policy: PolicyName = "balanced",
    world: Annotated[str, typer.Option(metavar="paper", help="paper: recorded prices, a simulated venue.")] = "paper",
    data: Folder = Path(),
    assets: AssetsHere = "",
    holdings: Holdings = None,
    targets: Targets = "",
    start: Start = "",
    end: End = "",
    capital: Capital = 100_000.0,
    speed: Annotated[
        str, typer.Option(metavar="1000x", help="Times the pace of the recording.", show_default="as fast as it goes")
    ] = "",
    mandate: MandateFile = None,
    venue: Venue = "",
    auto: Annotated[bool, typer.Option("--auto", help="Carry plans out without asking.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="A line for each thing that happens, as without a terminal.")
    ] = False,
    portfolio: Portfolio = "main",
) -> None:
    """Run a portfolio on paper: decide, plan, wait for approval, order, account, with every step in the journal.

    Recorded prices are played to a simulated venue, whose order book, latency and wallets are like an exchange's. The same
    command goes on where the journal ends, whatever ended it; capital, holdings, targets and mandate are those that it
    began with. Approve plans from another terminal: hedgerow plans, hedgerow approve. An interrupt or SIGTERM stops it
    between two events; SIGUSR1 or a file HALT in the inbox halts.
    """
    if world != "paper":
        raise ConfigError(
            f'the world "{world}" is not there', where="--world", fix="This version trades on paper only."
        )
    from hedgerow.faces.helm import Signals, heard

    asked = _asked(policy, data, assets, holdings, targets, capital, mandate, venue, speed, auto=auto)
    log, signals = Log(plain=plain or not sys.stdout.isatty()), Signals()
    with text.working("Run", 2) as tell, heard(signals):
        tell("reading the data")
        with options.renamed(start="--start", end="--end", assets="--assets"):
            recorded = _recorded(data, asked, start, end)
        run_options.refuse_inverse(policy, asked.policy, recorded)
        _prepare(recorded, asked.assets, tell)
        tell("taking the portfolio up")
        journal, floor = _taken_up(portfolio, recorded, asked, log, signals)
    with heard(signals), _whole(journal):
        _drive(floor, portfolio, journal, signals, log, f"{asked.pace:g}x" if asked.pace else "full speed")
    journal.close()
    ended = "Stopped" if signals.stop else "The recording ended"
    with suppress(BrokenPipeError):
        text.say(f"{ended} at row {journal.head.seq:,}; the same command goes on from there.")
    if signals.stop == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


class Asked(NamedTuple):
    """What a run is asked for, read and checked as far as it can be without the data."""

    policy: Policy
    assets: tuple[str, ...]
    quote: str
    held: Held | None  # what a file of holdings states; None: stablecoins alone
    targets: dict[str, float] | None
    capital: Decimal
    mandate: dict[str, Any]
    terms: Terms
    pace: float


def _asked(
    policy: str, data: Path, assets: str, holdings: Path | None, targets: str, capital: float, mandate: Path | None,
    venue: str, speed: str, *, auto: bool,
) -> Asked:  # fmt: skip
    """What the options say. Raises ConfigError for the first that cannot be."""
    from hedgerow import policies

    held, given = None, run_options.targets(targets)
    names, quote = options.names(assets or "BTC,ETH", "--assets"), "USDT"
    if holdings is not None:
        from hedgerow.faces.portfolio_file import Served, read_portfolio, refuse_targets, refuse_unserved

        held = read_portfolio(holdings)
        if assets:
            raise ConfigError("the file of holdings names the assets", where="--assets", fix="Leave it out.")
        refuse_unserved(held, str(holdings), Served.by(data))
        names, quote = held.assets(), held.head.quote
        refuse_targets(given or (), names, quote, str(holdings))
        given = given or dict(held.targets) or None
    return Asked(
        policies.chosen(policy, "--policy"), names, quote, held, given, Decimal(repr(capital)),
        mandate_table(mandate, names, auto=auto), venue_terms(venue), _pace(speed),
    )  # fmt: skip


def _recorded(data: Path, asked: Asked, start: str, end: str) -> Recorded:
    from hedgerow import wire

    first, last = run_options.day(start, "--start"), run_options.day(end, "--end")
    return wire.recorded(data, asked.assets, first, last, asked.quote)


def _prepare(recorded: Recorded, names: tuple[str, ...], tell: Callable[[str], None]) -> None:
    from hedgerow import wire

    wire.prepare(recorded.market.open_ns.shape[0] * len(names), text.always(tell), "turn.turn")


@contextmanager
def _whole(journal: SqlJournal) -> Iterator[None]:
    """Close the journal after an error, if all steps in it are whole. Otherwise it stays as it is: what was not made durable
    yet is lost with the process, which frees the lease.
    """
    before = journal.head
    try:
        yield
    except BaseException as error:
        if journal.head == before or isinstance(error, StoreError):
            journal.close()
        raise


def _taken_up(portfolio: str, recorded: Recorded, asked: Asked, log: Log, signals: Signals) -> tuple[SqlJournal, Floor]:
    """The portfolio with its journal, which is open from here on."""
    from hedgerow import wire
    from hedgerow.kernel.rules import target_weights

    weights = target_weights(asked.policy, asked.assets, asked.targets, recorded.market.universe.quote)
    journal = wire.journal(portfolio, write=True)
    same = {name: f"--{name}" for name in ("policy", "assets", "world", "targets", "capital", "start", "end", "data")}
    with _whole(journal), options.renamed(**same):
        log.recall(journal)
        floor = wire.paper(
            recorded, asked.policy, weights, asked.capital, asked.mandate, journal, portfolio=asked.held, terms=asked.terms,
            speed=asked.pace, tell=log, progress=signals.heed,
        )  # fmt: skip
        engine = floor.pump.engine
        if engine.mandate.model_dump(mode="json", exclude_defaults=True) != asked.mandate:
            log.notice("The mandate of the journal holds, not the one given here: hedgerow mandate FILE changes it.")
        if engine.execution.terms != asked.terms:
            log.notice(
                "The venue keeps the terms that this portfolio was begun with, which are others than those here."
            )
    return journal, floor


class Log:
    """What happened: a line each, or kept for the terminal view. Nothing is printed before ``begin``."""

    def __init__(self, *, plain: bool) -> None:
        from hedgerow.faces.happenings import Teller

        self.plain = plain
        self.last: deque[Happening] = deque(maxlen=12)
        self._teller = Teller()
        self._waiting: list[Happening] | None = []
        self._at_ns = 0

    def recall(self, journal: SqlJournal) -> None:
        """What happened before this process, for the view."""
        if not self.plain:
            from hedgerow.faces.happenings import recent

            self.last.extend(recent(journal, 12))

    def begin(self, rows: int, quote: str) -> None:
        """Print what waited, and everything from now on."""
        self._teller.quote = quote
        waiting, self._waiting = self._waiting or [], None
        if rows:
            self.notice(f"{text.counted(rows, 'row')} of the journal taken up.")
        for one in waiting:
            self._tell(one)

    def __call__(self, record: Any) -> None:
        """Hear of an event, or of what the engine made of one."""
        from hedgerow.faces.happenings import KINDS
        from hedgerow.model.codec import NAMES, encode

        kind, self._at_ns = NAMES[type(record)], max(self._at_ns, record.at_ns)
        if kind in KINDS or kind == "answer":
            for one in self._teller.heard(kind, record.at_ns, encode(record)):
                self._tell(one)

    def notice(self, words: str) -> None:
        """Say something that is in no row."""
        from hedgerow.faces.happenings import Happening

        self._tell(Happening(self._at_ns, "notice", words))

    def end(self) -> None:
        """Say what was still to be summed up."""
        for one in self._teller.rest():
            self._tell(one)

    def _tell(self, one: Happening) -> None:
        if self._waiting is not None:
            self._waiting.append(one)
        elif self.plain:
            from hedgerow.faces.happenings import moment

            with suppress(BrokenPipeError):  # nobody reads on: that is no reason to stop an engine
                text.say(f"{moment(one.at_ns)}  {one.text}" if one.at_ns else one.text)
                text.flush()
        else:
            if one.kind == "funding" and self.last and self.last[-1].kind == "funding":
                self.last.pop()  # day by day it would push out all else
            self.last.append(one)


def _drive(floor: Floor, portfolio: str, journal: SqlJournal, signals: Signals, log: Log, pace: str) -> None:
    """Run until the tape ends or somebody stops it."""
    import asyncio

    from hedgerow import wire
    from hedgerow.engine.drive import drive
    from hedgerow.faces.helm import Desk, Inbox, Standing

    pump = floor.pump
    inbox, desk = Inbox(pump.engine, wire.inbox(portfolio), signals, log.notice), Desk(pump.engine, journal)
    standing = Standing(pump.engine, portfolio, pace)
    with ExitStack() as stack:
        screen = None
        if not log.plain:
            from hedgerow.faces.terminal import Screen

            screen = stack.enter_context(Screen(standing.record, log.last))
        log.begin(floor.rows, pump.engine.universe.quote)
        committed = time.monotonic()

        def stopping() -> bool:
            nonlocal committed
            standing.look()
            standing.write(log.notice)
            if screen is not None:
                screen.draw()
            if time.monotonic() - committed > COMMITTED:  # also where nothing happens: it keeps the lease
                pump.commit()
                committed = time.monotonic()
            return bool(signals.stop)

        async def whole() -> None:
            await pump.send([], floor.venue)
            await drive(pump, floor.venue, inbox=lambda: chain(desk(), inbox()), stopping=stopping)

        asyncio.run(whole())
    log.end()
    standing.write(log.notice, now=True)


def status(portfolio: Portfolio = "main", to: options.Json = None) -> None:
    """How a portfolio stands: value, weights, hedges, the open plan, orders, alerts; and whether an engine runs it."""
    from hedgerow import wire
    from hedgerow.faces import helm
    from hedgerow.faces.text_engine import age, show_status, unwatched

    record = helm.read_status(portfolio)
    journal = wire.journal(portfolio)
    try:
        running = helm.is_run(journal)
    finally:
        journal.close()
    seconds = max(0.0, (time.time_ns() - record["written_ns"]) / 1e9)
    left = unwatched(record)
    record |= {"running": running, "age_s": round(seconds, 1), "unwatched": [] if running else left}
    if running:
        record["engine"] = f"An engine runs it (process {record['pid']}); this was written {age(seconds)}."
    else:
        lost = f": {'; '.join(left)}" if left else "; nothing is open that would need it"
        record["engine"] = f"NO engine runs it, this is how it stood {age(seconds)}{lost}."
    text.emit(record, to, lambda: show_status(record))
