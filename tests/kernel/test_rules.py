"""What is packed for a universe: which contract hedges an asset on which day."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.kernel.route import H_ROUTE
from hedgerow.kernel.rules import hedge_routes
from hedgerow.model.instrument import Instrument, Kind
from hedgerow.units import NS_PER_DAY
from tests.kernel.tape import FIRST_NS, universe

DAYS = FIRST_NS + np.arange(40, dtype=np.int64) * NS_PER_DAY


def dated(days: int) -> Instrument:
    return Instrument(f"A/USDT:USDT-{days}", "A", kind=Kind.DATED, expiry_ns=FIRST_NS + days * NS_PER_DAY)


PERPETUAL = Instrument("A/USDT:USDT", "A", kind=Kind.PERPETUAL)


def routes(kind: str, *futures: Instrument) -> list[str]:
    policy = policies.parse(
        {"name": "made", "hedge": {"constant": "50 %", "instrument": kind, "roll_before": "7 d"}}, "made"
    )
    where = universe(["A"], futures)
    return [where.instruments[i].symbol if i >= 0 else "" for i in hedge_routes(policy, where, DAYS)[:, H_ROUTE, 0]]


def test_the_nearest_dated_contract_hedges_until_so_many_days_before_its_expiry() -> None:
    """Day d closes at the start of day d + 1: with 7 days before an expiry on day 20, day 11 is the last one."""
    found = routes("dated", dated(40), dated(20))
    assert found[:12] == ["A/USDT:USDT-20"] * 12
    assert found[12:32] == ["A/USDT:USDT-40"] * 20
    assert found[32:] == [""] * 8


@pytest.mark.parametrize("kind", ["perpetual", "dated"])
def test_a_contract_of_the_other_kind_is_better_than_none(kind: str) -> None:
    """With only a perpetual listed, a policy of dated contracts sold spot as if there were no futures."""
    assert routes(kind, PERPETUAL) == ["A/USDT:USDT"] * 40
    assert routes(kind, dated(20))[:12] == ["A/USDT:USDT-20"] * 12


def test_the_wanted_kind_comes_first_and_the_other_fills_its_gaps() -> None:
    assert routes("perpetual", dated(20), PERPETUAL) == ["A/USDT:USDT"] * 40
    found = routes("dated", PERPETUAL, dated(20))
    assert found == ["A/USDT:USDT-20"] * 12 + ["A/USDT:USDT"] * 28
