"""What a run says about its data, as people read it: sentences on what was missing first, then tables that fold.

``sentences`` serves the terminal and the report alike. ``blocks`` is for the report: every entry of ``Run.coverage`` in
an order and under names for people; an entry that is not known here is shown all the same, as pairs, a list or a table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

import numpy as np

from hedgerow.faces import numerals
from hedgerow.model.report import Run

Block: TypeAlias = dict[str, Any]  # kind: text, list, pairs or table; title; count: over MOST, the page folds it
LIST: Final = 24  # entries of a list within a line
MOST: Final = 8  # rows of a table that stand open
YEAR: Final = 365  # days of warm-up from which nearly every signal is known
HEDGED: Final = 0.0005  # a hedge ratio that would be shown
TITLES: Final = {
    "clocks": "Bars of each market",
    "files": "Files",
    "outages": "Spans without a bar",
    "funding_gaps": "Gaps in funding",
    "unused": "Files left aside",
    "deleveraged": "Auto-deleveraging (scenario): share of every short in profit",
    "votes_abstained": "Days on which a vote abstained, over all assets",
}
HEADS: Final = {"of": "in", "until": "until"}
FACTS: Final = {
    "folder": "folder",
    "source": "source",
    "start": "first day",
    "end": "last day",
    "days": "days",
    "warmup_days": "days of warm-up before them",
    "axis": "finest step",
    "rows": "steps of the run",
    "quote": "quote",
    "unknown_funding_bars": "funding payments unknown",
    "constant_hedge_ratio": "constant hedge ratio",
}
COUNTS: Final = {"outages_count": "outages", "funding_gaps_count": "funding_gaps"}  # of the list, which may be cut
_DATED: Final = re.compile(
    r"\S+:\S+-\d{6} "
)  # such a contract begins and ends on purpose: the table of markets shows when
_LACKS, _NONE = (
    "has no ",
    "There is no ",
)  # how sentences begin that are put together, after the name of an asset or bare
SAID: Final = ("missing", "warning")  # told as sentences, here and at the head of the page


# ------------------------------------------------------------------------------------------------------------ sentences


def sentences(run: Run) -> list[str]:
    """What one must know before reading the figures: hedges that are no shorts, a cold start, what was missing."""
    coverage = run.coverage
    told = [*_instead_of_shorts(run), *_cold(coverage)]
    missing = coverage.get("missing")
    lines = [str(line) for line in missing] if isinstance(missing, (list, tuple)) else []
    return told + _grouped([line for line in lines if not _DATED.match(line)])


def _instead_of_shorts(run: Run) -> list[str]:
    """Assets that show a hedge ratio without a single futures trade: what it is made of."""
    short = {leg.asset for leg in run.legs if leg.kind == "futures"}
    ratios = np.nan_to_num(run.h_achieved, nan=0.0, posinf=0.0, neginf=0.0)
    names = [name for i, name in enumerate(run.assets) if name not in short and np.any(ratios[:, i] > HEDGED)]
    if not names:
        return []
    what = "the hedge ratio counts spot that was sold in place of shorts"
    return [f"No futures were traded{'' if not short else f' for {conjoined(names)}'}: {what}."]


def _cold(coverage: Mapping[str, object]) -> list[str]:
    days = coverage.get("warmup_days")
    if not isinstance(days, int) or days >= YEAR:
        return []
    what = "signals begin cold, and abstain until they have enough"
    if days <= 0:
        return [f"There is no data before the first day: {what}."]
    return [f"There {'is 1 day' if days == 1 else f'are only {days} days'} of data before the first day: {what}."]


def _grouped(lines: Sequence[str]) -> list[str]:
    """Sentences that say the same of several assets, or of several series of the market, as one."""
    same: dict[str, list[str]] = {}
    for line in lines:
        name, _, rest = line.partition(" ")
        what = line.removeprefix(_NONE)
        if what != line:
            same.setdefault(_NONE, []).append(what.removesuffix("."))
        else:
            same.setdefault(rest if rest.startswith(_LACKS) else line, []).append(name)
    told = []
    for line, names in same.items():
        if line == _NONE:
            told.append(f"{_NONE}{conjoined(names, 'or')}.")
        elif line.startswith(_LACKS):
            told.append(f"{f'Each of {conjoined(names)}' if len(names) > 1 else names[0]} {line}")
        else:
            told.append(line)
    return told


def conjoined(names: Sequence[str], word: str = "and") -> str:
    """BTC, ETH and SOL."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# --------------------------------------------------------------------------------------------------------------- blocks


def blocks(run: Run) -> list[Block]:
    """The notes of a run in the order of reading; nothing where it carries none."""
    coverage = run.coverage
    if not coverage:
        return []
    told = sentences(run)
    found: list[Block] = [{"kind": "list", "title": "", "entries": told}] if told else []
    plain = {key: value for key, value in coverage.items() if key not in (*SAID, *COUNTS) and not _many(value)}
    known = [(FACTS[key], _plain(plain[key])) for key in FACTS if key in plain]
    known += [(_words(key), _plain(value)) for key, value in plain.items() if key not in FACTS]
    if known:
        found.append({"kind": "pairs", "title": "", "pairs": known})
    whole = {key: coverage.get(count) for count, key in COUNTS.items()}
    rest = [key for key in coverage if key not in TITLES and key not in SAID and _many(coverage[key])]
    for key in (*TITLES, *rest):
        if coverage.get(key):
            count = whole.get(key)
            found.append(_block(coverage[key], _title(key), count if isinstance(count, int) else 0))
    return found


def _many(value: object) -> bool:
    """Whether it has rows of its own, and no line holds it."""
    if isinstance(value, Mapping):
        return bool(value)
    return _is_rows(value)


def _is_rows(value: object) -> TypeGuard[Sequence[Mapping[str, object]]]:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _block(value: object, title: str, whole: int = 0) -> Block:
    """Rows or a mapping as a table, or as pairs; ``whole`` is how many there are where ``value`` is cut."""
    rows: list[dict[str, object]] = []
    if _is_rows(value):
        rows = [dict(row) for row in value]
    elif isinstance(value, Mapping) and all(_is_rows(entry) for entry in value.values()):
        rows = [{"": name, **row} for name, entry in value.items() for row in entry]
    elif isinstance(value, Mapping) and all(isinstance(entry, Mapping) for entry in value.values()):
        rows = [{"": name, **entry} for name, entry in value.items()]
    if not rows:
        pairs = [(str(key), _plain(entry)) for key, entry in value.items()] if isinstance(value, Mapping) else []
        return {"kind": "pairs", "title": title, "pairs": pairs, "count": len(pairs)}
    heads = list(dict.fromkeys(str(key) for row in rows for key in row))
    cells = [[_plain(row[head]) if head in row else "" for head in heads] for row in rows]
    cut = f"The first {len(rows)} of {whole:,}." if whole > len(rows) else ""
    shown = [HEADS.get(head, _words(head)) for head in heads]
    return {"kind": "table", "title": title, "heads": shown, "rows": cells, "count": max(whole, len(rows)), "cut": cut}


def _title(key: str) -> str:
    return TITLES.get(key) or _words(key).capitalize()


def _words(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: object) -> str:
    """One value as text; whatever it is, no brackets of Python's."""
    if value is None:
        return numerals.NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in list(value.items())[:LIST]) or "none"
    if isinstance(value, (list, tuple, set, frozenset)):
        shown = [_plain(entry) for entry in list(value)[:LIST]]
        more = f" and {len(value) - LIST} more" if len(value) > LIST else ""
        return (", ".join(shown) + more) or "none"
    return str(value)
