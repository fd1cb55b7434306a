"""The compiler: what Python may call, one program of many parts, plain numba where numba is not the known one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hedgerow import jit
from hedgerow.kernel.fill import one_way_cost
from hedgerow.kernel.regime import count_bits

COMPILED = pytest.mark.skipif(not jit.enabled, reason="nothing is compiled")

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from hedgerow import jit
jit._LINKED = ("0.68.",) if sys.argv[2] == "linked" else ()
jit.prepare(Path(sys.argv[1]))
from hedgerow.signals import covariance
returns = np.random.default_rng(7).normal(0.0, 0.02, (250, 3))
for shrink in (covariance.shrink_to_identity, covariance.shrink_to_constant_correlation):
    matrix, intensity = shrink(returns)
    print(matrix.tobytes().hex(), float(intensity).hex())
print(covariance.sample_covariance(returns).tobytes().hex())
"""


@COMPILED
def test_a_part_called_from_python_says_so_instead_of_crashing():
    with pytest.raises(TypeError, match=r"kernel\.regime\.count_bits is called by compiled code only"):
        count_bits(5)
    assert jit.plain(count_bits)(5) == 2
    assert one_way_cost.__doc__ == jit.plain(one_way_cost).__doc__


@COMPILED
def test_an_entrance_is_called_from_python_and_by_another_entrance():
    from hedgerow.signals import covariance

    returns = np.random.default_rng(3).normal(0.0, 0.02, (60, 2))
    expected = jit.plain(covariance.sample_covariance)(returns)
    assert covariance.sample_covariance(returns).tobytes() == expected.tobytes()
    assert covariance.shrink_to_identity(returns)[0].shape == (2, 2)


@COMPILED
def test_meanwhile_entrances_are_interpreted_to_the_same_bits(monkeypatch):
    from hedgerow.signals import covariance

    returns = np.random.default_rng(3).normal(0.0, 0.02, (60, 2))
    compiled = covariance.sample_covariance(returns)
    if hasattr(covariance.sample_covariance, "outer"):  # one program of many parts
        monkeypatch.setattr(covariance.sample_covariance, "outer", None)
    with jit.interpreted():
        assert covariance.sample_covariance(returns).tobytes() == compiled.tobytes()


# then: whether what only compiling needs was imported, and something new, with linear algebra where scipy is there
AFTER = PROGRAM + (
    "idle = ('numba.typed.typedlist', 'scipy.linalg')\n"
    "print([name in sys.modules for name in idle], 'inner' in vars(covariance.shrink_to_identity))\n"
    "import numba\n"
    "print(numba.njit(lambda rows: [len(row) for row in rows])(((1, 2), (3, 4))))\n"
    "try:\n"
    "    import scipy\n"
    "except ImportError:\n"
    "    print('2.0')\n"
    "else:\n"
    "    print(numba.njit(lambda row: np.dot(row, row))(np.ones(2)))\n"
)


def said(program: str, home: Path, how: str) -> list[str]:
    command = [sys.executable, "-c", program, str(home), how]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


class Compiled(NamedTuple):
    """A cache, what the process said that compiled into it, and what the next one said, which found it there."""

    home: Path
    cold: list[str]
    warm: list[str]


@pytest.fixture(scope="module")
def linked(tmp_path_factory) -> Compiled:
    home = tmp_path_factory.mktemp("linked")
    return Compiled(home, said(AFTER, home, "linked"), said(AFTER, home, "linked"))


@COMPILED
def test_linked_and_plain_compilation_give_the_same_bits(linked, tmp_path):
    plain = said(PROGRAM, tmp_path, "plain")
    assert len(plain) == 3
    assert linked.cold[:3] == plain
    assert linked.warm[:3] == plain


@COMPILED
def test_a_program_from_the_cache_needs_no_compiler_and_leaves_it_able_to_compile(linked):
    assert linked.cold[:-3] == linked.warm[:-3]
    if jit._linked():  # a numba that is not known loads as it always does
        assert linked.warm[-3] == "[False, False] False"
    assert linked.cold[-2:] == linked.warm[-2:] == ["[2, 2]", "2.0"]


@COMPILED
@pytest.mark.skipif(not jit._linked(), reason="a numba that is not known keeps what it always does")
def test_the_cache_keeps_of_a_program_its_machine_code_and_the_names_in_it(linked):
    """What it was made from takes longer to read than all the rest."""
    files = list(linked.home.rglob("*.nbc"))
    assert len(files) == 3
    for file in files:
        _, kind, (machine_code, names) = pickle.loads(file.read_bytes())[0]
        assert kind == "object"
        assert len(names) < 6_000 < len(machine_code)
