"""What every command prints with: numbers, lines, tables, progress, JSON, and the path that stands alone at the end.

Results go to standard output, progress and errors to standard error. Tables are drawn for a terminal and are plain
columns, uncoloured and unwrapped, everywhere else. rich is imported when something is drawn on a terminal.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hedgerow.errors import StoreError
from hedgerow.faces import numerals

if TYPE_CHECKING:
    from rich.console import Console

STDOUT: Final = "-"  # the FILE of --json that is no file
NONE: Final = "-"
GUTTER: Final = 3  # columns between two cells of a table on a terminal
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Tell: TypeAlias = Callable[[str], None]

# ------------------------------------------------------------------------------------------------------------- numbers


def money(value: object, *, sign: bool = False) -> str:
    """1234567.8 -> 1,234,568; cents below 1,000; - where it is not known."""
    return typed(numerals.money(value, sign=sign))


def percent(value: object, digits: int = 1, *, sign: bool = False) -> str:
    """0.385 -> 38.5 %."""
    return typed(numerals.percent(value, digits, sign=sign))


def number(value: object, digits: int = 2, *, sign: bool = False) -> str:
    """1234.5 -> 1,234.50."""
    return typed(numerals.fixed(value, digits, sign=sign))


def figure(value: object, digits: int = 6) -> str:
    """So many significant digits and no more than it needs: prices of any size, amounts of coins."""
    known = numerals.known(value)
    if known is None:
        return NONE
    short = f"{known:,.{digits}g}"
    return f"{Decimal(f'{known:.{digits}g}'):,f}" if "e" in short else short


def counted(count: int, one: str, many: str = "") -> str:
    """``1 error``, ``2 errors``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def typed(text: str) -> str:
    """As typed on a keyboard: the report's typography is for paper, not for grep."""
    return text.replace(numerals.MINUS, "-").replace(numerals.SPACE, " ").replace(numerals.NONE, NONE)


# ------------------------------------------------------------------------------------------------------ lines, tables


def say(line: str = "", *, style: str = "") -> None:
    """One paragraph; a terminal wraps it between words and may show a ``style`` of rich, such as bold."""
    if sys.stdout.isatty():
        _console().print(clean(line), style=style or None)
    else:
        sys.stdout.write(f"{clean(line)}\n")


def heading(line: str) -> None:
    """A line that begins a section, with a blank one before it."""
    say()
    say(line, style="bold")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()) -> None:
    """Rows under ``heads``; the columns named in ``right`` are aligned to the right. Nothing where there is no row."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return
    if sys.stdout.isatty():
        _draw(heads, cells, right)
        return
    lines = [list(heads), *([cell.replace("\n", " ") for cell in row] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        shown = (c.rjust(w) if h in right else c.ljust(w) for c, w, h in zip(line, widths, heads, strict=True))
        sys.stdout.write("  ".join(shown).rstrip() + "\n")


def _draw(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str]) -> None:
    """A ruled table; where its columns would have to break words, each row as a list of its cells."""
    from rich import box
    from rich.table import Table

    console = _console()
    longest = [  # words may not be broken, and numbers not even from their units
        max(
            len(word)
            for cell in column
            for word in (cell.splitlines() or [""] if column[0] in right else cell.split()) or [""]
        )
        for column in zip(heads, *rows, strict=True)
    ]
    if sum(longest) + GUTTER * (len(heads) - 1) > console.width:
        for row in rows:
            say(row[0], style="bold")
            told = [
                (f"  {head}", cell) for head, cell in zip(heads[1:], row[1:], strict=True) if cell not in ("", NONE)
            ]
            _draw(("", " "), told, ())
        return
    headed = any(head.strip() for head in heads)
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", show_header=headed)
    for head, width in zip(heads, longest, strict=True):
        number = head in right
        drawn.add_column(head, justify="right" if number else "left", overflow="fold", min_width=width, no_wrap=number)
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn)


def print_path(path: Path) -> None:
    """A path that the user may want to open: plain, alone on its line, and the last thing that is printed."""
    sys.stdout.write(f"{path}\n")


def flush() -> None:
    """Let the reader have what was printed so far, also through a pipe: the rest takes a while.

    A reader that has gone is no reason not to do the rest: files may be written still.
    """
    with suppress(BrokenPipeError):
        sys.stdout.flush()


def clean(text: str) -> str:
    """Text of a file or a venue without the control characters that could steer a terminal."""
    return _CONTROL.sub("?", text)


def _console() -> Console:
    from rich.console import Console

    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


# ------------------------------------------------------------------------------------------------------------ progress


@contextmanager
def working(what: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Tell]:
    """Show on a terminal that ``what`` is being done: a bar of ``total`` steps, a spinner where that is not known.

    The function that it gives is told the name of each step as it starts. Nothing is shown without a terminal, or if
    ``quiet``.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    bar: list[ProgressColumn] = [BarColumn(bar_width=30), MofNCompleteColumn()] if total else []
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), *bar, Elapsed()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        begun = 0

        def tell(name: str) -> None:
            nonlocal begun
            progress.update(task, description=clean(f"{what}: {name}"), completed=begun)
            begun += 1

        yield tell


@contextmanager
def counting(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """``working`` for many equal steps: a bar of ``total`` with the rate and the time left.

    The function that it gives is told how many are done. Nothing is shown without a terminal, or if ``quiet``.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn(clean(what), markup=False), BarColumn(bar_width=30), MofNCompleteColumn(), rate, Elapsed())
    left = (TextColumn("left", markup=False), TimeRemainingColumn(elapsed_when_finished=False))
    with Progress(*columns, *left, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, rate="")

        def tell(done: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, rate=f"{speed:,.1f}/s" if speed else "")

        yield tell


def always(tell: Tell) -> Tell:
    """``tell`` for what a person waits for long: without a terminal it is a line on standard error."""
    return tell if sys.stderr.isatty() else lambda name: print(f"{name}...", file=sys.stderr)


# ---------------------------------------------------------------------------------------------------------------- JSON


def plain(value: Any) -> Any:
    """Records, arrays, days, paths and decimals as JSON has them; a float that is not finite becomes null."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (Path, Decimal)):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(inner) for key, inner in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    for turn in ("model_dump", "tolist"):  # pydantic, numpy
        if hasattr(value, turn):
            return plain(getattr(value, turn)())
    if isinstance(value, (Sequence, set, frozenset)):
        return [plain(inner) for inner in value]
    raise TypeError(f"no JSON for {type(value).__name__}")


def write_json(record: Any, target: Path) -> None:
    """Write a record to a file, whole or not at all, or to standard output for ``-``. Raises StoreError."""
    text = json.dumps(plain(record), allow_nan=False, ensure_ascii=False, indent=1) + "\n"
    if str(target) == STDOUT:
        sys.stdout.write(text)
    else:
        write_whole(target, text, "JSON")


def write_whole(path: Path, text: str, what: str) -> Path:
    """Write a file, whole or not at all (its folder is made), and return it; an error says ``what``. Raises StoreError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: the {what} cannot be written: {error.strerror or error}") from error
    return path


def emit(record: Any, target: Path | None, show: Callable[[], None]) -> None:
    """Hand over a command's result: ``show`` prints it, ``target`` gets it as JSON; with ``-`` nothing but JSON."""
    if target is not None:  # before anything is shown: a reader that leaves (| head) takes nothing with him
        write_json(record, target)
        if str(target) == STDOUT:
            return
    show()
    if target is not None:
        print_path(target)


def _key(key: Any) -> str:
    turned = plain(key)
    return turned if isinstance(turned, str) else str(turned)
