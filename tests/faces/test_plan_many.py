"""plan --portfolios: a folder or a table of portfolios, each as plan --portfolio decides it, and what is refused of them."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import hedgerow
from hedgerow import policies
from hedgerow.errors import ConfigError
from hedgerow.faces import portfolio_table
from hedgerow.faces.cli import app
from hedgerow.faces.portfolio_file import Served, portfolio_of
from hedgerow.faces.portfolio_table import chunks, open_table
from hedgerow.kernel.portfolio import pack_portfolio
from hedgerow.model.portfolio import Portfolio
from tests.faces.test_cli_run import PORTFOLIO
from tests.kernel import tape

AT = "2022-03-01"
GOOD = {
    "one": PORTFOLIO,
    "two": "[spot.ETH]\namount = 30\n[spot.BTC]\namount = 1\nunit_cost = 9000\n[spot.USDT]\namount = 10000\n",
    "idle": "[spot.EOS]\namount = 100\n[spot.USDT]\namount = 1e6\n[targets]\nEOS = 0.001\nUSDT = 0.999\n",
    "only": "[portfolio]\ninitial_value = 5000\n[spot.BTC]\namount = 0.5\nbuy_back = 0.1\n",
}
BAD = {
    "shape": ("[spot.BTC]\namount = -1\n", "must be at least 0", "spot.BTC.amount"),
    "more": ("[spot.BTC]\namount = 1\nprotected = 2\n", "more than amount", "spot.BTC"),
    "none": ("[spot.USDT]\namount = 1\n", "no coin is held", ""),
    "quote": ('[portfolio]\nquote = "EUR"\n[spot.BTC]\namount = 1\n', 'not in "EUR"', "portfolio.quote"),
    "stable": ("[spot.BTC]\namount = 1\n[spot.DAI]\namount = 5\n", "is a stablecoin", "spot.DAI"),
    "coin": ("[spot.DOGE]\namount = 1\n", 'no asset "DOGE"', None),
    "long": ('[spot.BTC]\namount = 1\n[futures."BTC/USDT:USDT"]\namount = 1\nentry = 1\n', "is not a hedge", 'futures."BTC/USDT:USDT"'),
    "weights": ("[spot.BTC]\namount = 1\n[targets]\nBTC = 0.5\n", "add up to 0.5", "targets"),
    "worthless": ("[spot.BTC]\namount = 0\n", "worth nothing", ""),
}  # fmt: skip


def call(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def written(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def many(market: Path, portfolios: Path, *more: object) -> Any:
    return call("plan", "--data", market, "--portfolios", portfolios, "--at", AT, *more)


# ------------------------------------------------------------------------------------------------------------- a folder


@pytest.mark.parametrize("policy", ["balanced", "seed"])
@pytest.mark.parametrize("mode", ["isolated", "cross", "unified"])
def test_each_of_a_folder_is_its_single_plan(made_market: Path, tmp_path: Path, policy: str, mode: str) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text(f'extends = "{policy}"\n[margin]\nmode = "{mode}"\n', encoding="utf-8")
    folder = tmp_path / "held"
    folder.mkdir()
    done = many(made_market, written(folder, GOOD), "--policy", rules, "--json", "-")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [plan["portfolio"] for plan in found["portfolios"]] == sorted(GOOD)
    assert found["simulated"] is True
    for plan in found["portfolios"]:
        name = plan.pop("portfolio")
        one = call(
            "plan",
            "--data",
            made_market,
            "--portfolio",
            folder / f"{name}.toml",
            "--at",
            AT,
            "--policy",
            rules,
            "--json",
            "-",
        )
        alone = json.loads(one.stdout)
        assert found["account"] == alone["account"]
        for key, value in plan.items():
            if key in ("before", "after"):
                assert value == {inner: alone[key][inner] for inner in value}
            elif key == "regime":
                assert value["market"] == {inner: alone[key]["market"][inner] for inner in value["market"]}
                for asset, stand in value["assets"].items():
                    assert stand == {inner: alone[key]["assets"][asset][inner] for inner in stand}
            else:
                assert value == alone[key], (name, key)


def test_without_a_day_each_is_decided_on_the_last_day_of_its_coins(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, {"one": PORTFOLIO})
    many_, one = (
        call("plan", "--data", made_market, *which, "--json", "-")
        for which in (("--portfolios", tmp_path), ("--portfolio", tmp_path / "one.toml"))
    )
    found, alone = json.loads(many_.stdout), json.loads(one.stdout)
    assert found["portfolios"][0]["at"] == alone["at"] == found["summary"]["at"]["last"]
    assert found["portfolios"][0]["legs"] == alone["legs"]


def test_targets_for_all(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, {name: GOOD[name] for name in ("one", "two", "only")})
    targets = ("--targets", "BTC=.6,ETH=.3,USDT=.1")
    done = many(made_market, tmp_path, *targets, "--json", "-")
    assert done.exit_code == 2
    plans = {plan["portfolio"]: plan for plan in json.loads(done.stdout)["portfolios"]}
    assert plans["only"]["error"]["message"] == "ETH is not in the portfolio"
    for name in ("one", "two"):
        one = call(
            "plan", "--data", made_market, "--portfolio", tmp_path / f"{name}.toml", "--at", AT, *targets, "--json", "-"
        )
        assert plans[name]["legs"] == json.loads(one.stdout)["legs"]


# ------------------------------------------------------------------------------------------------------------- refusals


def test_the_bad_are_listed_and_the_good_are_decided(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, GOOD | {name: text for name, (text, _, _) in BAD.items()})
    to = tmp_path / "out.json"
    done = many(made_market, tmp_path, "--json", to)
    assert done.exit_code == 2
    assert f"{len(BAD)} portfolios of {len(BAD) + len(GOOD)} refused" in done.stderr
    plans = {plan["portfolio"]: plan for plan in json.loads(to.read_text(encoding="utf-8"))["portfolios"]}
    assert set(plans) == {*GOOD, *BAD}
    assert all("legs" in plans[name] for name in GOOD)
    for name, (_, said, key) in BAD.items():
        error = plans[name]["error"]
        assert said in error["message"]
        assert error["fix"] or "amount" in error["where"] + error["message"]
        if key is not None:
            file = tmp_path / f"{name}.toml"
            assert error["where"] == (f"{file}: {key}" if key else str(file))
        one = call("plan", "--data", made_market, "--portfolio", tmp_path / f"{name}.toml", "--at", AT)
        assert one.exit_code == 2
        assert error["message"] in one.stderr
        assert name in done.stdout


def test_what_the_command_refuses_whole(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, {"one": PORTFOLIO})
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "one.toml"
    for words, said in (
        (("--portfolios", tmp_path / "nowhere"), "no such file or folder"), (("--portfolios", text), "neither a folder nor"),
        (("--portfolios", empty), "no portfolio file in it"), (("--portfolios", tmp_path, "--portfolio", text), "one portfolio and many"),
        (("--portfolio", text, "--legs", tmp_path / "legs.csv"), "--legs: only used with --portfolios"),
        (("--portfolio", text, "--workers", 2), "--workers: only used with"),
        (("--portfolios", tmp_path, "--legs", tmp_path / "legs.txt"), "does not end in .parquet"),
        (("--portfolios", tmp_path, "--workers", -1), "no workers"), ((), "no portfolio is named"),
    ):  # fmt: skip
        done = call("plan", "--data", made_market, "--at", AT, *words)
        assert done.exit_code == 2
        assert said in done.stderr


# --------------------------------------------------------------------------------------------------------- what is shown


def test_the_terminal_says_what_it_comes_to(made_market: Path, tmp_path: Path) -> None:
    folder, legs = written(tmp_path, GOOD), tmp_path / "legs.csv"
    done = many(made_market, folder, "--legs", legs, "--json", tmp_path / "all.json")
    assert done.exit_code == 0
    found = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    count = found["summary"]["portfolios"]
    assert f"4 portfolios: {count['act']} act, {count['stand']} stand." in done.stdout
    assert "SIMULATED MARKET" in done.stdout
    assert done.stdout.splitlines()[-2:] == [str(tmp_path / "all.json"), str(legs)]
    with legs.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["portfolio"] for row in rows] == [
        plan["portfolio"] for plan in found["portfolios"] for _ in plan["legs"]
    ]
    assert [float(row["amount"]) for row in rows] == [
        leg["amount"] for plan in found["portfolios"] for leg in plan["legs"]
    ]
    assert sum(one["legs"] for one in found["summary"]["legs"]) == len(rows) > 0


def test_legs_as_parquet_have_their_columns_though_nobody_acts(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, {"idle": GOOD["idle"]})
    legs = tmp_path / "out" / "legs.parquet"
    done = many(made_market, tmp_path, "--legs", legs, "--policy", "b0_hold")
    assert done.exit_code == 0
    frame = pl.read_parquet(legs)
    assert frame.columns[:3] == ["portfolio", "at", "instrument"]
    assert [path.name for path in legs.parent.iterdir()] == ["legs.parquet"]


def test_python_gets_the_same(made_market: Path, tmp_path: Path) -> None:
    written(tmp_path, GOOD | {"long": BAD["long"][0]})
    policy = policies.load("balanced")
    plans = list(hedgerow.plan_many(policy, tmp_path, made_market, at=date(2022, 3, 1)))
    assert [plan.portfolio for plan in plans] == sorted([*GOOD, "long"])
    assert [plan.portfolio for plan in plans if plan.error] == ["long"]
    again = hedgerow.plan_many(policy, tmp_path, made_market, at=date(2022, 3, 1), workers=2)
    assert [repr(plan) for plan in again if not plan.error] == [repr(plan) for plan in plans if not plan.error]


# -------------------------------------------------------------------------------------------------------------- a table


def rows_of(name: str, held: Portfolio) -> list[dict[str, Any]]:
    """A portfolio as rows of a table; nothing is written that the file does not state."""
    rows: list[dict[str, Any]] = []
    for kind, table in (("spot", held.spot), ("futures", held.futures)):
        rows += [
            {"portfolio": name, "kind": kind, "name": key, **one.model_dump(exclude_unset=True)}
            for key, one in table.items()
        ]
    rows += [
        {"portfolio": name, "kind": "target", "name": key, "weight": weight} for key, weight in held.targets.items()
    ]
    if rows and held.head.model_fields_set:
        rows[0] |= held.head.model_dump(exclude_unset=True)
    return rows


def table(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    schema = {name: pl.String if name in portfolio_table.WORDS else pl.Float64 for name in portfolio_table.COLUMNS}
    pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema).write_parquet(path)
    return path


def by_name(text: str) -> str:
    """A portfolio file whose tables are in the order of their names, as a table has them."""
    held = portfolio_of(tomllib.loads(text), "")
    parts = [
        f"[portfolio]\n{''.join(f'{k} = {json.dumps(v)}' for k, v in held.head.model_dump(exclude_unset=True).items())}\n"
    ]
    for title, found in (("spot", held.spot), ("futures", held.futures)):
        for name, one in sorted(found.items()):
            parts.append(
                f'[{title}."{name}"]\n'
                + "".join(f"{k} = {v!r}\n" for k, v in one.model_dump(exclude_unset=True).items())
            )
    parts.append("[targets]\n" + "".join(f'"{name}" = {weight!r}\n' for name, weight in sorted(held.targets.items())))
    return "\n".join(parts)


def test_a_table_is_a_folder(made_market: Path, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    written(folder, {name: by_name(text) for name, text in GOOD.items()})
    rows = [row for name in sorted(GOOD) for row in rows_of(name, portfolio_of(tomllib.loads(GOOD[name]), ""))]
    found = [many(made_market, where, "--json", "-") for where in (folder, table(tmp_path / "held.parquet", rows))]
    assert [done.exit_code for done in found] == [0, 0]
    assert json.loads(found[0].stdout) == json.loads(found[1].stdout)


CELLS = st.sampled_from([None, None, None, 0.0, 1.0, 0.5, 2.0, -1.0, 1e15, 2e15, float("nan"), float("inf"), 1e-13])
ROWS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["spot", "spot", "spot", "futures", "target", None, "swap"]),
        "name": st.sampled_from(["BTC", "ETH", "USDT", "DAI", "BTC/USDT:USDT", "ETH/USDT:USDT", "XYZ/USDT:USDT", None]),
        "quote": st.sampled_from([None, None, None, None, "USDT", "USDC"]),
    }
    | {
        name: CELLS if name in ("amount", "entry", "weight") else st.one_of(st.none(), CELLS)
        for name in portfolio_table.NUMBERS
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.lists(ROWS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_packed_column_by_column_is_what_the_model_accepts(
    tmp_path: Path, drawn: list[list[dict[str, Any]]]
) -> None:
    """A row that looks sound is sound: every portfolio of a table is packed as, or refused because, its document would be."""
    rows = [{"portfolio": f"p{n}", **row} for n, own in enumerate(drawn) for row in own]
    found = open_table(table(tmp_path / "drawn.parquet", rows))
    served = Served(tmp_path, ("USDT",), frozenset(["BTC", "ETH"]))
    (chunk,) = chunks(found, served, None)
    universe = tape.universe(["BTC", "ETH"])
    packed = {}
    for part in chunk.parts:
        packs = part.pack(universe)
        for n, place in enumerate(part.at.tolist()):
            first, last = packs.firsts[n : n + 2]
            own = (packs.heads[n], packs.held[n], packs.positions[first:last], tuple(packs.symbols[first:last]))
            packed[place] = (part.assets, part.quote, dict(part.targets.get(n, {})), own)
    assert packed.keys() | chunk.errors.keys() == set(range(len(drawn)))
    for n, own in enumerate(drawn):
        frame = portfolio_table._numbered(found.rows.filter(pl.col("portfolio") == f"p{n}").collect())
        try:
            held = portfolio_of(portfolio_table._document(found.path, frame), "")
            portfolio_table.refuse_unserved(held, "", served)
        except ConfigError:
            assert n in chunk.errors, own
            continue
        assert n not in chunk.errors
        assets, quote, targets, mine = packed[n]
        assert (assets, quote, targets) == (held.assets(), held.head.quote, dict(held.targets))
        for block, its in zip(mine, pack_portfolio(held, universe), strict=True):
            assert np.array_equal(block, its, equal_nan=True) if isinstance(block, np.ndarray) else block == its


def test_a_table_is_read_in_chunks_of_whole_portfolios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"portfolio": f"p{n:03}", "kind": "spot", "name": name, "amount": 1.0 + n}
        for n in range(200)
        for name in ("BTC", "ETH", "USDT")
    ]
    path = table(tmp_path / "held.parquet", rows)
    monkeypatch.setattr(portfolio_table, "ROWS", 50)
    found = open_table(path)
    assert (found.portfolios, found.holdings, found.torn) == (200, 600, frozenset())
    read = list(chunks(found, Served(tmp_path, ("USDT",), frozenset(["BTC", "ETH"])), None))
    assert len(read) > 1
    assert [name for chunk in read for name in chunk.names] == [f"p{n:03}" for n in range(200)]
    assert not any(chunk.errors for chunk in read)
    assert read[0].places[1] == f"{path}, rows 4 to 6"


def test_rows_that_do_not_stand_together_are_refused_and_the_others_are_not(made_market: Path, tmp_path: Path) -> None:
    rows = [{"portfolio": name, "kind": "spot", "name": "BTC", "amount": 1.0} for name in ("a", "b", "a", "c")]
    path = table(tmp_path / "torn.parquet", rows)
    done = many(made_market, path, "--json", "-")
    assert done.exit_code == 2
    plans = json.loads(done.stdout)["portfolios"]
    assert [(plan["portfolio"], "error" in plan) for plan in plans] == [
        ("a", True),
        ("b", False),
        ("a", True),
        ("c", False),
    ]
    assert plans[2]["error"] == {
        "message": "the portfolio's rows do not stand together", "where": f"{path}, row 3", "fix": "Sort the table by portfolio.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "where", "said"),
    [
        ({"kind": "spot", "name": "BTC", "amount": -1.0}, "row 1: spot.BTC.amount", "must be at least 0"),
        ({"kind": "spot", "name": "BTC", "amount": 1.0, "entry": 5.0}, "row 1: spot.BTC.entry", "unknown key"),
        (
            {"kind": "futures", "name": "BTC/USDT:USDT", "entry": 5.0},
            'row 1: futures."BTC/USDT:USDT".amount',
            "missing",
        ),
        ({"kind": "swap", "name": "BTC"}, "row 1: kind", '"swap" is no kind'),
        ({"kind": "spot", "amount": 1.0}, "row 1: name", "nothing is named"),
        ({"kind": "target", "name": "BTC", "amount": 1.0}, "row 1: weight", "a target is a weight alone"),
        ({"kind": "spot", "name": "DOGE", "amount": 1.0}, None, 'no asset "DOGE"'),
    ],
)
def test_a_bad_row_is_named(
    made_market: Path, tmp_path: Path, row: dict[str, Any], where: str | None, said: str
) -> None:
    path = table(tmp_path / "bad.parquet", [{"portfolio": "a", **row}])
    error = json.loads(many(made_market, path, "--json", "-").stdout)["portfolios"][0]["error"]
    assert said in error["message"]
    assert where is None or error["where"] == f"{path}, {where}"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"portfolio": ["a"], "kind": ["spot"], "name": ["BTC"], "amont": [1.0]}, "amont: unknown column"),
        ({"portfolio": ["a"], "kind": ["spot"]}, "name: the column is missing"),
        ({"portfolio": ["a"], "kind": ["spot"], "name": ["BTC"], "amount": ["1"]}, "amount: the column is String"),
        ({"portfolio": [1], "kind": ["spot"], "name": ["BTC"]}, "portfolio: the column is Int64"),
        (
            {"portfolio": ["a", None], "kind": ["spot"] * 2, "name": ["BTC"] * 2},
            "row 2: portfolio: the row belongs to no portfolio",
        ),
    ],
)
def test_what_is_no_such_table_is_refused_whole(
    made_market: Path, tmp_path: Path, columns: dict[str, list[Any]], said: str
) -> None:
    path = tmp_path / "no.parquet"
    pl.DataFrame(columns).write_parquet(path)
    done = many(made_market, path)
    assert done.exit_code == 2
    assert said in done.stderr
    path.write_text("no parquet", encoding="utf-8")
    assert "cannot be read as Parquet" in many(made_market, path).stderr


def test_whole_numbers_and_categories_are_taken(made_market: Path, tmp_path: Path) -> None:
    path = tmp_path / "held.parquet"
    frame = pl.DataFrame(
        {"portfolio": ["a"] * 2, "kind": ["spot"] * 2, "name": ["BTC", "USDT"], "amount": [1, 100_000]}
    )
    frame.with_columns(pl.col("kind", "name").cast(pl.Categorical)).write_parquet(path)
    done = many(made_market, path, "--json", "-")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["portfolios"][0]["before"]["cash"] == 100_000.0


@pytest.mark.data
def test_recorded_markets(data_folder: Path, tmp_path: Path) -> None:
    written(
        tmp_path,
        {"a": "[spot.SOL]\namount = 300\n[spot.BTC]\namount = 0.4\n[spot.USDT]\namount = 9000\n", "b": PORTFOLIO},
    )
    done = call("plan", "--data", data_folder, "--portfolios", tmp_path, "--at", "2022-01-22", "--json", "-")
    for plan in json.loads(done.stdout)["portfolios"]:
        file = tmp_path / f"{plan['portfolio']}.toml"
        alone = json.loads(
            call("plan", "--data", data_folder, "--portfolio", file, "--at", "2022-01-22", "--json", "-").stdout
        )
        assert {key: plan[key] for key in ("legs", "refusals", "transfers", "value")} == {
            key: alone[key] for key in ("legs", "refusals", "transfers", "value")
        }
