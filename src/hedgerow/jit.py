"""The kernel's compiler: numba where it is wanted, the plain interpreter where it is not; the same bits either way.

numba does not notice an edit in another file, so its cache folder is named by a hash of all kernel and signal sources.
``HEDGEROW_JIT=0`` interprets; ``HEDGEROW_HOME`` says where the cache lies (``prepare`` is called by ``wire`` and by the
tests before the kernel is imported).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent
enabled = True  # set by prepare(); read once, when the kernel's modules are imported


def source_key() -> str:
    """A hash of every source whose edit changes compiled code: kernel, signals, measures, this file."""
    digest = hashlib.sha256()
    files = [_HERE / "jit.py", _HERE / "model" / "measure.py"]
    files += sorted((_HERE / "kernel").glob("*.py")) + sorted((_HERE / "signals").glob("*.py"))
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(home: Path) -> Path:
    """Where compiled code of exactly these sources lies, under ``home/cache``."""
    return home / "cache" / f"numba-{source_key()}"


def is_warm(home: Path) -> bool:
    """Whether compiled code of exactly these sources is in the cache."""
    return any(cache_folder(home).rglob("*.nbi"))


def prepare(home: Path, *, compile: bool = True) -> None:
    """Choose compiler or interpreter and pin the cache. Must run before the kernel is imported."""
    global enabled
    enabled = compile
    if compile:
        from numba import config

        folder = cache_folder(home)
        folder.mkdir(parents=True, exist_ok=True)
        config.CACHE_DIR = str(folder)


def entrance(function: F) -> F:
    """Compile a function that Python calls: numba without fastmath, numpy's division, no GIL, kept in the cache."""
    if not enabled:
        return function
    from numba import njit

    return njit(cache=True, error_model="numpy", nogil=True)(function)  # type: ignore[no-any-return]


def compiled(function: F) -> F:
    """Compile a function that only compiled code calls: no wrapper for Python, which halves the time to compile.

    ``plain`` gives the Python function back to tests.
    """
    if not enabled:
        return function
    from numba import njit

    return njit(error_model="numpy", nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[no-any-return]


def plain(function: F) -> F:
    """The interpreted form of a compiled function (the function itself when nothing is compiled)."""
    return getattr(function, "py_func", function)  # type: ignore[no-any-return]
