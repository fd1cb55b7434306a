"""What a portfolio begins with, as the journal's first row states it, and as a book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from hedgerow.kernel.arrays import S_NAV, S_NAV0, Book, Rules
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.portfolio import hold
from hedgerow.model.instrument import Universe
from hedgerow.model.portfolio import Portfolio


def holdings_of(cash: Decimal) -> dict[str, Any]:
    """A beginning with stablecoins alone, quote."""
    return {"cash": str(cash)}


def holdings_with(portfolio: Portfolio, universe: Universe, prices: Sequence[float]) -> dict[str, Any]:
    """A beginning with what a portfolio file states, at ``prices`` [I], NaN where there is none."""
    known = {it.symbol: repr(price) for it, price in zip(universe.instruments, prices, strict=True) if price > 0.0}
    return {"portfolio": portfolio.model_dump(mode="json", by_alias=True, exclude_defaults=True), "prices": known}


def book_of(rules: Rules, universe: Universe, holdings: Mapping[str, Any]) -> Book:
    """The book that a portfolio begins with. Raises ConfigError for what cannot be held."""
    book = new_book(rules, len(universe.instruments), float(Decimal(holdings.get("cash", "0"))))
    if "portfolio" in holdings:
        prices = np.array([float(holdings["prices"].get(it.symbol, "nan")) for it in universe.instruments])
        hold(book, Portfolio.model_validate(holdings["portfolio"]), universe, prices, rules)
        book.scalar[S_NAV] = book.scalar[S_NAV0]
    return book
