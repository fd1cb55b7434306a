"""What the journal's first row states, as the records that the engine runs on, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from hedgerow.errors import ConfigError
from hedgerow.kernel.arrays import S_NAV, S_NAV0, Book, Rules
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.portfolio import hold
from hedgerow.model.instrument import Instrument, Kind, Tier, Universe
from hedgerow.model.mandate import Mandate
from hedgerow.model.policy import Policy
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.terms import WHOLE, Terms

T = TypeVar("T", bound=BaseModel)
_NUMBERS = ("lot", "tick", "minimum_notional", "contract_size")


def universe_plain(universe: Universe) -> dict[str, Any]:
    """A universe as JSON: numbers as text, tiers in rows."""
    instruments = []
    for one in universe.instruments:
        plain = asdict(one) | {"kind": one.kind.name.lower(), "tiers": [[repr(x) for x in row] for row in one.tiers]}
        instruments.append({name: repr(value) if name in _NUMBERS else value for name, value in plain.items()})
    return {
        "assets": list(universe.assets), "quote": universe.quote, "market_asset": universe.market_asset,
        "instruments": instruments,
    }  # fmt: skip


def universe_of(plain: Mapping[str, Any]) -> Universe:
    """The inverse of ``universe_plain``."""
    instruments = []
    for row in plain["instruments"]:
        values = dict(row) | {name: float(row[name]) for name in _NUMBERS}
        values["kind"] = Kind[row["kind"].upper()]
        values["tiers"] = tuple(Tier(*(float(x) for x in tier)) for tier in row["tiers"])
        instruments.append(Instrument(**values))
    return Universe(tuple(plain["assets"]), plain["quote"], tuple(instruments), plain["market_asset"])


def policy_text(policy: Policy) -> str:
    """A policy as JSON, quantities with their units; a text, since the order of its rows counts."""
    return policy.model_dump_json(by_alias=True, exclude_defaults=True)


def policy_of(text: str) -> Policy:
    """The inverse of ``policy_text``. Raises ConfigError."""
    try:
        return Policy.model_validate(json.loads(text))
    except ValueError as error:
        raise ConfigError(f"it is no policy: {error}", where="policy") from None


def mandate_of(plain: Mapping[str, Any]) -> Mandate:
    """A mandate from its table. Raises ConfigError that names the cell."""
    return _checked(Mandate, plain, "mandate")


def terms_of(plain: Mapping[str, Any]) -> Terms:
    """A venue's terms from their table; none: every order is filled whole. Raises ConfigError that names the cell."""
    return _checked(Terms, plain, "venue") if plain else WHOLE


def terms_plain(terms: Terms) -> dict[str, Any]:
    """The inverse of ``terms_of``: every cell, so that a journal keeps its terms when a default changes."""
    return {} if terms == WHOLE else terms.model_dump(mode="json")


def _checked(kind: type[T], plain: Mapping[str, Any], table: str) -> T:
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join((table, *(str(part) for part in first["loc"])))
        raise ConfigError(first["msg"], where=where, fix=f"The page on files lists what a {table} may hold.") from None


def holdings_of(cash: Decimal) -> dict[str, Any]:
    """A beginning with stablecoins alone, quote."""
    return {"cash": str(cash)}


def holdings_with(portfolio: Portfolio, universe: Universe, prices: Sequence[float]) -> dict[str, Any]:
    """A beginning with what a portfolio file states, at ``prices`` [I], NaN where there is none."""
    known = {it.symbol: repr(price) for it, price in zip(universe.instruments, prices, strict=True) if price > 0.0}
    return {"portfolio": portfolio.model_dump(mode="json", by_alias=True, exclude_defaults=True), "prices": known}


def book_of(rules: Rules, universe: Universe, holdings: Mapping[str, Any]) -> Book:
    """The book that a portfolio begins with. Raises ConfigError for what cannot be held."""
    book = new_book(rules, len(universe.instruments), float(Decimal(holdings.get("cash", "0"))))
    if "portfolio" in holdings:
        prices = np.array([float(holdings["prices"].get(it.symbol, "nan")) for it in universe.instruments])
        hold(book, Portfolio.model_validate(holdings["portfolio"]), universe, prices, rules)
        book.scalar[S_NAV] = book.scalar[S_NAV0]
    return book
