"""Dated futures: rolls in slices, the choice by carry at its break-even, and hedges that are lengthened (2.6, 2.18, 2A-19)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.errors import ConfigError
from hedgerow.jit import plain
from hedgerow.kernel import arrays as k
from hedgerow.kernel.route import days_left, expected_carry, stays
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.plan import Reason, Refusal
from hedgerow.signals import basis
from hedgerow.units import NS_PER_DAY
from tests.kernel.desk import Desk, Leg, only, rules_of

PERPETUAL = Instrument("BTC/USDT:USDT", "BTC", kind=Kind.PERPETUAL, minimum_notional=0.0)
SPREAD = {"futures_fee": "4 bp", "futures_half_spread": "1 bp"}  # 5 bp one way
YEAR = 365.0


def dated(day: int, *, asset: str = "BTC", **terms: Any) -> Instrument:
    expiry = day * NS_PER_DAY
    return Instrument(
        f"{asset}/USDT:USDT-{day}", asset, kind=Kind.DATED, expiry_ns=expiry, minimum_notional=0.0, **terms
    )


def desk_of(
    *futures: Instrument,
    held: float = 12.0,
    cash: float = 2_000.0,
    costs: Any = None,
    reinforce: Any = None,
    kappa: str = "0 x",
    **hedge: Any,
) -> Desk:
    """12 coins at 100, half of them hedged; contracts at spot unless a test moves them."""
    tables: dict[str, Any] = {"hedge": {"external": True, "rung_down_every": "0 d", **hedge}}
    if reinforce:
        tables["vote"] = {"uneasy": {"measure": "vol_ratio", "threshold": "1.5 x"}}
        tables["reinforce"] = {"last": {"when": {"all": ["uneasy"]}, **reinforce}}
    policy = rules_of(**tables, costs=costs or {}, guard={"kappa": kappa, "horizon": "30 d"})
    desk = Desk(policy, {"BTC": 100.0}, {"BTC": 0.4}, cash=cash, held={"BTC": held}, futures=futures)
    return desk.see(external_hedge=0.5, vol_ratio=1.0, funding30=0.0, funding7=0.0)


def priced(desk: Desk, **prices: float) -> Desk:
    """Prices by the end of a contract's symbol: the day of its expiry (``d90``) or ``perpetual``."""
    for name, price in prices.items():
        ends = "USDT:USDT" if name == "perpetual" else f"-{name[1:]}"
        (i,) = [i for i, it in enumerate(desk.universe.instruments) if it.symbol.endswith(ends)]
        desk.price[i] = price
    return desk


def on(desk: Desk) -> dict[str, float]:
    """Coins that are short, by contract."""
    first = len(desk.assets)
    units = {it.symbol: -float(desk.book.inst[k.P_UNITS, first + i]) for i, it in enumerate(desk.universe.instruments[first:])}  # fmt: skip
    return {symbol: round(coins, 9) for symbol, coins in units.items() if coins}


def legs_of(legs: list[Leg]) -> list[tuple[str, float, Reason]]:
    return [
        (leg.instrument.rpartition("-")[2], round(leg.units, 9), leg.reason) for leg in legs if leg.kind == "futures"
    ]


# ---- rolls


@pytest.mark.parametrize(
    ("slices", "after"),
    [(1, [0.0]), (2, [3.0, 0.0]), (3, [4.0, 2.0, 0.0]), (6, [5.0, 4.0, 3.0, 2.0, 1.0, 0.0])],
)
def test_a_roll_takes_equal_slices_on_successive_days(slices: int, after: list[float]) -> None:
    desk = desk_of(dated(60), dated(150), instrument="dated", roll_slices=slices)
    desk.on_day(30).day()
    assert on(desk) == {"BTC/USDT:USDT-60": 6.0}
    for day in range(31, 53):
        assert desk.on_day(day).day() == []
    for day, left in enumerate(after, start=53):  # the first close that is 7 days before the expiry
        legs = legs_of(desk.on_day(day).day())
        step = round(6.0 / slices, 9)
        assert legs == [("60", step, Reason.ROLL), ("150", -step, Reason.ROLL)]
        assert on(desk).get("BTC/USDT:USDT-60", 0.0) == pytest.approx(left)
        assert desk.shorts("BTC") == pytest.approx(6.0)
    assert desk.on_day(53 + slices).day() == []
    assert desk.book.inst[k.P_COLLATERAL, 1] == 0.0


@pytest.mark.parametrize("before", [1.0, 1.5, 2.0, 2.5, 7.0, 7.25])
@pytest.mark.parametrize("hour", [0.0, 1 / 3, 0.99])
@pytest.mark.parametrize("slices", [1, 2, 3, 5, 9])
def test_a_roll_is_done_before_the_expiry_however_short_it_is(before: float, hour: float, slices: int) -> None:
    """Close by close, what stays of a short is nothing at the last close before the expiry, and parts are equal."""
    rules = np.zeros(k.SCALARS)
    rules[k.K_ROLL], rules[k.K_SLICES] = before, slices
    inst = np.zeros((k.I_NEXT + 1, 1))
    inst[k.I_EXPIRY] = (20 + hour) * NS_PER_DAY
    short, moved = 1.0, []
    for day in range(1, 21):
        close = day * NS_PER_DAY
        if plain(days_left)(inst, 0, close) <= before and plain(days_left)(inst, 0, close) > 0.0:
            left = short * plain(stays)(rules, inst, 0, close)
            moved.append(short - left)
            short = left
    assert short == pytest.approx(0.0, abs=1e-12)
    done = [part for part in moved if part > 1e-12]
    assert 1 <= len(done) <= slices
    assert done == pytest.approx([1.0 / len(done)] * len(done))


def test_a_roll_costs_both_legs_and_leaves_each_contract_its_own_profit() -> None:
    """Sold at 102 and covered at 108, then sold at 111: 6 x (102 - 108) is realised; nothing is adjusted backwards."""
    desk = desk_of(dated(60), dated(150), instrument="dated", roll_slices=1, costs=SPREAD)
    priced(desk.on_day(30), d60=102.0, d150=103.0).day()
    sold = 102.0 * (1 - 1e-4)
    assert desk.book.inst[k.P_ENTRY, 1] == pytest.approx(sold)
    before = priced(desk.at_price(BTC=106.0), d60=108.0, d150=111.0).nav()
    desk.on_day(55).day()
    assert desk.book.inst[k.P_ENTRY, 2] == pytest.approx(111.0 * (1 - 1e-4))
    cost = 6 * 108.0 * 1e-4 + 6 * 108.0 * (1 + 1e-4) * 4e-4 + 6 * 111.0 * 1e-4 + 6 * 111.0 * (1 - 1e-4) * 4e-4
    assert before - desk.nav() == pytest.approx(cost)
    fees = 4e-4 * 6 * (sold + 108.0 * (1 + 1e-4) + 111.0 * (1 - 1e-4))
    assert desk.book.asset[k.B_FEE_FUTURES, 0] == pytest.approx(-fees)
    assert desk.nav() - 3_200.0 == pytest.approx(desk.parts())


def test_the_collateral_travels_with_the_coins() -> None:
    """Without cash in the wallet the old contract's collateral is the new one's."""
    desk = desk_of(dated(60), dated(150), instrument="dated", reserve="0 %", cash=600.0)
    desk.on_day(30).day()
    assert desk.cash() == pytest.approx(0.0)
    for day, (old, new) in zip((53, 54, 55), ((400.0, 200.0), (200.0, 400.0), (0.0, 600.0)), strict=True):
        legs = desk.on_day(day).day()
        assert {leg.kind for leg in legs} == {"futures"}
        assert desk.book.inst[k.P_COLLATERAL, 1:].tolist() == pytest.approx([old, new])
    assert desk.nav() == pytest.approx(1_800.0)


def test_a_cover_during_a_roll_takes_the_old_contract_first() -> None:
    """Of 6 coins 2 would have moved; 3 are wanted: they are covered on the old contract, and the slice is of the rest."""
    desk = desk_of(dated(60), dated(150), instrument="dated")
    desk.on_day(30).day()
    desk.on_day(53).see(external_hedge=0.25).day()
    assert on(desk) == {"BTC/USDT:USDT-60": 3.0}
    desk.on_day(54).day()
    assert on(desk) == {"BTC/USDT:USDT-60": 1.5, "BTC/USDT:USDT-150": 1.5}
    desk.on_day(55).day()
    assert on(desk) == {"BTC/USDT:USDT-150": 3.0}


def test_a_raise_during_a_roll_goes_to_the_new_contract() -> None:
    desk = desk_of(dated(60), dated(150), instrument="dated")
    desk.on_day(30).day()
    desk.on_day(53).see(external_hedge=0.75).day()
    assert on(desk) == {"BTC/USDT:USDT-60": 4.0, "BTC/USDT:USDT-150": 5.0}


def test_both_halves_wait_for_each_other() -> None:
    desk = desk_of(dated(60), dated(150), instrument="dated", roll_slices=1)
    desk.on_day(30).day()
    assert len(desk.on_day(55).decide()) == 2
    for missing in (1, 2):
        price = desk.price[missing]
        desk.price[missing] = np.nan
        desk.fill()
        assert on(desk) == {"BTC/USDT:USDT-60": 6.0}
        desk.price[missing] = price
    desk.fill()
    assert on(desk) == {"BTC/USDT:USDT-150": 6.0}


def test_a_slice_is_not_too_small_because_the_hedge_is() -> None:
    policy = rules_of(hedge={"constant": "50 %", "instrument": "dated"}, guard={"min_leg": "5 %"})
    desk = Desk(policy, {"BTC": 100.0}, {"BTC": 0.2}, cash=8_000.0, held={"BTC": 20.0}, futures=(dated(60), dated(150)))
    desk.on_day(30).day()  # 10 % of 10,000
    desk.on_day(53).day()  # a third of it is below 5 %
    assert on(desk) == {"BTC/USDT:USDT-60": pytest.approx(20 / 3), "BTC/USDT:USDT-150": pytest.approx(10 / 3)}


# ---- nothing to roll into


def test_a_contract_that_nothing_follows_is_held_and_the_plan_says_so() -> None:
    desk = desk_of(dated(60), instrument="dated")
    desk.on_day(30).day()
    assert desk.on_day(54).decide() == []
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.measured, refusal.limit) == (Refusal.NO_NEXT, 6.0, 7.0)
    assert on(desk) == {"BTC/USDT:USDT-60": 6.0}


def test_a_short_waits_for_a_next_contract_without_a_price_and_goes_to_the_perpetual_on_its_last_day() -> None:
    desk = desk_of(dated(60), dated(150), PERPETUAL, instrument="dated")
    desk.fresh[2] = 0
    desk.on_day(30).day()
    for day in range(53, 59):
        assert desk.on_day(day).day() == []
        assert desk.refused() == {Refusal.NO_NEXT}
    legs = legs_of(desk.on_day(59).day())
    assert legs == [("60", 6.0, Reason.ROLL), ("BTC/USDT:USDT", -6.0, Reason.ROLL)]


def test_the_perpetual_follows_where_no_dated_contract_is_listed() -> None:
    desk = desk_of(dated(60), dated(150), PERPETUAL, instrument="dated")
    desk.price[2] = np.nan  # not yet listed
    desk.on_day(30).day()
    for day in (53, 54, 55):
        desk.on_day(day).day()
    assert on(desk) == {"BTC/USDT:USDT": 6.0}


# ---- carry


def contracts(expiry_ns: float) -> Any:
    """Rules of a spot market and a dated contract."""
    inst = np.zeros((k.I_NEXT + 1, 2))
    inst[k.I_KIND], inst[k.I_EXPIRY] = (0.0, 2.0), (np.inf, expiry_ns)
    return inst


def test_g56_the_kernel_and_the_signals_state_the_same_basis() -> None:
    inst = contracts(90.0 * NS_PER_DAY)
    measures, price, fresh = np.full((200, 1), np.nan), np.array([60_000.0, 61_500.0]), np.ones(2, np.uint8)
    found = plain(expected_carry)(inst, measures, price, fresh, 1, 0)
    assert found == basis.simple(61_500.0, 60_000.0, 90.0)
    assert found == pytest.approx(0.1013889, abs=1e-7)


@pytest.mark.parametrize("spoilt", ["near", "future", "spot"])
def test_a_basis_is_unknown_in_the_last_days_and_between_two_times(spoilt: str) -> None:
    days = 2.9 if spoilt == "near" else 90.0
    inst = contracts(days * NS_PER_DAY)
    fresh = np.array([spoilt != "spot", spoilt != "future"], np.uint8)
    assert np.isnan(plain(expected_carry)(inst, np.full((200, 1), np.nan), np.array([1.0, 1.1]), fresh, 1, 0))


def basis_price(rate: float, days: float) -> float:
    return 100.0 * (1.0 + rate * days / YEAR)


@pytest.mark.parametrize(("more", "contract"), [(1e-9, "BTC/USDT:USDT-110"), (-1e-9, "BTC/USDT:USDT")])
def test_the_choice_at_the_opening_flips_at_its_break_even(more: float, contract: str) -> None:
    """5 bp one way: in and out is 10 bp, over 30 days 1.2167 % a year for both, so 8 % of basis equal 8 % of funding."""
    desk = desk_of(dated(110), PERPETUAL, instrument="carry", costs=SPREAD)
    priced(desk.on_day(20).see(funding30=0.08), d110=basis_price(0.08 + more, 90.0)).day()
    assert list(on(desk)) == [contract]


def test_a_tie_goes_to_the_dated_contract() -> None:
    desk = desk_of(dated(110), PERPETUAL, instrument="carry")
    desk.on_day(20).day()  # no basis, no funding, no costs
    assert list(on(desk)) == ["BTC/USDT:USDT-110"]


@pytest.mark.parametrize(("more", "contract"), [(1e-9, "BTC/USDT:USDT-40"), (-1e-9, "BTC/USDT:USDT")])
def test_a_contract_that_is_rolled_soon_must_pay_its_costs_sooner(more: float, contract: str) -> None:
    """20 days to expiry, 13 to the roll: 10 bp are 2.8077 % a year there and 1.2167 % for 30 days of the perpetual."""
    fair = 0.08 + 10e-4 * YEAR * (1 / 13 - 1 / 30)
    desk = desk_of(dated(40), PERPETUAL, instrument="carry", costs=SPREAD)
    priced(desk.on_day(20).see(funding30=0.08), d40=basis_price(fair + more, 20.0)).day()
    assert list(on(desk)) == [contract]


@pytest.mark.parametrize(("more", "moves"), [(1e-9, True), (-1e-9, False)])
@pytest.mark.parametrize("from_perpetual", [True, False])
def test_a_hedge_changes_its_contract_when_the_gain_is_kappa_times_the_cost(
    more: float, moves: bool, from_perpetual: bool
) -> None:
    """Two ways of 5 bp are 10 bp; 1.5 times that over 30 days is 1.825 % a year."""
    desk = desk_of(dated(140), PERPETUAL, instrument="carry", costs=SPREAD, kappa="1.5 x")
    desk.rules.scalar[k.K_KAPPA] = 0.0  # the opening itself is not what is judged here
    priced(desk.on_day(20).see(funding30=0.20 if from_perpetual else -0.20), d140=100.0).day()
    first = "BTC/USDT:USDT" if from_perpetual else "BTC/USDT:USDT-140"
    assert list(on(desk)) == [first]
    desk.rules.scalar[k.K_KAPPA] = 1.5
    gain = 1.5 * 10e-4 * YEAR / 30.0 + more
    rate = 0.08 + gain if from_perpetual else 0.08 - gain
    legs = priced(desk.on_day(30).see(funding30=0.08), d140=basis_price(rate, 110.0)).day()
    second = "BTC/USDT:USDT-140" if from_perpetual else "BTC/USDT:USDT"
    assert list(on(desk)) == [second if moves else first]
    if moves:
        leg = only(legs, instrument=second)
        assert leg.reason is Reason.HEDGE_SWITCH
        assert (leg.measured, leg.limit) == pytest.approx((rate, 0.08) if from_perpetual else (0.08, rate))
        assert desk.shorts("BTC") == pytest.approx(6.0)


def test_a_carry_that_wavers_within_its_costs_moves_nothing() -> None:
    desk = desk_of(dated(140), PERPETUAL, instrument="carry", costs=SPREAD)
    desk.on_day(20).day()
    for day in range(21, 60):
        rate = 0.006 if day % 2 else -0.006  # 1.2 % a year to gain, every day; two ways cost 1.2167 %
        assert priced(desk.on_day(day).see(funding30=-rate), d140=basis_price(rate, 140.0 - day)).day() == []


@pytest.mark.parametrize(("basis_rate", "contract"), [(0.05, "BTC/USDT:USDT-150"), (0.0, "BTC/USDT:USDT")])
def test_a_roll_chooses_anew(basis_rate: float, contract: str) -> None:
    desk = desk_of(dated(60), dated(150), PERPETUAL, instrument="carry", costs=SPREAD)
    priced(desk.on_day(30).see(funding30=0.01), d60=basis_price(0.10, 30.0)).day()
    for day in (53, 54, 55):
        assert next(iter(on(desk))) == "BTC/USDT:USDT-60"
        priced(desk.on_day(day), d150=basis_price(basis_rate, 150.0 - day)).day()
        assert desk.shorts("BTC") == pytest.approx(6.0)
    assert list(on(desk)) == [contract]


def test_the_premium_of_the_perpetual_is_not_its_carry() -> None:
    """E-09: a perpetual 5 % above spot whose funding is nought carries nothing."""
    desk = desk_of(dated(110), PERPETUAL, instrument="carry", costs=SPREAD)
    priced(desk.on_day(20).see(premium=0.05), perpetual=105.0, d110=basis_price(0.001, 90.0)).day()
    assert list(on(desk)) == ["BTC/USDT:USDT-110"]


@pytest.mark.parametrize(("funding30", "contract"), [(np.nan, "BTC/USDT:USDT"), (0.01, "BTC/USDT:USDT-110")])
def test_funding_of_a_week_stands_in_for_a_young_perpetual(funding30: float, contract: str) -> None:
    desk = desk_of(dated(110), PERPETUAL, instrument="carry", costs=SPREAD)
    desk.on_day(20).see(funding30=funding30, funding7=0.30)
    priced(desk, d110=basis_price(0.10, 90.0)).day()
    assert list(on(desk)) == [contract]


def test_a_known_carry_is_preferred_to_an_unknown_one() -> None:
    desk = desk_of(dated(110), PERPETUAL, instrument="carry")
    priced(desk.on_day(20).see(funding30=np.nan, funding7=np.nan), d110=99.0).day()
    assert list(on(desk)) == ["BTC/USDT:USDT-110"]


# ---- lengthening


@pytest.mark.parametrize(("rate", "moves"), [(0.05 + 1e-9, True), (0.05 - 1e-9, False)])
def test_a_hedge_that_is_wanted_for_long_moves_to_the_dated_contract_when_that_carries_no_less(
    rate: float, moves: bool
) -> None:
    """On day 40 its roll is 93 days off: two ways of 5 bp are 0.3925 % a year, and funding is 5 % less that."""
    desk = desk_of(dated(140), PERPETUAL, lengthen_after="20 d", costs=SPREAD)
    desk.on_day(20).see(funding30=0.05 - 10e-4 * YEAR / 93.0)
    for day in range(20, 40):
        priced(desk.on_day(day), d140=basis_price(rate, 140.0 - day)).day()
        assert list(on(desk)) == ["BTC/USDT:USDT"]
    legs = priced(desk.on_day(40), d140=basis_price(rate, 100.0)).day()
    assert list(on(desk)) == ["BTC/USDT:USDT-140" if moves else "BTC/USDT:USDT"]
    if moves:
        leg = only(legs, instrument="BTC/USDT:USDT-140")
        assert (leg.reason, leg.measured, leg.row) == (Reason.HEDGE_LENGTHEN, 100.0, -1)
        assert desk.x(k.X_TENOR, "BTC") == 100.0
        assert priced(desk.on_day(41), d140=90.0).decide() == []  # it stays there until its roll


def test_a_hedge_that_ends_begins_anew_with_the_perpetual() -> None:
    desk = desk_of(dated(140), PERPETUAL, lengthen_after="2 d")
    for day in (20, 21, 22):
        desk.on_day(day).day()
    assert list(on(desk)) == ["BTC/USDT:USDT-140"]
    desk.on_day(23).see(external_hedge=0.0).day()
    assert on(desk) == {}
    desk.on_day(24).see(external_hedge=0.5).day()
    assert list(on(desk)) == ["BTC/USDT:USDT"]


@pytest.mark.parametrize("instrument", ["perpetual", "dated", "carry"])
def test_a_reinforcement_may_lengthen_instead_of_enlarge(instrument: str) -> None:
    desk = desk_of(
        dated(60), dated(150), PERPETUAL, instrument=instrument, reinforce={"how": "lengthen", "lasts": "3 d"}
    )
    desk.on_day(30).see(funding30=0.0 if instrument != "carry" else 0.5).day()
    assert list(on(desk)) == ["BTC/USDT:USDT-60" if instrument == "dated" else "BTC/USDT:USDT"]
    legs = desk.on_day(31).see(vol_ratio=2.0, funding30=0.0).day()
    assert on(desk) == {"BTC/USDT:USDT-150": 6.0}
    leg = only(legs, instrument="BTC/USDT:USDT-150")
    assert (leg.reason, leg.row, leg.measured) == (Reason.HEDGE_LENGTHEN, 0, 119.0)
    assert desk.h("BTC") == 0.5
    for day in range(32, 60):
        assert desk.on_day(day).see(vol_ratio=1.0).day() == []


def test_a_longer_contract_that_costs_too_much_is_not_taken() -> None:
    """10 % a year at most: at 12 % below spot the hedge stays, and the plan says why."""
    desk = desk_of(dated(100), PERPETUAL, reinforce={"how": "lengthen"})
    desk.on_day(20).day()
    assert priced(desk.on_day(21).see(vol_ratio=2.0), d100=basis_price(-0.12, 79.0)).decide() == []
    refusal = only(desk.refusals())
    assert (refusal.refusal, refusal.row) == (Refusal.LONGER_COSTS, 0)
    assert (refusal.measured, refusal.limit) == pytest.approx((0.12, 0.10))


def test_without_a_dated_contract_nothing_is_lengthened() -> None:
    desk = desk_of(PERPETUAL, reinforce={"how": "lengthen"})
    desk.on_day(20).day()
    assert desk.on_day(21).see(vol_ratio=2.0).decide() == []
    assert desk.refused() == {Refusal.NO_LONGER}


def test_a_row_that_lengthens_adds_no_rungs() -> None:
    with pytest.raises(ConfigError, match="leave out rungs"):
        desk_of(PERPETUAL, reinforce={"how": "lengthen", "rungs": 1})


def test_a_cross_hedge_follows_the_contract_of_the_market_asset() -> None:
    """ALT has no futures: its hedge through BTC stays on the dated contract until that is rolled."""
    futures = (dated(110), PERPETUAL)
    policy = rules_of(hedge={"constant": "50 %", "instrument": "carry"})
    desk = Desk(policy, {"BTC": 100.0, "ALT": 10.0}, {"BTC": 0.2, "ALT": 0.2}, cash=3_000.0, held={"BTC": 10.0, "ALT": 100.0}, futures=futures)  # fmt: skip
    desk.see(beta=1.0, rho2=0.9, funding30=0.0)
    priced(desk.on_day(20), d110=basis_price(0.02, 90.0)).day()
    future = basis_price(0.02, 90.0)
    assert on(desk) == {"BTC/USDT:USDT-110": pytest.approx(5.0 + 500.0 / future)}
    assert desk.book.asset[k.B_CROSS_BY, 1] == 2
    for day in (103, 104, 105, 106):
        priced(desk.on_day(day), d110=100.0).day()
    assert on(desk) == {"BTC/USDT:USDT": pytest.approx(10.0)}
