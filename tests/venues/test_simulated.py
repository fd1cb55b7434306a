"""What a simulated venue does with orders under terms like an exchange's: time, filters, the book, wallets, what rests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.rules import pack
from hedgerow.model import measure
from hedgerow.model.bar import Bars, Day, Quotes
from hedgerow.model.command import Timer
from hedgerow.model.instrument import Instrument, Kind, Universe
from hedgerow.model.order import Order, Report
from hedgerow.model.terms import Terms, with_lots
from hedgerow.ports import IDLE
from hedgerow.units import NS_PER_HOUR, NS_PER_SECOND
from hedgerow.venues.simulated import SimulatedVenue, Tape
from tests.properties import FIRST_NS, stage_of

D = Decimal
UNIVERSE = Universe(
    ("BTC",), "USDT",
    (
        Instrument("BTC/USDT", "BTC", lot=0.001, tick=0.1, minimum_notional=10.0),
        Instrument("BTC/USDT:USDT", "BTC", kind=Kind.PERPETUAL, lot=0.001, tick=0.1, minimum_notional=10.0),
    ),
)  # fmt: skip
ADV, SIGMA = 1e8, 0.6


def tape(prices: list[tuple[float, float, float, float]]) -> Tape:
    """Hours of (open, high, low, close), the contract at the price of the coin; the book is the square-root law's."""
    stage = stage_of(UNIVERSE, 0, days=2, per_day=24, wildness=0.0)
    market = stage.market
    bars = market.open_ns.shape[0]
    held = np.array(prices + [prices[-1]] * (bars - len(prices)))[:, :, None].repeat(2, axis=2)
    opened, high, low, close = (np.ascontiguousarray(held[:, at]) for at in range(4))
    made = replace(
        market, universe=UNIVERSE, open=opened, high=high, low=low, close=close, fresh=np.ones_like(market.fresh),
        funding=np.zeros_like(market.funding),
    )  # fmt: skip
    signals = stage.signals.copy()
    for name, value in (("adv30", ADV), ("adv30_futures", ADV), ("sigma_ewma", SIGMA), ("half_spread", np.nan),
                        ("half_spread_futures", np.nan), ("depth", np.nan), ("depth_futures", np.nan)):  # fmt: skip
        signals[:, measure.INDEX[name]] = value
    days = [Day(int(day) + 24 * NS_PER_HOUR, int(day), True, {}) for day in market.days_ns]
    return Tape(made, high, signals, days, np.zeros(bars))


def venue(
    prices: list[tuple[float, float, float, float]] | None = None, cash: str = "1000000", **terms: Any
) -> SimulatedVenue:
    policy = policies.parse({"extends": "b3_constant", "name": "venue"}, "venue")
    rules = pack(policy, UNIVERSE, {"BTC": 0.5})
    made = SimulatedVenue(
        rules, tape(prices or [(100.0, 100.0, 100.0, 100.0)]), new_book(rules, 2, float(cash)), Terms(**terms)
    )
    made.account.desk.work.measure[:] = tape([(1.0, 1.0, 1.0, 1.0)]).signals[0]
    return made


def order(name: str, kind: Any, amount: str, limit: str | None = "101", **rest: Any) -> Order:
    symbol = "BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"
    given: dict[str, Any] = {"style": "taker", "reduce_only": False, "deadline_ns": FIRST_NS + 10**18} | rest
    return Order(FIRST_NS, name, "p", 0, kind, symbol, D(amount), D(limit) if limit else None, **given)


def until(made: SimulatedVenue, wanted: Callable[[Any], bool], quotes: bool = False) -> Any:
    """The first event of which ``wanted`` is true."""
    for _ in range(20_000):
        event = asyncio.run(made.next(0, quotes))
        assert event is not None, "the tape ended"
        if event is not IDLE and wanted(event):
            return event
    raise AssertionError("it did not come")


def placed(made: SimulatedVenue, one: Order) -> Report:
    """Open the first bar if it is not, place an order, and wait for what becomes of it."""
    asyncio.run(made.place(one))
    found = until(made, lambda event: isinstance(event, Report) and event.id == one.id)
    assert isinstance(found, Report)
    return found


def opened(made: SimulatedVenue) -> SimulatedVenue:
    """At the open of the second bar: nothing fills in the first."""
    until(made, lambda event: isinstance(event, Quotes) and event.at_ns >= FIRST_NS + NS_PER_HOUR, quotes=True)
    return made


# ---- time -----------------------------------------------------------------------------------------------------------------


def test_an_answer_takes_its_time_and_always_the_same() -> None:
    answers = []
    for _ in range(2):
        made = opened(venue(latency_ms=200, jitter_ms=100))
        before = made.now_ns
        answers.append(placed(made, order("a", "spot", "1")).at_ns - before)
    assert answers[0] == answers[1]
    assert 200_000_000 <= answers[0] < 300_000_000
    assert placed(opened(venue(latency_ms=200, jitter_ms=100)), order("b", "spot", "1")).at_ns - before != answers[0]


def test_an_order_that_comes_after_its_deadline_is_refused() -> None:
    made = opened(venue(latency_ms=2_000, jitter_ms=0))
    found = placed(made, order("a", "spot", "1", deadline_ns=made.now_ns + NS_PER_SECOND))
    assert (found.word, found.text) == ("refused", "it came after its deadline")


def test_prices_come_while_they_are_wanted_on_the_way_of_the_bar() -> None:
    made = opened(venue([(100.0, 100.0, 100.0, 100.0), (100.0, 130.0, 91.0, 115.0)], quotes_s=600.0))
    seen = [float(until(made, lambda event: isinstance(event, Quotes), quotes=True).price[0]) for _ in range(5)]
    # open 100, low 91 after a third of the hour, high 130 after two thirds, close 115: every 10 minutes
    assert seen == pytest.approx([95.5, 91.0, 110.5, 130.0, 122.5])
    quiet = asyncio.run(made.next(0, False))
    assert isinstance(quiet, Bars), "nobody waits for prices: the next thing is the close"


def test_a_timer_comes_before_what_is_later() -> None:
    made = opened(venue())
    soon = made.now_ns + NS_PER_SECOND
    assert asyncio.run(made.next(soon, False)) == Timer(soon)


# ---- filters --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (order("a", "spot", "1.0005"), "1.0005 is no multiple of the lot, 0.001"),
        (order("a", "spot", "1", "101.05"), "101.05 is no multiple of the tick, 0.1"),
        (order("a", "spot", "0.05"), "it is worth less than 10"),
        (order("a", "spot", "-1", "99"), "there is only 0 to sell"),
        (order("a", "spot", "20000"), "there is only 1000000.00 to buy with"),
        (order("a", "futures", "1", reduce_only=True), "it is reduce-only, and 0 is open"),
        (order("a", "futures", "-1", "99"), "its margin lacks 100"),
        (order("a", "margin", "2000000", None), "there is only 1000000 to move"),
        (order("a", "margin", "-5", None), "there is only 0 to move"),
    ],
)
def test_an_order_that_an_exchange_would_not_take_is_refused(one: Order, why: str) -> None:
    found = placed(opened(venue()), one)
    assert (found.word, found.text, found.filled) == ("refused", why, D(0))


def test_too_many_requests_are_refused() -> None:
    made = opened(venue(requests_minute=3))
    words = [placed(made, order(f"n{n}", "spot", "1")).word for n in range(5)]
    assert words == ["filled"] * 3 + ["refused"] * 2
    until(made, lambda event: isinstance(event, Quotes) and event.at_ns > FIRST_NS + 3 * NS_PER_HOUR, quotes=True)
    assert placed(made, order("later", "spot", "1")).word == "filled"


# ---- the book -------------------------------------------------------------------------------------------------------------


def test_an_order_fills_as_far_as_the_book_bears_within_its_limit() -> None:
    made = opened(venue(cash="100000000", refill_s=600.0))
    # impact = sigma a day x sqrt(size / turnover): 0.6 / sqrt(365) x sqrt(x) = 0.31 % / ... (domain 2.16)
    found = placed(made, order("a", "spot", "500000", "100.5"))
    assert found.word == "cancelled"
    assert D(0) < found.filled < D(500000)
    assert found.price is not None
    assert D("100.4") < found.price <= D("100.5")
    half_spread = made.account.half_spread(0)
    bears = ADV * ((0.005 - half_spread) / (SIGMA / 365.0**0.5)) ** 2  # the law solved for the size, by hand
    assert float(found.filled) * 100.0 == pytest.approx(bears, rel=0.02)
    again = placed(made, order("b", "spot", "500000", "100.5"))
    assert again.filled < found.filled / 50, "what was taken is not there at once"
    until(made, lambda event: isinstance(event, Quotes) and event.at_ns > found.at_ns + NS_PER_HOUR, quotes=True)
    assert placed(made, order("c", "spot", "500000", "100.5")).filled == found.filled, "and it is there again later"


def test_a_small_order_fills_whole_at_the_price_of_its_size() -> None:
    made = opened(venue())
    found = placed(made, order("a", "spot", "1"))
    price = 100.0 * (1.0 + made.account.half_spread(0) + SIGMA / 365.0**0.5 * (100.0 / ADV) ** 0.5)
    assert found.word == "filled"
    assert float(found.price or 0) == pytest.approx(price, rel=1e-12)
    assert float(found.fee) == pytest.approx(price * 0.001, rel=1e-9)


def test_a_resting_order_fills_when_its_price_comes() -> None:
    hours = [(100.0, 100.0, 100.0, 100.0), (100.0, 103.0, 97.0, 102.0)]
    made = opened(venue(hours, quotes_s=60.0))
    rests = placed(made, order("a", "spot", "100", "98", style="maker"))
    assert (rests.word, rests.filled) == ("open", D(0))
    found = until(made, lambda event: isinstance(event, Report))
    assert (found.word, found.filled, found.price) == ("filled", D(100), D(98))
    # from 100 to 97 in a third of the hour: 98 is reached after 800 s, and passed by the spread a minute later at most
    assert 790 <= (found.at_ns - FIRST_NS - NS_PER_HOUR) / NS_PER_SECOND <= 870


def test_a_resting_order_that_is_only_touched_fills_by_its_share_of_the_turnover() -> None:
    made = opened(venue(quotes_s=60.0, participation=0.01))
    rests = placed(made, order("a", "spot", "100", "100", style="maker"))
    first = until(made, lambda event: isinstance(event, Report))
    assert rests.word == first.word == "open"
    waited = (first.at_ns - rests.at_ns) / NS_PER_SECOND
    assert float(first.filled) == pytest.approx(ADV * waited / 86_400 * 0.01 / 100.0, abs=0.001)
    asyncio.run(made.cancel("a"))
    ended = until(made, lambda event: isinstance(event, Report) and event.word != "open")
    assert (ended.word, ended.filled) == ("cancelled", first.filled)
    assert asyncio.run(made.look(rests_order())) is None
    assert until(made, lambda event: isinstance(event, Report)).word == "cancelled"


def rests_order() -> Order:
    return order("a", "spot", "100", "100", style="maker")


def test_a_resting_order_that_would_take_is_refused() -> None:
    found = placed(opened(venue()), order("a", "spot", "1", "101", style="maker"))
    assert (found.word, found.text) == ("refused", "it would take what is there")


# ---- wallets and positions --------------------------------------------------------------------------------------------------


def short(made: SimulatedVenue) -> None:
    assert placed(made, order("coins", "spot", "10")).word == "filled"
    assert placed(made, order("margin", "margin", "505", None)).word == "filled"
    assert placed(made, order("short", "futures", "-5", "99")).word == "filled"


def test_a_short_wants_its_margin_first_and_never_more_than_it() -> None:
    made = opened(venue())
    short(made)
    assert made.account.held(1) == -5.0
    assert "its margin lacks" in placed(made, order("more", "futures", "-5", "99")).text
    assert placed(made, order("cover", "futures", "5", reduce_only=True)).word == "filled"
    assert made.account.held(1) == 0.0


def test_where_no_program_moves_collateral_it_is_refused() -> None:
    found = placed(opened(venue(transfers=False)), order("a", "margin", "100", None))
    assert found.text == "collateral is moved by a person here"


def picture(made: SimulatedVenue) -> Any:
    asyncio.run(made.snapshot())
    return until(made, lambda event: hasattr(event, "positions"))


@pytest.mark.parametrize(("mode", "left"), [("one_way", D(-3)), ("hedge", D(-5))])
def test_a_long_by_hand_shrinks_the_short_or_stands_beside_it(mode: str, left: Decimal) -> None:
    made = opened(venue(position_mode=mode))
    short(made)
    made.by_hand("BTC/USDT:USDT", D(2))
    seen = picture(made).positions
    assert seen["BTC/USDT:USDT"].size == left
    assert ("BTC/USDT:USDT long" in seen) is (mode == "hedge")


def test_margin_that_waits_for_its_short_is_in_the_picture() -> None:
    made = opened(venue())
    placed(made, order("margin", "margin", "505", None))
    standing = picture(made).positions["BTC/USDT:USDT"]
    assert (standing.size, standing.collateral) == (D(0), D(505))


# ---- lots -----------------------------------------------------------------------------------------------------------------


def test_lots_and_ticks_are_powers_of_ten_fit_for_the_price() -> None:
    bare = Universe(("BTC", "DOGE"), "USDT", (Instrument("BTC/USDT", "BTC"), Instrument("DOGE/USDT", "DOGE"),
                                              Instrument("BTC/USDT:USDT", "BTC", kind=Kind.PERPETUAL, lot=0.001)))  # fmt: skip
    made = with_lots(bare, [43_210.0, 0.0712, float("nan")]).instruments
    assert [(one.lot, one.tick) for one in made] == [(1e-5, 1.0), (10.0, 1e-6), (0.001, 1.0)]
