"""Numbers: robustly scaled, missing values at the median, with a column that says where they were missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from anomalist.data.encoding.rarity import gap
from anomalist.data.encoding.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats

__all__ = ["NumericCoder", "floats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericCoder:
    """One column, and a second one where a training value was missing.

    Attributes:
        name: The source column.
        scale: The scale of the first column.
        gap: What the second column holds where the value is missing, more the rarer that is; 0 for no second column.
        whole: Whether the training values were whole numbers.
    """

    kind: ClassVar[str] = "numeric"

    name: str
    scale: Scale
    gap: float
    whole: bool

    @classmethod
    def fit(cls, series: pl.Series, *, cap: float) -> Self | None:
        """Fit on a numeric column; None where it holds no finite value to learn from."""
        values = floats(series)
        finite = values[np.isfinite(values)]
        if not finite.size:
            return None
        return cls(
            name=series.name,
            scale=Scale.fit(finite, cap=cap),
            gap=gap(int(np.isnan(values).sum()), len(values)),
            whole=series.dtype.is_integer(),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The number, and whether it was missing."""
        return (self.name, f"{self.name}:missing") if self.gap else (self.name,)

    @property
    def baseline(self) -> tuple[float, ...]:
        """The median, not missing."""
        return (0.0,) * len(self.columns)

    @property
    def typical(self) -> float:
        """The median."""
        center = self.scale.center
        return int(center) if self.whole and center.is_integer() else float(f"{center:.6g}")

    def write(self, series: pl.Series, out: Floats) -> None:
        """Scale; a missing value becomes the median."""
        values = floats(series)
        missing = np.isnan(values)
        scaled = self.scale.apply(values)
        scaled[missing] = 0.0
        out[:, 0] = scaled
        if self.gap:
            out[:, 1] = missing * self.gap

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Plain values only."""
        return {"name": self.name, "scale": self.scale.state(), "gap": self.gap, "whole": self.whole}, {}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:  # noqa: ARG003 (the protocol's)
        """Restore a fitted coder."""
        scale = Scale.from_state(state["scale"])
        return cls(name=state["name"], scale=scale, gap=float(state["gap"]), whole=bool(state["whole"]))


def floats(series: pl.Series) -> Floats:
    """A numeric column as float64, NaN where missing."""
    values: Floats = series.cast(pl.Float64).to_numpy()  # which makes NaN of a missing value
    return values
