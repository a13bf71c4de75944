"""KNearestNeighbours: how far the closest reference rows are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from anomalist.data.sampling import draw
from anomalist.detector import check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.knn.neighbours import Neighbours, check_search

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["KNearestNeighbours"]


class _Detail(NamedTuple):
    """How closely to look: the neighbours, and the rows that are drawn."""

    neighbours: int
    rows: int


_TRIMMED = _Detail(neighbours=20, rows=2_600)
_CLEAN = _Detail(neighbours=2, rows=10_000)
_AGGREGATES = ("mean", "median", "max")


@dataclass(kw_only=True, eq=False)
class KNearestNeighbours:
    """Scores a row by the distance to its nearest reference rows (Ramaswamy et al. 2000; Angiulli & Pizzuti 2002).

    The reference rows are a random sample of the training rows without those that are far from all others. A sample is
    not only faster: anomalies that come in groups are thinned out, and the rest of them left out, so they cannot vouch
    for each other (Sugiyama & Borgwardt 2013). Where all training rows are normal, more of them and fewer neighbours
    see finer detail. Distances say little where most columns are noise.

    Attributes:
        neighbours: How many neighbours; None: 20, and 2 where `trim` is 0.
        trim: The share of the rows, the farthest from their neighbours, that is no reference, from 0 to below 1.
        aggregate: `mean` distance to them, `median`, or `max`, the distance to the farthest of them.
        metric: `euclidean`, `manhattan`, `chebyshev` or `minkowski`.
        p: The exponent of `minkowski`, 1 to 20; powers beyond overflow, and `chebyshev` is the limit.
        rows: The most training rows used; of more, a random sample this large; None: 2,600, and 10,000 where `trim`
            is 0.
        index: `auto`, `kd_tree`, `ball_tree` or `brute`.
        seed: Where the sampling starts.

    >>> from anomalist.data.dataset import Dataset
    >>> data = Dataset.from_array(np.r_[np.linspace(0, 1, 99), 9.0][:, None])
    >>> int(KNearestNeighbours().fit(data).score(data).argmax())
    99
    """

    neighbours: int | None = None
    trim: float = 0.25
    aggregate: str = "mean"
    metric: str = "euclidean"
    p: float = 2.0
    rows: int | None = None
    index: str = "auto"
    seed: int = 0

    _near: Neighbours | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        known = self.neighbours is None or self.neighbours >= 1
        check_parameter(known, "neighbours", self.neighbours, "a whole number of at least 1, or None")
        check_parameter(0 <= self.trim < 1, "trim", self.trim, "from 0 to below 1")
        check_parameter(self.aggregate in _AGGREGATES, "aggregate", self.aggregate, f"one of {', '.join(_AGGREGATES)}")
        check_search(metric=self.metric, p=self.p, index=self.index)
        check_parameter(self.rows is None or self.rows >= 2, "rows", self.rows, "a whole number of at least 2, or None")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Keep the reference rows and index them."""
        limit = self.rows or (_TRIMMED if self.trim else _CLEAN).rows
        values, notes = draw(data, limit, np.random.default_rng(self.seed), parameter="rows")
        self._near = self._index(values)
        kept = max(1, round((1.0 - self.trim) * len(values)))
        if kept < len(values):
            closest = np.argsort(self._distance(self._near, values), kind="stable")[:kept]
            self._near = self._index(values[np.sort(closest)])
        self._notes = notes + self._near.notes
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Distance to the nearest reference rows, float64, shape (rows,); one exact copy of the row is left out.

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        return self._distance(self._fitted(data), data.values)

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the distance, shape (rows, columns); a row's parts add up to its score."""
        near = self._fitted(data)
        weight = self._weights(near.found)
        parts = np.empty((len(data), data.width))
        for rows, numbers, distance in near.neighbours(data.values):
            parts[rows] = near.parts(data.values[rows], numbers, distance, weight)
        return parts

    def state(self) -> State:
        """The reference rows."""
        if self._near is None:
            raise NotFittedError("knn is not fitted: call fit before state")
        return {"reference": self._near.reference, "notes": list(self._notes)}

    def restore(self, state: State, /) -> Self:
        """Index the saved reference rows again."""
        self._near = self._index(state["reference"])
        self._notes = tuple(state["notes"])
        return self

    def _index(self, reference: Floats) -> Neighbours:
        count = self.neighbours or (_TRIMMED if self.trim else _CLEAN).neighbours
        return Neighbours.among(reference, count, metric=self.metric, p=self.p, index=self.index)

    def _distance(self, near: Neighbours, values: Floats) -> Floats:
        weight = self._weights(near.found)
        score = np.empty(len(values))
        for rows, distance in near.distances(values):
            score[rows] = distance @ weight
        return score

    def _weights(self, found: int) -> Floats:
        """What each neighbour, nearest first, counts in the score."""
        weight = np.zeros(found)
        if self.aggregate == "mean":
            weight[:] = 1.0
        elif self.aggregate == "median":
            weight[(found - 1) // 2 : found // 2 + 1] = 1.0
        else:
            weight[-1] = 1.0
        return np.asarray(weight / weight.sum())

    def _fitted(self, data: Dataset) -> Neighbours:
        if self._near is None:
            raise NotFittedError("knn is not fitted: call fit first")
        data.check_width(self._near.reference.shape[1])
        return self._near
