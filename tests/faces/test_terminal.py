"""The terminal view: it fits, it stays in place, and what matters most is never what is left out."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from hedgerow.faces import terminal
from hedgerow.faces.happenings import Happening

HOUR = 3_600_000_000_000
NOW = 1_641_135_600_000_000_000  # 2022-01-02 15:00
WHY = "spot sold in place of a short: stablecoins do not fund the whole hedge at this leverage"


def asset(coins: float, price: float) -> dict[str, Any]:
    return {
        "coins": coins,
        "price": price,
        "weight": 0.2,
        "target": 0.2,
        "hedge": 0.5,
        "intended": 0.75,
        "regime": "PEAK",
    }


def short(away: float) -> dict[str, Any]:
    return {
        "coins": -0.25,
        "entry": 47_000.0,
        "mark": 47_722.0,
        "collateral": 1.0,
        "liquidation": 86_000.0,
        "away": away,
    }


def leg(n: int) -> dict[str, Any]:
    return {"instrument": f"C{n}/USDT", "kind": "spot", "amount": "-1.5", "price": "3151.44", "cost": "4.6", "why": WHY}


def record(**other: Any) -> dict[str, Any]:
    """A portfolio with nothing open; ``other`` is put over it."""
    still = {
        "now_ns": NOW, "world": "paper", "policy": "balanced", "state": "running", "ready": True, "value": 98_123.4,
        "quote": "USDT", "cash": 20_123.0, "portfolio": "main", "pace": "1000x", "start_value": 1e5, "day_value": 98_000.0,
        "assets": {"BTC": asset(0.4189, 47_722.7), "DOGE": asset(1_234_567.8, 0.0812345)}, "shorts": {}, "plan": None,
        "plan_is": "", "approved_by": [], "written_ns": NOW, "orders": [], "alerts": [], "differences": {}, "not_ours": {},
    }  # fmt: skip
    return still | other


def plan(legs: int = 1, **other: Any) -> dict[str, Any]:
    made = {
        "id": "p12-ba913463b5b1",
        "at_ns": NOW,
        "cause": "day",
        "notional": "12548",
        "level": "approve",
        "approvals": 1,
    }
    return made | {"expires_ns": NOW + 9 * HOUR, "legs": [leg(n) for n in range(legs)]} | other


BUSY = record(
    assets={f"COIN{n}": asset(1e7, 1e5) for n in range(12)},
    shorts={f"COIN{n}/USDT:USDT": short(0.2 + n) for n in range(12)},
    plan=plan(9), plan_is="open", portfolio="a-long-name-of-a-portfolio",
    orders=[{"id": f"o{n}", "instrument": "BTC/USDT", "status": "doubt", "amount": "1", "filled": "0"} for n in range(5)],
    alerts=[{"at_ns": NOW, "level": level, "text": f"{level} " + "x" * 90} for level in ("info", "warning", "critical")],
)  # fmt: skip
DONE = [Happening(NOW - n * HOUR, "fill", f"Bought {n}.") for n in range(12, 0, -1)]


def shown(what: dict[str, Any], happened: list[Happening] = DONE, width: int = 80, height: int = 60) -> list[str]:
    return [line.plain for line in terminal.lines(what, happened, width, height)]


@pytest.mark.parametrize("width", [80, 100, 40])
@pytest.mark.parametrize("height", [24, 30, 40, 60])
@pytest.mark.parametrize("what", [record(), BUSY], ids=["still", "busy"])
def test_it_fits(what: dict[str, Any], width: int, height: int) -> None:
    made = shown(what, width=width, height=height)
    assert len(made) <= height
    assert max(map(len, made)) <= width


def test_a_quiet_portfolio_in_words() -> None:
    made = shown(record())
    assert made[0].startswith("main  balanced on paper, 1000x  2022-01-02 15:00 UTC")
    assert made[0].endswith(" RUNNING ")
    assert made[1] == "Value 98,123 USDT   -1.9 % since the start   +0.1 % today   cash 20,123"
    assert "No short is open." in made
    assert "No plan is open." in made
    assert "01-02 14:00  Bought 1." in made


def test_the_lines_stay_where_they_are_as_things_happen() -> None:
    assert len(shown(record(), [])) == len(shown(record(), DONE[:3])) == len(shown(record(), DONE))


@pytest.mark.parametrize("state", ["running", "paused", "reduce_only", "halted"])
def test_the_state_is_a_word_and_a_colour(state: str) -> None:
    head = terminal.lines(record(state=state), [], 80, 40)[0]
    assert state.replace("_", "-").upper() in head.plain
    assert any(
        state.replace("_", "-").upper() in head.plain[span.start : span.end] for span in head.spans if span.style
    )


def test_an_open_plan_says_how_it_is_approved() -> None:
    made = shown(record(plan=plan(), plan_is="open", portfolio="family", approved_by=["ann"]))
    assert "Plan p12-ba913463b5b1 open until 01-03 00:00 (9 h): trades 12,548, cost 4.60" in made
    assert "  to carry it out: hedgerow approve p12-ba913463b5b1 --portfolio family" in made
    assert "  approved by ann; 1 people must agree" in made
    made = shown(record(plan=plan(level="auto"), plan_is="at work"))
    assert not [line for line in made if "hedgerow approve" in line]


def test_on_a_small_terminal_the_worst_comes_first_and_the_rest_is_counted() -> None:
    made = shown(BUSY, height=30)
    first = next(n for n, line in enumerate(made) if line.startswith("Short"))
    assert "20 %" in made[first + 1], "the short that is nearest to its liquidation"
    assert any(line.startswith("Critical since 01-02 15:00: critical") for line in made)
    assert "... 2 more alerts: hedgerow status" in made
    assert "... 11 more shorts: hedgerow status" in made
    assert any("hedgerow approve p12-ba913463b5b1" in line for line in made)


def test_names_cannot_steer_the_terminal() -> None:
    made = shown(record(portfolio="a\x1b[2Jb", alerts=[{"at_ns": NOW, "level": "info", "text": "c\x1bd"}]))
    assert "\x1b" not in "".join(made)


def test_it_is_drawn_at_most_four_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    clock = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: clock[0])

    def standing() -> dict[str, Any]:
        times.append(clock[0])
        return record(value=1e5 if clock[0] < 0.5 else 2e5)

    pictures: list[Any] = []
    screen = terminal.Screen(standing, deque())
    monkeypatch.setattr(screen._live, "update", lambda picture, **more: pictures.append(picture))
    for clock[0] in (0.0, 0.1, 0.24, 0.26, 0.3, 0.5, 0.52):
        screen.draw()
    assert times == [0.0, 0.26, 0.52]
    assert len(pictures) == 2, "what stands already is not written again"
