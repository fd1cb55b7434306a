"""A policy beside its benchmarks B0-B8, all through the same engine, market and costs (domain 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from hedgerow.ledger.attribution import attribute
from hedgerow.ledger.statistics import metrics, weighted_mean
from hedgerow.model import measure
from hedgerow.model.market import Floats
from hedgerow.model.policy import Policy
from hedgerow.model.report import Comparison, Run
from hedgerow.research.accounts import accounts_of, difference
from hedgerow.research.backtest import Stage, Traces, backtest, trace
from hedgerow.research.counterfactual import without
from hedgerow.research.honesty import implausible

MATCHES = 4


def compare(
    policy: Policy,
    benchmarks: Mapping[str, Policy],
    stage: Stage,
    *,
    capital: float,
    weights: Mapping[str, float],
    progress: Callable[[str], None] = lambda _: None,
    begun: tuple[Run, Traces] | None = None,
) -> Comparison:
    """Run the policy, then its benchmarks: B4 holds the policy's mean achieved hedge, B4c its trailing mean.

    ``benchmarks`` maps B0..B8 to policies; ``progress`` is told the name of each run as it starts. B8 holds only
    stablecoins, the others the same target weights. The policy runs again without its trims and without its hedge;
    ``begun`` is its own run, where ``begin`` has made it before.
    """
    if begun is None:
        progress(policy.name)
        begun = begin(policy, stage, capital=capital, weights=weights)
    subject, traces = begun
    runs: dict[str, Run] = {}
    for name, other in benchmarks.items():
        progress(name)
        held = dict.fromkeys(weights, 0.0) if other.targets.stable == 1.0 else weights
        if name == "B4":
            runs[name] = matched_run(other, mean_hedge(subject), stage, capital, held)
        else:
            runs[name] = backtest(other, stage, capital=capital, weights=held, label=name)
        if name == "B4":
            progress("B4c")
            causal = other.model_copy(update={"hedge": other.hedge.model_copy(update={"external": True})})
            path = trailing_hedge(subject)
            runs["B4c"] = backtest(causal, _with_path(stage, path), capital=capital, weights=held, label="B4c")
            runs["B4c"] = replace(runs["B4c"], title="Constant hedge of the policy's trailing mean size (causal)")
    left_out = without(policy, subject, stage, capital=capital, weights=weights, progress=progress)
    unhedged = runs.get("B2")
    accounts = accounts_of(policy, stage, subject, traces)
    subject.coverage["ledger_difference"] = difference(accounts, subject)
    return Comparison(
        subject=subject,
        benchmarks=runs,
        metrics=metrics(subject, unhedged=unhedged),
        benchmark_metrics={name: metrics(run, unhedged=unhedged) for name, run in runs.items()},
        without=left_out,
        breakdown=attribute(accounts.events, subject.quote)[0],
        events=accounts.events,
    )


def begin(policy: Policy, stage: Stage, *, capital: float, weights: Mapping[str, float]) -> tuple[Run, Traces]:
    """The policy's own run, the first that ``compare`` makes: it can be told before the others are there."""
    subject, traces = trace(policy, stage, capital=capital, weights=weights)
    warning = implausible(subject)
    if warning:
        subject.coverage["warning"] = warning
    return subject, traces


def matched_run(policy: Policy, wanted: float, stage: Stage, capital: float, weights: Mapping[str, float]) -> Run:
    """A constant hedge whose mean achieved ratio is ``wanted``: the ratio is set anew from each run, a few times."""
    ratio = wanted
    run = backtest(matched(policy, ratio), stage, capital=capital, weights=weights, label="B4")
    for _ in range(MATCHES):
        achieved = mean_hedge(run)
        if achieved <= 0.0 or abs(achieved - wanted) <= 0.002:
            break
        ratio = min(1.0, ratio * wanted / achieved)
        run = backtest(matched(policy, ratio), stage, capital=capital, weights=weights, label="B4")
    run.coverage["constant_hedge_ratio"] = ratio
    return run


def matched(policy: Policy, ratio: float) -> Policy:
    """The same policy with a constant hedge of ``ratio``."""
    return policy.model_copy(update={"hedge": policy.hedge.model_copy(update={"constant": ratio})})


def daily_hedge(run: Run) -> Floats:
    """Value-weighted achieved hedge ratio of each day [D]; 0 while nothing is held."""
    value = np.where(np.isfinite(run.base), run.base, 0.0)
    total = value.sum(axis=1)
    weighted = (np.where(np.isfinite(run.h_achieved), run.h_achieved, 0.0) * value).sum(axis=1)
    ratio: Floats = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0.0)
    return ratio


def mean_hedge(run: Run) -> float:
    """The mean achieved hedge ratio of a run as its statistics state it, within [0, 1]; 0 where nothing was held."""
    ratio = weighted_mean(run.h_achieved, run.base)
    return min(max(ratio, 0.0), 1.0) if np.isfinite(ratio) else 0.0


def trailing_hedge(run: Run) -> Floats:
    """Mean of ``daily_hedge`` over all days before each day [D]: what a constant hedge could have known."""
    path = daily_hedge(run)
    counts = np.arange(1, path.shape[0] + 1)
    means = np.cumsum(path) / counts
    known: Floats = np.clip(np.concatenate(([0.0], means[:-1])), 0.0, 1.0)
    return known


def _with_path(stage: Stage, path: Floats) -> Stage:
    signals = stage.signals.copy()
    signals[:, measure.INDEX["external_hedge"], :] = path[:, None]
    return replace(stage, signals=signals)
