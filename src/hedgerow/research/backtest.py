"""One policy over one market: history and signals in, the compiled run, a ``Run`` record out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel import columns
from hedgerow.kernel.blocks import new_book, new_work
from hedgerow.kernel.rules import hedge_routes, pack, rebalance_due
from hedgerow.kernel.run import run as run_kernel
from hedgerow.kernel.run import warm_up
from hedgerow.model.market import Floats, Ints, Market
from hedgerow.model.plan import Reason, Refusal
from hedgerow.model.policy import Policy
from hedgerow.model.report import LegRecord, Run
from hedgerow.model.why import row_name, sentence, unit_of
from hedgerow.research.bars import bars_of
from hedgerow.units import NS_PER_DAY


@dataclass(frozen=True, slots=True)
class Stage:
    """A market made ready: panels, the signals of its days, and those of the days before that warm the regime.

    ``signals`` [D, M, A] and ``warm`` [W, M, A] as ``signals.panel`` gives them; ``simulated``: the market was made.
    ``deleveraged`` [T]: the share of every short in profit that the venue closes at the open of a bar; none: never.
    ``bars`` are those of the market as the kernel reads them, made once for all runs on it.
    """

    market: Market
    signals: Floats
    warm: Floats
    simulated: bool = False
    deleveraged: Floats | None = None
    bars: k.Bars = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bars", bars_of(self.market, self.deleveraged))


@dataclass(frozen=True, slots=True)
class Traces:
    """The blocks of a finished run, for those who look closer than ``Run``: the final book, the rules, the leg log."""

    rules: k.Rules
    book: k.Book
    work: k.Work
    log: Floats


def backtest(policy: Policy, stage: Stage, *, capital: float, weights: Mapping[str, float], label: str = "") -> Run:
    """Run ``policy`` with ``capital`` in stablecoins at the start. ``weights`` are target fractions of nav by asset."""
    return trace(policy, stage, capital=capital, weights=weights, label=label)[0]


def trace(
    policy: Policy,
    stage: Stage,
    *,
    capital: float,
    weights: Mapping[str, float],
    label: str = "",
    book: k.Book | None = None,
) -> tuple[Run, Traces]:
    """``backtest``, and the blocks it ran on. A given ``book`` is used (and changed) instead of an empty one."""
    blocks = Blocks(stage)
    traces = play(policy, stage, blocks, capital=capital, weights=weights, book=book)
    done = _records(policy, stage, traces.log)
    return run_of(policy, stage, blocks, traces, capital=capital, done=done, label=label), traces


class Blocks:
    """What a run over ``stage`` writes into; the next run over the same market may write into the same blocks.

    ``day`` [D, OUT_DAY], ``asset`` [D, OUT_ASSET, A] and ``bits`` [D, 2, A] get a row a day, ``log`` a row a leg and ``used``
    [1] the number of its rows. One run at a time.
    """

    def __init__(self, stage: Stage) -> None:
        market = stage.market
        days, assets = market.days_ns.shape[0], len(market.universe.assets)
        self.day = np.zeros((days, columns.OUT_DAY))
        self.asset = np.zeros((days, columns.OUT_ASSET, assets))
        self.bits = np.zeros((days, 2, assets), np.int64)
        self.used = np.zeros(1, np.int64)
        self.log = np.zeros((0, k.LEG))
        self._events = 4 * market.open_ns.shape[0] + 2 * int((market.funding[:, assets:] != 0.0).sum())

    def clear(self, legs: int) -> None:
        """Make ready for a run whose plans have at most so many ``legs``. The log needs no clearing: rows are written whole."""
        for block in (self.day, self.asset, self.bits, self.used):
            block.fill(0)
        rows = (self.day.shape[0] + 1) * legs + self._events
        if self.log.shape[0] < rows:
            self.log = np.zeros((rows, k.LEG))  # pages that are not used cost nothing


def play(
    policy: Policy,
    stage: Stage,
    blocks: Blocks,
    *,
    capital: float,
    weights: Mapping[str, float],
    book: k.Book | None = None,
) -> Traces:
    """Run ``policy`` into ``blocks``, which are those of this stage's market; the traces' log is a part of them."""
    if not 0.0 < capital < np.inf:
        raise ConfigError(f"the capital is {capital:g}", where="--capital", fix="It must be above 0.")
    market, universe = stage.market, stage.market.universe
    n_inst = len(universe.instruments)
    rules = pack(policy, universe, weights)
    if book is None:
        book = new_book(rules, n_inst, capital)
    work = new_work(rules, n_inst, stage.signals.shape[1])
    blocks.clear(work.legs.shape[0])
    if stage.warm.shape[0]:
        first = int(market.days_ns[0]) - stage.warm.shape[0] * NS_PER_DAY
        warm_days = np.arange(stage.warm.shape[0], dtype=np.int64) * NS_PER_DAY + first
        price, fresh = np.full(n_inst, np.nan), np.zeros(n_inst, np.uint8)
        warm_up(rules, book, work, stage.warm, price, fresh, hedge_routes(policy, universe, warm_days))
    run_kernel(
        rules, book, work, stage.bars, stage.signals, hedge_routes(policy, universe, market.days_ns),
        rebalance_due(policy, market.days_ns), blocks.day, blocks.asset, blocks.bits, blocks.log, blocks.used,
    )  # fmt: skip
    return Traces(rules, book, work, blocks.log[: min(int(blocks.used[0]), blocks.log.shape[0])])


def deleveraged(stage: Stage, shares: Mapping[int, float]) -> Stage:
    """The stage with auto-deleveraging: time in ns -> share of every short in profit that the venue closes at the open of
    the bar that holds it. Raises ConfigError for a time outside the run.
    """
    market = stage.market
    block = np.zeros(market.open_ns.shape[0])
    for at_ns, share in shares.items():
        bar = int(np.searchsorted(market.open_ns, at_ns, side="right")) - 1
        if bar < 0 or at_ns >= int(market.open_ns[-1]) + market.step_ns:
            when = str(np.datetime64(at_ns, "ns").astype("datetime64[m]"))
            raise ConfigError(
                f"{when} is not in the run", where="--deleverage", fix="Name a time between its first and last bar."
            )
        block[bar] = share
    return replace(stage, deleveraged=block)


def run_of(
    policy: Policy,
    stage: Stage,
    blocks: Blocks,
    traces: Traces,
    *,
    capital: float,
    done: Sequence[LegRecord] | None = None,
    label: str = "",
) -> Run:
    """The record of what was just played into ``blocks``, whose arrays it shares; ``done`` are its legs and refusals.

    Without ``done`` it has neither these nor votes and coverage, which take longer than the figures of a run.
    """
    book, day_out, asset_out, bits = traces.book, blocks.day, blocks.asset, blocks.bits
    universe = stage.market.universe
    regime = asset_out[:, columns.OA_STATE].astype(np.int64)
    votes = (
        {}
        if done is None
        else {
            name: np.where((bits[:, 1] >> v) & 1 == 0, -1, (bits[:, 0] >> v) & 1).astype(np.int64)
            for v, name in enumerate(policy.vote)
        }
    )
    coverage = {} if done is None else _coverage(stage, book, votes)
    done = done or ()
    return Run(
        policy=label or policy.name,
        title=policy.title or policy.name,
        simulated=stage.simulated,
        assets=universe.assets,
        quote=universe.quote,
        start_value=capital,
        days_ns=stage.market.days_ns,
        nav=day_out[:, columns.O_NAV],
        cash=day_out[:, columns.O_CASH],
        futures_equity=day_out[:, columns.O_FUTURES],
        price=asset_out[:, columns.OA_PRICE],
        weight=asset_out[:, columns.OA_WEIGHT],
        base=asset_out[:, columns.OA_BASE],
        target=asset_out[:, columns.OA_TARGET],
        h_intended=asset_out[:, columns.OA_H],
        h_achieved=asset_out[:, columns.OA_H_NOW],
        regime=regime,
        market_regime=regime[:, universe.market_asset],
        regimes=tuple(policy.regime),
        parts=day_out[:, columns.O_PARTS : columns.O_PARTS + k.PARTS],
        parts_by_asset=np.ascontiguousarray(book.asset[k.FIRST_PART : k.FIRST_PART + k.PARTS].T),
        turnover_spot=day_out[:, columns.O_SPOT_TRADED],
        turnover_futures=day_out[:, columns.O_FUTURES_TRADED],
        margin_ratio=day_out[:, columns.O_MARGIN],
        liquidation_distance=day_out[:, columns.O_DISTANCE],
        margin_capped=day_out[:, columns.O_CAPPED],
        wanted=day_out[:, columns.O_WANTED],
        sleeve=day_out[:, columns.O_SLEEVE],
        leverage=policy.hedge.leverage,
        margin=policy.margin,
        liquidations=int(book.scalar[k.S_LIQUIDATIONS]),
        legs=tuple(leg for leg in done if not leg.refused),
        refusals=tuple(leg for leg in done if leg.refused),
        votes=votes,
        coverage=coverage,
    )


def _coverage(stage: Stage, book: k.Book, votes: Mapping[str, Ints]) -> dict[str, object]:
    """What is told of the data, with what the run met in it: unknown funding, votes that abstained, a scenario."""
    coverage = dict(stage.market.coverage)
    coverage["unknown_funding_bars"] = int(book.scalar[k.S_UNKNOWN_FUNDING])
    coverage["votes_abstained"] = {
        name: int((answers == -1).sum()) for name, answers in votes.items() if (answers == -1).any()
    }
    if stage.deleveraged is not None:
        coverage["deleveraged"] = {
            f"{np.datetime64(int(stage.market.open_ns[t]), 'ns').astype('datetime64[s]')}Z": float(stage.deleveraged[t])
            for t in np.flatnonzero(stage.deleveraged)
        }
    return coverage


def _records(policy: Policy, stage: Stage, log: Floats) -> list[LegRecord]:
    """The log as records; legs that a new decision superseded before they filled are left out."""
    market = stage.market
    warmed = float(stage.warm.shape[0])
    closes = market.days_ns + NS_PER_DAY
    records = []
    for row in log[told(log)].tolist():  # plain floats: reading numpy scalars one by one takes three times as long
        day = int(row[k.L_DAY] - warmed) - 1
        records.append(leg_record(policy, market, row, day, int(closes[max(day, 0)])))
    return records


def told(log: Floats) -> NDArray[np.bool_]:
    """Which rows of a leg log are legs and refusals that a record tells: not payments, nor what was superseded."""
    return np.asarray((log[:, k.L_STATUS] != k.SUPERSEDED) & (log[:, k.L_KIND] != k.LEG_FUNDING))


def leg_record(policy: Policy, market: Market, row: Sequence[float], day: int, decided_ns: int) -> LegRecord:
    """One row of the leg log as a record: names instead of indices, the reason's sentence with its numbers."""
    universe = market.universe
    inst, served = int(row[k.L_INST]), int(row[k.L_FOR])
    instrument = universe.instruments[inst].symbol if inst >= 0 else f"{universe.assets[served]} futures"
    filled = row[k.L_STATUS] == k.FILLED
    units = row[k.L_DONE] if filled else (row[k.L_WANTED] if row[k.L_STATUS] == k.REFUSED else row[k.L_UNITS])
    kind = ("spot", "futures", "margin")[int(row[k.L_KIND])]
    price = float(row[k.L_FILL] if filled else row[k.L_PRICE])
    reason, refusal = Reason(int(row[k.L_REASON])), Refusal(int(row[k.L_REFUSAL]))
    name = row_name(policy, int(row[k.L_ROW]), reason)
    unit = unit_of(policy, refusal or reason, int(row[k.L_ROW]))
    cost = row[k.L_FEE] + row[k.L_SLIPPAGE] if filled else row[k.L_COST]
    sides = ("in", "out") if kind == "margin" else ("buy", "sell")
    return LegRecord(
        day=day,
        decided_ns=decided_ns,
        filled_ns=int(market.open_ns[int(row[k.L_AT])]) if filled else 0,
        instrument=instrument,
        asset=universe.assets[served],
        kind=kind,
        side=sides[0] if units > 0.0 else sides[1],
        amount=abs(float(units)),
        price=price,
        notional=abs(float(units)) * price,
        cost=float(cost),
        reason=reason.name.lower(),
        row=name,
        measured=float(row[k.L_MEASURED]),
        threshold=float(row[k.L_LIMIT]),
        refused=refusal.name.lower() if refusal else "",
        sentence=sentence(
            refusal or reason, name, float(row[k.L_MEASURED]), float(row[k.L_LIMIT]), unit, universe.quote
        ),
        unit=unit,
        sleeve="carry" if row[k.L_SLEEVE] == 1.0 else "",
    )
