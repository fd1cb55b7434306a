"""What the simulated market is made of: rows of assets, regimes, events and scenarios, and the timeline that they give.

Names of assets are borrowed for readability; every price made from these rows is invented. The figures were set so
that ``simulate`` reproduces the statistics of recorded markets (domain 3.2, 3.3, 2.3 and the files of ``shared/data``,
2020-2023; the measured values stand beside the bands in ``tests/research/test_simulate.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.random import PCG64, Generator

from hedgerow.errors import ConfigError
from hedgerow.model.market import Floats, Ints
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND

PRICES: Final = ("open", "high", "low", "close", "volume")


class Asset(NamedTuple):
    """One coin. ``premium_scale`` multiplies the noise of its perpetual's premium."""

    name: str
    price: float  # quote, at the start
    beta: float  # to the common factor
    idio: float  # own volatility, per year
    turnover: float  # spot, quote a day, median
    half_spread_bps: float  # in quiet times
    premium_scale: float
    pumps: float  # upward jumps of its own, per year
    perp: bool


class Regime(NamedTuple):
    """One state of the market as a whole. Rates are per year; log returns."""

    name: str
    drift: float  # of the common factor, log return per year
    vol: float  # of the common factor, per year
    idio: float  # multiplies the assets' own volatility: high = assets go their own ways, low = they fall together
    premium_bps: float  # level of the perpetual's premium before it is shaped
    basis: float  # of dated futures, per year
    volume: float  # log turnover against the median
    rate_change: float  # of the policy rate, percentage points per year
    shock: float  # log return of the day of liquidations that opens it (0: none)
    days: float  # mean length in the cycle
    next: tuple[tuple[str, float], ...]  # what follows it in the cycle, with probability; empty: the cycle ends


class Event(NamedTuple):
    """One scripted move. It starts at ``hour`` of the day at share ``at`` of the period and lasts ``hours``."""

    at: float  # share of the period, 0 to 1
    hour: int
    hours: int
    btc: float = 0.0  # log return of BTC over the event, in US dollars
    alts: float = 0.0  # the same for the others, each scaled by its beta over 1.1
    premium: float = 0.0  # the perpetual's premium moves by this fraction meanwhile, then fades (half-life 10 h)
    spread: float = 1.0  # multiplies spreads on its days
    depth: float = 1.0  # multiplies depth on its days
    stable: float = 0.0  # log price of the stablecoin: falls over the first sixth, holds a third, returns
    shorten: bool = False  # funding of the focus asset is settled every 4 h, then every 2 h


class Scenario(NamedTuple):
    """``spells`` are (regime, share of the days) in order; empty: drawn from the regimes' Markov chain."""

    description: str
    spells: tuple[tuple[str, float], ...]
    events: tuple[Event, ...] = ()


class Spell(NamedTuple):
    """A regime in force from ``day`` (0 = first) until the next spell begins; ``regime`` indexes ``REGIMES``."""

    day: int
    regime: int


# turnover: median of 2020-2023, shared/data; beta, idio: regression of daily returns on BTC without the largest pumps
ASSETS: Final = (
    Asset("BTC", 10_000.0, 1.00, 0.12, 1.8e9, 0.10, 1.0, 0.0, True),
    Asset("ETH", 320.0, 1.12, 0.36, 8.3e8, 0.15, 1.1, 0.5, True),
    Asset("BNB", 24.0, 1.05, 0.50, 1.4e8, 0.5, 1.3, 2.0, True),
    Asset("XRP", 0.28, 1.03, 0.60, 1.6e8, 0.6, 1.4, 2.5, True),
    Asset("ADA", 0.09, 1.12, 0.58, 6.2e7, 0.8, 1.4, 1.5, True),
    Asset("SOL", 4.0, 1.22, 0.70, 1.2e8, 0.8, 1.7, 2.0, True),
    Asset("DOGE", 0.012, 1.12, 0.68, 6.4e7, 0.9, 1.5, 3.0, True),
    Asset("AVAX", 6.0, 1.22, 0.68, 4.7e7, 1.2, 1.7, 2.0, True),
    Asset("LINK", 4.5, 1.15, 0.62, 6.4e7, 1.0, 1.4, 1.5, True),
    Asset("EOS", 2.6, 1.12, 0.60, 2.5e7, 1.5, 1.4, 1.0, False),
)
OTHER: Final = Asset("", 1.0, 1.10, 0.75, 2.0e7, 2.0, 1.6, 2.0, True)  # any name that has no row of its own
DEFAULT_ASSETS: Final = tuple(asset.name for asset in ASSETS)

REGIMES: Final = (
    Regime("recovery", 0.75, 0.50, 0.95, -2.8, 0.05, -0.2, 0.0, 0.0, 260, (("bull", 1.0),)),
    Regime("bull", 1.35, 0.56, 1.10, 3.4, 0.11, 0.1, 0.0, 0.0, 220, (("shakeout", 0.45), ("peak", 0.55))),
    Regime("shakeout", -1.2, 0.95, 0.95, -2.5, 0.03, 0.2, 0.0, -0.17, 24, (("bull", 1.0),)),
    Regime("peak", 2.40, 0.80, 1.25, 12.0, 0.28, 0.4, 0.5, 0.0, 70, (("crash", 1.0),)),
    Regime("crash", -1.5, 1.00, 0.90, -4.0, -0.01, 0.3, 0.5, -0.25, 35, (("bleed", 1.0),)),
    Regime("bleed", -0.58, 0.58, 0.80, -3.6, 0.02, -0.1, 2.5, 0.0, 380, (("bottom", 1.0),)),
    Regime("bottom", 0.05, 0.48, 0.80, -3.6, 0.02, -0.3, 0.5, 0.0, 200, ()),
    Regime("rally", 4.0, 0.80, 1.0, 8.0, 0.15, 0.3, 0.0, 0.0, 0, ()),
)
REGIME_NAMES: Final = tuple(regime.name for regime in REGIMES)
CYCLE_DAYS: Final = 1_200.0  # the cycle is stretched so that a whole number of about this length fits the period
FIRST: Final = "recovery"

SCENARIOS: Final[dict[str, Scenario]] = {
    "cycle": Scenario(
        "several years: recovery, bull, peak, crash, bleed, bottom, by the regimes' Markov chain, stretched to fit",
        (),
    ),
    "bull": Scenario(
        "a long rise with two shake-outs",
        (("bull", 0.4), ("shakeout", 0.05), ("bull", 0.3), ("shakeout", 0.05), ("bull", 0.2)),
    ),
    "squeeze": Scenario(
        "a fast rally that hurts shorts: +40 % in 24 hours at its worst, funding at its cap (domain 4.9)",
        (("bleed", 0.3), ("bottom", 0.2), ("rally", 0.2), ("recovery", 0.3)),
        (
            Event(0.50, 4, 18, btc=0.12, alts=0.16, premium=0.0010, spread=2.0, depth=0.5),
            Event(0.60, 1, 22, btc=0.355, alts=0.45, premium=0.0060, spread=3.0, depth=0.3),
        ),
    ),
    "crash": Scenario(
        "two crashes: -50 % in a day like 2020-03-12, and two hours in which alts lose more than half like 2025-10-10; "
        "spreads x5, depth a tenth (domain 4.9)",
        (("bull", 0.3), ("peak", 0.14), ("crash", 0.16), ("recovery", 0.2), ("bleed", 0.2)),
        (
            Event(0.45, 3, 18, btc=-0.74, alts=-0.86, premium=-0.030, spread=5.0, depth=0.1),
            Event(0.45, 22, 20, btc=0.14, alts=0.16, spread=3.0, depth=0.3),
            Event(0.80, 18, 2, btc=-0.17, alts=-0.80, premium=-0.050, spread=5.0, depth=0.1),
            Event(0.80, 20, 10, btc=0.06, alts=0.45, spread=3.0, depth=0.3),
        ),
    ),
    "slow_bleed": Scenario("a fall without a panic, month after month", (("bleed", 1.0),)),
    "depeg": Scenario(
        "the stablecoin falls to 0.90 dollar, stays for 36 hours and returns; prices in it rise meanwhile (4.9)",
        (("bleed", 0.6), ("bottom", 0.4)),
        (Event(0.50, 4, 108, btc=-0.05, alts=-0.08, spread=3.0, depth=0.3, stable=-0.1054),),
    ),
    "funding_spike": Scenario(
        "funding at -0.3 % per 8 h for 5 days with perpetuals below spot; one asset is settled every 4 h, "
        "then every 2 h, as SOL was in November 2022 (domain 4.9)",
        (("recovery", 0.4), ("crash", 0.1), ("bottom", 0.5)),
        (Event(0.45, 0, 120, btc=-0.10, alts=-0.30, premium=-0.0036, spread=2.0, depth=0.4, shorten=True),),
    ),
}

# one stream of chance a stage, so that a change in one stage leaves the draws of the others alone
STREAMS: Final = ("timeline", "factor", "trend", "own", "path", "premium", "micro", "perp", "turnover", "ratio",
                  "dated", "depth", "macro", "stable")  # fmt: skip
STEP_HOURS: Final = (1, 2, 4, 8)
# mean absolute return by UTC hour over its mean: shared/data, 9 assets
HOURS: Final = np.array([1.24, 1.07, 0.94, 0.91, 0.83, 0.88, 0.89, 0.92, 1.00, 0.94, 0.96, 0.94,
                         1.08, 1.11, 1.20, 1.13, 1.10, 0.98, 0.97, 0.97, 0.99, 1.00, 0.97, 1.00])  # fmt: skip
WEEKEND: Final = 0.8  # volatility of Saturday and Sunday
KEPT: Final = 0.25  # share of the chance deviation from a regime's drift that stays: a bleed is one under any seed

Series: TypeAlias = dict[str, dict[str, Floats | Ints]]  # file stem -> columns, ``timestamp`` in ns


def asset_row(name: str) -> Asset:
    """The row of ``name``; a name without one gets the figures of a small coin."""
    return next((row for row in ASSETS if row.name == name), OTHER._replace(name=name))


def scenario_row(name: str) -> Scenario:
    """The row of the scenario called ``name``."""
    if name not in SCENARIOS:
        raise ConfigError(f'"{name}" is not a scenario', where="scenario", fix=f"Choose one of {', '.join(SCENARIOS)}.")
    return SCENARIOS[name]


def timeline(scenario: Scenario, days: int, rng: Generator) -> tuple[tuple[Spell, ...], tuple[Event, ...]]:
    """Which regime holds from which day, and every event: the scripted ones, and one where a regime has a shock."""
    named = list(scenario.spells) or [spell for _ in range(max(1, round(days / CYCLE_DAYS))) for spell in _cycle(rng)]
    total = sum(share for _, share in named)
    spells: list[Spell] = []
    events = list(scenario.events)
    passed = 0.0
    for name, share in named:
        day = round(passed / total * days)
        passed += share
        if round(passed / total * days) == day:
            continue  # too short for this period
        regime = REGIME_NAMES.index(name)
        spells.append(Spell(day, regime))
        size = REGIMES[regime].shock * rng.uniform(0.7, 1.3)
        if size and not any(abs(event.at * days - day) < 5 for event in scenario.events):
            events.append(Event(day / days, int(rng.integers(0, 8)), 16, size, size, -0.0030, 4.0, 0.25))
    return tuple(spells), tuple(events)


def _cycle(rng: Generator) -> list[tuple[str, float]]:
    """One walk through the regimes' chain, with gamma-distributed lengths in days (coefficient of variation 0.35)."""
    spells: list[tuple[str, float]] = []
    name = FIRST
    while True:
        regime = REGIMES[REGIME_NAMES.index(name)]
        spells.append((name, regime.days * float(rng.gamma(8.0)) / 8.0))
        if not regime.next:
            return spells
        draw, name = float(rng.random()), regime.next[-1][0]
        for following, probability in regime.next:
            draw -= probability
            if draw < 0:
                name = following
                break


@dataclass(frozen=True, slots=True)
class Plan:
    """What every stage reads: the axis, the timeline, and the seeded streams, one a stage."""

    assets: tuple[Asset, ...]
    start: date
    days: int
    step: int  # hours
    open_ns: Ints
    spells: tuple[Spell, ...]
    events: tuple[Event, ...]
    rng: Mapping[str, Generator]

    def per_step(self, column: str) -> Floats:
        """A column of the regimes' table along the axis [T, 1]."""
        values = np.array([getattr(REGIMES[spell.regime], column) for spell in self.spells], dtype=np.float64)
        lengths = np.diff([spell.day for spell in self.spells] + [self.days]) * (24 // self.step)
        return np.repeat(values, lengths)[:, None]

    @property
    def days_ns(self) -> Ints:
        """Opening time of each day."""
        return self.open_ns[:: 24 // self.step]

    def find(self, name: str) -> int:
        """Index of the asset called ``name``; without it, of the first one."""
        return next((i for i, asset in enumerate(self.assets) if asset.name == name), 0)

    @property
    def focus(self) -> int:
        """Index of the asset on which events that shorten funding bear most: SOL, else the last with a perpetual."""
        hedged = [i for i, asset in enumerate(self.assets) if asset.perp]
        return next((i for i in hedged if self.assets[i].name == "SOL"), hedged[-1] if hedged else -1)

    def window(self, event: Event) -> slice:
        """The steps of an event, aligned to its hour of the day and cut to the period."""
        first = min((int(event.at * self.days + 1e-9) * 24 + event.hour) // self.step, len(self.open_ns) - 1)
        return slice(first, min(first + max(1, round(event.hours / self.step)), len(self.open_ns)))

    def season(self) -> Floats:
        """Volatility by hour of the day and day of the week, mean square 1 [T, 1]."""
        by_step = np.sqrt(np.mean(np.square(HOURS).reshape(-1, self.step), axis=1))
        weekday = (self.open_ns // NS_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        pace = np.tile(by_step, self.days) * np.where(weekday >= 5, WEEKEND, 1.0)
        return np.asarray((pace / np.sqrt(np.mean(pace * pace)))[:, None])

    def lift(self) -> Floats:
        """Log volatility that an event leaves behind, in step with its size; half-life 30 h [T, 1]."""
        after = np.zeros((len(self.open_ns), 1))
        for event in self.events:
            after[self.window(event)] += 2.5 * abs(event.btc) * self.step / 24.0
        return np.minimum(faded(after, 30.0 / self.step), 1.0)

    def pinned(self, moves: Floats) -> Floats:
        """Moves whose sum over each spell of a regime is shrunk to ``KEPT`` of itself, spread evenly over the spell."""
        edges = np.array([s.day for s in self.spells] + [self.days]) * (24 // self.step)
        means = np.add.reduceat(moves, edges[:-1], axis=0) / np.diff(edges)[:, None]
        return np.asarray(moves - (1.0 - KEPT) * np.repeat(means, np.diff(edges), axis=0))

    def script(self, moves: Floats) -> None:
        """Write the events into the moves: exact size over the window, half of the noise kept, the middle fastest."""
        for event in self.events:
            window = self.window(event)
            if event.btc == event.alts == 0.0:
                continue
            noise = moves[window] - moves[window].mean(axis=0)
            t = (np.arange(len(noise)) + 0.5) / len(noise)
            shape = np.exp(-0.5 * np.square((t - 0.55) / 0.18)) + 0.1
            sizes = np.array([event.btc if a.name == "BTC" else event.alts * a.beta / 1.1 for a in self.assets])
            moves[window] = 0.5 * noise + sizes * (shape / shape.sum())[:, None]

    def pulse(self) -> Floats:
        """What events add to the premium: constant meanwhile, then fading with a half-life of 10 h [T, A]."""
        extra = np.zeros((len(self.open_ns), len(self.assets)))
        for event in self.events:
            window = self.window(event)
            after = np.arange(len(extra) - window.stop) + 1.0
            depth = np.full(len(self.assets), event.premium)
            depth[self.focus] *= 6.0 if event.shorten else 1.0
            extra[window] += depth
            extra[window.stop :] += depth * (0.5 ** (after * self.step / 10.0))[:, None]
        return extra


def make_plan(seed: int, assets: tuple[str, ...], start: date, days: int, scenario: Scenario, step_hours: int) -> Plan:
    """Check the arguments, lay the axis, draw the timeline."""
    if not assets or len(set(assets)) != len(assets) or not all(name.isalnum() for name in assets):
        raise ConfigError("names must differ and be letters and digits", where="assets", fix="Write BTC,ETH,SOL.")
    if days < 2:
        raise ConfigError(f"{days} days are not a market", where="days", fix="Ask for at least 2.")
    if step_hours not in STEP_HOURS:
        raise ConfigError(f"bars of {step_hours} hours", where="step_hours", fix=f"Choose one of {STEP_HOURS}.")
    if seed < 0:
        raise ConfigError(f"the seed {seed} is negative", where="seed", fix="Use a whole number from 0 on.")
    streams = dict(zip(STREAMS, Generator(PCG64(seed)).spawn(len(STREAMS)), strict=True))
    spells, events = timeline(scenario, days, streams["timeline"])
    first = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * NS_PER_SECOND
    axis = first + np.arange(days * 24 // step_hours, dtype=np.int64) * (step_hours * NS_PER_HOUR)
    rows = tuple(asset_row(name) for name in assets)
    return Plan(rows, start, days, step_hours, axis, spells, events, streams)


def faded(shocks: Floats, half_life: float) -> Floats:
    """y[t] = x[t] + d y[t-1] with d from the half-life in steps, by doubling: log2(T) passes, no loop over time."""
    total, shift, decay = shocks.copy(), 1, 0.5 ** (1.0 / half_life)
    while shift < len(total) and decay > 1e-14:
        total[shift:] = total[shift:] + decay * total[:-shift]
        shift, decay = 2 * shift, decay * decay
    return total


def ar(shocks: Floats, half_life: float) -> Floats:
    """First-order autoregression of unit-variance shocks, scaled to unit variance from its first step on [T, K]."""
    decay = 0.5 ** (1.0 / half_life)
    start = shocks * np.sqrt(1.0 - decay * decay)
    start[0] = shocks[0]
    return faded(start, half_life)


def stable_log(plan: Plan) -> Floats:
    """Log price of the stablecoin in dollars [T]: noise of 9 bp (Coinbase/Binance, shared/data), and events."""
    log = 0.0009 * ar(plan.rng["stable"].standard_normal((len(plan.open_ns), 1)), 14.0 / plan.step)[:, 0]
    for event in plan.events:
        window = plan.window(event)
        t = (np.arange(window.stop - window.start) + 1.0) / (window.stop - window.start)
        log[window] += event.stable * np.clip(np.minimum(6.0 * t, 2.0 * (1.0 - t)), 0.0, 1.0)
    return log


def surroundings(plan: Plan, close: Floats, stable: Floats) -> Series:
    """Stablecoin; fear and greed (known when its day opens); VIX, DXY and EFFR on weekdays, tied loosely to close."""
    rng, days = plan.rng["macro"], plan.days
    per_day = 24 // plan.step
    daily = np.concatenate([close[:1], close[per_day - 1 :: per_day]])  # [days + 1]: what is known when each day opens
    ago = np.maximum(np.arange(days) - 30, 0)
    noise = ar(rng.standard_normal((days, 1)), 8.0)
    mood = 46.0 + 38.0 * np.tanh((daily[:days] - daily[ago]) / 0.32) + 11.0 * noise[:, 0]
    fall = np.diff(daily)[:, None]
    vix = np.exp(2.92 + 0.27 * ar(rng.standard_normal((days, 1)), 28.0) - 0.5 * faded(fall, 6.0))[:, 0]
    before = np.concatenate([vix[:1], vix[:-1]])
    wick = np.exp(0.03 * np.abs(rng.standard_normal((2, days))))
    dollar = 100.0 * np.exp(0.05 * ar(rng.standard_normal((days, 1)), 150.0) - 0.02 * faded(fall, 10.0))[:, 0]
    wanted = 1.5 + np.cumsum(plan.per_step("rate_change")[::per_day, 0]) / 365.0
    steps = 0.25 * np.rint(wanted[np.arange(days) // 45 * 45] / 0.25)
    stock = {"open": before, "high": np.maximum(before, vix) * wick[0], "low": np.minimum(before, vix) / wick[1]}
    path = np.concatenate([stable[:1], stable])[np.arange(days)[:, None] * per_day + np.arange(per_day + 1)]
    edges = {"open": path[:, 0], "high": path.max(axis=1), "low": path.min(axis=1), "close": path[:, -1]}
    made: Series = {
        "stable_USDT_1d": table(plan.days_ns, **{name: np.exp(column) for name, column in edges.items()}),
        "macro_FNG_1d": table(plan.days_ns, close=np.clip(np.rint(mood), 3.0, 97.0)),
    }
    traded = {"VIX": stock | {"close": vix}, "DXY": {"close": dollar}, "EFFR": {"close": np.maximum(steps, 0.0) + 0.08}}
    weekday = (plan.days_ns // NS_PER_DAY + 3) % 7 < 5
    for name, columns in traded.items():
        whole = table(plan.days_ns, **columns)
        made[f"macro_{name}_1d"] = {key: column[weekday] for key, column in whole.items()}
    return made


def table(days: Ints, **columns: Floats) -> dict[str, Floats | Ints]:
    """The columns of a price file; what is not given is unknown."""
    made: dict[str, Floats | Ints] = {"timestamp": days}
    return made | {name: columns.get(name, np.full(len(days), np.nan)) for name in PRICES}


def smoothed(column: Floats, half_life: float) -> Floats:
    """Exponential mean of a column that stood at its first value for ever before."""
    decay = 0.5 ** (1.0 / half_life)
    start = (1.0 - decay) * column
    start[0] = column[0]
    return faded(start, half_life)
