"""The venues' own examples (domain 5.2, G-01 to G-39, G-57, G-58): a row a figure, each with the page that prints it.

Contract arithmetic is asked twice: as the kernel computes it, in float64, and as the ledger does, in Decimal.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest

from hedgerow import jit
from hedgerow.kernel import funding, liquidation
from hedgerow.model import contract
from hedgerow.model.margin import CONVENTIONS, deductions
from tests.kernel.desk import loose


class Golden(NamedTuple):
    """``inputs``: text is a number (or several), a bool whether the contract is inverse, a name a convention's row."""

    id: str
    source: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    expected: str
    tolerance: str  # absolute: half of the last digit printed, 0 where the text is exact

    def __repr__(self) -> str:
        return f"{self.id} {self.function.__name__} {' '.join(map(str, self.inputs))}"


# ---- what a row may ask ----------------------------------------------------------------------------------------------


def return_on_margin(size: Any, entry: Any, price: Any, inverse: bool) -> Any:
    """Profit over the notional at entry: at 1x, over the margin."""
    return contract.profit(size, entry, price, inverse) / abs(contract.notional(size, entry, inverse))


def fee(size: Any, price: Any, rate: Any, inverse: bool) -> Any:
    return abs(contract.notional(size, price, inverse)) * rate


def net(size: Any, entry: Any, price: Any, funding_rate: Any, inverse: bool) -> Any:
    """Profit and one funding payment at entry."""
    made = contract.profit(size, entry, price, inverse)
    return made + contract.funding_received(size, entry, funding_rate, inverse)


def value_of_the_hedged(coins: Any, size: Any, entry: Any, price: Any) -> Any:
    """Quote value of coins and an inverse short on them."""
    return (coins + contract.profit(size, entry, price, True)) * price


def folded(rate: Any, fills: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """(average entry, realised with fees) after the last of some linear fills (size, price)."""
    size, entry, realised = rate * 0, rate * 0, rate * 0
    for more, price in fills:
        realised -= fee(more, price, rate, False)
        if size * more >= 0:
            entry = contract.average_entry(size, entry, more, price, False)
        else:
            assert abs(more) <= abs(size), "no example turns a position over"
            realised += contract.profit(-more, entry, price, False)
        size += more
    return entry, realised


def realised(rate: Any, *fills: Any) -> Any:
    return folded(rate, list(zip(fills[::2], fills[1::2], strict=True)))[1]


def average(rate: Any, *fills: Any) -> Any:
    return folded(rate, list(zip(fills[::2], fills[1::2], strict=True)))[0]


def isolated(name: str, size: float, entry: float, equity: float, rate: float, cum: float, taker: float) -> float:
    """The liquidation price by a convention's row, one tier."""
    row = CONVENTIONS[name]
    tier = np.array([[0.0, rate, cum]])
    if row.closing_fee == "bankruptcy":
        equity -= loose(liquidation.closing_fee)(size, entry, equity, taker, row.inverse)
    held = taker if row.closing_fee == "mark" else 0.0
    return loose(liquidation.liquidation_price)(size, entry, equity, tier, 0, 1, row.at_entry, held, row.inverse)


def bankruptcy(size: float, entry: float, equity: float, taker: float, inverse: bool) -> float:
    return loose(liquidation.bankruptcy_price)(size, entry, equity, taker, inverse)


def opening_margin(size: float, mark: float, leverage: float, inverse: bool) -> float:
    return loose(liquidation.initial_margin)(size, mark, leverage, 0.0, inverse)


def maintenance_margin(size: float, mark: float, rate: float, inverse: bool) -> float:
    tier = np.array([[0.0, rate, 0.0]])
    return loose(liquidation.maintenance)(size, mark, mark, tier, 0, 1, False, 0.0, inverse)


def deduction(*tiers: float) -> float:
    """Of the last tier of a table: floors, then rates."""
    half = len(tiers) // 2
    return deductions(tiers[:half], tiers[half:])[-1]


def damped_funding(
    size: float, mark: float, index: float, damper: float, hours: float, basis: float, inverse: bool
) -> float:
    """What a position receives of the premium itself, less a damper, for some hours; venues that pay on the index."""
    premium = loose(funding.premium_index)(mark, mark, index)
    rate = loose(funding.interval_rate)(loose(funding.damped_rate)(premium, damper, 1.0), hours, basis)
    return contract.funding_received(size, index, rate, inverse)


def damped_bp(premium_bp: float, damper_bp: float) -> float:
    return 1e4 * loose(funding.damped_rate)(premium_bp / 1e4, damper_bp / 1e4, 1.0)


def kraken_hourly(mark: float, index: float, cap: float) -> float:
    premium = loose(funding.interval_rate)(loose(funding.premium_index)(mark, mark, index), 1.0, 24.0)
    return loose(funding.damped_rate)(premium, 0.0, cap)


# ---- the rows --------------------------------------------------------------------------------------------------------

BITMEX = "BitMEX perpetual contract examples"
NAUTILUS = "NautilusTrader, position and account tests"
FREQTRADE = "freqtrade, liquidation price tests"
BINGX = "BingX help, coin-margined futures"
IDENTITY = "identity"
TT = "Trading Technologies example, as in NautilusTrader"

FILLS = ("12", "100", "17", "99", "-9", "101", "-4", "105", "3", "103")

CONTRACTS = (
    Golden("G-17", BITMEX, contract.notional, ("15000", "750", True), "20", "0"),
    Golden("G-17", BITMEX, contract.funding_received, ("15000", "750", "0.0025", True), "-0.05", "0"),
    Golden("G-17", BITMEX, contract.profit, ("15000", "750", "800", True), "1.25", "0"),
    Golden("G-17", BITMEX, net, ("15000", "750", "800", "0.0025", True), "1.20", "0"),
    Golden("G-18", "BitMEX inverse futures guide", contract.profit, ("100000", "10000", "10500", True), "0.47619048", "5e-9"),
    Golden("G-19", "BitMEX P&L guide", contract.profit, ("1000", "1000", "1250", True), "0.2", "0"),
    Golden("G-19", "BitMEX P&L guide", contract.notional, ("1000", "1250", True), "0.8", "0"),
    Golden("G-21", BINGX, return_on_margin, ("100", "100", "200", True), "0.5", "0"),
    Golden("G-21", BINGX, return_on_margin, ("-100", "100", "200", True), "-0.5", "0"),
    Golden("G-21", BINGX, return_on_margin, ("100", "100", "50", True), "-1", "0"),
    Golden("G-21", BINGX, return_on_margin, ("-100", "100", "50", True), "1", "0"),
    Golden("G-22", NAUTILUS, contract.profit, ("-100000", "10000", "11000", True), "-0.90909091", "5e-9"),
    Golden("G-22", NAUTILUS, contract.notional, ("-100000", "11000", True), "-9.09090909", "5e-9"),
    Golden("G-22", NAUTILUS, fee, ("-100000", "10000", "0.00075", True), "0.0075", "0"),
    Golden("G-23", NAUTILUS, contract.profit, ("100000", "10500", "11505.60", True), "0.83238969", "5e-9"),
    Golden("G-23", NAUTILUS, fee, ("100000", "10500", "0.00075", True), "0.00714286", "5e-9"),
    Golden("G-26", NAUTILUS, contract.profit, ("4", "10500", "11505.60", False), "4022.40", "0"),
    Golden("G-26", NAUTILUS, contract.profit, ("-5.912", "10505.60", "10407.15", False), "582.0364", "0"),
    Golden("G-28", TT, realised, ("0.0001", *FILLS[:4]), "-0.2883", "0"),
    Golden("G-28", TT, realised, ("0.0001", *FILLS[:6]), "13.89666207", "5e-9"),
    Golden("G-28", TT, realised, ("0.0001", *FILLS[:8]), "36.19948966", "5e-9"),
    Golden("G-28", TT, realised, ("0.0001", *FILLS), "36.16858966", "5e-9"),
    Golden("G-28", TT, average, ("0.0001", *FILLS[:8]), "99.41379310344827", "1e-14"),
    Golden("G-28", TT, average, ("0.0001", *FILLS), "99.98003629764065", "1e-14"),
    Golden("G-30", "Bybit help, average entry price", contract.average_entry, ("50", "10000", "50", "15000", True), "12000", "0"),
    Golden("G-31", "OKX help, P&L of linear contracts", contract.profit, ("0.10", "100000", "160000", False), "6000", "0"),
    Golden("G-33", "freqtrade, funding tests", contract.funding_received, ("-10", "2.0", "0.0001", False), "0.002", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("1", "-50000", "50000", "30000"), "50000", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("1", "-50000", "50000", "50000"), "50000", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("1", "-50000", "50000", "80000"), "50000", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("10", "-250000", "50000", "30000"), "400000", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("10", "-250000", "50000", "50000"), "500000", "0"),
    Golden("G-57", IDENTITY, value_of_the_hedged, ("10", "-250000", "50000", "80000"), "650000", "0"),
)  # fmt: skip

BINANCE = "Binance FAQ, liquidation price of USDT-margined futures, as in freqtrade"
TIERS = "Binance FAQ, leverage and margin"
HELP = "Bybit help, liquidation price (USDT contract)"
UNIFIED = "Bybit help, liquidation price under isolated margin (unified account)"
CROSS = "Bybit help, how to calculate liquidation price (inverse contract), cross margin"
KRAKEN = "Kraken support, inverse perpetuals, example 2"
DERIBIT = "Deribit, funding specifications"
FORMULA = "formula, domain 2.17"

WALLET = "1535443.01"
FLOATS = (
    Golden("G-01", BINANCE, isolated, ("binance_linear", "3683.979", "1456.84", WALLET, "0.10", "135365", "0"), "1114.78", "0.005"),
    Golden("G-02", BINANCE, isolated, ("binance_linear", "109.488", "32481.98", WALLET, "0.025", "16300", "0"), "18778.73", "0.005"),
    Golden("G-05", FREQTRADE, isolated, ("binance_linear", "-1", "10", "2", "0.01", "0.01", "0"), "11.89108910891089", "1e-14"),
    Golden("G-06", FREQTRADE, isolated, ("binance_linear", "-1", "8", "1.6", "0.01", "0.01", "0"), "9.514851485148514", "1e-14"),
    Golden("G-06", FREQTRADE, isolated, ("binance_linear", "-0.6", "10", "1.2", "0.01", "0.01", "0"), "11.897689768976898", "1e-14"),
    Golden("G-08", FREQTRADE, isolated, ("okx_linear", "-1", "10", "2", "0.01", "0", "0.0006"), "11.87413417771621", "1e-14"),
    Golden("G-08", FREQTRADE, isolated, ("gate_linear", "-3", "10", "10", "0.01", "0", "0.0006"), "13.193482419684678", "1e-14"),
    Golden("G-08", FREQTRADE, isolated, ("gate_linear", "1", "10", "2", "0.01", "0", "0.0006"), "8.085708510208207", "1e-14"),
    Golden("G-08", FREQTRADE, isolated, ("okx_linear", "3", "10", "10", "0.01", "0", "0.0006"), "6.738090425173506", "1e-14"),
    Golden("G-09", HELP, isolated, ("bybit_linear_entry_mm", "1", "20000", "400", "0.005", "0", "0"), "19700", "1e-11"),
    Golden("G-10", HELP, isolated, ("bybit_linear_entry_mm", "-1", "20000", "3400", "0.005", "0", "0"), "23300", "1e-11"),
    Golden("G-12", UNIFIED, isolated, ("bybit_inverse_entry_mm", "-60000", "50000", "0.12", "0.005", "0", "0"), "55248.6188", "5e-5"),
    Golden("G-13", UNIFIED, isolated, ("bybit_inverse_mark_mm", "-60000", "50000", "0.12", "0.005", "0", "0"), "55277.7778", "5e-5"),
    Golden("G-15", CROSS, bankruptcy, ("10000", "8000", "0.5", "0.00075", True), "5718.57", "0.005"),
    Golden("G-15", CROSS, isolated, ("bybit_inverse_cross", "10000", "8000", "0.5", "0.005", "0", "0.00075"), "5739.0835", "5e-5"),
    Golden("G-16", TIERS, deduction, ("0", "50000", "250000", "0.004", "0.005", "0.01"), "1300", "1e-12"),
    Golden("G-16", TIERS, deduction, ("0", "10", "20", "30", "50", "0.004", "0.005", "0.01", "0.025", "0.05"), "1.81", "1e-15"),
    Golden("G-27", NAUTILUS, opening_margin, ("100000", "11493.60", "100", True), "0.08700494", "5e-9"),
    Golden("G-27", NAUTILUS, maintenance_margin, ("100000", "11493.60", "0.0035", True), "0.03045173", "5e-9"),
    Golden("G-34", "Thalex help, its older rule", damped_funding, ("4", "50100", "50000", "0", "3", "24", False), "-50", "1e-12"),
    Golden("G-35", "Thalex contract specifications", damped_funding, ("1", "50100", "50000", "0.00025", "3", "8", False), "-32.8125", "1e-12"),
    Golden("G-36", DERIBIT, damped_bp, ("10", "2.5"), "7.5", "1e-12"),
    Golden("G-36", DERIBIT, damped_bp, ("2", "2.5"), "0", "0"),
    Golden("G-36", DERIBIT, damped_bp, ("-10", "2.5"), "-7.5", "1e-12"),
    Golden("G-36", DERIBIT, damped_bp, ("-3", "2.5"), "-0.5", "1e-12"),
    Golden("G-38", KRAKEN, kraken_hourly, ("7500", "7000", "1"), "0.002976", "5e-7"),
    Golden("G-38", KRAKEN, kraken_hourly, ("7500", "7000", "0.0025"), "0.0025", "0"),
    Golden("G-58", FORMULA, isolated, ("binance_inverse", "-60000", "60000", "1", "0.005", "0", "0"), "inf", "0"),
    Golden("G-58", FORMULA, isolated, ("binance_inverse", "-90000", "60000", "1", "0.005", "0", "0"), "179100", "1e-10"),
    Golden("G-58", FORMULA, isolated, ("binance_inverse", "-60000", "60000", "0.5", "0.005", "0", "0"), "119400", "1e-10"),
    Golden("G-58", FORMULA, isolated, ("binance_inverse", "-60000", "60000", "0.2", "0.005", "0", "0"), "74625", "1e-10"),
)  # fmt: skip


def asked(row: Golden, number: Callable[[str], Any]) -> Any:
    """The row's function of its inputs, text read as ``number``."""
    return row.function(*(number(x) if isinstance(x, str) and x not in CONVENTIONS else x for x in row.inputs))


@pytest.mark.parametrize("row", FLOATS + CONTRACTS, ids=repr)
def test_golden_in_float64(row: Golden) -> None:
    found, expected = asked(row, float), float(row.expected)
    assert isinstance(found, float)
    if np.isinf(expected):
        assert found == expected, row.source
    else:
        assert abs(found - expected) <= float(row.tolerance) + 1e-13 * abs(expected), row.source  # rounding


@pytest.mark.parametrize("row", CONTRACTS, ids=repr)
def test_golden_in_decimal(row: Golden) -> None:
    found, expected = asked(row, Decimal), Decimal(row.expected)
    assert isinstance(found, Decimal)
    exact = Decimal("1e-20") if row.tolerance == "0" else Decimal(row.tolerance)  # a third has no end in decimals
    assert abs(found - expected) <= exact * max(1, abs(expected)), row.source


def test_every_golden_of_the_list_stands_here() -> None:
    """Domain 5.2 from G-01 to G-39, G-57 and G-58, but G-39, which is a misprint."""
    listed = (
        1,
        2,
        5,
        6,
        8,
        9,
        10,
        12,
        13,
        15,
        16,
        17,
        18,
        19,
        21,
        22,
        23,
        26,
        27,
        28,
        30,
        31,
        33,
        34,
        35,
        36,
        38,
        57,
        58,
    )
    assert {row.id for row in FLOATS + CONTRACTS} == {f"G-{number:02d}" for number in listed}


def test_the_kernel_compiles_the_arithmetic_that_is_asked_here() -> None:
    assert jit.plain(liquidation.profit).__code__ is contract.profit.__code__
    assert jit.plain(liquidation.notional).__code__ is contract.notional.__code__


def test_the_printed_figure_of_g15_is_not_what_its_own_formula_gives() -> None:
    """Bybit prints 5,739.50; its numbers put in its formula give 5,739.08, within 0.01 % of that."""
    (row,) = (each for each in FLOATS if each.id == "G-15" and each.function is isolated)
    assert 0.4 < 5_739.50 - asked(row, float) < 0.0001 * 5_739.50


def test_the_printed_rate_of_g39_divides_by_8_what_is_shared_out_over_24() -> None:
    """Kraken's example 1 (perpetual 7,010, index 7,000) prints 0.01785 % an hour: not a golden."""
    found = 100.0 * kraken_hourly(7_010.0, 7_000.0, 0.0025)
    assert found == pytest.approx(0.005952, abs=5e-7)
    assert found * 24.0 / 8.0 == pytest.approx(0.01785, abs=1e-5)
    assert 100_000.0 * 0.01785 / 100.0 == pytest.approx(17.85)  # what it says is earned there, at the printed rate
