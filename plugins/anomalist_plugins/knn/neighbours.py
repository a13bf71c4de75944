"""Nearest reference rows and the exact distances to them, by the index that suits their number and width."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.detector import Floats

_BLOCK_VALUES = 1 << 21


def power_of(metric: str, p: float) -> float:
    """The exponent of the Minkowski distance that a metric is."""
    return {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf, "minkowski": p}[metric]


def choose_index(rows: int, columns: int) -> str:
    """A tree where it prunes, which takes rows exponential in the columns; else all distances by matrix products.

    >>> choose_index(10_000, 3), choose_index(10_000, 20)
    ('kd_tree', 'brute')
    """
    return "kd_tree" if rows >= 64 << columns else "brute"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """Finds the `count` nearest of the reference rows, but never the row itself.

    One exact copy of the row that is asked about is left out, whoever asks, so that a row of the training set and the
    same row scored later get the same answer.

    Attributes:
        reference: float32, shape (rows, columns).
        count: How many neighbours; one fewer than the rows where there are fewer.
        power: The exponent of the Minkowski distance: 2 Euclidean, 1 Manhattan, inf Chebyshev.
        index: `kd_tree`, `ball_tree` or `brute`.
    """

    reference: Floats
    count: int
    power: float
    index: str
    _search: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        asked = min(self.count + 1, len(self.reference))
        metric = "chebyshev" if np.isinf(self.power) else "minkowski"
        options = {} if np.isinf(self.power) else {"p": self.power}
        search = NearestNeighbors(n_neighbors=asked, algorithm=self.index, metric=metric, **options)
        object.__setattr__(self, "_search", search.fit(self.reference))

    @property
    def found(self) -> int:
        """How many neighbours each row gets."""
        return min(self.count, max(1, len(self.reference) - 1))

    def blocks(self, values: Floats) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield blocks: rows, |difference| to each neighbour (rows, found, columns), distances (rows, found).

        Distances are taken anew from the differences, in float64: the matrix products of the search lose the small
        ones.
        """
        asked = min(self.count + 1, len(self.reference))
        size = max(1, _BLOCK_VALUES // (asked * self.reference.shape[1]))
        for start in range(0, len(values), size):
            check_deadline()
            rows = slice(start, min(start + size, len(values)))
            near = self._search.kneighbors(values[rows], return_distance=False)
            apart = np.abs(values[rows, None, :].astype(np.float64) - self.reference[near])
            distance = self._norm(apart)
            order = np.argsort(distance, axis=1, kind="stable")
            if asked > 1:
                own = np.take_along_axis(distance, order, axis=1)[:, :1] == 0
                order = np.where(own, order[:, 1:], order[:, :-1])
            yield rows, np.take_along_axis(apart, order[:, :, None], 1), np.take_along_axis(distance, order, 1)

    def _norm(self, apart: Floats) -> Floats:
        if np.isinf(self.power):
            return np.asarray(apart.max(axis=-1))
        if self.power == 2.0:
            return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", apart, apart)))
        return np.asarray((apart**self.power).sum(axis=-1) ** (1.0 / self.power))
