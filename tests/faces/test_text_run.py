"""What backtest and plan print beside their figures: what was missing, and whom a leg is for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from hedgerow.faces import text_run
from hedgerow.model.report import LegRecord
from tests.faces.made import comparison


def leg(**changes: Any) -> LegRecord:
    base = LegRecord(
        day=0, decided_ns=0, filled_ns=0, instrument="BTC/USDT:USDT", asset="BTC", kind="futures", side="sell", amount=1.0,
        price=40_000.0, notional=40_000.0, cost=10.0, reason="hedge_raise", row="hedge", measured=0.0, threshold=0.75,
        sentence="hedge raised from 0 % to 75 %",
    )  # fmt: skip
    return replace(base, **changes)


def test_what_was_missing_is_said_shortly(capsys: pytest.CaptureFixture[str]) -> None:
    made = comparison(days=60, assets=1)
    missing = [f"BTC/USDT has no bar {i}." for i in range(8)]
    run = replace(made.subject, coverage={"missing": missing, "warmup_days": 0})
    text_run._show_notes(run)
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0]
        == "Note: There is no data before the first day: signals begin cold, and abstain until they have enough."
    )
    assert lines[1] == "Note: BTC/USDT has no bar 0."
    assert lines[-1] == "Note: 5 more are in the report and in the JSON (coverage)."
    assert len(lines) == 5
    text_run.show_head(replace(run, coverage={"missing": missing[:1]}))
    assert "\nNote: BTC/USDT has no bar 0.\n" in capsys.readouterr().out


def test_a_liquidation_is_not_left_to_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    made = comparison(days=60, assets=1)
    run = replace(made.subject, liquidations=2, coverage={"warning": "too good to be true"})
    text_run.show_head(run)
    lines = capsys.readouterr().out.splitlines()
    assert "WARNING: too good to be true" in lines
    assert "WARNING: 2 positions were liquidated by the venue." in lines


def test_a_cross_hedge_says_for_which_asset(capsys: pytest.CaptureFixture[str]) -> None:
    text_run._show_legs(
        (leg(), leg(asset="MATIC"), leg(asset="SOL"), leg(instrument="SOL futures", asset="SOL")), "Do", ""
    )
    lines = capsys.readouterr().out.splitlines()
    named = [line.split("  ")[1].strip() for line in lines[3:]]
    assert named == ["BTC/USDT:USDT", "BTC/USDT:USDT for MATIC", "BTC/USDT:USDT for SOL", "SOL futures"]


def test_a_hedge_by_sale_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    standing = {"weight": 0.5, "target": 0.5, "h_intended": 0.5}
    after = {
        "BTC": standing | {"h_achieved": 0.5, "short_coins": 0.0},
        "ETH": standing | {"h_achieved": 0.5, "short_coins": 2.0},
        "SOL": standing | {"h_achieved": float("nan"), "short_coins": 0.0},
    }
    book = {"assets": after, "stable_weight": 0.5, "margin": {}, "carry": 0.0, "value": 1.0}
    text_run._show_standing(SimpleNamespace(before=book, after=book, quote="USDT"))  # type: ignore[arg-type]
    assert "The hedge of BTC after the plan is spot that was sold in place of a short." in capsys.readouterr().out
