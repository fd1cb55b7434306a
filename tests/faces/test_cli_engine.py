"""The running engine from the command line: a run that is stopped and taken up, approvals from another process, halt, replay."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow.faces.cli import app

RUN = ["run", "--policy", "b3_constant", "--assets", "BTC,ETH", "--start", "2022-07-01"]
PROGRAM = [sys.executable, "-m", "hedgerow"]
MANDATE = '[mandate]\nautonomy = "approve"\nexpires_hours = 100\nband = "0.5"\n'


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def said(*words: str) -> str:
    done = call(*words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def start(made_market: Path, home: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts runs in processes of their own; ``mandate`` is the text of its file. What still runs is ended.

    ``until`` names a day that is played before, at full speed: the day after it then lasts as long as a test needs.
    """
    made: list[Any] = []

    def begin(*words: str, mandate: str = MANDATE, until: str = "") -> Any:
        path = tmp_path / "mandate.toml"
        path.write_text(mandate)
        run = [*RUN, "--data", str(made_market), "--mandate", str(path)]
        if until:
            said(*run, "--end", until)
        command = [*PROGRAM, *run, *words]
        made.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        )
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.communicate()


@pytest.fixture
def started(start: Callable[..., Any]) -> Any:
    """A run that is paced, and waits for approval of its first plan."""
    return start("--speed", "2000x", until="2022-07-01")


def wait_for(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except AssertionError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def open_plan() -> str:
    record = json.loads(said("status", "--json", "-"))
    return str(record["plan"]["id"]) if record["plan"] and record["plan_is"] == "open" else ""


def test_a_run_is_taken_up_where_its_journal_ends_and_replays_the_same(made_market: Path, home: Path) -> None:
    whole = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    assert "carried out unasked" in whole
    assert "Sold" in whole
    again = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    assert "of the journal taken up" in again
    assert "every decision was made again, the same" in said("journal", "replay")
    assert "all fit to their seals" in said("journal", "verify")
    shown = said("status")
    assert "NO engine runs it" in shown
    assert "BTC" in shown


def test_another_policy_is_refused_for_a_portfolio_that_has_one(made_market: Path, home: Path) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-05")
    other = call(*RUN[:2], "b0_hold", *RUN[3:], "--data", str(made_market), "--auto", "--end", "2022-07-05")
    assert other.exit_code == 2
    assert "--policy: this portfolio has another one (b3_constant)" in other.output


def ended(process: Any, number: signal.Signals) -> str:
    """What a run printed in all, after a signal that stops it."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else 0), errors
    assert "Traceback" not in errors
    return str(output)


def is_running() -> bool:
    return bool(json.loads(said("status", "--json", "-"))["running"])


def words_of(plan: str) -> list[str]:
    record = json.loads(said("plans", "--all", "--json", "-"))
    return [one["word"] for made in record["plans"] if made["id"] == plan for one in made["said"]]


def test_a_plan_is_approved_and_the_engine_paused_and_halted_from_another_process(started: Any) -> None:
    wait_for(is_running)
    first = open_plan()
    assert f"Carry it out: hedgerow approve {first}" in said("plans")
    assert call("approve", "p999-000000000000").exit_code == 1
    assert f"{first} is approved" in said("approve", first, "--as", "ann")
    wait_for(lambda: "begun" in words_of(first))
    assert "paused" in said("pause")
    assert "running" in said("resume")
    assert "halted" in said("halt")
    assert is_running()
    output = ended(started, signal.SIGTERM)
    assert f"Plan {first} is approved by ann." in output
    assert "halt: the engine is halted" in output
    assert "Stopped at row" in output


def test_a_plan_is_rejected_from_another_process(started: Any) -> None:
    wait_for(is_running)
    first = open_plan()
    assert f"{first} is rejected" in said("reject", first, "--text", "not now")
    assert words_of(first) == ["rejected"]
    assert f"No plan is open; the last one, {first}, is rejected." in said("plans")
    assert "not now" in said("plans", "--all")


def test_nobody_answers_where_no_engine_runs(made_market: Path, home: Path) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-03")
    done = call("pause", "--wait", "0.3")
    assert done.exit_code == 1
    assert "waits in the inbox" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--world", "live"], "This version trades on paper only"),
        (["--speed", "fast"], "Write 1000x"),
        (["--mandate", "nowhere.toml"], "Write a table [mandate]"),
    ],
)
def test_what_cannot_be_run_says_why(made_market: Path, home: Path, words: list[str], told: str) -> None:
    done = call(*RUN, "--data", str(made_market), *words)
    assert done.exit_code == 2
    assert told in done.output


def test_a_mandate_names_its_wrong_cell(made_market: Path, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mandate.toml"
    path.write_text("[mandate]\nautonomi = 'auto'\n")
    done = call(*RUN, "--data", str(made_market), "--mandate", str(path))
    assert done.exit_code == 2
    assert "mandate.autonomi" in done.output


def fills() -> list[str]:
    return [one["text"] for one in json.loads(said("events", "--kind", "fill", "-n", "500", "--json", "-"))["events"]]


def test_a_run_that_is_interrupted_again_and_again_trades_the_same(
    start: Callable[..., Any], made_market: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path / "other"))
    whole_fills = ("--venue", "whole")  # under other terms a start takes its time, and an order comes later
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20", *whole_fills)
    whole, value = fills(), json.loads(said("status", "--json", "-"))["value"]
    monkeypatch.setenv("HEDGEROW_HOME", str(home))
    for wanted, number in ((1, signal.SIGINT), (4, signal.SIGTERM)):
        run = start("--speed", "80000x", "--end", "2022-07-20", *whole_fills, mandate="[mandate]\nautonomy = 'auto'\n")
        wait_for(lambda least=wanted: home.joinpath("journal", "journal.db").exists() and len(fills()) >= least)
        assert "Stopped at row" in ended(run, number)
    last = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20", *whole_fills)
    assert "of the journal taken up" in last
    assert "The recording ended at row" in last
    assert fills() == whole
    assert json.loads(said("status", "--json", "-"))["value"] == value
    assert "every decision was made again, the same" in said("journal", "replay")


def test_a_file_and_a_signal_halt(started: Any, home: Path) -> None:
    wait_for(is_running)
    folder = home / "inbox" / "main"
    (folder / "HALT").touch()
    wait_for(lambda: json.loads(said("status", "--json", "-"))["state"] == "halted")
    refused = call("resume")
    assert refused.exit_code == 2
    assert f"{folder / 'HALT'}: this file halts the engine again" in refused.output
    (folder / "HALT").unlink()
    assert "running" in said("resume")
    started.send_signal(signal.SIGUSR1)
    told = str(wait_for(lambda: "signal: halt" in (told := said("events", "--kind", "command")) and told))
    assert 'file: halt ("the file HALT is there"): the engine is halted.' in told
    assert 'signal: halt ("the process was told to by SIGUSR1"): the engine is halted.' in told
    assert "root: halt" not in told


def test_flatten_shows_before_it_does(start: Callable[..., Any], tmp_path: Path) -> None:
    auto = "[mandate]\nautonomy = 'auto'\nexpires_hours = 100\nband = '0.5'\n"
    start("--speed", "2000x", mandate=auto, until="2022-07-05")
    assert json.loads(said("status", "--json", "-"))["shorts"]
    wait_for(is_running)
    asked = CliRunner().invoke(app, ["flatten"], input="n\n")
    assert "The mandate carries such a plan out unasked." in asked.output
    assert "Nothing was asked of the engine." in asked.output
    (tmp_path / "other.toml").write_text("[mandate]\nexpires_hours = 100.5\nband = 0.5\n")
    assert "The mandate is changed" in said("mandate", str(tmp_path / "other.toml"))
    wait_for(lambda: json.loads(said("status", "--json", "-"))["autonomy"] == "approve")
    refused = CliRunner().invoke(app, ["flatten"], input="n\n")
    assert "BTC/USDT:USDT" in refused.output
    assert "is rejected" in refused.output
    done = said("flatten", "--all", "--yes")
    assert "sell" in done
    assert "is approved" in done
    wait_for(lambda: not json.loads(said("status", "--json", "-"))["shorts"])
    assert "asked for by an operator" in said("events", "--kind", "plan")


def test_two_people_approve_and_a_plan_is_snoozed(start: Callable[..., Any]) -> None:
    start("--speed", "2000x", mandate=MANDATE + 'two_above = "10"\n', until="2022-07-01")
    wait_for(is_running)
    name = wait_for(open_plan)
    assert "asked about again later" in said("snooze", name, "2h")
    assert "1 more must agree" in said("approve", name, "--as", "ann", "--text", "looks right")
    again = call("approve", name, "--as", "ann")
    assert again.exit_code == 1
    assert "Refused: " in again.output
    assert "ann has approved it already" in again.output
    assert "Approved so far by ann." in wait_for(lambda: "Approved so far" in said("status") and said("status"))
    shown = said("plans")
    assert "approved by ann: looks right." in shown
    assert "it waits for approval of 2 people" in shown
    assert f"{name} is approved." in said("approve", name, "--as", "bob")
    assert call("approve", name, "--as", "policy").exit_code == 2
    assert call("snooze", name, "soon").exit_code == 2
    nothing = call("settle", "adopt")
    assert (nothing.exit_code, "do not differ" in nothing.output) == (1, True)


def test_rows_are_durable_and_the_lease_is_kept_at_any_pace(start: Callable[..., Any], home: Path) -> None:
    """Where nothing leaves nothing forces a commit; a portfolio of daily decisions would look dead all day."""
    from hedgerow import wire

    start("--speed", "7200x", "--start", "2022-08-01")
    wait_for(lambda: call("status").exit_code == 0)
    journal = wire.journal()
    try:
        before = journal.durable.seq
        wait_for(lambda: journal.durable.seq > before, 5.0)
    finally:
        journal.close()


def test_a_reader_that_leaves_stops_no_engine(start: Callable[..., Any], home: Path) -> None:
    run = start("--auto", "--end", "2022-07-10")
    run.stdout.close()
    _, errors = run.stderr.read(), run.wait(timeout=60)
    assert run.returncode == 0, errors
    assert json.loads(said("status", "--json", "-"))["now_ns"] > 0
    run.stdout = None


def test_status_says_what_nobody_watches(made_market: Path, home: Path) -> None:
    fresh = call("status")
    assert fresh.exit_code == 2
    assert 'portfolio "main": no engine has run it here yet. Start it: hedgerow run --portfolio main.' in fresh.output
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    record = json.loads(said("status", "--json", "-"))
    assert not record["running"]
    assert record["unwatched"]
    assert {"value", "start_value", "day_value", "cash", "assets", "shorts", "plan", "orders", "alerts", "state", "pid",
            "pace", "autonomy", "age_s", "engine", "quote"} <= set(record)  # fmt: skip
    weights = sum(one["weight"] for one in record["assets"].values())
    assert 0.0 < weights < 1.0
    assert (home / "journal" / "status-main.json").stat().st_mode & 0o777 == 0o600
    shown = said("status")
    assert "unwatched, the nearest (" in shown
    assert "since the start" in shown
    plans = json.loads(said("plans", "--all", "--json", "-"))
    assert {plan["became"] for plan in plans["plans"]} <= {"done", "superseded", "stopped", "at work", "lapsed"}
    assert json.loads(said("plans", "--json", "-"))["plans"] == []
    played = json.loads(said("journal", "replay", "--json", "-"))
    assert set(played) == {"where", "portfolio", "rows", "seconds", "rows_per_second"}


def test_what_happened_is_listed(made_market: Path, home: Path) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    record = json.loads(said("events", "-n", "5", "--json", "-"))
    assert [set(one) for one in record["events"]] == [{"seq", "at", "kind", "text"}] * 5
    every = said("events", "-n", "10000")
    assert "The portfolio began on paper" in every
    assert "Funding of 2022-07-" in every
    since = said("events", "--since", "2022-07-15T12:00")
    assert every.endswith(since)
    assert 0 < len(since) < len(every)
    assert said("events", "--since", "1d").splitlines()[-1] == since.splitlines()[-1]
    assert said("events", "--since", "2030-01-01") == "Nothing since then.\n"
    for words, told in ((["--kind", "bars"], "Write one of begin"), (["--since", "noon"], "Write 2022-01-31"),
                        (["--follow", "--json", "x"], "Write --json -")):  # fmt: skip
        wrong = call("events", *words)
        assert wrong.exit_code == 2
        assert told in wrong.output


def test_a_decision_that_is_made_otherwise_ends_a_replay_with_3(
    made_market: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hedgerow.engine import planning

    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-05")
    monkeypatch.setattr(planning, "level_of", lambda *args: "observe")
    done = call("journal", "replay")
    assert done.exit_code == 3
    assert "this version makes plan" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--start", "2022-07-02"], "--start: this portfolio was begun with another one (2022-07-01)"),
        (["--end", "2022-07-02"], "--end: the journal goes to 2022-07-06, beyond it"),
        (["--capital", "5"], "--capital: this portfolio was begun with another one (100000.0)"),
        (["--targets", "BTC=.1,ETH=.1,USDT=.8"], "--targets: this portfolio was begun with another one"),
        (["--assets", "BTC,ETH,SOL"], "--assets: this portfolio was begun with another one (BTC, ETH)"),
    ],
)
def test_a_portfolio_goes_on_only_with_what_it_began_with(
    made_market: Path, home: Path, words: list[str], told: str
) -> None:
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-05")
    rows = said("journal", "tail", "-n", "1")
    done = call(*RUN, "--data", str(made_market), "--auto", *words)
    assert done.exit_code == 2
    assert told in done.output
    assert said("journal", "tail", "-n", "1") == rows
    again = said(*RUN, "--data", str(made_market), "--end", "2022-07-05")
    assert "The mandate of the journal holds, not the one given here" in again


def test_halt_without_an_engine_holds_the_next_one(made_market: Path, home: Path) -> None:
    nothing = call("halt")
    assert nothing.exit_code == 2
    assert (home / "inbox" / "main" / "HALT").exists(), "what could still be done was done"
    (home / "inbox" / "main" / "HALT").unlink()
    said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-03")
    done = call("halt", "--as", "ann")
    assert done.exit_code == 1
    assert "No engine runs portfolio main." in done.output
    assert "HALT is written: nothing is placed until it is removed" in done.output
    more = said(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-20")
    assert "the engine is halted" in more
    assert "Bought" not in more
    assert "Sold" not in more


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("autonomy = 'auto'\n", '"autonomy" is no part of it'),
        ("", "it holds no table [mandate]"),
        ("[mandate", "cannot be read"),
        (
            "[mandate]\nby_reason = { trm = 'approve' }\n",
            'mandate.by_reason: there is no "trm". Write one of entry, trim,',
        ),
        (
            "[mandate]\nby_asset = { DOGE = 'approve' }\n",
            'mandate.by_asset: there is no "DOGE". Write one of BTC, ETH.',
        ),
    ],
)
def test_a_file_that_is_no_mandate_is_refused(tmp_path: Path, home: Path, content: str, told: str) -> None:
    (tmp_path / "m.toml").write_text(content)
    done = call(*RUN, "--mandate", str(tmp_path / "m.toml"))
    assert done.exit_code == 2
    assert told in done.output


def test_on_a_terminal_it_is_one_screen_that_is_gone_at_the_end(made_market: Path, home: Path) -> None:
    import pty

    pid, end = pty.fork()
    if pid == 0:  # pragma: no cover
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "30"}
        os.execv(PROGRAM[0], [*PROGRAM, *RUN, "--data", str(made_market), "--auto", "--speed", "200000x"])
    shown, sent = b"", False
    while True:
        try:
            piece = os.read(end, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if not sent and b"is done." in shown:
            os.kill(pid, signal.SIGINT)
            sent = True
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(end)
    text = shown.decode()
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1, "a screen of its own, and back"
    after = text.partition("\x1b[?1049l")[2]
    assert "Stopped at row" in after
    assert "What happened" not in after
    assert "RUNNING" in text


def test_contracts_that_were_listed_since_are_taken_in(made_market: Path, home: Path) -> None:
    june = [*RUN[:-1], "2022-06-01", "--data", str(made_market), "--auto"]
    said(*june, "--end", "2022-06-03")
    assert "The recording ended" in said(*june, "--end", "2022-07-10")
    assert "every decision was made again, the same" in said("journal", "replay")
    assert not json.loads(said("status", "--json", "-"))["differences"]


def test_a_beginning_that_was_cut_short_is_made_whole(
    made_market: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The days before the first one are fed as it begins, and are committed in groups."""
    from hedgerow import wire
    from hedgerow.engine.drive import Pump

    journal, take, fed = wire.journal(write=True), Pump.take, []

    def dies(pump: Pump, event: Any) -> Any:
        if len(fed) == 520:
            raise MemoryError
        fed.append(event)
        return take(pump, event)

    monkeypatch.setattr(Pump, "take", dies)
    monkeypatch.setattr(wire, "journal", lambda *args, **more: journal)
    assert isinstance(call(*RUN, "--data", str(made_market), "--auto", "--end", "2022-07-03").exception, MemoryError)
    monkeypatch.undo()
    monkeypatch.setenv("HEDGEROW_HOME", str(home))
    assert journal.durable.seq == 500
    journal._disconnect()
    with monkeypatch.context() as dead:  # its process is this one, and lives
        from hedgerow.store import lease

        dead.setattr(lease, "is_dead", lambda found: True)
        assert "500 rows of the journal taken up." in said(
            *RUN, "--data", str(made_market), "--auto", "--end", "2022-07-03"
        )
    days = json.loads(said("journal", "tail", "-n", "10000", "--kind", "day", "--json", "-"))["rows"]
    times = [row["body"]["day_ns"] for row in days]
    assert len(times) == len(set(times)) > 540
    assert "every decision was made again, the same" in said("journal", "replay")


def test_another_policy_decides_from_the_next_close_on(started: Any, made_market: Path) -> None:
    wait_for(is_running)
    wait_for(open_plan)
    assert "The policy is balanced from the next close on" in said("switch", "balanced", "--text", "tired of constants")
    wait_for(lambda: not open_plan())
    ended(started, signal.SIGTERM)
    rest = ["--data", str(made_market), "--start", "2022-07-01", "--end", "2022-07-08", "--assets", "BTC,ETH"]
    refused = call("run", "--policy", "b3_constant", *rest)
    assert "--policy: this portfolio has another one (balanced)" in refused.output
    assert "The recording ended" in said("run", "--policy", "balanced", *rest)
    assert "every decision was made again, the same" in said("journal", "replay")


def test_a_desk_has_a_limit_for_all_its_portfolios_together(made_market: Path, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "desk.toml"
    path.write_text("[mandate]\nautonomy = 'auto'\ndesk_day = '60000'\n")
    run = [
        "run",
        "--data",
        str(made_market),
        "--assets",
        "BTC,ETH",
        "--start",
        "2022-07-01",
        "--end",
        "2022-07-02",
        "--capital",
        "50000",
    ]
    assert "not sent" not in said(*run, "--mandate", str(path), "--portfolio", "one")
    second = said(*run, "--mandate", str(path), "--portfolio", "two")
    assert re.search(r"not sent: the desk would have traded [\d.]+ today, more than 60000", second)
    assert "plans wait for approval until somebody says resume" in second
    record = json.loads(said("desk", "--json", "-"))
    assert [one["portfolio"] for one in record["portfolios"]] == ["one", "two"]
    held = sum(one["assets"]["BTC"]["coins"] for one in record["portfolios"])
    assert record["coins"]["BTC"]["coins"] == pytest.approx(held)
    assert "purchases and sales netted" in said("desk")
    assert "every decision was made again, the same" in said("journal", "replay", "--portfolio", "two")


def test_the_options_are_read_before_the_kernel_is_imported(made_market: Path) -> None:
    """What comes first decides between compiler and interpreter: a short run must not wait a minute for the compiler."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom hedgerow.faces.cli_engine import _asked, _recorded\n"
        f"asked = _asked('balanced', Path({str(made_market)!r}), '', None, '', 1e5, None, '', '1000x', auto=True)\n"
        f"_recorded(Path({str(made_market)!r}), asked, '2022-07-01', '2022-07-05')\n"
        "print([name for name in sys.modules if name.startswith('hedgerow.kernel') or name == 'numba'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
