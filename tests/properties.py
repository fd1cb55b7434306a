"""What hypothesis draws: universes, policies and markets, from the plain to the hostile, and how a run over them is made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator

from hedgerow import policies
from hedgerow.kernel import arrays as k
from hedgerow.kernel.blocks import new_book
from hedgerow.kernel.rules import pack
from hedgerow.model import measure
from hedgerow.model.instrument import Instrument, Kind, Tier, Universe
from hedgerow.model.margin import tier_table
from hedgerow.model.market import Floats, Market
from hedgerow.model.policy import Policy
from hedgerow.research.backtest import Stage
from hedgerow.units import NS_PER_DAY

STEEP = tier_table((0.0, 500.0, 20_000.0, 1_000_000.0), (0.01, 0.025, 0.10, 0.40))
FIRST_NS = 1_609_459_200_000_000_000  # 2021-01-01
BUILT_IN = (
    "balanced",
    "beginner",
    "seed",
    "hedge-only",
    "trim-only",
    "b1_monthly",
    "b2_threshold",
    "b3_constant",
    "b6_trend",
)

# measure -> the range that a made panel wanders through: wide enough to cross every threshold of the built-in policies
RANGES: dict[str, tuple[float, float]] = {
    "close_sma50": (0.7, 1.3), "mayer": (0.4, 2.8), "mayer_pct": (0, 1), "sma200_slope": (-0.1, 0.1), "return1": (-0.15, 0.15),
    "loss_sigmas": (-4, 4), "return30": (-0.5, 0.8), "return90": (-0.6, 2), "drawdown20": (0, 0.4), "drawdown365": (0, 0.8),
    "low90": (-1, 1.5), "rsi14": (10, 95), "atr14": (0.01, 0.1), "stretch20": (-3, 4), "contraction10": (-1, 2),
    "sigma7": (0.2, 2), "sigma30": (0.2, 2), "sigma90": (0.2, 2), "sigma_ewma": (0.2, 2), "sigma_median2y": (0.4, 1.2),
    "sigma7_pct": (0, 1), "vol_ratio": (0.5, 2.5), "sigma7_change7": (-1, 1), "sigma7_slope7": (-0.1, 0.1),
    "support_atr": (-3, 3), "at_support": (-1, 1.5), "support_broken": (-2, 1.2), "premium": (-0.01, 0.01),
    "funding7": (-0.5, 0.8), "funding30": (-0.5, 0.8), "funding7_pct": (0, 1), "funding3": (-5e-4, 5e-4), "funding7_lag3": (-0.2, 0.5),
    "funding_jump": (-4, 4), "basis60": (-0.1, 0.3), "basis60_rel": (-0.5, 2), "basis60_gap": (-0.1, 0.1),
    "adv30": (1e7, 1e9), "adv30_futures": (1e7, 1e9), "beta": (0.2, 2), "rho2": (0.2, 0.9), "fundamental_z": (-3, 3),
    "correlation": (0.2, 0.95), "correlation_change20": (-0.3, 0.3), "correlation_pct": (0, 1), "fear": (5, 95),
    "fear_subsiding": (-1, 2), "vix": (10, 60), "dxy_change20": (-0.05, 0.05), "rate_change30": (-0.01, 0.01),
    "quote_usd": (0.985, 1.01), "view_ratio": (-3, 0.8), "view_rungs": (-3, 1.6), "venue_failure": (-5, 1.1),
    "catalyst_passed": (-5, 1.1), "external_hedge": (0, 1),
}  # fmt: skip
FLAGS = {"low90", "contraction10", "at_support", "support_broken", "fear_subsiding", "venue_failure", "catalyst_passed"}
SHARED = {"correlation", "correlation_change20", "correlation_pct", "fear", "fear_subsiding", "vix", "dxy_change20",
          "rate_change30", "quote_usd"}  # fmt: skip


class Case(NamedTuple):
    """One drawn run: what it needs, and the seed that made it."""

    policy: Policy
    stage: Stage
    weights: dict[str, float]
    capital: float
    coins: tuple[
        tuple[float, float, float], ...
    ]  # of each asset at the start: held, protected of it, elsewhere; in capital
    made: str  # how to make it again

    def book(self) -> k.Book:
        """The book that the run starts with."""
        universe = self.stage.market.universe
        rules = pack(self.policy, universe, self.weights)
        book = new_book(rules, len(universe.instruments), self.capital)
        for a, shares in enumerate(self.coins):
            price = self.stage.signals[0, measure.INDEX["close"], a]
            if np.isfinite(price):
                rows = (k.B_HELD, k.B_PROTECTED, k.B_OUTSIDE)
                book.asset[rows, a] = [share * self.capital / price for share in shares]
        return book

    def __repr__(self) -> str:
        hedge = {
            name: value
            for name, value in self.policy.hedge
            if name in ("instrument", "inverse", "constant", "leverage", "cap")
        }
        kinds = [f"{it.symbol}{'*' if it.inverse else ''}" for it in self.stage.market.universe.instruments]
        return (
            f"Case({self.policy.title[:12]!r} {hedge} {kinds} {self.weights} {self.capital:g} {self.coins} {self.made})"
        )


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    """1-6 assets, each with a perpetual, two dated contracts, both, or nothing; linear or inverse; with or without lots."""
    names = tuple(f"C{i}" for i in range(draw(st.integers(1, 6))))
    lot, least = draw(st.sampled_from([(0.0, 0.0), (0.001, 5.0), (0.01, 10.0)]))
    inverse = draw(st.booleans())
    tiers = draw(st.sampled_from([STEEP, (Tier(0.0, 0.005, 0.0),)]))
    found: list[Instrument] = [Instrument(f"{a}/USDT", a, lot=lot, minimum_notional=least) for a in names]
    for a in names:
        kinds = draw(st.sampled_from([(), ("perp",), ("perp",), ("dated",), ("perp", "dated")]))
        settle = f"USD:{a}" if inverse else "USDT:USDT"
        terms = {"lot": lot, "minimum_notional": least, "inverse": inverse, "tiers": tiers}
        if "perp" in kinds:
            found.append(Instrument(f"{a}/{settle}", a, kind=Kind.PERPETUAL, **terms))
        if "dated" in kinds:
            for days in (40, 85):
                expiry = FIRST_NS + days * NS_PER_DAY
                found.append(Instrument(f"{a}/{settle}-{days}", a, kind=Kind.DATED, expiry_ns=expiry, **terms))
    return Universe(names, "USDT", tuple(found))


LINEAR = ["binance_linear", "okx_linear", "bybit_linear_entry_mm"]
CONVENTIONS_OF = {False: LINEAR, True: [*LINEAR, "bitmex_inverse"]}
"""What a policy may name, by whether its hedge is inverse; the other kind takes its venue's row."""


@st.composite
def policy_rows(draw: st.DrawFn, inverse: bool = False) -> Policy:
    """A built-in policy with some of its cells changed."""
    percent = st.integers(0, 100).map(lambda n: f"{n} %")
    document: dict[str, Any] = {
        "extends": draw(st.sampled_from(BUILT_IN)), "name": "drawn",
        "hedge": {
            "instrument": draw(st.sampled_from(["perpetual", "perpetual", "dated", "carry"])), "inverse": inverse,
            "roll_slices": draw(st.sampled_from([1, 3])), "lengthen_after": draw(st.sampled_from(["0 d", "0 d", "10 d"])),
            "reserve": draw(st.sampled_from(["0 %", "25 %"])), "cap": draw(percent),
            "min_step": draw(st.sampled_from(["0.1 pp", "5 pp"])), "cross_rho2": draw(st.sampled_from(["30 %", "50 %"])),
            "cover_outside": draw(st.booleans()), "views": draw(st.booleans()), "external": draw(st.booleans()),
        },
        "guard": {
            "kappa": draw(st.sampled_from(["0 x", "1.5 x"])), "min_leg": draw(st.sampled_from(["0 %", "0.25 %", "2 %"])),
            "turnover_soft": draw(st.sampled_from(["1 x", "6 x", "1000 x"])), "turnover_hard": "1000 x",
            "participation": draw(st.sampled_from(["0.001 %", "1 %"])),
            "unknown_liquidity": draw(st.sampled_from(["refuse", "allow"])),
            "unknown_funding": draw(st.sampled_from(["refuse", "allow"])),
        },
        "margin": {
            "mode": draw(st.sampled_from(["isolated", "isolated", "cross", "unified"])),
            "convention": draw(st.sampled_from(CONVENTIONS_OF[inverse])),
            "liquidation": draw(st.sampled_from(["partial", "full"])), "haircut": draw(st.sampled_from(["0 %", "10 %", "50 %"])),
        },
        "costs": {
            "fee_in": draw(st.sampled_from(["quote", "quote", "base", "C0"])),
            "impact": draw(st.sampled_from(["0 x", "1 x", "5 x"])), "spot_fee": draw(st.sampled_from(["0 bp", "10 bp", "200 bp"])),
        },
        "targets": {"denominator": draw(st.sampled_from(["nav", "nav", "risk_assets"]))},
        "deploy": {"underweights": draw(st.booleans())},
        "dwell": draw(st.sampled_from(["0 d", "5 d"])),
    }  # fmt: skip
    if draw(st.booleans()):
        document["hedge"] |= {"leverage": "2 x", "high_risk": True}
    if draw(st.booleans()):
        document["hedge"]["constant"] = draw(percent)
    if draw(st.booleans()):
        document["trim"] = {"drawn": {
            "measure": draw(st.sampled_from(["drift_abs", "drift_rel"])), "threshold": "2 pp", "to": draw(st.sampled_from(
                ["target", "overshoot", "band_edge", "halfway"])), "size": "1 %", "how": draw(st.sampled_from(
                ["trim", "hedge", "cheaper"]))}}  # fmt: skip
        if document["trim"]["drawn"]["measure"] == "drift_rel":
            document["trim"]["drawn"]["threshold"] = "10 %"
    if draw(st.booleans()) and document.get("margin", {}).get("mode", "isolated") == "isolated":
        document["carry"] = {
            "enter": draw(st.sampled_from(["-50 %/yr", "5 %/yr"])), "leave": draw(st.sampled_from(["-60 %/yr", "-55 %/yr"])),
            "cap": draw(st.sampled_from(["10 %", "50 %"])), "each": "10 %", "min_hold": draw(st.sampled_from(["0 d", "7 d"])),
            "cooldown": draw(st.sampled_from(["0 d", "7 d"])), "instrument": draw(st.sampled_from(["perpetual", "dated"])),
        }  # fmt: skip
    return policies.parse(document, "drawn")


@st.composite
def cases(draw: st.DrawFn, days: int = 90) -> Case:
    """A whole run, drawn."""
    universe = draw(universes())
    policy = draw(policy_rows(inverse=any(it.inverse for it in universe.instruments)))
    seed = draw(st.integers(0, 2**32 - 1))
    per_day = draw(st.sampled_from([1, 3, 6]))
    pays_every = draw(st.sampled_from([1, per_day]))
    wildness = draw(st.sampled_from([0.0, 1.0, 4.0]))
    gaps = draw(st.booleans())
    hostile = draw(st.booleans())
    shares = np.array(
        draw(st.lists(st.integers(0, 5), min_size=len(universe.assets), max_size=len(universe.assets))), dtype=float
    )
    total = shares.sum() + draw(st.integers(0, 3))
    weights = {a: float(w / total) if total else 0.0 for a, w in zip(universe.assets, shares, strict=True)}
    made = stage_of(
        universe, seed, days=days, per_day=per_day, wildness=wildness, gaps=gaps, hostile=hostile, pays_every=pays_every
    )
    share = st.tuples(st.sampled_from([0.0, 0.0, 0.1, 1.0]), st.sampled_from([0.0, 0.05]), st.sampled_from([0.0, 0.1]))
    coins = tuple(draw(st.lists(share, min_size=len(universe.assets), max_size=len(universe.assets))))
    how = f"{seed=} {per_day=} {wildness=} {gaps=} {hostile=} {pays_every=}"
    return Case(policy, made, weights, draw(st.sampled_from([1e3, 1e5, 1e7])), coins, how)


def wander(rng: Generator, shape: tuple[int, ...], low: float, high: float) -> Floats:
    """A path that strolls between two bounds and stays a while where it is."""
    steps = rng.normal(0.0, 0.25, shape).cumsum(axis=0) + rng.uniform(0, 2, shape[1:])
    folded = np.abs(np.mod(steps, 2.0) - 1.0)
    return low + (high - low) * folded


def panel_of(rng: Generator, days: int, close: Floats, gaps: bool, hostile: bool) -> Floats:
    """A panel [D, M, A] of wandering measures; with gaps, some are unknown for a while; hostile ones reach absurd values."""
    assets = close.shape[1]
    out = np.full((days, measure.COUNT, assets), np.nan)
    for name, (low, high) in RANGES.items():
        path = wander(rng, (days, 1 if name in SHARED else assets), low, high)
        if name in FLAGS:
            path = (path > 0.999).astype(float)
        if gaps and rng.random() < 0.4:
            first = int(rng.integers(0, days))
            path[first : first + int(rng.integers(1, days))] = np.nan
        if hostile and rng.random() < 0.1:
            path[rng.integers(0, days, 5)] = rng.choice([0.0, -1e9, 1e9, -1e-300, 1e-300], (5, path.shape[1]))
        out[:, measure.INDEX[name]] = path
    out[:, measure.INDEX["view_rungs"]] = np.floor(np.clip(out[:, measure.INDEX["view_rungs"]], 0, 2))
    out[:, measure.INDEX["view_ratio"]] = np.clip(out[:, measure.INDEX["view_ratio"]], 0, 1)
    out[:, measure.INDEX["external_hedge"]] = np.clip(out[:, measure.INDEX["external_hedge"]], 0, 1)
    out[:, measure.INDEX["bars"]] = 730.0 if rng.random() < 0.7 else np.arange(days)[:, None]
    out[:, measure.INDEX["close"]] = close
    return out


def stage_of(
    universe: Universe, seed: int, *, days: int = 90, per_day: int = 1, wildness: float = 1.0, gaps: bool = False,
    hostile: bool = False, warm: int = 5, pays_every: int = 1,
) -> Stage:  # fmt: skip
    """A market of fat-tailed walks; with gaps, bars are missing, assets are listed late; hostile, single prints are wild.

    Perpetuals pay on every so many bars.
    """
    rng = np.random.default_rng(seed)
    bars, assets, count = days * per_day, len(universe.assets), len(universe.instruments)
    steps = wildness * (0.02 * rng.standard_t(3, (bars, assets)) + 0.02 * rng.standard_t(3, (bars, 1)))
    spot = 10.0 ** rng.uniform(-2, 4, assets) * np.exp(np.cumsum(np.clip(steps, -0.7, 0.7), axis=0))
    close, opened = np.zeros((bars, count)), np.zeros((bars, count))
    funding = np.zeros((bars, count))
    for i, it in enumerate(universe.instruments):
        a = universe.assets.index(it.asset)
        basis = 0.0 if it.kind is Kind.SPOT else wildness * rng.normal(0.0, 0.002, bars)
        close[:, i] = spot[:, a] * np.exp(basis)
        opened[0, i], opened[1:, i] = close[0, i], close[:-1, i] * np.exp(wildness * rng.normal(0, 0.002, bars - 1))
        if it.kind is Kind.PERPETUAL:
            funding[:, i] = np.nan if gaps and rng.random() < 0.2 else rng.normal(1e-4, 4e-4, bars)
            funding[np.arange(bars) % pays_every != 0, i] = 0.0
    noise = np.exp(wildness * np.abs(rng.normal(0, 0.01, (bars, count))))
    high, low = np.fmax(opened, close) * noise, np.fmin(opened, close) / noise
    if hostile:
        high[rng.integers(0, bars, 3), rng.integers(0, count, 3)] *= 3.0
    gone = np.zeros((bars, count), bool)
    if gaps:
        gone = rng.random((bars, count)) < 0.05
        for i in range(count):
            if rng.random() < 0.3:
                gone[: int(rng.integers(0, bars // 2)), i] = True
        for it_index, it in enumerate(universe.instruments):  # a contract is not older than its spot market
            gone[:, it_index] |= np.logical_and.accumulate(gone[:, universe.assets.index(it.asset)])
    for i, it in enumerate(universe.instruments):
        if it.expiry_ns is not None:
            gone[(it.expiry_ns - FIRST_NS) // NS_PER_DAY * per_day :, i] = True
    for block in (opened, high, low, close):
        block[gone] = np.nan
    fresh = np.isfinite(close).astype(np.uint8)
    for t in range(1, bars):
        close[t] = np.where(fresh[t] == 1, close[t], close[t - 1])
    day = np.where(np.arange(bars) % per_day == per_day - 1, np.arange(bars) // per_day, -1).astype(np.int32)
    step = NS_PER_DAY // per_day
    market = Market(
        universe, FIRST_NS + np.arange(bars, dtype=np.int64) * step, step, opened, high, low, close, fresh, funding, day,
        FIRST_NS + np.arange(days, dtype=np.int64) * NS_PER_DAY,
    )  # fmt: skip
    daily = close[per_day - 1 :: per_day, :assets]
    panel = panel_of(rng, days + warm, np.vstack([np.repeat(daily[:1], warm, axis=0), daily]), gaps, hostile)
    return Stage(market, np.ascontiguousarray(panel[warm:]), np.ascontiguousarray(panel[:warm]), simulated=True)
