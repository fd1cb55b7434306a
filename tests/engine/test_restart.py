"""A restart: from a checkpoint it is the one from the first row; another policy carries on what the book remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.engine.changes import use_policy
from hedgerow.engine.checkpoint import state_of
from hedgerow.engine.engine import Engine
from hedgerow.engine.replay import replay, take_up
from hedgerow.engine.translate import policy_text
from hedgerow.errors import Mismatch
from hedgerow.kernel import arrays as k
from hedgerow.model.bar import Quotes
from hedgerow.model.codec import decode, encode
from hedgerow.model.mandate import State
from hedgerow.model.plan import Verdict
from hedgerow.model.policy import Policy
from hedgerow.model.terms import WHOLE, Terms
from tests.engine.desk import PaperDesk, Rows
from tests.properties import stage_of
from tests.simulation.run import POLICY, UNIVERSE


def policy_of(base: str = "b3_constant", **tables: Any) -> Policy:
    return policies.parse({"extends": base, "name": "restarted"} | tables, "restarted")


def made(policy: Policy | None = None, days: int = 30, every: int = 100, **mandate: Any) -> PaperDesk:
    stage = stage_of(UNIVERSE, 5, days=days, per_day=24, wildness=1.0)
    return PaperDesk(policy or policy_of(hedge={"constant": "50 %"}), stage, 1e5, Terms(), every, **mandate)


def checkpoints(desk: PaperDesk) -> list[Any]:
    return [entry for entry in desk.journal.read() if entry.kind == "checkpoint"]


def fresh(desk: PaperDesk) -> Engine:
    return Engine(
        Rows({int(day): desk.stage.signals[d] for d, day in enumerate(desk.stage.market.days_ns)}), desk.every
    )


def test_from_every_checkpoint_the_state_is_that_from_the_first_row() -> None:
    desk = made(policy_of("balanced", margin={"convention": "binance_linear"}))
    desk.play()
    whole = fresh(desk)
    replay(whole, desk.journal.read())
    found = checkpoints(desk)
    assert len(found) > 5
    for entry in found:
        engine = fresh(desk)
        take_up(engine, desk.journal, entry)
        assert state_of(engine) == state_of(whole)
        assert engine.fold.fingerprint() == whole.fold.fingerprint()


def test_a_backtest_writes_none() -> None:
    desk = made()
    desk.disk.rows.clear()
    begin = replace(desk.engine.begin, world="backtest")  # type: ignore[type-var]
    engine = Engine(Rows({}), every=1)
    assert not engine.feed(begin)


def test_a_checkpoint_that_was_changed_does_not_replay() -> None:
    desk = made(days=10)
    desk.play()
    first = checkpoints(desk)[0]
    saved = decode("checkpoint", first.body)
    changed = replace(saved, state=saved.state | {"plans": saved.state["plans"] + 1})
    desk.disk.rows[first.seq - 1] = desk.disk.rows[first.seq - 1]._replace(body=encode(changed))
    with pytest.raises(Mismatch, match=f"row {first.seq}"):
        replay(fresh(desk), desk.journal.read())


def test_a_checkpoint_of_another_shape_is_refused() -> None:
    desk = made(days=10)
    desk.play()
    entry = checkpoints(desk)[-1]
    saved = decode("checkpoint", entry.body)
    state = saved.state | {"fold": saved.state["fold"] | {"inst": saved.state["fold"]["inst"][:-16]}}
    with pytest.raises(Mismatch, match=r"another shape \(inst\)"):
        fresh(desk).restore(desk.engine.begin, replace(saved, state=state))  # type: ignore[arg-type]


def test_states_and_alerts_outlive_a_checkpoint() -> None:
    desk = made(days=12)
    desk.play(150)
    assert desk.say("mandate", options={"autonomy": "approve", "expires_hours": 100}).done
    assert desk.say("pause", text="I am away").done
    while desk.play(150):
        desk.start()
    assert checkpoints(desk)
    assert desk.engine.state is State.PAUSED
    assert desk.engine.mandate.autonomy == "approve"
    plan = desk.engine.approval.plan
    assert plan is not None, "the open plan was lost"
    desk.start()
    assert desk.engine.approval.plan == plan


def test_another_policy_decides_and_the_book_stays() -> None:
    desk = made(policy_of("balanced"), days=40)
    desk.play(700)
    while not desk.say("policy", options={"policy": policy_text(policies.load("seed"))}).done:
        desk.play(5)
    before = desk.engine.fold.desk.book
    assert before.inst[k.P_UNITS].any()
    desk.start()
    desk.play()
    assert desk.engine.policy.name == policies.load("seed").name
    whole = fresh(desk)
    replay(whole, desk.journal.read())
    assert whole.fold.fingerprint() == desk.engine.fold.fingerprint()


def test_what_the_book_remembers_is_found_by_name() -> None:
    first = policy_of("balanced")
    names = list(first.regime)
    rest = {name: row.model_dump(by_alias=True, exclude_defaults=True) for name, row in first.regime.items()}
    assert len(rest) == len(names) > 2
    desk = made(first, days=20)
    desk.play()
    book = desk.engine.fold.desk.book
    state, age = book.asset[k.B_STATE].copy(), book.asset[k.B_AGE].copy()
    votes, trims, left = book.votes.copy(), book.trims.copy(), book.left.copy()
    longer = policy_of("balanced", vote={"zz_new": {"measure": "rsi14", "threshold": "70"}})
    use_policy(desk.engine, policy_text(longer))
    after = desk.engine.fold.desk.book
    places = [list(longer.vote).index(name) for name in first.vote]
    assert after.votes.shape[1] == votes.shape[1] + 1
    assert np.array_equal(after.votes[:, places], votes)
    assert np.array_equal(after.asset[k.B_STATE], state)
    assert np.array_equal(after.asset[k.B_AGE], age)
    assert np.array_equal(after.trims, trims)
    assert np.array_equal(after.left, left)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "it is no policy"),
        ("", "it is no policy"),
        ("[]", "it is no policy"),
        ('{"name":"x","hedge":{"constnt":"1 %"}}', "no policy"),
    ],
)
def test_what_is_no_policy_is_refused_and_changes_nothing(text: str, told: str) -> None:
    desk = made(days=5)
    desk.play(40)
    before = desk.engine.fold.fingerprint()
    answer = desk.say("policy", options={"policy": text})
    assert not answer.done
    assert told in answer.text
    assert desk.engine.fold.fingerprint() == before


def test_a_policy_of_another_margin_mode_is_refused() -> None:
    desk = made(days=5)
    desk.play(40)
    answer = desk.say("policy", options={"policy": policy_text(policy_of("b3_constant", margin={"mode": "cross"}))})
    assert (answer.done, "margin.mode" in answer.text) == (False, True)


def test_prices_of_before_are_not_said_again_a_day_later() -> None:
    """A process ends just when its plan is done: the next one has no use for those prices, and the one behind must find them."""
    stage = stage_of(UNIVERSE, 0, days=8, per_day=4, wildness=1.0)
    desk = PaperDesk(POLICY, stage, 1e5, WHOLE)
    while not any(one.word == "done" for one in desk.of(Verdict)):
        assert desk.play(1)
    desk.start()
    while sum(one.word == "begun" for one in desk.of(Verdict)) < 2:
        assert desk.play(1)
    quotes = [one.at_ns for one in desk.heard if isinstance(one, Quotes)]
    assert quotes == sorted(set(quotes)), "an order was made by the prices of a day before"
    desk.start()
    desk.play()
    assert not desk.engine.account.differences
