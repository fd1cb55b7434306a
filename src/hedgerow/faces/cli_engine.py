"""The engine itself: run a portfolio on paper, look at it, and play its journal again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.run_options import Assets, Capital, End, Folder, PolicyName, Start, Targets

if TYPE_CHECKING:
    from hedgerow.engine.engine import Engine

POLL: Final = 0.2  # seconds between two looks at the inbox
WRITTEN: Final = 1.0  # seconds between two status files
Portfolio = Annotated[str, typer.Option("--portfolio", metavar="NAME", help="Which portfolio.")]


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


def mandate_table(path: Path | None, *, auto: bool) -> dict[str, Any]:
    """The mandate of a file, checked. Raises ConfigError."""
    import tomllib

    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("mandate", {})
        except (OSError, ValueError) as error:
            raise ConfigError(f"it cannot be read: {error}", where=str(path), fix="Write a table [mandate].") from None
    from hedgerow.engine.translate import mandate_of

    made = mandate_of(table | ({"autonomy": "auto"} if auto else {}))
    return made.model_dump(mode="json", exclude_defaults=True)


def run(
    policy: PolicyName = "balanced",
    world: Annotated[str, typer.Option(metavar="paper", help="paper: recorded prices, a simulated venue.")] = "paper",
    data: Folder = Path(),
    assets: Assets = "BTC,ETH",
    targets: Targets = "",
    start: Start = "",
    end: End = "",
    capital: Capital = 100_000.0,
    speed: Annotated[
        str, typer.Option(metavar="1000x", help="Times the pace of the recording.", show_default="as fast as it goes")
    ] = "",
    mandate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml", help="What the engine may do by itself: a table [mandate].", show_default=False
        ),
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Carry plans out without asking.")] = False,
    portfolio: Portfolio = "main",
) -> None:
    """Run a portfolio on paper: decide, plan, wait for approval, order, account, with every step in the journal.

    Recorded prices are played to a simulated venue. The same command goes on where the journal ends, whatever ended it.
    Approve plans from another terminal: hedgerow plans, hedgerow approve. Interrupt it to stop between two events.
    """
    if world != "paper":
        raise ConfigError(
            f'the world "{world}" is not there', where="--world", fix="This version trades on paper only."
        )
    from hedgerow import policies, wire

    subject, pace = policies.chosen(policy, "--policy"), _pace(speed)
    names = options.names(assets, "--assets")
    with text.working("Run", 2) as tell:
        tell("reading the data")
        with options.renamed(start="--start", end="--end", assets="--assets"):
            recorded = wire.recorded(data, names, run_options.day(start, "--start"), run_options.day(end, "--end"))
        run_options.refuse_inverse(policy, subject, recorded)
        wire.prepare(recorded.market.open_ns.shape[0] * len(names), text.always(tell), "turn.turn")
        from hedgerow.kernel.rules import target_weights

        weights = target_weights(subject, names, run_options.targets(targets), recorded.market.universe.quote)
        terms = mandate_table(mandate, auto=auto)
        journal = wire.journal(portfolio, write=True)
        try:
            tell("taking the portfolio up")
            floor = wire.paper(
                recorded, subject, weights, Decimal(repr(capital)), terms, journal, speed=pace, tell=_Teller()
            )
        except BaseException:
            journal.close()
            raise
    try:
        _drive(floor, portfolio)
    finally:
        journal.close()
    text.say(f"Stopped at row {journal.head.seq}; the same command goes on from there.")


class _Teller:
    """Says what happens, a line each."""

    def __call__(self, record: Any) -> None:
        from hedgerow.faces.text_engine import moment, sentence
        from hedgerow.model.codec import NAMES, encode

        kind = NAMES[type(record)]
        if kind != "order" and (words := sentence(kind, json.loads(encode(record)))):
            text.say(f"{moment(record.at_ns)}  {words}")


def _drive(floor: Any, portfolio: str) -> None:
    """Run until the tape ends or somebody stops it."""
    import asyncio

    from hedgerow import wire
    from hedgerow.engine.drive import drive

    if floor.rows:
        text.say(f"{text.counted(floor.rows, 'row')} of the journal taken up.")
    engine: Engine = floor.pump.engine
    stopped: list[int] = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, frame: stopped.append(number))
    halts: list[str] = []
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda number, frame: halts.append("signal"))
    inbox = _inbox(engine, wire.inbox(portfolio), halts)
    note = _status_writer(engine, portfolio)

    def stopping() -> bool:
        note(False)
        return bool(stopped)

    async def whole() -> None:
        await floor.pump.send([], floor.venue)
        await drive(floor.pump, floor.venue, inbox=inbox, stopping=stopping)

    asyncio.run(whole())
    note(True)


def _inbox(engine: Engine, folder: Path, halts: list[str]) -> Callable[[], Iterator[Any]]:
    """What operators said since the last look; each is removed when the next is asked for, so that none is lost."""
    from hedgerow.model.codec import decode
    from hedgerow.model.mandate import State
    from hedgerow.store import inbox

    inbox.make_ready(folder)
    looked = [0.0]

    def commands() -> Iterator[Any]:
        if time.monotonic() - looked[0] < POLL and not halts:
            return
        looked[0] = time.monotonic()
        by = halts.pop() if halts else "file" if inbox.halted(folder) else ""
        if by and engine.state is not State.HALTED:
            yield _command(engine, f"{by}-{engine.now_ns}", {"verb": "halt", "who": by})
        for name, said in inbox.waiting(folder):
            try:
                command = decode("command", json.dumps(said | {"id": name, "at_ns": engine.now_ns}))
            except Exception as error:  # noqa: BLE001 (whatever it is, it is no command, and the engine goes on)
                text.say(f"{name} is no command: {error}")
                inbox.taken(folder, name)
                continue
            yield command
            inbox.taken(folder, name)

    return commands


def _command(engine: Engine, name: str, said: dict[str, Any]) -> Any:
    from hedgerow.model.command import Command

    return Command(engine.now_ns, name, **said)


def status_path(portfolio: str) -> Path:
    """Where a running engine notes how its portfolio stands."""
    from hedgerow import wire

    return wire.home() / "journal" / f"status-{portfolio}.json"


def _status_writer(engine: Engine, portfolio: str) -> Callable[[bool], None]:
    from hedgerow.engine.summary import summary

    path, last = status_path(portfolio), [0.0]

    def write(now: bool) -> None:
        if not now and time.monotonic() - last[0] < WRITTEN:
            return
        last[0] = time.monotonic()
        record = summary(engine) | {"portfolio": portfolio, "written_ns": time.time_ns(), "pid": os.getpid()}
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(text.plain(record), file, allow_nan=False)
        part.replace(path)

    return write


def status(portfolio: Portfolio = "main", to: options.Json = None) -> None:
    """How a portfolio stands: value, weights, hedges, the open plan, orders, alerts; and whether an engine runs it."""
    from hedgerow import wire
    from hedgerow.faces.text_engine import show_status

    path = status_path(portfolio)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "nothing is known of it", where=portfolio, fix="Start it: hedgerow run --portfolio NAME."
        ) from None
    journal = wire.journal(portfolio)
    try:
        held = journal.held()
    finally:
        journal.close()
    from hedgerow.store.lease import is_dead

    age = max(0.0, (time.time_ns() - record["written_ns"]) / 1e9)
    running = (
        held is not None and bool(held.holder) and not is_dead(held) and time.time_ns() < held.beat_ns + held.ttl_ns
    )
    record["running"], record["age_s"] = running, round(age, 1)
    record["engine"] = (
        f"An engine runs it (process {record['pid']}); this was written {age:.0f} s ago."
        if running
        else f"NO engine runs it: nothing is watched or traded since this was written, {age:,.0f} s ago."
    )
    text.emit(record, to, lambda: show_status(record))
