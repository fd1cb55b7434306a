"""Where a venue ends a position: maintenance margin by tiers, liquidation and bankruptcy prices, partial steps.

Long and short, linear and inverse; what backs a position is an argument (``kernel.account`` counts shared margin).
``size`` is signed and counted as in ``model.contract``: coins for linear contracts, quote of notional for inverse ones;
margins are in settle currency (quote, or coins). A venue's convention (``model.margin``) says which arguments it takes.
Source: domain 2.17, 2A-9; goldens G-01 to G-15, G-58.

``tier`` is a block [T, 3] of the rows below; an instrument's rows are ``first`` to ``first + count``, floors and rates
rising, each row's deduction the one that makes maintenance continuous (``model.margin.deductions``). So equity less
maintenance has one zero. A table without deductions jumps at its floors: there the venue holds one row for the whole
position (by its size), and ``tier_row`` with ``count`` 1 is that row.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.model import contract
from hedgerow.model.market import Floats

notional = compiled(contract.notional)
profit = compiled(contract.profit)

T_FLOOR, T_RATE, T_DEDUCTION = range(3)  # settle currency; of notional; settle currency

BEYOND: Final = 1e300  # any price; comparing with inf takes LLVM twenty instructions more
_AT_FLOOR: Final = 1e-9  # of a tier's floor: a step that ends there is in the tier below, whatever was rounded


@compiled
def tier_row(amount: float, tier: Floats, first: int, count: int) -> int:
    """The row whose tier holds ``amount`` (of settle currency, or what the table counts); a floor belongs to the tier
    below it, as venues print them ("up to and including").
    """
    row = first
    while row + 1 < first + count and amount > tier[row + 1, T_FLOOR]:
        row += 1
    return row


@compiled
def tier_margin(value: float, tier: Floats, first: int, count: int) -> float:
    """Maintenance margin of a position worth ``value`` (positive), without fees; settle currency."""
    row = tier_row(value, tier, first, count)
    return value * tier[row, T_RATE] - tier[row, T_DEDUCTION]


@compiled
def maintenance(
    size: float,
    entry: float,
    mark: float,
    tier: Floats,
    first: int,
    count: int,
    at_entry: bool,
    fee: float,
    inverse: bool,
) -> float:
    """Margin below which the venue liquidates, settle currency: the tier's, and ``fee`` of the value at the mark.

    ``at_entry``: the tier's part is counted on the value at entry and stays (Bybit's older rule, G-09, G-12).
    """
    if size == 0.0:
        return 0.0
    value = abs(notional(size, mark, inverse))
    held = abs(notional(size, entry, inverse)) if at_entry else value
    return tier_margin(held, tier, first, count) + value * fee


@compiled
def price_at(size: float, entry: float, equity: float, rate: float, deduction: float, inverse: bool) -> float:
    """The mark at which equity is ``rate`` of the notional less ``deduction`` (settle currency).

    Linear, s = 1 long, -1 short, q = abs(size): (s q E - equity - deduction) / (q (s - rate)). Inverse, N = size:
    (N + abs(N) rate) / (equity + N / E + deduction). A short that never gets there: inf; a long: 0. One that is there
    at every price: 0 for a short, inf for a long. ``rate`` is under 1.
    """
    owed = equity + deduction
    if inverse:
        coins = owed + notional(size, entry, True)  # for a short: less than none is left to lose
        if size > 0.0:
            return np.inf if coins <= 0.0 else size * (1.0 + rate) / coins
        return np.inf if coins >= 0.0 else size * (1.0 - rate) / coins
    paid = notional(size, entry, False)
    if size > 0.0:
        price = (paid - owed) / (size * (1.0 - rate))
    else:
        price = (paid - owed) / (size * (1.0 + rate))
    return 0.0 if price < 0.0 else price  # nan stays nan: unknown is not "never"


@compiled
def backed_price_at(size: float, entry: float, equity: float, backing: float, rate: float, deduction: float) -> float:
    """``price_at`` of a linear position in an account that also holds ``backing`` coins of the same asset (after their
    haircut, none owed) as collateral: inf for a short whose coins rise with it.
    """
    paid = notional(size, entry, False) - equity - deduction
    slope = size + backing - abs(size) * rate  # of equity less maintenance, in coins
    if size < 0.0 and slope >= 0.0:
        return np.inf
    price = paid / slope
    return 0.0 if price < 0.0 else price


@compiled
def liquidation_price(
    size: float,
    entry: float,
    equity: float,
    tier: Floats,
    first: int,
    count: int,
    at_entry: bool,
    fee: float,
    inverse: bool,
) -> float:
    """The mark at which equity is the maintenance margin: reached from above by a long, from below by a short.

    ``equity`` is the isolated collateral, or what ``kernel.account`` gives. The tier is the one of the notional at that
    very price: as rates rise and maintenance is continuous, it is the largest of what the tiers' lines ask, so the first
    price that meets any line is the fixed point of looking up and solving. A tier whose floor is above the notional there
    asks less, and so do those behind it. inf: a short that has none, and no position; 0: a long that has none. Source:
    domain 2.17 (Binance, OKX, Gate, Bybit), G-01 to G-13.
    """
    if size == 0.0:
        return np.inf
    if at_entry:
        held = tier_margin(abs(notional(size, entry, inverse)), tier, first, count)
        return price_at(size, entry, equity, fee, -held, inverse)
    found = price_at(size, entry, equity, tier[first, T_RATE] + fee, tier[first, T_DEDUCTION], inverse)
    for n in range(first + 1, first + count):
        if 0.0 < found < BEYOND and abs(notional(size, found, inverse)) <= tier[n, T_FLOOR]:
            break
        price = price_at(size, entry, equity, tier[n, T_RATE] + fee, tier[n, T_DEDUCTION], inverse)
        if (price > found) == (size > 0.0):
            found = price
    return found


@compiled
def backed_liquidation_price(
    size: float, entry: float, equity: float, backing: float, tier: Floats, first: int, count: int, fee: float
) -> float:
    """``liquidation_price`` of a linear position in a unified account that holds ``backing`` coins of the same asset,
    after their haircut; ``equity`` is everything else. Maintenance is at the mark.

    A short is never liquidated from above where the coins outweigh it: backing >= abs(size) (1 + rate + fee) in every
    tier (2A-1: unified collateral in place of a sale).
    """
    if size == 0.0:
        return np.inf
    found = backed_price_at(size, entry, equity, backing, tier[first, T_RATE] + fee, tier[first, T_DEDUCTION])
    for n in range(first + 1, first + count):
        price = backed_price_at(size, entry, equity, backing, tier[n, T_RATE] + fee, tier[n, T_DEDUCTION])
        if (price > found) == (size > 0.0):
            found = price
    return found


@compiled
def bankruptcy_price(size: float, entry: float, equity: float, fee: float, inverse: bool) -> float:
    """The mark at which equity pays for nothing but ``fee`` of the notional there (0: equity is nought).

    Source: Bybit's inverse help (fee at the bankruptcy price, part of G-15), BitMEX's liquidation page.
    """
    if size == 0.0:
        return np.inf
    return price_at(size, entry, equity, fee, 0.0, inverse)


@compiled
def closing_fee(size: float, entry: float, equity: float, fee: float, inverse: bool) -> float:
    """Taker fee of closing at the bankruptcy price, settle currency: where a venue holds it back there, ``equity`` less
    this is what backs the position. Source: Bybit's inverse help, cross margin (G-15).
    """
    if size == 0.0:
        return 0.0
    return abs(notional(size, bankruptcy_price(size, entry, equity, fee, inverse), inverse)) * fee


@compiled
def distance(size: float, liquidation: float, mark: float) -> float:
    """How far the mark may go against the position, a fraction of the mark; inf for a short without a liquidation
    price and for no position, negative where it is past.
    """
    if size == 0.0:
        return np.inf
    return 1.0 - liquidation / mark if size > 0.0 else liquidation / mark - 1.0


@compiled
def initial_margin(size: float, mark: float, leverage: float, fee: float, inverse: bool) -> float:
    """Collateral that opening asks: notional over leverage, and ``fee`` of it where the venue holds that back; settle
    currency. Source: domain 2.17; G-27.
    """
    return abs(notional(size, mark, inverse)) * (1.0 / leverage + fee)


@compiled
def liquidation_step(
    size: float, mark: float, tier: Floats, first: int, count: int, partial: bool, fee: float, inverse: bool
) -> tuple[float, float]:
    """(size taken, fee) of one step of a liquidation: what brings the position down to the top of the next lower tier;
    all of it in the lowest tier or where the venue takes all at once. The fee is ``fee`` of what is taken.

    The size taken has the sign of ``size``; the fee is in settle currency. Source: BitMEX and Bybit (liquidation
    process: an order down to a lower risk limit, then all), Binance (smart liquidation), domain 2.17. OKX goes down two
    tiers at a time: two steps. The caller rounds up to lots.
    """
    value = abs(notional(size, mark, inverse))
    row = tier_row(value * (1.0 - _AT_FLOOR), tier, first, count)
    taken = size
    if partial and row > first:
        taken = size * (1.0 - tier[row, T_FLOOR] / value)
    return taken, abs(notional(taken, mark, inverse)) * fee
