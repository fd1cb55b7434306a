"""The journal on the command line: judged, shown, written out, kept and put back, without disturbing its engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgerow import wire
from hedgerow.faces.cli import app
from hedgerow.model.entry import Head
from tests.store.desk import drafts


def run(*args: object, code: int = 0, said: bool = False) -> str:
    """The standard output of a command that ends with ``code``, or what it said on standard error."""
    result = CliRunner().invoke(app, ["journal", *map(str, args)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stderr if said else result.stdout


@pytest.fixture
def filled(home: Path) -> Head:
    """A journal of 30 rows where it is looked for."""
    journal = wire.journal(write=True)
    journal.append(drafts(30))
    journal.close()
    return journal._head


def tampered(statement: str) -> None:
    journal = wire.journal(write=True)
    with journal._connection.begin():
        journal._connection.exec_driver_sql(statement)
    journal.close()


def test_sound_journal(filled: Head) -> None:
    assert run("verify") == f"30 rows, the last one sealed {filled.mac}: all fit to their seals.\n"
    record = json.loads(run("verify", "--json", "-"))
    assert (record["sound"], record["rows"], record["head"]) == (True, 30, {"seq": 30, "mac": filled.mac})


def test_changed_journal_is_found_wanting(filled: Head) -> None:
    tampered("UPDATE journal SET body = '{}' WHERE seq IN (4, 9)")
    out = run("verify", code=1)
    assert [line.partition(":")[0] for line in out.splitlines()[:2]] == ["Row 4", "Row 9"]
    assert out.splitlines()[-1].endswith("the journal is NOT sound.")
    assert len(json.loads(run("verify", "--json", "-", code=1))["findings"]) == 2
    assert run("tail", "-n", 1).startswith("30  ")


def test_cut_journal_is_found_wanting(filled: Head) -> None:
    tampered("DELETE FROM journal WHERE seq > 20")
    assert "Row 30: it is missing" in run("verify", code=1)


@pytest.mark.parametrize("command", [("verify",), ("tail",), ("export", "a.jsonl"), ("backup", "a.gz")])
def test_where_there_is_no_journal_none_is_made(home: Path, command: tuple[str, ...]) -> None:
    assert "there is no journal" in run(*command, code=2, said=True)
    assert list(home.iterdir()) == []


def test_missing_key_is_told(filled: Head, home: Path) -> None:
    (home / "secrets" / "journal.key").unlink()
    assert "the key of the journal is missing" in run("verify", code=2, said=True)
    with pytest.raises(Exception, match="key of the journal is missing"):
        wire.journal(write=True)
    assert not (home / "secrets" / "journal.key").exists()


def test_last_rows(filled: Head) -> None:
    lines = run("tail", "-n", 3).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["28", "29", "30"]
    assert lines[0] == '28  2023-11-14T22:13:20.000000189Z  in  note  binance spot  {"n":"27","é":"€"}'
    assert len(run("tail").splitlines()) == 20
    assert {line.split("  ")[3] for line in run("tail", "--kind", "fill").splitlines()} == {"fill"}
    record = json.loads(run("tail", "-n", 2, "--json", "-"))
    assert [row["body"]["n"] for row in record["rows"]] == ["28", "29"]
    assert run("tail", "-n", 0) == ""


def test_rows_that_would_steer_a_terminal(home: Path) -> None:
    journal = wire.journal(write=True)
    journal.append([drafts(1)[0]._replace(body="\x1b[2J\nforged", account="a\nb")])
    journal.close()
    out = run("tail")
    assert "\x1b" not in out
    assert len(out.splitlines()) == 1


def test_following_shows_what_comes(filled: Head, home: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hedgerow", "journal", "tail", "-n", "1", "--follow", "--json", "-", "--kind", "bar"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["seq"] == 29
        journal = wire.journal(write=True)
        journal.append(drafts(10, 30))
        journal.commit()
        assert [json.loads(child.stdout.readline())["seq"] for _ in range(2)] == [33, 37]
        journal.close()
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=20) == 130
    assert "--json -" in run("tail", "--follow", "--json", tmp_path / "x.json", code=2, said=True)


def test_export(filled: Head, tmp_path: Path) -> None:
    out = run("export", tmp_path / "a.csv")
    assert out == f"30 rows.\n{tmp_path / 'a.csv'}\n"
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 31
    assert "does not end in" in run("export", tmp_path / "a.xls", code=2, said=True)


def test_backup_and_restore(filled: Head, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "main.jsonl.gz"
    assert run("backup", path).splitlines() == [f"30 rows, the last one sealed {filled.mac}.", str(path)]
    assert "such a file already" in run("backup", path, code=2, said=True)
    assert "has rows already" in run("restore", path, code=4, said=True)
    for each in (home / "journal").glob("journal.db*"):
        each.unlink()
    assert "the journal is missing, though row 30 was its last" in run("verify", code=4, said=True)
    assert run("restore", path) == f"30 rows restored, the last one sealed {filled.mac}.\n"
    assert "all fit to their seals" in run("verify")


def test_restore_of_an_old_backup_needs_a_word(filled: Head, home: Path, tmp_path: Path) -> None:
    path, url = tmp_path / "old.gz", f"sqlite:///{tmp_path}/other.db"
    run("backup", path)
    journal = wire.journal(write=True)
    journal.append(drafts(5, 30))
    journal.close()
    assert "rows 31 to 35 would be lost" in run("restore", path, "--url", url, code=4, said=True)
    assert run("restore", path, "--url", url, "--cut").startswith("30 rows restored")
    assert "all fit" in run("verify", "--url", url)
    assert "no backup" in run("restore", home / "journal" / "anchors", "--url", url, code=2, said=True)
    assert 'it is of portfolio "main"' in run("restore", path, "--portfolio", "b", code=2, said=True)


def test_journal_by_the_environment(filled: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_JOURNAL", f"sqlite:///{tmp_path}/nothing.db")
    assert "nothing.db" in run("verify", code=4, said=True)


def test_import_is_light() -> None:
    heavy = ("sqlalchemy", "alembic", "sqlite3", "numpy", "polars", "pydantic", "rich")
    code = f"import sys, hedgerow.faces.cli_journal; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
