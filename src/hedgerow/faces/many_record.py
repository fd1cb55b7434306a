"""What ``plan --portfolios`` writes: JSON with a record a portfolio, and a table of legs; both as the plans come."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from hedgerow import __version__
from hedgerow.errors import StoreError
from hedgerow.faces import text
from hedgerow.faces.buffer import account_record
from hedgerow.faces.records import day, leg_record
from hedgerow.research.tally import LEGS, Sum, Tally, legs_frame

if TYPE_CHECKING:
    from hedgerow.model.policy import Policy
    from hedgerow.research.many import Done, Planned


def planned_record(plan: Planned) -> dict[str, Any]:
    """The JSON of one portfolio among many: what ``hedgerow plan`` writes of it, in brief, or its error."""
    if plan.error is not None:
        error = {"message": plan.error.message, "where": plan.error.where, "fix": plan.error.fix}
        return {"portfolio": plan.portfolio, "error": error}
    market = plan.market_asset
    return {
        "portfolio": plan.portfolio,
        "at": day(plan.day_ns),
        "quote": plan.quote,
        "value": plan.value,
        "regime": {
            "assets": {asset: {"state": state, "days": days} for asset, (state, days) in plan.regime.items()},
            "market": {"asset": market, "state": plan.regime[market][0]},
        },
        "legs": [leg_record(leg) for leg in plan.legs],
        "refusals": [leg_record(leg) for leg in plan.refusals],
        "before": plan.before,
        "after": plan.after,
        "transfers": plan.transfers,
    }


def summary_record(tally: Tally) -> dict[str, Any]:
    """The JSON of all portfolios together."""
    return {
        "portfolios": {
            "asked": tally.decided + tally.refused, "act": tally.acting, "stand": tally.decided - tally.acting,
            "refused": tally.refused,
        },
        "at": None if tally.days is None else {"first": day(tally.days[0]), "last": day(tally.days[1])},
        "value": [{"quote": quote, "value": value} for quote, value in sorted(tally.value.items())],
        "legs": [
            {"quote": quote, "kind": kind, "side": side, "legs": one.legs, "portfolios": one.portfolios, "notional": one.notional,
             "cost": one.cost} for (quote, kind, side), one in sorted(tally.legs.items())
        ],
        "refusals": [{"refused": name, "legs": count} for name, count in sorted(tally.undone.items())],
        "largest": [one._asdict() for one in tally.largest],
    }  # fmt: skip


def together(tally: Tally) -> dict[str, Sum]:
    """What all plans trade and cost, by quote; collateral is moved, not traded."""
    sums: dict[str, Sum] = {}
    for (quote, kind, _), one in tally.legs.items():
        found = sums.setdefault(quote, Sum())
        found.cost += one.cost
        found.notional += one.notional if kind != "margin" else 0.0
        found.legs += one.legs
    return sums


class Writer:
    """The files of ``plan --portfolios``, written chunk by chunk; whole or not at all."""

    def __init__(self, policy: Policy, simulated: bool, to: Path | None, legs: Path | None) -> None:
        self._policy, self._simulated = policy, simulated
        self._to, self._legs = to, legs
        self._json: IO[str] | None = None
        self._pieces: Path | None = None  # the folder of the parts of the table of legs
        self._parts: list[Path] = []
        self._count = 0

    @contextmanager
    def open(self) -> Iterator[Writer]:
        """Writes while it is open; what was written has its name after ``close``. Raises StoreError."""
        with ExitStack() as stack:
            if self._to is not None:
                self._json = sys.stdout if str(self._to) == text.STDOUT else stack.enter_context(_part(self._to))
                head = {
                    "hedgerow": __version__, "policy": self._policy.name, "simulated": self._simulated,
                    "high_risk": self._policy.hedge.leverage > 1.0,
                    "account": account_record(self._policy.margin, self._policy.hedge.leverage),
                }  # fmt: skip
                self._json.write(_json(head)[:-1] + ', "portfolios": [')
            if self._legs is not None:
                with _written(self._legs):
                    self._legs.parent.mkdir(parents=True, exist_ok=True)
                    self._pieces = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._legs.parent)))
                self._keep(pl.DataFrame(schema=LEGS))
            yield self

    def add(self, done: Done) -> None:
        """Write a chunk."""
        if self._json is not None:
            for plan in done.plans():
                self._json.write((",\n" if self._count else "\n") + _json(planned_record(plan)))
                self._count += 1
        if self._pieces is not None:
            self._keep(legs_frame(done))

    def _keep(self, legs: pl.DataFrame) -> None:
        """Write legs as the next piece of their table."""
        assert self._legs is not None
        assert self._pieces is not None
        with _written(self._legs):
            self._parts.append(self._pieces / f"{len(self._parts)}.parquet")
            legs.write_parquet(self._parts[-1])

    def close(self, tally: Tally) -> None:
        """Write what is known at the end, and give the files their names."""
        if self._json is not None:
            self._json.write(f'\n], "summary": {_json(summary_record(tally))}}}\n')
        if self._pieces is not None and self._legs is not None:
            with _written(self._legs):
                rows, part = pl.scan_parquet(self._parts, glob=False), self._pieces / "whole"
                if self._legs.suffix.lower() == ".csv":
                    rows.sink_csv(part, engine="streaming")
                else:
                    rows.sink_parquet(part, engine="streaming")
                part.replace(self._legs)


@contextmanager
def _written(legs: Path) -> Iterator[None]:
    """Raises StoreError where the table of legs cannot be written."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{legs}: the legs cannot be written: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def _part(path: Path) -> Iterator[IO[str]]:
    """A file that has its name when the block has ended well. Raises StoreError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: the JSON cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _json(record: Any) -> str:
    return json.dumps(text.plain(record), allow_nan=False, ensure_ascii=False)
