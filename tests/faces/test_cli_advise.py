"""Advice by cron: what is due, what went unwatched, what is adopted from the file; nothing is ordered."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from hedgerow import wire
from hedgerow.faces.cli import app

HELD = """
[portfolio]
quote = "USDT"
[spot.BTC]
amount = {btc}
[spot.ETH]
amount = 20
[spot.USDT]
amount = 20000
[futures."BTC/USDT:USDT"]
amount = -{short}
entry = 20000
collateral = {collateral}
"""


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "held.toml"
    path.write_text(HELD.format(btc=1.0, short=0.25, collateral=6000))
    return path


@pytest.fixture
def cut(made_market: Path, tmp_path: Path, home: Path) -> Any:
    """The made market as it was known after a day: a folder whose files end there."""

    def until(day: str) -> Path:
        folder = tmp_path / f"until-{day}"
        shutil.copytree(made_market, folder)
        last = pl.lit(f"{day} 23:59:59").str.to_datetime().dt.replace_time_zone("UTC")
        for path in folder.glob("*.parquet"):
            kept = pl.read_parquet(path).filter(pl.col("timestamp") <= last)
            kept.write_parquet(path) if len(kept) else path.unlink()
        return folder

    return until


def looked(file: Path, folder: Path, *words: str) -> dict[str, Any]:
    done = call("advise", "--once", "--holdings", str(file), "--data", str(folder), "--json", "-", *words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_first_look_decides_the_last_close(file: Path, cut: Any) -> None:
    found = looked(file, cut("2022-07-05"))
    assert found["since_ns"] == 0
    assert found["unwatched"] == {"bars": 0, "days": 0, "plans": [], "nearest": None}
    plan = found["advice"]
    assert plan["level"] == "advise"
    assert {leg["kind"] for leg in plan["legs"]} >= {"futures"}
    assert found["assets"]["BTC"]["coins"] == 1.0
    assert found["shorts"]["BTC/USDT:USDT"]["coins"] == -0.25


def test_the_next_look_says_what_went_unwatched_and_adopts_what_was_done(file: Path, cut: Any) -> None:
    first = looked(file, cut("2022-07-05"))
    short = sum(-float(leg["amount"]) for leg in first["advice"]["legs"] if leg["instrument"] == "BTC/USDT:USDT")
    file.write_text(HELD.format(btc=0.9, short=0.25 + short, collateral=20_000))
    found = looked(file, cut("2022-07-09"))
    unwatched = found["unwatched"]
    assert (unwatched["bars"], unwatched["days"]) == (4 * 24 - 1, 3)
    assert unwatched["nearest"]["instrument"] == "BTC/USDT:USDT"
    assert 0.0 < unwatched["nearest"]["away"] < 3.0
    assert {"BTC", "BTC/USDT:USDT"} <= set(found["settled"])
    assert found["assets"]["BTC"]["coins"] == 0.9
    assert found["shorts"]["BTC/USDT:USDT"]["coins"] == pytest.approx(-0.25 - short)
    done = call("advise", "--once", "--holdings", str(file), "--data", str(cut("2022-07-10")))
    assert "nobody watched: 23 bars, 0 closes undecided" in done.output
    assert "every decision was made again, the same" in call("journal", "replay", "--portfolio", "advised").output


def test_a_second_look_at_the_same_close_decides_nothing(file: Path, cut: Any) -> None:
    folder = cut("2022-07-05")
    assert looked(file, folder)["news"]
    again = looked(file, folder)
    assert not again["news"]
    assert again["advice"] is None
    assert "No day has closed" in call("advise", "--once", "--holdings", str(file), "--data", str(folder)).output


def test_for_cron_it_is_silent_where_nothing_is_due_and_can_tell_by_its_exit(file: Path, cut: Any) -> None:
    words = ["advise", "--once", "--holdings", str(file), "--quiet", "--exit-code", "--data"]
    due = call(*words, str(cut("2022-07-05")))
    assert due.exit_code == 3
    assert "This is due at the close of 2022-07-06 00:00" in due.output
    quiet = call(*words, str(file.parent / "until-2022-07-05"))
    assert (quiet.exit_code, quiet.output) == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--once: advise looks once"),
        (["--once", "--targets", "BTC=.5,ETH=.6"], "--targets: the targets add up to 1.1"),
        (["--once", "--portfolio", "traded"], "an engine that trades runs this portfolio"),
    ],
)
def test_what_it_cannot_do_it_says(file: Path, cut: Any, words: list[str], told: str) -> None:
    folder = cut("2022-07-05")
    looked(file, folder)
    begun = ["run", "--data", str(folder), "--start", "2022-07-05", "--end", "2022-07-05", "--portfolio", "traded"]
    assert call(*begun).exit_code == 0
    done = call("advise", "--holdings", str(file), "--data", str(folder), *words)
    assert done.exit_code == 2
    assert told in done.output


def test_policy_and_targets_may_change_between_two_looks(file: Path, cut: Any) -> None:
    looked(file, cut("2022-07-05"))
    found = looked(file, cut("2022-07-06"), "--policy", "b3_constant", "--targets", "BTC=.6,ETH=.1,USDT=.3")
    assert found["policy"] == "b3_constant"
    assert (found["assets"]["BTC"]["target"], found["assets"]["ETH"]["target"]) == pytest.approx((0.6, 0.1))
    assert "every decision was made again, the same" in call("journal", "replay", "--portfolio", "advised").output


def test_a_contract_that_is_listed_between_two_looks_is_taken_in(file: Path, cut: Any, made_market: Path) -> None:
    listed = {path.name: pl.read_parquet(path)["timestamp"].min() for path in made_market.glob("dated_BTC*.parquet")}
    first = max(one for one in listed.values() if one is not None)
    before, after = (str((first + timedelta(days=days)).date()) for days in (-2, 2))
    known = len(looked(file, cut(before))["shorts"])
    assert known == 1
    found = looked(file, cut(after))
    assert found["shorts"]["BTC/USDT:USDT"]["coins"] == -0.25
    assert found["unwatched"]["days"] == 3
    assert "every decision was made again, the same" in call("journal", "replay", "--portfolio", "advised").output
    journal = wire.journal("advised")
    assert len(journal.last(9, "markets")) == 1
    journal.close()
