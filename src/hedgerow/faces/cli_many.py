"""What ``hedgerow plan --portfolios`` does: decide, write as it goes, show what it came to, and say what was refused."""

from __future__ import annotations

from pathlib import Path

from hedgerow.errors import ConfigError
from hedgerow.faces import run_options, text
from hedgerow.faces.plan_many import Asked, Job, prepare


def plan_portfolios(
    policy: str,
    portfolios: Path,
    data: Path,
    at: str,
    targets: str,
    views: Path | None,
    workers: int,
    to: Path | None,
    legs: Path | None,
) -> None:
    """Decide for a folder or a table of portfolios. Raises ConfigError at the end where some were refused."""
    from hedgerow import policies, wire

    if to is not None and portfolios.is_dir() and to.suffix == ".toml" and to.resolve().parent == portfolios.resolve():
        fix = "Name a file that does not end in .toml, or one elsewhere."
        raise ConfigError(f"{to} would be one of the portfolios of --portfolios", where="--json", fix=fix)
    subject = policies.chosen(policy, "--policy")
    day, given = run_options.day(at, "--at"), run_options.targets(targets)
    quiet = str(to) == text.STDOUT
    with text.working("Plan", quiet=quiet) as say:
        say("reading the portfolios")
        job = Job(Asked(subject, policy, portfolios, data, day, given, views))
        prepare(job, text.always(say))
    from hedgerow.faces import many_record, text_many
    from hedgerow.research.tally import Tally

    simulated, tally = wire.is_simulated(data), Tally()
    writer = many_record.Writer(subject, simulated, to, legs)
    with writer.open(), text.counting("Plan", len(job), quiet=quiet) as tell:
        for done in job.done(workers=workers):
            tally.add(done)
            writer.add(done)
            tell(tally.decided + tally.refused)
        writer.close(tally)
    if not quiet:
        text_many.show(subject, simulated, tally, portfolios)
        for path in (to, legs):
            if path is not None:
                text.print_path(path)
    if tally.refused:
        fix = (
            "The others are decided. Correct them, and run it again for these; --json lists every one with its reason."
        )
        message = f"{text.counted(tally.refused, 'portfolio')} of {len(job):,} refused"
        raise ConfigError(message, where=str(portfolios), fix=fix)
