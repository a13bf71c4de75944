"""What orders the rows: their time in seconds, and the number of the series that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from anomalist.data.dates import epoch_unit, seconds
from anomalist.data.keys import as_text
from anomalist.errors import SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats, Ints

__all__ = ["EntityCoder", "TimeCoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCoder:
    """Time in seconds: since 1970 for dates; numbers in the unit of the training rows, whatever the new ones are."""

    name: str
    numeric: bool
    unit: float

    @classmethod
    def fit(cls, series: pl.Series) -> Self:
        """Fit on a column of dates or numbers."""
        numeric = series.dtype.is_numeric()
        return cls(name=series.name, numeric=numeric, unit=epoch_unit(series) if numeric else 1.0)

    def read(self, series: pl.Series, *, source: str) -> Floats:
        """Seconds, float64, shape (rows,).

        Raises:
            SchemaMismatchError: A time is missing or of another kind; the message names the row.
        """
        if series.dtype.is_numeric() != self.numeric:
            got, fitted = ("dates", "numbers") if self.numeric else ("numbers", "dates")
            raise SchemaMismatchError(
                f"{source}: time column {self.name!r} holds {got}; the model was fitted on {fitted}"
            )
        time = seconds(series, self.unit)
        bad = ~np.isfinite(time)
        if bad.any():
            row = int(np.argmax(bad)) + 1
            raise SchemaMismatchError(f"{source}: time column {self.name!r} has no value in row {row}")
        return time

    def state(self) -> dict[str, Any]:
        """What `from_state` needs."""
        return {"name": self.name, "numeric": self.numeric, "unit": self.unit}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore a fitted coder."""
        return cls(name=state["name"], numeric=bool(state["numeric"]), unit=float(state["unit"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityCoder:
    """A number for each entity: its place among the training ones, the next free numbers for those never seen."""

    name: str
    levels: tuple[str, ...]

    @classmethod
    def fit(cls, series: pl.Series) -> Self:
        """Fit on a column of any type, read as text; rows without a value are one entity."""
        return cls(name=series.name, levels=tuple(_text(series).unique().sort().to_list()))

    def read(self, series: pl.Series) -> Ints:
        """Numbers, int64, shape (rows,)."""
        text = _text(series)
        unseen = sorted(set(text.unique().to_list()) - set(self.levels))
        levels = [*self.levels, *unseen]
        codes: Ints = text.replace_strict(levels, list(range(len(levels))), return_dtype=pl.Int64).to_numpy()
        return codes

    def unseen(self, series: pl.Series) -> pl.Series:
        """Which rows belong to an entity that was never seen in training, Boolean."""
        return ~_text(series).is_in(list(self.levels))

    def state(self) -> dict[str, Any]:
        """What `from_state` needs."""
        return {"name": self.name, "levels": list(self.levels)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore a fitted coder."""
        return cls(name=state["name"], levels=tuple(state["levels"]))


def _text(series: pl.Series) -> pl.Series:
    return as_text(series).fill_null("")
