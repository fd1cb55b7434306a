"""A page: one HTML file that needs nothing else. The backtest's report and the statement are made of it.

Style sheet, scripts, data and Plotly itself (from the installed package) are written into the page, whose content policy
forbids every request to anywhere. Whatever comes from a file (names, reasons, sentences) is escaped: by Jinja in the
page, as JSON in the data, by the script before it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import hedgerow
from hedgerow.faces import numerals, palette

HERE: Final = Path(__file__).parent


def render(name: str, context: Mapping[str, Any], data: Mapping[str, Any], *, title: str, simulated: bool) -> str:
    """The page of ``name`` as text: its template, its script where it has one, and what every page has.

    ``data`` holds the ``series`` and ``charts`` that the page's script draws.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["days"] = numerals.long_day
    palettes = {"light": palette.LIGHT, "dark": palette.DARK}
    scripts = [path for path in (HERE / "page.js", HERE / f"{name}.js") if path.is_file()]
    page = {
        **context,
        "title": title,
        "simulated": simulated,
        "version": hedgerow.__version__,
        "palettes": palettes,
        # Our own text, not to be escaped; none of it holds a closing tag of its element (a test looks).
        "css": Markup((HERE / "report.css").read_text(encoding="utf-8")),
        "script": Markup("".join(path.read_text(encoding="utf-8") for path in scripts)),
        "plotly": Markup(_plotly()),
        "data": Markup(_embed({"palettes": palettes, **data})),
    }
    return environment.get_template(f"{name}.html.j2").render(page)


def _plotly() -> str:
    """Plotly's JavaScript, as the installed package brings it."""
    from importlib.resources import files

    return files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")


def _embed(data: dict[str, Any]) -> str:
    """JSON that cannot end its script element, with nothing in it but finite numbers."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
