"""Stage 2, regime: votes, and the row of the regime table of every asset, with hysteresis and dwell (domain 2.11,
2A).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hedgerow.jit import compiled
from hedgerow.kernel.arrays import (
    B_AGE,
    B_ENTRY_H,
    B_H,
    B_LADDER_SEEN,
    B_LADDER_USED,
    B_PEAK_DONE,
    B_QUIET,
    B_SHOCK,
    B_STATE,
    B_STEPS,
    G_ALL,
    G_ANY,
    G_LEAST,
    G_NONE,
    G_OF,
    K_DWELL,
    K_LEAST_BARS,
    K_MARKET,
    K_OVERRIDE,
    R_AFTER,
    R_DEPLOY,
    R_ENTER,
    R_FAILED,
    R_FROM,
    R_HIGH,
    R_LEAVE,
    R_LEAVE_SHOCK,
    R_LOW,
    R_QUIET,
    R_REENTER,
    R_SHOCK,
    S_DAY,
    V_BELOW,
    V_FOR,
    V_GATE,
    V_MEASURE,
    V_THRESHOLD,
    V_WITHIN,
    VOTE_AGE,
    VOTE_RUN,
    X_BORROWED,
    X_FROZEN,
)  # fmt: skip
from hedgerow.model.market import Floats, Ints
from hedgerow.model.measure import INDEX

_BARS: Final = INDEX["bars"]
_FUNDING: Final = INDEX["funding7"]


@compiled
def count_bits(mask: int) -> int:
    """The number of ones in a non-negative mask."""
    total = 0
    while mask != 0:
        mask = mask & (mask - 1)
        total += 1
    return total


@compiled
def gate_holds(gate: Ints, g: int, true: int, known: int) -> bool:
    """Whether gate ``g`` holds for these votes. A missing vote is never counted as calm, nor as an alarm."""
    if count_bits(true & gate[g, G_OF]) < gate[g, G_LEAST]:
        return False
    if (true & gate[g, G_ALL]) != gate[g, G_ALL]:
        return False
    if gate[g, G_ANY] != 0 and (true & gate[g, G_ANY]) == 0:
        return False
    none = gate[g, G_NONE]
    if none != 0:
        if (true & none) != 0:
            return False
        if 2 * count_bits(known & none) < count_bits(none):
            return False
    return True


@compiled
def vote_stage(vote: Floats, gate: Ints, votes: Floats, measure: Floats, bits: Ints) -> None:
    """Answer every vote for every asset; ``bits`` gets the masks of the true and of the known ones."""
    for a in range(bits.shape[1]):
        bits[0, a] = 0
        bits[1, a] = 0
    for v in range(vote.shape[0]):
        if vote[v, V_GATE] >= 0.0:
            _count_votes(vote, gate, votes, bits, v)
        else:
            _compare(vote, votes, measure, bits, v)


@compiled
def _compare(vote: Floats, votes: Floats, measure: Floats, bits: Ints, v: int) -> None:
    """Answer vote ``v``, which compares a measure with a threshold."""
    m = int(vote[v, V_MEASURE])
    side = -1.0 if vote[v, V_BELOW] == 1.0 else 1.0
    threshold = side * vote[v, V_THRESHOLD]
    if _lasts(vote, v):
        for a in range(bits.shape[1]):
            value = side * measure[m, a]
            _answer_in_time(vote, votes, bits, value == value, value >= threshold, v, a)
    else:
        for a in range(bits.shape[1]):
            value = side * measure[m, a]
            _answer(votes, bits, value == value, value >= threshold, v, a)


@compiled
def _count_votes(vote: Floats, gate: Ints, votes: Floats, bits: Ints, v: int) -> None:
    """Answer vote ``v``, which counts earlier ones: yes, or no whatever the unknown ones may be, or unknown."""
    g = int(vote[v, V_GATE])
    asked, least = gate[g, G_OF], gate[g, G_LEAST]
    lasts = _lasts(vote, v)
    for a in range(bits.shape[1]):
        have = count_bits(bits[0, a] & asked)
        unknown = count_bits(asked & ~bits[1, a])
        now = have >= least
        sure = now | (have + unknown < least)
        if lasts:
            _answer_in_time(vote, votes, bits, sure, now, v, a)
        else:
            _answer(votes, bits, sure, now, v, a)


@compiled
def _lasts(vote: Floats, v: int) -> bool:
    """Whether vote ``v`` asks for a run of days, or holds for some: of others no run is kept."""
    return vote[v, V_FOR] > 0.0 or vote[v, V_WITHIN] > 0.0


@compiled
def _answer(votes: Floats, bits: Ints, sure: bool, now: bool, v: int, a: int) -> None:
    """Write the answer to vote ``v`` down, and the days since it was last yes. Without a branch, like what follows:
    whether a vote is true can't be foretold.
    """
    votes[VOTE_AGE, v, a] = 0.0 if now else votes[VOTE_AGE, v, a] + 1.0
    bits[0, a] |= int(now) << v
    bits[1, a] |= int(sure) << v


@compiled
def _answer_in_time(vote: Floats, votes: Floats, bits: Ints, sure: bool, now: bool, v: int, a: int) -> None:
    """The same of a vote that lasts: carry its run and its age on; an unknown one holds its run."""
    run, longer, older = votes[VOTE_RUN, v, a], votes[VOTE_RUN, v, a] + 1.0, votes[VOTE_AGE, v, a] + 1.0
    counted = longer if now else 0.0
    run = counted if sure else run
    true = sure & now & (run >= vote[v, V_FOR])
    age = 0.0 if true else older
    recent = age < vote[v, V_WITHIN]
    votes[VOTE_RUN, v, a] = run
    votes[VOTE_AGE, v, a] = age
    bits[0, a] |= int(true | recent) << v
    bits[1, a] |= int(sure | recent) << v


@compiled
def _since_entry(vote: Floats, votes: Floats, lasting: int, true: int, age: float, a: int) -> int:
    """The votes that are ``true`` when runs are counted from the entry into the present row; ``lasting`` is the mask of
    those that ask for a run.
    """
    kept = true
    rest = true & lasting
    v = 0
    while rest != 0:
        if rest & 1 == 1 and min(votes[VOTE_RUN, v, a], age) < vote[v, V_FOR]:
            kept = kept & ~(1 << v)
        rest = rest >> 1
        v += 1
    return kept


@compiled
def _may_leave(regime: Floats, gate: Ints, asset: Floats, s: int, after: int, known: int, a: int) -> bool:
    if regime[s, R_QUIET] > 0.0 and asset[B_QUIET, a] >= regime[s, R_QUIET]:
        return True
    if regime[s, R_LEAVE] < 0.0 or not gate_holds(gate, int(regime[s, R_LEAVE]), after, known):
        return False
    if asset[B_SHOCK, a] == 1.0 and regime[s, R_LEAVE_SHOCK] >= 0.0:
        return gate_holds(gate, int(regime[s, R_LEAVE_SHOCK]), after, known)
    return True


@compiled
def next_state(
    rules: Floats,
    regime: Floats,
    gate: Ints,
    vote: Floats,
    votes: Floats,
    asset: Floats,
    left: Floats,
    lasting: int,
    true: int,
    known: int,
    day: float,
    a: int,
) -> int:
    """The row in which asset ``a`` stands after this close: rows are tried in order; see domain 2.11 and 2A-5, 2A-6,
    2A-10.
    """
    s = int(asset[B_STATE, a])
    age = asset[B_AGE, a]
    leaves = _may_leave(regime, gate, asset, s, _since_entry(vote, votes, lasting, true, age, a), known, a)
    middle = regime[s, R_LOW] + regime[s, R_HIGH]
    for r in range(regime.shape[0]):
        if r == s:
            continue
        at_once = (int(regime[r, R_FROM]) >> s) & 1 == 1
        follows = leaves and (at_once or regime[r, R_ENTER] < 0.0 or (int(regime[r, R_AFTER]) >> s) & 1 == 1)
        if not (at_once or follows):
            continue
        if age < rules[K_DWELL]:
            higher = regime[r, R_LOW] + regime[r, R_HIGH] > middle
            if not (higher and rules[K_OVERRIDE] >= 0.0 and gate_holds(gate, int(rules[K_OVERRIDE]), true, known)):
                continue
        if day - left[r, a] < regime[r, R_REENTER]:
            continue
        if regime[r, R_ENTER] < 0.0 or gate_holds(gate, int(regime[r, R_ENTER]), true, known):
            return r
    return s


@compiled
def _move(
    regime: Floats, gate: Ints, asset: Floats, left: Floats, r: int, true: int, known: int, day: float, a: int
) -> None:
    """Enter row ``r``: clocks start anew; what was used of the ladder is kept across a failed bottom."""
    s = int(asset[B_STATE, a])
    failed = int(regime[s, R_FAILED])
    if failed >= 0:
        if gate_holds(gate, failed, true, known):
            left[s, a] = day
    elif regime[r, R_LOW] + regime[r, R_HIGH] > regime[s, R_LOW] + regime[s, R_HIGH]:
        left[s, a] = day
    asset[B_STATE, a] = r
    asset[B_AGE, a] = 0.0
    asset[B_QUIET, a] = 0.0
    asset[B_PEAK_DONE, a] = 0.0
    asset[B_ENTRY_H, a] = asset[B_H, a]
    asset[B_STEPS, a] = 0.0
    asset[B_LADDER_SEEN, a] = 0.0
    if regime[s, R_DEPLOY] != 1.0 and regime[r, R_DEPLOY] != 1.0:
        asset[B_LADDER_USED, a] = 0.0
    shock = int(regime[r, R_SHOCK])
    asset[B_SHOCK, a] = 1.0 if shock >= 0 and gate_holds(gate, shock, true, known) else 0.0


@compiled
def regime_stage(
    rules: Floats,
    regime: Floats,
    gate: Ints,
    vote: Floats,
    votes: Floats,
    asset: Floats,
    scalar: Floats,
    left: Floats,
    measure: Floats,
    bits: Ints,
    hedge: Ints,
    x: Floats,
) -> None:
    """Advance the state of every asset by one completed day; the market asset goes first and lends its row."""
    n_assets = asset.shape[1]
    market = int(rules[K_MARKET])
    day = scalar[S_DAY]
    vote_stage(vote, gate, votes, measure, bits)
    if regime.shape[0] == 0:
        return
    compared = 0  # masks of the votes on measures, and of those that ask for a run
    lasting = 0
    for v in range(vote.shape[0]):
        if vote[v, V_GATE] < 0.0:
            compared = compared | (1 << v)
        if vote[v, V_FOR] > 0.0:
            lasting = lasting | (1 << v)
    least = 0.5 * count_bits(compared)
    for k in range(n_assets):
        a = market if k == 0 else (k if k > market else k - 1)
        asset[B_AGE, a] += 1.0
        true = bits[0, a]
        known = bits[1, a]
        no_funding = np.isnan(measure[_FUNDING, a]) and hedge[a] < 0 <= hedge[market]
        borrowed = a != market and (no_funding or not measure[_BARS, a] >= rules[K_LEAST_BARS])
        x[X_BORROWED, a] = 1.0 if borrowed else 0.0
        missing = count_bits(compared & ~known)
        x[X_FROZEN, a] = 1.0 if not borrowed and missing > least else 0.0  # more than half (domain 2.11)
        s = int(asset[B_STATE, a])
        enter = int(regime[s, R_ENTER])
        if enter >= 0 and (true & gate[enter, G_OF]) != 0:
            asset[B_QUIET, a] = 0.0
        elif enter < 0 or 2 * count_bits(known & gate[enter, G_OF]) >= count_bits(gate[enter, G_OF]):
            asset[B_QUIET, a] += 1.0  # what is not known is not quiet
        if x[X_FROZEN, a] == 1.0:
            continue
        if borrowed:
            r = int(asset[B_STATE, market])
        else:
            r = next_state(rules, regime, gate, vote, votes, asset, left, lasting, true, known, day, a)
        if r != s:
            _move(regime, gate, asset, left, r, true, known, day, a)
