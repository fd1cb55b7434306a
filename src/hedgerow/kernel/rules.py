"""A policy packed for the kernel: records in, float64 blocks out. The only place that knows both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel.route import H_CLOSE, H_NEAR, H_NEXT, H_PERPETUAL, H_ROUTE, ROUTES
from hedgerow.model import measure as measures
from hedgerow.model.instrument import Kind, Universe
from hedgerow.model.margin import CONVENTIONS, Convention, pack_tiers
from hedgerow.model.market import Bytes, Floats, Ints
from hedgerow.model.policy import Policy, Regime
from hedgerow.model.policy_check import threshold
from hedgerow.model.policy_row import Gate
from hedgerow.units import NS_PER_DAY

_TRIM_MODES: Final = {
    "threshold": k.TRIM_THRESHOLD,
    "aggressive": k.TRIM_AGGRESSIVE,
    "minimal": k.TRIM_MINIMAL,
    "none": k.TRIM_NONE,
}
_TO: Final = ("target", "overshoot", "band_edge", "halfway", "fraction", "position", "principal")
_GROUPS: Final = ("drift", "technical", "milestone")
_HOW: Final = ("trim", "hedge", "cheaper")
_MODES: Final = ("isolated", "cross", "unified")
_CLOSING: Final = ("none", "mark", "bankruptcy")
_INSTRUMENTS: Final = ("perpetual", "dated", "carry")  # in the order of route.HEDGE_*


def extra_measures(policy: Policy) -> tuple[str, ...]:
    """TA-Lib indicators that the policy names, in order of their columns behind the built-in measures."""
    named = [row.measure for row in policy.vote.values()] + [row.measure for row in policy.trim.values()]
    return tuple(dict.fromkeys(name for name in named if name.startswith("talib:")))


def target_weights(
    policy: Policy, assets: Sequence[str], targets: Mapping[str, float] | None, quote: str
) -> dict[str, float]:
    """Target weight of each asset: the given ones, else the policy's where it names assets, else equal beside the
    reserve.

    ``targets`` are fractions of nav that sum to 1 within 1e-9, the quote stablecoin included; an asset left out is 0.
    """
    if targets is not None:
        total = math.fsum(targets.values())
        if not abs(total - 1.0) <= 1e-9:  # nan too
            raise ConfigError(
                f"the targets add up to {total:.10g}", where="--targets",
                fix=f"They must add up to 1, the stablecoin included, as in BTC=.5,ETH=.3,{quote}=.2",
            )  # fmt: skip
        unknown = [name for name in targets if name not in assets and name != quote]
        if unknown or any(weight < 0.0 for weight in targets.values()):
            bad = ", ".join(unknown) or "a negative weight"
            raise ConfigError(
                f"{bad} cannot be a target",
                where="--targets",
                fix=f"Name only {', '.join(assets)} and {quote}, from 0 to 1",
            )
        return {name: float(targets.get(name, 0.0)) for name in assets}
    if policy.targets.weights:
        unknown = [name for name in policy.targets.weights if name not in assets]
        if not unknown:
            return {name: policy.targets.weights.get(name, 0.0) for name in assets}
    share = (1.0 - policy.targets.stable) / len(assets)
    return {name: share for name in assets}


def stable_reserve(weights: Mapping[str, float]) -> float:
    """The fraction of nav that target weights leave in stablecoins."""
    return max(0.0, 1.0 - math.fsum(weights.values()))


def pack(policy: Policy, universe: Universe, weights: Mapping[str, float]) -> k.Rules:
    """The policy's blocks for one universe. ``weights`` are fractions of nav by asset (``target_weights``)."""
    extra = extra_measures(policy)
    votes = {name: i for i, name in enumerate(policy.vote)}
    gates: list[list[int]] = []

    def add_gate(gate: Gate | None) -> float:
        if gate is None:
            return -1.0
        gates.append([gate.at_least] + [_mask(names, votes) for names in (gate.of, gate.all, gate.any, gate.none)])
        return float(len(gates) - 1)

    vote = np.zeros((len(votes), 6))
    for i, row in enumerate(policy.vote.values()):
        composite = add_gate(Gate(at_least=row.at_least, of=row.of)) if row.of else -1.0
        column = 0.0 if row.of else _column(row.measure, extra)
        level = 0.0 if row.of else threshold(row.threshold, row.measure, "vote")
        vote[i] = [column, float(row.side == "below"), level, row.lasting, row.within, composite]
    names = list(policy.regime)
    regime = np.array([_regime_row(row, names, add_gate) for row in policy.regime.values()]).reshape(len(names), 15)
    trim = np.zeros((len(policy.trim), 11))
    for i, cut in enumerate(policy.trim.values()):
        back = np.nan if cut.rearm is None else threshold(cut.rearm, cut.measure, "rearm")
        trim[i] = [
            _column(cut.measure, extra), float(cut.side == "below"), threshold(cut.threshold, cut.measure, "trim"),
            add_gate(cut.when), _TO.index(cut.to), cut.size, _GROUPS.index(cut.group), cut.cooldown, back,
            float(cut.once),
            _HOW.index(cut.how),
        ]  # fmt: skip
    acts = np.array(
        [[float(not cut.assets or name in cut.assets) for name in universe.assets] for cut in policy.trim.values()]
    )
    reinforce = np.array(
        [
            [add_gate(row.when), row.rungs, row.at_least or 0.0, row.lasts, float(row.how == "lengthen")]
            for row in policy.reinforce.values()
        ]
    ).reshape(len(policy.reinforce), 5)
    ladder = np.array([[votes[step.vote], step.rungs, add_gate(step.when)] for step in policy.ladder.values()])
    scalar = _scalars(policy, universe, add_gate, votes, weights)
    sound = policy.targets.whitelist
    haircuts = policy.margin.haircuts
    asset = np.array([
        [weights[name] for name in universe.assets], [float(not sound or name in sound) for name in universe.assets],
        [haircuts.get(name, policy.margin.haircut) for name in universe.assets],
        [float(policy.carry is not None and _listed(name, policy.carry.assets)) for name in universe.assets],
    ])  # fmt: skip
    return k.Rules(
        scalar, vote, np.array(gates, dtype=np.int64).reshape(len(gates), 5), regime, trim,
        acts.reshape(len(policy.trim), len(universe.assets)).astype(np.float64), reinforce.astype(np.float64),
        ladder.reshape(len(policy.ladder), 3).astype(np.float64), asset, *pack_instruments(policy, universe),
        _sleeve(policy),
    )  # fmt: skip


def _listed(name: str, names: Sequence[str]) -> bool:
    return not names or name in names


def _sleeve(policy: Policy) -> Floats:
    """``rules.carry`` [10]; a cap of 0 where the policy has no sleeve."""
    block = np.zeros(10)
    row = policy.carry
    if row is not None:
        kind = Kind.PERPETUAL if row.instrument == "perpetual" else Kind.DATED
        block[:] = [
            row.enter, row.leave, row.cap, row.each, kind, row.min_hold, row.cooldown, row.horizon, row.stable_yield,
            policy.hedge.roll_before,
        ]  # fmt: skip
    return block


def pack_instruments(policy: Policy, universe: Universe) -> tuple[Floats, Floats]:
    """``rules.inst`` [18, I], the instruments with the policy's costs and margin convention, and ``rules.tier``."""
    block = np.zeros((18, len(universe.instruments)))
    assets = [universe.assets.index(it.asset) for it in universe.instruments]
    after = dict.fromkeys(range(len(universe.assets)), -1)  # the contract of an asset that was seen last, from the end
    following = []
    for i, a in reversed(list(enumerate(assets))):
        following.append(after[a])
        after[a] = i
    following.reverse()
    costs = policy.costs
    found = [convention_of(policy, it.inverse) for it in universe.instruments]
    tables = [
        tuple(row._replace(deduction=0.0) for row in it.tiers) if way.tiers_in == "contracts" else it.tiers
        for it, way in zip(universe.instruments, found, strict=True)
    ]
    tier, first, count = pack_tiers(tables)
    for i, it in enumerate(universe.instruments):
        spot = it.kind is Kind.SPOT
        block[:, i] = [
            assets[i], it.kind, it.inverse, it.lot, it.minimum_notional,
            costs.spot_fee if spot else costs.futures_fee, costs.spot_half_spread if spot else
            costs.futures_half_spread,
            0.0, np.inf if it.expiry_ns is None else float(it.expiry_ns), first[i], count[i],
            found[i].at_entry, _CLOSING.index(found[i].closing_fee), found[i].tiers_in == "contracts",
            found[i].tiers_down if policy.margin.liquidation == "partial" else 0, found[i].left == "holder",
            found[i].liquidation_fee if policy.margin.liquidation_fee is None else policy.margin.liquidation_fee,
            following[i],
        ]  # fmt: skip
    return block, tier


def convention_of(policy: Policy, inverse: bool) -> Convention:
    """The policy's margin convention for linear or inverse contracts: the one it names, or its venue's other one."""
    named = CONVENTIONS[policy.margin.convention]
    if named.inverse == inverse:
        return named
    venue = named.name.split("_")[0]
    others = [way for way in CONVENTIONS.values() if way.inverse == inverse and way.name.startswith(venue)]
    return others[-1] if others else CONVENTIONS["binance_inverse" if inverse else "binance_linear"]


def hedge_routes(policy: Policy, universe: Universe, days_ns: Ints) -> Ints:
    """Which contracts may hedge each asset on each day, [D, ROUTES, A] with the rows of ``kernel.route``; -1: none.

    ``H_ROUTE``: contracts of the policy's kind come first, then of the other. Dated contracts count while they expire
    more than ``roll_before`` days after the day's close, the nearest first.
    """
    routes = np.full((days_ns.shape[0], ROUTES, len(universe.assets)), -1, dtype=np.int64)
    closes = days_ns + NS_PER_DAY
    routes[:, H_CLOSE] = closes[:, None]
    wanted = Kind.DATED if policy.hedge.instrument == "dated" else Kind.PERPETUAL
    ends = closes + int(policy.hedge.roll_before * NS_PER_DAY)
    for a, name in enumerate(universe.assets):
        found = [i for i in universe.futures_of(name) if universe.instruments[i].inverse == policy.hedge.inverse]
        # the last that is written for a day wins: the wanted kind, and in it the nearest expiry
        found.sort(key=lambda i: (universe.instruments[i].kind is wanted, -(universe.instruments[i].expiry_ns or 0)))
        for i in found:
            expiry = universe.instruments[i].expiry_ns
            if expiry is None:
                routes[:, H_ROUTE, a] = routes[:, H_PERPETUAL, a] = i
                continue
            lasts = ends < expiry
            routes[lasts, H_ROUTE, a] = i
            routes[lasts, H_NEXT, a] = routes[lasts, H_NEAR, a]
            routes[lasts, H_NEAR, a] = i
    return routes


def rebalance_due(policy: Policy, days_ns: Ints) -> Bytes:
    """1 on the first completed day of each period of ``rebalance.every``, [D]; the first day itself is an entry, not
    one.
    """
    due = np.zeros(days_ns.shape[0], dtype=np.uint8)
    every = policy.rebalance.every
    if every == "never":
        return due
    closes = (days_ns + NS_PER_DAY).astype("datetime64[ns]")
    if every == "week":
        period = (closes.astype("datetime64[D]").astype(np.int64) + 3) // 7  # weeks that begin on Monday
    else:
        period = closes.astype("datetime64[M]").astype(np.int64) // (3 if every == "quarter" else 1)
    due[1:] = period[1:] != period[:-1]
    return due


def _fee_in(policy: Policy, universe: Universe) -> float:
    """What pays spot fees, as the kernel counts it; a fee coin must be one of the assets."""
    name = policy.costs.fee_in
    if name in universe.assets:
        return float(universe.assets.index(name))
    if name not in ("quote", "base"):
        raise ConfigError(
            f"costs.fee_in names {name}, which is not among the assets", where="costs.fee_in",
            fix=f"Write quote, base, or one of {', '.join(universe.assets)}.",
        )  # fmt: skip
    return k.FEE_BASE if name == "base" else k.FEE_QUOTE


def _mask(names: Sequence[str], votes: Mapping[str, int]) -> int:
    mask = 0
    for name in names:
        mask |= 1 << votes[name]
    return mask


def _column(name: str, extra: Sequence[str]) -> float:
    return float(measures.COUNT + extra.index(name) if name in extra else measures.INDEX[name])


def _regime_row(row: Regime, names: list[str], add_gate: object) -> list[float]:
    assert callable(add_gate)
    low, high = row.hedge
    bits = {name: i for i, name in enumerate(names)}
    shock = add_gate(Gate(any=row.shock)) if row.shock else -1.0
    return [
        low, high, _TRIM_MODES[row.trim], float(row.deploy), float(_mask(row.comes_from, bits)),
        float(_mask(row.after, bits)), add_gate(row.enter), add_gate(row.leave), shock,
        add_gate(row.leave_shock), row.quiet, row.reenter_after, np.nan if row.start is None else row.start,
        float(row.ladder), add_gate(Gate(any=row.failed_by)) if row.failed_by else -1.0,
    ]  # fmt: skip


def _scalars(
    policy: Policy, universe: Universe, add_gate: object, votes: Mapping[str, int], weights: Mapping[str, float]
) -> Floats:
    assert callable(add_gate)
    hedge, guard, margin, trend, vol = policy.hedge, policy.guard, policy.margin, policy.hedge.trend, policy.hedge.vol
    s = np.zeros(k.SCALARS)
    cells: dict[int, float] = {
        k.K_STABLE: stable_reserve(weights),
        k.K_BASE_INITIAL: policy.targets.base == "nav_initial",
        k.K_RISK_ONLY: policy.targets.denominator == "risk_assets",
        k.K_REBALANCE: np.inf if policy.rebalance.threshold is None else policy.rebalance.threshold,
        k.K_H_CONSTANT: np.nan if hedge.constant is None else hedge.constant,
        k.K_H_VOL: np.nan if vol is None else vol.target,
        k.K_H_MEDIAN: vol is not None and vol.median_floor,
        k.K_H_TREND: np.nan if trend is None else trend.ratio,
        k.K_TREND_ENTER: 0 if trend is None else votes[trend.enter],
        k.K_TREND_LEAVE: 0 if trend is None else votes[trend.leave],
        k.K_BY_REGIME: hedge.by_regime, k.K_EXTERNAL: hedge.external, k.K_VIEWS: hedge.views, k.K_CAP: hedge.cap,
        k.K_ROUND: hedge.rounding == "rung", k.K_MAX_EXTRA: hedge.max_extra, k.K_MIN_STEP: hedge.min_step,
        k.K_DOWN_EVERY: hedge.rung_down_every, k.K_FLOOR: hedge.floor, k.K_LEVERAGE: hedge.leverage, k.K_RESERVE:
        hedge.reserve,
        k.K_OUTSIDE: hedge.cover_outside, k.K_CROSS_RHO2: hedge.cross_rho2, k.K_TRANCHE: policy.deploy.tranche,
        k.K_TRANCHES: policy.deploy.tranches, k.K_TRANCHE_EVERY: policy.deploy.every,
        k.K_DEPLOY_GATE: add_gate(policy.deploy.when), k.K_UNDERWEIGHTS: policy.deploy.underweights,
        k.K_IMPACT: policy.costs.impact, k.K_FEE_IN: _fee_in(policy, universe), k.K_KAPPA: guard.kappa, k.K_GAMMA: guard.gamma, k.K_HORIZON: guard.horizon,
        k.K_SOFT: guard.turnover_soft, k.K_HARD: guard.turnover_hard, k.K_MIN_LEG: guard.min_leg,
        k.K_PARTICIPATION: guard.participation, k.K_SLIPPAGE_CAP: guard.slippage_cap,
        k.K_ALLOW_ILLIQUID: guard.unknown_liquidity == "allow", k.K_ALLOW_UNFUNDED: guard.unknown_funding == "allow",
        k.K_MAX_CARRY: guard.max_carry, k.K_DEPEG: guard.depeg, k.K_DWELL: policy.dwell,
        k.K_CARRY_GATE: add_gate(Gate(all=guard.carry_confirmed_by)) if guard.carry_confirmed_by else -1.0,
        k.K_OVERRIDE: add_gate(Gate(any=policy.dwell_override)) if policy.dwell_override else -1.0,
        k.K_LEAST_BARS: policy.least_bars, k.K_MARKET: universe.market_asset, k.K_TOP_MARKET: margin.top_up_market,
        k.K_TOP: margin.top_up, k.K_REDUCE: margin.reduce, k.K_WARN: margin.warn,
        k.K_STOP: margin.stop_adding, k.K_FLATTEN: margin.flatten, k.K_WARN_RATIO: margin.warn_ratio,
        k.K_TOP_RATIO: margin.top_up_ratio, k.K_REDUCE_RATIO: margin.reduce_ratio,
        k.K_FLATTEN_RATIO: margin.flatten_ratio, k.K_MODE: _MODES.index(margin.mode),
        k.K_RUNGS: len(hedge.rungs),
        k.K_PAID_CAP: hedge.paid_cap, k.K_PAID: hedge.paid_above,
        k.K_PAID_GATE: add_gate(Gate(any=hedge.paid_cap_unless)) if hedge.paid_cap_unless else -1.0,
    }  # fmt: skip
    lengthens = hedge.lengthen_after > 0.0 or any(row.how == "lengthen" for row in policy.reinforce.values())
    cells |= {
        k.K_INSTRUMENT: _INSTRUMENTS.index(hedge.instrument), k.K_STAYS: hedge.instrument == "carry" or lengthens,
        k.K_LENGTHEN: hedge.lengthen_after, k.K_ROLL: hedge.roll_before, k.K_SLICES: hedge.roll_slices,
    }  # fmt: skip
    for cell, value in cells.items():
        s[cell] = float(value)
    if len(hedge.rungs) > k.MAX_RUNGS:
        raise ConfigError(f"{len(hedge.rungs)} rungs", where="hedge.rungs", fix=f"At most {k.MAX_RUNGS} are possible")
    s[k.RUNGS : k.RUNGS + len(hedge.rungs)] = hedge.rungs
    return s
