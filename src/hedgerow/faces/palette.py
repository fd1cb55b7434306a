"""Colours of the report, once: the style sheet and the charts both read them by name.

Text keeps a contrast of at least 4.5 and marks of at least 3 against their ground in both themes (a test computes it).
No pair that must be told apart differs by red and green alone: gain is blue, loss is orange, and regimes run over
lightness as well as hue. A regime has one colour everywhere.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "page": "#f5f6f2",
    "card": "#ffffff",
    "sunk": "#eef0ea",
    "ink": "#18211c",
    "muted": "#55615a",
    "rule": "#dde1da",
    "grid": "#e8ebe5",
    "accent": "#0b6b4b",
    "accent-soft": "#d8eae1",
    "gain": "#1c5fa8",
    "loss": "#b2450f",
    "warn": "#7a4a00",
    "warn-soft": "#ffe9b8",
    "b0": "#6a7078",
    "b2": "#ad6316",
    "b4": "#44599a",
    "b4c": "#9a3f7c",
    "other": "#87918b",
    "regime-bull": "#3b92c4",
    "regime-neutral": "#8b948e",
    "regime-peak": "#c98600",
    "regime-downturn": "#a52f5c",
    "regime-bottom": "#26449a",
    "regime-x0": "#00806e",
    "regime-x1": "#7a5aa6",
    "regime-x2": "#5d5348",
    "regime-x3": "#9a7d3a",
}
DARK: Final = {
    "page": "#0d1311",
    "card": "#151d1a",
    "sunk": "#1c2622",
    "ink": "#e7ede9",
    "muted": "#a2aea8",
    "rule": "#2b3732",
    "grid": "#24302b",
    "accent": "#52c795",
    "accent-soft": "#1d3d31",
    "gain": "#7db1ee",
    "loss": "#f09a68",
    "warn": "#ffd27a",
    "warn-soft": "#3f2f0c",
    "b0": "#a9b2bb",
    "b2": "#e0a560",
    "b4": "#96aaf0",
    "b4c": "#e08ec2",
    "other": "#75817a",
    "regime-bull": "#66b8e4",
    "regime-neutral": "#78847d",
    "regime-peak": "#eeb23c",
    "regime-downturn": "#d4608f",
    "regime-bottom": "#5f80e6",
    "regime-x0": "#35b39d",
    "regime-x1": "#b294e0",
    "regime-x2": "#a2968a",
    "regime-x3": "#cbb069",
}

TEXT: Final = ("ink", "muted", "accent", "gain", "loss", "warn")
SPARE: Final = ("regime-x0", "regime-x1", "regime-x2", "regime-x3")
# what a policy may call its states -> colour; the first word found wins
_STATES: Final = (
    ("bull", "regime-bull"),
    ("calm", "regime-bull"),
    ("neutral", "regime-neutral"),
    ("peak", "regime-peak"),
    ("down", "regime-downturn"),
    ("bear", "regime-downturn"),
    ("bottom", "regime-bottom"),
)


def regime_colours(names: tuple[str, ...]) -> list[str]:
    """The colour name of each regime: by what it is called, else one of the spare colours in turn."""
    found, spare = [], 0
    for name in names:
        colour = next((colour for word, colour in _STATES if word in name.lower()), "")
        if not colour or colour in found:
            colour, spare = SPARE[spare % len(SPARE)], spare + 1
        found.append(colour)
    return found


def benchmark_colour(code: str) -> str:
    """The three benchmarks that the verdict names have a colour, and so has B4's causal twin; a quiet one for the rest."""
    return code.lower() if code in ("B0", "B2", "B4", "B4c") else "other"
