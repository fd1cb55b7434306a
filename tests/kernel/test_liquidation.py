"""Liquidation by tiers: its definition as properties, on random positions and tables; steps, queues and accounts."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgerow import jit
from hedgerow.kernel import liquidation as lq
from hedgerow.kernel.liquidation import (
    backed_liquidation_price,
    bankruptcy_price,
    closing_fee,
    distance,
    initial_margin,
    liquidation_price,
    liquidation_step,
    maintenance,
)
from hedgerow.model import contract
from hedgerow.model.margin import CONVENTIONS, DEFAULT_TIERS, Convention, Tier, pack_tiers, tier_table
from hedgerow.model.market import Floats
from tests.kernel.desk import loose

CLOSE = 1e-9  # of notional
NIL = 1e-6  # of the entry: prices below, and above its inverse, are made of rounding (a long at 1x)
FAR = tuple(10.0**n for n in range(-6, 13))  # prices, from worthless to absurd


@cache
def packed(tiers: tuple[Tier, ...]) -> Floats:
    return pack_tiers([tiers])[0]


class Position(NamedTuple):
    """A position by one convention; ``equity`` is its isolated collateral, ``fee`` the taker fee that is held back."""

    row: Convention
    size: float
    entry: float
    equity: float
    tiers: tuple[Tier, ...]
    taker: float

    @property
    def tier(self) -> Floats:
        return packed(self.tiers)

    @property
    def fee(self) -> float:
        return self.taker if self.row.closing_fee == "mark" else 0.0

    @property
    def backed(self) -> float:
        """Equity that backs the position, once the venue has held back what it holds back."""
        if self.row.closing_fee != "bankruptcy":
            return self.equity
        held = loose(lq.closing_fee)(self.size, self.entry, self.equity, self.taker, self.row.inverse)
        return self.equity - held

    def equity_at(self, price: float) -> float:
        return self.backed + contract.profit(self.size, self.entry, price, self.row.inverse)

    def maintenance_at(self, price: float) -> float:
        return loose(lq.maintenance)(
            self.size, self.entry, price, self.tier, 0, len(self.tiers), self.row.at_entry, self.fee, self.row.inverse
        )

    def excess(self, price: float) -> float:
        """Equity less maintenance, in notionals (the larger of entry's and the price's)."""
        scale = max(abs(contract.notional(self.size, p, self.row.inverse)) for p in (self.entry, price))
        return (self.equity_at(price) - self.maintenance_at(price)) / scale

    def liquidation(self) -> float:
        return loose(lq.liquidation_price)(
            self.size, self.entry, self.backed, self.tier, 0, len(self.tiers), self.row.at_entry, self.fee,
            self.row.inverse,
        )  # fmt: skip

    def worse(self, price: float, by: float) -> float:
        return price * (1.0 + by) if self.size < 0.0 else price / (1.0 + by)


@st.composite
def tables(draw: st.DrawFn, unit: float = 1.0) -> tuple[Tier, ...]:
    """1-6 tiers whose floors lie around positions worth 10 to 10^8 ``unit``."""
    count = draw(st.integers(1, 6))
    floors = sorted(draw(st.sets(st.integers(1, 32), min_size=count - 1, max_size=count - 1)))
    rates = sorted(draw(st.sets(st.integers(2, 500), min_size=count, max_size=count)))
    return tier_table([0.0, *(unit * 10.0 ** (n / 4.0) for n in floors)], [n / 1_000.0 for n in rates])


@st.composite
def positions(draw: st.DrawFn, name: str | None = None) -> Position:
    row = CONVENTIONS[name or draw(st.sampled_from(sorted(CONVENTIONS)))]
    entry = 10.0 ** draw(st.floats(-3.0, 5.0))
    value = 10.0 ** draw(st.floats(1.0, 8.0))  # quote
    side = draw(st.sampled_from([1.0, -1.0]))
    leverage = draw(st.sampled_from([0.5, 1.0, 1.0, 1.5, 2.0, 5.0, 20.0]))
    taker = draw(st.sampled_from([0.0, 0.0005, 0.001]))
    if row.inverse:
        tiers = draw(tables(1.0 / entry))
        return Position(row, side * value, entry, value / entry / leverage, tiers, taker)
    return Position(row, side * value / entry, entry, value / leverage, draw(tables()), taker)


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
@given(data=st.data())
def test_at_the_liquidation_price_equity_is_the_maintenance_margin(name: str, data: st.DataObject) -> None:
    """Above it, for a short, and below it, for a long, less; on the other side more; without one, more everywhere."""
    held = data.draw(positions(name))
    price = held.liquidation()
    if 0.0 < price < np.inf:
        assert held.excess(price) == pytest.approx(0.0, abs=CLOSE)
        by = data.draw(st.sampled_from([1e-6, 1e-3, 0.1, 3.0]))
        if NIL * held.entry < price < held.entry / NIL:
            assert held.excess(held.worse(price, by)) < 0.0
            assert held.excess(price * price / held.worse(price, by)) > 0.0
    else:
        never = price == (np.inf if held.size < 0.0 else 0.0)
        assert all((held.excess(far) > -CLOSE) == never for far in FAR)


@given(held=positions(), more=st.floats(1e-6, 2.0))
def test_more_collateral_never_brings_liquidation_nearer(held: Position, more: float) -> None:
    value = abs(contract.notional(held.size, held.entry, held.row.inverse))
    before, after = held.liquidation(), held._replace(equity=held.equity + more * value).liquidation()
    assert after >= before if held.size < 0.0 else after <= before
    if 0.0 < before < np.inf and 0.0 < after < np.inf:
        assert after != before


@given(held=positions())
def test_it_is_where_looking_up_the_tier_and_solving_again_and_again_ends(held: Position) -> None:
    """The fixed point of domain 2.17. As maintenance is continuous and its rates rise, each round is a step of Newton's
    on a convex line, so it always ends: in as many rounds as there are tiers, and one to begin with.
    """
    assume(not held.row.at_entry)
    inverse, tier = held.row.inverse, held.tier
    price = held.entry
    for _ in range(len(held.tiers) + 1):
        value = abs(contract.notional(held.size, price, inverse)) if price > 0.0 or not inverse else np.inf
        row = loose(lq.tier_row)(value, tier, 0, len(held.tiers))
        rate, deduction = tier[row, lq.T_RATE] + held.fee, tier[row, lq.T_DEDUCTION]
        price = loose(lq.price_at)(held.size, held.entry, held.backed, rate, deduction, inverse)
    assert held.liquidation() == pytest.approx(price, rel=1e-9)


def test_the_tier_is_that_of_the_liquidation_price_not_of_the_entry() -> None:
    """A short of 40,000 is worth more than 50,000 where it ends; a long of 60,000 less."""
    tiers = tier_table([0.0, 50_000.0], [0.01, 0.10])
    short = Position(CONVENTIONS["binance_linear"], -4.0, 10_000.0, 20_000.0, tiers, 0.0)
    assert short.liquidation() == pytest.approx((20_000.0 + 40_000.0 + 50_000.0 * 0.09) / (4.0 * 1.10))
    assert short.liquidation() < (20_000.0 + 40_000.0) / (4.0 * 1.01)  # what the tier of the entry would say
    long = short._replace(size=6.0)
    assert long.liquidation() == pytest.approx((60_000.0 - 20_000.0) / (6.0 * 0.99))


@given(held=positions(), share=st.floats(0.0, 1.0))
def test_bankruptcy_comes_after_liquidation_and_leaves_nothing(held: Position, share: float) -> None:
    price = loose(lq.bankruptcy_price)(held.size, held.entry, held.equity, 0.0, held.row.inverse)
    scale = abs(contract.notional(held.size, held.entry, held.row.inverse))
    if 0.0 < price < np.inf:
        left = held.equity + contract.profit(held.size, held.entry, price, held.row.inverse)
        assert left == pytest.approx(
            0.0, abs=CLOSE * max(scale, abs(contract.notional(held.size, price, held.row.inverse)))
        )
    assert held.liquidation() <= price if held.size < 0.0 else held.liquidation() >= price


@given(price=st.floats(1e-3, 1e9), entry=st.floats(1e-3, 1e9), coins=st.floats(1e-6, 1e6))
def test_a_short_of_its_own_coins_holds_its_dollar_value_and_is_never_liquidated(
    price: float, entry: float, coins: float
) -> None:
    """1x, inverse, G-57: coins E at every price."""
    size = -coins * entry
    worth = (coins + contract.profit(size, entry, price, True)) * price
    assert worth == pytest.approx(coins * entry, rel=1e-15 * max(10.0, price / entry))  # what rounding of coins leaves
    tier = np.array([[0.0, 0.005, 0.0]])
    assert loose(lq.liquidation_price)(size, entry, coins * (1.0 + 1e-12), tier, 0, 1, False, 0.0, True) == np.inf


@given(held=positions())
def test_distance_is_positive_while_the_position_stands(held: Position) -> None:
    price = held.liquidation()
    far = loose(lq.distance)(held.size, price, held.entry)
    assert (far > 0.0) == (held.excess(held.entry) > 0.0) or abs(far) < CLOSE
    if 0.0 < price < np.inf:
        assert held.entry * (1.0 + far if held.size < 0.0 else 1.0 - far) == pytest.approx(price)


def test_no_position_has_no_price_and_no_need() -> None:
    tier = np.array([[0.0, 0.005, 0.0]])
    for inverse in (False, True):
        assert loose(lq.liquidation_price)(0.0, 0.0, 10.0, tier, 0, 1, False, 0.0, inverse) == np.inf
        assert loose(lq.maintenance)(0.0, 0.0, 10.0, tier, 0, 1, False, 0.0, inverse) == 0.0
        assert loose(lq.bankruptcy_price)(0.0, 0.0, 10.0, 0.0, inverse) == np.inf
        assert loose(lq.closing_fee)(0.0, 0.0, 10.0, 0.0, inverse) == 0.0
    assert loose(lq.distance)(0.0, np.inf, 10.0) == np.inf
    assert loose(lq.backed_liquidation_price)(0.0, 0.0, 10.0, 1.0, tier, 0, 1, 0.0) == np.inf


@pytest.mark.parametrize("size", [-1.0, 1.0])
@pytest.mark.parametrize("inverse", [False, True])
def test_unknown_equity_is_no_price_not_never(size: float, inverse: bool) -> None:
    tier = pack_tiers([DEFAULT_TIERS])[0]
    for at_entry in (False, True):
        found = loose(lq.liquidation_price)(size, 10.0, np.nan, tier, 0, len(tier), at_entry, 0.0, inverse)
        assert np.isnan(found)
    assert np.isnan(loose(lq.backed_liquidation_price)(size, 10.0, np.nan, 0.0, tier, 0, len(tier), 0.0))


def test_maintenance_is_continuous_and_a_floor_belongs_to_the_tier_below() -> None:
    tier = pack_tiers([DEFAULT_TIERS])[0]
    for n in range(1, len(tier)):
        floor = tier[n, lq.T_FLOOR]
        assert loose(lq.tier_row)(floor, tier, 0, len(tier)) == n - 1
        assert loose(lq.tier_row)(np.nextafter(floor, np.inf), tier, 0, len(tier)) == n
        above = floor * tier[n, lq.T_RATE] - tier[n, lq.T_DEDUCTION]
        assert loose(lq.tier_margin)(floor, tier, 0, len(tier)) == pytest.approx(above)


def test_each_instrument_has_its_own_rows_of_the_block() -> None:
    tables = [tier_table([0.0], [0.01]), tier_table([0.0, 100.0], [0.02, 0.04])]
    block, first, count = pack_tiers(tables)
    found = [loose(lq.tier_margin)(200.0, block, int(first[i]), int(count[i])) for i in range(2)]
    assert found == pytest.approx([2.0, 2.0 + 100.0 * 0.04])


# ---- partial steps and the queue of deleveraging ---------------------------------------------------------------------


@given(held=positions())
def test_a_step_goes_down_to_the_top_of_the_next_lower_tier_and_the_last_takes_all(held: Position) -> None:
    tier, count, inverse, mark = held.tier, len(held.tiers), held.row.inverse, held.entry
    size, seen = held.size, []
    lowest = min((floor for floor in tier[1:, lq.T_FLOOR]), default=np.inf)
    assume(abs(contract.notional(size, mark, inverse)) < 1e6 * lowest)  # beyond, rounding is more than a tier's edge
    while size != 0.0:
        value = abs(contract.notional(size, mark, inverse))
        row = loose(lq.tier_row)(value * (1.0 - 1e-9), tier, 0, count)
        taken, fee = loose(lq.liquidation_step)(size, mark, tier, 0, count, True, 0.01, inverse)
        assert taken * size > 0.0
        assert fee == pytest.approx(0.01 * abs(contract.notional(taken, mark, inverse)))
        size -= taken
        left = abs(contract.notional(size, mark, inverse))
        assert left == pytest.approx(tier[row, lq.T_FLOOR] if row > 0 else 0.0)
        seen.append(row)
    assert seen == list(range(seen[0], -1, -1)), "one tier a step, down to the lowest"


@given(held=positions())
def test_without_partial_steps_all_is_taken_at_once(held: Position) -> None:
    taken, _ = loose(lq.liquidation_step)(
        held.size, held.entry, held.tier, 0, len(held.tiers), False, 0.0, held.row.inverse
    )
    assert taken == held.size


# ---- coins as collateral ---------------------------------------------------------------------------------------------


@given(held=positions("binance_linear"), backing=st.floats(0.0, 1.5), data=st.data())
def test_coins_of_the_same_asset_as_collateral(held: Position, backing: float, data: st.DataObject) -> None:
    """Unified accounts: the price at which equity with the coins' value is the maintenance margin."""
    coins = backing * abs(held.size)
    price = loose(lq.backed_liquidation_price)(
        held.size, held.entry, held.equity, coins, held.tier, 0, len(held.tiers), held.fee
    )

    def excess(mark: float) -> float:
        scale = abs(held.size) * max(mark, held.entry)
        return (held.equity_at(mark) + coins * mark - held.maintenance_at(mark)) / scale

    if 0.0 < price < np.inf:
        assert excess(price) == pytest.approx(0.0, abs=CLOSE)
        by = data.draw(st.sampled_from([1e-3, 0.5]))
        assert not NIL * held.entry < price < held.entry / NIL or excess(held.worse(price, by)) < 0.0
    else:
        assert all(excess(far) > -CLOSE for far in FAR)
    if backing == 0.0:
        assert price == pytest.approx(held.liquidation())
    plain = held.liquidation()
    assert price >= plain * (1.0 - CLOSE) if held.size < 0.0 else price <= plain * (1.0 + CLOSE)


def test_a_short_that_its_own_coins_outweigh_has_no_liquidation_from_above() -> None:
    """2A-1: 1 BTC as collateral at a haircut of 10 % under a short of 0.8 BTC, and under one of 0.95."""
    tier = np.array([[0.0, 0.005, 0.0]])
    found = loose(lq.backed_liquidation_price)
    assert found(-0.8, 50_000.0, 0.0, 0.9, tier, 0, 1, 0.0) == np.inf
    assert found(-0.95, 50_000.0, 0.0, 0.9, tier, 0, 1, 0.0) == pytest.approx(0.95 * 50_000.0 / (0.95 * 1.005 - 0.9))


# ---- the compiler ----------------------------------------------------------------------------------------------------


@jit.entrance
def everything(position: Floats, tier: Floats, out: Floats) -> None:
    """Every compiled function once, on each column of ``position``: size, entry, mark, equity, first tier, number of tiers,
    at entry, fee, inverse.
    """
    for j in range(position.shape[1]):
        size, entry, mark, equity = position[0, j], position[1, j], position[2, j], position[3, j]
        first, count = int(position[4, j]), int(position[5, j])
        at_entry, fee, inverse = position[6, j] == 1.0, position[7, j], position[8, j] == 1.0
        out[0, j] = maintenance(size, entry, mark, tier, first, count, at_entry, fee, inverse)
        out[1, j] = liquidation_price(size, entry, equity, tier, first, count, at_entry, fee, inverse)
        out[2, j] = backed_liquidation_price(size, entry, equity, abs(size), tier, first, count, fee)
        out[3, j] = bankruptcy_price(size, entry, equity, fee, inverse)
        out[4, j] = closing_fee(size, entry, equity, 0.001, inverse)
        out[5, j] = distance(size, out[1, j], mark)
        out[6, j] = initial_margin(size, mark, 3.0, fee, inverse)
        out[7, j], out[8, j] = liquidation_step(size, mark, tier, first, count, True, 0.01, inverse)


@pytest.mark.skipif(not jit.enabled, reason="nothing is compiled")
def test_compiled_and_interpreted_give_the_same_bits() -> None:
    rng = np.random.default_rng(11)
    made: list[Any] = []
    for name in sorted(CONVENTIONS):
        for side in (1.0, -1.0):
            value, entry = 10.0 ** rng.uniform(2, 7), 10.0 ** rng.uniform(-1, 5)
            row = CONVENTIONS[name]
            tiers = tuple(
                Tier(t.floor / (entry if row.inverse else 1.0), t.rate, t.deduction / (entry if row.inverse else 1.0))
                for t in DEFAULT_TIERS
            )
            made.append(Position(row, side * (value if row.inverse else value / entry), entry, 0.0, tiers, 0.0005))
    marks = [each.entry * rng.uniform(0.5, 2.0) for each in made]
    tier, first, count = pack_tiers([each.tiers for each in made])
    block = np.array([
        [
            each.size, each.entry, mark, abs(contract.notional(each.size, each.entry, each.row.inverse)) * rng.uniform(0.2, 1.0),
            first[j], count[j], each.row.at_entry, each.fee, each.row.inverse,
        ]
        for j, (each, mark) in enumerate(zip(made, marks, strict=True))
    ]).T.copy()  # fmt: skip
    found, expected = np.zeros((9, len(made))), np.zeros((9, len(made)))
    everything(block, tier, found)
    loose(everything)(block, tier, expected)
    assert np.isfinite(expected[1]).sum() > 10
    assert found.tobytes() == expected.tobytes()
