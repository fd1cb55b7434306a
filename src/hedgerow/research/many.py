"""Many portfolios decided in one go: packed by the assets they hold, handed to the kernel in pieces, told as they come.

    chunks of what is asked  x  a seat for each set of assets  ->  chunks of what was found, in the order of asking

Each plan is ``decision.plan_for`` of its portfolio, bit for bit. Pieces run on threads that hold no lock of Python's; only a
few chunks are under way at any time, so memory does not grow with their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from hedgerow.errors import ConfigError
from hedgerow.kernel import arrays as k
from hedgerow.kernel import holding as q
from hedgerow.kernel import many as m
from hedgerow.kernel.blocks import copy_book, copy_work
from hedgerow.kernel.portfolio import pack_portfolio, refusal
from hedgerow.kernel.rules import stable_reserve, target_weights
from hedgerow.model.instrument import Universe
from hedgerow.model.market import Floats, Ints
from hedgerow.model.portfolio import Portfolio
from hedgerow.model.report import LegRecord
from hedgerow.research.decision import Seat, legs_of, totals, transfers

AHEAD: Final = 2  # chunks under way
PIECE: Final = 64  # portfolios: a smaller piece is not worth a thread
ROWS: Final = 12  # legs and refusals that a portfolio has, roughly


class Packs(NamedTuple):
    """N portfolios of one universe, packed (``kernel.holding``); ``symbols`` names the positions of all of them."""

    heads: Floats  # [N, HEAD]
    held: Floats  # [N, HELD, A]
    positions: Floats  # [P, POSITION]
    firsts: Ints  # [N + 1]
    symbols: Sequence[str]  # [P]


@dataclass(frozen=True, slots=True)
class Part:
    """Portfolios of a chunk that hold the same assets in the same order: at one seat they share a market."""

    assets: tuple[str, ...]
    quote: str
    at: Ints  # [N] places in the chunk
    pack: Callable[[Universe], Packs]
    targets: Mapping[int, Mapping[str, float]] = field(
        default_factory=dict
    )  # of those that state their own, by 0 to N - 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some portfolios in the order of asking, ``places`` says where each is written; what was refused before it could be
    decided stands in ``errors`` by its number.
    """

    names: Sequence[str]
    places: Sequence[str]
    parts: Sequence[Part]
    errors: dict[int, ConfigError]


@dataclass(frozen=True, slots=True)
class Found:
    """What the kernel found for the N portfolios of a part (``kernel.many`` says what the blocks hold)."""

    seat: Seat
    at: Ints  # [N]
    faults: Floats
    totals: Floats
    stands: Floats
    collateral: Floats
    spans: Ints
    rows: Floats
    symbols: Sequence[str]
    firsts: Ints

    def refusal(self, n: int) -> ConfigError | None:
        """Why portfolio ``n`` could not be decided; None where it was."""
        if self.faults[n, q.Z_CODE] == q.SOUND:
            return None
        own = tuple(self.symbols[self.firsts[n] : self.firsts[n + 1]])
        return refusal(self.faults[n], self.seat.stage.market.universe, own)


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of one portfolio among many; where ``error`` stands, nothing was decided and all else is empty.

    ``before`` and ``after`` are value, cash, carry, spot and short in quote, ``stable_weight`` and ``net_exposure``; ``regime`` is
    (row, days in it) by asset, ``transfers`` collateral by contract. Each is what ``Decision`` has under that name.
    """

    portfolio: str
    error: ConfigError | None = None
    quote: str = ""
    day_ns: int = 0
    market_asset: str = ""
    regime: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    legs: tuple[LegRecord, ...] = ()
    refusals: tuple[LegRecord, ...] = ()
    transfers: Mapping[str, float] = field(default_factory=dict)
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Net asset value at the close, in quote; nan where nothing was decided."""
        return self.before.get("value", float("nan"))


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk that was decided: ``errors`` by place, and what was found by part."""

    names: Sequence[str]
    errors: dict[int, ConfigError]
    found: Sequence[Found]

    def plans(self) -> Iterator[Planned]:
        """Every portfolio's plan or error, in the order of asking."""
        where = {int(place): (found, n) for found in self.found for n, place in enumerate(found.at)}
        for place, name in enumerate(self.names):
            error = self.errors.get(place)
            yield Planned(name, error) if error is not None else planned(name, *where[place])


def planned(name: str, found: Found, n: int) -> Planned:
    """The plan of portfolio ``n`` of a part, which was decided."""
    policy, market = found.seat.policy, found.seat.stage.market
    first, fills, end = (int(row) for row in found.spans[n])
    log = found.rows[fills:end]
    legs, refusals = legs_of(policy, market, found.rows[first:fills], log)
    rows = list(policy.regime)
    stands = found.stands[n]
    return Planned(
        portfolio=name,
        quote=market.universe.quote,
        day_ns=int(market.days_ns[-1]),
        market_asset=market.universe.assets[market.universe.market_asset],
        regime={
            asset: (rows[int(stands[m.N_STATE, a])] if rows else "", float(stands[m.N_AGE, a]))
            for a, asset in enumerate(market.universe.assets)
        },
        legs=legs,
        refusals=refusals,
        transfers=transfers(market.universe, found.collateral[n], log),
        before=totals(found.totals[n, : m.TOTAL]),
        after=totals(found.totals[n, m.TOTAL :]),
    )


def parts_of(held: Mapping[int, Portfolio]) -> list[Part]:
    """Portfolios by what they hold; the keys are their places in a chunk."""
    groups: dict[tuple[tuple[str, ...], str], list[int]] = {}
    for place, one in held.items():
        groups.setdefault((one.assets(), one.head.quote), []).append(place)
    parts = []
    for (assets, quote), places in groups.items():
        members = [held[place] for place in places]
        own = {n: one.targets for n, one in enumerate(members) if one.targets}
        parts.append(Part(assets, quote, np.array(places, dtype=np.int64), _packer(members), own))
    return parts


def _packer(held: Sequence[Portfolio]) -> Callable[[Universe], Packs]:
    def pack(universe: Universe) -> Packs:
        packed = [pack_portfolio(one, universe) for one in held]
        counts = [len(one.symbols) for one in packed]
        return Packs(
            np.stack([one.head for one in packed]),
            np.stack([one.held for one in packed]),
            np.concatenate([one.positions for one in packed]),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
            [symbol for one in packed for symbol in one.symbols],
        )

    return pack


class Seats:
    """A seat for each set of assets, made when it is first asked for; what refuses one refuses it for everybody.

    ``make`` (assets, quote) -> Seat raises ConfigError. ``given`` are weights for all; without them a portfolio's own, else the
    policy's.
    """

    def __init__(self, make: Callable[[tuple[str, ...], str], Seat], given: Mapping[str, float] | None = None) -> None:
        self.given = given
        self._make = make
        self._made: dict[tuple[tuple[str, ...], str], Seat | ConfigError] = {}

    def __len__(self) -> int:
        return len(self._made)

    def take(self, assets: tuple[str, ...], quote: str) -> Seat | ConfigError:
        """The seat of these assets, or why there is none."""
        key = (assets, quote)
        if key not in self._made:
            try:
                self._made[key] = self._make(assets, quote)
            except ConfigError as error:
                self._made[key] = error
        return self._made[key]

    def aims(self, seat: Seat, part: Part, places: Sequence[str], errors: dict[int, ConfigError]) -> Floats:
        """What the part's portfolios aim at [N, A + 1]: weights and the stable reserve. ``errors`` gets what is no target."""
        assets = seat.stage.market.universe.assets
        block = np.empty((len(part.at), len(assets) + 1))
        block[:, :-1] = seat.rules.asset[k.A_TARGET]
        block[:, -1] = seat.rules.scalar[k.K_STABLE]
        if self.given is None:
            for n, own in part.targets.items():
                try:
                    weights = target_weights(seat.policy, assets, dict(own), part.quote)
                    block[n] = [*(weights[name] for name in assets), stable_reserve(weights)]
                except ConfigError as error:
                    at = int(part.at[n])
                    errors[at] = ConfigError(error.message, where=f"{places[at]}: targets", fix=error.fix)
        return block


def decide(chunks: Iterable[Chunk], seats: Seats, *, workers: int = 1) -> Iterator[Done]:
    """Decide for every portfolio; the chunks come back in their order."""
    with ThreadPoolExecutor(workers, thread_name_prefix="plan") as pool:
        waiting: deque[tuple[Chunk, list[tuple[Part, Seat, Packs, list[Future[Found]]]]]] = deque()
        try:
            for chunk in chunks:
                seated = _seated(pool, seats, chunk)
                waiting.append((chunk, [_start(pool, seats, part, chunk, workers) for part in seated]))
                if len(waiting) > AHEAD:
                    yield _finish(*waiting.popleft())
            while waiting:
                yield _finish(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _seated(pool: ThreadPoolExecutor, seats: Seats, chunk: Chunk) -> Iterator[Part]:
    """The parts that have a seat, which are made side by side; the others are refused."""
    list(pool.map(lambda key: seats.take(*key), dict.fromkeys((part.assets, part.quote) for part in chunk.parts)))
    for part in chunk.parts:
        seat = seats.take(part.assets, part.quote)
        if isinstance(seat, ConfigError):
            chunk.errors.update(dict.fromkeys(part.at.tolist(), seat))
        else:
            yield part


def _start(
    pool: ThreadPoolExecutor, seats: Seats, part: Part, chunk: Chunk, workers: int
) -> tuple[Part, Seat, Packs, list[Future[Found]]]:
    """Hand a part to the pool, in as many pieces as there are workers."""
    seat = seats.take(part.assets, part.quote)
    assert isinstance(seat, Seat)
    packs, aims = part.pack(seat.stage.market.universe), seats.aims(seat, part, chunk.places, chunk.errors)
    cuts = np.linspace(0, len(part.at), max(1, min(workers, len(part.at) // PIECE)) + 1).astype(int).tolist()
    pieces = [pool.submit(_play, seat, packs, aims, part.at, first, last) for first, last in pairwise(cuts)]
    return part, seat, packs, pieces


def _finish(chunk: Chunk, parts: list[tuple[Part, Seat, Packs, list[Future[Found]]]]) -> Done:
    found = [_joined([piece.result() for piece in pieces]) for *_, pieces in parts]
    for one in found:
        for n in np.flatnonzero(one.faults[:, q.Z_CODE] != q.SOUND).tolist():
            error = one.refusal(n)
            assert error is not None
            at = int(one.at[n])
            chunk.errors.setdefault(at, _placed(error, chunk.places[at]))
    return Done(chunk.names, chunk.errors, found)


def _joined(pieces: Sequence[Found]) -> Found:
    """The pieces of a part as one, so that nothing depends on how many there were."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    before = np.cumsum([0, *(len(piece.rows) for piece in pieces[:-1])])
    return Found(
        first.seat,
        np.concatenate([piece.at for piece in pieces]),
        np.concatenate([piece.faults for piece in pieces]),
        np.concatenate([piece.totals for piece in pieces]),
        np.concatenate([piece.stands for piece in pieces]),
        np.concatenate([piece.collateral for piece in pieces]),
        np.concatenate([piece.spans + rows for piece, rows in zip(pieces, before, strict=True)]),
        np.concatenate([piece.rows for piece in pieces]),
        first.symbols,
        np.concatenate([first.firsts[:1], *(piece.firsts[1:] for piece in pieces)]),
    )


def _placed(error: ConfigError, place: str) -> ConfigError:
    """An error of a portfolio's key, told with the place where the portfolio is written."""
    where = place if error.where.startswith("--") else f"{place}: {error.where}"
    return ConfigError(error.message, where=where, fix=error.fix)


def _play(seat: Seat, packs: Packs, aims: Floats, at: Ints, first: int, last: int) -> Found:
    """Decide for the portfolios ``first`` to ``last`` of a part, on blocks of this call's own."""
    stage, market, size = seat.stage, seat.stage.market, last - first
    assets, instruments = len(market.universe.assets), len(market.universe.instruments)
    rules = seat.rules._replace(scalar=seat.rules.scalar.copy(), asset=seat.rules.asset.copy())  # aims differ
    book, work = copy_book(seat.book), copy_work(seat.work)
    faults, sums = np.zeros((size, q.FAULT)), np.zeros((size, 2 * m.TOTAL))
    stands, backing = np.zeros((size, m.STAND, assets)), np.zeros((size, instruments))
    spans = np.zeros((size, m.SPAN), np.int64)
    rows = np.empty((2 * work.legs.shape[0] + ROWS * size, k.LEG))
    kept: list[Floats] = []
    begun, base = 0, 0
    while begun < size:
        done = int(
            m.decide_many(
                rules, seat.book, seat.work, book, work, stage.signals[-1], market.close[seat.row], market.fresh[seat.row],
                market.funding[seat.row], seat.hedge, float(market.open_ns[seat.row]), aims[first:last],
                packs.heads[first:last], packs.held[first:last], packs.positions, packs.firsts[first : last + 1], begun,
                faults, sums, stands, backing, spans, rows,
            )
        )  # fmt: skip
        used = int(spans[done - 1, m.N_END])
        kept.append(rows[:used].copy())
        spans[begun:done] += base
        begun, base = done, base + used
    legs = np.concatenate(kept) if kept else rows[:0]
    firsts = packs.firsts[first : last + 1]
    return Found(seat, at[first:last], faults, sums, stands, backing, spans, legs, packs.symbols, firsts)
