"""Views: when an item acts, and what it asks for."""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.signals.views import KINDS, View, columns
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR
from tests.signals.made import FIRST_NS

DAYS = FIRST_NS + np.arange(20, dtype=np.int64) * NS_PER_DAY
ASSETS = ("BTC", "ETH")


def day(number: float) -> int:
    """An instant so many days after the first bar's opening."""
    return FIRST_NS + int(number * NS_PER_DAY)


def rows(view: View, name: str, asset: int = 0, venue: str = "") -> list[int]:
    return np.flatnonzero(columns([view], DAYS, ASSETS, venue)[name][:, asset]).tolist()


def test_acts_from_the_first_close_at_or_after_its_date() -> None:
    assert rows(View(day(3), "macro"), "view_rungs") == list(range(2, 9))  # the bar of day 2 closes at day 3
    assert rows(View(day(3) + 1, "macro"), "view_rungs") == list(range(3, 10))
    assert rows(View(day(3) - 1, "macro"), "view_rungs")[0] == 2


def test_acts_until_its_expiry_and_not_at_it() -> None:
    assert rows(View(day(3), "macro", expiry_ns=day(5)), "view_rungs") == [2, 3]
    assert rows(View(day(3), "macro", expiry_ns=day(5) + 1), "view_rungs") == [2, 3, 4]
    assert rows(View(day(3) + NS_PER_HOUR, "macro", expiry_ns=day(4) - 1), "view_rungs") == []


@pytest.mark.parametrize("kind", ["regulatory", "macro", "geopolitical", "external_analysis"])
def test_severity(kind: str) -> None:
    one, two, three = (columns([View(day(3), kind, severity)], DAYS, ASSETS) for severity in (1, 2, 3))
    assert (one["view_rungs"][2, 0], one["view_ratio"][2, 0]) == (1.0, 0.0)
    assert (two["view_rungs"][2, 0], two["view_ratio"][2, 0]) == (0.0, 0.5)
    assert (three["view_rungs"][2, 0], three["view_ratio"][2, 0]) == (0.0, 0.75)


def test_items_add_up() -> None:
    views = [View(day(3), "macro"), View(day(4), "regulatory"), View(day(4), "macro", 2), View(day(5), "macro", 3)]
    got = columns(views, DAYS, ASSETS)
    assert got["view_rungs"][2:4, 1].tolist() == [1.0, 2.0]
    assert got["view_ratio"][2:5, 1].tolist() == [0.0, 0.5, 0.75]


def test_a_hedge_ratio_stands_in_for_the_severity() -> None:
    view = View(day(3), "external_analysis", 1, source="BTC/USDT analysis", hedge_ratio=0.5)
    assert rows(view, "view_rungs") == []
    assert columns([view], DAYS, ASSETS)["view_ratio"][2, 0] == 0.5


def test_only_its_assets() -> None:
    view = View(day(3), "regulatory", assets=("ETH",))
    assert rows(view, "view_rungs", 0) == []
    assert rows(view, "view_rungs", 1) == list(range(2, 9))
    assert rows(View(day(3), "regulatory", assets=("DOGE",)), "view_rungs") == []


def test_failure_of_the_hedge_venue_raises_no_hedge() -> None:
    view = View(day(3), "exchange_failure", 3)
    assert rows(view, "venue_failure") == list(range(2, 9))
    assert rows(view, "view_rungs") == []
    assert rows(view, "view_ratio") == []


def test_failure_of_another_venue_acts_by_its_severity() -> None:
    view = View(day(3), "exchange_failure", 3, venue="mexc")
    assert rows(view, "venue_failure", venue="binance") == []
    assert rows(view, "view_ratio", venue="binance") == list(range(2, 9))
    assert rows(view, "venue_failure", venue="mexc") == list(range(2, 9))


def test_a_catalyst_marks_the_close_of_its_day_only() -> None:
    assert rows(View(day(3.3), "catalyst"), "catalyst_passed") == [3]
    assert rows(View(day(3), "catalyst"), "catalyst_passed") == [3]  # a date without a time is not over at midnight
    got = columns([View(day(3.3), "catalyst", 3)], DAYS, ASSETS)
    assert not got["view_ratio"].any()
    assert not got["view_rungs"].any()


def test_none_asks_for_nothing() -> None:
    assert all((values == 0.0).all() and values.shape == (20, 2) for values in columns([], DAYS, ASSETS).values())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("kind", "rumour", "regulatory"),
        ("severity", 4, "1, 2 or 3"),
        ("hedge_ratio", 1.5, "100 %"),
        ("hedge_ratio", float("nan"), "100 %"),
        ("expiry_ns", 0, "after"),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        View(**{"date_ns": day(3), "kind": KINDS[0], field: value})
