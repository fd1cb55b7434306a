"""Lanes: the same arithmetic for one setting or for eight in lock-step, from one source.

A kernel that is written with these words runs on numbers where its state is [N], and on vectors of ``LANES`` numbers,
held in the processor's registers, where its state is [N, LANES]. Every lane does the operations of the single run in
their order, so it has its bits. Uncompiled, numpy's rows are the lanes.

    held = load(own, i)               row i: a number, or one for each lane
    store(own, i, where(over, held - moved, held))
    if some(over): ...                true where any lane is
    total = nought(own)               0 in every lane
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hedgerow import jit
from hedgerow.model.market import Floats

LANES: Final = 8


def load(block: Floats, row: int) -> Any:
    """Row ``row`` of a block."""
    return block[row].copy() if block.ndim == 2 else block[row]


def store(block: Floats, row: int, value: Any) -> None:
    """Write a row of a block."""
    block[row] = value


def nought(block: Floats) -> Any:
    """0 in every lane of a block."""
    return np.zeros(block.shape[1]) if block.ndim == 2 else 0.0


def where(mask: Any, yes: Any, no: Any) -> Any:
    """``yes`` in the lanes where ``mask`` holds, else ``no``."""
    return np.where(mask, yes, no) if isinstance(mask, np.ndarray) else (yes if mask else no)


def some(mask: Any) -> bool:
    """Whether ``mask`` holds in any lane."""
    return bool(np.any(mask))


if jit.enabled:
    import hedgerow.kernel.vector  # noqa: F401  # the compiler learns the words
