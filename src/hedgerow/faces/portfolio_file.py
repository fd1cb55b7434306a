"""A portfolio file as a command reads it: what it says, and whether the data can serve it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hedgerow.errors import ConfigError

if TYPE_CHECKING:
    from hedgerow.model.portfolio import Portfolio


def read_portfolio(path: Path) -> Portfolio:
    """A portfolio file. Raises ConfigError with file, key, value and fix."""
    from hedgerow import policies

    if not path.exists():
        raise ConfigError("there is no such file", where=str(path), fix="See the portfolio file in the README.")
    return portfolio_of(policies.read(path), str(path))


def portfolio_of(document: Mapping[str, Any], place: str) -> Portfolio:
    """The portfolio that a document states; ``place`` says where it stands. Raises ConfigError with place, key, value and fix."""
    from pydantic import ValidationError

    from hedgerow import policies
    from hedgerow.model.portfolio import Portfolio

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
        raise ConfigError(message, where=f"{place}: {key}" if key else place, fix=fix) from None


@dataclass(frozen=True, slots=True)
class Served:
    """What a data folder can serve: the quotes that its prices can be in, and its assets."""

    data: Path
    quotes: tuple[str, ...]
    assets: frozenset[str]

    @classmethod
    def by(cls, data: Path) -> Served:
        """What ``data`` can serve. Raises ConfigError without the folder."""
        from hedgerow.store.history import assets_of, quotes_of

        return cls(data, quotes_of(data), frozenset(assets_of(data)))

    def unserved(self, assets: Iterable[str], quote: str) -> str | None:
        """The first thing of a portfolio that the data cannot serve: its ``quote``, or a second stablecoin; None: nothing."""
        from hedgerow.model.portfolio import STABLECOINS

        if quote not in self.quotes:
            return quote
        return next((name for name in assets if name in STABLECOINS and name not in self.assets), None)


def refuse_unserved(held: Portfolio, place: str, served: Served) -> None:
    """Raise ConfigError where nothing is held, the data is in another currency, or a second stablecoin is held."""
    quote, assets = held.head.quote, held.assets()
    if not assets:
        fix = "State at least one holding, for example [spot.BTC] amount = 1."
        raise ConfigError("no coin is held", where=place, fix=fix)
    name = served.unserved(assets, quote)
    if name is None:
        return
    if quote not in served.quotes:
        raise ConfigError(
            f'the prices of {served.data} are in {" or ".join(served.quotes)}, not in "{quote}"',
            where=f"{place}: portfolio.quote",
            fix=f'Write quote = "{served.quotes[0]}", and all amounts of money in it.',
        )
    fix = f"Add it to [spot.{quote}] amount, 1 {name} as 1 {quote}, and take [spot.{name}] out."
    key = f"spot.{name}"
    if name not in held.spot:
        key, fix = f"targets.{name}", f"Add its weight to that of {quote}."
    raise ConfigError(
        f"{name} is a stablecoin, and only that of the quote, {quote}, is counted", where=f"{place}: {key}", fix=fix
    )


def untold(targets: Iterable[str], assets: Collection[str], quote: str) -> str | None:
    """The first name of ``--targets`` that a portfolio does not have; None: there is none."""
    return next((name for name in targets if name not in assets and name != quote), None)


def refuse_targets(targets: Iterable[str], assets: Collection[str], quote: str, place: str) -> None:
    """Raise ConfigError where ``--targets`` names what the portfolio does not."""
    from hedgerow.model.portfolio import STABLECOINS

    name = untold(targets, assets, quote)
    if name is None:
        return
    fix = f"Add [spot.{name}] amount = 0 to {place}, or leave it out of the targets."
    if name in STABLECOINS:
        fix = f"Stablecoins are counted as {quote}: add its weight to that of {quote}."
    raise ConfigError(f"{name} is not in the portfolio", where="--targets", fix=fix)
