"""Any order of events, reports, commands and restarts leaves an engine sound; and the machine that says so finds planted bugs."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.engine.life import happened
from tests.engine.machine import Machine
from tests.simulation.planted import BUGS

STEPS = 60
# The whole search for the reason of a failure, which hypothesis makes line by line, would take minutes.
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
MUST_HAPPEN = (
    "order", "fill", "cancel", "transfer", "funding", "flow", "difference", "change", "alert", "checkpoint", "from a checkpoint",
    "lost rows",
)  # fmt: skip
FOUND = (
    "blind_retry", "own_clock", "one_name_for_a_leg", "missed_at_once_is_dead",
    "cumulative_is_incremental", "fee_is_forgotten", "mean_price_for_a_part", "end_is_reopened",
    "more_than_was_approved", "collateral_is_not_moved", "nobody_has_to_approve",
    "facts_count_twice", "differences_are_not_seen", "adopted_the_wrong_way", "rounded_money",
)  # fmt: skip
SELDOM = (  # within hundreds of stories
    "failed_read_is_not_found", "cancelled_means_nothing_filled", "halted_and_still_sending", "reduce_only_that_adds",
    "an_approval_for_ever",
)  # fmt: skip


def test_any_story_leaves_it_sound() -> None:
    happened.clear()
    run_state_machine_as_test(Machine, settings=settings(max_examples=120, stateful_step_count=STEPS, phases=QUICK))
    assert not [name for name in MUST_HAPPEN if not happened[name]], happened


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.xfail(strict=False, reason="two stories stand that the last mends brought or uncovered: see the issue")
def test_many_and_longer_stories_leave_it_sound() -> None:
    """Of other seeds than the ones that every run of the tests plays; what fails is told as a short story."""
    phases = (*QUICK, Phase.shrink)
    many = settings(max_examples=2_000, stateful_step_count=2 * STEPS, phases=phases, derandomize=False)
    run_state_machine_as_test(Machine, settings=many)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", [*FOUND, *(pytest.param(name, marks=pytest.mark.slow) for name in SELDOM)])
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[name](monkeypatch)
    same = settings(
        max_examples=1_000, stateful_step_count=STEPS, phases=[Phase.generate], derandomize=True, database=None
    )
    with pytest.raises(Exception):  # noqa: B017, PT011 (what must hold does not, or nothing makes sense any more)
        run_state_machine_as_test(Machine, settings=same)
