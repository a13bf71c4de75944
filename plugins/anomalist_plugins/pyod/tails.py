"""ECOD and COPOD: how far in the tails of the columns a row is, by the training rows alone.

PyOD puts the rows that are scored among the training rows, so that each depends on all others. Here a row gets what
PyOD gives it when it is scored by itself, the sign of the skewness aside, which is that of the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.detector import check_deadline
from anomalist.errors import NotFittedError

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["COPOD", "ECOD"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tails:
    """The training rows, column by column.

    Attributes:
        columns: Each column in ascending order, float32, shape (columns, rows).
        skewness: The sign of the skewness of each column, shape (columns,).
    """

    columns: Floats
    skewness: Floats

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Those of the rows of a matrix."""
        centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        return cls(columns=np.sort(values, axis=0).T.copy(), skewness=np.sign((centred**3).sum(axis=0)))

    def parts(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Minus the logarithm of the share of rows below, above, and in the longer tail; each (rows, columns)."""
        count = self.columns.shape[1]
        low, high = np.empty(values.shape), np.empty(values.shape)
        for number, column in enumerate(self.columns):
            check_deadline()
            low[:, number] = np.searchsorted(column, values[:, number], side="right") + 1
            high[:, number] = count - np.searchsorted(column, values[:, number], side="left") + 1
        low, high = -np.log(low / (count + 1)), -np.log(high / (count + 1))
        return low, high, low * (self.skewness <= 0) + high * (self.skewness >= 0)


@dataclass(kw_only=True, eq=False)
class ECOD:
    """Scores a row by the empirical tail probabilities of its columns (Li et al. 2022)."""

    _tails: Tails | None = field(default=None, init=False, repr=False)

    def fit(self, data: Dataset, /) -> Self:
        """Keep the columns in order."""
        self._tails = Tails.of(data.values)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """The sum of the contributions, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        return np.asarray(self.contributions(data).sum(axis=1))

    def contributions(self, data: Dataset, /) -> Floats:
        """For each column the largest of its three surprises: below, above, in the longer tail; (rows, columns)."""
        low, high, skewed = _fitted(self._tails, data).parts(data.values)
        return np.asarray(np.maximum(np.maximum(low, high), skewed))

    def state(self) -> State:
        """The ordered columns and the signs of their skewness."""
        return _state(self._tails)

    def restore(self, state: State, /) -> Self:
        """Take the saved columns."""
        self._tails = Tails(columns=state["columns"], skewness=state["skewness"])
        return self


@dataclass(kw_only=True, eq=False)
class COPOD:
    """Scores a row by its empirical copula, column by column (Li et al. 2020)."""

    _tails: Tails | None = field(default=None, init=False, repr=False)

    def fit(self, data: Dataset, /) -> Self:
        """Keep the columns in order."""
        self._tails = Tails.of(data.values)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """The sum of the contributions, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        return np.asarray(self.contributions(data).sum(axis=1))

    def contributions(self, data: Dataset, /) -> Floats:
        """For each column the surprise in the longer tail, or the mean of both if that is larger; (rows, columns)."""
        low, high, skewed = _fitted(self._tails, data).parts(data.values)
        return np.asarray(np.maximum(skewed, (low + high) / 2))

    def state(self) -> State:
        """The ordered columns and the signs of their skewness."""
        return _state(self._tails)

    def restore(self, state: State, /) -> Self:
        """Take the saved columns."""
        self._tails = Tails(columns=state["columns"], skewness=state["skewness"])
        return self


def _fitted(tails: Tails | None, data: Dataset) -> Tails:
    if tails is None:
        raise NotFittedError("this detector is not fitted: call fit first")
    data.check_width(len(tails.columns))
    return tails


def _state(tails: Tails | None) -> State:
    if tails is None:
        raise NotFittedError("this detector is not fitted: call fit before state")
    return {"columns": tails.columns, "skewness": tails.skewness}
