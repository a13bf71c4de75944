"""KNearestNeighbours: how far the closest reference rows are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.sampling import draw
from anomalist.detector import check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.knn.neighbours import Neighbours, choose_index, power_of

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["KNearestNeighbours"]

_AGGREGATES = ("mean", "median", "max")
_METRICS = ("euclidean", "manhattan", "chebyshev", "minkowski")
_INDICES = ("auto", "kd_tree", "ball_tree", "brute")


@dataclass(kw_only=True, eq=False)
class KNearestNeighbours:
    """Scores a row by the distance to its nearest reference rows (Ramaswamy et al. 2000; Angiulli & Pizzuti 2002).

    The reference rows are a random sample of the training rows. A sample is not only faster: anomalies that come in
    groups are thinned out, so they cannot vouch for each other (Sugiyama & Borgwardt 2013). More neighbours see
    larger groups, fewer see finer detail. Distances say little where most columns are noise.

    Attributes:
        neighbours: How many neighbours.
        aggregate: `mean` distance to them, `median`, or `max`, the distance to the farthest of them.
        metric: `euclidean`, `manhattan`, `chebyshev` or `minkowski`.
        p: The exponent of `minkowski`, 1 to 20; powers beyond overflow, and `chebyshev` is the limit.
        rows: The most reference rows; of more training rows, a random sample this large.
        index: `auto`, `kd_tree`, `ball_tree` or `brute`.
        seed: Where the sampling starts.

    >>> from anomalist.data.dataset import Dataset
    >>> data = Dataset.from_array(np.r_[np.linspace(0, 1, 99), 9.0][:, None])
    >>> int(KNearestNeighbours().fit(data).score(data).argmax())
    99
    """

    neighbours: int = 20
    aggregate: str = "mean"
    metric: str = "euclidean"
    p: float = 2.0
    rows: int = 2000
    index: str = "auto"
    seed: int = 0

    _near: Neighbours | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.neighbours >= 1, "neighbours", self.neighbours, "a whole number of at least 1")
        check_parameter(self.aggregate in _AGGREGATES, "aggregate", self.aggregate, f"one of {', '.join(_AGGREGATES)}")
        check_parameter(self.metric in _METRICS, "metric", self.metric, f"one of {', '.join(_METRICS)}")
        check_parameter(1 <= self.p <= 20, "p", self.p, "from 1 to 20")
        check_parameter(self.rows >= 2, "rows", self.rows, "a whole number of at least 2")
        check_parameter(self.index in _INDICES, "index", self.index, f"one of {', '.join(_INDICES)}")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Keep the reference rows and index them."""
        reference, notes = draw(data, self.rows, np.random.default_rng(self.seed), parameter="rows")
        if self.neighbours >= len(reference):
            notes += (f"{max(1, len(reference) - 1)} neighbours instead of {self.neighbours}: no more rows",)
        self._notes = notes
        self._near = self._index(reference)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Distance to the nearest reference rows, float64, shape (rows,); one exact copy of the row is left out.

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        near = self._fitted(data)
        weight = self._weights(near.found)
        score = np.empty(len(data))
        for rows, distance in near.distances(data.values):
            score[rows] = distance @ weight
        return score

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the distance, shape (rows, columns); a row's parts add up to its score."""
        near = self._fitted(data)
        weight = self._weights(near.found)
        parts = np.empty((len(data), data.width))
        for rows, numbers, distance in near.neighbours(data.values):
            apart = np.abs(data.values[rows, None, :].astype(np.float64) - near.reference[numbers])
            if np.isinf(near.power):
                share = (apart == distance[:, :, None]) & (distance[:, :, None] > 0)
                share = share / np.maximum(share.sum(axis=2, keepdims=True), 1)
            else:
                share = (apart / np.where(distance > 0, distance, 1.0)[:, :, None]) ** near.power
            parts[rows] = np.einsum("ij,ijk->ik", distance * weight, share)
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
        index = choose_index(*reference.shape) if self.index == "auto" else self.index
        return Neighbours(reference=reference, count=self.neighbours, power=power_of(self.metric, self.p), index=index)

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
