"""What happened to the account beside the plan's orders: funding, transfers, deposits, what the venue or its owner did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hedgerow.engine.alerts import Alerts
from hedgerow.engine.fold import Fold
from hedgerow.model.event import Fill, Flow, Funding, Transfer
from hedgerow.model.instrument import FUTURES_ACCOUNT, MARGIN_ACCOUNT, Kind

KEPT: Final = 100_000  # ids of facts that are known, so that one which comes twice counts once


@dataclass(slots=True)
class Facts:
    """Enters each fact once. ``odd`` hears of those after which a person should look."""

    fold: Fold
    alerts: Alerts
    odd: Callable[[str], None]
    known: dict[str, int] = field(default_factory=dict)  # name -> when it came

    def forget(self, before_ns: int) -> None:
        """Forget the ids of facts that came before a time."""
        self.known = {name: at_ns for name, at_ns in self.known.items() if at_ns >= before_ns}

    def is_known(self, name: str, now_ns: int) -> bool:
        """Whether a fact of this name came before; it is known from now on."""
        if name in self.known:
            return True
        self.known[name] = now_ns
        if len(self.known) > KEPT:
            del self.known[next(iter(self.known))]
        return False

    def take(self, fact: Funding | Fill | Transfer | Flow, now_ns: int) -> None:
        """Enter a fact, if it did not come before."""
        if self.is_known(f"{type(fact).__name__.lower()} {fact.id}", now_ns):
            return
        if isinstance(fact, Funding):
            self.fold.paid(fact.instrument, fact.amount)
        elif isinstance(fact, Transfer):
            self._moved(fact)
        elif isinstance(fact, Flow):
            self._flowed(fact)
        else:
            self._traded(fact, now_ns)

    def _moved(self, transfer: Transfer) -> None:
        """Collateral that the venue moved by itself, as it does when a position ends."""
        for account, sign in ((transfer.to, 1), (transfer.account, -1)):
            symbol = self._contract(account)
            if symbol:
                self.fold.moved(symbol, sign * transfer.amount)

    def _contract(self, account: str) -> str:
        """The contract whose collateral an account holds; where contracts share it, any of them stands for all."""
        if account.startswith(MARGIN_ACCOUNT):
            return account.removeprefix(MARGIN_ACCOUNT)
        linear = (it.symbol for it in self.fold.universe.instruments if it.kind is not Kind.SPOT and not it.inverse)
        return next(linear, "") if account == FUTURES_ACCOUNT else ""

    def _traded(self, fill: Fill, now_ns: int) -> None:
        """What the venue did by itself, or what somebody traded beside the engine."""
        if fill.kind in ("liquidation", "settlement", "deleveraged"):
            units = -fill.amount
            self.fold.closed_by_venue(fill.kind, fill.instrument, units, fill.price, fill.fee)
            text = f"{fill.instrument}: {fill.kind} of {units}"
            ended = fill.kind == "settlement"  # as every dated contract does
            self.alerts.tell(
                now_ns, f"{fill.kind} {fill.instrument}", "info" if ended else "critical", text, passing=ended
            )
            if not ended:
                self.odd(text)
        elif fill.kind == "dust":
            market = fill.index if fill.index is not None else fill.price
            self.fold.sold_for_debt(fill.instrument, fill.amount, fill.price, fill.fee, market)
        else:
            n = self.fold.foreign(fill.instrument, float(fill.amount))
            self.fold.traded(n, fill.amount, fill.price, fill.fee, fill.fee_currency)
            text = f"{fill.instrument}: {fill.amount} traded beside the engine"
            self.alerts.tell(now_ns, f"foreign {fill.id}", "info", text, passing=True)

    def _flowed(self, flow: Flow) -> None:
        symbol = self._contract(flow.account)
        if symbol:
            self.fold.credited(symbol, flow.amount)
        else:
            self.fold.flowed(flow.currency, flow.amount, flow.price)
