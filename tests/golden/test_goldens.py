"""Every golden of the list (G-01 to G-61) has a test that shows it: which, and whose figure it is.

Numbers that are missing between are numbers that were never given out. A case that is a misprint of its source is here
with the test that says so. The test functions are read, not trusted: each must be there, must assert, and must name its
case in itself or, where it runs through a table, in the table's rows.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.golden.test_venues import CONTRACTS, FLOATS, Golden
from tests.ledger import test_lots

VENUES = "golden/test_venues.py"
TABLE = "test_golden_in_float64"
LOTS = "ledger/test_lots.py"


class Case(NamedTuple):
    """A golden: its id, where the figure comes from, the file under tests and the test in it."""

    id: str
    source: str
    file: str
    test: str


CASES = (
    Case("G-01", "Binance liquidation FAQ, as asserted by freqtrade", VENUES, TABLE),
    Case("G-02", "Binance liquidation FAQ, as asserted by freqtrade", VENUES, TABLE),
    Case("G-05", "freqtrade", VENUES, TABLE),
    Case("G-06", "freqtrade", VENUES, TABLE),
    Case("G-08", "freqtrade (OKX, Gate)", VENUES, TABLE),
    Case("G-09", "Bybit help (USDT contract)", VENUES, TABLE),
    Case("G-10", "Bybit help (USDT contract)", VENUES, TABLE),
    Case("G-12", "Bybit help (unified account)", VENUES, TABLE),
    Case("G-13", "Bybit help (unified account, 2026)", VENUES, TABLE),
    Case("G-15", "Bybit help (inverse, cross), computed", VENUES, TABLE),
    Case("G-16", "Binance FAQs", VENUES, TABLE),
    Case("G-17", "BitMEX perpetual examples", VENUES, TABLE),
    Case("G-18", "BitMEX inverse futures guide", VENUES, TABLE),
    Case("G-19", "BitMEX profit and loss guide, through NautilusTrader", VENUES, TABLE),
    Case("G-21", "BingX help", VENUES, TABLE),
    Case("G-22", "NautilusTrader", VENUES, TABLE),
    Case("G-23", "NautilusTrader", VENUES, TABLE),
    Case("G-26", "NautilusTrader", VENUES, TABLE),
    Case("G-27", "NautilusTrader", VENUES, TABLE),
    Case("G-28", "Trading Technologies, through NautilusTrader", VENUES, TABLE),
    Case("G-30", "Bybit help", VENUES, TABLE),
    Case("G-31", "OKX help", VENUES, TABLE),
    Case("G-33", "freqtrade", VENUES, TABLE),
    Case("G-34", "Thalex help (older rule)", VENUES, TABLE),
    Case("G-35", "Thalex and Deribit specifications, computed", VENUES, TABLE),
    Case("G-36", "Deribit's rule", VENUES, TABLE),
    Case("G-38", "Kraken support, example 2", VENUES, TABLE),
    Case("G-39", "Kraken support, example 1: a misprint", VENUES, "test_the_printed_rate_of_g39_divides_by_8_what_is_shared_out_over_24"),
    Case("G-40", "ChartSchool's sheet, TA-Lib", "signals/test_oscillator.py", "test_rsi_golden_g40"),
    Case("G-41", "TA-Lib", "signals/test_oscillator.py", "test_rsi_edges_g41_and_a_flat_series"),
    Case("G-42", "vectorbt, and by hand", "kernel/test_fill.py", "test_g42_a_ledger_rebalanced_by_hand"),
    Case("G-44", "empyrical's tests", "ledger/test_statistics.py", "test_the_mixed_series_of_empyrical"),
    Case("G-45", "empyrical-reloaded, 365 days", "ledger/test_statistics.py", "test_the_mixed_series_of_empyrical"),
    Case("G-46", "by hand", "ledger/test_statistics.py", "test_drawdown_and_ulcer_by_hand"),
    Case("G-47", "Bailey and Lopez de Prado 2014", "ledger/test_deflated.py", "test_g47_the_papers_example"),
    Case("G-49", "formula", "ledger/test_deflated.py", "test_g49_the_expected_maximum"),
    Case("G-50", "a forum post that cites Accointing; the average added", LOTS, "test_goldens"),
    Case("G-52", "gera.services", LOTS, "test_goldens"),
    Case("G-54", "by hand", "kernel/test_fill.py", "test_g54_a_walk_through_the_asks"),
    Case("G-55", "by hand; cvxportfolio's formula", "kernel/test_fill.py", "test_g55_the_square_root_law"),
    Case("G-56", "by hand", "signals/test_carry.py", "test_basis_golden_g56"),
    Case("G-57", "identity", VENUES, TABLE),
    Case("G-58", "formula", VENUES, TABLE),
    Case("G-59", "scikit-learn", "signals/test_correlation.py", "test_identity_shrinkage_golden_g59"),
    Case("G-60", "by hand", "signals/test_volatility.py", "test_ewma_golden_g60"),
)  # fmt: skip
LISTED = (
    *(1, 2, 5, 6, 8, 9, 10, 12, 13, 15, 16, 17, 18, 19, 21, 22, 23, 26, 27, 28, 30, 31, 33, 34, 35, 36, 38, 39),
    *(40, 41, 42, 44, 45, 46, 47, 49, 50, 52, 54, 55, 56, 57, 58, 59, 60),
)  # domain 5.2
ROWS = {TABLE: FLOATS + CONTRACTS, "test_goldens": test_lots.GOLDENS}  # tables behind a test
PRINTED = {"G-15": 5_739.50, "G-39": 0.01785}  # by their sources, wrongly


@cache
def functions(file: str) -> dict[str, tuple[ast.FunctionDef, str]]:
    """The top-level functions of a file under tests, each with its text, decorators and the comment behind its head."""
    text = (ROOT / "tests" / file).read_text()
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = (node, "\n".join(lines[first - 1 : node.end_lineno]))
    return found


def test_the_list_is_whole_and_in_order() -> None:
    assert [case.id for case in CASES] == [f"G-{number:02d}" for number in LISTED]
    assert all(case.source for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_golden_is_shown_by_a_test(case: Case) -> None:
    node, text = functions(case.file)[case.test]
    assert any(isinstance(each, ast.Assert) for each in ast.walk(node)), f"{case.test} asserts nothing"
    assert case.test.startswith("test_")
    assert not re.search(r"mark\.(skip|oracle|data)|pytest\.skip|importorskip", text), f"{case.test} may be left out"
    in_table = any(case.id == row[0] for row in ROWS.get(case.test, ()))
    assert in_table or re.search(rf"{case.id}\b|{case.id.replace('-', '').lower()}(?!\d)", text), (
        f"{case.file}::{case.test} does not say that it shows {case.id}"
    )


def test_no_test_names_a_golden_that_is_not_listed() -> None:
    known = {case.id for case in CASES}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name != "test_goldens.py":
            named = {f"G-{number}" for number in re.findall(r"\bG-(\d\d)\b", path.read_text())}
            assert named <= known | {"G-61"}, path.name  # the list is said to run to there


@pytest.mark.parametrize("row", FLOATS + CONTRACTS, ids=Golden.__repr__)
def test_no_figure_that_was_misprinted_is_expected(row: Golden) -> None:
    assert float(row.expected) not in PRINTED.values()
