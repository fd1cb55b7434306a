"""Positions and margins against NautilusTrader: random fills on linear and inverse contracts (domain 5.1).

Nautilus keeps money to 8 decimals of the settle currency, so each of its figures may be off by one unit of them a fill.
It averages the entries of an inverse contract arithmetically; venues do it harmonically (goldens G-28, G-30), and so does
the ledger. So inverse positions are compared when they were opened at one price, and the difference has a test. It
lets no fill cross zero: it is given two fills where the ledger has one. Its margins have no tiers, and its own model
divides maintenance by leverage, as no venue does; the standard model's is compared. It computes no liquidation price.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
import pytest

from hedgerow.kernel.liquidation import initial_margin, maintenance
from hedgerow.ledger.entries import FEES
from hedgerow.ledger.ledger import Ledger
from hedgerow.ledger.positions import Held
from hedgerow.model import contract
from hedgerow.model.event import Fill, Flow
from tests.kernel.desk import loose
from tests.oracles.panels import library

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
TAKER = Decimal("0.0005")
UNIT = 1e-8  # of money, in Nautilus


class Nautilus:
    """One contract, its account and its position, by Nautilus' own types."""

    def __init__(self, inverse: bool, **margins: Decimal) -> None:
        library("nautilus_trader")
        from nautilus_trader.model import currencies, identifiers, objects
        from nautilus_trader.model.instruments import CryptoPerpetual

        self.money, self.ids = objects, identifiers
        self.digits = 0 if inverse else 3
        self.settle = currencies.BTC if inverse else currencies.USDT
        self.contract = CryptoPerpetual(
            identifiers.InstrumentId.from_str("BTC-PERP.MADE"), identifiers.Symbol("BTCPERP"), currencies.BTC,
            currencies.USD if inverse else currencies.USDT, self.settle, inverse, 1, self.digits,
            objects.Price(0.1, 1), objects.Quantity(10.0**-self.digits, self.digits), 0, 0,
            maker_fee=Decimal(0), taker_fee=TAKER, **margins,
        )  # fmt: skip
        self.position: Any = None
        self.fees = 0.0
        self.fills = 0  # since it was opened
        self._ids = count(1)

    def fill(self, amount: Decimal, price: Decimal) -> None:
        """Buy (above 0) or sell, with the taker's fee on the notional."""
        from nautilus_trader.core.uuid import UUID4
        from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
        from nautilus_trader.model.events import OrderFilled
        from nautilus_trader.model.position import Position

        n, ids = next(self._ids), self.ids
        lots, at = self.lots(amount), self.money.Price(float(price), 1)
        worth = self.contract.notional_value(lots, at).as_decimal()
        fee = self.money.Money(worth * TAKER, self.settle)
        event = OrderFilled(
            ids.TraderId("T-1"), ids.StrategyId("S-1"), self.contract.id, ids.ClientOrderId(f"O-{n}"),
            ids.VenueOrderId(f"{n}"), ids.AccountId("MADE-1"), ids.TradeId(f"{n}"), ids.PositionId("P-1"),
            OrderSide.BUY if amount > 0 else OrderSide.SELL, OrderType.MARKET, lots, at, self.contract.quote_currency,
            fee, LiquiditySide.TAKER, UUID4(), n, n,
        )  # fmt: skip
        self.fills = self.fills + 1 if self.position is not None and self.position.is_open else 1
        if self.position is None:
            self.position = Position(self.contract, event)
        else:
            self.position.apply(event)
        self.fees += float(fee)

    def lots(self, amount: Decimal) -> Any:
        return self.money.Quantity(float(abs(amount)), self.digits)

    @property
    def gained(self) -> float:
        """Realised since the position was opened, before its fees."""
        return float(self.position.realized_pnl) + sum(float(fee) for fee in self.position.commissions())


def amount_of(rng: np.random.Generator, size: Decimal, inverse: bool, grows: bool) -> Decimal:
    """The next fill: more of it, some of it back, all of it, or through zero."""
    some = Decimal(int(rng.integers(1, 5_000))) * (Decimal(100) if inverse else Decimal("0.001"))
    step = Decimal(1) if inverse else Decimal("0.001")
    what = rng.choice(["more", "less", "all", "through"], p=[0.4, 0.4, 0.1, 0.1] if grows else [0.0, 0.7, 0.15, 0.15])
    sign = Decimal(1) if size > 0 else Decimal(-1)
    if not size:
        return some if rng.random() < 0.5 else -some
    if what == "more":
        return sign * some
    if what == "less":
        return -sign * max(step, (abs(size) * Decimal(rng.uniform(0.05, 0.95))).quantize(step))
    return -size if what == "all" else -size - sign * some


def play(seed: int, inverse: bool, fills: int) -> int:
    """The same random fills into both, compared after each; returns how often a position was reversed."""
    rng = np.random.default_rng(seed)
    theirs, symbol = Nautilus(inverse), INVERSE if inverse else LINEAR
    settle = "BTC" if inverse else "USDT"
    ledger = Ledger(quote="USD" if inverse else "USDT")
    ledger.fold([Flow(0, "start", "futures", settle, Decimal(10_000_000), Decimal(10_000))])
    held, size, reversed_, price = Held("futures", symbol, ""), Decimal(0), 0, 10_000.0
    for n in range(1, fills + 1):
        price *= float(np.exp(rng.normal(0.0, 0.05)))
        at = Decimal(round(price, 1)).quantize(Decimal("0.1"))
        amount = amount_of(rng, size, inverse, not inverse)
        fee = abs(contract.notional(amount, at, inverse)) * TAKER
        fee = fee.quantize(Decimal("1e-18"))
        ledger.fold([Fill(n, f"f{n}", "futures", symbol, amount, at, fee, settle)])
        if size and abs(amount) > abs(size) and (size > 0) is not (amount > 0):
            theirs.fill(-size, at)
            theirs.fill(amount + size, at)
            reversed_ += 1
        else:
            theirs.fill(amount, at)
        size += amount
        agree(ledger, held, theirs, size, Decimal(round(price * rng.uniform(0.8, 1.2), 1)).quantize(Decimal("0.1")))
    assert float(ledger.nominal[FEES, settle]) == pytest.approx(theirs.fees, abs=2 * UNIT * fills)
    return reversed_


def agree(ledger: Ledger, held: Held, theirs: Nautilus, size: Decimal, mark: Decimal) -> None:
    ours, position = ledger.contracts[held], theirs.position
    assert ours.size == size
    assert float(position.signed_qty) == float(size)
    worth = abs(float(contract.notional(size, mark, ours.contract.inverse)))
    close = {"rel": 1e-12, "abs": 2 * UNIT * theirs.fills + 1e-14 * worth}
    assert float(ours.realised) == pytest.approx(theirs.gained, **close)
    if size:
        assert ours.entry is not None
        assert float(ours.entry) == pytest.approx(position.avg_px_open, rel=1e-12)
        made = position.unrealized_pnl(theirs.money.Price(float(mark), 1))
        assert float(ours.unrealised(mark)) == pytest.approx(float(made), **close)


@pytest.mark.parametrize("inverse", [False, True], ids=["linear", "inverse"])
@pytest.mark.parametrize("seed", range(20))
def test_positions_are_nautilus(seed: int, inverse: bool) -> None:
    assert play(seed, inverse, 150) > 3


def test_where_the_averages_part() -> None:
    """G-30: 50 at 10,000 and 50 at 15,000 entered at 12,000; Nautilus says 12,500 and finds another profit."""
    theirs = Nautilus(inverse=True)
    for price in (10_000, 15_000):
        theirs.fill(Decimal(50), Decimal(price))
    assert theirs.position.avg_px_open == 12_500.0
    ours = contract.average_entry(50.0, 10_000.0, 50.0, 15_000.0, True)
    assert ours == pytest.approx(12_000.0, rel=1e-15)
    both = contract.profit(50.0, 10_000.0, 20_000.0, True) + contract.profit(50.0, 15_000.0, 20_000.0, True)
    assert contract.profit(100.0, ours, 20_000.0, True) == pytest.approx(both, rel=1e-14)
    made = float(theirs.position.unrealized_pnl(theirs.money.Price(20_000.0, 1)))
    assert made == pytest.approx(contract.profit(100.0, 12_500.0, 20_000.0, True), abs=UNIT)
    assert made != pytest.approx(both, rel=1e-2)


@pytest.mark.parametrize("inverse", [False, True], ids=["linear", "inverse"])
@pytest.mark.parametrize("seed", range(20))
def test_margins_are_nautilus(seed: int, inverse: bool) -> None:
    library("nautilus_trader")
    from nautilus_trader.accounting.margin_models import StandardMarginModel
    from nautilus_trader.model.enums import PositionSide

    rng = np.random.default_rng(seed)
    leverage = int(rng.integers(1, 51))
    first, kept = Decimal(1) / Decimal(leverage), Decimal(int(rng.integers(4, 200))) / Decimal(10_000)
    theirs = Nautilus(inverse, margin_init=first, margin_maint=kept)
    size = Decimal(int(rng.integers(1, 10**6))) * (Decimal(1) if inverse else Decimal("0.001"))
    mark = Decimal(int(rng.integers(10_000, 10**6))) / Decimal(10)
    lots, price = theirs.lots(size), theirs.money.Price(float(mark), 1)
    model = StandardMarginModel()
    asked = model.calculate_margin_init(theirs.contract, lots, price, Decimal(leverage))
    for signed in (float(size), -float(size)):
        ours = loose(initial_margin)(signed, float(mark), float(leverage), 0.0, inverse)
        assert ours == pytest.approx(float(asked), rel=1e-12, abs=UNIT)
        side = PositionSide.LONG if signed > 0.0 else PositionSide.SHORT
        needed = model.calculate_margin_maint(theirs.contract, side, lots, price, Decimal(leverage))
        tier = np.array([[0.0, float(kept), 0.0]])
        ours = loose(maintenance)(signed, float(mark) * 0.9, float(mark), tier, 0, 1, False, 0.0, inverse)
        assert ours == pytest.approx(float(needed), rel=1e-12, abs=UNIT)
        assert ours > 0.0
