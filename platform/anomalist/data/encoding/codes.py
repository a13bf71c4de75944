"""Numbers that are codes: beside the scaled number, how rare the value is, as for categories.

A county number, a partner id or a price of a list is a whole number, but what it is near to says little: whether it is
a common one says more. Names do not tell such columns, frequencies do. Of a measurement neighbouring values are about
equally frequent, whatever its distribution; of a code the frequency jumps from one value to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from anomalist.data.encoding.numeric import NumericCoder, floats
from anomalist.data.encoding.rarity import rarities

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from anomalist.detector import Floats

__all__ = ["CodeCoder", "code_counts"]

_ROWS = 100  # with fewer, hardly any frequency is known
_LEVELS = 20  # the correlation of fewer pairs of neighbours is noise: from 20 its standard error is below 0.25
_MOST = 0.5  # of the rows: with more levels most are seen once, and nothing is known of how frequent they are
_SMOOTH = 0.55  # of codes it is about 0, and more where few are frequent; of measured counts and amounts 0.6 to 1
_CHANCE = 2.0  # chance makes 1 of a smooth distribution, and more than 2 of one in 30 of 20 levels, one in 200 of 50
_JUMP = 0.5  # bits, a factor of 1.4: among a million rows chance is beaten by jumps too small to tell rare from common
_EXACT = 2.0**53  # beyond, every float is a whole number, and many are the same one
_SAMPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodeCoder:
    """The columns of a number, and one for how rare its value is, `-log2` of its share, whatever the number.

    A value that was seen once is as rare as one never seen: of itself aside, it was not seen. A missing value is taken
    as the most frequent one.

    Attributes:
        number: The coder of the value as a number.
        levels: The values that were seen twice or more, ascending, float64.
        rarity: The scaled rarity of each, and at the end that of all other values; float64.
        usual: The most frequent value.
    """

    kind: ClassVar[str] = "code"

    number: NumericCoder
    levels: Floats
    rarity: Floats
    usual: float

    @classmethod
    def fit(cls, series: pl.Series, *, cap: float) -> Self | None:
        """Fit on a numeric column; None where it does not look like one of codes."""
        values = floats(series)
        found = code_counts(values)
        number = NumericCoder.fit(series, cap=cap) if found is not None else None
        if found is None or number is None:
            return None
        levels, counts = (part[found[1] > 1] for part in found)
        rarity = rarities(counts, int((~np.isnan(values)).sum()))
        return cls(number=number, levels=levels, rarity=rarity, usual=float(levels[np.argmax(counts)]))

    @property
    def name(self) -> str:
        """The source column."""
        return self.number.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the number, and `name:rarity`."""
        return (*self.number.columns, f"{self.name}:rarity")

    @property
    def baseline(self) -> tuple[float, ...]:
        """The most frequent value."""
        rest = (0.0,) * (len(self.number.columns) - 1)
        return (self._scaled(), *rest, float(self._rarity(np.array([self.usual]))[0]))

    @property
    def typical(self) -> int:
        """The most frequent value."""
        return int(self.usual)

    def write(self, series: pl.Series, out: Floats) -> None:
        """Scale the number, and look up how rare it is."""
        values = floats(series)
        missing = np.isnan(values)
        self.number.write(series, out[:, :-1])
        out[missing, 0] = self._scaled()
        out[:, -1] = self._rarity(np.where(missing, self.usual, values))

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """The number and the most frequent value as plain values, the levels and their rarities as arrays."""
        number, _ = self.number.state()
        return {"number": number, "usual": self.usual}, {"levels": self.levels, "rarity": self.rarity}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:
        """Restore a fitted coder."""
        levels, rarity = (np.asarray(arrays[name], dtype=np.float64) for name in ("levels", "rarity"))
        number = NumericCoder.from_state(state["number"], {})
        return cls(number=number, levels=levels, rarity=rarity, usual=float(state["usual"]))

    def _scaled(self) -> float:
        """The most frequent value as a number."""
        return float(self.number.scale.apply(np.array([self.usual]))[0])

    def _rarity(self, values: Floats) -> Floats:
        place = np.minimum(np.searchsorted(self.levels, values), len(self.levels) - 1)
        found: Floats = self.rarity[np.where(self.levels[place] == values, place, len(self.levels))]
        return found


def code_counts(values: Floats) -> tuple[Floats, Floats] | None:
    """The distinct values of a column of codes, ascending, and how often each is there; None where it is none.

    Codes are whole numbers, of at least 20 levels and half as many levels as rows at most, whose frequencies jump:

    - they hardly depend on those beside them: the correlation of neighbours' logarithms is below 0.55;
    - they differ by more than chance makes them: of counts that follow Poisson distributions of a smooth rate, the
      squared distance to the mean of both neighbours is one variance on average, and here it is more than two;
    - they differ by what matters: from the mean of both neighbours by a factor of 1.4, root mean square.

    The most frequent value is left out of all three: amounts that are mostly nothing jump once, and are no codes.

    Args:
        values: One a row, NaN where missing; float64.
    """
    if not _whole(values[:: max(1, len(values) // _SAMPLE)]) or not _whole(values):  # most columns end at the sample
        return None
    levels, sizes = np.unique(values[np.isfinite(values)], return_counts=True)
    counts = sizes.astype(np.float64)
    if counts.sum() < _ROWS or not _LEVELS <= len(levels) <= _MOST * counts.sum():
        return None
    others = np.delete(counts, np.argmax(counts))
    beside = np.pad(others, 1, mode="reflect")
    expected = (beside[:-2] + beside[2:]) / 2
    logs = np.log2(others)
    varied = logs[1:].std() > 0 and logs[:-1].std() > 0
    jumps = (
        varied
        and np.corrcoef(logs[1:], logs[:-1])[0, 1] < _SMOOTH
        and np.mean((others - expected) ** 2 / (others + expected / 2)) > _CHANCE
        and np.mean((logs - np.log2(expected)) ** 2) >= _JUMP**2
    )
    return (levels, counts) if jumps else None


def _whole(values: Floats) -> bool:
    """Whether all values that are there are whole numbers that a float holds exactly, or infinite."""
    exact = (values == np.floor(values)) & ((np.abs(values) < _EXACT) | np.isinf(values))
    return bool((exact | np.isnan(values)).all())
