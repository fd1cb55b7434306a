"""A portfolio file as a command reads it: what it says, and whether the data can serve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.errors import ConfigError

if TYPE_CHECKING:
    from hedgerow.model.portfolio import Portfolio


def read_portfolio(path: Path) -> Portfolio:
    """A portfolio file. Raises ConfigError with file, key, value and fix."""
    from pydantic import ValidationError

    from hedgerow import policies
    from hedgerow.model.portfolio import Portfolio

    if not path.exists():
        raise ConfigError("there is no such file", where=str(path), fix="See the portfolio file in the README.")
    document = policies.read(path)
    try:
        return Portfolio.model_validate(document)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(f'"{part}"' if "/" in str(part) else str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            known = '[portfolio], [spot.COIN], [futures."SYMBOL"] and [targets]'
            keys = (
                "a holding amount, unit_cost, protected, carry, outside, buy_back; a position amount, entry, collateral"
            )
            message, fix = "unknown key", f"The file takes {known}; {keys}."
        else:
            got = (
                ""
                if isinstance(fault.get("input"), (dict, Portfolio))
                else policies.written(document, fault["loc"], "")
            )
            message = policies.fault_words(fault) + (f" (got {got})" if got else "")
            fix = "Write it as 1 or 0.5, without quotes." if fault["type"] == "float_type" else ""
        raise ConfigError(message, where=f"{path}: {key}" if key else str(path), fix=fix) from None


def refuse_unserved(held: Portfolio, path: Path, data: Path) -> None:
    """Raise ConfigError where the data is in another currency than the portfolio, or a second stablecoin is held."""
    from hedgerow.model.portfolio import STABLECOINS
    from hedgerow.store.history import assets_of, quotes_of

    quote, known = held.head.quote, quotes_of(data)
    if quote not in known:
        raise ConfigError(
            f'the prices of {data} are in {" or ".join(known)}, not in "{quote}"',
            where=f"{path}: portfolio.quote",
            fix=f'Write quote = "{known[0]}", and all amounts of money in it.',
        )
    for name in held.assets():
        if name not in STABLECOINS or name in assets_of(data):
            continue
        fix = f"Add it to [spot.{quote}] amount, 1 {name} as 1 {quote}, and take [spot.{name}] out."
        place = f"spot.{name}"
        if name not in held.spot:
            place, fix = f"targets.{name}", f"Add its weight to that of {quote}."
        raise ConfigError(
            f"{name} is a stablecoin, and only that of the quote, {quote}, is counted",
            where=f"{path}: {place}",
            fix=fix,
        )


def refuse_targets(names: list[str], assets: tuple[str, ...], quote: str, path: Path) -> None:
    """Raise ConfigError where ``--targets`` names what the portfolio does not."""
    from hedgerow.model.portfolio import STABLECOINS

    for name in names:
        if name in assets or name == quote:
            continue
        fix = f"Add [spot.{name}] amount = 0 to {path}, or leave it out of the targets."
        if name in STABLECOINS:
            fix = f"Stablecoins are counted as {quote}: add its weight to that of {quote}."
        raise ConfigError(f"{name} is not in the portfolio", where="--targets", fix=fix)
