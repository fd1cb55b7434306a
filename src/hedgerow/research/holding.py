"""A portfolio file written into an empty book, with what is refused of it."""

from __future__ import annotations

from hedgerow.errors import ConfigError
from hedgerow.jit import plain
from hedgerow.kernel import arrays as k
from hedgerow.kernel.account import is_pooled
from hedgerow.kernel.margin import refresh_margin
from hedgerow.kernel.measure import spot_units
from hedgerow.kernel.position import futures_value, unrealised
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Floats
from hedgerow.model.portfolio import Portfolio, Position

GREATEST_BETA = 3.0  # of a coin to the market asset, in a portfolio that is read


def hold(book: k.Book, portfolio: Portfolio, universe: Universe, price: Floats, rules: k.Rules) -> None:
    """Write the portfolio's holdings and positions into an empty book."""
    quote = portfolio.head.quote
    book.wallet[k.W_CASH, 0] = portfolio.spot[quote].amount if quote in portfolio.spot else 0.0
    book.asset[k.B_ENTERED] = [float(name in portfolio.spot) for name in universe.assets]
    value = book.wallet[k.W_CASH, 0]
    for a, name in enumerate(universe.assets):
        held = portfolio.spot.get(name)
        if held is None:
            continue
        book.asset[k.B_HELD, a], book.asset[k.B_PROTECTED, a] = held.amount, held.protected
        book.asset[k.B_OUTSIDE, a], book.asset[k.B_SOLD, a] = held.outside, held.buy_back
        book.asset[k.B_CARRY, a] = held.carry
        if held.carry > 0.0 and rules.scalar[k.K_MODE] != k.ISOLATED:
            raise ConfigError(
                "a carry pair needs isolated margin", where=f"spot.{name}.carry",
                fix="Leave it out: then its coins and its short count as holdings and hedge.",
            )  # fmt: skip
        if held.unit_cost is not None:
            book.asset[k.B_COST, a] = held.unit_cost
            book.asset[k.B_PRINCIPAL, a] = held.unit_cost * (held.amount + held.outside)
        coins = held.amount + held.outside
        if coins > 0.0 and not price[a] > 0.0:
            raise ConfigError(
                f"the data has no price of {name} on this day", where=f"spot.{name}",
                fix="Choose a day that its files cover, or take it out of the portfolio.",
            )  # fmt: skip
        value += coins * price[a] if coins > 0.0 else 0.0
    backed_by_coins = {it.symbol for it in universe.instruments if it.inverse}  # read first: their collateral is spot
    for symbol, position in sorted(portfolio.futures.items(), key=lambda item: item[0] not in backed_by_coins):
        value += _hold_short(book, symbol, position, universe, price, rules)
    _pair_up(book, universe, rules)
    book.scalar[k.S_NAV0] = portfolio.head.initial_value or value


def _pair_up(book: k.Book, universe: Universe, rules: k.Rules) -> None:
    """Say which short is the other leg of each carry pair. Raises ConfigError where none is large enough."""
    for a, name in enumerate(universe.assets):
        coins = float(book.asset[k.B_CARRY, a])
        linear = [i for i in universe.futures_of(name) if rules.inst[k.I_INVERSE, i] == 0.0]
        fits = [i for i in linear if -book.inst[k.P_UNITS, i] >= coins * (1.0 - 1e-12)]
        if coins > 0.0 and not fits:
            raise ConfigError(
                f"no short of {coins:g} {name} stands against the pair", where=f"spot.{name}.carry",
                fix="State the whole short of the contract, hedge and pair together, in its [futures] table.",
            )  # fmt: skip
        if coins > 0.0:
            book.inst[k.P_CARRY, fits[0]] = min(coins, -float(book.inst[k.P_UNITS, fits[0]]))


def _hold_short(
    book: k.Book, symbol: str, position: Position, universe: Universe, price: Floats, rules: k.Rules
) -> float:
    """Write one position; returns its equity. Raises ConfigError for one that is no hedge of what is held."""
    known = [it.symbol for it in universe.instruments[len(universe.assets) :]]
    where = f'futures."{symbol}"'
    if symbol not in known:
        raise ConfigError(f"the data has no {symbol}", where=where, fix=f"Known futures: {', '.join(known) or 'none'}.")
    i = len(universe.assets) + known.index(symbol)
    asset = int(rules.inst[k.I_ASSET, i])
    if position.amount != 0.0 and not price[i] > 0.0:
        raise ConfigError(
            f"the data has no price of {symbol} on this day", where=where, fix="Choose a day that its files cover."
        )
    inverse = rules.inst[k.I_INVERSE, i] == 1.0
    if position.amount == 0.0:  # collateral without a position is free
        wallet = book.asset[k.B_HELD, asset : asset + 1] if inverse else book.wallet[k.W_CASH]
        wallet[0] += position.collateral
        return float(position.collateral * (price[asset] if inverse else 1.0))
    book.inst[k.P_COLLATERAL, i] = position.collateral
    owned = plain(spot_units)(book.asset, book.inst, rules.inst, asset)
    others = -float(sum(book.inst[k.P_UNITS, j] for j in universe.futures_of(universe.assets[asset])))
    others -= float(book.asset[k.B_CARRY, asset])
    if position.amount > 0.0 or others - position.amount > _hedgeable(book, asset, universe, price, owned) * (
        1.0 + 1e-9
    ):
        beside = f" beside shorts of {others:g}" if others > 0.0 else ""
        raise ConfigError(
            f"{symbol} amount = {position.amount:g}{beside} is not a hedge of {owned:g} coins", where=where,
            fix="A hedge is short (negative) and not larger than the spot held.",
        )  # fmt: skip
    book.asset[k.B_HEDGE, asset] = i
    book.inst[k.P_UNITS, i], book.inst[k.P_ENTRY, i] = position.amount, position.entry
    if plain(is_pooled)(rules, i):
        book.inst[k.P_COLLATERAL, i] = 0.0
        wallet = k.W_CASH if rules.scalar[k.K_MODE] == k.UNIFIED else k.W_MARGIN
        book.wallet[wallet, 0] += position.collateral
        return position.collateral + float(plain(unrealised)(book.inst, rules.inst, i, price[i]))
    plain(refresh_margin)(rules, book.inst, i)
    level = float(book.inst[k.P_LIQUIDATION, i])
    if level <= price[i]:
        raise ConfigError(
            f"{symbol} would have been liquidated at {level:,.6g}; its price is {price[i]:,.6g}", where=where,
            fix="State the collateral that backs it (of cross margin: its share of the wallet).",
        )  # fmt: skip
    return float(plain(futures_value)(book.inst, rules.inst, i, price[i], price[asset]))


def _hedgeable(book: k.Book, asset: int, universe: Universe, price: Floats, owned: float) -> float:
    """Coins of an asset that shorts may cover: those owned, and for the market asset what a cross hedge may need.

    A coin without futures is hedged by beta with the market asset's; how much of that is too much the kernel decides.
    """
    held = book.asset[k.B_HELD] + book.asset[k.B_OUTSIDE]
    coins = owned
    if asset == universe.market_asset and price[asset] > 0.0:
        bare = [a for a, name in enumerate(universe.assets) if not universe.futures_of(name) and held[a] > 0.0]
        coins += GREATEST_BETA * sum(float(held[a] * price[a]) for a in bare if price[a] > 0.0) / float(price[asset])
    return coins
