"""A views file: what its items become, and what is said of a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from hedgerow.errors import ConfigError
from hedgerow.signals.views import View
from hedgerow.store.views import read_views

DAY_NS = 1_667_865_600_000_000_000  # 2022-11-08T00:00:00Z (date -u -d 2022-11-08 +%s: 1667865600)
HOUR_NS = 3_600_000_000_000
ITEM = 'date = 2022-11-08\nkind = "macro"\n'


def read(folder: Path, text: str) -> tuple[View, ...]:
    path = folder / "views.toml"
    path.write_text(text, encoding="utf-8")
    return read_views(path)


def one(folder: Path, more: str, item: str = ITEM) -> View:
    (view,) = read(folder, f"[[view]]\n{item}{more}\n")
    return view


def fault(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert caught.value.where.startswith(str(folder / "views.toml"))
    return caught.value


def test_every_key_of_an_item_is_read(tmp_path: Path) -> None:
    text = """
    [[view]]
    date = 2022-11-08
    kind = "exchange_failure"
    severity = 3
    source = "a newspaper, page 1"
    expires = 2022-11-22
    assets = ["SOL", "BTC"]
    hedge_ratio = "80 %"
    venue = "ftx"
    """
    assert read(tmp_path, text) == (
        View(
            date_ns=DAY_NS, kind="exchange_failure", severity=3, source="a newspaper, page 1",
            expiry_ns=DAY_NS + 14 * 24 * HOUR_NS, assets=("SOL", "BTC"), hedge_ratio=0.8, venue="ftx",
        ),
    )  # fmt: skip


def test_an_item_of_date_and_kind_is_mild_short_and_about_everything(tmp_path: Path) -> None:
    view = one(tmp_path, "")
    assert (view.severity, view.source, view.assets, view.hedge_ratio, view.venue) == (1, "", (), None, "")
    assert view.until_ns - view.date_ns == 7 * 24 * HOUR_NS


def test_items_keep_the_order_of_the_file(tmp_path: Path) -> None:
    dates = ("2022-03-01", "2022-01-01", "2022-02-01")
    found = read(tmp_path, "".join(f'[[view]]\ndate = {day}\nkind = "macro"\nsource = "{day}"\n' for day in dates))
    assert [view.source for view in found] == list(dates)
    assert [view.date_ns for view in found] != sorted(view.date_ns for view in found)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "view = []\n"])
def test_a_file_without_items_is_no_fault(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("2022-11-08", 0),
        ("2022-11-08T14:00:00Z", 14),
        ("2022-11-08 14:00:00", 14),  # without a zone: UTC, wherever the machine stands
        ("2022-11-08T14:00:00+02:00", 12),
        ("2022-11-08T14:00:00-09:30", 23.5),
    ],
)
def test_a_date_is_its_opening_and_a_moment_is_utc_unless_it_says_otherwise(
    tmp_path: Path, written: str, hours: float
) -> None:
    view = one(tmp_path, f"expires = {written}", 'date = 2022-11-01\nkind = "macro"\n')
    assert view.expiry_ns == DAY_NS + int(hours * HOUR_NS)
    view = one(tmp_path, "", f'date = {written}\nkind = "macro"\n')
    assert view.date_ns == DAY_NS + int(hours * HOUR_NS)


@pytest.mark.parametrize(("written", "ratio"), [("0 %", 0.0), ("12.5 %", 0.125), ("100%", 1.0)])
def test_a_hedge_ratio_is_a_share_of_spot(tmp_path: Path, written: str, ratio: float) -> None:
    assert one(tmp_path, f'hedge_ratio = "{written}"').hedge_ratio == ratio


FAULTS = {
    "no item": ('hello = 1\n[[view]]\ndate = 2022-11-08\nkind = "macro"\n', "", 'unknown key "hello"', "[[view]]"),
    "plural": ('[[views]]\ndate = 2022-11-08\nkind = "macro"\n', "", 'unknown key "views"', "[[view]]"),
    "one table": ('[view]\ndate = 2022-11-08\nkind = "macro"\n', "", "view", "[[view]]"),
    "numbers": ("view = [1]\n", "view 1", "1 is no item", "[[view]]"),
    "unknown key": (f"[[view]]\n{ITEM}weight = 1\n", "view 1.weight", "unknown key", "severity"),
    "no kind": ("[[view]]\ndate = 2022-11-08\n", "view 1", "needs date and kind", "date = "),
    "no date": ('[[view]]\nkind = "macro"\n', "view 1", "needs date and kind", "date = "),
    "another kind": ('[[view]]\ndate = 2022-11-08\nkind = "weather"\n', "view 1", "weather", "geopolitical"),
    "text as date": ('[[view]]\ndate = "2022-11-08"\nkind = "macro"\n', "view 1.date", "no date", "without quotes"),
    "a time alone": ('[[view]]\ndate = 14:00:00\nkind = "macro"\n', "view 1.date", "no date", "without quotes"),
    "text as end": (f'[[view]]\n{ITEM}expires = "soon"\n', "view 1.expires", "'soon' is no date", "2022-11-08"),
    "an early end": (f"[[view]]\n{ITEM}expires = 2022-11-07\n", "view 1", "after its date", ""),
    "an end at once": (f"[[view]]\n{ITEM}expires = 2022-11-08\n", "view 1", "after its date", ""),
    "severity 4": (f"[[view]]\n{ITEM}severity = 4\n", "view 1", "1, 2 or 3", ""),
    "severity 0": (f"[[view]]\n{ITEM}severity = 0\n", "view 1", "1, 2 or 3", ""),
    "severity 2.0": (f"[[view]]\n{ITEM}severity = 2.0\n", "view 1.severity", "2.0 is no severity", "1, 2 or 3"),
    "severity true": (f"[[view]]\n{ITEM}severity = true\n", "view 1.severity", "True is no severity", "1, 2 or 3"),
    "a bare ratio": (f"[[view]]\n{ITEM}hedge_ratio = 0.8\n", "view 1.hedge_ratio", "0.8", '"80 %"'),
    "above all": (f'[[view]]\n{ITEM}hedge_ratio = "101 %"\n', "view 1.hedge_ratio", "101 %", '"80 %"'),
    "below nothing": (f'[[view]]\n{ITEM}hedge_ratio = "-1 %"\n', "view 1.hedge_ratio", "-1 %", '"80 %"'),
    "not a number": (f'[[view]]\n{ITEM}hedge_ratio = "nan %"\n', "view 1.hedge_ratio", "nan %", '"80 %"'),
    "points": (f'[[view]]\n{ITEM}hedge_ratio = "80 pp"\n', "view 1.hedge_ratio", "80 pp", '"80 %"'),
    "a list": (f'[[view]]\n{ITEM}hedge_ratio = ["80 %"]\n', "view 1.hedge_ratio", "80 %", '"80 %"'),
    "one asset": (f'[[view]]\n{ITEM}assets = "SOL"\n', "view 1.assets", "'SOL' is no list", '["BTC", "SOL"]'),
    "numbered assets": (f"[[view]]\n{ITEM}assets = [1]\n", "view 1.assets", "[1] is no list", '["BTC", "SOL"]'),
    "no TOML": ("[[view]\n", "", "not valid TOML", ""),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_the_item_the_key_and_the_fix(tmp_path: Path, case: str) -> None:
    text, place, said, fix = FAULTS[case]
    error = fault(tmp_path, text)
    assert error.where == f"{tmp_path / 'views.toml'}{place and ': '}{place}"
    assert said in error.message
    assert fix in (error.fix or error.message)


def test_the_second_item_is_named_where_the_first_is_in_order(tmp_path: Path) -> None:
    error = fault(tmp_path, f"[[view]]\n{ITEM}\n[[view]]\n{ITEM}severity = 9\n")
    assert error.where.endswith("views.toml: view 2")


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file") as caught:
        read_views(tmp_path / "nowhere.toml")
    assert caught.value.where == str(tmp_path / "nowhere.toml")
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_views(tmp_path / "picture.toml")
