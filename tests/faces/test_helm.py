"""What stands around a running engine: what the inbox lets through, and what it does with the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hedgerow.engine.commands import obey
from hedgerow.faces import helm
from hedgerow.model.command import Command
from hedgerow.model.mandate import State
from hedgerow.store import inbox


@dataclass
class Still:
    """An engine of which only the state and the time are asked."""

    now_ns: int = 7
    state: State = State.RUNNING


def told(folder: Path, signals: helm.Signals | None = None, engine: Any = None) -> tuple[list[Command], list[str]]:
    notices: list[str] = []
    return list(helm.Inbox(engine or Still(), folder, signals or helm.Signals(), notices.append)()), notices


def test_a_command_is_removed_when_the_next_is_asked_for(tmp_path: Path) -> None:
    first = inbox.put(tmp_path / "main", {"verb": "pause", "who": "ann"}, 1)
    second = inbox.put(tmp_path / "main", {"verb": "resume", "who": "ann"}, 2)
    found = helm.Inbox(Still(), tmp_path / "main", helm.Signals(), pytest.fail)()
    assert next(found).id == first
    assert [name for name, _ in inbox.waiting(tmp_path / "main")] == [first, second]
    assert next(found).id == second
    assert [name for name, _ in inbox.waiting(tmp_path / "main")] == [second]
    assert list(found) == []
    assert list(inbox.waiting(tmp_path / "main")) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"verb": "sing", "who": "ann"}, "the verb 'sing' is not known"),
        ({"who": "ann"}, "the verb '' is not known"),
        ({"verb": "pause"}, "'' is nobody"),
        ({"verb": "approve", "who": "policy"}, "'policy' is nobody"),
        ({"verb": "pause", "who": 5}, "who is no text"),
        ({"verb": "pause", "who": "ann", "text": "x" * 3_000}, "text is no text of at most 2,000"),
        ({"verb": "snooze", "who": "ann", "seconds": "2"}, "no whole number"),
        ({"verb": "snooze", "who": "ann", "seconds": True}, "no whole number"),
        ({"verb": "flatten", "who": "ann", "options": []}, "no table"),
        ({"verb": "pause", "who": "ann", "way": "in"}, "'way' is no part of a command"),
    ],
)
def test_what_is_no_command_never_reaches_the_engine(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    inbox.put(tmp_path / "main", said, 1)
    good = inbox.put(tmp_path / "main", {"verb": "pause", "who": "ann"}, 2)
    commands, notices = told(tmp_path / "main")
    assert [one.id for one in commands] == [good]
    assert len(notices) == 1
    assert why in notices[0]


def test_the_engine_refuses_a_verb_that_it_does_not_know() -> None:
    """A row of the journal that raises would do so at every replay, and the portfolio could not be taken up any more."""

    class Ear:
        now_ns = 7

        def __init__(self) -> None:
            self.said: list[Any] = []

        def emit(self, record: Any) -> None:
            self.said.append(record)

    ear: Any = Ear()
    obey(ear, Command(7, "1", "ann", "sing"))  # type: ignore[arg-type]
    assert not ear.said[0].done
    assert '"sing" is no command' in ear.said[0].text


def test_a_file_or_a_signal_halts_once_and_again_after_a_resume(tmp_path: Path) -> None:
    folder = inbox.make_ready(tmp_path / "inbox" / "main")
    inbox.halt(folder)
    (first,), _ = told(folder)
    assert (first.verb, first.who) == ("halt", "file")
    assert told(folder, engine=Still(state=State.HALTED)) == ([], [])
    (second,), _ = told(folder)
    assert second.id != first.id  # an id that came before would not be done, and the clock of the engine may stand
    (folder / inbox.HALT).unlink()
    signals = helm.Signals(halt=True)
    (third,), _ = told(folder, signals)
    assert (third.who, signals.halt) == ("signal", False)


def test_the_status_of_what_never_ran_or_is_torn_says_what_to_do(home: Path) -> None:
    with pytest.raises(helm.ConfigError, match="no engine has run it here yet"):
        helm.read_status("main")
    helm.status_path("main").parent.mkdir()
    for torn in ("", "{", "[]", json.dumps({"written_ns": "now"})):
        helm.status_path("main").write_text(torn)
        with pytest.raises(helm.ConfigError, match="cannot be read"):
            helm.read_status("main")
    with pytest.raises(helm.ConfigError):
        helm.status_path("../main")
