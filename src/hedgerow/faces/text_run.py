"""What backtest, plan and explain print in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hedgerow.faces import text
from hedgerow.faces.records import ATTRIBUTION, attribution, day
from hedgerow.units import show

if TYPE_CHECKING:
    from hedgerow.model.report import Comparison, LegRecord
    from hedgerow.research.decision import Decision

_COLUMNS: Final = (
    ("CAGR", "cagr"), ("Volatility", "volatility"), ("Sharpe", "sharpe"), ("Max drawdown", "max_drawdown"), ("Calmar", "calmar"),
    ("CVaR 95 %", "cvar_95"), ("Hedge", "mean_hedge_ratio"), ("Up", "up_capture"), ("Down", "down_capture"),
)  # fmt: skip
_RATIOS: Final = ("sharpe", "calmar", "up_capture", "down_capture")


def show_comparison(comparison: Comparison) -> None:
    """The policy beside its benchmarks, where its money came from, and what guards held back."""
    run = comparison.subject
    label = "SIMULATED MARKET  " if run.simulated else ""
    text.heading(f"{label}{run.title}")
    text.say(
        f"{', '.join(run.assets)} from {day(int(run.days_ns[0]))} to {day(int(run.days_ns[-1]))}: "
        f"{text.money(run.start_value)} -> {text.money(run.nav[-1])} {run.quote}, net of all costs"
    )
    if "warning" in run.coverage:
        text.say(f"WARNING: {run.coverage['warning']}", style="bold")
    heads = ["", *(name for name, _ in _COLUMNS)]
    rows = [_metrics_row(run.policy, comparison.metrics)]
    for name, metrics in comparison.benchmark_metrics.items():
        rows.append(_metrics_row(f"{name} {comparison.benchmarks[name].title}", metrics))
    text.say()
    text.table(heads, rows, right=heads[1:])
    parts = attribution(run)
    text.heading("Where the change in value came from")
    text.table(
        [*ATTRIBUTION, "change"],
        [[text.money(parts[name], sign=True) for name in (*ATTRIBUTION, "change")]],
        right=[*ATTRIBUTION, "change"],
    )
    _show_health(comparison.metrics)


def _metrics_row(name: str, metrics: Mapping[str, Any]) -> list[str]:
    cells = [text.number(metrics[key]) if key in _RATIOS else text.percent(metrics[key]) for _, key in _COLUMNS]
    return [name, *cells]


def _show_health(metrics: Mapping[str, Any]) -> None:
    text.heading("Health")
    states = ", ".join(f"{name} {text.percent(share, 0)}" for name, share in metrics["regime_days"].items())
    blocked = ", ".join(f"{name} {count}" for name, count in list(metrics["blocked_by_reason"].items())[:6])
    turnover = (
        f"{text.number(metrics['turnover_spot'])} x spot, {text.number(metrics['turnover_futures'])} x futures a year"
    )
    rows = [
        ("Days by regime", states or "the policy has no regimes"),
        ("Regime changes", f"{text.number(metrics['transitions_per_year'], 1)} a year and asset"),
        ("Turnover", turnover),
        (
            "Costs",
            f"{text.percent(metrics['cost_per_year'], 2)} of value a year; funding {text.money(metrics['funding'], sign=True)}",
        ),
        (
            "Liquidations",
            f"{metrics['liquidations']}; highest maintenance margin {text.percent(metrics['max_margin_ratio'])} of equity",
        ),
        ("Moves blocked for good", text.percent(metrics["blocked_share"])),
        ("Refusals", blocked or "none"),
    ]
    text.table(["", ""], rows)


def show_plan(decision: Decision) -> None:
    """What to do, why, what it costs, and what it changes."""
    _show_head(decision)
    _show_legs(decision.legs, "Do this", "Nothing is to be done.")
    _show_legs(decision.refusals, "Not done, and why", "")
    _show_standing(decision)
    _show_scenarios(decision)


def show_explanation(decision: Decision) -> None:
    """The decision stage by stage."""
    _show_head(decision)
    for asset, found in decision.regime["assets"].items():
        text.heading(f"{asset}: {found['state'] or 'no regime'} for {text.number(found['days'], 0)} days")
        rows = []
        for name, vote in found["votes"].items():
            measured = _shown(vote["measured"], vote["unit"]) if "measure" in vote else ""
            asked = f"{vote['side']} {_shown(vote['threshold'], vote['unit'])}" if "measure" in vote else "other votes"
            if vote["for_days"]:
                asked += f" for {vote['for_days']:g} d"
            if vote["within_days"]:
                asked += f", within {vote['within_days']:g} d"
            rows.append((name, vote["answer"], vote.get("measure", ""), measured, asked))
        text.table(["vote", "answer", "measure", "measured", "asked"], rows, right=["measured"])
    for stage, assets in decision.stages.items():
        text.heading(f"Stage {stage}")
        names = list(next(iter(assets.values())))
        text.table(
            ["", *assets],
            [[name, *(text.figure(assets[asset][name], 6) for asset in assets)] for name in names],
            right=[*assets],
        )
    _show_legs(decision.legs, "Legs", "No legs.")
    _show_legs(decision.refusals, "Refusals", "Nothing was refused.")
    _show_standing(decision)
    _show_scenarios(decision)


def _shown(value: float, unit: str) -> str:
    """A kernel value in the unit that people read; - where it is unknown."""
    return show(float(f"{value:.4g}"), unit) if value == value else text.NONE


def _show_head(decision: Decision) -> None:
    label = "SIMULATED MARKET  " if decision.simulated else ""
    text.heading(f"{label}{decision.policy} at the close of {day(decision.day_ns)}")
    market = decision.regime["market"]
    states = ", ".join(
        f"{asset} {found['state']}" for asset, found in decision.regime["assets"].items() if found["state"]
    )
    text.say(
        f"Value {text.money(decision.value)} {decision.quote}. Market: {market['state'] or 'no regimes'}. {states}"
    )


def _show_legs(legs: tuple[LegRecord, ...], title: str, nothing: str) -> None:
    if not legs:
        if nothing:
            text.heading(nothing)
        return
    text.heading(title)
    heads = ["", "instrument", "amount", "price", "notional", "cost", "why"]
    rows = [
        (
            leg.side,
            leg.instrument,
            text.figure(leg.amount),
            text.figure(leg.price),
            text.money(leg.notional),
            text.money(leg.cost),
            leg.sentence,
        )
        for leg in legs
    ]
    text.table(heads, rows, right=["amount", "price", "notional", "cost"])


def _show_standing(decision: Decision) -> None:
    text.heading("Before and after")
    rows = []
    for asset, before in decision.before["assets"].items():
        after = decision.after["assets"][asset]
        rows.append((
            asset, text.percent(before["weight"]), text.percent(after["weight"]), text.percent(after["target"]),
            text.percent(before["h_achieved"]), text.percent(after["h_achieved"]), text.percent(after["h_intended"]),
        ))  # fmt: skip
    stable = (text.percent(decision.before["stable_weight"]), text.percent(decision.after["stable_weight"]))
    rows.append((f"{decision.quote}, all wallets", *stable, "", "", "", ""))
    heads = ["", "weight", "after", "target", "hedge", "after ", "intended"]
    text.table(heads, rows, right=heads[1:])
    margin = decision.after["margin"]
    if margin:
        heads = ["short", "coins", "notional", "equity", "liquidation at", "away"]
        text.table(heads, [
            (symbol, text.figure(m["amount"]), text.money(m["notional"]), text.money(m["equity"]), text.figure(m["liquidation_price"]),
             text.percent(m["liquidation_distance"], 0)) for symbol, m in margin.items()
        ], right=heads[1:])  # fmt: skip


def _show_scenarios(decision: Decision) -> None:
    text.heading("If every price moves (basis, funding and fees left out)")
    heads = ["", "spot", "hedge", "net", "of value", "spot after", "hedge after", "net after", "of value after"]
    rows = []
    for row in decision.scenarios:
        cells = [text.percent(row["move"], 0, sign=True)]
        for book in ("before", "after"):
            cells += [text.money(row[f"{book}_{part}"], sign=True) for part in ("spot", "hedge", "net")]
            cells.append(text.percent(row[f"{book}_of_value"], sign=True))
        rows.append(cells)
    text.table(heads, rows, right=heads[1:])
