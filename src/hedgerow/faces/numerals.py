"""Numbers as a report prints them: a true minus, grouped thousands, a narrow space before the unit, a dash for none."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

NONE: Final = "–"
MINUS: Final = "\u2212"
SPACE: Final = "\u202f"  # narrow, does not break


def known(value: object) -> float | None:
    """The value as a finite float, or None (a figure that is missing or not defined)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def fixed(value: object, digits: int = 2, *, sign: bool = False) -> str:
    """1234.5 -> 1,234.50."""
    number = known(value)
    if number is None:
        return NONE
    text = f"{abs(number):,.{digits}f}"
    if not any(digit in "123456789" for digit in text):
        return text  # rounds to zero: no sign
    return (MINUS if number < 0 else "+" if sign else "") + text


def percent(value: object, digits: int = 1, *, sign: bool = False) -> str:
    """0.385 -> 38.5 %."""
    number = known(value)
    return NONE if number is None else f"{fixed(number * 100.0, digits, sign=sign)}{SPACE}%"


def money(value: object, *, sign: bool = False) -> str:
    """Quote currency: whole units from 1,000 on, cents below."""
    number = known(value)
    return NONE if number is None else fixed(number, 0 if abs(number) >= 1_000 else 2, sign=sign)


def cents(largest: float) -> int:
    """Decimals of a whole table of money: cents only where its largest amount is below 10,000."""
    return 0 if largest >= 10_000 else 2


def significant(value: object, digits: int = 6) -> float | None:
    """Rounded to so many significant digits, for data that is only drawn; None where not finite."""
    number = known(value)
    return None if number is None else float(f"{number:.{digits}g}")


def day(ns: int) -> str:
    """An opening time as its date, 2021-05-19."""
    return datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC).strftime("%Y-%m-%d")


def long_day(ns: int) -> str:
    """19 May 2021."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC)
    return f"{moment.day} {moment.strftime('%B %Y')}"
