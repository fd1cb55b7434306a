"""Invariants of DESIGN 8 and domain 2.21 over drawn universes, policies and markets, looked at after the fills of every bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from hedgerow.kernel import arrays as k
from hedgerow.kernel import run as runs
from hedgerow.kernel.account import account_spare, account_state, bare_coins, is_pooled
from hedgerow.kernel.margin import collateral_due
from hedgerow.kernel.measure import own_short, spot_units
from hedgerow.model.plan import SENTENCES, Reason, Refusal
from hedgerow.model.report import Run
from hedgerow.research import backtest
from hedgerow.research.backtest import Traces, trace
from tests.kernel.desk import hooked, loose
from tests.properties import Case, cases

FEW = settings(  # a case is a seed: there is little to shrink, and much time to lose
    max_examples=max(settings().max_examples // 2, 10), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
SLACK = 1e-9


def play(case: Case, **hooks: Callable[..., Any]) -> tuple[Run, Traces]:
    """Run a case interpreted, with eyes on some of the kernel's functions."""
    with (
        np.errstate(all="ignore"),
        pytest.MonkeyPatch.context() as patch,
    ):  # the compiler does not warn of overflows either
        patch.setattr(backtest, "run_kernel", hooked(runs.run, **hooks))
        patch.setattr(backtest, "warm_up", loose(backtest.warm_up))
        return trace(case.policy, case.stage, capital=case.capital, weights=case.weights, book=case.book())


def fills_watched() -> Callable[..., Any]:
    """In place of ``fill_pending``: looks at the account after the fills of a bar, and at each short that was opened."""
    protected, outside = None, None

    def check(
        fill: Any, rules: Any, book: Any, work: Any, opened: Any, before: Any, mark: Any, at: int, *rest: Any
    ) -> int:
        nonlocal protected, outside
        if protected is None:
            protected, outside = book.asset[k.B_PROTECTED].copy(), book.asset[k.B_OUTSIDE].copy()
        held = book.asset[k.B_HELD] - book.asset[k.B_CARRY]  # the sleeve's coins were never the user's to protect
        over, short = short_over_spot(rules, book, work), shorts(rules, book)
        first = int(rest[1][0])
        waiting = fill(rules, book, work, opened, before, mark, at, *rest)
        done = [row for row in work.legs[: work.counts[0]] if row[k.L_STATUS] == k.FILLED and row[k.L_AT] == at]
        assert book.wallet[k.W_CASH, 0] >= 0.0
        assert (book.inst[k.P_UNITS] <= 0.0).all()
        kept = book.asset[k.B_HELD] - book.asset[k.B_CARRY]
        traded = sum(abs(row[k.L_DONE]) for row in done)
        least = np.minimum(held, protected) * (1 - SLACK) - 1e-12 * traded
        log, used = rest
        repaid = log[first : used[0]][log[first : used[0], k.L_REASON] == float(Reason.REPAID)]
        taken = np.isin(np.arange(len(kept)), repaid[:, k.L_INST])  # the venue takes what coins there are for a loss
        assert ((kept >= least) | taken).all(), f"protected coins were touched: {done}"
        assert (book.asset[k.B_PROTECTED] == protected).all()
        check_sleeve(rules, book)
        assert (book.asset[k.B_OUTSIDE] == outside).all()
        now, coins = short_over_spot(rules, book, work), backed_by_coins(rules, len(short))
        slack = np.where(coins, 0.01, SLACK)  # fees of other hedges through the same contract take coins away
        beyond = now > np.maximum(over, SLACK) + slack
        paid_in_coins = coins & (shorts(rules, book) <= short * (1 + SLACK))
        assert not (beyond & ~paid_in_coins).any(), f"net short: {over} -> {now}"
        for row in done:
            i = int(row[k.L_INST])
            if row[k.L_KIND] != k.LEG_MARGIN:  # a transfer needs no market
                assert np.isfinite(opened[i])
                assert opened[i] > 0.0
            assert abs(row[k.L_DONE]) <= abs(row[k.L_UNITS]) * (1 + SLACK)
        return waiting

    def check_leverage(
        fill: Any, rules: Any, book: Any, measure: Any, legs: Any, n: int, at: int, units: float, mark: Any
    ) -> None:
        i = int(legs[n, k.L_INST])
        before = book.inst[:, i].copy()
        fill(rules, book, measure, legs, n, at, units, mark)
        if units < 0.0:
            price, spot = mark[i], mark[int(rules.inst[k.I_ASSET, i])]
            if loose(is_pooled)(rules, i):
                value = max(float(np.nanmax(np.abs(loose(account_state)(rules, book, mark, 0.0)))), 1e-12)
                assert loose(account_spare)(rules, book, mark) >= -1e-6 * value
                return
            due = loose(collateral_due)(rules.scalar, rules.inst, book.inst, i, price, spot)
            size = -book.inst[k.P_UNITS, i] * (1.0 if rules.inst[k.I_INVERSE, i] else price)
            assert due <= 1e-6 * size, (
                f"a short was opened above the allowed leverage: {before} {book.inst[:, i]} {legs[n]}"
            )

    inner = hooked(runs.fill_pending, fill_futures=check_leverage)
    return lambda _, *args: check(inner, *args)


def opens_watched() -> Callable[..., Any]:
    """In place of ``at_the_open``: nothing that is paid or settled there makes an asset net short while bare coins are left."""

    def check(open_bar: Any, rules: Any, book: Any, work: Any, open_ns: int, before: Any, *rest: Any) -> None:
        over = short_over_spot(rules, book, work)
        open_bar(rules, book, work, open_ns, before, *rest)
        now, coins = short_over_spot(rules, book, work), backed_by_coins(rules, len(over))
        if ((now > np.maximum(over, 0.0) + SLACK) & ~coins).any():
            for a in np.flatnonzero(before[: len(over)] > 0.0):
                bare = min(loose(bare_coins)(rules, book, work.asset, a), book.asset[k.B_HELD, a])
                assert bare <= 1e-9 * book.asset[k.B_HELD, a]

    return check


def check_sleeve(rules: Any, book: Any) -> None:
    """The carry sleeve's coins are held, its short is a part of the position, and never more than its coins."""
    coins, short = book.asset[k.B_CARRY], book.inst[k.P_CARRY]
    assert (coins >= 0.0).all()
    assert (short >= 0.0).all()
    assert (coins <= book.asset[k.B_HELD] * (1 + SLACK)).all()
    assert (short <= -book.inst[k.P_UNITS] * (1 + SLACK)).all()
    for a in range(len(coins)):
        assert short[rules.inst[k.I_ASSET] == a].sum() <= coins[a] * (1 + SLACK)


def shorts(rules: Any, book: Any) -> Any:
    """By asset: coins that it is short for itself."""
    market = int(rules.scalar[k.K_MARKET])
    assets = range(book.asset.shape[1])
    return np.array([loose(own_short)(book.asset, book.inst, rules.inst, a, market) for a in assets])


def backed_by_coins(rules: Any, assets: int) -> Any:
    """By asset: whether its contracts are paid in coins, so that a realised loss itself takes spot away."""
    own = rules.inst[:, assets:]
    return np.array([bool((own[k.I_INVERSE][own[k.I_ASSET] == a] == 1.0).any()) for a in range(assets)])


def short_over_spot(rules: Any, book: Any, work: Any) -> Any:
    """By asset: coins short beyond the coins held, as a share of those held (beta-adjusted where the hedge is a cross one)."""
    market = int(rules.scalar[k.K_MARKET])
    out = np.zeros(book.asset.shape[1])
    for a in range(len(out)):
        owned = loose(spot_units)(book.asset, book.inst, rules.inst, a)
        short = loose(own_short)(book.asset, book.inst, rules.inst, a, market)
        short += book.asset[k.B_CROSS, a] * work.asset[k.X_CROSSED, a]
        out[a] = (short - owned) / max(owned, 1e-300) if short > 1e-12 * max(owned, 1e-12) else 0.0
    return out


def days_watched(days: list[tuple[float, float, float]]) -> Callable[..., None]:
    """In place of ``record_day``: keeps each day's value, what all that is held is worth, and the sum of its parts."""

    def check(record: Any, rules: Any, book: Any, work: Any, price: Any, nav: float, *rest: Any) -> None:
        record(rules, book, work, price, nav, *rest)
        coins = book.asset[k.B_HELD] + book.asset[k.B_OUTSIDE]  # the sleeve's too
        spot = (coins[coins != 0.0] * price[: len(coins)][coins != 0.0]).sum()
        futures = 0.0
        for i in range(book.asset.shape[1], book.inst.shape[1]):
            units, collateral = book.inst[k.P_UNITS, i], book.inst[k.P_COLLATERAL, i]
            if units or collateral:
                entry, inverse = book.inst[k.P_ENTRY, i], rules.inst[k.I_INVERSE, i] == 1.0
                spot_price = price[int(rules.inst[k.I_ASSET, i])]
                if inverse and units:  # coins, by the venue's formula
                    futures += units * entry * (1 / entry - 1 / price[i]) * spot_price
                futures += collateral * spot_price if inverse else collateral + units * (price[i] - entry)
        days.append((nav, spot + book.wallet[:, 0].sum() + futures, float(book.asset[k.FIRST_PART :].sum())))

    return check


def check_attribution(run: Run, days: list[tuple[float, float, float]]) -> None:
    nav, total, parts = np.array(days).T
    assert nav == pytest.approx(total, rel=1e-9)
    scale = np.maximum(np.maximum.accumulate(np.abs(nav)), np.abs(run.parts).max(axis=1))
    assert (np.abs((nav - nav[0]) - (parts - parts[0])) <= 1e-9 * scale).all()


def check_records(run: Run, traces: Traces) -> None:
    legs = traces.log[traces.log[:, k.L_KIND] != k.LEG_FUNDING]
    assert np.isfinite(legs[:, [k.L_UNITS, k.L_WANTED, k.L_DONE, k.L_FEE, k.L_SLIPPAGE]]).all()
    filled = legs[legs[:, k.L_STATUS] == k.FILLED]
    assert (filled[:, k.L_FILL] > 0.0).all()
    assert (np.abs(filled[:, k.L_DONE]) > 0.0).all()
    assert traces.log.base is None or traces.log.shape[0] < traces.log.base.shape[0]  # the log was long enough
    for leg in run.refusals:
        assert leg.sentence
        assert Refusal[leg.refused.upper()] in SENTENCES
    for leg in run.legs:
        assert leg.sentence
        assert Reason[leg.reason.upper()] is not Reason.NONE


def watch_fills(case: Case) -> tuple[Run, Traces]:
    """The run of a case: nothing breaks at a fill, the attribution adds up on every day, and every record is whole."""
    days = list[tuple[float, float, float]]()
    run, traces = play(case, fill_pending=fills_watched(), at_the_open=opens_watched(), record_day=days_watched(days))
    check_attribution(run, days)
    check_records(run, traces)
    return run, traces


@FEW
@given(cases())
def test_no_fill_breaks_an_invariant(case: Case) -> None:
    run, traces = watch_fills(case)
    book = traces.book
    assert np.isfinite(run.nav).all()
    assert np.isfinite(book.asset[[k.B_HELD, k.B_SOLD, k.B_EXCESS, k.B_CROSS, k.B_H]]).all()
    assert (book.asset[[k.B_SOLD, k.B_EXCESS, k.B_CROSS]] >= 0.0).all()
    assert np.isfinite(book.inst[[k.P_UNITS, k.P_ENTRY, k.P_COLLATERAL]]).all()
    assert ((run.h_intended >= 0.0) & (run.h_intended <= 1.0)).all()
    assert (
        np.nanmax(run.h_achieved, initial=0.0) < 5.0
    )  # a beta that moves may leave a cross hedge too large, not absurd
