"""A sweep's trial is the backtest, bit for bit, whatever the workers; its log is whole, resumes, and is honest."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hedgerow import policies
from hedgerow.errors import ConfigError, StoreError
from hedgerow.faces.scorecard import BY_KEY
from hedgerow.ledger.statistics import metrics
from hedgerow.model.policy import Policy
from hedgerow.model.report import Run
from hedgerow.research.backtest import Blocks, Stage, backtest
from hedgerow.research.honesty import luck
from hedgerow.research.search import OBJECTIVES, batches, check_objective
from hedgerow.research.sweep import FIGURES, Job, Sweep, Threads, digest, engine, sweep
from hedgerow.research.trials import Log, ever, identity
from hedgerow.research.vary import space_of
from tests.kernel.tape import universe
from tests.properties import stage_of

WEIGHTS = {"BTC": 0.4, "ETH": 0.3, "SOL": 0.1}
VARY = ("trim.drift.threshold=4pp:12pp:4pp", "hedge.cap=50%,100%", "dwell=5d,14d")
HEAD = {"policy": "balanced", "vary": {"trim.drift.threshold": ["4 pp"]}}
MADE = stage_of(universe(tuple(WEIGHTS)), 4, days=120, per_day=3)


def job(stage: Stage = MADE) -> Job:
    _, build = policies.builder("balanced")
    return Job(build, lambda _: stage, lambda _: WEIGHTS, 5e5)


def swept(folder: Path, *, workers: int = 1, kind: str = "grid", vary: tuple[str, ...] = VARY) -> Sweep:
    known, _ = policies.builder("balanced")
    space = space_of(vary, known)
    log = Log(folder, {**HEAD, "search": kind})
    try:
        with Threads(job(), space, workers) as crew:
            return sweep(Sweep(space, "sharpe", log), batches(space, kind, 40, 1), crew)
    finally:
        log.close()


def figures(result: Sweep) -> list[dict[str, object]]:
    return [dict(result.figures(number)) for number in range(len(result))]


def settings(result: Sweep) -> list[int]:
    return [result.setting(number) for number in range(len(result))]


def lines(folder: Path) -> list[dict[str, object]]:
    (path,) = folder.glob("*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def figures_of(run: Run) -> dict[str, object]:
    known = metrics(run) | {"value": float(run.nav[-1]), "legs": len(run.legs), "refusals": len(run.refusals)}
    return {name: known[name] for name in FIGURES}


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Path]:
    folder = tmp_path_factory.mktemp("trials")
    return swept(folder), folder


def test_a_trial_is_the_backtest_bit_for_bit(one_worker: tuple[Sweep, Path]) -> None:
    result, _ = one_worker
    _, build = policies.builder("balanced")
    assert len(result) == 12
    for number, setting in enumerate(settings(result)):
        run = backtest(build(result.space.cells(setting)), MADE, capital=5e5, weights=WEIGHTS)
        assert result.figures(number) == figures_of(run)
    assert len({result.figures(number)["value"] for number in range(12)}) > 6  # and they differ


def test_blocks_that_were_used_give_the_same_bits_as_new_ones() -> None:
    desk, used = job(), Blocks(MADE)
    cells = ({"hedge.cap": "50 %"}, {"trim.drift.threshold": "3 pp"}, {}, {"hedge.cap": "50 %"})
    found = [desk.figures(one, used) for one in cells]
    assert found == [desk.figures(one, Blocks(MADE)) for one in cells]
    assert found[0] == found[3]


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_two_workers_find_what_one_finds(tmp_path: Path, kind: str) -> None:
    one, two = swept(tmp_path / "1", kind=kind), swept(tmp_path / "2", workers=2, kind=kind)
    assert settings(one) == settings(two)
    assert figures(one) == figures(two)
    assert one.ranked() == two.ranked()

    def told(folder: Path) -> list[object]:
        kept = [{key: value for key, value in line.items() if key != "seconds"} for line in lines(folder)[1:]]
        return sorted(kept, key=lambda line: int(str(line["number"])))

    assert told(tmp_path / "1") == told(tmp_path / "2")


@pytest.mark.parametrize("kind", ["tpe", "cmaes"])
def test_an_optimiser_does_not_depend_on_the_workers(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("optuna")
    vary = ("trim.drift.threshold=4pp:12pp:1pp", "hedge.cap=50%:100%:5%")
    one = swept(tmp_path / "1", kind=kind, vary=vary)
    two = swept(tmp_path / "2", kind=kind, vary=vary, workers=2)
    assert settings(one) == settings(two)
    assert one.ranked() == two.ranked()


def test_a_setting_that_makes_no_policy_is_a_trial_that_failed(tmp_path: Path) -> None:
    result = swept(tmp_path, vary=("hedge.leverage=1,2", "hedge.high_risk=true,false"))
    assert result.failed() == [3]
    assert "high risk" in result.line(3)["error"]["message"]
    assert 3 not in result.ranked()
    (line,) = [line for line in lines(tmp_path) if line.get("number") == 3]
    assert line == result.line(3)
    again = swept(tmp_path, vary=("hedge.leverage=1,2", "hedge.high_risk=true,false"))
    assert again.failed() == [3]


def test_signals_are_measured_once_for_each_set_of_measures() -> None:
    made: list[tuple[str, ...]] = []
    extra = MADE.signals.shape[0], 1, MADE.signals.shape[2]

    def stage(asked: Sequence[Policy]) -> Stage:
        from hedgerow.kernel.rules import extra_measures

        (policy,) = asked
        made.append(extra_measures(policy))
        more = np.full(extra, 50.0 + len(made))
        warm = np.full((MADE.warm.shape[0], 1, extra[2]), 50.0)
        if not made[-1]:
            return MADE
        return replace(MADE, signals=np.concatenate([MADE.signals, more], 1), warm=np.concatenate([MADE.warm, warm], 1))

    _, build = policies.builder("balanced")
    desk = Job(build, stage, lambda _: WEIGHTS, 5e5)
    other = {"vote.overbought.measure": "talib:RSI(21)", "vote.overbought.threshold": "85"}
    for cells in ({}, other, {}, other, {"hedge.cap": "50 %"}):
        desk.figures(cells, Blocks(MADE))
    assert made == [(), ("talib:RSI(21)",)]
    assert desk.stage_for(build({})).market is desk.stage_for(build(other)).market


def test_a_log_is_read_instead_of_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = swept(tmp_path)
    kept = lines(tmp_path)
    monkeypatch.setattr(Job, "figures", lambda *_: pytest.fail("run again"))
    again = swept(tmp_path, workers=2)
    assert figures(again) == figures(first)
    assert lines(tmp_path) == kept


def test_a_torn_line_is_dropped_and_run_again(tmp_path: Path) -> None:
    first = figures(swept(tmp_path))
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    for cut in (7, len(whole.splitlines()[-1]) + 1, len(whole) - 20):  # in the last line, all of it, in the head
        path.write_bytes(whole[:-cut])
        again = swept(tmp_path)
        assert figures(again) == first
        assert len(lines(tmp_path)) == 13


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_a_search_that_was_stopped_asks_the_same_as_one_that_was_not(tmp_path: Path, kind: str) -> None:
    if kind == "tpe":
        pytest.importorskip("optuna")
    vary = ("trim.drift.threshold=4pp:12pp:1pp", "hedge.cap=50%:100%:5%")
    whole = swept(tmp_path, kind=kind, vary=vary)
    wanted = figures(whole)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:12]))
    again = swept(tmp_path, kind=kind, vary=vary, workers=2)
    assert settings(again) == settings(whole)
    assert figures(again) == wanted


def test_a_log_that_is_damaged_inside_is_not_used(tmp_path: Path) -> None:
    swept(tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*text[:3], "{\n", *text[3:]]), encoding="utf-8")
    with pytest.raises(StoreError, match=r":4: the log of trials is damaged"):
        swept(tmp_path)


def test_two_writers_of_one_log_are_one_too_many(tmp_path: Path) -> None:
    log = Log(tmp_path, HEAD)
    with pytest.raises(ConfigError, match="the same sweep is running"):
        Log(tmp_path, HEAD)
    log.close()
    Log(tmp_path, HEAD).close()


def test_all_logs_of_a_policy_are_counted_by_key(tmp_path: Path) -> None:
    for head, count in ((HEAD, 3), (HEAD | {"seed": 1, "vary": {"hedge.cap": []}}, 2), (HEAD | {"policy": "seed"}, 5)):
        log = Log(tmp_path, head)
        for number in range(count):
            log.add({"number": number})
        log.close()
    (tmp_path / "other.jsonl").write_text("no log of ours\n", encoding="utf-8")
    assert ever(tmp_path, "balanced", ("hedge.cap", "dwell")) == {"": 5, "hedge.cap": 2, "dwell": 0}
    assert ever(tmp_path / "none", "balanced", ()) == {"": 0}


def test_the_id_depends_on_what_the_trials_depend_on() -> None:
    assert identity(HEAD) == identity(dict(reversed(HEAD.items())))
    assert identity(HEAD) != identity(HEAD | {"seed": 1})
    market = MADE.market
    moved = replace(MADE, market=replace(market, close=market.close * (1.0 + 1e-15)))
    assert digest(MADE) != digest(moved)
    assert engine().startswith("0.")


@pytest.mark.parametrize(
    "source", ["units.py", "model/policy.py", "policies/__init__.py", "research/vary.py", "ledger/statistics.py"]
)
def test_an_edit_of_what_makes_a_policy_is_another_engine(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    before, read = engine(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * path.as_posix().endswith(source))
    assert engine() != before


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_a_setting_takes_at_most_64_bytes(tmp_path: Path, kind: str) -> None:
    known, _ = policies.builder("balanced")
    space = space_of(["trim.drift.threshold=0pp:99.99pp:0.01pp", "dwell=1d:10d:1d"], known)
    order = [setting for batch in batches(space, kind, 100_000, 1) for setting in batch][:10_000]
    log, line = Log(tmp_path, HEAD), {"metrics": dict.fromkeys(FIGURES, 1.5)}
    log.close()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = Sweep(space, "calmar", log)
    for place, setting in enumerate(order, start=1):
        result.enter(setting)
        result.put(setting, place, line)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert settings(result) == order
    assert grown / len(order) <= 64


def test_objectives_are_better_the_way_that_the_report_says() -> None:
    assert {name: BY_KEY[name].better for name in OBJECTIVES if name != "value"} == {
        name: sign for name, sign in OBJECTIVES.items() if name != "value"
    }
    assert set(OBJECTIVES) <= set(FIGURES)
    with pytest.raises(ConfigError, match="--objective"):
        check_objective("profit")


def test_luck_grows_with_the_number_of_trials() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(1.0, 0.2, (400, 100))
    expected = np.mean([luck(row.tolist()) for row in drawn])
    assert expected == pytest.approx(np.mean(drawn.max(axis=1) - drawn.mean(axis=1)), rel=0.05)
    assert luck([1.0, float("nan")]) != luck([1.0, float("nan")])  # not known
