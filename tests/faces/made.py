"""A made-up comparison, seeded and plausible: five states of the market, trims, hedges, refusals, nine benchmarks.

It is a small simulation with its own books, so that parts add up and benchmarks differ for a reason; not the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hedgerow.ledger import statistics
from hedgerow.model.report import PARTS, Comparison, LegRecord, Run
from hedgerow.units import NS_PER_DAY, NS_PER_HOUR

ASSETS = ("BTC", "ETH", "SOL", "LINK", "DOGE", "ADA", "XRP", "BNB", "AVAX", "DOT")
START_NS = 1_577_836_800_000_000_000  # 2020-01-01
REGIMES = ("bull-calm", "neutral", "peak", "downturn", "bottom")
DRIFT = (0.0038, 0.0008, 0.0015, -0.0048, 0.0012)
SIGMA = (0.022, 0.028, 0.042, 0.048, 0.038)
STAY = (55, 35, 18, 45, 22)
NEXT = (
    (0, 0.6, 0.4, 0, 0),
    (0.5, 0, 0.2, 0.3, 0),
    (0.1, 0.3, 0, 0.6, 0),
    (0, 0.3, 0, 0, 0.7),
    (0.5, 0.5, 0, 0, 0),
)
BAND = 0.10
LINES = (
    "nav", "cash", "futures_equity", "turnover_spot", "turnover_futures", "margin_ratio", "liquidation_distance",
    "margin_capped", "wanted",
)  # fmt: skip
HEDGE = (0.1, 0.25, 0.6, 0.75, 0.25)
REFUSALS = (
    ("cost_benefit", "The expected benefit of {:.1f} does not reach 1.5 times the cost of {:.1f}."),
    ("cooldown", "This row traded less than 7 days ago."),
    ("min_size", "The leg is smaller than 0.25 % of net asset value."),
    ("liquidity", "The order would take {:.1f} % of the hourly volume; at most 1 % is allowed."),
    ("no_collateral", "The futures wallet holds too little for this short at 1x."),
    ("turnover_budget", "The year's turnover of {:.1f} times has used up the budget of 6."),
)
TITLES = {
    "B0": "Hold", "B1": "Monthly rebalancing", "B2": "Drift 10 pp, no hedge", "B3": "Constant 50 %",
    "B4": "Constant, exposure-matched", "B5": "Volatility target", "B6": "Trend hedge", "B7": "seed",
    "B8": "All stable",
}  # fmt: skip


def market(days: int, assets: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States [D, A], prices [D + 1, A] and daily funding rates [D, A]."""
    rng = np.random.default_rng(seed)
    states = np.zeros((days, assets), dtype=np.int64)
    common = np.zeros(days, dtype=np.int64)
    state, left = 1, 20
    for d in range(days):
        if left == 0:
            state = int(rng.choice(5, p=NEXT[state]))
            left = 5 + int(rng.exponential(STAY[state]))
        common[d], left = state, left - 1
    for i in range(assets):
        lag = int(rng.integers(0, 12)) if i else 0
        states[:, i] = np.concatenate([np.full(lag, common[0]), common])[:days]
    shock = rng.standard_t(4, days) / np.sqrt(2)
    own = rng.standard_t(4, (days, assets)) / np.sqrt(2)
    scale = 1.0 + 0.25 * np.arange(assets)
    log = np.array(DRIFT)[common][:, None] + np.array(SIGMA)[common][:, None] * scale * (
        0.8 * shock[:, None] + 0.6 * own
    )
    price = np.vstack([np.zeros(assets), np.cumsum(log - 0.0004 * scale * scale, axis=0)])
    funding = np.array([0.0005, 0.0003, 0.0012, -0.0002, 0.0])[states] + rng.normal(0, 0.0002, (days, assets))
    return states, np.exp(price) * np.array([7200, 130, 2.0, 1.8, 0.002, 0.03, 0.2, 14, 3.0, 4.0])[:assets], funding


@dataclass
class Books:
    """What one policy holds and did, day by day."""

    names: tuple[str, ...]
    rng: np.random.Generator
    coins: np.ndarray
    short: np.ndarray
    cash: float
    today: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [A, P] parts of the day
    turnover: list[float] = field(default_factory=lambda: [0.0, 0.0])
    wanted: int = 0
    legs: list[LegRecord] = field(default_factory=list)
    refusals: list[LegRecord] = field(default_factory=list)

    def carry(self, price: np.ndarray, before: np.ndarray, funding: np.ndarray) -> None:
        """Mark the holdings to the new price, with a little basis, and pay funding."""
        self.today, self.turnover, self.wanted = np.zeros((len(self.names), len(PARTS))), [0.0, 0.0], 0
        self.today[:, 0] = self.coins * (price - before)
        self.today[:, 1] = -self.short * (price - before)
        self.today[:, 2] = -self.short * self.rng.normal(0, 0.0002, len(price)) * price
        self.today[:, 3] = self.short * price * funding
        self.cash += float(self.today[:, 1:4].sum())

    def trade(self, i: int, kind: str, coins: float, record: dict[str, object]) -> None:
        """Fill a trade of so many coins (negative: sold) and book its costs."""
        spot = kind == "spot"
        value = abs(coins) * float(record["price"])
        fee, slip = ((0.001, 0.0003) if spot else (0.0005, 0.0002)) if value else (0.0, 0.0)
        self.today[i, 4 if spot else 5] -= fee * value
        self.today[i, 6 if spot else 7] -= slip * value
        self.cash -= (fee + slip) * value
        if spot:
            self.coins[i] += coins
            self.cash -= coins * float(record["price"])
        else:
            self.short[i] -= coins
        self.turnover[0 if spot else 1] += value
        self.legs.append(self.record(i, kind, coins, record, cost=(fee + slip) * value))

    def refuse(self, i: int, kind: str, coins: float, record: dict[str, object]) -> str:
        """Refuse it for one of the usual reasons, which is returned."""
        reason, sentence = REFUSALS[int(self.rng.choice(len(REFUSALS), p=[0.45, 0.15, 0.2, 0.05, 0.1, 0.05]))]
        sentence = sentence.format(*self.rng.uniform(2, 9, 2))
        changed = {**record, "filled_ns": 0, "sentence": sentence, "refused": reason}
        self.refusals.append(self.record(i, kind, coins, changed, cost=0.0))
        return reason

    def record(self, i: int, kind: str, coins: float, record: dict[str, object], *, cost: float) -> LegRecord:
        symbol = f"{self.names[i]}/USDT" + (":USDT" if kind == "futures" else "")
        shared = {"asset": self.names[i], "instrument": symbol, "kind": kind, "side": "sell" if coins < 0 else "buy"}
        amount = abs(coins)
        return LegRecord(**record, **shared, amount=amount, notional=amount * float(record["price"]), cost=cost)


def _spot(books: Books, i: int, over: float, nav: float, weight: float, bottom: bool, wait: bool, base: dict) -> bool:
    """Trim a winner by half of its excess, or deploy stablecoins at the bottom; whether something was traded."""
    name, price = books.names[i], base["price"]
    if over > BAND:
        sentence = f"{name} stands {over * 100:.1f} pp above its target; half of the excess is sold."
        row = {"reason": "drift", "row": "trim.drift", "measured": over, "threshold": BAND, "sentence": sentence}
        coins = -0.5 * over * nav / price
    elif over < -0.5 * weight and bottom and books.cash > 0.2 * nav and not wait:
        sentence = "A tranche of stablecoins goes into an undervalued and sound asset."
        row = {"reason": "deploy", "row": "deploy.tranche", "sentence": sentence}
        row |= {"measured": over / weight, "threshold": -0.25}
        coins = 0.25 * (books.cash - 0.15 * nav) / price
    else:
        return False
    books.wanted += 1
    if wait:
        books.refuse(i, "spot", coins, base | row)
        return False
    books.trade(i, "spot", coins, base | row)
    return True


def _futures(books: Books, i: int, want: float, state: str, base: dict) -> str:
    """Move the short to the wanted ratio, or be refused; the reason of a refusal."""
    if books.coins[i] <= 0:
        return ""
    have = books.short[i] / books.coins[i]
    if abs(want - have) < 0.05:
        return ""
    books.wanted += 1
    sentence = f"{books.names[i]} is in {state}: the hedge goes from {have * 100:.0f} % to {want * 100:.0f} %."
    row = {"reason": "regime", "row": f"regime.{state}", "measured": have, "threshold": want, "sentence": sentence}
    coins = (have - want) * books.coins[i]
    if books.rng.random() < 0.3:
        return books.refuse(i, "futures", coins, base | row)
    books.trade(i, "futures", coins, base | row)
    return ""


def run_of(
    name: str,
    world: tuple[np.ndarray, np.ndarray, np.ndarray],
    hedge: np.ndarray,
    *,
    target: float = 0.8,
    trims: bool = True,
    seed: int = 5,
    simulated: bool = True,
) -> Run:
    """One book over the world with this intended hedge [D, A]."""
    states, prices, funding = world
    days, assets = states.shape
    weights = np.array([0.5, 0.3, 0.2, 0.2, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1])[:assets]
    weights = weights / weights.sum() * target
    start, last = 1_000_000.0, np.full(assets, -99)
    books = Books(ASSETS[:assets], np.random.default_rng(seed), start * weights / prices[0], np.zeros(assets), 0.0)
    books.cash = start * (1 - target)
    by_asset, entry = np.zeros((assets, len(PARTS))), prices[0].copy()
    out = {key: np.zeros((days, assets)) for key in ("weight", "target", "h_intended", "h_achieved")}
    line = {key: np.zeros(days) for key in LINES}
    parts = np.zeros((days, len(PARTS)))
    for d in range(days):
        price = prices[d + 1]
        books.carry(price, prices[d], funding[d])
        nav = books.cash + float((books.coins * price).sum())
        stamp = START_NS + (d + 1) * NS_PER_DAY
        for i in range(assets):
            base = {"day": d, "decided_ns": stamp, "filled_ns": stamp + NS_PER_HOUR, "price": price[i]}
            over = books.coins[i] * price[i] / nav - weights[i]
            bottom = bool(target) and states[d, i] == 4
            if trims and _spot(books, i, over, nav, weights[i], bottom, d - last[i] < 7, base):
                last[i] = d
            want, before = float(hedge[d, i]), books.short[i]
            line["margin_capped"][d] += _futures(books, i, want, REGIMES[states[d, i]], base) == "no_collateral"
            entry[i] = price[i] if books.short[i] > before else entry[i]
            books.short[i] = min(books.short[i], books.coins[i])
            out["h_intended"][d, i] = want
        by_asset += books.today
        parts[d] = by_asset.sum(axis=0)
        nav = start + parts[d].sum()
        held = float((books.short * price).sum())
        out["weight"][d], out["target"][d] = books.coins * price / nav, weights
        out["h_achieved"][d] = np.divide(books.short, books.coins, out=np.full(assets, np.nan), where=books.coins > 0)
        line["nav"][d], line["cash"][d], line["futures_equity"][d] = nav, books.cash * 0.6, books.cash * 0.4
        line["turnover_spot"][d], line["turnover_futures"][d] = books.turnover
        line["wanted"][d] = books.wanted
        line["margin_ratio"][d] = 0.005 * held / (held + 0.4 * abs(books.cash)) if held else 0.0
        far = np.min(2 * entry / price / 1.005 - 1, where=books.short > 0, initial=np.inf)
        line["liquidation_distance"][d] = max(0.12, far) if held else np.inf
    legs = tuple(books.legs)
    if days > 400 and legs:
        legs += (_topped_up(legs[-1]),)
    return Run(
        policy=name, title=TITLES.get(name, name.title()), simulated=simulated, assets=books.names, quote="USDT",
        start_value=start, days_ns=START_NS + NS_PER_DAY * np.arange(days, dtype=np.int64), regime=states,
        market_regime=states[:, 0], regimes=REGIMES, base=out["weight"] * line["nav"][:, None], price=prices[1:], parts=parts, parts_by_asset=by_asset,
        liquidations=0, legs=legs, refusals=tuple(books.refusals), coverage=_coverage(books.names, days), **out, **line,
    )  # fmt: skip


def _topped_up(leg: LegRecord) -> LegRecord:
    """A deed of the risk clock."""
    sentence = "The nearest liquidation is less than 60 % away: margin is topped up to the notional."
    moment = START_NS + 401 * NS_PER_DAY + 5 * NS_PER_HOUR
    changes = {"day": -1, "kind": "margin", "side": "in", "reason": "margin", "row": "guard.margin"}
    return replace(leg, sentence=sentence, decided_ns=moment, filled_ns=moment, **changes)


def _coverage(names: tuple[str, ...], days: int) -> dict[str, object]:
    bars = {"daily bars": days, "hourly bars": 24 * days - 7, "missing": 7, "funding from": "2020-01-08"}
    return {
        "source": "made by the tests",
        "days used": days,
        "warm-up": "400 days before the first",
        "markets": dict.fromkeys(names, bars),
        "abstained": {"fear": 3, "dated futures": "no data"},
    }


def comparison(
    days: int = 1096,
    assets: int = 5,
    *,
    seed: int = 3,
    benchmarks: bool = True,
    simulated: bool = True,
    policy: str = "balanced",
) -> Comparison:
    """The policy ``balanced`` beside B0 to B8 (or alone) over a made-up market."""
    world = market(days, assets, seed)
    states, prices, _ = world
    rule = np.array(HEDGE)[states]
    drawn = {"seed": seed, "simulated": simulated}
    subject = run_of(policy, world, rule, **drawn)
    figures = statistics.metrics(subject)
    if not benchmarks:
        return Comparison(subject, {}, figures, {})
    mean = figures["mean_hedge_ratio"] or 0.0
    flat = np.ones(states.shape)
    below = prices[1:] < np.array([prices[max(0, d - 199) : d + 1].mean(axis=0) for d in range(days)])
    calm = np.clip(1 - 0.022 / np.array(SIGMA)[states], 0, 1)
    runs = {
        "B0": run_of("B0", world, 0 * flat, trims=False, **drawn),
        "B1": run_of("B1", world, 0 * flat, **drawn),
        "B2": run_of("B2", world, 0 * flat, **drawn),
        "B3": run_of("B3", world, 0.5 * flat, **drawn),
        "B4": run_of("B4", world, mean * flat, **drawn),
        "B5": run_of("B5", world, calm, **drawn),
        "B6": run_of("B6", world, 0.75 * below, **drawn),
        "B7": run_of("B7", world, np.roll(rule, 12, axis=0), **drawn),
        "B8": run_of("B8", world, 0 * flat, target=0.0, **drawn),
    }
    unhedged = runs["B2"]
    each = {name: statistics.metrics(run, unhedged=unhedged) for name, run in runs.items()}
    return Comparison(subject, runs, statistics.metrics(subject, unhedged=unhedged), each)
