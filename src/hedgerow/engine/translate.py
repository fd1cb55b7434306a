"""What the journal's first row states, as the records that the engine runs on, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Instrument, Kind, Tier, Universe
from hedgerow.model.mandate import Mandate
from hedgerow.model.policy import Policy
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
    except (TypeError, ValueError, RecursionError) as error:
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
