"""What a decision prints as a plan and as an explanation: every number with its unit, all of it, within the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hedgerow import policies, wire
from hedgerow.faces import text_run
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import LegRecord
from hedgerow.research.decision import FLAG, ROW, STAGES, Decision, explain_day, plan_for
from tests.properties import stage_of
from tests.research.held import DRIFT, market, plan, short

WIDTH = 80
ANSI = re.compile(r"\x1b\[[0-9;]*m")
ASSETS = ("BTC", "ETH", "SOL", "EOS")
NUMBER = re.compile(r"^[-+]?\d[\d,]*(\.\d+)?$")
Show = Callable[[Decision], None]


@pytest.fixture(scope="module")
def decided(made_market: Path) -> Decision:
    """A plan on a day of the simulated market, with a coin that has no perpetual: legs, refusals, margin."""
    data = wire.recorded(made_market, ASSETS, date(2022, 8, 3), date(2022, 8, 3))
    policy = policies.load("balanced")
    last = dict(zip(ASSETS, data.daily.close[-1].tolist(), strict=True))
    spot = {a: {"amount": worth / last[a]} for a, worth in zip(ASSETS, (5e5, 1e5, 5e4, 2e4), strict=True)}
    spot["BTC"]["protected"] = 0.99 * spot["BTC"]["amount"]  # overweight, and hardly any of it may be sold
    future = {"amount": -1e5 / last["BTC"], "entry": last["BTC"], "collateral": 1e5}
    spot["USDT"] = {"amount": 90_000.0}
    held = Portfolio.model_validate({"spot": spot, "futures": {"BTC/USDT:USDT": future}})
    found = plan_for(policy, wire.stage_of(data, [policy]), held, dict.fromkeys(ASSETS, 0.2))
    assert found.legs
    assert found.refusals
    return found


@pytest.fixture(scope="module")
def many() -> Decision:
    """A day of a backtest over ten coins: more columns than a terminal has."""
    from tests.kernel.tape import universe

    coins = ("BTC", "ETH", "SOL", "LINK", "DOGE", "ADA", "XRP", "BNB", "AVAX", "DOT")
    stage = stage_of(universe(coins), 11, days=60)
    return explain_day(policies.load("balanced"), stage, capital=1e6, weights=dict.fromkeys(coins, 0.08))


@pytest.fixture
def piped(capsys: pytest.CaptureFixture[str]) -> Callable[[Show, Decision], list[str]]:
    """What is printed into a pipe."""

    def run(show: Show, decision: Decision) -> list[str]:
        show(decision)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[Show, Decision], list[str]]:
    """What is printed on a terminal of 80 columns, without its colours."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERM", "xterm")

    def run(show: Show, decision: Decision) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
            show(decision)
        return ANSI.sub("", capsys.readouterr().out).splitlines()

    return run


def words(lines: list[str]) -> Counter[str]:
    """All words; rules of tables and dashes for what is not known left out."""
    return Counter(word for line in lines for word in line.split() if set(word) - set("─━-"))


def section(lines: list[str], title: str) -> list[str]:
    """The lines of a section, from behind its heading to the next blank line."""
    start = next(i for i, line in enumerate(lines) if line.startswith(title)) + 1
    end = next((i for i in range(start, len(lines)) if not lines[i].strip()), len(lines))
    return lines[start:end]


def cells(lines: list[str]) -> list[list[str]]:
    """A table's cells: two blanks stand between them."""
    return [re.split(r"  +", line.strip()) for line in lines]


SHOWS = {"plan": text_run.show_plan, "explain": text_run.show_explanation}


# ------------------------------------------------------------------------------------------------- a terminal, and a pipe


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("case", ["decided", "many"])
def test_it_fits_80_columns_and_loses_no_word(
    show: str,
    case: str,
    request: pytest.FixtureRequest,
    piped: Callable[..., list[str]],
    drawn: Callable[..., list[str]],
) -> None:
    decision = request.getfixturevalue(case)
    lines = drawn(SHOWS[show], decision)
    assert max(map(len, lines)) <= WIDTH
    assert max(map(len, lines)) > WIDTH // 2
    whole = words(piped(SHOWS[show], decision))
    assert whole - words(lines) <= Counter(why=2), "a sentence under its leg needs no head"


@pytest.mark.parametrize("case", ["decided", "many"])
def test_every_leg_and_refusal_is_told_with_its_sentence(
    case: str, request: pytest.FixtureRequest, piped: Callable[..., list[str]]
) -> None:
    decision = request.getfixturevalue(case)
    for show in SHOWS.values():
        lines = piped(show, decision)
        for leg in (*decision.legs, *decision.refusals):
            found = [
                line for line in lines if line.endswith(leg.sentence) and line.split()[:2] == [leg.side, leg.instrument]
            ]
            assert len(found) >= 1, leg
        assert sum(line.split()[:1] in (["buy"], ["sell"], ["in"], ["out"]) for line in lines) == len(
            (*decision.legs, *decision.refusals)
        )


def test_what_is_printed_is_said_of_the_day_the_value_and_the_market(
    decided: Decision, piped: Callable[..., list[str]]
) -> None:
    for show in SHOWS.values():
        lines = piped(show, decided)
        assert lines[1] == "SIMULATED MARKET  balanced at the close of 2022-08-03"
        assert f"Value {decided.value:,.0f} USDT." in lines[2]
        assert f"Market: {decided.regime['market']['state']}." in lines[2]
        recorded = piped(show, replace(decided, simulated=False))
        assert recorded[1] == "balanced at the close of 2022-08-03"
        assert not any("SIMULATED" in line for line in recorded)


# ----------------------------------------------------------------------------------------------------------------- plan

HELD = "[spot.BTC]\namount = 5\n[spot.ETH]\namount = 20\n[spot.USDT]\namount = 300\n" + short(-2, 110, 220)


def test_a_plan_in_full(piped: Callable[..., list[str]]) -> None:
    """5 BTC at 100, 20 ETH at 10, 300 cash, equity 220 + 2 x (110 - 101): 1,238. The short is covered for 6 bp."""
    costs = {"futures_fee": "5 bp", "futures_half_spread": "1 bp"}
    lines = piped(text_run.show_plan, plan(HELD, stage=market(), costs=costs))
    assert [re.sub(r"  +", "  ", line) for line in lines if line] == [
        "SIMULATED MARKET  made at the close of 2020-01-02",
        "Value 1,238 USDT. Market: no regimes.",
        "Do this",
        "  instrument  amount  price  notional  cost  why",
        "buy  BTC/USDT:USDT  2  101  202.00  0.12  hedge covered from 40 % to 0 %",
        "Together 202.00 USDT at an expected cost of 0.12 (0.979 bp of value).",  # 202 x 0.0006 / 1238
        "Collateral that moves with it: 237.88 USDT out of BTC/USDT:USDT.",  # 220 + 2 x (110 - 101) less 0.12 of costs
        "Before and after",
        "  weight  weight after  target  hedge  hedge after  intended",
        "BTC  40.4 %  40.4 %  50.0 %  40.0 %  0.0 %  0.0 %",
        "ETH  16.2 %  16.2 %  0.0 %  0.0 %  0.0 %  0.0 %",
        "USDT in all  43.5 %  43.5 %",
        "If every price moves (basis, funding and fees left out)",
        "  spot  hedge  net  of value  of spot",
        "-20 %  before  -140.00  +40.00  -100.00  -8.1 %  -14.3 %",
        "  after  -140.00  0.00  -140.00  -11.3 %  -20.0 %",
        "+20 %  before  +140.00  -40.00  +100.00  +8.1 %  +14.3 %",
        "  after  +140.00  0.00  +140.00  +11.3 %  +20.0 %",
    ]


def test_a_short_that_is_left_is_told_with_its_liquidation(piped: Callable[..., list[str]]) -> None:
    """The short of 2 stays: (184 + 220) / (2 x 1.005) = 200.995, which is 99 % above 101; equity is 184 + 18."""
    held = HELD.replace("[spot.ETH]\namount = 20\n", "").replace("collateral = 220", "collateral = 184")
    lines = piped(text_run.show_plan, plan(held, stage=market(), hedge={"constant": "40 %"}))
    assert "Nothing is to be done." in lines
    assert not any("Together" in line or "Not done" in line for line in lines)
    start = next(i for i, line in enumerate(lines) if line.startswith("short after"))
    assert cells(lines[start : start + 2]) == [
        ["short after", "coins", "notional", "equity", "liquidation at", "away"],
        ["BTC/USDT:USDT", "-2", "202.00", "202.00", "200.995", "99 %"],
    ]
    assert not any("High risk" in line or "rung" in line for line in lines)
    account = "Margin account: isolated: each short has its own collateral; counted as binance_linear; at most 1x."
    assert account in lines


def test_refusals_stand_apart_from_what_is_to_be_done(piped: Callable[..., list[str]]) -> None:
    found = plan("[spot.BTC]\namount = 8\nprotected = 7\n[spot.USDT]\namount = 200\n", trim=DRIFT)
    lines = piped(text_run.show_plan, found)
    assert cells(section(lines, "Do this"))[1][:3] == ["sell", "BTC/USDT", "1"]
    (refused,) = cells(section(lines, "Not done, and why"))[1:]
    assert refused[:5] == ["sell", "BTC/USDT", "2", "100", "200.00"]
    assert refused[-1].startswith("only 1 coins may be sold, 3 wanted")


def leg(**changes: object) -> LegRecord:
    given = {
        "day": 0, "decided_ns": 0, "filled_ns": 0, "instrument": "1000SHIB/USDT:USDT", "asset": "1000SHIB", "kind": "futures",
        "side": "sell", "amount": 1_234_567_890.0, "price": 0.000012345678, "notional": 15_241.5, "cost": 15.24, "reason": "hedge_raise",
        "row": "hedge", "measured": 0.0, "threshold": 0.5, "sentence": "hedge raised from 0 % to 50 %",
    }  # fmt: skip
    return LegRecord(**{**given, **changes})


def test_long_names_and_small_prices_keep_their_digits_on_80_columns(drawn: Callable[..., list[str]]) -> None:
    found = replace(
        plan(HELD, stage=market()),
        legs=(leg(), leg(side="buy", instrument="BTC/USDT", asset="BTC", amount=0.5, price=23_456.5)),
    )
    lines = drawn(text_run.show_plan, found)
    assert max(map(len, lines)) <= WIDTH
    told = section(lines, "Do this")
    assert told[1].split() == ["sell", "1000SHIB/USDT:USDT", "1,234,570,000", "0.0000123457", "15,242", "15.24"]
    assert told[2].strip() == "hedge raised from 0 % to 50 %"
    assert told[3].split() == ["buy", "BTC/USDT", "0.5", "23,456.5", "15,242", "15.24"]


# -------------------------------------------------------------------------------------------------------------- explain


@pytest.mark.parametrize("case", ["decided", "many"])
def test_every_figure_of_every_stage_has_the_unit_of_its_row(
    case: str, request: pytest.FixtureRequest, piped: Callable[..., list[str]]
) -> None:
    decision = request.getfixturevalue(case)
    lines = piped(text_run.show_explanation, decision)
    for stage, rows in STAGES.items():
        table = cells(section(lines, f"Stage {stage}"))
        assert table[0] == list(decision.stages[stage])
        if stage == "trigger":
            assert table.pop(1) == ["row", *(decision.trims[a][0] or "-" for a in table[0])]
        assert [row[0] for row in table[1:]] == [label for _, label, _ in rows]
        for (_, label, unit), row in zip(rows, table[1:], strict=True):
            for asset, cell in zip(table[0], row[1:], strict=True):
                said = decision.trims[asset][1] if unit == ROW else unit
                if unit == FLAG:
                    assert cell == ("yes" if decision.stages[stage][asset][label] else "no")
                elif cell != "-":
                    number, _, shown = cell.partition(" ")
                    assert NUMBER.match(number), cell
                    assert shown == ("" if said == "quote" else said), (label, cell)


def test_figures_of_a_stage_are_the_kernel_s_in_the_unit_that_people_read(piped: Callable[..., list[str]]) -> None:
    text = "[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n"
    lines = piped(text_run.show_explanation, plan(text, trim=DRIFT, guard={"kappa": "1 x"}))
    measured = dict(map(tuple, cells(section(lines, "Stage measure"))[1:]))
    assert measured == {
        "price": "100", "coins": "8", "value": "800", "weight": "80 %", "target": "50 %", "short_coins": "0", "h_achieved": "0 %",
        "tenor": "-", "carry_perpetual": "-", "carry_dated": "-",
    }  # fmt: skip
    assert dict(map(tuple, cells(section(lines, "Stage trigger"))[1:])) == {
        "row": "trim.drift", "trim_coins": "3", "measured": "30 pp", "threshold": "10 pp", "buy_coins": "0",
    }  # fmt: skip
    assert ["h_volatility", "-"] in cells(section(lines, "Stage target")), "what is not known is a dash, not a zero"


@pytest.mark.parametrize("case", ["decided", "many"])
def test_every_vote_of_every_asset_is_told_the_true_ones_first(
    case: str, request: pytest.FixtureRequest, piped: Callable[..., list[str]]
) -> None:
    decision = request.getfixturevalue(case)
    lines = piped(text_run.show_explanation, decision)
    for asset, found in decision.regime["assets"].items():
        start = next(i for i, line in enumerate(lines) if line.startswith(f"{asset}: "))
        head = next(i for i in range(start, len(lines)) if lines[i].startswith("answer "))
        table = cells(lines[head + 1 : head + 1 + len(found["votes"])])
        assert Counter((row[1], row[0]) for row in table) == Counter(
            (name, vote["answer"]) for name, vote in found["votes"].items()
        )
        order = [("yes", "abstains", "no").index(row[0]) for row in table]
        assert order == sorted(order)
        for row in table:
            vote = found["votes"][row[1]]
            if vote.get("unit") and vote["answer"] != "abstains":
                assert row[2].endswith(vote["unit"]) or vote["unit"] == "quote"
                assert row[3].startswith(f"{vote['measure']} {vote['side']} ")


def test_a_vote_is_told_with_its_terms(decided: Decision, piped: Callable[..., list[str]]) -> None:
    terms = {"answer": "yes", "for_days": 0.0, "within_days": 0.0, "last_true_days": 0.0}
    rsi = {"measure": "rsi14", "measured": 86.5, "side": "above", "threshold": 85.0, "unit": "points"}
    mayer = {"measure": "mayer", "measured": 0.9, "side": "below", "threshold": 1.0, "unit": "x"}
    votes = {
        "calm": terms | rsi | {"answer": "no", "measured": float("nan"), "last_true_days": float("inf")},
        "hot": terms | rsi | {"within_days": 10.0, "last_true_days": 3.0},
        "low": terms | mayer | {"for_days": 3.0, "answer": "abstains"},
        "two": terms | {"at_least": 1, "of": ["calm", "hot"]},
    }
    one = {
        **decided.regime["assets"]["BTC"],
        "state": "PEAK",
        "days": 1.0,
        "frozen": False,
        "borrowed": False,
        "votes": votes,
    }
    changed = replace(decided, regime={**decided.regime, "assets": {**decided.regime["assets"], "BTC": one}})
    lines = piped(text_run.show_explanation, changed)
    start = lines.index("BTC: PEAK for 1 day")
    head = next(i for i in range(start, len(lines)) if lines[i].startswith("answer "))
    assert cells(lines[head + 1 : head + 5]) == [
        ["yes", "hot", "86.5 points", "rsi14 above 85 points within 10 d (3 d ago)"],
        ["yes", "two", "1 true", "1 of calm, hot"],
        ["abstains", "low", "0.9 x", "mayer below 1 x for 3 d"],
        ["no", "calm", "-", "rsi14 above 85 points"],
    ]


@pytest.mark.parametrize(("flag", "said"), [("borrowed", "It takes the row of BTC: "), ("frozen", "it stands still.")])
def test_an_asset_without_a_row_of_its_own_says_why(
    flag: str, said: str, decided: Decision, piped: Callable[..., list[str]]
) -> None:
    one = {**decided.regime["assets"]["EOS"], "borrowed": False, "frozen": False, "days": 0.0, flag: True}
    changed = replace(decided, regime={**decided.regime, "assets": {**decided.regime["assets"], "EOS": one}})
    told = section(piped(text_run.show_explanation, changed), f"EOS: {one['state']} since this close")
    assert said in told[0]
    assert len(told) == 1
