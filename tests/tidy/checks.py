"""What keeps the tree tidy, as functions over a root folder: each returns one line per finding, with place and fix."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60  # without its docstring

VAGUE = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

CLOCKS = {
    *(f"time.{name}{ns}" for name in ("time", "monotonic", "perf_counter", "process_time") for ns in ("", "_ns")),
    *("time.localtime", "time.gmtime", "time.ctime", "time.strftime", "time.sleep"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
MAY_SEE_A_CLOCK = ("faces/", "wire/", "engine/drive.py", "research/")

POWERS = {"pow", "math.pow", "numpy.power", "numpy.float_power", "numpy.square"}
SUMS = {"sum", "math.fsum", "math.sumprod"}
REDUCTIONS = {"sum", "nansum", "mean", "nanmean", "average", "std", "nanstd", "var", "nanvar", "prod", "nanprod"}
REDUCTIONS |= {"dot", "vdot", "inner", "matmul", "einsum", "trapezoid", "linalg"}
ROUNDED_BY_NUMPY = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos"}
ROUNDED_BY_NUMPY |= {"arctan", "arctan2", "sinh", "cosh", "tanh", "cbrt", "hypot"}

# Written in halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
MACHINE = re.compile(r"(?<![\w.~-])/(?:" + "|".join(("wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers")) + ")/")
REGISTRY = re.compile("|".join((r"pypi\." + "org", "python" + "hosted", r"registry\." + "npm", "/sim" + "ple/")))

Imports = dict[str, str]  # local name -> the full name that it stands for
Rule = Callable[[ast.AST, Imports], str]  # the finding's sentence, or nothing


def modules_are_short(root: Path) -> list[str]:
    """Find modules over ``LONGEST_MODULE`` lines."""
    lengths = ((path, len(path.read_text().splitlines())) for path in _modules(root))
    return [
        f"{path.relative_to(root)}:{LONGEST_MODULE + 1}: {length} lines; make two rooms of it, {LONGEST_MODULE} at most"
        for path, length in lengths
        if length > LONGEST_MODULE
    ]


def functions_are_short(root: Path) -> list[str]:
    """Find functions over ``LONGEST_FUNCTION`` lines, their docstring not counted."""

    def rule(node: ast.AST, imports: Imports) -> str:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return ""
        length = _lines(node) - (_lines(node.body[0]) if ast.get_docstring(node) is not None else 0)
        fix = f"give a part of it a name of its own, {LONGEST_FUNCTION} at most"
        return f"{node.name} has {length} lines; {fix}" if length > LONGEST_FUNCTION else ""

    return _search(root, rule)


def names_say_something(root: Path) -> list[str]:
    """Find modules, packages and classes whose name could hold anything."""

    def rule(node: ast.AST, imports: Imports) -> str:
        words = re.findall("[A-Z][a-z]*", node.name) if isinstance(node, ast.ClassDef) else ()
        return _vague(words) and f"class {_vague(words)}; name the noun of the field"

    found = []
    for path in _modules(root):
        name = path.relative_to(root / "src").with_suffix("").as_posix()
        if word := _vague(re.split("[/_]", name)):
            found.append(f"{path.relative_to(root)}:1: '{word}' says nothing; name the noun or verb of the field")
    return found + _search(root, rule)


def clocks_stay_at_the_edge(root: Path) -> list[str]:
    """Find reads of the wall clock where now must be the time of the last event."""

    def rule(node: ast.AST, imports: Imports) -> str:
        name = _full_name(node, imports)
        if isinstance(node, ast.Call) and _full_name(node.func, imports) == "numpy.datetime64":
            name = "datetime.datetime.now" if "'now'" in ast.unparse(node) or "'today'" in ast.unparse(node) else ""
        return f"{name}; take the time of the event as an argument" if name in CLOCKS else ""

    edge = tuple(f"src/hedgerow/{place}" for place in MAY_SEE_A_CLOCK)
    return [line for line in _search(root, rule) if not line.startswith(edge)]


def kernel_has_no_powers(root: Path) -> list[str]:
    """Find powers in the kernel: compiled and interpreted, they differ in the last bit."""

    def rule(node: ast.AST, imports: Imports) -> str:
        operator = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow)
        call = isinstance(node, ast.Call) and _full_name(node.func, imports) in POWERS
        return "a power; write x * x or sqrt(x)" if operator or call else ""

    return _search(root, rule, "kernel")


def kernel_adds_in_loops(root: Path) -> list[str]:
    """Find reductions in what the kernel compiles: there they add in another order than interpreted."""

    def rule(node: ast.AST, imports: Imports) -> str:
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            return "a @ b; add in an explicit loop"
        if not isinstance(node, ast.Call):
            return ""
        name = _full_name(node.func, imports)
        of_array = isinstance(node.func, ast.Attribute) or name.startswith("numpy.")
        reduces = name in SUMS or (of_array and not REDUCTIONS.isdisjoint(name.split(".")))
        return f"{name.lstrip('.')}(); add in an explicit loop" if reduces else ""

    return _search(root, rule, "kernel", _compiled)


def kernel_rounds_as_the_c_library(root: Path) -> list[str]:
    """Find numpy's own exp, log and their like in what the kernel compiles: there they become the C library's."""

    def rule(node: ast.AST, imports: Imports) -> str:
        module, _, name = _full_name(node, imports).rpartition(".")
        wrong = module == "numpy" and name in ROUNDED_BY_NUMPY
        return f"numpy.{name}; write math.{name.replace('arc', 'a')}, the same bits either way" if wrong else ""

    return _search(root, rule, "kernel", _compiled)


def source_is_finished(root: Path) -> list[str]:
    """Find notes of unfinished work in the source."""
    return _matches(root, _modules(root), UNFINISHED, "an unfinished thought; finish it or open an issue")


def no_machine_is_named(root: Path) -> list[str]:
    """Find paths of one machine in any tracked file."""
    return _matches(root, tracked(root), MACHINE, "a path of one machine; make it relative")


def no_registry_is_named(root: Path) -> list[str]:
    """Find addresses of package registries in any tracked file."""
    return _matches(root, tracked(root), REGISTRY, "an address of a registry; take it out")


CHECKS = (
    modules_are_short,
    functions_are_short,
    names_say_something,
    clocks_stay_at_the_edge,
    kernel_has_no_powers,
    kernel_adds_in_loops,
    kernel_rounds_as_the_c_library,
    source_is_finished,
    no_machine_is_named,
    no_registry_is_named,
)


def tracked(root: Path) -> list[Path]:
    """List the files that git keeps under ``root``; outside a repository, all files that are not hidden."""
    asked = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return [path for name in asked.stdout.split("\0") if name and (path := root / name).is_file()]
    paths = (path for path in root.rglob("*") if path.is_file())
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def _modules(root: Path, room: str = "") -> list[Path]:
    return sorted((root / "src" / "hedgerow" / room).rglob("*.py"))


def _search(
    root: Path, rule: Rule, room: str = "", part: Callable[[ast.Module], Iterator[ast.AST]] = ast.walk
) -> list[str]:
    """Hold every node of every module, or of a part of it, against a rule."""
    found = []
    for path in _modules(root, room):
        tree, imports = _parsed(path.read_text())
        for node in part(tree):
            if sentence := rule(node, imports):
                found.append(f"{path.relative_to(root)}:{getattr(node, 'lineno', 1)}: {sentence}")
    return found


@functools.cache  # the checks read the same modules, and change nothing of them
def _parsed(text: str) -> tuple[ast.Module, Imports]:
    tree = ast.parse(text)
    return tree, dict(_imports(tree))


def _compiled(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk the functions that the compiler sees."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any("compiled" in ast.unparse(each) for each in node.decorator_list):
            yield from ast.walk(node)


def _matches(root: Path, paths: list[Path], pattern: re.Pattern[str], sentence: str) -> list[str]:
    """Hold every line of every text file against a pattern."""
    found = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(lines, start=1):
            found += [f"{path.relative_to(root)}:{number}: '{hit}' is {sentence}" for hit in pattern.findall(line)]
    return found


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _vague(words: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return next((word for word in words if word.lower() in VAGUE), "")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _full_name(node: ast.AST, imports: Imports) -> str:
    """Return the full name that ``np.sum`` or ``now`` stands for; only ``.sum`` where its owner has no name."""
    if isinstance(node, ast.Name):
        return imports.get(node.id, node.id)
    return f"{_full_name(node.value, imports)}.{node.attr}" if isinstance(node, ast.Attribute) else ""
