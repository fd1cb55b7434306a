"""Take the picture of docs/explanation/speed.md, light and dark, from the figures in docs/speed.json.

./run bench --json docs/speed.json       measures: half an hour
python docs/speed.py [CHROMIUM]          draws
python docs/generate.py                  writes the tables
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pictures  # noqa: E402  (it stands beside this file)

from benchmarks import draw  # noqa: E402
from hedgerow.faces.palette import DARK, LIGHT  # noqa: E402


def main(chromium: str) -> None:
    """Write docs/pictures/speed-light.png and speed-dark.png."""
    record = json.loads((HERE / "speed.json").read_text(encoding="utf-8"))
    for look, colours in (("light", LIGHT), ("dark", DARK)):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_text(draw.page(record, colours), encoding="utf-8")
            pictures.take(page, pictures.FOLDER / f"speed-{look}.png", (draw.WIDTH, draw.height(record)), chromium)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "chromium")
