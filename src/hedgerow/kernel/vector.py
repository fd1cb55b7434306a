"""What numba must know to compile ``kernel.lanes``: a type of ``LANES`` numbers in registers, and one of as many truths.

Operators and words become single instructions of LLVM, which splits them into what the processor has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, overload, register_model

from hedgerow.kernel.lanes import LANES, load, nought, some, store, where

number, bit, index = ir.DoubleType(), ir.IntType(1), ir.IntType(32)


class Lanes(types.Type):  # type: ignore[misc]
    """The type of lanes of numbers, or of truths (``mask``)."""

    def __init__(self, mask: bool) -> None:
        self.mask = mask
        super().__init__(name="lanes of truth" if mask else "lanes")


lanes, truth = Lanes(False), Lanes(True)


@register_model(Lanes)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(bit if kind.mask else number, LANES))


def spread(builder: Any, value: Any, kind: Any) -> Any:
    """A number in every lane."""
    if isinstance(kind, Lanes):
        return value
    if isinstance(kind, types.Integer):
        value = builder.sitofp(value, number)
    empty = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(index, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))


def learn(symbol: Any, result: Any, emit: Callable[[Any, list[Any]], Any], of: Any, count: int) -> None:
    """Teach numba an operator of ``count`` operands, lanes ``of`` numbers (plain ones among them) or of truths: its
    ``result``, and ``emit(builder, operands)``, its instruction.
    """

    class Template(AbstractTemplate):  # type: ignore[misc]
        key = symbol

        def generic(self, args: Any, kws: Any) -> Any:
            known = all(arg == of or (of is lanes and isinstance(arg, types.Number)) for arg in args)
            if len(args) == count and of in args and known:
                return signature(result, *args)
            return None

    infer_global(symbol)(Template)

    def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, [spread(builder, arg, kind) for arg, kind in zip(args, sig.args, strict=True)])

    plain = (types.Float, types.Integer) if count == 2 and of is lanes else ()
    for pair in [(Lanes,) * count, *((Lanes, one) for one in plain), *((one, Lanes) for one in plain)]:
        lower_builtin(symbol, *pair)(lowered)


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

for _name, _symbols in ARITHMETIC.items():
    for _symbol in _symbols:
        learn(_symbol, lanes, build(_name), lanes, 2)
for _sign, _symbol in COMPARISONS.items():
    learn(_symbol, truth, compare(_sign), lanes, 2)
for _name, _symbols in LOGIC.items():
    for _symbol in _symbols:
        learn(_symbol, truth, build(_name), truth, 2)
learn(operator.neg, lanes, build("fneg"), lanes, 1)
learn(abs, lanes, magnitude, lanes, 1)


def place(context: Any, builder: Any, kind: Any, block: Any, row: Any) -> Any:
    """The address of a row of a block [N, LANES]."""
    array = context.make_array(kind)(context, builder, block)
    start = builder.gep(array.data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(start, ir.VectorType(number, LANES).as_pointer())


@intrinsic
def load_lanes(context: Any, block: Any, row: Any) -> Any:
    """A row of a block [N, LANES], in registers."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        found = builder.load(place(context, builder, sig.args[0], args[0], args[1]), typ=ir.VectorType(number, LANES))
        found.align = 8
        return found

    return lanes(block, types.intp), emit


@intrinsic
def store_lanes(context: Any, block: Any, row: Any, value: Any) -> Any:
    """Write a row of a block [N, LANES]."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        done = builder.store(
            spread(builder, args[2], sig.args[2]), place(context, builder, sig.args[0], args[0], args[1])
        )
        done.align = 8
        return context.get_dummy_value()

    return types.void(block, types.intp, value), emit


@intrinsic
def no_lanes(context: Any, block: Any) -> Any:
    """0 in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(ir.VectorType(number, LANES), [0.0] * LANES)

    return lanes(block), emit


@intrinsic
def choose(context: Any, mask: Any, yes: Any, no: Any) -> Any:
    """One of two in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        both = (spread(builder, arg, kind) for arg, kind in zip(args[1:], sig.args[1:], strict=True))
        return builder.select(args[0], *both)

    return lanes(mask, yes, no), emit


@intrinsic
def some_lane(context: Any, mask: Any) -> Any:
    """Whether a truth holds in any lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        packed = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", packed, ir.Constant(packed.type, 0))

    return types.boolean(mask), emit


@overload(load, strict=False)
def _load(block: Any, row: Any) -> Any:
    def several(block: Any, row: Any) -> Any:
        return load_lanes(block, row)

    def single(block: Any, row: Any) -> Any:
        return block[row]

    return several if block.ndim == 2 else single


@overload(store, strict=False)
def _store(block: Any, row: Any, value: Any) -> Any:
    def several(block: Any, row: Any, value: Any) -> Any:
        return store_lanes(block, row, value)

    def single(block: Any, row: Any, value: Any) -> None:
        block[row] = value

    return several if block.ndim == 2 else single


@overload(nought, strict=False)
def _nought(block: Any) -> Any:
    def several(block: Any) -> Any:
        return no_lanes(block)

    def single(block: Any) -> Any:
        return 0.0

    return several if block.ndim == 2 else single


@overload(where, strict=False)
def _where(mask: Any, yes: Any, no: Any) -> Any:
    def several(mask: Any, yes: Any, no: Any) -> Any:
        return choose(mask, yes, no)

    def single(mask: Any, yes: Any, no: Any) -> Any:
        return yes if mask else no

    return several if isinstance(mask, Lanes) else single


@overload(some, strict=False)
def _some(mask: Any) -> Any:
    def several(mask: Any) -> Any:
        return some_lane(mask)

    def single(mask: Any) -> Any:
        return mask

    return several if isinstance(mask, Lanes) else single
