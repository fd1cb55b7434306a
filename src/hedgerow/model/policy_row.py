"""What every row of a policy is made of: quantities with their unit, and gates over votes.

Every quantity is written with its unit (``"10 pp"``, ``"60 %/yr"``, ``"5 d"``) and is kept in the kernel's units (fractions, days).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from hedgerow import units


def _quantity(unit: str) -> Any:
    return BeforeValidator(partial(_read, unit=unit), json_schema_input_type=str)


def _writer(unit: str) -> Any:
    """In JSON a quantity stands as its file has it, bit for bit."""
    return PlainSerializer(partial(units.written, unit=unit), return_type=str, when_used="json")


def _read(value: Any, unit: str) -> float:
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"expected a quantity in {unit}")
    return units.parse(value, unit)


Percent: TypeAlias = Annotated[float, _quantity("%"), _writer("%"), Field(json_schema_extra={"unit": "%"})]
Points: TypeAlias = Annotated[float, _quantity("pp"), _writer("pp"), Field(json_schema_extra={"unit": "pp"})]
BasisPoints: TypeAlias = Annotated[float, _quantity("bp"), _writer("bp"), Field(json_schema_extra={"unit": "bp"})]
PerYear: TypeAlias = Annotated[float, _quantity("%/yr"), _writer("%/yr"), Field(json_schema_extra={"unit": "%/yr"})]
Days: TypeAlias = Annotated[float, _quantity("d"), _writer("d"), Field(json_schema_extra={"unit": "d"}, ge=0)]
Share: TypeAlias = Annotated[Percent, Field(ge=0, le=1)]
Times: TypeAlias = Annotated[float, _quantity("x"), _writer("x"), Field(json_schema_extra={"unit": "x"}, ge=0)]

Side: TypeAlias = Literal["above", "below"]
TrimTo: TypeAlias = Literal["target", "overshoot", "band_edge", "halfway", "fraction", "position", "principal"]
TrimMode: TypeAlias = Literal["threshold", "aggressive", "minimal", "none"]


class Row(BaseModel):
    """What every row of a policy has in common: frozen, no unknown keys, an optional source."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str = Field(default="", description="where the row comes from (article, reference, a person)")


class Gate(Row):
    """A condition over votes: ``at_least`` of ``of``, and all of ``all``, and one of ``any``, and none of ``none``."""

    at_least: int = Field(default=0, ge=0, description="least true ones of `of`", json_schema_extra={"unit": "votes"})
    of: tuple[str, ...] = Field(default=(), description="votes that are counted; a missing one is left out")
    all: tuple[str, ...] = Field(default=(), description="votes that must all be true; a missing one is not true")
    any: tuple[str, ...] = Field(default=(), description="votes of which one must be true")
    none: tuple[str, ...] = Field(default=(), description="votes of which none may be true; most must be known")

    def names(self) -> tuple[str, ...]:
        """Every vote that the gate reads."""
        return self.of + self.all + self.any + self.none

    @model_validator(mode="after")
    def _counted(self) -> Gate:
        if self.at_least > len(self.of):
            raise ValueError(f"at_least = {self.at_least}, but `of` names only {len(self.of)} votes")
        if self.of and not self.at_least:
            raise ValueError("`of` needs `at_least`: how many of the votes must be true")
        return self
