"""Any function of TA-Lib as a measure, by name: ``talib:MACD(12,26,9).macdhist``, ``talib:ADX(14)``.

Inputs are the completed daily bars of the spot market. Most of these functions are recursive, so each day is computed
anew from exactly the last ``window`` bars: 250, or eight times the look-back and 50 if that is more, which is ten
half-lives of the library's smoothings. Sums without end (OBV, AD, SAR) start at the window's start. TA-Lib is imported
only here, when asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

import numpy as np

from hedgerow.model.market import Floats
from hedgerow.model.measure import INDEX
from hedgerow.signals.rolling import run_length

PREFIX: Final = "talib:"
LEAST_WINDOW: Final = 250  # bars: that of our own RSI
FIELDS: Final = ("open", "high", "low", "close", "volume")
_NAME: Final = re.compile(r"talib:(\w+)(?:\(([^()]*)\))?(?:\.(\w+))?")


@dataclass(frozen=True, slots=True)
class Indicator:
    """A parsed name: TA-Lib's function, its parameters, which of its outputs, what it reads, and its window in bars."""

    name: str
    function: str
    parameters: tuple[tuple[str, int | float], ...]
    output: int
    inputs: tuple[str, ...]
    lookback: int
    window: int


def parse(name: str) -> Indicator:
    """Read a TA-Lib measure's name. Raises ``ValueError`` that says what was meant or what is allowed."""
    import talib
    from talib import abstract

    found = _NAME.fullmatch(re.sub(r"\s", "", name))
    if found is None:
        near = get_close_matches(name, INDEX, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(f'there is no measure "{name}"; {hint}A TA-Lib measure is written "talib:RSI(14)"')
    function, text, output = found.group(1).upper(), found.group(2) or "", found.group(3)
    functions: list[str] = [one for group in talib.__function_groups__.values() for one in group]
    if function not in functions:
        raise ValueError(f'TA-Lib has no function "{function}"{_near(function, functions)}')
    made: Any = abstract.Function(function)  # type: ignore[attr-defined]  # left out of its stubs
    inputs = _inputs(made.info["input_names"])
    if not set(inputs) <= set(FIELDS):
        other = ", ".join(set(inputs) - set(FIELDS))
        raise ValueError(f'"{name}" needs another series, {other}; it cannot be a measure')
    parameters = _parameters(name, text, dict(made.info["parameters"]))
    made.parameters = parameters
    lookback = _lookback(name, made, getattr(talib, function), len(inputs), parameters)
    place = _output(name, output, list(made.info["output_names"]))
    window = max(LEAST_WINDOW, 8 * lookback + 50)
    return Indicator(name, function, tuple(parameters.items()), place, inputs, lookback, window)


def evaluate(indicator: Indicator, bars: dict[str, Floats]) -> Floats:
    """The indicator [D, A] on daily bars, ``bars[field]`` [D, A]; NaN without a look-back that has no gap."""
    import talib

    function: Callable[..., Any] = getattr(talib, indicator.function)
    parameters = dict(indicator.parameters)
    inputs = [bars[field] for field in indicator.inputs]
    unknown = np.zeros(inputs[0].shape, dtype=np.bool_)
    for values in inputs:
        unknown |= np.isnan(values)
    run = run_length(np.where(unknown, np.nan, 0.0), indicator.window)
    out = np.full(run.shape, np.nan)
    for a in range(run.shape[1]):
        columns = [np.ascontiguousarray(values[:, a]) for values in inputs]
        for t in range(len(run)):
            length = int(run[t, a])
            if length > indicator.lookback:
                result = function(*[column[t + 1 - length : t + 1] for column in columns], **parameters)
                series = result[indicator.output] if isinstance(result, tuple) else result
                out[t, a] = float(series[-1])
    return np.where(np.isfinite(out), out, np.nan)


def _inputs(names: dict[str, str | list[str]]) -> tuple[str, ...]:
    """The fields that a function reads, in the order of its arguments."""
    fields: list[str] = []
    for value in names.values():
        fields += [value] if isinstance(value, str) else value
    return tuple(fields)


def _parameters(name: str, text: str, defaults: dict[str, int | float]) -> dict[str, int | float]:
    """Arguments by place or by name over the defaults, each in its default's type."""
    out = dict(defaults)
    order = list(defaults)
    signature = ", ".join(f"{key}={value}" for key, value in defaults.items()) or "no parameters"
    given = [part for part in text.split(",") if part]
    if len(given) > len(order):
        raise ValueError(f'"{name}" has {len(given)} parameters; TA-Lib takes {signature}')
    for place, part in enumerate(given):
        key, _, value = part.rpartition("=")
        key = key or order[place]
        if key not in defaults:
            raise ValueError(f'"{name}" has no parameter "{key}"{_near(key, order)}; TA-Lib takes {signature}')
        try:
            out[key] = type(defaults[key])(value)
        except ValueError:
            what = "a whole number" if isinstance(defaults[key], int) else "a number"
            raise ValueError(f'"{name}": {key} must be {what}, not "{value}"; TA-Lib takes {signature}') from None
    return out


def _lookback(
    name: str, made: Any, function: Callable[..., Any], inputs: int, parameters: dict[str, int | float]
) -> int:
    """Bars before the first value; a trial run tells whether TA-Lib accepts the parameters at all."""
    try:
        lookback = int(made.lookback)
        function(*[np.linspace(1.0, 2.0, max(lookback, 0) + 2)] * inputs, **parameters)
    except Exception as error:  # noqa: BLE001  (TA-Lib raises bare Exception)
        raise ValueError(f'TA-Lib does not accept "{name}": {error}') from None
    return lookback


def _output(name: str, output: str | None, names: list[str]) -> int:
    if output is None and len(names) == 1:
        return 0
    if output is None:
        raise ValueError(f'"{name}" has several outputs; write "{name}.{names[0]}" or another of {", ".join(names)}')
    if output not in names:
        raise ValueError(f'"{name}" has no output "{output}"{_near(output, names)}; it has {", ".join(names)}')
    return names.index(output)


def _near(word: str, words: list[str]) -> str:
    near = get_close_matches(word, words, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""
