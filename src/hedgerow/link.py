"""Compile a program of many small numba functions as one: link their code first, optimise it once (decision 0014).

Plain numba optimises and assembles every function, and then once more in each of its callers. Here a function that only
compiled code calls stays unoptimised until an entrance takes it in, with all that it calls. The same instructions of
the same target are chosen from the same code, so results keep their bits.

This reaches into numba's compiler, so ``jit`` imports it only for the versions of numba that it was written for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from numba import _dynfunc, njit
from numba.core import codegen, compiler, ir, typed_passes, types
from numba.core.compiler_machinery import register_pass
from numba.core.targetconfig import ConfigStack
from numba.core.types.misc import unliteral
from numba.np import arrayobj

from hedgerow.memory import collector_paused

_NEVER_NEEDED = {"WithLifting", "InlineClosureLikes", "NopythonRewrites", "DeadBranchPrune", "LiteralUnroll"}
# of 3; with loops in vectors the kernel takes 8 % less time than at the first without, and as long to compile
_LEVEL = 3


class _Parts(codegen.JITCodeLibrary):  # type: ignore[misc]
    """Code that waits, unoptimised, to be linked into an entrance."""

    def add_llvm_module(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout
        self._final_module.link_in(ll_module)

    def add_linking_library(self, library: Any) -> None:
        """Take note of a library, after all that it calls."""
        if not isinstance(library, _Parts):
            library._ensure_finalized()
        for part in (*(library._linking_libraries if isinstance(library, _Parts) else ()), library):
            if part not in self._linking_libraries:
                self._linking_libraries.append(part)

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in self._linking_libraries:
            self._reload_init.update(library._reload_init)
        self._finalized = True


class _Program(_Parts):
    """An entrance with all that it calls: optimised once, then assembled."""

    def finalize(self) -> None:
        self._linking_libraries.reverse()  # the linker takes only what is already called
        codegen.CPUCodeLibrary.finalize(self)

    def serialize_using_object_code(self) -> Any:
        """What the cache keeps: the machine code. Nobody links a program into another one, so of the code that it was made from,
        which takes longer to read than all the rest, the names are left, by which numba knows what the machine code has.
        """
        name, kind, (machine_code, _) = super().serialize_using_object_code()
        found = (it for it in self._final_module.functions if not it.is_declaration)
        known = [it.name for it in found if it.linkage != llvm.Linkage.internal]
        names = llvm.parse_assembly("\n".join(f'define void @"{it}"() {{ ret void }}' for it in known))
        return name, kind, (machine_code, names.as_bitcode())

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:  # nobody else calls the parts: what they need not be given, goes
            if function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = llvm.Linkage.internal
        tuning = llvm.create_pipeline_tuning_options(speed_level=_LEVEL)
        tuning.loop_vectorization, tuning.slp_vectorization = True, False
        tuning.loop_interleaving = tuning.loop_unrolling = False  # few are long, and less code is compiled and fetched
        builder = llvm.create_pass_builder(self._codegen._tm, tuning)
        passes = builder.getModulePassManager()
        passes.add_refprune_pass(codegen._parse_refprune_flags())
        passes.run(self._final_module, builder)


def _holds_references(state: Any) -> bool:
    """Whether a function makes or returns an array, so that somebody must count references to it."""
    manager = state.targetctx.data_model_manager
    calls = [call for call in state.calltypes if isinstance(call, ir.Expr) and call.op == "call"]
    kinds = (state.return_type, *(state.calltypes[call].return_type for call in calls))
    return any(manager[kind].contains_nrt_meminfo() for kind in kinds)


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerPart(typed_passes.NativeLowering):  # type: ignore[misc]
    """Lower a function to code that waits to be linked; without counting references if it only uses its caller's."""

    _name = "hedgerow_lower_part"

    def run_pass(self, state: Any) -> bool:
        if not _holds_references(state):
            state.targetctx = state.targetctx.subtarget(enable_nrt=False)
            state.targetctx.__dict__.pop("nrt", None)  # what the copy remembers of the other setting
        library = state.library = _Parts(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        done = state["cr"]
        name, module = done.fndesc.qualname.split(".")[-1], done.fndesc.lookup_module()
        entry = _dynfunc.make_function(module, name, "called by compiled code only", 0, done.env, (library,))
        state["cr"] = done._replace(cfunc=entry)
        state.targetctx.insert_user_function(entry, done.fndesc, [library])
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerProgram(typed_passes.NativeLowering):  # type: ignore[misc]
    """Lower an entrance, with everything that it calls, to a program."""

    _name = "hedgerow_lower_program"

    def run_pass(self, state: Any) -> bool:
        state.library = _Program(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        done: bool = super().run_pass(state)
        return done


class _PartCompiler(compiler.Compiler):  # type: ignore[misc]
    lowering: type = _LowerPart

    def define_pipelines(self) -> list[Any]:
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        native = typed_passes.NativeLowering
        kept = [(kind, text) for kind, text in passes.passes if kind.__name__ not in _NEVER_NEEDED]
        passes.passes = [(self.lowering if kind is native else kind, text) for kind, text in kept]
        passes.finalize()
        return [passes]


class _ProgramCompiler(_PartCompiler):
    lowering = _LowerProgram

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        with _hurried():
            return super().compile_extra(func)


_fix_index = arrayobj.fix_integer_index


def _index_as_it_is(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    """No index of ours counts from the end (a test holds the kernel to it), so none is asked whether it does."""
    return context.cast(builder, index, kind, types.intp)


_answers: dict[Any, Any] = {}
_flags: dict[int, tuple[Any, str]] = {}  # with the flags themselves, so that no other object gets their id


@contextmanager
def _hurried() -> Iterator[None]:
    """While a program compiles: remember how calls of numba's own functions were typed, and collect no garbage.

    numba tries every overload of an operator anew at each use. It holds its global lock meanwhile.
    """
    function: Any = types.BaseFunction
    ask = function.get_call_type

    def remembered(self: Any, context: Any, args: Any, kws: Any) -> Any:
        flags = ConfigStack.top_or_none()
        if kws or flags is None:
            return ask(self, context, args, kws)
        if id(flags) not in _flags:
            _flags[id(flags)] = (flags, flags.summary())
        key = (self, context, tuple(args), _flags[id(flags)][1])
        if key not in _answers:
            _answers[key] = ask(self, context, args, kws)
        return _answers[key]

    function.get_call_type = remembered
    arrayobj.fix_integer_index = _index_as_it_is
    try:
        with collector_paused():
            yield
    finally:
        function.get_call_type = ask
        arrayobj.fix_integer_index = _fix_index


def part(function: Callable[..., Any], **options: Any) -> Any:
    """The dispatcher of a function that only compiled code calls; a literal argument makes no version of its own."""
    dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_PartCompiler, **options)(function)
    fold = dispatcher._compiler.fold_argument_types

    def widened(args: Any, kws: Any) -> Any:
        signature, folded = fold(args, kws)
        return signature, tuple(unliteral(kind) for kind in folded)

    dispatcher._compiler.fold_argument_types = widened
    return dispatcher


def program(function: Callable[..., Any], **options: Any) -> Any:
    """The dispatcher of a function that Python calls."""
    return njit(no_cfunc_wrapper=True, pipeline_class=_ProgramCompiler, **options)(function)
