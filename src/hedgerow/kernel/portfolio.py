"""A portfolio file packed for the kernel, written into an empty book, and what is refused of it in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.jit import plain
from hedgerow.kernel import arrays as k
from hedgerow.kernel import holding as q
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Floats
from hedgerow.model.portfolio import Portfolio


class Packed(NamedTuple):
    """What a portfolio states over one universe, as ``kernel.holding`` reads it; ``symbols`` names its positions in their order."""

    head: Floats  # [HEAD]
    held: Floats  # [HELD, A]
    positions: Floats  # [P, POSITION]
    symbols: tuple[str, ...]


def pack_portfolio(portfolio: Portfolio, universe: Universe) -> Packed:
    """The blocks of a portfolio. A contract that the universe has not is instrument -1."""
    cash = portfolio.spot.get(portfolio.head.quote)
    head = np.array([cash.amount if cash is not None else 0.0, portfolio.head.initial_value or 0.0])
    held = np.zeros((q.HELD, len(universe.assets)))
    for a, name in enumerate(universe.assets):
        coins = portfolio.spot.get(name)
        if coins is not None:
            cost = np.nan if coins.unit_cost is None else coins.unit_cost
            held[:, a] = [1.0, coins.amount, cost, coins.protected, coins.carry, coins.outside, coins.buy_back]
    inverse = {it.symbol for it in universe.instruments if it.inverse}  # read first: their collateral is spot
    symbols = tuple(sorted(portfolio.futures, key=lambda symbol: symbol not in inverse))
    known = {it.symbol: i for i, it in enumerate(universe.instruments) if i >= len(universe.assets)}
    positions = np.zeros((len(symbols), q.POSITION))
    for n, symbol in enumerate(symbols):
        one = portfolio.futures[symbol]
        positions[n] = [known.get(symbol, -1), one.amount, one.entry, one.collateral]
    return Packed(head, held, positions, symbols)


def hold(book: k.Book, portfolio: Portfolio, universe: Universe, price: Floats, rules: k.Rules) -> None:
    """Write the portfolio's holdings and positions into an empty book. Raises ConfigError for what cannot be."""
    packed, fault = pack_portfolio(portfolio, universe), np.zeros(q.FAULT)
    plain(q.hold)(rules, book, price, packed.head, packed.held, packed.positions, len(packed.symbols), fault)
    if fault[q.Z_CODE] != q.SOUND:
        raise refusal(fault, universe, packed.symbols)


def refusal(fault: Floats, universe: Universe, symbols: tuple[str, ...]) -> ConfigError:
    """What a fault of ``kernel.holding`` says to who wrote the portfolio; ``symbols`` are those of its positions in their order."""
    code, at = int(fault[q.Z_CODE]), int(fault[q.Z_AT])
    if code == q.WORTHLESS:
        return ConfigError(
            "the portfolio is worth nothing",
            where="--portfolio",
            fix="State at least one holding with an amount above 0.",
        )
    if code in (q.PAIR_POOLED, q.NO_PRICE, q.NO_PAIR):
        return _of_coins(code, universe.assets[at], float(fault[q.Z_MEASURED]))
    return _of_position(code, symbols[at], fault, universe)


def _of_coins(code: int, name: str, coins: float) -> ConfigError:
    if code == q.NO_PRICE:
        return ConfigError(
            f"the data has no price of {name} on this day", where=f"spot.{name}",
            fix="Choose a day that its files cover, or take it out of the portfolio.",
        )  # fmt: skip
    if code == q.PAIR_POOLED:
        return ConfigError(
            "a carry pair needs isolated margin", where=f"spot.{name}.carry",
            fix="Leave it out: then its coins and its short count as holdings and hedge.",
        )  # fmt: skip
    return ConfigError(
        f"no short of {coins:g} {name} stands against the pair", where=f"spot.{name}.carry",
        fix="State the whole short of the contract, hedge and pair together, in its [futures] table.",
    )  # fmt: skip


def _of_position(code: int, symbol: str, fault: Floats, universe: Universe) -> ConfigError:
    where = f'futures."{symbol}"'
    measured, limit, others = (float(fault[z]) for z in (q.Z_MEASURED, q.Z_LIMIT, q.Z_BESIDE))
    if code == q.NO_CONTRACT:
        known = [it.symbol for it in universe.instruments[len(universe.assets) :]]
        fix = f"Known futures: {', '.join(known) or 'none'}."
        return ConfigError(f"the data has no {symbol}", where=where, fix=fix)
    if code == q.NO_CONTRACT_PRICE:
        fix = "Choose a day that its files cover."
        return ConfigError(f"the data has no price of {symbol} on this day", where=where, fix=fix)
    if code == q.LIQUIDATED:
        return ConfigError(
            f"{symbol} would have been liquidated at {measured:,.6g}; its price is {limit:,.6g}", where=where,
            fix="State the collateral that backs it (of cross margin: its share of the wallet).",
        )  # fmt: skip
    beside = f" beside shorts of {others:g}" if others > 0.0 else ""
    return ConfigError(
        f"{symbol} amount = {measured:g}{beside} is not a hedge of {limit:g} coins", where=where,
        fix="A hedge is short (negative) and not larger than the spot held.",
    )  # fmt: skip
