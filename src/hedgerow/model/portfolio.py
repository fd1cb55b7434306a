"""What a person holds, as a portfolio file states it: coins with their cost, stablecoins, shorts, coins held
elsewhere.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST: Final = 1e15  # of coins and of quote: beyond it is a slip of the pen, and cents are lost in rounding
STABLECOINS: Final = ("USDT", "USDC", "DAI", "FDUSD", "TUSD", "BUSD", "USDE")


class _Record(BaseModel):
    # strict: true is no number, and neither is "10"; whole numbers are
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="after")
    def _finite(self) -> Any:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number")
        return self


class Holding(_Record):
    """Coins of one asset. ``outside`` is held elsewhere, beside ``amount``: counted in weights, never traded."""

    amount: float = Field(default=0.0, ge=0, le=MOST, description="coins in the spot wallet")
    unit_cost: float | None = Field(default=None, gt=0, le=MOST, description="what a coin cost, in quote")
    protected: float = Field(default=0.0, ge=0, le=MOST, description="coins of amount that are never sold")
    carry: float = Field(
        default=0.0,
        ge=0,
        le=MOST,
        description="coins of amount that are the long leg of a carry pair; as many are short",
    )
    outside: float = Field(default=0.0, ge=0, le=MOST, description="coins held elsewhere")
    buy_back: float = Field(
        default=0.0, ge=0, le=MOST, description="coins sold earlier in place of a short, to be bought back"
    )

    @model_validator(mode="after")
    def _protected_is_held(self) -> Holding:
        if self.protected > self.amount:
            raise ValueError(f"protected = {self.protected:g} is more than amount = {self.amount:g}")
        if self.protected + self.carry > self.amount * (1.0 + 1e-12):
            kept = f"protected = {self.protected:g} and " if self.protected else ""
            raise ValueError(f"{kept}carry = {self.carry:g} are more than amount = {self.amount:g}")
        return self


class Position(_Record):
    """A futures position: coins (negative is short), entry price in quote, collateral in the settle currency."""

    amount: float = Field(ge=-MOST, le=MOST)
    entry: float = Field(gt=0, le=MOST)
    collateral: float = Field(default=0.0, ge=0, le=MOST)


class Portfolio(BaseModel):
    """A portfolio file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    class Head(_Record):
        """The ``[portfolio]`` table."""

        quote: str = "USDT"
        initial_value: float | None = Field(
            default=None, gt=0, le=MOST, description="value at the start, for policies that count on it"
        )

    head: Head = Field(default_factory=Head, alias="portfolio")
    spot: dict[str, Holding] = Field(default_factory=dict)
    futures: dict[str, Position] = Field(default_factory=dict)
    targets: dict[str, Annotated[float, Field(strict=True)]] = Field(
        default_factory=dict, description="weights of net asset value, stablecoin included"
    )

    @model_validator(mode="after")
    def _plain_quote(self) -> Portfolio:
        """Stablecoins are spent and funded with: what a coin may have beside its amount says nothing of them."""
        held = self.spot.get(self.head.quote)
        extra = held.model_fields_set - {"amount"} if held is not None else set()
        if extra:
            raise ValueError(f"spot.{self.head.quote} takes amount alone, not {', '.join(sorted(extra))}")
        return self

    def assets(self) -> tuple[str, ...]:
        """The risk assets that are held, or named in targets, in the order of the file."""
        named = [*self.spot, *(symbol.split("/")[0] for symbol in self.futures), *self.targets]
        return tuple(dict.fromkeys(name for name in named if name != self.head.quote))
