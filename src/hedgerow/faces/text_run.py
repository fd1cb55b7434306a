"""What backtest, plan and explain print in a terminal."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hedgerow.faces import buffer, text
from hedgerow.faces.notes import HEDGED, conjoined, sentences
from hedgerow.faces.policy_words import quantity
from hedgerow.faces.records import day, is_cross
from hedgerow.faces.scorecard import alarms, high_risk
from hedgerow.faces.text_attribution import show_money
from hedgerow.model.report import PARTS

if TYPE_CHECKING:
    from hedgerow.model.report import Comparison, LegRecord, Run
    from hedgerow.research.decision import Decision

_WIDE: Final = (
    ("CAGR", "cagr"), ("Volatility", "volatility"), ("Sharpe", "sharpe"), ("Max drawdown", "max_drawdown"), ("Calmar", "calmar"),
    ("CVaR 95 %", "cvar_95"), ("Hedge", "mean_hedge_ratio"), ("Up", "up_capture"), ("Down", "down_capture"),
)  # fmt: skip
_NARROW: Final = (
    ("CAGR", "cagr"), ("Vol", "volatility"), ("Sharpe", "sharpe"), ("Drawdown", "max_drawdown"), ("CVaR", "cvar_95"),
    ("Hedge", "mean_hedge_ratio"), ("Up", "up_capture"), ("Down", "down_capture"),
)  # fmt: skip
_RATIOS: Final = ("sharpe", "calmar", "up_capture", "down_capture")


def show_head(run: Run) -> None:
    """What a run made, with its warnings and notes: known before its benchmarks are."""
    label = "SIMULATED MARKET  " if run.simulated else ""
    text.heading(f"{label}{run.title}")
    text.say(
        f"{', '.join(run.assets)} from {day(int(run.days_ns[0]))} to {day(int(run.days_ns[-1]))}: "
        f"{text.money(run.start_value)} -> {text.money(run.nav[-1])} {run.quote}, net of all costs"
    )
    for alarm in alarms(run):
        text.say(f"WARNING: {alarm}", style="bold")
    _show_notes(run)


def show_rest(comparison: Comparison) -> None:
    """What stands under the head: the benchmarks beside the run, where its money came from, what guards held back."""
    run = comparison.subject
    text.say()
    _show_metrics(comparison)
    show_money(comparison)
    if run.sleeve.any():
        text.say(sleeve_words(run))
    _show_health(run, comparison.metrics)


def sleeve_words(run: Run) -> str:
    """What the carry sleeve made, and of how much."""
    days = int((run.sleeve > 0.0).sum())
    share = float((run.sleeve / run.nav).sum()) / max(days, 1)
    made = text.money(float(run.parts[-1, PARTS.index("carry")]), sign=True)
    held = text.percent(days / max(len(run.nav), 1), 0)
    return f"Carry sleeve: {made} {run.quote}, its own costs paid; open on {held} of days with {text.percent(share)} of value."


_NOTES: Final = 5  # sentences on the data; the report and the JSON have them all


def _show_notes(run: Run) -> None:
    """What one must know before the figures: what was missing, and hedges that are no shorts."""
    told = sentences(run)
    shown = told if len(told) <= _NOTES else told[: _NOTES - 1]
    for sentence in shown:
        text.say(f"Note: {sentence}")
    if len(shown) < len(told):
        text.say(f"Note: {len(told) - len(shown)} more are in the report and in the JSON (coverage).")


def _show_metrics(comparison: Comparison) -> None:
    """The policy beside its benchmarks; on a narrow terminal with fewer columns, and their titles below."""
    titles = {name: run.title for name, run in comparison.benchmarks.items()}
    room = sum(max(len(head), len("-00.0 %")) + text.GUTTER for head, _ in _WIDE)
    wide = not sys.stdout.isatty() or room + max(len(f"{n} {t}") for n, t in titles.items()) <= _width()
    columns = _WIDE if wide else _NARROW
    rows = [_metrics_row(comparison.subject.policy, comparison.metrics, columns)]
    for name, metrics in comparison.benchmark_metrics.items():
        rows.append(_metrics_row(f"{name} {titles[name]}" if wide else name, metrics, columns))
    heads = ["", *(name for name, _ in columns)]
    text.table(heads, rows, right=heads[1:])
    if not wide:
        text.say()
        text.table(["", " "], list(titles.items()))


def _width() -> int:
    return shutil.get_terminal_size().columns


def _metrics_row(name: str, metrics: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> list[str]:
    cells = [text.number(metrics[key]) if key in _RATIOS else text.percent(metrics[key]) for _, key in columns]
    return [name, *cells]


def _show_health(run: Run, metrics: Mapping[str, Any]) -> None:
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
        *buffer.facts(run, metrics),
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
    pairs = tuple(leg for leg in decision.legs if leg.sleeve)
    _show_legs(
        tuple(leg for leg in decision.legs if not leg.sleeve),
        "Do this",
        "Nothing is to be done." if not pairs else "Nothing is to be done but for the carry sleeve.",
    )
    _show_legs(pairs, "Carry sleeve: both legs of a pair together, apart from holdings and hedge", "")
    if decision.legs:
        traded = sum(leg.notional for leg in decision.legs if leg.kind != "margin")
        cost = sum(leg.cost for leg in decision.legs)
        share = quantity(_short(cost / decision.value, 3), "bp")
        text.say(
            f"Together {text.money(traded)} {decision.quote} at an expected cost of {text.money(cost)} ({share} of value)."
        )
    _show_transfers(decision)
    _show_legs(decision.refusals, "Not done, and why", "")
    _show_standing(decision)
    _show_scenarios(decision)


def _show_transfers(decision: Decision) -> None:
    """Collateral that whoever carries the plan out by hand must move beside its orders."""
    words = []
    for symbol, amount in decision.transfers.items():
        settle = symbol.partition(":")[2].partition("-")[0]
        shown = f"{text.money(abs(amount)) if settle == decision.quote else _short(abs(amount), 6)} {settle}"
        words.append(f"{shown} {'into' if amount > 0.0 else 'out of'} {symbol}")
    if words:
        text.say(f"Collateral that moves with it: {', '.join(words)}.")


def show_explanation(decision: Decision) -> None:
    """The decision stage by stage."""
    _show_head(decision)
    for asset, found in decision.regime["assets"].items():
        _show_asset(asset, found, decision.regime["market"])
    from hedgerow.research.decision import STAGES

    for stage, assets in decision.stages.items():
        if stage == "carry" and not any(math.isfinite(found["gross"]) for found in assets.values()):
            continue  # the policy has no sleeve
        text.heading(f"Stage {stage}")
        units = {name: unit for _, name, unit in STAGES[stage]}
        rows = [
            [name, *(_figure(assets[a][name], unit, decision.trims[a][1]) for a in assets)]
            for name, unit in units.items()
        ]
        if stage == "trigger":
            rows.insert(0, ["row", *(decision.trims[asset][0] or text.NONE for asset in assets)])
        text.table(["", *assets], rows, right=[*assets])
    _show_legs(decision.legs, "Legs", "No legs.")
    _show_legs(decision.refusals, "Refusals", "Nothing was refused.")
    _show_standing(decision)
    text.heading("Margin ladder")
    text.say(buffer.ladder_words(decision.margin))
    _show_scenarios(decision)


_ORDER: Final = ("yes", "abstains", "no")


def _show_asset(asset: str, found: Mapping[str, Any], market: Mapping[str, Any]) -> None:
    """One asset's row of the regime table, why it is that one, and every vote: the true ones first."""
    text.heading(f"{asset}: {_stand(found)}")
    if found["borrowed"]:
        text.say(f"It takes the row of {market['asset']}: too few bars, or no funding, to have one of its own.")
    elif found["frozen"]:
        text.say("More than half of its votes abstain: it stands still.")
    else:
        text.table(["row", "at this close"], [(row["state"], _row_words(row, found["days"])) for row in found["rows"]])
    votes = sorted(found["votes"].items(), key=lambda item: _ORDER.index(item[1]["answer"]))
    rows = []
    for name, vote in votes:
        if "measure" in vote:
            measured, asked = _value(vote["measured"], vote["unit"]), _value(vote["threshold"], vote["unit"])
            words = f"{vote['measure']} {vote['side']} {asked}"
        else:
            measured = f"{sum(found['votes'][part]['answer'] == 'yes' for part in vote['of'])} true"
            words = f"{vote['at_least']} of {', '.join(vote['of'])}"
        words += f" for {vote['for_days']:g} d" if vote["for_days"] else ""
        if vote["within_days"]:
            ago = vote["last_true_days"]
            words += f" within {vote['within_days']:g} d" + (f" ({ago:.0f} d ago)" if math.isfinite(ago) else "")
        rows.append((vote["answer"], name, measured, words))
    if found["rows"] and rows:
        text.say()
    text.table(["answer", "vote", "measured", "true when"], rows, right=["measured"])


def _stand(found: Mapping[str, Any]) -> str:
    if not found["state"]:
        return "no regime"
    days = round(found["days"])
    since = f"for {text.counted(days, 'day')}" if days else "since this close"
    return f"{found['state']} {since}"


def _row_words(row: Mapping[str, Any], days: float) -> str:
    """Why the asset does or does not stand in a row of the regime table."""
    barred = "; ".join(row["barred"])
    if row["here"]:
        if days == 0.0:
            return "entered at this close"
        return f"stands here; not left: {barred}" if barred else "stands here; it may be left, but no row takes over"
    if row["lacks"]:
        return "; ".join(row["lacks"])
    condition = "takes what no other row takes" if row["fallback"] else "its condition holds"
    return f"{condition}, but {barred}" if barred else condition


def _short(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def _value(value: float, unit: str) -> str:
    """A kernel value in the unit that people read; - where it is unknown."""
    return quantity(_short(value), unit) if math.isfinite(value) else text.NONE


def _figure(value: float, unit: str, row_unit: str) -> str:
    """A cell of a stage's table."""
    from hedgerow.research.decision import FLAG, ROW

    if unit == FLAG:
        return "yes" if value else "no"
    if not math.isfinite(value):
        return text.NONE
    if unit == ROW:
        unit = row_unit
    return text.figure(value) if unit in ("", "quote") else quantity(_short(value), unit)


def _show_head(decision: Decision) -> None:
    label = "SIMULATED MARKET  " if decision.simulated else ""
    text.heading(f"{label}{decision.policy} at the close of {day(decision.day_ns)}")
    market = decision.regime["market"]
    stands = [f"{asset} {_stand(found)}" for asset, found in decision.regime["assets"].items() if found["state"]]
    if decision.leverage > 1.0:
        text.say(f"WARNING: {high_risk(decision.leverage)}", style="bold")
    text.say(f"Value {text.money(decision.value)} {decision.quote}. Market: {market['state'] or 'no regimes'}.")
    if stands:
        text.say(f"{'; '.join(stands)}.")


_LEG_HEADS: Final = ("", "instrument", "amount", "price", "notional", "cost")


def _show_legs(legs: tuple[LegRecord, ...], title: str, nothing: str) -> None:
    """One line a leg; where the terminal is too narrow, the sentence stands under it."""
    if not legs:
        if nothing:
            text.heading(nothing)
        return
    text.heading(title)
    rows = [
        (
            leg.side,
            f"{leg.instrument} for {leg.asset}" if is_cross(leg) else leg.instrument,
            text.figure(leg.amount),
            text.figure(leg.price),
            text.money(leg.notional),
            text.money(leg.cost),
        )
        for leg in legs
    ]
    widths = [max(map(len, column)) for column in zip(_LEG_HEADS, *rows, strict=True)]
    longest = max(len(leg.sentence) for leg in legs)
    room = sum(widths) + text.GUTTER * len(widths) + longest
    if not sys.stdout.isatty() or room <= _width():
        lines = [(*row, leg.sentence) for row, leg in zip(rows, legs, strict=True)]
        text.table([*_LEG_HEADS, "why"], lines, right=_LEG_HEADS[2:])
        return
    text.say(_line(_LEG_HEADS, widths), style="bold")
    for row, leg in zip(rows, legs, strict=True):
        text.say(_line(row, widths))
        text.say(f"{' ' * (widths[0] + text.GUTTER)}{leg.sentence}", style="dim")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells under each other: two of words to the left, the numbers to the right."""
    shown = (c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
    return (" " * text.GUTTER).join(shown).rstrip()


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
    rows.append((f"{decision.quote} in all", *stable, "", "", "", ""))
    tied = [book["carry"] / book["value"] for book in (decision.before, decision.after)]
    if any(tied):
        rows.append(("of it, in the carry sleeve", text.percent(tied[0]), text.percent(tied[1]), "", "", "", ""))
    heads = ["", "weight", "weight after", "target", "hedge", "hedge after", "intended"]
    text.table(heads, rows, right=heads[1:])
    sold = [
        asset
        for asset, after in decision.after["assets"].items()
        if _known(after["h_achieved"]) > HEDGED and not _known(after["short_coins"])
    ]
    if sold:
        text.say(f"The hedge of {conjoined(sold)} after the plan is spot that was sold in place of a short.")
    margin = decision.after["margin"]
    if margin:
        text.say()
        heads = ["short after", "coins", "notional", "equity", "liquidation at", "away"]
        levered = {symbol: _leverage(decision, m) for symbol, m in margin.items()}
        text.table(heads, [
            (symbol, text.figure(m["amount"]), text.money(m["notional"]), text.money(m["equity"]), text.figure(m["liquidation_price"]),
             text.percent(m["liquidation_distance"], 0)) for symbol, m in margin.items()
        ], right=heads[1:])  # fmt: skip
        for line in buffer.standing_words(margin, levered):
            text.say(line)
        text.say(f"Margin account: {buffer.account_words(decision.margin, decision.leverage)}.")
        for symbol, m in margin.items():
            if math.isfinite(m["tenor_days"]):
                days = (quantity(_short(m[name], 3), "d") for name in ("tenor_days", "planned_days"))
                text.say("{} expires in {}; the hedge is planned for {}.".format(symbol, *days))


def _leverage(decision: Decision, found: Mapping[str, Any]) -> float:
    """What is short over the equity behind it; of the whole account where shorts share it."""
    shorts = decision.after["margin"].values()
    size = found["notional"] if decision.margin.mode == "isolated" else sum(m["notional"] for m in shorts)
    return float(size / found["equity"]) if found["equity"] > 0.0 else math.inf


def _known(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _show_scenarios(decision: Decision) -> None:
    text.heading("If every price moves (basis, funding and fees left out)")
    heads = ["", "", "spot", "hedge", "net", "of value", "of spot"]
    rows = []
    for row in decision.scenarios:
        for book in ("before", "after"):
            cells = [text.percent(row["move"], 0, sign=True) if book == "before" else "", book]
            cells += [text.money(row[f"{book}_{part}"], sign=True) for part in ("spot", "hedge", "net")]
            cells += [text.percent(row[f"{book}_of_{part}"], sign=True) for part in ("value", "spot")]
            rows.append(cells)
    text.table(heads, rows, right=heads[2:])
