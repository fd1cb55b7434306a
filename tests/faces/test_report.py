"""The report: complete, self-contained, honest about simulation, and safe from what files may say."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hedgerow.faces import charts, numerals, palette, report, scorecard
from hedgerow.faces import page as page_room
from hedgerow.model.report import PARTS, Comparison
from tests.faces.made import comparison

SECTIONS = (
    "verdict", "figures", "comparison", "equity", "hedge", "weights", "carry", "attribution", "margin", "months",
    "decisions", "refused", "data",
)  # fmt: skip
VOID = {"meta", "link", "br", "input", "img", "hr", "path", "circle"}
HOSTILE = """</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&%{y} {{ 7*7 }} <b>${x}\u2028"""


class Page(HTMLParser):
    """A strict reader: every element is closed by its own tag; text, attributes and data are kept apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.addresses: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.payload = ""
        self.kind = ""
        self.feed(html)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        self.ids.add(found.get("id", ""))
        self.addresses += [
            found[name] for name in ("src", "href", "action", "data", "poster", "srcset") if name in found
        ]
        self.kind = found.get("type", "javascript") if tag == "script" else ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "script" and self.kind == "application/json":
            self.payload += data
        elif inside == "script":
            self.scripts.append(data)
        elif inside != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def made() -> Comparison:
    return comparison(days=400)


@pytest.fixture(scope="module")
def html(made: Comparison) -> str:
    return report.render(made, title="Balanced, a year and a bit")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for entry in value.values() for number in numbers(entry)]
    if isinstance(value, list):
        return [number for entry in value for number in numbers(entry)]
    return [float(value)] if isinstance(value, (int, float)) else []


# -------------------------------------------------------------------------------------------------------- the document


def test_every_section_is_there_in_order(html: str, page: Page) -> None:
    assert set(SECTIONS) <= page.ids
    places = [html.index(f'id="{name}"') for name in SECTIONS]
    assert places == sorted(places)
    assert "Balanced, a year and a bit" in page.words


def test_every_chart_has_its_place(page: Page) -> None:
    drawn = {value for _, name, value in page.attributes if name == "data-chart"}
    assert drawn == set(json.loads(page.payload)["charts"])


def test_nothing_is_fetched_from_anywhere(html: str, page: Page) -> None:
    assert all(address.startswith("#") for address in page.addresses), page.addresses
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "http" not in policy
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style
    assert not re.search(r"url\(|@import|http", style[1])


def test_our_own_script_asks_for_nothing(page: Page) -> None:
    ours = page.scripts[-1]
    assert "hedgerow-theme" in ours
    for request in ("fetch(", "XMLHttpRequest", "import(", "http", "innerHTML", "insertAdjacentHTML", "eval("):
        assert request not in ours, request


def test_every_number_in_the_data_is_finite(page: Page) -> None:
    data = json.loads(page.payload, parse_constant=pytest.fail)
    assert all(map(math.isfinite, numbers(data)))
    assert len(numbers(data)) > 10_000


def test_series_are_embedded_once_and_every_reference_resolves(page: Page) -> None:
    data = json.loads(page.payload)

    def references(value: object) -> list[tuple[str, str]]:
        if isinstance(value, list):
            return [found for entry in value for found in references(entry)]
        if not isinstance(value, dict):
            return []
        if "@" in value:
            return [("@", value["@"])]
        return [("$", value["$"])] if "$" in value else [f for entry in value.values() for f in references(entry)]

    found = references(data["charts"])
    assert {name for kind, name in found if kind == "$"} <= set(data["series"])
    for theme in ("light", "dark"):
        assert {name for kind, name in found if kind == "@"} <= set(data["palettes"][theme])
    assert len(json.dumps(data["charts"])) < 60_000


def test_every_axis_has_a_label(made: Comparison) -> None:
    for name, figure in charts.charts(made).items():
        layout = figure["layout"]
        axes = [key for key in layout if key.startswith("yaxis") and layout[key].get("showticklabels", True)]
        labels = [note["text"] for note in layout["annotations"]]
        assert layout["xaxis"]["title"]["text"], name
        assert name == "attribution" or len(axes) <= len(labels)


def test_the_size_is_plotly_and_a_little(made: Comparison) -> None:
    whole = len(report.render(comparison(), title="Three years").encode())
    assert whole < 6_000_000
    assert whole - len(page_room._plotly().encode()) < 800_000


def test_write_makes_the_folder(made: Comparison, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "today" / "report.html"
    assert report.write(made, path, title="T") == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


# -------------------------------------------------------------------------------------------------------- what it says


def test_a_simulated_market_cannot_be_missed(page: Page, made: Comparison) -> None:
    assert "SIMULATED MARKET" in page.words
    assert page.words.count("imulated market") >= 2
    for figure in charts.charts(made).values():
        assert any(note["text"] == "SIMULATED MARKET" for note in figure["layout"]["annotations"])


def test_a_recorded_market_is_not_called_simulated() -> None:
    html = report.render(comparison(days=60, assets=2, simulated=False), title="Real")
    words = Page(html).words.lower()
    assert "simulated market" not in words
    assert "SIMULATED MARKET" not in Page(html).payload


@pytest.mark.parametrize(
    ("sharpe", "deepest", "outcome"),
    [(1.0, -0.2, "better"), (0.5, -0.5, "worse"), (1.0, -0.5, "mixed"), (0.5, -0.2, "mixed"), (0.8, -0.3, "level")],
)
def test_the_verdict_says_it_plainly_either_way(sharpe: float, deepest: float, outcome: str) -> None:
    base = comparison(days=250, assets=1)
    figures = base.metrics | {"sharpe": sharpe, "max_drawdown": deepest}
    other = {name: each | {"sharpe": 0.8, "max_drawdown": -0.3} for name, each in base.benchmark_metrics.items()}
    judged = replace(base, metrics=figures, benchmark_metrics=other)
    verdict = scorecard.verdict(judged)
    assert verdict["outcome"] == outcome
    assert [line["code"] for line in verdict["lines"]] == ["B4", "B2", "B0"]
    assert {line["outcome"] for line in verdict["lines"]} == {outcome}
    words = Page(report.render(judged, title="V")).words
    assert str(verdict["headline"]) in words
    assert ("lost to an equally large constant hedge" in words) == (outcome == "worse")


def test_cards_give_the_difference_to_both_benchmarks(made: Comparison) -> None:
    cards = scorecard.cards(made)
    assert [card["label"] for card in cards] == [
        "CAGR", "Volatility", "Sharpe", "Max drawdown", "Calmar", "Mean hedge", "Cost", "Liquidations",
    ]  # fmt: skip
    assert all([delta["code"] for delta in card["deltas"]] == ["B4", "B2"] for card in cards)
    risk = scorecard.BY_KEY["volatility"]
    assert risk.difference(0.30, 0.35) == (f"\u22125.0{numerals.SPACE}pp", "better")
    assert risk.difference(0.35, 0.30) == (f"+5.0{numerals.SPACE}pp", "worse")
    assert scorecard.BY_KEY["max_drawdown"].difference(-0.3, -0.4)[1] == "better"
    assert scorecard.BY_KEY["mean_hedge_ratio"].difference(0.3, 0.4)[1] == ""
    assert risk.difference(0.3, None) == (numerals.NONE, "")
    assert risk.difference(0.30001, 0.3)[1] == ""


def test_the_table_marks_the_best_and_ignores_what_took_no_risk(made: Comparison) -> None:
    rows = scorecard.table(made)["rows"]
    assert [row["name"] for row in rows] == ["balanced", *made.benchmarks]
    stable = next(row for row in rows if row["name"] == "B8")
    assert not any(cell["best"] for cell in stable["cells"])
    position = [figure.key for figure in scorecard.FIGURES].index("max_drawdown")
    marked = [row["cells"][position]["sort"] for row in rows if row["cells"][position]["best"]]
    others = [row["cells"][position]["sort"] for row in rows if row["name"] != "B8"]
    assert marked == [max(others)]


def test_the_causal_constant_hedge_is_not_taken_for_b4(made: Comparison) -> None:
    run, figures = made.benchmarks["B4"], made.benchmark_metrics["B4"]
    runs = {"B4 causal": run, "b4-matched": run}
    named = replace(made, benchmarks=runs, benchmark_metrics={"B4 causal": {}, "b4-matched": figures})
    assert scorecard.find(named, "B4") == "b4-matched"
    assert scorecard.find(named, "B2") is None
    assert scorecard.code("B4 causal") == scorecard.code("B4c") == "B4c"
    assert scorecard.code("B12") == "B12"


def test_decisions_keep_every_row_and_each_text_once(made: Comparison, page: Page) -> None:
    rows = json.loads(page.payload)["decisions"]
    count = len(made.subject.legs) + len(report.folded(made.subject.refusals))
    assert len(rows["decided"]) == len(rows["sentence"]) == count
    assert len(rows["strings"]) == len(set(rows["strings"]))
    assert rows["decided"] == sorted(rows["decided"])
    refused = [rows["strings"][i] for i in rows["refused"] if rows["strings"][i]]
    assert sum(rows["days"]) == len(made.subject.legs) + len(made.subject.refusals)
    assert len(refused) == len(report.folded(made.subject.refusals))


def test_many_decisions_are_capped_and_said_so(made: Comparison) -> None:
    run = replace(made.subject, refusals=made.subject.refusals * (25_000 // len(made.subject.refusals)))
    html = report.render(replace(made, subject=run), title="Many")
    read = Page(html)
    assert len(json.loads(read.payload)["decisions"]["decided"]) == report.ROWS
    assert "more refusals are in the JSON of this run" in read.words
    assert html.count("<tr") < 100  # rows are made page by page


def test_attribution_adds_up_and_says_when_it_does_not(made: Comparison, page: Page) -> None:
    assert "The parts add up to it." in page.words
    parts = made.subject.parts.copy()
    parts[-1, 0] += 1_000.0
    broken = Page(report.render(replace(made, subject=replace(made.subject, parts=parts)), title="Broken")).words
    assert "Its parts miss it by" in broken
    assert "Not of one asset" in broken
    figure = charts.attribution(made)["data"][0]
    assert len(figure["x"]) == len(PARTS[:8]) + 1  # no carry sleeve: no bar of it
    assert sum(figure["x"][:-1]) == pytest.approx(figure["x"][-1], rel=1e-5)


def test_trims_are_marked_with_their_reason(made: Comparison) -> None:
    trims = [leg for leg in made.subject.legs if leg.kind == "spot" and leg.side == "sell"]
    marked = [trace for trace in charts.weights(made.subject)["data"] if trace["name"] == "Trim"]
    assert sum(len(trace["x"]) for trace in marked) == len(trims) > 0
    text = next(trace["text"][0] for trace in marked if trace["text"])
    assert "drift (trim.drift)" in text
    assert "measured" in text


# --------------------------------------------------------------------------------------------------- hostile and small


def test_hostile_names_are_shown_not_obeyed() -> None:
    base = comparison(days=80, assets=2)
    run = base.subject
    leg = replace(run.legs[0], reason=HOSTILE, row=HOSTILE, sentence=HOSTILE, asset=HOSTILE, kind="spot", side="sell")
    names = (HOSTILE, "B")
    run = replace(
        run, policy=HOSTILE, title=HOSTILE, assets=names, quote=HOSTILE, legs=(leg,),
        regimes=(HOSTILE, *run.regimes[1:]), refusals=(replace(leg, refused=HOSTILE),),
        coverage={HOSTILE: {HOSTILE: {HOSTILE: HOSTILE}}},
    )  # fmt: skip
    runs = {HOSTILE: replace(base.benchmarks["B4"], title=HOSTILE)}
    figures = {HOSTILE: base.benchmark_metrics["B4"]}
    hostile = Comparison(run, runs, base.metrics, figures)
    html = report.render(hostile, title=HOSTILE)
    read = Page(html)
    assert len(read.scripts) > 0
    assert not any("alert(1)" in script for script in read.scripts)
    assert not any(tag == "img" or name.startswith("on") for tag, name, _ in read.attributes)
    assert "{{ 7*7 }}" in read.words
    assert "</script><script>alert(1)</script>" in read.words  # as text
    assert "<script>alert" not in html
    data = json.loads(read.payload)
    assert HOSTILE in data["decisions"]["strings"]
    for figure in data["charts"].values():
        drawn = json.dumps([figure["layout"]["annotations"], [[t.get("name"), t.get("text")] for t in figure["data"]]])
        assert "<img" not in drawn
        for trace in figure["data"]:
            assert "%{y} {{" not in trace["hovertemplate"] if "hovertemplate" in trace else True


@pytest.mark.parametrize(
    ("days", "assets", "benchmarks"), [(400, 1, True), (200, 3, False), (2, 1, True), (2, 5, False), (1, 2, True)]
)
def test_small_worlds(days: int, assets: int, benchmarks: bool) -> None:
    small = comparison(days=days, assets=assets, benchmarks=benchmarks)
    read = Page(report.render(small, title="Small"))
    assert set(SECTIONS) <= read.ids
    json.loads(read.payload, parse_constant=pytest.fail)
    if not benchmarks:
        assert "no equally large constant hedge to compare with" in read.words
    if days < scorecard.SHORT:
        assert "too few to judge" in read.words


def test_nothing_is_assumed_of_metrics_and_coverage(made: Comparison) -> None:
    run = replace(made.subject, coverage={}, legs=(), refusals=(), title="")
    read = Page(report.render(replace(made, subject=run, metrics={}), title="Bare"))
    assert "Nothing that was wanted was refused." in read.words
    assert "carries no notes on its data" in read.words


def test_unknown_values_leave_gaps(made: Comparison) -> None:
    run = made.subject
    holes = {name: getattr(run, name).copy() for name in ("h_achieved", "weight", "liquidation_distance", "nav")}
    for values in holes.values():
        values[10:20] = np.nan
    holes["liquidation_distance"][30] = np.inf
    data = charts.series(replace(made, subject=replace(run, **holes)))
    assert data["nav0"][12] is None
    assert data["liquidation_distance"][30] is None
    json.dumps(data, allow_nan=False)


# ------------------------------------------------------------------------------------------------------------- colours


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, two: str) -> float:
    a, b = sorted((luminance(one), luminance(two)), reverse=True)
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    for ground in ("page", "card", "sunk"):
        for name in palette.TEXT:
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    assert contrast(theme["warn"], theme["warn-soft"]) >= 4.5
    assert contrast(theme["ink"], theme["accent-soft"]) >= 4.5
    assert contrast(theme["accent"], theme["accent-soft"]) >= 4.5
    marks = [
        name
        for name in theme
        if name.startswith("regime-") or name in ("b0", "b2", "b4", "b4c", "other", "gain", "loss")
    ]
    for name in marks:
        assert contrast(theme[name], theme["card"]) >= 3.0, name
    for name in ("gain", "loss"):  # the darkest cell of the heat map
        half = [round((int(theme[name][i : i + 2], 16) + int(theme["card"][i : i + 2], 16)) / 2) for i in (1, 3, 5)]
        assert contrast(theme["ink"], "#" + "".join(f"{part:02x}" for part in half)) >= 4.5, name


def test_both_themes_name_the_same_colours() -> None:
    assert list(palette.LIGHT) == list(palette.DARK)


def test_a_regime_has_one_colour_and_no_two_share_it() -> None:
    names = ("crash/down", "PEAK", "bottom", "bull_calm", "neutral", "odd", "calm again")
    colours = palette.regime_colours(names)
    assert colours[:5] == ["regime-downturn", "regime-peak", "regime-bottom", "regime-bull", "regime-neutral"]
    assert len(set(colours)) == len(names)
    assert palette.regime_colours(()) == []


# ------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numerals.percent(0.385), "38.5\u202f%"),
        (numerals.percent(-0.00001), "0.0\u202f%"),
        (numerals.percent(float("nan")), "–"),
        (numerals.percent(0.02, sign=True), "+2.0\u202f%"),
        (numerals.money(1234567.8), "1,234,568"),
        (numerals.money(-12.345), "\u221212.35"),
        (numerals.long_day(1_577_836_800_000_000_000), "1 January 2020"),
    ],
)
def test_numerals(text: str, expected: str) -> None:
    assert text == expected


def test_what_is_no_number_is_a_dash() -> None:
    assert numerals.fixed(None) == numerals.fixed(True) == numerals.percent("x") == numerals.NONE


def test_significant_digits() -> None:
    assert numerals.significant(123456.789) == 123457.0
    assert numerals.significant(math.inf) is None


# ---------------------------------------------------------------------------------------------------------------- form


@pytest.mark.parametrize("name", ["page.html.j2", "report.html.j2", "report.css", "page.js", "report.js"])
def test_our_own_text_cannot_end_its_element(name: str) -> None:
    text = (page_room.HERE / name).read_text(encoding="utf-8")
    assert name.endswith(".html.j2") or "</" not in text
    assert max(map(len, text.splitlines())) < 700
