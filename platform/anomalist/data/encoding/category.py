"""Categories and truth values: which level it is where there are few, and how rare the level is for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from anomalist.data.encoding.rarity import rarities
from anomalist.data.keys import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats, Ints

__all__ = ["CategoryCoder"]

_WEIGHT = 0.5  # two levels lie 0.7 apart; two values of a scaled number lie 1.4 apart on average
_MISSING = "\0missing"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryCoder:
    """A column for each of few levels, and one for how rare the level is, `-log2` of its share, whatever their number.

    Two levels need one column for both: how much rarer than the frequent level it is. A level never seen in training
    has no column of its own and the rarity of half a row. Missing is a level.

    Attributes:
        name: The source column.
        levels: The training levels, the most frequent first; a NUL word stands for missing.
        rarity: The scaled rarity of each level, and at the end that of a level never seen; float64.
        shown: How many of the levels have a column of their own.
        boolean: Whether the column holds truth values, for `typical`.
    """

    kind: ClassVar[str] = "category"

    name: str
    levels: tuple[str, ...]
    rarity: Floats
    shown: int
    boolean: bool

    @classmethod
    def fit(cls, series: pl.Series, *, max_levels: int, boolean: bool) -> Self:
        """Fit on a column of any type, read as text; at least one row."""
        counts = (
            _text(series).alias("level").value_counts(name="rows").sort(["rows", "level"], descending=[True, False])
        )
        levels = tuple(counts.get_column("level").to_list())
        sizes = counts.get_column("rows").to_numpy().astype(np.float64)
        rarity = rarities(sizes, len(series))
        shown = len(levels) if 2 < len(levels) <= max_levels else 0
        return cls(name=series.name, levels=levels, rarity=rarity, shown=shown, boolean=boolean)

    @property
    def columns(self) -> tuple[str, ...]:
        """`name=level` for each level that has a column, and `name:rarity`; only `name=level` where there are two."""
        shown = ["missing" if level == _MISSING else level for level in self.levels]
        if len(shown) == 2:
            return (f"{self.name}={shown[1]}",)
        return (*(f"{self.name}={level}" for level in shown[: self.shown]), f"{self.name}:rarity")

    @property
    def baseline(self) -> tuple[float, ...]:
        """The most frequent level."""
        out = np.zeros((1, len(self.columns)), dtype=np.float32)
        self._write_codes(np.zeros(1, dtype=np.int64), out)
        return tuple(float(value) for value in out[0])

    @property
    def typical(self) -> str | bool:
        """The most frequent level."""
        level = self.levels[0]
        if self.boolean and level in {"0", "1"}:
            return level == "1"
        return "(missing)" if level == _MISSING else level

    def write(self, series: pl.Series, out: Floats) -> None:
        """Find the level of each row; what was never seen has none."""
        codes = _text(series).replace_strict(
            list(self.levels), list(range(len(self.levels))), default=len(self.levels), return_dtype=pl.Int64
        )
        self._write_codes(codes.to_numpy(), out)

    def unseen(self, series: pl.Series) -> pl.Series:
        """Which rows hold a level that was never seen in training, Boolean."""
        return ~_text(series).is_in(list(self.levels))

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """The levels as plain values, the rarities as an array."""
        plain = {"name": self.name, "levels": list(self.levels), "shown": self.shown, "boolean": self.boolean}
        return plain, {"rarity": self.rarity}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:
        """Restore a fitted coder."""
        rarity = np.asarray(arrays["rarity"], dtype=np.float64)
        shown, boolean = int(state["shown"]), bool(state["boolean"])
        return cls(name=state["name"], levels=tuple(state["levels"]), rarity=rarity, shown=shown, boolean=boolean)

    def _write_codes(self, codes: Ints, out: Floats) -> None:
        if self.shown:
            out[:, : self.shown] = (codes[:, None] == np.arange(self.shown)) * _WEIGHT
        out[:, -1] = self.rarity[codes]


def _text(series: pl.Series) -> pl.Series:
    return as_text(series).fill_null(_MISSING)
