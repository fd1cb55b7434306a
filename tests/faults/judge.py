"""Whether a folder that faults went over is as it must be: found without the code that writes the journal.

The database is read with ``sqlite3``, seals are computed anew, and the exchange's file says what has left. Of the engine's own
rows, it must decide them again, and hold at the end what it holds where nothing goes wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from hedgerow.errors import Mismatch
from hedgerow.model.entry import Entry
from hedgerow.store import chain
from tests.faults.scenario import EFFECTS, EVENTS

Row = tuple[Any, ...]
SAME = 1e-9  # of an amount
NEAR = 1e-3  # where the market moves on while an order is looked up
COLUMNS = "seq, at_ns, portfolio, account, kind, way, body, mac"


def acknowledged(folder: Path) -> list[tuple[int, str]]:
    """What the exchange took, in order: the number of the row and the order's id."""
    path = folder / EFFECTS
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [(int(seq), name) for word, seq, name in map(str.split, lines) if word == "ack"]


def rows(folder: Path) -> list[Row]:
    """The journal's rows, in order."""
    with closing(sqlite3.connect(folder / "journal" / "journal.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(f"SELECT {COLUMNS} FROM journal ORDER BY portfolio, seq").fetchall()


def key(folder: Path) -> bytes:
    return bytes.fromhex((folder / "secrets" / "journal.key").read_text(encoding="ascii"))


def order_id(row: Row) -> str:
    """The id of the order that a row holds, "" for another row."""
    return str(json.loads(row[6])["id"]) if row[4] == "order" else ""


def unsealed(found: list[Row], key: bytes) -> list[str]:
    """Where numbers have a gap, or a seal does not fit."""
    seal, mac, wrong = chain.sealing(key), "", []
    for place, row in enumerate(found, start=1):
        if row[0] != place:
            return [*wrong, f"row {place} is missing"]
        mac = seal(mac, *row[:7])
        if mac != row[7]:
            wrong.append(f"row {place}: its seal does not fit")
    return wrong


def unanchored(folder: Path, found: list[Row]) -> list[str]:
    """Which noted heads are not what stands in the journal, and which lines are no anchors."""
    wrong = []
    for line in (folder / "journal" / "anchors").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[-1:] == ["torn"]:
            continue
        if len(words) != 5:
            wrong.append(f"no anchor: {line}")
        elif (seq := int(words[2])) and (seq > len(found) or found[seq - 1][7] != words[3]):
            wrong.append(f"row {seq} is not the one that was noted")
    return wrong


def unkept(found: list[Row], acks: list[tuple[int, str]]) -> list[str]:
    """Which orders left without a durable row, or twice."""
    held = {(row[0], order_id(row)) for row in found if row[4] == "order"}
    wrong = [f"{name} left, and row {seq} does not hold it" for seq, name in acks if (seq, name) not in held]
    wrong += [f"{name} left {count} times" for name, count in Counter(name for _, name in acks).items() if count > 1]
    names = Counter(name for _, name in held)
    return wrong + [f"{name} stands there {count} times" for name, count in names.items() if count > 1]


def unheard(folder: Path, found: list[Row]) -> list[str]:
    """Which answers an operator heard without a durable row, or twice; which commands have not one answer."""
    path = folder / EFFECTS
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    heard = [(int(seq), name) for word, seq, name in map(str.split, lines) if word == "ans"]
    answers = {(row[0], str(json.loads(row[6])["id"])) for row in found if row[4] == "answer"}
    wrong = [
        f"answer {name} was heard, and row {seq} does not hold it" for seq, name in heard if (seq, name) not in answers
    ]
    wrong += [f"answer {name} was heard {n} times" for name, n in Counter(name for _, name in heard).items() if n > 1]
    commands = {str(json.loads(row[6])["id"]) for row in found if row[4] == "command"}
    count = Counter(name for _, name in answers)
    return wrong + [f"command {name} has {count[name]} answers" for name in commands | set(count) if count[name] != 1]


def unapproved(found: list[Row]) -> list[str]:
    """Which orders belong to no plan that was approved before."""
    approved, wrong = set(), []
    for row in found:
        if row[4] == "verdict" and (said := json.loads(row[6]))["word"] == "approved":
            approved.add(said["plan"])
        elif row[4] == "order" and json.loads(row[6])["plan"] not in approved:
            wrong.append(f"row {row[0]} is an order that nobody approved")
    return wrong


def undecided(found: list[Row]) -> list[str]:
    """What a new engine makes otherwise of the rows, or holds at their end."""
    from tests.faults import floor

    begin = json.loads(found[0][6])
    ends = floor.ENDS[begin["mandate"]["autonomy"], "book" if begin.get("venue") else "whole"]
    try:
        engine = floor.replayed([Entry(*row) for row in found])
    except Mismatch as error:
        return [str(error)]
    wrong = [f"order {name} is not at its end" for name in engine.orders.alive]
    wrong += [] if engine.account.ready else ["the account is not what the book says"]
    held, near = floor.account(engine), NEAR if begin.get("venue") else SAME
    return wrong + [
        f"{held[what]} {what} at the end, not {amount}"
        for what, amount in ends.items()
        if not abs(held[what] - amount) <= near * max(abs(amount), 1.0)
    ]


def judge(folder: Path) -> list[str]:
    """What is wrong with a folder whose program came to its end; nothing where all is well."""
    found = rows(folder)
    wrong = unsealed(found, key(folder)) + unanchored(folder, found) + unkept(found, acknowledged(folder))
    if found and found[0][4] == "begin":
        return wrong + unheard(folder, found) + unapproved(found) + undecided(found)
    return wrong if len(found) == EVENTS else [*wrong, f"{len(found)} events, not {EVENTS}"]
