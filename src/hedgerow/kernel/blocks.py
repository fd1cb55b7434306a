"""Blocks made and copied: an empty book, the scratch of a decision."""

from __future__ import annotations

import numpy as np

from hedgerow.kernel.arrays import (
    B_CARRY_DAY,
    B_CARRY_LEFT,
    B_COST,
    B_CROSS_BY,
    B_DOWN_DAY,
    B_HEDGE,
    B_MARK,
    B_STATE,
    BOOK_ASSET,
    BOOK_INST,
    BOOK_SCALAR,
    LEG,
    P_ALARM,
    P_LIQUIDATION,
    P_STEEP,
    S_CAPPED_DAY,
    S_DEPLOY_DAY,
    S_NAV,
    S_NAV0,
    S_TRANCHE_DAY,
    TRIM_ARMED,
    TRIM_DAY,
    VOTE_AGE,
    WORK_ASSET,
    Book,
    Rules,
    Work,
)  # fmt: skip


def new_book(rules: Rules, instruments: int, cash: float) -> Book:
    """An empty book with ``cash`` in the first wallet and nothing entered."""
    n_assets = rules.asset.shape[1]
    asset = np.zeros((BOOK_ASSET, n_assets))
    asset[[B_COST, B_MARK]] = np.nan
    asset[B_STATE] = max(rules.regime.shape[0] - 1, 0)
    asset[B_DOWN_DAY] = -np.inf
    asset[[B_HEDGE, B_CROSS_BY]] = -1.0
    asset[[B_CARRY_DAY, B_CARRY_LEFT]] = -np.inf
    inst = np.zeros((BOOK_INST, instruments))
    inst[[P_LIQUIDATION, P_ALARM, P_STEEP]] = np.inf
    scalar = np.zeros(BOOK_SCALAR)
    scalar[[S_NAV0, S_NAV]] = cash
    scalar[[S_TRANCHE_DAY, S_DEPLOY_DAY, S_CAPPED_DAY]] = -np.inf
    votes = np.zeros((2, rules.vote.shape[0], n_assets))
    votes[VOTE_AGE] = np.inf
    trims = np.zeros((3, rules.trim.shape[0] + 2, n_assets))
    trims[TRIM_ARMED] = 1.0
    trims[TRIM_DAY] = -np.inf
    return Book(
        asset, inst, np.array([[float(cash)], [0.0]]), scalar, votes,
        np.full((max(rules.regime.shape[0], 1), n_assets), -np.inf), trims,
        np.full((max(rules.reinforce.shape[0], 1), n_assets), -np.inf),
    )  # fmt: skip


def new_work(rules: Rules, instruments: int, measures: int) -> Work:
    """Scratch for decisions over ``instruments`` instruments with ``measures`` columns."""
    n_assets = rules.asset.shape[1]
    legs = np.zeros(((rules.trim.shape[0] + 36) * n_assets + 8 * instruments + 8, LEG))
    bits = np.zeros((2, n_assets), np.int64)
    return Work(
        np.full((measures, n_assets), np.nan), np.zeros((WORK_ASSET, n_assets)), bits, legs, np.zeros(2, np.int64)
    )


def copy_book(book: Book) -> Book:
    """An independent copy."""
    return Book(*(block.copy() for block in book))


def copy_work(work: Work) -> Work:
    """An independent copy."""
    return Work(work.measure.copy(), work.asset.copy(), work.bits.copy(), work.legs.copy(), work.counts.copy())
