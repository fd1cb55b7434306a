"""What --vary takes: ranges and lists, units, near names; and that a varied policy is the file that one would write."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow import policies
from hedgerow.errors import ConfigError
from hedgerow.model.policy_cells import places
from hedgerow.research.vary import Axis, Space, axis_of, check, space_of

KNOWN = places(policies.load("balanced"))


def decimals(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda cents: Decimal(cents) / 100)


@given(decimals(-5_000, 5_000), st.integers(0, 200), decimals(1, 900), st.sampled_from(["", " "]))
def test_a_range_has_both_ends_and_equal_steps(start: Decimal, steps: int, step: Decimal, blank: str) -> None:
    stop = start + steps * step
    axis = axis_of(f"trim.drift.threshold={start}{blank}pp:{stop}{blank}pp:{step}{blank}pp", KNOWN)
    assert axis.numbers == tuple(float(start + i * step) for i in range(steps + 1))
    assert [Decimal(value.removesuffix(" pp")) for value in axis.values] == [start + i * step for i in range(steps + 1)]
    short = axis_of(f"trim.drift.threshold={start}:{stop}pp:{step}", KNOWN)
    assert short == axis


@given(st.lists(decimals(0, 10_000), min_size=1, max_size=20, unique=True))
def test_a_list_of_numbers_is_put_in_order(numbers: list[Decimal]) -> None:
    axis = axis_of("hedge.cap=" + ",".join(f"{number}%" for number in numbers), KNOWN)
    assert axis.numbers == tuple(float(number) for number in sorted(numbers))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.data())
def test_a_setting_is_a_number_and_back(sizes: list[int], data: st.DataObject) -> None:
    space = Space(tuple(Axis(f"k{i}", tuple(map(str, range(size))), None) for i, size in enumerate(sizes)))
    setting = data.draw(st.integers(0, space.size - 1))
    assert space.setting(space.at(setting)) == setting == space.find(space.cells(setting))
    assert [space.cells(n) for n in range(min(2, space.size))] == [
        {axis.key: axis.values[place] for axis, place in zip(space.axes, space.at(n), strict=True)}
        for n in range(min(2, space.size))
    ]


@given(st.text(max_size=60))
def test_anything_else_is_an_error_with_its_fix(written: str) -> None:
    refused = None
    try:
        assert axis_of(written, KNOWN).values
    except ConfigError as error:
        refused = error
    assert refused is None or (refused.where.startswith("--vary") and refused.fix)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("deploy.tranches=2:6:2", ("2", "4", "6")),
        ("deploy.tranches=2:5:2", ("2", "4")),
        ("hedge.vol.median_floor=true,false", ("true", "false")),
        ("trim.drift.to=target,halfway", ("target", "halfway")),
        ("vote.overbought.threshold=80:84:2 points", ("80 points", "82 points", "84 points")),
        ("guard.kappa=1.50,1", ("1", "1.5")),
        ("vote.overbought.measure=talib:MACD(12,26,9).macd,rsi14", ("talib:MACD(12,26,9).macd", "rsi14")),
        ("dwell=5d,10d", ("5 d", "10 d")),
        ("regime.PEAK.enter.at_least=1:2:1", ("1", "2")),
    ],
)
def test_values_as_they_are_written(written: str, values: tuple[str, ...]) -> None:
    assert axis_of(written, KNOWN).values == values


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("trim.drif.threshold=1pp", "Did you mean trim.drift.threshold"),
        ("trim.drift.threshold", "KEY=START:STOP:STEP"),
        ("trim.drift.threshold=5pp:1pp:1pp", "smaller end"),
        ("trim.drift.threshold=1pp:5pp:0pp", "above 0"),
        ("trim.drift.threshold=1pp:5%:1pp", "Write all in pp"),
        ("trim.drift.threshold=0pp:9000pp:0.1pp", "larger step"),
        ("trim.drift.threshold=1pp,,2pp", "empty value"),
        ("trim.drift.threshold=1pp,1.0 pp", "stands twice"),
        ("hedge.rungs=1", "a list cannot be varied"),
        ("hedge.vol.median_floor=0:1:1", "takes words"),
    ],
)
def test_what_is_refused(written: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"--vary") as caught:
        axis_of(written, KNOWN)
    assert words in str(caught.value)


def test_a_key_has_one_option() -> None:
    with pytest.raises(ConfigError, match="stands twice"):
        space_of(["hedge.cap=50%", "hedge.cap=60%"], KNOWN)


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        (
            {"trim.drift.threshold": "7 pp", "trim.drift.to": "halfway"},
            '[trim.drift]\nthreshold = "7 pp"\nto = "halfway"',
        ),
        ({"vote.below_sma200_3d.for": "5 d"}, '[vote.below_sma200_3d]\nfor = "5 d"'),
        ({"hedge.vol.median_floor": "false"}, "[hedge.vol]\nmedian_floor = false"),
        ({"deploy.tranches": "3", "costs.spot_fee": "5 bp"}, '[deploy]\ntranches = 3\n[costs]\nspot_fee = "5 bp"'),
    ],
)
def test_a_varied_policy_is_the_file_that_one_would_write(tmp_path: Path, cells: dict[str, str], lines: str) -> None:
    known, build = policies.builder("balanced")
    if not set(cells) <= set(known):
        pytest.fail(f"no such cells: {set(cells) - set(known)}")
    file = tmp_path / "mine.toml"
    file.write_text(f'extends = "balanced"\n{lines}\n', encoding="utf-8")
    same = {"name": "", "title": ""}
    assert build(cells).model_copy(update=same) == policies.load(str(file)).model_copy(update=same)
    assert build({}) == policies.load("balanced")


def test_a_value_that_no_policy_takes_is_the_error_of_the_file(tmp_path: Path) -> None:
    known, build = policies.builder("balanced")
    with pytest.raises(ConfigError, match="at most 100 %") as caught:
        check(space_of(["hedge.cap=90%:120%:10%"], known), build)
    assert caught.value.where == "--vary hedge.cap=110 %"


def test_a_value_may_need_another_key() -> None:
    known, build = policies.builder("balanced")
    space = space_of(["hedge.leverage=1,2", "hedge.high_risk=true,false"], known)
    check(space, build)
    with pytest.raises(ConfigError, match="high risk"):
        check(Space(space.axes[:1]), build)


def test_every_number_and_word_of_the_built_in_policies_is_a_cell() -> None:
    from hedgerow.faces.policy_words import walk

    for name in policies.names():
        policy = policies.load(name)
        told = {cell.path for cell in walk(policy) if cell.value is not None and not isinstance(cell.value, dict)}
        assert told <= set(places(policy)), name
