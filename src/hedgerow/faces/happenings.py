"""What happened to a portfolio, in sentences: for the lines that ``run`` prints, for its terminal view, and for ``events``.

A row of the journal is a sentence or nothing: prices, bars, timers and answers of the venue come all the time. Funding is summed
a day, and a command stands with its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hedgerow.faces import text

if TYPE_CHECKING:
    from hedgerow.model.entry import Entry
    from hedgerow.store.journal import SqlJournal

KINDS: Final = (
    "begin", "wake", "plan", "verdict", "order", "cancel", "report", "fill", "transfer", "flow", "funding", "command",
    "change", "alert", "trouble", "difference",
)  # fmt: skip
POLICY: Final = "policy"  # who the engine is, where it acts by itself
JUDGED: Final = ("approve", "reject", "snooze")  # the verdict says it already
QUIET: Final = ("order", "cancel")  # told only where they are asked for: fills say it
_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND


class Happening(NamedTuple):
    """A sentence, its time, and the kind and the number of the row that it says (0: none yet)."""

    at_ns: int
    kind: str
    text: str
    seq: int = 0


def moment(at_ns: int) -> str:
    """A time as people read it, UTC."""
    return datetime.fromtimestamp(at_ns // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


class Teller:
    """Turns rows into happenings, in order; ``every`` tells orders and cancels, too."""

    def __init__(self, quote: str = "", *, every: bool = False) -> None:
        self.quote, self.every = quote, every
        self._commands: dict[str, Mapping[str, Any]] = {}
        self._paid: dict[str, float] = {}  # funding of the day by contract, quote
        self._paid_at = self._paid_seq = 0

    def heard(self, kind: str, at_ns: int, body: str, seq: int = 0) -> list[Happening]:
        """What a row says; before it, the funding of the day before, where that is over."""
        made = self.rest() if self._paid and at_ns // _DAY > self._paid_at // _DAY else []
        row = json.loads(body) if kind in KINDS or kind == "answer" else {}
        if kind == "funding":
            amount = float(row["amount"]) if row.get("amount") is not None else float("nan")
            self._paid[row["instrument"]] = self._paid.get(row["instrument"], 0.0) + amount
            self._paid_at, self._paid_seq = at_ns, seq
            return made
        if kind == "command":
            self._commands[row["id"]] = row
            return made
        if kind == "answer":
            asked = self._commands.pop(row["id"], {})
            told = row["done"] and asked.get("verb") in JUDGED and not self.every
            words, kind = "" if told else _answer(asked, row), "command"
        elif kind not in _SENTENCES or (kind in QUIET and not self.every):
            return made
        else:
            words = _SENTENCES[kind](row)
        if kind == "begin":
            self.quote = row["universe"]["quote"]
        if words:
            made.append(Happening(at_ns, kind, f"{text.clean(words).rstrip('.')}.", seq))
        return made

    def rest(self) -> list[Happening]:
        """The funding that was not told yet."""
        if not self._paid:
            return []
        total, day = sum(self._paid.values()), moment(self._paid_at)[:10]
        whose = text.counted(len(self._paid), "short")
        if total != total:  # one of them is not known
            words = f"Funding of {day} is not wholly known"
        else:
            way = "paid" if total < 0.0 else "received"
            words = f"Funding of {day}: {way} {text.money(abs(total))} {self.quote} on {whose}".replace("  ", " ")
        self._paid = {}
        return [Happening(self._paid_at, "funding", f"{words}.", self._paid_seq)]


def recent(journal: SqlJournal, count: int | None, kind: str = "", since_ns: int | None = None) -> list[Happening]:
    """The last happenings of a journal, in order; of one ``kind``, and from a time on, where they are named."""
    wanted = (kind, *(("answer",) if kind == "command" else ())) if kind else (*KINDS, "answer")
    rows: list[Entry] = []
    for one in wanted:
        if one in QUIET and not kind:
            continue
        rows += _last(journal, one, count, since_ns)
    rows.sort(key=lambda row: row.seq)
    teller = Teller(quote_of(journal), every=bool(kind))
    told = [one for row in rows for one in teller.heard(row.kind, row.at_ns, row.body, row.seq)] + teller.rest()
    told.sort(key=lambda one: (one.seq, one.at_ns))
    told = [one for one in told if since_ns is None or one.at_ns >= since_ns]
    return told if count is None else told[-count:] if count else []


def _last(journal: SqlJournal, kind: str, count: int | None, since_ns: int | None) -> list[Entry]:
    """The rows of one kind that may be told: the last ones, or all from a time on."""
    most = 500 if count is None else count
    while True:
        asked = most * 40 if kind == "funding" else most * 2  # of some rows nothing is told, and funding is summed
        found = journal.last(asked, kind)
        whole = len(found) < asked
        if whole or (since_ns is None and count is not None) or (since_ns is not None and found[0].at_ns < since_ns):
            break
        most *= 4
    if kind == "funding" and not whole and found:  # its first day may be cut
        return [row for row in found if row.at_ns // _DAY > found[0].at_ns // _DAY]
    return found


def quote_of(journal: SqlJournal) -> str:
    """The currency that a portfolio is counted in, "" where it has not begun."""
    for row in journal.rows(0):
        return str(json.loads(row.body)["universe"]["quote"]) if row.kind == "begin" else ""
    return ""


def _answer(asked: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    what = " ".join(filter(None, (str(asked.get("verb", "")).replace("_", "-"), str(asked.get("plan", "")))))
    subject = f"{asked['who']}: {what}" if asked else "A command"
    why = f' ("{asked["text"]}")' if asked.get("text") else ""
    done = "" if body["done"] else "refused: "
    return f"{subject}{why}: {done}{body['text']}"


def _fill(body: Mapping[str, Any]) -> str:
    kind = body.get("kind", "trade")
    done = "Bought" if float(body["amount"]) > 0.0 else "Sold"
    amount = f"{text.figure(abs(float(body['amount'])))} {body['instrument']} at {text.figure(float(body['price']))}"
    if kind != "trade":
        return f"The venue ended {amount} ({kind})"
    fee = f", fee {text.money(float(body['fee']))} {body.get('fee_currency', '')}" if "fee" in body else ""
    return f"{done} {amount}{fee} ({body.get('reason') or 'by hand'})".replace("_", " ")


def _plan(body: Mapping[str, Any]) -> str:
    what = {
        "observe": "only noted", "advise": "advice, not carried out", "auto": "carried out unasked",
        "approve": f"waits for approval until {moment(body['expires_ns'])[5:16]}",
    }[body["level"]]  # fmt: skip
    legs = text.counted(len(body["legs"]), "leg")
    by = {"margin": ", for margin", "operator": ", asked for by an operator", "flag": ", for a flag"}.get(
        body["cause"], ""
    )
    return f"Plan {body['id']}: {legs}, {text.money(float(body['notional']))}{by}: {what}"


def _verdict(body: Mapping[str, Any]) -> str:
    """A word about a plan; that one which is carried out unasked is approved and begun goes without saying."""
    word, who = body["word"], body["who"]
    if word == "begun" or (word == "approved" and who == POLICY):
        return ""
    by = "" if who == POLICY else f" by {who}"
    why = f": {body['why']}" if body.get("why") else ""
    return f"Plan {body['plan']} is {word}{by}{why}"


def _alert(body: Mapping[str, Any]) -> str:
    """An alert; one for information says a thing that is over."""
    level = "" if body["level"] == "info" else f"{body['level'].capitalize()}: "
    words = f"{level}{body['text']}"
    return f"Over: {words}" if body.get("over") else words[:1].upper() + words[1:]


def _report(body: Mapping[str, Any]) -> str:
    """What a venue said of an order where it is no fill."""
    word = {"refused": "was refused", "unanswered": "is unanswered", "unreadable": "has an unreadable answer"}
    if body["word"] not in word:
        return ""
    why = f": {body['text']}" if body.get("text") else ""
    return f"Order {body['id']} {word[body['word']]}{why}"


def _flow(body: Mapping[str, Any]) -> str:
    came = float(body["amount"]) > 0.0
    amount = f"{text.figure(abs(float(body['amount'])))} {body['currency']}"
    return f"{amount} {'came in' if came else 'went out'} ({body['account']})"


def _difference(body: Mapping[str, Any]) -> str:
    items = ", ".join(body["items"])
    settled = body.get("settled", "open")
    return f"Book and venue differ in {items}" if settled == "open" else f"The difference in {items} is {settled}"


def _change(body: Mapping[str, Any]) -> str:
    """What the engine did by itself; what a person told it to is said by the answer."""
    if body["who"] != POLICY:
        return ""
    return f"The engine is {body['state'].replace('_', '-')} now: {body['why']}"


_SENTENCES: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "begin": lambda body: f"The portfolio began on {body['world']} (version {body['version']})",
    "wake": lambda body: f"An engine took the portfolio up (version {body['version']})",
    "plan": _plan,
    "verdict": _verdict,
    "order": lambda body: (
        f"Order {body['id']}: {text.figure(float(body['amount']))} {body['instrument']} ({body['kind']})"
    ),
    "cancel": lambda body: f"Order {body['id']} is to end: {body['why']}",
    "report": _report,
    "fill": _fill,
    "transfer": lambda body: (
        f"Moved {text.money(float(body['amount']))} {body['currency']} from {body['account']} to {body['to']}"
    ),
    "flow": _flow,
    "change": _change,
    "alert": _alert,
    "trouble": lambda body: f"{'Over: ' if body.get('over') else ''}{body['text']}",
    "difference": _difference,
}
