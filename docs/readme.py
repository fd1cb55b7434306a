"""Write the outputs and results in README.md anew, from recorded data (its schema: docs/reference/files.md).

    python docs/readme.py DATA

Runs the commands that README shows, in a temporary folder, and the comparison behind its table of results. Run it when
a rule of the kernel or a policy has changed; look at the difference before you commit it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow import policies, wire
from hedgerow.faces import text
from hedgerow.model.report import Comparison, Run

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
ASSETS = ("BTC", "ETH", "BNB", "XRP", "ADA", "LINK", "DOGE", "SOL", "AVAX")
SHOWN = ("backtest", "plan", "explain")
YEARS = (2020, 2021, 2022, 2023)


def main(data: Path) -> None:
    """Rewrite README.md in place."""
    page = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "data").symlink_to(data.resolve())
        (here / "portfolio.toml").write_bytes((ROOT / "docs" / "examples" / "portfolio.toml").read_bytes())
        for word in SHOWN:
            command = _command(page, word)
            output = _run(command, here)
            page = _put(page, command, _shortened(output) if word == "explain" else output)
    begin, end = "<!-- results: begin", "<!-- results: end -->"
    head, rest = page.split(begin, 1)
    note, tail = rest.split("-->\n", 1)[0], rest.split(end, 1)[1]
    README.write_text(f"{head}{begin}{note}-->\n{results(data)}{end}{tail}", encoding="utf-8")


def _command(page: str, word: str) -> str:
    found = re.search(rf"^\$ (hedgerow {word} .*)$", page, re.MULTILINE)
    assert found, f"README.md shows no hedgerow {word}"
    return found[1]


def _run(command: str, folder: Path) -> str:
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603 (our own commands)
    return done.stdout.strip("\n")


def _put(page: str, command: str, output: str) -> str:
    before, after = page.split(f"$ {command}\n", 1)
    return f"{before}$ {command}\n{output}\n```{after.split('```', 1)[1]}"


def _shortened(output: str) -> str:
    """The head, some votes, and the stage that sets the hedge."""
    lines = output.splitlines()
    start = lines.index("Stage target")
    return "\n".join([*lines[:11], "...", "", *lines[start : lines.index("", start)], "..."])


# ------------------------------------------------------------------------------------------------------------- results


def results(data: Path) -> str:
    """The table of results, the years one by one, and what they say against the constant hedge."""
    subject = policies.load("balanced")
    recorded = wire.recorded(data, ASSETS, date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))
    wire.prepare(recorded.market.open_ns.shape[0] * len(ASSETS) * 10)
    from hedgerow.kernel.rules import target_weights
    from hedgerow.research.compare import compare

    others = wire.benchmarks()
    stage = wire.stage_of(recorded, [subject, *others.values()])
    weights = target_weights(subject, ASSETS, None, "USDT")
    found = compare(subject, others, stage, capital=100_000.0, weights=weights)
    market = replace(stage.market, funding=np.where(np.isnan(stage.market.funding), np.nan, 0.0))
    unpaid = compare(subject, others, replace(stage, market=market), capital=100_000.0, weights=weights)
    return f"{_intro()}\n{_table(found)}\n{_years(found)}\n{_against(found, unpaid)}\n"


def _intro() -> str:
    return f"""\
{", ".join(ASSETS)} in equal weights beside 20 % stable, {YEARS[0]}-01-01 to {YEARS[-1]}-12-31, on recorded prices and
funding, net of fees, spread, impact and funding. An asset is bought when it is listed. These years are the ones that
the rules were built on, so this is no test on unseen data.
"""


def _rows(found: Comparison) -> list[tuple[str, Run, dict[str, Any]]]:
    rows = [("balanced", found.subject, found.metrics)]
    rows += [(f"{name} {run.title}", run, found.benchmark_metrics[name]) for name, run in found.benchmarks.items()]
    return rows


def _table(found: Comparison) -> str:
    lines = []
    for name, _, m in _rows(found):
        cells = [
            text.percent(m["cagr"]),
            text.percent(m["volatility"]),
            text.number(m["sharpe"]),
            text.percent(m["max_drawdown"]),
        ]
        cells += [text.number(m["calmar"]), text.percent(m["mean_hedge_ratio"]), text.number(m["up_capture"])]
        cells += [text.number(m["down_capture"]), text.percent(m["cost_per_year"], 2), str(m["liquidations"])]
        lines.append([name, *cells])
    heads = [
        "",
        "CAGR",
        "volatility",
        "Sharpe",
        "max drawdown",
        "Calmar",
        "mean hedge",
        "up",
        "down",
        "cost a year",
        "liquidations",
    ]
    return _markdown(heads, lines)


def _years(found: Comparison) -> str:
    kept = [row for row in _rows(found) if row[0] == "balanced" or row[0].split()[0] in ("B0", "B2", "B4", "B6", "B7")]
    return _markdown(["return by year", *map(str, YEARS)], [[name, *_by_year(run)] for name, run, _ in kept])


def _by_year(run: Run) -> list[str]:
    years = run.days_ns.astype("datetime64[ns]").astype("datetime64[Y]").astype(int) + 1970
    before, cells = run.start_value, []
    for year in YEARS:
        end = float(run.nav[years == year][-1])
        cells.append(text.percent(end / before - 1.0))
        before = end
    return cells


def _against(found: Comparison, unpaid: Comparison) -> str:
    from hedgerow.ledger.statistics import path_of, returns_of, sharpe_difference_error

    mine, constant = found.subject, found.benchmarks["B4"]
    gap = float(found.metrics["sharpe"]) - float(found.benchmark_metrics["B4"]["sharpe"])  # type: ignore[arg-type]
    error = sharpe_difference_error(returns_of(path_of(mine)), returns_of(path_of(constant)))
    chance = "within" if abs(gap) < 2.0 * error else "beyond"
    pair = [text.number(one["sharpe"]) for one in (unpaid.metrics, unpaid.benchmark_metrics["B4"])]
    wanted, achieved = (text.percent(found.metrics[name]) for name in ("h_intended", "h_achieved"))
    falls = [text.percent(one["max_drawdown"]) for one in (found.metrics, found.benchmark_metrics["B4"])]
    rates = [text.percent(one["cagr"]) for one in (found.metrics, found.benchmark_metrics["B4"])]
    return f"""\
Against B4, the constant hedge of the same average size, the Sharpe ratio differs by {text.number(gap, sign=True)}, with
a standard error of {text.number(error)}: {chance} what chance can give. {_verdict(gap, error)} The deepest fall was
{falls[0]} against {falls[1]}, growth a year {rates[0]} against {rates[1]}. With funding set to zero the Sharpe ratios
are {pair[0]} and {pair[1]}. The mean hedge intended was {wanted}, achieved {achieved}. {_liquidated(mine)}
"""


def _verdict(gap: float, error: float) -> str:
    if gap < 0.0:
        return "A constant hedge was the better default."
    return "" if gap >= 2.0 * error else "So it is not shown that the timing of the hedge adds anything."


def _liquidated(run: Run) -> str:
    """When and where the venue took a position of the policy's."""
    lost = [leg for leg in run.legs if leg.reason == "liquidated"]
    told = ", ".join(f"{leg.asset} on {np.datetime64(leg.filled_ns, 'ns').astype('datetime64[D]')}" for leg in lost)
    return f"Shorts that were liquidated: {told}." if told else "No short was liquidated."


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *(["---:"] * (len(heads) - 1))], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/readme.py DATA")
    main(Path(sys.argv[1]))
