"""The chain of a journal: how a row is sealed, and how a whole chain is judged.

A row's seal is HMAC-SHA256, in hex, over the seal before it ("" before the first row) and the canonical bytes of the
row, in which every field is preceded by its length, so that no two rows share their bytes. Who lacks the key cannot
make a row that fits; a tail that was cut fits, and is found by the anchors: heads that were noted elsewhere.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from hedgerow.errors import ConfigError
from hedgerow.model.entry import Entry, Head

FORM: Final = b"hedgerow row 1|"  # a later form of the bytes is another number
EMPTY: Final = Head(0, "")
MOST_FINDINGS: Final = 1_000  # a person reads no more
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Seal: TypeAlias = Callable[[str, int, int, str, str, str, str, str], str]
Tell: TypeAlias = Callable[[int], None]  # rows done


class Anchor(NamedTuple):
    """A head as it was noted beside the journal, at ``at_ns`` (UTC), by the holder of fencing token ``token``."""

    at_ns: int
    portfolio: str
    seq: int
    mac: str
    token: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a chain is found to be: its last row, how many rows there were, and one line for each thing that is wrong."""

    head: Head
    rows: int
    findings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def portfolio_name(name: str) -> str:
    """``name``, if it can name a portfolio: it stands in paths and in lines of text. Raises ConfigError."""
    if _NAME.fullmatch(name):
        return name
    fix = "Use letters, digits, points, hyphens and underlines, at most 64, a letter or digit first."
    raise ConfigError(f"{name!r} is no name of a portfolio", where="portfolio", fix=fix)


def canonical(seq: int, at_ns: int, portfolio: str, account: str, kind: str, way: str, body: str) -> bytes:
    """The bytes of a row that are sealed. Raises TypeError and UnicodeError for what is no integer or no text."""
    if type(seq) is not int or type(at_ns) is not int:  # a float would be cut to an integer below
        raise TypeError("number and time are integers")
    s, t = b"%d" % seq, b"%d" % at_ns
    p, a, k, w, b = portfolio.encode(), account.encode(), kind.encode(), way.encode(), body.encode()
    sizes = (len(s), s, len(t), t, len(p), p, len(a), a, len(k), k, len(w), w, len(b), b)
    return FORM + b"%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b%d:%b" % sizes


def sealing(key: bytes) -> Seal:
    """The function that seals rows with ``key``: previous seal, then the fields as ``canonical`` takes them."""
    begun = hmac.new(key, digestmod="sha256")

    def seal(before: str, seq: int, at_ns: int, portfolio: str, account: str, kind: str, way: str, body: str) -> str:
        made = begun.copy()  # the key is hashed once, not for every row
        made.update(before.encode() + canonical(seq, at_ns, portfolio, account, kind, way, body))
        return made.hexdigest()

    return seal


class Walk:
    """Follows a chain row by row behind ``head`` and says what is wrong with each row.

    Seals are computed anew from the start. Behind a row that is wrong the walk goes on from the seal that stands there,
    so that each fault is told once; whatever stands there, the chain is broken then.
    """

    def __init__(self, key: bytes, portfolio: str, head: Head = EMPTY) -> None:
        self.portfolio, self.seq, self.mac = portfolio, head.seq, head.mac
        self._seal = sealing(key)

    def step(self, row: Entry) -> str:
        """What is wrong with the next row: a line that names its number, "" where nothing is."""
        fields: tuple[Any, ...] = row  # as they stand in a file that anyone may have written to
        seq, at_ns, portfolio, account, kind, way, body, mac = fields
        before, last = self.seq, self.mac
        try:
            found = self._seal(last, seq, at_ns, portfolio, account, kind, way, body)
        except (TypeError, ValueError, AttributeError):  # ValueError: text that is no text
            found = ""
        if type(seq) is int:
            self.seq = seq
        self.mac = mac if isinstance(mac, str) else ""
        if found and found == mac and seq == before + 1 and portfolio == self.portfolio:
            return ""
        if type(seq) is not int:
            return f"row {seq!r}, behind row {before}: its number is none"
        return self._fault(row, before, found)

    def _fault(self, row: Entry, before: int, found: str) -> str:
        if row.seq <= before:
            return f"row {row.seq}: it stands behind row {before}: it is there twice, or out of order"
        if row.seq > before + 1:
            first, last = before + 1, row.seq - 1
            missing = f"row {first} is" if first == last else f"rows {first} to {last} are"
            return f"row {row.seq}: {missing} missing before it"
        if row.portfolio != self.portfolio:
            return f"row {row.seq}: it is of portfolio {row.portfolio!r}, not of {self.portfolio!r}"
        if not found:
            return f"row {row.seq}: a field of it is not of its type"
        behind = f"the one that was written behind row {before}" if before else "the first that was written"
        return f"row {row.seq}: its seal does not fit: it was changed, or is not {behind}"


def verify(
    key: bytes,
    portfolio: str,
    rows: Iterable[Entry],
    anchors: Iterable[Anchor] = (),
    tell: Tell = lambda done: None,
    *,
    stamp: Callable[[int], str] = str,
) -> Verdict:
    """Judge a chain from its first row, and against the anchors of its portfolio; ``stamp`` writes their times.

    At most ``MOST_FINDINGS`` lines are kept. An anchor whose row is missing or has another seal is a finding: the tail
    was cut, an old copy was put back, or the chain was written anew.
    """
    walk, findings, count = Walk(key, portfolio), [], 0
    noted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        if anchor.portfolio == portfolio and anchor.seq > 0:
            noted.setdefault(anchor.seq, []).append(anchor)
    for row in rows:
        count += 1
        if fault := walk.step(row):
            findings.append(fault)
        for anchor in noted.get(row.seq, ()) if noted else ():
            if anchor.mac != row.mac:
                findings.append(f"row {row.seq}: it is not the row that was its head on {stamp(anchor.at_ns)}")
        if count % 1_000 == 0:
            tell(count)
    last = max(noted, default=0)
    if last > walk.seq:
        findings.append(_cut(walk.seq, noted[last][-1], stamp))
    kept = findings[:MOST_FINDINGS]
    if len(findings) > len(kept):
        kept.append(f"and {len(findings) - len(kept)} findings more")
    return Verdict(Head(walk.seq, walk.mac), count, tuple(kept))


def _cut(seq: int, anchor: Anchor, stamp: Callable[[int], str]) -> str:
    ends = f"the journal ends with row {seq}" if seq else "the journal is empty"
    return (
        f"row {anchor.seq}: it is missing, and was the last on {stamp(anchor.at_ns)}; {ends}: "
        "its tail was cut, or an old copy was put back"
    )
