"""Commands that decide: backtest, plan, explain, demo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options, run_options, text
from hedgerow.faces.portfolio_file import Served, read_portfolio, refuse_targets, refuse_unserved
from hedgerow.faces.run_options import Assets, Capital, End, Folder, PolicyName, Report, Start, Targets, Views, Workers
from hedgerow.units import NS_PER_SECOND, parse

if TYPE_CHECKING:
    from hedgerow.model.report import Comparison
    from hedgerow.research.backtest import Stage

At = Annotated[
    str,
    typer.Option("--at", metavar="DATE", help="Decide at the close of this daily bar (UTC).", show_default="last bar"),
]
PortfolioFile = Annotated[
    Path | None,
    typer.Option(
        "--portfolio", metavar="FILE", help="A portfolio file (TOML): spot, cost, futures.", show_default=False
    ),
]
PortfolioFiles = Annotated[
    Path | None,
    typer.Option(
        "--portfolios",
        metavar="DIR|FILE.parquet",
        help="Many portfolios at once: a folder of portfolio files (*.toml), or a table with a row a holding.",
        show_default=False,
    ),
]
Legs = Annotated[
    Path | None,
    typer.Option(
        "--legs",
        metavar="FILE",
        callback=options.leg_file,
        help="With --portfolios: write every leg as a row (.parquet or .csv).",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command("backtest")(backtest)
    app.command("plan")(plan)
    app.command("explain")(explain)
    app.command("demo")(demo)


def backtest(
    policy: PolicyName = "balanced",
    data: Folder = Path(),
    assets: Assets = "BTC,ETH",
    targets: Targets = "",
    start: Start = "",
    end: End = "",
    capital: Capital = 100_000.0,
    views: Views = None,
    report: Report = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="FILE",
            callback=options.event_file,
            help="Write what happened to the money (.jsonl or .csv), for hedgerow statement and tax.",
            show_default=False,
        ),
    ] = None,
    deleverage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TIME=SHARE",
            help="Scenario: the venue closes this share of every short in profit (auto-deleveraging) at the bar that holds "
            "this time (UTC), as 2021-05-19T13:00=50%. May be repeated.",
            show_default=False,
        ),
    ] = None,
    to: options.Json = None,
) -> None:
    """Run a policy over recorded data beside its benchmarks B0-B8, net of fees, spread, impact and funding.

    Signals use completed daily bars; fills happen at the next bar's open; margin is watched on the finest bars there are.
    """
    written = {"--json": to, "--report": report, "--events": events}
    options.apart(written, {"--policy": Path(policy), "--views": views})
    comparison = run_backtest(
        policy, data, options.names(assets, "--assets"), targets, start, end, capital, views, deleverage or (),
        quiet=str(to) == text.STDOUT,
    )  # fmt: skip
    if events is not None:
        from hedgerow.store.events import write_events

        write_events(events, comparison.events, comparison.subject.quote, simulated=comparison.subject.simulated)
    _finish(comparison, report, to)
    if events is not None and str(to) != text.STDOUT:
        text.print_path(events)


def run_backtest(
    policy: str,
    data: Path,
    assets: tuple[str, ...],
    targets: str,
    start: str,
    end: str,
    capital: float,
    views: Path | None = None,
    deleverage: Sequence[str] = (),
    *,
    quiet: bool = False,
) -> Comparison:
    """The policy's run, whose head is shown at once unless ``quiet``, and then everything beside it."""
    from hedgerow import policies, wire
    from hedgerow.faces.text_run import show_head

    subject = policies.chosen(policy, "--policy")
    with text.working("Backtest", 3) as tell:
        tell("reading the data")
        with options.renamed(start="--start", end="--end", assets="--assets"):
            recorded = wire.recorded(data, assets, run_options.day(start, "--start"), run_options.day(end, "--end"))
        run_options.refuse_inverse(policy, subject, recorded)
        asset_bars = recorded.market.open_ns.shape[0] * len(assets)
        wire.prepare(asset_bars * 10, text.always(tell))
        from hedgerow.kernel.rules import target_weights
        from hedgerow.research.backtest import deleveraged
        from hedgerow.research.compare import begin, compare

        others = wire.benchmarks()
        weights = target_weights(subject, assets, run_options.targets(targets), recorded.market.universe.quote)

        def measured() -> Stage:
            stage = wire.stage_of(recorded, [subject, *others.values()], views)
            return deleveraged(stage, _shares(deleverage)) if deleverage else stage

        with wire.first(asset_bars) as interpreted:
            tell("measuring the market")
            stage = measured()
            tell(subject.name)
            begun = begin(subject, stage, capital=capital, weights=weights)
    if not quiet:
        show_head(begun[0])
        text.flush()
    with text.working("Backtest", 13) as tell:
        if interpreted:
            measured()  # compiles the signals, so that the next command finds them compiled as it finds the kernel
        return compare(subject, others, stage, capital=capital, weights=weights, progress=tell, begun=begun)


def _finish(comparison: Comparison, report: Path | None, to: Path | None) -> None:
    from hedgerow.faces import records, text_run

    def show() -> None:
        text_run.show_rest(comparison)

    if report is not None:  # before the rest is shown: a reader that leaves (| head) takes nothing with him
        write_report(comparison, report)
    if to is not None:
        text.emit(records.backtest_record(comparison), to, show)
    else:
        show()
    if report is not None and str(to) != text.STDOUT:
        text.print_path(report)


def write_report(comparison: Comparison, path: Path) -> None:
    """Write the HTML page of a backtest."""
    from hedgerow.faces.report import write

    run = comparison.subject
    write(comparison, path, title=f"{run.title} on {', '.join(run.assets)}")


def plan(
    context: typer.Context,
    policy: PolicyName = "balanced",
    portfolio: PortfolioFile = None,
    portfolios: PortfolioFiles = None,
    data: Folder = Path(),
    at: At = "",
    targets: Targets = "",
    views: Views = None,
    workers: Workers = 0,
    legs: Legs = None,
    to: options.Json = None,
) -> None:
    """What to do now with a portfolio, why, and at what cost; with what -20 % and +20 % would do before and after.

    With --portfolios, for many in one go: each as for itself. Those that cannot be decided are listed, the others are decided, and
    the exit code is 2.
    """
    inputs = {"--policy": Path(policy), "--portfolio": portfolio, "--portfolios": portfolios, "--views": views}
    options.apart({"--json": to, "--legs": legs}, inputs)
    if portfolios is not None:
        if portfolio is not None:
            raise ConfigError("one portfolio and many are named", where="--portfolio", fix="Leave out one of the two.")
        from hedgerow.faces.cli_many import plan_portfolios

        threads = run_options.processors(workers)
        plan_portfolios(policy, portfolios, data, at, targets, views, threads, to, legs)
        return
    idle = options.given(context, "workers", "legs")
    if idle:
        raise ConfigError("only used with --portfolios", where=", ".join(idle), fix=f"Leave out {', '.join(idle)}.")
    if portfolio is None:
        raise ConfigError(
            "no portfolio is named",
            where="--portfolio",
            fix="Write a file with [spot.BTC] amount = 1 and name it here.",
        )
    from hedgerow.faces import records, text_run

    decision = _decide(policy, portfolio, data, at, targets, views)
    text.emit(records.decision_record(decision, stages=False), to, lambda: text_run.show_plan(decision))


def explain(
    context: typer.Context,
    policy: PolicyName = "balanced",
    data: Folder = Path(),
    at: At = "",
    portfolio: PortfolioFile = None,
    assets: Assets = "BTC,ETH",
    targets: Targets = "",
    start: Start = "",
    capital: Capital = 100_000.0,
    views: Views = None,
    to: options.Json = None,
) -> None:
    """The decision of one day, stage by stage: every vote, threshold and refusal.

    With --portfolio, the decision for that portfolio; without, that of a backtest from --start.
    """
    from hedgerow.faces import records, text_run

    options.apart({"--json": to}, {"--policy": Path(policy), "--portfolio": portfolio, "--views": views})
    if portfolio is not None:
        idle = options.given(context, "assets", "start", "capital")
        if idle:
            message = "not used with --portfolio, where the file says what is held, and --at the day"
            raise ConfigError(message, where=", ".join(idle), fix=f"Leave out {', '.join(idle)}, or --portfolio.")
        decision = _decide(policy, portfolio, data, at, targets, views)
    else:
        decision = _explain_backtest(
            policy, data, options.names(assets, "--assets"), targets, start, at, capital, views
        )
    text.emit(records.decision_record(decision, stages=True), to, lambda: text_run.show_explanation(decision))


def _explain_backtest(
    policy: str,
    data: Path,
    assets: tuple[str, ...],
    targets: str,
    start: str,
    at: str,
    capital: float,
    views: Path | None,
) -> Any:
    from hedgerow import policies, wire

    subject = policies.chosen(policy, "--policy")
    with text.working("Explain") as tell:
        tell("reading the data")
        with options.renamed(start="--start", end="--at", assets="--assets"):
            recorded = wire.recorded(data, assets, run_options.day(start, "--start"), run_options.day(at, "--at"))
        run_options.refuse_inverse(policy, subject, recorded)
        wire.prepare(recorded.market.open_ns.shape[0] * len(assets), text.always(tell))
        from hedgerow.kernel.rules import target_weights
        from hedgerow.research.decision import explain_day

        stage = wire.stage_of(recorded, [subject], views)
        weights = target_weights(subject, assets, run_options.targets(targets), recorded.market.universe.quote)
        return explain_day(subject, stage, capital=capital, weights=weights)


def _decide(policy: str, portfolio: Path, data: Path, at: str, targets: str, views: Path | None = None) -> Any:
    from hedgerow import policies, wire

    subject, held = policies.chosen(policy, "--policy"), read_portfolio(portfolio)
    file, assets, given = str(portfolio), held.assets(), run_options.targets(targets)
    refuse_unserved(held, file, Served.by(data))
    refuse_targets(given or (), assets, held.head.quote, file)
    with (
        text.working("Plan") as tell,
        options.renamed(
            start="--at",
            end="--at",
            **{f'futures."{symbol}"': f'{file}: futures."{symbol}"' for symbol in held.futures},
        ),
    ):
        tell("reading the data")
        moment = run_options.day(at, "--at") or wire.last_day(data, assets)
        recorded = wire.recorded(data, assets, moment, moment, held.head.quote)
        run_options.refuse_inverse(policy, subject, recorded)
        wire.prepare(len(assets) * 1_000, text.always(tell), "warm_up")
        from hedgerow.kernel.rules import target_weights
        from hedgerow.research.decision import plan_for

        stage = wire.stage_of(recorded, [subject], views)
        with options.renamed(**({} if given else {"--targets": f"{file}: targets"})):
            weights = target_weights(subject, assets, given or dict(held.targets) or None, held.head.quote)
        return plan_for(subject, stage, held, weights)


def demo(
    days: Annotated[int, typer.Option(min=60, max=4_000, help="Days of simulated market.")] = 1_095,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 7,
    scenario: Annotated[
        str, typer.Option(help="Scenario of the simulated market (hedgerow data simulate --list).")
    ] = "cycle",
    to: options.Json = None,
) -> None:
    """The main job on a SIMULATED market: a backtest against all benchmarks, a plan for a sample portfolio, and a report."""
    from hedgerow import wire
    from hedgerow.faces import text_run

    folder = wire.demo_market(days, seed, scenario)
    assets = ("BTC", "ETH", "BNB", "SOL", "XRP")
    text.say("SIMULATED MARKET: every price below was made from a seed; nothing here happened.", style="bold")
    comparison = run_backtest(
        "balanced", folder, assets, "", wire.DEMO_START.isoformat(), "", 100_000.0, quiet=str(to) == text.STDOUT
    )
    page = wire.home() / "reports" / f"demo-{scenario}-{seed}-{days}.html"
    write_report(comparison, page)
    _finish(comparison, None, to)
    text.heading("A plan for the sample portfolio (SIMULATED MARKET)")
    text_run.show_plan(_decide("balanced", wire.demo_portfolio(folder), folder, "", ""))
    text.heading("The report")
    text.print_path(page)


def _shares(written: Sequence[str]) -> dict[int, float]:
    """``2021-05-19T13:00=50%`` as time in ns -> fraction. Raises ConfigError with the fix."""
    shares = {}
    for item in written:
        when, _, share = item.partition("=")
        try:
            at = datetime.fromisoformat(when.strip())
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            fraction = parse(share.strip(), "%")
            if not 0.0 < fraction <= 1.0:
                raise ValueError
        except ValueError:
            fix = "Write a time and a share above 0 and at most 100 %, as 2021-05-19T13:00=50%."
            raise ConfigError(f'"{item}" is no such event', where="--deleverage", fix=fix) from None
        shares[int(at.timestamp()) * NS_PER_SECOND] = fraction
    return shares
