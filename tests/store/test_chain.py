"""The chain: every change to it is found, wherever it is and whoever made it."""

from __future__ import annotations

import hashlib
import hmac
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.errors import ConfigError
from hedgerow.model.entry import Entry
from hedgerow.store import chain
from tests.store.desk import KEY, drafts, sealed

ROWS = sealed(drafts(50))


def judged(rows: list[Entry], anchors: tuple[chain.Anchor, ...] = ()) -> tuple[str, ...]:
    return chain.verify(KEY, "main", rows, anchors).findings


def test_seal_is_hmac_over_the_seal_before_and_the_bytes_of_the_row() -> None:
    first, second = ROWS[:2]
    for row, before in ((first, ""), (second, first.mac)):
        text = chain.canonical(row.seq, row.at_ns, row.portfolio, row.account, row.kind, row.way, row.body)
        assert row.mac == hmac.new(KEY, before.encode() + text, hashlib.sha256).hexdigest()
    assert chain.canonical(1, 23, "p", "ä", "k", "in", "{}") == b"hedgerow row 1|1:12:231:p2:\xc3\xa41:k2:in2:{}"


def test_sound_chain() -> None:
    found = chain.verify(KEY, "main", ROWS, [chain.Anchor(0, "main", 50, ROWS[-1].mac, 1)])
    assert (found.sound, found.head, found.rows) == (True, (50, ROWS[-1].mac), 50)
    assert chain.verify(KEY, "main", []).sound


def test_other_key_fits_no_row() -> None:
    assert len(chain.verify(bytes(32), "main", ROWS).findings) == 50


def test_every_flipped_byte_of_every_field_is_found_in_its_row() -> None:
    chance = random.Random(1)
    for place, row in enumerate(ROWS):
        for name, value in row._asdict().items():
            text = str(value).encode()
            for i in range(len(text)):
                flipped = text[:i] + bytes([text[i] ^ (1 << chance.randrange(8))]) + text[i + 1 :]
                changed: Any = flipped.decode("utf-8", "surrogateescape")
                if isinstance(value, int) and changed.isascii() and changed.isdigit():
                    changed = int(changed)
                rows = [*ROWS[:place], row._replace(**{name: changed}), *ROWS[place + 1 :]]
                found = judged(rows)
                assert found, (row.seq, name, i)
                assert found[0].startswith(f"row {rows[place].seq!r}"), found


@pytest.mark.parametrize(
    ("field", "value"),
    [("at_ns", float(ROWS[4].at_ns)), ("at_ns", None), ("body", b"{}"), ("body", None), ("mac", None), ("account", 5),
     ("body", "\udc80"), ("seq", 5.0), ("seq", True), ("seq", "5"), ("mac", "")],
)  # fmt: skip
def test_field_of_another_type_is_found(field: str, value: object) -> None:
    rows = [*ROWS[:4], ROWS[4]._replace(**{field: value}), *ROWS[5:]]
    assert judged(rows)


def test_row_without_text_and_without_seal_is_found() -> None:
    assert judged([ROWS[0]._replace(body=None, mac="")])  # type: ignore[arg-type]


@given(st.data())
def test_every_cut_deletion_insertion_swap_and_splice_is_found(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 49))
    other = data.draw(st.integers(0, 49).filter(lambda i: i != at))
    anchor = chain.Anchor(0, "main", 50, ROWS[-1].mac, 1)
    branch = sealed([*drafts(at), *drafts(50 - at, first=1_000)])  # the same journal, written on differently
    spliced = [*ROWS[:at], *branch[at:]]
    swapped = list(ROWS)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    exchanged = [row._replace(seq=i) for i, row in enumerate(swapped, start=1)]
    tampered = {
        "cut behind": ROWS[:at],
        "cut before": ROWS[at + 1 :],
        "deleted": [*ROWS[:at], *ROWS[at + 1 :]],
        "closed up": [row._replace(seq=i) for i, row in enumerate([*ROWS[:at], *ROWS[at + 1 :]], start=1)],
        "inserted": [*ROWS[:at], ROWS[other], *ROWS[at:]],
        "inserted, counted on": [
            row._replace(seq=i) for i, row in enumerate([*ROWS[:at], ROWS[other], *ROWS[at:]], start=1)
        ],
        "swapped": swapped,
        "exchanged": exchanged,
        "spliced": [*ROWS[: at + 1], *branch[at + 1 :]] if at < 49 else ROWS[:49],
        "branched": spliced,
        "of another portfolio": sealed(drafts(50), "other"),
    }
    for what, rows in tampered.items():
        assert judged(rows, (anchor,)), what


def test_findings_name_their_rows_and_each_fault_once() -> None:
    assert judged([*ROWS[:9], *ROWS[12:]]) == ("row 13: rows 10 to 12 are missing before it",)
    assert judged([*ROWS[:9], *ROWS[10:]]) == ("row 11: row 10 is missing before it",)
    assert judged([*ROWS[:9], ROWS[8], *ROWS[9:]]) == (
        "row 9: it stands behind row 9: it is there twice, or out of order",
    )
    changed = [*ROWS[:9], ROWS[9]._replace(kind="fill "), *ROWS[10:]]
    assert judged(changed) == (
        "row 10: its seal does not fit: it was changed, or is not the one that was written behind row 9",
    )
    foreign = [*ROWS[:9], ROWS[9]._replace(portfolio="other"), *ROWS[10:]]
    assert judged(foreign) == ("row 10: it is of portfolio 'other', not of 'main'",)


def test_anchor_finds_a_tail_that_was_cut_and_a_chain_that_was_written_anew() -> None:
    anchor = chain.Anchor(0, "main", 40, ROWS[39].mac, 1)
    assert judged(ROWS, (anchor,)) == ()
    assert (
        "row 40: it is missing, and was the last on 0; the journal ends with row 30" in judged(ROWS[:30], (anchor,))[0]
    )
    assert "the journal is empty" in judged([], (anchor,))[0]
    anew = sealed(drafts(50, first=7))
    assert judged(anew, (anchor,)) == ("row 40: it is not the row that was its head on 0",)
    assert judged(anew, (anchor._replace(portfolio="other"), anchor._replace(seq=0, mac=""))) == ()


def test_findings_end_somewhere() -> None:
    rows = [row._replace(body="") for row in sealed(drafts(chain.MOST_FINDINGS + 5))]
    found = judged(rows)
    assert len(found) == chain.MOST_FINDINGS + 1
    assert found[-1] == "and 5 findings more"


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", ".", "..", "a/b", "x" * 65, "ä", "a\n"])
def test_hostile_name_of_a_portfolio(name: str) -> None:
    with pytest.raises(ConfigError, match="no name of a portfolio"):
        chain.portfolio_name(name)
