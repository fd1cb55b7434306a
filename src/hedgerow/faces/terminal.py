"""The terminal view of a running engine: one screen that is written anew in place, whatever happens, for weeks.

``lines`` lays it out, a line each, so that it fits the terminal: on a small one every section shows fewer rows and says how many
it leaves out, and what happened gets the lines that are left. Where there is no terminal, ``run`` prints a line a happening.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hedgerow.faces import text
from hedgerow.faces.happenings import Happening, moment
from hedgerow.faces.text_engine import STATUS, leg_words, with_name

SHOWN: Final = 0.25  # seconds between two pictures
KEPT: Final = 12  # happenings on the screen
_HOUR: Final = 3_600_000_000_000
_STATES: Final = {
    "running": "bold green", "paused": "bold yellow", "reduce_only": "bold yellow", "halted": "bold white on red",
}  # fmt: skip
_LEVELS: Final = {"critical": "bold red", "warning": "yellow", "info": ""}


class Room(NamedTuple):
    """The most rows of each section."""

    assets: int
    shorts: int
    legs: int
    orders: int
    alerts: int
    happened: int


_ROOMS: Final = (Room(20, 20, 10, 6, 6, 12), Room(10, 8, 6, 4, 4, 10), Room(6, 4, 4, 2, 3, 6), Room(4, 2, 2, 2, 2, 3))


def lines(record: Mapping[str, Any], happened: Sequence[Happening], width: int = 80, height: int = 40) -> list[Text]:
    """The screen, top to bottom, none longer than ``width``; not more than ``height`` lines where that can be."""
    made: list[Text] = []
    for room in _ROOMS:
        made = _laid(record, happened, room, width)
        if len(made) <= height:
            break
    for line in made:
        line.truncate(width, overflow="ellipsis")
    return made[:height]


def _laid(record: Mapping[str, Any], happened: Sequence[Happening], room: Room, width: int) -> list[Text]:
    made = [_head(record, width), _worth(record), Text()]
    made += _assets(record["assets"], room.assets)
    made += _shorts(record["shorts"], room.shorts)
    made += [Text(), *_plan(record, room.legs)]
    made += _orders(record["orders"], room.orders)
    made += _alerts(record, room.alerts)
    made += [Text(), Text("What happened (UTC)", style="bold")]
    told = list(happened)[-room.happened :]
    made += [Text.assemble((moment(one.at_ns)[5:16], "dim"), "  ", one.text) for one in told] or [Text("nothing yet")]
    made += [Text() for _ in range(room.happened - max(1, len(told)))]  # the lines below stay where they are
    seen = moment(record["written_ns"])[11:16]
    made.append(Text(f"{seen} UTC. Ctrl-C stops it, the same command goes on; hedgerow halt halts it.", "dim"))
    return made


# ------------------------------------------------------------------------------------------------------------ sections


def _head(record: Mapping[str, Any], width: int) -> Text:
    state = record["state"].replace("_", "-").upper()
    wait = "" if record["ready"] or record["state"] == "halted" else " (waiting for the venue)"
    left = Text.assemble(
        (text.clean(record["portfolio"]), "bold"), f"  {record['policy']} on {record['world']}, {record['pace']}  ",
        f"{moment(record['now_ns'])[:16]} UTC",
    )  # fmt: skip
    right = Text.assemble((f" {state} ", _STATES[record["state"]]), wait)
    left.truncate(max(0, width - right.cell_len - 1), overflow="ellipsis", pad=True)
    return left + Text(" ") + right


def _worth(record: Mapping[str, Any]) -> Text:
    made = Text.assemble("Value ", (f"{text.money(record['value'])} {record['quote']}", "bold"))
    for key, words in (("start_value", "since the start"), ("day_value", "today")):
        before = record.get(key)
        if before:
            made.append(f"   {text.percent(record['value'] / before - 1.0, sign=True)} {words}")
    return made.append(f"   cash {text.money(record['cash'])}")


def _assets(assets: Mapping[str, Mapping[str, Any]], most: int) -> list[Text]:
    rows = [
        [
            name, text.figure(one["coins"]), text.figure(one["price"]), text.percent(one["weight"]), text.percent(one["target"]),
            text.percent(one["hedge"], 0), text.percent(one["intended"], 0), one["regime"].lower() or text.NONE,
        ]
        for name, one in assets.items()
    ]  # fmt: skip
    heads = ["Asset", "coins", "price", "weight", "target", "hedged", "meant", "regime"]
    return _table(heads, rows, most, left=(0, 7))


def _shorts(shorts: Mapping[str, Mapping[str, Any]], most: int) -> list[Text]:
    if not shorts:
        return [Text(), Text("No short is open.")]
    rows = [
        [name, *(text.figure(one[key]) for key in ("coins", "mark", "liquidation")), text.percent(one["away"], 0)]
        for name, one in sorted(shorts.items(), key=lambda item: item[1]["away"])
    ]
    return [Text(), *_table(["Short", "coins", "mark", "liquidation", "away"], rows, most, left=(0,))]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], most: int, *, left: Sequence[int]) -> list[Text]:
    """Columns as wide as they must be; the rows that do not fit are counted."""
    shown = rows if len(rows) <= most else rows[: most - 1]
    widths = [max(len(head), *(len(row[n]) for row in rows)) for n, head in enumerate(heads)]

    def line(cells: Sequence[str], style: str = "") -> Text:
        placed = (
            cell.ljust(w) if n in left else cell.rjust(w) for n, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return Text("  ".join(map(text.clean, placed)).rstrip(), style)

    made = [line(heads, "bold"), *map(line, shown)]
    return made if len(shown) == len(rows) else [*made, _more(len(rows) - len(shown), heads[0].lower())]


def _more(count: int, what: str) -> Text:
    return Text(f"... {count} more {what}{'s' if count > 1 else ''}: hedgerow status", "dim")


def _plan(record: Mapping[str, Any], most: int) -> list[Text]:
    plan = record["plan"]
    if not plan:
        return [Text("No plan is open.")]
    cost = sum(float(leg["cost"]) for leg in plan["legs"])
    left_h = (plan["expires_ns"] - record["now_ns"]) / _HOUR
    until = f" until {moment(plan['expires_ns'])[5:16]} ({left_h:.0f} h)" if record["plan_is"] == "open" else ""
    what = f": trades {text.money(float(plan['notional']))}, cost {text.money(cost)}"
    made = [Text.assemble((f"Plan {plan['id']}", "bold"), f" {record['plan_is']}{until}{what}")]
    shown = plan["legs"] if len(plan["legs"]) <= most else plan["legs"][: most - 1]
    made += [Text(f"  {_leg(leg)}") for leg in shown]
    if len(shown) < len(plan["legs"]):
        made.append(Text(f"  ... and {len(plan['legs']) - len(shown)} more: hedgerow plans", "dim"))
    if record["plan_is"] == "open" and plan["level"] == "approve":
        command = with_name(f"hedgerow approve {plan['id']}", record["portfolio"])
        made.append(Text.assemble("  to carry it out: ", (command, "bold cyan")))
        if record["approved_by"]:
            made.append(
                Text(f"  approved by {', '.join(record['approved_by'])}; {plan['approvals']} people must agree")
            )
    return made


def _leg(leg: Mapping[str, Any]) -> str:
    amount = f"{text.figure(abs(float(leg['amount'])))} {leg['instrument']}"
    at = "" if leg["kind"] == "margin" else f" at {text.figure(float(leg['price']))}"
    return text.clean(f"{leg_words(leg)} {amount}{at}: {leg['why']}")


def _orders(orders: Sequence[Mapping[str, Any]], most: int) -> list[Text]:
    shown = orders if len(orders) <= most else orders[: max(0, most - 1)]
    made = [
        Text(
            f"Order {one['id']} on {text.clean(one['instrument'])} is {STATUS[one['status']]}: {one['filled']} of {one['amount']}"
        )
        for one in shown
    ]
    return made if len(shown) == len(orders) else [*made, _more(len(orders) - len(shown), "order")]


def _alerts(record: Mapping[str, Any], most: int) -> list[Text]:
    order = ("critical", "warning", "info")
    alerts = sorted(record["alerts"], key=lambda one: (order.index(one["level"]), -one["at_ns"]))
    shown = alerts if len(alerts) <= most else alerts[: max(0, most - 1)]
    made = [
        Text.assemble(
            (one["level"].capitalize(), _LEVELS[one["level"]]),
            f" since {moment(one['at_ns'])[5:16]}: {text.clean(one['text'])}",
        )
        for one in shown
    ]
    return made if len(shown) == len(alerts) else [*made, _more(len(alerts) - len(shown), "alert")]


# -------------------------------------------------------------------------------------------------------------- screen


class Screen:
    """The picture on the terminal: drawn at most four times a second, on a screen of its own, which is gone at the end."""

    def __init__(self, standing: Callable[[], Mapping[str, Any]], happened: deque[Happening]) -> None:
        self.console = Console(markup=False, highlight=False, emoji=False)
        self._standing, self._happened = standing, happened
        self._live = Live(
            console=self.console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._drawn = float("-inf")
        self._shown: list[Text] = []

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the terminal has gone
            self._live.stop()

    def draw(self) -> None:
        """Draw what stands now, if it is time and anything changed."""
        now = time.monotonic()
        if now - self._drawn < SHOWN:
            return
        self._drawn = now
        width, height = self.console.size
        drawn = lines(self._standing(), list(self._happened), width, height)
        if drawn == self._shown:
            return
        self._shown = drawn
        with suppress(OSError):
            self._live.update(Group(*drawn), refresh=True)
