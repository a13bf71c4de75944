"""LocalOutlierFactor: how much emptier a row's place is than those of its nearest rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.sampling import draw
from anomalist.detector import check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.knn.neighbours import Neighbours, check_search

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, Ints, State

__all__ = ["LocalOutlierFactor"]

_CLOSEST = 1e-3  # of the median reach: closer rows are as good as copies, and density must stay finite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """The reference rows, and what is known of the place of each.

    Attributes:
        near: Finds the nearest of them.
        reach: Distance of each to the farthest of its neighbours, shape (rows,).
        gap: Mean reachability distance of each from its neighbours, the inverse of its local density, shape (rows,).
        least: The smallest gap that counts.
    """

    near: Neighbours
    reach: Floats
    gap: Floats
    least: float

    def gaps(self, numbers: Ints, distance: Floats) -> Floats:
        """Mean reachability distance of rows from their neighbours, shape (rows,)."""
        return np.asarray(np.maximum(np.maximum(distance, self.reach[numbers]).mean(axis=1), self.least))

    def factors(self, numbers: Ints, distance: Floats) -> Floats:
        """The gap of each row times the mean density of its neighbours, shape (rows,)."""
        return np.asarray(self.gaps(numbers, distance) * (1.0 / self.gap[numbers]).mean(axis=1))


@dataclass(kw_only=True, eq=False)
class LocalOutlierFactor:
    """Scores a row by how much emptier its place is than those of its neighbours (Breunig, Kriegel, Ng & Sander 2000).

    Around 1 a row is in a place like those of its neighbours, whether these are close together or far apart: it sees
    anomalies at the edge of dense groups that distance alone does not. Anomalies in the training rows that come in
    groups vouch for each other, so it is for training rows that are known to be normal.

    Attributes:
        neighbours: How many neighbours.
        metric: `euclidean`, `manhattan`, `chebyshev` or `minkowski`.
        p: The exponent of `minkowski`, 1 to 20.
        rows: The most training rows used; of more, a random sample this large.
        index: `auto`, `kd_tree`, `ball_tree` or `brute`.
        seed: Where the sampling starts.

    >>> from anomalist.data.dataset import Dataset
    >>> data = Dataset.from_array(np.r_[np.linspace(0, 1, 99), np.linspace(50, 90, 40), 1.5][:, None])
    >>> int(LocalOutlierFactor().fit(data).score(data).argmax())
    139
    """

    neighbours: int = 20
    metric: str = "euclidean"
    p: float = 2.0
    rows: int = 10_000
    index: str = "auto"
    seed: int = 0

    _places: _Places | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.neighbours >= 1, "neighbours", self.neighbours, "a whole number of at least 1")
        check_search(metric=self.metric, p=self.p, index=self.index)
        check_parameter(self.rows >= 2, "rows", self.rows, "a whole number of at least 2")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Keep the reference rows, and measure how far apart the rows are around each."""
        reference, notes = draw(data, self.rows, np.random.default_rng(self.seed), parameter="rows")
        near = self._index(reference)
        blocks = [(numbers, distance) for _, numbers, distance in near.neighbours(reference)]
        numbers, distance = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        reach = distance[:, -1]
        least = _CLOSEST * float(np.median(reach[reach > 0])) if (reach > 0).any() else 1.0
        apart = np.maximum(np.maximum(distance, reach[numbers]).mean(axis=1), least)
        self._places = _Places(near=near, reach=reach, gap=apart, least=least)
        self._notes = notes + near.notes
        return self

    def score(self, data: Dataset, /) -> Floats:
        """The local outlier factor, about 1 for an ordinary row, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        places = self._fitted(data)
        score = np.empty(len(data))
        for rows, numbers, distance in places.near.neighbours(data.values):
            score[rows] = places.factors(numbers, distance)
        return score

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the score, by its part of the distances to the neighbours; shape (rows, columns).

        A row's parts add up to its score; a row at no distance from any neighbour has none.
        """
        places = self._fitted(data)
        weight = np.full(places.near.found, 1.0 / places.near.found)
        parts = np.empty((len(data), data.width))
        for rows, numbers, distance in places.near.neighbours(data.values):
            part = places.near.parts(data.values[rows], numbers, distance, weight)
            total = part.sum(axis=1, keepdims=True)
            part *= places.factors(numbers, distance)[:, None] / np.where(total > 0, total, 1.0)
            parts[rows] = part
        return parts

    def state(self) -> State:
        """The reference rows and their places."""
        if self._places is None:
            raise NotFittedError("lof is not fitted: call fit before state")
        places = self._places
        return {
            "reference": places.near.reference,
            "reach": places.reach,
            "gap": places.gap,
            "least": places.least,
            "notes": list(self._notes),
        }

    def restore(self, state: State, /) -> Self:
        """Index the saved reference rows again."""
        near = self._index(state["reference"])
        self._places = _Places(near=near, reach=state["reach"], gap=state["gap"], least=float(state["least"]))
        self._notes = tuple(state["notes"])
        return self

    def _index(self, reference: Floats) -> Neighbours:
        return Neighbours.among(reference, self.neighbours, metric=self.metric, p=self.p, index=self.index)

    def _fitted(self, data: Dataset) -> _Places:
        if self._places is None:
            raise NotFittedError("lof is not fitted: call fit first")
        data.check_width(self._places.near.reference.shape[1])
        return self._places
