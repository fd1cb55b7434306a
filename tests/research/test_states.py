"""Why an asset stands where it stands: the words hold exactly what the kernel decides, for any votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel import arrays as k
from hedgerow.kernel.regime import gate_holds, next_state
from hedgerow.model.policy_row import Gate
from hedgerow.research import states
from tests.kernel.desk import Desk, loose, rules_of

NAMES = tuple(f"v{i}" for i in range(7))
ANSWERS = (states.YES, states.NO, states.UNKNOWN)
SWITCHES = {"up": "low90", "bad": "contraction10", "low": "at_support", "calm": "support_broken"}  # true at 1


def bits(names: Sequence[str], of: Sequence[str] = NAMES) -> int:
    """The mask of some votes, by hand."""
    return sum(1 << i for i, name in enumerate(of) if name in names)


@st.composite
def gates(draw: st.DrawFn) -> Gate:
    """A gate with any of its four parts."""
    some = st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(tuple)
    of = draw(some)
    least = draw(st.integers(1, len(of))) if of else 0
    return Gate(at_least=least, of=of, all=draw(some), any=draw(some), none=draw(some))


@given(gate=gates(), votes=st.fixed_dictionaries({name: st.sampled_from(ANSWERS) for name in NAMES}))
def test_a_gate_lacks_nothing_exactly_where_the_kernel_says_that_it_holds(gate: Gate, votes: dict[str, str]) -> None:
    packed = np.array([[gate.at_least, *(bits(names) for names in (gate.of, gate.all, gate.any, gate.none))]])
    true = bits([name for name in NAMES if votes[name] == states.YES])
    known = bits([name for name in NAMES if votes[name] != states.UNKNOWN])
    assert (states.lacking(gate, votes) == []) == loose(gate_holds)(packed, 0, true, known)


def test_no_condition_lacks_nothing() -> None:
    assert states.lacking(None, {}) == []
    assert states.lacking(Gate(), {}) == []


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({"at_least": 2, "of": ("yes", "no", "gone")}, ["1 true, 2 needed, of yes, no, gone"]),
        ({"all": ("yes", "no", "gone")}, ["no is not true", "gone is unknown"]),
        ({"any": ("no", "gone")}, ["none of no, gone is true"]),
        ({"any": ("no",)}, ["no is not true"]),
        ({"none": ("yes", "no")}, ["yes is true"]),
        ({"none": ("gone", "lost", "no")}, ["most of gone, lost, no are unknown"]),
        ({"none": ("gone", "no")}, []),  # half of them is enough
        ({"all": ("no",), "any": ("gone",), "none": ("yes",)}, ["no is not true", "gone is not true", "yes is true"]),
    ],
)
def test_every_part_that_is_missed_is_said(gate: dict[str, Any], words: list[str]) -> None:
    votes = {"yes": states.YES, "no": states.NO, "gone": states.UNKNOWN, "lost": states.UNKNOWN}
    assert states.lacking(Gate(**gate), votes) == words


# ------------------------------------------------------------------------------------------------- votes of a decision


def vote_rows(**more: Any) -> dict[str, Any]:
    return {
        name: {"measure": measure, "threshold": 1} | more.pop(name, {}) for name, measure in SWITCHES.items()
    } | more


# lasting votes, a composite, a shock, quiet rows, waits: everything that a row of the table can ask for
VOTES = vote_rows(
    up_2d={"measure": SWITCHES["up"], "threshold": 1, "for": "2 d"},
    bad_3d={"measure": SWITCHES["bad"], "threshold": 1, "within": "3 d"},
    both={"at_least": 2, "of": ["low", "calm"]},
)
TABLE: dict[str, Any] = {
    "DOWN": {"hedge": ["50 %", "100 %"], "trim": "minimal", "from": ["HIGH", "REST"], "after": ["LOW"],
             "enter": {"any": ["bad", "both"]}, "shock": ["both"], "leave": {"all": ["up_2d"]}, "leave_shock": {"none": ["calm", "low"]}},
    "HIGH": {"hedge": ["50 %", "75 %"], "trim": "aggressive", "from": ["REST"], "after": ["DOWN"],
             "enter": {"at_least": 2, "of": ["up", "calm", "low"]}, "quiet": "3 d"},
    "LOW": {"hedge": ["0 %", "0 %"], "trim": "none", "from": ["DOWN"], "enter": {"all": ["low"], "none": ["bad_3d", "calm"]},
            "leave": {"any": ["up", "bad"]}, "reenter_after": "6 d", "failed_by": ["bad"]},
    "REST": {"hedge": ["25 %", "50 %"], "trim": "threshold"},
}  # fmt: skip


def desk_of(vote: dict[str, Any] | None = None, regime: dict[str, Any] | None = None, **tables: Any) -> Desk:
    policy = rules_of(vote=vote or VOTES, regime=regime or TABLE, **tables)
    desk = Desk(policy, {"BTC": 100.0, "ALT": 1.0}, {"BTC": 0.5}, cash=1_000.0)
    return desk.see(**dict.fromkeys(SWITCHES.values(), 0.0), funding7=0.0)


def close(desk: Desk, **switches: float) -> list[dict[str, Any]]:
    """One close with these switches on and the others off; what is told of BTC's rows after it."""
    desk.see(**{measure: switches.get(name, 0.0) for name, measure in SWITCHES.items()}).decide()
    return states.regime_rows(desk.policy, desk.book, desk.work, 0)


def may_enter(desk: Desk, r: int) -> bool:
    """Whether the kernel would move BTC into row ``r`` at this close if it were the only other row."""
    rules, book, work = desk.rules, desk.book, desk.work
    never = np.array([[1, 0, 0, 0, 0]])
    regime = rules.regime.copy()
    for other in range(len(regime)):
        if other not in (r, int(book.asset[k.B_STATE, 0])):
            regime[other, [k.R_FROM, k.R_AFTER]], regime[other, k.R_ENTER] = 0.0, len(rules.gate)
    true, known = (int(row[0]) for row in work.bits)
    state = loose(next_state)(
        rules.scalar, regime, np.vstack([rules.gate, never]), rules.vote, book.votes, book.asset, book.left,
        (1 << len(rules.vote)) - 1, true, known,
        book.scalar[k.S_DAY], 0,
    )  # fmt: skip
    return bool(state == r)


@st.composite
def books(draw: st.DrawFn) -> Desk:
    """Any book in which BTC stands in some row since some days, and any votes of a close."""
    desk = desk_of(dwell=draw(st.sampled_from(["0 d", "3 d"])), dwell_override=draw(st.sampled_from([[], ["bad"]])))
    desk.decide()
    book, work, days = desk.book, desk.work, st.integers(0, 4)
    book.asset[k.B_STATE, 0] = draw(st.integers(0, len(TABLE) - 1))
    book.asset[k.B_AGE, 0], book.asset[k.B_QUIET, 0] = draw(st.integers(1, 4)), draw(days)
    book.asset[k.B_SHOCK, 0] = draw(st.booleans())
    book.scalar[k.S_DAY] = 20.0
    for r in range(len(TABLE)):
        book.left[r, 0] = draw(st.one_of(st.just(-np.inf), st.integers(10, 20)))
    for v in range(len(VOTES)):
        book.votes[k.VOTE_RUN, v, 0] = draw(days)
    known = draw(st.integers(0, 2 ** len(VOTES) - 1))
    work.bits[:, 0] = known & draw(st.integers(0, 2 ** len(VOTES) - 1)), known
    return desk


@settings(max_examples=400)
@given(books())
def test_a_row_may_be_entered_exactly_where_nothing_speaks_against_it(desk: Desk) -> None:
    told = states.regime_rows(desk.policy, desk.book, desk.work, 0)
    for r, row in enumerate(told):
        if not row["here"]:
            assert (not row["lacks"] and not row["barred"]) == may_enter(desk, r), (row, desk.state("BTC"))


def told_of(rows: list[dict[str, Any]], state: str) -> dict[str, Any]:
    (row,) = (row for row in rows if row["state"] == state)
    return row


def test_every_vote_is_answered_by_its_name() -> None:
    desk = desk_of()
    close(desk, up=1.0, low=float("nan"))
    expected = {
        "up": states.YES, "bad": states.NO, "low": states.UNKNOWN, "calm": states.NO, "up_2d": states.NO,
        "bad_3d": states.NO, "both": states.NO,
    }  # fmt: skip
    found = states.answers(desk.policy, desk.work, 0)
    assert found == expected  # both: one of two is missing and the other is false
    assert list(found) == list(VOTES)


def test_rows_are_told_in_the_order_of_the_table_with_their_range() -> None:
    rows = close(desk_of())
    assert [(row["state"], row["hedge"]) for row in rows] == [
        ("DOWN", [0.5, 1.0]), ("HIGH", [0.5, 0.75]), ("LOW", [0.0, 0.0]), ("REST", [0.25, 0.5]),
    ]  # fmt: skip
    assert [row["state"] for row in rows if row["fallback"]] == ["REST"]
    assert [row["state"] for row in rows if row["here"]] == ["REST"]
    assert [row["holds"] for row in rows] == [not row["lacks"] for row in rows]


def test_at_the_close_of_an_entry_nothing_is_said_to_bar_a_row() -> None:
    desk = desk_of(dwell="5 d")
    for _ in range(6):
        close(desk)
    rows = close(desk, bad=1.0)
    assert told_of(rows, "DOWN")["here"]
    assert [row["barred"] for row in rows] == [[]] * 4
    assert told_of(close(desk), "HIGH")["barred"] != []


def test_what_bars_a_row_is_said_in_words() -> None:
    desk = desk_of(dwell="5 d")
    for _ in range(6):
        close(desk)
    close(desk, bad=1.0)  # into DOWN
    rows = close(desk, low=1.0, bad=1.0)
    assert told_of(rows, "DOWN")["barred"] == ["up_2d is not true"]
    assert told_of(rows, "HIGH")["barred"] == ["not before DOWN may be left", "DOWN lasts 5 days at least"]
    assert told_of(rows, "LOW") == {
        "state": "LOW", "hedge": [0.0, 0.0], "here": False, "fallback": False, "holds": False,
        "lacks": ["bad_3d is true"], "barred": ["DOWN lasts 5 days at least"],
    }  # fmt: skip
    assert told_of(rows, "REST")["barred"] == ["not before DOWN may be left", "DOWN lasts 5 days at least"]


def test_a_lasting_vote_is_counted_from_the_entry() -> None:
    desk = desk_of()
    for _ in range(3):
        close(desk, up=1.0)
    close(desk, up=1.0, bad=1.0)
    rows = close(desk, up=1.0)
    assert states.answers(desk.policy, desk.work, 0)["up_2d"] == states.YES
    assert told_of(rows, "DOWN")["barred"] == ["up_2d is not true"]


def test_only_a_row_of_more_hedge_is_entered_before_the_dwell_is_over() -> None:
    desk = desk_of(dwell="9 d", dwell_override=["bad"])
    for _ in range(2):
        close(desk)
    assert told_of(close(desk), "DOWN")["barred"] == ["REST lasts 9 days at least"]
    close(desk, bad=1.0)
    assert desk.state("BTC") == "DOWN"
    assert told_of(close(desk, bad=1.0), "LOW")["barred"] == ["DOWN lasts 9 days at least"]


def test_an_entry_by_a_shock_is_left_only_when_it_is_over() -> None:
    desk = desk_of()
    close(desk)
    close(desk, low=1.0, calm=1.0)  # both: a shock
    close(desk, up=1.0, calm=1.0)
    rows = close(desk, up=1.0, calm=1.0)  # up_2d holds by now
    assert told_of(rows, "DOWN")["barred"] == ["calm is true"]
    assert told_of(close(desk, up=1.0), "REST")["here"]


def test_a_quiet_row_says_how_long_its_own_votes_have_been_silent() -> None:
    desk = desk_of()
    close(desk)
    close(desk, up=1.0, calm=1.0)
    assert desk.state("BTC") == "HIGH"
    close(desk, up=1.0)
    rows = close(desk)
    assert told_of(rows, "HIGH")["barred"] == ["a vote of its own was true 1 days ago, not 3"]
    close(desk)
    assert told_of(close(desk), "REST")["here"], "three quiet closes end it"


def test_a_row_without_an_end_says_that_only_a_row_above_takes_over() -> None:
    assert told_of(close(desk_of()), "REST")["barred"] == ["only a row above takes over"]


def test_a_row_that_was_left_says_when_it_may_be_entered_again() -> None:
    desk = desk_of()
    close(desk)
    close(desk, bad=1.0)
    close(desk)
    close(desk)
    close(desk, low=1.0)  # bad was true within the last 3 days no more
    assert desk.state("BTC") == "LOW"
    close(desk, bad=1.0)  # failed: back down
    assert desk.state("BTC") == "DOWN"
    close(desk)
    rows = close(desk)
    assert told_of(rows, "LOW")["barred"] == ["left 2 days ago, again after 6"]


def test_an_unknown_vote_that_must_last_is_no_reason_to_leave() -> None:
    """The kernel takes it for unknown; told as "no" it once said that the row may be left."""

    vote = {
        "up": {"measure": "low90", "threshold": 1},
        "calm": {"measure": "support_broken", "threshold": 1, "for": "2 d"},
    }
    regime = {"A": {"hedge": ["50 %", "100 %"], "trim": "none", "from": ["REST"], "enter": {"any": ["up"]}, "leave": {"none": ["calm"]}},
              "REST": {"hedge": ["0 %", "50 %"], "trim": "none"}}  # fmt: skip
    desk = Desk(rules_of(vote=vote, regime=regime), {"A": 1.0}, {"A": 0.5}, cash=500.0, held={"A": 500.0})
    desk.see(low90=1.0, support_broken=float("nan")).decide()
    desk.see(low90=0.0).decide()
    assert desk.state("A") == "A"
    rows = states.regime_rows(desk.policy, desk.book, desk.work, 0)
    assert rows[0]["barred"]
    assert rows[1]["barred"]
