"""Conventions and tier tables as rows: continuity, what is refused, how tables are packed."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.model.margin import (
    CONVENTIONS,
    DEFAULT_TIERS,
    Convention,
    Tier,
    deductions,
    in_coins,
    pack_tiers,
    tier_table,
)
from tests.conftest import ROOT

NAMED = {  # domain 5.3, and the venues that the product trades on
    "binance_linear", "okx_linear", "gate_linear", "bybit_linear_entry_mm", "bybit_inverse_entry_mm",
    "bybit_inverse_mark_mm", "bitmex_inverse", "binance_inverse", "bingx_linear", "mexc_linear", "weex_linear",
}  # fmt: skip


def test_every_named_convention_is_a_row_with_a_source() -> None:
    assert set(CONVENTIONS) >= NAMED
    words = get_type_hints(Convention)
    for name, row in CONVENTIONS.items():
        assert row.name == name
        assert row.inverse == ("inverse" in name), name
        assert (row.tiers_in == "coins") <= row.inverse, name
        assert (row.tiers_in == "quote") <= (not row.inverse), name
        assert row.source, name
        assert 0.0 <= row.liquidation_fee < 0.05
        for field in ("closing_fee", "tiers_in", "left"):
            assert getattr(row, field) in get_args(words[field]), (name, field)


FLOORS = st.lists(st.floats(1.0, 1e9), max_size=6, unique=True).map(lambda found: [0.0, *sorted(found)])


@given(floors=FLOORS, data=st.data())
def test_deductions_make_maintenance_continuous_and_convex(floors: list[float], data: st.DataObject) -> None:
    rates = sorted(data.draw(st.lists(st.integers(1, 900), min_size=len(floors), max_size=len(floors), unique=True)))
    table = tier_table(floors, [rate / 1_000.0 for rate in rates])
    for below, above in pairwise(table):
        at = above.floor
        assert at * above.rate - above.deduction == pytest.approx(at * below.rate - below.deduction, rel=1e-9)
    for value in [floor * 1.5 for floor in floors[1:]] + [1.0]:
        held = max((tier for tier in table if tier.floor < value), key=lambda tier: tier.floor)
        lines = [value * tier.rate - tier.deduction for tier in table]
        assert value * held.rate - held.deduction == pytest.approx(max(lines), rel=1e-9, abs=1e-9 * value)


def test_a_single_tier_has_no_deduction() -> None:
    assert deductions([0.0], [0.01]) == (0.0,)
    assert tier_table([0.0], [0.01]) == (Tier(0.0, 0.01, 0.0, pytest.approx(math.nan, nan_ok=True)),)


@pytest.mark.parametrize(
    ("floors", "rates", "leverages", "message"),
    [
        ([], [], None, "0 floors, 0 rates and 0 leverages"),
        ([0.0], [0.01, 0.02], None, "1 floors, 2 rates"),
        ([0.0, 5.0], [0.01, 0.02], [10.0], "2 floors, 2 rates and 1 leverages"),
        ([1.0], [0.01], None, "the lowest tier begins at 1"),
        ([-1.0], [0.01], None, "the lowest tier begins at -1"),
        ([math.nan], [0.01], None, "the lowest tier begins at nan"),
        ([0.0], [0.0], None, "row 1 has the maintenance rate 0"),
        ([0.0], [1.0], None, "row 1 has the maintenance rate 1"),
        ([0.0], [math.nan], None, "row 1 has the maintenance rate nan"),
        ([0.0], [0.5], [0.5], "row 1 has the largest leverage 0.5"),
        ([0.0], [0.01], [101.0], "row 1 has the largest leverage 101"),
        ([0.0, 5.0, 5.0], [0.01, 0.02, 0.03], None, "row 3 begins at 5, after 5"),
        ([0.0, math.inf], [0.01, 0.02], None, "row 2 begins at inf, after 0"),
        ([0.0, math.nan], [0.01, 0.02], None, "row 2 begins at nan, after 0"),
        ([0.0, 5.0], [0.02, 0.01], None, "row 2 has the rate 0.01, after 0.02"),
        ([0.0, 5.0], [0.01, 0.02], [10.0, 20.0], "row 2 allows 20x, after 10x"),
    ],
)
def test_a_wrong_table_is_refused(floors: list[float], rates: list[float], leverages: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        tier_table(floors, rates, leverages, where="tiers_BTC.csv")
    assert refused.value.where == "tiers_BTC.csv"
    assert refused.value.fix


def test_the_stand_in_asks_more_than_binances_btc_table_of_2021_everywhere() -> None:
    """That table: floors and rates as liquidation calculators of the time list them."""
    floors = [0.0, 5e4, 2.5e5, 1e6, 5e6, 1e7, 2e7, 3.5e7, 5e7]
    btc = tier_table(floors, [0.004, 0.005, 0.01, 0.025, 0.05, 0.10, 0.125, 0.15, 0.25])
    for value in np.geomspace(1.0, 1e9, 400):
        asked, least = (
            max(value * tier.rate - tier.deduction for tier in table) / value for table in (DEFAULT_TIERS, btc)
        )
        assert asked > least


def test_a_table_of_coins_asks_the_same_at_its_price() -> None:
    coins = in_coins(DEFAULT_TIERS, 20_000.0)
    for quote, coin in zip(DEFAULT_TIERS, coins, strict=True):
        value = quote.floor * 1.5 + 100.0
        assert 20_000.0 * (value / 20_000.0 * coin.rate - coin.deduction) == pytest.approx(
            value * quote.rate - quote.deduction
        )
    assert [tier.rate for tier in coins] == [tier.rate for tier in DEFAULT_TIERS]


def test_tables_are_packed_once_each() -> None:
    a, b = tier_table([0.0, 10.0], [0.01, 0.02]), tier_table([0.0], [0.05])
    block, first, count = pack_tiers([a, b, a])
    assert block.tolist() == [[0.0, 0.01, 0.0], [10.0, 0.02, pytest.approx(0.1)], [0.0, 0.05, 0.0]]
    assert (first.tolist(), count.tolist()) == ([0, 2, 0], [2, 1, 2])
    empty, none, _ = pack_tiers([])
    assert (empty.shape, none.shape) == ((0, 3), (0,))


def test_the_page_on_margin_shows_every_row_as_it_is() -> None:
    page = (ROOT / "docs" / "explanation" / "margin.md").read_text(encoding="utf-8")
    fee = {"none": "no", "mark": "at the mark", "bankruptcy": "at bankruptcy"}
    for name, row in CONVENTIONS.items():
        cells = (
            f"`{name}`", "entry" if row.at_entry else "mark", fee[row.closing_fee], row.tiers_in,
            ("all at once", "one tier", "two tiers")[row.tiers_down], row.left, f"{row.liquidation_fee * 1e4:g} bp",
        )  # fmt: skip
        assert f"| {' | '.join(cells)} |" in page.splitlines(), name
