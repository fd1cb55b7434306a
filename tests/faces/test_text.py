"""What commands print with: numbers as typed, tables that a terminal and grep can read, JSON without NaN."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError, StoreError
from hedgerow.faces import options, text


class Colour(IntEnum):
    RED = 1


@dataclass(frozen=True, slots=True)
class Leg:
    amount: float
    why: str


def test_numbers_are_typed_with_what_a_keyboard_has() -> None:
    assert text.money(-1_234_567.8) == "-1,234,568"
    assert text.money(0.5, sign=True) == "+0.50"
    assert text.percent(-0.3849) == "-38.5 %"
    assert text.number(1234.5, 1) == "1,234.5"
    assert text.figure(0.000_012_345) == "0.000012345"
    assert text.figure(1.5e12) == "1,500,000,000,000"
    assert text.counted(1, "bar") == "1 bar"
    assert text.counted(1_200, "entry", "entries") == "1,200 entries"
    for show in (text.money, text.percent, text.number, text.figure):
        assert show(math.nan) == show(None) == text.NONE


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_float_is_shown_in_ascii(value: float) -> None:
    for show in (text.money, text.percent, text.number, text.figure):
        assert show(value).isascii()
        assert "e" not in show(value)


def test_table_is_plain_columns_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    text.table(("name", "value"), [("a", "1"), ("longer", "22")], right=("value",))
    assert capsys.readouterr().out == "name    value\na           1\nlonger     22\n"
    text.table(("name",), [])
    assert capsys.readouterr().out == ""


def test_long_lines_are_left_alone_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    text.say("word " * 100)
    text.table(("a",), [("word " * 100,)])
    assert capsys.readouterr().out.count("\n") == 3


def test_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text.say("a\x1b[31mred")
    text.table(("a",), [("\x9b2J",)])
    assert not set(capsys.readouterr().out) & {"\x1b", "\x9b"}


def test_markup_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    text.say("[bold]x[/] :smile:")
    assert capsys.readouterr().out == "[bold]x[/] :smile:\n"


def test_path_stands_alone_however_long(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200) / "a file.html"
    text.print_path(path)
    assert capsys.readouterr().out == f"{path}\n"


def test_work_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with text.working("Working", 3) as tell:
        tell("one")
    assert capsys.readouterr() == ("", "")


def test_work_is_shown_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with text.working("Running", 2) as tell:
        tell("B0")
        tell("B1 [bold]")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Running: B1 [bold]" in shown.err
    assert "1/2" in shown.err


def test_everything_becomes_json() -> None:
    record = {
        "z": np.array([[1.0, math.nan], [math.inf, 4.0]]),
        "a": (np.float64(2.5), np.int64(3), np.bool_(True), None, "x"),
        7: [Decimal("0.10"), Path("a/b"), date(2022, 1, 31), datetime(2022, 1, 31, 8, tzinfo=UTC), Colour.RED],
        "leg": Leg(-math.inf, "why"),
        "set": {"one"},
    }
    assert text.plain(record) == {
        "z": [[1.0, None], [None, 4.0]],
        "a": [2.5, 3, True, None, "x"],
        "7": ["0.10", "a/b", "2022-01-31", "2022-01-31T08:00:00+00:00", "red"],
        "leg": {"amount": None, "why": "why"},
        "set": ["one"],
    }
    assert list(text.plain(record)) == ["z", "a", "7", "leg", "set"], "keys keep their order"
    with pytest.raises(TypeError):
        text.plain(object())


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.json"
    text.write_json({"a": 1}, target)
    with pytest.raises(TypeError):
        text.write_json({"a": object()}, target)
    assert json.loads(target.read_text()) == {"a": 1}
    assert [path.name for path in target.parent.iterdir()] == ["out.json"]
    with pytest.raises(StoreError, match="cannot be written"):
        text.write_json({}, target / "below a file")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = text.write_whole(tmp_path / "new" / "a.html", "old\r\n", "page")
    (tmp_path / "new" / "a.html.part").mkdir()
    with pytest.raises(StoreError, match=r"a\.html: the page cannot be written"):
        text.write_whole(path, "new", "page")
    assert path.read_bytes() == b"old\r\n"


@pytest.mark.parametrize(("target", "lines"), [("-", ["{", ' "a": 1', "}"]), (None, ["shown"])])
def test_result_is_shown_or_is_json(target: str | None, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text.emit({"a": 1}, Path(target) if target else None, lambda: text.say("shown"))
    assert capsys.readouterr().out.splitlines() == lines


def test_values_of_options() -> None:
    assert options.day(" 2022-01-31 ", "--start") == date(2022, 1, 31)
    assert options.names("BTC, ETH,", "--assets") == ("BTC", "ETH")
    assert options.pairs(["a=1,b = 2", "c=x=y"], "--columns", "a=1") == {"a": "1", "b": "2", "c": "x=y"}


UNREADABLE = {
    "no such day": lambda: options.day("2022-02-30", "--start"),
    "another form of a day": lambda: options.day("20220131", "--start"),
    "no day": lambda: options.day("", "--start"),
    "no name": lambda: options.names(" , ", "--start"),
    "a name twice": lambda: options.names("BTC,BTC", "--start"),
    "no pair": lambda: options.pairs(["a"], "--start", "a=1"),
    "a pair twice": lambda: options.pairs(["a=1,a=2"], "--start", "a=1"),
    "half a pair": lambda: options.pairs(["=1"], "--start", "a=1"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_value_that_cannot_be_read_names_option_and_fix(case: str) -> None:
    with pytest.raises(ConfigError, match=r"^--start: .+\. Write .+\.$"):
        UNREADABLE[case]()
