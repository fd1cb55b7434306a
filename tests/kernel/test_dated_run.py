"""Dated futures through a whole run: rolls leave net exposure as it is, expiries settle exactly, gaps are replaced."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hedgerow.kernel import arrays as k
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.rules import pack
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.model.report import PARTS, Run
from hedgerow.research.accounts import accounts_of, difference
from hedgerow.research.backtest import Traces, trace
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR
from tests.kernel.desk import rules_of
from tests.kernel.tape import FIRST_NS, stage

NAN = float("nan")
PERPETUAL = Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL, minimum_notional=0.0)
MOVES = ("roll", "hedge_switch", "hedge_lengthen")
FEW = settings(max_examples=max(settings().max_examples // 2, 10), phases=(Phase.explicit, Phase.reuse, Phase.generate))


def dated(day: int, hours: int = 8) -> Instrument:
    """A contract that expires at an hour of a day of the run."""
    expiry = FIRST_NS + day * NS_PER_DAY + hours * NS_PER_HOUR
    return Instrument(f"A/USDT:USDT-{day}", "A", kind=Kind.DATED, expiry_ns=expiry, minimum_notional=0.0)


def play(closes: dict[str, Any], futures: list[Instrument], **given: Any) -> tuple[Run, Traces]:
    tables = {name: given.pop(name) for name in ("hedge", "costs", "guard") if name in given}
    return trace(rules_of(**tables), stage(closes, futures=futures, **given), capital=3_000.0, weights={"A": 0.4})


def part(run: Run, name: str) -> float:
    return float(run.parts[-1, PARTS.index(name)])


@FEW
@given(
    seed=st.integers(0, 2**32 - 1),
    slices=st.integers(1, 9),
    before=st.floats(2.0, 12.0),
    kind=st.sampled_from(["dated", "carry"]),
    per_day=st.sampled_from([1, 3]),
    fee=st.sampled_from([0, 5]),
)
def test_whatever_moves_leaves_net_exposure_and_nothing_stays_behind(
    seed: int, slices: int, before: float, kind: str, per_day: int, fee: int
) -> None:
    """Coins that are covered on one contract are shorted on another at the same open (or sold, where prices have risen so
    far that the stablecoins do not fund the whole hedge any more); no contract with a follower is
    held to its expiry; value changes by the parts.
    """
    rng = np.random.default_rng(seed)
    bars, expiries = 70 * per_day, (25, 45, 65, 100)
    spot = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, bars)))
    closes: dict[str, Any] = {"A": spot}
    for day in expiries:
        left = np.maximum(day + 1 / 3 - np.arange(1, bars + 1) / per_day, 0.0)
        price = spot * (1.0 + (0.08 + 0.1 * np.sin(np.arange(bars) / 9.0 + day)) * left / 365.0)
        closes[f"A/USDT:USDT-{day}"] = np.where(np.arange(1, bars + 1) / per_day > day + 1 / 3, NAN, price)
    signals = {"funding30": np.repeat(rng.normal(0.0, 0.3, 14), 5)}
    run, traces = play(
        closes, [PERPETUAL, *map(dated, expiries)], per_day=per_day, signals=signals, costs={"futures_fee": f"{fee} bp"},
        hedge={"constant": "50 %", "instrument": kind, "roll_slices": slices, "roll_before": f"{before} d"},
    )  # fmt: skip
    moved: dict[int, float] = defaultdict(float)
    at = {leg.filled_ns for leg in run.legs if leg.reason in MOVES}
    for leg in run.legs:
        assert leg.reason != "settled"
        if leg.filled_ns in at and leg.kind != "margin":
            moved[leg.filled_ns] += leg.amount if leg.side == "buy" else -leg.amount
    assert kind == "carry" or len(moved) >= 3
    assert list(moved.values()) == pytest.approx([0.0] * len(moved), abs=1e-9)
    assert run.parts.sum(axis=1) == pytest.approx(run.nav - 3_000.0, abs=1e-6)
    coins, short = traces.book.asset[k.B_HELD, 0], -traces.book.inst[k.P_UNITS].sum()
    bought = next(leg.amount for leg in run.legs if leg.reason == "entry")
    assert coins - short == pytest.approx(0.5 * bought)


def test_settlement_at_the_expiry_is_exact_to_the_hour() -> None:
    """Sold at 104, settled at the spot price of 08:00, 90, for a fee of 5 bp: 6 x 14 is won, 6 x 90 x 5 bp paid."""
    near = dated(5)
    spot = [100.0] * 15 + [90.0, 95.0, 97.0] + [97.0] * 6
    closes = {"A": spot, near.symbol: [104.0] * 16 + [NAN] * 8}
    hedge = {"constant": "50 %", "instrument": "dated", "roll_before": "0 d"}
    run, traces = play(closes, [near], per_day=3, hedge=hedge, costs={"futures_fee": "5 bp"})
    (end,) = [leg for leg in run.legs if leg.reason == "settled"]
    assert (end.price, end.amount) == (90.0, pytest.approx(6.0))
    assert end.filled_ns == near.expiry_ns
    assert part(run, "hedge") == pytest.approx(6 * 10.0)
    assert part(run, "basis") == pytest.approx(6 * 4.0)
    assert part(run, "fees_futures") == pytest.approx(-6 * 5e-4 * (104.0 + 90.0))
    assert traces.book.inst[k.P_COLLATERAL, 1] == 0.0
    assert run.nav[-1] - 3_000.0 == pytest.approx(12 * -3.0 + 6 * 14.0 - 6 * 5e-4 * 194.0)


def test_a_settlement_that_cash_does_not_pay_is_paid_in_coins_at_once() -> None:
    """8 coins are short at 100 and settled at 150: 400 are lost, cash is 200, so coins are sold for 200 at that very hour."""
    near = Instrument("A/USDT:USDT-200106", "A", kind=Kind.DATED, expiry_ns=dated(5).expiry_ns, minimum_notional=0.0)
    closes = {"A": [100.0] * 15 + [150.0] * 9, near.symbol: [100.0] * 15 + [150.0] + [NAN] * 8}
    policy = rules_of(
        hedge={"constant": "100 %", "instrument": "dated", "roll_before": "0 d", "reserve": "0 %"},
        margin={"mode": "unified", "haircut": "0 %"},
    )
    made = stage(closes, futures=[near], per_day=3)
    run, traces = trace(policy, made, capital=1_000.0, weights={"A": 0.8})
    (end,) = [leg for leg in run.legs if leg.reason == "settled"]
    (sold,) = [leg for leg in run.legs if leg.reason == "repaid"]
    assert end.amount == pytest.approx(8.0)
    assert sold.filled_ns == end.filled_ns
    assert sold.amount * sold.price == pytest.approx(end.amount * (end.price - 100.0) - 200.0)
    assert (run.cash >= 0.0).all()
    assert difference(accounts_of(policy, made, run, traces), run) < 1e-9


def test_what_one_settlement_takes_another_of_the_same_hour_may_bring() -> None:
    """No cash, 4 coins short at 50 and 4 at 150, both settled at 100 in one hour: nothing is owed, so nothing is sold."""
    ends = dated(0, hours=16).expiry_ns  # before the first decision
    pair = [
        Instrument(f"A/USDT:USDT-{name}", "A", kind=Kind.DATED, expiry_ns=ends, minimum_notional=0.0)
        for name in ("200103", "200104")
    ]
    made = stage({"A": [100.0] * 12} | {it.symbol: [100.0] * 2 + [NAN] * 10 for it in pair}, futures=pair, per_day=3)
    policy = rules_of(
        hedge={"constant": "100 %", "instrument": "dated", "roll_before": "0 d", "cap": "80 %"},
        margin={"mode": "unified", "haircut": "0 %"},
    )
    book = new_book(pack(policy, made.market.universe, {"A": 1.0}), 3, 0.0)
    book.asset[k.B_HELD, 0] = 10.0
    book.asset[k.B_PROTECTED, 0] = 10.0
    book.inst[k.P_UNITS, 1:], book.inst[k.P_ENTRY, 1:] = -4.0, (50.0, 150.0)
    run, _ = trace(policy, made, capital=1_000.0, weights={"A": 1.0}, book=book)
    assert [leg.reason for leg in run.legs if leg.reason in ("settled", "repaid")] == ["settled", "settled"]


def test_a_settled_hedge_is_replaced_by_what_is_listed_then() -> None:
    """Nothing follows the contract of day 5; the perpetual is listed on that day and takes the hedge at the next open."""
    near = dated(5, 0)
    closes = {"A": [100.0] * 10, near.symbol: [101.0] * 5 + [NAN] * 5, PERPETUAL.symbol: [NAN] * 5 + [100.0] * 5}
    hedge = {"constant": "50 %", "instrument": "dated", "roll_before": "2 d"}
    run, _ = play(closes, [PERPETUAL, near], hedge=hedge)
    waits = [leg for leg in run.refusals if leg.refused == "no_next"]
    assert [leg.day for leg in waits] == [2, 3]
    assert waits[0].sentence == "the contract expires in 2 d: no other can be had to roll into"
    (end,) = [leg for leg in run.legs if leg.reason == "settled"]
    assert end.filled_ns == near.expiry_ns
    again = [leg for leg in run.legs if leg.instrument == PERPETUAL.symbol]
    assert [(leg.reason, leg.day) for leg in again] == [("hedge_raise", 5)]
    assert not [leg for leg in run.legs if leg.kind == "spot" and leg.reason != "entry"]


def test_a_better_carry_earns_what_it_promised() -> None:
    """A dated contract 2 % above spot for 73 days is 10 % a year; held to its settlement it pays 2 % of the short."""
    near = dated(73, 0)
    left = np.maximum(73.0 - np.arange(1, 80), 0.0)
    closes = {"A": np.full(79, 100.0), near.symbol: np.where(left > 0.0, 100.0 * (1 + 0.10 * left / 365.0), NAN)}
    hedge = {"constant": "50 %", "instrument": "carry", "roll_before": "0 d"}
    signals = {"funding30": np.full(79, 0.05)}
    run, _ = play(closes, [PERPETUAL, near], hedge=hedge, signals=signals)
    sold = next(leg for leg in run.legs if leg.instrument == near.symbol)
    assert sold.day == 1
    assert part(run, "basis") == pytest.approx(6 * (sold.price - 100.0))
    assert part(run, "basis") / 600.0 == pytest.approx(0.10 * 72 / 365.0, rel=0.05)  # it filled a day after it was seen


@pytest.mark.parametrize("seed", [1, 2])
def test_a_crumb_of_a_large_position_ends_in_the_ledger_too(seed: int) -> None:
    """Tens of billions of coins leave the floats' error of their size on the 365 that are settled at the expiry."""
    contract = Instrument("A/USDT:USDT-200315", "A", kind=Kind.DATED, expiry_ns=FIRST_NS + 74 * NS_PER_DAY)
    wanted = np.concatenate([[1.0], np.random.default_rng(seed).uniform(0.2, 1.0, 66), [1e-8] * 23])
    made = stage({"A": [0.0137] * 90}, futures=[contract], signals={"external_hedge": wanted})
    policy = rules_of(hedge={"external": True, "reserve": "0 %", "rung_down_every": "0 d", "min_step": "0 pp",
                             "instrument": "dated", "roll_before": "0 d"})  # fmt: skip
    run, traces = trace(policy, made, capital=1e9, weights={"A": 0.5})
    (settled,) = [leg for leg in run.legs if leg.reason == "settled"]
    assert 0.0 < settled.amount < 1e-7 * max(leg.amount for leg in run.legs)
    accounts = accounts_of(policy, made, run, traces)
    assert [position.size for position in accounts.ledger.contracts.values()] == [0]
    assert difference(accounts, run) < 1e-12
