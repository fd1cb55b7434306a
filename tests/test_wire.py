"""The composition root: places, compiler or interpreter, recorded and simulated markets made ready for a run."""

from __future__ import annotations

import os
import shutil
import time
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numba import config

from hedgerow import jit, policies, wire
from hedgerow.errors import ConfigError
from hedgerow.model import measure
from hedgerow.model.entry import Draft
from hedgerow.model.portfolio import Portfolio
from hedgerow.store import history
from tests.kernel.desk import rules_of
from tests.store.folder import put, simple, times

ASSETS = ("BTC", "ETH")
FIRST, LAST = date(2022, 6, 1), date(2022, 6, 30)
DAY_NS = 86_400_000_000_000


def day_ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def closes(folder: Path, asset: str) -> dict[int, float]:
    """The daily closes of a spot market as its file has them, by opening time."""
    frame = pl.read_parquet(folder / f"spot_{asset}_1d.parquet")
    return dict(zip(frame["timestamp"].dt.epoch("ns").to_list(), frame["close"].to_list(), strict=True))


# ------------------------------------------------------------------------------------------------------------- places


def test_home_is_the_named_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path / "here"))
    assert wire.home() == tmp_path / "here"
    assert not wire.home().exists(), "looking makes nothing"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HEDGEROW_HOME", "~/there")
    assert wire.home() == tmp_path / "there"


@pytest.mark.parametrize("named", [None, ""])
def test_home_is_the_user_data_folder_where_none_is_named(
    named: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HEDGEROW_HOME")
    if named is not None:
        monkeypatch.setenv("HEDGEROW_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert wire.home().name == "hedgerow"
    assert tmp_path in wire.home().parents


# ----------------------------------------------------------------------------------------------------------- compiler


@pytest.fixture
def fresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program that has not imported the kernel yet, with an empty cache; afterwards all is as it was."""
    for place, name in ((jit, "_used"), (jit, "enabled"), (config, "CACHE_DIR")):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setattr(jit, "_used", False)
    monkeypatch.delenv("HEDGEROW_JIT", raising=False)
    return home


def warm(home: Path, entrance: str = "run") -> None:
    """Leave the index that numba leaves for a compiled function."""
    place = jit.cache_folder(home) / "kernel"
    place.mkdir(parents=True)
    (place / f"run.{entrance}-12.py311.nbi").touch()


def test_a_short_job_on_a_cold_cache_is_interpreted_and_a_long_one_compiled(fresh: Path) -> None:
    said: list[str] = []
    assert wire.prepare(wire.SHORT_JOB, said.append) is False
    assert said == []
    assert not (fresh / "cache").exists()
    assert wire.prepare(wire.SHORT_JOB + 1, said.append) is True
    assert [line.split(",")[0] for line in said] == ["compiling the kernel"]
    assert Path(config.CACHE_DIR) == jit.cache_folder(fresh)
    assert fresh in jit.cache_folder(fresh).parents


def test_numba_keeps_the_cache_where_a_program_imported_it_first(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each function the compiler reads its settings anew where the environment has changed since its import."""
    monkeypatch.delenv("NUMBA_DISABLE_INTEL_SVML", raising=False)
    config.reload_config()
    wire.prepare(wire.SHORT_JOB + 1)
    config.reload_config()
    assert Path(config.CACHE_DIR) == jit.cache_folder(fresh)


def test_a_short_job_is_compiled_where_its_own_entrance_is_in_the_cache(fresh: Path) -> None:
    warm(fresh, "decide_once")
    said: list[str] = []
    assert wire.prepare(1, said.append, "decide_once") is True
    assert wire.prepare(1, said.append) is False, "what was compiled is another job's"
    assert said == []


@pytest.mark.parametrize(
    ("wish", "bars", "compiled"), [("0", 10**9, False), ("1", 1, True), ("yes", 1, False), ("yes", 10**9, True)]
)
def test_the_environment_decides_for_compiler_or_interpreter(
    wish: str, bars: int, compiled: bool, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDGEROW_JIT", wish)
    assert wire.prepare(bars) is compiled


def test_interpreted_by_wish_though_the_cache_is_warm(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm(fresh)
    assert wire.prepare(1) is True
    monkeypatch.setenv("HEDGEROW_JIT", "0")
    assert wire.prepare(1) is False


def test_the_first_run_of_a_longer_job_does_not_wait_for_the_compiler(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.prepare(wire.SHORT_JOB + 1)
    with wire.first(wire.SHORT_JOB) as interpreted:
        assert interpreted
        assert jit._interpreting
    assert not jit._interpreting
    with wire.first(wire.SHORT_JOB + 1) as interpreted:
        assert not interpreted, "the compiler is sooner done than such a run"
    monkeypatch.setenv("HEDGEROW_JIT", "1")
    with wire.first(1) as interpreted:
        assert not interpreted
    monkeypatch.delenv("HEDGEROW_JIT")
    warm(fresh)
    with wire.first(1) as interpreted:
        assert not interpreted


def test_closes_alone_are_those_of_the_daily_history(made_market: Path) -> None:
    assets = ("SOL", "BTC", "EOS")
    whole = history.daily(history.load(made_market, assets, warmup_days=0))
    days_ns, closes = history.closes(made_market, assets)
    assert days_ns.tobytes() == whole.days_ns.tobytes()
    assert closes.tobytes() == whole.close.tobytes()


def test_caches_of_other_versions_are_forgotten_after_a_month(fresh: Path) -> None:
    warm(fresh)
    cache, now = fresh / "cache", time.time()
    for name, days in (("numba-old", 31), ("numba-new", 29), ("numbers", 31)):
        (cache / name).mkdir()
        (cache / name / "code").touch()
        os.utime(cache / name, (now, now - days * 86_400))
    used = jit.cache_folder(fresh)
    os.utime(used, (0, 0))
    wire.prepare(1)
    assert {path.name for path in cache.iterdir()} == {used.name, "numba-new", "numbers"}
    assert used.stat().st_mtime >= now - 1, "the cache in use counts as used"


def test_an_interpreted_job_forgets_nothing(fresh: Path) -> None:
    (fresh / "cache" / "numba-old").mkdir(parents=True)
    os.utime(fresh / "cache" / "numba-old", (0, 0))
    wire.prepare(1)
    assert (fresh / "cache" / "numba-old").is_dir()


def test_ready_gives_a_cache_to_a_program_that_has_none(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "enabled", True)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    wire.ready()
    assert Path(config.CACHE_DIR) == jit.cache_folder(fresh)


def test_ready_leaves_a_choice_that_was_made(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "enabled", True)
    monkeypatch.setattr(config, "CACHE_DIR", "chosen")
    wire.ready()
    assert config.CACHE_DIR == "chosen"
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(jit, "enabled", False)
    wire.ready()
    assert config.CACHE_DIR == ""


# ------------------------------------------------------------------------------------------------------------ markets


def test_recorded_days_are_those_asked_for_behind_all_that_came_before(made_market: Path) -> None:
    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    market, daily = data.market, data.daily
    assert market.universe.assets == daily.assets == ASSETS
    assert market.universe.quote == "USDT"
    assert market.days_ns.tolist() == [day_ns(FIRST) + d * DAY_NS for d in range(30)]
    assert data.offset == (FIRST - date(2021, 1, 1)).days == len(daily.days_ns) - 30
    assert daily.days_ns[data.offset] == market.days_ns[0]
    assert data.simulated is True


def test_recorded_prices_are_those_of_the_files(made_market: Path) -> None:
    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    ends = np.flatnonzero(data.market.day >= 0)
    for a, asset in enumerate(ASSETS):
        known = closes(made_market, asset)
        assert data.market.close[ends, a].tolist() == [known[ns] for ns in data.market.days_ns.tolist()]
        assert data.daily.close[:, a].tolist() == [known[ns] for ns in data.daily.days_ns.tolist()]


def test_recorded_takes_all_days_and_the_quote_that_it_is_told(tmp_path: Path) -> None:
    data = wire.recorded(simple(tmp_path), ("ETH",), None, None, "USDC")
    assert (data.market.days_ns[0], data.market.days_ns[-1]) == (day_ns(date(2022, 1, 1)), day_ns(date(2022, 1, 30)))
    assert [it.quote for it in data.market.universe.instruments] == ["USDC"] * 2
    assert (data.offset, data.simulated) == (0, False)


def test_recorded_refuses_what_the_folder_does_not_have(made_market: Path) -> None:
    with pytest.raises(ConfigError, match="DOGE"):
        wire.recorded(made_market, ("DOGE",), FIRST, LAST)
    with pytest.raises(ConfigError, match="outside the data"):
        wire.recorded(made_market, ASSETS, date(2031, 1, 1), None)


@pytest.mark.parametrize(("label", "simulated"), [(None, False), ("{}", False), ('{"seed": 3}', True)])
def test_a_folder_is_simulated_where_its_label_says_so(tmp_path: Path, label: str | None, simulated: bool) -> None:
    if label is not None:
        (tmp_path / "SIMULATED.json").write_text(label, encoding="utf-8")
    assert wire.is_simulated(tmp_path) is simulated


def test_a_label_that_cannot_be_read_is_never_taken_for_a_recorded_market(tmp_path: Path) -> None:
    (tmp_path / "SIMULATED.json").write_text('{"seed": ', encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        wire.is_simulated(tmp_path)
    assert caught.value.where == str(tmp_path / "SIMULATED.json")


def test_last_day_is_the_last_daily_bar(made_market: Path, tmp_path: Path) -> None:
    assert wire.last_day(made_market, ASSETS) == date(2022, 8, 23)
    assert wire.last_day(simple(tmp_path, days=7), ("ETH",)) == date(2022, 1, 7)


def test_last_day_is_the_last_that_all_have(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1d", times("2022-01-01", 10, "1d"))
    put(tmp_path, "spot", "ETH", "1d", times("2022-01-01", 7, "1d"))
    assert wire.last_day(tmp_path, ("BTC", "ETH")) == date(2022, 1, 7)


def test_last_day_leaves_out_a_day_that_is_not_over(tmp_path: Path) -> None:
    put(tmp_path, "spot", "BTC", "1h", times("2022-01-01", 5 * 24 + 23, "1h"))
    assert wire.last_day(tmp_path, ("BTC",)) == date(2022, 1, 5)


# ------------------------------------------------------------------------------------------------------------- stages


def test_a_stage_splits_the_signals_at_the_first_day_of_the_run(made_market: Path) -> None:
    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    stage = wire.stage_of(data, [policies.load("seed")])
    assert stage.signals.shape == (30, measure.COUNT, 2)
    assert stage.warm.shape == (data.offset, measure.COUNT, 2)
    close = measure.INDEX["close"]
    for a, asset in enumerate(ASSETS):
        known = closes(made_market, asset)
        assert stage.signals[0, close, a] == known[day_ns(FIRST)]
        assert stage.signals[-1, close, a] == known[day_ns(LAST)]
        assert stage.warm[-1, close, a] == known[day_ns(FIRST) - DAY_NS]
    assert stage.market is data.market
    assert stage.simulated is True


def test_a_stage_has_a_column_for_every_indicator_that_a_policy_names_once(made_market: Path) -> None:
    def asks(*names: str) -> dict[str, object]:
        return {f"v{i}": {"measure": f"talib:{name}", "threshold": 1} for i, name in enumerate(names)}

    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    wanted = [rules_of(vote=asks("SMA(timeperiod=5)", "CCI")), rules_of(vote=asks("SMA(timeperiod=5)")), rules_of()]
    stage = wire.stage_of(data, wanted)
    assert stage.signals.shape[1] == stage.warm.shape[1] == measure.COUNT + 2
    known = closes(made_market, "ETH")
    mean = np.mean([known[day_ns(LAST) - d * DAY_NS] for d in range(5)])
    assert stage.signals[-1, measure.COUNT, 1] == pytest.approx(mean, rel=1e-12)


def test_views_reach_the_days_and_the_asset_that_they_name(made_market: Path, tmp_path: Path) -> None:
    file = tmp_path / "views.toml"
    file.write_text(
        '[[view]]\ndate = 2022-06-10\nexpires = 2022-06-12\nkind = "macro"\nhedge_ratio = "40 %"\nassets = ["ETH"]\n'
        '[[view]]\ndate = 2022-06-20\nexpires = 2022-06-21\nkind = "exchange_failure"\nseverity = 3\nvenue = "binance"\n'
        '[[view]]\ndate = 2022-06-20\nexpires = 2022-06-21\nkind = "exchange_failure"\nseverity = 2\nvenue = "ftx"\n',
        encoding="utf-8",
    )
    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    signals = wire.stage_of(data, [policies.load("seed")], file).signals
    ratio, failed = signals[:, measure.INDEX["view_ratio"]], signals[:, measure.INDEX["venue_failure"]]
    # a view of the 10th is known at the close of the 9th, which is row 8
    assert {(d, a): ratio[d, a] for d, a in np.argwhere(ratio > 0)} == {
        (8, 1): 0.4, (9, 1): 0.4, (18, 0): 0.5, (18, 1): 0.5,
    }  # fmt: skip
    assert np.argwhere(failed > 0).tolist() == [[18, 0], [18, 1]], "only the venue that holds the hedge"
    without = wire.stage_of(data, [policies.load("seed")]).signals
    assert not without[:, [measure.INDEX["view_ratio"], measure.INDEX["venue_failure"]]].any()


def test_benchmarks_are_b0_to_b8_and_what_their_names_say() -> None:
    found = wire.benchmarks()
    assert list(found) == [f"B{i}" for i in range(9)]
    assert found["B7"].name == "seed"
    for code, policy in found.items():
        assert code == "B7" or policy.name.upper().startswith(code)


# --------------------------------------------------------------------------------------------------------------- demo


def test_a_demo_market_is_labelled_warmed_and_made_once(home: Path) -> None:
    folder = wire.demo_market(60, 5, "cycle")
    assert folder.is_relative_to(home)
    assert wire.is_simulated(folder)
    assert wire.last_day(folder, ASSETS).toordinal() - wire.DEMO_START.toordinal() + 1 == 60
    assert len(closes(folder, "BTC")) == 60 + 400
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert wire.demo_market(60, 5, "cycle") == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    others = {wire.demo_market(61, 5, "cycle"), wire.demo_market(60, 6, "cycle"), folder}
    assert len(others) == 3, "each choice has a folder of its own"


def test_a_demo_market_that_was_not_finished_is_made_anew(home: Path) -> None:
    folder = wire.demo_market(60, 5, "cycle")
    file = folder / "spot_BTC_1d.parquet"
    whole = file.read_bytes()
    (folder / "complete").unlink()
    file.write_bytes(whole[:100])
    assert wire.demo_market(60, 5, "cycle") == folder
    assert file.read_bytes() == whole


def test_a_demo_portfolio_is_a_portfolio_file_at_the_market_s_prices(made_market: Path, tmp_path: Path) -> None:
    for asset in ("BTC", "ETH", "SOL"):
        shutil.copy(made_market / f"spot_{asset}_1d.parquet", tmp_path)
    path = wire.demo_portfolio(tmp_path)
    held = Portfolio.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    last = {asset: list(closes(tmp_path, asset).values())[-1] for asset in ("BTC", "ETH", "SOL")}
    value = {asset: held.spot[asset].amount * price for asset, price in last.items()}
    assert value == pytest.approx({"BTC": 250_000, "ETH": 100_000, "SOL": 160_000}, rel=1e-3)
    assert held.spot["USDT"].amount == 90_000
    assert held.spot["BTC"].protected * last["BTC"] == pytest.approx(40_000, rel=1e-3)
    short = held.futures["BTC/USDT:USDT"]
    assert short.amount * last["BTC"] == pytest.approx(-60_000, rel=1e-3)
    assert -short.amount < held.spot["BTC"].amount
    assert short.entry < last["BTC"] < (short.collateral / -short.amount + short.entry) / 1.005, "not liquidated"


def test_policies_with_other_indicators_do_not_share_a_stage(made_market: Path) -> None:
    """A policy finds its indicators by their order: beside another policy's it would read that one's."""
    first, second = (
        rules_of(vote={"asked": {"measure": f"talib:{name}", "threshold": 1}}) for name in ("SMA(timeperiod=5)", "CCI")
    )
    data = wire.recorded(made_market, ASSETS, FIRST, LAST)
    wire.stage_of(data, [rules_of(), first, first])
    with pytest.raises(ConfigError, match="other TA-Lib indicators"):
        wire.stage_of(data, [first, second])


def test_places_of_journal_and_inbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wire.journal_url() == f"sqlite:///{home}/journal/journal.db"
    assert wire.inbox("main") == home / "inbox" / "main"
    monkeypatch.setenv("HEDGEROW_JOURNAL", "postgresql://there/journal")
    assert wire.journal_url() == "postgresql://there/journal"


def test_journal_and_its_key_are_made_by_the_first_writer_alone(home: Path) -> None:
    with pytest.raises(ConfigError, match="there is no journal"):
        wire.journal()
    assert list(home.iterdir()) == []
    journal = wire.journal(write=True)
    journal.append([Draft(0, "", "note", "in", "{}")])
    journal.close()
    reader = wire.journal()
    assert [row.seq for row in reader.read()] == [1]
    reader.close()
    made = {path.name for path in home.rglob("*") if path.is_file()}
    assert made - {"journal.db-shm", "journal.db-wal"} == {"anchors", "journal.db", "journal.key"}
