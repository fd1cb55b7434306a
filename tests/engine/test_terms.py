"""The engine on a venue with an exchange's terms: collateral moved first, orders in parts, lots; cut and taken up, the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hedgerow import policies
from hedgerow.engine.reconcile import difference
from hedgerow.model.command import Alert
from hedgerow.model.event import Fill, Transfer
from hedgerow.model.mandate import State
from hedgerow.model.order import Order, Report
from hedgerow.model.policy import Policy
from hedgerow.model.terms import Terms
from tests.engine.desk import PaperDesk
from tests.properties import stage_of
from tests.simulation.run import UNIVERSE

WEIGHTS = {"BTC": 0.4, "ETH": 0.35}
TERMS = Terms()


def policy_of(**tables: Any) -> Policy:
    base = {"extends": "b3_constant", "name": "terms", "hedge": {"constant": "50 %"}}
    return policies.parse(base | {"rebalance": {"every": "never", "threshold": "3 pp"}} | tables, "terms")


def made(seed: int = 0, capital: float = 1e5, terms: Terms = TERMS, days: int = 12, **mandate: Any) -> PaperDesk:
    stage = stage_of(UNIVERSE, seed, days=days, per_day=24, wildness=1.0)
    return PaperDesk(policy_of(), stage, capital, terms, **mandate)


def same_book(desk: PaperDesk) -> None:
    mode = desk.policy.margin.mode
    picture = desk.venue.account.picture(0, ())
    assert not difference(desk.engine.fold, mode, picture, {})


@pytest.mark.parametrize("seed", range(4))
def test_collateral_is_there_before_its_short_and_all_comes_to_rest(seed: int) -> None:
    desk = made(seed)
    desk.play()
    fills, moves = desk.of(Fill), desk.of(Transfer)
    shorts = [one for one in fills if ":" in one.instrument and one.amount < 0]
    assert shorts, "nothing was hedged"
    firsts = {
        one.instrument: one for one in reversed(shorts)
    }  # later ones may find enough there; the venue refuses them if not
    for one in firsts.values():
        assert any(move.to == f"margin {one.instrument}" and 0 <= one.at_ns - move.at_ns < 10**9 for move in moves), one
    assert not [report for report in desk.of(Report) if report.word == "refused"]
    assert not desk.engine.orders.alive
    assert desk.engine.state is State.RUNNING
    same_book(desk)
    for one in desk.of(Order):
        lot = next(it.lot for it in UNIVERSE.instruments if it.symbol == one.instrument)
        assert one.kind == "margin" or one.amount % Decimal(str(lot)) == 0


def test_large_orders_go_in_parts_and_the_book_still_is_the_venues() -> None:
    desk = made(1, capital=5e8, patience=6_000.0, slice_depth="0.02", collar="0.002", orders_minute=1000)
    desk.play()
    orders = [one for one in desk.of(Order) if one.kind == "spot"]
    plans = {(one.plan, one.leg) for one in orders}
    assert len(orders) > 3 * len(plans), "nothing was cut into slices"
    assert any(report.word == "cancelled" and report.filled > 0 for report in desk.of(Report)), (
        "no order filled in part"
    )
    same_book(desk)


def test_makers_rest_and_take_the_rest() -> None:
    desk = made(2, style="maker", maker_wait=60.0)
    desk.play()
    reports = desk.of(Report)
    assert {report.word for report in reports} >= {"open", "cancelled", "filled"}
    assert any(report.source == "stream" for report in reports), "nothing filled while it rested"
    assert {one.style for one in desk.of(Order)} == {"maker", "taker"}
    same_book(desk)


@pytest.mark.parametrize("style", ["taker", "maker"])
def test_a_run_that_is_cut_often_loses_and_repeats_nothing(style: str) -> None:
    cut = made(3, capital=5e7, terms=Terms(participation=0.01), style=style)
    times = 0
    while cut.play(37):
        cut.start()
        times += 1
    assert times > 10
    orders = [row.body for row in cut.disk.rows if row.kind == "order"]
    assert len(orders) == len(set(orders)) == len(cut.venue.matching.known)
    assert not cut.engine.orders.alive
    assert cut.engine.account.ready
    same_book(cut)


def test_where_a_person_moves_the_collateral_it_is_asked_for() -> None:
    desk = made(0, terms=Terms(transfers=False))
    desk.play()
    asked = [one for one in desk.of(Alert) if one.key.startswith("transfer")]
    assert asked
    assert "by hand" in asked[0].text
    assert not [one for one in desk.of(Order) if one.kind == "margin"]
    same_book(desk)
