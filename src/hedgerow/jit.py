"""The kernel's compiler: numba where it is wanted, the plain interpreter where it is not; the same bits either way.

numba does not notice an edit in another file, so its cache folder is named by a hash of all kernel and signal sources.
``HEDGEROW_JIT=0`` interprets; ``HEDGEROW_HOME`` says where the cache lies (``prepare`` is called by ``wire`` and by the
tests before the kernel is imported).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent
enabled = True  # set by prepare(); read when the kernel's modules are imported: half of them compiled would not run
_used = False  # whether a function was marked
_interpreting = False  # see interpreted()


@functools.cache
def source_key() -> str:
    """A hash of every source whose edit changes compiled code: kernel, signals, measures, contracts, this file."""
    digest = hashlib.sha256()
    files = [_HERE / "jit.py", _HERE / "link.py"] + [_HERE / "model" / name for name in ("measure.py", "contract.py")]
    files += sorted((_HERE / "kernel").glob("*.py")) + sorted((_HERE / "signals").glob("*.py"))
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(home: Path) -> Path:
    """Where compiled code of exactly these sources lies, under ``home/cache``."""
    return home / "cache" / f"numba-{source_key()}"


def is_warm(home: Path, entrance: str) -> bool:
    """Whether ``entrance``, a function of ``kernel.run`` or named with its module (``many.decide_many``), is in the cache,
    compiled from exactly these sources.
    """
    name = entrance if "." in entrance else f"run.{entrance}"
    return any(cache_folder(home).rglob(f"{name}-*.nbi"))


def prepare(home: Path, *, compile: bool = True) -> None:
    """Choose compiler or interpreter and pin the cache; once the kernel is imported, the choice stays as it was."""
    global enabled
    if not _used:
        enabled = compile
    if enabled:
        from numba import config

        folder = cache_folder(home)
        folder.mkdir(parents=True, exist_ok=True)
        config.CACHE_DIR = str(folder)
        _one_writer()
        if _linked():
            _load_lightly()


def _one_writer() -> None:
    """Let one process at a time write to the compiler's cache, where the system has file locks.

    numba reads, changes and writes a function's index without a lock: two processes that compile it for different types
    at the same time give both the same file, and whoever reads it next runs the wrong code without an error.
    """
    from numba.core.caching import IndexDataCacheFile

    try:
        import fcntl
    except ImportError:  # Windows
        return
    save = IndexDataCacheFile.save
    if hasattr(save, "unlocked"):
        return

    @functools.wraps(save)
    def locked(self: IndexDataCacheFile, key: object, data: object) -> None:
        with (Path(self._cache_path) / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            save(self, key, data)

    locked.unlocked = save  # type: ignore[attr-defined]
    IndexDataCacheFile.save = locked


def _load_lightly() -> None:
    """Load programs from the cache without all that numba imports and compiles to compile one: half a second that compiled
    code has no use for. A program that is not in the cache still finds it: the compiler asks for it by itself.
    """
    from llvmlite.binding import add_symbol
    from numba.core.caching import Cache
    from numba.core.runtime import _nrt_python

    for name, address in _nrt_python.c_helpers.items():  # as numba names what it has in C for compiled code
        add_symbol(name if name.startswith("_") else f"NRT_{name}", address)

    def load(self: Any, signature: Any, context: Any) -> Any:
        _spare_scipy()
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, context)

    Cache.load_overload = load


def _spare_scipy() -> None:
    """Import the module whose parts most programs have without its look for a BLAS, which imports all of scipy's linear algebra
    if there is one. Code that wants the BLAS has numba look again, so nothing is taken for granted.
    """
    if not find_spec("scipy"):
        return
    from numba.np import linalg

    look, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        linalg.ensure_blas = look


@contextmanager
def interpreted() -> Iterator[None]:
    """Meanwhile Python's calls of entrances run uncompiled: a first result need not wait for the compiler."""
    global _interpreting
    before, _interpreting = _interpreting, True
    try:
        yield
    finally:
        _interpreting = before


class _Handle:
    """What stands for a compiled function in Python: ``py_func`` is its source; numba sees the dispatcher, made when it asks
    for it: a program from the cache asks for none of its parts.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function

    @functools.cached_property
    def inner(self) -> Any:
        return _part(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        return self.inner._numba_type_

    def __call__(self, *args: Any, **kws: Any) -> Any:
        name = f"{self.py_func.__module__}.{self.py_func.__qualname__}"
        message = f"{name} is called by compiled code only; call jit.plain({self.py_func.__name__}) from Python"
        raise TypeError(message)


class _Entrance(_Handle):
    """The same for what Python calls, too: ``outer`` is the program for Python, ``inner`` a part of other programs."""

    @functools.cached_property
    def outer(self) -> Any:
        return _program(self.py_func)

    def __call__(self, *args: Any, **kws: Any) -> Any:
        return (plain(self) if _interpreting else self.outer)(*args, **kws)


_OPTIONS = {"error_model": "numpy", "nogil": True}
_LINKED = ("0.68.",)  # versions of numba whose compiler ``link`` knows; others compile plainly, and take longer


def _linked() -> bool:
    import numba

    return bool(numba.__version__.startswith(_LINKED))


def _compiles() -> bool:
    global _used
    _used = True
    return enabled


def entrance(function: F) -> F:
    """Compile a function that Python calls: numba without fastmath, numpy's division, no GIL, kept in the cache."""
    if not _compiles():
        return function
    if not _linked():
        from numba import njit

        return njit(cache=True, **_OPTIONS)(function)  # type: ignore[no-any-return]
    return cast("F", _Entrance(function))


def compiled(function: F) -> F:
    """Compile a function that only compiled code calls: no wrapper for Python, no machine code of its own.

    ``plain`` gives the Python function back to tests.
    """
    if not _compiles():
        return function
    return cast("F", _Handle(function))


def _part(function: Callable[..., Any]) -> Any:
    """The dispatcher of a function that only compiled code calls."""
    if not _linked():
        from numba import njit

        return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    from hedgerow import link

    return link.part(function, **_OPTIONS)


def _program(function: Callable[..., Any]) -> Any:
    """The dispatcher of a function that Python calls, kept in the cache."""
    from hedgerow import link

    program = link.program(function, cache=True, **_OPTIONS)
    # numba would look through all installed packages for extensions of it before its first program: none has a part in ours
    program._compilation_chain_init_hook = lambda: None
    return program


_PLAIN: dict[Any, Any] = {}


def plain(function: F) -> F:
    """The interpreted form of a compiled function and of everything that it calls: what Python, a debugger or a test may
    enter (the function itself when nothing is compiled).
    """
    source: Any = getattr(function, "py_func", None)
    if source is None:
        return function
    if source not in _PLAIN:
        names: dict[str, Any] = {}
        _PLAIN[source] = FunctionType(source.__code__, names, source.__name__, source.__defaults__, source.__closure__)
        for name, value in source.__globals__.items():
            names[name] = plain(value) if hasattr(value, "py_func") else value
    found: F = _PLAIN[source]
    return found
