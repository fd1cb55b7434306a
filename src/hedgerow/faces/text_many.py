"""What ``plan --portfolios`` prints in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.faces import text
from hedgerow.faces.many_record import together
from hedgerow.faces.records import day
from hedgerow.faces.scorecard import high_risk

if TYPE_CHECKING:
    from hedgerow.model.policy import Policy
    from hedgerow.research.tally import Tally

SHOWN = 5  # largest plans


def show(policy: Policy, simulated: bool, tally: Tally, portfolios: Path) -> None:
    """How many act and stand, what they trade and what it costs, the largest plans, and what was refused."""
    label = "SIMULATED MARKET  " if simulated else ""
    days = "" if tally.days is None else " to ".join(dict.fromkeys(day(ns) for ns in tally.days))
    text.heading(f"{label}{policy.name} for {portfolios}" + (f" at the close of {days}" if days else ""))
    if policy.hedge.leverage > 1.0:
        text.say(f"WARNING: {high_risk(policy.hedge.leverage)}", style="bold")
    told = [f"{tally.acting:,} act", f"{tally.decided - tally.acting:,} stand"]
    told += [f"{tally.refused:,} refused"] if tally.refused else []
    text.say(f"{text.counted(tally.decided + tally.refused, 'portfolio')}: {', '.join(told)}.")
    for quote, value in tally.value.items():
        text.say(f"Value {text.money(value)} {quote}.")
    _show_legs(tally)
    if tally.undone:
        text.heading("Not done, and why")
        counts = [(name, f"{count:,}") for name, count in tally.undone.most_common()]
        text.table(["refusal", "legs"], counts, right=["legs"])
    if tally.largest:
        text.heading("The largest")
        rows = [
            (
                one.portfolio,
                text.money(one.value),
                one.quote,
                f"{one.legs:,}",
                text.money(one.notional),
                text.money(one.cost),
            )
            for one in tally.largest[:SHOWN]
        ]
        numbers = ["value", "legs", "notional", "cost"]
        text.table(["portfolio", "value", "quote", "legs", "notional", "cost"], rows, right=numbers)
    if tally.refused:
        shown = f", of which the first {len(tally.errors)} are" if tally.refused > len(tally.errors) else ""
        text.heading(f"Refused: {tally.refused:,}{shown}")
        text.table(["portfolio", "why"], [(name, error.sentence()) for name, error in tally.errors])


def _show_legs(tally: Tally) -> None:
    if not tally.legs:
        text.heading("Nothing is to be done.")
        return
    text.heading("Do this")
    rows = [
        (side, kind, quote, f"{one.portfolios:,}", f"{one.legs:,}", text.money(one.notional), text.money(one.cost))
        for (quote, kind, side), one in sorted(tally.legs.items())
    ]
    numbers = ["portfolios", "legs", "notional", "cost"]
    text.table(["", "kind", "quote", *numbers], rows, right=numbers)
    for quote, one in together(tally).items():
        text.say(f"Together {text.money(one.notional)} {quote} at an expected cost of {text.money(one.cost)}.")
