"""TA-Lib's functions by name: what a name means, what is said of a wrong one, and that only the window counts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import talib

from hedgerow.signals import indicators, oscillator
from tests.conftest import ROOT
from tests.signals.made import daily

BARS = daily(3, 420, 2)
FIELDS = {name: getattr(BARS, name) for name in indicators.FIELDS}
O, H, L, C, V = (FIELDS[name][:, 0].copy() for name in indicators.FIELDS)


def last(name: str) -> float:
    return float(indicators.evaluate(indicators.parse(name), FIELDS)[-1, 0])


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("talib:MACD(12,26,9).macdhist", lambda w: talib.MACD(C[-w:], 12, 26, 9)[2]),
        ("talib:BBANDS(20,2,2).upperband", lambda w: talib.BBANDS(C[-w:], 20, 2.0, 2.0)[0]),
        ("talib:BBANDS(nbdevup=3).upperband", lambda w: talib.BBANDS(C[-w:], nbdevup=3.0)[0]),
        ("talib:ADX(14)", lambda w: talib.ADX(H[-w:], L[-w:], C[-w:], 14)),
        ("talib:ADX", lambda w: talib.ADX(H[-w:], L[-w:], C[-w:], 14)),
        ("talib: adx( 14 )", lambda w: talib.ADX(H[-w:], L[-w:], C[-w:], 14)),
        ("talib:OBV", lambda w: talib.OBV(C[-w:], V[-w:])),
        ("talib:BOP()", lambda w: talib.BOP(O[-w:], H[-w:], L[-w:], C[-w:])),
        ("talib:STOCH(14,3,0,3,0).slowd", lambda w: talib.STOCH(H[-w:], L[-w:], C[-w:], 14, 3, 0, 3, 0)[1]),
        ("talib:CDLDOJI", lambda w: talib.CDLDOJI(O[-w:], H[-w:], L[-w:], C[-w:])),
        ("talib:CORREL(30)", lambda w: talib.CORREL(H[-w:], L[-w:], 30)),
    ],
)
def test_names(name: str, want: object) -> None:
    window = indicators.parse(name).window
    assert last(name) == float(want(window)[-1])  # the very same bits


def test_its_rsi_and_atr_are_ours() -> None:
    got = indicators.evaluate(indicators.parse("talib:RSI(14)"), FIELDS)
    np.testing.assert_allclose(got, oscillator.rsi(BARS.close), rtol=0, atol=1e-10)
    got = indicators.evaluate(indicators.parse("talib:ATR(14)"), FIELDS)
    np.testing.assert_allclose(got, oscillator.atr(BARS.high, BARS.low, BARS.close), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rsi15", "did you mean rsi14"),
        ("talib:", 'is written "talib:RSI'),
        ("talib:RSI(14", 'is written "talib:RSI'),
        ("talib:MACDD(12,26,9).macdhist", "did you mean MACD"),
        ("talib:MACD(12,26,9)", "several outputs.*macd, macdsignal, macdhist"),
        ("talib:MACD(12,26,9).macdhst", "did you mean macdhist"),
        ("talib:RSI(14).rsi", "it has real"),
        ("talib:RSI(14,3)", "takes timeperiod=14"),
        ("talib:RSI(period=3)", 'no parameter "period"; did you mean timeperiod'),
        ("talib:RSI(1.5)", "whole number"),
        ("talib:BBANDS(20,x).upperband", "nbdevup must be a number"),
        ("talib:RSI(-5)", "does not accept"),
        ("talib:RSI(99999999999)", "does not accept"),
        ("talib:MAVP(2,30,0)", "needs another series, periods"),
        ("talib:BOP(3)", "takes no parameters"),
    ],
)
def test_what_is_said_of_a_wrong_name(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        indicators.parse(name)


def test_parsing_leaves_talibs_defaults_alone() -> None:
    indicators.parse("talib:RSI(30)")
    assert indicators.parse("talib:RSI").parameters == (("timeperiod", 14),)
    assert indicators.parse("talib:RSI").lookback == 14


def test_every_function_can_be_a_measure() -> None:
    for function in talib.get_functions():
        if function == "MAVP":
            continue
        try:
            indicator = indicators.parse(f"talib:{function}")
        except ValueError as error:
            assert "several outputs" in str(error)  # noqa: PT017
            indicator = indicators.parse(str(error).split('write "')[1].split('"')[0])
        got = indicators.evaluate(indicator, {name: values[-90:, :1] for name, values in FIELDS.items()})
        assert got.shape == (90, 1)
        assert not np.isinf(got).any()
        assert indicator.window >= indicator.lookback + 1


def test_a_gap_starts_it_anew() -> None:
    fields = {name: values.copy() for name, values in FIELDS.items()}
    fields["low"][200, 0] = np.nan
    got = indicators.evaluate(indicators.parse("talib:ADX(14)"), fields)
    fresh = indicators.evaluate(indicators.parse("talib:ADX(14)"), {n: v[201:] for n, v in FIELDS.items()})
    assert np.isnan(got[200:228, 0]).all()
    np.testing.assert_array_equal(got[201:, 0], fresh[:, 0])
    close_only = indicators.evaluate(indicators.parse("talib:RSI(14)"), fields)
    assert not np.isnan(close_only[20:, 0]).any()


def test_talib_is_imported_only_when_asked_for() -> None:
    code = "import sys, hedgerow.signals.panel; sys.exit('talib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=False).returncode == 0
