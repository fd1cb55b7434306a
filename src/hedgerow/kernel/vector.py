"""What numba must know to compile ``kernel.lanes``: a type of ``LANES`` numbers in registers, and one of as many truths.

Operators and words become single instructions of LLVM, which splits them into what the processor has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import infer_global, make_concrete_template, signature
from numba.extending import intrinsic, lower_builtin, overload, register_model

from hedgerow.kernel.lanes import LANES, load, nought, some, store, where

number, bit, index = ir.DoubleType(), ir.IntType(1), ir.IntType(32)


class Lanes(types.Type):  # type: ignore[misc]
    """The type of lanes of numbers, or of truths (``mask``)."""

    def __init__(self, mask: bool) -> None:
        self.mask = mask
        super().__init__(name="lanes of truth" if mask else "lanes")


lanes, truth = Lanes(False), Lanes(True)


def _model(manager: Any, kind: Any) -> Any:
    """How lanes are kept: in one vector."""
    return models.PrimitiveModel(manager, kind, ir.VectorType(bit if kind.mask else number, LANES))


register_model(Lanes)(_model)


def spread(builder: Any, value: Any, kind: Any) -> Any:
    """A number in every lane."""
    if isinstance(kind, Lanes):
        return value
    empty = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(index, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))


def learn(symbol: Any, result: Any, emit: Callable[[Any, list[Any]], Any], cases: Sequence[tuple[Any, ...]]) -> None:
    """Teach numba an operator: the types of its operands, its ``result``, and ``emit(builder, operands)``, its instruction."""
    signatures = [signature(result, *case) for case in cases]
    infer_global(symbol)(make_concrete_template("Lanes", symbol, signatures))

    def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, [spread(builder, arg, kind) for arg, kind in zip(args, sig.args, strict=True)])

    for case in cases:
        lower_builtin(symbol, *case)(lowered)


def build(name: str) -> Callable[[Any, list[Any]], Any]:
    """An instruction of two numbers or truths, by its name in llvmlite."""
    return lambda builder, args: getattr(builder, name)(*args)


def compare(sign: str) -> Callable[[Any, list[Any]], Any]:
    """A comparison; nothing is true of nan."""
    return lambda builder, args: builder.fcmp_ordered(sign, *args)


def magnitude(builder: Any, args: list[Any]) -> Any:
    """The value without its sign."""
    kind = args[0].type
    name = f"llvm.fabs.v{LANES}f64"
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name), args)


ARITHMETIC = {
    "fadd": (operator.add, operator.iadd), "fsub": (operator.sub, operator.isub),
    "fmul": (operator.mul, operator.imul), "fdiv": (operator.truediv, operator.itruediv),
}  # fmt: skip
COMPARISONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}  # of nan: false, as in Python
LOGIC = {"or_": (operator.or_, operator.ior), "and_": (operator.and_, operator.iand)}

NUMBERS = ((lanes, lanes), (lanes, types.float64), (types.float64, lanes))

for _name, _symbols in ARITHMETIC.items():
    for _symbol in _symbols:
        learn(_symbol, lanes, build(_name), NUMBERS)
for _sign, _symbol in COMPARISONS.items():
    learn(_symbol, truth, compare(_sign), NUMBERS)
for _name, _symbols in LOGIC.items():
    for _symbol in _symbols:
        learn(_symbol, truth, build(_name), ((truth, truth),))
learn(operator.neg, lanes, build("fneg"), ((lanes,),))
learn(abs, lanes, magnitude, ((lanes,),))


def place(context: Any, builder: Any, kind: Any, block: Any, row: Any) -> Any:
    """The address of a row of a block [N, LANES]."""
    array = context.make_array(kind)(context, builder, block)
    start = builder.gep(array.data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(start, ir.VectorType(number, LANES).as_pointer())


def _load_lanes(context: Any, block: Any, row: Any) -> Any:
    """A row of a block [N, LANES], in registers."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        found = builder.load(place(context, builder, sig.args[0], args[0], args[1]), typ=ir.VectorType(number, LANES))
        found.align = 8
        return found

    return lanes(block, types.intp), emit


def _store_lanes(context: Any, block: Any, row: Any, value: Any) -> Any:
    """Write a row of a block [N, LANES]."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        done = builder.store(
            spread(builder, args[2], sig.args[2]), place(context, builder, sig.args[0], args[0], args[1])
        )
        done.align = 8
        return context.get_dummy_value()

    return types.void(block, types.intp, value), emit


def _no_lanes(context: Any, block: Any) -> Any:
    """0 in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(ir.VectorType(number, LANES), [0.0] * LANES)

    return lanes(block), emit


def _choose(context: Any, mask: Any, yes: Any, no: Any) -> Any:
    """One of two in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        both = (spread(builder, arg, kind) for arg, kind in zip(args[1:], sig.args[1:], strict=True))
        return builder.select(args[0], *both)

    return lanes(mask, yes, no), emit


def _some_lane(context: Any, mask: Any) -> Any:
    """Whether a truth holds in any lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        packed = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", packed, ir.Constant(packed.type, 0))

    return types.boolean(mask), emit


load_lanes, store_lanes, no_lanes, choose, some_lane = map(
    intrinsic, (_load_lanes, _store_lanes, _no_lanes, _choose, _some_lane)
)


def _load(block: Any, row: Any) -> Any:
    def several(block: Any, row: Any) -> Any:
        return load_lanes(block, row)

    def single(block: Any, row: Any) -> Any:
        return block[row]

    return several if block.ndim == 2 else single


def _store(block: Any, row: Any, value: Any) -> Any:
    def several(block: Any, row: Any, value: Any) -> Any:
        return store_lanes(block, row, value)

    def single(block: Any, row: Any, value: Any) -> None:
        block[row] = value

    return several if block.ndim == 2 else single


def _nought(block: Any) -> Any:
    def several(block: Any) -> Any:
        return no_lanes(block)

    def single(block: Any) -> Any:
        return 0.0

    return several if block.ndim == 2 else single


def _where(mask: Any, yes: Any, no: Any) -> Any:
    def several(mask: Any, yes: Any, no: Any) -> Any:
        return choose(mask, yes, no)

    def single(mask: Any, yes: Any, no: Any) -> Any:
        return yes if mask else no

    return several if isinstance(mask, Lanes) else single


def _some(mask: Any) -> Any:
    def several(mask: Any) -> Any:
        return some_lane(mask)

    def single(mask: Any) -> Any:
        return mask

    return several if isinstance(mask, Lanes) else single


for _word, _way in ((load, _load), (store, _store), (nought, _nought), (where, _where), (some, _some)):
    overload(_word, strict=False)(_way)
