"""The simulated market: made from a seed, labelled as made, with the statistics of the real one (domain section 3).

    seed, scenario -> timeline of regimes and events -> common factor and assets' own moves (clustered volatility,
    Student-t, jumps) -> spot bars -> premium -> perpetual bars, funding, dated futures -> volume, depth, macro series

Volatility follows an exponential GARCH (Nelson 1991): its logarithm is a sum of three linear filters of past shocks, so
it is computed without a loop over time. Highs and lows are drawn from the exact law of a Brownian bridge between open
and close, so estimators from ranges agree with those from closes. All logs are natural, T steps, A assets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import polars as pl
from numpy.random import Generator

from hedgerow import __version__
from hedgerow.errors import ConfigError, StoreError
from hedgerow.model.market import Floats, Ints
from hedgerow.research import scenarios
from hedgerow.research.scenarios import Asset, Event, Plan, Series, Spell, ar, faded, smoothed, table
from hedgerow.units import NS_PER_HOUR

LABEL: Final = "SIMULATED.json"
VOL_PARTS: Final = ((6.0, 0.22), (60.0, 0.28), (400.0, 0.36))  # half-life in hours, sd of log volatility
TREND: Final = (140.0, 1.3)  # passing drift of the factor: half-life in hours, sd per year; gives RSI its extremes
LEVERAGE: Final = 0.25  # share of a fall in the volatility shock; real leverage is weak (-0.05, shared/data)
TAIL: Final = 5.0  # degrees of freedom of the hourly Student t
WORST: Final = 0.12  # bound of one step's shock, log
JUMPS: Final = (3.0, -0.030, 0.035)  # of the common factor: per year, mean and sd of the log move
PUMP: Final = (0.06, 0.08)  # an asset's own jump: mean and sd of the log move
FOLLOW: Final = 0.75  # how far own volatility follows the common one: less than 1, so correlation rises in turmoil
SWING: Final = 0.3  # own volatility is higher in rises of the market than in its falls, in which coins move as one
INTEREST: Final = 1e-4  # funding's interest per 8 h (domain 2.7)
DAMPER: Final = 5e-4  # clamp of interest less premium (domain 2.7)
CAP: Final = 3e-3  # BTC and ETH per settlement; others 2.5 times (shared/data: 30 bp, 75 bp)
EXPIRIES: Final = ("BTC", "ETH")
PULL: Final = 5.0  # basis points of premium for a strong rise of the last days
LISTED_DAYS: Final = 182  # from listing to expiry: this quarter's contract and the next one's
PERP_TURNOVER: Final = 4.0  # times spot's (shared/data: 1.8 to 5.0)
MICRO: Final = 1.2e-4  # sd of the last perpetual price around its premium

Dated: TypeAlias = tuple[str, str, int, "Bars"]  # asset, YYYYMMDD, first step, bars [N, 1]


class Bars(NamedTuple):
    """[T, A] each: prices in USDT, volume in base units. NaN for what an asset does not have."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class SimulatedMarket:
    """Everything that was made. Times are bar openings in UTC.

    ``funding``: asset -> (settlement times in ns, rates per settlement).
    ``series``: file stem -> columns of the daily macro, stablecoin and depth files, with ``timestamp`` in ns.
    """

    seed: int
    scenario: str
    assets: tuple[str, ...]
    start: date
    days: int
    step_hours: int
    spells: tuple[Spell, ...]  # regimes in force: the hidden truth
    events: tuple[Event, ...]
    open_ns: Ints  # [T]
    spot: Bars
    perp: Bars
    funding: Mapping[str, tuple[Ints, Floats]]
    dated: tuple[Dated, ...]
    series: Series


def simulate(
    *,
    seed: int,
    assets: Sequence[str] = scenarios.DEFAULT_ASSETS,
    start: date,
    days: int,
    scenario: str = "cycle",
    step_hours: int = 1,
) -> SimulatedMarket:
    """Make ``days`` days from ``start`` on bars of ``step_hours``. The same arguments give the same arrays.

    Raises ConfigError for what cannot be made.
    """
    plan = scenarios.make_plan(seed, tuple(assets), start, days, scenarios.scenario_row(scenario), step_hours)
    logs, sigma, stable = _spot(plan)
    premium = _premium(plan, logs.close)
    turnover = _turnover(plan, sigma)
    digits = 6 - np.floor(np.log10([asset.price for asset in plan.assets])).astype(np.int64)
    ratio = np.exp(0.2 * plan.rng["ratio"].standard_normal(premium.shape))
    micro = MICRO * plan.rng["micro"].standard_normal(premium.shape)
    perp = _bars(_carried(logs, np.log1p(premium) + micro, plan.rng["perp"]), PERP_TURNOVER * turnover * ratio, digits)
    hedged = np.array([asset.perp for asset in plan.assets])
    said = (seed, scenario, tuple(assets), start, days, step_hours, plan.spells, plan.events, plan.open_ns)
    return SimulatedMarket(
        *said,
        spot=_bars(logs, turnover, digits),
        perp=Bars(*(np.where(hedged, column, np.nan) for column in perp)),
        funding={a.name: _funding(plan, premium[:, i], a) for i, a in enumerate(plan.assets) if a.perp},
        dated=_dated(plan, logs, premium, turnover, digits),
        series=scenarios.surroundings(plan, logs.close[:, plan.find("BTC")], stable) | _depth(plan, sigma),
    )


# ------------------------------------------------------------------------------------------------------ spot prices


class _Logs(NamedTuple):
    """Log prices [T, A]."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


def _spot(plan: Plan) -> tuple[_Logs, Floats, Floats]:
    """Log bars of the spot markets, volatility per step [T, A] (what was expected), log price of the stablecoin [T]."""
    pace = plan.season() * np.sqrt(plan.step / 8_760.0)
    state, shock, mixing, jump = _clustered(plan, "factor", 1, JUMPS)
    state += plan.lift()
    sd = plan.per_step("vol") * pace * np.exp(state)
    trend = TREND[1] * ar(plan.rng["trend"].standard_normal(sd.shape), TREND[0] / plan.step) * plan.step / 8_760.0
    worst = WORST * np.sqrt(plan.step)
    factor = (
        plan.pinned(np.clip(sd * shock, -worst, worst) + jump + trend) + plan.per_step("drift") * plan.step / 8_760.0
    )
    pumps = np.array([a.pumps for a in plan.assets])
    own, own_shock, own_mixing, own_jump = _clustered(plan, "own", len(plan.assets), (pumps, *PUMP))
    idio = np.array([a.idio for a in plan.assets]) * plan.per_step("idio")
    swing = SWING * np.tanh(ar(shock, 16.0 / plan.step))
    own_sd = idio * pace * np.exp(own + FOLLOW * (state - state.mean()) + swing)
    beta = np.array([a.beta for a in plan.assets])
    moves = beta * factor + plan.pinned(np.clip(own_sd * own_shock, -worst, worst) + own_jump)
    plan.script(moves)
    dollar = scenarios.stable_log(plan)
    moves -= np.diff(dollar, prepend=dollar[0])[:, None]
    shared = beta * beta * sd * sd
    variance = shared * mixing + own_sd * own_sd * own_mixing
    sigma = np.sqrt(shared + own_sd * own_sd)
    start = np.log([a.price for a in plan.assets])
    return _bridged(plan, start + np.cumsum(moves, axis=0), start, variance), sigma, dollar


def _clustered(
    plan: Plan, stream: str, width: int, jumps: tuple[float | Floats, float, float]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Log volatility (of mean square 1), Student-t shocks of unit variance, their mixing variance, jumps.

    Shock and jump both feed the volatility of later steps. All [T, width]. ``jumps``: per year, mean, sd of a log move.
    """
    rng, shape = plan.rng[stream], (len(plan.open_ns), width)
    mixing = np.minimum((TAIL - 2.0) / rng.chisquare(TAIL, shape), 8.0)
    z = rng.standard_normal(shape) * np.sqrt(mixing)
    rate, mean, sd = jumps
    jump = (rng.random(shape) < rate * plan.step / 8_760.0) * (mean + sd * rng.standard_normal(shape))
    felt = z + jump / 0.01
    seen = np.minimum(np.abs(felt), 8.0) - LEVERAGE * np.clip(felt, -4.0, 4.0)
    past = np.zeros(shape)
    past[1:] = (seen[:-1] - seen.mean(axis=0)) / seen.std()
    log = np.zeros(shape)
    for half_life, size in VOL_PARTS:
        log += size * ar(0.7 * past + 0.714 * rng.standard_normal(shape), half_life / plan.step)
    log = np.minimum(log, 1.1)
    return log - 0.5 * np.log(np.mean(np.exp(2.0 * log), axis=0)), z, mixing, jump


def _bridged(plan: Plan, close: Floats, start: Floats, variance: Floats) -> _Logs:
    """Bars around log closes: the maximum of a Brownian bridge is (x + sqrt(x^2 - 2 v ln U)) / 2 above its start."""
    rng, shape = plan.rng["path"], close.shape
    open_ = np.concatenate([start[None, :], close[:-1]])
    gaps = rng.random(shape) < 0.003
    open_[gaps] += 0.15 * np.sqrt(variance[gaps]) * rng.standard_normal(np.count_nonzero(gaps))
    x = close - open_
    up, down = (-2.0 * variance * np.log1p(-rng.random(shape)) for _ in range(2))
    return _Logs(open_, open_ + 0.5 * (x + np.sqrt(x * x + up)), open_ + 0.5 * (x - np.sqrt(x * x + down)), close)


# --------------------------------------------------------------------------------------------- perpetuals and futures


def _premium(plan: Plan, close: Floats) -> Floats:
    """Premium of the perpetual, a fraction of spot [T, A]: regime, recent returns, two noises; shallow below -4 bp.

    Real premiums are skewed: often +10 bp and more in bull markets, seldom under -6 bp but in crises (shared/data).
    """
    rng, step = plan.rng["premium"], plan.step
    moves = np.diff(close, axis=0, prepend=close[:1])
    level = smoothed(plan.per_step("premium_bps"), 72.0 / step)
    scale = np.array([a.premium_scale for a in plan.assets])
    bps = level + PULL * np.tanh(faded(moves, 96.0 / step) / 0.10)
    bps = bps + 3.4 * ar(rng.standard_normal((len(close), 1)), 60.0 / step)
    bps = bps + 2.7 * scale * ar(rng.standard_normal(close.shape), 14.0 / step)
    bps = np.where(bps > -4.0, bps, -4.0 + 0.35 * (bps + 4.0))
    return 1e-4 * bps + faded(0.006 * moves, 2.0 / step) + plan.pulse()


def _carried(spot: _Logs, carry: Floats, rng: Generator) -> _Logs:
    """Bars of a contract that stands ``carry`` (log) above spot at each close; the range moves with the mean carry."""
    close = spot.close + carry
    open_ = spot.open + np.concatenate([carry[:1], carry[:-1]])
    mean, wick = 0.5 * (open_ - spot.open + carry), MICRO * np.abs(rng.standard_normal((2, *carry.shape)))
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    high, low = spot.high + mean + wick[0], spot.low + mean - wick[1]
    return _Logs(open_, np.maximum(top, high), np.minimum(bottom, low), close)


def _funding(plan: Plan, premium: Floats, asset: Asset) -> tuple[Ints, Floats]:
    """Settlements after the first hours: rate = (P + clamp(I - P, +-5 bp)) x interval / 8 h, capped (domain 2.7)."""
    hours = _stamps(plan, asset)
    edges = np.concatenate([[0], hours]) // plan.step
    total = np.concatenate([[0.0], np.cumsum(premium)])
    first, last = edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)
    mean = (total[last] - total[first]) / (last - first)
    cap = CAP * (1.0 if asset.name in EXPIRIES else 2.5)
    rate = (mean + np.clip(INTEREST - mean, -DAMPER, DAMPER)) * np.diff(hours, prepend=0) / 8.0
    return plan.open_ns[0] + hours * NS_PER_HOUR, np.round(np.clip(rate, -cap, cap), 8)


def _stamps(plan: Plan, asset: Asset) -> Ints:
    """Hours of settlement since the start: every 8; every 4 and 2 for the focus asset of an event that shortens."""
    hours = set(range(8, plan.days * 24, 8))
    for event in plan.events:
        if event.shorten and plan.assets[plan.focus] == asset:
            first = plan.window(event).start * plan.step // 24 * 24
            last = min(first + event.hours, plan.days * 24)
            hours |= set(range(first + 24, min(last + 24, plan.days * 24), 4)) | set(range(first + 48, last, 2))
    return np.array(sorted(hours), dtype=np.int64)


def _dated(plan: Plan, spot: _Logs, premium: Floats, turnover: Floats, digits: Ints) -> tuple[Dated, ...]:
    """Quarterly futures, listed ``LISTED_DAYS`` before expiry; basis x time left, so nothing is left at expiry."""
    rng = plan.rng["dated"]
    basis = 0.015 * ar(rng.standard_normal((len(premium), 1)), 200.0 / plan.step)
    basis += smoothed(plan.per_step("basis"), 150.0 / plan.step)
    made: list[Dated] = []
    for name, (day, opens) in ((n, q) for n in EXPIRIES for q in _quarters(plan.start, plan.days)):
        columns = [i for i, a in enumerate(plan.assets) if a.name == name]
        first, last = max(0, (opens * 24 + 8) // plan.step), min((day * 24 + 8) // plan.step, len(premium))
        if not columns or last - first < 2:
            continue
        part = np.s_[first:last, columns]
        left = (day * 24.0 + 8.0 - (np.arange(first, last)[:, None] + 1.0) * plan.step) / 8_760.0
        near = np.minimum(left * 365.0 / 5.0, 1.0)
        carry = basis[first:last] * left + near * (0.5 * premium[part] + MICRO * rng.standard_normal(left.shape))
        logs = _carried(_Logs(*(column[part] for column in spot)), carry, rng)
        expiry = (plan.start + timedelta(days=day)).strftime("%Y%m%d")
        made.append((name, expiry, first, _bars(logs, 0.12 * turnover[part], digits[columns])))
    return tuple(made)


def _quarters(start: date, days: int) -> Iterator[tuple[int, int]]:
    """(day of expiry, day of listing) from the start: last Fridays of March, June, September, December."""
    for quarter in range(days // 90 + 5):
        month = 3 * quarter + 3
        after = date(start.year + month // 12, month % 12 + 1, 1)
        day = (after - timedelta(days=(after.weekday() + 2) % 7 + 1) - start).days
        if 0 < day < days + LISTED_DAYS:
            yield day, day - LISTED_DAYS


# ---------------------------------------------------------------------------------------------------- volume, depth


def _turnover(plan: Plan, sigma: Floats) -> Floats:
    """Spot turnover of each step in quote: log-normal, growing with volatility, persistent [T, A]."""
    rng, step = plan.rng["turnover"], plan.step
    scale = np.log(np.array([a.turnover for a in plan.assets]) * step / 24.0)
    log = scale + 0.8 * np.log(sigma / np.median(sigma, axis=0)) + plan.per_step("volume")
    log = log + 0.35 * ar(rng.standard_normal((len(sigma), 1)), 500.0 / step)
    for half_life, size in ((90.0, 0.30), (12.0, 0.25), (0.5, 0.30)):
        log = log + size * ar(rng.standard_normal(sigma.shape), half_life / step)
    return np.asarray(np.exp(log))


def _bars(logs: _Logs, turnover: Floats, digits: Ints) -> Bars:
    """Prices rounded to the asset's tick, 7 digits of its first price; volume in base units."""
    scale = 10.0**digits
    o, h, l, c = (np.maximum(np.rint(np.exp(column) * scale), 1.0) / scale for column in logs)
    return Bars(o, h, l, c, turnover / np.exp(0.5 * (logs.open + logs.close)))


def _depth(plan: Plan, sigma: Floats) -> Series:
    """Half-spread and depth within 2 % on one side, by day: wide and thin in volatile times and events [days]."""
    daily = sigma.reshape(plan.days, -1, len(plan.assets)).mean(axis=1)
    tense = np.log(daily / np.median(daily, axis=0))
    spread, depth = np.ones((plan.days, 1)), np.ones((plan.days, 1))
    for event in plan.events:
        window = plan.window(event)
        days = slice(window.start * plan.step // 24, (window.stop * plan.step - 1) // 24 + 1)
        spread[days], depth[days] = np.maximum(spread[days], event.spread), np.minimum(depth[days], event.depth)
    noise = np.exp(0.15 * plan.rng["depth"].standard_normal((4, *daily.shape)))
    wide = np.where(spread > 1.0, np.maximum(spread, np.exp(0.8 * tense)), np.exp(0.8 * tense))
    thin = np.where(depth < 1.0, np.minimum(depth, np.exp(-0.8 * tense)), np.exp(-0.8 * tense))
    made: Series = {}
    for i, a in enumerate(plan.assets):
        columns = {
            "timestamp": plan.days_ns,
            "half_spread_bps": a.half_spread_bps * wide[:, i] * noise[0, :, i],
            "depth2pct_quote": 0.008 * a.turnover * thin[:, i] * noise[1, :, i],
            "perp_half_spread_bps": (0.7 if a.perp else np.nan) * a.half_spread_bps * wide[:, i] * noise[2, :, i],
            "perp_depth2pct_quote": (0.04 if a.perp else np.nan) * a.turnover * thin[:, i] * noise[3, :, i],
        }
        made[f"depth_{a.name}_1d"] = columns
    return made


# ----------------------------------------------------------------------------------------------------------- the files


def tables(market: SimulatedMarket) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every file of the market as (stem, table), in the schema of a data folder."""
    freq, per_day = f"{market.step_hours}h", 24 // market.step_hours
    for kind, bars in (("spot", market.spot), ("perp", market.perp)):
        for i, name in enumerate(market.assets):
            if np.isnan(bars.close[0, i]):
                continue
            one = Bars(*(column[:, i] for column in bars))
            yield f"{kind}_{name}_{freq}", _frame(table(market.open_ns, **one._asdict()))
            yield f"{kind}_{name}_1d", _frame(table(market.open_ns[::per_day], **daily(one, per_day)._asdict()))
    for name, (stamps, rates) in market.funding.items():
        yield f"funding_{name}_8h", _frame({"timestamp": stamps, "rate": rates})
    for name, expiry, first, bars in market.dated:
        columns = {key: column[:, 0] for key, column in bars._asdict().items()}
        yield f"dated_{name}-{expiry}_{freq}", _frame(table(market.open_ns[first : first + len(bars.close)], **columns))
    for stem, series in market.series.items():
        yield stem, _frame(series)


def daily(bars: Bars, per_day: int) -> Bars:
    """Whole days of ``per_day`` bars [days] from the bars [T] of one asset."""
    o, h, l, c, v = (column.reshape(-1, per_day) for column in bars)
    return Bars(o[:, 0], h.max(axis=1), l.min(axis=1), c[:, -1], v.sum(axis=1))


def label(market: SimulatedMarket) -> dict[str, object]:
    """What ``SIMULATED.json`` says: that the data is made, from what, and by which version."""
    day = [(market.start + timedelta(days=spell.day)).isoformat() for spell in market.spells]
    return {
        "simulated": True,
        "notice": "Made from a seed, not recorded on any market. Names of assets are borrowed; prices are invented.",
        "library": "hedgerow", "version": __version__, "numpy": np.__version__,
        "seed": market.seed, "scenario": market.scenario,
        "description": scenarios.scenario_row(market.scenario).description,
        "assets": list(market.assets), "start": market.start.isoformat(), "days": market.days,
        "step_hours": market.step_hours,
        "parameters": {
            "assets": [scenarios.asset_row(name)._asdict() for name in market.assets],
            "regimes": [regime._asdict() for regime in scenarios.REGIMES],
            "spells": [[d, scenarios.REGIMES[s.regime].name] for d, s in zip(day, market.spells, strict=True)],
            "events": [event._asdict() for event in market.events],
            "volatility": {"parts_hours_sd": VOL_PARTS, "leverage": LEVERAGE, "student_t": TAIL, "jumps": JUMPS},
            "funding": {"interest": INTEREST, "damper": DAMPER, "cap": CAP},
        },
    }  # fmt: skip


def write(market: SimulatedMarket, folder: Path) -> list[Path]:
    """Write the market's files; the label goes first, so no made price ever lies in a folder without it.

    A folder with price files but no label holds recorded data and is refused. Files that an earlier label lists are
    removed first. Raises StoreError when the disk refuses.
    """
    mark, made = folder / LABEL, dict(tables(market))
    if folder.is_dir() and not mark.exists() and any(folder.glob("*.parquet")):
        raise ConfigError("the folder holds recorded data", where=str(folder), fix="Name an empty folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if mark.exists():
            for name in json.loads(mark.read_text("utf-8")).get("files", []):
                (folder / Path(name).name).unlink(missing_ok=True)
        files = [f"{stem}.parquet" for stem in made]
        mark.write_text(json.dumps(label(market) | {"files": files}, indent=1) + "\n", "utf-8")
        for stem, table in made.items():
            table.write_parquet(folder / f"{stem}.parquet", compression="zstd", compression_level=1)
    except (OSError, ValueError, pl.exceptions.ComputeError) as error:
        raise StoreError(f"{folder}: the simulated market cannot be written: {error}") from error
    return [mark, *(folder / name for name in files)]


def _frame(columns: Mapping[str, Floats | Ints]) -> pl.DataFrame:
    when = (pl.col("timestamp") // 1_000_000).cast(pl.Datetime("ms", "UTC"))
    return pl.DataFrame(dict(columns)).with_columns(when, pl.selectors.float().fill_nan(None))
