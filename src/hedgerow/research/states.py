"""Why an asset stands where it stands: every row of the regime table against the votes of one decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hedgerow.kernel import arrays as k
from hedgerow.model.policy import Policy
from hedgerow.model.policy_row import Gate

YES, NO, UNKNOWN = "yes", "no", "abstains"


def answers(policy: Policy, work: k.Work, a: int) -> dict[str, str]:
    """Every vote of asset ``a``: yes, no or abstains."""
    true, known = int(work.bits[0, a]), int(work.bits[1, a])
    return {
        name: UNKNOWN if not known >> v & 1 else (YES if true >> v & 1 else NO) for v, name in enumerate(policy.vote)
    }


def regime_rows(policy: Policy, book: k.Book, work: k.Work, a: int) -> list[dict[str, Any]]:
    """The rows of the regime table in their order, each with what speaks for and against it today.

    ``here``: the asset stands in it. ``lacks``: what its condition misses, none where it holds. ``barred``: why it may
    not be entered though its condition may hold (the row, the dwell, the wait after it was left); for the row where the
    asset stands, why it may not be left for one below it.
    """
    votes = answers(policy, work, a)
    names, rows = list(policy.regime), policy.regime
    state, age = int(book.asset[k.B_STATE, a]), float(book.asset[k.B_AGE, a])
    stuck = _leaving(policy, book, votes, names[state], age, a) if age > 0.0 else []
    told = []
    for r, (name, row) in enumerate(rows.items()):
        here = r == state
        told.append({
            "state": name, "hedge": list(row.hedge), "here": here, "fallback": row.enter is None,
            "holds": not lacking(row.enter, votes), "lacks": lacking(row.enter, votes),
            "barred": stuck if here else ([] if age == 0.0 else _barred(policy, book, votes, names[state], name, not stuck, r, a)),
        })  # fmt: skip
    return told


def lacking(gate: Gate | None, votes: Mapping[str, str]) -> list[str]:
    """What a gate misses, in words; nothing where it holds. It says what ``kernel.regime.gate_holds`` decides."""
    if gate is None:
        return []
    words = []
    have = [name for name in gate.of if votes[name] == YES]
    if len(have) < gate.at_least:
        words.append(f"{len(have)} true, {gate.at_least} needed, of {_listed(gate.of)}")
    words += [f"{name} {_said(votes[name])}" for name in gate.all if votes[name] != YES]
    if gate.any and not any(votes[name] == YES for name in gate.any):
        words.append(f"none of {_listed(gate.any)} is true" if len(gate.any) > 1 else f"{gate.any[0]} is not true")
    words += [f"{name} is true" for name in gate.none if votes[name] == YES]
    if gate.none and 2 * sum(votes[name] != UNKNOWN for name in gate.none) < len(gate.none):
        words.append(f"most of {_listed(gate.none)} are unknown")
    return words


def _leaving(policy: Policy, book: k.Book, votes: Mapping[str, str], state: str, age: float, a: int) -> list[str]:
    """What keeps the asset from leaving its row for one below it; nothing where it may leave."""
    row = policy.regime[state]
    if row.quiet > 0.0 and book.asset[k.B_QUIET, a] >= row.quiet:
        return []
    words = []
    since = {  # runs are counted from the entry
        name: NO
        if votes[name] == YES and vote.lasting > 0.0 and min(book.votes[k.VOTE_RUN, v, a], age) < vote.lasting
        else votes[name]
        for v, (name, vote) in enumerate(policy.vote.items())
    }
    if row.leave is not None:
        words += lacking(row.leave, since)
        if book.asset[k.B_SHOCK, a] == 1.0 and row.leave_shock is not None and not words:
            words += lacking(row.leave_shock, since)
    elif not row.quiet:
        words.append("only a row above takes over")
    if row.quiet > 0.0 and (words or row.leave is None):
        words.append(f"a vote of its own was true {book.asset[k.B_QUIET, a]:.0f} days ago, not {row.quiet:g}")
    return words


def _barred(
    policy: Policy, book: k.Book, votes: Mapping[str, str], state: str, name: str, leaves: bool, r: int, a: int
) -> list[str]:
    """What keeps the asset from entering another row, but for the row's own condition."""
    row, here = policy.regime[name], policy.regime[state]
    age = float(book.asset[k.B_AGE, a])
    at_once = state in row.comes_from
    follows = at_once or row.enter is None or state in row.after
    words = []
    if not follows:
        words.append(f"not entered from {state}")
    elif not at_once and not leaves:
        words.append(f"not before {state} may be left")
    higher = sum(row.hedge) > sum(here.hedge)
    override = higher and any(votes[vote] == YES for vote in policy.dwell_override)
    if age < policy.dwell and not override:
        words.append(f"{state} lasts {policy.dwell:g} days at least")
    since = float(book.scalar[k.S_DAY] - book.left[r, a])
    if since < row.reenter_after:
        words.append(f"left {since:.0f} days ago, again after {row.reenter_after:g}")
    return words


def _said(answer: str) -> str:
    return "is unknown" if answer == UNKNOWN else "is not true"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
