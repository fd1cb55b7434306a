"""What the how-to pages say of outputs and policies is what the program does."""

from __future__ import annotations

import inspect
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow.faces import text_run
from hedgerow.faces.cli import app
from hedgerow.research.decision import STAGES
from hedgerow.research.scenarios import SCENARIOS
from hedgerow.research.simulate import simulate, write

PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
SHOWN = inspect.getsource(text_run)


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def test_stages_are_explained_in_their_order() -> None:
    assert re.findall(r"\*\*Stage (\w+)\*\*", page("explain-a-day.md")) == list(STAGES)


@pytest.mark.parametrize("quoted", ["stands here; not left: ", "its condition holds", "but {barred}"])
def test_rows_of_the_regime_table_are_quoted_as_printed(quoted: str) -> None:
    assert quoted in SHOWN
    assert quoted.removesuffix("{barred}") in page("explain-a-day.md")


def test_titles_of_a_plan_are_quoted_as_printed() -> None:
    text = page("read-a-plan.md")
    for title in re.findall(r"^\*\*([^*]+)\*\*", text, re.MULTILINE):
        assert title in SHOWN, title
    assert '{decision.quote} in all"' in SHOWN
    assert "`USDT in all`" in text
    assert "`BTC/USDT:USDT for MATIC`" in text
    assert "for {leg.asset}" in SHOWN


def test_events_of_scenarios_lie_where_the_page_says() -> None:
    shares = {name: [event[0] for event in row.events] for name, row in SCENARIOS.items()}
    assert (shares["squeeze"][-1], shares["depeg"]) == (0.6, [0.5])
    assert set(shares["crash"]) == {0.45, 0.8}
    assert "three fifths" in page("try-scenarios.md")
    assert "peg at half" in page("try-scenarios.md").replace("\n", " ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market")
    write(simulate(seed=3, assets=("BTC",), start=date(2021, 1, 1), days=460), made)
    return made


def sales(folder: Path, path: Path, protected: float) -> list[dict[str, Any]]:
    path.write_text(f"[spot.BTC]\namount = 10\nprotected = {protected}\n", encoding="utf-8")
    words = (
        "plan",
        "--policy",
        "hedge-only",
        "--data",
        folder,
        "--portfolio",
        path,
        "--at",
        "2022-03-01",
        "--json",
        "-",
    )
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [leg for leg in json.loads(done.stdout)["legs"] if (leg["kind"], leg["side"]) == ("spot", "sell")]


def test_hedge_only_sells_spot_for_a_hedge_and_protected_keeps_it(folder: Path, tmp_path: Path) -> None:
    assert "it does sell spot where" in page("protect-coins.md")
    assert sales(folder, tmp_path / "free.toml", 0.0)  # nothing else pays for the collateral
    assert not sales(folder, tmp_path / "kept.toml", 10.0)
