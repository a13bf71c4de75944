"""The local outlier factor, as scikit-learn computes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from anomalist.detector import check_deadline, check_parameter
from anomalist.errors import DataError, NotFittedError

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

_BLOCK_ROWS = 10_000


@dataclass(kw_only=True, eq=False)
class Lof:
    """Scores a row by how much less dense its place is than the places of its neighbours.

    The local outlier factor (Breunig, Kriegel, Ng & Sander 2000, "LOF: identifying density-based local outliers") is
    about 1 inside a cluster, however dense that is, and more outside. Neighbours are searched among distinct training
    rows, since rows that lie on one point are infinitely dense. The search is exact, and slow with many columns.

    Attributes:
        neighbours: How many make a neighbourhood; clusters of fewer rows look anomalous.
        metric: How distances are measured.
        max_rows: Training rows that are kept; of more, a random sample.
        seed: Where the sampling starts.
        notes: What the last fit wants said.
    """

    neighbours: int = 20
    metric: Literal["euclidean", "manhattan", "chebyshev"] = "euclidean"
    max_rows: int = 20_000
    seed: int = 0

    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _rows: Floats | None = field(default=None, init=False, repr=False)
    _factor: LocalOutlierFactor | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.neighbours >= 1, "neighbours", self.neighbours, "a whole number of at least 1")
        check_parameter(self.max_rows >= 2, "max_rows", self.max_rows, "a whole number of at least 2")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    def fit(self, data: Dataset, /) -> Self:
        """Keep the distinct training rows and find their densities.

        Raises:
            DataError: There are fewer than two distinct rows.
        """
        rows, self.notes = np.unique(data.values, axis=0), ()
        if len(rows) < 2:
            raise DataError(f"local_outliers needs at least two rows that differ, got {len(rows)}")
        if len(rows) > self.max_rows:
            kept = np.random.default_rng(self.seed).choice(len(rows), self.max_rows, replace=False)
            self.notes = (f"kept {self.max_rows} of {len(rows)} distinct rows",)
            rows = rows[np.sort(kept)]
        return self._learn(rows)

    def score(self, data: Dataset, /) -> Floats:
        """Return the local outlier factor of each row, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        if self._factor is None or self._rows is None:
            raise NotFittedError("local_outliers is not fitted: call fit first")
        data.check_width(self._rows.shape[1])
        scores = np.empty(len(data))
        for start in range(0, len(data), _BLOCK_ROWS):
            check_deadline()
            block = slice(start, start + _BLOCK_ROWS)
            scores[block] = -self._factor.score_samples(data.values[block].astype(np.float64))  # theirs is upside down
        return scores

    def state(self) -> State:
        """Return the rows that were kept: the densities follow from them."""
        if self._rows is None:
            raise NotFittedError("local_outliers is not fitted: call fit before state")
        return {"rows": self._rows, "notes": list(self.notes)}

    def restore(self, state: State, /) -> Self:
        """Find the densities of the kept rows again; the same rows give the same densities."""
        self.notes = tuple(state["notes"])
        return self._learn(state["rows"])

    def _learn(self, rows: Floats) -> Self:
        factor = LocalOutlierFactor(
            n_neighbors=min(self.neighbours, len(rows) - 1),
            algorithm="kd_tree",  # unlike brute force it gives a row alone the same distances as in a batch
            metric=self.metric,
            novelty=True,
        )
        self._factor = factor.fit(rows.astype(np.float64))
        self._rows = rows
        return self
