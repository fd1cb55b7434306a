"""The bars: what each figure is held against, by the key of its row."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Bar(NamedTuple):
    """A bar and an aim beyond it; ``kind``: the figure must be ``most``, ``least``, or ``within`` both numbers."""

    kind: str
    bar: float
    aim: float

    def met(self, value: float) -> bool:
        """Whether a figure is on the right side of the bar."""
        if self.kind == "within":
            return self.bar <= value <= self.aim
        return value <= self.bar if self.kind == "most" else value >= self.bar

    def headroom(self, value: float) -> float:
        """How many times better than the bar a figure is, below 1 where it is missed; within: 1 or 0."""
        if self.kind == "within":
            return float(self.met(value))
        return self.bar / value if self.kind == "most" else value / self.bar

    def words(self) -> tuple[str, str]:
        """Bar and aim as people read them."""
        if self.kind == "within":
            return f"{self.bar:g} to {self.aim:g}", ""
        sign = "≤" if self.kind == "most" else "≥"
        return f"{sign} {self.bar:,g}", f"{sign} {self.aim:,g}"

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind, "bar": self.bar, "aim": self.aim}


def _most(bar: float, aim: float) -> Bar:
    return Bar("most", bar, aim)


def _least(bar: float, aim: float) -> Bar:
    return Bar("least", bar, aim)


_LINEAR: Final = Bar("within", 0.9, 1.1)
_AGAINST_C: Final = {"S": 1.3, "M": 1.05, "L": 1.05}

BARS: Final[dict[str, Bar]] = {
    **{f"c.{leg}.{size}": _most(2.0, aim) for leg in ("full", "spot") for size, aim in _AGAINST_C.items()},
    **{f"vectorbt.{leg}.{size}": _least(10.0, 20.0) for leg in ("full", "spot") for size in "SML"},
    **{f"vectorbt.orders.{leg}.{size}": _least(40.0, 80.0) for leg in ("full", "spot") for size in "SML"},
    **{f"bt.{leg}.M": _least(500.0, 1_500.0) for leg in ("full", "spot")},
    "balanced.c": _most(8.0, 3.0),
    "sweep.single": _least(20.0, 20.0),
    "sweep.lanes": _least(20.0, 60.0),
    "sweep.10000": _most(20.0, 4.5),
    "sweep.vectorbt": _least(50.0, 100.0),
    **{f"live.{kind}.{assets}.p50": _most(20.0, 3.0) for kind in ("bar", "day", "trades") for assets in (10, 50, 200)},
    **{f"live.{kind}.{assets}.p99": _most(100.0, 10.0) for kind in ("bar", "day", "trades") for assets in (10, 50, 200)},
    "memory.sweep": _most(200.0, 150.0),
    "memory.setting": _most(64.0, 64.0),
    **{f"growth.{job}.{axis}": _LINEAR for job in ("bands", "balanced") for axis in ("bars", "assets", "settings")},
    **{f"first.{name}.warm": _most(2.0, 1.3) for name in ("demo", "backtest", "plan", "explain")},
    **{f"first.{name}.cold": _most(15.0, 8.0) for name in ("demo", "backtest", "plan", "explain")},
    "first.help.warm": _most(1.0, 0.2),
}  # fmt: skip
