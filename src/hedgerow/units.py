"""Quantities with their units, and the only crossing between text, Decimal and float64.

A policy writes ``"10 pp"``, ``"60 %/yr"``, ``"5 bp"``, ``"3 d"``; the kernel computes in plain fractions, days and
quote
currency. This module is the one place that turns one into the other, and the one place that rounds to lots.
"""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Decimal
from typing import Final

DAYS_PER_YEAR: Final = 365.0
HOURS_PER_DAY: Final = 24.0
NS_PER_SECOND: Final = 1_000_000_000
NS_PER_HOUR: Final = 3_600 * NS_PER_SECOND
NS_PER_DAY: Final = 24 * NS_PER_HOUR

# unit -> (factor to the kernel's unit, what the kernel computes in)
UNITS: Final[dict[str, tuple[float, str]]] = {
    "": (1.0, "number"),
    "x": (1.0, "number"),
    "%": (0.01, "fraction"),
    "pp": (0.01, "fraction"),
    "bp": (0.0001, "fraction"),
    "%/yr": (0.01, "fraction per year"),
    "bp/8h": (0.0001, "fraction per 8 hours"),
    "d": (1.0, "days"),
    "sd": (1.0, "standard deviations"),
    "points": (1.0, "index points"),
    "quote": (1.0, "quote currency"),
}


def parse(text: str | float | int, unit: str) -> float:
    """Read ``"10 pp"`` (or a bare number, allowed only where ``unit`` is dimensionless) into the kernel's unit.

    ``unit`` is one of ``UNITS``. Raises ``ValueError`` with the fix in its message.
    """
    factor, _ = UNITS[unit]
    if isinstance(text, bool):
        raise ValueError(f"expected a quantity in {unit or 'plain numbers'}, got {text}")
    if isinstance(text, (int, float)):
        if unit in ("", "x", "points", "sd", "quote"):
            return _finite(float(text))
        raise ValueError(f'a bare number has no unit here; write "{text:g} {unit}"')
    number, _, suffix = text.strip().partition(" ")
    suffix = suffix.strip()
    if not suffix:
        for known in sorted(UNITS, key=len, reverse=True):
            if known and number.endswith(known):
                number, suffix = number[: -len(known)], known
                break
    try:
        value = float(number.replace("_", ""))
    except ValueError:
        raise ValueError(f'"{text}" is not a number with a unit; write for example "10 {unit}"') from None
    if suffix != unit and not (suffix == "" and unit in ("x", "points", "sd", "quote")):
        raise ValueError(f'"{text}" must be given in {unit or "plain numbers"}; write for example "{value:g} {unit}"')
    return _finite(value * factor if factor == 1.0 else float(Decimal(str(value)) * Decimal(str(factor))))


def show(value: float, unit: str) -> str:
    """The inverse of ``parse``: a kernel value as a person reads it, with its unit."""
    factor, _ = UNITS[unit]
    if math.isinf(value):
        return "none"
    shown = f"{value / factor:,.6g}"
    if "e+" in shown and abs(value / factor) < 1e15:
        shown = f"{value / factor:,.0f}"
    return f"{shown} {unit}".rstrip()


def written(value: float, unit: str) -> str:
    """A kernel value as a text that ``parse`` reads back as the same bits, where ``parse`` gave it."""
    factor, _ = UNITS[unit]
    if factor == 1.0:
        return f"{float(value)!r} {unit}".rstrip()
    near = float(Decimal(repr(float(value))) / Decimal(str(factor)))
    tried = (near, math.nextafter(near, math.inf), math.nextafter(near, -math.inf))
    number = next((one for one in tried if float(Decimal(str(one)) * Decimal(str(factor))) == value), near)
    return f"{number!r} {unit}"


def figure(value: float, unit: str, quote: str) -> str:
    """A measured value or a threshold in four digits as people read it; amounts of quote bear its name."""
    if math.isnan(value):
        return "unknown"
    shown = show(float(f"{value:.4g}"), unit)
    return f"{shown.removesuffix('quote')}{quote}" if unit == "quote" else shown


def floor_to_lot(amount: Decimal, lot: Decimal) -> Decimal:
    """The largest multiple of ``lot`` that is not above ``amount`` (``lot`` 0 means no rounding)."""
    return amount if lot == 0 else (amount / lot).to_integral_value(ROUND_DOWN) * lot


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("the value must be finite")
    return value
