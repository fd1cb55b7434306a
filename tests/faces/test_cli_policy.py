"""Policies on the command line: listed, shown, checked with plain sentences, explained with every number's source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgerow import policies
from hedgerow.faces import policy_words
from hedgerow.faces.cli import app
from hedgerow.model import policy as schema
from hedgerow.model import policy_limits, policy_row
from hedgerow.model.citation import SOURCES
from hedgerow.units import UNITS

SOUND = """\
name = "mine"
title = "My own"

[targets]
stable = "20 %"
weights = { BTC = "50 %", ETH = "30 %" }

[hedge]
rungs = ["0 %", "25 %", "50 %"]

[vote.overbought]
measure = "rsi14"
threshold = "85 points"
within = "10 d"

[vote.cheap]
measure = "mayer"
side = "below"
threshold = "0.7 x"
for = "3 d"

[vote.either]
at_least = 1
of = ["overbought", "cheap"]

[trim.drift]
measure = "drift_abs"
threshold = "10 pp"
"""

# what to replace, by what, and what the sentence must name: the key or line, the value, the fix
FAULTS = {
    "unknown key": ('title = "My own"', 'titel = "My own"', ("titel", "unknown key", "did you mean title")),
    "unknown key in a row": ('stable = "20 %"', 'stabel = "20 %"', ("targets.stabel", "stable")),
    "wrong unit": ('threshold = "10 pp"', 'threshold = "10 %"', ("trim.drift.threshold", "10 %", "10 pp")),
    "bare number": ('stable = "20 %"', "stable = 20", ("targets.stable", "no unit", '"20 %"')),
    "bare threshold": ('threshold = "10 pp"', "threshold = 10", ("trim.drift.threshold", "no unit", '"10 pp"')),
    "weights": ('ETH = "30 %"', 'ETH = "40 %"', ("targets", "110", "100 %")),
    "unknown measure": ('"rsi14"', '"rsi15"', ("vote.overbought", "rsi15", "rsi14")),
    "unknown vote": ('"overbought", "cheap"', '"overbougt", "cheap"', ("vote.either", "overbougt", "overbought")),
    "bad TOML": ('title = "My own"', 'title = "My own', ("TOML", "line 2")),
    "leverage": ("[hedge]", '[hedge]\nleverage = "2 x"', ("hedge", "leverage", "high_risk = true")),
    "rungs": ('"0 %", "25 %", "50 %"', '"0 %", "50 %", "25 %"', ("hedge", "rungs must rise")),
    "negative": ('stable = "20 %"', 'stable = "-20 %"', ("targets.stable", "at least 0 %", 'got "-20 %"')),
    "above the whole": ("rungs = [", 'floor = "120 %"\nrungs = [', ("hedge.floor", "at most 100 %", 'got "120 %"')),
    "inside a list": ('["0 %", "25 %",', '["0 %", "-25 %",', ("hedge.rungs.1", "at least 0 %", 'got "-25 %"')),
    "no table": ('title = "My own"', "deploy = 3", ("deploy", "must be a table", "got 3")),
    "a count": ("[hedge]", "[deploy]\ntranches = 0\n[hedge]", ("deploy.tranches", "at least 1", "got 0")),
    "without": (
        'name = "mine"',
        'name = "mine"\nextends = "seed"\nwithout = ["trim.nothing"]',
        ("without", "trim.", "Known are"),
    ),
    "not finite": ('threshold = "10 pp"', 'threshold = "inf pp"', ("trim.drift.threshold", "finite")),
    "no name": ('name = "mine"', "", ("name", "missing")),
    "extends nothing": ('name = "mine"', 'name = "mine"\nextends = "balnced"', ("balnced", "balanced")),
}


def run(*args: object, code: int = 0) -> str:
    """The standard output of a command that ends with ``code``; an error stands alone on standard error."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert (result.stderr == "") == (code == 0), result.stderr
    return result.stdout if code == 0 else result.stderr


def test_list_names_every_built_in_with_its_title(tmp_path: Path) -> None:
    target = tmp_path / "list.json"
    lines = run("policy", "list", "--json", target).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list(policies.names())
    assert lines[-1] == str(target)
    records = json.loads(target.read_text())["policies"]
    assert {one["benchmark"] for one in records} == {None, *(f"B{i}" for i in range(9))}
    assert all(one["title"] for one in records)


@pytest.mark.parametrize("name", policies.names())
def test_show_prints_the_file_as_it_is(name: str) -> None:
    assert run("policy", "show", name) == policies.path_of(name).read_text()


@pytest.mark.parametrize("name", policies.names())
def test_every_built_in_is_sound(name: str) -> None:
    assert run("policy", "check", name).startswith(f"{name} is a sound policy: ")


def test_check_counts_rows(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SOUND)
    assert run("policy", "check", file) == "mine is a sound policy: 3 vote rows, 1 trim row.\n"
    assert json.loads(run("policy", "check", file, "--json", "-"))["rows"]["vote"] == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_with_its_place_its_value_and_the_fix(fault: str, tmp_path: Path) -> None:
    old, new, words = FAULTS[fault]
    assert SOUND.count(old) == 1
    file = tmp_path / "mine.toml"
    file.write_text(SOUND.replace(old, new))
    for command in ("check", "explain"):
        sentence = run("policy", command, file, code=2)
        assert sentence.count("\n") == 1
        assert "Traceback" not in sentence
        assert all(word in sentence for word in words), sentence
        assert fault == "extends nothing" or "mine.toml" in sentence


def test_fault_as_json(tmp_path: Path) -> None:
    file, target = tmp_path / "mine.toml", tmp_path / "out.json"
    file.write_text(SOUND.replace('stable = "20 %"', "stable = 20"))
    run("policy", "check", file, "--json", target, code=2)
    record = json.loads(target.read_text())
    assert record["sound"] is False
    assert record["error"]["where"] == "mine.toml: targets.stable"


@pytest.mark.parametrize("command", ["show", "check", "explain"])
def test_what_is_no_policy(command: str, tmp_path: Path) -> None:
    assert "balanced" in run("policy", command, "balancd", code=2)
    binary = tmp_path / "picture.toml"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    assert "UTF-8" in run("policy", command, binary, code=2)
    assert "there is no policy or file" in run("policy", command, tmp_path, code=2)


@pytest.mark.parametrize("name", policies.names())
def test_explain_gives_every_number_its_unit_and_its_source(name: str) -> None:
    policy = policies.load(name)
    cells = list(policy_words.walk(policy))
    assert len({cell.path for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.meaning, cell
        assert cell.source, cell
        if isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool):
            assert cell.unit in UNITS or cell.unit in ("votes", "rungs", "tranches", "days"), cell
            assert cell.unit == "" or cell.text.endswith((cell.unit, cell.unit.removesuffix("s"))), cell
            assert cell.unit or ".threshold" in cell.path or ".rearm" in cell.path, cell
    out = run("policy", "explain", name)
    for cell in cells:
        if cell.given and cell.unit and not cell.path.startswith("regime."):
            assert cell.text in out, cell
    for regime in policy.regime.values():
        assert policy_words.hedge_range(regime) in out


def test_every_field_that_the_schema_has_is_cited() -> None:
    """But for names, texts and tables; and nothing is cited that is not there."""
    known = [
        row for room in (schema, policy_limits, policy_row) for row in vars(room).values() if isinstance(row, type)
    ]
    rows = {row.__name__: row for row in known if issubclass(row, policy_row.Row)}
    for record, fields in SOURCES.items():
        assert set(fields) <= set(rows[record].model_fields), record
    for record, row in rows.items():
        uncited = set(row.model_fields) - set(SOURCES.get(record, {})) - {*policy_words.UNSPOKEN}
        inner = {n for n in uncited if "dict" in str(row.model_fields[n].annotation) or holds_a_row(row, n)}
        assert uncited == inner, record
        for name, field in row.model_fields.items():
            assert field.description or name in inner or name in policy_words.UNSPOKEN, (record, name)


def holds_a_row(row: type[policy_row.Row], name: str) -> bool:
    return bool(re.search(r"policy(_limits)?\.(?!Gate)", str(row.model_fields[name].annotation)))


def test_explain_says_conditions_in_words(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SOUND)
    out = run("policy", "explain", file)
    assert re.search(r"^overbought +RSI\(14\) at or above 85 points within 10 d +2\.4, 2A-5$", out, re.M)
    assert re.search(r"^cheap +mayer at or below 0\.7 x for 3 d ", out, re.M)
    assert re.search(r"^rungs +0 %, 25 %, 50 % +policy +the ladder +policy \(default .+100 %: E-07\)$", out, re.M)
    assert re.search(r"^either +1 vote of overbought, cheap ", out, re.M)
    assert re.search(r"^weights\.BTC +50 % +policy +by asset", out, re.M)
    assert re.search(r"^kappa +1\.5 x +default +benefit must be so many times the cost; 0: off +2\.15$", out, re.M)
    assert re.search(r"^drift +drift_abs +above +10 pp +", out, re.M)


def test_explain_prints_the_regime_table() -> None:
    out = run("policy", "explain", "seed")
    table = out[out.index("REGIME") :].split("\n\n")[0]
    assert re.search(r"^state +entered when +left when +hedge range +trim +deploys +source$", table, re.M)
    peak = next(line for line in table.splitlines() if line.startswith("PEAK"))
    assert "2 votes of overbought, stretched, crowded_long, vol_spike, corr_high, corr_rising; and above_sma200" in peak
    assert "50 % to 100 %" in peak
    assert "for 5 d" in peak
    assert "not again for 30 d" in next(line for line in table.splitlines() if line.startswith("BOTTOM"))
    assert "otherwise" in next(line for line in table.splitlines() if line.startswith("NEUTRAL"))


def test_explain_as_json() -> None:
    record = json.loads(run("policy", "explain", "balanced", "--json", "-"))
    cells = {cell["path"]: cell for cell in record["cells"]}
    drift = cells["trim.drift.threshold"]
    assert (drift["value"], drift["unit"], drift["text"], drift["given"]) == (0.1, "pp", "10 pp", True)
    assert cells["hedge.reserve"]["unit"] == "%"
    assert cells["deploy.tranches"]["text"] == "4 tranches"
    assert [row["state"] for row in record["regimes"]] == list(policies.load("balanced").regime)
    assert {row["vote"] for row in record["votes"]} == set(policies.load("balanced").vote)


def test_explain_names_indicators_of_talib(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SOUND.replace('"rsi14"', '"talib:MACD(12,26,9).macdhist"').replace('"85 points"', "0.5"))
    out = run("policy", "explain", file)
    assert "talib:MACD(12,26,9).macdhist at or above 0.5 within 10 d" in out


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SOUND.replace("My own", "My \\u001b]0;own"))
    assert "\x1b" not in run("policy", "explain", file)
