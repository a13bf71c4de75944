"""Mahalanobis: the distance from the bulk in units of its own spread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import chdtri

from anomalist.data.sampling import draw
from anomalist.detector import check_deadline, check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.mahalanobis.covariance import squared_distance, trimmed_covariance, whitener

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["Mahalanobis"]

_BLOCK_VALUES = 1 << 20


@dataclass(kw_only=True, eq=False)
class Mahalanobis:
    """Scores a row by its Mahalanobis distance from a robust center, in standard deviations of the bulk.

    Center and covariance come from the rows that lie closest together (minimum covariance determinant; Rousseeuw &
    Van Driessen 1999), shrunk so that they hold with more columns than rows (Ledoit & Wolf 2004). It sees broken
    correlations that no single column shows. One cloud is all it knows: with several clusters, the space between them
    looks normal.

    Attributes:
        trim: The share of the training rows, the farthest, that does not shape the covariance, 0 to 0.5; with 0 it is
            the plain, not robust, one.
        shrinkage: Weight of the identity in the covariance, 0 to 1; None estimates it from the rows.
        steps: The most concentration steps.
        rows: The most training rows used; of more, a random sample this large.
        seed: Where the sampling starts.

    >>> from anomalist.data.dataset import Dataset
    >>> line = np.linspace(-2, 2, 50)
    >>> both = np.column_stack([line, line + 0.1 * np.cos(9 * line)])
    >>> data = Dataset.from_array(np.vstack([both, [[1.0, -1.0]]]))
    >>> int(Mahalanobis().fit(data).score(data).argmax())
    50
    """

    trim: float = 0.25
    shrinkage: float | None = None
    steps: int = 10
    rows: int = 10_000
    seed: int = 0

    _center: Floats | None = field(default=None, init=False, repr=False)
    _whitener: Floats | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(0 <= self.trim <= 0.5, "trim", self.trim, "from 0 to 0.5")
        known = self.shrinkage is None or 0 <= self.shrinkage <= 1
        check_parameter(known, "shrinkage", self.shrinkage, "from 0 to 1, or None to estimate it")
        check_parameter(self.steps >= 1, "steps", self.steps, "a whole number of at least 1")
        check_parameter(self.rows >= 2, "rows", self.rows, "a whole number of at least 2")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Find the bulk and its covariance."""
        values, self._notes = draw(data, self.rows, np.random.default_rng(self.seed), parameter="rows")
        sample = values.astype(np.float64)
        center, covariance, _ = trimmed_covariance(sample, trim=self.trim, shrinkage=self.shrinkage, steps=self.steps)
        # the kept rows are the closest, so their covariance is too small; the median row of a Gaussian says by how much
        middle = float(np.median(squared_distance(sample, center, covariance)))
        if middle > 0:
            covariance *= middle / float(chdtri(data.width, 0.5))
        self._center = center
        self._whitener = whitener(covariance)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Robust Mahalanobis distance, float64, shape (rows,); a Gaussian bulk has the chi distribution.

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        center, matrix = self._fitted(data)
        score = np.empty(len(data))
        size = max(1, _BLOCK_VALUES // data.width)
        for start in range(0, len(data), size):
            check_deadline()
            white = (data.values[start : start + size] - center) @ matrix.T
            score[start : start + size] = np.sqrt(np.einsum("ij,ij->i", white, white))
        return score

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the squared distance, shape (rows, columns); a row's parts add up to its squared score.

        Where columns are correlated, a column's part is that of the whitened variable closest to it (Garthwaite &
        Koch, "Evaluating the contributions of individual variables to a quadratic form", 2016).
        """
        center, matrix = self._fitted(data)
        return np.asarray(((data.values - center) @ matrix.T) ** 2)

    def state(self) -> State:
        """The center and the whitening matrix."""
        if self._center is None or self._whitener is None:
            raise NotFittedError("mahalanobis is not fitted: call fit before state")
        return {"center": self._center, "whitener": self._whitener, "notes": list(self._notes)}

    def restore(self, state: State, /) -> Self:
        """Score again from a saved state."""
        self._center = state["center"]
        self._whitener = state["whitener"]
        self._notes = tuple(state["notes"])
        return self

    def _fitted(self, data: Dataset) -> tuple[Floats, Floats]:
        if self._center is None or self._whitener is None:
            raise NotFittedError("mahalanobis is not fitted: call fit first")
        data.check_width(len(self._center))
        return self._center, self._whitener
