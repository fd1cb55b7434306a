"""One decision, looked at closely: every stage's numbers, votes, legs, refusals, and the book before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hedgerow.jit import plain
from hedgerow.kernel import arrays as k
from hedgerow.kernel.account import account_state, is_pooled, refresh_account
from hedgerow.kernel.blocks import copy_book, copy_work, new_book, new_work
from hedgerow.kernel.holding import WORTHLESS
from hedgerow.kernel.ladder import rung_at
from hedgerow.kernel.many import M_CARRY, M_CASH, M_SHORT, M_SPOT, M_VALUE, TOTAL, take_totals
from hedgerow.kernel.margin import distance_of, margin_ratio, ratio_of
from hedgerow.kernel.portfolio import hold, refusal
from hedgerow.kernel.position import futures_value
from hedgerow.kernel.route import days_left, wanted_long
from hedgerow.kernel.rules import hedge_routes, pack
from hedgerow.kernel.run import decide_once, rehearse, warm_up
from hedgerow.model import measure
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Floats, Ints, Market
from hedgerow.model.policy import Policy
from hedgerow.model.policy_check import threshold
from hedgerow.model.policy_limits import Margin
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import LegRecord
from hedgerow.research import states
from hedgerow.research.backtest import Stage, Traces, leg_record, trace
from hedgerow.units import NS_PER_DAY

RUNGS = ("none", "warn", "top_up", "stop_adding", "reduce", "flatten")  # by kernel.arrays.NEAR_*
FLAG, ROW = "flag", "row"  # beside the units of units.UNITS: 1 is yes; in the unit of the trim row that acts
# stage -> (row of work.asset, name, unit): what each stage of the kernel found
STAGES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "measure": (
        (k.X_PRICE, "price", "quote"), (k.X_UNITS, "coins", ""), (k.X_VALUE, "value", "quote"), (k.X_WEIGHT, "weight", "%"),
        (k.X_TARGET, "target", "%"), (k.X_SHORT, "short_coins", ""), (k.X_H_NOW, "h_achieved", "%"),
        (k.X_TENOR, "tenor", "d"), (k.X_CARRY_PERPETUAL, "carry_perpetual", "%/yr"), (k.X_CARRY_DATED, "carry_dated", "%/yr"),
    ),
    "regime": ((k.X_FROZEN, "frozen", FLAG), (k.X_BORROWED, "borrowed", FLAG)),
    "target": (
        (k.X_H_VOL, "h_volatility", "%"), (k.X_H_TREND, "h_trend", "%"), (k.X_H_REGIME, "h_regime", "%"), (k.X_RISK, "risk_rank", "%"),
        (k.X_H_BASE, "h_base", "%"), (k.X_EXTRA, "rungs_added", ""), (k.X_H_WANTED, "h_wanted", "%"), (k.X_H, "h_intended", "%"),
    ),
    "trigger": (
        (k.X_TRIM, "trim_coins", ""), (k.X_MEASURED, "measured", ROW), (k.X_THRESHOLD, "threshold", ROW), (k.X_BUY, "buy_coins", ""),
    ),
    "plan": (
        (k.X_MOVE, "moves", FLAG), (k.X_SPOT_NEW, "coins_wanted", ""), (k.X_SHORT_NEW, "short_wanted", ""),
        (k.X_SOLD_NEW, "sold_in_place_of_short", ""),
    ),
    "guard": (
        (k.X_ERROR_OLD, "exposure_error_before", "%"), (k.X_ERROR_NEW, "exposure_error_after", "%"), (k.X_BENEFIT, "benefit", "bp"),
        (k.X_COST, "cost", "bp"), (k.X_FREE, "exempt", FLAG),
    ),
    "carry": (
        (k.X_PAIR_GROSS, "gross", "%/yr"), (k.X_PAIR_NET, "net", "%/yr"), (k.X_PAIR, "pair_coins", ""),
        (k.X_PAIR_NEW, "pair_wanted", ""),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of one day, ready to be shown; every mapping is plain data."""

    policy: str
    day_ns: int
    quote: str
    value: float
    simulated: bool
    regime: dict[str, Any]
    stages: dict[str, dict[str, dict[str, float]]]  # stage -> asset -> name -> value, in the kernel's units
    trims: dict[str, tuple[str, str]]  # asset -> the trim row that acts, "" for none, and the unit of its measure
    legs: tuple[LegRecord, ...]
    refusals: tuple[LegRecord, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    transfers: dict[str, float]  # contract -> collateral to move with the plan, settle currency; + to the venue
    scenarios: list[dict[str, float]]
    leverage: float = 1.0  # most that a hedge's short may be over its collateral; above 1 is high risk
    margin: Margin = field(default_factory=Margin)  # the account behind the shorts, and its ladder


@dataclass(frozen=True, slots=True)
class Seat:
    """One day of a market where portfolios of the same assets are decided for: all that they share.

    ``book`` has seen the days before and holds nothing, ``work`` is what the last of them left: each decision takes copies.
    ``row`` is the market's row of the close. Weights are those of ``rules``; nothing else here depends on them.
    """

    policy: Policy
    stage: Stage
    rules: k.Rules
    book: k.Book
    work: k.Work
    row: int
    hedge: Ints  # [ROUTES, A]


def seat_for(policy: Policy, stage: Stage, weights: Mapping[str, float]) -> Seat:
    """The stage's last day made ready for decisions of ``policy``; the regime has seen the days before."""
    market = stage.market
    universe = market.universe
    rules = pack(policy, universe, weights)
    book = new_book(rules, len(universe.instruments), 1.0)
    work = new_work(rules, len(universe.instruments), stage.signals.shape[1])
    seen = np.concatenate([stage.warm, stage.signals[:-1]])
    days = np.arange(seen.shape[0], dtype=np.int64) * NS_PER_DAY + int(market.days_ns[-1]) - seen.shape[0] * NS_PER_DAY
    price, fresh = np.full(len(universe.instruments), np.nan), np.zeros(len(universe.instruments), np.uint8)
    if seen.shape[0]:
        warm_up(rules, book, work, seen, price, fresh, hedge_routes(policy, universe, days))
    row = int(np.flatnonzero(market.day == market.days_ns.shape[0] - 1)[0])
    return Seat(policy, stage, rules, book, work, row, hedge_routes(policy, universe, market.days_ns)[-1])


def bare(seat: Seat) -> Seat:
    """The seat without the days before the last, which no decision reads again, so that thousands of seats may be kept."""
    kept = replace(seat.stage, signals=seat.stage.signals[-1:].copy(), warm=seat.stage.warm[:0].copy())
    return replace(seat, stage=kept)


def plan_for(policy: Policy, stage: Stage, portfolio: Portfolio, weights: Mapping[str, float]) -> Decision:
    """What ``policy`` asks of ``portfolio`` at the close of the stage's last day."""
    market, seat = stage.market, seat_for(policy, stage, weights)
    rules, book, work, row = seat.rules, seat.book, seat.work, seat.row
    hold(book, portfolio, market.universe, market.close[row], rules)
    book.scalar[k.S_NOW] = float(market.open_ns[row])
    nav = plain(decide_once)(
        rules,
        book,
        work,
        stage.signals[-1],
        market.close[row],
        market.fresh[row],
        market.funding[row],
        seat.hedge,
        False,
    )
    if not nav > 0.0:
        raise refusal(np.array([WORTHLESS, -1.0, 0.0, 0.0, 0.0]), market.universe, ())
    return _decision(policy, stage, Traces(rules, book, work, np.zeros((0, k.LEG))), nav, row)


def explain_day(policy: Policy, stage: Stage, *, capital: float, weights: Mapping[str, float]) -> Decision:
    """The last decision of a backtest over the stage, stage by stage."""
    run, traces = trace(policy, stage, capital=capital, weights=weights)
    row = int(np.flatnonzero(stage.market.day == stage.market.days_ns.shape[0] - 1)[0])
    return _decision(policy, stage, traces, float(run.nav[-1]), row)


def _decision(policy: Policy, stage: Stage, traces: Traces, nav: float, row: int) -> Decision:
    market, universe = stage.market, stage.market.universe
    rules, book, work = traces.rules, traces.book, traces.work
    planned = work.legs[: int(work.counts[0])].copy()
    stages = {
        name: {
            asset: {label: float(work.asset[x, a]) for x, label, _ in rows} for a, asset in enumerate(universe.assets)
        }
        for name, rows in STAGES.items()
    }
    before = _standing(stage, traces, market.close[row], nav)
    copy, scratch = copy_book(book), copy_work(work)
    log, used = np.zeros((work.legs.shape[0], k.LEG)), np.zeros(1, np.int64)
    hedge = hedge_routes(policy, universe, market.days_ns)[-1]
    nav_after = plain(rehearse)(rules, copy, scratch, market.close[row], market.fresh[row], hedge, log, used)
    plain(refresh_account)(rules, copy, market.close[row])
    after = _standing(stage, Traces(rules, copy, scratch, log), market.close[row], float(nav_after))
    legs, refusals = legs_of(policy, market, planned, log)
    return Decision(
        policy=policy.name,
        day_ns=int(market.days_ns[-1]),
        quote=universe.quote,
        value=nav,
        simulated=stage.simulated,
        regime=_regime(policy, stage, traces),
        stages=stages,
        trims={asset: _trim_row(policy, int(work.asset[k.X_TRIM_ROW, a])) for a, asset in enumerate(universe.assets)},
        legs=legs,
        refusals=refusals,
        before=before,
        after=after,
        transfers=transfers(market.universe, book.inst[k.P_COLLATERAL], log),
        scenarios=_scenarios(before, after),
        leverage=policy.hedge.leverage,
        margin=policy.margin,
    )


def legs_of(
    policy: Policy, market: Market, planned: Floats, log: Floats
) -> tuple[tuple[LegRecord, ...], tuple[LegRecord, ...]]:
    """Legs and refusals of the market's last day: of the plan, and what its rehearsal (``log``) could not fill."""
    day, closed = market.days_ns.shape[0] - 1, int(market.days_ns[-1]) + NS_PER_DAY
    records = [leg_record(policy, market, leg, day, closed) for leg in planned.tolist()]
    unfilled = [leg_record(policy, market, leg, day, closed) for leg in log.tolist() if leg[k.L_STATUS] == k.REFUSED]
    return tuple(leg for leg in records if not leg.refused), (*(leg for leg in records if leg.refused), *unfilled)


def transfers(universe: Universe, collateral: Floats, log: Floats) -> dict[str, float]:
    """Collateral that moves with a plan, by contract, in its settle currency; positive: to the futures venue.

    ``collateral`` [I] is what each contract has before the plan, ``log`` what its rehearsal filled.
    """
    moved = {}
    done = log[log[:, k.L_STATUS] == k.FILLED]
    for i in range(len(universe.assets), len(universe.instruments)):
        own = done[done[:, k.L_INST] == i]
        amount = float(own[:, k.L_MOVED].sum() + own[own[:, k.L_KIND] == k.LEG_MARGIN, k.L_DONE].sum())
        if abs(amount) > 1e-6 * max(1.0, abs(float(collateral[i]))):
            moved[universe.instruments[i].symbol] = amount
    return moved


def _trim_row(policy: Policy, index: int) -> tuple[str, str]:
    """The name and the unit of a trim row by the kernel's index: behind the policy's come those of the regime table."""
    rows = list(policy.trim.items())
    if index < 0:
        return "", ""
    if index >= len(rows):
        return ("aggressive trim", "pp") if index == len(rows) else ("top performer", "%")
    name, row = rows[index]
    return f"trim.{name}", measure.MEASURES[measure.INDEX[row.measure]].unit if row.measure in measure.INDEX else ""


def _regime(policy: Policy, stage: Stage, traces: Traces) -> dict[str, Any]:
    """Per asset and for the market: the row, its age, every row's conditions, every vote with measure and threshold."""
    universe, work, book = stage.market.universe, traces.work, traces.book
    names = list(policy.regime)
    out: dict[str, Any] = {"assets": {}}
    for a, asset in enumerate(universe.assets):
        votes: dict[str, dict[str, object]] = {}
        for v, (name, answer) in enumerate(states.answers(policy, work, a).items()):
            vote = policy.vote[name]
            votes[name] = {
                "answer": answer, "for_days": vote.lasting, "within_days": vote.within,
                "last_true_days": float(book.votes[k.VOTE_AGE, v, a]),
            }  # fmt: skip
            if vote.measure:
                column = int(traces.rules.vote[v, k.V_MEASURE])
                unit = measure.MEASURES[column].unit if column < measure.COUNT else ""
                votes[name] |= {
                    "measure": vote.measure, "measured": float(work.measure[column, a]), "side": vote.side,
                    "threshold": threshold(vote.threshold, vote.measure, name), "unit": unit,
                }  # fmt: skip
            else:
                votes[name] |= {"at_least": vote.at_least, "of": list(vote.of)}
        out["assets"][asset] = {
            "state": names[int(book.asset[k.B_STATE, a])] if names else "",
            "days": float(book.asset[k.B_AGE, a]),
            "borrowed": bool(work.asset[k.X_BORROWED, a]),
            "frozen": bool(work.asset[k.X_FROZEN, a]),
            "rows": states.regime_rows(policy, book, work, a) if names else [],
            "votes": votes,
        }
    asset = universe.assets[universe.market_asset]
    stand = [out["assets"][name]["state"] for name in universe.assets]
    out["market"] = {
        "asset": asset, "state": out["assets"][asset]["state"],
        "breadth": {name: stand.count(name) / len(stand) for name in dict.fromkeys(stand) if name},
    }  # fmt: skip
    return out


def _standing(stage: Stage, traces: Traces, price: Floats, nav: float) -> dict[str, Any]:
    """Weights, hedge ratios, and margin of a book, with what a fall of 20 % would do."""
    universe, book, work, rules = stage.market.universe, traces.book, traces.work, traces.rules
    assets = {}
    for a, name in enumerate(universe.assets):
        assets[name] = {
            "coins": float(work.asset[k.X_UNITS, a]), "value": float(work.asset[k.X_VALUE, a]),
            "weight": float(work.asset[k.X_VALUE, a] / nav), "target": float(work.asset[k.X_TARGET, a]),
            "short_coins": float(work.asset[k.X_SHORT, a]), "h_intended": float(book.asset[k.B_H, a]),
            "h_achieved": float(work.asset[k.X_H_NOW, a]),
        }  # fmt: skip
    margin = {}
    for i in range(len(universe.assets), len(universe.instruments)):
        units = float(book.inst[k.P_UNITS, i])
        if units != 0.0:
            equity, ratio = _backing(rules, book, price, i)
            liquidation = float(book.inst[k.P_LIQUIDATION, i])
            margin[universe.instruments[i].symbol] = {
                "amount": units, "notional": float(-units * price[i]), "equity": equity, "liquidation_price": liquidation,
                "liquidation_distance": float(plain(distance_of)(book.inst, i, price[i])),
                "maintenance_over_equity": ratio, "rung": RUNGS[plain(rung_at)(rules, book, i, price)],
            } | _duration(rules, book, i, int(stage.market.days_ns[-1]) + NS_PER_DAY)  # fmt: skip
    found = np.zeros(TOTAL)
    plain(take_totals)(book, work, price, nav, found)
    return totals(found) | {"assets": assets, "margin": margin}


def totals(found: Floats) -> dict[str, float]:
    """What a book is worth and where, in quote and as fractions of value, from ``kernel.many.take_totals``."""
    value, cash, carry, spot, short = (float(found[m]) for m in (M_VALUE, M_CASH, M_CARRY, M_SPOT, M_SHORT))
    return {
        "value": value, "cash": cash, "carry": carry, "spot": spot, "short": short,
        "stable_weight": (value - spot) / value, "net_exposure": (spot - short) / value,
    }  # fmt: skip


def _duration(rules: k.Rules, book: k.Book, i: int, close_ns: int) -> dict[str, float]:
    """How long a hedge lasts: days to the contract's expiry (inf: a perpetual has none), days for which it is planned,
    and their product (R-006, domain 2.18). Planned is the guard's horizon, or the time to the roll where the hedge has
    been wanted for ``lengthen_after``.
    """
    tenor = float(plain(days_left)(rules.inst, i, close_ns))
    planned = float(rules.scalar[k.K_HORIZON])
    if np.isfinite(tenor) and plain(wanted_long)(rules.scalar, book.asset, int(rules.inst[k.I_ASSET, i])):
        planned = max(planned, tenor - float(rules.scalar[k.K_ROLL]))
    return {"tenor_days": tenor, "planned_days": planned, "duration": tenor * planned}


def _backing(rules: k.Rules, book: k.Book, price: Floats, i: int) -> tuple[float, float]:
    """Equity behind a short in quote, and maintenance margin over it: the account's where margin is pooled."""
    if plain(is_pooled)(rules, i):
        equity, need, _ = plain(account_state)(rules, book, price, 0.0)
        return float(equity), float(plain(ratio_of)(need, equity))
    spot = price[int(rules.inst[k.I_ASSET, i])]
    equity = float(plain(futures_value)(book.inst, rules.inst, i, price[i], spot))
    return equity, float(plain(margin_ratio)(rules, book.inst, i, price[i]))


def _scenarios(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, float]]:
    """What a move of every price by -20 % and +20 % does before and after the plan (R-048, E-14): no basis, no funding."""
    rows = []
    for move in (-0.20, 0.20):
        row = {"move": move}
        for name, book in (("before", before), ("after", after)):
            spot, hedge = book["spot"] * move, -book["short"] * move
            row |= {
                f"{name}_spot": spot, f"{name}_hedge": hedge, f"{name}_net": spot + hedge,
                f"{name}_of_value": (spot + hedge) / book["value"],
                f"{name}_of_spot": (spot + hedge) / book["spot"] if book["spot"] > 0.0 else 0.0,
            }  # fmt: skip
        rows.append(row)
    return rows
