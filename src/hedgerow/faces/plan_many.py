"""Deciding for many portfolios: a folder of portfolio files or a table of them, one market a set of coins, plans as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hedgerow.errors import ConfigError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.portfolio_file import Served, read_portfolio, refuse_targets, refuse_unserved

if TYPE_CHECKING:
    from hedgerow.faces.portfolio_table import Table
    from hedgerow.model.policy import Policy
    from hedgerow.model.portfolio import Portfolio
    from hedgerow.research.decision import Seat
    from hedgerow.research.many import Chunk, Done, Planned, Seats

FILES: Final = 500  # of a chunk
EACH: Final = 5  # holdings and positions of a file, roughly
WORK: Final = 12  # asset-bars that a holding's part of a plan takes, roughly
DAYS: Final = 1_000  # asset-bars of the days before, roughly


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be decided: ``portfolios`` is a folder of *.toml or a .parquet table, ``targets`` weights for all of them.

    ``name`` is how the policy was called, ``at`` the day (none: the last that a portfolio's coins have in common).
    """

    policy: Policy
    name: str
    portfolios: Path
    data: Path
    at: date | None = None
    targets: Mapping[str, float] | None = None
    views: Path | None = None


class Job:
    """Many portfolios that may be read. Raises ConfigError where the folder, the table or the data is none."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.served = Served.by(asked.data)
        self.files: list[str] = []  # names of the files of a folder, in order
        self.table: Table | None = None
        if asked.portfolios.is_dir():
            self.files = sorted(path.name for path in asked.portfolios.iterdir() if path.suffix == ".toml")
            if not self.files:
                fix = "Put a *.toml in it for each portfolio, as plan --portfolio reads."
                raise ConfigError("there is no portfolio file in it", where=str(asked.portfolios), fix=fix)
        elif not asked.portfolios.exists():
            fix = "Name a folder of portfolio files (*.toml), or a table of portfolios (.parquet)."
            raise ConfigError("there is no such file or folder", where=str(asked.portfolios), fix=fix)
        elif asked.portfolios.suffix.lower() != ".parquet":
            fix = (
                "Name a folder of portfolio files (*.toml), or a table of portfolios (.parquet); one file: --portfolio."
            )
            raise ConfigError("neither a folder nor a .parquet", where=str(asked.portfolios), fix=fix)
        else:
            from hedgerow.faces.portfolio_table import open_table

            self.table = open_table(asked.portfolios)
        self.seats: Seats | None = None

    def __len__(self) -> int:
        return len(self.files) if self.table is None else self.table.portfolios

    @property
    def asset_bars(self) -> int:
        """How much work it is, as ``wire.prepare`` counts."""
        holdings = len(self.files) * EACH if self.table is None else self.table.holdings
        return holdings * WORK + DAYS * EACH

    def done(self, *, workers: int = 1) -> Iterator[Done]:
        """Decide, chunk by chunk. ``wire.prepare`` has chosen compiler or interpreter before."""
        from hedgerow.research import many

        self.seats = many.Seats(self._seat, self.asked.targets)
        return many.decide(self._chunks(), self.seats, workers=workers)

    def _chunks(self) -> Iterable[Chunk]:
        if self.table is None:
            return (self._folder(self.files[i : i + FILES]) for i in range(0, len(self.files), FILES))
        from hedgerow.faces.portfolio_table import chunks

        return chunks(self.table, self.served, self.asked.targets)

    def _folder(self, files: list[str]) -> Chunk:
        from hedgerow.research.many import Chunk, parts_of

        read: dict[int, Portfolio] = {}
        errors: dict[int, ConfigError] = {}
        places = [_spelt(str(self.asked.portfolios / file)) for file in files]
        for n, (file, place) in enumerate(zip(files, places, strict=True)):
            try:
                held = read_portfolio(self.asked.portfolios / file)
                refuse_unserved(held, place, self.served)
                refuse_targets(self.asked.targets or (), held.assets(), held.head.quote, place)
                read[n] = held
            except ConfigError as error:
                errors[n] = error
        return Chunk([_spelt(Path(file).stem) for file in files], places, parts_of(read), errors)

    def _seat(self, assets: tuple[str, ...], quote: str) -> Seat:
        """The market of a set of coins on the day asked for, as ``plan --portfolio`` makes it."""
        from hedgerow import wire
        from hedgerow.kernel.rules import target_weights
        from hedgerow.research.decision import bare, seat_for

        asked = self.asked
        with options.renamed(start="--at", end="--at"):
            moment = asked.at or wire.last_day(asked.data, assets)
            recorded = wire.recorded(asked.data, assets, moment, moment, quote)
        run_options.refuse_inverse(asked.name, asked.policy, recorded)
        stage = wire.stage_of(recorded, [asked.policy], asked.views)
        weights = target_weights(asked.policy, assets, dict(asked.targets) if asked.targets else None, quote)
        return bare(seat_for(asked.policy, stage, weights))


def _spelt(name: str) -> str:
    """A file's name as text that can be written: bytes of it that are not UTF-8 by their numbers."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def prepare(job: Job, tell: text.Tell = lambda _: None) -> None:
    """Choose compiler or interpreter for a job."""
    from hedgerow import wire

    wire.prepare(job.asset_bars, tell, "many.decide_many")


def plan_many(
    policy: Policy,
    portfolios: Path,
    data: Path,
    *,
    at: date | None = None,
    targets: Mapping[str, float] | None = None,
    views: Path | None = None,
    workers: int = 1,
) -> Iterator[Planned]:
    """The plan of every portfolio of a folder (*.toml) or a table (.parquet), in its order, as they are decided.

    Each is what ``hedgerow plan --portfolio`` finds at the close of ``at``, bit for bit; a portfolio that cannot be decided has
    an ``error`` in its place. ``targets`` are weights for all of them, ``views`` a views file. Raises ConfigError where folder,
    table or data cannot be read at all.
    """
    from hedgerow import wire

    job = Job(Asked(policy, policy.name, portfolios, data, at, targets, views))
    wire.ready(job.asset_bars)
    return (plan for done in job.done(workers=workers) for plan in done.plans())
