"""What happened, in sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hedgerow.faces.happenings import Teller, recent
from hedgerow.model.entry import Entry

DAY = 86_400_000_000_000
AT = 19_000 * DAY  # 2022-01-08


class Rows:
    """A journal of these rows: (kind, time, body)."""

    def __init__(self, *rows: tuple[str, int, dict[str, Any]]) -> None:
        self.made = [_entry(n, at, kind, body) for n, (kind, at, body) in enumerate(rows, start=1)]

    def last(self, count: int, kind: str = "") -> list[Entry]:
        found = [row for row in self.made if kind in ("", row.kind)]
        return found[-count:] if count else []

    def rows(self, after: int) -> list[Entry]:
        return self.made[after:]


def _entry(seq: int, at_ns: int, kind: str, body: dict[str, Any]) -> Entry:
    values = {"portfolio": "main", "seq": seq, "at_ns": at_ns, "account": "", "kind": kind, "way": "in", "body": json.dumps(body),
              "mac": ""}  # fmt: skip
    return Entry(**{name: values[name] for name in Entry._fields})


def said(kind: str, body: dict[str, Any], **more: Any) -> list[str]:
    return [one.text for one in Teller("USDT", **more).heard(kind, AT, json.dumps(body))]


FILL = {"account": "spot", "instrument": "BTC/USDT", "amount": "-0.5", "price": "40000", "id": "1"}
PLAN = {"id": "p1-aa", "legs": [1, 2], "notional": "1000", "cause": "day", "expires_ns": AT}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("fill", FILL | {"fee": "12", "fee_currency": "USDT", "reason": "hedge_raise"},
         "Sold 0.5 BTC/USDT at 40,000, fee 12.00 USDT (hedge raise)."),
        ("fill", FILL | {"kind": "liquidation"}, "The venue ended 0.5 BTC/USDT at 40,000 (liquidation)."),
        ("plan", PLAN | {"level": "auto"}, "Plan p1-aa: 2 legs, 1,000: carried out unasked."),
        ("plan", PLAN | {"level": "approve", "cause": "operator"},
         "Plan p1-aa: 2 legs, 1,000, asked for by an operator: waits for approval until 01-08 00:00."),
        ("verdict", {"plan": "p1-aa", "word": "rejected", "who": "ann", "why": "not now"},
         "Plan p1-aa is rejected by ann: not now."),
        ("verdict", {"plan": "p1-aa", "word": "lapsed", "who": "policy"}, "Plan p1-aa is lapsed."),
        ("alert", {"key": "k", "level": "critical", "text": "it differs"}, "Critical: it differs."),
        ("alert", {"key": "k", "level": "info", "text": "it differs", "over": True}, "Over: it differs."),
        ("report", {"id": "o1", "word": "refused", "text": "too small"}, "Order o1 was refused: too small."),
        ("change", {"state": "reduce_only", "who": "policy", "why": "a venue contradicts itself"},
         "The engine is reduce-only now: a venue contradicts itself."),
        ("difference", {"items": {"BTC": ["1", "2"]}}, "Book and venue differ in BTC."),
        ("difference", {"items": {"BTC": ["1", "2"]}, "settled": "adopted"}, "The difference in BTC is adopted."),
        ("flow", {"amount": "-5", "currency": "USDT", "account": "spot"}, "5 USDT went out (spot)."),
        ("answer", {"id": "9", "done": False, "text": "no plan is open"}, "A command: refused: no plan is open."),
        ("trouble", {"key": "k", "text": "the stream is silent"}, "the stream is silent."),
    ],
)  # fmt: skip
def test_a_row_is_a_sentence(kind: str, body: dict[str, Any], words: str) -> None:
    assert said(kind, body) == [words]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("verdict", {"plan": "p1-aa", "word": "begun", "who": "policy"}),
        ("verdict", {"plan": "p1-aa", "word": "approved", "who": "policy"}),
        ("change", {"state": "paused", "who": "ann", "why": "paused"}),
        ("report", {"id": "o1", "word": "filled"}),
        ("order", {"id": "o1", "amount": "1", "instrument": "BTC/USDT", "kind": "spot"}),
        ("bars", {}), ("quotes", {}), ("timer", {}), ("snapshot", {}), ("a kind of a later version", {}),
    ],
)  # fmt: skip
def test_what_happens_all_the_time_is_not_told(kind: str, body: dict[str, Any]) -> None:
    assert said(kind, body) == []


def test_orders_are_told_where_they_are_asked_for() -> None:
    assert said("order", {"id": "o1", "amount": "1", "instrument": "BTC/USDT", "kind": "spot"}, every=True)


def test_a_command_stands_with_its_answer() -> None:
    teller = Teller()
    asked = {"id": "7", "who": "ann", "verb": "reduce_only", "text": "storm"}
    assert teller.heard("command", AT, json.dumps(asked)) == []
    (told,) = teller.heard("answer", AT, json.dumps({"id": "7", "done": True, "text": "the engine is reduce only"}))
    assert told.text == 'ann: reduce-only ("storm"): the engine is reduce only.'
    assert told.kind == "command"


def test_a_verdict_and_its_answer_are_one_thing() -> None:
    asked = json.dumps({"id": "7", "who": "ann", "verb": "approve", "plan": "p1-aa"})
    for done, every, told in ((True, False, 0), (False, False, 1), (True, True, 1)):
        teller = Teller(every=every)
        teller.heard("command", AT, asked)
        assert len(teller.heard("answer", AT, json.dumps({"id": "7", "done": done, "text": "so it is"}))) == told


def test_funding_is_summed_a_day() -> None:
    teller = Teller("USDT")
    for hour, contract, amount in ((0, "A", "1.5"), (8, "A", "-0.25"), (16, "B", "2")):
        body = json.dumps({"instrument": contract, "amount": amount})
        assert teller.heard("funding", AT + hour * 3_600 * 10**9, body, hour + 1) == []
    told, wake = teller.heard("wake", AT + DAY, json.dumps({"version": "1"}), 30)
    assert told.text == "Funding of 2022-01-08: received 3.25 USDT on 2 shorts."
    assert (told.at_ns, told.seq) == (AT + 16 * 3_600 * 10**9, 17)
    assert wake.kind == "wake"
    teller.heard("funding", AT + DAY, json.dumps({"instrument": "A"}))
    assert teller.rest()[0].text == "Funding of 2022-01-09 is not wholly known."
    assert teller.rest() == []


def test_the_last_things_of_a_journal() -> None:
    begin = ("begin", AT, {"world": "paper", "version": "1", "universe": {"quote": "USDC"}})
    pay = [("funding", AT + n * DAY // 2, {"instrument": "A", "amount": "1"}) for n in range(8)]
    fills = [("fill", AT + n * DAY, FILL) for n in range(4)]
    journal: Any = Rows(begin, *pay, *fills, ("bars", AT + 4 * DAY, {}))
    told = recent(journal, 3)
    assert [one.kind for one in told] == ["fill", "fill", "fill"]
    assert [one.text for one in recent(journal, 100, "funding")][:1] == [
        "Funding of 2022-01-08: received 2.00 USDC on 1 short."
    ]
    assert len(recent(journal, None, "fill", AT + 2 * DAY)) == 2
    assert recent(journal, 0) == []
    assert len(recent(journal, 100)) == 1 + 4 + 4
