"""What the compiled loop over bars leaves out must not be missed: indices from the end, and bars that ask for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from hedgerow.kernel import arrays as k
from hedgerow.kernel import run as runs
from hedgerow.kernel import watch
from hedgerow.kernel.arrays import BAR_ALL, BAR_GAPS, BAR_PAYS
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.rules import pack
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.research import backtest, bars
from hedgerow.research.backtest import Blocks, Traces, play, trace
from hedgerow.units import NS_PER_DAY
from tests.kernel import tape
from tests.kernel.desk import Desk, loose, rules_of
from tests.kernel.test_invariants import FEW
from tests.properties import Case, cases, stage_of

NAN = float("nan")


GET, SET = np.ndarray.__getitem__, np.ndarray.__setitem__


class FromTheStart(np.ndarray):
    """An array without indices that count from its end: compiled code would read the memory before it (``link``).

    A run asks for half a million elements, so the question is put in line, not in a function of its own.
    """

    def __getitem__(self, key: Any) -> Any:
        for one in key if type(key) is tuple else (key,):
            assert type(one) is slice or one >= 0, f"an index from the end: {key}"
        return GET(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        for one in key if type(key) is tuple else (key,):
            assert type(one) is slice or one >= 0, f"an index from the end: {key}"
        SET(self, key, value)


def from_the_start(block: Any) -> Any:
    if isinstance(block, np.ndarray):
        return block.view(FromTheStart)
    return type(block)(*map(from_the_start, block)) if isinstance(block, tuple) else block


def interpreted(case: Case, wrap: Callable[[Any], Any] = lambda block: block) -> tuple[Traces, Blocks]:
    """A case's run, interpreted, and what it wrote; every block that the kernel gets goes through ``wrap``."""
    blocks = Blocks(case.stage)
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        for name in ("run_kernel", "warm_up"):
            inner = loose(runs.run if name == "run_kernel" else runs.warm_up)
            patch.setattr(backtest, name, lambda *blocks, _inner=inner: _inner(*map(wrap, blocks)))
        book = case.book()
        return play(case.policy, case.stage, blocks, capital=case.capital, weights=case.weights, book=book), blocks


def test_an_index_from_the_end_is_noticed() -> None:
    block = from_the_start(np.zeros((2, 3)))
    with pytest.raises(AssertionError, match="from the end"):
        block[0][-1]
    with pytest.raises(AssertionError, match="from the end"):
        block[1, -1] = 2.0


def same_as_a_whole_look(case: Case) -> None:
    """Without an index from the end, what a run gives is what it gives if every bar is looked at as a whole."""
    quick, found = interpreted(case, from_the_start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bars, "asked", lambda market: np.full(market.open_ns.shape[0], BAR_ALL, np.uint8))
        object.__setattr__(case.stage, "bars", bars.bars_of(case.stage.market, case.stage.deleveraged))
    whole, wanted = interpreted(case)
    assert quick.log.tobytes() == whole.log.tobytes()
    for name, one, other in zip(quick.book._fields, quick.book, whole.book, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    for name in ("day", "asset", "bits"):
        assert getattr(found, name).tobytes() == getattr(wanted, name).tobytes(), name


@settings(FEW, max_examples=8)
@given(cases())
def test_no_index_counts_from_the_end_and_bars_that_ask_for_nothing_are_spared(case: Case) -> None:
    same_as_a_whole_look(case)


@pytest.mark.slow
@FEW
@given(cases())
def test_no_index_counts_from_the_end_and_bars_that_ask_for_nothing_give_what_a_whole_look_gives(case: Case) -> None:
    same_as_a_whole_look(case)


def test_the_cases_have_stretches_of_several_bars() -> None:
    futures = [Instrument("A/USDT", "A"), Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL)]
    made = stage_of(Universe(("A",), "USDT", tuple(futures)), 1, days=3, per_day=6, pays_every=6)
    assert made.bars.until.tolist() == [5, 6, 11, 12, 17]


def test_an_inverse_short_is_looked_at_on_every_bar() -> None:
    """Coins beyond those that it is short make its ratio worst at the lowest mark."""
    policy = rules_of(hedge={"inverse": True})
    ratios = []
    for stretch in (False, True):
        desk = Desk(policy, {"A": 100.0}, {}, held={"A": 2.0}, inverse=True).short("A", 1.0, collateral=1.01)
        worst, fresh = np.array([0.0, np.inf, 0.0]), np.ones(2, np.uint8)
        if not (stretch and loose(watch.watch_stretch)(desk.rules, desk.book, np.full((2, 1), 110.0), worst)):
            for price in (90.0, 110.0):
                block = np.array([price, price])
                loose(watch.watch_margin)(desk.rules, desk.book, block, block, fresh, worst)
        ratios.append(worst[0])
    assert ratios[0] == ratios[1] > 0.0


def asks(closes: list[float], funding: list[float] | float = 0.0, kind: Kind = Kind.PERPETUAL) -> list[int]:
    expiry = tape.FIRST_NS + 2 * NS_PER_DAY if kind is Kind.DATED else None
    contract = Instrument("A/USDT:USDT", "A", kind=kind, expiry_ns=expiry)
    rates = funding if isinstance(funding, float) else np.array(funding)
    stage = tape.stage({"A": [1.0] * len(closes), "A/USDT:USDT": closes}, futures=[contract], funding=rates)
    return stage.bars.asks.tolist()


def test_a_bar_asks_for_payments_known_and_unknown() -> None:
    assert asks([1.0] * 4, [0.0, 1e-4, NAN, 0.0]) == [0, BAR_PAYS, BAR_PAYS, 0]


def test_a_bar_asks_at_the_expiry_and_while_an_expired_contract_trades_on() -> None:
    assert asks([1.0] * 3 + [NAN] * 2, kind=Kind.DATED) == [0, 0, BAR_PAYS, BAR_PAYS | BAR_GAPS, BAR_GAPS]


def test_a_bar_asks_while_a_listed_contract_has_no_bar_of_its_own() -> None:
    assert asks([NAN, NAN, 1.0, NAN, 1.0]) == [0, 0, 0, BAR_GAPS, 0]


def test_a_contract_that_is_gone_for_over_a_week_asks_for_nothing_more() -> None:
    assert asks([1.0, 1.0] + [NAN] * 10) == [0, 0, *[BAR_GAPS] * 8, 0, 0]


def test_a_short_in_a_contract_without_any_price_is_settled_after_a_week() -> None:
    made = tape.stage({"A": [100.0] * 12, "A/USDT:USDT": [NAN] * 12})
    policy = rules_of()
    book = new_book(pack(policy, made.market.universe, {"A": 0.5}), 2, 500.0)
    book.asset[k.B_HELD, 0] = 5.0
    book.inst[[k.P_UNITS, k.P_ENTRY, k.P_COLLATERAL], 1] = -1.0, 100.0, 100.0
    with np.errstate(all="ignore"):
        run, traces = trace(policy, made, capital=1_100.0, weights={"A": 0.5}, book=book)
    assert [leg.reason for leg in run.legs if leg.instrument == "A/USDT:USDT"] == ["settled"]
    assert traces.book.inst[k.P_UNITS, 1] == 0.0
