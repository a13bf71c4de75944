"""GaussianMixture: how improbable a row is under a few Gaussian clouds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.sampling import draw
from anomalist.detector import check_deadline, check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.gmm.mixture import Mixture, fit_mixture, log_density

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["GaussianMixture"]

_BLOCK_VALUES = 1 << 18
_ROWS_PER_COLUMN = 10
_TRIMMED_CLOUDS, _CLEAN_CLOUDS = 3, 8


@dataclass(kw_only=True, eq=False)
class GaussianMixture:
    """Scores a row by minus its log density under a mixture of Gaussian clouds, fitted to the bulk of the rows.

    The clouds maximise the likelihood of the rows that fit best, the trimmed likelihood estimator (Neykov, Filzmoser,
    Dimova & Neytchev 2007): wild rows in the training set get no cloud of their own. It sees several clusters where
    Mahalanobis distance knows one. Where all training rows are normal, more clouds see finer detail. With many columns
    and few rows it falls back to fewer clouds, in the end to one; `notes` says so.

    Attributes:
        clouds: The most clouds; never more than one for every ten rows per column. None: 3, and 8 where `trim` is 0.
        trim: The share of the training rows left out as least likely, from 0 to below 0.5.
        ridge: What is added to every variance, in units of the median variance of the columns.
        steps: The most steps of expectation maximisation.
        tol: It stops when the mean log likelihood changes by less.
        rows: The most training rows used; of more, a random sample this large.
        seed: Where the randomness starts.

    >>> from anomalist.data.dataset import Dataset
    >>> two = np.r_[np.linspace(0, 1, 100), np.linspace(9, 10, 100), 5.0]
    >>> data = Dataset.from_array(two[:, None])
    >>> int(GaussianMixture(ridge=0.001).fit(data).score(data).argmax())
    200
    """

    clouds: int | None = None
    trim: float = 0.25
    ridge: float = 0.1
    steps: int = 60
    tol: float = 1e-4
    rows: int = 5000
    seed: int = 0

    _mixture: Mixture | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        known = self.clouds is None or self.clouds >= 1
        check_parameter(known, "clouds", self.clouds, "a whole number of at least 1, or None")
        check_parameter(0 <= self.trim < 0.5, "trim", self.trim, "from 0 to below 0.5")
        check_parameter(self.ridge >= 0, "ridge", self.ridge, "at least 0")
        check_parameter(self.steps >= 1, "steps", self.steps, "a whole number of at least 1")
        check_parameter(self.tol >= 0, "tol", self.tol, "at least 0")
        check_parameter(self.rows >= 2, "rows", self.rows, "a whole number of at least 2")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Fit the clouds to the bulk of the rows."""
        rng = np.random.default_rng(self.seed)
        values, notes = draw(data, self.rows, rng, parameter="rows")
        wanted = self.clouds or (_TRIMMED_CLOUDS if self.trim else _CLEAN_CLOUDS)
        clouds = max(1, min(wanted, len(values) // (_ROWS_PER_COLUMN * data.width)))
        if clouds < wanted:
            notes += (f"{clouds} instead of {wanted} clouds: {len(values):,} rows of {data.width} columns",)
        self._mixture = fit_mixture(
            values.astype(np.float64),
            clouds=clouds,
            trim=self.trim,
            ridge=self.ridge,
            steps=self.steps,
            tol=self.tol,
            rng=rng,
        )
        self._notes = notes
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Minus the log density, in nats, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        mixture = self._fitted(data)
        score = np.empty(len(data))
        for rows, block in self._blocks(data):
            score[rows] = -log_density(mixture.log_joint(block))
        return score

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the squared distance to the row's clouds, shape (rows, columns).

        Clouds count by the row's share in them. Within a cloud a column's part is that of the whitened variable
        closest to it (Garthwaite & Koch 2016).
        """
        mixture = self._fitted(data)
        parts = np.zeros((len(data), data.width))
        for rows, block in self._blocks(data):
            joint = mixture.log_joint(block)
            share = np.exp(joint - log_density(joint))
            for cloud in range(len(mixture.logs)):
                parts[rows] += share[cloud, :, None] * mixture.whitened(block, cloud) ** 2
        return parts

    def state(self) -> State:
        """The clouds as arrays."""
        if self._mixture is None:
            raise NotFittedError("gmm is not fitted: call fit before state")
        mixture = self._mixture
        return {
            "logs": mixture.logs,
            "means": mixture.means,
            "whiteners": mixture.whiteners,
            "notes": list(self._notes),
        }

    def restore(self, state: State, /) -> Self:
        """Score again from a saved state."""
        self._mixture = Mixture(logs=state["logs"], means=state["means"], whiteners=state["whiteners"])
        self._notes = tuple(state["notes"])
        return self

    def _blocks(self, data: Dataset) -> Iterator[tuple[slice, Floats]]:
        size = max(1, _BLOCK_VALUES // data.width)
        for start in range(0, len(data), size):
            check_deadline()
            rows = slice(start, start + size)
            yield rows, data.values[rows].astype(np.float64)

    def _fitted(self, data: Dataset) -> Mixture:
        if self._mixture is None:
            raise NotFittedError("gmm is not fitted: call fit first")
        data.check_width(self._mixture.means.shape[1])
        return self._mixture
