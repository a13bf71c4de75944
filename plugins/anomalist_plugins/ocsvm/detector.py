"""OneClassSVM: how far outside the region that holds most rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.sampling import draw
from anomalist.detector import check_parameter
from anomalist.errors import NotFittedError
from anomalist_plugins.ocsvm.kernels import KERNELS, Kernel
from anomalist_plugins.ocsvm.nystroem import fit_nystroem

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["OneClassSVM"]

_LEAST_OUTSIDE = 0.05
_OUTSIDE_FOR_EACH = 3.0  # the more anomalies there may be, the less the region must bend to the strangest rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Machine:
    """A fitted machine: a row scores `offset` less the weighted sum of its kernels with the anchors."""

    anchors: Floats
    weights: Floats
    offset: float
    kernel: Kernel


@dataclass(kw_only=True, eq=False)
class OneClassSVM:
    """Scores a row by how far it lies outside a smooth region around most rows (Schoelkopf et al. 2001).

    Up to `exact_rows` training rows the machine is solved exactly, and scores are those of scikit-learn with the sign
    turned. Beyond, a random sample of `rows` is used, with its kernel approximated by `anchors` of them (Nystroem;
    Williams & Seeger 2001) and a linear machine on top; `notes` says so. With a contaminated training set a large
    `nu` is the safe side: the smaller, the more the region bends to the strangest rows. Scores level off far from all
    rows.

    Attributes:
        kernel: `rbf`, `linear`, `poly` or `sigmoid`.
        nu: The share of the training rows that may lie outside, above 0 and at most 1; None: 0.05 and three times
            `trim`.
        trim: The share of the training rows that may be anomalous, from 0 to 0.3; it counts where `nu` is None.
        gamma: Factor of the kernel's distances or inner products; None is 2 / (columns * variance of the values).
        degree: The exponent of `poly`.
        coef0: What `poly` and `sigmoid` add.
        tol: When the solver stops.
        cache_mb: Memory of the exact solver for kernel values, in MB.
        exact_rows: The most training rows that are solved exactly.
        rows: The most training rows of the approximation.
        anchors: The rank of the approximation.
        seed: Where the sampling starts.

    >>> from anomalist.data.dataset import Dataset
    >>> data = Dataset.from_array(np.r_[np.linspace(0, 1, 99), 9.0][:, None])
    >>> int(OneClassSVM().fit(data).score(data).argmax())
    99
    """

    kernel: str = "rbf"
    nu: float | None = None
    trim: float = 0.25
    gamma: float | None = None
    degree: int = 3
    coef0: float = 0.0
    tol: float = 1e-3
    cache_mb: float = 200.0
    exact_rows: int = 4000
    rows: int = 20_000
    anchors: int = 500
    seed: int = 0

    _machine: _Machine | None = field(default=None, init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.kernel in KERNELS, "kernel", self.kernel, f"one of {', '.join(KERNELS)}")
        check_parameter(self.nu is None or 0 < self.nu <= 1, "nu", self.nu, "above 0 and at most 1, or None")
        check_parameter(0 <= self.trim <= 0.3, "trim", self.trim, "from 0 to 0.3")
        check_parameter(self.gamma is None or self.gamma > 0, "gamma", self.gamma, "above 0, or None")
        check_parameter(self.degree >= 1, "degree", self.degree, "a whole number of at least 1")
        check_parameter(self.tol > 0, "tol", self.tol, "above 0")
        check_parameter(self.cache_mb > 0, "cache_mb", self.cache_mb, "above 0")
        check_parameter(self.exact_rows >= 0, "exact_rows", self.exact_rows, "a whole number of at least 0")
        check_parameter(self.rows >= 1, "rows", self.rows, "a whole number of at least 1")
        check_parameter(self.anchors >= 1, "anchors", self.anchors, "a whole number of at least 1")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Solve the machine, exactly or by approximation, as the number of rows says."""
        exact = len(data) <= self.exact_rows
        rng = np.random.default_rng(self.seed)
        values, notes = (data.values, ()) if exact else draw(data, self.rows, rng, parameter="rows")
        sample = values.astype(np.float64)
        kernel = Kernel(name=self.kernel, gamma=self._scale(sample), degree=self.degree, coef0=self.coef0)
        if exact:
            self._machine = self._solve(sample, kernel)
            self._notes = notes
            return self
        rank = min(self.anchors, len(sample))
        anchors = sample[np.sort(rng.choice(len(sample), rank, replace=False))]
        weights, offset = fit_nystroem(sample, anchors, kernel, self._outside, self.tol)
        unit = self._outside * len(sample)  # libsvm's: its weights add up to nu times the rows
        self._machine = _Machine(anchors=anchors, weights=weights * unit, offset=offset * unit, kernel=kernel)
        self._notes = (
            *notes,
            f"kernel approximated from {rank:,} anchors (anchors={self.anchors}); "
            f"exact up to {self.exact_rows:,} rows (exact_rows={self.exact_rows})",
        )
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Signed depth outside the region, float64, shape (rows,); below 0 is inside.

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns than fitted on.
        """
        if self._machine is None:
            raise NotFittedError("ocsvm is not fitted: call fit first")
        machine = self._machine
        data.check_width(machine.anchors.shape[1])
        return machine.offset - machine.kernel.weighted_sum(data.values, machine.anchors, machine.weights)

    def state(self) -> State:
        """Anchors (the support vectors, where exact), their weights, and the kernel's constants."""
        if self._machine is None:
            raise NotFittedError("ocsvm is not fitted: call fit before state")
        return {
            "anchors": self._machine.anchors,
            "weights": self._machine.weights,
            "offset": self._machine.offset,
            "gamma": self._machine.kernel.gamma,
            "notes": list(self._notes),
        }

    def restore(self, state: State, /) -> Self:
        """Score again from a saved state, without scikit-learn's objects."""
        gamma = float(state["gamma"])
        self._machine = _Machine(
            anchors=state["anchors"],
            weights=state["weights"],
            offset=float(state["offset"]),
            kernel=Kernel(name=self.kernel, gamma=gamma, degree=self.degree, coef0=self.coef0),
        )
        self._notes = tuple(state["notes"])
        return self

    @property
    def _outside(self) -> float:
        return _LEAST_OUTSIDE + _OUTSIDE_FOR_EACH * self.trim if self.nu is None else self.nu

    def _scale(self, sample: Floats) -> float:
        if self.gamma is not None:
            return self.gamma
        variance = float(sample.var())
        return 2.0 / (sample.shape[1] * variance) if variance > 0 else 1.0

    def _solve(self, sample: Floats, kernel: Kernel) -> _Machine:
        # here, as it takes a second to import and large training sets do not need it
        from sklearn.svm import OneClassSVM as LibSVM

        solver = LibSVM(
            kernel=kernel.name,
            gamma=kernel.gamma,
            degree=kernel.degree,
            coef0=kernel.coef0,
            nu=self._outside,
            tol=self.tol,
            cache_size=self.cache_mb,
        )
        solver.random_state = 0  # it draws a number that it never uses, by default from numpy's global generator
        solver.fit(sample)
        return _Machine(
            anchors=solver.support_vectors_,
            weights=solver.dual_coef_[0],
            offset=float(-solver.intercept_[0]),
            kernel=kernel,
        )
