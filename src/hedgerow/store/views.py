"""A views file: dated items of people and calendars, as TOML tables ``[[view]]`` (domain 2A-15).

[[view]]
date = 2022-11-08            # when it was known: a day (its opening) or a moment in UTC
kind = "exchange_failure"    # regulatory, macro, geopolitical, exchange_failure, external_analysis, catalyst
severity = 3                 # 1: a rung more; 2: at least 50 %; 3: at least 75 %
source = "who said so, where"
expires = 2022-11-22         # 7 days after the date where it is left out
assets = ["SOL"]             # all where it is left out
hedge_ratio = "80 %"         # in place of what the severity asks
venue = "ftx"                # of an exchange failure
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from hedgerow import units
from hedgerow.errors import ConfigError
from hedgerow.signals.views import View

_KEYS: Final = ("date", "kind", "severity", "source", "expires", "assets", "hedge_ratio", "venue")


def read_views(path: Path) -> tuple[View, ...]:
    """The items of a views file, in order. Raises ConfigError with the item, the key and the fix."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", where=str(path), fix="See the views file in the reference."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("not a text file in UTF-8", where=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from None
    unknown = [key for key in document if key != "view"]
    items = document.get("view", [])
    if unknown or not isinstance(items, list):
        raise ConfigError(
            f'unknown key "{", ".join(unknown) or "view"}"', where=str(path), fix="Write items as [[view]] tables."
        )
    return tuple(_view(item, f"{path}: view {i + 1}") for i, item in enumerate(items))


def _view(item: Any, where: str) -> View:
    if not isinstance(item, dict):
        raise ConfigError(f"{item!r} is no item", where=where, fix="Write items as [[view]] tables.")
    for key in item:
        if key not in _KEYS:
            raise ConfigError("unknown key", where=f"{where}.{key}", fix=f"An item takes {', '.join(_KEYS)}.")
    if "date" not in item or "kind" not in item:
        raise ConfigError("an item needs date and kind", where=where, fix='Write date = 2022-11-08 and kind = "macro".')
    severity, ratio = item.get("severity", 1), item.get("hedge_ratio")
    if not isinstance(severity, int) or isinstance(severity, bool):
        raise ConfigError(f"{severity!r} is no severity", where=f"{where}.severity", fix="Write 1, 2 or 3.")
    try:
        least = None if ratio is None else units.parse(ratio, "%")
        if least is not None and not 0.0 <= least <= 1.0:
            raise ValueError
    except (AttributeError, ValueError):
        raise ConfigError(
            f"{ratio!r} is no hedge ratio", where=f"{where}.hedge_ratio", fix='Write a share of spot such as "80 %".'
        ) from None
    try:
        return View(
            date_ns=_moment(item["date"], f"{where}.date"),
            kind=str(item["kind"]),
            severity=severity,
            source=str(item.get("source", "")),
            expiry_ns=_moment(item["expires"], f"{where}.expires") if "expires" in item else None,
            assets=_names(item.get("assets", []), f"{where}.assets"),
            hedge_ratio=least,
            venue=str(item.get("venue", "")),
        )
    except ValueError as error:
        raise ConfigError(str(error), where=where) from None


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{value!r} is no list of assets", where=where, fix='Write for example ["BTC", "SOL"].')
    return tuple(value)


def _moment(value: Any, where: str) -> int:
    """A TOML date or date-time as ns since the epoch; one without a zone is UTC."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise ConfigError(
            f"{value!r} is no date", where=where, fix="Write it without quotes: 2022-11-08 or 2022-11-08T14:00:00Z."
        )
    return int(moment.timestamp()) * units.NS_PER_SECOND
