"""Flags: views that come while the engine runs, as a regulator's ban does. They act at once, and on every close while they live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.model import measure
from hedgerow.model.market import Floats
from hedgerow.signals.views import LIFE_NS, View, columns
from hedgerow.units import NS_PER_DAY, NS_PER_SECOND, parse

_ADDED: Final = "view_rungs"  # rungs add up; of the others the most holds


def view_of(options: Mapping[str, Any], at_ns: int) -> View:
    """A flag as an operator states it: kind, severity, assets, seconds (how long it lives), ratio, venue, source. Raises ConfigError."""
    try:
        ratio, seconds = options.get("ratio"), int(options.get("seconds", 0))
        return View(
            at_ns, str(options.get("kind", "")), int(options.get("severity", 1)), str(options.get("source", "")),
            at_ns + (seconds * NS_PER_SECOND or LIFE_NS), tuple(str(one) for one in options.get("assets", ())),
            None if ratio is None else parse(str(ratio), "%"), str(options.get("venue", "")),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error), where="flag") from None


def plain(view: View) -> dict[str, Any]:
    """A flag as plain data."""
    return {
        "date_ns": view.date_ns, "kind": view.kind, "severity": view.severity, "source": view.source, "expiry_ns": view.expiry_ns,
        "assets": list(view.assets), "hedge_ratio": view.hedge_ratio, "venue": view.venue,
    }  # fmt: skip


def of_plain(record: Mapping[str, Any]) -> View:
    """The inverse of ``plain``."""
    return View(**(dict(record) | {"assets": tuple(record["assets"])}))


def flagged(row: Floats, flags: Sequence[View], at_ns: int, assets: tuple[str, ...], hedge_venue: str) -> Floats:
    """The measures [M, A] of a close with the flags that live at ``at_ns``."""
    if not flags:
        return row
    made = row.copy()
    for name, values in columns(flags, np.array([at_ns - NS_PER_DAY]), assets, hedge_venue).items():
        column = made[measure.INDEX[name]]
        column[:] = column + values[0] if name == _ADDED else np.fmax(column, values[0])
    return made
