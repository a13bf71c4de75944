"""IsolationForest: how few random cuts it takes to set a row apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.sampling import drawn
from anomalist.detector import check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.isolation_forest.forest import MAX_DEPTH, Forest, average_path

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["IsolationForest"]


@dataclass(kw_only=True, eq=False)
class IsolationForest:
    """Scores a row by how few random cuts separate it from a random sample of the training rows.

    The score is 2 ** (-mean path length / average path length of an unsuccessful search), so 0.5 is ordinary and 1 is
    alone at once (Liu, Ting & Zhou, "Isolation Forest", ICDM 2008). Cuts are along one column at a time: anomalies
    that only show in a combination of columns, inside the range of each, are found late. Beyond the training range
    scores stay flat.

    Attributes:
        trees: How many trees; more trees, less noise, more time.
        subsample: How many training rows each tree sees; all of them where there are fewer.
        columns: The share of the columns that each tree sees, above 0 and at most 1.
        depth: The most cuts on one path; None is log2 of the subsample, rounded up, and at most 12.
        replace: Whether a tree may draw a row twice.
        seed: Where the randomness starts.

    >>> from anomalist.data.dataset import Dataset
    >>> data = Dataset.from_array(np.r_[np.linspace(0, 1, 99), 9.0][:, None])
    >>> int(IsolationForest().fit(data).score(data).argmax())
    99
    """

    trees: int = 100
    subsample: int = 256
    columns: float = 1.0
    depth: int | None = None
    replace: bool = False
    seed: int = 0

    _forest: Forest | None = field(default=None, init=False, repr=False)
    _width: int = field(default=0, init=False, repr=False)
    _typical: float = field(default=1.0, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.trees >= 1, "trees", self.trees, "a whole number of at least 1")
        check_parameter(self.subsample >= 2, "subsample", self.subsample, "a whole number of at least 2")
        check_parameter(0 < self.columns <= 1, "columns", self.columns, "above 0 and at most 1")
        known = self.depth is None or 1 <= self.depth <= MAX_DEPTH
        check_parameter(known, "depth", self.depth, f"a whole number from 1 to {MAX_DEPTH}, or None")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Grow the trees on random samples of the rows."""
        sample = self.subsample if self.replace else min(self.subsample, len(data))
        full = max(1, math.ceil(math.log2(max(sample, 2))))
        depth = min(full, MAX_DEPTH) if self.depth is None else self.depth
        self._width = data.width
        self._forest = Forest.grow(
            data.values,
            trees=self.trees,
            subsample=sample,
            columns=max(1, round(self.columns * data.width)),
            replace=self.replace,
            depth=depth,
            seed=self.seed,
        )
        self._typical = float(average_path(np.array([float(sample)]))[0]) or 1.0
        said = f"each of {self.trees:,} trees {drawn(sample, len(data), 'subsample')}"
        self._notes = (said,) if sample < len(data) else ()
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Anomaly score of the paper, above 0 and at most 1, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        forest = self._fitted(data)
        return np.asarray(np.exp2(-forest.path_lengths(data.values) / self._typical))

    def contributions(self, data: Dataset, /) -> Floats:
        """By how many cuts each column shortened each row's path, on average over the trees; shape (rows, columns).

        A cut is credited with the fall of the expected path length that it brought; what lengthened it counts as 0.
        """
        return np.maximum(self._fitted(data).credits(data.values), 0.0)

    def state(self) -> State:
        """The trees as arrays."""
        if self._forest is None:
            raise NotFittedError("isolation_forest is not fitted: call fit before state")
        return {
            "features": self._forest.features,
            "thresholds": self._forest.thresholds,
            "expected": self._forest.expected,
            "width": self._width,
            "typical": self._typical,
            "notes": list(self._notes),
        }

    def restore(self, state: State, /) -> Self:
        """Score again from saved trees."""
        self._forest = Forest(features=state["features"], thresholds=state["thresholds"], expected=state["expected"])
        self._width = int(state["width"])
        self._typical = float(state["typical"])
        self._notes = tuple(state["notes"])
        return self

    def _fitted(self, data: Dataset) -> Forest:
        if self._forest is None:
            raise NotFittedError("isolation_forest is not fitted: call fit first")
        data.check_width(self._width)
        return self._forest
