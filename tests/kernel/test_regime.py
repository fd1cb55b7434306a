"""Votes, gates and the regime table: what makes a state begin, last and end (domain 2.11, 2A-5, 2A-6, 2A-10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hedgerow.kernel import arrays as k
from hedgerow.kernel.blocks import copy_book
from hedgerow.kernel.regime import count_bits, gate_holds
from tests.kernel.desk import Desk, loose, rules_of

# four switches: asset measures without a meaning here; true at 1
UP, BAD, LOW, CALM = "low90", "contraction10", "at_support", "support_broken"
NAN = float("nan")


def votes(**more: Any) -> dict[str, Any]:
    rows = {
        name: {"measure": measure, "threshold": 1}
        for name, measure in (("up", UP), ("bad", BAD), ("low", LOW), ("calm", CALM))
    }
    return {name: rows.get(name, {}) | more.pop(name, {}) for name in rows} | more


def desk_of(vote: dict[str, Any] | None = None, regime: dict[str, Any] | None = None, **tables: Any) -> Desk:
    policy = rules_of(vote=vote or votes(), regime=regime or TABLE, **tables)
    desk = Desk(policy, {"BTC": 100.0, "ALT": 1.0}, {"BTC": 0.5}, cash=1_000.0)
    return desk.see(**{UP: 0.0, BAD: 0.0, LOW: 0.0, CALM: 0.0}, funding7=0.0)


TABLE: dict[str, Any] = {
    "DOWN": {"hedge": ["50 %", "100 %"], "trim": "minimal", "from": ["HIGH", "REST"], "after": ["LOW"], "enter": {"any": ["bad"]},
             "shock": ["calm"], "leave": {"all": ["up"]}, "leave_shock": {"none": ["calm"]}},
    "HIGH": {"hedge": ["50 %", "75 %"], "trim": "aggressive", "from": ["REST"], "enter": {"at_least": 2, "of": ["up", "calm"]}, "quiet": "3 d"},
    "LOW": {"hedge": ["0 %", "0 %"], "trim": "none", "from": ["DOWN"], "enter": {"all": ["low"]}, "leave": {"any": ["up", "bad"]},
            "reenter_after": "30 d"},
    "REST": {"hedge": ["25 %", "50 %"], "trim": "threshold"},
}  # fmt: skip


def see(desk: Desk, days: int = 1, **switches: float) -> str:
    """So many closes with these switches on and the others off; the state after the last one."""
    names = {"up": UP, "bad": BAD, "low": LOW, "calm": CALM}
    for _ in range(days):
        desk.see(**{measure: switches.get(name, 0.0) for name, measure in names.items()}).decide()
    return desk.state("BTC")


# ---- votes


def test_a_vote_with_for_needs_so_many_closes_in_a_row() -> None:
    desk = desk_of(votes(bad={"for": "3 d"}))
    answers = []
    for value in (1, 1, 0, 1, 1, 1, 1, 0):
        see(desk, bad=value)
        answers.append(desk.votes("BTC")["bad"])
    assert answers == [False, False, False, False, False, True, True, False]


def test_a_vote_within_stays_true_for_the_last_closes() -> None:
    desk = desk_of(votes(bad={"within": "3 d"}))
    answers = []
    for value in (0, 1, 0, 0, 0, 0):
        see(desk, bad=value)
        answers.append(desk.votes("BTC")["bad"])
    assert answers == [False, True, True, True, False, False]


def test_a_missing_measure_abstains_and_does_not_break_a_run() -> None:
    desk = desk_of(votes(bad={"for": "2 d"}))
    for value, expected in ((1, False), (NAN, None), (1, True), (NAN, None), (0, False)):
        see(desk, bad=value)
        assert desk.votes("BTC")["bad"] is expected


def test_within_lasts_over_missing_measures() -> None:
    desk = desk_of(votes(bad={"within": "3 d"}))
    for value, expected in ((1, True), (NAN, True), (NAN, True), (NAN, None)):
        see(desk, bad=value)
        assert desk.votes("BTC")["bad"] is expected


@pytest.mark.parametrize(
    ("at_least", "answers"),
    [(2, ((1, 1, True), (1, 0, False), (1, NAN, None), (0, NAN, False), (NAN, NAN, None))),
     (1, ((1, NAN, True), (0, NAN, None), (0, 0, False)))],
)  # fmt: skip
def test_a_composite_is_known_once_the_unknown_votes_cannot_change_it(at_least: int, answers: Any) -> None:
    """2.11: a missing input is never counted as calm."""
    desk = desk_of(votes(both={"at_least": at_least, "of": ["up", "bad"]}))
    for up, bad, expected in answers:
        see(desk, up=up, bad=bad)
        assert desk.votes("BTC")["both"] is expected


def test_below_and_above_include_the_threshold() -> None:
    desk = desk_of(
        votes(
            cold={"measure": "rsi14", "side": "below", "threshold": "30 points"},
            hot={"measure": "rsi14", "threshold": "30 points"},
        )
    )
    desk.see(rsi14=30.0)
    see(desk)
    assert desk.votes("BTC")["cold"] is True
    assert desk.votes("BTC")["hot"] is True


@pytest.mark.parametrize(
    ("gate", "true", "known", "holds"),
    [
        ([2, 0b111, 0, 0, 0], 0b011, 0b111, True),
        ([2, 0b111, 0, 0, 0], 0b001, 0b001, False),
        ([0, 0, 0b11, 0, 0], 0b11, 0b11, True),
        ([0, 0, 0b11, 0, 0], 0b01, 0b01, False),  # a missing vote is not true
        ([0, 0, 0, 0b11, 0], 0b10, 0b11, True),
        ([0, 0, 0, 0b11, 0], 0b00, 0b11, False),
        ([0, 0, 0, 0, 0b11], 0b00, 0b11, True),
        ([0, 0, 0, 0, 0b11], 0b01, 0b11, False),
        ([0, 0, 0, 0, 0b11], 0b00, 0b01, True),  # half of them is enough
        ([0, 0, 0, 0, 0b11], 0b00, 0b00, False),  # nothing known is not calm
        ([0, 0, 0, 0, 0], 0, 0, True),
    ],
)
def test_gates(gate: list[int], true: int, known: int, holds: bool) -> None:
    assert loose(gate_holds)(np.array([gate], np.int64), 0, true, known) is holds


def test_bits_are_counted() -> None:
    assert [loose(count_bits)(n) for n in (0, 1, 0b1011, (1 << 61) - 1)] == [0, 1, 3, 61]


# ---- states


def test_rows_are_tried_in_the_order_of_the_file() -> None:
    assert see(desk_of(), bad=1, up=1, calm=1) == "DOWN"
    assert see(desk_of(), up=1, calm=1) == "HIGH"


def test_a_state_lasts_until_its_leave_gate_holds() -> None:
    desk = desk_of()
    assert see(desk, bad=1) == "DOWN"
    assert see(desk, 20) == "DOWN"
    assert see(desk, up=1) == "REST"


def test_nothing_is_left_or_entered_before_the_dwell_is_over() -> None:
    desk = desk_of(dwell="5 d")
    see(desk, 5)
    assert see(desk, bad=1) == "DOWN"
    states = [see(desk, up=1) for _ in range(6)]
    assert states == ["DOWN"] * 4 + ["REST"] * 2


def test_only_a_higher_hedge_may_override_the_dwell() -> None:
    desk = desk_of(dwell="5 d", dwell_override=["bad"])
    see(desk, 5)
    assert see(desk, up=1, calm=1) == "HIGH"
    assert see(desk, bad=1) == "DOWN"  # 75 % against 62.5 % in the middle of the range
    assert see(desk, up=1, bad=1) == "DOWN"
    plain = desk_of(dwell="5 d")
    see(plain, 5)
    see(plain, up=1, calm=1)
    assert see(plain, bad=1) == "HIGH"


def test_after_rows_follow_only_where_the_state_may_be_left() -> None:
    desk = desk_of()
    see(desk, bad=1)
    assert see(desk, low=1) == "LOW"
    assert see(desk) == "LOW"
    assert see(desk, bad=1) == "DOWN"


def test_a_failed_bottom_is_not_entered_again_for_thirty_days() -> None:
    desk = desk_of()
    see(desk, bad=1)
    see(desk, low=1)
    assert see(desk, bad=1) == "DOWN"
    assert see(desk, 29, low=1) == "DOWN"
    assert see(desk, low=1) == "LOW"


def test_a_shock_needs_its_own_gate_to_end() -> None:
    desk = desk_of()
    assert see(desk, bad=1, calm=1) == "DOWN"  # `calm` is the shock vote here
    assert desk.book.asset[k.B_SHOCK, 0] == 1.0
    assert see(desk, up=1, calm=1) == "DOWN"
    assert see(desk, up=1) == "REST"


def test_a_state_without_a_shock_ends_on_its_leave_gate_alone() -> None:
    desk = desk_of()
    see(desk, bad=1)
    assert desk.book.asset[k.B_SHOCK, 0] == 0.0
    assert see(desk, up=1) == "REST"


def test_quiet_days_end_a_state_and_a_vote_starts_the_count_again() -> None:
    desk = desk_of()
    assert see(desk, up=1, calm=1) == "HIGH"
    assert see(desk, 2) == "HIGH"
    assert see(desk, up=1) == "HIGH"
    assert see(desk, 2) == "HIGH"
    assert see(desk) == "REST"


def test_runs_of_the_leave_gate_count_from_the_entry() -> None:
    """2A-6: DOWNTURN is left on closes counted after entry."""
    desk = desk_of(votes(up={"for": "5 d"}))
    see(desk, 10, up=1)
    assert see(desk, up=1, bad=1) == "DOWN"
    assert [see(desk, up=1) for _ in range(5)] == ["DOWN"] * 4 + ["REST"]


def test_an_asset_without_history_or_funding_borrows_the_markets_row() -> None:
    for missing in ({"bars": {"ALT": 199.0}}, {"funding7": {"ALT": NAN}}):
        desk = desk_of()
        desk.hedge[1] = -1  # no contract of its own
        desk.see(**missing).see(**{BAD: {"BTC": 1.0, "ALT": 0.0}}).decide()
        assert (desk.state("BTC"), desk.state("ALT")) == ("DOWN", "DOWN")
        assert desk.x(k.X_BORROWED, "ALT") == 1.0
    own = desk_of()
    own.see(bars={"ALT": 200.0}, funding7={"ALT": NAN})  # with a contract, one missing rate is one unknown vote
    own.see(**{BAD: {"BTC": 1.0, "ALT": 0.0}}).decide()
    assert (own.state("BTC"), own.state("ALT")) == ("DOWN", "REST")


def test_every_asset_has_its_own_state() -> None:
    desk = desk_of()
    desk.see(**{BAD: {"ALT": 1.0}}).decide()
    assert (desk.state("BTC"), desk.state("ALT")) == ("REST", "DOWN")


def test_the_state_stands_still_when_more_than_half_of_the_inputs_are_missing() -> None:
    desk = desk_of()
    see(desk, bad=1)
    assert see(desk, up=1, bad=NAN, low=NAN, calm=NAN) == "DOWN"
    assert desk.x(k.X_FROZEN, "BTC") == 1.0
    assert see(desk, up=1, bad=NAN, low=NAN) == "REST"


def test_state_and_age_are_remembered_in_the_book() -> None:
    desk = desk_of()
    see(desk, bad=1)
    see(desk, 3)
    assert desk.book.asset[k.B_AGE, 0] == 3.0
    copied = copy_book(desk.book)
    see(desk, up=1)
    assert copied.asset[k.B_STATE, 0] == 0.0
    assert desk.book.asset[k.B_AGE, 0] == 0.0
