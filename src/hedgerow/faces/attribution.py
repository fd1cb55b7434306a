"""Where the money came from, for every face: parts by asset, regime and reason, what would have been without, the hedge.

The figures are the ledger's exact breakdown where a comparison carries one, else those that the compiled run kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from hedgerow.faces import numerals
from hedgerow.faces.text import counted
from hedgerow.ledger import hedging
from hedgerow.model.breakdown import KERNEL_PARTS, PARTS, Breakdown
from hedgerow.model.report import Comparison, Run
from hedgerow.research.yardsticks import Effect, effects

PART_NAMES: Final = {
    "spot": "Spot price",
    "hedge": "Hedge",
    "basis": "Basis",
    "funding": "Funding",
    "fees_spot": "Fees, spot",
    "fees_futures": "Fees, futures",
    "slippage_spot": "Slippage, spot",
    "slippage_futures": "Slippage, futures",
    "liquidation": "Kept in liquidations",
    "interest": "Interest",
    "tax": "Tax",
    "charges": "Other charges",
    "carry": "Carry sleeve",
}
# the contract's six parts -> the parts that are kept apart
ATTRIBUTION: Final = {
    "spot": ("spot",), "hedge": ("hedge",), "basis": ("basis",), "funding": ("funding",), "fees": ("fees_spot", "fees_futures"),
    "slippage": ("slippage_spot", "slippage_futures"),
}  # fmt: skip
SLEEVE: Final = {"carry": ("carry",)}  # all of the carry sleeve, shown where there is one
USUAL: Final = frozenset(part for summed in ATTRIBUTION.values() for part in summed)
EFFECTS: Final = {
    "trims": "What trims did",
    "hedge": "What the hedge did",
    "timing": "What timing the hedge did",
    "rules": "What all rules did",
}
NO_REGIME: Final = "Before any regime"
NO_FILL: Final = {"held": "held from the start", "charge": "other charges"}


def breakdown_of(comparison: Comparison) -> Breakdown | None:
    """The exact breakdown, where there is one and it knows the value at both ends."""
    found = comparison.breakdown
    return found if found is not None and found.parts is not None else None


def parts_of(comparison: Comparison) -> dict[str, float]:
    """The change of value by part: those of holdings and hedge always, the others where they are not nothing."""
    found = breakdown_of(comparison)
    if found is not None and found.parts is not None:
        return {name: float(found.parts[name]) for name in PARTS if name in USUAL or found.parts[name]}
    run = comparison.subject
    last = run.parts[-1] if len(run.parts) else [0.0] * len(KERNEL_PARTS)
    named = zip(KERNEL_PARTS, last, strict=True)
    return {name: float(amount) for name, amount in named if name in USUAL or amount}


def by_asset(comparison: Comparison) -> dict[str, list[float]]:
    """The same parts by the asset served, and what belongs to none."""
    whole, found, run = parts_of(comparison), breakdown_of(comparison), comparison.subject
    if found is not None:
        names = [*(a for a in run.assets if a in found.by_asset), *(a for a in found.by_asset if a not in run.assets)]
        return {asset: [float(found.by_asset[asset][name]) for name in whole] for asset in names}
    columns = [KERNEL_PARTS.index(name) for name in whole]
    rows = {asset: [float(run.parts_by_asset[i, k]) for k in columns] for i, asset in enumerate(run.assets)}
    rest = [amount - sum(row[k] for row in rows.values()) for k, amount in enumerate(whole.values())]
    return rows | ({"Not of one asset": rest} if max(map(abs, rest), default=0.0) > 0.005 else {})


def by_regime(comparison: Comparison) -> dict[str, list[float]]:
    """The same parts by regime, in the policy's order; empty for a policy without regimes."""
    found, names = breakdown_of(comparison), parts_of(comparison)
    if found is None or not comparison.subject.regimes:
        return {}
    order = [*comparison.subject.regimes, ""]
    return {
        name or NO_REGIME: [float(found.by_regime[name][part]) for part in names]
        for name in order
        if name in found.by_regime
    }


def unhedged_of(comparison: Comparison) -> Run | None:
    """The unhedged book that months are judged by: the same rules without a hedge, else B2; None without a hedge."""
    own = comparison.without.get("hedge")
    if own is comparison.subject:
        return None
    return own or comparison.benchmarks.get("B2")


# ---------------------------------------------------------------------------------------------------------------- JSON


def split_record(comparison: Comparison) -> dict[str, Any]:
    """``by_regime`` and ``by_reason`` of the JSON's attribution; empty where there is no exact breakdown."""
    found = breakdown_of(comparison)
    if found is None:
        return {"by_regime": {}, "by_reason": {}}
    six = ATTRIBUTION | {"fees": (*ATTRIBUTION["fees"], "liquidation")} | SLEEVE
    regimes = {
        name: {key: float(sum(row[part] for part in parts)) for key, parts in six.items()}
        for name, row in found.by_regime.items()
    }
    columns = ("traded", "fees", "slippage", "realised", "effect", "total")
    reasons = {
        row.reason: {"fills": row.fills} | {name: _float(getattr(row, name)) for name in columns}
        for row in found.reasons
    }
    return {"by_regime": regimes, "by_reason": reasons}


def effects_record(comparison: Comparison) -> dict[str, Any]:
    """``counterfactuals``: what the run has more (or less) than each yardstick."""
    columns = ("same", "end_value", "cagr", "sharpe", "max_drawdown")
    return {row.name: {name: getattr(row, name) for name in columns} for row in effects(comparison)}


def hedging_record(comparison: Comparison) -> dict[str, Any]:
    """``hedging``: effectiveness, intended against achieved, insurance by month, trim regret."""
    run, unhedged = comparison.subject, unhedged_of(comparison)
    held, regret = hedging.effectiveness(run), hedging.trim_regret(run)
    rows = {
        row.asset: {"h_intended": row.intended, "h_achieved": row.achieved, "gap": row.gap}
        for row in hedging.tracking(run)
    }
    record: dict[str, Any] = {
        "effectiveness": None if held is None else held._asdict(),
        **rows.pop(""),
        "assets": rows,
        "capped_share": hedging.capped_share(run),
        "insurance": None,
        "trim_regret": regret._asdict() | {"after": {f"days_{days}": value for days, value in regret.after.items()}},
    }
    if unhedged is not None:
        paid = hedging.insurance(run, unhedged)
        months = [{"month": f"{m.year}-{m.month:02}", "hedge": m.hedge, "unhedged": m.unhedged} for m in paid.months]
        record["insurance"] = paid._asdict() | {"months": months}
    return record


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


# ---------------------------------------------------------------------------------------------------------------- words


def effect_cells(row: Effect) -> list[str]:
    """End value, CAGR, Sharpe ratio and drawdown of a row, as a report prints them."""
    if row.same:
        return ["none", *([numerals.NONE] * 3)]
    cagr, fall = (_points(value, sign=True) for value in (row.cagr, row.max_drawdown))
    return [numerals.money(row.end_value, sign=True), cagr, numerals.fixed(row.sharpe, sign=True), fall]


def _points(value: float | None, *, sign: bool = False) -> str:
    """A difference of fractions in percentage points."""
    return numerals.NONE if value is None else f"{numerals.fixed(100.0 * value, 1, sign=sign)}{numerals.SPACE}pp"


def reason_name(reason: str, fills: int) -> str:
    """What a row of reasons is called."""
    return reason if fills else NO_FILL.get(reason, reason)


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """What the hedge took away, cost and paid, and what trims gave away: name and sentence."""
    run, told = comparison.subject, []
    held, unhedged = hedging.effectiveness(run), unhedged_of(comparison)
    if held is not None:
        told += [("Hedge effectiveness", _effectiveness(held)), ("Wanted and had", _gap(run))]
        if unhedged is not None:
            told.append(("Insurance", _insurance(hedging.insurance(run, unhedged), run.quote)))
    regret = hedging.trim_regret(run)
    return [*told, ("Trim regret", _regret(regret, run.quote))] if regret.trims else told


def _effectiveness(held: hedging.Effectiveness) -> str:
    return (
        f"{numerals.percent(held.reduced)} of the variance was taken away at a mean hedge of "
        f"{numerals.percent(held.ratio)}: {numerals.percent(held.left)} was left, {numerals.percent(held.ideal)} with the "
        f"same ratios and no basis, {numerals.percent(held.constant)} with the mean ratio all the time"
    )


def _gap(run: Run) -> str:
    return (
        f"{_points(hedging.tracking(run)[0].gap)} apart on an average day; cut for want of collateral on "
        f"{numerals.percent(hedging.capped_share(run))} of days"
    )


def _insurance(paid: hedging.Insurance, quote: str) -> str:
    cost, out = "cost" if paid.cost >= 0.0 else "earned", "paid" if paid.paid >= 0.0 else "lost"
    up, down = (counted(count, "month") for count in (paid.up_months, paid.down_months))
    return (
        f"shorts {cost} {numerals.money(abs(paid.cost))} {quote} in the {up} in which the unhedged book gained, and "
        f"{out} {numerals.money(abs(paid.paid))} in the {down} in which it lost"
    )


def _regret(regret: hedging.Regret, quote: str) -> str:
    word = "gave away" if regret.regret >= 0.0 else "spared"
    later = ", ".join(f"{numerals.money(value, sign=True)} after {days} days" for days, value in regret.after.items())
    return (
        f"{counted(regret.trims, 'trim')} of {numerals.money(regret.proceeds)} {quote} {word} {numerals.money(abs(regret.regret))} until the end: "
        f"{numerals.money(regret.gross, sign=True)} by the price of the coins, less {numerals.money(regret.earned, sign=True)} "
        f"that the proceeds made; by price alone {later}"
    )


# ----------------------------------------------------------------------------------------------------------- the report


def section(comparison: Comparison) -> dict[str, Any]:
    """What the report's page shows of all this, in the words and cells that it prints."""
    run, whole = comparison.subject, parts_of(comparison)
    total = float(run.nav[-1] - run.start_value) if len(run.nav) else 0.0
    sums = [*whole.values(), sum(whole.values())]
    assets, regimes = by_asset(comparison), by_regime(comparison)
    digits = numerals.cents(max(abs(value) for row in [sums, *assets.values()] for value in row))
    return {
        "parts": [PART_NAMES[name] for name in whole],
        "tables": [
            {"caption": f"By {what}, {run.quote}", "head": what.title(), "rows": _rows(rows, digits), "sums": _moneys(sums, digits)}
            for what, rows in (("asset", assets), ("regime", regimes)) if rows
        ],
        "total": numerals.money(total, sign=True),
        "gap": numerals.money(total - sums[-1]),
        "closes": abs(total - sums[-1]) <= 1e-9 * max(abs(total), abs(run.start_value)),
        "reasons": _reasons(comparison, digits),
        "effects": [
            {"name": EFFECTS[row.name], "sentence": row.sentence, "cells": [_cell(text) for text in effect_cells(row)]}
            for row in effects(comparison)
        ],
        "facts": facts(comparison),
        "tracking": _tracking(run),
        "insured": hedging.effectiveness(run) is not None and unhedged_of(comparison) is not None,
    }  # fmt: skip


def _tracking(run: Run) -> list[dict[str, Any]]:
    """Intended and achieved hedge by asset, where a hedge was held."""
    if hedging.effectiveness(run) is None:
        return []
    return [
        {
            "name": row.asset or "All",
            "cells": [numerals.percent(row.intended), numerals.percent(row.achieved), _points(row.gap)],
        }
        for row in hedging.tracking(run)
    ]


def _reasons(comparison: Comparison, digits: int) -> list[dict[str, Any]]:
    """Trades by what they added, then what was no trade; rows of nothing left out."""
    found = breakdown_of(comparison)
    rows = sorted(found.reasons if found is not None else (), key=lambda row: (row.fills == 0, -row.total))
    return [
        {
            "name": reason_name(row.reason, row.fills),
            "fills": f"{row.fills:,}" if row.fills else "",
            "cells": _moneys(
                [None if value is None or not row.fills else float(value) for value in (row.traded, row.fees, row.slippage, row.realised, row.effect)]
                + [float(row.total)],
                digits,
            ),
        }
        for row in rows if row.fills or row.total
    ]  # fmt: skip


def _rows(rows: Mapping[str, Sequence[float]], digits: int) -> list[dict[str, Any]]:
    return [{"name": name, "cells": _moneys([*row, sum(row)], digits)} for name, row in rows.items()]


def _moneys(values: Iterable[float | None], digits: int) -> list[dict[str, Any]]:
    return [_cell("" if value is None else numerals.fixed(value, digits)) for value in values]


def _cell(text: str) -> dict[str, Any]:
    return {"text": text, "loss": text.startswith(numerals.MINUS)}
