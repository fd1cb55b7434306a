"""The options of commands that run a policy over recorded data, and how their text is read."""

from __future__ import annotations

import math
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgerow.errors import ConfigError
from hedgerow.faces import options

if TYPE_CHECKING:
    from hedgerow.model.policy import Policy
    from hedgerow.wire import Recorded

PolicyName = Annotated[
    str, typer.Option("--policy", metavar="NAME|FILE", help="A built-in policy (hedgerow policy list) or a TOML file.")
]
Folder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder of Parquet or CSV files (hedgerow data summary DIR).")
]
Assets = Annotated[
    str, typer.Option("--assets", metavar="BTC,ETH", help="Risk assets, with a comma between; the quote stands apart.")
]
Targets = Annotated[
    str,
    typer.Option(
        "--targets",
        metavar="BTC=.5,USDT=.5",
        help="Weights of net asset value, the stablecoin included; they add up to 1, an asset left out is 0. "
        "Without it: the policy's own, else equal weights beside its stable reserve.",
        show_default=False,
    ),
]
Start = Annotated[str, typer.Option(help="First daily bar, by opening date (UTC), inclusive.", show_default="all data")]
End = Annotated[str, typer.Option(help="Last daily bar, by opening date (UTC), inclusive.", show_default="all data")]
Capital = Annotated[
    float, typer.Option(callback=options.capital, help="Stablecoins at the start, in quote: above 0, at most 1e15.")
]
Views = Annotated[
    Path | None,
    typer.Option(
        "--views", metavar="FILE", help="Dated items that move the hedge (TOML, [[view]] tables).", show_default=False
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", callback=options.page, help="Write the report page.", show_default=False),
]
Workers = Annotated[
    int,
    typer.Option(metavar="N", help="Runs at a time. The results do not depend on it.", show_default="every processor"),
]


def day(written: str, option: str) -> date | None:
    """A daily bar by its opening date; None where none is named. Raises ConfigError."""
    return options.day(written, option) if written else None


def targets(written: str) -> dict[str, float] | None:
    """``BTC=.5,USDT=.5`` as weights; None where nothing is written. Raises ConfigError with the fix."""
    if not written:
        return None
    found = options.pairs([written], "--targets", "BTC=.5,ETH=.3,USDT=.2")
    try:
        weights = {name: float(value) for name, value in found.items()}
        if not all(math.isfinite(weight) for weight in weights.values()):
            raise ValueError
        return weights
    except ValueError:
        raise ConfigError(
            f'"{written}" holds something that is no number', where="--targets", fix="Write BTC=.5,ETH=.3,USDT=.2."
        ) from None


def refuse_inverse(name: str, policy: Policy, recorded: Recorded) -> None:
    """Raise ConfigError where a policy wants contracts that no data folder can hold: all it hedges would be sold."""
    if policy.hedge.inverse and not any(one.inverse for one in recorded.market.universe.instruments):
        raise ConfigError(
            "coin-margined contracts are wanted (true), and the data has none: files hold contracts settled in the quote",
            where=f"{name}: hedge.inverse",
            fix="Leave it out, or write inverse = false, to hedge with those.",
        )


def processors(value: int) -> int:
    """How many runs at a time ``--workers`` means; 0 is every processor that may be used. Raises ConfigError."""
    if value < 0:
        raise ConfigError(
            f"{value} are no workers", where="--workers", fix="Write 1 or more, or 0 for every processor."
        )
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return value or allowed or 1
