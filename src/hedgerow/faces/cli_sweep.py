"""The command that tries a policy in many settings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.run_options import Assets, Capital, End, Folder, PolicyName, Report, Start, Targets, Views, Workers

if TYPE_CHECKING:
    from hedgerow.faces.sweep_record import Outcome
    from hedgerow.model.policy import Policy
    from hedgerow.model.report import Run
    from hedgerow.research.sweep import Crew, Job, Sweep
    from hedgerow.research.trials import Log
    from hedgerow.research.vary import Build, Space
    from hedgerow.wire import Recorded


Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="KEY=VALUES",
        help="A cell of the policy and its values: KEY=START:STOP:STEP, both ends included, or KEY=a,b,c. Units as in a policy "
        "file (pp, %, bp, %/yr, d, x): trim.drift.threshold=5pp:15pp:1pp, hedge.vol.median_floor=true,false. "
        "May be repeated: all combinations.",
        show_default=False,
    ),
]
Search = Annotated[
    str,
    typer.Option(
        metavar="grid|random|tpe|cmaes", help="All combinations, some by lot, or what earlier ones make promising."
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Settings to try, at most; with grid, the most combinations that are accepted.",
        show_default="100; grid: 10,000",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of random, tpe and cmaes.")]
Objective = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What the best is best in: sharpe, sortino, calmar, cagr, value, max_drawdown, cvar_95 (higher is better; falls are "
        "negative), volatility, ulcer, cost_per_year (lower).",
    ),
]
Tolerance = Annotated[
    str,
    typer.Option(metavar="SHARE", help="How far below the best objective a plateau may lie, as a share of it, in %."),
]
Address = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Let a Dask cluster run the settings: where its scheduler listens, as tls://10.0.0.1:8786, or local, which starts a "
        "worker of its own. The results and the log are the same. Needs the extra hedgerow[cluster].",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("sweep")(sweep)


def _cluster(address: str, workers: int) -> str:
    """What must be said of a cluster before it is used. Raises ConfigError where it cannot be used, or not with workers."""
    if not address:
        return ""
    from hedgerow.research import cluster

    if workers and address != cluster.LOCAL:
        fix = "Leave it out: each worker of the cluster has the threads that it was started with."
        raise ConfigError("these are of this machine, and the cluster runs elsewhere", where="--workers", fix=fix)
    return cluster.check(address)


def _tolerance(written: str) -> float:
    from hedgerow.units import parse

    try:
        value = parse(written, "%")
        if not 0.0 <= value < 1.0:
            raise ValueError
    except ValueError:
        fix = 'Write a share from 0 % to below 100 %, as "5 %".'
        raise ConfigError(f'"{written}" is no tolerance', where="--tolerance", fix=fix) from None
    return value


def sweep(
    vary: Vary,
    policy: PolicyName = "balanced",
    data: Folder = Path(),
    assets: Assets = "BTC,ETH",
    targets: Targets = "",
    start: Start = "",
    end: End = "",
    capital: Capital = 100_000.0,
    views: Views = None,
    search: Search = "grid",
    trials: Trials = None,
    seed: Seed = 0,
    objective: Objective = "sharpe",
    tolerance: Tolerance = "5 %",
    workers: Workers = 0,
    cluster: Address = "",
    report: Report = None,
    to: options.Json = None,
) -> None:
    """Try a policy in many settings over recorded data; show the best few beside the policy as it is, and how far they carry.

    Each setting is the single backtest, bit for bit, without benchmarks. Every trial is logged under HEDGEROW_HOME/trials as it
    ends; a sweep that was stopped goes on where it was. The best of many settings flatters itself: look at the plateau.
    """
    options.apart({"--json": to, "--report": report}, {"--policy": Path(policy), "--views": views})
    said = _cluster(cluster, workers)
    asked = _Asked(
        policy,
        tuple(vary),
        search,
        trials,
        seed,
        objective,
        _tolerance(tolerance),
        run_options.processors(workers),
        cluster,
    )
    if said:
        typer.echo(said, err=True)
    weights = run_options.targets(targets)
    market = _Market(data, options.names(assets, "--assets"), weights, start, end, capital, views)
    outcome = run_sweep(asked, market, quiet=str(to) == text.STDOUT)
    from hedgerow.faces import sweep_record, text_sweep

    if report is not None:
        from hedgerow.faces.sweep_page import write

        write(outcome, report)
    record = sweep_record.sweep_record(outcome) if to is not None else None
    text.emit(record, to, lambda: text_sweep.show(outcome))
    if report is not None and str(to) != text.STDOUT:
        text.print_path(report)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options that say what is tried."""

    policy: str
    vary: tuple[str, ...]
    search: str
    trials: int | None
    seed: int
    objective: str
    tolerance: float
    workers: int
    cluster: str


@dataclass(frozen=True, slots=True)
class _Market:
    """The options that say over what."""

    data: Path
    assets: tuple[str, ...]
    targets: dict[str, float] | None
    start: str
    end: str
    capital: float
    views: Path | None

    def recorded(self, name: str, policy: Policy) -> Recorded:
        """The data that the options name."""
        from hedgerow import wire

        with options.renamed(start="--start", end="--end", assets="--assets"):
            days = run_options.day(self.start, "--start"), run_options.day(self.end, "--end")
            recorded = wire.recorded(self.data, self.assets, *days)
        run_options.refuse_inverse(name, policy, recorded)
        return recorded


def run_sweep(asked: _Asked, market: _Market, *, quiet: bool) -> Outcome:
    """What ``sweep`` does before it shows anything. What can be refused is refused before the data is read."""
    from hedgerow import policies, wire
    from hedgerow.research import search, vary

    search.check_objective(asked.objective)
    known, build = policies.builder(asked.policy, "--policy")
    space = vary.space_of(asked.vary, known)
    batches = search.batches(space, asked.search, asked.trials, asked.seed)
    vary.check(space, build)
    planned = search.planned(space, asked.search, asked.trials)
    with text.working("Sweep", quiet=quiet) as say:
        say("reading the data")
        recorded = market.recorded(asked.policy, build({}))
        bars = recorded.market.open_ns.shape[0] * len(market.assets)
        wire.prepare(bars * (planned + 1), text.always(say))
        from hedgerow.research import sweep as sweeping
        from hedgerow.research.trials import Log, ever

        job = _job(build, recorded, market)
        say("the policy as it is")
        base = job.run({})  # compiles, before there are threads
    folder, begun = wire.home() / "trials", time.perf_counter()
    log = Log(folder, _head(asked, market, job, space))
    result, read = sweeping.Sweep(space, asked.objective, log), 0
    try:
        with _crew(asked, job, space, log) as crew, text.counting("Sweep", planned, quiet=quiet) as tell:

            def told(done: int, known: int) -> None:
                nonlocal read
                read = known
                tell(done)

            sweeping.sweep(result, batches, crew, tell=told)
            threads = crew.last  # what is done needs nobody any more
    except KeyboardInterrupt:
        typer.echo(f"{log.path} keeps what is done; the same command goes on from there.", err=True)
        raise
    finally:
        log.close()
    seconds = time.perf_counter() - begun
    counts = ever(folder, base.policy, tuple(axis.key for axis in space.axes))
    return _outcome(asked, job, result, base, counts, (read, seconds, threads))


@contextmanager
def _crew(asked: _Asked, job: Job, space: Space, log: Log) -> Iterator[Crew]:
    """Who runs the settings."""
    from hedgerow import wire
    from hedgerow.research import cluster
    from hedgerow.research import sweep as sweeping

    if not asked.cluster:
        with sweeping.Threads(job, space, asked.workers) as threads:
            yield threads
        return
    with cluster.crew(
        asked.cluster, job, space, sweep=log.path.stem, workers=asked.workers, ready=wire.ready,
        say=lambda line: typer.echo(line, err=True), scratch=wire.home() / "cache" / "dask",
    ) as far:  # fmt: skip
        yield far


def _job(build: Build, recorded: Recorded, market: _Market) -> Job:
    """What every setting is run with. It is made of functions of modules, so that another process can be sent it."""
    from hedgerow import wire
    from hedgerow.kernel.rules import target_weights
    from hedgerow.research.sweep import Job
    from hedgerow.store.views import read_views

    views = () if market.views is None else read_views(market.views)
    quote = recorded.market.universe.quote
    weights = partial(target_weights, assets=market.assets, targets=market.targets, quote=quote)
    return Job(build, partial(wire.stage_of, recorded, views=views), weights, market.capital)


def _head(asked: _Asked, market: _Market, job: Job, space: Space) -> dict[str, Any]:
    """All that a sweep's trials depend on: the first line of its log, and what its id is a hash of."""
    from hedgerow.research import sweep as sweeping

    policy = job.build({})
    stage = job.stage_for(policy)
    head: dict[str, Any] = {
        "hedgerow": sweeping.engine(),
        "policy": policy.name,
        "rules": policy.model_dump(mode="json"),
        "vary": {axis.key: list(axis.values) for axis in space.axes},
        "assets": list(market.assets),
        "days": [int(stage.market.days_ns[0]), int(stage.market.days_ns[-1])],
        "data": sweeping.digest(stage),
        "capital": market.capital,
        "targets": market.targets,
        "search": asked.search,
        "seed": 0 if asked.search == "grid" else asked.seed,
    }
    return head | ({"objective": asked.objective} if asked.search in ("tpe", "cmaes") else {})


def _outcome(
    asked: _Asked, job: Job, result: Sweep, base: Run, ever: Mapping[str, int], spent: tuple[int, float, int]
) -> Outcome:
    from hedgerow.faces.sweep_record import Outcome
    from hedgerow.research.plateau import plateaus
    from hedgerow.research.sweep import figures_of

    ranked = result.ranked(1)
    best = result.setting(ranked[0]) if ranked else None
    return Outcome(
        sweep=result.log.path.stem, result=result, base=base, base_cells=_now(job.build({}), result.space),
        base_figures=figures_of(base, legs=len(base.legs), refusals=len(base.refusals)),
        best=None if best is None else job.run(result.space.cells(best)),
        plateaus=[] if best is None else plateaus(result.space, best, result.score, asked.tolerance),
        tolerance=asked.tolerance, search=asked.search, seed=asked.seed, ever=ever, read=spent[0], seconds=spent[1],
        workers=spent[2], log=result.log.path,
    )  # fmt: skip


def _now(policy: Policy, space: Space) -> dict[str, str]:
    """What the varied cells are in the policy as it is, as a file writes them."""
    from hedgerow.faces.policy_words import walk

    cells = {cell.path: str(cell.value).lower() if isinstance(cell.value, bool) else cell.text for cell in walk(policy)}
    return {axis.key: cells.get(axis.key, "") for axis in space.axes}
