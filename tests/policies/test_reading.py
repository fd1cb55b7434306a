"""How a policy file is named, and what a fault in it is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from hedgerow import policies
from hedgerow.errors import ConfigError


def put(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_file_that_extends_another_is_called_as_the_file(tmp_path: Path) -> None:
    mine = policies.load(put(tmp_path, "mine.toml", 'extends = "balanced"\n'))
    assert (mine.name, mine.title) == ("mine", "mine, from balanced")
    further = policies.load(put(tmp_path, "further.toml", f'extends = "{tmp_path / "mine.toml"}"\n'))
    assert (further.name, further.title) == ("further", "further, from mine")


def test_what_the_file_says_of_itself_stands(tmp_path: Path) -> None:
    named = policies.load(put(tmp_path, "a.toml", 'extends = "balanced"\nname = "calm"\n'))
    assert (named.name, named.title) == ("calm", "calm, from balanced")
    titled = policies.load(put(tmp_path, "b.toml", 'extends = "balanced"\ntitle = "My own"\n'))
    assert (titled.name, titled.title) == ("b", "My own")


@pytest.mark.parametrize(("file", "name"), [("_öl 2.toml", "l 2"), ("ö.toml", "own balanced"), ("x" * 80, "x" * 60)])
def test_a_file_whose_name_no_policy_may_have(tmp_path: Path, file: str, name: str) -> None:
    assert policies.load(put(tmp_path, file, 'extends = "balanced"\n')).name == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('high_risk = true\n[hedge]\nleverage = "3 x"\n', ("high_risk: unknown key", "It belongs in [hedge]")),
        ('[hedge]\ndwell = "3 d"\n', ("hedge.dwell: unknown key", "above the first [table]")),
        ('tranches = 3\n', ("tranches: unknown key", "[deploy]")),
        ('cooldown = "3 d"\n', ("cooldown: unknown key", "[trim.NAME]")),
        ('name = "_x"\n', ("name: must begin with a letter or digit", 'got "_x"')),
        ('name = ""\n', ("name: must not be empty",)),
        ('name = "' + "x" * 61 + '"\n', ("name: must have at most 60 characters",)),
        ("title = 3\n", ("title: must be text in quotes (got 3)",)),
        ("[deploy]\ntranches = 1.5\n", ("deploy.tranches: must be a whole number (got 1.5)",)),
        ('[hedge]\nhigh_risk = "very"\n', ("hedge.high_risk: must be true or false",)),
        ('[rebalance]\nevery = "day"\n', ("rebalance.every: must be \"never\", \"week\"",)),
        ('[vote.hot]\nmeasure = "rsi21"\n', ("TA-Lib has it: talib:RSI(21)", "did you mean rsi14")),
        ('[vote.hot]\nmeasure = "SMA_50"\n', ("talib:SMA(50)",)),
        ('[margin]\nconvention = "binance"\n', ("margin.convention: must be one of binance_linear", 'got "binance"')),
        ('[margin]\nconvention = "okx_inverse"\n', ("coin-margined contracts", "set hedge.inverse = true")),
    ],
)  # fmt: skip
def test_faults_in_words(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    own = text if "name =" in text else f'name = "mine"\n{text}'
    with pytest.raises(ConfigError) as caught:
        policies.load(put(tmp_path, "mine.toml", own))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "should" not in str(caught.value)
