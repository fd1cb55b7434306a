"""What the accounts show in four real stress windows: the table and the pictures of docs/explanation/stress.md.

    python docs/stress.py DATA [CHROMIUM]

DATA is a folder of recorded prices (docs/reference/files.md). Two policies run into each window from months before it:
the constant hedge of 50 % (B3) and the default. The table goes to standard output, the pictures to docs/pictures.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hedgerow import policies, wire

FOLDER = Path(__file__).resolve().parent / "pictures"
NINE = ("BTC", "ETH", "BNB", "XRP", "ADA", "LINK", "DOGE", "SOL", "AVAX")
POLICIES = ("b3_constant", "balanced")
LINES = {"spot": "loss", "hedge": "gain", "funding": "warn", "net": "ink"}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--hide-scrollbars", "--virtual-time-budget=8000", "--window-size=1260,900")  # fmt: skip


class Window(NamedTuple):
    """One stress: its name, its coins, when the run begins, first and last day that are shown."""

    name: str
    assets: tuple[str, ...]
    begin: date
    first: date
    last: date


WINDOWS = (
    Window("12 March 2020", ("BTC", "ETH"), date(2020, 1, 10), date(2020, 3, 8), date(2020, 3, 17)),
    Window("XRP, December 2020", ("XRP",), date(2020, 7, 1), date(2020, 12, 5), date(2020, 12, 31)),
    Window("19 May 2021, nine coins", NINE, date(2020, 11, 1), date(2021, 5, 12), date(2021, 5, 24)),
    Window("SOL, November 2022", ("SOL",), date(2022, 5, 1), date(2022, 11, 4), date(2022, 11, 20)),
)


def played(window: Window, name: str, data: Path) -> dict[str, Any]:
    """One run's accounts inside the window: parts by day since its first, and what margin and funding did."""
    from hedgerow.kernel.rules import target_weights
    from hedgerow.model.event import Funding
    from hedgerow.model.report import PARTS
    from hedgerow.research.accounts import accounts_of, difference
    from hedgerow.research.backtest import trace

    policy = policies.load(name)
    recorded = wire.recorded(data, window.assets, window.begin, window.last)
    stage = wire.stage_of(recorded, [policy])
    weights = target_weights(policy, window.assets, None, "USDT")
    run, traces = trace(policy, stage, capital=100_000.0, weights=weights)
    accounts = accounts_of(policy, stage, run, traces)
    days = run.days_ns.astype("datetime64[ns]").astype("datetime64[D]")
    start = int(np.searchsorted(days, np.datetime64(window.first))) - 1
    parts = dict(zip(PARTS, (run.parts[start:] - run.parts[start]).T / run.nav[start], strict=False))
    since = int(run.days_ns[start + 1])
    paid = [event for event in accounts.events if isinstance(event, Funding) and event.at_ns >= since]
    rates = [float(event.rate) for event in paid if event.rate is not None]
    liquidated = [leg for leg in run.legs if leg.reason == "liquidated" and leg.filled_ns >= since]
    return {
        "days": days[start:], "nav": run.nav[start], "spot": parts["spot"], "hedge": parts["hedge"] + parts["basis"],
        "basis": parts["basis"], "funding": parts["funding"], "net": run.nav[start:] / run.nav[start] - 1.0,
        "h": float(np.nanmean(run.h_achieved[start:])), "distance": float(run.liquidation_distance[start:].min()),
        "margin": float(run.margin_ratio[start:].max()), "liquidations": len(liquidated), "payments": len(paid),
        "missing": sum(event.amount is None for event in paid), "lowest": min(rates, default=0.0),
        "difference": difference(accounts, run),
    }  # fmt: skip


def row(window: Window, name: str, shown: dict[str, Any]) -> str:
    """One line of the page's table."""
    cells = [window.name, {"b3_constant": "constant 50 %"}.get(name, name), f"{100 * shown['h']:.0f} %"]
    cells += [f"{100 * shown[part][-1]:+.1f} %" for part in ("net", "spot", "hedge", "basis", "funding")]
    cells += [f"{shown['payments']}, {shown['missing']} missing", f"{100 * shown['lowest']:.2f} %"]
    cells += [f"{100 * shown['distance']:.0f} %", f"{100 * shown['margin']:.1f} %", str(shown["liquidations"])]
    return f"| {' | '.join(cells)} |"


def picture(found: dict[Window, dict[str, Any]], colours: dict[str, str]) -> str:
    """The page of the pictures: of the default policy, a panel for each window."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        2, 2, subplot_titles=[window.name for window in found], vertical_spacing=0.12, horizontal_spacing=0.06
    )
    for n, shown in enumerate(found.values()):
        for name, colour in LINES.items():
            line = {"color": colours[colour], "width": 3 if name == "net" else 2}
            figure.add_scatter(
                x=shown["days"], y=100.0 * shown[name], name=name, line=line, mode="lines", showlegend=n == 0,
                row=n // 2 + 1, col=n % 2 + 1,
            )  # fmt: skip
    figure.update_layout(
        width=1260, height=900, paper_bgcolor=colours["page"], plot_bgcolor=colours["card"], margin={"t": 90, "b": 40, "l": 50, "r": 20},
        font={"color": colours["ink"], "family": "sans-serif", "size": 14}, legend={"orientation": "h", "y": 1.1, "x": 1, "xanchor": "right"},
        title={"text": "Balanced: change of value since the window's first day, %", "x": 0.02},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=colours["grid"])
    figure.update_yaxes(gridcolor=colours["grid"], zerolinecolor=colours["rule"])
    return str(figure.to_html(include_plotlyjs=True, full_html=True, config={"displayModeBar": False}))


def main(data: Path, chromium: str) -> None:
    """Print the table and take the pictures."""
    from hedgerow.faces.palette import DARK, LIGHT

    wire.ready()
    balanced = {}
    for window in WINDOWS:
        for name in POLICIES:
            shown = played(window, name, data)
            assert shown["difference"] < 1e-9
            print(row(window, name, shown))
        balanced[window] = shown
    FOLDER.mkdir(exist_ok=True)
    for look, colours in (("light", LIGHT), ("dark", DARK)):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_text(
                f"<body style='margin:0;background:{colours['page']}'>{picture(balanced, dict(colours))}</body>"
            )
            shot = f"--screenshot={FOLDER / f'stress-{look}.png'}"
            command = [chromium, *FLAGS, f"--user-data-dir={folder}", shot, page.as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 (named by who runs it)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/usr/bin/chromium")
