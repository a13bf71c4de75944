"""Nearest reference rows and the distances to them, by the index that suits their number and width."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.detector import check_deadline, check_parameter
from anomalist_plugins.knn.brute import Brute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.detector import Floats, Ints

METRICS = ("euclidean", "manhattan", "chebyshev", "minkowski")
INDICES = ("auto", "kd_tree", "ball_tree", "brute")
_BLOCK_ROWS = 4096
_BLOCK_VALUES = 1 << 21


def power_of(metric: str, p: float) -> float:
    """The exponent of the Minkowski distance that a metric is."""
    return {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf, "minkowski": p}[metric]


def check_search(*, metric: str, p: float, index: str) -> None:
    """Refuse what says how to look for neighbours, where it says something unknown.

    Raises:
        ParameterError: One of them is wrong; the message names it.
    """
    check_parameter(metric in METRICS, "metric", metric, f"one of {', '.join(METRICS)}")
    check_parameter(1 <= p <= 20, "p", p, "from 1 to 20")
    check_parameter(index in INDICES, "index", index, f"one of {', '.join(INDICES)}")


def choose_index(rows: int, columns: int) -> str:
    """A tree where it prunes, which takes rows exponential in the columns; else the distances to all.

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

    @classmethod
    def among(cls, reference: Floats, count: int, *, metric: str, p: float, index: str) -> Self:
        """Index reference rows; `index` may be `auto`, which chooses by their number and width."""
        chosen = choose_index(*reference.shape) if index == "auto" else index
        return cls(reference=reference, count=count, power=power_of(metric, p), index=chosen)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_search", self._made())

    @property
    def asked(self) -> int:
        """How many reference rows are looked for: one more, in case that one is a copy."""
        return min(self.count + 1, len(self.reference))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said where there are too few rows, one line."""
        if self.found == self.count:
            return ()
        return (f"{self.found} neighbours instead of {self.count}: no more rows",)

    @property
    def found(self) -> int:
        """How many neighbours each row gets."""
        return min(self.count, max(1, len(self.reference) - 1))

    def distances(self, values: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield blocks: rows, and the distances to their neighbours, nearest first, shape (rows, found)."""
        for rows, _, distance in self._blocks(values):
            distance.sort(axis=1)
            yield rows, self._others(distance, distance)

    def neighbours(self, values: Floats) -> Iterator[tuple[slice, Ints, Floats]]:
        """Yield blocks: rows, the numbers of their neighbours and the distances, nearest first, (rows, found) each."""
        for rows, near, distance in self._blocks(values):
            order = np.argsort(distance, axis=1, kind="stable")
            near, distance = np.take_along_axis(near, order, axis=1), np.take_along_axis(distance, order, axis=1)
            yield rows, self._others(near, distance), self._others(distance, distance)

    def parts(self, values: Floats, near: Ints, distance: Floats, weight: Floats) -> Floats:
        """Each column's part of the weighted sum of distances, shape (rows, columns); parts of a row add up to it.

        Args:
            values: The rows that were asked about.
            near: The numbers of their neighbours, shape (rows, found).
            distance: To them, same shape.
            weight: Of each neighbour, nearest first, shape (found,).
        """
        apart = np.abs(values[:, None, :].astype(np.float64) - self.reference[near])
        if np.isinf(self.power):
            share = (apart == distance[:, :, None]) & (distance[:, :, None] > 0)
            share = share / np.maximum(share.sum(axis=2, keepdims=True), 1)
        else:
            share = (apart / np.where(distance > 0, distance, 1.0)[:, :, None]) ** self.power
        return np.asarray(np.einsum("ij,ijk->ik", distance * weight, share))

    def _others(self, part: Any, distance: Floats) -> Any:
        """What belongs to the neighbours, without one copy of the row: `distance` says where there is one."""
        if self.asked == 1:
            return part[:, :1]
        return np.where(distance[:, :1] == 0, part[:, 1 : self.asked], part[:, : self.asked - 1])

    def _blocks(self, values: Floats) -> Iterator[tuple[slice, Ints, Floats]]:
        """Yield blocks: rows, the nearest reference rows and perhaps others, in any order, and their distances."""
        if isinstance(self._search, Brute):
            yield from self._search.blocks(values)
            return
        size = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // len(self.reference)))
        for start in range(0, len(values), size):
            check_deadline()
            rows = slice(start, min(start + size, len(values)))
            near, distance = self._nearest(values[rows].astype(np.float64))
            yield rows, near, distance

    def _made(self) -> Any:
        """What searches: itself for Euclidean brute force, a tree, or nothing where all distances are taken."""
        if self.index == "kd_tree":
            from scipy.spatial import cKDTree

            return cKDTree(self.reference)
        if self.index == "ball_tree":
            from sklearn.neighbors import BallTree

            metric = "chebyshev" if np.isinf(self.power) else "minkowski"
            return BallTree(self.reference, metric=metric, **({} if np.isinf(self.power) else {"p": self.power}))
        return Brute(reference=self.reference, asked=self.asked) if self.power == 2.0 else None

    def _nearest(self, block: Floats) -> tuple[Ints, Floats]:
        """The nearest reference rows and the distances to them, shape (rows, asked) each."""
        if self.index == "kd_tree":
            distance, near = self._search.query(block, k=range(1, self.asked + 1), p=self.power)
            return near, distance
        if self.index == "ball_tree":
            distance, near = self._search.query(block, k=self.asked)
            return near, distance
        from scipy.spatial.distance import cdist

        metric, power = ("chebyshev", {}) if np.isinf(self.power) else ("minkowski", {"p": self.power})
        apart = cdist(block, self.reference, metric, **power)
        near = np.argpartition(apart, self.asked - 1, axis=1)[:, : self.asked]
        return near, np.take_along_axis(apart, near, axis=1)
