"""plan --portfolios of what nobody should write, and from and to places with odd names: nobody else pays for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.faces.test_plan_many import AT, many, table, written

HELD = "[spot.BTC]\namount = 1\n"


def coins(name: str) -> dict[str, object]:
    return {"portfolio": name, "kind": "spot", "name": "BTC", "amount": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: "),
        ("a = " + "[" * 100_000 + "]" * 100_000, "too deep in each other"),
        ("[spot.BTC]\namount = " + "9" * 5_000, "thousands of digits"),
    ],
)
def test_a_file_that_cannot_be_read_costs_nobody_else_a_plan(
    made_market: Path, tmp_path: Path, text: str | None, words: str
) -> None:
    written(tmp_path, {"good": HELD} | ({} if text is None else {"bad": text}))
    if text is None:
        (tmp_path / "bad.toml").mkdir()
    done = many(made_market, tmp_path, "--json", "-")
    assert done.exit_code == 2
    bad, good = json.loads(done.stdout)["portfolios"]
    assert (bad["portfolio"], bad["error"]["where"]) == ("bad", str(tmp_path / "bad.toml"))
    assert words in bad["error"]["message"]
    assert "legs" in good


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_not_utf_8_is_spelt(made_market: Path, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    Path(os.fsdecode(bytes(folder) + b"/\xff.toml")).write_text(HELD, encoding="utf-8")
    to, legs = tmp_path / "all.json", tmp_path / "legs.parquet"
    assert many(made_market, folder, "--json", to, "--legs", legs).exit_code == 0
    (plan,) = json.loads(to.read_text(encoding="utf-8"))["portfolios"]
    assert plan["portfolio"] == "\\udcff"
    assert pl.read_parquet(legs)["portfolio"].unique().to_list() == ["\\udcff"]


def test_a_path_is_no_pattern(made_market: Path, tmp_path: Path) -> None:
    table(tmp_path / "held1.parquet", [coins("another")])
    folder = tmp_path / "to[1]"
    mine, legs = table(tmp_path / "held[1].parquet", [coins("mine")]), folder / "legs.parquet"
    assert many(made_market, mine, "--legs", legs).exit_code == 0
    assert pl.read_parquet(legs, glob=False)["portfolio"].unique().to_list() == ["mine"]
    assert [path.name for path in folder.iterdir()] == ["legs.parquet"]


def test_a_table_that_is_damaged_inside_is_refused(made_market: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "held.parquet", [coins("a"), coins("b")])
    raw = bytearray(path.read_bytes())
    raw[10:60] = b"\xff" * 50
    path.write_bytes(raw)
    done = many(made_market, path)
    assert done.exit_code == 2
    assert "cannot be read as Parquet" in done.stderr


def test_the_json_may_be_no_portfolio(made_market: Path, tmp_path: Path) -> None:
    folder = written(tmp_path, {"one": HELD})
    for name in ("one", "new"):
        done = many(made_market, folder, "--json", folder / f"{name}.toml")
        assert done.exit_code == 2
        assert "would be one of the portfolios" in done.stderr
    assert (folder / "one.toml").read_text(encoding="utf-8") == HELD


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is a Unix one")
@pytest.mark.parametrize("also", [(), ("--json", "all.json")])
def test_legs_that_cannot_be_written_are_named(made_market: Path, tmp_path: Path, also: tuple[str, ...]) -> None:
    path = table(tmp_path / "held.parquet", [coins(f"p{n}") for n in range(3)])
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)); "
        "from hedgerow.faces.cli import main; main()"
    )
    words = ("plan", "--data", made_market, "--portfolios", path, "--at", AT, "--legs", "legs.parquet", *also)
    environment = os.environ | {"HEDGEROW_JIT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "legs.parquet: the legs cannot be written" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["held.parquet"]


def test_a_table_is_looked_through_before_the_kernel_is_imported(made_market: Path, tmp_path: Path) -> None:
    """Compiled too early, the kernel would lie beside its sources, where an edit of one does not outdate all."""
    path = table(tmp_path / "held.parquet", [coins("a")])
    script = (
        "import sys; from pathlib import Path; from hedgerow import policies; from hedgerow.faces.plan_many import Asked, Job; "
        "job = Job(Asked(policies.load('balanced'), 'balanced', Path(sys.argv[1]), Path(sys.argv[2]))); "
        "assert job.table is not None and len(job) == 1; "
        "print([name for name in sys.modules if name.startswith(('hedgerow.kernel', 'numba'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(made_market)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
