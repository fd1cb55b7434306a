"""A plan for a portfolio: what is read into the book, what stands before and after it, which books are refused."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.errors import ConfigError
from hedgerow.model.instrument import Kind
from hedgerow.research.backtest import Stage
from tests.kernel import tape
from tests.research.held import DAY_NS, DRIFT, deeds, future, market, plan, short

NAN = float("nan")
HOUSE = {"house": {"measure": "gain", "threshold": "2 x", "to": "principal"}}


# ------------------------------------------------------------------------------------------------ before and after

HELD = "[spot.BTC]\namount = 5\noutside = 1\nprotected = 2\n[spot.ETH]\namount = 20\n[spot.USDT]\namount = 300\n"


def test_what_is_held_is_valued_at_the_close() -> None:
    """300 cash + 6 BTC at 100 + 20 ETH at 10 + collateral 220 + 2 x (110 - 101) of the short = 1,338."""
    found = plan(HELD + short(-2, 110, 220), stage=market())
    assert found.value == found.before["value"] == pytest.approx(1_338.0)
    before = found.before
    assert (before["cash"], before["spot"], before["short"]) == (300.0, 800.0, 200.0)
    assert before["stable_weight"] == pytest.approx(538 / 1_338)
    assert before["net_exposure"] == pytest.approx((800 - 200) / 1_338)
    btc, eth = before["assets"]["BTC"], before["assets"]["ETH"]
    assert (btc["coins"], btc["value"], btc["short_coins"]) == (6.0, 600.0, 2.0)
    assert (btc["weight"], btc["h_achieved"]) == (pytest.approx(600 / 1_338), pytest.approx(2 / 6))
    assert (eth["coins"], eth["weight"], eth["h_achieved"]) == (20.0, pytest.approx(200 / 1_338), 0.0)
    assert found.quote == "USDT"
    assert found.day_ns == tape.FIRST_NS + DAY_NS


def test_the_margin_of_a_short_is_told_with_its_liquidation() -> None:
    """Equity 220 + 18; liquidated where (220 + 2 x 110) / (2 x 1.005) = 218.905 (domain 2.17, maintenance 0.5 %)."""
    margin = plan(HELD + short(-2, 110, 220), stage=market()).before["margin"]
    assert margin["BTC/USDT:USDT"].pop("rung") == "none"
    assert margin == {
        "BTC/USDT:USDT": pytest.approx({
            "amount": -2.0, "notional": 202.0, "equity": 238.0, "liquidation_price": 440 / 2.01,
            "liquidation_distance": 440 / 2.01 / 101 - 1, "maintenance_over_equity": 0.005 * 202 / 238,
            "tenor_days": np.inf, "planned_days": 30.0, "duration": np.inf,
        })
    }  # fmt: skip


def test_moves_of_20_percent_before_and_after_the_plan() -> None:
    found = plan(HELD + short(-2, 110, 220), stage=market())
    assert deeds(found) == [("BTC/USDT:USDT", "buy", 2.0, "hedge_cover")]
    down, up = found.scenarios
    assert down == pytest.approx({
        "move": -0.2,
        "before_spot": -160.0, "before_hedge": 40.0, "before_net": -120.0, "before_of_value": -120 / 1_338, "before_of_spot": -120 / 800,
        "after_spot": -160.0, "after_hedge": 0.0, "after_net": -160.0, "after_of_value": -160 / 1_338, "after_of_spot": -160 / 800,
    })  # fmt: skip
    assert up == pytest.approx({key: -value for key, value in down.items()})


def test_after_the_plan_its_costs_are_paid_and_its_collateral_is_free() -> None:
    """Covered at 101: 2 x 101 x (5 bp fee + 1 bp half spread) of costs; what is left of the margin goes to cash."""
    costs = {"futures_fee": "5 bp", "futures_half_spread": "1 bp"}
    found = plan(HELD + short(-2, 110, 220), stage=market(), costs=costs)
    (leg,) = found.legs
    assert leg.cost == pytest.approx(202 * 0.0006)
    assert found.after["value"] == pytest.approx(1_338 - 202 * 0.0006)
    assert found.after["cash"] == pytest.approx(538 - 202 * 0.0006)
    assert (found.after["margin"], found.after["short"]) == ({}, 0.0)
    assert found.after["assets"]["BTC"]["h_achieved"] == found.after["assets"]["BTC"]["h_intended"] == 0.0
    assert found.before["value"] == pytest.approx(1_338.0), "before stays as it was"


def test_after_a_hedge_is_raised_the_book_is_short_with_collateral() -> None:
    """Half of 4 coins is shorted at 100: 200 of collateral leave the cash of 1,000."""
    found = plan("[spot.BTC]\namount = 4\n[spot.USDT]\namount = 1000\n", hedge={"constant": "50 %"})
    assert deeds(found) == [("BTC/USDT:USDT", "sell", 2.0, "hedge_raise")]
    after = found.after
    assert (after["cash"], after["value"], after["short"]) == (800.0, 1_400.0, 200.0)
    assert after["assets"]["BTC"]["h_achieved"] == after["assets"]["BTC"]["h_intended"] == 0.5
    assert after["margin"]["BTC/USDT:USDT"]["equity"] == pytest.approx(200.0)
    assert [row["after_of_spot"] for row in found.scenarios] == pytest.approx([-0.1, 0.1])


@pytest.mark.parametrize("fee", ["0 bp", "10 bp"])
@pytest.mark.parametrize(
    ("amount", "ratio", "moved"),
    [
        (-2, 0.0, -220 - 18),  # all of it comes back: the collateral, and the profit of the cover
        (0, 0.5, 3 * 101),  # half of 6 coins is shorted with collateral of its own size
        (-3, 0.5, None),
        (-4, 0.5, None),
        (-2, 1.0, None),
    ],
)
def test_collateral_that_moves_is_what_the_cash_pays_or_gets(
    fee: str, amount: float, ratio: float, moved: float | None
) -> None:
    text = "[spot.BTC]\namount = 6\n[spot.USDT]\namount = 2000\n" + short(amount, 110, 220 if amount else 0)
    hedge = {"constant": f"{100 * ratio} %"}
    found = plan(text, stage=market(), hedge=hedge, costs={"futures_fee": fee}, weights={"BTC": 0.5, "ETH": 0.0})
    transfer = found.transfers.get("BTC/USDT:USDT", 0.0)
    assert found.before["cash"] - found.after["cash"] == pytest.approx(transfer, abs=1e-9)
    assert found.after["assets"]["BTC"]["h_achieved"] == pytest.approx(ratio)
    if moved is not None:
        assert transfer == pytest.approx(moved, abs=0.5 if fee != "0 bp" else 1e-9)


# --------------------------------------------------------------------------------------------------- read into a book


def test_coins_that_are_protected_or_elsewhere_are_not_sold() -> None:
    """8 of 10 in BTC, target 5: 3 coins are to go, but only 8 - 7 may; held elsewhere, they count and stay too."""
    for text in ("amount = 8\nprotected = 7\n", "amount = 1\noutside = 7\n"):
        found = plan(f"[spot.BTC]\n{text}[spot.USDT]\namount = 200\n", trim=DRIFT)
        assert deeds(found) == [("BTC/USDT", "sell", 1.0, "trim")]
        (refusal,) = found.refusals
        assert (refusal.refused, refusal.amount, refusal.measured, refusal.threshold) == ("protected", 2.0, 1.0, 3.0)
        assert found.after["assets"]["BTC"]["coins"] == 7.0


def test_the_unit_cost_is_the_principal_to_be_recovered() -> None:
    """10 coins bought at 40, now at 100: the gain is 2.5 x, and 400 / 100 = 4 coins recover the principal."""
    for text in ("amount = 10\n", "amount = 9\noutside = 1\n"):
        found = plan(f"[spot.BTC]\n{text}unit_cost = 40\n[spot.USDT]\namount = 200\n", trim=HOUSE)
        assert deeds(found) == [("BTC/USDT", "sell", 4.0, "trim")]
        assert found.legs[0].measured == pytest.approx(2.5)
    unknown = plan("[spot.BTC]\namount = 10\n[spot.USDT]\namount = 200\n", trim=HOUSE)
    assert unknown.legs == (), "what is not known does not act"


def test_coins_sold_in_place_of_a_short_count_as_hedge_and_are_bought_back() -> None:
    found = plan("[spot.BTC]\namount = 5\nbuy_back = 2\n[spot.USDT]\namount = 5000\n")
    assert found.before["assets"]["BTC"]["h_achieved"] == pytest.approx(2 / 7)
    assert deeds(found) == [("BTC/USDT", "buy", 2.0, "buy_back")]
    assert found.after["assets"]["BTC"]["coins"] == 7.0
    assert found.after["assets"]["BTC"]["h_achieved"] == 0.0


def test_a_coin_that_is_named_as_a_target_alone_is_bought_and_one_that_is_stated_is_not() -> None:
    text = "[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n[targets]\nBTC = 0.5\nETH = 0.2\nUSDT = 0.3\n"
    weights = {"BTC": 0.5, "ETH": 0.2}
    assert deeds(plan(text, stage=market(), weights=weights)) == [("ETH/USDT", "buy", 20.0, "entry")]
    stated = text.replace("[targets]", "[spot.ETH]\namount = 0\n[targets]")
    assert plan(stated, stage=market(), weights=weights).legs == ()


@pytest.mark.parametrize(("initial", "left"), [("", 5.0), ("[portfolio]\ninitial_value = 500\n", 2.5)])
def test_a_policy_that_counts_on_the_initial_value_gets_the_stated_one_or_today_s(initial: str, left: float) -> None:
    """Target: half of the initial value; 1,000 today, so 5 coins, and 2.5 where it was 500."""
    text = f"{initial}[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n"
    found = plan(text, trim=DRIFT, targets={"base": "nav_initial"})
    assert found.after["assets"]["BTC"]["coins"] == pytest.approx(left)


def test_today_s_value_counts_what_the_shorts_are_worth() -> None:
    """200 cash, 100 of collateral and 7 coins at 100 are 1,000: 5 coins are the target, whatever the short gets."""
    text = "[spot.BTC]\namount = 7\n[spot.USDT]\namount = 200\n" + short(-1)
    found = plan(text, trim=DRIFT, targets={"base": "nav_initial"}, hedge={"constant": "10 %"})
    assert found.value == 1_000.0
    assert found.after["assets"]["BTC"]["coins"] == pytest.approx(5.0)


def test_collateral_without_a_position_is_free() -> None:
    found = plan("[spot.BTC]\namount = 8\n[spot.USDT]\namount = 200\n" + short(0, collateral=50))
    assert (found.value, found.before["cash"], found.before["margin"]) == (1_050.0, 250.0, {})


PAIR = tape.stage(
    {"BTC": [100.0] * 2},
    futures=[
        future("BTC/USDT:USDT", "BTC"),
        future("BTC/USDT:USDT-200401", "BTC", kind=Kind.DATED, expiry_ns=tape.FIRST_NS + 91 * DAY_NS),
    ],
)
COIN_MARGINED = tape.stage({"BTC": [100.0] * 2}, futures=[future("BTC/USD:BTC", "BTC", inverse=True)])


def test_coins_that_back_an_inverse_short_are_held_too() -> None:
    """1 coin and 0.2 as collateral at 100 and 100 cash: 220. Liquidated at 100 x 0.995 / (1 - 0.2) = 124.375."""
    text = "[spot.BTC]\namount = 1\n[spot.USDT]\namount = 100\n" + short(-1, 100, 0.2, "BTC/USD:BTC")
    found = plan(text, stage=COIN_MARGINED, hedge={"inverse": True, "constant": "80 %"})
    assert found.value == pytest.approx(220.0)
    assert found.before["assets"]["BTC"]["coins"] == pytest.approx(1.2)
    assert found.before["margin"]["BTC/USD:BTC"]["equity"] == pytest.approx(20.0)
    assert found.before["margin"]["BTC/USD:BTC"]["liquidation_price"] == pytest.approx(124.375)
    assert deeds(found) == [("BTC/USD:BTC", "in", 0.8, "margin_in")]
    assert found.after["margin"]["BTC/USD:BTC"]["liquidation_price"] == np.inf, "every coin of the short is backed"


def test_coins_as_collateral_without_a_position_are_free() -> None:
    text = "[spot.BTC]\namount = 1\n" + short(0, 100, 0.25, "BTC/USD:BTC")
    found = plan(text, stage=COIN_MARGINED, hedge={"inverse": True})
    assert (found.value, found.before["assets"]["BTC"]["coins"]) == (125.0, 1.25)
    counted = plan(text, stage=COIN_MARGINED, hedge={"inverse": True}, trim=DRIFT, targets={"base": "nav_initial"})
    assert counted.after["assets"]["BTC"]["value"] == pytest.approx(62.5), "half of 125, not of 100 and a quarter"


def test_coins_that_move_as_collateral_are_told_in_coins() -> None:
    text = "[spot.BTC]\namount = 1\n[spot.USDT]\namount = 100\n" + short(-1, 100, 0.2, "BTC/USD:BTC")
    found = plan(text, stage=COIN_MARGINED, hedge={"inverse": True, "constant": "80 %"})
    assert found.transfers == {"BTC/USD:BTC": pytest.approx(0.8)}


def test_a_covered_inverse_short_gives_its_coins_and_its_profit_back_in_coins() -> None:
    """1.5 coins of collateral, and 1 x (110 - 100) of profit, a tenth of a coin at 100."""
    text = "[spot.BTC]\namount = 1\n[spot.USDT]\namount = 100\n" + short(-1, 110, 1.5, "BTC/USD:BTC")
    found = plan(text, stage=COIN_MARGINED, hedge={"inverse": True})
    assert found.transfers == {"BTC/USD:BTC": pytest.approx(-1.6)}
    assert found.after["assets"]["BTC"]["coins"] == pytest.approx(2.6)
    assert found.after["value"] == pytest.approx(found.before["value"])


def test_a_short_stays_on_its_contract_while_the_one_that_should_follow_has_no_price() -> None:
    """The policy hedges with perpetuals, and the perpetual has no price yet: the dated one is covered, 4 to 2."""
    stage = tape.stage(
        {"BTC": [100.0] * 2, "BTC/USDT:USDT": [NAN] * 2, "BTC/USDT:USDT-200401": [100.0] * 2},
        futures=PAIR.market.universe.instruments[1:],
    )
    text = "[spot.BTC]\namount = 4\n[spot.USDT]\namount = 100\n" + short(-4, 100, 400, "BTC/USDT:USDT-200401")
    found = plan(text, stage=stage, hedge={"constant": "50 %"})
    assert ("BTC/USDT:USDT-200401", "buy", 2.0, "hedge_cover") in deeds(found)


# -------------------------------------------------------------------------------------------------------- refused books

BARE = tape.stage({"BTC": [100.0] * 2, "EOS": [2.0] * 2}, futures=[future("BTC/USDT:USDT", "BTC")])
UNLISTED = tape.stage({"BTC": [NAN] * 2, "ETH": [10.0] * 2})
ONE = "[spot.BTC]\namount = 1\n"
EOS = ONE + "[spot.EOS]\namount = 50\n"  # worth 100: by beta it may need 3 coins of BTC at most
REFUSED = {
    "a long": (ONE + short(1), None, 'futures."BTC/USDT:USDT"', "amount = 1 is not a hedge of 1 coins"),
    "more than the spot": (ONE + short(-1.01), None, 'futures."BTC/USDT:USDT"', "amount = -1.01 is not a hedge of 1 coins"),
    "without spot": ("[spot.USDT]\namount = 9\n" + short(-1), None, 'futures."BTC/USDT:USDT"', "not a hedge of 0 coins"),
    "two together": (
        ONE + short(-0.6) + short(-0.6, symbol="BTC/USDT:USDT-200401"), PAIR, 'futures."BTC/USDT:USDT-200401"',
        "amount = -0.6 beside shorts of 0.6 is not a hedge of 1 coins",
    ),
    "more than a cross hedge may be": (EOS + short(-4.01, collateral=500), BARE, 'futures."BTC/USDT:USDT"', "is not a hedge"),
    "not in the data": (
        ONE + short(-1, symbol="BTC/USDT:USDT-991231"), None, 'futures."BTC/USDT:USDT-991231"', "the data has no BTC/USDT:USDT-991231"
    ),
    "liquidated long ago": (ONE + short(-1, 100, 0.49), None, 'futures."BTC/USDT:USDT"', "would have been liquidated at 99.99"),
    "no price": (ONE, UNLISTED, "spot.BTC", "the data has no price of BTC on this day"),
    "nothing": ("[spot.BTC]\namount = 0\n", None, "--portfolio", "worth nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_book_that_cannot_be_is_refused_with_its_key(case: str) -> None:
    text, stage, where, said = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        plan(text, stage=stage)
    assert caught.value.where == where
    assert said in caught.value.message
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (ONE + short(-1), None),
        (ONE + short(-1, 100, 0.51), None),  # (0.51 + 100) / 1.005 lies just above 100
        (ONE + short(-0.5) + short(-0.5, symbol="BTC/USDT:USDT-200401"), PAIR),
        (EOS + short(-4, collateral=500), BARE),
        ("[spot.BTC]\namount = 0\n[spot.ETH]\namount = 1\n", UNLISTED),
        ("[spot.BTC]\namount = 0\n[spot.USDT]\namount = 1\n", None),
    ],
)
def test_a_book_at_the_limit_is_taken(text: str, stage: Stage | None) -> None:
    assert plan(text, stage=stage).value > 0.0


def test_a_short_without_a_price_is_named() -> None:
    stage = tape.stage({"BTC": [100.0, 100.0], "BTC/USDT:USDT": [float("nan")] * 2})
    with pytest.raises(ConfigError, match="no price of BTC/USDT:USDT"):
        plan("[spot.BTC]\namount = 5\n" + short(-1.0), stage=stage)


@pytest.mark.parametrize(("lengthen", "planned"), [("0 d", 30.0), ("1 d", 82.0)])
def test_the_duration_of_a_dated_hedge_is_its_tenor_times_the_days_planned(lengthen: str, planned: float) -> None:
    """89 days to the expiry; planned for the guard's 30, or, wanted for long, to the roll a week before (R-006)."""
    symbol = "BTC/USDT:USDT-200401"
    text = f'[spot.BTC]\namount = 8\n[spot.USDT]\namount = 900\n[futures."{symbol}"]\namount = -4\nentry = 100\ncollateral = 400\n'
    hedge = {"constant": "50 %", "instrument": "dated", "lengthen_after": lengthen}
    margin = plan(text, stage=PAIR, hedge=hedge).before["margin"][symbol]
    assert (margin["tenor_days"], margin["planned_days"]) == (89.0, planned)
    assert margin["duration"] == 89.0 * planned
