"""The tree is tidy, and every check of it can fail."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tidy import checks

Check = Callable[[Path], list[str]]
HOUSE = "/ho" + "me/someone"
SHOP = "https://py" + "pi.org/project"
NOTE = "# TO" + "DO"
LONG = "\n".join(f"    x{i} = {i}" for i in range(61))
STORY = "\n".join(f"    line {i}" for i in range(80))


def compiled(body: str, imports: str = "import numpy as np") -> str:
    """Write a module with one function that the compiler sees; its body stands on line 4."""
    return f"{imports}\n@compiled\ndef f(x):\n    return {body}\n"


# check, file, text of the file, line that must be named
PLANTS = (
    (checks.modules_are_short, "src/hedgerow/signals/long.py", "x = 1\n" * 401, 401),
    (checks.functions_are_short, "src/hedgerow/signals/rsi.py", f"x = 1\n\ndef rsi():\n{LONG}\n", 3),
    (checks.names_say_something, "src/hedgerow/ledger/lot_utils.py", "", 1),
    (checks.names_say_something, "src/hedgerow/common/lots.py", "", 1),
    (checks.names_say_something, "src/hedgerow/ledger/lots.py", "class LotManager:\n    pass\n", 1),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/model/a.py", "import time\nx = time.time()\n", 2),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/model/b.py", "import time as t\nx = t.perf_counter_ns()\n", 2),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/model/c.py", "from time import monotonic\nx = monotonic()\n", 2),
    (
        checks.clocks_stay_at_the_edge,
        "src/hedgerow/engine/e.py",
        "from datetime import datetime\nx = datetime.now\n",
        2,
    ),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/store/e.py", "import datetime as d\nx = d.date.today()\n", 2),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/units.py", "import numpy as np\nx = np.datetime64('now')\n", 2),
    (checks.kernel_has_no_powers, "src/hedgerow/kernel/a.py", "def f(x):\n    return x**2\n", 2),
    (checks.kernel_has_no_powers, "src/hedgerow/kernel/b.py", "def f(x):\n    x **= 0.5\n", 2),
    (checks.kernel_has_no_powers, "src/hedgerow/kernel/c.py", "import numpy as np\nx = np.power(2.0, 3.0)\n", 2),
    (checks.kernel_has_no_powers, "src/hedgerow/kernel/d.py", "from math import pow\nx = pow(2.0, 3.0)\n", 2),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/a.py", compiled("np.sum(x)"), 4),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/b.py", compiled("x[0].mean()"), 4),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/c.py", compiled("(x + x).std()"), 4),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/d.py", compiled("sum(x)"), 4),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/e.py", compiled("x @ x"), 4),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/f.py", compiled("norm(x)", "from numpy.linalg import norm"), 4),
    (checks.kernel_rounds_as_the_c_library, "src/hedgerow/kernel/a.py", compiled("np.tanh(x)"), 4),
    (checks.kernel_rounds_as_the_c_library, "src/hedgerow/kernel/b.py", compiled("log(x)", "from numpy import log"), 4),
    (checks.source_is_finished, "src/hedgerow/units.py", f"x = 1\n{NOTE}: round\n", 2),
    (checks.no_machine_is_named, "docs/index.md", f"one\nrun {HOUSE}/hedgerow\n", 2),
    (checks.no_registry_is_named, "locks/core.txt", f"--index-url {SHOP}\n", 1),
)

# check, file, text that is in order
FINE = (
    (checks.modules_are_short, "src/hedgerow/signals/long.py", "x = 1\n" * 400),
    (
        checks.functions_are_short,
        "src/hedgerow/signals/rsi.py",
        f'def rsi():\n    """Tell.\n{STORY}\n    """\n    x = 1\n',
    ),
    (checks.names_say_something, "src/hedgerow/ledger/basis.py", "class Database:\n    pass\n"),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/faces/cli.py", "import time\nx = time.time()\n"),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/wire/__init__.py", "import time\nx = time.time()\n"),
    (checks.clocks_stay_at_the_edge, "src/hedgerow/model/a.py", "def time(event):\n    return event.time.now\n"),
    (checks.kernel_has_no_powers, "src/hedgerow/signals/a.py", "def f(x):\n    return x**2\n"),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/a.py", compiled("min(math.sqrt(x), x)", "import math")),
    (checks.kernel_adds_in_loops, "src/hedgerow/kernel/b.py", "def pack(rows):\n    return sum(rows)\n"),
    (checks.kernel_adds_in_loops, "src/hedgerow/ledger/a.py", compiled("np.sum(x)")),
    (checks.kernel_rounds_as_the_c_library, "src/hedgerow/kernel/a.py", compiled("np.sqrt(x)")),
    (checks.source_is_finished, "docs/index.md", f"{NOTE}\n"),
    (checks.no_registry_is_named, "docs/index.md", "a simple/plain page\n"),
    (
        checks.no_machine_is_named,
        "docs/index.md",
        "see ../home/ and the work/home balance; ~/home/x; HTTP /api/home/\n",
    ),
)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_tree(check: Check) -> None:
    found = check(ROOT)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("number", range(len(PLANTS)), ids=lambda n: f"{PLANTS[n][0].__name__}-{n}")
def test_check_finds_what_is_planted(number: int, tmp_path: Path) -> None:
    check, name, text, line = PLANTS[number]
    plant(tmp_path, name, text)
    found = check(tmp_path)
    assert len(found) == 1, found
    assert re.match(rf"{re.escape(name)}:{line}: .+; .+", found[0])


@pytest.mark.parametrize("number", range(len(FINE)), ids=lambda n: f"{FINE[n][0].__name__}-{n}")
def test_check_leaves_alone_what_is_in_order(number: int, tmp_path: Path) -> None:
    check, name, text = FINE[number]
    plant(tmp_path, name, text)
    assert check(tmp_path) == []


def test_every_check_is_planted_and_spared() -> None:
    assert {check for check, *_ in PLANTS} == {check for check, *_ in FINE} == set(checks.CHECKS)


def test_only_tracked_files_are_read(tmp_path: Path) -> None:
    plant(tmp_path, "kept.md", HOUSE)
    plant(tmp_path, "not_kept.md", HOUSE)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "kept.md"], check=True)
    assert [path.name for path in checks.tracked(tmp_path)] == ["kept.md"]


def plant(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
